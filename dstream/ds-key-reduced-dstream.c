/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The values of each key of a batch, reduced to one: the reduce_by_key of its RDDs. */

#include "dstream/ds-dstream-private.h"

static DsRdd *
ds_key_reduced_dstream_compute (DsDStream *self, DsBatch *batch, GError **error)
{
  DsDStreamNode *node = ds_dstream_get_node (self);
  DsRdd *parent = ds_dstream_get_parent_rdd (self, batch, error);

  if (parent == NULL)
    return NULL;
  return ds_dstream_lend_data (self,
                               ds_rdd_reduce_by_key (parent, (DsReduceFunc) node->func,
                                                     node->data->user_data, NULL));
}

static const DsDStreamOps ds_key_reduced_dstream_ops = {
  .kind = "reduce_by_key",
  .options = DS_OPTION_N_PARTITIONS | DS_OPTION_PARTITIONER,
  .compute = ds_key_reduced_dstream_compute,
};

DS_DEFINE_DSTREAM (DsKeyReducedDStream,
                   ds_key_reduced_dstream,
                   &ds_key_reduced_dstream_ops)

/**
 * ds_dstream_reduce_by_key: (skip)
 * @self: a stream of pairs
 * @func: (scope notified) (closure user_data) (destroy destroy): makes one value of two;
 *   associative; runs on executor threads, several at once
 * @user_data: passed to @func
 * @destroy: (nullable): frees @user_data, once, when neither the stream nor an RDD of it
 *   needs it any longer
 *
 * Reduces the values of each key of a batch to one.  A shuffle that reduces before the
 * exchange.  Options: ds_dstream_set_n_partitions (), ds_dstream_set_partitioner ().
 *
 * The order is kept: the values of a key meet in their order within a partition, then the
 * results of partitions in the order of partitions, with the earlier value as the first
 * argument.  So @func need not be commutative, and ds_keep_first () gives the first
 * value.
 *
 * Returns: (transfer none): the stream of one pair a key, owned by the context
 */
DsDStream *
ds_dstream_reduce_by_key (DsDStream *self,
                          DsReduceFunc func,
                          gpointer user_data,
                          GDestroyNotify destroy)
{
  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);
  ds_dstream_return_if_null (self, func, user_data, destroy);

  return ds_dstream_derive (self, ds_key_reduced_dstream_get_type (), G_CALLBACK (func),
                            user_data, destroy);
}
