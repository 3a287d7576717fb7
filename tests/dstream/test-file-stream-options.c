/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a program may ask of a directory stream, and what it may not. */

#include "tests/dstream/ds-test-files.h"

/* Words, each ended by a ";". */
static gsize
parse_words (const guint8 *bytes,
             gsize n_bytes,
             gboolean at_end,
             DsTask *task,
             gpointer user_data)
{
  gsize n_taken = 0;
  const guint8 *end;

  g_assert_cmpstr (user_data, ==, "mine");
  while (n_taken < n_bytes &&
         (end = memchr (bytes + n_taken, ';', n_bytes - n_taken)) != NULL)
    {
      gsize size = (gsize) (end - bytes) - n_taken;

      ds_task_emit (task, ds_string_printf (task, "%.*s", (int) size,
                                            (const char *) bytes + n_taken));
      n_taken += size + 1;
    }
  return n_taken;
}

static gint n_destroyed;

static void
destroy_data (gpointer data)
{
  g_assert_cmpstr (data, ==, "mine");
  g_atomic_int_inc (&n_destroyed);
  g_free (data);
}

static void
test_parses_files (DsTestFiles *fixture, gconstpointer user_data)
{
  g_test_summary ("A function of the program makes values of files; its data goes once");

  DsOutput *output = ds_dstream_collect (
      ds_streaming_context_file_stream (fixture->stream.ssc, fixture->directory,
                                        parse_words, g_strdup ("mine"), destroy_data));

  n_destroyed = 0;
  ds_streaming_context_file_stream (fixture->stream.ssc, fixture->directory, parse_words,
                                    g_strdup ("mine"), destroy_data);
  ds_test_stream_start (&fixture->stream);
  ds_test_files_drop (fixture, "in/a", "one;two;three;");
  ds_test_stream_run (&fixture->stream, 1);
  ds_test_files_assert_batch (output, 1, "one two three");
  ds_test_stream_tear_down (&fixture->stream);
  g_assert_cmpint (g_atomic_int_get (&n_destroyed), ==, 2);
  ds_test_stream_set_up (&fixture->stream, "local[2]");
}

static gboolean
wants_log (const char *name, gpointer user_data)
{
  return g_str_has_suffix (name, ".log");
}

static void
test_has_options (DsTestFiles *fixture, gconstpointer user_data)
{
  g_test_summary ("Filter, pattern, selection, depth and limits do what they say");

  DsDStream *lines;
  DsOutput *output;
  g_autofree char *below = ds_test_directory_get_path (&fixture->files, "in/below");

  n_destroyed = 0;
  g_assert_cmpint (g_mkdir (below, 0755), ==, 0);
  ds_test_directory_write (&fixture->files, "in/1.log", "1\n", 0);
  ds_test_directory_write (&fixture->files, "in/2.txt", "2\n", 0);
  ds_test_directory_write (&fixture->files, "in/3.lag", "3\n", 0);
  ds_test_directory_write (&fixture->files, "in/below/4.log", "4444\n", 0);
  ds_test_directory_write (&fixture->files, "in/5.log", "5\n", 2 * DS_SECOND);
  lines = ds_test_files_add_text_stream (fixture);
  ds_dstream_set_file_filter (lines, wants_log, g_strdup ("mine"), destroy_data);
  ds_dstream_set_file_pattern (lines, "*.l?g");
  ds_dstream_set_file_selection (lines, DS_FILES_ALL);
  ds_dstream_set_max_depth (lines, 1);
  ds_dstream_set_max_bytes_per_batch (lines, 4);
  ds_dstream_set_max_files_per_batch (lines, 2);
  output = ds_dstream_collect (lines);
  ds_test_files_listen (fixture);
  ds_test_stream_start (&fixture->stream);
  ds_test_stream_run (&fixture->stream, 1);
  ds_test_stream_run (&fixture->stream, 1);
  ds_test_stream_run (&fixture->stream, 1);
  ds_test_files_assert_batch (output, 1, "1");
  ds_test_files_assert_batch (output, 2, "4444");
  ds_test_files_assert_batch (output, 3, "5");
  ds_test_files_stop (fixture);
  g_assert_cmpuint (fixture->told->len, ==, 2);
  g_assert_cmpint (n_destroyed, ==, 0);
  ds_test_stream_tear_down (&fixture->stream);
  g_assert_cmpint (n_destroyed, ==, 1);
  ds_test_stream_set_up (&fixture->stream, "local[2]");
}

