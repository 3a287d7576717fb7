/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The log: where keys and states of a table lie.
 *
 * Memory of 128 KiB a segment, addressed in units of 8 bytes, so that an entry needs four
 * bytes to name a record.  Records are appended; what they leave behind when they move is
 * counted, and won back by copying what is left, in the order of the entries, into a new
 * log.  As that happens only when a third of the log is dead, each byte written is copied
 * a bounded number of times. */

#include "rdd/ds-state-table-core-private.h"

#include <string.h>

void
ds_state_record_write (guint8 *record,
                       const guint8 *key,
                       guint32 n_key,
                       const guint8 *state,
                       guint32 n_state)
{
  gsize n_head = ds_state_record_get_n_head (n_key);

  record[0] = n_key < 0xff ? (guint8) n_key : 0xff;
  if (n_head > 1)
    memcpy (record + 1, &n_key, sizeof n_key);
  if (n_key > 0)
    memcpy (record + n_head, key, n_key);
  if (n_state != DS_STATE_ABSENT && n_state > 0)
    memcpy (record + n_head + n_key, state, n_state);
}

/* As many segments in one piece as @n_units need. */
static void
ds_state_log_add_segments (DsStateTable *self, guint32 n_units)
{
  const gsize n_segment_bytes = (gsize) DS_STATE_SEGMENT_UNITS * DS_STATE_UNIT;
  guint32 n_new = (n_units + DS_STATE_SEGMENT_UNITS - 1) / DS_STATE_SEGMENT_UNITS;
  guint32 n_before = self->n_segments;
  guint8 *memory;

  if ((guint64) (n_before + n_new) * DS_STATE_SEGMENT_UNITS > G_MAXUINT32)
    g_error ("Out of memory: the states of one partition take 32 GiB; deal them out to "
             "more partitions");

  memory = g_malloc (n_new * n_segment_bytes);
  self->n_segments += n_new;
  self->segments = g_renew (DsStateSegment, self->segments, self->n_segments);
  for (guint32 i = 0; i < n_new; i++)
    self->segments[n_before + i] =
        (DsStateSegment){ memory + i * n_segment_bytes, i == 0 };
  self->next_unit = (guint64) n_before * DS_STATE_SEGMENT_UNITS;
}

guint32
ds_state_log_alloc (DsStateTable *self, guint32 n_units)
{
  guint64 end = (guint64) self->n_segments * DS_STATE_SEGMENT_UNITS;
  guint32 at;

  if (n_units > end - self->next_unit)
    {
      self->n_dead_units += end - self->next_unit;
      ds_state_log_add_segments (self, n_units);
    }
  at = (guint32) self->next_unit;
  self->next_unit += n_units;
  return at;
}

void
ds_state_log_free_segments (DsStateSegment *segments, guint32 n_segments)
{
  for (guint32 i = 0; i < n_segments; i++)
    if (segments[i].is_first)
      g_free (segments[i].memory);
  g_free (segments);
}

/* ---- Compaction ---- */

/* A delta still knows what it was. */
static gboolean
ds_state_table_needs_entry (const DsStateTable *self, const DsStateEntry *entry)
{
  return entry->n_state != DS_STATE_ABSENT || entry->updated_at > self->forgotten;
}

/* The entries that are needed, in their order, with records in a new log.  Returns where
 * each has gone. */
static guint32 *
ds_state_table_copy_entries (DsStateTable *self)
{
  guint32 *moved = g_new (guint32, MAX (self->n_entries, 1));
  DsStateSegment *old_segments = g_steal_pointer (&self->segments);
  guint32 n_old_segments = self->n_segments;
  guint32 n_kept = 0;

  self->n_segments = 0;
  self->next_unit = 0;
  self->n_dead_units = 0;
  for (guint32 i = 0; i < self->n_entries; i++)
    {
      DsStateEntry entry = self->entries[i];
      const guint8 *record = old_segments[entry.at / DS_STATE_SEGMENT_UNITS].memory +
                             (gsize) (entry.at % DS_STATE_SEGMENT_UNITS) * DS_STATE_UNIT;
      guint32 n_key;
      const guint8 *key = ds_state_record_get_key (record, &n_key);

      moved[i] = DS_STATE_NO_ENTRY;
      if (!ds_state_table_needs_entry (self, &entry))
        continue;
      entry.at =
          ds_state_log_alloc (self, ds_state_record_get_n_units (n_key, entry.n_state));
      ds_state_record_write (ds_state_log_get (self, entry.at), key, n_key, key + n_key,
                             entry.n_state);
      if (entry.predecessor != DS_STATE_NO_ENTRY)
        entry.predecessor = moved[entry.predecessor];
      moved[i] = n_kept;
      self->entries[n_kept++] = entry;
    }
  ds_state_log_free_segments (old_segments, n_old_segments);
  self->n_entries = n_kept;
  return moved;
}

static void
ds_state_table_move_links (DsStateTable *self, const guint32 *moved)
{
  DsStateLink *old_links = self->links;
  guint32 last = DS_STATE_NO_ENTRY;

  self->links = g_new (DsStateLink, self->n_max_entries);
  for (guint32 i = self->oldest; i != DS_STATE_NO_ENTRY; i = old_links[i].next)
    {
      guint32 entry = moved[i];

      self->links[entry] = (DsStateLink){ last, DS_STATE_NO_ENTRY };
      if (last != DS_STATE_NO_ENTRY)
        self->links[last].next = entry;
      else
        self->oldest = entry;
      last = entry;
    }
  self->newest = last;
  g_free (old_links);
}

void
ds_state_table_compact (DsStateTable *self)
{
  DsStateSlot *old_slots = g_steal_pointer (&self->slots);
  guint32 n_old_slots = self->slot_mask + 1;
  guint32 *moved = ds_state_table_copy_entries (self);

  if (self->is_timed)
    ds_state_table_move_links (self, moved);
  ds_state_table_make_slots (self, self->n_entries);
  for (guint32 i = 0; i < n_old_slots; i++)
    if (old_slots[i].entry_plus_1 != 0 &&
        moved[old_slots[i].entry_plus_1 - 1] != DS_STATE_NO_ENTRY)
      ds_state_table_insert_slot (self, old_slots[i].hash,
                                  moved[old_slots[i].entry_plus_1 - 1]);
  for (guint i = 0; i < self->deltas->len; i++)
    {
      DsStateDelta *delta = g_ptr_array_index (self->deltas, i);

      for (guint32 k = 0; k < delta->n_undos; k++)
        {
          delta->undos[k].entry = moved[delta->undos[k].entry];
          delta->undos[k].previous = DS_STATE_NO_ENTRY; /* settled: never rolled back */
        }
    }
  self->n_droppable = 0;
  self->n_compactions++;
  g_free (moved);
  g_free (old_slots);
}
