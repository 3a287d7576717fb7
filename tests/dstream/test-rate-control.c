/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Rate limits and back-pressure of a whole stream: a receiver that stores without pause,
 * outputs that take as long as the clock says. */

#include "dstream/ds-streaming-context-private.h"
#include "tests/dstream/ds-test-stream.h"

/* Stores 0, 1, 2 ... as fast as it may. */
G_DECLARE_FINAL_TYPE (TestPourer, test_pourer, TEST, POURER, DsReceiver)

struct _TestPourer
{
  DsReceiver parent_instance;
  gboolean in_blocks;
  DsTestGate stored;
};

G_DEFINE_FINAL_TYPE (TestPourer, test_pourer, DS_TYPE_RECEIVER)

static gboolean
test_pourer_run (DsReceiver *receiver, GCancellable *cancellable, GError **error)
{
  TestPourer *self = (TestPourer *) receiver;

  for (gint64 i = 0;; i++)
    {
      g_autoptr (DsBlock) block = self->in_blocks ? ds_block_new_ints (i) : NULL;

      if (!(block != NULL ? ds_receiver_store_block (receiver, block, 0, NULL)
                          : ds_receiver_store (receiver, ds_value_int (i))))
        return TRUE;
      ds_test_gate_add (&self->stored, 1);
    }
}

static void
test_pourer_class_init (TestPourerClass *klass)
{
  DS_RECEIVER_CLASS (klass)->run = test_pourer_run;
}

static void
test_pourer_init (TestPourer *self)
{
}

typedef struct
{
  DsTestStream test;
  TestPourer *pourer;
  DsDStream *stream;
} Fixture;

static void
set_up (Fixture *fixture)
{
  ds_test_stream_set_up (&fixture->test, "local[2]");
  g_object_set (fixture->test.ssc, "block-interval", DS_HOUR, NULL);
  fixture->pourer = g_object_new (test_pourer_get_type (), NULL);
  fixture->stream = ds_streaming_context_receiver_stream (fixture->test.ssc,
                                                          DS_RECEIVER (fixture->pourer));
}

static void
tear_down (Fixture *fixture)
{
  ds_test_stream_tear_down (&fixture->test);
  g_mutex_clear (&fixture->pourer->stored.lock);
  g_cond_clear (&fixture->pourer->stored.changed);
  g_object_unref (fixture->pourer);
}

static guint64
get_rate (Fixture *fixture)
{
  return ds_receiver_tracker_get_rate (fixture->test.ssc->receivers, fixture->stream);
}

/* 10 records a second, of batches of 1 s. */
static void
check_ten_a_batch (Fixture *fixture)
{
  DsOutput *values = ds_dstream_collect (fixture->stream);
  gint64 n = 0;

  ds_test_stream_start (&fixture->test);
  g_assert_cmpuint (get_rate (fixture), ==, 10);
  ds_test_gate_await (&fixture->pourer->stored, 1);
  for (guint i = 1; i <= 6; i++)
    {
      DsBlock *block;

      ds_test_stream_run (&fixture->test, 1);
      /* Permits of the second that is over; how many were used before the tick is open,
       * all are once its batch has begun. */
      ds_test_gate_await (&fixture->pourer->stored, 10 * i + 1);
      block = ds_output_get_block (values, i * DS_SECOND);
      g_assert_nonnull (block);
      g_assert_cmpuint (ds_block_get_length (block), <=, 10);
      for (gsize j = 0; j < ds_block_get_length (block); j++)
        g_assert_cmpint (ds_value_get_int (ds_block_get (block, j)), ==, n++);
      /* The two that may lie between: the last second's and the first record. */
      g_assert_cmpint (n, >=, 10 * (i - 1) + 1);
    }
  g_assert_cmpint (ds_test_gate_get (&fixture->pourer->stored), ==, 61);
}

static void
test_a_setting_limits_all_receivers (void)
{
  Fixture fixture;

  g_test_summary ("receiver-max-rate: no batch has more than its share, and no record is "
                  "lost or out of order");

  set_up (&fixture);
  g_object_set (fixture.test.ssc, "receiver-max-rate", 10, NULL);
  check_ten_a_batch (&fixture);
  tear_down (&fixture);
}

