/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A function of the program sees up to 1,024 values of a batch at once: the map_chunks of
 * its RDDs. */

#include "dstream/ds-dstream-private.h"

static DsRdd *
ds_chunk_mapped_dstream_compute (DsDStream *self, DsBatch *batch, GError **error)
{
  DsDStreamNode *node = ds_dstream_get_node (self);
  DsRdd *parent = ds_dstream_get_parent_rdd (self, batch, error);

  if (parent == NULL)
    return NULL;
  return ds_dstream_lend_data (self,
                               ds_rdd_map_chunks (parent, (DsMapChunkFunc) node->func,
                                                  node->data->user_data, NULL));
}

static const DsDStreamOps ds_chunk_mapped_dstream_ops = {
  .kind = "map_chunks",
  .options = DS_OPTION_PRESERVES_PARTITIONING,
  .compute = ds_chunk_mapped_dstream_compute,
};

DS_DEFINE_DSTREAM (DsChunkMappedDStream,
                   ds_chunk_mapped_dstream,
                   &ds_chunk_mapped_dstream_ops)

/**
 * ds_dstream_map_chunks: (skip)
 * @self: a stream
 * @func: (scope notified) (closure user_data) (destroy destroy): gets up to 1,024 values
 * of a partition, in order, and emits any number; runs on executor threads, several at
 * once
 * @user_data: passed to @func
 * @destroy: (nullable): frees @user_data, once, when neither the stream nor an RDD of it
 *   needs it any longer
 *
 * As ds_dstream_flat_map (), with one call for many values: the way to the full speed of
 * the engine with functions of one's own.  Options:
 * ds_dstream_set_preserves_partitioning ().
 *
 * Returns: (transfer none): the new stream, owned by the context
 */
DsDStream *
ds_dstream_map_chunks (DsDStream *self,
                       DsMapChunkFunc func,
                       gpointer user_data,
                       GDestroyNotify destroy)
{
  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);
  ds_dstream_return_if_null (self, func, user_data, destroy);

  return ds_dstream_derive (self, ds_chunk_mapped_dstream_get_type (), G_CALLBACK (func),
                            user_data, destroy);
}
