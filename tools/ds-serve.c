/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* ds-serve: lines of files, or of standard input, over TCP to every client that connects:
 * what one reaches for `nc -lk` for, with a rate and without its surprises. */

#include "tools/ds-serve-private.h"

#include <errno.h>
#include <glib-unix.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Standard input is read no further while a client has so many bytes waiting. */
#define SERVE_MAX_WAITING_BYTES (8 * 1024 * 1024)

#define SERVE_MAX_SEND_BYTES (1024 * 1024 * 1024)

typedef struct
{
  ServeOptions options;
  gboolean exits_when_done; /* after the first client that got everything */
  gboolean is_verbose;
  GMainLoop *loop;
  GList *clients; /* ServeClient */

  /* Standard input. */
  GByteArray *line; /* the start of a line whose end has not come */
  guint input_id;   /* source, or 0 while it is not read */
  gboolean input_at_end;
} Serve;

static void serve_update_input (Serve *self);

static void
serve_on_client_done (ServeClient *client, gpointer data)
{
  Serve *self = data;

  if (self->is_verbose)
    g_printerr ("ds-serve: a client has left after %" G_GUINT64_FORMAT " bytes\n",
                serve_client_get_n_bytes (client));
  self->clients = g_list_remove (self->clients, client);
  serve_client_free (client);
  if (self->exits_when_done ||
      (self->clients == NULL && self->options.paths == NULL && self->input_at_end))
    g_main_loop_quit (self->loop);
  serve_update_input (self);
}

static gboolean
serve_on_incoming (GSocketService *service,
                   GSocketConnection *connection,
                   GObject *source_object,
                   gpointer data)
{
  Serve *self = data;
  ServeClient *client =
      serve_client_new (connection, &self->options, serve_on_client_done, self);

  if (self->is_verbose)
    g_printerr ("ds-serve: a client has connected\n");
  self->clients = g_list_append (self->clients, client);
  if (self->options.paths == NULL && self->input_at_end)
    serve_client_end_text (client);
  serve_update_input (self);
  return TRUE;
}

/* ---- Standard input: to all who are connected; without a client it waits ---- */

static void
serve_broadcast (Serve *self, const guint8 *text, gsize n_bytes)
{
  for (GList *l = self->clients; l != NULL; l = l->next)
    serve_client_add_text (l->data, text, n_bytes);
}

static gboolean
serve_on_input (gint fd, GIOCondition condition, gpointer data)
{
  Serve *self = data;
  guint8 text[65536];
  gssize n_read = read (fd, text, sizeof text);

  if (n_read < 0 && (errno == EINTR || errno == EAGAIN))
    return G_SOURCE_CONTINUE;

  if (n_read > 0)
    {
      gsize n_whole = (gsize) n_read;

      while (n_whole > 0 && text[n_whole - 1] != '\n')
        n_whole--;
      if (n_whole > 0)
        {
          serve_broadcast (self, self->line->data, self->line->len);
          serve_broadcast (self, text, n_whole);
          g_byte_array_set_size (self->line, 0);
        }
      g_byte_array_append (self->line, text + n_whole,
                           (guint) ((gsize) n_read - n_whole));
    }
  else
    {
      self->input_at_end = TRUE;
      if (self->line->len > 0)
        g_byte_array_append (self->line, (const guint8 *) "\n", 1);
      serve_broadcast (self, self->line->data, self->line->len);
      g_byte_array_set_size (self->line, 0);
      for (GList *l = self->clients; l != NULL; l = l->next)
        serve_client_end_text (l->data);
    }
  self->input_id = 0;
  serve_update_input (self);
  return G_SOURCE_REMOVE;
}

static gboolean
serve_look_again (gpointer data)
{
  Serve *self = data;

  self->input_id = 0;
  serve_update_input (self);
  return G_SOURCE_REMOVE;
}

/* Reads standard input while somebody wants it and nobody is far behind. */
static void
serve_update_input (Serve *self)
{
  gboolean is_far_behind = FALSE;

  if (self->options.paths != NULL || self->input_at_end || self->clients == NULL ||
      self->input_id != 0)
    return;

  for (GList *l = self->clients; l != NULL; l = l->next)
    if (serve_client_get_n_waiting_bytes (l->data) > SERVE_MAX_WAITING_BYTES)
      is_far_behind = TRUE;
  self->input_id = is_far_behind
                       ? g_timeout_add (5, serve_look_again, self)
                       : g_unix_fd_add (STDIN_FILENO, G_IO_IN | G_IO_HUP | G_IO_ERR,
                                        serve_on_input, self);
}

/* ---- The program ---- */

static gboolean
serve_on_signal (gpointer data)
{
  g_main_loop_quit (((Serve *) data)->loop);
  return G_SOURCE_CONTINUE;
}

/* The port that is listened on; 0 with error. */
static guint16
serve_listen (GSocketService *service, const char *host, guint16 port, GError **error)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (host);

  if (address == NULL && g_strcmp0 (host, "localhost") == 0)
    address = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  if (address == NULL)
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   "--host \"%s\" is not an IP address: give one of this machine, as "
                   "127.0.0.1, or 0.0.0.0 for all",
                   host);
      return 0;
    }

  g_autoptr (GSocketAddress) wanted = g_inet_socket_address_new (address, port);
  g_autoptr (GSocketAddress) bound = NULL;

  if (!g_socket_listener_add_address (G_SOCKET_LISTENER (service), wanted,
                                      G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL,
                                      &bound, error))
    {
      g_prefix_error (error, "cannot listen on %s port %u: ", host, port);
      return 0;
    }
  return g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound));
}

