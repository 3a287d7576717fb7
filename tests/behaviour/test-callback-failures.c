/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What comes of a callback that fails in the third of four batches, for each kind of
 * callback that can fail and under each failure policy. */

#include "tests/behaviour/callbacks.h"

#define N_BATCHES 4
#define BAD_TIME (3 * DS_SECOND)
#define N_RETRIES 2

typedef struct
{
  const CallbackKind *kind;
  DsFailurePolicy policy;
  gboolean is_for_good; /* it fails again when it is tried again */
} Case;

typedef struct
{
  gboolean is_for_good;
  int n_failures;
  GString *witnessed; /* the batches in which another output ran */
} Breaker;

static gboolean
fail_in_bad_batch (CallbackVisit *visit, gpointer user_data)
{
  Breaker *breaker = user_data;

  if (visit->batch_time != BAD_TIME)
    return TRUE;
  return g_atomic_int_add (&breaker->n_failures, 1) > 0 && !breaker->is_for_good;
}

static gboolean
witness (DsRdd *rdd, DsBatch *batch, gpointer user_data, GError **error)
{
  Breaker *breaker = user_data;

  g_string_append_printf (breaker->witnessed, "%d ",
                          (int) (ds_batch_get_time (batch) / DS_SECOND));
  return TRUE;
}

/* Where a batch fails before any of its outputs runs. */
static gboolean
fails_in_generation (const CallbackKind *kind)
{
  return kind->place == CALLBACK_DRIVER && !g_str_equal (kind->name, "foreach-rdd");
}

static char *
list_collected (DsOutput *output)
{
  GString *text = g_string_new (NULL);

  for (guint i = 1; i <= N_BATCHES; i++)
    if (ds_output_get_block (output, i * DS_SECOND) != NULL)
      g_string_append_printf (text, "%u ", i);
  return g_string_free (text, FALSE);
}

static void
check_batches (CallbackSite *site, Breaker *breaker, const char *good, const char *ran)
{
  g_assert_cmpstr (breaker->witnessed->str, ==,
                   fails_in_generation (site->kind) ? good : ran);
  if (site->collected != NULL)
    {
      g_autofree char *collected = list_collected (site->collected);

      g_assert_cmpstr (collected, ==, good);
    }
}

static void
check_error (CallbackSite *site, const GError *error)
{
  g_autofree char *luck = g_strdup_printf ("bad luck in %s", site->kind->name);

  g_assert_error (error, DS_ERROR, DS_ERROR_USER_FUNCTION);
  g_assert_nonnull (strstr (error->message, luck));
  g_assert_nonnull (strstr (error->message, "batch 3000 ms"));
}

/* What the fourth batch gives.  Windows look back over a batch that was passed over,
 * which is in them all the same; state never saw it. */
static const struct
{
  const char *name;
  const char *result;
  const char *result_without_third; /* (nullable): the same */
} results[] = {
  { "reduce-by-key", "(a,4)\n(b,2)\n", NULL },
  { "reduce-by-key-and-window", "(a,8)\n(b,4)\n", NULL },
  { "window-inverse", "(a,8)\n(b,4)\n", NULL },
  { "window-filter", "(a,8)\n(b,4)\n", NULL },
  { "key-by", "((a,1),(a,1))\n((b,2),(b,2))\n((a,3),(a,3))\n", NULL },
  { "combine-create", "(a,4)\n(b,2)\n", NULL },
  { "combine-merge", "(a,4)\n(b,2)\n", NULL },
  { "reduce", "6\n", NULL },
  { "reduce-by-window", "12\n", NULL },
  { "combine-by-key-and-window", "(a,8)\n(b,4)\n", NULL },
  { "sort-by", "(a,1)\n(a,3)\n(b,2)\n", NULL },
  { "group-by", "((a,1),[(a,1)])\n((a,3),[(a,3)])\n((b,2),[(b,2)])\n", NULL },
  { "fold-by-key", "(a,4)\n(b,2)\n", NULL },
  { "aggregate-by-key", "(a,4)\n(b,2)\n", NULL },
  { "state-timeout", "", NULL },
  { "map-with-state-blocks", "", NULL },
  { "update-state-by-key", "(a,8)\n(b,4)\n", "(a,6)\n(b,3)\n" },
  { "update-state-by-partition", "(a,2)\n(b,1)\n", NULL },
  { "input-compute", "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n", NULL },
};

