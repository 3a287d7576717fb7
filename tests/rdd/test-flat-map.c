/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* flat_map, map_chunks: any number of results. */

#include "tests/rdd/ds-test-rdd.h"

#include "rdd/ds-rdd-private.h"

static void
repeat (DsValue value, DsTask *task, gpointer user_data)
{
  for (gint64 i = 0; i < ds_value_get_int (value); i++)
    ds_task_emit (task, value);
}

static void
emit_both (DsValue value, DsTask *task, gpointer user_data)
{
  ds_task_emit_pair (task, value,
                     ds_string_printf (task, "<%" G_GINT64_FORMAT ">",
                                       ds_value_get_int (value)));
  ds_task_emit (task, ds_value_null ());
}

static void
emit_many (DsValue value, DsTask *task, gpointer user_data)
{
  for (gint64 i = 0; i < 5000; i++)
    ds_task_emit (task, ds_value_int (ds_value_get_int (value) * 5000 + i));
}

static void
split_by_hand (DsValue value, DsTask *task, gpointer user_data)
{
  ds_split_words (value, task, NULL);
}

static void
lengths_of_chunk (const DsValue *values, gsize n_values, DsTask *task, gpointer user_data)
{
  for (gsize i = 0; i < n_values; i++)
    ds_task_emit (task, ds_to_length (values[i], task, NULL));
}

static void
pass_chunk (const DsValue *values, gsize n_values, DsTask *task, gpointer user_data)
{
  g_assert_cmpuint (n_values, >, 0);
  g_assert_cmpuint (n_values, <=, 1024);
  ds_task_emit_values (task, values, n_values);
}

static void
test_flat_map_gives_any_number (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autoptr (DsRdd) numbers = ds_test_integers (context, 4, 2);
  g_autoptr (DsRdd) repeated = ds_rdd_flat_map (numbers, repeat, NULL, NULL);
  g_autoptr (DsRdd) glommed = ds_rdd_glom (repeated);

  g_test_summary ("A value may give no result, one or several, in order");

  ds_test_assert_collects (repeated, "1\n2\n2\n3\n3\n3\n");
  ds_test_assert_collects (glommed, "[1]\n[2, 2, 3, 3, 3]\n");
}

static void
test_flat_map_gives_many_from_one (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local");
  g_autoptr (DsRdd) numbers = ds_test_integers (context, 3, 1);
  g_autoptr (DsRdd) many = ds_rdd_flat_map (numbers, emit_many, NULL, NULL);
  g_autoptr (DsBlock) block = ds_rdd_collect (many, NULL);

  g_test_summary ("5,000 results of one value arrive complete and in order");

  g_assert_cmpuint (ds_block_get_length (block), ==, 15000);
  for (gsize i = 0; i < 15000; i++)
    g_assert_cmpint (ds_value_get_int (ds_block_get (block, i)), ==, (gint64) i);
}

static void
test_flat_map_mixes_pairs_and_values (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local");
  g_autoptr (DsRdd) numbers = ds_test_integers (context, 2, 1);
  g_autoptr (DsRdd) mixed = ds_rdd_flat_map (numbers, emit_both, NULL, NULL);

  g_test_summary ("A function may emit pairs and single values by turns");

  ds_test_assert_collects (mixed, "(0,<0>)\nnull\n(1,<1>)\nnull\n");
}

static void
test_flat_map_splits_words_all_ways (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local");
  DsArena *arena = ds_arena_new (NULL);
  static const char text[] = " one\ttwo \r\n\nthree  four\n  \nfive";
  char *bytes = ds_arena_alloc (arena, sizeof text);
  DsBlock *block;
  g_autoptr (DsRdd) lines = NULL;
  g_autoptr (DsRdd) kept = NULL;
  g_autoptr (DsRdd) known_text = NULL;
  g_autoptr (DsRdd) known_values = NULL;
  g_autoptr (DsRdd) by_hand = NULL;

  g_test_summary ("Known on text, known on values, or called: the words are the same");

  memcpy (bytes, text, sizeof text);
  block = ds_block_new_take_text (arena, bytes, strlen (text), 5, TRUE);
  lines = ds_block_rdd_new (context, &block, 1, 1);
  ds_block_unref (block);
  kept = ds_rdd_filter (lines, ds_is_not_empty, NULL, NULL);
  known_text = ds_rdd_flat_map (lines, ds_split_words, NULL, NULL);
  known_values = ds_rdd_flat_map (kept, ds_split_words, NULL, NULL);
  by_hand = ds_rdd_flat_map (lines, split_by_hand, NULL, NULL);

  ds_test_assert_collects (known_text, "one\ntwo\nthree\nfour\nfive\n");
  ds_test_assert_collects (known_values, "one\ntwo\nthree\nfour\nfive\n");
  ds_test_assert_collects (by_hand, "one\ntwo\nthree\nfour\nfive\n");
}

