/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Keeps the values of each batch in memory, for tests and small programs. */

#include "dstream/ds-streaming-context-private.h"

typedef struct
{
  GMutex lock;        /* guards blocks */
  GHashTable *blocks; /* DsTime * -> DsBlock */
} DsCollectOutput;

static gboolean
ds_collect_output_run (DsOutput *self, DsRdd *rdd, DsBatch *batch, GError **error)
{
  DsCollectOutput *collect = self->state;
  gint64 *time = g_new (gint64, 1);
  DsBlock *block = ds_rdd_collect (rdd, error);

  if (block == NULL)
    {
      g_free (time);
      return FALSE;
    }
  *time = ds_batch_get_time (batch);
  g_mutex_lock (&collect->lock);
  g_hash_table_replace (collect->blocks, time, block);
  g_mutex_unlock (&collect->lock);
  return TRUE;
}

static void
ds_collect_output_free (gpointer state)
{
  DsCollectOutput *collect = state;

  g_hash_table_unref (collect->blocks);
  g_mutex_clear (&collect->lock);
  g_free (collect);
}

static const DsOutputOps ds_collect_output_ops = {
  .kind = "collect",
  .run = ds_collect_output_run,
  .free_state = ds_collect_output_free,
};

/**
 * ds_dstream_collect:
 * @self: a stream
 *
 * Keeps the values of each batch until ds_output_clear (), for
 * ds_output_get_block ().  Memory grows with every batch: for tests and small programs.
 *
 * Returns: (transfer none): the output, owned by the context
 */
DsOutput *
ds_dstream_collect (DsDStream *self)
{
  DsCollectOutput *collect;

  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);

  collect = g_new (DsCollectOutput, 1);
  g_mutex_init (&collect->lock);
  collect->blocks = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free,
                                           (GDestroyNotify) ds_block_unref);
  return ds_output_new (self, &ds_collect_output_ops, collect);
}

/**
 * ds_output_get_block:
 * @self: what ds_dstream_collect () returned
 * @batch_time: a batch time, in µs
 *
 * The values that a batch gave.  Any thread.
 *
 * Returns: (transfer none) (nullable): the values, valid until ds_output_clear () or the
 *   end of the context; %NULL when the batch gave no RDD, failed, or is not completed
 */
DsBlock *
ds_output_get_block (DsOutput *self, DsTime batch_time)
{
  DsCollectOutput *collect;
  DsBlock *block;
  gint64 time = batch_time;

  g_return_val_if_fail (DS_IS_OUTPUT (self), NULL);
  g_return_val_if_fail (self->ops == &ds_collect_output_ops, NULL);

  collect = self->state;
  g_mutex_lock (&collect->lock);
  block = g_hash_table_lookup (collect->blocks, &time);
  g_mutex_unlock (&collect->lock);
  return block;
}

/**
 * ds_output_clear:
 * @self: what ds_dstream_collect () returned
 *
 * Drops the values of all batches so far.  Any thread.
 */
void
ds_output_clear (DsOutput *self)
{
  DsCollectOutput *collect;

  g_return_if_fail (DS_IS_OUTPUT (self));
  g_return_if_fail (self->ops == &ds_collect_output_ops);

  collect = self->state;
  g_mutex_lock (&collect->lock);
  g_hash_table_remove_all (collect->blocks);
  g_mutex_unlock (&collect->lock);
}
