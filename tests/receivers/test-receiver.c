/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a receiver may do: the store functions and their fellows. */

#include "tests/receivers/ds-test-receivers.h"
#include "tests/receivers/ds-test-recorder.h"

#include "base/ds-error.h"

static gboolean
run_store_everything (DsReceiver *receiver,
                      GCancellable *cancellable,
                      gpointer data,
                      GError **error)
{
  g_autoptr (GBytes) bytes = g_bytes_new ("\0\1\377", 3);
  g_autoptr (GBytes) text = g_bytes_new ("one\r\n\ntwo\nlast", 14);
  g_autoptr (GBytes) nothing = g_bytes_new (NULL, 0);
  g_autoptr (DsBlock) block = ds_block_new_ints (1, 2);

  g_assert_true (ds_receiver_store (receiver, ds_value_double (1.5)));
  g_assert_true (ds_receiver_store_string (receiver, "string"));
  g_assert_true (ds_receiver_store_bytes (receiver, bytes));
  g_assert_true (ds_receiver_store_block (receiver, block, 0, error));
  g_assert_true (ds_receiver_store_text (receiver, text, 0, error));
  g_assert_true (ds_receiver_store_text (receiver, nothing, 0, error));
  g_assert_true (ds_receiver_store_string (receiver, ""));
  return TRUE;
}

static void
test_stores_in_every_form (void)
{
  g_autoptr (DsTestRecorder) recorder = ds_test_recorder_new (1 << 30, TRUE);
  g_autoptr (DsReceiver) receiver = test_run_receiver_new (run_store_everything, NULL);
  DsReceiverSupervisor *supervisor = ds_test_recorder_supervise (recorder, receiver);

  g_test_summary (
      "Values, strings, bytes, blocks and text arrive in the order of storing");

  ds_test_assert_start (supervisor);
  ds_test_assert_join (supervisor);
  g_assert_no_error (recorder->stop_error);
  g_assert_cmpuint (recorder->errors->len, ==, 0);
  ds_test_recorder_assert_text (recorder,
                                "1.5\nstring\n0x0001ff\n1\n2\none\n\ntwo\nlast\n\n");
  g_assert_cmpint (ds_receiver_supervisor_get_n_records (supervisor), ==, 10);
  g_assert_cmpuint (recorder->n_records, ==, 10);
  ds_receiver_supervisor_free (supervisor);
}

static void
await_acknowledged (DsReceiver *receiver, guint64 token)
{
  TestRunReceiver *self = (TestRunReceiver *) receiver;
  gint64 deadline = g_get_monotonic_time () + DS_TEST_PATIENCE;

  while (__atomic_load_n (&self->acknowledged, __ATOMIC_SEQ_CST) != token)
    {
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      g_thread_yield ();
    }
}

static gboolean
run_store_blocks (DsReceiver *receiver,
                  GCancellable *cancellable,
                  gpointer data,
                  GError **error)
{
  g_autoptr (DsBlock) block = ds_block_new_ints (1, 2, 3);
  g_autoptr (GBytes) text = g_bytes_new ("a\n", 2);

  g_assert_true (ds_receiver_store_block (receiver, block, 7, error));
  await_acknowledged (receiver, 7);
  g_assert_true (ds_receiver_store_text (receiver, text, 9, error));
  await_acknowledged (receiver, 9);
  g_assert_true (ds_receiver_store_text (receiver, text, 0, error));
  return TRUE;
}

static void
test_acknowledges_tokens (void)
{
  g_autoptr (DsTestRecorder) recorder = ds_test_recorder_new (1 << 30, TRUE);
  g_autoptr (DsReceiver) receiver = test_run_receiver_new (run_store_blocks, NULL);
  DsReceiverSupervisor *supervisor = ds_test_recorder_supervise (recorder, receiver);

  g_test_summary (
      "A token is acknowledged when its block was taken over by an owner that "
      "says no more; 0 is none");

  ds_test_assert_start (supervisor);
  ds_test_assert_join (supervisor);
  g_assert_cmpuint (recorder->n_records, ==, 5);
  await_acknowledged (receiver, 9);
  ds_receiver_supervisor_free (supervisor);
}

