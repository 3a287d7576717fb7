/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Counts words over the whole life of a stream, and goes on where it was killed: the
 * counts are state, which checkpoints keep, and each batch writes those that it changed
 * to a file of its own, out/counts-<time>.txt, exactly once.
 *
 * Without arguments it shows it with three files: it stops without warning behind the
 * second one, is built anew, and goes on.
 *
 *   $ recoverable-network-word-count
 *   begins anew
 *   goes on
 *   $ head out/counts-*.txt
 *   ==> out/counts-1000.txt <==
 *   (to,2)
 *   (or,1)
 *   (not,1)
 *   (be,2)
 *
 *   ==> out/counts-2000.txt <==
 *   (to,3)
 *   (do,1)
 *
 *   ==> out/counts-3000.txt <==
 *   (to,4)
 *   (do,2)
 *   (be,3)
 *
 * With a server of lines, or a folder that files are moved into, it goes on until Ctrl-C
 * (SIGTERM), or until it is killed.  Start it again in the same folder:
 *
 *   recoverable-network-word-count localhost 9999
 *
 *   recoverable-network-word-count inbox */

#include <dstream/dstream.h>
#include <glib/gstdio.h>
#include <locale.h>

typedef struct
{
  DsDuration interval;
  const char *host; /* (nullable): then files of @folder */
  guint16 port;
  const char *folder;
  DsClock *clock; /* (nullable): the system's */
} Options;

/* Called for every word of a batch, with how often it came there. */
static void
count_word (DsValue word, DsValue n, DsState *state, DsTask *task, gpointer user_data)
{
  gint64 before = ds_value_get_int (ds_state_get_or (state, ds_value_int (0)));
  DsValue count = ds_value_int (before + ds_value_get_int (n));

  ds_state_update (state, count);
  ds_task_emit_pair (task, word, count);
}

/* Runs at every start.  What a checkpoint has is given to the streams by their names. */
static DsStreamingContext *
create_word_count (gpointer user_data, GError **error)
{
  const Options *options = user_data;
  DsStreamingContext *ssc =
      ds_streaming_context_new ("local[2]", "RecoverableNetworkWordCount",
                                options->interval);
  DsDStream *lines;
  DsDStream *words;
  DsDStream *counts;
  DsOutput *files;

  if (options->clock != NULL)
    ds_streaming_context_set_clock (ssc, options->clock);
  if (options->host != NULL)
    {
      lines = ds_streaming_context_socket_text_stream (ssc, options->host, options->port);
      ds_dstream_set_durability (lines, DS_DURABILITY_GROUP);
    }
  else
    {
      lines = ds_streaming_context_text_file_stream (ssc, options->folder);
      ds_dstream_set_file_selection (lines, DS_FILES_ALL);
    }
  ds_dstream_set_name (lines, "lines");

  words =
      ds_dstream_count_by_value (ds_dstream_flat_map (lines, ds_split_words, NULL, NULL));
  counts = ds_dstream_map_with_state (words, count_word, NULL, NULL);
  ds_dstream_set_name (counts, "counts");
  ds_dstream_checkpoint (counts, 10 * options->interval);

  files = ds_dstream_save_as_text_files (counts, "out/counts", "txt");
  ds_output_set_name (files, "files");
  ds_output_set_single_file (files, TRUE);
  ds_output_set_skip_empty (files, TRUE);
  return ssc;
}

/* (transfer full) (nullable) */
static DsStreamingContext *
begin (Options *options, GError **error)
{
  g_autoptr (DsStreamingContext) ssc =
      ds_streaming_context_get_or_create ("checkpoints", create_word_count, options,
                                          error);

  if (ssc == NULL)
    return NULL;
  g_print ("%s\n", ds_streaming_context_is_recovered (ssc) ? "goes on" : "begins anew");
  return ds_streaming_context_start (ssc, error) ? g_steal_pointer (&ssc) : NULL;
}

/* Stops at the first signal, after all that came has been counted. */
static gboolean
run (Options *options, GError **error)
{
  g_autoptr (DsStreamingContext) ssc = begin (options, error);
  g_autofree char *report = NULL;

  if (ssc == NULL)
    return FALSE;
  ds_streaming_context_stop_on_signals (ssc);
  if (!ds_streaming_context_await_termination (ssc, error))
    return FALSE;
  report = ds_streaming_context_get_stop_report (ssc);
  g_print ("%s\n", report);
  return TRUE;
}

/* Batch @k has the text. */
static gboolean
play (DsStreamingContext *ssc,
      DsManualClock *clock,
      int k,
      const char *text,
      GError **error)
{
  g_autofree char *path = g_strdup_printf ("inbox/%d.txt", k);

  if (!g_file_set_contents (path, text, -1, error))
    return FALSE;
  ds_manual_clock_advance (clock, 1 * DS_SECOND);
  return ds_streaming_context_await_batch (ssc, k * DS_SECOND, error);
}

static gboolean
play_sample (Options *options, GError **error)
{
  g_autoptr (DsManualClock) clock = ds_manual_clock_new (0);
  g_autoptr (DsStreamingContext) first = NULL;
  g_autoptr (DsStreamingContext) second = NULL;

  options->clock = DS_CLOCK (clock);
  g_mkdir (options->folder, 0700);
  first = begin (options, error);
  if (first == NULL || !play (first, clock, 1, "to be or not to be\n", error) ||
      !play (first, clock, 2, "to do\n", error) ||
      !ds_streaming_context_stop (first, DS_STOP_NOW, error)) /* no last checkpoint */
    return FALSE;

  second = begin (options, error);
  return second != NULL && play (second, clock, 3, "to be do\n", error) &&
         ds_streaming_context_stop (second, DS_STOP_NOW, error);
}

int
main (int argc, char *argv[])
{
  g_autoptr (GError) error = NULL;
  Options options = { .interval = 1 * DS_SECOND, .folder = "inbox" };
  int interval = 1000;
  guint64 port = 0;
  const GOptionEntry entries[] = {
    { "interval", 'i', 0, G_OPTION_ARG_INT, &interval, "Batch interval in ms [1000]",
      "MS" },
    { NULL, 0, 0, 0, NULL, NULL, NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("[HOST PORT | FOLDER]");

  setlocale (LC_CTYPE, ""); /* or g_print () writes ? for letters beyond ASCII */
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error) || argc > 3 ||
      interval <= 0 ||
      (argc == 3 &&
       !g_ascii_string_to_unsigned (argv[2], 10, 1, G_MAXUINT16, &port, &error)))
    {
      g_printerr ("recoverable-network-word-count: %s\n",
                  error != NULL ? error->message : "see --help");
      return 2;
    }

  options.interval = interval * DS_MILLISECOND;
  if (argc == 3)
    options.host = argv[1];
  options.port = (guint16) port;
  if (argc == 2)
    options.folder = argv[1];
  if (!(argc == 1 ? play_sample (&options, &error) : run (&options, &error)))
    {
      g_printerr ("recoverable-network-word-count: %s\n", error->message);
      return 1;
    }
  return 0;
}
