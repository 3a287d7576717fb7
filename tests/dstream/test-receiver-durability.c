/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* C9: a sender counts what was acknowledged to it while the program that receives is
 * killed and started again, and again.  This program is both: as a child it receives.
 *
 * Each connection sends the numbers 0, 1, 2 ...; the state of the child is how many came,
 * by connection.  A number that is missing, doubled or out of order marks the connection
 * as broken for good; so what is counted in the end is exact, whatever was in between. */

#include "tests/dstream/ds-test-stream.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *program;

#define LINES_A_SEND 40
/* The state of a connection of which something was lost or came twice. */
#define BROKEN G_MININT32

/* ---- The child ---- */

#define DS_TYPE_TEST_PEER (ds_test_peer_get_type ())
G_DECLARE_FINAL_TYPE (DsTestPeer, ds_test_peer, DS, TEST_PEER, DsReceiver)

struct _DsTestPeer
{
  DsReceiver parent_instance;
  guint16 port;
  GSocket *socket;
  DsStreamingContext *ssc;
};

G_DEFINE_FINAL_TYPE (DsTestPeer, ds_test_peer, DS_TYPE_RECEIVER)

/* Stores the whole lines of @bytes as one block, whose token is how many lines came. */
static gboolean
ds_test_peer_store (DsTestPeer *self, GString *bytes, guint64 *n_lines, GError **error)
{
  const char *last = memrchr (bytes->str, '\n', bytes->len);
  g_autoptr (GBytes) text = NULL;
  gsize n_whole;

  if (last == NULL)
    return TRUE;
  n_whole = (gsize) (last + 1 - bytes->str);
  for (gsize i = 0; i < n_whole; i++)
    *n_lines += bytes->str[i] == '\n';
  text = g_bytes_new (bytes->str, n_whole);
  g_string_erase (bytes, 0, (gssize) n_whole);
  return ds_receiver_store_text (DS_RECEIVER (self), text, *n_lines, error);
}

static gboolean
ds_test_peer_run (DsReceiver *receiver, GCancellable *cancellable, GError **error)
{
  DsTestPeer *self = DS_TEST_PEER (receiver);
  g_autoptr (GSocketAddress) address =
      g_inet_socket_address_new_from_string ("127.0.0.1", self->port);
  g_autoptr (GString) bytes = g_string_new (NULL);
  guint64 n_lines = 0;
  char room[4096];
  gssize n_read;

  if (!g_socket_connect (self->socket, address, cancellable, error))
    return FALSE;
  while ((n_read =
              g_socket_receive (self->socket, room, sizeof room, cancellable, error)) > 0)
    {
      if (memchr (room, '!', (gsize) n_read) != NULL)
        {
          ds_streaming_context_stop (self->ssc, DS_STOP_GRACEFULLY, NULL);
          return TRUE;
        }
      g_string_append_len (bytes, room, n_read);
      if (!ds_test_peer_store (self, bytes, &n_lines, error))
        return FALSE;
    }
  return n_read == 0;
}

static void
ds_test_peer_acknowledged (DsReceiver *receiver, guint64 token)
{
  char line[32];
  gsize n_bytes =
      (gsize) g_snprintf (line, sizeof line, "%" G_GUINT64_FORMAT "\n", token);

  /* Nobody is there any more when it fails. */
  g_socket_send (DS_TEST_PEER (receiver)->socket, line, n_bytes, NULL, NULL);
}

static void
ds_test_peer_dispose (GObject *object)
{
  g_clear_object (&DS_TEST_PEER (object)->socket);
  G_OBJECT_CLASS (ds_test_peer_parent_class)->dispose (object);
}

static void
ds_test_peer_class_init (DsTestPeerClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = ds_test_peer_dispose;
  DS_RECEIVER_CLASS (klass)->run = ds_test_peer_run;
  DS_RECEIVER_CLASS (klass)->acknowledged = ds_test_peer_acknowledged;
}

static void
ds_test_peer_init (DsTestPeer *self)
{
  self->socket = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM,
                               G_SOCKET_PROTOCOL_TCP, NULL);
}

