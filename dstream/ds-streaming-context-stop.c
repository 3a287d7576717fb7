/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One ordered shutdown, with a deadline and a report:
 *
 *   1  receivers stop; a graceful stop waits until all they stored is blocks
 *   2  graceful: the awaited tick and one more fire, at once, and all batches run;
 *      otherwise batches are cancelled
 *   3  the threads end; one that a function of the program does not let go is left alone
 *   4  a last checkpoint, of a graceful stop; the log is closed
 *   5  the other input streams stop, then the outputs
 *   6  the engine, if asked for
 *   7  the state says so; the listeners hear everything, and then whoever waits goes on
 *
 * One thread does this, and never one of the stream's own: a stop from a function or
 * handler of the stream starts a thread for it and returns. */

#include "dstream/ds-streaming-context-private.h"

/* How long threads may take to end when they are to end at once, in µs. */
#define DS_STOP_PATIENCE (2 * DS_SECOND)
/* How long a full disk is waited for once all else is over, in µs: less than threads that
 * write to it may take to end. */
#define DS_STOP_DISK_PATIENCE DS_SECOND
/* How often a wait for receivers looks whether it is still to be graceful, in µs. */
#define DS_STOP_LOOK (20 * DS_MILLISECOND)

static void
ds_streaming_context_stop_engine (DsStreamingContext *self, DsStopFlags flags)
{
  if (self->stop_context && !(flags & DS_STOP_KEEP_CONTEXT))
    ds_context_stop (self->context);
}

static gboolean
ds_streaming_context_join_receivers (DsStreamingContext *self, gint64 deadline)
{
  gint64 now = g_get_monotonic_time ();
  gboolean ended =
      ds_receiver_tracker_join (self->receivers, MIN (deadline, now + DS_STOP_LOOK));

  while (!ended && !g_atomic_int_get (&self->stop_at_once) &&
         (now = g_get_monotonic_time ()) < deadline)
    ended =
        ds_receiver_tracker_join (self->receivers, MIN (deadline, now + DS_STOP_LOOK));
  return ended;
}

/* "received 1200, processed 1100, left 100 (batches 3000, 4000 ms)" */
static char *
ds_streaming_context_make_report (DsStreamingContext *self)
{
  gint64 n_received = ds_receiver_tracker_get_n_received (self->receivers);
  gint64 n_processed = ds_driver_get_n_processed (self->driver);
  gint64 n_unallocated = ds_received_block_tracker_get_n_unallocated_records (
      ds_receiver_tracker_get_blocks (self->receivers));
  gint64 n_failed_before = ds_driver_get_n_failed_before (self->driver);
  g_autoptr (GArray) times = ds_driver_get_pending_times (self->driver);
  GString *text = g_string_new (NULL);
  const char *separator = " (";

  g_string_append_printf (text,
                          "received %" G_GINT64_FORMAT ", processed %" G_GINT64_FORMAT
                          ", left %" G_GINT64_FORMAT,
                          n_received, n_processed, n_received - n_processed);
  for (guint i = 0; i < times->len; i++)
    {
      g_string_append_printf (text, "%s%" G_GINT64_FORMAT,
                              i == 0 ? " (in batches " : ", ",
                              g_array_index (times, DsTime, i) / DS_MILLISECOND);
      separator = " ms; ";
    }
  if (n_failed_before > 0)
    {
      g_string_append_printf (text, " ms and %" G_GINT64_FORMAT " before them",
                              n_failed_before);
      separator = "; ";
    }
  if (n_unallocated > 0)
    g_string_append_printf (text, "%s%" G_GINT64_FORMAT " records in no batch yet)",
                            separator, n_unallocated);
  else if (times->len > 0)
    g_string_append (text, n_failed_before > 0 ? ")" : " ms)");
  return g_string_free (text, FALSE);
}

/* Where there is an error it has been told; here nobody may ever ask. */
static void
ds_streaming_context_tell_what_is_left (DsStreamingContext *self)
{
  if (ds_receiver_tracker_get_n_received (self->receivers) >
      ds_driver_get_n_processed (self->driver))
    g_message ("The stop did not wait for all that was received: %s. What is in the log "
               "comes back at the next start, the rest is lost; a graceful stop waits",
               self->stop_report);
}

