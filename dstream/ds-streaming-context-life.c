/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* From start on: what can be known to be wrong fails at start; then the sources, then the
 * batches.  Whoever waits sleeps on one condition, which the end of a stop and the first
 * failure wake. */

#include "base/ds-time-private.h"
#include "dstream/ds-streaming-context-private.h"
#include "rdd/ds-task-private.h"

#include <unistd.h>

/* The one that runs in this process, with a reference. */
static GMutex ds_active_lock;
static DsStreamingContext *ds_active;

gboolean
ds_streaming_context_check_process (DsStreamingContext *self, GError **error)
{
  if (self->pid == getpid ())
    return TRUE;

  g_set_error (error, DS_ERROR, DS_ERROR_INVALID_STATE,
               "The streaming context was made by process %d, and this is process %d; "
               "its threads do not run here; make a new one after fork ()",
               (int) self->pid, (int) getpid ());
  return FALSE;
}

gboolean
ds_streaming_context_is_inside (DsStreamingContext *self)
{
  DsTask *task = ds_task_get_current ();
  gboolean is_inside;

  if (ds_receiver_supervisor_is_inside ())
    return TRUE;
  if (task != NULL && task->context == self->context)
    return TRUE;

  g_mutex_lock (&self->lock);
  is_inside = self->life_thread == g_thread_self () ||
              ds_driver_is_own_thread (self->driver) ||
              (self->bus != NULL && ds_listener_bus_is_delivering (self->bus));
  g_mutex_unlock (&self->lock);
  return is_inside;
}

/* ---- The one active context ---- */

static gboolean
ds_streaming_context_enter_active (DsStreamingContext *self, GError **error)
{
  gboolean is_free;

  g_mutex_lock (&ds_active_lock);
  is_free = ds_active == NULL;
  if (is_free)
    ds_active = g_object_ref (self);
  else
    g_set_error (error, DS_ERROR, DS_ERROR_INVALID_STATE,
                 "Only one StreamingContext may be started in a process, and the one of "
                 "application \"%s\" is active; stop it first, or use "
                 "ds_streaming_context_get_active ()",
                 ds_context_get_app_name (ds_active->context));
  g_mutex_unlock (&ds_active_lock);
  return is_free;
}

void
ds_streaming_context_leave_active (DsStreamingContext *self)
{
  DsStreamingContext *held = NULL;

  g_mutex_lock (&ds_active_lock);
  if (ds_active == self)
    held = g_steal_pointer (&ds_active);
  g_mutex_unlock (&ds_active_lock);
  g_clear_object (&held);
}

/**
 * ds_streaming_context_get_active:
 *
 * The streaming context that is started and not stopped in this process.  Any thread.
 *
 * Returns: (transfer full) (nullable): a new reference to it; %NULL when there is none
 */
DsStreamingContext *
ds_streaming_context_get_active (void)
{
  DsStreamingContext *active;

  g_mutex_lock (&ds_active_lock);
  active = ds_active != NULL ? g_object_ref (ds_active) : NULL;
  g_mutex_unlock (&ds_active_lock);

  /* Its place is taken while it starts and stops, too. */
  if (active != NULL && ds_streaming_context_get_state (active) != DS_STREAMING_ACTIVE)
    g_clear_object (&active);
  return active;
}

/* ---- Start ---- */

static gboolean
ds_streaming_context_validate (DsStreamingContext *self, GError **error)
{
  const GError *mistake = ds_streaming_context_get_build_error (self);

  if (mistake == NULL)
    mistake = ds_context_get_error (self->context);
  if (mistake != NULL)
    {
      g_propagate_error (error, g_error_copy (mistake));
      return FALSE;
    }
  if (ds_context_is_stopped (self->context))
    {
      g_set_error (error, DS_ERROR, DS_ERROR_STOPPED,
                   "The engine of the streaming context is stopped; make a new one");
      return FALSE;
    }
  return ds_graph_validate (self->graph, error) &&
         ds_streaming_context_check_checkpoints (self, error);
}

static gboolean
ds_streaming_context_start_parts (DsStreamingContext *self, GError **error)
{
  if (!ds_streaming_context_validate (self, error) ||
      !ds_streaming_context_open_checkpoints (self, error))
    return FALSE;

  g_mutex_lock (&self->lock);
  self->bus = ds_listener_bus_new (self->main_context);
  self->driver = ds_driver_new (self);
  self->receivers = ds_receiver_tracker_new (self);
  g_mutex_unlock (&self->lock);

  ds_graph_freeze (self->graph, ds_driver_get_zero_time (self->driver));
  if (!ds_streaming_context_start_checkpoints (self, error) ||
      !ds_graph_start_outputs (self->graph, error))
    return FALSE;
  if (!ds_graph_start_inputs (self->graph, error))
    {
      ds_graph_stop_outputs (self->graph);
      return FALSE;
    }
  if (ds_receiver_tracker_start (self->receivers, error))
    {
      ds_streaming_context_post_started (self, ds_driver_get_now (self->driver));
      if (ds_driver_start (self->driver, error))
        return TRUE;
    }
  ds_receiver_tracker_stop_async (self->receivers);
  ds_receiver_tracker_join (self->receivers, g_get_monotonic_time () + DS_SECOND);
  ds_receiver_tracker_hush (self->receivers, g_get_monotonic_time () + DS_SECOND);
  ds_graph_stop_inputs (self->graph);
  ds_graph_stop_outputs (self->graph);
  return FALSE;
}

