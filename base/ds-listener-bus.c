/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Events wait in one queue; whoever may deliver takes the head, one at a time.  Three
 * may: the bus's thread while nobody owns the main context, a source in that context
 * while somebody does, and a flush by the context's owner, who could not dispatch the
 * source while it waits.  The bus's thread looks again every few milliseconds as long as
 * an event waits for a loop, because a loop may be quit without notice. */

#include "base/ds-listener-bus-private.h"

/* How long an event waits for the owner of the main context before the bus asks whether
 * there still is one, in µs. */
#define DS_LISTENER_BUS_RECHECK 5000

typedef struct
{
  DsListenerFunc deliver;
  gpointer event;
  GDestroyNotify destroy;
} DsListenerEvent;

struct _DsListenerBus
{
  gint ref_count; /* the owner's, the source's, those of other threads that flush */
  GMainContext *context;

  GMutex lock; /* guards all below */
  GCond changed;
  GQueue events;
  guint64 n_posted;
  guint64 n_delivered;
  GThread *delivering_thread; /* (nullable): inside a delivery */
  GSource *source;            /* (nullable): attached, not dispatched yet */
  GThread *thread;            /* (nullable): started with the first event */
  gboolean is_ending;
};

DsListenerBus *
ds_listener_bus_ref (DsListenerBus *self)
{
  g_atomic_int_inc (&self->ref_count);
  return self;
}

void
ds_listener_bus_unref (DsListenerBus *self)
{
  if (!g_atomic_int_dec_and_test (&self->ref_count))
    return;
  g_main_context_unref (self->context);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->changed);
  g_free (self);
}

/* Delivers the head of the queue on this thread; FALSE when there is none or when another
 * delivery is under way.  Locks: takes self->lock, not held across the handler. */
static gboolean
ds_listener_bus_deliver_one (DsListenerBus *self)
{
  DsListenerEvent *event = NULL;

  g_mutex_lock (&self->lock);
  if (self->delivering_thread == NULL)
    event = g_queue_pop_head (&self->events);
  if (event != NULL)
    self->delivering_thread = g_thread_self ();
  g_mutex_unlock (&self->lock);

  if (event == NULL)
    return FALSE;

  event->deliver (event->event);
  if (event->destroy != NULL)
    event->destroy (event->event);
  g_free (event);

  g_mutex_lock (&self->lock);
  self->delivering_thread = NULL;
  self->n_delivered++;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
  return TRUE;
}

/* Thread: the one that iterates the context. */
static gboolean
ds_listener_bus_dispatch (gpointer data)
{
  DsListenerBus *self = data;

  g_mutex_lock (&self->lock);
  g_clear_pointer (&self->source, g_source_unref);
  g_mutex_unlock (&self->lock);

  while (ds_listener_bus_deliver_one (self))
    ;
  return G_SOURCE_REMOVE;
}

/* Thread: bus.  Locks: needs self->lock, gives it up meanwhile. */
static void
ds_listener_bus_serve_locked (DsListenerBus *self)
{
  /* A context that can be acquired is iterated by nobody.  It is not kept while the
   * handler runs: a handler may wait for the thread that wants to iterate it next. */
  g_mutex_unlock (&self->lock);
  gboolean is_idle = g_main_context_acquire (self->context);

  if (is_idle)
    {
      g_main_context_release (self->context);
      ds_listener_bus_deliver_one (self);
    }
  g_mutex_lock (&self->lock);
  if (is_idle || g_queue_is_empty (&self->events))
    return;

  if (self->source == NULL)
    {
      self->source = g_idle_source_new ();
      g_source_set_priority (self->source, G_PRIORITY_DEFAULT);
      g_source_set_callback (self->source, ds_listener_bus_dispatch,
                             ds_listener_bus_ref (self),
                             (GDestroyNotify) ds_listener_bus_unref);
      g_source_attach (self->source, self->context);
    }
  g_cond_wait_until (&self->changed, &self->lock,
                     g_get_monotonic_time () + DS_LISTENER_BUS_RECHECK);
}

