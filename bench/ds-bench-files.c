/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How fast are the words of files counted that come into a directory?
 *
 * One batch takes all that is there.  The whole process is measured, as that of the
 * engine alone is, so listing, planning and the stream's start are in it. */

#include "bench/ds-bench.h"

#define BATCH_INTERVAL (1 * DS_SECOND)

static gboolean
print_batch (DsRdd *counts, DsBatch *batch, gpointer user_data, GError **error)
{
  g_autoptr (DsBlock) block = ds_rdd_collect (counts, error);

  if (block == NULL)
    return FALSE;
  g_print ("distinct %" G_GSIZE_FORMAT "\n", ds_block_get_length (block));
  g_print ("words %" G_GINT64_FORMAT "\n", ds_bench_sum_counts (block));
  return TRUE;
}

gboolean
ds_bench_run_word_count_file_stream (char **arguments, GError **error)
{
  g_autofree char *master = g_strdup_printf ("local[%d]", atoi (arguments[1]));
  g_autoptr (DsManualClock) clock = ds_manual_clock_new (0);
  g_autoptr (DsStreamingContext) ssc =
      ds_streaming_context_new (master, "ds-bench", BATCH_INTERVAL);
  DsDStream *lines = ds_streaming_context_text_file_stream (ssc, arguments[0]);
  DsDStream *words = ds_dstream_flat_map (lines, ds_split_words, NULL, NULL);

  ds_dstream_set_file_selection (lines, DS_FILES_ALL);
  ds_dstream_foreach_rdd (ds_dstream_count_by_value (words), print_batch, NULL, NULL);
  ds_streaming_context_set_clock (ssc, DS_CLOCK (clock));
  if (!ds_streaming_context_start (ssc, error))
    return FALSE;
  ds_manual_clock_advance (clock, BATCH_INTERVAL);
  return ds_streaming_context_await_batch (ssc, BATCH_INTERVAL, error) &&
         ds_streaming_context_stop (ssc, DS_STOP_NOW, error);
}
