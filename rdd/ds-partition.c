/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* DsPartition: a whole partition, read chunk by chunk by a user function.
 *
 * The function pulls while the engine pushes, so the partition is kept in between, in a
 * buffer that spills: it never has to fit in memory. */

#include "rdd/ds-partition-private.h"

#include "base/ds-splitter-private.h"
#include "rdd/ds-job-private.h"
#include "rdd/ds-spill-buffer-private.h"

struct _DsPartition
{
  DsTask *task;
  DsSpillReader *reader;
  DsChunk chunk;     /* the one in work */
  gsize text_offset; /* how much of a chunk of text was given out */
  gboolean is_text;  /* there may be more of it */
  DsValue *values;   /* scratch columns: what is lent to the function */
  DsValue *items[2]; /* of tuples */
};

typedef struct
{
  DsSink sink;
  DsSpillBuffer *buffer;
  DsEmitter *emitter; /* (nullable) */
  DsArena *arena;
  DsMapPartitionFunc func;
  gpointer user_data;
} DsPartitionSink;

/* The lines of a chunk of text, as many as fit. */
static const DsValue *
ds_partition_next_lines (DsPartition *self, gsize *n_values)
{
  *n_values =
      ds_split_lines_scan (self->chunk.text, self->chunk.n_text_bytes, &self->text_offset,
                           self->chunk.strip_cr, self->values, DS_CHUNK_MAX_VALUES);
  self->is_text = *n_values > 0;
  return self->is_text ? self->values : NULL;
}

/* The tuples of a chunk of pairs: their items lie in two columns, half of them in each.
 */
static const DsValue *
ds_partition_make_tuples (DsPartition *self)
{
  gsize half = DS_CHUNK_MAX_VALUES / 2;

  for (gsize i = 0; i < self->chunk.n_values; i++)
    {
      DsValue *items = self->items[i / half] + 2 * (i % half);

      items[0] = self->chunk.values[i];
      items[1] = self->chunk.pair_values[i];
      self->values[i] = ds_value_tuple (items, 2);
    }
  return self->values;
}

/**
 * ds_partition_next: (skip)
 * @self: the partition in work
 * @n_values: (out): how many values there are in the chunk
 *
 * Reads the next values of a partition.
 *
 * Fails the task when spilled values cannot be read back, or when the job is cancelled;
 * what then looks like the end never becomes a result.
 *
 * Returns: (transfer none) (nullable): up to 1,024 values, lent until the next call;
 *   %NULL at the end
 */
const DsValue *
ds_partition_next (DsPartition *self, gsize *n_values)
{
  g_return_val_if_fail (self != NULL && n_values != NULL, NULL);

  *n_values = 0;
  while (ds_task_may_go_on (self->task))
    {
      gboolean at_end = FALSE;
      GError *error = NULL;

      if (self->is_text && ds_partition_next_lines (self, n_values) != NULL)
        return self->values;
      if (!ds_spill_reader_next (self->reader, &self->chunk, &at_end, &error))
        {
          ds_task_take_error (self->task, error);
          return NULL;
        }
      if (at_end)
        return NULL;
      self->is_text = self->chunk.form == DS_FORM_TEXT;
      self->text_offset = 0;
      if (self->is_text || self->chunk.n_values == 0)
        continue;
      *n_values = self->chunk.n_values;
      return self->chunk.form == DS_FORM_PAIRS ? ds_partition_make_tuples (self)
                                               : self->chunk.values;
    }
  return NULL;
}

/* ---- The sink ---- */

static gboolean
ds_partition_sink_push (DsSink *sink, const DsChunk *chunk)
{
  DsPartitionSink *self = (DsPartitionSink *) sink;
  GError *error = NULL;

  if (ds_spill_buffer_add (self->buffer, chunk, &error))
    return TRUE;
  ds_task_take_error (sink->task, error);
  return FALSE;
}

static void
ds_partition_sink_call (DsPartitionSink *self)
{
  DsTask *task = self->sink.task;
  DsPartition partition = { .task = task,
                            .reader = ds_spill_reader_new (self->buffer),
                            .values = ds_scratch_column_take (),
                            .items = { ds_scratch_column_take (),
                                       ds_scratch_column_take () } };
  DsTaskFrame frame =
      ds_task_enter (task, self->sink.operator_name, self->arena, self->emitter);

  self->func (&partition, task, self->user_data);
  ds_task_leave (task, &frame);

  ds_scratch_column_give (partition.items[1]);
  ds_scratch_column_give (partition.items[0]);
  ds_scratch_column_give (partition.values);
  ds_spill_reader_free (partition.reader);
}

static gboolean
ds_partition_sink_finish (DsSink *sink)
{
  DsPartitionSink *self = (DsPartitionSink *) sink;
  GError *error = NULL;

  if (!ds_spill_buffer_seal (self->buffer, &error))
    {
      ds_task_take_error (sink->task, error);
      return FALSE;
    }
  ds_partition_sink_call (self);
  if (sink->task->error != NULL)
    return FALSE;
  if (sink->next == NULL)
    return TRUE;
  ds_emitter_flush (self->emitter);
  return sink->task->error == NULL && ds_sink_finish_next (sink);
}

static void
ds_partition_sink_free (DsSink *sink)
{
  DsPartitionSink *self = (DsPartitionSink *) sink;

  ds_spill_buffer_free (self->buffer);
  g_clear_pointer (&self->emitter, ds_emitter_free);
  ds_arena_unref (self->arena);
  g_free (self);
}

DsSink *
ds_partition_sink_new (DsTask *task,
                       DsSink *next,
                       DsMapPartitionFunc func,
                       gpointer user_data)
{
  DsPartitionSink *self = ds_sink_alloc (sizeof *self, task, next);

  self->sink.push = ds_partition_sink_push;
  self->sink.finish = ds_partition_sink_finish;
  self->sink.free = ds_partition_sink_free;
  self->sink.accepts = DS_ACCEPTS_VALUES | DS_ACCEPTS_PAIRS;
  self->buffer = ds_spill_buffer_new (ds_context_get_memory_budget (task->context),
                                      ds_context_get_local_directory (task->context));
  if (next != NULL)
    {
      self->emitter = ds_emitter_new (ds_task_get_arena_pool (task), next);
      self->arena = ds_arena_ref (self->emitter->arena);
    }
  else
    {
      self->arena = ds_arena_new (ds_task_get_arena_pool (task));
    }
  self->func = func;
  self->user_data = user_data;
  return &self->sink;
}
