/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/dstream/ds-test-stream.h"

#include <sys/wait.h>
#include <unistd.h>

static void
test_mistakes_wait_for_start (void)
{
  DsTestStream test;
  DsTestStream other;
  DsDStream *stream;
  DsDStream *mixed;
  g_autoptr (GError) error = NULL;

  g_test_summary ("The first mistake is kept, later calls are inert, start reports it");

  ds_test_stream_set_up (&test, "local");
  ds_test_stream_set_up (&other, "local");
  stream = ds_streaming_context_queue_stream (test.ssc);
  mixed = ds_dstream_union (stream, ds_streaming_context_queue_stream (other.ssc));
  g_assert_nonnull (mixed);
  g_assert_true (ds_dstream_get_context (mixed) == test.ssc);
  g_assert_cmpint (ds_dstream_get_slide_duration (mixed), ==, DS_SECOND);
  ds_dstream_print (ds_dstream_count (ds_dstream_glom (mixed)), 10);
  ds_dstream_repartition (stream, 0); /* another mistake: not the first */
  ds_dstream_foreach_rdd (stream, ds_test_ignore_rdd, NULL, NULL);

  g_assert_false (ds_streaming_context_start (test.ssc, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, "another streaming context"));
  g_assert_cmpint (ds_streaming_context_get_state (test.ssc), ==, DS_STREAMING_STOPPED);
  ds_test_stream_tear_down (&test);
  ds_test_stream_tear_down (&other);
}

static void
test_refuses_wrong_intervals (void)
{
  static const DsDuration intervals[] = { 0, -DS_SECOND, 1500, 1, 36501 * 24 * DS_HOUR };

  g_test_summary (
      "A batch interval is a whole number of milliseconds, more than 0, not for ever");

  for (guint i = 0; i < G_N_ELEMENTS (intervals); i++)
    {
      g_autoptr (DsStreamingContext) ssc =
          ds_streaming_context_new ("local", "test", intervals[i]);
      g_autoptr (GError) error = NULL;

      ds_dstream_print (ds_streaming_context_queue_stream (ssc), 10);
      g_assert_false (ds_streaming_context_start (ssc, &error));
      g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_INTERVAL);
    }
}

static void
test_refuses_a_wrong_master (void)
{
  g_autoptr (DsStreamingContext) ssc =
      ds_streaming_context_new ("nowhere[2]", "test", DS_SECOND);
  g_autoptr (GError) error = NULL;

  g_test_summary ("What is wrong with the engine is reported by start");

  ds_dstream_print (ds_streaming_context_queue_stream (ssc), 10);
  g_assert_false (ds_streaming_context_start (ssc, &error));
  g_assert_nonnull (error);
  g_assert_nonnull (strstr (error->message, "nowhere[2]"));
}

static void
test_a_failed_start_is_told (void)
{
  g_autoptr (DsStreamingContext) ssc =
      ds_streaming_context_new ("locl", "test", DS_SECOND);
  DsDStream *stream = ds_streaming_context_queue_stream (ssc);
  g_autofree char *text = NULL;
  g_autofree char *stream_text = NULL;

  g_test_summary ("Whoever waits after a start that failed learns why it failed");

  ds_dstream_print (stream, 10);
  g_test_expect_message ("DStream", G_LOG_LEVEL_MESSAGE, "*was not started*\"locl\"*");
  g_assert_false (ds_streaming_context_start (ssc, NULL));
  g_test_assert_expected_messages ();

  for (guint i = 0; i < 4; i++)
    {
      g_autoptr (GError) error = NULL;
      gboolean ok =
          i == 0   ? ds_streaming_context_await_termination (ssc, &error)
          : i == 1 ? ds_streaming_context_await_termination_or_timeout (ssc, 0, &error)
          : i == 2 ? ds_streaming_context_await_batch (ssc, DS_SECOND, &error)
                   : ds_streaming_context_start (ssc, &error);

      g_assert_false (ok);
      g_assert_nonnull (error);
      g_assert_nonnull (strstr (error->message, "\"locl\""));
      g_assert_null (strstr (error->message, "call ds_streaming_context_start () first"));
    }

  text = ds_streaming_context_explain (ssc);
  g_assert_nonnull (strstr (text, "the start failed: "));
  stream_text = ds_dstream_explain (stream);
  g_assert_nonnull (strstr (stream_text, "the context could not be started: "));
}

