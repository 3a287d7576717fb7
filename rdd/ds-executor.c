/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The pool.  Work is a "run": a function and n items, which live on the stack of whoever
 * brought them.  Runs stand in a list; workers and the owner take items by an atomic
 * counter, so handing out an item costs one instruction.  A worker counts itself into a
 * run under the lock before it touches it and out of it afterwards, and the owner does
 * not return before that count is 0: so no run is ever touched after its end.
 *
 * Waking a parked thread costs tens of µs once its processor sleeps, handing over to one
 * that spins a tenth of one: so workers look for work for some µs before they park, and
 * so does an owner that waits for the last items. */

#include "rdd/ds-executor-private.h"

#define DS_EXECUTOR_SPIN_US 20

typedef struct _DsExecutorRun DsExecutorRun;

struct _DsExecutorRun
{
  DsExecutorFunc func;
  gpointer data;
  guint n_items;
  gint next_item; /* atomic */
  gint n_helpers; /* written under the lock, read by the spinning owner */
  DsExecutorRun *next;
};

struct _DsExecutor
{
  GMutex lock;
  GCond has_work;      /* workers wait */
  GCond has_ended;     /* owners wait */
  DsExecutorRun *runs; /* oldest first */
  gint n_brought;      /* runs so far; written under the lock, read by spinning workers */
  gint is_ending;      /* as well */
  guint n_parked;
  guint n_workers;
  guint n_threads; /* made so far */
  GThread **threads;
  gint ref_count;
};

static inline void
ds_executor_pause (void)
{
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause ();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/* Waits a few µs for *@word to differ from @value. */
static gboolean
ds_executor_spin (gint *word, gint value)
{
  gint64 end = 0;

  for (;;)
    {
      for (guint i = 0; i < 16; i++)
        {
          if (g_atomic_int_get (word) != value)
            return TRUE;
          ds_executor_pause ();
        }
      if (end == 0)
        end = g_get_monotonic_time () + DS_EXECUTOR_SPIN_US;
      else if (g_get_monotonic_time () >= end)
        return FALSE;
    }
}

static void
ds_executor_run_items (DsExecutorRun *run)
{
  guint item;

  while ((item = (guint) g_atomic_int_add (&run->next_item, 1)) < run->n_items)
    run->func (item, run->data);
}

static DsExecutorRun *
ds_executor_find_work_locked (DsExecutor *self)
{
  for (DsExecutorRun *run = self->runs; run != NULL; run = run->next)
    if ((guint) g_atomic_int_get (&run->next_item) < run->n_items)
      return run;

  return NULL;
}

/* Locks: held on entry and on return, not in between. */
static void
ds_executor_wait_for_work_locked (DsExecutor *self)
{
  gint n_brought = self->n_brought;

  g_mutex_unlock (&self->lock);
  ds_executor_spin (&self->n_brought, n_brought);
  g_mutex_lock (&self->lock);
  if (self->n_brought != n_brought || self->is_ending)
    return;
  self->n_parked++;
  g_cond_wait (&self->has_work, &self->lock);
  self->n_parked--;
}

/* The owner holds a reference, and each thread one. */
static void
ds_executor_drop (DsExecutor *self)
{
  if (!g_atomic_int_dec_and_test (&self->ref_count))
    return;
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->has_work);
  g_cond_clear (&self->has_ended);
  g_free (self->threads);
  g_free (self);
}

/* Thread: executor. */
static gpointer
ds_executor_thread (gpointer data)
{
  DsExecutor *self = data;

  g_mutex_lock (&self->lock);
  while (!self->is_ending)
    {
      DsExecutorRun *run = ds_executor_find_work_locked (self);

      if (run == NULL)
        {
          ds_executor_wait_for_work_locked (self);
          continue;
        }
      g_atomic_int_inc (&run->n_helpers);
      g_mutex_unlock (&self->lock);
      ds_executor_run_items (run);
      g_mutex_lock (&self->lock);
      if (g_atomic_int_dec_and_test (&run->n_helpers))
        g_cond_broadcast (&self->has_ended);
    }
  g_mutex_unlock (&self->lock);
  ds_executor_drop (self);
  return NULL;
}

