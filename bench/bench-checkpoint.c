/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Do batches go on while the states of many keys are written to a checkpoint?
 *
 * usage: bench-checkpoint N_KEYS FOLDER
 *
 * A stream of (int, int) with map_with_state () learns N_KEYS keys in batches of 100,000;
 * then come batches of 10,000 that change keys all over the table.  As the first of these
 * begins, a checkpoint of all keys is taken; batches run back to back until it is under
 * its name, and as many again while none is being written.  Folder is where the
 * checkpoints go.  Prints "name value" lines; times are those of whole batches, from the
 * tick to the end, so that what a capture holds up is in the first one. */

#include "bench/bench-checks.h"
#include "dstream/dstream.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_FILL 100000
#define N_CHANGED 10000
/* At least so many of each kind. */
#define N_MIN_BATCHES 20
/* After so many batches a checkpoint is due; until then they are empty. */
#define N_BETWEEN 600

static void
fail (const char *what)
{
  g_printerr ("bench-checkpoint: %s\n", what);
  exit (1);
}

static void
count (DsValue key, DsValue value, DsState *state, DsTask *task, gpointer user_data)
{
  ds_state_update (
      state,
      ds_value_int (ds_value_get_int_or (ds_state_get_or (state, ds_value_null ()), 0) +
                    ds_value_get_int (value)));
}

static int
remove_entry (const char *path, const struct stat *status, int kind, struct FTW *where)
{
  return remove (path);
}

/* In KiB: "VmRSS:" now, "VmHWM:" at its peak. */
static gint64
read_memory (const char *name)
{
  g_autofree char *text = NULL;
  const char *found;

  if (!g_file_get_contents ("/proc/self/status", &text, NULL, NULL) ||
      (found = strstr (text, name)) == NULL)
    return 0;
  return g_ascii_strtoll (found + strlen (name), NULL, 10);
}

/* ---- Batches ---- */

typedef struct
{
  DsStreamingContext *ssc;
  DsManualClock *clock;
  DsDStream *queue;
  gint64 n_keys;
  gint64 k; /* batches so far */
} Bench;

/* Returns what it took, in µs. */
static gint64
run_batch (Bench *self, gint64 first, gint64 step, gint64 n)
{
  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
  g_autoptr (DsBlock) block = NULL;
  g_autoptr (GError) error = NULL;
  gint64 start;

  for (gint64 i = 0; i < n; i++)
    ds_block_builder_add_pair (builder, ds_value_int ((first + i * step) % self->n_keys),
                               ds_value_int (1));
  block = ds_block_builder_end (builder);
  ds_dstream_push_block (self->queue, block);
  start = g_get_monotonic_time ();
  ds_manual_clock_advance (self->clock, DS_SECOND);
  if (!ds_streaming_context_await_batch (self->ssc, ++self->k * DS_SECOND, &error))
    fail (error->message);
  return g_get_monotonic_time () - start;
}

/* Keys all over the table. */
static gint64
change_some (Bench *self)
{
  return run_batch (self, self->k * 7919, self->n_keys / N_CHANGED, N_CHANGED);
}

static int
compare_times (gconstpointer a, gconstpointer b)
{
  gint64 first = *(const gint64 *) a;
  gint64 second = *(const gint64 *) b;

  return first < second ? -1 : first > second;
}

static void
print_times (const char *name, GArray *times)
{
  g_array_sort (times, compare_times);
  g_print ("%s_batches %u\n", name, times->len);
  g_print ("%s_median_us %" G_GINT64_FORMAT "\n", name,
           g_array_index (times, gint64, times->len / 2));
  g_print ("%s_p95_us %" G_GINT64_FORMAT "\n", name,
           g_array_index (times, gint64, times->len * 95 / 100));
  g_print ("%s_max_us %" G_GINT64_FORMAT "\n", name,
           g_array_index (times, gint64, times->len - 1));
}

static void
measure (Bench *self, const char *folder)
{
  g_autofree char *name = g_strdup_printf ("ckpt-%020" G_GINT64_FORMAT, self->k * 1000);
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autoptr (GArray) during = g_array_new (FALSE, FALSE, sizeof (gint64));
  g_autoptr (GArray) after = g_array_new (FALSE, FALSE, sizeof (gint64));
  gint64 before_kib = read_memory ("VmRSS:");
  gint64 start = g_get_monotonic_time ();
  gint64 end;

  while (during->len == 0 ||
         (!g_file_test (path, G_FILE_TEST_EXISTS) && during->len < N_BETWEEN / 2))
    {
      gint64 time = change_some (self);

      g_array_append_val (during, time);
    }
  end = g_get_monotonic_time ();
  g_print ("first_us %" G_GINT64_FORMAT "\n", g_array_index (during, gint64, 0));
  g_print ("write_us %" G_GINT64_FORMAT "\n", end - start);
  g_print ("before_kib %" G_GINT64_FORMAT "\npeak_kib %" G_GINT64_FORMAT "\n", before_kib,
           read_memory ("VmHWM:"));
  while (after->len < N_BETWEEN / 2 && after->len < MAX (during->len, N_MIN_BATCHES))
    {
      gint64 time = change_some (self);

      g_array_append_val (after, time);
    }
  print_times ("during", during);
  print_times ("after", after);
}

int
main (int argc, char **argv)
{
  Bench bench = { .k = 0 };
  g_autoptr (GError) error = NULL;
  DsDStream *counts;
  gint64 n_fill;

  if (argc != 3 || (bench.n_keys = g_ascii_strtoll (argv[1], NULL, 10)) < N_FILL)
    fail ("usage: bench-checkpoint N_KEYS FOLDER, 100000 keys at least");
  nftw (argv[2], remove_entry, 16, FTW_DEPTH | FTW_PHYS);
  n_fill = bench.n_keys / N_FILL;
  if (n_fill > N_BETWEEN)
    fail ("that is more keys than it is made for");
  bench.ssc = ds_streaming_context_new ("local[2]", "bench", DS_SECOND);
  bench.clock = ds_manual_clock_new (0);
  ds_streaming_context_set_clock (bench.ssc, DS_CLOCK (bench.clock));
  ds_streaming_context_checkpoint (bench.ssc, argv[2]);
  bench.queue = ds_streaming_context_queue_stream (bench.ssc);
  counts = ds_dstream_map_with_state (bench.queue, count, NULL, NULL);
  ds_dstream_set_n_partitions (counts, 4);
  /* Due once all keys are there, and not again. */
  ds_dstream_checkpoint (counts, N_BETWEEN * DS_SECOND);
  ds_dstream_foreach_rdd (counts, bench_ignore, NULL, NULL);
  if (!ds_streaming_context_start (bench.ssc, &error))
    fail (error->message);

  for (gint64 i = 0; i < n_fill; i++)
    run_batch (&bench, i * N_FILL, 1, N_FILL);
  while (bench.k < N_BETWEEN)
    run_batch (&bench, 0, 0, 0);
  g_print ("keys %" G_GINT64_FORMAT "\n", bench.n_keys);
  measure (&bench, argv[2]);

  if (!ds_streaming_context_stop (bench.ssc, DS_STOP_NOW, &error))
    fail (error->message);
  g_clear_object (&bench.ssc);
  g_clear_object (&bench.clock);
  nftw (argv[2], remove_entry, 16, FTW_DEPTH | FTW_PHYS);
  return 0;
}
