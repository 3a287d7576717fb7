/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* zip and cartesian: two RDDs side by side, and all of one with all of the other. */

#include "rdd/ds-rdd-private.h"
#include "tests/rdd/ds-test-shuffle.h"

static DsValue
square (DsValue value, DsTask *task, gpointer unused)
{
  return ds_value_int (ds_value_get_int (value) * ds_value_get_int (value));
}

static gboolean
is_odd (DsValue value, DsTask *task, gpointer unused)
{
  return ds_value_get_int (value) % 2 == 1;
}

static void
test_zip_pairs_in_order (void)
{
  g_test_summary ("The n-th of the one with the n-th of the other, on every backend");

  for (gsize i = 0; i < G_N_ELEMENTS (ds_test_masters); i++)
    {
      g_autoptr (DsTestContext) context = ds_test_context_new (ds_test_masters[i]);
      g_autoptr (DsRdd) integers = ds_test_integers (context, 5, 2);
      g_autoptr (DsRdd) squares = ds_rdd_map (integers, square, NULL, NULL);
      g_autoptr (DsRdd) zipped = ds_rdd_zip (integers, squares);

      ds_test_assert_collects (zipped, "(0,0)\n(1,1)\n(2,4)\n(3,9)\n(4,16)\n");
    }
}

/* Values that a filter left come in short chunks, range's in full ones. */
static void
test_zip_of_different_chunks (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autoptr (GError) error = NULL;
  g_autoptr (DsRdd) integers = ds_test_integers (context, 20000, 3);
  g_autoptr (DsRdd) odd_ones = ds_rdd_filter (integers, is_odd, NULL, NULL);
  g_autoptr (DsRdd) half = ds_test_integers (context, 10000, 3);
  g_autoptr (DsRdd) zipped = ds_rdd_zip (half, odd_ones);
  g_autoptr (DsBlock) block = ds_rdd_collect (zipped, &error);

  g_test_summary ("Chunks of different lengths meet value by value");

  g_assert_no_error (error);
  g_assert_cmpuint (ds_block_get_length (block), ==, 10000);
  for (gsize i = 0; i < 10000; i++)
    {
      DsValue key;
      DsValue value;

      ds_block_get_pair (block, i, &key, &value);
      g_assert_cmpint (ds_value_get_int (key), ==, (gint64) i);
      g_assert_cmpint (ds_value_get_int (value), ==, (gint64) (2 * i + 1));
    }
}

static void
test_zip_of_pairs (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[1]");
  g_autoptr (DsRdd) integers = ds_test_integers (context, 2, 1);
  g_autoptr (DsRdd) once = ds_rdd_zip (integers, integers);
  g_autoptr (DsRdd) twice = ds_rdd_zip (once, once);

  g_test_summary ("What is zipped may be pairs, and the same RDD");

  ds_test_assert_collects (twice, "((0,0),(0,0))\n((1,1),(1,1))\n");
}

