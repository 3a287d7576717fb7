/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/dstream/ds-test-stream.h"

/* Each test runs one operator over the batches "a bb" "ccc" | nothing, in two
 * partitions. */
typedef struct
{
  DsTestStream test;
  DsDStream *stream;
} Fixture;

static void
set_up (Fixture *fixture)
{
  ds_test_stream_set_up (&fixture->test, "local[2]");
  fixture->stream = ds_streaming_context_queue_stream (fixture->test.ssc);
  ds_test_stream_push (fixture->stream, "a bb", "ccc", "d", NULL);
}

/* Runs two batches; what they gave, in order, one value a line. */
static void
assert_gives (Fixture *fixture, DsDStream *result, const char *first, const char *second)
{
  DsOutput *values = ds_dstream_collect (result);
  g_autofree char *first_text = NULL;
  g_autofree char *second_text = NULL;

  ds_test_stream_start (&fixture->test);
  ds_test_stream_run (&fixture->test, 2);
  first_text = ds_block_to_string (ds_output_get_block (values, 1 * DS_SECOND));
  second_text = ds_block_to_string (ds_output_get_block (values, 2 * DS_SECOND));
  g_assert_cmpstr (g_strdelimit (g_strchomp (first_text), "\n", '|'), ==, first);
  g_assert_cmpstr (g_strdelimit (g_strchomp (second_text), "\n", '|'), ==, second);
  ds_test_stream_tear_down (&fixture->test);
}

static void
test_map_makes_one_of_one (void)
{
  Fixture fixture;

  g_test_summary ("map replaces each value, in order");
  set_up (&fixture);
  assert_gives (&fixture, ds_dstream_map (fixture.stream, ds_to_upper, NULL, NULL),
                "A BB|CCC|D", "");
}

static void
test_flat_map_makes_any_number (void)
{
  Fixture fixture;

  g_test_summary ("flat_map emits none, one or many for each value");
  set_up (&fixture);
  assert_gives (&fixture,
                ds_dstream_flat_map (fixture.stream, ds_split_words, NULL, NULL),
                "a|bb|ccc|d", "");
}

static void
test_filter_keeps_some (void)
{
  Fixture fixture;

  g_test_summary ("filter keeps what passes; its user data is freed with the stream");
  set_up (&fixture);
  assert_gives (&fixture,
                ds_dstream_filter (fixture.stream, ds_contains, g_strdup ("c"), g_free),
                "ccc", "");
}

static void
emit_length (const DsValue *values, gsize n_values, DsTask *task, gpointer unused)
{
  for (gsize i = 0; i < n_values; i++)
    ds_task_emit (task, ds_value_int (ds_task_get_batch_time (task) / DS_SECOND));
}

static void
test_map_chunks_sees_the_batch_time (void)
{
  Fixture fixture;

  g_test_summary ("A function of map_chunks may ask for its batch time");
  set_up (&fixture);
  assert_gives (&fixture, ds_dstream_map_chunks (fixture.stream, emit_length, NULL, NULL),
                "1|1|1", "");
}

static void
count_partition (DsPartition *partition, DsTask *task, gpointer unused)
{
  gint64 n = 0;
  gsize n_values;

  while (ds_partition_next (partition, &n_values) != NULL)
    n += (gint64) n_values;
  ds_task_emit (task, ds_value_int (n));
}

static void
test_map_partitions_sees_each_partition (void)
{
  Fixture fixture;
  g_autoptr (DsBlock) empty = ds_block_new (NULL, 0);

  g_test_summary ("map_partitions calls its function also for empty partitions");
  set_up (&fixture);
  ds_dstream_push_block (fixture.stream, empty);
  assert_gives (&fixture,
                ds_dstream_map_partitions (fixture.stream, count_partition, NULL, NULL),
                "1|2", "0|0");
}

static void
test_glom_makes_lists (void)
{
  Fixture fixture;
  g_autoptr (DsBlock) empty = ds_block_new (NULL, 0);

  g_test_summary ("glom makes a list of each partition, empty ones too");
  set_up (&fixture);
  ds_dstream_push_block (fixture.stream, empty);
  assert_gives (&fixture, ds_dstream_glom (fixture.stream), "[a bb]|[ccc, d]", "[]|[]");
}

static DsBlock *
reverse_block (DsBlock *block, DsTask *task, gpointer unused, GError **error)
{
  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();

  for (gsize i = ds_block_get_length (block); i > 0; i--)
    ds_block_builder_add (builder, ds_block_get (block, i - 1));
  return ds_block_builder_end (builder);
}

