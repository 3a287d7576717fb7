/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The life of a receiver, in the receiver's thread: start, fail, pause, start again,
 * until it is wanted no more or says that it is at its end; then everything stored is
 * handed over and the owner told.
 *
 * There are two ways to run the same life.  A receiver that lives on a main context is
 * driven by a poll thread: by sources that begin a run or look at requests, and a watch
 * that ends a pause.  A receiver with a blocking run function has a thread that loops
 * over the same steps and pauses on a condition. */

#include "receivers/ds-receiver-runner-private.h"

#include "base/ds-error.h"

/* After a run this long the next pause is a short one again, even if nothing came. */
#define DS_RECEIVER_GOOD_RUN DS_BACKOFF_MAX
/* How long the end waits for acknowledgements that a poll thread delivers. */
#define DS_RECEIVER_PATIENCE (2 * DS_SECOND)

/* ---- The steps; Thread: receiver ---- */

/* TRUE when the receiver may run; FALSE when its end is wanted. */
static gboolean
ds_receiver_runner_begin (DsReceiverSupervisor *self)
{
  gboolean is_wanted = FALSE;

  g_mutex_lock (&self->lock);
  is_wanted = !self->wants_end;
  if (is_wanted)
    {
      /* Requests of the last run do not concern this one. */
      self->wants_restart = FALSE;
      g_clear_error (&self->request_error);
      g_atomic_int_set (&self->stopping, FALSE);
      g_clear_object (&self->cancellable);
      self->cancellable = g_cancellable_new ();
    }
  g_mutex_unlock (&self->lock);

  self->run_start = g_get_monotonic_time ();
  self->run_n_records = ds_receiver_supervisor_get_n_records (self);
  return is_wanted;
}

static void
ds_receiver_runner_tell_started (DsReceiverSupervisor *self)
{
  g_mutex_lock (&self->event_lock);
  if (!self->is_silent && self->events.started != NULL)
    self->events.started (self->owner, ds_receiver_get_location (self->receiver));
  g_mutex_unlock (&self->event_lock);
}

static gboolean
ds_receiver_runner_call_start (DsReceiverSupervisor *self, GError **error)
{
  g_autoptr (GError) local_error = NULL;

  if (DS_RECEIVER_GET_CLASS (self->receiver)->start (self->receiver, &local_error))
    return TRUE;

  if (local_error == NULL)
    g_set_error (&local_error, DS_ERROR, DS_ERROR_FAILED,
                 "%s failed without setting an error",
                 G_OBJECT_TYPE_NAME (self->receiver));
  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}

static void
ds_receiver_runner_call_stop (DsReceiverSupervisor *self)
{
  if (!self->is_running)
    return;

  self->is_running = FALSE;
  DS_RECEIVER_GET_CLASS (self->receiver)->stop (self->receiver);
}

/* Reports @error (nullable) with how long the pause will be, and returns that. */
static DsDuration
ds_receiver_runner_report_pause (DsReceiverSupervisor *self, const GError *error)
{
  g_autoptr (GError) report = NULL;
  g_autofree char *length = NULL;
  DsDuration pause = 0;

  ds_block_generator_cut (self->generator);
  if (ds_receiver_supervisor_get_n_records (self) != self->run_n_records ||
      g_get_monotonic_time () - self->run_start >= DS_RECEIVER_GOOD_RUN)
    ds_backoff_reset (&self->backoff);
  pause = ds_backoff_next (&self->backoff);

  if (pause < 100 * DS_MILLISECOND)
    length = g_strdup_printf ("%.0f ms", (double) pause / (double) DS_MILLISECOND);
  else
    length = g_strdup_printf ("%.1f s", (double) pause / (double) DS_SECOND);
  report =
      g_error_new (error != NULL ? error->domain : DS_ERROR,
                   error != NULL ? error->code : DS_ERROR_FAILED,
                   "%s; trying again in %s",
                   error != NULL ? error->message : "The receiver asked for a restart",
                   length);
  ds_receiver_supervisor_report (self, report, TRUE);
  return pause;
}

