/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Nodes of the lineage: names, options, latched errors, the debug string, ownership. */

#include "tests/rdd/ds-test-rdd.h"

static DsValue
negate (DsValue value, DsTask *task, gpointer user_data)
{
  return ds_value_int (-ds_value_get_int (value));
}

static void
assert_latched (DsRdd *rdd, DsError code, const char *part)
{
  g_assert_error (ds_rdd_get_error (rdd), DS_ERROR, (int) code);
  g_assert_nonnull (strstr (ds_rdd_get_error (rdd)->message, part));
  ds_test_assert_fails (rdd, code, part, NULL);
}

static void
test_rdd_knows_itself (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[3]");
  g_autoptr (DsRdd) numbers = ds_test_integers (context, 10, 0);
  g_autoptr (DsRdd) mapped = ds_rdd_map (numbers, negate, NULL, NULL);

  g_test_summary ("An RDD knows context, number, name and partitions");

  g_assert_true (ds_rdd_get_context (mapped) == context);
  g_assert_cmpuint (ds_rdd_get_id (numbers), ==, 0);
  g_assert_cmpuint (ds_rdd_get_id (mapped), ==, 1);
  g_assert_null (ds_rdd_get_name (mapped));
  ds_rdd_set_name (mapped, "negated");
  g_assert_cmpstr (ds_rdd_get_name (mapped), ==, "negated");
  g_assert_cmpuint (ds_rdd_get_n_partitions (mapped), ==, 3);
  g_assert_null (ds_rdd_get_error (mapped));
}

static void
test_rdd_debug_string_shows_the_lineage (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local");
  g_autoptr (DsRdd) a = ds_test_integers (context, 10, 12);
  g_autoptr (DsRdd) b = ds_rdd_map (a, negate, NULL, NULL);
  g_autoptr (DsRdd) c = ds_test_integers (context, 10, 1);
  g_autoptr (DsRdd) joined = ds_rdd_union (b, c);
  g_autofree char *text = NULL;

  g_test_summary ("The debug string names every node below the partition count");

  ds_rdd_set_name (b, "negated");
  text = ds_rdd_to_debug_string (joined);
  g_assert_cmpstr (text, ==,
                   "(13) union[3]\n"
                   " |   negated[1]\n"
                   " |   range[0]\n"
                   " |   range[2]\n");
}

static void
test_rdd_is_computed_anew_each_time (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local");
  g_autoptr (DsRdd) numbers = ds_test_integers (context, 3, 2);
  g_autoptr (DsRdd) mapped = ds_rdd_map (numbers, negate, NULL, NULL);
  g_autoptr (DsRdd) again = ds_rdd_map (mapped, negate, NULL, NULL);

  g_test_summary ("The same RDD gives the same values as often as asked");

  for (guint i = 0; i < 3; i++)
    {
      ds_test_assert_collects (mapped, "0\n-1\n-2\n");
      ds_test_assert_collects (again, "0\n1\n2\n");
    }
}

static void
test_rdd_children_keep_parents (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local");
  DsRdd *numbers = ds_test_integers (context, 3, 1);
  DsRdd *mapped = ds_rdd_map (numbers, negate, NULL, NULL);
  g_autoptr (DsRdd) filtered = ds_rdd_filter (mapped, ds_is_not_null, NULL, NULL);

  g_test_summary ("Parents may be given up once a child was made");

  g_object_unref (numbers);
  g_object_unref (mapped);
  ds_test_assert_collects (filtered, "0\n-1\n-2\n");
}

static void
count_destroy (gpointer user_data)
{
  ++*(guint *) user_data;
}

static void
test_rdd_destroys_user_data_once (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local");
  g_autoptr (DsTestContext) other = ds_test_context_new ("local");
  guint n_destroyed = 0;

  g_test_summary ("user_data is freed once, with the RDD, also of one built wrongly");

  {
    g_autoptr (DsRdd) numbers = ds_test_integers (context, 3, 1);
    g_autoptr (DsRdd) mapped = ds_rdd_map (numbers, negate, &n_destroyed, count_destroy);
    DsRdd *rdds[] = { numbers };
    g_autoptr (DsRdd) wrong = ds_context_union (other, rdds, 1);
    g_autoptr (DsRdd) child = ds_rdd_map (wrong, negate, &n_destroyed, count_destroy);

    ds_test_assert_collects (mapped, "0\n-1\n-2\n");
    ds_test_assert_fails (child, DS_ERROR_INVALID_ARGUMENT, NULL);
    g_assert_cmpuint (n_destroyed, ==, 0);
  }
  g_assert_cmpuint (n_destroyed, ==, 2);
}

