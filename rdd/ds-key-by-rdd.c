/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* key_by: each value under a key made from it.  The values pass through as a column. */

#include "rdd/ds-narrow-private.h"

static gboolean
ds_key_by_sink_push_results (DsFunctionSink *self, const DsValue *values, gsize n_results)
{
  DsChunk results = { .form = DS_FORM_PAIRS,
                      .n_values = n_results,
                      .values = self->results,
                      .pair_values = values };
  gboolean wants_more = n_results == 0 || ds_sink_push (self->sink.next, &results);

  if (ds_arena_get_n_bytes (self->arena) > 0)
    ds_arena_reset (self->arena);
  return wants_more;
}

static gboolean
ds_key_by_sink_push (DsSink *sink, const DsChunk *chunk)
{
  DsFunctionSink *self = (DsFunctionSink *) sink;
  DsMapFunc func = (DsMapFunc) self->func;
  DsTask *task = sink->task;
  gsize n_pushed = 0;
  gboolean wants_more = TRUE;
  DsTaskFrame frame = ds_task_enter (task, sink->operator_name, self->arena, NULL);

  for (gsize i = 0; wants_more && i < chunk->n_values; i++)
    {
      task->current = &chunk->values[i];
      self->results[i - n_pushed] = func (chunk->values[i], task, self->user_data);
      if (G_UNLIKELY (task->error != NULL))
        {
          ds_task_leave (task, &frame);
          return FALSE;
        }
      if (G_UNLIKELY (ds_arena_get_n_bytes (self->arena) > DS_SCRATCH_HIGH_WATER))
        {
          wants_more = ds_key_by_sink_push_results (self, chunk->values + n_pushed,
                                                    i + 1 - n_pushed);
          n_pushed = i + 1;
        }
    }
  ds_task_leave (task, &frame);
  return wants_more && ds_key_by_sink_push_results (self, chunk->values + n_pushed,
                                                    chunk->n_values - n_pushed);
}

static DsSink *
ds_key_by_rdd_make_sink (DsRdd *rdd, guint partition, DsTask *task, DsSink *next)
{
  DsFunctionSink *self =
      ds_function_sink_new (rdd, task, next, DS_ACCEPTS_VALUES, ds_key_by_sink_push);

  self->arena = ds_arena_new (ds_task_get_arena_pool (task));
  self->results = ds_scratch_column_take ();
  return &self->sink;
}

static const DsRddOps ds_key_by_rdd_ops = { .make_sink = ds_key_by_rdd_make_sink };

DS_DEFINE_NARROW_RDD (DsKeyByRdd, ds_key_by_rdd, &ds_key_by_rdd_ops)

/**
 * ds_rdd_key_by: (skip)
 * @self: an RDD
 * @func: called once a value; returns its key
 * @user_data: for @func
 * @destroy: (nullable): frees @user_data with the RDD
 *
 * (key, value) for each value, in order; partitions stay as they are.
 *
 * Returns: (transfer full): the RDD of pairs
 */
DsRdd *
ds_rdd_key_by (DsRdd *self, DsMapFunc func, gpointer user_data, GDestroyNotify destroy)
{
  g_return_val_if_fail (DS_IS_RDD (self) && func != NULL, NULL);

  return ds_narrow_rdd_new (ds_key_by_rdd_get_type (), self, "key_by", FALSE,
                            G_CALLBACK (func), user_data, destroy);
}
