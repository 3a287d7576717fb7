/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* fold_by_key, aggregate_by_key, group_by. */

#include "tests/rdd/ds-test-shuffle.h"

static const char *const lines[] = { "b 1", "a 2", "b 3", "a 4", "b 5", NULL };

/* Their texts one after the other: not commutative. */
static DsValue
append (DsValue a, DsValue b, DsTask *task, gpointer user_data)
{
  g_autofree char *left = ds_value_to_string (a);
  g_autofree char *right = ds_value_to_string (b);

  return ds_string_printf (task, "%s%s%s", left, (const char *) user_data, right);
}

static DsValue
join_combiners (DsValue a, DsValue b, DsTask *task, gpointer unused)
{
  g_autofree char *left = ds_value_to_string (a);
  g_autofree char *right = ds_value_to_string (b);

  return ds_string_printf (task, "%s|%s", left, right);
}

static void
test_fold_by_key_begins_with_zero (void)
{
  g_test_summary ("Each key begins with zero in each partition, and keeps its order");

  for (gsize i = 0; i < G_N_ELEMENTS (ds_test_masters); i++)
    {
      g_autoptr (DsTestContext) context = ds_test_context_new (ds_test_masters[i]);
      g_autofree char *zero = g_strdup ("a zero that does not fit into a value");
      g_autoptr (DsRdd) one = ds_test_pairs (context, lines, 1);
      g_autoptr (DsRdd) two = ds_test_pairs (context, lines, 2);
      g_autoptr (DsRdd) sums =
          ds_rdd_fold_by_key (two, ds_value_int (10), ds_add, NULL, NULL);
      g_autoptr (DsRdd) texts = ds_rdd_fold_by_key (one, ds_value_string (zero), append,
                                                    g_strdup ("-"), g_free);

      memset (zero, 'x', strlen (zero));
      /* a: 10 + 2 and 10 + 4; b: 10 + 1 and 10 + 3 + 5. */
      ds_test_assert_collects_sorted (sums, "(a,26)\n(b,29)\n");
      ds_test_assert_collects_sorted (
          texts, "(a,a zero that does not fit into a value-2-4)\n"
                 "(b,a zero that does not fit into a value-1-3-5)\n");
    }
}

static void
test_aggregate_by_key (void)
{
  static char nothing[] = "";

  g_test_summary ("Values become combiners within a partition, combiners meet in order");

  for (gsize i = 0; i < G_N_ELEMENTS (ds_test_masters); i++)
    {
      g_autoptr (DsTestContext) context = ds_test_context_new (ds_test_masters[i]);
      g_autoptr (DsRdd) pairs = ds_test_pairs (context, lines, 2);
      g_autoptr (DsRdd) texts =
          ds_rdd_aggregate_by_key (pairs, ds_value_string ("<"), append, join_combiners,
                                   nothing, NULL);
      g_autoptr (DsPartitioner) partitioner = ds_partitioner_new_hash (3);

      ds_rdd_set_partitioner (texts, partitioner);
      ds_test_assert_collects_sorted (texts, "(a,<2|<4)\n(b,<1|<35)\n");
      g_assert_cmpuint (ds_rdd_get_n_partitions (texts), ==, 3);
    }
}

static DsValue
rest_of_three (DsValue value, DsTask *task, gpointer unused)
{
  return ds_value_int (ds_value_get_int (value) % 3);
}

static void
test_group_by (void)
{
  g_test_summary ("Values under what a function makes of them, in their order");

  for (gsize i = 0; i < G_N_ELEMENTS (ds_test_masters); i++)
    {
      g_autoptr (DsTestContext) context = ds_test_context_new (ds_test_masters[i]);
      g_autoptr (DsRdd) integers = ds_test_integers (context, 8, 3);
      g_autoptr (DsRdd) groups = ds_rdd_group_by (integers, rest_of_three, NULL, NULL);

      ds_rdd_set_n_partitions (groups, 2);
      ds_test_assert_collects_sorted (groups,
                                      "(0,[0, 3, 6])\n(1,[1, 4, 7])\n(2,[2, 5])\n");
    }
}

static DsValue
fail_at_five (DsValue a, DsValue b, DsTask *task, gpointer unused)
{
  return ds_value_get_int (b) == 5 ? ds_task_fail (task, "five") : b;
}

static void
note_end (gpointer flag)
{
  *(gboolean *) flag = TRUE;
}

static void
test_fold_by_key_failures (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  gboolean is_over = FALSE;

  g_test_summary ("Failures name the operator; user data goes with the RDD");

  {
    g_autoptr (DsRdd) pairs = ds_test_pairs (context, lines, 2);
    g_autoptr (DsRdd) integers = ds_test_integers (context, 3, 1);
    g_autoptr (DsRdd) failing =
        ds_rdd_fold_by_key (pairs, ds_value_null (), fail_at_five, &is_over, note_end);
    g_autoptr (DsRdd) no_pairs =
        ds_rdd_fold_by_key (integers, ds_value_null (), ds_add, NULL, NULL);

    ds_test_assert_fails (failing, DS_ERROR_USER_FUNCTION, "fold_by_key", "five", NULL);
    ds_test_assert_fails (no_pairs, DS_ERROR_TYPE, "fold_by_key", "pair", NULL);
    g_assert_false (is_over);
  }
  g_assert_true (is_over);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/rdd/fold-by-key/begins-with-zero",
                   test_fold_by_key_begins_with_zero);
  g_test_add_func ("/rdd/fold-by-key/aggregate", test_aggregate_by_key);
  g_test_add_func ("/rdd/fold-by-key/group-by", test_group_by);
  g_test_add_func ("/rdd/fold-by-key/failures", test_fold_by_key_failures);

  return g_test_run ();
}
