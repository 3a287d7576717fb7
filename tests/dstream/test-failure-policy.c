/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "dstream/ds-dstream-private.h"
#include "tests/dstream/ds-test-stream.h"

/* An output that fails in batch @bad_time, the first @n_failures times. */
typedef struct
{
  DsTime bad_time;
  guint n_failures;
  guint n_calls;
  guint n_replays;
  GString *done; /* seconds of the batches that went well */
} Body;

static gboolean
run_body (DsRdd *rdd, DsBatch *batch, gpointer user_data, GError **error)
{
  Body *body = user_data;

  body->n_calls++;
  body->n_replays += ds_batch_is_replay (batch);
  if (ds_batch_get_time (batch) == body->bad_time && body->n_failures > 0)
    {
      body->n_failures--;
      g_set_error (error, DS_ERROR, DS_ERROR_FAILED, "bad luck");
      return FALSE;
    }
  g_string_append_printf (body->done, "%d ",
                          (int) (ds_batch_get_time (batch) / DS_SECOND));
  return TRUE;
}

typedef struct
{
  DsTestStream test;
  DsDStream *stream;
  Body body;
} Fixture;

static void
set_up (Fixture *fixture, DsFailurePolicy policy, guint n_failures)
{
  ds_test_stream_set_up (&fixture->test, "local");
  g_object_set (fixture->test.ssc, "failure-policy", policy, "max-batch-retries", 2u,
                NULL);
  fixture->stream = ds_streaming_context_queue_stream (fixture->test.ssc);
  fixture->body = (Body){ 2 * DS_SECOND, n_failures, 0, 0, g_string_new (NULL) };
  for (guint i = 0; i < 4; i++)
    ds_test_stream_push (fixture->stream, "x", NULL);
}

static void
tear_down (Fixture *fixture)
{
  ds_test_stream_tear_down (&fixture->test);
  g_string_free (fixture->body.done, TRUE);
}

static void
test_stop_is_logged (void)
{
  Fixture fixture;

  g_test_summary ("Policy stop says why it stops, also when nobody waits for the end");

  set_up (&fixture, DS_FAILURE_POLICY_STOP, G_MAXUINT);
  ds_dstream_foreach_rdd (fixture.stream, run_body, &fixture.body, NULL);
  g_test_expect_message ("DStream", G_LOG_LEVEL_MESSAGE,
                         "Output foreach_rdd-0 of batch 2000 ms: bad luck; the streaming "
                         "context stops");
  ds_test_stream_start (&fixture.test);
  ds_manual_clock_advance (fixture.test.clock, 4 * DS_SECOND);
  while (ds_streaming_context_get_state (fixture.test.ssc) != DS_STREAMING_STOPPED)
    g_thread_yield ();
  g_test_assert_expected_messages ();

  g_test_expect_message ("DStream", G_LOG_LEVEL_WARNING,
                         "*has already been stopped, since this failed: *bad luck");
  g_assert_true (ds_streaming_context_stop (fixture.test.ssc, DS_STOP_GRACEFULLY, NULL));
  g_test_assert_expected_messages ();
  tear_down (&fixture);
}

static void
test_stop_ends_with_the_error (void)
{
  Fixture fixture;
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) batch_error = NULL;
  g_autofree char *report = NULL;

  g_test_summary (
      "Policy stop: no batch comes after the failed one; await has the error");

  set_up (&fixture, DS_FAILURE_POLICY_STOP, G_MAXUINT);
  ds_output_set_name (ds_dstream_foreach_rdd (fixture.stream, run_body, &fixture.body,
                                              NULL),
                      "luck");
  ds_test_stream_start (&fixture.test);
  ds_manual_clock_advance (fixture.test.clock, 4 * DS_SECOND);
  g_assert_false (
      ds_streaming_context_await_batch (fixture.test.ssc, 4 * DS_SECOND, &batch_error));
  g_assert_error (batch_error, DS_ERROR, DS_ERROR_FAILED);
  g_assert_false (ds_streaming_context_await_termination (fixture.test.ssc, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_FAILED);
  g_assert_cmpstr (error->message, ==, "Output luck of batch 2000 ms: bad luck");
  g_assert_cmpint (ds_streaming_context_get_state (fixture.test.ssc), ==,
                   DS_STREAMING_STOPPED);
  g_assert_cmpstr (fixture.body.done->str, ==, "1 ");
  report = ds_streaming_context_get_stop_report (fixture.test.ssc);
  g_assert_true (g_str_has_prefix (report, "received "));
  g_assert_nonnull (strstr (report, "processed 1,"));
  g_assert_nonnull (strstr (report, "in batches 2000"));
  tear_down (&fixture);
}

