/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Flow: how many values each node of a lineage gave. */

#include "tests/rdd/ds-test-rdd.h"

#include "rdd/ds-flow-private.h"

static gboolean
is_even (DsValue value, DsTask *task, gpointer unused)
{
  return ds_value_get_int (value) % 2 == 0;
}

static DsRdd *
counted (DsRdd *rdd)
{
  ds_rdd_count_flow (rdd);
  return rdd;
}

/* A block as receivers make it. */
static DsBlock *
new_text_block (const char *text, gsize n_lines)
{
  const gsize n_bytes = strlen (text);
  DsArena *arena = ds_arena_new (NULL);
  char *copy = ds_arena_alloc (arena, n_bytes);

  memcpy (copy, text, n_bytes);
  return ds_block_new_take_text (arena, copy, n_bytes, n_lines, FALSE);
}

/* n_values of n_computed partitions */
static void
assert_flow (DsRdd *rdd, guint64 n_values, guint n_computed)
{
  DsFlow flow;

  ds_rdd_get_flow (rdd, &flow);
  g_assert_cmpuint (flow.n_values, ==, n_values);
  g_assert_cmpuint (flow.n_computed, ==, n_computed);
}

static void
compute (DsRdd *rdd)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DsBlock) block = ds_rdd_collect (rdd, &error);

  g_assert_no_error (error);
  g_assert_nonnull (block);
}

static void
test_flow_of_a_chain (gconstpointer master)
{
  g_autoptr (DsTestContext) context = ds_test_context_new (master);
  g_autoptr (DsRdd) numbers = counted (ds_test_integers (context, 4000, 7));
  g_autoptr (DsRdd) even = counted (ds_rdd_filter (numbers, is_even, NULL, NULL));
  g_autoptr (DsRdd) pairs = counted (ds_rdd_map (even, ds_pair_with_one, NULL, NULL));
  g_autoptr (DsRdd) keys = ds_rdd_keys (pairs);
  g_autoptr (DsRdd) sums = counted (ds_rdd_reduce_by_key (pairs, ds_add, NULL, NULL));

  g_test_summary ("Each node of a chain knows what it gave, before and behind a shuffle");

  assert_flow (numbers, 0, 0);
  compute (keys);
  assert_flow (numbers, 4000, 7);
  assert_flow (even, 2000, 7);
  assert_flow (pairs, 2000, 7);
  assert_flow (keys, 0, 0); /* nobody asked it to count */
  compute (sums);
  assert_flow (numbers, 4000, 7); /* computed twice, counted once */
  assert_flow (sums, 2000, ds_rdd_get_n_partitions (sums));
}

static void
test_flow_of_unions_and_parts (gconstpointer master)
{
  g_autoptr (DsTestContext) context = ds_test_context_new (master);
  g_autoptr (DsRdd) few = counted (ds_test_integers (context, 10, 2));
  g_autoptr (DsRdd) many = counted (ds_test_integers (context, 50, 2));
  g_autoptr (DsRdd) even = counted (ds_rdd_filter (many, is_even, NULL, NULL));
  g_autoptr (DsRdd) both = counted (ds_rdd_union (few, even));
  g_autoptr (DsRdd) all = counted (ds_rdd_map (both, ds_identity, NULL, NULL));
  g_autoptr (DsBlock) first = NULL;
  g_autoptr (GError) error = NULL;

  g_test_summary ("A union gives what its parents give; what is not wanted is not there");

  first = ds_rdd_take (all, 3, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (ds_block_get_length (first), ==, 3);
  assert_flow (many, 0, 0);
  compute (all);
  assert_flow (few, 10, 2);
  assert_flow (many, 50, 2);
  assert_flow (even, 25, 2);
  assert_flow (both, 35, 4);
  assert_flow (all, 35, 4);
}

static void
test_flow_of_text_and_what_is_kept (gconstpointer master)
{
  g_autoptr (DsTestContext) context = ds_test_context_new (master);
  g_autoptr (DsBlock) text = new_text_block ("a b\nc\n\nd e f\n", 4);
  g_autoptr (DsRdd) lines = counted (ds_block_rdd_new (context, &text, 1, 1));
  g_autoptr (DsRdd) words = counted (ds_rdd_flat_map (lines, ds_split_words, NULL, NULL));
  g_autoptr (DsRdd) upper = counted (ds_rdd_map (words, ds_to_upper, NULL, NULL));

  g_test_summary ("Lines of received text are known; kept values count as given");

  ds_rdd_cache (words);
  compute (upper);
  assert_flow (lines, 4, 1);
  assert_flow (words, 6, 1);
  assert_flow (upper, 6, 1);
}

int
main (int argc, char **argv)
{
  static const char *const masters[] = { "local", "local[3]", "loopback[2]" };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (masters); i++)
    {
      g_autofree char *chain = g_strdup_printf ("/rdd/flow/of-a-chain/on-%s", masters[i]);
      g_autofree char *unions =
          g_strdup_printf ("/rdd/flow/of-unions-and-parts/on-%s", masters[i]);
      g_autofree char *text =
          g_strdup_printf ("/rdd/flow/of-text-and-what-is-kept/on-%s", masters[i]);

      g_test_add_data_func (chain, masters[i], test_flow_of_a_chain);
      g_test_add_data_func (unions, masters[i], test_flow_of_unions_and_parts);
      g_test_add_data_func (text, masters[i], test_flow_of_text_and_what_is_kept);
    }
  return g_test_run ();
}
