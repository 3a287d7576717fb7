/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The reduction of all values of a batch; a batch of none has none. */

#include "dstream/ds-dstream-private.h"

static DsRdd *
ds_reduced_dstream_compute (DsDStream *self, DsBatch *batch, GError **error)
{
  DsDStreamNode *node = ds_dstream_get_node (self);
  DsRdd *parent = ds_dstream_get_parent_rdd (self, batch, error);

  if (parent == NULL)
    return NULL;
  return ds_dstream_lend_data (self,
                               ds_reduced_rdd_new (parent, (DsReduceFunc) node->func,
                                                   node->data->user_data, NULL));
}

static const DsDStreamOps ds_reduced_dstream_ops = {
  .kind = "reduce",
  .compute = ds_reduced_dstream_compute,
};

DS_DEFINE_DSTREAM (DsReducedDStream, ds_reduced_dstream, &ds_reduced_dstream_ops)

/**
 * ds_dstream_reduce: (skip)
 * @self: a stream
 * @func: (scope notified) (closure user_data) (destroy destroy): makes one value of two;
 *   associative; runs on executor threads, several at once
 * @user_data: passed to @func
 * @destroy: (nullable): frees @user_data, once, when neither the stream nor an RDD of it
 *   needs it any longer
 *
 * Reduces all values of a batch to one.  A batch of no value gives none.
 *
 * The order is kept: each partition is reduced in its order, then the results in the
 * order of partitions, with the earlier value as the first argument.  So @func need not
 * be commutative.
 *
 * Returns: (transfer none): the stream of at most one value a batch, owned by the context
 */
DsDStream *
ds_dstream_reduce (DsDStream *self,
                   DsReduceFunc func,
                   gpointer user_data,
                   GDestroyNotify destroy)
{
  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);
  ds_dstream_return_if_null (self, func, user_data, destroy);

  return ds_dstream_derive (self, ds_reduced_dstream_get_type (), G_CALLBACK (func),
                            user_data, destroy);
}
