/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How often each value occurs in a batch. */

#include "dstream/ds-dstream-private.h"

static DsRdd *
ds_value_counted_dstream_compute (DsDStream *self, DsBatch *batch, GError **error)
{
  DsDStreamNode *node = ds_dstream_get_node (self);
  DsRdd *parent = ds_dstream_get_parent_rdd (self, batch, error);

  if (parent == NULL)
    return NULL;
  return ds_counted_rdd_new (parent, node->n_partitions);
}

static const DsDStreamOps ds_value_counted_dstream_ops = {
  .kind = "count_by_value",
  .options = DS_OPTION_N_PARTITIONS,
  .compute = ds_value_counted_dstream_compute,
};

DS_DEFINE_DSTREAM (DsValueCountedDStream,
                   ds_value_counted_dstream,
                   &ds_value_counted_dstream_ops)

/**
 * ds_dstream_count_by_value:
 * @self: a stream
 *
 * Counts how often each value occurs in a batch, as pairs (value, n).  A shuffle that
 * counts before the exchange.  Options: ds_dstream_set_n_partitions ().
 *
 * Returns: (transfer none): the stream of pairs, owned by the context
 */
DsDStream *
ds_dstream_count_by_value (DsDStream *self)
{
  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);

  return ds_dstream_derive (self, ds_value_counted_dstream_get_type (), NULL, NULL, NULL);
}
