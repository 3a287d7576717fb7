/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The receivers of a context under one hand.  A supervisor for each receiver hands blocks
 * over, from a thread of its own; here each gets its arrival time on the context's clock
 * and waits for its batch.  A tick first makes every receiver cut what it has, so that a
 * batch holds what was stored before its time, not what was stored 200 ms before. */

#include "dstream/ds-tracked-receiver-private.h"

#include "dstream/ds-job-set-private.h"

/* Of the engine's memory budget: 1 / this is for received data. */
#define DS_RECEIVED_SHARE 4

DsReceiverTracker *
ds_receiver_tracker_new (DsStreamingContext *context)
{
  DsReceiverTracker *self = g_new0 (DsReceiverTracker, 1);

  self->context = context;
  self->receivers = g_array_new (FALSE, FALSE, sizeof (DsTrackedReceiver));
  self->budget =
      ds_memory_budget_new (context->max_received_bytes > 0
                                ? context->max_received_bytes
                                : ds_memory_budget_get_max_bytes (
                                      ds_context_get_memory_budget (context->context)) /
                                      DS_RECEIVED_SHARE);
  self->blocks = ds_received_block_tracker_new (self->budget);
  self->infos = ds_input_info_tracker_new ();
  self->recovered_rates = g_array_new (FALSE, FALSE, sizeof (DsRecoveredRate));
  g_mutex_init (&self->lock);
  g_cond_init (&self->log_changed);
  self->cutting_time = DS_TIME_NONE;
  return self;
}

void
ds_receiver_tracker_free (DsReceiverTracker *self)
{
  for (guint i = 0; i < self->receivers->len; i++)
    {
      DsTrackedReceiver *tracked = ds_receiver_tracker_get_receiver (self, i);

      g_clear_pointer (&tracked->controller, ds_rate_controller_free);
      ds_receiver_supervisor_free (tracked->supervisor);
      ds_receiver_info_unref (tracked->info);
      g_array_unref (tracked->tokens);
    }
  g_array_unref (self->receivers);
  ds_received_block_tracker_free (self->blocks);
  ds_input_info_tracker_free (self->infos);
  ds_memory_budget_unref (self->budget);
  g_clear_pointer (&self->recovery, ds_received_block_recovery_free);
  g_array_unref (self->recovered_rates);
  g_clear_error (&self->log_error);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->log_changed);
  g_free (self);
}

/* ---- Of the supervisors.  Thread: receiver, or the one that cuts. ---- */

static gboolean
ds_receiver_tracker_add_block (gpointer owner,
                               DsBlock *block,
                               gsize n_records,
                               gsize n_bytes,
                               GError **error)
{
  DsTrackedReceiver *receiver = owner;
  DsReceiverTracker *self = receiver->tracker;
  DsTime arrival_time = ds_driver_get_now (self->context->driver);

  g_mutex_lock (&self->lock);
  /* A block that a tick cuts was stored before that tick, however late it comes. */
  if (self->cutting_time != DS_TIME_NONE)
    arrival_time = MIN (arrival_time, self->cutting_time);
  /* But not before what this receiver stored earlier, when ticks are overdue: its records
   * keep their order. */
  arrival_time = MAX (arrival_time, receiver->last_arrival_time);
  receiver->last_arrival_time = arrival_time;
  g_mutex_unlock (&self->lock);

  return ds_tracked_receiver_add_block (receiver, block, n_records, n_bytes, arrival_time,
                                        error);
}

/* NULL: as it was. */
static void
ds_tracked_receiver_note (DsTrackedReceiver *receiver,
                          gboolean is_active,
                          const char *location,
                          const GError *error,
                          gboolean is_failing)
{
  DsReceiverTracker *self = receiver->tracker;
  DsTime now = ds_driver_get_now (self->context->driver);
  g_autoptr (DsReceiverInfo) old = NULL;

  g_mutex_lock (&self->lock);
  old = receiver->info;
  receiver->info = ds_receiver_info_new (&(const DsReceiverInfoFields){
      .stream_id = ds_receiver_info_get_stream_id (old),
      .name = ds_receiver_info_get_name (old),
      .is_active = is_active,
      .location = location != NULL ? location : ds_receiver_info_get_location (old),
      .last_error = error != NULL ? error : ds_receiver_info_get_last_error (old),
      .last_error_time = error != NULL ? now : ds_receiver_info_get_last_error_time (old),
      .is_failing = is_failing });
  g_mutex_unlock (&self->lock);
}

