/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "dstream/ds-dstream-private.h"
#include "tests/dstream/ds-test-stream.h"

/* A queue of "a" | "b" | "c" behind a map that counts its calls. */
typedef struct
{
  DsTestStream test;
  DsDStream *mapped;
  gint n_calls; /* atomic */
  GPtrArray *kept;
} Fixture;

static DsValue
count_call (DsValue value, DsTask *task, gpointer n_calls)
{
  g_atomic_int_inc ((gint *) n_calls);
  return value;
}

static void
set_up (Fixture *fixture)
{
  static const char *const values[] = { "a", "b", "c" };
  DsDStream *queue;

  ds_test_stream_set_up (&fixture->test, "local[2]");
  queue = ds_streaming_context_queue_stream (fixture->test.ssc);
  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    ds_test_stream_push (queue, values[i], NULL);
  fixture->n_calls = 0;
  fixture->mapped = ds_dstream_map (queue, count_call, &fixture->n_calls, NULL);
  fixture->kept = g_ptr_array_new_with_free_func (g_object_unref);
}

static gboolean
keep_rdd (DsRdd *rdd, DsBatch *batch, gpointer kept, GError **error)
{
  g_ptr_array_add (kept, g_object_ref (rdd));
  return TRUE;
}

/* Three batches with two outputs of @stream. */
static void
run (Fixture *fixture, DsDStream *stream)
{
  DsOutput *outputs[] = { ds_dstream_collect (stream), ds_dstream_collect (stream) };

  ds_dstream_foreach_rdd (stream, keep_rdd, fixture->kept, NULL);
  ds_test_stream_start (&fixture->test);
  ds_test_stream_run (&fixture->test, 3);
  for (guint i = 0; i < G_N_ELEMENTS (outputs); i++)
    ds_assert_block (ds_output_get_block (outputs[i], DS_SECOND), "a", NULL);
}

static void
tear_down (Fixture *fixture)
{
  ds_test_stream_tear_down (&fixture->test);
  g_ptr_array_unref (fixture->kept);
}

static void
test_outputs_share_what_is_persisted (void)
{
  static const struct
  {
    DsStorageLevel level;
    gint n_calls;
  } cases[] = { { DS_STORAGE_NONE, 6 },
                { DS_STORAGE_MEMORY, 3 },
                { DS_STORAGE_MEMORY_AND_DISK, 3 },
                { DS_STORAGE_DISK, 3 } };

  g_test_summary ("Of a persisted stream each value is computed once for all outputs");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      Fixture fixture;

      set_up (&fixture);
      ds_dstream_persist (fixture.mapped, cases[i].level);
      run (&fixture, fixture.mapped);
      g_assert_cmpint (g_atomic_int_get (&fixture.n_calls), ==, cases[i].n_calls);
      tear_down (&fixture);
    }
}

static void
test_what_is_forgotten_is_unpersisted (gconstpointer unpersist)
{
  Fixture fixture;

  g_test_summary ("An RDD is unpersisted when it is forgotten, if the setting says so");

  set_up (&fixture);
  g_object_set (fixture.test.ssc, "unpersist", unpersist != NULL, NULL);
  ds_dstream_cache (fixture.mapped);
  run (&fixture, fixture.mapped);
  g_assert_cmpuint (fixture.kept->len, ==, 3);
  g_assert_cmpint (ds_rdd_get_storage_level (g_ptr_array_index (fixture.kept, 0)), ==,
                   unpersist != NULL ? DS_STORAGE_NONE : DS_STORAGE_MEMORY);
  /* The last batch is remembered yet. */
  g_assert_cmpint (ds_rdd_get_storage_level (g_ptr_array_index (fixture.kept, 2)), ==,
                   DS_STORAGE_MEMORY);
  tear_down (&fixture);
}

static void
test_windows_persist_their_parent (void)
{
  Fixture fixture;
  DsDStream *window;

  g_test_summary ("A window caches what it looks at again; persist on it goes there");

  set_up (&fixture);
  window = ds_dstream_window (fixture.mapped, 3 * DS_SECOND, DS_SECOND);
  run (&fixture, window);
  /* Three windows of 1, 2 and 3 values, collected twice. */
  g_assert_cmpint (g_atomic_int_get (&fixture.n_calls), ==, 3);
  g_assert_cmpint (ds_rdd_get_storage_level (g_ptr_array_index (fixture.kept, 2)), ==,
                   DS_STORAGE_NONE);
  tear_down (&fixture);

  set_up (&fixture);
  window = ds_dstream_window (fixture.mapped, 3 * DS_SECOND, DS_SECOND);
  ds_dstream_persist (window, DS_STORAGE_DISK);
  g_assert_cmpint (ds_dstream_get_node (fixture.mapped)->storage_level, ==,
                   DS_STORAGE_DISK);
  run (&fixture, window);
  g_assert_cmpint (g_atomic_int_get (&fixture.n_calls), ==, 3);
  tear_down (&fixture);
}

static void
test_persist_after_start_is_refused (void)
{
  Fixture fixture;

  g_test_summary ("After start persist warns and changes nothing");

  set_up (&fixture);
  run (&fixture, fixture.mapped);
  g_test_expect_message ("DStream", G_LOG_LEVEL_WARNING, "*persist*after the start*");
  ds_dstream_cache (fixture.mapped);
  g_test_assert_expected_messages ();
  g_assert_cmpint (ds_dstream_get_node (fixture.mapped)->storage_level, ==,
                   DS_STORAGE_NONE);
  tear_down (&fixture);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dstream/persist/outputs-share-what-is-persisted",
                   test_outputs_share_what_is_persisted);
  g_test_add_data_func ("/dstream/persist/what-is-forgotten-is-unpersisted", "",
                        test_what_is_forgotten_is_unpersisted);
  g_test_add_data_func ("/dstream/persist/what-is-forgotten-may-stay", NULL,
                        test_what_is_forgotten_is_unpersisted);
  g_test_add_func ("/dstream/persist/windows-persist-their-parent",
                   test_windows_persist_their_parent);
  g_test_add_func ("/dstream/persist/persist-after-start-is-refused",
                   test_persist_after_start_is_refused);
  return g_test_run ();
}
