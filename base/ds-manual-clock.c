/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A clock that stands still until it is told otherwise. */

#include "base/ds-clock-private.h"

struct _DsManualClock
{
  DsClock parent_instance;
  DsTime time; /* atomic */
};

G_DEFINE_FINAL_TYPE (DsManualClock, ds_manual_clock, DS_TYPE_CLOCK)

static DsTime
ds_manual_clock_get_time (DsClock *clock)
{
  return __atomic_load_n (&DS_MANUAL_CLOCK (clock)->time, __ATOMIC_SEQ_CST);
}

static gint64
ds_manual_clock_get_deadline (DsClock *clock, DsTime time)
{
  return G_MAXINT64;
}

static void
ds_manual_clock_class_init (DsManualClockClass *klass)
{
  static const DsClockOps ops = {
    .get_time = ds_manual_clock_get_time,
    .get_steady_time = ds_manual_clock_get_time,
    .get_deadline = ds_manual_clock_get_deadline,
  };

  DS_CLOCK_CLASS (klass)->ops = &ops;
}

static void
ds_manual_clock_init (DsManualClock *self)
{
}

/**
 * ds_manual_clock_new:
 * @start: what it shows, in µs since 1970-01-01 00:00 UTC
 *
 * Makes a clock for tests, and for stepping through a stream: it stands still until
 * ds_manual_clock_advance () or ds_manual_clock_set_time ().
 *
 * Returns: (transfer full): the clock
 */
DsManualClock *
ds_manual_clock_new (DsTime start)
{
  DsManualClock *self = g_object_new (DS_TYPE_MANUAL_CLOCK, NULL);

  self->time = start;
  return self;
}

/**
 * ds_manual_clock_advance:
 * @self: a manual clock
 * @step: how far it moves on, in µs, more than 0
 *
 * Moves the clock on.  Every batch whose time is reached is generated.  Returns at once:
 * ds_streaming_context_await_batch () waits for a batch.
 *
 * Any thread.
 */
void
ds_manual_clock_advance (DsManualClock *self, DsDuration step)
{
  g_return_if_fail (DS_IS_MANUAL_CLOCK (self));
  g_return_if_fail (step > 0);

  __atomic_add_fetch (&self->time, step, __ATOMIC_SEQ_CST);
  ds_clock_wake (DS_CLOCK (self));
}

/**
 * ds_manual_clock_set_time:
 * @self: a manual clock
 * @time: what it shows from now on, in µs since 1970-01-01 00:00 UTC
 *
 * Sets the clock.  It may jump back: batch times never do, so the next batch then comes
 * when its time is reached again.
 *
 * Any thread.
 */
void
ds_manual_clock_set_time (DsManualClock *self, DsTime time)
{
  g_return_if_fail (DS_IS_MANUAL_CLOCK (self));

  __atomic_store_n (&self->time, time, __ATOMIC_SEQ_CST);
  ds_clock_wake (DS_CLOCK (self));
}
