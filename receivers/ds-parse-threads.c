/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* As many threads as there are processors do all parsing, unless some of them wait: a job
 * that has been in the queue for 10 ms is taken by one thread more.  So 5,000 streams
 * whose parse functions are quick share a few threads, and 100 of them that sleep hold up
 * nobody.  More threads than streams there never are, and one that waits for work.
 *
 * While there is work, one thread stands by: it takes the next job when a processor's
 * worth is free, or when that job has waited too long. */

#include "receivers/ds-parse-threads-private.h"

#include "base/ds-error.h"
#include "receivers/ds-poll-threads-private.h"

/* How long a job may wait before another thread takes it, in µs. */
#define DS_PARSE_PATIENCE (10 * G_TIME_SPAN_MILLISECOND)

typedef struct
{
  GFunc func;
  gpointer data;
  gint64 since; /* monotonic µs */
} DsParseJob;

static GMutex ds_parse_lock; /* guards all below */
static GCond ds_parse_changed;
static GQueue ds_parse_jobs = G_QUEUE_INIT;
static GPtrArray *ds_parse_threads; /* (nullable) of GThread: all since the first user */
static guint ds_parse_n_users;
/* Grows when the last user leaves: threads of before end then, whoever comes meanwhile.
 */
static guint ds_parse_generation;
static guint ds_parse_n_idle;    /* threads that wait for a job, or stand by */
static guint ds_parse_n_running; /* threads with a job */

static gpointer ds_parse_threads_main (gpointer data);

/* Locks: ds_parse_lock is held. */
static gboolean
ds_parse_threads_add_locked (GError **error)
{
  GThread *thread = g_thread_try_new ("ds-parse", ds_parse_threads_main,
                                      GUINT_TO_POINTER (ds_parse_generation), error);

  if (thread == NULL)
    return FALSE;

  /* It is as good as waiting. */
  ds_parse_n_idle++;
  g_ptr_array_add (ds_parse_threads, thread);
  return TRUE;
}

/* The next job, or NULL at the end.  Locks: ds_parse_lock is held, and counted in
 * ds_parse_n_idle. */
static DsParseJob *
ds_parse_threads_wait_locked (guint generation)
{
  while (generation == ds_parse_generation)
    {
      DsParseJob *next = g_queue_peek_head (&ds_parse_jobs);
      gint64 due = 0;

      if (next == NULL)
        {
          g_cond_wait (&ds_parse_changed, &ds_parse_lock);
          continue;
        }

      due = next->since + DS_PARSE_PATIENCE;
      if (ds_parse_n_running < g_get_num_processors () || due <= g_get_monotonic_time ())
        return g_queue_pop_head (&ds_parse_jobs);
      g_cond_wait_until (&ds_parse_changed, &ds_parse_lock, due);
    }
  return NULL;
}

static gpointer
ds_parse_threads_main (gpointer data)
{
  guint generation = GPOINTER_TO_UINT (data);
  DsParseJob *job;

  ds_receiver_thread_mark ();
  g_mutex_lock (&ds_parse_lock);
  while ((job = ds_parse_threads_wait_locked (generation)) != NULL)
    {
      ds_parse_n_idle--;
      ds_parse_n_running++;
      /* Somebody must stand by for the rest.  Without, they wait for one that runs. */
      if (!g_queue_is_empty (&ds_parse_jobs) && ds_parse_n_idle == 0)
        ds_parse_threads_add_locked (NULL);
      g_mutex_unlock (&ds_parse_lock);

      job->func (job->data, NULL);
      g_free (job);

      g_mutex_lock (&ds_parse_lock);
      if (generation != ds_parse_generation) /* and not counted any more */
        break;
      ds_parse_n_running--;
      ds_parse_n_idle++;
      g_cond_signal (&ds_parse_changed);
    }
  g_mutex_unlock (&ds_parse_lock);
  return NULL;
}

void
ds_parse_threads_acquire (void)
{
  g_mutex_lock (&ds_parse_lock);
  ds_parse_n_users++;
  if (ds_parse_threads == NULL)
    ds_parse_threads = g_ptr_array_new_with_free_func ((GDestroyNotify) g_thread_unref);
  g_mutex_unlock (&ds_parse_lock);
}

void
ds_parse_threads_release (void)
{
  g_autoptr (GPtrArray) threads = NULL;

  g_mutex_lock (&ds_parse_lock);
  g_assert (ds_parse_n_users > 0);
  if (--ds_parse_n_users == 0)
    {
      threads = g_steal_pointer (&ds_parse_threads);
      ds_parse_generation++;
      ds_parse_n_idle = 0;
      ds_parse_n_running = 0;
      g_cond_broadcast (&ds_parse_changed);
    }
  g_mutex_unlock (&ds_parse_lock);

  for (guint i = 0; threads != NULL && i < threads->len; i++)
    if (g_ptr_array_index (threads, i) != g_thread_self ())
      g_thread_join (g_thread_ref (g_ptr_array_index (threads, i)));
}

gboolean
ds_parse_threads_submit (GFunc func, gpointer data, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  DsParseJob *job = g_new0 (DsParseJob, 1);
  gboolean is_taken = TRUE;

  job->func = func;
  job->data = data;
  job->since = g_get_monotonic_time ();

  g_mutex_lock (&ds_parse_lock);
  g_assert (ds_parse_n_users > 0);
  if (ds_parse_n_idle == 0 && !ds_parse_threads_add_locked (&local_error))
    is_taken = ds_parse_n_running > 0;
  if (is_taken)
    {
      g_queue_push_tail (&ds_parse_jobs, job);
      g_cond_signal (&ds_parse_changed);
    }
  g_mutex_unlock (&ds_parse_lock);

  if (is_taken)
    return TRUE;
  g_free (job);
  g_set_error (error, DS_ERROR, DS_ERROR_FAILED,
               "Cannot start a thread for a parse function: %s; the limit of threads "
               "(ulimit -u) may be reached",
               local_error->message);
  return FALSE;
}

guint
ds_parse_threads_get_n_threads (void)
{
  guint n_threads;

  g_mutex_lock (&ds_parse_lock);
  n_threads = ds_parse_threads != NULL ? ds_parse_threads->len : 0;
  g_mutex_unlock (&ds_parse_lock);
  return n_threads;
}
