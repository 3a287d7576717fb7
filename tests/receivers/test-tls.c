/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* TLS against real peers: socat and openssl serve, with certificates that are made for
 * the test.  What must be refused is refused, with the reason. */

#include "tests/receivers/ds-test-server.h"

#include "base/ds-error.h"
#include "base/ds-sanitizer-private.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <sys/wait.h>

#if DS_HAS_ASAN
/* Looking for leaks crashes once GIO's TLS module and what it needs were loaded. */
__attribute__ ((visibility ("default"))) int __lsan_is_turned_off (void);

int
__lsan_is_turned_off (void)
{
  return 1;
}
#endif

typedef struct
{
  Fixture fixture;
  char *directory;
  GSubprocess *server;
} TlsFixture;

/* Certificates are made once: an authority, and what it signed. */
static char *directory;

static char *
in_directory (const char *name)
{
  return g_build_filename (directory, name, NULL);
}

/* Runs a command in the directory; TRUE when it was successful. */
static gboolean G_GNUC_PRINTF (1, 2) run (const char *format, ...)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *command = NULL;
  g_auto (GStrv) arguments = NULL;
  va_list args;
  int status = 0;

  va_start (args, format);
  command = g_strdup_vprintf (format, args);
  va_end (args);
  g_assert_true (g_shell_parse_argv (command, NULL, &arguments, NULL));
  if (!g_spawn_sync (directory, arguments, NULL,
                     G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL |
                         G_SPAWN_STDERR_TO_DEV_NULL,
                     NULL, NULL, NULL, NULL, &status, &error))
    {
      g_test_message ("%s", error->message);
      return FALSE;
    }
  return g_spawn_check_wait_status (status, NULL);
}

/* @name.pem: key and certificate, signed by the authority. */
static gboolean
make_certificate (const char *name, const char *alternative_name, const char *days)
{
  g_autofree char *extensions = g_strdup_printf ("subjectAltName=%s\n", alternative_name);
  g_autofree char *extensions_path = in_directory ("extensions");
  g_autofree char *pem = g_strconcat (name, ".pem", NULL);
  g_autofree char *pem_path = in_directory (pem);
  g_autofree char *key_path = in_directory ("key");
  g_autofree char *certificate_path = in_directory ("certificate");
  g_autofree char *key = NULL;
  g_autofree char *certificate = NULL;
  g_autofree char *both = NULL;

  return g_file_set_contents (extensions_path, extensions, -1, NULL) &&
         run ("openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
              "-keyout key -out request -subj /CN=%s",
              name) &&
         run ("openssl x509 -req -in request -CA authority.pem -CAkey authority.key "
              "-CAcreateserial -days %s -extfile extensions -out certificate",
              days) &&
         g_file_get_contents (key_path, &key, NULL, NULL) &&
         g_file_get_contents (certificate_path, &certificate, NULL, NULL) &&
         (both = g_strconcat (key, certificate, NULL)) != NULL &&
         g_file_set_contents (pem_path, both, -1, NULL);
}

static gboolean
make_certificates (void)
{
  g_autoptr (GError) error = NULL;

  directory = g_dir_make_tmp ("ds-tls-XXXXXX", &error);
  g_assert_no_error (error);
  return run ("socat -V") &&
         run ("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
              "-keyout authority.key -out authority.pem -subj /CN=ds-test -days 2") &&
         make_certificate ("good", "IP:127.0.0.1,DNS:localhost", "2") &&
         make_certificate ("other-name", "DNS:elsewhere.invalid", "2") &&
         make_certificate ("expired", "IP:127.0.0.1,DNS:localhost", "-1");
}

/* A port that nobody has just now. */
static guint16
find_port (void)
{
  Fixture fixture = { 0 };
  guint16 port = listen_on (&fixture, 0);

  stop_listening (&fixture);
  return port;
}

static void
set_up_tls (TlsFixture *self, gconstpointer user_data)
{
  self->fixture.recorder = ds_test_recorder_new (1 << 30, TRUE);
  self->fixture.settings = ds_test_recorder_get_settings (self->fixture.recorder);
  self->fixture.port = find_port ();
  self->fixture.receiver = ds_socket_receiver_new ("127.0.0.1", self->fixture.port);
  ds_socket_receiver_set_tls (DS_SOCKET_RECEIVER (self->fixture.receiver), TRUE);
}

static void
tear_down_tls (TlsFixture *self, gconstpointer user_data)
{
  tear_down (&self->fixture, user_data);
  if (self->server == NULL)
    return;
  g_subprocess_force_exit (self->server);
  g_subprocess_wait (self->server, NULL, NULL);
  g_clear_object (&self->server);
}

