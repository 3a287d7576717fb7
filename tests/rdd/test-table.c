/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* DsTable against a model that is a plain array searched from its start. */

#include "rdd/ds-table-private.h"

#include "base/ds-block-private.h"
#include "base/ds-error.h"
#include "base/ds-value-private.h"

typedef enum
{
  SHAPE_SLOTS,
  SHAPE_RADIX
} Shape;

typedef struct
{
  DsTask *task;
  Shape shape;
} Fixture;

static void
fixture_set_up (Fixture *fixture, gconstpointer shape)
{
  fixture->task = ds_task_new (NULL, 3, 0);
  fixture->shape = (Shape) GPOINTER_TO_INT (shape);
  ds_task_begin (fixture->task);
}

static void
fixture_tear_down (Fixture *fixture, gconstpointer shape)
{
  ds_task_end (fixture->task);
  ds_task_free (fixture->task);
}

/* A radix table of the tests turns into partitions within its first keys, and aggregates
 * after every few records. */
static DsTable *
fixture_make_table (Fixture *fixture, const DsCombine *combine)
{
  DsTable *table = ds_table_new (combine, fixture->task, 0);

  if (fixture->shape == SHAPE_RADIX)
    ds_table_set_radix (table, 1, 3, 100 * 1024);
  else
    ds_table_set_radix (table, G_MAXSIZE, 3, 100 * 1024);
  return table;
}

/* ---- The model ---- */

typedef struct
{
  DsArena *arena;
  DsValue *keys;
  DsValue *values;
  gsize n_keys;
} Model;

static void
model_init (Model *model, gsize n_max)
{
  model->arena = ds_arena_new (NULL);
  model->keys = g_new (DsValue, n_max);
  model->values = g_new (DsValue, n_max);
  model->n_keys = 0;
}

static void
model_clear (Model *model)
{
  ds_arena_unref (model->arena);
  g_free (model->keys);
  g_free (model->values);
}

/* The value under @key, NULL with a place for it when the key is new. */
static DsValue *
model_find (Model *model, DsValue key, gboolean *is_new)
{
  for (gsize i = 0; i < model->n_keys; i++)
    if (ds_value_equal (model->keys[i], key))
      {
        *is_new = FALSE;
        return &model->values[i];
      }
  *is_new = TRUE;
  model->keys[model->n_keys] = ds_value_copy (key, model->arena);
  return &model->values[model->n_keys++];
}

static void
model_add (Model *model, DsValue key, gint64 n)
{
  gboolean is_new;
  DsValue *value = model_find (model, key, &is_new);

  *value = ds_value_int (is_new ? n : value->as.integer + n);
}

static void
model_assert_block (const Model *model, DsBlock *block)
{
  const DsValue *keys;
  const DsValue *values;
  gsize n_keys;

  ds_block_get_columns (block, &keys, &values, &n_keys);
  g_assert_cmpuint (n_keys, ==, model->n_keys);
  for (gsize i = 0; i < n_keys; i++)
    {
      g_assert_true (ds_value_equal (keys[i], model->keys[i]));
      g_assert_true (ds_value_equal (values[i], model->values[i]));
    }
}

/* ---- Inputs ---- */

/* One of every kind of key, @number telling them apart. */
static DsValue
make_key (DsArena *arena, guint number)
{
  const guint kind = number % 9;
  const guint n = number / 9;
  char *text = ds_arena_alloc (arena, 64);
  DsValue *items;

  switch (kind)
    {
    case 0:
      return ds_value_int ((gint64) n - 100);
    case 1:
      return ds_value_double ((double) n / 8);
    case 2:
      return ds_value_bool (n % 2);
    case 3:
      return ds_value_null ();
    case 4:
      return ds_value_string_sized (text, (guint32) g_snprintf (text, 64, "%u", n));
    case 5:
      return ds_value_bytes (text, (guint32) g_snprintf (text, 64, "%u", n));
    case 6:
      return ds_value_string_sized (
          text, (guint32) g_snprintf (text, 64, "a word of more than 16: %u", n));
    default:
      items = ds_arena_alloc (arena, 2 * sizeof (DsValue));
      items[0] = ds_value_int (n);
      items[1] =
          ds_value_string_sized (text, (guint32) g_snprintf (text, 64, "%u", n / 2));
      return kind == 7 ? ds_value_tuple (items, 2) : ds_value_list (items, 2);
    }
}