/* Receivers, then batches.  FALSE with why not all was processed. */
static gboolean
ds_streaming_context_drain (DsStreamingContext *self, GError **error)
{
  /* Short batches are no reason to give a receiver less time to hand over what it has. */
  DsDuration timeout = self->graceful_stop_timeout > 0
                           ? self->graceful_stop_timeout
                           : MAX (10 * self->interval, DS_STOP_PATIENCE);
  gint64 now = g_get_monotonic_time ();
  gint64 deadline = timeout >= G_MAXINT64 - now ? G_MAXINT64 - 1 : now + timeout;
  gboolean receivers_ended = ds_streaming_context_join_receivers (self, deadline);
  gboolean batches_ended;

  ds_driver_finish (self->driver);
  /* A receiver that hangs must not keep what was received from being processed. */
  deadline = MAX (deadline, g_get_monotonic_time () + DS_STOP_PATIENCE);
  batches_ended = ds_driver_join (self->driver, deadline, &self->stop_at_once);
  if (!batches_ended && receivers_ended && !g_atomic_int_get (&self->stop_at_once) &&
      ds_driver_leave_missed (self->driver))
    batches_ended =
        ds_driver_join (self->driver, g_get_monotonic_time () + DS_STOP_PATIENCE,
                        &self->stop_at_once);

  if (ds_driver_has_failed (self->driver, error))
    return FALSE;
  if ((receivers_ended && batches_ended) || g_atomic_int_get (&self->stop_at_once))
    return TRUE;

  g_set_error (error, DS_ERROR, DS_ERROR_TIMEOUT,
               "The graceful stop was not over after %.3f s: %s; raise "
               "\"graceful-stop-timeout\" to wait longer",
               (double) timeout / DS_SECOND,
               batches_ended ? "a receiver did not stop"
                             : "not all batches were completed");
  return FALSE;
}

/* @is_drained: everything that was planned has run.  FALSE: not all that a graceful stop
 * has to leave behind is on the disk. */
static gboolean
ds_streaming_context_finish_checkpoints (DsStreamingContext *self,
                                         gboolean is_drained,
                                         GError **error)
{
  g_autoptr (GError) local_error = NULL;

  if (self->checkpointer == NULL ||
      ds_checkpointer_finish (self->checkpointer, is_drained, &local_error))
    return TRUE;
  g_message ("%s", local_error->message);
  if (!is_drained)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}

/* Thread: none of the stream's own. */
static void
ds_streaming_context_shut_down (DsStreamingContext *self, DsStopFlags flags)
{
  DsSignalWatch *signal_watch;
  g_autoptr (GError) error = NULL;
  gboolean is_drained;
  gboolean has_ended;
  gboolean is_well;

  ds_receiver_tracker_stop_async (self->receivers);
  is_drained = (flags & DS_STOP_GRACEFULLY) &&
               ds_streaming_context_drain (self, &error) &&
               !g_atomic_int_get (&self->stop_at_once);

  /* The driver first: what fails after that was cut off, and is no failure. */
  ds_driver_interrupt (self->driver);
  if (self->checkpointer != NULL && !is_drained)
    ds_checkpointer_interrupt (self->checkpointer);
  if (self->checkpointer != NULL)
    ds_checkpointer_give_up_at (self->checkpointer,
                                g_get_monotonic_time () + DS_STOP_DISK_PATIENCE);
  has_ended =
      ds_driver_join (self->driver, g_get_monotonic_time () + DS_STOP_PATIENCE, NULL);
  if (!has_ended)
    {
      g_message ("A function of the program still runs %.0f s after the stop; its thread "
                 "is left to itself",
                 (double) DS_STOP_PATIENCE / DS_SECOND);
      ds_driver_abandon (self->driver);
    }
  ds_receiver_tracker_join (self->receivers, g_get_monotonic_time () + DS_STOP_PATIENCE);
  /* Afterwards the program may free what its receivers work with. */
  ds_receiver_tracker_hush (self->receivers, g_get_monotonic_time () + DS_STOP_PATIENCE);
  /* A thread that is left to itself may still look into the directory, which then stays
   * locked. */
  if (has_ended)
    ds_streaming_context_finish_checkpoints (self, is_drained,
                                             error == NULL ? &error : NULL);
  ds_graph_stop_inputs (self->graph);
  if (has_ended) /* else one of them may be at work */
    ds_graph_stop_outputs (self->graph);
  ds_streaming_context_stop_engine (self, flags);
  ds_streaming_context_leave_active (self);

  g_mutex_lock (&self->lock);
  self->stop_report = ds_streaming_context_make_report (self);
  if (error != NULL)
    g_prefix_error (&error, "Stopped with %s. ", self->stop_report);
  is_well = error == NULL && self->error == NULL;
  self->stop_error = g_steal_pointer (&error);
  self->state = DS_STREAMING_STOPPED;
  self->is_stopping = FALSE;
  self->life_thread = NULL;
  signal_watch = g_steal_pointer (&self->signal_watch);
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);

  if (is_well)
    ds_streaming_context_tell_what_is_left (self);
  g_clear_pointer (&signal_watch, ds_signal_watch_free);
  ds_streaming_context_close_bus (self);
}