static void
trust (TlsFixture *self, const char *name)
{
  g_autofree char *path = in_directory (name);

  ds_socket_receiver_set_tls_ca_file (DS_SOCKET_RECEIVER (self->fixture.receiver), path);
}

/* socat shows @text to everyone who comes, over TLS with the certificate @name. */
static void
serve (TlsFixture *self, const char *name, const char *text)
{
  g_autofree char *pem = g_strconcat (name, ".pem", NULL);
  g_autofree char *pem_path = in_directory (pem);
  g_autofree char *text_path = in_directory ("text");
  g_autofree char *listen =
      g_strdup_printf ("OPENSSL-LISTEN:%u,reuseaddr,fork,verify=0,cert=%s,key=%s",
                       self->fixture.port, pem_path, pem_path);
  g_autofree char *open = g_strdup_printf ("OPEN:%s,rdonly", text_path);
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (text_path, text, -1, NULL));
  self->server = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_SILENCE |
                                       G_SUBPROCESS_FLAGS_STDERR_SILENCE,
                                   &error, "socat", "-U", listen, open, NULL);
  g_assert_no_error (error);
}

static void
test_reads_lines (TlsFixture *self, gconstpointer user_data)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *found = NULL;

  g_test_summary ("Lines come over TLS as they do without, 4 MB of them, and the end of "
                  "the connection is a clean one");

  for (guint i = 0; i < 200000; i++)
    g_string_append_printf (text, "the line number %u\n", i);
  trust (self, "authority.pem");
  serve (self, "good", text->str);
  start (&self->fixture);
  wait_for_error (&self->fixture,
                  "127.0.0.1:* closed the connection after * in 200000 lines; "
                  "trying again in *");
  ds_receiver_supervisor_stop_async (self->fixture.supervisor);
  ds_test_assert_join (self->fixture.supervisor);
  found = ds_test_recorder_dup_text (self->fixture.recorder);
  g_assert_true (g_str_has_prefix (found, text->str));
}

static void
test_takes_a_relative_path (TlsFixture *self, gconstpointer user_data)
{
  g_autofree char *before = g_get_current_dir ();
  g_autofree char *found = NULL;

  g_assert_cmpint (g_chdir (directory), ==, 0);
  ds_socket_receiver_set_tls_ca_file (DS_SOCKET_RECEIVER (self->fixture.receiver),
                                      "authority.pem");
  serve (self, "good", "a line\n");
  start (&self->fixture);
  wait_for_error (&self->fixture, "127.0.0.1:* closed the connection after * in 1 line*");
  g_assert_cmpint (g_chdir (before), ==, 0);
  ds_receiver_supervisor_stop_async (self->fixture.supervisor);
  ds_test_assert_join (self->fixture.supervisor);
  found = ds_test_recorder_dup_text (self->fixture.recorder);
  g_assert_true (g_str_has_prefix (found, "a line\n"));
}

static void
test_refuses_a_stranger (TlsFixture *self, gconstpointer user_data)
{
  g_test_summary (
      "A certificate of an authority that the system does not know is refused");

  serve (self, "good", "secret\n");
  start (&self->fixture);
  wait_for_error (&self->fixture,
                  "Cannot connect to 127.0.0.1:* with TLS: the server's certificate "
                  "is refused: it was signed by nobody who is trusted here. *"
                  "set_tls_ca_file*; trying again in *");
  stop_receiver (&self->fixture);
  g_assert_cmpuint (self->fixture.recorder->n_records, ==, 0);
}

static void
test_refuses_another_name (TlsFixture *self, gconstpointer user_data)
{
  g_test_summary ("A certificate for another name is refused");

  trust (self, "authority.pem");
  serve (self, "other-name", "secret\n");
  start (&self->fixture);
  wait_for_error (&self->fixture,
                  "Cannot connect to 127.0.0.1:* with TLS: the server's certificate "
                  "is refused: it is for another name (for elsewhere.invalid, but the "
                  "stream connects to 127.0.0.1). Connect to the name that it is for, *");
  stop_receiver (&self->fixture);
  g_assert_cmpuint (self->fixture.recorder->n_records, ==, 0);
}

static void
test_refuses_an_old_certificate (TlsFixture *self, gconstpointer user_data)
{
  g_test_summary ("A certificate that has expired is refused");

  trust (self, "authority.pem");
  serve (self, "expired", "secret\n");
  start (&self->fixture);
  wait_for_error (&self->fixture,
                  "Cannot connect to 127.0.0.1:* with TLS: the server's certificate "
                  "is refused: it has expired. *");
  stop_receiver (&self->fixture);
  g_assert_cmpuint (self->fixture.recorder->n_records, ==, 0);
}

