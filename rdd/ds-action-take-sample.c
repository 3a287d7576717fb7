/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* take_sample: exactly so many values, in random order.
 *
 * Without replacement each value draws a random number, and those with the smallest ones
 * are taken: one pass, and no more than n values of each partition are kept.  With
 * replacement places among all values are drawn, which takes counting them first. */

#include "base/ds-error.h"
#include "rdd/ds-action-private.h"
#include "rdd/ds-job-private.h"
#include "rdd/ds-narrow-private.h"
#include "rdd/ds-random-private.h"

/* ---- Without replacement: (random number, value) ---- */

typedef struct
{
  DsFunctionSink function_sink;
  DsRandom random;
} DsLotSink;

static gboolean
ds_lot_sink_push (DsSink *sink, const DsChunk *chunk)
{
  DsLotSink *self = (DsLotSink *) sink;
  DsValue *lots = self->function_sink.results;
  const DsChunk drawn = { .form = DS_FORM_PAIRS,
                          .n_values = chunk->n_values,
                          .values = lots,
                          .pair_values = chunk->values };

  for (gsize i = 0; i < chunk->n_values; i++)
    lots[i] = ds_value_int ((gint64) ds_random_next (&self->random));
  return ds_sink_push (sink->next, &drawn);
}

static DsSink *
ds_lot_rdd_make_sink (DsRdd *rdd, guint partition, DsTask *task, DsSink *next)
{
  const guint64 *seed = ((DsNarrowRdd *) rdd)->closure.user_data;
  DsLotSink *self = ds_sink_alloc (sizeof *self, task, next);
  DsSink *sink = &self->function_sink.sink;

  sink->push = ds_lot_sink_push;
  sink->finish = ds_sink_finish_next;
  sink->free = ds_function_sink_free;
  sink->accepts = DS_ACCEPTS_VALUES;
  self->function_sink.results = ds_scratch_column_take ();
  self->random = ds_random_new (*seed, partition);
  return sink;
}

static const DsRddOps ds_lot_rdd_ops = { .make_sink = ds_lot_rdd_make_sink };

DS_DEFINE_NARROW_RDD (DsLotRdd, ds_lot_rdd, &ds_lot_rdd_ops)

/* ---- With replacement: the values at drawn places ---- */

typedef struct
{
  guint64 place; /* among all values */
  guint64 turn;  /* as which it was drawn */
} DsDraw;

typedef struct
{
  DsDraw *draws; /* by place */
  gsize n_draws;
  gint64 *begins; /* place of each partition's first value, and the number of all */
  DsBlock **blocks;
} DsDrawing;

typedef struct
{
  DsSink sink;
  const DsDraw *draw; /* the next one */
  const DsDraw *end;  /* of this partition */
  guint64 place;      /* of the next value */
  DsBlockBuilder *builder;
  DsBlock *block; /* (nullable): (turn, value); set by finish */
} DsDrawSink;

static int
ds_draw_compare (gconstpointer a, gconstpointer b)
{
  const DsDraw *x = a;
  const DsDraw *y = b;

  return (x->place > y->place) - (x->place < y->place);
}

static gboolean
ds_draw_sink_push (DsSink *sink, const DsChunk *chunk)
{
  DsDrawSink *self = (DsDrawSink *) sink;

  for (; self->draw < self->end && self->draw->place - self->place < chunk->n_values;
       self->draw++)
    ds_block_builder_add_pair (self->builder, ds_value_int ((gint64) self->draw->turn),
                               chunk->values[self->draw->place - self->place]);
  self->place += chunk->n_values;
  return self->draw < self->end;
}

static gboolean
ds_draw_sink_finish (DsSink *sink)
{
  DsDrawSink *self = (DsDrawSink *) sink;

  if (sink->task->error != NULL)
    return FALSE;
  if (self->draw < self->end)
    {
      ds_task_fail (sink->task,
                    "take_sample: the partition has fewer values than when they were "
                    "counted: persist an RDD that is not the same each time");
      return FALSE;
    }
  self->block = ds_block_builder_end (self->builder);
  return TRUE;
}

static void
ds_draw_sink_free (DsSink *sink)
{
  DsDrawSink *self = (DsDrawSink *) sink;

  ds_block_builder_unref (self->builder);
  g_clear_pointer (&self->block, ds_block_unref);
  g_free (self);
}

/* The first draw whose place is not before @place. */
static const DsDraw *
ds_drawing_find (const DsDrawing *self, guint64 place)
{
  gsize low = 0;
  gsize high = self->n_draws;

  while (low < high)
    {
      const gsize middle = low + (high - low) / 2;

      if (self->draws[middle].place < place)
        low = middle + 1;
      else
        high = middle;
    }
  return self->draws + low;
}

