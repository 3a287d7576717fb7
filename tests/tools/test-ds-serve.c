/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* ds-serve as its users see it: the program is started, clients connect.  $DS_SERVE names
 * the program. */

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>

typedef struct
{
  char *directory;
  char *one;       /* a file of two lines */
  char *two;       /* a file whose last line has no end */
  char *port_file; /* where the program says its port */
  GSubprocess *process;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer user_data)
{
  fixture->directory = g_dir_make_tmp ("ds-serve-XXXXXX", NULL);
  g_assert_nonnull (fixture->directory);
  fixture->one = g_build_filename (fixture->directory, "one", NULL);
  fixture->two = g_build_filename (fixture->directory, "two", NULL);
  fixture->port_file = g_build_filename (fixture->directory, "port", NULL);
  g_assert_true (g_file_set_contents (fixture->one, "1 a\n2 b\n", -1, NULL));
  g_assert_true (g_file_set_contents (fixture->two, "3 c\n4 d", -1, NULL));
}

static void
tear_down (Fixture *fixture, gconstpointer user_data)
{
  if (fixture->process != NULL)
    {
      g_subprocess_send_signal (fixture->process, SIGTERM);
      g_assert_true (g_subprocess_wait (fixture->process, NULL, NULL));
      g_assert_true (g_subprocess_get_if_exited (fixture->process));
      g_assert_cmpint (g_subprocess_get_exit_status (fixture->process), ==, 0);
      g_object_unref (fixture->process);
    }
  g_unlink (fixture->one);
  g_unlink (fixture->two);
  g_unlink (fixture->port_file);
  g_assert_cmpint (g_rmdir (fixture->directory), ==, 0);
  g_free (fixture->one);
  g_free (fixture->two);
  g_free (fixture->port_file);
  g_free (fixture->directory);
}

/* Starts the program with more arguments and reads the line in which it says its port. */
static guint16
serve (Fixture *fixture, ...)
{
  g_autoptr (GPtrArray) arguments = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;
  const char *argument;
  va_list more;

  g_ptr_array_add (arguments, (gpointer) (guintptr) g_getenv ("DS_SERVE"));
  g_ptr_array_add (arguments, (gpointer) (guintptr) "--port=0");
  g_ptr_array_add (arguments, (gpointer) (guintptr) "--port-file");
  g_ptr_array_add (arguments, fixture->port_file);
  va_start (more, fixture);
  while ((argument = va_arg (more, const char *)) != NULL)
    g_ptr_array_add (arguments, (gpointer) (guintptr) argument);
  va_end (more);
  g_ptr_array_add (arguments, NULL);

  fixture->process =
      g_subprocess_newv ((const char *const *) arguments->pdata,
                         G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE,
                         &error);
  g_assert_no_error (error);

  g_autoptr (GDataInputStream) output =
      g_data_input_stream_new (g_subprocess_get_stdout_pipe (fixture->process));
  g_autofree char *line = g_data_input_stream_read_line (output, NULL, NULL, &error);
  g_autofree char *content = NULL;

  g_assert_no_error (error);
  g_assert_nonnull (line);
  g_assert_true (g_str_has_prefix (line, "Listening on 127.0.0.1 port "));
  g_assert_true (g_file_get_contents (fixture->port_file, &content, NULL, &error));

  guint64 port = g_ascii_strtoull (content, NULL, 10);
  g_autofree char *same =
      g_strdup_printf ("Listening on 127.0.0.1 port %u", (guint) port);

  g_assert_cmpstr (line, ==, same);
  return (guint16) port;
}

static GSocketConnection *
connect_to (guint16 port)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GError) error = NULL;

  g_socket_client_set_timeout (client, 20);

  GSocketConnection *connection =
      g_socket_client_connect_to_host (client, "127.0.0.1", port, NULL, &error);

  g_assert_no_error (error);
  return connection;
}

