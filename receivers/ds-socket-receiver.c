/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Lines from a TCP server.  All of it lives on a poll thread: GIO resolves the name and
 * connects without blocking, then a source tells when there is something to read, and
 * recv goes straight into the memory of the next block.  Lines are found only as far as a
 * block must end with one; cutting them is work of the tasks.
 *
 * Nobody waits here.  One dispatch reads a limited number of bytes, so that a fast server
 * leaves the thread to the others; without room in the memory budget the source is
 * removed until there is some, TCP's window closes, and the server has to slow down.
 *
 * The line buffer is the one thing that two threads touch: a batch tick takes what is
 * ready out of it, from the driver.  So it has a lock, held for one recv at the longest.
 */

#include "receivers/ds-socket-receiver-private.h"

#include "base/ds-error.h"
#include "base/ds-splitter-private.h"
#include "receivers/ds-receiver-private.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

/* Between the cache and the costs per block; see receivers/README.md for the measurement.
 */
#define DS_SOCKET_BUFFER_BYTES ((gsize) 1 << 20)
#define DS_SOCKET_RECEIVE_BYTES ((gsize) 256 << 10)
#define DS_SOCKET_DISPATCH_BYTES ((gsize) 1 << 20)
#define DS_SOCKET_CONNECT_SECONDS 30
/* A peer that is gone without a word is noticed after 60 + 6 x 10 s. */
#define DS_SOCKET_KEEPALIVE_IDLE_SECONDS 60
#define DS_SOCKET_KEEPALIVE_INTERVAL_SECONDS 10
#define DS_SOCKET_KEEPALIVE_COUNT 6

struct _DsSocketReceiver
{
  DsReceiver parent_instance;
  char *host;
  guint16 port;
  char *location; /* "host:port" */
  DsLongLinePolicy policy;
  DsDuration idle_timeout;

  /* Thread: receiver. */
  DsReceiverSupervisor *supervisor; /* not owned; it lives as long as the receiver */
  GCancellable *cancellable;        /* of the attempt to connect */
  GSocketConnection *connection;
  GSource *readable; /* (nullable): not while reading pauses */
  GSource *resume;   /* ready when there is room again; made at the first pause */
  guint watch_id;
  guint rate_watch_id;
  guint n_failed_attempts;
  gboolean has_told_of_long_lines;

  GMutex buffer_lock; /* guards the following */
  DsLineBuffer *buffer;
  guint64 n_bytes; /* of this connection */
  guint64 n_lines; /* of this connection, as far as taken */
};

G_DEFINE_FINAL_TYPE (DsSocketReceiver, ds_socket_receiver, DS_TYPE_RECEIVER)

static void ds_socket_receiver_watch (DsSocketReceiver *self);

/* ---- The line buffer ---- */

/* Thread: whoever cuts.  Locks: takes buffer_lock. */
static DsBlock *
ds_socket_receiver_take (gpointer user_data)
{
  DsSocketReceiver *self = user_data;
  DsBlock *block = NULL;

  g_mutex_lock (&self->buffer_lock);
  block = ds_line_buffer_take (self->buffer);
  if (block != NULL)
    self->n_lines += ds_block_get_length (block);
  g_mutex_unlock (&self->buffer_lock);
  return block;
}

/* Hands over what is in the buffer at the end of a connection.  Returns whether there was
 * a line that had not ended; it is delivered or dropped and counted. */
static gboolean
ds_socket_receiver_end_buffer (DsSocketReceiver *self,
                               gboolean deliver_rest,
                               guint64 *n_lines)
{
  g_autoptr (DsBlock) block = NULL;
  g_autoptr (GError) error = NULL;
  guint64 n_lost = 0;
  gboolean had_rest = FALSE;

  /* Whole lines first, so that what comes out of the end below is the rest alone. */
  ds_block_generator_cut (ds_receiver_supervisor_get_generator (self->supervisor));

  g_mutex_lock (&self->buffer_lock);
  n_lost = ds_line_buffer_get_n_dropped (self->buffer) +
           ds_line_buffer_get_n_skipped (self->buffer);
  block = ds_line_buffer_end (self->buffer, deliver_rest);
  n_lost = ds_line_buffer_get_n_dropped (self->buffer) +
           ds_line_buffer_get_n_skipped (self->buffer) - n_lost;
  had_rest = block != NULL || n_lost > 0;
  if (block != NULL)
    self->n_lines += ds_block_get_length (block);
  *n_lines = self->n_lines;
  g_mutex_unlock (&self->buffer_lock);

  ds_receiver_supervisor_add_dropped (self->supervisor, (gint64) n_lost);
  if (block != NULL &&
      !ds_block_generator_add_block (
          ds_receiver_supervisor_get_generator (self->supervisor), block, &error))
    {
      ds_receiver_supervisor_add_dropped (self->supervisor,
                                          (gint64) ds_block_get_length (block));
      ds_receiver_report_error (DS_RECEIVER (self), error);
    }
  return had_rest;
}

