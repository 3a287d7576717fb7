/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The kinds of callback that get a DsTask: they run on executors. */

#include "tests/behaviour/callbacks.h"

static void
visit_task (gpointer site, DsTask *task, DsPartition *partition)
{
  CallbackSite *self = site;
  CallbackVisit visit = { .task = task, .partition = partition };

  if (!callback_site_visit (self, visit))
    ds_task_fail (task, "bad luck in %s", self->kind->name);
}

/* ---- Functions ---- */

static DsValue
on_map (DsValue value, DsTask *task, gpointer site)
{
  visit_task (site, task, NULL);
  return value;
}

static void
on_flat_map (DsValue value, DsTask *task, gpointer site)
{
  visit_task (site, task, NULL);
  ds_task_emit (task, value);
}

static gboolean
on_filter (DsValue value, DsTask *task, gpointer site)
{
  visit_task (site, task, NULL);
  return TRUE;
}

static DsValue
on_reduce (DsValue a, DsValue b, DsTask *task, gpointer site)
{
  visit_task (site, task, NULL);
  return ds_add (a, b, task, NULL);
}

static DsValue
on_inverse (DsValue a, DsValue b, DsTask *task, gpointer site)
{
  visit_task (site, task, NULL);
  return ds_subtract (a, b, task, NULL);
}

static void
on_chunk (const DsValue *values, gsize n_values, DsTask *task, gpointer site)
{
  visit_task (site, task, NULL);
  ds_task_emit_values (task, values, n_values);
}

static void
on_partition (DsPartition *partition, DsTask *task, gpointer site)
{
  const DsValue *values;
  gsize n_values;

  visit_task (site, task, partition);
  while ((values = ds_partition_next (partition, &n_values)) != NULL)
    ds_task_emit_values (task, values, n_values);
}

static guint
on_key (DsValue key, guint n_partitions, DsTask *task, gpointer site)
{
  visit_task (site, task, NULL);
  return (guint) (ds_value_hash (key) % n_partitions);
}

static DsBlock *
on_block (DsBlock *block, DsTask *task, gpointer site, GError **error)
{
  CallbackVisit visit = { .task = task };

  return callback_site_visit_driver (site, visit, error) ? ds_block_ref (block) : NULL;
}

static void
on_foreach (DsValue value, DsTask *task, gpointer site)
{
  visit_task (site, task, NULL);
}

static void
on_foreach_partition (DsPartition *partition, DsTask *task, gpointer site)
{
  visit_task (site, task, partition);
}

static gboolean
on_foreach_block (DsBlock *block, DsTask *task, gpointer site, GError **error)
{
  CallbackVisit visit = { .task = task };

  return callback_site_visit_driver (site, visit, error);
}

/* ---- Streams that call them ---- */

static void
build_map (CallbackSite *site)
{
  site->collected = ds_dstream_collect (ds_dstream_map (site->pairs, on_map, site, NULL));
}

static void
build_flat_map (CallbackSite *site)
{
  site->collected =
      ds_dstream_collect (ds_dstream_flat_map (site->pairs, on_flat_map, site, NULL));
}

static void
build_filter (CallbackSite *site)
{
  site->collected =
      ds_dstream_collect (ds_dstream_filter (site->pairs, on_filter, site, NULL));
}

static void
build_map_chunks (CallbackSite *site)
{
  site->collected =
      ds_dstream_collect (ds_dstream_map_chunks (site->pairs, on_chunk, site, NULL));
}

static void
build_map_partitions (CallbackSite *site)
{
  site->collected = ds_dstream_collect (
      ds_dstream_map_partitions (site->pairs, on_partition, site, NULL));
}

static void
build_map_blocks (CallbackSite *site)
{
  site->collected =
      ds_dstream_collect (ds_dstream_map_blocks (site->pairs, on_block, site, NULL));
}

static void
build_reduce (CallbackSite *site)
{
  site->collected =
      ds_dstream_collect (ds_dstream_reduce_by_key (site->pairs, on_reduce, site, NULL));
}

static void
build_reduce_window (CallbackSite *site)
{
  site->collected = ds_dstream_collect (
      ds_dstream_reduce_by_key_and_window (site->pairs, 2 * DS_SECOND, DS_SECOND,
                                           on_reduce, site, NULL));
}

