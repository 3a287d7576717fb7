/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Joins and set operations. */

#include "tests/rdd/ds-test-shuffle.h"

static const char *const left_lines[] = { "a 1", "b 2", "a 3", "c 4", NULL };
static const char *const right_lines[] = { "b 5", "d 6", "a 7", "b 8", NULL };

typedef DsRdd *(*Join) (DsRdd *self, DsRdd *other);

static const struct
{
  const char *name;
  Join join;
  const char *expected;
} joins[] = {
  { "join", ds_rdd_join, "(a,(1,7))\n(a,(3,7))\n(b,(2,5))\n(b,(2,8))\n" },
  { "left_outer_join", ds_rdd_left_outer_join,
    "(a,(1,7))\n(a,(3,7))\n(b,(2,5))\n(b,(2,8))\n(c,(4,null))\n" },
  { "right_outer_join", ds_rdd_right_outer_join,
    "(a,(1,7))\n(a,(3,7))\n(b,(2,5))\n(b,(2,8))\n(d,(null,6))\n" },
  { "full_outer_join", ds_rdd_full_outer_join,
    "(a,(1,7))\n(a,(3,7))\n(b,(2,5))\n(b,(2,8))\n(c,(4,null))\n(d,(null,6))\n" },
  { "subtract_by_key", ds_rdd_subtract_by_key, "(c,4)\n" },
};

static void
test_join_literally (void)
{
  g_test_summary ("Each join of the same two RDDs, on every backend");

  for (gsize i = 0; i < G_N_ELEMENTS (ds_test_masters); i++)
    for (gsize j = 0; j < G_N_ELEMENTS (joins); j++)
      {
        g_autoptr (DsTestContext) context = ds_test_context_new (ds_test_masters[i]);
        g_autoptr (DsRdd) left = ds_test_pairs (context, left_lines, 3);
        g_autoptr (DsRdd) right = ds_test_pairs (context, right_lines, 2);
        g_autoptr (DsRdd) joined = joins[j].join (left, right);

        ds_rdd_set_n_partitions (joined, 1);
        ds_test_assert_collects (joined, joins[j].expected);
      }
}

/* ---- Against two loops ---- */

static DsRdd *
random_pairs (DsContext *context, guint n_pairs, DsTestModel *lists)
{
  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
  g_autoptr (DsBlock) block = NULL;

  for (guint i = 0; i < n_pairs; i++)
    {
      const DsValue key = ds_value_int (g_test_rand_int_range (0, 12));

      ds_block_builder_add_pair (builder, key, ds_value_int (i));
      lists->keys[i] = key;
      lists->values[i] = ds_value_int (i);
    }
  lists->n_keys = n_pairs;
  block = ds_block_builder_end (builder);
  return ds_context_parallelize (context, block, (guint) g_test_rand_int_range (1, 5));
}

static gboolean
has_key (const DsTestModel *pairs, DsValue key)
{
  for (gsize i = 0; i < pairs->n_keys; i++)
    if (ds_value_equal (pairs->keys[i], key))
      return TRUE;
  return FALSE;
}

static void
append_joined (GString *lines, DsValue key, DsValue left, DsValue right)
{
  const DsValue values[] = { left, right };
  const DsValue pair[] = { key, ds_value_tuple (values, 2) };
  g_autofree char *line = ds_value_to_string (ds_value_tuple (pair, 2));

  g_string_append_printf (lines, "%s\n", line);
}

static char *
join_by_loops (const DsTestModel *left,
               const DsTestModel *right,
               gboolean keeps_left,
               gboolean keeps_right)
{
  GString *lines = g_string_new (NULL);

  for (gsize i = 0; i < left->n_keys; i++)
    {
      for (gsize j = 0; j < right->n_keys; j++)
        if (ds_value_equal (left->keys[i], right->keys[j]))
          append_joined (lines, left->keys[i], left->values[i], right->values[j]);
      if (keeps_left && !has_key (right, left->keys[i]))
        append_joined (lines, left->keys[i], left->values[i], ds_value_null ());
    }
  for (gsize j = 0; keeps_right && j < right->n_keys; j++)
    if (!has_key (left, right->keys[j]))
      append_joined (lines, right->keys[j], ds_value_null (), right->values[j]);
  return ds_test_sort_lines (g_string_free (lines, FALSE));
}

