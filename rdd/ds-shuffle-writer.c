/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The map side: a sink that combines, and one that deals values out.
 *
 * A combiner is one table for the whole map partition; at the end its columns are dealt
 * out into a block for each reduce partition.  Only the 32 bytes of a key and its
 * combiner are written again, all blocks hold the memory that the bytes of the keys lie
 * in.  With one reduce partition the table's columns are the output as they are.
 *
 * Values that are dealt out as they come are sorted by partition a chunk at a time and
 * gather in spillable buffers. */

#include "rdd/ds-shuffle-output-private.h"

#include "base/ds-block-private.h"
#include "rdd/ds-job-private.h"
#include "rdd/ds-partitioner-private.h"
#include "rdd/ds-task-private.h"

typedef struct
{
  DsShuffleWriterHead head; /* a dealer has its output from the start */
  DsShuffle *shuffle;
  DsArena *scratch; /* what a partitioner's function allocates */

  /* Of a combiner. */
  DsTable *table;
  DsBlock *block;    /* (nullable): after finish */
  gboolean is_local; /* nothing will be exchanged */

  /* Of a dealer. */
  guint next_partition; /* when it deals in turn */
  gsize *starts;        /* [n_reduces + 1] */
} DsShuffleWriter;

static void
ds_shuffle_writer_free (DsSink *sink)
{
  DsShuffleWriter *self = (DsShuffleWriter *) sink;

  g_clear_pointer (&self->head.output, ds_shuffle_output_free);
  g_clear_pointer (&self->table, ds_table_free);
  g_clear_pointer (&self->block, ds_block_unref);
  g_clear_pointer (&self->scratch, ds_arena_unref);
  ds_shuffle_unref (self->shuffle);
  g_free (self->starts);
  g_free (self);
}

static DsShuffleWriter *
ds_shuffle_writer_new (DsShuffle *shuffle, guint map_partition, DsTask *task)
{
  DsShuffleWriter *self = ds_sink_alloc (sizeof *self, task, NULL);

  self->head.sink.free = ds_shuffle_writer_free;
  self->head.sink.accepts =
      shuffle->input == DS_SHUFFLE_PAIRS ? DS_ACCEPTS_PAIRS : DS_ACCEPTS_VALUES;
  self->head.sink.operator_name = shuffle->name (shuffle->name_data);
  self->shuffle = ds_shuffle_ref (shuffle);
  self->head.map_partition = map_partition;
  self->scratch = ds_arena_new (ds_task_get_arena_pool (task));
  return self;
}

/* The partitions of up to %DS_CHUNK_MAX_VALUES keys. */
static gboolean
ds_shuffle_writer_get_partitions (DsShuffleWriter *self,
                                  const DsValue *keys,
                                  gsize n_keys,
                                  guint32 *partitions)
{
  DsTaskFrame frame = ds_task_enter (self->head.sink.task, self->head.sink.operator_name,
                                     self->scratch, NULL);
  gboolean success =
      ds_partitioner_get_partitions (self->shuffle->partitioner, keys, n_keys,
                                     self->head.sink.task, partitions);

  ds_task_leave (self->head.sink.task, &frame);
  if (ds_arena_get_n_bytes (self->scratch) > 0)
    ds_arena_reset (self->scratch);
  return success;
}

/* ---- Combining ---- */

static gboolean
ds_shuffle_combiner_push (DsSink *sink, const DsChunk *chunk)
{
  static const DsValue no_keys[DS_CHUNK_MAX_VALUES]; /* all null */
  DsShuffleWriter *self = (DsShuffleWriter *) sink;

  switch (self->shuffle->input)
    {
    case DS_SHUFFLE_PAIRS:
      return ds_table_add_values (self->table, chunk->values, chunk->pair_values,
                                  chunk->n_values);
    case DS_SHUFFLE_VALUES_AS_KEYS:
      return ds_table_add_values (self->table, chunk->values, NULL, chunk->n_values);
    case DS_SHUFFLE_VALUES:
    default:
      return ds_table_add_values (self->table, no_keys, chunk->values, chunk->n_values);
    }
}

/* The blocks of all reduce partitions share two columns. */
static void
ds_shuffle_output_take_columns (DsShuffleOutput *output,
                                DsArena *arena,
                                const DsValue *keys,
                                const DsValue *values,
                                const gsize *starts,
                                DsBlock *holder)
{
  for (guint i = 0; i < output->n_reduces; i++)
    {
      const gsize n_values = starts[i + 1] - starts[i];

      if (n_values == 0)
        continue;
      output->blocks[i] =
          ds_block_new_take_columns (ds_arena_ref (arena), keys + starts[i],
                                     values != NULL ? values + starts[i] : NULL,
                                     n_values);
      ds_block_hold (output->blocks[i], holder);
    }
}