static void
test_awaits_only_batch_times (void)
{
  static const struct
  {
    DsTime time;
    const char *message;
  } times[] = {
    { 1500 * DS_MILLISECOND,
      "await_batch: there is no batch of time 1500000 us: one comes every 1.000 s, and "
      "the nearest are those of 1000000 and 2000000 us" },
    { 3,
      "await_batch: there is no batch of time 3 us: one comes every 1.000 s, and the "
      "first is that of 1000000 us; times are in microseconds: write 3 * DS_SECOND for 3 "
      "s" },
    { 0, "await_batch: there is no batch of time 0 us: one comes every 1.000 s, and the "
         "first is that of 1000000 us" },
    { -DS_SECOND,
      "await_batch: there is no batch of time -1000000 us: one comes every 1.000 s, and "
      "the first is that of 1000000 us" },
    { G_MAXINT64,
      "await_batch: there is no batch of time 9223372036854775807 us: one comes every "
      "1.000 s, and the last is that of 9223372036854000000 us" },
  };
  DsTestStream test;

  g_test_summary ("A time at which no batch comes is an error, not a batch that is over");

  ds_test_stream_set_up (&test, "local");
  ds_dstream_foreach_rdd (ds_streaming_context_queue_stream (test.ssc),
                          ds_test_ignore_rdd, NULL, NULL);
  ds_test_stream_start (&test);
  ds_test_stream_run (&test, 3);
  for (guint i = 0; i < G_N_ELEMENTS (times); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (ds_streaming_context_await_batch (test.ssc, times[i].time, &error));
      g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT);
      g_assert_cmpstr (error->message, ==, times[i].message);
    }
  ds_test_stream_tear_down (&test);
}

