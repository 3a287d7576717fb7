/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* GIO resolves the name, tries its addresses (of both families, in turn) and shakes
 * hands; nobody waits.  A plain connection is watched by the poll source of its thread,
 * as one of thousands, and read from its socket, straight into the memory it is for; one
 * with TLS has a GSource of its own and is read from its stream.
 *
 * Certificates are always verified, against the authorities of the system or those in a
 * file, and for the name that was asked for.  Nothing switches that off: who has a server
 * with a certificate of its own names a file with it.
 *
 * While the memory budget has no room, or a rate limit is met, nothing is read: TCP's
 * window closes, and the server has to slow down. */

#include "receivers/ds-socket-connection-private.h"

#include "base/ds-error.h"

#include <gio/gunixsocketaddress.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#define DS_SOCKET_CONNECT_SECONDS 30
/* A peer that is gone without a word is noticed after 60 + 6 x 10 s. */
#define DS_SOCKET_KEEPALIVE_IDLE_SECONDS 60
#define DS_SOCKET_KEEPALIVE_INTERVAL_SECONDS 10
#define DS_SOCKET_KEEPALIVE_COUNT 6
#define DS_SOCKET_UNIX_PREFIX "unix:"
#define DS_SOCKET_MAX_NAMES_BYTES 400 /* of a certificate, in a message */

struct _DsSocketConnection
{
  DsReceiverSupervisor *supervisor;
  const DsSocketTarget *target;
  DsSocketConnectionFuncs funcs;
  gpointer owner;
  gboolean is_closed; /* what is left waits for its callback */

  GCancellable *cancellable;       /* (nullable): of the attempt to connect */
  GTlsDatabase *authorities;       /* (nullable) */
  GTlsCertificateFlags flaws;      /* of the server's certificate */
  char *certified_names;           /* (nullable): that it is for, if that is a flaw */
  GSocketConnection *connection;   /* (nullable) */
  GPollableInputStream *tls_input; /* (nullable): of the connection */
  gboolean tls_may_hold_more;      /* bytes that it has taken from the socket already */

  DsPollWatch *watch;        /* (nullable): from opened on */
  gboolean is_watched;       /* by @watch, or with TLS by @tls_readable */
  GSource *tls_readable;     /* (nullable) */
  GError *failure;           /* (nullable): it cannot be watched */
  gint64 last_event;         /* monotonic µs; if there is an idle timeout */
  gboolean has_timed_out;    /* unless there is something to read after all */
  gboolean is_paused;        /* to be watched again when there is room */
  gboolean has_room_watches; /* the following two; from the first pause on */
  guint budget_watch_id;
  guint rate_watch_id;
};

/* ---- Where to connect ---- */

void
ds_socket_target_init (DsSocketTarget *self, const char *host, guint16 port)
{
  gsize length = strlen (host);

  *self = (DsSocketTarget){ .port = port };
  if (g_str_has_prefix (host, DS_SOCKET_UNIX_PREFIX))
    {
      self->path = g_strdup (host + strlen (DS_SOCKET_UNIX_PREFIX));
      self->location = g_strdup (host);
      return;
    }
  if (host[0] == '[' && host[length - 1] == ']')
    self->host = g_strndup (host + 1, length - 2);
  else
    self->host = g_strdup (host);
  /* An IPv6 address has colons of its own. */
  self->location =
      g_strdup_printf (strchr (self->host, ':') != NULL ? "[%s]:%u" : "%s:%u", self->host,
                       port);
}

void
ds_socket_target_clear (DsSocketTarget *self)
{
  g_clear_pointer (&self->host, g_free);
  g_clear_pointer (&self->path, g_free);
  g_clear_pointer (&self->location, g_free);
  g_clear_pointer (&self->ca_file, g_free);
}

/* ---- TLS ---- */

