/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* partition_by: pairs go where a partitioner puts their keys. */

#include "rdd/ds-shuffled-rdd-private.h"

/**
 * ds_rdd_partition_by:
 * @self: an RDD of pairs
 * @partitioner: which key goes to which partition
 *
 * The same pairs, each in the partition of its key.  Operators by key that follow with
 * the same partitioner move nothing.
 *
 * Pairs of a partition are in the order of the parent's partitions and within them.
 * Costs nothing when they already lie there.  A function of @partitioner that gives a
 * number out of range fails the task; so does a value that is no pair.
 *
 * Returns: (transfer full): the RDD of pairs
 */
DsRdd *
ds_rdd_partition_by (DsRdd *self, DsPartitioner *partitioner)
{
  const DsShuffledPlan plan = { .kind = "partition_by",
                                .input = DS_SHUFFLE_PAIRS,
                                .partitioner = partitioner,
                                .result_is_keyed = TRUE };

  g_return_val_if_fail (DS_IS_RDD (self) && partitioner != NULL, NULL);

  return ds_shuffled_rdd_new (self, &plan, NULL);
}
