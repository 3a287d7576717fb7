/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What does a batch cost in which nothing, or next to nothing, happens?
 *
 * A word count over a queue stream with one output. */

#include <dstream/dstream.h>

#include "bench/ds-bench.h"

#include <sys/resource.h>
#include <time.h>

#define BATCH_INTERVAL DS_MILLISECOND
#define N_WARM_UP 200

typedef struct
{
  gint n_calls; /* atomic; of the output */
  gint64 n_words;
} Tally;

static gboolean
sum_batch (DsRdd *counts, DsBatch *batch, gpointer user_data, GError **error)
{
  Tally *tally = user_data;
  g_autoptr (DsBlock) block = ds_rdd_collect (counts, error);

  if (block == NULL)
    return FALSE;

  tally->n_words += ds_bench_sum_counts (block);
  g_atomic_int_inc (&tally->n_calls);
  return TRUE;
}

/* @clock NULL: the system's. */
static DsStreamingContext *
new_word_count (DsClock *clock, Tally *tally, DsDStream **lines)
{
  g_autoptr (DsStreamingContext) ssc =
      ds_streaming_context_new ("local[*]", "ds-bench", BATCH_INTERVAL);

  if (clock != NULL)
    ds_streaming_context_set_clock (ssc, clock);
  *lines = ds_streaming_context_queue_stream (ssc);
  ds_dstream_set_one_at_a_time (*lines, TRUE);

  DsDStream *words = ds_dstream_flat_map (*lines, ds_split_words, NULL, NULL);
  DsDStream *counts = ds_dstream_count_by_value (words);
  ds_dstream_foreach_rdd (counts, sum_batch, tally, NULL);
  return g_steal_pointer (&ssc);
}

static gboolean
expect (const char *what, gint64 found, gint64 expected, GError **error)
{
  if (found == expected)
    return TRUE;

  g_set_error (error, DS_ERROR, DS_ERROR_FAILED,
               "%" G_GINT64_FORMAT " %s instead of %" G_GINT64_FORMAT, found, what,
               expected);
  return FALSE;
}

static gint64
get_cpu_time (void)
{
  struct rusage usage;

  getrusage (RUSAGE_SELF, &usage);
  return (gint64) (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * G_USEC_PER_SEC +
         usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

/* What a wait for a tick costs that nothing follows: the kernel's share, which is large
 * on virtual machines. */
static double
measure_wake (guint n_ticks)
{
  gint64 cpu_time = get_cpu_time ();
  gint64 due = g_get_monotonic_time ();

  for (guint i = 0; i < n_ticks; i++)
    {
      struct timespec until;

      due += BATCH_INTERVAL;
      until.tv_sec = due / G_USEC_PER_SEC;
      until.tv_nsec = due % G_USEC_PER_SEC * 1000;
      clock_nanosleep (CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    }
  return (double) (get_cpu_time () - cpu_time) / n_ticks;
}

/* As a stream does that idles: the system's clock ticks, nobody looks on. */
gboolean
ds_bench_run_empty_batch (char **arguments, GError **error)
{
  guint n_batches = (guint) g_ascii_strtoull (arguments[0], NULL, 10);
  double wake_us = measure_wake (n_batches);
  Tally tally = { 0 };
  DsDStream *lines;
  g_autoptr (DsStreamingContext) ssc = new_word_count (NULL, &tally, &lines);

  if (!ds_streaming_context_start (ssc, error))
    return FALSE;

  g_usleep (N_WARM_UP * BATCH_INTERVAL);

  gint n_before = g_atomic_int_get (&tally.n_calls);
  gint64 cpu_time = get_cpu_time ();
  gint64 start_time = g_get_monotonic_time ();

  g_usleep (n_batches * BATCH_INTERVAL);

  gint n_calls = g_atomic_int_get (&tally.n_calls) - n_before;
  gint64 seconds = g_get_monotonic_time () - start_time;

  cpu_time = get_cpu_time () - cpu_time;
  if (!ds_streaming_context_stop (ssc, DS_STOP_NOW, error) ||
      !expect ("words", tally.n_words, 0, error))
    return FALSE;
  if (n_calls < (gint) n_batches / 2)
    return expect ("batches", n_calls, n_batches, error);

  g_print ("batches %d\n", n_calls);
  g_print ("seconds %.6f\n", (double) seconds / G_USEC_PER_SEC);
  g_print ("cpu_us_per_tick %.3f\n", (double) cpu_time / n_calls);
  g_print ("cpu_us_per_bare_tick %.3f\n", wake_us);
  return TRUE;
}

/* As many batches as there are lines, all due at once. */
gboolean
ds_bench_run_tiny_batches (char **arguments, GError **error)
{
  guint n_batches = (guint) g_ascii_strtoull (arguments[0], NULL, 10);
  g_autoptr (DsManualClock) clock = ds_manual_clock_new (0);
  g_autoptr (DsBlock) line = ds_block_new_strings ("to be or not to be", NULL);
  Tally tally = { 0 };
  DsDStream *lines;
  g_autoptr (DsStreamingContext) ssc = new_word_count (DS_CLOCK (clock), &tally, &lines);

  for (guint i = 0; i < N_WARM_UP + n_batches; i++)
    ds_dstream_push_block (lines, line);
  if (!ds_streaming_context_start (ssc, error))
    return FALSE;

  ds_manual_clock_advance (clock, N_WARM_UP * BATCH_INTERVAL);
  if (!ds_streaming_context_await_batch (ssc, N_WARM_UP * BATCH_INTERVAL, error))
    return FALSE;

  gint64 start_time = g_get_monotonic_time ();

  ds_manual_clock_advance (clock, n_batches * BATCH_INTERVAL);
  if (!ds_streaming_context_await_batch (ssc, (N_WARM_UP + n_batches) * BATCH_INTERVAL,
                                         error))
    return FALSE;

  gint64 seconds = g_get_monotonic_time () - start_time;

  if (!ds_streaming_context_stop (ssc, DS_STOP_NOW, error) ||
      !expect ("calls of the output", tally.n_calls, N_WARM_UP + n_batches, error) ||
      !expect ("words", tally.n_words, 6 * (gint64) (N_WARM_UP + n_batches), error))
    return FALSE;

  g_print ("batches %u\n", n_batches);
  g_print ("seconds %.6f\n", (double) seconds / G_USEC_PER_SEC);
  return TRUE;
}
