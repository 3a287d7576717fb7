/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "dstream/ds-streaming-context-private.h"
#include "tests/dstream/ds-test-state.h"

static void
ignore_state (DsValue key, DsValue value, DsState *state, DsTask *task, gpointer unused)
{
}

static DsValue
keep_state (DsValue key,
            const DsValue *values,
            gsize n_values,
            DsValue state,
            DsTask *task,
            gpointer unused)
{
  return n_values > 0 ? values[0] : state;
}

static void
test_default_intervals (void)
{
  static const gint64 cases[][2] = {
    { 100, 10000 },  { 500, 10000 },   { 3000, 12000 },
    { 7000, 14000 }, { 10000, 10000 }, { 15000, 15000 }
  };

  g_test_summary ("The smallest multiple of the slide of 10 s or more");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_cmpint (ds_default_checkpoint_interval (cases[i][0] * DS_MILLISECOND), ==,
                     cases[i][1] * DS_MILLISECOND);
}

static void
test_intervals_of_streams (void)
{
  DsTestState self;
  DsDStream *updated;
  DsDStream *mapped;

  g_test_summary ("update_state_by_key has the default, map_with_state 10 slides");
  ds_test_state_set_up (&self, "local");
  updated = ds_dstream_update_state_by_key (self.pairs, keep_state, NULL, NULL);
  mapped = ds_dstream_map_with_state (self.pairs, ignore_state, NULL, NULL);
  g_assert_cmpint (ds_dstream_get_checkpoint_interval (self.pairs), ==, 0);
  g_assert_cmpint (ds_dstream_get_checkpoint_interval (updated), ==, 10 * DS_SECOND);
  g_assert_cmpint (ds_dstream_get_checkpoint_remember (updated), ==, 20 * DS_SECOND);
  g_assert_cmpint (ds_dstream_get_checkpoint_interval (mapped), ==, 10 * DS_SECOND);
  g_assert_cmpint (ds_dstream_get_checkpoint_remember (mapped), ==, 0);
  ds_dstream_checkpoint (updated, 3 * DS_SECOND);
  ds_dstream_checkpoint (mapped, 2 * DS_SECOND);
  g_assert_cmpint (ds_dstream_get_checkpoint_interval (updated), ==, 3 * DS_SECOND);
  g_assert_cmpint (ds_dstream_get_checkpoint_interval (mapped), ==, 2 * DS_SECOND);
  ds_test_state_tear_down (&self);
}

static void
test_states_are_remembered_for_two_intervals (void)
{
  DsTestState self;
  DsDStream *updated;
  DsDStream *before;

  g_test_summary ("The stream remembers twice the interval, its parents a batch");
  ds_test_state_set_up (&self, "local");
  before = ds_dstream_map_values (self.pairs, ds_to_string, NULL, NULL);
  updated = ds_dstream_update_state_by_key (before, keep_state, NULL, NULL);
  ds_dstream_checkpoint (updated, 3 * DS_SECOND);
  ds_dstream_foreach_rdd (updated, ds_test_ignore_rdd, NULL, NULL);
  ds_test_stream_start (&self.test);
  g_assert_cmpint (ds_dstream_get_node (updated)->remember, ==, 6 * DS_SECOND);
  g_assert_cmpint (ds_dstream_get_node (before)->remember, ==, DS_SECOND);
  ds_test_state_run (&self, 10);
  g_assert_cmpuint (ds_dstream_get_n_remembered (updated), ==, 6);
  ds_test_state_tear_down (&self);
}

static void
test_inverse_windows_remember_no_more (void)
{
  DsTestState self;
  DsDStream *window;

  g_test_summary ("A window with an inverse belongs into checkpoints, its RDDs do not");
  ds_test_state_set_up (&self, "local");
  window = ds_dstream_reduce_by_key_and_window (self.pairs, 3 * DS_SECOND, 0, ds_add,
                                                NULL, NULL);
  ds_dstream_set_inverse (window, ds_subtract, NULL, NULL);
  ds_dstream_foreach_rdd (window, ds_test_ignore_rdd, NULL, NULL);
  ds_test_stream_start (&self.test);
  g_assert_cmpint (ds_dstream_get_checkpoint_interval (window), ==, 10 * DS_SECOND);
  g_assert_cmpint (ds_dstream_get_node (window)->remember, ==, DS_SECOND);
  ds_test_state_tear_down (&self);
}

/* Starts and expects that to fail. */
static void
assert_start_fails (DsStreamingContext *ssc, DsError code, const char *message)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (ds_streaming_context_start (ssc, &error));
  g_assert_error (error, DS_ERROR, (int) code);
  g_assert_cmpstr (error->message, ==, message);
  g_assert_cmpint (ds_streaming_context_get_state (ssc), ==, DS_STREAMING_STOPPED);
}

static void
test_state_needs_a_directory (void)
{
  DsTestStream test;
  DsDStream *pairs;

  g_test_summary ("Without a checkpoint directory a stream with state does not start");
  ds_test_stream_set_up (&test, "local");
  pairs = ds_dstream_map (ds_streaming_context_queue_stream (test.ssc), ds_pair_with_one,
                          NULL, NULL);
  ds_dstream_print (ds_dstream_map_with_state (pairs, ignore_state, NULL, NULL), 1);
  assert_start_fails (
      test.ssc, DS_ERROR_INVALID_STATE,
      "map_with_state: what this stream keeps from batch to batch goes "
      "into checkpoints, but no checkpoint directory is set; set one with "
      "ds_streaming_context_checkpoint ()");
  ds_test_stream_tear_down (&test);
}

