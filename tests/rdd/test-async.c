/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The asynchronous pairs: every one gives what its action gives, in the caller's main
 * context.  The thread of a pair may hold on to the RDD a little longer than that, so
 * these contexts are stopped, and end when they end. */

#include "tests/rdd/ds-test-shuffle.h"

#include "rdd/ds-rdd-async.h"

#include <glib/gstdio.h>

static const char *const lines[] = { "b 1", "a 2", "b 3", "a 4", "c 5", NULL };

typedef struct
{
  GMainLoop *loop;
  GThread *thread; /* of the callback */
  GAsyncResult *result;
} Waiter;

static void
note_result (GObject *object, GAsyncResult *result, gpointer data)
{
  Waiter *waiter = data;

  waiter->thread = g_thread_self ();
  waiter->result = g_object_ref (result);
  g_main_loop_quit (waiter->loop);
}

/* (transfer full) */
static GAsyncResult *
wait_for_result (Waiter *waiter)
{
  g_main_loop_run (waiter->loop);
  g_assert_true (waiter->thread == g_thread_self ());
  return g_steal_pointer (&waiter->result);
}

static void
count_destroy (gpointer data)
{
  g_atomic_int_inc ((gint *) data);
}

/* @found and @expected (transfer full): the same values. */
static void
assert_same (DsBlock *found, DsBlock *expected, const GError *error)
{
  g_assert_no_error (error);
  g_assert_cmpuint (ds_block_get_length (found), ==, ds_block_get_length (expected));
  for (gsize i = 0; i < ds_block_get_length (expected); i++)
    {
      g_autofree char *a = ds_value_to_string (ds_block_get (found, i));
      g_autofree char *b = ds_value_to_string (ds_block_get (expected, i));

      g_assert_cmpstr (a, ==, b);
    }
  ds_block_unref (found);
  ds_block_unref (expected);
}

/* Begins an action, waits, and ends it with @end, in which "result" is its result. */
#define AWAIT(waiter, begin, end)           \
  G_STMT_START                              \
  {                                         \
    g_autoptr (GAsyncResult) result = NULL; \
                                            \
    begin;                                  \
    result = wait_for_result (waiter);      \
    end;                                    \
    g_assert_no_error (error);              \
  }                                         \
  G_STMT_END

/* The same, where a block comes and has to be like @sync, which this thread makes first:
 * then it also makes the types of the RDDs in it, and GLib's own locks, which would make
 * another thread as good for that, are invisible to ThreadSanitizer. */
#define AWAIT_SAME(waiter, begin, end, sync)                   \
  G_STMT_START                                                 \
  {                                                            \
    DsBlock *expected = sync;                                  \
                                                               \
    AWAIT (waiter, begin, assert_same (end, expected, error)); \
  }                                                            \
  G_STMT_END

static DsValue
second (DsValue pair, DsTask *task, gpointer unused)
{
  return ds_value_get_item (pair, 1);
}

