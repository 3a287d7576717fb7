/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* DsTable: the front of the table and the loops over its slots.
 *
 * A chunk goes through in runs of 128: first all keys of the run are brought into fixed
 * size, hashed, and their buckets asked for; then the run is probed.  While the table
 * counts or adds ints the sums lie in the slots themselves, so that a word that is
 * already known costs one cache line; every other kind of value lies in the value column,
 * in which the frequent keys come early and therefore close together.
 *
 * A table that meets an int first has slots for int keys only (ds-table-ints.c) until a
 * key of another type comes.
 *
 * A table with many keys of which most are new costs more and more for growing and for
 * memory that is never near.  When the slots are about to grow beyond n_radix_keys and at
 * least one in eight of the values since they last grew brought a new key, the table goes
 * over to radix partitions (ds-table-radix.c).  With fewer new keys growing will soon
 * end, and probing the slots ahead is quicker than writing every record twice. */

#include "rdd/ds-table-core-private.h"

#include "base/ds-block-private.h"
#include "base/ds-error.h"

#include <sys/random.h>

#define DS_TABLE_RADIX_KEYS ((gsize) 256 * 1024)
#define DS_TABLE_RADIX_BITS 8
#define DS_TABLE_RADIX_BUFFER_BYTES ((gsize) 64 * 1024 * 1024)
#define DS_TABLE_NEW_KEY_RATIO 8

/* The seeds of this process: tables are safe from keys chosen to collide.  Nothing that
 * can be seen depends on it, as iteration is in the order of insertion. */
static const guint64 *
ds_table_get_process_seeds (void)
{
  static guint64 seeds[3];
  static gsize is_ready = 0;

  if (g_once_init_enter (&is_ready))
    {
      if (getrandom (seeds, sizeof seeds, GRND_NONBLOCK) != (gssize) sizeof seeds)
        for (guint i = 0; i < G_N_ELEMENTS (seeds); i++)
          seeds[i] = (guint64) g_random_int () << 32 | g_random_int ();
      seeds[2] = ds_table_find_multiplier (seeds[2]);
      g_once_init_leave (&is_ready, 1);
    }
  return seeds;
}

static DsMeet
ds_table_meet_of (const DsCombine *combine)
{
  switch (combine->kind)
    {
    case DS_COMBINE_COUNT:
      return DS_MEET_COUNT;
    case DS_COMBINE_ADD:
      return DS_MEET_SUM;
    case DS_COMBINE_GROUP:
      return DS_MEET_GROUP;
    case DS_COMBINE_FIRST:
      return DS_MEET_FIRST;
    case DS_COMBINE_REDUCE:
      break;
    default:
      g_assert_not_reached ();
    }
  if (combine->create != NULL || combine->merge_value != combine->merge_combiners)
    return DS_MEET_USER;
  if (combine->merge_value == ds_add)
    return DS_MEET_SUM;
  if (combine->merge_value == ds_min)
    return DS_MEET_MIN;
  if (combine->merge_value == ds_max)
    return DS_MEET_MAX;
  if (combine->merge_value == ds_keep_first)
    return DS_MEET_FIRST;
  if (combine->merge_value == ds_keep_last)
    return DS_MEET_LAST;
  return DS_MEET_USER;
}

DsTable *
ds_table_new (const DsCombine *combine, DsTask *task, gsize n_keys_hint)
{
  DsTable *self = g_new0 (DsTable, 1);
  const guint64 *seeds = ds_table_get_process_seeds ();
  DsArenaPool *pool = ds_task_get_arena_pool (task);

  self->combine = *combine;
  self->task = task;
  self->meet = ds_table_meet_of (combine);
  self->n_sides = MAX (combine->n_sides, 1);
  self->seed0 = seeds[0];
  self->seed1 = seeds[1];
  self->multiplier = seeds[2];
  self->n_radix_keys = DS_TABLE_RADIX_KEYS;
  self->n_radix_bits = DS_TABLE_RADIX_BITS;
  self->n_buffer_bytes = DS_TABLE_RADIX_BUFFER_BYTES;
  self->key_arena = ds_arena_new (pool);
  self->scratch = ds_arena_new (pool);
  if (self->meet == DS_MEET_GROUP)
    self->group = ds_table_group_new (pool);
  self->n_first_keys = MIN (n_keys_hint, self->n_radix_keys);
  if (n_keys_hint > self->n_radix_keys && self->group == NULL)
    ds_table_start_radix (self);
  return self;
}