/* @failure: (nullable): of a start that cannot be tried again; kept for whoever waits. */
static void
ds_streaming_context_set_started (DsStreamingContext *self,
                                  DsStreamingState state,
                                  const GError *failure)
{
  DsSignalWatch *signal_watch = NULL;

  g_mutex_lock (&self->lock);
  self->state = state;
  if (failure != NULL)
    self->start_error = g_error_copy (failure);
  self->is_starting = FALSE;
  self->life_thread = NULL;
  if (state == DS_STREAMING_STOPPED)
    signal_watch = g_steal_pointer (&self->signal_watch);
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
  g_clear_pointer (&signal_watch, ds_signal_watch_free);
}

const GError *
ds_streaming_context_get_start_error (DsStreamingContext *self)
{
  const GError *error;

  g_mutex_lock (&self->lock);
  error = self->start_error;
  g_mutex_unlock (&self->lock);
  return error;
}

static gboolean
ds_streaming_context_try_start (DsStreamingContext *self, GError **error)
{
  g_autoptr (GError) failure = NULL;
  DsStreamingState state;
  gboolean is_inside_itself;

  if (!ds_streaming_context_check_process (self, error))
    return FALSE;

  g_mutex_lock (&self->lock);
  is_inside_itself = self->is_starting && self->life_thread == g_thread_self ();
  while (self->is_starting && !is_inside_itself)
    g_cond_wait (&self->changed, &self->lock);
  state = self->state;
  if (state == DS_STREAMING_INITIALIZED && !is_inside_itself)
    {
      self->is_starting = TRUE;
      self->life_thread = g_thread_self ();
    }
  g_mutex_unlock (&self->lock);

  if (is_inside_itself)
    {
      g_set_error (error, DS_ERROR, DS_ERROR_INVALID_STATE,
                   "The streaming context is being started by the very thread that is to "
                   "start it again; an input stream must not do that in its start");
      return FALSE;
    }
  if (state == DS_STREAMING_ACTIVE)
    {
      g_warning ("The streaming context has already been started");
      return TRUE;
    }
  if (state == DS_STREAMING_STOPPED)
    {
      if (ds_streaming_context_get_start_error (self) != NULL)
        g_set_error (error, DS_ERROR, DS_ERROR_INVALID_STATE,
                     "The streaming context could not be started before, and is stopped "
                     "now; make a new one. The first start failed: %s",
                     ds_streaming_context_get_start_error (self)->message);
      else
        g_set_error (
            error, DS_ERROR, DS_ERROR_INVALID_STATE,
            "The streaming context has already been stopped and cannot be started "
            "again; make a new one");
      return FALSE;
    }

  if (!ds_streaming_context_enter_active (self, error))
    {
      ds_streaming_context_set_started (self, DS_STREAMING_INITIALIZED, NULL);
      return FALSE;
    }
  if (!ds_streaming_context_start_parts (self, &failure))
    {
      if (self->receivers != NULL)
        ds_receiver_tracker_hush (self->receivers, g_get_monotonic_time () + DS_SECOND);
      if (self->checkpointer != NULL)
        ds_checkpointer_finish (self->checkpointer, FALSE, NULL);
      ds_streaming_context_leave_active (self);
      ds_streaming_context_set_started (self, DS_STREAMING_STOPPED, failure);
      if (self->bus != NULL)
        ds_streaming_context_close_bus (self);
      g_propagate_error (error, g_steal_pointer (&failure));
      return FALSE;
    }
  ds_streaming_context_set_started (self, DS_STREAMING_ACTIVE, NULL);
  return TRUE;
}

/**
 * ds_streaming_context_start:
 * @self: a context
 * @error: return location for an error
 *
 * Starts the sources, and from the next multiple of the batch interval on, a batch every
 * interval.  A second start warns and changes nothing.
 *
 * Fails with the first mistake made in building the graph, with %DS_ERROR_INVALID_STATE
 * when no output is registered or the context has been stopped, and with what a source
 * fails with; the context is stopped then.  Fails with %DS_ERROR_INVALID_STATE while
 * another context is active; it can be started once that is stopped.  Who passes %NULL
 * for
 * @error finds the failure in the log; whoever waits for the context gets it, too.
 *
 * Any thread.
 *
 * Returns: %TRUE when it is active, %FALSE with @error
 */
