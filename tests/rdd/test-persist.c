/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* persist, cache, unpersist: computed once, read often, gone when asked for. */

#include "tests/rdd/ds-test-shuffle.h"

#include "rdd/ds-job-private.h"
#include "rdd/ds-rdd-private.h"

static const DsStorageLevel levels[] = { DS_STORAGE_MEMORY, DS_STORAGE_MEMORY_AND_DISK,
                                         DS_STORAGE_DISK };

static DsValue
count_call (DsValue value, DsTask *task, gpointer user_data)
{
  g_atomic_int_inc ((gint *) user_data);
  return value;
}

static DsValue
add_one (DsValue value, DsTask *task, gpointer unused)
{
  return ds_value_int (ds_value_get_int (value) + 1);
}

static DsValue
digit_and_one (DsValue value, DsTask *task, gpointer user_data)
{
  g_atomic_int_inc ((gint *) user_data);
  return ds_pair (task, ds_value_int (ds_value_get_int (value) % 10), ds_value_int (1));
}

static void
assert_collects_integers (DsRdd *rdd, gint64 n)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DsBlock) block = ds_rdd_collect (rdd, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (ds_block_get_length (block), ==, (gsize) n);
  for (gint64 i = 0; i < n; i++)
    g_assert_cmpint (ds_value_get_int (ds_block_get (block, (gsize) i)), ==, i);
}

static void
assert_counts (DsRdd *rdd, gint64 n)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (ds_rdd_count (rdd, &error), ==, n);
  g_assert_no_error (error);
}

static guint64
get_n_kept_bytes (DsContext *context)
{
  return ds_memory_budget_get_n_bytes (ds_context_get_memory_budget (context));
}

/* ---- Computed once ---- */

static void
test_persist_computes_once (void)
{
  g_test_summary ("Every partition is computed by the first job that wants it, no more");

  for (gsize i = 0; i < G_N_ELEMENTS (ds_test_masters); i++)
    for (gsize j = 0; j < G_N_ELEMENTS (levels); j++)
      {
        g_autoptr (DsTestContext) context = ds_test_context_new (ds_test_masters[i]);
        gint n_calls = 0;
        g_autoptr (DsRdd) integers = ds_test_integers (context, 20000, 4);
        g_autoptr (DsRdd) mapped = ds_rdd_map (integers, count_call, &n_calls, NULL);
        g_autoptr (DsRdd) child = ds_rdd_map (mapped, add_one, NULL, NULL);

        ds_rdd_persist (mapped, levels[j]);
        g_assert_cmpint (ds_rdd_get_storage_level (mapped), ==, (int) levels[j]);
        g_assert_cmpint (ds_rdd_get_storage_level (child), ==, DS_STORAGE_NONE);
        assert_collects_integers (mapped, 20000);
        assert_collects_integers (mapped, 20000);
        assert_counts (child, 20000);
        g_assert_cmpint (n_calls, ==, 20000);
        g_assert_cmpint (get_n_kept_bytes (context) > 0, ==,
                         levels[j] != DS_STORAGE_DISK);

        ds_rdd_unpersist (mapped);
        g_assert_cmpint (ds_rdd_get_storage_level (mapped), ==, DS_STORAGE_NONE);
        g_assert_cmpuint (get_n_kept_bytes (context), ==, 0);
        assert_collects_integers (mapped, 20000);
        g_assert_cmpint (n_calls, ==, 40000);
      }
}

static void
test_persist_take_keeps_whole_partitions (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[1]");
  gint n_calls = 0;
  g_autoptr (GError) error = NULL;
  g_autoptr (DsRdd) integers = ds_test_integers (context, 10000, 2);
  g_autoptr (DsRdd) mapped = ds_rdd_map (integers, count_call, &n_calls, NULL);
  g_autoptr (DsBlock) first = NULL;

  g_test_summary ("A reader that soon has enough leaves no half partition behind");

  ds_rdd_cache (mapped);
  g_assert_cmpint (ds_rdd_get_storage_level (mapped), ==, DS_STORAGE_MEMORY);
  first = ds_rdd_take (mapped, 1, &error);
  g_assert_no_error (error);
  g_assert_cmpint (ds_value_get_int (ds_block_get (first, 0)), ==, 0);
  g_assert_cmpint (n_calls, ==, 5000);
  assert_collects_integers (mapped, 10000);
  g_assert_cmpint (n_calls, ==, 10000);
}