void
ds_table_free (DsTable *self)
{
  g_clear_pointer (&self->radix, ds_table_radix_free);
  g_clear_pointer (&self->group, ds_table_group_free);
  g_clear_pointer (&self->slot_arena, ds_arena_unref);
  g_clear_pointer (&self->column_arena, ds_arena_unref);
  g_clear_pointer (&self->key_arena, ds_arena_unref);
  g_clear_pointer (&self->value_arena, ds_arena_unref);
  g_clear_pointer (&self->scratch, ds_arena_unref);
  g_free (self);
}

void
ds_table_set_seeds (DsTable *self, guint64 seed0, guint64 seed1)
{
  g_assert (ds_table_get_n_keys (self) == 0);

  self->seed0 = seed0;
  self->seed1 = seed1;
  self->multiplier = seed1 | 1;
}

void
ds_table_set_radix (DsTable *self, gsize n_keys, guint n_bits, gsize n_buffer_bytes)
{
  g_assert (self->radix == NULL && n_bits >= 1 && n_bits <= 12);

  self->n_radix_keys = n_keys;
  self->n_radix_bits = n_bits;
  self->n_buffer_bytes = n_buffer_bytes;
}

gboolean
ds_table_is_radix (DsTable *self)
{
  return self->radix != NULL;
}

gboolean
ds_table_is_for_ints (DsTable *self)
{
  return self->int_slots != NULL;
}

void
ds_table_set_side (DsTable *self, guint side)
{
  g_assert (side < self->n_sides);

  self->side = side;
}

/* ---- Over the slots ---- */

static void
ds_table_count_run (DsTable *self, const DsTableKey *prepared, gsize n_values)
{
  DsTableSlot *slots = self->slots;
  gsize mask = self->mask;

  for (gsize i = 0; i < n_values; i++)
    {
      DsTableSlot *slot = &slots[prepared[i].hash & mask];

      if (G_UNLIKELY (!ds_table_slot_matches (slot, &prepared[i])))
        {
          slot = ds_table_find_slot (self, &prepared[i]);
          slots = self->slots;
          mask = self->mask;
        }
      slot->sum++;
    }
}

static gboolean
ds_table_sum_run (DsTable *self,
                  const DsTableKey *prepared,
                  const DsValue *keys,
                  const DsValue *values,
                  gsize n_values)
{
  DsTableSlot *slots = self->slots;
  gsize mask = self->mask;

  for (gsize i = 0; i < n_values; i++)
    {
      DsTableSlot *slot = &slots[prepared[i].hash & mask];

      if (G_UNLIKELY (!ds_table_slot_matches (slot, &prepared[i])))
        {
          slot = ds_table_find_slot (self, &prepared[i]);
          slots = self->slots;
          mask = self->mask;
        }
      if (G_UNLIKELY (
              __builtin_add_overflow (slot->sum, values[i].as.integer, &slot->sum)))
        {
          ds_table_fail_overflow (self, keys[i],
                                  (gint64) ((guint64) slot->sum -
                                            (guint64) values[i].as.integer),
                                  values[i].as.integer);
          return FALSE;
        }
    }
  return TRUE;
}

static void
ds_table_group_run (DsTable *self,
                    const guint32 *indices,
                    const DsValue *values,
                    gsize n_values,
                    gboolean merging)
{
  for (gsize i = 0; i < n_values; i++)
    {
      const guint32 index = indices[i] * self->n_sides + self->side;
      guint n_items;

      if (!merging)
        {
          ds_table_group_add (self->group, index,
                              values != NULL ? values[i] : ds_value_null ());
          continue;
        }
      n_items = ds_value_get_n_items (values[i]);
      for (guint j = 0; j < n_items; j++)
        ds_table_group_add (self->group, index, values[i].as.items[j]);
    }
}

