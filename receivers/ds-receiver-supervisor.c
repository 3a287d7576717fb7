/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A supervisor stands between one receiver and whoever owns the stream.  This file is
 * what any thread may ask of it: storing, stopping, waiting, counting, and the passing on
 * of blocks and events; what happens in the receiver's own thread is in
 * ds-receiver-runner.c.
 *
 * Requests (stop, finish, restart) only set a flag under self->lock and wake that thread.
 * Events go out under self->event_lock, so that they come one at a time and none comes
 * after ds_receiver_supervisor_free ().  Locks are taken in the order of the block
 * generator's push lock, event_lock, lock. */

#include "receivers/ds-receiver-runner-private.h"

#include "base/ds-error.h"

#include <string.h>

#define DS_DEFAULT_BLOCK_INTERVAL (200 * DS_MILLISECOND)
#define DS_DEFAULT_MAX_BLOCK_BYTES ((gsize) 1 << 20)
#define DS_DEFAULT_RESTART_DELAY (2 * DS_SECOND)
#define DS_DEFAULT_MAX_RECORD_BYTES ((gsize) 1 << 20)

/* Thread: any.  Locks: the generator's push lock is held; takes event_lock. */
static gboolean
ds_receiver_supervisor_push (gpointer owner,
                             DsBlock *block /* (transfer full) */,
                             gsize n_records,
                             gsize n_bytes,
                             GError **error)
{
  DsReceiverSupervisor *self = owner;
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GError) lost = NULL;
  gboolean is_added = FALSE;

  g_mutex_lock (&self->event_lock);
  if (!self->is_silent)
    is_added =
        self->events.add_block (self->owner, block, n_records, n_bytes, &local_error);
  else
    {
      ds_block_unref (block);
      g_set_error_literal (&local_error, DS_ERROR, DS_ERROR_STOPPED,
                           "The stream that the receiver belonged to is gone");
    }
  g_mutex_unlock (&self->event_lock);

  if (is_added)
    {
      __atomic_add_fetch (&self->n_records, (gint64) n_records, __ATOMIC_RELAXED);
      return TRUE;
    }
  if (error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }

  /* Nobody waits for this block, so nobody else would hear of it. */
  ds_receiver_supervisor_add_dropped (self, (gint64) n_records);
  lost = g_error_new (local_error->domain, local_error->code,
                      "A block of %" G_GSIZE_FORMAT " records was lost: %s", n_records,
                      local_error->message);
  ds_receiver_supervisor_report (self, lost, FALSE);
  return FALSE;
}

DsReceiverSupervisor *
ds_receiver_supervisor_new (DsReceiver *receiver,
                            const DsReceiverSettings *settings,
                            const DsReceiverEvents *events,
                            gpointer owner)
{
  DsReceiverSupervisor *self = g_new0 (DsReceiverSupervisor, 1);
  DsReceiverSettings *own = &self->settings;

  self->ref_count = 1;
  self->receiver = g_object_ref (receiver);
  self->events = *events;
  self->owner = owner;

  *own = *settings;
  if (own->block_interval <= 0)
    own->block_interval = DS_DEFAULT_BLOCK_INTERVAL;
  if (own->max_block_bytes == 0)
    own->max_block_bytes = DS_DEFAULT_MAX_BLOCK_BYTES;
  if (own->restart_delay <= 0)
    own->restart_delay = DS_DEFAULT_RESTART_DELAY;
  if (own->max_record_bytes == 0)
    own->max_record_bytes = DS_DEFAULT_MAX_RECORD_BYTES;
  own->clock = own->clock != NULL ? g_object_ref (own->clock) : ds_clock_new_system ();
  own->pool =
      ds_arena_pool_ref (own->pool != NULL ? own->pool : ds_arena_pool_get_default ());
  own->budget = ds_memory_budget_ref (own->budget);

  self->generator =
      ds_block_generator_new (own->block_interval, own->max_block_bytes, own->budget,
                              ds_receiver_supervisor_push, self);
  if (own->cuts_at_once)
    ds_block_generator_set_cuts_at_once (self->generator);
  self->limiter = ds_rate_limiter_new (own->clock, own->batch_interval, own->max_rate,
                                       own->initial_rate);
  self->has_own_thread = DS_RECEIVER_GET_CLASS (receiver)->run != NULL;
  self->stores_until_stopped = ds_receiver_has_own_stop (receiver);
  g_mutex_init (&self->event_lock);
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  self->is_attached = ds_receiver_attach (receiver, self);
  return self;
}

DsReceiverSupervisor *
ds_receiver_supervisor_ref (DsReceiverSupervisor *self)
{
  g_atomic_int_inc (&self->ref_count);
  return self;
}

