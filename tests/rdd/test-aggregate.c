/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* fold, aggregate, tree_aggregate, min, max, sum: everything down to one value. */

#include "tests/rdd/ds-test-shuffle.h"

static DsValue
append (DsValue a, DsValue b, DsTask *task, gpointer user_data)
{
  g_autofree char *left = ds_value_to_string (a);
  g_autofree char *right = ds_value_to_string (b);

  return ds_string_printf (task, "%s%s", left, right);
}

static DsValue
join_with_bar (DsValue a, DsValue b, DsTask *task, gpointer user_data)
{
  g_autofree char *left = ds_value_to_string (a);
  g_autofree char *right = ds_value_to_string (b);

  if (user_data != NULL)
    g_atomic_int_inc ((gint *) user_data);
  return ds_string_printf (task, "%s|%s", left, right);
}

/* @block (transfer full) */
static void
assert_one (DsBlock *block, GError *error, const char *expected)
{
  g_autoptr (DsBlock) owned = block;
  g_autofree char *text = NULL;

  g_assert_no_error (error);
  g_assert_cmpuint (ds_block_get_length (owned), ==, 1);
  text = ds_value_to_string (ds_block_get (owned, 0));
  g_assert_cmpstr (text, ==, expected);
}

static void
test_fold_begins_with_zero (void)
{
  g_test_summary ("Zero is met by each partition, and once more by their results");

  for (gsize i = 0; i < G_N_ELEMENTS (ds_test_masters); i++)
    {
      g_autoptr (DsTestContext) context = ds_test_context_new (ds_test_masters[i]);
      g_autoptr (DsRdd) integers = ds_test_integers (context, 7, 3);
      g_autoptr (DsRdd) none = ds_context_empty (context);
      GError *error = NULL;

      assert_one (ds_rdd_fold (integers, ds_value_string ("<"), append, NULL, &error),
                  error, "<<01<23<456");
      assert_one (ds_rdd_fold (none, ds_value_string ("<"), append, NULL, &error), error,
                  "<");
      assert_one (ds_rdd_aggregate (integers, ds_value_string ("<"), append,
                                    join_with_bar, NULL, &error),
                  error, "<|<01|<23|<456");
      assert_one (ds_rdd_aggregate (none,
                                    ds_value_string ("a text that is kept elsewhere"),
                                    append, join_with_bar, NULL, &error),
                  error, "a text that is kept elsewhere");
    }
}

static void
test_tree_aggregate_is_aggregate (void)
{
  g_test_summary ("Rounds of neighbours give what one round gives, whatever the depth");

  for (gsize i = 0; i < G_N_ELEMENTS (ds_test_masters); i++)
    for (guint n_partitions = 1; n_partitions <= 40; n_partitions += 13)
      for (guint depth = 0; depth <= 6; depth++)
        {
          g_autoptr (DsTestContext) context = ds_test_context_new (ds_test_masters[i]);
          g_autoptr (DsRdd) integers = ds_test_integers (context, 40, n_partitions);
          g_autoptr (DsRdd) none = ds_context_empty (context);
          g_autoptr (GString) expected = g_string_new ("<");
          GError *error = NULL;
          gint n_merges = 0;

          for (guint p = 0; p < n_partitions; p++)
            {
              g_string_append (expected, "|<");
              for (guint j = 40 * p / n_partitions; j < 40 * (p + 1) / n_partitions; j++)
                g_string_append_printf (expected, "%u", j);
            }
          assert_one (ds_rdd_tree_aggregate (integers, ds_value_string ("<"), append,
                                             join_with_bar, depth, &n_merges, &error),
                      error, expected->str);
          g_assert_cmpint (n_merges, ==, (gint) n_partitions);
          assert_one (ds_rdd_tree_aggregate (none, ds_value_int (5), append,
                                             join_with_bar, depth, NULL, &error),
                      error, "5");
        }
}

static DsValue
square_of_distance (DsValue value, DsTask *task, gpointer unused)
{
  const gint64 x = ds_value_get_int (value) - 40;

  return ds_value_int (x * x);
}

