/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What two streams have under each key of a batch: the cogroup of their RDDs.  A stream
 * without an RDD for a batch would look like one without any key, so that is an error of
 * the batch. */

#include "dstream/ds-dstream-private.h"

static DsRdd *
ds_cogrouped_dstream_compute (DsDStream *self, DsBatch *batch, GError **error)
{
  DsRdd *left = ds_dstream_require_parent_rdd (self, 0, batch, error);
  DsRdd *right;

  if (left == NULL)
    return NULL;
  right = ds_dstream_require_parent_rdd (self, 1, batch, error);
  return right != NULL ? ds_rdd_cogroup (left, right) : NULL;
}

static const DsDStreamOps ds_cogrouped_dstream_ops = {
  .kind = "cogroup",
  .options = DS_OPTION_N_PARTITIONS | DS_OPTION_PARTITIONER,
  .compute = ds_cogrouped_dstream_compute,
};

DS_DEFINE_DSTREAM (DsCogroupedDStream, ds_cogrouped_dstream, &ds_cogrouped_dstream_ops)

/**
 * ds_dstream_cogroup:
 * @self: a stream of pairs
 * @other: another one, of the same context and with the same slide; may be @self
 *
 * Brings together what both streams have under a key: one pair (key, (list of @self, list
 * of @other)) for each key of a batch that either has, with an empty list where it has
 * none.  The order in a list follows the partitions; a key's lists have to fit in memory.
 * A full shuffle of both, except of a side that is partitioned so already.  Options:
 * ds_dstream_set_n_partitions (), ds_dstream_set_partitioner ().
 *
 * A batch for which one of the streams has no RDD fails.
 *
 * Latches %DS_ERROR_INVALID_ARGUMENT for a stream of another context and
 * %DS_ERROR_INVALID_INTERVAL for another slide.
 *
 * Returns: (transfer none): the stream of pairs, owned by the context
 */
DsDStream *
ds_dstream_cogroup (DsDStream *self, DsDStream *other)
{
  DsDStream *const parents[] = { self, other };

  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);
  g_return_val_if_fail (DS_IS_DSTREAM (other), NULL);

  return ds_dstream_new_child (ds_cogrouped_dstream_get_type (), parents, 2, NULL, NULL,
                               NULL);
}
