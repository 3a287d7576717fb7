/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What goes wrong with sockets: connections that are cut, peers that hang,
 * that send a line without end, and thousands of them; those that dribble are in
 * test-socket-dribblers.c.  The names of the tests begin with the rows of the list of
 * faults. */

#include "tests/receivers/ds-test-server.h"

#include "base/ds-error.h"
#include "base/ds-sanitizer-private.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#if DS_HAS_ASAN || defined(__SANITIZE_THREAD__)
#define IS_SLOW 1 /* and takes memory of its own */
#else
#define IS_SLOW 0
#endif

/* ---- C1 ---- */

static void
test_cuts (Fixture *fixture, gconstpointer user_data)
{
  const guint n_cuts = IS_SLOW ? 100 : 1000;
  g_autoptr (GString) text = g_string_new (NULL);
  gsize n_expected = 0;
  gint64 n_dropped = 0;

  g_test_summary (
      "1,000 connections cut anywhere, cleanly or by a reset, lose exactly the "
      "lines that a reset cut");

  for (guint i = 0; i < 500; i++)
    g_string_append_printf (text, "line %u\n", i);
  start (fixture);
  for (guint i = 0; i < n_cuts; i++)
    {
      g_autoptr (GSocketConnection) connection = accept_one (fixture);
      gsize n_bytes = (gsize) g_test_rand_int_range (1, (gint32) text->len + 1);
      gboolean is_clean = g_test_rand_bit ();
      gboolean has_rest = text->str[n_bytes - 1] != '\n';

      for (gsize j = 0; j < n_bytes; j++)
        n_expected += text->str[j] == '\n';
      n_expected += has_rest && is_clean;
      n_dropped += has_rest && !is_clean;

      send_bytes (connection, text->str, n_bytes);
      if (is_clean)
        close_cleanly (connection);
      else
        {
          wait_for_bytes (fixture, n_bytes);
          reset (connection);
        }
      ds_test_recorder_wait_until (fixture->recorder,
                                   fixture->recorder->errors->len == i + 1);
    }
  stop_receiver (fixture);
  g_test_message ("%u cuts: %" G_GSIZE_FORMAT " lines delivered, %" G_GINT64_FORMAT
                  " dropped and counted, 0 missing",
                  n_cuts, n_expected, n_dropped);
  g_assert_cmpint (ds_receiver_supervisor_get_n_records (fixture->supervisor), ==,
                   n_expected);
  g_assert_cmpint (ds_receiver_supervisor_get_n_dropped (fixture->supervisor), ==,
                   n_dropped);
}

/* ---- C2 ---- */

static void
test_half_open_peer (Fixture *fixture, gconstpointer user_data)
{
  g_autofree char *port = g_strdup_printf ("%u", fixture->port);
  g_autoptr (GSubprocess) peer = NULL;
  g_autoptr (GSocketConnection) again = NULL;
  g_autoptr (GError) error = NULL;
  gint64 begin;

  g_test_summary ("A peer that is stopped amid the connection is left after the idle "
                  "timeout, and another one is found");

  /* The port goes to a process of its own. */
  stop_listening (fixture);
  ds_socket_receiver_set_idle_timeout (DS_SOCKET_RECEIVER (fixture->receiver), 1);
  peer =
      g_subprocess_new (G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_SILENCE,
                        &error, "nc", "-l", "127.0.0.1", port, NULL);
  g_assert_no_error (error);
  g_output_stream_write_all (g_subprocess_get_stdin_pipe (peer), "a\n", 2, NULL, NULL,
                             &error);
  g_assert_no_error (error);
  start (fixture);
  wait_for_records (fixture, 1);
  begin = g_get_monotonic_time ();
  g_subprocess_send_signal (peer, SIGSTOP);
  wait_for_error (fixture, "127.0.0.1:* sent nothing for *, so the connection was closed "
                           "after 2 bytes in 1 lines; trying again in *");
  g_test_message ("a stopped peer was left after %.2f s, with an idle timeout of 1 s",
                  (double) (g_get_monotonic_time () - begin) / 1e6);
  g_subprocess_force_exit (peer);
  g_subprocess_wait (peer, NULL, NULL);

  listen_on (fixture, fixture->port);
  again = accept_one (fixture);
  send_text (again, "b\n");
  wait_for_records (fixture, 2);
  ds_test_recorder_assert_text (fixture->recorder, "a\nb\n");
}

