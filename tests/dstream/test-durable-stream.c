/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Streams whose receivers write what they bring to the log first: what their sources hear
 * and when, and what a context that goes on from the same directory finds. */

#include "base/ds-log-writer-private.h"
#include "dstream/ds-streaming-context-private.h"
#include "dstream/ds-tracked-receiver-private.h"
#include "tests/dstream/ds-test-intake.h"

#include <signal.h>
#include <sys/resource.h>

/* ---- A program over one directory ---- */

typedef struct
{
  char *directory;
  DsDurability durability;
  DsDuration window; /* 0: none */
  gboolean is_glommed;
  gboolean has_idle; /* another input, before that of the intake, that nobody asks */
  gboolean is_edited;
  DsTime now; /* of the clock, when it is made */
  DsManualClock *clock;
  DsStreamingContext *ssc;
  DsTestIntake *intake;
  DsOutput *output;
} Program;

static DsStreamingContext *
program_build (gpointer user_data, GError **error)
{
  Program *self = user_data;
  DsDStream *stream;

  self->clock = ds_manual_clock_new (self->now);
  self->ssc = ds_streaming_context_new ("local[2]", "test", DS_SECOND);
  ds_streaming_context_set_clock (self->ssc, DS_CLOCK (self->clock));
  if (self->has_idle)
    ds_streaming_context_text_file_stream (self->ssc, self->directory);
  self->intake = g_object_new (DS_TYPE_TEST_INTAKE, NULL);
  stream = ds_streaming_context_receiver_stream (self->ssc, DS_RECEIVER (self->intake));
  ds_dstream_set_name (stream, "intake");
  ds_dstream_set_durability (stream, self->durability);
  if (self->is_edited)
    stream = ds_dstream_glom (stream);
  if (self->window > 0)
    stream = ds_dstream_window (stream, self->window, 0);
  if (self->is_glommed)
    stream = ds_dstream_glom (stream);
  self->output = ds_dstream_collect (stream);
  ds_output_set_name (self->output, "output");
  return self->ssc;
}

static void
program_start (Program *self)
{
  g_autoptr (GError) error = NULL;
  DsStreamingContext *made =
      ds_streaming_context_get_or_create (self->directory, program_build, self, &error);

  g_assert_no_error (error);
  g_assert_true (made == self->ssc);
  ds_streaming_context_start (self->ssc, &error);
  g_assert_no_error (error);
  ds_test_gate_await (&self->intake->starts, 1);
}

static void
program_set_up (Program *self, DsDurability durability)
{
  g_autoptr (GError) error = NULL;

  memset (self, 0, sizeof *self);
  self->directory = g_dir_make_tmp ("ds-durable-XXXXXX", &error);
  g_assert_no_error (error);
  self->durability = durability;
  program_start (self);
}

static void
program_stop (Program *self, DsStopFlags flags)
{
  g_autoptr (GError) error = NULL;

  ds_streaming_context_stop (self->ssc, flags, &error);
  g_assert_no_error (error);
  self->now = ds_clock_get_time (DS_CLOCK (self->clock));
  g_clear_object (&self->ssc);
  g_clear_object (&self->intake);
  g_clear_object (&self->clock);
}

static void
program_restart (Program *self, DsStopFlags flags)
{
  program_stop (self, flags);
  program_start (self);
}

static void
program_tear_down (Program *self)
{
  g_autofree char *quoted = g_shell_quote (self->directory);
  g_autofree char *command = g_strdup_printf ("rm -rf %s", quoted);

  program_stop (self, DS_STOP_NOW);
  g_assert_true (g_spawn_command_line_sync (command, NULL, NULL, NULL, NULL));
  g_free (self->directory);
}

static void
program_store (Program *self, const char *text, guint64 token)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static (text, strlen (text));
  g_autoptr (GError) error = NULL;

  ds_receiver_store_text (DS_RECEIVER (self->intake), bytes, token, &error);
  g_assert_no_error (error);
}

static void
program_run_until (Program *self, DsTime time)
{
  g_autoptr (GError) error = NULL;

  ds_manual_clock_set_time (self->clock, time);
  ds_streaming_context_await_batch (self->ssc, time, &error);
  g_assert_no_error (error);
}

static gboolean
program_has_active_receiver (Program *self)
{
  DsDStream *input = DS_DSTREAM (ds_graph_get_input (self->ssc->graph, 0));
  g_autoptr (DsReceiverInfo) info =
      ds_receiver_tracker_get_info (self->ssc->receivers, input);

  return ds_receiver_info_is_active (info);
}

