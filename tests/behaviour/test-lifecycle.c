/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Life of a streaming context: each test is one statement of the behaviour that users of
 * the DStream model know, or of ours where that differs (the summary says so). */

#include "tests/behaviour/behaviour.h"

#include <string.h>

typedef struct
{
  DsManualClock *clock;
  DsStreamingContext *streaming;
  DsContext *engine;
  DsDStream *queue;
} Fixture;

static void
fixture_set_up (Fixture *fixture, gconstpointer unused)
{
  fixture->streaming = behaviour_new_streaming (&fixture->clock);
  fixture->engine = g_object_ref (ds_streaming_context_get_context (fixture->streaming));
  fixture->queue = ds_streaming_context_queue_stream (fixture->streaming);
  ds_dstream_foreach_rdd (fixture->queue, behaviour_ignore_rdd, NULL, NULL);
}

static void
fixture_tear_down (Fixture *fixture, gconstpointer unused)
{
  if (ds_streaming_context_get_state (fixture->streaming) == DS_STREAMING_ACTIVE)
    behaviour_stop (fixture->streaming);
  g_object_unref (fixture->streaming);
  ds_context_stop (fixture->engine);
  g_object_unref (fixture->engine);
  g_object_unref (fixture->clock);
}

static void
start (DsStreamingContext *streaming)
{
  g_autoptr (GError) error = NULL;

  ds_streaming_context_start (streaming, &error);
  g_assert_no_error (error);
}

static void
stop (DsStreamingContext *streaming, DsStopFlags flags)
{
  g_autoptr (GError) error = NULL;

  ds_streaming_context_stop (streaming, flags, &error);
  g_assert_no_error (error);
}

static void
expect_warning (const char *pattern)
{
  g_test_expect_message ("DStream", G_LOG_LEVEL_WARNING, pattern);
}

#define assert_state(streaming, expected) \
  g_assert_cmpint (ds_streaming_context_get_state (streaming), ==, (expected))

/* ---- States ---- */

static void
test_states (Fixture *fixture, gconstpointer unused)
{
  g_test_summary (
      "new: INITIALIZED; start: ACTIVE; stop: STOPPED, and the engine with it");

  assert_state (fixture->streaming, DS_STREAMING_INITIALIZED);
  start (fixture->streaming);
  assert_state (fixture->streaming, DS_STREAMING_ACTIVE);
  g_assert_true (behaviour_engine_runs (fixture->engine));
  stop (fixture->streaming, DS_STOP_NOW);
  assert_state (fixture->streaming, DS_STREAMING_STOPPED);
  g_assert_false (behaviour_engine_runs (fixture->engine));
}

static void
test_start_twice (Fixture *fixture, gconstpointer unused)
{
  g_test_summary ("The second start is only warned about");

  start (fixture->streaming);
  expect_warning ("*already*start*");
  start (fixture->streaming);
  g_test_assert_expected_messages ();
  assert_state (fixture->streaming, DS_STREAMING_ACTIVE);
  behaviour_tick (fixture->streaming, fixture->clock);
}

static void
test_stop_twice (Fixture *fixture, gconstpointer unused)
{
  g_test_summary ("The second stop is only warned about");

  start (fixture->streaming);
  stop (fixture->streaming, DS_STOP_NOW);
  assert_state (fixture->streaming, DS_STREAMING_STOPPED);
  expect_warning ("*already*stop*");
  stop (fixture->streaming, DS_STOP_NOW);
  g_test_assert_expected_messages ();
  assert_state (fixture->streaming, DS_STREAMING_STOPPED);
}

static void
test_stop_before_start (Fixture *fixture, gconstpointer unused)
{
  g_test_summary ("Stopping what was never started is warned about, and is final");

  expect_warning ("*not*start*");
  stop (fixture->streaming, DS_STOP_NOW);
  g_test_assert_expected_messages ();
  assert_state (fixture->streaming, DS_STREAMING_STOPPED);
}