/* ---- The end of a connection ---- */

static void
ds_socket_receiver_unwatch (DsSocketReceiver *self)
{
  if (self->readable == NULL)
    return;

  g_source_destroy (self->readable);
  g_clear_pointer (&self->readable, g_source_unref);
}

/* @what: "closed the connection"; the supervisor adds when it tries again. */
static void
ds_socket_receiver_end (DsSocketReceiver *self, gboolean is_clean, const char *what)
{
  guint64 n_lines = 0;
  gboolean had_rest = FALSE;
  const char *rest = "";

  ds_socket_receiver_unwatch (self);
  had_rest = ds_socket_receiver_end_buffer (self, is_clean, &n_lines);
  if (had_rest)
    rest = is_clean ? "; the last line had no line end and was delivered"
                    : "; the last line had not ended and was dropped";
  ds_receiver_restart (DS_RECEIVER (self),
                       g_error_new (DS_ERROR, DS_ERROR_NETWORK,
                                    "%s %s after %" G_GUINT64_FORMAT
                                    " bytes in %" G_GUINT64_FORMAT " lines%s",
                                    self->location, what, self->n_bytes, n_lines, rest));
}

static void
ds_socket_receiver_fail (DsSocketReceiver *self, const GError *error)
{
  g_autofree char *what = NULL;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED))
    what = g_strdup ("reset the connection");
  else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT) &&
           self->idle_timeout > 0)
    what = g_strdup_printf ("sent nothing for %.0f s, so the connection was closed",
                            (double) self->idle_timeout / (double) DS_SECOND);
  else
    what = g_strdup_printf ("broke the connection (%s)", error->message);
  ds_socket_receiver_end (self, FALSE, what);
}

/* ---- Reading ---- */

/* Of the memory budget, and of the rate limit. */
static gboolean
ds_socket_receiver_may_read (DsSocketReceiver *self)
{
  return ds_memory_budget_has_room (
             ds_receiver_supervisor_get_settings (self->supervisor)->budget) &&
         ds_rate_limiter_has_room (ds_receiver_supervisor_get_limiter (self->supervisor));
}

/* Thread: receiver. */
static gboolean
ds_socket_receiver_resume (gpointer user_data)
{
  DsSocketReceiver *self = user_data;
  DsRateLimiter *limiter = ds_receiver_supervisor_get_limiter (self->supervisor);

  g_source_set_ready_time (self->resume, -1);
  if (self->connection == NULL || self->readable != NULL)
    return G_SOURCE_CONTINUE;

  if (ds_socket_receiver_may_read (self))
    ds_socket_receiver_watch (self);
  else if (!ds_rate_limiter_has_room (limiter))
    g_source_set_ready_time (self->resume, ds_rate_limiter_get_deadline (limiter));
  return G_SOURCE_CONTINUE;
}

static gboolean
ds_socket_receiver_dispatch_resume (GSource *source,
                                    GSourceFunc callback,
                                    gpointer user_data)
{
  return callback (user_data);
}

static GSourceFuncs ds_socket_receiver_resume_funcs = {
  .dispatch = ds_socket_receiver_dispatch_resume,
};

/* Thread: the one that released memory. */
static void
ds_socket_receiver_has_room (gpointer user_data)
{
  GSource *resume = user_data;

  g_source_set_ready_time (resume, 0);
}

