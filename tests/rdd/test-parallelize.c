/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Sources that hold or make their values: parallelize, range, empty, blocks. */

#include "tests/rdd/ds-test-rdd.h"

#include "rdd/ds-rdd-private.h"

#define assert_slices(rdd, expected)                  \
  G_STMT_START                                        \
  {                                                   \
    g_autoptr (DsRdd) glommed_ = ds_rdd_glom ((rdd)); \
    ds_test_assert_collects (glommed_, (expected));   \
  }                                                   \
  G_STMT_END

static void
test_parallelize_cuts_as_spark_does (gconstpointer master)
{
  g_autoptr (DsTestContext) context = ds_test_context_new (master);
  g_autoptr (DsRdd) four =
      ds_test_parallelize (context, ds_block_new_ints (1, 2, 3, 4), 2);
  g_autoptr (DsRdd) three = ds_test_parallelize (context, ds_block_new_ints (1, 2, 3), 2);
  g_autoptr (DsRdd) few = ds_test_parallelize (context, ds_block_new_ints (1, 2), 5);
  g_autoptr (DsRdd) none = ds_test_parallelize (context, ds_block_new (NULL, 0), 2);

  g_test_summary ("Slice i of p holds the values from floor (i n / p) on");

  assert_slices (four, "[1, 2]\n[3, 4]\n");
  assert_slices (three, "[1]\n[2, 3]\n");
  assert_slices (few, "[]\n[]\n[1]\n[]\n[2]\n");
  assert_slices (none, "[]\n[]\n");
}

static void
test_parallelize_takes_pairs_and_text (gconstpointer master)
{
  g_autoptr (DsTestContext) context = ds_test_context_new (master);
  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
  DsArena *arena = ds_arena_new (NULL);
  char *text = ds_arena_alloc (arena, 16);
  g_autoptr (DsRdd) pairs = NULL;
  g_autoptr (DsRdd) lines = NULL;

  g_test_summary ("Blocks of pairs and of uncut text are sliced by value");

  ds_block_builder_add_pair (builder, ds_value_string ("a"), ds_value_int (1));
  ds_block_builder_add_pair (builder, ds_value_string ("b"), ds_value_int (2));
  pairs = ds_test_parallelize (context, ds_block_builder_end (builder), 2);
  assert_slices (pairs, "[(a,1)]\n[(b,2)]\n");

  memcpy (text, "one\r\ntwo\n\nfour", 14);
  lines =
      ds_test_parallelize (context, ds_block_new_take_text (arena, text, 14, 4, TRUE), 2);
  assert_slices (lines, "[one, two]\n[, four]\n");
}

static void
test_parallelize_defaults_to_the_workers (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[3]");
  g_autoptr (DsRdd) rdd = ds_test_parallelize (context, ds_block_new_ints (1, 2, 3), 0);
  g_autoptr (DsBlock) block = ds_block_new_ints (1);
  g_autoptr (DsRdd) wrong = ds_context_parallelize (context, block, G_MAXUINT);

  g_test_summary ("Without a number there are as many slices as workers");

  assert_slices (rdd, "[1]\n[2]\n[3]\n");
  ds_test_assert_fails (wrong, DS_ERROR_INVALID_ARGUMENT, "4294967295", NULL);
}

static void
test_range_counts_up_and_down (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autoptr (DsRdd) up = ds_context_range (context, 1, 8, 3);
  g_autoptr (DsRdd) down = ds_context_range (context, 2, -3, -2);
  g_autoptr (DsRdd) none = ds_context_range (context, 5, 5, 1);
  g_autoptr (DsRdd) away = ds_context_range (context, 0, 10, -1);
  g_autoptr (DsRdd) never = ds_context_range (context, 0, 10, 0);

  g_test_summary ("A range ends before its end, in either direction");

  assert_slices (up, "[1]\n[4, 7]\n");
  assert_slices (down, "[2]\n[0, -2]\n");
  assert_slices (none, "[]\n[]\n");
  assert_slices (away, "[]\n[]\n");
  ds_test_assert_fails (never, DS_ERROR_INVALID_ARGUMENT, "step of 0", NULL);
}

