/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "dstream/ds-streaming-context-private.h"
#include "tests/dstream/ds-test-stream.h"

/* A receiver that does nothing by itself: the test stores through it. */
#define TEST_TYPE_RECEIVER (test_receiver_get_type ())
G_DECLARE_FINAL_TYPE (TestReceiver, test_receiver, TEST, RECEIVER, DsReceiver)

struct _TestReceiver
{
  DsReceiver parent_instance;
  DsTestGate started;
  DsTestGate acknowledged; /* the sum of the tokens */
  DsDuration stop_takes;   /* then it stores one more */
};

G_DEFINE_FINAL_TYPE (TestReceiver, test_receiver, DS_TYPE_RECEIVER)

static gboolean
test_receiver_start (DsReceiver *self, GError **error)
{
  ds_test_gate_add (&TEST_RECEIVER (self)->started, 1);
  return TRUE;
}

static void
test_receiver_stop (DsReceiver *self)
{
  DsDuration stop_takes = TEST_RECEIVER (self)->stop_takes;
  gint64 end = g_get_monotonic_time () + stop_takes;

  if (stop_takes == 0)
    return;
  while (g_get_monotonic_time () < end)
    g_thread_yield ();
  g_assert_true (ds_receiver_store_string (self, "last"));
}

static void
test_receiver_acknowledged (DsReceiver *self, guint64 token)
{
  ds_test_gate_add (&TEST_RECEIVER (self)->acknowledged, (gint64) token);
}

static void
test_receiver_class_init (TestReceiverClass *klass)
{
  DS_RECEIVER_CLASS (klass)->start = test_receiver_start;
  DS_RECEIVER_CLASS (klass)->stop = test_receiver_stop;
  DS_RECEIVER_CLASS (klass)->acknowledged = test_receiver_acknowledged;
}

static void
test_receiver_init (TestReceiver *self)
{
}

typedef struct
{
  DsTestStream test;
  TestReceiver *receiver;
  DsDStream *stream;
} Fixture;

static void
set_up (Fixture *fixture, const char *master)
{
  ds_test_stream_set_up (&fixture->test, master);
  /* Blocks come with the ticks only: nothing depends on how long a test takes. */
  g_object_set (fixture->test.ssc, "block-interval", DS_HOUR, NULL);
  fixture->receiver = g_object_new (TEST_TYPE_RECEIVER, NULL);
  fixture->stream =
      ds_streaming_context_receiver_stream (fixture->test.ssc,
                                            DS_RECEIVER (fixture->receiver));
}

static void
start (Fixture *fixture)
{
  ds_test_stream_start (&fixture->test);
  ds_test_gate_await (&fixture->receiver->started, 1);
}

static void
tear_down (Fixture *fixture)
{
  ds_test_stream_tear_down (&fixture->test);
  g_object_unref (fixture->receiver);
}

static void
store (Fixture *fixture, const char *text)
{
  g_assert_true (ds_receiver_store_string (DS_RECEIVER (fixture->receiver), text));
}

static void
test_a_batch_has_what_was_stored_before_it (void)
{
  Fixture fixture;
  DsOutput *values;

  g_test_summary ("A tick takes all that was stored, in order; one worker is enough");

  set_up (&fixture, "local[1]");
  values = ds_dstream_collect (fixture.stream);
  start (&fixture);
  store (&fixture, "a");
  store (&fixture, "b");
  ds_test_stream_run (&fixture.test, 1);
  store (&fixture, "c");
  ds_test_stream_run (&fixture.test, 2);
  ds_assert_block_in_order (ds_output_get_block (values, 1 * DS_SECOND), "a", "b", NULL);
  ds_assert_block_in_order (ds_output_get_block (values, 2 * DS_SECOND), "c", NULL);
  ds_assert_block_in_order (ds_output_get_block (values, 3 * DS_SECOND), NULL);
  g_assert_cmpint (ds_streaming_context_get_n_received (fixture.test.ssc), ==, 3);
  g_assert_cmpint (ds_streaming_context_get_n_processed (fixture.test.ssc), ==, 3);
  tear_down (&fixture);
}

