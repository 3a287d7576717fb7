/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Blocks: three forms that read alike, what they keep alive, and the bridges to other
 * languages. */

#include "base/ds-block-private.h"
#include "base/ds-error.h"
#include "base/ds-failure-private.h"
#include "base/ds-value-private.h"

#include "tests/base/ds-test-values-private.h"

static DsBlock *
text_block (const char *text, gsize n_lines, gboolean strip_cr)
{
  gsize n_bytes = strlen (text);
  DsArena *arena = ds_arena_new_sized (NULL, n_bytes);
  char *copy = ds_arena_alloc (arena, n_bytes);

  memcpy (copy, text, n_bytes);
  return ds_block_new_take_text (arena, copy, n_bytes, n_lines, strip_cr);
}

/* ("a", 0), ("b", 1), ... as two columns. */
static DsBlock *
pairs_block (gsize n_values)
{
  DsArena *arena = ds_arena_new (NULL);
  DsValue *keys = ds_arena_alloc (arena, n_values * sizeof *keys);
  DsValue *values = ds_arena_alloc (arena, n_values * sizeof *values);

  for (gsize i = 0; i < n_values; i++)
    {
      char *key = ds_arena_alloc (arena, 1);

      *key = (char) ('a' + i % 26);
      keys[i] = ds_value_string_sized (key, 1);
      values[i] = ds_value_int ((gint64) i);
    }
  return ds_block_new_take_columns (arena, keys, values, n_values);
}

static void
test_copies_what_it_is_made_of (void)
{
  g_test_summary ("A block stands alone: the values it was made of may go");

  char word[] = "word";
  const DsValue inner[] = { ds_value_string (word), ds_value_double (1.5) };
  const DsValue values[] = { ds_value_string (word), ds_value_tuple (inner, 2),
                             ds_value_int (3), ds_value_null () };
  g_autoptr (DsBlock) block = ds_block_new (values, 4);
  g_autoptr (DsBlock) empty = ds_block_new (NULL, 0);

  memset (word, 'x', 4);
  ds_assert_block_in_order (block, "word", "(word,1.5)", "3", "null", NULL);
  g_assert_cmpuint (ds_block_get_length (block), ==, 4);
  g_assert_cmpint (ds_value_get_int (ds_block_get (block, 2)), ==, 3);
  ds_assert_block (empty, NULL);
  g_assert_cmpuint (ds_block_get_length (empty), ==, 0);
}

static void
test_pairs_read_as_tuples (void)
{
  g_test_summary ("Two columns are read as tuples, and as pairs without making tuples");

  g_autoptr (DsBlock) block = pairs_block (3);
  DsValue key, value;
  gsize n_values;

  g_assert_cmpint (ds_block_get_form (block), ==, DS_FORM_PAIRS);
  ds_block_get_pair (block, 1, &key, &value);
  g_assert_true (ds_value_equals_string (key, "b"));
  g_assert_cmpint (ds_value_get_int (value), ==, 1);

  ds_assert_block_in_order (block, "(a,0)", "(b,1)", "(c,2)", NULL);
  g_assert_true (ds_block_get_values (block, NULL) ==
                 ds_block_get_values (block, &n_values));
  g_assert_cmpuint (n_values, ==, 3);
  g_assert_true (ds_value_is_pair (ds_block_get (block, 2)));
}

static void
test_text_reads_as_lines (void)
{
  g_test_summary ("Text is cut when values are asked for; the lines are slices of it");

  g_autoptr (DsBlock) block = text_block ("one\r\n\ntwo words\r\nend", 4, TRUE);
  g_autoptr (DsBlock) raw = text_block ("one\r\n\n", 2, FALSE);
  gsize n_bytes;
  gboolean strip_cr;
  const char *text = ds_block_get_text (block, &n_bytes, &strip_cr);

  g_assert_cmpint (ds_block_get_form (block), ==, DS_FORM_TEXT);
  g_assert_cmpuint (n_bytes, ==, 20);
  g_assert_true (strip_cr);
  g_assert_cmpuint (ds_block_get_length (block), ==, 4);
  ds_assert_block_in_order (block, "one", "", "two words", "end", NULL);
  g_assert_true (ds_block_get (block, 0).as.bytes == text);
  ds_assert_block_in_order (raw, "one\r", "", NULL);
}