static void
test_start_after_stop (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  g_test_summary ("A stopped context does not start again");

  start (fixture->streaming);
  stop (fixture->streaming, DS_STOP_NOW);
  g_assert_false (ds_streaming_context_start (fixture->streaming, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_STATE);
  g_assert_nonnull (strstr (error->message, "stopped"));
  assert_state (fixture->streaming, DS_STREAMING_STOPPED);
}

/* ---- The engine ---- */

static void
test_keep_the_engine (Fixture *fixture, gconstpointer unused)
{
  g_test_summary ("DS_STOP_KEEP_CONTEXT leaves the engine running");

  start (fixture->streaming);
  stop (fixture->streaming, DS_STOP_KEEP_CONTEXT);
  assert_state (fixture->streaming, DS_STREAMING_STOPPED);
  g_assert_true (behaviour_engine_runs (fixture->engine));
}

static void
test_keep_the_engine_by_setting (Fixture *fixture, gconstpointer unused)
{
  g_test_summary ("So does the setting \"stop-context\" FALSE");

  g_object_set (fixture->streaming, "stop-context", FALSE, NULL);
  start (fixture->streaming);
  stop (fixture->streaming, DS_STOP_NOW);
  assert_state (fixture->streaming, DS_STREAMING_STOPPED);
  g_assert_true (behaviour_engine_runs (fixture->engine));
}

static void
test_stop_the_engine_later (Fixture *fixture, gconstpointer unused)
{
  g_test_summary ("A second stop stops the engine that the first one kept");

  start (fixture->streaming);
  stop (fixture->streaming, DS_STOP_KEEP_CONTEXT);
  g_assert_true (behaviour_engine_runs (fixture->engine));
  expect_warning ("*already*stop*");
  stop (fixture->streaming, DS_STOP_NOW);
  g_test_assert_expected_messages ();
  g_assert_false (behaviour_engine_runs (fixture->engine));
}

/* ---- Start fails ---- */

static void
test_start_failure (void)
{
  g_autoptr (DsManualClock) clock = NULL;
  g_autoptr (DsStreamingContext) streaming = behaviour_new_streaming (&clock);
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) await_error = NULL;

  g_test_summary (
      "Without any output start fails; the context is STOPPED, nobody is active "
      "and waiting ends at once");

  ds_streaming_context_queue_stream (streaming);
  g_assert_false (ds_streaming_context_start (streaming, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_STATE);
  assert_state (streaming, DS_STREAMING_STOPPED);
  g_assert_null (ds_streaming_context_get_active ());

  ds_manual_clock_advance (clock, 10 * DS_SECOND);
  ds_streaming_context_await_termination (streaming, &await_error);
}

static void
test_start_failure_of_an_input (void)
{
  g_autoptr (DsManualClock) clock = NULL;
  g_autoptr (DsStreamingContext) streaming = behaviour_new_streaming (&clock);
  g_autoptr (GError) error = NULL;

  g_test_summary ("A mistake in the graph makes start fail with its message");

  ds_dstream_foreach_rdd (
      ds_dstream_repartition (ds_streaming_context_queue_stream (streaming), 0),
      behaviour_ignore_rdd, NULL, NULL);
  g_assert_nonnull (ds_streaming_context_get_build_error (streaming));
  g_assert_false (ds_streaming_context_start (streaming, &error));
  g_assert_cmpstr (error->message, ==,
                   ds_streaming_context_get_build_error (streaming)->message);
  assert_state (streaming, DS_STREAMING_STOPPED);
}

static DsValue
add_up_values (DsValue key,
               const DsValue *values,
               gsize n_values,
               DsValue state,
               DsTask *task,
               gpointer unused)
{
  return ds_value_int (ds_value_get_int_or (state, 0) + (gint64) n_values);
}

static gboolean
count_batch (DsRdd *rdd, DsBatch *batch, gpointer n_batches, GError **error)
{
  gate_add (n_batches, 1);
  return TRUE;
}

static void
test_start_failure_without_a_directory (void)
{
  g_autoptr (DsManualClock) clock = NULL;
  g_autoptr (DsStreamingContext) streaming = behaviour_new_streaming (&clock);
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) await_error = NULL;
  DsDStream *pairs;
  Gate n_batches;

  g_test_summary (
      "State without the checkpoint directory that it needs makes start fail; "
      "the context is STOPPED, and no batch ever comes");

  gate_init (&n_batches);
  pairs = ds_dstream_map (ds_streaming_context_queue_stream (streaming), ds_pair_with_one,
                          NULL, NULL);
  ds_dstream_foreach_rdd (ds_dstream_update_state_by_key (pairs, add_up_values, NULL,
                                                          NULL),
                          count_batch, &n_batches, NULL);
  g_assert_false (ds_streaming_context_start (streaming, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_STATE);
  g_assert_nonnull (strstr (error->message, "checkpoint"));
  assert_state (streaming, DS_STREAMING_STOPPED);
  g_assert_null (ds_streaming_context_get_active ());

  ds_manual_clock_advance (clock, 10 * DS_SECOND);
  g_assert_false (ds_streaming_context_await_termination (streaming, &await_error));
  g_assert_cmpstr (await_error->message, ==, error->message);
  g_assert_cmpint (gate_get (&n_batches), ==, 0);
  gate_clear (&n_batches);
}

/* ---- Waiting ---- */

static gpointer
stop_in_thread (gpointer streaming)
{
  stop (streaming, DS_STOP_NOW);
  return NULL;
}

static void
test_await_returns_after_stop (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  GThread *thread = NULL;

  g_test_summary ("A wait that times out leaves the context ACTIVE and is TRUE (in Spark "
                  "FALSE: here FALSE comes with an error only); stop ends every wait");

  start (fixture->streaming);
  g_assert_true (ds_streaming_context_await_termination_or_timeout (fixture->streaming,
                                                                    DS_MILLISECOND,
                                                                    &error));
  g_assert_no_error (error);
  assert_state (fixture->streaming, DS_STREAMING_ACTIVE);

  thread = g_thread_new ("stop", stop_in_thread, fixture->streaming);
  g_assert_true (ds_streaming_context_await_termination (fixture->streaming, &error));
  g_assert_no_error (error);
  g_thread_join (thread);
  assert_state (fixture->streaming, DS_STREAMING_STOPPED);

  g_assert_true (ds_streaming_context_await_termination_or_timeout (fixture->streaming,
                                                                    30 * DS_SECOND,
                                                                    &error));
  g_assert_true (ds_streaming_context_await_termination (fixture->streaming, &error));
  g_assert_no_error (error);
}

static DsValue
fail_map (DsValue value, DsTask *task, gpointer unused)
{
  return ds_task_fail (task, "the map function is out of order");
}

static void
test_await_raises_a_task_error (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) again = NULL;
  g_autoptr (DsBlock) block = ds_block_new_ints (1);

  g_test_summary ("A map function that fails ends the wait with its message");

  ds_dstream_print (ds_dstream_map (fixture->queue, fail_map, NULL, NULL), 1);
  ds_dstream_push_block (fixture->queue, block);
  start (fixture->streaming);
  ds_manual_clock_advance (fixture->clock, DS_SECOND);
  g_assert_false (ds_streaming_context_await_termination (fixture->streaming, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_USER_FUNCTION);
  g_assert_nonnull (strstr (error->message, "the map function is out of order"));
  g_assert_nonnull (strstr (error->message, "map"));

  g_assert_false (ds_streaming_context_await_termination (fixture->streaming, &again));
  g_assert_cmpstr (error->message, ==, again->message);
}

static DsRdd *
fail_transform (DsRdd *rdd, DsBatch *batch, gpointer unused, GError **error)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_EXISTS, "the transform function has no RDD");
  return NULL;
}