static void
test_a_jump_of_the_clock_moves_no_record (void)
{
  Fixture fixture;
  DsOutput *values;

  g_test_summary ("What was stored before a jump of three ticks belongs to the first");

  set_up (&fixture, "local");
  values = ds_dstream_collect (fixture.stream);
  start (&fixture);
  store (&fixture, "a");
  ds_test_stream_run (&fixture.test, 3);
  ds_assert_block (ds_output_get_block (values, 1 * DS_SECOND), "a", NULL);
  ds_assert_block (ds_output_get_block (values, 2 * DS_SECOND), NULL);
  ds_assert_block (ds_output_get_block (values, 3 * DS_SECOND), NULL);
  tear_down (&fixture);
}

static void
test_bytes_are_given_back (void)
{
  Fixture fixture;
  DsMemoryBudget *budget;

  g_test_summary ("The memory of a batch is free again when nobody remembers the batch");

  set_up (&fixture, "local");
  ds_dstream_foreach_rdd (fixture.stream, ds_test_ignore_rdd, NULL, NULL);
  start (&fixture);
  budget = ds_receiver_tracker_get_budget (fixture.test.ssc->receivers);
  store (&fixture, "some text");
  ds_test_stream_run (&fixture.test, 1);
  g_assert_cmpuint (ds_memory_budget_get_n_bytes (budget), >, 0);
  ds_test_stream_run (&fixture.test, 1);
  g_assert_cmpuint (ds_memory_budget_get_n_bytes (budget), ==, 0);
  tear_down (&fixture);
}

static void
test_graceful_stop_takes_the_rest (void)
{
  Fixture fixture;
  DsOutput *counts;
  g_autofree char *report = NULL;
  g_autoptr (GError) error = NULL;

  g_test_summary ("What is stored and in no batch yet goes into the last batches");

  set_up (&fixture, "local");
  counts = ds_dstream_collect (fixture.stream);
  start (&fixture);
  ds_test_stream_run (&fixture.test, 1);
  store (&fixture, "a");
  store (&fixture, "b");
  ds_streaming_context_stop (fixture.test.ssc, DS_STOP_GRACEFULLY, &error);
  g_assert_no_error (error);
  ds_assert_block_in_order (ds_output_get_block (counts, 2 * DS_SECOND), "a", "b", NULL);
  report = ds_streaming_context_get_stop_report (fixture.test.ssc);
  g_assert_cmpstr (report, ==, "received 2, processed 2, left 0");
  g_assert_false (ds_receiver_store_string (DS_RECEIVER (fixture.receiver), "late"));
  tear_down (&fixture);
}

static void
test_short_batches_leave_receivers_time (void)
{
  DsTestStream test = { 0 };
  TestReceiver *receiver = g_object_new (TEST_TYPE_RECEIVER, NULL);
  g_autofree char *report = NULL;
  g_autoptr (GError) error = NULL;

  g_test_summary ("A receiver may take longer to stop than ten batches of 1 ms");

  test.clock = ds_manual_clock_new (0);
  test.ssc = ds_streaming_context_new ("local", "test", DS_MILLISECOND);
  ds_streaming_context_set_clock (test.ssc, DS_CLOCK (test.clock));
  receiver->stop_takes = 50 * DS_MILLISECOND;
  ds_dstream_collect (
      ds_streaming_context_receiver_stream (test.ssc, DS_RECEIVER (receiver)));
  ds_test_stream_start (&test);
  ds_test_gate_await (&receiver->started, 1);
  ds_streaming_context_stop (test.ssc, DS_STOP_GRACEFULLY, &error);
  g_assert_no_error (error);
  report = ds_streaming_context_get_stop_report (test.ssc);
  g_assert_cmpstr (report, ==, "received 1, processed 1, left 0");
  ds_test_stream_tear_down (&test);
  g_object_unref (receiver);
}

static void
test_stop_now_says_what_is_left (void)
{
  Fixture fixture;
  g_autofree char *report = NULL;
  g_autoptr (GError) error = NULL;

  g_test_summary ("A stop at once leaves what is in no batch, and says how much");

  set_up (&fixture, "local");
  ds_dstream_collect (fixture.stream);
  start (&fixture);
  store (&fixture, "a");
  ds_test_stream_run (&fixture.test, 1);
  store (&fixture, "b");
  store (&fixture, "c");
  g_test_expect_message ("DStream", G_LOG_LEVEL_MESSAGE,
                         "The stop did not wait*left 2*the rest is lost*");
  ds_streaming_context_stop (fixture.test.ssc, DS_STOP_NOW, &error);
  g_test_assert_expected_messages ();
  g_assert_no_error (error);
  report = ds_streaming_context_get_stop_report (fixture.test.ssc);
  g_assert_cmpstr (report, ==,
                   "received 3, processed 1, left 2 (2 records in no batch yet)");
  tear_down (&fixture);
}