static void
test_many_lines_are_all_cut (void)
{
  g_test_summary ("100,000 lines of random length equal those of a plain loop");

  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (DsBlock) block = NULL;
  const DsValue *lines;
  const char *cursor;
  gsize n_lines;

  for (int i = 0; i < 100000; i++)
    {
      for (int n = g_test_rand_int_range (0, 12); n > 0; n--)
        g_string_append_c (text, (char) g_test_rand_int_range ('a', 'z'));
      g_string_append_c (text, '\n');
    }
  block = text_block (text->str, 100000, FALSE);
  lines = ds_block_get_values (block, &n_lines);

  g_assert_cmpuint (n_lines, ==, 100000);
  cursor = text->str;
  for (gsize i = 0; i < n_lines; i++)
    {
      const char *end = strchr (cursor, '\n');

      g_assert_cmpuint (lines[i].size, ==, end - cursor);
      g_assert_cmpint (memcmp (lines[i].as.bytes, cursor, lines[i].size), ==, 0);
      cursor = end + 1;
    }
}

static gpointer
read_view (gpointer data)
{
  gsize n_values;
  const DsValue *values = ds_block_get_values (data, &n_values);
  gint64 sum = 0;

  for (gsize i = 0; i < n_values; i++)
    sum += ds_value_get_int (ds_pair_value (values[i]));
  g_assert_cmpint (sum, ==, 1000 * 999 / 2);
  ds_block_unref (data);
  return GSIZE_TO_POINTER ((gsize) values);
}

static void
test_threads_see_one_view (void)
{
  g_test_summary ("Threads that ask for the tuples at once all get the same ones");

  for (int round = 0; round < 50; round++)
    {
      g_autoptr (DsBlock) block = pairs_block (1000);
      GThread *threads[4];

      for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
        threads[i] = g_thread_new ("view", read_view, ds_block_ref (block));
      for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
        g_assert_true (g_thread_join (threads[i]) == ds_block_get_values (block, NULL));
    }
}

static void
test_holds_other_blocks (void)
{
  g_test_summary ("Values that point into another block live as long as it is held");

  DsBlock *original = ds_block_new_strings ("the original", "bytes", NULL);
  gsize n_bytes = ds_block_get_n_bytes (original);
  DsArena *arena = ds_arena_new (NULL);
  DsValue *values = ds_arena_alloc (arena, sizeof *values);
  g_autoptr (DsBlock) block = NULL;

  *values = ds_block_get (original, 0);
  block = ds_block_new_take_columns (arena, values, NULL, 1);
  g_assert_cmpuint (ds_block_get_n_bytes (block), >, 0);
  ds_block_hold (block, original);
  g_assert_cmpuint (ds_block_get_n_bytes (block), >, n_bytes);
  ds_block_unref (original);

  ds_assert_block (block, "the original", NULL);
}

static void
test_sorts_without_copying_bytes (void)
{
  g_test_summary ("Sorting gives a new block in the order of values, of any form");

  g_autoptr (DsBlock) pairs = pairs_block (30);
  g_autoptr (DsBlock) text = text_block ("pear\napple\nfig", 3, FALSE);
  DsBlock *ints = ds_block_new_ints (3, 1, 2);
  g_autoptr (DsBlock) sorted_pairs = ds_block_sort (pairs);
  g_autoptr (DsBlock) sorted_text = ds_block_sort (text);
  g_autoptr (DsBlock) sorted_ints = ds_block_sort (ints);
  g_autoptr (DsBlock) none = ds_block_new (NULL, 0);
  g_autoptr (DsBlock) sorted_none = ds_block_sort (none);

  ds_assert_block_in_order (ints, "3", "1", "2", NULL);
  ds_block_unref (ints);
  ds_assert_block_in_order (sorted_ints, "1", "2", "3", NULL);
  ds_assert_block_in_order (sorted_text, "apple", "fig", "pear", NULL);
  ds_assert_block (sorted_none, NULL);
  g_assert_cmpuint (ds_block_get_length (sorted_pairs), ==, 30);
  for (gsize i = 1; i < 30; i++)
    g_assert_cmpint (ds_value_compare (ds_block_get (sorted_pairs, i - 1),
                                       ds_block_get (sorted_pairs, i)),
                     <, 0);
}

