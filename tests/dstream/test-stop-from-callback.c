/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/dstream/ds-test-stream.h"

/* Each function of a stream asks for the stop, and must get TRUE at once; waiting there
 * must be refused instead of never ending. */
static void
ask_to_stop (DsStreamingContext *ssc)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) await_error = NULL;
  g_autoptr (GError) batch_error = NULL;

  g_assert_true (ds_streaming_context_stop (ssc, DS_STOP_NOW, &error));
  g_assert_no_error (error);
  g_assert_false (ds_streaming_context_await_termination (ssc, &await_error));
  g_assert_error (await_error, DS_ERROR, DS_ERROR_INVALID_STATE);
  g_assert_false (ds_streaming_context_await_batch (ssc, DS_HOUR, &batch_error));
  g_assert_error (batch_error, DS_ERROR, DS_ERROR_INVALID_STATE);
}

static gboolean
stop_in_foreach (DsRdd *rdd, DsBatch *batch, gpointer ssc, GError **error)
{
  ask_to_stop (ssc);
  return TRUE;
}

static DsRdd *
stop_in_transform (DsRdd *rdd, DsBatch *batch, gpointer ssc, GError **error)
{
  ask_to_stop (ssc);
  return g_object_ref (rdd);
}

static DsValue
stop_in_map (DsValue value, DsTask *task, gpointer ssc)
{
  ask_to_stop (ssc);
  return value;
}

static void
stop_in_handler (DsStreamingContext *ssc, DsBatch *batch, gpointer unused)
{
  ask_to_stop (ssc);
}

/* As the one before, when the stop is over already. */
static void
stop_in_late_handler (DsStreamingContext *ssc, DsBatch *batch, gpointer unused)
{
  while (ds_streaming_context_get_state (ssc) != DS_STREAMING_STOPPED)
    g_thread_yield ();
  ask_to_stop (ssc);
}

static void
run_until_stopped (DsTestStream *test)
{
  g_autoptr (GError) error = NULL;

  /* Not ds_test_stream_start (): a receiver may have stopped it when that looks. */
  ds_streaming_context_start (test->ssc, &error);
  g_assert_no_error (error);
  ds_manual_clock_advance (test->clock, DS_SECOND);
  ds_streaming_context_await_termination (test->ssc, &error);
  g_assert_no_error (error);
  g_assert_cmpint (ds_streaming_context_get_state (test->ssc), ==, DS_STREAMING_STOPPED);
  ds_test_stream_tear_down (test);
}

static DsDStream *
set_up (DsTestStream *test)
{
  DsDStream *stream;

  ds_test_stream_set_up (test, "local[2]");
  stream = ds_streaming_context_queue_stream (test->ssc);
  ds_test_stream_push (stream, "a", NULL);
  return stream;
}

static void
test_in_foreach_rdd (void)
{
  DsTestStream test;
  DsDStream *stream = set_up (&test);

  g_test_summary ("foreach_rdd may stop the stream it belongs to");
  ds_dstream_foreach_rdd (stream, stop_in_foreach, test.ssc, NULL);
  run_until_stopped (&test);
}

static void
test_in_transform (void)
{
  DsTestStream test;
  DsDStream *stream = set_up (&test);

  g_test_summary ("transform may stop the stream it belongs to");
  ds_dstream_collect (ds_dstream_transform (stream, stop_in_transform, test.ssc, NULL));
  run_until_stopped (&test);
}

static void
test_in_a_task (void)
{
  DsTestStream test;
  DsDStream *stream = set_up (&test);

  g_test_summary ("A function on an executor may stop the stream it belongs to");
  ds_dstream_collect (ds_dstream_map (stream, stop_in_map, test.ssc, NULL));
  run_until_stopped (&test);
}

static void
test_in_a_handler (void)
{
  DsTestStream test;

  g_test_summary ("A handler of a signal may stop the stream");
  ds_dstream_collect (set_up (&test));
  g_signal_connect (test.ssc, "batch-completed", G_CALLBACK (stop_in_handler), NULL);
  run_until_stopped (&test);
}

static void
test_in_a_late_handler (void)
{
  DsTestStream test;
  g_autoptr (GError) error = NULL;

  g_test_summary ("A handler that runs on when all has stopped must not wait either");
  ds_dstream_collect (set_up (&test));
  g_signal_connect (test.ssc, "batch-completed", G_CALLBACK (stop_in_late_handler), NULL);
  ds_test_stream_start (&test);
  ds_manual_clock_advance (test.clock, DS_SECOND);
  ds_streaming_context_await_batch (test.ssc, DS_SECOND, &error);
  g_assert_no_error (error);
  ds_streaming_context_stop (test.ssc, DS_STOP_NOW, &error);
  g_assert_no_error (error);
  ds_test_stream_tear_down (&test);
}