/* "elsewhere.example, 192.0.2.1"; "no name at all". */
static char *
ds_socket_connection_name_certified (GTlsCertificate *certificate)
{
  g_autoptr (GPtrArray) names = g_tls_certificate_get_dns_names (certificate);
  g_autoptr (GPtrArray) addresses = g_tls_certificate_get_ip_addresses (certificate);
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; names != NULL && i < names->len; i++)
    {
      gsize n_bytes = 0;
      const char *bytes = g_bytes_get_data (g_ptr_array_index (names, i), &n_bytes);
      /* It comes from the other end. */
      g_autofree char *name = g_strndup (bytes != NULL ? bytes : "", MIN (n_bytes, 255));
      g_autofree char *shown = g_strescape (name, NULL);

      g_string_append_printf (text, "%s%s", text->len > 0 ? ", " : "", shown);
    }
  for (guint i = 0; addresses != NULL && i < addresses->len; i++)
    {
      g_autofree char *shown =
          g_inet_address_to_string (g_ptr_array_index (addresses, i));

      g_string_append_printf (text, "%s%s", text->len > 0 ? ", " : "", shown);
    }
  if (text->len == 0)
    return g_strdup ("no name at all");
  if (text->len > DS_SOCKET_MAX_NAMES_BYTES)
    {
      g_string_truncate (text, DS_SOCKET_MAX_NAMES_BYTES);
      g_string_append (text, "...");
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static char *
ds_socket_connection_describe_flaws (DsSocketConnection *self)
{
  static const struct
  {
    GTlsCertificateFlags flag;
    const char *text;
  } flaws[] = {
    { G_TLS_CERTIFICATE_UNKNOWN_CA, "it was signed by nobody who is trusted here" },
    { G_TLS_CERTIFICATE_BAD_IDENTITY, "it is for another name" },
    { G_TLS_CERTIFICATE_NOT_ACTIVATED, "it is not valid yet" },
    { G_TLS_CERTIFICATE_EXPIRED, "it has expired" },
    { G_TLS_CERTIFICATE_REVOKED, "it was revoked" },
    { G_TLS_CERTIFICATE_INSECURE, "its algorithm is not safe" },
    { G_TLS_CERTIFICATE_GENERIC_ERROR, "it cannot be checked" },
  };
  GString *text = g_string_new (NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (flaws); i++)
    {
      if (!(self->flaws & flaws[i].flag))
        continue;
      g_string_append_printf (text, "%s%s", text->len > 0 ? ", and " : "", flaws[i].text);
      if (flaws[i].flag == G_TLS_CERTIFICATE_BAD_IDENTITY &&
          self->certified_names != NULL && self->target->host != NULL)
        g_string_append_printf (text, " (for %s, but the stream connects to %s)",
                                self->certified_names, self->target->host);
    }
  return g_string_free (text, FALSE);
}

/* Only looks on: FALSE leaves the refusal as it is. */
static gboolean
ds_socket_connection_note_flaws (GTlsConnection *tls,
                                 GTlsCertificate *certificate,
                                 GTlsCertificateFlags flaws,
                                 DsSocketConnection *self)
{
  self->flaws = flaws;
  g_clear_pointer (&self->certified_names, g_free);
  if (flaws & G_TLS_CERTIFICATE_BAD_IDENTITY)
    self->certified_names = ds_socket_connection_name_certified (certificate);
  return FALSE;
}

static void
ds_socket_connection_event (GSocketClient *client,
                            GSocketClientEvent event,
                            GSocketConnectable *connectable,
                            GIOStream *connection,
                            DsSocketConnection *self)
{
  if (event != G_SOCKET_CLIENT_TLS_HANDSHAKING)
    return;

  if (self->authorities != NULL)
    g_tls_connection_set_database (G_TLS_CONNECTION (connection), self->authorities);
  g_signal_connect (connection, "accept-certificate",
                    G_CALLBACK (ds_socket_connection_note_flaws), self);
}

/* FALSE when TLS is not to be had. */
static gboolean
ds_socket_connection_set_up_tls (DsSocketConnection *self,
                                 GSocketClient *client,
                                 GError **error)
{
  g_autoptr (GError) local_error = NULL;

  if (!g_tls_backend_supports_tls (g_tls_backend_get_default ()))
    {
      g_set_error (error, DS_ERROR, DS_ERROR_TLS,
                   "Cannot connect to %s with TLS: GIO has no TLS module; install the "
                   "package glib-networking",
                   self->target->location);
      return FALSE;
    }
  if (self->target->ca_file != NULL)
    {
      self->authorities = g_tls_file_database_new (self->target->ca_file, &local_error);
      if (self->authorities == NULL)
        {
          g_set_error (error, DS_ERROR, DS_ERROR_TLS,
                       "Cannot connect to %s with TLS: the file of certificate "
                       "authorities %s cannot be used: %s",
                       self->target->location, self->target->ca_file,
                       local_error->message);
          return FALSE;
        }
    }
  g_socket_client_set_tls (client, TRUE);
  g_signal_connect (client, "event", G_CALLBACK (ds_socket_connection_event), self);
  return TRUE;
}

/* ---- Reading ---- */

/* The source of a stream with TLS looks at its socket only, and the rest of a record that
 * was read in part is not there any more: until a read finds nothing it is dispatched at
 * once. */
static void
ds_socket_connection_set_tls_ready (DsSocketConnection *self)
{
  if (self->tls_readable != NULL)
    g_source_set_ready_time (self->tls_readable, self->tls_may_hold_more ? 0 : -1);
}

gssize
ds_socket_connection_read (DsSocketConnection *self,
                           gpointer room,
                           gsize n_room,
                           GError **error)
{
  g_autoptr (GError) local_error = NULL;
  gssize n_bytes = -1;

  if (self->tls_input != NULL)
    {
      n_bytes = g_pollable_input_stream_read_nonblocking (self->tls_input, room, n_room,
                                                          NULL, error);
      self->tls_may_hold_more = n_bytes > 0;
      ds_socket_connection_set_tls_ready (self);
      return n_bytes;
    }
  if (self->failure != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&self->failure));
      return -1;
    }
  n_bytes = g_socket_receive (g_socket_connection_get_socket (self->connection), room,
                              n_room, NULL, &local_error);
  if (self->has_timed_out &&
      g_error_matches (local_error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "nothing came");
  else if (local_error != NULL)
    g_propagate_error (error, g_steal_pointer (&local_error));
  self->has_timed_out = FALSE;
  return n_bytes;
}