static void
test_a_stream_has_a_limit_of_its_own (void)
{
  Fixture fixture;

  g_test_summary ("set_max_rate () is stronger than the setting, either way");

  set_up (&fixture);
  g_object_set (fixture.test.ssc, "receiver-max-rate", 1000, NULL);
  ds_dstream_set_max_rate (fixture.stream, 10);
  check_ten_a_batch (&fixture);
  tear_down (&fixture);

  set_up (&fixture);
  g_object_set (fixture.test.ssc, "receiver-max-rate", 1, NULL);
  ds_dstream_set_max_rate (fixture.stream, 0);
  ds_dstream_foreach_rdd (fixture.stream, ds_test_ignore_rdd, NULL, NULL);
  ds_test_stream_start (&fixture.test);
  g_assert_cmpuint (get_rate (&fixture), ==, 0);
  ds_test_gate_await (&fixture.pourer->stored, 5000);
  tear_down (&fixture);
}

static void
test_only_receivers_have_rates (void)
{
  DsTestStream test;
  const GError *error;

  g_test_summary ("set_max_rate () of a stream without receiver is latched");

  ds_test_stream_set_up (&test, "local");
  ds_dstream_set_max_rate (ds_streaming_context_queue_stream (test.ssc), 5);
  error = ds_streaming_context_get_build_error (test.ssc);
  g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, "set_max_rate"));
  g_assert_nonnull (strstr (error->message, "receivers"));
  ds_test_stream_tear_down (&test);
}

static void
test_a_graceful_stop_waits_for_no_rate (void)
{
  Fixture fixture;
  g_autoptr (GError) error = NULL;

  g_test_summary ("A receiver that waits for its next permit stops, and all that it "
                  "stored is processed");

  set_up (&fixture);
  ds_dstream_set_max_rate (fixture.stream, 1);
  ds_dstream_foreach_rdd (fixture.stream, ds_test_ignore_rdd, NULL, NULL);
  ds_test_stream_start (&fixture.test);
  ds_test_gate_await (&fixture.pourer->stored, 1);
  ds_test_stream_run (&fixture.test, 1);
  ds_test_gate_await (&fixture.pourer->stored, 2);
  ds_streaming_context_stop (fixture.test.ssc, DS_STOP_GRACEFULLY, &error);
  g_assert_no_error (error);
  g_assert_cmpint (ds_streaming_context_get_n_received (fixture.test.ssc), ==, 2);
  g_assert_cmpint (ds_streaming_context_get_n_processed (fixture.test.ssc), ==, 2);
  tear_down (&fixture);
}

/* The first batch takes until it is let go. */
static gboolean
hold_first_batch (DsRdd *rdd, DsBatch *batch, gpointer user_data, GError **error)
{
  DsTestGate *gates = user_data; /* begun, let go */

  g_assert_cmpint (ds_batch_get_n_records (batch), <=, 10);
  if (ds_batch_get_time (batch) == DS_SECOND)
    {
      ds_test_gate_add (&gates[0], 1);
      ds_test_gate_await (&gates[1], 1);
    }
  return TRUE;
}