static gpointer
collect_in_thread (gpointer rdd)
{
  assert_collects_integers (rdd, 20000);
  return NULL;
}

static void
test_persist_side_by_side (void)
{
  g_test_summary ("Jobs that run side by side compute each partition once between them");

  for (guint round = 0; round < 50; round++)
    {
      g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
      gint n_calls = 0;
      g_autoptr (DsRdd) integers = ds_test_integers (context, 20000, 5);
      g_autoptr (DsRdd) mapped = ds_rdd_map (integers, count_call, &n_calls, NULL);
      GThread *threads[3];

      ds_rdd_persist (mapped, levels[round % G_N_ELEMENTS (levels)]);
      for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
        threads[i] = g_thread_new ("collect", collect_in_thread, mapped);
      for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
        g_thread_join (threads[i]);
      g_assert_cmpint (n_calls, ==, 20000);
    }
}

static void
test_persist_serves_several_readers_of_a_job (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  gint n_calls = 0;
  g_autoptr (DsRdd) integers = ds_test_integers (context, 100, 3);
  g_autoptr (DsRdd) mapped = ds_rdd_map (integers, count_call, &n_calls, NULL);
  g_autoptr (DsRdd) twice = ds_rdd_union (mapped, mapped);
  g_autoptr (DsRdd) zipped = ds_rdd_zip (mapped, mapped);
  g_autoptr (DsRdd) products = ds_rdd_cartesian (mapped, mapped);

  g_test_summary ("Both sides of a union, a zip and a product read what one computed");

  ds_rdd_cache (mapped);
  assert_counts (twice, 200);
  assert_counts (zipped, 100);
  assert_counts (products, 10000);
  g_assert_cmpint (n_calls, ==, 100);
}

/* ---- What lies behind ---- */

static DsShuffle *
get_shuffle (DsRdd *rdd)
{
  guint n_dependencies;

  return ds_rdd_get_dependencies (rdd, &n_dependencies)[0].shuffle;
}

static void
test_persist_ends_the_need_for_parents (void)
{
  g_test_summary ("Once all is kept the shuffle drops its data, and is not run again; "
                  "without what is kept it is");

  for (gsize i = 0; i < G_N_ELEMENTS (levels); i++)
    {
      g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
      gint n_calls = 0;
      g_autoptr (DsRdd) integers = ds_test_integers (context, 5000, 4);
      g_autoptr (DsRdd) pairs = ds_rdd_map (integers, digit_and_one, &n_calls, NULL);
      g_autoptr (DsRdd) counts = ds_rdd_reduce_by_key (pairs, ds_add, NULL, NULL);
      g_autoptr (DsRdd) sorted = ds_rdd_sort_by_key (counts, DS_ASCENDING);
      g_autoptr (GError) error = NULL;
      g_autoptr (DsBlock) first = NULL;
      static const char expected[] =
          "(0,500)\n(1,500)\n(2,500)\n(3,500)\n(4,500)\n(5,500)\n(6,500)\n(7,500)\n"
          "(8,500)\n(9,500)\n";

      ds_rdd_persist (counts, levels[i]);
      first = ds_rdd_first (counts, &error);
      g_assert_no_error (error);
      g_assert_true (ds_shuffle_is_complete (get_shuffle (counts)));
      ds_test_assert_collects (sorted, expected);
      g_assert_false (ds_shuffle_is_complete (get_shuffle (counts)));
      g_assert_cmpuint (ds_shuffle_get_n_bytes (get_shuffle (counts)), ==, 0);
      ds_test_assert_collects_sorted (counts, expected);
      g_assert_cmpint (n_calls, ==, 5000);

      ds_rdd_unpersist (counts);
      ds_test_assert_collects_sorted (counts, expected);
      g_assert_cmpint (n_calls, ==, 10000);
      g_assert_true (ds_shuffle_is_complete (get_shuffle (counts)));
    }
}

static DsValue
unpersist_once (DsValue value, DsTask *task, gpointer user_data)
{
  ds_rdd_unpersist (user_data);
  return value;
}