static gboolean
start_store_block (DsReceiver *receiver, gpointer data, GError **error)
{
  g_autoptr (DsBlock) block = ds_block_new_ints (1, 2, 3);

  return ds_receiver_store_block (receiver, block, 5, error);
}

static void
test_acknowledges_on_the_receivers_thread (void)
{
  g_autoptr (DsTestRecorder) recorder = ds_test_recorder_new (1 << 30, TRUE);
  g_autoptr (DsReceiver) receiver =
      test_poll_receiver_new (start_store_block, NULL, NULL);
  DsReceiverSupervisor *supervisor = ds_test_recorder_supervise (recorder, receiver);

  g_test_summary ("A receiver on a main context gets its acknowledgement there");

  ds_test_assert_start (supervisor);
  ds_test_recorder_wait_until (recorder, recorder->n_started == 1);
  /* The stop comes behind the acknowledgement on the same thread. */
  ds_receiver_supervisor_stop_async (supervisor);
  ds_test_assert_join (supervisor);
  g_assert_cmpuint (__atomic_load_n (&((TestPollReceiver *) receiver)->acknowledged,
                                     __ATOMIC_SEQ_CST),
                    ==, 5);
  ds_receiver_supervisor_free (supervisor);
}

static void
stop_store_blocks (DsReceiver *receiver, gpointer data)
{
  g_autoptr (DsBlock) block = ds_block_new_ints (1, 2, 3);
  g_autoptr (GError) error = NULL;

  for (guint64 token = 6; token <= 8; token++)
    ds_receiver_store_block (receiver, block, token, &error);
  g_assert_no_error (error);
}

typedef struct
{
  DsTestRecorder *recorder;
  TestPollReceiver *receiver;
  guint64 acknowledged; /* when it had stopped */
} AtTheEnd;

static gboolean
record_block (gpointer owner,
              DsBlock *block,
              gsize n_records,
              gsize n_bytes,
              GError **error)
{
  AtTheEnd *self = owner;

  return ds_test_recorder_add_block (self->recorder, block, n_records, n_bytes, error);
}

static void
record_start (gpointer owner, const char *location)
{
  AtTheEnd *self = owner;

  ds_test_recorder_started (self->recorder, location);
}

static void
note_acknowledged (gpointer owner, const GError *error)
{
  AtTheEnd *self = owner;

  self->acknowledged = __atomic_load_n (&self->receiver->acknowledged, __ATOMIC_SEQ_CST);
}

static void
test_acknowledges_nothing_after_the_end (void)
{
  g_autoptr (DsTestRecorder) recorder = ds_test_recorder_new (1 << 30, TRUE);
  g_autoptr (DsReceiver) receiver =
      test_poll_receiver_new (NULL, stop_store_blocks, NULL);
  AtTheEnd at_the_end = { recorder, (TestPollReceiver *) receiver, 0 };
  const DsReceiverEvents events = { .add_block = record_block,
                                    .started = record_start,
                                    .stopped = note_acknowledged };
  DsReceiverSettings settings = ds_test_recorder_get_settings (recorder);
  DsReceiverSupervisor *supervisor =
      ds_receiver_supervisor_new (receiver, &settings, &events, &at_the_end);

  g_test_summary ("What the stop function stores is acknowledged before the receiver has "
                  "stopped, and nothing is after that");

  ds_test_assert_start (supervisor);
  ds_test_recorder_wait_until (recorder, recorder->n_started == 1);
  ds_test_stop_and_free (supervisor);
  g_assert_cmpuint (recorder->n_records, ==, 9);
  g_assert_cmpuint (at_the_end.acknowledged, ==, 8);
}

static gboolean
run_refused (DsReceiver *receiver,
             GCancellable *cancellable,
             gpointer data,
             GError **error)
{
  g_autoptr (DsBlock) block = ds_block_new_ints (1);
  g_autoptr (GError) local_error = NULL;

  g_assert_false (ds_receiver_store_block (receiver, block, 3, &local_error));
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
  g_assert_cmpuint (((TestRunReceiver *) receiver)->acknowledged, ==, 0);

  g_assert_true (ds_receiver_store_string (receiver, "lost"));
  return TRUE;
}

