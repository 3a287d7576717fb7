/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* group_by_key: lists in order. */

#include "tests/rdd/ds-test-shuffle.h"

static DsValue
pair_by_rest (DsValue value, DsTask *task, gpointer unused)
{
  return ds_pair (task, ds_value_int (ds_value_get_int (value) % 3),
                  ds_string_printf (task, "v%d", (int) ds_value_get_int (value)));
}

static void
test_group_by_key_lists_values (void)
{
  g_test_summary ("Values are listed in the order of partitions, on every backend");

  for (gsize i = 0; i < G_N_ELEMENTS (ds_test_masters); i++)
    {
      g_autoptr (DsTestContext) context = ds_test_context_new (ds_test_masters[i]);
      g_autoptr (DsRdd) integers = ds_test_integers (context, 10, 4);
      g_autoptr (DsRdd) pairs = ds_rdd_map (integers, pair_by_rest, NULL, NULL);
      g_autoptr (DsRdd) groups = ds_rdd_group_by_key (pairs);

      ds_rdd_set_n_partitions (groups, 1);
      ds_test_assert_collects (
          groups, "(0,[v0, v3, v6, v9])\n(1,[v1, v4, v7])\n(2,[v2, v5, v8])\n");
    }
}

static void
test_group_by_key_many_values (void)
{
  enum
  {
    N_VALUES = 20000,
    N_REDUCES = 2
  };
  g_test_summary ("20,000 values of three keys arrive complete and in order");

  for (gsize i = 0; i < G_N_ELEMENTS (ds_test_masters); i++)
    {
      g_autoptr (DsTestContext) context = ds_test_context_new (ds_test_masters[i]);
      g_autoptr (GError) error = NULL;
      g_autoptr (DsRdd) integers = ds_test_integers (context, N_VALUES, 6);
      g_autoptr (DsRdd) pairs = ds_rdd_map (integers, pair_by_rest, NULL, NULL);
      g_autoptr (DsRdd) groups = ds_rdd_group_by_key (pairs);
      g_autoptr (DsBlock) block = NULL;

      ds_rdd_set_n_partitions (groups, N_REDUCES);
      block = ds_rdd_collect (groups, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (ds_block_get_length (block), ==, 3);
      for (guint k = 0; k < 3; k++)
        {
          DsValue key;
          DsValue list;

          ds_block_get_pair (block, k, &key, &list);
          g_assert_cmpuint (ds_value_get_n_items (list), ==,
                            (N_VALUES - (guint) ds_value_get_int (key) + 2) / 3);
          for (guint j = 0; j < ds_value_get_n_items (list); j++)
            {
              char text[32];

              g_snprintf (text, sizeof text, "v%u",
                          3 * j + (guint) ds_value_get_int (key));
              g_assert_true (ds_value_equals_string (ds_value_get_item (list, j), text));
            }
        }
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/rdd/group-by-key/lists-values", test_group_by_key_lists_values);
  g_test_add_func ("/rdd/group-by-key/many-values", test_group_by_key_many_values);
  return g_test_run ();
}
