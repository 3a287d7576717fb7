/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsBatchLog: how the last batches went, for those who ask: delays of the last ten, the
 * last failure, and, in the nodes of the graph, what each stream gave in the last batch.
 * Any thread; a lock of its own, which nobody waits or calls out under. */

#include "dstream/ds-graph-private.h"
#include "dstream/ds-job-set-private.h"

G_BEGIN_DECLS

typedef struct _DsBatchLog DsBatchLog;

/* Delays that the distributions are of. */
#define DS_BATCH_LOG_LENGTH 10

typedef struct
{
  DsDuration minimum; /* all %DS_TIME_NONE when there is nothing to tell of */
  DsDuration median;
  DsDuration maximum;
} DsDistribution;

typedef struct
{
  gint64 n_completed;
  gint64 n_failed;
  guint n_delays; /* batches that the distributions are of */
  DsDistribution scheduling_delay;
  DsDistribution processing_delay;
  DsDistribution total_delay;
} DsBatchStatistics;

/* What is told of the last batch that is over. */
typedef struct
{
  DsTime time;   /* DS_TIME_NONE: none is */
  GError *error; /* (nullable) owned: why it failed */
  GArray
      *failed_outputs; /* (nullable) owned: guint, their ids; NULL: generation failed */
} DsLastBatch;

DsBatchLog *ds_batch_log_new (void);
void ds_batch_log_free (DsBatchLog *self);

/* The batch of @set is over, with @error (nullable) or without; before its RDDs are
 * forgotten.  Thread: driver.  Locks: takes the graph's, then its own. */
void
ds_batch_log_add (DsBatchLog *self, DsGraph *graph, DsJobSet *set, const GError *error);

void ds_batch_log_get_statistics (DsBatchLog *self, DsBatchStatistics *statistics);
/* Also copies the notes of all streams into @notes, by their place in the graph, which
 * has to be built. */
void ds_batch_log_get_last (DsBatchLog *self,
                            DsGraph *graph,
                            DsLastBatch *last,
                            DsStreamNote *notes);
void ds_last_batch_clear (DsLastBatch *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (DsLastBatch, ds_last_batch_clear)

G_END_DECLS
