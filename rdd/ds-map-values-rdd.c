/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* map_values: a new value under the same key.  The column of keys passes through. */

#include "rdd/ds-narrow-private.h"

static gboolean
ds_map_values_sink_push_results (DsFunctionSink *self,
                                 const DsValue *keys,
                                 gsize n_results)
{
  DsChunk results = { .form = DS_FORM_PAIRS,
                      .n_values = n_results,
                      .values = keys,
                      .pair_values = self->results };
  gboolean wants_more = n_results == 0 || ds_sink_push (self->sink.next, &results);

  if (ds_arena_get_n_bytes (self->arena) > 0)
    ds_arena_reset (self->arena);
  return wants_more;
}

static gboolean
ds_map_values_sink_push (DsSink *sink, const DsChunk *chunk)
{
  DsFunctionSink *self = (DsFunctionSink *) sink;
  DsMapFunc func = (DsMapFunc) self->func;
  gpointer user_data = self->user_data;
  DsTask *task = sink->task;
  DsArena *arena = self->arena;
  gsize n_pushed = 0;
  gboolean wants_more = TRUE;
  DsTaskFrame frame = ds_task_enter (task, sink->operator_name, arena, NULL);

  for (gsize i = 0; wants_more && i < chunk->n_values; i++)
    {
      task->current = &chunk->values[i];
      task->current_pair_value = &chunk->pair_values[i];
      self->results[i - n_pushed] = func (chunk->pair_values[i], task, user_data);
      if (G_UNLIKELY (task->error != NULL))
        {
          ds_task_leave (task, &frame);
          return FALSE;
        }
      if (G_UNLIKELY (ds_arena_get_n_bytes (arena) > DS_SCRATCH_HIGH_WATER))
        {
          wants_more = ds_map_values_sink_push_results (self, chunk->values + n_pushed,
                                                        i + 1 - n_pushed);
          n_pushed = i + 1;
        }
    }
  ds_task_leave (task, &frame);
  return wants_more && ds_map_values_sink_push_results (self, chunk->values + n_pushed,
                                                        chunk->n_values - n_pushed);
}

static DsSink *
ds_map_values_rdd_make_sink (DsRdd *rdd, guint partition, DsTask *task, DsSink *next)
{
  DsFunctionSink *self =
      ds_function_sink_new (rdd, task, next, DS_ACCEPTS_PAIRS, ds_map_values_sink_push);

  self->arena = ds_arena_new (ds_task_get_arena_pool (task));
  self->results = ds_scratch_column_take ();
  return &self->sink;
}

static const DsRddOps ds_map_values_rdd_ops = { .make_sink =
                                                    ds_map_values_rdd_make_sink };

DS_DEFINE_NARROW_RDD (DsMapValuesRdd, ds_map_values_rdd, &ds_map_values_rdd_ops)

/**
 * ds_rdd_map_values: (skip)
 * @self: an RDD of pairs
 * @func: called with the value of each pair; returns the new one
 * @user_data: for @func
 * @destroy: (nullable): frees @user_data with the RDD
 *
 * The same keys with new values, in order; partitions and partitioner stay as they are.
 * A value that is no pair fails the task with %DS_ERROR_TYPE.
 *
 * Returns: (transfer full): the RDD of pairs
 */
DsRdd *
ds_rdd_map_values (DsRdd *self,
                   DsMapFunc func,
                   gpointer user_data,
                   GDestroyNotify destroy)
{
  g_return_val_if_fail (DS_IS_RDD (self) && func != NULL, NULL);

  return ds_narrow_rdd_new (ds_map_values_rdd_get_type (), self, "map_values", TRUE,
                            G_CALLBACK (func), user_data, destroy);
}
