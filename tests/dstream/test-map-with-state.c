/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/dstream/ds-test-state.h"

/* ---- Functions ---- */

/* Counts, and emits (key, count). */
static void
count (DsValue key, DsValue value, DsState *state, DsTask *task, gpointer unused)
{
  gint64 sum = ds_value_get_int (value) +
               ds_value_get_int (ds_state_get_or (state, ds_value_int (0)));

  ds_state_update (state, ds_value_int (sum));
  ds_task_emit_pair (task, key, ds_value_int (sum));
}

/* There and gone in turns; emits the key when it goes. */
static void
toggle (DsValue key, DsValue value, DsState *state, DsTask *task, gpointer unused)
{
  if (!ds_state_exists (state))
    {
      ds_state_update (state, value);
      return;
    }
  ds_state_remove (state);
  g_assert_false (ds_state_exists (state));
  ds_task_emit (task, key);
}

/* Keeps 1; emits the key when it times out. */
static void
emit_when_timing_out (DsValue key,
                      DsValue value,
                      DsState *state,
                      DsTask *task,
                      gpointer unused)
{
  if (!ds_value_is_null (value))
    ds_state_update (state, ds_value_int (1));
  if (ds_state_is_timing_out (state))
    {
      g_assert_true (ds_value_is_null (value));
      g_assert_cmpint (ds_value_get_int (ds_state_get (state)), ==, 1);
      ds_task_emit (task, key);
    }
}

/* ---- Results ---- */

static void
test_counts_over_batches (void)
{
  DsTestState self;
  DsOutput *mapped;
  DsOutput *states;
  DsDStream *counts;

  g_test_summary ("States last from batch to batch; only keys of the batch are emitted");
  ds_test_state_set_up (&self, "local[2]");
  counts = ds_dstream_map_with_state (self.pairs, count, NULL, NULL);
  mapped = ds_dstream_collect (counts);
  states = ds_dstream_collect (ds_dstream_state_snapshots (counts));
  ds_test_state_push (&self, "- a ab abc ab a -");
  ds_test_stream_start (&self.test);
  ds_test_state_run (&self, 7);
  ds_test_state_assert (
      mapped, 7, " | (a,1) | (a,2) (b,1) | (a,3) (b,2) (c,1) | (a,4) (b,3) | (a,5) | ");
  ds_test_state_assert (
      states, 7,
      " | (a,1) | (a,2) (b,1) | (a,3) (b,2) (c,1) | (a,4) (b,3) (c,1) | (a,5) (b,3) "
      "(c,1) | (a,5) (b,3) (c,1)");
  ds_test_state_tear_down (&self);
}

static void
test_is_called_once_a_record (void)
{
  DsTestState self;
  DsOutput *mapped;

  g_test_summary ("Each record of a key sees what the one before it left");
  ds_test_state_set_up (&self, "local[2]");
  mapped = ds_dstream_collect (ds_dstream_map_with_state (self.pairs, count, NULL, NULL));
  ds_test_state_push (&self, "aaa a");
  ds_test_stream_start (&self.test);
  ds_test_state_run (&self, 2);
  ds_test_state_assert (mapped, 2, "(a,1) (a,2) (a,3) | (a,4)");
  ds_test_state_tear_down (&self);
}

static void
test_removes_states (void)
{
  DsTestState self;
  DsOutput *mapped;
  DsOutput *states;
  DsDStream *toggled;

  g_test_summary ("A removed state is gone, and may come again");
  ds_test_state_set_up (&self, "local[2]");
  toggled = ds_dstream_map_with_state (self.pairs, toggle, NULL, NULL);
  ds_dstream_set_n_partitions (toggled, 1);
  mapped = ds_dstream_collect (toggled);
  states = ds_dstream_collect (ds_dstream_state_snapshots (toggled));
  ds_test_state_push (&self, "- a ab abc abc ab a aaa");
  ds_test_stream_start (&self.test);
  ds_test_state_run (&self, 8);
  ds_test_state_assert (mapped, 8, " |  | a | b | a c | b | a | a");
  ds_test_state_assert (states, 8,
                        " | (a,1) | (b,1) | (a,1) (c,1) | (b,1) | (a,1) |  | (a,1)");
  ds_test_state_tear_down (&self);
}

