/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Actions that bring values to the driver: collect, take, first, is_empty.  Each
 * partition becomes a block where it is computed; the driver puts their columns together
 * and holds the blocks, so that no value is copied twice. */

#include "base/ds-error.h"
#include "rdd/ds-action-private.h"
#include "rdd/ds-job-private.h"

/* One block of all, in order.  Consumes nothing. */
static DsBlock *
ds_blocks_concatenate (DsBlock **blocks, guint n_blocks)
{
  gsize n_values = 0;
  gboolean all_pairs = TRUE;

  if (n_blocks == 1)
    return ds_block_ref (blocks[0]);

  for (guint i = 0; i < n_blocks; i++)
    {
      gsize length = ds_block_get_length (blocks[i]);

      n_values += length;
      all_pairs =
          all_pairs && (length == 0 || ds_block_get_form (blocks[i]) == DS_FORM_PAIRS);
    }

  gsize n_bytes = MAX (n_values, 1) * sizeof (DsValue);
  gsize n_columns = all_pairs ? 2 : 1;
  DsArena *arena = ds_arena_new_sized (NULL, n_columns * n_bytes);
  DsValue *values = ds_arena_alloc (arena, n_bytes);
  DsValue *pair_values = all_pairs ? ds_arena_alloc (arena, n_bytes) : NULL;
  gsize n_filled = 0;

  for (guint i = 0; i < n_blocks; i++)
    {
      gsize n_part;
      const DsValue *part;
      const DsValue *part_pair_values = NULL;

      if (ds_block_get_length (blocks[i]) == 0)
        continue;
      if (all_pairs)
        ds_block_get_columns (blocks[i], &part, &part_pair_values, &n_part);
      else
        part = ds_block_get_values (blocks[i], &n_part);
      memcpy (values + n_filled, part, n_part * sizeof (DsValue));
      if (all_pairs)
        memcpy (pair_values + n_filled, part_pair_values, n_part * sizeof (DsValue));
      n_filled += n_part;
    }

  DsBlock *block = ds_block_new_take_columns (arena, values, pair_values, n_values);

  for (guint i = 0; i < n_blocks; i++)
    if (ds_block_get_length (blocks[i]) > 0)
      ds_block_hold (block, blocks[i]);
  return block;
}

static void
ds_blocks_free (DsBlock **blocks, guint n_blocks)
{
  for (guint i = 0; i < n_blocks; i++)
    g_clear_pointer (&blocks[i], ds_block_unref);
  g_free (blocks);
}

/* ---- The sink: a block of at most so many values ---- */

typedef struct
{
  DsSink sink;
  DsBlockBuilder *builder;
  gsize n_wanted;
  DsBlock *block; /* (nullable): set by finish */
} DsCollectSink;

static gboolean
ds_collect_sink_push (DsSink *sink, const DsChunk *chunk)
{
  DsCollectSink *self = (DsCollectSink *) sink;
  gsize n_values = MIN (chunk->n_values, self->n_wanted);

  ds_block_builder_add_columns (self->builder, chunk->values,
                                chunk->form == DS_FORM_PAIRS ? chunk->pair_values : NULL,
                                n_values);
  self->n_wanted -= n_values;
  return self->n_wanted > 0;
}

static gboolean
ds_collect_sink_finish (DsSink *sink)
{
  DsCollectSink *self = (DsCollectSink *) sink;

  self->block = ds_block_builder_end (self->builder);
  return TRUE;
}

static void
ds_collect_sink_free (DsSink *sink)
{
  DsCollectSink *self = (DsCollectSink *) sink;

  ds_block_builder_unref (self->builder);
  g_clear_pointer (&self->block, ds_block_unref);
  g_free (self);
}

typedef struct
{
  DsBlock **blocks; /* one a partition of the job */
  gsize n_wanted;   /* of each partition */
} DsCollection;

static DsSink *
ds_collection_make_sink (DsTask *task, guint index, gpointer data)
{
  DsCollection *self = data;
  DsCollectSink *sink = ds_sink_alloc (sizeof *sink, task, NULL);

  sink->sink.push = ds_collect_sink_push;
  sink->sink.finish = ds_collect_sink_finish;
  sink->sink.free = ds_collect_sink_free;
  sink->sink.accepts = DS_ACCEPTS_VALUES | DS_ACCEPTS_PAIRS;
  sink->builder = ds_block_builder_new ();
  sink->n_wanted = self->n_wanted;
  return &sink->sink;
}

static void
ds_collection_commit (DsTask *task, guint index, DsSink *sink, gpointer data)
{
  DsCollection *self = data;

  self->blocks[index] = ds_task_bring_block (task, ((DsCollectSink *) sink)->block);
}

static const DsJobFuncs ds_collection_funcs = { ds_collection_make_sink,
                                                ds_collection_commit };

