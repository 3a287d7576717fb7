/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What listeners are told: the signals of a streaming context.  No thread iterates the
 * main context here, so handlers run in a thread of the streaming context's own. */

#include "tests/behaviour/behaviour.h"

#include <string.h>

/* ---- Batches ---- */

typedef struct
{
  GMutex lock;
  GPtrArray *batches; /* of DsBlock */
} BatchLog;

static void
batch_log_init (BatchLog *self)
{
  g_mutex_init (&self->lock);
  self->batches = g_ptr_array_new_with_free_func ((GDestroyNotify) ds_batch_unref);
}

static void
batch_log_clear (BatchLog *self)
{
  g_ptr_array_unref (self->batches);
  g_mutex_clear (&self->lock);
}

static void
log_batch (DsStreamingContext *streaming, DsBatch *batch, gpointer user_data)
{
  BatchLog *self = user_data;

  g_mutex_lock (&self->lock);
  g_ptr_array_add (self->batches, ds_batch_ref (batch));
  g_mutex_unlock (&self->lock);
}

static DsBatch *
batch_log_get (BatchLog *self, guint index)
{
  DsBatch *batch = NULL;

  g_mutex_lock (&self->lock);
  g_assert_cmpuint (index, <, self->batches->len);
  batch = g_ptr_array_index (self->batches, index);
  g_mutex_unlock (&self->lock);
  return batch;
}

static void
check_submitted (DsBatch *batch)
{
  g_assert_cmpint (ds_batch_get_submission_time (batch), !=, DS_TIME_NONE);
  g_assert_cmpint (ds_batch_get_processing_start (batch), ==, DS_TIME_NONE);
  g_assert_cmpint (ds_batch_get_processing_end (batch), ==, DS_TIME_NONE);
  g_assert_cmpint (ds_batch_get_scheduling_delay (batch), ==, DS_TIME_NONE);
  g_assert_cmpint (ds_batch_get_processing_delay (batch), ==, DS_TIME_NONE);
  g_assert_cmpint (ds_batch_get_total_delay (batch), ==, DS_TIME_NONE);
}

static void
check_started (DsBatch *batch)
{
  g_assert_cmpint (ds_batch_get_processing_start (batch), >=,
                   ds_batch_get_submission_time (batch));
  g_assert_cmpint (ds_batch_get_scheduling_delay (batch), >=, 0);
  g_assert_cmpint (ds_batch_get_processing_end (batch), ==, DS_TIME_NONE);
  g_assert_cmpint (ds_batch_get_processing_delay (batch), ==, DS_TIME_NONE);
  g_assert_cmpint (ds_batch_get_total_delay (batch), ==, DS_TIME_NONE);
}

static void
check_completed (DsBatch *batch)
{
  g_assert_cmpint (ds_batch_get_scheduling_delay (batch), >=, 0);
  g_assert_cmpint (ds_batch_get_processing_delay (batch), >=, 0);
  g_assert_cmpint (ds_batch_get_total_delay (batch), ==,
                   ds_batch_get_scheduling_delay (batch) +
                       ds_batch_get_processing_delay (batch));
}

static void
check_order (DsBatch *earlier, DsBatch *later)
{
  g_assert_cmpint (ds_batch_get_time (earlier), <, ds_batch_get_time (later));
  g_assert_cmpint (ds_batch_get_submission_time (earlier), <=,
                   ds_batch_get_submission_time (later));
  g_assert_cmpint (ds_batch_get_processing_start (earlier), <=,
                   ds_batch_get_processing_start (later));
  g_assert_cmpint (ds_batch_get_processing_end (earlier), <=,
                   ds_batch_get_processing_end (later));
}

