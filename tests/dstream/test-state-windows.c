/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Looking back at state: windows over it, and slices of it. */

#include "tests/dstream/ds-test-state.h"

static void
count (DsValue key, DsValue value, DsState *state, DsTask *task, gpointer unused)
{
  gint64 sum = ds_value_get_int (value) +
               ds_value_get_int (ds_state_get_or (state, ds_value_int (0)));

  ds_state_update (state, ds_value_int (sum));
  ds_task_emit_pair (task, key, ds_value_int (sum));
}

static void
test_windows_over_snapshots (void)
{
  DsTestState self;
  DsDStream *snapshots;
  DsOutput *tumbling;
  DsOutput *sums;

  g_test_summary (
      "A window over snapshots has those of each of its batches, however long "
      "it slides");
  ds_test_state_set_up (&self, "local[2]");
  snapshots = ds_dstream_state_snapshots (
      ds_dstream_map_with_state (self.pairs, count, NULL, NULL));
  tumbling = ds_dstream_collect (ds_dstream_tumbling_window (snapshots, 4 * DS_SECOND));
  sums = ds_dstream_collect (
      ds_dstream_reduce_by_key_and_window (snapshots, 4 * DS_SECOND, 4 * DS_SECOND,
                                           ds_add, NULL, NULL));
  ds_test_state_push (&self, "a ab a - a b ab a");
  ds_test_stream_start (&self.test);
  ds_test_state_run (&self, 8);
  ds_test_state_assert (
      tumbling, 8,
      "none | none | none | (a,1) (a,2) (a,3) (a,3) (b,1) (b,1) (b,1) | "
      "none | none | none | (a,4) (a,4) (a,5) (a,6) (b,1) (b,2) (b,3) "
      "(b,3)");
  ds_test_state_assert (sums, 8,
                        "none | none | none | (a,9) (b,3) | none | none | none | (a,19) "
                        "(b,9)");
  ds_test_state_tear_down (&self);
}

static void
count_but_b (DsValue key, DsValue value, DsState *state, DsTask *task, gpointer unused)
{
  if (ds_value_equal (key, ds_value_string ("b")))
    ds_task_fail (task, "b is unlucky");
  count (key, value, state, task, NULL);
}

static void
test_windows_over_batches_that_were_given_up (void)
{
  DsTestState self;
  DsDStream *counts;
  DsOutput *windows;
  DsOutput *mapped;
  DsOutput *sums;

  g_test_summary ("Policy continue: windows go on without a batch whose state failed");
  ds_test_state_set_up (&self, "local[2]");
  g_object_set (self.test.ssc, "failure-policy", DS_FAILURE_POLICY_CONTINUE, NULL);
  counts = ds_dstream_map_with_state (self.pairs, count_but_b, NULL, NULL);
  windows = ds_dstream_collect (ds_dstream_window (counts, 3 * DS_SECOND, 0));
  mapped = ds_dstream_collect (
      ds_dstream_window (ds_dstream_map_values (counts, ds_to_string, NULL, NULL),
                         3 * DS_SECOND, 0));
  sums = ds_dstream_collect (
      ds_dstream_reduce_by_key_and_window (counts, 3 * DS_SECOND, 0, ds_add, NULL, NULL));
  ds_test_state_push (&self, "a ab a aa a");
  ds_test_stream_start (&self.test);
  for (guint i = 1; i <= 5; i++)
    {
      ds_manual_clock_advance (self.test.clock, DS_SECOND);
      ds_streaming_context_await_batch (self.test.ssc, i * DS_SECOND, NULL);
    }
  ds_test_state_assert (windows, 5,
                        "(a,1) | none | (a,1) (a,2) | (a,2) (a,3) (a,4) | "
                        "(a,2) (a,3) (a,4) (a,5)");
  ds_test_state_assert (mapped, 5,
                        "(a,1) | none | (a,1) (a,2) | (a,2) (a,3) (a,4) | "
                        "(a,2) (a,3) (a,4) (a,5)");
  ds_test_state_assert (sums, 5, "(a,1) | none | (a,3) | (a,9) | (a,14)");
  ds_test_state_tear_down (&self);
}

