/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* group_by: key_by, then group_by_key. */

#include "rdd/ds-shuffled-rdd-private.h"

/**
 * ds_rdd_group_by: (skip)
 * @self: an RDD
 * @func: called once a value; returns its key
 * @user_data: for @func
 * @destroy: (nullable): frees @user_data with the RDD
 *
 * One pair a key, with the list of all values that @func gives this key, in the order of
 * partitions and within them.
 *
 * Cost, options and failures are those of ds_rdd_group_by_key ().
 *
 * Returns: (transfer full): the RDD of pairs of key and list
 */
DsRdd *
ds_rdd_group_by (DsRdd *self, DsMapFunc func, gpointer user_data, GDestroyNotify destroy)
{
  const DsCombine combine = { .kind = DS_COMBINE_GROUP };
  const DsShuffledPlan plan = { .kind = "group_by",
                                .combine = &combine,
                                .input = DS_SHUFFLE_PAIRS,
                                .result_is_keyed = TRUE };
  g_autoptr (DsRdd) keyed = NULL;

  g_return_val_if_fail (DS_IS_RDD (self) && func != NULL, NULL);

  keyed = ds_rdd_key_by (self, func, user_data, destroy);
  return ds_shuffled_rdd_new (keyed, &plan, NULL);
}