static DsSink *
ds_drawing_make_sink (DsTask *task, guint index, gpointer data)
{
  const DsDrawing *self = data;
  DsDrawSink *sink = ds_sink_alloc (sizeof *sink, task, NULL);

  sink->sink.push = ds_draw_sink_push;
  sink->sink.finish = ds_draw_sink_finish;
  sink->sink.free = ds_draw_sink_free;
  sink->sink.accepts = DS_ACCEPTS_VALUES;
  sink->place = (guint64) self->begins[index];
  sink->draw = ds_drawing_find (self, sink->place);
  sink->end = ds_drawing_find (self, (guint64) self->begins[index + 1]);
  sink->builder = ds_block_builder_new ();
  return &sink->sink;
}

static void
ds_drawing_commit (DsTask *task, guint index, DsSink *sink, gpointer data)
{
  DsDrawing *self = data;

  self->blocks[index] = ds_task_bring_block (task, ((DsDrawSink *) sink)->block);
}

/* The values in the order in which they were drawn. */
static DsBlock *
ds_drawing_end (DsDrawing *self, guint n_partitions)
{
  g_autofree DsValue *values = g_new (DsValue, MAX (self->n_draws, 1));

  for (guint i = 0; i < n_partitions; i++)
    for (gsize j = 0; j < ds_block_get_length (self->blocks[i]); j++)
      {
        DsValue turn;
        DsValue value;

        ds_block_get_pair (self->blocks[i], j, &turn, &value);
        values[ds_value_get_int (turn)] = value;
      }
  return ds_block_new (values, self->n_draws);
}

/* @n_values of each partition, and one more: become the partitions' begins. */
static void
ds_drawing_begin (DsDrawing *self, guint n_partitions, gsize n, guint64 seed)
{
  DsRandom random = ds_random_new (seed, n_partitions);
  gint64 n_all = 0;

  for (guint i = 0; i <= n_partitions; i++)
    {
      const gint64 n_values = self->begins[i];

      self->begins[i] = n_all;
      n_all += n_values;
    }
  self->n_draws = n_all > 0 ? n : 0;
  self->draws = g_new (DsDraw, MAX (self->n_draws, 1));
  for (gsize i = 0; i < self->n_draws; i++)
    self->draws[i] = (DsDraw){ ds_random_next_below (&random, (guint64) n_all), i };
  qsort (self->draws, self->n_draws, sizeof *self->draws, ds_draw_compare);
}

static DsBlock *
ds_rdd_draw (DsRdd *self, gsize n, guint64 seed, GError **error)
{
  static const DsJobFuncs funcs = { ds_drawing_make_sink, ds_drawing_commit };
  const guint n_partitions = ds_rdd_get_n_partitions (self);
  DsDrawing drawing = { .begins = g_new0 (gint64, n_partitions + 1),
                        .blocks = g_new0 (DsBlock *, MAX (n_partitions, 1)) };
  DsBlock *block = NULL;

  if (ds_rdd_count_partitions (self, drawing.begins, error))
    {
      ds_drawing_begin (&drawing, n_partitions, n, seed);
      if (ds_context_run_job (ds_rdd_get_context (self), self, NULL, n_partitions, &funcs,
                              &drawing, error))
        block = ds_drawing_end (&drawing, n_partitions);
    }
  for (guint i = 0; i < n_partitions; i++)
    g_clear_pointer (&drawing.blocks[i], ds_block_unref);
  g_free (drawing.blocks);
  g_free (drawing.begins);
  g_free (drawing.draws);
  return block;
}

/**
 * ds_rdd_take_sample:
 * @self: an RDD
 * @with_replacement: whether a value may be taken several times
 * @n: how many values
 * @seed: which sample: the same one gives the same values every time
 * @error: return location for an error
 *
 * Brings @n values to the caller, chosen at random, each as likely as any other, in
 * random order.  They have to fit in memory.  With replacement the values are counted
 * first, and more than 4,294,967,295 are %DS_ERROR_INVALID_ARGUMENT.
 *
 * Runs a job, with replacement two, and waits for it; honours g_cancellable_get_current
 * ().
 *
 * Returns: (transfer full): a block of @n values; without replacement of all of them when
 *   there are not so many, and empty when there are none; %NULL with @error
 */
DsBlock *
ds_rdd_take_sample (DsRdd *self,
                    gboolean with_replacement,
                    gsize n,
                    guint64 seed,
                    GError **error)
{
  g_autoptr (DsRdd) lots = NULL;

  g_return_val_if_fail (DS_IS_RDD (self), NULL);

  if (!ds_rdd_prepare (self, error))
    return NULL;
  if (with_replacement && n > G_MAXUINT32)
    {
      g_set_error (error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT,
                   "take_sample: a sample of %" G_GSIZE_FORMAT
                   " values with replacement is more than a block holds; take at most %u",
                   n, G_MAXUINT32);
      return NULL;
    }
  if (with_replacement)
    return ds_rdd_draw (self, n, seed, error);
  lots = ds_narrow_rdd_new (ds_lot_rdd_get_type (), self, "take_sample", FALSE, NULL,
                            &seed, NULL);
  return ds_rdd_take_by_key (lots, n, FALSE, error);
}