static void
test_await_raises_a_generation_error (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  g_test_summary ("A transform function that fails ends the wait with that very error");

  ds_dstream_print (ds_dstream_transform (fixture->queue, fail_transform, NULL, NULL), 1);
  start (fixture->streaming);
  ds_manual_clock_advance (fixture->clock, DS_SECOND);
  g_assert_false (ds_streaming_context_await_termination (fixture->streaming, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_EXISTS);
  g_assert_nonnull (strstr (error->message, "the transform function has no RDD"));
}

/* ---- Frozen ---- */

typedef void (*BuildFunc) (Fixture *fixture);

static void
build_input (Fixture *fixture)
{
  g_assert_nonnull (ds_streaming_context_queue_stream (fixture->streaming));
}

static void
build_transformation (Fixture *fixture)
{
  g_assert_nonnull (ds_dstream_map (fixture->queue, ds_identity, NULL, NULL));
}

static void
build_output (Fixture *fixture)
{
  g_assert_nonnull (ds_dstream_print (fixture->queue, 1));
}

static const BuildFunc build_funcs[] = { build_input, build_transformation,
                                         build_output };

/* Builds on in a state; the latched error must name @word. */
static void
check_frozen (BuildFunc build, gboolean is_stopped, const char *word)
{
  Fixture fixture;
  const GError *error = NULL;
  g_autofree char *pattern = g_strdup_printf ("*%s*", word);

  fixture_set_up (&fixture, NULL);
  start (fixture.streaming);
  if (is_stopped)
    stop (fixture.streaming, DS_STOP_KEEP_CONTEXT);
  expect_warning (pattern);
  build (&fixture);
  g_test_assert_expected_messages ();
  error = ds_streaming_context_get_build_error (fixture.streaming);
  g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_STATE);
  g_assert_nonnull (strstr (error->message, word));
  if (!is_stopped)
    behaviour_tick (fixture.streaming, fixture.clock);
  fixture_tear_down (&fixture, NULL);
}

