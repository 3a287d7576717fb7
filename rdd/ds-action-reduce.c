/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The action reduce, and what all do that bring everything down to one value: each
 * partition becomes one where it is computed, and the driver puts those together in the
 * order of partitions, so that the result does not depend on which thread was first. */

#include "rdd/ds-reduce-job-private.h"

#include "base/ds-error.h"
#include "base/ds-value-private.h"
#include "rdd/ds-context-private.h"

typedef struct
{
  DsSink sink;
  const DsReduceJob *job;
  gboolean has_value;
  DsValue value;
  DsArena *kept;    /* where the bytes of @value lie between chunks */
  DsArena *spare;   /* where they go next */
  DsArena *scratch; /* what @func allocates from */
} DsReduceSink;

/* Brings the value out of the chunk and the scratch memory, which then may go. */
static void
ds_reduce_sink_keep_value (DsReduceSink *self)
{
  /* Also what is empty has to have its padding behind it. */
  if (self->value.type >= DS_VALUE_TYPE_STRING)
    {
      DsArena *old = self->kept;

      self->value = ds_value_copy (self->value, self->spare);
      ds_arena_reset (old);
      self->kept = self->spare;
      self->spare = old;
    }
  if (ds_arena_get_n_bytes (self->scratch) > 0)
    ds_arena_reset (self->scratch);
}

static gboolean
ds_reduce_sink_push (DsSink *sink, const DsChunk *chunk)
{
  DsReduceSink *self = (DsReduceSink *) sink;
  DsTask *task = sink->task;
  DsTaskFrame frame = ds_task_enter (task, self->job->name, self->scratch, NULL);
  const DsReduceFunc func = self->job->merge_value;
  gpointer user_data = self->job->user_data;
  gsize i = 0;

  if (!self->has_value)
    {
      self->has_value = TRUE;
      self->value = chunk->values[i++];
    }
  for (; i < chunk->n_values && task->error == NULL; i++)
    {
      task->current = &chunk->values[i];
      self->value = func (self->value, chunk->values[i], task, user_data);
      if (G_UNLIKELY (ds_arena_get_n_bytes (self->scratch) > DS_SCRATCH_HIGH_WATER))
        ds_reduce_sink_keep_value (self);
    }
  ds_task_leave (task, &frame);
  if (task->error != NULL)
    return FALSE;
  ds_reduce_sink_keep_value (self);
  return TRUE;
}

static gboolean
ds_reduce_sink_finish (DsSink *sink)
{
  return TRUE;
}

static void
ds_reduce_sink_free (DsSink *sink)
{
  DsReduceSink *self = (DsReduceSink *) sink;

  ds_arena_unref (self->kept);
  ds_arena_unref (self->spare);
  ds_arena_unref (self->scratch);
  g_free (self);
}

static DsSink *
ds_reduce_job_make_sink (DsTask *task, guint index, gpointer data)
{
  DsReduceJob *self = data;
  DsReduceSink *sink = ds_sink_alloc (sizeof *sink, task, NULL);
  DsArenaPool *pool = ds_task_get_arena_pool (task);

  sink->sink.push = ds_reduce_sink_push;
  sink->sink.finish = ds_reduce_sink_finish;
  sink->sink.free = ds_reduce_sink_free;
  sink->sink.accepts = DS_ACCEPTS_VALUES;
  sink->job = self;
  sink->kept = ds_arena_new (pool);
  sink->spare = ds_arena_new (pool);
  sink->scratch = ds_arena_new (pool);
  sink->has_value = self->zero != NULL;
  if (self->zero != NULL)
    sink->value = ds_value_copy (*self->zero, sink->kept);
  return &sink->sink;
}

static void
ds_reduce_job_commit (DsTask *task, guint index, DsSink *sink, gpointer data)
{
  DsReduceJob *self = data;
  DsReduceSink *result = (DsReduceSink *) sink;
  g_autoptr (DsBlock) block = NULL;

  if (!result->has_value)
    return;
  block = ds_block_new (&result->value, 1);
  self->blocks[index] = ds_task_bring_block (task, block);
}