static void
ds_receiver_tracker_started (gpointer owner, const char *location)
{
  DsTrackedReceiver *receiver = owner;

  ds_tracked_receiver_note (receiver, TRUE, location, NULL, FALSE);
  ds_streaming_context_post_receiver (receiver->tracker->context,
                                      DS_EVENT_RECEIVER_STARTED, receiver->stream,
                                      location, NULL);
}

void
ds_tracked_receiver_tell_of_error (gpointer owner, const GError *error, gboolean is_down)
{
  DsTrackedReceiver *receiver = owner;

  ds_tracked_receiver_note (receiver, TRUE, NULL, error, is_down);
  ds_streaming_context_post_receiver (receiver->tracker->context, DS_EVENT_RECEIVER_ERROR,
                                      receiver->stream, NULL, error);
}

static void
ds_receiver_tracker_stopped (gpointer owner, const GError *error)
{
  DsTrackedReceiver *receiver = owner;

  ds_tracked_receiver_note (receiver, FALSE, NULL, error, error != NULL);
  ds_streaming_context_post_receiver (receiver->tracker->context,
                                      DS_EVENT_RECEIVER_STOPPED, receiver->stream, NULL,
                                      error);
}

/* ---- Start and stop ---- */

/* FALSE with @error when the settings are out of range. */
static gboolean
ds_receiver_tracker_control (DsTrackedReceiver *tracked, GError **error)
{
  DsStreamingContext *context = tracked->tracker->context;
  DsPidSettings settings = {
    .batch_interval = context->interval,
    .proportional = context->backpressure_proportional,
    .integral = context->backpressure_integral,
    .derivative = context->backpressure_derivative,
    .min_rate = context->backpressure_min_rate,
  };
  DsPidRateEstimator *estimator;

  if (!context->backpressure_enabled)
    return TRUE;
  estimator = ds_pid_rate_estimator_new (&settings, error);
  if (estimator == NULL)
    return FALSE;
  tracked->controller = ds_rate_controller_new (estimator, tracked->supervisor);
  ds_tracked_receiver_recover_rate (tracked);
  return TRUE;
}

gboolean
ds_receiver_tracker_start (DsReceiverTracker *self, GError **error)
{
  static const DsReceiverEvents events = {
    .add_block = ds_receiver_tracker_add_block,
    .note_token = ds_tracked_receiver_note_token,
    .drop_token = ds_tracked_receiver_drop_token,
    .started = ds_receiver_tracker_started,
    .error = ds_tracked_receiver_tell_of_error,
    .stopped = ds_receiver_tracker_stopped,
  };
  DsStreamingContext *context = self->context;
  guint n_inputs = ds_graph_get_n_inputs (context->graph);

  /* Supervisors keep the address of their entry, so the array must not move. */
  g_mutex_lock (&self->lock);
  g_array_set_size (self->receivers, n_inputs);
  g_array_set_size (self->receivers, 0);
  g_mutex_unlock (&self->lock);
  for (guint i = 0; i < n_inputs; i++)
    {
      DsInputDStream *input = ds_graph_get_input (context->graph, i);
      DsReceiverSettings settings = {
        .stream_id = i,
        .block_interval = context->block_interval,
        .restart_delay = context->receiver_restart_delay,
        .max_rate = context->receiver_max_rate,
        .initial_rate =
            context->backpressure_enabled ? context->backpressure_initial_rate : 0,
        .batch_interval = context->interval,
        .clock = context->clock,
        .pool = ds_context_get_arena_pool (context->context),
        .budget = self->budget,
      };
      DsReceiver *receiver = ds_receiver_input_dstream_prepare (input, &settings);
      DsTrackedReceiver tracked = {
        .tracker = self,
        .stream = DS_DSTREAM (input),
        .last_arrival_time = G_MININT64,
        .durability = ds_receiver_input_dstream_get_durability (DS_DSTREAM (input)),
      };
      DsTrackedReceiver *kept;

      if (receiver == NULL)
        continue;
      if (!ds_tracked_receiver_check_durability (&tracked, error))
        return FALSE;
      settings.cuts_at_once = tracked.durability == DS_DURABILITY_EVERY_RECORD;
      tracked.info = ds_receiver_info_new (
          &(const DsReceiverInfoFields){ .stream_id = i,
                                         .name = ds_dstream_describe (tracked.stream),
                                         .last_error_time = DS_TIME_NONE });
      tracked.tokens = g_array_new (FALSE, FALSE, sizeof (DsNotedToken));
      g_mutex_lock (&self->lock);
      g_array_append_val (self->receivers, tracked);
      g_mutex_unlock (&self->lock);
      kept =
          &g_array_index (self->receivers, DsTrackedReceiver, self->receivers->len - 1);
      kept->supervisor = ds_receiver_supervisor_new (receiver, &settings, &events, kept);
      if (!ds_receiver_tracker_control (kept, error))
        return FALSE;
    }

  for (guint i = 0; i < self->receivers->len; i++)
    {
      DsTrackedReceiver *tracked = ds_receiver_tracker_get_receiver (self, i);

      if (!ds_receiver_supervisor_start (tracked->supervisor, error))
        {
          g_prefix_error (error,
                          "Input stream %u (%s): ", ds_dstream_get_id (tracked->stream),
                          ds_dstream_describe (tracked->stream));
          return FALSE;
        }
    }
  ds_receiver_tracker_tell_durability (self);
  return TRUE;
}