static void
test_equal_in_any_form (void)
{
  g_test_summary ("Two columns equal tuples, text equals strings; order counts");

  g_autoptr (DsBlock) pairs = pairs_block (40);
  g_autoptr (DsBlock) same_pairs = pairs_block (40);
  g_autoptr (DsBlock) fewer = pairs_block (39);
  g_autoptr (DsBlock) tuples = ds_block_new (ds_block_get_values (pairs, NULL), 40);
  g_autoptr (DsBlock) text = text_block ("a\nb\n", 2, FALSE);
  g_autoptr (DsBlock) strings = ds_block_new_strings ("a", "b", NULL);
  g_autoptr (DsBlock) reversed = ds_block_new_strings ("b", "a", NULL);

  g_assert_true (ds_block_equal (pairs, pairs));
  g_assert_true (ds_block_equal (pairs, same_pairs));
  g_assert_true (ds_block_equal (pairs, tuples));
  g_assert_true (ds_block_equal (text, strings));
  g_assert_false (ds_block_equal (pairs, fewer));
  g_assert_false (ds_block_equal (strings, reversed));
  g_assert_false (ds_block_equal (pairs, text));
}

static void
test_prints_a_value_a_line (void)
{
  g_test_summary ("One printed value a line, strings as they are");

  g_autoptr (DsBlock) pairs = pairs_block (2);
  g_autoptr (DsBlock) none = ds_block_new (NULL, 0);
  g_autofree char *text = ds_block_to_string (pairs);
  g_autofree char *nothing = ds_block_to_string (none);

  g_assert_cmpstr (text, ==, "(a,0)\n(b,1)\n");
  g_assert_cmpstr (nothing, ==, "");
}

/* ---- Compaction ---- */

static void
test_compacts_what_keeps_little_of_much (void)
{
  g_test_summary ("A block of three words in a large arena is copied, a full one is not");

  DsArena *arena = ds_arena_new_sized (NULL, 1024 * 1024);
  char *bytes = ds_arena_alloc (arena, 512 * 1024);
  DsValue *values = ds_arena_alloc (arena, 3 * sizeof *values);
  g_autoptr (DsBlock) block = NULL;
  g_autoptr (DsBlock) compacted = NULL;
  g_autoptr (DsBlock) again = NULL;

  memset (bytes, 'y', 512 * 1024);
  values[0] = ds_value_string_sized (bytes, 3);
  values[1] = ds_value_int (7);
  values[2] = ds_value_tuple (values, 2);
  block = ds_block_new_take_columns (arena, values, NULL, 3);

  compacted = ds_block_compact (block);
  g_assert_true (compacted != block);
  g_assert_true (ds_block_equal (compacted, block));
  g_assert_cmpuint (ds_block_get_n_bytes (compacted), <, 4096);
  again = ds_block_compact (compacted);
  g_assert_true (again == compacted);

  values[0].size = 400 * 1024;
  values[2] = ds_value_null ();
  g_clear_pointer (&again, ds_block_unref);
  again = ds_block_compact (block);
  g_assert_true (again != block); /* 400 KiB of more than 1 MiB is less than half */
  values[0].size = 512 * 1024;
  values[2] = values[0];
  g_clear_pointer (&again, ds_block_unref);
  again = ds_block_compact (block);
  g_assert_true (again == block);
}

