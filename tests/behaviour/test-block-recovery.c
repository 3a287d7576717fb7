/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which received block belongs to which batch, after the process was gone and the log was
 * read.  The log of this library differs from the one of the statements: a batch's plan
 * names its blocks by their numbers, and nothing in the log says that a batch is
 * forgotten; the next checkpoint does, and the log before it is removed. */

#include "tests/dstream/ds-test-block-log.h"

static void
test_with_a_write_ahead_log (void)
{
  DsTestBlockLog test;
  g_autofree char *first_segment = NULL;

  g_test_summary (
      "Additions and plans come back as they were; what is forgotten does not");

  ds_test_block_log_set_up (&test);
  ds_test_block_log_add_five (&test, "b");
  ds_test_block_log_restart (&test);
  ds_test_block_log_assert_unallocated (&test, 5);

  g_assert_true (ds_test_block_log_plan (&test, 2000));
  ds_test_block_log_assert_batch (&test, 2000, "b0 b1 b2 b3 b4");
  ds_test_block_log_add_five (&test, "c");
  g_assert_true (ds_test_block_log_plan (&test, 4000));

  ds_test_block_log_restart (&test);
  g_assert_cmpstr (test.contents->str, ==,
                   "add b0, add b1, add b2, add b3, add b4, plan 2000 [b0 b1 b2 b3 b4], "
                   "add c0, add c1, add c2, add c3, add c4, plan 4000 [c0 c1 c2 c3 c4]");
  ds_test_block_log_assert_batch (&test, 2000, "b0 b1 b2 b3 b4");
  ds_test_block_log_assert_batch (&test, 4000, "c0 c1 c2 c3 c4");
  ds_test_block_log_assert_unallocated (&test, 0);

  ds_received_block_tracker_cleanup (test.tracker, 4000);
  ds_test_block_log_checkpoint (&test, 4000);
  ds_test_block_log_assert_batch (&test, 2000, "");
  ds_test_block_log_assert_batch (&test, 4000, "c0 c1 c2 c3 c4");
  g_assert_cmpuint (test.position_sequence, ==, 7); /* c0; b0 has 1, the first plan 6 */
  first_segment =
      ds_durable_directory_get_file_path (test.directory, "wal-0000000000000001");
  g_assert_true (g_file_test (first_segment, G_FILE_TEST_EXISTS));
  ds_test_block_log_clean (&test);
  g_assert_false (g_file_test (first_segment, G_FILE_TEST_EXISTS));

  ds_test_block_log_restart (&test);
  ds_test_block_log_assert_batch (&test, 2000, "");
  ds_test_block_log_assert_batch (&test, 4000, "c0 c1 c2 c3 c4");
  ds_test_block_log_assert_unallocated (&test, 0);
  ds_test_block_log_tear_down (&test);
}

static void
test_recovery_removes_only_allocated_blocks (void)
{
  DsTestBlockLog test;

  g_test_summary ("A plan takes the blocks that it names, not all that came before it");

  ds_test_block_log_set_up (&test);
  ds_test_block_log_add (&test, "x", 500);
  ds_test_block_log_add (&test, "y", 1500); /* in the log before the plan of 1000 */
  g_assert_true (ds_test_block_log_plan (&test, 1000));

  ds_test_block_log_restart (&test);
  g_assert_cmpstr (test.contents->str, ==, "add x, add y, plan 1000 [x]");
  ds_test_block_log_assert_batch (&test, 1000, "x");
  ds_test_block_log_assert_unallocated (&test, 1);
  g_assert_true (ds_test_block_log_plan (&test, 2000));
  ds_test_block_log_assert_batch (&test, 2000, "y");
  ds_test_block_log_tear_down (&test);
}

static void
test_no_early_cleanup (void)
{
  DsTestBlockLog test;

  g_test_summary ("While batch 3 is not over its blocks stay in the log, whatever batch "
                  "checkpoints are written at");

  ds_test_block_log_set_up (&test);
  for (DsTime time = 1; time <= 10; time++)
    {
      g_autofree char *name = g_strdup_printf ("block%d", (int) time);

      ds_test_block_log_add (&test, name, time);
      g_assert_true (ds_test_block_log_plan (&test, time));
      /* What a completed batch leads to: nobody looks back at it, it is forgotten. */
      if (time < 3)
        ds_received_block_tracker_cleanup (test.tracker, time + 1);
      /* One at the generation of each batch, as of the last that was completed. */
      ds_test_block_log_checkpoint (&test, MIN (time, 2));
      ds_test_block_log_clean (&test);
    }

  ds_test_block_log_restart (&test);
  ds_test_block_log_assert_batch (&test, 3, "block3");
  ds_test_block_log_assert_batch (&test, 10, "block10");

  /* Now it is. */
  ds_received_block_tracker_cleanup (test.tracker, 4);
  ds_test_block_log_checkpoint (&test, 3);
  ds_test_block_log_clean (&test);
  ds_test_block_log_restart (&test);
  ds_test_block_log_assert_batch (&test, 3, "");
  ds_test_block_log_assert_batch (&test, 4, "block4");
  ds_test_block_log_tear_down (&test);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/behaviour/with-a-write-ahead-log", test_with_a_write_ahead_log);
  g_test_add_func ("/behaviour/recovery-removes-only-allocated-blocks",
                   test_recovery_removes_only_allocated_blocks);
  g_test_add_func ("/behaviour/no-early-cleanup", test_no_early_cleanup);
  return g_test_run ();
}
