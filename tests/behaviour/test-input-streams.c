/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Input streams as a whole: receivers with many threads, the numbers of streams, streams
 * that nobody uses, and batches that fail. */

#include "tests/behaviour/behaviour.h"

#include "dstream/ds-streaming-context-private.h"

#include <string.h>

/* ---- Receivers ---- */

#define N_STORING_THREADS 5
#define N_RECORDS_PER_THREAD 2000

static gpointer
store_in_thread (gpointer receiver)
{
  for (gint64 i = 0; i < N_RECORDS_PER_THREAD; i++)
    g_assert_true (ds_receiver_store (receiver, ds_value_int (i)));
  return NULL;
}

static gboolean
store_in_threads (DsReceiver *receiver, GCancellable *cancellable, gpointer user_data)
{
  GThread *threads[N_STORING_THREADS] = { NULL };

  for (guint i = 0; i < N_STORING_THREADS; i++)
    threads[i] = g_thread_new ("store", store_in_thread, receiver);
  for (guint i = 0; i < N_STORING_THREADS; i++)
    g_thread_join (threads[i]);
  gate_add (user_data, 1);
  return TRUE;
}

static void
test_multi_thread_receiver (void)
{
  g_autoptr (DsManualClock) clock = NULL;
  g_autoptr (DsStreamingContext) streaming = behaviour_new_streaming (&clock);
  g_autoptr (GError) error = NULL;
  g_auto (Gate) all_stored = { 0 };
  g_autoptr (DsReceiver) receiver = NULL;
  DsOutput *output = NULL;
  DsBlock *count = NULL;

  g_test_summary ("5 threads store 2000 records each; the next batch has all 10000");

  gate_init (&all_stored);
  receiver = test_receiver_new (store_in_threads, &all_stored);
  output = ds_dstream_collect (
      ds_dstream_count (ds_streaming_context_receiver_stream (streaming, receiver)));
  ds_streaming_context_start (streaming, &error);
  g_assert_no_error (error);
  gate_await (&all_stored, 1);
  behaviour_tick (streaming, clock);

  count = ds_output_get_block (output, DS_SECOND);
  g_assert_nonnull (count);
  g_assert_cmpint (ds_value_get_int (ds_block_get (count, 0)), ==, 10000);
  g_assert_cmpint (ds_streaming_context_get_n_received (streaming), ==, 10000);
  g_assert_cmpint (ds_streaming_context_get_n_processed (streaming), ==, 10000);
  behaviour_stop (streaming);
}

static gboolean
end_at_once (DsReceiver *receiver, GCancellable *cancellable, gpointer unused)
{
  return TRUE;
}

