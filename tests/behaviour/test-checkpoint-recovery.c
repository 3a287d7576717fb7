/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Going on from a checkpoint directory: files, how often sources are asked, queues. */

#include "tests/behaviour/behaviour.h"

#include "tests/base/ds-test-remove.h"

#include "dstream/ds-file-input-dstream-private.h"
#include "dstream/ds-streaming-context-private.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void
remove_tree (char *path)
{
  ds_test_remove_tree (path);
  g_free (path);
}

/* ---- file-stream-recovery ---- */

#define MS(n) ((n) *DS_MILLISECOND)

typedef struct
{
  char *root;
  char *files;
  char *checkpoints;
  DsManualClock *clock;
  Gate started;       /* batches whose output began */
  Gate submitted;     /* batches that were generated */
  Gate released;      /* the one that blocks may go on */
  gboolean is_second; /* nothing blocks */
  GMutex lock;
  GString *sums; /* "2000=1 " */
  DsDStream *stream;
} FileRecovery;

static DsValue
parse_line (DsValue line, DsTask *task, gpointer user_data)
{
  return ds_value_parse_int (line);
}

static gboolean
note_sum (DsRdd *rdd, DsBatch *batch, gpointer user_data, GError **error)
{
  FileRecovery *self = user_data;
  g_autoptr (DsBlock) block = NULL;
  gint64 sum = 0;

  gate_add (&self->started, 1);
  if (ds_batch_get_time (batch) == MS (6000) && !self->is_second)
    {
      gate_await (&self->released, 1);
      g_set_error (error, DS_ERROR, DS_ERROR_CANCELLED, "blocked until the stop");
      return FALSE;
    }
  block = ds_rdd_collect (rdd, error);
  if (block == NULL)
    return FALSE;
  for (gsize i = 0; i < ds_block_get_length (block); i++)
    sum += ds_value_get_int (ds_block_get (block, i));
  g_mutex_lock (&self->lock);
  g_string_append_printf (self->sums, "%" G_GINT64_FORMAT "=%" G_GINT64_FORMAT " ",
                          ds_batch_get_time (batch) / DS_MILLISECOND, sum);
  g_mutex_unlock (&self->lock);
  return TRUE;
}

static void
note_submitted (DsStreamingContext *streaming, DsBatch *batch, gpointer user_data)
{
  gate_add (&((FileRecovery *) user_data)->submitted, 1);
}

static DsStreamingContext *
set_up_files (gpointer user_data, GError **error)
{
  FileRecovery *self = user_data;
  DsStreamingContext *streaming =
      ds_streaming_context_new ("local[2]", "files", MS (2000));
  DsDStream *numbers;

  ds_streaming_context_set_clock (streaming, DS_CLOCK (self->clock));
  self->stream = ds_streaming_context_text_file_stream (streaming, self->files);
  numbers = ds_dstream_map (self->stream, parse_line, NULL, NULL);
  ds_dstream_foreach_rdd (ds_dstream_window (numbers, 60 * DS_SECOND, 0), note_sum, self,
                          NULL);
  g_signal_connect (streaming, "batch-submitted", G_CALLBACK (note_submitted), self);
  return streaming;
}

static void
write_number (FileRecovery *self, int number)
{
  g_autofree char *name = g_strdup_printf ("file-%d", number);
  g_autofree char *path = g_build_filename (self->files, name, NULL);
  g_autofree char *text = g_strdup_printf ("%d\n", number);
  DsTime now = ds_clock_get_time (DS_CLOCK (self->clock));
  struct timespec stamp = { now / DS_SECOND, now % DS_SECOND * 1000 };
  struct timespec times[2] = { stamp, stamp };

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  g_assert_cmpint (utimensat (AT_FDCWD, path, times, 0), ==, 0);
}

static DsStreamingContext *
start_files (FileRecovery *self)
{
  g_autoptr (GError) error = NULL;
  DsStreamingContext *streaming =
      ds_streaming_context_get_or_create (self->checkpoints, set_up_files, self, &error);

  g_assert_no_error (error);
  ds_streaming_context_start (streaming, &error);
  g_assert_no_error (error);
  return streaming;
}

