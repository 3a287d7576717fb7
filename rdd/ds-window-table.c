/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Open addressing over slots of hash and index; a key that goes closes the gap that it
 * leaves, so there are no tombstones to clear away.  Keys' bytes lie in an arena that the
 * blocks of results share: a result copies two columns and no bytes of keys.  When half
 * of the arena is of keys that are gone, a step begins by copying the rest into a new
 * one. */

#include "rdd/ds-window-table-private.h"

#include "base/ds-value-private.h"
#include "rdd/ds-table-core-private.h"

#define DS_WINDOW_TABLE_MIN_ENTRIES 8
#define DS_WINDOW_TABLE_MIN_SLOTS (4 * DS_WINDOW_TABLE_MIN_ENTRIES)
/* Less of keys that are gone is not worth a new arena. */
#define DS_WINDOW_TABLE_MIN_DEAD_BYTES ((gsize) 16 * 1024)

void
ds_window_table_init (DsWindowTable *self, gboolean has_queues)
{
  memset (self, 0, sizeof *self);
  ds_undo_log_init (&self->log);
  self->has_queues = has_queues;
  self->prober.seed0 = (guint64) g_random_int () << 32 | g_random_int ();
  self->prober.seed1 = (guint64) g_random_int () << 32 | g_random_int ();
  self->key_arena = ds_arena_new (NULL);
  self->key_column = ds_arena_new (NULL);
  self->old_columns = g_ptr_array_new_with_free_func ((GDestroyNotify) ds_arena_unref);
  self->touched = g_array_new (FALSE, FALSE, sizeof (guint32));
  self->left = g_array_new (FALSE, FALSE, sizeof (DsWindowBatch));
  g_mutex_init (&self->lock);
  self->state.time = DS_TIME_NONE;
  self->state.is_in_order = TRUE;
}

void
ds_window_table_clear (DsWindowTable *self)
{
  ds_undo_log_clear (&self->log);
  g_clear_pointer (&self->key_arena, ds_arena_unref);
  g_clear_pointer (&self->key_column, ds_arena_unref);
  g_clear_pointer (&self->old_columns, g_ptr_array_unref);
  g_clear_pointer (&self->before, ds_block_unref);
  g_clear_pointer (&self->last, ds_block_unref);
  g_clear_pointer (&self->marks, g_free);
  g_clear_pointer (&self->touched, g_array_unref);
  g_clear_pointer (&self->left, g_array_unref);
  g_clear_pointer (&self->result, ds_block_unref);
  g_clear_pointer (&self->result_before, ds_block_unref);
  g_clear_pointer (&self->order, g_array_unref);
  g_clear_pointer (&self->order_before, g_array_unref);
  g_mutex_clear (&self->lock);
}

gsize
ds_window_table_get_n_bytes (DsWindowTable *self)
{
  return ds_undo_log_get_n_bytes (&self->log) + ds_arena_get_capacity (self->key_arena) +
         ds_arena_get_capacity (self->key_column) +
         self->n_max_marks * sizeof *self->marks;
}

/* ---- Arrays ---- */

gpointer
ds_window_table_grow_array (DsWindowTable *self,
                            gpointer array,
                            gsize n_old,
                            gsize n_new,
                            gsize size)
{
  gpointer grown = ds_undo_log_alloc (&self->log, n_new * size);

  if (n_old > 0)
    {
      memcpy (grown, array, n_old * size);
      ds_undo_log_drop (&self->log, array, n_old * size);
    }
  return grown;
}

static gpointer
ds_window_table_grow_zeroed_array (DsWindowTable *self,
                                   gpointer array,
                                   gsize n_old,
                                   gsize n_new,
                                   gsize size)
{
  char *grown = ds_window_table_grow_array (self, array, n_old, n_new, size);

  memset (grown + n_old * size, 0, (n_new - n_old) * size);
  return grown;
}

/* The column of keys in new memory, with room for @n_new.  Blocks may have the old one,
 * and the log may have saved keys of it: it is there until the step is committed. */
