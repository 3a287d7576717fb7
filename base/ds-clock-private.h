/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How the engine waits on a clock.  Steady time starts as the clock's time did and never
 * jumps: the system clock's follows CLOCK_MONOTONIC; the manual clock's is its time. */

#include "base/ds-clock.h"

G_BEGIN_DECLS

/* What a kind of clock provides. */
typedef struct
{
  DsTime (*get_time) (DsClock *self);
  DsTime (*get_steady_time) (DsClock *self);
  /* When steady time will be @time, as g_get_monotonic_time () counts; %G_MAXINT64:
   * nobody knows, wait to be woken. */
  gint64 (*get_deadline) (DsClock *self, DsTime time);
} DsClockOps;

typedef void (*DsClockFunc) (gpointer user_data);

/* (transfer full): follows the system; its steady time starts now. */
DsClock *ds_clock_new_system (void);
DsTime ds_clock_get_steady_time (DsClock *self);
/* Waits until steady time is >= @time or *@stopping is TRUE; TRUE when the time has come.
 */
gboolean ds_clock_wait_until (DsClock *self, DsTime time, const gint *stopping);
/* Makes waiters look at their @stopping again. */
void ds_clock_wake (DsClock *self);

/* For who waits with a lock of its own. */

/* TRUE: its time comes in steps, which nobody foresees. */
gboolean ds_clock_is_stepped (DsClock *self);
/* When steady time will be @time, as g_get_monotonic_time () counts; %G_MAXINT64: nobody
 * knows, the watch is called. */
gint64 ds_clock_get_deadline (DsClock *self, DsTime time);
/* @func is called when a stepped clock has moved, and when waiters are woken, with a lock
 * of the clock held: it must return soon and only read the clock.  Not called any more
 * after removal. */
guint ds_clock_add_watch (DsClock *self, DsClockFunc func, gpointer user_data);
void ds_clock_remove_watch (DsClock *self, guint id);

G_END_DECLS
