/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The builder: what goes in comes out, in order and in the right form, however much. */

#include "base/ds-block-private.h"
#include "base/ds-value-private.h"

#include "tests/base/ds-test-values-private.h"

static void
test_every_kind_of_value_is_added (void)
{
  g_test_summary ("One of each, in the order of adding");

  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
  g_autoptr (GBytes) bytes = g_bytes_new_static ("\x01\x02", 2);
  g_autoptr (DsBlock) block = NULL;

  ds_block_builder_add_string (builder, "s");
  ds_block_builder_add_int (builder, -1);
  ds_block_builder_add_double (builder, 0.5);
  ds_block_builder_add_bytes (builder, bytes);
  ds_block_builder_add (builder, ds_value_bool (TRUE));
  ds_block_builder_add_pair (builder, ds_value_string ("k"), ds_value_null ());
  block = ds_block_builder_end (builder);

  ds_assert_block_in_order (block, "s", "-1", "0.5", "0x0102", "true", "(k,null)", NULL);
  g_assert_cmpint (ds_block_get_form (block), ==, DS_FORM_VALUES);
}

static void
test_nothing_added_is_an_empty_block (void)
{
  g_test_summary ("A builder at its end without values gives a block without values");

  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
  g_autoptr (DsBlock) block = ds_block_builder_end (builder);

  ds_assert_block (block, NULL);
  g_assert_cmpuint (ds_block_get_n_bytes (block), ==, 0);
}

static void
test_copies_deeply (void)
{
  g_test_summary ("What was added may be overwritten at once");

  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
  g_autoptr (DsBlock) block = NULL;
  char word[8];
  DsValue items[2];

  for (int i = 0; i < 3; i++)
    {
      g_snprintf (word, sizeof word, "word%d", i);
      items[0] = ds_value_string (word);
      items[1] = ds_value_int (i);
      ds_block_builder_add (builder, ds_value_list (items, 2));
    }
  block = ds_block_builder_end (builder);
  ds_assert_block_in_order (block, "[word0, 0]", "[word1, 1]", "[word2, 2]", NULL);
}

static void
test_any_number_of_values_fits (void)
{
  g_test_summary ("Around every segment's end: all values, contiguous, in order");

  static const gsize sizes[] = { 1, 63, 64, 65, 191, 192, 193, 448, 449, 5000, 300000 };

  for (gsize s = 0; s < G_N_ELEMENTS (sizes); s++)
    {
      g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
      g_autoptr (DsBlock) block = NULL;
      const DsValue *values;
      gsize n_values;
      char text[24];

      for (gsize i = 0; i < sizes[s]; i++)
        {
          g_snprintf (text, sizeof text, "%" G_GSIZE_FORMAT, i);
          ds_block_builder_add_string (builder, text);
        }
      g_assert_cmpuint (ds_block_builder_get_n_values (builder), ==, sizes[s]);
      g_assert_cmpuint (ds_block_builder_get_n_bytes (builder), >=,
                        sizes[s] * sizeof (DsValue));
      block = ds_block_builder_end (builder);

      values = ds_block_get_values (block, &n_values);
      g_assert_cmpuint (n_values, ==, sizes[s]);
      for (gsize i = 0; i < n_values; i++)
        g_assert_cmpint (ds_value_get_int (ds_value_parse_int (values[i])), ==, i);
    }
}

