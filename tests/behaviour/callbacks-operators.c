/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* More places that call functions with a DsTask: one an operator or action, where that
 * calls them in a place of its own. */

#include "tests/behaviour/callbacks.h"

static void
visit_task (gpointer site, DsTask *task)
{
  CallbackSite *self = site;

  if (!callback_site_visit (self, (CallbackVisit){ .task = task }))
    ds_task_fail (task, "bad luck in %s", self->kind->name);
}

static DsValue
on_map (DsValue value, DsTask *task, gpointer site)
{
  visit_task (site, task);
  return value;
}

static void
on_flat_map (DsValue value, DsTask *task, gpointer site)
{
  visit_task (site, task);
  ds_task_emit (task, value);
}

static DsValue
on_reduce (DsValue a, DsValue b, DsTask *task, gpointer site)
{
  visit_task (site, task);
  return ds_add (a, b, task, NULL);
}

static DsBlock *
on_block (DsBlock *block, DsTask *task, gpointer site, GError **error)
{
  CallbackVisit visit = { .task = task };

  return callback_site_visit_driver (site, visit, error) ? ds_block_ref (block) : NULL;
}

/* ---- Operators of streams ---- */

static void
build_map_values (CallbackSite *site)
{
  site->collected =
      ds_dstream_collect (ds_dstream_map_values (site->pairs, on_map, site, NULL));
}

static void
build_flat_map_values (CallbackSite *site)
{
  site->collected = ds_dstream_collect (
      ds_dstream_flat_map_values (site->pairs, on_flat_map, site, NULL));
}

static void
build_key_by (CallbackSite *site)
{
  site->collected =
      ds_dstream_collect (ds_dstream_key_by (site->pairs, on_map, site, NULL));
}

static void
build_map_partition_blocks (CallbackSite *site)
{
  site->collected = ds_dstream_collect (
      ds_dstream_map_partition_blocks (site->pairs, on_block, site, NULL));
}

static void
build_combine_create (CallbackSite *site)
{
  site->collected = ds_dstream_collect (
      ds_dstream_combine_by_key (site->pairs, on_map, ds_add, ds_add, site, NULL));
}

/* Which of the two merges depends on how the keys lie in partitions. */
static void
build_combine_merge (CallbackSite *site)
{
  site->collected =
      ds_dstream_collect (ds_dstream_combine_by_key (site->pairs, ds_identity, on_reduce,
                                                     on_reduce, site, NULL));
}

static DsDStream *
numbers_of (CallbackSite *site)
{
  return ds_dstream_map (site->pairs, ds_to_value, NULL, NULL);
}

static void
build_reduce (CallbackSite *site)
{
  site->collected =
      ds_dstream_collect (ds_dstream_reduce (numbers_of (site), on_reduce, site, NULL));
}

static void
build_reduce_by_window (CallbackSite *site)
{
  site->collected =
      ds_dstream_collect (ds_dstream_reduce_by_window (numbers_of (site), 2 * DS_SECOND,
                                                       DS_SECOND, on_reduce, site, NULL));
}

static void
build_combine_window (CallbackSite *site)
{
  site->collected = ds_dstream_collect (
      ds_dstream_combine_by_key_and_window (site->pairs, 2 * DS_SECOND, DS_SECOND, on_map,
                                            ds_add, ds_add, site, NULL));
}

/* ---- In transform, and run by whatever comes behind it ---- */

static DsRdd *
sort_by (DsRdd *rdd, DsBatch *batch, gpointer site, GError **error)
{
  return ds_rdd_sort_by (rdd, DS_ASCENDING, on_map, site, NULL);
}

static DsRdd *
group_by (DsRdd *rdd, DsBatch *batch, gpointer site, GError **error)
{
  return ds_rdd_group_by (rdd, on_map, site, NULL);
}

static DsRdd *
fold_by_key (DsRdd *rdd, DsBatch *batch, gpointer site, GError **error)
{
  return ds_rdd_fold_by_key (rdd, ds_value_int (0), on_reduce, site, NULL);
}

static DsRdd *
aggregate_by_key (DsRdd *rdd, DsBatch *batch, gpointer site, GError **error)
{
  return ds_rdd_aggregate_by_key (rdd, ds_value_int (0), on_reduce, ds_add, site, NULL);
}

static void
build_sort_by (CallbackSite *site)
{
  site->collected =
      ds_dstream_collect (ds_dstream_transform (site->pairs, sort_by, site, NULL));
}

static void
build_group_by (CallbackSite *site)
{
  site->collected =
      ds_dstream_collect (ds_dstream_transform (site->pairs, group_by, site, NULL));
}

