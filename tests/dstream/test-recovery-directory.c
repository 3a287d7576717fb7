/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The checkpoint directory itself: which one it is, whose it is, what it lies on, and
 * what a program may allow of it. */

#include "tests/dstream/ds-test-recovery.h"

#include "base/ds-durable-file-private.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void
build_counts (DsTestProgram *program, DsStreamingContext *ssc)
{
  ds_test_program_record (program,
                          ds_dstream_count_by_value (ds_test_source_add (ssc, 1)));
}

static void
run_three (DsTestProgram *program)
{
  ds_test_program_set_up (program, build_counts);
  ds_test_program_start (program);
  ds_test_program_run_until (program, 3);
}

/* ---- Which one it is ---- */

static const char *set_up_directory;

static void
build_with_directory (DsTestProgram *program, DsStreamingContext *ssc)
{
  build_counts (program, ssc);
  ds_streaming_context_checkpoint (ssc, set_up_directory);
}

static void
test_the_same_directory_may_be_written_in_other_ways (void)
{
  DsTestProgram program;
  g_autofree char *above = NULL;
  g_autofree char *name = NULL;
  g_autofree char *slash = NULL;
  g_autofree char *dots = NULL;
  g_autofree char *link = NULL;
  g_autofree char *by_link = NULL;
  g_autofree char *here = g_get_current_dir ();
  g_autoptr (GError) error = NULL;

  ds_test_program_set_up (&program, build_with_directory);
  above = g_path_get_dirname (program.directory);
  name = g_path_get_basename (program.directory);
  slash = g_strdup_printf ("%s/", program.directory);
  dots = g_strdup_printf ("%s/./%s//", above, name);
  link = g_strdup_printf ("%s.link", program.directory);
  by_link = g_build_filename (link, name, NULL);
  g_assert_cmpint (symlink (above, link), ==, 0);
  g_assert_cmpint (g_chdir (above), ==, 0);
  {
    const char *const ways[] = { slash, dots, by_link, name, program.directory };

    for (guint i = 0; i < G_N_ELEMENTS (ways); i++)
      {
        set_up_directory = ways[i];
        ds_test_program_start (&program);
        ds_test_program_stop (&program, DS_STOP_NOW);
      }
  }
  g_assert_cmpint (g_chdir (here), ==, 0);
  g_assert_cmpint (g_unlink (link), ==, 0);
  set_up_directory = above;
  error = ds_test_program_fail_to_start (&program);
  g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT);
  ds_test_program_tear_down (&program);
}

/* ---- Whose it is ---- */

static void
build_allowing (DsTestProgram *program, DsStreamingContext *ssc)
{
  build_counts (program, ssc);
  ds_streaming_context_allow_fresh_start (ssc);
}

static void
check_begins_anew_without_application (gboolean is_missing)
{
  DsTestProgram program;
  g_autofree char *app = NULL;
  g_autoptr (GPtrArray) kept = NULL;
  g_autoptr (GDir) aside = NULL;
  g_autoptr (GError) error = NULL;

  run_three (&program);
  ds_test_program_stop (&program, DS_STOP_NOW);
  app = g_build_filename (program.directory, "app", NULL);
  if (is_missing)
    g_assert_cmpint (g_unlink (app), ==, 0);
  else
    ds_test_damage (app);
  error = ds_test_program_fail_to_start (&program);
  g_assert_error (error, DS_ERROR, DS_ERROR_CORRUPT);
  g_assert_nonnull (strstr (error->message, app));
  g_assert_nonnull (strstr (error->message, "ds_streaming_context_allow_fresh_start ()"));

  program.build = build_allowing;
  ds_test_program_start (&program);
  g_assert_false (ds_streaming_context_is_recovered (program.ssc));
  kept = ds_test_program_list_files (&program, "discarded-");
  g_assert_cmpuint (kept->len, ==, 1);
  ds_test_program_run_until (&program, 4);
  ds_test_program_stop (&program, DS_STOP_NOW);

  ds_test_program_start (&program);
  g_assert_true (ds_streaming_context_is_recovered (program.ssc));
  ds_test_program_tear_down (&program);
}

