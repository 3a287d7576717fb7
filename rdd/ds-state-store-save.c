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
  DsStateStore *store;
  DsTime since;
  DsTime time;
  DsFrameWriter frames;
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

static void
ds_state_save_put_row (DsStateSave *self, const guint8 *bytes, const DsStateRow *row)
{
  DsFrameWriter *frames = &self->frames;

  ds_frame_writer_put_encoded (frames, bytes + row->key_at, row->n_key);
  if (row->n_state == DS_STATE_ABSENT)
    {
      ds_frame_writer_put_null (frames);
      return;
    }
  ds_frame_writer_put_int (frames, self->time - row->updated_at);
  ds_frame_writer_put_int (frames, row->order);
  ds_frame_writer_put_encoded (frames, bytes + row->state_at, row->n_state);
}

/* Rows of one partition, in as many frames as they need. */
static gboolean
ds_state_save_put_rows (DsStateSave *self,
                        guint partition,
                        const guint8 *bytes,
                        const DsStateRow *rows,
                        gsize n_rows,
                        GError **error)
{
  gsize i = 0;

  while (i < n_rows)
    {
      gsize first = i;
      gsize count_at;

      ds_frame_writer_put_int (&self->frames, partition);
      count_at = ds_frame_writer_put_count (&self->frames);
      while (i < n_rows && !ds_frame_writer_is_full (&self->frames))
        ds_state_save_put_row (self, bytes, &rows[i++]);
      ds_frame_writer_set_count (&self->frames, count_at, (guint32) (i - first));
      self->n_rows += i - first;
      if (!ds_frame_writer_end (&self->frames, error))
        return FALSE;
    }
  return TRUE;
}

static gsize
ds_state_save_read (DsStateSave *self,
                    DsStateTable *table,
                    guint64 *cursor,
                    GByteArray *bytes,
                    DsStateRow *rows)
{
  return self->since != DS_TIME_NONE
             ? ds_state_table_read_changes (table, self->since, self->time, cursor, bytes,
                                            rows)
             : ds_state_table_read (table, self->time, cursor, bytes, rows);
}

/* Slices are gathered, so that frames are about as long as they may be. */
static gboolean
ds_state_save_put_partition (DsStateSave *self, guint partition, GError **error)
{
  DsStateTable *table = ds_state_store_get_table (self->store, partition);
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autoptr (GArray) rows = g_array_new (FALSE, FALSE, sizeof (DsStateRow));
  guint64 cursor = 0;
  gboolean ok = TRUE;
  gsize n_read;

  ds_state_table_hold (table);
  do
    {
      guint n_rows = rows->len;

      g_array_set_size (rows, n_rows + DS_STATE_SLICE);
      n_read = ds_state_save_read (self, table, &cursor, bytes,
                                   &g_array_index (rows, DsStateRow, n_rows));
      g_array_set_size (rows, n_rows + (guint) n_read);
      if (n_read > 0 && bytes->len < DS_STATE_SAVE_GATHERED)
        continue;
      ok = ds_state_save_put_rows (self, partition, bytes->data,
                                   (const DsStateRow *) (gconstpointer) rows->data,
                                   rows->len, error);
      g_array_set_size (rows, 0);
      g_byte_array_set_size (bytes, 0);
    }
  while (ok && n_read > 0);
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
  DsStateSave save = { .store = self, .since = since, .time = time };
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
