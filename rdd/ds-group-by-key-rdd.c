/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* group_by_key: all values of a key in one list. */

#include "rdd/ds-shuffled-rdd-private.h"

/**
 * ds_rdd_group_by_key:
 * @self: an RDD of pairs
 *
 * One pair a key, with the list of all of its values, in the order of partitions and
 * within them.
 *
 * Every value is moved and kept: where the list is only going to be reduced,
 * ds_rdd_reduce_by_key () is much cheaper.  A list must fit in memory.  Options and
 * failures are those of ds_rdd_reduce_by_key ().
 *
 * Returns: (transfer full): the RDD of pairs of key and list
 */
DsRdd *
ds_rdd_group_by_key (DsRdd *self)
{
  const DsCombine combine = { .kind = DS_COMBINE_GROUP };
  const DsShuffledPlan plan = { .kind = "group_by_key",
                                .combine = &combine,
                                .input = DS_SHUFFLE_PAIRS,
                                .result_is_keyed = TRUE };

  g_return_val_if_fail (DS_IS_RDD (self), NULL);

  return ds_shuffled_rdd_new (self, &plan, NULL);
}
