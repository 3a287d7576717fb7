/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/dstream/ds-test-stream.h"

#include <glib/gstdio.h>

/* A directory of its own, and in it the name that stops the stream. */
typedef struct
{
  DsTestStream stream;
  char *directory;
  char *path;
} StopFile;

static void
stop_file_set_up (StopFile *self)
{
  ds_test_stream_set_up (&self->stream, "local");
  self->directory = g_dir_make_tmp ("ds-stop-XXXXXX", NULL);
  self->path = g_build_filename (self->directory, "stop", NULL);
}

static void
stop_file_make (StopFile *self)
{
  g_autoptr (GError) error = NULL;

  g_file_set_contents (self->path, "", 0, &error);
  g_assert_no_error (error);
}

static void
stop_file_tear_down (StopFile *self)
{
  ds_test_stream_tear_down (&self->stream);
  g_free (self->path);
  ds_test_drop_directory (self->directory);
}

/* Until the stop is over, which the file has asked for. */
static void
stop_file_await (StopFile *self, const char *report)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *found = NULL;

  ds_streaming_context_await_termination (self->stream.ssc, &error);
  g_assert_no_error (error);
  g_assert_cmpint (ds_streaming_context_get_state (self->stream.ssc), ==,
                   DS_STREAMING_STOPPED);
  found = ds_streaming_context_get_stop_report (self->stream.ssc);
  g_assert_cmpstr (found, ==, report);
}

static void
test_file_there_at_start (void)
{
  StopFile test;
  DsDStream *words;
  DsOutput *collected;

  g_test_summary ("A file that is there at start stops the context after its first "
                  "batch, gracefully: what was pushed for the next is processed");

  stop_file_set_up (&test);
  stop_file_make (&test);
  ds_streaming_context_stop_on_file (test.stream.ssc, test.path);
  words = ds_streaming_context_queue_stream (test.stream.ssc);
  collected = ds_dstream_collect (words);
  ds_test_stream_push (words, "a", "b", NULL);
  ds_test_stream_push (words, "c", NULL);
  ds_test_stream_start (&test.stream);
  ds_manual_clock_advance (test.stream.clock, DS_SECOND);
  stop_file_await (&test, "received 3, processed 3, left 0");
  ds_assert_block (ds_output_get_block (collected, 1 * DS_SECOND), "a", "b", NULL);
  ds_assert_block (ds_output_get_block (collected, 2 * DS_SECOND), "c", NULL);
  g_assert_true (g_file_test (test.path, G_FILE_TEST_EXISTS)); /* left where it is */
  stop_file_tear_down (&test);
}

static void
test_file_made_while_running (void)
{
  StopFile test;
  DsDStream *words;

  g_test_summary ("Without the file the stream goes on; the batch after it was made is "
                  "the last but those of a graceful stop");

  stop_file_set_up (&test);
  ds_streaming_context_stop_on_file (test.stream.ssc, test.path);
  words = ds_streaming_context_queue_stream (test.stream.ssc);
  ds_dstream_foreach_rdd (words, ds_test_ignore_rdd, NULL, NULL);
  ds_test_stream_push (words, "a", NULL);
  ds_test_stream_start (&test.stream);
  ds_test_stream_run (&test.stream, 3);
  g_assert_cmpint (ds_streaming_context_get_state (test.stream.ssc), ==,
                   DS_STREAMING_ACTIVE);
  stop_file_make (&test);
  ds_manual_clock_advance (test.stream.clock, DS_SECOND);
  stop_file_await (&test, "received 1, processed 1, left 0");
  stop_file_tear_down (&test);
}

static void
test_last_name_counts (void)
{
  StopFile test;

  g_test_summary ("A second name takes the place of the first");

  stop_file_set_up (&test);
  stop_file_make (&test);
  ds_streaming_context_stop_on_file (test.stream.ssc, test.path);
  ds_streaming_context_stop_on_file (test.stream.ssc, "no-such-directory/stop");
  ds_dstream_foreach_rdd (ds_streaming_context_queue_stream (test.stream.ssc),
                          ds_test_ignore_rdd, NULL, NULL);
  ds_test_stream_start (&test.stream);
  ds_test_stream_run (&test.stream, 3);
  g_assert_cmpint (ds_streaming_context_get_state (test.stream.ssc), ==,
                   DS_STREAMING_ACTIVE);
  stop_file_tear_down (&test);
}

static void
test_empty_name (void)
{
  StopFile test;
  g_autoptr (GError) error = NULL;

  g_test_summary ("An empty name is latched, and the start fails with it");

  stop_file_set_up (&test);
  ds_dstream_collect (ds_streaming_context_queue_stream (test.stream.ssc));
  ds_streaming_context_stop_on_file (test.stream.ssc, "");
  g_assert_error (ds_streaming_context_get_build_error (test.stream.ssc), DS_ERROR,
                  DS_ERROR_INVALID_ARGUMENT);
  g_assert_false (ds_streaming_context_start (test.stream.ssc, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT);
  g_assert_cmpstr (error->message, ==,
                   "stop_on_file: the file has no name; give a path, as \"run/stop\"");
  stop_file_tear_down (&test);
}

static void
test_after_start (void)
{
  StopFile test;

  g_test_summary ("After start it is a mistake, which changes nothing");

  stop_file_set_up (&test);
  stop_file_make (&test);
  ds_dstream_foreach_rdd (ds_streaming_context_queue_stream (test.stream.ssc),
                          ds_test_ignore_rdd, NULL, NULL);
  ds_test_stream_start (&test.stream);
  g_test_expect_message ("DStream", G_LOG_LEVEL_WARNING,
                         "stop_on_file: *after the start*");
  ds_streaming_context_stop_on_file (test.stream.ssc, test.path);
  g_test_assert_expected_messages ();
  ds_test_stream_run (&test.stream, 2);
  g_assert_cmpint (ds_streaming_context_get_state (test.stream.ssc), ==,
                   DS_STREAMING_ACTIVE);
  stop_file_tear_down (&test);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dstream/stop-on-file/a-file-that-is-there-stops-after-a-batch",
                   test_file_there_at_start);
  g_test_add_func ("/dstream/stop-on-file/a-file-made-while-running-stops",
                   test_file_made_while_running);
  g_test_add_func ("/dstream/stop-on-file/the-last-name-counts", test_last_name_counts);
  g_test_add_func ("/dstream/stop-on-file/an-empty-name-is-latched", test_empty_name);
  g_test_add_func ("/dstream/stop-on-file/after-start-it-is-a-mistake", test_after_start);
  return g_test_run ();
}
