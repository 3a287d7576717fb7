/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* DsShuffle: the outputs of the map partitions, and when they are all there. */

#include "rdd/ds-shuffle-output-private.h"

#include "base/ds-block-private.h"

/* ---- Hints ---- */

DsShuffleHint *
ds_shuffle_hint_new (void)
{
  DsShuffleHint *self = g_new0 (DsShuffleHint, 1);

  self->ref_count = 1;
  return self;
}

DsShuffleHint *
ds_shuffle_hint_ref (DsShuffleHint *self)
{
  g_atomic_int_inc (&self->ref_count);
  return self;
}

void
ds_shuffle_hint_unref (DsShuffleHint *self)
{
  if (g_atomic_int_dec_and_test (&self->ref_count))
    g_free (self);
}

/* ---- Outputs ---- */

DsShuffleOutput *
ds_shuffle_output_new (guint n_reduces)
{
  DsShuffleOutput *self = g_new0 (DsShuffleOutput, 1);

  self->n_reduces = n_reduces;
  return self;
}

void
ds_shuffle_output_free (DsShuffleOutput *self)
{
  for (guint i = 0; self->blocks != NULL && i < self->n_reduces; i++)
    g_clear_pointer (&self->blocks[i], ds_block_unref);
  for (guint i = 0; self->buffers != NULL && i < self->n_reduces; i++)
    g_clear_pointer (&self->buffers[i], ds_spill_buffer_free);
  g_free (self->blocks);
  g_free (self->buffers);
  if (self->budget != NULL)
    {
      ds_memory_budget_release (self->budget, self->n_bytes);
      ds_memory_budget_unref (self->budget);
    }
  g_free (self);
}

/* One for the whole shuffle: with one a buffer, maps times reduces, file descriptors run
 * out. */
DsSpillFile *
ds_shuffle_get_spill_file (DsShuffle *self, const char *local_directory)
{
  DsSpillFile *file;

  g_mutex_lock (&self->lock);
  if (self->spill_file == NULL)
    self->spill_file = ds_spill_file_new (local_directory);
  file = ds_spill_file_ref (self->spill_file);
  g_mutex_unlock (&self->lock);
  return file;
}

void
ds_shuffle_take_output (DsShuffle *self, guint map_partition, DsShuffleOutput *output)
{
  gboolean is_first;

  g_mutex_lock (&self->lock);
  is_first = self->outputs[map_partition] == NULL;
  if (is_first)
    {
      self->outputs[map_partition] = output;
      self->n_missing--;
      self->n_bytes += output->n_bytes;
    }
  g_mutex_unlock (&self->lock);
  if (!is_first)
    ds_shuffle_output_free (output);
}

const DsShuffleOutput *
ds_shuffle_get_output (DsShuffle *self, guint map_partition)
{
  const DsShuffleOutput *output;

  g_mutex_lock (&self->lock);
  output = self->outputs[map_partition];
  g_mutex_unlock (&self->lock);
  return output;
}

/* ---- The shuffle ---- */

DsShuffle *
ds_shuffle_new (const DsShufflePlan *plan, DsShuffleNameFunc name, gpointer name_data)
{
  DsShuffle *self = g_new0 (DsShuffle, 1);

  self->ref_count = 1;
  self->combines = plan->combine != NULL;
  if (self->combines)
    self->combine = *plan->combine;
  self->input = plan->input;
  self->n_reduces = plan->n_reduces;
  self->sorts = plan->sorts;
  self->is_descending = plan->is_descending;
  self->name = name;
  self->name_data = name_data;
  self->hint = ds_shuffle_hint_new ();
  g_mutex_init (&self->lock);
  if (plan->partitioner != NULL)
    ds_shuffle_set_partitioner (self, plan->partitioner);
  return self;
}

DsShuffle *
ds_shuffle_ref (DsShuffle *self)
{
  g_atomic_int_inc (&self->ref_count);
  return self;
}

