/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* map_partitions, glom, and the block twins: functions that see whole partitions. */

#include "tests/rdd/ds-test-rdd.h"

static void
sum_partition (DsPartition *partition, DsTask *task, gpointer user_data)
{
  const DsValue *values;
  gsize n_values;
  gint64 sum = 0;

  while ((values = ds_partition_next (partition, &n_values)) != NULL)
    for (gsize i = 0; i < n_values; i++)
      sum += ds_value_get_int (values[i]);
  ds_task_emit_pair (task, ds_value_int (ds_task_get_partition (task)),
                     ds_value_int (sum));
}

static void
echo_partition (DsPartition *partition, DsTask *task, gpointer user_data)
{
  const DsValue *values;
  gsize n_values;

  while ((values = ds_partition_next (partition, &n_values)) != NULL)
    {
      g_assert_cmpuint (n_values, >, 0);
      g_assert_cmpuint (n_values, <=, 1024);
      for (gsize i = 0; i < n_values; i++)
        ds_task_emit (task,
                      ds_string_printf (
                          task, "%s",
                          ds_task_strdup (task, ds_to_string (values[i], task, NULL))));
    }
  g_assert_null (ds_partition_next (partition, &n_values));
  g_assert_cmpuint (n_values, ==, 0);
}

static void
fail_in_partition_one (DsPartition *partition, DsTask *task, gpointer user_data)
{
  if (ds_task_get_partition (task) == 1)
    ds_task_fail (task, "one is unlucky");
}

static void
test_map_partitions_sees_each_partition (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autoptr (DsRdd) numbers = ds_test_integers (context, 4000, 3);
  g_autoptr (DsRdd) sums = ds_rdd_map_partitions (numbers, sum_partition, NULL, NULL);
  g_autoptr (DsRdd) few = ds_test_integers (context, 2, 3);
  g_autoptr (DsRdd) few_sums = ds_rdd_map_partitions (few, sum_partition, NULL, NULL);
  gint64 expected[3] = { 0, 0, 0 };
  g_autofree char *text = NULL;

  g_test_summary ("The function is called once a partition, also for empty ones");

  for (gint64 i = 0; i < 4000; i++)
    expected[i < 1333 ? 0 : i < 2666 ? 1 : 2] += i;
  text = g_strdup_printf ("(0,%" G_GINT64_FORMAT ")\n(1,%" G_GINT64_FORMAT
                          ")\n(2,%" G_GINT64_FORMAT ")\n",
                          expected[0], expected[1], expected[2]);
  ds_test_assert_collects (sums, text);
  ds_test_assert_collects (few_sums, "(0,0)\n(1,0)\n(2,1)\n");
}

static void
test_map_partitions_reads_pairs (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local");
  g_autoptr (DsRdd) numbers = ds_test_integers (context, 3000, 1);
  g_autoptr (DsRdd) pairs = ds_rdd_map (numbers, ds_pair_with_one, NULL, NULL);
  g_autoptr (DsRdd) echoed = ds_rdd_map_partitions (pairs, echo_partition, NULL, NULL);
  g_autoptr (DsBlock) block = ds_rdd_collect (echoed, NULL);

  g_test_summary ("Pairs are read as tuples, all of them in order");

  g_assert_cmpuint (ds_block_get_length (block), ==, 3000);
  for (gsize i = 0; i < 3000; i++)
    {
      g_autofree char *expected = g_strdup_printf ("(%" G_GSIZE_FORMAT ",1)", i);

      g_assert_true (ds_value_equals_string (ds_block_get (block, i), expected));
    }
}

static void
test_map_partitions_may_fail (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local");
  g_autoptr (DsRdd) numbers = ds_test_integers (context, 4, 2);
  g_autoptr (DsRdd) failing =
      ds_rdd_map_partitions (numbers, fail_in_partition_one, NULL, NULL);

  g_test_summary ("A failure names the operator and the partition");

  ds_test_assert_fails (failing, DS_ERROR_USER_FUNCTION,
                        "map_partitions, partition 1: one is unlucky", NULL);
}

static void
test_glom_makes_lists (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autoptr (DsRdd) words =
      ds_test_parallelize (context, ds_block_new_strings ("a", "b", "c", NULL), 5);
  g_autoptr (DsRdd) lists = ds_rdd_glom (words);
  g_autoptr (DsRdd) many = ds_test_integers (context, 3000, 1);
  g_autoptr (DsRdd) list = ds_rdd_glom (many);
  g_autoptr (DsRdd) lengths = ds_rdd_map (list, ds_to_length, NULL, NULL);

  g_test_summary ("glom gives one list a partition, an empty one for an empty partition");

  ds_test_assert_collects (lists, "[]\n[a]\n[]\n[b]\n[c]\n");
  ds_test_assert_collects (lengths, "3000\n");
}

