/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* distinct: each value once. */

#include "rdd/ds-shuffled-rdd-private.h"

/**
 * ds_rdd_distinct:
 * @self: an RDD
 *
 * Each value once, however often it comes: equal is what ds_value_equal () calls equal.
 * Values come out in the order in which they were first met in their partition.
 *
 * Has the options of ds_rdd_set_n_partitions () and ds_rdd_set_partitioner (), which here
 * is asked for whole values.
 *
 * Returns: (transfer full): the RDD of different values
 */
DsRdd *
ds_rdd_distinct (DsRdd *self)
{
  const DsCombine combine = { .kind = DS_COMBINE_FIRST };
  const DsShuffledPlan plan = { .kind = "distinct",
                                .combine = &combine,
                                .input = DS_SHUFFLE_VALUES_AS_KEYS };

  g_return_val_if_fail (DS_IS_RDD (self), NULL);

  return ds_shuffled_rdd_new (self, &plan, NULL);
}
