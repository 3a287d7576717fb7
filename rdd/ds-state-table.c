/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A table of states: looking up, changing, taking back.  How it lies in memory says
 * ds-state-table-core-private.h. */

#include "rdd/ds-state-table-core-private.h"

#include <string.h>
#include <xxhash.h>

#define DS_STATE_MIN_SLOTS 64
/* Less than this is not worth a compaction. */
#define DS_STATE_MIN_DEAD_UNITS (64 * 1024 / DS_STATE_UNIT)
#define DS_STATE_MIN_DROPPABLE 1024

/* Tables are safe from keys chosen to collide.  Nothing that can be seen depends on the
 * seed: entries lie in the order in which their keys came. */
guint32
ds_state_hash (const guint8 *bytes, gsize n_bytes)
{
  static gsize once = 0;
  static guint64 seed;
  guint64 hash;

  if (g_once_init_enter (&once))
    {
      seed = (guint64) g_random_int () << 32 | g_random_int ();
      g_once_init_leave (&once, 1);
    }
  hash = XXH3_64bits_withSeed (bytes, n_bytes, seed);
  return (guint32) (hash ^ hash >> 32);
}

/* ---- The table ---- */

DsStateTable *
ds_state_table_new (gboolean is_timed)
{
  DsStateTable *self = g_new0 (DsStateTable, 1);

  g_mutex_init (&self->lock);
  self->is_timed = is_timed;
  self->oldest = DS_STATE_NO_ENTRY;
  self->newest = DS_STATE_NO_ENTRY;
  self->forgotten = G_MININT64;
  self->deltas = g_ptr_array_new_with_free_func (ds_state_delta_free);
  ds_state_table_make_slots (self, 0);
  return self;
}

void
ds_state_table_free (DsStateTable *self)
{
  ds_state_log_free_segments (self->segments, self->n_segments);
  g_ptr_array_unref (self->deltas);
  g_clear_pointer (&self->restored, g_array_unref);
  g_free (self->links);
  g_free (self->entries);
  g_free (self->slots);
  g_mutex_clear (&self->lock);
  g_free (self);
}

/* ---- Slots ---- */

/* Empty ones, for so many keys and some more. */
void
ds_state_table_make_slots (DsStateTable *self, guint32 n_keys)
{
  gsize n_slots = DS_STATE_MIN_SLOTS;

  while (n_slots / 4 * 3 <= n_keys)
    n_slots *= 2;
  g_assert (n_slots <= (gsize) G_MAXUINT32 + 1);
  self->slots = g_new0 (DsStateSlot, n_slots);
  self->slot_mask = (guint32) (n_slots - 1);
  self->n_slots_used = 0;
}

void
ds_state_table_insert_slot (DsStateTable *self, guint32 hash, guint32 entry)
{
  guint32 at = hash & self->slot_mask;

  while (self->slots[at].entry_plus_1 != 0)
    at = (at + 1) & self->slot_mask;
  self->slots[at] = (DsStateSlot){ hash, entry + 1 };
  self->n_slots_used++;
}

static void
ds_state_table_grow_slots (DsStateTable *self)
{
  DsStateSlot *old_slots = self->slots;
  guint32 n_old_slots = self->slot_mask + 1;

  ds_state_table_make_slots (self, self->n_slots_used + self->n_slots_used / 2);
  for (guint32 i = 0; i < n_old_slots; i++)
    if (old_slots[i].entry_plus_1 != 0)
      ds_state_table_insert_slot (self, old_slots[i].hash, old_slots[i].entry_plus_1 - 1);
  g_free (old_slots);
}

DsStateSlot *
ds_state_table_find_slot (DsStateTable *self, const DsStateKey *key)
{
  for (guint32 at = key->hash & self->slot_mask;; at = (at + 1) & self->slot_mask)
    {
      DsStateSlot *slot = &self->slots[at];
      const guint8 *record;
      const guint8 *bytes;
      guint32 n_bytes;

      if (slot->entry_plus_1 == 0)
        return NULL;
      if (slot->hash != key->hash)
        continue;
      record = ds_state_log_get (self, self->entries[slot->entry_plus_1 - 1].at);
      bytes = ds_state_record_get_key (record, &n_bytes);
      if (n_bytes == key->n_bytes && memcmp (bytes, key->bytes, n_bytes) == 0)
        return slot;
    }
}