void
ds_receiver_supervisor_unref (DsReceiverSupervisor *self)
{
  if (!g_atomic_int_dec_and_test (&self->ref_count))
    return;

  if (self->has_backoff)
    ds_backoff_clear (&self->backoff);
  g_clear_pointer (&self->generator, ds_block_generator_unref);
  g_clear_pointer (&self->limiter, ds_rate_limiter_free);
  g_clear_error (&self->request_error);
  g_clear_error (&self->end_error);
  g_clear_pointer (&self->tokens, g_array_unref);
  g_clear_pointer (&self->storing, g_array_unref);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->settings.clock);
  g_clear_pointer (&self->settings.pool, ds_arena_pool_unref);
  g_clear_pointer (&self->settings.budget, ds_memory_budget_unref);
  g_mutex_clear (&self->event_lock);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->changed);
  g_free (self);
}

void
ds_receiver_supervisor_set_seed (DsReceiverSupervisor *self, guint32 seed)
{
  if (self->has_backoff)
    ds_backoff_clear (&self->backoff);
  ds_backoff_init (&self->backoff, self->settings.restart_delay, seed);
  self->has_backoff = TRUE;
}

gboolean
ds_receiver_supervisor_start (DsReceiverSupervisor *self, GError **error)
{
  gboolean is_first = FALSE;

  if (!self->is_attached)
    {
      g_set_error (error, DS_ERROR, DS_ERROR_INVALID_STATE,
                   "The receiver %s already serves stream %u; every stream needs a "
                   "receiver of its own",
                   ds_receiver_get_location (self->receiver),
                   ds_receiver_get_stream_id (self->receiver));
      return FALSE;
    }
  if (!self->has_own_thread && !ds_receiver_has_own_start (self->receiver))
    {
      g_set_error (
          error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT,
          "The receiver type %s overrides neither run nor start; it needs one of "
          "them to receive anything",
          G_OBJECT_TYPE_NAME (self->receiver));
      return FALSE;
    }

  g_mutex_lock (&self->lock);
  is_first = !self->is_started && !self->wants_end;
  g_mutex_unlock (&self->lock);
  if (!is_first)
    {
      g_set_error (error, DS_ERROR, DS_ERROR_INVALID_STATE,
                   "The receiver of stream %u has already been started or stopped",
                   self->settings.stream_id);
      return FALSE;
    }

  if (!self->has_backoff)
    ds_receiver_supervisor_set_seed (self, g_random_int ());
  return ds_receiver_runner_start (self, error);
}

void
ds_receiver_supervisor_cut (DsReceiverSupervisor *self)
{
  ds_block_generator_cut (self->generator);
}

void
ds_receiver_supervisor_end_batch (DsReceiverSupervisor *self)
{
  ds_rate_limiter_end_batch (self->limiter);
  ds_block_generator_cut (self->generator);
}

void
ds_receiver_supervisor_begin_batch (DsReceiverSupervisor *self, guint64 n_waiting)
{
  ds_rate_limiter_begin_batch (self->limiter, n_waiting);
}

void
ds_receiver_supervisor_publish_rate (DsReceiverSupervisor *self, double rate)
{
  ds_rate_limiter_publish (self->limiter, rate);
}

guint64
ds_receiver_supervisor_get_rate (DsReceiverSupervisor *self)
{
  return ds_rate_limiter_get_rate (self->limiter);
}

/* @error (transfer full) (nullable).  Locks: takes lock. */
static void
ds_receiver_supervisor_request (DsReceiverSupervisor *self, gboolean end, GError *error)
{
  g_autoptr (GCancellable) cancellable = NULL;
  g_autoptr (GError) dropped = error;
  gboolean is_to_wake = FALSE;

  g_mutex_lock (&self->lock);
  if (!self->is_over && !self->wants_end && (end || !self->wants_restart))
    {
      self->wants_end = end;
      self->wants_restart = !end;
      g_clear_error (&self->request_error);
      self->request_error = g_steal_pointer (&dropped);
      /* A restart need not interrupt what only lives on a main context. */
      if (end || self->has_own_thread)
        g_atomic_int_set (&self->stopping, TRUE);
      if (end && !self->stores_until_stopped)
        g_atomic_int_set (&self->is_closed, TRUE);
      if (self->cancellable != NULL)
        cancellable = g_object_ref (self->cancellable);
      is_to_wake = self->is_started;
      g_cond_broadcast (&self->changed);
    }
  g_mutex_unlock (&self->lock);

  if (!is_to_wake)
    return;

  if (ds_receiver_supervisor_is_stopping (self))
    {
      if (cancellable != NULL)
        g_cancellable_cancel (cancellable);
      ds_memory_budget_wake (self->settings.budget);
      ds_rate_limiter_wake (self->limiter);
      ds_clock_wake (self->settings.clock);
    }
  ds_receiver_runner_wake (self);
}

