/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reading a table as it was after some batch, while later ones change it: from each entry
 * back through the deltas to the newest version that is old enough.  Rows are visited, or
 * copied out, a slice at a time under the lock, so that neither side waits long for the
 * other. */

#include "rdd/ds-state-table-core-private.h"

/* So many rows before they are visited, their memory is asked for. */
#define DS_STATE_N_AHEAD 16

/* What @entry was as of @time; FALSE: it had no state.  Locks: self->lock is held. */
static inline gboolean
ds_state_table_view (const DsStateTable *self,
                     guint32 entry,
                     DsTime time,
                     DsStateView *view)
{
  const DsStateEntry *now = &self->entries[entry];
  guint32 undo = now->undo;

  view->key = ds_state_record_get_key (ds_state_log_get (self, now->at), &view->n_key);
  view->state = view->key + view->n_key;
  view->n_state = now->n_state;
  view->order = now->undo;
  view->updated_at = now->updated_at;
  while (view->updated_at > time)
    {
      const DsStateDelta *delta = ds_state_table_find_delta (self, view->updated_at);
      const DsStateUndo *before;

      g_assert (delta != NULL); /* @time is not forgotten */
      before = &delta->undos[undo];
      view->n_state = before->n_state;
      view->updated_at = before->updated_at;
      if (before->n_state != DS_STATE_ABSENT)
        view->state = ds_state_undo_get_state (before);
      view->order = undo = before->undo;
    }
  return view->n_state != DS_STATE_ABSENT;
}

static void
ds_state_row_append (DsStateRow *row, GByteArray *bytes, const DsStateView *view)
{
  row->key_at = bytes->len;
  row->n_key = view->n_key;
  g_byte_array_append (bytes, view->key, view->n_key);
  row->state_at = bytes->len;
  row->n_state = view->n_state;
  row->updated_at = view->updated_at;
  row->order = view->order;
  if (view->n_state != DS_STATE_ABSENT)
    g_byte_array_append (bytes, view->state, view->n_state);
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
  DsStateView view;
  gboolean found = FALSE;

  g_mutex_lock (&self->lock);
  for (guint32 entry = ds_state_table_find (self, key);
       !found && entry != DS_STATE_NO_ENTRY; entry = self->entries[entry].predecessor)
    {
      found = ds_state_table_view (self, entry, time, &view);
      if (found)
        ds_state_row_append (row, bytes, &view);
    }
  g_mutex_unlock (&self->lock);
  return found;
}

/* Records lie in the order of entries, but for those that have moved. */
static inline void
ds_state_table_prefetch (const DsStateTable *self, guint32 entry)
{
  if (entry < self->n_entries)
    __builtin_prefetch (ds_state_log_get (self, self->entries[entry].at));
}

/* The cursor: an entry.  Locks: self->lock is held. */
static gboolean
ds_state_table_visit_all (const DsStateTable *self,
                          DsTime time,
                          guint64 *cursor,
                          DsStateVisitor *visitor)
{
  guint32 end = (guint32) MIN (*cursor + DS_STATE_SLICE, self->n_entries);
  guint32 entry = (guint32) *cursor;
  gboolean goes_on = TRUE;

  for (; goes_on && entry < end; entry++)
    {
      DsStateView view;

      ds_state_table_prefetch (self, entry + DS_STATE_N_AHEAD);
      if (ds_state_table_view (self, entry, time, &view))
        goes_on = visitor->visit (visitor, &view);
    }
  *cursor = entry;
  return entry < self->n_entries;
}

/* Entries of changes lie anywhere; what is asked for ahead comes in time. */
static inline void
ds_state_delta_prefetch (const DsStateDelta *delta,
                         const DsStateTable *table,
                         guint32 n_undo)
{
  if (n_undo + 2 * DS_STATE_N_AHEAD < delta->n_undos)
    __builtin_prefetch (
        &table->entries[delta->undos[n_undo + 2 * DS_STATE_N_AHEAD].entry]);
  if (n_undo + DS_STATE_N_AHEAD < delta->n_undos)
    ds_state_table_prefetch (table, delta->undos[n_undo + DS_STATE_N_AHEAD].entry);
}

/* The cursor: running number of the delta, and number of the undo within it.  Locks:
 * self->lock is held. */
static gboolean
ds_state_table_visit_changes (const DsStateTable *self,
                              DsTime since,
                              DsTime time,
                              guint64 *cursor,
                              DsStateVisitor *visitor)
{
  guint32 n_delta = MAX ((guint32) (*cursor >> 32), self->n_deltas_gone);
  guint32 n_undo = n_delta == *cursor >> 32 ? (guint32) *cursor : 0;
  const DsStateDelta *delta = NULL;
  gboolean goes_on = TRUE;

  for (guint i = 0; goes_on && i < DS_STATE_SLICE; i++)
    {
      const DsStateUndo *undo;
      DsStateView view;

      while (n_delta - self->n_deltas_gone < self->deltas->len)
        {
          delta = g_ptr_array_index (self->deltas, n_delta - self->n_deltas_gone);
          if (delta->time > since && n_undo < delta->n_undos)
            break;
          n_delta++;
          n_undo = 0;
        }
      if (n_delta - self->n_deltas_gone == self->deltas->len || delta->time > time)
        return FALSE;
      ds_state_delta_prefetch (delta, self, n_undo);
      undo = &delta->undos[n_undo++];
      if (undo->updated_at > since)
        continue; /* not the first change since then */
      if (ds_state_table_view (self, undo->entry, time, &view) ||
          undo->n_state != DS_STATE_ABSENT)
        goes_on = visitor->visit (visitor, &view);
    }
  *cursor = (guint64) n_delta << 32 | n_undo;
  return TRUE;
}

gboolean
ds_state_table_visit (DsStateTable *self,
                      DsTime since,
                      DsTime time,
                      guint64 *cursor,
                      DsStateVisitor *visitor)
{
  gboolean has_more;

  g_mutex_lock (&self->lock);
  has_more = since != DS_TIME_NONE
                 ? ds_state_table_visit_changes (self, since, time, cursor, visitor)
                 : ds_state_table_visit_all (self, time, cursor, visitor);
  g_mutex_unlock (&self->lock);
  return has_more;
}

typedef struct
{
  DsStateVisitor visitor;
  GByteArray *bytes;
  DsStateRow *rows;
  gsize n_rows;
} DsStateCopier;

static gboolean
ds_state_copier_visit (DsStateVisitor *visitor, const DsStateView *view)
{
  DsStateCopier *self = (DsStateCopier *) visitor;

  ds_state_row_append (&self->rows[self->n_rows++], self->bytes, view);
  return TRUE;
}

gsize
ds_state_table_read (DsStateTable *self,
                     DsTime time,
                     guint64 *cursor,
                     GByteArray *bytes,
                     DsStateRow *rows)
{
  DsStateCopier copier = { { ds_state_copier_visit }, bytes, rows, 0 };
  gboolean has_more = TRUE;

  /* A slice of entries may have no row in it: then the next one. */
  while (has_more && copier.n_rows == 0)
    has_more = ds_state_table_visit (self, DS_TIME_NONE, time, cursor, &copier.visitor);
  return copier.n_rows;
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