static void
test_async_values (void)
{
  g_autoptr (DsContext) context = ds_test_context_new ("local[2]");
  g_autoptr (DsRdd) pairs = ds_test_pairs (context, lines, 3);
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  Waiter waiter = { .loop = loop };
  gint n_destroyed = 0;
  g_autoptr (GError) error = NULL;
  g_autofree char *key = g_strdup ("a key that is of no use later on");
  g_autoptr (GHashTable) map = NULL;

  g_test_summary ("What brings values, with copies of the arguments");

  AWAIT_SAME (&waiter, ds_rdd_collect_async (pairs, NULL, note_result, &waiter),
              ds_rdd_collect_finish (pairs, result, &error),
              ds_rdd_collect (pairs, NULL));
  AWAIT_SAME (&waiter, ds_rdd_first_async (pairs, NULL, note_result, &waiter),
              ds_rdd_first_finish (pairs, result, &error), ds_rdd_first (pairs, NULL));
  AWAIT_SAME (&waiter, ds_rdd_take_async (pairs, 3, NULL, note_result, &waiter),
              ds_rdd_take_finish (pairs, result, &error), ds_rdd_take (pairs, 3, NULL));
  AWAIT_SAME (&waiter,
              ds_rdd_top_async (pairs, 2, second, &n_destroyed, count_destroy, NULL,
                                note_result, &waiter),
              ds_rdd_top_finish (pairs, result, &error),
              ds_rdd_top (pairs, 2, second, NULL, NULL));
  AWAIT_SAME (&waiter,
              ds_rdd_take_ordered_async (pairs, 2, NULL, NULL, NULL, NULL, note_result,
                                         &waiter),
              ds_rdd_take_ordered_finish (pairs, result, &error),
              ds_rdd_take_ordered (pairs, 2, NULL, NULL, NULL));
  AWAIT_SAME (&waiter,
              ds_rdd_take_sample_async (pairs, TRUE, 9, 4, NULL, note_result, &waiter),
              ds_rdd_take_sample_finish (pairs, result, &error),
              ds_rdd_take_sample (pairs, TRUE, 9, 4, NULL));
  AWAIT_SAME (&waiter, ds_rdd_count_by_key_async (pairs, NULL, note_result, &waiter),
              ds_rdd_count_by_key_finish (pairs, result, &error),
              ds_rdd_count_by_key (pairs, NULL));
  AWAIT_SAME (&waiter, ds_rdd_count_by_value_async (pairs, NULL, note_result, &waiter),
              ds_rdd_count_by_value_finish (pairs, result, &error),
              ds_rdd_count_by_value (pairs, NULL));
  AWAIT_SAME (&waiter,
              ds_rdd_lookup_async (pairs, ds_value_string ("b"), NULL, note_result,
                                   &waiter),
              ds_rdd_lookup_finish (pairs, result, &error),
              ds_rdd_lookup (pairs, ds_value_string ("b"), NULL));
  AWAIT_SAME (
      &waiter,
      {
        ds_rdd_lookup_async (pairs, ds_value_string (key), NULL, note_result, &waiter);
        memset (key, 'x', strlen (key));
      },
      ds_rdd_lookup_finish (pairs, result, &error), ds_block_new (NULL, 0));
  AWAIT (&waiter, ds_rdd_collect_as_map_async (pairs, NULL, note_result, &waiter),
         map = ds_rdd_collect_as_map_finish (pairs, result, &error));
  g_assert_cmpuint (g_hash_table_size (map), ==, 3);
  g_assert_cmpint (n_destroyed, ==, 1);
  ds_context_stop (context);
}

