/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The batch timer is arithmetic on one fixed point: at the start the wall clock says
 * which multiple of the interval comes next, and from then on only steady time counts.
 * Ticks that are overdue stay due, one after the other, so none is lost; giving one up is
 * a decision of the catch-up policy, and is counted. */

#include "dstream/ds-batch-timer-private.h"

/* A stop runs so many ticks before their time, so a clock that is behind by no more than
 * these has not been set back: the restart came soon.  It is waited for; going on ahead
 * of it would put each such restart further ahead. */
#define DS_N_LAST_TICKS 2

DsTime
ds_batch_timer_start_time (DsTime now, DsDuration interval)
{
  return ds_time_floor (now, interval, 0) + interval;
}

DsTime
ds_batch_timer_restart_time (DsTime now, DsDuration interval, DsTime original_zero_time)
{
  return ds_time_floor (now, interval, original_zero_time) + interval;
}

void
ds_batch_timer_init (DsBatchTimer *self, DsClock *clock, DsDuration interval)
{
  DsTime now = ds_clock_get_time (clock);

  *self = (DsBatchTimer){
    .clock = g_object_ref (clock),
    .interval = interval,
    .zero_time = ds_batch_timer_start_time (now, interval) - interval,
    .offset = now - ds_clock_get_steady_time (clock),
    .next = 1,
    .last = G_MAXINT64,
    .known = G_MININT64,
    .started = now,
  };
}

void
ds_batch_timer_init_restored (DsBatchTimer *self,
                              DsClock *clock,
                              DsDuration interval,
                              DsTime zero_time,
                              DsTime done_time,
                              DsTime last_time,
                              DsDuration *set_back)
{
  DsTime now = ds_clock_get_time (clock);

  *set_back = MAX (last_time - now, 0);
  if (*set_back <= DS_N_LAST_TICKS * interval)
    *set_back = 0;
  *self = (DsBatchTimer){
    .clock = g_object_ref (clock),
    .interval = interval,
    .zero_time = zero_time,
    .offset = now + *set_back - ds_clock_get_steady_time (clock),
    .next = (done_time - zero_time) / interval + 1,
    .last = G_MAXINT64,
    .known = last_time,
    .started = MAX (now, last_time),
  };
}

void
ds_batch_timer_clear (DsBatchTimer *self)
{
  g_clear_object (&self->clock);
}

DsTime
ds_batch_timer_get_time (const DsBatchTimer *self, gint64 n_ahead)
{
  return self->zero_time + (self->next + n_ahead) * self->interval;
}

DsTime
ds_batch_timer_get_due (const DsBatchTimer *self, gint64 n_ahead)
{
  return ds_batch_timer_get_time (self, n_ahead) - self->offset;
}

gboolean
ds_batch_timer_is_over (const DsBatchTimer *self)
{
  return self->next > self->last;
}

gboolean
ds_batch_timer_is_due (const DsBatchTimer *self, gint64 n_ahead)
{
  if (self->next + n_ahead > self->last)
    return FALSE;
  return self->hurries || ds_batch_timer_get_time (self, n_ahead) <= self->known ||
         ds_clock_get_steady_time (self->clock) >= ds_batch_timer_get_due (self, n_ahead);
}

DsTime
ds_batch_timer_fire (DsBatchTimer *self)
{
  DsTime time = ds_batch_timer_get_time (self, 0);
  DsDuration lateness =
      ds_clock_get_steady_time (self->clock) - ds_batch_timer_get_due (self, 0);

  if (time >= self->started)
    {
      if (lateness >= self->interval)
        self->n_missed++;
      self->max_lateness = MAX (self->max_lateness, lateness);
    }
  self->n_fired++;
  self->next++;
  return time;
}

gint64
ds_batch_timer_get_n_overdue (const DsBatchTimer *self)
{
  DsDuration lateness =
      ds_clock_get_steady_time (self->clock) - ds_batch_timer_get_due (self, 0);

  return CLAMP (lateness / self->interval, 0, MAX (self->last - self->next, 0));
}

void
ds_batch_timer_skip (DsBatchTimer *self, gint64 n)
{
  self->n_missed += n;
  self->next += n;
}

DsTime
ds_batch_timer_finish (DsBatchTimer *self)
{
  DsDuration passed = ds_batch_timer_get_now (self) - self->zero_time;

  /* One that is late has more than one tick behind it, and what arrived up to now belongs
   * to the first tick that is not before now: that one must still fire.  That is behind
   * those that another process had, which may be ahead of the clock. */
  if (self->last == G_MAXINT64)
    {
      self->last = MAX (self->next + 1, (passed + self->interval - 1) / self->interval);
      if (self->known > self->zero_time && self->known >= self->zero_time + passed)
        self->last =
            MAX (self->last, (self->known - self->zero_time) / self->interval + 1);
    }
  return self->zero_time + self->last * self->interval;
}

void
ds_batch_timer_end_at (DsBatchTimer *self, DsTime time)
{
  self->last = MAX (self->next - 1, (time - self->zero_time) / self->interval);
}

gint64
ds_batch_timer_get_n_to_make_up (const DsBatchTimer *self)
{
  return MAX ((self->started - self->zero_time) / self->interval - self->next + 1, 0);
}

void
ds_batch_timer_hurry (DsBatchTimer *self)
{
  self->hurries = TRUE;
}

DsTime
ds_batch_timer_get_now (const DsBatchTimer *self)
{
  return ds_clock_get_steady_time (self->clock) + self->offset;
}
