/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsSocketReceiver: lines from a TCP server, raw: recv into arena buffers, cut at the
 * last line end. */

#include "base/ds-line-buffer-private.h"
#include "receivers/ds-receiver.h"

G_BEGIN_DECLS

#define DS_TYPE_SOCKET_RECEIVER (ds_socket_receiver_get_type ())
G_DECLARE_FINAL_TYPE (DsSocketReceiver,
                      ds_socket_receiver,
                      DS,
                      SOCKET_RECEIVER,
                      DsReceiver)

DsReceiver *ds_socket_receiver_new (const char *host, guint16 port);
void ds_socket_receiver_set_long_line_policy (DsSocketReceiver *self,
                                              DsLongLinePolicy policy);
/* A connection on which nothing came for @timeout µs is closed and made anew; 0: never.
 * Whole seconds, rounded up.  Before start. */
void ds_socket_receiver_set_idle_timeout (DsSocketReceiver *self, DsDuration timeout);
/* Received on the present connection, or the last one.  Any thread. */
guint64 ds_socket_receiver_get_n_bytes (DsSocketReceiver *self);

G_END_DECLS
