/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsSocketReceiver: lines, blocks or what a parser finds, from a server over TCP, TLS or
 * a Unix socket. */

#include "base/ds-line-buffer-private.h"
#include "receivers/ds-receiver.h"
#include "receivers/ds-socket-intake-private.h"

G_BEGIN_DECLS

#define DS_TYPE_SOCKET_RECEIVER (ds_socket_receiver_get_type ())
G_DECLARE_FINAL_TYPE (DsSocketReceiver,
                      ds_socket_receiver,
                      DS,
                      SOCKET_RECEIVER,
                      DsReceiver)

/* Of a block, and of a record that a parser finds, unless set. */
#define DS_SOCKET_MAX_PARSED_BYTES ((gsize) 16 << 20)

/* Lines.  @host: a name, an IPv4 or IPv6 address, or "unix:" and a path. */
DsReceiver *ds_socket_receiver_new (const char *host, guint16 port);
/* Blocks of msgpack values after their length. */
DsReceiver *ds_socket_receiver_new_for_blocks (const char *host, guint16 port);
/* Takes over @parser. */
DsReceiver *ds_socket_receiver_new_for_parser (const char *host,
                                               guint16 port,
                                               DsSocketParser *parser);

/* ---- Before start ---- */

/* What becomes of records that are too long: for lines each of the three; others are
 * passed over if one can tell where they end, unless it is %DS_LONG_LINE_FAIL.  That one
 * stops the receiver for good. */
void ds_socket_receiver_set_long_line_policy (DsSocketReceiver *self,
                                              DsLongLinePolicy policy);
/* A connection on which nothing came for @timeout µs is closed and made anew; 0: never.
 * Whole seconds, rounded up. */
void ds_socket_receiver_set_idle_timeout (DsSocketReceiver *self, DsDuration timeout);
void ds_socket_receiver_set_tls (DsSocketReceiver *self, gboolean has_tls);
/* @ca_file (nullable): PEM, instead of the authorities of the system. */
void ds_socket_receiver_set_tls_ca_file (DsSocketReceiver *self, const char *ca_file);

gboolean ds_socket_receiver_has_lines (DsSocketReceiver *self);
gboolean ds_socket_receiver_has_tls (DsSocketReceiver *self);
gboolean ds_socket_receiver_is_local (DsSocketReceiver *self); /* a Unix socket */
/* Received on the present connection, or the last one.  Any thread. */
guint64 ds_socket_receiver_get_n_bytes (DsSocketReceiver *self);

G_END_DECLS
