/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Each value of each batch becomes any number of others: the flat_map of its RDDs. */

#include "dstream/ds-dstream-private.h"

static DsRdd *
ds_flat_mapped_dstream_compute (DsDStream *self, DsBatch *batch, GError **error)
{
  DsDStreamNode *node = ds_dstream_get_node (self);
  DsRdd *parent = ds_dstream_get_parent_rdd (self, batch, error);

  if (parent == NULL)
    return NULL;
  return ds_dstream_lend_data (self, ds_rdd_flat_map (parent, (DsFlatMapFunc) node->func,
                                                      node->data->user_data, NULL));
}

static const DsDStreamOps ds_flat_mapped_dstream_ops = {
  .kind = "flat_map",
  .compute = ds_flat_mapped_dstream_compute,
};

DS_DEFINE_DSTREAM (DsFlatMappedDStream,
                   ds_flat_mapped_dstream,
                   &ds_flat_mapped_dstream_ops)

/**
 * ds_dstream_flat_map: (skip)
 * @self: a stream
 * @func: (scope notified) (closure user_data) (destroy destroy): emits values with
 * ds_task_emit () or ds_task_emit_pair (); runs on executor threads, several at once
 * @user_data: passed to @func
 * @destroy: (nullable): frees @user_data, once, when neither the stream nor an RDD of it
 *   needs it any longer
 *
 * Replaces each value by what @func emits for it, in that order: none, one or many.
 *
 * Returns: (transfer none): the new stream, owned by the context
 */
DsDStream *
ds_dstream_flat_map (DsDStream *self,
                     DsFlatMapFunc func,
                     gpointer user_data,
                     GDestroyNotify destroy)
{
  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);
  ds_dstream_return_if_null (self, func, user_data, destroy);

  return ds_dstream_derive (self, ds_flat_mapped_dstream_get_type (), G_CALLBACK (func),
                            user_data, destroy);
}
