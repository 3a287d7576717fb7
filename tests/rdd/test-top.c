/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* top, take_ordered: the first few of an order. */

#include "tests/rdd/ds-test-shuffle.h"

#include <stdlib.h>

static DsValue
rest_of_seven (DsValue value, DsTask *task, gpointer unused)
{
  return ds_value_int (ds_value_get_int (value) % 7);
}

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
test_top_at_random (void)
{
  static gint64 integers[4000];

  g_test_summary ("The first few are the first few of what qsort () sorts");

  for (guint round = 0; round < 60; round++)
    {
      g_autoptr (DsTestContext) context =
          ds_test_context_new (ds_test_masters[round % G_N_ELEMENTS (ds_test_masters)]);
      const gsize n = (gsize) g_test_rand_int_range (0, G_N_ELEMENTS (integers));
      const gsize n_asked = (gsize) g_test_rand_int_range (0, 2500);
      const gsize n_few = MIN (n, n_asked);
      const gboolean is_descending = g_test_rand_bit ();
      g_autoptr (GError) error = NULL;
      g_autoptr (DsRdd) values =
          random_integers (context, integers, n, g_test_rand_bit () ? 5 : 1000000000);
      g_autoptr (DsBlock) few =
          is_descending ? ds_rdd_top (values, n_asked, NULL, NULL, &error)
                        : ds_rdd_take_ordered (values, n_asked, NULL, NULL, &error);

      g_assert_no_error (error);
      qsort (integers, n, sizeof *integers, compare_ints);
      assert_ints (few, is_descending ? integers + n - n_few : integers, n_few,
                   is_descending);
    }
}

static void
test_top_by_a_function (void)
{
  g_test_summary ("By a function's result, and of equal ones the first");

  for (gsize i = 0; i < G_N_ELEMENTS (ds_test_masters); i++)
    {
      static const gint64 top[] = { 6, 13, 20, 27 };
      static const gint64 lowest[] = { 0, 7, 14, 21 };
      g_autoptr (DsTestContext) context = ds_test_context_new (ds_test_masters[i]);
      g_autoptr (GError) error = NULL;
      g_autoptr (DsRdd) integers = ds_test_integers (context, 10000, 4);
      g_autoptr (DsBlock) largest = ds_rdd_top (integers, 4, rest_of_seven, NULL, &error);
      g_autoptr (DsBlock) smallest =
          ds_rdd_take_ordered (integers, 4, rest_of_seven, NULL, &error);
      g_autoptr (DsBlock) none = ds_rdd_top (integers, 0, NULL, NULL, &error);
      g_autoptr (DsBlock) all = ds_rdd_top (integers, G_MAXSIZE, NULL, NULL, &error);

      g_assert_no_error (error);
      assert_ints (largest, top, 4, FALSE);
      assert_ints (smallest, lowest, 4, FALSE);
      g_assert_cmpuint (ds_block_get_length (none), ==, 0);
      g_assert_cmpuint (ds_block_get_length (all), ==, 10000);
    }
}

static DsValue
fail_at_five (DsValue value, DsTask *task, gpointer unused)
{
  return ds_value_get_int (value) == 5 ? ds_task_fail (task, "five") : value;
}

static void
test_top_fails_with_its_function (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autoptr (GError) error = NULL;
  g_autoptr (DsRdd) integers = ds_test_integers (context, 10, 2);

  g_test_summary ("A function that fails fails the action, with its message");

  g_assert_null (ds_rdd_top (integers, 3, fail_at_five, NULL, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_USER_FUNCTION);
  g_assert_nonnull (strstr (error->message, "five"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/rdd/top/at-random", test_top_at_random);
  g_test_add_func ("/rdd/top/by-a-function", test_top_by_a_function);
  g_test_add_func ("/rdd/top/fails-with-its-function", test_top_fails_with_its_function);

  return g_test_run ();
}
