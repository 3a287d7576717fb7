/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Directory streams that go on: each file is in one batch, the same one however often the
 * program is stopped, and files are cleaned up only once no recovery can ask for them. */

#include "tests/dstream/ds-test-recovery.h"

#include "base/ds-file-system-private.h"
#include "dstream/ds-checkpointer-private.h"
#include "dstream/ds-streaming-context-private.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>

static char *incoming;
static DsFileSelection selection;
static gboolean deletes;
static DsDuration window;
static DsCatchUpPolicy policy;

static void
build_lines (DsTestProgram *program, DsStreamingContext *ssc)
{
  DsDStream *lines = ds_streaming_context_text_file_stream (ssc, incoming);

  g_object_set (ssc, "catch-up-policy", policy, NULL);
  ds_dstream_set_file_selection (lines, selection);
  ds_dstream_set_delete_files (lines, deletes);
  ds_test_program_record (program,
                          window > 0 ? ds_dstream_window (lines, window, 0) : lines);
}

static void
set_up (DsTestProgram *program, DsFileSelection files, DsDuration length)
{
  incoming = g_dir_make_tmp ("ds-incoming-XXXXXX", NULL);
  selection = files;
  deletes = FALSE;
  window = length;
  policy = DS_CATCH_UP_ALL;
  ds_test_program_set_up (program, build_lines);
}

static void
tear_down (DsTestProgram *program)
{
  ds_test_program_tear_down (program);
  ds_test_drop_directory (g_steal_pointer (&incoming));
}

/* A file of one line, its name, written now by the clock of the program. */
static void
drop_file (DsTestProgram *program, const char *name)
{
  g_autofree char *path = g_build_filename (incoming, name, NULL);
  DsTime now = ds_clock_get_time (DS_CLOCK (program->clock)) + 1;
  struct timespec stamp = { now / DS_SECOND, now % DS_SECOND * 1000 };
  struct timespec times[2] = { stamp, stamp };

  g_assert_true (g_file_set_contents (path, name, -1, NULL));
  g_assert_cmpint (utimensat (AT_FDCWD, path, times, 0), ==, 0);
}

static gboolean
has_file (const char *name)
{
  g_autofree char *path = g_build_filename (incoming, name, NULL);

  return g_file_test (path, G_FILE_TEST_EXISTS);
}

static void
assert_log (DsTestProgram *program, const char *expected)
{
  g_assert_cmpstr (program->log->str, ==, expected);
  g_string_truncate (program->log, 0);
}

/* ---- Each file once ---- */

static void
check_each_file_is_in_one_batch (DsFileSelection files)
{
  DsTestProgram program;

  set_up (&program, files, 0);
  ds_test_program_start (&program);
  drop_file (&program, "a");
  ds_test_program_run_until (&program, 1);
  drop_file (&program, "b");
  ds_test_program_run_until (&program, 2);
  assert_log (&program, "1: a\n2: b\n");
  ds_test_program_stop (&program, DS_STOP_NOW);

  drop_file (&program, "c"); /* while nobody looks */
  ds_test_program_start (&program);
  ds_test_program_run_until (&program, 3);
  assert_log (&program, "2 again: b\n3: c\n");
  ds_test_program_stop (&program, DS_STOP_NOW);

  ds_test_program_start (&program);
  drop_file (&program, "d");
  ds_test_program_run_until (&program, 4);
  assert_log (&program, "3 again: c\n4: d\n");
  tear_down (&program);
}

static void
test_each_file_is_in_one_batch (void)
{
  check_each_file_is_in_one_batch (DS_FILES_NEW);
}

static void
test_each_file_is_in_one_batch_whatever_its_time (void)
{
  check_each_file_is_in_one_batch (DS_FILES_ALL);
}