static void
ds_executor_make_threads_locked (DsExecutor *self, guint n_wanted)
{
  while (self->n_threads < MIN (n_wanted, self->n_workers - 1))
    {
      g_autoptr (GError) error = NULL;
      GThread *thread;

      g_atomic_int_inc (&self->ref_count);
      thread = g_thread_try_new ("ds-executor", ds_executor_thread, self, &error);
      if (thread == NULL)
        {
          g_atomic_int_add (&self->ref_count, -1);
          g_message ("The system gives no thread for worker %u of %u (%s): going on with "
                     "%u; raise the limit of processes to use more",
                     self->n_threads + 2, self->n_workers, error->message,
                     self->n_threads + 1);
          self->n_workers = self->n_threads + 1;
          return;
        }
      self->threads[self->n_threads++] = thread;
    }
}

DsExecutor *
ds_executor_new (guint n_workers)
{
  DsExecutor *self = g_new0 (DsExecutor, 1);

  g_assert (n_workers > 0);
  g_mutex_init (&self->lock);
  g_cond_init (&self->has_work);
  g_cond_init (&self->has_ended);
  self->n_workers = n_workers;
  self->threads = g_new0 (GThread *, n_workers);
  self->ref_count = 1;
  return self;
}

/* Tells the threads to end and takes them out of @self. */
static GThread **
ds_executor_end_threads (DsExecutor *self, guint *n_threads)
{
  GThread **threads;

  g_mutex_lock (&self->lock);
  g_atomic_int_set (&self->is_ending, TRUE);
  g_atomic_int_inc (&self->n_brought);
  g_cond_broadcast (&self->has_work);
  threads = self->threads;
  *n_threads = self->n_threads;
  self->threads = NULL;
  self->n_threads = 0;
  self->n_workers = 1;
  g_mutex_unlock (&self->lock);
  return threads;
}

void
ds_executor_stop (DsExecutor *self)
{
  guint n_threads;
  g_autofree GThread **threads = ds_executor_end_threads (self, &n_threads);

  for (guint i = 0; i < n_threads; i++)
    {
      if (threads[i] == g_thread_self ())
        g_thread_unref (threads[i]);
      else
        g_thread_join (threads[i]);
    }
}

void
ds_executor_free (DsExecutor *self)
{
  guint n_threads;
  g_autofree GThread **threads = ds_executor_end_threads (self, &n_threads);

  for (guint i = 0; i < n_threads; i++)
    g_thread_unref (threads[i]);
  ds_executor_drop (self);
}

void
ds_executor_run (DsExecutor *self, guint n_items, DsExecutorFunc func, gpointer data)
{
  DsExecutorRun run = { .func = func, .data = data, .n_items = n_items };
  DsExecutorRun **place;
  guint n_wanted;

  if (n_items == 0)
    return;

  g_mutex_lock (&self->lock);
  n_wanted = MIN (self->n_workers, n_items) - 1;
  if (n_wanted > 0)
    {
      ds_executor_make_threads_locked (self, n_wanted);
      n_wanted = MIN (self->n_threads, n_wanted);
    }
  for (place = &self->runs; *place != NULL; place = &(*place)->next)
    ;
  *place = &run;
  g_atomic_int_inc (&self->n_brought);
  for (guint i = 0; i < MIN (n_wanted, self->n_parked); i++)
    g_cond_signal (&self->has_work);
  g_mutex_unlock (&self->lock);

  ds_executor_run_items (&run);

  if (g_atomic_int_get (&run.n_helpers) == 1)
    ds_executor_spin (&run.n_helpers, 1);
  g_mutex_lock (&self->lock);
  for (place = &self->runs; *place != &run; place = &(*place)->next)
    ;
  *place = run.next;
  while (g_atomic_int_get (&run.n_helpers) > 0)
    g_cond_wait (&self->has_ended, &self->lock);
  g_mutex_unlock (&self->lock);
}

guint
ds_executor_get_n_threads (DsExecutor *self)
{
  guint n_threads;

  g_mutex_lock (&self->lock);
  n_threads = self->n_threads;
  g_mutex_unlock (&self->lock);
  return n_threads;
}
