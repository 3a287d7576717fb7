/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How much memory does streaming need, and does it grow?
 *
 * A word count over a socket goes through the file again and again, in batches of the
 * same number of bytes.  The clock is ours: a batch is due when its bytes were received
 * (but for the last block, which is handed over then), it is counted when the next one's
 * were received, too, and no block is cut because time passes.  So every batch takes as
 * much memory as any other, however long other programs delay this one, and what grows
 * was kept.  To see that growth is found, the output can be told to keep some bytes of
 * each batch for good. */

#include <dstream/dstream.h>

#include "bench/ds-bench.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH_INTERVAL (50 * DS_MILLISECOND)
/* What one batch works on, what the one before still holds and what comes meanwhile. */
#define MAX_RECEIVED_BYTES ((guint64) 64 << 20)
/* By the system's clock; blocks are cut when they are full and when a batch is due. */
#define BLOCK_INTERVAL DS_HOUR
/* More than the batches whose use of memory is remembered. */
#define N_RESTING 20
#define SEND_BYTES (1 << 18)
/* What may be received and not handed over: a block of 1 MiB, and the piece under way. */
#define N_OPEN_PIECES 5
/* More is lost: a batch takes milliseconds. */
#define PATIENCE (60 * DS_SECOND)

typedef struct
{
  gint64 n_words;     /* counted so far */
  gsize n_kept_bytes; /* of each batch */
  GPtrArray *kept;
  guint n_batches; /* begun */

  GMutex lock; /* guards the following */
  GCond changed;
  guint n_free; /* batches that may be counted */
} Tally;

typedef struct
{
  DsStreamingContext *ssc;
  Tally *tally;
  DsManualClock *clock;
  int connection;
  int file;
  gint64 n_bytes; /* of the file */
  guint n_batches_a_pass;
  guint n_begun;                     /* batches */
  char *buffer;                      /* not a mapped file, whose pages would count */
  gint64 n_lines[N_OPEN_PIECES + 1]; /* sent so far, after the last pieces */
  guint n_pieces;
} Feed;

static gboolean
fail_with_errno (const char *what, GError **error)
{
  g_set_error (error, DS_ERROR, DS_ERROR_IO, "The benchmark's server: %s: %s", what,
               g_strerror (errno));
  return FALSE;
}

static gint64
get_resident_bytes (void)
{
  g_autofree char *statm = NULL;
  gint64 n_pages = 0;

  if (g_file_get_contents ("/proc/self/statm", &statm, NULL, NULL))
    sscanf (statm, "%*d %" G_GINT64_FORMAT, &n_pages);
  return n_pages * sysconf (_SC_PAGESIZE);
}

static gboolean
sum_batch (DsRdd *counts, DsBatch *batch, gpointer user_data, GError **error)
{
  Tally *tally = user_data;
  g_autoptr (DsBlock) block = NULL;

  g_mutex_lock (&tally->lock);
  tally->n_batches++;
  while (tally->n_free < tally->n_batches)
    g_cond_wait (&tally->changed, &tally->lock);
  g_mutex_unlock (&tally->lock);

  block = ds_rdd_collect (counts, error);
  if (block == NULL)
    return FALSE;
  tally->n_words += ds_bench_sum_counts (block);
  if (tally->n_kept_bytes > 0)
    {
      char *bytes = g_malloc (tally->n_kept_bytes);

      memset (bytes, 1, tally->n_kept_bytes);
      g_ptr_array_add (tally->kept, bytes);
    }
  return TRUE;
}

/* ---- One batch after the other ---- */

/* Before the last @n_pieces. */
static gint64
get_n_lines (const Feed *feed, guint n_pieces)
{
  return feed->n_pieces > n_pieces ? feed->n_lines[(feed->n_pieces - n_pieces - 1) %
                                                   G_N_ELEMENTS (feed->n_lines)]
                                   : 0;
}

