/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Results of a batch that windows behind it will need: a block a partition.
 *
 *   first frame   "results", version, time, number of blocks
 *   frames        block, whether its values are pairs, number of values; values, or keys
 *                 and values in turn
 *   last frame    number of blocks
 *
 * A block without a frame is empty. */

#include "rdd/ds-checkpoint-frame-private.h"

#include "base/ds-block-private.h"
#include "base/ds-codec-private.h"
#include "base/ds-error.h"

#define DS_RESULTS_SAVE_NAME "results"
#define DS_RESULTS_SAVE_VERSION 1
/* Values that are decoded at a time. */
#define DS_RESULTS_LOAD_RUN 512

/* ---- Saving ---- */

static gboolean
ds_results_put_block (DsFrameWriter *frames, guint number, DsBlock *block, GError **error)
{
  const DsValue *values;
  const DsValue *pair_values;
  gsize n_values;
  gsize i = 0;

  ds_block_get_columns (block, &values, &pair_values, &n_values);
  while (i < n_values)
    {
      gsize first = i;
      gsize count_at;

      ds_frame_writer_put_int (frames, number);
      ds_frame_writer_put_int (frames, pair_values != NULL);
      count_at = ds_frame_writer_put_count (frames);
      for (; i < n_values && i - first < G_MAXINT32 && !ds_frame_writer_is_full (frames);
           i++)
        {
          ds_frame_writer_put (frames, values[i]);
          if (pair_values != NULL)
            ds_frame_writer_put (frames, pair_values[i]);
        }
      ds_frame_writer_set_count (frames, count_at, (guint32) (i - first));
      if (!ds_frame_writer_end (frames, error))
        return FALSE;
    }
  return TRUE;
}

gboolean
ds_results_save (DsTime time,
                 DsBlock *const *blocks,
                 guint n_blocks,
                 DsStateWriter *writer,
                 GError **error)
{
  DsFrameWriter frames;
  gboolean ok;

  ds_frame_writer_init (&frames, writer);
  ds_frame_writer_put (&frames, ds_value_string (DS_RESULTS_SAVE_NAME));
  ds_frame_writer_put_int (&frames, DS_RESULTS_SAVE_VERSION);
  ds_frame_writer_put_int (&frames, time);
  ds_frame_writer_put_int (&frames, n_blocks);
  ok = ds_frame_writer_end (&frames, error);
  for (guint i = 0; ok && i < n_blocks; i++)
    ok = ds_results_put_block (&frames, i, blocks[i], error);
  if (ok)
    {
      ds_frame_writer_put_int (&frames, n_blocks);
      ok = ds_frame_writer_end (&frames, error);
    }
  ds_frame_writer_clear (&frames);
  return ok;
}

/* ---- Loading ---- */

typedef struct
{
  DsFrameReader frames;
  DsTime time;
  guint n_blocks;
  DsBlock **blocks;
  DsBlockBuilder *builder; /* of the block in work */
  guint number;
  gboolean has_pairs; /* it: so far */
  DsArena *arena;
} DsResultsLoad;

static gboolean
ds_results_load_take_value (DsResultsLoad *self, DsValue *value, GError **error)
{
  const guint8 *bytes;
  gsize n_bytes;

  if (!ds_frame_reader_take_encoded (&self->frames, &bytes, &n_bytes, error))
    return FALSE;
  *value = ds_state_decode (bytes, self->arena);
  return TRUE;
}

/* Values of a frame, into the builder. */
static gboolean
ds_results_load_take_values (DsResultsLoad *self, gint64 n_values, GError **error)
{
  DsValue values[DS_RESULTS_LOAD_RUN];
  DsValue pair_values[DS_RESULTS_LOAD_RUN];

  while (n_values > 0)
    {
      gsize n = (gsize) MIN (n_values, DS_RESULTS_LOAD_RUN);

      for (gsize i = 0; i < n; i++)
        if (!ds_results_load_take_value (self, &values[i], error) ||
            (self->has_pairs &&
             !ds_results_load_take_value (self, &pair_values[i], error)))
          return FALSE;
      ds_block_builder_add_columns (self->builder, values,
                                    self->has_pairs ? pair_values : NULL, n);
      ds_arena_reset (self->arena);
      n_values -= (gint64) n;
    }
  return ds_frame_reader_is_at_end (&self->frames)
             ? TRUE
             : ds_frame_reader_fail (&self->frames, error,
                                     "there is more than its values");
}

