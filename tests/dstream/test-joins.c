/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/dstream/ds-test-stream.h"

/* Two queues of pairs on "local[2]":
 *
 *   left   a:1 b:2 a:3 | a:4 | nothing
 *   right  a:10 c:20   | nothing | c:30
 */
typedef struct
{
  DsTestStream test;
  DsDStream *left;
  DsDStream *right;
} Fixture;

/* "a:1 b:2" */
static void
push_pairs (DsDStream *stream, const char *pairs)
{
  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
  g_autoptr (DsBlock) block = NULL;
  g_auto (GStrv) words = g_strsplit (pairs, " ", -1);

  for (guint i = 0; words[i] != NULL && *words[i] != '\0'; i++)
    ds_block_builder_add_pair (builder, ds_value_string_sized (words[i], 1),
                               ds_value_int (g_ascii_strtoll (words[i] + 2, NULL, 10)));
  block = ds_block_builder_end (builder);
  ds_dstream_push_block (stream, block);
}

static void
set_up (Fixture *fixture)
{
  ds_test_stream_set_up (&fixture->test, "local[2]");
  fixture->left = ds_streaming_context_queue_stream (fixture->test.ssc);
  fixture->right = ds_streaming_context_queue_stream (fixture->test.ssc);
  push_pairs (fixture->left, "a:1 b:2 a:3");
  push_pairs (fixture->left, "a:4");
  push_pairs (fixture->left, "");
  push_pairs (fixture->right, "a:10 c:20");
  push_pairs (fixture->right, "");
  push_pairs (fixture->right, "c:30");
}

/* Runs three batches; what they gave, sorted, values divided by |, batches by newlines.
 */
static void
assert_gives (Fixture *fixture, DsDStream *result, const char *expected)
{
  DsOutput *values = ds_dstream_collect (result);
  g_autoptr (GString) found = g_string_new (NULL);

  ds_test_stream_start (&fixture->test);
  ds_test_stream_run (&fixture->test, 3);
  for (guint i = 1; i <= 3; i++)
    {
      g_autoptr (DsBlock) sorted =
          ds_block_sort (ds_output_get_block (values, i * DS_SECOND));
      g_autofree char *text = ds_block_to_string (sorted);

      g_string_append_printf (found, "%s\n", g_strdelimit (g_strchomp (text), "\n", '|'));
    }
  g_assert_cmpstr (found->str, ==, expected);
  ds_test_stream_tear_down (&fixture->test);
}

static DsValue
take_parity (DsValue value, DsTask *task, gpointer names)
{
  return ds_value_string (((const char **) names)[ds_value_get_int (value) % 2]);
}

static void
test_key_by_keeps_the_value (void)
{
  Fixture fixture;
  const char *names[] = { "even", "odd" };

  g_test_summary ("key_by puts each value under the key made of it");
  set_up (&fixture);
  assert_gives (&fixture,
                ds_dstream_key_by (ds_dstream_map (fixture.left, ds_to_value, NULL, NULL),
                                   take_parity, names, NULL),
                "(even,2)|(odd,1)|(odd,3)\n(even,4)\n\n");
}

static void
test_cogroup_gives_both_lists (void)
{
  Fixture fixture;

  g_test_summary ("cogroup gives the values of both streams for each key of either");
  set_up (&fixture);
  assert_gives (&fixture, ds_dstream_cogroup (fixture.left, fixture.right),
                "(a,([1, 3],[10]))|(b,([2],[]))|(c,([],[20]))\n"
                "(a,([4],[]))\n"
                "(c,([],[30]))\n");
}

static void
test_join_gives_each_match (void)
{
  Fixture fixture;

  g_test_summary ("join gives one pair for each match of two values");
  set_up (&fixture);
  assert_gives (&fixture, ds_dstream_join (fixture.left, fixture.right),
                "(a,(1,10))|(a,(3,10))\n\n\n");
}

static void
test_outer_joins_keep_those_without_partner (void)
{
  Fixture fixture;

  g_test_summary ("An outer join gives null for the missing side");

  set_up (&fixture);
  assert_gives (&fixture, ds_dstream_left_outer_join (fixture.left, fixture.right),
                "(a,(1,10))|(a,(3,10))|(b,(2,null))\n(a,(4,null))\n\n");
  set_up (&fixture);
  assert_gives (&fixture, ds_dstream_right_outer_join (fixture.left, fixture.right),
                "(a,(1,10))|(a,(3,10))|(c,(null,20))\n\n(c,(null,30))\n");
  set_up (&fixture);
  assert_gives (&fixture, ds_dstream_full_outer_join (fixture.left, fixture.right),
                "(a,(1,10))|(a,(3,10))|(b,(2,null))|(c,(null,20))\n(a,(4,null))\n"
                "(c,(null,30))\n");
}

static void
test_a_stream_joins_itself (void)
{
  Fixture fixture;

  g_test_summary ("A stream may be joined with itself");
  set_up (&fixture);
  assert_gives (&fixture, ds_dstream_join (fixture.left, fixture.left),
                "(a,(1,1))|(a,(1,3))|(a,(3,1))|(a,(3,3))|(b,(2,2))\n(a,(4,4))\n\n");
}