DsBlock *
ds_rdd_collect_partitions (DsRdd *self,
                           const guint *partitions,
                           guint n_partitions,
                           gsize n_wanted,
                           GError **error)
{
  DsCollection collection = { g_new0 (DsBlock *, MAX (n_partitions, 1)), n_wanted };
  DsBlock *block = NULL;

  if (ds_context_run_job (ds_rdd_get_context (self), self, partitions, n_partitions,
                          &ds_collection_funcs, &collection, error))
    block = ds_blocks_concatenate (collection.blocks, n_partitions);
  ds_blocks_free (collection.blocks, n_partitions);
  return block;
}

/* ---- Public ---- */

/**
 * ds_rdd_collect:
 * @self: an RDD
 * @error: return location for an error
 *
 * Brings all values to the caller, in the order of partitions.  They have to fit in
 * memory; ds_rdd_foreach_partition () does without.
 *
 * Runs a job and waits for it; honours g_cancellable_get_current ().
 *
 * Returns: (transfer full): a block of the values; %NULL with @error
 */
DsBlock *
ds_rdd_collect (DsRdd *self, GError **error)
{
  g_return_val_if_fail (DS_IS_RDD (self), NULL);

  if (!ds_rdd_prepare (self, error))
    return NULL;
  return ds_rdd_collect_partitions (self, NULL, ds_rdd_get_n_partitions (self), G_MAXSIZE,
                                    error);
}

/**
 * ds_rdd_take:
 * @self: an RDD
 * @n: how many values, at most
 * @error: return location for an error
 *
 * Brings the first @n values to the caller.  It looks into the first partition, and, as
 * long as there are not enough, into four times as many as before; a partition is read no
 * further than needed.
 *
 * Runs jobs and waits for them; honours g_cancellable_get_current ().
 *
 * Returns: (transfer full): a block of the first values, fewer than @n when there are not
 *   more; %NULL with @error
 */
DsBlock *
ds_rdd_take (DsRdd *self, gsize n, GError **error)
{
  g_return_val_if_fail (DS_IS_RDD (self), NULL);

  if (!ds_rdd_prepare (self, error))
    return NULL;

  guint n_partitions = ds_rdd_get_n_partitions (self);
  g_autoptr (GPtrArray) found =
      g_ptr_array_new_with_free_func ((GDestroyNotify) ds_block_unref);
  gsize n_found = 0;
  guint n_seen = 0;

  while (n_found < n && n_seen < n_partitions)
    {
      guint n_round = MIN (n_seen == 0 ? 1 : 4 * n_seen, n_partitions - n_seen);
      g_autofree guint *partitions = g_new (guint, n_round);

      for (guint i = 0; i < n_round; i++)
        partitions[i] = n_seen + i;

      DsBlock *block =
          ds_rdd_collect_partitions (self, partitions, n_round, n - n_found, error);

      if (block == NULL)
        return NULL;
      g_ptr_array_add (found, block);
      n_found += ds_block_get_length (block);
      n_seen += n_round;
    }

  if (found->len == 1 && n_found <= n)
    return ds_block_ref (g_ptr_array_index (found, 0));

  /* Each partition of a round may have had as many as were missing. */
  g_autoptr (DsBlock) all = ds_blocks_concatenate ((DsBlock **) found->pdata, found->len);
  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
  gsize n_values = MIN (n, ds_block_get_length (all));

  if (n_values > 0)
    {
      const DsValue *values;
      const DsValue *pair_values;
      gsize n_all;

      ds_block_get_columns (all, &values, &pair_values, &n_all);
      ds_block_builder_add_columns (builder, values, pair_values, n_values);
    }
  return ds_block_builder_end (builder);
}

/**
 * ds_rdd_first:
 * @self: an RDD
 * @error: return location for an error
 *
 * Brings the first value to the caller, as ds_rdd_take () does.
 *
 * Returns: (transfer full): a block of one value; %NULL with @error, %DS_ERROR_EMPTY when
 *   there is none
 */
DsBlock *
ds_rdd_first (DsRdd *self, GError **error)
{
  g_return_val_if_fail (DS_IS_RDD (self), NULL);

  g_autoptr (DsBlock) block = ds_rdd_take (self, 1, error);

  if (block == NULL)
    return NULL;
  if (ds_block_get_length (block) == 0)
    {
      g_set_error (error, DS_ERROR, DS_ERROR_EMPTY,
                   "The first value of %s: it has none; ds_rdd_take () with 1 returns an "
                   "empty block instead",
                   ds_rdd_get_operator_name (self));
      return NULL;
    }
  return g_steal_pointer (&block);
}

/**
 * ds_rdd_is_empty:
 * @self: an RDD
 * @is_empty: (out): whether it has no value
 * @error: return location for an error
 *
 * Finds out whether there is any value, reading no further than the first.
 *
 * Returns: %FALSE with @error
 */
gboolean
ds_rdd_is_empty (DsRdd *self, gboolean *is_empty, GError **error)
{
  g_return_val_if_fail (DS_IS_RDD (self), FALSE);
  g_return_val_if_fail (is_empty != NULL, FALSE);

  g_autoptr (DsBlock) block = ds_rdd_take (self, 1, error);

  if (block == NULL)
    return FALSE;
  *is_empty = ds_block_get_length (block) == 0;
  return TRUE;
}
