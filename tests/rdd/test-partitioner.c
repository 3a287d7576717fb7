/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* DsPartitioner: from keys to partitions. */

#include "tests/rdd/ds-test-rdd.h"

#include "rdd/ds-partitioner-private.h"
#include "rdd/ds-task-private.h"

static void
test_partitioner_by_hash (void)
{
  g_autoptr (DsPartitioner) partitioner = ds_partitioner_new_hash (7);
  DsTask *task = ds_task_new (NULL, 0, 0);
  const DsValue keys[] = { ds_value_string ("a"), ds_value_int (5), ds_value_null (),
                           ds_value_double (-0.0), ds_value_double (0.0) };
  guint32 partitions[G_N_ELEMENTS (keys)];

  g_test_summary ("The hash modulo the number of partitions; null goes to the first");

  g_assert_true (ds_partitioner_get_partitions (partitioner, keys, G_N_ELEMENTS (keys),
                                                task, partitions));
  for (gsize i = 0; i < G_N_ELEMENTS (keys); i++)
    g_assert_cmpuint (partitions[i], ==,
                      ds_value_is_null (keys[i]) ? 0 : ds_value_hash (keys[i]) % 7);
  g_assert_cmpuint (partitions[3], ==, partitions[4]);
  g_assert_cmpuint (ds_partitioner_get_n_partitions (partitioner), ==, 7);
  ds_task_free (task);
}

static guint
last_partition (DsValue key, guint n_partitions, DsTask *task, gpointer shift)
{
  return n_partitions - 1 + GPOINTER_TO_UINT (shift);
}

static void
test_partitioner_by_function (void)
{
  g_autoptr (DsPartitioner) last = ds_partitioner_new (3, last_partition, NULL, NULL);
  g_autoptr (DsPartitioner) wrong =
      ds_partitioner_new (3, last_partition, GUINT_TO_POINTER (1), NULL);
  DsTask *task = ds_task_new (NULL, 0, 0);
  const DsValue keys[] = { ds_value_string ("a"), ds_value_int (5) };
  guint32 partitions[G_N_ELEMENTS (keys)];

  g_test_summary ("What the function says; a number that is no partition fails the task");

  g_assert_true (ds_partitioner_get_partitions (last, keys, 2, task, partitions));
  g_assert_cmpuint (partitions[0], ==, 2);
  g_assert_cmpuint (partitions[1], ==, 2);
  g_assert_false (ds_partitioner_get_partitions (wrong, keys, 2, task, partitions));
  g_assert_error (task->error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (task->error->message, "key a into partition 3"));
  g_assert_nonnull (strstr (task->error->message, "from 0 to 2"));
  ds_task_free (task);
}

static void
test_partitioner_equality (void)
{
  g_autoptr (DsPartitioner) three = ds_partitioner_new_hash (3);
  g_autoptr (DsPartitioner) also_three = ds_partitioner_new_hash (3);
  g_autoptr (DsPartitioner) four = ds_partitioner_new_hash (4);
  g_autoptr (DsPartitioner) by_function =
      ds_partitioner_new (3, last_partition, NULL, NULL);
  g_autoptr (DsPartitioner) by_function_too =
      ds_partitioner_new (3, last_partition, NULL, NULL);

  g_test_summary ("Hashes of one size are one rule, a function is a rule of its own");

  g_assert_true (ds_partitioner_equal (three, also_three));
  g_assert_false (ds_partitioner_equal (three, four));
  g_assert_false (ds_partitioner_equal (three, by_function));
  g_assert_false (ds_partitioner_equal (by_function, by_function_too));
  g_assert_true (ds_partitioner_equal (by_function, by_function));
  g_assert_false (ds_partitioner_equal (NULL, NULL));
}

static void
count_destroys (gpointer n_destroyed)
{
  (*(guint *) n_destroyed)++;
}

static void
test_partitioner_frees_its_data (void)
{
  guint n_destroyed = 0;
  DsPartitioner *partitioner =
      ds_partitioner_new (2, last_partition, &n_destroyed, count_destroys);
  DsPartitioner *boxed = g_boxed_copy (DS_TYPE_PARTITIONER, partitioner);

  g_test_summary ("User data goes with the last reference, once");

  g_assert_true (boxed == partitioner);
  ds_partitioner_unref (partitioner);
  g_assert_cmpuint (n_destroyed, ==, 0);
  g_boxed_free (DS_TYPE_PARTITIONER, boxed);
  g_assert_cmpuint (n_destroyed, ==, 1);
}

static void
test_partitioner_refuses_no_partitions (void)
{
  g_test_summary ("A partitioner without partitions is a programming error");

  if (g_test_subprocess ())
    {
      ds_partitioner_new_hash (0);
      return;
    }
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr ("*n_partitions > 0*");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/rdd/partitioner/by-hash", test_partitioner_by_hash);
  g_test_add_func ("/rdd/partitioner/by-function", test_partitioner_by_function);
  g_test_add_func ("/rdd/partitioner/equality", test_partitioner_equality);
  g_test_add_func ("/rdd/partitioner/frees-its-data", test_partitioner_frees_its_data);
  g_test_add_func ("/rdd/partitioner/refuses-no-partitions",
                   test_partitioner_refuses_no_partitions);
  return g_test_run ();
}