static void
test_one_batch_for_a_long_time_has_all_of_its_files (void)
{
  DsTestProgram program;

  g_test_summary (
      "Policy coalesce: what came long before the restart is new all the same");

  set_up (&program, DS_FILES_NEW, 0);
  policy = DS_CATCH_UP_COALESCE;
  ds_test_program_start (&program);
  drop_file (&program, "a");
  ds_test_program_run_until (&program, 1);
  ds_test_program_stop (&program, DS_STOP_NOW);
  drop_file (&program, "b");
  ds_manual_clock_set_time (program.clock, 600 * DS_SECOND);
  ds_test_program_start (&program);
  ds_test_program_run_until (&program, 600);
  ds_test_program_run_until (&program, 601);
  assert_log (&program, "1: a\n1 again: a\n600: b\n601: \n");
  tear_down (&program);
}

static void
test_a_graceful_stop_keeps_what_was_taken (void)
{
  DsTestProgram program;

  set_up (&program, DS_FILES_ALL, 0);
  ds_test_program_start (&program);
  drop_file (&program, "a");
  ds_test_program_run_until (&program, 1);
  ds_test_program_stop (&program, DS_STOP_GRACEFULLY);
  assert_log (&program, "1: a\n2: \n3: \n");

  ds_manual_clock_set_time (program.clock, 3 * DS_SECOND);
  drop_file (&program, "b");
  ds_test_program_start (&program);
  ds_test_program_run_until (&program, 4);
  assert_log (&program, "4: b\n");
  ds_test_program_stop (&program, DS_STOP_GRACEFULLY); /* a checkpoint after no replay */
  tear_down (&program);
}

static void
test_windows_look_back_at_files_of_the_run_before (void)
{
  DsTestProgram program;

  set_up (&program, DS_FILES_NEW, 3 * DS_SECOND);
  ds_test_program_start (&program);
  for (char name[2] = "a"; *name <= 'd'; (*name)++)
    {
      drop_file (&program, name);
      ds_test_program_run_until (&program, *name - 'a' + 1);
    }
  ds_test_program_stop (&program, DS_STOP_GRACEFULLY);
  g_string_truncate (program.log, 0);
  ds_manual_clock_set_time (program.clock, 6 * DS_SECOND);
  ds_test_program_start (&program);
  ds_test_program_run_until (&program, 7);
  assert_log (&program, "7: \n");
  ds_test_program_stop (&program, DS_STOP_NOW);
  tear_down (&program);

  set_up (&program, DS_FILES_NEW, 3 * DS_SECOND);
  ds_test_program_start (&program);
  for (char name[2] = "a"; *name <= 'd'; (*name)++)
    {
      drop_file (&program, name);
      ds_test_program_run_until (&program, *name - 'a' + 1);
    }
  ds_test_program_stop (&program, DS_STOP_NOW);
  g_string_truncate (program.log, 0);
  ds_test_program_start (&program);
  ds_test_program_run_until (&program, 5);
  assert_log (&program, "4 again: b c d\n5: c d\n");
  tear_down (&program);
}