static const DsCombine count_combine = { .kind = DS_COMBINE_COUNT,
                                         .operator_name = "count" };
static const DsCombine add_combine = { .kind = DS_COMBINE_ADD, .operator_name = "sum" };

/* ---- Tests ---- */

static void
test_table_counts_every_type (Fixture *fixture, gconstpointer unused)
{
  enum
  {
    N_CHUNKS = 40,
    N_CHUNK = 500
  };
  g_autoptr (DsTable) table = fixture_make_table (fixture, &count_combine);
  g_autoptr (DsArena) arena = ds_arena_new (NULL);
  g_autoptr (DsBlock) block = NULL;
  Model model;

  g_test_summary (
      "Keys of every type are counted, in the order of their first insertion");

  model_init (&model, N_CHUNKS * N_CHUNK);
  for (guint i = 0; i < N_CHUNKS; i++)
    {
      DsValue keys[N_CHUNK];

      ds_arena_reset (arena);
      for (guint j = 0; j < N_CHUNK; j++)
        {
          keys[j] = make_key (arena, (guint) g_test_rand_int_range (0, 9 * 200));
          model_add (&model, keys[j], 1);
        }
      g_assert_true (ds_table_add_values (table, keys, NULL, N_CHUNK));
    }
  g_assert_cmpint (ds_table_is_radix (table), ==, fixture->shape == SHAPE_RADIX);
  block = ds_table_end (table);
  model_assert_block (&model, block);
  model_clear (&model);
}

static void
test_table_tells_types_apart (Fixture *fixture, gconstpointer unused)
{
  const DsValue items[] = { ds_value_int (1) };
  const DsValue keys[] = {
    ds_value_int (1),         ds_value_double (1.0),
    ds_value_bool (TRUE),     ds_value_string ("1"),
    ds_value_bytes ("1", 1),  ds_value_tuple (items, 1),
    ds_value_list (items, 1), ds_value_null (),
    ds_value_string (""),     ds_value_bytes ("", 0),
    ds_value_int (0),         ds_value_double (0.0),
    ds_value_bool (FALSE),    ds_value_string_sized ("\0", 1),
  };
  g_autoptr (DsTable) table = fixture_make_table (fixture, &count_combine);
  g_autoptr (DsBlock) block = NULL;
  const DsValue *counts;
  const DsValue *found;
  gsize n_keys;

  g_test_summary (
      "Values of different types are different keys, whatever they look like");

  g_assert_true (ds_table_add_values (table, keys, NULL, G_N_ELEMENTS (keys)));
  block = ds_table_end (table);
  ds_block_get_columns (block, &found, &counts, &n_keys);
  g_assert_cmpuint (n_keys, ==, G_N_ELEMENTS (keys));
  for (gsize i = 0; i < n_keys; i++)
    {
      g_assert_cmpint (found[i].type, ==, keys[i].type);
      g_assert_cmpint (counts[i].as.integer, ==, 1);
    }
}

static void
test_table_folds_zeros_and_nans (Fixture *fixture, gconstpointer unused)
{
  const union
  {
    guint64 bits;
    double number;
  } other_nan = { .bits = G_GUINT64_CONSTANT (0xfff8000000000123) };
  const DsValue keys[] = { ds_value_double (-0.0), ds_value_double (0.0),
                           ds_value_double (__builtin_nan ("")),
                           ds_value_double (other_nan.number) };
  g_autoptr (DsTable) table = fixture_make_table (fixture, &count_combine);
  g_autoptr (DsBlock) block = NULL;

  g_test_summary ("-0.0 is 0.0 and every NaN is the same NaN");

  g_assert_true (ds_table_add_values (table, keys, NULL, G_N_ELEMENTS (keys)));
  block = ds_table_end (table);
  ds_assert_block_in_order (block, "(0.0,2)", "(nan,2)", NULL);
}

