/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The batches of a window, oldest first: a ring that grows. */

#include "rdd/ds-window-table-private.h"

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

guint
ds_window_table_count_batches (DsWindowTable *self, DsTime time)
{
  guint n = 0;

  for (guint32 i = self->state.first_batch; i != self->state.end_batch; i++, n++)
    if (ds_window_table_get_batch (self, i)->time > time)
      break;
  return n;
}

void
ds_window_table_pop_batch (DsWindowTable *self)
{
  const DsWindowBatch *batch = ds_window_table_get_batch (self, self->state.first_batch);

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