static void
test_batch_events (void)
{
  g_autoptr (DsManualClock) clock = ds_manual_clock_new (0);
  g_autoptr (DsStreamingContext) streaming =
      ds_streaming_context_new ("local[2]", "behaviour", 100 * DS_MILLISECOND);
  g_autoptr (GError) error = NULL;
  DsDStream *queue = NULL;
  BatchLog submitted;
  BatchLog started;
  BatchLog completed;

  g_test_summary (
      "4 batches of 100 ms: each is submitted, started and completed, and knows "
      "then what can be known; records are counted by stream");

  batch_log_init (&submitted);
  batch_log_init (&started);
  batch_log_init (&completed);
  ds_streaming_context_set_clock (streaming, DS_CLOCK (clock));
  queue = ds_streaming_context_queue_stream (streaming);
  ds_dstream_foreach_rdd (ds_dstream_map (queue, ds_identity, NULL, NULL),
                          behaviour_ignore_rdd, NULL, NULL);
  g_signal_connect (streaming, "batch-submitted", G_CALLBACK (log_batch), &submitted);
  g_signal_connect (streaming, "batch-started", G_CALLBACK (log_batch), &started);
  g_signal_connect (streaming, "batch-completed", G_CALLBACK (log_batch), &completed);
  for (gint64 i = 1; i <= 4; i++)
    {
      g_autofree gint64 *values = g_new0 (gint64, i);
      g_autoptr (DsBlock) block = ds_block_new_from_ints (values, (gsize) i);

      ds_dstream_push_block (queue, block);
    }

  ds_streaming_context_start (streaming, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < 4; i++)
    behaviour_tick (streaming, clock);
  behaviour_stop (streaming);

  g_assert_cmpuint (submitted.batches->len, ==, 4);
  g_assert_cmpuint (started.batches->len, ==, 4);
  g_assert_cmpuint (completed.batches->len, ==, 4);
  for (guint i = 0; i < 4; i++)
    {
      check_submitted (batch_log_get (&submitted, i));
      check_started (batch_log_get (&started, i));
      check_completed (batch_log_get (&completed, i));
      if (i > 0)
        check_order (batch_log_get (&completed, i - 1), batch_log_get (&completed, i));
      g_assert_cmpint (ds_batch_get_time (batch_log_get (&completed, i)), ==,
                       (i + 1) * 100 * DS_MILLISECOND);
      g_assert_cmpint (ds_batch_get_n_records (batch_log_get (&submitted, i)), ==, i + 1);
      g_assert_cmpuint (ds_batch_get_n_inputs (batch_log_get (&submitted, i)), ==, 1);
      g_assert_cmpuint (ds_batch_get_input_id (batch_log_get (&submitted, i), 0), ==,
                        ds_dstream_get_id (queue));
      g_assert_cmpint (ds_batch_get_n_records_of (batch_log_get (&completed, i),
                                                  ds_dstream_get_id (queue)),
                       ==, i + 1);
    }
  batch_log_clear (&submitted);
  batch_log_clear (&started);
  batch_log_clear (&completed);
}

/* ---- Receivers ---- */

typedef struct
{
  Gate n_started;
  Gate n_stopped;
  Gate n_errors;
  GMutex lock;
  guint started_id;
  guint stopped_id;
  guint error_id;
  char *error_text;
} ReceiverLog;

static void
log_receiver_started (DsStreamingContext *streaming,
                      DsDStream *stream,
                      const char *location,
                      gpointer user_data)
{
  ReceiverLog *self = user_data;

  g_mutex_lock (&self->lock);
  self->started_id = ds_dstream_get_id (stream);
  g_mutex_unlock (&self->lock);
  gate_add (&self->n_started, 1);
}

static void
log_receiver_error (DsStreamingContext *streaming,
                    DsDStream *stream,
                    const GError *error,
                    gpointer user_data)
{
  ReceiverLog *self = user_data;

  g_mutex_lock (&self->lock);
  self->error_id = ds_dstream_get_id (stream);
  g_free (self->error_text);
  self->error_text = g_strdup (error->message);
  g_mutex_unlock (&self->lock);
  gate_add (&self->n_errors, 1);
}

static void
log_receiver_stopped (DsStreamingContext *streaming,
                      DsDStream *stream,
                      const GError *error,
                      gpointer user_data)
{
  ReceiverLog *self = user_data;

  g_mutex_lock (&self->lock);
  self->stopped_id = ds_dstream_get_id (stream);
  g_mutex_unlock (&self->lock);
  gate_add (&self->n_stopped, 1);
}

static gboolean
report_and_end (DsReceiver *receiver, GCancellable *cancellable, gpointer user_data)
{
  g_autoptr (GError) error =
      g_error_new_literal (DS_ERROR, DS_ERROR_FAILED, "report error: report exception");

  ds_receiver_report_error (receiver, error);
  return TRUE;
}

