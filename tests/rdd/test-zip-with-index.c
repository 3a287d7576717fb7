/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* zip_with_index, zip_with_unique_id: every value gets a number of its own. */

#include "tests/rdd/ds-test-shuffle.h"

static gboolean
is_odd (DsValue value, DsTask *task, gpointer user_data)
{
  g_atomic_int_inc ((gint *) user_data);
  return ds_value_get_int (value) % 2 == 1;
}

static void
test_zip_with_index_counts_on (void)
{
  g_test_summary ("Indices go on from partition to partition, also over empty ones");

  for (gsize i = 0; i < G_N_ELEMENTS (ds_test_masters); i++)
    for (guint n_partitions = 1; n_partitions <= 12; n_partitions++)
      {
        g_autoptr (DsTestContext) context = ds_test_context_new (ds_test_masters[i]);
        gint n_calls = 0;
        g_autoptr (DsRdd) integers = ds_test_integers (context, 8, n_partitions);
        g_autoptr (DsRdd) odd = ds_rdd_filter (integers, is_odd, &n_calls, NULL);
        g_autoptr (DsRdd) indexed = ds_rdd_zip_with_index (odd);

        ds_test_assert_collects (indexed, "(1,0)\n(3,1)\n(5,2)\n(7,3)\n");
        /* Counted once, all but the last partition. */
        g_assert_cmpint (n_calls, ==, 8 + 8 * (n_partitions - 1) / n_partitions);
        ds_test_assert_collects (indexed, "(1,0)\n(3,1)\n(5,2)\n(7,3)\n");
        g_assert_cmpint (n_calls, ==, 16 + 8 * (n_partitions - 1) / n_partitions);
      }
}

static void
test_zip_with_index_behind_a_shuffle (void)
{
  static const char *const lines[] = { "c 1", "a 2", "b 3", "a 4", "c 5", NULL };
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autoptr (DsRdd) pairs = ds_test_pairs (context, lines, 3);
  g_autoptr (DsRdd) sorted = ds_rdd_sort_by_key (pairs, DS_ASCENDING);
  g_autoptr (DsRdd) indexed = NULL;
  g_autoptr (DsRdd) twice = NULL;
  g_autoptr (DsRdd) resorted = NULL;

  g_test_summary ("The rank of each, in front of another shuffle");

  ds_rdd_set_n_partitions (sorted, 4);
  indexed = ds_rdd_zip_with_index (sorted);
  twice = ds_rdd_zip_with_index (indexed);
  resorted = ds_rdd_sort (twice, DS_DESCENDING);
  ds_test_assert_collects (resorted,
                           "(((c,5),4),4)\n(((c,1),3),3)\n(((b,3),2),2)\n(((a,4),1),1)\n"
                           "(((a,2),0),0)\n");
}

static DsValue
fail_at_five (DsValue value, DsTask *task, gpointer unused)
{
  return ds_value_get_int (value) == 5 ? ds_task_fail (task, "five") : value;
}

static DsValue
count_partitions (DsValue value, DsTask *task, gpointer user_data)
{
  DsRdd *const *indexed = user_data;

  ds_rdd_set_name (*indexed, "ranks");
  g_assert_cmpuint (ds_rdd_get_n_partitions (*indexed), ==, 3);
  return value;
}

static void
test_zip_with_index_while_counting (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  DsRdd *indexed = NULL;
  g_autoptr (DsRdd) integers = ds_test_integers (context, 6, 3);
  g_autoptr (DsRdd) calling = ds_rdd_map (integers, count_partitions, &indexed, NULL);
  g_autoptr (DsRdd) failing = ds_rdd_map (integers, fail_at_five, NULL, NULL);
  g_autoptr (DsRdd) no_index = ds_rdd_zip_with_index (failing);

  g_test_summary ("A function may look at the RDD whose values are being counted; one "
                  "that fails fails the job");

  indexed = ds_rdd_zip_with_index (calling);
  ds_test_assert_collects (indexed, "(0,0)\n(1,1)\n(2,2)\n(3,3)\n(4,4)\n(5,5)\n");
  ds_test_assert_fails (no_index, DS_ERROR_USER_FUNCTION, "five", NULL);
  g_object_unref (indexed);
}

static void
test_zip_with_unique_id (void)
{
  g_test_summary ("Ids of partition k of n are k, n + k, 2 n + k; nothing is counted");

  for (gsize i = 0; i < G_N_ELEMENTS (ds_test_masters); i++)
    {
      g_autoptr (DsTestContext) context = ds_test_context_new (ds_test_masters[i]);
      gint n_calls = 0;
      g_autoptr (DsRdd) integers = ds_test_integers (context, 14, 3);
      g_autoptr (DsRdd) odd = ds_rdd_filter (integers, is_odd, &n_calls, NULL);
      g_autoptr (DsRdd) numbered = ds_rdd_zip_with_unique_id (odd);

      ds_test_assert_collects (numbered,
                               "(1,0)\n(3,3)\n(5,1)\n(7,4)\n(9,2)\n(11,5)\n(13,8)\n");
      g_assert_cmpint (n_calls, ==, 14);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/rdd/zip-with-index/counts-on", test_zip_with_index_counts_on);
  g_test_add_func ("/rdd/zip-with-index/behind-a-shuffle",
                   test_zip_with_index_behind_a_shuffle);
  g_test_add_func ("/rdd/zip-with-index/while-counting",
                   test_zip_with_index_while_counting);
  g_test_add_func ("/rdd/zip-with-index/unique-id", test_zip_with_unique_id);

  return g_test_run ();
}
