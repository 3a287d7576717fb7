/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How the engine waits on a clock.  Steady time starts as the clock's time did and never
 * jumps: the system clock's follows CLOCK_MONOTONIC; the manual clock's is its time. */

#include "base/ds-clock.h"

G_BEGIN_DECLS

/* (transfer none): the system's. */
DsClock *ds_clock_get_system (void);
DsTime ds_clock_get_steady_time (DsClock *self);
/* Waits until steady time is >= @time or *@stopping is TRUE; TRUE when the time has come.
 */
gboolean ds_clock_wait_until (DsClock *self, DsTime time, const gint *stopping);
/* Makes waiters look at their @stopping again. */
void ds_clock_wake (DsClock *self);

G_END_DECLS
