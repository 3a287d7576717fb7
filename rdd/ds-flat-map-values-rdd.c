/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* flat_map_values: any number of values under the same key.  The emitter puts the key
 * beside whatever the function emits. */

#include "rdd/ds-narrow-private.h"

static gboolean
ds_flat_map_values_sink_push (DsSink *sink, const DsChunk *chunk)
{
  DsFunctionSink *self = (DsFunctionSink *) sink;
  DsFlatMapFunc func = (DsFlatMapFunc) self->func;
  gpointer user_data = self->user_data;
  DsTask *task = sink->task;
  DsEmitter *emitter = self->emitter;
  DsTaskFrame frame = ds_task_enter (task, sink->operator_name, emitter->arena, emitter);
  gboolean wants_more = TRUE;

  for (gsize i = 0; wants_more && i < chunk->n_values; i++)
    {
      task->current = &chunk->values[i];
      task->current_pair_value = &chunk->pair_values[i];
      emitter->key = &chunk->values[i];
      func (chunk->pair_values[i], task, user_data);
      wants_more = G_LIKELY (task->error == NULL) && ds_emitter_between_calls (emitter);
    }
  ds_task_leave (task, &frame);
  return wants_more && ds_emitter_flush_and_reset (emitter);
}

static DsSink *
ds_flat_map_values_rdd_make_sink (DsRdd *rdd, guint partition, DsTask *task, DsSink *next)
{
  DsFunctionSink *self = ds_function_sink_new (rdd, task, next, DS_ACCEPTS_PAIRS,
                                               ds_flat_map_values_sink_push);

  self->emitter = ds_emitter_new (ds_task_get_arena_pool (task), next);
  self->emitter->form = DS_FORM_PAIRS;
  return &self->sink;
}

static const DsRddOps ds_flat_map_values_rdd_ops = {
  .make_sink = ds_flat_map_values_rdd_make_sink
};

DS_DEFINE_NARROW_RDD (DsFlatMapValuesRdd,
                      ds_flat_map_values_rdd,
                      &ds_flat_map_values_rdd_ops)

/**
 * ds_rdd_flat_map_values: (skip)
 * @self: an RDD of pairs
 * @func: called with the value of each pair; emits new ones with ds_task_emit ()
 * @user_data: for @func
 * @destroy: (nullable): frees @user_data with the RDD
 *
 * Each emitted value, paired with the key that it came from; partitions and partitioner
 * stay as they are.  A value that is no pair fails the task with %DS_ERROR_TYPE.
 *
 * Returns: (transfer full): the RDD of pairs
 */
DsRdd *
ds_rdd_flat_map_values (DsRdd *self,
                        DsFlatMapFunc func,
                        gpointer user_data,
                        GDestroyNotify destroy)
{
  g_return_val_if_fail (DS_IS_RDD (self) && func != NULL, NULL);

  return ds_narrow_rdd_new (ds_flat_map_values_rdd_get_type (), self, "flat_map_values",
                            TRUE, G_CALLBACK (func), user_data, destroy);
}
