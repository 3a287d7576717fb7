/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* reduce_by_key: one value a key, the same on every backend. */

#include "tests/rdd/ds-test-shuffle.h"

#include "rdd/ds-job-private.h"
#include "rdd/ds-shuffled-rdd-private.h"

enum
{
  N_MAPS = 7,
  N_REDUCES = 3
};

static void
test_reduce_by_key_on_every_backend (void)
{
  enum
  {
    N_VALUES = 3000
  };
  g_autoptr (DsBlock) words = ds_test_make_words (N_VALUES);
  g_autofree char *expected = NULL;
  DsTestModel model;

  g_test_summary ("Sums come in the same order and bytes on every backend");

  ds_test_model_init (&model, N_VALUES);
  for (gsize i = 0; i < N_VALUES; i++)
    {
      DsValue *sum = ds_test_model_find (&model, ds_block_get (words, i));

      *sum = ds_value_int (ds_value_get_int_or (*sum, 0) + 1);
    }
  expected = ds_test_model_print (&model, N_REDUCES, TRUE);

  for (gsize i = 0; i < G_N_ELEMENTS (ds_test_masters); i++)
    {
      g_autoptr (DsTestContext) context = ds_test_context_new (ds_test_masters[i]);
      g_autoptr (DsRdd) all = ds_context_parallelize (context, words, N_MAPS);
      g_autoptr (DsRdd) pairs = ds_rdd_map (all, ds_pair_with_one, NULL, NULL);
      g_autoptr (DsRdd) sums = NULL;

      /* A name keeps the plan as written. */
      ds_rdd_set_name (pairs, "with one");
      sums = ds_rdd_reduce_by_key (pairs, ds_add, NULL, NULL);
      ds_rdd_set_n_partitions (sums, N_REDUCES);
      g_assert_cmpuint (ds_rdd_get_n_partitions (sums), ==, N_REDUCES);
      ds_test_assert_collects (sums, expected);
      ds_test_assert_collects (sums, expected); /* of the map stage that is there */
      if (ds_backend_get_n_places (ds_context_get_backend (context)) > 1)
        g_assert_cmpuint (ds_backend_get_n_bytes_moved (ds_context_get_backend (context)),
                          >, 0);
    }
  ds_test_model_clear (&model);
}

static DsValue
pair_by_parity (DsValue value, DsTask *task, gpointer unused)
{
  return ds_pair (task, ds_value_int (ds_value_get_int (value) % 2),
                  ds_string_printf (task, "%d", (int) ds_value_get_int (value)));
}

static DsValue
concatenate (DsValue a, DsValue b, DsTask *task, gpointer separator)
{
  g_autofree char *text_a = ds_value_dup_string (a);
  g_autofree char *text_b = ds_value_dup_string (b);

  return ds_string_printf (task, "%s%s%s", text_a, (const char *) separator, text_b);
}

static void
test_reduce_by_key_keeps_order (void)
{
  static char separator[] = " ";

  g_test_summary ("A function that is not commutative meets values in their order");

  for (gsize i = 0; i < G_N_ELEMENTS (ds_test_masters); i++)
    {
      g_autoptr (DsTestContext) context = ds_test_context_new (ds_test_masters[i]);
      g_autoptr (DsRdd) integers = ds_test_integers (context, 10, 4);
      g_autoptr (DsRdd) pairs = ds_rdd_map (integers, pair_by_parity, NULL, NULL);
      g_autoptr (DsRdd) texts =
          ds_rdd_reduce_by_key (pairs, concatenate, separator, NULL);

      ds_rdd_set_n_partitions (texts, 1);
      ds_test_assert_collects (texts, "(0,0 2 4 6 8)\n(1,1 3 5 7 9)\n");
    }
}