/* "connection number" */
static DsValue
split_line (DsValue line, DsTask *task, gpointer user_data)
{
  g_autofree char *text = g_strndup (line.as.bytes, line.size);
  char *end = NULL;
  gint64 connection = g_ascii_strtoll (text, &end, 10);

  return ds_pair (task, ds_value_int (connection),
                  ds_value_int (g_ascii_strtoll (end, NULL, 10)));
}

static void
follow (DsValue key, DsValue number, DsState *state, DsTask *task, gpointer user_data)
{
  gint64 expected = ds_value_get_int (ds_state_get_or (state, ds_value_int (0)));

  ds_state_update (state,
                   ds_value_int (ds_value_get_int (number) == expected ? expected + 1
                                                                       : BROKEN));
}

typedef struct
{
  guint16 port;
  DsDurability durability;
  DsDStream *counts;
} Child;

static DsStreamingContext *
build_child (gpointer user_data, GError **error)
{
  Child *self = user_data;
  g_autoptr (DsTestPeer) peer = g_object_new (DS_TYPE_TEST_PEER, NULL);
  DsStreamingContext *ssc =
      ds_streaming_context_new ("local[2]", "child", 10 * DS_MILLISECOND);
  DsDStream *lines;

  peer->port = self->port;
  peer->ssc = ssc;
  lines = ds_streaming_context_receiver_stream (ssc, DS_RECEIVER (peer));
  ds_dstream_set_durability (lines, self->durability);
  self->counts =
      ds_dstream_map_with_state (ds_dstream_map (lines, split_line, NULL, NULL), follow,
                                 NULL, NULL);
  ds_dstream_foreach_rdd (self->counts, ds_test_ignore_rdd, NULL, NULL);
  return ssc;
}

static int
run_child (const char *port, const char *directory, const char *durability)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DsStreamingContext) ssc = NULL;
  g_autoptr (DsBlock) pairs = NULL;
  Child self = { (guint16) g_ascii_strtoull (port, NULL, 10),
                 (DsDurability) g_ascii_strtoull (durability, NULL, 10), NULL };

  ssc = ds_streaming_context_get_or_create (directory, build_child, &self, &error);
  if (ssc != NULL && ds_streaming_context_start (ssc, &error) &&
      ds_streaming_context_await_termination (ssc, &error))
    pairs = ds_dstream_scan_state (self.counts, NULL, G_MAXSIZE, &error);
  if (pairs == NULL)
    {
      g_printerr ("child: %s\n", error->message);
      return 1;
    }
  for (gsize i = 0; i < ds_block_get_length (pairs); i++)
    {
      DsValue pair = ds_block_get (pairs, i);

      g_print ("%d %d\n", (int) ds_value_get_int (ds_pair_key (pair)),
               (int) ds_value_get_int (ds_pair_value (pair)));
    }
  return 0;
}

/* ---- The sender ---- */

typedef struct
{
  int listener;
  char *port;
  char *directory;
  char *errors; /* what the child says on standard error */
  const char *durability;
  GArray *acknowledged; /* guint, by connection */
  guint n_kills;
  guint n_early_kills; /* before the child had connected */
} Sender;

static GSubprocess *
sender_start_child (Sender *self)
{
  g_autoptr (GSubprocessLauncher) launcher =
      g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE);
  g_autoptr (GError) error = NULL;
  GSubprocess *child;

  g_subprocess_launcher_set_stderr_file_path (launcher, self->errors);
  child = g_subprocess_launcher_spawn (launcher, &error, program, "--child", self->port,
                                       self->directory, self->durability, NULL);
  g_assert_no_error (error);
  return child;
}

/* TRUE: @fd is ready for @events before @deadline, in µs. */
static gboolean
wait_for (int fd, short events, gint64 deadline)
{
  struct pollfd entry = { fd, events, 0 };
  gint64 left = deadline - g_get_monotonic_time ();

  return poll (&entry, 1, left > 0 ? (int) (left / 1000) : 0) > 0;
}

