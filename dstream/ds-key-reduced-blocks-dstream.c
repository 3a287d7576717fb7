/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* reduce_by_key with a function from blocks to blocks, for other languages: the
 * reduce_by_key_blocks of its RDDs. */

#include "dstream/ds-dstream-private.h"

static DsRdd *
ds_key_reduced_blocks_dstream_compute (DsDStream *self, DsBatch *batch, GError **error)
{
  DsDStreamNode *node = ds_dstream_get_node (self);
  DsRdd *parent = ds_dstream_get_parent_rdd (self, batch, error);

  if (parent == NULL)
    return NULL;
  return ds_dstream_lend_data (self,
                               ds_rdd_reduce_by_key_blocks (parent,
                                                            (DsBlockFunc) node->func,
                                                            node->data->user_data, NULL));
}

static const DsDStreamOps ds_key_reduced_blocks_dstream_ops = {
  .kind = "reduce_by_key_blocks",
  .options = DS_OPTION_N_PARTITIONS | DS_OPTION_PARTITIONER,
  .compute = ds_key_reduced_blocks_dstream_compute,
};

DS_DEFINE_DSTREAM (DsKeyReducedBlocksDStream,
                   ds_key_reduced_blocks_dstream,
                   &ds_key_reduced_blocks_dstream_ops)

/**
 * ds_dstream_reduce_by_key_blocks:
 * @self: a stream of pairs
 * @func: (scope notified) (closure user_data) (destroy destroy): gets a block of pairs in
 *   which a key may occur often, and returns one in which each occurs once; runs on
 *   executor threads, several at once, on parts of a batch and again on what it returned
 *   for them, so it has to be associative
 * @user_data: passed to @func
 * @destroy: (nullable): frees @user_data, once, when neither the stream nor an RDD of it
 *   needs it any longer
 *
 * Reduces the values of each key of a batch, as ds_dstream_reduce_by_key () does, with a
 * function that sees many pairs at once.  For a reduction that has a name,
 * ds_dstream_reduce_by_key_op () is quicker.  Options: ds_dstream_set_n_partitions (),
 * ds_dstream_set_partitioner ().
 *
 * Returns: (transfer none): the stream of one pair a key, owned by the context
 */
DsDStream *
ds_dstream_reduce_by_key_blocks (DsDStream *self,
                                 DsBlockFunc func,
                                 gpointer user_data,
                                 GDestroyNotify destroy)
{
  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);
  ds_dstream_return_if_null (self, func, user_data, destroy);

  return ds_dstream_derive (self, ds_key_reduced_blocks_dstream_get_type (),
                            G_CALLBACK (func), user_data, destroy);
}
