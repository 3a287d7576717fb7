/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What keeps a context from going on: a directory in use, damage, another way of making
 * the context, a batch that ends the process; and what may be done about each. */

#include "tests/dstream/ds-test-recovery.h"

#include "base/ds-codec-private.h"
#include "dstream/ds-dstream-private.h"
#include "dstream/ds-input-recovery-private.h"
#include "dstream/ds-received-block-recovery-private.h"

#include <glib/gstdio.h>
#include <unistd.h>

static void
build_counts (DsTestProgram *program, DsStreamingContext *ssc)
{
  ds_test_program_record (program,
                          ds_dstream_count_by_value (ds_test_source_add (ssc, 1)));
}

static void
build_state (DsTestProgram *program, DsStreamingContext *ssc)
{
  DsDStream *counts = ds_dstream_count_by_value_and_window (ds_test_source_add (ssc, 1),
                                                            9 * DS_SECOND, 0);

  ds_dstream_checkpoint (counts, DS_SECOND);
  ds_test_program_record (program, counts);
}

static void
run_three (DsTestProgram *program, DsTestBuildFunc build)
{
  ds_test_program_set_up (program, build);
  ds_test_program_start (program);
  ds_test_program_run_until (program, 3);
}

/* ---- A directory in use ---- */

static void
test_a_directory_is_used_by_one_context_at_a_time (void)
{
  DsTestProgram program;
  g_autoptr (GError) error = NULL;
  g_autoptr (DsStreamingContext) second = NULL;

  run_three (&program, build_counts);
  second = ds_streaming_context_get_or_create (program.directory, ds_test_program_make,
                                               &program, &error);
  g_assert_null (second);
  g_assert_error (error, DS_ERROR, DS_ERROR_LOCKED);
  g_assert_nonnull (strstr (error->message, program.directory));
  ds_test_program_tear_down (&program);
}

static void
test_a_context_that_was_not_started_gives_the_directory_back (void)
{
  DsTestProgram program;
  g_autoptr (GError) error = NULL;

  ds_test_program_set_up (&program, build_counts);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (DsStreamingContext) made =
          ds_streaming_context_get_or_create (program.directory, ds_test_program_make,
                                              &program, &error);

      g_assert_no_error (error);
      g_assert_false (ds_streaming_context_is_recovered (made));
    }
  ds_test_program_tear_down (&program);
}

/* ---- Never a silent fresh start ---- */

static DsStreamingContext *
make_without_recovery (DsTestProgram *program, gboolean allows_fresh_start)
{
  DsStreamingContext *ssc = ds_test_program_make (program, NULL);

  ds_streaming_context_checkpoint (ssc, program->directory);
  if (allows_fresh_start)
    ds_streaming_context_allow_fresh_start (ssc);
  return ssc;
}

static void
test_checkpoints_of_an_earlier_run_are_not_written_over (void)
{
  DsTestProgram program;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) kept = NULL;
  g_autoptr (DsStreamingContext) refused = NULL;

  run_three (&program, build_counts);
  ds_test_program_stop (&program, DS_STOP_NOW);

  refused = make_without_recovery (&program, FALSE);
  g_assert_false (ds_streaming_context_start (refused, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_STATE);
  g_assert_nonnull (strstr (error->message, "ds_streaming_context_get_or_create ()"));
  g_assert_nonnull (strstr (error->message, program.directory));
  g_clear_error (&error);
  g_clear_object (&refused);

  program.ssc = make_without_recovery (&program, TRUE);
  g_assert_true (ds_streaming_context_start (program.ssc, &error));
  g_assert_no_error (error);
  kept = ds_test_program_list_files (&program, "discarded-");
  g_assert_cmpuint (kept->len, ==, 1);
  ds_test_program_tear_down (&program);
}

/* ---- Damage ---- */

