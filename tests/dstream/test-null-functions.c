/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/dstream/ds-test-stream.h"

static void
count_destroyed (gpointer n)
{
  (*(guint *) n)++;
}

/* Operator number @i without a function; what is wrong with that. */
static DsDStream *
call_operator (guint i,
               DsStreamingContext *ssc,
               DsDStream *self,
               guint *n,
               const char **message)
{
  switch (i)
    {
    case 0:
      *message = "map: func is NULL, and cannot be left out";
      return ds_dstream_map (self, NULL, n, count_destroyed);
    case 1:
      *message = "flat_map: func is NULL, and cannot be left out";
      return ds_dstream_flat_map (self, NULL, n, count_destroyed);
    case 2:
      *message = "filter: func is NULL, and cannot be left out";
      return ds_dstream_filter (self, NULL, n, count_destroyed);
    case 3:
      *message = "map_chunks: func is NULL, and cannot be left out";
      return ds_dstream_map_chunks (self, NULL, n, count_destroyed);
    case 4:
      *message = "map_partitions: func is NULL, and cannot be left out";
      return ds_dstream_map_partitions (self, NULL, n, count_destroyed);
    case 5:
      *message = "key_by: func is NULL, and cannot be left out";
      return ds_dstream_key_by (self, NULL, n, count_destroyed);
    case 6:
      *message = "map_values: func is NULL, and cannot be left out";
      return ds_dstream_map_values (self, NULL, n, count_destroyed);
    case 7:
      *message = "flat_map_values: func is NULL, and cannot be left out";
      return ds_dstream_flat_map_values (self, NULL, n, count_destroyed);
    case 8:
      *message = "reduce: func is NULL, and cannot be left out";
      return ds_dstream_reduce (self, NULL, n, count_destroyed);
    case 9:
      *message = "reduce_by_key: func is NULL, and cannot be left out";
      return ds_dstream_reduce_by_key (self, NULL, n, count_destroyed);
    case 10:
      *message = "transform: func is NULL, and cannot be left out";
      return ds_dstream_transform (self, NULL, n, count_destroyed);
    case 11:
      *message = "update_state_by_key: func is NULL, and cannot be left out";
      return ds_dstream_update_state_by_key (self, NULL, n, count_destroyed);
    case 12:
      *message = "update_state_by_partition: func is NULL, and cannot be left out";
      return ds_dstream_update_state_by_partition (self, NULL, n, count_destroyed);
    case 13:
      *message = "map_with_state: func is NULL, and cannot be left out";
      return ds_dstream_map_with_state (self, NULL, n, count_destroyed);
    case 14:
      *message = "map_blocks: func is NULL, and cannot be left out";
      return ds_dstream_map_blocks (self, NULL, n, count_destroyed);
    case 15:
      *message = "map_partition_blocks: func is NULL, and cannot be left out";
      return ds_dstream_map_partition_blocks (self, NULL, n, count_destroyed);
    case 16:
      *message = "reduce_by_key_blocks: func is NULL, and cannot be left out";
      return ds_dstream_reduce_by_key_blocks (self, NULL, n, count_destroyed);
    case 17:
      *message = "update_state_by_key_blocks: func is NULL, and cannot be left out";
      return ds_dstream_update_state_by_key_blocks (self, NULL, n, count_destroyed);
    case 18:
      *message = "map_with_state_blocks: func is NULL, and cannot be left out";
      return ds_dstream_map_with_state_blocks (self, NULL, n, count_destroyed);
    case 19:
      *message = "reduce_by_window: func is NULL, and cannot be left out";
      return ds_dstream_reduce_by_window (self, DS_SECOND, 0, NULL, n, count_destroyed);
    case 20:
      *message = "reduce_by_key_and_window: func is NULL, and cannot be left out";
      return ds_dstream_reduce_by_key_and_window (self, DS_SECOND, 0, NULL, n,
                                                  count_destroyed);
    case 21:
      *message = "reduce_by_key_and_window_blocks: func is NULL, and cannot be left out";
      return ds_dstream_reduce_by_key_and_window_blocks (self, DS_SECOND, 0, NULL, n,
                                                         count_destroyed);
    case 22:
      *message = "transform_with: func is NULL, and cannot be left out";
      return ds_dstream_transform_with (self, self, NULL, n, count_destroyed);
    case 23:
      *message = "transform: func is NULL, and cannot be left out";
      return ds_streaming_context_transform (ssc, &self, 1, NULL, n, count_destroyed);
    case 24:
      *message = "combine_by_key: create is NULL, and cannot be left out";
      return ds_dstream_combine_by_key (self, NULL, ds_add, ds_add, n, count_destroyed);
    case 25:
      *message = "combine_by_key: merge_value is NULL, and cannot be left out";
      return ds_dstream_combine_by_key (self, ds_identity, NULL, ds_add, n,
                                        count_destroyed);
    case 26:
      *message = "combine_by_key: merge_combiners is NULL, and cannot be left out";
      return ds_dstream_combine_by_key (self, ds_identity, ds_add, NULL, n,
                                        count_destroyed);
    case 27:
      *message = "combine_by_key_and_window: create is NULL, and cannot be left out";
      return ds_dstream_combine_by_key_and_window (self, DS_SECOND, 0, NULL, ds_add,
                                                   ds_add, n, count_destroyed);
    case 28:
      *message = "combine_by_key_and_window: merge_value is NULL, and cannot be left out";
      return ds_dstream_combine_by_key_and_window (self, DS_SECOND, 0, ds_identity, NULL,
                                                   ds_add, n, count_destroyed);
    case 29:
      *message =
          "combine_by_key_and_window: merge_combiners is NULL, and cannot be left out";
      return ds_dstream_combine_by_key_and_window (self, DS_SECOND, 0, ds_identity,
                                                   ds_add, NULL, n, count_destroyed);
    default:
      return NULL;
    }
}

