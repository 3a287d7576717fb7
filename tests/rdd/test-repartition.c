/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* repartition and partition_by: the same values elsewhere, also when memory is short. */

#include "tests/rdd/ds-test-shuffle.h"

#include "rdd/ds-job-private.h"
#include "rdd/ds-rdd-private.h"

#include <sys/resource.h>

static void
test_repartition_deals_in_turn (void)
{
  g_test_summary ("Partition i deals its values out from partition i on");

  for (gsize i = 0; i < G_N_ELEMENTS (ds_test_masters); i++)
    {
      g_autoptr (DsTestContext) context = ds_test_context_new (ds_test_masters[i]);
      g_autoptr (DsRdd) integers = ds_test_integers (context, 10, 2);
      g_autoptr (DsRdd) three = ds_rdd_repartition (integers, 3);
      g_autoptr (DsRdd) one = ds_rdd_repartition (three, 1);
      g_autoptr (DsRdd) glommed = ds_rdd_glom (three);

      g_assert_cmpuint (ds_rdd_get_n_partitions (three), ==, 3);
      /* 0 1 2 3 4 from partition 0 on, 5 6 7 8 9 from partition 1 on. */
      ds_test_assert_collects (glommed, "[0, 3, 7]\n[1, 4, 5, 8]\n[2, 6, 9]\n");
      ds_test_assert_collects (one, "0\n3\n7\n1\n4\n5\n8\n2\n6\n9\n");
    }
}

static void
test_repartition_into_more (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("loopback[2]");
  g_autoptr (DsRdd) integers = ds_test_integers (context, 3, 1);
  g_autoptr (DsRdd) pairs = ds_rdd_map (integers, ds_pair_with_one, NULL, NULL);
  g_autoptr (DsRdd) five = ds_rdd_repartition (pairs, 5);
  g_autoptr (DsRdd) glommed = ds_rdd_glom (five);

  g_test_summary ("There are exactly as many partitions as asked for, some empty");

  g_assert_cmpuint (ds_rdd_get_n_partitions (five), ==, 5);
  ds_test_assert_collects (glommed, "[(0,1)]\n[(1,1)]\n[(2,1)]\n[]\n[]\n");
}

static void
test_repartition_spills (void)
{
  enum
  {
    N_VALUES = 100000
  };

  g_test_summary ("More than the memory budget allows goes to disk and comes back");

  for (gsize i = 0; i < G_N_ELEMENTS (ds_test_masters); i++)
    {
      g_autoptr (DsTestContext) context = ds_test_context_new (ds_test_masters[i]);
      g_autoptr (DsRdd) integers = ds_test_integers (context, N_VALUES, 2);
      g_autoptr (DsRdd) texts = ds_rdd_map (integers, ds_to_string, NULL, NULL);
      g_autoptr (DsRdd) three = ds_rdd_repartition (texts, 3);
      g_autoptr (GError) error = NULL;
      g_autoptr (DsBlock) block = NULL;
      gsize n_found = 0;

      g_object_set (context, "memory-budget", G_GUINT64_CONSTANT (300000), NULL);
      block = ds_rdd_collect (three, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (ds_block_get_length (block), ==, N_VALUES);
      for (guint p = 0; p < 3; p++)
        for (guint m = 0; m < 2; m++)
          for (guint j = 0; j < N_VALUES / 2; j++)
            {
              char text[32];

              if ((m + j) % 3 != p)
                continue;
              g_snprintf (text, sizeof text, "%u", m * N_VALUES / 2 + j);
              g_assert_true (
                  ds_value_equals_string (ds_block_get (block, n_found++), text));
            }
    }
}

static void
test_repartition_without_room (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local");
  g_autoptr (DsRdd) integers = ds_test_integers (context, 1000, 2);
  g_autoptr (DsRdd) three = ds_rdd_repartition (integers, 3);

  g_test_summary ("A local directory that is not there fails the job by its name");

  g_object_set (context, "memory-budget", G_GUINT64_CONSTANT (1), "local-directory",
                "/nowhere/at/all", NULL);
  ds_memory_budget_take (ds_context_get_memory_budget (context), 10);
  ds_test_assert_fails (three, DS_ERROR_NOT_FOUND, "/nowhere/at/all", "repartition",
                        NULL);
  ds_memory_budget_release (ds_context_get_memory_budget (context), 10);
}

static void
test_repartition_spills_with_few_files (void)
{
  g_test_summary ("Four maps into 200 partitions spill with 64 file descriptors");

  if (g_test_subprocess ())
    {
      const struct rlimit limit = { 64, 64 };
      g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
      g_autoptr (DsRdd) integers = ds_test_integers (context, 20000, 4);
      g_autoptr (DsRdd) many = ds_rdd_repartition (integers, 200);
      g_autoptr (GError) error = NULL;
      g_autoptr (DsBlock) sum = NULL;

      g_object_set (context, "memory-budget", G_GUINT64_CONSTANT (1), NULL);
      g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &limit), ==, 0);
      sum = ds_rdd_reduce (many, ds_add, NULL, &error);
      g_assert_no_error (error);
      g_assert_cmpint (ds_value_get_int (ds_block_get (sum, 0)), ==, 199990000);
      return;
    }
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_passed ();
}

