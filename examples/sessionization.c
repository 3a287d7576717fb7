/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Makes sessions of clicks: all clicks of a user with no more than three seconds between
 * them.  The session is the state of its user; when it times out it is over, and printed.
 *
 *   $ sessionization
 *   7000 ms: bob: 3 clicks from 1000 ms to 3000 ms: /, /tea, /pay
 *   8000 ms: ann: 2 clicks from 1000 ms to 4000 ms: /, /about
 *   10000 ms: cho: 1 clicks from 6000 ms to 6000 ms: /tea */

#include <dstream/dstream.h>
#include <locale.h>

#define N_BATCHES 10
#define GAP (3 * DS_SECOND)

/* What each batch of a second brings: "user path". */
static const char *const sample[N_BATCHES][3] = {
  { "ann /", "bob /", NULL },
  { "bob /tea", NULL },
  { "bob /pay", NULL },
  { "ann /about", NULL },
  { NULL },
  { "cho /tea", NULL },
  { NULL },
  { NULL },
  { "bob /", NULL },
  { NULL },
};

static DsValue
split_click (DsValue line, DsTask *task, gpointer user_data)
{
  return ds_pair (task, ds_value_get_field (line, ' ', 0),
                  ds_value_get_field (line, ' ', 1));
}

/* The state of a user: (time of the first click, number of clicks, paths). */
static void
follow_user (DsValue user, DsValue path, DsState *state, DsTask *task, gpointer user_data)
{
  gint64 now = ds_task_get_batch_time (task) / DS_MILLISECOND;
  DsValue session = ds_state_get_or (state, ds_value_null ());

  if (ds_state_is_timing_out (state))
    {
      g_autofree char *name = ds_value_dup_string (user);
      g_autofree char *paths = ds_value_dup_string (ds_value_get_item (session, 2));

      ds_task_emit (task,
                    ds_string_printf (task,
                                      "%" G_GINT64_FORMAT " ms: %s: %" G_GINT64_FORMAT
                                      " clicks from %" G_GINT64_FORMAT
                                      " ms to %" G_GINT64_FORMAT " ms: %s",
                                      now, name,
                                      ds_value_get_int (ds_value_get_item (session, 1)),
                                      ds_value_get_int (ds_value_get_item (session, 0)),
                                      ds_state_get_updated_at (state) / DS_MILLISECOND,
                                      paths));
    }
  else if (ds_state_exists (state))
    {
      gint64 n_clicks = ds_value_get_int (ds_value_get_item (session, 1));
      g_autofree char *before = ds_value_dup_string (ds_value_get_item (session, 2));
      g_autofree char *added = ds_value_dup_string (path);

      ds_state_update (state,
                       ds_tuple (task, ds_value_get_item (session, 0),
                                 ds_value_int (n_clicks + 1),
                                 ds_string_printf (task, "%s, %s", before, added)));
    }
  else
    ds_state_update (state, ds_tuple (task, ds_value_int (now), ds_value_int (1), path));
}

static gboolean
print_sessions (DsRdd *sessions, DsBatch *batch, gpointer user_data, GError **error)
{
  g_autoptr (DsBlock) block = ds_rdd_collect (sessions, error);

  if (block == NULL)
    return FALSE;
  for (gsize i = 0; i < ds_block_get_length (block); i++)
    {
      g_autofree char *text = ds_value_to_string (ds_block_get (block, i));

      g_print ("%s\n", text);
    }
  return TRUE;
}

static gboolean
run (DsStreamingContext *ssc, GError **error)
{
  g_autoptr (DsManualClock) clock = ds_manual_clock_new (0);
  DsDStream *lines = ds_streaming_context_queue_stream (ssc);
  DsDStream *clicks = ds_dstream_map (lines, split_click, NULL, NULL);
  DsDStream *sessions = ds_dstream_map_with_state (clicks, follow_user, NULL, NULL);

  ds_dstream_set_state_timeout (sessions, GAP);
  ds_dstream_foreach_rdd (sessions, print_sessions, NULL, NULL);
  for (int i = 0; i < N_BATCHES; i++)
    {
      g_autoptr (DsBlock) block = ds_block_new_from_strv (sample[i]);

      ds_dstream_push_block (lines, block);
    }

  ds_streaming_context_set_clock (ssc, DS_CLOCK (clock));
  ds_streaming_context_checkpoint (ssc, "checkpoints"); /* streams with state need one */
  ds_streaming_context_allow_fresh_start (ssc);         /* each run begins anew */
  if (!ds_streaming_context_start (ssc, error))
    return FALSE;
  ds_manual_clock_advance (clock, N_BATCHES * DS_SECOND);
  return ds_streaming_context_await_batch (ssc, N_BATCHES * DS_SECOND, error) &&
         ds_streaming_context_stop (ssc, DS_STOP_NOW, error);
}

int
main (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DsStreamingContext) ssc =
      ds_streaming_context_new ("local[2]", "Sessionization", 1 * DS_SECOND);

  setlocale (LC_CTYPE, ""); /* or g_print () writes ? for letters beyond ASCII */
  if (!run (ssc, &error))
    {
      g_printerr ("sessionization: %s\n", error->message);
      return 1;
    }
  return 0;
}