/* ---- A receiver that stops the context ---- */

#define TEST_TYPE_STOPPING_RECEIVER (test_stopping_receiver_get_type ())
G_DECLARE_FINAL_TYPE (TestStoppingReceiver,
                      test_stopping_receiver,
                      TEST,
                      STOPPING_RECEIVER,
                      DsReceiver)

struct _TestStoppingReceiver
{
  DsReceiver parent_instance;
  DsStreamingContext *ssc;
};

G_DEFINE_FINAL_TYPE (TestStoppingReceiver, test_stopping_receiver, DS_TYPE_RECEIVER)

static gboolean
test_stopping_receiver_run (DsReceiver *receiver,
                            GCancellable *cancellable,
                            GError **error)
{
  ask_to_stop (TEST_STOPPING_RECEIVER (receiver)->ssc);
  return TRUE;
}

static void
test_stopping_receiver_class_init (TestStoppingReceiverClass *klass)
{
  DS_RECEIVER_CLASS (klass)->run = test_stopping_receiver_run;
}

static void
test_stopping_receiver_init (TestStoppingReceiver *self)
{
}

static void
test_in_a_receiver (void)
{
  DsTestStream test;
  g_autoptr (TestStoppingReceiver) receiver =
      g_object_new (TEST_TYPE_STOPPING_RECEIVER, NULL);

  g_test_summary ("A receiver may stop the context that runs it");
  ds_test_stream_set_up (&test, "local");
  receiver->ssc = test.ssc;
  ds_dstream_collect (
      ds_streaming_context_receiver_stream (test.ssc, DS_RECEIVER (receiver)));
  run_until_stopped (&test);
}

/* ---- An input stream that stops the context ---- */

#define TEST_TYPE_STOPPING_INPUT (test_stopping_input_get_type ())
G_DECLARE_FINAL_TYPE (TestStoppingInput,
                      test_stopping_input,
                      TEST,
                      STOPPING_INPUT,
                      DsInputDStream)

struct _TestStoppingInput
{
  DsInputDStream parent_instance;
  DsStreamingContext *ssc;
  gboolean stops_in_start; /* otherwise in stop */
  guint n_asked;
};

G_DEFINE_FINAL_TYPE (TestStoppingInput, test_stopping_input, DS_TYPE_INPUT_DSTREAM)

static gboolean
test_stopping_input_start (DsInputDStream *input, GError **error)
{
  TestStoppingInput *self = TEST_STOPPING_INPUT (input);
  g_autoptr (GError) start_error = NULL;

  g_assert_false (ds_streaming_context_start (self->ssc, &start_error));
  g_assert_error (start_error, DS_ERROR, DS_ERROR_INVALID_STATE);
  if (self->stops_in_start)
    {
      ask_to_stop (self->ssc);
      self->n_asked++;
    }
  return TRUE;
}

static void
test_stopping_input_stop (DsInputDStream *input)
{
  TestStoppingInput *self = TEST_STOPPING_INPUT (input);

  if (self->stops_in_start)
    return;
  ask_to_stop (self->ssc);
  self->n_asked++;
}

static DsRdd *
test_stopping_input_compute (DsInputDStream *input, DsTime time, GError **error)
{
  DsStreamingContext *ssc = TEST_STOPPING_INPUT (input)->ssc;

  return ds_context_empty (ds_streaming_context_get_context (ssc));
}

static void
test_stopping_input_class_init (TestStoppingInputClass *klass)
{
  DS_INPUT_DSTREAM_CLASS (klass)->start = test_stopping_input_start;
  DS_INPUT_DSTREAM_CLASS (klass)->stop = test_stopping_input_stop;
  DS_INPUT_DSTREAM_CLASS (klass)->compute = test_stopping_input_compute;
}

static void
test_stopping_input_init (TestStoppingInput *self)
{
}

