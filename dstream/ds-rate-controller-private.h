/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsRateController: tells one receiver after each batch how fast it may go on. */

#include "dstream/ds-pid-rate-estimator-private.h"
#include "receivers/ds-receiver-supervisor-private.h"

G_BEGIN_DECLS

typedef struct _DsRateController DsRateController;

/* Takes over @estimator; @supervisor must live as long.  */
DsRateController *ds_rate_controller_new (DsPidRateEstimator *estimator,
                                          DsReceiverSupervisor *supervisor);
void ds_rate_controller_free (DsRateController *self);

/* Thread: driver, one at a time.  A batch with @n_records of the stream is over. */
void ds_rate_controller_complete (DsRateController *self,
                                  DsTime processing_end,
                                  gint64 n_records,
                                  DsDuration processing_delay,
                                  DsDuration scheduling_delay);

/* What it has learned and told; @rate (out): what the receiver was told last, 0: nothing
 * yet. */
void
ds_rate_controller_get_state (DsRateController *self, DsPidState *state, double *rate);
/* Goes on from there: tells the receiver that again. */
void ds_rate_controller_set_state (DsRateController *self,
                                   const DsPidState *state,
                                   double rate);

G_END_DECLS
