/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A receiver spends its life waiting, so 5,000 of them need no 5,000 threads: two main
 * loops do.  They are made when somebody first wants one and joined when nobody does any
 * more, so that a program without receivers has no such thread, and a stopped one leaves
 * none behind. */

#include "receivers/ds-poll-threads-private.h"

#include "receivers/ds-receiver-supervisor-private.h"

#include "base/ds-error.h"

#include <glib-unix.h>
#include <unistd.h>

struct _DsPollThread
{
  gint ref_count; /* the table of threads while there are users, and the thread itself */
  GThread *thread;
  GMainContext *context;
  DsBlockTimer *timer;
  DsPollSource *source;
  gint quit;     /* atomic */
  guint n_users; /* guarded by ds_poll_threads_lock */
};

static GMutex ds_poll_threads_lock;
static DsPollThread *ds_poll_threads[DS_N_POLL_THREADS];

static void
ds_poll_thread_unref (DsPollThread *self)
{
  if (!g_atomic_int_dec_and_test (&self->ref_count))
    return;

  g_clear_pointer (&self->timer, ds_block_timer_free);
  g_clear_pointer (&self->source, ds_poll_source_free);
  g_clear_pointer (&self->context, g_main_context_unref);
  g_free (self);
}

static _Thread_local gboolean ds_receiver_thread_is_marked;

void
ds_receiver_thread_mark (void)
{
  ds_receiver_thread_is_marked = TRUE;
}

gboolean
ds_receiver_supervisor_is_inside (void)
{
  return ds_receiver_thread_is_marked;
}

static gpointer
ds_poll_thread_main (gpointer data)
{
  DsPollThread *self = data;

  ds_receiver_thread_mark ();
  g_main_context_push_thread_default (self->context);
  /* Not a GMainLoop: one that is told to quit before it runs would run for ever. */
  while (!g_atomic_int_get (&self->quit))
    g_main_context_iteration (self->context, TRUE);
  g_main_context_pop_thread_default (self->context);

  ds_poll_thread_unref (self);
  return NULL;
}

GMainContext *
ds_main_context_try_new (GError **error)
{
  int fds[2];

  /* A pipe takes as many as a main context at most.  Another thread may still be faster,
   * but the limit is seldom met in just this moment. */
  if (!g_unix_open_pipe (fds, FD_CLOEXEC, NULL))
    {
      g_set_error_literal (error, DS_ERROR, DS_ERROR_LIMIT,
                           "Cannot start a main loop: no file descriptor is left; close "
                           "some, or raise the limit (ulimit -n)");
      return NULL;
    }
  close (fds[0]);
  close (fds[1]);
  return g_main_context_new ();
}

/* Locks: ds_poll_threads_lock is held. */
static DsPollThread *
ds_poll_thread_new_locked (guint index, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GMainContext) context = ds_main_context_try_new (error);
  g_autofree char *name = g_strdup_printf ("ds-poll-%u", index);
  DsPollSource *source = NULL;
  DsPollThread *self = NULL;

  if (context == NULL)
    return NULL;
  source = ds_poll_source_new (context, error);
  if (source == NULL)
    return NULL;

  self = g_new0 (DsPollThread, 1);
  self->ref_count = 2;
  self->context = g_steal_pointer (&context);
  self->source = source;
  self->timer = ds_block_timer_new (self->context);
  self->thread = g_thread_try_new (name, ds_poll_thread_main, self, &local_error);
  if (self->thread == NULL)
    {
      self->ref_count = 1;
      ds_poll_thread_unref (self);
      g_set_error (error, DS_ERROR, DS_ERROR_FAILED,
                   "Cannot start a thread for receivers: %s; the limit of threads "
                   "(ulimit -u) may be reached",
                   local_error->message);
      return NULL;
    }
  return self;
}

DsPollThread *
ds_poll_thread_acquire (GError **error)
{
  g_autoptr (GError) local_error = NULL;
  DsPollThread *self = NULL;
  guint free_index = DS_N_POLL_THREADS;

  g_mutex_lock (&ds_poll_threads_lock);
  for (guint i = 0; i < DS_N_POLL_THREADS; i++)
    {
      DsPollThread *other = ds_poll_threads[i];

      if (other == NULL)
        free_index = MIN (free_index, i);
      else if (self == NULL || other->n_users < self->n_users)
        self = other;
    }
  if (free_index < DS_N_POLL_THREADS)
    {
      DsPollThread *fresh = ds_poll_thread_new_locked (free_index, &local_error);

      if (fresh != NULL)
        self = ds_poll_threads[free_index] = fresh;
    }
  if (self != NULL)
    self->n_users++;
  g_mutex_unlock (&ds_poll_threads_lock);

  if (self == NULL)
    g_propagate_error (error, g_steal_pointer (&local_error));
  return self;
}

void
ds_poll_thread_release (DsPollThread *self)
{
  gboolean is_last = FALSE;

  g_mutex_lock (&ds_poll_threads_lock);
  g_assert (self->n_users > 0);
  is_last = --self->n_users == 0;
  for (guint i = 0; is_last && i < DS_N_POLL_THREADS; i++)
    if (ds_poll_threads[i] == self)
      ds_poll_threads[i] = NULL;
  g_mutex_unlock (&ds_poll_threads_lock);

  if (!is_last)
    return;

  g_atomic_int_set (&self->quit, 1);
  g_main_context_wakeup (self->context);
  if (self->thread == g_thread_self ())
    g_thread_unref (self->thread);
  else
    g_thread_join (self->thread);
  ds_poll_thread_unref (self);
}

GMainContext *
ds_poll_thread_get_context (DsPollThread *self)
{
  return self->context;
}

DsBlockTimer *
ds_poll_thread_get_timer (DsPollThread *self)
{
  return self->timer;
}

DsPollSource *
ds_poll_thread_get_source (DsPollThread *self)
{
  return self->source;
}

void
ds_poll_thread_invoke (DsPollThread *self,
                       GSourceFunc func,
                       gpointer data,
                       GDestroyNotify destroy)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, func, data, destroy);
  g_source_attach (source, self->context);
}

guint
ds_poll_threads_get_n_running (void)
{
  guint n_running = 0;

  g_mutex_lock (&ds_poll_threads_lock);
  for (guint i = 0; i < DS_N_POLL_THREADS; i++)
    n_running += ds_poll_threads[i] != NULL;
  g_mutex_unlock (&ds_poll_threads_lock);
  return n_running;
}