static void
test_compacts_every_form (void)
{
  g_test_summary ("Pairs stay two columns, text stays text, held blocks are let go");

  g_autoptr (DsBlock) pairs = pairs_block (3);
  g_autoptr (DsBlock) text = NULL;
  g_autoptr (DsBlock) compact_pairs = NULL;
  g_autoptr (DsBlock) compact_text = NULL;
  DsArena *arena = ds_arena_new_sized (NULL, 100 * 1024);
  char *bytes = ds_arena_alloc (arena, 4);
  gsize n_bytes;
  gboolean strip_cr;

  memcpy (bytes, "a\r\nb", 4);
  text = ds_block_new_take_text (arena, bytes, 4, 2, TRUE);
  for (int i = 0; i < 100; i++)
    {
      g_autoptr (DsBlock) other = pairs_block (200);

      ds_block_hold (pairs, other);
    }

  compact_pairs = ds_block_compact (pairs);
  g_assert_true (compact_pairs != pairs);
  g_assert_cmpint (ds_block_get_form (compact_pairs), ==, DS_FORM_PAIRS);
  g_assert_true (ds_block_equal (compact_pairs, pairs));
  g_assert_cmpuint (ds_block_get_n_bytes (compact_pairs), <, 4096);

  compact_text = ds_block_compact (text);
  g_assert_true (compact_text != text);
  g_assert_cmpint (ds_block_get_form (compact_text), ==, DS_FORM_TEXT);
  ds_block_get_text (compact_text, &n_bytes, &strip_cr);
  g_assert_cmpuint (n_bytes, ==, 4);
  g_assert_true (strip_cr);
  ds_assert_block_in_order (compact_text, "a", "b", NULL);
}

static void
test_compact_copies_equal_their_originals (void)
{
  g_test_summary ("Random nested values, copied tightly, stay what they were");

  for (int round = 0; round < 200; round++)
    {
      DsArena *arena = ds_arena_new_sized (NULL, 1024 * 1024);
      gsize n_values = (gsize) g_test_rand_int_range (0, 40);
      DsValue *values = ds_arena_alloc (arena, n_values * sizeof *values);
      g_autoptr (DsBlock) block = NULL;
      g_autoptr (DsBlock) compacted = NULL;

      for (gsize i = 0; i < n_values; i++)
        values[i] = ds_test_random_value (arena, 2);
      block = ds_block_new_take_columns (arena, values, NULL, n_values);
      compacted = ds_block_compact (block);
      g_assert_true (compacted != block);
      g_assert_true (ds_block_equal (compacted, block));
    }
}

/* ---- Other languages ---- */

static void
test_strings_go_out_valid (void)
{
  g_test_summary ("Everything as strings: printed forms, and UTF-8 made valid");

  const DsValue values[] = { ds_value_string ("a"), ds_value_int (2),
                             ds_value_string ("\xff"),
                             ds_value_string_sized ("x\0y", 3) };
  g_autoptr (DsBlock) block = ds_block_new (values, 4);
  g_auto (GStrv) strings = ds_block_dup_strv (block);
  const char *const expected[] = { "a", "2", "\xef\xbf\xbd", "x\xef\xbf\xbdy", NULL };
  g_autoptr (DsBlock) back = ds_block_new_from_strv (expected);
  g_autoptr (DsBlock) none = ds_block_new_from_strv (NULL);

  g_assert_true (g_strv_equal ((const char *const *) strings, expected));
  ds_assert_block_in_order (back, "a", "2", "\xef\xbf\xbd", "x\xef\xbf\xbdy", NULL);
  ds_assert_block (none, NULL);
}

static void
assert_from_variant (const char *text, const char *printed)
{
  g_autoptr (DsBlock) block = ds_block_new_from_variant (g_variant_new_parsed (text));
  g_autofree char *found = ds_block_to_string (block);

  g_assert_cmpstr (found, ==, printed);
}

