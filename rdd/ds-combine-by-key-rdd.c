/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* combine_by_key: what reduce_by_key is a case of: values become something else when they
 * first meet. */

#include "rdd/ds-shuffled-rdd-private.h"

/**
 * ds_rdd_combine_by_key: (skip)
 * @self: an RDD of pairs
 * @create: (scope notified) (closure user_data) (destroy destroy): the first value of a
 *   key in a partition becomes a combiner
 * @merge_value: (scope forever): combiner and a further value become a combiner
 * @merge_combiners: (scope forever): combiners of two partitions become one
 * @user_data: for all three
 * @destroy: (nullable): frees @user_data with the RDD
 *
 * One pair a key, with a combiner of all of its values, which may be of another type than
 * they are: a sum with a count, for a mean.
 *
 * Order, cost, options and failures are those of ds_rdd_reduce_by_key ().
 *
 * Returns: (transfer full): the RDD of pairs
 */
DsRdd *
ds_rdd_combine_by_key (DsRdd *self,
                       DsMapFunc create,
                       DsReduceFunc merge_value,
                       DsReduceFunc merge_combiners,
                       gpointer user_data,
                       GDestroyNotify destroy)
{
  const DsCombine combine = { .kind = DS_COMBINE_REDUCE,
                              .create = create,
                              .merge_value = merge_value,
                              .merge_combiners = merge_combiners,
                              .user_data = user_data };
  const DsShuffledPlan plan = { .kind = "combine_by_key",
                                .combine = &combine,
                                .input = DS_SHUFFLE_PAIRS,
                                .result_is_keyed = TRUE };

  g_return_val_if_fail (DS_IS_RDD (self) && create != NULL && merge_value != NULL &&
                            merge_combiners != NULL,
                        NULL);

  return ds_shuffled_rdd_new (self, &plan, destroy);
}
