/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* count_by_key, lookup, collect_as_map, take_sample, to_local_iterator. */

#include "tests/rdd/ds-test-shuffle.h"

static const char *const lines[] = { "b 1", "a 2", "b 3", "a 4", "b 5", "c 6", NULL };

static char *
print_block (DsBlock *block)
{
  GString *text = g_string_new (NULL);

  for (gsize i = 0; i < ds_block_get_length (block); i++)
    {
      g_autofree char *value = ds_value_to_string (ds_block_get (block, i));

      g_string_append_printf (text, "%s\n", value);
    }
  return g_string_free (text, FALSE);
}

static DsValue
count_call (DsValue value, DsTask *task, gpointer user_data)
{
  g_atomic_int_inc ((gint *) user_data);
  return value;
}

static void
test_count_by_key (void)
{
  g_test_summary ("How many pairs a key has, whatever their values");

  for (gsize i = 0; i < G_N_ELEMENTS (ds_test_masters); i++)
    {
      g_autoptr (DsTestContext) context = ds_test_context_new (ds_test_masters[i]);
      g_autoptr (DsRdd) pairs = ds_test_pairs (context, lines, 3);
      g_autoptr (DsPartitioner) partitioner = ds_partitioner_new_hash (2);
      g_autoptr (DsRdd) there = ds_rdd_partition_by (pairs, partitioner);
      g_autoptr (GError) error = NULL;
      g_autoptr (DsBlock) block = ds_rdd_count_by_key (pairs, &error);
      g_autoptr (DsBlock) again = ds_rdd_count_by_key (there, &error);
      g_autofree char *text = NULL;
      g_autofree char *text_again = NULL;

      g_assert_no_error (error);
      text = ds_test_sort_lines (print_block (block));
      text_again = ds_test_sort_lines (print_block (again));
      g_assert_cmpstr (text, ==, "(a,2)\n(b,3)\n(c,1)\n");
      g_assert_cmpstr (text_again, ==, "(a,2)\n(b,3)\n(c,1)\n");
    }
}

static guint
fail_always (DsValue key, guint n_partitions, DsTask *task, gpointer unused)
{
  return n_partitions;
}

static void
assert_looks_up (DsRdd *rdd, const char *key, const char *expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DsBlock) block = ds_rdd_lookup (rdd, ds_value_string (key), &error);
  g_autofree char *text = NULL;

  g_assert_no_error (error);
  text = print_block (block);
  g_assert_cmpstr (text, ==, expected);
}

static void
test_lookup (void)
{
  g_test_summary ("The values of a key in their order; with a partitioner from one "
                  "partition only");

  for (gsize i = 0; i < G_N_ELEMENTS (ds_test_masters); i++)
    {
      g_autoptr (DsTestContext) context = ds_test_context_new (ds_test_masters[i]);
      gint n_calls = 0;
      g_autoptr (DsRdd) pairs = ds_test_pairs (context, lines, 3);
      g_autoptr (DsPartitioner) partitioner = ds_partitioner_new_hash (8);
      g_autoptr (DsRdd) there = ds_rdd_partition_by (pairs, partitioner);
      g_autoptr (DsRdd) counted = ds_rdd_map_values (there, count_call, &n_calls, NULL);

      assert_looks_up (pairs, "b", "1\n3\n5\n");
      assert_looks_up (pairs, "no such key", "");
      assert_looks_up (counted, "a", "2\n4\n");
      /* Those of the other keys in the partition of "a", if any, are called, too. */
      g_assert_cmpint (n_calls, <, 6);
      assert_looks_up (counted, "b", "1\n3\n5\n");
      assert_looks_up (counted, "no such key", "");
    }
}