static guint
by_parity (DsValue key, guint n_partitions, DsTask *task, gpointer unused)
{
  return (guint) ds_value_get_int (key) % 2;
}

static guint
out_of_range (DsValue key, guint n_partitions, DsTask *task, gpointer unused)
{
  return ds_value_get_int (key) == 6 ? n_partitions + 3 : 0;
}

static void
test_partition_by_function (void)
{
  g_test_summary ("Pairs go where the function says, in the order of partitions");

  for (gsize i = 0; i < G_N_ELEMENTS (ds_test_masters); i++)
    {
      g_autoptr (DsTestContext) context = ds_test_context_new (ds_test_masters[i]);
      g_autoptr (DsPartitioner) partitioner =
          ds_partitioner_new (3, by_parity, NULL, NULL);
      g_autoptr (DsRdd) integers = ds_test_integers (context, 7, 3);
      g_autoptr (DsRdd) pairs = ds_rdd_map (integers, ds_pair_with_one, NULL, NULL);
      g_autoptr (DsRdd) placed = ds_rdd_partition_by (pairs, partitioner);
      g_autoptr (DsRdd) glommed = ds_rdd_glom (placed);

      g_assert_true (ds_rdd_get_partitioner (placed) == partitioner);
      ds_test_assert_collects (
          glommed, "[(0,1), (2,1), (4,1), (6,1)]\n[(1,1), (3,1), (5,1)]\n[]\n");
    }
}

static void
test_partition_by_out_of_range (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autoptr (DsPartitioner) partitioner =
      ds_partitioner_new (2, out_of_range, NULL, NULL);
  g_autoptr (DsRdd) integers = ds_test_integers (context, 7, 3);
  g_autoptr (DsRdd) pairs = ds_rdd_map (integers, ds_pair_with_one, NULL, NULL);
  g_autoptr (DsRdd) placed = ds_rdd_partition_by (pairs, partitioner);
  g_autoptr (DsRdd) sums = ds_rdd_reduce_by_key (pairs, ds_min, NULL, NULL);

  g_test_summary ("A partition that does not exist fails the job: key, number, range");

  ds_rdd_set_partitioner (sums, partitioner);
  ds_test_assert_fails (placed, DS_ERROR_INVALID_ARGUMENT, "key 6", "partition 5",
                        "from 0 to 1", "partition_by", NULL);
  ds_test_assert_fails (sums, DS_ERROR_INVALID_ARGUMENT, "key 6", "partition 5",
                        "reduce_by_key", NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/rdd/repartition/deals-in-turn", test_repartition_deals_in_turn);
  g_test_add_func ("/rdd/repartition/into-more", test_repartition_into_more);
  g_test_add_func ("/rdd/repartition/spills", test_repartition_spills);
  g_test_add_func ("/rdd/repartition/spills-with-few-files",
                   test_repartition_spills_with_few_files);
  g_test_add_func ("/rdd/repartition/without-room", test_repartition_without_room);
  g_test_add_func ("/rdd/partition-by/function", test_partition_by_function);
  g_test_add_func ("/rdd/partition-by/out-of-range", test_partition_by_out_of_range);
  return g_test_run ();
}
