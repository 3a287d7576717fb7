/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The reduce side: what the map partitions wrote for a reduce partition, in their order.
 *
 * Blocks of combiners meet in a table; a single block, of a single map partition or
 * because the others had nothing for this one, is the result as it is.  Values that were
 * only dealt out pass through.  Between two places of the backend everything goes through
 * ds_backend_move (). */

#include "rdd/ds-shuffle-output-private.h"

#include "base/ds-block-private.h"
#include "rdd/ds-job-private.h"
#include "rdd/ds-task-private.h"

gboolean
ds_shuffle_push_combined (DsShuffle *self, DsBlock *block, DsSink *sink)
{
  const DsValue *keys;
  const DsValue *values;
  gsize n_keys;

  ds_block_get_columns (block, &keys, &values, &n_keys);
  if (self->input == DS_SHUFFLE_VALUES)
    ds_sink_push_columns (sink, values, NULL, n_keys, block);
  else
    ds_sink_push_columns (sink, keys, values, n_keys, block);
  return sink->task->error == NULL;
}

DsBlock *
ds_shuffle_fetch (DsBlock *block,
                  guint map_partition,
                  guint reduce_partition,
                  DsTask *task)
{
  DsBackend *backend = ds_context_get_backend (task->context);
  GError *error = NULL;
  DsBlock *moved =
      ds_backend_move (backend, block, ds_backend_place_of (backend, map_partition),
                       ds_backend_place_of (backend, reduce_partition), &error);

  if (moved == NULL)
    ds_task_take_error (task, error);
  return moved;
}

/* ---- Combiners ---- */

/* A column of tuples of two looks like pairs after a move, and the other way round an
 * empty block has no second column. */
static const DsValue *
ds_shuffle_get_keys (DsShuffle *self,
                     DsBlock *block,
                     const DsValue **combiners,
                     gsize *n_keys)
{
  const DsValue *keys;

  if (self->combine.kind == DS_COMBINE_FIRST && self->input == DS_SHUFFLE_VALUES_AS_KEYS)
    {
      *combiners = NULL;
      return ds_block_get_values (block, n_keys);
    }
  ds_block_get_columns (block, &keys, combiners, n_keys);
  return keys;
}

static gboolean
ds_shuffle_merge (DsShuffle *self,
                  DsTable *table,
                  guint map_partition,
                  guint reduce_partition,
                  DsTask *task)
{
  const DsShuffleOutput *output = ds_shuffle_get_output (self, map_partition);
  DsBlock *block = output->blocks[reduce_partition];
  g_autoptr (DsBlock) moved = NULL;
  const DsValue *keys;
  const DsValue *combiners;
  gsize n_keys;

  if (block == NULL)
    return TRUE;
  moved = ds_shuffle_fetch (block, map_partition, reduce_partition, task);
  if (moved == NULL)
    return FALSE;
  keys = ds_shuffle_get_keys (self, moved, &combiners, &n_keys);
  for (gsize done = 0; done < n_keys; done += DS_CHUNK_MAX_VALUES)
    if (!ds_task_may_go_on (task) ||
        !ds_table_merge (table, keys + done, combiners != NULL ? combiners + done : NULL,
                         MIN (n_keys - done, DS_CHUNK_MAX_VALUES)))
      return FALSE;
  return TRUE;
}

static gboolean
ds_shuffle_push_single (DsShuffle *self,
                        guint map_partition,
                        guint reduce_partition,
                        DsTask *task,
                        DsSink *sink)
{
  const DsShuffleOutput *output = ds_shuffle_get_output (self, map_partition);
  g_autoptr (DsBlock) block = ds_shuffle_fetch (output->blocks[reduce_partition],
                                                map_partition, reduce_partition, task);
  const DsValue *keys;
  const DsValue *combiners;
  gsize n_keys;

  if (block == NULL)
    return FALSE;
  if (self->input != DS_SHUFFLE_VALUES_AS_KEYS)
    return ds_shuffle_push_combined (self, block, sink);
  keys = ds_shuffle_get_keys (self, block, &combiners, &n_keys);
  ds_sink_push_columns (sink, keys, combiners, n_keys, block);
  return task->error == NULL;
}