static void
test_persist_unpersist_during_a_job (void)
{
  g_test_summary ("What a running job counts on stays until the job has ended");

  for (gsize i = 0; i < G_N_ELEMENTS (ds_test_masters); i++)
    {
      g_autoptr (DsTestContext) context = ds_test_context_new (ds_test_masters[i]);
      gint n_calls = 0;
      g_autoptr (DsRdd) integers = ds_test_integers (context, 5000, 4);
      g_autoptr (DsRdd) pairs = ds_rdd_map (integers, digit_and_one, &n_calls, NULL);
      g_autoptr (DsRdd) counts = ds_rdd_reduce_by_key (pairs, ds_add, NULL, NULL);
      g_autoptr (DsRdd) child = ds_rdd_map (counts, unpersist_once, counts, NULL);

      ds_rdd_cache (counts);
      assert_counts (counts, 10);
      g_assert_false (ds_shuffle_is_complete (get_shuffle (counts)));
      assert_counts (child, 10);
      g_assert_cmpint (n_calls, ==, 5000);
      g_assert_cmpuint (get_n_kept_bytes (context), ==, 0);
      assert_counts (child, 10);
      g_assert_cmpint (n_calls, ==, 10000);
    }
}

static DsValue
persist_and_unpersist (DsValue value, DsTask *task, gpointer user_data)
{
  if (ds_value_get_int (value) % 3 == 0)
    ds_rdd_unpersist (user_data);
  else
    ds_rdd_persist (user_data, levels[ds_value_get_int (value) % 7 % 3]);
  return value;
}

static void
test_persist_changes_at_any_time (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[4]");
  gint n_calls = 0;
  g_autoptr (DsRdd) integers = ds_test_integers (context, 20000, 8);
  g_autoptr (DsRdd) mapped = ds_rdd_map (integers, count_call, &n_calls, NULL);
  g_autoptr (DsRdd) child = ds_rdd_map (mapped, persist_and_unpersist, mapped, NULL);
  GThread *threads[3];

  g_test_summary (
      "Whatever persists and unpersists while others read, they read the same");

  for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("collect", collect_in_thread, child);
  for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  ds_rdd_unpersist (mapped);
  g_assert_cmpuint (get_n_kept_bytes (context), ==, 0);
}

/* ---- Room ---- */

static void
test_persist_without_room (void)
{
  static const gint expected_calls[] = { 19000, 10000, 10000 };

  g_test_summary ("Without room the level says whether a file keeps it or nobody");

  for (gsize i = 0; i < G_N_ELEMENTS (levels); i++)
    {
      g_autoptr (DsTestContext) context = ds_test_context_new ("local[1]");
      gint n_calls = 0;
      g_autoptr (DsRdd) integers = ds_test_integers (context, 10000, 10);
      g_autoptr (DsRdd) mapped = ds_rdd_map (integers, count_call, &n_calls, NULL);

      /* There is room until something is there. */
      g_object_set (context, "memory-budget", G_GUINT64_CONSTANT (1), NULL);
      ds_rdd_persist (mapped, levels[i]);
      assert_collects_integers (mapped, 10000);
      assert_collects_integers (mapped, 10000);
      g_assert_cmpint (n_calls, ==, expected_calls[i]);
      g_assert_cmpint (get_n_kept_bytes (context) > 0, ==, i < 2);
    }
}

static void
test_persist_too_large_a_partition (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[1]");
  gint n_calls = 0;
  g_autoptr (DsRdd) integers = ds_test_integers (context, 200000, 1);
  g_autoptr (DsRdd) mapped = ds_rdd_map (integers, count_call, &n_calls, NULL);

  g_test_summary ("A partition that turns out too large for memory is not kept there");

  g_object_set (context, "memory-budget", G_GUINT64_CONSTANT (1000000), NULL);
  ds_rdd_persist (mapped, DS_STORAGE_MEMORY);
  assert_collects_integers (mapped, 200000);
  g_assert_cmpuint (get_n_kept_bytes (context), ==, 0);
  ds_rdd_persist (mapped, DS_STORAGE_MEMORY_AND_DISK);
  assert_collects_integers (mapped, 200000);
  g_assert_cmpint (n_calls, ==, 400000);
  assert_collects_integers (mapped, 200000);
  g_assert_cmpint (n_calls, ==, 400000);
}

