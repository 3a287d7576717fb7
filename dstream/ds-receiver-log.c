/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Streams that lose nothing: a block is in the write-ahead log before any batch can take
 * it, and on the disk before its source hears of it.  The plan of a batch, which names
 * its blocks, follows them in the same log; so whatever plan survives, its blocks do, and
 * one sync serves both.
 *
 * Which part of the log is still needed follows from the blocks that are known here:
 * those without a batch, those of batches that are not over, and those that windows look
 * back at.  A block leaves only when its batch is over and forgotten (never because a
 * checkpoint was written meanwhile). */

#include "dstream/ds-tracked-receiver-private.h"

#include "base/ds-failpoint-private.h"

/* Streams that a message names. */
#define DS_MAX_NAMED_STREAMS 8

/* ---- Storing ---- */

/* The log, in use until it is given back; NULL: it is closed. */
static DsWriteAheadLog *
ds_tracked_receiver_begin_log (DsTrackedReceiver *self)
{
  DsReceiverTracker *tracker = self->tracker;
  DsWriteAheadLog *log;

  g_mutex_lock (&tracker->lock);
  log = tracker->log;
  if (log != NULL)
    {
      tracker->n_log_users++;
      self->appending_from = ds_write_ahead_log_get_next_sequence (log);
    }
  g_mutex_unlock (&tracker->lock);
  return log;
}

static void
ds_tracked_receiver_end_log (DsTrackedReceiver *self, guint64 sequence)
{
  DsReceiverTracker *tracker = self->tracker;

  g_mutex_lock (&tracker->lock);
  tracker->n_log_users--;
  self->last_sequence = MAX (self->last_sequence, sequence);
  self->appending_from = 0;
  g_cond_broadcast (&tracker->log_changed);
  g_mutex_unlock (&tracker->lock);
}

/* Not ds_write_ahead_log_await (), which a full disk holds for as long as it is full: the
 * end of the context ends this. */
static gboolean
ds_tracked_receiver_await_log (DsTrackedReceiver *self,
                               DsWriteAheadLog *log,
                               guint64 sequence,
                               GError **error)
{
  DsReceiverTracker *tracker = self->tracker;
  gboolean is_durable;

  if (ds_write_ahead_log_sync (log, sequence))
    return TRUE;
  g_mutex_lock (&tracker->lock);
  while (tracker->durable_sequence < sequence && tracker->log_error == NULL &&
         tracker->log != NULL)
    g_cond_wait (&tracker->log_changed, &tracker->lock);
  is_durable = tracker->durable_sequence >= sequence;
  if (!is_durable && tracker->log_error != NULL)
    g_propagate_error (error, g_error_copy (tracker->log_error));
  else if (!is_durable)
    g_set_error (error, DS_ERROR, DS_ERROR_STOPPED,
                 "The context was stopped before a block of input stream %u was on the "
                 "disk; whether it is stored shows when the context goes on",
                 ds_dstream_get_id (self->stream));
  g_mutex_unlock (&tracker->lock);
  return is_durable;
}

gboolean
ds_tracked_receiver_add_block (DsTrackedReceiver *self,
                               DsBlock *block,
                               gsize n_records,
                               gsize n_bytes,
                               DsTime arrival_time,
                               GError **error)
{
  DsReceiverTracker *tracker = self->tracker;
  DsReceivedBlockHead head = {
    .stream_id = ds_dstream_get_id (self->stream),
    .stream_name = ds_dstream_get_node (self->stream)->name,
    .arrival_time = arrival_time,
    .n_records = (gint64) n_records,
  };
  DsWriteAheadLog *log = NULL;
  guint64 sequence = 0;

  if (self->durability != DS_DURABILITY_NONE)
    {
      if (head.stream_name == NULL)
        head.stream_name = "";
      head.fingerprint = ds_checkpointer_get_fingerprint (tracker->context->checkpointer);
      log = ds_tracked_receiver_begin_log (self);
      if (log != NULL)
        sequence = ds_received_block_log_append (log, &head, block, error);
      else
        g_set_error (error, DS_ERROR, DS_ERROR_STOPPED,
                     "The write-ahead log is closed; nothing more is stored");
      DS_FP ("block.appended");
      if (sequence == 0 || (self->durability == DS_DURABILITY_EVERY_RECORD &&
                            !ds_tracked_receiver_await_log (self, log, sequence, error)))
        {
          if (log != NULL)
            ds_tracked_receiver_end_log (self, 0);
          ds_block_unref (block);
          return FALSE;
        }
    }

  ds_receiver_tracker_count (tracker, head.n_records);
  ds_received_block_tracker_add_logged (tracker->blocks, head.stream_id, block,
                                        head.n_records, n_bytes, arrival_time, sequence);
  if (log != NULL)
    ds_tracked_receiver_end_log (self, sequence);
  return TRUE;
}

/* ---- What the log tells.  Thread: the log's own. ---- */

void
ds_receiver_tracker_log_is_durable (DsReceiverTracker *self,
                                    guint64 sequence,
                                    const GError *error)
{
  DS_FP ("block.durable");
  ds_receiver_tracker_note_durable (self, sequence);
  if (error == NULL)
    return;

  /* What was stored since is not safe, and nothing will be: sources that hear nothing
   * send it again, later, to a process whose log works. */
  ds_receiver_tracker_lose_tokens (self, error);
  for (guint i = 0; i < self->receivers->len; i++)
    {
      DsTrackedReceiver *tracked = ds_receiver_tracker_get_receiver (self, i);

      if (tracked->durability != DS_DURABILITY_NONE)
        ds_receiver_supervisor_finish (tracked->supervisor, g_error_copy (error));
    }
}