static void
test_reads_variants (void)
{
  g_test_summary ("An array gives its elements, anything else one value");

  assert_from_variant ("['a', 'b']", "a\nb\n");
  assert_from_variant ("@as []", "");
  assert_from_variant ("[1, -2]", "1\n-2\n");
  assert_from_variant ("int16 -3", "-3\n");
  assert_from_variant ("uint16 3", "3\n");
  assert_from_variant ("uint32 4000000000", "4000000000\n");
  assert_from_variant ("int64 -5", "-5\n");
  assert_from_variant ("uint64 18446744073709551615", "1.8446744073709552e19\n");
  assert_from_variant ("byte 0x10", "16\n");
  assert_from_variant ("1.5", "1.5\n");
  assert_from_variant ("true", "true\n");
  assert_from_variant ("b'ab'", "0x616200\n");
  assert_from_variant ("@ay [1, 255]", "0x01ff\n");
  assert_from_variant ("('a', 1)", "(a,1)\n");
  assert_from_variant ("[('a', 1), ('b', 2)]", "(a,1)\n(b,2)\n");
  assert_from_variant ("{'k': 1}", "(k,1)\n");
  assert_from_variant ("<<['x']>>", "x\n");
  assert_from_variant ("[<'x'>, <1>, <[2.0]>, <@ay [3]>]", "x\n1\n[2.0]\n0x03\n");
  assert_from_variant ("[just 'a', nothing]", "a\nnull\n");
  assert_from_variant ("objectpath '/a'", "/a\n");
}

static void
test_variants_go_round (void)
{
  g_test_summary ("Random values without odd strings come back from a variant unchanged");

  for (int round = 0; round < 300; round++)
    {
      g_autoptr (DsArena) arena = ds_arena_new (NULL);
      DsValue items[3] = { ds_test_random_value (arena, 0), ds_value_bytes ("\0\xff", 2),
                           ds_value_string ("gr\xc3\xbc") };
      DsValue values[2] = { ds_value_tuple (items, 3), ds_value_list (items, 3) };
      g_autoptr (DsBlock) block = NULL;
      g_autoptr (DsBlock) back = NULL;

      if (ds_value_is (items[0], DS_VALUE_TYPE_STRING))
        items[0] = ds_value_null ();
      block = ds_block_new (values, 2);
      back = ds_block_new_from_variant (ds_block_to_variant (block));
      g_assert_true (ds_block_equal (block, back));
    }
}

static void
test_odd_strings_become_valid_variants (void)
{
  g_test_summary ("A string that is not UTF-8 has no variant of its own");

  g_autoptr (DsBlock) block = ds_block_new_strings ("a\xff", NULL);
  g_autoptr (DsBlock) back = ds_block_new_from_variant (ds_block_to_variant (block));

  ds_assert_block (back, "a\xef\xbf\xbd", NULL);
}

static void
test_msgpack_goes_round (void)
{
  g_test_summary ("Random nested values come back from msgpack byte for byte");

  for (int round = 0; round < 300; round++)
    {
      g_autoptr (DsArena) arena = ds_arena_new (NULL);
      DsValue values[20];
      g_autoptr (DsBlock) block = NULL;
      g_autoptr (DsBlock) back = NULL;
      g_autoptr (GBytes) bytes = NULL;
      g_autoptr (GError) error = NULL;

      for (gsize i = 0; i < G_N_ELEMENTS (values); i++)
        values[i] = ds_test_random_value (arena, 3);
      block = ds_block_new (values, G_N_ELEMENTS (values));
      bytes = ds_block_to_msgpack (block);
      back = ds_block_new_from_msgpack (bytes, &error);
      g_assert_no_error (error);
      g_assert_true (ds_block_equal (block, back));
    }
}