static void
advance_to (FileRecovery *self, gint64 ms)
{
  ds_manual_clock_set_time (self->clock, MS (ms));
}

static void
await_batch (DsStreamingContext *streaming, gint64 ms)
{
  g_autoptr (GError) error = NULL;

  ds_streaming_context_await_batch (streaming, MS (ms), &error);
  g_assert_no_error (error);
}

/* The numbers of the files that the batches up to @ms had, as far as they are remembered.
 * (transfer full) */
static char *
list_remembered (FileRecovery *self, gint64 ms)
{
  GString *names = g_string_new (NULL);

  for (gint64 time = 2000; time <= ms; time += 2000)
    {
      g_autoptr (GPtrArray) files =
          ds_file_input_dstream_find_files (DS_FILE_INPUT_DSTREAM (self->stream),
                                            MS (time));

      for (guint i = 0; files != NULL && i < files->len; i++)
        g_string_append_printf (names, "%s ",
                                strrchr (((DsPlannedFile *) files->pdata[i])->path, '-') +
                                    1);
    }
  return g_string_free (names, FALSE);
}

static void
run_before (FileRecovery *self)
{
  g_autoptr (DsStreamingContext) streaming = start_files (self);

  advance_to (self, 1000);
  write_number (self, 1);
  advance_to (self, 3000);
  await_batch (streaming, 2000);
  write_number (self, 2);
  advance_to (self, 5000);
  await_batch (streaming, 4000);
  write_number (self, 3);
  advance_to (self, 7000);
  gate_await (&self->started, 3);
  advance_to (self, 9000);
  gate_await (&self->submitted, 4);
  g_assert_cmpstr (self->sums->str, ==, "2000=1 4000=3 ");

  /* What blocks would be left to itself after 2 s; it ends with the stop instead. */
  ds_streaming_context_ask_to_stop (streaming, DS_STOP_NOW);
  gate_add (&self->released, 1);
  ds_streaming_context_stop (streaming, DS_STOP_NOW, NULL);
}

static void
test_file_stream_recovery (void)
{
  FileRecovery self = { .clock = ds_manual_clock_new (0), .sums = g_string_new (NULL) };
  g_autofree char *before_restart = NULL;
  g_autofree char *at_end = NULL;
  g_autoptr (DsStreamingContext) streaming = NULL;
  DsRecovery *recovery;

  self.root = g_dir_make_tmp ("ds-behaviour-XXXXXX", NULL);
  self.files = g_build_filename (self.root, "in", NULL);
  self.checkpoints = g_build_filename (self.root, "checkpoints", NULL);
  g_assert_cmpint (g_mkdir (self.files, 0755), ==, 0);
  gate_init (&self.started);
  gate_init (&self.submitted);
  gate_init (&self.released);
  g_mutex_init (&self.lock);
  run_before (&self);

  advance_to (&self, 9000);
  write_number (&self, 4);
  advance_to (&self, 11000);
  write_number (&self, 5);
  advance_to (&self, 13000);
  write_number (&self, 6);
  advance_to (&self, 15000);
  self.is_second = TRUE;
  g_string_truncate (self.sums, 0);

  streaming =
      ds_streaming_context_get_or_create (self.checkpoints, set_up_files, &self, NULL);
  g_assert_nonnull (streaming);
  recovery = ds_streaming_context_get_recovery (streaming);
  /* Pending, and down: everything from 6000 on up to now. */
  g_assert_cmpint (ds_recovery_get_last_time (recovery), ==, MS (8000));
  g_assert_cmpint (ds_recovery_get_replay (recovery, MS (4000)), ==, DS_REPLAY_STATE);
  g_assert_cmpint (ds_recovery_get_replay (recovery, MS (6000)), ==, DS_REPLAY_OUTPUTS);
  g_assert_cmpint (ds_recovery_get_replay (recovery, MS (8000)), ==, DS_REPLAY_OUTPUTS);
  g_assert_cmpint (ds_recovery_get_replay (recovery, MS (10000)), ==, DS_REPLAY_NOT);
  g_assert_true (ds_streaming_context_start (streaming, NULL));
  await_batch (streaming, 14000);
  before_restart = list_remembered (&self, 8000);
  g_assert_cmpstr (before_restart, ==, "1 2 3 ");
  g_assert_cmpstr (self.sums->str, ==, "6000=6 8000=6 10000=10 12000=15 14000=21 ");

  for (int number = 7; number <= 9; number++)
    {
      write_number (&self, number);
      advance_to (&self, 2000 * number + 3000);
      await_batch (streaming, 2000 * number + 2000);
    }
  g_assert_true (g_str_has_suffix (self.sums->str, " 16000=28 18000=36 20000=45 "));
  at_end = list_remembered (&self, 20000);
  g_assert_cmpstr (at_end, ==, "1 2 3 4 5 6 7 8 9 ");
  behaviour_stop (streaming);

  gate_clear (&self.started);
  gate_clear (&self.submitted);
  gate_clear (&self.released);
  g_mutex_clear (&self.lock);
  g_string_free (self.sums, TRUE);
  g_clear_object (&self.clock);
  g_free (self.files);
  g_free (self.checkpoints);
  remove_tree (self.root);
}

