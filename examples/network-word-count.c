/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Counts the words of a text server, batch by batch, and prints the counts of each batch.
 *
 *   ds-serve --port 9999 --rate 1000 --loop FILE &
 *   network-word-count localhost 9999
 *
 * Ends at Ctrl-C: what was received is still counted, then it says how much that was. */

#include <dstream/dstream.h>

/* What the program is about; the rest of this file is its command line. */
static gboolean
count_words (const char *master,
             const char *host,
             guint16 port,
             DsDuration batch_interval,
             guint n_printed,
             GError **error)
{
  g_autoptr (DsStreamingContext) ssc =
      ds_streaming_context_new (master, "NetworkWordCount", batch_interval);
  g_autofree char *report = NULL;

  DsDStream *lines = ds_streaming_context_socket_text_stream (ssc, host, port);
  DsDStream *words = ds_dstream_flat_map (lines, ds_split_words, NULL, NULL);
  DsDStream *counts = ds_dstream_count_by_value (words);
  ds_dstream_print (counts, n_printed);

  ds_streaming_context_stop_on_signals (ssc);
  if (!ds_streaming_context_start (ssc, error) ||
      !ds_streaming_context_await_termination (ssc, error))
    return FALSE;

  report = ds_streaming_context_get_stop_report (ssc);
  g_print ("%s\n", report);
  return TRUE;
}

int
main (int argc, char *argv[])
{
  g_autoptr (GError) error = NULL;
  g_autofree char *master = NULL;
  double interval = 1.0;
  int n_printed = 10;
  guint64 port = 9999;
  const GOptionEntry entries[] = {
    { "interval", 'i', 0, G_OPTION_ARG_DOUBLE, &interval,
      "Batch interval in seconds, whole milliseconds [1]", "S" },
    { "print", 'n', 0, G_OPTION_ARG_INT, &n_printed,
      "How many counts of each batch to print [10]", "N" },
    { "master", 'm', 0, G_OPTION_ARG_STRING, &master,
      "local, local[N] or local[*]: one, N or all processors [local[*]]", "MASTER" },
    { NULL, 0, 0, 0, NULL, NULL, NULL },
  };
  g_autoptr (GOptionContext) options = g_option_context_new ("[HOST [PORT]]");

  g_option_context_set_summary (
      options,
      "Counts the words of the lines that a text server sends (localhost 9999),\n"
      "and prints the counts of each batch.  Ctrl-C stops it.");
  g_option_context_add_main_entries (options, entries, NULL);
  if (g_option_context_parse (options, &argc, &argv, &error) && argc > 2)
    g_ascii_string_to_unsigned (argv[2], 10, 1, G_MAXUINT16, &port, &error);
  if (error == NULL && (argc > 3 || n_printed < 0 || !(interval > 0)))
    g_set_error_literal (&error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                         "expected at most a host and a port, --print of 0 or more and "
                         "--interval of more than 0");
  if (error != NULL)
    {
      g_printerr ("network-word-count: %s\nTry --help.\n", error->message);
      return 2;
    }

  if (!count_words (master != NULL ? master : "local[*]",
                    argc > 1 ? argv[1] : "localhost", (guint16) port,
                    ds_seconds (interval), (guint) n_printed, &error))
    {
      g_printerr ("network-word-count: %s\n", error->message);
      return 1;
    }
  return 0;
}
