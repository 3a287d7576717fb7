/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Counts the words of the files that are dropped into a folder, batch by batch, until
 * Ctrl-C.  With --once it counts what is there already, and ends.
 *
 *   $ mkdir inbox
 *   $ printf 'to be or not to be\n' >inbox/hamlet.txt
 *   $ printf 'to sleep\n' >inbox/more.txt
 *   $ printf 'not finished' >inbox/.draft
 *   $ file-word-count --once inbox
 *   (be,2)
 *   (not,1)
 *   (or,1)
 *   (sleep,1)
 *   (to,3)
 *
 * Write a file elsewhere on the same disk, or under a name that begins with a dot, and
 * rename it when it is whole: what lies in the folder is taken as it is.  A file that is
 * written to afterwards is read again from its beginning, so that its first words count
 * twice; one that is written to while it is read stops the stream. */

#include <dstream/dstream.h>
#include <locale.h>

#define BATCH_INTERVAL (1 * DS_SECOND)

static gboolean
print_counts (DsRdd *counts, DsBatch *batch, gpointer user_data, GError **error)
{
  g_autoptr (DsRdd) sorted = ds_rdd_sort_by_key (counts, DS_ASCENDING);
  g_autoptr (DsBlock) block = ds_rdd_collect (sorted, error);
  g_autofree char *text = block != NULL ? ds_block_to_string (block) : NULL;

  if (text != NULL)
    g_print ("%s", text);
  return text != NULL;
}

static void
count_words (DsStreamingContext *ssc, const char *folder)
{
  DsDStream *lines = ds_streaming_context_text_file_stream (ssc, folder);
  DsDStream *words = ds_dstream_flat_map (lines, ds_split_words, NULL, NULL);
  DsDStream *counts = ds_dstream_count_by_value (words);

  /* Every file once, however old it is: a file keeps its time when it is moved. */
  ds_dstream_set_file_selection (lines, DS_FILES_ALL);
  ds_dstream_foreach_rdd (counts, print_counts, NULL, NULL);
}

/* One batch, under a clock that the program moves. */
static gboolean
run_once (DsStreamingContext *ssc, GError **error)
{
  g_autoptr (DsManualClock) clock = ds_manual_clock_new (0);

  ds_streaming_context_set_clock (ssc, DS_CLOCK (clock));
  if (!ds_streaming_context_start (ssc, error))
    return FALSE;
  ds_manual_clock_advance (clock, BATCH_INTERVAL);
  return ds_streaming_context_await_batch (ssc, BATCH_INTERVAL, error) &&
         ds_streaming_context_stop (ssc, DS_STOP_NOW, error);
}

static gboolean
run_until_signal (DsStreamingContext *ssc, GError **error)
{
  ds_streaming_context_stop_on_signals (ssc);
  return ds_streaming_context_start (ssc, error) &&
         ds_streaming_context_await_termination (ssc, error);
}

int
main (int argc, char *argv[])
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DsStreamingContext) ssc =
      ds_streaming_context_new ("local[2]", "FileWordCount", BATCH_INTERVAL);
  gboolean once = argc == 3 && g_str_equal (argv[1], "--once");

  setlocale (LC_CTYPE, ""); /* or g_print () writes ? for letters beyond ASCII */
  if (argc != 2 && !once)
    {
      g_printerr ("Usage: file-word-count [--once] FOLDER\n");
      return 2;
    }

  count_words (ssc, argv[argc - 1]);
  if (!(once ? run_once (ssc, &error) : run_until_signal (ssc, &error)))
    {
      g_printerr ("file-word-count: %s\n", error->message);
      return 1;
    }
  return 0;
}
