/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/dstream/ds-test-stream.h"

/* Batches of pairs (key, value): a:1 b:2 a:3 | nothing. */
typedef struct
{
  DsTestStream test;
  DsDStream *pairs;
} Fixture;

static void
set_up (Fixture *fixture)
{
  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
  g_autoptr (DsBlock) block = NULL;

  ds_test_stream_set_up (&fixture->test, "local[2]");
  fixture->pairs = ds_streaming_context_queue_stream (fixture->test.ssc);
  ds_block_builder_add_pair (builder, ds_value_string ("a"), ds_value_int (1));
  ds_block_builder_add_pair (builder, ds_value_string ("b"), ds_value_int (2));
  ds_block_builder_add_pair (builder, ds_value_string ("a"), ds_value_int (3));
  block = ds_block_builder_end (builder);
  ds_dstream_push_block (fixture->pairs, block);
}

/* Runs two batches; what they gave, sorted, one value a line. */
static void
assert_gives (Fixture *fixture, DsDStream *result, const char *first, const char *second)
{
  DsOutput *values = ds_dstream_collect (result);
  const char *expected[] = { first, second };

  ds_test_stream_start (&fixture->test);
  ds_test_stream_run (&fixture->test, 2);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (DsBlock) sorted =
          ds_block_sort (ds_output_get_block (values, (i + 1) * DS_SECOND));
      g_autofree char *text = ds_block_to_string (sorted);

      g_assert_cmpstr (g_strdelimit (g_strchomp (text), "\n", '|'), ==, expected[i]);
    }
  ds_test_stream_tear_down (&fixture->test);
}

static void
test_count_gives_zero_for_nothing (void)
{
  Fixture fixture;

  g_test_summary ("count gives one number a batch, 0 for an empty one");
  set_up (&fixture);
  assert_gives (&fixture, ds_dstream_count (fixture.pairs), "3", "0");
}

static void
test_count_by_value_counts_keys (void)
{
  Fixture fixture;
  DsDStream *counts;

  g_test_summary ("count_by_value gives (value, n), nothing for nothing");
  set_up (&fixture);
  counts =
      ds_dstream_count_by_value (ds_dstream_map (fixture.pairs, ds_to_key, NULL, NULL));
  ds_dstream_set_n_partitions (counts, 3);
  assert_gives (&fixture, counts, "(a,2)|(b,1)", "");
}

static void
test_reduce_gives_nothing_for_nothing (void)
{
  Fixture fixture;

  g_test_summary ("reduce gives one value a batch, none for an empty one");
  set_up (&fixture);
  assert_gives (&fixture,
                ds_dstream_reduce (ds_dstream_map (fixture.pairs, ds_to_value, NULL,
                                                   NULL),
                                   ds_add, NULL, NULL),
                "6", "");
}

static void
test_reduce_by_key_gives_one_a_key (void)
{
  Fixture fixture;

  g_test_summary ("reduce_by_key gives one pair a key");
  set_up (&fixture);
  assert_gives (&fixture, ds_dstream_reduce_by_key (fixture.pairs, ds_add, NULL, NULL),
                "(a,4)|(b,2)", "");
}

static DsValue
concatenate (DsValue a, DsValue b, DsTask *task, gpointer unused)
{
  g_autofree char *text_a = ds_value_dup_string (a);
  g_autofree char *text_b = ds_value_dup_string (b);

  return ds_string_printf (task, "%s%s", text_a, text_b);
}

static DsValue
pair_with_k (DsValue value, DsTask *task, gpointer unused)
{
  return ds_pair (task, ds_value_string ("k"), value);
}

static void
test_reductions_meet_values_in_their_order (void)
{
  g_test_summary ("An associative function is enough: the earlier value comes first");

  DsTestStream test;
  DsDStream *parts[3];

  ds_test_stream_set_up (&test, "local[2]");
  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    parts[i] = ds_streaming_context_queue_stream (test.ssc);

  DsDStream *letters = ds_streaming_context_union (test.ssc, parts, G_N_ELEMENTS (parts));
  DsDStream *pairs = ds_dstream_map (letters, pair_with_k, NULL, NULL);
  DsOutput *all =
      ds_dstream_collect (ds_dstream_reduce (letters, concatenate, NULL, NULL));
  DsOutput *by_key =
      ds_dstream_collect (ds_dstream_reduce_by_key (pairs, concatenate, NULL, NULL));
  DsOutput *first =
      ds_dstream_collect (ds_dstream_reduce_by_key (pairs, ds_keep_first, NULL, NULL));
  DsOutput *last =
      ds_dstream_collect (ds_dstream_reduce_by_key_op (pairs, DS_REDUCTION_LAST));

  ds_test_stream_push (parts[0], "a", "b", "c", "d", "e", NULL);
  ds_test_stream_push (parts[1], "f", NULL);
  ds_test_stream_push (parts[2], "g", "h", "i", NULL);
  ds_test_stream_start (&test);
  ds_test_stream_run (&test, 1);

  ds_assert_block (ds_output_get_block (all, DS_SECOND), "abcdefghi", NULL);
  ds_assert_block (ds_output_get_block (by_key, DS_SECOND), "(k,abcdefghi)", NULL);
  ds_assert_block (ds_output_get_block (first, DS_SECOND), "(k,a)", NULL);
  ds_assert_block (ds_output_get_block (last, DS_SECOND), "(k,i)", NULL);
  ds_test_stream_tear_down (&test);
}

