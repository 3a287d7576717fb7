/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a step gives: its live keys and their values, as a block.
 *
 * Where entries lie in the order in which they became live, the block shares the column
 * of keys with the table, which only adds to it, and has a copy of the values; otherwise
 * both are gathered. */

#include "rdd/ds-window-table-private.h"

#include "base/ds-value-private.h"

/* (nullable): the default one */
static DsArenaPool *
ds_window_table_get_pool (DsTask *task)
{
  return task != NULL ? ds_task_get_arena_pool (task) : NULL;
}

/* The values of entries as they lie. */
static void
ds_window_table_copy_values (DsWindowTable *self, DsArena *arena, DsValue *values)
{
  gsize n_values = self->state.n_live;

  memcpy (values, self->state.values, n_values * sizeof *values);
  for (gsize i = 0; self->state.has_others && i < n_values; i++)
    values[i] = ds_value_copy (values[i], arena);
}

static void
ds_window_table_note_order (DsWindowTable *self)
{
  const DsWindowEntry *entries = self->state.entries;
  guint32 *order;
  guint n = 0;

  self->order = g_array_sized_new (FALSE, FALSE, sizeof *order, self->state.n_live);
  g_array_set_size (self->order, self->state.n_live);
  order = (guint32 *) (gpointer) self->order->data;
  for (guint32 at = self->state.first_live; at != 0; at = entries[at - 1].next)
    order[n++] = (at - 1) | (entries[at - 1].is_hidden ? DS_WINDOW_HIDDEN : 0);
}

/* Live entries, one after the other; returns how many. */
static gsize
ds_window_table_gather (DsWindowTable *self,
                        DsArena *arena,
                        DsValue *keys,
                        DsValue *values)
{
  DsWindowState *state = &self->state;
  gsize n = 0;

  if (self->can_be_captured)
    ds_window_table_note_order (self);

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

/* Of entries as they lie. */
static DsBlock *
ds_window_table_share (DsWindowTable *self, gboolean is_keyless, DsTask *task)
{
  DsWindowState *state = &self->state;
  gsize n_values = state->n_live;
  DsArena *arena =
      ds_arena_new_sized (ds_window_table_get_pool (task), n_values * sizeof (DsValue));
  DsValue *values = ds_arena_alloc (arena, n_values * sizeof *values);
  DsBlock *block;

  ds_window_table_copy_values (self, arena, values);
  if (is_keyless)
    return ds_block_new_take_columns (arena, values, NULL, n_values);
  block = ds_block_new_take_columns (arena, state->keys, values, n_values);
  ds_table_hold_arena (block, ds_arena_ref (self->key_column));
  self->keys_are_shared = TRUE;
  if (!state->has_others && n_values == state->n_entries)
    self->last = ds_block_ref (block);
  return block;
}

DsBlock *
ds_window_table_make_block (DsWindowTable *self, gboolean is_keyless, DsTask *task)
{
  gsize n_values = self->state.n_live;
  DsArena *arena;
  DsValue *keys;
  DsValue *values;
  DsBlock *block;

  g_clear_pointer (&self->last, ds_block_unref);
  g_clear_pointer (&self->result, ds_block_unref);
  g_clear_pointer (&self->order, g_array_unref);
  if (n_values == 0)
    return ds_block_new_take_columns (NULL, NULL, NULL, 0);
  if (self->state.is_in_order && self->state.n_hidden == 0)
    block = ds_window_table_share (self, is_keyless, task);
  else
    {
      arena = ds_arena_new_sized (ds_window_table_get_pool (task),
                                  2 * n_values * sizeof *values);
      keys = ds_arena_alloc (arena, n_values * sizeof *keys);
      values = ds_arena_alloc (arena, n_values * sizeof *values);
      n_values = ds_window_table_gather (self, arena, keys, values);
      block = is_keyless ? ds_block_new_take_columns (arena, values, NULL, n_values)
                         : ds_block_new_take_columns (arena, keys, values, n_values);
    }
  if (!is_keyless)
    ds_table_hold_arena (block, ds_arena_ref (self->key_arena));
  if (self->can_be_captured && !self->has_queues)
    self->result = ds_block_ref (block);
  return block;
}
