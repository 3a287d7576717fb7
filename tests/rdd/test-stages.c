/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Map stages: run once, tried again, shared by jobs, given up with the job. */

#include "tests/rdd/ds-test-rdd.h"

#include "rdd/ds-rdd-private.h"

static DsValue
count_call (DsValue value, DsTask *task, gpointer user_data)
{
  g_atomic_int_inc ((gint *) user_data);
  return ds_value_int (ds_value_get_int (value) % 10);
}

static DsRdd *
count_digits (DsRdd *numbers, DsMapFunc func, gpointer user_data)
{
  g_autoptr (DsRdd) digits = ds_rdd_map (numbers, func, user_data, NULL);
  g_autoptr (DsRdd) pairs = ds_rdd_map (digits, ds_pair_with_one, NULL, NULL);
  DsRdd *counts = ds_rdd_reduce_by_key (pairs, ds_add, NULL, NULL);

  ds_rdd_set_n_partitions (counts, 3);
  return counts;
}

static void
assert_digits (DsRdd *counts, gint64 n_each)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DsBlock) block = ds_rdd_collect (counts, &error);
  g_autoptr (DsBlock) sorted = NULL;

  g_assert_no_error (error);
  sorted = ds_block_sort (block);
  g_assert_cmpuint (ds_block_get_length (sorted), ==, 10);
  for (gsize i = 0; i < 10; i++)
    {
      DsValue key;
      DsValue value;

      ds_block_get_pair (sorted, i, &key, &value);
      g_assert_cmpint (ds_value_get_int (key), ==, (gint64) i);
      g_assert_cmpint (ds_value_get_int (value), ==, n_each);
    }
}

static void
test_stages_map_side_runs_once (gconstpointer master)
{
  g_autoptr (DsTestContext) context = ds_test_context_new (master);
  gint n_calls = 0;
  g_autoptr (DsRdd) numbers = ds_test_integers (context, 50000, 5);
  g_autoptr (DsRdd) counts = count_digits (numbers, count_call, &n_calls);
  g_autoptr (DsRdd) both = ds_rdd_union (counts, counts);

  g_test_summary ("A second job, and a second branch, find the map stage done");

  assert_digits (counts, 5000);
  g_assert_cmpint (n_calls, ==, 50000);
  assert_digits (counts, 5000);
  g_assert_cmpint (ds_rdd_count (both, NULL), ==, 20);
  g_assert_cmpint (n_calls, ==, 50000);
}

typedef struct
{
  gint n_calls;
  gint n_failures;
} Flaky;

static DsValue
fail_in_the_middle (DsValue value, DsTask *task, gpointer user_data)
{
  Flaky *flaky = user_data;

  if (ds_value_get_int (value) == 25000 &&
      g_atomic_int_add (&flaky->n_calls, 1) < flaky->n_failures)
    return ds_task_fail (task, "half way");
  return ds_value_int (ds_value_get_int (value) % 10);
}

static void
test_stages_failed_map_task_is_tried_again (gconstpointer master)
{
  g_autoptr (DsTestContext) context = ds_test_context_new (master);
  Flaky flaky = { .n_failures = 2 };
  g_autoptr (DsRdd) numbers = ds_test_integers (context, 50000, 5);
  g_autoptr (DsRdd) counts = count_digits (numbers, fail_in_the_middle, &flaky);

  g_test_summary ("What a failed map task wrote counts for nothing");

  g_object_set (context, "max-task-failures", 3, NULL);
  assert_digits (counts, 5000);
  g_assert_cmpint (flaky.n_calls, ==, 3);
}

static void
test_stages_failed_stage_can_be_run_again (gconstpointer master)
{
  g_autoptr (DsTestContext) context = ds_test_context_new (master);
  Flaky flaky = { .n_failures = 1 };
  g_autoptr (DsRdd) numbers = ds_test_integers (context, 50000, 5);
  g_autoptr (DsRdd) counts = count_digits (numbers, fail_in_the_middle, &flaky);

  g_test_summary ("After a job failed in a map stage the next one completes it");

  ds_test_assert_fails (counts, DS_ERROR_USER_FUNCTION, "map, partition 2", "value 25000",
                        "half way", NULL);
  assert_digits (counts, 5000);
}

static gpointer
run_driver (gpointer data)
{
  assert_digits (data, 5000);
  return NULL;
}