/* ---- restore-called-once ---- */

#define TEST_TYPE_COUNTING_SOURCE (counting_source_get_type ())
G_DECLARE_FINAL_TYPE (CountingSource,
                      counting_source,
                      TEST,
                      COUNTING_SOURCE,
                      DsInputDStream)

struct _CountingSource
{
  DsInputDStream parent_instance;
  GHashTable *n_asked; /* of a batch time in s */
};

G_DEFINE_FINAL_TYPE (CountingSource, counting_source, DS_TYPE_INPUT_DSTREAM)

static DsRdd *
counting_source_compute (DsInputDStream *input, DsTime batch_time, GError **error)
{
  CountingSource *self = TEST_COUNTING_SOURCE (input);
  gpointer key = GINT_TO_POINTER ((int) (batch_time / DS_SECOND));
  int n = GPOINTER_TO_INT (g_hash_table_lookup (self->n_asked, key));

  g_hash_table_insert (self->n_asked, key, GINT_TO_POINTER (n + 1));
  return ds_context_empty (
      ds_streaming_context_get_context (ds_dstream_get_context (DS_DSTREAM (self))));
}

static void
counting_source_finalize (GObject *object)
{
  g_hash_table_unref (TEST_COUNTING_SOURCE (object)->n_asked);
  G_OBJECT_CLASS (counting_source_parent_class)->finalize (object);
}

static void
counting_source_class_init (CountingSourceClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = counting_source_finalize;
  DS_INPUT_DSTREAM_CLASS (klass)->compute = counting_source_compute;
}

static void
counting_source_init (CountingSource *self)
{
  self->n_asked = g_hash_table_new (NULL, NULL);
}

typedef struct
{
  DsManualClock *clock;
  CountingSource *source; /* of the newest context */
} Restore;

static DsStreamingContext *
set_up_counting (gpointer user_data, GError **error)
{
  Restore *self = user_data;
  DsStreamingContext *streaming =
      ds_streaming_context_new ("local[1]", "restore", DS_SECOND);
  DsDStream *stream;

  ds_streaming_context_set_clock (streaming, DS_CLOCK (self->clock));
  g_set_object (&self->source, NULL);
  self->source = g_object_new (TEST_TYPE_COUNTING_SOURCE, NULL);
  stream = ds_streaming_context_input_stream (streaming, DS_INPUT_DSTREAM (self->source));
  for (guint i = 0; i < 3; i++)
    ds_dstream_foreach_rdd (ds_dstream_window (stream, 2 * DS_SECOND, 0),
                            behaviour_ignore_rdd, NULL, NULL);
  return streaming;
}

