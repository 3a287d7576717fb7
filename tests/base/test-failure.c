/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Failures reach the newest receiver of the thread that they happen on. */

#include "base/ds-failure-private.h"

#include "base/ds-error.h"

typedef struct
{
  DsFailureReceiver receiver;
  GPtrArray *messages;
} Recorder;

static void
recorder_report (DsFailureReceiver *receiver, GError *error)
{
  Recorder *self = (Recorder *) receiver;

  g_ptr_array_add (self->messages, g_strdup (error->message));
  g_error_free (error);
}

static void
recorder_init (Recorder *self)
{
  self->receiver.report = recorder_report;
  self->messages = g_ptr_array_new_with_free_func (g_free);
}

static void
recorder_clear (Recorder *self)
{
  g_ptr_array_unref (self->messages);
}

static void
report (const char *message)
{
  ds_failure_report (g_error_new_literal (DS_ERROR, DS_ERROR_FAILED, message));
}

static void
test_newest_receiver_gets_it (void)
{
  g_test_summary ("Receivers nest: the one pushed last is told, and only that one");

  Recorder outer, inner;

  recorder_init (&outer);
  recorder_init (&inner);
  g_assert_null (ds_failure_peek ());

  ds_failure_push (&outer.receiver);
  report ("one");
  ds_failure_push (&inner.receiver);
  g_assert_true (ds_failure_peek () == &inner.receiver);
  report ("two");
  report ("three");
  ds_failure_pop (&inner.receiver);
  report ("four");
  ds_failure_pop (&outer.receiver);
  g_assert_null (ds_failure_peek ());

  g_assert_cmpuint (outer.messages->len, ==, 2);
  g_assert_cmpstr (outer.messages->pdata[0], ==, "one");
  g_assert_cmpstr (outer.messages->pdata[1], ==, "four");
  g_assert_cmpuint (inner.messages->len, ==, 2);
  g_assert_cmpstr (inner.messages->pdata[0], ==, "two");
  g_assert_cmpstr (inner.messages->pdata[1], ==, "three");
  recorder_clear (&outer);
  recorder_clear (&inner);
}

static gpointer
report_from_a_thread (gpointer data)
{
  Recorder own;

  g_assert_null (ds_failure_peek ());
  recorder_init (&own);
  ds_failure_push (&own.receiver);
  report (data);
  ds_failure_pop (&own.receiver);
  g_assert_cmpuint (own.messages->len, ==, 1);
  g_assert_cmpstr (own.messages->pdata[0], ==, data);
  recorder_clear (&own);
  return NULL;
}

static void
test_threads_have_stacks_of_their_own (void)
{
  g_test_summary ("A failure on one thread never reaches the receiver of another");

  char names[][2] = { "a", "b", "c", "d" };
  GThread *threads[G_N_ELEMENTS (names)];
  Recorder here;

  recorder_init (&here);
  ds_failure_push (&here.receiver);
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    threads[i] = g_thread_new (names[i], report_from_a_thread, names[i]);
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    g_thread_join (threads[i]);
  ds_failure_pop (&here.receiver);

  g_assert_cmpuint (here.messages->len, ==, 0);
  recorder_clear (&here);
}

static void
test_without_receiver_it_is_a_critical (void)
{
  g_test_summary ("Outside of any task a failure is a critical with the whole message");

  if (g_test_subprocess ())
    {
      report ("nobody listens");
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr ("*CRITICAL*nobody listens*");
}

static void
test_pops_in_order_only (void)
{
  g_test_summary ("Popping a receiver that is not the newest ends the program");

  if (g_test_subprocess ())
    {
      Recorder outer = { .receiver = { .report = recorder_report } };
      Recorder inner = { .receiver = { .report = recorder_report } };

      ds_failure_push (&outer.receiver);
      ds_failure_push (&inner.receiver);
      ds_failure_pop (&outer.receiver);
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr ("*ds_failure_newest == receiver*");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/base/failure/newest-receiver-gets-it", test_newest_receiver_gets_it);
  g_test_add_func ("/base/failure/threads-have-stacks-of-their-own",
                   test_threads_have_stacks_of_their_own);
  g_test_add_func ("/base/failure/without-receiver-it-is-a-critical",
                   test_without_receiver_it_is_a_critical);
  g_test_add_func ("/base/failure/pops-in-order-only", test_pops_in_order_only);
  return g_test_run ();
}
