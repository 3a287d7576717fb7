/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A task: where failures go and what they say, memory, counters, where it is. */

#include "base/ds-error.h"
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
  ds_task_init (&fixture->task, NULL, 3, 1);
  ds_task_begin (&fixture->task);
  fixture->arena = ds_arena_new (NULL);
  fixture->frame = ds_task_enter (&fixture->task, "parse", fixture->arena, NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer user_data)
{
  ds_task_leave (&fixture->task, &fixture->frame);
  ds_task_end (&fixture->task);
  ds_task_clear (&fixture->task);
  ds_arena_unref (fixture->arena);
}

static void
assert_string (DsValue value, const char *expected)
{
  g_autofree char *text = ds_value_dup_string (value);

  g_assert_true (ds_value_is (value, DS_VALUE_TYPE_STRING));
  g_assert_cmpstr (text, ==, expected);
}

static void
test_task_failure_names_its_place (Fixture *fixture, gconstpointer user_data)
{
  DsTask *task = &fixture->task;
  DsValue value = ds_value_string ("12x");

  g_test_summary ("A failure says operator, partition, batch time and value");

  task->batch_time = 5 * DS_SECOND;
  task->current = &value;
  g_assert_false (ds_task_has_failed (task));
  g_assert_true (ds_value_is_null (ds_task_fail (task, "%s is no number", "12x")));

  g_assert_true (ds_task_has_failed (task));
  g_assert_error (task->error, DS_ERROR, DS_ERROR_USER_FUNCTION);
  g_assert_cmpstr (task->error->message, ==,
                   "parse, partition 3, batch 5000 ms, value 12x: 12x is no number");
}

static void
test_task_failure_shows_a_pair (Fixture *fixture, gconstpointer user_data)
{
  DsTask *task = &fixture->task;
  DsValue key = ds_value_string ("a");
  DsValue value = ds_value_int (2);

  g_test_summary ("Outside of a stream no batch is named; a pair is shown as a tuple");

  task->current = &key;
  task->current_pair_value = &value;
  ds_task_fail_literal (task, "100% wrong");
  g_assert_cmpstr (task->error->message, ==,
                   "parse, partition 3, value (a,2): 100% wrong");
}

static void
test_task_failure_cuts_a_long_value (Fixture *fixture, gconstpointer user_data)
{
  DsTask *task = &fixture->task;
  g_autofree char *text = g_strnfill (5000, 'x');
  g_autofree char *kept = g_strnfill (150, 'x');
  DsValue value = ds_value_string (text);

  g_test_summary ("Of a value of 5,000 bytes about 200 are shown");

  task->current = &value;
  ds_task_fail_literal (task, "too long");
  g_assert_nonnull (strstr (task->error->message, kept));
  g_assert_cmpuint (strlen (task->error->message), <, 300);
  g_assert_true (g_str_has_suffix (task->error->message, ": too long"));
}

static void
test_task_first_failure_counts (Fixture *fixture, gconstpointer user_data)
{
  DsTask *task = &fixture->task;
  g_autoptr (GError) error = NULL;

  g_test_summary ("The first failure of a task is the one that is reported");

  ds_task_take_error (task,
                      g_error_new_literal (G_FILE_ERROR, G_FILE_ERROR_NOSPC, "one"));
  ds_task_fail (task, "two");
  ds_task_take_error (task, g_error_new_literal (G_FILE_ERROR, G_FILE_ERROR_IO, "three"));
  g_assert_false (ds_task_propagate_error (task, &error));
  g_assert_error (error, G_FILE_ERROR, G_FILE_ERROR_NOSPC);
  g_assert_cmpstr (error->message, ==, "parse, partition 3: one");
}

static void
test_task_wrong_type_fails_it (Fixture *fixture, gconstpointer user_data)
{
  DsTask *task = &fixture->task;

  g_test_summary ("Reading a string as an int gives 0 and fails the task");

  g_assert_cmpint (ds_value_get_int (ds_value_string ("seven")), ==, 0);
  g_assert_error (task->error, DS_ERROR, DS_ERROR_TYPE);
  g_assert_true (g_str_has_prefix (task->error->message, "parse, partition 3"));
  g_assert_nonnull (strstr (task->error->message, "int"));
  g_assert_nonnull (strstr (task->error->message, "seven"));
}

static void
test_task_inner_one_fails_alone (Fixture *fixture, gconstpointer user_data)
{
  DsTask inner;

  g_test_summary ("While a task runs inside another, failures are its own");

  ds_task_init (&inner, NULL, 0, 0);
  g_assert_true (ds_task_get_current () == &fixture->task);
  ds_task_begin (&inner);
  g_assert_true (ds_task_get_current () == &inner);
  ds_value_get_int (ds_value_null ());
  ds_task_end (&inner);
  g_assert_true (ds_task_has_failed (&inner));
  g_assert_false (ds_task_has_failed (&fixture->task));
  g_assert_true (ds_task_get_current () == &fixture->task);
  ds_task_clear (&inner);
}