/* Values in the column: every key of the run was found, and now its value is asked for;
 * by the time a value is needed it has come.  A key that is new in this run has the next
 * free index where it stands first. */
static gboolean
ds_table_meet_run (DsTable *self,
                   const guint32 *indices,
                   gsize n_known,
                   const DsValue *keys,
                   const DsValue *values,
                   gsize n_values,
                   gboolean merging)
{
  for (gsize i = 0; i < n_values; i++)
    __builtin_prefetch (&self->values[indices[i]], 1);
  if (self->meet == DS_MEET_USER)
    return ds_table_call_run (self, indices, n_known, keys, values, n_values, merging);

  for (gsize i = 0; i < n_values; i++)
    {
      DsValue *combiner = &self->values[indices[i]];
      const DsValue *value = values != NULL ? &values[i] : NULL;

      if (indices[i] == n_known)
        {
          n_known++;
          *combiner = ds_table_first_value (self, &keys[i], value, merging);
        }
      else
        {
          *combiner = ds_table_next_value (self, *combiner, &keys[i], value, merging);
        }
    }
  return self->task->error == NULL;
}

static void
ds_table_compact_values (DsTable *self)
{
  DsArena *old = g_steal_pointer (&self->value_arena);

  for (gsize i = 0; i < self->n_keys; i++)
    self->values[i] = ds_table_own_value (self, self->values[i]);
  ds_arena_unref (old);
  self->n_dead_bytes = 0;
}

static gboolean
ds_table_are_ints (const DsValue *values, gsize n_values)
{
  guint32 difference = 0;

  for (gsize i = 0; i < n_values; i++)
    difference |= values[i].type ^ DS_VALUE_TYPE_INT;
  return difference == 0;
}

void
ds_table_stop_sums (DsTable *self)
{
  g_assert (self->meet == DS_MEET_SUM);

  ds_table_move_sums_to_column (self);
  self->meet = DS_MEET_ADD;
}

gboolean
ds_table_meet_found (DsTable *self,
                     const guint32 *indices,
                     gsize n_known,
                     const DsValue *keys,
                     const DsValue *values,
                     gsize n_values,
                     gboolean merging)
{
  if (self->meet == DS_MEET_GROUP)
    {
      ds_table_group_run (self, indices, values, n_values, merging);
      return TRUE;
    }
  if (self->meet == DS_MEET_FIRST && values == NULL)
    {
      g_assert (!self->has_values);
      return TRUE;
    }
  if (self->meet == DS_MEET_FIRST)
    self->has_values = TRUE;
  ds_table_make_value_column (self);
  if (!ds_table_meet_run (self, indices, n_known, keys, values, n_values, merging))
    return FALSE;
  if (ds_table_wants_compaction (self))
    ds_table_compact_values (self);
  return TRUE;
}

static gboolean
ds_table_slots_add (DsTable *self,
                    const DsTableKey *prepared,
                    const DsValue *keys,
                    const DsValue *values,
                    gsize n_values,
                    gboolean merging)
{
  const gsize n_known = self->n_keys;
  guint32 indices[DS_TABLE_RUN];

  switch (self->meet)
    {
    case DS_MEET_COUNT:
      if (merging)
        return ds_table_sum_run (self, prepared, keys, values, n_values);
      ds_table_count_run (self, prepared, n_values);
      return TRUE;
    case DS_MEET_SUM:
      if (ds_table_are_ints (values, n_values))
        return ds_table_sum_run (self, prepared, keys, values, n_values);
      ds_table_stop_sums (self);
      break;
    case DS_MEET_GROUP:
    case DS_MEET_FIRST:
    case DS_MEET_ADD:
    case DS_MEET_MIN:
    case DS_MEET_MAX:
    case DS_MEET_LAST:
    case DS_MEET_USER:
      break;
    default:
      g_assert_not_reached ();
    }
  for (gsize i = 0; i < n_values; i++)
    indices[i] = ds_table_find_slot (self, &prepared[i])->index;
  return ds_table_meet_found (self, indices, n_known, keys, values, n_values, merging);
}