static gboolean
ds_shuffle_read_combined (DsShuffle *self,
                          guint reduce_partition,
                          DsTask *task,
                          DsSink *sink)
{
  guint n_blocks = 0;
  guint last = 0;
  gsize n_keys =
      self->hint != NULL ? ds_shuffle_hint_get (&self->hint->n_reduce_keys) : 0;
  g_autoptr (DsTable) table = NULL;
  g_autoptr (DsBlock) block = NULL;

  for (guint i = 0; i < self->n_maps; i++)
    {
      DsBlock *written = ds_shuffle_get_output (self, i)->blocks[reduce_partition];

      if (written == NULL)
        continue;
      n_blocks++;
      last = i;
      n_keys = MAX (n_keys, ds_block_get_length (written));
    }
  if (n_blocks == 0)
    return TRUE;
  if (n_blocks == 1)
    return ds_shuffle_push_single (self, last, reduce_partition, task, sink);

  table = ds_shuffle_make_table (self, task, n_keys);
  for (guint i = 0; i < self->n_maps; i++)
    if (!ds_shuffle_merge (self, table, i, reduce_partition, task))
      return FALSE;
  if (self->hint != NULL)
    ds_shuffle_hint_set (&self->hint->n_reduce_keys, ds_table_get_n_keys_hint (table));
  block = ds_table_end (table);
  return block != NULL && ds_shuffle_push_combined (self, block, sink);
}

/* ---- Values that were dealt out ---- */

/* FALSE: enough, or the task failed. */
static gboolean
ds_shuffle_push_dealt (guint map_partition,
                       guint reduce_partition,
                       const DsChunk *chunk,
                       DsTask *task,
                       DsSink *sink)
{
  DsBackend *backend = ds_context_get_backend (task->context);
  g_autoptr (DsBlockBuilder) builder = NULL;
  g_autoptr (DsBlock) block = NULL;
  g_autoptr (DsBlock) moved = NULL;
  DsChunk arrived = *chunk;

  if (ds_backend_get_n_places (backend) == 1 ||
      ds_backend_place_of (backend, map_partition) ==
          ds_backend_place_of (backend, reduce_partition))
    return ds_sink_push (sink, chunk);

  builder = ds_block_builder_new ();
  ds_block_builder_add_columns (builder, chunk->values, chunk->pair_values,
                                chunk->n_values);
  block = ds_block_builder_end (builder);
  moved = ds_shuffle_fetch (block, map_partition, reduce_partition, task);
  if (moved == NULL)
    return FALSE;
  arrived.block = moved;
  if (chunk->form == DS_FORM_PAIRS)
    ds_block_get_columns (moved, &arrived.values, &arrived.pair_values,
                          &arrived.n_values);
  else
    arrived.values = ds_block_get_values (moved, &arrived.n_values);
  return ds_sink_push (sink, &arrived);
}

static gboolean
ds_shuffle_read_buffer (DsShuffle *self,
                        guint map_partition,
                        guint reduce_partition,
                        DsTask *task,
                        DsSink *sink)
{
  g_autoptr (DsSpillReader) reader = ds_spill_reader_new (
      ds_shuffle_get_output (self, map_partition)->buffers[reduce_partition]);

  while (ds_task_may_go_on (task))
    {
      gboolean at_end = FALSE;
      GError *error = NULL;
      DsChunk chunk;

      if (!ds_spill_reader_next (reader, &chunk, &at_end, &error))
        {
          ds_task_take_error (task, error);
          return FALSE;
        }
      if (at_end)
        return TRUE;
      if (!ds_shuffle_push_dealt (map_partition, reduce_partition, &chunk, task, sink))
        return FALSE;
    }
  return FALSE;
}

gboolean
ds_shuffle_read (DsShuffle *self, guint reduce_partition, DsTask *task, DsSink *sink)
{
  if (self->sorts)
    return ds_shuffle_read_sorted (self, reduce_partition, task, sink);
  if (self->combines)
    return ds_shuffle_read_combined (self, reduce_partition, task, sink);

  for (guint i = 0; i < self->n_maps; i++)
    if (!ds_shuffle_read_buffer (self, i, reduce_partition, task, sink))
      break; /* failed, or the sink has enough */
  return task->error == NULL;
}
