/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* DsShuffle itself: what stays of a map stage, for how long, and who pays for it. */

#include "tests/rdd/ds-test-shuffle.h"

#include "base/ds-block-private.h"
#include "rdd/ds-job-private.h"
#include "rdd/ds-shuffled-rdd-private.h"

static const char *
name_of_test (gpointer name)
{
  return name;
}

static void
write_map (DsShuffle *shuffle, DsContext *context, guint map_partition, DsBlock *block)
{
  DsTask *task = ds_task_new (context, map_partition, 0);
  DsSink *writer = ds_shuffle_make_writer (shuffle, map_partition, task);

  g_assert_true (ds_sink_push_block (writer, block));
  g_assert_true (ds_sink_finish (writer));
  ds_shuffle_commit_writer (shuffle, writer);
  ds_sink_free (writer);
  ds_task_free (task);
}

static DsBlock *
read_reduce (DsShuffle *shuffle, DsContext *context, guint reduce_partition)
{
  DsTask *task = ds_task_new (context, reduce_partition, 0);
  DsBlock *block = NULL;
  DsSink *sink = ds_block_sink_new (task, &block);

  g_assert_true (ds_shuffle_read (shuffle, reduce_partition, task, sink));
  g_assert_true (ds_sink_finish (sink));
  ds_sink_free (sink);
  ds_task_free (task);
  return block;
}

static DsShuffle *
make_count_shuffle (guint n_reduces, guint n_maps)
{
  static char name[] = "count";
  const DsCombine combine = { .kind = DS_COMBINE_COUNT };
  g_autoptr (DsPartitioner) partitioner = ds_partitioner_new_hash (n_reduces);
  const DsShufflePlan plan = { .combine = &combine,
                               .input = DS_SHUFFLE_VALUES_AS_KEYS,
                               .partitioner = partitioner };
  DsShuffle *shuffle = ds_shuffle_new (&plan, name_of_test, name);

  ds_shuffle_set_n_maps (shuffle, n_maps);
  return shuffle;
}

static void
test_shuffle_first_output_counts (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local");
  g_autoptr (DsShuffle) shuffle = make_count_shuffle (1, 2);
  g_autoptr (DsBlock) first = ds_block_new_strings ("a", "b", "a", NULL);
  g_autoptr (DsBlock) second = ds_block_new_strings ("b", "c", NULL);
  g_autoptr (DsBlock) counts = NULL;

  g_test_summary ("A map partition's second output is dropped; order is that of maps");

  g_assert_false (ds_shuffle_is_complete (shuffle));
  write_map (shuffle, context, 1, second);
  g_assert_true (ds_shuffle_has_map (shuffle, 1));
  g_assert_false (ds_shuffle_has_map (shuffle, 0));
  g_assert_false (ds_shuffle_is_complete (shuffle));
  write_map (shuffle, context, 0, first);
  g_assert_true (ds_shuffle_is_complete (shuffle));
  write_map (shuffle, context, 0, second);

  counts = read_reduce (shuffle, context, 0);
  ds_assert_block_in_order (counts, "(a,2)", "(b,2)", "(c,1)", NULL);
}

static void
test_shuffle_another_number_of_maps (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local");
  g_autoptr (DsShuffle) shuffle = make_count_shuffle (1, 1);
  g_autoptr (DsBlock) block = ds_block_new_strings ("a", NULL);

  g_test_summary ("Output for another number of map partitions is worth nothing");

  write_map (shuffle, context, 0, block);
  ds_shuffle_set_n_maps (shuffle, 1);
  g_assert_true (ds_shuffle_is_complete (shuffle));
  ds_shuffle_set_n_maps (shuffle, 2);
  g_assert_false (ds_shuffle_is_complete (shuffle));
  g_assert_false (ds_shuffle_has_map (shuffle, 0));
  ds_shuffle_set_n_maps (shuffle, 0);
  g_assert_true (ds_shuffle_is_complete (shuffle));
}

