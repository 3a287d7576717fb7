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
  self->seed = g_random_int ();
  self->key_arena = ds_arena_new (NULL);
  self->touched = g_array_new (FALSE, FALSE, sizeof (guint32));
  self->state.time = DS_TIME_NONE;
  self->state.is_in_order = TRUE;
}

void
ds_window_table_clear (DsWindowTable *self)
{
  ds_undo_log_clear (&self->log);
  g_clear_pointer (&self->key_arena, ds_arena_unref);
  g_clear_pointer (&self->marks, g_free);
  g_clear_pointer (&self->touched, g_array_unref);
}

gsize
ds_window_table_get_n_bytes (DsWindowTable *self)
{
  return ds_undo_log_get_n_bytes (&self->log) + ds_arena_get_capacity (self->key_arena) +
         self->n_max_marks * sizeof *self->marks;
}

/* ---- Arrays ---- */

/* @array with room for @n_new items of @size instead of @n_old. */
static gpointer
ds_window_table_grow_array (DsWindowTable *self,
                            gpointer array,
                            gsize n_old,
                            gsize n_new,
                            gsize size)
{
  char *grown = ds_undo_log_alloc (&self->log, n_new * size);

  if (n_old > 0)
    {
      memcpy (grown, array, n_old * size);
      ds_undo_log_drop (&self->log, array, n_old * size);
    }
  memset (grown + n_old * size, 0, (n_new - n_old) * size);
  return grown;
}

static void
ds_window_table_grow_entries (DsWindowTable *self)
{
  DsWindowState *state = &self->state;
  gsize n_old = state->n_max_entries;
  gsize n_new = MAX (DS_WINDOW_TABLE_MIN_ENTRIES, 2 * n_old);

  state->keys =
      ds_window_table_grow_array (self, state->keys, n_old, n_new, sizeof *state->keys);
  state->values = ds_window_table_grow_array (self, state->values, n_old, n_new,
                                              sizeof *state->values);
  state->entries = ds_window_table_grow_array (self, state->entries, n_old, n_new,
                                               sizeof *state->entries);
  if (self->has_queues)
    state->queues = ds_window_table_grow_array (self, state->queues, n_old, n_new,
                                                sizeof *state->queues);
  state->n_max_entries = (guint32) n_new;
}

/* Where the search for @hash begins. */
static inline guint32
ds_window_table_get_home (const DsWindowState *state, guint32 hash)
{
  return hash & (state->n_slots - 1);
}

static void
ds_window_table_grow_slots (DsWindowTable *self)
{
  DsWindowState *state = &self->state;
  DsWindowSlot *old = state->slots;
  guint32 n_old = state->n_slots;

  state->n_slots = MAX (DS_WINDOW_TABLE_MIN_SLOTS, 2 * n_old);
  state->slots = ds_undo_log_alloc (&self->log, state->n_slots * sizeof *state->slots);
  memset (state->slots, 0, state->n_slots * sizeof *state->slots);
  for (guint32 i = 0; i < n_old; i++)
    {
      guint32 at = ds_window_table_get_home (state, old[i].hash);

      if (old[i].index == 0)
        continue;
      while (state->slots[at].index != 0)
        at = (at + 1) & (state->n_slots - 1);
      state->slots[at] = old[i];
    }
  if (n_old > 0)
    ds_undo_log_drop (&self->log, old, n_old * sizeof *old);
}

/* ---- Steps ---- */

static gsize
ds_window_table_get_key_size (DsValue key)
{
  return ds_value_get_copy_size (key);
}

/* Keys that are there move together.  Between steps. */
static void
ds_window_table_compact_keys (DsWindowTable *self)
{
  DsWindowState *state = &self->state;
  DsArena *arena = ds_arena_new_sized (NULL, state->n_key_bytes);

  for (guint32 i = 0; i < state->n_slots; i++)
    if (state->slots[i].index != 0)
      {
        DsValue *key = &state->keys[state->slots[i].index - 1];

        *key = ds_value_copy (*key, arena);
      }
  ds_arena_unref (self->key_arena);
  self->key_arena = arena;
}