static void
test_receiver_events (void)
{
  g_autoptr (DsManualClock) clock = NULL;
  g_autoptr (DsStreamingContext) streaming = behaviour_new_streaming (&clock);
  g_autoptr (DsReceiver) receiver = test_receiver_new (report_and_end, NULL);
  g_autoptr (DsReceiverInfo) info = NULL;
  g_autoptr (GError) error = NULL;
  DsDStream *stream = NULL;
  ReceiverLog log = { 0 };

  g_test_summary (
      "A receiver that starts, reports an error and ends: one event each, with "
      "its stream (message and exception are one GError here)");

  gate_init (&log.n_started);
  gate_init (&log.n_stopped);
  gate_init (&log.n_errors);
  g_mutex_init (&log.lock);
  log.started_id = log.stopped_id = log.error_id = G_MAXUINT;
  stream = ds_streaming_context_receiver_stream (streaming, receiver);
  ds_dstream_set_name (stream, "events");
  ds_dstream_foreach_rdd (stream, behaviour_ignore_rdd, NULL, NULL);
  g_assert_null (ds_streaming_context_get_receiver_info (streaming, stream));
  g_signal_connect (streaming, "receiver-started", G_CALLBACK (log_receiver_started),
                    &log);
  g_signal_connect (streaming, "receiver-error", G_CALLBACK (log_receiver_error), &log);
  g_signal_connect (streaming, "receiver-stopped", G_CALLBACK (log_receiver_stopped),
                    &log);
  ds_streaming_context_start (streaming, &error);
  g_assert_no_error (error);
  gate_await (&log.n_stopped, 1);
  info = ds_streaming_context_get_receiver_info (streaming, stream);
  g_assert_cmpuint (ds_receiver_info_get_stream_id (info), ==, 0);
  g_assert_cmpstr (ds_receiver_info_get_name (info), ==, "events");
  g_assert_false (ds_receiver_info_is_active (info));
  g_assert_nonnull (ds_receiver_info_get_location (info));
  g_assert_error (ds_receiver_info_get_last_error (info), DS_ERROR, DS_ERROR_FAILED);
  g_assert_cmpint (ds_receiver_info_get_last_error_time (info), ==, 0);
  behaviour_stop (streaming);

  g_assert_cmpint (gate_get (&log.n_started), ==, 1);
  g_assert_cmpint (gate_get (&log.n_stopped), ==, 1);
  g_assert_cmpint (gate_get (&log.n_errors), ==, 1);
  g_assert_cmpuint (log.started_id, ==, 0);
  g_assert_cmpuint (log.stopped_id, ==, 0);
  g_assert_cmpuint (log.error_id, ==, 0);
  g_assert_nonnull (strstr (log.error_text, "report error"));
  g_assert_nonnull (strstr (log.error_text, "report exception"));
  g_free (log.error_text);
  g_mutex_clear (&log.lock);
  gate_clear (&log.n_started);
  gate_clear (&log.n_stopped);
  gate_clear (&log.n_errors);
}

/* ---- Outputs ---- */

/* "s0@1000 c0@1000=the reason ..." */
typedef struct
{
  GMutex lock;
  GString *text;
} OutputLog;

static void
log_output_started (DsStreamingContext *streaming,
                    DsOutput *output,
                    DsBatch *batch,
                    gpointer user_data)
{
  OutputLog *self = user_data;

  g_mutex_lock (&self->lock);
  g_string_append_printf (self->text, "s%u@%d ", ds_output_get_id (output),
                          (int) (ds_batch_get_time (batch) / DS_SECOND));
  g_mutex_unlock (&self->lock);
}

static void
log_output_completed (DsStreamingContext *streaming,
                      DsOutput *output,
                      DsBatch *batch,
                      const GError *error,
                      gpointer user_data)
{
  OutputLog *self = user_data;
  const char *reason = error != NULL ? strstr (error->message, "the disk is full") : NULL;

  g_mutex_lock (&self->lock);
  g_assert_true ((error == NULL) == (reason == NULL));
  g_string_append_printf (self->text, "c%u@%d%s%s ", ds_output_get_id (output),
                          (int) (ds_batch_get_time (batch) / DS_SECOND),
                          reason != NULL ? "=" : "", reason != NULL ? reason : "");
  g_mutex_unlock (&self->lock);
}

