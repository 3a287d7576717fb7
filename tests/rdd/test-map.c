/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* map, key_by, keys, values: one result a value. */

#include "tests/rdd/ds-test-rdd.h"

#include "base/ds-arena-private.h"

static DsValue
square (DsValue value, DsTask *task, gpointer user_data)
{
  gint64 n = ds_value_get_int (value);

  return ds_value_int (n * n);
}

static DsValue
to_pair (DsValue value, DsTask *task, gpointer user_data)
{
  return ds_pair (task,
                  ds_string_printf (task, "k%" G_GINT64_FORMAT,
                                    ds_value_get_int (value) % 3),
                  value);
}

static DsValue
to_parity (DsValue value, DsTask *task, gpointer user_data)
{
  return ds_value_int (ds_value_get_int (value) % 2);
}

static DsValue
to_large_string (DsValue value, DsTask *task, gpointer user_data)
{
  char *text = ds_task_alloc (task, 100000);

  memset (text, 'a' + (int) (ds_value_get_int (value) % 26), 100000);
  return ds_value_string_sized (text, 100000);
}

static void
test_map_maps_each_value (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autoptr (DsRdd) numbers = ds_test_integers (context, 5, 2);
  g_autoptr (DsRdd) squares = ds_rdd_map (numbers, square, NULL, NULL);
  g_autoptr (DsRdd) glommed = ds_rdd_glom (squares);
  g_autoptr (DsRdd) empty = ds_context_empty (context);
  g_autoptr (DsRdd) nothing = ds_rdd_map (empty, square, NULL, NULL);

  g_test_summary ("map keeps order and partitions");

  ds_test_assert_collects (squares, "0\n1\n4\n9\n16\n");
  ds_test_assert_collects (glommed, "[0, 1]\n[4, 9, 16]\n");
  ds_test_assert_collects (nothing, "");
}

static void
test_map_makes_many (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autoptr (DsRdd) numbers = ds_test_integers (context, 10000, 3);
  g_autoptr (DsRdd) squares = ds_rdd_map (numbers, square, NULL, NULL);
  g_autoptr (DsBlock) block = ds_rdd_collect (squares, NULL);

  g_test_summary ("10,000 values pass in chunks and arrive in order");

  g_assert_cmpuint (ds_block_get_length (block), ==, 10000);
  for (gint64 i = 0; i < 10000; i++)
    g_assert_cmpint (ds_value_get_int (ds_block_get (block, (gsize) i)), ==, i * i);
}

static void
test_map_memory_is_given_back (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local");
  g_autoptr (DsRdd) numbers = ds_test_integers (context, 4000, 1);
  g_autoptr (DsRdd) large = ds_rdd_map (numbers, to_large_string, NULL, NULL);
  g_autoptr (DsRdd) lengths = ds_rdd_map (large, ds_to_length, NULL, NULL);
  g_autoptr (DsRdd) right = ds_rdd_filter (lengths, ds_is_not_null, NULL, NULL);
  DsArenaPool *pool = ds_arena_pool_get_default ();

  g_test_summary ("400 MB of results of 100 kB pass through a bounded arena");

  g_assert_cmpint (ds_rdd_count (right, NULL), ==, 4000);
  g_assert_cmpuint (ds_arena_pool_get_bytes_kept (pool), <, 64 * 1024 * 1024);
}

static void
test_map_makes_pairs_for_what_follows (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local");
  g_autoptr (DsRdd) numbers = ds_test_integers (context, 4, 1);
  g_autoptr (DsRdd) pairs = ds_rdd_map (numbers, to_pair, NULL, NULL);
  g_autoptr (DsRdd) keys = ds_rdd_keys (pairs);
  g_autoptr (DsRdd) values = ds_rdd_values (pairs);

  g_test_summary ("Pairs of a map function are taken apart by keys and values");

  ds_test_assert_collects (pairs, "(k0,0)\n(k1,1)\n(k2,2)\n(k0,3)\n");
  ds_test_assert_collects (keys, "k0\nk1\nk2\nk0\n");
  ds_test_assert_collects (values, "0\n1\n2\n3\n");
}

static void
test_map_knows_ready_made_functions (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local");
  g_autoptr (DsRdd) words =
      ds_test_parallelize (context, ds_block_new_strings ("a", "b", NULL), 2);
  g_autoptr (DsRdd) pairs = ds_rdd_map (words, ds_pair_with_one, NULL, NULL);
  g_autoptr (DsRdd) swapped = ds_rdd_map (pairs, ds_swap, NULL, NULL);
  g_autoptr (DsRdd) same = ds_rdd_map (swapped, ds_identity, NULL, NULL);
  g_autoptr (DsRdd) keys = ds_rdd_map (same, ds_to_key, NULL, NULL);
  g_autoptr (DsRdd) values = ds_rdd_map (same, ds_to_value, NULL, NULL);
  g_autoptr (DsRdd) twice = ds_rdd_map (pairs, ds_pair_with_one, NULL, NULL);

  g_test_summary ("Known functions give the same as calling them for each value");

  ds_test_assert_collects (pairs, "(a,1)\n(b,1)\n");
  ds_test_assert_collects (swapped, "(1,a)\n(1,b)\n");
  ds_test_assert_collects (same, "(1,a)\n(1,b)\n");
  ds_test_assert_collects (keys, "1\n1\n");
  ds_test_assert_collects (values, "a\nb\n");
  ds_test_assert_collects (twice, "((a,1),1)\n((b,1),1)\n");
}

static void
test_map_known_functions_check_types (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local");
  g_autoptr (DsRdd) numbers = ds_test_integers (context, 2, 1);
  g_autoptr (DsRdd) swapped = ds_rdd_map (numbers, ds_swap, NULL, NULL);
  g_autoptr (DsRdd) keys = ds_rdd_keys (numbers);

  g_test_summary ("Swapping a number, or taking its key, is a type error");

  ds_test_assert_fails (swapped, DS_ERROR_TYPE, "map, partition 0", "value 0", "pair",
                        NULL);
  ds_test_assert_fails (keys, DS_ERROR_TYPE, "keys, partition 0", "value 0", "pair",
                        NULL);
}

static void
test_key_by_puts_keys_beside_values (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local");
  g_autoptr (DsRdd) numbers = ds_test_integers (context, 4, 2);
  g_autoptr (DsRdd) keyed = ds_rdd_key_by (numbers, to_parity, NULL, NULL);
  g_autoptr (DsRdd) large = ds_rdd_key_by (numbers, to_large_string, NULL, NULL);
  g_autoptr (DsRdd) values = ds_rdd_values (large);

  g_test_summary ("key_by pairs each value with its key");

  ds_test_assert_collects (keyed, "(0,0)\n(1,1)\n(0,2)\n(1,3)\n");
  ds_test_assert_collects (values, "0\n1\n2\n3\n");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/rdd/map/maps-each-value", test_map_maps_each_value);
  g_test_add_func ("/rdd/map/makes-many", test_map_makes_many);
  g_test_add_func ("/rdd/map/memory-is-given-back", test_map_memory_is_given_back);
  g_test_add_func ("/rdd/map/makes-pairs-for-what-follows",
                   test_map_makes_pairs_for_what_follows);
  g_test_add_func ("/rdd/map/knows-ready-made-functions",
                   test_map_knows_ready_made_functions);
  g_test_add_func ("/rdd/map/known-functions-check-types",
                   test_map_known_functions_check_types);
  g_test_add_func ("/rdd/key-by/puts-keys-beside-values",
                   test_key_by_puts_keys_beside_values);
  return g_test_run ();
}