static void
test_table_survives_collisions (Fixture *fixture, gconstpointer unused)
{
  enum
  {
    N_KEYS = 1000
  };
  g_autoptr (DsTable) table = fixture_make_table (fixture, &count_combine);
  g_autoptr (DsBlock) block = NULL;
  char bytes[N_KEYS][16] = { { 0 } };
  DsValue keys[N_KEYS];
  Model model;

  g_test_summary ("Keys that all have one hash are still told apart");

  /* With seeds of 0 a key that begins with eight zero bytes has hash 0. */
  ds_table_set_seeds (table, 0, 0);
  model_init (&model, N_KEYS);
  for (guint i = 0; i < N_KEYS; i++)
    {
      memcpy (bytes[i] + 8, &i, sizeof i);
      keys[i] = ds_value_bytes (bytes[i], 16);
    }
  for (guint round = 0; round < 3; round++)
    {
      for (guint i = 0; i < N_KEYS; i++)
        model_add (&model, keys[i], 1);
      g_assert_true (ds_table_add_values (table, keys, NULL, N_KEYS));
    }
  block = ds_table_end (table);
  model_assert_block (&model, block);
  model_clear (&model);
}

static void
test_table_reads_no_byte_too_many (Fixture *fixture, gconstpointer unused)
{
  enum
  {
    N_KEYS = 17
  };
  g_autoptr (DsTable) table = fixture_make_table (fixture, &count_combine);
  g_autoptr (DsBlock) block = NULL;
  char noise[N_KEYS][64];
  DsValue keys[N_KEYS];

  g_test_summary ("What lies behind a key in memory does not change it");

  for (guint round = 0; round < 4; round++)
    {
      for (guint i = 0; i < N_KEYS; i++)
        {
          memset (noise[i], (int) (0x80 + round), sizeof noise[i]);
          memset (noise[i], 'x', i);
          keys[i] = ds_value_string_sized (noise[i], i);
        }
      g_assert_true (ds_table_add_values (table, keys, NULL, N_KEYS));
    }
  g_assert_cmpuint (ds_table_get_n_keys (table), <=, N_KEYS);
  block = ds_table_end (table);
  g_assert_cmpuint (ds_block_get_length (block), ==, N_KEYS);
  for (guint i = 0; i < N_KEYS; i++)
    {
      DsValue key;
      DsValue count;

      ds_block_get_pair (block, i, &key, &count);
      g_assert_cmpuint (key.size, ==, i);
      g_assert_cmpint (count.as.integer, ==, 4);
    }
}

static void
test_table_grows (Fixture *fixture, gconstpointer unused)
{
  enum
  {
    N_KEYS = 200000,
    N_CHUNK = 1000
  };
  g_autoptr (DsTable) table = fixture_make_table (fixture, &add_combine);
  g_autoptr (DsBlock) block = NULL;
  const DsValue *keys;
  const DsValue *sums;
  gsize n_keys;

  g_test_summary ("200,000 keys, each met twice, keep their sums and their order");

  for (guint i = 0; i < 2 * N_KEYS; i += N_CHUNK)
    {
      DsValue chunk[N_CHUNK];
      DsValue ones[N_CHUNK];

      for (guint j = 0; j < N_CHUNK; j++)
        {
          /* 7919 is a prime that does not divide the number of keys. */
          chunk[j] = ds_value_int ((gint64) (i + j) * 7919 % N_KEYS);
          ones[j] = ds_value_int (i + j < N_KEYS ? 1 : 10);
        }
      g_assert_true (ds_table_add_values (table, chunk, ones, N_CHUNK));
    }
  block = ds_table_end (table);
  ds_block_get_columns (block, &keys, &sums, &n_keys);
  g_assert_cmpuint (n_keys, ==, N_KEYS);
  for (guint i = 0; i < N_KEYS; i++)
    {
      g_assert_cmpint (keys[i].as.integer, ==, (gint64) i * 7919 % N_KEYS);
      g_assert_cmpint (sums[i].as.integer, ==, 11);
    }
}