gboolean
ds_streaming_context_start (DsStreamingContext *self, GError **error)
{
  g_autoptr (GError) local_error = NULL;

  g_return_val_if_fail (DS_IS_STREAMING_CONTEXT (self), FALSE);

  if (ds_streaming_context_try_start (self, &local_error))
    return TRUE;
  if (error == NULL) /* or nobody would ever know */
    g_message ("The streaming context was not started: %s", local_error->message);
  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}

/* ---- Waiting ---- */

void
ds_streaming_context_take_error (DsStreamingContext *self, GError *error)
{
  gboolean stops = self->failure_policy != DS_FAILURE_POLICY_CONTINUE;

  /* Maybe nobody awaits the end. */
  g_message ("%s%s", error->message, stops ? "; the streaming context stops" : "");
  g_mutex_lock (&self->lock);
  g_clear_error (&self->error);
  self->error = error;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);

  if (stops)
    ds_streaming_context_ask_to_stop (self, DS_STOP_NOW);
}

/* FALSE with @error where waiting would never end. */
static gboolean
ds_streaming_context_may_wait (DsStreamingContext *self, GError **error)
{
  if (!ds_streaming_context_check_process (self, error))
    return FALSE;
  if (!ds_streaming_context_is_inside (self))
    return TRUE;
  g_set_error (
      error, DS_ERROR, DS_ERROR_INVALID_STATE,
      "A function or handler of a stream cannot wait for the stream: it would wait for "
      "itself; call ds_streaming_context_stop () to ask for the end, and return");
  return FALSE;
}

/* @deadline: monotonic; G_MAXINT64: none. */
static gboolean
ds_streaming_context_await (DsStreamingContext *self, gint64 deadline, GError **error)
{
  const GError *failure;
  gboolean in_time = TRUE;
  gboolean is_stopped;
  gboolean ok;

  if (!ds_streaming_context_may_wait (self, error))
    return FALSE;

  g_mutex_lock (&self->lock);
  /* Where a failure stops the context, the waiter learns of it when that is done. */
  while (in_time && self->state != DS_STREAMING_STOPPED &&
         (self->error == NULL || self->failure_policy != DS_FAILURE_POLICY_CONTINUE))
    {
      if (self->owes_stop)
        {
          self->owes_stop = FALSE;
          g_mutex_unlock (&self->lock);
          ds_streaming_context_stop_owed (self);
          g_mutex_lock (&self->lock);
        }
      else if (deadline == G_MAXINT64)
        g_cond_wait (&self->changed, &self->lock);
      else
        in_time = g_cond_wait_until (&self->changed, &self->lock, deadline);
    }
  is_stopped = self->state == DS_STREAMING_STOPPED;
  failure = self->start_error != NULL ? self->start_error : self->error;
  if (failure == NULL && self->owes_stop_error)
    failure = self->stop_error;
  ok = failure == NULL;
  if (!ok)
    g_propagate_error (error, g_error_copy (failure));
  g_mutex_unlock (&self->lock);
  if (is_stopped)
    ds_streaming_context_await_listeners (self, deadline);
  return ok;
}

/**
 * ds_streaming_context_await_termination:
 * @self: a context
 * @error: return location for an error
 *
 * Waits until the context is stopped and the handlers of its signals have heard
 * everything; a handler that does not return within 2 s is not waited for.  Before the
 * start it waits, too, for another thread may start it: without one it never returns.
 *
 * A batch, an output or the generation of a batch that failed makes it fail with that
 * error: when the context has stopped for it, or at once under
 * %DS_FAILURE_POLICY_CONTINUE.  A start that failed makes it fail with the error of the
 * start.  A graceful stop that was asked for by a signal, by a file or inside the stream
 * and left something makes it fail with %DS_ERROR_TIMEOUT, as
 * ds_streaming_context_stop () does where it was called.
 *
 * Any thread; inside a function or handler of the stream it fails with
 * %DS_ERROR_INVALID_STATE.
 *
 * Returns: %TRUE when it was stopped and nothing had failed, %FALSE with @error
 */
gboolean
ds_streaming_context_await_termination (DsStreamingContext *self, GError **error)
{
  g_return_val_if_fail (DS_IS_STREAMING_CONTEXT (self), FALSE);

  return ds_streaming_context_await (self, G_MAXINT64, error);
}