static gboolean
ds_socket_connection_dispatch_tls (GObject *stream, gpointer user_data)
{
  DsSocketConnection *self = user_data;

  /* The owner may close the connection, and with it the source, meanwhile. */
  self->funcs.readable (self->owner);
  return G_SOURCE_CONTINUE;
}

static void
ds_socket_connection_readable (gpointer owner)
{
  DsSocketConnection *self = owner;

  if (self->target->idle_timeout > 0)
    self->last_event = g_get_monotonic_time ();
  self->funcs.readable (self->owner);
}

/* In whole seconds, rounded up, as GIO does it for TLS. */
static gint64
ds_socket_connection_get_idle_seconds (DsSocketConnection *self)
{
  gint64 seconds = self->target->idle_timeout / DS_SECOND;

  if (self->target->idle_timeout % DS_SECOND > 0)
    seconds++;
  return MIN (seconds, G_MAXINT);
}

/* Moves the deadline only when it is over: not at each read. */
static void
ds_socket_connection_look_at_idleness (DsSocketConnection *self)
{
  gint64 now = g_get_monotonic_time ();
  gint64 timeout = ds_socket_connection_get_idle_seconds (self) * DS_SECOND;

  if (self->last_event + timeout > now)
    {
      ds_poll_watch_set_deadline (self->watch, self->last_event + timeout);
      return;
    }
  ds_poll_watch_set_deadline (self->watch, now + timeout);
  self->has_timed_out = TRUE;
  ds_socket_connection_readable (self);
}