static void
test_inverses_need_a_directory (void)
{
  DsTestStream test;
  DsDStream *window;

  g_test_summary ("Without a checkpoint directory no window with an inverse starts");
  ds_test_stream_set_up (&test, "local");
  window = ds_dstream_reduce_by_window (ds_streaming_context_queue_stream (test.ssc),
                                        2 * DS_SECOND, 0, ds_add, NULL, NULL);
  ds_dstream_set_inverse (window, ds_subtract, NULL, NULL);
  ds_dstream_print (window, 1);
  assert_start_fails (
      test.ssc, DS_ERROR_INVALID_STATE,
      "reduce_by_window: what this stream keeps from batch to batch goes "
      "into checkpoints, but no checkpoint directory is set; set one with "
      "ds_streaming_context_checkpoint ()");
  ds_test_stream_tear_down (&test);
}

static void
test_unreached_state_needs_none (void)
{
  DsTestStream test;
  DsDStream *words;

  g_test_summary ("A stream with state that no output reaches needs no directory");
  ds_test_stream_set_up (&test, "local");
  words = ds_streaming_context_queue_stream (test.ssc);
  ds_dstream_map_with_state (ds_dstream_map (words, ds_pair_with_one, NULL, NULL),
                             ignore_state, NULL, NULL);
  ds_dstream_foreach_rdd (words, ds_test_ignore_rdd, NULL, NULL);
  ds_test_stream_start (&test);
  ds_test_stream_run (&test, 2);
  ds_test_stream_tear_down (&test);
}

static void
test_intervals_have_to_fit (void)
{
  DsTestState self;
  DsDStream *updated;

  g_test_summary ("An interval is a whole number of slides, and more than 0");
  ds_test_state_set_up (&self, "local");
  updated = ds_dstream_update_state_by_key (self.pairs, keep_state, NULL, NULL);
  ds_dstream_set_name (updated, "totals");
  ds_dstream_checkpoint (updated, 2500 * DS_MILLISECOND);
  ds_dstream_print (updated, 1);
  assert_start_fails (self.test.ssc, DS_ERROR_INVALID_INTERVAL,
                      "totals: a checkpoint every 2.500 s is not a whole number of its "
                      "slides of 1.000 s; set a multiple with ds_dstream_checkpoint ()");
  ds_test_state_tear_down (&self);

  ds_test_state_set_up (&self, "local");
  ds_dstream_checkpoint (self.pairs, 500 * DS_MILLISECOND);
  ds_dstream_print (self.pairs, 1);
  assert_start_fails (self.test.ssc, DS_ERROR_INVALID_INTERVAL,
                      "map: a checkpoint every 0.500 s is not a whole number of its "
                      "slides of 1.000 s; set a multiple with ds_dstream_checkpoint ()");
  ds_test_state_tear_down (&self);

  ds_test_state_set_up (&self, "local");
  ds_dstream_checkpoint (self.pairs, 0);
  ds_dstream_print (self.pairs, 1);
  assert_start_fails (self.test.ssc, DS_ERROR_INVALID_ARGUMENT,
                      "checkpoint: the interval of stream map is 0 us; it must be more "
                      "than 0");
  ds_test_state_tear_down (&self);
}

static void
test_the_directory_is_a_setting (void)
{
  DsTestStream test;
  g_autofree char *directory = NULL;

  g_test_summary ("The directory is a property, a key and a variable; empty is none");
  g_setenv ("DS_STREAMING_CHECKPOINT_DIRECTORY", "from the environment", TRUE);
  ds_test_stream_set_up (&test, "local");
  g_unsetenv ("DS_STREAMING_CHECKPOINT_DIRECTORY");
  g_object_get (test.ssc, "checkpoint-directory", &directory, NULL);
  g_assert_cmpstr (directory, ==, "from the environment");
  ds_streaming_context_checkpoint (test.ssc, "checkpoints");
  g_free (directory);
  g_object_get (test.ssc, "checkpoint-directory", &directory, NULL);
  g_assert_cmpstr (directory, ==, "checkpoints");
  ds_streaming_context_checkpoint (test.ssc, "");
  g_assert_error (ds_streaming_context_get_build_error (test.ssc), DS_ERROR,
                  DS_ERROR_INVALID_ARGUMENT);
  ds_test_stream_tear_down (&test);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/dstream/checkpoint-rules/default-intervals", test_default_intervals);
  g_test_add_func ("/dstream/checkpoint-rules/intervals-of-streams",
                   test_intervals_of_streams);
  g_test_add_func ("/dstream/checkpoint-rules/states-are-remembered-for-two-intervals",
                   test_states_are_remembered_for_two_intervals);
  g_test_add_func ("/dstream/checkpoint-rules/state-needs-a-directory",
                   test_state_needs_a_directory);
  g_test_add_func ("/dstream/checkpoint-rules/inverse-windows-remember-no-more",
                   test_inverse_windows_remember_no_more);
  g_test_add_func ("/dstream/checkpoint-rules/inverses-need-a-directory",
                   test_inverses_need_a_directory);
  g_test_add_func ("/dstream/checkpoint-rules/unreached-state-needs-none",
                   test_unreached_state_needs_none);
  g_test_add_func ("/dstream/checkpoint-rules/intervals-have-to-fit",
                   test_intervals_have_to_fit);
  g_test_add_func ("/dstream/checkpoint-rules/the-directory-is-a-setting",
                   test_the_directory_is_a_setting);

  return g_test_run ();
}