static int
count_asked (Restore *self, int k)
{
  return GPOINTER_TO_INT (
      g_hash_table_lookup (self->source->n_asked, GINT_TO_POINTER (k)));
}

static void
test_restore_called_once (void)
{
  Restore self = { .clock = ds_manual_clock_new (0) };
  char *directory = g_dir_make_tmp ("ds-behaviour-XXXXXX", NULL);
  g_autoptr (GError) error = NULL;
  DsStreamingContext *streaming;

  streaming =
      ds_streaming_context_get_or_create (directory, set_up_counting, &self, &error);
  g_assert_no_error (error);
  g_assert_true (ds_streaming_context_start (streaming, &error));
  for (int k = 1; k <= 3; k++)
    behaviour_tick (streaming, self.clock);
  for (int k = 1; k <= 3; k++)
    g_assert_cmpint (count_asked (&self, k), ==, 1);
  g_assert_cmpint (count_asked (&self, 0), ==, 0);
  ds_streaming_context_stop (streaming, DS_STOP_NOW, NULL);
  g_object_unref (streaming);

  streaming =
      ds_streaming_context_get_or_create (directory, set_up_counting, &self, &error);
  g_assert_no_error (error);
  g_assert_true (ds_streaming_context_start (streaming, &error));
  ds_streaming_context_await_batch (streaming, 3 * DS_SECOND, &error);
  g_assert_no_error (error);
  for (int k = 1; k <= 3; k++)
    g_assert_cmpint (count_asked (&self, k), ==, 1);
  behaviour_stop (streaming);
  g_object_unref (streaming);
  g_clear_object (&self.source);
  g_clear_object (&self.clock);
  remove_tree (directory);
}

/* ---- queue-with-checkpointing ---- */

static DsStreamingContext *
set_up_queue (gpointer user_data, GError **error)
{
  DsStreamingContext *streaming =
      ds_streaming_context_new ("local[1]", "queue", DS_SECOND);

  ds_streaming_context_set_clock (streaming, DS_CLOCK (user_data));
  ds_dstream_foreach_rdd (ds_streaming_context_queue_stream (streaming),
                          behaviour_ignore_rdd, NULL, NULL);
  return streaming;
}

static void
test_queue_with_checkpointing (void)
{
  g_autoptr (DsManualClock) clock = ds_manual_clock_new (0);
  char *directory = g_dir_make_tmp ("ds-behaviour-XXXXXX", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (DsStreamingContext) streaming =
      ds_streaming_context_get_or_create (directory, set_up_queue, clock, &error);

  g_assert_no_error (error);
  g_assert_true (ds_streaming_context_start (streaming, &error));
  behaviour_tick (streaming, clock);
  behaviour_stop (streaming);
  g_clear_object (&streaming);

  streaming = ds_streaming_context_get_or_create (directory, set_up_queue, clock, &error);
  g_assert_null (streaming);
  g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_STATE);
  g_assert_nonnull (strstr (error->message, "queueStream doesn't support checkpointing"));
  remove_tree (directory);
}

/* ---- getorcreate ---- */

typedef struct
{
  char *directory;
  DsManualClock *clock;
  DsContext *engine; /* (nullable): the one to build on */
  gboolean allows_fresh_start;
  guint n_calls;
  GString *counts; /* "<time in s>:<count of all>" */
} GetOrCreate;

static DsValue
count_all (DsValue key,
           const DsValue *values,
           gsize n_values,
           DsValue state,
           DsTask *task,
           gpointer unused)
{
  return ds_value_int (ds_value_get_int_or (state, 0) + (gint64) n_values);
}

static gboolean
note_counts (DsRdd *rdd, DsBatch *batch, gpointer user_data, GError **error)
{
  GetOrCreate *self = user_data;
  g_autoptr (DsBlock) block = ds_rdd_collect (rdd, error);

  if (block == NULL)
    return FALSE;
  g_string_append_printf (self->counts, "%" G_GINT64_FORMAT ":%" G_GINT64_FORMAT " ",
                          ds_batch_get_time (batch) / DS_SECOND,
                          ds_block_get_length (block) > 0
                              ? ds_value_get_int (ds_pair_value (ds_block_get (block, 0)))
                              : 0);
  return TRUE;
}

