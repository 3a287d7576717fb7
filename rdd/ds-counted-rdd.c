/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* count_by_value: each different value with how often it comes.  Values are the keys as
 * they are; nothing is paired with ones. */

#include "rdd/ds-shuffled-rdd-private.h"

DsRdd *
ds_counted_rdd_new (DsRdd *parent, guint n_partitions)
{
  const DsCombine combine = { .kind = DS_COMBINE_COUNT };
  const DsShuffledPlan plan = { .kind = "count_by_value",
                                .combine = &combine,
                                .input = DS_SHUFFLE_VALUES_AS_KEYS,
                                .n_partitions = n_partitions,
                                .result_is_keyed = TRUE };

  return ds_shuffled_rdd_new (parent, &plan, NULL);
}