static void
test_continue_runs_later_batches (void)
{
  Fixture fixture;
  g_autoptr (GError) error = NULL;
  g_autofree char *report = NULL;

  g_test_summary ("Policy continue: later batches run, the failed one stays pending");

  set_up (&fixture, DS_FAILURE_POLICY_CONTINUE, G_MAXUINT);
  ds_dstream_foreach_rdd (fixture.stream, run_body, &fixture.body, NULL);
  ds_test_stream_start (&fixture.test);
  ds_test_stream_run (&fixture.test, 4);
  g_assert_cmpstr (fixture.body.done->str, ==, "1 3 4 ");
  g_assert_false (ds_streaming_context_await_termination (fixture.test.ssc, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_FAILED);
  g_assert_cmpint (ds_streaming_context_get_state (fixture.test.ssc), ==,
                   DS_STREAMING_ACTIVE);
  report = ds_streaming_context_get_stop_report (fixture.test.ssc);
  g_assert_cmpstr (report, ==, "received 4, processed 3, left 1 (in batches 2000 ms)");
  tear_down (&fixture);
}

static void
test_retry_runs_it_again (void)
{
  Fixture fixture;
  Body other = { 0, 0, 0, 0, g_string_new (NULL) };

  g_test_summary ("Policy retry: only what failed runs again, marked as replay");

  set_up (&fixture, DS_FAILURE_POLICY_RETRY, 2);
  ds_dstream_foreach_rdd (fixture.stream, run_body, &other, NULL);
  ds_dstream_foreach_rdd (fixture.stream, run_body, &fixture.body, NULL);
  ds_test_stream_start (&fixture.test);
  ds_test_stream_run (&fixture.test, 3);
  g_assert_cmpstr (fixture.body.done->str, ==, "1 2 3 ");
  g_assert_cmpuint (fixture.body.n_calls, ==, 5);
  g_assert_cmpuint (fixture.body.n_replays, ==, 2);
  g_assert_cmpstr (other.done->str, ==, "1 2 3 ");
  g_assert_cmpuint (other.n_calls, ==, 3);
  g_assert_cmpint (ds_streaming_context_get_n_processed (fixture.test.ssc), ==, 3);
  g_string_free (other.done, TRUE);
  tear_down (&fixture);
}

static void
test_retry_gives_up (void)
{
  Fixture fixture;
  g_autoptr (GError) error = NULL;

  g_test_summary ("Policy retry: after max-batch-retries the context stops");

  set_up (&fixture, DS_FAILURE_POLICY_RETRY, 3);
  ds_dstream_foreach_rdd (fixture.stream, run_body, &fixture.body, NULL);
  ds_test_stream_start (&fixture.test);
  ds_manual_clock_advance (fixture.test.clock, 3 * DS_SECOND);
  g_assert_false (ds_streaming_context_await_termination (fixture.test.ssc, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_FAILED);
  g_assert_cmpstr (fixture.body.done->str, ==, "1 ");
  g_assert_cmpuint (fixture.body.n_calls, ==, 4);
  tear_down (&fixture);
}

static DsRdd *
fail_in_batch_two (DsRdd *rdd, DsBatch *batch, gpointer n_failures, GError **error)
{
  guint *n_left = n_failures;

  if (ds_batch_get_time (batch) != 2 * DS_SECOND || *n_left == 0)
    return g_object_ref (rdd);
  (*n_left)--;
  return NULL; /* and says nothing, as a binding may */
}

static void
run_generation (DsFailurePolicy policy,
                guint n_failures,
                const char *expected,
                gboolean expects_error)
{
  Fixture fixture;
  g_autoptr (GError) error = NULL;

  set_up (&fixture, policy, 0);
  ds_dstream_foreach_rdd (ds_dstream_transform (fixture.stream, fail_in_batch_two,
                                                &n_failures, NULL),
                          run_body, &fixture.body, NULL);
  ds_test_stream_start (&fixture.test);
  ds_manual_clock_advance (fixture.test.clock, 4 * DS_SECOND);
  g_assert_true (ds_streaming_context_await_batch (fixture.test.ssc, DS_SECOND, NULL));
  if (expects_error)
    {
      g_assert_false (ds_streaming_context_await_termination (fixture.test.ssc, &error));
      g_assert_error (error, DS_ERROR, DS_ERROR_USER_FUNCTION);
      g_assert_nonnull (strstr (error->message, "Generating batch 2000 ms: transform"));
      g_assert_nonnull (strstr (error->message, "return an empty RDD instead"));
    }
  if (!expects_error || policy == DS_FAILURE_POLICY_CONTINUE)
    g_assert_true (
        ds_streaming_context_await_batch (fixture.test.ssc, 4 * DS_SECOND, NULL));
  g_assert_cmpstr (fixture.body.done->str, ==, expected);
  tear_down (&fixture);
}

static void
test_generation_fails_alike (void)
{
  g_test_summary ("A batch that cannot be generated is a failed batch");

  run_generation (DS_FAILURE_POLICY_STOP, 1, "1 ", TRUE);
  run_generation (DS_FAILURE_POLICY_CONTINUE, 1, "1 3 4 ", TRUE);
  run_generation (DS_FAILURE_POLICY_RETRY, 2, "1 2 3 4 ", FALSE);
  run_generation (DS_FAILURE_POLICY_RETRY, 3, "1 ", TRUE);
}

static void
test_graceful_stop_tells_of_a_failure (void)
{
  Fixture fixture;
  g_autoptr (GError) error = NULL;

  g_test_summary ("A graceful stop whose last batches fail fails with their error");

  set_up (&fixture, DS_FAILURE_POLICY_STOP, G_MAXUINT);
  ds_dstream_foreach_rdd (fixture.stream, run_body, &fixture.body, NULL);
  ds_test_stream_start (&fixture.test);
  ds_test_stream_run (&fixture.test, 1);
  g_assert_false (
      ds_streaming_context_stop (fixture.test.ssc, DS_STOP_GRACEFULLY, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, "bad luck"));
  g_assert_cmpint (ds_streaming_context_get_state (fixture.test.ssc), ==,
                   DS_STREAMING_STOPPED);
  tear_down (&fixture);
}

static gboolean
fail (DsRdd *rdd, DsBatch *batch, gpointer user_data, GError **error)
{
  g_set_error (error, DS_ERROR, DS_ERROR_FAILED, "never");
  return FALSE;
}

static void
test_continue_remembers_no_failed_batches (void)
{
  Fixture fixture;
  g_autofree char *report = NULL;

  g_test_summary (
      "Policy continue: an output that always fails does not fill the memory");
  set_up (&fixture, DS_FAILURE_POLICY_CONTINUE, 0);
  ds_dstream_foreach_rdd (fixture.stream, fail, NULL, NULL);
  ds_test_stream_start (&fixture.test);
  for (guint i = 0; i < 120; i++)
    {
      ds_test_stream_run (&fixture.test, 1);
      g_assert_cmpuint (ds_dstream_get_n_remembered (fixture.stream), <=, 2);
    }
  report = ds_streaming_context_get_stop_report (fixture.test.ssc);
  g_assert_nonnull (strstr (report, "(in batches 21000, "));
  g_assert_true (g_str_has_suffix (report, ", 120000 ms and 20 before them)"));
  tear_down (&fixture);
}

static gboolean
set_error_and_succeed (DsRdd *rdd, DsBatch *batch, gpointer unused, GError **error)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_BUSY, "the database is busy");
  return TRUE;
}

