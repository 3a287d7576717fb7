/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/dstream/ds-test-stream.h"

/* The condition and the sentence of a stream. */
static void
assert_explained (DsDStream *stream, const char *condition, const char *pattern)
{
  g_autoptr (GVariant) facts = ds_dstream_explain_as_variant (stream);
  g_autofree char *text = ds_dstream_explain (stream);
  const char *found;
  const char *reason;

  g_assert_true (g_variant_lookup (facts, "condition", "&s", &found));
  g_assert_true (g_variant_lookup (facts, "reason", "&s", &reason));
  g_assert_cmpstr (found, ==, condition);
  if (!g_pattern_match_simple (pattern, reason))
    g_error ("\"%s\" does not match \"%s\"", reason, pattern);
  g_assert_nonnull (strstr (text, reason));
}

/* -1: not known */
static void
assert_operator (DsDStream *stream, const char *name, gint64 n_in, gint64 n_out)
{
  g_autoptr (GVariant) facts = ds_dstream_explain_as_variant (stream);
  g_autoptr (GVariant) operators = g_variant_lookup_value (facts, "operators", NULL);

  for (gsize i = 0; i < g_variant_n_children (operators); i++)
    {
      g_autoptr (GVariant) entry = g_variant_get_child_value (operators, i);
      const char *found;
      guint64 number;

      g_assert_true (g_variant_lookup (entry, "name", "&s", &found));
      if (!g_str_equal (found, name))
        continue;
      g_assert_cmpint (g_variant_lookup (entry, "n-in", "t", &number) ? (gint64) number
                                                                      : -1,
                       ==, n_in);
      g_assert_cmpint (g_variant_lookup (entry, "n-out", "t", &number) ? (gint64) number
                                                                       : -1,
                       ==, n_out);
      return;
    }
  g_error ("no operator %s leads to the stream", name);
}

static gboolean
starts_with_x (DsValue value, DsTask *task, gpointer unused)
{
  return *ds_value_get_string (value, NULL) == 'x';
}

static void
test_life_before_the_first_batch (void)
{
  DsTestStream test;
  DsDStream *queue;
  DsDStream *unused;
  DsDStream *window;

  g_test_summary ("Not started, not used, no batch yet");

  ds_test_stream_set_up (&test, "local");
  queue = ds_streaming_context_queue_stream (test.ssc);
  unused = ds_dstream_map (queue, ds_identity, NULL, NULL);
  window = ds_dstream_window (queue, 3 * DS_SECOND, 3 * DS_SECOND);
  ds_dstream_collect (window);
  assert_explained (queue, "not-started", "the context is not started");
  ds_test_stream_start (&test);
  assert_explained (unused, "not-used", "no output reaches this stream*");
  assert_explained (window, "no-batch", "*3000 ms");
  ds_test_stream_tear_down (&test);
}

static void
test_values_are_counted_by_operator (void)
{
  DsTestStream test;
  DsDStream *queue;
  DsDStream *words;
  DsDStream *kept;
  DsDStream *counts;
  g_autofree char *text = NULL;

  g_test_summary ("Each operator that leads to a stream tells what went in and came out");

  ds_test_stream_set_up (&test, "local[2]");
  queue = ds_streaming_context_queue_stream (test.ssc);
  words = ds_dstream_flat_map (queue, ds_split_words, NULL, NULL);
  kept = ds_dstream_filter (words, starts_with_x, NULL, NULL);
  counts = ds_dstream_count_by_value (kept);
  ds_dstream_collect (counts);
  ds_test_stream_push (queue, "x1 y x2", "x1 z", "y y y", NULL);
  ds_test_stream_push (queue, "a b", NULL);
  ds_test_stream_start (&test);

  ds_test_stream_run (&test, 1);
  assert_explained (counts, "gave", "gave 2 values");
  assert_operator (counts, "queue stream", -1, 3);
  assert_operator (counts, "flat_map", 3, 8);
  assert_operator (counts, "filter", 8, 3);
  assert_operator (counts, "count_by_value", 3, 2);
  text = ds_dstream_explain (counts);
  g_assert_cmpstr (text, ==,
                   "count_by_value, batch 1000 ms: gave 2 values\n"
                   "  queue stream   in        - out        3\n"
                   "  flat_map       in        3 out        8\n"
                   "  filter         in        8 out        3\n"
                   "  count_by_value in        3 out        2\n");

  ds_test_stream_run (&test, 1);
  assert_explained (counts, "all-filtered", "all filtered: 2 in, 0 out at filter");
  assert_explained (words, "gave", "gave 2 values");

  ds_test_stream_run (&test, 1);
  assert_explained (counts, "no-data", "no data came in this batch");
  assert_operator (counts, "filter", 0, 0);
  ds_test_stream_tear_down (&test);
}