static void
test_an_unused_receiver_harms_nothing (void)
{
  Fixture fixture;
  DsMemoryBudget *budget;

  g_test_summary ("A receiver without output runs; what it brings is forgotten");

  set_up (&fixture, "local");
  ds_dstream_collect (ds_streaming_context_queue_stream (fixture.test.ssc));
  budget =
      ds_context_get_memory_budget (ds_streaming_context_get_context (fixture.test.ssc));
  start (&fixture);
  store (&fixture, "a");
  ds_test_stream_run (&fixture.test, 3);
  g_assert_cmpuint (ds_memory_budget_get_n_bytes (budget), ==, 0);
  tear_down (&fixture);
}

static void
test_socket_options_latch (void)
{
  DsTestStream test;
  DsDStream *stream;

  g_test_summary ("A host is needed, and a line of at least one byte");

  ds_test_stream_set_up (&test, "local");
  stream = ds_streaming_context_socket_text_stream (test.ssc, "localhost", 9999);
  ds_dstream_set_max_record_bytes (stream, 100);
  ds_dstream_set_bad_record_policy (stream, DS_ON_BAD_RECORD_SPLIT);
  g_assert_null (ds_streaming_context_get_build_error (test.ssc));
  ds_dstream_set_max_record_bytes (stream, 0);
  g_assert_error (ds_streaming_context_get_build_error (test.ssc), DS_ERROR,
                  DS_ERROR_INVALID_ARGUMENT);
  ds_test_stream_tear_down (&test);

  ds_test_stream_set_up (&test, "local");
  ds_streaming_context_socket_text_stream (test.ssc, "", 9999);
  g_assert_error (ds_streaming_context_get_build_error (test.ssc), DS_ERROR,
                  DS_ERROR_INVALID_ARGUMENT);
  ds_test_stream_tear_down (&test);

  ds_test_stream_set_up (&test, "local");
  stream = ds_streaming_context_queue_stream (test.ssc);
  ds_dstream_set_max_record_bytes (stream, 100);
  g_assert_error (ds_streaming_context_get_build_error (test.ssc), DS_ERROR,
                  DS_ERROR_INVALID_ARGUMENT);
  ds_test_stream_tear_down (&test);
}

static void
test_blocks_may_come_with_ticks_only (void)
{
  Fixture fixture;
  DsOutput *values;

  g_test_summary ("The longest block interval is one that never ends");

  set_up (&fixture, "local");
  g_object_set (fixture.test.ssc, "block-interval", G_MAXINT64, NULL);
  values = ds_dstream_collect (fixture.stream);
  start (&fixture);
  store (&fixture, "a");
  ds_test_stream_run (&fixture.test, 1);
  ds_assert_block (ds_output_get_block (values, DS_SECOND), "a", NULL);
  tear_down (&fixture);
}

/* ---- With hardly any room for received data ---- */

#define N_RECEIVERS 3
#define N_TEXTS 5

typedef struct
{
  DsReceiver *receiver;
  gint n_stored; /* atomic: texts of ten lines */
} Sender;

static gpointer
send_texts (gpointer data)
{
  Sender *sender = data;
  g_autoptr (GBytes) text = g_bytes_new_static ("0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n", 20);

  for (guint i = 0; i < N_TEXTS; i++)
    {
      g_autoptr (GError) error = NULL;

      ds_receiver_store_text (sender->receiver, text, 0, &error);
      g_assert_no_error (error);
      g_atomic_int_inc (&sender->n_stored);
    }
  return NULL;
}

