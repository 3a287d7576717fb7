/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The ready-made functions, each by what it makes of a value. */

#include "base/ds-error.h"
#include "rdd/ds-functions.h"
#include "rdd/ds-task-private.h"

typedef struct
{
  DsTask task;
  DsArena *arena;
  DsTaskFrame frame;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer user_data)
{
  ds_task_init (&fixture->task, NULL, 0, 0);
  ds_task_begin (&fixture->task);
  fixture->arena = ds_arena_new (NULL);
  fixture->frame = ds_task_enter (&fixture->task, "test", fixture->arena, NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer user_data)
{
  ds_task_leave (&fixture->task, &fixture->frame);
  ds_task_end (&fixture->task);
  ds_task_clear (&fixture->task);
  ds_arena_unref (fixture->arena);
}

static DsValue
string (const char *text)
{
  return ds_value_string (text);
}

#define assert_prints(fixture, value, expected)               \
  G_STMT_START                                                \
  {                                                           \
    g_autofree char *printed_ = ds_value_to_string ((value)); \
    g_assert_no_error ((fixture)->task.error);                \
    g_assert_cmpstr (printed_, ==, (expected));               \
  }                                                           \
  G_STMT_END

/* The call before has failed the task with this code; forgets it. */
static void
assert_failed (Fixture *fixture, DsError code)
{
  g_assert_error (fixture->task.error, DS_ERROR, (int) code);
  g_clear_error (&fixture->task.error);
}

/* What a flat-map function emits, each followed by "|". */
static char *
emissions (Fixture *fixture, DsFlatMapFunc func, DsValue value, gpointer user_data)
{
  DsTask *task = &fixture->task;
  g_autoptr (DsBlock) block = NULL;
  DsSink *sink = ds_block_sink_new (task, &block);
  DsEmitter *emitter = ds_emitter_new (NULL, sink);
  DsTaskFrame frame = ds_task_enter (task, "test", emitter->arena, emitter);
  GString *text = g_string_new (NULL);

  func (value, task, user_data);
  ds_task_leave (task, &frame);
  g_assert_true (ds_emitter_flush (emitter));
  g_assert_true (ds_sink_finish (sink));
  ds_emitter_free (emitter);
  ds_sink_free (sink);
  for (gsize i = 0; i < ds_block_get_length (block); i++)
    {
      g_autofree char *printed = ds_value_to_string (ds_block_get (block, i));

      g_string_append_printf (text, "%s|", printed);
    }
  return g_string_free (text, FALSE);
}

#define assert_emits(fixture, func, value, user_data, expected)                      \
  G_STMT_START                                                                       \
  {                                                                                  \
    g_autofree char *emitted_ = emissions ((fixture), (func), (value), (user_data)); \
    g_assert_cmpstr (emitted_, ==, (expected));                                      \
  }                                                                                  \
  G_STMT_END

static void
test_functions_split (Fixture *fixture, gconstpointer user_data)
{
  char semicolons[] = ",;";
  DsValue items[] = { ds_value_int (1), ds_value_null () };

  g_test_summary ("Words, lines, fields, characters and items");

  assert_emits (fixture, ds_split_words, string (" a\tb\v\fc\r\n d "), NULL, "a|b|c|d|");
  assert_emits (fixture, ds_split_words, string (" \n"), NULL, "");
  assert_emits (fixture, ds_split_words, string ("\xc2\xa0"), NULL, "\xc2\xa0|");
  assert_emits (fixture, ds_split_lines, string ("a\r\n\nb"), NULL, "a||b|");
  assert_emits (fixture, ds_split_lines, string (""), NULL, "");
  assert_emits (fixture, ds_split_fields, string ("a,,b"), NULL, "a||b|");
  assert_emits (fixture, ds_split_fields, string ("a;b,"), semicolons, "a|b||");
  assert_emits (fixture, ds_split_fields, string (""), NULL, "|");
  assert_emits (fixture, ds_split_chars, string ("a\xc3\xa4\xe2\x82\xac"), NULL,
                "a|\xc3\xa4|\xe2\x82\xac|");
  assert_emits (fixture, ds_split_chars, string (""), NULL, "");
  assert_emits (fixture, ds_items, ds_value_list (items, 2), NULL, "1|null|");
  assert_emits (fixture, ds_items, ds_value_tuple (items, 0), NULL, "");
  g_assert_no_error (fixture->task.error);

  assert_emits (fixture, ds_split_words, ds_value_int (1), NULL, "");
  assert_failed (fixture, DS_ERROR_TYPE);
  assert_emits (fixture, ds_items, string ("a"), NULL, "");
  assert_failed (fixture, DS_ERROR_TYPE);
}

static void
test_functions_map (Fixture *fixture, gconstpointer user_data)
{
  DsTask *task = &fixture->task;
  DsValue items[] = { string ("k"), ds_value_int (4) };
  DsValue pair = ds_value_tuple (items, 2);
  DsValue sum_and_count[] = { ds_value_int (7), ds_value_int (2) };
  DsValue nul = ds_value_string_sized ("a\0b", 3);
  DsValue with_nul = ds_value_list (&nul, 1);

  g_test_summary ("Pairs, lengths, cases, parsing, the mean");

  assert_prints (fixture, ds_identity (pair, task, NULL), "(k,4)");
  assert_prints (fixture, ds_pair_with_one (string ("w"), task, NULL), "(w,1)");
  assert_prints (fixture, ds_swap (pair, task, NULL), "(4,k)");
  assert_prints (fixture, ds_to_key (pair, task, NULL), "k");
  assert_prints (fixture, ds_to_value (pair, task, NULL), "4");
  assert_prints (fixture,
                 ds_to_length (string ("\xc3\xa4"
                                       "bc"),
                               task, NULL),
                 "3");
  assert_prints (fixture,
                 ds_to_length (ds_value_bytes ("\xc3\xa4"
                                               "bc",
                                               4),
                               task, NULL),
                 "4");
  assert_prints (fixture, ds_to_length (pair, task, NULL), "2");
  assert_prints (fixture, ds_to_lower (string ("AbC \xc3\x84"), task, NULL),
                 "abc \xc3\xa4");
  assert_prints (fixture, ds_to_upper (string ("aBc \xc3\xa4"), task, NULL),
                 "ABC \xc3\x84");
  assert_prints (fixture, ds_to_stripped (string ("\t a b \n"), task, NULL), "a b");
  assert_prints (fixture, ds_to_string (pair, task, NULL), "(k,4)");
  g_assert_cmpuint (ds_to_string (with_nul, task, NULL).size, ==, strlen ("[a0b]"));
  assert_prints (fixture, ds_parse_int (string ("-12"), task, NULL), "-12");
  assert_prints (fixture, ds_parse_double (string ("1.5e3"), task, NULL), "1500.0");
  assert_prints (fixture, ds_mean (ds_value_tuple (sum_and_count, 2), task, NULL), "3.5");
}

static void
test_functions_map_failures (Fixture *fixture, gconstpointer user_data)
{
  DsTask *task = &fixture->task;
  DsValue bad = string ("12x");

  g_test_summary ("Bad text and wrong types fail the task");

  /* Operators name the value in work. */
  task->current = &bad;
  ds_parse_int (bad, task, NULL);
  task->current = NULL;
  g_assert_true (ds_task_has_failed (task));
  g_assert_nonnull (strstr (task->error->message, "12x"));
  g_clear_error (&task->error);
  ds_parse_double (string (""), task, NULL);
  g_assert_true (ds_task_has_failed (task));
  g_clear_error (&task->error);
  ds_swap (ds_value_int (1), task, NULL);
  assert_failed (fixture, DS_ERROR_TYPE);
  ds_to_key (string ("ab"), task, NULL);
  assert_failed (fixture, DS_ERROR_TYPE);
  ds_to_lower (ds_value_int (1), task, NULL);
  assert_failed (fixture, DS_ERROR_TYPE);
  ds_to_length (ds_value_int (1), task, NULL);
  assert_failed (fixture, DS_ERROR_TYPE);
}

static void
test_functions_reduce (Fixture *fixture, gconstpointer user_data)
{
  DsTask *task = &fixture->task;
  DsValue two = ds_value_int (2);
  DsValue three = ds_value_int (3);
  DsValue half = ds_value_double (0.5);
  DsValue a[] = { two, half };
  DsValue b[] = { three, two };
  DsValue tuple = ds_value_tuple (a, 2);
  DsValue other = ds_value_tuple (b, 2);

  g_test_summary ("Sums, differences, products; least, greatest, first and last");

  assert_prints (fixture, ds_add (two, three, task, NULL), "5");
  assert_prints (fixture, ds_add (two, half, task, NULL), "2.5");
  assert_prints (fixture, ds_add (tuple, other, task, NULL), "(5,2.5)");
  assert_prints (fixture, ds_subtract (two, three, task, NULL), "-1");
  assert_prints (fixture, ds_subtract (tuple, other, task, NULL), "(-1,-1.5)");
  assert_prints (fixture, ds_multiply (two, three, task, NULL), "6");
  assert_prints (fixture, ds_multiply (half, half, task, NULL), "0.25");
  assert_prints (fixture, ds_min (three, two, task, NULL), "2");
  assert_prints (fixture, ds_max (three, half, task, NULL), "3");
  assert_prints (fixture, ds_min (string ("b"), string ("ab"), task, NULL), "ab");
  assert_prints (fixture, ds_max (string ("b"), string ("ab"), task, NULL), "b");
  assert_prints (fixture, ds_keep_first (two, three, task, NULL), "2");
  assert_prints (fixture, ds_keep_last (two, three, task, NULL), "3");
}

static void
test_functions_reduce_failures (Fixture *fixture, gconstpointer user_data)
{
  DsTask *task = &fixture->task;
  DsValue largest = ds_value_int (G_MAXINT64);
  DsValue smallest = ds_value_int (G_MININT64);
  DsValue one = ds_value_int (1);
  DsValue items[] = { one, one };

  g_test_summary ("Overflow and what cannot be added fail the task");

  ds_add (largest, one, task, NULL);
  assert_failed (fixture, DS_ERROR_USER_FUNCTION);
  ds_subtract (smallest, one, task, NULL);
  assert_failed (fixture, DS_ERROR_USER_FUNCTION);
  ds_multiply (largest, ds_value_int (2), task, NULL);
  assert_failed (fixture, DS_ERROR_USER_FUNCTION);
  ds_add (one, string ("1"), task, NULL);
  assert_failed (fixture, DS_ERROR_TYPE);
  ds_add (ds_value_tuple (items, 2), ds_value_tuple (items, 1), task, NULL);
  assert_failed (fixture, DS_ERROR_TYPE);
  ds_add (ds_value_null (), one, task, NULL);
  assert_failed (fixture, DS_ERROR_TYPE);
}

static void
test_functions_filter (Fixture *fixture, gconstpointer user_data)
{
  DsTask *task = &fixture->task;
  char part[] = "err";
  DsValue zero[] = { string ("k"), ds_value_int (0) };
  DsValue one[] = { string ("k"), ds_value_int (1) };

  g_test_summary ("Conditions");

  g_assert_true (ds_is_not_empty (string (" "), task, NULL));
  g_assert_false (ds_is_not_empty (string (""), task, NULL));
  g_assert_true (ds_is_not_null (ds_value_int (0), task, NULL));
  g_assert_false (ds_is_not_null (ds_value_null (), task, NULL));
  g_assert_true (ds_contains (string ("an err"), task, part));
  g_assert_false (ds_contains (string ("er"), task, part));
  g_assert_true (ds_has_prefix (string ("error"), task, part));
  g_assert_false (ds_has_prefix (string ("an err"), task, part));
  g_assert_true (ds_is_nonzero_pair (ds_value_tuple (one, 2), task, NULL));
  g_assert_false (ds_is_nonzero_pair (ds_value_tuple (zero, 2), task, NULL));
  g_assert_no_error (task->error);

  ds_is_nonzero_pair (ds_value_int (1), task, NULL);
  assert_failed (fixture, DS_ERROR_TYPE);
  ds_contains (ds_value_int (1), task, part);
  assert_failed (fixture, DS_ERROR_TYPE);
  g_assert_false (ds_contains (string ("an err"), task, NULL));
  assert_failed (fixture, DS_ERROR_INVALID_ARGUMENT);
  g_assert_false (ds_has_prefix (string ("error"), task, NULL));
  assert_failed (fixture, DS_ERROR_INVALID_ARGUMENT);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, func) \
  g_test_add ("/rdd/functions/" path, Fixture, NULL, set_up, func, tear_down)
  ADD ("split", test_functions_split);
  ADD ("map", test_functions_map);
  ADD ("map-failures", test_functions_map_failures);
  ADD ("reduce", test_functions_reduce);
  ADD ("reduce-failures", test_functions_reduce_failures);
  ADD ("filter", test_functions_filter);
#undef ADD
  return g_test_run ();
}
