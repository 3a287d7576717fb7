/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A stream on a manual clock, and a directory "in" for it, whose files are given their
 * times by that clock; what is told of files and batches. */

#include "tests/base/ds-test-directory.h"
#include "tests/dstream/ds-test-stream.h"

typedef struct
{
  DsTestStream stream;
  DsTestDirectory files;
  char *directory; /* "in" */
  GMutex lock;     /* guards what follows */
  GPtrArray *told; /* "name: reason" */
  gint64 n_bytes;
  gint64 n_files;
  gint64 n_records;
} DsTestFiles;

static inline void
ds_test_files_set_up (DsTestFiles *fixture, gconstpointer user_data)
{
  ds_test_directory_set_up (&fixture->files);
  ds_test_directory_make (&fixture->files, "in");
  fixture->directory = ds_test_directory_get_path (&fixture->files, "in");
  fixture->told = g_ptr_array_new_with_free_func (g_free);
  g_mutex_init (&fixture->lock);
  ds_test_stream_set_up (&fixture->stream, "local[2]");
}

static inline void
ds_test_files_tear_down (DsTestFiles *fixture, gconstpointer user_data)
{
  ds_test_stream_tear_down (&fixture->stream);
  ds_test_directory_tear_down (&fixture->files);
  g_ptr_array_unref (fixture->told);
  g_mutex_clear (&fixture->lock);
  g_free (fixture->directory);
}

/* Written now, by the clock of the stream. */
static inline void
ds_test_files_drop (DsTestFiles *fixture, const char *name, const char *content)
{
  ds_test_directory_write (&fixture->files, name, content,
                           ds_clock_get_time (DS_CLOCK (fixture->stream.clock)) + 1);
}

static inline DsDStream *
ds_test_files_add_text_stream (DsTestFiles *fixture)
{
  return ds_streaming_context_text_file_stream (fixture->stream.ssc, fixture->directory);
}

/* What a batch gave, with spaces between.  (transfer full) */
static inline char *
ds_test_files_get_batch (DsOutput *output, guint batch)
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

static inline void
ds_test_files_assert_batch (DsOutput *output, guint batch, const char *expected)
{
  g_autofree char *text = ds_test_files_get_batch (output, batch);

  g_assert_cmpstr (text, ==, expected);
}

static inline void
ds_test_files_note_told (DsStreamingContext *ssc,
                         DsDStream *stream,
                         const char *path,
                         const char *reason,
                         gpointer user_data)
{
  DsTestFiles *fixture = user_data;
  g_autofree char *name = g_path_get_basename (path);

  g_assert_true (g_utf8_validate (path, -1, NULL));
  g_mutex_lock (&fixture->lock);
  g_ptr_array_add (fixture->told, g_strdup_printf ("%s: %s", name, reason));
  g_mutex_unlock (&fixture->lock);
}

static inline void
ds_test_files_note_batch (DsStreamingContext *ssc, DsBatch *batch, gpointer user_data)
{
  DsTestFiles *fixture = user_data;

  g_mutex_lock (&fixture->lock);
  fixture->n_files += ds_batch_get_n_files_of (batch, 0);
  fixture->n_bytes += (gint64) ds_batch_get_n_bytes_of (batch, 0);
  fixture->n_records += ds_batch_get_n_records_of (batch, 0);
  g_mutex_unlock (&fixture->lock);
}

/* Listeners have heard everything once the context is stopped. */
static inline void
ds_test_files_stop (DsTestFiles *fixture)
{
  g_autoptr (GError) error = NULL;

  ds_streaming_context_stop (fixture->stream.ssc, DS_STOP_GRACEFULLY, &error);
  g_assert_no_error (error);
}

static inline void
ds_test_files_listen (DsTestFiles *fixture)
{
  g_signal_connect (fixture->stream.ssc, "file-passed-over",
                    G_CALLBACK (ds_test_files_note_told), fixture);
  g_signal_connect (fixture->stream.ssc, "batch-completed",
                    G_CALLBACK (ds_test_files_note_batch), fixture);
}
