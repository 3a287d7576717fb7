/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Actions: collect, count, first, take, is_empty, reduce, the foreach family. */

#include "tests/rdd/ds-test-rdd.h"

#include "rdd/ds-job-private.h"
#include "rdd/ds-rdd-private.h"

static void
count_chunk (const DsValue *values, gsize n_values, DsTask *task, gpointer user_data)
{
  g_atomic_int_add ((gint *) user_data, (gint) n_values);
  ds_task_emit_values (task, values, n_values);
}

static DsValue
concatenate (DsValue a, DsValue b, DsTask *task, gpointer user_data)
{
  return ds_string_printf (task, "%s%s", ds_task_strdup (task, a),
                           ds_task_strdup (task, b));
}

static DsValue
keep_longer (DsValue a, DsValue b, DsTask *task, gpointer user_data)
{
  return b.size > a.size ? b : a;
}

static void
assert_empty_error (GError *error)
{
  g_assert_error (error, DS_ERROR, DS_ERROR_EMPTY);
  g_error_free (error);
}

/* ---- Bringing values ---- */

static void
test_collect_mixes_forms (gconstpointer master)
{
  g_autoptr (DsTestContext) context = ds_test_context_new (master);
  g_autoptr (DsRdd) words =
      ds_test_parallelize (context, ds_block_new_strings ("a", "b", NULL), 2);
  g_autoptr (DsRdd) pairs = ds_rdd_map (words, ds_pair_with_one, NULL, NULL);
  g_autoptr (DsRdd) mixed = ds_rdd_union (pairs, words);

  g_test_summary ("Partitions of pairs and of single values come together in order");

  ds_test_assert_collects (pairs, "(a,1)\n(b,1)\n");
  ds_test_assert_collects (mixed, "(a,1)\n(b,1)\na\nb\n");
}

static void
test_count_counts (gconstpointer master)
{
  g_autoptr (DsTestContext) context = ds_test_context_new (master);
  g_autoptr (DsRdd) numbers = ds_test_integers (context, 12345, 7);
  g_autoptr (DsRdd) pairs = ds_rdd_map (numbers, ds_pair_with_one, NULL, NULL);
  g_autoptr (DsRdd) empty = ds_context_empty (context);
  g_autoptr (DsRdd) wrong = ds_rdd_keys (numbers);
  g_autoptr (GError) error = NULL;

  g_test_summary ("count counts values and pairs; -1 is an error");

  g_assert_cmpint (ds_rdd_count (numbers, NULL), ==, 12345);
  g_assert_cmpint (ds_rdd_count (pairs, NULL), ==, 12345);
  g_assert_cmpint (ds_rdd_count (empty, NULL), ==, 0);
  g_assert_cmpint (ds_rdd_count (wrong, &error), ==, -1);
  g_assert_error (error, DS_ERROR, DS_ERROR_TYPE);
}

static void
test_take_looks_no_further (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local");
  gint n_seen = 0;
  g_autoptr (DsRdd) numbers = ds_test_integers (context, 100000, 100);
  g_autoptr (DsRdd) watched = ds_rdd_map_chunks (numbers, count_chunk, &n_seen, NULL);
  g_autoptr (DsBlock) three = ds_rdd_take (watched, 3, NULL);
  g_autoptr (DsBlock) many = NULL;
  g_autoptr (DsBlock) none = NULL;

  g_test_summary (
      "take reads one partition, then four times more, and no chunk too many");

  ds_assert_block_in_order (three, "0", "1", "2", NULL);
  g_assert_cmpint (n_seen, <=, 1000);

  n_seen = 0;
  many = ds_rdd_take (watched, 1500, NULL);
  g_assert_cmpuint (ds_block_get_length (many), ==, 1500);
  for (gsize i = 0; i < 1500; i++)
    g_assert_cmpint (ds_value_get_int (ds_block_get (many, i)), ==, (gint64) i);
  g_assert_cmpint (n_seen, <=, 6000);

  n_seen = 0;
  none = ds_rdd_take (watched, 0, NULL);
  g_assert_cmpuint (ds_block_get_length (none), ==, 0);
  g_assert_cmpint (n_seen, ==, 0);
}