void
ds_window_table_begin (DsWindowTable *self)
{
  DsWindowState *state = &self->state;

  if (ds_undo_log_is_open (&self->log))
    ds_undo_log_commit (&self->log);
  if (ds_arena_get_n_bytes (self->key_arena) >
      2 * state->n_key_bytes + DS_WINDOW_TABLE_MIN_DEAD_BYTES)
    ds_window_table_compact_keys (self);
  if (state->n_keys == 0)
    {
      state->n_entries = 0;
      state->first_free = 0;
      state->is_in_order = TRUE;
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

void
ds_window_table_take_back (DsWindowTable *self)
{
  ds_window_table_end (self);
  ds_undo_log_take_back (&self->log);
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
ds_window_table_add_entry (DsWindowTable *self, DsValue key, guint32 hash)
{
  DsWindowState *state = &self->state;
  guint32 index;

  if (state->first_free != 0)
    {
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
  state->entries[index] = (DsWindowEntry){ .hash = hash };
  state->keys[index] = ds_value_copy (key, self->key_arena);
  state->values[index] = ds_value_null ();
  if (self->has_queues)
    memset (&state->queues[index], 0, sizeof *state->queues);
  state->n_key_bytes += ds_window_table_get_key_size (key);
  state->n_keys++;
  return index;
}

static inline gboolean
ds_window_table_is_key (const DsValue *a, const DsValue *b)
{
  if (a->type != b->type || a->size != b->size)
    return FALSE;
  if (a->type == DS_VALUE_TYPE_STRING)
    return a->size == 0 || memcmp (a->as.bytes, b->as.bytes, a->size) == 0;
  if (a->type == DS_VALUE_TYPE_INT)
    return a->as.integer == b->as.integer;
  return ds_value_equal (*a, *b);
}

static guint32
ds_window_table_find_key (DsWindowTable *self, const DsValue *key, guint32 hash)
{
  DsWindowState *state = &self->state;
  guint32 at = ds_window_table_get_home (state, hash);

  for (;; at = (at + 1) & (state->n_slots - 1))
    {
      DsWindowSlot *slot = &state->slots[at];

      if (slot->index == 0)
        break;
      if (slot->hash == hash &&
          ds_window_table_is_key (&state->keys[slot->index - 1], key))
        return slot->index - 1;
    }
  ds_undo_log_save (&self->log, &state->slots[at], sizeof *state->slots);
  state->slots[at].hash = hash;
  state->slots[at].index = ds_window_table_add_entry (self, *key, hash) + 1;
  return state->slots[at].index - 1;
}

void
ds_window_table_find (DsWindowTable *self,
                      const DsValue *keys,
                      gsize n_keys,
                      guint32 *indices)
{
  DsWindowState *state = &self->state;

  while ((state->n_keys + n_keys) * 2 > state->n_slots)
    ds_window_table_grow_slots (self);
  for (gsize i = 0; i < n_keys; i++)
    {
      guint64 hash = ds_value_hash (keys[i]) ^ self->seed;

      indices[i] = (guint32) (hash * G_GUINT64_CONSTANT (0x9E3779B97F4A7C15) >> 32);
      __builtin_prefetch (&state->slots[ds_window_table_get_home (state, indices[i])]);
    }
  for (gsize i = 0; i < n_keys; i++)
    indices[i] = ds_window_table_find_key (self, &keys[i], indices[i]);
}

/* Closes the gap at @at: entries behind it move up as far as they may. */
static void
ds_window_table_close_gap (DsWindowTable *self, guint32 at)
{
  DsWindowState *state = &self->state;
  guint32 mask = state->n_slots - 1;

  for (guint32 i = (at + 1) & mask; state->slots[i].index != 0; i = (i + 1) & mask)
    {
      guint32 home = ds_window_table_get_home (state, state->slots[i].hash);

      /* It may not move in front of where its search begins. */
      if (((i - home) & mask) < ((i - at) & mask))
        continue;
      ds_undo_log_save (&self->log, &state->slots[at], sizeof *state->slots);
      state->slots[at] = state->slots[i];
      at = i;
    }
  ds_undo_log_save (&self->log, &state->slots[at], sizeof *state->slots);
  state->slots[at] = (DsWindowSlot){ 0, 0 };
}

void
ds_window_table_remove (DsWindowTable *self, guint32 index)
{
  DsWindowState *state = &self->state;
  DsWindowEntry *entry = &state->entries[index];
  guint32 at = ds_window_table_get_home (state, entry->hash);

  g_assert (!entry->is_live && entry->n_batches == 0);
  while (state->slots[at].index != index + 1)
    at = (at + 1) & (state->n_slots - 1);
  ds_window_table_close_gap (self, at);
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
ds_window_table_set_value (DsWindowTable *self, guint32 index, DsValue value)
{
  DsValue *there = &self->state.values[index];

  ds_undo_log_save (&self->log, there, sizeof *there);
  ds_undo_log_drop_value (&self->log, *there);
  *there = ds_undo_log_copy_value (&self->log, value);
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
  ds_window_table_set_value (self, index, ds_value_null ());
}

/* ---- Batches ---- */

static DsWindowBatch *
ds_window_table_get_batch (DsWindowTable *self, guint32 number)
{
  g_assert (self->state.batches != NULL);

  return &self->state.batches[number & (self->state.n_max_batches - 1)];
}

static void
ds_window_table_grow_batches (DsWindowTable *self)
{
  DsWindowState *state = &self->state;
  DsWindowBatch *old = state->batches;
  guint32 n_old = state->n_max_batches;

  state->n_max_batches = MAX (4, 2 * n_old);
  state->batches =
      ds_undo_log_alloc (&self->log, state->n_max_batches * sizeof *state->batches);
  for (guint32 i = state->first_batch; i != state->end_batch; i++)
    *ds_window_table_get_batch (self, i) = old[i & (n_old - 1)];
  if (n_old > 0)
    ds_undo_log_drop (&self->log, old, n_old * sizeof *old);
}

void
ds_window_table_push_batch (DsWindowTable *self,
                            DsTime time,
                            const guint32 *indices,
                            const DsValue *values,
                            gsize n_entries)
{
  DsWindowState *state = &self->state;
  DsWindowBatch *batch;

  state->time = time;
  if (n_entries == 0)
    return; /* nothing that would leave */
  if (state->end_batch - state->first_batch == state->n_max_batches)
    ds_window_table_grow_batches (self);
  batch = ds_window_table_get_batch (self, state->end_batch);
  ds_undo_log_save (&self->log, batch, sizeof *batch);
  batch->time = time;
  batch->n_entries = n_entries;
  batch->entries = ds_undo_log_alloc (&self->log, n_entries * sizeof *batch->entries);
  memcpy (batch->entries, indices, n_entries * sizeof *batch->entries);
  batch->values = NULL;
  if (values != NULL)
    {
      batch->values = ds_undo_log_alloc (&self->log, n_entries * sizeof *batch->values);
      memcpy (batch->values, values, n_entries * sizeof *batch->values);
    }
  state->end_batch++;
}

const DsWindowBatch *
ds_window_table_peek_batch (DsWindowTable *self)
{
  return self->state.first_batch != self->state.end_batch
             ? ds_window_table_get_batch (self, self->state.first_batch)
             : NULL;
}

void
ds_window_table_pop_batch (DsWindowTable *self)
{
  const DsWindowBatch *batch = ds_window_table_peek_batch (self);

  ds_undo_log_drop (&self->log, batch->entries,
                    batch->n_entries * sizeof *batch->entries);
  if (batch->values != NULL)
    {
      for (gsize i = 0; i < batch->n_entries; i++)
        ds_undo_log_drop_value (&self->log, batch->values[i]);
      ds_undo_log_drop (&self->log, batch->values,
                        batch->n_entries * sizeof *batch->values);
    }
  self->state.first_batch++;
}

/* ---- Results ---- */

/* Live entries, one after the other; returns how many. */
static gsize
ds_window_table_gather (DsWindowTable *self,
                        DsArena *arena,
                        DsValue *keys,
                        DsValue *values)
{
  DsWindowState *state = &self->state;
  gsize n = 0;

  for (guint32 at = state->first_live; at != 0; at = state->entries[at - 1].next)
    {
      DsValue value = state->values[at - 1];

      if (state->entries[at - 1].is_hidden)
        continue;
      keys[n] = state->keys[at - 1];
      values[n++] =
          value.type <= DS_VALUE_TYPE_DOUBLE ? value : ds_value_copy (value, arena);
    }
  return n;
}

DsBlock *
ds_window_table_make_block (DsWindowTable *self, gboolean is_keyless, DsTask *task)
{
  DsWindowState *state = &self->state;
  gsize n_values = state->n_live;
  DsArena *arena;
  DsValue *keys;
  DsValue *values;
  DsBlock *block;

  if (n_values == 0)
    return ds_block_new_take_columns (NULL, NULL, NULL, 0);
  arena =
      ds_arena_new_sized (ds_task_get_arena_pool (task), 2 * n_values * sizeof *values);
  keys = ds_arena_alloc (arena, n_values * sizeof *keys);
  values = ds_arena_alloc (arena, n_values * sizeof *values);
  n_values = ds_window_table_gather (self, arena, keys, values);
  if (is_keyless)
    return ds_block_new_take_columns (arena, values, NULL, n_values);
  block = ds_block_new_take_columns (arena, keys, values, n_values);
  ds_table_hold_arena (block, ds_arena_ref (self->key_arena));
  return block;
}
