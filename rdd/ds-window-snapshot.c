/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a window lasts by, taken between two steps without looking at a key: its batches,
 * which are not written to any more; keys, of which the column is only added to from then
 * on; the last result, which has the values, and the order of keys.  Queues, which
 * change, are read while steps go on (ds-window-reading.c).
 *
 * When the window was saved before, and everything that came since is still in it, the
 * batches that came are enough: steps are taken again when it is loaded. */

#include "rdd/ds-window-save-private.h"

/* Batches that came after @base, by reference. */
static void
ds_window_part_take_batches (DsWindowPart *self, const DsWindowState *state, DsTime base)
{
  self->batches = g_new (DsWindowBatch, state->end_batch - state->first_batch);
  for (guint32 i = state->first_batch; i != state->end_batch; i++)
    {
      const DsWindowBatch *batch = &state->batches[i & (state->n_max_batches - 1)];

      if (batch->time > base)
        self->batches[self->n_batches++] = *batch;
    }
}

static void
ds_window_part_capture (DsWindowPart *self, DsWindowTable *table, gboolean is_full)
{
  const DsWindowState *state = &table->state;

  self->table = table;
  self->time = state->time;
  self->n_entries = state->n_entries;
  self->n_live = state->n_live;
  self->keys = state->keys;
  self->key_column = ds_arena_ref (table->key_column);
  self->key_arena = ds_arena_ref (table->key_arena);
  table->keys_are_shared = TRUE;
  if (is_full && table->result != NULL)
    self->result = ds_block_ref (table->result);
  if (is_full && table->order != NULL)
    self->order = g_array_ref (table->order);
  ds_window_table_begin_reading (table, is_full);
}

DsWindowSnapshot *
ds_window_stepper_capture (DsWindowStepper *self, gboolean is_full)
{
  guint n_parts = ds_window_stepper_get_n_partitions (self);
  DsWindowSnapshot *snapshot =
      g_malloc0 (sizeof *snapshot + n_parts * sizeof *snapshot->parts);

  snapshot->stepper = ds_window_stepper_ref (self);
  snapshot->time = ds_window_stepper_get_time (self);
  snapshot->has_queues = ds_window_stepper_get_plan (self)->inverse == NULL;
  snapshot->n_parts = n_parts;
  if (!is_full)
    snapshot->steps = ds_window_stepper_ref_history (self, &snapshot->base);
  if (snapshot->steps == NULL)
    snapshot->base = DS_TIME_NONE;
  for (guint i = 0; i < n_parts; i++)
    {
      DsWindowPartition *part = ds_window_stepper_get_partition (self, i);

      if (part == NULL)
        continue;
      ds_window_part_capture (&snapshot->parts[i], &part->table, snapshot->steps == NULL);
      ds_window_part_take_batches (&snapshot->parts[i], &part->table.state,
                                   snapshot->base);
    }
  return snapshot;
}

gboolean
ds_window_snapshot_is_full (const DsWindowSnapshot *self)
{
  return self->steps == NULL;
}

void
ds_window_part_release (DsWindowPart *self)
{
  if (self->table == NULL)
    return;
  ds_window_table_end_reading (self->table);
  self->table = NULL;
  g_clear_pointer (&self->key_column, ds_arena_unref);
  g_clear_pointer (&self->key_arena, ds_arena_unref);
  g_clear_pointer (&self->result, ds_block_unref);
  g_clear_pointer (&self->order, g_array_unref);
  g_clear_pointer (&self->batches, g_free);
}

void
ds_window_snapshot_release (DsWindowSnapshot *self, gboolean is_base)
{
  for (guint i = 0; i < self->n_parts; i++)
    ds_window_part_release (&self->parts[i]);
  if (is_base)
    ds_window_stepper_set_base (self->stepper, self->time);
  g_clear_pointer (&self->steps, g_ptr_array_unref);
  ds_window_stepper_unref (self->stepper);
  g_free (self);
}

void
ds_window_snapshot_free (DsWindowSnapshot *self)
{
  ds_window_snapshot_release (self, FALSE);
}