static void
test_graph_is_frozen (void)
{
  g_test_summary ("Once ACTIVE or STOPPED, a new input, transformation or output is an "
                  "illegal state that names start or stop, and changes nothing");

  for (gsize i = 0; i < G_N_ELEMENTS (build_funcs); i++)
    {
      check_frozen (build_funcs[i], FALSE, "start");
      check_frozen (build_funcs[i], TRUE, "stop");
    }
}

/* ---- One active context ---- */

static void
test_one_active_context (Fixture *fixture, gconstpointer unused)
{
  Fixture other;
  g_autoptr (GError) error = NULL;

  g_test_summary ("A second context can be made while one is active, not started");

  start (fixture->streaming);
  fixture_set_up (&other, NULL);
  g_assert_false (ds_streaming_context_start (other.streaming, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_STATE);
  g_assert_nonnull (strstr (error->message, "StreamingContext"));
  assert_state (fixture->streaming, DS_STREAMING_ACTIVE);
  behaviour_tick (fixture->streaming, fixture->clock);
  fixture_tear_down (&other, NULL);
}

typedef struct
{
  guint n_calls;
  DsStreamingContext *made;
} Setup;

static DsStreamingContext *
set_up_context (gpointer user_data, GError **error)
{
  Setup *setup = user_data;

  setup->n_calls++;
  return g_object_ref (setup->made);
}

static void
check_get_active_or_create (Setup *setup,
                            const char *directory,
                            DsStreamingContext *expected,
                            guint n_calls)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DsStreamingContext) found =
      ds_streaming_context_get_active_or_create (directory, set_up_context, setup,
                                                 &error);

  g_assert_no_error (error);
  g_assert_true (found == expected);
  g_assert_cmpuint (setup->n_calls, ==, n_calls);
}

static void
test_getactive (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (DsManualClock) clock = NULL;
  g_autoptr (DsStreamingContext) fresh = behaviour_new_streaming (&clock);
  g_autoptr (DsStreamingContext) active = NULL;
  Setup setup = { 0, fresh };

  g_test_summary ("A context is the active one from start to stop; get_active_or_create "
                  "calls the set-up function only when there is none");

  g_assert_null (ds_streaming_context_get_active ());
  start (fixture->streaming);
  active = ds_streaming_context_get_active ();
  g_assert_true (active == fixture->streaming);
  check_get_active_or_create (&setup, NULL, fixture->streaming, 0);

  stop (fixture->streaming, DS_STOP_NOW);
  g_assert_null (ds_streaming_context_get_active ());
  check_get_active_or_create (&setup, NULL, fresh, 1);
  assert_state (fresh, DS_STREAMING_INITIALIZED);
}

