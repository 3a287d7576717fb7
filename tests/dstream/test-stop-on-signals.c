/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/dstream/ds-test-stream.h"

#include <signal.h>
#include <unistd.h>

/* The programs that are sent signals run in processes of their own. */

static gboolean
run_and_tell (DsRdd *rdd, DsBatch *batch, gpointer gate, GError **error)
{
  gint64 n = ds_rdd_count (rdd, error);

  ds_test_gate_add (gate, n);
  return n >= 0;
}

static void
program_stops_gracefully (void)
{
  DsTestStream test;
  DsTestGate processed = { 0 };
  DsDStream *stream;
  g_autofree char *report = NULL;
  g_autoptr (GError) error = NULL;

  ds_test_stream_set_up (&test, "local");
  ds_streaming_context_stop_on_signals (test.ssc);
  ds_streaming_context_stop_on_signals (test.ssc); /* a second call changes nothing */
  stream = ds_streaming_context_queue_stream (test.ssc);
  ds_dstream_foreach_rdd (stream, run_and_tell, &processed, NULL);
  ds_test_stream_push (stream, "a", "b", "c", NULL);
  ds_test_stream_start (&test);
  kill (getpid (), SIGTERM);
  ds_streaming_context_await_termination (test.ssc, &error);
  g_assert_no_error (error);
  report = ds_streaming_context_get_stop_report (test.ssc);
  g_print ("%s\n", report);
  ds_test_stream_tear_down (&test);
}