static void
test_joins_without_partners (void)
{
  DsTestStream test;
  DsDStream *left;
  DsDStream *right;
  DsDStream *joined;

  g_test_summary ("What goes into a join is what both sides gave");

  ds_test_stream_set_up (&test, "local[2]");
  left = ds_streaming_context_queue_stream (test.ssc);
  right = ds_streaming_context_queue_stream (test.ssc);
  joined = ds_dstream_join (ds_dstream_map (left, ds_pair_with_one, NULL, NULL),
                            ds_dstream_map (right, ds_pair_with_one, NULL, NULL));
  ds_dstream_collect (joined);
  ds_test_stream_push (left, "a", "b", NULL);
  ds_test_stream_push (right, "c", NULL);
  ds_test_stream_start (&test);
  ds_test_stream_run (&test, 1);
  assert_explained (joined, "all-filtered", "all filtered: 3 in, 0 out at join");
  ds_test_stream_tear_down (&test);
}

static void
test_windows_that_are_not_due (void)
{
  DsTestStream test;
  DsDStream *queue;
  DsDStream *window;

  g_test_summary ("Between its slides a window says when it is due");

  ds_test_stream_set_up (&test, "local");
  queue = ds_streaming_context_queue_stream (test.ssc);
  window = ds_dstream_window (queue, 3 * DS_SECOND, 3 * DS_SECOND);
  ds_dstream_collect (window);
  ds_test_stream_push (queue, "a", NULL);
  ds_test_stream_push (queue, "b", NULL);
  ds_test_stream_start (&test);
  ds_test_stream_run (&test, 2);
  assert_explained (window, "inside-window", "*no RDD is due until 3000 ms*3.000 s");
  ds_test_stream_run (&test, 1);
  assert_explained (window, "gave", "gave 2 values");
  ds_test_stream_tear_down (&test);
}

static void
test_windows_that_go_on (void)
{
  DsTestStream test;
  DsDStream *queue;
  DsDStream *sums;

  g_test_summary ("A sliding reduction tells of the batch that came in, and of its keys");

  ds_test_stream_set_up (&test, "local[2]");
  queue = ds_streaming_context_queue_stream (test.ssc);
  sums =
      ds_dstream_reduce_by_key_and_window (ds_dstream_map (queue, ds_pair_with_one, NULL,
                                                           NULL),
                                           2 * DS_SECOND, DS_SECOND, ds_add, NULL, NULL);
  ds_dstream_set_name (sums, "sums");
  ds_dstream_collect (sums);
  ds_test_stream_push (queue, "a", "b", NULL);
  ds_test_stream_push (queue, "a", "c", "c", NULL);
  ds_test_stream_start (&test);
  ds_test_stream_run (&test, 2);
  assert_explained (sums, "gave", "gave 3 values");
  assert_operator (sums, "sums", 2, 3); /* each batch is reduced by itself first */
  /* a and c are in the window yet, though nothing came. */
  ds_test_stream_run (&test, 1);
  assert_explained (sums, "gave", "gave 2 values");
  ds_test_stream_run (&test, 1);
  assert_explained (sums, "no-data", "no data*");
  ds_test_stream_tear_down (&test);
}

static gboolean
take_two (DsRdd *rdd, DsBatch *batch, gpointer unused, GError **error)
{
  g_autoptr (DsBlock) block = ds_rdd_take (rdd, 2, error);

  return block != NULL;
}

static void
test_what_nobody_asked_for (void)
{
  DsTestStream test;
  DsDStream *queue;
  DsDStream *ignored;
  DsDStream *taken;

  g_test_summary ("An RDD that is not computed, and one that is as far as was asked for");

  ds_test_stream_set_up (&test, "local");
  queue = ds_streaming_context_queue_stream (test.ssc);
  ignored = ds_dstream_map (queue, ds_identity, NULL, NULL);
  taken = ds_dstream_repartition (queue, 3);
  ds_dstream_foreach_rdd (ignored, ds_test_ignore_rdd, NULL, NULL);
  ds_dstream_foreach_rdd (taken, take_two, NULL, NULL);
  ds_test_stream_push (queue, "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", NULL);
  ds_test_stream_start (&test);
  ds_test_stream_run (&test, 1);
  assert_explained (ignored, "not-computed", "nobody asked*");
  assert_explained (taken, "gave", "gave * values; no more were asked for");
  ds_test_stream_tear_down (&test);
}

