/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsBatchTimer: which batch time comes next, and when it is due.  Time is counted, not
 * read: tick k has the batch time zero + k * interval, and is due at a point of the
 * clock's steady time that was fixed at the start, so that neither a late tick nor a
 * jump of the wall clock moves the ones after it.  Not locked: its owner does that. */

#include "base/ds-clock-private.h"

G_BEGIN_DECLS

typedef struct
{
  DsClock *clock; /* owned */
  DsDuration interval;
  DsTime zero_time;
  DsDuration offset; /* wall time minus steady time, at the start */
  gint64 next;       /* number of the tick to fire next; the first is 1 */
  gint64 last;       /* the last one that will fire */
  gboolean hurries;  /* ticks are due at once */

  DsTime known;   /* ticks up to here are due at once: another process had them */
  DsTime started; /* wall time of the start: what was due before is not missed */
  gint64 n_fired;
  gint64 n_missed; /* fired when the one after it was due as well, or not at all */
  DsDuration max_lateness;
} DsBatchTimer;

/* The smallest multiple of @interval strictly after @now. */
DsTime ds_batch_timer_start_time (DsTime now, DsDuration interval);
/* The first zero + k * interval strictly after @now. */
DsTime
ds_batch_timer_restart_time (DsTime now, DsDuration interval, DsTime original_zero_time);

void ds_batch_timer_init (DsBatchTimer *self, DsClock *clock, DsDuration interval);
/* Goes on where another process was: batch times of @zero_time's grid, the first one
 * after @done_time.  Those up to now are due, and those up to @last_time, the newest
 * batch there ever was.  A wall clock that is behind that by more than the ticks of a
 * stop is taken to show it: *@set_back (out) by how much.  Otherwise the next one waits
 * for it.
 */
void ds_batch_timer_init_restored (DsBatchTimer *self,
                                   DsClock *clock,
                                   DsDuration interval,
                                   DsTime zero_time,
                                   DsTime done_time,
                                   DsTime last_time,
                                   DsDuration *set_back);
void ds_batch_timer_clear (DsBatchTimer *self);

/* The batch time of the tick that is @n_ahead after the next one. */
DsTime ds_batch_timer_get_time (const DsBatchTimer *self, gint64 n_ahead);
/* When that is due, in steady time of the clock. */
DsTime ds_batch_timer_get_due (const DsBatchTimer *self, gint64 n_ahead);
gboolean ds_batch_timer_is_due (const DsBatchTimer *self, gint64 n_ahead);
/* The next tick has come: its batch time. */
DsTime ds_batch_timer_fire (DsBatchTimer *self);
/* How many ticks can be given up so that the newest one that the clock has reached stays,
 * however much the timer hurries. */
gint64 ds_batch_timer_get_n_overdue (const DsBatchTimer *self);
/* The next @n ticks are given up: counted as missed. */
void ds_batch_timer_skip (DsBatchTimer *self, gint64 n);
/* Stop without interrupt: the awaited tick fires, and then one more; of a timer that is
 * late, all up to the first that is not before now.  Returns the batch time of the last.
 */
DsTime ds_batch_timer_finish (DsBatchTimer *self);
/* Sooner than that: no tick fires after that of @time, or after the last one that has. */
void ds_batch_timer_end_at (DsBatchTimer *self, DsTime time);
/* How many of the next ticks were due before this process started. */
gint64 ds_batch_timer_get_n_to_make_up (const DsBatchTimer *self);
/* Neither waits for its time any longer. */
void ds_batch_timer_hurry (DsBatchTimer *self);
gboolean ds_batch_timer_is_over (const DsBatchTimer *self);
/* The wall time that steady time stands for: of blocks and batches, never jumps. */
DsTime ds_batch_timer_get_now (const DsBatchTimer *self);

G_END_DECLS