static void
check_last_result (CallbackSite *site, gboolean is_without_third)
{
  const char *expected = "(a,1)\n(b,2)\n(a,3)\n";
  g_autofree char *found = NULL;

  if (site->collected == NULL)
    return;
  for (gsize i = 0; i < G_N_ELEMENTS (results); i++)
    if (g_str_equal (results[i].name, site->kind->name))
      expected = is_without_third && results[i].result_without_third != NULL
                     ? results[i].result_without_third
                     : results[i].result;
  found =
      ds_block_to_string (ds_output_get_block (site->collected, N_BATCHES * DS_SECOND));
  g_assert_cmpstr (found, ==, expected);
}

/* Nothing comes after the batch that failed. */
static void
check_that_it_stopped (CallbackSite *site, Breaker *breaker)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) batch_error = NULL;
  g_autofree char *report = NULL;

  g_assert_false (ds_streaming_context_await_termination (site->ssc, &error));
  check_error (site, error);
  g_assert_false (
      ds_streaming_context_await_batch (site->ssc, N_BATCHES * DS_SECOND, &batch_error));
  check_error (site, batch_error);
  g_assert_cmpint (ds_streaming_context_get_state (site->ssc), ==, DS_STREAMING_STOPPED);
  check_batches (site, breaker, "1 2 ", "1 2 3 ");
  report = ds_streaming_context_get_stop_report (site->ssc);
  g_assert_nonnull (strstr (report, "in batches 3000"));
}

/* Only that batch is missing, and whoever waits for the end learns of it at once. */
static void
check_that_it_went_on (CallbackSite *site, Breaker *breaker)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) batch_error = NULL;
  g_autofree char *report = NULL;

  ds_streaming_context_await_batch (site->ssc, N_BATCHES * DS_SECOND, &batch_error);
  g_assert_no_error (batch_error);
  g_assert_false (ds_streaming_context_await_termination (site->ssc, &error));
  check_error (site, error);
  g_assert_cmpint (ds_streaming_context_get_state (site->ssc), ==, DS_STREAMING_ACTIVE);
  check_batches (site, breaker, "1 2 4 ", "1 2 3 4 ");
  check_last_result (site, TRUE);
  report = ds_streaming_context_get_stop_report (site->ssc);
  g_assert_nonnull (strstr (report, "(in batches 3000 ms)"));
}

/* As if it had never failed. */
static void
check_that_it_came_right (CallbackSite *site, Breaker *breaker)
{
  g_autoptr (GError) error = NULL;

  ds_streaming_context_await_batch (site->ssc, N_BATCHES * DS_SECOND, &error);
  g_assert_no_error (error);
  check_batches (site, breaker, "1 2 3 4 ", "1 2 3 4 ");
  check_last_result (site, FALSE);
  g_assert_cmpint (ds_streaming_context_get_n_processed (site->ssc), ==,
                   ds_streaming_context_get_n_received (site->ssc));
  ds_streaming_context_stop (site->ssc, DS_STOP_NOW, &error);
  g_assert_no_error (error);
  ds_streaming_context_await_termination (site->ssc, &error);
  g_assert_no_error (error);
}

static void
test_failure (gconstpointer data)
{
  const Case *test = data;
  Breaker breaker = { test->is_for_good, 0, g_string_new (NULL) };
  CallbackSite site;
  g_autoptr (GError) error = NULL;

  callback_site_set_up (&site, test->kind, fail_in_bad_batch, &breaker);
  ds_dstream_foreach_rdd (site.pairs, witness, &breaker, NULL);
  /* A task that fails is not tried again: that would come before any policy. */
  g_object_set (site.engine, "max-task-failures", 1u, NULL);
  g_object_set (site.ssc, "failure-policy", test->policy, "max-batch-retries",
                (guint) N_RETRIES, NULL);
  ds_streaming_context_start (site.ssc, &error);
  g_assert_no_error (error);
  ds_manual_clock_advance (site.clock, N_BATCHES * DS_SECOND);

  if (test->policy == DS_FAILURE_POLICY_CONTINUE)
    check_that_it_went_on (&site, &breaker);
  else if (test->policy == DS_FAILURE_POLICY_RETRY && !test->is_for_good)
    check_that_it_came_right (&site, &breaker);
  else
    check_that_it_stopped (&site, &breaker);
  g_assert_cmpint (breaker.n_failures, >, 0);
  if (test->kind->place == CALLBACK_DRIVER && test->is_for_good)
    g_assert_cmpint (breaker.n_failures, ==,
                     test->policy == DS_FAILURE_POLICY_RETRY ? 1 + N_RETRIES : 1);
  if (ds_streaming_context_get_state (site.ssc) == DS_STREAMING_ACTIVE)
    ds_streaming_context_stop (site.ssc, DS_STOP_NOW, NULL);
  callback_site_tear_down (&site);
  g_string_free (breaker.witnessed, TRUE);
}

