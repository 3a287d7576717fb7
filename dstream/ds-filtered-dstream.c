/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Each batch keeps the values that pass a test: the filter of its RDDs. */

#include "dstream/ds-dstream-private.h"

static DsRdd *
ds_filtered_dstream_compute (DsDStream *self, DsBatch *batch, GError **error)
{
  DsDStreamNode *node = ds_dstream_get_node (self);
  DsRdd *parent = ds_dstream_get_parent_rdd (self, batch, error);

  if (parent == NULL)
    return NULL;
  return ds_dstream_lend_data (self, ds_rdd_filter (parent, (DsFilterFunc) node->func,
                                                    node->data->user_data, NULL));
}

static const DsDStreamOps ds_filtered_dstream_ops = {
  .kind = "filter",
  .compute = ds_filtered_dstream_compute,
};

DS_DEFINE_DSTREAM (DsFilteredDStream, ds_filtered_dstream, &ds_filtered_dstream_ops)

/**
 * ds_dstream_filter: (skip)
 * @self: a stream
 * @func: (scope notified) (closure user_data) (destroy destroy): %TRUE: keep the value;
 * runs on executor threads, several at once
 * @user_data: passed to @func
 * @destroy: (nullable): frees @user_data, once, when neither the stream nor an RDD of it
 *   needs it any longer
 *
 * Keeps the values for which @func returns %TRUE.  Order, partitions and partitioner
 * stay.
 *
 * Returns: (transfer none): the new stream, owned by the context
 */
DsDStream *
ds_dstream_filter (DsDStream *self,
                   DsFilterFunc func,
                   gpointer user_data,
                   GDestroyNotify destroy)
{
  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);
  ds_dstream_return_if_null (self, func, user_data, destroy);

  return ds_dstream_derive (self, ds_filtered_dstream_get_type (), G_CALLBACK (func),
                            user_data, destroy);
}
