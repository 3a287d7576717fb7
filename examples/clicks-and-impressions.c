/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Two streams joined: each click with the impression that it belongs to, of the same
 * batch or the one before.  So the clicks of a batch meet a window over the impressions;
 * the outer join also keeps the clicks that come too late.
 *
 *   $ clicks-and-impressions
 *   -------------------------------------------
 *   Time: 1000 ms
 *   -------------------------------------------
 *   ann clicked on /news
 *
 *   -------------------------------------------
 *   Time: 2000 ms
 *   -------------------------------------------
 *   bob clicked on /weather
 *   cleo clicked on /news
 *
 *   -------------------------------------------
 *   Time: 3000 ms
 *   -------------------------------------------
 *   dora clicked too late
 *   eve clicked on /weather
 *
 * With two servers, for lines "number page" and "number user", it goes on until Ctrl-C:
 *
 *   ds-serve --port 9998 IMPRESSIONS & ds-serve --port 9999 CLICKS &
 *   clicks-and-impressions 9998 9999 */

#include <dstream/dstream.h>

#define N_BATCHES 3

/* What each batch of the sample brings. */
static const char *const sample_impressions[N_BATCHES][4] = {
  { "1 /news", "2 /news", "3 /weather", NULL },
  { "4 /weather", "5 /news", NULL },
  { "6 /weather", NULL },
};
static const char *const sample_clicks[N_BATCHES][4] = {
  { "2 ann", NULL },
  { "3 bob", "5 cleo", NULL },
  { "1 dora", "6 eve", NULL },
};

/* "2 /news" becomes the pair (2,/news). */
static DsValue
by_number (DsValue line, DsTask *task, gpointer user_data)
{
  DsValue number = ds_value_parse_int (ds_value_get_field (line, ' ', 0));

  if (ds_value_is_null (number))
    return ds_task_fail (task, "expected a number, a space, and a page or user");
  return ds_pair (task, number, ds_value_get_field (line, ' ', 1));
}

/* (number,(user,page)), the page null when there is no such impression. */
static DsValue
describe (DsValue clicked, DsTask *task, gpointer user_data)
{
  DsValue user_and_page = ds_pair_value (clicked);
  const char *user = ds_task_strdup (task, ds_value_get_item (user_and_page, 0));
  DsValue page = ds_value_get_item (user_and_page, 1);

  if (ds_value_is_null (page))
    return ds_string_printf (task, "%s clicked too late", user);
  return ds_string_printf (task, "%s clicked on %s", user, ds_task_strdup (task, page));
}

static void
join_clicks (DsDStream *impression_lines, DsDStream *click_lines)
{
  DsDStream *impressions = ds_dstream_map (impression_lines, by_number, NULL, NULL);
  DsDStream *recent = ds_dstream_window (impressions, 2 * DS_SECOND, 0);
  DsDStream *clicks = ds_dstream_map (click_lines, by_number, NULL, NULL);
  DsDStream *clicked = ds_dstream_left_outer_join (clicks, recent);

  ds_dstream_print (ds_dstream_map (clicked, describe, NULL, NULL), 10);
}

static void
push_lines (DsDStream *stream, const char *const *lines)
{
  g_autoptr (DsBlock) block = ds_block_new_from_strv (lines);

  ds_dstream_push_block (stream, block);
}

static gboolean
play_sample (DsStreamingContext *ssc, GError **error)
{
  g_autoptr (DsManualClock) clock = ds_manual_clock_new (0);
  DsDStream *impression_lines = ds_streaming_context_queue_stream (ssc);
  DsDStream *click_lines = ds_streaming_context_queue_stream (ssc);

  join_clicks (impression_lines, click_lines);
  for (int i = 0; i < N_BATCHES; i++)
    {
      push_lines (impression_lines, sample_impressions[i]);
      push_lines (click_lines, sample_clicks[i]);
    }

  ds_streaming_context_set_clock (ssc, DS_CLOCK (clock));
  if (!ds_streaming_context_start (ssc, error))
    return FALSE;
  ds_manual_clock_advance (clock, N_BATCHES * DS_SECOND);
  return ds_streaming_context_await_batch (ssc, N_BATCHES * DS_SECOND, error) &&
         ds_streaming_context_stop (ssc, DS_STOP_NOW, error);
}

static gboolean
follow_servers (DsStreamingContext *ssc, guint16 port, guint16 click_port, GError **error)
{
  join_clicks (ds_streaming_context_socket_text_stream (ssc, "localhost", port),
               ds_streaming_context_socket_text_stream (ssc, "localhost", click_port));
  ds_streaming_context_stop_on_signals (ssc);
  return ds_streaming_context_start (ssc, error) &&
         ds_streaming_context_await_termination (ssc, error);
}

int
main (int argc, char *argv[])
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DsStreamingContext) ssc =
      ds_streaming_context_new ("local[2]", "ClicksAndImpressions", 1 * DS_SECOND);
  guint64 ports[2] = { 0, 0 };

  for (int i = 1; error == NULL && i < MIN (argc, 3); i++)
    g_ascii_string_to_unsigned (argv[i], 10, 1, G_MAXUINT16, &ports[i - 1], &error);
  if (error != NULL || (argc != 1 && argc != 3))
    {
      g_printerr ("Usage: clicks-and-impressions [IMPRESSIONS_PORT CLICKS_PORT]\n");
      return 2;
    }

  if (!(argc == 1 ? play_sample (ssc, &error)
                  : follow_servers (ssc, (guint16) ports[0], (guint16) ports[1], &error)))
    {
      g_printerr ("clicks-and-impressions: %s\n", error->message);
      return 1;
    }
  return 0;
}