/* ---- Blocks ---- */

static DsBlock *
double_block (DsBlock *block, DsTask *task, gpointer user_data, GError **error)
{
  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
  guint *n_calls = user_data;

  ++*n_calls;
  for (gsize i = 0; i < ds_block_get_length (block); i++)
    ds_block_builder_add_int (builder, 2 * ds_value_get_int (ds_block_get (block, i)));
  return ds_block_builder_end (builder);
}

static DsBlock *
return_nothing (DsBlock *block, DsTask *task, gpointer user_data, GError **error)
{
  return NULL;
}

static DsBlock *
return_error (DsBlock *block, DsTask *task, gpointer user_data, GError **error)
{
  g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_NOENT, "no such thing");
  return NULL;
}

static void
test_map_blocks_sees_pieces (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local");
  guint n_calls = 0;
  g_autoptr (DsRdd) numbers = ds_test_integers (context, 4, 8);
  g_autoptr (DsRdd) doubled = ds_rdd_map_blocks (numbers, double_block, &n_calls, NULL);

  g_test_summary ("map_blocks is never called with an empty block");

  ds_test_assert_collects (doubled, "0\n2\n4\n6\n");
  g_assert_cmpuint (n_calls, ==, 4);
}

static void
test_map_partition_blocks_sees_partitions (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local");
  guint n_calls = 0;
  g_autoptr (DsRdd) numbers = ds_test_integers (context, 3000, 4);
  g_autoptr (DsRdd) few = ds_test_integers (context, 1, 4);
  g_autoptr (DsRdd) doubled =
      ds_rdd_map_partition_blocks (numbers, double_block, &n_calls, NULL);
  g_autoptr (DsRdd) doubled_few =
      ds_rdd_map_partition_blocks (few, double_block, &n_calls, NULL);

  g_test_summary ("map_partition_blocks is called once a partition, also an empty one");

  g_assert_cmpint (ds_rdd_count (doubled, NULL), ==, 3000);
  g_assert_cmpuint (n_calls, ==, 4);
  ds_test_assert_collects (doubled_few, "0\n");
  g_assert_cmpuint (n_calls, ==, 8);
}

static void
test_map_blocks_nothing_is_a_failure (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local");
  g_autoptr (DsRdd) numbers = ds_test_integers (context, 4, 1);
  g_autoptr (DsRdd) silent = ds_rdd_map_blocks (numbers, return_nothing, NULL, NULL);
  g_autoptr (DsRdd) silent_partition =
      ds_rdd_map_partition_blocks (numbers, return_nothing, NULL, NULL);
  g_autoptr (DsRdd) spoken = ds_rdd_map_blocks (numbers, return_error, NULL, NULL);
  g_autoptr (GError) error = NULL;

  g_test_summary ("A function that returns nothing has failed, with or without an error");

  ds_test_assert_fails (silent, DS_ERROR_USER_FUNCTION, "map_blocks, partition 0",
                        "no result", NULL);
  ds_test_assert_fails (silent_partition, DS_ERROR_USER_FUNCTION,
                        "map_partition_blocks, partition 0", "no result", NULL);
  g_assert_null (ds_rdd_collect (spoken, &error));
  g_assert_error (error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
  g_assert_cmpstr (error->message, ==, "map_blocks, partition 0: no such thing");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/rdd/map-partitions/sees-each-partition",
                   test_map_partitions_sees_each_partition);
  g_test_add_func ("/rdd/map-partitions/reads-pairs", test_map_partitions_reads_pairs);
  g_test_add_func ("/rdd/map-partitions/may-fail", test_map_partitions_may_fail);
  g_test_add_func ("/rdd/glom/makes-lists", test_glom_makes_lists);
  g_test_add_func ("/rdd/map-blocks/sees-pieces", test_map_blocks_sees_pieces);
  g_test_add_func ("/rdd/map-blocks/nothing-is-a-failure",
                   test_map_blocks_nothing_is_a_failure);
  g_test_add_func ("/rdd/map-partition-blocks/sees-partitions",
                   test_map_partition_blocks_sees_partitions);
  return g_test_run ();
}
