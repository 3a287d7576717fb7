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

/* How many entries a batch is likely to have: as many as the one before, or a few more.
 */
static gsize
ds_window_table_guess_entries (DsWindowTable *self)
{
  const DsWindowState *state = &self->state;
  gsize n_before;

  if (state->end_batch == state->first_batch)
    return 0;
  n_before = ds_window_table_get_batch (self, state->end_batch - 1)->n_entries;
  return n_before + n_before / 16;
}

/* With queues they are there only so that captures find them. */
static gboolean
ds_window_batch_has_values (const DsWindowTable *self)
{
  return !self->has_queues || self->can_be_captured;
}

static void
ds_window_table_grow_batch (DsWindowTable *self, DsWindowBatch *batch, gsize n_needed)
{
  gsize n_wanted = batch->n_max_entries > 0
                       ? batch->n_max_entries + batch->n_max_entries / 2
                       : ds_window_table_guess_entries (self);
  gsize n_new = MAX (n_needed, n_wanted);

  batch->entries = ds_window_table_grow_array (self, batch->entries, batch->n_max_entries,
                                               n_new, sizeof *batch->entries);
  if (ds_window_batch_has_values (self))
    batch->values = ds_window_table_grow_array (self, batch->values, batch->n_max_entries,
                                                n_new, sizeof *batch->values);
  batch->n_max_entries = n_new;
}

void
ds_window_table_begin_batch (DsWindowTable *self, DsTime time)
{
  DsWindowState *state = &self->state;
  DsWindowBatch *batch;

  if (state->end_batch - state->first_batch == state->n_max_batches)
    ds_window_table_grow_batches (self);
  state->time = time;
  batch = ds_window_table_get_batch (self, state->end_batch);
  ds_undo_log_save (&self->log, batch, sizeof *batch);
  *batch = (DsWindowBatch){ .time = time };
}

/* The values that batches keep are copies, since they are going to leave some day. */
static void
ds_window_table_keep_values (DsWindowTable *self,
                             DsWindowBatch *batch,
                             const DsValue *values,
                             gsize n_values)
{
  DsValue *kept = batch->values + batch->n_entries;
  guint32 others = 0;

  for (gsize i = 0; i < n_values; i++)
    {
      kept[i] = values[i];
      others |= values[i].type ^ DS_VALUE_TYPE_INT;
    }
  if (others == 0)
    return;
  batch->has_others = TRUE;
  for (gsize i = 0; i < n_values; i++)
    kept[i] = ds_undo_log_copy_value (&self->log, kept[i]);
}

const guint32 *
ds_window_table_add_to_batch (DsWindowTable *self,
                              const DsValue *keys,
                              const DsValue **values,
                              gsize n_entries)
{
  DsWindowBatch *batch = ds_window_table_get_batch (self, self->state.end_batch);
  guint32 *indices;

  if (batch->n_entries + n_entries > batch->n_max_entries)
    ds_window_table_grow_batch (self, batch, batch->n_entries + n_entries);
  indices = batch->entries + batch->n_entries;
  ds_window_table_find (self, keys, n_entries, indices);
  if (ds_window_batch_has_values (self))
    {
      ds_window_table_keep_values (self, batch, *values, n_entries);
      *values = batch->values + batch->n_entries;
    }
  batch->n_entries += n_entries;
  return indices;
}

void
ds_window_table_restore_entries (DsWindowTable *self,
                                 const guint32 *indices,
                                 const DsValue *values,
                                 gsize n_entries)
{
  DsWindowBatch *batch = ds_window_table_get_batch (self, self->state.end_batch);

  if (batch->n_entries + n_entries > batch->n_max_entries)
    ds_window_table_grow_batch (self, batch, batch->n_entries + n_entries);
  memcpy (batch->entries + batch->n_entries, indices, n_entries * sizeof *indices);
  if (!self->has_queues)
    ds_window_table_keep_values (self, batch, values, n_entries);
  batch->n_entries += n_entries;
}

gsize
ds_window_table_end_batch (DsWindowTable *self)
{
  DsWindowState *state = &self->state;
  gsize n_entries = ds_window_table_get_batch (self, state->end_batch)->n_entries;

  if (n_entries > 0) /* else there is nothing that would leave */
    state->end_batch++;
  return n_entries;
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

static void
ds_window_table_drop_values (DsWindowTable *self, const DsWindowBatch *batch)
{
  for (gsize i = 0; batch->has_others && i < batch->n_entries; i++)
    ds_undo_log_drop_value (&self->log, batch->values[i]);
  if (batch->values != NULL)
    ds_undo_log_drop (&self->log, batch->values,
                      batch->n_max_entries * sizeof *batch->values);
}

static void
ds_window_table_drop_batch (DsWindowTable *self, const DsWindowBatch *batch)
{
  ds_window_table_drop_values (self, batch);
  ds_undo_log_drop (&self->log, batch->entries,
                    batch->n_max_entries * sizeof *batch->entries);
}

void
ds_window_table_pop_batch (DsWindowTable *self)
{
  const DsWindowBatch *batch = ds_window_table_get_batch (self, self->state.first_batch);

  if (g_atomic_int_get (&self->n_readers) > 0 && batch->time <= self->read_time)
    g_array_append_vals (self->left, batch, 1);
  else
    ds_window_table_drop_batch (self, batch);
  self->state.first_batch++;
}

void
ds_window_table_drop_left (DsWindowTable *self)
{
  guint n_unread =
      g_atomic_int_get (&self->n_readers) == 0 ? self->left->len : self->n_unread_left;

  for (guint i = 0; i < n_unread; i++)
    ds_window_table_drop_batch (self, &g_array_index (self->left, DsWindowBatch, i));
  if (n_unread > 0)
    g_array_remove_range (self->left, 0, n_unread);
  self->n_unread_left = 0;
  self->n_settled_left = self->left->len;
}

void
ds_window_table_forget_values (DsWindowTable *self, DsTime time)
{
  for (guint32 i = self->state.first_batch; i != self->state.end_batch; i++)
    {
      DsWindowBatch *batch = ds_window_table_get_batch (self, i);

      if (batch->time > time)
        break;
      if (batch->values == NULL)
        continue;
      ds_window_table_drop_values (self, batch);
      ds_undo_log_save (&self->log, batch, sizeof *batch);
      batch->values = NULL;
      batch->has_others = FALSE;
    }
}