static gpointer
ds_listener_bus_run (gpointer data)
{
  DsListenerBus *self = data;

  g_mutex_lock (&self->lock);
  while (!self->is_ending || !g_queue_is_empty (&self->events))
    {
      if (g_queue_is_empty (&self->events) || self->delivering_thread != NULL)
        g_cond_wait (&self->changed, &self->lock);
      else
        ds_listener_bus_serve_locked (self);
    }
  g_mutex_unlock (&self->lock);
  return NULL;
}

DsListenerBus *
ds_listener_bus_new (GMainContext *context)
{
  DsListenerBus *self = g_new0 (DsListenerBus, 1);

  self->ref_count = 1;
  self->context =
      g_main_context_ref (context != NULL ? context : g_main_context_default ());
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  g_queue_init (&self->events);
  return self;
}

void
ds_listener_bus_post (DsListenerBus *self,
                      DsListenerFunc deliver,
                      gpointer event,
                      GDestroyNotify destroy)
{
  DsListenerEvent *queued = g_new (DsListenerEvent, 1);

  queued->deliver = deliver;
  queued->event = event;
  queued->destroy = destroy;

  g_mutex_lock (&self->lock);
  g_queue_push_tail (&self->events, queued);
  self->n_posted++;
  /* Without a thread of its own the bus still delivers: the next post tries again, and a
   * flush delivers where it is called. */
  if (self->thread == NULL)
    self->thread = g_thread_try_new ("ds-listener", ds_listener_bus_run, self, NULL);
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
}

gboolean
ds_listener_bus_is_delivering (DsListenerBus *self)
{
  g_mutex_lock (&self->lock);
  gboolean is_delivering = self->delivering_thread == g_thread_self ();
  g_mutex_unlock (&self->lock);
  return is_delivering;
}

/* Waits until another delivery has ended; FALSE as ds_listener_bus_flush_until (). */
static gboolean
ds_listener_bus_wait_locked (DsListenerBus *self, gint64 deadline, gint64 patience)
{
  gint64 now = g_get_monotonic_time ();
  gint64 end = patience < deadline - now ? now + patience : deadline;
  guint64 n_delivered = self->n_delivered;
  gboolean in_time = TRUE;

  while (in_time && self->n_delivered == n_delivered)
    if (end == G_MAXINT64)
      g_cond_wait (&self->changed, &self->lock);
    else
      in_time = g_cond_wait_until (&self->changed, &self->lock, end);
  return self->n_delivered != n_delivered;
}

gboolean
ds_listener_bus_flush_until (DsListenerBus *self, gint64 deadline, gint64 patience)
{
  gboolean in_time = TRUE;

  if (ds_listener_bus_is_delivering (self))
    return FALSE;

  g_mutex_lock (&self->lock);
  guint64 target = self->n_posted;

  while (in_time && self->n_delivered < target)
    {
      gboolean delivers_here =
          self->delivering_thread == NULL &&
          (self->thread == NULL || g_main_context_is_owner (self->context));

      if (!delivers_here)
        {
          in_time = ds_listener_bus_wait_locked (self, deadline, patience);
          continue;
        }
      g_mutex_unlock (&self->lock);
      in_time = g_get_monotonic_time () < deadline;
      if (in_time)
        ds_listener_bus_deliver_one (self);
      g_mutex_lock (&self->lock);
    }
  g_mutex_unlock (&self->lock);
  return in_time;
}

void
ds_listener_bus_flush (DsListenerBus *self)
{
  ds_listener_bus_flush_until (self, G_MAXINT64, G_MAXINT64);
}

void
ds_listener_bus_free (DsListenerBus *self)
{
  g_return_if_fail (!ds_listener_bus_is_delivering (self));

  ds_listener_bus_flush (self);

  g_mutex_lock (&self->lock);
  self->is_ending = TRUE;
  g_cond_broadcast (&self->changed);
  GThread *thread = g_steal_pointer (&self->thread);
  g_mutex_unlock (&self->lock);

  if (thread != NULL)
    g_thread_join (thread);

  g_mutex_lock (&self->lock);
  GSource *source = g_steal_pointer (&self->source);
  g_mutex_unlock (&self->lock);

  if (source != NULL)
    {
      g_source_destroy (source);
      g_source_unref (source);
    }
  ds_listener_bus_unref (self);
}
