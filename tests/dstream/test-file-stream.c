/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What comes out of a directory stream, and what is said when nothing does. */

#include "tests/dstream/ds-test-files.h"

#include <sys/wait.h>

/* ---- What comes in ---- */

static void
test_reads_lines (DsTestFiles *fixture, gconstpointer user_data)
{
  g_test_summary ("Each file's lines come in the batch after it was written, and once");

  DsDStream *lines;
  DsOutput *output;

  ds_test_directory_write (&fixture->files, "in/old", "old\n", 0);
  lines = ds_test_files_add_text_stream (fixture);
  output = ds_dstream_collect (lines);
  ds_test_files_listen (fixture);
  ds_test_stream_start (&fixture->stream);
  ds_test_files_drop (fixture, "in/a", "1\r\n2\n3");
  ds_test_files_drop (fixture, "in/.hidden", "x\n");
  ds_test_stream_run (&fixture->stream, 1);
  ds_test_files_drop (fixture, "in/b", "4\n");
  ds_test_files_drop (fixture, "in/c", "");
  ds_test_files_drop (fixture, "in/d", "5\n");
  ds_test_directory_set_time (&fixture->files, "in/d", 3 * DS_SECOND);
  ds_test_stream_run (&fixture->stream, 1);
  ds_test_stream_run (&fixture->stream, 2);
  ds_test_files_assert_batch (output, 1, "1 2 3");
  ds_test_files_assert_batch (output, 2, "4");
  ds_test_files_assert_batch (output, 3, "5");
  ds_test_files_assert_batch (output, 4, "");
  ds_test_files_stop (fixture);
  g_assert_cmpint (fixture->n_files, ==, 4);
  g_assert_cmpint (fixture->n_bytes, ==, 6 + 2 + 2);
  g_assert_cmpint (fixture->n_records, ==, 5);
  g_assert_cmpint (ds_streaming_context_get_n_received (fixture->stream.ssc), ==, 5);
  g_assert_cmpint (ds_streaming_context_get_n_processed (fixture->stream.ssc), ==, 5);
  g_assert_cmpuint (fixture->told->len, ==, 2);
}

static void
test_reads_binary_records (DsTestFiles *fixture, gconstpointer user_data)
{
  g_test_summary ("Binary records are values of their length, counted in the report");

  DsOutput *output = ds_dstream_collect (
      ds_streaming_context_binary_records_stream (fixture->stream.ssc, fixture->directory,
                                                  2));

  ds_test_files_listen (fixture);
  ds_test_stream_start (&fixture->stream);
  ds_test_directory_write_bytes (&fixture->files, "in/a", "\0\1\2\3", 4, 1);
  ds_test_directory_write_bytes (&fixture->files, "in/b", "\4\5", 2, 2);
  ds_test_stream_run (&fixture->stream, 1);
  ds_test_files_assert_batch (output, 1, "0x0001 0x0203 0x0405");
  ds_test_files_stop (fixture);
  g_assert_cmpint (fixture->n_files, ==, 2);
  g_assert_cmpint (fixture->n_bytes, ==, 6);
  g_assert_cmpint (fixture->n_records, ==, 3);
}

