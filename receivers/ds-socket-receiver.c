/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A stream from a server.  This file is its life: connect, read what there is, hand over
 * at the end, say what happened and connect anew.  How to connect is in
 * ds-socket-connection.c, what becomes of the bytes in ds-line-intake.c and
 * ds-parse-intake.c.  All of it lives on a poll thread.
 *
 * Nobody waits here.  One dispatch reads a limited number of bytes, so that a fast server
 * leaves the thread to the others; without room in the memory budget nothing is read. */

#include "receivers/ds-socket-receiver-private.h"

#include "base/ds-error.h"
#include "receivers/ds-receiver-private.h"

#define DS_SOCKET_DISPATCH_BYTES ((gsize) 1 << 20)
/* A read of fewer has most likely emptied the socket.  To ask again costs a system call
 * and an error to allocate, as much as all the rest for a server that dribbles; should
 * there be more after all, the next turn tells. */
#define DS_SOCKET_DRIBBLE_BYTES 4096

struct _DsSocketReceiver
{
  DsReceiver parent_instance;
  DsSocketTarget target;
  DsLongLinePolicy policy;
  gboolean has_lines;
  DsSocketParser *parser; /* (nullable): blocks; until the intake takes it over */

  /* Thread: receiver. */
  DsReceiverSupervisor *supervisor; /* not owned; it lives as long as the receiver */
  DsSocketConnection *connection;   /* (nullable) */
  guint n_failed_attempts;
  char *end_reason; /* (nullable): the intake is ending, for this reason */

  DsSocketIntake *intake; /* (nullable): made at the first start; atomic */
};

G_DEFINE_FINAL_TYPE (DsSocketReceiver, ds_socket_receiver, DS_TYPE_RECEIVER)

/* ---- The end of a connection ---- */

/* All that came has been handed over: says so and connects anew. */
static void
ds_socket_receiver_restart (DsSocketReceiver *self)
{
  g_autofree char *reason = g_steal_pointer (&self->end_reason);
  DsSocketIntakeReport report;

  self->intake->ops->report (self->intake, &report);
  ds_receiver_restart (DS_RECEIVER (self),
                       g_error_new (DS_ERROR, DS_ERROR_NETWORK,
                                    "%s %s after %" G_GUINT64_FORMAT
                                    " bytes in %" G_GUINT64_FORMAT " %s%s",
                                    self->target.location, reason,
                                    self->intake->ops->get_n_bytes (self->intake),
                                    report.n_records, report.unit, report.rest));
}

/* @what (transfer full): "closed the connection"; the supervisor adds when it tries
 * again. */
static void
ds_socket_receiver_end (DsSocketReceiver *self, gboolean is_clean, char *what)
{
  ds_socket_connection_unwatch (self->connection);
  self->end_reason = what;
  if (self->intake->ops->end (self->intake, is_clean))
    ds_socket_receiver_restart (self);
}

static void
ds_socket_receiver_ended (gpointer owner)
{
  ds_socket_receiver_restart (owner);
}

/* @error (transfer full): records that cannot be had, not a connection that broke. */
static void
ds_socket_receiver_refuse (gpointer owner, GError *error)
{
  DsSocketReceiver *self = owner;

  ds_socket_connection_unwatch (self->connection);
  g_clear_pointer (&self->end_reason, g_free);
  if (self->policy == DS_LONG_LINE_FAIL)
    ds_receiver_finish (DS_RECEIVER (self), error);
  else
    ds_receiver_restart (DS_RECEIVER (self), error);
}

/* ---- Reading ---- */

/* Thread: receiver. */
static void
ds_socket_receiver_read (gpointer owner)
{
  DsSocketReceiver *self = owner;
  DsSocketIntake *intake = self->intake;
  DsRateLimiter *limiter = ds_receiver_supervisor_get_limiter (self->supervisor);
  gsize n_left = DS_SOCKET_DISPATCH_BYTES;

  while (n_left > 0)
    {
      g_autoptr (GError) error = NULL;
      gssize n_bytes = 0;

      if (!ds_socket_connection_may_read (self->connection))
        {
          if (intake->ops->flush (intake))
            ds_socket_connection_pause (self->connection);
          else
            ds_socket_connection_unwatch (self->connection);
          return;
        }

      n_bytes = intake->ops->read (intake, self->connection, &error);
      if (n_bytes > 0)
        {
          n_left -= MIN (n_left, (gsize) n_bytes);
          /* Nobody knows how many records these are before they are parsed. */
          if (ds_rate_limiter_is_limited (limiter) || n_bytes < DS_SOCKET_DRIBBLE_BYTES)
            break;
          continue;
        }
      if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
        break;

      if (n_bytes == 0)
        ds_socket_receiver_end (self, TRUE, g_strdup ("closed the connection"));
      else if (g_error_matches (error, DS_ERROR, DS_ERROR_LIMIT))
        ds_socket_receiver_refuse (self, g_steal_pointer (&error));
      else
        ds_socket_receiver_end (self, FALSE,
                                ds_socket_connection_describe_failure (self->connection,
                                                                       error));
      return;
    }

  if (!intake->ops->flush (intake))
    ds_socket_connection_unwatch (self->connection);
}

static void
ds_socket_receiver_continue (gpointer owner)
{
  DsSocketReceiver *self = owner;

  ds_socket_connection_watch (self->connection);
}

/* ---- Connecting ---- */

