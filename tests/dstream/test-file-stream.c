/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Directory streams, on a manual clock and files that are given their times by it. */

#include "tests/dstream/ds-test-stream.h"

#include <fcntl.h>
#include <ftw.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct
{
  DsTestStream stream;
  char *root;
  char *directory;
  GMutex lock;     /* guards what follows */
  GPtrArray *told; /* "name: reason" */
  gint64 n_bytes;
  gint64 n_files;
  gint64 n_records;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer user_data)
{
  fixture->root = g_dir_make_tmp ("ds-files-XXXXXX", NULL);
  g_assert_nonnull (fixture->root);
  fixture->directory = g_build_filename (fixture->root, "in", NULL);
  g_assert_cmpint (g_mkdir (fixture->directory, 0755), ==, 0);
  fixture->told = g_ptr_array_new_with_free_func (g_free);
  g_mutex_init (&fixture->lock);
  ds_test_stream_set_up (&fixture->stream, "local[2]");
}

static int
remove_entry (const char *path, const struct stat *status, int kind, struct FTW *where)
{
  return remove (path);
}

static void
tear_down (Fixture *fixture, gconstpointer user_data)
{
  ds_test_stream_tear_down (&fixture->stream);
  g_assert_cmpint (nftw (fixture->root, remove_entry, 16, FTW_DEPTH | FTW_PHYS), ==, 0);
  g_ptr_array_unref (fixture->told);
  g_mutex_clear (&fixture->lock);
  g_free (fixture->directory);
  g_free (fixture->root);
}

/* ---- Files ---- */

static char *
path_of (Fixture *fixture, const char *name)
{
  return g_build_filename (fixture->root, name, NULL);
}

static void
set_time (Fixture *fixture, const char *name, DsTime time)
{
  g_autofree char *path = path_of (fixture, name);
  struct timespec stamp = { time / DS_SECOND, time % DS_SECOND * 1000 };
  struct timespec times[2] = { stamp, stamp };

  g_assert_cmpint (utimensat (AT_FDCWD, path, times, 0), ==, 0);
}

