/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* combine_by_key: combiners of another type than the values. */

#include "tests/rdd/ds-test-shuffle.h"

static DsValue
pair_by_rest (DsValue value, DsTask *task, gpointer unused)
{
  return ds_pair (task, ds_value_int (ds_value_get_int (value) % 3), value);
}

static DsValue
create_sum_and_count (DsValue value, DsTask *task, gpointer unused)
{
  return ds_pair (task, value, ds_value_int (1));
}

static DsValue
add_to_sum_and_count (DsValue combiner, DsValue value, DsTask *task, gpointer unused)
{
  return ds_pair (task,
                  ds_value_int (ds_value_get_int (ds_pair_key (combiner)) +
                                ds_value_get_int (value)),
                  ds_value_int (ds_value_get_int (ds_pair_value (combiner)) + 1));
}

static DsValue
merge_sums_and_counts (DsValue a, DsValue b, DsTask *task, gpointer unused)
{
  return ds_add (a, b, task, NULL);
}

static void
test_combine_by_key_makes_means (void)
{
  g_test_summary ("Sum and count of each key, merged over partitions, on every backend");

  for (gsize i = 0; i < G_N_ELEMENTS (ds_test_masters); i++)
    {
      g_autoptr (DsTestContext) context = ds_test_context_new (ds_test_masters[i]);
      g_autoptr (DsRdd) integers = ds_test_integers (context, 3000, 5);
      g_autoptr (DsRdd) pairs = ds_rdd_map (integers, pair_by_rest, NULL, NULL);
      g_autoptr (DsRdd) sums =
          ds_rdd_combine_by_key (pairs, create_sum_and_count, add_to_sum_and_count,
                                 merge_sums_and_counts, NULL, NULL);
      g_autoptr (DsRdd) means = NULL;

      ds_rdd_set_n_partitions (sums, 1);
      means = ds_rdd_map_values (sums, ds_mean, NULL, NULL);
      /* 1,000 values from 0, 1, 2 on in steps of 3. */
      ds_test_assert_collects (
          sums, "(0,(1498500,1000))\n(1,(1499500,1000))\n(2,(1500500,1000))\n");
      ds_test_assert_collects (means, "(0,1498.5)\n(1,1499.5)\n(2,1500.5)\n");
    }
}

static DsValue
fail_to_create (DsValue value, DsTask *task, gpointer unused)
{
  if (ds_value_get_int (value) == 7)
    return ds_task_fail (task, "no sevens here");
  return value;
}

static void
test_combine_by_key_reports_failures (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autoptr (DsRdd) integers = ds_test_integers (context, 10, 2);
  g_autoptr (DsRdd) keyed = ds_rdd_key_by (integers, ds_identity, NULL, NULL);
  g_autoptr (DsRdd) combined =
      ds_rdd_combine_by_key (keyed, fail_to_create, ds_add, ds_add, NULL, NULL);

  g_test_summary ("A failing function fails the job with operator, pair and message");

  ds_test_assert_fails (combined, DS_ERROR_USER_FUNCTION, "no sevens here",
                        "combine_by_key", "(7,7)", NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/rdd/combine-by-key/makes-means", test_combine_by_key_makes_means);
  g_test_add_func ("/rdd/combine-by-key/reports-failures",
                   test_combine_by_key_reports_failures);
  return g_test_run ();
}