static void
test_join_at_random (void)
{
  g_test_summary ("Random pairs join as two nested loops say");

  for (guint round = 0; round < 40; round++)
    {
      g_autoptr (DsTestContext) context =
          ds_test_context_new (ds_test_masters[round % G_N_ELEMENTS (ds_test_masters)]);
      const guint n_left = (guint) g_test_rand_int_range (0, 60);
      const guint n_right = (guint) g_test_rand_int_range (0, 60);
      DsTestModel left_pairs;
      DsTestModel right_pairs;

      ds_test_model_init (&left_pairs, 60);
      ds_test_model_init (&right_pairs, 60);
      {
        g_autoptr (DsRdd) left = random_pairs (context, n_left, &left_pairs);
        g_autoptr (DsRdd) right = random_pairs (context, n_right, &right_pairs);

        for (guint i = 0; i < 4; i++)
          {
            g_autoptr (DsRdd) joined = joins[i].join (left, right);
            g_autofree char *expected =
                join_by_loops (&left_pairs, &right_pairs, i == 1 || i == 3, i >= 2);

            ds_test_assert_collects_sorted (joined, expected);
          }
      }
      ds_test_model_clear (&left_pairs);
      ds_test_model_clear (&right_pairs);
    }
}

/* ---- One key with many values ---- */

static DsValue
pair_with_zero (DsValue value, DsTask *task, gpointer unused)
{
  return ds_pair (task, ds_value_int (0), value);
}

static void
test_join_of_many_values (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autoptr (GError) error = NULL;
  g_autoptr (DsRdd) integers = ds_test_integers (context, 2000, 4);
  g_autoptr (DsRdd) left = ds_rdd_map (integers, pair_with_zero, NULL, NULL);
  g_autoptr (DsRdd) joined = ds_rdd_join (left, left);
  g_autoptr (DsBlock) few = NULL;

  g_test_summary ("2,000 times 2,000 values of one key need the memory of a chunk, and "
                  "take looks at the first only");

  g_assert_cmpint (ds_rdd_count (joined, &error), ==, 4000000);
  g_assert_no_error (error);
  few = ds_rdd_take (joined, 3, &error);
  g_assert_no_error (error);
  for (gsize i = 0; i < 3; i++)
    {
      g_autofree char *printed = ds_value_to_string (ds_block_get (few, i));
      g_autofree char *expected = g_strdup_printf ("(0,(0,%d))", (int) i);

      g_assert_cmpstr (printed, ==, expected);
    }
}

/* ---- Sets ---- */

static void
test_join_sets (void)
{
  static const char *const left_words[] = { "to", "be", "or", "not", "to", "be", NULL };
  static const char *const right_words[] = { "be", "that", "be", "or", NULL };

  g_test_summary ("subtract keeps repeated values, intersection does not");

  for (gsize i = 0; i < G_N_ELEMENTS (ds_test_masters); i++)
    {
      g_autoptr (DsTestContext) context = ds_test_context_new (ds_test_masters[i]);
      g_autoptr (DsRdd) left =
          ds_test_parallelize (context, ds_block_new_from_strv (left_words), 3);
      g_autoptr (DsRdd) right =
          ds_test_parallelize (context, ds_block_new_from_strv (right_words), 2);
      g_autoptr (DsRdd) difference = ds_rdd_subtract (left, right);
      g_autoptr (DsRdd) both = ds_rdd_intersection (left, right);

      ds_rdd_set_n_partitions (both, 3);
      g_assert_cmpuint (ds_rdd_get_n_partitions (difference), >, 0);
      ds_test_assert_collects_sorted (difference, "not\nto\nto\n");
      ds_test_assert_collects_sorted (both, "be\nor\n");
    }
}

/* ---- Partitions ---- */

static void
test_join_keeps_the_partitioner (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autoptr (DsRdd) left = ds_test_pairs (context, left_lines, 2);
  g_autoptr (DsRdd) right = ds_test_pairs (context, right_lines, 2);
  g_autoptr (DsRdd) joined = ds_rdd_join (left, right);
  g_autoptr (DsRdd) groups = NULL;
  g_autofree char *plan = NULL;
  g_auto (GStrv) stages = NULL;

  g_test_summary ("What is made of a join by key is made where the join left it");

  ds_rdd_set_n_partitions (joined, 5);
  groups = ds_rdd_group_by_key (joined);
  g_assert_cmpuint (ds_rdd_get_n_partitions (groups), ==, 5);
  plan = ds_rdd_to_debug_string (groups);
  ds_test_assert_collects_sorted (groups, "(a,[(1,7), (3,7)])\n(b,[(2,5), (2,8)])\n");
  /* A shuffle for each side of the join, and none above it. */
  stages = g_strsplit (plan, "+-", -1);
  g_assert_cmpuint (g_strv_length (stages) - 1, ==, 2);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/rdd/join/literally", test_join_literally);
  g_test_add_func ("/rdd/join/at-random", test_join_at_random);
  g_test_add_func ("/rdd/join/of-many-values", test_join_of_many_values);
  g_test_add_func ("/rdd/join/sets", test_join_sets);
  g_test_add_func ("/rdd/join/keeps-the-partitioner", test_join_keeps_the_partitioner);

  return g_test_run ();
}