static void
test_reports_what_is_lost (void)
{
  g_autoptr (DsTestRecorder) recorder = ds_test_recorder_new (1 << 30, TRUE);
  g_autoptr (DsReceiver) receiver = test_run_receiver_new (run_refused, NULL);
  DsReceiverSupervisor *supervisor = ds_test_recorder_supervise (recorder, receiver);

  g_test_summary ("A refused block fails its store; records that nobody waits for are "
                  "counted and reported");

  recorder->refuses = TRUE;
  ds_test_assert_start (supervisor);
  ds_test_assert_join (supervisor);
  g_assert_cmpint (ds_receiver_supervisor_get_n_records (supervisor), ==, 0);
  g_assert_cmpint (ds_receiver_supervisor_get_n_dropped (supervisor), ==, 1);
  g_assert_cmpuint (recorder->errors->len, ==, 1);
  g_assert_cmpstr (g_ptr_array_index (recorder->errors, 0), ==,
                   "A block of 1 records was lost: no room in the test");
  g_assert_cmpuint (ds_memory_budget_get_n_bytes (recorder->budget), ==, 0);
  ds_receiver_supervisor_free (supervisor);
}

#define N_THREADS 4
#define N_PER_THREAD 2500

static gpointer
store_many (gpointer data)
{
  for (guint i = 0; i < N_PER_THREAD; i++)
    g_assert_true (ds_receiver_store_string (data, "record"));
  return NULL;
}

