/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsRateLimiter: how many records a receiver may bring, a second and a batch.  The limit
 * is the smaller one of a fixed maximum and of what is published from time to time; it is
 * never 0.  Any thread. */

#include "base/ds-clock-private.h"

G_BEGIN_DECLS

typedef struct _DsRateLimiter DsRateLimiter;

/* Thread: any.  Called with a lock of the limiter held: must return soon and not call
 * back. */
typedef void (*DsRateLimiterFunc) (gpointer user_data);

/* @batch_interval: of ds_rate_limiter_begin_batch (); 0: no limit a batch.
 * @max_rate, @initial_rate: records a second; 0: none. */
DsRateLimiter *ds_rate_limiter_new (DsClock *clock,
                                    DsDuration batch_interval,
                                    guint64 max_rate,
                                    guint64 initial_rate);
void ds_rate_limiter_free (DsRateLimiter *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsRateLimiter, ds_rate_limiter_free)

/* From now on @rate records a second, as far as the maximum lets it; a fraction counts as
 * 1.  What is not above 0 is ignored.  One thread at a time. */
void ds_rate_limiter_publish (DsRateLimiter *self, double rate);
/* 0: no limit. */
guint64 ds_rate_limiter_get_rate (DsRateLimiter *self);
/* Between these two a batch is cut and gets what belongs to it; nothing passes meanwhile.
 * The batch that begins has @n_waiting records already. */
void ds_rate_limiter_end_batch (DsRateLimiter *self);
void ds_rate_limiter_begin_batch (DsRateLimiter *self, guint64 n_waiting);

/* ---- For who can wait ---- */

/* Waits until @n_records may be brought, or *@stopping is TRUE (wake with
 * ds_rate_limiter_wake ()): then FALSE.  @n_reserved (out): give it to
 * ds_rate_limiter_settle () once they are where they belong; 0 when there is no limit.
 * More records than fit into a batch may be brought when none was in it. */
gboolean ds_rate_limiter_reserve (DsRateLimiter *self,
                                  gsize n_records,
                                  const gint *stopping,
                                  gsize *n_reserved);
void ds_rate_limiter_settle (DsRateLimiter *self, gsize n_reserved);
void ds_rate_limiter_wake (DsRateLimiter *self);

/* ---- For who must not wait, as a socket on a poll thread ----
 *
 *   if (!ds_rate_limiter_has_room (limiter)) pause until
 *     ds_rate_limiter_get_deadline (), and whenever the watch is called
 *   read at most ds_rate_limiter_get_read_bytes (), tell ds_rate_limiter_note_read ()
 */

/* TRUE: at least one record may be brought now. */
gboolean ds_rate_limiter_has_room (DsRateLimiter *self);
/* When it is worth to look again, as g_get_monotonic_time () counts; -1: when the watch
 * is called. */
gint64 ds_rate_limiter_get_deadline (DsRateLimiter *self);
/* How many bytes make about as many records as may be brought now, going by what was read
 * so far; at least 1, at most @max_bytes. */
gsize ds_rate_limiter_get_read_bytes (DsRateLimiter *self, gsize max_bytes);
/* TRUE: what is read has to be counted for the following. */
gboolean ds_rate_limiter_is_limited (DsRateLimiter *self);
/* @n_records that are @n_bytes long were brought, and @n_open_bytes of the next one.
 * When those were too many, fewer may follow. */
void ds_rate_limiter_note_read (DsRateLimiter *self,
                                gsize n_records,
                                gsize n_bytes,
                                gsize n_open_bytes);
/* @func is called when there may be room, but not because time passed on the system's
 * clock: for that there is the deadline.  Not called any more after removal. */
guint ds_rate_limiter_add_watch (DsRateLimiter *self,
                                 DsRateLimiterFunc func,
                                 gpointer user_data);
void ds_rate_limiter_remove_watch (DsRateLimiter *self, guint id);

G_END_DECLS
