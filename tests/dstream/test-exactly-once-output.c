/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* save_as_..._files of a streaming context that has checkpoints: committed batches, what
 * start refuses, and options. */

#include "base/ds-durable-file-private.h"
#include "base/ds-error.h"
#include "base/ds-manifest-chain-private.h"
#include "dstream/ds-streaming-context-private.h"
#include "tests/base/ds-test-tree.h"
#include "tests/dstream/ds-test-stream.h"

#include <errno.h>
#include <fcntl.h>

static const guint8 application[DS_APPLICATION_ID_BYTES] = "application-----";
static const guint8 another[DS_APPLICATION_ID_BYTES] = "another---------";

typedef struct
{
  DsTestStream test;
  DsDStream *stream;
  char *directory;
  char *prefix;
} Fixture;

/* A stream of the batches "a" "b" (two partitions), nothing, "c". */
static void
set_up_stream (Fixture *fixture, const guint8 *id)
{
  ds_test_stream_set_up (&fixture->test, "local[2]");
  ds_streaming_context_set_application_id (fixture->test.ssc, id);
  fixture->stream = ds_streaming_context_queue_stream (fixture->test.ssc);
  ds_test_stream_push (fixture->stream, "a", "b", NULL);
  ds_test_stream_push (fixture->stream, NULL);
  ds_test_stream_push (fixture->stream, "c", NULL);
}

static void
set_up (Fixture *fixture, gconstpointer user_data)
{
  fixture->directory = ds_test_tree_new ();
  fixture->prefix = g_build_filename (fixture->directory, "new", "out", NULL);
  set_up_stream (fixture, application);
}

static void
tear_down (Fixture *fixture, gconstpointer user_data)
{
  ds_test_stream_tear_down (&fixture->test);
  ds_test_tree_free (fixture->directory);
  g_free (fixture->prefix);
}

/* Ends the context and begins again, as after a crash of which nothing is known. */
static void
begin_again (Fixture *fixture, const guint8 *id)
{
  ds_test_stream_tear_down (&fixture->test);
  set_up_stream (fixture, id);
}

static DsOutput *
save (Fixture *fixture)
{
  return ds_dstream_save_as_text_files (fixture->stream, fixture->prefix, "txt");
}

static void
assert_start_fails (Fixture *fixture, DsError code, const char *text)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (ds_streaming_context_start (fixture->test.ssc, &error));
  g_assert_error (error, DS_ERROR, (int) code);
  g_assert_nonnull (strstr (error->message, text));
}

static gboolean
append_batch (const DsManifest *manifest, gpointer user_data, GError **error)
{
  g_string_append_printf (user_data, "%s %d:%u ", manifest->output_name,
                          (int) manifest->batch_ms, manifest->files->len);
  return TRUE;
}