static void
ds_socket_connection_watch_socket (DsSocketConnection *self)
{
  int fd = g_socket_get_fd (g_socket_connection_get_socket (self->connection));

  /* The next read fails then. */
  if (!ds_poll_watch_start_reading (self->watch, fd, &self->failure))
    ds_poll_watch_wake (self->watch);
  if (self->target->idle_timeout > 0)
    {
      self->last_event = g_get_monotonic_time ();
      ds_poll_watch_set_deadline (self->watch,
                                  self->last_event +
                                      ds_socket_connection_get_idle_seconds (self) *
                                          DS_SECOND);
    }
}

void
ds_socket_connection_watch (DsSocketConnection *self)
{
  if (self->is_watched)
    return;

  self->is_paused = FALSE;
  self->is_watched = TRUE;
  ds_poll_watch_set_deadline (self->watch, -1); /* of a pause */
  if (self->tls_input == NULL)
    {
      ds_socket_connection_watch_socket (self);
      return;
    }
  self->tls_readable = g_pollable_input_stream_create_source (self->tls_input, NULL);
  g_source_set_static_name (self->tls_readable, "DsSocketConnection: readable");
  g_source_set_callback (self->tls_readable,
                         G_SOURCE_FUNC (ds_socket_connection_dispatch_tls), self, NULL);
  ds_socket_connection_set_tls_ready (self);
  g_source_attach (self->tls_readable, g_main_context_get_thread_default ());
}

void
ds_socket_connection_unwatch (DsSocketConnection *self)
{
  self->is_paused = FALSE;
  if (self->watch != NULL)
    ds_poll_watch_set_deadline (self->watch, -1);
  if (!self->is_watched)
    return;

  self->is_watched = FALSE;
  self->has_timed_out = FALSE;
  g_clear_error (&self->failure);
  if (self->tls_readable == NULL)
    {
      ds_poll_watch_stop_reading (self->watch);
      return;
    }
  g_source_destroy (self->tls_readable);
  g_clear_pointer (&self->tls_readable, g_source_unref);
}

/* ---- Pauses ---- */

/* There is room in the memory budget, and below the rate limit. */
gboolean
ds_socket_connection_may_read (DsSocketConnection *self)
{
  return ds_memory_budget_has_room (
             ds_receiver_supervisor_get_settings (self->supervisor)->budget) &&
         ds_rate_limiter_has_room (ds_receiver_supervisor_get_limiter (self->supervisor));
}

/* Whatever keeps it from reading tells when to look again: the limit by its deadline or
 * its watch, the budget by its watch.  Each is asked once, as time passes between. */
static void
ds_socket_connection_resume (DsSocketConnection *self)
{
  DsRateLimiter *limiter = ds_receiver_supervisor_get_limiter (self->supervisor);
  DsMemoryBudget *budget = ds_receiver_supervisor_get_settings (self->supervisor)->budget;

  if (!ds_rate_limiter_has_room (limiter))
    ds_poll_watch_set_deadline (self->watch, ds_rate_limiter_get_deadline (limiter));
  else if (ds_memory_budget_has_room (budget))
    ds_socket_connection_watch (self);
}

static void
ds_socket_connection_due (gpointer owner)
{
  DsSocketConnection *self = owner;

  if (self->is_paused)
    ds_socket_connection_resume (self);
  else
    ds_socket_connection_look_at_idleness (self);
}

static void
ds_socket_connection_woken (gpointer owner)
{
  DsSocketConnection *self = owner;

  if (self->is_paused)
    ds_socket_connection_resume (self);
  else if (self->failure != NULL)
    ds_socket_connection_readable (self);
}

