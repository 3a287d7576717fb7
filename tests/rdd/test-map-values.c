/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* map_values, flat_map_values: new values under the same keys. */

#include "tests/rdd/ds-test-rdd.h"

static DsValue
add_one (DsValue value, DsTask *task, gpointer user_data)
{
  return ds_value_int (ds_value_get_int (value) + 1);
}

static DsValue
to_large_string (DsValue value, DsTask *task, gpointer user_data)
{
  char *text = ds_task_alloc (task, 100000);

  memset (text, 'x', 100000);
  return ds_value_string_sized (text, 100000);
}

static void
count_down (DsValue value, DsTask *task, gpointer user_data)
{
  for (gint64 i = ds_value_get_int (value); i > 0; i--)
    ds_task_emit (task, ds_value_int (i));
}

static void
emit_pair_under_key (DsValue value, DsTask *task, gpointer user_data)
{
  DsValue both[] = { value, ds_value_null () };

  ds_task_emit_pair (task, value, ds_value_string ("twice"));
  ds_task_emit_values (task, both, 2);
}

static DsRdd *
make_pairs (DsContext *context, gint64 n_pairs)
{
  g_autoptr (DsRdd) numbers = ds_test_integers (context, n_pairs, 2);

  return ds_rdd_key_by (numbers, ds_to_string, NULL, NULL);
}

static void
test_map_values_keeps_keys (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autoptr (DsRdd) pairs = make_pairs (context, 4);
  g_autoptr (DsRdd) added = ds_rdd_map_values (pairs, add_one, NULL, NULL);
  g_autoptr (DsRdd) glommed = ds_rdd_glom (added);

  g_test_summary ("Each value is replaced and each key stays");

  ds_test_assert_collects (glommed, "[(0,1), (1,2)]\n[(2,3), (3,4)]\n");
}

static void
test_map_values_takes_much_memory (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local");
  g_autoptr (DsRdd) pairs = make_pairs (context, 3000);
  g_autoptr (DsRdd) large = ds_rdd_map_values (pairs, to_large_string, NULL, NULL);
  g_autoptr (DsRdd) lengths = ds_rdd_map_values (large, ds_to_length, NULL, NULL);
  g_autoptr (DsBlock) block = ds_rdd_collect (lengths, NULL);

  g_test_summary (
      "Results that fill the scratch memory go on in pieces, with their keys");

  g_assert_cmpuint (ds_block_get_length (block), ==, 3000);
  for (gsize i = 0; i < 3000; i++)
    {
      g_autofree char *expected = g_strdup_printf ("(%" G_GSIZE_FORMAT ",100000)", i);
      g_autofree char *found = ds_value_to_string (ds_block_get (block, i));

      g_assert_cmpstr (found, ==, expected);
    }
}

static void
test_map_values_wants_pairs (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local");
  g_autoptr (DsRdd) numbers = ds_test_integers (context, 4, 1);
  g_autoptr (DsRdd) mapped = ds_rdd_map_values (numbers, add_one, NULL, NULL);
  g_autoptr (DsRdd) pairs = make_pairs (context, 2);
  g_autoptr (DsRdd) strings = ds_rdd_map_values (pairs, ds_to_string, NULL, NULL);
  g_autoptr (DsRdd) wrong = ds_rdd_map_values (strings, add_one, NULL, NULL);

  g_test_summary ("Values that are no pairs are a type error; failures show the pair");

  ds_test_assert_fails (mapped, DS_ERROR_TYPE, "map_values, partition 0", "value 0",
                        "pair", NULL);
  ds_test_assert_fails (wrong, DS_ERROR_TYPE, "map_values, partition 0", "value (0,0)",
                        "int", NULL);
}

static void
test_flat_map_values_repeats_the_key (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local");
  g_autoptr (DsRdd) pairs = make_pairs (context, 4);
  g_autoptr (DsRdd) counted = ds_rdd_flat_map_values (pairs, count_down, NULL, NULL);

  g_test_summary ("Each emitted value comes under the key of its origin");

  ds_test_assert_collects (counted, "(1,1)\n(2,2)\n(2,1)\n(3,3)\n(3,2)\n(3,1)\n");
}

static void
test_flat_map_values_takes_all_emissions (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local");
  g_autoptr (DsRdd) pairs = make_pairs (context, 2);
  g_autoptr (DsRdd) emitted =
      ds_rdd_flat_map_values (pairs, emit_pair_under_key, NULL, NULL);
  g_autoptr (DsRdd) words =
      ds_test_parallelize (context, ds_block_new_strings ("a b", "c", NULL), 1);
  g_autoptr (DsRdd) keyed = ds_rdd_key_by (words, ds_to_length, NULL, NULL);
  g_autoptr (DsRdd) split = ds_rdd_flat_map_values (keyed, ds_split_words, NULL, NULL);

  g_test_summary ("An emitted pair is a value; arrays and splitters work under a key");

  ds_test_assert_collects (emitted, "(0,(0,twice))\n(0,0)\n(0,null)\n"
                                    "(1,(1,twice))\n(1,1)\n(1,null)\n");
  ds_test_assert_collects (split, "(3,a)\n(3,b)\n(1,c)\n");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/rdd/map-values/keeps-keys", test_map_values_keeps_keys);
  g_test_add_func ("/rdd/map-values/takes-much-memory",
                   test_map_values_takes_much_memory);
  g_test_add_func ("/rdd/map-values/wants-pairs", test_map_values_wants_pairs);
  g_test_add_func ("/rdd/flat-map-values/repeats-the-key",
                   test_flat_map_values_repeats_the_key);
  g_test_add_func ("/rdd/flat-map-values/takes-all-emissions",
                   test_flat_map_values_takes_all_emissions);
  return g_test_run ();
}