/* What the RDDs of @stream from batch @from to @to have, with " | " between them. */
static char *
show_slice (DsDStream *stream, guint from, guint to)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) rdds =
      ds_dstream_slice (stream, from * DS_SECOND, to * DS_SECOND, &error);
  GString *text = g_string_new (NULL);

  g_assert_no_error (error);
  for (guint i = 0; i < rdds->len; i++)
    {
      g_autoptr (DsBlock) block = ds_rdd_collect (rdds->pdata[i], &error);
      g_autoptr (DsBlock) sorted = NULL;
      g_autofree char *values = NULL;

      g_assert_no_error (error);
      sorted = ds_block_sort (block);
      values = ds_block_to_string (sorted);
      g_string_append_printf (text, "%s%s", i > 0 ? " | " : "",
                              g_strdelimit (g_strchomp (values), "\n", ' '));
    }
  return g_string_free (text, FALSE);
}

static void
test_slices_of_state (void)
{
  DsTestState self;
  DsDStream *counts;
  DsDStream *snapshots;
  DsOutput *tumbling;
  g_autofree char *mapped = NULL;
  g_autofree char *states = NULL;

  g_test_summary ("Slices of state have what is remembered of it, as it was");
  ds_test_state_set_up (&self, "local[2]");
  counts = ds_dstream_map_with_state (self.pairs, count, NULL, NULL);
  snapshots = ds_dstream_state_snapshots (counts);
  tumbling = ds_dstream_collect (ds_dstream_tumbling_window (snapshots, 2 * DS_SECOND));
  /* Looks back further at what is mapped than at snapshots. */
  ds_dstream_foreach_rdd (ds_dstream_window (counts, 9 * DS_SECOND, DS_SECOND),
                          ds_test_ignore_rdd, NULL, NULL);
  ds_test_state_push (&self, "a ab a b a ab");
  ds_test_stream_start (&self.test);
  ds_test_state_run (&self, 6);
  mapped = show_slice (counts, 1, 6);
  g_assert_cmpstr (mapped, ==,
                   "(a,1) | (a,2) (b,1) | (a,3) | (b,2) | (a,4) | (a,5) (b,3)");
  states = show_slice (snapshots, 1, 6);
  g_assert_cmpstr (states, ==,
                   "(a,1) | (a,2) (b,1) | (a,3) (b,1) | (a,3) (b,2) | (a,4) (b,2) | "
                   "(a,5) (b,3)");
  ds_test_state_assert (tumbling, 6,
                        "none | (a,1) (a,2) (b,1) | none | (a,3) (a,3) (b,1) (b,2) | "
                        "none | (a,4) (a,5) (b,2) (b,3)");
  ds_test_state_tear_down (&self);
}

static void
test_slices_of_state_that_no_output_reaches (void)
{
  DsTestState self;
  DsDStream *streams[3];
  DsOutput *words;

  g_test_summary (
      "State that no output reaches does not move, also when it is looked at");
  ds_test_state_set_up (&self, "local[2]");
  ds_streaming_context_remember (self.test.ssc, 6 * DS_SECOND);
  streams[0] = ds_dstream_map_with_state (self.pairs, count, NULL, NULL);
  streams[1] = ds_dstream_state_snapshots (streams[0]);
  streams[2] = ds_dstream_reduce_by_key_and_window (self.pairs, 2 * DS_SECOND, 0, ds_add,
                                                    NULL, NULL);
  words = ds_dstream_collect (self.words);
  ds_test_state_push (&self, "a ab a b a");
  ds_test_stream_start (&self.test);
  ds_test_state_run (&self, 3);
  for (guint i = 0; i < G_N_ELEMENTS (streams); i++)
    {
      g_autofree char *text = show_slice (streams[i], 1, 3);

      g_assert_cmpstr (text, ==, "");
    }
  ds_test_state_run (&self, 2);
  ds_test_state_assert (words, 5, "a | a b | a | b | a");
  ds_test_state_tear_down (&self);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dstream/state-windows/windows-over-snapshots",
                   test_windows_over_snapshots);
  g_test_add_func ("/dstream/state-windows/windows-over-batches-that-were-given-up",
                   test_windows_over_batches_that_were_given_up);
  g_test_add_func ("/dstream/state-windows/slices-of-state", test_slices_of_state);
  g_test_add_func ("/dstream/state-windows/slices-of-state-that-no-output-reaches",
                   test_slices_of_state_that_no_output_reaches);
  return g_test_run ();
}
