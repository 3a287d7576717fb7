/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a stream keeps of what a socket brought: every byte, and everything up to the last
 * batch when the process is killed.  The names of the tests begin with the rows of the
 * list of faults.  The process that is killed is this program, run again as a child. */

#include "tests/dstream/ds-test-stream.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static const char *program;

static GSocketListener *
listen_somewhere (guint16 *port)
{
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new (loopback, 0);
  g_autoptr (GSocketAddress) bound = NULL;
  g_autoptr (GError) error = NULL;
  GSocketListener *listener = g_socket_listener_new ();

  g_socket_listener_add_address (listener, address, G_SOCKET_TYPE_STREAM,
                                 G_SOCKET_PROTOCOL_TCP, NULL, &bound, &error);
  g_assert_no_error (error);
  *port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound));
  return listener;
}

static GSocketConnection *
accept_one (GSocketListener *listener)
{
  g_autoptr (GError) error = NULL;
  GSocketConnection *connection = g_socket_listener_accept (listener, NULL, NULL, &error);

  g_assert_no_error (error);
  return connection;
}

static void
send_bytes (GSocketConnection *connection, gconstpointer bytes, gsize n_bytes)
{
  g_autoptr (GError) error = NULL;

  g_output_stream_write_all (g_io_stream_get_output_stream (G_IO_STREAM (connection)),
                             bytes, n_bytes, NULL, NULL, &error);
  g_assert_no_error (error);
}

/* ---- C5 ---- */

static DsValue
split_off_length (DsValue value, DsTask *task, gpointer user_data)
{
  return ds_pair (task, value, ds_value_int (value.size));
}

/* Everything that was saved under @prefix, with this suffix. */
static GByteArray *
read_saved (const char *directory, const char *suffix)
{
  GByteArray *all = g_byte_array_new ();
  g_autoptr (GDir) entries = g_dir_open (directory, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (entries)) != NULL)
    {
      g_autofree char *part = g_build_filename (directory, name, "part-00000", NULL);
      g_autofree char *content = NULL;
      gsize n_bytes = 0;

      if (!g_str_has_suffix (name, suffix) ||
          !g_file_get_contents (part, &content, &n_bytes, NULL))
        continue;
      g_byte_array_append (all, (const guint8 *) content, (guint) n_bytes);
    }
  return all;
}

static void
remove_all (const char *directory)
{
  g_autofree char *quoted = g_shell_quote (directory);
  g_autofree char *command = g_strdup_printf ("rm -rf %s", quoted);

  g_assert_true (g_spawn_command_line_sync (command, NULL, NULL, NULL, NULL));
}