static void
test_refuses_plain_text (TlsFixture *self, gconstpointer user_data)
{
  g_autoptr (GSocketConnection) connection = NULL;

  g_test_summary ("A server that does not know of TLS is no reason to do without");

  listen_on (&self->fixture, self->fixture.port);
  start (&self->fixture);
  connection = accept_one (&self->fixture);
  send_text (connection, "plain text\n");
  wait_for_error (&self->fixture,
                  "Cannot connect to 127.0.0.1:* with TLS: *; trying again in *");
  stop_receiver (&self->fixture);
  g_assert_cmpuint (self->fixture.recorder->n_records, ==, 0);
}

static void
test_leaves_a_silent_server (TlsFixture *self, gconstpointer user_data)
{
  g_autofree char *pem_path = in_directory ("good.pem");
  g_autofree char *listen =
      g_strdup_printf ("OPENSSL-LISTEN:%u,reuseaddr,verify=0,cert=%s,key=%s",
                       self->fixture.port, pem_path, pem_path);
  g_autoptr (GError) error = NULL;

  g_test_summary ("The idle timeout holds over TLS, too");

  trust (self, "authority.pem");
  self->server =
      g_subprocess_new (G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_SILENCE,
                        &error, "socat", listen, "-", NULL);
  g_assert_no_error (error);
  g_output_stream_write_all (g_subprocess_get_stdin_pipe (self->server), "one line\n", 9,
                             NULL, NULL, &error);
  g_assert_no_error (error);
  ds_socket_receiver_set_idle_timeout (DS_SOCKET_RECEIVER (self->fixture.receiver), 1);
  start (&self->fixture);
  wait_for_error (&self->fixture,
                  "127.0.0.1:* sent nothing for *, so the connection was closed "
                  "after 9 bytes in 1 lines; trying again in *");
}

static void
test_reads_on_below_a_limit (TlsFixture *self, gconstpointer user_data)
{
  g_autofree char *pem_path = in_directory ("good.pem");
  g_autofree char *listen =
      g_strdup_printf ("OPENSSL-LISTEN:%u,reuseaddr,verify=0,cert=%s,key=%s",
                       self->fixture.port, pem_path, pem_path);
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *found = NULL;
  g_autoptr (GError) error = NULL;

  g_test_summary (
      "A rate limit leaves half a TLS record unread: it is read when there is "
      "room, though the server sends nothing more");

  for (guint i = 0; i < 500; i++)
    g_string_append_printf (text, "line %03u\n", i);
  trust (self, "authority.pem");
  self->server =
      g_subprocess_new (G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_SILENCE,
                        &error, "socat", listen, "-", NULL);
  g_assert_no_error (error);
  g_output_stream_write_all (g_subprocess_get_stdin_pipe (self->server), text->str,
                             text->len, NULL, NULL, &error);
  g_assert_no_error (error);
  self->fixture.settings.max_rate = 1000;
  start (&self->fixture);
  wait_for_records (&self->fixture, 500);
  stop_receiver (&self->fixture);
  found = ds_test_recorder_dup_text (self->fixture.recorder);
  g_assert_cmpstr (found, ==, text->str);
}

int
main (int argc, char *argv[])
{
  gboolean has_tools;
  int result;

  g_test_init (&argc, &argv, NULL);
  has_tools =
      g_tls_backend_supports_tls (g_tls_backend_get_default ()) && make_certificates ();
  if (!has_tools)
    g_error ("The packages glib-networking, socat and openssl are needed: see "
             "build-aux/packages.txt");
#define ADD(name, func) \
  g_test_add ("/receivers/tls/" name, TlsFixture, NULL, set_up_tls, func, tear_down_tls)
  ADD ("reads-lines", test_reads_lines);
  ADD ("takes-a-relative-path", test_takes_a_relative_path);
  ADD ("refuses-a-stranger", test_refuses_a_stranger);
  ADD ("refuses-another-name", test_refuses_another_name);
  ADD ("refuses-an-old-certificate", test_refuses_an_old_certificate);
  ADD ("refuses-plain-text", test_refuses_plain_text);
  ADD ("leaves-a-silent-server", test_leaves_a_silent_server);
  ADD ("reads-on-below-a-limit", test_reads_on_below_a_limit);
#undef ADD
  result = g_test_run ();
  run ("rm -rf %s", directory);
  g_free (directory);
  return result;
}