static void
test_tells_of_files_that_grow (DsTestFiles *fixture, gconstpointer user_data)
{
  g_test_summary ("A file that is read again because it grew is told of once a stream");

  DsDStream *lines = ds_test_files_add_text_stream (fixture);
  DsOutput *output = ds_dstream_collect (lines);

  ds_dstream_set_file_selection (lines, DS_FILES_ALL);
  ds_test_directory_write (&fixture->files, "in/a", "1\n", 0);
  ds_test_directory_write (&fixture->files, "in/b", "2\n", 1);
  ds_test_stream_start (&fixture->stream);
  ds_test_stream_run (&fixture->stream, 1);
  ds_test_files_assert_batch (output, 1, "1 2");

  /* Others that come and go are none. */
  ds_test_directory_write (&fixture->files, "in/c", "3\n", 0);
  ds_test_directory_remove (&fixture->files, "in/b");
  ds_test_stream_run (&fixture->stream, 1);
  ds_test_files_assert_batch (output, 2, "3");

  g_test_expect_message (
      "DStream", G_LOG_LEVEL_MESSAGE,
      "*/in/a\" was read by an earlier batch*all of it is read again*");
  ds_test_directory_write (&fixture->files, "in/a", "1\n4\n", 3 * DS_SECOND);
  ds_test_stream_run (&fixture->stream, 1);
  g_test_assert_expected_messages ();
  ds_test_files_assert_batch (output, 3, "1 4");

  ds_test_directory_write (&fixture->files, "in/a", "1\n4\n5\n", 4 * DS_SECOND);
  ds_test_stream_run (&fixture->stream, 1);
  ds_test_files_assert_batch (output, 4, "1 4 5");
  ds_test_files_stop (fixture);
}

static void
test_recent_files_are_taken (DsTestFiles *fixture, gconstpointer user_data)
{
  g_test_summary ("Files older than the stream, but not than the window, can be taken");

  DsDStream *lines;
  DsOutput *output;

  g_object_set (fixture->stream.ssc, "file-min-remember", (gint64) (5 * DS_SECOND), NULL);
  ds_manual_clock_advance (fixture->stream.clock, 10 * DS_SECOND);
  ds_test_directory_write (&fixture->files, "in/too-old", "1\n", 6 * DS_SECOND);
  ds_test_directory_write (&fixture->files, "in/recent", "2\n", 6 * DS_SECOND + 1);
  lines = ds_test_files_add_text_stream (fixture);
  ds_dstream_set_file_selection (lines, DS_FILES_RECENT);
  output = ds_dstream_collect (lines);
  ds_test_stream_start (&fixture->stream);
  ds_test_stream_run (&fixture->stream, 1);
  ds_test_files_assert_batch (output, 11, "2");
}

/* Start fails with @code and @words. */
static void
assert_start_fails (DsTestFiles *fixture, int code, const char *words)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (ds_streaming_context_start (fixture->stream.ssc, &error));
  g_assert_error (error, DS_ERROR, code);
  g_assert_nonnull (strstr (error->message, words));
  ds_test_stream_tear_down (&fixture->stream);
  ds_test_stream_set_up (&fixture->stream, "local[2]");
}

