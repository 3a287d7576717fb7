/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What does it cost that nothing received is lost?
 *
 * usage: bench-durable none|group|hand-group DIRECTORY N_MIB
 *        bench-durable every-record|hand-record DIRECTORY N_RECORDS
 *
 * A receiver stores text blocks of 256 KiB of 100-byte lines (none, group), or records of
 * 100 bytes one by one (every-record), and waits until the last one is acknowledged or
 * stored; batches are far apart.  By hand: the same bytes by write (), and fdatasync () a
 * MiB or a record.  Prints "name value" lines. */

#include "bench/bench-checks.h"

#include <dstream/dstream.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RECORD_BYTES 100
#define BLOCK_BYTES ((gsize) 256 << 10)
#define GROUP_BYTES ((gsize) 1 << 20)

/* @n_bytes of lines. */
static char *
make_text (gsize n_bytes)
{
  char *text = g_malloc (n_bytes);

  for (gsize i = 0; i < n_bytes; i++)
    text[i] = (i + 1) % RECORD_BYTES == 0 ? '\n' : (char) ('a' + i % 26);
  return text;
}

/* ---- By hand ---- */

static double
write_by_hand (const char *directory, gsize n_bytes, gsize n_at_once)
{
  g_autofree char *path = g_build_filename (directory, "hand", NULL);
  g_autofree char *text = make_text (n_at_once);
  int fd = open (path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
  gint64 start = g_get_monotonic_time ();

  for (gsize done = 0; fd >= 0 && done < n_bytes; done += n_at_once)
    if (write (fd, text, n_at_once) != (gssize) n_at_once || fdatasync (fd) != 0)
      {
        perror ("bench-durable");
        exit (1);
      }
  start = g_get_monotonic_time () - start;
  if (fd < 0 || close (fd) != 0)
    {
      perror ("bench-durable");
      exit (1);
    }
  return (double) start / 1e6;
}

/* ---- By a stream ---- */

#define BENCH_TYPE_FEED (bench_feed_get_type ())
G_DECLARE_FINAL_TYPE (BenchFeed, bench_feed, BENCH, FEED, DsReceiver)

struct _BenchFeed
{
  DsReceiver parent_instance;
  DsDurability durability;
  guint64 n_bytes;
  double seconds;
  GMutex lock; /* guards the following */
  GCond changed;
  guint64 n_acknowledged;
  gboolean is_over;
};

G_DEFINE_FINAL_TYPE (BenchFeed, bench_feed, DS_TYPE_RECEIVER)

static void
bench_feed_acknowledged (DsReceiver *receiver, guint64 token)
{
  BenchFeed *self = BENCH_FEED (receiver);

  g_mutex_lock (&self->lock);
  self->n_acknowledged = token;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
}

static gboolean
bench_feed_store_blocks (BenchFeed *self, GError **error)
{
  g_autofree char *text = make_text (BLOCK_BYTES);
  g_autoptr (GBytes) bytes = g_bytes_new_static (text, BLOCK_BYTES);
  guint64 n_stored = 0;

  while (n_stored < self->n_bytes)
    {
      n_stored += BLOCK_BYTES;
      if (!ds_receiver_store_text (DS_RECEIVER (self), bytes, n_stored, error))
        return FALSE;
    }
  g_mutex_lock (&self->lock);
  while (self->durability != DS_DURABILITY_NONE && self->n_acknowledged < n_stored)
    g_cond_wait (&self->changed, &self->lock);
  g_mutex_unlock (&self->lock);
  return TRUE;
}

static gboolean
bench_feed_store_records (BenchFeed *self)
{
  g_autofree char *record = make_text (RECORD_BYTES);
  DsValue value = ds_value_string_sized (record, RECORD_BYTES);

  for (guint64 n_stored = 0; n_stored < self->n_bytes; n_stored += RECORD_BYTES)
    if (!ds_receiver_store (DS_RECEIVER (self), value))
      return FALSE;
  return TRUE;
}

static gboolean
bench_feed_run (DsReceiver *receiver, GCancellable *cancellable, GError **error)
{
  BenchFeed *self = BENCH_FEED (receiver);
  gint64 start = g_get_monotonic_time ();
  gboolean ok = self->durability == DS_DURABILITY_EVERY_RECORD
                    ? bench_feed_store_records (self)
                    : bench_feed_store_blocks (self, error);

  g_mutex_lock (&self->lock);
  self->seconds = (double) (g_get_monotonic_time () - start) / 1e6;
  self->is_over = TRUE;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
  return ok;
}

static void
bench_feed_class_init (BenchFeedClass *klass)
{
  DS_RECEIVER_CLASS (klass)->run = bench_feed_run;
  DS_RECEIVER_CLASS (klass)->acknowledged = bench_feed_acknowledged;
}

static void
bench_feed_init (BenchFeed *self)
{
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
}

static double
store (const char *directory, DsDurability durability, guint64 n_bytes)
{
  g_autofree char *checkpoints = g_build_filename (directory, "checkpoints", NULL);
  g_autoptr (BenchFeed) feed = g_object_new (BENCH_TYPE_FEED, NULL);
  g_autoptr (DsStreamingContext) ssc =
      ds_streaming_context_new ("local[2]", "bench", 3600 * DS_SECOND);
  g_autoptr (GError) error = NULL;
  DsDStream *stream;

  feed->durability = durability;
  feed->n_bytes = n_bytes;
  g_object_set (ssc, "max-received-bytes", n_bytes * 8 + (64 << 20), NULL);
  if (durability != DS_DURABILITY_NONE)
    ds_streaming_context_checkpoint (ssc, checkpoints);
  stream = ds_streaming_context_receiver_stream (ssc, DS_RECEIVER (g_object_ref (feed)));
  ds_dstream_set_durability (stream, durability);
  ds_dstream_foreach_rdd (stream, bench_ignore, NULL, NULL);
  ds_streaming_context_start (ssc, &error);
  bench_fail_if (error);
  g_mutex_lock (&feed->lock);
  while (!feed->is_over)
    g_cond_wait (&feed->changed, &feed->lock);
  g_mutex_unlock (&feed->lock);
  if (ds_streaming_context_get_n_received (ssc) != (gint64) (n_bytes / RECORD_BYTES) &&
      durability == DS_DURABILITY_EVERY_RECORD)
    {
      g_printerr ("bench-durable: not all records were stored\n");
      exit (1);
    }
  ds_streaming_context_stop (ssc, DS_STOP_NOW, &error);
  bench_fail_if (error);
  return feed->seconds;
}

int
main (int argc, char *argv[])
{
  guint64 n = argc == 4 ? g_ascii_strtoull (argv[3], NULL, 10) : 0;
  double seconds;

  if (n == 0)
    {
      g_printerr ("usage: bench-durable none|group|hand-group DIRECTORY N_MIB\n"
                  "       bench-durable every-record|hand-record DIRECTORY N_RECORDS\n");
      return 2;
    }
  if (g_str_equal (argv[1], "hand-group"))
    seconds = write_by_hand (argv[2], n << 20, GROUP_BYTES);
  else if (g_str_equal (argv[1], "hand-record"))
    seconds = write_by_hand (argv[2], n * RECORD_BYTES, RECORD_BYTES);
  else if (g_str_equal (argv[1], "every-record"))
    seconds = store (argv[2], DS_DURABILITY_EVERY_RECORD, n * RECORD_BYTES);
  else
    seconds =
        store (argv[2],
               g_str_equal (argv[1], "group") ? DS_DURABILITY_GROUP : DS_DURABILITY_NONE,
               n << 20);
  printf ("seconds %.6f\n", seconds);
  return 0;
}
