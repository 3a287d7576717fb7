/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A copy of the checkpoint directory from before, beside files that were saved since: the
 * batches in between would be taken for saved, so an output does not start with it. */

#include "tests/base/ds-test-tree.h"
#include "tests/dstream/ds-test-recovery.h"

#include <glib/gstdio.h>

typedef struct
{
  DsTestProgram program;
  char *directory; /* of what is saved */
  char *prefix;
  char *copy;
} Fixture;

static Fixture *current; /* that programs are built for */
static gboolean adopts;

static void
build (DsTestProgram *program, DsStreamingContext *ssc)
{
  DsDStream *words = ds_test_source_add (ssc, 0);
  DsOutput *output = ds_dstream_save_as_text_files (words, current->prefix, NULL);

  ds_output_set_name (output, "words");
  ds_output_set_single_file (output, TRUE);
  ds_output_set_adopt_output (output, adopts);
  if (adopts)
    g_object_set (ssc, "catch-up-policy", DS_CATCH_UP_COALESCE, NULL);
  ds_test_program_record (program, words);
}

/* The files of @from, in which there are no directories. */
static void
copy_directory (const char *from, const char *to)
{
  g_autoptr (GDir) names = g_dir_open (from, 0, NULL);

  g_assert_cmpint (g_mkdir (to, 0700), ==, 0);
  for (const char *name; (name = g_dir_read_name (names)) != NULL;)
    {
      g_autofree char *source = g_build_filename (from, name, NULL);
      g_autofree char *target = g_build_filename (to, name, NULL);
      g_autofree char *bytes = NULL;
      gsize n_bytes;

      g_assert_true (g_file_get_contents (source, &bytes, &n_bytes, NULL));
      g_assert_true (g_file_set_contents_full (target, bytes, (gssize) n_bytes,
                                               G_FILE_SET_CONTENTS_NONE, 0600, NULL));
    }
}

/* A run to batch 4, of which there is a copy, and one to batch 8. */
static void
set_up (Fixture *fixture, gconstpointer user_data)
{
  current = fixture;
  adopts = FALSE;
  fixture->directory = ds_test_tree_new ();
  fixture->prefix = g_build_filename (fixture->directory, "out", NULL);
  fixture->copy = g_build_filename (fixture->directory, "_copy", NULL);
  ds_test_program_set_up (&fixture->program, build);
  ds_test_program_start (&fixture->program);
  ds_test_program_run_until (&fixture->program, 4);
  ds_test_program_stop (&fixture->program, DS_STOP_NOW);
  copy_directory (fixture->program.directory, fixture->copy);
  ds_test_program_start (&fixture->program);
  ds_test_program_run_until (&fixture->program, 8);
  ds_test_program_stop (&fixture->program, DS_STOP_NOW);
  g_string_truncate (fixture->program.log, 0);
}

static void
tear_down (Fixture *fixture, gconstpointer user_data)
{
  ds_test_program_tear_down (&fixture->program);
  ds_test_tree_free (fixture->directory);
  g_free (fixture->prefix);
  g_free (fixture->copy);
}

/* What was there is dropped. */
static void
put_copy_back (Fixture *fixture)
{
  ds_test_drop_directory (g_strdup (fixture->program.directory));
  copy_directory (fixture->copy, fixture->program.directory);
}

/* What the source gives batch @k. */
static void
assert_saved (Fixture *fixture, gint64 k)
{
  g_autofree char *path =
      g_strdup_printf ("%s-%" G_GINT64_FORMAT "000", fixture->prefix, k);
  g_autoptr (DsBlock) block = ds_test_source_make_block (0, k);
  g_autofree char *expected = ds_block_to_string (block);
  g_autofree char *found = NULL;

  g_assert_true (g_file_get_contents (path, &found, NULL, NULL));
  g_assert_cmpstr (found, ==, expected);
}

static void
assert_start_is_refused (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (ds_test_program_try_start (&fixture->program, &error));
  g_clear_object (&fixture->program.ssc);
  g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_STATE);
  g_assert_nonnull (strstr (error->message, "Output words: "));
  g_assert_nonnull (strstr (error->message, fixture->prefix));
  g_assert_nonnull (strstr (error->message, "up to batch 8000 ms"));
  g_assert_nonnull (strstr (error->message, "knows of is 4000 ms"));
  g_assert_nonnull (strstr (error->message, "new directory"));
  g_assert_nonnull (strstr (error->message, "ds_output_set_adopt_output ()"));
}

static void
test_an_older_copy_is_refused (Fixture *fixture, gconstpointer user_data)
{
  g_autofree char *newer = g_build_filename (fixture->directory, "_newer", NULL);

  g_test_summary (
      "Outputs do not start with a copy of the checkpoints that is older than "
      "what they have saved; with the newer ones they go on");

  copy_directory (fixture->program.directory, newer);
  put_copy_back (fixture);
  assert_start_is_refused (fixture);
  assert_start_is_refused (fixture); /* the first time has changed nothing */

  ds_test_drop_directory (g_strdup (fixture->program.directory));
  copy_directory (newer, fixture->program.directory);
  ds_test_program_start (&fixture->program);
  ds_test_program_run_until (&fixture->program, 9);
  assert_saved (fixture, 9);
}

static void
test_a_copy_with_its_files_goes_on (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary (
      "A copy goes on where the files of its time were put back, or have gone");

  put_copy_back (fixture);
  ds_test_drop_directory (g_build_filename (fixture->directory, "_ds-out", NULL));
  for (guint k = 1; k <= 8; k++)
    {
      g_autofree char *path = g_strdup_printf ("%s-%u000", fixture->prefix, k);

      g_assert_cmpint (g_unlink (path), ==, 0);
    }
  ds_test_program_start (&fixture->program);
  ds_test_program_run_until (&fixture->program, 8);
  assert_saved (fixture, 8);
}

static void
test_an_older_copy_may_go_on_behind_what_is_saved (Fixture *fixture,
                                                   gconstpointer user_data)
{
  g_test_summary (
      "With adopt_output an older copy runs its own batches again, and goes on "
      "behind those that it does not know");

  put_copy_back (fixture);
  adopts = TRUE;
  ds_manual_clock_set_time (fixture->program.clock, 12 * DS_SECOND);
  ds_test_program_start (&fixture->program);
  ds_test_program_run_until (&fixture->program, 12);
  ds_test_program_run_until (&fixture->program, 13);
  g_assert_true (g_str_has_prefix (fixture->program.log->str, "4 again: "));
  g_assert_null (strstr (fixture->program.log->str, "\n5: "));
  g_assert_nonnull (strstr (fixture->program.log->str, "\n12: "));
  assert_saved (fixture, 12);
  assert_saved (fixture, 13);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/older-copy/is-refused", Fixture, NULL, set_up,
              test_an_older_copy_is_refused, tear_down);
  g_test_add ("/older-copy/with-its-files-goes-on", Fixture, NULL, set_up,
              test_a_copy_with_its_files_goes_on, tear_down);
  g_test_add ("/older-copy/may-go-on-behind-what-is-saved", Fixture, NULL, set_up,
              test_an_older_copy_may_go_on_behind_what_is_saved, tear_down);
  return g_test_run ();
}
