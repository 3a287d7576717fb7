/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Row D5: all sequences of up to four calls out of start, stop, graceful stop, waiting
 * and letting go, by one thread, against a model of a few lines; and all pairs of
 * sequences of up to two, by two threads. */

#include "tests/dstream/ds-test-stream.h"

#include <unistd.h>

typedef enum
{
  START,
  STOP,
  STOP_GRACEFULLY,
  AWAIT,
  UNREF,
  N_CALLS
} Call;

#define MAX_LENGTH 4
#define MAX_LENGTH_OF_TWO 2
/* Whoever waits for ever is found out. */
#define WATCHDOG_SECONDS 100

static gint n_warnings; /* atomic */

static void
count_warning (const char *domain,
               GLogLevelFlags level,
               const char *message,
               gpointer user_data)
{
  g_atomic_int_inc (&n_warnings);
}

static DsStreamingContext *
make_context (void)
{
  g_autoptr (DsManualClock) clock = ds_manual_clock_new (0);
  DsStreamingContext *ssc =
      ds_streaming_context_new (ds_test_choose_master ("local"), "sequences", DS_SECOND);

  ds_streaming_context_set_clock (ssc, DS_CLOCK (clock));
  ds_dstream_collect (ds_streaming_context_queue_stream (ssc));
  return ssc;
}

/* The calls of sequence @number: 0 to 4 are those of one call, and so on. */
static guint
list_calls (guint number, Call *calls)
{
  guint n_of_length = N_CALLS;
  guint length = 1;

  while (number >= n_of_length)
    {
      number -= n_of_length;
      n_of_length *= N_CALLS;
      length++;
    }
  for (guint i = 0; i < length; i++, number /= N_CALLS)
    calls[i] = (Call) (number % N_CALLS);
  return length;
}

static guint
count_sequences (guint max_length)
{
  guint n_of_length = 1;
  guint n = 0;

  for (guint length = 1; length <= max_length; length++)
    {
      n_of_length *= N_CALLS;
      n += n_of_length;
    }
  return n;
}

static gboolean
make_call (DsStreamingContext *ssc, Call call, GError **error)
{
  switch ((int) call)
    {
    case START:
      return ds_streaming_context_start (ssc, error);
    case STOP:
      return ds_streaming_context_stop (ssc, DS_STOP_NOW, error);
    case STOP_GRACEFULLY:
      return ds_streaming_context_stop (ssc, DS_STOP_GRACEFULLY, error);
    case AWAIT:
      return ds_streaming_context_await_termination_or_timeout (ssc, 0, error);
    default:
      g_object_unref (ssc);
      return TRUE;
    }
}

/* Whoever has let go of one that runs can still ask for it. */
static void
stop_what_runs (void)
{
  g_autoptr (DsStreamingContext) active = ds_streaming_context_get_active ();

  if (active != NULL)
    g_assert_true (ds_streaming_context_stop (active, DS_STOP_NOW, NULL));
  g_assert_null (ds_streaming_context_get_active ());
}

/* ---- One thread ---- */

static void
check_sequence (const Call *calls, guint n_calls)
{
  DsStreamingContext *ssc = make_context ();
  DsStreamingState state = DS_STREAMING_INITIALIZED;
  gpointer weak = ssc;
  int n_expected = 0;

  g_object_add_weak_pointer (G_OBJECT (ssc), &weak);
  g_atomic_int_set (&n_warnings, 0);
  for (guint i = 0; i < n_calls && ssc != NULL; i++)
    {
      g_autoptr (GError) error = NULL;
      gboolean fails = calls[i] == START && state == DS_STREAMING_STOPPED;

      g_assert_true (make_call (ssc, calls[i], &error) == !fails);
      if (fails)
        g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_STATE);
      else
        g_assert_no_error (error);
      if (calls[i] == START && state == DS_STREAMING_ACTIVE)
        n_expected++;
      if (calls[i] == START && state == DS_STREAMING_INITIALIZED)
        state = DS_STREAMING_ACTIVE;
      if (calls[i] == STOP || calls[i] == STOP_GRACEFULLY)
        {
          n_expected += state != DS_STREAMING_ACTIVE;
          state = DS_STREAMING_STOPPED;
        }
      if (calls[i] == UNREF)
        ssc = NULL;
      else
        g_assert_cmpint (ds_streaming_context_get_state (ssc), ==, state);
    }
  g_assert_cmpint (g_atomic_int_get (&n_warnings), ==, n_expected);
  /* Letting go does not stop it. */
  g_assert_true (ssc != NULL || (weak != NULL) == (state == DS_STREAMING_ACTIVE));
  stop_what_runs ();
  g_clear_object (&ssc);
  g_assert_null (weak);
}

