/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What does a batch cost in which nothing, or next to nothing, happens?
 *
 * A word count over a queue stream with one output; batches are made by a manual clock,
 * so that nobody waits for time to pass. */

#include <dstream/dstream.h>

#include "bench/ds-bench.h"

#include <sys/resource.h>

#define BATCH_INTERVAL (10 * DS_MILLISECOND)
#define N_WARM_UP 200

typedef struct
{
  guint n_calls; /* of the output, one thread at a time */
  gint64 n_words;
} Tally;

static gboolean
sum_batch (DsRdd *counts, DsBatch *batch, gpointer user_data, GError **error)
{
  Tally *tally = user_data;
  g_autoptr (DsBlock) block = ds_rdd_collect (counts, error);

  if (block == NULL)
    return FALSE;

  for (gsize i = 0; i < ds_block_get_length (block); i++)
    {
      DsValue word;
      DsValue count;

      ds_block_get_pair (block, i, &word, &count);
      tally->n_words += ds_value_get_int (count);
    }
  tally->n_calls++;
  return TRUE;
}

static DsStreamingContext *
new_word_count (DsManualClock *clock, Tally *tally, DsDStream **lines)
{
  g_autoptr (DsStreamingContext) ssc =
      ds_streaming_context_new ("local[*]", "ds-bench", BATCH_INTERVAL);

  ds_streaming_context_set_clock (ssc, DS_CLOCK (clock));
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

/* Each batch by itself: the clock moves on once the one before is done, as it does when
 * batches are seldom. */
gboolean
ds_bench_run_empty_batch (char **arguments, GError **error)
{
  guint n_batches = (guint) g_ascii_strtoull (arguments[0], NULL, 10);
  g_autoptr (DsManualClock) clock = ds_manual_clock_new (0);
  Tally tally = { 0 };
  DsDStream *lines;
  g_autoptr (DsStreamingContext) ssc = new_word_count (clock, &tally, &lines);
  gint64 cpu_time = 0;
  gint64 start_time = 0;

  if (!ds_streaming_context_start (ssc, error))
    return FALSE;

  for (guint i = 1; i <= N_WARM_UP + n_batches; i++)
    {
      if (i == N_WARM_UP + 1)
        {
          cpu_time = get_cpu_time ();
          start_time = g_get_monotonic_time ();
        }
      ds_manual_clock_advance (clock, BATCH_INTERVAL);
      if (!ds_streaming_context_await_batch (ssc, i * BATCH_INTERVAL, error))
        return FALSE;
    }
  cpu_time = get_cpu_time () - cpu_time;

  gint64 seconds = g_get_monotonic_time () - start_time;

  if (!ds_streaming_context_stop (ssc, DS_STOP_NOW, error) ||
      !expect ("calls of the output", tally.n_calls, N_WARM_UP + n_batches, error) ||
      !expect ("words", tally.n_words, 0, error))
    return FALSE;

  g_print ("batches %u\n", n_batches);
  g_print ("seconds %.6f\n", (double) seconds / G_USEC_PER_SEC);
  g_print ("cpu_us_per_batch %.3f\n", (double) cpu_time / n_batches);
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
  g_autoptr (DsStreamingContext) ssc = new_word_count (clock, &tally, &lines);

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
