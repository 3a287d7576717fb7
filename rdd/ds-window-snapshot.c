/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A copy of what a window lasts by, taken between two steps in one pass, so that it can
 * be written while steps go on.  Keys are shared with the table as blocks of results do
 * it: their column is only added to from then on.  Whatever else lies in memory that the
 * table uses again is copied. */

#include "rdd/ds-window-save-private.h"

#include "base/ds-value-private.h"

static gpointer
ds_window_part_alloc (DsWindowPart *self, gsize n, gsize size)
{
  return ds_arena_alloc (self->arena, MAX (n * size, 1));
}

static DsValue
ds_window_part_copy_value (DsWindowPart *self, DsValue value)
{
  return value.type <= DS_VALUE_TYPE_DOUBLE || ds_window_value_is_nothing (value)
             ? value
             : ds_value_copy (value, self->arena);
}

static DsValue *
ds_window_part_copy_values (DsWindowPart *self,
                            const DsValue *values,
                            gsize n_values,
                            gboolean has_others)
{
  DsValue *copies = ds_window_part_alloc (self, n_values, sizeof *copies);

  if (n_values > 0)
    memcpy (copies, values, n_values * sizeof *copies);
  for (gsize i = 0; has_others && i < n_values; i++)
    copies[i] = ds_window_part_copy_value (self, copies[i]);
  return copies;
}

static void
ds_window_part_copy_batches (DsWindowPart *self, const DsWindowState *state)
{
  self->n_batches = state->end_batch - state->first_batch;
  self->batches = ds_window_part_alloc (self, self->n_batches, sizeof *self->batches);
  for (guint32 i = 0; i < self->n_batches; i++)
    {
      const DsWindowBatch *batch =
          &state->batches[(state->first_batch + i) & (state->n_max_batches - 1)];
      DsWindowBatch *copy = &self->batches[i];

      *copy = *batch;
      copy->entries =
          ds_window_part_alloc (self, batch->n_entries, sizeof *batch->entries);
      memcpy (copy->entries, batch->entries, batch->n_entries * sizeof *batch->entries);
      if (batch->values != NULL)
        copy->values = ds_window_part_copy_values (self, batch->values, batch->n_entries,
                                                   batch->has_others != 0);
    }
}

/* Where an aggregate is the value, it is so in the copy. */
static void
ds_window_part_copy_queue (DsWindowPart *self, DsWindowQueue *queue)
{
  guint32 n_cells = ds_window_queue_get_length (queue);
  DsWindowCell *cells = ds_window_part_alloc (self, n_cells, sizeof *cells);

  for (guint32 i = 0; i < n_cells; i++)
    {
      DsWindowCell cell = queue->cells[(queue->front + i) & (queue->n_cells - 1)];
      gboolean is_value = ds_window_cell_is_one_value (&cell);

      cells[i].value = ds_window_part_copy_value (self, cell.value);
      cells[i].aggregate =
          is_value ? cells[i].value : ds_window_part_copy_value (self, cell.aggregate);
    }
  queue->cells = cells;
}

static void
ds_window_part_capture (DsWindowPart *self, DsWindowTable *table)
{
  const DsWindowState *state = &table->state;

  self->is_used = TRUE;
  self->arena = ds_arena_new (NULL);
  self->time = state->time;
  self->n_entries = state->n_entries;
  self->first_live = state->first_live;
  self->keys = state->keys;
  self->key_column = ds_arena_ref (table->key_column);
  self->key_arena = ds_arena_ref (table->key_arena);
  table->keys_are_shared = TRUE;
  self->values = ds_window_part_copy_values (self, state->values, state->n_entries,
                                             state->has_others != 0);
  self->entries = ds_window_part_alloc (self, state->n_entries, sizeof *state->entries);
  if (state->n_entries > 0)
    memcpy (self->entries, state->entries, state->n_entries * sizeof *state->entries);
  if (table->has_queues)
    {
      self->queues = ds_window_part_alloc (self, state->n_entries, sizeof *state->queues);
      if (state->n_entries > 0)
        memcpy (self->queues, state->queues, state->n_entries * sizeof *state->queues);
      for (guint32 i = 0; i < state->n_entries; i++)
        ds_window_part_copy_queue (self, &self->queues[i]);
    }
  ds_window_part_copy_batches (self, state);
}

DsWindowSnapshot *
ds_window_stepper_capture (DsWindowStepper *self)
{
  guint n_parts = ds_window_stepper_get_n_partitions (self);
  DsWindowSnapshot *snapshot =
      g_malloc0 (sizeof *snapshot + n_parts * sizeof *snapshot->parts);

  snapshot->time = ds_window_stepper_get_time (self);
  snapshot->has_queues = ds_window_stepper_get_plan (self)->inverse == NULL;
  snapshot->n_parts = n_parts;
  for (guint i = 0; i < n_parts; i++)
    {
      DsWindowPartition *part = ds_window_stepper_get_partition (self, i);

      if (part != NULL)
        ds_window_part_capture (&snapshot->parts[i], &part->table);
    }
  return snapshot;
}

void
ds_window_snapshot_free (DsWindowSnapshot *self)
{
  for (guint i = 0; i < self->n_parts; i++)
    {
      g_clear_pointer (&self->parts[i].key_column, ds_arena_unref);
      g_clear_pointer (&self->parts[i].key_arena, ds_arena_unref);
      g_clear_pointer (&self->parts[i].arena, ds_arena_unref);
    }
  g_free (self);
}
