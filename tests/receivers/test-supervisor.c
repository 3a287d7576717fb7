/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The life of a receiver: failures, pauses, ends. */

#include "tests/receivers/ds-test-receivers.h"
#include "tests/receivers/ds-test-recorder.h"

#include "base/ds-error.h"
#include "receivers/ds-poll-threads-private.h"

/* ---- Failing and starting again ---- */

static gboolean
run_fail_three_times (DsReceiver *receiver,
                      GCancellable *cancellable,
                      gpointer data,
                      GError **error)
{
  guint *n_runs = data;

  if (++*n_runs > 3)
    return TRUE;

  g_set_error (error, DS_ERROR, DS_ERROR_NETWORK, "failure %u", *n_runs);
  return FALSE;
}

static void
test_restarts_a_run_that_failed (void)
{
  g_autoptr (DsTestRecorder) recorder = ds_test_recorder_new (1 << 30, TRUE);
  guint n_runs = 0;
  g_autoptr (DsReceiver) receiver = test_run_receiver_new (run_fail_three_times, &n_runs);
  DsReceiverSupervisor *supervisor = ds_test_recorder_supervise (recorder, receiver);

  g_test_summary ("Each failure is reported with when it tries again; TRUE is the end");

  ds_test_assert_start (supervisor);
  ds_test_assert_join (supervisor);
  g_assert_cmpuint (n_runs, ==, 4);
  g_assert_cmpuint (recorder->n_started, ==, 4);
  g_assert_cmpuint (recorder->n_stopped, ==, 1);
  g_assert_no_error (recorder->stop_error);
  g_assert_cmpuint (recorder->errors->len, ==, 3);
  g_assert_cmpstr (g_ptr_array_index (recorder->errors, 0), ==,
                   "failure 1; trying again in 0 ms");
  g_assert_cmpstr (g_ptr_array_index (recorder->errors, 2), ==,
                   "failure 3; trying again in 0 ms");
  g_assert_cmpstr (recorder->location, ==, "TestRunReceiver");
  ds_receiver_supervisor_free (supervisor);
}

static gboolean
start_fail_three_times (DsReceiver *receiver, gpointer data, GError **error)
{
  guint *n_starts = data;

  if (++*n_starts > 3)
    return TRUE;
  if (*n_starts < 3)
    g_set_error (error, DS_ERROR, DS_ERROR_NETWORK, "failure %u", *n_starts);
  return FALSE; /* the third time without an error */
}

static void
test_restarts_a_start_that_failed (void)
{
  g_autoptr (DsTestRecorder) recorder = ds_test_recorder_new (1 << 30, TRUE);
  guint n_starts = 0;
  g_autoptr (DsReceiver) receiver =
      test_poll_receiver_new (start_fail_three_times, NULL, &n_starts);
  DsReceiverSupervisor *supervisor = ds_test_recorder_supervise (recorder, receiver);

  g_test_summary ("A start that fails is tried again, also one that forgot its error");

  ds_test_assert_start (supervisor);
  ds_test_recorder_wait_until (recorder, recorder->n_started == 1);
  g_assert_cmpuint (recorder->errors->len, ==, 3);
  g_assert_cmpstr (
      g_ptr_array_index (recorder->errors, 2), ==,
      "TestPollReceiver failed without setting an error; trying again in 0 ms");
  ds_test_stop_and_free (supervisor);
  g_assert_cmpuint (n_starts, ==, 4);
}

static gboolean
start_and_ask_for_restart (DsReceiver *receiver, gpointer data, GError **error)
{
  guint *n_starts = data;

  if (++*n_starts < 3)
    ds_receiver_restart (receiver,
                         g_error_new (DS_ERROR, DS_ERROR_NETWORK, "lost %u", *n_starts));
  else if (*n_starts == 3)
    ds_receiver_restart (receiver, NULL);
  return TRUE;
}

