/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which received block belongs to which batch, after the process was gone and the log was
 * read.  The log of this library differs from the one of the statements: a batch's plan
 * names its blocks by their numbers, and nothing in the log says that a batch is
 * forgotten; the next checkpoint does, and the log before it is removed. */

#include "dstream/ds-streaming-context-private.h"
#include "tests/dstream/ds-test-block-log.h"
#include "tests/dstream/ds-test-intake.h"
#include "tests/dstream/ds-test-recovery.h"

#include <string.h>

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

/* ---- The same, by a stream that runs ---- */

static DsTestIntake *intake; /* of the context that runs */
static DsTestGate entered;   /* outputs of batches from 4 on */
static DsTestGate released;
static DsTestGate generated;

static gboolean
hold_from_batch_4 (DsRdd *rdd, DsBatch *batch, gpointer user_data, GError **error)
{
  gint64 k = ds_batch_get_time (batch) / DS_SECOND;

  if (k < 4)
    return TRUE;
  ds_test_gate_add (&entered, 1);
  ds_test_gate_await (&released, k - 3);
  return TRUE;
}

static void
count_generated (DsStreamingContext *ssc, DsBatch *batch, gpointer unused)
{
  ds_test_gate_add (&generated, 1);
}

static void
build_received (DsTestProgram *program, DsStreamingContext *ssc)
{
  DsDStream *lines;

  g_clear_object (&intake);
  intake = g_object_new (DS_TYPE_TEST_INTAKE, NULL);
  lines = ds_streaming_context_receiver_stream (ssc, DS_RECEIVER (intake));
  ds_dstream_set_durability (lines, DS_DURABILITY_EVERY_RECORD);
  ds_dstream_checkpoint (lines, DS_SECOND);
  g_object_set (ssc, "max-waiting-batches", 10, NULL);
  g_signal_connect (ssc, "batch-submitted", G_CALLBACK (count_generated), NULL);
  ds_test_program_record (program, lines);
  ds_dstream_foreach_rdd (lines, hold_from_batch_4, NULL, NULL);
}

/* Record @k, for batch @k. */
static void
receive_and_tick (DsTestProgram *program, int k)
{
  g_autofree char *line = g_strdup_printf ("r%d\n", k);
  g_autoptr (GBytes) text = g_bytes_new (line, strlen (line));
  g_autoptr (GError) error = NULL;

  ds_receiver_store_text (DS_RECEIVER (intake), text, 0, &error);
  g_assert_no_error (error);
  ds_manual_clock_advance (program->clock, DS_SECOND);
  ds_test_gate_await (&generated, k);
}

static void
test_no_early_cleanup_of_a_stream (void)
{
  DsTestProgram program;
  g_autofree char *checkpoint = NULL;
  g_autoptr (GError) error = NULL;

  g_test_summary ("Batches that were generated and wait keep their blocks when a batch "
                  "before them is completed and a checkpoint is written");

  ds_test_program_set_up (&program, build_received);
  ds_test_program_start (&program);
  ds_test_gate_await (&intake->starts, 1);
  for (int k = 1; k <= 3; k++)
    {
      receive_and_tick (&program, k);
      ds_test_program_run_until (&program, k);
    }
  for (int k = 4; k <= 10; k++)
    receive_and_tick (&program, k);

  /* Batch 4 is completed; 5 begins, with a checkpoint of what was before it. */
  ds_test_gate_await (&entered, 1);
  ds_test_gate_add (&released, 1);
  ds_test_gate_await (&entered, 2);
  ds_streaming_context_ask_to_stop (program.ssc, DS_STOP_NOW);
  ds_test_gate_add (&released, 100);
  ds_streaming_context_stop (program.ssc, DS_STOP_NOW, NULL);
  g_clear_object (&program.ssc);
  checkpoint = g_build_filename (program.directory, "ckpt-00000000000000004000", NULL);
  g_assert_true (g_file_test (checkpoint, G_FILE_TEST_EXISTS));
  g_string_truncate (program.log, 0);

  ds_test_program_start (&program);
  ds_streaming_context_await_batch (program.ssc, 10 * DS_SECOND, &error);
  g_assert_no_error (error);
  g_assert_nonnull (strstr (program.log->str, "6 again: r6\n7 again: r7\n8 again: r8\n"
                                              "9 again: r9\n10 again: r10\n"));
  ds_test_program_tear_down (&program);
  g_clear_object (&intake);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/behaviour/with-a-write-ahead-log", test_with_a_write_ahead_log);
  g_test_add_func ("/behaviour/recovery-removes-only-allocated-blocks",
                   test_recovery_removes_only_allocated_blocks);
  g_test_add_func ("/behaviour/no-early-cleanup", test_no_early_cleanup);
  g_test_add_func ("/behaviour/no-early-cleanup/of-a-stream",
                   test_no_early_cleanup_of_a_stream);
  return g_test_run ();
}
