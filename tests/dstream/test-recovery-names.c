/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* To whom belongs what the run before left, when the program was edited: names say so,
 * whatever the order in which streams are made, and in the log as in checkpoints. */

#include "tests/dstream/ds-test-intake.h"
#include "tests/dstream/ds-test-recovery.h"

#include "dstream/ds-streaming-context-private.h"

static gboolean is_reordered;
static gboolean names_second;
static const char *application;
static char *incoming[2];

static char words[2][8] = { "first", "second" };

static void
set_up (DsTestProgram *program, DsTestBuildFunc build)
{
  is_reordered = FALSE;
  names_second = FALSE;
  ds_test_program_set_up (program, build);
}

static void
assert_log (DsTestProgram *program, const char *expected)
{
  g_assert_cmpstr (program->log->str, ==, expected);
  g_string_truncate (program->log, 0);
}

/* ---- States ---- */

static DsValue
count (DsValue key,
       const DsValue *values,
       gsize n_values,
       DsValue state,
       DsTask *task,
       gpointer user_data)
{
  return ds_value_int (ds_value_get_int_or (state, 0) + (gint64) n_values);
}

static DsValue
pair_with_word (DsValue value, DsTask *task, gpointer word)
{
  return ds_pair (task, ds_value_string (word), ds_value_int (1));
}

/* One state for each word, in either order; only that of the first word has a name. */
static void
build_states (DsTestProgram *program, DsStreamingContext *ssc)
{
  DsDStream *source = ds_test_source_add (ssc, 1);

  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    {
      guint k = is_reordered ? 1 - i : i;
      DsDStream *counts = ds_dstream_update_state_by_key (
          ds_dstream_map (source, pair_with_word, words[k], NULL), count, NULL, NULL);

      if (k == 0 || names_second)
        ds_dstream_set_name (counts, words[k]);
      ds_test_program_record (program, counts);
    }
}

