/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/ds-macros.h"

#include "base/ds-time.h"

G_BEGIN_DECLS

/**
 * DsClock:
 *
 * Where a streaming context gets its time from.  The default follows the system: wall
 * time for batch times, monotonic time for waiting.
 */
#define DS_TYPE_CLOCK (ds_clock_get_type ())
DS_AVAILABLE_IN_ALL
G_DECLARE_DERIVABLE_TYPE (DsClock, ds_clock, DS, CLOCK, GObject)
struct _DsClockClass
{
  GObjectClass parent_class;
  /*< private >*/
  gconstpointer ops; /* DsClockOps, base/ds-clock-private.h */
  gpointer padding[7];
};

DS_AVAILABLE_IN_ALL
DsTime ds_clock_get_time (DsClock *self);

/**
 * DsManualClock:
 *
 * A clock that stands still until told otherwise: for tests, and for stepping through a
 * stream. Thread-safe.
 */
#define DS_TYPE_MANUAL_CLOCK (ds_manual_clock_get_type ())
DS_AVAILABLE_IN_ALL
G_DECLARE_FINAL_TYPE (DsManualClock, ds_manual_clock, DS, MANUAL_CLOCK, DsClock)

DS_AVAILABLE_IN_ALL
DsManualClock *ds_manual_clock_new (DsTime start);

/* Moves on by @step µs (> 0); every batch whose time is reached is generated.  Returns at
 * once: ds_streaming_context_await_batch () waits for the batch. */
DS_AVAILABLE_IN_ALL
void ds_manual_clock_advance (DsManualClock *self, DsDuration step);
DS_AVAILABLE_IN_ALL
void ds_manual_clock_set_time (DsManualClock *self, DsTime time); /* may jump back */

G_END_DECLS
