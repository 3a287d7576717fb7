/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the behaviour tests share: contexts under a manual clock, gates to wait at instead
 * of sleeping, and a receiver whose loop is a function of the test. */

#include "dstream/dstream.h"

G_BEGIN_DECLS

/* A context of 1 s batches that starts at time 0 of *@clock (out) (transfer full). */
DsStreamingContext *behaviour_new_streaming (DsManualClock **clock);
/* Goes on by one batch, and waits until that is over; it must not fail. */
void behaviour_tick (DsStreamingContext *streaming, DsManualClock *clock);
/* An output that does nothing. */
gboolean
behaviour_ignore_rdd (DsRdd *rdd, DsBatch *batch, gpointer unused, GError **error);
/* Stops at once, keeping the engine; must not fail. */
void behaviour_stop (DsStreamingContext *streaming);
/* TRUE when a job runs, FALSE when it fails with %DS_ERROR_STOPPED; nothing else. */
gboolean behaviour_engine_runs (DsContext *engine);

/* A number that one thread raises and others wait for; waiting longer than 30 s fails the
 * test. */
typedef struct
{
  GMutex lock;
  GCond changed;
  gint64 value;
} Gate;

void gate_init (Gate *self);
void gate_clear (Gate *self);
void gate_add (Gate *self, gint64 n);
gint64 gate_get (Gate *self);
void gate_await (Gate *self, gint64 value);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Gate, gate_clear)

/* A receiver with a loop of its own; @run as DsReceiverClass.run. */
typedef gboolean (*TestReceiverRun) (DsReceiver *receiver,
                                     GCancellable *cancellable,
                                     gpointer user_data);
DsReceiver *test_receiver_new (TestReceiverRun run, gpointer user_data);

G_END_DECLS