static void
test_range_reaches_the_ends_of_int64 (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local");
  g_autoptr (DsRdd) up = ds_context_range (context, G_MAXINT64 - 1, G_MAXINT64, 5);
  g_autoptr (DsRdd) down =
      ds_context_range (context, G_MININT64 + 1, G_MININT64, G_MININT64);
  g_autoptr (DsRdd) wide = ds_context_range (context, G_MININT64, G_MAXINT64, G_MAXINT64);

  g_test_summary ("Ranges at the limits of int64 neither overflow nor run for ever");

  ds_test_assert_collects (up, "9223372036854775806\n");
  ds_test_assert_collects (down, "-9223372036854775807\n");
  ds_test_assert_collects (wide, "-9223372036854775808\n-1\n9223372036854775806\n");
}

static void
test_range_comes_in_chunks (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local");
  g_autoptr (DsRdd) many = ds_test_integers (context, 5000, 3);
  g_autoptr (DsBlock) block = ds_rdd_collect (many, NULL);

  g_test_summary ("5,000 integers arrive complete and in order");

  g_assert_cmpuint (ds_block_get_length (block), ==, 5000);
  for (gsize i = 0; i < 5000; i++)
    g_assert_cmpint (ds_value_get_int (ds_block_get (block, i)), ==, (gint64) i);
}

static void
test_empty_has_nothing (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autoptr (DsRdd) empty = ds_context_empty (context);

  g_test_summary ("The empty RDD has neither values nor partitions");

  g_assert_cmpuint (ds_rdd_get_n_partitions (empty), ==, 0);
  ds_test_assert_collects (empty, "");
  assert_slices (empty, "");
}

static void
test_blocks_are_partitions (gconstpointer master)
{
  g_autoptr (DsTestContext) context = ds_test_context_new (master);
  g_autoptr (DsBlock) a = ds_block_new_strings ("x", "y", NULL);
  g_autoptr (DsBlock) b = ds_block_new (NULL, 0);
  g_autoptr (DsBlock) c = ds_block_new_ints (7);
  DsBlock *blocks[] = { a, b, c };
  g_autoptr (DsRdd) rdd = ds_block_rdd_new (context, blocks, 3, 3);
  g_autoptr (DsRdd) none = ds_block_rdd_new (context, NULL, 0, 1);

  g_test_summary ("Each block is a partition, also an empty one");

  assert_slices (rdd, "[x, y]\n[]\n[7]\n");
  assert_slices (none, "");
}

static void
test_blocks_share_partitions (gconstpointer master)
{
  g_autoptr (DsTestContext) context = ds_test_context_new (master);
  g_autoptr (DsBlock) empty = ds_block_new (NULL, 0);
  g_autoptr (DsBlock) one = ds_block_new_ints (1);
  g_autofree char *long_text = g_strnfill (100000, 'x');
  g_autoptr (DsBlock) large =
      ds_block_new_take_text (NULL, long_text, strlen (long_text), 1, FALSE);
  g_autofree char *large_first_slices =
      g_strdup_printf ("[%s]\n[1, 1, 1, 1]\n", long_text);
  g_autofree char *large_last_slices = g_strdup_printf ("[1, 1, %s]\n", long_text);
  DsBlock *even[] = { one, one, one, one, one, one };
  DsBlock *large_first[] = { large, one, one, one, one, empty };
  DsBlock *large_last[] = { empty, one, one, large };
  DsBlock *nothing[] = { empty, empty };
  g_autoptr (DsRdd) halves = ds_block_rdd_new (context, even, 6, 2);
  g_autoptr (DsRdd) by_bytes = ds_block_rdd_new (context, large_first, 6, 2);
  g_autoptr (DsRdd) all = ds_block_rdd_new (context, even, 6, 1);
  g_autoptr (DsRdd) last = ds_block_rdd_new (context, large_last, 4, 2);
  g_autoptr (DsRdd) none = ds_block_rdd_new (context, nothing, 2, 1);

  g_test_summary ("Past the limit neighbours share a partition, by their bytes of text "
                  "or their values");

  assert_slices (halves, "[1, 1, 1]\n[1, 1, 1]\n");
  assert_slices (by_bytes, large_first_slices);
  assert_slices (all, "[1, 1, 1, 1, 1, 1]\n");
  assert_slices (last, large_last_slices);
  assert_slices (none, "[]\n");
}

