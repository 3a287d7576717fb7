/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Writing a captured window in full; for steps see ds-window-save-steps.c.
 *
 *   first frame   "windows", version, whether it has queues (with 2: steps follow), time
 *                 of the last step (or null), number of partitions
 *   then          rows, in frames that end where a row ends:
 *   partition     number, time of the newest batch (or null), live keys, other keys,
 *                 batches; then those
 *   key           key; live: hidden, value; with queues: where the stretches of its queue
 *                 begin, number of cells, and of each value and aggregate (null: it is
 *                 the value; else true and the aggregate)
 *   batch         time, number of entries; then of each the number of its key and,
 *                 without queues, the value
 *   last          number of partitions
 *
 * Keys are numbered as they are written: live ones first, in their order.  Where they lay
 * in the table does not matter. */

#include "rdd/ds-window-save-private.h"

#include "base/ds-codec-private.h"

#define DS_WINDOW_NO_NUMBER G_MAXUINT32
/* Keys whose queues are read before steps that wait for the table go on. */
#define DS_WINDOW_SAVE_RUN 256

typedef struct
{
  const DsWindowSnapshot *snapshot;
  const DsWindowPart *part;
  const guint32 *live;   /* (nullable) */
  const DsValue *values; /* (nullable): of live keys, without queues */
  guint32 *numbers;      /* of entries of the part */
  guint32 *others;       /* entries that are not live, by their numbers */
  guint32 n_others;
  DsFrameWriter frames;
} DsWindowSave;

/* ---- Keys ---- */

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
      const DsWindowCell *cell =
          &queue->cells[queue->n_cells == 0 ? i
                                            : (queue->front + i) & (queue->n_cells - 1)];
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

/* Live key number @number.  With queues: the table is locked. */
static void
ds_window_save_put_live (DsWindowSave *self, guint32 number)
{
  guint32 place = self->live != NULL ? self->live[number] : number;
  guint32 index = place & ~DS_WINDOW_HIDDEN;
  DsWindowKeptQueue room;

  self->numbers[index] = number;
  ds_codec_encode (self->part->keys[index], self->frames.bytes);
  ds_frame_writer_put_int (&self->frames, (place & DS_WINDOW_HIDDEN) != 0);
  if (self->snapshot->has_queues)
    {
      const DsWindowKeptQueue *kept =
          ds_window_table_read_queue_locked (self->part->table, index, &room);

      ds_frame_writer_put (&self->frames, kept->value);
      ds_window_save_put_queue (self, &kept->queue);
    }
  else
    ds_frame_writer_put (&self->frames, self->values[number]);
}

