/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "receivers/ds-poll-threads-private.h"

#include "base/ds-error.h"
#include "base/ds-time.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

typedef struct
{
  GMutex lock;
  GCond changed;
  guint n_calls;
  guint n_destroyed;
  GThread *thread;
  GMainContext *thread_default;
  DsPollThread *to_release;
} Log;

static void
log_init (Log *self)
{
  *self = (Log){ 0 };
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
}

static void
log_clear (Log *self)
{
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->changed);
}

static void
log_wait (Log *self, const guint *count, guint expected)
{
  gint64 deadline = g_get_monotonic_time () + DS_MINUTE;

  g_mutex_lock (&self->lock);
  while (*count < expected)
    if (!g_cond_wait_until (&self->changed, &self->lock, deadline))
      g_error ("waited in vain for %u, there are %u", expected, *count);
  g_mutex_unlock (&self->lock);
}

static gboolean
on_call (gpointer data)
{
  Log *log = data;

  g_mutex_lock (&log->lock);
  log->n_calls++;
  log->thread = g_thread_self ();
  log->thread_default = g_main_context_get_thread_default ();
  g_cond_broadcast (&log->changed);
  g_mutex_unlock (&log->lock);
  return G_SOURCE_REMOVE;
}

static void
on_destroy (gpointer data)
{
  Log *log = data;

  g_mutex_lock (&log->lock);
  log->n_destroyed++;
  g_cond_broadcast (&log->changed);
  g_mutex_unlock (&log->lock);
}

static void
test_starts_with_the_first_and_ends_with_the_last_user (void)
{
  DsPollThread *users[6];

  g_test_summary ("Two threads serve any number of users; without users there is none");

  g_assert_cmpuint (ds_poll_threads_get_n_running (), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (users); i++)
    {
      g_autoptr (GError) error = NULL;

      users[i] = ds_poll_thread_acquire (&error);
      g_assert_no_error (error);
      g_assert_cmpuint (ds_poll_threads_get_n_running (), ==, MIN (i + 1, 2));
    }
  /* Shared evenly. */
  for (guint i = 2; i < G_N_ELEMENTS (users); i++)
    {
      guint n_same = 0;

      for (guint j = 0; j < G_N_ELEMENTS (users); j++)
        n_same += users[j] == users[i];
      g_assert_cmpuint (n_same, ==, 3);
    }
  for (guint i = 0; i < G_N_ELEMENTS (users); i++)
    ds_poll_thread_release (users[i]);
  g_assert_cmpuint (ds_poll_threads_get_n_running (), ==, 0);
}

static void
test_runs_functions_on_its_thread (void)
{
  DsPollThread *thread = ds_poll_thread_acquire (NULL);
  Log log;

  g_test_summary ("What is invoked runs elsewhere, with the context as thread default");

  log_init (&log);
  ds_poll_thread_invoke (thread, on_call, &log, on_destroy);
  log_wait (&log, &log.n_destroyed, 1);
  g_assert_cmpuint (log.n_calls, ==, 1);
  g_assert_true (log.thread != g_thread_self ());
  g_assert_true (log.thread_default == ds_poll_thread_get_context (thread));
  ds_poll_thread_release (thread);
  log_clear (&log);
}

static gboolean
on_release (gpointer data)
{
  Log *log = data;

  ds_poll_thread_release (log->to_release);
  return on_call (data);
}

static void
test_may_be_released_on_itself (void)
{
  Log log;

  g_test_summary ("A last user on the thread itself does not wait for it");

  log_init (&log);
  log.to_release = ds_poll_thread_acquire (NULL);
  ds_poll_thread_invoke (log.to_release, on_release, &log, on_destroy);
  log_wait (&log, &log.n_destroyed, 1);
  g_assert_cmpuint (log.n_calls, ==, 1);
  g_assert_cmpuint (ds_poll_threads_get_n_running (), ==, 0);
  log_clear (&log);
}

typedef struct
{
  Log *log;
  gint64 due;
  guint n_calls;
} Armed;

static void
on_due (gpointer data)
{
  Armed *armed = data;

  g_assert_cmpint (g_get_monotonic_time (), >=, armed->due);
  g_mutex_lock (&armed->log->lock);
  armed->n_calls++;
  g_cond_broadcast (&armed->log->changed);
  g_mutex_unlock (&armed->log->lock);
}

static void
on_armed_destroyed (gpointer data)
{
  on_destroy (((Armed *) data)->log);
}

static void
test_timer_calls_each_once_when_it_is_due (void)
{
  DsPollThread *thread = ds_poll_thread_acquire (NULL);
  DsBlockTimer *timer = ds_poll_thread_get_timer (thread);
  gint64 now = g_get_monotonic_time ();
  Log log;
  Armed never = { &log, now + DS_HOUR, 0 };
  Armed later = { &log, now + 20 * DS_MILLISECOND, 0 };
  Armed soon = { &log, now + 10 * DS_MILLISECOND, 0 };
  Armed past = { &log, now - DS_SECOND, 0 };

  g_test_summary ("Each is called once, whatever the order of arming, and not before it "
                  "is due; what is not due when the thread ends is destroyed uncalled");

  log_init (&log);
  ds_block_timer_arm (timer, never.due, on_due, &never, on_armed_destroyed);
  ds_block_timer_arm (timer, later.due, on_due, &later, on_armed_destroyed);
  ds_block_timer_arm (timer, soon.due, on_due, &soon, on_armed_destroyed);
  ds_block_timer_arm (timer, past.due, on_due, &past, on_armed_destroyed);
  log_wait (&log, &log.n_destroyed, 3);
  ds_poll_thread_release (thread);

  g_assert_cmpuint (log.n_destroyed, ==, 4);
  g_assert_cmpuint (past.n_calls, ==, 1);
  g_assert_cmpuint (soon.n_calls, ==, 1);
  g_assert_cmpuint (later.n_calls, ==, 1);
  g_assert_cmpuint (never.n_calls, ==, 0);
  log_clear (&log);
}

static void
program_without_descriptors (void)
{
  struct rlimit limit = { 0 };
  g_autoptr (GError) error = NULL;
  int next = open ("/dev/null", O_RDONLY);

  close (next);
  getrlimit (RLIMIT_NOFILE, &limit);
  limit.rlim_cur = (rlim_t) next;
  setrlimit (RLIMIT_NOFILE, &limit);
  g_assert_null (ds_poll_thread_acquire (&error));
  g_assert_error (error, DS_ERROR, DS_ERROR_LIMIT);
  _exit (0); /* a leak checker could not open a file either */
}

static void
test_needs_file_descriptors (void)
{
  g_test_summary ("Without a file descriptor there is an error, and the program goes on");

  if (g_test_subprocess ())
    {
      program_without_descriptors ();
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/receivers/poll-threads/starts-with-the-first-and-ends-with-the-last",
                   test_starts_with_the_first_and_ends_with_the_last_user);
  g_test_add_func ("/receivers/poll-threads/runs-functions-on-its-thread",
                   test_runs_functions_on_its_thread);
  g_test_add_func ("/receivers/poll-threads/may-be-released-on-itself",
                   test_may_be_released_on_itself);
  g_test_add_func ("/receivers/poll-threads/timer-calls-each-once-when-it-is-due",
                   test_timer_calls_each_once_when_it_is_due);
  g_test_add_func ("/receivers/poll-threads/needs-file-descriptors",
                   test_needs_file_descriptors);
  return g_test_run ();
}
