/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Streams from sockets through the public interface: raw blocks, parse functions of the
 * program, msgpack; and what their options refuse.  The server is a thread of the test
 * that sends some bytes to whoever comes first. */

#include "tests/dstream/ds-test-stream.h"

#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <unistd.h>

typedef struct
{
  GSocketListener *listener;
  GSocketConnection *connection;
  guint16 port;
} Server;

static void
server_listen (Server *self, GSocketAddress *address)
{
  g_autoptr (GSocketAddress) bound = NULL;
  g_autoptr (GError) error = NULL;

  *self = (Server){ g_socket_listener_new (), NULL, 0 };
  g_socket_listener_add_address (self->listener, address, G_SOCKET_TYPE_STREAM,
                                 G_SOCKET_PROTOCOL_DEFAULT, NULL, &bound, &error);
  g_assert_no_error (error);
  if (G_IS_INET_SOCKET_ADDRESS (bound))
    self->port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound));
}

static void
server_start (Server *self, GSocketFamily family)
{
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (family);
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new (loopback, 0);

  server_listen (self, address);
}

static void
server_send (Server *self, gconstpointer bytes, gsize n_bytes)
{
  g_autoptr (GError) error = NULL;

  if (self->connection == NULL)
    self->connection = g_socket_listener_accept (self->listener, NULL, NULL, &error);
  g_assert_no_error (error);
  g_output_stream_write_all (g_io_stream_get_output_stream (
                                 G_IO_STREAM (self->connection)),
                             bytes, n_bytes, NULL, NULL, &error);
  g_assert_no_error (error);
}

static void
server_stop (Server *self)
{
  g_clear_object (&self->connection);
  g_socket_listener_close (self->listener);
  g_clear_object (&self->listener);
}

/* All that @values got, one a line, once there are @n of them. */
static char *
run_until (DsTestStream *test, DsOutput *values, gsize n)
{
  gint64 deadline = g_get_monotonic_time () + 60 * DS_SECOND;
  GString *text = g_string_new (NULL);
  gsize n_found = 0;

  while (n_found < n)
    {
      DsBlock *block;

      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      ds_test_stream_run (test, 1);
      block = ds_output_get_block (values, ds_clock_get_time (DS_CLOCK (test->clock)));
      for (gsize i = 0; block != NULL && i < ds_block_get_length (block); i++)
        {
          g_autofree char *printed = ds_value_to_string (ds_block_get (block, i));

          g_string_append_printf (text, "%s\n", printed);
          n_found++;
        }
      g_thread_yield ();
    }
  return g_string_free (text, FALSE);
}

static GBytes *
encode (DsBlock *block /* (transfer full) */)
{
  GBytes *bytes = ds_block_to_msgpack (block);

  ds_block_unref (block);
  return bytes;
}

/* ---- Raw ---- */

static void
test_raw_blocks (void)
{
  DsTestStream test;
  Server server;
  DsOutput *values;
  g_autoptr (GBytes) bytes = encode (ds_block_new_strings ("a", "b", NULL));
  g_autoptr (GByteArray) sent = g_byte_array_new ();
  g_autofree char *text = NULL;

  g_test_summary ("Two blocks after their lengths are the values of both, in order");

  for (guint i = 0; i < 2; i++)
    {
      guint32 head = GUINT32_TO_BE ((guint32) g_bytes_get_size (bytes));

      g_byte_array_append (sent, (const guint8 *) &head, sizeof head);
      g_byte_array_append (sent, g_bytes_get_data (bytes, NULL),
                           (guint) g_bytes_get_size (bytes));
    }
  server_start (&server, G_SOCKET_FAMILY_IPV4);
  ds_test_stream_set_up (&test, "local[2]");
  values = ds_dstream_collect (
      ds_streaming_context_raw_socket_stream (test.ssc, "127.0.0.1", server.port));
  ds_test_stream_start (&test);
  server_send (&server, sent->data, sent->len);
  text = run_until (&test, values, 4);
  g_assert_cmpstr (text, ==, "a\nb\na\nb\n");
  g_assert_cmpint (ds_streaming_context_get_n_received (test.ssc), ==, 4);
  ds_test_stream_tear_down (&test);
  server_stop (&server);
}

/* ---- Parse functions ---- */

typedef struct
{
  gint n_calls;
  gint n_at_end;
  gint n_destroyed;
} Calls;