/* A file that is not what it was then is an error, never other data. */
static void
test_a_file_that_was_changed_meanwhile_fails_the_batch (void)
{
  DsTestProgram program;
  g_autoptr (GError) error = NULL;

  set_up (&program, DS_FILES_NEW, 0);
  ds_test_program_start (&program);
  drop_file (&program, "a");
  ds_test_program_run_until (&program, 1);
  ds_test_program_stop (&program, DS_STOP_NOW);
  drop_file (&program, "b");
  {
    g_autofree char *path = g_build_filename (incoming, "a", NULL);

    g_assert_true (g_file_set_contents (path, "other data", -1, NULL));
  }
  ds_test_program_start (&program);
  g_assert_false (ds_streaming_context_await_batch (program.ssc, DS_SECOND, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_BAD_FILE);
  g_clear_error (&error);
  /* It stops by itself. */
  g_assert_false (ds_streaming_context_await_termination (program.ssc, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_BAD_FILE);
  g_clear_object (&program.ssc);
  tear_down (&program);
}

/* ---- Another device ---- */

/* The local file system as it is once its disks were mounted anew: other numbers. */
static DsFileSystemOps remounted;
static const DsFileSystemOps *mounted;

typedef struct
{
  DsFileSystemSelectFunc select;
  DsFileSystemListFunc func;
  gpointer user_data;
} Listing;

static gboolean
list_remounted_entry (const char *name, const DsFileStatus *status, gpointer user_data)
{
  const Listing *listing = user_data;
  DsFileStatus changed = *status;

  if (!listing->select (name, status->kind, listing->user_data))
    return TRUE;
  changed.device++;
  return listing->func (name, &changed, listing->user_data);
}

static gboolean
list_remounted (DsFileSystem *files,
                const char *directory,
                DsFileSystemSelectFunc select,
                DsFileSystemListFunc func,
                gpointer user_data,
                GError **error)
{
  Listing listing = { select, func, user_data };

  return mounted->list (files, directory, NULL, list_remounted_entry, &listing, error);
}

static gboolean
get_remounted_status (DsFileSystem *files,
                      const char *path,
                      DsFileStatus *status,
                      GError **error)
{
  gboolean ok = mounted->get_status (files, path, status, error);

  status->device++;
  return ok;
}

static gboolean
get_remounted_file_status (DsFile *file, DsFileStatus *status, GError **error)
{
  gboolean ok = mounted->get_file_status (file, status, error);

  status->device++;
  return ok;
}

static void
remount (void)
{
  DsFileSystem *files = ds_file_system_get_local ();

  mounted = files->ops;
  remounted = *mounted;
  remounted.list = list_remounted;
  remounted.get_status = get_remounted_status;
  remounted.get_file_status = get_remounted_file_status;
  files->ops = &remounted;
}

static void
unmount (void)
{
  ds_file_system_get_local ()->ops = mounted;
}

static void
test_files_are_known_again_on_another_device (void)
{
  DsTestProgram program;

  g_test_summary ("A disk that has another number since it was mounted anew has the same "
                  "files: none is counted twice");

  set_up (&program, DS_FILES_ALL, 0);
  ds_test_program_start (&program);
  drop_file (&program, "a");
  ds_test_program_run_until (&program, 1);
  ds_test_program_stop (&program, DS_STOP_GRACEFULLY);
  assert_log (&program, "1: a\n2: \n3: \n");

  remount ();
  ds_manual_clock_set_time (program.clock, 3 * DS_SECOND);
  drop_file (&program, "b");
  ds_test_program_start (&program);
  ds_test_program_run_until (&program, 5);
  assert_log (&program, "4: b\n5: \n");
  ds_test_program_stop (&program, DS_STOP_GRACEFULLY);
  unmount (); /* once more */
  g_string_truncate (program.log, 0);
  ds_manual_clock_set_time (program.clock, 7 * DS_SECOND);
  ds_test_program_start (&program);
  ds_test_program_run_until (&program, 8);
  assert_log (&program, "8: \n");
  tear_down (&program);
}

static void
test_a_batch_runs_again_on_another_device (void)
{
  DsTestProgram program;

  g_test_summary (
      "A batch that was planned before its disk was mounted anew runs with the "
      "same files, and windows look back at them");

  set_up (&program, DS_FILES_ALL, 3 * DS_SECOND);
  ds_test_program_start (&program);
  for (char name[2] = "a"; *name <= 'c'; (*name)++)
    {
      drop_file (&program, name);
      ds_test_program_run_until (&program, *name - 'a' + 1);
    }
  ds_test_program_stop (&program, DS_STOP_NOW);
  g_string_truncate (program.log, 0);
  remount ();
  ds_test_program_start (&program);
  ds_test_program_run_until (&program, 4);
  assert_log (&program, "3 again: a b c\n4: b c\n");
  tear_down (&program);
  unmount ();
}

/* ---- Clean-up ---- */

/* The last batch that a recovery from the oldest kept checkpoint would not ask for. */
static DsTime
get_oldest_time (DsTestProgram *program)
{
  return ds_checkpointer_get_oldest_time (program->ssc->checkpointer);
}

static void
test_files_stay_until_no_kept_checkpoint_needs_them (void)
{
  DsTestProgram program;
  gint64 k;

  set_up (&program, DS_FILES_ALL, 0);
  deletes = TRUE;
  ds_test_program_start (&program);
  drop_file (&program, "a");
  for (k = 1; has_file ("a") && k <= 200; k++)
    {
      DsTime oldest = get_oldest_time (&program);

      ds_test_program_run_until (&program, k);
      if (!has_file ("a"))
        break;
      /* The oldest one may have become newer while the batch ran. */
      g_assert_cmpint (oldest, <=, 2 * DS_SECOND);
    }
  g_assert_false (has_file ("a"));
  g_assert_cmpint (get_oldest_time (&program), >=, 2 * DS_SECOND);
  g_test_message ("a file of batch 1 was deleted after batch %" G_GINT64_FORMAT
                  ", when the oldest checkpoint was of batch %" G_GINT64_FORMAT,
                  k, get_oldest_time (&program) / DS_SECOND);
  tear_down (&program);
}

static void
test_a_stop_leaves_files_that_a_recovery_may_need (void)
{
  DsTestProgram program;

  set_up (&program, DS_FILES_ALL, 0);
  deletes = TRUE;
  ds_test_program_start (&program);
  drop_file (&program, "a");
  ds_test_program_run_until (&program, 3);
  ds_test_program_stop (&program, DS_STOP_NOW);
  g_assert_true (has_file ("a"));
  g_string_truncate (program.log, 0);
  ds_test_program_start (&program);
  ds_test_program_run_until (&program, 4);
  assert_log (&program, "3 again: \n4: \n");
  tear_down (&program);
}

/* ---- More files than a plan can name ---- */

/* Makes directories below "incoming" until the path of a file is some 3,800 bytes. */
static char *
make_deep_directory (void)
{
  GString *path = g_string_new (incoming);
  g_autofree char *name = g_strnfill (220, 'd');

  while (path->len < 3500)
    {
      g_string_append_printf (path, "/%s", name);
      g_assert_cmpint (g_mkdir (path->str, 0700), ==, 0);
    }
  return g_string_free (path, FALSE);
}

static void
make_files_of_long_names (const char *directory, guint n_files)
{
  g_autofree char *filler = g_strnfill (220, 'n');
  int fd = open (directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  g_assert_cmpint (fd, >=, 0);
  for (guint i = 0; i < n_files; i++)
    {
      g_autofree char *name = g_strdup_printf ("%05u%s", i, filler);
      int file = openat (fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

      g_assert_cmpint (file, >=, 0);
      g_assert_cmpint (write (file, "x\n", 2), ==, 2);
      close (file);
    }
  close (fd);
}

static char *deep_directory;

static void
build_count (DsTestProgram *program, DsStreamingContext *ssc)
{
  DsDStream *lines = ds_streaming_context_text_file_stream (ssc, deep_directory);

  ds_dstream_set_file_selection (lines, DS_FILES_ALL);
  ds_test_program_record (program, ds_dstream_count (lines));
}

static void
test_more_names_than_the_log_takes_are_several_batches (void)
{
  DsTestProgram program;
  guint n_first;
  guint n_second;

  g_test_summary ("19,000 names of 3,700 bytes are 70 MB, and a record has 64 MiB");

  set_up (&program, DS_FILES_ALL, 0);
  deep_directory = make_deep_directory ();
  program.build = build_count;
  make_files_of_long_names (deep_directory, 19000);
  ds_test_program_start (&program);
  ds_test_program_run_until (&program, 3);
  g_assert_cmpint (sscanf (program.log->str, "1: %u 2: %u 3: 0", &n_first, &n_second), ==,
                   2);
  g_assert_cmpuint (n_first, >, 12000);
  g_assert_cmpuint (n_first, <, 19000);
  g_assert_cmpuint (n_first + n_second, ==, 19000);
  ds_test_program_stop (&program, DS_STOP_NOW);

  g_string_truncate (program.log, 0);
  ds_test_program_start (&program);
  ds_test_program_run_until (&program, 4);
  assert_log (&program, "3 again: 0\n4: 0\n");
  g_free (deep_directory);
  tear_down (&program);
}

static DsValue
keep_line (DsValue line, DsTask *task, gpointer unused)
{
  return line;
}

static void
build_window_first (DsTestProgram *program, DsStreamingContext *ssc)
{
  DsDStream *lines = ds_streaming_context_text_file_stream (ssc, incoming);

  g_object_set (ssc, "catch-up-policy", policy, NULL);
  ds_dstream_set_file_selection (lines, selection);
  ds_test_program_record (program, ds_dstream_window (lines, window, 0));
  ds_test_program_record (program, lines);
}

/* A union needs an RDD of both, of each batch that it is asked for. */
static void
build_window_of_union (DsTestProgram *program, DsStreamingContext *ssc)
{
  DsDStream *lines = ds_streaming_context_text_file_stream (ssc, incoming);
  DsDStream *both =
      ds_dstream_union (lines, ds_dstream_map (lines, keep_line, NULL, NULL));

  g_object_set (ssc, "catch-up-policy", policy, NULL);
  ds_dstream_set_file_selection (lines, selection);
  ds_test_program_record (program, lines);
  ds_test_program_record (program, ds_dstream_window (both, window, 0));
}

static void
check_given_up_batches (DsTestBuildFunc build, const char *expected)
{
  DsTestProgram program;

  set_up (&program, DS_FILES_NEW, 3 * DS_SECOND);
  program.build = build;
  policy = DS_CATCH_UP_COALESCE;
  ds_test_program_start (&program);
  drop_file (&program, "a");
  ds_test_program_run_until (&program, 1);
  ds_test_program_stop (&program, DS_STOP_NOW);
  drop_file (&program, "b");
  ds_manual_clock_set_time (program.clock, 600 * DS_SECOND);
  ds_test_program_start (&program);
  ds_test_program_run_until (&program, 600);
  ds_test_program_run_until (&program, 601);
  assert_log (&program, expected);
  tear_down (&program);
}

static void
test_batches_that_are_given_up_take_no_files (void)
{
  g_test_summary ("Policy coalesce: a window that looks back at batches which were given "
                  "up takes nothing from the one that comes");

  check_given_up_batches (build_window_first,
                          "1: a\n1: a\n1 again: a\n1 again: a\n600: b\n600: b\n"
                          "601: b\n601: \n");
  check_given_up_batches (build_window_of_union,
                          "1: a\n1: a a\n1 again: a\n1 again: a a\n600: b\n600: b b\n"
                          "601: \n601: b b\n");
}

/* ---- Streams that come later ---- */

/* DsForeachRddFunc */
static gboolean
ignore_rdd (DsRdd *rdd, DsBatch *batch, gpointer unused, GError **error)
{
  return TRUE;
}

static gboolean has_lines; /* the next version has them */

/* Numbers in a stream of their own, which is there from the first version on. */
static void
build_later_lines (DsTestProgram *program, DsStreamingContext *ssc)
{
  DsDStream *words = ds_test_source_add (ssc, 1);
  DsDStream *lines;

  ds_dstream_set_name (words, "words");
  ds_output_set_name (ds_dstream_foreach_rdd (words, ignore_rdd, NULL, NULL), "ignored");
  if (!has_lines)
    return;
  ds_streaming_context_accept_new_streams (ssc);
  lines = ds_streaming_context_text_file_stream (ssc, incoming);
  ds_dstream_set_name (lines, "lines");
  ds_dstream_set_file_selection (lines, selection);
  ds_output_set_name (ds_dstream_foreach_rdd (lines, ds_test_program_note, program, NULL),
                      "lines-out");
  if (window > 0)
    ds_output_set_name (ds_dstream_foreach_rdd (ds_dstream_window (lines, window, 0),
                                                ds_test_program_note, program, NULL),
                        "window-out");
}

/* Stopped in batch 3, which is planned, by a version without lines. */
static void
set_up_without_lines (DsTestProgram *program, DsDuration length)
{
  set_up (program, DS_FILES_ALL, length);
  program->build = build_later_lines;
  has_lines = FALSE;
  ds_test_program_start (program);
  ds_test_program_run_until (program, 3);
  ds_test_program_stop (program, DS_STOP_NOW);
  has_lines = TRUE;
}

static void
test_a_planned_batch_has_nothing_of_a_new_stream (void)
{
  DsTestProgram program;

  g_test_summary ("What runs again has the input that it had, however often it does");

  set_up_without_lines (&program, 0);
  drop_file (&program, "a");
  ds_test_program_start (&program);
  ds_test_program_run_until (&program, 3);
  ds_test_program_stop (&program, DS_STOP_NOW);
  assert_log (&program, "3 again: \n");

  drop_file (&program, "b");
  ds_test_program_start (&program);
  ds_test_program_run_until (&program, 4);
  assert_log (&program, "3 again: \n4: a b\n");
  tear_down (&program);
}

static void
test_a_new_stream_has_nothing_of_before (void)
{
  DsTestProgram program;

  g_test_summary ("What a new stream finds is in its first batch, not in those before it "
                  "that a window looks back at");

  set_up_without_lines (&program, 3 * DS_SECOND);
  drop_file (&program, "a");
  ds_test_program_start (&program);
  ds_test_program_run_until (&program, 5);
  assert_log (&program, "3 again: \n3 again: \n4: a\n4: a\n5: \n5: a\n");
  tear_down (&program);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/recovery-files/each-file-is-in-one-batch",
                   test_each_file_is_in_one_batch);
  g_test_add_func ("/recovery-files/each-file-is-in-one-batch-whatever-its-time",
                   test_each_file_is_in_one_batch_whatever_its_time);
  g_test_add_func ("/recovery-files/one-batch-for-a-long-time-has-all-of-its-files",
                   test_one_batch_for_a_long_time_has_all_of_its_files);
  g_test_add_func ("/recovery-files/a-graceful-stop-keeps-what-was-taken",
                   test_a_graceful_stop_keeps_what_was_taken);
  g_test_add_func ("/recovery-files/windows-look-back-at-files-of-the-run-before",
                   test_windows_look_back_at_files_of_the_run_before);
  g_test_add_func ("/recovery-files/a-file-that-was-changed-meanwhile-fails-the-batch",
                   test_a_file_that_was_changed_meanwhile_fails_the_batch);
  g_test_add_func ("/recovery-files/files-are-known-again-on-another-device",
                   test_files_are_known_again_on_another_device);
  g_test_add_func ("/recovery-files/a-batch-runs-again-on-another-device",
                   test_a_batch_runs_again_on_another_device);
  g_test_add_func ("/recovery-files/files-stay-until-no-kept-checkpoint-needs-them",
                   test_files_stay_until_no_kept_checkpoint_needs_them);
  g_test_add_func ("/recovery-files/a-stop-leaves-files-that-a-recovery-may-need",
                   test_a_stop_leaves_files_that_a_recovery_may_need);
  g_test_add_func ("/recovery-files/batches-that-are-given-up-take-no-files",
                   test_batches_that_are_given_up_take_no_files);
  g_test_add_func ("/recovery-files/a-planned-batch-has-nothing-of-a-new-stream",
                   test_a_planned_batch_has_nothing_of_a_new_stream);
  g_test_add_func ("/recovery-files/a-new-stream-has-nothing-of-before",
                   test_a_new_stream_has_nothing_of_before);
  g_test_add_func ("/recovery-files/more-names-than-the-log-takes-are-several-batches",
                   test_more_names_than_the_log_takes_are_several_batches);
  return g_test_run ();
}