static gboolean
ds_window_save_put_lives (DsWindowSave *self, GError **error)
{
  guint32 n_live = self->part->n_live;

  for (guint32 i = 0; i < n_live;)
    {
      if (self->snapshot->has_queues)
        g_mutex_lock (&self->part->table->lock);
      do
        ds_window_save_put_live (self, i++);
      while (i < n_live && i % DS_WINDOW_SAVE_RUN != 0 &&
             !ds_frame_writer_is_full (&self->frames));
      if (self->snapshot->has_queues)
        g_mutex_unlock (&self->part->table->lock);
      if (!ds_window_save_go_on (&self->frames, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
ds_window_save_put_others (DsWindowSave *self, GError **error)
{
  for (guint32 i = 0; i < self->n_others; i++)
    {
      ds_codec_encode (self->part->keys[self->others[i]], self->frames.bytes);
      if (!ds_window_save_go_on (&self->frames, error))
        return FALSE;
    }
  return TRUE;
}

/* What batches still have of keys that are not live any more, so that equal windows are
 * written as equal bytes. */
static void
ds_window_save_number_others (DsWindowSave *self)
{
  const DsWindowPart *part = self->part;
  guint32 n_live = part->n_live;

  self->n_others = 0;
  memset (self->numbers, 0xff, part->n_entries * sizeof *self->numbers);
  for (guint32 i = 0; i < n_live; i++)
    self->numbers[self->live != NULL ? self->live[i] & ~DS_WINDOW_HIDDEN : i] = i;
  for (guint32 i = 0; i < part->n_batches; i++)
    for (gsize k = 0; k < part->batches[i].n_entries; k++)
      {
        guint32 index = part->batches[i].entries[k];

        if (self->numbers[index] != DS_WINDOW_NO_NUMBER)
          continue;
        self->numbers[index] = n_live + self->n_others;
        self->others[self->n_others++] = index;
      }
}

/* ---- Batches ---- */

static gboolean
ds_window_save_put_batches (DsWindowSave *self, GError **error)
{
  DsFrameWriter *frames = &self->frames;

  for (guint32 i = 0; i < self->part->n_batches; i++)
    {
      const DsWindowBatch *batch = &self->part->batches[i];

      ds_frame_writer_put_int (frames, batch->time);
      ds_frame_writer_put_int (frames, (gint64) batch->n_entries);
      for (gsize k = 0; k < batch->n_entries; k++)
        {
          if (!ds_window_save_go_on (frames, error))
            return FALSE;
          ds_frame_writer_put_int (frames, self->numbers[batch->entries[k]]);
          if (!self->snapshot->has_queues)
            ds_frame_writer_put (frames, batch->values[k]);
        }
      if (!ds_window_save_go_on (frames, error))
        return FALSE;
    }
  return TRUE;
}

/* ---- Partitions ---- */

/* Values of a result lie in its second column, or there is no other. */
static const DsValue *
ds_window_part_get_values (const DsWindowPart *self)
{
  const DsValue *values;
  const DsValue *pair_values;
  gsize n_values;

  if (self->result == NULL)
    return NULL;
  ds_block_get_columns (self->result, &values, &pair_values, &n_values);
  return pair_values != NULL ? pair_values : values;
}

static gboolean
ds_window_save_put_part (DsWindowSave *self,
                         DsWindowPart *part,
                         guint number,
                         GError **error)
{
  DsFrameWriter *frames = &self->frames;
  gboolean ok;

  if (part->table == NULL)
    return TRUE;
  self->part = part;
  self->live =
      part->order != NULL ? (const guint32 *) (gconstpointer) part->order->data : NULL;
  self->values = ds_window_part_get_values (part);
  self->numbers = g_new (guint32, MAX (part->n_entries, 1));
  self->others = g_new (guint32, MAX (part->n_entries, 1));
  ds_window_save_number_others (self);
  ds_frame_writer_put_int (frames, number);
  ds_window_save_put_time (frames, part->time);
  ds_frame_writer_put_int (frames, part->n_live);
  ds_frame_writer_put_int (frames, self->n_others);
  ds_frame_writer_put_int (frames, part->n_batches);
  ok = ds_window_save_put_lives (self, error) &&
       ds_window_save_put_others (self, error) && ds_window_save_go_on (frames, error) &&
       ds_window_save_put_batches (self, error);
  g_clear_pointer (&self->numbers, g_free);
  g_clear_pointer (&self->others, g_free);
  ds_window_part_release (part);
  return ok;
}

static gboolean
ds_window_save_put_all (DsWindowSave *self, DsWindowSnapshot *snapshot, GError **error)
{
  for (guint i = 0; i < snapshot->n_parts; i++)
    if (!ds_window_save_put_part (self, &snapshot->parts[i], i, error))
      return FALSE;
  ds_frame_writer_put_int (&self->frames, snapshot->n_parts);
  return ds_frame_writer_end (&self->frames, error);
}

gboolean
ds_window_snapshot_save (DsWindowSnapshot *self, DsStateWriter *writer, GError **error)
{
  DsWindowSave save = { .snapshot = self };
  gboolean is_full = self->steps == NULL;
  gboolean ok;

  ds_frame_writer_init (&save.frames, writer);
  ds_frame_writer_put (&save.frames, ds_value_string (DS_WINDOW_SAVE_NAME));
  ds_frame_writer_put_int (&save.frames, DS_WINDOW_SAVE_VERSION);
  ds_frame_writer_put_int (&save.frames,
                           self->has_queues + (is_full ? 0 : DS_WINDOW_SAVE_STEPS));
  ds_window_save_put_time (&save.frames, self->time);
  ds_frame_writer_put_int (&save.frames, self->n_parts);
  if (!is_full)
    ds_window_save_put_time (&save.frames, self->base);
  ok = ds_frame_writer_end (&save.frames, error) &&
       (is_full ? ds_window_save_put_all (&save, self, error)
                : ds_window_save_put_steps (self, &save.frames, error));
  ds_frame_writer_clear (&save.frames);
  for (guint i = 0; i < self->n_parts; i++)
    ds_window_part_release (&self->parts[i]);
  return ok;
}
