/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* reduce_by_key with a reduction that is named instead of given as a function, for other
 * languages: it runs at full speed, without a call into them. */

#include "dstream/ds-dstream-private.h"

static DsRdd *
ds_key_reduced_op_dstream_compute (DsDStream *self, DsBatch *batch, GError **error)
{
  DsRdd *parent = ds_dstream_get_parent_rdd (self, batch, error);

  if (parent == NULL)
    return NULL;
  return ds_rdd_reduce_by_key_op (parent,
                                  (DsReduction) GPOINTER_TO_UINT (
                                      ds_dstream_get_node (self)->data->user_data));
}

static const DsDStreamOps ds_key_reduced_op_dstream_ops = {
  .kind = "reduce_by_key_op",
  .options = DS_OPTION_N_PARTITIONS | DS_OPTION_PARTITIONER,
  .compute = ds_key_reduced_op_dstream_compute,
};

DS_DEFINE_DSTREAM (DsKeyReducedOpDStream,
                   ds_key_reduced_op_dstream,
                   &ds_key_reduced_op_dstream_ops)

/**
 * ds_dstream_reduce_by_key_op:
 * @self: a stream of pairs
 * @reduction: which reduction
 *
 * Reduces the values of each key of a batch to one, by a reduction that the engine knows.
 * Options: ds_dstream_set_n_partitions (), ds_dstream_set_partitioner ().
 *
 * Returns: (transfer none): the stream of one pair a key, owned by the context
 */
DsDStream *
ds_dstream_reduce_by_key_op (DsDStream *self, DsReduction reduction)
{
  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);

  return ds_dstream_derive (self, ds_key_reduced_op_dstream_get_type (), NULL,
                            GUINT_TO_POINTER ((guint) reduction), NULL);
}