static void
test_rdd_of_another_context_is_refused (void)
{
  g_autoptr (DsTestContext) context = ds_context_new ("local", "first");
  g_autoptr (DsTestContext) other = ds_context_new ("local", "second");
  g_autoptr (DsRdd) a = ds_test_integers (context, 3, 1);
  g_autoptr (DsRdd) b = ds_test_integers (other, 3, 1);
  g_autoptr (DsRdd) both = ds_rdd_union (a, b);
  g_autoptr (DsRdd) child = ds_rdd_map (both, negate, NULL, NULL);

  g_test_summary ("A union across contexts carries its error to the action of a child");

  assert_latched (both, DS_ERROR_INVALID_ARGUMENT, "\"second\"");
  assert_latched (child, DS_ERROR_INVALID_ARGUMENT, "\"second\"");
  ds_test_assert_collects (a, "0\n1\n2\n");
}

static void
test_rdd_foreign_option_is_latched (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local");
  g_autoptr (DsRdd) numbers = ds_test_integers (context, 3, 1);
  g_autoptr (DsRdd) a = ds_rdd_map (numbers, negate, NULL, NULL);
  g_autoptr (DsRdd) b = ds_rdd_map (numbers, negate, NULL, NULL);
  g_autoptr (DsRdd) many = ds_context_range (context, 0, 3, 1);

  g_test_summary ("An option that map does not have fails naming the operators that do");

  ds_rdd_set_n_partitions (a, 3);
  assert_latched (a, DS_ERROR_INVALID_ARGUMENT, "reduce_by_key");
  ds_rdd_set_preserves_partitioning (b, TRUE);
  assert_latched (b, DS_ERROR_INVALID_ARGUMENT, "map_partitions");
  ds_rdd_set_n_partitions (many, G_MAXUINT);
  assert_latched (many, DS_ERROR_INVALID_ARGUMENT, "4294967295");
}

static void
test_rdd_late_option_is_latched (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local");
  g_autoptr (DsRdd) numbers = ds_test_integers (context, 3, 1);
  g_autoptr (DsRdd) mapped = ds_rdd_map (numbers, negate, NULL, NULL);
  g_autoptr (DsRdd) others = ds_test_integers (context, 3, 1);

  g_test_summary ("An option is refused once another operator or an action saw the RDD");

  ds_rdd_set_n_partitions (numbers, 2);
  assert_latched (numbers, DS_ERROR_INVALID_STATE, "right after the operator");
  g_assert_null (ds_rdd_get_error (mapped));

  ds_test_assert_collects (others, "0\n1\n2\n");
  ds_rdd_set_n_partitions (others, 2);
  assert_latched (others, DS_ERROR_INVALID_STATE, "right after the operator");
}

static void
test_rdd_misuse_is_a_critical (void)
{
  if (g_test_subprocess ())
    {
      ds_rdd_map (NULL, negate, NULL, NULL);
      return;
    }
  g_test_summary ("A NULL parent is a critical, not a crash");
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr ("*CRITICAL*DS_IS_RDD*");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, func) g_test_add_func ("/rdd/rdd/" path, func)
  ADD ("knows-itself", test_rdd_knows_itself);
  ADD ("debug-string-shows-the-lineage", test_rdd_debug_string_shows_the_lineage);
  ADD ("is-computed-anew-each-time", test_rdd_is_computed_anew_each_time);
  ADD ("children-keep-parents", test_rdd_children_keep_parents);
  ADD ("destroys-user-data-once", test_rdd_destroys_user_data_once);
  ADD ("of-another-context-is-refused", test_rdd_of_another_context_is_refused);
  ADD ("foreign-option-is-latched", test_rdd_foreign_option_is_latched);
  ADD ("late-option-is-latched", test_rdd_late_option_is_latched);
  ADD ("misuse-is-a-critical", test_rdd_misuse_is_a_critical);
#undef ADD
  return g_test_run ();
}
