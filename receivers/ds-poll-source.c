/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A turn of a GMainContext asks each of its sources whether it is ready, and the system
 * about each descriptor: with 500 connections on a thread that was most of the work for
 * the one of them that was busy.  Here the system keeps the set of descriptors (epoll),
 * and the main context sees a single source with a single one.
 *
 * Descriptors are watched for what is there, not for changes: who has not read all is
 * called again, behind the others that are ready, so nobody is kept waiting by a fast
 * one.  One that pauses is taken out of the set, as otherwise its end would be told of in
 * every turn. */

#include "receivers/ds-poll-source-private.h"

#include "receivers/ds-deadline-heap-private.h"

#include "base/ds-error.h"

#include <errno.h>
#include <gio/gio.h>
#include <sys/epoll.h>
#include <unistd.h>

#define DS_POLL_MAX_EVENTS 64 /* of a turn; others come in the next */

struct _DsPollSource
{
  GSource source;
  int epoll_fd;
  gpointer epoll_tag; /* of the source */

  /* Thread: poll. */
  gboolean is_dispatching;
  struct epoll_event events[DS_POLL_MAX_EVENTS];
  guint n_events;
  guint next_event; /* those before it are done with */
  DsDeadlineHeap deadlines;

  GMutex lock;  /* guards the following, and the source's ready time */
  GQueue woken; /* of DsPollWatch, by their links */
  gint64 ready_time;
};

struct _DsPollWatch
{
  DsPollSource *source; /* a reference */
  const DsPollWatchFuncs *funcs;
  gpointer owner;
  int fd; /* -1: not read */
  DsDeadline deadline;
  GList woken_link;
  gboolean is_woken; /* guarded by the source's lock: it is in the queue */
};

/* ---- The source ---- */

/* Locks: takes self->lock. */
static void
ds_poll_source_update (DsPollSource *self)
{
  DsDeadline *first = ds_deadline_heap_get_first (&self->deadlines);
  gint64 ready_time = first != NULL ? first->due : -1;

  g_mutex_lock (&self->lock);
  if (self->woken.length > 0)
    ready_time = 0;
  if (ready_time != self->ready_time)
    {
      self->ready_time = ready_time;
      g_source_set_ready_time (&self->source, ready_time);
    }
  g_mutex_unlock (&self->lock);
}

/* Those that are woken meanwhile have their turn in the next one. */
static void
ds_poll_source_dispatch_woken (DsPollSource *self)
{
  guint n_woken = G_MAXUINT;

  for (guint i = 0; i < n_woken; i++)
    {
      DsPollWatch *watch = NULL;
      GList *link = NULL;

      g_mutex_lock (&self->lock);
      if (i == 0)
        n_woken = self->woken.length;
      link = g_queue_pop_head_link (&self->woken);
      if (link != NULL)
        {
          watch = link->data;
          watch->is_woken = FALSE;
        }
      g_mutex_unlock (&self->lock);
      if (watch == NULL)
        return;
      if (watch->funcs->woken != NULL)
        watch->funcs->woken (watch->owner);
    }
}

static void
ds_poll_source_dispatch_events (DsPollSource *self)
{
  int n_events = epoll_wait (self->epoll_fd, self->events, DS_POLL_MAX_EVENTS, 0);

  self->n_events = (guint) MAX (n_events, 0);
  self->next_event = 0;
  while (self->next_event < self->n_events)
    {
      DsPollWatch *watch = self->events[self->next_event++].data.ptr;

      if (watch != NULL)
        watch->funcs->readable (watch->owner);
    }
  self->n_events = 0;
}

/* As many as there were: one that sets another deadline at once is not called again. */
static void
ds_poll_source_dispatch_due (DsPollSource *self)
{
  guint n_left = ds_deadline_heap_get_length (&self->deadlines);
  gint64 now = n_left > 0 ? g_get_monotonic_time () : 0;

  for (; n_left > 0; n_left--)
    {
      DsDeadline *first = ds_deadline_heap_get_first (&self->deadlines);
      DsPollWatch *watch = NULL;

      if (first == NULL || first->due > now)
        return;
      ds_deadline_heap_remove (&self->deadlines, first);
      watch = (gpointer) ((char *) first - G_STRUCT_OFFSET (DsPollWatch, deadline));
      if (watch->funcs->due != NULL)
        watch->funcs->due (watch->owner);
    }
}

