/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Saving the states of a stream: as of a batch, while later ones change them, or what
 * changed between two batches.
 *
 *   first frame   "states", version, since (null: in full), time, whether a batch was
 *                 completed, number of partitions, a guess of the keys of each
 *   frames        partition, number of rows, rows
 *   last frame    number of partitions, number of rows in all
 *   row           key, age of the last change in µs, its order in the batch, state
 *                 or, of a key that was removed: key, null
 *
 * Keys and states are written as they lie in the table, without being decoded. */

#include "rdd/ds-state-store-save-private.h"

#include "base/ds-error.h"

typedef struct
{
  DsStateVisitor visitor;
  DsStateStore *store;
  DsTime since;
  DsTime time;
  DsFrameWriter frames;
  guint32 n_in_frame;
  guint64 n_rows;
} DsStateSave;

static gboolean
ds_state_save_check (DsStateSave *self, GError **error)
{
  DsTime oldest = self->since != DS_TIME_NONE ? self->since : self->time;

  for (guint i = 0; i < ds_state_store_get_n_partitions (self->store); i++)
    if (!ds_state_table_remembers (ds_state_store_get_table (self->store, i), oldest))
      {
        g_set_error (error, DS_ERROR, DS_ERROR_INVALID_STATE,
                     "The states of partition %u as of %" G_GINT64_FORMAT
                     " ms are not remembered any more. Save them in full, as of the last "
                     "completed batch",
                     i, oldest / DS_MILLISECOND);
        return FALSE;
      }
  return TRUE;
}

static gboolean
ds_state_save_put_head (DsStateSave *self, GError **error)
{
  DsFrameWriter *frames = &self->frames;
  guint n_partitions = ds_state_store_get_n_partitions (self->store);

  ds_frame_writer_put (frames, ds_value_string (DS_STATE_SAVE_NAME));
  ds_frame_writer_put_int (frames, DS_STATE_SAVE_VERSION);
  if (self->since != DS_TIME_NONE)
    ds_frame_writer_put_int (frames, self->since);
  else
    ds_frame_writer_put_null (frames);
  ds_frame_writer_put_int (frames, self->time);
  ds_frame_writer_put_int (frames, ds_state_store_has_begun (self->store, self->time));
  ds_frame_writer_put_int (frames, n_partitions);
  for (guint i = 0; i < n_partitions; i++)
    ds_frame_writer_put_int (frames, ds_state_table_read_n_entries (
                                         ds_state_store_get_table (self->store, i)));
  return ds_frame_writer_end (frames, error);
}

/* Straight from the table into the frame. */
static gboolean
ds_state_save_visit (DsStateVisitor *visitor, const DsStateView *view)
{
  DsStateSave *self = (DsStateSave *) visitor;
  DsFrameWriter *frames = &self->frames;

  if (view->n_state != DS_STATE_ABSENT)
    ds_frame_writer_put_row (frames, view->key, view->n_key,
                             (guint64) (self->time - view->updated_at), view->order,
                             view->state, view->n_state);
  else
    {
      ds_frame_writer_put_encoded (frames, view->key, view->n_key);
      ds_frame_writer_put_null (frames);
    }
  self->n_in_frame++;
  return !ds_frame_writer_is_full (frames);
}

/* The next rows of a partition that fit into a frame. */
static gboolean
ds_state_save_put_rows (DsStateSave *self,
                        guint partition,
                        guint64 *cursor,
                        gboolean *has_more,
                        GError **error)
{
  DsStateTable *table = ds_state_store_get_table (self->store, partition);
  DsFrameWriter *frames = &self->frames;
  gsize count_at;

  self->n_in_frame = 0;
  ds_frame_writer_put_int (frames, partition);
  count_at = ds_frame_writer_put_count (frames);
  while (*has_more && !ds_frame_writer_is_full (frames))
    *has_more =
        ds_state_table_visit (table, self->since, self->time, cursor, &self->visitor);
  if (self->n_in_frame == 0)
    {
      ds_frame_writer_drop (frames);
      return TRUE;
    }
  ds_frame_writer_set_count (frames, count_at, self->n_in_frame);
  self->n_rows += self->n_in_frame;
  return ds_frame_writer_end (frames, error);
}

static gboolean
ds_state_save_put_partition (DsStateSave *self, guint partition, GError **error)
{
  DsStateTable *table = ds_state_store_get_table (self->store, partition);
  guint64 cursor = 0;
  gboolean has_more = TRUE;
  gboolean ok = TRUE;

  ds_state_table_hold (table);
  while (ok && has_more)
    ok = ds_state_save_put_rows (self, partition, &cursor, &has_more, error);
  ds_state_table_release (table);
  return ok;
}

gboolean
ds_state_store_save (DsStateStore *self,
                     DsTime since,
                     DsTime time,
                     DsStateWriter *writer,
                     GError **error)
{
  DsStateSave save = {
    .visitor = { ds_state_save_visit }, .store = self, .since = since, .time = time
  };
  guint n_partitions = ds_state_store_get_n_partitions (self);
  gboolean ok;

  if (!ds_state_save_check (&save, error))
    return FALSE;
  ds_frame_writer_init (&save.frames, writer);
  ok = ds_state_save_put_head (&save, error);
  for (guint i = 0; ok && i < n_partitions; i++)
    ok = ds_state_save_put_partition (&save, i, error);
  if (ok)
    {
      ds_frame_writer_put_int (&save.frames, n_partitions);
      ds_frame_writer_put_int (&save.frames, (gint64) save.n_rows);
      ok = ds_frame_writer_end (&save.frames, error);
    }
  ds_frame_writer_clear (&save.frames);
  return ok;
}
