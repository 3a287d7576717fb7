/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How long after its time is a short batch done?
 *
 * A word count of one line a batch, by the system's clock.  A batch is late when the next
 * one was already due before its output was done. */

#include <dstream/dstream.h>

#include "bench/ds-bench.h"

#include <stdlib.h>
#include <time.h>

#define N_WARM_UP 100

typedef struct
{
  DsDuration *lateness; /* [n_batches], µs, of each batch after the first ones */
  guint n_batches;
  guint n_seen;
  gint64 n_words;
} Watch;

static gboolean
watch_batch (DsRdd *counts, DsBatch *batch, gpointer user_data, GError **error)
{
  Watch *watch = user_data;
  g_autoptr (DsBlock) block = ds_rdd_collect (counts, error);

  if (block == NULL)
    return FALSE;
  watch->n_words += ds_bench_sum_counts (block);

  if (watch->n_seen >= N_WARM_UP && watch->n_seen < N_WARM_UP + watch->n_batches)
    watch->lateness[watch->n_seen - N_WARM_UP] =
        g_get_real_time () - ds_batch_get_time (batch);
  watch->n_seen++;
  return TRUE;
}

static int
compare_durations (gconstpointer a, gconstpointer b)
{
  const DsDuration *first = a;
  const DsDuration *second = b;

  return (*first > *second) - (*first < *second);
}

/* Sorts @lateness. */
static void
print_lateness (const char *prefix,
                DsDuration *lateness,
                guint n_batches,
                DsDuration interval)
{
  guint n_late = 0;

  qsort (lateness, n_batches, sizeof *lateness, compare_durations);
  for (guint i = 0; i < n_batches; i++)
    n_late += lateness[i] > interval;
  g_print ("%sp50_us %" G_GINT64_FORMAT "\n", prefix, lateness[n_batches / 2]);
  g_print ("%sp99_us %" G_GINT64_FORMAT "\n", prefix,
           lateness[(guint) ((guint64) n_batches * 99 / 100)]);
  g_print ("%smax_us %" G_GINT64_FORMAT "\n", prefix, lateness[n_batches - 1]);
  g_print ("%slate_share %.6f\n", prefix, (double) n_late / n_batches);
}

/* The same of a loop that does nothing but wait: what the machine makes of a timer. */
static void
measure_bare_loop (DsDuration *lateness, guint n_batches, DsDuration interval)
{
  gint64 due = g_get_monotonic_time ();

  for (guint i = 0; i < n_batches; i++)
    {
      struct timespec until;

      due += interval;
      until.tv_sec = due / G_USEC_PER_SEC;
      until.tv_nsec = due % G_USEC_PER_SEC * 1000;
      clock_nanosleep (CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
      lateness[i] = g_get_monotonic_time () - due;
    }
  print_lateness ("bare_", lateness, n_batches, interval);
}

gboolean
ds_bench_run_lateness (char **arguments, GError **error)
{
  DsDuration interval = g_ascii_strtoll (arguments[0], NULL, 10) * DS_MILLISECOND;
  guint n_batches = (guint) g_ascii_strtoull (arguments[1], NULL, 10);
  g_autoptr (DsStreamingContext) ssc =
      ds_streaming_context_new ("local[*]", "ds-bench", interval);
  g_autofree DsDuration *lateness = g_new (DsDuration, n_batches);
  g_autoptr (DsBlock) line = ds_block_new_strings ("to be or not to be", NULL);
  Watch watch = { lateness, n_batches, 0, 0 };
  DsDStream *lines = ds_streaming_context_queue_stream (ssc);

  measure_bare_loop (lateness, n_batches, interval);

  ds_dstream_set_one_at_a_time (lines, TRUE);
  for (guint i = 0; i < N_WARM_UP + n_batches; i++)
    ds_dstream_push_block (lines, line);
  ds_dstream_foreach_rdd (ds_dstream_count_by_value (
                              ds_dstream_flat_map (lines, ds_split_words, NULL, NULL)),
                          watch_batch, &watch, NULL);
  if (!ds_streaming_context_start (ssc, error))
    return FALSE;
  g_usleep ((gulong) ((N_WARM_UP + n_batches + 20) * interval));
  if (!ds_streaming_context_stop (ssc, DS_STOP_GRACEFULLY, error))
    return FALSE;

  if (watch.n_words != 6 * (gint64) (N_WARM_UP + n_batches))
    {
      g_set_error (error, DS_ERROR, DS_ERROR_FAILED,
                   "%" G_GINT64_FORMAT " words instead of %" G_GINT64_FORMAT,
                   watch.n_words, 6 * (gint64) (N_WARM_UP + n_batches));
      return FALSE;
    }
  g_print ("batches %u\n", n_batches);
  print_lateness ("", lateness, n_batches, interval);
  return TRUE;
}