static void
test_waits_until_it_settles (DsTestFiles *fixture, gconstpointer user_data)
{
  g_test_summary ("C11: a file that another process appends to is taken once, whole");

  DsDStream *lines = ds_test_files_add_text_stream (fixture);
  DsOutput *output = ds_dstream_collect (lines);
  g_autofree char *text = NULL;
  g_autofree char *path = ds_test_directory_get_path (&fixture->files, "in/growing");
  guint n_nonempty = 0;

  ds_dstream_set_settle_time (lines, 3 * DS_SECOND);
  ds_test_stream_start (&fixture->stream);
  for (guint i = 1; i <= 12; i++)
    {
      if (i <= 5)
        {
          pid_t child = fork ();
          int status;

          if (child == 0)
            {
              int fd = open (path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

              _exit (write (fd, "line\n", 5) == 5 ? 0 : 1);
            }
          g_assert_cmpint (waitpid (child, &status, 0), ==, child);
          g_assert_cmpint (status, ==, 0);
          ds_test_directory_set_time (&fixture->files, "in/growing", i * DS_SECOND - 1);
        }
      ds_test_stream_run (&fixture->stream, 1);
      g_free (text);
      text = ds_test_files_get_batch (output, i);
      if (*text == '\0')
        continue;
      g_assert_cmpstr (text, ==, "line line line line line");
      g_assert_cmpuint (i, ==, 8);
      n_nonempty++;
    }
  g_assert_cmpuint (n_nonempty, ==, 1);
  g_test_message ("C11: 5 appends in 5 batches, settle time 3 s: taken %u time, 5 of 5 "
                  "lines, in the 3rd batch after the last",
                  n_nonempty);
}

/* Writes files of one line, its number, until all are there. */
static void
write_burst (const char *directory, guint n_files)
{
  int fd = open (directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  for (guint i = 0; i < n_files; i++)
    {
      char from[32];
      char to[32];
      int length = g_snprintf (to, sizeof to, "%u\n", i);
      int file;

      g_snprintf (from, sizeof from, ".%u", i);
      file = openat (fd, from, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
      if (file < 0 || write (file, to, (gsize) length) != length || close (file) != 0)
        _exit (1);
      to[length - 1] = '\0';
      if (renameat (fd, from, fd, to) != 0)
        _exit (1);
    }
  _exit (0);
}

static void
test_takes_a_burst (DsTestFiles *fixture, gconstpointer user_data)
{
  g_test_summary ("C16: of 100,000 files written in one burst each is taken once");

  /* Fewer by default, since they take a while to make: all with -m slow. */
  guint n_files = g_test_slow () ? 100000 : 10000;
  g_autofree guint8 *n_seen = g_new0 (guint8, n_files);
  DsDStream *lines = ds_test_files_add_text_stream (fixture);
  DsOutput *output = ds_dstream_collect (lines);
  gboolean is_over = FALSE;
  guint n_batches = 0;
  guint n_lines = 0;
  guint batch = 0;
  pid_t child;

  ds_dstream_set_file_selection (lines, DS_FILES_ALL);
  ds_test_stream_start (&fixture->stream);
  child = fork ();
  if (child == 0)
    write_burst (fixture->directory, n_files);
  while (!is_over)
    {
      DsBlock *block;
      const DsValue *values;
      gsize n_values;
      int status = 0;

      /* One more batch after the last file. */
      is_over = waitpid (child, &status, WNOHANG) == child;
      g_assert_cmpint (status, ==, 0);
      ds_test_stream_run (&fixture->stream, 1);
      block = ds_output_get_block (output, ++batch * DS_SECOND);
      values = ds_block_get_values (block, &n_values);
      n_batches += n_values > 0;
      n_lines += (guint) n_values;
      for (gsize i = 0; i < n_values; i++)
        {
          g_autofree char *line = ds_value_to_string (values[i]);
          guint64 number = g_ascii_strtoull (line, NULL, 10);

          g_assert_cmpuint (number, <, n_files);
          n_seen[number]++;
        }
      ds_output_clear (output);
    }
  g_assert_cmpuint (n_lines, ==, n_files);
  for (guint i = 0; i < n_files; i++)
    g_assert_cmpuint (n_seen[i], ==, 1);
  g_test_message ("C16: %u files in one burst: %u taken once each, in %u batches",
                  n_files, n_lines, n_batches);
}

static void
test_takes_any_name (DsTestFiles *fixture, gconstpointer user_data)
{
  g_test_summary ("C23: files of any name are read, and told of in UTF-8");

  DsDStream *lines = ds_test_files_add_text_stream (fixture);
  DsOutput *output = ds_dstream_collect (lines);
  g_autofree char *longest = g_strnfill (255, 'x');
  g_autofree char *in_longest = g_build_filename ("in", longest, NULL);

  ds_test_files_listen (fixture);
  ds_test_stream_start (&fixture->stream);
  ds_test_directory_write (&fixture->files, "in/two\nlines", "1\n", 1);
  ds_test_directory_write (&fixture->files, "in/bad\xff", "2\n", 2);
  ds_test_directory_write (&fixture->files, "in/*", "3\n", 3);
  ds_test_directory_write (&fixture->files, in_longest, "4\n", 4);
  ds_test_directory_write (&fixture->files, "in/_\xfe\n", "5\n", 5);
  ds_test_stream_run (&fixture->stream, 1);
  ds_test_files_assert_batch (output, 1, "1 2 3 4");
  ds_test_files_stop (fixture);
  g_assert_cmpuint (fixture->told->len, ==, 1);
  g_assert_true (g_str_has_prefix (fixture->told->pdata[0], "_\\xfe\\x0a: "));
  g_test_message ("C23: 4 of 4 names read, 1 told as %.9s",
                  (char *) fixture->told->pdata[0]);
}

/* ---- Why nothing came ---- */

static void
assert_explains (DsDStream *stream, const char *words)
{
  g_autofree char *text = ds_dstream_explain (stream);

  if (strstr (text, words) == NULL)
    g_test_message ("%s", text);
  g_assert_nonnull (strstr (text, words));
}

static void
test_explains (DsTestFiles *fixture, gconstpointer user_data)
{
  g_test_summary ("Explanations say that files are missing, too old, or not wanted");

  DsDStream *lines;
  DsDStream *later;
  g_autofree char *missing = ds_test_directory_get_path (&fixture->files, "missing");

  ds_manual_clock_advance (fixture->stream.clock, 10 * DS_SECOND);
  lines = ds_test_files_add_text_stream (fixture);
  later = ds_streaming_context_text_file_stream (fixture->stream.ssc, missing);
  ds_dstream_set_file_pattern (lines, "*.log");
  ds_dstream_collect (lines);
  ds_dstream_collect (later);
  ds_test_stream_start (&fixture->stream);
  ds_test_stream_run (&fixture->stream, 1);
  assert_explains (lines, "in\" is empty");
  assert_explains (later, "Cannot list \"");
  assert_explains (later, "missing\": No such file or directory");

  ds_test_directory_write (&fixture->files, "in/a.log", "1\n", 5 * DS_SECOND);
  ds_test_directory_write (&fixture->files, "in/b.txt", "1\n", 12 * DS_SECOND);
  ds_test_stream_run (&fixture->stream, 1);
  assert_explains (lines, "had 2 entries, 0 of them taken, 2 passed over; not \"");
  assert_explains (lines,
                   "a.log\": it was modified at 1970-01-01 00:00:05.000000000 UTC");
  assert_explains (lines, "set_file_selection");

  ds_test_directory_write (&fixture->files, "in/c.log", "12345\n", 12 * DS_SECOND + 1);
  ds_test_stream_run (&fixture->stream, 1);
  assert_explains (lines, "gave ");
  ds_test_stream_run (&fixture->stream, 1);
  assert_explains (lines,
                   "3 entries, 0 of them taken, 1 by earlier batches, 2 passed over");
}

static gboolean
count_into_gate (DsRdd *rdd, DsBatch *batch, gpointer user_data, GError **error)
{
  gint64 n = ds_rdd_count (rdd, error);

  if (n > 0)
    ds_test_gate_add (user_data, n);
  return n >= 0;
}

static void
test_real_clock_takes_new_files (void)
{
  g_test_summary (
      "A file that is written right after the stream was made is not too old");

  g_autoptr (GError) error = NULL;
  g_autofree char *directory = g_dir_make_tmp ("ds-files-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (directory, "a", NULL);
  g_autoptr (DsStreamingContext) ssc =
      ds_streaming_context_new ("local[1]", "test", 10 * DS_MILLISECOND);
  DsDStream *lines = ds_streaming_context_text_file_stream (ssc, directory);
  DsTestGate gate = { 0 };

  g_assert_true (g_file_set_contents (path, "1\n", 2, NULL));
  g_signal_connect_swapped (ssc, "file-passed-over", G_CALLBACK (abort), NULL);
  ds_dstream_foreach_rdd (lines, count_into_gate, &gate, NULL);
  g_assert_true (ds_streaming_context_start (ssc, &error));
  ds_test_gate_await (&gate, 1);
  ds_streaming_context_stop (ssc, DS_STOP_GRACEFULLY, &error);
  g_assert_no_error (error);
  g_unlink (path);
  g_rmdir (directory);
  g_mutex_clear (&gate.lock);
  g_cond_clear (&gate.changed);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, func)                                                              \
  g_test_add ("/dstream/file-stream/" name, DsTestFiles, NULL, ds_test_files_set_up, \
              func, ds_test_files_tear_down)
  ADD ("reads-lines", test_reads_lines);
  ADD ("reads-binary-records", test_reads_binary_records);
  ADD ("c11-waits-until-it-settles", test_waits_until_it_settles);
  ADD ("c16-takes-a-burst", test_takes_a_burst);
  ADD ("c23-takes-any-name", test_takes_any_name);
  ADD ("explains", test_explains);
#undef ADD
  g_test_add_func ("/dstream/file-stream/real-clock-takes-new-files",
                   test_real_clock_takes_new_files);

  return g_test_run ();
}
