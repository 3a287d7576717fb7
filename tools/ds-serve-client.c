/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One connection: a buffer of text, how far it is sent, and when the next line is due.
 *
 * Due times come from the moment of connection, not from the line before, so a late line
 * does not make all later ones late.  A client that does not read blocks nobody: its
 * socket is waited for. */

#include "tools/ds-serve-private.h"

#include <string.h>

struct _ServeClient
{
  GSocketConnection *connection;
  GSocket *socket;
  const ServeOptions *options;
  ServeClientDoneFunc done;
  gpointer user_data;

  ServeFiles *files; /* (nullable): NULL is standard input */
  GByteArray *text;
  gsize n_sent;          /* bytes of @text */
  gboolean at_end;       /* nothing will be added to @text */
  gboolean has_no_input; /* the client will send nothing more */
  guint64 n_lines;       /* sent; counted only when there is a rate */
  guint64 n_bytes;       /* sent */
  gint64 start;          /* monotonic µs */
  GSource *writable;     /* (nullable): waits for the socket */
  GSource *hung_up;      /* tells when the peer closes */
  guint wait_id;         /* timer of the next line, or 0 */
};

static void serve_client_pump (ServeClient *self);

static void
serve_client_clear_source (GSource **source)
{
  if (*source == NULL)
    return;
  g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

void
serve_client_free (ServeClient *self)
{
  serve_client_clear_source (&self->writable);
  serve_client_clear_source (&self->hung_up);
  if (self->wait_id != 0)
    g_source_remove (self->wait_id);
  g_clear_pointer (&self->files, serve_files_free);
  g_byte_array_unref (self->text);
  g_io_stream_close (G_IO_STREAM (self->connection), NULL, NULL);
  g_object_unref (self->connection);
  g_free (self);
}

static gboolean
serve_client_on_writable (GSocket *socket, GIOCondition condition, gpointer data)
{
  ServeClient *self = data;

  g_clear_pointer (&self->writable, g_source_unref);
  serve_client_pump (self);
  return G_SOURCE_REMOVE;
}

static gboolean
serve_client_on_due (gpointer data)
{
  ServeClient *self = data;

  self->wait_id = 0;
  serve_client_pump (self);
  return G_SOURCE_REMOVE;
}

/* What a client sends is read and thrown away.  Its end of input is not the client's end:
 * it may have closed only its side of the connection and read on.  One that is gone is
 * found out by the next send. */
static gboolean
serve_client_on_input (GSocket *socket, GIOCondition condition, gpointer data)
{
  ServeClient *self = data;
  char ignored[4096];
  g_autoptr (GError) error = NULL;
  gssize n_read = g_socket_receive (socket, ignored, sizeof ignored, NULL, &error);

  if (n_read > 0 || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    return G_SOURCE_CONTINUE;

  if (n_read == 0 && !(self->at_end && self->n_sent == self->text->len))
    {
      self->has_no_input = TRUE;
      g_clear_pointer (&self->hung_up, g_source_unref);
    }
  else
    {
      self->done (self, self->user_data);
    }
  return G_SOURCE_REMOVE;
}

/* Lines that may be sent by now; G_MAXUINT64 without a rate.  Who fell behind by more
 * than a second is forgiven the rest: a client that slept must not be flooded as it
 * wakes. */
static guint64
serve_client_get_n_due (ServeClient *self)
{
  double rate = self->options->lines_per_second;

  if (rate <= 0)
    return G_MAXUINT64;

  gint64 now = g_get_monotonic_time ();
  double elapsed = (double) (now - self->start) / (double) G_USEC_PER_SEC;
  guint64 n_ever = (guint64) (elapsed * rate) + 1;
  guint64 n_due = n_ever > self->n_lines ? n_ever - self->n_lines : 0;
  guint64 most = (guint64) MAX (rate, 1.0);

  if (n_due > most)
    {
      double n_before = (double) (self->n_lines + most - 1);

      self->start = now - (gint64) (n_before / rate * (double) G_USEC_PER_SEC);
      n_due = most;
    }
  return n_due;
}

static void
serve_client_wait_for_next_line (ServeClient *self)
{
  double due = (double) self->n_lines / self->options->lines_per_second;
  gint64 wait = self->start + (gint64) (due * G_USEC_PER_SEC) - g_get_monotonic_time ();

  self->wait_id = g_timeout_add ((guint) CLAMP (wait / 1000 + 1, 1, 60000),
                                 serve_client_on_due, self);
}

/* TRUE when there is text to send; FALSE: wait for more, or done. */
static gboolean
serve_client_fill (ServeClient *self)
{
  g_autoptr (GError) error = NULL;

  if (self->n_sent < self->text->len)
    return TRUE;

  g_byte_array_set_size (self->text, 0);
  self->n_sent = 0;
  if (self->files == NULL || self->at_end)
    return FALSE;

  gssize n_read = serve_files_read (self->files, self->text, &error);

  if (n_read == 0 && self->options->loop)
    {
      serve_files_rewind (self->files);
      n_read = serve_files_read (self->files, self->text, &error);
    }
  if (n_read < 0)
    g_printerr ("ds-serve: %s; the connection ends here\n", error->message);
  if (n_read <= 0)
    self->at_end = TRUE;
  return n_read > 0;
}

/* How many bytes the next send takes: whole lines when there is a rate. */
static gsize
serve_client_get_n_next_bytes (ServeClient *self, guint64 n_due)
{
  const char *text = (const char *) self->text->data + self->n_sent;
  gsize n_bytes = self->text->len - self->n_sent;
  gsize n_next = 0;

  if (n_due == G_MAXUINT64)
    return MIN (n_bytes, self->options->send_bytes);

  for (; n_due > 0 && n_next < n_bytes; n_due--)
    {
      const char *end = memchr (text + n_next, '\n', n_bytes - n_next);

      n_next = end != NULL ? (gsize) (end - text) + 1 : n_bytes;
    }
  return n_next;
}

/* Sends what is due; comes back when the socket takes more, or the next line is due. */
static void
serve_client_pump (ServeClient *self)
{
  /* Other clients get their turn after so many bytes. */
  gsize n_left_of_turn = 4 * 1024 * 1024;

  if (self->writable != NULL || self->wait_id != 0)
    return;

  while (serve_client_fill (self))
    {
      g_autoptr (GError) error = NULL;
      guint64 n_due = serve_client_get_n_due (self);

      if (n_due == 0)
        {
          serve_client_wait_for_next_line (self);
          return;
        }

      const char *text = (const char *) self->text->data + self->n_sent;
      gsize n_bytes = serve_client_get_n_next_bytes (self, n_due);
      gssize n_sent = n_left_of_turn == 0
                          ? -1
                          : g_socket_send (self->socket, text, n_bytes, NULL, &error);

      if (n_left_of_turn == 0 ||
          g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
        {
          self->writable = g_socket_create_source (self->socket, G_IO_OUT, NULL);
          g_source_set_callback (self->writable, G_SOURCE_FUNC (serve_client_on_writable),
                                 self, NULL);
          g_source_attach (self->writable, NULL);
          return;
        }
      if (n_sent < 0)
        {
          self->done (self, self->user_data);
          return;
        }

      for (gssize i = 0; n_due != G_MAXUINT64 && i < n_sent; i++)
        self->n_lines += text[i] == '\n';
      self->n_bytes += (gsize) n_sent;
      self->n_sent += (gsize) n_sent;
      n_left_of_turn -= MIN (n_left_of_turn, (gsize) n_sent);
    }

  if (self->at_end && (!self->options->keep_open || self->has_no_input))
    self->done (self, self->user_data);
}

ServeClient *
serve_client_new (GSocketConnection *connection,
                  const ServeOptions *options,
                  ServeClientDoneFunc done,
                  gpointer user_data)
{
  ServeClient *self = g_new0 (ServeClient, 1);

  self->connection = g_object_ref (connection);
  self->socket = g_socket_connection_get_socket (connection);
  self->options = options;
  self->done = done;
  self->user_data = user_data;
  self->files = options->paths != NULL ? serve_files_new (options->paths) : NULL;
  self->text = g_byte_array_new ();
  self->start = g_get_monotonic_time ();
  g_socket_set_blocking (self->socket, FALSE);

  self->hung_up = g_socket_create_source (self->socket, G_IO_IN, NULL);
  g_source_set_callback (self->hung_up, G_SOURCE_FUNC (serve_client_on_input), self,
                         NULL);
  g_source_attach (self->hung_up, NULL);

  /* The first send comes from the loop, so that done is never called in here. */
  self->wait_id = g_idle_add (serve_client_on_due, self);
  return self;
}

void
serve_client_add_text (ServeClient *self, const guint8 *text, gsize n_bytes)
{
  g_byte_array_append (self->text, text, (guint) n_bytes);
  if (self->wait_id == 0 && self->writable == NULL)
    self->wait_id = g_idle_add (serve_client_on_due, self);
}

void
serve_client_end_text (ServeClient *self)
{
  self->at_end = TRUE;
  if (self->wait_id == 0 && self->writable == NULL)
    self->wait_id = g_idle_add (serve_client_on_due, self);
}

gsize
serve_client_get_n_waiting_bytes (ServeClient *self)
{
  return self->text->len - self->n_sent;
}

guint64
serve_client_get_n_bytes (ServeClient *self)
{
  return self->n_bytes;
}