static void
test_a_damaged_newest_checkpoint_is_passed_over (void)
{
  DsTestProgram program;
  DsTestProgram whole;
  g_autofree char *expected = NULL;
  g_autoptr (GPtrArray) checkpoints = NULL;

  run_three (&whole, build_state);
  ds_test_program_run_until (&whole, 6);
  expected = g_strdup (strstr (whole.log->str, "\n6: "));
  ds_test_program_tear_down (&whole);

  run_three (&program, build_state);
  ds_test_program_stop (&program, DS_STOP_GRACEFULLY);
  checkpoints = ds_test_program_list_files (&program, "ckpt-");
  g_assert_cmpuint (checkpoints->len, >=, 2);
  ds_test_damage (g_ptr_array_index (checkpoints, checkpoints->len - 1));

  /* A graceful stop lets the awaited batch come, and one more. */
  g_string_assign (program.log, "");
  ds_manual_clock_set_time (program.clock, 5 * DS_SECOND);
  ds_test_program_start (&program);
  g_assert_true (ds_streaming_context_is_recovered (program.ssc));
  ds_test_program_run_until (&program, 6);
  g_assert_true (g_str_has_suffix (program.log->str, expected));
  ds_test_program_tear_down (&program);
}

/* Also a file of somebody else that has nearly the name of one. */
static void
test_damage_of_an_older_checkpoint_keeps_nobody_from_starting (void)
{
  DsTestProgram program;
  g_autoptr (GPtrArray) paths = NULL;
  g_autoptr (GPtrArray) unused = NULL;
  g_autofree char *copy = NULL;

  ds_test_program_set_up (&program, build_state);
  for (gint64 k = 1; k <= 3; k++)
    {
      ds_test_program_start (&program);
      ds_test_program_run_until (&program, k);
      ds_test_program_stop (&program, DS_STOP_GRACEFULLY);
    }
  paths = ds_test_program_list_files (&program, "ckpt-");
  g_assert_cmpuint (paths->len, >, 1);
  g_assert_cmpint (truncate (g_ptr_array_index (paths, 0), 50), ==, 0);
  copy = g_build_filename (program.directory, "ckpt-copy.bak", NULL);
  g_assert_true (g_file_set_contents (copy, "mine", -1, NULL));

  ds_test_program_start (&program);
  unused = ds_test_program_list_files (&program, "unused-ckpt-");
  g_assert_cmpuint (unused->len, ==, 1);
  g_assert_true (g_file_test (copy, G_FILE_TEST_EXISTS));
  ds_test_program_tear_down (&program);
}

static void
test_damage_of_every_checkpoint_is_an_error (void)
{
  DsTestProgram program;
  g_autoptr (GPtrArray) checkpoints = NULL;
  g_autoptr (GError) error = NULL;

  run_three (&program, build_state);
  ds_test_program_stop (&program, DS_STOP_GRACEFULLY);
  checkpoints = ds_test_program_list_files (&program, "ckpt-");
  for (guint i = 0; i < checkpoints->len; i++)
    ds_test_damage (g_ptr_array_index (checkpoints, i));
  error = ds_test_program_fail_to_start (&program);
  g_assert_error (error, DS_ERROR, DS_ERROR_CORRUPT);
  for (guint i = 0; i < checkpoints->len; i++)
    {
      g_autofree char *name = g_path_get_basename (g_ptr_array_index (checkpoints, i));

      g_assert_nonnull (strstr (error->message, name));
    }
  ds_test_program_tear_down (&program);
}

static void
test_a_log_without_checkpoint_is_an_error (void)
{
  DsTestProgram program;
  g_autoptr (GPtrArray) checkpoints = NULL;
  g_autoptr (GError) error = NULL;

  run_three (&program, build_counts);
  ds_test_program_stop (&program, DS_STOP_NOW);
  checkpoints = ds_test_program_list_files (&program, "ckpt-");
  for (guint i = 0; i < checkpoints->len; i++)
    g_assert_cmpint (g_unlink (g_ptr_array_index (checkpoints, i)), ==, 0);
  error = ds_test_program_fail_to_start (&program);
  g_assert_error (error, DS_ERROR, DS_ERROR_CORRUPT);
  ds_test_program_tear_down (&program);
}

static void
test_a_checkpoint_without_its_log_is_an_error (void)
{
  DsTestProgram program;
  g_autoptr (GPtrArray) segments = NULL;
  g_autoptr (GError) error = NULL;

  run_three (&program, build_state);
  ds_test_program_stop (&program, DS_STOP_GRACEFULLY);
  segments = ds_test_program_list_files (&program, "wal-");
  g_assert_cmpuint (segments->len, >, 0);
  for (guint i = 0; i < segments->len; i++)
    g_assert_cmpint (g_unlink (g_ptr_array_index (segments, i)), ==, 0);
  error = ds_test_program_fail_to_start (&program);
  g_assert_error (error, DS_ERROR, DS_ERROR_CORRUPT);
  g_assert_nonnull (strstr (error->message, "there is no file wal-*"));
  ds_test_program_tear_down (&program);
}

