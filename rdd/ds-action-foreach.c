/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Actions for their effects: foreach, foreach_partition and its block twin. */

#include "rdd/ds-job-private.h"
#include "rdd/ds-partition-private.h"

typedef struct
{
  GCallback func;
  gpointer user_data;
} DsForeachJob;

typedef struct
{
  DsSink sink;
  DsForeachFunc func;
  gpointer user_data;
  DsArena *arena;
} DsForeachSink;

static gboolean
ds_foreach_sink_push (DsSink *sink, const DsChunk *chunk)
{
  DsForeachSink *self = (DsForeachSink *) sink;
  DsTask *task = sink->task;
  DsTaskFrame frame = ds_task_enter (task, "foreach", self->arena, NULL);

  for (gsize i = 0; i < chunk->n_values && task->error == NULL; i++)
    {
      task->current = &chunk->values[i];
      self->func (chunk->values[i], task, self->user_data);
      if (G_UNLIKELY (ds_arena_get_n_bytes (self->arena) > DS_SCRATCH_HIGH_WATER))
        ds_arena_reset (self->arena);
    }
  ds_task_leave (task, &frame);
  return task->error == NULL;
}

static gboolean
ds_foreach_sink_finish (DsSink *sink)
{
  return TRUE;
}

static void
ds_foreach_sink_free (DsSink *sink)
{
  ds_arena_unref (((DsForeachSink *) sink)->arena);
  g_free (sink);
}

static DsSink *
ds_foreach_make_sink (DsTask *task, guint index, gpointer data)
{
  DsForeachJob *job = data;
  DsForeachSink *self = ds_sink_alloc (sizeof *self, task, NULL);

  self->sink.push = ds_foreach_sink_push;
  self->sink.finish = ds_foreach_sink_finish;
  self->sink.free = ds_foreach_sink_free;
  self->sink.accepts = DS_ACCEPTS_VALUES;
  self->func = (DsForeachFunc) job->func;
  self->user_data = job->user_data;
  self->arena = ds_arena_new (ds_task_get_arena_pool (task));
  return &self->sink;
}

static DsSink *
ds_foreach_partition_make_sink (DsTask *task, guint index, gpointer data)
{
  DsForeachJob *job = data;
  DsSink *sink =
      ds_partition_sink_new (task, NULL, (DsMapPartitionFunc) job->func, job->user_data);

  sink->operator_name = "foreach_partition";
  return sink;
}

static DsSink *
ds_foreach_partition_block_make_sink (DsTask *task, guint index, gpointer data)
{
  DsForeachJob *job = data;
  DsSink *sink =
      ds_partition_block_sink_new (task, NULL, NULL, (DsForeachBlockFunc) job->func,
                                   job->user_data);

  sink->operator_name = "foreach_partition_block";
  return sink;
}

static void
ds_foreach_commit (DsTask *task, guint index, DsSink *sink, gpointer data)
{
}

static gboolean
ds_rdd_run_foreach (DsRdd *self,
                    const DsJobFuncs *funcs,
                    GCallback func,
                    gpointer user_data,
                    GError **error)
{
  DsForeachJob job = { func, user_data };

  return ds_context_run_job (ds_rdd_get_context (self), self, NULL, 0, funcs, &job,
                             error);
}

/**
 * ds_rdd_foreach: (skip)
 * @self: an RDD
 * @func: called once a value
 * @user_data: for @func
 * @error: return location for an error
 *
 * Calls @func for each value: in order within a partition, partitions at the same time.
 * A task that is tried again calls it again: what it does outside should bear that; see
 * ds_task_get_output_key ().
 *
 * Runs a job and waits for it; honours g_cancellable_get_current ().
 *
 * Returns: %FALSE with @error
 */
gboolean
ds_rdd_foreach (DsRdd *self, DsForeachFunc func, gpointer user_data, GError **error)
{
  static const DsJobFuncs funcs = { ds_foreach_make_sink, ds_foreach_commit };

  g_return_val_if_fail (DS_IS_RDD (self) && func != NULL, FALSE);

  return ds_rdd_run_foreach (self, &funcs, G_CALLBACK (func), user_data, error);
}

/**
 * ds_rdd_foreach_partition: (skip)
 * @self: an RDD
 * @func: called once a partition, also for empty ones; reads it with ds_partition_next ()
 * @user_data: for @func
 * @error: return location for an error
 *
 * Calls @func for each partition, several at the same time: the place for one connection
 * a partition.  A partition never has to fit in memory.
 *
 * Runs a job and waits for it; honours g_cancellable_get_current ().
 *
 * Returns: %FALSE with @error
 */
gboolean
ds_rdd_foreach_partition (DsRdd *self,
                          DsForeachPartitionFunc func,
                          gpointer user_data,
                          GError **error)
{
  static const DsJobFuncs funcs = { ds_foreach_partition_make_sink, ds_foreach_commit };

  g_return_val_if_fail (DS_IS_RDD (self) && func != NULL, FALSE);

  return ds_rdd_run_foreach (self, &funcs, G_CALLBACK (func), user_data, error);
}

/**
 * ds_rdd_foreach_partition_block:
 * @self: an RDD
 * @func: (scope call) (closure user_data): called once a partition, with all of it as one
 *   block; %FALSE is a failure, with or without an error
 * @user_data: for @func
 * @error: return location for an error
 *
 * The twin of ds_rdd_foreach_partition () for other languages.  A partition has to fit in
 * memory.
 *
 * Returns: %FALSE with @error
 */
gboolean
ds_rdd_foreach_partition_block (DsRdd *self,
                                DsForeachBlockFunc func,
                                gpointer user_data,
                                GError **error)
{
  static const DsJobFuncs funcs = { ds_foreach_partition_block_make_sink,
                                    ds_foreach_commit };

  g_return_val_if_fail (DS_IS_RDD (self) && func != NULL, FALSE);

  return ds_rdd_run_foreach (self, &funcs, G_CALLBACK (func), user_data, error);
}