static gboolean
run_threads (DsReceiver *receiver,
             GCancellable *cancellable,
             gpointer data,
             GError **error)
{
  GThread *threads[N_THREADS];

  for (guint i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("storer", store_many, receiver);
  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
  return TRUE;
}

static void
test_multi_thread_receiver (void)
{
  g_autoptr (DsTestRecorder) recorder = ds_test_recorder_new (1 << 30, TRUE);
  g_autoptr (DsReceiver) receiver = test_run_receiver_new (run_threads, NULL);
  DsReceiverSettings settings = ds_test_recorder_get_settings (recorder);
  DsReceiverSupervisor *supervisor = NULL;

  g_test_summary ("4 threads store 2,500 records each and none is lost");

  settings.block_interval = 100;
  settings.max_block_bytes = 4096;
  supervisor = ds_receiver_supervisor_new (receiver, &settings, &ds_test_recorder_events,
                                           recorder);
  ds_test_assert_start (supervisor);
  ds_test_assert_join (supervisor);
  g_assert_cmpint (ds_receiver_supervisor_get_n_records (supervisor), ==, 10000);
  g_assert_cmpuint (recorder->n_records, ==, 10000);
  ds_receiver_supervisor_free (supervisor);
}

static gboolean
run_count (DsReceiver *receiver, GCancellable *cancellable, gpointer data, GError **error)
{
  gint64 *n_stored = data;
  g_autofree char *kilobyte = g_strnfill (1000, 'x');

  while (ds_receiver_store_string (receiver, kilobyte))
    ++*n_stored;
  g_assert_true (ds_receiver_is_stopping (receiver));
  g_assert_false (ds_receiver_store_string (receiver, "late"));
  return TRUE;
}

static void
test_waits_for_room (void)
{
  g_autoptr (DsTestRecorder) recorder = ds_test_recorder_new (1 << 20, FALSE);
  gint64 n_stored = 0;
  g_autoptr (DsReceiver) receiver = test_run_receiver_new (run_count, &n_stored);
  DsReceiverSettings settings = ds_test_recorder_get_settings (recorder);
  DsReceiverSupervisor *supervisor = NULL;

  g_test_summary (
      "A receiver that stores without pause is held back by the budget, goes on "
      "as memory comes free, and loses nothing when it is stopped");

  settings.max_block_bytes = 64 << 10;
  supervisor = ds_receiver_supervisor_new (receiver, &settings, &ds_test_recorder_events,
                                           recorder);
  ds_test_assert_start (supervisor);
  for (guint round = 0; round < 20; round++)
    {
      gsize n_bytes = 0;

      ds_test_recorder_wait_until (recorder, recorder->n_bytes >= 1 << 20);
      g_mutex_lock (&recorder->lock);
      n_bytes = recorder->n_bytes;
      recorder->n_bytes = 0;
      g_mutex_unlock (&recorder->lock);
      ds_memory_budget_release (recorder->budget, n_bytes);
    }
  ds_receiver_supervisor_stop_async (supervisor);
  ds_test_assert_join (supervisor);
  g_assert_cmpint (ds_receiver_supervisor_get_n_records (supervisor), ==, n_stored);
  g_assert_cmpint (n_stored, >, 1000);
  /* One block beyond the limit, with what its memory is rounded up to. */
  g_assert_cmpuint (ds_memory_budget_get_peak_bytes (recorder->budget), <=,
                    (1 << 20) + (2 << 20));
  ds_memory_budget_release (recorder->budget, recorder->n_bytes);
  ds_receiver_supervisor_free (supervisor);
}

static gboolean
run_sleep (DsReceiver *receiver, GCancellable *cancellable, gpointer data, GError **error)
{
  g_assert_true (ds_receiver_store_string (receiver, "asleep"));
  ds_receiver_supervisor_cut (ds_receiver_get_supervisor (receiver));
  g_assert_true (ds_receiver_sleep (receiver, DS_HOUR));
  g_assert_true (ds_receiver_sleep (receiver, 0));
  g_assert_true (ds_receiver_store_string (receiver, "awake"));
  ds_receiver_supervisor_cut (ds_receiver_get_supervisor (receiver));
  g_assert_false (ds_receiver_sleep (receiver, DS_DAY));
  g_assert_true (g_cancellable_is_cancelled (cancellable));
  g_assert_false (ds_receiver_sleep (receiver, 0));
  return FALSE;
}

static void
test_sleeps_on_the_clock (void)
{
  g_autoptr (DsTestRecorder) recorder = ds_test_recorder_new (1 << 30, TRUE);
  g_autoptr (DsManualClock) clock = ds_manual_clock_new (0);
  g_autoptr (DsReceiver) receiver = test_run_receiver_new (run_sleep, NULL);
  DsReceiverSettings settings = ds_test_recorder_get_settings (recorder);
  DsReceiverSupervisor *supervisor = NULL;

  g_test_summary (
      "Sleep follows the clock and ends at once when the receiver is to stop");

  settings.clock = DS_CLOCK (clock);
  supervisor = ds_receiver_supervisor_new (receiver, &settings, &ds_test_recorder_events,
                                           recorder);
  ds_test_assert_start (supervisor);
  ds_test_recorder_wait_until (recorder, recorder->n_records == 1);
  /* It may not sleep yet, so the hour is told in steps. */
  for (guint i = 0; i < 1000000; i++)
    {
      ds_manual_clock_advance (clock, DS_HOUR);
      g_mutex_lock (&recorder->lock);
      gsize n_records = recorder->n_records;
      g_mutex_unlock (&recorder->lock);
      if (n_records == 2)
        break;
      g_thread_yield ();
    }
  ds_test_recorder_wait_until (recorder, recorder->n_records == 2);
  ds_test_stop_and_free (supervisor);
  /* "FALSE" of a receiver that was told to stop is no failure. */
  g_assert_cmpuint (recorder->errors->len, ==, 0);
  g_assert_no_error (recorder->stop_error);
  g_assert_cmpuint (recorder->n_stopped, ==, 1);
}

static gboolean
run_report (DsReceiver *receiver,
            GCancellable *cancellable,
            gpointer data,
            GError **error)
{
  g_autoptr (GError) report =
      g_error_new_literal (DS_ERROR, DS_ERROR_FAILED, "half of it was missing");

  ds_receiver_report_error (receiver, report);
  g_assert_cmpuint (ds_receiver_get_stream_id (receiver), ==, 42);
  return TRUE;
}

static void
test_reports_and_goes_on (void)
{
  g_autoptr (DsTestRecorder) recorder = ds_test_recorder_new (1 << 30, TRUE);
  g_autoptr (DsReceiver) receiver = test_run_receiver_new (run_report, NULL);
  DsReceiverSettings settings = ds_test_recorder_get_settings (recorder);
  DsReceiverSupervisor *supervisor = NULL;

  g_test_summary ("report_error tells the listeners and nothing else");

  g_assert_cmpuint (ds_receiver_get_stream_id (receiver), ==, G_MAXUINT);
  g_assert_true (ds_receiver_is_stopping (receiver));
  settings.stream_id = 42;
  supervisor = ds_receiver_supervisor_new (receiver, &settings, &ds_test_recorder_events,
                                           recorder);
  ds_test_assert_start (supervisor);
  ds_test_assert_join (supervisor);
  g_assert_cmpuint (recorder->errors->len, ==, 1);
  g_assert_cmpstr (g_ptr_array_index (recorder->errors, 0), ==, "half of it was missing");
  g_assert_cmpuint (recorder->n_started, ==, 1);
  g_assert_cmpuint (recorder->n_stopped, ==, 1);
  g_assert_no_error (recorder->stop_error);
  ds_receiver_supervisor_free (supervisor);
}

static void
test_storing_without_a_stream_is_a_mistake (void)
{
  g_test_summary ("A receiver that no started stream has stores nothing, and says so");

  if (g_test_subprocess ())
    {
      g_autoptr (DsReceiver) receiver = test_run_receiver_new (run_count, NULL);

      ds_receiver_store_string (receiver, "nowhere");
      return;
    }
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr ("*TestRunReceiver belongs to no started stream*");
}

static void
test_storing_before_start_is_a_mistake (void)
{
  g_test_summary ("So does one whose stream was not started yet");

  if (g_test_subprocess ())
    {
      DsTestRecorder *recorder = ds_test_recorder_new (1 << 30, TRUE);
      DsReceiver *receiver = test_run_receiver_new (run_count, NULL);

      ds_test_recorder_supervise (recorder, receiver);
      ds_receiver_store_string (receiver, "too early");
      return;
    }
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr ("*stores before the stream was started*");
}

static void
test_lives_as_long_as_it_is_used (void)
{
  DsTestRecorder *recorder = ds_test_recorder_new (1 << 30, TRUE);
  gint64 n_stored = 0;
  DsReceiver *receiver = test_run_receiver_new (run_count, &n_stored);
  DsReceiverSupervisor *supervisor = ds_test_recorder_supervise (recorder, receiver);

  g_test_summary (
      "Receiver and supervisor hold each other no longer than the stream lives");

  ds_test_assert_start (supervisor);
  ds_test_stop_and_free (supervisor);
  ds_test_recorder_free (recorder);
  g_assert_false (ds_receiver_store_string (receiver, "too late"));
  g_assert_finalize_object (receiver);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add_func ("/receivers/receiver/" name, func)
  ADD ("stores-in-every-form", test_stores_in_every_form);
  ADD ("acknowledges-tokens", test_acknowledges_tokens);
  ADD ("acknowledges-on-the-receivers-thread", test_acknowledges_on_the_receivers_thread);
  ADD ("acknowledges-nothing-after-the-end", test_acknowledges_nothing_after_the_end);
  ADD ("reports-what-is-lost", test_reports_what_is_lost);
  ADD ("multi-thread-receiver", test_multi_thread_receiver);
  ADD ("waits-for-room", test_waits_for_room);
  ADD ("sleeps-on-the-clock", test_sleeps_on_the_clock);
  ADD ("reports-and-goes-on", test_reports_and_goes_on);
  ADD ("storing-without-a-stream-is-a-mistake",
       test_storing_without_a_stream_is_a_mistake);
  ADD ("storing-before-start-is-a-mistake", test_storing_before_start_is_a_mistake);
  ADD ("lives-as-long-as-it-is-used", test_lives_as_long_as_it_is_used);
#undef ADD
  return g_test_run ();
}
