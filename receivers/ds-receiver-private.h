/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a receiver and its supervisor know of each other, and what our own receivers may
 * do beyond the public store functions. */

#include "receivers/ds-block-generator-private.h"
#include "receivers/ds-poll-source-private.h"
#include "receivers/ds-rate-limiter-private.h"
#include "receivers/ds-receiver-supervisor-private.h"

G_BEGIN_DECLS

/* ---- ds-receiver.c ---- */

/* For good: a receiver serves one stream.  FALSE when it has a supervisor already. */
gboolean ds_receiver_attach (DsReceiver *self, DsReceiverSupervisor *supervisor);
DsReceiverSupervisor *ds_receiver_get_supervisor (DsReceiver *self); /* (nullable) */
/* Where the data comes from, as events and messages name it.  In instance init or
 * constructors; the type's name unless set. */
void ds_receiver_set_location (DsReceiver *self, const char *location);
const char *ds_receiver_get_location (DsReceiver *self);
/* TRUE when the class has a start, or a stop function, of its own. */
gboolean ds_receiver_has_own_start (DsReceiver *self);
gboolean ds_receiver_has_own_stop (DsReceiver *self);

/* ---- ds-receiver-supervisor.c, for the store functions and our own receivers ---- */

DsReceiverSupervisor *ds_receiver_supervisor_ref (DsReceiverSupervisor *self);
void ds_receiver_supervisor_unref (DsReceiverSupervisor *self);
const DsReceiverSettings *
ds_receiver_supervisor_get_settings (DsReceiverSupervisor *self);
DsBlockGenerator *ds_receiver_supervisor_get_generator (DsReceiverSupervisor *self);
/* The store functions of the supervisor keep to it; who pushes blocks of its own into the
 * generator does so itself. */
DsRateLimiter *ds_receiver_supervisor_get_limiter (DsReceiverSupervisor *self);
/* (nullable) (transfer full): of the present run. */
GCancellable *ds_receiver_supervisor_ref_cancellable (DsReceiverSupervisor *self);
gboolean ds_receiver_supervisor_store (DsReceiverSupervisor *self, DsValue value);
gboolean ds_receiver_supervisor_store_block (DsReceiverSupervisor *self,
                                             DsReceiver *receiver,
                                             DsBlock *block,
                                             guint64 token,
                                             GError **error);
/* Until the memory budget has room, or the receiver is stopping. */
void ds_receiver_supervisor_await_room (DsReceiverSupervisor *self);
gboolean ds_receiver_supervisor_sleep (DsReceiverSupervisor *self, DsDuration duration);
gboolean ds_receiver_supervisor_is_stopping (DsReceiverSupervisor *self);
/* @error (transfer full) (nullable) */
void ds_receiver_supervisor_restart (DsReceiverSupervisor *self, GError *error);
/* Around an asynchronous operation of a receiver on a poll thread: its life ends only
 * when the callback has come, as that needs the thread.  Thread: receiver. */
void ds_receiver_supervisor_begin_operation (DsReceiverSupervisor *self);
void ds_receiver_supervisor_end_operation (DsReceiverSupervisor *self);
/* Of the thread that it lives on.  Thread: receiver, which is a poll thread. */
DsPollSource *ds_receiver_supervisor_get_poll_source (DsReceiverSupervisor *self);
/* Logs it and tells the owner. */
void ds_receiver_supervisor_report (DsReceiverSupervisor *self,
                                    const GError *error,
                                    gboolean is_down);
void ds_receiver_supervisor_add_dropped (DsReceiverSupervisor *self, gint64 n_records);

G_END_DECLS