static void
test_stopped_before_start (void)
{
  DsTestStream test;
  g_autoptr (GError) error = NULL;

  g_test_summary ("A batch of a context that was stopped unstarted never comes");

  ds_test_stream_set_up (&test, "local");
  g_test_expect_message ("DStream", G_LOG_LEVEL_WARNING, "*has not been started yet");
  g_assert_true (ds_streaming_context_stop (test.ssc, DS_STOP_NOW, NULL));
  g_test_assert_expected_messages ();
  g_assert_false (ds_streaming_context_await_batch (test.ssc, DS_SECOND, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_STATE);
  g_assert_nonnull (strstr (error->message, "stopped before it was started"));
  ds_test_stream_tear_down (&test);
}

static void
count_call (gpointer n_calls)
{
  (*(guint *) n_calls)++;
}

static void
split_rarely (DsValue value, DsTask *task, gpointer unused)
{
  ds_task_emit (task, value);
}

static DsRdd *
keep_all (DsRdd **rdds, gsize n_rdds, DsBatch *batch, gpointer unused, GError **error)
{
  return g_object_ref (rdds[0]);
}

static void
test_destroy_runs_once (void)
{
  DsTestStream test;
  DsDStream *stream;
  guint n_mapped = 0;
  guint n_inert = 0;
  guint n_refused = 0;
  guint n_output = 0;

  g_test_summary (
      "User data is destroyed once: with the graph, or when a call was wrong");

  ds_test_stream_set_up (&test, "local");
  stream = ds_streaming_context_queue_stream (test.ssc);
  ds_dstream_foreach_rdd (ds_dstream_flat_map (stream, split_rarely, &n_mapped,
                                               count_call),
                          ds_test_ignore_rdd, &n_output, count_call);
  ds_test_stream_push (stream, "a", NULL);
  ds_test_stream_start (&test);
  ds_test_stream_run (&test, 3);
  g_assert_cmpuint (n_mapped, ==, 0);
  g_assert_cmpuint (n_output, ==, 0);
  ds_test_stream_tear_down (&test);
  g_assert_cmpuint (n_mapped, ==, 1);
  g_assert_cmpuint (n_output, ==, 1);

  ds_test_stream_set_up (&test, "local");
  stream = ds_dstream_repartition (ds_streaming_context_queue_stream (test.ssc), 0);
  ds_dstream_flat_map (stream, split_rarely, &n_inert, count_call);
  g_assert_cmpuint (n_inert, ==, 1);
  ds_streaming_context_transform (test.ssc, NULL, 0, keep_all, &n_refused, count_call);
  g_assert_cmpuint (n_refused, ==, 1);
  ds_test_stream_tear_down (&test);
  g_assert_cmpuint (n_inert, ==, 1);
  g_assert_cmpuint (n_refused, ==, 1);
}

static void
test_an_rdd_may_outlive_its_context (void)
{
  DsTestStream test;
  DsDStream *stream;
  DsContext *engine;
  guint n_calls = 0;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) rdds = NULL;
  g_autoptr (DsBlock) values = NULL;

  g_test_summary ("An RDD of a stream keeps what its function needs");

  ds_test_stream_set_up (&test, "local");
  engine = g_object_ref (ds_streaming_context_get_context (test.ssc));
  stream = ds_streaming_context_queue_stream (test.ssc);
  ds_test_stream_push (stream, "a", "b", NULL);
  stream = ds_dstream_flat_map (stream, split_rarely, &n_calls, count_call);
  ds_dstream_foreach_rdd (stream, ds_test_ignore_rdd, NULL, NULL);
  ds_test_stream_start (&test);
  ds_test_stream_run (&test, 1);
  rdds = ds_dstream_slice (stream, DS_SECOND, DS_SECOND, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (rdds->len, ==, 1);

  ds_streaming_context_stop (test.ssc, DS_STOP_KEEP_CONTEXT, &error);
  g_assert_no_error (error);
  ds_test_stream_tear_down (&test);
  g_assert_cmpuint (n_calls, ==, 0);
  values = ds_rdd_collect (g_ptr_array_index (rdds, 0), &error);
  g_assert_no_error (error);
  ds_assert_block (values, "a", "b", NULL);
  g_clear_pointer (&rdds, g_ptr_array_unref);
  g_assert_cmpuint (n_calls, ==, 1);
  ds_context_stop (engine);
  g_assert_finalize_object (engine);
}

#define ASSERT_REFUSED(call)                                           \
  G_STMT_START                                                         \
  {                                                                    \
    g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_CRITICAL,         \
                           "*queue stream has no streaming context*"); \
    call;                                                              \
    g_test_assert_expected_messages ();                                \
  }                                                                    \
  G_STMT_END

static void
test_a_stream_without_context_builds_nothing (void)
{
  DsTestStream test;
  g_autoptr (DsDStream) stream = NULL;
  guint n_calls = 0;

  g_test_summary ("A stream that outlived its context refuses operators and outputs");

  ds_test_stream_set_up (&test, "local");
  stream = g_object_ref (ds_streaming_context_queue_stream (test.ssc));
  ds_test_stream_tear_down (&test);
  ASSERT_REFUSED (
      g_assert_null (ds_dstream_flat_map (stream, split_rarely, &n_calls, count_call)));
  ASSERT_REFUSED (g_assert_null (ds_dstream_repartition (stream, 0)));
  ASSERT_REFUSED (g_assert_null (ds_dstream_join (stream, stream)));
  ASSERT_REFUSED (g_assert_null (ds_dstream_window (stream, DS_SECOND, 0)));
  ASSERT_REFUSED (g_assert_null (
      ds_dstream_reduce_by_window (stream, DS_SECOND, 0, ds_add, &n_calls, count_call)));
  ASSERT_REFUSED (g_assert_null (ds_dstream_print (stream, 10)));
  ASSERT_REFUSED (g_assert_null (
      ds_dstream_foreach_rdd (stream, ds_test_ignore_rdd, &n_calls, count_call)));
  ASSERT_REFUSED (g_assert_null (ds_dstream_save_as_text_files (stream, "out", NULL)));
  g_assert_cmpuint (n_calls, ==, 3);
}

