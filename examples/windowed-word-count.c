/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Counts words over the last minute and shows the ten most frequent ones, every 30
 * seconds.
 *
 *   $ windowed-word-count
 *   Top words of the minute that ends at 30 s:
 *     the 3
 *     fox 2
 *     brown 1
 *     dog 1
 *     jumps 1
 *     lazy 1
 *     over 1
 *     quick 1
 *     sees 1
 *   Top words of the minute that ends at 60 s:
 *     the 5
 *     fox 4
 *     dog 3
 *     sees 2
 *     again 1
 *     asleep 1
 *     brown 1
 *     is 1
 *     jumps 1
 *     lazy 1
 *   Top words of the minute that ends at 90 s:
 *     dog 3
 *     fox 2
 *     the 2
 *     wakes 2
 *     again 1
 *     asleep 1
 *     is 1
 *     sees 1
 *     up 1
 *
 * The last window no longer has the words of the first 30 seconds.  With a server of
 * lines it goes on until Ctrl-C:
 *
 *   ds-serve --port 9999 --loop TEXT & windowed-word-count localhost 9999 */

#include <dstream/dstream.h>
#include <locale.h>

#define INTERVAL (10 * DS_SECOND)
#define WINDOW DS_MINUTE
#define SLIDE (30 * DS_SECOND)
#define N_TOP 10

/* What each batch of the sample brings. */
static const char *const sample[][2] = {
  { "the quick brown fox jumps over the lazy dog", NULL },
  { "the fox sees", NULL },
  { NULL },
  { "the dog is asleep", NULL },
  { NULL },
  { "fox sees the dog fox again", NULL },
  { "dog wakes up", NULL },
  { "wakes", NULL },
  { NULL },
};

/* The most frequent first, and among those in alphabetical order. */
static DsValue
get_rank (DsValue word_and_count, DsTask *task, gpointer user_data)
{
  gint64 count = ds_value_get_int (ds_pair_value (word_and_count));

  return ds_pair (task, ds_value_int (-count), ds_pair_key (word_and_count));
}

static gboolean
show_top (DsRdd *counts, DsBatch *batch, gpointer user_data, GError **error)
{
  g_autoptr (DsBlock) top = ds_rdd_take_ordered (counts, N_TOP, get_rank, NULL, error);

  if (top == NULL)
    return FALSE;
  g_print ("Top words of the minute that ends at %" G_GINT64_FORMAT " s:\n",
           ds_batch_get_time (batch) / DS_SECOND);
  for (gsize i = 0; i < ds_block_get_length (top); i++)
    {
      DsValue word;
      DsValue count;
      gsize n_bytes;
      const char *text;

      ds_block_get_pair (top, i, &word, &count);
      text = ds_value_get_string (word, &n_bytes);
      g_print ("  %.*s %" G_GINT64_FORMAT "\n", (int) n_bytes, text,
               ds_value_get_int (count));
    }
  return TRUE;
}

static void
count_words (DsDStream *lines)
{
  DsDStream *words = ds_dstream_flat_map (lines, ds_split_words, NULL, NULL);
  DsDStream *counts = ds_dstream_count_by_value_and_window (words, WINDOW, SLIDE);

  ds_dstream_foreach_rdd (counts, show_top, NULL, NULL);
}

static gboolean
play_sample (DsStreamingContext *ssc, GError **error)
{
  g_autoptr (DsManualClock) clock = ds_manual_clock_new (0);
  DsDStream *lines = ds_streaming_context_queue_stream (ssc);
  DsTime end = G_N_ELEMENTS (sample) * INTERVAL;

  count_words (lines);
  for (gsize i = 0; i < G_N_ELEMENTS (sample); i++)
    {
      g_autoptr (DsBlock) block = ds_block_new_from_strv (sample[i]);

      ds_dstream_push_block (lines, block);
    }

  ds_streaming_context_set_clock (ssc, DS_CLOCK (clock));
  if (!ds_streaming_context_start (ssc, error))
    return FALSE;
  ds_manual_clock_advance (clock, end);
  return ds_streaming_context_await_batch (ssc, end, error) &&
         ds_streaming_context_stop (ssc, DS_STOP_NOW, error);
}

static gboolean
follow_server (DsStreamingContext *ssc, const char *host, guint16 port, GError **error)
{
  count_words (ds_streaming_context_socket_text_stream (ssc, host, port));
  ds_streaming_context_stop_on_signals (ssc);
  return ds_streaming_context_start (ssc, error) &&
         ds_streaming_context_await_termination (ssc, error);
}

int
main (int argc, char *argv[])
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DsStreamingContext) ssc =
      ds_streaming_context_new ("local[2]", "WindowedWordCount", INTERVAL);
  guint64 port = 0;

  setlocale (LC_CTYPE, ""); /* or g_print () writes ? for letters beyond ASCII */
  if ((argc != 1 && argc != 3) ||
      (argc == 3 &&
       !g_ascii_string_to_unsigned (argv[2], 10, 1, G_MAXUINT16, &port, NULL)))
    {
      g_printerr ("Usage: windowed-word-count [HOST PORT]\n");
      return 2;
    }

  if (!(argc == 1 ? play_sample (ssc, &error)
                  : follow_server (ssc, argv[1], (guint16) port, &error)))
    {
      g_printerr ("windowed-word-count: %s\n", error->message);
      return 1;
    }
  return 0;
}