static void
test_task_makes_values (Fixture *fixture, gconstpointer user_data)
{
  DsTask *task = &fixture->task;
  g_autofree char *long_text = g_strnfill (1000, 'y');
  DsValue tuple =
      ds_tuple (task, ds_value_int (1), ds_value_null (), ds_value_bool (TRUE));
  DsValue list = ds_list (task, ds_value_int (7));
  DsValue pair = ds_pair (task, ds_value_string ("k"), ds_value_double (0.5));
  g_autofree char *tuple_text = ds_value_to_string (tuple);
  g_autofree char *list_text = ds_value_to_string (list);
  g_autofree char *pair_text = ds_value_to_string (pair);

  g_test_summary ("Pairs, tuples, lists and strings lie in memory of the task");

  g_assert_cmpstr (tuple_text, ==, "(1,null,true)");
  g_assert_cmpstr (list_text, ==, "[7]");
  g_assert_cmpstr (pair_text, ==, "(k,0.5)");
  g_assert_cmpuint (ds_value_get_n_items (ds_tuple_from_items (task, NULL, 0)), ==, 0);
  g_assert_cmpuint (ds_value_get_n_items (ds_list_from_items (task, NULL, 0)), ==, 0);
  assert_string (ds_string_printf (task, "%d-%s", 5, "z"), "5-z");
  assert_string (ds_string_printf (task, "%s", long_text), long_text);
  assert_string (ds_string_dup (task, "copy"), "copy");
  g_assert_cmpstr (ds_task_strdup (task, ds_value_string_sized ("abcdef", 3)), ==, "abc");
  g_assert_cmpstr (ds_task_strdup_printf (task, "%03d", 7), ==, "007");
  g_assert_cmpuint (GPOINTER_TO_SIZE (ds_task_alloc (task, 5)) % 16, ==, 0);
  g_assert_false (ds_task_has_failed (task));
}

static void
test_task_says_where_it_is (Fixture *fixture, gconstpointer user_data)
{
  DsTask *task = &fixture->task;

  g_test_summary ("A task knows its partition, attempt, operator and batch");

  g_assert_cmpuint (ds_task_get_partition (task), ==, 3);
  g_assert_cmpuint (ds_task_get_attempt (task), ==, 1);
  g_assert_cmpstr (ds_task_get_operator (task), ==, "parse");
  g_assert_cmpint (ds_task_get_batch_time (task), ==, DS_TIME_NONE);
  g_assert_true (ds_task_is_replay (task)); /* a second attempt */
  g_assert_null (ds_task_get_output_key (task));
  g_assert_false (ds_task_is_cancelled (task));
}

static void
test_task_counts (Fixture *fixture, gconstpointer user_data)
{
  DsTask *task = &fixture->task;

  g_test_summary ("Counters of a task add up under their names");

  ds_task_count (task, "bad", 2);
  ds_task_count (task, "good", 1);
  ds_task_count (task, "bad", 3);
  g_assert_cmpint (*(gint64 *) g_hash_table_lookup (task->counters, "bad"), ==, 5);
  g_assert_cmpint (*(gint64 *) g_hash_table_lookup (task->counters, "good"), ==, 1);
}

static void
test_task_without_emitter_refuses_emission (Fixture *fixture, gconstpointer user_data)
{
  DsTask *task = &fixture->task;

  g_test_summary ("Emitting in a function that returns its result fails the task");

  ds_task_emit (task, ds_value_int (1));
  g_assert_error (task->error, DS_ERROR, DS_ERROR_USER_FUNCTION);
  g_assert_nonnull (strstr (task->error->message, "ds_task_emit"));
  ds_task_emit_pair (task, ds_value_int (1), ds_value_int (1));
  ds_task_emit_values (task, NULL, 0);
}

static void
test_task_misuse_is_a_critical (void)
{
  if (g_test_subprocess ())
    {
      ds_task_emit (NULL, ds_value_int (1));
      return;
    }
  g_test_summary ("A call without a task is a critical, not a crash");
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr ("*CRITICAL*task != NULL*");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, func) \
  g_test_add ("/rdd/task/" path, Fixture, NULL, set_up, func, tear_down)
  ADD ("failure-names-its-place", test_task_failure_names_its_place);
  ADD ("failure-shows-a-pair", test_task_failure_shows_a_pair);
  ADD ("failure-cuts-a-long-value", test_task_failure_cuts_a_long_value);
  ADD ("first-failure-counts", test_task_first_failure_counts);
  ADD ("wrong-type-fails-it", test_task_wrong_type_fails_it);
  ADD ("inner-one-fails-alone", test_task_inner_one_fails_alone);
  ADD ("makes-values", test_task_makes_values);
  ADD ("says-where-it-is", test_task_says_where_it_is);
  ADD ("counts", test_task_counts);
  ADD ("without-emitter-refuses-emission", test_task_without_emitter_refuses_emission);
#undef ADD
  g_test_add_func ("/rdd/task/misuse-is-a-critical", test_task_misuse_is_a_critical);
  return g_test_run ();
}
