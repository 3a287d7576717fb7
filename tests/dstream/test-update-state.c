/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/dstream/ds-test-state.h"

static DsValue
sum_values (DsValue key,
            const DsValue *values,
            gsize n_values,
            DsValue state,
            DsTask *task,
            gpointer unused)
{
  gint64 sum = ds_value_get_int_or (state, 0);

  for (gsize i = 0; i < n_values; i++)
    sum += ds_value_get_int (values[i]);
  return ds_value_int (sum);
}

/* The state is (count, idle batches); gone after two idle ones. */
static DsValue
expire (DsValue key,
        const DsValue *values,
        gsize n_values,
        DsValue state,
        DsTask *task,
        gpointer unused)
{
  gint64 n = ds_value_is_null (state) ? 0 : ds_value_get_int (ds_pair_key (state));
  gint64 idle = ds_value_is_null (state) ? 0 : ds_value_get_int (ds_pair_value (state));

  idle = n_values > 0 ? 0 : idle + 1;
  if (idle == 2)
    return ds_value_null ();
  return ds_pair (task, ds_value_int (n + (gint64) n_values), ds_value_int (idle));
}

/* When there are values, adds the batch time. */
static DsValue
add_time (DsValue key,
          const DsValue *values,
          gsize n_values,
          DsValue state,
          DsTask *task,
          gpointer unused)
{
  gint64 sum = ds_value_get_int_or (state, 0);

  if (n_values > 0)
    sum += ds_task_get_batch_time (task) / DS_MILLISECOND;
  return ds_value_int (sum);
}

static void
run (DsUpdateStateFunc func,
     const char *initial,
     const char *batches,
     guint n_batches,
     const char *expected)
{
  DsTestState self;
  DsDStream *states;
  DsOutput *output;

  ds_test_state_set_up (&self, "local[2]");
  states = ds_dstream_update_state_by_key (self.pairs, func, NULL, NULL);
  if (initial != NULL)
    {
      g_autoptr (DsRdd) pairs = ds_test_state_pairs (&self, initial);

      ds_dstream_set_initial_state (states, pairs);
      ds_dstream_set_n_partitions (states, 2);
    }
  output = ds_dstream_collect (states);
  ds_test_state_push (&self, batches);
  ds_test_stream_start (&self.test);
  ds_test_state_run (&self, n_batches);
  ds_test_state_assert (output, n_batches, expected);
  ds_test_state_tear_down (&self);
}

static void
test_gives_all_states_each_batch (void)
{
  g_test_summary ("Every key is there in each batch, with or without new values");
  run (sum_values, NULL, "a ab abc - aa", 5,
       "(a,1) | (a,2) (b,1) | (a,3) (b,2) (c,1) | (a,3) (b,2) (c,1) | (a,5) (b,2) (c,1)");
}

static void
test_begins_with_initial_states (void)
{
  g_test_summary (
      "Initial states count as those of the batch before; the first of a key");
  run (sum_values, "a1 c2 a7", "a ab abc ab a -", 6,
       "(a,2) (c,2) | (a,3) (b,1) (c,2) | (a,4) (b,2) (c,3) | (a,5) (b,3) (c,3) | (a,6) "
       "(b,3) (c,3) | (a,6) (b,3) (c,3)");
}

static void
test_removes_and_sees_silent_keys (void)
{
  g_test_summary ("The function runs for keys without values, and null removes");
  run (expire, NULL, "ab - aca c - -", 6,
       "(a,(1,0)) (b,(1,0)) | (a,(1,1)) (b,(1,1)) | (a,(3,0)) (c,(1,0)) | (a,(3,1)) "
       "(c,(2,0)) | (c,(2,1)) | ");
}