static void
test_async_numbers (void)
{
  g_autoptr (DsContext) context = ds_test_context_new ("local[2]");
  g_autoptr (DsRdd) integers = ds_test_integers (context, 10, 3);
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  Waiter waiter = { .loop = loop };
  gint n_destroyed = 0;
  g_autoptr (GError) error = NULL;
  const DsValue zero = ds_value_int (100);
  double edges[] = { 0, 5, 20 };
  gint64 counts[] = { 0, 0 };
  gboolean is_empty = TRUE;
  gint64 n_values = 0;
  DsStats stats;

  g_test_summary ("What comes down to one value, or a few numbers");

  AWAIT_SAME (&waiter,
              ds_rdd_reduce_async (integers, ds_add, &n_destroyed, count_destroy, NULL,
                                   note_result, &waiter),
              ds_rdd_reduce_finish (integers, result, &error),
              ds_rdd_reduce (integers, ds_add, NULL, NULL));
  AWAIT_SAME (&waiter,
              ds_rdd_fold_async (integers, zero, ds_add, &n_destroyed, count_destroy,
                                 NULL, note_result, &waiter),
              ds_rdd_fold_finish (integers, result, &error),
              ds_rdd_fold (integers, zero, ds_add, NULL, NULL));
  AWAIT_SAME (&waiter,
              ds_rdd_aggregate_async (integers, zero, ds_subtract, ds_add, &n_destroyed,
                                      count_destroy, NULL, note_result, &waiter),
              ds_rdd_aggregate_finish (integers, result, &error),
              ds_rdd_aggregate (integers, zero, ds_subtract, ds_add, NULL, NULL));
  AWAIT_SAME (&waiter,
              ds_rdd_tree_aggregate_async (integers, zero, ds_subtract, ds_add, 3,
                                           &n_destroyed, count_destroy, NULL, note_result,
                                           &waiter),
              ds_rdd_tree_aggregate_finish (integers, result, &error),
              ds_rdd_tree_aggregate (integers, zero, ds_subtract, ds_add, 3, NULL, NULL));
  AWAIT_SAME (&waiter, ds_rdd_min_async (integers, NULL, note_result, &waiter),
              ds_rdd_min_finish (integers, result, &error), ds_rdd_min (integers, NULL));
  AWAIT_SAME (&waiter, ds_rdd_max_async (integers, NULL, note_result, &waiter),
              ds_rdd_max_finish (integers, result, &error), ds_rdd_max (integers, NULL));
  AWAIT_SAME (&waiter, ds_rdd_sum_async (integers, NULL, note_result, &waiter),
              ds_rdd_sum_finish (integers, result, &error), ds_rdd_sum (integers, NULL));
  g_assert_cmpint (n_destroyed, ==, 4);

  AWAIT (&waiter, ds_rdd_count_async (integers, NULL, note_result, &waiter),
         n_values = ds_rdd_count_finish (integers, result, &error));
  g_assert_cmpint (n_values, ==, 10);
  AWAIT (&waiter, ds_rdd_is_empty_async (integers, NULL, note_result, &waiter),
         g_assert_true (ds_rdd_is_empty_finish (integers, result, &is_empty, &error)));
  g_assert_false (is_empty);
  AWAIT (&waiter, ds_rdd_stats_async (integers, NULL, note_result, &waiter),
         g_assert_true (ds_rdd_stats_finish (integers, result, &stats, &error)));
  g_assert_cmpfloat (stats.mean, ==, 4.5);
  AWAIT (
      &waiter,
      {
        ds_rdd_histogram_async (integers, edges, 3, NULL, note_result, &waiter);
        edges[1] = 7;
      },
      g_assert_true (ds_rdd_histogram_finish (integers, result, counts, &error)));
  g_assert_cmpint (counts[0], ==, 5);
  g_assert_cmpint (counts[1], ==, 5);
  ds_context_stop (context);
}

/* ---- Effects ---- */

static void
add_value (DsValue value, DsTask *task, gpointer sum)
{
  g_atomic_int_add ((gint *) sum, (gint) ds_value_get_int (value));
}

static void
add_partition (DsPartition *partition, DsTask *task, gpointer sum)
{
  const DsValue *values;
  gsize n_values;

  while ((values = ds_partition_next (partition, &n_values)) != NULL)
    for (gsize i = 0; i < n_values; i++)
      add_value (values[i], task, sum);
}

static gboolean
add_block (DsBlock *block, DsTask *task, gpointer sum, GError **error)
{
  for (gsize i = 0; i < ds_block_get_length (block); i++)
    add_value (ds_block_get (block, i), task, sum);
  return TRUE;
}

static void
add_thousand (gpointer sum)
{
  g_atomic_int_add ((gint *) sum, 1000);
}