static DsValue
fail_always (DsValue value, DsTask *task, gpointer unused)
{
  return ds_task_fail (task, "out of luck");
}

static void
test_failures (void)
{
  DsTestStream test;
  DsDStream *queue;
  DsDStream *failing;
  DsDStream *fine;
  g_autofree char *text = NULL;

  g_test_summary (
      "A failure is told of the streams that the output needs, and no others");

  ds_test_stream_set_up (&test, "local");
  g_object_set (test.ssc, "failure-policy", DS_FAILURE_POLICY_CONTINUE, NULL);
  queue = ds_streaming_context_queue_stream (test.ssc);
  failing = ds_dstream_map (queue, fail_always, NULL, NULL);
  fine = ds_dstream_map (queue, ds_identity, NULL, NULL);
  ds_dstream_collect (fine);
  ds_dstream_collect (failing);
  ds_test_stream_push (queue, "a", NULL);
  ds_test_stream_start (&test);
  ds_test_stream_run (&test, 1);
  assert_explained (failing, "failed", "*out of luck*");
  assert_explained (fine, "gave", "gave 1 value");
  text = ds_streaming_context_explain (test.ssc);
  g_assert_nonnull (strstr (text,
                            "batches: 0 completed, 1 failed; records: 1 received, 0 "
                            "processed"));
  ds_test_stream_run (&test, 1);
  assert_explained (failing, "no-data", "no data*");
  ds_test_stream_tear_down (&test);
}

static DsRdd *
give_nothing (DsRdd *rdd, DsBatch *batch, gpointer unused, GError **error)
{
  g_set_error (error, DS_ERROR, DS_ERROR_FAILED, "no RDD from me");
  return NULL;
}

static void
test_failures_of_generation (void)
{
  DsTestStream test;
  DsDStream *queue;

  g_test_summary ("A batch that could not be generated failed for every stream");

  ds_test_stream_set_up (&test, "local");
  g_object_set (test.ssc, "failure-policy", DS_FAILURE_POLICY_CONTINUE, NULL);
  queue = ds_streaming_context_queue_stream (test.ssc);
  ds_dstream_collect (queue);
  ds_dstream_collect (ds_dstream_transform (queue, give_nothing, NULL, NULL));
  ds_test_stream_start (&test);
  ds_test_stream_run (&test, 1);
  assert_explained (queue, "failed", "*no RDD from me*");
  ds_test_stream_tear_down (&test);
}

static void
test_wrong_calls (void)
{
  DsTestStream test;
  DsDStream *queue;

  g_test_summary ("A stream that stands for a wrong call says which");

  ds_test_stream_set_up (&test, "local");
  queue = ds_streaming_context_queue_stream (test.ssc);
  assert_explained (ds_dstream_window (queue, DS_SECOND + 1, 0), "wrong", "*window*");
  assert_explained (queue, "not-started", "the context cannot be started: *window*");
  ds_test_stream_tear_down (&test);
}

static void
note_error (DsStreamingContext *ssc, DsDStream *stream, GError *error, gpointer gate)
{
  ds_test_gate_add (gate, 1);
}

static void
test_receivers_that_find_nobody (void)
{
  DsTestStream test;
  DsTestGate failed = { 0 };
  DsDStream *lines;
  g_autoptr (GSocketListener) listener = g_socket_listener_new ();
  g_autoptr (GError) error = NULL;
  guint16 port = g_socket_listener_add_any_inet_port (listener, NULL, &error);

  g_test_summary ("Without data the reason is the server that nobody can reach");

  g_assert_no_error (error);
  g_socket_listener_close (listener); /* now nobody listens there */
  ds_test_stream_set_up (&test, "local");
  lines = ds_streaming_context_socket_text_stream (test.ssc, "127.0.0.1", port);
  ds_dstream_collect (lines);
  g_signal_connect (test.ssc, "receiver-error", G_CALLBACK (note_error), &failed);
  ds_test_stream_start (&test);
  ds_test_gate_await (&failed, 1);
  ds_test_stream_run (&test, 1);
  assert_explained (lines, "not-connected", "no data*127.0.0.1*is not connected: *");
  ds_test_stream_tear_down (&test);
}

