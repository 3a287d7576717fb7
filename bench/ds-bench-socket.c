/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The words that come from a loopback socket, batch by batch: how fast?  And how fast is
 * receiving alone, by a stream that looks at nothing, and by a loop that does nothing
 * else?
 *
 * A thread of the program serves the file to the socket stream; every batch's counts are
 * summed in foreach_rdd; the clock runs from accepting the connection until all words
 * that the file has were counted. */

#include <dstream/dstream.h>

#include "bench/ds-bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* More is lost: a run takes a few seconds. */
#define PATIENCE (120 * DS_SECOND)
/* Short, so that little of a run is waiting for the last tick. */
#define BATCH_INTERVAL (50 * DS_MILLISECOND)
/* What one batch works on, what the one before still holds and what comes meanwhile. */
#define MAX_RECEIVED_BYTES ((guint64) 192 << 20)

typedef struct
{
  const char *path;
  gsize n_bytes_at_once;
  guint n_repeats;
  int listener;
  gint64 start_time; /* monotonic, when the stream connected; read after the words came */
  GError *error;
} Server;

typedef struct
{
  GMutex lock;
  GCond changed;
  gint64 n_words; /* counted so far */
} Tally;

static gboolean
fail_with_errno (const char *what, GError **error)
{
  g_set_error (error, DS_ERROR, DS_ERROR_IO, "The benchmark's server: %s: %s", what,
               g_strerror (errno));
  return FALSE;
}

static gboolean
send_all (int fd, const char *bytes, gsize n_bytes, GError **error)
{
  while (n_bytes > 0)
    {
      gssize n_sent = send (fd, bytes, n_bytes, MSG_NOSIGNAL);

      if (n_sent < 0)
        return fail_with_errno ("send", error);
      bytes += n_sent;
      n_bytes -= (gsize) n_sent;
    }
  return TRUE;
}

/* As fast as it goes: the file lies in memory, as with the hand-written program. */
static gboolean
serve_mapped_file (Server *server, int connection, GError **error)
{
  g_autoptr (GMappedFile) file = g_mapped_file_new (server->path, FALSE, error);
  const char *bytes = file != NULL ? g_mapped_file_get_contents (file) : NULL;
  gsize n_bytes = file != NULL ? g_mapped_file_get_length (file) : 0;
  gboolean served = file != NULL;

  for (gsize i = 0; served && i < n_bytes; i += server->n_bytes_at_once)
    served = send_all (connection, bytes + i, MIN (server->n_bytes_at_once, n_bytes - i),
                       error);
  return served;
}

/* Thread: the server's own.  Serves one client. */
static gpointer
run_server (gpointer data)
{
  Server *server = data;
  int connection = accept (server->listener, NULL, NULL);
  gboolean served = connection >= 0;

  server->start_time = g_get_monotonic_time ();
  if (connection < 0)
    fail_with_errno ("accept", &server->error);
  for (guint i = 0; served && i < server->n_repeats; i++)
    served = serve_mapped_file (server, connection, &server->error);
  if (connection >= 0)
    close (connection);
  return NULL;
}