static void
ds_socket_receiver_opened (gpointer owner)
{
  DsSocketReceiver *self = owner;

  if (self->n_failed_attempts > 0)
    g_message ("Receiver %u: connected to %s at attempt %u",
               ds_receiver_get_stream_id (DS_RECEIVER (self)), self->target.location,
               self->n_failed_attempts + 1);
  self->n_failed_attempts = 0;
}

static void
ds_socket_receiver_failed (gpointer owner, GError *error)
{
  DsSocketReceiver *self = owner;

  self->n_failed_attempts++;
  ds_receiver_restart (DS_RECEIVER (self), error);
}

static DsSocketIntake *
ds_socket_receiver_make_intake (DsSocketReceiver *self)
{
  static const DsSocketIntakeFuncs funcs = {
    .continue_reading = ds_socket_receiver_continue,
    .failed = ds_socket_receiver_refuse,
    .ended = ds_socket_receiver_ended,
  };
  const DsReceiverSettings *settings =
      ds_receiver_supervisor_get_settings (self->supervisor);
  const char *location = self->target.location;
  gsize max_bytes = settings->max_record_bytes;
  DsSocketIntake *intake = NULL;

  if (self->has_lines)
    intake = ds_line_intake_new (self->supervisor, location, self->policy);
  else if (self->parser != NULL)
    intake = ds_parse_intake_new (self->supervisor, location,
                                  g_steal_pointer (&self->parser), max_bytes);
  else /* and its length */
    intake = ds_parse_intake_new (self->supervisor, location,
                                  ds_block_parser_new (max_bytes,
                                                       self->policy == DS_LONG_LINE_FAIL),
                                  max_bytes + sizeof (guint32));
  intake->funcs = funcs;
  intake->owner = self;
  return intake;
}

static gboolean
ds_socket_receiver_start (DsReceiver *receiver, GError **error)
{
  static const DsSocketConnectionFuncs funcs = {
    .opened = ds_socket_receiver_opened,
    .failed = ds_socket_receiver_failed,
    .readable = ds_socket_receiver_read,
  };
  DsSocketReceiver *self = DS_SOCKET_RECEIVER (receiver);

  if (self->supervisor == NULL)
    {
      self->supervisor = ds_receiver_get_supervisor (receiver);
      g_atomic_pointer_set (&self->intake, ds_socket_receiver_make_intake (self));
    }

  self->intake->ops->begin (self->intake);
  self->connection =
      ds_socket_connection_open (self->supervisor, &self->target, &funcs, self, error);
  return self->connection != NULL;
}

static void
ds_socket_receiver_stop (DsReceiver *receiver)
{
  DsSocketReceiver *self = DS_SOCKET_RECEIVER (receiver);

  if (self->connection == NULL)
    return;

  ds_socket_connection_unwatch (self->connection);
  self->intake->ops->stop (self->intake);
  g_clear_pointer (&self->connection, ds_socket_connection_close);
  g_clear_pointer (&self->end_reason, g_free);
}

static void
ds_socket_receiver_finalize (GObject *object)
{
  DsSocketReceiver *self = DS_SOCKET_RECEIVER (object);

  if (self->intake != NULL)
    self->intake->ops->free (self->intake);
  if (self->parser != NULL)
    self->parser->ops->free (self->parser);
  ds_socket_target_clear (&self->target);
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
  self->policy = DS_LONG_LINE_SKIP;
  self->has_lines = TRUE;
}

DsReceiver *
ds_socket_receiver_new (const char *host, guint16 port)
{
  DsSocketReceiver *self = g_object_new (DS_TYPE_SOCKET_RECEIVER, NULL);

  ds_socket_target_init (&self->target, host, port);
  ds_receiver_set_location (DS_RECEIVER (self), self->target.location);
  return DS_RECEIVER (self);
}

DsReceiver *
ds_socket_receiver_new_for_blocks (const char *host, guint16 port)
{
  DsReceiver *self = ds_socket_receiver_new (host, port);

  DS_SOCKET_RECEIVER (self)->has_lines = FALSE;
  return self;
}

DsReceiver *
ds_socket_receiver_new_for_parser (const char *host, guint16 port, DsSocketParser *parser)
{
  DsReceiver *self = ds_socket_receiver_new_for_blocks (host, port);

  DS_SOCKET_RECEIVER (self)->parser = parser;
  return self;
}

void
ds_socket_receiver_set_long_line_policy (DsSocketReceiver *self, DsLongLinePolicy policy)
{
  self->policy = policy;
}

void
ds_socket_receiver_set_idle_timeout (DsSocketReceiver *self, DsDuration timeout)
{
  self->target.idle_timeout = MAX (timeout, 0);
}

void
ds_socket_receiver_set_tls (DsSocketReceiver *self, gboolean has_tls)
{
  self->target.has_tls = has_tls;
}

void
ds_socket_receiver_set_tls_ca_file (DsSocketReceiver *self, const char *ca_file)
{
  g_free (self->target.ca_file);
  /* GIO's database takes no relative path. */
  self->target.ca_file = g_canonicalize_filename (ca_file, NULL);
}

gboolean
ds_socket_receiver_has_lines (DsSocketReceiver *self)
{
  return self->has_lines;
}

gboolean
ds_socket_receiver_has_tls (DsSocketReceiver *self)
{
  return self->target.has_tls;
}

gboolean
ds_socket_receiver_is_local (DsSocketReceiver *self)
{
  return self->target.path != NULL;
}

guint64
ds_socket_receiver_get_n_bytes (DsSocketReceiver *self)
{
  DsSocketIntake *intake = g_atomic_pointer_get (&self->intake);

  return intake != NULL ? intake->ops->get_n_bytes (intake) : 0;
}
