/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Loading what ds-state-store-save.c wrote.  A frame has been scanned when its rows are
 * walked, and rows go into the table as bytes, as they came: that is a hash, a look-up
 * and a copy for each key.  Everything is checked that the table relies on: times that
 * are not in the future, keys that are there once, what is removed being there. */

#include "rdd/ds-state-store-save-private.h"

#include "base/ds-error.h"

#define DS_STATE_LOAD_RUN 64
/* Tables that are to hold more grow. */
#define DS_STATE_LOAD_MAX_RESERVE ((guint64) 1 << 30)

typedef struct
{
  DsStateStore *store;
  DsFrameReader frames;
  guint n_partitions;
  DsTime since; /* %DS_TIME_NONE: in full */
  DsTime time;
  gboolean has_begun;
  guint64 n_rows;
  guint next_partition; /* partitions come in order */
} DsStateLoad;

/* Changes are of use only where what they changed is there. */
static gboolean
ds_state_load_check_since (DsStateLoad *self, GError **error)
{
  for (guint i = 0; i < self->n_partitions; i++)
    {
      DsStateTable *table = ds_state_store_get_table (self->store, i);
      DsTime there = ds_state_table_get_oldest_time (table);

      if (self->since == DS_TIME_NONE &&
          (there != G_MININT64 || ds_state_table_get_n_entries (table) > 0))
        return ds_frame_reader_fail (&self->frames, error,
                                     "it is of all keys, but some are there already");
      if (self->since != DS_TIME_NONE && there != self->since)
        return ds_frame_reader_fail (&self->frames, error,
                                     "it is what changed since %" G_GINT64_FORMAT
                                     " ms, but what is there is of another time",
                                     self->since / DS_MILLISECOND);
    }
  return TRUE;
}

/* For as many keys as are announced, if what is left to read can hold them. */
static gboolean
ds_state_load_reserve (DsStateLoad *self, GError **error)
{
  guint64 n_possible = MIN (self->frames.reader->n_bytes / DS_STATE_SAVE_MIN_ROW,
                            DS_STATE_LOAD_MAX_RESERVE);

  for (guint i = 0; i < self->n_partitions; i++)
    {
      gint64 n_keys;

      if (!ds_frame_reader_take_int (&self->frames, "the number of keys", 0, G_MAXUINT32,
                                     &n_keys, error))
        return FALSE;
      n_keys = (gint64) MIN ((guint64) n_keys, n_possible);
      n_possible -= (guint64) n_keys;
      if (self->since == DS_TIME_NONE)
        ds_state_table_reserve (ds_state_store_get_table (self->store, i),
                                (guint32) n_keys);
    }
  return TRUE;
}

static gboolean
ds_state_load_take_head (DsStateLoad *self, GError **error)
{
  DsFrameReader *frames = &self->frames;
  gint64 has_begun, n_partitions;

  self->since = DS_TIME_NONE;
  self->n_partitions = ds_state_store_get_n_partitions (self->store);
  if (!ds_frame_reader_next (frames, error) ||
      !ds_frame_reader_take_name (frames, DS_STATE_SAVE_NAME, DS_STATE_SAVE_VERSION,
                                  error))
    return FALSE;
  if (!ds_frame_reader_take_null (frames) &&
      !ds_frame_reader_take_int (frames, "the time of what it follows", 0, G_MAXINT64,
                                 &self->since, error))
    return FALSE;
  if (!ds_frame_reader_take_int (frames, "its time", MAX (self->since, 0), G_MAXINT64,
                                 &self->time, error) ||
      !ds_frame_reader_take_int (frames, "whether it has begun", 0, 1, &has_begun,
                                 error) ||
      !ds_frame_reader_take_int (frames, "the number of partitions", 1, G_MAXUINT32,
                                 &n_partitions, error))
    return FALSE;
  self->has_begun = has_begun != 0;
  if (n_partitions != self->n_partitions)
    {
      g_set_error (error, DS_ERROR, DS_ERROR_GRAPH_MISMATCH,
                   "The saved state lies in %" G_GINT64_FORMAT
                   " partitions, but the stream has %u. Give it as many as it had",
                   n_partitions, self->n_partitions);
      return FALSE;
    }
  if (!ds_state_load_check_since (self, error) || !ds_state_load_reserve (self, error))
    return FALSE;
  return ds_frame_reader_is_at_end (frames)
             ? TRUE
             : ds_frame_reader_fail (frames, error, "there is more than its head");
}