static void
test_times_out_in_the_batch_in_which_it_is_due (void)
{
  DsTestState self;
  DsOutput *mapped;
  DsOutput *states;
  DsDStream *stream;

  g_test_summary ("A state times out in the first batch later than touch and timeout");
  ds_test_state_set_up (&self, "local[2]");
  stream = ds_dstream_map_with_state (self.pairs, emit_when_timing_out, NULL, NULL);
  ds_dstream_set_state_timeout (stream, 3 * DS_SECOND);
  mapped = ds_dstream_collect (stream);
  states = ds_dstream_collect (ds_dstream_state_snapshots (stream));
  ds_test_state_push (&self, "abc ab a - - a a a - - - - -");
  ds_test_stream_start (&self.test);
  ds_test_state_run (&self, 13);
  ds_test_state_assert (mapped, 13, " |  |  |  | c | b |  |  |  |  |  | a | ");
  ds_test_state_assert (states, 13,
                        "(a,1) (b,1) (c,1) | (a,1) (b,1) (c,1) | (a,1) (b,1) (c,1) | "
                        "(a,1) (b,1) (c,1) | (a,1) (b,1) | (a,1) | (a,1) | (a,1) | "
                        "(a,1) | (a,1) | (a,1) |  | ");
  ds_test_state_tear_down (&self);
}

/* Never touches states on its own. */
static void
look (DsValue key, DsValue value, DsState *state, DsTask *task, gpointer unused)
{
  ds_task_emit (task,
                ds_string_printf (task, "%s%.*s@%d",
                                  ds_state_is_timing_out (state) ? "-" : "",
                                  (int) key.size, key.as.bytes,
                                  (int) (ds_state_get_updated_at (state) / DS_SECOND)));
}

static void
test_a_record_touches_a_timed_state (void)
{
  DsTestState self;
  DsOutput *mapped;
  DsDStream *stream;
  g_autoptr (DsRdd) initial = NULL;

  g_test_summary ("With a timeout any record touches; initial states count from batch 1");
  ds_test_state_set_up (&self, "local[2]");
  initial = ds_test_state_pairs (&self, "a1 b2 c3");
  stream = ds_dstream_map_with_state (self.pairs, look, NULL, NULL);
  ds_dstream_set_initial_state (stream, initial);
  ds_dstream_set_state_timeout (stream, 2 * DS_SECOND);
  mapped = ds_dstream_collect (stream);
  ds_test_state_push (&self, "- - a ax - c -");
  ds_test_stream_start (&self.test);
  ds_test_state_run (&self, 7);
  /* x has no state, so nothing touches it; b and c are gone when they have not been
   * touched by batch 3. */
  ds_test_state_assert (mapped, 7, " |  | a@1 | -b@1 -c@1 a@3 x@0 |  | c@0 | -a@4");
  ds_test_state_tear_down (&self);
}

static void
test_begins_with_initial_states (void)
{
  DsTestState self;
  DsOutput *states;
  DsDStream *counts;
  g_autoptr (DsRdd) initial = NULL;

  g_test_summary ("Initial states are there in the first batch, the last of a key");
  ds_test_state_set_up (&self, "local[2]");
  initial = ds_test_state_pairs (&self, "a1 a5 b10 c-20 d0 e");
  counts = ds_dstream_map_with_state (self.pairs, count, NULL, NULL);
  ds_dstream_set_initial_state (counts, initial);
  ds_dstream_set_n_partitions (counts, 4);
  states = ds_dstream_collect (ds_dstream_state_snapshots (counts));
  ds_test_state_push (&self, "- a abc");
  ds_test_stream_start (&self.test);
  ds_test_state_run (&self, 3);
  ds_test_state_assert (states, 3,
                        "(a,5) (b,10) (c,-20) (d,0) | (a,6) (b,10) (c,-20) (d,0) | "
                        "(a,7) (b,11) (c,-19) (d,0)");
  ds_test_state_tear_down (&self);
}

/* ---- All kinds of states, many of them ---- */

/* Appends the batch's time to a list. */
static void
append_time (DsValue key, DsValue value, DsState *state, DsTask *task, gpointer unused)
{
  DsValue before = ds_state_get_or (state, ds_value_list (NULL, 0));
  guint n_items = ds_value_get_n_items (before);
  DsValue *items = ds_task_alloc (task, (n_items + 1) * sizeof *items);

  for (guint i = 0; i < n_items; i++)
    items[i] = ds_value_get_item (before, i);
  items[n_items] = ds_value_int (ds_task_get_batch_time (task) / DS_SECOND);
  ds_state_update (state, ds_value_list (items, n_items + 1));
  ds_task_emit (task, ds_pair (task, key, before));
}

