/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What does a window cost that slides?
 *
 * inverse: the words of a text, in batches of so many KiB, counted over a window with an
 * inverse function.  What a slide takes beyond the count of its own batch is the
 * difference to the same stream without the window.
 *
 * slide-max: the largest value of each key, by a function without an inverse, over a
 * window of so many batches in each of which every key has one value.  Calls of the
 * function and keys touched are counted.
 *
 * usage: bench-window inverse FILE BATCHES BATCH_KIB SLIDES
 *        bench-window slide-max BATCHES KEYS SLIDES
 *
 * One worker; processor time.  Prints lines of a name and a number. */

#include "base/ds-block-private.h"
#include "base/ds-splitter-private.h"
#include "bench/bench-checkpoints.h"
#include "dstream/ds-window-private.h"
#include "dstream/dstream.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct
{
  DsManualClock *clock;
  DsStreamingContext *ssc;
  DsDStream *source;
  gint64 n_values; /* of the last batch */
  gint64 sum;      /* of their values */
} Bench;

static void
bench_check (GError *error)
{
  if (error == NULL)
    return;
  g_printerr ("bench-window: %s\n", error->message);
  exit (1);
}

static void
bench_set_up (Bench *self)
{
  *self = (Bench){ .clock = ds_manual_clock_new (0) };
  self->ssc = ds_streaming_context_new ("local[1]", "bench-window", DS_SECOND);
  ds_streaming_context_set_clock (self->ssc, DS_CLOCK (self->clock));
  bench_set_checkpoints (self->ssc);
  self->source = ds_streaming_context_queue_stream (self->ssc);
}

static gboolean
bench_count (DsRdd *rdd, DsBatch *batch, gpointer bench, GError **error)
{
  Bench *self = bench;

  self->n_values = ds_rdd_count (rdd, error);
  return self->n_values >= 0;
}

/* Processor time of the whole process: what else runs on the machine counts less. */
static double
bench_get_seconds (void)
{
  struct timespec now;

  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &now);
  return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

/* Runs @n batches; the seconds that they take. */
static double
bench_run (Bench *self, guint n)
{
  double start = bench_get_seconds ();
  g_autoptr (GError) error = NULL;

  ds_manual_clock_advance (self->clock, n * DS_SECOND);
  ds_streaming_context_await_batch (self->ssc, ds_clock_get_time (DS_CLOCK (self->clock)),
                                    &error);
  bench_check (error);
  return bench_get_seconds () - start;
}

static void
bench_start (Bench *self)
{
  g_autoptr (GError) error = NULL;

  ds_streaming_context_start (self->ssc, &error);
  bench_check (error);
}

static void
bench_tear_down (Bench *self)
{
  g_autoptr (GError) error = NULL;

  ds_streaming_context_stop (self->ssc, DS_STOP_NOW, &error);
  bench_check (error);
  g_object_unref (self->ssc);
  g_object_unref (self->clock);
  bench_remove_checkpoints ();
}

/* ---- inverse ---- */

/* Batches of at least @n_batch_bytes each, cut at line ends. */
static GPtrArray *
bench_load (const char *path, gsize n_batch_bytes, guint n_batches)
{
  GPtrArray *blocks = g_ptr_array_new_with_free_func ((GDestroyNotify) ds_block_unref);
  g_autofree char *text = NULL;
  gsize n_bytes;
  gsize start = 0;
  g_autoptr (GError) error = NULL;

  g_file_get_contents (path, &text, &n_bytes, &error);
  bench_check (error);
  for (guint i = 0; i < n_batches; i++)
    {
      const char *end = start + n_batch_bytes < n_bytes
                            ? memchr (text + start + n_batch_bytes, '\n',
                                      n_bytes - start - n_batch_bytes)
                            : NULL;
      gsize next = end != NULL ? (gsize) (end - text) + 1 : n_bytes;
      DsArena *arena = ds_arena_new_sized (NULL, next - start);
      char *copy = ds_arena_alloc (arena, next - start);

      memcpy (copy, text + start, next - start);
      g_ptr_array_add (blocks,
                       ds_block_new_take_text (arena, copy, next - start,
                                               ds_count_lines (copy, next - start),
                                               FALSE));
      start = next;
    }
  return blocks;
}

static gboolean
bench_sum (DsRdd *rdd, DsBatch *batch, gpointer bench, GError **error)
{
  Bench *self = bench;
  g_autoptr (DsBlock) block = ds_rdd_collect (rdd, error);

  if (block == NULL)
    return FALSE;
  self->n_values = 0;
  self->sum = 0;
  for (gsize i = 0; i < ds_block_get_length (block); i++)
    {
      DsValue word;
      DsValue count;

      ds_block_get_pair (block, i, &word, &count);
      self->n_values += ds_value_get_int (count) != 0;
      self->sum += ds_value_get_int (count);
    }
  return TRUE;
}

/* Seconds a batch behind the first @n_window ones.  @has_window FALSE: batches by
 * themselves. */