/* ---- Rows ---- */

static gboolean
ds_state_load_take_row (DsStateLoad *self, DsStateRestored *row, GError **error)
{
  DsFrameReader *frames = &self->frames;
  gsize n_key, n_state;
  gint64 age, order;

  if (!ds_frame_reader_take_encoded (frames, &row->key.bytes, &n_key, error))
    return FALSE;
  row->key.n_bytes = (guint32) n_key;
  row->key.hash = ds_state_hash (row->key.bytes, n_key);
  if (ds_frame_reader_take_null (frames))
    {
      row->n_bytes = DS_STATE_ABSENT;
      return TRUE;
    }
  /* A change since then is younger than since. */
  if (!ds_frame_reader_take_int (frames, "the age of a state", 0,
                                 self->since != DS_TIME_NONE
                                     ? self->time - self->since - 1
                                     : self->time,
                                 &age, error) ||
      !ds_frame_reader_take_int (frames, "the order of a state", 0, G_MAXUINT32, &order,
                                 error) ||
      !ds_frame_reader_take_encoded (frames, &row->bytes, &n_state, error))
    return FALSE;
  row->n_bytes = (guint32) n_state;
  row->updated_at = self->time - age;
  row->order = (guint32) order;
  return TRUE;
}

static gboolean
ds_state_load_take_rows (DsStateLoad *self,
                         guint partition,
                         gint64 n_rows,
                         GError **error)
{
  DsStateTable *table = ds_state_store_get_table (self->store, partition);
  DsTime since = self->since != DS_TIME_NONE ? self->since : G_MININT64;

  for (gint64 i = 0; i < n_rows;)
    {
      DsStateRestored rows[DS_STATE_LOAD_RUN];
      gsize n_run = (gsize) MIN (n_rows - i, DS_STATE_LOAD_RUN);

      for (gsize k = 0; k < n_run; k++)
        if (!ds_state_load_take_row (self, &rows[k], error))
          return FALSE;
      if (ds_state_table_restore (table, since, rows, n_run) < n_run)
        return ds_frame_reader_fail (&self->frames, error,
                                     "a key of partition %u comes twice, or is removed "
                                     "but not there",
                                     partition);
      i += (gint64) n_run;
    }
  self->n_rows += (guint64) n_rows;
  return TRUE;
}

/* Frames up to the last one. */
static gboolean
ds_state_load_take_frames (DsStateLoad *self, GError **error)
{
  DsFrameReader *frames = &self->frames;
  gboolean is_last;

  do
    {
      gint64 partition, n_rows;

      if (!ds_frame_reader_next (frames, error) ||
          !ds_frame_reader_take_int (frames, "a partition", self->next_partition,
                                     self->n_partitions, &partition, error) ||
          !ds_frame_reader_take_int (frames, "the number of rows", 0, G_MAXINT64, &n_rows,
                                     error))
        return FALSE;
      /* Partitions that have all: their order in time is settled one by one, for which
       * memory is needed. */
      while (self->next_partition < partition)
        ds_state_table_end_restore (ds_state_store_get_table (self->store,
                                                              self->next_partition++),
                                    self->time);
      is_last = partition == self->n_partitions;
      if (is_last && (guint64) n_rows != self->n_rows)
        return ds_frame_reader_fail (frames, error,
                                     "it announces %" G_GINT64_FORMAT
                                     " states, but holds %" G_GUINT64_FORMAT,
                                     n_rows, self->n_rows);
      if (!is_last && !ds_state_load_take_rows (self, (guint) partition, n_rows, error))
        return FALSE;
      if (!ds_frame_reader_is_at_end (frames))
        return ds_frame_reader_fail (frames, error, "there is more than its rows");
    }
  while (!is_last);
  return TRUE;
}

gboolean
ds_state_store_load (DsStateStore *self, DsStateReader *reader, GError **error)
{
  DsStateLoad load = { .store = self };
  gboolean ok;

  ds_frame_reader_init (&load.frames, reader, "saved state");
  ok = ds_state_load_take_head (&load, error) && ds_state_load_take_frames (&load, error);
  ds_frame_reader_clear (&load.frames);
  if (ok && load.has_begun)
    ds_state_store_set_restored (self, load.time);
  return ok;
}