static void
test_states_are_any_values (void)
{
  DsTestState self;
  DsOutput *states;
  DsOutput *mapped;
  DsDStream *lists;

  g_test_summary ("Lists grow, and what was emitted of an older state stays as it was");
  ds_test_state_set_up (&self, "local[2]");
  lists = ds_dstream_map_with_state (self.pairs, append_time, NULL, NULL);
  mapped = ds_dstream_collect (lists);
  states = ds_dstream_collect (ds_dstream_state_snapshots (lists));
  ds_test_state_push (&self, "aa b ab");
  ds_test_stream_start (&self.test);
  ds_test_state_run (&self, 3);
  ds_test_state_assert (mapped, 3, "(a,[]) (a,[1]) | (b,[]) | (a,[1, 1]) (b,[2])");
  ds_test_state_assert (states, 3,
                        "(a,[1, 1]) | (a,[1, 1]) (b,[2]) | (a,[1, 1, 3]) (b,[2, 3])");
  ds_test_state_tear_down (&self);
}

static void
test_many_updates_of_large_states (void)
{
  DsTestState self;
  DsOutput *states;
  DsDStream *lists;
  g_autoptr (DsBlock) block = NULL;
  g_autofree DsValue *words = g_new (DsValue, 1000);
  DsBlock *last;

  g_test_summary ("A state that is replaced over and over in a batch does not pile up");
  ds_test_state_set_up (&self, "local[2]");
  lists = ds_dstream_map_with_state (self.pairs, append_time, NULL, NULL);
  states = ds_dstream_collect (ds_dstream_state_snapshots (lists));
  for (guint i = 0; i < 1000; i++)
    words[i] = ds_value_string ("k");
  block = ds_block_new (words, 1000);
  ds_dstream_push_block (self.words, block);
  ds_test_stream_start (&self.test);
  ds_test_state_run (&self, 1);
  last = ds_output_get_block (states, DS_SECOND);
  g_assert_cmpuint (ds_block_get_length (last), ==, 1);
  g_assert_cmpuint (ds_value_get_n_items (ds_pair_value (ds_block_get (last, 0))), ==,
                    1000);
  ds_test_state_tear_down (&self);
}

/* Key "0" to "9999", each once a batch. */
static void
push_many (DsTestState *self, guint n_batches)
{
  for (guint i = 0; i < n_batches; i++)
    {
      g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
      g_autoptr (DsBlock) block = NULL;

      for (guint k = 0; k < 10000; k += 1 + i)
        {
          g_autofree char *word = g_strdup_printf ("%u", k);

          ds_block_builder_add_string (builder, word);
        }
      block = ds_block_builder_end (builder);
      ds_dstream_push_block (self->words, block);
    }
}

static char *
run_many (const char *master)
{
  DsTestState self;
  DsOutput *mapped;
  DsOutput *states;
  DsDStream *counts;
  GString *text = g_string_new (NULL);

  ds_test_state_set_up (&self, master);
  counts = ds_dstream_map_with_state (self.pairs, count, NULL, NULL);
  ds_dstream_set_n_partitions (counts, 3);
  mapped = ds_dstream_collect (counts);
  states = ds_dstream_collect (ds_dstream_state_snapshots (counts));
  push_many (&self, 4);
  ds_test_stream_start (&self.test);
  ds_test_state_run (&self, 4);
  for (guint i = 1; i <= 4; i++)
    {
      g_autofree char *one =
          ds_block_to_string (ds_output_get_block (mapped, i * DS_SECOND));
      g_autofree char *two =
          ds_block_to_string (ds_output_get_block (states, i * DS_SECOND));

      g_string_append_printf (text, "%s\n%s\n", one, two);
    }
  for (guint k = 0; k < 10000; k++)
    {
      g_autofree char *expected =
          g_strdup_printf ("\n(%u,%u)\n", k,
                           1 + (k % 2 == 0) + (k % 3 == 0) + (k % 4 == 0));

      g_assert_nonnull (strstr (text->str, expected));
    }
  ds_test_state_tear_down (&self);
  return g_string_free (text, FALSE);
}