static void
test_restarts_when_asked (void)
{
  g_autoptr (DsTestRecorder) recorder = ds_test_recorder_new (1 << 30, TRUE);
  guint n_starts = 0;
  g_autoptr (DsReceiver) receiver =
      test_poll_receiver_new (start_and_ask_for_restart, NULL, &n_starts);
  DsReceiverSupervisor *supervisor = ds_test_recorder_supervise (recorder, receiver);

  g_test_summary ("restart stops, pauses and starts again, with and without a reason");

  ds_test_assert_start (supervisor);
  ds_test_recorder_wait_until (recorder, recorder->n_started == 4);
  g_assert_cmpuint (recorder->errors->len, ==, 3);
  g_assert_cmpstr (g_ptr_array_index (recorder->errors, 1), ==,
                   "lost 2; trying again in 0 ms");
  g_assert_cmpstr (g_ptr_array_index (recorder->errors, 2), ==,
                   "The receiver asked for a restart; trying again in 0 ms");
  ds_test_stop_and_free (supervisor);
}

static gboolean
run_fail_always (DsReceiver *receiver,
                 GCancellable *cancellable,
                 gpointer data,
                 GError **error)
{
  g_set_error (error, DS_ERROR, DS_ERROR_NETWORK, "no way");
  return FALSE;
}

static void
test_stop_ends_a_pause (gconstpointer has_thread)
{
  g_autoptr (DsTestRecorder) recorder = ds_test_recorder_new (1 << 30, TRUE);
  guint n_starts = 0;
  g_autoptr (DsReceiver) receiver =
      has_thread ? test_run_receiver_new (run_fail_always, NULL)
                 : test_poll_receiver_new (start_fail_three_times, NULL, &n_starts);
  DsReceiverSettings settings = ds_test_recorder_get_settings (recorder);
  DsReceiverSupervisor *supervisor = NULL;

  g_test_summary ("A receiver in the middle of a long pause stops at once");

  settings.restart_delay = 25 * DS_SECOND;
  supervisor = ds_receiver_supervisor_new (receiver, &settings, &ds_test_recorder_events,
                                           recorder);
  ds_receiver_supervisor_set_seed (supervisor, 1);
  ds_test_assert_start (supervisor);
  ds_test_recorder_wait_until (recorder, recorder->errors->len == 1);
  g_assert_true (ds_receiver_supervisor_is_active (supervisor));
  gint64 before = g_get_monotonic_time ();
  ds_test_stop_and_free (supervisor);
  g_assert_cmpint (g_get_monotonic_time () - before, <, 15 * DS_SECOND);
  g_assert_cmpuint (recorder->errors->len, ==, 1);
  g_assert_cmpuint (recorder->n_stopped, ==, 1);
}

static gboolean
run_until_cancelled (DsReceiver *receiver,
                     GCancellable *cancellable,
                     gpointer data,
                     GError **error)
{
  guint *n_runs = data;

  if (n_runs != NULL && ++*n_runs > 1)
    return TRUE;
  while (ds_receiver_sleep (receiver, DS_HOUR))
    ;
  return !g_cancellable_set_error_if_cancelled (cancellable, error);
}

static void
test_restart_interrupts_a_run (void)
{
  g_autoptr (DsTestRecorder) recorder = ds_test_recorder_new (1 << 30, TRUE);
  guint n_runs = 0;
  g_autoptr (DsReceiver) receiver = test_run_receiver_new (run_until_cancelled, &n_runs);
  DsReceiverSupervisor *supervisor = ds_test_recorder_supervise (recorder, receiver);

  g_test_summary ("restart cancels a run, which is not the end of the receiver");

  ds_test_assert_start (supervisor);
  ds_test_recorder_wait_until (recorder, recorder->n_started == 1);
  ds_receiver_restart (receiver, g_error_new (DS_ERROR, DS_ERROR_FAILED, "once more"));
  ds_test_assert_join (supervisor);
  g_assert_cmpuint (n_runs, ==, 2);
  g_assert_cmpuint (recorder->errors->len, ==, 1);
  g_assert_true (
      g_str_has_prefix (g_ptr_array_index (recorder->errors, 0), "once more;"));
  ds_receiver_supervisor_free (supervisor);
}