static void
test_an_error_beside_success_is_a_failure (void)
{
  DsTestStream test;
  g_autoptr (GError) error = NULL;

  g_test_summary ("foreach_rdd: who sets an error has failed, whatever it returns");

  ds_test_stream_set_up (&test, "local");
  ds_dstream_foreach_rdd (ds_streaming_context_queue_stream (test.ssc),
                          set_error_and_succeed, NULL, NULL);
  ds_test_stream_start (&test);
  ds_manual_clock_advance (test.clock, DS_SECOND);
  g_assert_false (ds_streaming_context_await_termination (test.ssc, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_BUSY);
  g_assert_cmpstr (
      error->message, ==,
      "Output foreach_rdd-0 of batch 1000 ms: the function returned TRUE, but "
      "set an error: the database is busy");
  ds_test_stream_tear_down (&test);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dstream/failure-policy/stop-is-logged", test_stop_is_logged);
  g_test_add_func ("/dstream/failure-policy/stop-ends-with-the-error",
                   test_stop_ends_with_the_error);
  g_test_add_func ("/dstream/failure-policy/continue-runs-later-batches",
                   test_continue_runs_later_batches);
  g_test_add_func ("/dstream/failure-policy/retry-runs-it-again",
                   test_retry_runs_it_again);
  g_test_add_func ("/dstream/failure-policy/retry-gives-up", test_retry_gives_up);
  g_test_add_func ("/dstream/failure-policy/generation-fails-alike",
                   test_generation_fails_alike);
  g_test_add_func ("/dstream/failure-policy/graceful-stop-tells-of-a-failure",
                   test_graceful_stop_tells_of_a_failure);
  g_test_add_func ("/dstream/failure-policy/continue-remembers-no-failed-batches",
                   test_continue_remembers_no_failed_batches);
  g_test_add_func ("/dstream/failure-policy/an-error-beside-success",
                   test_an_error_beside_success_is_a_failure);
  return g_test_run ();
}