/* The first key says for what keys there will be slots. */
static void
ds_table_make_first_slots (DsTable *self, DsValue key)
{
  if (ds_value_is (key, DS_VALUE_TYPE_INT))
    ds_table_make_int_slots (self, self->n_first_keys);
  else
    ds_table_make_slots (self, self->n_first_keys);
}

/* Before a run that may make the slots grow. */
static void
ds_table_consider_radix (DsTable *self, gsize n_run)
{
  if (self->n_keys + n_run <= self->n_max_keys || self->n_max_keys < self->n_radix_keys ||
      self->group != NULL)
    return;
  if ((self->n_keys - self->n_keys_grown) * DS_TABLE_NEW_KEY_RATIO >= self->n_seen)
    ds_table_start_radix (self);
}

static gboolean
ds_table_has_space (DsTable *self)
{
  gsize n_items = self->group != NULL ? ds_table_group_get_n_values (self->group) : 0;
  gsize n_lists = ds_table_get_n_keys (self) * self->n_sides;

  if (G_LIKELY (MAX (n_lists, n_items) < DS_TABLE_MAX_KEYS))
    return TRUE;
  ds_task_take_error (
      self->task, g_error_new (DS_ERROR, DS_ERROR_LIMIT,
                               "%s has more than %" G_GSIZE_FORMAT
                               " keys or values in one partition: use more partitions",
                               self->combine.operator_name, DS_TABLE_MAX_KEYS));
  return FALSE;
}

/* Sums of int keys take a chunk in one go. */
static gsize
ds_table_get_max_run (const DsTable *self)
{
  return self->int_slots != NULL && ds_table_has_sums (self) ? DS_CHUNK_MAX_VALUES
                                                             : DS_TABLE_RUN;
}

/* As many values as can be added in one go; *@n_values becomes how many. */
static gboolean
ds_table_add_run (DsTable *self,
                  const DsValue *keys,
                  const DsValue *values,
                  gsize *n_values,
                  gboolean merging)
{
  DsTableKey prepared[DS_TABLE_RUN];

  if (self->radix == NULL)
    {
      if (G_UNLIKELY (self->slots == NULL && self->int_slots == NULL))
        ds_table_make_first_slots (self, keys[0]);
      ds_table_consider_radix (self, ds_table_get_max_run (self));
    }
  *n_values = MIN (*n_values, ds_table_get_max_run (self));
  self->n_seen += *n_values;
  if (self->int_slots != NULL)
    return ds_table_ints_add (self, keys, values, n_values, merging);

  ds_table_prepare_keys (self, keys, *n_values, prepared);
  return self->radix == NULL
             ? ds_table_slots_add (self, prepared, keys, values, *n_values, merging)
             : ds_table_radix_add (self, prepared, keys, values, *n_values, merging);
}

static gboolean
ds_table_add_runs (DsTable *self,
                   const DsValue *keys,
                   const DsValue *values,
                   gsize n_values,
                   gboolean merging)
{
  gsize n_run;

  if (!ds_table_has_space (self))
    return FALSE;
  for (gsize done = 0; done < n_values; done += n_run)
    {
      n_run = n_values - done;
      if (G_UNLIKELY (!ds_table_add_run (self, keys + done,
                                         values != NULL ? values + done : NULL, &n_run,
                                         merging)))
        return FALSE;
    }
  return TRUE;
}

static gboolean
ds_table_add_in_frame (DsTable *self,
                       const DsValue *keys,
                       const DsValue *values,
                       gsize n_values,
                       gboolean merging)
{
  DsTaskFrame frame =
      ds_task_enter (self->task, self->combine.operator_name, self->scratch, NULL);
  gboolean added = ds_table_add_runs (self, keys, values, n_values, merging);

  ds_task_leave (self->task, &frame);
  return added;
}