static gboolean
ds_poll_source_dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  DsPollSource *self = (DsPollSource *) source;

  self->is_dispatching = TRUE;
  ds_poll_source_dispatch_woken (self);
  /* Before the deadlines: what has come in time is not late. */
  if (g_source_query_unix_fd (source, self->epoll_tag) != 0)
    ds_poll_source_dispatch_events (self);
  ds_poll_source_dispatch_due (self);
  self->is_dispatching = FALSE;
  ds_poll_source_update (self);
  return G_SOURCE_CONTINUE;
}

static void
ds_poll_source_finalize (GSource *source)
{
  DsPollSource *self = (DsPollSource *) source;

  if (self->epoll_fd >= 0)
    close (self->epoll_fd);
  ds_deadline_heap_clear (&self->deadlines);
  g_mutex_clear (&self->lock);
}

static GSourceFuncs ds_poll_source_funcs = {
  .dispatch = ds_poll_source_dispatch,
  .finalize = ds_poll_source_finalize,
};

DsPollSource *
ds_poll_source_new (GMainContext *context, GError **error)
{
  GSource *source = g_source_new (&ds_poll_source_funcs, sizeof (DsPollSource));
  DsPollSource *self = (DsPollSource *) source;

  g_mutex_init (&self->lock);
  g_queue_init (&self->woken);
  ds_deadline_heap_init (&self->deadlines);
  self->ready_time = -1;
  self->epoll_fd = epoll_create1 (EPOLL_CLOEXEC);
  if (self->epoll_fd < 0)
    {
      g_set_error (error, DS_ERROR, DS_ERROR_LIMIT,
                   "Cannot watch sockets: %s; close some file descriptors, or raise the "
                   "limit (ulimit -n)",
                   g_strerror (errno));
      g_source_unref (source);
      return NULL;
    }
  self->epoll_tag = g_source_add_unix_fd (source, self->epoll_fd, G_IO_IN);
  g_source_set_static_name (source, "DsPollSource");
  g_source_attach (source, context);
  return self;
}

void
ds_poll_source_free (DsPollSource *self)
{
  g_source_destroy (&self->source);
  g_source_unref (&self->source);
}

/* ---- A watch ---- */

DsPollWatch *
ds_poll_watch_new (DsPollSource *source, const DsPollWatchFuncs *funcs, gpointer owner)
{
  DsPollWatch *self = g_new0 (DsPollWatch, 1);

  self->source = (DsPollSource *) g_source_ref (&source->source);
  self->funcs = funcs;
  self->owner = owner;
  self->fd = -1;
  self->woken_link.data = self;
  return self;
}

void
ds_poll_watch_free (DsPollWatch *self)
{
  DsPollSource *source = self->source;

  ds_poll_watch_stop_reading (self);
  ds_poll_watch_set_deadline (self, -1);
  g_mutex_lock (&source->lock);
  if (self->is_woken)
    g_queue_unlink (&source->woken, &self->woken_link);
  g_mutex_unlock (&source->lock);
  g_free (self);
  g_source_unref (&source->source);
}

gboolean
ds_poll_watch_start_reading (DsPollWatch *self, int fd, GError **error)
{
  struct epoll_event event = { .events = EPOLLIN | EPOLLRDHUP, .data.ptr = self };

  g_assert (self->fd < 0 && self->funcs->readable != NULL);
  if (epoll_ctl (self->source->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
    {
      int saved_errno = errno;

      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (saved_errno),
                   "it cannot be watched: %s", g_strerror (saved_errno));
      return FALSE;
    }
  self->fd = fd;
  return TRUE;
}

void
ds_poll_watch_stop_reading (DsPollWatch *self)
{
  DsPollSource *source = self->source;

  if (self->fd < 0)
    return;

  epoll_ctl (source->epoll_fd, EPOLL_CTL_DEL, self->fd, NULL);
  self->fd = -1;
  for (guint i = source->next_event; i < source->n_events; i++)
    if (source->events[i].data.ptr == self)
      source->events[i].data.ptr = NULL;
}

void
ds_poll_watch_set_deadline (DsPollWatch *self, gint64 due)
{
  if (due >= 0)
    ds_deadline_heap_set (&self->source->deadlines, &self->deadline, due);
  else
    ds_deadline_heap_remove (&self->source->deadlines, &self->deadline);
  if (!self->source->is_dispatching)
    ds_poll_source_update (self->source);
}

void
ds_poll_watch_wake (DsPollWatch *self)
{
  DsPollSource *source = self->source;

  g_mutex_lock (&source->lock);
  if (!self->is_woken)
    {
      self->is_woken = TRUE;
      g_queue_push_tail_link (&source->woken, &self->woken_link);
    }
  if (source->ready_time != 0)
    {
      source->ready_time = 0;
      g_source_set_ready_time (&source->source, 0);
    }
  g_mutex_unlock (&source->lock);
}