static void
test_map_blocks_makes_blocks (void)
{
  Fixture fixture;

  g_test_summary ("map_blocks hands a block in and takes a block back");
  set_up (&fixture);
  assert_gives (&fixture,
                ds_dstream_map_blocks (fixture.stream, reverse_block, NULL, NULL),
                "a bb|d|ccc", "");
}

static void
test_map_partition_blocks_makes_blocks (void)
{
  Fixture fixture;

  g_test_summary ("map_partition_blocks does so with each whole partition");
  set_up (&fixture);
  assert_gives (&fixture,
                ds_dstream_map_partition_blocks (fixture.stream, reverse_block, NULL,
                                                 NULL),
                "a bb|d|ccc", "");
}

static DsValue
fail_at_ccc (DsValue value, DsTask *task, gpointer unused)
{
  gsize n_bytes;

  ds_value_get_string (value, &n_bytes);
  if (n_bytes == 3)
    return ds_task_fail (task, "three is too many");
  return value;
}

static void
test_a_failing_function_names_its_place (void)
{
  Fixture fixture;
  g_autoptr (GError) error = NULL;
  DsDStream *mapped;

  g_test_summary ("An error says which output, batch and operator, and which value");
  set_up (&fixture);
  mapped = ds_dstream_map (fixture.stream, fail_at_ccc, NULL, NULL);
  ds_dstream_set_name (mapped, "short-ones");
  ds_output_set_name (ds_dstream_collect (mapped), "all");
  ds_test_stream_start (&fixture.test);
  ds_manual_clock_advance (fixture.test.clock, DS_SECOND);
  g_assert_false (ds_streaming_context_await_termination (fixture.test.ssc, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_USER_FUNCTION);
  g_assert_nonnull (strstr (error->message, "Output all of batch 1000 ms"));
  g_assert_nonnull (strstr (error->message, "short-ones"));
  g_assert_nonnull (strstr (error->message, "three is too many"));
  g_assert_nonnull (strstr (error->message, "ccc"));
  ds_test_stream_tear_down (&fixture.test);
}

static void
assert_name_latches (const char *name, gboolean is_bad)
{
  Fixture fixture;

  set_up (&fixture);
  ds_dstream_set_name (ds_dstream_glom (fixture.stream), "taken");
  ds_dstream_set_name (fixture.stream, name);
  if (is_bad)
    g_assert_error (ds_streaming_context_get_build_error (fixture.test.ssc), DS_ERROR,
                    DS_ERROR_INVALID_ARGUMENT);
  else
    {
      g_assert_null (ds_streaming_context_get_build_error (fixture.test.ssc));
      g_assert_cmpstr (ds_dstream_get_name (fixture.stream), ==, name);
    }
  ds_test_stream_tear_down (&fixture.test);
}

static void
test_names_are_plain_and_unique (void)
{
  g_autofree char *longest = g_strnfill (64, 'x');
  g_autofree char *too_long = g_strnfill (65, 'x');

  g_test_summary ("A name is 1 to 64 of A-Z a-z 0-9 . _ -, unique in the context");
  assert_name_latches ("words.of_the-Hour.7", FALSE);
  assert_name_latches (longest, FALSE);
  assert_name_latches (too_long, TRUE);
  assert_name_latches ("", TRUE);
  assert_name_latches ("a/b", TRUE);
  assert_name_latches ("a b", TRUE);
  assert_name_latches ("w\xc3\xb6rter", TRUE);
  assert_name_latches ("taken", TRUE);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dstream/elementwise/map-makes-one-of-one",
                   test_map_makes_one_of_one);
  g_test_add_func ("/dstream/elementwise/flat-map-makes-any-number",
                   test_flat_map_makes_any_number);
  g_test_add_func ("/dstream/elementwise/filter-keeps-some", test_filter_keeps_some);
  g_test_add_func ("/dstream/elementwise/map-chunks-sees-the-batch-time",
                   test_map_chunks_sees_the_batch_time);
  g_test_add_func ("/dstream/elementwise/map-partitions-sees-each-partition",
                   test_map_partitions_sees_each_partition);
  g_test_add_func ("/dstream/elementwise/glom-makes-lists", test_glom_makes_lists);
  g_test_add_func ("/dstream/elementwise/map-blocks-makes-blocks",
                   test_map_blocks_makes_blocks);
  g_test_add_func ("/dstream/elementwise/map-partition-blocks-makes-blocks",
                   test_map_partition_blocks_makes_blocks);
  g_test_add_func ("/dstream/elementwise/a-failing-function-names-its-place",
                   test_a_failing_function_names_its_place);
  g_test_add_func ("/dstream/elementwise/names-are-plain-and-unique",
                   test_names_are_plain_and_unique);
  return g_test_run ();
}