gboolean
ds_table_add_values (DsTable *self,
                     const DsValue *keys,
                     const DsValue *values,
                     gsize n_values)
{
  return ds_table_add_in_frame (self, keys, values, n_values, FALSE);
}

gboolean
ds_table_merge (DsTable *self,
                const DsValue *keys,
                const DsValue *combiners,
                gsize n_values)
{
  return ds_table_add_in_frame (self, keys, combiners, n_values, TRUE);
}

gsize
ds_table_get_n_keys (DsTable *self)
{
  return self->radix != NULL ? ds_table_radix_get_n_keys (self) : self->n_keys;
}

gsize
ds_table_get_n_keys_hint (DsTable *self)
{
  /* A number past n_radix_keys starts with radix partitions; slots are never made larger
   * ahead than that, as nobody knows whether most of the values bring new keys again. */
  return self->radix != NULL ? MAX (ds_table_get_n_keys (self), self->n_radix_keys + 1)
                             : MIN (self->n_keys, self->n_radix_keys);
}

gsize
ds_table_get_n_bytes (DsTable *self)
{
  gsize n_bytes = ds_arena_get_n_bytes (self->key_arena);

  if (self->slot_arena != NULL)
    n_bytes += ds_arena_get_n_bytes (self->slot_arena);
  if (self->column_arena != NULL)
    n_bytes += ds_arena_get_n_bytes (self->column_arena);
  if (self->value_arena != NULL)
    n_bytes += ds_arena_get_n_bytes (self->value_arena);
  if (self->group != NULL)
    n_bytes += ds_table_group_get_n_bytes (self->group);
  if (self->radix != NULL)
    n_bytes += ds_table_radix_get_n_bytes (self);
  return n_bytes;
}

/* ---- The end ---- */

void
ds_table_hold_arena (DsBlock *block, DsArena *arena)
{
  g_autoptr (DsBlock) holder = NULL;

  if (arena == NULL)
    return;
  if (ds_arena_get_n_bytes (arena) == 0)
    {
      ds_arena_unref (arena);
      return;
    }
  holder = ds_block_new_take_columns (arena, NULL, NULL, 0);
  ds_block_hold (block, holder);
}

/* The lists of each key; with several sides in one tuple. */
static DsArena *
ds_table_end_group (DsTable *self)
{
  const gsize n_lists = self->n_keys * self->n_sides;
  DsValue *lists;
  DsArena *arena;

  ds_table_make_value_column (self);
  if (self->combine.n_sides == 0)
    return ds_table_group_end (self->group, self->values, self->n_keys);

  lists = ds_arena_alloc (self->column_arena, n_lists * sizeof (DsValue));
  arena = ds_table_group_end (self->group, lists, n_lists);
  for (gsize i = 0; i < self->n_keys; i++)
    self->values[i] = ds_value_tuple (lists + i * self->n_sides, self->n_sides);
  return arena;
}

DsBlock *
ds_table_end (DsTable *self)
{
  DsArena *group_arena = NULL;
  DsBlock *block;

  if (self->radix != NULL)
    return ds_table_radix_end (self);
  if (self->slots == NULL && self->int_slots == NULL)
    ds_table_make_slots (self, 0);

  if (self->group != NULL)
    {
      group_arena = ds_table_end_group (self);
    }
  else if (ds_table_has_sums (self))
    {
      ds_table_move_sums_to_column (self);
    }
  g_clear_pointer (&self->slot_arena, ds_arena_unref);
  block = ds_block_new_take_columns (g_steal_pointer (&self->column_arena), self->keys,
                                     self->values, self->n_keys);
  ds_table_hold_arena (block, g_steal_pointer (&self->key_arena));
  ds_table_hold_arena (block, g_steal_pointer (&self->value_arena));
  ds_table_hold_arena (block, group_arena);
  return block;
}