static void
ds_socket_receiver_pause (DsSocketReceiver *self)
{
  const DsReceiverSettings *settings =
      ds_receiver_supervisor_get_settings (self->supervisor);
  DsRateLimiter *limiter = ds_receiver_supervisor_get_limiter (self->supervisor);

  ds_socket_receiver_unwatch (self);
  if (self->resume == NULL)
    {
      self->resume = g_source_new (&ds_socket_receiver_resume_funcs, sizeof (GSource));
      g_source_set_static_name (self->resume, "DsSocketReceiver: room again");
      g_source_set_callback (self->resume, ds_socket_receiver_resume, self, NULL);
      g_source_attach (self->resume, g_main_context_get_thread_default ());
      self->watch_id =
          ds_memory_budget_add_watch (settings->budget, ds_socket_receiver_has_room,
                                      self->resume);
      self->rate_watch_id =
          ds_rate_limiter_add_watch (limiter, ds_socket_receiver_has_room, self->resume);
    }
  /* There may have been room again before the watches were there; and a rate limit is met
   * until a time that is known. */
  g_source_set_ready_time (self->resume, 0);
}

/* Of this connection's first overlong line only: a server that sends one sends many. */
static void
ds_socket_receiver_tell_of_long_lines (DsSocketReceiver *self)
{
  g_autoptr (GError) error = NULL;

  if (self->has_told_of_long_lines)
    return;

  self->has_told_of_long_lines = TRUE;
  g_set_error (&error, DS_ERROR, DS_ERROR_LIMIT,
               "%s sent a line of more than %" G_GSIZE_FORMAT
               " bytes; it is skipped up to its end, and so are others like it on this "
               "connection (they are counted)",
               self->location,
               ds_receiver_supervisor_get_settings (self->supervisor)->max_record_bytes);
  ds_receiver_report_error (DS_RECEIVER (self), error);
}

/* One recv.  The number of bytes; 0 at the end; -1 with @error. */
static gssize
ds_socket_receiver_receive (DsSocketReceiver *self, GSocket *socket, GError **error)
{
  DsBlockGenerator *generator = ds_receiver_supervisor_get_generator (self->supervisor);
  DsRateLimiter *limiter = ds_receiver_supervisor_get_limiter (self->supervisor);
  g_autoptr (GError) line_error = NULL;
  guint64 n_skipped = 0;
  gsize n_ready = 0;
  gsize n_room = 0;
  gboolean is_full = FALSE;
  gssize n_bytes = 0;

  g_mutex_lock (&self->buffer_lock);
  n_skipped = ds_line_buffer_get_n_skipped (self->buffer);
  char *room = ds_line_buffer_prepare (self->buffer, &n_room);
  n_room =
      ds_rate_limiter_get_read_bytes (limiter, MIN (n_room, DS_SOCKET_RECEIVE_BYTES));
  n_bytes = g_socket_receive (socket, room, n_room, NULL, error);
  if (n_bytes > 0)
    {
      if (ds_rate_limiter_is_limited (limiter))
        ds_rate_limiter_note_read (limiter,
                                   ds_count_lines (room, (gsize) n_bytes) -
                                       (room[n_bytes - 1] != '\n'),
                                   (gsize) n_bytes);
      ds_line_buffer_commit (self->buffer, (gsize) n_bytes, &line_error);
      self->n_bytes += (gsize) n_bytes;
    }
  /* Before anybody can take the lines behind it. */
  n_skipped = ds_line_buffer_get_n_skipped (self->buffer) - n_skipped;
  ds_receiver_supervisor_add_dropped (self->supervisor, (gint64) n_skipped);
  n_ready = ds_line_buffer_get_n_ready_bytes (self->buffer);
  is_full = ds_line_buffer_is_full (self->buffer);
  g_mutex_unlock (&self->buffer_lock);

  if (is_full)
    ds_block_generator_cut (generator);
  else if (n_ready > 0)
    ds_block_generator_note_pending (generator);

  if (line_error != NULL)
    {
      g_propagate_prefixed_error (error, g_steal_pointer (&line_error),
                                  "%s: ", self->location);
      return -1;
    }
  if (n_skipped > 0)
    ds_socket_receiver_tell_of_long_lines (self);
  return n_bytes;
}

/* Thread: receiver. */
static gboolean
ds_socket_receiver_read (GSocket *socket, GIOCondition condition, gpointer user_data)
{
  DsSocketReceiver *self = user_data;
  gsize n_left = DS_SOCKET_DISPATCH_BYTES;

  while (n_left > 0)
    {
      g_autoptr (GError) error = NULL;
      gssize n_bytes = 0;

      if (!ds_socket_receiver_may_read (self))
        {
          ds_socket_receiver_pause (self);
          return G_SOURCE_REMOVE;
        }

      n_bytes = ds_socket_receiver_receive (self, socket, &error);
      if (n_bytes > 0)
        {
          n_left -= MIN (n_left, (gsize) n_bytes);
          continue;
        }
      if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
        return G_SOURCE_CONTINUE;

      if (n_bytes == 0)
        ds_socket_receiver_end (self, TRUE, "closed the connection");
      else if (g_error_matches (error, DS_ERROR, DS_ERROR_LIMIT))
        {
          ds_socket_receiver_unwatch (self);
          ds_receiver_finish (DS_RECEIVER (self), g_steal_pointer (&error));
        }
      else
        ds_socket_receiver_fail (self, error);
      return G_SOURCE_REMOVE;
    }
  return G_SOURCE_CONTINUE;
}

