/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* stats and histogram. */

#include "tests/rdd/ds-test-shuffle.h"

#include <math.h>

static DsValue
far_out (DsValue value, DsTask *task, gpointer unused)
{
  return ds_value_double (1e9 + (double) (ds_value_get_int (value) % 10));
}

static void
test_stats_in_one_pass (void)
{
  g_test_summary ("Exact also where the mean is large and the variance small");

  for (gsize i = 0; i < G_N_ELEMENTS (ds_test_masters); i++)
    for (guint n_partitions = 1; n_partitions < 9; n_partitions += 3)
      {
        g_autoptr (DsTestContext) context = ds_test_context_new (ds_test_masters[i]);
        g_autoptr (DsRdd) integers = ds_test_integers (context, 1000, n_partitions);
        g_autoptr (DsRdd) numbers = ds_rdd_map (integers, far_out, NULL, NULL);
        g_autoptr (GError) error = NULL;
        DsStats stats;

        g_assert_true (ds_rdd_stats (integers, &stats, &error));
        g_assert_no_error (error);
        g_assert_cmpint (stats.count, ==, 1000);
        g_assert_cmpfloat_with_epsilon (stats.mean, 499.5, 1e-9);
        g_assert_cmpfloat_with_epsilon (stats.variance, 83333.25, 1e-6);
        g_assert_cmpfloat (stats.min, ==, 0);
        g_assert_cmpfloat (stats.max, ==, 999);

        g_assert_true (ds_rdd_stats (numbers, &stats, &error));
        g_assert_no_error (error);
        g_assert_cmpfloat_with_epsilon (stats.mean, 1e9 + 4.5, 1e-6);
        g_assert_cmpfloat_with_epsilon (stats.variance, 8.25, 1e-6);
        g_assert_cmpfloat (stats.min, ==, 1e9);
        g_assert_cmpfloat (stats.max, ==, 1e9 + 9);
      }
}

static void
test_stats_of_nothing (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autoptr (DsRdd) none = ds_test_integers (context, 0, 3);
  g_autoptr (GError) error = NULL;
  DsStats stats;

  g_test_summary ("Nothing has a count and nothing else");

  g_assert_true (ds_rdd_stats (none, &stats, &error));
  g_assert_no_error (error);
  g_assert_cmpint (stats.count, ==, 0);
  g_assert_true (isnan (stats.mean) && isnan (stats.variance) && isnan (stats.min) &&
                 isnan (stats.max));
}

static void
test_histogram_counts_ranges (void)
{
  static const double edges[] = { -5, 0, 0.5, 10, 99 };

  g_test_summary ("A range has its lower edge, the last one both; the rest is outside");

  for (gsize i = 0; i < G_N_ELEMENTS (ds_test_masters); i++)
    {
      g_autoptr (DsTestContext) context = ds_test_context_new (ds_test_masters[i]);
      g_autoptr (DsRdd) integers = ds_test_integers (context, 200, 5);
      g_autoptr (GError) error = NULL;
      gint64 counts[G_N_ELEMENTS (edges) - 1] = { 7, 7, 7, 7 };
      gint64 all;

      g_assert_true (
          ds_rdd_histogram (integers, edges, G_N_ELEMENTS (edges), counts, &error));
      g_assert_no_error (error);
      g_assert_cmpint (counts[0], ==, 0);
      g_assert_cmpint (counts[1], ==, 1);
      g_assert_cmpint (counts[2], ==, 9);
      g_assert_cmpint (counts[3], ==, 90);
      g_assert_true (ds_rdd_histogram (integers, edges + 2, 2, &all, &error));
      g_assert_cmpint (all, ==, 10);
    }
}

static void
test_stats_failures (void)
{
  static const char *const words[] = { "pear", NULL };
  static const double wrong[][2] = { { 1, 1 }, { 2, 1 }, { 1, (double) NAN } };
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autoptr (DsRdd) texts =
      ds_test_parallelize (context, ds_block_new_from_strv (words), 1);
  const double edges[] = { 0, 1 };
  gint64 counts[1];
  GError *error = NULL;
  DsStats stats;

  g_test_summary ("Values that are no numbers, edges that do not ascend");

  g_assert_false (ds_rdd_stats (texts, &stats, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_TYPE);
  g_assert_nonnull (strstr (error->message, "stats"));
  g_assert_nonnull (strstr (error->message, "pear"));
  g_clear_error (&error);
  g_assert_false (ds_rdd_histogram (texts, edges, 2, counts, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_TYPE);
  g_clear_error (&error);
  g_assert_false (ds_rdd_histogram (texts, edges, 1, counts, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  for (gsize i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_assert_false (ds_rdd_histogram (texts, wrong[i], 2, counts, &error));
      g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT);
      g_assert_nonnull (strstr (error->message, "edge 0"));
      g_clear_error (&error);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/rdd/stats/in-one-pass", test_stats_in_one_pass);
  g_test_add_func ("/rdd/stats/of-nothing", test_stats_of_nothing);
  g_test_add_func ("/rdd/stats/histogram-counts-ranges", test_histogram_counts_ranges);
  g_test_add_func ("/rdd/stats/failures", test_stats_failures);

  return g_test_run ();
}