static void
test_a_name_counts_before_a_place (void)
{
  DsTestProgram program;
  g_autoptr (GError) error = NULL;

  set_up (&program, build_states);
  ds_test_program_start (&program);
  ds_test_program_run_until (&program, 2);
  assert_log (&program, "1: (first,8)\n1: (second,8)\n2: (first,23)\n2: (second,23)\n");
  ds_test_program_stop (&program, DS_STOP_NOW);

  is_reordered = TRUE;
  g_assert_false (ds_test_program_try_start (&program, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_GRAPH_MISMATCH);
  g_clear_error (&error);
  names_second = TRUE;
  g_assert_false (ds_test_program_try_start (&program, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_GRAPH_MISMATCH);

  is_reordered = FALSE; /* but names may be given later */
  ds_test_program_start (&program);
  ds_test_program_run_until (&program, 2);
  assert_log (&program, "2 again: (first,23)\n2 again: (second,23)\n");
  ds_test_program_tear_down (&program);
}

/* ---- Files ---- */

static DsValue
pair_with_line (DsValue value, DsTask *task, gpointer word)
{
  return ds_pair (task, ds_value_string (word), value);
}

static void
build_files (DsTestProgram *program, DsStreamingContext *ssc)
{
  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    {
      guint k = is_reordered ? 1 - i : i;
      DsDStream *lines = ds_streaming_context_text_file_stream (ssc, incoming[k]);
      DsOutput *output;

      ds_dstream_set_name (lines, words[k]);
      ds_dstream_set_file_selection (lines, DS_FILES_ALL);
      lines = ds_dstream_map (lines, pair_with_line, words[k], NULL);
      output = ds_dstream_foreach_rdd (lines, ds_test_program_note, program, NULL);
      ds_output_set_name (output, words[k]);
    }
}

static void
test_a_plan_belongs_to_the_input_of_that_name (void)
{
  DsTestProgram program;

  g_test_summary ("Plans of one order of inputs are read by programs of the other one");

  set_up (&program, build_files);
  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    incoming[i] = g_dir_make_tmp ("ds-incoming-XXXXXX", NULL);
  ds_test_program_start (&program);
  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    {
      g_autofree char *path = g_build_filename (incoming[i], "a", NULL);

      g_assert_true (g_file_set_contents (path, words[i], -1, NULL));
    }
  ds_test_program_run_until (&program, 1);
  assert_log (&program, "1: (first,first)\n1: (second,second)\n");
  ds_test_program_stop (&program, DS_STOP_NOW);

  is_reordered = TRUE;
  ds_test_program_start (&program);
  ds_test_program_run_until (&program, 2);
  assert_log (&program, "1 again: (second,second)\n1 again: (first,first)\n2: \n2: \n");
  ds_test_program_tear_down (&program);
  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    ds_test_drop_directory (incoming[i]);
}

/* ---- Keys ---- */

static void
note_key (DsPartition *partition, DsTask *task, gpointer log)
{
  gsize n_values;

  while (ds_partition_next (partition, &n_values) != NULL)
    {
    }
  g_string_append_printf (log, "%s ", ds_task_get_output_key (task));
}

static gboolean
note_keys (DsRdd *rdd, DsBatch *batch, gpointer user_data, GError **error)
{
  DsTestProgram *program = user_data;
  g_autoptr (DsRdd) one = ds_rdd_repartition (rdd, 1);

  return ds_rdd_foreach_partition (one, note_key, program->log, error);
}

static DsStreamingContext *
make_application (gpointer user_data, GError **error)
{
  DsTestProgram *self = user_data;
  DsStreamingContext *ssc = ds_streaming_context_new ("local", application, DS_SECOND);

  ds_streaming_context_set_clock (ssc, DS_CLOCK (self->clock));
  ds_output_set_name (ds_dstream_foreach_rdd (ds_test_source_add (ssc, 1), note_keys,
                                              self, NULL),
                      "table");
  return ssc;
}

/* Runs batch 1, for the first time or again: the key. */
static char *
get_key (DsTestProgram *program, const char *name)
{
  g_autoptr (GError) error = NULL;

  application = name;
  g_string_truncate (program->log, 0);
  program->ssc = ds_streaming_context_get_or_create (program->directory, make_application,
                                                     program, &error);
  g_assert_no_error (error);
  g_assert_true (ds_streaming_context_start (program->ssc, &error));
  ds_test_program_run_until (program, 1);
  ds_test_program_stop (program, DS_STOP_NOW);
  return g_strdup (program->log->str);
}

static void
test_keys_of_outputs_are_those_of_the_directory (void)
{
  DsTestProgram program;
  DsTestProgram other;
  g_autofree char *key = NULL;
  g_autofree char *again = NULL;
  g_autofree char *of_other = NULL;

  g_test_summary ("A new name of the program changes no key, and another program of the "
                  "same name has others");

  set_up (&program, NULL);
  set_up (&other, NULL);
  key = get_key (&program, "one name");
  again = get_key (&program, "another name");
  of_other = get_key (&other, "one name");
  g_assert_nonnull (strstr (key, "/table/1000/0/0"));
  g_assert_cmpstr (key, ==, again);
  g_assert_cmpstr (key, !=, of_other);
  ds_test_program_tear_down (&program);
  ds_test_program_tear_down (&other);
}

/* ---- Blocks of a version without names ---- */

static const char *const receiver_names[] = { "left", "right" };
static DsTestIntake *intakes[2]; /* of the context that runs */
static gboolean names_receivers;
static gboolean swaps_receivers;
static gboolean holds_batches;
static DsTestGate held;
static DsTestGate let_go;

static gboolean
hold_batch (DsRdd *rdd, DsBatch *batch, gpointer user_data, GError **error)
{
  if (holds_batches && ds_batch_get_time (batch) == 2 * DS_SECOND)
    {
      ds_test_gate_add (&held, 1);
      ds_test_gate_await (&let_go, 1);
    }
  return ds_rdd_count (rdd, error) >= 0;
}

static void
build_receivers (DsTestProgram *program, DsStreamingContext *ssc)
{
  for (guint i = 0; i < 2; i++)
    {
      guint k = swaps_receivers ? 1 - i : i;
      DsDStream *lines;

      g_clear_object (&intakes[k]);
      intakes[k] = g_object_new (DS_TYPE_TEST_INTAKE, NULL);
      lines = ds_streaming_context_receiver_stream (ssc, DS_RECEIVER (intakes[k]));
      ds_dstream_set_durability (lines, DS_DURABILITY_EVERY_RECORD);
      ds_dstream_checkpoint (lines, DS_SECOND);
      if (names_receivers)
        ds_dstream_set_name (lines, receiver_names[k]);
      ds_test_program_record (program, lines);
      ds_dstream_foreach_rdd (lines, hold_batch, NULL, NULL);
    }
}

static void
test_blocks_follow_a_name_that_was_given_later (void)
{
  g_autoptr (GBytes) text = g_bytes_new ("a\n", 2);
  g_autoptr (GError) error = NULL;
  DsTestProgram program;

  g_test_summary (
      "What an input brought before it had a name is its own in a version whose "
      "named inputs have another order");

  /* Without names, a record that no batch has. */
  set_up (&program, build_receivers);
  ds_test_program_start (&program);
  ds_test_gate_await (&intakes[0]->starts, 1);
  ds_test_program_run_until (&program, 1);
  ds_receiver_store_text (DS_RECEIVER (intakes[0]), text, 0, &error);
  g_assert_no_error (error);
  ds_test_program_stop (&program, DS_STOP_NOW);

  /* With them: a checkpoint, and a batch that takes the record and is cut off. */
  names_receivers = TRUE;
  holds_batches = TRUE;
  ds_test_program_start (&program);
  ds_test_program_run_until (&program, 1);
  ds_manual_clock_advance (program.clock, DS_SECOND);
  ds_test_gate_await (&held, 1);
  ds_streaming_context_ask_to_stop (program.ssc, DS_STOP_NOW);
  ds_test_gate_add (&let_go, 1);
  ds_streaming_context_stop (program.ssc, DS_STOP_NOW, NULL);
  g_clear_object (&program.ssc);

  holds_batches = FALSE;
  swaps_receivers = TRUE;
  g_string_truncate (program.log, 0);
  ds_test_program_start (&program);
  ds_test_program_run_until (&program, 2);
  assert_log (&program,
              "2 again: \n2 again: a\n"); /* of the right one, of the left one */
  ds_test_program_tear_down (&program);
  g_clear_object (&intakes[0]);
  g_clear_object (&intakes[1]);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/recovery-names/a-name-counts-before-a-place",
                   test_a_name_counts_before_a_place);
  g_test_add_func ("/recovery-names/a-plan-belongs-to-the-input-of-that-name",
                   test_a_plan_belongs_to_the_input_of_that_name);
  g_test_add_func ("/recovery-names/keys-of-outputs-are-those-of-the-directory",
                   test_keys_of_outputs_are_those_of_the_directory);
  g_test_add_func ("/recovery-names/blocks-follow-a-name-that-was-given-later",
                   test_blocks_follow_a_name_that_was_given_later);
  return g_test_run ();
}
