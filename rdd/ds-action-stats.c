/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* stats and histogram: what can be said of many numbers in one pass.
 *
 * Mean and variance are updated value by value and merged in the order of partitions:
 * T. Chan, G. Golub and R. LeVeque, "Updating Formulae and a Pairwise Algorithm for
 * Computing Sample Variances" (Stanford STAN-CS-79-773, 1979).  Sums of squares would
 * lose everything where the mean is large and the variance small. */

#include "base/ds-error.h"
#include "rdd/ds-job-private.h"

#include <math.h>

/* What both sinks do: numbers, one at a time, under the action's name. */
static gboolean
ds_numbers_sink_push (DsSink *sink,
                      const DsChunk *chunk,
                      const char *name,
                      void (*add) (DsSink *sink, double number))
{
  DsTask *task = sink->task;
  DsTaskFrame frame = ds_task_enter (task, name, NULL, NULL);

  for (gsize i = 0; i < chunk->n_values; i++)
    {
      double number;

      task->current = &chunk->values[i];
      number = ds_value_get_double (chunk->values[i]);
      if (G_UNLIKELY (task->error != NULL))
        break;
      add (sink, number);
    }
  ds_task_leave (task, &frame);
  return task->error == NULL;
}

static gboolean
ds_numbers_sink_finish (DsSink *sink)
{
  return sink->task->error == NULL;
}

/* ---- stats ---- */

/* Of a partition, or of all. */
typedef struct
{
  gint64 count;
  double mean;
  double squares; /* of the distances from the mean, added up */
  double min;
  double max;
} DsMoments;

typedef struct
{
  DsSink sink;
  DsMoments moments;
} DsStatsSink;

static void
ds_stats_sink_add (DsSink *sink, double number)
{
  DsMoments *self = &((DsStatsSink *) sink)->moments;
  const double distance = number - self->mean;

  self->count++;
  self->mean += distance / (double) self->count;
  self->squares += distance * (number - self->mean);
  self->min = self->count == 1 ? number : fmin (self->min, number);
  self->max = self->count == 1 ? number : fmax (self->max, number);
}

static void
ds_moments_merge (DsMoments *self, const DsMoments *other)
{
  const double n = (double) (self->count + other->count);
  const double distance = other->mean - self->mean;

  if (other->count == 0)
    return;
  if (self->count == 0)
    {
      *self = *other;
      return;
    }
  self->squares += other->squares +
                   distance * distance * (double) self->count * (double) other->count / n;
  self->mean += distance * (double) other->count / n;
  self->count += other->count;
  self->min = fmin (self->min, other->min);
  self->max = fmax (self->max, other->max);
}

static gboolean
ds_stats_sink_push (DsSink *sink, const DsChunk *chunk)
{
  return ds_numbers_sink_push (sink, chunk, "stats", ds_stats_sink_add);
}

static void
ds_stats_sink_free (DsSink *sink)
{
  g_free (sink);
}

static DsSink *
ds_stats_make_sink (DsTask *task, guint index, gpointer data)
{
  DsStatsSink *self = ds_sink_alloc (sizeof *self, task, NULL);

  self->sink.push = ds_stats_sink_push;
  self->sink.finish = ds_numbers_sink_finish;
  self->sink.free = ds_stats_sink_free;
  self->sink.accepts = DS_ACCEPTS_VALUES;
  return &self->sink;
}

static void
ds_stats_commit (DsTask *task, guint index, DsSink *sink, gpointer data)
{
  ((DsMoments *) data)[index] = ((DsStatsSink *) sink)->moments;
}

/**
 * ds_rdd_stats:
 * @self: an RDD of numbers
 * @stats: (out caller-allocates): count, mean, variance of the population, least and
 *   largest; NaN instead of the last four when the count is 0
 * @error: return location for an error
 *
 * Describes numbers in one pass.
 *
 * Runs a job and waits for it; honours g_cancellable_get_current ().  A value that is no
 * number fails it with %DS_ERROR_TYPE.
 *
 * Returns: %FALSE with @error; @stats is not set then
 */
gboolean
ds_rdd_stats (DsRdd *self, DsStats *stats, GError **error)
{
  static const DsJobFuncs funcs = { ds_stats_make_sink, ds_stats_commit };
  g_autofree DsMoments *moments = NULL;
  DsMoments all = { 0 };
  guint n_partitions;

  g_return_val_if_fail (DS_IS_RDD (self) && stats != NULL, FALSE);

  if (!ds_rdd_prepare (self, error))
    return FALSE;
  n_partitions = ds_rdd_get_n_partitions (self);
  moments = g_new0 (DsMoments, MAX (n_partitions, 1));
  if (!ds_context_run_job (ds_rdd_get_context (self), self, NULL, n_partitions, &funcs,
                           moments, error))
    return FALSE;
  for (guint i = 0; i < n_partitions; i++)
    ds_moments_merge (&all, &moments[i]);
  *stats = (DsStats){ .count = all.count,
                      .mean = all.mean,
                      .variance = all.squares / (double) all.count,
                      .min = all.min,
                      .max = all.max };
  if (all.count == 0)
    stats->mean = stats->variance = stats->min = stats->max = (double) NAN;
  return TRUE;
}

