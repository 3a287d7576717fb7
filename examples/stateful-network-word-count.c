/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Counts words over the whole life of the stream: the count of a word is its state.  Each
 * batch prints the words that it brought, with their counts so far.
 *
 *   $ stateful-network-word-count
 *   -------------------------------------------
 *   Time: 1000 ms
 *   -------------------------------------------
 *   (to,2)
 *   (be,2)
 *   (or,1)
 *   (not,1)
 *
 *   -------------------------------------------
 *   Time: 2000 ms
 *   -------------------------------------------
 *   (to,3)
 *   (do,1)
 *
 *   -------------------------------------------
 *   Time: 3000 ms
 *   -------------------------------------------
 *   (to,4)
 *   (be,3)
 *   (do,2)
 *
 *   In the end: (to,4) (be,3) (do,2)
 *
 * With a server of lines it goes on until Ctrl-C:
 *
 *   ds-serve --port 9999 TEXT & stateful-network-word-count localhost 9999 */

#include <dstream/dstream.h>
#include <locale.h>

#define N_BATCHES 3

static const char *const sample[N_BATCHES][2] = {
  { "to be or not to be", NULL },
  { "to do", NULL },
  { "to be do", NULL },
};

/* Called for every word of a batch; words that do not come cost nothing. */
static void
count_word (DsValue word, DsValue one, DsState *state, DsTask *task, gpointer user_data)
{
  gint64 before = ds_value_get_int (ds_state_get_or (state, ds_value_int (0)));
  DsValue count = ds_value_int (before + ds_value_get_int (one));

  ds_state_update (state, count);
  ds_task_emit_pair (task, word, count);
}

/* The stream of words with their counts so far. */
static DsDStream *
count_words (DsDStream *lines)
{
  DsDStream *words = ds_dstream_flat_map (lines, ds_split_words, NULL, NULL);
  /* Within a batch first, so that each word meets its state once. */
  DsDStream *counts =
      ds_dstream_reduce_by_key (ds_dstream_map (words, ds_pair_with_one, NULL, NULL),
                                ds_add, NULL, NULL);
  DsDStream *totals;

  /* One partition, so that words are printed in the order in which they came. */
  ds_dstream_set_n_partitions (counts, 1);
  totals = ds_dstream_map_with_state (counts, count_word, NULL, NULL);
  ds_dstream_set_n_partitions (totals, 1);
  ds_dstream_print (totals, 10);
  return totals;
}

/* State can be read at any time, from any thread. */
static gboolean
print_most_frequent (DsDStream *totals, GError **error)
{
  g_autoptr (DsBlock) top = ds_dstream_top_state (totals, 3, error);

  if (top == NULL)
    return FALSE;
  g_print ("In the end:");
  for (gsize i = 0; i < ds_block_get_length (top); i++)
    {
      g_autofree char *text = ds_value_to_string (ds_block_get (top, i));

      g_print (" %s", text);
    }
  g_print ("\n");
  return TRUE;
}

static gboolean
play_sample (DsStreamingContext *ssc, GError **error)
{
  g_autoptr (DsManualClock) clock = ds_manual_clock_new (0);
  DsDStream *lines = ds_streaming_context_queue_stream (ssc);
  DsDStream *totals = count_words (lines);

  for (int i = 0; i < N_BATCHES; i++)
    {
      g_autoptr (DsBlock) block = ds_block_new_from_strv (sample[i]);

      ds_dstream_push_block (lines, block);
    }

  ds_streaming_context_set_clock (ssc, DS_CLOCK (clock));
  if (!ds_streaming_context_start (ssc, error))
    return FALSE;
  ds_manual_clock_advance (clock, N_BATCHES * DS_SECOND);
  return ds_streaming_context_await_batch (ssc, N_BATCHES * DS_SECOND, error) &&
         ds_streaming_context_stop (ssc, DS_STOP_NOW, error) &&
         print_most_frequent (totals, error);
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
      ds_streaming_context_new ("local[2]", "StatefulNetworkWordCount", 1 * DS_SECOND);
  guint64 port = 0;

  setlocale (LC_CTYPE, ""); /* or g_print () writes ? for letters beyond ASCII */
  if ((argc != 1 && argc != 3) ||
      (argc == 3 &&
       !g_ascii_string_to_unsigned (argv[2], 10, 1, G_MAXUINT16, &port, NULL)))
    {
      g_printerr ("Usage: stateful-network-word-count [HOST PORT]\n");
      return 2;
    }

  ds_streaming_context_checkpoint (ssc, "checkpoints"); /* streams with state need one */
  ds_streaming_context_allow_fresh_start (ssc);         /* each run begins anew */
  if (!(argc == 1 ? play_sample (ssc, &error)
                  : follow_server (ssc, argv[1], (guint16) port, &error)))
    {
      g_printerr ("stateful-network-word-count: %s\n", error->message);
      return 1;
    }
  return 0;
}
