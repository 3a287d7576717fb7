/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* flat_map: any number of results a value, emitted. */

#include "rdd/ds-narrow-private.h"

static gboolean
ds_flat_mapped_sink_push (DsSink *sink, const DsChunk *chunk)
{
  DsFunctionSink *self = (DsFunctionSink *) sink;
  DsFlatMapFunc func = (DsFlatMapFunc) self->func;
  gpointer user_data = self->user_data;
  DsTask *task = sink->task;
  DsEmitter *emitter = self->emitter;
  const DsValue *values = chunk->values;
  gsize n_values = chunk->n_values;
  DsTaskFrame frame = ds_task_enter (task, sink->operator_name, emitter->arena, emitter);
  gboolean wants_more = TRUE;

  for (gsize i = 0; wants_more && i < n_values; i++)
    {
      task->current = &values[i];
      func (values[i], task, user_data);
      wants_more = G_LIKELY (task->error == NULL) && ds_emitter_between_calls (emitter);
    }
  ds_task_leave (task, &frame);
  /* What was emitted may point into this chunk. */
  return wants_more && ds_emitter_flush_and_reset (emitter);
}

static DsSink *
ds_flat_mapped_rdd_make_sink (DsRdd *rdd, guint partition, DsTask *task, DsSink *next)
{
  DsSink *known = ds_known_flat_map_make_sink (((DsNarrowRdd *) rdd)->func, task, next);
  DsFunctionSink *self;

  if (known != NULL)
    return known;
  self =
      ds_function_sink_new (rdd, task, next, DS_ACCEPTS_VALUES, ds_flat_mapped_sink_push);
  self->emitter = ds_emitter_new (ds_task_get_arena_pool (task), next);
  return &self->sink;
}

static const DsRddOps ds_flat_mapped_rdd_ops = { .make_sink =
                                                     ds_flat_mapped_rdd_make_sink };

DS_DEFINE_NARROW_RDD (DsFlatMappedRdd, ds_flat_mapped_rdd, &ds_flat_mapped_rdd_ops)

/**
 * ds_rdd_flat_map: (skip)
 * @self: an RDD
 * @func: called once a value; emits its results with ds_task_emit () or
 *   ds_task_emit_pair ()
 * @user_data: for @func
 * @destroy: (nullable): frees @user_data with the RDD
 *
 * All results of all values, in order; partitions stay as they are.
 *
 * Returns: (transfer full): the RDD of results
 */
DsRdd *
ds_rdd_flat_map (DsRdd *self,
                 DsFlatMapFunc func,
                 gpointer user_data,
                 GDestroyNotify destroy)
{
  g_return_val_if_fail (DS_IS_RDD (self) && func != NULL, NULL);

  return ds_narrow_rdd_new (ds_flat_mapped_rdd_get_type (), self, "flat_map", FALSE,
                            G_CALLBACK (func), user_data, destroy);
}
