/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "dstream/ds-streaming-context-private.h"
#include "tests/dstream/ds-test-stream.h"

/* An output that tells when it is entered, and stays until it is let go. */
typedef struct
{
  DsTestGate entered;
  DsTestGate released;
  gint64 n_runs;
  GString *order; /* seconds of the batches, as they ran */
} Body;

static gboolean
run_gated (DsRdd *rdd, DsBatch *batch, gpointer user_data, GError **error)
{
  Body *body = user_data;

  g_string_append_printf (body->order, "%d ",
                          (int) (ds_batch_get_time (batch) / DS_SECOND));
  ds_test_gate_add (&body->entered, 1);
  ds_test_gate_await (&body->released, ++body->n_runs);
  return TRUE;
}

static DsRdd *
count_generated (DsRdd *rdd, DsBatch *batch, gpointer gate, GError **error)
{
  ds_test_gate_add (gate, 1);
  return g_object_ref (rdd);
}

static void
test_generates_beside_a_long_batch (void)
{
  DsTestStream test;
  Body body = { .order = g_string_new (NULL) };
  DsTestGate generated = { 0 };
  DsDStream *stream;
  g_autoptr (GArray) pending = NULL;
  g_autoptr (GError) error = NULL;

  g_test_summary ("While a batch runs, two more are generated and wait; not a third");

  ds_test_stream_set_up (&test, "local");
  stream = ds_dstream_transform (ds_streaming_context_queue_stream (test.ssc),
                                 count_generated, &generated, NULL);
  ds_dstream_foreach_rdd (stream, run_gated, &body, NULL);
  ds_test_stream_start (&test);
  ds_manual_clock_advance (test.clock, 6 * DS_SECOND);
  ds_test_gate_await (&body.entered, 1);
  ds_test_gate_await (&generated, 3);

  /* The driver is at rest now: what it could do it has done. */
  pending = ds_driver_get_pending_times (test.ssc->driver);
  while (pending->len < 3)
    {
      g_clear_pointer (&pending, g_array_unref);
      g_thread_yield ();
      pending = ds_driver_get_pending_times (test.ssc->driver);
    }
  g_assert_cmpint (g_array_index (pending, DsTime, 0), ==, 1 * DS_SECOND);
  g_assert_cmpint (g_array_index (pending, DsTime, 1), ==, 2 * DS_SECOND);
  g_assert_cmpint (g_array_index (pending, DsTime, 2), ==, 3 * DS_SECOND);
  g_assert_cmpint (ds_test_gate_get (&generated), ==, 3);

  ds_test_gate_add (&body.released, 6);
  ds_streaming_context_await_batch (test.ssc, 6 * DS_SECOND, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (body.order->str, ==, "1 2 3 4 5 6 ");
  g_assert_cmpint (ds_driver_get_n_missed (test.ssc->driver), ==, 5);
  ds_test_stream_tear_down (&test);
  g_string_free (body.order, TRUE);
}

static void
test_ticks_while_a_batch_runs (void)
{
  DsTestStream test;
  Body body = { .order = g_string_new (NULL) };
  DsTestGate generated = { 0 };
  DsDStream *stream;
  g_autoptr (GError) error = NULL;

  g_test_summary ("A tick that comes while a batch runs is generated then, not after it");

  ds_test_stream_set_up (&test, "local");
  stream = ds_dstream_transform (ds_streaming_context_queue_stream (test.ssc),
                                 count_generated, &generated, NULL);
  ds_dstream_foreach_rdd (stream, run_gated, &body, NULL);
  ds_test_stream_start (&test);
  ds_manual_clock_advance (test.clock, DS_SECOND);
  ds_test_gate_await (&body.entered, 1);
  ds_manual_clock_advance (test.clock, DS_SECOND);
  ds_test_gate_await (&generated, 2);
  ds_test_gate_add (&body.released, 2);
  ds_streaming_context_await_batch (test.ssc, 2 * DS_SECOND, &error);
  g_assert_no_error (error);
  ds_test_stream_tear_down (&test);
  g_string_free (body.order, TRUE);
}

static void
test_runs_many_batches_in_order (void)
{
  enum
  {
    N_ROUNDS = 200
  };
  DsTestStream test;
  Body body = { .order = g_string_new (NULL) };
  g_autoptr (GString) expected = g_string_new (NULL);
  guint n_batches = 0;

  g_test_summary ("Whatever comes at once, batches run one after the other, each once");

  ds_test_stream_set_up (&test, "local");
  ds_dstream_foreach_rdd (ds_streaming_context_queue_stream (test.ssc), run_gated, &body,
                          NULL);
  ds_test_gate_add (&body.released, G_MAXINT32);
  ds_test_stream_start (&test);
  for (guint i = 0; i < N_ROUNDS; i++)
    {
      guint n = (guint) g_test_rand_int_range (1, 8);

      ds_test_stream_run (&test, n);
      n_batches += n;
    }
  for (guint i = 1; i <= n_batches; i++)
    g_string_append_printf (expected, "%u ", i);
  g_assert_cmpstr (body.order->str, ==, expected->str);
  ds_test_stream_tear_down (&test);
  g_string_free (body.order, TRUE);
}

static gpointer
stop_now (gpointer ssc)
{
  g_autoptr (GError) error = NULL;

  ds_streaming_context_stop (ssc, DS_STOP_NOW, &error);
  g_assert_no_error (error);
  return NULL;
}

static void
test_stop_now_drops_what_waits (void)
{
  DsTestStream test;
  Body body = { .order = g_string_new (NULL) };
  g_autoptr (GThread) stopper = NULL;
  GCancellable *cancellable;

  g_test_summary ("A stop at once cancels the running batch and drops those that wait");

  ds_test_stream_set_up (&test, "local");
  ds_dstream_foreach_rdd (ds_streaming_context_queue_stream (test.ssc), run_gated, &body,
                          NULL);
  ds_test_stream_start (&test);
  ds_manual_clock_advance (test.clock, 3 * DS_SECOND);
  ds_test_gate_await (&body.entered, 1);
  cancellable = g_object_ref (ds_driver_get_cancellable (test.ssc->driver));
  stopper = g_thread_new ("stopper", stop_now, test.ssc);
  while (!g_cancellable_is_cancelled (cancellable))
    g_thread_yield ();
  ds_test_gate_add (&body.released, 3);
  g_thread_join (g_steal_pointer (&stopper));
  g_assert_cmpstr (body.order->str, ==, "1 ");
  g_object_unref (cancellable);
  ds_test_stream_tear_down (&test);
  g_string_free (body.order, TRUE);
}

static void
test_stop_now_leaves_a_stuck_function_alone (void)
{
  DsTestStream test;
  Body body = { .order = g_string_new (NULL) };

  g_test_summary ("A function that never returns does not keep a stop from ending");

  ds_test_stream_set_up (&test, "local");
  ds_dstream_foreach_rdd (ds_streaming_context_queue_stream (test.ssc), run_gated, &body,
                          NULL);
  ds_test_stream_start (&test);
  ds_manual_clock_advance (test.clock, DS_SECOND);
  ds_test_gate_await (&body.entered, 1);
  g_test_expect_message ("DStream", G_LOG_LEVEL_MESSAGE, "*still runs*");
  stop_now (test.ssc);
  g_test_assert_expected_messages ();
  g_assert_cmpint (ds_streaming_context_get_state (test.ssc), ==, DS_STREAMING_STOPPED);

  ds_test_gate_add (&body.released, 1); /* now it may go: tear_down waits for that */
  ds_test_stream_tear_down (&test);
  g_string_free (body.order, TRUE);
}

/* As an action does that takes long: until the stop cuts it off. */
static gboolean
run_until_cut_off (DsRdd *rdd, DsBatch *batch, gpointer entered, GError **error)
{
  gint64 n = ds_rdd_count (rdd, error);

  ds_test_gate_add (entered, 1);
  while (n >= 0)
    n = ds_rdd_count (rdd, error);
  return FALSE;
}

static void
test_report_names_the_batch_that_was_cut_off (void)
{
  DsTestStream test;
  DsTestGate entered = { 0 };
  DsDStream *stream;
  g_autofree char *report = NULL;

  g_test_summary ("The report of a stop at once names the batch that it cut off");

  ds_test_stream_set_up (&test, "local");
  stream = ds_streaming_context_queue_stream (test.ssc);
  ds_dstream_foreach_rdd (stream, run_until_cut_off, &entered, NULL);
  ds_test_stream_push (stream, "a", "b", "c", NULL);
  ds_test_stream_start (&test);
  ds_manual_clock_advance (test.clock, DS_SECOND);
  ds_test_gate_await (&entered, 1);
  stop_now (test.ssc);
  report = ds_streaming_context_get_stop_report (test.ssc);
  g_assert_cmpstr (report, ==, "received 3, processed 0, left 3 (in batches 1000 ms)");
  ds_test_stream_tear_down (&test);
}

static void
test_graceful_stop_has_a_deadline (void)
{
  DsTestStream test;
  Body body = { .order = g_string_new (NULL) };
  DsDStream *stream;
  g_autoptr (GError) error = NULL;

  g_test_summary ("A graceful stop past its deadline fails and says what is left");

  ds_test_stream_set_up (&test, "local");
  g_object_set (test.ssc, "graceful-stop-timeout", 10 * DS_MILLISECOND, NULL);
  stream = ds_streaming_context_queue_stream (test.ssc);
  ds_dstream_foreach_rdd (stream, run_gated, &body, NULL);
  ds_test_stream_push (stream, "a", "b", "c", NULL);
  ds_test_stream_start (&test);
  ds_manual_clock_advance (test.clock, DS_SECOND);
  ds_test_gate_await (&body.entered, 1);
  g_test_expect_message ("DStream", G_LOG_LEVEL_MESSAGE, "*still runs*");
  g_assert_false (ds_streaming_context_stop (test.ssc, DS_STOP_GRACEFULLY, &error));
  g_test_assert_expected_messages ();
  g_assert_error (error, DS_ERROR, DS_ERROR_TIMEOUT);
  g_assert_nonnull (strstr (error->message, "received 3, processed 0, left 3"));
  g_assert_cmpint (ds_streaming_context_get_state (test.ssc), ==, DS_STREAMING_STOPPED);
  ds_test_gate_add (&body.released, 3);
  ds_test_stream_tear_down (&test);
  g_string_free (body.order, TRUE);
}

static void
test_stop_now_ends_a_graceful_one (void)
{
  DsTestStream test;
  Body body = { .order = g_string_new (NULL) };
  GCancellable *cancellable;
  g_autoptr (GError) error = NULL;

  g_test_summary ("A stop at once makes a graceful stop under way one at once");

  ds_test_stream_set_up (&test, "local");
  g_object_set (test.ssc, "graceful-stop-timeout", DS_HOUR, NULL);
  ds_dstream_foreach_rdd (ds_streaming_context_queue_stream (test.ssc), run_gated, &body,
                          NULL);
  ds_test_stream_start (&test);
  ds_manual_clock_advance (test.clock, DS_SECOND);
  ds_test_gate_await (&body.entered, 1);
  cancellable = ds_driver_get_cancellable (test.ssc->driver);
  ds_streaming_context_ask_to_stop (test.ssc, DS_STOP_GRACEFULLY);
  ds_streaming_context_ask_to_stop (test.ssc, DS_STOP_NOW);
  while (!g_cancellable_is_cancelled (cancellable))
    g_thread_yield ();
  ds_test_gate_add (&body.released, 9);
  ds_streaming_context_await_termination (test.ssc, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (body.order->str, ==, "1 ");
  ds_test_stream_tear_down (&test);
  g_string_free (body.order, TRUE);
}

static gpointer
await_in_vain (gpointer ssc)
{
  GError *error = NULL;

  ds_streaming_context_await_batch (ssc, DS_SECOND, &error);
  return error;
}

static void
test_an_abandoned_batch_is_not_awaited (void)
{
  DsTestStream test;
  Body body = { .order = g_string_new (NULL) };
  GThread *waiting;
  g_autoptr (GError) error = NULL;

  g_test_summary ("Nobody waits for a batch whose function a stop has left to itself");

  ds_test_stream_set_up (&test, "local");
  ds_dstream_foreach_rdd (ds_streaming_context_queue_stream (test.ssc), run_gated, &body,
                          NULL);
  ds_test_stream_start (&test);
  ds_manual_clock_advance (test.clock, DS_SECOND);
  ds_test_gate_await (&body.entered, 1);
  waiting = g_thread_new ("waiting", await_in_vain, test.ssc);
  ds_driver_interrupt (test.ssc->driver);
  ds_driver_abandon (test.ssc->driver);
  error = g_thread_join (waiting);
  g_assert_error (error, DS_ERROR, DS_ERROR_STOPPED);
  ds_test_gate_add (&body.released, 1);
  ds_test_stream_tear_down (&test);
  g_string_free (body.order, TRUE);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dstream/driver/generates-beside-a-long-batch",
                   test_generates_beside_a_long_batch);
  g_test_add_func ("/dstream/driver/ticks-while-a-batch-runs",
                   test_ticks_while_a_batch_runs);
  g_test_add_func ("/dstream/driver/runs-many-batches-in-order",
                   test_runs_many_batches_in_order);
  g_test_add_func ("/dstream/driver/stop-now-drops-what-waits",
                   test_stop_now_drops_what_waits);
  g_test_add_func ("/dstream/driver/stop-now-leaves-a-stuck-function-alone",
                   test_stop_now_leaves_a_stuck_function_alone);
  g_test_add_func ("/dstream/driver/report-names-the-batch-that-was-cut-off",
                   test_report_names_the_batch_that_was_cut_off);
  g_test_add_func ("/dstream/driver/graceful-stop-has-a-deadline",
                   test_graceful_stop_has_a_deadline);
  g_test_add_func ("/dstream/driver/stop-now-ends-a-graceful-one",
                   test_stop_now_ends_a_graceful_one);
  g_test_add_func ("/dstream/driver/an-abandoned-batch-is-not-awaited",
                   test_an_abandoned_batch_is_not_awaited);
  return g_test_run ();
}
