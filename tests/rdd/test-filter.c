/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* filter: what a function says yes to; pairs stay columns. */

#include "tests/rdd/ds-test-rdd.h"

static gboolean
is_even (DsValue value, DsTask *task, gpointer user_data)
{
  return ds_value_get_int (value) % 2 == 0;
}

static gboolean
has_large_value (DsValue pair, DsTask *task, gpointer user_data)
{
  return ds_value_get_int (ds_pair_value (pair)) >= 2;
}

/* Any bit says yes, not only the lowest. */
static gboolean
is_divisible (DsValue value, DsTask *task, gpointer user_data)
{
  return (ds_value_get_int (value) & 6) == 0 ? 4 : 0;
}

static DsRdd *
make_pairs (DsContext *context)
{
  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();

  ds_block_builder_add_pair (builder, ds_value_string ("a"), ds_value_int (1));
  ds_block_builder_add_pair (builder, ds_value_string ("b"), ds_value_int (2));
  ds_block_builder_add_pair (builder, ds_value_string ("c"), ds_value_int (3));
  return ds_test_parallelize (context, ds_block_builder_end (builder), 2);
}

static void
test_filter_keeps_some (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autoptr (DsRdd) numbers = ds_test_integers (context, 9, 2);
  g_autoptr (DsRdd) even = ds_rdd_filter (numbers, is_even, NULL, NULL);
  g_autoptr (DsRdd) glommed = ds_rdd_glom (even);
  g_autoptr (DsRdd) divisible = ds_rdd_filter (numbers, is_divisible, NULL, NULL);

  g_test_summary ("filter keeps order and partitions, and takes any truth for yes");

  ds_test_assert_collects (glommed, "[0, 2]\n[4, 6, 8]\n");
  ds_test_assert_collects (divisible, "0\n1\n8\n");
}

static void
test_filter_passes_many (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local");
  g_autoptr (DsRdd) numbers = ds_test_integers (context, 10000, 1);
  g_autoptr (DsRdd) even = ds_rdd_filter (numbers, is_even, NULL, NULL);
  g_autoptr (DsBlock) block = ds_rdd_collect (even, NULL);

  g_test_summary ("Of 10,000 values the 5,000 even ones arrive in order");

  g_assert_cmpuint (ds_block_get_length (block), ==, 5000);
  for (gsize i = 0; i < 5000; i++)
    g_assert_cmpint (ds_value_get_int (ds_block_get (block, i)), ==, 2 * (gint64) i);
}

static void
test_filter_sees_pairs (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local");
  g_autoptr (DsRdd) pairs = make_pairs (context);
  g_autoptr (DsRdd) large = ds_rdd_filter (pairs, has_large_value, NULL, NULL);
  g_autoptr (DsRdd) keys = ds_rdd_keys (large);

  g_test_summary ("A filter of pairs sees tuples and passes columns");

  ds_test_assert_collects (large, "(b,2)\n(c,3)\n");
  ds_test_assert_collects (keys, "b\nc\n");
}

static gboolean
refuse_b (DsValue pair, DsTask *task, gpointer user_data)
{
  if (ds_value_equals_string (ds_pair_key (pair), "b"))
    ds_task_fail (task, "no b please");
  return TRUE;
}

static void
test_filter_failure_shows_the_pair (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local");
  g_autoptr (DsRdd) pairs = make_pairs (context);
  g_autoptr (DsRdd) failing = ds_rdd_filter (pairs, refuse_b, NULL, NULL);

  g_test_summary ("A failure while filtering pairs shows the pair");

  ds_test_assert_fails (failing, DS_ERROR_USER_FUNCTION,
                        "filter, partition 1, value (b,2): no b please", NULL);
}

static void
test_filter_knows_ready_made_functions (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local");
  g_autoptr (DsRdd) lines =
      ds_test_parallelize (context,
                           ds_block_new_strings ("ERROR a", "", "ok", "an ERROR", NULL),
                           1);
  g_autoptr (DsRdd) filled = ds_rdd_filter (lines, ds_is_not_empty, NULL, NULL);
  g_autoptr (DsRdd) errors =
      ds_rdd_filter (lines, ds_contains, g_strdup ("ERROR"), g_free);
  g_autoptr (DsRdd) first =
      ds_rdd_filter (lines, ds_has_prefix, g_strdup ("ERROR"), g_free);

  g_test_summary ("Ready-made conditions take their argument as user_data");

  ds_test_assert_collects (filled, "ERROR a\nok\nan ERROR\n");
  ds_test_assert_collects (errors, "ERROR a\nan ERROR\n");
  ds_test_assert_collects (first, "ERROR a\n");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/rdd/filter/keeps-some", test_filter_keeps_some);
  g_test_add_func ("/rdd/filter/passes-many", test_filter_passes_many);
  g_test_add_func ("/rdd/filter/sees-pairs", test_filter_sees_pairs);
  g_test_add_func ("/rdd/filter/failure-shows-the-pair",
                   test_filter_failure_shows_the_pair);
  g_test_add_func ("/rdd/filter/knows-ready-made-functions",
                   test_filter_knows_ready_made_functions);
  return g_test_run ();
}