static void
ds_socket_receiver_watch (DsSocketReceiver *self)
{
  GSocket *socket = g_socket_connection_get_socket (self->connection);

  self->readable = g_socket_create_source (socket, G_IO_IN, NULL);
  g_source_set_static_name (self->readable, "DsSocketReceiver: readable");
  g_source_set_callback (self->readable, G_SOURCE_FUNC (ds_socket_receiver_read), self,
                         NULL);
  g_source_attach (self->readable, g_main_context_get_thread_default ());
}

/* ---- Connecting ---- */

static void
ds_socket_receiver_set_up (DsSocketReceiver *self)
{
  GSocket *socket = g_socket_connection_get_socket (self->connection);
  gint64 idle_seconds = (self->idle_timeout + DS_SECOND - 1) / DS_SECOND;

  g_socket_set_blocking (socket, FALSE);
  g_socket_set_timeout (socket, (guint) MIN (idle_seconds, G_MAXINT));

  /* Not every system has all of them, and none is needed to go on. */
  g_socket_set_keepalive (socket, TRUE);
  g_socket_set_option (socket, IPPROTO_TCP, TCP_KEEPIDLE,
                       DS_SOCKET_KEEPALIVE_IDLE_SECONDS, NULL);
  g_socket_set_option (socket, IPPROTO_TCP, TCP_KEEPINTVL,
                       DS_SOCKET_KEEPALIVE_INTERVAL_SECONDS, NULL);
  g_socket_set_option (socket, IPPROTO_TCP, TCP_KEEPCNT, DS_SOCKET_KEEPALIVE_COUNT, NULL);

  self->has_told_of_long_lines = FALSE;
}

/* @error (nullable): there is no connection. */
static void
ds_socket_receiver_take_connection (DsSocketReceiver *self,
                                    GSocketConnection *connection,
                                    const GError *error)
{
  g_clear_object (&self->cancellable);
  if (error != NULL)
    {
      gboolean is_refused =
          g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED);

      self->n_failed_attempts++;
      ds_receiver_restart (
          DS_RECEIVER (self),
          g_error_new (DS_ERROR, DS_ERROR_NETWORK, "Cannot connect to %s: %s",
                       self->location,
                       is_refused ? "nothing listens there yet (connection refused)"
                                  : error->message));
      return;
    }

  if (self->n_failed_attempts > 0)
    g_message ("Receiver %u: connected to %s at attempt %u",
               ds_receiver_get_stream_id (DS_RECEIVER (self)), self->location,
               self->n_failed_attempts + 1);
  self->n_failed_attempts = 0;
  self->connection = g_object_ref (connection);
  ds_socket_receiver_set_up (self);
  ds_socket_receiver_watch (self);
}

/* Thread: receiver. */
static void
ds_socket_receiver_connected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  DsSocketReceiver *self = user_data;
  DsReceiverSupervisor *supervisor = self->supervisor;
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocketConnection) connection =
      g_socket_client_connect_finish (G_SOCKET_CLIENT (source), result, &error);

  /* Cancelled: it was stopped; this may even be another run already. */
  if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    ds_socket_receiver_take_connection (self, connection, error);
  ds_receiver_supervisor_end_operation (supervisor); /* self may be gone afterwards */
}

