/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sort, sort_by, sort_by_key. */

#include "tests/rdd/ds-test-shuffle.h"

#include <stdlib.h>

static const char *const pair_lines[] = { "c 1", "a 2", "b 3", "a 4", "c 5", NULL };

static DsValue
second (DsValue pair, DsTask *task, gpointer unused)
{
  return ds_value_get_item (pair, 1);
}

static void
test_sort_by_key (void)
{
  g_test_summary ("Keys come in order over all partitions, equal ones as they were");

  for (gsize i = 0; i < G_N_ELEMENTS (ds_test_masters); i++)
    for (guint n_partitions = 1; n_partitions <= 6; n_partitions++)
      {
        g_autoptr (DsTestContext) context = ds_test_context_new (ds_test_masters[i]);
        g_autoptr (DsRdd) pairs = ds_test_pairs (context, pair_lines, 3);
        g_autoptr (DsRdd) up = ds_rdd_sort_by_key (pairs, DS_ASCENDING);
        g_autoptr (DsRdd) down = ds_rdd_sort_by_key (pairs, DS_DESCENDING);
        g_autoptr (DsRdd) by_value =
            ds_rdd_sort_by (pairs, DS_DESCENDING, second, NULL, NULL);

        ds_rdd_set_n_partitions (up, n_partitions);
        ds_rdd_set_n_partitions (down, n_partitions);
        ds_rdd_set_n_partitions (by_value, n_partitions);
        ds_test_assert_collects (up, "(a,2)\n(a,4)\n(b,3)\n(c,1)\n(c,5)\n");
        ds_test_assert_collects (down, "(c,1)\n(c,5)\n(b,3)\n(a,2)\n(a,4)\n");
        ds_test_assert_collects (by_value, "(c,5)\n(a,4)\n(b,3)\n(a,2)\n(c,1)\n");
        g_assert_cmpuint (ds_rdd_get_n_partitions (by_value), ==, n_partitions);
      }
}

static void
test_sort_of_everything (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  const DsValue pair[] = { ds_value_int (1), ds_value_int (2) };
  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
  g_autoptr (DsBlock) block = NULL;
  g_autoptr (DsRdd) values = NULL;
  g_autoptr (DsRdd) sorted = NULL;
  g_autoptr (DsRdd) none = ds_context_empty (context);
  g_autoptr (DsRdd) of_nothing = ds_rdd_sort (none, DS_ASCENDING);

  g_test_summary ("Values of different types have one order; nothing stays nothing");

  ds_block_builder_add (builder, ds_value_string ("b"));
  ds_block_builder_add (builder, ds_value_tuple (pair, 2));
  ds_block_builder_add (builder, ds_value_int (7));
  ds_block_builder_add (builder, ds_value_null ());
  ds_block_builder_add (builder, ds_value_string ("a"));
  ds_block_builder_add (builder, ds_value_int (-7));
  block = ds_block_builder_end (builder);
  values = ds_context_parallelize (context, block, 3);
  sorted = ds_rdd_sort (values, DS_ASCENDING);
  ds_test_assert_collects (sorted, "null\n-7\n7\na\nb\n(1,2)\n");
  ds_test_assert_collects (of_nothing, "");
}

/* ---- At random ---- */

static int
compare_ints (gconstpointer a, gconstpointer b)
{
  const gint64 *x = a;
  const gint64 *y = b;

  return (*x > *y) - (*x < *y);
}

static DsRdd *
random_integers (DsContext *context, gint64 *integers, gsize n_integers, gint32 n_kinds)
{
  g_autoptr (DsBlock) block = NULL;

  for (gsize i = 0; i < n_integers; i++)
    integers[i] = g_test_rand_int_range (0, n_kinds);
  block = ds_block_new_from_ints (integers, n_integers);
  return ds_context_parallelize (context, block, (guint) g_test_rand_int_range (1, 9));
}

