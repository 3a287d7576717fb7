/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The action count: chunks are counted, never looked at; text is counted by line ends. */

#include "base/ds-splitter-private.h"
#include "rdd/ds-action-private.h"
#include "rdd/ds-job-private.h"
#include "rdd/ds-sink-private.h"

typedef struct
{
  DsSink sink;
  gint64 n_values;
} DsCountSink;

static gboolean
ds_count_sink_push (DsSink *sink, const DsChunk *chunk)
{
  DsCountSink *self = (DsCountSink *) sink;

  if (chunk->form == DS_FORM_TEXT)
    self->n_values += (gint64) ds_count_lines (chunk->text, chunk->n_text_bytes);
  else
    self->n_values += (gint64) chunk->n_values;
  return TRUE;
}

static gboolean
ds_count_sink_finish (DsSink *sink)
{
  return TRUE;
}

static void
ds_count_sink_free (DsSink *sink)
{
  g_free (sink);
}

static DsSink *
ds_count_make_sink (DsTask *task, guint index, gpointer data)
{
  DsCountSink *sink = ds_sink_alloc (sizeof *sink, task, NULL);

  sink->sink.push = ds_count_sink_push;
  sink->sink.finish = ds_count_sink_finish;
  sink->sink.free = ds_count_sink_free;
  sink->sink.accepts = DS_ACCEPTS_VALUES | DS_ACCEPTS_PAIRS | DS_ACCEPTS_TEXT;
  return &sink->sink;
}

static void
ds_count_commit (DsTask *task, guint index, DsSink *sink, gpointer data)
{
  gint64 *total = data;

  __atomic_add_fetch (total, ((DsCountSink *) sink)->n_values, __ATOMIC_RELAXED);
}

static void
ds_count_commit_partition (DsTask *task, guint index, DsSink *sink, gpointer data)
{
  ((gint64 *) data)[index] = ((DsCountSink *) sink)->n_values;
}

gboolean
ds_job_count_partitions (DsJob *self, DsRdd *rdd, guint n_partitions, gint64 *n_values)
{
  static const DsJobFuncs funcs = { ds_count_make_sink, ds_count_commit_partition };

  return ds_job_run_stage (self, rdd, n_partitions, &funcs, n_values);
}

gboolean
ds_rdd_count_partitions (DsRdd *self, gint64 *n_values, GError **error)
{
  static const DsJobFuncs funcs = { ds_count_make_sink, ds_count_commit_partition };

  return ds_context_run_job (ds_rdd_get_context (self), self, NULL, 0, &funcs, n_values,
                             error);
}

/**
 * ds_rdd_count:
 * @self: an RDD
 * @error: return location for an error
 *
 * Counts the values.
 *
 * Runs a job and waits for it; honours g_cancellable_get_current ().
 *
 * Returns: how many there are; -1 with @error
 */
gint64
ds_rdd_count (DsRdd *self, GError **error)
{
  static const DsJobFuncs funcs = { ds_count_make_sink, ds_count_commit };
  gint64 total = 0;

  g_return_val_if_fail (DS_IS_RDD (self), -1);

  if (!ds_context_run_job (ds_rdd_get_context (self), self, NULL, 0, &funcs, &total,
                           error))
    return -1;
  return total;
}