static void
test_in_an_input_stream (gconstpointer stops_in_start)
{
  DsTestStream test;
  g_autoptr (TestStoppingInput) input = g_object_new (TEST_TYPE_STOPPING_INPUT, NULL);
  g_autoptr (GError) error = NULL;

  g_test_summary ("The start and stop of an input stream may stop the context");
  ds_test_stream_set_up (&test, "local");
  input->ssc = test.ssc;
  input->stops_in_start = stops_in_start != NULL;
  ds_dstream_collect (
      ds_streaming_context_input_stream (test.ssc, DS_INPUT_DSTREAM (input)));
  ds_streaming_context_start (test.ssc, &error);
  g_assert_no_error (error);
  if (!input->stops_in_start)
    ds_streaming_context_stop (test.ssc, DS_STOP_NOW, &error);
  g_assert_no_error (error);
  ds_streaming_context_await_termination (test.ssc, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (input->n_asked, ==, 1);
  ds_test_stream_tear_down (&test);
}

/* ---- What waits when the stop is asked for ---- */

typedef struct
{
  DsStreamingContext *ssc;
  DsStopFlags flags[2]; /* what is asked for, one after the other */
  guint n_flags;
  gint64 n_to_generate; /* before that */
  gboolean fails_then;
  DsTestGate generated; /* batches that the first transform saw */
  DsTestGate asked;     /* times that a stop was asked for */
  gboolean holds_second_batch;
  gint n_behind; /* atomic: calls of the second transform */
  GString *ran;  /* ms of the batches whose body ran; only bodies write it */
} Waiting;

static DsRdd *
count_generated (DsRdd *rdd, DsBatch *batch, gpointer data, GError **error)
{
  Waiting *waiting = data;

  ds_test_gate_add (&waiting->generated, 1);
  if (waiting->holds_second_batch && ds_batch_get_time (batch) == 2 * DS_SECOND)
    ds_test_gate_await (&waiting->asked, 1);
  return g_object_ref (rdd);
}

static DsRdd *
count_behind (DsRdd *rdd, DsBatch *batch, gpointer data, GError **error)
{
  g_atomic_int_inc (&((Waiting *) data)->n_behind);
  return g_object_ref (rdd);
}

static gboolean
stop_in_first_batch (DsRdd *rdd, DsBatch *batch, gpointer data, GError **error)
{
  Waiting *waiting = data;

  g_string_append_printf (waiting->ran, "%" G_GINT64_FORMAT " ",
                          ds_batch_get_time (batch) / DS_MILLISECOND);
  if (ds_batch_get_time (batch) != DS_SECOND)
    return TRUE;

  ds_test_gate_await (&waiting->generated, waiting->n_to_generate);
  for (guint i = 0; i < waiting->n_flags; i++)
    ds_streaming_context_stop (waiting->ssc, waiting->flags[i], NULL);
  ds_test_gate_add (&waiting->asked, 1);
  if (!waiting->fails_then)
    return TRUE;
  g_set_error (error, DS_ERROR, DS_ERROR_IO, "the disk is gone");
  return FALSE;
}

/* Five batches are due at once, and the first asks for the stop when others wait.
 * Returns the error of await_termination. */
static GError *
run_waiting (Waiting *waiting)
{
  DsTestStream test;
  DsDStream *stream;
  GError *error = NULL;

  ds_test_stream_set_up (&test, "local[2]");
  waiting->ssc = test.ssc;
  waiting->ran = g_string_new (NULL);
  stream = ds_streaming_context_queue_stream (test.ssc);
  stream = ds_dstream_transform (stream, count_generated, waiting, NULL);
  stream = ds_dstream_transform (stream, count_behind, waiting, NULL);
  ds_dstream_foreach_rdd (stream, stop_in_first_batch, waiting, NULL);
  ds_test_stream_start (&test);
  ds_manual_clock_advance (test.clock, 5 * DS_SECOND);
  ds_streaming_context_await_termination (test.ssc, &error);
  ds_test_stream_tear_down (&test);
  return error;
}

static void
clear_waiting (Waiting *waiting)
{
  g_string_free (waiting->ran, TRUE);
  g_mutex_clear (&waiting->generated.lock);
  g_cond_clear (&waiting->generated.changed);
  g_mutex_clear (&waiting->asked.lock);
  g_cond_clear (&waiting->asked.changed);
}

static void
test_now_drops_what_waits (void)
{
  Waiting waiting = { .flags = { DS_STOP_NOW }, .n_flags = 1, .n_to_generate = 3 };
  g_autoptr (GError) error = NULL;

  g_test_summary ("After a stop at once from inside no batch that waits is run");
  error = run_waiting (&waiting);
  g_assert_no_error (error);
  g_assert_cmpstr (waiting.ran->str, ==, "1000 ");
  g_assert_cmpint (ds_test_gate_get (&waiting.generated), ==, 3);
  clear_waiting (&waiting);
}

static void
test_now_ends_generation (void)
{
  Waiting waiting = {
    .flags = { DS_STOP_NOW }, .n_flags = 1, .n_to_generate = 2, .holds_second_batch = TRUE
  };
  g_autoptr (GError) error = NULL;

  g_test_summary ("A batch that is being generated calls no further function, either");
  error = run_waiting (&waiting);
  g_assert_no_error (error);
  g_assert_cmpstr (waiting.ran->str, ==, "1000 ");
  g_assert_cmpint (g_atomic_int_get (&waiting.n_behind), ==, 1);
  g_assert_cmpint (ds_test_gate_get (&waiting.generated), ==, 2);
  clear_waiting (&waiting);
}

static void
test_now_after_gracefully (void)
{
  Waiting waiting = { .flags = { DS_STOP_GRACEFULLY, DS_STOP_NOW },
                      .n_flags = 2,
                      .n_to_generate = 3 };
  g_autoptr (GError) error = NULL;

  g_test_summary ("A stop at once drops what a graceful one would have run");
  error = run_waiting (&waiting);
  g_assert_no_error (error);
  g_assert_cmpstr (waiting.ran->str, ==, "1000 ");
  clear_waiting (&waiting);
}

static void
test_gracefully_runs_what_waits (void)
{
  Waiting waiting = { .flags = { DS_STOP_GRACEFULLY }, .n_flags = 1, .n_to_generate = 3 };
  g_autoptr (GError) error = NULL;

  g_test_summary ("A graceful stop from inside runs all that is due");
  error = run_waiting (&waiting);
  g_assert_no_error (error);
  g_assert_true (g_str_has_prefix (waiting.ran->str, "1000 2000 3000 4000 5000 "));
  clear_waiting (&waiting);
}

static void
test_an_error_after_the_stop_counts (void)
{
  Waiting waiting = {
    .flags = { DS_STOP_NOW }, .n_flags = 1, .n_to_generate = 3, .fails_then = TRUE
  };
  g_autoptr (GError) error = NULL;

  g_test_summary ("A function that stops the stream and then fails is reported");
  error = run_waiting (&waiting);
  g_assert_error (error, DS_ERROR, DS_ERROR_IO);
  g_assert_nonnull (strstr (error->message, "the disk is gone"));
  g_assert_cmpstr (waiting.ran->str, ==, "1000 ");
  clear_waiting (&waiting);
}

/* ---- What is left ---- */

typedef struct
{
  DsStreamingContext *ssc;
  DsTestGate released;
  DsTestGate ended;
} Blocking;

static gboolean
ask_and_block (DsRdd *rdd, DsBatch *batch, gpointer user_data, GError **error)
{
  Blocking *blocking = user_data;

  ds_streaming_context_stop (blocking->ssc, DS_STOP_GRACEFULLY, NULL);
  ds_test_gate_await (&blocking->released, 1);
  ds_test_gate_add (&blocking->ended, 1);
  return TRUE;
}

static void
test_who_waits_hears_that_not_all_was_processed (void)
{
  DsTestStream test;
  Blocking blocking = { 0 };
  g_autoptr (GError) error = NULL;

  g_test_summary ("Nobody got the error of a stop that was asked for inside, so that "
                  "whoever waits gets it");
  ds_dstream_foreach_rdd (set_up (&test), ask_and_block, &blocking, NULL);
  blocking.ssc = test.ssc;
  g_object_set (test.ssc, "graceful-stop-timeout", DS_MILLISECOND, NULL);
  ds_test_stream_start (&test);
  ds_manual_clock_advance (test.clock, DS_SECOND);
  g_assert_false (ds_streaming_context_await_termination (test.ssc, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_TIMEOUT);
  g_assert_nonnull (strstr (error->message, "left 1"));
  ds_test_gate_add (&blocking.released, 1);
  ds_test_gate_await (&blocking.ended, 1);
  ds_test_stream_tear_down (&test);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dstream/stop-from-callback/in-foreach-rdd", test_in_foreach_rdd);
  g_test_add_func ("/dstream/stop-from-callback/in-transform", test_in_transform);
  g_test_add_func ("/dstream/stop-from-callback/in-a-task", test_in_a_task);
  g_test_add_func ("/dstream/stop-from-callback/in-a-handler", test_in_a_handler);
  g_test_add_func ("/dstream/stop-from-callback/in-a-late-handler",
                   test_in_a_late_handler);
  g_test_add_func ("/dstream/stop-from-callback/in-a-receiver", test_in_a_receiver);
  g_test_add_data_func ("/dstream/stop-from-callback/in-an-input-stream-s-start", "start",
                        test_in_an_input_stream);
  g_test_add_data_func ("/dstream/stop-from-callback/in-an-input-stream-s-stop", NULL,
                        test_in_an_input_stream);
  g_test_add_func ("/dstream/stop-from-callback/now-drops-what-waits",
                   test_now_drops_what_waits);
  g_test_add_func ("/dstream/stop-from-callback/now-ends-generation",
                   test_now_ends_generation);
  g_test_add_func ("/dstream/stop-from-callback/now-after-gracefully",
                   test_now_after_gracefully);
  g_test_add_func ("/dstream/stop-from-callback/gracefully-runs-what-waits",
                   test_gracefully_runs_what_waits);
  g_test_add_func ("/dstream/stop-from-callback/an-error-after-the-stop-counts",
                   test_an_error_after_the_stop_counts);
  g_test_add_func ("/dstream/stop-from-callback/who-waits-hears-that-not-all-was-"
                   "processed",
                   test_who_waits_hears_that_not_all_was_processed);
  return g_test_run ();
}
