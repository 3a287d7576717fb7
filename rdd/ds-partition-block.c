/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Functions that take blocks, as other languages have them: block in, block out.  A
 * function that returns nothing has failed, whether it says why or not: an exception in a
 * binding never passes for an empty result. */

#include "base/ds-error.h"
#include "rdd/ds-partition-private.h"
#include "rdd/ds-task-private.h"

typedef struct
{
  DsSink sink;
  DsBlockBuilder *builder;
  DsBlockFunc map_func;
  DsForeachBlockFunc foreach_func;
  gpointer user_data;
} DsPartitionBlockSink;

static void
ds_task_take_block_func_error (DsTask *task, GError *error, const char *expected)
{
  if (error == NULL)
    error = g_error_new (DS_ERROR, DS_ERROR_USER_FUNCTION,
                         "the function gave no result and no error: it has to return %s, "
                         "or to say what failed",
                         expected);
  ds_task_take_error (task, error);
}

gboolean
ds_sink_push_result_of_block_func (DsSink *self,
                                   DsBlockFunc func,
                                   gpointer user_data,
                                   DsBlock *block)
{
  DsTask *task = self->task;
  g_autoptr (DsBlock) result = NULL;
  GError *error = NULL;

  result = func (block, task, user_data, &error);
  if (result == NULL)
    {
      ds_task_take_block_func_error (task, error, "a block, an empty one for nothing");
      return FALSE;
    }
  if (error != NULL)
    {
      ds_task_take_error (task, error);
      return FALSE;
    }
  return task->error == NULL && ds_sink_push_block (self, result);
}

static gboolean
ds_partition_block_sink_push (DsSink *sink, const DsChunk *chunk)
{
  DsPartitionBlockSink *self = (DsPartitionBlockSink *) sink;

  ds_block_builder_add_columns (self->builder, chunk->values,
                                chunk->form == DS_FORM_PAIRS ? chunk->pair_values : NULL,
                                chunk->n_values);
  return TRUE;
}

static void
ds_partition_block_sink_call_foreach (DsPartitionBlockSink *self, DsBlock *block)
{
  GError *error = NULL;

  if (!self->foreach_func (block, self->sink.task, self->user_data, &error))
    ds_task_take_block_func_error (self->sink.task, error, "TRUE");
  else if (error != NULL)
    ds_task_take_error (self->sink.task, error);
}

static gboolean
ds_partition_block_sink_finish (DsSink *sink)
{
  DsPartitionBlockSink *self = (DsPartitionBlockSink *) sink;
  DsTask *task = sink->task;
  g_autoptr (DsBlock) block = ds_block_builder_end (self->builder);
  DsTaskFrame frame = ds_task_enter (task, sink->operator_name, NULL, NULL);

  if (self->foreach_func != NULL)
    ds_partition_block_sink_call_foreach (self, block);
  else
    ds_sink_push_result_of_block_func (sink->next, self->map_func, self->user_data,
                                       block);
  ds_task_leave (task, &frame);
  return task->error == NULL && (sink->next == NULL || ds_sink_finish_next (sink));
}

static void
ds_partition_block_sink_free (DsSink *sink)
{
  DsPartitionBlockSink *self = (DsPartitionBlockSink *) sink;

  ds_block_builder_unref (self->builder);
  g_free (self);
}

DsSink *
ds_partition_block_sink_new (DsTask *task,
                             DsSink *next,
                             DsBlockFunc map_func,
                             DsForeachBlockFunc foreach_func,
                             gpointer user_data)
{
  DsPartitionBlockSink *self = ds_sink_alloc (sizeof *self, task, next);

  self->sink.push = ds_partition_block_sink_push;
  self->sink.finish = ds_partition_block_sink_finish;
  self->sink.free = ds_partition_block_sink_free;
  self->sink.accepts = DS_ACCEPTS_VALUES | DS_ACCEPTS_PAIRS;
  self->builder = ds_block_builder_new ();
  self->map_func = map_func;
  self->foreach_func = foreach_func;
  self->user_data = user_data;
  return &self->sink;
}