static void
test_table_adds_mixed_numbers (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (DsTable) table = fixture_make_table (fixture, &add_combine);
  g_autoptr (DsBlock) block = NULL;
  DsValue many[300];
  DsValue ones[300];
  const DsValue keys[] = { ds_value_string ("a"), ds_value_string ("b"),
                           ds_value_string ("a"), ds_value_string ("c") };
  const DsValue first[] = { ds_value_int (1), ds_value_int (2), ds_value_int (3),
                            ds_value_int (4) };
  const DsValue second[] = { ds_value_double (0.5), ds_value_int (2), ds_value_int (3),
                             ds_value_double (1.5) };

  g_test_summary ("Ints stay ints; an int and a double make a double");

  for (guint i = 0; i < G_N_ELEMENTS (many); i++)
    {
      many[i] = ds_value_string ("b");
      ones[i] = ds_value_int (1);
    }
  g_assert_true (ds_table_add_values (table, keys, first, G_N_ELEMENTS (keys)));
  g_assert_true (ds_table_add_values (table, many, ones, G_N_ELEMENTS (many)));
  g_assert_true (ds_table_add_values (table, keys, second, G_N_ELEMENTS (keys)));
  block = ds_table_end (table);
  ds_assert_block_in_order (block, "(a,7.5)", "(b,304)", "(c,5.5)", NULL);
}

static void
test_table_fails_on_overflow (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (DsTable) table = fixture_make_table (fixture, &add_combine);
  g_autoptr (DsBlock) block = NULL;
  const DsValue keys[] = { ds_value_string ("much"), ds_value_string ("much") };
  const DsValue values[] = { ds_value_int (G_MAXINT64), ds_value_int (1) };
  gboolean added;

  g_test_summary ("A sum that no longer fits fails the task and names the key");

  added = ds_table_add_values (table, keys, values, 2);
  if (added) /* radix partitions add up later */
    block = ds_table_end (table);
  g_assert_true (!added || block == NULL);
  g_assert_error (fixture->task->error, DS_ERROR, DS_ERROR_USER_FUNCTION);
  g_assert_nonnull (strstr (fixture->task->error->message, "much"));
  g_assert_nonnull (strstr (fixture->task->error->message, "9223372036854775807 + 1"));
  g_assert_nonnull (strstr (fixture->task->error->message, "sum"));
}

static DsValue
concatenate (DsValue a, DsValue b, DsTask *task, gpointer separator)
{
  gsize n_a;
  gsize n_b;
  const char *text_a = ds_value_get_string (a, &n_a);
  const char *text_b = ds_value_get_string (b, &n_b);

  return ds_string_printf (task, "%.*s%s%.*s", (int) n_a, text_a,
                           (const char *) separator, (int) n_b, text_b);
}

static DsValue
quote (DsValue value, DsTask *task, gpointer separator)
{
  gsize n_bytes;
  const char *text = ds_value_get_string (value, &n_bytes);

  return ds_string_printf (task, "<%.*s>", (int) n_bytes, text);
}

static char separator[] = "+";

static void
test_table_reduces_with_functions (Fixture *fixture, gconstpointer unused)
{
  enum
  {
    N_VALUES = 3000,
    N_KEYS = 40
  };
  const DsCombine combine = { .kind = DS_COMBINE_REDUCE,
                              .create = quote,
                              .merge_value = concatenate,
                              .merge_combiners = concatenate,
                              .user_data = separator,
                              .operator_name = "join" };
  g_autoptr (DsTable) table = fixture_make_table (fixture, &combine);
  g_autoptr (DsTable) merged = fixture_make_table (fixture, &combine);
  g_autoptr (DsArena) arena = ds_arena_new (NULL);
  g_autoptr (DsBlock) block = NULL;
  g_autoptr (DsBlock) merged_block = NULL;
  const DsValue *keys;
  const DsValue *values;
  GString *expected[N_KEYS];
  gsize n_keys;

  g_test_summary ("Strings grow by a user's function; dead ones are compacted away");

  for (guint i = 0; i < N_KEYS; i++)
    expected[i] = g_string_new (NULL);
  for (guint i = 0; i < N_VALUES; i++)
    {
      char *text = ds_arena_alloc (arena, 16);
      DsValue key = ds_value_int (i % N_KEYS);
      DsValue value =
          ds_value_string_sized (text, (guint32) g_snprintf (text, 16, "%u", i));

      g_string_append_printf (expected[i % N_KEYS], i < N_KEYS ? "<%u>" : "+%u", i);
      g_assert_true (ds_table_add_values (table, &key, &value, 1));
      if (i % 100 == 99)
        ds_arena_reset (arena);
    }
  /* 75 values of at most 5 bytes under each key: a table that never compacts would hold
   * half a MiB of dead strings. */
  if (fixture->shape == SHAPE_SLOTS)
    g_assert_cmpuint (ds_table_get_n_bytes (table), <, 300 * 1024);
  block = ds_table_end (table);
  ds_block_get_columns (block, &keys, &values, &n_keys);
  g_assert_cmpuint (n_keys, ==, N_KEYS);
  for (guint i = 0; i < N_KEYS; i++)
    {
      g_assert_cmpint (keys[i].as.integer, ==, i);
      g_assert_true (ds_value_equals_string (values[i], expected[i]->str));
    }

  /* Merging does not create again. */
  g_assert_true (ds_table_merge (merged, keys, values, n_keys));
  g_assert_true (ds_table_merge (merged, keys, values, n_keys));
  merged_block = ds_table_end (merged);
  ds_block_get_columns (merged_block, &keys, &values, &n_keys);
  g_assert_cmpuint (n_keys, ==, N_KEYS);
  for (guint i = 0; i < N_KEYS; i++)
    {
      g_autofree char *twice =
          g_strconcat (expected[i]->str, "+", expected[i]->str, NULL);

      g_assert_true (ds_value_equals_string (values[i], twice));
      g_string_free (expected[i], TRUE);
    }
}