static void
test_bad_msgpack_is_an_error (void)
{
  g_test_summary ("Cut bytes are an error, not a shorter block");

  g_autoptr (GBytes) bytes = g_bytes_new_static ("\xa5hel", 4);
  g_autoptr (GError) error = NULL;

  g_assert_null (ds_block_new_from_msgpack (bytes, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_CORRUPT);
}

/* ---- Misuse ---- */

static void
test_index_past_the_end_is_a_critical (void)
{
  g_test_summary ("Reading past the end is a programming error");

  if (g_test_subprocess ())
    {
      g_autoptr (DsBlock) block = ds_block_new_ints (1, 2);

      ds_block_get (block, 2);
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr ("*index < self->n_values*");
}

static void
record_type_error (DsFailureReceiver *receiver, GError *error)
{
  g_assert_error (error, DS_ERROR, DS_ERROR_TYPE);
  g_error_free (error);
  receiver->report = NULL; /* a second one would crash */
}

static void
test_no_pair_fails_once (void)
{
  g_test_summary ("Reading a pair that is none fails the task and gives nulls");

  DsFailureReceiver receiver = { .report = record_type_error };
  g_autoptr (DsBlock) block = ds_block_new_ints (1);
  DsValue key, value;

  ds_failure_push (&receiver);
  ds_block_get_pair (block, 0, &key, &value);
  ds_failure_pop (&receiver);

  g_assert_true (receiver.report == NULL);
  g_assert_true (ds_value_is_null (key));
  g_assert_true (ds_value_is_null (value));
}

static void
fail_in_any_order (void)
{
  g_autoptr (DsBlock) block = ds_block_new_strings ("a", "b", "b", NULL);

  ds_assert_block (block, "b", "a", "c\n", NULL);
}

static void
fail_in_order (void)
{
  g_autoptr (DsBlock) block = ds_block_new_ints (1, 2);

  ds_assert_block_in_order (block, "2", "1", NULL);
}

static void
test_assertion_shows_both_lists (void)
{
  g_test_summary (
      "A failing ds_assert_block () says what is missing and what is too many");

  if (g_test_subprocess ())
    {
      fail_in_any_order ();
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr (
      "*block expected in any order: 3 values [\"b\", \"a\", \"c\\x0a\"], found: 3 "
      "values [\"a\", \"b\", \"b\"]; missing: [\"c\\x0a\"], too many: [\"b\"]*");
}

static void
test_assertion_minds_the_order (void)
{
  g_test_summary (
      "ds_assert_block_in_order () fails for the same values in another order");

  if (g_test_subprocess ())
    {
      fail_in_order ();
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr ("*in this order: 2 values [\"2\", \"1\"], found: 2 values "
                             "[\"1\", \"2\"]; missing: [], too many: []*");
}

static void
test_assertion_ignores_order_when_told (void)
{
  g_test_summary ("ds_assert_block () passes for the same values in another order");

  g_autoptr (DsBlock) block = ds_block_new_ints (1, 2, 1);

  ds_assert_block (block, "2", "1", "1", NULL);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add_func ("/base/block/" name, func)
  ADD ("copies-what-it-is-made-of", test_copies_what_it_is_made_of);
  ADD ("pairs-read-as-tuples", test_pairs_read_as_tuples);
  ADD ("text-reads-as-lines", test_text_reads_as_lines);
  ADD ("many-lines-are-all-cut", test_many_lines_are_all_cut);
  ADD ("threads-see-one-view", test_threads_see_one_view);
  ADD ("holds-other-blocks", test_holds_other_blocks);
  ADD ("sorts-without-copying-bytes", test_sorts_without_copying_bytes);
  ADD ("equal-in-any-form", test_equal_in_any_form);
  ADD ("prints-a-value-a-line", test_prints_a_value_a_line);
  ADD ("compacts-what-keeps-little-of-much", test_compacts_what_keeps_little_of_much);
  ADD ("compacts-every-form", test_compacts_every_form);
  ADD ("compact-copies-equal-their-originals", test_compact_copies_equal_their_originals);
  ADD ("strings-go-out-valid", test_strings_go_out_valid);
  ADD ("reads-variants", test_reads_variants);
  ADD ("variants-go-round", test_variants_go_round);
  ADD ("odd-strings-become-valid-variants", test_odd_strings_become_valid_variants);
  ADD ("msgpack-goes-round", test_msgpack_goes_round);
  ADD ("bad-msgpack-is-an-error", test_bad_msgpack_is_an_error);
  ADD ("index-past-the-end-is-a-critical", test_index_past_the_end_is_a_critical);
  ADD ("no-pair-fails-once", test_no_pair_fails_once);
  ADD ("assertion-shows-both-lists", test_assertion_shows_both_lists);
  ADD ("assertion-minds-the-order", test_assertion_minds_the_order);
  ADD ("assertion-ignores-order-when-told", test_assertion_ignores_order_when_told);
#undef ADD
  return g_test_run ();
}