static void
test_late_ticks_let_nothing_more_in (void)
{
  Fixture fixture;
  DsTestGate gates[2] = { 0 };
  g_autoptr (GError) error = NULL;

  g_test_summary (
      "While no batch is generated because too many wait, records arrive that "
      "belong to later ones: they count there");

  set_up (&fixture);
  fixture.pourer->in_blocks = TRUE;
  g_object_set (fixture.test.ssc, "receiver-max-rate", 10, "max-waiting-batches", 1,
                NULL);
  ds_dstream_foreach_rdd (fixture.stream, hold_first_batch, gates, NULL);
  ds_test_stream_start (&fixture.test);
  ds_test_gate_await (&fixture.pourer->stored, 1);
  ds_manual_clock_advance (fixture.test.clock, DS_SECOND);
  ds_test_gate_await (&gates[0], 1);
  for (guint i = 0; i < 4; i++)
    ds_manual_clock_advance (fixture.test.clock, DS_SECOND);
  /* All that may come before the third tick is generated: at 5 s. */
  ds_test_gate_await (&fixture.pourer->stored, 11);
  ds_test_gate_add (&gates[1], 1);
  ds_streaming_context_await_batch (fixture.test.ssc, 5 * DS_SECOND, &error);
  g_assert_no_error (error);
  ds_test_stream_run (&fixture.test, 1);
  ds_test_stream_run (&fixture.test, 1);
  tear_down (&fixture);
  for (guint i = 0; i < G_N_ELEMENTS (gates); i++)
    {
      g_mutex_clear (&gates[i].lock);
      g_cond_clear (&gates[i].changed);
    }
}

/* ---- Sockets ---- */

static gpointer
send_numbers (gpointer user_data)
{
  g_autoptr (GSocketConnection) connection =
      g_socket_listener_accept (user_data, NULL, NULL, NULL);
  g_autoptr (GString) text = g_string_new (NULL);
  char byte;

  g_assert_nonnull (connection);
  for (guint i = 0; i < 100; i++)
    g_string_append_printf (text, "%u\n", i);
  g_assert_true (
      g_output_stream_write_all (g_io_stream_get_output_stream (G_IO_STREAM (connection)),
                                 text->str, text->len, NULL, NULL, NULL));
  /* Until the other end goes. */
  g_input_stream_read (g_io_stream_get_input_stream (G_IO_STREAM (connection)), &byte, 1,
                       NULL, NULL);
  return NULL;
}

static void
test_sockets_are_read_no_faster (void)
{
  DsTestStream test;
  g_autoptr (GSocketListener) listener = g_socket_listener_new ();
  guint16 port = g_socket_listener_add_any_inet_port (listener, NULL, NULL);
  g_autoptr (GThread) server = g_thread_new ("server", send_numbers, listener);
  gint64 deadline = g_get_monotonic_time () + 60 * DS_SECOND;
  DsDStream *lines;
  DsOutput *values;
  guint n_full = 0;
  guint n = 0;

  g_test_summary ("100 lines that a server sends at once come in batches of about 10, in "
                  "order, and none is lost");

  ds_test_stream_set_up (&test, "local");
  g_object_set (test.ssc, "block-interval", DS_HOUR, NULL);
  lines = ds_streaming_context_socket_text_stream (test.ssc, "127.0.0.1", port);
  ds_dstream_set_max_rate (lines, 10);
  values = ds_dstream_collect (lines);
  ds_test_stream_start (&test);
  for (guint i = 1; n < 100; i++)
    {
      DsBlock *block;

      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      ds_test_stream_run (&test, 1);
      block = ds_output_get_block (values, i * DS_SECOND);
      /* One read may bring a few more, as lines differ in length. */
      g_assert_cmpuint (ds_block_get_length (block), <=, 15);
      n_full += ds_block_get_length (block) > 0;
      for (gsize j = 0; j < ds_block_get_length (block); j++)
        g_assert_cmpint (ds_value_get_int (ds_value_parse_int (ds_block_get (block, j))),
                         ==, n++);
      ds_output_clear (values);
      g_thread_yield ();
    }
  g_assert_cmpuint (n, ==, 100);
  g_assert_cmpuint (n_full, >=, 7);
  ds_test_stream_tear_down (&test);
  g_thread_join (g_steal_pointer (&server));
}

/* ---- Back-pressure ---- */

/* 5 ms a record, by the clock of the stream: 200 records a second. */
static gboolean
take_time (DsRdd *rdd, DsBatch *batch, gpointer user_data, GError **error)
{
  Fixture *fixture = user_data;
  gint64 n_records = ds_batch_get_n_records (batch);

  if (n_records > 0)
    ds_manual_clock_advance (fixture->test.clock, n_records * 5 * DS_MILLISECOND);
  return TRUE;
}

