/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sort, sort_by, sort_by_key: one order over all partitions, by a shuffle that sorts. */

#include "base/ds-error.h"
#include "rdd/ds-narrow-private.h"

typedef struct
{
  DsRdd parent_instance;
  DsShuffle *shuffle;
} DsSortedRdd;

typedef struct
{
  DsRddClass parent_class;
} DsSortedRddClass;

static GType ds_sorted_rdd_get_type (void);
G_DEFINE_FINAL_TYPE (DsSortedRdd, ds_sorted_rdd, DS_TYPE_RDD)

static gboolean
ds_sorted_rdd_compute (DsRdd *rdd, guint partition, DsTask *task, DsSink *sink)
{
  return ds_shuffle_read (((DsSortedRdd *) rdd)->shuffle, partition, task, sink);
}

static gboolean
ds_sorted_rdd_set_n_partitions (DsRdd *rdd, guint n_partitions)
{
  if (n_partitions == 0)
    n_partitions = ds_context_get_default_parallelism (ds_rdd_get_context (rdd));
  ds_shuffle_set_n_reduces (((DsSortedRdd *) rdd)->shuffle, n_partitions);
  ds_rdd_set_node_n_partitions (rdd, n_partitions);
  return TRUE;
}

static const DsRddOps ds_sorted_rdd_ops = { .compute = ds_sorted_rdd_compute,
                                            .set_n_partitions =
                                                ds_sorted_rdd_set_n_partitions };

static void
ds_sorted_rdd_finalize (GObject *object)
{
  ds_shuffle_unref (((DsSortedRdd *) object)->shuffle);

  G_OBJECT_CLASS (ds_sorted_rdd_parent_class)->finalize (object);
}

static void
ds_sorted_rdd_class_init (DsSortedRddClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ds_sorted_rdd_finalize;
  klass->parent_class.ops = &ds_sorted_rdd_ops;
}

static void
ds_sorted_rdd_init (DsSortedRdd *self)
{
}

static const char *
ds_sorted_rdd_get_name (gpointer rdd)
{
  return ds_rdd_get_operator_name (rdd);
}

static DsRdd *
ds_sorted_rdd_new (DsRdd *parent, const char *kind, DsShuffleInput input, DsOrder order)
{
  const DsShufflePlan plan = { .input = input,
                               .sorts = TRUE,
                               .is_descending = order == DS_DESCENDING };
  DsSortedRdd *self = g_object_new (ds_sorted_rdd_get_type (), NULL);
  DsRdd *rdd = &self->parent_instance;

  self->shuffle = ds_shuffle_new (&plan, ds_sorted_rdd_get_name, self);
  ds_rdd_init_node (rdd, ds_rdd_get_context (parent), kind, 0);
  ds_rdd_add_parent (rdd, parent, self->shuffle);
  ds_sorted_rdd_set_n_partitions (rdd, 0);
  if (order != DS_ASCENDING && order != DS_DESCENDING)
    ds_rdd_latch_error (rdd, g_error_new (DS_ERROR, DS_ERROR_INVALID_ARGUMENT,
                                          "%s: there is no order %d: use DS_ASCENDING or "
                                          "DS_DESCENDING",
                                          kind, (int) order));
  return rdd;
}

/* ---- sort_by: sorted under keys that go again ---- */

static DsSink *
ds_sorted_by_rdd_make_sink (DsRdd *rdd, guint partition, DsTask *task, DsSink *next)
{
  return ds_values_sink_new (task, next);
}

static gboolean
ds_sorted_by_rdd_set_n_partitions (DsRdd *rdd, guint n_partitions)
{
  guint n_dependencies;

  return ds_sorted_rdd_set_n_partitions (
      ds_rdd_get_dependencies (rdd, &n_dependencies)[0].parent, n_partitions);
}

static const DsRddOps ds_sorted_by_rdd_ops = { .make_sink = ds_sorted_by_rdd_make_sink,
                                               .set_n_partitions =
                                                   ds_sorted_by_rdd_set_n_partitions };

DS_DEFINE_NARROW_RDD (DsSortedByRdd, ds_sorted_by_rdd, &ds_sorted_by_rdd_ops)

/* ---- Public ---- */

/**
 * ds_rdd_sort_by_key:
 * @self: an RDD of pairs
 * @order: smallest or largest key first
 *
 * The pairs in the order of their keys, over all partitions: whatever is in one comes
 * before all that is in the next one.
 *
 * Keys of different types have the order of ds_value_compare ().  Pairs with equal keys
 * stay in the order in which they were, also when @order is descending, and together in
 * one partition.  Everything is moved, and has to fit in memory; ds_rdd_top () and
 * ds_rdd_take_ordered () are for the first few.  Into as many partitions as the default
 * parallelism, or as ds_rdd_set_n_partitions () says, of about the same size unless some
 * keys are very frequent.
 *
 * Returns: (transfer full): the RDD of pairs
 */
DsRdd *
ds_rdd_sort_by_key (DsRdd *self, DsOrder order)
{
  g_return_val_if_fail (DS_IS_RDD (self), NULL);

  return ds_sorted_rdd_new (self, "sort_by_key", DS_SHUFFLE_PAIRS, order);
}

/**
 * ds_rdd_sort:
 * @self: an RDD
 * @order: smallest or largest value first
 *
 * The values in order, over all partitions; pairs by key, then by value.  What holds for
 * ds_rdd_sort_by_key () holds here.
 *
 * Returns: (transfer full): the RDD of values
 */
DsRdd *
ds_rdd_sort (DsRdd *self, DsOrder order)
{
  g_return_val_if_fail (DS_IS_RDD (self), NULL);

  return ds_sorted_rdd_new (self, "sort", DS_SHUFFLE_VALUES_AS_KEYS, order);
}

/**
 * ds_rdd_sort_by: (skip)
 * @self: an RDD
 * @order: smallest or largest result of @func first
 * @func: called once a value; returns what the value is ordered by
 * @user_data: for @func
 * @destroy: (nullable): frees @user_data with the RDD
 *
 * The values in the order of what @func makes of them, over all partitions.  What holds
 * for ds_rdd_sort_by_key () holds here.
 *
 * Returns: (transfer full): the RDD of values
 */
DsRdd *
ds_rdd_sort_by (DsRdd *self,
                DsOrder order,
                DsMapFunc func,
                gpointer user_data,
                GDestroyNotify destroy)
{
  g_autoptr (DsRdd) keyed = NULL;
  g_autoptr (DsRdd) sorted = NULL;

  g_return_val_if_fail (DS_IS_RDD (self) && func != NULL, NULL);

  keyed = ds_rdd_key_by (self, func, user_data, destroy);
  sorted = ds_sorted_rdd_new (keyed, "sort_by", DS_SHUFFLE_PAIRS, order);
  return ds_narrow_rdd_new (ds_sorted_by_rdd_get_type (), sorted, "sort_by", FALSE, NULL,
                            NULL, NULL);
}