/* Somebody else stops already: waits for that, and makes it quicker if need be. */
static void
ds_streaming_context_join_stop (DsStreamingContext *self, DsStopFlags flags)
{
  if (!(flags & DS_STOP_GRACEFULLY))
    {
      g_atomic_int_set (&self->stop_at_once, TRUE);
      ds_driver_interrupt (self->driver);
    }
  g_mutex_lock (&self->lock);
  while (self->state != DS_STREAMING_STOPPED)
    g_cond_wait (&self->changed, &self->lock);
  g_mutex_unlock (&self->lock);
  ds_streaming_context_await_listeners (self, G_MAXINT64);
  ds_streaming_context_stop_engine (self, flags);
}

/* @state: not active. */
static void
ds_streaming_context_warn_of_stop (DsStreamingContext *self, DsStreamingState state)
{
  const GError *failure;
  g_autofree char *reason = NULL;

  g_mutex_lock (&self->lock);
  failure = self->start_error != NULL ? self->start_error : self->error;
  if (failure != NULL)
    reason = g_strconcat (", since this failed: ", failure->message, NULL);
  g_mutex_unlock (&self->lock);

  g_warning ("The streaming context has %s%s",
             state == DS_STREAMING_STOPPED ? "already been stopped"
                                           : "not been started yet",
             state == DS_STREAMING_STOPPED && reason != NULL ? reason : "");
}

/* Thread: none of the stream's own.  @is_asked: nobody called stop () just now, so
 * warnings would be out of place. */
static gboolean
ds_streaming_context_stop_here (DsStreamingContext *self,
                                DsStopFlags flags,
                                gboolean is_asked,
                                GError **error)
{
  DsSignalWatch *signal_watch = NULL;
  DsStreamingState state;
  gboolean is_stopping;
  gboolean ok;

  g_object_ref (self); /* the active one may be held by nobody else */
  g_mutex_lock (&self->lock);
  while (self->is_starting)
    g_cond_wait (&self->changed, &self->lock);
  state = self->state;
  is_stopping = self->is_stopping;
  if (state != DS_STREAMING_ACTIVE)
    {
      self->state = DS_STREAMING_STOPPED;
      signal_watch = g_steal_pointer (&self->signal_watch);
    }
  else if (!is_stopping)
    {
      self->is_stopping = TRUE;
      self->life_thread = g_thread_self ();
    }
  self->owes_stop = FALSE;
  self->owes_stop_error = self->owes_stop_error || is_asked;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
  g_clear_pointer (&signal_watch, ds_signal_watch_free);

  if (state == DS_STREAMING_ACTIVE && is_stopping)
    ds_streaming_context_join_stop (self, flags);
  else if (state == DS_STREAMING_ACTIVE)
    ds_streaming_context_shut_down (self, flags);
  else
    {
      if (!is_asked)
        ds_streaming_context_warn_of_stop (self, state);
      ds_streaming_context_await_listeners (self, G_MAXINT64);
      ds_streaming_context_stop_engine (self, flags);
    }

  g_mutex_lock (&self->lock);
  ok = state != DS_STREAMING_ACTIVE || self->stop_error == NULL;
  if (!ok)
    g_propagate_error (error, g_error_copy (self->stop_error));
  g_mutex_unlock (&self->lock);
  g_object_unref (self);
  return ok;
}

