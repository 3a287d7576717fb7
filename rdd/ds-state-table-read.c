/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reading a table as it was after some batch, while later ones change it: from each entry
 * back through the deltas to the newest version that is old enough.  Rows are copied out,
 * a slice at a time under the lock, so that neither side waits long for the other. */

#include "rdd/ds-state-table-core-private.h"

/* What @entry was as of @time; FALSE: it had no state.  Locks: self->lock is held. */
static gboolean
ds_state_table_get_as_of (const DsStateTable *self,
                          guint32 entry,
                          DsTime time,
                          DsStatePayload *payload)
{
  const DsStateEntry *now = &self->entries[entry];
  guint32 undo = now->undo;
  guint32 n_key;
  const guint8 *key = ds_state_record_get_key (ds_state_log_get (self, now->at), &n_key);

  *payload = (DsStatePayload){ key + n_key, now->n_state, now->undo, now->updated_at };
  while (payload->updated_at > time)
    {
      const DsStateDelta *delta = ds_state_table_find_delta (self, payload->updated_at);
      const DsStateUndo *before;

      g_assert (delta != NULL); /* @time is not forgotten */
      before = &delta->undos[undo];
      payload->n_bytes = before->n_state;
      payload->updated_at = before->updated_at;
      if (before->n_state != DS_STATE_ABSENT)
        payload->bytes = ds_state_undo_get_state (before);
      payload->order = undo = before->undo;
    }
  return payload->n_bytes != DS_STATE_ABSENT;
}

static void
ds_state_row_append (DsStateRow *row,
                     GByteArray *bytes,
                     const DsStateTable *table,
                     guint32 entry,
                     const DsStatePayload *payload)
{
  const guint8 *key =
      ds_state_record_get_key (ds_state_log_get (table, table->entries[entry].at),
                               &row->n_key);

  row->key_at = bytes->len;
  g_byte_array_append (bytes, key, row->n_key);
  row->state_at = bytes->len;
  row->n_state = payload->n_bytes;
  row->updated_at = payload->updated_at;
  row->order = payload->order;
  if (payload->n_bytes != DS_STATE_ABSENT)
    g_byte_array_append (bytes, payload->bytes, payload->n_bytes);
}

void
ds_state_table_hold (DsStateTable *self)
{
  g_mutex_lock (&self->lock);
  self->n_holds++;
  g_mutex_unlock (&self->lock);
}

void
ds_state_table_release (DsStateTable *self)
{
  g_mutex_lock (&self->lock);
  self->n_holds--;
  g_mutex_unlock (&self->lock);
}

gboolean
ds_state_table_read_key (DsStateTable *self,
                         const DsStateKey *key,
                         DsTime time,
                         GByteArray *bytes,
                         DsStateRow *row)
{
  DsStatePayload payload;
  gboolean found = FALSE;

  g_mutex_lock (&self->lock);
  for (guint32 entry = ds_state_table_find (self, key);
       !found && entry != DS_STATE_NO_ENTRY; entry = self->entries[entry].predecessor)
    {
      found = ds_state_table_get_as_of (self, entry, time, &payload);
      if (found)
        ds_state_row_append (row, bytes, self, entry, &payload);
    }
  g_mutex_unlock (&self->lock);
  return found;
}

gsize
ds_state_table_read (DsStateTable *self,
                     DsTime time,
                     guint64 *cursor,
                     GByteArray *bytes,
                     DsStateRow *rows)
{
  gsize n_rows = 0;

  /* A slice of entries may have no row in it: then the next one. */
  while (n_rows == 0)
    {
      guint32 end;

      g_mutex_lock (&self->lock);
      end = (guint32) MIN (*cursor + DS_STATE_SLICE, self->n_entries);
      if (*cursor >= end)
        {
          g_mutex_unlock (&self->lock);
          return 0;
        }
      for (guint32 entry = (guint32) *cursor; entry < end; entry++)
        {
          DsStatePayload payload;

          if (ds_state_table_get_as_of (self, entry, time, &payload))
            ds_state_row_append (&rows[n_rows++], bytes, self, entry, &payload);
        }
      g_mutex_unlock (&self->lock);
      *cursor = end;
    }
  return n_rows;
}

/* The cursor: running number of the delta, and number of the undo within it. */
gsize
ds_state_table_read_changes (DsStateTable *self,
                             DsTime since,
                             DsTime time,
                             guint64 *cursor,
                             GByteArray *bytes,
                             DsStateRow *rows)
{
  guint32 n_delta = (guint32) (*cursor >> 32);
  guint32 n_undo = (guint32) *cursor;
  gsize n_rows = 0;

  g_mutex_lock (&self->lock);
  if (n_delta < self->n_deltas_gone)
    {
      n_delta = self->n_deltas_gone;
      n_undo = 0;
    }
  while (n_rows < DS_STATE_SLICE && n_delta - self->n_deltas_gone < self->deltas->len)
    {
      const DsStateDelta *delta =
          g_ptr_array_index (self->deltas, n_delta - self->n_deltas_gone);
      const DsStateUndo *undo;
      DsStatePayload payload;
      gboolean exists;

      if (delta->time > time)
        break;
      if (delta->time <= since || n_undo == delta->n_undos)
        {
          n_delta++;
          n_undo = 0;
          continue;
        }
      undo = &delta->undos[n_undo++];
      if (undo->updated_at > since)
        continue; /* not the first change since then */
      exists = ds_state_table_get_as_of (self, undo->entry, time, &payload);
      if (exists || undo->n_state != DS_STATE_ABSENT)
        ds_state_row_append (&rows[n_rows++], bytes, self, undo->entry, &payload);
    }
  g_mutex_unlock (&self->lock);
  *cursor = (guint64) n_delta << 32 | n_undo;
  return n_rows;
}

DsTime
ds_state_table_get_oldest_time (DsStateTable *self)
{
  DsTime oldest;

  g_mutex_lock (&self->lock);
  oldest = self->forgotten;
  g_mutex_unlock (&self->lock);
  return oldest;
}

gboolean
ds_state_table_remembers (DsStateTable *self, DsTime time)
{
  return time >= ds_state_table_get_oldest_time (self);
}

guint32
ds_state_table_read_n_entries (DsStateTable *self)
{
  guint32 n_entries;

  g_mutex_lock (&self->lock);
  n_entries = self->n_entries;
  g_mutex_unlock (&self->lock);
  return n_entries;
}

/* ---- Numbers ---- */

gsize
ds_state_table_get_n_bytes (DsStateTable *self)
{
  gsize n_bytes;

  g_mutex_lock (&self->lock);
  n_bytes = ((gsize) self->slot_mask + 1) * sizeof *self->slots +
            self->n_max_entries *
                (sizeof *self->entries + (self->is_timed ? sizeof *self->links : 0)) +
            (gsize) self->n_segments * DS_STATE_SEGMENT_UNITS * DS_STATE_UNIT;
  g_mutex_unlock (&self->lock);
  return n_bytes;
}

gsize
ds_state_table_get_n_delta_bytes (DsStateTable *self)
{
  gsize n_bytes = 0;

  g_mutex_lock (&self->lock);
  for (guint i = 0; i < self->deltas->len; i++)
    {
      const DsStateDelta *delta = g_ptr_array_index (self->deltas, i);

      n_bytes += delta->n_max_undos * sizeof *delta->undos +
                 (delta->arena != NULL ? ds_arena_get_capacity (delta->arena) : 0);
    }
  g_mutex_unlock (&self->lock);
  return n_bytes;
}

guint64
ds_state_table_get_n_compactions (DsStateTable *self)
{
  return self->n_compactions;
}
