/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What becomes of ticks for which no process, or none that was quick enough, was there:
 * the setting "catch-up-policy".  Locks: the timer's owner's. */

#include "dstream/ds-batch-timer-private.h"
#include "dstream/ds-streaming-context.h"

G_BEGIN_DECLS

/* At a start @last_time is the last batch there was.  A pause of many batches that are
 * all made up for is logged once. */
void ds_missed_batches_tell (const DsBatchTimer *timer,
                             DsStreamingContext *context,
                             DsTime last_time);
/* Gives up overdue ticks, as the policy says.  The newest one due stays. */
void ds_missed_batches_give_up (DsBatchTimer *timer, DsStreamingContext *context);
/* At a graceful stop that takes too long: ends @timer before those of the ticks that were
 * missed before this run that have not fired, but behind what was planned.  Not when
 * something that was received waits for its batch, or when there are none: then
 * @left_after stays as it is.  Returns how many are left to the next run. */
gint64 ds_missed_batches_leave (DsBatchTimer *timer,
                                DsStreamingContext *context,
                                DsTime *left_after);

G_END_DECLS
