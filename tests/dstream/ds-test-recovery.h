/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Programs that are stopped and go on: the same graph is built by each run, over one
 * checkpoint directory, from a source that gives batch k the same words whenever it is
 * asked.  What outputs gave is written down with the time of the batch. */

#include "tests/dstream/ds-test-stream.h"

/* ---- The source ---- */

#define DS_TYPE_TEST_SOURCE (ds_test_source_get_type ())
G_DECLARE_FINAL_TYPE (DsTestSource, ds_test_source, DS, TEST_SOURCE, DsInputDStream)

struct _DsTestSource
{
  DsInputDStream parent_instance;
  guint salt;
};

G_DEFINE_FINAL_TYPE (DsTestSource, ds_test_source, DS_TYPE_INPUT_DSTREAM)

/* Words of batch @k: none to twenty of "a" to "i". */
static inline DsBlock *
ds_test_source_make_block (guint salt, gint64 k)
{
  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
  gint64 n_words = (k * 7 + salt) % 21;

  for (gint64 i = 0; i < n_words; i++)
    {
      char word[2] = { (char) ('a' + (k * k + i * (3 + salt)) % 9), '\0' };

      ds_block_builder_add_string (builder, word);
    }
  return ds_block_builder_end (builder);
}

static inline DsRdd *
ds_test_source_compute (DsInputDStream *stream, DsTime batch_time, GError **error)
{
  g_autoptr (DsBlock) block =
      ds_test_source_make_block (DS_TEST_SOURCE (stream)->salt, batch_time / DS_SECOND);

  return ds_context_parallelize (ds_streaming_context_get_context (
                                     ds_dstream_get_context (DS_DSTREAM (stream))),
                                 block, 3);
}

static inline void
ds_test_source_class_init (DsTestSourceClass *klass)
{
  DS_INPUT_DSTREAM_CLASS (klass)->compute = ds_test_source_compute;
}

static inline void
ds_test_source_init (DsTestSource *self)
{
}

static inline DsDStream *
ds_test_source_add (DsStreamingContext *ssc, guint salt)
{
  g_autoptr (DsTestSource) self = g_object_new (DS_TYPE_TEST_SOURCE, NULL);

  self->salt = salt;
  return ds_streaming_context_input_stream (ssc, DS_INPUT_DSTREAM (self));
}

/* ---- Functions whose results tell in which order they were called ---- */

static inline DsValue
ds_test_add_doubles (DsValue a, DsValue b, DsTask *task, gpointer user_data)
{
  return ds_value_double (ds_value_get_double (a) + ds_value_get_double (b));
}

static inline DsValue
ds_test_subtract_doubles (DsValue a, DsValue b, DsTask *task, gpointer user_data)
{
  return ds_value_double (ds_value_get_double (a) - ds_value_get_double (b));
}

static inline DsValue
ds_test_join_texts (DsValue a, DsValue b, DsTask *task, gpointer user_data)
{
  gsize n_a;
  gsize n_b;
  const char *text_a = ds_value_get_string (a, &n_a);
  const char *text_b = ds_value_get_string (b, &n_b);

  return ds_string_printf (task, "%.*s%.*s", (int) n_a, text_a, (int) n_b, text_b);
}

/* ---- A program ---- */

typedef struct _DsTestProgram DsTestProgram;

/* Builds a graph and records its streams with ds_test_program_record (). */
typedef void (*DsTestBuildFunc) (DsTestProgram *program, DsStreamingContext *ssc);

struct _DsTestProgram
{
  DsTestBuildFunc build;
  const char *master;
  char *directory; /* of checkpoints */
  DsManualClock *clock;
  DsStreamingContext *ssc; /* (nullable): between two runs */
  GMutex lock;             /* guards what follows */
  GString *log; /* "<time in s>: <values>\n", "again" behind the time of a replay */
};

static inline void
ds_test_program_set_up (DsTestProgram *self, DsTestBuildFunc build)
{
  *self = (DsTestProgram){ .build = build, .master = "local[2]" };
  self->directory = g_dir_make_tmp ("ds-recovery-XXXXXX", NULL);
  self->clock = ds_manual_clock_new (0);
  self->log = g_string_new (NULL);
  g_mutex_init (&self->lock);
}

/* DsForeachRddFunc */
static inline gboolean
ds_test_program_note (DsRdd *rdd, DsBatch *batch, gpointer user_data, GError **error)
{
  DsTestProgram *self = user_data;
  g_autoptr (DsBlock) block = ds_rdd_collect (rdd, error);
  g_autofree char *values = NULL;

  if (block == NULL)
    return FALSE;
  values = ds_block_to_string (block);
  g_mutex_lock (&self->lock);
  g_string_append_printf (self->log, "%" G_GINT64_FORMAT "%s: %s\n",
                          ds_batch_get_time (batch) / DS_SECOND,
                          ds_batch_is_replay (batch) ? " again" : "",
                          g_strdelimit (g_strchomp (values), "\n", ' '));
  g_mutex_unlock (&self->lock);
  return TRUE;
}

static inline void
ds_test_program_record (DsTestProgram *self, DsDStream *stream)
{
  ds_dstream_foreach_rdd (stream, ds_test_program_note, self, NULL);
}

