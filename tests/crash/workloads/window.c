/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The counts of words over the last three batches, by adding what came and taking away
 * what went; to files. */

#include "tests/crash/workloads/ds-crash-workload.h"

#define N_BATCHES_A_WINDOW 3

static void
count_words (DsCrashRun *run, DsStreamingContext *ssc)
{
  g_autofree char *prefix = g_build_filename (run->output, "window", NULL);
  DsDStream *lines = ds_streaming_context_text_file_stream (ssc, run->input);
  DsDStream *words = ds_dstream_flat_map (lines, ds_split_words, NULL, NULL);
  DsDStream *counts =
      ds_dstream_reduce_by_key_and_window (ds_dstream_map (words, ds_pair_with_one, NULL,
                                                           NULL),
                                           N_BATCHES_A_WINDOW * DS_SECOND, DS_SECOND,
                                           ds_add, NULL, NULL);

  ds_dstream_set_file_selection (lines, DS_FILES_ALL);
  ds_dstream_set_max_files_per_batch (lines, 1);
  ds_dstream_set_inverse (counts, ds_subtract, NULL, NULL);
  ds_dstream_set_n_partitions (counts, 1);
  ds_dstream_checkpoint (counts, 2 * DS_SECOND);
  ds_dstream_save_as_text_files (counts, prefix, NULL);
}

/* Words that are gone keep a count of 0: nothing filters them. */
static void
expect_counts (guint batch, GPtrArray *lines)
{
  g_autoptr (GHashTable) counts =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  GHashTableIter iter;
  gpointer word, count;

  for (guint k = 1; k <= batch; k++)
    {
      g_autofree char *text = ds_crash_workload_words (k);
      g_auto (GStrv) words = g_strsplit_set (text, " \n", -1);
      guint step = k + N_BATCHES_A_WINDOW > batch ? 1 : 0;

      for (guint i = 0; words[i] != NULL; i++)
        if (*words[i] != '\0')
          g_hash_table_insert (
              counts, g_strdup (words[i]),
              GUINT_TO_POINTER (
                  GPOINTER_TO_UINT (g_hash_table_lookup (counts, words[i])) + step));
    }
  g_hash_table_iter_init (&iter, counts);
  while (g_hash_table_iter_next (&iter, &word, &count))
    g_ptr_array_add (lines, g_strdup_printf ("(%s,%u)", (char *) word,
                                             GPOINTER_TO_UINT (count)));
}

int
main (int argc, char *argv[])
{
  static const DsCrashWorkload workload = {
    .name = "window",
    .build = count_words,
    .expect = expect_counts,
  };

  return ds_crash_workload_main (&workload, argc, argv);
}