static void
test_any_number_of_workers_gives_the_same (void)
{
  g_autofree char *one = run_many ("local[1]");
  g_autofree char *two = run_many ("local[2]");
  g_autofree char *places = run_many ("loopback[2]");

  g_test_summary ("The same bytes on one worker, on two, and on two places");
  g_assert_cmpstr (one, ==, two);
  g_assert_cmpstr (one, ==, places);
}

/* ---- Failures ---- */

typedef struct
{
  gint n_failures_left; /* atomic */
} Luck;

static void
count_with_luck (DsValue key,
                 DsValue value,
                 DsState *state,
                 DsTask *task,
                 gpointer user_data)
{
  Luck *luck = user_data;

  count (key, value, state, task, NULL);
  if (ds_value_equals_string (key, "x") &&
      g_atomic_int_add (&luck->n_failures_left, -1) > 0)
    ds_task_fail (task, "x is unlucky");
}

static void
run_with_luck (DsFailurePolicy policy, int n_failures, const char *expected)
{
  DsTestState self;
  DsOutput *states;
  DsDStream *counts;
  Luck luck = { n_failures };
  g_autoptr (DsRdd) initial = NULL;
  guint n_batches = 4;

  ds_test_state_set_up (&self, "local[2]");
  g_object_set (self.test.ssc, "failure-policy", policy, "max-batch-retries", 2u, NULL);
  initial = ds_test_state_pairs (&self, "a5 z7");
  counts = ds_dstream_map_with_state (self.pairs, count_with_luck, &luck, NULL);
  ds_dstream_set_initial_state (counts, initial);
  ds_dstream_set_n_partitions (counts, 3);
  states = ds_dstream_collect (ds_dstream_state_snapshots (counts));
  ds_test_state_push (&self, "aax ab a ax");
  ds_test_stream_start (&self.test);
  for (guint i = 0; i < n_batches; i++)
    {
      ds_manual_clock_advance (self.test.clock, DS_SECOND);
      ds_streaming_context_await_batch (self.test.ssc,
                                        ds_clock_get_time (DS_CLOCK (self.test.clock)),
                                        NULL);
    }
  ds_test_state_assert (states, n_batches, expected);
  ds_test_state_tear_down (&self);
}

static void
test_a_failed_attempt_leaves_states_alone (void)
{
  g_test_summary ("A batch that is tried again counts once, initial states too");
  run_with_luck (DS_FAILURE_POLICY_RETRY, 2,
                 "(a,7) (x,1) (z,7) | (a,8) (b,1) (x,1) (z,7) | (a,9) (b,1) (x,1) (z,7) "
                 "| (a,10) (b,1) (x,2) (z,7)");
}

static void
test_a_batch_given_up_leaves_states_alone (void)
{
  g_test_summary (
      "A batch that is given up never was, initial states load with the next");
  run_with_luck (DS_FAILURE_POLICY_CONTINUE, 1,
                 "none | (a,6) (b,1) (z,7) | (a,7) (b,1) (z,7) | (a,8) (b,1) (x,1) "
                 "(z,7)");
}

typedef void (*Misuse) (DsState *state);

static void
misuse_state (DsValue key,
              DsValue value,
              DsState *state,
              DsTask *task,
              gpointer user_data)
{
  if (!ds_value_is_null (value) && ds_value_equals_string (key, "t"))
    ds_state_update (state, value);
  else
    ((Misuse) user_data) (state);
}

static void
get_nothing (DsState *state)
{
  g_assert_true (ds_value_is_null (ds_state_get (state)));
}

static void
update_removed (DsState *state)
{
  ds_state_remove (state); /* allowed: it never was */
  ds_state_update (state, ds_value_int (1));
}

static void
remove_twice (DsState *state)
{
  ds_state_update (state, ds_value_int (1));
  ds_state_update (state, ds_value_null ());
  ds_state_remove (state);
}

static void
update_timing_out (DsState *state)
{
  ds_state_update (state, ds_value_int (1));
}

static void
update_to_null_timing_out (DsState *state)
{
  ds_state_update (state, ds_value_null ()); /* the value of that call, passed on */
}

static void
remove_timing_out (DsState *state)
{
  ds_state_remove (state);
}

