/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* reduce_by_key: one value a key, the reduction of all of its values.
 *
 * Counting by hand, `map (ds_pair_with_one)` and `reduce_by_key (ds_add)`, is the plan of
 * count_by_value: the ones are never made. */

#include "rdd/ds-shuffled-rdd-private.h"

#include "rdd/ds-narrow-private.h"

/* What @parent would pair with ones; NULL when it does something else, or when the
 * program gave it a name and may look for it in messages. */
static DsRdd *
ds_rdd_find_paired_with_one (DsRdd *parent)
{
  guint n_dependencies;

  if (g_strcmp0 (G_OBJECT_TYPE_NAME (parent), "DsMappedRdd") != 0 ||
      ((DsNarrowRdd *) parent)->func != G_CALLBACK (ds_pair_with_one) ||
      ds_rdd_get_name (parent) != NULL || ds_rdd_get_error (parent) != NULL)
    return NULL;
  return ds_rdd_get_dependencies (parent, &n_dependencies)[0].parent;
}

DsRdd *
ds_shuffled_rdd_new_reduce_by_key (DsRdd *parent,
                                   DsReduceFunc func,
                                   gpointer user_data,
                                   GDestroyNotify destroy)
{
  const DsCombine count = { .kind = DS_COMBINE_COUNT, .user_data = user_data };
  const DsCombine reduce = { .kind = DS_COMBINE_REDUCE,
                             .merge_value = func,
                             .merge_combiners = func,
                             .user_data = user_data };
  DsShuffledPlan plan = { .kind = "reduce_by_key",
                          .combine = &reduce,
                          .input = DS_SHUFFLE_PAIRS,
                          .result_is_keyed = TRUE };
  DsRdd *paired = func == ds_add ? ds_rdd_find_paired_with_one (parent) : NULL;

  if (paired != NULL)
    {
      plan.combine = &count;
      plan.input = DS_SHUFFLE_VALUES_AS_KEYS;
      parent = paired;
    }
  return ds_shuffled_rdd_new (parent, &plan, destroy);
}

/**
 * ds_rdd_reduce_by_key: (skip)
 * @self: an RDD of pairs
 * @func: (scope notified) (closure user_data) (destroy destroy): two values of a key
 *   become one; associative
 * @user_data: for @func
 * @destroy: (nullable): frees @user_data with the RDD
 *
 * One pair a key, with the reduction of all values that the key has.  Values meet in
 * their order within a partition, and results of partitions in the order of partitions,
 * so @func need not be commutative.
 *
 * Values are reduced before they are exchanged: what moves is one value a key and
 * partition.  Nothing moves when the keys already lie in the partitions wanted, as after
 * ds_rdd_partition_by ().  Ready-made functions (ds_add (), ds_min (), ...) run without a
 * call a value.  Keys come out in the order in which they were first met.
 *
 * Has the options of ds_rdd_set_n_partitions () and ds_rdd_set_partitioner (); without
 * them it keeps the parent's partitioner, or partitions by hash into the default
 * parallelism.  A value that is no pair fails the task with %DS_ERROR_TYPE.
 *
 * Returns: (transfer full): the RDD of pairs
 */
DsRdd *
ds_rdd_reduce_by_key (DsRdd *self,
                      DsReduceFunc func,
                      gpointer user_data,
                      GDestroyNotify destroy)
{
  g_return_val_if_fail (DS_IS_RDD (self) && func != NULL, NULL);

  return ds_shuffled_rdd_new_reduce_by_key (self, func, user_data, destroy);
}
