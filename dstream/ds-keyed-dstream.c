/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Each value under a key that is made of it: the key_by of its RDDs. */

#include "dstream/ds-dstream-private.h"

static DsRdd *
ds_keyed_dstream_compute (DsDStream *self, DsBatch *batch, GError **error)
{
  DsDStreamNode *node = ds_dstream_get_node (self);
  DsRdd *parent = ds_dstream_get_parent_rdd (self, batch, error);

  if (parent == NULL)
    return NULL;
  return ds_dstream_lend_data (self, ds_rdd_key_by (parent, (DsMapFunc) node->func,
                                                    node->data->user_data, NULL));
}

static const DsDStreamOps ds_keyed_dstream_ops = {
  .kind = "key_by",
  .compute = ds_keyed_dstream_compute,
};

DS_DEFINE_DSTREAM (DsKeyedDStream, ds_keyed_dstream, &ds_keyed_dstream_ops)

/**
 * ds_dstream_key_by: (skip)
 * @self: a stream
 * @func: (scope notified) (closure user_data) (destroy destroy): makes the key of a
 * value; runs on executor threads, several at once
 * @user_data: passed to @func
 * @destroy: (nullable): frees @user_data, once, when neither the stream nor an RDD of it
 *   needs it any longer
 *
 * Makes a pair (what @func returns, the value) of each value.  Order and partitions stay;
 * a partitioner is dropped.  Cheaper than a map that makes such a pair.
 *
 * Returns: (transfer none): the stream of pairs, owned by the context
 */
DsDStream *
ds_dstream_key_by (DsDStream *self,
                   DsMapFunc func,
                   gpointer user_data,
                   GDestroyNotify destroy)
{
  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);
  ds_dstream_return_if_null (self, func, user_data, destroy);

  return ds_dstream_derive (self, ds_keyed_dstream_get_type (), G_CALLBACK (func),
                            user_data, destroy);
}
