/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Stateful streams: what lasts moves on with every batch, whatever becomes of it. */

#include "dstream/ds-streaming-context-private.h"
#include "tests/dstream/ds-test-stream.h"
#include "tests/rdd/ds-test-step.h"

/* ---- A stream whose state is a sum in each partition ---- */

#define TYPE_SUMMED_DSTREAM (summed_dstream_get_type ())
G_DECLARE_FINAL_TYPE (SummedDStream, summed_dstream, SUMMED, DSTREAM, DsDStream)

struct _SummedDStream
{
  DsDStream parent_instance;
};

G_DEFINE_FINAL_TYPE (SummedDStream, summed_dstream, DS_TYPE_DSTREAM)

static DsRdd *
summed_dstream_compute (DsDStream *self, DsBatch *batch, GError **error)
{
  DsDStreamNode *node = ds_dstream_get_node (self);
  DsRdd *parent = ds_dstream_get_parent_rdd (self, batch, error);
  DsRdd *step;

  if (parent == NULL)
    return NULL;
  step = ds_test_sums_step (node->data->user_data, ds_rdd_get_context (parent),
                            ds_batch_get_time (batch), &parent, 1);
  ds_graph_add_step (node->context->graph, step);
  return step;
}

static const DsDStreamOps summed_dstream_ops = {
  .kind = "sums",
  .is_stateful = TRUE,
  .compute = summed_dstream_compute,
};

static void
summed_dstream_class_init (SummedDStreamClass *klass)
{
  DS_DSTREAM_CLASS (klass)->ops = &summed_dstream_ops;
}

static void
summed_dstream_init (SummedDStream *self)
{
}

/* ---- A context with one ---- */

typedef struct
{
  DsTestStream test;
  DsDStream *numbers;
  DsDStream *stream;
  DsTestSums sums;
  GString *seen; /* the total of each batch whose output ran */
  DsTime bad_time;
} Fixture;

static DsValue
pair_with_itself (DsValue value, DsTask *task, gpointer unused)
{
  return ds_pair (task, value, value);
}

static void
set_up (Fixture *fixture, DsFailurePolicy policy)
{
  *fixture = (Fixture){ .seen = g_string_new (NULL) };
  ds_test_stream_set_up (&fixture->test, "local[2]");
  g_object_set (fixture->test.ssc, "failure-policy", policy, "max-batch-retries", 2u,
                NULL);
  fixture->numbers = ds_streaming_context_queue_stream (fixture->test.ssc);
  fixture->stream =
      ds_dstream_derive (ds_dstream_map (fixture->numbers, pair_with_itself, NULL, NULL),
                         TYPE_SUMMED_DSTREAM, NULL, &fixture->sums, NULL);
}

static void
push (Fixture *fixture, gint64 n)
{
  g_autoptr (DsBlock) block = ds_block_new_from_ints (&n, 1);

  ds_dstream_push_block (fixture->numbers, block);
}

static gboolean
see (DsRdd *rdd, DsBatch *batch, gpointer user_data, GError **error)
{
  Fixture *fixture = user_data;
  g_autoptr (DsBlock) block = ds_rdd_collect (rdd, error);
  gint64 total = 0;

  if (block == NULL)
    return FALSE;
  for (gsize i = 0; i < ds_block_get_length (block); i++)
    total += ds_value_get_int (ds_block_get (block, i));
  g_string_append_printf (fixture->seen, "%" G_GINT64_FORMAT " ", total);
  if (ds_batch_get_time (batch) != fixture->bad_time)
    return TRUE;
  g_set_error (error, DS_ERROR, DS_ERROR_FAILED, "bad luck");
  return FALSE;
}

static void
start_and_run (Fixture *fixture, guint n_batches)
{
  ds_test_stream_start (&fixture->test);
  for (guint i = 0; i < n_batches; i++)
    {
      ds_manual_clock_advance (fixture->test.clock, DS_SECOND);
      ds_streaming_context_await_batch (
          fixture->test.ssc, ds_clock_get_time (DS_CLOCK (fixture->test.clock)), NULL);
    }
}

static void
tear_down (Fixture *fixture)
{
  ds_test_stream_tear_down (&fixture->test);
  g_string_free (fixture->seen, TRUE);
}

