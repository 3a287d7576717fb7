/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsDriver: lets batches happen: waits for ticks, generates, runs, in order.
 *
 * Two threads take turns.  Each rests until a tick, alternately; whichever a tick wakes
 * generates its batch and, when no other batch is being run, runs it on the spot.  So a
 * batch is not handed from one thread to another, one wake-up a batch is all there is,
 * and while a long batch runs on one thread the other goes on generating, up to
 * "max-waiting-batches" ahead.  At most one thread generates and at most one runs. */

#include "dstream/ds-graph-private.h"

G_BEGIN_DECLS

typedef struct _DsDriver DsDriver;

DsDriver *ds_driver_new (DsStreamingContext *context);
void ds_driver_free (DsDriver *self); /* after join */
DsTime ds_driver_get_zero_time (DsDriver *self);

/* FALSE with @error when there is no thread; then nothing runs. */
gboolean ds_driver_start (DsDriver *self, GError **error);
/* Graceful: the awaited tick and one more fire, at once; then the threads end. */
void ds_driver_finish (DsDriver *self);
/* After that, when it takes too long: batches that were missed before this run are left
 * to the next one.  FALSE: there are none, or something that was received waits for one.
 */
gboolean ds_driver_leave_missed (DsDriver *self);
/* Nothing more is generated or run; running jobs are cancelled. */
void ds_driver_interrupt (DsDriver *self);
/* The same, for a function of the program that asks for it; an error that it returns
 * afterwards counts.  Any thread, also inside. */
void ds_driver_cut_short (DsDriver *self);
/* Waits for the end of both threads until @deadline (g_get_monotonic_time ()) or
 * *@at_once becomes TRUE (wake with ds_driver_wake ()).  FALSE when it was not over. */
gboolean ds_driver_join (DsDriver *self, gint64 deadline, gint *at_once);
void ds_driver_wake (DsDriver *self);
/* Leaves threads alone that a function of the program does not let go. */
void ds_driver_abandon (DsDriver *self);

/* TRUE when everything up to @batch_time is over; FALSE with the error that stopped it,
 * also when that is left to a thread that was abandoned. */
gboolean ds_driver_await_batch (DsDriver *self, DsTime batch_time, GError **error);
/* TRUE on the driver threads of this driver. */
gboolean ds_driver_is_own_thread (DsDriver *self);
/* Sleeps for @duration, in µs of this machine.  FALSE: interrupted.  Any thread. */
gboolean ds_driver_pause (DsDriver *self, gint64 duration);
GCancellable *ds_driver_get_cancellable (DsDriver *self);
/* The clock as batches see it: wall time that never jumps. */
DsTime ds_driver_get_now (DsDriver *self);

/* Of all batches so far; any thread. */
gint64 ds_driver_get_n_processed (DsDriver *self);
gint64 ds_driver_get_n_missed (DsDriver *self);
/* TRUE, with the error, when a batch failed and the policy lets none come after it. */
gboolean ds_driver_has_failed (DsDriver *self, GError **error);
/* Times of batches that are queued, running or failed: of those that failed the last 100.
 * (transfer full) of DsTime */
GArray *ds_driver_get_pending_times (DsDriver *self);
/* How many failed before those. */
gint64 ds_driver_get_n_failed_before (DsDriver *self);

G_END_DECLS