static void
test_flat_map_splits_many_words (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local");
  g_autoptr (GString) line = g_string_new (NULL);
  g_autoptr (DsBlock) block = NULL;
  g_autoptr (DsRdd) lines = NULL;
  g_autoptr (DsRdd) words = NULL;
  g_autoptr (DsBlock) collected = NULL;

  g_test_summary ("Values of 3,000 words each fill the column again and again");

  for (guint i = 0; i < 3000; i++)
    g_string_append_printf (line, "%u ", i);
  block = ds_block_new_strings (line->str, "x y", line->str, NULL);
  lines = ds_context_parallelize (context, block, 1);
  words = ds_rdd_flat_map (lines, ds_split_words, NULL, NULL);
  collected = ds_rdd_collect (words, NULL);
  g_assert_cmpuint (ds_block_get_length (collected), ==, 6002);
  for (guint i = 0; i < 3000; i++)
    {
      g_autofree char *expected = g_strdup_printf ("%u", i);

      g_assert_true (ds_value_equals_string (ds_block_get (collected, i), expected));
      g_assert_true (
          ds_value_equals_string (ds_block_get (collected, 3002 + i), expected));
    }
}

static void
test_flat_map_splits_lines_of_values (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local");
  g_autoptr (DsRdd) texts =
      ds_test_parallelize (context, ds_block_new_strings ("a\r\nb\n\nc", "", "d", NULL),
                           1);
  g_autoptr (DsRdd) lines = ds_rdd_flat_map (texts, ds_split_lines, NULL, NULL);

  g_test_summary ("split_lines cuts each text; an empty text has no line");

  ds_test_assert_collects (lines, "a\nb\n\nc\nd\n");
}

static void
test_flat_map_known_function_checks_types (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local");
  g_autoptr (DsRdd) numbers = ds_test_integers (context, 3, 1);
  g_autoptr (DsRdd) words = ds_rdd_flat_map (numbers, ds_split_words, NULL, NULL);
  g_autoptr (DsRdd) by_hand = ds_rdd_flat_map (numbers, split_by_hand, NULL, NULL);

  g_test_summary ("Splitting a number into words is a type error, known or called");

  ds_test_assert_fails (words, DS_ERROR_TYPE, "flat_map, partition 0", "value 0",
                        "string", NULL);
  ds_test_assert_fails (by_hand, DS_ERROR_TYPE, "flat_map, partition 0", "value 0",
                        "string", NULL);
}

static void
test_map_chunks_sees_arrays (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autoptr (DsRdd) words =
      ds_test_parallelize (context, ds_block_new_strings ("a", "bcd", "", NULL), 2);
  g_autoptr (DsRdd) lengths = ds_rdd_map_chunks (words, lengths_of_chunk, NULL, NULL);
  g_autoptr (DsRdd) numbers = ds_test_integers (context, 10000, 3);
  g_autoptr (DsRdd) same = ds_rdd_map_chunks (numbers, pass_chunk, NULL, NULL);
  g_autoptr (DsBlock) block = ds_rdd_collect (same, NULL);

  g_test_summary ("map_chunks sees up to 1,024 values at once, never none");

  ds_test_assert_collects (lengths, "1\n3\n0\n");
  g_assert_cmpuint (ds_block_get_length (block), ==, 10000);
  for (gsize i = 0; i < 10000; i++)
    g_assert_cmpint (ds_value_get_int (ds_block_get (block, i)), ==, (gint64) i);
}

static void
fail_at_chunk (const DsValue *values, gsize n_values, DsTask *task, gpointer user_data)
{
  ds_task_emit_values (task, values, n_values);
  ds_task_fail (task, "%u values are too many", (guint) n_values);
}

static void
test_map_chunks_fails_once_a_chunk (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local");
  g_autoptr (DsRdd) numbers = ds_test_integers (context, 3, 1);
  g_autoptr (DsRdd) failing = ds_rdd_map_chunks (numbers, fail_at_chunk, NULL, NULL);

  g_test_summary ("A failed chunk function never looks like an empty one");

  ds_test_assert_fails (failing, DS_ERROR_USER_FUNCTION,
                        "map_chunks, partition 0: 3 values are too many", NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, func) g_test_add_func ("/rdd/" path, func)
  ADD ("flat-map/gives-any-number", test_flat_map_gives_any_number);
  ADD ("flat-map/gives-many-from-one", test_flat_map_gives_many_from_one);
  ADD ("flat-map/mixes-pairs-and-values", test_flat_map_mixes_pairs_and_values);
  ADD ("flat-map/splits-words-all-ways", test_flat_map_splits_words_all_ways);
  ADD ("flat-map/splits-many-words", test_flat_map_splits_many_words);
  ADD ("flat-map/splits-lines-of-values", test_flat_map_splits_lines_of_values);
  ADD ("flat-map/known-function-checks-types", test_flat_map_known_function_checks_types);
  ADD ("map-chunks/sees-arrays", test_map_chunks_sees_arrays);
  ADD ("map-chunks/fails-once-a-chunk", test_map_chunks_fails_once_a_chunk);
#undef ADD
  return g_test_run ();
}
