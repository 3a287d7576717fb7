/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A stop from inside every kind of callback returns at once, the context ends, and what
 * was received before a graceful one is processed. */

#include "tests/behaviour/callbacks.h"

typedef struct
{
  const CallbackKind *kind;
  DsStopFlags flags;
} Case;

typedef struct
{
  DsStopFlags flags;
  int n_asked;
} Stopper;

/* Waiting inside the stream would never end, and is refused instead. */
static void
check_that_waiting_is_refused (DsStreamingContext *ssc)
{
  g_autoptr (GError) await_error = NULL;
  g_autoptr (GError) timeout_error = NULL;
  g_autoptr (GError) batch_error = NULL;

  g_assert_false (ds_streaming_context_await_termination (ssc, &await_error));
  g_assert_error (await_error, DS_ERROR, DS_ERROR_INVALID_STATE);
  g_assert_false (
      ds_streaming_context_await_termination_or_timeout (ssc, DS_HOUR, &timeout_error));
  g_assert_error (timeout_error, DS_ERROR, DS_ERROR_INVALID_STATE);
  g_assert_false (ds_streaming_context_await_batch (ssc, DS_HOUR, &batch_error));
  g_assert_error (batch_error, DS_ERROR, DS_ERROR_INVALID_STATE);
}

static gboolean
stop_once (CallbackVisit *visit, gpointer user_data)
{
  CallbackSite *site = visit->site;
  Stopper *stopper = user_data;
  g_autoptr (GError) error = NULL;

  if (g_atomic_int_add (&stopper->n_asked, 1) > 0)
    return TRUE;
  g_assert_true (ds_streaming_context_stop (site->ssc, stopper->flags, &error));
  g_assert_no_error (error);
  if (site->kind->place != CALLBACK_ELSEWHERE)
    check_that_waiting_is_refused (site->ssc);
  return TRUE;
}

/* What a store function said TRUE to has come out. */
static void
check_that_all_stored_came_out (CallbackSite *site)
{
  gint64 n_collected = 0;

  for (DsTime time = DS_SECOND; time <= 20 * DS_SECOND; time += DS_SECOND)
    {
      DsBlock *block = ds_output_get_block (site->collected, time);

      n_collected += block != NULL ? (gint64) ds_block_get_length (block) : 0;
    }
  g_assert_cmpint (gate_get (&site->stored), >, 0);
  g_assert_cmpint (n_collected, ==, gate_get (&site->stored));
}

static void
test_stop (gconstpointer data)
{
  const Case *test = data;
  Stopper stopper = { test->flags, 0 };
  CallbackSite site;
  g_autoptr (GError) error = NULL;

  if (g_str_equal (test->kind->name, "destroy-of-a-late-stream"))
    g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_WARNING,
                           "map: adding *after the start*");
  callback_site_set_up (&site, test->kind, stop_once, &stopper);
  callback_site_run (&site, &error);
  g_test_assert_expected_messages ();
  g_assert_no_error (error);
  ds_streaming_context_await_termination (site.ssc, &error);
  g_assert_no_error (error);

  g_assert_cmpint (ds_streaming_context_get_state (site.ssc), ==, DS_STREAMING_STOPPED);
  g_assert_cmpint (g_atomic_int_get (&stopper.n_asked), >, 0);
  if (test->flags & DS_STOP_GRACEFULLY)
    g_assert_cmpint (ds_streaming_context_get_n_processed (site.ssc), ==,
                     ds_streaming_context_get_n_received (site.ssc));
  if ((test->flags & DS_STOP_GRACEFULLY) &&
      g_str_has_prefix (test->kind->name, "receiver") &&
      test->kind->place != CALLBACK_LISTENER)
    check_that_all_stored_came_out (&site);
  callback_site_tear_down (&site);
}

static void
add_case (const CallbackKind *kind, DsStopFlags flags, const char *how)
{
  g_autofree char *path = g_strdup_printf ("/behaviour/stop-%s-in/%s", how, kind->name);
  Case *test = g_new (Case, 1);

  *test = (Case){ kind, flags };
  g_test_add_data_func_full (path, test, test_stop, g_free);
}

int
main (int argc, char *argv[])
{
  const CallbackKind *kinds;
  guint n_kinds;

  g_test_init (&argc, &argv, NULL);
  kinds = callback_kinds_get (&n_kinds);
  for (guint i = 0; i < n_kinds; i++)
    {
      /* There is no context yet, or not any more. */
      if (g_str_equal (kinds[i].name, "set-up") ||
          g_str_equal (kinds[i].name, "destroy-of-a-stream"))
        continue;
      add_case (&kinds[i], DS_STOP_NOW, "now");
      add_case (&kinds[i], DS_STOP_GRACEFULLY, "gracefully");
    }
  return g_test_run ();
}
