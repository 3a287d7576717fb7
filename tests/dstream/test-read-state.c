/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reading state from outside, while batches run. */

#include "tests/dstream/ds-test-state.h"

static void
count (DsValue key, DsValue value, DsState *state, DsTask *task, gpointer unused)
{
  gint64 sum = ds_value_get_int (value) +
               ds_value_get_int (ds_state_get_or (state, ds_value_int (0)));

  ds_state_update (state, ds_value_int (sum));
}

/* Waits where the word "w" comes. */
typedef struct
{
  DsTestGate arrived;
  DsTestGate go_on;
} Held;

static void
count_and_wait (DsValue key,
                DsValue value,
                DsState *state,
                DsTask *task,
                gpointer user_data)
{
  Held *held = user_data;

  count (key, value, state, task, NULL);
  if (ds_value_equals_string (key, "w"))
    {
      ds_test_gate_add (&held->arrived, 1);
      ds_test_gate_await (&held->go_on, 1);
    }
}

static void
assert_sorted (DsBlock *block, const char *expected)
{
  g_autoptr (DsBlock) sorted = ds_block_sort (block);
  g_autofree char *text = ds_block_to_string (sorted);

  g_assert_cmpstr (g_strdelimit (g_strchomp (text), "\n", ' '), ==, expected);
}

static void
assert_scan (DsDStream *stream, const char *prefix, const char *expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DsBlock) block = ds_dstream_scan_state (stream, prefix, 100, &error);

  g_assert_no_error (error);
  assert_sorted (block, expected);
}

static void
test_reads_the_last_completed_batch (void)
{
  DsTestState self;
  Held held = { 0 };
  DsDStream *counts;
  g_autoptr (GError) error = NULL;

  g_test_summary ("While a batch runs, readers see the one before it, and do not wait");
  ds_test_state_set_up (&self, "local[2]");
  counts = ds_dstream_map_with_state (self.pairs, count_and_wait, &held, NULL);
  ds_dstream_set_n_partitions (counts, 3);
  ds_dstream_foreach_rdd (counts, ds_test_ignore_rdd, NULL, NULL);
  ds_test_state_push (&self, "abc abd aawx");
  ds_test_stream_start (&self.test);
  ds_test_state_run (&self, 2);
  assert_scan (counts, NULL, "(a,2) (b,2) (c,1) (d,1)");

  ds_manual_clock_advance (self.test.clock, DS_SECOND);
  ds_test_gate_await (&held.arrived, 1);
  assert_scan (counts, NULL, "(a,2) (b,2) (c,1) (d,1)");
  ds_test_gate_add (&held.go_on, 1);
  ds_streaming_context_await_batch (self.test.ssc, 3 * DS_SECOND, &error);
  g_assert_no_error (error);
  assert_scan (counts, NULL, "(a,4) (b,2) (c,1) (d,1) (w,1) (x,1)");

  ds_streaming_context_stop (self.test.ssc, DS_STOP_NOW, &error);
  g_assert_no_error (error);
  assert_scan (counts, "w", "(w,1)");
  ds_test_state_tear_down (&self);
}

static void
test_looks_up_keys (void)
{
  DsTestState self;
  DsDStream *counts;
  g_autoptr (DsBlock) keys = ds_block_new_strings ("c", "missing", "a", "c", NULL);
  g_autoptr (DsBlock) found = NULL;
  g_autoptr (GError) error = NULL;

  g_test_summary ("Keys are found in the order asked for, those without state left out");
  ds_test_state_set_up (&self, "local[2]");
  counts = ds_dstream_map_with_state (self.pairs, count, NULL, NULL);
  ds_dstream_set_n_partitions (counts, 3);
  ds_dstream_foreach_rdd (counts, ds_test_ignore_rdd, NULL, NULL);
  ds_test_state_push (&self, "abca");
  ds_test_stream_start (&self.test);
  ds_test_state_run (&self, 1);
  found = ds_dstream_lookup_state (counts, keys, &error);
  g_assert_no_error (error);
  ds_assert_block_in_order (found, "(c,1)", "(a,2)", "(c,1)", NULL);
  ds_test_state_tear_down (&self);
}