/* Fails in the batch of 2 s. */
static gboolean
fail_at_2 (DsRdd *rdd, DsBatch *batch, gpointer unused, GError **error)
{
  if (ds_batch_get_time (batch) != 2 * DS_SECOND)
    return TRUE;
  g_set_error (error, DS_ERROR, DS_ERROR_NO_SPACE, "the disk is full");
  return FALSE;
}

static void
run_output_events (DsForeachRddFunc second_output, OutputLog *log, BatchLog *completed)
{
  g_autoptr (DsManualClock) clock = NULL;
  g_autoptr (DsStreamingContext) streaming = behaviour_new_streaming (&clock);
  g_autoptr (GError) error = NULL;
  DsDStream *queue = ds_streaming_context_queue_stream (streaming);

  g_object_set (streaming, "failure-policy", DS_FAILURE_POLICY_CONTINUE, NULL);
  ds_dstream_foreach_rdd (queue, behaviour_ignore_rdd, NULL, NULL);
  ds_dstream_foreach_rdd (queue, second_output, NULL, NULL);
  ds_dstream_foreach_rdd (queue, behaviour_ignore_rdd, NULL, NULL);
  g_signal_connect (streaming, "output-started", G_CALLBACK (log_output_started), log);
  g_signal_connect (streaming, "output-completed", G_CALLBACK (log_output_completed),
                    log);
  g_signal_connect (streaming, "batch-completed", G_CALLBACK (log_batch), completed);
  ds_streaming_context_start (streaming, &error);
  g_assert_no_error (error);
  ds_manual_clock_advance (clock, 4 * DS_SECOND);
  ds_streaming_context_await_batch (streaming, 4 * DS_SECOND, NULL);
  behaviour_stop (streaming);
}

static void
test_output_operation_events (void)
{
  const char *const names[] = { "foreach_rdd-0", "foreach_rdd-1", "foreach_rdd-2" };
  OutputLog log;
  BatchLog completed;
  DsBatch *second = NULL;

  g_test_summary ("3 outputs, 4 batches: started and completed in order; an output that "
                  "fails says why in its own event and in the batch, the others go on");

  g_mutex_init (&log.lock);
  log.text = g_string_new (NULL);
  batch_log_init (&completed);
  run_output_events (behaviour_ignore_rdd, &log, &completed);
  g_assert_cmpstr (log.text->str, ==,
                   "s0@1 c0@1 s1@1 c1@1 s2@1 c2@1 s0@2 c0@2 s1@2 c1@2 s2@2 c2@2 "
                   "s0@3 c0@3 s1@3 c1@3 s2@3 c2@3 s0@4 c0@4 s1@4 c1@4 s2@4 c2@4 ");

  g_string_truncate (log.text, 0);
  g_ptr_array_set_size (completed.batches, 0);
  run_output_events (fail_at_2, &log, &completed);
  g_assert_cmpstr (
      log.text->str, ==,
      "s0@1 c0@1 s1@1 c1@1 s2@1 c2@1 s0@2 c0@2 s1@2 c1@2=the disk is full s2@2 c2@2 "
      "s0@3 c0@3 s1@3 c1@3 s2@3 c2@3 s0@4 c0@4 s1@4 c1@4 s2@4 c2@4 ");

  g_assert_cmpuint (completed.batches->len, ==, 4);
  second = batch_log_get (&completed, 1);
  g_assert_cmpuint (ds_batch_get_n_outputs (second), ==, 3);
  g_assert_null (ds_batch_get_output_error (second, 0));
  g_assert_nonnull (ds_batch_get_output_error (second, 1));
  g_assert_nonnull (
      strstr (ds_batch_get_output_error (second, 1)->message, "the disk is full"));
  g_assert_null (ds_batch_get_output_error (second, 2));
  for (guint i = 0; i < 3; i++)
    {
      g_assert_cmpuint (ds_batch_get_output_id (second, i), ==, i);
      g_assert_cmpstr (ds_batch_get_output_name (second, i), ==, names[i]);
      g_assert_cmpstr (ds_batch_get_output_description (second, i), ==,
                       "queue stream -> foreach_rdd");
      g_assert_cmpint (ds_batch_get_output_end (second, i), >=,
                       ds_batch_get_output_start (second, i));
    }
  batch_log_clear (&completed);
  g_string_free (log.text, TRUE);
  g_mutex_clear (&log.lock);
}