void
ds_receiver_tracker_stop_async (DsReceiverTracker *self)
{
  for (guint i = 0; i < self->receivers->len; i++)
    ds_receiver_supervisor_stop_async (
        g_array_index (self->receivers, DsTrackedReceiver, i).supervisor);
}

gboolean
ds_receiver_tracker_join (DsReceiverTracker *self, gint64 deadline)
{
  gboolean all = TRUE;

  for (guint i = 0; i < self->receivers->len; i++)
    all =
        ds_receiver_supervisor_join (
            g_array_index (self->receivers, DsTrackedReceiver, i).supervisor, deadline) &&
        all;
  return all;
}

void
ds_receiver_tracker_hush (DsReceiverTracker *self, gint64 deadline)
{
  ds_receiver_tracker_release_log (self, deadline);
  for (guint i = 0; i < self->receivers->len; i++)
    ds_receiver_supervisor_hush (
        g_array_index (self->receivers, DsTrackedReceiver, i).supervisor, deadline);
}

/* ---- A batch ---- */

static void
ds_receiver_tracker_set_cutting_time (DsReceiverTracker *self, DsTime time)
{
  g_mutex_lock (&self->lock);
  self->cutting_time = time;
  g_mutex_unlock (&self->lock);
}

/* What is not allocated now belongs to a later batch. */
static void
ds_receiver_tracker_begin_batch (DsReceiverTracker *self)
{
  for (guint i = 0; i < self->receivers->len; i++)
    {
      DsTrackedReceiver *tracked = ds_receiver_tracker_get_receiver (self, i);
      gint64 n_waiting = 0;

      if (ds_receiver_supervisor_get_rate (tracked->supervisor) > 0)
        n_waiting = ds_received_block_tracker_get_n_waiting_records (
            self->blocks, ds_dstream_get_id (tracked->stream));
      ds_receiver_supervisor_begin_batch (tracked->supervisor, (guint64) n_waiting);
    }
}

void
ds_receiver_tracker_allocate (DsReceiverTracker *self, DsTime time)
{
  g_autofree guint64 *n_noted = NULL;
  gboolean is_new = FALSE;

  if (self->receivers->len == 0)
    return;

  n_noted = ds_receiver_tracker_count_tokens (self);

  ds_receiver_tracker_set_cutting_time (self, time);
  for (guint i = 0; i < self->receivers->len; i++)
    ds_receiver_supervisor_end_batch (
        g_array_index (self->receivers, DsTrackedReceiver, i).supervisor);
  ds_receiver_tracker_set_cutting_time (self, DS_TIME_NONE);

  is_new = ds_received_block_tracker_allocate (self->blocks, time);
  ds_receiver_tracker_begin_batch (self);
  if (!is_new)
    return;
  for (guint i = 0; i < self->receivers->len; i++)
    {
      guint id = ds_dstream_get_id (
          g_array_index (self->receivers, DsTrackedReceiver, i).stream);
      gint64 n_records = ds_received_block_tracker_get_n_records (self->blocks, time, id);

      ds_input_info_tracker_report (self->infos, time, id, n_records, NULL);
      ds_tracked_receiver_allocate_tokens (&g_array_index (self->receivers,
                                                           DsTrackedReceiver, i),
                                           n_noted[i], time);
    }
}