/* Closes the gap: what was pushed past it by collisions moves up. */
static void
ds_state_table_remove_slot (DsStateTable *self, DsStateSlot *slot)
{
  guint32 gap = (guint32) (slot - self->slots);

  for (guint32 at = (gap + 1) & self->slot_mask; self->slots[at].entry_plus_1 != 0;
       at = (at + 1) & self->slot_mask)
    {
      guint32 home = self->slots[at].hash & self->slot_mask;

      if (((at - home) & self->slot_mask) < ((at - gap) & self->slot_mask))
        continue;
      self->slots[gap] = self->slots[at];
      gap = at;
    }
  self->slots[gap] = (DsStateSlot){ 0, 0 };
  self->n_slots_used--;
}

/* ---- The present ---- */

guint32
ds_state_table_find (DsStateTable *self, const DsStateKey *key)
{
  DsStateSlot *slot = ds_state_table_find_slot (self, key);

  return slot != NULL ? slot->entry_plus_1 - 1 : DS_STATE_NO_ENTRY;
}

gboolean
ds_state_table_get (DsStateTable *self, guint32 entry, DsStatePayload *payload)
{
  const DsStateEntry *found = &self->entries[entry];
  guint32 n_key;
  const guint8 *key =
      ds_state_record_get_key (ds_state_log_get (self, found->at), &n_key);

  *payload =
      (DsStatePayload){ key + n_key, found->n_state, found->undo, found->updated_at };
  return found->n_state != DS_STATE_ABSENT;
}

DsStateKey
ds_state_table_get_key (DsStateTable *self, guint32 entry)
{
  DsStateKey key;

  key.bytes = ds_state_record_get_key (ds_state_log_get (self, self->entries[entry].at),
                                       &key.n_bytes);
  key.hash = ds_state_hash (key.bytes, key.n_bytes);
  return key;
}

const guint8 *
ds_state_table_get_key_bytes (DsStateTable *self, guint32 entry)
{
  guint32 n_key;

  return ds_state_record_get_key (ds_state_log_get (self, self->entries[entry].at),
                                  &n_key);
}

guint32
ds_state_table_get_n_entries (DsStateTable *self)
{
  return self->n_entries;
}

guint32
ds_state_table_get_n_keys (DsStateTable *self)
{
  return self->n_present;
}

guint64
ds_state_table_count_undos (DsStateTable *self, DsTime since)
{
  guint64 n_undos = 0;

  for (guint i = self->deltas->len; i > 0; i--)
    {
      const DsStateDelta *delta = g_ptr_array_index (self->deltas, i - 1);

      if (delta->time <= since)
        break;
      n_undos += delta->n_undos;
    }
  return n_undos;
}

guint32
ds_state_table_get_oldest (DsStateTable *self)
{
  return self->oldest;
}

guint32
ds_state_table_get_next_oldest (DsStateTable *self, guint32 entry)
{
  return self->links[entry].next;
}

/* ---- The order of last change ---- */

void
ds_state_table_unlink (DsStateTable *self, guint32 entry)
{
  DsStateLink link = self->links[entry];

  if (link.previous != DS_STATE_NO_ENTRY)
    self->links[link.previous].next = link.next;
  else
    self->oldest = link.next;
  if (link.next != DS_STATE_NO_ENTRY)
    self->links[link.next].previous = link.previous;
  else
    self->newest = link.previous;
}

void
ds_state_table_link_behind (DsStateTable *self, guint32 entry, guint32 previous)
{
  guint32 next =
      previous != DS_STATE_NO_ENTRY ? self->links[previous].next : self->oldest;

  self->links[entry] = (DsStateLink){ previous, next };
  if (previous != DS_STATE_NO_ENTRY)
    self->links[previous].next = entry;
  else
    self->oldest = entry;
  if (next != DS_STATE_NO_ENTRY)
    self->links[next].previous = entry;
  else
    self->newest = entry;
}

/* ---- Changing ---- */

void
ds_state_table_write (DsStateTable *self,
                      guint32 entry,
                      const guint8 *state,
                      guint32 n_state)
{
  DsStateEntry *found = &self->entries[entry];
  guint8 *record = ds_state_log_get (self, found->at);
  guint32 n_key;
  const guint8 *key = ds_state_record_get_key (record, &n_key);
  guint32 n_old_units = ds_state_record_get_n_units (n_key, found->n_state);
  guint32 n_units = ds_state_record_get_n_units (n_key, n_state);

  if (n_units <= n_old_units)
    {
      self->n_dead_units += n_old_units - n_units;
      if (n_state != DS_STATE_ABSENT && n_state > 0)
        memcpy (record + ds_state_record_get_n_head (n_key) + n_key, state, n_state);
    }
  else
    {
      self->n_dead_units += n_old_units;
      found->at = ds_state_log_alloc (self, n_units);
      ds_state_record_write (ds_state_log_get (self, found->at), key, n_key, state,
                             n_state);
    }
  found->n_state = n_state;
}