/* The last step.  The caller holds @self: the owner may have freed it on the way. */
static void
ds_receiver_runner_end (DsReceiverSupervisor *self, const GError *error)
{
  gboolean is_freed = FALSE;

  ds_receiver_runner_call_stop (self);
  g_atomic_int_set (&self->is_closed, TRUE);
  g_atomic_int_set (&self->stopping, TRUE);
  ds_block_generator_stop (self->generator);
  /* Whoever waits for the end may free then what the receiver works with; an owner that
   * notes tokens has more to tell, and says when that is all. */
  if (self->events.note_token == NULL && self->has_own_thread)
    ds_receiver_supervisor_hush (self, g_get_monotonic_time () + DS_RECEIVER_PATIENCE);
  else if (self->events.note_token == NULL)
    ds_receiver_supervisor_acknowledge_rest (self);

  g_mutex_lock (&self->event_lock);
  if (!self->is_silent)
    {
      if (error != NULL)
        g_message ("Receiver %u (%s) has stopped: %s", self->settings.stream_id,
                   ds_receiver_get_location (self->receiver), error->message);
      if (self->events.stopped != NULL)
        self->events.stopped (self->owner, error);
      self->is_silent = TRUE;
    }
  g_mutex_unlock (&self->event_lock);

  g_mutex_lock (&self->lock);
  self->is_over = TRUE;
  is_freed = self->is_freed;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);

  if (is_freed)
    ds_receiver_supervisor_let_go (self);
}

/* What is wanted now; @error (transfer full) (nullable) is the reason that was given. */
static void
ds_receiver_runner_take_request (DsReceiverSupervisor *self,
                                 gboolean *end,
                                 gboolean *restart,
                                 GError **error)
{
  g_mutex_lock (&self->lock);
  *end = self->wants_end;
  *restart = self->wants_restart;
  *error = g_steal_pointer (&self->request_error);
  self->wants_restart = FALSE;
  g_mutex_unlock (&self->lock);
}

/* ---- On a poll thread ---- */

static gboolean ds_receiver_runner_poll_run (gpointer data);
static gboolean ds_receiver_runner_poll_look (gpointer data);

static void
ds_receiver_runner_poll_pause_over (gpointer data)
{
  DsReceiverSupervisor *self = ds_receiver_supervisor_ref (data);

  ds_receiver_runner_poll_run (self);
  ds_receiver_supervisor_unref (self);
}

/* Thousands may pause at a time: no GSource each. */
static void
ds_receiver_runner_poll_pause (DsReceiverSupervisor *self, const GError *error)
{
  static const DsPollWatchFuncs funcs = { .due = ds_receiver_runner_poll_pause_over };
  DsDuration pause = ds_receiver_runner_report_pause (self, error);

  self->pause = ds_poll_watch_new (ds_receiver_supervisor_get_poll_source (self), &funcs,
                                   ds_receiver_supervisor_ref (self));
  ds_poll_watch_set_deadline (self->pause, g_get_monotonic_time () + pause);
}

/* The caller has a reference. */
static void
ds_receiver_runner_poll_clear_pause (DsReceiverSupervisor *self)
{
  if (self->pause == NULL)
    return;

  g_clear_pointer (&self->pause, ds_poll_watch_free);
  ds_receiver_supervisor_unref (self);
}

/* Begins a run: at start and after each pause. */
static gboolean
ds_receiver_runner_poll_run (gpointer data)
{
  DsReceiverSupervisor *self = data;
  g_autoptr (GError) error = NULL;

  ds_receiver_runner_poll_clear_pause (self);
  if (!ds_receiver_runner_begin (self))
    return ds_receiver_runner_poll_look (self);

  self->is_running = ds_receiver_runner_call_start (self, &error);
  if (self->is_running)
    ds_receiver_runner_tell_started (self);
  else
    ds_receiver_runner_poll_pause (self, error);
  return G_SOURCE_REMOVE;
}

static void
ds_receiver_runner_poll_try_end (DsReceiverSupervisor *self)
{
  if (!self->is_ending || self->n_operations > 0)
    return;

  ds_receiver_supervisor_ref (self);
  ds_receiver_runner_end (self, self->end_error);
  ds_receiver_supervisor_unref (self);
}

void
ds_receiver_supervisor_begin_operation (DsReceiverSupervisor *self)
{
  self->n_operations++;
}

void
ds_receiver_supervisor_end_operation (DsReceiverSupervisor *self)
{
  self->n_operations--;
  ds_receiver_runner_poll_try_end (self);
}

DsPollSource *
ds_receiver_supervisor_get_poll_source (DsReceiverSupervisor *self)
{
  return ds_poll_thread_get_source (self->poll_thread);
}

static gboolean
ds_receiver_runner_poll_look (gpointer data)
{
  DsReceiverSupervisor *self = data;
  g_autoptr (GError) error = NULL;
  gboolean end = FALSE;
  gboolean restart = FALSE;

  ds_receiver_runner_take_request (self, &end, &restart, &error);
  if (end && !self->is_ending)
    {
      ds_receiver_runner_poll_clear_pause (self);
      ds_receiver_runner_call_stop (self);
      self->is_ending = TRUE;
      self->end_error = g_steal_pointer (&error);
      ds_receiver_runner_poll_try_end (self);
    }
  else if (restart && self->is_running)
    {
      ds_receiver_runner_call_stop (self);
      ds_receiver_runner_poll_pause (self, error);
    }
  return G_SOURCE_REMOVE;
}

