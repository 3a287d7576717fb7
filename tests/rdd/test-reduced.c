/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The RDD of one value that all values reduce to. */

#include "tests/rdd/ds-test-shuffle.h"

#include "rdd/ds-rdd-private.h"

static DsValue
concatenate (DsValue a, DsValue b, DsTask *task, gpointer unused)
{
  g_autofree char *text_a = ds_value_dup_string (a);
  g_autofree char *text_b = ds_value_dup_string (b);

  return ds_string_printf (task, "%s%s", text_a, text_b);
}

static void
test_reduced_in_order (void)
{
  g_test_summary ("One value, reduced in the order of partitions, on every backend");

  for (gsize i = 0; i < G_N_ELEMENTS (ds_test_masters); i++)
    {
      g_autoptr (DsTestContext) context = ds_test_context_new (ds_test_masters[i]);
      g_autoptr (DsRdd) integers = ds_test_integers (context, 10, 4);
      g_autoptr (DsRdd) texts = ds_rdd_map (integers, ds_to_string, NULL, NULL);
      g_autoptr (DsRdd) text = ds_reduced_rdd_new (texts, concatenate, NULL, NULL);
      g_autoptr (DsRdd) sum = ds_reduced_rdd_new (integers, ds_add, NULL, NULL);

      g_assert_cmpuint (ds_rdd_get_n_partitions (text), ==, 1);
      ds_test_assert_collects (text, "0123456789\n");
      ds_test_assert_collects (sum, "45\n");
    }
}

static void
test_reduced_pairs (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("loopback[2]");
  g_autoptr (DsRdd) integers = ds_test_integers (context, 10, 4);
  g_autoptr (DsRdd) pairs = ds_rdd_map (integers, ds_pair_with_one, NULL, NULL);
  g_autoptr (DsRdd) sums = ds_reduced_rdd_new (pairs, ds_add, NULL, NULL);

  g_test_summary ("Pairs are values like others");

  ds_test_assert_collects (sums, "(45,10)\n");
}

static void
test_reduced_nothing (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autoptr (DsRdd) empty = ds_context_empty (context);
  g_autoptr (DsRdd) sum = ds_reduced_rdd_new (empty, ds_add, NULL, NULL);

  g_test_summary ("Nothing reduces to nothing");

  ds_test_assert_collects (sum, "");
}

static void
test_reduced_shows_values (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local");
  g_autoptr (DsRdd) words =
      ds_test_parallelize (context, ds_block_new_strings ("a", "b", NULL), 1);
  g_autoptr (DsRdd) sum = ds_reduced_rdd_new (words, ds_add, NULL, NULL);

  g_test_summary ("A failure shows the value and no key that nobody gave");

  ds_test_assert_fails (sum, DS_ERROR_TYPE, "value b", "reduce", NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/rdd/reduced/in-order", test_reduced_in_order);
  g_test_add_func ("/rdd/reduced/pairs", test_reduced_pairs);
  g_test_add_func ("/rdd/reduced/nothing", test_reduced_nothing);
  g_test_add_func ("/rdd/reduced/shows-values", test_reduced_shows_values);
  return g_test_run ();
}
