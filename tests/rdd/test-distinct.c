/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* distinct: each value once. */

#include "tests/rdd/ds-test-shuffle.h"

static void
test_distinct_on_every_backend (void)
{
  enum
  {
    N_VALUES = 3000,
    N_REDUCES = 3
  };
  g_autoptr (DsBlock) words = ds_test_make_words (N_VALUES);
  g_autofree char *expected = NULL;
  DsTestModel model;

  g_test_summary ("Each value comes once, in the same order on every backend");

  ds_test_model_init (&model, N_VALUES);
  for (gsize i = 0; i < N_VALUES; i++)
    ds_test_model_find (&model, ds_block_get (words, i));
  expected = ds_test_model_print (&model, N_REDUCES, FALSE);
  ds_test_model_clear (&model);

  for (gsize i = 0; i < G_N_ELEMENTS (ds_test_masters); i++)
    {
      g_autoptr (DsTestContext) context = ds_test_context_new (ds_test_masters[i]);
      g_autoptr (DsRdd) all = ds_context_parallelize (context, words, 5);
      g_autoptr (DsRdd) once = ds_rdd_distinct (all);

      ds_rdd_set_n_partitions (once, N_REDUCES);
      ds_test_assert_collects (once, expected);
    }
}

static void
test_distinct_of_pairs (void)
{
  g_test_summary ("Pairs and tuples are values like others");

  for (gsize i = 0; i < G_N_ELEMENTS (ds_test_masters); i++)
    {
      g_autoptr (DsTestContext) context = ds_test_context_new (ds_test_masters[i]);
      g_autoptr (DsRdd) words =
          ds_test_parallelize (context, ds_block_new_strings ("a", "b", "a", "b", NULL),
                               4);
      g_autoptr (DsRdd) pairs = ds_rdd_map (words, ds_pair_with_one, NULL, NULL);
      g_autoptr (DsRdd) once = ds_rdd_distinct (pairs);

      ds_rdd_set_n_partitions (once, 1);
      ds_test_assert_collects (once, "(a,1)\n(b,1)\n");
      g_assert_cmpint (ds_rdd_count (once, NULL), ==, 2);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/rdd/distinct/on-every-backend", test_distinct_on_every_backend);
  g_test_add_func ("/rdd/distinct/of-pairs", test_distinct_of_pairs);
  return g_test_run ();
}
