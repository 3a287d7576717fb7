/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* reduce_by_key_blocks: reduce_by_key for languages whose functions are too dear to be
 * called once a value: the same function reduces each partition as one block, before the
 * exchange and after it. */

#include "rdd/ds-narrow-private.h"
#include "rdd/ds-partition-private.h"
#include "rdd/ds-shuffled-rdd-private.h"

typedef struct
{
  DsBlockFunc func;
  DsClosureData closure;
} DsBlockReducer;

static void
ds_block_reducer_free (gpointer reducer)
{
  ds_closure_data_clear (&((DsBlockReducer *) reducer)->closure);
  g_free (reducer);
}

/* Nothing is reduced to nothing without asking. */
static DsBlock *
ds_block_reducer_call (DsBlock *block, DsTask *task, gpointer data, GError **error)
{
  const DsBlockReducer *self = data;

  if (ds_block_get_length (block) == 0)
    return ds_block_ref (block);
  return self->func (block, task, self->closure.user_data, error);
}

static DsSink *
ds_block_reduced_rdd_make_sink (DsRdd *rdd, guint partition, DsTask *task, DsSink *next)
{
  DsSink *sink = ds_partition_block_sink_new (task, next, ds_block_reducer_call, NULL,
                                              ((DsNarrowRdd *) rdd)->closure.user_data);

  sink->accepts = DS_ACCEPTS_PAIRS;
  return sink;
}

/* Before the exchange. */
static const DsRddOps ds_block_combined_rdd_ops = { .make_sink =
                                                        ds_block_reduced_rdd_make_sink };

DS_DEFINE_NARROW_RDD (DsBlockCombinedRdd,
                      ds_block_combined_rdd,
                      &ds_block_combined_rdd_ops)

/* ---- After it ---- */

static DsRdd *
ds_block_reduced_rdd_get_exchanged (DsRdd *rdd)
{
  guint n_dependencies;

  return ds_rdd_get_dependencies (rdd, &n_dependencies)[0].parent;
}

static gboolean
ds_block_reduced_rdd_set_n_partitions (DsRdd *rdd, guint n_partitions)
{
  DsRdd *exchanged = ds_block_reduced_rdd_get_exchanged (rdd);

  return ds_rdd_get_ops (exchanged)->set_n_partitions (exchanged, n_partitions) &&
         ds_narrow_rdd_set_preserves_partitioning (rdd, TRUE);
}

static gboolean
ds_block_reduced_rdd_set_partitioner (DsRdd *rdd, DsPartitioner *partitioner)
{
  DsRdd *exchanged = ds_block_reduced_rdd_get_exchanged (rdd);

  return ds_rdd_get_ops (exchanged)->set_partitioner (exchanged, partitioner) &&
         ds_narrow_rdd_set_preserves_partitioning (rdd, TRUE);
}

static const DsRddOps ds_block_reduced_rdd_ops = {
  .make_sink = ds_block_reduced_rdd_make_sink,
  .set_n_partitions = ds_block_reduced_rdd_set_n_partitions,
  .set_partitioner = ds_block_reduced_rdd_set_partitioner
};

DS_DEFINE_NARROW_RDD (DsBlockReducedRdd, ds_block_reduced_rdd, &ds_block_reduced_rdd_ops)

/**
 * ds_rdd_reduce_by_key_blocks:
 * @self: an RDD of pairs
 * @func: (scope notified) (closure user_data) (destroy destroy): gets pairs in which a
 * key may occur often, returns pairs in which it occurs once; associative
 * @user_data: for @func
 * @destroy: (nullable): frees @user_data with the RDD
 *
 * The twin of ds_rdd_reduce_by_key () for other languages.
 *
 * @func is called for each partition that is not empty, as one block, and again for what
 * it has returned, when that has been brought together by key: in the order of
 * partitions.  A partition has to fit in memory.  Options and failures are those of
 * ds_rdd_reduce_by_key ().
 *
 * Returns: (transfer full): the RDD of pairs
 */
DsRdd *
ds_rdd_reduce_by_key_blocks (DsRdd *self,
                             DsBlockFunc func,
                             gpointer user_data,
                             GDestroyNotify destroy)
{
  static const char kind[] = "reduce_by_key_blocks";
  const DsShuffledPlan plan = { .kind = kind,
                                .input = DS_SHUFFLE_PAIRS,
                                .result_is_keyed = TRUE };
  g_autoptr (DsRdd) combined = NULL;
  g_autoptr (DsRdd) exchanged = NULL;
  DsBlockReducer *reducer;

  g_return_val_if_fail (DS_IS_RDD (self) && func != NULL, NULL);

  reducer = g_new (DsBlockReducer, 1);
  *reducer = (DsBlockReducer){ func, { user_data, destroy } };
  combined = ds_narrow_rdd_new (ds_block_combined_rdd_get_type (), self, kind, TRUE, NULL,
                                reducer, ds_block_reducer_free);
  exchanged = ds_shuffled_rdd_new (combined, &plan, NULL);
  /* Its lineage holds the reducer. */
  return ds_narrow_rdd_new (ds_block_reduced_rdd_get_type (), exchanged, kind, TRUE, NULL,
                            reducer, NULL);
}