static void
build_allowing (DsTestProgram *program, DsStreamingContext *ssc)
{
  build_counts (program, ssc);
  ds_streaming_context_allow_fresh_start (ssc);
}

static void
test_a_fresh_start_can_be_allowed (void)
{
  DsTestProgram program;
  g_autoptr (GPtrArray) checkpoints = NULL;

  run_three (&program, build_allowing);
  ds_test_program_stop (&program, DS_STOP_NOW);
  checkpoints = ds_test_program_list_files (&program, "ckpt-");
  for (guint i = 0; i < checkpoints->len; i++)
    ds_test_damage (g_ptr_array_index (checkpoints, i));
  ds_test_program_start (&program);
  g_assert_false (ds_streaming_context_is_recovered (program.ssc));
  ds_test_program_tear_down (&program);
}

/* ---- What is whole and cannot be used ---- */

#define DS_TYPE_TEST_FORGETFUL (ds_test_forgetful_get_type ())
G_DECLARE_FINAL_TYPE (DsTestForgetful,
                      ds_test_forgetful,
                      DS,
                      TEST_FORGETFUL,
                      DsInputDStream)

struct _DsTestForgetful
{
  DsInputDStream parent_instance;
};

G_DEFINE_FINAL_TYPE (DsTestForgetful, ds_test_forgetful, DS_TYPE_INPUT_DSTREAM)

static DsRdd *
ds_test_forgetful_compute (DsDStream *self, DsBatch *batch, GError **error)
{
  return ds_context_empty (
      ds_streaming_context_get_context (ds_dstream_get_context (self)));
}

static void
ds_test_forgetful_save (DsInputDStream *self, DsTime time, GByteArray *bytes)
{
}

static gboolean
ds_test_forgetful_load_plan (DsInputDStream *self,
                             DsTime time,
                             const guint8 *bytes,
                             gsize n_bytes,
                             GError **error)
{
  return TRUE;
}

static gboolean
ds_test_forgetful_load_position (DsInputDStream *self,
                                 const guint8 *bytes,
                                 gsize n_bytes,
                                 GError **error)
{
  g_set_error_literal (error, DS_ERROR, DS_ERROR_CORRUPT, "it is no position");
  return FALSE;
}

static const DsInputRecovery ds_test_forgetful_recovery = {
  .save_plan = ds_test_forgetful_save,
  .load_plan = ds_test_forgetful_load_plan,
  .save_position = ds_test_forgetful_save,
  .load_position = ds_test_forgetful_load_position,
};

static const DsDStreamOps ds_test_forgetful_ops = {
  .kind = "forgetful source",
  .compute = ds_test_forgetful_compute,
  .recovery = &ds_test_forgetful_recovery,
};

static void
ds_test_forgetful_class_init (DsTestForgetfulClass *klass)
{
  DS_DSTREAM_CLASS (klass)->ops = &ds_test_forgetful_ops;
}

static void
ds_test_forgetful_init (DsTestForgetful *self)
{
}

static void
build_forgetful (DsTestProgram *program, DsStreamingContext *ssc)
{
  g_autoptr (DsTestForgetful) source = g_object_new (DS_TYPE_TEST_FORGETFUL, NULL);

  ds_test_program_record (program,
                          ds_streaming_context_input_stream (ssc,
                                                             DS_INPUT_DSTREAM (source)));
  ds_streaming_context_allow_fresh_start (ssc);
}

static void
test_an_error_names_only_ways_out_that_there_are (void)
{
  DsTestProgram program;
  g_autoptr (GError) error = NULL;

  g_test_summary ("At start it is too late to put aside what is in the directory");

  run_three (&program, build_forgetful);
  ds_test_program_stop (&program, DS_STOP_GRACEFULLY);
  error = ds_test_program_fail_to_start (&program);
  g_assert_error (error, DS_ERROR, DS_ERROR_CORRUPT);
  g_assert_nonnull (strstr (error->message, "it is no position"));
  g_assert_nonnull (strstr (error->message, "Nothing was changed"));
  g_assert_nonnull (strstr (error->message, "begin anew in another one"));
  g_assert_null (strstr (error->message, "allow_fresh_start"));
  ds_test_program_tear_down (&program);
}