static DsValue
fail_on_three (DsValue a, DsValue b, DsTask *task, gpointer unused)
{
  if (ds_value_get_int (b) == 3)
    return ds_task_fail (task, "no threes");
  return b;
}

static void
test_table_names_what_failed (Fixture *fixture, gconstpointer unused)
{
  const DsCombine combine = { .kind = DS_COMBINE_REDUCE,
                              .merge_value = fail_on_three,
                              .merge_combiners = fail_on_three,
                              .operator_name = "reduce_by_key" };
  g_autoptr (DsTable) table = fixture_make_table (fixture, &combine);
  g_autoptr (DsBlock) block = NULL;
  gboolean added = TRUE;

  g_test_summary ("A function that fails fails the task with operator, key and value");

  for (gint64 i = 0; i < 400 && added; i++)
    {
      const DsValue keys[] = { ds_value_int (i), ds_value_string ("k") };
      const DsValue values[] = { ds_value_int (0), ds_value_int (i == 300 ? 3 : 1) };

      added = ds_table_add_values (table, keys, values, 2);
    }
  if (added)
    block = ds_table_end (table);
  g_assert_null (block);
  g_assert_error (fixture->task->error, DS_ERROR, DS_ERROR_USER_FUNCTION);
  g_assert_nonnull (strstr (fixture->task->error->message, "no threes"));
  g_assert_nonnull (strstr (fixture->task->error->message, "reduce_by_key"));
  g_assert_nonnull (strstr (fixture->task->error->message, "(k,3)"));
}

static void
test_table_runs_known_functions (Fixture *fixture, gconstpointer unused)
{
  static const struct
  {
    DsReduceFunc func;
    const char *expected[3];
  } cases[] = {
    { ds_min, { "(a,-2)", "(b,one)", NULL } },
    { ds_max, { "(a,7)", "(b,two)", NULL } },
    { ds_add, { "(a,8)", NULL, NULL } },
    { ds_keep_first, { "(a,3)", "(b,one)", NULL } },
    { ds_keep_last, { "(a,7)", "(b,two)", NULL } },
    { ds_multiply, { "(a,-42)", NULL, NULL } },
  };
  const DsValue keys[] = { ds_value_string ("a"), ds_value_string ("a"),
                           ds_value_string ("a"), ds_value_string ("b"),
                           ds_value_string ("b") };
  const DsValue values[] = { ds_value_int (3), ds_value_int (-2), ds_value_int (7),
                             ds_value_string ("one"), ds_value_string ("two") };

  g_test_summary ("Reductions known by address give what their functions give");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const DsCombine combine = { .kind = DS_COMBINE_REDUCE,
                                  .merge_value = cases[i].func,
                                  .merge_combiners = cases[i].func,
                                  .operator_name = "reduce_by_key" };
      g_autoptr (DsTable) table = fixture_make_table (fixture, &combine);
      g_autoptr (DsBlock) block = NULL;

      g_assert_true (ds_table_add_values (table, keys, values,
                                          cases[i].expected[1] != NULL ? 5 : 3));
      block = ds_table_end (table);
      ds_assert_block_in_order (block, cases[i].expected[0], cases[i].expected[1], NULL);
    }
}