/* glom gives one list a partition: its count is the number of partitions. */
static void
test_n_partitions_holds_for_each_batch (void)
{
  DsDStream *(*const operators[]) (DsDStream *, DsDStream *) = {
    ds_dstream_cogroup,         ds_dstream_join,
    ds_dstream_left_outer_join, ds_dstream_right_outer_join,
    ds_dstream_full_outer_join,
  };

  g_test_summary ("The results of cogroup and joins lie in n partitions");

  for (guint i = 0; i < G_N_ELEMENTS (operators); i++)
    {
      Fixture fixture;
      DsDStream *together;

      set_up (&fixture);
      together = operators[i](fixture.left, fixture.right);
      ds_dstream_set_n_partitions (together, 5);
      assert_gives (&fixture, ds_dstream_count (ds_dstream_glom (together)), "5\n5\n5\n");
    }
}

static guint
a_goes_last (DsValue key, guint n_partitions, DsTask *task, gpointer unused)
{
  const char *text = ds_value_get_string (key, NULL);

  return *text == 'a' ? n_partitions - 1 : 0;
}

static void
test_partitioner_places_the_results (void)
{
  Fixture fixture;
  g_autoptr (DsPartitioner) rule = ds_partitioner_new (3, a_goes_last, NULL, NULL);
  DsDStream *joined;

  g_test_summary ("A join with a partitioner puts keys where that says");
  set_up (&fixture);
  joined = ds_dstream_full_outer_join (fixture.left, fixture.right);
  ds_dstream_set_partitioner (joined, rule);
  assert_gives (&fixture,
                ds_dstream_glom (ds_dstream_map (joined, ds_to_key, NULL, NULL)),
                "[]|[a, a]|[b, c]\n[]|[]|[a]\n[]|[]|[c]\n");
}

/* ---- Mistakes ---- */

static void
test_streams_of_two_contexts_latch (void)
{
  DsTestStream mine;
  DsTestStream theirs;
  DsDStream *here;
  DsDStream *there;

  g_test_summary ("A join of streams of two contexts fails the start");
  ds_test_stream_set_up (&mine, "local");
  ds_test_stream_set_up (&theirs, "local");
  here = ds_streaming_context_queue_stream (mine.ssc);
  there = ds_streaming_context_queue_stream (theirs.ssc);
  g_assert_true (DS_IS_DSTREAM (ds_dstream_join (here, there)));
  g_assert_error (ds_streaming_context_get_build_error (mine.ssc), DS_ERROR,
                  DS_ERROR_INVALID_ARGUMENT);
  g_assert_null (ds_streaming_context_get_build_error (theirs.ssc));
  ds_test_stream_tear_down (&theirs);
  ds_test_stream_tear_down (&mine);
}

static DsRdd *
give_back (DsRdd *rdd, DsBatch *batch, gpointer unused, GError **error)
{
  return g_object_ref (rdd);
}

static void
test_values_that_are_no_pairs_fail_the_batch (void)
{
  DsTestStream test;
  DsDStream *words;
  g_autoptr (GError) error = NULL;

  g_test_summary ("A join of values that are no pairs fails, naming value and operator");
  ds_test_stream_set_up (&test, "local");
  words = ds_streaming_context_queue_stream (test.ssc);
  ds_test_stream_push (words, "lonely", NULL);
  ds_dstream_collect (
      ds_dstream_join (words, ds_dstream_transform (words, give_back, NULL, NULL)));
  ds_test_stream_start (&test);
  ds_manual_clock_advance (test.clock, DS_SECOND);
  g_assert_false (ds_streaming_context_await_termination (test.ssc, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_TYPE);
  g_assert_nonnull (strstr (error->message, "join"));
  g_assert_nonnull (strstr (error->message, "lonely"));
  ds_test_stream_tear_down (&test);
}

static void
test_options_that_are_lacking_say_who_has_them (void)
{
  DsTestStream test;
  const GError *error;

  g_test_summary ("set_n_partitions on key_by names the operators that have it");
  ds_test_stream_set_up (&test, "local");
  ds_dstream_set_n_partitions (ds_dstream_key_by (ds_streaming_context_queue_stream (
                                                      test.ssc),
                                                  ds_to_string, NULL, NULL),
                               4);
  error = ds_streaming_context_get_build_error (test.ssc);
  g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, "key_by"));
  g_assert_nonnull (strstr (error->message, "full_outer_join"));
  ds_test_stream_tear_down (&test);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dstream/joins/key-by-keeps-the-value", test_key_by_keeps_the_value);
  g_test_add_func ("/dstream/joins/cogroup-gives-both-lists",
                   test_cogroup_gives_both_lists);
  g_test_add_func ("/dstream/joins/join-gives-each-match", test_join_gives_each_match);
  g_test_add_func ("/dstream/joins/outer-joins-keep-those-without-partner",
                   test_outer_joins_keep_those_without_partner);
  g_test_add_func ("/dstream/joins/a-stream-joins-itself", test_a_stream_joins_itself);
  g_test_add_func ("/dstream/joins/n-partitions-holds-for-each-batch",
                   test_n_partitions_holds_for_each_batch);
  g_test_add_func ("/dstream/joins/partitioner-places-the-results",
                   test_partitioner_places_the_results);
  g_test_add_func ("/dstream/joins/streams-of-two-contexts-latch",
                   test_streams_of_two_contexts_latch);
  g_test_add_func ("/dstream/joins/values-that-are-no-pairs-fail-the-batch",
                   test_values_that_are_no_pairs_fail_the_batch);
  g_test_add_func ("/dstream/joins/options-that-are-lacking-say-who-has-them",
                   test_options_that_are_lacking_say_who_has_them);
  return g_test_run ();
}