static void
assert_start_fails (DsTestStream *test, const char *message)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (ds_streaming_context_start (test->ssc, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT);
  g_assert_cmpstr (error->message, ==, message);
  ds_test_stream_tear_down (test);
}

static void
test_operators_latch_a_missing_function (void)
{
  guint n_operators = 0;
  DsDStream *made;

  g_test_summary ("An operator without a function is inert, and start says which one");

  do
    {
      DsTestStream test;
      DsDStream *stream;
      const char *message = NULL;
      guint n_destroyed = 0;

      ds_test_stream_set_up (&test, "local");
      stream = ds_streaming_context_queue_stream (test.ssc);
      made = call_operator (n_operators, test.ssc, stream, &n_destroyed, &message);
      ds_dstream_print (made != NULL ? ds_dstream_count (made) : stream, 10);
      if (made != NULL)
        {
          n_operators++;
          g_assert_cmpuint (n_destroyed, ==, 1);
          assert_start_fails (&test, message);
          g_assert_cmpuint (n_destroyed, ==, 1);
        }
      else
        ds_test_stream_tear_down (&test);
    }
  while (made != NULL);
  g_assert_cmpuint (n_operators, ==, 30);
}

static void
test_a_missing_partitioner (void)
{
  DsTestStream test;

  g_test_summary ("partition_by without a partitioner is such a mistake, too");
  ds_test_stream_set_up (&test, "local");
  ds_dstream_print (ds_dstream_partition_by (ds_streaming_context_queue_stream (test.ssc),
                                             NULL),
                    10);
  assert_start_fails (&test, "partition_by: partitioner is NULL, and cannot be left out");
}

static void
test_an_output_latches_a_missing_function (void)
{
  DsTestStream test;
  guint n_destroyed = 0;

  g_test_summary ("foreach_rdd without a function is an output that never runs");
  ds_test_stream_set_up (&test, "local");
  g_assert_nonnull (ds_dstream_foreach_rdd (ds_streaming_context_queue_stream (test.ssc),
                                            NULL, &n_destroyed, count_destroyed));
  assert_start_fails (&test, "foreach_rdd: func is NULL, and cannot be left out");
  g_assert_cmpuint (n_destroyed, ==, 1);
}

static void
test_options_latch_a_missing_function (void)
{
  g_test_summary ("So are options that are functions");

  for (guint i = 0; i < 2; i++)
    {
      DsTestStream test;
      DsDStream *window;
      guint n_destroyed = 0;

      ds_test_stream_set_up (&test, "local");
      window = ds_dstream_reduce_by_key_and_window (ds_streaming_context_queue_stream (
                                                        test.ssc),
                                                    2 * DS_SECOND, 0, ds_add, NULL, NULL);
      if (i == 0)
        ds_dstream_set_inverse (window, NULL, &n_destroyed, count_destroyed);
      else
        ds_dstream_set_window_filter (window, NULL, &n_destroyed, count_destroyed);
      g_assert_cmpuint (n_destroyed, ==, 1);
      assert_start_fails (&test,
                          i == 0 ? "set_inverse: func is NULL, and cannot be left out"
                                 : "set_window_filter: func is NULL, and cannot be left "
                                   "out");
    }
}

static void
test_after_the_start_it_is_late (void)
{
  DsTestStream test;
  DsDStream *stream;

  g_test_summary ("After the start the warning is that of any operator");
  ds_test_stream_set_up (&test, "local");
  stream = ds_streaming_context_queue_stream (test.ssc);
  ds_dstream_foreach_rdd (stream, ds_test_ignore_rdd, NULL, NULL);
  ds_test_stream_start (&test);
  g_test_expect_message ("DStream", G_LOG_LEVEL_WARNING, "map: adding * not supported*");
  g_assert_nonnull (ds_dstream_map (stream, NULL, NULL, NULL));
  g_test_assert_expected_messages ();
  ds_test_stream_tear_down (&test);
}

static void
test_ready_made_functions_need_their_data (void)
{
  static const char *const messages[] = {
    "filter: ds_contains has no text to look for: its user_data is NULL; pass the text",
    "filter: ds_has_prefix has no text to look for: its user_data is NULL; pass the text",
  };

  g_test_summary ("ds_contains and ds_has_prefix without a text are latched");

  for (guint i = 0; i < G_N_ELEMENTS (messages); i++)
    {
      DsTestStream test;
      DsDStream *stream;

      ds_test_stream_set_up (&test, "local");
      stream = ds_streaming_context_queue_stream (test.ssc);
      ds_dstream_print (ds_dstream_filter (stream, i == 0 ? ds_contains : ds_has_prefix,
                                           NULL, NULL),
                        10);
      assert_start_fails (&test, messages[i]);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dstream/null-functions/operators",
                   test_operators_latch_a_missing_function);
  g_test_add_func ("/dstream/null-functions/partitioner", test_a_missing_partitioner);
  g_test_add_func ("/dstream/null-functions/output",
                   test_an_output_latches_a_missing_function);
  g_test_add_func ("/dstream/null-functions/options",
                   test_options_latch_a_missing_function);
  g_test_add_func ("/dstream/null-functions/after-the-start",
                   test_after_the_start_it_is_late);
  g_test_add_func ("/dstream/null-functions/ready-made",
                   test_ready_made_functions_need_their_data);
  return g_test_run ();
}
