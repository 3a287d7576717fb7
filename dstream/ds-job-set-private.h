/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsJobSet: everything that one batch has to do; made by the generator, run by the
 * scheduler.  Belongs to one thread at a time. */

#include "dstream/ds-graph-private.h"

G_BEGIN_DECLS

typedef struct _DsJobSet
{
  DsTime time;
  DsBatch *batch;      /* (nullable): as submitted; NULL: no output has anything to do */
  GPtrArray *steps;    /* DsRdd, owned: run before the outputs, in this order */
  GArray *jobs;        /* DsOutputJob, in the order of registration */
  DsInputInfo *inputs; /* (nullable) */
  guint n_inputs;
  gint64 n_records;
  DsTime submission_time;
  DsTime processing_start; /* DS_TIME_NONE: it was not run */
  DsTime processing_end;
  guint64 plan_sequence; /* of its plan in the log, to wait for; 0: there is none */
  gboolean is_replay;    /* outputs of it may have run before */
  gboolean is_given_up;  /* it was in an earlier process */
  GError *error;         /* (nullable): generation failed, there is nothing to run */
} DsJobSet;

DsJobSet *ds_job_set_new (DsTime time);
void ds_job_set_free (DsJobSet *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsJobSet, ds_job_set_free)

/* ds-job-generator.c.  Thread: driver, one at a time.  Never NULL. */
DsJobSet *ds_job_generator_generate (DsStreamingContext *context, DsTime time);
/* Batches before this time would be without any input; G_MAXINT64: all, as things are;
 * G_MININT64: that is not known. */
DsTime ds_job_generator_get_idle_until (DsStreamingContext *context);

/* ds-job-scheduler.c.  Thread: driver, one at a time, in the order of time.  Runs all
 * outputs, tries again as the failure policy says.  FALSE with the first error when
 * outputs failed for good. */
gboolean
ds_job_scheduler_run (DsStreamingContext *context, DsJobSet *set, GError **error);

G_END_DECLS