static DsValue
pair_with_key (DsValue record, DsTask *task, gpointer unused)
{
  return ds_pair (task, ds_value_string ("all"), ds_value_int (1));
}

static DsStreamingContext *
set_up_counts (gpointer user_data, GError **error)
{
  GetOrCreate *self = user_data;
  g_autoptr (DsContext) engine = self->engine != NULL
                                     ? g_object_ref (self->engine)
                                     : ds_context_new ("local[1]", "getorcreate");
  DsStreamingContext *streaming =
      ds_streaming_context_new_for_context (engine, DS_SECOND);
  DsDStream *pairs = ds_dstream_map (ds_streaming_context_rate_stream (streaming, 2),
                                     pair_with_key, NULL, NULL);
  DsDStream *counts = ds_dstream_update_state_by_key (pairs, count_all, NULL, NULL);

  self->n_calls++;
  ds_streaming_context_set_clock (streaming, DS_CLOCK (self->clock));
  ds_dstream_checkpoint (counts, DS_SECOND);
  ds_dstream_foreach_rdd (counts, note_counts, self, NULL);
  if (self->allows_fresh_start)
    ds_streaming_context_allow_fresh_start (streaming);
  return streaming;
}

static void
get_or_create_set_up (GetOrCreate *self, gconstpointer unused)
{
  self->directory = g_dir_make_tmp ("ds-behaviour-XXXXXX", NULL);
  self->clock = ds_manual_clock_new (0);
  self->counts = g_string_new (NULL);
}

static void
get_or_create_tear_down (GetOrCreate *self, gconstpointer unused)
{
  remove_tree (self->directory);
  g_clear_object (&self->clock);
  g_string_free (self->counts, TRUE);
}

/* (transfer full) */
static DsStreamingContext *
get_or_create (GetOrCreate *self, gboolean is_recovered, guint n_calls)
{
  g_autoptr (GError) error = NULL;
  DsStreamingContext *streaming =
      ds_streaming_context_get_or_create (self->directory, set_up_counts, self, &error);

  g_assert_no_error (error);
  g_assert_cmpint (ds_streaming_context_is_recovered (streaming), ==, is_recovered);
  g_assert_cmpuint (self->n_calls, ==, n_calls);
  return streaming;
}

static void
run_two_batches (GetOrCreate *self, DsStreamingContext *streaming)
{
  g_autoptr (GError) error = NULL;

  ds_streaming_context_start (streaming, &error);
  g_assert_no_error (error);
  behaviour_tick (streaming, self->clock);
  behaviour_tick (streaming, self->clock);
  ds_streaming_context_stop (streaming, DS_STOP_NOW | DS_STOP_KEEP_CONTEXT, NULL);
}

static void
damage_checkpoints (GetOrCreate *self)
{
  g_autoptr (GDir) dir = g_dir_open (self->directory, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL)
    if (g_str_has_prefix (name, "ckpt-"))
      {
        g_autofree char *path = g_build_filename (self->directory, name, NULL);

        g_assert_true (g_file_set_contents_full (path, "unreadable", -1,
                                                 G_FILE_SET_CONTENTS_NONE, 0600, NULL));
      }
}