static void
test_reduce_by_key_op_names_the_reduction (void)
{
  Fixture fixture;

  g_test_summary ("reduce_by_key_op does so by the name of the reduction");
  set_up (&fixture);
  assert_gives (&fixture, ds_dstream_reduce_by_key_op (fixture.pairs, DS_REDUCTION_MAX),
                "(a,3)|(b,2)", "");
}

/* The sums of two letters. */
static DsBlock *
add_letters (DsBlock *block, DsTask *task, gpointer n_calls, GError **error)
{
  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
  gint64 sums[2] = { 0 };

  g_atomic_int_inc ((gint *) n_calls);
  for (gsize i = 0; i < ds_block_get_length (block); i++)
    {
      DsValue key;
      DsValue value;

      ds_block_get_pair (block, i, &key, &value);
      sums[*ds_value_get_string (key, NULL) - 'a'] += ds_value_get_int (value);
    }
  for (guint i = 0; i < G_N_ELEMENTS (sums); i++)
    if (sums[i] > 0)
      ds_block_builder_add_pair (builder, ds_value_string (i == 0 ? "a" : "b"),
                                 ds_value_int (sums[i]));
  return ds_block_builder_end (builder);
}

static void
test_reduce_by_key_blocks_sees_many (void)
{
  Fixture fixture;
  gint n_calls = 0;

  g_test_summary ("reduce_by_key_blocks hands pairs over block by block");
  set_up (&fixture);
  assert_gives (&fixture,
                ds_dstream_reduce_by_key_blocks (fixture.pairs, add_letters, &n_calls,
                                                 NULL),
                "(a,4)|(b,2)", "");
  g_assert_cmpint (n_calls, >, 0);
  g_assert_cmpint (n_calls, <=, 4); /* at most once a partition on either side */
}

static void
test_group_by_key_makes_lists (void)
{
  Fixture fixture;

  g_test_summary ("group_by_key collects the values of a key in the order of partitions");
  set_up (&fixture);
  assert_gives (&fixture, ds_dstream_group_by_key (fixture.pairs), "(a,[1, 3])|(b,[2])",
                "");
}

static DsValue
start_text (DsValue value, DsTask *task, gpointer prefix)
{
  return ds_string_printf (task, "%s%d", (const char *) prefix,
                           (int) ds_value_get_int (value));
}

static DsValue
add_to_text (DsValue text, DsValue value, DsTask *task, gpointer unused)
{
  g_autofree char *old = ds_value_to_string (text);

  return ds_string_printf (task, "%s+%d", old, (int) ds_value_get_int (value));
}

static DsValue
join_texts (DsValue a, DsValue b, DsTask *task, gpointer unused)
{
  g_autofree char *first = ds_value_to_string (a);
  g_autofree char *second = ds_value_to_string (b);

  return ds_string_printf (task, "%s&%s", first, second);
}

static void
test_combine_by_key_uses_all_three (void)
{
  Fixture fixture;

  g_test_summary ("combine_by_key creates, merges values, and merges across partitions");
  set_up (&fixture);
  assert_gives (&fixture,
                ds_dstream_combine_by_key (fixture.pairs, start_text, add_to_text,
                                           join_texts, g_strdup ("#"), g_free),
                "(a,#1&#3)|(b,#2)", "");
}

static DsValue
double_it (DsValue value, DsTask *task, gpointer unused)
{
  return ds_value_int (2 * ds_value_get_int (value));
}

static void
repeat_it (DsValue value, DsTask *task, gpointer unused)
{
  for (gint64 i = 1; i < ds_value_get_int (value); i++)
    ds_task_emit (task, ds_value_int (i));
}

static void
test_map_values_keeps_keys (void)
{
  Fixture fixture;

  g_test_summary ("map_values changes the values of pairs only");
  set_up (&fixture);
  assert_gives (&fixture, ds_dstream_map_values (fixture.pairs, double_it, NULL, NULL),
                "(a,2)|(a,6)|(b,4)", "");
}