/* ---- C4 ---- */

static void
test_huge_line (Fixture *fixture, gconstpointer user_data)
{
  const gsize n_mib = IS_SLOW ? 128 : 1024;
  g_autofree char *piece = g_strnfill (1 << 20, 'x');
  g_autoptr (GSocketConnection) connection = NULL;
  struct rusage before;
  struct rusage after;

  g_test_summary (
      "A line of 1 GiB is skipped, counted and told of once, in little memory; "
      "its neighbours arrive");

  start (fixture);
  connection = accept_one (fixture);
  send_text (connection, "before\n");
  wait_for_records (fixture, 1);
  g_assert_cmpint (getrusage (RUSAGE_SELF, &before), ==, 0);
  for (gsize i = 0; i < n_mib; i++)
    send_bytes (connection, piece, 1 << 20);
  send_text (connection, "\nafter\n");
  send_bytes (connection, piece, 1 << 20);
  send_text (connection, "xx\nend\n");
  wait_for_records (fixture, 3);
  g_assert_cmpint (getrusage (RUSAGE_SELF, &after), ==, 0);

  ds_test_recorder_assert_text (fixture->recorder, "before\nafter\nend\n");
  g_assert_cmpint (ds_receiver_supervisor_get_n_dropped (fixture->supervisor), ==, 2);
  assert_error_matches (fixture, 0, "127.0.0.1:*sent a line of more than 1048576 bytes*");
  stop_receiver (fixture);
  g_assert_cmpuint (fixture->recorder->errors->len, ==, 1);
  g_test_message ("a line of %" G_GSIZE_FORMAT " MiB: peak memory grew by %ld KiB (1 MiB "
                  "a line and 16 MiB are allowed)",
                  n_mib, after.ru_maxrss - before.ru_maxrss);
  if (!IS_SLOW)
    g_assert_cmpint (after.ru_maxrss - before.ru_maxrss, <=, (1 + 16) * 1024);
}

/* ---- C6 ---- */

static void
test_splits (Fixture *fixture, gconstpointer user_data)
{
  /* 64 bytes with every kind of line end, and none at the end. */
  const char sample[] =
      "one\r\ntwo\n\r\n\nthree\rfour\r\r\nfive six seven eight nine\nten \r\ntwelve.";
  const char *lines = "one\ntwo\n\n\nthree\rfour\r\nfive six seven eight nine\nten "
                      "\ntwelve.\n";
  gsize n_lines = 8;

  g_test_summary ("A sample of 64 bytes gives the same lines wherever it is split");

  g_assert_cmpuint (strlen (sample), ==, 64);
  start (fixture);
  for (gsize split = 0; split <= 64; split++)
    {
      g_autoptr (GSocketConnection) connection = accept_one (fixture);
      gsize n_before = (gsize) ds_receiver_supervisor_get_n_records (fixture->supervisor);

      send_bytes (connection, sample, split);
      wait_for_bytes (fixture, split);
      send_bytes (connection, sample + split, 64 - split);
      close_cleanly (connection);
      assert_error_matches (fixture, (guint) split,
                            "*closed the connection after 64 bytes in 8 lines; the last "
                            "line had no line end and was delivered; trying*");
      wait_for_records (fixture, n_before + n_lines);
      ds_test_recorder_assert_text (fixture->recorder, lines);
      g_mutex_lock (&fixture->recorder->lock);
      g_ptr_array_set_size (fixture->recorder->blocks, 0);
      g_mutex_unlock (&fixture->recorder->lock);
    }
  g_test_message ("65 splits of 64 bytes, 8 lines each time");
}

/* ---- C7 ---- */

/* As many receivers as the limit of open files has room for, each with two. */
static guint
get_n_sockets (guint n_wanted)
{
  struct rlimit limit;

  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  limit.rlim_cur = limit.rlim_max;
  setrlimit (RLIMIT_NOFILE, &limit);
  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  return limit.rlim_cur >= 2 * n_wanted + 200 ? n_wanted
                                              : (guint) (limit.rlim_cur - 200) / 2;
}

static guint
count_fds (void)
{
  g_autoptr (GDir) fds = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n_fds = 0;

  while (fds != NULL && g_dir_read_name (fds) != NULL)
    n_fds++;
  return n_fds;
}

typedef struct
{
  int listener;
  guint n;
  int *fds;
} Acceptor;