/* Thread: the one that released memory. */
static void
ds_socket_connection_has_room (gpointer user_data)
{
  ds_poll_watch_wake (user_data);
}

void
ds_socket_connection_pause (DsSocketConnection *self)
{
  ds_socket_connection_unwatch (self);
  if (!self->has_room_watches)
    {
      self->has_room_watches = TRUE;
      self->budget_watch_id = ds_memory_budget_add_watch (
          ds_receiver_supervisor_get_settings (self->supervisor)->budget,
          ds_socket_connection_has_room, self->watch);
      self->rate_watch_id =
          ds_rate_limiter_add_watch (ds_receiver_supervisor_get_limiter (
                                         self->supervisor),
                                     ds_socket_connection_has_room, self->watch);
    }
  self->is_paused = TRUE;
  /* There may have been room again before the watches were there; and a rate limit is met
   * until a time that is known. */
  ds_poll_watch_wake (self->watch);
}

char *
ds_socket_connection_describe_failure (DsSocketConnection *self, const GError *error)
{
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED))
    return g_strdup ("reset the connection");
  if (g_error_matches (error, G_TLS_ERROR, G_TLS_ERROR_EOF))
    return g_strdup ("cut the connection off without ending it (TLS)");
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT) &&
      self->target->idle_timeout > 0)
    return g_strdup_printf ("sent nothing for %.0f s, so the connection was closed",
                            (double) self->target->idle_timeout / (double) DS_SECOND);
  return g_strdup_printf ("broke the connection (%s)", error->message);
}

/* ---- Connecting ---- */

static void
ds_socket_connection_set_up (DsSocketConnection *self)
{
  static const DsPollWatchFuncs funcs = {
    .readable = ds_socket_connection_readable,
    .due = ds_socket_connection_due,
    .woken = ds_socket_connection_woken,
  };
  GSocket *socket = g_socket_connection_get_socket (self->connection);

  self->watch =
      ds_poll_watch_new (ds_receiver_supervisor_get_poll_source (self->supervisor),
                         &funcs, self);
  g_socket_set_blocking (socket, FALSE);
  g_socket_set_timeout (socket, 0); /* of connecting */
  if (self->target->has_tls)
    {
      self->tls_input = G_POLLABLE_INPUT_STREAM (
          g_io_stream_get_input_stream (G_IO_STREAM (self->connection)));
      g_socket_set_timeout (socket, (guint) ds_socket_connection_get_idle_seconds (self));
    }
  if (self->target->path != NULL)
    return;

  /* Not every system has all of them, and none is needed to go on. */
  g_socket_set_keepalive (socket, TRUE);
  g_socket_set_option (socket, IPPROTO_TCP, TCP_KEEPIDLE,
                       DS_SOCKET_KEEPALIVE_IDLE_SECONDS, NULL);
  g_socket_set_option (socket, IPPROTO_TCP, TCP_KEEPINTVL,
                       DS_SOCKET_KEEPALIVE_INTERVAL_SECONDS, NULL);
  g_socket_set_option (socket, IPPROTO_TCP, TCP_KEEPCNT, DS_SOCKET_KEEPALIVE_COUNT, NULL);
}

/* (transfer full): why there is no connection. */
static GError *
ds_socket_connection_explain (DsSocketConnection *self, const GError *error)
{
  const char *location = self->target->location;
  g_autofree char *flaws = NULL;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED))
    return g_error_new (DS_ERROR, DS_ERROR_NETWORK,
                        "Cannot connect to %s: nothing listens there yet (connection "
                        "refused)",
                        location);
  if (self->target->path != NULL &&
      g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    return g_error_new (DS_ERROR, DS_ERROR_NETWORK,
                        "Cannot connect to %s: there is no such socket yet", location);
  if (error->domain != G_TLS_ERROR)
    return g_error_new (DS_ERROR, DS_ERROR_NETWORK, "Cannot connect to %s: %s", location,
                        error->message);
  if (self->flaws == 0)
    return g_error_new (DS_ERROR, DS_ERROR_TLS, "Cannot connect to %s with TLS: %s",
                        location, error->message);

  flaws = ds_socket_connection_describe_flaws (self);
  return g_error_new (
      DS_ERROR, DS_ERROR_TLS,
      "Cannot connect to %s with TLS: the server's certificate is refused: %s. %s",
      location, flaws,
      self->flaws == G_TLS_CERTIFICATE_BAD_IDENTITY
          ? "Connect to the name that it is for, or ask for one that is for this name"
          : "Ask the server for another one, or name the file of the authority that "
            "signed it (set_tls_ca_file)");
}