gboolean
ds_bench_listen_on_loopback (int *listener, guint16 *port, GError **error)
{
  struct sockaddr_in address = { .sin_family = AF_INET,
                                 .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  socklen_t length = sizeof address;

  *listener = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (*listener < 0 || bind (*listener, (struct sockaddr *) &address, length) != 0 ||
      listen (*listener, 1) != 0 ||
      getsockname (*listener, (struct sockaddr *) &address, &length) != 0)
    return fail_with_errno ("listen", error);

  *port = ntohs (address.sin_port);
  return TRUE;
}

static gboolean
sum_batch (DsRdd *counts, DsBatch *batch, gpointer user_data, GError **error)
{
  Tally *tally = user_data;
  g_autoptr (DsBlock) block = ds_rdd_collect (counts, error);
  gint64 n_words;

  if (block == NULL)
    return FALSE;
  n_words = ds_bench_sum_counts (block);
  if (n_words == 0)
    return TRUE;

  g_mutex_lock (&tally->lock);
  tally->n_words += n_words;
  g_cond_signal (&tally->changed);
  g_mutex_unlock (&tally->lock);
  return TRUE;
}

/* Waits for @n_words; how many came. */
static gint64
await_words (Tally *tally, gint64 n_words)
{
  gint64 end_time = g_get_monotonic_time () + PATIENCE;

  g_mutex_lock (&tally->lock);
  while (tally->n_words < n_words &&
         g_cond_wait_until (&tally->changed, &tally->lock, end_time))
    {
    }
  gint64 n_counted = tally->n_words;
  g_mutex_unlock (&tally->lock);
  return n_counted;
}

static gboolean
expect_words (gint64 n_counted, gint64 n_words, GError **error)
{
  if (n_counted == n_words)
    return TRUE;

  g_set_error (error, DS_ERROR, DS_ERROR_FAILED,
               "Counted %" G_GINT64_FORMAT " instead of %" G_GINT64_FORMAT, n_counted,
               n_words);
  return FALSE;
}

/* The streaming word count; @end_time is when it had seen @n_words. */
static gboolean
count_words (guint16 port,
             int n_workers,
             gint64 n_words,
             Tally *tally,
             gint64 *end_time,
             GError **error)
{
  g_autofree char *master = g_strdup_printf ("local[%d]", n_workers);
  g_autoptr (DsStreamingContext) ssc =
      ds_streaming_context_new (master, "ds-bench", BATCH_INTERVAL);

  g_object_set (ssc, "max-received-bytes", MAX_RECEIVED_BYTES, NULL);

  DsDStream *lines = ds_streaming_context_socket_text_stream (ssc, "127.0.0.1", port);
  DsDStream *words = ds_dstream_flat_map (lines, ds_split_words, NULL, NULL);
  DsDStream *counts = ds_dstream_count_by_value (words);

  ds_dstream_foreach_rdd (counts, sum_batch, tally, NULL);
  if (!ds_streaming_context_start (ssc, error))
    return FALSE;

  gint64 n_counted = await_words (tally, n_words);

  *end_time = g_get_monotonic_time ();
  if (!expect_words (n_counted, n_words, error))
    {
      ds_streaming_context_stop (ssc, DS_STOP_NOW, NULL);
      return FALSE;
    }

  /* Nothing may come twice. */
  return ds_streaming_context_stop (ssc, DS_STOP_GRACEFULLY, error) &&
         expect_words (await_words (tally, 0), n_words, error);
}

/* Serves the file to a streaming word count and prints words and seconds. */
static gboolean
count_served_words (Server *server,
                    Tally *tally,
                    int n_workers,
                    gint64 n_words,
                    GError **error)
{
  guint16 port;
  gint64 end_time;

  if (!ds_bench_listen_on_loopback (&server->listener, &port, error))
    return FALSE;

  GThread *thread = g_thread_new ("ds-bench-server", run_server, server);
  gboolean counted = count_words (port, n_workers, n_words, tally, &end_time, error);

  /* Wakes the server when nobody connected. */
  shutdown (server->listener, SHUT_RDWR);
  g_thread_join (thread);
  close (server->listener);

  if (!counted)
    {
      g_clear_error (&server->error);
      return FALSE;
    }
  if (server->error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&server->error));
      return FALSE;
    }

  g_print ("words %" G_GINT64_FORMAT "\n", n_words);
  g_print ("seconds %.6f\n", (double) (end_time - server->start_time) / G_USEC_PER_SEC);
  return TRUE;
}

gboolean
ds_bench_run_word_count_socket (char **arguments, GError **error)
{
  Server server = { .path = arguments[0],
                    .n_bytes_at_once = (gsize) g_ascii_strtoull (arguments[2], NULL, 10),
                    .n_repeats = (guint) g_ascii_strtoull (arguments[3], NULL, 10) };
  Tally tally = { .n_words = 0 };
  gint64 n_words = g_ascii_strtoll (arguments[4], NULL, 10) * server.n_repeats;

  return count_served_words (&server, &tally, atoi (arguments[1]), n_words, error);
}

/* ---- Receiving alone ---- */

/* Receiving is measured twice: all of it, and without the first part, in which memory is
 * touched for the first time that batches hand on to each other from then on. */
typedef struct
{
  gint64 n_warm_up; /* lines, or bytes, that count as the first part */
  gint64 warm_time;
  gint64 end_time;
} Stretch;

static gboolean
ignore_batch (DsRdd *lines, DsBatch *batch, gpointer user_data, GError **error)
{
  return TRUE;
}