/* Reads the numbers that the child sends; the last one is how far it has acknowledged. */
static void
sender_read (Sender *self, int fd, guint connection, GString *rest, gboolean to_the_end)
{
  char room[4096];
  char *line_end;
  ssize_t n_read;

  while ((n_read = recv (fd, room, sizeof room, to_the_end ? 0 : MSG_DONTWAIT)) > 0)
    g_string_append_len (rest, room, n_read);
  while ((line_end = strchr (rest->str, '\n')) != NULL)
    {
      guint token = (guint) g_ascii_strtoull (rest->str, NULL, 10);
      guint *known = &g_array_index (self->acknowledged, guint, connection);

      g_assert_cmpuint (token, >=, *known);
      *known = token;
      g_string_erase (rest, 0, line_end + 1 - rest->str);
    }
}

/* Sends until @deadline, and reads what comes back. */
static void
sender_talk (Sender *self, int fd, guint connection, GString *rest, gint64 deadline)
{
  g_autoptr (GString) text = g_string_new (NULL);
  guint n_sent = 0;

  while (wait_for (fd, POLLOUT, deadline) && g_get_monotonic_time () < deadline)
    {
      ssize_t n;

      while (text->len < 200)
        {
          for (guint i = 0; i < LINES_A_SEND; i++)
            g_string_append_printf (text, "%u %u\n", connection, n_sent++);
        }
      n = send (fd, text->str, text->len, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n < 0 && errno != EAGAIN)
        return; /* the receiver was started anew */
      if (n > 0)
        g_string_erase (text, 0, n);
      /* No faster than blocks are stored, so that many are cut off by the kill. */
      wait_for (fd, POLLIN, MIN (deadline, g_get_monotonic_time () + 2000));
      sender_read (self, fd, connection, rest, FALSE);
    }
}

/* One life of the child: killed within 200 ms after it was started, which may be while it
 * recovers, or after it has connected. */
static void
sender_run_round (Sender *self)
{
  gint64 patience = g_test_rand_int_range (5, 200) * DS_MILLISECOND;
  gboolean is_from_start = self->n_kills % 3 == 0;
  gint64 deadline = g_get_monotonic_time () + (is_from_start ? patience : 30 * DS_SECOND);
  g_autoptr (GSubprocess) child = sender_start_child (self);
  g_autoptr (GString) rest = g_string_new (NULL);
  guint connection = self->acknowledged->len;
  const guint none = 0;
  int fd = -1;

  if (wait_for (self->listener, POLLIN, deadline))
    {
      fd = accept4 (self->listener, NULL, NULL, SOCK_CLOEXEC);
      g_assert_cmpint (fd, >=, 0);
      g_array_append_val (self->acknowledged, none);
      if (!is_from_start)
        deadline = g_get_monotonic_time () + patience;
      sender_talk (self, fd, connection, rest, deadline);
    }
  else
    self->n_early_kills++;
  g_subprocess_send_signal (child, SIGKILL);
  g_subprocess_wait (child, NULL, NULL);
  if (!g_subprocess_get_if_signaled (child))
    {
      g_autofree char *errors = NULL;

      g_file_get_contents (self->errors, &errors, NULL, NULL);
      g_test_message ("it ended by itself: %s", errors);
      g_assert_not_reached ();
    }
  self->n_kills++;
  if (fd >= 0)
    {
      sender_read (self, fd, connection, rest, TRUE);
      close (fd);
    }
  /* One that had connected and was killed before it was accepted. */
  while (wait_for (self->listener, POLLIN, 0))
    close (accept4 (self->listener, NULL, NULL, SOCK_CLOEXEC));
}

/* How many of each connection the child has in the end, by number. */
static GHashTable *
sender_ask (Sender *self)
{
  g_autoptr (GSubprocess) child = sender_start_child (self);
  GHashTable *counts = g_hash_table_new (g_direct_hash, g_direct_equal);
  g_auto (GStrv) lines = NULL;
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  int fd;

  g_assert_true (
      wait_for (self->listener, POLLIN, g_get_monotonic_time () + 30 * DS_SECOND));
  fd = accept4 (self->listener, NULL, NULL, SOCK_CLOEXEC);
  g_assert_cmpint (send (fd, "!", 1, MSG_NOSIGNAL), ==, 1);
  g_subprocess_communicate_utf8 (child, NULL, NULL, &text, NULL, &error);
  g_assert_no_error (error);
  if (!g_subprocess_get_successful (child))
    {
      g_autofree char *errors = NULL;

      g_file_get_contents (self->errors, &errors, NULL, NULL);
      g_test_message ("%s", errors);
      g_assert_not_reached ();
    }
  close (fd);
  lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL && *lines[i] != '\0'; i++)
    {
      char *end = NULL;
      gint64 connection = g_ascii_strtoll (lines[i], &end, 10);

      g_hash_table_insert (counts, GINT_TO_POINTER ((int) connection),
                           GINT_TO_POINTER ((int) g_ascii_strtoll (end, NULL, 10)));
    }
  return counts;
}