static gpointer
accept_many (gpointer data)
{
  Acceptor *self = data;

  for (guint i = 0; i < self->n; i++)
    {
      do
        self->fds[i] = accept4 (self->listener, NULL, NULL, SOCK_CLOEXEC);
      while (self->fds[i] < 0 && errno == EINTR);
      g_assert_cmpint (self->fds[i], >=, 0);
    }
  return NULL;
}

static int
listen_raw (guint16 *port)
{
  struct sockaddr_in address = { .sin_family = AF_INET };
  socklen_t n_address = sizeof address;
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  g_assert_cmpint (bind (fd, (struct sockaddr *) &address, sizeof address), ==, 0);
  g_assert_cmpint (listen (fd, 8192), ==, 0);
  g_assert_cmpint (getsockname (fd, (struct sockaddr *) &address, &n_address), ==, 0);
  *port = ntohs (address.sin_port);
  return fd;
}

static void
test_many_sockets (Fixture *fixture, gconstpointer user_data)
{
  guint n_sockets = get_n_sockets (IS_SLOW ? 200 : 5000);
  g_autoptr (DsTestRecorder) recorder = ds_test_recorder_new (1 << 30, TRUE);
  g_autofree DsReceiverSupervisor **supervisors =
      g_new0 (DsReceiverSupervisor *, n_sockets);
  Acceptor acceptor = { -1, n_sockets, g_new0 (int, n_sockets) };
  GThread *thread;
  guint16 port;
  guint n_fds;
  gint64 begin;
  double start_time;
  double stop_time;

  g_test_summary ("5,000 sockets start in less than 2 s and stop in less than 2 s; all "
                  "file descriptors are given back");

#ifdef __SANITIZE_THREAD__
  g_test_skip ("GLib's own tables grow on both poll threads under locks not seen");
  return;
#endif
  acceptor.listener = listen_raw (&port);
  n_fds = count_fds ();
  begin = g_get_monotonic_time ();
  thread = g_thread_new ("acceptor", accept_many, &acceptor);
  for (guint i = 0; i < n_sockets; i++)
    {
      g_autoptr (DsReceiver) receiver = ds_socket_receiver_new ("127.0.0.1", port);

      supervisors[i] = ds_test_recorder_supervise (recorder, receiver);
      ds_test_assert_start (supervisors[i]);
    }
  g_thread_join (thread);
  start_time = (double) (g_get_monotonic_time () - begin) / 1e6;

  for (guint i = 0; i < n_sockets; i++)
    g_assert_cmpint (write (acceptor.fds[i], "x\n", 2), ==, 2);
  for (guint i = 0; i < n_sockets; i++)
    while (ds_receiver_supervisor_get_n_records (supervisors[i]) < 1)
      ds_receiver_supervisor_cut (supervisors[i]);

  begin = g_get_monotonic_time ();
  for (guint i = 0; i < n_sockets; i++)
    ds_receiver_supervisor_stop_async (supervisors[i]);
  for (guint i = 0; i < n_sockets; i++)
    {
      ds_test_assert_join (supervisors[i]);
      ds_receiver_supervisor_free (supervisors[i]);
    }
  stop_time = (double) (g_get_monotonic_time () - begin) / 1e6;

  for (guint i = 0; i < n_sockets; i++)
    close (acceptor.fds[i]);
  g_test_message ("%u sockets: started in %.2f s, stopped in %.2f s, %u file descriptors "
                  "before and %u after",
                  n_sockets, start_time, stop_time, n_fds, count_fds ());
  g_assert_cmpuint (count_fds (), <=, n_fds);
  g_assert_cmpuint (recorder->errors->len, ==, 0);
  if (!IS_SLOW)
    {
      g_assert_cmpfloat (start_time, <, 2);
      g_assert_cmpfloat (stop_time, <, 2);
    }
  close (acceptor.listener);
  g_free (acceptor.fds);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) \
  g_test_add ("/receivers/socket-faults/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("c4-a-line-of-1-gib", test_huge_line); /* first: it looks at peak memory */
  ADD ("c1-cuts-lose-what-a-reset-cut", test_cuts);
  ADD ("c2-a-stopped-peer-is-left", test_half_open_peer);
  ADD ("c6-any-split-gives-the-same-lines", test_splits);
  ADD ("c7-5000-sockets", test_many_sockets);
#undef ADD
  return g_test_run ();
}