/* What batch @time gave, its values with blanks between them. */
static void
program_assert_batch (Program *self, DsTime time, const char *expected)
{
  DsBlock *block = ds_output_get_block (self->output, time);
  g_auto (GStrv) values = block != NULL ? ds_block_dup_strv (block) : g_new0 (char *, 1);
  g_autofree char *joined = g_strjoinv (" ", values);

  g_assert_cmpstr (joined, ==, expected);
}

/* ---- Options ---- */

static void
assert_start_fails (DsTestStream *test, DsError code, const char *text)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (ds_streaming_context_start (test->ssc, &error));
  g_assert_error (error, DS_ERROR, (int) code);
  g_assert_nonnull (strstr (error->message, text));
}

/* A stream whose receiver nobody else holds. */
static DsDStream *
add_intake (DsStreamingContext *ssc)
{
  g_autoptr (DsReceiver) intake = g_object_new (DS_TYPE_TEST_INTAKE, NULL);

  return ds_streaming_context_receiver_stream (ssc, intake);
}

static void
test_needs_a_directory (void)
{
  DsTestStream test;
  DsDStream *stream;

  g_test_summary ("A durable stream without checkpoint directory keeps the context from "
                  "starting");

  ds_test_stream_set_up (&test, "local[1]");
  g_object_set (test.ssc, "durability", DS_DURABILITY_GROUP, NULL);
  stream = add_intake (test.ssc);
  ds_dstream_set_name (stream, "clicks");
  ds_dstream_collect (stream);
  assert_start_fails (&test, DS_ERROR_INVALID_STATE,
                      "Input stream 0 (clicks): what it receives is to go to a log "
                      "(durability group), and there is none");
  ds_test_stream_tear_down (&test);

  ds_test_stream_set_up (&test, "local[1]");
  g_object_set (test.ssc, "durability", DS_DURABILITY_GROUP, NULL);
  stream = add_intake (test.ssc);
  ds_dstream_set_durability (stream, DS_DURABILITY_NONE);
  ds_dstream_collect (stream);
  ds_test_stream_start (&test); /* the stream's own word counts */
  ds_test_stream_tear_down (&test);
}

static void
test_refuses_other_streams (void)
{
  DsTestStream test;

  g_test_summary ("Only receivers have a durability, and only those levels");

  ds_test_stream_set_up (&test, "local[1]");
  ds_dstream_set_durability (ds_streaming_context_queue_stream (test.ssc),
                             DS_DURABILITY_GROUP);
  assert_start_fails (&test, DS_ERROR_INVALID_ARGUMENT, "set_durability");
  ds_test_stream_tear_down (&test);

  ds_test_stream_set_up (&test, "local[1]");
  ds_dstream_set_durability (add_intake (test.ssc), (DsDurability) 3);
  assert_start_fails (&test, DS_ERROR_INVALID_ARGUMENT,
                      "there is no level 3 of durability");
  ds_test_stream_tear_down (&test);
}

/* ---- What sources hear ---- */

static void
test_acknowledges_without_batches (void)
{
  Program self;

  g_test_summary ("A token is acknowledged when its block lies on the disk; no batch is "
                  "needed for that");

  program_set_up (&self, DS_DURABILITY_GROUP);
  program_store (&self, "a\n", 1);
  program_store (&self, "b\nc\n", 7);
  ds_test_gate_await (&self.intake->token, 7);
  g_assert_cmpint (ds_streaming_context_get_n_processed (self.ssc), ==, 0);
  program_store (&self, "", 9); /* nothing, after what is safe already */
  ds_test_gate_await (&self.intake->token, 9);
  program_tear_down (&self);
}

static void
test_failed_log (void)
{
  g_autoptr (GBytes) text = g_bytes_new_static ("c\n", 2);
  g_autoptr (GError) failure =
      g_error_new_literal (DS_ERROR, DS_ERROR_FSYNC_FAILED, "the disk is broken");
  g_autoptr (GError) error = NULL;
  Program self;

  g_test_summary ("When the log has failed the receiver is stopped with its error, and "
                  "nothing more is acknowledged");

  program_set_up (&self, DS_DURABILITY_GROUP);
  program_store (&self, "a\n", 1);
  ds_test_gate_await (&self.intake->token, 1);
  ds_receiver_tracker_log_is_durable (self.ssc->receivers, 1, failure);
  while (ds_receiver_store_text (DS_RECEIVER (self.intake), text, 2, NULL))
    g_thread_yield ();
  g_assert_false (ds_receiver_store_text (DS_RECEIVER (self.intake), text, 3, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_STOPPED);
  while (program_has_active_receiver (&self))
    g_thread_yield ();
  g_assert_cmpint (ds_test_gate_get (&self.intake->token), ==, 1);
  program_tear_down (&self);
}

static void
set_file_limit (rlim_t limit)
{
  struct rlimit now;

  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &now), ==, 0);
  now.rlim_cur = limit;
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &now), ==, 0);
}