/* Batches end anywhere; lines end in the batch that has their end. */
static gboolean
send_batch (Feed *feed, guint i, GError **error)
{
  gint64 from = feed->n_bytes * (i % feed->n_batches_a_pass) / feed->n_batches_a_pass;
  gint64 to = feed->n_bytes * (i % feed->n_batches_a_pass + 1) / feed->n_batches_a_pass;
  gint64 n_lines = get_n_lines (feed, 0);

  while (from < to)
    {
      gssize n_read =
          pread (feed->file, feed->buffer, (gsize) MIN (to - from, SEND_BYTES), from);

      if (n_read <= 0)
        return fail_with_errno ("read", error);
      for (gssize n_sent = 0, n; n_sent < n_read; n_sent += n)
        if ((n = send (feed->connection, feed->buffer + n_sent, (gsize) (n_read - n_sent),
                       MSG_NOSIGNAL)) < 0)
          return fail_with_errno ("send", error);
      for (gssize k = 0; k < n_read; k++)
        n_lines += feed->buffer[k] == '\n';
      feed->n_lines[feed->n_pieces++ % G_N_ELEMENTS (feed->n_lines)] = n_lines;
      from += n_read;
    }
  return TRUE;
}

static gboolean
await_lines (Feed *feed, gint64 n_lines, GError **error)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE;
  gint64 n_received;

  while ((n_received = ds_streaming_context_get_n_received (feed->ssc)) < n_lines &&
         g_get_monotonic_time () < deadline)
    g_usleep (100);
  if (n_received >= n_lines)
    return TRUE;
  g_set_error (error, DS_ERROR, DS_ERROR_FAILED,
               "Received %" G_GINT64_FORMAT " lines instead of %" G_GINT64_FORMAT,
               n_received, n_lines);
  return FALSE;
}

static void
free_batches (Tally *tally, guint n_free)
{
  g_mutex_lock (&tally->lock);
  tally->n_free = n_free;
  g_cond_signal (&tally->changed);
  g_mutex_unlock (&tally->lock);
}

static gboolean
await_batches (Feed *feed, GError **error)
{
  return ds_streaming_context_await_batch (feed->ssc,
                                           (DsTime) feed->n_begun * BATCH_INTERVAL,
                                           error);
}

static void
begin_batch (Feed *feed)
{
  feed->n_begun++;
  ds_manual_clock_advance (feed->clock, BATCH_INTERVAL);
}

/* Batches without input, until all of it has come and the pool has forgotten it. */
static gboolean
rest (Feed *feed, GError **error)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE;

  free_batches (feed->tally, G_MAXUINT);
  for (guint i = 0; i < N_RESTING && g_get_monotonic_time () < deadline; i++)
    {
      if (ds_streaming_context_get_n_received (feed->ssc) < get_n_lines (feed, 0))
        i = 0;
      begin_batch (feed);
      if (!await_batches (feed, error))
        return FALSE;
    }
  return await_lines (feed, get_n_lines (feed, 0), error);
}

static gboolean
run_pass (Feed *feed, GError **error)
{
  for (guint i = 0; i < feed->n_batches_a_pass; i++)
    {
      if (!send_batch (feed, i, error) ||
          !await_lines (feed, get_n_lines (feed, N_OPEN_PIECES), error))
        return FALSE;
      if (i > 0)
        {
          free_batches (feed->tally, feed->n_begun);
          if (!await_batches (feed, error))
            return FALSE;
        }
      begin_batch (feed);
    }
  return rest (feed, error);
}

/* @resting_bytes gets one after each pass. */
static gboolean
run_passes (Feed *feed, guint n_passes, GArray *resting_bytes, GError **error)
{
  for (guint i = 0; i < n_passes; i++)
    {
      gint64 n_resident;

      if (!run_pass (feed, error))
        return FALSE;
      n_resident = get_resident_bytes ();
      g_array_append_val (resting_bytes, n_resident);
    }
  return TRUE;
}

/* ---- The context, and the figures ---- */

static gint
compare_bytes (gconstpointer a, gconstpointer b)
{
  const gint64 *bytes_a = a;
  const gint64 *bytes_b = b;

  return *bytes_a < *bytes_b ? -1 : *bytes_a > *bytes_b;
}