static void
test_stages_are_shared_by_jobs (gconstpointer master)
{
  g_test_summary ("Four drivers ask at once; the map stage runs once");

  for (guint round = 0; round < 10; round++)
    {
      g_autoptr (DsTestContext) context = ds_test_context_new (master);
      gint n_calls = 0;
      g_autoptr (DsRdd) numbers = ds_test_integers (context, 50000, 5);
      g_autoptr (DsRdd) counts = count_digits (numbers, count_call, &n_calls);
      GThread *threads[4];

      for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
        threads[i] = g_thread_new ("driver", run_driver, counts);
      for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
        g_thread_join (threads[i]);
      g_assert_cmpint (n_calls, ==, 50000);
    }
}

static void
test_stages_deep_lineage_runs_in_order (gconstpointer master)
{
  g_autoptr (DsTestContext) context = ds_test_context_new (master);
  DsRdd *rdd = ds_test_integers (context, 1000, 4);

  g_test_summary ("Thirty shuffles of a union with itself run one after the other");

  /* Each round sees everything twice: without a memory of what is complete the work would
   * double thirty times. */
  for (guint i = 0; i < 30; i++)
    {
      g_autoptr (DsRdd) twice = ds_rdd_union (rdd, rdd);
      DsRdd *distinct = ds_rdd_distinct (twice);

      g_object_unref (rdd);
      rdd = distinct;
    }
  g_assert_cmpint (ds_rdd_count (rdd, NULL), ==, 1000);
  g_object_unref (rdd);
}

static void
test_count_rdd_is_one_value (gconstpointer master)
{
  g_autoptr (DsTestContext) context = ds_test_context_new (master);
  g_autoptr (DsRdd) numbers = ds_test_integers (context, 12345, 4);
  g_autoptr (DsRdd) count = ds_count_rdd_new (numbers);
  g_autoptr (DsRdd) nothing = ds_test_integers (context, 0, 4);
  g_autoptr (DsRdd) zero = ds_count_rdd_new (nothing);
  g_autoptr (DsRdd) empty = ds_context_empty (context);
  g_autoptr (DsRdd) zero_of_empty = ds_count_rdd_new (empty);

  g_test_summary ("The count of an RDD is one value, 0 also where there is no partition");

  ds_test_assert_collects (count, "12345\n");
  ds_test_assert_collects (zero, "0\n");
  ds_test_assert_collects (zero_of_empty, "0\n");
}

static void
test_debug_string_shows_shuffles (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local");
  g_autoptr (DsRdd) numbers = ds_test_integers (context, 10, 2);
  g_autoptr (DsRdd) pairs = ds_rdd_key_by (numbers, ds_to_string, NULL, NULL);
  g_autoptr (DsRdd) sums = ds_rdd_reduce_by_key (pairs, ds_add, NULL, NULL);
  g_autoptr (DsRdd) keys = NULL;
  g_autofree char *text = NULL;

  g_test_summary ("A branch of the debug string begins where a shuffle is");

  ds_rdd_set_n_partitions (sums, 3);
  keys = ds_rdd_keys (sums);
  text = ds_rdd_to_debug_string (keys);
  g_assert_cmpstr (text, ==,
                   "(3) keys[3]\n"
                   " |  reduce_by_key[2]\n"
                   " +-(2) key_by[1]\n"
                   "    |  range[0]\n");
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *path;
    GTestDataFunc func;
  } tests[] = {
    { "stages/map-side-runs-once", test_stages_map_side_runs_once },
    { "stages/failed-map-task-is-tried-again",
      test_stages_failed_map_task_is_tried_again },
    { "stages/failed-stage-can-be-run-again", test_stages_failed_stage_can_be_run_again },
    { "stages/are-shared-by-jobs", test_stages_are_shared_by_jobs },
    { "stages/deep-lineage-runs-in-order", test_stages_deep_lineage_runs_in_order },
    { "count-rdd/is-one-value", test_count_rdd_is_one_value }
  };
  static const char *const masters[] = { "local", "local[3]", "loopback[2]" };

  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    for (guint j = 0; j < G_N_ELEMENTS (masters); j++)
      {
        g_autofree char *path =
            g_strdup_printf ("/rdd/%s/on-%s", tests[i].path, masters[j]);

        g_test_add_data_func (path, masters[j], tests[i].func);
      }
  g_test_add_func ("/rdd/debug-string/shows-shuffles", test_debug_string_shows_shuffles);
  return g_test_run ();
}
