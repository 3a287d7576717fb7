/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The values of a batch by key: the group_by_key of its RDDs. */

#include "dstream/ds-dstream-private.h"

static DsRdd *
ds_grouped_dstream_compute (DsDStream *self, DsBatch *batch, GError **error)
{
  DsRdd *parent = ds_dstream_get_parent_rdd (self, batch, error);

  if (parent == NULL)
    return NULL;
  return ds_rdd_group_by_key (parent);
}

static const DsDStreamOps ds_grouped_dstream_ops = {
  .kind = "group_by_key",
  .options = DS_OPTION_N_PARTITIONS | DS_OPTION_PARTITIONER,
  .compute = ds_grouped_dstream_compute,
};

DS_DEFINE_DSTREAM (DsGroupedDStream, ds_grouped_dstream, &ds_grouped_dstream_ops)

/**
 * ds_dstream_group_by_key:
 * @self: a stream of pairs
 *
 * Collects the values of each key of a batch into a list, as pairs (key, list).  The
 * order in a list follows the partitions.  A key's list has to fit in memory; where a
 * reduction is wanted, ds_dstream_reduce_by_key () costs a fraction.  Options:
 * ds_dstream_set_n_partitions (), ds_dstream_set_partitioner ().
 *
 * Returns: (transfer none): the stream of pairs, owned by the context
 */
DsDStream *
ds_dstream_group_by_key (DsDStream *self)
{
  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);

  return ds_dstream_derive (self, ds_grouped_dstream_get_type (), NULL, NULL, NULL);
}
