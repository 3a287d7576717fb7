/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The pairs of each batch where their keys belong: the partition_by of its RDDs. */

#include "dstream/ds-dstream-private.h"

static DsRdd *
ds_partitioned_dstream_compute (DsDStream *self, DsBatch *batch, GError **error)
{
  DsRdd *parent = ds_dstream_get_parent_rdd (self, batch, error);

  if (parent == NULL)
    return NULL;
  return ds_rdd_partition_by (parent, ds_dstream_get_node (self)->data->user_data);
}

static const DsDStreamOps ds_partitioned_dstream_ops = {
  .kind = "partition_by",
  .compute = ds_partitioned_dstream_compute,
};

DS_DEFINE_DSTREAM (DsPartitionedDStream,
                   ds_partitioned_dstream,
                   &ds_partitioned_dstream_ops)

/**
 * ds_dstream_partition_by:
 * @self: a stream of pairs
 * @partitioner: the rule from keys to partitions; a reference is taken
 *
 * Brings each pair of a batch into the partition of its key.  A full shuffle, except for
 * batches that have this partitioner already.
 *
 * Returns: (transfer none): the new stream, owned by the context
 */
DsDStream *
ds_dstream_partition_by (DsDStream *self, DsPartitioner *partitioner)
{
  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);
  ds_dstream_return_if_null (self, partitioner, NULL, NULL);

  return ds_dstream_derive (self, ds_partitioned_dstream_get_type (), NULL,
                            ds_partitioner_ref (partitioner),
                            (GDestroyNotify) ds_partitioner_unref);
}
