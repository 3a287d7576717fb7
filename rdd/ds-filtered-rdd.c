/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* filter: the values that a function says yes to.  Columns stay columns: only the
 * function sees a pair as a tuple, which is built on the stack. */

#include "rdd/ds-narrow-private.h"

static gboolean
ds_filtered_sink_push (DsSink *sink, const DsChunk *chunk)
{
  DsFunctionSink *self = (DsFunctionSink *) sink;
  DsFilterFunc func = (DsFilterFunc) self->func;
  gpointer user_data = self->user_data;
  DsTask *task = sink->task;
  const DsValue *pair_values = chunk->form == DS_FORM_PAIRS ? chunk->pair_values : NULL;
  gsize n_kept = 0;
  DsChunk kept = { .form = chunk->form,
                   .values = self->results,
                   .pair_values = pair_values != NULL ? self->more_results : NULL,
                   .block = chunk->block };
  DsTaskFrame frame = ds_task_enter (task, sink->operator_name, self->arena, NULL);

  for (gsize i = 0; i < chunk->n_values; i++)
    {
      gboolean keep;

      task->current = &chunk->values[i];
      if (pair_values == NULL)
        {
          keep = func (chunk->values[i], task, user_data);
        }
      else
        {
          DsValue items[2] = { chunk->values[i], pair_values[i] };

          task->current_pair_value = &pair_values[i];
          keep = func (ds_value_tuple (items, 2), task, user_data);
          self->more_results[n_kept] = pair_values[i];
        }
      if (G_UNLIKELY (task->error != NULL))
        break;
      self->results[n_kept] = chunk->values[i];
      n_kept += keep != FALSE;
      if (G_UNLIKELY (ds_arena_get_n_bytes (self->arena) > DS_SCRATCH_HIGH_WATER))
        ds_arena_reset (self->arena);
    }
  ds_task_leave (task, &frame);
  if (task->error != NULL)
    return FALSE;
  kept.n_values = n_kept;
  return n_kept == 0 || ds_sink_push (sink->next, &kept);
}

static DsSink *
ds_filtered_rdd_make_sink (DsRdd *rdd, guint partition, DsTask *task, DsSink *next)
{
  DsFunctionSink *self =
      ds_function_sink_new (rdd, task, next, DS_ACCEPTS_VALUES | DS_ACCEPTS_PAIRS,
                            ds_filtered_sink_push);

  self->arena = ds_arena_new (ds_task_get_arena_pool (task));
  self->results = ds_scratch_column_take ();
  self->more_results = ds_scratch_column_take ();
  return &self->sink;
}

static const DsRddOps ds_filtered_rdd_ops = { .make_sink = ds_filtered_rdd_make_sink };

DS_DEFINE_NARROW_RDD (DsFilteredRdd, ds_filtered_rdd, &ds_filtered_rdd_ops)

/**
 * ds_rdd_filter: (skip)
 * @self: an RDD
 * @func: called once a value; %TRUE keeps it
 * @user_data: for @func
 * @destroy: (nullable): frees @user_data with the RDD
 *
 * The values for which @func returns %TRUE, in order; partitions and partitioner stay as
 * they are.
 *
 * Returns: (transfer full): the RDD of what was kept
 */
DsRdd *
ds_rdd_filter (DsRdd *self, DsFilterFunc func, gpointer user_data, GDestroyNotify destroy)
{
  g_return_val_if_fail (DS_IS_RDD (self) && func != NULL, NULL);

  return ds_narrow_rdd_new (ds_filtered_rdd_get_type (), self, "filter", TRUE,
                            G_CALLBACK (func), user_data, destroy);
}