static void
test_back_pressure_finds_the_rate (void)
{
  Fixture fixture;
  g_autoptr (GError) error = NULL;
  guint64 n_slow = 0;

  g_test_summary (
      "Begun at ten times what batches can take, the rate comes down to that, "
      "and never to less than the least one");

  set_up (&fixture);
  g_object_set (fixture.test.ssc, "backpressure-enabled", TRUE,
                "backpressure-initial-rate", 2000, "backpressure-pid-min-rate", 20.0,
                NULL);
  ds_dstream_foreach_rdd (fixture.stream, take_time, &fixture, NULL);
  ds_test_stream_start (&fixture.test);
  g_assert_cmpuint (get_rate (&fixture), ==, 2000);
  ds_test_gate_await (&fixture.pourer->stored, 1);
  for (guint i = 0; i < 100; i++)
    {
      gint64 n_stored = ds_test_gate_get (&fixture.pourer->stored);
      guint64 rate;
      DsTime now;

      /* Outputs move the clock, too: the last batch that is due. */
      ds_manual_clock_advance (fixture.test.clock, DS_SECOND);
      now = ds_clock_get_time (DS_CLOCK (fixture.test.clock));
      ds_streaming_context_await_batch (fixture.test.ssc, now - now % DS_SECOND, &error);
      g_assert_no_error (error);
      ds_test_gate_await (&fixture.pourer->stored, n_stored + 1);
      rate = get_rate (&fixture);
      g_assert_cmpuint (rate, >=, 20);
      n_slow += rate <= 200;
    }
  /* Processing always shows 200 a second, and waiting only takes from that. */
  g_assert_cmpuint (get_rate (&fixture), <=, 200);
  g_assert_cmpuint (n_slow, >, 50);
  tear_down (&fixture);
}

static void
test_the_initial_rate_is_of_back_pressure (void)
{
  Fixture fixture;

  g_test_summary ("Without back-pressure nobody would ever lift the initial rate, so it "
                  "does not count");

  set_up (&fixture);
  g_object_set (fixture.test.ssc, "backpressure-initial-rate", 5, "receiver-max-rate", 70,
                NULL);
  ds_dstream_foreach_rdd (fixture.stream, ds_test_ignore_rdd, NULL, NULL);
  ds_test_stream_start (&fixture.test);
  g_assert_cmpuint (get_rate (&fixture), ==, 70);
  tear_down (&fixture);
}

static void
test_explain_tells_the_limit (void)
{
  Fixture fixture;
  g_autofree char *text = NULL;

  g_test_summary ("explain () says what a receiver is limited to");

  set_up (&fixture);
  ds_dstream_set_max_rate (fixture.stream, 10);
  ds_dstream_collect (fixture.stream);
  ds_test_stream_start (&fixture.test);
  ds_test_gate_await (&fixture.pourer->stored, 1);
  ds_test_stream_run (&fixture.test, 1);
  text = ds_dstream_explain (fixture.stream);
  g_assert_nonnull (strstr (text, "limited to 10 records a second"));
  tear_down (&fixture);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, func) g_test_add_func ("/dstream/rate-control/" name, func)
  ADD ("a-setting-limits-all-receivers", test_a_setting_limits_all_receivers);
  ADD ("a-stream-has-a-limit-of-its-own", test_a_stream_has_a_limit_of_its_own);
  ADD ("only-receivers-have-rates", test_only_receivers_have_rates);
  ADD ("a-graceful-stop-waits-for-no-rate", test_a_graceful_stop_waits_for_no_rate);
  ADD ("late-ticks-let-nothing-more-in", test_late_ticks_let_nothing_more_in);
  ADD ("sockets-are-read-no-faster", test_sockets_are_read_no_faster);
  ADD ("back-pressure-finds-the-rate", test_back_pressure_finds_the_rate);
  ADD ("the-initial-rate-is-of-back-pressure", test_the_initial_rate_is_of_back_pressure);
  ADD ("explain-tells-the-limit", test_explain_tells_the_limit);
#undef ADD

  return g_test_run ();
}