static void
test_pairs_stay_two_columns (void)
{
  g_test_summary ("Pairs alone, also those that come as tuples, are kept as two columns");

  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
  g_autoptr (DsBlock) block = NULL;
  const DsValue *keys;
  const DsValue *values;
  gsize n_values;

  for (gint64 i = 0; i < 1000; i++)
    {
      DsValue items[2] = { ds_value_int (i), ds_value_int (-i) };

      if (i % 3 == 1)
        ds_block_builder_add (builder, ds_value_tuple (items, 2));
      else
        ds_block_builder_add_pair (builder, items[0], items[1]);
    }
  block = ds_block_builder_end (builder);

  g_assert_cmpint (ds_block_get_form (block), ==, DS_FORM_PAIRS);
  ds_block_get_columns (block, &keys, &values, &n_values);
  g_assert_cmpuint (n_values, ==, 1000);
  for (gsize i = 0; i < n_values; i++)
    {
      g_assert_cmpint (ds_value_get_int (keys[i]), ==, i);
      g_assert_cmpint (ds_value_get_int (values[i]), ==, -(gint64) i);
    }
}

static void
test_other_values_join_the_columns (void)
{
  g_test_summary (
      "A value that is no pair, among pairs, makes tuples of them, wherever it "
      "comes");

  static const gint64 positions[] = { 1, 63, 64, 65, 500 };

  for (gsize p = 0; p < G_N_ELEMENTS (positions); p++)
    {
      g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
      g_autoptr (DsBlock) block = NULL;
      gint64 n_pairs = positions[p];

      for (gint64 i = 0; i < n_pairs; i++)
        ds_block_builder_add_pair (builder, ds_value_int (i), ds_value_string ("v"));
      ds_block_builder_add_string (builder, "odd");
      for (gint64 i = 0; i < 100; i++)
        ds_block_builder_add_pair (builder, ds_value_int (i), ds_value_string ("w"));
      block = ds_block_builder_end (builder);

      g_assert_cmpint (ds_block_get_form (block), ==, DS_FORM_VALUES);
      g_assert_cmpuint (ds_block_get_length (block), ==, n_pairs + 101);
      for (gint64 i = 0; i < n_pairs + 101; i++)
        {
          DsValue value = ds_block_get (block, (gsize) i);
          g_autofree char *found = ds_value_to_string (value);
          g_autofree char *expected =
              i < n_pairs ? g_strdup_printf ("(%" G_GINT64_FORMAT ",v)", i)
              : i == n_pairs
                  ? g_strdup ("odd")
                  : g_strdup_printf ("(%" G_GINT64_FORMAT ",w)", i - n_pairs - 1);

          g_assert_cmpstr (found, ==, expected);
        }
    }
}

static void
test_columns_are_added_in_bulk (void)
{
  g_test_summary ("Chunks of one and of two columns give what single additions give");

  for (int round = 0; round < 100; round++)
    {
      g_autoptr (DsArena) arena = ds_arena_new (NULL);
      g_autoptr (DsBlockBuilder) bulk = ds_block_builder_new ();
      g_autoptr (DsBlockBuilder) single = ds_block_builder_new ();
      g_autoptr (DsBlock) from_bulk = NULL;
      g_autoptr (DsBlock) from_single = NULL;

      for (int chunk = g_test_rand_int_range (0, 8); chunk > 0; chunk--)
        {
          gsize n_values = (gsize) g_test_rand_int_range (0, 100);
          DsValue keys[100];
          DsValue values[100];
          gboolean is_pairs = g_test_rand_int_range (0, 2);

          for (gsize i = 0; i < n_values; i++)
            {
              keys[i] = ds_test_random_value (arena, 2);
              values[i] = ds_test_random_value (arena, 2);
              if (is_pairs)
                ds_block_builder_add_pair (single, keys[i], values[i]);
              else
                ds_block_builder_add (single, keys[i]);
            }
          ds_block_builder_add_columns (bulk, keys, is_pairs ? values : NULL, n_values);
        }
      from_bulk = ds_block_builder_end (bulk);
      from_single = ds_block_builder_end (single);
      g_assert_true (ds_block_equal (from_bulk, from_single));
      g_assert_cmpint (ds_block_get_form (from_bulk), ==,
                       ds_block_get_form (from_single));
    }
}