/* ---- Graceful stop ---- */

typedef struct
{
  Gate n_stored;
  Gate n_processed;
  Gate sum_processed;
} Flow;

static gboolean
count_without_pause (DsReceiver *receiver, GCancellable *cancellable, gpointer user_data)
{
  Flow *flow = user_data;
  gint64 n = 0;

  while (ds_receiver_store (receiver, ds_value_int (n)))
    n++;
  gate_add (&flow->n_stored, n);
  return TRUE;
}

static gboolean
add_up_rdd (DsRdd *rdd, DsBatch *batch, gpointer user_data, GError **error)
{
  Flow *flow = user_data;
  g_autoptr (DsBlock) values = ds_rdd_collect (rdd, error);
  gint64 sum = 0;

  if (values == NULL)
    return FALSE;
  for (gsize i = 0; i < ds_block_get_length (values); i++)
    sum += ds_value_get_int (ds_block_get (values, i));
  gate_add (&flow->sum_processed, sum);
  gate_add (&flow->n_processed, (gint64) ds_block_get_length (values));
  return TRUE;
}

static void
flow_init (Flow *flow)
{
  gate_init (&flow->n_stored);
  gate_init (&flow->n_processed);
  gate_init (&flow->sum_processed);
}

static void
flow_clear (Flow *flow)
{
  gate_clear (&flow->n_stored);
  gate_clear (&flow->n_processed);
  gate_clear (&flow->sum_processed);
}

static void
run_counting_round (DsContext *engine)
{
  g_autoptr (DsStreamingContext) streaming =
      ds_streaming_context_new_for_context (engine, 20 * DS_MILLISECOND);
  g_autoptr (DsReceiver) receiver = NULL;
  g_autofree char *report = NULL;
  Flow flow;
  gint64 n = 0;

  flow_init (&flow);
  /* What counts is that nothing is lost, not that it is done in ten batches. */
  g_object_set (streaming, "graceful-stop-timeout", 60 * DS_SECOND, NULL);
  receiver = test_receiver_new (count_without_pause, &flow);
  ds_dstream_foreach_rdd (ds_streaming_context_receiver_stream (streaming, receiver),
                          add_up_rdd, &flow, NULL);
  start (streaming);
  gate_await (&flow.n_processed, 1);
  stop (streaming, DS_STOP_GRACEFULLY | DS_STOP_KEEP_CONTEXT);

  n = gate_get (&flow.n_stored);
  report = ds_streaming_context_get_stop_report (streaming);
  g_test_message ("%s", report);
  g_assert_cmpint (n, >, 0);
  g_assert_cmpint (gate_get (&flow.n_processed), ==, n);
  g_assert_cmpint (gate_get (&flow.sum_processed), ==, n * (n - 1) / 2);
  g_assert_cmpint (ds_streaming_context_get_n_received (streaming), ==, n);
  g_assert_cmpint (ds_streaming_context_get_n_processed (streaming), ==, n);
  flow_clear (&flow);
}

static void
test_graceful_stop_processes_everything (void)
{
  g_autoptr (DsContext) engine = ds_context_new ("local[2]", "behaviour");

  g_test_summary ("A receiver counts without pause; all that it stored is processed, in "
                  "each of 4 rounds on one engine (system clock, 20 ms batches)");

  for (guint i = 0; i < 4; i++)
    run_counting_round (engine);
  g_assert_true (behaviour_engine_runs (engine));
  ds_context_stop (engine);
}

/* A receiver with a stop function of its own, which returns after the last record. */
#define SLOW_TYPE_RECEIVER (slow_receiver_get_type ())
G_DECLARE_FINAL_TYPE (SlowReceiver, slow_receiver, SLOW, RECEIVER, DsReceiver)

