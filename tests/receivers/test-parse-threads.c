/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The threads that parse: few when jobs are quick, more when they wait. */

#include "receivers/ds-parse-threads-private.h"

#define N_JOBS 10000
#define N_WAITING 40
#define N_HANDOVERS 200

typedef struct
{
  GMutex lock;
  GCond changed;
  guint n_done;
  guint n_waiting;
  gboolean is_open;
} Gate;

static void
count (gpointer data, gpointer unused)
{
  Gate *gate = data;

  g_mutex_lock (&gate->lock);
  gate->n_done++;
  g_cond_broadcast (&gate->changed);
  g_mutex_unlock (&gate->lock);
}

static void
wait_at_gate (gpointer data, gpointer unused)
{
  Gate *gate = data;

  g_mutex_lock (&gate->lock);
  gate->n_waiting++;
  g_cond_broadcast (&gate->changed);
  while (!gate->is_open)
    g_cond_wait (&gate->changed, &gate->lock);
  gate->n_done++;
  g_cond_broadcast (&gate->changed);
  g_mutex_unlock (&gate->lock);
}

static void
submit (GFunc func, Gate *gate)
{
  g_autoptr (GError) error = NULL;

  ds_parse_threads_submit (func, gate, &error);
  g_assert_no_error (error);
}

static void
wait_for (Gate *gate, guint *number, guint n)
{
  g_mutex_lock (&gate->lock);
  while (*number < n)
    g_cond_wait (&gate->changed, &gate->lock);
  g_mutex_unlock (&gate->lock);
}

static void
test_quick_jobs_share_few_threads (void)
{
  Gate gate = { 0 };

  g_test_summary ("10,000 quick jobs need no more threads than processors, and two");

  ds_parse_threads_acquire ();
  for (guint i = 0; i < N_JOBS; i++)
    {
      submit (count, &gate);
      if (i % 100 == 99) /* a queue in which no job waits for long */
        wait_for (&gate, &gate.n_done, i + 1);
    }
  wait_for (&gate, &gate.n_done, N_JOBS);
  g_test_message ("%u threads", ds_parse_threads_get_n_threads ());
  g_assert_cmpuint (ds_parse_threads_get_n_threads (), <=, g_get_num_processors () + 2);
  ds_parse_threads_release ();
  g_assert_cmpuint (ds_parse_threads_get_n_threads (), ==, 0);
}

static void
test_waiting_jobs_hold_up_nobody (void)
{
  Gate gate = { 0 };
  Gate quick = { 0 };

  g_test_summary ("40 jobs that wait all run, and so does a quick one behind them");

  ds_parse_threads_acquire ();
  for (guint i = 0; i < N_WAITING; i++)
    submit (wait_at_gate, &gate);
  submit (count, &quick);
  wait_for (&quick, &quick.n_done, 1);
  wait_for (&gate, &gate.n_waiting, N_WAITING);
  g_assert_cmpuint (ds_parse_threads_get_n_threads (), <=, N_WAITING + 2);

  g_mutex_lock (&gate.lock);
  g_assert_cmpuint (gate.n_done, ==, 0);
  gate.is_open = TRUE;
  g_cond_broadcast (&gate.changed);
  g_mutex_unlock (&gate.lock);
  wait_for (&gate, &gate.n_done, N_WAITING);
  ds_parse_threads_release ();
}

static void
test_threads_stay_while_there_are_users (void)
{
  Gate gate = { 0 };

  g_test_summary ("Threads go with the last user, and come again with the next");

  for (guint i = 0; i < 3; i++)
    {
      ds_parse_threads_acquire ();
      ds_parse_threads_acquire ();
      submit (count, &gate);
      wait_for (&gate, &gate.n_done, i + 1);
      ds_parse_threads_release ();
      g_assert_cmpuint (ds_parse_threads_get_n_threads (), >=, 1);
      ds_parse_threads_release ();
      g_assert_cmpuint (ds_parse_threads_get_n_threads (), ==, 0);
    }
}

/* The last user of before, while the next one comes. */
static gpointer
leave (gpointer data)
{
  Gate *gate = data;

  ds_parse_threads_release ();
  count (gate, NULL);
  return NULL;
}

static void
test_the_last_user_leaves_while_another_comes (void)
{
  g_test_summary ("Whoever leaves last waits for the threads of before, and not for the "
                  "work of a user who comes meanwhile");

  for (guint i = 0; i < N_HANDOVERS; i++)
    {
      Gate gate = { 0 };
      Gate jobs = { 0 };
      gint64 deadline = g_get_monotonic_time () + 30 * G_TIME_SPAN_SECOND;
      gboolean has_left = TRUE;
      GThread *thread;

      ds_parse_threads_acquire ();
      submit (count, &jobs);
      wait_for (&jobs, &jobs.n_done, 1);
      thread = g_thread_new ("leave", leave, &gate);
      ds_parse_threads_acquire ();
      submit (wait_at_gate, &jobs);
      wait_for (&jobs, &jobs.n_waiting, 1);

      /* This user stays, and so does its job. */
      g_mutex_lock (&gate.lock);
      while (has_left && gate.n_done == 0)
        has_left = g_cond_wait_until (&gate.changed, &gate.lock, deadline);
      g_mutex_unlock (&gate.lock);

      g_mutex_lock (&jobs.lock);
      jobs.is_open = TRUE;
      g_cond_broadcast (&jobs.changed);
      g_mutex_unlock (&jobs.lock);
      wait_for (&jobs, &jobs.n_done, 2);
      ds_parse_threads_release ();
      g_thread_join (thread);
      g_assert_true (has_left);
      g_assert_cmpuint (ds_parse_threads_get_n_threads (), ==, 0);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/receivers/parse-threads/quick-jobs-share-few-threads",
                   test_quick_jobs_share_few_threads);
  g_test_add_func ("/receivers/parse-threads/waiting-jobs-hold-up-nobody",
                   test_waiting_jobs_hold_up_nobody);
  g_test_add_func ("/receivers/parse-threads/threads-stay-while-there-are-users",
                   test_threads_stay_while_there_are_users);
  g_test_add_func ("/receivers/parse-threads/the-last-user-leaves-while-another-comes",
                   test_the_last_user_leaves_while_another_comes);
  return g_test_run ();
}
