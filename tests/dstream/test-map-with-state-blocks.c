/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* map_with_state_blocks, the twin for other languages. */

#include "tests/dstream/ds-test-state.h"

/* Counts; emits what it was given; removes at 3. */
static DsBlock *
count_block (DsBlock *block, DsTask *task, gpointer unused, GError **error)
{
  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();

  for (gsize i = 0; i < ds_block_get_length (block); i++)
    {
      DsValue given = ds_block_get (block, i);
      gint64 sum = ds_value_get_n_items (ds_value_get_item (given, 1)) +
                   ds_value_get_int_or (ds_value_get_item (given, 2), 0);
      DsValue items[3] = { ds_value_get_item (given, 0),
                           sum == 3 ? ds_value_null () : ds_value_int (sum),
                           ds_value_list (&given, 1) };

      ds_block_builder_add (builder, ds_value_tuple (items, 3));
    }
  return ds_block_builder_end (builder);
}

static void
test_blocks_of_keys (void)
{
  DsTestState self;
  DsDStream *counts;
  DsOutput *mapped;
  DsOutput *states;

  g_test_summary ("The twin for blocks sees touched and timing-out keys, once each");
  ds_test_state_set_up (&self, "local[2]");
  counts = ds_dstream_map_with_state_blocks (self.pairs, count_block, NULL, NULL);
  ds_dstream_set_state_timeout (counts, DS_SECOND);
  mapped = ds_dstream_collect (counts);
  states = ds_dstream_collect (ds_dstream_state_snapshots (counts));
  ds_test_state_push (&self, "aab a b -");
  ds_test_stream_start (&self.test);
  ds_test_state_run (&self, 4);
  ds_test_state_assert (mapped, 4,
                        "(a,[1, 1],null,false) (b,[1],null,false) | (a,[1],2,false) | "
                        "(b,[1],1,false) | ");
  ds_test_state_assert (states, 4, "(a,2) (b,1) | (b,1) | (b,2) | (b,2)");
  ds_test_state_tear_down (&self);
}

static void
test_blocks_time_out (void)
{
  DsTestState self;
  DsDStream *counts;
  DsOutput *mapped;

  g_test_summary ("A key that times out comes once more, without values, and goes");
  ds_test_state_set_up (&self, "local[2]");
  counts = ds_dstream_map_with_state_blocks (self.pairs, count_block, NULL, NULL);
  ds_dstream_set_state_timeout (counts, DS_SECOND);
  mapped = ds_dstream_collect (counts);
  ds_test_state_push (&self, "a - - a");
  ds_test_stream_start (&self.test);
  ds_test_state_run (&self, 4);
  ds_test_state_assert (mapped, 4,
                        "(a,[1],null,false) |  | (a,[],1,true) | (a,[1],null,false)");
  ds_test_state_tear_down (&self);
}

static DsBlock *
return_foreign_key (DsBlock *block, DsTask *task, gpointer unused, GError **error)
{
  DsValue items[3] = { ds_value_string ("foreign"), ds_value_int (1),
                       ds_value_list (NULL, 0) };
  DsValue tuple = ds_value_tuple (items, 3);

  return ds_block_new (&tuple, ds_block_get_length (block) > 0);
}

static DsBlock *
return_pairs (DsBlock *block, DsTask *task, gpointer unused, GError **error)
{
  DsValue items[2] = { ds_value_string ("a"), ds_value_int (1) };
  DsValue tuple = ds_value_tuple (items, 2);

  return ds_block_new (&tuple, ds_block_get_length (block) > 0);
}

static DsBlock *
return_nothing (DsBlock *block, DsTask *task, gpointer unused, GError **error)
{
  return NULL;
}

static void
assert_block_func_fails (DsBlockFunc func, const char *message)
{
  DsTestState self;
  g_autoptr (GError) error = NULL;

  ds_test_state_set_up (&self, "local[2]");
  ds_dstream_foreach_rdd (ds_dstream_map_with_state_blocks (self.pairs, func, NULL, NULL),
                          ds_test_ignore_rdd, NULL, NULL);
  ds_test_state_push (&self, "a");
  ds_test_stream_start (&self.test);
  ds_manual_clock_advance (self.test.clock, DS_SECOND);
  ds_streaming_context_await_termination (self.test.ssc, &error);
  g_assert_error (error, DS_ERROR, DS_ERROR_USER_FUNCTION);
  g_assert_nonnull (strstr (error->message, message));
  ds_test_state_tear_down (&self);
}

static void
test_wrong_blocks_fail (void)
{
  g_test_summary ("A block of another form, a key not given, and none are failures");
  assert_block_func_fails (return_foreign_key,
                           "a state for the key foreign, which it was not given");
  assert_block_func_fails (return_pairs,
                           "returned (a,1); it has to return tuples of three");
  assert_block_func_fails (return_nothing, "gave no result and no error");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/dstream/map-with-state-blocks/keys", test_blocks_of_keys);
  g_test_add_func ("/dstream/map-with-state-blocks/time-outs", test_blocks_time_out);
  g_test_add_func ("/dstream/map-with-state-blocks/wrong-ones-fail",
                   test_wrong_blocks_fail);

  return g_test_run ();
}