/* ---- The end ---- */

static gpointer
stop_in_thread (gpointer streaming)
{
  behaviour_stop (streaming);
  return NULL;
}

static void
count_batch (DsStreamingContext *streaming, DsBatch *batch, gpointer n_heard)
{
  ++*(guint *) n_heard;
}

/* The thread that waits is the only one that listeners could be called on. */
static void
check_all_is_heard (void (*wait) (DsStreamingContext *streaming))
{
  g_autoptr (DsManualClock) clock = NULL;
  g_autoptr (DsStreamingContext) streaming = behaviour_new_streaming (&clock);
  g_autoptr (GError) error = NULL;
  GThread *thread;
  guint n_heard = 0;

  g_assert_true (g_main_context_acquire (NULL));
  ds_dstream_foreach_rdd (ds_streaming_context_queue_stream (streaming),
                          behaviour_ignore_rdd, NULL, NULL);
  g_signal_connect (streaming, "batch-started", G_CALLBACK (count_batch), &n_heard);
  ds_streaming_context_start (streaming, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < 3; i++)
    behaviour_tick (streaming, clock);
  g_assert_cmpuint (n_heard, ==, 0);
  thread = g_thread_new ("stop", stop_in_thread, streaming);
  wait (streaming);
  g_assert_cmpuint (n_heard, ==, 3);
  g_thread_join (thread);
  g_main_context_release (NULL);
}

static void
await_end (DsStreamingContext *streaming)
{
  g_autoptr (GError) error = NULL;

  ds_streaming_context_await_termination (streaming, &error);
  g_assert_no_error (error);
}

static void
stop_again (DsStreamingContext *streaming)
{
  while (ds_streaming_context_get_state (streaming) != DS_STREAMING_STOPPED)
    g_thread_yield ();
  g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "*has already been stopped");
  behaviour_stop (streaming);
  g_test_assert_expected_messages ();
}

static void
test_heard_before_the_wait_ends (void)
{
  g_test_summary ("Whoever waits for the end goes on when the listeners have heard "
                  "everything, even if he has to call them");

  check_all_is_heard (await_end);
  check_all_is_heard (stop_again);
}

static void
outlive_the_stop (DsStreamingContext *streaming, DsBatch *batch, gpointer has_returned)
{
  while (ds_streaming_context_get_state (streaming) != DS_STREAMING_STOPPED)
    g_thread_yield ();
  for (guint i = 0; i < 1000; i++)
    g_thread_yield ();
  g_atomic_int_set ((gint *) has_returned, TRUE);
}

static void
test_returned_before_the_wait_ends (void)
{
  g_autoptr (DsManualClock) clock = NULL;
  g_autoptr (DsStreamingContext) streaming = behaviour_new_streaming (&clock);
  g_autoptr (GError) error = NULL;
  GThread *thread;
  gint has_returned = FALSE;

  g_test_summary ("No listener runs on when the wait for the end is over");

  ds_dstream_foreach_rdd (ds_streaming_context_queue_stream (streaming),
                          behaviour_ignore_rdd, NULL, NULL);
  g_signal_connect (streaming, "batch-completed", G_CALLBACK (outlive_the_stop),
                    &has_returned);
  ds_streaming_context_start (streaming, &error);
  g_assert_no_error (error);
  behaviour_tick (streaming, clock);
  thread = g_thread_new ("stop", stop_in_thread, streaming);
  await_end (streaming);
  g_assert_true (g_atomic_int_get (&has_returned));
  g_thread_join (thread);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/behaviour/batch-events", test_batch_events);
  g_test_add_func ("/behaviour/receiver-events", test_receiver_events);
  g_test_add_func ("/behaviour/output-operation-events", test_output_operation_events);
  g_test_add_func ("/behaviour/listeners-at-the-end/heard-before-the-wait-ends",
                   test_heard_before_the_wait_ends);
  g_test_add_func ("/behaviour/listeners-at-the-end/returned-before-the-wait-ends",
                   test_returned_before_the_wait_ends);
  return g_test_run ();
}
