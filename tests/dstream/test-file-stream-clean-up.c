/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What becomes of files that have been processed. */

#include "base/ds-file-system-private.h"
#include "tests/dstream/ds-test-files.h"
#include "tests/dstream/ds-test-recovery.h"

static void
test_archives_files (DsTestFiles *fixture, gconstpointer user_data)
{
  g_test_summary ("Files are archived when no window needs them, and replace nothing");

  DsDStream *lines = ds_test_files_add_text_stream (fixture);
  DsOutput *output = ds_dstream_collect (ds_dstream_window (lines, 3 * DS_SECOND, 0));
  g_autofree char *archive = ds_test_directory_get_path (&fixture->files, "in/done");

  g_assert_cmpint (g_mkdir (archive, 0755), ==, 0);
  ds_dstream_set_archive_directory (lines, archive);
  ds_dstream_set_max_depth (lines, 5);
  ds_test_directory_write (&fixture->files, "in/done/a", "0\n", 0);
  ds_test_stream_start (&fixture->stream);
  ds_test_files_drop (fixture, "in/a", "1\n");
  ds_test_stream_run (&fixture->stream, 1);
  ds_test_files_drop (fixture, "in/b", "2\n");
  ds_test_stream_run (&fixture->stream, 1);
  g_assert_true (ds_test_directory_has (&fixture->files, "in/a"));
  ds_test_stream_run (&fixture->stream, 1);
  ds_test_files_assert_batch (output, 3, "1 2");
  ds_test_stream_run (&fixture->stream, 2);
  g_assert_false (ds_test_directory_has (&fixture->files, "in/a"));
  g_assert_true (ds_test_directory_has (&fixture->files, "in/done/a"));
  g_assert_true (ds_test_directory_has (&fixture->files, "in/done/a.1"));

  /* One that was changed after it was read is not what was processed. */
  ds_test_files_drop (fixture, "in/c", "3\n");
  ds_test_stream_run (&fixture->stream, 1);
  ds_test_files_drop (fixture, "in/c", "33\n");
  ds_test_files_drop (fixture, "in/a", "4\n");
  ds_test_directory_set_time (&fixture->files, "in/a", 100 * DS_SECOND);
  ds_test_files_stop (fixture);
  g_assert_false (ds_test_directory_has (&fixture->files, "in/b"));
  g_assert_true (ds_test_directory_has (&fixture->files, "in/done/b"));
  g_assert_true (ds_test_directory_has (&fixture->files, "in/c"));
  g_assert_true (ds_test_directory_has (&fixture->files, "in/a"));
}

static gboolean
fail_on_bad (DsRdd *rdd, DsBatch *batch, gpointer user_data, GError **error)
{
  g_autoptr (DsBlock) block = ds_rdd_collect (rdd, error);
  g_autofree char *text = block != NULL ? ds_block_to_string (block) : NULL;

  if (text == NULL || strstr (text, "bad") == NULL)
    return text != NULL;
  g_set_error (error, DS_ERROR, DS_ERROR_FAILED, "bad");
  return FALSE;
}

static void
test_deletes_files (DsTestFiles *fixture, gconstpointer user_data)
{
  g_test_summary ("Processed files are deleted; those of a batch that failed stay");

  DsDStream *lines = ds_test_files_add_text_stream (fixture);

  g_object_set (fixture->stream.ssc, "failure-policy", DS_FAILURE_POLICY_CONTINUE, NULL);
  ds_dstream_set_delete_files (lines, TRUE);
  ds_dstream_foreach_rdd (lines, fail_on_bad, NULL, NULL);
  ds_test_stream_start (&fixture->stream);
  ds_test_files_drop (fixture, "in/a", "good\n");
  ds_test_stream_run (&fixture->stream, 1);
  ds_test_files_drop (fixture, "in/b", "bad\n");
  ds_test_stream_run (&fixture->stream, 1);
  ds_test_files_drop (fixture, "in/c", "good\n");
  ds_test_stream_run (&fixture->stream, 3);
  ds_streaming_context_stop (fixture->stream.ssc, DS_STOP_GRACEFULLY, NULL);
  g_assert_false (ds_test_directory_has (&fixture->files, "in/a"));
  g_assert_true (ds_test_directory_has (&fixture->files, "in/b"));
  g_assert_false (ds_test_directory_has (&fixture->files, "in/c"));
}