/* Thread: driver, as a task of its own for the function to talk to. */
DsBlock *
ds_reduce_job_merge (DsReduceJob *self, DsContext *context, GError **error)
{
  const DsJobScope *scope = ds_job_scope_get_current ();
  DsBlock *block = NULL;
  gboolean has_value = self->zero != NULL;
  DsValue value = has_value ? *self->zero : ds_value_null ();
  DsTask task;

  ds_task_init (&task, context, 0, 0);
  if (scope != NULL)
    {
      task.batch_time = scope->batch_time;
      task.is_replay = scope->is_replay;
    }
  ds_task_begin (&task);
  task.operator_name = self->name;
  for (guint i = 0; i < self->n_blocks && task.error == NULL; i++)
    {
      DsValue next;

      if (self->blocks[i] == NULL)
        continue;
      next = ds_block_get (self->blocks[i], 0);
      task.partition = i;
      task.current = &next;
      value =
          has_value ? self->merge_combiners (value, next, &task, self->user_data) : next;
      has_value = TRUE;
      task.current = NULL;
    }
  ds_task_end (&task);

  if (task.error == NULL && task.counters != NULL)
    ds_context_add_counters (context, task.counters);
  if (task.error != NULL)
    ds_task_propagate_error (&task, error);
  else if (!has_value)
    g_set_error (error, DS_ERROR, DS_ERROR_EMPTY,
                 "%s: the RDD has no value, so there is nothing to return; look with "
                 "ds_rdd_is_empty () first, or union it with a neutral value",
                 self->name);
  else
    block = ds_block_new (&value, 1);
  ds_task_clear (&task);
  return block;
}

gboolean
ds_reduce_job_run (DsReduceJob *self, DsRdd *rdd, GError **error)
{
  static const DsJobFuncs funcs = { ds_reduce_job_make_sink, ds_reduce_job_commit };

  if (!ds_rdd_prepare (rdd, error))
    return FALSE;
  self->n_blocks = ds_rdd_get_n_partitions (rdd);
  self->blocks = g_new0 (DsBlock *, MAX (self->n_blocks, 1));
  return ds_context_run_job (ds_rdd_get_context (rdd), rdd, NULL, self->n_blocks, &funcs,
                             self, error);
}

void
ds_reduce_job_clear (DsReduceJob *self)
{
  for (guint i = 0; i < self->n_blocks; i++)
    g_clear_pointer (&self->blocks[i], ds_block_unref);
  g_clear_pointer (&self->blocks, g_free);
  self->n_blocks = 0;
}

DsBlock *
ds_rdd_reduce_to_one (DsRdd *self, DsReduceJob *job, GError **error)
{
  DsBlock *block = NULL;

  if (ds_reduce_job_run (job, self, error))
    block = ds_reduce_job_merge (job, ds_rdd_get_context (self), error);
  ds_reduce_job_clear (job);
  return block;
}

/**
 * ds_rdd_reduce: (skip)
 * @self: an RDD
 * @func: puts two values together; associative
 * @user_data: for @func
 * @error: return location for an error
 *
 * The reduction of all values.
 *
 * Each partition is reduced in its order, then the results in the order of partitions, so
 * @func need not be commutative.  Runs a job and waits for it; honours
 * g_cancellable_get_current ().  Fails with %DS_ERROR_EMPTY when there is no value.
 *
 * Returns: (transfer full): a block of one value; %NULL with @error
 */
DsBlock *
ds_rdd_reduce (DsRdd *self, DsReduceFunc func, gpointer user_data, GError **error)
{
  DsReduceJob job = {
    .name = "reduce", .merge_value = func, .merge_combiners = func, .user_data = user_data
  };

  g_return_val_if_fail (DS_IS_RDD (self) && func != NULL, NULL);

  return ds_rdd_reduce_to_one (self, &job, error);
}