static guint
choose_partition (DsValue key, guint n_partitions, DsTask *task, gpointer unused)
{
  gsize n_bytes;

  return (guint) ds_value_get_string (key, &n_bytes)[0] % n_partitions;
}

static void
test_asks_the_partitioner_of_the_program (void)
{
  DsTestState self;
  DsDStream *counts;
  g_autoptr (DsPartitioner) partitioner =
      ds_partitioner_new (5, choose_partition, NULL, NULL);
  g_autoptr (DsBlock) keys = ds_block_new_strings ("a", "b", "c", "d", NULL);
  g_autoptr (DsBlock) wrong = ds_block_new_ints (1);
  g_autoptr (DsBlock) found = NULL;
  g_autoptr (GError) error = NULL;

  g_test_summary ("Keys are looked up where the program's partitioner puts them");
  ds_test_state_set_up (&self, "local[2]");
  counts = ds_dstream_map_with_state (self.pairs, count, NULL, NULL);
  ds_dstream_set_partitioner (counts, partitioner);
  ds_dstream_foreach_rdd (counts, ds_test_ignore_rdd, NULL, NULL);
  ds_test_state_push (&self, "abcd");
  ds_test_stream_start (&self.test);
  ds_test_state_run (&self, 1);
  found = ds_dstream_lookup_state (counts, keys, &error);
  g_assert_no_error (error);
  ds_assert_block_in_order (found, "(a,1)", "(b,1)", "(c,1)", "(d,1)", NULL);
  g_assert_null (ds_dstream_lookup_state (counts, wrong, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_TYPE);
  ds_test_state_tear_down (&self);
}

static DsValue
sum_values (DsValue key,
            const DsValue *values,
            gsize n_values,
            DsValue state,
            DsTask *task,
            gpointer unused)
{
  return ds_value_int (ds_value_get_int_or (state, 0) + (gint64) n_values);
}

static void
test_scans_and_ranks (void)
{
  DsTestState self;
  DsDStream *sums;
  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
  g_autoptr (DsBlock) words = NULL;
  g_autoptr (DsBlock) top = NULL;
  g_autoptr (DsBlock) all = NULL;
  g_autoptr (DsBlock) few = NULL;
  g_autoptr (GError) error = NULL;

  g_test_summary ("By prefix, with a limit; the largest states first");
  ds_test_state_set_up (&self, "local[2]");
  sums = ds_dstream_update_state_by_key (self.pairs, sum_values, NULL, NULL);
  ds_dstream_foreach_rdd (sums, ds_test_ignore_rdd, NULL, NULL);
  for (guint i = 0; i < 3000; i++) /* k<i> i + 1 times for the first 50, else once */
    for (guint k = 0; k <= (i < 50 ? i : 0); k++)
      {
        g_autofree char *word = g_strdup_printf ("%c%u", i % 2 == 0 ? 'e' : 'o', i);

        ds_block_builder_add_string (builder, word);
      }
  words = ds_block_builder_end (builder);
  ds_dstream_push_block (self.words, words);
  ds_test_stream_start (&self.test);
  ds_test_state_run (&self, 1);

  top = ds_dstream_top_state (sums, 4, &error);
  g_assert_no_error (error);
  ds_assert_block_in_order (top, "(o49,50)", "(e48,49)", "(o47,48)", "(e46,47)", NULL);
  all = ds_dstream_top_state (sums, G_MAXSIZE, &error);
  g_assert_cmpuint (ds_block_get_length (all), ==, 3000);
  few = ds_dstream_scan_state (sums, "o", 7, &error);
  g_assert_cmpuint (ds_block_get_length (few), ==, 7);
  for (gsize i = 0; i < 7; i++)
    g_assert_true (ds_value_has_prefix (ds_pair_key (ds_block_get (few, i)), "o"));
  assert_scan (sums, "o49", "(o49,50) (o491,1) (o493,1) (o495,1) (o497,1) (o499,1)");
  ds_test_state_tear_down (&self);
}

static void
test_what_cannot_be_read_is_an_error (void)
{
  DsTestState self;
  DsDStream *counts;
  DsDStream *inert;
  g_autoptr (DsBlock) keys = ds_block_new_strings ("a", NULL);
  g_autoptr (GError) error = NULL;

  g_test_summary ("A stream without state, before the first batch, a wrong call");
  ds_test_state_set_up (&self, "local[2]");
  counts = ds_dstream_map_with_state (self.pairs, count, NULL, NULL);
  ds_dstream_foreach_rdd (counts, ds_test_ignore_rdd, NULL, NULL);

  g_assert_null (ds_dstream_lookup_state (self.pairs, keys, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT);
  g_assert_cmpstr (error->message, ==,
                   "lookup_state: stream map has no state; map_with_state, "
                   "update_state_by_key and update_state_by_partition have");
  g_clear_error (&error);
  g_assert_null (ds_dstream_scan_state (counts, "a", 1, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_STATE);
  g_clear_error (&error);

  ds_test_stream_start (&self.test);
  g_assert_null (ds_dstream_top_state (counts, 1, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_STATE);
  g_clear_error (&error);
  ds_test_state_tear_down (&self);

  ds_test_state_set_up (&self, "local[2]");
  inert = ds_dstream_state_snapshots (self.words);
  g_assert_null (ds_dstream_top_state (inert, 1, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_STATE);
  ds_test_state_tear_down (&self);
}

/* ---- Many readers beside many batches ---- */

#define N_KEYS 500

typedef struct
{
  DsDStream *stream;
  gint done; /* atomic */
} Readers;

/* Every batch adds 1 to each of N_KEYS keys: all are alike, whenever one looks. */
static gpointer
read_again_and_again (gpointer data)
{
  Readers *readers = data;
  gint64 last = 0;

  while (g_atomic_int_get (&readers->done) == 0)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (DsBlock) block =
          ds_dstream_scan_state (readers->stream, NULL, G_MAXSIZE, &error);
      gint64 first;

      if (block == NULL) /* the first batch is not completed */
        {
          g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_STATE);
          continue;
        }
      g_assert_cmpuint (ds_block_get_length (block), ==, N_KEYS);
      first = ds_value_get_int (ds_pair_value (ds_block_get (block, 0)));
      g_assert_cmpint (first, >=, last);
      last = first;
      for (gsize i = 0; i < N_KEYS; i++)
        g_assert_cmpint (ds_value_get_int (ds_pair_value (ds_block_get (block, i))), ==,
                         first);
    }
  return NULL;
}

static void
test_readers_see_whole_batches (void)
{
  DsTestState self;
  Readers readers = { NULL, 0 };
  GThread *threads[2];

  g_test_summary ("A scan beside running batches sees a batch whole or not at all");
  ds_test_state_set_up (&self, "local[2]");
  readers.stream = ds_dstream_map_with_state (self.pairs, count, NULL, NULL);
  ds_dstream_set_n_partitions (readers.stream, 2);
  ds_dstream_foreach_rdd (readers.stream, ds_test_ignore_rdd, NULL, NULL);
  for (guint batch = 0; batch < 40; batch++)
    {
      g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
      g_autoptr (DsBlock) block = NULL;

      for (gint64 i = 0; i < N_KEYS; i++)
        ds_block_builder_add_int (builder, i);
      block = ds_block_builder_end (builder);
      ds_dstream_push_block (self.words, block);
    }
  ds_test_stream_start (&self.test);
  for (guint i = 0; i < 2; i++)
    threads[i] = g_thread_new ("reader", read_again_and_again, &readers);
  ds_test_state_run (&self, 40);
  g_atomic_int_set (&readers.done, 1);
  for (guint i = 0; i < 2; i++)
    g_thread_join (threads[i]);
  ds_test_state_tear_down (&self);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/dstream/read-state/reads-the-last-completed-batch",
                   test_reads_the_last_completed_batch);
  g_test_add_func ("/dstream/read-state/looks-up-keys", test_looks_up_keys);
  g_test_add_func ("/dstream/read-state/asks-the-partitioner-of-the-program",
                   test_asks_the_partitioner_of_the_program);
  g_test_add_func ("/dstream/read-state/scans-and-ranks", test_scans_and_ranks);
  g_test_add_func ("/dstream/read-state/what-cannot-be-read-is-an-error",
                   test_what_cannot_be_read_is_an_error);
  g_test_add_func ("/dstream/read-state/readers-see-whole-batches",
                   test_readers_see_whole_batches);

  return g_test_run ();
}
