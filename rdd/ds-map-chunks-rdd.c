/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* map_chunks: a function that sees up to 1,024 values at once and emits: what runs
 * fastest of all functions of a program's own. */

#include "rdd/ds-narrow-private.h"

static gboolean
ds_map_chunks_sink_push (DsSink *sink, const DsChunk *chunk)
{
  DsFunctionSink *self = (DsFunctionSink *) sink;
  DsTask *task = sink->task;
  DsEmitter *emitter = self->emitter;
  DsTaskFrame frame = ds_task_enter (task, sink->operator_name, emitter->arena, emitter);

  ((DsMapChunkFunc) self->func) (chunk->values, chunk->n_values, task, self->user_data);
  ds_task_leave (task, &frame);
  return task->error == NULL && ds_emitter_flush_and_reset (emitter);
}

static DsSink *
ds_map_chunks_rdd_make_sink (DsRdd *rdd, guint partition, DsTask *task, DsSink *next)
{
  DsFunctionSink *self =
      ds_function_sink_new (rdd, task, next, DS_ACCEPTS_VALUES, ds_map_chunks_sink_push);

  self->emitter = ds_emitter_new (ds_task_get_arena_pool (task), next);
  return &self->sink;
}

static const DsRddOps ds_map_chunks_rdd_ops = {
  .make_sink = ds_map_chunks_rdd_make_sink,
  .set_preserves_partitioning = ds_narrow_rdd_set_preserves_partitioning
};

DS_DEFINE_NARROW_RDD (DsMapChunksRdd, ds_map_chunks_rdd, &ds_map_chunks_rdd_ops)

/**
 * ds_rdd_map_chunks: (skip)
 * @self: an RDD
 * @func: called with up to 1,024 values of a partition at a time; emits its results
 * @user_data: for @func
 * @destroy: (nullable): frees @user_data with the RDD
 *
 * What @func emits, in order; partitions stay as they are.  How values are cut into
 * chunks is not defined, so @func must not depend on it.
 *
 * Option: ds_rdd_set_preserves_partitioning ().
 *
 * Returns: (transfer full): the RDD of results
 */
DsRdd *
ds_rdd_map_chunks (DsRdd *self,
                   DsMapChunkFunc func,
                   gpointer user_data,
                   GDestroyNotify destroy)
{
  g_return_val_if_fail (DS_IS_RDD (self) && func != NULL, NULL);

  return ds_narrow_rdd_new (ds_map_chunks_rdd_get_type (), self, "map_chunks", FALSE,
                            G_CALLBACK (func), user_data, destroy);
}