static void
test_servers_that_send_nothing (void)
{
  DsTestStream test;
  DsDStream *lines;
  g_autoptr (GSocketListener) listener = g_socket_listener_new ();
  g_autoptr (GSocketConnection) connection = NULL;
  g_autoptr (GError) error = NULL;
  guint16 port = g_socket_listener_add_any_inet_port (listener, NULL, &error);
  g_autofree char *silent = g_strdup_printf (
      "no data*; socket text stream 127.0.0.1:%u: the server has sent nothing on this "
      "connection; one that speaks TLS waits for its client: see ds_dstream_set_tls ()",
      port);
  gboolean is_there = FALSE;

  g_test_summary ("Without data the reason may be a server that waits for TLS, or a "
                  "record that does not end");

  g_assert_no_error (error);
  ds_test_stream_set_up (&test, "local");
  lines = ds_streaming_context_socket_text_stream (test.ssc, "127.0.0.1", port);
  ds_dstream_collect (lines);
  ds_test_stream_start (&test);
  connection = g_socket_listener_accept (listener, NULL, NULL, &error);
  g_assert_no_error (error);
  ds_test_stream_run (&test, 1);
  assert_explained (lines, "no-data", silent);

  g_output_stream_write_all (g_io_stream_get_output_stream (G_IO_STREAM (connection)),
                             "no end", 6, NULL, NULL, &error);
  g_assert_no_error (error);
  while (!is_there) /* until it has arrived */
    {
      g_autofree char *text = NULL;

      ds_test_stream_run (&test, 1);
      text = ds_dstream_explain (lines);
      is_there = strstr (text, "has sent 6 bytes on this connection") != NULL;
    }
  ds_test_stream_tear_down (&test);
}

/* ---- Of contexts ---- */

static void
test_contexts_sum_up (void)
{
  DsTestStream test;
  DsDStream *queue;
  g_autoptr (GVariant) facts = NULL;
  g_autoptr (GVariant) outputs = NULL;
  g_autofree char *text = NULL;
  gint64 number;
  gint64 minimum;
  gint64 median;
  gint64 maximum;

  g_test_summary ("A context tells its batches, their delays, and all outputs");

  ds_test_stream_set_up (&test, "local");
  queue = ds_streaming_context_queue_stream (test.ssc);
  ds_output_set_name (ds_dstream_collect (queue), "first");
  ds_dstream_collect (ds_dstream_count (queue));
  for (guint i = 0; i < 12; i++)
    ds_test_stream_push (queue, "a", NULL);
  ds_test_stream_start (&test);
  for (guint i = 0; i < 12; i++)
    ds_test_stream_run (&test, 1);

  facts = ds_streaming_context_explain_as_variant (test.ssc);
  g_assert_true (g_variant_lookup (facts, "n-batches-completed", "x", &number));
  g_assert_cmpint (number, ==, 12);
  g_assert_true (g_variant_lookup (facts, "n-processed", "x", &number));
  g_assert_cmpint (number, ==, 12);
  /* On a clock that stands still nothing takes time. */
  g_assert_true (
      g_variant_lookup (facts, "total-delay", "(xxx)", &minimum, &median, &maximum));
  g_assert_cmpint (minimum, ==, 0);
  g_assert_cmpint (median, ==, 0);
  g_assert_cmpint (maximum, ==, 0);
  outputs = g_variant_lookup_value (facts, "outputs", G_VARIANT_TYPE ("aa{sv}"));
  g_assert_cmpuint (g_variant_n_children (outputs), ==, 2);

  text = ds_streaming_context_explain (test.ssc);
  g_assert_nonnull (strstr (text, "test: active, a batch every 1.000 s\n"));
  g_assert_nonnull (strstr (text,
                            "batches: 12 completed, 0 failed; records: 12 received, "
                            "12 processed\n"));
  g_assert_nonnull (strstr (text, "last 10"));
  g_assert_nonnull (strstr (text, "first: queue stream -> collect\nqueue stream, batch "
                                  "12000 ms: gave 1 value\n"));
  g_assert_nonnull (strstr (text, "collect-1: queue stream -> count -> collect\n"));
  ds_test_stream_tear_down (&test);
}

/* ---- From inside ---- */

static DsValue
explain_in_map (DsValue value, DsTask *task, gpointer stream)
{
  g_autofree char *text = ds_dstream_explain (stream);

  return ds_string_printf (task, "%s", strchr (text, ':') + 2);
}

static DsRdd *
explain_in_transform (DsRdd *rdd, DsBatch *batch, gpointer stream, GError **error)
{
  g_autofree char *text = ds_dstream_explain (stream);
  g_autoptr (DsRdd) explained = ds_rdd_map (rdd, explain_in_map, stream, NULL);
  g_autoptr (DsBlock) block = ds_rdd_collect (explained, error);

  g_assert_nonnull (text);
  return block != NULL ? g_object_ref (rdd) : NULL;
}

