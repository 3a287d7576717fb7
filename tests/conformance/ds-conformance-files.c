/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cases of directory streams: real files in a directory of the case's own, with the times
 * that it gives them, on a manual clock.  A file is there from "visible_from_ms" on, else
 * from its time on; what it holds is "content", "lines" or "bytes", else its name up to
 * the first dot.  A "timeline" says in words what happens; what is not understood is a
 * skip. */

#include "tests/conformance/ds-conformance-private.h"

#include "receivers/ds-directory-scanner-private.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

typedef struct
{
  DsConformanceCase *test_case;
  DsConformanceSession session;
  DsConformanceRecorder *recorder;
  char *root;
  gint64 batch_ms;
  gint64 now_ms;
  guint n_written; /* of the "files", in their order */
} DsConformanceFiles;

static void
ds_conformance_files_clear (DsConformanceFiles *self)
{
  ds_conformance_session_clear (&self->session);
  g_clear_pointer (&self->recorder, ds_conformance_recorder_free);
  if (self->root != NULL)
    ds_test_try_remove_tree (self->root);
  g_clear_pointer (&self->root, g_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (DsConformanceFiles, ds_conformance_files_clear)

/* ---- Files ---- */

/* "DIR/x" and "BASE/x" lie in the directory of the case, as does what has no directory.
 */
static char *
ds_conformance_files_get_path (DsConformanceFiles *self, const char *path)
{
  const char *slash = strchr (path, '/');

  if (g_str_equal (path, "DIR") || g_str_equal (path, "BASE"))
    return g_strdup (self->root);
  if (g_str_has_prefix (path, "DIR/") || g_str_has_prefix (path, "BASE/"))
    path = slash + 1;
  return g_build_filename (self->root, path, NULL);
}

static gboolean
ds_conformance_files_write (DsConformanceFiles *self,
                            const char *directory,
                            const char *name,
                            GString *content,
                            gint64 time_ms,
                            GError **error)
{
  g_autofree char *parent = ds_conformance_files_get_path (self, directory);
  g_autofree char *path = g_build_filename (parent, name, NULL);
  struct timespec stamp = { time_ms / 1000, time_ms % 1000 * 1000000 };
  struct timespec times[2] = { stamp, stamp };

  return (g_mkdir_with_parents (parent, 0755) == 0 &&
          g_file_set_contents (path, content->str, (gssize) content->len, NULL) &&
          utimensat (AT_FDCWD, path, times, 0) == 0) ||
         ds_conformance_skip (error, "no file can be written at %s", path);
}

/* What a file holds that the case says nothing of. */
static GString *
ds_conformance_files_make_content (const char *name)
{
  g_auto (GStrv) parts = g_strsplit (name, ".", 2);
  GString *content = g_string_new (parts[0]);

  return g_string_append_c (content, '\n');
}

static GString *
ds_conformance_files_read_content (JsonObject *file, const char *name)
{
  GString *content = g_string_new (NULL);
  JsonArray *items = NULL;

  if (ds_conformance_has (file, "content"))
    return g_string_append (content, json_object_get_string_member (file, "content"));
  if (ds_conformance_has (file, "lines"))
    {
      items = json_object_get_array_member (file, "lines");
      for (guint i = 0; i < json_array_get_length (items); i++)
        g_string_append_printf (content, "%s\n",
                                json_array_get_string_element (items, i));
      return content;
    }
  if (ds_conformance_has (file, "bytes"))
    {
      items = json_object_get_array_member (file, "bytes");
      for (guint i = 0; i < json_array_get_length (items); i++)
        g_string_append_c (content, (char) json_array_get_int_element (items, i));
      return content;
    }
  g_string_free (content, TRUE);
  return ds_conformance_files_make_content (name);
}

/* Of a file without time: one comes in each batch. */
static gint64
ds_conformance_files_get_default_time (DsConformanceFiles *self, guint index)
{
  return self->session.zero / DS_MILLISECOND + (index + 1) * self->batch_ms;
}

/* Writes the files that are to be seen by @until_ms; those before have been. */
static gboolean
ds_conformance_files_add (DsConformanceFiles *self, gint64 until_ms, GError **error)
{
  JsonArray *files = json_object_get_array_member (self->test_case->json, "files");

  for (; self->n_written < json_array_get_length (files); self->n_written++)
    {
      JsonObject *file = json_array_get_object_element (files, self->n_written);
      const char *name = ds_conformance_read_string (file, "name", error);
      gint64 time_ms;
      gint64 visible_ms;
      g_autoptr (GString) content = NULL;

      if (name == NULL ||
          !ds_conformance_read_int_or (
              file, "mtime_ms",
              ds_conformance_files_get_default_time (self, self->n_written), &time_ms,
              error) ||
          !ds_conformance_read_int_or (file, "visible_from_ms", time_ms, &visible_ms,
                                       error))
        return FALSE;
      if (visible_ms > until_ms)
        return TRUE;
      content = ds_conformance_files_read_content (file, name);
      if (!ds_conformance_files_write (
              self, json_object_get_string_member_with_default (file, "dir", "DIR"), name,
              content, time_ms, error))
        return FALSE;
    }
  return TRUE;
}

/* ---- The stream ---- */

static gboolean
ds_conformance_files_accept_all (const char *name, gpointer user_data)
{
  return TRUE;
}

/* Lines, as a parser of the program's own makes them. */
static gsize
ds_conformance_files_parse (const guint8 *bytes,
                            gsize n_bytes,
                            gboolean at_end,
                            DsTask *task,
                            gpointer user_data)
{
  gsize n_taken = 0;
  const guint8 *end;

  while (n_taken < n_bytes &&
         (end = memchr (bytes + n_taken, '\n', n_bytes - n_taken)) != NULL)
    {
      gsize size = (gsize) (end - bytes) - n_taken;

      ds_task_emit (task, ds_value_string_sized ((const char *) bytes + n_taken,
                                                 (guint32) size));
      n_taken += size + 1;
    }
  return n_taken;
}

static DsDStream *
ds_conformance_files_make_stream (DsConformanceFiles *self, GError **error)
{
  DsConformanceCase *test_case = self->test_case;
  DsStreamingContext *streaming = self->session.streaming;
  g_autofree char *directory = ds_conformance_files_get_path (
      self,
      json_object_get_string_member_with_default (test_case->op, "directory", "DIR"));
  gint64 record_length = 0;

  if (g_str_equal (test_case->op_name, "textFileStream"))
    return ds_streaming_context_text_file_stream (streaming, directory);
  if (g_str_equal (test_case->op_name, "fileStream"))
    return ds_streaming_context_file_stream (streaming, directory,
                                             ds_conformance_files_parse, NULL, NULL);
  if (!ds_conformance_read_int (test_case->op, "record_length", &record_length, error))
    return NULL;
  return ds_streaming_context_binary_records_stream (streaming, directory,
                                                     (gsize) MAX (record_length, 0));
}

/* The options that the operator names. */
static gboolean
ds_conformance_files_set_options (DsConformanceFiles *self,
                                  DsDStream *stream,
                                  GError **error)
{
  JsonObject *op = self->test_case->op;
  const char *filter =
      json_object_get_string_member_with_default (op, "filter", "default");
  gint64 threshold_ms = -1;
  gint64 remember_ms = 0;

  if (!ds_conformance_read_int_or (op, "ignore_threshold_at_start_ms", -1, &threshold_ms,
                                   error) ||
      !ds_conformance_read_int_or (op, "remember_ms", 60000, &remember_ms, error))
    return FALSE;
  if (g_str_equal (filter, "accept all"))
    ds_dstream_set_file_filter (stream, ds_conformance_files_accept_all, NULL, NULL);
  else if (!g_str_equal (filter, "default"))
    return ds_conformance_skip (error, "the filter \"%s\" is not known", filter);
  if (threshold_ms > 0)
    return ds_conformance_skip (error, "a threshold that is not the stream's creation");
  if (threshold_ms == 0 || !ds_conformance_get_boolean (op, "new_files_only", TRUE))
    ds_dstream_set_file_selection (stream, DS_FILES_RECENT);
  g_object_set (self->session.streaming, "file-min-remember",
                remember_ms * DS_MILLISECOND, NULL);
  return TRUE;
}

static gboolean
ds_conformance_files_start (DsConformanceFiles *self, GError **error)
{
  JsonObject *json = self->test_case->json;
  gint64 zero_ms = 0;
  gint64 created_ms = 0;
  DsDStream *stream;

  if (!ds_conformance_read_int_or (json, "batch_ms", 1000, &self->batch_ms, error) ||
      !ds_conformance_read_int_or (json, "zero_time_ms", 0, &zero_ms, error) ||
      !ds_conformance_read_int_or (json, "stream_created_at_ms", zero_ms, &created_ms,
                                   error))
    return FALSE;
  if (created_ms != zero_ms)
    return ds_conformance_skip (error, "the stream is not made at the zero time");
  ds_conformance_session_init (&self->session, self->test_case->engine, self->batch_ms,
                               zero_ms);
  self->now_ms = zero_ms;
  stream = ds_conformance_files_make_stream (self, error);
  if (stream == NULL || !ds_conformance_files_set_options (self, stream, error))
    return FALSE;
  self->recorder = ds_conformance_recorder_new ();
  ds_conformance_recorder_attach (self->recorder, stream);
  return TRUE;
}

static gboolean
ds_conformance_files_tick (DsConformanceFiles *self, GError **error)
{
  g_autoptr (GError) local_error = NULL;

  self->now_ms += self->batch_ms;
  return ds_conformance_session_tick (&self->session, &local_error) ||
         ds_conformance_differ (error, "A batch failed: %s", local_error->message);
}

/* ---- What happens, in words ---- */

/* One sentence.  FALSE with an error, a skip when it is not understood. */
static gboolean
ds_conformance_files_do (DsConformanceFiles *self, const char *sentence, GError **error)
{
  g_autoptr (GRegex) writing =
      g_regex_new ("^(\\S+?):? written under (\\S+) with mtime (\\d+)$", 0, 0, NULL);
  g_autoptr (GRegex) renaming = g_regex_new ("^(\\S+) is renamed to (\\S+)$", 0, 0, NULL);
  g_autoptr (GRegex) batch = g_regex_new ("^batch (\\d+)(:.*)?$", 0, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;
  g_autofree char *third = NULL;

  if (g_regex_match (writing, sentence, 0, &match))
    {
      g_autoptr (GString) content = NULL;

      first = g_match_info_fetch (match, 1);
      second = g_match_info_fetch (match, 2);
      third = g_match_info_fetch (match, 3);
      content = ds_conformance_files_make_content (first);
      return ds_conformance_files_write (self, second, first, content,
                                         g_ascii_strtoll (third, NULL, 10), error);
    }
  g_clear_pointer (&match, g_match_info_free);
  if (g_regex_match (renaming, sentence, 0, &match))
    {
      g_autofree char *from = NULL;
      g_autofree char *to = NULL;
      g_autofree char *parent = NULL;

      first = g_match_info_fetch (match, 1);
      second = g_match_info_fetch (match, 2);
      from = ds_conformance_files_get_path (self, first);
      to = ds_conformance_files_get_path (self, second);
      parent = g_path_get_dirname (to);
      return (g_mkdir_with_parents (parent, 0755) == 0 && rename (from, to) == 0) ||
             ds_conformance_differ (error, "\"%s\" cannot be renamed", from);
    }
  g_clear_pointer (&match, g_match_info_free);
  if (g_regex_match (batch, sentence, 0, &match))
    {
      first = g_match_info_fetch (match, 1);
      while (self->now_ms < g_ascii_strtoll (first, NULL, 10))
        if (!ds_conformance_files_tick (self, error))
          return FALSE;
      return TRUE;
    }
  return ds_conformance_skip (error, "\"%s\" is not understood", sentence);
}

static gboolean
ds_conformance_files_run_timeline (DsConformanceFiles *self, GError **error)
{
  JsonArray *timeline =
      ds_conformance_read_array (self->test_case->json, "timeline", error);

  if (timeline == NULL || !ds_conformance_session_start (&self->session, error))
    return FALSE;
  for (guint i = 0; i < json_array_get_length (timeline); i++)
    {
      g_auto (GStrv) sentences =
          g_strsplit (json_array_get_string_element (timeline, i), ", then ", -1);

      for (guint j = 0; sentences[j] != NULL; j++)
        if (!ds_conformance_files_do (self, sentences[j], error))
          return FALSE;
    }
  return TRUE;
}

static gboolean
ds_conformance_files_run_batches (DsConformanceFiles *self, guint n, GError **error)
{
  if (!ds_conformance_files_add (self, self->now_ms, error) ||
      !ds_conformance_session_start (&self->session, error))
    return FALSE;
  for (guint i = 0; i < n; i++)
    if (!ds_conformance_files_add (self, self->now_ms + self->batch_ms, error) ||
        !ds_conformance_files_tick (self, error))
      return FALSE;
  return TRUE;
}

/* ---- What must come of it ---- */

static gboolean
ds_conformance_files_compare_times (DsConformanceFiles *self, GError **error)
{
  JsonArray *times;

  if (!ds_conformance_has (self->test_case->json, "expected_times_ms"))
    return TRUE;
  times = ds_conformance_read_array (self->test_case->json, "expected_times_ms", error);
  if (times == NULL)
    return FALSE;
  if (json_array_get_length (times) !=
      ds_conformance_recorder_get_length (self->recorder))
    return ds_conformance_differ (error, "Expected %u batches, found %u",
                                  json_array_get_length (times),
                                  ds_conformance_recorder_get_length (self->recorder));
  for (guint i = 0; i < json_array_get_length (times); i++)
    {
      gint64 found =
          ds_conformance_recorder_get_time (self->recorder, i) / DS_MILLISECOND;

      if (found != json_array_get_int_element (times, i))
        return ds_conformance_differ (error,
                                      "Batch %u: expected at %" G_GINT64_FORMAT
                                      " ms, found at %" G_GINT64_FORMAT " ms",
                                      i + 1, json_array_get_int_element (times, i),
                                      found);
    }
  return TRUE;
}

/* @member: "expected_nonempty": empty batches do not count */
static gboolean
ds_conformance_files_compare (DsConformanceFiles *self,
                              const char *member,
                              GError **error)
{
  JsonArray *expected = ds_conformance_read_array (self->test_case->json, member, error);
  g_autoptr (GPtrArray) blocks = ds_conformance_recorder_dup_blocks (self->recorder);

  if (expected == NULL)
    return FALSE;
  for (guint i = blocks->len; g_str_has_suffix (member, "nonempty") && i > 0; i--)
    if (ds_block_get_length (blocks->pdata[i - 1]) == 0)
      g_ptr_array_remove_index (blocks, i - 1);
  return ds_conformance_compare_blocks (expected, blocks,
                                        ds_conformance_get_order (self->test_case),
                                        error);
}

static const char *
ds_conformance_files_find_expected (DsConformanceCase *self)
{
  static const char *const members[] = { "expected", "expected_nonempty",
                                         "expected_files_per_batch" };

  for (gsize i = 0; i < G_N_ELEMENTS (members); i++)
    if (ds_conformance_has (self->json, members[i]))
      return members[i];
  return NULL;
}

gboolean
ds_conformance_run_files (DsConformanceCase *self, GError **error)
{
  g_auto (DsConformanceFiles) files = { .test_case = self };
  const char *member = ds_conformance_files_find_expected (self);
  JsonArray *expected;

  if (!ds_conformance_has (self->json, "files") &&
      !ds_conformance_has (self->json, "timeline"))
    return ds_conformance_skip (error, "%s without \"files\" and \"timeline\"",
                                self->op_name);
  if (member == NULL)
    return ds_conformance_differ (error, "The case expects nothing");
  expected = ds_conformance_read_array (self->json, member, error);
  if (expected == NULL)
    return FALSE;

  files.root = g_dir_make_tmp ("ds-conformance-XXXXXX", NULL);
  if (files.root == NULL)
    return ds_conformance_skip (error, "there is no room for files");
  if (!ds_conformance_files_start (&files, error))
    return FALSE;
  if (ds_conformance_has (self->json, "timeline")
          ? !ds_conformance_files_run_timeline (&files, error)
          : !ds_conformance_files_run_batches (&files, json_array_get_length (expected),
                                               error))
    return FALSE;
  return ds_conformance_files_compare_times (&files, error) &&
         ds_conformance_files_compare (&files, member, error);
}

gboolean
ds_conformance_run_file_batches (DsConformanceCase *self, GError **error)
{
  gint64 batch_ms = 0;
  gint64 min_remember_ms = 0;
  gint64 expected = 0;
  gint64 found;

  if (!ds_conformance_read_int (self->op, "batch_ms", &batch_ms, error) ||
      !ds_conformance_read_int (self->op, "min_remember_ms", &min_remember_ms, error) ||
      !ds_conformance_read_int (self->json, "expected", &expected, error))
    return FALSE;
  if (batch_ms <= 0)
    return ds_conformance_differ (error, "batch_ms must be more than 0");
  found = ds_directory_scanner_count_batches (min_remember_ms * DS_MILLISECOND,
                                              batch_ms * DS_MILLISECOND);
  return expected == found || ds_conformance_differ (error,
                                                     "Expected %" G_GINT64_FORMAT
                                                     " batches, found %" G_GINT64_FORMAT,
                                                     expected, found);
}