/* Deals a table's columns out, keeping their order within each partition. */
static gboolean
ds_shuffle_combiner_deal (DsShuffleWriter *self)
{
  DsShuffleOutput *output = self->head.output;
  g_autofree gsize *starts = g_new0 (gsize, (gsize) output->n_reduces + 1);
  g_autofree gsize *next = g_new (gsize, output->n_reduces);
  g_autofree guint32 *partitions = NULL;
  g_autoptr (DsArena) arena = NULL;
  const DsValue *keys;
  const DsValue *values;
  DsValue *dealt_keys;
  DsValue *dealt_values = NULL;
  gsize n_keys;

  ds_block_get_columns (self->block, &keys, &values, &n_keys);
  partitions = g_new (guint32, MAX (n_keys, 1));
  for (gsize done = 0; done < n_keys; done += DS_CHUNK_MAX_VALUES)
    if (!ds_shuffle_writer_get_partitions (self, keys + done,
                                           MIN (n_keys - done, DS_CHUNK_MAX_VALUES),
                                           partitions + done))
      return FALSE;
  for (gsize i = 0; i < n_keys; i++)
    starts[partitions[i] + 1]++;
  for (guint i = 0; i < output->n_reduces; i++)
    {
      starts[i + 1] += starts[i];
      next[i] = starts[i];
    }

  arena = ds_arena_new_sized (ds_task_get_arena_pool (self->head.sink.task),
                              n_keys * sizeof (DsValue) * (values != NULL ? 2 : 1));
  dealt_keys = ds_arena_alloc (arena, n_keys * sizeof (DsValue));
  if (values != NULL)
    dealt_values = ds_arena_alloc (arena, n_keys * sizeof (DsValue));
  for (gsize i = 0; i < n_keys; i++)
    {
      const gsize at = next[partitions[i]]++;

      dealt_keys[at] = keys[i];
      if (dealt_values != NULL)
        dealt_values[at] = values[i];
    }
  output->n_bytes += ds_arena_get_n_bytes (arena);
  ds_shuffle_output_take_columns (output, arena, dealt_keys, dealt_values, starts,
                                  self->block);
  return TRUE;
}

static gboolean
ds_shuffle_combiner_finish (DsSink *sink)
{
  DsShuffleWriter *self = (DsShuffleWriter *) sink;
  DsShuffle *shuffle = self->shuffle;

  if (sink->task->error != NULL)
    return FALSE;
  if (shuffle->hint != NULL)
    ds_shuffle_hint_set (&shuffle->hint->n_map_keys,
                         ds_table_get_n_keys_hint (self->table));
  self->block = ds_table_end (self->table);
  g_clear_pointer (&self->table, ds_table_free);
  if (self->block == NULL)
    return FALSE;
  if (self->is_local)
    return TRUE;

  self->head.output = ds_shuffle_output_new (shuffle->n_reduces);
  self->head.output->blocks = g_new0 (DsBlock *, shuffle->n_reduces);
  self->head.output->n_bytes = ds_block_get_n_bytes (self->block);
  if (shuffle->partitioner == NULL || ds_partitioner_is_single (shuffle->partitioner))
    {
      if (ds_block_get_length (self->block) > 0)
        self->head.output->blocks[0] = g_steal_pointer (&self->block);
      return TRUE;
    }
  return ds_shuffle_combiner_deal (self);
}

DsSink *
ds_shuffle_make_combiner (DsShuffle *self, DsTask *task)
{
  DsShuffleWriter *writer = ds_shuffle_writer_new (self, task->partition, task);
  const gsize n_keys =
      self->hint != NULL ? ds_shuffle_hint_get (&self->hint->n_map_keys) : 0;

  writer->head.sink.push = ds_shuffle_combiner_push;
  writer->head.sink.finish = ds_shuffle_combiner_finish;
  writer->table = ds_shuffle_make_table (self, task, n_keys);
  writer->is_local = TRUE;
  return &writer->head.sink;
}

DsBlock *
ds_shuffle_combiner_steal_block (DsSink *combiner)
{
  return g_steal_pointer (&((DsShuffleWriter *) combiner)->block);
}

/* ---- Dealing out ---- */

/* @error (transfer full): under this operator's name, whoever pushes. */
static void
ds_shuffle_dealer_fail (DsShuffleWriter *self, GError *error)
{
  DsTaskFrame frame =
      ds_task_enter (self->head.sink.task, self->head.sink.operator_name, NULL, NULL);

  ds_task_take_error (self->head.sink.task, error);
  ds_task_leave (self->head.sink.task, &frame);
}

static gboolean
ds_shuffle_dealer_add (DsShuffleWriter *self, guint partition, const DsChunk *chunk)
{
  GError *error = NULL;

  if (ds_spill_buffer_add (self->head.output->buffers[partition], chunk, &error))
    return TRUE;
  ds_shuffle_dealer_fail (self, error);
  return FALSE;
}