static void
test_flat_map_values_repeats_keys (void)
{
  Fixture fixture;

  g_test_summary ("flat_map_values makes a pair of the key and each value emitted");
  set_up (&fixture);
  assert_gives (&fixture,
                ds_dstream_flat_map_values (fixture.pairs, repeat_it, NULL, NULL),
                "(a,1)|(a,2)|(b,1)", "");
}

static guint
by_letter (DsValue key, guint n_partitions, DsTask *task, gpointer unused)
{
  gsize n_bytes;
  const char *text = ds_value_get_string (key, &n_bytes);

  return n_bytes > 0 && text[0] == 'a' ? 1 : 0;
}

static void
test_partition_by_follows_the_rule (void)
{
  Fixture fixture;
  g_autoptr (DsPartitioner) rule = ds_partitioner_new (2, by_letter, NULL, NULL);
  DsDStream *placed;

  g_test_summary ("partition_by brings each pair where the partitioner says");
  set_up (&fixture);
  placed = ds_dstream_partition_by (fixture.pairs, rule);
  assert_gives (&fixture, ds_dstream_glom (placed), "[(a,1), (a,3)]|[(b,2)]", "[]|[]");
}

static void
test_repartition_makes_n (void)
{
  Fixture fixture;
  DsDStream *lists;

  g_test_summary ("repartition gives exactly n partitions, also of an empty batch");
  set_up (&fixture);
  lists = ds_dstream_glom (ds_dstream_repartition (fixture.pairs, 5));
  assert_gives (&fixture, ds_dstream_count (lists), "5", "5");
}

static void
assert_option_latches (DsDStream *(*derive) (DsDStream *self),
                       void (*set) (DsDStream *self),
                       const char *option)
{
  Fixture fixture;
  const GError *error;

  set_up (&fixture);
  set (derive (fixture.pairs));
  error = ds_streaming_context_get_build_error (fixture.test.ssc);
  g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, option));
  ds_test_stream_tear_down (&fixture.test);
}

static void
set_three_partitions (DsDStream *self)
{
  ds_dstream_set_n_partitions (self, 3);
}

static void
set_a_partitioner (DsDStream *self)
{
  g_autoptr (DsPartitioner) partitioner = ds_partitioner_new_hash (3);

  ds_dstream_set_partitioner (self, partitioner);
}

static void
set_preserving (DsDStream *self)
{
  ds_dstream_set_preserves_partitioning (self, TRUE);
}

static void
test_options_that_are_lacking_latch (void)
{
  g_test_summary ("An option on an operator that lacks it fails the start");

  assert_option_latches (ds_dstream_glom, set_three_partitions, "set_n_partitions");
  assert_option_latches (ds_dstream_count, set_a_partitioner, "set_partitioner");
  assert_option_latches (ds_dstream_group_by_key, set_preserving,
                         "set_preserves_partitioning");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dstream/aggregates/count-gives-zero-for-nothing",
                   test_count_gives_zero_for_nothing);
  g_test_add_func ("/dstream/aggregates/count-by-value-counts-keys",
                   test_count_by_value_counts_keys);
  g_test_add_func ("/dstream/aggregates/reduce-gives-nothing-for-nothing",
                   test_reduce_gives_nothing_for_nothing);
  g_test_add_func ("/dstream/aggregates/reduce-by-key-gives-one-a-key",
                   test_reduce_by_key_gives_one_a_key);
  g_test_add_func ("/dstream/aggregates/reductions-meet-values-in-their-order",
                   test_reductions_meet_values_in_their_order);
  g_test_add_func ("/dstream/aggregates/reduce-by-key-op-names-the-reduction",
                   test_reduce_by_key_op_names_the_reduction);
  g_test_add_func ("/dstream/aggregates/reduce-by-key-blocks-sees-many",
                   test_reduce_by_key_blocks_sees_many);
  g_test_add_func ("/dstream/aggregates/group-by-key-makes-lists",
                   test_group_by_key_makes_lists);
  g_test_add_func ("/dstream/aggregates/combine-by-key-uses-all-three",
                   test_combine_by_key_uses_all_three);
  g_test_add_func ("/dstream/aggregates/map-values-keeps-keys",
                   test_map_values_keeps_keys);
  g_test_add_func ("/dstream/aggregates/flat-map-values-repeats-keys",
                   test_flat_map_values_repeats_keys);
  g_test_add_func ("/dstream/aggregates/partition-by-follows-the-rule",
                   test_partition_by_follows_the_rule);
  g_test_add_func ("/dstream/aggregates/repartition-makes-n", test_repartition_makes_n);
  g_test_add_func ("/dstream/aggregates/options-that-are-lacking-latch",
                   test_options_that_are_lacking_latch);
  return g_test_run ();
}
