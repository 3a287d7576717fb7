/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsListenerBus: delivers events in order, one at a time, away from whoever posts them:
 * in
 * @context when some thread iterates it, else in a thread of the bus's own (started with
 * the first event).  Posting never waits and never loses an event. */

#include <glib.h>

G_BEGIN_DECLS

typedef struct _DsListenerBus DsListenerBus;
typedef void (*DsListenerFunc) (gpointer event);

DsListenerBus *
ds_listener_bus_new (GMainContext *context); /* (nullable): the default one */
void ds_listener_bus_post (DsListenerBus *self,
                           DsListenerFunc deliver,
                           gpointer event,
                           GDestroyNotify destroy);
/* Waits until everything posted so far was delivered; returns at once inside a delivery,
 * and when it is called by the very thread that iterates the context it delivers there.
 */
void ds_listener_bus_flush (DsListenerBus *self);
/* The same, but not for ever: FALSE when @deadline (monotonic, µs) has come, or no
 * delivery has ended for @patience, in µs; and inside a delivery. */
gboolean
ds_listener_bus_flush_until (DsListenerBus *self, gint64 deadline, gint64 patience);
/* For whoever flushes while another thread may free it. */
DsListenerBus *ds_listener_bus_ref (DsListenerBus *self);
void ds_listener_bus_unref (DsListenerBus *self);
/* TRUE inside a delivery, on this thread. */
gboolean ds_listener_bus_is_delivering (DsListenerBus *self);
/* Flushes, ends the thread.  Not inside a delivery. */
void ds_listener_bus_free (DsListenerBus *self);

G_END_DECLS