static void
ds_window_table_move_keys (DsWindowTable *self, gsize n_new)
{
  DsWindowState *state = &self->state;
  DsArena *arena = ds_arena_new_sized (NULL, n_new * sizeof *state->keys);
  DsValue *keys = ds_arena_alloc (arena, n_new * sizeof *keys);

  if (state->n_entries > 0)
    memcpy (keys, state->keys, state->n_entries * sizeof *keys);
  g_ptr_array_add (self->old_columns, self->key_column);
  self->key_column = arena;
  self->keys_are_shared = FALSE;
  state->keys = keys;
}

static void
ds_window_table_grow_entries (DsWindowTable *self)
{
  DsWindowState *state = &self->state;
  gsize n_old = state->n_max_entries;
  gsize n_new = MAX (DS_WINDOW_TABLE_MIN_ENTRIES, 2 * n_old);

  ds_window_table_move_keys (self, n_new);
  g_mutex_lock (&self->lock);
  state->values = ds_window_table_grow_zeroed_array (self, state->values, n_old, n_new,
                                                     sizeof *state->values);
  state->entries = ds_window_table_grow_zeroed_array (self, state->entries, n_old, n_new,
                                                      sizeof *state->entries);
  if (self->has_queues)
    state->queues = ds_window_table_grow_zeroed_array (self, state->queues, n_old, n_new,
                                                       sizeof *state->queues);
  state->n_max_entries = (guint32) n_new;
  g_mutex_unlock (&self->lock);
}

/* What prepares keys asks for the slots that they may be in. */
static void
ds_window_table_show_slots (DsWindowTable *self)
{
  self->prober.slots = self->state.slots;
  self->prober.mask = self->state.n_slots - 1;
  self->prober.prefetches = self->state.n_slots > 0;
}

/* Where the search for the key of a slot begins. */
static inline guint32
ds_window_table_get_home (const DsWindowTable *self, const DsTableSlot *slot)
{
  return (guint32) (ds_table_hash (self->prober.seed0, self->prober.seed1, slot->k0,
                                   slot->k1) &
                    (self->state.n_slots - 1));
}

static void
ds_window_table_grow_slots (DsWindowTable *self)
{
  DsWindowState *state = &self->state;
  DsTableSlot *old = state->slots;
  guint32 n_old = state->n_slots;

  state->n_slots = MAX (DS_WINDOW_TABLE_MIN_SLOTS, 2 * n_old);
  state->slots = ds_undo_log_alloc (&self->log, state->n_slots * sizeof *state->slots);
  memset (state->slots, 0, state->n_slots * sizeof *state->slots);
  for (guint32 i = 0; i < n_old; i++)
    {
      guint32 at = ds_window_table_get_home (self, &old[i]);

      if (old[i].meta == 0)
        continue;
      while (state->slots[at].meta != 0)
        at = (at + 1) & (state->n_slots - 1);
      state->slots[at] = old[i];
    }
  if (n_old > 0)
    ds_undo_log_drop (&self->log, old, n_old * sizeof *old);
  ds_window_table_show_slots (self);
}

/* ---- Steps ---- */

static gsize
ds_window_table_get_key_size (DsValue key)
{
  return ds_value_get_copy_size (key);
}

/* Keys that blocks have are about to be changed.  Between steps. */
static void
ds_window_table_own_keys (DsWindowTable *self)
{
  if (!self->keys_are_shared)
    return;
  ds_window_table_move_keys (self, self->state.n_max_entries);
  g_ptr_array_set_size (self->old_columns, 0);
}

/* Keys that are there move together.  Between steps. */
static void
ds_window_table_compact_keys (DsWindowTable *self)
{
  DsWindowState *state = &self->state;
  DsArena *arena = ds_arena_new_sized (NULL, state->n_key_bytes);

  ds_window_table_own_keys (self);
  for (guint32 i = 0; i < state->n_slots; i++)
    if (state->slots[i].meta != 0)
      {
        DsValue *key = &state->keys[state->slots[i].index];

        *key = ds_value_copy (*key, arena);
      }
  ds_arena_unref (self->key_arena);
  self->key_arena = arena;
}

