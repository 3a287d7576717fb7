/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* reduce as an RDD: the one value that all values reduce to, none when there is none.
 * Partitions are reduced by themselves and their results in the order of partitions: the
 * table of reduce_by_key with a single key. */

#include "rdd/ds-shuffled-rdd-private.h"

DsRdd *
ds_reduced_rdd_new (DsRdd *parent,
                    DsReduceFunc func,
                    gpointer user_data,
                    GDestroyNotify destroy)
{
  const DsCombine combine = { .kind = DS_COMBINE_REDUCE,
                              .merge_value = func,
                              .merge_combiners = func,
                              .user_data = user_data,
                              .is_keyless = TRUE };
  const DsShuffledPlan plan = {
    .kind = "reduce", .combine = &combine, .input = DS_SHUFFLE_VALUES, .n_partitions = 1
  };

  return ds_shuffled_rdd_new (parent, &plan, destroy);
}