static void
build_fold_by_key (CallbackSite *site)
{
  site->collected =
      ds_dstream_collect (ds_dstream_transform (site->pairs, fold_by_key, site, NULL));
}

static void
build_aggregate_by_key (CallbackSite *site)
{
  site->collected = ds_dstream_collect (
      ds_dstream_transform (site->pairs, aggregate_by_key, site, NULL));
}

/* ---- Actions, in the body of an output ---- */

static gboolean
run_top (DsRdd *rdd, DsBatch *batch, gpointer site, GError **error)
{
  g_autoptr (DsBlock) block = ds_rdd_top (rdd, 2, on_map, site, error);

  return block != NULL;
}

static gboolean
run_take_ordered (DsRdd *rdd, DsBatch *batch, gpointer site, GError **error)
{
  g_autoptr (DsBlock) block = ds_rdd_take_ordered (rdd, 2, on_map, site, error);

  return block != NULL;
}

static gboolean
run_fold (DsRdd *rdd, DsBatch *batch, gpointer site, GError **error)
{
  g_autoptr (DsBlock) block = ds_rdd_fold (rdd, ds_value_int (0), on_reduce, site, error);

  return block != NULL;
}

/* Only what the caller does with the partitions' sums. */
static gboolean
run_aggregate (DsRdd *rdd, DsBatch *batch, gpointer site, GError **error)
{
  g_autoptr (DsBlock) block =
      ds_rdd_aggregate (rdd, ds_value_int (0), ds_add, on_reduce, site, error);

  return block != NULL;
}

static gboolean
run_tree_aggregate (DsRdd *rdd, DsBatch *batch, gpointer site, GError **error)
{
  g_autoptr (DsBlock) block =
      ds_rdd_tree_aggregate (rdd, ds_value_int (0), on_reduce, ds_add, 2, site, error);

  return block != NULL;
}

static void
build_top (CallbackSite *site)
{
  ds_dstream_foreach_rdd (site->pairs, run_top, site, NULL);
}

static void
build_take_ordered (CallbackSite *site)
{
  ds_dstream_foreach_rdd (site->pairs, run_take_ordered, site, NULL);
}

static void
build_fold (CallbackSite *site)
{
  ds_dstream_foreach_rdd (numbers_of (site), run_fold, site, NULL);
}

static void
build_aggregate (CallbackSite *site)
{
  ds_dstream_foreach_rdd (numbers_of (site), run_aggregate, site, NULL);
}

static void
build_tree_aggregate (CallbackSite *site)
{
  ds_dstream_foreach_rdd (numbers_of (site), run_tree_aggregate, site, NULL);
}

const CallbackKind callback_operator_kinds[] = {
  { "map-values", "DsMapFunc", CALLBACK_TASK, build_map_values, NULL },
  { "flat-map-values", "DsFlatMapFunc", CALLBACK_TASK, build_flat_map_values, NULL },
  { "key-by", "DsMapFunc", CALLBACK_TASK, build_key_by, NULL },
  { "map-partition-blocks", "DsBlockFunc", CALLBACK_TASK, build_map_partition_blocks,
    NULL },
  { "combine-create", "DsMapFunc", CALLBACK_TASK, build_combine_create, NULL },
  { "combine-merge", "DsReduceFunc", CALLBACK_TASK, build_combine_merge, NULL },
  { "reduce", "DsReduceFunc", CALLBACK_TASK, build_reduce, NULL },
  { "reduce-by-window", "DsReduceFunc", CALLBACK_TASK, build_reduce_by_window, NULL },
  { "combine-by-key-and-window", "DsMapFunc", CALLBACK_TASK, build_combine_window, NULL },
  { "sort-by", "DsMapFunc", CALLBACK_TASK, build_sort_by, NULL },
  { "group-by", "DsMapFunc", CALLBACK_TASK, build_group_by, NULL },
  { "fold-by-key", "DsReduceFunc", CALLBACK_TASK, build_fold_by_key, NULL },
  { "aggregate-by-key", "DsReduceFunc", CALLBACK_TASK, build_aggregate_by_key, NULL },
  { "top", "DsMapFunc", CALLBACK_TASK, build_top, NULL },
  { "take-ordered", "DsMapFunc", CALLBACK_TASK, build_take_ordered, NULL },
  { "fold", "DsReduceFunc", CALLBACK_TASK, build_fold, NULL },
  { "aggregate", "DsReduceFunc", CALLBACK_TASK, build_aggregate, NULL },
  { "tree-aggregate", "DsReduceFunc", CALLBACK_TASK, build_tree_aggregate, NULL },
  { NULL, NULL, CALLBACK_TASK, NULL, NULL },
};