/* Numbers of two bytes, the high one first, as (number, number odd). */
static gsize
parse_numbers (const guint8 *bytes,
               gsize n_bytes,
               gboolean at_end,
               DsTask *task,
               gpointer user_data)
{
  Calls *calls = user_data;
  gsize i = 0;

  g_atomic_int_inc (&calls->n_calls);
  g_atomic_int_add (&calls->n_at_end, at_end);
  g_assert_cmpint (ds_task_get_batch_time (task), ==, DS_TIME_NONE);
  for (i = 0; i + 2 <= n_bytes; i += 2)
    {
      gint64 number = bytes[i] << 8 | bytes[i + 1];

      if (number == 0xffff)
        {
          ds_task_fail (task, "number %d of a call is 65535", (int) i / 2);
          return i;
        }
      ds_task_emit_pair (task, ds_value_int (number),
                         ds_string_printf (task, number % 2 ? "odd" : "even"));
      ds_task_count (task, "numbers", 1);
    }
  return i;
}

static void
note_destroyed (gpointer user_data)
{
  Calls *calls = user_data;

  g_atomic_int_inc (&calls->n_destroyed);
}

static void
test_parse_function (void)
{
  const guint8 first[] = { 0, 1, 0, 2, 1 };
  const guint8 second[] = { 0, 0, 4 };
  DsTestStream test;
  Server server;
  Calls calls = { 0 };
  DsOutput *values;
  g_autofree char *text = NULL;

  g_test_summary ("A parse function gets the bytes in order, emits from a task, counts, "
                  "and what it left comes again");

  server_start (&server, G_SOCKET_FAMILY_IPV4);
  ds_test_stream_set_up (&test, "local[2]");
  values = ds_dstream_collect (
      ds_streaming_context_socket_stream (test.ssc, "127.0.0.1", server.port,
                                          parse_numbers, &calls, note_destroyed));
  ds_test_stream_start (&test);
  server_send (&server, first, sizeof first);
  text = run_until (&test, values, 2);
  g_assert_cmpstr (text, ==, "(1,odd)\n(2,even)\n");
  g_free (text);
  server_send (&server, second, sizeof second);
  text = run_until (&test, values, 2);
  g_assert_cmpstr (text, ==, "(256,even)\n(4,even)\n");
  g_assert_cmpint (ds_context_get_counter (ds_streaming_context_get_context (test.ssc),
                                           "numbers"),
                   ==, 4);
  ds_test_stream_tear_down (&test);
  server_stop (&server);
  g_assert_cmpint (calls.n_destroyed, ==, 1);
  g_assert_cmpint (calls.n_calls, >=, 2);
}

static void
test_parse_function_fails (void)
{
  const guint8 first[] = { 0, 1, 255, 255, 0, 3 };
  const guint8 second[] = { 0, 5 };
  DsTestStream test;
  Server server;
  Calls calls = { 0 };
  DsDStream *stream;
  DsOutput *values;
  const GError *told;
  g_autoptr (DsReceiverInfo) info = NULL;
  g_autofree char *text = NULL;

  g_test_summary ("A parse function that fails ends the connection, not the stream; the "
                  "next connection begins anew");

  server_start (&server, G_SOCKET_FAMILY_IPV4);
  ds_test_stream_set_up (&test, "local[2]");
  g_object_set (test.ssc, "receiver-restart-delay", (gint64) 1, NULL);
  stream = ds_streaming_context_socket_stream (test.ssc, "127.0.0.1", server.port,
                                               parse_numbers, &calls, note_destroyed);
  values = ds_dstream_collect (stream);
  ds_test_stream_start (&test);
  server_send (&server, first, sizeof first);
  text = run_until (&test, values, 1);
  g_assert_cmpstr (text, ==, "(1,odd)\n");
  g_free (text);
  g_clear_object (&server.connection);
  server_send (&server, second, sizeof second);
  text = run_until (&test, values, 1);
  g_assert_cmpstr (text, ==, "(5,odd)\n");
  info = ds_streaming_context_get_receiver_info (test.ssc, stream);
  told = ds_receiver_info_get_last_error (info);
  g_assert_nonnull (strstr (told->message, "sent cannot be parsed: socket_stream"));
  g_assert_nonnull (strstr (told->message, "number 1 of a call is 65535"));
  ds_test_stream_tear_down (&test);
  server_stop (&server);
}

