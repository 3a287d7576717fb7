/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* map_partitions and map_partition_blocks: a function that is called once a partition,
 * also for an empty one. */

#include "rdd/ds-narrow-private.h"
#include "rdd/ds-partition-private.h"

static DsSink *
ds_map_partitions_rdd_make_sink (DsRdd *rdd, guint partition, DsTask *task, DsSink *next)
{
  DsNarrowRdd *self = (DsNarrowRdd *) rdd;

  return ds_partition_sink_new (task, next, (DsMapPartitionFunc) self->func,
                                self->closure.user_data);
}

static DsSink *
ds_map_partition_blocks_rdd_make_sink (DsRdd *rdd,
                                       guint partition,
                                       DsTask *task,
                                       DsSink *next)
{
  DsNarrowRdd *self = (DsNarrowRdd *) rdd;

  return ds_partition_block_sink_new (task, next, (DsBlockFunc) self->func, NULL,
                                      self->closure.user_data);
}

static const DsRddOps ds_map_partitions_rdd_ops = {
  .make_sink = ds_map_partitions_rdd_make_sink,
  .set_preserves_partitioning = ds_narrow_rdd_set_preserves_partitioning
};
static const DsRddOps ds_map_partition_blocks_rdd_ops = {
  .make_sink = ds_map_partition_blocks_rdd_make_sink,
  .set_preserves_partitioning = ds_narrow_rdd_set_preserves_partitioning
};

DS_DEFINE_NARROW_RDD (DsMapPartitionsRdd,
                      ds_map_partitions_rdd,
                      &ds_map_partitions_rdd_ops)
DS_DEFINE_NARROW_RDD (DsMapPartitionBlocksRdd,
                      ds_map_partition_blocks_rdd,
                      &ds_map_partition_blocks_rdd_ops)

/**
 * ds_rdd_map_partitions: (skip)
 * @self: an RDD
 * @func: called once a partition; reads it with ds_partition_next () and emits results
 * @user_data: for @func
 * @destroy: (nullable): frees @user_data with the RDD
 *
 * What @func emits.  It is called for empty partitions, too, and may keep connections and
 * sums for the length of the partition, which is kept in memory or, past the budget, in a
 * file: it never has to fit.
 *
 * Option: ds_rdd_set_preserves_partitioning ().
 *
 * Returns: (transfer full): the RDD of results
 */
DsRdd *
ds_rdd_map_partitions (DsRdd *self,
                       DsMapPartitionFunc func,
                       gpointer user_data,
                       GDestroyNotify destroy)
{
  g_return_val_if_fail (DS_IS_RDD (self) && func != NULL, NULL);

  return ds_narrow_rdd_new (ds_map_partitions_rdd_get_type (), self, "map_partitions",
                            FALSE, G_CALLBACK (func), user_data, destroy);
}

/**
 * ds_rdd_map_partition_blocks:
 * @self: an RDD
 * @func: (scope notified) (closure user_data) (destroy destroy): called once a partition,
 *   with all of it as one block; returns its results as a block
 * @user_data: for @func
 * @destroy: (nullable): frees @user_data with the RDD
 *
 * The twin of ds_rdd_map_partitions () for other languages.  A partition has to fit in
 * memory.  An empty partition comes as an empty block.
 *
 * Option: ds_rdd_set_preserves_partitioning ().
 *
 * Returns: (transfer full): the RDD of results
 */
DsRdd *
ds_rdd_map_partition_blocks (DsRdd *self,
                             DsBlockFunc func,
                             gpointer user_data,
                             GDestroyNotify destroy)
{
  g_return_val_if_fail (DS_IS_RDD (self) && func != NULL, NULL);

  return ds_narrow_rdd_new (ds_map_partition_blocks_rdd_get_type (), self,
                            "map_partition_blocks", FALSE, G_CALLBACK (func), user_data,
                            destroy);
}