/* ---- Ends ---- */

static gboolean
start_and_finish (DsReceiver *receiver, gpointer data, GError **error)
{
  g_assert_true (ds_receiver_store_string (receiver, "last"));
  ds_receiver_finish (receiver, g_error_new (DS_ERROR, DS_ERROR_NOT_FOUND, "all gone"));
  return TRUE;
}

static void
test_finish_is_for_good (void)
{
  g_autoptr (DsTestRecorder) recorder = ds_test_recorder_new (1 << 30, TRUE);
  g_autoptr (DsReceiver) receiver = test_poll_receiver_new (start_and_finish, NULL, NULL);
  DsReceiverSupervisor *supervisor = ds_test_recorder_supervise (recorder, receiver);

  g_test_summary ("finish hands over what was stored, says why, and nothing follows");

  ds_test_assert_start (supervisor);
  ds_test_assert_join (supervisor);
  g_assert_cmpuint (recorder->n_started, ==, 1);
  g_assert_cmpuint (recorder->n_stopped, ==, 1);
  g_assert_error (recorder->stop_error, DS_ERROR, DS_ERROR_NOT_FOUND);
  ds_test_recorder_assert_text (recorder, "last\n");
  ds_receiver_restart (receiver, NULL);
  ds_receiver_finish (receiver, NULL);
  ds_receiver_supervisor_free (supervisor);
  g_assert_cmpuint (recorder->n_started, ==, 1);
}

#define N_SLOW_RECORDS 15

typedef struct
{
  GThread *thread;
  GMutex lock;
  GCond changed;
  gboolean is_asked; /* the stop function was called */
} Slow;

/* Stores one record, then the others only after stop was called. */
static gpointer
store_slowly (gpointer data)
{
  TestPollReceiver *receiver = data;
  Slow *slow = receiver->data;

  for (guint i = 0; i < N_SLOW_RECORDS; i++)
    {
      g_assert_true (ds_receiver_store_string (DS_RECEIVER (receiver), "slow"));
      g_mutex_lock (&slow->lock);
      while (!slow->is_asked)
        g_cond_wait (&slow->changed, &slow->lock);
      g_mutex_unlock (&slow->lock);
    }
  return NULL;
}

static gboolean
start_slow (DsReceiver *receiver, gpointer data, GError **error)
{
  ((Slow *) data)->thread = g_thread_new ("slow", store_slowly, receiver);
  return TRUE;
}

static void
stop_slow (DsReceiver *receiver, gpointer data)
{
  Slow *slow = data;

  g_assert_true (ds_receiver_is_stopping (receiver));
  g_mutex_lock (&slow->lock);
  slow->is_asked = TRUE;
  g_cond_broadcast (&slow->changed);
  g_mutex_unlock (&slow->lock);
  g_thread_join (g_steal_pointer (&slow->thread));
}

static void
test_stop_waits_for_a_slow_receiver (void)
{
  g_autoptr (DsTestRecorder) recorder = ds_test_recorder_new (1 << 30, TRUE);
  Slow slow = { 0 };
  g_autoptr (DsReceiver) receiver = test_poll_receiver_new (start_slow, stop_slow, &slow);
  DsReceiverSupervisor *supervisor = ds_test_recorder_supervise (recorder, receiver);

  g_test_summary ("What is stored until the stop function returns is handed over");

  g_mutex_init (&slow.lock);
  g_cond_init (&slow.changed);
  ds_test_assert_start (supervisor);
  ds_test_recorder_wait_until (recorder, recorder->n_started == 1);
  ds_receiver_supervisor_stop_async (supervisor);
  ds_test_assert_join (supervisor);
  g_assert_cmpuint (recorder->n_records, ==, N_SLOW_RECORDS);
  g_assert_cmpuint (recorder->n_stopped, ==, 1);
  g_assert_false (ds_receiver_store_string (receiver, "too late"));
  ds_receiver_supervisor_free (supervisor);
  g_mutex_clear (&slow.lock);
  g_cond_clear (&slow.changed);
}