static void
test_a_block_that_is_missing_does_not_promise_a_fresh_start (void)
{
  g_autoptr (DsReceivedBlockRecovery) recovery = ds_received_block_recovery_new ();
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autoptr (GError) error = NULL;

  ds_codec_encode (ds_value_int (7), bytes);
  g_assert_true (ds_received_block_recovery_add_plan (recovery, DS_SECOND, bytes->data,
                                                      bytes->len, &error));
  g_assert_no_error (error);
  g_assert_false (ds_received_block_recovery_check (recovery, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_CORRUPT);
  g_assert_nonnull (strstr (error->message, "block 7, which batch 1000 ms needs"));
  g_assert_null (strstr (error->message, "allow_fresh_start"));
}

/* ---- Batches that end the process ---- */

static guint max_attempts;
static gboolean fails_at_third;

static gboolean
fail_at_third (DsRdd *rdd, DsBatch *batch, gpointer user_data, GError **error)
{
  if (!fails_at_third || ds_batch_get_time (batch) != 3 * DS_SECOND)
    return TRUE;
  g_set_error (error, DS_ERROR, DS_ERROR_USER_FUNCTION, "as if it crashed");
  return FALSE;
}

static void
build_attempts (DsTestProgram *program, DsStreamingContext *ssc)
{
  build_counts (program, ssc);
  ds_dstream_foreach_rdd (ds_test_source_add (ssc, 2), fail_at_third, NULL, NULL);
  g_object_set (ssc, "max-batch-attempts", max_attempts, NULL);
}

/* The third batch begins, and is not over when the program ends. */
static void
end_in_third (DsTestProgram *program)
{
  g_autoptr (GError) error = NULL;

  ds_manual_clock_set_time (program->clock, 3 * DS_SECOND);
  g_assert_false (ds_streaming_context_await_batch (program->ssc, 3 * DS_SECOND, &error));
  g_clear_error (&error);
  /* It stops by itself. */
  g_assert_false (ds_streaming_context_await_termination (program->ssc, &error));
  g_clear_object (&program->ssc);
}

static void
test_a_batch_that_ends_the_process_is_refused_in_the_end (void)
{
  DsTestProgram program;
  g_autoptr (GError) error = NULL;

  max_attempts = 3;
  fails_at_third = TRUE;
  ds_test_program_set_up (&program, build_attempts);
  for (guint i = 0; i < 3; i++)
    {
      ds_test_program_start (&program);
      end_in_third (&program);
    }
  error = ds_test_program_fail_to_start (&program);
  g_assert_error (error, DS_ERROR, DS_ERROR_USER_FUNCTION);
  g_assert_nonnull (strstr (error->message, "batch 3000 ms was begun 3 times"));
  g_assert_nonnull (strstr (error->message, "\"max-batch-attempts\""));

  max_attempts = 0;
  fails_at_third = FALSE;
  ds_test_program_start (&program);
  ds_test_program_run_until (&program, 4);
  ds_test_program_tear_down (&program);
}

static gboolean
end_at_third (DsRdd *rdd, DsBatch *batch, gpointer user_data, GError **error)
{
  if (fails_at_third && ds_batch_get_time (batch) == 3 * DS_SECOND)
    _exit (1);
  return TRUE;
}

static void
build_ending (DsTestProgram *program, DsStreamingContext *ssc)
{
  ds_dstream_foreach_rdd (ds_test_source_add (ssc, 2), end_at_third, NULL, NULL);
}

#define ENDS_AT_ONCE "/recovery-errors/ends-at-once/subprocess"

static void
test_ends_at_once_subprocess (void)
{
  DsTestProgram program;
  g_autoptr (GError) error = NULL;

  fails_at_third = TRUE;
  ds_test_program_set_up (&program, build_ending);
  ds_test_drop_directory (program.directory);
  program.directory = g_strdup (g_getenv ("DS_TEST_DIRECTORY"));
  ds_test_program_start (&program);
  ds_manual_clock_set_time (program.clock, 3 * DS_SECOND);
  ds_streaming_context_await_batch (program.ssc, 3 * DS_SECOND, &error);
  g_assert_not_reached ();
}

/* Nothing is written after the batch has begun, not even what the page cache would keep.
 */
static void
test_a_batch_that_ends_the_process_at_once_is_counted (void)
{
  DsTestProgram program;
  g_autoptr (GError) error = NULL;

  fails_at_third = FALSE;
  ds_test_program_set_up (&program, build_ending);
  g_setenv ("DS_TEST_DIRECTORY", program.directory, TRUE);
  for (guint i = 0; i < 10; i++)
    {
      g_test_trap_subprocess (ENDS_AT_ONCE, 0, 0);
      g_test_trap_assert_failed ();
      g_test_trap_assert_stderr_unmatched ("*should not be reached*");
    }
  g_unsetenv ("DS_TEST_DIRECTORY");
  error = ds_test_program_fail_to_start (&program);
  g_assert_error (error, DS_ERROR, DS_ERROR_USER_FUNCTION);
  g_assert_nonnull (strstr (error->message, "batch 3000 ms was begun 10 times"));
  ds_test_program_tear_down (&program);
}

/* ---- Misuse ---- */

static DsStreamingContext *
make_nothing (gpointer user_data, GError **error)
{
  return NULL;
}

static void
test_a_set_up_function_without_context_is_an_error (void)
{
  DsTestProgram program;
  g_autoptr (GError) error = NULL;

  ds_test_program_set_up (&program, build_counts);
  g_assert_null (
      ds_streaming_context_get_or_create (program.directory, make_nothing, NULL, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_USER_FUNCTION);
  ds_test_program_tear_down (&program);
}

static DsStreamingContext *
make_elsewhere (gpointer user_data, GError **error)
{
  DsStreamingContext *ssc = ds_test_program_make (user_data, error);

  ds_streaming_context_checkpoint (ssc, "elsewhere");
  return ssc;
}

static void
test_another_directory_in_the_set_up_function_is_an_error (void)
{
  DsTestProgram program;
  g_autoptr (GError) error = NULL;

  ds_test_program_set_up (&program, build_counts);
  g_assert_null (ds_streaming_context_get_or_create (program.directory, make_elsewhere,
                                                     &program, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, "\"elsewhere\""));
  ds_test_program_tear_down (&program);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/recovery-errors/a-directory-is-used-by-one-context-at-a-time",
                   test_a_directory_is_used_by_one_context_at_a_time);
  g_test_add_func (
      "/recovery-errors/a-context-that-was-not-started-gives-the-directory-back",
      test_a_context_that_was_not_started_gives_the_directory_back);
  g_test_add_func ("/recovery-errors/checkpoints-of-an-earlier-run-are-not-written-over",
                   test_checkpoints_of_an_earlier_run_are_not_written_over);
  g_test_add_func ("/recovery-errors/a-damaged-newest-checkpoint-is-passed-over",
                   test_a_damaged_newest_checkpoint_is_passed_over);
  g_test_add_func (
      "/recovery-errors/damage-of-an-older-checkpoint-keeps-nobody-from-starting",
      test_damage_of_an_older_checkpoint_keeps_nobody_from_starting);
  g_test_add_func ("/recovery-errors/damage-of-every-checkpoint-is-an-error",
                   test_damage_of_every_checkpoint_is_an_error);
  g_test_add_func ("/recovery-errors/a-log-without-checkpoint-is-an-error",
                   test_a_log_without_checkpoint_is_an_error);
  g_test_add_func ("/recovery-errors/a-checkpoint-without-its-log-is-an-error",
                   test_a_checkpoint_without_its_log_is_an_error);
  g_test_add_func ("/recovery-errors/a-fresh-start-can-be-allowed",
                   test_a_fresh_start_can_be_allowed);
  g_test_add_func ("/recovery-errors/an-error-names-only-ways-out-that-there-are",
                   test_an_error_names_only_ways_out_that_there_are);
  g_test_add_func (
      "/recovery-errors/a-block-that-is-missing-does-not-promise-a-fresh-start",
      test_a_block_that_is_missing_does_not_promise_a_fresh_start);
  g_test_add_func ("/recovery-errors/a-batch-that-ends-the-process-is-refused-in-the-end",
                   test_a_batch_that_ends_the_process_is_refused_in_the_end);
  g_test_add_func ("/recovery-errors/a-batch-that-ends-the-process-at-once-is-counted",
                   test_a_batch_that_ends_the_process_at_once_is_counted);
  g_test_add_func (ENDS_AT_ONCE, test_ends_at_once_subprocess);
  g_test_add_func ("/recovery-errors/a-set-up-function-without-context-is-an-error",
                   test_a_set_up_function_without_context_is_an_error);
  g_test_add_func (
      "/recovery-errors/another-directory-in-the-set-up-function-is-an-error",
      test_another_directory_in_the_set_up_function_is_an_error);
  return g_test_run ();
}