static void
run_kills (const char *durability, guint n_kills)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocket) socket = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM,
                                             G_SOCKET_PROTOCOL_TCP, NULL);
  g_autoptr (GSocketAddress) address =
      g_inet_socket_address_new_from_string ("127.0.0.1", 0);
  g_autoptr (GSocketAddress) bound = NULL;
  g_autofree char *home = g_dir_make_tmp ("ds-durable-XXXXXX", &error);
  g_autoptr (GHashTable) counts = NULL;
  guint64 n_acknowledged = 0;
  guint64 n_kept = 0;
  guint64 n_missing = 0;
  guint n_broken = 0;
  Sender self = { .durability = durability };

  g_assert_no_error (error);
  g_socket_bind (socket, address, TRUE, &error);
  g_assert_no_error (error);
  g_socket_listen (socket, &error);
  g_assert_no_error (error);
  bound = g_socket_get_local_address (socket, &error);
  self.listener = g_socket_get_fd (socket);
  self.port =
      g_strdup_printf ("%u",
                       g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound)));
  self.directory = g_build_filename (home, "checkpoints", NULL);
  self.errors = g_build_filename (home, "errors", NULL);
  self.acknowledged = g_array_new (FALSE, FALSE, sizeof (guint));

  while (self.n_kills < n_kills)
    sender_run_round (&self);
  counts = sender_ask (&self);
  for (guint i = 0; i < self.acknowledged->len; i++)
    {
      guint acknowledged = g_array_index (self.acknowledged, guint, i);
      int kept = GPOINTER_TO_INT (g_hash_table_lookup (counts, GUINT_TO_POINTER (i)));

      n_acknowledged += acknowledged;
      n_broken += kept < 0;
      n_kept += (guint64) MAX (kept, 0);
      n_missing +=
          acknowledged > (guint) MAX (kept, 0) ? acknowledged - (guint) MAX (kept, 0) : 0;
    }
  g_test_message ("%u kills, %u of them before the program had connected: of "
                  "%" G_GUINT64_FORMAT " acknowledged records %" G_GUINT64_FORMAT
                  " are missing; %" G_GUINT64_FORMAT " are in the state, of %u of %u "
                  "connections not in order or not once",
                  self.n_kills, self.n_early_kills, n_acknowledged, n_missing, n_kept,
                  n_broken, self.acknowledged->len);
  g_assert_cmpuint (n_missing, ==, 0);
  g_assert_cmpuint (n_broken, ==, 0);
  g_assert_cmpuint (n_acknowledged, >, 0);

  {
    g_autofree char *quoted = g_shell_quote (home);
    g_autofree char *command = g_strdup_printf ("rm -rf %s", quoted);

    g_assert_true (g_spawn_command_line_sync (command, NULL, NULL, NULL, NULL));
  }
  g_array_unref (self.acknowledged);
  g_free (self.port);
  g_free (self.directory);
  g_free (self.errors);
}

static void
test_kills (void)
{
  g_test_summary (
      "What was acknowledged to a sender is in the state, once, however often "
      "and whenever the receiving program was killed");

  run_kills ("1", g_test_slow () ? 2000 : 20);
}

static void
test_kills_every_record (void)
{
  g_test_summary ("The same where each store waits for the disk");

  run_kills ("2", g_test_slow () ? 200 : 6);
}

int
main (int argc, char *argv[])
{
  if (argc == 5 && strcmp (argv[1], "--child") == 0)
    return run_child (argv[2], argv[3], argv[4]);

  program = argv[0];
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dstream/receiver-durability/c9-what-was-acknowledged-survives-kills",
                   test_kills);
  g_test_add_func ("/dstream/receiver-durability/"
                   "c9-what-was-acknowledged-survives-kills-record-by-record",
                   test_kills_every_record);
  return g_test_run ();
}