static void
assert_misuse_fails (Misuse misuse,
                     const char *batches,
                     DsError code,
                     const char *message)
{
  DsTestState self;
  DsDStream *stream;
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) all = g_strsplit (batches, " ", -1);

  ds_test_state_set_up (&self, "local[2]");
  stream = ds_dstream_map_with_state (self.pairs, misuse_state, (gpointer) misuse, NULL);
  ds_dstream_set_state_timeout (stream, DS_SECOND);
  ds_dstream_set_name (stream, "sessions");
  ds_dstream_foreach_rdd (stream, ds_test_ignore_rdd, NULL, NULL);
  ds_test_state_push (&self, batches);
  ds_test_stream_start (&self.test);
  ds_manual_clock_advance (self.test.clock, g_strv_length (all) * DS_SECOND);
  ds_streaming_context_await_termination (self.test.ssc, &error);
  g_assert_error (error, DS_ERROR, (int) code);
  g_assert_nonnull (strstr (error->message, message));
  g_assert_nonnull (strstr (error->message, "sessions"));
  ds_test_state_tear_down (&self);
}

static void
test_misuse_of_a_state_fails_the_task (void)
{
  g_test_summary ("Reading none, changing what was removed or times out are errors");
  assert_misuse_fails (get_nothing, "a", DS_ERROR_INVALID_STATE,
                       "value (a,1): ds_state_get: the key has no state; ask "
                       "ds_state_exists () first, or use ds_state_get_or ()");
  assert_misuse_fails (
      update_removed, "a", DS_ERROR_INVALID_ARGUMENT,
      "value (a,1): ds_state_update: the state was removed in this call");
  assert_misuse_fails (
      remove_twice, "a", DS_ERROR_INVALID_ARGUMENT,
      "value (a,1): ds_state_remove: the state was removed in this call");
  assert_misuse_fails (update_timing_out, "t - -", DS_ERROR_INVALID_ARGUMENT,
                       "value (t,null): ds_state_update: the state is timing out");
  assert_misuse_fails (update_to_null_timing_out, "t - -", DS_ERROR_INVALID_ARGUMENT,
                       "value (t,null): ds_state_update: the state is timing out");
  assert_misuse_fails (remove_timing_out, "t - -", DS_ERROR_INVALID_ARGUMENT,
                       "value (t,null): ds_state_remove: the state is timing out");
}

static void
test_values_that_are_no_pairs_fail (void)
{
  DsTestState self;
  g_autoptr (GError) error = NULL;

  g_test_summary ("State by key wants pairs");
  ds_test_state_set_up (&self, "local[2]");
  ds_dstream_foreach_rdd (ds_dstream_map_with_state (self.words, count, NULL, NULL),
                          ds_test_ignore_rdd, NULL, NULL);
  ds_test_state_push (&self, "a");
  ds_test_stream_start (&self.test);
  ds_manual_clock_advance (self.test.clock, DS_SECOND);
  ds_streaming_context_await_termination (self.test.ssc, &error);
  g_assert_error (error, DS_ERROR, DS_ERROR_TYPE);
  ds_test_state_tear_down (&self);
}

