/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The values of pairs change, the keys stay: the map_values of its RDDs. */

#include "dstream/ds-dstream-private.h"

static DsRdd *
ds_value_mapped_dstream_compute (DsDStream *self, DsBatch *batch, GError **error)
{
  DsDStreamNode *node = ds_dstream_get_node (self);
  DsRdd *parent = ds_dstream_get_parent_rdd (self, batch, error);

  if (parent == NULL)
    return NULL;
  return ds_dstream_lend_data (self, ds_rdd_map_values (parent, (DsMapFunc) node->func,
                                                        node->data->user_data, NULL));
}

static const DsDStreamOps ds_value_mapped_dstream_ops = {
  .kind = "map_values",
  .compute = ds_value_mapped_dstream_compute,
};

DS_DEFINE_DSTREAM (DsValueMappedDStream,
                   ds_value_mapped_dstream,
                   &ds_value_mapped_dstream_ops)

/**
 * ds_dstream_map_values: (skip)
 * @self: a stream of pairs
 * @func: (scope notified) (closure user_data) (destroy destroy): makes a value of the
 * value of a pair; runs on executor threads, several at once
 * @user_data: passed to @func
 * @destroy: (nullable): frees @user_data, once, when neither the stream nor an RDD of it
 *   needs it any longer
 *
 * Replaces the value of each pair by what @func returns for it.  Keys, order, partitions
 * and partitioner stay.
 *
 * Returns: (transfer none): the new stream, owned by the context
 */
DsDStream *
ds_dstream_map_values (DsDStream *self,
                       DsMapFunc func,
                       gpointer user_data,
                       GDestroyNotify destroy)
{
  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);
  ds_dstream_return_if_null (self, func, user_data, destroy);

  return ds_dstream_derive (self, ds_value_mapped_dstream_get_type (), G_CALLBACK (func),
                            user_data, destroy);
}
