/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* coalesce: fewer partitions, the same values in the same order. */

#include "tests/rdd/ds-test-shuffle.h"

static DsValue
count_call (DsValue value, DsTask *task, gpointer user_data)
{
  g_atomic_int_inc ((gint *) user_data);
  return value;
}

static void
test_coalesce_joins_neighbours (void)
{
  g_test_summary ("Partition i of n reads those from i m / n to (i + 1) m / n of m");

  for (gsize i = 0; i < G_N_ELEMENTS (ds_test_masters); i++)
    {
      g_autoptr (DsTestContext) context = ds_test_context_new (ds_test_masters[i]);
      g_autoptr (DsRdd) integers = ds_test_integers (context, 7, 7);
      g_autoptr (DsRdd) three = ds_rdd_coalesce (integers, 3);
      g_autoptr (DsRdd) lists = ds_rdd_glom (three);
      g_autoptr (DsRdd) one = ds_rdd_coalesce (integers, 1);
      g_autoptr (DsRdd) list = ds_rdd_glom (one);
      g_autoptr (DsRdd) more = ds_rdd_coalesce (integers, 20);

      ds_test_assert_collects (lists, "[0, 1]\n[2, 3]\n[4, 5, 6]\n");
      ds_test_assert_collects (list, "[0, 1, 2, 3, 4, 5, 6]\n");
      g_assert_cmpuint (ds_rdd_get_n_partitions (three), ==, 3);
      g_assert_cmpuint (ds_rdd_get_n_partitions (more), ==, 7);
      ds_test_assert_collects (more, "0\n1\n2\n3\n4\n5\n6\n");
    }
}

static void
test_coalesce_stops_with_its_reader (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[1]");
  gint n_calls = 0;
  g_autoptr (GError) error = NULL;
  g_autoptr (DsRdd) integers = ds_test_integers (context, 10, 10);
  g_autoptr (DsRdd) mapped = ds_rdd_map (integers, count_call, &n_calls, NULL);
  g_autoptr (DsRdd) one = ds_rdd_coalesce (mapped, 1);
  g_autoptr (DsBlock) three = ds_rdd_take (one, 3, &error);

  g_test_summary ("A reader that has enough ends the reading of all that would follow");

  g_assert_no_error (error);
  g_assert_cmpuint (ds_block_get_length (three), ==, 3);
  g_assert_cmpint (n_calls, ==, 3);
}

static void
test_coalesce_of_nothing_and_by_default (void)
{
  static const char *const lines[] = { "a 1", "b 2", "a 3", NULL };
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autoptr (DsRdd) none = ds_context_empty (context);
  g_autoptr (DsRdd) nothing = ds_rdd_coalesce (none, 3);
  g_autoptr (DsRdd) pairs = ds_test_pairs (context, lines, 3);
  g_autoptr (DsRdd) sums = ds_rdd_reduce_by_key (pairs, ds_add, NULL, NULL);
  g_autoptr (DsRdd) fewer = NULL;

  g_test_summary (
      "Nothing stays nothing; 0 is the default; pairs of a shuffle stay pairs");

  ds_rdd_set_n_partitions (sums, 5);
  fewer = ds_rdd_coalesce (sums, 0);
  ds_test_assert_collects (nothing, "");
  g_assert_cmpuint (ds_rdd_get_n_partitions (fewer), ==, 2);
  ds_test_assert_collects_sorted (fewer, "(a,4)\n(b,2)\n");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/rdd/coalesce/joins-neighbours", test_coalesce_joins_neighbours);
  g_test_add_func ("/rdd/coalesce/stops-with-its-reader",
                   test_coalesce_stops_with_its_reader);
  g_test_add_func ("/rdd/coalesce/of-nothing-and-by-default",
                   test_coalesce_of_nothing_and_by_default);

  return g_test_run ();
}