static void
test_long_strings_do_not_disturb_short_ones (void)
{
  g_test_summary ("Strings of all lengths, packed behind each other, keep their bytes");

  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
  g_autoptr (GArray) lengths = g_array_new (FALSE, FALSE, sizeof (guint32));
  g_autoptr (DsBlock) block = NULL;
  g_autofree char *bytes = g_malloc (200000);

  for (guint i = 0; i < 2000; i++)
    {
      guint32 length = (guint32) g_test_rand_int_range (0, i % 200 == 0 ? 200000 : 80);

      memset (bytes, (int) ('a' + i % 26), length);
      g_array_append_val (lengths, length);
      ds_block_builder_add (builder, ds_value_string_sized (bytes, length));
    }
  block = ds_block_builder_end (builder);
  for (guint i = 0; i < 2000; i++)
    {
      DsValue value = ds_block_get (block, i);

      g_assert_cmpuint (value.size, ==, g_array_index (lengths, guint32, i));
      for (guint32 j = 0; j < value.size; j++)
        g_assert_cmpint (value.as.bytes[j], ==, 'a' + i % 26);
    }
}

static void
test_unfinished_builder_leaves_nothing (void)
{
  g_test_summary ("A builder that is dropped on the way gives all its memory back");

  gsize n_before = ds_arena_pool_get_bytes_in_use (ds_arena_pool_get_default ());
  DsBlockBuilder *builder = ds_block_builder_new ();
  DsBlockBuilder *reference = ds_block_builder_ref (builder);

  for (gint64 i = 0; i < 10000; i++)
    ds_block_builder_add_pair (builder, ds_value_int (i), ds_value_string ("value"));
  ds_block_builder_unref (builder);
  ds_block_builder_add_int (reference, 1);
  ds_block_builder_unref (reference);

  g_assert_cmpuint (ds_arena_pool_get_bytes_in_use (ds_arena_pool_get_default ()), ==,
                    n_before);
}

static void
test_adding_after_the_end_is_a_critical (void)
{
  g_test_summary ("A builder at its end takes nothing more");

  if (g_test_subprocess ())
    {
      g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
      g_autoptr (DsBlock) block = ds_block_builder_end (builder);

      g_assert_nonnull (block);
      ds_block_builder_add_int (builder, 1);
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr ("*ds_block_builder_add*self->arena != NULL*");
}

static void
test_second_end_is_an_empty_block (void)
{
  g_test_summary ("A second end is a critical, and still gives a block");

  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
  g_autoptr (DsBlock) first = NULL;
  g_autoptr (DsBlock) second = NULL;

  ds_block_builder_add_int (builder, 1);
  first = ds_block_builder_end (builder);
  g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_CRITICAL,
                         "*ds_block_builder_end*self->arena != NULL*");
  second = ds_block_builder_end (builder);
  g_test_assert_expected_messages ();
  ds_assert_block (first, "1", NULL);
  ds_assert_block (second, NULL);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add_func ("/base/block-builder/" name, func)
  ADD ("every-kind-of-value-is-added", test_every_kind_of_value_is_added);
  ADD ("nothing-added-is-an-empty-block", test_nothing_added_is_an_empty_block);
  ADD ("copies-deeply", test_copies_deeply);
  ADD ("any-number-of-values-fits", test_any_number_of_values_fits);
  ADD ("pairs-stay-two-columns", test_pairs_stay_two_columns);
  ADD ("other-values-join-the-columns", test_other_values_join_the_columns);
  ADD ("columns-are-added-in-bulk", test_columns_are_added_in_bulk);
  ADD ("long-strings-do-not-disturb-short-ones",
       test_long_strings_do_not_disturb_short_ones);
  ADD ("unfinished-builder-leaves-nothing", test_unfinished_builder_leaves_nothing);
  ADD ("adding-after-the-end-is-a-critical", test_adding_after_the_end_is_a_critical);
  ADD ("second-end-is-an-empty-block", test_second_end_is_an_empty_block);
#undef ADD
  return g_test_run ();
}
