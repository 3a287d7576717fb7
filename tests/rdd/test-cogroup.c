/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* cogroup: a list for each RDD under each key. */

#include "rdd/ds-rdd-private.h"
#include "tests/rdd/ds-test-shuffle.h"

static const char *const left_lines[] = { "a 1", "b 2", "a 3", "c 4", NULL };
static const char *const right_lines[] = { "b 5", "d 6", "a 7", "b 8", NULL };
static const char *const third_lines[] = { "e 9", "a 10", NULL };

static void
test_cogroup_lists_both_sides (void)
{
  g_test_summary ("Each key has the list of its values in either RDD, in their order");

  for (gsize i = 0; i < G_N_ELEMENTS (ds_test_masters); i++)
    {
      g_autoptr (DsTestContext) context = ds_test_context_new (ds_test_masters[i]);
      g_autoptr (DsRdd) left = ds_test_pairs (context, left_lines, 3);
      g_autoptr (DsRdd) right = ds_test_pairs (context, right_lines, 2);
      g_autoptr (DsRdd) both = ds_rdd_cogroup (left, right);

      ds_rdd_set_n_partitions (both, 1);
      ds_test_assert_collects (both, "(a,([1, 3],[7]))\n(b,([2],[5, 8]))\n"
                                     "(c,([4],[]))\n(d,([],[6]))\n");
    }
}

static void
test_cogroup_of_three (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autoptr (DsRdd) left = ds_test_pairs (context, left_lines, 2);
  g_autoptr (DsRdd) right = ds_test_pairs (context, right_lines, 2);
  g_autoptr (DsRdd) third = ds_test_pairs (context, third_lines, 1);
  DsRdd *others[] = { right, third };
  g_autoptr (DsRdd) all = ds_rdd_cogroup_many (left, others, 2);

  g_test_summary ("Three RDDs give tuples of three lists");

  ds_rdd_set_n_partitions (all, 1);
  ds_test_assert_collects (all, "(a,([1, 3],[7],[10]))\n(b,([2],[5, 8],[]))\n"
                                "(c,([4],[],[]))\n(d,([],[6],[]))\n(e,([],[],[9]))\n");
}

static void
test_cogroup_moves_what_it_must (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autoptr (DsPartitioner) partitioner = ds_partitioner_new_hash (3);
  g_autoptr (DsRdd) left = ds_test_pairs (context, left_lines, 2);
  g_autoptr (DsRdd) right = ds_test_pairs (context, right_lines, 2);
  g_autoptr (DsRdd) placed = ds_rdd_partition_by (left, partitioner);
  g_autoptr (DsRdd) both = ds_rdd_cogroup (right, placed);
  const DsDependency *dependencies;
  guint n_dependencies;

  g_test_summary ("An RDD that is partitioned already stays where it is");

  dependencies = ds_rdd_get_dependencies (both, &n_dependencies);
  g_assert_cmpuint (n_dependencies, ==, 2);
  g_assert_nonnull (dependencies[0].shuffle);
  g_assert_null (dependencies[1].shuffle);
  g_assert_cmpuint (ds_rdd_get_n_partitions (both), ==, 3);
  ds_test_assert_collects_sorted (both, "(a,([7],[1, 3]))\n(b,([5, 8],[2]))\n"
                                        "(c,([],[4]))\n(d,([6],[]))\n");
}

static void
test_cogroup_of_nothing (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autoptr (DsRdd) none = ds_context_empty (context);
  g_autoptr (DsRdd) left = ds_test_pairs (context, third_lines, 2);
  g_autoptr (DsRdd) one_side = ds_rdd_cogroup (none, left);
  g_autoptr (DsRdd) neither = ds_rdd_cogroup (none, none);
  g_autoptr (DsRdd) with_itself = ds_rdd_cogroup (left, left);

  g_test_summary ("Empty RDDs give empty lists, an RDD may meet itself");

  ds_test_assert_collects_sorted (one_side, "(a,([],[10]))\n(e,([],[9]))\n");
  ds_test_assert_collects (neither, "");
  ds_test_assert_collects_sorted (with_itself, "(a,([10],[10]))\n(e,([9],[9]))\n");
}

static void
test_cogroup_errors (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autoptr (DsRdd) left = ds_test_pairs (context, left_lines, 2);
  g_autoptr (DsRdd) integers = ds_test_integers (context, 3, 1);
  DsRdd *others[] = { left, left, left, left };
  g_autoptr (DsRdd) too_many = ds_rdd_cogroup_many (left, others, 4);
  g_autoptr (DsRdd) too_few = ds_rdd_cogroup_many (left, NULL, 0);
  g_autoptr (DsRdd) no_pairs = ds_rdd_cogroup (left, integers);

  g_test_summary ("Too many, too few, and values that are no pairs, are errors");

  ds_test_assert_fails (too_many, DS_ERROR_INVALID_ARGUMENT, "1 to 3 others, not with 4",
                        NULL);
  ds_test_assert_fails (too_few, DS_ERROR_INVALID_ARGUMENT, "1 to 3 others, not with 0",
                        NULL);
  ds_test_assert_fails (no_pairs, DS_ERROR_TYPE, "cogroup", NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/rdd/cogroup/lists-both-sides", test_cogroup_lists_both_sides);
  g_test_add_func ("/rdd/cogroup/of-three", test_cogroup_of_three);
  g_test_add_func ("/rdd/cogroup/moves-what-it-must", test_cogroup_moves_what_it_must);
  g_test_add_func ("/rdd/cogroup/of-nothing", test_cogroup_of_nothing);
  g_test_add_func ("/rdd/cogroup/errors", test_cogroup_errors);

  return g_test_run ();
}
