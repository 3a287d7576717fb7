/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A function of the program sees each partition of a batch as a whole: the map_partitions
 * of its RDDs. */

#include "dstream/ds-dstream-private.h"

static DsRdd *
ds_partition_mapped_dstream_compute (DsDStream *self, DsBatch *batch, GError **error)
{
  DsDStreamNode *node = ds_dstream_get_node (self);
  DsRdd *parent = ds_dstream_get_parent_rdd (self, batch, error);

  if (parent == NULL)
    return NULL;
  return ds_dstream_lend_data (self,
                               ds_rdd_map_partitions (parent,
                                                      (DsMapPartitionFunc) node->func,
                                                      node->data->user_data, NULL));
}

static const DsDStreamOps ds_partition_mapped_dstream_ops = {
  .kind = "map_partitions",
  .options = DS_OPTION_PRESERVES_PARTITIONING,
  .compute = ds_partition_mapped_dstream_compute,
};

DS_DEFINE_DSTREAM (DsPartitionMappedDStream,
                   ds_partition_mapped_dstream,
                   &ds_partition_mapped_dstream_ops)

/**
 * ds_dstream_map_partitions: (skip)
 * @self: a stream
 * @func: (scope notified) (closure user_data) (destroy destroy): reads a partition with
 * ds_partition_next () and emits any number of values; runs on executor threads, several
 * at once
 * @user_data: passed to @func
 * @destroy: (nullable): frees @user_data, once, when neither the stream nor an RDD of it
 *   needs it any longer
 *
 * Calls @func once for each partition of each batch, also for an empty one.  The
 * partition is read chunk by chunk and need not fit in memory.  Options:
 * ds_dstream_set_preserves_partitioning ().
 *
 * Returns: (transfer none): the new stream, owned by the context
 */
DsDStream *
ds_dstream_map_partitions (DsDStream *self,
                           DsMapPartitionFunc func,
                           gpointer user_data,
                           GDestroyNotify destroy)
{
  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);
  ds_dstream_return_if_null (self, func, user_data, destroy);

  return ds_dstream_derive (self, ds_partition_mapped_dstream_get_type (),
                            G_CALLBACK (func), user_data, destroy);
}