/* ---- Sources, which no failure policy is about ---- */

static gboolean
fail_first_time (CallbackVisit *visit, gpointer user_data)
{
  Breaker *breaker = user_data;

  return g_atomic_int_add (&breaker->n_failures, 1) > 0;
}

static void
test_receiver (gconstpointer data)
{
  const Case *test = data;
  Breaker breaker = { FALSE, 0, NULL };
  CallbackSite site;
  DsTime time = 0;
  g_autoptr (GError) error = NULL;

  callback_site_set_up (&site, test->kind, fail_first_time, &breaker);
  /* The pause is one of real time. */
  g_object_set (site.ssc, "failure-policy", test->policy, "receiver-restart-delay",
                DS_MILLISECOND, NULL);
  ds_streaming_context_start (site.ssc, &error);
  g_assert_no_error (error);
  /* It is started again after a pause of some batches, none of which fails. */
  while (gate_get (&site.visits) < 2)
    {
      ds_manual_clock_advance (site.clock, DS_SECOND);
      time += DS_SECOND;
      ds_streaming_context_await_batch (site.ssc, time, &error);
      g_assert_no_error (error);
    }
  ds_streaming_context_stop (site.ssc, DS_STOP_GRACEFULLY, &error);
  g_assert_no_error (error);
  ds_streaming_context_await_termination (site.ssc, &error);
  g_assert_no_error (error);
  g_assert_cmpint (ds_streaming_context_get_n_processed (site.ssc), ==,
                   ds_streaming_context_get_n_received (site.ssc));
  g_assert_cmpint (ds_streaming_context_get_n_received (site.ssc), >=,
                   gate_get (&site.stored));
  callback_site_tear_down (&site);
}

static void
test_input_start (gconstpointer data)
{
  const Case *test = data;
  Breaker breaker = { FALSE, 0, NULL };
  CallbackSite site;
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) batch_error = NULL;

  callback_site_set_up (&site, test->kind, fail_first_time, &breaker);
  g_object_set (site.ssc, "failure-policy", test->policy, NULL);
  g_assert_false (ds_streaming_context_start (site.ssc, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_USER_FUNCTION);
  g_assert_nonnull (strstr (error->message, "bad luck in input-start"));
  g_assert_cmpint (ds_streaming_context_get_state (site.ssc), ==, DS_STREAMING_STOPPED);
  ds_manual_clock_advance (site.clock, DS_SECOND);
  g_assert_false (ds_streaming_context_await_batch (site.ssc, DS_SECOND, &batch_error));
  g_assert_null (ds_output_get_block (site.collected, DS_SECOND));
  callback_site_tear_down (&site);
}

static void
add_source_case (const CallbackKind *kind, DsFailurePolicy policy)
{
  static const char *const names[] = { "stop", "retry", "continue" };
  g_autofree char *path =
      g_strdup_printf ("/behaviour/failure-of-source-under-policy-%s/%s", names[policy],
                       kind->name);
  Case *test = g_new (Case, 1);

  *test = (Case){ kind, policy, FALSE };
  g_test_add_data_func_full (path, test,
                             g_str_equal (kind->name, "input-start") ? test_input_start
                                                                     : test_receiver,
                             g_free);
}

static void
add_case (const CallbackKind *kind,
          DsFailurePolicy policy,
          gboolean is_for_good,
          const char *what)
{
  g_autofree char *path = g_strdup_printf ("/behaviour/%s/%s", what, kind->name);
  Case *test = g_new (Case, 1);

  *test = (Case){ kind, policy, is_for_good };
  g_test_add_data_func_full (path, test, test_failure, g_free);
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
      if (g_str_equal (kinds[i].name, "receiver-run") ||
          g_str_equal (kinds[i].name, "receiver-start") ||
          g_str_equal (kinds[i].name, "input-start"))
        for (int policy = DS_FAILURE_POLICY_STOP; policy <= DS_FAILURE_POLICY_CONTINUE;
             policy++)
          add_source_case (&kinds[i], (DsFailurePolicy) policy);
      if (kinds[i].place != CALLBACK_DRIVER && kinds[i].place != CALLBACK_TASK)
        continue;
      add_case (&kinds[i], DS_FAILURE_POLICY_STOP, TRUE, "failure-stops");
      add_case (&kinds[i], DS_FAILURE_POLICY_CONTINUE, TRUE, "failure-is-passed-over");
      add_case (&kinds[i], DS_FAILURE_POLICY_RETRY, FALSE, "failure-is-tried-again");
      add_case (&kinds[i], DS_FAILURE_POLICY_RETRY, TRUE, "failure-is-tried-in-vain");
    }
  return g_test_run ();
}