static void
test_take_of_less_gives_all (gconstpointer master)
{
  g_autoptr (DsTestContext) context = ds_test_context_new (master);
  g_autoptr (DsRdd) numbers = ds_test_integers (context, 3, 9);
  g_autoptr (DsBlock) all = ds_rdd_take (numbers, 100, NULL);
  g_autoptr (DsRdd) empty = ds_context_empty (context);
  g_autoptr (DsBlock) none = ds_rdd_take (empty, 5, NULL);

  g_test_summary ("Taking more than there is gives what there is, in order");

  ds_assert_block_in_order (all, "0", "1", "2", NULL);
  g_assert_cmpuint (ds_block_get_length (none), ==, 0);
}

static void
test_first_and_is_empty (gconstpointer master)
{
  g_autoptr (DsTestContext) context = ds_test_context_new (master);
  g_autoptr (DsRdd) numbers = ds_test_integers (context, 1, 4);
  g_autoptr (DsRdd) nothing = ds_test_integers (context, 0, 4);
  g_autoptr (DsRdd) empty = ds_context_empty (context);
  g_autoptr (DsBlock) first = ds_rdd_first (numbers, NULL);
  GError *error = NULL;
  gboolean is_empty = TRUE;

  g_test_summary ("first finds the only value in the last partition; of none, an error");

  ds_assert_block_in_order (first, "0", NULL);
  g_assert_null (ds_rdd_first (nothing, &error));
  assert_empty_error (g_steal_pointer (&error));
  g_assert_null (ds_rdd_first (empty, &error));
  assert_empty_error (g_steal_pointer (&error));

  g_assert_true (ds_rdd_is_empty (numbers, &is_empty, NULL));
  g_assert_false (is_empty);
  g_assert_true (ds_rdd_is_empty (nothing, &is_empty, NULL));
  g_assert_true (is_empty);
  g_assert_true (ds_rdd_is_empty (empty, &is_empty, NULL));
  g_assert_true (is_empty);
}

/* ---- Reducing ---- */

static void
test_reduce_goes_in_order (gconstpointer master)
{
  g_autoptr (DsTestContext) context = ds_test_context_new (master);
  g_autoptr (DsRdd) numbers = ds_test_integers (context, 100000, 7);
  g_autoptr (DsBlock) sum = ds_rdd_reduce (numbers, ds_add, NULL, NULL);
  g_autoptr (DsRdd) letters =
      ds_test_parallelize (context,
                           ds_block_new_strings ("a", "b", "c", "d", "e", "f", "g", NULL),
                           3);
  g_autoptr (DsBlock) word = ds_rdd_reduce (letters, concatenate, NULL, NULL);
  g_autoptr (DsRdd) one = ds_test_integers (context, 1, 5);
  g_autoptr (DsBlock) same = ds_rdd_reduce (one, ds_add, NULL, NULL);

  g_test_summary ("Sums, and strings put together in order, from several partitions");

  ds_assert_block_in_order (sum, "4999950000", NULL);
  ds_assert_block_in_order (word, "abcdefg", NULL);
  ds_assert_block_in_order (same, "0", NULL);
}

static void
test_reduce_keeps_long_values (gconstpointer master)
{
  g_autoptr (DsTestContext) context = ds_test_context_new (master);
  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
  g_autoptr (GString) longest = g_string_new (NULL);
  g_autoptr (DsRdd) texts = NULL;
  g_autoptr (DsRdd) numbers = ds_test_integers (context, 5000, 2);
  g_autoptr (DsRdd) digits = ds_rdd_map (numbers, ds_to_string, NULL, NULL);
  g_autoptr (DsBlock) found = NULL;
  g_autoptr (DsBlock) joined = NULL;
  g_autoptr (GString) expected = g_string_new (NULL);
  gsize n_bytes;

  g_test_summary ("A result may be an input of long ago, or grow to many kilobytes");

  for (guint i = 0; i < 3000; i++)
    {
      g_autofree char *text =
          g_strdup_printf ("%*u", (int) (i == 1234 ? 500 : i % 50), i);

      ds_block_builder_add_string (builder, text);
      if (i == 1234)
        g_string_assign (longest, text);
    }
  texts = ds_test_parallelize (context, ds_block_builder_end (builder), 2);
  found = ds_rdd_reduce (texts, keep_longer, NULL, NULL);
  g_assert_true (ds_value_equals_string (ds_block_get (found, 0), longest->str));

  for (guint i = 0; i < 5000; i++)
    g_string_append_printf (expected, "%u", i);
  joined = ds_rdd_reduce (digits, concatenate, NULL, NULL);
  g_assert_nonnull (ds_value_get_string (ds_block_get (joined, 0), &n_bytes));
  g_assert_cmpuint (n_bytes, ==, expected->len);
  g_assert_true (ds_value_equals_string (ds_block_get (joined, 0), expected->str));
}