static double
bench_count_words (GPtrArray *blocks, guint n_window, gboolean has_window, Bench *self)
{
  guint n_slides = blocks->len - n_window;
  DsDStream *counts;
  DsDStream *ones;
  double seconds;

  bench_set_up (self);
  ones = ds_dstream_map (ds_dstream_flat_map (self->source, ds_split_words, NULL, NULL),
                         ds_pair_with_one, NULL, NULL);
  if (has_window)
    {
      counts = ds_dstream_reduce_by_key_and_window (ones, n_window * DS_SECOND, 0, ds_add,
                                                    NULL, NULL);
      ds_dstream_set_inverse (counts, ds_subtract, NULL, NULL);
      ds_dstream_checkpoint (counts, BENCH_NO_CHECKPOINTS);
    }
  else
    counts = ds_dstream_reduce_by_key (ones, ds_add, NULL, NULL);
  ds_dstream_foreach_rdd (counts, bench_count, self, NULL);
  for (guint i = 0; i < blocks->len; i++)
    {
      DsBlock *block = g_ptr_array_index (blocks, i);
      g_autoptr (DsRdd) rdd =
          ds_block_rdd_new (ds_streaming_context_get_context (self->ssc), &block, 1, 1);

      ds_dstream_push_rdd (self->source, rdd);
    }
  bench_start (self);
  bench_run (self, n_window);
  seconds = bench_run (self, n_slides);
  if (has_window)
    {
      g_autoptr (GPtrArray) last = NULL;
      g_autoptr (GError) error = NULL;
      DsTime now = ds_clock_get_time (DS_CLOCK (self->clock));

      last = ds_dstream_slice (counts, now, now, &error);
      bench_check (error);
      bench_sum (g_ptr_array_index (last, 0), NULL, self, &error);
      bench_check (error);
    }
  bench_tear_down (self);
  return seconds / n_slides;
}

static void
bench_inverse (char **arguments)
{
  guint n_window = (guint) atoi (arguments[1]);
  gsize n_batch_bytes = (gsize) atol (arguments[2]) * 1024;
  guint n_slides = (guint) atoi (arguments[3]);
  g_autoptr (GPtrArray) blocks =
      bench_load (arguments[0], n_batch_bytes, n_window + n_slides);
  Bench bench;
  double alone = bench_count_words (blocks, n_window, FALSE, &bench);
  double windowed = bench_count_words (blocks, n_window, TRUE, &bench);

  g_print ("seconds_per_batch %.9f\nseconds_per_slide %.9f\n", alone, windowed);
  g_print ("distinct %" G_GINT64_FORMAT "\nwords %" G_GINT64_FORMAT "\n", bench.n_values,
           bench.sum);
}

/* ---- slide-max ---- */

static guint64 bench_n_calls;

static DsValue
bench_max (DsValue a, DsValue b, DsTask *task, gpointer unused)
{
  bench_n_calls++;
  return ds_value_get_int (a) < ds_value_get_int (b) ? b : a;
}

static void
bench_slide_max (char **arguments)
{
  guint n_window = (guint) atoi (arguments[0]);
  guint n_keys = (guint) atoi (arguments[1]);
  guint n_slides = (guint) atoi (arguments[2]);
  guint64 n_most_calls = 0;
  guint64 n_calls;
  double seconds = 0;
  DsWindowCounts before;
  DsWindowCounts after;
  DsDStream *maxima;
  Bench bench;

  bench_set_up (&bench);
  maxima = ds_dstream_reduce_by_key_and_window (bench.source, n_window * DS_SECOND, 0,
                                                bench_max, NULL, NULL);
  ds_dstream_checkpoint (maxima, BENCH_NO_CHECKPOINTS);
  ds_dstream_foreach_rdd (maxima, bench_count, &bench, NULL);
  bench_start (&bench);
  for (guint i = 0; i < n_window + n_slides; i++)
    {
      g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
      g_autoptr (DsBlock) block = NULL;

      for (guint key = 0; key < n_keys; key++)
        ds_block_builder_add_pair (builder, ds_value_int (key),
                                   ds_value_int ((gint64) (((guint64) i * n_keys + key) *
                                                           2654435761u % 1000003)));
      block = ds_block_builder_end (builder);
      ds_dstream_push_block (bench.source, block);
      if (i < n_window)
        {
          bench_run (&bench, 1);
          bench_n_calls = 0;
          ds_window_reduced_dstream_get_counts (maxima, &before);
          continue;
        }
      n_calls = bench_n_calls;
      seconds += bench_run (&bench, 1);
      n_most_calls = MAX (n_most_calls, bench_n_calls - n_calls);
    }
  ds_window_reduced_dstream_get_counts (maxima, &after);
  g_print ("seconds_per_slide %.9f\ncalls %" G_GUINT64_FORMAT
           "\nmost_calls %" G_GUINT64_FORMAT "\ntouched %" G_GUINT64_FORMAT
           "\nbytes %" G_GSIZE_FORMAT "\nkeys %" G_GINT64_FORMAT "\n",
           seconds / n_slides, bench_n_calls, n_most_calls,
           after.n_touched - before.n_touched, after.n_bytes, bench.n_values);
  bench_tear_down (&bench);
}

int
main (int argc, char *argv[])
{
  if (argc == 6 && g_str_equal (argv[1], "inverse"))
    bench_inverse (argv + 2);
  else if (argc == 5 && g_str_equal (argv[1], "slide-max"))
    bench_slide_max (argv + 2);
  else
    {
      g_printerr ("usage: %s inverse FILE BATCHES BATCH_KIB SLIDES\n"
                  "       %s slide-max BATCHES KEYS SLIDES\n",
                  argv[0], argv[0]);
      return 2;
    }
  return 0;
}