static void
test_msgpack (void)
{
  DsTestStream test;
  Server server;
  DsOutput *values;
  g_autoptr (GBytes) bytes = encode (ds_block_new_strings ("one", "two", NULL));
  g_autoptr (GBytes) more = encode (ds_block_new_ints (3, -4));
  const guint8 *data = g_bytes_get_data (bytes, NULL);
  g_autofree char *text = NULL;

  g_test_summary ("msgpack values back to back, split anywhere");

  server_start (&server, G_SOCKET_FAMILY_IPV4);
  ds_test_stream_set_up (&test, "local[2]");
  values = ds_dstream_collect (
      ds_streaming_context_socket_stream (test.ssc, "127.0.0.1", server.port,
                                          ds_parse_msgpack, NULL, NULL));
  ds_test_stream_start (&test);
  server_send (&server, data, 6);
  text = run_until (&test, values, 1);
  g_assert_cmpstr (text, ==, "one\n");
  g_free (text);
  server_send (&server, data + 6, g_bytes_get_size (bytes) - 6);
  server_send (&server, g_bytes_get_data (more, NULL), g_bytes_get_size (more));
  text = run_until (&test, values, 3);
  g_assert_cmpstr (text, ==, "two\n3\n-4\n");
  ds_test_stream_tear_down (&test);
  server_stop (&server);
}

/* ---- Addresses ---- */

static void
test_ipv6 (gconstpointer data)
{
  const char *host = data;
  DsTestStream test;
  Server server;
  DsOutput *values;
  g_autofree char *text = NULL;

  g_test_summary ("An IPv6 address, with brackets or without");

  server_start (&server, G_SOCKET_FAMILY_IPV6);
  ds_test_stream_set_up (&test, "local");
  values = ds_dstream_collect (
      ds_streaming_context_socket_text_stream (test.ssc, host, server.port));
  ds_test_stream_start (&test);
  server_send (&server, "six\n", 4);
  text = run_until (&test, values, 1);
  g_assert_cmpstr (text, ==, "six\n");
  ds_test_stream_tear_down (&test);
  server_stop (&server);
}

static void
test_unix_socket (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *directory = g_dir_make_tmp ("ds-socket-XXXXXX", &error);
  g_autofree char *path = g_build_filename (directory, "lines", NULL);
  g_autofree char *host = g_strconcat ("unix:", path, NULL);
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (path);
  DsTestStream test;
  Server server;
  DsOutput *values;
  g_autofree char *text = NULL;

  g_test_summary ("A Unix socket, which may come later than the stream");

  ds_test_stream_set_up (&test, "local");
  g_object_set (test.ssc, "receiver-restart-delay", (gint64) 1, NULL);
  values =
      ds_dstream_collect (ds_streaming_context_socket_text_stream (test.ssc, host, 0));
  ds_test_stream_start (&test);
  ds_test_stream_run (&test, 1);
  server_listen (&server, address);
  server_send (&server, "local\n", 6);
  text = run_until (&test, values, 1);
  g_assert_cmpstr (text, ==, "local\n");
  ds_test_stream_tear_down (&test);
  server_stop (&server);
  g_unlink (path);
  g_rmdir (directory);
}

/* ---- Mistakes ---- */

typedef enum
{
  MISTAKE_HOST,
  MISTAKE_PORT,
  MISTAKE_PATH,
  MISTAKE_PATH_WITH_PORT,
  MISTAKE_PARSE_HOST,
  MISTAKE_RAW_HOST,
  MISTAKE_TLS_OF_UNIX,
  MISTAKE_CA_FILE,
  MISTAKE_CA_CONTENT,
  MISTAKE_TLS_OF_QUEUE,
  MISTAKE_IDLE,
  MISTAKE_IDLE_OF_QUEUE,
  MISTAKE_SPLIT_BLOCKS,
  MISTAKE_4_GIB
} Mistake;