static void
test_stop_right_after_start (gconstpointer has_thread)
{
  g_test_summary ("Stopping at once is safe, whether it has begun or not");

  for (guint i = 0; i < 200; i++)
    {
      g_autoptr (DsTestRecorder) recorder = ds_test_recorder_new (1 << 30, TRUE);
      g_autoptr (DsReceiver) receiver =
          has_thread ? test_run_receiver_new (run_until_cancelled, NULL)
                     : test_poll_receiver_new (NULL, NULL, NULL);
      DsReceiverSupervisor *supervisor = ds_test_recorder_supervise (recorder, receiver);

      ds_test_assert_start (supervisor);
      g_assert_true (ds_receiver_supervisor_is_active (supervisor));
      ds_test_stop_and_free (supervisor);
      g_assert_cmpuint (recorder->n_stopped, ==, 1);
      g_assert_no_error (recorder->stop_error);
      g_assert_cmpuint (recorder->errors->len, ==, 0);
    }
  g_assert_cmpuint (ds_poll_threads_get_n_running (), ==, 0);
}

static void
test_stop_before_start (void)
{
  g_autoptr (DsTestRecorder) recorder = ds_test_recorder_new (1 << 30, TRUE);
  g_autoptr (DsReceiver) receiver = test_run_receiver_new (run_until_cancelled, NULL);
  DsReceiverSupervisor *supervisor = ds_test_recorder_supervise (recorder, receiver);
  g_autoptr (GError) error = NULL;

  g_test_summary ("What was stopped before it was started cannot be started");

  ds_receiver_supervisor_stop_async (supervisor);
  ds_test_assert_join (supervisor);
  g_assert_false (ds_receiver_supervisor_start (supervisor, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_STATE);
  ds_receiver_supervisor_free (supervisor);
  g_assert_cmpuint (recorder->n_started + recorder->n_stopped, ==, 0);
}

static void
test_start_checks_the_receiver (void)
{
  g_autoptr (DsTestRecorder) recorder = ds_test_recorder_new (1 << 30, TRUE);
  g_autoptr (DsReceiver) receiver = test_run_receiver_new (run_until_cancelled, NULL);
  g_autoptr (DsReceiver) empty = g_object_new (test_empty_receiver_get_type (), NULL);
  DsReceiverSupervisor *first = ds_test_recorder_supervise (recorder, receiver);
  DsReceiverSupervisor *second = ds_test_recorder_supervise (recorder, receiver);
  DsReceiverSupervisor *third = ds_test_recorder_supervise (recorder, empty);
  g_autoptr (GError) shared = NULL;
  g_autoptr (GError) twice = NULL;
  g_autoptr (GError) nothing = NULL;

  g_test_summary (
      "A shared receiver, a second start and a type without run or start fail");

  ds_test_assert_start (first);
  g_assert_false (ds_receiver_supervisor_start (first, &twice));
  g_assert_error (twice, DS_ERROR, DS_ERROR_INVALID_STATE);
  g_assert_false (ds_receiver_supervisor_start (second, &shared));
  g_assert_error (shared, DS_ERROR, DS_ERROR_INVALID_STATE);
  g_assert_nonnull (strstr (shared->message, "already serves stream 0"));
  g_assert_false (ds_receiver_supervisor_start (third, &nothing));
  g_assert_error (nothing, DS_ERROR, DS_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (nothing->message, "TestEmptyReceiver overrides neither"));
  ds_test_stop_and_free (first);
  ds_test_stop_and_free (second);
  ds_test_stop_and_free (third);
}

typedef struct
{
  GMutex lock;
  GCond changed;
  gboolean is_running;
  gboolean may_end;
  guint n_ended;
} Hang;

/* Deaf to the cancellable. */
static gboolean
run_hang (DsReceiver *receiver, GCancellable *cancellable, gpointer data, GError **error)
{
  Hang *hang = data;

  g_mutex_lock (&hang->lock);
  hang->is_running = TRUE;
  g_cond_broadcast (&hang->changed);
  while (!hang->may_end)
    g_cond_wait (&hang->changed, &hang->lock);
  g_mutex_unlock (&hang->lock);
  ds_receiver_store_string (receiver, "into the void");
  return TRUE;
}

static void
on_hung_receiver_gone (gpointer data, GObject *receiver)
{
  Hang *hang = data;

  g_mutex_lock (&hang->lock);
  hang->n_ended++;
  g_cond_broadcast (&hang->changed);
  g_mutex_unlock (&hang->lock);
}

static void
test_a_hanging_receiver_is_left_behind (void)
{
  DsTestRecorder *recorder = ds_test_recorder_new (1 << 30, TRUE);
  Hang hang = { 0 };
  DsReceiver *receiver = test_run_receiver_new (run_hang, &hang);
  DsReceiverSupervisor *supervisor = ds_test_recorder_supervise (recorder, receiver);

  g_test_summary (
      "join keeps its deadline; a freed supervisor is silent, and its receiver "
      "goes when it ends after all");

  g_mutex_init (&hang.lock);
  g_cond_init (&hang.changed);
  g_object_weak_ref (G_OBJECT (receiver), on_hung_receiver_gone, &hang);
  g_object_unref (receiver);

  ds_test_assert_start (supervisor);
  g_mutex_lock (&hang.lock);
  while (!hang.is_running)
    g_cond_wait (&hang.changed, &hang.lock);
  g_mutex_unlock (&hang.lock);
  ds_receiver_supervisor_stop_async (supervisor);
  g_assert_false (ds_receiver_supervisor_join (supervisor, g_get_monotonic_time () +
                                                               10 * DS_MILLISECOND));
  g_assert_true (ds_receiver_supervisor_is_active (supervisor));
  ds_receiver_supervisor_free (supervisor);
  g_assert_cmpuint (recorder->n_stopped, ==, 0);
  ds_test_recorder_free (recorder);

  g_mutex_lock (&hang.lock);
  hang.may_end = TRUE;
  g_cond_broadcast (&hang.changed);
  while (hang.n_ended == 0)
    g_cond_wait (&hang.changed, &hang.lock);
  g_mutex_unlock (&hang.lock);
  g_mutex_clear (&hang.lock);
  g_cond_clear (&hang.changed);
}

/* ---- Ticks and numbers ---- */

static gboolean
start_store_one (DsReceiver *receiver, gpointer data, GError **error)
{
  return ds_receiver_store_string (receiver, "one");
}

static void
test_cut_hands_over_at_once (void)
{
  g_autoptr (DsTestRecorder) recorder = ds_test_recorder_new (1 << 30, TRUE);
  g_autoptr (DsReceiver) receiver = test_poll_receiver_new (start_store_one, NULL, NULL);
  DsReceiverSupervisor *supervisor = ds_test_recorder_supervise (recorder, receiver);

  g_test_summary ("After a cut everything stored before it is there, in the same thread");

  ds_test_assert_start (supervisor);
  ds_test_recorder_wait_until (recorder, recorder->n_started == 1);
  g_assert_cmpuint (recorder->n_records, ==, 0);
  ds_receiver_supervisor_cut (supervisor);
  g_assert_cmpuint (recorder->n_records, ==, 1);
  g_assert_true (ds_receiver_store_string (receiver, "two"));
  ds_receiver_supervisor_cut (supervisor);
  ds_test_recorder_assert_text (recorder, "one\ntwo\n");
  ds_test_stop_and_free (supervisor);
}

static void
test_many_receivers_share_two_threads (void)
{
  const guint n_receivers = 2000;
  g_autoptr (DsTestRecorder) recorder = ds_test_recorder_new (1 << 30, TRUE);
  g_autoptr (GPtrArray) supervisors = g_ptr_array_new ();

  g_test_summary ("2,000 receivers start and stop without threads of their own");

  for (guint i = 0; i < n_receivers; i++)
    {
      g_autoptr (DsReceiver) receiver =
          test_poll_receiver_new (start_store_one, NULL, NULL);
      DsReceiverSupervisor *supervisor = ds_test_recorder_supervise (recorder, receiver);

      ds_test_assert_start (supervisor);
      g_ptr_array_add (supervisors, supervisor);
    }
  g_assert_cmpuint (ds_poll_threads_get_n_running (), ==, 2);
  ds_test_recorder_wait_until (recorder, recorder->n_started == n_receivers);
  for (guint i = 0; i < n_receivers; i++)
    ds_receiver_supervisor_stop_async (g_ptr_array_index (supervisors, i));
  for (guint i = 0; i < n_receivers; i++)
    {
      ds_test_assert_join (g_ptr_array_index (supervisors, i));
      ds_receiver_supervisor_free (g_ptr_array_index (supervisors, i));
    }
  g_assert_cmpuint (recorder->n_stopped, ==, n_receivers);
  g_assert_cmpuint (recorder->n_records, ==, n_receivers);
  g_assert_cmpuint (ds_poll_threads_get_n_running (), ==, 0);
}

static void
store_at_the_end (DsReceiver *receiver, gpointer unused)
{
  g_assert_true (ds_receiver_store_string (receiver, "the rest"));
}

static void
test_stop_function_stores_without_room (void)
{
  g_autoptr (DsTestRecorder) recorder = ds_test_recorder_new (1, FALSE);
  g_autoptr (DsReceiver) receiver = test_poll_receiver_new (NULL, store_at_the_end, NULL);
  DsReceiverSupervisor *supervisor = ds_test_recorder_supervise (recorder, receiver);

  g_test_summary (
      "What a stop function stores is taken even when there is no room for it");

  ds_test_assert_start (supervisor);
  ds_test_recorder_wait_until (recorder, recorder->n_started == 1);
  g_assert_true (ds_receiver_store_string (receiver, "first"));
  ds_receiver_supervisor_cut (supervisor);
  g_assert_false (ds_memory_budget_has_room (recorder->budget));
  ds_receiver_supervisor_stop_async (supervisor);
  ds_test_assert_join (supervisor);
  ds_test_recorder_assert_text (recorder, "first\nthe rest\n");
  ds_memory_budget_release (recorder->budget, recorder->n_bytes);
  ds_receiver_supervisor_free (supervisor);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add_func ("/receivers/supervisor/" name, func)
  ADD ("restarts-a-run-that-failed", test_restarts_a_run_that_failed);
  ADD ("restarts-a-start-that-failed", test_restarts_a_start_that_failed);
  ADD ("restarts-when-asked", test_restarts_when_asked);
  ADD ("restart-interrupts-a-run", test_restart_interrupts_a_run);
  g_test_add_data_func ("/receivers/supervisor/stop-ends-a-pause/thread",
                        GINT_TO_POINTER (TRUE), test_stop_ends_a_pause);
  g_test_add_data_func ("/receivers/supervisor/stop-ends-a-pause/context", NULL,
                        test_stop_ends_a_pause);
  ADD ("finish-is-for-good", test_finish_is_for_good);
  ADD ("stop-waits-for-a-slow-receiver", test_stop_waits_for_a_slow_receiver);
  g_test_add_data_func ("/receivers/supervisor/stop-right-after-start/thread",
                        GINT_TO_POINTER (TRUE), test_stop_right_after_start);
  g_test_add_data_func ("/receivers/supervisor/stop-right-after-start/context", NULL,
                        test_stop_right_after_start);
  ADD ("stop-before-start", test_stop_before_start);
  ADD ("start-checks-the-receiver", test_start_checks_the_receiver);
  ADD ("a-hanging-receiver-is-left-behind", test_a_hanging_receiver_is_left_behind);
  ADD ("cut-hands-over-at-once", test_cut_hands_over_at_once);
  ADD ("many-receivers-share-two-threads", test_many_receivers_share_two_threads);
#undef ADD
  g_test_add_func ("/receivers/supervisor/stop-function-stores-without-room",
                   test_stop_function_stores_without_room);
  return g_test_run ();
}
