/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Steps: what lasts moves on once a batch, partition by partition. */

#include "tests/rdd/ds-test-rdd.h"
#include "tests/rdd/ds-test-step.h"

static gint64
sum_of (DsRdd *rdd)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DsBlock) block = ds_rdd_collect (rdd, &error);
  gint64 sum = 0;

  g_assert_no_error (error);
  for (gsize i = 0; i < ds_block_get_length (block); i++)
    sum += ds_value_get_int (ds_block_get (block, i));
  return sum;
}

static const char *const first_lines[] = { "a 1", "b 2", "c 3", "d 4", "e 5", NULL };
static const char *const second_lines[] = { "a 10", "f 20", "g 30", NULL };

static void
test_step_runs_once (void)
{
  static const char *const masters[] = { "local[1]", "local[2]" };

  g_test_summary ("Two steps, of two inputs and of one, run each partition once, however "
                  "often they are read; their inputs go");

  for (gsize i = 0; i < G_N_ELEMENTS (masters); i++)
    {
      g_autoptr (DsTestContext) context = ds_test_context_new (masters[i]);
      DsTestSums sums = { 0 };
      DsRdd *inputs[2] = { ds_test_pairs (context, first_lines, 2),
                           ds_test_pairs (context, second_lines, 3) };
      g_autoptr (DsRdd) one = ds_test_sums_step (&sums, context, DS_SECOND, inputs, 2);
      g_autoptr (DsRdd) two =
          ds_test_sums_step (&sums, context, 2 * DS_SECOND, &inputs[1], 1);
      g_autoptr (GError) error = NULL;

      g_object_unref (inputs[0]);
      g_object_add_weak_pointer (G_OBJECT (inputs[0]), (gpointer *) &inputs[0]);
      g_object_unref (inputs[1]);

      g_assert_true (ds_step_rdd_run (one, &error));
      g_assert_no_error (error);
      ds_step_rdd_settle (one);
      g_assert_null (inputs[0]);
      g_assert_cmpint (sum_of (one), ==, 75);
      g_assert_cmpint (sum_of (one), ==, 75);
      g_assert_cmpuint (sums.n_runs, ==, DS_TEST_N_SUMS);

      g_assert_true (ds_step_rdd_run (two, &error));
      g_assert_true (ds_step_rdd_run (two, &error));
      ds_step_rdd_settle (two);
      g_assert_cmpint (sum_of (two), ==, 135);
      g_assert_cmpint (sum_of (one), ==, 75);
      g_assert_cmpuint (sums.n_runs, ==, 2 * DS_TEST_N_SUMS);
      g_assert_cmpuint (sums.n_commits, ==, 2);
      g_assert_cmpuint (sums.n_unrefs, ==, 2);
    }
}

static void
test_step_tries_again (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  DsTestSums sums = { .n_failures_left = 1 };
  DsRdd *input = ds_test_pairs (context, first_lines, 2);
  g_autoptr (DsRdd) step = ds_test_sums_step (&sums, context, DS_SECOND, &input, 1);
  g_autoptr (GError) error = NULL;

  g_test_summary ("A second run runs only the partition that failed");

  g_object_unref (input);
  ds_rdd_set_name (step, "totals");
  g_assert_false (ds_step_rdd_run (step, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_USER_FUNCTION);
  g_assert_nonnull (strstr (error->message, "out of luck"));
  g_assert_nonnull (strstr (error->message, "totals"));
  g_clear_error (&error);

  g_assert_null (ds_rdd_collect (step, &error));
  g_assert_nonnull (strstr (error->message, "out of luck"));
  g_clear_error (&error);

  g_assert_true (ds_step_rdd_run (step, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (sums.n_runs, <=, DS_TEST_N_SUMS + 1);
  g_assert_cmpint (ds_test_sums_total (&sums), ==, 15);
  ds_step_rdd_settle (step);
  g_assert_cmpint (sum_of (step), ==, 15);
}

static void
test_step_is_taken_back (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[1]");
  DsTestSums sums = { .sums = { 100, 0, 0, 0 }, .n_failures_left = 1 };
  DsRdd *input = ds_test_pairs (context, first_lines, 1);
  g_autoptr (DsRdd) step = ds_test_sums_step (&sums, context, DS_SECOND, &input, 1);
  g_autoptr (GError) error = NULL;

  g_test_summary ("A step that is given up leaves nothing behind");

  g_object_unref (input);
  g_assert_false (ds_step_rdd_run (step, NULL));
  g_assert_cmpuint (sums.n_runs, ==, DS_TEST_N_SUMS);
  ds_step_rdd_settle (step);
  g_assert_cmpint (ds_test_sums_total (&sums), ==, 100);
  g_assert_cmpuint (sums.n_commits, ==, 0);
  g_assert_cmpuint (sums.n_unrefs, ==, 1);
  g_assert_null (ds_rdd_collect (step, &error));
  g_assert_nonnull (strstr (error->message, "out of luck"));
}

static void
test_step_is_read_too_early (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[1]");
  DsTestSums sums = { 0 };
  g_autoptr (DsRdd) step = ds_test_sums_step (&sums, context, 5 * DS_SECOND, NULL, 0);
  g_autoptr (GError) error = NULL;

  g_test_summary ("A step that has not run says so");

  g_assert_null (ds_rdd_collect (step, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_STATE);
  g_assert_nonnull (strstr (error->message, "its batch of 5000 ms has not run yet"));
  g_clear_error (&error);

  g_assert_true (ds_step_rdd_run (step, &error));
  g_assert_cmpint (sum_of (step), ==, 0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/rdd/step/runs-once", test_step_runs_once);
  g_test_add_func ("/rdd/step/tries-again", test_step_tries_again);
  g_test_add_func ("/rdd/step/is-taken-back", test_step_is_taken_back);
  g_test_add_func ("/rdd/step/is-read-too-early", test_step_is_read_too_early);
  return g_test_run ();
}