guint32
ds_state_table_make_entry (DsStateTable *self,
                           DsStateSlot *slot,
                           const DsStateKey *key,
                           const guint8 *state,
                           guint32 n_state)
{
  guint32 entry = self->n_entries;
  DsStateEntry *made;

  g_assert (entry < DS_STATE_NO_ENTRY - 1);
  if (entry == self->n_max_entries)
    {
      self->n_max_entries = MAX (16, entry + entry / 2);
      self->entries = g_renew (DsStateEntry, self->entries, self->n_max_entries);
      if (self->is_timed)
        self->links = g_renew (DsStateLink, self->links, self->n_max_entries);
    }

  self->n_entries++;
  self->n_present++;
  made = &self->entries[entry];
  made->n_state = n_state;
  made->predecessor = slot != NULL ? slot->entry_plus_1 - 1 : DS_STATE_NO_ENTRY;
  made->at =
      ds_state_log_alloc (self, ds_state_record_get_n_units (key->n_bytes, n_state));
  ds_state_record_write (ds_state_log_get (self, made->at), key->bytes, key->n_bytes,
                         state, n_state);
  if (slot != NULL)
    {
      slot->entry_plus_1 = entry + 1;
      return entry;
    }
  ds_state_table_insert_slot (self, key->hash, entry);
  if (self->n_slots_used > self->slot_mask / 4 * 3)
    ds_state_table_grow_slots (self);
  return entry;
}

static void
ds_state_table_add_entry (DsStateTable *self,
                          DsStateDelta *delta,
                          const DsStateChange *change)
{
  DsStateSlot *slot = ds_state_table_find_slot (self, &change->key);
  guint32 entry = ds_state_table_make_entry (self, slot, &change->key, change->bytes,
                                             change->n_bytes);

  self->entries[entry].updated_at = delta->time;
  self->entries[entry].undo = ds_state_delta_add (delta, self, entry, TRUE);
  if (self->is_timed)
    ds_state_table_link_behind (self, entry, self->newest);
}

static void
ds_state_table_apply_one (DsStateTable *self,
                          DsStateDelta *delta,
                          const DsStateChange *change)
{
  guint32 entry = change->entry != DS_STATE_NO_ENTRY
                      ? change->entry
                      : ds_state_table_find (self, &change->key);
  gboolean removes = change->n_bytes == DS_STATE_ABSENT;
  DsStateEntry *found;

  if (entry == DS_STATE_NO_ENTRY || self->entries[entry].n_state == DS_STATE_ABSENT)
    {
      if (!removes && change->n_bytes != DS_STATE_UNCHANGED)
        ds_state_table_add_entry (self, delta, change);
      return;
    }

  if (change->only_if_absent)
    return;
  found = &self->entries[entry];
  if (found->updated_at != delta->time)
    {
      found->undo = ds_state_delta_add (delta, self, entry, FALSE);
      found->updated_at = delta->time;
      if (self->is_timed)
        {
          ds_state_table_unlink (self, entry);
          ds_state_table_link_behind (self, entry, self->newest);
        }
    }
  if (change->n_bytes != DS_STATE_UNCHANGED)
    ds_state_table_write (self, entry, change->bytes, change->n_bytes);
  if (removes)
    {
      self->n_present--;
      if (self->is_timed)
        ds_state_table_unlink (self, entry);
    }
}

/* The delta of @time, which is the newest. */
static DsStateDelta *
ds_state_table_open_delta (DsStateTable *self, DsTime time)
{
  DsStateDelta *delta = NULL;

  if (self->deltas->len > 0)
    delta = g_ptr_array_index (self->deltas, self->deltas->len - 1);
  g_assert (delta == NULL || delta->time <= time);
  if (delta == NULL || delta->time < time)
    {
      delta = ds_state_delta_new (time);
      g_ptr_array_add (self->deltas, delta);
    }
  return delta;
}