static void
test_puts_back_files (DsTestFiles *fixture, gconstpointer user_data)
{
  g_test_summary ("A file that another run had set aside when it ended is read");

  DsDStream *lines = ds_test_files_add_text_stream (fixture);
  DsOutput *output = ds_dstream_collect (lines);
  g_autofree char *aside = g_strdup_printf ("in/%sabcdef", DS_FILE_ASIDE_PREFIX);
  g_autofree char *file = g_build_filename (aside, "a", NULL);

  ds_dstream_set_file_selection (lines, DS_FILES_ALL);
  ds_test_directory_make (&fixture->files, aside);
  ds_test_directory_write (&fixture->files, file, "1\n", 0);
  ds_test_files_listen (fixture);
  ds_test_stream_start (&fixture->stream);
  g_test_expect_message ("DStream", G_LOG_LEVEL_MESSAGE, "*set aside in*again where*");
  ds_test_stream_run (&fixture->stream, 1);
  g_test_assert_expected_messages ();
  ds_test_stream_run (&fixture->stream, 1);
  ds_test_files_assert_batch (output, 2, "1");
  g_assert_false (ds_test_directory_has (&fixture->files, aside));
  ds_test_files_stop (fixture);
  g_assert_cmpuint (fixture->told->len, ==, 0);
}

/* ---- With checkpoints ---- */

static DsTestDirectory inbox;

static void
build_deleting (DsTestProgram *program, DsStreamingContext *ssc)
{
  g_autofree char *path = ds_test_directory_get_path (&inbox, "in");
  DsDStream *lines = ds_streaming_context_text_file_stream (ssc, path);

  ds_dstream_set_file_selection (lines, DS_FILES_ALL);
  ds_dstream_set_delete_files (lines, TRUE);
  ds_test_program_record (program, lines);
}

static void
drop_and_run (DsTestProgram *program, gint64 first, gint64 last)
{
  for (gint64 k = first; k <= last; k++)
    {
      g_autofree char *name = g_strdup_printf ("in/%" G_GINT64_FORMAT, k);

      /* Batches of a run that goes on may be ahead of the clock. */
      ds_test_directory_write (&inbox, "in/.new", "line\n", k * DS_SECOND);
      ds_test_directory_rename (&inbox, "in/.new", name);
      ds_test_program_run_until (program, k);
    }
}

/* How many files of batches @first to @last are there. */
static guint
count_files (gint64 first, gint64 last)
{
  guint n = 0;

  for (gint64 k = first; k <= last; k++)
    {
      g_autofree char *name = g_strdup_printf ("in/%" G_GINT64_FORMAT, k);

      n += ds_test_directory_has (&inbox, name);
    }
  return n;
}

/* The batch of the oldest checkpoint that is kept. */
static gint64
find_oldest_checkpoint (DsTestProgram *program)
{
  g_autoptr (GDir) entries = g_dir_open (program->directory, 0, NULL);
  gint64 oldest = G_MAXINT64;
  const char *name;

  while ((name = g_dir_read_name (entries)) != NULL)
    if (g_str_has_prefix (name, "ckpt-"))
      oldest = MIN (oldest, g_ascii_strtoll (name + strlen ("ckpt-"), NULL, 10));
  g_assert_cmpint (oldest, <, G_MAXINT64);
  return oldest / 1000;
}

static void
test_waits_for_checkpoints (void)
{
  DsTestProgram program;
  gint64 oldest;
  gint64 last;

  g_test_summary ("Files stay while a kept checkpoint needs them, and go afterwards, in "
                  "the run that follows, too");

  ds_test_directory_set_up (&inbox);
  ds_test_directory_make (&inbox, "in");
  ds_test_program_set_up (&program, build_deleting);
  ds_test_program_start (&program);
  drop_and_run (&program, 1, 15);
  ds_test_program_stop (&program, DS_STOP_GRACEFULLY);
  oldest = find_oldest_checkpoint (&program);
  g_assert_cmpint (oldest, <, 15);
  g_assert_cmpuint (count_files (oldest + 1, 15), ==, 15 - oldest);

  ds_test_program_start (&program);
  for (last = 15; find_oldest_checkpoint (&program) <= 25; last++)
    {
      /* Checkpoints come every ten batches, or later on a busy machine. */
      g_assert_cmpint (last, <, 1000);
      drop_and_run (&program, last + 1, last + 1);
    }
  ds_test_program_stop (&program, DS_STOP_GRACEFULLY);
  oldest = find_oldest_checkpoint (&program);
  g_assert_cmpuint (count_files (1, 20), ==, 0);
  g_assert_cmpuint (count_files (oldest + 1, last), ==, last - oldest);

  ds_test_program_tear_down (&program);
  ds_test_directory_tear_down (&inbox);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, func)                                                              \
  g_test_add ("/dstream/file-stream/" name, DsTestFiles, NULL, ds_test_files_set_up, \
              func, ds_test_files_tear_down)
  ADD ("archives-files", test_archives_files);
  ADD ("deletes-files", test_deletes_files);
  ADD ("puts-back-files", test_puts_back_files);
#undef ADD
  g_test_add_func ("/dstream/file-stream/waits-for-checkpoints",
                   test_waits_for_checkpoints);

  return g_test_run ();
}