struct _SlowReceiver
{
  DsReceiver parent_instance;
  Gate stop_was_called;
  Gate n_refused;
  GThread *thread;
};

G_DEFINE_TYPE (SlowReceiver, slow_receiver, DS_TYPE_RECEIVER)

static void
slow_receiver_store (SlowReceiver *self, gint64 n)
{
  if (!ds_receiver_store (DS_RECEIVER (self), ds_value_int (n)))
    gate_add (&self->n_refused, 1);
}

static gpointer
slow_receiver_send (gpointer user_data)
{
  SlowReceiver *self = user_data;

  slow_receiver_store (self, 1);
  gate_await (&self->stop_was_called, 1);
  for (gint64 n = 2; n <= 15; n++)
    slow_receiver_store (self, n);
  return NULL;
}

static gboolean
slow_receiver_start (DsReceiver *receiver, GError **error)
{
  SlowReceiver *self = SLOW_RECEIVER (receiver);

  self->thread = g_thread_new ("slow-receiver", slow_receiver_send, self);
  return TRUE;
}

static void
slow_receiver_stop (DsReceiver *receiver)
{
  SlowReceiver *self = SLOW_RECEIVER (receiver);

  gate_add (&self->stop_was_called, 1);
  g_clear_pointer (&self->thread, g_thread_join);
}

static void
slow_receiver_finalize (GObject *object)
{
  SlowReceiver *self = SLOW_RECEIVER (object);

  gate_clear (&self->stop_was_called);
  gate_clear (&self->n_refused);
  G_OBJECT_CLASS (slow_receiver_parent_class)->finalize (object);
}

static void
slow_receiver_class_init (SlowReceiverClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = slow_receiver_finalize;
  DS_RECEIVER_CLASS (klass)->start = slow_receiver_start;
  DS_RECEIVER_CLASS (klass)->stop = slow_receiver_stop;
}

static void
slow_receiver_init (SlowReceiver *self)
{
  gate_init (&self->stop_was_called);
  gate_init (&self->n_refused);
}

static void
test_graceful_stop_waits_for_a_slow_receiver (void)
{
  g_autoptr (DsStreamingContext) streaming =
      ds_streaming_context_new ("local[2]", "behaviour", 20 * DS_MILLISECOND);
  g_autoptr (SlowReceiver) receiver = g_object_new (SLOW_TYPE_RECEIVER, NULL);
  Flow flow;

  g_test_summary (
      "A receiver sends 14 of its 15 records only after it was asked to stop; "
      "all 15 are processed (no second between them: the order is what counts)");

  flow_init (&flow);
  g_object_set (streaming, "graceful-stop-timeout", 60 * DS_SECOND, NULL);
  ds_dstream_foreach_rdd (ds_streaming_context_receiver_stream (streaming,
                                                                DS_RECEIVER (receiver)),
                          add_up_rdd, &flow, NULL);
  start (streaming);
  gate_await (&flow.n_processed, 1);
  stop (streaming, DS_STOP_GRACEFULLY);

  g_assert_cmpint (gate_get (&receiver->n_refused), ==, 0);
  g_assert_cmpint (gate_get (&flow.n_processed), ==, 15);
  g_assert_cmpint (gate_get (&flow.sum_processed), ==, 120);
  flow_clear (&flow);
}

static void
check_stop_right_after_start (DsClock *clock)
{
  g_autoptr (DsStreamingContext) streaming =
      ds_streaming_context_new ("local[2]", "behaviour", 20 * DS_MILLISECOND);
  gint64 started = g_get_monotonic_time ();

  if (clock != NULL)
    ds_streaming_context_set_clock (streaming, clock);
  ds_dstream_foreach_rdd (ds_streaming_context_queue_stream (streaming),
                          behaviour_ignore_rdd, NULL, NULL);
  start (streaming);
  stop (streaming, DS_STOP_GRACEFULLY);
  assert_state (streaming, DS_STREAMING_STOPPED);
  g_assert_cmpint (g_get_monotonic_time () - started, <, 30 * DS_SECOND);
}