static void
test_persist_blocks_are_not_kept_twice (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  const gint64 integers[] = { 0, 1, 2, 3 };
  g_autoptr (DsRdd) blocks =
      ds_test_parallelize (context,
                           ds_block_new_from_ints (integers, G_N_ELEMENTS (integers)), 2);

  g_test_summary ("An RDD that has its values in memory keeps no copies of them");

  ds_rdd_cache (blocks);
  assert_collects_integers (blocks, 4);
  g_assert_cmpint (ds_rdd_get_storage_level (blocks), ==, DS_STORAGE_MEMORY);
  g_assert_cmpuint (get_n_kept_bytes (context), ==, 0);
}

static void
test_persist_keeps_forms (void)
{
  static const char *const lines[] = { "c 1", "a 2", "b 3", "a 4", NULL };

  g_test_summary (
      "Values, pairs and nothing come back as they were, from memory and disk");

  for (gsize i = 0; i < G_N_ELEMENTS (ds_test_masters); i++)
    for (gsize j = 0; j < G_N_ELEMENTS (levels); j++)
      {
        g_autoptr (DsTestContext) context = ds_test_context_new (ds_test_masters[i]);
        g_autoptr (DsRdd) pairs = ds_test_pairs (context, lines, 7);
        g_autoptr (DsRdd) flipped = ds_rdd_map_values (pairs, add_one, NULL, NULL);
        g_autoptr (DsRdd) keys = ds_rdd_keys (pairs);

        ds_rdd_persist (pairs, levels[j]);
        ds_rdd_persist (flipped, levels[j]);
        ds_rdd_persist (keys, levels[j]);
        for (guint round = 0; round < 2; round++)
          {
            ds_test_assert_collects (flipped, "(c,2)\n(a,3)\n(b,4)\n(a,5)\n");
            ds_test_assert_collects (pairs, "(c,1)\n(a,2)\n(b,3)\n(a,4)\n");
            ds_test_assert_collects (keys, "c\na\nb\na\n");
          }
      }
}

/* ---- Failures ---- */

static DsValue
fail_at_first (DsValue value, DsTask *task, gpointer user_data)
{
  if (ds_value_get_int (value) == 60 && g_atomic_int_add ((gint *) user_data, 1) == 0)
    return ds_task_fail (task, "sixty");
  return value;
}

static void
test_persist_failures (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  gint n_seen = 0;
  g_autoptr (DsRdd) integers = ds_test_integers (context, 100, 2);
  g_autoptr (DsRdd) failing = ds_rdd_map (integers, fail_at_first, &n_seen, NULL);
  g_autoptr (DsRdd) no_level = ds_rdd_map (integers, add_one, NULL, NULL);

  g_test_summary ("A task that fails keeps nothing, and the next one can; a level that "
                  "is none is a mistake");

  ds_rdd_cache (failing);
  ds_test_assert_fails (failing, DS_ERROR_USER_FUNCTION, "sixty", NULL);
  assert_collects_integers (failing, 100);
  assert_collects_integers (failing, 100);
  g_assert_cmpint (n_seen, ==, 2);

  ds_rdd_persist (no_level, (DsStorageLevel) 9);
  ds_test_assert_fails (no_level, DS_ERROR_INVALID_ARGUMENT, "level 9",
                        "DS_STORAGE_MEMORY_AND_DISK", NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/rdd/persist/computes-once", test_persist_computes_once);
  g_test_add_func ("/rdd/persist/take-keeps-whole-partitions",
                   test_persist_take_keeps_whole_partitions);
  g_test_add_func ("/rdd/persist/side-by-side", test_persist_side_by_side);
  g_test_add_func ("/rdd/persist/serves-several-readers-of-a-job",
                   test_persist_serves_several_readers_of_a_job);
  g_test_add_func ("/rdd/persist/ends-the-need-for-parents",
                   test_persist_ends_the_need_for_parents);
  g_test_add_func ("/rdd/persist/unpersist-during-a-job",
                   test_persist_unpersist_during_a_job);
  g_test_add_func ("/rdd/persist/changes-at-any-time", test_persist_changes_at_any_time);
  g_test_add_func ("/rdd/persist/without-room", test_persist_without_room);
  g_test_add_func ("/rdd/persist/too-large-a-partition",
                   test_persist_too_large_a_partition);
  g_test_add_func ("/rdd/persist/blocks-are-not-kept-twice",
                   test_persist_blocks_are_not_kept_twice);
  g_test_add_func ("/rdd/persist/keeps-forms", test_persist_keeps_forms);
  g_test_add_func ("/rdd/persist/failures", test_persist_failures);

  return g_test_run ();
}