static gint64
find_median (GArray *array, guint from, guint to)
{
  g_autoptr (GArray) part = g_array_new (FALSE, FALSE, sizeof (gint64));

  g_array_append_vals (part, &g_array_index (array, gint64, from), to - from);
  g_array_sort (part, compare_bytes);
  return part->len > 0 ? g_array_index (part, gint64, part->len / 2) : 0;
}

static void
print_memory (GArray *resting_bytes)
{
  guint n = resting_bytes->len;
  struct rusage usage;

  getrusage (RUSAGE_SELF, &usage);
  g_print ("peak_kib %ld\n", usage.ru_maxrss);
  /* The first one warms up. */
  g_print ("second_quarter_kib %" G_GINT64_FORMAT "\n",
           find_median (resting_bytes, n / 4, n / 2) / 1024);
  g_print ("last_quarter_kib %" G_GINT64_FORMAT "\n",
           find_median (resting_bytes, n - n / 4, n) / 1024);
}

static gboolean
stream_words (Feed *feed,
              int listener,
              guint16 port,
              Tally *tally,
              guint n_passes,
              GArray *resting_bytes,
              GError **error)
{
  g_autoptr (DsManualClock) clock = ds_manual_clock_new (0);
  g_autoptr (DsStreamingContext) ssc =
      ds_streaming_context_new ("local[1]", "ds-bench", BATCH_INTERVAL);
  DsDStream *words;
  gboolean is_done;

  ds_streaming_context_set_clock (ssc, DS_CLOCK (clock));
  g_object_set (ssc, "max-received-bytes", MAX_RECEIVED_BYTES, "block-interval",
                BLOCK_INTERVAL, NULL);
  words = ds_dstream_flat_map (ds_streaming_context_socket_text_stream (ssc, "127.0.0.1",
                                                                        port),
                               ds_split_words, NULL, NULL);
  ds_dstream_foreach_rdd (ds_dstream_count_by_value (words), sum_batch, tally, NULL);
  if (!ds_streaming_context_start (ssc, error))
    return FALSE;
  feed->ssc = ssc;
  feed->tally = tally;
  feed->clock = clock;
  feed->connection = accept (listener, NULL, NULL);
  if (feed->connection < 0)
    return fail_with_errno ("accept", error);
  is_done = run_passes (feed, n_passes, resting_bytes, error);
  free_batches (tally, G_MAXUINT);
  is_done =
      ds_streaming_context_stop (ssc, DS_STOP_NOW, is_done ? error : NULL) && is_done;
  close (feed->connection);
  return is_done;
}

gboolean
ds_bench_run_memory (char **arguments, GError **error)
{
  g_autoptr (GArray) resting_bytes = g_array_new (FALSE, FALSE, sizeof (gint64));
  g_autoptr (GPtrArray) kept = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *buffer = g_malloc (SEND_BYTES);
  Tally tally = { .n_kept_bytes = (gsize) g_ascii_strtoull (arguments[3], NULL, 10),
                  .kept = kept };
  Feed feed = { .file = open (arguments[0], O_RDONLY | O_CLOEXEC),
                .n_batches_a_pass = (guint) g_ascii_strtoull (arguments[1], NULL, 10),
                .buffer = buffer };
  guint n_passes = (guint) g_ascii_strtoull (arguments[2], NULL, 10);
  gint64 start_time = g_get_monotonic_time ();
  int listener = -1;
  guint16 port;
  gboolean is_done;

  if (feed.file < 0 || (feed.n_bytes = lseek (feed.file, 0, SEEK_END)) < 0)
    return fail_with_errno (arguments[0], error);
  is_done = ds_bench_listen_on_loopback (&listener, &port, error) &&
            stream_words (&feed, listener, port, &tally, n_passes, resting_bytes, error);
  close (listener);
  close (feed.file);
  if (!is_done)
    return FALSE;
  g_print ("words %" G_GINT64_FORMAT "\n", tally.n_words);
  g_print ("seconds %.6f\n",
           (double) (g_get_monotonic_time () - start_time) / G_USEC_PER_SEC);
  g_print ("batches %u\n", n_passes * feed.n_batches_a_pass);
  print_memory (resting_bytes);
  return TRUE;
}