static void
test_little_room_loses_nothing (void)
{
  DsTestStream test;
  Sender senders[N_RECEIVERS] = { { NULL, 0 } };
  GThread *threads[N_RECEIVERS];
  DsDStream *streams[N_RECEIVERS];
  gint n_stored = 0;
  g_autofree char *report = NULL;
  g_autoptr (GError) error = NULL;

  g_test_summary ("With room for one byte receivers wait for batches; all of it arrives");

  ds_test_stream_set_up (&test, "local[2]");
  g_object_set (test.ssc, "max-received-bytes", G_GUINT64_CONSTANT (1), "block-interval",
                DS_HOUR, NULL);
  for (guint i = 0; i < N_RECEIVERS; i++)
    {
      senders[i].receiver = g_object_new (TEST_TYPE_RECEIVER, NULL);
      streams[i] = ds_streaming_context_receiver_stream (test.ssc, senders[i].receiver);
    }
  ds_dstream_collect (ds_streaming_context_union (test.ssc, streams, N_RECEIVERS));
  ds_test_stream_start (&test);
  for (guint i = 0; i < N_RECEIVERS; i++)
    {
      ds_test_gate_await (&TEST_RECEIVER (senders[i].receiver)->started, 1);
      threads[i] = g_thread_new ("sender", send_texts, &senders[i]);
    }

  /* A batch gives back what the one before it had; so it takes many, and some end. */
  while (n_stored < N_RECEIVERS * N_TEXTS)
    {
      ds_test_stream_run (&test, 1);
      n_stored = 0;
      for (guint i = 0; i < N_RECEIVERS; i++)
        n_stored += g_atomic_int_get (&senders[i].n_stored);
    }
  for (guint i = 0; i < N_RECEIVERS; i++)
    g_thread_join (threads[i]);
  ds_streaming_context_stop (test.ssc, DS_STOP_GRACEFULLY, &error);
  g_assert_no_error (error);
  report = ds_streaming_context_get_stop_report (test.ssc);
  g_assert_cmpstr (report, ==, "received 150, processed 150, left 0");
  ds_test_stream_tear_down (&test);
  for (guint i = 0; i < N_RECEIVERS; i++)
    g_object_unref (senders[i].receiver);
}

static void
test_a_reported_error_is_no_end (void)
{
  Fixture fixture;
  g_autoptr (GError) reported =
      g_error_new (DS_ERROR, DS_ERROR_CORRUPT, "one bad record");
  g_autoptr (DsReceiverInfo) info = NULL;
  g_autoptr (GVariant) facts = NULL;
  const char *condition;

  g_test_summary ("A receiver that reports an error and goes on is still connected");

  set_up (&fixture, "local");
  ds_dstream_foreach_rdd (fixture.stream, ds_test_ignore_rdd, NULL, NULL);
  ds_test_stream_start (&fixture.test);
  ds_test_gate_await (&fixture.receiver->started, 1);
  ds_receiver_report_error (DS_RECEIVER (fixture.receiver), reported);
  ds_test_stream_run (&fixture.test, 1);
  info = ds_streaming_context_get_receiver_info (fixture.test.ssc, fixture.stream);
  g_assert_error (ds_receiver_info_get_last_error (info), DS_ERROR, DS_ERROR_CORRUPT);
  facts = ds_dstream_explain_as_variant (fixture.stream);
  g_assert_true (g_variant_lookup (facts, "condition", "&s", &condition));
  g_assert_cmpstr (condition, ==, "no-data");
  tear_down (&fixture);
}

/* ---- Acknowledgements ---- */

static void
store_token (Fixture *fixture, const char *text, guint64 token)
{
  g_autoptr (DsBlock) block = ds_block_new_strings (text, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_true (
      ds_receiver_store_block (DS_RECEIVER (fixture->receiver), block, token, &error));
  g_assert_no_error (error);
}

/* Fails where @user_data of the fixture says, and looks at what is acknowledged. */
typedef struct
{
  Fixture *fixture;
  DsTime bad_time;      /* of the batch that fails */
  gint64 n_expected[4]; /* while batch 0, 1 ... is run */
} Safety;

static gboolean
check_not_safe_yet (DsRdd *rdd, DsBatch *batch, gpointer user_data, GError **error)
{
  Safety *safety = user_data;
  gint64 n = ds_test_gate_get (&safety->fixture->receiver->acknowledged);
  DsTime number = ds_batch_get_time (batch) / DS_SECOND;

  if (number < (DsTime) G_N_ELEMENTS (safety->n_expected))
    g_assert_cmpint (n, ==, safety->n_expected[number]);
  if (ds_batch_get_time (batch) != safety->bad_time)
    return TRUE;
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "no use");
  return FALSE;
}