static void
test_first_signal_stops_gracefully (void)
{
  g_test_summary ("SIGTERM processes what was received, and lets await return");

  if (g_test_subprocess ())
    {
      program_stops_gracefully ();
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stdout ("*received 3, processed 3, left 0*");
}

typedef struct
{
  DsTestGate entered;
  GCancellable *let_go;
} Body;

static gboolean
stay (DsRdd *rdd, DsBatch *batch, gpointer user_data, GError **error)
{
  Body *body = user_data;

  ds_test_gate_add (&body->entered, 1);
  while (!g_cancellable_is_cancelled (body->let_go))
    g_thread_yield ();
  return TRUE;
}

static void
program_is_stuck (void)
{
  DsTestStream test;
  Body body = { .let_go = g_cancellable_new () };
  g_autoptr (GError) error = NULL;

  ds_test_stream_set_up (&test, "local");
  g_object_set (test.ssc, "graceful-stop-timeout", DS_HOUR, NULL);
  ds_streaming_context_stop_on_signals (test.ssc);
  ds_dstream_foreach_rdd (ds_streaming_context_queue_stream (test.ssc), stay, &body,
                          NULL);
  ds_test_stream_start (&test);
  ds_manual_clock_advance (test.clock, DS_SECOND);
  ds_test_gate_await (&body.entered, 1);
  kill (getpid (), SIGINT);
  kill (getpid (), SIGTERM);
  ds_streaming_context_await_termination (test.ssc, &error);
  g_assert_no_error (error);
  g_print ("stopped at once\n");
  g_cancellable_cancel (body.let_go);
  ds_test_stream_tear_down (&test);
  g_object_unref (body.let_go);
}

static void
test_second_signal_stops_at_once (void)
{
  g_test_summary ("A second signal ends a graceful stop that would take an hour");

  if (g_test_subprocess ())
    {
      program_is_stuck ();
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stdout ("*stopped at once*");
  g_test_trap_assert_stderr ("*A second signal came: *stops at once*");
}

static void
program_after_stop (void)
{
  DsTestStream test;
  g_autoptr (GError) error = NULL;

  ds_test_stream_set_up (&test, "local");
  ds_streaming_context_stop_on_signals (test.ssc);
  ds_dstream_collect (ds_streaming_context_queue_stream (test.ssc));
  ds_test_stream_start (&test);
  ds_streaming_context_stop (test.ssc, DS_STOP_NOW, &error);
  g_assert_no_error (error);
  ds_test_stream_tear_down (&test);
  kill (getpid (), SIGTERM); /* as it would end any program */
  g_assert_not_reached ();
}

static void
test_handlers_go_with_the_stop (void)
{
  g_test_summary ("After the stop a signal does what it does by default");

  if (g_test_subprocess ())
    {
      program_after_stop ();
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr_unmatched ("*should not be reached*");
}

static void
test_needs_no_start (void)
{
  DsTestStream test;

  g_test_summary ("A context that is never started gives the handlers up when it goes");

  ds_test_stream_set_up (&test, "local");
  ds_streaming_context_stop_on_signals (test.ssc);
  ds_test_stream_tear_down (&test);
}

static void
program_never_runs (void)
{
  DsTestStream test;
  g_autoptr (GError) error = NULL;

  ds_test_stream_set_up (&test, "local");
  ds_streaming_context_stop_on_signals (test.ssc);
  g_assert_false (ds_streaming_context_start (test.ssc, &error));
  kill (getpid (), SIGTERM); /* as it would end any program */
  g_assert_not_reached ();
}

static void
test_handlers_go_when_the_start_fails (void)
{
  g_test_summary ("After a start that failed a signal does what it does by default");

  if (g_test_subprocess ())
    {
      program_never_runs ();
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr_unmatched ("*should not be reached*");
}

static void
program_stops_unstarted (void)
{
  DsTestStream test;

  ds_test_stream_set_up (&test, "local");
  ds_streaming_context_stop_on_signals (test.ssc);
  ds_streaming_context_stop (test.ssc, DS_STOP_NOW, NULL);
  kill (getpid (), SIGTERM); /* as it would end any program */
  g_assert_not_reached ();
}

static void
test_handlers_go_without_a_start (void)
{
  g_test_summary ("After the stop of what was never started, neither are signals caught");

  if (g_test_subprocess ())
    {
      program_stops_unstarted ();
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr ("*has not been started yet*");
  g_test_trap_assert_stderr_unmatched ("*should not be reached*");
}

static void
test_nothing_is_caught_unasked (void)
{
  struct sigaction before[NSIG];
  DsTestStream test;
  DsDStream *lines;

  g_test_summary ("Row A16: without that call a context has no handler for any signal; "
                  "GLib's sockets have SIGPIPE ignored");

  for (int number = 1; number < NSIG; number++)
    sigaction (number, NULL, &before[number]);
  ds_test_stream_set_up (&test, "local[2]");
  ds_test_stream_allow_checkpoints (&test);
  lines = ds_streaming_context_socket_text_stream (test.ssc, "127.0.0.1", 1);
  ds_dstream_set_durability (lines, DS_DURABILITY_GROUP);
  ds_dstream_foreach_rdd (lines, ds_test_ignore_rdd, NULL, NULL);
  ds_test_stream_start (&test);
  ds_test_stream_run (&test, 2);
  for (int number = 1; number < NSIG; number++)
    {
      struct sigaction now;

      if (sigaction (number, NULL, &now) < 0)
        continue;
      if (number == SIGPIPE && now.sa_handler == SIG_IGN)
        continue;
      g_assert_true (now.sa_handler == before[number].sa_handler);
    }
  ds_test_stream_tear_down (&test);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dstream/stop-on-signals/a16-nothing-is-caught-unasked",
                   test_nothing_is_caught_unasked);
  g_test_add_func ("/dstream/stop-on-signals/first-signal-stops-gracefully",
                   test_first_signal_stops_gracefully);
  g_test_add_func ("/dstream/stop-on-signals/second-signal-stops-at-once",
                   test_second_signal_stops_at_once);
  g_test_add_func ("/dstream/stop-on-signals/handlers-go-with-the-stop",
                   test_handlers_go_with_the_stop);
  g_test_add_func ("/dstream/stop-on-signals/needs-no-start", test_needs_no_start);
  g_test_add_func ("/dstream/stop-on-signals/handlers-go-when-the-start-fails",
                   test_handlers_go_when_the_start_fails);
  g_test_add_func ("/dstream/stop-on-signals/handlers-go-without-a-start",
                   test_handlers_go_without_a_start);
  return g_test_run ();
}