void
ds_receiver_tracker_note_trouble (DsReceiverTracker *self, const GError *error)
{
  if (error == NULL)
    return;
  for (guint i = 0; i < self->receivers->len; i++)
    {
      DsTrackedReceiver *tracked = ds_receiver_tracker_get_receiver (self, i);

      if (tracked->durability != DS_DURABILITY_NONE)
        ds_tracked_receiver_tell_of_error (tracked, error, FALSE);
    }
}

/* ---- Start and stop ---- */

void
ds_receiver_tracker_set_log (DsReceiverTracker *self,
                             DsWriteAheadLog *log,
                             DsDurableDirectory *directory)
{
  self->log = log;
  self->directory = directory;
}

gboolean
ds_tracked_receiver_check_durability (DsTrackedReceiver *self, GError **error)
{
  if (self->durability == DS_DURABILITY_NONE || self->tracker->log != NULL)
    return TRUE;
  g_set_error (error, DS_ERROR, DS_ERROR_INVALID_STATE,
               "Input stream %u (%s): what it receives is to go to a log (durability "
               "%s), and there is none; set a checkpoint directory with "
               "ds_streaming_context_checkpoint (), or the durability to none",
               ds_dstream_get_id (self->stream), ds_dstream_describe (self->stream),
               self->durability == DS_DURABILITY_GROUP ? "group" : "every-record");
  return FALSE;
}

/* "of input streams 0 (clicks), 3 (socket) and 7 others"; NULL: none is of that level. */
static char *
ds_receiver_tracker_name_streams (DsReceiverTracker *self, DsDurability durability)
{
  g_autoptr (GString) names = g_string_new (NULL);
  guint n = 0;

  for (guint i = 0; i < self->receivers->len; i++)
    {
      DsTrackedReceiver *tracked = ds_receiver_tracker_get_receiver (self, i);

      if (tracked->durability == durability && n++ < DS_MAX_NAMED_STREAMS)
        g_string_append_printf (names, "%s%u (%s)", n > 1 ? ", " : "",
                                ds_dstream_get_id (tracked->stream),
                                ds_dstream_describe (tracked->stream));
    }
  if (n > DS_MAX_NAMED_STREAMS)
    g_string_append_printf (names, " and %u others", n - DS_MAX_NAMED_STREAMS);
  if (n == 0)
    return NULL;
  g_string_prepend (names, n > 1 ? "of input streams " : "of input stream ");
  return g_string_free (g_steal_pointer (&names), FALSE);
}

void
ds_receiver_tracker_tell_durability (DsReceiverTracker *self)
{
  static const char *const meanings[] = {
    [DS_DURABILITY_NONE] =
        "is kept in memory only: what came since the last batch is lost when the process "
        "is killed, not when it is stopped gracefully",
    [DS_DURABILITY_GROUP] =
        "goes to the log: what was acknowledged is never lost; what was not, as of the "
        "last block interval, is lost when the process is killed",
    [DS_DURABILITY_EVERY_RECORD] =
        "goes to the log, record by record: what was stored is never lost",
  };

  for (guint i = 0; i < G_N_ELEMENTS (meanings); i++)
    {
      g_autofree char *streams =
          ds_receiver_tracker_name_streams (self, (DsDurability) i);

      if (streams != NULL)
        g_message ("Received data %s %s", streams, meanings[i]);
    }
}

void
ds_receiver_tracker_release_log (DsReceiverTracker *self, gint64 deadline)
{
  DsWriteAheadLog *log;
  guint64 last = 0;

  g_mutex_lock (&self->lock);
  log = self->log;
  for (guint i = 0; i < self->receivers->len; i++)
    last = MAX (last, ds_receiver_tracker_get_receiver (self, i)->last_sequence);
  g_mutex_unlock (&self->lock);
  if (log == NULL)
    return;

  if (last > 0)
    ds_write_ahead_log_request_sync (log, last);
  g_mutex_lock (&self->lock);
  while (self->durable_sequence < last && self->log_error == NULL &&
         g_cond_wait_until (&self->log_changed, &self->lock, deadline))
    ;
  self->log = NULL;
  g_cond_broadcast (&self->log_changed);
  /* They are let go of now, or when the log gives up; until then it must be there. */
  while (self->n_log_users > 0)
    g_cond_wait (&self->log_changed, &self->lock);
  g_mutex_unlock (&self->lock);
}

guint64
ds_receiver_tracker_get_oldest_sequence (DsReceiverTracker *self)
{
  guint64 oldest = G_MAXUINT64;

  /* Those on their way first: one that is missed here has arrived there. */
  g_mutex_lock (&self->lock);
  for (guint i = 0; i < self->receivers->len; i++)
    {
      DsTrackedReceiver *tracked = ds_receiver_tracker_get_receiver (self, i);

      if (tracked->appending_from > 0)
        oldest = MIN (oldest, tracked->appending_from);
    }
  g_mutex_unlock (&self->lock);
  return MIN (oldest, ds_received_block_tracker_get_oldest_sequence (self->blocks));
}
