/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sample: the same values every time, as many as the fraction says, each as often. */

#include "tests/rdd/ds-test-shuffle.h"

#include <math.h>

static void
count_values (DsRdd *rdd, gint64 *counts, gsize n_kinds)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DsBlock) block = ds_rdd_collect (rdd, &error);
  gint64 last = 0;

  g_assert_no_error (error);
  memset (counts, 0, n_kinds * sizeof *counts);
  for (gsize i = 0; i < ds_block_get_length (block); i++)
    {
      const gint64 value = ds_value_get_int (ds_block_get (block, i));

      g_assert_cmpint (value, >=, last);
      g_assert_cmpint (value, <, (gint64) n_kinds);
      counts[value]++;
      last = value;
    }
}

static void
test_sample_without_replacement (void)
{
  static gint64 counts[20000];
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autoptr (DsRdd) integers = ds_test_integers (context, G_N_ELEMENTS (counts), 4);
  gint64 n_taken = 0;

  g_test_summary ("About the fraction of the values, each at most once, in their order");

  for (guint64 seed = 0; seed < 10; seed++)
    {
      g_autoptr (DsRdd) sample = ds_rdd_sample (integers, FALSE, 0.25, seed);

      count_values (sample, counts, G_N_ELEMENTS (counts));
      for (gsize i = 0; i < G_N_ELEMENTS (counts); i++)
        {
          g_assert_cmpint (counts[i], <=, 1);
          n_taken += counts[i];
        }
    }
  /* 50,000 are expected, with a deviation of 194. */
  g_assert_cmpint (n_taken, >, 49000);
  g_assert_cmpint (n_taken, <, 51000);
}

static void
test_sample_with_replacement (void)
{
  static gint64 counts[20000];
  static const double fractions[] = { 0.5, 3, 40 };
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autoptr (DsRdd) integers = ds_test_integers (context, G_N_ELEMENTS (counts), 4);

  g_test_summary ("Each value as often as a Poisson distribution says: the mean is the "
                  "variance");

  for (gsize f = 0; f < G_N_ELEMENTS (fractions); f++)
    {
      g_autoptr (DsRdd) sample = ds_rdd_sample (integers, TRUE, fractions[f], 5);
      double sum = 0;
      double squares = 0;

      count_values (sample, counts, G_N_ELEMENTS (counts));
      for (gsize i = 0; i < G_N_ELEMENTS (counts); i++)
        {
          sum += (double) counts[i];
          squares +=
              ((double) counts[i] - fractions[f]) * ((double) counts[i] - fractions[f]);
        }
      g_assert_cmpfloat_with_epsilon (sum / G_N_ELEMENTS (counts), fractions[f],
                                      0.05 * fractions[f]);
      g_assert_cmpfloat_with_epsilon (squares / G_N_ELEMENTS (counts), fractions[f],
                                      0.05 * fractions[f]);
    }
}

static void
test_sample_is_a_function_of_its_seed (void)
{
  g_autofree char *expected = NULL;
  g_autofree char *other = NULL;

  g_test_summary (
      "A seed gives the same sample on any number of workers, another one not");

  for (gsize i = 0; i < G_N_ELEMENTS (ds_test_masters); i++)
    {
      g_autoptr (DsTestContext) context = ds_test_context_new (ds_test_masters[i]);
      g_autoptr (DsRdd) integers = ds_test_integers (context, 1000, 5);
      g_autoptr (DsRdd) sample = ds_rdd_sample (integers, FALSE, 0.1, 42);
      g_autoptr (DsRdd) sample43 = ds_rdd_sample (integers, FALSE, 0.1, 43);

      if (expected == NULL)
        {
          expected = ds_test_collect (sample);
          other = ds_test_collect (sample43);
          g_assert_cmpstr (expected, !=, other);
        }
      ds_test_assert_collects (sample, expected);
      ds_test_assert_collects (sample43, other);
    }
}

static void
test_sample_edges (void)
{
  static const char *const lines[] = { "a 1", "b 2", "c 3", NULL };
  static const double wrong[] = { -0.1, 1.5, (double) NAN, (double) INFINITY };
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autoptr (DsRdd) pairs = ds_test_pairs (context, lines, 2);
  g_autoptr (DsRdd) all = ds_rdd_sample (pairs, FALSE, 1, 7);
  g_autoptr (DsRdd) none = ds_rdd_sample (pairs, FALSE, 0, 7);
  g_autoptr (DsRdd) nothing = ds_rdd_sample (pairs, TRUE, 0, 7);
  g_autoptr (DsRdd) with = ds_rdd_sample (pairs, TRUE, (double) NAN, 7);

  g_test_summary ("A fraction of 1 is everything, of 0 nothing, anything else a mistake");

  ds_test_assert_collects (all, "(a,1)\n(b,2)\n(c,3)\n");
  ds_test_assert_collects (none, "");
  ds_test_assert_collects (nothing, "");
  ds_test_assert_fails (with, DS_ERROR_INVALID_ARGUMENT, "sample", NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_autoptr (DsRdd) sample = ds_rdd_sample (pairs, FALSE, wrong[i], 7);

      ds_test_assert_fails (sample, DS_ERROR_INVALID_ARGUMENT, "fraction", NULL);
    }
}

static void
test_sample_without_end (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autoptr (DsRdd) integers = ds_test_integers (context, 10, 1);
  g_autoptr (DsRdd) sample = ds_rdd_sample (integers, TRUE, 1e300, 7);
  g_autoptr (GError) error = NULL;
  g_autoptr (DsBlock) first = ds_rdd_take (sample, 5000, &error);

  g_test_summary ("However often a value is to be taken, a reader may have enough");

  g_assert_no_error (error);
  g_assert_cmpuint (ds_block_get_length (first), ==, 5000);
  g_assert_cmpint (ds_value_get_int (ds_block_get (first, 4999)), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/rdd/sample/without-replacement", test_sample_without_replacement);
  g_test_add_func ("/rdd/sample/with-replacement", test_sample_with_replacement);
  g_test_add_func ("/rdd/sample/is-a-function-of-its-seed",
                   test_sample_is_a_function_of_its_seed);
  g_test_add_func ("/rdd/sample/edges", test_sample_edges);
  g_test_add_func ("/rdd/sample/without-end", test_sample_without_end);

  return g_test_run ();
}