static void
test_reduce_by_key_moves_nothing_twice (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autoptr (DsRdd) integers = ds_test_integers (context, 20, 4);
  g_autoptr (DsRdd) pairs = ds_rdd_map (integers, pair_by_parity, NULL, NULL);
  g_autoptr (DsPartitioner) partitioner = ds_partitioner_new_hash (3);
  g_autoptr (DsPartitioner) other = ds_partitioner_new_hash (2);
  g_autoptr (DsRdd) placed = ds_rdd_partition_by (pairs, partitioner);
  g_autoptr (DsRdd) again = ds_rdd_partition_by (placed, partitioner);
  g_autoptr (DsRdd) reduced = ds_rdd_reduce_by_key (placed, ds_keep_last, NULL, NULL);
  g_autoptr (DsRdd) elsewhere = ds_rdd_reduce_by_key (placed, ds_keep_last, NULL, NULL);
  g_autofree char *collected G_GNUC_UNUSED = NULL;
  g_autofree char *collected_elsewhere G_GNUC_UNUSED = NULL;

  g_test_summary ("Pairs that already lie where they should are not exchanged");

  ds_rdd_set_partitioner (elsewhere, other);
  g_assert_true (ds_shuffled_rdd_has_exchange (placed));
  g_assert_false (ds_shuffled_rdd_has_exchange (again));
  g_assert_false (ds_shuffled_rdd_has_exchange (reduced));
  g_assert_true (ds_shuffled_rdd_has_exchange (elsewhere));
  g_assert_cmpuint (ds_rdd_get_n_partitions (reduced), ==, 3);
  g_assert_cmpuint (ds_rdd_get_n_partitions (elsewhere), ==, 2);

  {
    g_autoptr (GError) error = NULL;
    g_autoptr (DsBlock) here = ds_rdd_collect (reduced, &error);
    g_autoptr (DsBlock) there = NULL;

    g_assert_no_error (error);
    there = ds_rdd_collect (elsewhere, &error);
    g_assert_no_error (error);
    ds_assert_block (here, "(0,18)", "(1,19)", NULL);
    ds_assert_block (there, "(0,18)", "(1,19)", NULL);
  }
}

static void
test_reduce_by_key_counts_without_ones (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autoptr (DsRdd) words =
      ds_test_parallelize (context, ds_block_new_strings ("a", "b", "a", "c", "a", NULL),
                           2);
  g_autoptr (DsRdd) pairs = ds_rdd_map (words, ds_pair_with_one, NULL, NULL);
  g_autoptr (DsRdd) named = ds_rdd_map (words, ds_pair_with_one, NULL, NULL);
  g_autoptr (DsRdd) counts = ds_rdd_reduce_by_key (pairs, ds_add, NULL, NULL);
  g_autoptr (DsRdd) named_counts = NULL;
  g_autofree char *plan = NULL;
  g_autofree char *named_plan = NULL;

  g_test_summary (
      "Pairing with one and adding up is counting, unless the map has a name");

  ds_rdd_set_name (named, "ones");
  named_counts = ds_rdd_reduce_by_key (named, ds_add, NULL, NULL);
  ds_rdd_set_n_partitions (counts, 1);
  ds_rdd_set_n_partitions (named_counts, 1);
  plan = ds_rdd_to_debug_string (counts);
  named_plan = ds_rdd_to_debug_string (named_counts);
  g_assert_null (strstr (plan, "map"));
  g_assert_nonnull (strstr (named_plan, "ones"));
  ds_test_assert_collects (counts, "(a,3)\n(b,1)\n(c,1)\n");
  ds_test_assert_collects (named_counts, "(a,3)\n(b,1)\n(c,1)\n");
}

static DsValue
pair_with_maximum (DsValue value, DsTask *task, gpointer unused)
{
  return ds_pair (task, ds_value_string ("k"), ds_value_int (G_MAXINT64));
}

static void
test_reduce_by_key_overflows (void)
{
  g_test_summary ("An overflow fails the job, on the map side and on the reduce side");

  for (guint n_maps = 1; n_maps <= 2; n_maps++)
    {
      g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
      g_autoptr (DsRdd) integers = ds_test_integers (context, 2, n_maps);
      g_autoptr (DsRdd) pairs = ds_rdd_map (integers, pair_with_maximum, NULL, NULL);
      g_autoptr (DsRdd) sums = ds_rdd_reduce_by_key (pairs, ds_add, NULL, NULL);

      ds_rdd_set_name (sums, "totals");
      ds_test_assert_fails (sums, DS_ERROR_USER_FUNCTION, "totals",
                            "Key k: 9223372036854775807 + ", NULL);
    }
}