gboolean
ds_receiver_tracker_report (DsReceiverTracker *self,
                            DsTime time,
                            guint stream_id,
                            gint64 n_records,
                            GError **error)
{
  if (!ds_input_info_tracker_report (self->infos, time, stream_id, n_records, error))
    return FALSE;

  g_mutex_lock (&self->lock);
  self->n_received += n_records;
  g_mutex_unlock (&self->lock);
  return TRUE;
}

gboolean
ds_receiver_tracker_report_files (DsReceiverTracker *self,
                                  DsTime time,
                                  guint stream_id,
                                  guint n_files,
                                  guint64 n_bytes,
                                  GError **error)
{
  DsInputInfo info = { .stream_id = stream_id,
                       .is_uncounted = n_files > 0,
                       .n_files = n_files,
                       .n_bytes = n_bytes };

  return ds_input_info_tracker_add (self->infos, time, &info, error);
}

void
ds_receiver_tracker_complete (DsReceiverTracker *self, const DsJobSet *set)
{
  if (!self->context->backpressure_enabled)
    return;

  for (guint i = 0; i < self->receivers->len; i++)
    {
      DsTrackedReceiver *tracked = ds_receiver_tracker_get_receiver (self, i);
      guint id = ds_dstream_get_id (tracked->stream);

      for (guint j = 0; j < set->n_inputs; j++)
        if (set->inputs[j].stream_id == id)
          ds_rate_controller_complete (tracked->controller, set->processing_end,
                                       set->inputs[j].n_records,
                                       set->processing_end - set->processing_start,
                                       set->processing_start - set->submission_time);
    }
}

void
ds_receiver_tracker_count (DsReceiverTracker *self, gint64 n_records)
{
  g_mutex_lock (&self->lock);
  self->n_received += n_records;
  g_mutex_unlock (&self->lock);
}

void
ds_receiver_tracker_forget (DsReceiverTracker *self, DsTime time)
{
  DsDuration remember = ds_graph_get_max_input_remember (self->context->graph);

  /* A batch at time - remember is no longer remembered, so the first kept one is after
   * it: times are whole milliseconds. */
  ds_received_block_tracker_cleanup (self->blocks, time - remember + 1);
  ds_input_info_tracker_cleanup (self->infos, time);
}

DsMemoryBudget *
ds_receiver_tracker_get_budget (DsReceiverTracker *self)
{
  return self->budget;
}

DsReceiverInfo *
ds_receiver_tracker_get_info (DsReceiverTracker *self, DsDStream *stream)
{
  DsReceiverInfo *info = NULL;

  g_mutex_lock (&self->lock);
  for (guint i = 0; info == NULL && i < self->receivers->len; i++)
    {
      DsTrackedReceiver *tracked = ds_receiver_tracker_get_receiver (self, i);

      if (tracked->stream == stream)
        info = ds_receiver_info_ref (tracked->info);
    }
  g_mutex_unlock (&self->lock);
  return info;
}

guint64
ds_receiver_tracker_get_rate (DsReceiverTracker *self, DsDStream *stream)
{
  guint64 rate = 0;

  g_mutex_lock (&self->lock);
  for (guint i = 0; i < self->receivers->len; i++)
    {
      DsTrackedReceiver *tracked = ds_receiver_tracker_get_receiver (self, i);

      if (tracked->stream == stream && tracked->supervisor != NULL)
        rate = ds_receiver_supervisor_get_rate (tracked->supervisor);
    }
  g_mutex_unlock (&self->lock);
  return rate;
}

DsReceivedBlockTracker *
ds_receiver_tracker_get_blocks (DsReceiverTracker *self)
{
  return self->blocks;
}

DsInputInfoTracker *
ds_receiver_tracker_get_infos (DsReceiverTracker *self)
{
  return self->infos;
}

gint64
ds_receiver_tracker_get_n_received (DsReceiverTracker *self)
{
  gint64 n_received;

  g_mutex_lock (&self->lock);
  n_received = self->n_received;
  g_mutex_unlock (&self->lock);
  return n_received;
}
