/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Between the batches that are over and the receiver that brings the next ones.  The rate
 * is published at once: that is a lock and a few numbers, and later it would only be
 * older. */

#include "dstream/ds-rate-controller-private.h"

struct _DsRateController
{
  DsPidRateEstimator *estimator;
  DsReceiverSupervisor *supervisor; /* not owned */
  double rate;                      /* that it was told last; 0: none */
};

DsRateController *
ds_rate_controller_new (DsPidRateEstimator *estimator, DsReceiverSupervisor *supervisor)
{
  DsRateController *self = g_new0 (DsRateController, 1);

  self->estimator = estimator;
  self->supervisor = supervisor;
  return self;
}

void
ds_rate_controller_free (DsRateController *self)
{
  ds_pid_rate_estimator_free (self->estimator);
  g_free (self);
}

void
ds_rate_controller_complete (DsRateController *self,
                             DsTime processing_end,
                             gint64 n_records,
                             DsDuration processing_delay,
                             DsDuration scheduling_delay)
{
  double rate = 0;

  if (!ds_pid_rate_estimator_compute (self->estimator, processing_end, n_records,
                                      processing_delay, scheduling_delay, &rate))
    return;
  self->rate = rate;
  ds_receiver_supervisor_publish_rate (self->supervisor, rate);
}

void
ds_rate_controller_get_state (DsRateController *self, DsPidState *state, double *rate)
{
  ds_pid_rate_estimator_get_state (self->estimator, state);
  *rate = self->rate;
}

void
ds_rate_controller_set_state (DsRateController *self,
                              const DsPidState *state,
                              double rate)
{
  ds_pid_rate_estimator_set_state (self->estimator, state);
  self->rate = rate;
  if (rate > 0)
    ds_receiver_supervisor_publish_rate (self->supervisor, rate);
}