/* What comes until the server closes, or @max_bytes. */
static char *
receive (GSocketConnection *connection, gsize max_bytes)
{
  GInputStream *input = g_io_stream_get_input_stream (G_IO_STREAM (connection));
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  gssize n_read = 1;

  while (n_read > 0 && text->len < max_bytes)
    {
      char piece[4096];

      n_read =
          g_input_stream_read (input, piece, MIN (sizeof piece, max_bytes - text->len),
                               NULL, &error);
      g_assert_no_error (error);
      g_string_append_len (text, piece, n_read);
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
test_serves_files_to_each_client (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("Two clients get all files in order, each line ended, then the end");

  guint16 port = serve (fixture, fixture->one, fixture->two, NULL);
  g_autoptr (GSocketConnection) first = connect_to (port);
  g_autoptr (GSocketConnection) second = connect_to (port);
  g_autofree char *first_text = receive (first, G_MAXSIZE);
  g_autofree char *second_text = receive (second, G_MAXSIZE);

  g_assert_cmpstr (first_text, ==, "1 a\n2 b\n3 c\n4 d\n");
  g_assert_cmpstr (second_text, ==, "1 a\n2 b\n3 c\n4 d\n");
}

static void
test_loops (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("--loop begins again after the last file");

  guint16 port = serve (fixture, "--loop", fixture->one, fixture->two, NULL);
  g_autoptr (GSocketConnection) client = connect_to (port);
  g_autofree char *text = receive (client, 40);

  g_assert_cmpstr (text, ==, "1 a\n2 b\n3 c\n4 d\n1 a\n2 b\n3 c\n4 d\n1 a\n2 b\n");
}

static void
test_keeps_a_rate (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("At 100 lines a second the eleventh comes no sooner than after 100 ms");

  guint16 port = serve (fixture, "--loop", "--rate=100", fixture->one, NULL);
  gint64 start = g_get_monotonic_time ();
  g_autoptr (GSocketConnection) client = connect_to (port);
  g_autofree char *text = receive (client, 11 * 4);

  g_assert_cmpuint (strlen (text), ==, 44);
  g_assert_cmpint (g_get_monotonic_time () - start, >=, 100 * 1000);
}

static void
test_serves_standard_input (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary (
      "Lines of standard input wait for a client; its end ends the connection");

  guint16 port = serve (fixture, "-", NULL);
  g_autoptr (GError) error = NULL;
  GOutputStream *input = g_subprocess_get_stdin_pipe (fixture->process);

  g_assert_true (
      g_output_stream_write_all (input, "to be\nor no", 11, NULL, NULL, &error));

  g_autoptr (GSocketConnection) client = connect_to (port);
  g_autofree char *first = receive (client, 6);

  g_assert_cmpstr (first, ==, "to be\n");
  g_assert_true (g_output_stream_write_all (input, "t\nend", 5, NULL, NULL, &error));
  g_assert_true (g_output_stream_close (input, NULL, &error));
  g_assert_no_error (error);

  g_autofree char *rest = receive (client, G_MAXSIZE);

  g_assert_cmpstr (rest, ==, "or not\nend\n");
}

static void
test_ends_after_one_client (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("--once ends the program when the first client has everything");

  guint16 port = serve (fixture, "--once", fixture->one, NULL);
  g_autoptr (GSocketConnection) client = connect_to (port);
  g_autofree char *text = receive (client, G_MAXSIZE);

  g_assert_cmpstr (text, ==, "1 a\n2 b\n");
  g_assert_true (g_subprocess_wait_check (fixture->process, NULL, NULL));
  g_clear_object (&fixture->process);
}

static void
test_serves_clients_that_close_their_side (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("A client that sends nothing and says so still gets its lines");

  guint16 port = serve (fixture, "--rate=200", fixture->one, fixture->two, NULL);
  g_autoptr (GSocketConnection) client = connect_to (port);
  g_autoptr (GError) error = NULL;

  g_assert_true (
      g_socket_shutdown (g_socket_connection_get_socket (client), FALSE, TRUE, &error));
  g_assert_no_error (error);

  g_autofree char *text = receive (client, G_MAXSIZE);

  g_assert_cmpstr (text, ==, "1 a\n2 b\n3 c\n4 d\n");
}

static void
test_survives_clients_that_leave (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("A client that leaves in the middle costs the next one nothing");

  guint16 port = serve (fixture, "--loop", "--send-bytes=1000", fixture->one, NULL);

  for (guint i = 0; i < 20; i++)
    {
      g_autoptr (GSocketConnection) client = connect_to (port);
      g_autofree char *text = receive (client, 8);

      g_assert_cmpstr (text, ==, "1 a\n2 b\n");
    }
}

static void
assert_refused (const char *argument, const char *more, int status, const char *message)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *complaint = NULL;
  g_autoptr (GSubprocess) process =
      g_subprocess_new (G_SUBPROCESS_FLAGS_STDERR_PIPE |
                            G_SUBPROCESS_FLAGS_STDOUT_SILENCE,
                        &error, g_getenv ("DS_SERVE"), "--port=0", argument, more, NULL);

  g_assert_no_error (error);
  g_assert_true (
      g_subprocess_communicate_utf8 (process, NULL, NULL, NULL, &complaint, &error));
  g_assert_cmpint (g_subprocess_get_exit_status (process), ==, status);
  g_assert_nonnull (strstr (complaint, message));
}

/* @complaint is all that is said, in any locale. */
static void
assert_complaint (const char *argument, int status, const char *expected)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *complaint = NULL;
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (
      G_SUBPROCESS_FLAGS_STDERR_PIPE | G_SUBPROCESS_FLAGS_STDOUT_SILENCE);

  g_subprocess_launcher_setenv (launcher, "LC_ALL", "C", TRUE);

  g_autoptr (GSubprocess) process =
      g_subprocess_launcher_spawn (launcher, &error, g_getenv ("DS_SERVE"), argument,
                                   "/dev/null", NULL);

  g_assert_no_error (error);
  g_assert_true (
      g_subprocess_communicate_utf8 (process, NULL, NULL, NULL, &complaint, &error));
  g_assert_cmpint (g_subprocess_get_exit_status (process), ==, status);
  g_assert_cmpstr (complaint, ==, expected);
}