static void
note_error (DsStreamingContext *ssc, DsDStream *stream, GError *error, DsTestGate *gate)
{
  if (g_error_matches (error, DS_ERROR, DS_ERROR_NO_SPACE))
    ds_test_gate_add (gate, 1);
}

/* Thread: one that stores, record by record, into a full disk. */
static gpointer
store_one (gpointer intake)
{
  return GINT_TO_POINTER (ds_receiver_store_string (intake, "stuck"));
}

static void
test_stop_with_a_full_disk (void)
{
  Program self;
  GThread *thread;
  DsTestGate errors = { 0 };
  g_autoptr (DsTestIntake) intake = NULL;

  if (g_test_subprocess ())
    {
      signal (SIGXFSZ, SIG_IGN);
      program_set_up (&self, DS_DURABILITY_EVERY_RECORD);
      intake = g_object_ref (self.intake);
      g_signal_connect (self.ssc, "receiver-error", G_CALLBACK (note_error), &errors);
      set_file_limit (100);
      thread = g_thread_new ("stores", store_one, intake);
      ds_test_gate_await (&errors, 1);
      program_stop (&self, DS_STOP_NOW);
      g_assert_false (GPOINTER_TO_INT (g_thread_join (thread)));
      set_file_limit (RLIM_INFINITY);
      program_start (&self);
      program_tear_down (&self);
      return;
    }
  g_test_summary ("A stop ends the wait for a full disk: the store fails");
  g_test_trap_subprocess (NULL, 60 * DS_SECOND, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_passed ();
}

/* Thread: one that stores as long as it may. */
static gpointer
store_on (gpointer intake)
{
  guint n = 0;

  while (ds_receiver_store_string (intake, "more"))
    n++;
  return GUINT_TO_POINTER (n);
}

static gboolean
program_waits_for_log (Program *self)
{
  DsReceiverTracker *tracker = self->ssc->receivers;
  gboolean is_used;

  g_mutex_lock (&tracker->lock);
  is_used = tracker->n_log_users > 0;
  g_mutex_unlock (&tracker->lock);
  return is_used;
}

static void
test_stop_with_a_full_log (void)
{
  g_autoptr (DsTestIntake) intake = NULL;
  DsTestGate errors = { 0 };
  DsWriteAheadLog *log;
  GThread *thread;
  Program self;

  if (g_test_subprocess ())
    {
      signal (SIGXFSZ, SIG_IGN);
      program_set_up (&self, DS_DURABILITY_GROUP);
      log = ds_checkpointer_get_log (self.ssc->checkpointer);
      g_mutex_lock (&log->lock);
      log->settings.max_waiting_bytes = 1; /* for 64 MiB */
      g_mutex_unlock (&log->lock);
      intake = g_object_ref (self.intake);
      g_signal_connect (self.ssc, "receiver-error", G_CALLBACK (note_error), &errors);
      set_file_limit (100);
      program_store (&self, "a\n", 0);
      ds_test_gate_await (&errors, 1);
      thread = g_thread_new ("stores", store_on, intake);
      /* Nor does the batch that cuts what is stored, or writes its plan. */
      ds_manual_clock_set_time (self.clock, DS_SECOND);
      while (!program_waits_for_log (&self))
        g_thread_yield ();
      program_stop (&self, DS_STOP_NOW);
      g_thread_join (thread);
      set_file_limit (RLIM_INFINITY);
      program_start (&self); /* the directory is let go of */
      program_tear_down (&self);
      return;
    }
  g_test_summary ("When no more may wait for a full disk a stop does not wait for ever: "
                  "the disk is given up, and another context goes on from what it has");
  g_test_trap_subprocess (NULL, 60 * DS_SECOND, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_passed ();
}

static void
test_full_disk (void)
{
  DsTestGate errors = { 0 };
  Program self;

  if (g_test_subprocess ())
    {
      signal (SIGXFSZ, SIG_IGN);
      program_set_up (&self, DS_DURABILITY_GROUP);
      g_signal_connect (self.ssc, "receiver-error", G_CALLBACK (note_error), &errors);
      program_store (&self, "a\n", 1);
      ds_test_gate_await (&self.intake->token, 1);
      set_file_limit (100);
      program_store (&self, "b\n", 2);
      ds_test_gate_await (&errors, 1);
      g_assert_cmpint (ds_test_gate_get (&self.intake->token), ==, 1);
      set_file_limit (RLIM_INFINITY);
      ds_test_gate_await (&self.intake->token, 2);
      program_restart (&self, DS_STOP_NOW);
      program_run_until (&self, DS_SECOND);
      program_assert_batch (&self, DS_SECOND, "a b");
      program_tear_down (&self);
      return;
    }
  g_test_summary (
      "A full disk holds acknowledgements back, is told, and nothing is lost: "
      "it goes on by itself");
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_passed ();
}

/* ---- Recovery ---- */

static void
test_unprocessed_blocks_come_back (void)
{
  Program self;

  g_test_summary ("What was stored and in no batch is in the first new batch of the next "
                  "context");

  program_set_up (&self, DS_DURABILITY_GROUP);
  program_store (&self, "a\nb\n", 2);
  program_run_until (&self, DS_SECOND);
  program_assert_batch (&self, DS_SECOND, "a b");
  program_store (&self, "c\n", 3);
  program_store (&self, "d\n", 4);
  ds_test_gate_await (&self.intake->token, 4);

  program_restart (&self, DS_STOP_NOW);
  program_store (&self, "e\n", 1);
  program_run_until (&self, 2 * DS_SECOND);
  program_assert_batch (&self, 2 * DS_SECOND, "c d e");
  program_run_until (&self, 3 * DS_SECOND);
  program_assert_batch (&self, 3 * DS_SECOND, "");
  program_tear_down (&self);
}

static void
test_blocks_come_back_into_an_edited_program (void)
{
  Program program = { .directory = g_dir_make_tmp ("ds-durable-XXXXXX", NULL),
                      .durability = DS_DURABILITY_EVERY_RECORD,
                      .has_idle = TRUE };

  g_test_summary (
      "What was stored is that of the stream of the same name, whatever other "
      "inputs there are");

  program_start (&program);
  program_run_until (&program, DS_SECOND);
  program_store (&program, "a\nb\n", 1);
  program.is_edited = TRUE;
  program_restart (&program, DS_STOP_NOW);
  program_run_until (&program, 2 * DS_SECOND);
  program_assert_batch (&program, 2 * DS_SECOND, "[a, b]");
  program_tear_down (&program);
}

static void
test_graceful_stop_leaves_nothing (void)
{
  Program self;

  g_test_summary ("After a graceful stop nothing comes again");

  program_set_up (&self, DS_DURABILITY_GROUP);
  program_store (&self, "a\n", 1);
  program_run_until (&self, DS_SECOND);
  program_store (&self, "b\n", 2);
  program_restart (&self, DS_STOP_GRACEFULLY);
  program_store (&self, "c\n", 3);
  program_run_until (&self, 10 * DS_SECOND);
  for (DsTime time = DS_SECOND; time <= 10 * DS_SECOND; time += DS_SECOND)
    {
      DsBlock *block = ds_output_get_block (self.output, time);
      g_auto (GStrv) values =
          block != NULL ? ds_block_dup_strv (block) : g_new0 (char *, 1);

      for (guint i = 0; values[i] != NULL; i++)
        g_assert_cmpstr (values[i], ==, "c");
    }
  g_assert_cmpint (ds_streaming_context_get_n_received (self.ssc), ==, 1);
  g_assert_cmpint (ds_streaming_context_get_n_processed (self.ssc), ==, 1);
  program_tear_down (&self);
}

static void
test_windows_see_blocks_of_before (void)
{
  Program self = { 0 };
  g_autoptr (GError) error = NULL;

  g_test_summary ("A window looks back at blocks that an earlier process received");

  self.directory = g_dir_make_tmp ("ds-durable-XXXXXX", &error);
  g_assert_no_error (error);
  self.durability = DS_DURABILITY_GROUP;
  self.window = 3 * DS_SECOND;
  program_start (&self);
  for (DsTime time = 1; time <= 4; time++)
    {
      g_autofree char *line = g_strdup_printf ("%d\n", (int) time);

      program_store (&self, line, (guint64) time);
      program_run_until (&self, time * DS_SECOND);
    }
  program_assert_batch (&self, 4 * DS_SECOND, "2 3 4");

  program_restart (&self, DS_STOP_NOW);
  program_store (&self, "5\n", 5);
  program_run_until (&self, 5 * DS_SECOND);
  program_assert_batch (&self, 5 * DS_SECOND, "3 4 5");
  program_restart (&self, DS_STOP_GRACEFULLY);
  program_run_until (&self, self.now + DS_SECOND);
  program_tear_down (&self);
}

/* Blocks of values take other memory when they come back from the log, so that a share of
 * the bytes would deal them out in another way. */
static void
test_partitions_come_back_as_they_were (void)
{
  /* With five block intervals in a batch there are five partitions at most. */
  static const char *const lengths = "\1\1\50\1\1\1\70\2\1\3\1\1";
  Program self = { .is_glommed = TRUE, .durability = DS_DURABILITY_GROUP };
  g_autoptr (GError) error = NULL;
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;

  g_test_summary ("A batch that runs again has the same values in the same partitions, "
                  "when it shares them out between many blocks, too");

  self.directory = g_dir_make_tmp ("ds-durable-XXXXXX", &error);
  g_assert_no_error (error);
  program_start (&self);
  for (guint i = 0; lengths[i] != '\0'; i++)
    {
      g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
      g_autofree char *text = g_strnfill (200, (char) ('a' + i));
      g_autoptr (DsBlock) block = NULL;

      for (int k = 0; k < lengths[i]; k++)
        ds_block_builder_add_string (builder, i % 3 == 0 ? text : "x");
      block = ds_block_builder_end (builder);
      ds_receiver_store_block (DS_RECEIVER (self.intake), block, i + 1, &error);
      g_assert_no_error (error);
    }
  program_run_until (&self, DS_SECOND);
  before = ds_block_to_string (ds_output_get_block (self.output, DS_SECOND));
  g_assert_cmpuint (ds_block_get_length (ds_output_get_block (self.output, DS_SECOND)),
                    ==, 4);

  program_restart (&self, DS_STOP_NOW);
  program_run_until (&self, 2 * DS_SECOND);
  after = ds_block_to_string (ds_output_get_block (self.output, DS_SECOND));
  g_assert_cmpstr (before, ==, after);
  program_tear_down (&self);
}

static void
test_every_record_is_stored_when_store_returns (void)
{
  Program self;

  g_test_summary ("Record by record: what store returned for is there, whatever happens "
                  "then, in the order of the stores");

  program_set_up (&self, DS_DURABILITY_EVERY_RECORD);
  for (guint i = 0; i < 20; i++)
    {
      g_autofree char *record = g_strdup_printf ("%u", i);

      g_assert_true (ds_receiver_store_string (DS_RECEIVER (self.intake), record));
    }
  program_restart (&self, DS_STOP_NOW);
  program_run_until (&self, DS_SECOND);
  program_assert_batch (&self, DS_SECOND,
                        "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19");
  program_tear_down (&self);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dstream/durable-stream/needs-a-checkpoint-directory",
                   test_needs_a_directory);
  g_test_add_func ("/dstream/durable-stream/refuses-other-streams",
                   test_refuses_other_streams);
  g_test_add_func ("/dstream/durable-stream/acknowledges-without-batches",
                   test_acknowledges_without_batches);
  g_test_add_func ("/dstream/durable-stream/a-failed-log-stops-receivers",
                   test_failed_log);
  g_test_add_func ("/dstream/durable-stream/a-full-disk-holds-back", test_full_disk);
  g_test_add_func ("/dstream/durable-stream/a-stop-ends-the-wait-for-a-full-disk",
                   test_stop_with_a_full_disk);
  g_test_add_func ("/dstream/durable-stream/a-stop-gives-up-a-full-log",
                   test_stop_with_a_full_log);
  g_test_add_func ("/dstream/durable-stream/unprocessed-blocks-come-back",
                   test_unprocessed_blocks_come_back);
  g_test_add_func ("/dstream/durable-stream/blocks-come-back-into-an-edited-program",
                   test_blocks_come_back_into_an_edited_program);
  g_test_add_func ("/dstream/durable-stream/after-a-graceful-stop-nothing-comes-back",
                   test_graceful_stop_leaves_nothing);
  g_test_add_func ("/dstream/durable-stream/windows-see-blocks-of-before",
                   test_windows_see_blocks_of_before);
  g_test_add_func ("/dstream/durable-stream/partitions-come-back-as-they-were",
                   test_partitions_come_back_as_they_were);
  g_test_add_func ("/dstream/durable-stream/every-record-is-there-when-store-returns",
                   test_every_record_is_stored_when_store_returns);
  return g_test_run ();
}
