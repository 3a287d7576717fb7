/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* fold_by_key and aggregate_by_key: combine_by_key whose first combiner is a given value
 * that has already met the first value of the key. */

#include "base/ds-value-private.h"
#include "rdd/ds-shuffled-rdd-private.h"

/* The program's functions, and the value that they begin with. */
typedef struct
{
  DsValue zero;
  DsArena *arena; /* where @zero lies */
  DsReduceFunc merge_value;
  DsReduceFunc merge_combiners;
  DsClosureData closure;
} DsZeroed;

static void
ds_zeroed_free (gpointer data)
{
  DsZeroed *self = data;

  ds_closure_data_clear (&self->closure);
  ds_arena_unref (self->arena);
  g_free (self);
}

static DsValue
ds_zeroed_create (DsValue value, DsTask *task, gpointer data)
{
  const DsZeroed *self = data;

  return self->merge_value (self->zero, value, task, self->closure.user_data);
}

static DsValue
ds_zeroed_merge_value (DsValue combiner, DsValue value, DsTask *task, gpointer data)
{
  const DsZeroed *self = data;

  return self->merge_value (combiner, value, task, self->closure.user_data);
}

static DsValue
ds_zeroed_merge_combiners (DsValue a, DsValue b, DsTask *task, gpointer data)
{
  const DsZeroed *self = data;

  return self->merge_combiners (a, b, task, self->closure.user_data);
}

static DsRdd *
ds_zeroed_rdd_new (DsRdd *parent,
                   const char *kind,
                   DsValue zero,
                   DsReduceFunc merge_value,
                   DsReduceFunc merge_combiners,
                   DsClosureData closure)
{
  DsZeroed *self = g_new (DsZeroed, 1);
  const DsCombine combine = { .kind = DS_COMBINE_REDUCE,
                              .create = ds_zeroed_create,
                              .merge_value = ds_zeroed_merge_value,
                              .merge_combiners = ds_zeroed_merge_combiners,
                              .user_data = self };
  const DsShuffledPlan plan = {
    .kind = kind, .combine = &combine, .input = DS_SHUFFLE_PAIRS, .result_is_keyed = TRUE
  };

  self->arena = ds_arena_new (NULL);
  self->zero = ds_value_copy (zero, self->arena);
  self->merge_value = merge_value;
  self->merge_combiners = merge_combiners;
  self->closure = closure;
  return ds_shuffled_rdd_new (parent, &plan, ds_zeroed_free);
}

/**
 * ds_rdd_fold_by_key: (skip)
 * @self: an RDD of pairs
 * @zero: what each key begins with in each partition; copied
 * @func: two values become one; associative
 * @user_data: for @func
 * @destroy: (nullable): frees @user_data with the RDD
 *
 * One pair a key, with what @func makes of @zero and all values that the key has.
 *
 * A key that has values in several partitions meets @zero in each of them, so it should
 * change nothing, as 0 does in a sum.  Order, cost, options and failures are those of
 * ds_rdd_reduce_by_key ().
 *
 * Returns: (transfer full): the RDD of pairs
 */
DsRdd *
ds_rdd_fold_by_key (DsRdd *self,
                    DsValue zero,
                    DsReduceFunc func,
                    gpointer user_data,
                    GDestroyNotify destroy)
{
  g_return_val_if_fail (DS_IS_RDD (self) && func != NULL, NULL);

  return ds_zeroed_rdd_new (self, "fold_by_key", zero, func, func,
                            (DsClosureData){ user_data, destroy });
}

/**
 * ds_rdd_aggregate_by_key: (skip)
 * @self: an RDD of pairs
 * @zero: the combiner that each key begins with in each partition; copied
 * @merge_value: combiner and value become a combiner
 * @merge_combiners: combiners of two partitions become one
 * @user_data: for both
 * @destroy: (nullable): frees @user_data with the RDD
 *
 * One pair a key, with a combiner of all of its values, which may be of another type than
 * they are.
 *
 * A key that has values in several partitions begins with @zero in each of them.  Order,
 * cost, options and failures are those of ds_rdd_reduce_by_key ().
 *
 * Returns: (transfer full): the RDD of pairs
 */
DsRdd *
ds_rdd_aggregate_by_key (DsRdd *self,
                         DsValue zero,
                         DsReduceFunc merge_value,
                         DsReduceFunc merge_combiners,
                         gpointer user_data,
                         GDestroyNotify destroy)
{
  g_return_val_if_fail (DS_IS_RDD (self) && merge_value != NULL &&
                            merge_combiners != NULL,
                        NULL);

  return ds_zeroed_rdd_new (self, "aggregate_by_key", zero, merge_value, merge_combiners,
                            (DsClosureData){ user_data, destroy });
}