static void
test_graceful_stop_right_after_start (void)
{
  g_autoptr (DsManualClock) clock = ds_manual_clock_new (0);

  g_test_summary (
      "A graceful stop right after the start is soon over, also when the clock "
      "stands still");

  check_stop_right_after_start (DS_CLOCK (clock));
  check_stop_right_after_start (NULL);
}

/* ---- From inside ---- */

typedef struct
{
  DsStopFlags flags;
  gboolean result;
  GError *error;
  guint n_calls;
  gboolean has_returned;
} StopInside;

static void
stop_when_completed (DsStreamingContext *streaming, DsBatch *batch, gpointer user_data)
{
  StopInside *inside = user_data;

  if (inside->n_calls++ > 0)
    return;
  inside->result = ds_streaming_context_stop (streaming, inside->flags, &inside->error);
  inside->has_returned = TRUE;
}

static void
check_stop_from_a_listener (DsStopFlags flags)
{
  StopInside inside = { .flags = flags };
  g_autoptr (GError) error = NULL;
  Fixture fixture;

  fixture_set_up (&fixture, NULL);
  g_signal_connect (fixture.streaming, "batch-completed",
                    G_CALLBACK (stop_when_completed), &inside);
  start (fixture.streaming);
  ds_manual_clock_advance (fixture.clock, DS_SECOND);
  g_assert_true (ds_streaming_context_await_termination (fixture.streaming, &error));
  g_assert_no_error (error);
  assert_state (fixture.streaming, DS_STREAMING_STOPPED);
  /* Whoever waits for the end waits for the handler that asked for it, too. */
  g_assert_true (inside.has_returned);
  fixture_tear_down (&fixture, NULL);

  g_assert_no_error (inside.error);
  g_assert_true (inside.result);
}

static void
test_stop_from_a_listener (void)
{
  g_test_summary (
      "stop called by a listener asks, returns at once and does not dead-lock "
      "(in Spark it is an error)");

  check_stop_from_a_listener (DS_STOP_NOW);
  check_stop_from_a_listener (DS_STOP_GRACEFULLY);
}

#define ADD(name, func) \
  g_test_add ("/behaviour/" name, Fixture, NULL, fixture_set_up, func, fixture_tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("states", test_states);
  ADD ("start-twice", test_start_twice);
  ADD ("stop-twice", test_stop_twice);
  ADD ("stop-before-start", test_stop_before_start);
  ADD ("start-after-stop", test_start_after_stop);
  ADD ("keep-the-engine", test_keep_the_engine);
  ADD ("keep-the-engine/by-setting", test_keep_the_engine_by_setting);
  ADD ("stop-the-engine-later", test_stop_the_engine_later);
  g_test_add_func ("/behaviour/start-failure", test_start_failure);
  g_test_add_func ("/behaviour/start-failure/latched", test_start_failure_of_an_input);
  g_test_add_func ("/behaviour/start-failure/without-a-checkpoint-directory",
                   test_start_failure_without_a_directory);
  ADD ("await-returns-after-stop", test_await_returns_after_stop);
  ADD ("await-raises-a-task-error", test_await_raises_a_task_error);
  ADD ("await-raises-a-generation-error", test_await_raises_a_generation_error);
  g_test_add_func ("/behaviour/graph-is-frozen", test_graph_is_frozen);
  ADD ("one-active-context", test_one_active_context);
  ADD ("getactive", test_getactive);
  g_test_add_func ("/behaviour/graceful-stop-processes-everything",
                   test_graceful_stop_processes_everything);
  g_test_add_func ("/behaviour/graceful-stop-waits-for-a-slow-receiver",
                   test_graceful_stop_waits_for_a_slow_receiver);
  g_test_add_func ("/behaviour/graceful-stop-right-after-start",
                   test_graceful_stop_right_after_start);
  g_test_add_func ("/behaviour/stop-from-a-listener", test_stop_from_a_listener);
  return g_test_run ();
}