/* Puts @chunk into the order of @partitions and hands each stretch to its buffer. */
static gboolean
ds_shuffle_dealer_deal (DsShuffleWriter *self,
                        const DsChunk *chunk,
                        const guint32 *partitions,
                        DsValue *values,
                        DsValue *pair_values)
{
  const guint n_reduces = self->shuffle->n_reduces;
  gsize *starts = self->starts;

  memset (starts, 0, ((gsize) n_reduces + 1) * sizeof *starts);
  for (gsize i = 0; i < chunk->n_values; i++)
    starts[partitions[i] + 1]++;
  for (guint i = 0; i < n_reduces; i++)
    starts[i + 1] += starts[i];
  for (gsize i = 0; i < chunk->n_values; i++)
    {
      const gsize at = starts[partitions[i]]++;

      values[at] = chunk->values[i];
      if (chunk->form == DS_FORM_PAIRS)
        pair_values[at] = chunk->pair_values[i];
    }

  /* Each start has moved to its partition's end. */
  for (guint i = 0; i < n_reduces; i++)
    {
      const gsize start = i > 0 ? starts[i - 1] : 0;
      const DsChunk dealt = { .form = chunk->form,
                              .n_values = starts[i] - start,
                              .values = values + start,
                              .pair_values = pair_values + start };

      if (dealt.n_values > 0 && !ds_shuffle_dealer_add (self, i, &dealt))
        return FALSE;
    }
  return TRUE;
}

static gboolean
ds_shuffle_dealer_push (DsSink *sink, const DsChunk *chunk)
{
  DsShuffleWriter *self = (DsShuffleWriter *) sink;
  guint32 partitions[DS_CHUNK_MAX_VALUES];
  DsValue *values;
  DsValue *pair_values;
  gboolean success;

  if (self->shuffle->partitioner == NULL)
    {
      for (gsize i = 0; i < chunk->n_values; i++)
        {
          partitions[i] = self->next_partition++;
          if (self->next_partition == self->shuffle->n_reduces)
            self->next_partition = 0;
        }
    }
  else if (!ds_shuffle_writer_get_partitions (self, chunk->values, chunk->n_values,
                                              partitions))
    {
      return FALSE;
    }
  if (self->shuffle->n_reduces == 1)
    return ds_shuffle_dealer_add (self, 0, chunk);

  values = ds_scratch_column_take ();
  pair_values = ds_scratch_column_take ();
  success = ds_shuffle_dealer_deal (self, chunk, partitions, values, pair_values);
  ds_scratch_column_give (pair_values);
  ds_scratch_column_give (values);
  return success;
}

static gboolean
ds_shuffle_dealer_finish (DsSink *sink)
{
  DsShuffleWriter *self = (DsShuffleWriter *) sink;
  GError *error = NULL;

  if (sink->task->error != NULL)
    return FALSE;
  for (guint i = 0; i < self->shuffle->n_reduces; i++)
    if (!ds_spill_buffer_seal (self->head.output->buffers[i], &error))
      {
        ds_shuffle_dealer_fail (self, error);
        return FALSE;
      }
  return TRUE;
}

static DsSink *
ds_shuffle_make_dealer (DsShuffle *self, guint map_partition, DsTask *task)
{
  DsShuffleWriter *writer = ds_shuffle_writer_new (self, map_partition, task);
  DsMemoryBudget *budget = ds_context_get_memory_budget (task->context);
  g_autoptr (DsSpillFile) file =
      ds_shuffle_get_spill_file (self, ds_context_get_local_directory (task->context));

  writer->head.sink.push = ds_shuffle_dealer_push;
  writer->head.sink.finish = ds_shuffle_dealer_finish;
  if (self->input != DS_SHUFFLE_PAIRS)
    writer->head.sink.accepts = DS_ACCEPTS_VALUES | DS_ACCEPTS_PAIRS;
  writer->starts = g_new (gsize, (gsize) self->n_reduces + 1);
  /* Map partitions start in different places, or small ones would all go to the first. */
  writer->next_partition = map_partition % self->n_reduces;
  writer->head.output = ds_shuffle_output_new (self->n_reduces);
  writer->head.output->buffers = g_new0 (DsSpillBuffer *, self->n_reduces);
  for (guint i = 0; i < self->n_reduces; i++)
    writer->head.output->buffers[i] =
        ds_spill_buffer_new_in_file (budget, file, self->n_reduces);
  return &writer->head.sink;
}

/* ---- For the scheduler ---- */

DsSink *
ds_shuffle_make_writer (DsShuffle *self, guint map_partition, DsTask *task)
{
  DsShuffleWriter *writer;

  if (self->sorts)
    return ds_shuffle_make_sorter (self, map_partition, task);
  if (!self->combines)
    return ds_shuffle_make_dealer (self, map_partition, task);
  writer = (DsShuffleWriter *) ds_shuffle_make_combiner (self, task);
  writer->head.map_partition = map_partition;
  writer->is_local = FALSE;
  return &writer->head.sink;
}

void
ds_shuffle_commit_writer (DsShuffle *self, DsSink *sink)
{
  DsShuffleWriterHead *writer = (DsShuffleWriterHead *) sink;
  DsShuffleOutput *output = g_steal_pointer (&writer->output);

  if (output->blocks != NULL) /* buffers account for themselves */
    {
      output->budget =
          ds_memory_budget_ref (ds_context_get_memory_budget (sink->task->context));
      ds_memory_budget_take (output->budget, output->n_bytes);
    }
  ds_shuffle_take_output (self, writer->map_partition, output);
}