static void
test_steps_move_on_with_each_batch (void)
{
  Fixture fixture;

  g_test_summary ("Each batch sees the state that it made, two outputs the same");

  set_up (&fixture, DS_FAILURE_POLICY_STOP);
  ds_dstream_foreach_rdd (fixture.stream, see, &fixture, NULL);
  ds_dstream_foreach_rdd (fixture.stream, see, &fixture, NULL);
  for (gint64 i = 1; i <= 3; i++)
    push (&fixture, i);
  start_and_run (&fixture, 4);
  g_assert_cmpstr (fixture.seen->str, ==, "1 1 3 3 6 6 6 6 ");
  g_assert_cmpuint (fixture.sums.n_runs, ==, 4 * DS_TEST_N_SUMS);
  g_assert_cmpuint (fixture.sums.n_commits, ==, 4);
  tear_down (&fixture);
}

static DsRdd *
drop_it (DsRdd *rdd, DsBatch *batch, gpointer user_data, GError **error)
{
  return ds_context_empty (ds_rdd_get_context (rdd));
}

static void
test_steps_need_no_reader (void)
{
  Fixture fixture;

  g_test_summary ("State moves on although no output reads it, if one could");

  set_up (&fixture, DS_FAILURE_POLICY_STOP);
  ds_dstream_foreach_rdd (ds_dstream_transform (fixture.stream, drop_it, NULL, NULL),
                          ds_test_ignore_rdd, NULL, NULL);
  for (gint64 i = 1; i <= 3; i++)
    push (&fixture, i);
  start_and_run (&fixture, 3);
  g_assert_cmpint (ds_test_sums_total (&fixture.sums), ==, 6);
  tear_down (&fixture);
}

static void
test_steps_without_an_output (void)
{
  Fixture fixture;

  g_test_summary ("A stateful stream that no output reaches does nothing");

  set_up (&fixture, DS_FAILURE_POLICY_STOP);
  ds_dstream_foreach_rdd (fixture.numbers, ds_test_ignore_rdd, NULL, NULL);
  push (&fixture, 1);
  start_and_run (&fixture, 2);
  g_assert_cmpuint (fixture.sums.n_runs, ==, 0);
  tear_down (&fixture);
}

static void
test_steps_retry (void)
{
  Fixture fixture;

  g_test_summary ("Policy retry: what failed of a step runs again, then the outputs");

  set_up (&fixture, DS_FAILURE_POLICY_RETRY);
  ds_dstream_foreach_rdd (fixture.stream, see, &fixture, NULL);
  fixture.sums.n_failures_left = 2;
  push (&fixture, 1);
  push (&fixture, 2);
  start_and_run (&fixture, 2);
  g_assert_cmpstr (fixture.seen->str, ==, "1 3 ");
  g_assert_cmpuint (fixture.sums.n_commits, ==, 2);
  tear_down (&fixture);
}

static void
test_steps_continue (void)
{
  Fixture fixture;

  g_test_summary (
      "Policy continue: a batch whose step fails leaves no trace in the state");

  set_up (&fixture, DS_FAILURE_POLICY_CONTINUE);
  ds_dstream_foreach_rdd (fixture.stream, see, &fixture, NULL);
  fixture.sums.n_failures_left = 1;
  push (&fixture, 1);
  push (&fixture, 2);
  push (&fixture, 4);
  start_and_run (&fixture, 3);
  g_assert_cmpstr (fixture.seen->str, ==, "2 6 ");
  g_assert_cmpuint (fixture.sums.n_commits, ==, 2);
  tear_down (&fixture);
}

static void
test_steps_stay_when_an_output_fails (void)
{
  Fixture fixture;

  g_test_summary ("Policy continue: an output that fails does not take state back");

  set_up (&fixture, DS_FAILURE_POLICY_CONTINUE);
  ds_dstream_foreach_rdd (fixture.stream, see, &fixture, NULL);
  fixture.bad_time = DS_SECOND;
  push (&fixture, 1);
  push (&fixture, 2);
  start_and_run (&fixture, 2);
  g_assert_cmpstr (fixture.seen->str, ==, "1 3 ");
  tear_down (&fixture);
}