/* DsSetupFunc */
static inline DsStreamingContext *
ds_test_program_make (gpointer user_data, GError **error)
{
  DsTestProgram *self = user_data;
  DsStreamingContext *ssc =
      ds_streaming_context_new (ds_test_choose_master (self->master), "test", DS_SECOND);

  ds_streaming_context_set_clock (ssc, DS_CLOCK (self->clock));
  self->build (self, ssc);
  return ssc;
}

static inline gboolean
ds_test_program_try_start (DsTestProgram *self, GError **error)
{
  self->ssc = ds_streaming_context_get_or_create (self->directory, ds_test_program_make,
                                                  self, error);
  return self->ssc != NULL && ds_streaming_context_start (self->ssc, error);
}

static inline void
ds_test_program_start (DsTestProgram *self)
{
  g_autoptr (GError) error = NULL;

  ds_test_program_try_start (self, &error);
  g_assert_no_error (error);
}

/* Until batch @k is over. */
static inline void
ds_test_program_run_until (DsTestProgram *self, gint64 k)
{
  g_autoptr (GError) error = NULL;

  while (ds_clock_get_time (DS_CLOCK (self->clock)) < k * DS_SECOND)
    {
      ds_manual_clock_advance (self->clock, DS_SECOND);
      ds_streaming_context_await_batch (self->ssc,
                                        ds_clock_get_time (DS_CLOCK (self->clock)),
                                        &error);
      g_assert_no_error (error);
    }
  ds_streaming_context_await_batch (self->ssc, k * DS_SECOND, &error);
  g_assert_no_error (error);
}

static inline void
ds_test_program_stop (DsTestProgram *self, DsStopFlags flags)
{
  g_autoptr (GError) error = NULL;

  ds_streaming_context_stop (self->ssc, flags, &error);
  g_assert_no_error (error);
  g_clear_object (&self->ssc);
}

static inline void
ds_test_program_tear_down (DsTestProgram *self)
{
  if (self->ssc != NULL)
    ds_test_program_stop (self, DS_STOP_NOW);
  ds_test_drop_directory (self->directory);
  g_clear_object (&self->clock);
  g_string_free (self->log, TRUE);
  g_mutex_clear (&self->lock);
}

/* ---- Going wrong ---- */

/* Tries to go on: the error.  (transfer full) */
static inline GError *
ds_test_program_fail_to_start (DsTestProgram *program)
{
  GError *error = NULL;

  g_assert_false (ds_test_program_try_start (program, &error));
  g_assert_nonnull (error);
  g_clear_object (&program->ssc);
  return error;
}

static inline int
ds_test_compare_paths (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* Names of checkpoints, oldest first.  (transfer full) */
static inline GPtrArray *
ds_test_program_list_files (DsTestProgram *program, const char *prefix)
{
  GPtrArray *paths = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GDir) dir = g_dir_open (program->directory, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL)
    if (g_str_has_prefix (name, prefix))
      g_ptr_array_add (paths, g_build_filename (program->directory, name, NULL));
  g_ptr_array_sort (paths, ds_test_compare_paths);
  return paths;
}

static inline void
ds_test_damage (const char *path)
{
  g_autofree char *content = NULL;
  gsize n_bytes;

  g_assert_true (g_file_get_contents (path, &content, &n_bytes, NULL));
  content[n_bytes / 2] ^= 0x20;
  g_assert_true (g_file_set_contents_full (path, content, (gssize) n_bytes,
                                           G_FILE_SET_CONTENTS_NONE, 0600, NULL));
}

/* ---- Comparing ---- */

/* Lines of @log, without " again"; of several runs of a batch the last. */
static inline GHashTable *
ds_test_index_log (const char *log)
{
  g_auto (GStrv) lines = g_strsplit (log, "\n", -1);
  GHashTable *index = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autoptr (GHashTable) n_of_time =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; lines[i] != NULL && *lines[i] != '\0'; i++)
    {
      g_auto (GStrv) parts = g_strsplit (lines[i], ": ", 2);
      g_autofree char *time = g_strdup (parts[0]);
      char *again = strstr (time, " again");
      guint n;

      if (again != NULL)
        *again = '\0';
      /* Outputs of one run of a batch come in their order. */
      n = GPOINTER_TO_UINT (g_hash_table_lookup (n_of_time, parts[0]));
      g_hash_table_insert (n_of_time, g_strdup (parts[0]), GUINT_TO_POINTER (n + 1));
      g_hash_table_insert (index, g_strdup_printf ("%s#%u", time, n),
                           g_strdup (parts[1]));
    }
  return index;
}

static inline void
ds_test_assert_same_log (const char *expected, const char *found, const char *what)
{
  g_autoptr (GHashTable) wanted = ds_test_index_log (expected);
  g_autoptr (GHashTable) got = ds_test_index_log (found);
  GHashTableIter iter;
  gpointer key;
  gpointer value;

  g_assert_cmpuint (g_hash_table_size (wanted), >, 0);
  g_hash_table_iter_init (&iter, wanted);
  while (g_hash_table_iter_next (&iter, &key, &value))
    {
      const char *other = g_hash_table_lookup (got, key);

      if (g_strcmp0 (value, other) != 0)
        g_error ("%s: output %s is \"%s\", without a stop it is \"%s\"", what,
                 (char *) key, other != NULL ? other : "missing", (char *) value);
    }
  g_assert_cmpuint (g_hash_table_size (wanted), ==, g_hash_table_size (got));
}