/**
 * ds_streaming_context_await_termination_or_timeout:
 * @self: a context
 * @timeout: how long to wait at most, in µs of real time
 * @error: return location for an error
 *
 * As ds_streaming_context_await_termination (), for @timeout at most.
 *
 * When the time is over that is no error: the result is %TRUE too, unlike Spark's, and
 * the state tells the difference.  A program that does something now and then writes
 *
 * ```c
 * while (ds_streaming_context_get_state (ssc) == DS_STREAMING_ACTIVE)
 *   {
 *     if (!ds_streaming_context_await_termination_or_timeout (ssc, DS_SECOND, &error))
 *       break;
 *     look_around ();
 *   }
 * ```
 *
 * Returns: %TRUE when it was stopped or the time is over
 *   (ds_streaming_context_get_state () tells which), %FALSE with @error
 */
gboolean
ds_streaming_context_await_termination_or_timeout (DsStreamingContext *self,
                                                   DsDuration timeout,
                                                   GError **error)
{
  gint64 now = g_get_monotonic_time ();

  g_return_val_if_fail (DS_IS_STREAMING_CONTEXT (self), FALSE);

  return ds_streaming_context_await (self,
                                     timeout >= G_MAXINT64 - now ? G_MAXINT64 - 1
                                                                 : now + MAX (timeout, 0),
                                     error);
}

/* FALSE with @error for a time at which there never is a batch. */
static gboolean
ds_streaming_context_check_batch_time (DsStreamingContext *self,
                                       DsTime zero_time,
                                       DsTime batch_time,
                                       GError **error)
{
  DsTime before = ds_time_floor (batch_time, self->interval, zero_time);
  g_autofree char *interval = ds_duration_to_seconds_string (self->interval);
  g_autofree char *suggestion = ds_duration_suggest_unit (batch_time);

  if (batch_time == before && batch_time > zero_time)
    return TRUE;
  if (before <= zero_time)
    g_set_error (error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT,
                 "await_batch: there is no batch of time %" G_GINT64_FORMAT
                 " us: one comes every %s, and the first is that of %" G_GINT64_FORMAT
                 " us%s",
                 batch_time, interval, zero_time + self->interval, suggestion);
  else if (before > G_MAXINT64 - self->interval)
    g_set_error (error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT,
                 "await_batch: there is no batch of time %" G_GINT64_FORMAT
                 " us: one comes every %s, and the last is that of %" G_GINT64_FORMAT
                 " us",
                 batch_time, interval, before);
  else
    g_set_error (error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT,
                 "await_batch: there is no batch of time %" G_GINT64_FORMAT
                 " us: one comes every %s, and the nearest are those of %" G_GINT64_FORMAT
                 " and %" G_GINT64_FORMAT " us%s",
                 batch_time, interval, before, before + self->interval, suggestion);
  return FALSE;
}

/**
 * ds_streaming_context_await_batch:
 * @self: a context that was started
 * @batch_time: a batch time, in µs: after the start, and a whole number of batch
 * intervals from the others
 * @error: return location for an error
 *
 * Waits until the batch of @batch_time and all before it are over, and what they no
 * longer need is forgotten: for tests with a #DsManualClock, which has to be at
 * @batch_time or beyond, before or while this waits.
 *
 * Fails with the error of a batch for which the context stops, with that of a start that
 * failed, with %DS_ERROR_INVALID_ARGUMENT at a time at which no batch comes, with
 * %DS_ERROR_STOPPED when it is stopped before, and with
 * %DS_ERROR_INVALID_STATE before start and inside a function or handler of the stream.
 *
 * Any thread.
 *
 * Returns: %TRUE when that batch is over, %FALSE with @error
 */
gboolean
ds_streaming_context_await_batch (DsStreamingContext *self,
                                  DsTime batch_time,
                                  GError **error)
{
  const GError *start_error;
  DsStreamingState state;
  DsDriver *driver;

  g_return_val_if_fail (DS_IS_STREAMING_CONTEXT (self), FALSE);

  if (!ds_streaming_context_may_wait (self, error))
    return FALSE;
  g_mutex_lock (&self->lock);
  state = self->state;
  driver = state == DS_STREAMING_INITIALIZED ? NULL : self->driver;
  start_error = self->start_error;
  g_mutex_unlock (&self->lock);

  if (start_error != NULL)
    {
      g_propagate_prefixed_error (error, g_error_copy (start_error),
                                  "Batch %" G_GINT64_FORMAT
                                  " ms will not come: the start failed: ",
                                  batch_time / DS_MILLISECOND);
      return FALSE;
    }
  if (driver == NULL)
    {
      g_set_error (
          error, DS_ERROR, DS_ERROR_INVALID_STATE,
          "Batch %" G_GINT64_FORMAT " ms will not come: the streaming context %s",
          batch_time / DS_MILLISECOND,
          state == DS_STREAMING_STOPPED
              ? "was stopped before it was started; make a new one"
              : "has not been started; call ds_streaming_context_start () first");
      return FALSE;
    }
  return ds_streaming_context_check_batch_time (self, ds_driver_get_zero_time (driver),
                                                batch_time, error) &&
         ds_driver_await_batch (driver, batch_time, error);
}
