/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* map: one result a value. */

#include "rdd/ds-narrow-private.h"

/* Results, and what the function allocates for them, are handed on while they are in the
 * first level cache: with pairs these are 64 bytes a value. */
#define DS_MAPPED_AT_ONCE 128

static gboolean
ds_mapped_sink_push_results (DsFunctionSink *self, gsize n_results)
{
  DsChunk results = { .form = DS_FORM_VALUES,
                      .n_values = n_results,
                      .values = self->results };
  gboolean wants_more = n_results == 0 || ds_sink_push (self->sink.next, &results);

  if (self->arena->n_bytes > 0)
    ds_arena_reset (self->arena);
  return wants_more;
}

static gboolean
ds_mapped_sink_push (DsSink *sink, const DsChunk *chunk)
{
  DsFunctionSink *self = (DsFunctionSink *) sink;
  DsMapFunc func = (DsMapFunc) self->func;
  gpointer user_data = self->user_data;
  DsTask *task = sink->task;
  DsArena *arena = self->arena;
  const DsValue *values = chunk->values;
  gsize n_values = chunk->n_values;
  DsValue *results = self->results;
  gsize n_results = 0;
  gboolean wants_more = TRUE;
  DsTaskFrame frame = ds_task_enter (task, sink->operator_name, arena, NULL);

  for (gsize i = 0; wants_more && i < n_values; i++)
    {
      task->current = &values[i];
      results[n_results++] = func (values[i], task, user_data);
      if (G_UNLIKELY (task->error != NULL))
        {
          ds_task_leave (task, &frame);
          return FALSE;
        }
      if (G_UNLIKELY (n_results == DS_MAPPED_AT_ONCE ||
                      arena->n_bytes > DS_SCRATCH_HIGH_WATER))
        {
          wants_more = ds_mapped_sink_push_results (self, n_results);
          n_results = 0;
        }
    }
  ds_task_leave (task, &frame);
  return wants_more && ds_mapped_sink_push_results (self, n_results);
}

static DsSink *
ds_mapped_rdd_make_sink (DsRdd *rdd, guint partition, DsTask *task, DsSink *next)
{
  DsSink *known = ds_known_map_make_sink (((DsNarrowRdd *) rdd)->func, task, next);
  DsFunctionSink *self;

  if (known != NULL)
    return known;
  self = ds_function_sink_new (rdd, task, next, DS_ACCEPTS_VALUES, ds_mapped_sink_push);
  self->arena = ds_arena_new (ds_task_get_arena_pool (task));
  self->results = ds_scratch_column_take ();
  return &self->sink;
}

static const DsRddOps ds_mapped_rdd_ops = { .make_sink = ds_mapped_rdd_make_sink };

DS_DEFINE_NARROW_RDD (DsMappedRdd, ds_mapped_rdd, &ds_mapped_rdd_ops)

/**
 * ds_rdd_map: (skip)
 * @self: an RDD
 * @func: called once a value; returns the result
 * @user_data: for @func
 * @destroy: (nullable): frees @user_data with the RDD
 *
 * One result for each value, in order; partitions stay as they are.
 *
 * The result is not known to be partitioned by key any more: where only the values of
 * pairs change, ds_rdd_map_values () keeps that knowledge and is cheaper.
 *
 * Returns: (transfer full): the RDD of results
 */
DsRdd *
ds_rdd_map (DsRdd *self, DsMapFunc func, gpointer user_data, GDestroyNotify destroy)
{
  g_return_val_if_fail (DS_IS_RDD (self) && func != NULL, NULL);

  return ds_narrow_rdd_new (ds_mapped_rdd_get_type (), self, "map", FALSE,
                            G_CALLBACK (func), user_data, destroy);
}
