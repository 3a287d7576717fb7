/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Files of a directory, a file a batch; the counts of the words of each, to files. */

#include "tests/crash/workloads/ds-crash-workload.h"

static void
count_words (DsCrashRun *run, DsStreamingContext *ssc)
{
  g_autofree char *prefix = g_build_filename (run->output, "word-count", NULL);
  DsDStream *lines = ds_streaming_context_text_file_stream (ssc, run->input);
  DsDStream *words = ds_dstream_flat_map (lines, ds_split_words, NULL, NULL);
  DsDStream *counts =
      ds_dstream_reduce_by_key (ds_dstream_map (words, ds_pair_with_one, NULL, NULL),
                                ds_add, NULL, NULL);

  ds_dstream_set_file_selection (lines, DS_FILES_ALL);
  ds_dstream_set_max_files_per_batch (lines, 1);
  ds_dstream_set_n_partitions (counts, 2);
  ds_dstream_save_as_text_files (counts, prefix, NULL);
}

static void
expect_counts (guint batch, GPtrArray *lines)
{
  g_autofree char *text = ds_crash_workload_words (batch);
  g_auto (GStrv) words = g_strsplit_set (text, " \n", -1);

  for (guint i = 0; words[i] != NULL; i++)
    {
      guint n = 0;
      gboolean is_first = *words[i] != '\0';

      for (guint k = 0; words[k] != NULL; k++)
        if (g_str_equal (words[k], words[i]))
          {
            n++;
            is_first = is_first && k >= i;
          }
      if (is_first)
        g_ptr_array_add (lines, g_strdup_printf ("(%s,%u)", words[i], n));
    }
}

int
main (int argc, char *argv[])
{
  static const char *const planted[] = { "file-ignores-short-writes",
                                         "output-no-sync",
                                         "output-no-directory-sync",
                                         "output-name-not-synced",
                                         "manifest-no-sync",
                                         "manifest-first",
                                         NULL };
  static const DsCrashWorkload workload = {
    .name = "word-count",
    .planted = planted,
    .build = count_words,
    .expect = expect_counts,
  };

  return ds_crash_workload_main (&workload, argc, argv);
}
