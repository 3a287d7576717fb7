/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Push execution: a partition is read in chunks, and each chunk is pushed through a chain
 * of sinks, one per narrow operator, into a terminal sink (collect, count, shuffle
 * writer, ...).
 *
 * Rules:
 *  - A value in a chunk lives until push returns.  Whoever keeps it copies it, or holds
 * the block that chunk->block names.
 *  - push returns FALSE for "enough" (take, first) and after a failure (the task then has
 * its error); the source stops.  finish is called once, after the last push, also when it
 * was FALSE without failure; it flushes, then finishes the next sink.
 *  - Every sink takes all forms through ds_sink_push (): what it does not accept as it is
 * comes converted.  A chunk has at most %DS_CHUNK_MAX_VALUES values; a text chunk at most
 *    %DS_CHUNK_MAX_TEXT bytes unless one line is longer.
 *  - Nothing is allocated, locked or reference-counted per value.
 */

#include "base/ds-block-private.h"
#include "rdd/ds-task.h"

G_BEGIN_DECLS

#define DS_CHUNK_MAX_VALUES 1024
#define DS_CHUNK_MAX_TEXT (64 * 1024)

typedef struct _DsChunk DsChunk;
typedef struct _DsSink DsSink;

struct _DsChunk
{
  DsForm form;
  gboolean strip_cr;          /* text */
  gsize n_values;             /* of columns; not known for text */
  const DsValue *values;      /* values, or keys */
  const DsValue *pair_values; /* of pairs */
  const char *text;
  gsize n_text_bytes;
  DsBlock *block; /* (nullable): holds everything the values point to, for sinks that keep
                     them */
};

struct _DsSink
{
  gboolean (*push) (DsSink *self, const DsChunk *chunk);
  gboolean (*finish) (DsSink *self); /* FALSE: the task failed */
  void (*free) (DsSink *self);       /* frees itself, not the next one */
  guint accepts;                     /* bit mask: 1 << DsForm */
  DsTask *task;
  DsSink *next;              /* (nullable): owned, freed by ds_sink_free () */
  const char *operator_name; /* (nullable): for messages; set by ds_rdd_compute () */
  /* What has come in: values, and bytes of text whose lines were not counted.  Counted
   * once a chunk, for ds_rdd_get_flow (). */
  guint64 n_values_in;
  guint64 n_text_bytes_in;
  gpointer
      feeder; /* (nullable): the RDD whose values come in; set by ds_rdd_compute () */
};

#define DS_ACCEPTS_VALUES (1u << DS_FORM_VALUES)
#define DS_ACCEPTS_PAIRS (1u << DS_FORM_PAIRS)
#define DS_ACCEPTS_TEXT (1u << DS_FORM_TEXT)

/* Out of line: brings @chunk into a form that @self accepts (lines cut; tuples made of
 * two columns or split into two; a value that is no pair fails the task, type error), and
 * pushes it. */
gboolean ds_sink_push_converted (DsSink *self, const DsChunk *chunk);

static inline void
ds_sink_count (DsSink *self, const DsChunk *chunk)
{
  if (G_LIKELY (chunk->form != DS_FORM_TEXT))
    self->n_values_in += chunk->n_values;
  else
    self->n_text_bytes_in += chunk->n_text_bytes;
}

/* The one entry point. */
static inline gboolean
ds_sink_push (DsSink *self, const DsChunk *chunk)
{
  ds_sink_count (self, chunk);
  if (G_LIKELY (self->accepts & (1u << chunk->form)))
    return self->push (self, chunk);
  return ds_sink_push_converted (self, chunk);
}

static inline gboolean
ds_sink_finish (DsSink *self)
{
  return self->finish (self);
}

/* Frees the whole chain. */
void ds_sink_free (DsSink *self);
/* A sink struct of @size bytes, cleared, with its common part filled. */
gpointer ds_sink_alloc (gsize size, DsTask *task, DsSink *next);
/* What most finish functions end with. */
gboolean ds_sink_finish_next (DsSink *self);

/* The values of a block as chunks. */
gboolean ds_sink_push_block (DsSink *self, DsBlock *block);
/* Columns of any length as chunks.  @block (nullable) holds what they point to. */
gboolean ds_sink_push_columns (DsSink *self,
                               const DsValue *values,
                               const DsValue *pair_values,
                               gsize n_values,
                               DsBlock *block);
/* Text of any length as chunks that end at line ends. */
gboolean ds_sink_push_text (DsSink *self,
                            const char *text,
                            gsize n_bytes,
                            gboolean strip_cr,
                            DsBlock *block);

/* Scratch columns of %DS_CHUNK_MAX_VALUES values, not cleared, recycled within a thread:
 * what sinks put results into. */
DsValue *ds_scratch_column_take (void);
void ds_scratch_column_give (DsValue *column); /* (nullable) */

/* ---- Terminal sinks of general use ---- */

/* Deep copies everything into *@block, set in finish.  (transfer full) */
DsSink *ds_block_sink_new (DsTask *task, DsBlock **block);

G_END_DECLS