static void
test_one_thread (void)
{
  guint n = count_sequences (MAX_LENGTH);

  g_test_summary ("All sequences of up to four calls do what the state says: they work, "
                  "warn, or are an error, and in the end nothing is left");

  for (guint number = 0; number < n; number++)
    {
      Call calls[MAX_LENGTH];
      guint n_calls = list_calls (number, calls);

      check_sequence (calls, n_calls);
    }
  g_test_message ("%u sequences", n);
}

/* ---- Two threads ---- */

typedef struct
{
  DsStreamingContext *ssc; /* a reference of its own */
  Call calls[MAX_LENGTH_OF_TWO];
  guint n_calls;
} Caller;

static gpointer
make_calls (gpointer data)
{
  Caller *caller = data;

  for (guint i = 0; i < caller->n_calls && caller->ssc != NULL; i++)
    {
      g_autoptr (GError) error = NULL;

      if (!make_call (caller->ssc, caller->calls[i], &error))
        g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_STATE);
      if (caller->calls[i] == UNREF)
        caller->ssc = NULL;
    }
  g_clear_object (&caller->ssc);
  return NULL;
}

static gboolean
has_stop (const Caller *caller)
{
  for (guint i = 0; i < caller->n_calls; i++)
    {
      if (caller->calls[i] == UNREF)
        return FALSE;
      if (caller->calls[i] == STOP || caller->calls[i] == STOP_GRACEFULLY)
        return TRUE;
    }
  return FALSE;
}

static void
check_pair (guint first, guint second)
{
  DsStreamingContext *ssc = make_context ();
  Caller callers[2] = { { .ssc = g_object_ref (ssc) }, { .ssc = g_object_ref (ssc) } };
  GThread *thread;
  gboolean is_stopped;

  callers[0].n_calls = list_calls (first, callers[0].calls);
  callers[1].n_calls = list_calls (second, callers[1].calls);
  is_stopped = has_stop (&callers[0]) || has_stop (&callers[1]);
  thread = g_thread_new ("second", make_calls, &callers[1]);
  make_calls (&callers[0]);
  g_thread_join (thread);

  /* A stop is final, whenever it came. */
  if (is_stopped)
    g_assert_cmpint (ds_streaming_context_get_state (ssc), ==, DS_STREAMING_STOPPED);
  stop_what_runs ();
  g_assert_finalize_object (ssc);
}

static void
test_two_threads (void)
{
  guint n = count_sequences (MAX_LENGTH_OF_TWO);

  g_test_summary ("All pairs of sequences of up to two calls, side by side: each call "
                  "works or is an error, a stop is final, and in the end nothing is "
                  "left");

  for (guint first = 0; first < n; first++)
    for (guint second = 0; second < n; second++)
      check_pair (first, second);
  g_test_message ("%u pairs", n * n);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_always_fatal (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
  g_log_set_handler ("DStream", G_LOG_LEVEL_WARNING, count_warning, NULL);
  alarm (WATCHDOG_SECONDS);
  g_test_add_func ("/dstream/lifecycle-sequences/d5-one-thread", test_one_thread);
  g_test_add_func ("/dstream/lifecycle-sequences/d5-two-threads", test_two_threads);
  return g_test_run ();
}
