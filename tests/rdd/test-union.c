/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* union: partitions one after the other. */

#include "tests/rdd/ds-test-rdd.h"

static void
test_union_appends_partitions (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autoptr (DsRdd) a = ds_test_integers (context, 3, 2);
  g_autoptr (DsRdd) empty = ds_context_empty (context);
  g_autoptr (DsRdd) b =
      ds_test_parallelize (context, ds_block_new_strings ("x", NULL), 2);
  DsRdd *rdds[] = { empty, a, empty, empty, b, a, empty };
  g_autoptr (DsRdd) all = ds_context_union (context, rdds, G_N_ELEMENTS (rdds));
  g_autoptr (DsRdd) glommed = ds_rdd_glom (all);

  g_test_summary ("Seven RDDs, some empty, keep order, duplicates and partitions");

  g_assert_cmpuint (ds_rdd_get_n_partitions (all), ==, 6);
  ds_test_assert_collects (glommed, "[0]\n[1, 2]\n[]\n[x]\n[0]\n[1, 2]\n");
}

static void
test_union_of_two (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autoptr (DsRdd) a = ds_test_integers (context, 2, 1);
  g_autoptr (DsRdd) mapped = ds_rdd_map (a, ds_pair_with_one, NULL, NULL);
  g_autoptr (DsRdd) both = ds_rdd_union (mapped, a);
  g_autoptr (DsRdd) twice = ds_rdd_union (both, both);
  g_autoptr (DsRdd) text = ds_rdd_map (twice, ds_to_string, NULL, NULL);

  g_test_summary ("A union of an RDD with itself has everything twice");

  ds_test_assert_collects (text, "(0,1)\n(1,1)\n0\n1\n(0,1)\n(1,1)\n0\n1\n");
}

static void
test_union_of_none (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local");
  g_autoptr (DsRdd) none = ds_context_union (context, NULL, 0);

  g_test_summary ("The union of no RDD is empty");

  g_assert_cmpuint (ds_rdd_get_n_partitions (none), ==, 0);
  ds_test_assert_collects (none, "");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/rdd/union/appends-partitions", test_union_appends_partitions);
  g_test_add_func ("/rdd/union/of-two", test_union_of_two);
  g_test_add_func ("/rdd/union/of-none", test_union_of_none);
  return g_test_run ();
}
