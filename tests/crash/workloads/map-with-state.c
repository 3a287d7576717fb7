/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The count of each word over the whole life of the stream, as its state; each batch
 * saves the words that it brought, with their counts so far, and how many came in the
 * last two batches. */

#include "tests/crash/workloads/ds-crash-workload.h"

#define N_BATCHES_LOOKED_AT 2

static void
count_word (DsValue word, DsValue one, DsState *state, DsTask *task, gpointer user_data)
{
  gint64 before = ds_value_get_int (ds_state_get_or (state, ds_value_int (0)));
  DsValue count = ds_value_int (before + ds_value_get_int (one));

  ds_state_update (state, count);
  ds_task_emit_pair (task, word, count);
}

static void
count_words (DsCrashRun *run, DsStreamingContext *ssc)
{
  g_autofree char *prefix = g_build_filename (run->output, "map-with-state", NULL);
  DsDStream *lines = ds_streaming_context_text_file_stream (ssc, run->input);
  DsDStream *words = ds_dstream_flat_map (lines, ds_split_words, NULL, NULL);
  DsDStream *pairs = ds_dstream_map (words, ds_pair_with_one, NULL, NULL);
  DsDStream *totals = ds_dstream_map_with_state (pairs, count_word, NULL, NULL);
  DsDStream *recent = ds_dstream_window (totals, N_BATCHES_LOOKED_AT * DS_SECOND, 0);
  DsDStream *saved = ds_dstream_union (totals, ds_dstream_count (recent));

  ds_dstream_set_file_selection (lines, DS_FILES_ALL);
  ds_dstream_set_max_files_per_batch (lines, 1);
  ds_dstream_set_n_partitions (totals, 2);
  ds_dstream_checkpoint (totals, DS_SECOND);
  ds_dstream_save_as_text_files (saved, prefix, NULL);
}

static void
expect_totals (guint batch, GPtrArray *lines)
{
  g_autoptr (GHashTable) totals =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  guint n_recent = 0;

  for (guint k = 1; k <= batch; k++)
    {
      g_autofree char *text = ds_crash_workload_words (k);
      g_auto (GStrv) words = g_strsplit_set (text, " \n", -1);

      for (guint i = 0; words[i] != NULL; i++)
        {
          guint total = GPOINTER_TO_UINT (g_hash_table_lookup (totals, words[i])) + 1;

          if (*words[i] == '\0')
            continue;
          n_recent += k + N_BATCHES_LOOKED_AT > batch ? 1 : 0;
          g_hash_table_insert (totals, g_strdup (words[i]), GUINT_TO_POINTER (total));
          if (k == batch)
            g_ptr_array_add (lines, g_strdup_printf ("(%s,%u)", words[i], total));
        }
    }
  g_ptr_array_add (lines, g_strdup_printf ("%u", n_recent));
}

int
main (int argc, char *argv[])
{
  static const char *const planted[] = { "checkpoint-no-sync", "checkpoint-pruned-first",
                                         "log-removed-too-far", NULL };
  static const DsCrashWorkload workload = {
    .name = "map-with-state",
    .planted = planted,
    .build = count_words,
    .expect = expect_totals,
  };

  return ds_crash_workload_main (&workload, argc, argv);
}
