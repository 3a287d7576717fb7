/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Each value of each batch becomes another: the map of its RDDs. */

#include "dstream/ds-dstream-private.h"

static DsRdd *
ds_mapped_dstream_compute (DsDStream *self, DsBatch *batch, GError **error)
{
  DsDStreamNode *node = ds_dstream_get_node (self);
  DsRdd *parent = ds_dstream_get_parent_rdd (self, batch, error);

  if (parent == NULL)
    return NULL;
  return ds_dstream_lend_data (self, ds_rdd_map (parent, (DsMapFunc) node->func,
                                                 node->data->user_data, NULL));
}

static const DsDStreamOps ds_mapped_dstream_ops = {
  .kind = "map",
  .compute = ds_mapped_dstream_compute,
};

DS_DEFINE_DSTREAM (DsMappedDStream, ds_mapped_dstream, &ds_mapped_dstream_ops)

/**
 * ds_dstream_map: (skip)
 * @self: a stream
 * @func: (scope notified) (closure user_data) (destroy destroy): makes a value of a
 * value; runs on executor threads, several at once
 * @user_data: passed to @func
 * @destroy: (nullable): frees @user_data, once, when neither the stream nor an RDD of it
 *   needs it any longer
 *
 * Replaces each value by what @func returns for it.  Order and partitions stay; a
 * partitioner is dropped, since keys may have changed.
 *
 * Returns: (transfer none): the new stream, owned by the context
 */
DsDStream *
ds_dstream_map (DsDStream *self,
                DsMapFunc func,
                gpointer user_data,
                GDestroyNotify destroy)
{
  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);
  ds_dstream_return_if_null (self, func, user_data, destroy);

  return ds_dstream_derive (self, ds_mapped_dstream_get_type (), G_CALLBACK (func),
                            user_data, destroy);
}