static void
test_get_or_create (GetOrCreate *self, gconstpointer unused)
{
  g_autoptr (DsStreamingContext) first = get_or_create (self, FALSE, 1);
  g_autoptr (DsStreamingContext) second = NULL;
  g_autoptr (DsStreamingContext) third = NULL;
  g_autoptr (DsStreamingContext) fourth = NULL;
  g_autoptr (GError) error = NULL;

  g_test_summary ("An empty directory, a valid checkpoint, unreadable ones");

  run_two_batches (self, first);
  g_assert_cmpstr (self->counts->str, ==, "1:2 2:4 ");
  g_string_truncate (self->counts, 0);
  second = get_or_create (self, TRUE, 2);
  run_two_batches (self, second);
  g_assert_cmpstr (self->counts->str, ==, "2:4 3:6 4:8 ");

  damage_checkpoints (self);
  third =
      ds_streaming_context_get_or_create (self->directory, set_up_counts, self, &error);
  g_assert_null (third);
  g_assert_error (error, DS_ERROR, DS_ERROR_CORRUPT);

  self->allows_fresh_start = TRUE;
  fourth = get_or_create (self, FALSE, 4);
  g_string_truncate (self->counts, 0);
  run_two_batches (self, fourth);
  g_assert_true (g_str_has_prefix (self->counts->str, "5:2 6:4 "));
}

static void
test_get_or_create_on_an_existing_engine (GetOrCreate *self, gconstpointer unused)
{
  g_autoptr (DsContext) engine = ds_context_new ("local[1]", "existing");
  g_autoptr (DsStreamingContext) first = NULL;
  g_autoptr (DsStreamingContext) second = NULL;

  self->engine = engine;
  first = get_or_create (self, FALSE, 1);
  run_two_batches (self, first);
  second = get_or_create (self, TRUE, 2);
  g_assert_true (ds_streaming_context_get_context (second) == engine);
  run_two_batches (self, second);
  g_assert_cmpstr (self->counts->str, ==, "1:2 2:4 2:4 3:6 4:8 ");
}

static void
test_get_active_or_create (GetOrCreate *self, gconstpointer unused)
{
  g_autoptr (DsStreamingContext) active = get_or_create (self, FALSE, 1);
  g_autoptr (DsStreamingContext) found = NULL;
  g_autoptr (GError) error = NULL;

  ds_streaming_context_start (active, &error);
  g_assert_no_error (error);
  found = ds_streaming_context_get_active_or_create ("/nowhere/at/all", set_up_counts,
                                                     self, &error);
  g_assert_no_error (error);
  g_assert_true (found == active);
  g_assert_cmpuint (self->n_calls, ==, 1);
  behaviour_stop (active);
}

static void
test_checkpoint_directory_from_settings (GetOrCreate *self, gconstpointer unused)
{
  g_autoptr (DsStreamingContext) streaming = NULL;
  g_autoptr (GDir) dir = NULL;
  gboolean has_checkpoint = FALSE;
  const char *name;

  g_test_summary ("The setting alone turns checkpoints on");
  g_setenv ("DS_STREAMING_CHECKPOINT_DIRECTORY", self->directory, TRUE);
  streaming = set_up_counts (self, NULL);
  g_unsetenv ("DS_STREAMING_CHECKPOINT_DIRECTORY");
  run_two_batches (self, streaming);
  dir = g_dir_open (self->directory, 0, NULL);
  while ((name = g_dir_read_name (dir)) != NULL)
    has_checkpoint = has_checkpoint || g_str_has_prefix (name, "ckpt-");
  g_assert_true (has_checkpoint);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/behaviour/file-stream-recovery", test_file_stream_recovery);
  g_test_add_func ("/behaviour/restore-called-once", test_restore_called_once);
  g_test_add_func ("/behaviour/queue-with-checkpointing", test_queue_with_checkpointing);
  g_test_add ("/behaviour/getorcreate", GetOrCreate, NULL, get_or_create_set_up,
              test_get_or_create, get_or_create_tear_down);
  g_test_add ("/behaviour/getorcreate/existing-engine", GetOrCreate, NULL,
              get_or_create_set_up, test_get_or_create_on_an_existing_engine,
              get_or_create_tear_down);
  g_test_add ("/behaviour/getorcreate/another-is-active", GetOrCreate, NULL,
              get_or_create_set_up, test_get_active_or_create, get_or_create_tear_down);
  g_test_add ("/behaviour/checkpoint-directory-from-settings", GetOrCreate, NULL,
              get_or_create_set_up, test_checkpoint_directory_from_settings,
              get_or_create_tear_down);
  return g_test_run ();
}
