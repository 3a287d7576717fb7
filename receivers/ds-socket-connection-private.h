/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsSocketConnection: one connection to a server, over TCP, TLS or a Unix socket, on a
 * poll thread: made without blocking, read when there is something, not read while it
 * pauses.  All of it: Thread: receiver. */

#include "receivers/ds-receiver-private.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/* Where to connect; fixed before start. */
typedef struct
{
  char *host;
  guint16 port;
  char *path;     /* (nullable): of a Unix socket, instead */
  char *location; /* "host:port", "[::1]:port" or "unix:path" */
  gboolean has_tls;
  char *ca_file; /* (nullable): those of the system */
  DsDuration idle_timeout;
} DsSocketTarget;

typedef struct _DsSocketConnection DsSocketConnection;

typedef struct
{
  void (*opened) (gpointer owner);
  /* @error (transfer full), %DS_ERROR_NETWORK or %DS_ERROR_TLS; names the place. */
  void (*failed) (gpointer owner, GError *error);
  /* There is something to read, or the end of it.  Called again for what is left, in
   * turn with others, unless it is not watched any more. */
  void (*readable) (gpointer owner);
} DsSocketConnectionFuncs;

/* Of "localhost", "192.0.2.1", "::1", "[::1]" and "unix:/path"; the last has no port. */
void ds_socket_target_init (DsSocketTarget *self, const char *host, guint16 port);
void ds_socket_target_clear (DsSocketTarget *self);

/* Begins to connect; one of opened and failed is called later, unless it is closed
 * before.  @target must live until then.  After opened it is watched.  NULL with @error
 * when there is no TLS. */
DsSocketConnection *ds_socket_connection_open (DsReceiverSupervisor *supervisor,
                                               const DsSocketTarget *target,
                                               const DsSocketConnectionFuncs *funcs,
                                               gpointer owner,
                                               GError **error);
/* Frees it; nothing is called any more. */
void ds_socket_connection_close (DsSocketConnection *self);

/* What has come, without waiting.  0 at the end; -1 with @error, among others
 * %G_IO_ERROR_WOULD_BLOCK. */
gssize ds_socket_connection_read (DsSocketConnection *self,
                                  gpointer room,
                                  gsize n_room,
                                  GError **error);
void ds_socket_connection_watch (DsSocketConnection *self);
void ds_socket_connection_unwatch (DsSocketConnection *self);
/* There is room in the memory budget, and below the rate limit. */
gboolean ds_socket_connection_may_read (DsSocketConnection *self);
/* Not watched until there is. */
void ds_socket_connection_pause (DsSocketConnection *self);
/* What happened, for "<location> ... after 3 bytes".  (transfer full) */
char *ds_socket_connection_describe_failure (DsSocketConnection *self,
                                             const GError *error);

G_END_DECLS
