/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/dstream/ds-test-stream.h"

/* The first batch is held until five more are due: what becomes of them? */
typedef struct
{
  DsTestGate entered;
  DsTestGate released;
  GString *order;
} Body;

static gboolean
run_first_slowly (DsRdd *rdd, DsBatch *batch, gpointer user_data, GError **error)
{
  Body *body = user_data;
  gint64 n = ds_rdd_count (rdd, error);

  if (n < 0)
    return FALSE;
  g_string_append_printf (body->order, "%d:%d ",
                          (int) (ds_batch_get_time (batch) / DS_SECOND), (int) n);
  ds_test_gate_add (&body->entered, 1);
  ds_test_gate_await (&body->released, 1);
  return TRUE;
}

/* Blocks generation itself, so that all ticks are overdue when it goes on. */
static DsRdd *
generate_first_slowly (DsRdd *rdd, DsBatch *batch, gpointer user_data, GError **error)
{
  Body *body = user_data;

  ds_test_gate_add (&body->entered, 1);
  ds_test_gate_await (&body->released, 1);
  return g_object_ref (rdd);
}

static gboolean
note_batch (DsRdd *rdd, DsBatch *batch, gpointer user_data, GError **error)
{
  Body *body = user_data;
  gint64 n = ds_rdd_count (rdd, error);

  g_string_append_printf (body->order, "%d:%d ",
                          (int) (ds_batch_get_time (batch) / DS_SECOND), (int) n);
  return n >= 0;
}

/* Pushes values for batches 1 and 3 only, falls behind by five batches, catches up. */
static void
assert_catches_up (DsCatchUpPolicy policy, const char *expected, gint64 n_missed)
{
  DsTestStream test;
  Body body = { .order = g_string_new (NULL) };
  DsDStream *stream;
  gint64 n_found;
  g_autoptr (GError) error = NULL;

  ds_test_stream_set_up (&test, "local");
  g_object_set (test.ssc, "catch-up-policy", policy, NULL);
  stream = ds_streaming_context_queue_stream (test.ssc);
  ds_dstream_set_one_at_a_time (stream, FALSE);
  ds_dstream_foreach_rdd (ds_dstream_transform (stream, generate_first_slowly, &body,
                                                NULL),
                          note_batch, &body, NULL);
  ds_test_stream_push (stream, "a", NULL);
  ds_test_stream_start (&test);
  ds_manual_clock_advance (test.clock, DS_SECOND);
  ds_test_gate_await (&body.entered, 1);
  ds_test_stream_push (stream, "b", "c", NULL);
  ds_manual_clock_advance (test.clock, 5 * DS_SECOND);
  ds_test_gate_add (&body.released, 1);
  ds_streaming_context_await_batch (test.ssc, 6 * DS_SECOND, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (body.order->str, ==, expected);
  g_object_get (test.ssc, "n-missed-ticks", &n_found, NULL);
  g_assert_cmpint (n_found, ==, n_missed);

  /* Once it has caught up every tick has its batch again, also an empty one. */
  g_string_truncate (body.order, 0);
  ds_test_stream_run (&test, 1);
  g_assert_cmpstr (body.order->str, ==, "7:0 ");
  ds_test_stream_tear_down (&test);
  g_string_free (body.order, TRUE);
}

static void
test_all_makes_every_batch (void)
{
  g_test_summary ("Policy all: every missed tick makes its batch, in order");
  assert_catches_up (DS_CATCH_UP_ALL, "1:1 2:2 3:0 4:0 5:0 6:0 ", 4);
}

static void
test_coalesce_makes_one_batch (void)
{
  g_test_summary ("Policy coalesce: one batch, at the newest tick, takes everything");
  assert_catches_up (DS_CATCH_UP_COALESCE, "1:1 6:2 ", 4);
}

static void
test_skip_empty_leaves_out_empty_ones (void)
{
  g_test_summary ("Policy skip-empty: missed ticks without data make no batch");
  assert_catches_up (DS_CATCH_UP_SKIP_EMPTY, "1:1 2:2 6:0 ", 4);
}

static void
test_slow_jobs_lose_nothing (void)
{
  DsTestStream test;
  Body body = { .order = g_string_new (NULL) };
  DsDStream *stream;
  g_autoptr (GError) error = NULL;

  g_test_summary ("Ticks behind a slow batch wait for it; none is lost");

  ds_test_stream_set_up (&test, "local");
  stream = ds_streaming_context_queue_stream (test.ssc);
  for (guint i = 0; i < 6; i++)
    ds_test_stream_push (stream, "x", NULL);
  ds_dstream_foreach_rdd (stream, run_first_slowly, &body, NULL);
  ds_test_stream_start (&test);
  ds_manual_clock_advance (test.clock, DS_SECOND);
  ds_test_gate_await (&body.entered, 1);
  for (guint i = 0; i < 5; i++)
    ds_manual_clock_advance (test.clock, DS_SECOND);
  ds_test_gate_add (&body.released, 1);
  ds_streaming_context_await_batch (test.ssc, 6 * DS_SECOND, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (body.order->str, ==, "1:1 2:1 3:1 4:1 5:1 6:1 ");
  ds_test_stream_tear_down (&test);
  g_string_free (body.order, TRUE);
}

static void
assert_jumps (DsCatchUpPolicy policy, const char *expected)
{
  const DsTime far = 1000000000 * DS_SECOND;
  DsTestStream test;
  DsDStream *stream;
  DsOutput *values;
  g_autoptr (GError) error = NULL;

  ds_test_stream_set_up (&test, "local");
  g_object_set (test.ssc, "catch-up-policy", policy, NULL);
  stream = ds_streaming_context_queue_stream (test.ssc);
  values = ds_dstream_collect (stream);
  ds_test_stream_start (&test);
  ds_manual_clock_set_time (test.clock, far);
  ds_streaming_context_await_batch (test.ssc, far, &error);
  g_assert_no_error (error);

  /* A graceful stop gives up what is overdue, too, and still takes all that there is. */
  ds_test_stream_push (stream, "a", NULL);
  ds_manual_clock_set_time (test.clock, 2 * far);
  ds_streaming_context_stop (test.ssc, DS_STOP_GRACEFULLY, &error);
  g_assert_no_error (error);
  if (expected != NULL)
    ds_assert_block (ds_output_get_block (values, 2 * far), expected, NULL);
  g_assert_cmpint (ds_streaming_context_get_n_processed (test.ssc), ==, 1);
  ds_test_stream_tear_down (&test);
}

static void
test_coalesce_jumps (void)
{
  g_test_summary ("Policy coalesce: a thousand million ticks are given up at once");
  assert_jumps (DS_CATCH_UP_COALESCE, "a");
}

static void
test_skip_empty_jumps (void)
{
  g_test_summary ("Policy skip-empty: a thousand million ticks are given up at once");
  assert_jumps (DS_CATCH_UP_SKIP_EMPTY, NULL);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dstream/catch-up/all-makes-every-batch", test_all_makes_every_batch);
  g_test_add_func ("/dstream/catch-up/coalesce-makes-one-batch",
                   test_coalesce_makes_one_batch);
  g_test_add_func ("/dstream/catch-up/skip-empty-leaves-out-empty-ones",
                   test_skip_empty_leaves_out_empty_ones);
  g_test_add_func ("/dstream/catch-up/slow-jobs-lose-nothing",
                   test_slow_jobs_lose_nothing);
  g_test_add_func ("/dstream/catch-up/coalesce-jumps", test_coalesce_jumps);
  g_test_add_func ("/dstream/catch-up/skip-empty-jumps", test_skip_empty_jumps);
  return g_test_run ();
}