static void
test_table_groups (Fixture *fixture, gconstpointer unused)
{
  enum
  {
    N_VALUES = 5000,
    N_KEYS = 7
  };
  const DsCombine combine = { .kind = DS_COMBINE_GROUP, .operator_name = "group_by_key" };
  g_autoptr (DsTable) table = fixture_make_table (fixture, &combine);
  g_autoptr (DsTable) merged = fixture_make_table (fixture, &combine);
  g_autoptr (DsBlock) block = NULL;
  g_autoptr (DsBlock) merged_block = NULL;
  const DsValue *keys;
  const DsValue *lists;
  gsize n_keys;

  g_test_summary ("Lists hold the values of a key in the order in which they came");

  for (guint i = 0; i < N_VALUES; i++)
    {
      char text[32];
      DsValue key = ds_value_int (i % N_KEYS);
      DsValue value =
          ds_value_string_sized (text,
                                 (guint32) g_snprintf (text, sizeof text, "v%u", i));

      g_assert_true (ds_table_add_values (table, &key, &value, 1));
    }
  block = ds_table_end (table);
  ds_block_get_columns (block, &keys, &lists, &n_keys);
  g_assert_cmpuint (n_keys, ==, N_KEYS);
  g_assert_true (ds_table_merge (merged, keys, lists, n_keys));
  g_assert_true (ds_table_merge (merged, keys, lists, n_keys));
  merged_block = ds_table_end (merged);
  ds_block_get_columns (merged_block, &keys, &lists, &n_keys);
  for (guint k = 0; k < N_KEYS; k++)
    {
      const guint n_items = (N_VALUES - k + N_KEYS - 1) / N_KEYS;

      g_assert_cmpint (keys[k].as.integer, ==, k);
      g_assert_cmpuint (ds_value_get_n_items (lists[k]), ==, 2 * n_items);
      for (guint i = 0; i < 2 * n_items; i++)
        {
          char text[32];

          g_snprintf (text, sizeof text, "v%u", i % n_items * N_KEYS + k);
          g_assert_true (ds_value_equals_string (ds_value_get_item (lists[k], i), text));
        }
    }
}

static void
test_table_keeps_first (Fixture *fixture, gconstpointer unused)
{
  const DsCombine combine = { .kind = DS_COMBINE_FIRST, .operator_name = "distinct" };
  g_autoptr (DsTable) table = fixture_make_table (fixture, &combine);
  g_autoptr (DsBlock) block = NULL;

  g_test_summary ("Distinct keys come as one column, in the order of first appearance");

  for (gint64 i = 0; i < 1000; i++)
    {
      DsValue key = ds_value_int (i * i % 300);

      g_assert_true (ds_table_add_values (table, &key, NULL, 1));
    }
  g_assert_cmpint (ds_table_is_radix (table), ==, fixture->shape == SHAPE_RADIX);
  block = ds_table_end (table);
  g_assert_cmpint (ds_block_get_form (block), ==, DS_FORM_VALUES);
  {
    gint64 seen[300] = { 0 };
    gsize n_seen = 0;

    for (gint64 i = 0; i < 1000; i++)
      {
        if (seen[i * i % 300]++ > 0)
          continue;
        g_assert_cmpint (ds_block_get (block, n_seen++).as.integer, ==, i * i % 300);
      }
    g_assert_cmpuint (ds_block_get_length (block), ==, n_seen);
  }
}

static void
test_table_merges_counts (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (DsTable) table = fixture_make_table (fixture, &count_combine);
  g_autoptr (DsBlock) block = NULL;
  DsValue keys[600];
  DsValue counts[600];
  const DsValue *sums;
  const DsValue *found;
  gsize n_keys;

  g_test_summary ("Counts of other tables are added up");

  for (guint i = 0; i < 600; i++)
    {
      keys[i] = ds_value_int (i % 200);
      counts[i] = ds_value_int (i);
    }
  g_assert_true (ds_table_merge (table, keys, counts, 600));
  block = ds_table_end (table);
  ds_block_get_columns (block, &found, &sums, &n_keys);
  g_assert_cmpuint (n_keys, ==, 200);
  for (gint64 i = 0; i < 200; i++)
    {
      g_assert_cmpint (found[i].as.integer, ==, i);
      g_assert_cmpint (sums[i].as.integer, ==, i + (i + 200) + (i + 400));
    }
}