void
ds_receiver_supervisor_restart (DsReceiverSupervisor *self, GError *error)
{
  ds_receiver_supervisor_request (self, FALSE, error);
}

void
ds_receiver_supervisor_finish (DsReceiverSupervisor *self, GError *error)
{
  ds_receiver_supervisor_request (self, TRUE, error);
}

void
ds_receiver_supervisor_stop_async (DsReceiverSupervisor *self)
{
  ds_receiver_supervisor_request (self, TRUE, NULL);
}

gboolean
ds_receiver_supervisor_join (DsReceiverSupervisor *self, gint64 deadline)
{
  g_autoptr (GThread) thread = NULL;
  gboolean is_over = FALSE;

  g_mutex_lock (&self->lock);
  while (self->is_started && !self->is_over &&
         g_cond_wait_until (&self->changed, &self->lock, deadline))
    ;
  is_over = !self->is_started || self->is_over;
  if (is_over)
    thread = g_steal_pointer (&self->thread);
  g_mutex_unlock (&self->lock);

  if (thread != NULL)
    g_thread_join (g_steal_pointer (&thread));
  return is_over;
}

gboolean
ds_receiver_supervisor_is_active (DsReceiverSupervisor *self)
{
  gboolean is_active = FALSE;

  g_mutex_lock (&self->lock);
  is_active = self->is_started && !self->is_over;
  g_mutex_unlock (&self->lock);
  return is_active;
}

gint64
ds_receiver_supervisor_get_n_records (DsReceiverSupervisor *self)
{
  return __atomic_load_n (&self->n_records, __ATOMIC_RELAXED);
}

gint64
ds_receiver_supervisor_get_n_dropped (DsReceiverSupervisor *self)
{
  return __atomic_load_n (&self->n_dropped, __ATOMIC_RELAXED);
}

void
ds_receiver_supervisor_add_dropped (DsReceiverSupervisor *self, gint64 n_records)
{
  __atomic_add_fetch (&self->n_dropped, n_records, __ATOMIC_RELAXED);
}

/* Thread: the owner's or, when that came first, the receiver's. */
void
ds_receiver_supervisor_let_go (DsReceiverSupervisor *self)
{
  g_autoptr (GThread) thread = NULL;
  g_autoptr (DsReceiver) receiver = NULL;
  DsPollThread *poll_thread = NULL;

  g_mutex_lock (&self->lock);
  thread = g_steal_pointer (&self->thread);
  receiver = g_steal_pointer (&self->receiver);
  poll_thread = g_steal_pointer (&self->poll_thread);
  g_mutex_unlock (&self->lock);

  if (poll_thread != NULL)
    ds_poll_thread_release (poll_thread);
}

void
ds_receiver_supervisor_free (DsReceiverSupervisor *self)
{
  gboolean is_over = FALSE;

  g_mutex_lock (&self->event_lock);
  self->is_silent = TRUE;
  g_mutex_unlock (&self->event_lock);

  ds_receiver_supervisor_stop_async (self);
  g_atomic_int_set (&self->is_closed, TRUE);

  g_mutex_lock (&self->lock);
  self->is_freed = TRUE;
  self->is_deaf = TRUE;
  if (self->tokens != NULL)
    self->n_heard = self->tokens->len;
  is_over = !self->is_started || self->is_over;
  g_mutex_unlock (&self->lock);

  if (is_over)
    ds_receiver_supervisor_let_go (self);
  ds_receiver_supervisor_unref (self);
}

/* ---- For the receiver ---- */

const DsReceiverSettings *
ds_receiver_supervisor_get_settings (DsReceiverSupervisor *self)
{
  return &self->settings;
}

DsBlockGenerator *
ds_receiver_supervisor_get_generator (DsReceiverSupervisor *self)
{
  return self->generator;
}

DsRateLimiter *
ds_receiver_supervisor_get_limiter (DsReceiverSupervisor *self)
{
  return self->limiter;
}

GCancellable *
ds_receiver_supervisor_ref_cancellable (DsReceiverSupervisor *self)
{
  GCancellable *cancellable = NULL;

  g_mutex_lock (&self->lock);
  if (self->cancellable != NULL)
    cancellable = g_object_ref (self->cancellable);
  g_mutex_unlock (&self->lock);
  return cancellable;
}

gboolean
ds_receiver_supervisor_is_stopping (DsReceiverSupervisor *self)
{
  return g_atomic_int_get (&self->stopping);
}

gboolean
ds_receiver_supervisor_sleep (DsReceiverSupervisor *self, DsDuration duration)
{
  DsClock *clock = self->settings.clock;
  DsTime now = ds_clock_get_steady_time (clock);

  if (duration > 0)
    ds_clock_wait_until (clock, now + MIN (duration, G_MAXINT64 - MAX (now, 0)),
                         &self->stopping);
  return !ds_receiver_supervisor_is_stopping (self);
}