static void
test_knows_the_time_of_the_batch (void)
{
  g_test_summary ("The task says the time of the batch");
  run (add_time, "a0 c0", "a ab abc ab a -", 6,
       "(a,1000) (c,0) | (a,3000) (b,2000) (c,0) | (a,6000) (b,5000) (c,3000) | "
       "(a,10000) (b,9000) (c,3000) | (a,15000) (b,9000) (c,3000) | (a,15000) (b,9000) "
       "(c,3000)");
}

/* ---- Batches without an RDD ---- */

/* Lets no RDD through in batches 1 and 3. */
#define TEST_TYPE_GAPS (test_gaps_get_type ())
G_DECLARE_FINAL_TYPE (TestGaps, test_gaps, TEST, GAPS, DsInputDStream)

struct _TestGaps
{
  DsInputDStream parent_instance;
};

G_DEFINE_FINAL_TYPE (TestGaps, test_gaps, DS_TYPE_INPUT_DSTREAM)

static DsRdd *
test_gaps_compute (DsInputDStream *self, DsTime time, GError **error)
{
  g_autoptr (DsBlock) block = ds_block_new_strings ("a", NULL);

  if (time == DS_SECOND || time == 3 * DS_SECOND)
    return NULL;
  return ds_context_parallelize (ds_streaming_context_get_context (
                                     ds_dstream_get_context (DS_DSTREAM (self))),
                                 block, 1);
}

static void
test_gaps_class_init (TestGapsClass *klass)
{
  DS_INPUT_DSTREAM_CLASS (klass)->compute = test_gaps_compute;
}

static void
test_gaps_init (TestGaps *self)
{
}

static void
test_no_rdd_before_the_first_values (void)
{
  DsTestState self;
  g_autoptr (DsInputDStream) input = g_object_new (TEST_TYPE_GAPS, NULL);
  DsDStream *gaps;
  DsOutput *output;

  g_test_summary ("No RDD until there are values; from then on also when there are none");
  ds_test_state_set_up (&self, "local[2]");
  gaps = ds_streaming_context_input_stream (self.test.ssc, input);
  output = ds_dstream_collect (
      ds_dstream_update_state_by_key (ds_dstream_map (gaps, ds_pair_with_one, NULL, NULL),
                                      sum_values, NULL, NULL));
  ds_test_stream_start (&self.test);
  ds_test_state_run (&self, 4);
  ds_test_state_assert (output, 4, "none | (a,1) | (a,1) | (a,2)");
  ds_test_state_tear_down (&self);
}

/* ---- Values of a key ---- */

static DsValue
keep_numbers (DsValue key,
              const DsValue *values,
              gsize n_values,
              DsValue state,
              DsTask *task,
              gpointer unused)
{
  return n_values > 0 ? ds_list_from_items (task, values, (guint) n_values) : state;
}

static void
test_values_of_a_key_come_in_one_call (void)
{
  DsTestState self;
  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
  g_autoptr (DsBlock) block = NULL;
  DsDStream *numbers;
  DsOutput *output;

  g_test_summary ("All values of a key in one call, in the order of partitions");
  ds_test_state_set_up (&self, "local[2]");
  numbers = ds_streaming_context_queue_stream (self.test.ssc);
  output = ds_dstream_collect (
      ds_dstream_update_state_by_key (numbers, keep_numbers, NULL, NULL));
  for (gint64 i = 0; i < 6; i++)
    ds_block_builder_add_pair (builder, ds_value_string (i % 2 == 0 ? "even" : "odd"),
                               ds_value_int (i));
  block = ds_block_builder_end (builder);
  ds_dstream_push_block (numbers, block);
  ds_test_stream_start (&self.test);
  ds_test_state_run (&self, 2);
  ds_test_state_assert (output, 2,
                        "(even,[0, 2, 4]) (odd,[1, 3, 5]) | (even,[0, 2, 4]) (odd,[1, "
                        "3, 5])");
  ds_test_state_tear_down (&self);
}

/* ---- Earlier batches, failures ---- */