static void
test_refuses_what_is_wrong (DsTestFiles *fixture, gconstpointer user_data)
{
  g_test_summary (
      "Wrong directories, lengths and options are latched, and name the thing");

  DsStreamingContext *ssc;
  DsDStream *stream;

  ds_streaming_context_text_file_stream (fixture->stream.ssc, "");
  assert_start_fails (fixture, DS_ERROR_INVALID_ARGUMENT, "the directory has no name");
  ds_streaming_context_text_file_stream (fixture->stream.ssc, "s3://bucket/logs");
  assert_start_fails (fixture, DS_ERROR_INVALID_ARGUMENT, "not s3://");
  ds_streaming_context_text_file_stream (fixture->stream.ssc, "file://elsewhere/logs");
  assert_start_fails (fixture, DS_ERROR_INVALID_ARGUMENT,
                      "\"file://elsewhere/logs\" is no directory that can be read");
  ds_streaming_context_binary_records_stream (fixture->stream.ssc, "in", 0);
  assert_start_fails (fixture, DS_ERROR_BAD_RECORD_LENGTH, "0 bytes");
  ds_streaming_context_binary_records_stream (fixture->stream.ssc, "in", G_MAXSIZE);
  assert_start_fails (fixture, DS_ERROR_BAD_RECORD_LENGTH, "1 GiB");

  ds_dstream_set_file_pattern (ds_test_files_add_text_stream (fixture), "a/b");
  assert_start_fails (fixture, DS_ERROR_INVALID_ARGUMENT, "\"a/b\"");
  ds_dstream_set_settle_time (ds_test_files_add_text_stream (fixture), -1);
  assert_start_fails (fixture, DS_ERROR_INVALID_ARGUMENT, "-1 us");
  ds_dstream_set_max_record_bytes (ds_test_files_add_text_stream (fixture), 0);
  assert_start_fails (fixture, DS_ERROR_INVALID_ARGUMENT, "at least 1");
  ds_dstream_set_bad_record_policy (
      ds_streaming_context_binary_records_stream (fixture->stream.ssc, "in", 8),
      DS_ON_BAD_RECORD_SPLIT);
  assert_start_fails (fixture, DS_ERROR_INVALID_ARGUMENT, "split");

  ds_dstream_set_max_depth (ds_streaming_context_queue_stream (fixture->stream.ssc), 1);
  assert_start_fails (
      fixture, DS_ERROR_INVALID_ARGUMENT,
      "set_max_depth: queue stream has no such option; it is one of text_file_stream");
  n_destroyed = 0;
  ssc = fixture->stream.ssc;
  ds_dstream_set_file_filter (ds_streaming_context_queue_stream (ssc), wants_log,
                              g_strdup ("mine"), destroy_data);
  g_assert_cmpint (n_destroyed, ==, 1);
  ds_streaming_context_file_stream (ssc, "", parse_words, g_strdup ("mine"),
                                    destroy_data);
  g_assert_cmpint (n_destroyed, ==, 2);
  assert_start_fails (fixture, DS_ERROR_INVALID_ARGUMENT, "set_file_filter");

  stream = ds_test_files_add_text_stream (fixture);
  ds_dstream_set_archive_directory (stream, fixture->directory);
  ds_dstream_collect (stream);
  assert_start_fails (fixture, DS_ERROR_INVALID_ARGUMENT, "they come in there");
  stream = ds_test_files_add_text_stream (fixture);
  ds_dstream_set_archive_directory (stream, "/nowhere/at/all");
  ds_dstream_collect (stream);
  assert_start_fails (fixture, DS_ERROR_NOT_FOUND, "/nowhere/at/all");
  stream = ds_test_files_add_text_stream (fixture);
  ds_dstream_set_archive_directory (stream, fixture->files.root);
  ds_dstream_set_delete_files (stream, TRUE);
  ds_dstream_collect (stream);
  assert_start_fails (fixture, DS_ERROR_INVALID_ARGUMENT, "choose one");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, func)                                                              \
  g_test_add ("/dstream/file-stream/" name, DsTestFiles, NULL, ds_test_files_set_up, \
              func, ds_test_files_tear_down)
  ADD ("parses-files", test_parses_files);
  ADD ("has-options", test_has_options);
  ADD ("tells-of-files-that-grow", test_tells_of_files_that_grow);
  ADD ("recent-files-are-taken", test_recent_files_are_taken);
  ADD ("refuses-what-is-wrong", test_refuses_what_is_wrong);
#undef ADD

  return g_test_run ();
}
