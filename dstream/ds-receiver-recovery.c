/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a receiver stream says of itself in plans and checkpoints, and how its blocks come
 * back.  A plan names the blocks of a batch by their numbers in the log.  A position says
 * up to where blocks have been in batches, which of those before are left all the same,
 * which batches are still looked back at, and how fast the receiver was allowed to be.
 *
 * Recovered blocks stay in the log until their batch is generated: what waited there may
 * be more than memory holds. */

#include "dstream/ds-tracked-receiver-private.h"

#include "base/ds-codec-private.h"
#include "base/ds-failpoint-private.h"

#include <math.h>

static DsReceivedBlockRecovery *
ds_receiver_tracker_get_recovery (DsReceiverTracker *self)
{
  if (self->recovery == NULL)
    self->recovery = ds_received_block_recovery_new ();
  return self->recovery;
}

/* ---- Rates ---- */

#define DS_N_RATE_ITEMS 5

static DsTrackedReceiver *
ds_receiver_tracker_find_receiver (DsReceiverTracker *self, DsDStream *stream)
{
  for (guint i = 0; i < self->receivers->len; i++)
    {
      DsTrackedReceiver *tracked = ds_receiver_tracker_get_receiver (self, i);

      if (tracked->stream == stream)
        return tracked;
    }
  return NULL;
}

/* null without back-pressure. */
static void
ds_receiver_tracker_encode_rate (DsReceiverTracker *self,
                                 DsDStream *stream,
                                 GByteArray *bytes)
{
  DsTrackedReceiver *tracked = ds_receiver_tracker_find_receiver (self, stream);
  DsValue items[DS_N_RATE_ITEMS];
  DsPidState state;
  double rate;

  if (tracked == NULL || tracked->controller == NULL)
    {
      ds_codec_encode (ds_value_null (), bytes);
      return;
    }
  ds_rate_controller_get_state (tracked->controller, &state, &rate);
  items[0] = ds_value_bool (state.has_begun);
  items[1] = ds_value_int (state.last_time);
  items[2] = ds_value_double (state.last_rate);
  items[3] = ds_value_double (state.last_error);
  items[4] = ds_value_double (rate);
  ds_codec_encode (ds_value_list (items, DS_N_RATE_ITEMS), bytes);
}

static gboolean
ds_recovered_rate_decode (DsRecoveredRate *self, DsValue value)
{
  const DsValue *items = value.as.items;

  if (!ds_value_is (value, DS_VALUE_TYPE_LIST) || value.size != DS_N_RATE_ITEMS ||
      !ds_value_is (items[0], DS_VALUE_TYPE_BOOL) ||
      !ds_value_is (items[1], DS_VALUE_TYPE_INT))
    return FALSE;
  for (guint i = 2; i < DS_N_RATE_ITEMS; i++)
    if (!ds_value_is (items[i], DS_VALUE_TYPE_DOUBLE) || !isfinite (items[i].as.number))
      return FALSE;
  self->state = (DsPidState){
    .has_begun = items[0].as.integer != 0,
    .last_time = items[1].as.integer,
    .last_rate = items[2].as.number,
    .last_error = items[3].as.number,
  };
  self->rate = items[4].as.number;
  return TRUE;
}

void
ds_tracked_receiver_recover_rate (DsTrackedReceiver *self)
{
  GArray *rates = self->tracker->recovered_rates;
  guint id = ds_dstream_get_id (self->stream);

  for (guint i = 0; i < rates->len; i++)
    {
      const DsRecoveredRate *rate = &g_array_index (rates, DsRecoveredRate, i);

      if (rate->stream_id == id)
        ds_rate_controller_set_state (self->controller, &rate->state, rate->rate);
    }
}

/* ---- Positions and plans ---- */

void
ds_receiver_tracker_save_position (DsReceiverTracker *self,
                                   DsDStream *stream,
                                   DsTime time,
                                   GByteArray *bytes)
{
  g_autoptr (GByteArray) blocks = g_byte_array_new ();
  DsBlockPosition position;

  ds_block_position_init (&position);
  ds_received_block_tracker_get_position (self->blocks, time, ds_dstream_get_id (stream),
                                          &position);
  ds_block_position_encode (&position, blocks);
  ds_block_position_clear (&position);
  ds_codec_encode (ds_value_bytes (blocks->data, blocks->len), bytes);
  ds_receiver_tracker_encode_rate (self, stream, bytes);
}

