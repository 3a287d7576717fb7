/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsBlockTimer: one GSource that serves the block intervals of all receivers of a poll
 * thread.  Whoever has something to cut arms it once; when nobody has, it does not wake
 * the thread. */

#include <glib.h>

G_BEGIN_DECLS

typedef struct _DsBlockTimer DsBlockTimer;
/* Thread: the poll thread. */
typedef void (*DsBlockTimerFunc) (gpointer data);

DsBlockTimer *ds_block_timer_new (GMainContext *context);
/* Calls @func once when monotonic time reaches @due (µs); @destroy afterwards, or when
 * the timer ends before.  Any thread. */
void ds_block_timer_arm (DsBlockTimer *self,
                         gint64 due,
                         DsBlockTimerFunc func,
                         gpointer data,
                         GDestroyNotify destroy);
/* Ends it; what is armed is destroyed without being called. */
void ds_block_timer_free (DsBlockTimer *self);

G_END_DECLS
