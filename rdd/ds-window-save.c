/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Writing a captured window.
 *
 *   first frame   "windows", version, whether it has queues, time of the last step (or
 *                 null), number of partitions
 *   then          rows, in frames that end where a row ends:
 *   partition     number, time of the newest batch (or null), live keys, other keys,
 *                 batches; then those
 *   key           key; live: hidden, value; with queues: where the stretches of its queue
 *                 begin, number of cells, and of each value and aggregate (null: it is
 *                 the value; else true and the aggregate)
 *   batch         time, number of entries; then of each the number of its key and,
 * without queues, the value last          number of partitions
 *
 * Keys are numbered as they are written: live ones first, in their order.  Where they lay
 * in the table does not matter. */

#include "rdd/ds-window-save-private.h"

#include "base/ds-codec-private.h"

#define DS_WINDOW_NO_NUMBER G_MAXUINT32

typedef struct
{
  const DsWindowSnapshot *snapshot;
  const DsWindowPart *part;
  guint32 *numbers; /* of entries of the part */
  guint32 *order;   /* entries by their numbers */
  guint32 n_keys;
  DsFrameWriter frames;
} DsWindowSave;

/* Between two rows. */
static gboolean
ds_window_save_go_on (DsWindowSave *self, GError **error)
{
  return !ds_frame_writer_is_full (&self->frames) ||
         ds_frame_writer_end (&self->frames, error);
}

static void
ds_window_save_put_time (DsWindowSave *self, DsTime time)
{
  if (time != DS_TIME_NONE)
    ds_frame_writer_put_int (&self->frames, time);
  else
    ds_frame_writer_put_null (&self->frames);
}

static void
ds_window_save_put_queue (DsWindowSave *self, const DsWindowQueue *queue)
{
  DsFrameWriter *frames = &self->frames;
  guint32 n_cells = ds_window_queue_get_length (queue);

  ds_frame_writer_put_int (frames, queue->left - queue->front);
  ds_frame_writer_put_int (frames, queue->right - queue->front);
  ds_frame_writer_put_int (frames, queue->turn - queue->front);
  ds_frame_writer_put_int (frames, queue->back - queue->front);
  ds_frame_writer_put_int (frames, n_cells);
  for (guint32 i = 0; i < n_cells; i++)
    {
      const DsWindowCell *cell = &queue->cells[i];
      gboolean is_value = ds_window_cell_is_one_value (cell);

      ds_frame_writer_put (frames, cell->value);
      if (is_value)
        {
          ds_frame_writer_put_null (frames);
          continue;
        }
      ds_frame_writer_put_int (frames, 1);
      ds_frame_writer_put (frames, cell->aggregate);
    }
}

static gboolean
ds_window_save_put_key (DsWindowSave *self, guint32 index, GError **error)
{
  const DsWindowPart *part = self->part;

  ds_codec_encode (part->keys[index], self->frames.bytes);
  if (part->entries[index].is_live)
    {
      ds_frame_writer_put_int (&self->frames, part->entries[index].is_hidden);
      ds_frame_writer_put (&self->frames, part->values[index]);
    }
  if (part->queues != NULL)
    ds_window_save_put_queue (self, &part->queues[index]);
  return ds_window_save_go_on (self, error);
}

static void
ds_window_save_number_key (DsWindowSave *self, guint32 index)
{
  if (self->numbers[index] != DS_WINDOW_NO_NUMBER)
    return;
  self->numbers[index] = self->n_keys;
  self->order[self->n_keys++] = index;
}

/* Numbers keys: live ones in their order, then what batches still have of others, so that
 * equal windows are written as equal bytes.  Returns how many are live. */
static guint32
ds_window_save_number_keys (DsWindowSave *self)
{
  const DsWindowPart *part = self->part;
  guint32 n_live;

  self->n_keys = 0;
  memset (self->numbers, 0xff, part->n_entries * sizeof *self->numbers);
  for (guint32 at = part->first_live; at != 0; at = part->entries[at - 1].next)
    ds_window_save_number_key (self, at - 1);
  n_live = self->n_keys;
  for (guint32 i = 0; i < part->n_batches; i++)
    for (gsize k = 0; k < part->batches[i].n_entries; k++)
      ds_window_save_number_key (self, part->batches[i].entries[k]);
  return n_live;
}

static gboolean
ds_window_save_put_batches (DsWindowSave *self, GError **error)
{
  for (guint32 i = 0; i < self->part->n_batches; i++)
    {
      const DsWindowBatch *batch = &self->part->batches[i];

      ds_frame_writer_put_int (&self->frames, batch->time);
      ds_frame_writer_put_int (&self->frames, (gint64) batch->n_entries);
      for (gsize k = 0; k < batch->n_entries; k++)
        {
          if (!ds_window_save_go_on (self, error))
            return FALSE;
          ds_frame_writer_put_int (&self->frames, self->numbers[batch->entries[k]]);
          if (self->part->queues == NULL)
            ds_frame_writer_put (&self->frames, batch->values[k]);
        }
      if (!ds_window_save_go_on (self, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
ds_window_save_put_part (DsWindowSave *self, guint number, GError **error)
{
  DsFrameWriter *frames = &self->frames;
  gboolean ok = TRUE;
  guint32 n_live;

  self->part = &self->snapshot->parts[number];
  if (!self->part->is_used)
    return TRUE;
  self->numbers = g_new (guint32, MAX (self->part->n_entries, 1));
  self->order = g_new (guint32, MAX (self->part->n_entries, 1));
  n_live = ds_window_save_number_keys (self);
  ds_frame_writer_put_int (frames, number);
  ds_window_save_put_time (self, self->part->time);
  ds_frame_writer_put_int (frames, n_live);
  ds_frame_writer_put_int (frames, self->n_keys - n_live);
  ds_frame_writer_put_int (frames, self->part->n_batches);
  for (guint32 i = 0; ok && i < self->n_keys; i++)
    ok = ds_window_save_put_key (self, self->order[i], error);
  ok = ok && ds_window_save_go_on (self, error) &&
       ds_window_save_put_batches (self, error);
  g_clear_pointer (&self->numbers, g_free);
  g_clear_pointer (&self->order, g_free);
  return ok;
}

gboolean
ds_window_snapshot_save (DsWindowSnapshot *self, DsStateWriter *writer, GError **error)
{
  DsWindowSave save = { .snapshot = self };
  gboolean ok;

  ds_frame_writer_init (&save.frames, writer);
  ds_frame_writer_put (&save.frames, ds_value_string (DS_WINDOW_SAVE_NAME));
  ds_frame_writer_put_int (&save.frames, DS_WINDOW_SAVE_VERSION);
  ds_frame_writer_put_int (&save.frames, self->has_queues);
  ds_window_save_put_time (&save, self->time);
  ds_frame_writer_put_int (&save.frames, self->n_parts);
  ok = ds_frame_writer_end (&save.frames, error);
  for (guint i = 0; ok && i < self->n_parts; i++)
    ok = ds_window_save_put_part (&save, i, error);
  if (ok)
    {
      ds_frame_writer_put_int (&save.frames, self->n_parts);
      ok = ds_frame_writer_end (&save.frames, error);
    }
  ds_frame_writer_clear (&save.frames);
  return ok;
}