static void
build_inverse (CallbackSite *site)
{
  DsDStream *window = ds_dstream_reduce_by_key_and_window (site->pairs, 2 * DS_SECOND,
                                                           DS_SECOND, ds_add, NULL, NULL);

  callback_site_need_checkpoints (site);
  ds_dstream_set_inverse (window, on_inverse, site, NULL);
  site->collected = ds_dstream_collect (window);
}

static void
build_window_filter (CallbackSite *site)
{
  DsDStream *window = ds_dstream_reduce_by_key_and_window (site->pairs, 2 * DS_SECOND,
                                                           DS_SECOND, ds_add, NULL, NULL);

  callback_site_need_checkpoints (site);
  ds_dstream_set_inverse (window, ds_subtract, NULL, NULL);
  ds_dstream_set_window_filter (window, on_filter, site, NULL);
  site->collected = ds_dstream_collect (window);
}

static void
build_partitioner (CallbackSite *site)
{
  g_autoptr (DsPartitioner) partitioner = ds_partitioner_new (2, on_key, site, NULL);

  site->collected =
      ds_dstream_collect (ds_dstream_partition_by (site->pairs, partitioner));
}

/* ---- Actions in the body of an output ---- */

static gboolean
run_foreach (DsRdd *rdd, DsBatch *batch, gpointer site, GError **error)
{
  return ds_rdd_foreach (rdd, on_foreach, site, error);
}

static gboolean
run_foreach_partition (DsRdd *rdd, DsBatch *batch, gpointer site, GError **error)
{
  return ds_rdd_foreach_partition (rdd, on_foreach_partition, site, error);
}

static gboolean
run_foreach_block (DsRdd *rdd, DsBatch *batch, gpointer site, GError **error)
{
  return ds_rdd_foreach_partition_block (rdd, on_foreach_block, site, error);
}

static gboolean
run_reduce (DsRdd *rdd, DsBatch *batch, gpointer site, GError **error)
{
  g_autoptr (DsRdd) values = ds_rdd_values (rdd);
  g_autoptr (DsBlock) sum = ds_rdd_reduce (values, on_reduce, site, error);

  return sum != NULL;
}

static void
build_foreach (CallbackSite *site)
{
  ds_dstream_foreach_rdd (site->pairs, run_foreach, site, NULL);
}

static void
build_foreach_partition (CallbackSite *site)
{
  ds_dstream_foreach_rdd (site->pairs, run_foreach_partition, site, NULL);
}

static void
build_foreach_block (CallbackSite *site)
{
  ds_dstream_foreach_rdd (site->pairs, run_foreach_block, site, NULL);
}

static void
build_reduce_action (CallbackSite *site)
{
  ds_dstream_foreach_rdd (site->pairs, run_reduce, site, NULL);
}

const CallbackKind callback_task_kinds[] = {
  { "map", "DsMapFunc", CALLBACK_TASK, build_map, NULL },
  { "flat-map", "DsFlatMapFunc", CALLBACK_TASK, build_flat_map, NULL },
  { "filter", "DsFilterFunc", CALLBACK_TASK, build_filter, NULL },
  { "map-chunks", "DsMapChunkFunc", CALLBACK_TASK, build_map_chunks, NULL },
  { "map-partitions", "DsMapPartitionFunc", CALLBACK_TASK, build_map_partitions, NULL },
  { "map-blocks", "DsBlockFunc", CALLBACK_TASK, build_map_blocks, NULL },
  { "reduce-by-key", "DsReduceFunc", CALLBACK_TASK, build_reduce, NULL },
  { "reduce-by-key-and-window", "DsReduceFunc", CALLBACK_TASK, build_reduce_window,
    NULL },
  { "window-inverse", "DsReduceFunc", CALLBACK_TASK, build_inverse, NULL },
  { "window-filter", "DsFilterFunc", CALLBACK_TASK, build_window_filter, NULL },
  { "partitioner", "DsPartitionFunc", CALLBACK_TASK, build_partitioner, NULL },
  { "foreach", "DsForeachFunc", CALLBACK_TASK, build_foreach, NULL },
  { "foreach-partition", "DsForeachPartitionFunc", CALLBACK_TASK, build_foreach_partition,
    NULL },
  { "foreach-partition-block", "DsForeachBlockFunc", CALLBACK_TASK, build_foreach_block,
    NULL },
  { "reduce-of-an-rdd", "DsReduceFunc", CALLBACK_TASK, build_reduce_action, NULL },
  { NULL, NULL, CALLBACK_TASK, NULL, NULL },
};