static void
test_every_byte (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *directory = g_dir_make_tmp ("ds-bytes-XXXXXX", &error);
  g_autofree char *prefix = g_build_filename (directory, "bytes", NULL);
  guint16 port = 0;
  g_autoptr (GSocketListener) listener = listen_somewhere (&port);
  g_autoptr (GSocketConnection) connection = NULL;
  g_autoptr (GByteArray) text = NULL;
  g_autoptr (GByteArray) packed = NULL;
  g_autoptr (GBytes) packed_bytes = NULL;
  g_autoptr (DsBlock) decoded = NULL;
  DsTestStream test;
  DsDStream *lines;
  DsOutput *pairs;
  char sent[3 + 255 + 1];
  gsize n_sent = 0;
  DsValue key;

  g_test_summary ("A byte order mark and every byte but the line end pass a socket, a "
                  "shuffle by key, a text sink and a msgpack sink as they are");

  memcpy (sent, "\xef\xbb\xbf", 3);
  n_sent = 3;
  for (guint byte = 0; byte < 256; byte++)
    if (byte != '\n')
      sent[n_sent++] = (char) byte;
  sent[n_sent++] = '\n';

  ds_test_stream_set_up (&test, "local[2]");
  lines = ds_streaming_context_socket_text_stream (test.ssc, "127.0.0.1", port);
  ds_dstream_save_as_text_files (lines, prefix, "txt");
  ds_dstream_save_as_msgpack_files (lines, prefix, "msgpack");
  pairs = ds_dstream_collect (
      ds_dstream_reduce_by_key (ds_dstream_map (lines, split_off_length, NULL, NULL),
                                ds_add, NULL, NULL));
  ds_test_stream_start (&test);
  connection = accept_one (listener);
  send_bytes (connection, sent, n_sent);
  while (ds_streaming_context_get_n_processed (test.ssc) < 1)
    ds_test_stream_run (&test, 1);

  key = ds_pair_key (ds_block_get (
      ds_output_get_block (pairs, ds_clock_get_time (DS_CLOCK (test.clock))), 0));
  g_assert_cmpmem (key.as.bytes, key.size, sent, (guint) n_sent - 1);
  text = read_saved (directory, ".txt");
  g_assert_cmpmem (text->data, text->len, sent, (guint) n_sent);
  packed = read_saved (directory, ".msgpack");
  packed_bytes = g_bytes_new (packed->data, packed->len);
  decoded = ds_block_new_from_msgpack (packed_bytes, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (ds_block_get_length (decoded), ==, 1);
  key = ds_block_get (decoded, 0);
  g_assert_cmpmem (key.as.bytes, key.size, sent, (guint) n_sent - 1);
  g_test_message (
      "255 byte values and a byte order mark: the same through socket, shuffle "
      "by key, text and msgpack sink");
  ds_test_stream_tear_down (&test);
  remove_all (directory);
}

/* ---- C8 ---- */

#define LINES_A_CHUNK 1000

typedef struct
{
  int fd; /* where values go */
} Child;

static gboolean
write_down (DsRdd *rdd, DsBatch *batch, gpointer user_data, GError **error)
{
  Child *self = user_data;
  g_autoptr (DsBlock) values = ds_rdd_collect (rdd, error);

  if (values == NULL)
    return FALSE;
  for (gsize i = 0; i < ds_block_get_length (values); i++)
    {
      DsValue value = ds_block_get (values, i);
      g_autofree char *line =
          g_strdup_printf ("%.*s\n", (int) value.size, value.as.bytes);

      if (write (self->fd, line, strlen (line)) != (gssize) strlen (line))
        {
          g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "write: %s",
                       g_strerror (errno));
          return FALSE;
        }
    }
  return TRUE;
}

/* On standard error: what the context says of itself when a batch is over. */
static void
tell_numbers (DsStreamingContext *ssc, DsBatch *batch, gpointer user_data)
{
  g_printerr ("numbers %d %d\n", (int) ds_streaming_context_get_n_received (ssc),
              (int) ds_streaming_context_get_n_processed (ssc));
}

/* The child: what @port sends goes to standard output, a batch at a time. */
static int
run_child (const char *port)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DsStreamingContext) ssc =
      ds_streaming_context_new ("local[2]", "child", 20 * DS_MILLISECOND);
  Child child = { STDOUT_FILENO };

  ds_dstream_foreach_rdd (ds_streaming_context_socket_text_stream (
                              ssc, "127.0.0.1",
                              (guint16) g_ascii_strtoull (port, NULL, 10)),
                          write_down, &child, NULL);
  g_signal_connect (ssc, "batch-completed", G_CALLBACK (tell_numbers), NULL);
  if (!ds_streaming_context_start (ssc, &error) ||
      !ds_streaming_context_await_termination (ssc, &error))
    g_printerr ("%s\n", error->message);
  return 1; /* it is killed */
}

static void
send_lines (GSocketConnection *connection, guint first, guint n)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = first; i < first + n; i++)
    g_string_append_printf (text, "%u\n", i);
  send_bytes (connection, text->str, text->len);
}

/* Reads lines up to @n of them in all, or the end; they must be the numbers from 0 on. */
static guint
read_numbers (GDataInputStream *lines, guint n_read, guint n)
{
  while (n_read < n)
    {
      g_autofree char *line = g_data_input_stream_read_line (lines, NULL, NULL, NULL);
      g_autofree char *expected = g_strdup_printf ("%u", n_read);

      if (line == NULL)
        break;
      g_assert_cmpstr (line, ==, expected);
      n_read++;
    }
  return n_read;
}