static void
test_steps_stop_with_the_cause (void)
{
  Fixture fixture;
  g_autoptr (GError) error = NULL;

  g_test_summary ("Policy stop: the context ends with the error of the step");

  set_up (&fixture, DS_FAILURE_POLICY_STOP);
  ds_dstream_foreach_rdd (fixture.stream, see, &fixture, NULL);
  fixture.sums.n_failures_left = G_MAXINT;
  push (&fixture, 1);
  start_and_run (&fixture, 1);
  g_assert_false (ds_streaming_context_await_termination (fixture.test.ssc, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_USER_FUNCTION);
  g_assert_true (g_str_has_prefix (error->message, "State of batch 1000 ms: "));
  g_assert_nonnull (strstr (error->message, "out of luck"));
  g_assert_cmpint (ds_test_sums_total (&fixture.sums), ==, 0);
  tear_down (&fixture);
}

static DsRdd *
fail_once (DsRdd *rdd, DsBatch *batch, gpointer user_data, GError **error)
{
  if (ds_batch_get_time (batch) != DS_SECOND)
    return g_object_ref (rdd);
  g_set_error (error, DS_ERROR, DS_ERROR_FAILED, "no luck");
  return NULL;
}

static void
test_steps_run_without_their_batch (void)
{
  Fixture fixture;

  g_test_summary (
      "Policy continue: a batch that can't be generated still moves state on");

  set_up (&fixture, DS_FAILURE_POLICY_CONTINUE);
  ds_dstream_foreach_rdd (ds_dstream_transform (fixture.stream, fail_once, NULL, NULL),
                          see, &fixture, NULL);
  push (&fixture, 1);
  push (&fixture, 2);
  start_and_run (&fixture, 2);
  g_assert_cmpstr (fixture.seen->str, ==, "3 ");
  tear_down (&fixture);
}

static void
test_steps_run_beside_what_fails (void)
{
  Fixture fixture;
  DsTestSums other_sums = { 0 };
  DsTestSums late_sums = { 0 };
  DsDStream *failing;
  DsDStream *late;

  g_test_summary ("Policy continue: a batch that one stream can't make is not missing in "
                  "the state of those that were made after it");

  set_up (&fixture, DS_FAILURE_POLICY_CONTINUE);
  failing = ds_dstream_derive (ds_dstream_transform (ds_dstream_map (fixture.numbers,
                                                                     pair_with_itself,
                                                                     NULL, NULL),
                                                     fail_once, NULL, NULL),
                               TYPE_SUMMED_DSTREAM, NULL, &other_sums, NULL);
  late =
      ds_dstream_derive (ds_dstream_map (fixture.numbers, pair_with_itself, NULL, NULL),
                         TYPE_SUMMED_DSTREAM, NULL, &late_sums, NULL);
  ds_dstream_foreach_rdd (fixture.stream, ds_test_ignore_rdd, NULL, NULL);
  ds_dstream_foreach_rdd (failing, ds_test_ignore_rdd, NULL, NULL);
  ds_dstream_foreach_rdd (late, ds_test_ignore_rdd, NULL, NULL);
  push (&fixture, 1);
  push (&fixture, 2);
  start_and_run (&fixture, 2);
  g_assert_cmpint (ds_test_sums_total (&fixture.sums), ==, 3);
  g_assert_cmpint (ds_test_sums_total (&other_sums), ==, 2);
  g_assert_cmpint (ds_test_sums_total (&late_sums), ==, 3);
  tear_down (&fixture);
}

static gboolean
look_back (DsRdd *rdd, DsBatch *batch, gpointer user_data, GError **error)
{
  Fixture *fixture = user_data;
  g_autoptr (GPtrArray) rdds =
      ds_dstream_slice (fixture->stream, 0, ds_batch_get_time (batch), error);

  if (rdds == NULL)
    return FALSE;
  for (guint i = 0; i < rdds->len; i++)
    if (!see (g_ptr_array_index (rdds, i), batch, fixture, error))
      return FALSE;
  return TRUE;
}

static void
test_steps_are_not_taken_again (void)
{
  Fixture fixture;

  g_test_summary ("A slice gives the steps that are remembered, and makes no new ones");

  set_up (&fixture, DS_FAILURE_POLICY_STOP);
  ds_streaming_context_remember (fixture.test.ssc, 2 * DS_SECOND);
  ds_dstream_foreach_rdd (fixture.stream, look_back, &fixture, NULL);
  for (gint64 i = 1; i <= 4; i++)
    push (&fixture, i);
  start_and_run (&fixture, 4);
  g_assert_cmpstr (fixture.seen->str, ==, "1 1 3 1 3 6 3 6 10 ");
  g_assert_cmpuint (fixture.sums.n_runs, ==, 4 * DS_TEST_N_SUMS);
  tear_down (&fixture);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, func) g_test_add_func ("/dstream/steps/" name, func)
  ADD ("move-on-with-each-batch", test_steps_move_on_with_each_batch);
  ADD ("need-no-reader", test_steps_need_no_reader);
  ADD ("without-an-output", test_steps_without_an_output);
  ADD ("retry", test_steps_retry);
  ADD ("continue", test_steps_continue);
  ADD ("stay-when-an-output-fails", test_steps_stay_when_an_output_fails);
  ADD ("stop-with-the-cause", test_steps_stop_with_the_cause);
  ADD ("run-without-their-batch", test_steps_run_without_their_batch);
  ADD ("run-beside-what-fails", test_steps_run_beside_what_fails);
  ADD ("are-not-taken-again", test_steps_are_not_taken_again);
  return g_test_run ();
}