static void
assert_committed (Fixture *fixture, const char *expected)
{
  g_autofree char *path = g_build_filename (fixture->directory, "new", "_ds-out", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (DsManifestChain) chain = ds_manifest_chain_open_to_read (path, &error);
  g_autoptr (GString) text = g_string_new (NULL);

  g_assert_no_error (error);
  ds_manifest_chain_foreach (chain, append_batch, text, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (text->str, ==, expected);
}

#define EMPTY(ms) "new/out-" ms ".txt/_SUCCESS<>\nnew/out-" ms ".txt/part-00000<>\n"
#define EMPTIES(ms) EMPTY (ms) "new/out-" ms ".txt/part-00001<>\n"
#define BATCH_1                                                     \
  "new/out-1000.txt/_SUCCESS<>\nnew/out-1000.txt/part-00000<a\n>\n" \
  "new/out-1000.txt/part-00001<b\n>\n"
#define BATCH_3                                                  \
  "new/out-3000.txt/_SUCCESS<>\nnew/out-3000.txt/part-00000<>\n" \
  "new/out-3000.txt/part-00001<c\n>\n"

static void
test_batches_are_committed (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("Every batch has its directory and its manifest, empty ones too");

  save (fixture);
  ds_test_stream_start (&fixture->test);
  ds_test_stream_run (&fixture->test, 3);
  ds_test_assert_tree (fixture->directory, "_ds-", BATCH_1 EMPTIES ("2000") BATCH_3);
  assert_committed (fixture, "save_as_text_files-0 1000:2 save_as_text_files-0 2000:2 "
                             "save_as_text_files-0 3000:2 ");
}

static void
test_without_checkpoints_nothing_is_committed (Fixture *fixture, gconstpointer user_data)
{
  g_autofree char *prefix = g_build_filename (fixture->directory, "plain", NULL);
  DsTestStream plain;
  DsDStream *stream;

  g_test_summary ("Without a checkpoint directory there are no manifests, and no lock");

  ds_test_stream_set_up (&plain, "local");
  g_assert_null (ds_streaming_context_get_application_id (plain.ssc));
  stream = ds_streaming_context_queue_stream (plain.ssc);
  ds_output_set_adopt_output (ds_dstream_save_as_text_files (stream, prefix, NULL), TRUE);
  ds_test_stream_push (stream, "x", NULL);
  ds_test_stream_start (&plain);
  ds_test_stream_run (&plain, 1);
  ds_test_stream_tear_down (&plain);
  ds_test_assert_tree (fixture->directory, NULL,
                       "plain-1000/_SUCCESS<>\nplain-1000/part-00000<x\n>\n");
}

static void
test_options (Fixture *fixture, gconstpointer user_data)
{
  DsOutput *output = save (fixture);

  g_test_summary (
      "One file a batch, empty ones left out: the manifests have all batches");

  ds_output_set_name (output, "letters");
  ds_output_set_single_file (output, TRUE);
  ds_output_set_skip_empty (output, TRUE);
  ds_test_stream_start (&fixture->test);
  ds_test_stream_run (&fixture->test, 3);
  ds_test_assert_tree (fixture->directory, "_ds-",
                       "new/out-1000.txt<a\nb\n>\nnew/out-3000.txt<c\n>\n");
  assert_committed (fixture, "letters 1000:1 letters 2000:0 letters 3000:1 ");
}

static void
test_a_second_run_writes_nothing_twice (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (DsBlock) other = ds_block_new_strings ("d", NULL);

  g_test_summary ("What is committed stays, though the stream gives something else now");

  save (fixture);
  ds_test_stream_start (&fixture->test);
  ds_test_stream_run (&fixture->test, 1);
  begin_again (fixture, application);
  save (fixture);
  ds_dstream_push_block (fixture->stream, other);
  ds_test_stream_start (&fixture->test);
  ds_test_stream_run (&fixture->test, 3);
  ds_test_assert_tree (fixture->directory, "_ds-", BATCH_1 EMPTIES ("2000") BATCH_3);
}

typedef struct
{
  gint64 n_writes;    /* find no room */
  DsTestGate refused; /* how many have found none */
  int error_number;
} FullDisk;

/* DsDurableFaultFunc */
static int
fill_disk (const char *call, const char *path, gsize *n_bytes, gpointer user_data)
{
  FullDisk *disk = user_data;

  if (!g_str_equal (call, "write") || strstr (path, "_ds-out") == NULL ||
      ds_test_gate_get (&disk->refused) >= disk->n_writes)
    return 0;
  ds_test_gate_add (&disk->refused, 1);
  return disk->error_number;
}

static void
test_what_passes_is_waited_for (Fixture *fixture, gconstpointer error_number)
{
  FullDisk disk = { .n_writes = 3, .error_number = GPOINTER_TO_INT (error_number) };

  g_test_summary ("No policy gives a batch up because the disk is full, or its server "
                  "away, for a moment");

  g_object_set (fixture->test.ssc, "failure-policy", DS_FAILURE_POLICY_CONTINUE, NULL);
  save (fixture);
  ds_test_stream_start (&fixture->test);
  ds_durable_file_set_fault_func (fill_disk, &disk);
  g_test_expect_message ("DStream", G_LOG_LEVEL_MESSAGE,
                         "Output * of batch 1000 ms waits, and goes on by itself: *");
  g_test_expect_message ("DStream", G_LOG_LEVEL_MESSAGE,
                         "Output * of batch 1000 ms goes on");
  ds_test_stream_run (&fixture->test, 3);
  g_test_assert_expected_messages ();
  g_assert_cmpint (ds_test_gate_get (&disk.refused), ==, 3);
  ds_durable_file_set_fault_func (NULL, NULL);
  ds_test_assert_tree (fixture->directory, "_ds-", BATCH_1 EMPTIES ("2000") BATCH_3);
}

static void
test_a_stop_ends_the_wait_for_a_full_disk (Fixture *fixture, gconstpointer user_data)
{
  FullDisk disk = { .n_writes = G_MAXINT64, .error_number = ENOSPC };
  g_autofree char *lock =
      g_build_filename (fixture->directory, "new", "_ds-out", "lock", NULL);
  struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
  int fd;

  g_test_summary ("However long the disk is full, a stop at once ends the batch, and "
                  "nothing was saved");

  save (fixture);
  ds_test_stream_start (&fixture->test);
  ds_durable_file_set_fault_func (fill_disk, &disk);
  ds_manual_clock_advance (fixture->test.clock, DS_SECOND);
  ds_test_gate_await (&disk.refused, 1);
  ds_streaming_context_stop (fixture->test.ssc, DS_STOP_NOW, NULL);
  ds_durable_file_set_fault_func (NULL, NULL);
  ds_test_assert_tree (fixture->directory, "_ds-", "");
  /* While a batch is at work the output stays locked. */
  fd = open (lock, O_RDWR | O_CLOEXEC);
  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (fcntl (fd, F_OFD_SETLK, &whole), ==, 0);
  close (fd);
}

static DsTestGate told_late;
static char *late_message;

static void
note_late (const char *domain,
           GLogLevelFlags level,
           const char *message,
           gpointer user_data)
{
  if (late_message != NULL || strstr (message, " is not over after ") == NULL)
    return;
  late_message = g_strdup (message);
  ds_test_gate_add (&told_late, 1);
}

static void
test_a_wait_for_room_is_told_as_such (Fixture *fixture, gconstpointer user_data)
{
  FullDisk disk = { .n_writes = G_MAXINT64, .error_number = ENOSPC };

  g_test_summary ("A batch that is late because its output waits for room is not said to "
                  "hang");

  g_log_set_handler ("DStream", G_LOG_LEVEL_MESSAGE, note_late, NULL);
  save (fixture);
  ds_test_stream_start (&fixture->test);
  ds_durable_file_set_fault_func (fill_disk, &disk);
  ds_manual_clock_advance (fixture->test.clock, DS_SECOND);
  ds_test_gate_await (&disk.refused, 3); /* of two partitions: tried again */
  ds_manual_clock_advance (fixture->test.clock, 19 * DS_SECOND);
  ds_test_gate_await (&told_late, 1);
  ds_streaming_context_stop (fixture->test.ssc, DS_STOP_NOW, NULL);
  ds_durable_file_set_fault_func (NULL, NULL);
  g_log_set_handler ("DStream", G_LOG_LEVEL_MESSAGE, g_log_default_handler, NULL);
  g_assert_true (g_str_has_prefix (late_message, "Batch 1000 ms is not over after "));
  g_assert_nonnull (
      strstr (late_message, ". Room on a disk, or a file server, is waited"));
  g_free (late_message);
}

static gint has_waited;

static void
note_waiting (const char *domain,
              GLogLevelFlags level,
              const char *message,
              gpointer user_data)
{
  if (strstr (message, "waits, and goes on by itself") != NULL)
    g_atomic_int_set (&has_waited, TRUE);
}

/* A service of the program's own, which is not there until somebody has waited. */
static DsValue
look_up (DsValue value, DsTask *task, gpointer user_data)
{
  if (!g_atomic_int_get (&has_waited))
    ds_task_take_error (task, g_error_new (DS_ERROR, DS_ERROR_NETWORK, "no service"));
  return value;
}

static void
test_a_function_without_a_network_fails_the_batch (Fixture *fixture,
                                                   gconstpointer user_data)
{
  g_autoptr (GError) error = NULL;

  g_test_summary ("What functions fail with is for the policy, and not waited for, "
                  "whatever its code");

  has_waited = FALSE;
  g_log_set_handler ("DStream", G_LOG_LEVEL_MESSAGE, note_waiting, NULL);
  fixture->stream = ds_dstream_map (fixture->stream, look_up, NULL, NULL);
  save (fixture);
  ds_test_stream_start (&fixture->test);
  ds_manual_clock_advance (fixture->test.clock, DS_SECOND);
  ds_streaming_context_await_batch (fixture->test.ssc, DS_SECOND, &error);
  g_log_set_handler ("DStream", G_LOG_LEVEL_MESSAGE, g_log_default_handler, NULL);
  g_assert_error (error, DS_ERROR, DS_ERROR_NETWORK);
  g_assert_false (g_atomic_int_get (&has_waited));
}

static void
test_foreign_files_fail_the_batch (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (GError) error = NULL;

  g_test_summary ("A file of somebody else fails the batch with its path, unchanged");

  ds_test_write (fixture->directory, "new/out-1000.txt/part-00000", "theirs");
  save (fixture);
  ds_test_stream_start (&fixture->test);
  ds_manual_clock_advance (fixture->test.clock, DS_SECOND);
  g_assert_false (ds_streaming_context_await_termination (fixture->test.ssc, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_BAD_FILE);
  g_assert_nonnull (strstr (error->message, "out-1000.txt/part-00000"));
  ds_test_assert_tree (fixture->directory, "_ds-",
                       "new/out-1000.txt/part-00000<theirs>\n");
}

static void
test_another_application (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary (
      "Another application: start fails and says how to go on; adopted, it does");

  save (fixture);
  ds_test_stream_start (&fixture->test);
  ds_test_stream_run (&fixture->test, 1);

  begin_again (fixture, another);
  save (fixture);
  assert_start_fails (fixture, DS_ERROR_INVALID_STATE, "ds_output_set_adopt_output");

  begin_again (fixture, another);
  ds_output_set_adopt_output (save (fixture), TRUE);
  ds_manual_clock_set_time (fixture->test.clock, DS_SECOND);
  ds_test_stream_start (&fixture->test);
  ds_test_stream_run (&fixture->test, 1);
  assert_committed (fixture, "save_as_text_files-0 1000:2 save_as_text_files-0 2000:2 ");
}

static void
test_one_prefix_for_two (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("Two outputs that differ only in the suffix are refused at start");

  save (fixture);
  ds_dstream_save_as_text_files (fixture->stream, fixture->prefix, "other");
  assert_start_fails (fixture, DS_ERROR_INVALID_ARGUMENT, "each needs one of its own");
}

static void
test_locked_until_the_stop (Fixture *fixture, gconstpointer user_data)
{
  g_autofree char *path = g_build_filename (fixture->directory, "new", "_ds-out", NULL);
  g_autoptr (DsManifestChain) chain = NULL;
  g_autoptr (GError) error = NULL;

  g_test_summary ("The place is the context's from start to stop");

  save (fixture);
  ds_test_stream_start (&fixture->test);
  g_assert_null (ds_manifest_chain_open (path, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_LOCKED);
  g_clear_error (&error);
  ds_streaming_context_stop (fixture->test.ssc, DS_STOP_NOW, &error);
  g_assert_no_error (error);
  chain = ds_manifest_chain_open (path, &error);
  g_assert_no_error (error);
}

static void
test_a_start_that_fails_unlocks (Fixture *fixture, gconstpointer user_data)
{
  g_autofree char *taken = g_build_filename (fixture->directory, "taken", NULL);
  g_autofree char *manifests = g_build_filename (fixture->directory, "_ds-taken", NULL);
  g_autofree char *path = g_build_filename (fixture->directory, "new", "_ds-out", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (DsManifestChain) theirs = ds_manifest_chain_open (manifests, &error);
  g_autoptr (DsManifestChain) ours = NULL;

  g_test_summary ("Locked by another: start fails, and keeps none of the other places");

  g_assert_no_error (error);
  g_assert_nonnull (theirs);
  save (fixture);
  ds_dstream_save_as_binary_files (fixture->stream, taken, NULL);
  assert_start_fails (fixture, DS_ERROR_LOCKED, "save_as_binary_files-1");
  ours = ds_manifest_chain_open (path, &error);
  g_assert_no_error (error);
}

static void
test_other_outputs_adopt_nothing (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("The option is one of outputs that save files");

  ds_output_set_adopt_output (ds_dstream_print (fixture->stream, 1), TRUE);
  assert_start_fails (fixture, DS_ERROR_INVALID_ARGUMENT, "set_adopt_output");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func)                                                          \
  g_test_add ("/dstream/exactly-once-output/" name, Fixture, NULL, set_up, func, \
              tear_down)
  ADD ("batches-are-committed", test_batches_are_committed);
  ADD ("without-checkpoints-nothing-is-committed",
       test_without_checkpoints_nothing_is_committed);
  ADD ("options", test_options);
  ADD ("a-second-run-writes-nothing-twice", test_a_second_run_writes_nothing_twice);
  g_test_add ("/dstream/exactly-once-output/a-full-disk-is-waited-for", Fixture,
              GINT_TO_POINTER (ENOSPC), set_up, test_what_passes_is_waited_for,
              tear_down);
  g_test_add ("/dstream/exactly-once-output/b17-a-file-server-is-waited-for", Fixture,
              GINT_TO_POINTER (ESTALE), set_up, test_what_passes_is_waited_for,
              tear_down);
  ADD ("a-stop-ends-the-wait-for-a-full-disk", test_a_stop_ends_the_wait_for_a_full_disk);
  ADD ("a-wait-for-room-is-told-as-such", test_a_wait_for_room_is_told_as_such);
  ADD ("a-function-without-a-network-fails-the-batch",
       test_a_function_without_a_network_fails_the_batch);
  ADD ("foreign-files-fail-the-batch", test_foreign_files_fail_the_batch);
  ADD ("another-application", test_another_application);
  ADD ("one-prefix-for-two", test_one_prefix_for_two);
  ADD ("locked-until-the-stop", test_locked_until_the_stop);
  ADD ("a-start-that-fails-unlocks", test_a_start_that_fails_unlocks);
  ADD ("other-outputs-adopt-nothing", test_other_outputs_adopt_nothing);
#undef ADD
  return g_test_run ();
}
