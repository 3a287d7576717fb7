/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* repartition: the same values in another number of partitions of about one size. */

#include "rdd/ds-shuffled-rdd-private.h"

/**
 * ds_rdd_repartition:
 * @self: an RDD
 * @n_partitions: how many partitions there shall be; 0: the default parallelism
 *
 * Deals the values out in turn, from partition i of @self beginning with partition
 * i modulo @n_partitions, so that the result has exactly @n_partitions, of nearly equal
 * size, and is the same every time.
 *
 * Every value is moved once.  More memory than the context's budget allows is spilled.
 *
 * Returns: (transfer full): the RDD in @n_partitions partitions
 */
DsRdd *
ds_rdd_repartition (DsRdd *self, guint n_partitions)
{
  DsShuffledPlan plan = { .kind = "repartition",
                          .input = DS_SHUFFLE_VALUES,
                          .n_partitions = n_partitions };

  g_return_val_if_fail (DS_IS_RDD (self), NULL);

  if (n_partitions == 0)
    plan.n_partitions = ds_context_get_default_parallelism (ds_rdd_get_context (self));
  return ds_shuffled_rdd_new (self, &plan, NULL);
}
