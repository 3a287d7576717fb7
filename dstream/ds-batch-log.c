/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A batch that is over leaves a few numbers: its delays, and how many values each stream
 * gave.  They are copied out when it ends, so that whoever explains a running stream
 * needs neither the RDDs, which are forgotten, nor the lock of the graph, under which
 * functions of the program run. */

#include "dstream/ds-batch-log-private.h"

#include <string.h>

typedef struct
{
  DsDuration scheduling;
  DsDuration processing;
} DsBatchDelays;

struct _DsBatchLog
{
  GMutex lock;
  gint64 n_completed;
  gint64 n_failed;
  DsBatchDelays delays[DS_BATCH_LOG_LENGTH]; /* a ring */
  gint64 n_delays;                           /* that were ever written */
  DsLastBatch last;
};

DsBatchLog *
ds_batch_log_new (void)
{
  DsBatchLog *self = g_new0 (DsBatchLog, 1);

  g_mutex_init (&self->lock);
  self->last.time = DS_TIME_NONE;
  return self;
}

void
ds_batch_log_free (DsBatchLog *self)
{
  ds_last_batch_clear (&self->last);
  g_mutex_clear (&self->lock);
  g_free (self);
}

void
ds_last_batch_clear (DsLastBatch *self)
{
  g_clear_error (&self->error);
  g_clear_pointer (&self->failed_outputs, g_array_unref);
}

/* ---- Writing ---- */

static gint64
ds_batch_log_find_received (DsJobSet *set, DsDStream *stream)
{
  for (guint i = 0; DS_IS_INPUT_DSTREAM (stream) && i < set->n_inputs; i++)
    if (set->inputs[i].stream_id == ds_dstream_get_node (stream)->id)
      return set->inputs[i].is_uncounted ? -1 : set->inputs[i].n_records;
  return -1;
}

/* Locks: needs the graph's and self->lock. */
static void
ds_batch_log_note_stream (DsDStream *stream, DsJobSet *set)
{
  DsDStreamNode *node = ds_dstream_get_node (stream);
  DsRdd *rdd = ds_dstream_find_rdd (stream, set->time);

  node->note.time = set->time;
  node->note.has_rdd = rdd != NULL;
  if (rdd != NULL)
    ds_rdd_get_flow (rdd, &node->note.flow);
  if (node->n_parents == 0)
    node->note.n_received = ds_batch_log_find_received (set, stream);
}

/* Locks: needs self->lock. */
static void
ds_batch_log_note_failure_locked (DsBatchLog *self, DsJobSet *set, const GError *error)
{
  self->n_failed++;
  self->last.error = g_error_copy (error);
  if (set->error != NULL)
    return;

  self->last.failed_outputs = g_array_new (FALSE, FALSE, sizeof (guint));
  for (guint i = 0; i < set->jobs->len; i++)
    {
      DsOutputJob *job = &g_array_index (set->jobs, DsOutputJob, i);

      if (job->has_failed)
        g_array_append_val (self->last.failed_outputs, job->output->id);
    }
}

void
ds_batch_log_add (DsBatchLog *self, DsGraph *graph, DsJobSet *set, const GError *error)
{
  guint n_streams = ds_graph_get_n_streams (graph);

  ds_graph_lock (graph);
  g_mutex_lock (&self->lock);
  ds_last_batch_clear (&self->last);
  self->last.time = set->time;
  if (error != NULL)
    ds_batch_log_note_failure_locked (self, set, error);
  else
    self->n_completed++;
  if (set->submission_time != DS_TIME_NONE && set->processing_start != DS_TIME_NONE)
    self->delays[self->n_delays++ % DS_BATCH_LOG_LENGTH] = (DsBatchDelays){
      .scheduling = set->processing_start - set->submission_time,
      .processing = set->processing_end - set->processing_start,
    };
  for (guint i = 0; i < n_streams; i++)
    ds_batch_log_note_stream (ds_graph_get_stream (graph, i), set);
  g_mutex_unlock (&self->lock);
  ds_graph_unlock (graph);
}

/* ---- Reading ---- */

void
ds_batch_log_get_last (DsBatchLog *self,
                       DsGraph *graph,
                       DsLastBatch *last,
                       DsStreamNote *notes)
{
  guint n_streams = ds_graph_get_n_streams (graph);

  g_mutex_lock (&self->lock);
  last->time = self->last.time;
  last->error = self->last.error != NULL ? g_error_copy (self->last.error) : NULL;
  last->failed_outputs =
      self->last.failed_outputs != NULL ? g_array_copy (self->last.failed_outputs) : NULL;
  for (guint i = 0; i < n_streams; i++)
    notes[i] = ds_dstream_get_node (ds_graph_get_stream (graph, i))->note;
  g_mutex_unlock (&self->lock);
}

static int
ds_batch_log_compare (gconstpointer a, gconstpointer b)
{
  DsDuration first = *(const DsDuration *) a;
  DsDuration second = *(const DsDuration *) b;

  return (first > second) - (first < second);
}

static void
ds_distribution_fill (DsDistribution *self, DsDuration *delays, guint n_delays)
{
  if (n_delays == 0)
    {
      *self = (DsDistribution){ DS_TIME_NONE, DS_TIME_NONE, DS_TIME_NONE };
      return;
    }
  qsort (delays, n_delays, sizeof *delays, ds_batch_log_compare);
  *self = (DsDistribution){ delays[0], delays[(n_delays - 1) / 2], delays[n_delays - 1] };
}

void
ds_batch_log_get_statistics (DsBatchLog *self, DsBatchStatistics *statistics)
{
  DsDuration scheduling[DS_BATCH_LOG_LENGTH];
  DsDuration processing[DS_BATCH_LOG_LENGTH];
  DsDuration total[DS_BATCH_LOG_LENGTH];
  guint n;

  g_mutex_lock (&self->lock);
  n = (guint) MIN (self->n_delays, DS_BATCH_LOG_LENGTH);
  for (guint i = 0; i < n; i++)
    {
      scheduling[i] = self->delays[i].scheduling;
      processing[i] = self->delays[i].processing;
      total[i] = scheduling[i] + processing[i];
    }
  *statistics = (DsBatchStatistics){ .n_completed = self->n_completed,
                                     .n_failed = self->n_failed,
                                     .n_delays = n };
  g_mutex_unlock (&self->lock);

  ds_distribution_fill (&statistics->scheduling_delay, scheduling, n);
  ds_distribution_fill (&statistics->processing_delay, processing, n);
  ds_distribution_fill (&statistics->total_delay, total, n);
}