static void
test_stream_ids (void)
{
  g_autoptr (DsManualClock) clock = NULL;
  g_autoptr (DsStreamingContext) streaming = behaviour_new_streaming (&clock);
  g_autoptr (DsReceiver) first = test_receiver_new (end_at_once, NULL);
  g_autoptr (DsReceiver) second = test_receiver_new (end_at_once, NULL);
  g_autoptr (GError) error = NULL;
  DsDStream *streams[5] = { NULL };

  g_test_summary (
      "Input streams count from 0 in the order in which they are made, receivers "
      "among them, and a receiver knows the number of its stream");

  streams[0] = ds_streaming_context_receiver_stream (streaming, first);
  streams[1] = ds_streaming_context_receiver_stream (streaming, second);
  for (guint i = 2; i < 5; i++)
    streams[i] = ds_streaming_context_queue_stream (streaming);
  for (guint i = 0; i < 5; i++)
    g_assert_cmpuint (ds_dstream_get_id (streams[i]), ==, i);
  g_assert_cmpuint (ds_graph_get_n_inputs (streaming->graph), ==, 5);

  ds_dstream_foreach_rdd (streams[4], behaviour_ignore_rdd, NULL, NULL);
  ds_streaming_context_start (streaming, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (ds_receiver_get_stream_id (first), ==, 0);
  g_assert_cmpuint (ds_receiver_get_stream_id (second), ==, 1);
  behaviour_stop (streaming);
}

static void
test_unused_input_stream (void)
{
  g_autoptr (DsManualClock) clock = NULL;
  g_autoptr (DsStreamingContext) streaming = behaviour_new_streaming (&clock);
  g_autoptr (GError) error = NULL;
  g_autoptr (DsBlock) block = ds_block_new_ints (1);
  DsDStream *unused = ds_streaming_context_queue_stream (streaming);
  DsOutput *output = ds_dstream_collect (ds_streaming_context_queue_stream (streaming));

  g_test_summary (
      "Two inputs of which only the second has an output: 2 batches, no error");

  ds_dstream_push_block (unused, block);
  ds_streaming_context_start (streaming, &error);
  g_assert_no_error (error);
  behaviour_tick (streaming, clock);
  behaviour_tick (streaming, clock);
  g_assert_cmpuint (ds_block_get_length (ds_output_get_block (output, DS_SECOND)), ==, 0);
  behaviour_stop (streaming);
}

/* ---- A batch that fails ---- */

static DsValue
fail_on_one (DsValue value, DsTask *task, gpointer unused)
{
  return ds_value_get_int (value) == 1 ? ds_task_fail (task, "one is not wanted") : value;
}

typedef struct
{
  DsManualClock *clock;
  DsStreamingContext *streaming;
  DsOutput *output;
} FailingStream;

static void
failing_stream_start (FailingStream *self, DsFailurePolicy policy)
{
  g_autoptr (GError) error = NULL;
  DsDStream *queue = NULL;

  self->streaming = behaviour_new_streaming (&self->clock);
  g_object_set (self->streaming, "failure-policy", policy, NULL);
  queue = ds_streaming_context_queue_stream (self->streaming);
  self->output = ds_dstream_collect (ds_dstream_map (queue, fail_on_one, NULL, NULL));
  for (gint64 i = 0; i < 4; i++)
    {
      g_autoptr (DsBlock) block = ds_block_new_from_ints (&i, 1);

      ds_dstream_push_block (queue, block);
    }
  ds_streaming_context_start (self->streaming, &error);
  g_assert_no_error (error);
}

static void
failing_stream_clear (FailingStream *self)
{
  g_clear_object (&self->streaming);
  g_clear_object (&self->clock);
}

/* The values of batch @n, "" for an RDD without, "-" for none. */
static char *
failing_stream_get_batch (FailingStream *self, gint64 n)
{
  DsBlock *block = ds_output_get_block (self->output, n * DS_SECOND);

  return block != NULL ? g_strstrip (ds_block_to_string (block)) : g_strdup ("-");
}

static void
assert_batches (FailingStream *self, const char *expected)
{
  g_autoptr (GString) found = g_string_new (NULL);

  for (gint64 n = 1; n <= 4; n++)
    {
      g_autofree char *batch = failing_stream_get_batch (self, n);

      g_string_append_printf (found, "%s%s", n > 1 ? " " : "", batch);
    }
  g_assert_cmpstr (found->str, ==, expected);
}

static void
assert_only_batch_2_is_pending (FailingStream *self)
{
  g_autoptr (GArray) pending = ds_driver_get_pending_times (self->streaming->driver);

  g_assert_cmpuint (pending->len, >=, 1);
  g_assert_cmpint (g_array_index (pending, DsTime, 0), ==, 2 * DS_SECOND);
}

static void
assert_await_tells (FailingStream *self)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (ds_streaming_context_await_termination_or_timeout (self->streaming,
                                                                     30 * DS_SECOND,
                                                                     &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_USER_FUNCTION);
  g_assert_nonnull (strstr (error->message, "one is not wanted"));
}

static void
test_failing_batch_with_policy_continue (void)
{
  FailingStream stream = { 0 };
  g_autoptr (GError) error G_GNUC_UNUSED = NULL;

  g_test_summary (
      "Policy continue, as Spark: the other batches run, the wait has the error, "
      "the failed batch stays pending");

  failing_stream_start (&stream, DS_FAILURE_POLICY_CONTINUE);
  ds_manual_clock_advance (stream.clock, 4 * DS_SECOND);
  ds_streaming_context_await_batch (stream.streaming, 4 * DS_SECOND, NULL);
  assert_await_tells (&stream);
  g_assert_cmpint (ds_streaming_context_get_state (stream.streaming), ==,
                   DS_STREAMING_ACTIVE);
  assert_only_batch_2_is_pending (&stream);
  assert_batches (&stream, "0 - 2 3");
  behaviour_stop (stream.streaming);
  failing_stream_clear (&stream);
}

static void
test_failing_batch_with_policy_stop (void)
{
  FailingStream stream = { 0 };

  g_test_summary ("Policy stop, our default: nothing runs after the failed batch, the "
                  "context stops and the wait has the error");

  failing_stream_start (&stream, DS_FAILURE_POLICY_STOP);
  ds_manual_clock_advance (stream.clock, 4 * DS_SECOND);
  g_assert_false (
      ds_streaming_context_await_batch (stream.streaming, 4 * DS_SECOND, NULL));
  assert_await_tells (&stream);
  g_assert_cmpint (ds_streaming_context_get_state (stream.streaming), ==,
                   DS_STREAMING_STOPPED);
  assert_only_batch_2_is_pending (&stream);
  assert_batches (&stream, "0 - - -");
  failing_stream_clear (&stream);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/behaviour/multi-thread-receiver", test_multi_thread_receiver);
  g_test_add_func ("/behaviour/stream-ids", test_stream_ids);
  g_test_add_func ("/behaviour/unused-input-stream", test_unused_input_stream);
  g_test_add_func ("/behaviour/one-failing-batch-later-batches-run/policy-continue",
                   test_failing_batch_with_policy_continue);
  g_test_add_func ("/behaviour/one-failing-batch-later-batches-run/policy-stop",
                   test_failing_batch_with_policy_stop);
  return g_test_run ();
}