static void
test_tokens_are_acknowledged_when_their_batch_is_done (void)
{
  Fixture fixture;
  Safety safety = { &fixture, 0, { 0, 0, 5, 11 } };
  g_autoptr (GError) error = NULL;

  g_test_summary (
      "Not while the batch is run, but once it is done; of several tokens of a "
      "batch the last one; the rest by a graceful stop");

  set_up (&fixture, "local");
  ds_dstream_foreach_rdd (fixture.stream, check_not_safe_yet, &safety, NULL);
  start (&fixture);
  store_token (&fixture, "a", 5);
  ds_test_stream_run (&fixture.test, 1);
  ds_test_gate_await (&fixture.receiver->acknowledged, 5);
  store_token (&fixture, "b", 1);
  store_token (&fixture, "c", 6);
  ds_test_stream_run (&fixture.test, 1);
  ds_test_gate_await (&fixture.receiver->acknowledged, 11);
  store_token (&fixture, "d", 100);
  ds_streaming_context_stop (fixture.test.ssc, DS_STOP_GRACEFULLY, &error);
  g_assert_no_error (error);
  /* Before the stop was over. */
  g_assert_cmpint (ds_test_gate_get (&fixture.receiver->acknowledged), ==, 111);
  tear_down (&fixture);
}

static void
test_nothing_is_safe_after_a_batch_was_given_up (void)
{
  Fixture fixture;
  Safety safety = { &fixture, 2 * DS_SECOND, { 0, 0, 1, 1 } };
  DsReceiver *receiver;

  g_test_summary ("What a batch that failed had is not acknowledged, nor anything later: "
                  "that would say that it is safe, too");

  set_up (&fixture, "local");
  g_object_set (fixture.test.ssc, "failure-policy", DS_FAILURE_POLICY_CONTINUE, NULL);
  ds_dstream_foreach_rdd (fixture.stream, check_not_safe_yet, &safety, NULL);
  start (&fixture);
  for (guint i = 1; i <= 3; i++)
    {
      store_token (&fixture, "record", i);
      ds_manual_clock_advance (fixture.test.clock, DS_SECOND);
      ds_streaming_context_await_batch (fixture.test.ssc, i * DS_SECOND, NULL);
      if (i == 1)
        ds_test_gate_await (&fixture.receiver->acknowledged, 1);
    }
  receiver = g_object_ref (DS_RECEIVER (fixture.receiver));
  /* Joins the thread on which acknowledgements come. */
  tear_down (&fixture);
  g_assert_cmpint (ds_test_gate_get (&TEST_RECEIVER (receiver)->acknowledged), ==, 1);
  g_assert_finalize_object (receiver);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dstream/receiver-stream/a-batch-has-what-was-stored-before-it",
                   test_a_batch_has_what_was_stored_before_it);
  g_test_add_func ("/dstream/receiver-stream/a-jump-of-the-clock-moves-no-record",
                   test_a_jump_of_the_clock_moves_no_record);
  g_test_add_func (
      "/dstream/receiver-stream/tokens-are-acknowledged-when-their-batch-is-done",
      test_tokens_are_acknowledged_when_their_batch_is_done);
  g_test_add_func ("/dstream/receiver-stream/nothing-is-safe-after-a-batch-was-given-up",
                   test_nothing_is_safe_after_a_batch_was_given_up);
  g_test_add_func ("/dstream/receiver-stream/bytes-are-given-back",
                   test_bytes_are_given_back);
  g_test_add_func ("/dstream/receiver-stream/graceful-stop-takes-the-rest",
                   test_graceful_stop_takes_the_rest);
  g_test_add_func ("/dstream/receiver-stream/short-batches-leave-receivers-time",
                   test_short_batches_leave_receivers_time);
  g_test_add_func ("/dstream/receiver-stream/stop-now-says-what-is-left",
                   test_stop_now_says_what_is_left);
  g_test_add_func ("/dstream/receiver-stream/an-unused-receiver-harms-nothing",
                   test_an_unused_receiver_harms_nothing);
  g_test_add_func ("/dstream/receiver-stream/socket-options-latch",
                   test_socket_options_latch);
  g_test_add_func ("/dstream/receiver-stream/blocks-may-come-with-ticks-only",
                   test_blocks_may_come_with_ticks_only);
  g_test_add_func ("/dstream/receiver-stream/little-room-loses-nothing",
                   test_little_room_loses_nothing);
  g_test_add_func ("/dstream/receiver-stream/a-reported-error-is-no-end",
                   test_a_reported_error_is_no_end);
  return g_test_run ();
}