static void
test_shuffle_is_paid_from_the_budget (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  DsMemoryBudget *budget = ds_context_get_memory_budget (context);

  g_test_summary ("Output is taken from the memory budget as long as its RDD lives");

  for (guint n_reduces = 1; n_reduces <= 3; n_reduces += 2)
    {
      g_autoptr (DsRdd) integers = ds_test_integers (context, 10000, 4);
      g_autoptr (DsRdd) counts = ds_counted_rdd_new (integers, n_reduces);
      g_autoptr (GError) error = NULL;

      g_assert_cmpuint (ds_memory_budget_get_n_bytes (budget), ==, 0);
      g_assert_cmpint (ds_rdd_count (counts, &error), ==, 10000);
      g_assert_no_error (error);
      /* 32 bytes for a key and its count. */
      g_assert_cmpuint (ds_memory_budget_get_n_bytes (budget), >=, 320000);
      g_clear_object (&counts);
      g_assert_cmpuint (ds_memory_budget_get_n_bytes (budget), ==, 0);
    }
}

static void
test_shuffle_hands_on_hints (void)
{
  enum
  {
    N_VALUES = 5000
  };
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autoptr (DsShuffleHint) hint = ds_shuffle_hint_new ();
  g_autofree char *first = NULL;

  g_test_summary ("A hint from the last run changes nothing but speed");

  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (DsRdd) integers = ds_test_integers (context, N_VALUES, 3);
      g_autoptr (DsRdd) counts = ds_counted_rdd_new (integers, 2);
      g_autofree char *collected = NULL;

      ds_shuffled_rdd_set_hint (counts, hint);
      ds_shuffled_rdd_set_hint (integers, hint); /* takes no notice */
      collected = ds_test_collect (counts);
      if (first == NULL)
        first = g_steal_pointer (&collected);
      else
        g_assert_cmpstr (collected, ==, first);
    }
}

static DsValue
count_calls (DsValue value, DsTask *task, gpointer n_calls)
{
  g_atomic_int_inc ((gint *) n_calls);
  return value;
}

static void
test_shuffle_runs_its_maps_once (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autoptr (DsRdd) integers = ds_test_integers (context, 100, 4);
  gint n_calls = 0;
  g_autoptr (DsRdd) called = ds_rdd_map (integers, count_calls, &n_calls, NULL);
  g_autoptr (DsRdd) counts = ds_counted_rdd_new (called, 2);

  g_test_summary ("A second job on the same RDD finds the map stage done");

  g_assert_cmpint (ds_rdd_count (counts, NULL), ==, 100);
  g_assert_cmpint (ds_rdd_count (counts, NULL), ==, 100);
  g_assert_cmpint (g_atomic_int_get (&n_calls), ==, 100);
}

static void
test_shuffle_stops_early (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autoptr (DsRdd) integers = ds_test_integers (context, 100000, 4);
  g_autoptr (DsRdd) three = ds_rdd_repartition (integers, 3);
  g_autoptr (DsRdd) counts = ds_counted_rdd_new (three, 2);
  g_autoptr (GError) error = NULL;
  g_autoptr (DsBlock) of_three = ds_rdd_take (three, 2, &error);
  g_autoptr (DsBlock) of_counts = NULL;

  g_test_summary ("An action that has enough ends the reading without a failure");

  g_assert_no_error (error);
  ds_assert_block_in_order (of_three, "0", "3", NULL);
  of_counts = ds_rdd_take (counts, 1, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (ds_block_get_length (of_counts), ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/rdd/shuffle/first-output-counts", test_shuffle_first_output_counts);
  g_test_add_func ("/rdd/shuffle/another-number-of-maps",
                   test_shuffle_another_number_of_maps);
  g_test_add_func ("/rdd/shuffle/is-paid-from-the-budget",
                   test_shuffle_is_paid_from_the_budget);
  g_test_add_func ("/rdd/shuffle/hands-on-hints", test_shuffle_hands_on_hints);
  g_test_add_func ("/rdd/shuffle/runs-its-maps-once", test_shuffle_runs_its_maps_once);
  g_test_add_func ("/rdd/shuffle/stops-early", test_shuffle_stops_early);
  return g_test_run ();
}