static void
assert_ints (DsBlock *block,
             const gint64 *expected,
             gsize n_expected,
             gboolean is_reversed)
{
  g_assert_cmpuint (ds_block_get_length (block), ==, n_expected);
  for (gsize i = 0; i < n_expected; i++)
    g_assert_cmpint (ds_value_get_int (ds_block_get (block, i)), ==,
                     expected[is_reversed ? n_expected - 1 - i : i]);
}

static void
test_sort_at_random (void)
{
  static gint64 integers[4000];

  g_test_summary ("What is sorted is what qsort () sorts");

  for (guint round = 0; round < 60; round++)
    {
      g_autoptr (DsTestContext) context =
          ds_test_context_new (ds_test_masters[round % G_N_ELEMENTS (ds_test_masters)]);
      const gsize n = (gsize) g_test_rand_int_range (0, G_N_ELEMENTS (integers));
      const gboolean is_descending = g_test_rand_bit ();
      g_autoptr (GError) error = NULL;
      g_autoptr (DsRdd) values =
          random_integers (context, integers, n, g_test_rand_bit () ? 5 : 1000000000);
      g_autoptr (DsRdd) sorted =
          ds_rdd_sort (values, is_descending ? DS_DESCENDING : DS_ASCENDING);
      g_autoptr (DsBlock) all = NULL;

      ds_rdd_set_n_partitions (sorted, (guint) g_test_rand_int_range (1, 12));
      all = ds_rdd_collect (sorted, &error);
      g_assert_no_error (error);
      qsort (integers, n, sizeof *integers, compare_ints);
      assert_ints (all, integers, n, is_descending);
    }
}

static void
test_sort_balances (void)
{
  static gint64 integers[40000];
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autoptr (GError) error = NULL;
  g_autoptr (DsRdd) values =
      random_integers (context, integers, G_N_ELEMENTS (integers), G_MAXINT32);
  g_autoptr (DsRdd) sorted = ds_rdd_sort (values, DS_ASCENDING);
  g_autoptr (DsRdd) parts = NULL;
  g_autoptr (DsBlock) lists = NULL;

  g_test_summary ("Eight partitions of 40,000 different values have about 5,000 each");

  ds_rdd_set_n_partitions (sorted, 8);
  parts = ds_rdd_glom (sorted);
  lists = ds_rdd_collect (parts, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (ds_block_get_length (lists), ==, 8);
  for (gsize i = 0; i < 8; i++)
    {
      /* 20 samples a partition are 250 keys apart: each of up to 8 runs moves a pivot by
       * 125 at most. */
      g_assert_cmpuint (ds_value_get_n_items (ds_block_get (lists, i)), >=, 3000);
      g_assert_cmpuint (ds_value_get_n_items (ds_block_get (lists, i)), <=, 7000);
    }
}

static DsValue
fail_at_five (DsValue value, DsTask *task, gpointer unused)
{
  return ds_value_get_int (value) == 5 ? ds_task_fail (task, "five") : value;
}

static void
test_sort_errors (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autoptr (DsRdd) integers = ds_test_integers (context, 10, 2);
  g_autoptr (DsRdd) no_pairs = ds_rdd_sort_by_key (integers, DS_ASCENDING);
  g_autoptr (DsRdd) no_order = ds_rdd_sort (integers, (DsOrder) 7);
  g_autoptr (DsRdd) failing =
      ds_rdd_sort_by (integers, DS_ASCENDING, fail_at_five, NULL, NULL);

  g_test_summary (
      "Values that are no pairs, an order that is none, a function that fails");

  ds_test_assert_fails (no_pairs, DS_ERROR_TYPE, "sort_by_key", NULL);
  ds_test_assert_fails (no_order, DS_ERROR_INVALID_ARGUMENT, "no order 7", NULL);
  ds_test_assert_fails (failing, DS_ERROR_USER_FUNCTION, "five", NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/rdd/sort/by-key", test_sort_by_key);
  g_test_add_func ("/rdd/sort/of-everything", test_sort_of_everything);
  g_test_add_func ("/rdd/sort/at-random", test_sort_at_random);
  g_test_add_func ("/rdd/sort/balances", test_sort_balances);
  g_test_add_func ("/rdd/sort/errors", test_sort_errors);

  return g_test_run ();
}