static gboolean
count_call (DsValue value, DsTask *task, gpointer n_calls)
{
  ++*(guint *) n_calls;
  return TRUE;
}

static void
test_blocks_stop_when_there_is_enough (gconstpointer master)
{
  g_autoptr (DsTestContext) context = ds_test_context_new (master);
  g_autoptr (DsBlock) one = ds_block_new_ints (1);
  DsBlock *blocks[] = { one, one, one, one, one, one };
  g_autoptr (DsRdd) all = ds_block_rdd_new (context, blocks, 6, 1);
  guint n_calls = 0;
  g_autoptr (DsRdd) counting = ds_rdd_filter (all, count_call, &n_calls, NULL);
  g_autoptr (DsBlock) taken = NULL;
  g_autoptr (GError) error = NULL;

  g_test_summary ("take reads no further block of a shared partition than it needs");

  taken = ds_rdd_take (counting, 2, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (ds_block_get_length (taken), ==, 2);
  g_assert_cmpuint (n_calls, ==, 2);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_data_func ("/rdd/parallelize/cuts-as-spark-does", "local[2]",
                        test_parallelize_cuts_as_spark_does);
  g_test_add_data_func ("/rdd/parallelize/cuts-as-spark-does-on-loopback", "loopback[2]",
                        test_parallelize_cuts_as_spark_does);
  g_test_add_data_func ("/rdd/parallelize/takes-pairs-and-text", "local[2]",
                        test_parallelize_takes_pairs_and_text);
  g_test_add_data_func ("/rdd/parallelize/takes-pairs-and-text-on-loopback",
                        "loopback[2]", test_parallelize_takes_pairs_and_text);
  g_test_add_func ("/rdd/parallelize/defaults-to-the-workers",
                   test_parallelize_defaults_to_the_workers);
  g_test_add_func ("/rdd/range/counts-up-and-down", test_range_counts_up_and_down);
  g_test_add_func ("/rdd/range/reaches-the-ends-of-int64",
                   test_range_reaches_the_ends_of_int64);
  g_test_add_func ("/rdd/range/comes-in-chunks", test_range_comes_in_chunks);
  g_test_add_func ("/rdd/empty/has-nothing", test_empty_has_nothing);
  g_test_add_data_func ("/rdd/blocks/are-partitions", "local[2]",
                        test_blocks_are_partitions);
  g_test_add_data_func ("/rdd/blocks/share-partitions", "local[2]",
                        test_blocks_share_partitions);
  g_test_add_data_func ("/rdd/blocks/share-partitions-on-loopback", "loopback[2]",
                        test_blocks_share_partitions);
  g_test_add_data_func ("/rdd/blocks/stop-when-there-is-enough", "local[2]",
                        test_blocks_stop_when_there_is_enough);
  g_test_add_data_func ("/rdd/blocks/stop-when-there-is-enough-on-loopback",
                        "loopback[2]", test_blocks_stop_when_there_is_enough);
  g_test_add_data_func ("/rdd/blocks/are-partitions-on-loopback", "loopback[2]",
                        test_blocks_are_partitions);
  return g_test_run ();
}
