/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Streams that make their records themselves: evenly in time, or always the same. */

#include "tests/dstream/ds-test-stream.h"

/* Pairs (index, time) of a batch, as they must be. */
static void
assert_records (DsOutput *output, DsTime batch_time, guint rate, gint64 *n_before)
{
  DsBlock *block = ds_output_get_block (output, batch_time);
  gint64 n_until = batch_time * rate / DS_SECOND; /* small numbers here */

  g_assert_nonnull (block);
  g_assert_cmpint ((gint64) ds_block_get_length (block), ==, n_until - *n_before);
  for (gsize i = 0; i < ds_block_get_length (block); i++)
    {
      DsValue pair = ds_block_get (block, i);
      gint64 index = ds_value_get_int (ds_pair_key (pair));
      DsTime time = ds_value_get_int (ds_pair_value (pair));

      g_assert_cmpint (index, ==, *n_before + (gint64) i);
      /* The first us at which so many have come, in this batch. */
      g_assert_cmpint (time * rate / DS_SECOND, ==, index + 1);
      g_assert_cmpint ((time - 1) * rate / DS_SECOND, ==, index);
      g_assert_cmpint (time, >, batch_time - DS_SECOND);
      g_assert_cmpint (time, <=, batch_time);
    }
  *n_before = n_until;
}

static void
test_records_come_evenly (gconstpointer data)
{
  guint rate = GPOINTER_TO_UINT (data);
  DsTestStream test;
  DsOutput *output;
  gint64 n = 0;

  g_test_summary ("Each record once, in the batch of its time, as many as the rate says");

  ds_test_stream_set_up (&test, "local[2]");
  output = ds_dstream_collect (ds_streaming_context_rate_stream (test.ssc, rate));
  ds_test_stream_start (&test);
  ds_test_stream_run (&test, 1);
  ds_test_stream_run (&test, 3); /* late ones are the same */
  for (guint i = 1; i <= 4; i++)
    assert_records (output, i * DS_SECOND, rate, &n);
  g_assert_cmpint (n, ==, 4 * (gint64) rate);
  g_assert_cmpint (ds_streaming_context_get_n_received (test.ssc), ==, n);
  g_assert_cmpint (ds_streaming_context_get_n_processed (test.ssc), ==, n);
  ds_test_stream_tear_down (&test);
}

static void
test_slow_rates_give_empty_batches (void)
{
  g_autoptr (DsManualClock) clock = ds_manual_clock_new (0);
  g_autoptr (DsStreamingContext) ssc =
      ds_streaming_context_new ("local", "test", 300 * DS_MILLISECOND);
  g_autoptr (GError) error = NULL;
  DsOutput *output;

  g_test_summary (
      "1 record a second, batches of 300 ms: in the 4th, the 7th and the 10th");

  ds_streaming_context_set_clock (ssc, DS_CLOCK (clock));
  output = ds_dstream_collect (ds_streaming_context_rate_stream (ssc, 1));
  g_assert_true (ds_streaming_context_start (ssc, &error));
  ds_manual_clock_advance (clock, 3 * DS_SECOND);
  ds_streaming_context_await_batch (ssc, 3 * DS_SECOND, &error);
  g_assert_no_error (error);
  for (guint i = 1; i <= 10; i++)
    {
      DsBlock *block = ds_output_get_block (output, i * 300 * DS_MILLISECOND);

      g_assert_nonnull (block);
      g_assert_cmpuint (ds_block_get_length (block), ==, i == 4 || i == 7 || i == 10);
    }
  ds_streaming_context_stop (ssc, DS_STOP_NOW, &error);
  g_assert_no_error (error);
}

static void
test_no_rate_is_a_mistake (void)
{
  DsTestStream test;
  const GError *error;

  g_test_summary ("0 records a second is latched");

  ds_test_stream_set_up (&test, "local");
  g_assert_nonnull (ds_streaming_context_rate_stream (test.ssc, 0));
  error = ds_streaming_context_get_build_error (test.ssc);
  g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, "rate_stream"));
  ds_test_stream_tear_down (&test);
}

static DsBlock *
make_block (const char *first, const char *second)
{
  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();

  ds_block_builder_add_string (builder, first);
  ds_block_builder_add_string (builder, second);
  return ds_block_builder_end (builder);
}

static void
test_a_constant_stream_repeats_itself (void)
{
  DsTestStream test;
  g_autoptr (DsBlock) block = make_block ("a", "b");
  g_autoptr (DsRdd) rdd = NULL;
  DsDStream *constant;
  DsOutput *output;
  DsOutput *window;

  g_test_summary ("Every batch has the same records, and a window has them twice");

  ds_test_stream_set_up (&test, "local[2]");
  rdd = ds_context_parallelize (ds_streaming_context_get_context (test.ssc), block, 2);
  constant = ds_streaming_context_constant_stream (test.ssc, rdd);
  output = ds_dstream_collect (constant);
  window = ds_dstream_collect (ds_dstream_window (constant, 2 * DS_SECOND, 0));
  ds_test_stream_start (&test);
  ds_test_stream_run (&test, 3);
  for (guint i = 1; i <= 3; i++)
    ds_assert_block_in_order (ds_output_get_block (output, i * DS_SECOND), "a", "b",
                              NULL);
  ds_assert_block_in_order (ds_output_get_block (window, 3 * DS_SECOND), "a", "b", "a",
                            "b", NULL);
  g_assert_cmpint (ds_streaming_context_get_n_received (test.ssc), ==, 0);
  ds_test_stream_tear_down (&test);
}

static void
test_constants_of_another_engine (void)
{
  DsTestStream test;
  g_autoptr (DsContext) other = ds_context_new ("local", "other");
  g_autoptr (DsBlock) block = make_block ("a", "b");
  g_autoptr (DsRdd) rdd = ds_context_parallelize (other, block, 1);
  const GError *error;

  g_test_summary ("An RDD of another engine is latched");

  ds_test_stream_set_up (&test, "local");
  g_assert_nonnull (ds_streaming_context_constant_stream (test.ssc, rdd));
  error = ds_streaming_context_get_build_error (test.ssc);
  g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, "constant_stream"));
  g_assert_nonnull (strstr (error->message, "engine"));
  ds_test_stream_tear_down (&test);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_data_func ("/dstream/rate-stream/records-come-evenly/1",
                        GUINT_TO_POINTER (1), test_records_come_evenly);
  g_test_add_data_func ("/dstream/rate-stream/records-come-evenly/7",
                        GUINT_TO_POINTER (7), test_records_come_evenly);
  g_test_add_data_func ("/dstream/rate-stream/records-come-evenly/33333",
                        GUINT_TO_POINTER (33333), test_records_come_evenly);
  g_test_add_func ("/dstream/rate-stream/slow-rates-give-empty-batches",
                   test_slow_rates_give_empty_batches);
  g_test_add_func ("/dstream/rate-stream/no-rate-is-a-mistake",
                   test_no_rate_is_a_mistake);
  g_test_add_func ("/dstream/constant-stream/repeats-itself",
                   test_a_constant_stream_repeats_itself);
  g_test_add_func ("/dstream/constant-stream/of-another-engine",
                   test_constants_of_another_engine);

  return g_test_run ();
}