static void
test_complains_of_what_is_wrong_only (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("One sentence names the mistake and nothing else, in plain ASCII");

  assert_complaint ("--port=99999", 2,
                    "ds-serve: --port 99999: expected a number from 0 to 65535\n");
  assert_complaint ("--port=-1", 2,
                    "ds-serve: --port -1: expected a number from 0 to 65535\n");
  assert_complaint ("--send-bytes=0", 2,
                    "ds-serve: --send-bytes 0: expected a number from 1 to 1073741824\n");
  assert_complaint ("--port=80x", 2,
                    "ds-serve: Cannot parse integer value \"80x\" for --port\n");
}

static void
test_refuses_bad_arguments (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("What cannot be done is said before anything is listened on");

  assert_refused ("--rate=fast", fixture->one, 2, "\"fast\"");
  assert_refused ("--rate=0", fixture->one, 2, "above 0");
  assert_refused ("--send-bytes=0", fixture->one, 2, "--send-bytes");
  assert_refused ("--host=nowhere", fixture->one, 1, "nowhere");
  assert_refused ("--loop", "-", 2, "standard input");
  assert_refused (fixture->directory, NULL, 1, "is a directory");
  assert_refused ("/no/such/file", NULL, 1, "/no/such/file");
  assert_refused ("--bogus", NULL, 2, "bogus");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  if (g_getenv ("DS_SERVE") == NULL)
    {
      g_printerr ("DS_SERVE must name the program to test\n");
      return 1;
    }
#define ADD(name, func) \
  g_test_add ("/tools/ds-serve/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("serves-files-to-each-client", test_serves_files_to_each_client);
  ADD ("loops", test_loops);
  ADD ("keeps-a-rate", test_keeps_a_rate);
  ADD ("serves-standard-input", test_serves_standard_input);
  ADD ("ends-after-one-client", test_ends_after_one_client);
  ADD ("serves-clients-that-close-their-side", test_serves_clients_that_close_their_side);
  ADD ("survives-clients-that-leave", test_survives_clients_that_leave);
  ADD ("complains-of-what-is-wrong-only", test_complains_of_what_is_wrong_only);
  ADD ("refuses-bad-arguments", test_refuses_bad_arguments);
#undef ADD
  return g_test_run ();
}