static void
ds_shuffle_drop_outputs (DsShuffle *self)
{
  for (guint i = 0; i < self->n_maps; i++)
    g_clear_pointer (&self->outputs[i], ds_shuffle_output_free);
  g_clear_pointer (&self->outputs, g_free);
}

void
ds_shuffle_unref (DsShuffle *self)
{
  if (!g_atomic_int_dec_and_test (&self->ref_count))
    return;
  ds_shuffle_drop_outputs (self);
  g_clear_pointer (&self->spill_file, ds_spill_file_unref);
  g_clear_pointer (&self->partitioner, ds_partitioner_unref);
  g_clear_pointer (&self->hint, ds_shuffle_hint_unref);
  g_mutex_clear (&self->lock);
  g_free (self);
}

void
ds_shuffle_set_n_maps (DsShuffle *self, guint n_maps)
{
  g_mutex_lock (&self->lock);
  if (!self->has_n_maps || self->n_maps != n_maps)
    {
      ds_shuffle_drop_outputs (self);
      self->outputs = g_new0 (DsShuffleOutput *, MAX (n_maps, 1));
      self->n_maps = n_maps;
      self->n_missing = n_maps;
      self->has_n_maps = TRUE;
      self->n_bytes = 0;
    }
  g_mutex_unlock (&self->lock);
}

gboolean
ds_shuffle_is_complete (DsShuffle *self)
{
  gboolean is_complete;

  g_mutex_lock (&self->lock);
  is_complete = self->has_n_maps && self->n_missing == 0;
  g_mutex_unlock (&self->lock);
  return is_complete;
}

void
ds_shuffle_forget_outputs (DsShuffle *self)
{
  g_mutex_lock (&self->lock);
  for (guint i = 0; i < self->n_maps; i++)
    g_clear_pointer (&self->outputs[i], ds_shuffle_output_free);
  self->n_missing = self->n_maps;
  self->n_bytes = 0;
  g_clear_pointer (&self->spill_file, ds_spill_file_unref);
  g_mutex_unlock (&self->lock);
}

gboolean
ds_shuffle_has_map (DsShuffle *self, guint map_partition)
{
  return ds_shuffle_get_output (self, map_partition) != NULL;
}

void
ds_shuffle_set_partitioner (DsShuffle *self, DsPartitioner *partitioner)
{
  DsPartitioner *old = self->partitioner;

  self->partitioner = ds_partitioner_ref (partitioner);
  self->n_reduces = ds_partitioner_get_n_partitions (partitioner);
  g_clear_pointer (&old, ds_partitioner_unref);
}

void
ds_shuffle_set_n_reduces (DsShuffle *self, guint n_reduces)
{
  g_assert (self->partitioner == NULL);

  self->n_reduces = n_reduces;
}

void
ds_shuffle_set_hint (DsShuffle *self, DsShuffleHint *hint)
{
  DsShuffleHint *old = self->hint;

  self->hint = ds_shuffle_hint_ref (hint);
  g_clear_pointer (&old, ds_shuffle_hint_unref);
}

DsPartitioner *
ds_shuffle_get_partitioner (DsShuffle *self)
{
  return self->partitioner;
}

guint
ds_shuffle_get_n_reduces (DsShuffle *self)
{
  return self->n_reduces;
}

DsShuffleInput
ds_shuffle_get_input (DsShuffle *self)
{
  return self->input;
}

gboolean
ds_shuffle_combines (DsShuffle *self)
{
  return self->combines;
}

guint64
ds_shuffle_get_n_bytes (DsShuffle *self)
{
  guint64 n_bytes;

  g_mutex_lock (&self->lock);
  n_bytes = self->n_bytes;
  g_mutex_unlock (&self->lock);
  return n_bytes;
}

DsTable *
ds_shuffle_make_table (DsShuffle *self, DsTask *task, gsize n_keys_hint)
{
  DsCombine combine = self->combine;

  combine.operator_name = self->name (self->name_data);
  return ds_table_new (&combine, task, n_keys_hint);
}