void
ds_state_table_apply (DsStateTable *self,
                      DsTime time,
                      const DsStateChange *changes,
                      gsize n_changes)
{
  for (gsize i = 0; i < n_changes; i += DS_STATE_SLICE)
    {
      gsize end = MIN (i + DS_STATE_SLICE, n_changes);
      DsStateDelta *delta;

      g_mutex_lock (&self->lock);
      delta = ds_state_table_open_delta (self, time);
      for (gsize k = i; k < end; k++)
        ds_state_table_apply_one (self, delta, &changes[k]);
      g_mutex_unlock (&self->lock);
    }
}

/* ---- Taking back ---- */

/* The newest entry, made by the batch that is rolled back. */
static void
ds_state_table_drop_newest_entry (DsStateTable *self)
{
  guint32 entry = --self->n_entries;
  DsStateKey key = ds_state_table_get_key (self, entry);
  DsStateSlot *slot = ds_state_table_find_slot (self, &key);
  const DsStateEntry *dropped = &self->entries[entry];

  g_assert (slot != NULL && slot->entry_plus_1 == entry + 1);
  self->n_dead_units += ds_state_record_get_n_units (key.n_bytes, dropped->n_state);
  if (dropped->predecessor != DS_STATE_NO_ENTRY)
    slot->entry_plus_1 = dropped->predecessor + 1;
  else
    ds_state_table_remove_slot (self, slot);
}

static void
ds_state_table_undo (DsStateTable *self, const DsStateUndo *undo)
{
  DsStateEntry *entry = &self->entries[undo->entry];

  if (entry->n_state != DS_STATE_ABSENT)
    {
      self->n_present--;
      if (self->is_timed)
        ds_state_table_unlink (self, undo->entry);
    }
  if (undo->updated_at == DS_TIME_NONE)
    {
      ds_state_table_drop_newest_entry (self);
      return;
    }
  ds_state_table_write (self, undo->entry, ds_state_undo_get_state (undo), undo->n_state);
  entry->updated_at = undo->updated_at;
  entry->undo = undo->undo;
  self->n_present++;
  if (self->is_timed)
    ds_state_table_link_behind (self, undo->entry, undo->previous);
}

void
ds_state_table_roll_back (DsStateTable *self, DsTime time)
{
  DsStateDelta *delta;

  g_mutex_lock (&self->lock);
  delta = ds_state_table_find_delta (self, time);
  if (delta != NULL)
    {
      g_assert (g_ptr_array_index (self->deltas, self->deltas->len - 1) == delta);
      for (guint32 i = delta->n_undos; i > 0; i--)
        ds_state_table_undo (self, &delta->undos[i - 1]);
      g_ptr_array_set_size (self->deltas, (int) self->deltas->len - 1);
    }
  g_mutex_unlock (&self->lock);
}

/* ---- Forgetting ---- */

static void
ds_state_table_count_droppable (DsStateTable *self, const DsStateDelta *delta)
{
  for (guint32 i = 0; i < delta->n_undos; i++)
    {
      const DsStateEntry *entry = &self->entries[delta->undos[i].entry];
      guint32 n_key;

      if (entry->n_state != DS_STATE_ABSENT || entry->updated_at != delta->time)
        continue;
      self->n_droppable++;
      ds_state_record_get_key (ds_state_log_get (self, entry->at), &n_key);
      self->n_dead_units += ds_state_record_get_n_units (n_key, DS_STATE_ABSENT);
    }
}

void
ds_state_table_forget (DsStateTable *self, DsTime oldest)
{
  guint n_gone = 0;

  g_mutex_lock (&self->lock);
  while (n_gone < self->deltas->len)
    {
      DsStateDelta *delta = g_ptr_array_index (self->deltas, n_gone);

      if (delta->time > oldest)
        break;
      ds_state_table_count_droppable (self, delta);
      n_gone++;
    }
  if (n_gone > 0)
    g_ptr_array_remove_range (self->deltas, 0, n_gone);
  self->n_deltas_gone += n_gone;
  self->forgotten = MAX (self->forgotten, oldest);
  /* Readers count entries, but need no delta of what nobody reads. */
  if (self->n_holds == 0 &&
      ((self->n_dead_units > DS_STATE_MIN_DEAD_UNITS &&
        self->n_dead_units > (self->next_unit - self->n_dead_units) / 2) ||
       (self->n_droppable > DS_STATE_MIN_DROPPABLE &&
        self->n_droppable > self->n_present / 2)))
    ds_state_table_compact (self);
  g_mutex_unlock (&self->lock);
}