static void
test_a_fresh_start_can_be_allowed_where_app_is_damaged (void)
{
  check_begins_anew_without_application (FALSE);
  check_begins_anew_without_application (TRUE);
}

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
test_a_fresh_start_helps_a_context_that_does_not_go_on (void)
{
  DsTestProgram program;
  g_autofree char *app = NULL;
  g_autoptr (GError) error = NULL;

  run_three (&program);
  ds_test_program_stop (&program, DS_STOP_NOW);
  app = g_build_filename (program.directory, "app", NULL);
  ds_test_damage (app);
  program.ssc = make_without_recovery (&program, FALSE);
  g_assert_false (ds_streaming_context_start (program.ssc, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_CORRUPT);
  g_clear_error (&error);
  g_clear_object (&program.ssc);

  program.ssc = make_without_recovery (&program, TRUE);
  g_assert_true (ds_streaming_context_start (program.ssc, &error));
  g_assert_no_error (error);
  ds_test_program_tear_down (&program);
}

/* ---- Directories that are not as they should be, and that the program takes ---- */

static void
build_sharing (DsTestProgram *program, DsStreamingContext *ssc)
{
  build_counts (program, ssc);
  g_object_set (ssc, "allow-shared-directory", TRUE, NULL);
}

static void
test_a_directory_that_others_can_write_to_can_be_allowed (void)
{
  DsTestProgram program;
  g_autoptr (GError) error = NULL;

  run_three (&program);
  ds_test_program_stop (&program, DS_STOP_NOW);
  g_assert_cmpint (g_chmod (program.directory, 0770), ==, 0);
  error = ds_test_program_fail_to_start (&program);
  g_assert_error (error, DS_ERROR, DS_ERROR_BAD_FILE);
  g_assert_nonnull (strstr (error->message, "\"allow-shared-directory\""));

  program.build = build_sharing;
  ds_test_program_start (&program);
  g_assert_true (ds_streaming_context_is_recovered (program.ssc));
  ds_test_program_run_until (&program, 5);
  ds_test_program_stop (&program, DS_STOP_GRACEFULLY);
  ds_test_program_start (&program);
  g_assert_true (ds_streaming_context_is_recovered (program.ssc));
  ds_test_program_tear_down (&program);
}

static int
lack_sync_of_directory (const char *call,
                        const char *path,
                        gsize *n_bytes,
                        gpointer user_data)
{
  return g_str_equal (call, "fsync") && g_str_equal (path, user_data) ? EINVAL : 0;
}

static void
build_with_best_effort (DsTestProgram *program, DsStreamingContext *ssc)
{
  build_counts (program, ssc);
  g_object_set (ssc, "best-effort-durability", TRUE, NULL);
}

static void
test_a_file_system_that_cannot_sync_directories_can_be_allowed (void)
{
  DsTestProgram program;
  g_autoptr (GError) error = NULL;

  ds_test_program_set_up (&program, build_counts);
  ds_durable_file_set_fault_func (lack_sync_of_directory, program.directory);
  error = ds_test_program_fail_to_start (&program);
  g_assert_error (error, DS_ERROR, DS_ERROR_FSYNC_FAILED);
  g_assert_nonnull (strstr (error->message, "\"best-effort-durability\""));

  program.build = build_with_best_effort;
  for (gint64 k = 2; k <= 6; k += 2)
    {
      ds_test_program_start (&program);
      g_assert_cmpint (ds_streaming_context_is_recovered (program.ssc), ==, k > 2);
      ds_test_program_run_until (&program, k);
      ds_test_program_stop (&program, DS_STOP_GRACEFULLY);
    }
  ds_durable_file_set_fault_func (NULL, NULL);
  ds_test_program_tear_down (&program);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/recovery-directory/the-same-directory-may-be-written-in-other-ways",
                   test_the_same_directory_may_be_written_in_other_ways);
  g_test_add_func (
      "/recovery-directory/a-fresh-start-can-be-allowed-where-app-is-damaged",
      test_a_fresh_start_can_be_allowed_where_app_is_damaged);
  g_test_add_func (
      "/recovery-directory/a-fresh-start-helps-a-context-that-does-not-go-on",
      test_a_fresh_start_helps_a_context_that_does_not_go_on);
  g_test_add_func (
      "/recovery-directory/a-directory-that-others-can-write-to-can-be-allowed",
      test_a_directory_that_others_can_write_to_can_be_allowed);
  g_test_add_func (
      "/recovery-directory/a-file-system-that-cannot-sync-directories-can-be-allowed",
      test_a_file_system_that_cannot_sync_directories_can_be_allowed);
  return g_test_run ();
}