/* ---- histogram ---- */

typedef struct
{
  const double *edges;
  gsize n_edges;
  gint64 *counts; /* atomic */
} DsHistogram;

typedef struct
{
  DsSink sink;
  const DsHistogram *histogram;
  gint64 *counts; /* of this partition */
} DsHistogramSink;

static void
ds_histogram_sink_add (DsSink *sink, double number)
{
  DsHistogramSink *self = (DsHistogramSink *) sink;
  const double *edges = self->histogram->edges;
  gsize low = 0;
  gsize high = self->histogram->n_edges - 1;

  if (!(number >= edges[low] && number <= edges[high]))
    return;
  /* edges[low] <= number; the last range has both of its edges. */
  while (high - low > 1)
    {
      const gsize middle = low + (high - low) / 2;

      if (edges[middle] <= number)
        low = middle;
      else
        high = middle;
    }
  self->counts[low]++;
}

static gboolean
ds_histogram_sink_push (DsSink *sink, const DsChunk *chunk)
{
  return ds_numbers_sink_push (sink, chunk, "histogram", ds_histogram_sink_add);
}

static void
ds_histogram_sink_free (DsSink *sink)
{
  g_free (((DsHistogramSink *) sink)->counts);
  g_free (sink);
}

static DsSink *
ds_histogram_make_sink (DsTask *task, guint index, gpointer data)
{
  DsHistogramSink *self = ds_sink_alloc (sizeof *self, task, NULL);

  self->sink.push = ds_histogram_sink_push;
  self->sink.finish = ds_numbers_sink_finish;
  self->sink.free = ds_histogram_sink_free;
  self->sink.accepts = DS_ACCEPTS_VALUES;
  self->histogram = data;
  self->counts = g_new0 (gint64, self->histogram->n_edges - 1);
  return &self->sink;
}

static void
ds_histogram_commit (DsTask *task, guint index, DsSink *sink, gpointer data)
{
  const DsHistogram *self = data;
  const gint64 *counts = ((DsHistogramSink *) sink)->counts;

  for (gsize i = 0; i + 1 < self->n_edges; i++)
    __atomic_add_fetch (&self->counts[i], counts[i], __ATOMIC_RELAXED);
}

static gboolean
ds_histogram_check_edges (const double *edges, gsize n_edges, GError **error)
{
  if (n_edges < 2)
    {
      g_set_error (error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT,
                   "histogram: %" G_GSIZE_FORMAT " edges make no range: it takes two or "
                   "more",
                   n_edges);
      return FALSE;
    }
  for (gsize i = 0; i + 1 < n_edges; i++)
    if (!(edges[i] < edges[i + 1]))
      {
        g_set_error (error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT,
                     "histogram: edge %" G_GSIZE_FORMAT " is %g and the one after it %g: "
                     "each has to be larger than the one before",
                     i, edges[i], edges[i + 1]);
        return FALSE;
      }
  return TRUE;
}

/**
 * ds_rdd_histogram:
 * @self: an RDD of numbers
 * @edges: (array length=n_edges): where ranges begin and end, each larger than the one
 *   before
 * @n_edges: how many edges; 2 or more
 * @counts: (out caller-allocates) (array): @n_edges - 1 numbers: how many values lie from
 *   each edge to just before the next one; the last range has both of its edges
 * @error: return location for an error
 *
 * Counts numbers by ranges.  Those outside of all of them, and NaN, are not counted.
 *
 * Runs a job and waits for it; honours g_cancellable_get_current ().  Edges that do not
 * ascend fail with %DS_ERROR_INVALID_ARGUMENT, a value that is no number with
 * %DS_ERROR_TYPE.
 *
 * Returns: %FALSE with @error
 */
gboolean
ds_rdd_histogram (DsRdd *self,
                  const double *edges,
                  gsize n_edges,
                  gint64 *counts,
                  GError **error)
{
  static const DsJobFuncs funcs = { ds_histogram_make_sink, ds_histogram_commit };
  DsHistogram histogram = { edges, n_edges, counts };

  g_return_val_if_fail (DS_IS_RDD (self) && edges != NULL && counts != NULL, FALSE);

  if (!ds_histogram_check_edges (edges, n_edges, error))
    return FALSE;
  memset (counts, 0, (n_edges - 1) * sizeof *counts);
  return ds_context_run_job (ds_rdd_get_context (self), self, NULL, 0, &funcs, &histogram,
                             error);
}