static void
ds_socket_connection_free (DsSocketConnection *self)
{
  g_clear_object (&self->cancellable);
  g_clear_object (&self->authorities);
  g_clear_object (&self->connection);
  g_free (self->certified_names);
  g_free (self);
}

static void
ds_socket_connection_connected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  DsSocketConnection *self = user_data;
  DsReceiverSupervisor *supervisor = self->supervisor;
  g_autoptr (GError) error = NULL;

  self->connection =
      g_socket_client_connect_finish (G_SOCKET_CLIENT (source), result, &error);
  g_clear_object (&self->cancellable);
  if (self->is_closed)
    ds_socket_connection_free (self);
  else if (self->connection == NULL)
    self->funcs.failed (self->owner, ds_socket_connection_explain (self, error));
  else
    {
      ds_socket_connection_set_up (self);
      self->funcs.opened (self->owner);
      ds_socket_connection_watch (self);
    }
  ds_receiver_supervisor_end_operation (supervisor); /* the owner may be gone now */
}

DsSocketConnection *
ds_socket_connection_open (DsReceiverSupervisor *supervisor,
                           const DsSocketTarget *target,
                           const DsSocketConnectionFuncs *funcs,
                           gpointer owner,
                           GError **error)
{
  DsSocketConnection *self = g_new0 (DsSocketConnection, 1);
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketConnectable) address = NULL;

  self->supervisor = supervisor;
  self->target = target;
  self->funcs = *funcs;
  self->owner = owner;

  g_socket_client_set_enable_proxy (client, FALSE);
  g_socket_client_set_timeout (client, DS_SOCKET_CONNECT_SECONDS);
  if (target->has_tls && !ds_socket_connection_set_up_tls (self, client, error))
    {
      ds_socket_connection_free (self);
      return NULL;
    }
  if (target->path != NULL)
    address = G_SOCKET_CONNECTABLE (g_unix_socket_address_new (target->path));
  else
    address = g_network_address_new (target->host, target->port);

  self->cancellable = g_cancellable_new ();
  /* Until the operation is over the supervisor holds the owner. */
  ds_receiver_supervisor_begin_operation (supervisor);
  g_socket_client_connect_async (client, address, self->cancellable,
                                 ds_socket_connection_connected, self);
  return self;
}

void
ds_socket_connection_close (DsSocketConnection *self)
{
  ds_socket_connection_unwatch (self);
  if (self->has_room_watches)
    {
      ds_memory_budget_remove_watch (
          ds_receiver_supervisor_get_settings (self->supervisor)->budget,
          self->budget_watch_id);
      ds_rate_limiter_remove_watch (ds_receiver_supervisor_get_limiter (self->supervisor),
                                    self->rate_watch_id);
    }
  g_clear_pointer (&self->watch, ds_poll_watch_free);
  if (self->cancellable != NULL)
    {
      self->is_closed = TRUE;
      g_cancellable_cancel (self->cancellable);
      return;
    }
  /* The socket alone: TLS would wait for the peer. */
  if (self->connection != NULL)
    g_socket_close (g_socket_connection_get_socket (self->connection), NULL);
  ds_socket_connection_free (self);
}