static gboolean
ds_socket_receiver_start (DsReceiver *receiver, GError **error)
{
  DsSocketReceiver *self = DS_SOCKET_RECEIVER (receiver);
  const DsReceiverSettings *settings = NULL;
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketConnectable) address = g_network_address_new (self->host, self->port);

  if (self->supervisor == NULL)
    {
      self->supervisor = ds_receiver_get_supervisor (receiver);
      settings = ds_receiver_supervisor_get_settings (self->supervisor);
      self->buffer =
          ds_line_buffer_new (settings->pool,
                              MIN (DS_SOCKET_BUFFER_BYTES, settings->max_block_bytes),
                              settings->max_record_bytes, self->policy, TRUE);
      ds_block_generator_set_take_func (ds_receiver_supervisor_get_generator (
                                            self->supervisor),
                                        ds_socket_receiver_take, self);
    }

  g_socket_client_set_enable_proxy (client, FALSE);
  g_socket_client_set_timeout (client, DS_SOCKET_CONNECT_SECONDS);
  self->cancellable = g_cancellable_new ();
  /* Until the operation is over the supervisor holds us. */
  ds_receiver_supervisor_begin_operation (self->supervisor);
  g_socket_client_connect_async (client, address, self->cancellable,
                                 ds_socket_receiver_connected, self);
  return TRUE;
}

static void
ds_socket_receiver_stop (DsReceiver *receiver)
{
  DsSocketReceiver *self = DS_SOCKET_RECEIVER (receiver);
  const DsReceiverSettings *settings =
      ds_receiver_supervisor_get_settings (self->supervisor);
  guint64 n_lines = 0;

  if (self->cancellable != NULL)
    g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);

  ds_socket_receiver_unwatch (self);
  if (self->resume != NULL)
    {
      ds_memory_budget_remove_watch (settings->budget, self->watch_id);
      ds_rate_limiter_remove_watch (ds_receiver_supervisor_get_limiter (self->supervisor),
                                    self->rate_watch_id);
      g_source_destroy (self->resume);
      g_clear_pointer (&self->resume, g_source_unref);
    }
  if (self->connection == NULL)
    return;

  /* A line that is cut off because we stop is as incomplete as one cut off by a reset.
   * At the end of a connection the buffer is empty already. */
  ds_socket_receiver_end_buffer (self, FALSE, &n_lines);
  /* Before the next attempt, so that a server that sees the next connection never reads
   * what came over the one before. */
  g_mutex_lock (&self->buffer_lock);
  self->n_bytes = 0;
  self->n_lines = 0;
  g_mutex_unlock (&self->buffer_lock);
  g_io_stream_close (G_IO_STREAM (self->connection), NULL, NULL);
  g_clear_object (&self->connection);
}

static void
ds_socket_receiver_finalize (GObject *object)
{
  DsSocketReceiver *self = DS_SOCKET_RECEIVER (object);

  g_clear_pointer (&self->buffer, ds_line_buffer_free);
  g_clear_pointer (&self->host, g_free);
  g_clear_pointer (&self->location, g_free);
  g_mutex_clear (&self->buffer_lock);
  G_OBJECT_CLASS (ds_socket_receiver_parent_class)->finalize (object);
}

static void
ds_socket_receiver_class_init (DsSocketReceiverClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ds_socket_receiver_finalize;
  DS_RECEIVER_CLASS (klass)->start = ds_socket_receiver_start;
  DS_RECEIVER_CLASS (klass)->stop = ds_socket_receiver_stop;
}

static void
ds_socket_receiver_init (DsSocketReceiver *self)
{
  g_mutex_init (&self->buffer_lock);
  self->policy = DS_LONG_LINE_SKIP;
}

DsReceiver *
ds_socket_receiver_new (const char *host, guint16 port)
{
  DsSocketReceiver *self = g_object_new (DS_TYPE_SOCKET_RECEIVER, NULL);

  self->host = g_strdup (host);
  self->port = port;
  /* An IPv6 address has colons of its own. */
  self->location = strchr (host, ':') != NULL ? g_strdup_printf ("[%s]:%u", host, port)
                                              : g_strdup_printf ("%s:%u", host, port);
  ds_receiver_set_location (DS_RECEIVER (self), self->location);
  return DS_RECEIVER (self);
}

void
ds_socket_receiver_set_long_line_policy (DsSocketReceiver *self, DsLongLinePolicy policy)
{
  self->policy = policy;
}

void
ds_socket_receiver_set_idle_timeout (DsSocketReceiver *self, DsDuration timeout)
{
  self->idle_timeout = MAX (timeout, 0);
}

guint64
ds_socket_receiver_get_n_bytes (DsSocketReceiver *self)
{
  guint64 n_bytes = 0;

  g_mutex_lock (&self->buffer_lock);
  n_bytes = self->n_bytes;
  g_mutex_unlock (&self->buffer_lock);
  return n_bytes;
}