static void
write_bytes (Fixture *fixture,
             const char *name,
             const char *content,
             gsize n_bytes,
             DsTime time)
{
  g_autofree char *path = path_of (fixture, name);
  int fd = open (path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (write (fd, content, n_bytes), ==, n_bytes);
  close (fd);
  set_time (fixture, name, time);
}

static void
write_file (Fixture *fixture, const char *name, const char *content, DsTime time)
{
  write_bytes (fixture, name, content, strlen (content), time);
}

/* Written now, by the clock of the stream. */
static void
drop_file (Fixture *fixture, const char *name, const char *content)
{
  write_file (fixture, name, content,
              ds_clock_get_time (DS_CLOCK (fixture->stream.clock)) + 1);
}

static gboolean
has_file (Fixture *fixture, const char *name)
{
  g_autofree char *path = path_of (fixture, name);

  return g_file_test (path, G_FILE_TEST_EXISTS);
}

/* ---- Streams ---- */

static DsDStream *
add_text_stream (Fixture *fixture)
{
  return ds_streaming_context_text_file_stream (fixture->stream.ssc, fixture->directory);
}

/* What a batch gave, with spaces between.  (transfer full) */
static char *
get_batch (DsOutput *output, guint batch)
{
  DsBlock *block = ds_output_get_block (output, batch * DS_SECOND);
  GString *text = g_string_new (NULL);
  const DsValue *values;
  gsize n_values;

  g_assert_nonnull (block);
  values = ds_block_get_values (block, &n_values);
  for (gsize i = 0; i < n_values; i++)
    {
      g_autofree char *value = ds_value_to_string (values[i]);

      g_string_append_printf (text, "%s%s", i > 0 ? " " : "", value);
    }
  return g_string_free (text, FALSE);
}

static void
assert_batch (DsOutput *output, guint batch, const char *expected)
{
  g_autofree char *text = get_batch (output, batch);

  g_assert_cmpstr (text, ==, expected);
}

static void
note_told (DsStreamingContext *ssc,
           DsDStream *stream,
           const char *path,
           const char *reason,
           gpointer user_data)
{
  Fixture *fixture = user_data;
  g_autofree char *name = g_path_get_basename (path);

  g_assert_true (g_utf8_validate (path, -1, NULL));
  g_mutex_lock (&fixture->lock);
  g_ptr_array_add (fixture->told, g_strdup_printf ("%s: %s", name, reason));
  g_mutex_unlock (&fixture->lock);
}

static void
note_batch (DsStreamingContext *ssc, DsBatch *batch, gpointer user_data)
{
  Fixture *fixture = user_data;

  g_mutex_lock (&fixture->lock);
  fixture->n_files += ds_batch_get_n_files_of (batch, 0);
  fixture->n_bytes += (gint64) ds_batch_get_n_bytes_of (batch, 0);
  fixture->n_records += ds_batch_get_n_records_of (batch, 0);
  g_mutex_unlock (&fixture->lock);
}

/* Listeners have heard everything once the context is stopped. */
static void
stop (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;

  ds_streaming_context_stop (fixture->stream.ssc, DS_STOP_GRACEFULLY, &error);
  g_assert_no_error (error);
}

static void
listen (Fixture *fixture)
{
  g_signal_connect (fixture->stream.ssc, "file-passed-over", G_CALLBACK (note_told),
                    fixture);
  g_signal_connect (fixture->stream.ssc, "batch-completed", G_CALLBACK (note_batch),
                    fixture);
}

/* ---- What comes in ---- */

static void
test_reads_lines (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("Each file's lines come in the batch after it was written, and once");

  DsDStream *lines;
  DsOutput *output;

  write_file (fixture, "in/old", "old\n", 0);
  lines = add_text_stream (fixture);
  output = ds_dstream_collect (lines);
  listen (fixture);
  ds_test_stream_start (&fixture->stream);
  drop_file (fixture, "in/a", "1\r\n2\n3");
  drop_file (fixture, "in/.hidden", "x\n");
  ds_test_stream_run (&fixture->stream, 1);
  drop_file (fixture, "in/b", "4\n");
  drop_file (fixture, "in/c", "");
  drop_file (fixture, "in/d", "5\n");
  set_time (fixture, "in/d", 3 * DS_SECOND);
  ds_test_stream_run (&fixture->stream, 1);
  ds_test_stream_run (&fixture->stream, 2);
  assert_batch (output, 1, "1 2 3");
  assert_batch (output, 2, "4");
  assert_batch (output, 3, "5");
  assert_batch (output, 4, "");
  stop (fixture);
  g_assert_cmpint (fixture->n_files, ==, 4);
  g_assert_cmpint (fixture->n_bytes, ==, 6 + 2 + 2);
  g_assert_cmpint (fixture->n_records, ==, 5);
  g_assert_cmpint (ds_streaming_context_get_n_received (fixture->stream.ssc), ==, 5);
  g_assert_cmpint (ds_streaming_context_get_n_processed (fixture->stream.ssc), ==, 5);
  g_assert_cmpuint (fixture->told->len, ==, 2);
}

static void
test_reads_binary_records (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("Binary records are values of their length, counted in the report");

  DsOutput *output = ds_dstream_collect (
      ds_streaming_context_binary_records_stream (fixture->stream.ssc, fixture->directory,
                                                  2));

  listen (fixture);
  ds_test_stream_start (&fixture->stream);
  write_bytes (fixture, "in/a", "\0\1\2\3", 4, 1);
  write_bytes (fixture, "in/b", "\4\5", 2, 2);
  ds_test_stream_run (&fixture->stream, 1);
  assert_batch (output, 1, "0x0001 0x0203 0x0405");
  stop (fixture);
  g_assert_cmpint (fixture->n_files, ==, 2);
  g_assert_cmpint (fixture->n_bytes, ==, 6);
  g_assert_cmpint (fixture->n_records, ==, 3);
}

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
test_parses_files (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("A function of the program makes values of files; its data goes once");

  DsOutput *output = ds_dstream_collect (
      ds_streaming_context_file_stream (fixture->stream.ssc, fixture->directory,
                                        parse_words, g_strdup ("mine"), destroy_data));

  n_destroyed = 0;
  ds_streaming_context_file_stream (fixture->stream.ssc, fixture->directory, parse_words,
                                    g_strdup ("mine"), destroy_data);
  ds_test_stream_start (&fixture->stream);
  drop_file (fixture, "in/a", "one;two;three;");
  ds_test_stream_run (&fixture->stream, 1);
  assert_batch (output, 1, "one two three");
  ds_test_stream_tear_down (&fixture->stream);
  g_assert_cmpint (g_atomic_int_get (&n_destroyed), ==, 2);
  ds_test_stream_set_up (&fixture->stream, "local[2]");
}

static void
test_waits_until_it_settles (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("C11: a file that another process appends to is taken once, whole");

  DsDStream *lines = add_text_stream (fixture);
  DsOutput *output = ds_dstream_collect (lines);
  g_autofree char *text = NULL;
  g_autofree char *path = path_of (fixture, "in/growing");
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
          set_time (fixture, "in/growing", i * DS_SECOND - 1);
        }
      ds_test_stream_run (&fixture->stream, 1);
      g_free (text);
      text = get_batch (output, i);
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
test_takes_a_burst (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("C16: of 100,000 files written in one burst each is taken once");

  /* Fewer by default, since they take a while to make: all with -m slow. */
  guint n_files = g_test_slow () ? 100000 : 10000;
  g_autofree guint8 *n_seen = g_new0 (guint8, n_files);
  DsDStream *lines = add_text_stream (fixture);
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
test_takes_any_name (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("C23: files of any name are read, and told of in UTF-8");

  DsDStream *lines = add_text_stream (fixture);
  DsOutput *output = ds_dstream_collect (lines);
  g_autofree char *longest = g_strnfill (255, 'x');
  g_autofree char *in_longest = g_build_filename ("in", longest, NULL);

  listen (fixture);
  ds_test_stream_start (&fixture->stream);
  write_file (fixture, "in/two\nlines", "1\n", 1);
  write_file (fixture, "in/bad\xff", "2\n", 2);
  write_file (fixture, "in/*", "3\n", 3);
  write_file (fixture, in_longest, "4\n", 4);
  write_file (fixture, "in/_\xfe\n", "5\n", 5);
  ds_test_stream_run (&fixture->stream, 1);
  assert_batch (output, 1, "1 2 3 4");
  stop (fixture);
  g_assert_cmpuint (fixture->told->len, ==, 1);
  g_assert_true (g_str_has_prefix (fixture->told->pdata[0], "_\\xfe\\x0a: "));
  g_test_message ("C23: 4 of 4 names read, 1 told as %.9s",
                  (char *) fixture->told->pdata[0]);
}

/* ---- What goes wrong ---- */

static void
test_goes_on_without_permission (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("C19: without permission a file is passed over and a directory waits");

  DsDStream *lines = add_text_stream (fixture);
  DsOutput *output = ds_dstream_collect (lines);
  g_autofree char *secret = path_of (fixture, "in/secret");
  gboolean is_root = geteuid () == 0;

  ds_dstream_set_bad_record_policy (lines, DS_ON_BAD_RECORD_SKIP_FILE);
  listen (fixture);
  g_assert_cmpint (chmod (fixture->root, 0755), ==, 0);
  write_file (fixture, "in/open", "1\n", 1);
  write_file (fixture, "in/secret", "2\n", 2);
  write_file (fixture, "in/later", "3\n", DS_SECOND + 1);
  g_assert_cmpint (chmod (secret, 0), ==, 0);
  if (is_root)
    g_assert_cmpint (seteuid (65534), ==, 0);
  ds_test_stream_start (&fixture->stream);
  ds_test_stream_run (&fixture->stream, 1);
  assert_batch (output, 1, "1");

  if (is_root)
    g_assert_cmpint (seteuid (0), ==, 0);
  g_assert_cmpint (chmod (fixture->directory, 0), ==, 0);
  if (is_root)
    g_assert_cmpint (seteuid (65534), ==, 0);
  ds_test_stream_run (&fixture->stream, 1);
  assert_batch (output, 2, "");
  {
    g_autofree char *text = ds_dstream_explain (lines);

    g_assert_nonnull (strstr (text, "Permission denied"));
    g_assert_nonnull (strstr (text, fixture->directory));
  }

  if (is_root)
    g_assert_cmpint (seteuid (0), ==, 0);
  g_assert_cmpint (chmod (fixture->directory, 0755), ==, 0);
  ds_test_stream_run (&fixture->stream, 1);
  assert_batch (output, 3, "3");
  stop (fixture);
  g_assert_cmpuint (fixture->told->len, ==, 1);
  g_assert_nonnull (strstr (fixture->told->pdata[0], "secret: "));
  g_assert_nonnull (strstr (fixture->told->pdata[0], "Permission denied"));
  g_test_message ("C19: as non-root: 1 file passed over and told, 1 directory waited for "
                  "1 batch, 2 of 2 other files read, 0 exits");
}

static gboolean
append_and_count (DsRdd *rdd, DsBatch *batch, gpointer user_data, GError **error)
{
  Fixture *fixture = user_data;

  if (ds_batch_get_n_files_of (batch, 0) > 0)
    write_file (fixture, "in/a", "changed\n", 1);
  return ds_rdd_count (rdd, error) >= 0;
}

static void
test_notices_a_change (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("A file that changes between listing and reading fails the batch");

  g_autoptr (GError) error = NULL;

  ds_dstream_foreach_rdd (add_text_stream (fixture), append_and_count, fixture, NULL);
  ds_test_stream_start (&fixture->stream);
  drop_file (fixture, "in/a", "1\n");
  ds_manual_clock_advance (fixture->stream.clock, DS_SECOND);
  g_assert_false (ds_streaming_context_await_termination (fixture->stream.ssc, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_BAD_FILE);
  g_assert_nonnull (strstr (error->message, "/in/a\""));
  g_assert_nonnull (strstr (error->message, "it has 8 bytes, and had 2"));
}

static gboolean
fail_once (DsRdd *rdd, DsBatch *batch, gpointer user_data, GError **error)
{
  Fixture *fixture = user_data;
  gint64 n = ds_rdd_count (rdd, error);

  if (n < 0)
    return FALSE;
  fixture->n_records += n;
  if (ds_batch_is_replay (batch) || n == 0)
    return TRUE;
  /* Another one comes meanwhile, which belongs to the next batch. */
  write_file (fixture, "in/b", "3\n", 1);
  g_set_error (error, DS_ERROR, DS_ERROR_FAILED, "the first time");
  return FALSE;
}

static void
test_a_retry_reads_the_same (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("A batch that is tried again has the files that it had");

  g_object_set (fixture->stream.ssc, "failure-policy", DS_FAILURE_POLICY_RETRY, NULL);
  ds_dstream_foreach_rdd (add_text_stream (fixture), fail_once, fixture, NULL);
  ds_test_stream_start (&fixture->stream);
  drop_file (fixture, "in/a", "1\n2\n");
  ds_test_stream_run (&fixture->stream, 1);
  g_assert_cmpint (fixture->n_records, ==, 4);
  ds_test_stream_run (&fixture->stream, 1);
  g_assert_cmpint (fixture->n_records, ==, 6);
}

/* ---- Options ---- */

static gboolean
wants_log (const char *name, gpointer user_data)
{
  return g_str_has_suffix (name, ".log");
}

static void
test_has_options (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("Filter, pattern, selection, depth and limits do what they say");

  DsDStream *lines;
  DsOutput *output;
  g_autofree char *below = path_of (fixture, "in/below");

  n_destroyed = 0;
  g_assert_cmpint (g_mkdir (below, 0755), ==, 0);
  write_file (fixture, "in/1.log", "1\n", 0);
  write_file (fixture, "in/2.txt", "2\n", 0);
  write_file (fixture, "in/3.lag", "3\n", 0);
  write_file (fixture, "in/below/4.log", "4444\n", 0);
  write_file (fixture, "in/5.log", "5\n", 2 * DS_SECOND);
  lines = add_text_stream (fixture);
  ds_dstream_set_file_filter (lines, wants_log, g_strdup ("mine"), destroy_data);
  ds_dstream_set_file_pattern (lines, "*.l?g");
  ds_dstream_set_file_selection (lines, DS_FILES_ALL);
  ds_dstream_set_max_depth (lines, 1);
  ds_dstream_set_max_bytes_per_batch (lines, 4);
  ds_dstream_set_max_files_per_batch (lines, 2);
  output = ds_dstream_collect (lines);
  listen (fixture);
  ds_test_stream_start (&fixture->stream);
  ds_test_stream_run (&fixture->stream, 1);
  ds_test_stream_run (&fixture->stream, 1);
  ds_test_stream_run (&fixture->stream, 1);
  assert_batch (output, 1, "1");
  assert_batch (output, 2, "4444");
  assert_batch (output, 3, "5");
  stop (fixture);
  g_assert_cmpuint (fixture->told->len, ==, 2);
  g_assert_cmpint (n_destroyed, ==, 0);
  ds_test_stream_tear_down (&fixture->stream);
  g_assert_cmpint (n_destroyed, ==, 1);
  ds_test_stream_set_up (&fixture->stream, "local[2]");
}

static void
test_recent_files_are_taken (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("Files older than the stream, but not than the window, can be taken");

  DsDStream *lines;
  DsOutput *output;

  g_object_set (fixture->stream.ssc, "file-min-remember", (gint64) (5 * DS_SECOND), NULL);
  ds_manual_clock_advance (fixture->stream.clock, 10 * DS_SECOND);
  write_file (fixture, "in/too-old", "1\n", 6 * DS_SECOND);
  write_file (fixture, "in/recent", "2\n", 6 * DS_SECOND + 1);
  lines = add_text_stream (fixture);
  ds_dstream_set_file_selection (lines, DS_FILES_RECENT);
  output = ds_dstream_collect (lines);
  ds_test_stream_start (&fixture->stream);
  ds_test_stream_run (&fixture->stream, 1);
  assert_batch (output, 11, "2");
}

/* Start fails with @code and @words. */
static void
assert_start_fails (Fixture *fixture, int code, const char *words)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (ds_streaming_context_start (fixture->stream.ssc, &error));
  g_assert_error (error, DS_ERROR, code);
  g_assert_nonnull (strstr (error->message, words));
  ds_test_stream_tear_down (&fixture->stream);
  ds_test_stream_set_up (&fixture->stream, "local[2]");
}

static void
test_refuses_what_is_wrong (Fixture *fixture, gconstpointer user_data)
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

  ds_dstream_set_file_pattern (add_text_stream (fixture), "a/b");
  assert_start_fails (fixture, DS_ERROR_INVALID_ARGUMENT, "\"a/b\"");
  ds_dstream_set_settle_time (add_text_stream (fixture), -1);
  assert_start_fails (fixture, DS_ERROR_INVALID_ARGUMENT, "-1 us");
  ds_dstream_set_max_record_bytes (add_text_stream (fixture), 0);
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

  stream = add_text_stream (fixture);
  ds_dstream_set_archive_directory (stream, fixture->directory);
  ds_dstream_collect (stream);
  assert_start_fails (fixture, DS_ERROR_INVALID_ARGUMENT, "they come in there");
  stream = add_text_stream (fixture);
  ds_dstream_set_archive_directory (stream, "/nowhere/at/all");
  ds_dstream_collect (stream);
  assert_start_fails (fixture, DS_ERROR_NOT_FOUND, "/nowhere/at/all");
  stream = add_text_stream (fixture);
  ds_dstream_set_archive_directory (stream, fixture->root);
  ds_dstream_set_delete_files (stream, TRUE);
  ds_dstream_collect (stream);
  assert_start_fails (fixture, DS_ERROR_INVALID_ARGUMENT, "choose one");
}

/* ---- Clean-up ---- */

static void
test_archives_files (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("Files are archived when no window needs them, and replace nothing");

  DsDStream *lines = add_text_stream (fixture);
  DsOutput *output = ds_dstream_collect (ds_dstream_window (lines, 3 * DS_SECOND, 0));
  g_autofree char *archive = path_of (fixture, "in/done");

  g_assert_cmpint (g_mkdir (archive, 0755), ==, 0);
  ds_dstream_set_archive_directory (lines, archive);
  ds_dstream_set_max_depth (lines, 5);
  write_file (fixture, "in/done/a", "0\n", 0);
  ds_test_stream_start (&fixture->stream);
  drop_file (fixture, "in/a", "1\n");
  ds_test_stream_run (&fixture->stream, 1);
  drop_file (fixture, "in/b", "2\n");
  ds_test_stream_run (&fixture->stream, 1);
  g_assert_true (has_file (fixture, "in/a"));
  ds_test_stream_run (&fixture->stream, 1);
  assert_batch (output, 3, "1 2");
  ds_test_stream_run (&fixture->stream, 2);
  g_assert_false (has_file (fixture, "in/a"));
  g_assert_true (has_file (fixture, "in/done/a"));
  g_assert_true (has_file (fixture, "in/done/a.1"));

  /* One that was changed after it was read is not what was processed. */
  drop_file (fixture, "in/c", "3\n");
  ds_test_stream_run (&fixture->stream, 1);
  drop_file (fixture, "in/c", "33\n");
  drop_file (fixture, "in/a", "4\n");
  set_time (fixture, "in/a", 100 * DS_SECOND);
  stop (fixture);
  g_assert_false (has_file (fixture, "in/b"));
  g_assert_true (has_file (fixture, "in/done/b"));
  g_assert_true (has_file (fixture, "in/c"));
  g_assert_true (has_file (fixture, "in/a"));
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
test_deletes_files (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("Processed files are deleted; those of a batch that failed stay");

  DsDStream *lines = add_text_stream (fixture);

  g_object_set (fixture->stream.ssc, "failure-policy", DS_FAILURE_POLICY_CONTINUE, NULL);
  ds_dstream_set_delete_files (lines, TRUE);
  ds_dstream_foreach_rdd (lines, fail_on_bad, NULL, NULL);
  ds_test_stream_start (&fixture->stream);
  drop_file (fixture, "in/a", "good\n");
  ds_test_stream_run (&fixture->stream, 1);
  drop_file (fixture, "in/b", "bad\n");
  ds_test_stream_run (&fixture->stream, 1);
  drop_file (fixture, "in/c", "good\n");
  ds_test_stream_run (&fixture->stream, 3);
  ds_streaming_context_stop (fixture->stream.ssc, DS_STOP_GRACEFULLY, NULL);
  g_assert_false (has_file (fixture, "in/a"));
  g_assert_true (has_file (fixture, "in/b"));
  g_assert_false (has_file (fixture, "in/c"));
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
test_explains (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("Explanations say that files are missing, too old, or not wanted");

  DsDStream *lines;
  DsDStream *later;
  g_autofree char *missing = path_of (fixture, "missing");

  ds_manual_clock_advance (fixture->stream.clock, 10 * DS_SECOND);
  lines = add_text_stream (fixture);
  later = ds_streaming_context_text_file_stream (fixture->stream.ssc, missing);
  ds_dstream_set_file_pattern (lines, "*.log");
  ds_dstream_collect (lines);
  ds_dstream_collect (later);
  ds_test_stream_start (&fixture->stream);
  ds_test_stream_run (&fixture->stream, 1);
  assert_explains (lines, "in\" is empty");
  assert_explains (later, "Cannot list \"");
  assert_explains (later, "missing\": No such file or directory");

  write_file (fixture, "in/a.log", "1\n", 5 * DS_SECOND);
  write_file (fixture, "in/b.txt", "1\n", 12 * DS_SECOND);
  ds_test_stream_run (&fixture->stream, 1);
  assert_explains (lines, "had 2 entries, 0 of them taken, 2 passed over; not \"");
  assert_explains (lines,
                   "a.log\": it was modified at 1970-01-01 00:00:05.000000000 UTC");
  assert_explains (lines, "set_file_selection");

  write_file (fixture, "in/c.log", "12345\n", 12 * DS_SECOND + 1);
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

#define ADD(name, func) \
  g_test_add ("/dstream/file-stream/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("reads-lines", test_reads_lines);
  ADD ("reads-binary-records", test_reads_binary_records);
  ADD ("parses-files", test_parses_files);
  ADD ("c11-waits-until-it-settles", test_waits_until_it_settles);
  ADD ("c16-takes-a-burst", test_takes_a_burst);
  ADD ("c23-takes-any-name", test_takes_any_name);
  ADD ("c19-goes-on-without-permission", test_goes_on_without_permission);
  ADD ("notices-a-change", test_notices_a_change);
  ADD ("a-retry-reads-the-same", test_a_retry_reads_the_same);
  ADD ("has-options", test_has_options);
  ADD ("recent-files-are-taken", test_recent_files_are_taken);
  ADD ("refuses-what-is-wrong", test_refuses_what_is_wrong);
  ADD ("archives-files", test_archives_files);
  ADD ("deletes-files", test_deletes_files);
  ADD ("explains", test_explains);
#undef ADD
  g_test_add_func ("/dstream/file-stream/real-clock-takes-new-files",
                   test_real_clock_takes_new_files);

  return g_test_run ();
}
