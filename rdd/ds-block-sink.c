/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A terminal sink that keeps a deep copy of everything as one block: what collect and
 * whoever else wants a partition in memory ends a chain with. */

#include "base/ds-block-private.h"
#include "rdd/ds-sink-private.h"
#include "rdd/ds-task-private.h"

typedef struct
{
  DsSink sink;
  DsBlockBuilder *builder;
  DsBlock **block;
} DsBlockSink;

static gboolean
ds_block_sink_push (DsSink *sink, const DsChunk *chunk)
{
  DsBlockSink *self = (DsBlockSink *) sink;

  ds_block_builder_add_columns (self->builder, chunk->values,
                                chunk->form == DS_FORM_PAIRS ? chunk->pair_values : NULL,
                                chunk->n_values);
  return TRUE;
}

static gboolean
ds_block_sink_finish (DsSink *sink)
{
  DsBlockSink *self = (DsBlockSink *) sink;

  *self->block = ds_block_builder_end (self->builder);
  return TRUE;
}

static void
ds_block_sink_free (DsSink *sink)
{
  DsBlockSink *self = (DsBlockSink *) sink;

  ds_block_builder_unref (self->builder);
  g_free (self);
}

DsSink *
ds_block_sink_new (DsTask *task, DsBlock **block)
{
  DsBlockSink *self = ds_sink_alloc (sizeof *self, task, NULL);

  self->sink.push = ds_block_sink_push;
  self->sink.finish = ds_block_sink_finish;
  self->sink.free = ds_block_sink_free;
  self->sink.accepts = DS_ACCEPTS_VALUES | DS_ACCEPTS_PAIRS;
  self->builder = ds_block_builder_new ();
  self->block = block;
  return &self->sink;
}