static DsValue
half (DsValue value, DsTask *task, gpointer unused)
{
  return ds_value_double ((double) ds_value_get_int (value) / 2);
}

static void
test_min_max_sum (void)
{
  static const char *const words[] = { "pear", "apple", "quince", NULL };

  g_test_summary ("Numbers by size, texts by their order; ints stay ints");

  for (gsize i = 0; i < G_N_ELEMENTS (ds_test_masters); i++)
    {
      g_autoptr (DsTestContext) context = ds_test_context_new (ds_test_masters[i]);
      g_autoptr (DsRdd) integers = ds_test_integers (context, 101, 5);
      g_autoptr (DsRdd) squares = ds_rdd_map (integers, square_of_distance, NULL, NULL);
      g_autoptr (DsRdd) halves = ds_rdd_map (integers, half, NULL, NULL);
      g_autoptr (DsRdd) texts =
          ds_test_parallelize (context, ds_block_new_from_strv (words), 2);
      g_autoptr (DsRdd) none = ds_context_empty (context);
      GError *error = NULL;

      assert_one (ds_rdd_min (squares, &error), error, "0");
      assert_one (ds_rdd_max (squares, &error), error, "3600");
      assert_one (ds_rdd_sum (integers, &error), error, "5050");
      assert_one (ds_rdd_sum (halves, &error), error, "2525.0");
      assert_one (ds_rdd_min (texts, &error), error, "apple");
      assert_one (ds_rdd_max (texts, &error), error, "quince");
      assert_one (ds_rdd_sum (none, &error), error, "0");
    }
}

static DsValue
fail_at_five (DsValue a, DsValue b, DsTask *task, gpointer unused)
{
  return ds_value_get_int (b) == 5 ? ds_task_fail (task, "five") : b;
}

static void
assert_error (DsBlock *block, GError *error, DsError code, const char *part)
{
  g_assert_null (block);
  g_assert_error (error, DS_ERROR, (int) code);
  if (strstr (error->message, part) == NULL)
    g_error ("\"%s\" is missing in \"%s\"", part, error->message);
  g_error_free (error);
}

static void
test_aggregate_failures (void)
{
  static const char *const words[] = { "pear", "apple", NULL };
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autoptr (DsRdd) integers = ds_test_integers (context, 8, 2);
  g_autoptr (DsRdd) none = ds_context_empty (context);
  g_autoptr (DsRdd) texts =
      ds_test_parallelize (context, ds_block_new_from_strv (words), 2);
  DsBlock *block;
  GError *error = NULL;

  g_test_summary ("Messages name the action that failed");

  block = ds_rdd_min (none, &error);
  assert_error (block, g_steal_pointer (&error), DS_ERROR_EMPTY, "min: ");
  block = ds_rdd_max (none, &error);
  assert_error (block, g_steal_pointer (&error), DS_ERROR_EMPTY, "max: ");
  block = ds_rdd_sum (texts, &error);
  assert_error (block, g_steal_pointer (&error), DS_ERROR_TYPE, "sum");
  block = ds_rdd_fold (integers, ds_value_int (0), fail_at_five, NULL, &error);
  assert_error (block, g_steal_pointer (&error), DS_ERROR_USER_FUNCTION, "fold");
  block = ds_rdd_tree_aggregate (integers, ds_value_int (0), ds_add, fail_at_five, 3,
                                 NULL, &error);
  g_assert_no_error (error);
  g_clear_pointer (&block, ds_block_unref);
  block = ds_rdd_tree_aggregate (integers, ds_value_int (0), fail_at_five, ds_add, 3,
                                 NULL, &error);
  assert_error (block, g_steal_pointer (&error), DS_ERROR_USER_FUNCTION,
                "tree_aggregate");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/rdd/aggregate/fold-begins-with-zero", test_fold_begins_with_zero);
  g_test_add_func ("/rdd/aggregate/tree-aggregate-is-aggregate",
                   test_tree_aggregate_is_aggregate);
  g_test_add_func ("/rdd/aggregate/min-max-sum", test_min_max_sum);
  g_test_add_func ("/rdd/aggregate/failures", test_aggregate_failures);

  return g_test_run ();
}