/* Blocks before @number are complete. */
static void
ds_results_load_end_blocks (DsResultsLoad *self, guint number)
{
  for (; self->number < number; self->number++)
    {
      self->blocks[self->number] = ds_block_builder_end (self->builder);
      ds_block_builder_unref (self->builder);
      self->builder = ds_block_builder_new ();
    }
}

static gboolean
ds_results_load_take_blocks (DsResultsLoad *self, GError **error)
{
  DsFrameReader *frames = &self->frames;
  gint64 number, has_pairs, n_values;

  for (;;)
    {
      if (!ds_frame_reader_next (frames, error) ||
          !ds_frame_reader_take_int (frames, "the number of a block", self->number,
                                     self->n_blocks, &number, error))
        return FALSE;
      ds_results_load_end_blocks (self, (guint) number);
      if (number == self->n_blocks)
        return ds_frame_reader_is_at_end (frames)
                   ? TRUE
                   : ds_frame_reader_fail (frames, error, "there is more than that");
      if (!ds_frame_reader_take_int (frames, "whether there are pairs", 0, 1, &has_pairs,
                                     error) ||
          !ds_frame_reader_take_int (frames, "the number of values", 1, G_MAXUINT32,
                                     &n_values, error))
        return FALSE;
      if (ds_block_builder_get_n_values (self->builder) > 0 &&
          has_pairs != self->has_pairs)
        return ds_frame_reader_fail (frames, error, "a block is half of pairs");
      self->has_pairs = has_pairs != 0;
      if (!ds_results_load_take_values (self, n_values, error))
        return FALSE;
    }
}

static gboolean
ds_results_load_take_head (DsResultsLoad *self, GError **error)
{
  DsFrameReader *frames = &self->frames;
  gint64 n_blocks;

  if (!ds_frame_reader_next (frames, error) ||
      !ds_frame_reader_take_name (frames, DS_RESULTS_SAVE_NAME, DS_RESULTS_SAVE_VERSION,
                                  error) ||
      !ds_frame_reader_take_int (frames, "its time", 0, G_MAXINT64, &self->time, error) ||
      !ds_frame_reader_take_int (frames, "the number of blocks", 0, G_MAXUINT32,
                                 &n_blocks, error))
    return FALSE;
  if (n_blocks != self->n_blocks)
    {
      g_set_error (error, DS_ERROR, DS_ERROR_GRAPH_MISMATCH,
                   "The saved results lie in %" G_GINT64_FORMAT
                   " partitions, but the stream has %u. Give it as many as it had",
                   n_blocks, self->n_blocks);
      return FALSE;
    }
  return ds_frame_reader_is_at_end (frames)
             ? TRUE
             : ds_frame_reader_fail (frames, error, "there is more than its head");
}

DsBlock **
ds_results_load (guint n_blocks, DsTime *time, DsStateReader *reader, GError **error)
{
  DsResultsLoad load = { .n_blocks = n_blocks,
                         .blocks = g_new0 (DsBlock *, n_blocks + 1),
                         .builder = ds_block_builder_new (),
                         .arena = ds_arena_new (NULL) };
  gboolean ok;

  ds_frame_reader_init (&load.frames, reader, "saved results");
  ok = ds_results_load_take_head (&load, error) &&
       ds_results_load_take_blocks (&load, error);
  ds_frame_reader_clear (&load.frames);
  ds_block_builder_unref (load.builder);
  ds_arena_unref (load.arena);
  *time = load.time;
  if (ok)
    return load.blocks;
  ds_results_free (load.blocks);
  return NULL;
}

void
ds_results_free (DsBlock **blocks)
{
  for (guint i = 0; blocks[i] != NULL; i++)
    ds_block_unref (blocks[i]);
  g_free (blocks);
}