void
ds_window_table_begin (DsWindowTable *self)
{
  DsWindowState *state = &self->state;

  ds_window_table_drop_left (self);
  g_mutex_lock (&self->lock);
  if (ds_undo_log_is_open (&self->log))
    ds_undo_log_commit (&self->log);
  g_mutex_unlock (&self->lock);
  g_ptr_array_set_size (self->old_columns, 0);
  if (ds_arena_get_n_bytes (self->key_arena) >
      2 * state->n_key_bytes + DS_WINDOW_TABLE_MIN_DEAD_BYTES)
    ds_window_table_compact_keys (self);
  g_clear_pointer (&self->before, ds_block_unref);
  self->before = g_steal_pointer (&self->last);
  self->restores_from_before = self->before != NULL;
  g_clear_pointer (&self->result_before, ds_block_unref);
  self->result_before = g_steal_pointer (&self->result);
  g_clear_pointer (&self->order_before, g_array_unref);
  self->order_before = g_steal_pointer (&self->order);
  if (state->n_keys == 0)
    {
      state->n_entries = 0;
      ds_window_table_own_keys (self);
      state->first_free = 0;
      state->is_in_order = TRUE;
      state->has_others = FALSE;
    }
  ds_undo_log_save (&self->log, state, sizeof *state);
}

void
ds_window_table_end (DsWindowTable *self)
{
  for (guint i = 0; i < self->touched->len; i++)
    self->marks[g_array_index (self->touched, guint32, i)] = 0;
  g_array_set_size (self->touched, 0);
}

static void
ds_window_table_restore_values (DsWindowTable *self)
{
  const DsValue *keys;
  const DsValue *values;
  gsize n_values;

  ds_block_get_columns (self->before, &keys, &values, &n_values);
  if (n_values > 0)
    memcpy (self->state.values, values, n_values * sizeof *values);
}

void
ds_window_table_take_back (DsWindowTable *self)
{
  ds_window_table_end (self);
  g_mutex_lock (&self->lock);
  ds_undo_log_take_back (&self->log);
  g_mutex_unlock (&self->lock);
  g_array_set_size (self->left, self->n_settled_left);
  ds_window_table_show_slots (self);
  if (self->old_columns->len > 0)
    {
      ds_arena_unref (self->key_column);
      self->key_column = g_ptr_array_steal_index (self->old_columns, 0);
      g_ptr_array_set_size (self->old_columns, 0);
      self->keys_are_shared = TRUE;
    }
  /* A result of what is taken back may have keys where others will be added. */
  ds_window_table_own_keys (self);
  if (self->restores_from_before)
    ds_window_table_restore_values (self);
  self->restores_from_before = FALSE;
  g_clear_pointer (&self->last, ds_block_unref);
  self->last = g_steal_pointer (&self->before);
  g_clear_pointer (&self->result, ds_block_unref);
  self->result = g_steal_pointer (&self->result_before);
  g_clear_pointer (&self->order, g_array_unref);
  self->order = g_steal_pointer (&self->order_before);
}

gboolean
ds_window_table_touch (DsWindowTable *self, guint32 index, guint32 *at)
{
  if (G_UNLIKELY (index >= self->n_max_marks))
    {
      gsize n_old = self->n_max_marks;

      self->n_max_marks = self->state.n_max_entries;
      self->marks = g_renew (guint32, self->marks, self->n_max_marks);
      memset (self->marks + n_old, 0, (self->n_max_marks - n_old) * sizeof *self->marks);
    }
  if (self->marks[index] != 0)
    {
      *at = self->marks[index] - 1;
      return TRUE;
    }
  *at = self->touched->len;
  g_array_append_val (self->touched, index);
  self->marks[index] = self->touched->len;
  return FALSE;
}

/* ---- Keys ---- */