static void
test_explaining_from_inside (void)
{
  DsTestStream test;
  DsDStream *queue;

  g_test_summary ("A task of a job that a transform function waits for may explain");

  ds_test_stream_set_up (&test, "local[2]");
  queue = ds_streaming_context_queue_stream (test.ssc);
  ds_dstream_collect (ds_dstream_transform (queue, explain_in_transform, queue, NULL));
  ds_test_stream_push (queue, "a", "b", NULL);
  ds_test_stream_push (queue, "c", "d", NULL);
  ds_test_stream_start (&test);
  ds_test_stream_run (&test, 2);
  ds_test_stream_tear_down (&test);
}

typedef struct
{
  DsStreamingContext *ssc;
  DsDStream *stream;
  DsTestGate rounds;
  gint is_over; /* atomic */
} Onlooker;

static gpointer
look_on (gpointer data)
{
  Onlooker *self = data;

  while (!g_atomic_int_get (&self->is_over))
    {
      g_autofree char *text = ds_dstream_explain (self->stream);
      g_autoptr (DsReceiverInfo) info =
          ds_streaming_context_get_receiver_info (self->ssc, self->stream);

      g_assert_nonnull (text);
      g_assert_null (info); /* no receiver */
      ds_test_gate_add (&self->rounds, 1);
    }
  return NULL;
}

/* For the thread sanitizer, above all. */
static void
test_explaining_from_another_thread (void)
{
  DsTestStream test;
  Onlooker onlooker = { 0 };
  GThread *thread;

  g_test_summary ("Another thread may explain while the context starts, runs and stops");

  ds_test_stream_set_up (&test, "local");
  onlooker.ssc = test.ssc;
  onlooker.stream = ds_streaming_context_queue_stream (test.ssc);
  ds_dstream_collect (onlooker.stream);
  thread = g_thread_new ("onlooker", look_on, &onlooker);
  ds_test_gate_await (&onlooker.rounds, 1);
  ds_test_stream_start (&test);
  ds_test_stream_run (&test, 3);
  ds_test_gate_await (&onlooker.rounds, ds_test_gate_get (&onlooker.rounds) + 2);
  assert_explained (onlooker.stream, "no-data", "no data*");
  ds_streaming_context_stop (test.ssc, DS_STOP_NOW, NULL);
  g_atomic_int_set (&onlooker.is_over, TRUE);
  g_thread_join (thread);
  ds_test_stream_tear_down (&test);
}

static void
test_streams_that_outlive_their_context (void)
{
  DsTestStream test;
  g_autoptr (DsDStream) queue = NULL;

  g_test_summary ("A stream without context explains that");

  ds_test_stream_set_up (&test, "local");
  queue = g_object_ref (ds_streaming_context_queue_stream (test.ssc));
  ds_test_stream_tear_down (&test);
  assert_explained (queue, "not-started", "it belongs to no streaming context*");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dstream/explain/life-before-the-first-batch",
                   test_life_before_the_first_batch);
  g_test_add_func ("/dstream/explain/values-are-counted-by-operator",
                   test_values_are_counted_by_operator);
  g_test_add_func ("/dstream/explain/joins-without-partners",
                   test_joins_without_partners);
  g_test_add_func ("/dstream/explain/windows-that-are-not-due",
                   test_windows_that_are_not_due);
  g_test_add_func ("/dstream/explain/windows-that-go-on", test_windows_that_go_on);
  g_test_add_func ("/dstream/explain/what-nobody-asked-for", test_what_nobody_asked_for);
  g_test_add_func ("/dstream/explain/failures", test_failures);
  g_test_add_func ("/dstream/explain/failures-of-generation",
                   test_failures_of_generation);
  g_test_add_func ("/dstream/explain/wrong-calls", test_wrong_calls);
  g_test_add_func ("/dstream/explain/receivers-that-find-nobody",
                   test_receivers_that_find_nobody);
  g_test_add_func ("/dstream/explain/servers-that-send-nothing",
                   test_servers_that_send_nothing);
  g_test_add_func ("/dstream/explain/contexts-sum-up", test_contexts_sum_up);
  g_test_add_func ("/dstream/explain/explaining-from-inside",
                   test_explaining_from_inside);
  g_test_add_func ("/dstream/explain/explaining-from-another-thread",
                   test_explaining_from_another_thread);
  g_test_add_func ("/dstream/explain/streams-that-outlive-their-context",
                   test_streams_that_outlive_their_context);
  return g_test_run ();
}