/* Waits for the memory budget and the rate limit.  FALSE when nothing may be stored any
 * more; else @n_reserved (out) is to be settled with the limiter after the store. */
static gboolean
ds_receiver_supervisor_wait_for_room (DsReceiverSupervisor *self,
                                      gsize n_records,
                                      gsize *n_reserved)
{
  gboolean may_store = FALSE;

  *n_reserved = 0;
  if (G_UNLIKELY (g_atomic_int_get (&self->is_closed)))
    return FALSE;
  may_store =
      (G_LIKELY (ds_memory_budget_has_room (self->settings.budget)) ||
       ds_memory_budget_wait (self->settings.budget, &self->stopping)) &&
      ds_rate_limiter_reserve (self->limiter, n_records, &self->stopping, n_reserved);
  if (!may_store)
    {
      /* What a stop function still has must go somewhere, and whoever made room may have
       * ended already; nor does a stop wait for a slow rate. */
      g_mutex_lock (&self->lock);
      may_store = self->wants_end && self->stores_until_stopped;
      g_mutex_unlock (&self->lock);
    }
  if (may_store && !g_atomic_int_get (&self->is_closed))
    return TRUE;

  ds_rate_limiter_settle (self->limiter, *n_reserved);
  return FALSE;
}

void
ds_receiver_supervisor_await_room (DsReceiverSupervisor *self)
{
  if (!ds_memory_budget_has_room (self->settings.budget))
    ds_memory_budget_wait (self->settings.budget, &self->stopping);
}

/* A store before start is a mistake of the program, one after stop is not. */
static void
ds_receiver_supervisor_refuse_early_store (DsReceiverSupervisor *self)
{
  if (ds_block_generator_get_state (self->generator) == DS_BLOCK_GENERATOR_INITIALIZED)
    g_critical ("The receiver of stream %u stores before the stream was started",
                self->settings.stream_id);
}

gboolean
ds_receiver_supervisor_store (DsReceiverSupervisor *self, DsValue value)
{
  g_autoptr (GError) error = NULL; /* whoever stores learns that it was not stored */
  gboolean is_stored = FALSE;
  gsize n_reserved = 0;

  if (!ds_receiver_supervisor_wait_for_room (self, 1, &n_reserved))
    return FALSE;

  is_stored = ds_block_generator_add (self->generator, value, &error);
  ds_rate_limiter_settle (self->limiter, n_reserved);
  if (G_UNLIKELY (!is_stored))
    ds_receiver_supervisor_refuse_early_store (self);
  return is_stored;
}

/* Waits for room; FALSE with error when it was not stored. */
static gboolean
ds_receiver_supervisor_add_block (DsReceiverSupervisor *self,
                                  DsBlock *block,
                                  GError **error)
{
  gsize n_records = ds_block_get_length (block);
  gboolean is_stored = TRUE;
  gsize n_reserved = 0;

  if (!ds_receiver_supervisor_wait_for_room (self, n_records, &n_reserved))
    {
      g_set_error (error, DS_ERROR, DS_ERROR_STOPPED,
                   "The receiver of stream %u is stopping and stores nothing more",
                   self->settings.stream_id);
      return FALSE;
    }
  if (n_records > 0)
    is_stored = ds_block_generator_add_block (self->generator, block, error);
  ds_rate_limiter_settle (self->limiter, n_reserved);
  if (!is_stored)
    ds_receiver_supervisor_refuse_early_store (self);
  return is_stored;
}

gboolean
ds_receiver_supervisor_store_block (DsReceiverSupervisor *self,
                                    DsReceiver *receiver,
                                    DsBlock *block,
                                    guint64 token,
                                    GError **error)
{
  gboolean has_token =
      token != 0 && DS_RECEIVER_GET_CLASS (receiver)->acknowledged != NULL;
  gboolean is_stored = FALSE;

  if (has_token)
    ds_receiver_supervisor_begin_storing (self, token);
  is_stored = ds_receiver_supervisor_add_block (self, block, error);
  if (has_token)
    ds_receiver_supervisor_note_token (self, token, is_stored);
  return is_stored;
}

void
ds_receiver_supervisor_report (DsReceiverSupervisor *self,
                               const GError *error,
                               gboolean is_down)
{
  g_mutex_lock (&self->event_lock);
  if (!self->is_silent)
    {
      const char *location = ds_receiver_get_location (self->receiver);

      if (strstr (error->message, location) != NULL)
        g_message ("Receiver %u: %s", self->settings.stream_id, error->message);
      else
        g_message ("Receiver %u (%s): %s", self->settings.stream_id, location,
                   error->message);
      if (self->events.error != NULL)
        self->events.error (self->owner, error, is_down);
    }
  g_mutex_unlock (&self->event_lock);
}