static guint32
ds_window_table_add_entry (DsWindowTable *self, DsValue key)
{
  DsWindowState *state = &self->state;
  guint32 index;

  if (state->first_free != 0)
    {
      if (self->keys_are_shared)
        ds_window_table_move_keys (self, state->n_max_entries);
      index = state->first_free - 1;
      state->first_free = state->entries[index].next;
      /* The step may have removed the key that was here. */
      ds_undo_log_save (&self->log, &state->keys[index], sizeof *state->keys);
      ds_undo_log_save (&self->log, &state->values[index], sizeof *state->values);
      if (self->has_queues)
        ds_undo_log_save (&self->log, &state->queues[index], sizeof *state->queues);
    }
  else
    {
      if (state->n_entries == state->n_max_entries)
        ds_window_table_grow_entries (self);
      index = state->n_entries++;
    }
  ds_undo_log_save (&self->log, &state->entries[index], sizeof *state->entries);
  state->entries[index] = (DsWindowEntry){ .previous = 0 };
  state->keys[index] = ds_value_copy (key, self->key_arena);
  state->values[index] = ds_window_value_nothing ();
  if (self->has_queues)
    memset (&state->queues[index], 0, sizeof *state->queues);
  state->n_key_bytes += ds_window_table_get_key_size (key);
  state->n_keys++;
  return index;
}

/* The slot of a key, or the empty one where it belongs. */
static inline DsTableSlot *
ds_window_table_find_slot (DsWindowTable *self, const DsTableKey *key)
{
  DsWindowState *state = &self->state;
  gsize mask = state->n_slots - 1;

  for (gsize at = key->hash & mask;; at = (at + 1) & mask)
    {
      DsTableSlot *slot = &state->slots[at];

      if (slot->meta == 0)
        return slot;
      if (slot->k0 != key->k0 || slot->meta != key->meta)
        continue;
      if (G_LIKELY (!ds_table_meta_is_long (key->meta))
              ? slot->k1 == key->k1
              : ds_value_equal (state->keys[slot->index],
                                *(const DsValue *) (guintptr) key->k1))
        return slot;
    }
}

/* At most %DS_TABLE_RUN keys. */
static void
ds_window_table_find_run (DsWindowTable *self,
                          const DsValue *keys,
                          gsize n_keys,
                          guint32 *indices)
{
  DsTableKey prepared[DS_TABLE_RUN];

  while ((self->state.n_keys + n_keys) * 2 > self->state.n_slots)
    ds_window_table_grow_slots (self);
  ds_table_prepare_keys (&self->prober, keys, n_keys, prepared);
  for (gsize i = 0; i < n_keys; i++)
    {
      DsTableSlot *slot = ds_window_table_find_slot (self, &prepared[i]);

      if (slot->meta == 0)
        {
          ds_undo_log_save (&self->log, slot, sizeof *slot);
          slot->k0 = prepared[i].k0;
          slot->k1 = ds_table_meta_is_long (prepared[i].meta) ? 0 : prepared[i].k1;
          slot->meta = prepared[i].meta;
          slot->index = ds_window_table_add_entry (self, keys[i]);
        }
      indices[i] = slot->index;
      __builtin_prefetch (&self->state.values[slot->index], 1);
    }
}

void
ds_window_table_find (DsWindowTable *self,
                      const DsValue *keys,
                      gsize n_keys,
                      guint32 *indices)
{
  for (gsize i = 0; i < n_keys; i += DS_TABLE_RUN)
    ds_window_table_find_run (self, keys + i, MIN (n_keys - i, DS_TABLE_RUN),
                              indices + i);
}

/* Closes the gap at @at: entries behind it move up as far as they may. */
static void
ds_window_table_close_gap (DsWindowTable *self, guint32 at)
{
  DsWindowState *state = &self->state;
  guint32 mask = state->n_slots - 1;

  for (guint32 i = (at + 1) & mask; state->slots[i].meta != 0; i = (i + 1) & mask)
    {
      guint32 home = ds_window_table_get_home (self, &state->slots[i]);

      /* It may not move in front of where its search begins. */
      if (((i - home) & mask) < ((i - at) & mask))
        continue;
      ds_undo_log_save (&self->log, &state->slots[at], sizeof *state->slots);
      state->slots[at] = state->slots[i];
      at = i;
    }
  ds_undo_log_save (&self->log, &state->slots[at], sizeof *state->slots);
  memset (&state->slots[at], 0, sizeof *state->slots);
}

