/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What map, flat_map and filter do, for other languages: a function from block to block,
 * called for pieces of each partition of a batch. */

#include "dstream/ds-dstream-private.h"

static DsRdd *
ds_block_mapped_dstream_compute (DsDStream *self, DsBatch *batch, GError **error)
{
  DsDStreamNode *node = ds_dstream_get_node (self);
  DsRdd *parent = ds_dstream_get_parent_rdd (self, batch, error);

  if (parent == NULL)
    return NULL;
  return ds_dstream_lend_data (self, ds_rdd_map_blocks (parent, (DsBlockFunc) node->func,
                                                        node->data->user_data, NULL));
}

static const DsDStreamOps ds_block_mapped_dstream_ops = {
  .kind = "map_blocks",
  .compute = ds_block_mapped_dstream_compute,
};

DS_DEFINE_DSTREAM (DsBlockMappedDStream,
                   ds_block_mapped_dstream,
                   &ds_block_mapped_dstream_ops)

/**
 * ds_dstream_map_blocks:
 * @self: a stream
 * @func: (scope notified) (closure user_data) (destroy destroy): makes a block of a
 * block; %NULL is a failure; runs on executor threads, several at once
 * @user_data: passed to @func
 * @destroy: (nullable): frees @user_data, once, when neither the stream nor an RDD of it
 *   needs it any longer
 *
 * Replaces pieces of each partition, in order and none empty, by what @func returns for
 * them.
 *
 * Returns: (transfer none): the new stream, owned by the context
 */
DsDStream *
ds_dstream_map_blocks (DsDStream *self,
                       DsBlockFunc func,
                       gpointer user_data,
                       GDestroyNotify destroy)
{
  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);
  ds_dstream_return_if_null (self, func, user_data, destroy);

  return ds_dstream_derive (self, ds_block_mapped_dstream_get_type (), G_CALLBACK (func),
                            user_data, destroy);
}