static void
test_a_second_context_waits_its_turn (void)
{
  DsTestStream first;
  DsTestStream second;
  g_autoptr (GError) error = NULL;

  g_test_summary ("Only one is active; one that was refused can start later");

  ds_test_stream_set_up (&first, "local");
  ds_test_stream_set_up (&second, "local");
  ds_dstream_collect (ds_streaming_context_queue_stream (first.ssc));
  ds_dstream_collect (ds_streaming_context_queue_stream (second.ssc));
  ds_test_stream_start (&first);
  g_assert_false (ds_streaming_context_start (second.ssc, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_STATE);
  g_assert_nonnull (strstr (error->message, "StreamingContext"));
  g_clear_error (&error);
  ds_test_stream_tear_down (&first);

  ds_test_stream_start (&second);
  ds_test_stream_run (&second, 1);
  ds_test_stream_tear_down (&second);
}

static DsStreamingContext *
set_up_nothing (gpointer n_calls, GError **error)
{
  (*(guint *) n_calls)++;
  return NULL;
}

static void
test_create_reports_what_goes_wrong (void)
{
  g_autoptr (GError) error = NULL;
  guint n_calls = 0;

  g_test_summary ("A set-up function that returns nothing is an error, and so is a "
                  "directory that can't be made");

  g_assert_null (
      ds_streaming_context_get_active_or_create (NULL, set_up_nothing, &n_calls, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_USER_FUNCTION);
  g_assert_cmpuint (n_calls, ==, 1);
  g_clear_error (&error);
  g_assert_null (ds_streaming_context_get_active_or_create ("/dev/null/somewhere",
                                                            set_up_nothing, &n_calls,
                                                            &error));
  g_assert_nonnull (strstr (error->message, "/dev/null/somewhere"));
  g_assert_cmpuint (n_calls, ==, 1);
}

static void
test_awaiting_a_batch_needs_a_start (void)
{
  DsTestStream test;
  g_autoptr (GError) error = NULL;

  g_test_summary ("A batch is awaited of an active context; a stop ends the waiting");

  ds_test_stream_set_up (&test, "local");
  ds_dstream_collect (ds_streaming_context_queue_stream (test.ssc));
  g_assert_false (ds_streaming_context_await_batch (test.ssc, DS_SECOND, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_STATE);
  g_clear_error (&error);
  ds_test_stream_start (&test);
  ds_test_stream_run (&test, 2);
  ds_streaming_context_stop (test.ssc, DS_STOP_NOW, &error);
  g_assert_no_error (error);
  g_assert_true (ds_streaming_context_await_batch (test.ssc, 2 * DS_SECOND, &error));
  g_assert_false (ds_streaming_context_await_batch (test.ssc, 3 * DS_SECOND, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_STOPPED);
  ds_test_stream_tear_down (&test);
}

static void
test_settings_are_fixed_by_start (void)
{
  DsTestStream test;
  guint max_waiting;

  g_test_summary (
      "A setting that comes after start changes nothing, and is warned about");

  ds_test_stream_set_up (&test, "local");
  g_object_set (test.ssc, "max-waiting-batches", 7u, NULL);
  ds_dstream_collect (ds_streaming_context_queue_stream (test.ssc));
  ds_test_stream_start (&test);
  g_test_expect_message ("DStream", G_LOG_LEVEL_WARNING, "max-waiting-batches*start*");
  g_object_set (test.ssc, "max-waiting-batches", 9u, NULL);
  g_test_assert_expected_messages ();
  g_object_get (test.ssc, "max-waiting-batches", &max_waiting, NULL);
  g_assert_cmpuint (max_waiting, ==, 7);
  ds_test_stream_tear_down (&test);
}

static void
on_stopped (GObject *source, GAsyncResult *result, gpointer loop)
{
  g_autoptr (GError) error = NULL;

  ds_streaming_context_stop_finish (DS_STREAMING_CONTEXT (source), result, &error);
  g_assert_no_error (error);
  g_main_loop_quit (loop);
}

static void
test_stops_without_waiting (void)
{
  DsTestStream test;
  DsDStream *stream;
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autofree char *report = NULL;

  g_test_summary ("stop_async tells when it is over; a graceful stop needs no clock");

  ds_test_stream_set_up (&test, "local");
  stream = ds_streaming_context_queue_stream (test.ssc);
  ds_dstream_collect (stream);
  ds_test_stream_push (stream, "a", "b", NULL);
  ds_test_stream_start (&test);
  ds_streaming_context_stop_async (test.ssc, DS_STOP_GRACEFULLY, NULL, on_stopped, loop);
  g_main_loop_run (loop);
  g_assert_cmpint (ds_streaming_context_get_state (test.ssc), ==, DS_STREAMING_STOPPED);
  report = ds_streaming_context_get_stop_report (test.ssc);
  g_assert_cmpstr (report, ==, "received 2, processed 2, left 0");
  ds_test_stream_tear_down (&test);
}

/* In a child of the process; 0 when every call said so. */
static int
use_in_child (DsStreamingContext *ssc)
{
  g_autoptr (GError) start_error = NULL;
  g_autoptr (GError) stop_error = NULL;
  g_autoptr (GError) await_error = NULL;
  g_autoptr (GError) batch_error = NULL;

  ds_streaming_context_start (ssc, &start_error);
  ds_streaming_context_stop (ssc, DS_STOP_GRACEFULLY, &stop_error);
  ds_streaming_context_await_termination (ssc, &await_error);
  ds_streaming_context_await_batch (ssc, DS_SECOND, &batch_error);
  return g_error_matches (start_error, DS_ERROR, DS_ERROR_INVALID_STATE) &&
                 g_error_matches (stop_error, DS_ERROR, DS_ERROR_INVALID_STATE) &&
                 g_error_matches (await_error, DS_ERROR, DS_ERROR_INVALID_STATE) &&
                 g_error_matches (batch_error, DS_ERROR, DS_ERROR_INVALID_STATE)
             ? 0
             : 1;
}

static void
test_a_forked_child_is_refused (void)
{
  DsTestStream test;
  pid_t child;
  int status = -1;

  g_test_summary ("After fork () the child's calls fail instead of waiting for ever");

  ds_test_stream_set_up (&test, "local");
  ds_dstream_collect (ds_streaming_context_queue_stream (test.ssc));
  ds_test_stream_start (&test);
  child = fork ();
  if (child == 0)
    _exit (use_in_child (test.ssc));
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, 0);
  ds_test_stream_run (&test, 1);
  ds_test_stream_tear_down (&test);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dstream/lifecycle/a-failed-start-is-told",
                   test_a_failed_start_is_told);
  g_test_add_func ("/dstream/lifecycle/awaits-only-batch-times",
                   test_awaits_only_batch_times);
  g_test_add_func ("/dstream/lifecycle/stopped-before-start", test_stopped_before_start);
  g_test_add_func ("/dstream/lifecycle/mistakes-wait-for-start",
                   test_mistakes_wait_for_start);
  g_test_add_func ("/dstream/lifecycle/refuses-wrong-intervals",
                   test_refuses_wrong_intervals);
  g_test_add_func ("/dstream/lifecycle/refuses-a-wrong-master",
                   test_refuses_a_wrong_master);
  g_test_add_func ("/dstream/lifecycle/destroy-runs-once", test_destroy_runs_once);
  g_test_add_func ("/dstream/lifecycle/an-rdd-may-outlive-its-context",
                   test_an_rdd_may_outlive_its_context);
  g_test_add_func ("/dstream/lifecycle/a-stream-without-context-builds-nothing",
                   test_a_stream_without_context_builds_nothing);
  g_test_add_func ("/dstream/lifecycle/a-second-context-waits-its-turn",
                   test_a_second_context_waits_its_turn);
  g_test_add_func ("/dstream/lifecycle/create-reports-what-goes-wrong",
                   test_create_reports_what_goes_wrong);
  g_test_add_func ("/dstream/lifecycle/awaiting-a-batch-needs-a-start",
                   test_awaiting_a_batch_needs_a_start);
  g_test_add_func ("/dstream/lifecycle/settings-are-fixed-by-start",
                   test_settings_are_fixed_by_start);
  g_test_add_func ("/dstream/lifecycle/stops-without-waiting",
                   test_stops_without_waiting);
  g_test_add_func ("/dstream/lifecycle/a-forked-child-is-refused",
                   test_a_forked_child_is_refused);
  return g_test_run ();
}