static void
test_async_effects (void)
{
  static const char *const names[] = { "text", "binary", "msgpack" };
  g_autoptr (DsContext) context = ds_test_context_new ("local[2]");
  g_autoptr (DsRdd) integers = ds_test_integers (context, 10, 3);
  g_autoptr (DsRdd) texts = ds_test_parallelize (
      context, ds_block_new_from_strv ((const char *const[]){ "a", "b", NULL }), 1);
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GError) error = NULL;
  g_autofree char *directory = g_dir_make_tmp ("ds-test-XXXXXX", NULL);
  Waiter waiter = { .loop = loop };
  gint sum = 0;

  g_test_summary ("What is done outside is done when the pair has ended");

  AWAIT (&waiter,
         ds_rdd_foreach_async (integers, add_value, &sum, add_thousand, NULL, note_result,
                               &waiter),
         g_assert_true (ds_rdd_foreach_finish (integers, result, &error)));
  g_assert_cmpint (sum, ==, 1045);
  AWAIT (&waiter,
         ds_rdd_foreach_partition_async (integers, add_partition, &sum, add_thousand,
                                         NULL, note_result, &waiter),
         g_assert_true (ds_rdd_foreach_partition_finish (integers, result, &error)));
  g_assert_cmpint (sum, ==, 2090);
  AWAIT (&waiter,
         ds_rdd_foreach_partition_block_async (integers, add_block, &sum, add_thousand,
                                               NULL, note_result, &waiter),
         g_assert_true (
             ds_rdd_foreach_partition_block_finish (integers, result, &error)));
  g_assert_cmpint (sum, ==, 3135);

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = g_build_filename (directory, names[i], NULL);
      g_autofree char *part = g_build_filename (path, "part-00000", NULL);
      g_autofree char *success = g_build_filename (path, "_SUCCESS", NULL);

      if (i == 0)
        AWAIT (&waiter,
               ds_rdd_save_as_text_file_async (texts, path, NULL, note_result, &waiter),
               g_assert_true (ds_rdd_save_as_text_file_finish (texts, result, &error)));
      else if (i == 1)
        AWAIT (&waiter,
               ds_rdd_save_as_binary_file_async (texts, path, NULL, note_result, &waiter),
               g_assert_true (ds_rdd_save_as_binary_file_finish (texts, result, &error)));
      else
        AWAIT (
            &waiter,
            ds_rdd_save_as_msgpack_file_async (texts, path, NULL, note_result, &waiter),
            g_assert_true (ds_rdd_save_as_msgpack_file_finish (texts, result, &error)));
      g_assert_cmpint (g_unlink (part), ==, 0);
      g_assert_cmpint (g_unlink (success), ==, 0);
      g_assert_cmpint (g_rmdir (path), ==, 0);
    }
  g_assert_cmpint (g_rmdir (directory), ==, 0);
  ds_context_stop (context);
}

/* ---- Failures ---- */

static void
test_async_failures (void)
{
  g_autoptr (DsContext) context = ds_test_context_new ("local");
  g_autoptr (DsRdd) integers = ds_test_integers (context, 10, 1);
  g_autoptr (DsRdd) none = ds_test_integers (context, 0, 1);
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) cancelled = NULL;
  g_autoptr (GAsyncResult) empty = NULL;
  g_autoptr (GAsyncResult) unranged = NULL;
  Waiter waiter = { .loop = loop };
  const double edge = 1;
  gint64 counts[1];
  g_autoptr (GError) error = NULL;

  g_test_summary ("A pair ends with the error of its action; cancelled, with the job's");

  g_cancellable_cancel (cancellable);
  ds_rdd_count_async (integers, cancellable, note_result, &waiter);
  cancelled = wait_for_result (&waiter);
  g_assert_cmpint (ds_rdd_count_finish (integers, cancelled, &error), ==, -1);
  g_assert_error (error, DS_ERROR, DS_ERROR_CANCELLED);
  g_clear_error (&error);

  ds_rdd_max_async (none, NULL, note_result, &waiter);
  empty = wait_for_result (&waiter);
  g_assert_null (ds_rdd_max_finish (none, empty, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_EMPTY);
  g_clear_error (&error);

  ds_rdd_histogram_async (integers, &edge, 1, NULL, note_result, &waiter);
  unranged = wait_for_result (&waiter);
  g_assert_false (ds_rdd_histogram_finish (integers, unranged, counts, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT);
  ds_context_stop (context);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/rdd/async/values", test_async_values);
  g_test_add_func ("/rdd/async/numbers", test_async_numbers);
  g_test_add_func ("/rdd/async/effects", test_async_effects);
  g_test_add_func ("/rdd/async/failures", test_async_failures);

  return g_test_run ();
}
