/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/dstream/ds-test-stream.h"

#include <dlfcn.h>

/* The thread of this name cannot be started.  Of GLib's function this program's own one,
 * below, is what the library is linked to. */
static const char *refused_name;

GThread *
g_thread_try_new (const char *name, GThreadFunc func, gpointer data, GError **error)
{
  GThread *(*next) (const char *, GThreadFunc, gpointer, GError **) = NULL;
  gpointer symbol = dlsym (RTLD_NEXT, "g_thread_try_new");

  if (refused_name != NULL && g_strcmp0 (name, refused_name) == 0)
    {
      g_set_error_literal (error, G_THREAD_ERROR, G_THREAD_ERROR_AGAIN,
                           "no thread in this test");
      return NULL;
    }
  memcpy (&next, &symbol, sizeof next);
  return next (name, func, data, error);
}

static void
assert_start_fails (gconstpointer name)
{
  DsTestStream test;
  g_autoptr (GError) error = NULL;

  g_test_summary ("Without a thread for the batches the start fails, and says so");

  ds_test_stream_set_up (&test, "local");
  ds_dstream_collect (ds_streaming_context_queue_stream (test.ssc));
  refused_name = name;
  g_assert_false (ds_streaming_context_start (test.ssc, &error));
  refused_name = NULL;
  g_assert_error (error, DS_ERROR, DS_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, "no thread in this test"));
  g_assert_cmpint (ds_streaming_context_get_state (test.ssc), ==, DS_STREAMING_STOPPED);
  g_assert_null (ds_streaming_context_get_active ());
  ds_test_stream_tear_down (&test);
}

static void
count_call (DsStreamingContext *ssc, DsTime time, guint *n_calls)
{
  g_assert_true (DS_IS_STREAMING_CONTEXT (ssc));
  (*n_calls)++;
}

static void
test_failed_start_is_heard_of (void)
{
  DsTestStream test;
  guint n_calls = 0;

  g_test_summary ("Handlers have heard of what a failed start did when it returns");

  ds_test_stream_set_up (&test, "local");
  ds_dstream_collect (ds_streaming_context_queue_stream (test.ssc));
  g_signal_connect (test.ssc, "streaming-started", G_CALLBACK (count_call), &n_calls);
  g_main_context_acquire (NULL); /* as one that iterates it, but not now */
  refused_name = "ds-driver-0";
  g_assert_false (ds_streaming_context_start (test.ssc, NULL));
  refused_name = NULL;
  g_assert_cmpuint (n_calls, ==, 1);
  ds_test_stream_tear_down (&test);
  g_main_context_release (NULL);
}

static gboolean
fail (DsRdd *rdd, DsBatch *batch, gpointer unused, GError **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "the test says so");
  return FALSE;
}

static void
test_who_waits_does_the_stop (void)
{
  DsTestStream test;
  g_autoptr (GError) error = NULL;

  g_test_summary (
      "Without a thread for the stop after a failure, whoever awaits does it");

  ds_test_stream_set_up (&test, "local");
  ds_dstream_foreach_rdd (ds_streaming_context_queue_stream (test.ssc), fail, NULL, NULL);
  ds_test_stream_start (&test);
  refused_name = "ds-stop";
  ds_manual_clock_advance (test.clock, DS_SECOND);
  g_assert_false (ds_streaming_context_await_termination (test.ssc, &error));
  refused_name = NULL;
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_FAILED);
  g_assert_cmpint (ds_streaming_context_get_state (test.ssc), ==, DS_STREAMING_STOPPED);
  ds_test_stream_tear_down (&test);
}

static void
test_signals_are_latched (void)
{
  DsTestStream test;

  g_test_summary ("Without a thread for signals the context has a mistake to report");

  ds_test_stream_set_up (&test, "local");
  refused_name = "ds-signals";
  ds_streaming_context_stop_on_signals (test.ssc);
  refused_name = NULL;
  g_assert_error (ds_streaming_context_get_build_error (test.ssc), DS_ERROR,
                  DS_ERROR_FAILED);
  ds_test_stream_tear_down (&test);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/dstream/thread-limit/start-fails-at-the-first", "ds-driver-0",
                        assert_start_fails);
  g_test_add_data_func ("/dstream/thread-limit/start-fails-at-the-second", "ds-driver-1",
                        assert_start_fails);
  g_test_add_func ("/dstream/thread-limit/failed-start-is-heard-of",
                   test_failed_start_is_heard_of);
  g_test_add_func ("/dstream/thread-limit/who-waits-does-the-stop",
                   test_who_waits_does_the_stop);
  g_test_add_func ("/dstream/thread-limit/signals-are-latched", test_signals_are_latched);
  return g_test_run ();
}