static void
test_reduce_by_key_wants_pairs (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autoptr (DsRdd) integers = ds_test_integers (context, 2, 1);
  g_autoptr (DsRdd) sums = ds_rdd_reduce_by_key (integers, ds_add, NULL, NULL);

  g_test_summary ("A value that is no pair fails the job under the operator's name");

  ds_test_assert_fails (sums, DS_ERROR_TYPE, "reduce_by_key", NULL);
}

static void
test_reduce_by_key_of_nothing (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autoptr (DsRdd) empty = ds_context_empty (context);
  g_autoptr (DsRdd) sums = ds_rdd_reduce_by_key (empty, ds_add, NULL, NULL);

  g_test_summary ("Of no pairs come no pairs");

  ds_test_assert_collects (sums, "");
}

static void
test_reduce_by_key_by_name (void)
{
  static const char *const expected[] = { "(k,6)\n", "(k,6)\n", "(k,1)\n",
                                          "(k,3)\n", "(k,2)\n", "(k,1)\n" };
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
  g_autoptr (DsRdd) pairs = NULL;
  g_autoptr (DsRdd) wrong = NULL;

  g_test_summary ("Each named reduction does what its function does; others are refused");

  ds_block_builder_add_pair (builder, ds_value_string ("k"), ds_value_int (2));
  ds_block_builder_add_pair (builder, ds_value_string ("k"), ds_value_int (3));
  ds_block_builder_add_pair (builder, ds_value_string ("k"), ds_value_int (1));
  pairs = ds_test_parallelize (context, ds_block_builder_end (builder), 2);
  for (guint i = 0; i < G_N_ELEMENTS (expected); i++)
    {
      g_autoptr (DsRdd) reduced = ds_rdd_reduce_by_key_op (pairs, (DsReduction) i);

      ds_test_assert_collects (reduced, expected[i]);
    }
  wrong = ds_rdd_reduce_by_key_op (pairs, (DsReduction) 17);
  ds_test_assert_fails (wrong, DS_ERROR_INVALID_ARGUMENT, "17", NULL);
}

static void
count_destroys (gpointer n_destroyed)
{
  (*(guint *) n_destroyed)++;
}

static void
test_reduce_by_key_owns_its_function (void)
{
  guint n_destroyed = 0;

  g_test_summary (
      "User data is freed once, with the RDD, also where counting replaced it");

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (DsTestContext) context = ds_test_context_new ("local");
      g_autoptr (DsRdd) integers = ds_test_integers (context, 4, 1);
      g_autoptr (DsRdd) pairs = ds_rdd_map (integers, ds_pair_with_one, NULL, NULL);
      g_autoptr (DsRdd) reduced = ds_rdd_reduce_by_key (pairs, i == 0 ? ds_add : ds_min,
                                                        &n_destroyed, count_destroys);

      g_assert_cmpuint (n_destroyed, ==, i);
      g_clear_object (&reduced);
      g_assert_cmpuint (n_destroyed, ==, i + 1);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/rdd/reduce-by-key/on-every-backend",
                   test_reduce_by_key_on_every_backend);
  g_test_add_func ("/rdd/reduce-by-key/keeps-order", test_reduce_by_key_keeps_order);
  g_test_add_func ("/rdd/reduce-by-key/moves-nothing-twice",
                   test_reduce_by_key_moves_nothing_twice);
  g_test_add_func ("/rdd/reduce-by-key/counts-without-ones",
                   test_reduce_by_key_counts_without_ones);
  g_test_add_func ("/rdd/reduce-by-key/overflows", test_reduce_by_key_overflows);
  g_test_add_func ("/rdd/reduce-by-key/wants-pairs", test_reduce_by_key_wants_pairs);
  g_test_add_func ("/rdd/reduce-by-key/of-nothing", test_reduce_by_key_of_nothing);
  g_test_add_func ("/rdd/reduce-by-key/by-name", test_reduce_by_key_by_name);
  g_test_add_func ("/rdd/reduce-by-key/owns-its-function",
                   test_reduce_by_key_owns_its_function);
  return g_test_run ();
}
