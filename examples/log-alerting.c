/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Watches the log lines of several services and speaks up when one of them has had more
 * than three errors within the last three seconds.
 *
 *   $ log-alerting
 *   3000 ms: too many errors: (pay,4)
 *   4000 ms: too many errors: (pay,4)
 *
 * With a server of lines "service LEVEL message" it goes on until Ctrl-C:
 *
 *   ds-serve --port 9999 LOGS & log-alerting localhost 9999 */

#include <dstream/dstream.h>
#include <locale.h>

#define N_BATCHES 5
#define WINDOW (3 * DS_SECOND)
#define MAX_ERRORS 3

/* What each batch of the sample brings. */
static const char *const sample[N_BATCHES][5] = {
  { "shop INFO started", "pay ERROR no route", "mail ERROR mailbox full", NULL },
  { "pay ERROR no route", "pay ERROR no route", NULL },
  { "shop ERROR out of tea", "pay ERROR no route", "pay WARN slow", NULL },
  { "shop INFO tea is back", "pay ERROR timed out", NULL },
  { NULL },
};

static DsValue
get_service (DsValue line, DsTask *task, gpointer user_data)
{
  return ds_value_get_field (line, ' ', 0);
}

static gboolean
is_error (DsValue line, DsTask *task, gpointer user_data)
{
  return ds_value_equals_string (ds_value_get_field (line, ' ', 1), "ERROR");
}

static gboolean
is_too_many (DsValue service_and_count, DsTask *task, gpointer user_data)
{
  return ds_value_get_int (ds_pair_value (service_and_count)) > MAX_ERRORS;
}

/* Once a batch; mostly there is nothing to say. */
static gboolean
alert (DsRdd *services, DsBatch *batch, gpointer user_data, GError **error)
{
  g_autoptr (DsBlock) block = ds_rdd_collect (services, error);

  if (block == NULL)
    return FALSE;
  for (gsize i = 0; i < ds_block_get_length (block); i++)
    {
      g_autofree char *text = ds_value_to_string (ds_block_get (block, i));

      g_print ("%" G_GINT64_FORMAT " ms: too many errors: %s\n",
               ds_batch_get_time (batch) / DS_MILLISECOND, text);
    }
  return TRUE;
}

static void
watch (DsDStream *lines)
{
  DsDStream *errors = ds_dstream_filter (lines, is_error, NULL, NULL);
  DsDStream *services = ds_dstream_map (errors, get_service, NULL, NULL);
  DsDStream *counts = ds_dstream_count_by_value_and_window (services, WINDOW, 0);
  DsDStream *bad = ds_dstream_filter (counts, is_too_many, NULL, NULL);

  ds_dstream_foreach_rdd (bad, alert, NULL, NULL);
}

static gboolean
play_sample (DsStreamingContext *ssc, GError **error)
{
  g_autoptr (DsManualClock) clock = ds_manual_clock_new (0);
  DsDStream *lines = ds_streaming_context_queue_stream (ssc);

  watch (lines);
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
         ds_streaming_context_stop (ssc, DS_STOP_NOW, error);
}

static gboolean
follow_server (DsStreamingContext *ssc, const char *host, guint16 port, GError **error)
{
  watch (ds_streaming_context_socket_text_stream (ssc, host, port));
  ds_streaming_context_stop_on_signals (ssc);
  return ds_streaming_context_start (ssc, error) &&
         ds_streaming_context_await_termination (ssc, error);
}

int
main (int argc, char *argv[])
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DsStreamingContext) ssc =
      ds_streaming_context_new ("local[2]", "LogAlerting", 1 * DS_SECOND);
  guint64 port = 0;

  setlocale (LC_CTYPE, ""); /* or g_print () writes ? for letters beyond ASCII */
  if ((argc != 1 && argc != 3) ||
      (argc == 3 &&
       !g_ascii_string_to_unsigned (argv[2], 10, 1, G_MAXUINT16, &port, NULL)))
    {
      g_printerr ("Usage: log-alerting [HOST PORT]\n");
      return 2;
    }

  if (!(argc == 1 ? play_sample (ssc, &error)
                  : follow_server (ssc, argv[1], (guint16) port, &error)))
    {
      g_printerr ("log-alerting: %s\n", error->message);
      return 1;
    }
  return 0;
}
