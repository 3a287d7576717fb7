/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The action count_by_value: what a stream's count_by_value computes, collected. */

#include "rdd/ds-rdd-private.h"

/**
 * ds_rdd_count_by_value:
 * @self: an RDD
 * @error: return location for an error
 *
 * How often each value occurs.
 *
 * Runs a job and waits for it; honours g_cancellable_get_current ().
 *
 * Returns: (transfer full): a block of pairs (value, n) in no defined order, the same at
 *   each run; %NULL with @error
 */
DsBlock *
ds_rdd_count_by_value (DsRdd *self, GError **error)
{
  g_autoptr (DsRdd) counted = NULL;

  g_return_val_if_fail (DS_IS_RDD (self), NULL);

  counted = ds_counted_rdd_new (self, 0);
  return ds_rdd_collect (counted, error);
}
