/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* reduce_by_key_blocks: blocks of pairs in, blocks of pairs out. */

#include "tests/rdd/ds-test-shuffle.h"

static const char *const lines[] = { "b 1", "a 2", "b 3", "a 4", "b 5", NULL };

/* Sums by key in a plain loop; notes how often it was called. */
static DsBlock *
add_by_key (DsBlock *block, DsTask *task, gpointer user_data, GError **error)
{
  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
  const gsize n = ds_block_get_length (block);
  DsTestModel model;

  g_assert_cmpuint (n, >, 0);
  g_atomic_int_inc ((gint *) user_data);
  ds_test_model_init (&model, n + 1);
  for (gsize i = 0; i < n; i++)
    {
      DsValue key;
      DsValue value;
      DsValue *sum;

      ds_block_get_pair (block, i, &key, &value);
      sum = ds_test_model_find (&model, key);
      *sum = ds_value_int (ds_value_get_int_or (*sum, 0) + ds_value_get_int (value));
    }
  for (gsize i = 0; i < model.n_keys; i++)
    ds_block_builder_add_pair (builder, model.keys[i], model.values[i]);
  ds_test_model_clear (&model);
  return ds_block_builder_end (builder);
}

static void
test_reduce_by_key_blocks (void)
{
  g_test_summary ("Once a partition before the exchange and after it, never for nothing");

  for (gsize i = 0; i < G_N_ELEMENTS (ds_test_masters); i++)
    {
      g_autoptr (DsTestContext) context = ds_test_context_new (ds_test_masters[i]);
      gint n_calls = 0;
      g_autoptr (DsRdd) pairs = ds_test_pairs (context, lines, 7);
      g_autoptr (DsRdd) sums =
          ds_rdd_reduce_by_key_blocks (pairs, add_by_key, &n_calls, NULL);
      g_autoptr (DsRdd) doubled = NULL;

      ds_rdd_set_n_partitions (sums, 1);
      doubled = ds_rdd_reduce_by_key_blocks (sums, add_by_key, &n_calls, NULL);
      ds_test_assert_collects_sorted (sums, "(a,6)\n(b,9)\n");
      g_assert_cmpint (n_calls, ==, 6);
      ds_test_assert_collects_sorted (doubled, "(a,6)\n(b,9)\n");
      g_assert_cmpuint (ds_rdd_get_n_partitions (doubled), ==, 1);
    }
}

static void
test_reduce_by_key_blocks_options (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  gint n_calls = 0;
  g_autoptr (DsPartitioner) partitioner = ds_partitioner_new_hash (5);
  g_autoptr (DsRdd) pairs = ds_test_pairs (context, lines, 2);
  g_autoptr (DsRdd) sums =
      ds_rdd_reduce_by_key_blocks (pairs, add_by_key, &n_calls, NULL);
  g_autoptr (DsRdd) joined = NULL;

  g_test_summary (
      "Its partitioner is the result's: a join with the same one moves nothing");

  ds_rdd_set_partitioner (sums, partitioner);
  joined = ds_rdd_join (sums, sums);
  g_assert_cmpuint (ds_rdd_get_n_partitions (sums), ==, 5);
  ds_test_assert_collects_sorted (joined, "(a,(6,6))\n(b,(9,9))\n");
  g_assert_cmpuint (ds_rdd_get_n_partitions (joined), ==, 5);
}

static DsBlock *
give_nothing (DsBlock *block, DsTask *task, gpointer user_data, GError **error)
{
  return NULL;
}

static void
note_end (gpointer flag)
{
  *(gboolean *) flag = TRUE;
}

static void
test_reduce_by_key_blocks_failures (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  gboolean is_over = FALSE;
  gint n_calls = 0;

  g_test_summary ("A function that gives nothing has failed; values that are no pairs");

  {
    g_autoptr (DsRdd) pairs = ds_test_pairs (context, lines, 2);
    g_autoptr (DsRdd) integers = ds_test_integers (context, 3, 1);
    g_autoptr (DsRdd) failing =
        ds_rdd_reduce_by_key_blocks (pairs, give_nothing, &is_over, note_end);
    g_autoptr (DsRdd) no_pairs =
        ds_rdd_reduce_by_key_blocks (integers, add_by_key, &n_calls, NULL);

    ds_test_assert_fails (failing, DS_ERROR_USER_FUNCTION, "reduce_by_key_blocks", NULL);
    ds_test_assert_fails (no_pairs, DS_ERROR_TYPE, "reduce_by_key_blocks", "pair", NULL);
    g_assert_false (is_over);
  }
  g_assert_true (is_over);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/rdd/reduce-by-key-blocks/reduces", test_reduce_by_key_blocks);
  g_test_add_func ("/rdd/reduce-by-key-blocks/options",
                   test_reduce_by_key_blocks_options);
  g_test_add_func ("/rdd/reduce-by-key-blocks/failures",
                   test_reduce_by_key_blocks_failures);

  return g_test_run ();
}