/* ---- Asking ---- */

typedef struct
{
  DsStreamingContext *context;
  DsStopFlags flags;
} DsStopRequest;

static gpointer
ds_streaming_context_stop_thread (gpointer data)
{
  DsStopRequest *request = data;
  g_autoptr (GError) error = NULL;

  if (!ds_streaming_context_stop_here (request->context, request->flags, TRUE, &error))
    g_message ("%s", error->message);
  g_object_unref (request->context);
  g_free (request);
  return NULL;
}

void
ds_streaming_context_stop_owed (DsStreamingContext *self)
{
  g_autoptr (GError) error = NULL;

  if (!ds_streaming_context_stop_here (self, self->owed_flags, TRUE, &error))
    g_message ("%s", error->message);
}

static void
ds_streaming_context_start_stop_thread (DsStreamingContext *self, DsStopFlags flags)
{
  DsStopRequest *request = g_new (DsStopRequest, 1);
  g_autoptr (GError) error = NULL;
  GThread *thread;

  request->context = g_object_ref (self);
  request->flags = flags;
  thread =
      g_thread_try_new ("ds-stop", ds_streaming_context_stop_thread, request, &error);
  if (thread != NULL)
    {
      g_thread_unref (thread);
      return;
    }

  g_object_unref (request->context);
  g_free (request);
  g_message ("Cannot start a thread for the stop that was asked for: %s; whoever waits "
             "for the end of the streaming context, or stops it, does it",
             error->message);
  g_mutex_lock (&self->lock);
  self->owes_stop = TRUE;
  self->owed_flags = flags;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
}

void
ds_streaming_context_ask_to_stop (DsStreamingContext *self, DsStopFlags flags)
{
  DsDriver *driver;
  gboolean is_new;

  g_mutex_lock (&self->lock);
  is_new = !self->is_asked_to_stop && self->state != DS_STREAMING_STOPPED;
  self->is_asked_to_stop = TRUE;
  driver = self->state != DS_STREAMING_STOPPED ? self->driver : NULL;
  if (!is_new && !(flags & DS_STOP_GRACEFULLY))
    g_atomic_int_set (&self->stop_at_once, TRUE);
  g_mutex_unlock (&self->lock);

  /* Not left to the thread below: until that runs, batches that wait would have begun. */
  if (!(flags & DS_STOP_GRACEFULLY) && driver != NULL)
    ds_driver_cut_short (driver);
  if (is_new)
    ds_streaming_context_start_stop_thread (self, flags);
}

gboolean
ds_streaming_context_is_cut_short (DsStreamingContext *self)
{
  return self->driver != NULL &&
         g_cancellable_is_cancelled (ds_driver_get_cancellable (self->driver));
}

/* ---- Public ---- */

/**
 * ds_streaming_context_stop:
 * @self: a context
 * @flags: how
 * @error: return location for an error
 *
 * Stops the receivers, then the batches, then, unless told to keep it, the engine, and
 * waits for all that.  %DS_STOP_NOW cancels the batch that runs and drops those that
 * wait.  %DS_STOP_GRACEFULLY first processes everything that was received: receivers
 * stop, what they stored goes into the next batch, which comes at once, whatever the
 * clock says, and is followed by one more.  ds_streaming_context_get_stop_report () tells
 * what came of it.  When it returns the handlers of signals have heard everything, too,
 * and no function, handler or receiver of the program is called any more, but for one
 * that does not come back and is left alone.
 *
 * Inside a function or handler of the stream, a receiver or an input stream, it only asks
 * for the stop and returns %TRUE at once.  After %DS_STOP_NOW no further batch begins,
 * and the one that runs is cancelled: its actions fail, and its other outputs do not run.
 * While another stop is under way it waits for that one; with %DS_STOP_NOW that one is
 * graceful no longer.  A context that is not active only gets a warning, and is stopped
 * then; its engine is stopped if asked for.
 *
 * A graceful stop fails with %DS_ERROR_TIMEOUT when it is not over after
 * "graceful-stop-timeout", with the error of a batch that failed meanwhile, and with what
 * kept the last checkpoint or the log from being written; the context is stopped all the
 * same, and what is on the disk is whole.  A full disk is waited for by a graceful stop
 * until its deadline, and by both for a second more.
 *
 * Any thread.
 *
 * Returns: %TRUE on success, %FALSE with @error
 */
