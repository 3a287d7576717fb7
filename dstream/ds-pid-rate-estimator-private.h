/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsPidRateEstimator: how many records a second a stream can take, from how the batches
 * before went.  One thread at a time. */

#include "base/ds-time.h"

G_BEGIN_DECLS

typedef struct _DsPidRateEstimator DsPidRateEstimator;

typedef struct
{
  DsDuration batch_interval; /* more than 0 */
  double proportional;       /* how much of what is wrong now is set right at once */
  double integral;           /* how fast a backlog is worked off */
  double derivative;         /* how much a trend counts */
  double min_rate;           /* records a second, more than 0: never less */
} DsPidSettings;

/* What it has learned. */
typedef struct
{
  gboolean has_begun;
  DsTime last_time;
  double last_rate;
  double last_error;
} DsPidState;

/* %DS_ERROR_INVALID_ARGUMENT names what is out of range. */
DsPidRateEstimator *ds_pid_rate_estimator_new (const DsPidSettings *settings,
                                               GError **error);
void ds_pid_rate_estimator_free (DsPidRateEstimator *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsPidRateEstimator, ds_pid_rate_estimator_free)

/* A batch of @n_records was over at @time, @processing_delay after it was begun, and
 * @scheduling_delay had it waited before that.  TRUE with the new @rate, in records a
 * second; FALSE when nothing follows from it. */
gboolean ds_pid_rate_estimator_compute (DsPidRateEstimator *self,
                                        DsTime time,
                                        gint64 n_records,
                                        DsDuration processing_delay,
                                        DsDuration scheduling_delay,
                                        double *rate);

/* To go on in another process. */
void ds_pid_rate_estimator_get_state (DsPidRateEstimator *self, DsPidState *state);
void ds_pid_rate_estimator_set_state (DsPidRateEstimator *self, const DsPidState *state);

G_END_DECLS