static void
note_received (Stretch *stretch, gint64 n_received)
{
  stretch->end_time = g_get_monotonic_time ();
  if (n_received < stretch->n_warm_up || stretch->warm_time == 0)
    stretch->warm_time = stretch->end_time;
}

/* Lines go into batches that nobody looks at; until all were received. */
static gboolean
receive_stream (guint16 port,
                gint64 n_lines,
                DsDuration interval,
                guint64 max_received_bytes,
                Stretch *stretch,
                GError **error)
{
  g_autoptr (DsStreamingContext) ssc =
      ds_streaming_context_new ("local[1]", "ds-bench", interval);
  gint64 deadline = g_get_monotonic_time () + PATIENCE;
  gint64 n_received = 0;

  g_object_set (ssc, "max-received-bytes", max_received_bytes, NULL);
  ds_dstream_foreach_rdd (ds_streaming_context_socket_text_stream (ssc, "127.0.0.1",
                                                                   port),
                          ignore_batch, NULL, NULL);
  if (!ds_streaming_context_start (ssc, error))
    return FALSE;
  while (n_received < n_lines && g_get_monotonic_time () < deadline)
    {
      g_usleep (500);
      n_received = ds_streaming_context_get_n_received (ssc);
      note_received (stretch, n_received);
    }
  return ds_streaming_context_stop (ssc, DS_STOP_NOW, error) &&
         expect_words (n_received, n_lines, error);
}

static gboolean
receive_bare (guint16 port, gint64 n_bytes, Stretch *stretch, GError **error)
{
  struct sockaddr_in address = { .sin_family = AF_INET,
                                 .sin_port = htons (port),
                                 .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  g_autofree char *buffer = g_malloc (256 << 10);
  gint64 n_received = 0;
  gssize n = 0;
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  if (fd < 0 || connect (fd, (struct sockaddr *) &address, sizeof address) != 0)
    return fail_with_errno ("connect", error);
  while ((n = recv (fd, buffer, 256 << 10, 0)) > 0)
    {
      n_received += n;
      note_received (stretch, n_received);
    }
  close (fd);
  return expect_words (n_received, n_bytes, error);
}

gboolean
ds_bench_run_receive (char **arguments, GError **error)
{
  Server server = { .path = arguments[0],
                    .n_bytes_at_once = (gsize) g_ascii_strtoull (arguments[2], NULL, 10),
                    .n_repeats = (guint) g_ascii_strtoull (arguments[3], NULL, 10) };
  gint64 n_lines = g_ascii_strtoll (arguments[4], NULL, 10) * server.n_repeats;
  DsDuration interval = g_ascii_strtoll (arguments[5], NULL, 10) * DS_MILLISECOND;
  guint64 max_received_bytes = g_ascii_strtoull (arguments[6], NULL, 10) << 20;
  gboolean is_stream = g_str_equal (arguments[1], "stream");
  g_autoptr (GMappedFile) file = g_mapped_file_new (server.path, FALSE, error);
  Stretch stretch = { 0 };
  guint16 port;

  if (file == NULL || !ds_bench_listen_on_loopback (&server.listener, &port, error))
    return FALSE;

  gint64 n_bytes = (gint64) g_mapped_file_get_length (file) * server.n_repeats;
  GThread *thread = g_thread_new ("ds-bench-server", run_server, &server);
  gboolean is_received;

  stretch.n_warm_up = (is_stream ? n_lines : n_bytes) / 4;
  is_received = is_stream ? receive_stream (port, n_lines, interval, max_received_bytes,
                                            &stretch, error)
                          : receive_bare (port, n_bytes, &stretch, error);

  shutdown (server.listener, SHUT_RDWR);
  g_thread_join (thread);
  close (server.listener);
  if (is_received && server.error != NULL)
    g_propagate_error (error, g_steal_pointer (&server.error));
  g_clear_error (&server.error);
  if (!is_received || (error != NULL && *error != NULL))
    return FALSE;

  g_print ("lines %" G_GINT64_FORMAT "\n", n_lines);
  g_print ("seconds %.6f\n",
           (double) (stretch.end_time - server.start_time) / G_USEC_PER_SEC);
  g_print ("warm_seconds %.6f\n",
           (double) (stretch.end_time - stretch.warm_time) / G_USEC_PER_SEC);
  return TRUE;
}