void
ds_window_table_remove (DsWindowTable *self, guint32 index)
{
  DsWindowState *state = &self->state;
  DsWindowEntry *entry = &state->entries[index];
  DsTableKey key;

  g_assert (!entry->is_live && entry->n_batches == 0);
  ds_table_prepare_keys (&self->prober, &state->keys[index], 1, &key);
  ds_window_table_close_gap (self, (guint32) (ds_window_table_find_slot (self, &key) -
                                              state->slots));
  if (self->has_queues)
    ds_window_queue_clear (&state->queues[index], &self->log);
  ds_undo_log_save (&self->log, entry, sizeof *entry);
  entry->next = state->first_free;
  state->first_free = index + 1;
  state->n_key_bytes -= ds_window_table_get_key_size (state->keys[index]);
  state->n_keys--;
}

/* ---- Live keys ---- */

void
ds_window_table_set_value_slow (DsWindowTable *self, guint32 index, DsValue value)
{
  DsValue *there = &self->state.values[index];

  ds_undo_log_save (&self->log, there, sizeof *there);
  if (!ds_window_value_is_nothing (*there))
    ds_undo_log_drop_value (&self->log, *there);
  if (!ds_window_value_is_nothing (value))
    {
      self->state.has_others |= value.type > DS_VALUE_TYPE_DOUBLE;
      value = ds_undo_log_copy_value (&self->log, value);
    }
  *there = value;
}

void
ds_window_table_link (DsWindowTable *self, guint32 index)
{
  DsWindowState *state = &self->state;
  DsWindowEntry *entry = &state->entries[index];

  g_assert (!entry->is_live);
  if (state->n_live != index)
    state->is_in_order = FALSE;
  ds_undo_log_save (&self->log, entry, sizeof *entry);
  entry->is_live = TRUE;
  entry->previous = state->last_live;
  entry->next = 0;
  if (state->last_live != 0)
    {
      DsWindowEntry *last = &state->entries[state->last_live - 1];

      ds_undo_log_save (&self->log, last, sizeof *last);
      last->next = index + 1;
    }
  else
    state->first_live = index + 1;
  state->last_live = index + 1;
  state->n_live++;
}

void
ds_window_table_unlink (DsWindowTable *self, guint32 index)
{
  DsWindowState *state = &self->state;
  DsWindowEntry *entry = &state->entries[index];
  guint32 previous = entry->previous;
  guint32 next = entry->next;

  g_assert (entry->is_live);
  ds_undo_log_save (&self->log, entry, sizeof *entry);
  entry->is_live = FALSE;
  state->n_hidden -= entry->is_hidden;
  entry->is_hidden = FALSE;
  if (previous != 0)
    {
      ds_undo_log_save (&self->log, &state->entries[previous - 1], sizeof *entry);
      state->entries[previous - 1].next = next;
    }
  else
    state->first_live = next;
  if (next != 0)
    {
      ds_undo_log_save (&self->log, &state->entries[next - 1], sizeof *entry);
      state->entries[next - 1].previous = previous;
    }
  else
    state->last_live = previous;
  state->n_live--;
  state->is_in_order = FALSE;
  ds_window_table_set_value (self, index, ds_window_value_nothing ());
}

void
ds_window_table_set_hidden (DsWindowTable *self, guint32 index, gboolean is_hidden)
{
  DsWindowEntry *entry = &self->state.entries[index];

  if (entry->is_hidden == (is_hidden ? 1u : 0u))
    return;
  ds_undo_log_save (&self->log, entry, sizeof *entry);
  entry->is_hidden = is_hidden ? 1 : 0;
  self->state.n_hidden += is_hidden ? 1 : -1;
}