gboolean
ds_streaming_context_stop (DsStreamingContext *self, DsStopFlags flags, GError **error)
{
  g_return_val_if_fail (DS_IS_STREAMING_CONTEXT (self), FALSE);

  if (!ds_streaming_context_check_process (self, error))
    return FALSE;
  if (!ds_streaming_context_is_inside (self))
    return ds_streaming_context_stop_here (self, flags, FALSE, error);

  ds_streaming_context_ask_to_stop (self, flags);
  return TRUE;
}

static void
ds_streaming_context_stop_in_thread (GTask *task,
                                     gpointer source,
                                     gpointer data,
                                     GCancellable *cancellable)
{
  GError *error = NULL;

  if (ds_streaming_context_stop_here (source, (DsStopFlags) GPOINTER_TO_UINT (data),
                                      FALSE, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

/**
 * ds_streaming_context_stop_async:
 * @self: a context
 * @flags: how
 * @cancellable: (nullable): ends the waiting; the stop goes on
 * @callback: (scope async) (closure data): called when it is over, in the main context
 *   that is the thread default now
 * @data: passed to @callback
 *
 * As ds_streaming_context_stop (), without waiting.
 */
void
ds_streaming_context_stop_async (DsStreamingContext *self,
                                 DsStopFlags flags,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer data)
{
  g_autoptr (GTask) task = NULL;
  GError *error = NULL;

  g_return_if_fail (DS_IS_STREAMING_CONTEXT (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (self, cancellable, callback, data);
  g_task_set_source_tag (task, ds_streaming_context_stop_async);
  if (!ds_streaming_context_check_process (self, &error))
    {
      g_task_return_error (task, error);
      return;
    }
  g_task_set_task_data (task, GUINT_TO_POINTER ((guint) flags), NULL);
  g_task_set_return_on_cancel (task, TRUE);
  g_task_run_in_thread (task, ds_streaming_context_stop_in_thread);
}

/**
 * ds_streaming_context_stop_finish:
 * @self: a context
 * @result: what the callback got
 * @error: return location for an error
 *
 * Ends ds_streaming_context_stop_async ().
 *
 * Returns: %TRUE on success, %FALSE with @error
 */
gboolean
ds_streaming_context_stop_finish (DsStreamingContext *self,
                                  GAsyncResult *result,
                                  GError **error)
{
  g_return_val_if_fail (DS_IS_STREAMING_CONTEXT (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * ds_streaming_context_get_stop_report:
 * @self: a context
 *
 * What came of all that was received, as "received 1200, processed 1200, left 0", and
 * where what is left lies: in batches that failed or did not run, or in no batch.
 *
 * Returns: (transfer full): the report; as things are now while the context is active
 */
char *
ds_streaming_context_get_stop_report (DsStreamingContext *self)
{
  char *report = NULL;
  gboolean has_run;

  g_return_val_if_fail (DS_IS_STREAMING_CONTEXT (self), NULL);

  if (ds_streaming_context_check_process (self, NULL))
    {
      g_mutex_lock (&self->lock);
      has_run = self->driver != NULL && self->receivers != NULL;
      if (self->stop_report != NULL)
        report = g_strdup (self->stop_report);
      g_mutex_unlock (&self->lock);
      if (report == NULL && has_run)
        report = ds_streaming_context_make_report (self);
    }
  return report != NULL ? report : g_strdup ("received 0, processed 0, left 0");
}
