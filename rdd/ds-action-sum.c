/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* min, max, sum: reduce and fold with ready-made functions. */

#include "rdd/ds-reduce-job-private.h"

/**
 * ds_rdd_min:
 * @self: an RDD
 * @error: return location for an error
 *
 * Finds the smallest value, in the order of ds_min (): numbers by size.
 *
 * Runs a job and waits for it; honours g_cancellable_get_current ().  Fails with
 * %DS_ERROR_EMPTY when there is no value.
 *
 * Returns: (transfer full): a block of one value; %NULL with @error
 */
DsBlock *
ds_rdd_min (DsRdd *self, GError **error)
{
  DsReduceJob job = { .name = "min", .merge_value = ds_min, .merge_combiners = ds_min };

  g_return_val_if_fail (DS_IS_RDD (self), NULL);

  return ds_rdd_reduce_to_one (self, &job, error);
}

/**
 * ds_rdd_max:
 * @self: an RDD
 * @error: return location for an error
 *
 * Finds the largest value.  Otherwise the same as ds_rdd_min ().
 *
 * Returns: (transfer full): a block of one value; %NULL with @error
 */
DsBlock *
ds_rdd_max (DsRdd *self, GError **error)
{
  DsReduceJob job = { .name = "max", .merge_value = ds_max, .merge_combiners = ds_max };

  g_return_val_if_fail (DS_IS_RDD (self), NULL);

  return ds_rdd_reduce_to_one (self, &job, error);
}

/**
 * ds_rdd_sum:
 * @self: an RDD of numbers
 * @error: return location for an error
 *
 * Adds the values up as ds_add () does: ints stay ints, and fail where they do not fit; a
 * double makes the sum one.
 *
 * Runs a job and waits for it; honours g_cancellable_get_current ().
 *
 * Returns: (transfer full): a block of one number, the int 0 of nothing; %NULL with
 * @error
 */
DsBlock *
ds_rdd_sum (DsRdd *self, GError **error)
{
  const DsValue zero = ds_value_int (0);
  DsReduceJob job = {
    .name = "sum", .merge_value = ds_add, .merge_combiners = ds_add, .zero = &zero
  };

  g_return_val_if_fail (DS_IS_RDD (self), NULL);

  return ds_rdd_reduce_to_one (self, &job, error);
}
