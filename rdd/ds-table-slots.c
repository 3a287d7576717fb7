/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The slots of a table, and the two dense columns that they point into.
 *
 * Open addressing with linear probing, never fuller than 0.6.  A slot holds what is
 * needed to compare and to place it again, so growth touches slots only.  Columns are as
 * long as the slots allow keys, and grow together with them. */

#include "rdd/ds-table-core-private.h"

/* Below this the slots stay close to the core by themselves. */
#define DS_TABLE_NEAR_BYTES ((gsize) 256 * 1024)

static gsize
ds_table_capacity_of (gsize n_slots)
{
  return n_slots * 6 / 10;
}

static void
ds_table_allocate_slots (DsTable *self, gsize n_slots)
{
  gsize n_bytes = n_slots * sizeof (DsTableSlot);

  self->slot_arena = ds_arena_new_sized (ds_task_get_arena_pool (self->task), n_bytes);
  self->slots = ds_arena_alloc (self->slot_arena, n_bytes);
  memset (self->slots, 0, n_bytes);
  self->mask = n_slots - 1;
  self->n_max_keys = ds_table_capacity_of (n_slots);
  self->prefetches = n_bytes > DS_TABLE_NEAR_BYTES;
  self->n_seen = 0;
  self->n_keys_grown = self->n_keys;
}

/* Moves both columns to where there is room for as many keys as the slots allow. */
void
ds_table_grow_columns (DsTable *self)
{
  DsArena *old = g_steal_pointer (&self->column_arena);
  gsize n_bytes = self->n_max_keys * sizeof (DsValue);
  DsValue *keys;

  self->column_arena = ds_arena_new_sized (ds_task_get_arena_pool (self->task),
                                           self->values != NULL ? 2 * n_bytes : n_bytes);
  keys = ds_arena_alloc (self->column_arena, n_bytes);
  if (self->n_keys > 0)
    memcpy (keys, self->keys, self->n_keys * sizeof (DsValue));
  self->keys = keys;
  if (self->values != NULL)
    {
      DsValue *values = ds_arena_alloc (self->column_arena, n_bytes);

      if (self->n_keys > 0)
        memcpy (values, self->values, self->n_keys * sizeof (DsValue));
      self->values = values;
    }
  g_clear_pointer (&old, ds_arena_unref);
}

void
ds_table_make_slots (DsTable *self, gsize n_keys)
{
  gsize n_slots = DS_TABLE_MIN_SLOTS;

  while (ds_table_capacity_of (n_slots) < n_keys)
    n_slots *= 2;
  ds_table_allocate_slots (self, n_slots);
  ds_table_grow_columns (self);
}

static __attribute__ ((noinline)) void
ds_table_grow (DsTable *self)
{
  DsArena *old_arena = g_steal_pointer (&self->slot_arena);
  const DsTableSlot *old = self->slots;
  const gsize n_old = self->mask + 1;

  ds_table_allocate_slots (self, n_old < DS_TABLE_SMALL_SLOTS ? n_old * 4 : n_old * 2);
  for (gsize i = 0; i < n_old; i++)
    {
      gsize at;

      if (old[i].meta == 0)
        continue;
      at = ds_table_hash (self->seed0, self->seed1, old[i].k0, old[i].k1) & self->mask;
      while (self->slots[at].meta != 0)
        at = (at + 1) & self->mask;
      self->slots[at] = old[i];
    }
  ds_arena_unref (old_arena);
  ds_table_grow_columns (self);
}

DsTableSlot *
ds_table_place_key (DsTable *self, const DsTableKey *key, guint32 index)
{
  gsize at = key->hash & self->mask;

  while (self->slots[at].meta != 0)
    at = (at + 1) & self->mask;
  self->slots[at] = (DsTableSlot){ .k0 = key->k0,
                                   .k1 = ds_table_meta_is_long (key->meta) ? 0 : key->k1,
                                   .meta = key->meta,
                                   .index = index };
  return &self->slots[at];
}

DsTableSlot *
ds_table_insert_slot (DsTable *self, const DsTableKey *key)
{
  const gboolean is_long = ds_table_meta_is_long (key->meta);
  DsTableSlot *slot;

  if (G_UNLIKELY (self->n_keys == self->n_max_keys))
    ds_table_grow (self);
  slot = ds_table_place_key (self, key, (guint32) self->n_keys);
  if (G_UNLIKELY (is_long))
    {
      const DsValue *value = (const DsValue *) (guintptr) key->k1;

      self->keys[self->n_keys++] = ds_value_copy (*value, self->key_arena);
    }
  else
    {
      char *bytes = ds_table_meta_needs_bytes (key->meta)
                        ? ds_arena_alloc (self->key_arena, 16)
                        : NULL;

      self->keys[self->n_keys++] =
          ds_table_key_to_value (key->k0, key->k1, key->meta, bytes);
    }
  return slot;
}

DsTableSlot *
ds_table_find_long_slot (DsTable *self, const DsTableKey *key)
{
  const DsValue *value = (const DsValue *) (guintptr) key->k1;

  for (gsize at = key->hash & self->mask;; at = (at + 1) & self->mask)
    {
      DsTableSlot *slot = &self->slots[at];

      if (slot->meta == 0)
        return ds_table_insert_slot (self, key);
      if (slot->k0 == key->k0 && slot->meta == key->meta &&
          ds_value_equal (self->keys[slot->index], *value))
        return slot;
    }
}

void
ds_table_make_value_column (DsTable *self)
{
  if (self->values == NULL)
    self->values =
        ds_arena_alloc (self->column_arena, self->n_max_keys * sizeof (DsValue));
}

void
ds_table_move_sums_to_column (DsTable *self)
{
  ds_table_make_value_column (self);
  if (self->int_slots != NULL)
    {
      ds_table_move_int_sums_to_column (self);
      return;
    }
  for (gsize i = 0; i <= self->mask; i++)
    if (self->slots[i].meta != 0)
      self->values[self->slots[i].index] = ds_value_int (self->slots[i].sum);
}