static void
test_table_is_empty (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (DsTable) table = fixture_make_table (fixture, &count_combine);
  g_autoptr (DsBlock) block = NULL;

  g_test_summary ("A table without values ends as a block without values");

  g_assert_true (ds_table_add_values (table, NULL, NULL, 0));
  block = ds_table_end (table);
  g_assert_cmpuint (ds_block_get_length (block), ==, 0);
}

static void
test_table_chooses_its_shape (void)
{
  enum
  {
    N_CHUNK = 1000
  };
  DsTask *task = ds_task_new (NULL, 0, 0);
  g_autoptr (DsTable) few_keys = ds_table_new (&count_combine, task, 0);
  g_autoptr (DsTable) many_keys = ds_table_new (&count_combine, task, 0);
  g_autoptr (DsTable) hinted = NULL;

  g_test_summary ("Only a table whose values keep bringing new keys is partitioned");

  ds_table_set_radix (few_keys, 1000, 3, 1024 * 1024);
  ds_table_set_radix (many_keys, 1000, 3, 1024 * 1024);
  for (gint64 i = 0; i < 400; i++)
    {
      DsValue few[N_CHUNK];
      DsValue many[N_CHUNK];

      for (gint64 j = 0; j < N_CHUNK; j++)
        {
          /* 20 new keys in a thousand values; nothing but new keys. */
          few[j] = ds_value_int (j < 20 ? 20 * i + j : j);
          many[j] = ds_value_int (N_CHUNK * i + j);
        }
      g_assert_true (ds_table_add_values (few_keys, few, NULL, N_CHUNK));
      g_assert_true (ds_table_add_values (many_keys, many, NULL, N_CHUNK));
    }
  g_assert_false (ds_table_is_radix (few_keys));
  g_assert_true (ds_table_is_radix (many_keys));
  ds_block_unref (ds_table_end (many_keys));

  hinted = ds_table_new (&count_combine, task, 1000 * 1000);
  g_assert_true (ds_table_is_radix (hinted));
  g_assert_cmpuint (ds_table_get_n_keys_hint (hinted), >, 256 * 1024);
  g_assert_cmpuint (ds_table_get_n_keys_hint (few_keys), <=, 1000);
  ds_task_free (task);
}

#define ADD(path, function)                                                          \
  G_STMT_START                                                                       \
  {                                                                                  \
    g_test_add ("/rdd/table/" path "/slots", Fixture, GINT_TO_POINTER (SHAPE_SLOTS), \
                fixture_set_up, function, fixture_tear_down);                        \
    g_test_add ("/rdd/table/" path "/radix", Fixture, GINT_TO_POINTER (SHAPE_RADIX), \
                fixture_set_up, function, fixture_tear_down);                        \
  }                                                                                  \
  G_STMT_END

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("counts-every-type", test_table_counts_every_type);
  ADD ("tells-types-apart", test_table_tells_types_apart);
  ADD ("folds-zeros-and-nans", test_table_folds_zeros_and_nans);
  ADD ("survives-collisions", test_table_survives_collisions);
  ADD ("reads-no-byte-too-many", test_table_reads_no_byte_too_many);
  ADD ("grows", test_table_grows);
  ADD ("adds-mixed-numbers", test_table_adds_mixed_numbers);
  ADD ("fails-on-overflow", test_table_fails_on_overflow);
  ADD ("reduces-with-functions", test_table_reduces_with_functions);
  ADD ("names-what-failed", test_table_names_what_failed);
  ADD ("runs-known-functions", test_table_runs_known_functions);
  g_test_add ("/rdd/table/groups", Fixture, GINT_TO_POINTER (SHAPE_SLOTS), fixture_set_up,
              test_table_groups, fixture_tear_down);
  ADD ("keeps-first", test_table_keeps_first);
  ADD ("merges-counts", test_table_merges_counts);
  ADD ("is-empty", test_table_is_empty);
  g_test_add_func ("/rdd/table/chooses-its-shape", test_table_chooses_its_shape);

  return g_test_run ();
}