/* ---- On a thread of its own ---- */

/* TRUE when the pause is over, FALSE when the end is wanted. */
static gboolean
ds_receiver_runner_pause (DsReceiverSupervisor *self, const GError *error)
{
  gint64 deadline =
      g_get_monotonic_time () + ds_receiver_runner_report_pause (self, error);
  gboolean is_wanted = FALSE;

  g_mutex_lock (&self->lock);
  while (!self->wants_end && g_cond_wait_until (&self->changed, &self->lock, deadline))
    ;
  is_wanted = !self->wants_end;
  g_mutex_unlock (&self->lock);
  return is_wanted;
}

/* One run; TRUE when another one is to follow, else with @error (nullable) for the end.
 */
static gboolean
ds_receiver_runner_run_once (DsReceiverSupervisor *self, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GError) request_error = NULL;
  gboolean is_at_end = FALSE;
  gboolean end = FALSE;
  gboolean restart = FALSE;

  if (!ds_receiver_runner_begin (self))
    return FALSE;

  self->is_running = TRUE;
  ds_receiver_runner_tell_started (self);
  is_at_end = ds_receiver_runner_call_start (self, &local_error);
  ds_receiver_runner_take_request (self, &end, &restart, &request_error);
  if (end || (is_at_end && !restart))
    {
      /* A run that was told to stop usually fails with "cancelled": that is no error. */
      *error = g_steal_pointer (&request_error);
      return FALSE;
    }

  ds_receiver_runner_call_stop (self);
  return ds_receiver_runner_pause (self, restart ? request_error : local_error);
}

static gpointer
ds_receiver_runner_main (gpointer data)
{
  DsReceiverSupervisor *self = data;
  g_autoptr (GError) error = NULL;

  ds_receiver_thread_mark ();
  while (ds_receiver_runner_run_once (self, &error))
    ;
  ds_receiver_runner_end (self, error);
  ds_receiver_supervisor_unref (self);
  return NULL;
}

/* ---- From outside ---- */

void
ds_receiver_runner_invoke (DsReceiverSupervisor *self,
                           GSourceFunc func,
                           gpointer data,
                           GDestroyNotify destroy)
{
  gboolean is_queued = FALSE;

  g_mutex_lock (&self->lock);
  is_queued = self->poll_thread != NULL;
  if (is_queued)
    ds_poll_thread_invoke (self->poll_thread, func, data, destroy);
  g_mutex_unlock (&self->lock);
  if (!is_queued && destroy != NULL)
    destroy (data);
}

void
ds_receiver_runner_wake (DsReceiverSupervisor *self)
{
  if (!self->has_own_thread) /* that one waits on the condition */
    ds_receiver_runner_invoke (self, ds_receiver_runner_poll_look,
                               ds_receiver_supervisor_ref (self),
                               (GDestroyNotify) ds_receiver_supervisor_unref);
}

gboolean
ds_receiver_runner_start (DsReceiverSupervisor *self, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autofree char *name = NULL;

  self->poll_thread = ds_poll_thread_acquire (error);
  if (self->poll_thread == NULL)
    return FALSE;

  ds_block_generator_start (self->generator,
                            ds_poll_thread_get_timer (self->poll_thread));
  g_mutex_lock (&self->lock);
  self->is_started = TRUE;
  if (self->has_own_thread)
    {
      name = g_strdup_printf ("ds-receiver-%u", self->settings.stream_id);
      self->thread = g_thread_try_new (name, ds_receiver_runner_main,
                                       ds_receiver_supervisor_ref (self), &local_error);
      self->is_started = self->thread != NULL;
    }
  g_mutex_unlock (&self->lock);

  if (local_error != NULL)
    {
      ds_receiver_supervisor_unref (self);
      ds_block_generator_stop (self->generator);
      g_clear_pointer (&self->poll_thread, ds_poll_thread_release);
      g_set_error (
          error, DS_ERROR, DS_ERROR_FAILED,
          "Cannot start a thread for the receiver of stream %u: %s; the limit of "
          "threads (ulimit -u) may be reached",
          self->settings.stream_id, local_error->message);
      return FALSE;
    }
  if (!self->has_own_thread)
    ds_poll_thread_invoke (self->poll_thread, ds_receiver_runner_poll_run,
                           ds_receiver_supervisor_ref (self),
                           (GDestroyNotify) ds_receiver_supervisor_unref);
  return TRUE;
}
