/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What map_partitions does, for other languages: a function from block to block, called
 * once for each partition of a batch. */

#include "dstream/ds-dstream-private.h"

#define DS_TYPE_PARTITION_BLOCK_MAPPED_DSTREAM \
  (ds_partition_block_mapped_dstream_get_type ())
G_DECLARE_FINAL_TYPE (DsPartitionBlockMappedDStream,
                      ds_partition_block_mapped_dstream,
                      DS,
                      PARTITION_BLOCK_MAPPED_DSTREAM,
                      DsDStream)

struct _DsPartitionBlockMappedDStream
{
  DsDStream parent_instance;
};

G_DEFINE_FINAL_TYPE (DsPartitionBlockMappedDStream,
                     ds_partition_block_mapped_dstream,
                     DS_TYPE_DSTREAM)

static DsRdd *
ds_partition_block_mapped_dstream_compute (DsDStream *self,
                                           DsBatch *batch,
                                           GError **error)
{
  DsDStreamNode *node = ds_dstream_get_node (self);
  DsRdd *parent = ds_dstream_get_parent_rdd (self, batch, error);

  if (parent == NULL)
    return NULL;
  return ds_dstream_lend_data (self,
                               ds_rdd_map_partition_blocks (parent,
                                                            (DsBlockFunc) node->func,
                                                            node->data->user_data, NULL));
}

static const DsDStreamOps ds_partition_block_mapped_dstream_ops = {
  .kind = "map_partition_blocks",
  .compute = ds_partition_block_mapped_dstream_compute,
};

static void
ds_partition_block_mapped_dstream_class_init (DsPartitionBlockMappedDStreamClass *klass)
{
  DS_DSTREAM_CLASS (klass)->ops = &ds_partition_block_mapped_dstream_ops;
}

static void
ds_partition_block_mapped_dstream_init (DsPartitionBlockMappedDStream *self)
{
}

/**
 * ds_dstream_map_partition_blocks:
 * @self: a stream
 * @func: (scope notified) (closure user_data) (destroy destroy): makes a block of a
 * block; %NULL is a failure; runs on executor threads, several at once
 * @user_data: passed to @func
 * @destroy: (nullable): frees @user_data, once, when neither the stream nor an RDD of it
 *   needs it any longer
 *
 * Replaces each partition, also an empty one, by what @func returns for it.  A partition
 * has to fit in memory.
 *
 * Returns: (transfer none): the new stream, owned by the context
 */
DsDStream *
ds_dstream_map_partition_blocks (DsDStream *self,
                                 DsBlockFunc func,
                                 gpointer user_data,
                                 GDestroyNotify destroy)
{
  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);
  ds_dstream_return_if_null (self, func, user_data, destroy);

  return ds_dstream_derive (self, DS_TYPE_PARTITION_BLOCK_MAPPED_DSTREAM,
                            G_CALLBACK (func), user_data, destroy);
}