/* What the child said on standard error: that data is kept in memory only, and how much
 * it had received and processed when it last told. */
static void
read_messages (GDataInputStream *messages, guint *n_received, guint *n_processed)
{
  gboolean has_said = FALSE;
  char *line;

  *n_received = *n_processed = 0;
  while ((line = g_data_input_stream_read_line (messages, NULL, NULL, NULL)) != NULL)
    {
      if (strstr (line, "what came since the last batch is lost when the process is "
                        "killed") != NULL)
        has_said = TRUE;
      sscanf (line, "numbers %u %u", n_received, n_processed);
      g_free (line);
    }
  g_assert_true (has_said);
}

static void
test_killed_process (void)
{
  const guint n_rounds = 10;
  guint n_most = 0;
  guint n_sum = 0;
  guint n_unprocessed = 0;

  g_test_summary ("A process that is killed has lost at most what came since its last "
                  "batch, and says so when it starts");

  for (guint round = 0; round < n_rounds; round++)
    {
      guint n_chunks = (guint) g_test_rand_int_range (1, 6);
      guint16 port = 0;
      g_autoptr (GSocketListener) listener = listen_somewhere (&port);
      g_autofree char *port_text = g_strdup_printf ("%u", port);
      g_autoptr (GError) error = NULL;
      g_autoptr (GSocketConnection) connection = NULL;
      g_autoptr (GSubprocess) child =
          g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE |
                                G_SUBPROCESS_FLAGS_STDERR_PIPE,
                            &error, program, "--child", port_text, NULL);
      g_autoptr (GDataInputStream) lines = NULL;
      g_autoptr (GDataInputStream) messages = NULL;
      guint n_received = 0;
      guint n_processed = 0;
      guint n_sent = 0;
      guint n_acknowledged = 0;
      guint n_kept;

      g_assert_no_error (error);
      lines = g_data_input_stream_new (g_subprocess_get_stdout_pipe (child));
      messages = g_data_input_stream_new (g_subprocess_get_stderr_pipe (child));
      connection = accept_one (listener);
      for (guint i = 0; i < n_chunks; i++)
        {
          send_lines (connection, n_sent, LINES_A_CHUNK);
          n_sent += LINES_A_CHUNK;
          n_acknowledged = read_numbers (lines, n_acknowledged, n_sent);
          g_assert_cmpuint (n_acknowledged, ==, n_sent);
        }
      send_lines (connection, n_sent, LINES_A_CHUNK);
      n_sent += LINES_A_CHUNK;
      g_subprocess_send_signal (child, SIGKILL);
      n_kept = read_numbers (lines, n_acknowledged, G_MAXUINT);
      g_subprocess_wait (child, NULL, NULL);

      /* What it counted as processed is there; what is lost is what it had received, or
       * was about to, and not processed. */
      read_messages (messages, &n_received, &n_processed);
      g_assert_cmpuint (n_kept, >=, n_processed);
      g_assert_cmpuint (n_sent - n_kept, <=, n_sent - n_processed);
      g_assert_cmpuint (n_received, <=, n_sent);
      n_unprocessed = MAX (n_unprocessed, n_sent - n_processed);
      n_most = MAX (n_most, n_sent - n_kept);
      n_sum += n_sent - n_kept;
    }
  g_test_message (
      "%u kills: of up to %u records sent and not counted as processed, %u were lost on "
      "average, %u at most; of those processed 0",
      n_rounds, n_unprocessed, n_sum / n_rounds, n_most);
}

int
main (int argc, char *argv[])
{
  if (argc == 3 && strcmp (argv[1], "--child") == 0)
    return run_child (argv[2]);

  program = argv[0];
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dstream/socket-durability/c5-every-byte-is-kept", test_every_byte);
  g_test_add_func ("/dstream/socket-durability/c8-a-killed-process-loses-its-last-batch",
                   test_killed_process);
  return g_test_run ();
}