static void
test_mistakes (gconstpointer data)
{
  static const char *const patterns[] = {
    "socket_text_stream: cannot connect to host \"\", port 1; *",
    "socket_text_stream: cannot connect to host \"a\", port 0; *",
    "socket_text_stream: cannot connect to host \"unix:\", port 0; *has a path*",
    "socket_text_stream: cannot connect to host \"unix:/a\", port 7; *port 0*",
    "socket_stream: cannot connect to host \"\", port 1; *",
    "raw_socket_stream: cannot connect to host \"\", port 1; *",
    "set_tls: stream 0 is from a Unix socket, *",
    "set_tls_ca_file: no certificates can be read from /no/such/file for stream 0: *",
    "set_tls_ca_file: no certificates can be read from /dev/null for stream 0*",
    "set_tls: * has no such option; it is one of socket_text_stream, *",
    "set_idle_timeout: the timeout of stream 0 is -1 us; *",
    "set_idle_timeout: * has no such option; it is one of socket_text_stream, *",
    "set_bad_record_policy: the records of stream 0 cannot be split, *",
    "set_max_record_bytes: 4294967296 bytes for the records of stream 0; *"
  };
  Mistake mistake = (Mistake) GPOINTER_TO_UINT (data);
  DsTestStream test;
  Calls calls = { 0 };
  DsDStream *stream = NULL;
  const GError *error;

  g_test_summary ("What cannot be connected to, and options where they have no meaning");

  ds_test_stream_set_up (&test, "local");
  switch (mistake)
    {
    case MISTAKE_HOST:
      ds_streaming_context_socket_text_stream (test.ssc, "", 1);
      break;
    case MISTAKE_PORT:
      ds_streaming_context_socket_text_stream (test.ssc, "a", 0);
      break;
    case MISTAKE_PATH:
      ds_streaming_context_socket_text_stream (test.ssc, "unix:", 0);
      break;
    case MISTAKE_PATH_WITH_PORT:
      ds_streaming_context_socket_text_stream (test.ssc, "unix:/a", 7);
      break;
    case MISTAKE_PARSE_HOST:
      ds_streaming_context_socket_stream (test.ssc, "", 1, parse_numbers, &calls,
                                          note_destroyed);
      g_assert_cmpint (calls.n_destroyed, ==, 1);
      break;
    case MISTAKE_RAW_HOST:
      ds_streaming_context_raw_socket_stream (test.ssc, "", 1);
      break;
    case MISTAKE_TLS_OF_UNIX:
      stream = ds_streaming_context_socket_text_stream (test.ssc, "unix:/a", 0);
      ds_dstream_set_tls (stream, TRUE);
      break;
    case MISTAKE_CA_FILE:
      stream = ds_streaming_context_socket_text_stream (test.ssc, "a", 1);
      ds_dstream_set_tls_ca_file (stream, "/no/such/file");
      break;
    case MISTAKE_CA_CONTENT:
      stream = ds_streaming_context_socket_text_stream (test.ssc, "a", 1);
      ds_dstream_set_tls_ca_file (stream, "/dev/null");
      break;
    case MISTAKE_TLS_OF_QUEUE:
      ds_dstream_set_tls (ds_streaming_context_queue_stream (test.ssc), TRUE);
      break;
    case MISTAKE_IDLE:
      stream = ds_streaming_context_raw_socket_stream (test.ssc, "a", 1);
      ds_dstream_set_idle_timeout (stream, -1);
      break;
    case MISTAKE_IDLE_OF_QUEUE:
      ds_dstream_set_idle_timeout (ds_streaming_context_queue_stream (test.ssc), 1);
      break;
    case MISTAKE_SPLIT_BLOCKS:
      stream = ds_streaming_context_raw_socket_stream (test.ssc, "a", 1);
      ds_dstream_set_bad_record_policy (stream, DS_ON_BAD_RECORD_SPLIT);
      break;
    case MISTAKE_4_GIB:
    default:
      stream = ds_streaming_context_socket_text_stream (test.ssc, "a", 1);
      ds_dstream_set_max_record_bytes (stream, (gsize) 1 << 32);
      break;
    }
  error = ds_streaming_context_get_build_error (test.ssc);
  g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT);
  if (!g_pattern_match_simple (patterns[mistake], error->message))
    g_error ("'%s' does not match '%s'", patterns[mistake], error->message);
  ds_test_stream_tear_down (&test);
}

static const char *const mistakes[] = {
  "an-empty-host",        "port-0",
  "an-empty-path",        "a-path-with-a-port",
  "no-host-to-parse",     "no-host-of-blocks",
  "tls-of-a-unix-socket", "authorities-that-are-not-there",
  "no-authorities",       "tls-of-a-queue",
  "a-negative-timeout",   "an-idle-queue",
  "blocks-in-pieces",     "records-of-4-gib"
};

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dstream/socket-streams/raw-blocks", test_raw_blocks);
  g_test_add_func ("/dstream/socket-streams/parse-function", test_parse_function);
  g_test_add_func ("/dstream/socket-streams/parse-function-fails",
                   test_parse_function_fails);
  g_test_add_func ("/dstream/socket-streams/msgpack", test_msgpack);
  g_test_add_data_func ("/dstream/socket-streams/ipv6", "::1", test_ipv6);
  g_test_add_data_func ("/dstream/socket-streams/ipv6-in-brackets", "[::1]", test_ipv6);
  g_test_add_func ("/dstream/socket-streams/unix-socket", test_unix_socket);
  for (guint i = 0; i <= MISTAKE_4_GIB; i++)
    {
      g_autofree char *path =
          g_strconcat ("/dstream/socket-streams/refuses/", mistakes[i], NULL);

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_mistakes);
    }
  return g_test_run ();
}
