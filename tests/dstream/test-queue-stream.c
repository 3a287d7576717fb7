/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/dstream/ds-test-stream.h"

static void
test_counts_each_batch_by_itself (void)
{
  DsTestStream test;
  DsDStream *lines;
  DsOutput *counts;

  g_test_summary ("Counts start anew with every batch; a batch without input has none");

  ds_test_stream_set_up (&test, "local[2]");
  lines = ds_streaming_context_queue_stream (test.ssc);
  counts = ds_dstream_collect (ds_dstream_count_by_value (
      ds_dstream_flat_map (lines, ds_split_words, NULL, NULL)));
  ds_test_stream_push (lines, "to be or", "not to be", NULL);
  ds_test_stream_push (lines, "to do", NULL);
  ds_test_stream_start (&test);
  ds_test_stream_run (&test, 3);

  ds_assert_block (ds_output_get_block (counts, 1 * DS_SECOND), "(be,2)", "(not,1)",
                   "(or,1)", "(to,2)", NULL);
  ds_assert_block (ds_output_get_block (counts, 2 * DS_SECOND), "(do,1)", "(to,1)", NULL);
  ds_assert_block (ds_output_get_block (counts, 3 * DS_SECOND), NULL);
  g_assert_null (ds_output_get_block (counts, 4 * DS_SECOND));
  ds_output_clear (counts);
  g_assert_null (ds_output_get_block (counts, 1 * DS_SECOND));
  g_assert_cmpint (ds_streaming_context_get_n_received (test.ssc), ==, 3);
  g_assert_cmpint (ds_streaming_context_get_n_processed (test.ssc), ==, 3);
  ds_test_stream_tear_down (&test);
}

static void
test_gives_one_item_a_batch (void)
{
  DsTestStream test;
  DsDStream *stream;
  DsOutput *values;

  g_test_summary ("One item a batch, whenever it is pushed; then empty batches");

  ds_test_stream_set_up (&test, "local");
  stream = ds_streaming_context_queue_stream (test.ssc);
  values = ds_dstream_collect (stream);
  ds_test_stream_push (stream, "1", NULL);
  ds_test_stream_push (stream, "2", NULL);
  ds_test_stream_start (&test);
  ds_test_stream_run (&test, 1);
  ds_test_stream_push (stream, "3", NULL);
  ds_test_stream_run (&test, 3);

  ds_assert_block (ds_output_get_block (values, 1 * DS_SECOND), "1", NULL);
  ds_assert_block (ds_output_get_block (values, 2 * DS_SECOND), "2", NULL);
  ds_assert_block (ds_output_get_block (values, 3 * DS_SECOND), "3", NULL);
  ds_assert_block (ds_output_get_block (values, 4 * DS_SECOND), NULL);
  ds_test_stream_tear_down (&test);
}

static void
test_gives_all_that_waits (void)
{
  DsTestStream test;
  DsDStream *stream;
  DsOutput *values;

  g_test_summary ("A queue that is not one at a time gives the union of all items");

  ds_test_stream_set_up (&test, "local");
  stream = ds_streaming_context_queue_stream (test.ssc);
  ds_dstream_set_one_at_a_time (stream, FALSE);
  values = ds_dstream_collect (stream);
  ds_test_stream_push (stream, "1", "2", NULL);
  ds_test_stream_push (stream, "3", NULL);
  ds_test_stream_start (&test);
  ds_test_stream_run (&test, 2);

  ds_assert_block_in_order (ds_output_get_block (values, 1 * DS_SECOND), "1", "2", "3",
                            NULL);
  ds_assert_block (ds_output_get_block (values, 2 * DS_SECOND), NULL);
  ds_test_stream_tear_down (&test);
}

static void
test_gives_the_default_when_dry (void)
{
  DsTestStream test;
  DsDStream *stream;
  DsOutput *values;
  g_autoptr (DsBlock) block = ds_block_new_strings ("d", NULL);
  g_autoptr (DsRdd) fallback = NULL;

  g_test_summary ("An empty queue gives the default RDD, batch after batch");

  ds_test_stream_set_up (&test, "local");
  stream = ds_streaming_context_queue_stream (test.ssc);
  fallback =
      ds_context_parallelize (ds_streaming_context_get_context (test.ssc), block, 0);
  ds_dstream_set_default_rdd (stream, fallback);
  values = ds_dstream_collect (stream);
  ds_test_stream_push (stream, "1", NULL);
  ds_test_stream_start (&test);
  ds_test_stream_run (&test, 3);

  ds_assert_block (ds_output_get_block (values, 1 * DS_SECOND), "1", NULL);
  ds_assert_block (ds_output_get_block (values, 2 * DS_SECOND), "d", NULL);
  ds_assert_block (ds_output_get_block (values, 3 * DS_SECOND), "d", NULL);
  g_clear_object (&fallback);
  ds_test_stream_tear_down (&test);
}

static void
test_cuts_blocks_into_default_partitions (void)
{
  DsTestStream test;
  DsDStream *stream;
  DsOutput *lists;

  g_test_summary ("A block is cut into as many slices as the engine has workers");

  ds_test_stream_set_up (&test, "local[2]");
  stream = ds_streaming_context_queue_stream (test.ssc);
  lists = ds_dstream_collect (ds_dstream_glom (stream));
  ds_test_stream_push (stream, "a", "b", "c", NULL);
  ds_test_stream_start (&test);
  ds_test_stream_run (&test, 1);

  ds_assert_block_in_order (ds_output_get_block (lists, DS_SECOND), "[a]", "[b, c]",
                            NULL);
  ds_test_stream_tear_down (&test);
}

static void
test_options_of_others_latch (void)
{
  DsTestStream test;
  DsDStream *stream;
  const GError *error;

  g_test_summary ("An option of queue streams on another stream fails the start");

  ds_test_stream_set_up (&test, "local");
  stream = ds_dstream_glom (ds_streaming_context_queue_stream (test.ssc));
  g_assert_null (ds_streaming_context_get_build_error (test.ssc));
  ds_dstream_set_one_at_a_time (stream, FALSE);
  error = ds_streaming_context_get_build_error (test.ssc);
  g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, "glom"));
  g_assert_nonnull (strstr (error->message, "queue streams"));
  ds_test_stream_tear_down (&test);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dstream/queue-stream/counts-each-batch-by-itself",
                   test_counts_each_batch_by_itself);
  g_test_add_func ("/dstream/queue-stream/gives-one-item-a-batch",
                   test_gives_one_item_a_batch);
  g_test_add_func ("/dstream/queue-stream/gives-all-that-waits",
                   test_gives_all_that_waits);
  g_test_add_func ("/dstream/queue-stream/gives-the-default-when-dry",
                   test_gives_the_default_when_dry);
  g_test_add_func ("/dstream/queue-stream/cuts-blocks-into-default-partitions",
                   test_cuts_blocks_into_default_partitions);
  g_test_add_func ("/dstream/queue-stream/options-of-others-latch",
                   test_options_of_others_latch);
  return g_test_run ();
}