static DsValue
fail_to_reduce (DsValue a, DsValue b, DsTask *task, gpointer user_data)
{
  return ds_task_fail (task, "cannot add");
}

static void
test_reduce_fails (gconstpointer master)
{
  g_autoptr (DsTestContext) context = ds_test_context_new (master);
  g_autoptr (DsRdd) nothing = ds_test_integers (context, 0, 3);
  g_autoptr (DsRdd) within = ds_test_integers (context, 4, 1);
  g_autoptr (DsRdd) across = ds_test_integers (context, 2, 2);
  GError *error = NULL;

  g_test_summary (
      "Nothing has no reduction; failures within and across partitions count");

  g_assert_null (ds_rdd_reduce (nothing, ds_add, NULL, &error));
  assert_empty_error (g_steal_pointer (&error));
  g_assert_null (ds_rdd_reduce (within, fail_to_reduce, NULL, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_USER_FUNCTION);
  g_assert_cmpstr (error->message, ==, "reduce, partition 0, value 1: cannot add");
  g_clear_error (&error);
  g_assert_null (ds_rdd_reduce (across, fail_to_reduce, NULL, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_USER_FUNCTION);
  g_assert_cmpstr (error->message, ==, "reduce, partition 1, value 1: cannot add");
  g_clear_error (&error);
}

static DsValue
count_and_add (DsValue a, DsValue b, DsTask *task, gpointer user_data)
{
  g_assert_cmpint (ds_task_get_batch_time (task), ==, 3 * DS_SECOND);
  g_assert_true (ds_task_is_replay (task));
  ds_task_count (task, "additions", 1);
  return ds_add (a, b, task, NULL);
}

static void
test_reduce_knows_its_batch_everywhere (gconstpointer master)
{
  g_autoptr (DsTestContext) context = ds_test_context_new (master);
  g_autoptr (DsRdd) numbers = ds_test_integers (context, 10, 5);
  g_autoptr (GError) error = NULL;
  g_autoptr (DsBlock) sum = NULL;
  DsJobScope scope = { .batch_time = 3 * DS_SECOND, .is_replay = TRUE };

  g_test_summary ("The function counts and knows its batch also where the results of "
                  "partitions meet");

  ds_job_scope_push (&scope);
  sum = ds_rdd_reduce (numbers, count_and_add, NULL, &error);
  ds_job_scope_pop (&scope);
  g_assert_no_error (error);
  g_assert_cmpint (ds_value_get_int (ds_block_get (sum, 0)), ==, 45);
  g_assert_cmpint (ds_context_get_counter (context, "additions"), ==, 9);
}

/* ---- For effects ---- */

static void
add_to_sum (DsValue value, DsTask *task, gpointer user_data)
{
  g_atomic_int_add ((gint *) user_data, (gint) ds_value_get_int (value));
}

static void
sum_partition (DsPartition *partition, DsTask *task, gpointer user_data)
{
  const DsValue *values;
  gsize n_values;

  ds_task_count (task, "partitions", 1);
  while ((values = ds_partition_next (partition, &n_values)) != NULL)
    for (gsize i = 0; i < n_values; i++)
      add_to_sum (values[i], task, user_data);
}

static gboolean
sum_block (DsBlock *block, DsTask *task, gpointer user_data, GError **error)
{
  ds_task_count (task, "blocks", 1);
  for (gsize i = 0; i < ds_block_get_length (block); i++)
    add_to_sum (ds_block_get (block, i), task, user_data);
  return TRUE;
}

static void
test_foreach_sees_everything_once (gconstpointer master)
{
  g_autoptr (DsTestContext) context = ds_test_context_new (master);
  g_autoptr (DsRdd) numbers = ds_test_integers (context, 1000, 7);
  gint sums[3] = { 0, 0, 0 };
  g_autoptr (GError) error = NULL;

  g_test_summary ("foreach, by value, by partition and by block, sees each value once");

  g_assert_true (ds_rdd_foreach (numbers, add_to_sum, &sums[0], &error));
  g_assert_true (ds_rdd_foreach_partition (numbers, sum_partition, &sums[1], &error));
  g_assert_true (ds_rdd_foreach_partition_block (numbers, sum_block, &sums[2], &error));
  g_assert_no_error (error);
  for (guint i = 0; i < 3; i++)
    g_assert_cmpint (sums[i], ==, 499500);
  g_assert_cmpint (ds_context_get_counter (context, "partitions"), ==, 7);
  g_assert_cmpint (ds_context_get_counter (context, "blocks"), ==, 7);
}

static void
fail_at_three (DsValue value, DsTask *task, gpointer user_data)
{
  if (ds_value_get_int (value) == 3)
    ds_task_fail (task, "three");
}

static void
emit_in_vain (DsPartition *partition, DsTask *task, gpointer user_data)
{
  ds_task_emit (task, ds_value_null ());
}

static gboolean
return_false (DsBlock *block, DsTask *task, gpointer user_data, GError **error)
{
  return FALSE;
}

static void
test_foreach_fails (gconstpointer master)
{
  g_autoptr (DsTestContext) context = ds_test_context_new (master);
  g_autoptr (DsRdd) numbers = ds_test_integers (context, 8, 2);
  g_autoptr (DsRdd) one = ds_test_integers (context, 1, 1);
  GError *error = NULL;

  g_test_summary ("Failures name the action; foreach_partition has nowhere to emit to");

  g_assert_false (ds_rdd_foreach (numbers, fail_at_three, NULL, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_USER_FUNCTION);
  g_assert_cmpstr (error->message, ==, "foreach, partition 0, value 3: three");
  g_clear_error (&error);
  g_assert_false (ds_rdd_foreach_partition (one, emit_in_vain, NULL, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_USER_FUNCTION);
  g_assert_true (g_str_has_prefix (error->message, "foreach_partition, partition 0: "));
  g_clear_error (&error);
  g_assert_false (ds_rdd_foreach_partition_block (one, return_false, NULL, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_USER_FUNCTION);
  g_assert_true (
      g_str_has_prefix (error->message, "foreach_partition_block, partition 0: "));
  g_clear_error (&error);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *path;
    GTestDataFunc func;
  } tests[] = { { "collect/mixes-forms", test_collect_mixes_forms },
                { "count/counts", test_count_counts },
                { "take/of-less-gives-all", test_take_of_less_gives_all },
                { "first/and-is-empty", test_first_and_is_empty },
                { "reduce/goes-in-order", test_reduce_goes_in_order },
                { "reduce/keeps-long-values", test_reduce_keeps_long_values },
                { "reduce/fails", test_reduce_fails },
                { "reduce/knows-its-batch-everywhere",
                  test_reduce_knows_its_batch_everywhere },
                { "foreach/sees-everything-once", test_foreach_sees_everything_once },
                { "foreach/fails", test_foreach_fails } };
  static const char *const masters[] = { "local", "local[4]", "loopback[2]" };

  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    for (guint j = 0; j < G_N_ELEMENTS (masters); j++)
      {
        g_autofree char *path =
            g_strdup_printf ("/rdd/%s/on-%s", tests[i].path, masters[j]);

        g_test_add_data_func (path, masters[j], tests[i].func);
      }
  g_test_add_func ("/rdd/take/looks-no-further", test_take_looks_no_further);
  return g_test_run ();
}