static gboolean
serve_parse_rate (const char *text, double *lines_per_second, GError **error)
{
  char *end = NULL;

  *lines_per_second = 0;
  if (text == NULL || g_strcmp0 (text, "unlimited") == 0)
    return TRUE;

  *lines_per_second = g_ascii_strtod (text, &end);
  if (end == text || *end != '\0' || !(*lines_per_second > 0) || *lines_per_second > 1e9)
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   "--rate \"%s\" is neither a number of lines a second above 0 nor "
                   "\"unlimited\"",
                   text);
      return FALSE;
    }
  return TRUE;
}

/* GLib's messages have typographic quotes, for which g_printerr () writes ? in many
 * locales.  Names of files go out as they are. */
static void
serve_complain (const char *message)
{
  g_autoptr (GString) text = g_string_new (message);

  g_string_replace (text, "\342\200\234", "\"", 0);
  g_string_replace (text, "\342\200\235", "\"", 0);
  fprintf (stderr, "ds-serve: %s\n", text->str);
}

/* FALSE with an error when @value is not one of @minimum to @maximum. */
static gboolean
serve_check_number (const char *option,
                    gint64 value,
                    gint64 minimum,
                    gint64 maximum,
                    GError **error)
{
  if (value >= minimum && value <= maximum)
    return TRUE;

  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
               "%s %" G_GINT64_FORMAT ": expected a number from %" G_GINT64_FORMAT
               " to %" G_GINT64_FORMAT,
               option, value, minimum, maximum);
  return FALSE;
}

static const char serve_summary[] =
    "Serves the lines of FILES, one after the other, or of standard input over TCP to\n"
    "every client that connects.  Each client gets the files from their beginning; "
    "lines\n"
    "of standard input go to all who are connected, and wait until somebody is.";

int
main (int argc, char *argv[])
{
  g_autoptr (GError) error = NULL;
  g_autofree char *host_option = NULL;
  const char *host = NULL;
  g_autofree char *rate = NULL;
  g_autofree char *port_file = NULL;
  g_auto (GStrv) files = NULL;
  int port = 9999;
  gint64 send_bytes = 64 * 1024;
  Serve self = { 0 };

  const GOptionEntry entries[] = {
    { "host", 0, 0, G_OPTION_ARG_STRING, &host_option, "Address to listen on [127.0.0.1]",
      "IP" },
    { "port", 'p', 0, G_OPTION_ARG_INT, &port, "Port [9999]; 0: any free one", "N" },
    { "port-file", 0, 0, G_OPTION_ARG_FILENAME, &port_file,
      "Write the port to FILE once it is listened on", "FILE" },
    { "rate", 'r', 0, G_OPTION_ARG_STRING, &rate,
      "Lines a second to each client [unlimited]", "N" },
    { "loop", 'l', 0, G_OPTION_ARG_NONE, &self.options.loop,
      "Begin again after the last file", NULL },
    { "keep-open", 'k', 0, G_OPTION_ARG_NONE, &self.options.keep_open,
      "Leave connections open when everything was sent", NULL },
    { "once", '1', 0, G_OPTION_ARG_NONE, &self.exits_when_done,
      "End after the first client", NULL },
    { "send-bytes", 0, 0, G_OPTION_ARG_INT64, &send_bytes,
      "At most so many bytes in one send [65536]", "N" },
    { "verbose", 'v', 0, G_OPTION_ARG_NONE, &self.is_verbose, "Say who comes and goes",
      NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &files, NULL,
      "[FILES | -]" },
    { NULL, 0, 0, 0, NULL, NULL, NULL }
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);

  g_option_context_set_summary (context, serve_summary);
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error) ||
      !serve_parse_rate (rate, &self.options.lines_per_second, &error) ||
      !serve_check_number ("--port", port, 0, G_MAXUINT16, &error) ||
      !serve_check_number ("--send-bytes", send_bytes, 1, SERVE_MAX_SEND_BYTES, &error))
    {
      serve_complain (error->message);
      return 2;
    }
  if (files != NULL && !(g_strv_length (files) == 1 && g_str_equal (files[0], "-")))
    self.options.paths = files;
  self.options.send_bytes = (gsize) send_bytes;
  if (self.options.paths == NULL && self.options.loop)
    {
      serve_complain ("--loop needs files: standard input cannot be read again");
      return 2;
    }
  if (self.options.paths != NULL && !serve_files_check (self.options.paths, &error))
    {
      serve_complain (error->message);
      return 1;
    }

  host = host_option != NULL ? host_option : "127.0.0.1";
  g_autoptr (GSocketService) service = g_socket_service_new ();
  guint16 bound_port = serve_listen (service, host, (guint16) port, &error);
  g_autofree char *port_text = g_strdup_printf ("%u\n", bound_port);

  if (bound_port == 0 ||
      (port_file != NULL && !g_file_set_contents (port_file, port_text, -1, &error)))
    {
      serve_complain (error->message);
      return 1;
    }
  g_print ("Listening on %s port %u\n", host, bound_port);

  self.loop = g_main_loop_new (NULL, FALSE);
  self.line = g_byte_array_new ();
  g_signal_connect (service, "incoming", G_CALLBACK (serve_on_incoming), &self);
  g_unix_signal_add (SIGINT, serve_on_signal, &self);
  g_unix_signal_add (SIGTERM, serve_on_signal, &self);
  g_main_loop_run (self.loop);

  g_socket_service_stop (service);
  g_socket_listener_close (G_SOCKET_LISTENER (service));
  if (self.input_id != 0)
    g_source_remove (self.input_id);
  g_list_free_full (self.clients, (GDestroyNotify) serve_client_free);
  g_byte_array_unref (self.line);
  g_main_loop_unref (self.loop);
  return 0;
}