static void
test_lookup_failures (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autoptr (DsRdd) integers = ds_test_integers (context, 5, 2);
  g_autoptr (DsRdd) pairs = ds_test_pairs (context, lines, 3);
  g_autoptr (DsPartitioner) partitioner = ds_partitioner_new (2, fail_always, NULL, NULL);
  g_autoptr (DsRdd) there = ds_rdd_partition_by (pairs, partitioner);
  GError *error = NULL;

  g_test_summary ("Values that are no pairs, a partitioner that gives no partition");

  g_assert_null (ds_rdd_lookup (integers, ds_value_int (1), &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_TYPE);
  g_assert_nonnull (strstr (error->message, "lookup"));
  g_clear_error (&error);
  g_assert_null (ds_rdd_lookup (there, ds_value_int (1), &error));
  g_assert_nonnull (error);
  g_clear_error (&error);
  g_assert_null (ds_rdd_collect_as_map (integers, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_TYPE);
  g_assert_nonnull (strstr (error->message, "collect_as_map"));
  g_clear_error (&error);
  g_assert_null (ds_rdd_count_by_key (integers, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_TYPE);
  g_clear_error (&error);
}

static void
assert_maps (GHashTable *map, const char *key, gint64 expected)
{
  const DsValue wanted = ds_value_string (key);
  const DsValue *value = g_hash_table_lookup (map, &wanted);

  g_assert_nonnull (value);
  g_assert_cmpint (ds_value_get_int (*value), ==, expected);
}

static void
test_collect_as_map (void)
{
  g_test_summary ("The last value of a key stays; entries can go one by one");

  for (gsize i = 0; i < G_N_ELEMENTS (ds_test_masters); i++)
    {
      g_autoptr (DsTestContext) context = ds_test_context_new (ds_test_masters[i]);
      g_autoptr (DsRdd) pairs = ds_test_pairs (context, lines, 3);
      g_autoptr (DsRdd) none = ds_context_empty (context);
      g_autoptr (GError) error = NULL;
      g_autoptr (GHashTable) map = ds_rdd_collect_as_map (pairs, &error);
      g_autoptr (GHashTable) nothing = ds_rdd_collect_as_map (none, &error);
      const DsValue a = ds_value_string ("a");

      g_assert_no_error (error);
      g_assert_cmpuint (g_hash_table_size (nothing), ==, 0);
      g_assert_cmpuint (g_hash_table_size (map), ==, 3);
      assert_maps (map, "a", 4);
      assert_maps (map, "b", 5);
      assert_maps (map, "c", 6);
      g_assert_true (g_hash_table_remove (map, &a));
      g_assert_null (g_hash_table_lookup (map, &a));
      assert_maps (map, "b", 5);
    }
}

/* ---- take_sample ---- */

static void
test_take_sample_without_replacement (void)
{
  static gint n_taken[20];
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autoptr (DsRdd) integers = ds_test_integers (context, 20, 3);

  g_test_summary ("Exactly n, all different, each as often as any other");

  for (guint64 seed = 0; seed < 2000; seed++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (DsBlock) block = ds_rdd_take_sample (integers, FALSE, 5, seed, &error);
      gboolean is_taken[20] = { FALSE };

      g_assert_no_error (error);
      g_assert_cmpuint (ds_block_get_length (block), ==, 5);
      for (gsize i = 0; i < 5; i++)
        {
          const gint64 value = ds_value_get_int (ds_block_get (block, i));

          g_assert_false (is_taken[value]);
          is_taken[value] = TRUE;
          n_taken[value]++;
        }
    }
  /* 500 are expected of each, with a deviation of 19. */
  for (gsize i = 0; i < G_N_ELEMENTS (n_taken); i++)
    {
      g_assert_cmpint (n_taken[i], >, 390);
      g_assert_cmpint (n_taken[i], <, 610);
    }
}

static void
test_take_sample_with_replacement (void)
{
  static gint n_taken[20];
  static gint n_first[20];
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autoptr (DsRdd) integers = ds_test_integers (context, 20, 7);

  g_test_summary ("Exactly n, also more than there are, each at any place as often");

  for (guint64 seed = 0; seed < 200; seed++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (DsBlock) block = ds_rdd_take_sample (integers, TRUE, 50, seed, &error);

      g_assert_no_error (error);
      g_assert_cmpuint (ds_block_get_length (block), ==, 50);
      for (gsize i = 0; i < 50; i++)
        n_taken[ds_value_get_int (ds_block_get (block, i))]++;
      n_first[ds_value_get_int (ds_block_get (block, 0))]++;
    }
  /* 500 and 10 are expected of each, with deviations of 22 and 3. */
  for (gsize i = 0; i < G_N_ELEMENTS (n_taken); i++)
    {
      g_assert_cmpint (n_taken[i], >, 370);
      g_assert_cmpint (n_taken[i], <, 630);
      g_assert_cmpint (n_first[i], >, 0);
      g_assert_cmpint (n_first[i], <, 40);
    }
}

static void
test_take_sample_edges (void)
{
  g_autofree char *expected[2] = { NULL, NULL };

  g_test_summary ("A seed gives the same sample on any number of workers; there is no "
                  "more than all, and nothing of nothing");

  for (gsize i = 0; i < G_N_ELEMENTS (ds_test_masters); i++)
    {
      g_autoptr (DsTestContext) context = ds_test_context_new (ds_test_masters[i]);
      g_autoptr (DsRdd) integers = ds_test_integers (context, 1000, 5);
      g_autoptr (DsRdd) none = ds_test_integers (context, 0, 3);

      for (gsize with = 0; with < 2; with++)
        {
          g_autoptr (GError) error = NULL;
          g_autoptr (DsBlock) sample =
              ds_rdd_take_sample (integers, with == 1, 20, 7, &error);
          g_autoptr (DsBlock) all =
              ds_rdd_take_sample (integers, with == 1, 1500, 7, &error);
          g_autoptr (DsBlock) no_sample =
              ds_rdd_take_sample (none, with == 1, 20, 7, &error);
          g_autoptr (DsBlock) no_values =
              ds_rdd_take_sample (integers, with == 1, 0, 7, &error);
          g_autofree char *text = NULL;

          g_assert_no_error (error);
          text = print_block (sample);
          if (i == 0)
            expected[with] = g_strdup (text);
          g_assert_cmpstr (text, ==, expected[with]);
          g_assert_cmpuint (ds_block_get_length (all), ==, with == 1 ? 1500 : 1000);
          g_assert_cmpuint (ds_block_get_length (no_sample), ==, 0);
          g_assert_cmpuint (ds_block_get_length (no_values), ==, 0);
        }
    }
  g_clear_pointer (&expected[1], g_free);
}

/* ---- to_local_iterator ---- */

static DsValue
fail_once_at_five (DsValue value, DsTask *task, gpointer user_data)
{
  gint *n_failures = user_data;

  if (ds_value_get_int (value) == 5 && ++*n_failures <= 1)
    return ds_task_fail (task, "five");
  return value;
}

static void
test_to_local_iterator (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[1]");
  gint n_failures = 0;
  gint n_calls = 0;
  g_autoptr (DsRdd) integers = ds_test_integers (context, 7, 3);
  g_autoptr (DsRdd) counted = ds_rdd_map (integers, count_call, &n_calls, NULL);
  g_autoptr (DsRdd) failing = ds_rdd_map (counted, fail_once_at_five, &n_failures, NULL);
  g_autoptr (DsRddIterator) iterator = ds_rdd_to_local_iterator (failing);
  static const gsize sizes[] = { 2, 2, 3 };
  g_autoptr (GError) error = NULL;
  gint64 expected = 0;

  g_test_summary (
      "A partition a call, computed when it is asked for; after a failure the "
      "same one again");

  g_assert_cmpint (n_calls, ==, 0);
  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr (DsBlock) block = NULL;

      if (i == 2)
        {
          g_assert_null (ds_rdd_iterator_next_partition (iterator, &error));
          g_assert_error (error, DS_ERROR, DS_ERROR_USER_FUNCTION);
          g_clear_error (&error);
        }
      block = ds_rdd_iterator_next_partition (iterator, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (ds_block_get_length (block), ==, sizes[i]);
      for (gsize j = 0; j < sizes[i]; j++)
        g_assert_cmpint (ds_value_get_int (ds_block_get (block, j)), ==, expected++);
      g_assert_cmpint (n_calls, ==, (gint) expected + (i == 2 ? 3 : 0));
    }
  g_assert_null (ds_rdd_iterator_next_partition (iterator, &error));
  g_assert_no_error (error);
  g_assert_null (ds_rdd_iterator_next_partition (iterator, &error));
  g_assert_no_error (error);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/rdd/key-actions/count-by-key", test_count_by_key);
  g_test_add_func ("/rdd/key-actions/lookup", test_lookup);
  g_test_add_func ("/rdd/key-actions/lookup-failures", test_lookup_failures);
  g_test_add_func ("/rdd/key-actions/collect-as-map", test_collect_as_map);
  g_test_add_func ("/rdd/key-actions/take-sample-without-replacement",
                   test_take_sample_without_replacement);
  g_test_add_func ("/rdd/key-actions/take-sample-with-replacement",
                   test_take_sample_with_replacement);
  g_test_add_func ("/rdd/key-actions/take-sample-edges", test_take_sample_edges);
  g_test_add_func ("/rdd/key-actions/to-local-iterator", test_to_local_iterator);

  return g_test_run ();
}