gboolean
ds_receiver_tracker_load_position (DsReceiverTracker *self,
                                   DsDStream *stream,
                                   const guint8 *bytes,
                                   gsize n_bytes,
                                   GError **error)
{
  DsReceivedBlockRecovery *recovery = ds_receiver_tracker_get_recovery (self);
  DsRecoveredRate rate = { .stream_id = ds_dstream_get_id (stream) };
  g_autoptr (DsBlock) block = ds_codec_decode_block (bytes, n_bytes, 0, error);
  const DsValue *values = NULL;
  gsize n_values = 0;

  if (block != NULL)
    values = ds_block_get_values (block, &n_values);
  if (block != NULL &&
      (n_values != 2 || !ds_value_is (values[0], DS_VALUE_TYPE_BYTES) ||
       (!ds_value_is_null (values[1]) && !ds_recovered_rate_decode (&rate, values[1]))))
    {
      g_set_error (error, DS_ERROR, DS_ERROR_CORRUPT,
                   "the position of a receiver stream is its blocks and its rate");
      g_clear_pointer (&block, ds_block_unref);
    }
  if (block == NULL ||
      !ds_received_block_recovery_add_position (recovery, rate.stream_id,
                                                ds_value_get_bytes (values[0], NULL),
                                                values[0].size, error))
    {
      g_prefix_error (error, "Input stream %u (%s): ", rate.stream_id,
                      ds_dstream_describe (stream));
      return FALSE;
    }
  if (!ds_value_is_null (values[1]))
    g_array_append_val (self->recovered_rates, rate);
  ds_received_block_tracker_set_forgotten (
      self->blocks, rate.stream_id,
      ds_received_block_recovery_get_end (recovery, rate.stream_id));
  return TRUE;
}

void
ds_receiver_tracker_save_plan (DsReceiverTracker *self,
                               DsDStream *stream,
                               DsTime time,
                               GByteArray *bytes)
{
  g_autoptr (GArray) sequences = g_array_new (FALSE, FALSE, sizeof (guint64));

  ds_received_block_tracker_get_plan (self->blocks, time, ds_dstream_get_id (stream),
                                      sequences);
  ds_block_plan_encode (sequences, bytes);
}

gboolean
ds_receiver_tracker_load_plan (DsReceiverTracker *self,
                               DsDStream *stream,
                               DsTime time,
                               const guint8 *bytes,
                               gsize n_bytes,
                               GError **error)
{
  if (!ds_received_block_recovery_add_plan (ds_receiver_tracker_get_recovery (self), time,
                                            bytes, n_bytes, error))
    {
      g_prefix_error (error, "Input stream %u (%s), batch %" G_GINT64_FORMAT " ms: ",
                      ds_dstream_get_id (stream), ds_dstream_describe (stream),
                      time / DS_MILLISECOND);
      return FALSE;
    }
  ds_received_block_tracker_set_planned_until (self->blocks, time);
  return TRUE;
}

/* ---- Blocks ---- */

void
ds_receiver_tracker_recover_block (DsReceiverTracker *self,
                                   DsDStream *stream,
                                   const DsLogRecord *record,
                                   gint64 n_records)
{
  DsReceivedBlockRecovery *recovery = ds_receiver_tracker_get_recovery (self);
  guint id = ds_dstream_get_id (stream);
  DsTime batch_time;

  if (!ds_received_block_recovery_take (recovery, id, record->sequence, &batch_time))
    return;
  ds_received_block_tracker_recover (self->blocks, id, n_records, record, batch_time);
  /* What is only looked back at was processed before. */
  if (batch_time == DS_TIME_NONE ||
      ds_received_block_recovery_is_planned (recovery, batch_time))
    ds_receiver_tracker_count (self, n_records);
}

gboolean
ds_receiver_tracker_end_recovery (DsReceiverTracker *self, GError **error)
{
  g_autoptr (DsReceivedBlockRecovery) recovery = g_steal_pointer (&self->recovery);

  return recovery == NULL || ds_received_block_recovery_check (recovery, error);
}

GPtrArray *
ds_receiver_tracker_load_blocks (DsReceiverTracker *self,
                                 DsDStream *stream,
                                 DsTime time,
                                 GError **error)
{
  guint id = ds_dstream_get_id (stream);
  gint64 n_records;

  if (self->directory != NULL &&
      !ds_received_block_tracker_load (self->blocks, self->directory,
                                       ds_context_get_arena_pool (self->context->context),
                                       time, id, error))
    return NULL;
  DS_FP ("block.loaded");
  return ds_received_block_tracker_get_blocks (self->blocks, time, id, &n_records);
}
