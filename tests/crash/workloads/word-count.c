/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Files of a directory, a file a batch, after a crash two; the counts of their words, to
 * files. */

#include "tests/crash/workloads/ds-crash-workload.h"

#include <stdio.h>

/* Settings may change between two runs; what a batch that was planned takes may not. */
#define FILES_A_BATCH 1
#define FILES_A_BATCH_LATER 2

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
  ds_dstream_set_max_files_per_batch (lines, run->is_first ? FILES_A_BATCH
                                                           : FILES_A_BATCH_LATER);
  ds_dstream_set_n_partitions (counts, 2);
  ds_dstream_save_as_text_files (counts, prefix, NULL);
}

/* The counts of files @first to @last in one batch; none for none. */
static GPtrArray *
expect_counts (guint first, guint last)
{
  g_autoptr (GHashTable) counts =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  GPtrArray *lines = g_ptr_array_new_with_free_func (g_free);
  GHashTableIter iter;
  gpointer word, n;

  for (guint file = first; file <= last; file++)
    {
      g_autofree char *text = ds_crash_workload_words (file);
      g_auto (GStrv) words = g_strsplit_set (text, " \n", -1);

      for (guint i = 0; words[i] != NULL; i++)
        if (*words[i] != '\0')
          g_hash_table_replace (
              counts, g_strdup (words[i]),
              GUINT_TO_POINTER (
                  GPOINTER_TO_UINT (g_hash_table_lookup (counts, words[i])) + 1));
    }
  g_hash_table_iter_init (&iter, counts);
  while (g_hash_table_iter_next (&iter, &word, &n))
    g_ptr_array_add (lines, g_strdup_printf ("(%s,%u)", (const char *) word,
                                             GPOINTER_TO_UINT (n)));
  return lines;
}

/* How many files from @first on batch @batch has counted; -1: it is not whole, or has
 * counted something else. */
static gint
find_files (const char *root, guint batch, guint first)
{
  g_autofree char *directory =
      g_strdup_printf ("%s/out/word-count-%u", root, batch * 1000);
  g_autoptr (GPtrArray) lines = ds_crash_read_parts (directory);

  for (guint n = 0; lines != NULL && n <= FILES_A_BATCH_LATER; n++)
    {
      g_autoptr (GPtrArray) expected = expect_counts (first, first + n - 1);

      if (ds_crash_are_same (lines, expected))
        return (gint) n;
    }
  return -1;
}

/* Each file is in one batch, whole, and they come in their order. */
static void
check (const char *root, char **acks, gboolean is_finished)
{
  guint n_acknowledged = 0;
  guint file = 1;

  for (guint i = 0; acks[i] != NULL; i++)
    {
      guint batch;

      if (sscanf (acks[i], "batch %u", &batch) == 1)
        n_acknowledged = MAX (n_acknowledged, batch);
    }
  for (guint batch = 1; batch <= DS_CRASH_N_BATCHES; batch++)
    {
      gint n_files = find_files (root, batch, file);

      if (n_files < 0 && batch <= n_acknowledged)
        g_print ("lost batch %u\n", batch);
      if (n_files < 0 && is_finished)
        g_print ("wrong batch %u\n", batch);
      if (n_files < 0)
        return;
      file += (guint) n_files;
    }
  if (is_finished && file <= DS_CRASH_N_BATCHES)
    g_print ("wrong files from number %u on were not counted\n", file);
}

int
main (int argc, char *argv[])
{
  static const char *const planted[] = {
    "file-ignores-short-writes", "output-no-sync",
    "output-no-directory-sync",  "output-name-not-synced",
    "manifest-no-sync",          "manifest-first",
    "manifest-name-trusted",     NULL
  };
  static const DsCrashWorkload workload = {
    .name = "word-count",
    .planted = planted,
    .build = count_words,
    .check = check,
  };

  return ds_crash_workload_main (&workload, argc, argv);
}