static void
test_earlier_batches_stay_as_they_were (void)
{
  DsTestState self;
  DsDStream *states;
  DsOutput *output;
  g_autoptr (GPtrArray) rdds = NULL;
  g_autoptr (GError) error = NULL;

  g_test_summary ("A remembered RDD of states is that of its batch, however late it is "
                  "read");
  ds_test_state_set_up (&self, "local[2]");
  states = ds_dstream_update_state_by_key (self.pairs, expire, NULL, NULL);
  output = ds_dstream_foreach_rdd (states, ds_test_ignore_rdd, NULL, NULL);
  g_assert_nonnull (output);
  ds_test_state_push (&self, "ab a c - b");
  ds_test_stream_start (&self.test);
  ds_test_state_run (&self, 5);
  rdds = ds_dstream_slice (states, DS_SECOND, 5 * DS_SECOND, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (rdds->len, ==, 5);
  for (guint i = 0; i < 5; i++)
    {
      static const char *const expected[] = {
        "(a,(1,0)) (b,(1,0))", "(a,(2,0)) (b,(1,1))", "(a,(2,1)) (c,(1,0))",
        "(c,(1,1))",           "(b,(1,0))",
      };
      g_autoptr (DsBlock) block = ds_rdd_collect (g_ptr_array_index (rdds, i), &error);
      g_autoptr (DsBlock) sorted = ds_block_sort (block);
      g_autofree char *text = ds_block_to_string (sorted);

      g_assert_cmpstr (g_strdelimit (g_strchomp (text), "\n", ' '), ==, expected[i]);
    }
  ds_test_state_tear_down (&self);
}

static DsValue
sum_with_luck (DsValue key,
               const DsValue *values,
               gsize n_values,
               DsValue state,
               DsTask *task,
               gpointer user_data)
{
  if (ds_value_equals_string (key, "x") && g_atomic_int_add ((gint *) user_data, -1) > 0)
    return ds_task_fail (task, "x is unlucky");
  return sum_values (key, values, n_values, state, task, NULL);
}

static void
run_with_luck (DsFailurePolicy policy, gint n_failures, const char *expected)
{
  DsTestState self;
  DsOutput *output;
  DsDStream *states;
  g_autoptr (DsRdd) initial = NULL;

  ds_test_state_set_up (&self, "local[2]");
  g_object_set (self.test.ssc, "failure-policy", policy, "max-batch-retries", 2u, NULL);
  initial = ds_test_state_pairs (&self, "a5 x7");
  states = ds_dstream_update_state_by_key (self.pairs, sum_with_luck, &n_failures, NULL);
  ds_dstream_set_initial_state (states, initial);
  output = ds_dstream_collect (states);
  ds_test_state_push (&self, "aa ab ax");
  ds_test_stream_start (&self.test);
  for (guint i = 0; i < 3; i++)
    {
      ds_manual_clock_advance (self.test.clock, DS_SECOND);
      ds_streaming_context_await_batch (self.test.ssc,
                                        ds_clock_get_time (DS_CLOCK (self.test.clock)),
                                        NULL);
    }
  ds_test_state_assert (output, 3, expected);
  ds_test_state_tear_down (&self);
}

static void
test_failures_leave_states_alone (void)
{
  g_test_summary ("Failed attempts and batches given up leave all states as they were");
  run_with_luck (DS_FAILURE_POLICY_RETRY, 2,
                 "(a,7) (x,7) | (a,8) (b,1) (x,7) | (a,9) (b,1) (x,8)");
  run_with_luck (DS_FAILURE_POLICY_CONTINUE, 1,
                 "none | (a,6) (b,1) (x,7) | (a,7) (b,1) (x,8)");
}

/* ---- By partition ---- */

/* Sums; "b" becomes "B", "n" goes, "d" comes twice. */
static void
sum_partition (const DsStateUpdate *updates,
               gsize n_updates,
               DsTask *task,
               gpointer unused)
{
  for (gsize i = 0; i < n_updates; i++)
    {
      DsValue sum = sum_values (updates[i].key, updates[i].values, updates[i].n_values,
                                updates[i].state, task, NULL);

      if (ds_value_equals_string (updates[i].key, "b"))
        ds_task_emit_pair (task, ds_value_string ("B"), sum);
      else if (ds_value_equals_string (updates[i].key, "n"))
        ds_task_emit_pair (task, updates[i].key, ds_value_null ());
      else
        ds_task_emit (task, ds_pair (task, updates[i].key, sum));
      if (ds_value_equals_string (updates[i].key, "d"))
        ds_task_emit_pair (task, updates[i].key, ds_value_int (100));
    }
}

static void
test_by_partition (void)
{
  DsTestState self;
  DsDStream *states;
  DsOutput *output;
  g_autoptr (DsRdd) initial = NULL;

  g_test_summary ("A partition at once: keys may change, and what is not emitted goes");
  ds_test_state_set_up (&self, "local[2]");
  initial = ds_test_state_pairs (&self, "a1 n5");
  states = ds_dstream_update_state_by_partition (self.pairs, sum_partition, NULL, NULL);
  ds_dstream_set_initial_state (states, initial);
  ds_dstream_set_n_partitions (states, 1);
  output = ds_dstream_collect (states);
  ds_test_state_push (&self, "a ab d - n");
  ds_test_stream_start (&self.test);
  ds_test_state_run (&self, 5);
  ds_test_state_assert (output, 5,
                        "(a,2) | (B,1) (a,3) | (B,1) (a,3) (d,1) (d,100) | (B,1) (a,3) "
                        "(d,1) (d,100) | (B,1) (a,3) (d,1) (d,100)");
  ds_test_state_tear_down (&self);
}

/* 2 with values, then 1, then gone. */
static void
count_down (const DsStateUpdate *updates, gsize n_updates, DsTask *task, gpointer unused)
{
  for (gsize i = 0; i < n_updates; i++)
    {
      gint64 left = updates[i].n_values > 0 ? 2 : ds_value_get_int (updates[i].state) - 1;

      if (left > 0)
        ds_task_emit_pair (task, updates[i].key, ds_value_int (left));
    }
}

static void
test_by_partition_a_key_comes_again (void)
{
  DsTestState self;
  DsOutput *output;

  g_test_summary ("A key that has gone comes again as itself");
  ds_test_state_set_up (&self, "local[2]");
  output = ds_dstream_collect (
      ds_dstream_update_state_by_partition (self.pairs, count_down, NULL, NULL));
  ds_test_state_push (&self, "a - - a - -");
  ds_test_stream_start (&self.test);
  ds_test_state_run (&self, 6);
  ds_test_state_assert (output, 6, "(a,2) | (a,1) |  | (a,2) | (a,1) | ");
  ds_test_state_tear_down (&self);
}

static void
emit_no_pair (const DsStateUpdate *updates,
              gsize n_updates,
              DsTask *task,
              gpointer unused)
{
  ds_task_emit (task, ds_value_int (1));
}

static void
test_a_partition_that_emits_no_pairs_fails (void)
{
  DsTestState self;
  g_autoptr (GError) error = NULL;

  g_test_summary ("States are pairs");
  ds_test_state_set_up (&self, "local[2]");
  ds_dstream_foreach_rdd (ds_dstream_update_state_by_partition (self.pairs, emit_no_pair,
                                                                NULL, NULL),
                          ds_test_ignore_rdd, NULL, NULL);
  ds_test_state_push (&self, "a");
  ds_test_stream_start (&self.test);
  ds_manual_clock_advance (self.test.clock, DS_SECOND);
  ds_streaming_context_await_termination (self.test.ssc, &error);
  g_assert_error (error, DS_ERROR, DS_ERROR_TYPE);
  ds_test_state_tear_down (&self);
}

static DsBlock *
sum_block (DsBlock *block, DsTask *task, gpointer unused, GError **error)
{
  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();

  for (gsize i = 0; i < ds_block_get_length (block); i++)
    {
      DsValue given = ds_block_get (block, i);
      gint64 sum = ds_value_get_n_items (ds_value_get_item (given, 1)) +
                   ds_value_get_int_or (ds_value_get_item (given, 2), 0);

      ds_block_builder_add_pair (builder, ds_value_get_item (given, 0),
                                 sum == 3 ? ds_value_null () : ds_value_int (sum));
    }
  return ds_block_builder_end (builder);
}

static void
test_blocks_of_keys (void)
{
  DsTestState self;
  DsOutput *output;

  g_test_summary ("The twin for blocks: keys, lists and states in, pairs out");
  ds_test_state_set_up (&self, "local[2]");
  output = ds_dstream_collect (
      ds_dstream_update_state_by_key_blocks (self.pairs, sum_block, NULL, NULL));
  ds_test_state_push (&self, "aab b ac -");
  ds_test_stream_start (&self.test);
  ds_test_state_run (&self, 4);
  ds_test_state_assert (output, 4,
                        "(a,2) (b,1) | (a,2) (b,2) | (b,2) (c,1) | (b,2) (c,1)");
  ds_test_state_tear_down (&self);
}

static void
test_joins_without_a_shuffle (void)
{
  DsTestState self;
  DsDStream *states;
  DsDStream *moved;
  DsOutput *output;

  g_test_summary ("States know their partitioner; without the flag nobody relies on it");
  ds_test_state_set_up (&self, "local[2]");
  states = ds_dstream_update_state_by_key (self.pairs, sum_values, NULL, NULL);
  moved = ds_dstream_update_state_by_key (self.pairs, sum_values, NULL, NULL);
  ds_dstream_set_preserves_partitioning (moved, FALSE);
  output = ds_dstream_collect (
      ds_dstream_join (ds_dstream_reduce_by_key (states, ds_add, NULL, NULL),
                       ds_dstream_reduce_by_key (moved, ds_add, NULL, NULL)));
  ds_test_state_push (&self, "ab a");
  ds_test_stream_start (&self.test);
  ds_test_state_run (&self, 2);
  ds_test_state_assert (output, 2, "(a,(1,1)) (b,(1,1)) | (a,(2,2)) (b,(1,1))");
  ds_test_state_tear_down (&self);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/dstream/update-state/gives-all-states-each-batch",
                   test_gives_all_states_each_batch);
  g_test_add_func ("/dstream/update-state/begins-with-initial-states",
                   test_begins_with_initial_states);
  g_test_add_func ("/dstream/update-state/removes-and-sees-silent-keys",
                   test_removes_and_sees_silent_keys);
  g_test_add_func ("/dstream/update-state/knows-the-time-of-the-batch",
                   test_knows_the_time_of_the_batch);
  g_test_add_func ("/dstream/update-state/no-rdd-before-the-first-values",
                   test_no_rdd_before_the_first_values);
  g_test_add_func ("/dstream/update-state/values-of-a-key-come-in-one-call",
                   test_values_of_a_key_come_in_one_call);
  g_test_add_func ("/dstream/update-state/earlier-batches-stay-as-they-were",
                   test_earlier_batches_stay_as_they_were);
  g_test_add_func ("/dstream/update-state/failures-leave-states-alone",
                   test_failures_leave_states_alone);
  g_test_add_func ("/dstream/update-state/by-partition", test_by_partition);
  g_test_add_func ("/dstream/update-state/by-partition-a-key-comes-again",
                   test_by_partition_a_key_comes_again);
  g_test_add_func ("/dstream/update-state/a-partition-that-emits-no-pairs-fails",
                   test_a_partition_that_emits_no_pairs_fails);
  g_test_add_func ("/dstream/update-state/blocks-of-keys", test_blocks_of_keys);
  g_test_add_func ("/dstream/update-state/joins-without-a-shuffle",
                   test_joins_without_a_shuffle);

  return g_test_run ();
}