static void
test_zip_errors (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autoptr (DsRdd) five = ds_test_integers (context, 5, 2);
  g_autoptr (DsRdd) seven = ds_test_integers (context, 7, 2);
  g_autoptr (DsRdd) three_parts = ds_test_integers (context, 5, 3);
  g_autoptr (DsRdd) longer = ds_rdd_zip (five, seven);
  g_autoptr (DsRdd) shorter = ds_rdd_zip (seven, five);
  g_autoptr (DsRdd) other_parts = ds_rdd_zip (five, three_parts);
  g_autoptr (GError) error = NULL;
  g_autoptr (DsBlock) first = NULL;

  g_test_summary ("Different numbers of partitions or values are errors that say which");

  ds_test_assert_fails (longer, DS_ERROR_INVALID_ARGUMENT, "zip", "second", NULL);
  ds_test_assert_fails (shorter, DS_ERROR_INVALID_ARGUMENT, "zip", "first", NULL);
  ds_test_assert_fails (other_parts, DS_ERROR_INVALID_ARGUMENT, "2 partitions", "of 3",
                        NULL);

  first = ds_rdd_take (longer, 2, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (ds_block_get_length (first), ==, 2);
}

static void
test_cartesian_pairs_all (void)
{
  static const char *const words[] = { "a", "b", NULL };

  g_test_summary ("Each value of the one with all of the other, partition by partition");

  for (gsize i = 0; i < G_N_ELEMENTS (ds_test_masters); i++)
    {
      g_autoptr (DsTestContext) context = ds_test_context_new (ds_test_masters[i]);
      g_autoptr (DsRdd) integers = ds_test_integers (context, 3, 1);
      g_autoptr (DsRdd) letters =
          ds_test_parallelize (context, ds_block_new_from_strv (words), 2);
      g_autoptr (DsRdd) all = ds_rdd_cartesian (integers, letters);
      g_autoptr (DsRdd) turned = ds_rdd_cartesian (letters, integers);
      g_autoptr (DsRdd) none = ds_context_empty (context);
      g_autoptr (DsRdd) nothing = ds_rdd_cartesian (letters, none);

      ds_test_assert_collects (all, "(0,a)\n(1,a)\n(2,a)\n(0,b)\n(1,b)\n(2,b)\n");
      ds_test_assert_collects (turned, "(a,0)\n(a,1)\n(a,2)\n(b,0)\n(b,1)\n(b,2)\n");
      ds_test_assert_collects (nothing, "");
    }
}

static void
test_cartesian_of_many (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autoptr (GError) error = NULL;
  g_autoptr (DsRdd) left = ds_test_integers (context, 300, 2);
  g_autoptr (DsRdd) right = ds_test_integers (context, 5000, 3);
  g_autoptr (DsRdd) all = ds_rdd_cartesian (left, right);

  g_test_summary ("300 times 5,000 are 1,500,000, and take does not make them");

  g_assert_cmpint (ds_rdd_count (all, &error), ==, 1500000);
  g_assert_no_error (error);
  g_assert_cmpuint (ds_rdd_get_n_partitions (all), ==, 6);
}

/* Keys that lie alike, as the RDDs of a window do: read one after the other. */
static void
test_zip_of_an_aligned_union (void)
{
  static const char *const lines[] = { "a 1", "b 2", "c 3", NULL };
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[1]");
  g_autoptr (DsRdd) pairs = ds_test_pairs (context, lines, 1);
  g_autoptr (DsRdd) left = ds_rdd_reduce_by_key (pairs, ds_add, NULL, NULL);
  g_autoptr (DsRdd) right = ds_rdd_reduce_by_key (pairs, ds_add, NULL, NULL);
  DsRdd *both[] = { left, right };
  g_autoptr (DsRdd) all = ds_aligned_union_rdd_new (context, both, 2);
  g_autoptr (DsRdd) integers = ds_test_integers (context, 6, 1);
  g_autoptr (DsRdd) zipped = ds_rdd_zip (integers, all);
  g_autoptr (GError) error = NULL;
  g_autoptr (DsBlock) first = NULL;

  g_test_summary ("A reader that has enough is pushed nothing of what would follow");

  g_assert_cmpuint (ds_rdd_get_n_partitions (all), ==, 1);
  first = ds_rdd_take (zipped, 1, &error);
  g_assert_no_error (error);
  ds_assert_block (first, "(0,(a,1))", NULL);
  ds_test_assert_collects_sorted (zipped, "(0,(a,1))\n(1,(b,2))\n(2,(c,3))\n(3,(a,1))\n"
                                          "(4,(b,2))\n(5,(c,3))\n");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/rdd/zip/pairs-in-order", test_zip_pairs_in_order);
  g_test_add_func ("/rdd/zip/of-different-chunks", test_zip_of_different_chunks);
  g_test_add_func ("/rdd/zip/of-pairs", test_zip_of_pairs);
  g_test_add_func ("/rdd/zip/of-an-aligned-union", test_zip_of_an_aligned_union);
  g_test_add_func ("/rdd/zip/errors", test_zip_errors);
  g_test_add_func ("/rdd/cartesian/pairs-all", test_cartesian_pairs_all);
  g_test_add_func ("/rdd/cartesian/of-many", test_cartesian_of_many);

  return g_test_run ();
}
