/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sample: some of the values, chosen by a generator that begins anew with each partition,
 * so that the choice is the same whenever and wherever the partition is computed. */

#include "base/ds-error.h"
#include "rdd/ds-narrow-private.h"
#include "rdd/ds-random-private.h"

typedef struct
{
  gboolean with_replacement;
  double fraction;
  guint64 seed;
} DsSampling;

typedef struct
{
  DsFunctionSink function_sink;
  const DsSampling *sampling;
  DsRandom random;
} DsSampleSink;

/* How often the next value is taken, or, with replacement, a part of that: *@mean, at
 * first the fraction, is what is left of it then.  However large it is, the reader may
 * have enough after any part. */
static guint64
ds_sample_sink_draw (DsSampleSink *self, double *mean)
{
  const double part = MIN (*mean, DS_RANDOM_POISSON_PART);

  *mean -= part;
  if (self->sampling->with_replacement)
    return ds_random_next_poisson (&self->random, part);
  return ds_random_next_double (&self->random) < part;
}

/* @n times the value at @i.  FALSE: enough. */
static gboolean
ds_sample_sink_take (DsSampleSink *self,
                     const DsChunk *chunk,
                     gsize i,
                     guint64 n,
                     DsChunk *taken)
{
  DsSink *sink = &self->function_sink.sink;

  for (; n > 0; n--)
    {
      self->function_sink.results[taken->n_values] = chunk->values[i];
      if (chunk->form == DS_FORM_PAIRS)
        self->function_sink.more_results[taken->n_values] = chunk->pair_values[i];
      if (++taken->n_values < DS_CHUNK_MAX_VALUES)
        continue;
      if (!ds_task_may_go_on (sink->task) || !ds_sink_push (sink->next, taken))
        return FALSE;
      taken->n_values = 0;
    }
  return TRUE;
}

static gboolean
ds_sample_sink_push (DsSink *sink, const DsChunk *chunk)
{
  DsSampleSink *self = (DsSampleSink *) sink;
  DsChunk taken = { .form = chunk->form,
                    .values = self->function_sink.results,
                    .pair_values = chunk->form == DS_FORM_PAIRS
                                       ? self->function_sink.more_results
                                       : NULL,
                    .block = chunk->block };

  for (gsize i = 0; i < chunk->n_values; i++)
    {
      double mean = self->sampling->fraction;

      do
        if (!ds_sample_sink_take (self, chunk, i, ds_sample_sink_draw (self, &mean),
                                  &taken))
          return FALSE;
      while (mean > 0);
    }
  return taken.n_values == 0 || ds_sink_push (sink->next, &taken);
}

static DsSink *
ds_sampled_rdd_make_sink (DsRdd *rdd, guint partition, DsTask *task, DsSink *next)
{
  const DsSampling *sampling = ((DsNarrowRdd *) rdd)->closure.user_data;
  DsSampleSink *self = ds_sink_alloc (sizeof *self, task, next);
  DsSink *sink = &self->function_sink.sink;

  sink->push = ds_sample_sink_push;
  sink->finish = ds_sink_finish_next;
  sink->free = ds_function_sink_free;
  sink->accepts = DS_ACCEPTS_VALUES | DS_ACCEPTS_PAIRS;
  self->function_sink.results = ds_scratch_column_take ();
  self->function_sink.more_results = ds_scratch_column_take ();
  self->sampling = sampling;
  self->random = ds_random_new (sampling->seed, partition);
  return sink;
}

static const DsRddOps ds_sampled_rdd_ops = { .make_sink = ds_sampled_rdd_make_sink };

DS_DEFINE_NARROW_RDD (DsSampledRdd, ds_sampled_rdd, &ds_sampled_rdd_ops)

/**
 * ds_rdd_sample:
 * @self: an RDD
 * @with_replacement: whether a value may be taken several times
 * @fraction: how many there shall be for each value on average: at least 0, without
 *   replacement at most 1
 * @seed: which sample: the same one gives the same values every time
 *
 * A random part of the values, in their order; partitions stay as they are.
 *
 * Without replacement each value is taken with the probability @fraction, with it as
 * often as a Poisson distribution of that mean says.  So the size is only about @fraction
 * of that of @self; ds_rdd_take_sample () takes an exact number.  Any other @fraction
 * latches %DS_ERROR_INVALID_ARGUMENT.
 *
 * Returns: (transfer full): the RDD of the values taken
 */
DsRdd *
ds_rdd_sample (DsRdd *self, gboolean with_replacement, double fraction, guint64 seed)
{
  DsSampling *sampling;
  DsRdd *rdd;

  g_return_val_if_fail (DS_IS_RDD (self), NULL);

  sampling = g_new (DsSampling, 1);
  *sampling = (DsSampling){ with_replacement, fraction, seed };
  rdd = ds_narrow_rdd_new (ds_sampled_rdd_get_type (), self, "sample", TRUE, NULL,
                           sampling, g_free);
  if (!(fraction >= 0) || isinf (fraction) || (!with_replacement && fraction > 1))
    ds_rdd_latch_error (rdd, g_error_new (DS_ERROR, DS_ERROR_INVALID_ARGUMENT,
                                          "sample: a fraction of %g was asked for: it is "
                                          "at least 0, and without replacement at most 1",
                                          fraction));
  return rdd;
}