static void
test_options_that_a_stream_lacks_are_latched (void)
{
  DsTestState self;
  g_autoptr (DsRdd) initial = NULL;

  g_test_summary ("State options of other streams are mistakes that name who has them");
  ds_test_state_set_up (&self, "local[2]");
  ds_dstream_set_state_timeout (self.pairs, DS_SECOND);
  g_assert_error (ds_streaming_context_get_build_error (self.test.ssc), DS_ERROR,
                  DS_ERROR_INVALID_ARGUMENT);
  g_assert_cmpstr (ds_streaming_context_get_build_error (self.test.ssc)->message, ==,
                   "set_state_timeout: map has no such option; it is one of "
                   "map_with_state");
  ds_test_state_tear_down (&self);

  ds_test_state_set_up (&self, "local[2]");
  initial = ds_test_state_pairs (&self, "a1");
  ds_dstream_set_initial_state (self.pairs, initial);
  g_assert_cmpstr (ds_streaming_context_get_build_error (self.test.ssc)->message, ==,
                   "set_initial_state: map has no such option; it is one of "
                   "map_with_state, update_state_by_key and update_state_by_partition");
  ds_test_state_tear_down (&self);

  ds_test_state_set_up (&self, "local[2]");
  g_assert_nonnull (ds_dstream_state_snapshots (self.pairs));
  g_assert_cmpstr (ds_streaming_context_get_build_error (self.test.ssc)->message, ==,
                   "state_snapshots: the stream map has none; only what map_with_state "
                   "made has");
  ds_test_state_tear_down (&self);

  ds_test_state_set_up (&self, "local[2]");
  ds_dstream_set_state_timeout (ds_dstream_map_with_state (self.pairs, count, NULL, NULL),
                                0);
  g_assert_cmpstr (ds_streaming_context_get_build_error (self.test.ssc)->message, ==,
                   "set_state_timeout: the timeout of stream map_with_state is 0 us; it "
                   "must be a whole number of milliseconds, more than 0, as 10 * "
                   "DS_SECOND");
  ds_test_state_tear_down (&self);

  ds_test_state_set_up (&self, "local[2]");
  ds_dstream_set_state_timeout (ds_dstream_map_with_state (self.pairs, count, NULL, NULL),
                                30);
  g_assert_cmpstr (ds_streaming_context_get_build_error (self.test.ssc)->message, ==,
                   "set_state_timeout: the timeout of stream map_with_state is 30 us; it "
                   "must be a whole number of milliseconds, more than 0; times are in "
                   "microseconds: write 30 * DS_SECOND for 30 s");
  ds_test_state_tear_down (&self);
}

static void
count_destroyed (gpointer n)
{
  g_atomic_int_inc ((gint *) n);
}

static void
test_user_data_is_destroyed_once (void)
{
  DsTestState self;
  gint n_destroyed = 0;

  g_test_summary ("User data goes when neither the stream nor a step needs it");
  ds_test_state_set_up (&self, "local[2]");
  ds_dstream_foreach_rdd (ds_dstream_map_with_state (self.pairs, count, &n_destroyed,
                                                     count_destroyed),
                          ds_test_ignore_rdd, NULL, NULL);
  ds_test_state_push (&self, "a b");
  ds_test_stream_start (&self.test);
  ds_test_state_run (&self, 2);
  g_assert_cmpint (g_atomic_int_get (&n_destroyed), ==, 0);
  ds_test_state_tear_down (&self);
  g_assert_cmpint (g_atomic_int_get (&n_destroyed), ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/dstream/map-with-state/counts-over-batches",
                   test_counts_over_batches);
  g_test_add_func ("/dstream/map-with-state/is-called-once-a-record",
                   test_is_called_once_a_record);
  g_test_add_func ("/dstream/map-with-state/removes-states", test_removes_states);
  g_test_add_func ("/dstream/map-with-state/times-out-in-the-batch-in-which-it-is-due",
                   test_times_out_in_the_batch_in_which_it_is_due);
  g_test_add_func ("/dstream/map-with-state/a-record-touches-a-timed-state",
                   test_a_record_touches_a_timed_state);
  g_test_add_func ("/dstream/map-with-state/begins-with-initial-states",
                   test_begins_with_initial_states);
  g_test_add_func ("/dstream/map-with-state/states-are-any-values",
                   test_states_are_any_values);
  g_test_add_func ("/dstream/map-with-state/many-updates-of-large-states",
                   test_many_updates_of_large_states);
  g_test_add_func ("/dstream/map-with-state/any-number-of-workers-gives-the-same",
                   test_any_number_of_workers_gives_the_same);
  g_test_add_func ("/dstream/map-with-state/a-failed-attempt-leaves-states-alone",
                   test_a_failed_attempt_leaves_states_alone);
  g_test_add_func ("/dstream/map-with-state/a-batch-given-up-leaves-states-alone",
                   test_a_batch_given_up_leaves_states_alone);
  g_test_add_func ("/dstream/map-with-state/misuse-of-a-state-fails-the-task",
                   test_misuse_of_a_state_fails_the_task);
  g_test_add_func ("/dstream/map-with-state/values-that-are-no-pairs-fail",
                   test_values_that_are_no_pairs_fail);
  g_test_add_func ("/dstream/map-with-state/options-that-a-stream-lacks-are-latched",
                   test_options_that_a_stream_lacks_are_latched);
  g_test_add_func ("/dstream/map-with-state/user-data-is-destroyed-once",
                   test_user_data_is_destroyed_once);

  return g_test_run ();
}
