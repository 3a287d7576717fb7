/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A program that was stopped goes on as if nothing had happened: each graph is run once
 * without a stop, and then stopped at every batch; what the outputs give is the same to
 * the byte. */

#include "tests/dstream/ds-test-recovery.h"

#include "dstream/ds-streaming-context-private.h"

#define N_BATCHES 14

/* ---- Graphs ---- */

static DsValue
half (DsValue word, DsTask *task, gpointer user_data)
{
  gsize n_bytes;

  return ds_pair (task, word,
                  ds_value_double (ds_value_get_string (word, &n_bytes)[0] / 7.0));
}

static DsValue
pair_with_itself (DsValue word, DsTask *task, gpointer user_data)
{
  return ds_pair (task, word, word);
}

static void
count_words (DsValue key, DsValue value, DsState *state, DsTask *task, gpointer user_data)
{
  gint64 count;

  if (ds_state_is_timing_out (state))
    {
      ds_task_emit (task, ds_pair (task, key, ds_value_int (-1)));
      return;
    }
  count = ds_value_get_int_or (ds_state_get_or (state, ds_value_null ()), 0) + 1;
  if (count == 12)
    ds_state_remove (state);
  else
    ds_state_update (state, ds_value_int (count));
  ds_task_emit (task, ds_pair (task, key, ds_value_int (count)));
}

static DsValue
sum_states (DsValue key,
            const DsValue *values,
            gsize n_values,
            DsValue state,
            DsTask *task,
            gpointer user_data)
{
  gint64 sum = ds_value_get_int_or (state, 0) + (gint64) n_values;

  return sum >= 20 ? ds_value_null () : ds_value_int (sum);
}

static DsDStream *
add_pairs (DsStreamingContext *ssc, guint salt)
{
  return ds_dstream_map (ds_test_source_add (ssc, salt), ds_pair_with_one, NULL, NULL);
}

static void
build_counts (DsTestProgram *program, DsStreamingContext *ssc)
{
  ds_test_program_record (program,
                          ds_dstream_count_by_value (ds_test_source_add (ssc, 1)));
}

static void
build_map_with_state (DsTestProgram *program, DsStreamingContext *ssc)
{
  DsDStream *counts =
      ds_dstream_map_with_state (add_pairs (ssc, 1), count_words, NULL, NULL);

  ds_dstream_set_state_timeout (counts, 3 * DS_SECOND);
  ds_dstream_checkpoint (counts, 3 * DS_SECOND);
  ds_test_program_record (program, counts);
  ds_test_program_record (program, ds_dstream_state_snapshots (counts));
}

static void
build_update_state (DsTestProgram *program, DsStreamingContext *ssc)
{
  DsDStream *sums =
      ds_dstream_update_state_by_key (add_pairs (ssc, 2), sum_states, NULL, NULL);

  ds_dstream_checkpoint (sums, 2 * DS_SECOND);
  ds_test_program_record (program, sums);
  ds_test_program_record (program, ds_dstream_window (sums, 3 * DS_SECOND, 0));
}

static void
build_initial_state (DsTestProgram *program, DsStreamingContext *ssc)
{
  const DsValue known[] = { ds_value_string ("z"), ds_value_string ("a") };
  g_autoptr (DsBlock) block = ds_block_new (known, G_N_ELEMENTS (known));
  g_autoptr (DsRdd) words =
      ds_context_parallelize (ds_streaming_context_get_context (ssc), block, 2);
  g_autoptr (DsRdd) initial = ds_rdd_map (words, ds_pair_with_one, NULL, NULL);
  DsDStream *sums =
      ds_dstream_update_state_by_key (add_pairs (ssc, 5), sum_states, NULL, NULL);

  ds_dstream_set_initial_state (sums, initial);
  ds_dstream_checkpoint (sums, DS_SECOND);
  ds_test_program_record (program, sums);
}

static void
build_snapshots_window (DsTestProgram *program, DsStreamingContext *ssc)
{
  DsDStream *counts =
      ds_dstream_map_with_state (add_pairs (ssc, 4), count_words, NULL, NULL);

  ds_dstream_checkpoint (counts, 2 * DS_SECOND);
  ds_test_program_record (program, ds_dstream_window (counts, 4 * DS_SECOND, 0));
  ds_test_program_record (program, ds_dstream_window (ds_dstream_state_snapshots (counts),
                                                      3 * DS_SECOND, 0));
}

static void
build_inverse_window (DsTestProgram *program, DsStreamingContext *ssc)
{
  DsDStream *pairs = ds_dstream_map (ds_test_source_add (ssc, 3), half, NULL, NULL);
  DsDStream *sums = ds_dstream_reduce_by_key_and_window (pairs, 5 * DS_SECOND, 0,
                                                         ds_test_add_doubles, NULL, NULL);

  ds_dstream_set_inverse (sums, ds_test_subtract_doubles, NULL, NULL);
  ds_dstream_checkpoint (sums, 2 * DS_SECOND);
  ds_test_program_record (program, sums);
}

static void
build_queue_window (DsTestProgram *program, DsStreamingContext *ssc)
{
  DsDStream *pairs =
      ds_dstream_map (ds_test_source_add (ssc, 6), pair_with_itself, NULL, NULL);
  DsDStream *texts =
      ds_dstream_reduce_by_key_and_window (pairs, 4 * DS_SECOND, 2 * DS_SECOND,
                                           ds_test_join_texts, NULL, NULL);

  ds_test_program_record (program, texts);
  ds_test_program_record (program, ds_dstream_count_by_value_and_window (
                                       ds_test_source_add (ssc, 7), 3 * DS_SECOND, 0));
}

static void
build_plain_windows (DsTestProgram *program, DsStreamingContext *ssc)
{
  DsDStream *words = ds_test_source_add (ssc, 8);
  DsDStream *others = add_pairs (ssc, 9);

  ds_test_program_record (program,
                          ds_dstream_window (words, 6 * DS_SECOND, 3 * DS_SECOND));
  ds_test_program_record (program, ds_dstream_join (ds_dstream_window (add_pairs (ssc, 1),
                                                                       2 * DS_SECOND, 0),
                                                    others));
  ds_test_program_record (program, ds_dstream_count_by_window (words, 5 * DS_SECOND, 0));
}

static void
build_window_of_window (DsTestProgram *program, DsStreamingContext *ssc)
{
  DsDStream *pairs = ds_dstream_map (ds_test_source_add (ssc, 2), half, NULL, NULL);
  DsDStream *sums = ds_dstream_reduce_by_key_and_window (pairs, 3 * DS_SECOND, 0,
                                                         ds_test_add_doubles, NULL, NULL);

  ds_test_program_record (program,
                          ds_dstream_window (sums, 4 * DS_SECOND, 2 * DS_SECOND));
}

/* By chance, of seeds that the program gives: of another one each batch. */
static DsRdd *
take_by_chance (DsRdd *rdd, DsBatch *batch, gpointer user_data, GError **error)
{
  guint64 seed = (guint64) ds_batch_get_time (batch) * 0x9e3779b97f4a7c15u;
  g_autoptr (DsRdd) some = ds_rdd_sample (rdd, FALSE, 0.6, seed);
  g_autoptr (DsRdd) moved = ds_rdd_repartition (some, 1 + (guint) (seed % 7));
  g_autoptr (DsRdd) again = ds_rdd_sample (moved, TRUE, 1.5, 42);

  return ds_rdd_coalesce (again, 2);
}

/* DsForeachRddFunc */
static gboolean
note_few (DsRdd *rdd, DsBatch *batch, gpointer user_data, GError **error)
{
  DsTestProgram *program = user_data;
  g_autoptr (DsBlock) few = ds_rdd_take_sample (rdd, FALSE, 3, 7, error);
  g_autoptr (DsRdd) rdd_of_few = NULL;

  if (few == NULL)
    return FALSE;
  rdd_of_few =
      ds_context_parallelize (ds_streaming_context_get_context (program->ssc), few, 1);
  return ds_test_program_note (rdd_of_few, batch, program, error);
}

static void
build_samples (DsTestProgram *program, DsStreamingContext *ssc)
{
  DsDStream *words = ds_test_source_add (ssc, 8);
  DsDStream *some = ds_dstream_transform (words, take_by_chance, NULL, NULL);
  DsDStream *counts =
      ds_dstream_map_with_state (ds_dstream_map (some, ds_pair_with_one, NULL, NULL),
                                 count_words, NULL, NULL);

  ds_dstream_checkpoint (counts, 2 * DS_SECOND);
  ds_test_program_record (program, some);
  ds_test_program_record (program, counts);
  ds_dstream_foreach_rdd (words, note_few, program, NULL);
}

static const struct
{
  const char *name;
  DsTestBuildFunc build;
} graphs[] = {
  { "counts", build_counts },
  { "map-with-state", build_map_with_state },
  { "update-state", build_update_state },
  { "initial-state", build_initial_state },
  { "snapshots-window", build_snapshots_window },
  { "inverse-window", build_inverse_window },
  { "queue-window", build_queue_window },
  { "plain-windows", build_plain_windows },
  { "window-of-window", build_window_of_window },
  { "samples", build_samples },
};

/* ---- Comparing ---- */

/* (transfer full) */
static char *
run_without_stop (DsTestBuildFunc build)
{
  DsTestProgram program;
  char *log;

  ds_test_program_set_up (&program, build);
  ds_test_program_start (&program);
  ds_test_program_run_until (&program, N_BATCHES);
  log = g_strdup (program.log->str);
  ds_test_program_tear_down (&program);
  return log;
}

static void
run_with_stops (DsTestBuildFunc build,
                const char *expected,
                const char *name,
                guint first_stop,
                guint stop_every,
                DsStopFlags flags)
{
  g_autofree char *what = g_strdup_printf ("%s, stopped%s after batch %u", name,
                                           flags != 0 ? " gracefully" : "", first_stop);
  DsTestProgram program;

  ds_test_program_set_up (&program, build);
  ds_test_program_start (&program);
  for (guint k = first_stop; k < N_BATCHES; k += stop_every)
    {
      ds_test_program_run_until (&program, k);
      ds_test_program_stop (&program, flags);
      ds_test_program_start (&program);
      g_assert_true (ds_streaming_context_is_recovered (program.ssc));
    }
  ds_test_program_run_until (&program, N_BATCHES);
  /* A graceful stop lets batches come that the clock has not reached. */
  if (flags == 0)
    ds_test_assert_same_log (expected, program.log->str, what);
  ds_test_program_tear_down (&program);
}

static void
test_outputs_are_those_of_a_run_without_stop (gconstpointer user_data)
{
  guint index = GPOINTER_TO_UINT (user_data);
  g_autofree char *expected = run_without_stop (graphs[index].build);

  for (guint k = 1; k < N_BATCHES; k++)
    run_with_stops (graphs[index].build, expected, graphs[index].name, k, N_BATCHES,
                    DS_STOP_NOW);
  run_with_stops (graphs[index].build, expected, graphs[index].name, 1, 1, DS_STOP_NOW);
  run_with_stops (graphs[index].build, expected, graphs[index].name, 2, 3, DS_STOP_NOW);
}

/* ---- What runs again ---- */

static void
test_only_the_newest_batch_runs_again (void)
{
  DsTestProgram program;

  ds_test_program_set_up (&program, build_counts);
  ds_test_program_start (&program);
  ds_test_program_run_until (&program, 4);
  ds_test_program_stop (&program, DS_STOP_NOW);
  g_string_truncate (program.log, 0);

  g_test_expect_message ("DStream", G_LOG_LEVEL_DEBUG,
                         "Going on from the checkpoint of batch 0 ms in *: of the "
                         "batches after it the log has planned 4, which run again *");
  ds_test_program_start (&program);
  g_test_assert_expected_messages ();
  ds_test_program_run_until (&program, 5);
  g_assert_true (g_str_has_prefix (program.log->str, "4 again: "));
  g_assert_nonnull (strstr (program.log->str, "\n5: "));
  ds_test_program_tear_down (&program);
}

static void
test_after_a_graceful_stop_nothing_runs_again (void)
{
  DsTestProgram program;
  gint64 last;

  ds_test_program_set_up (&program, build_counts);
  ds_test_program_start (&program);
  ds_test_program_run_until (&program, 4);
  ds_test_program_stop (&program, DS_STOP_GRACEFULLY);
  g_assert_null (strstr (program.log->str, "again"));
  last = g_ascii_strtoll (strrchr (g_strchomp (program.log->str), '\n') + 1, NULL, 10);
  g_string_assign (program.log, "");

  ds_manual_clock_set_time (program.clock, last * DS_SECOND);
  ds_test_program_start (&program);
  g_assert_true (ds_streaming_context_is_recovered (program.ssc));
  ds_test_program_run_until (&program, last + 2);
  g_assert_null (strstr (program.log->str, "again"));
  ds_test_program_tear_down (&program);
}

static void
test_batches_that_were_missed_follow (void)
{
  g_autofree char *expected = run_without_stop (build_map_with_state);
  DsTestProgram program;

  ds_test_program_set_up (&program, build_map_with_state);
  ds_test_program_start (&program);
  ds_test_program_run_until (&program, 4);
  ds_test_program_stop (&program, DS_STOP_NOW);
  ds_manual_clock_advance (program.clock, 5 * DS_SECOND);
  ds_test_program_start (&program);
  ds_test_program_run_until (&program, N_BATCHES);
  ds_test_assert_same_log (expected, program.log->str, "away for five batches");
  ds_test_program_tear_down (&program);
}

static void
test_a_clock_that_was_set_back_repeats_no_batch_time (void)
{
  DsTestProgram program;
  g_autoptr (GError) error = NULL;

  ds_test_program_set_up (&program, build_counts);
  ds_manual_clock_set_time (program.clock, 100 * DS_SECOND);
  ds_test_program_start (&program);
  ds_test_program_run_until (&program, 103);
  ds_test_program_stop (&program, DS_STOP_NOW);

  ds_manual_clock_set_time (program.clock, 50 * DS_SECOND);
  g_string_assign (program.log, "");
  g_test_expect_message ("DStream", G_LOG_LEVEL_MESSAGE, "The clock is 53.000 s behind*");
  ds_test_program_start (&program);
  g_test_assert_expected_messages ();
  ds_streaming_context_await_batch (program.ssc, 103 * DS_SECOND, &error);
  g_assert_no_error (error);
  ds_manual_clock_advance (program.clock, DS_SECOND);
  ds_streaming_context_await_batch (program.ssc, 104 * DS_SECOND, &error);
  g_assert_no_error (error);
  g_assert_true (g_str_has_prefix (program.log->str, "103 again: "));
  g_assert_nonnull (strstr (program.log->str, "\n104: "));
  ds_test_program_tear_down (&program);
}

static DsRdd *
fail_in_batch_2 (DsRdd *rdd, DsBatch *batch, gpointer is_mended, GError **error)
{
  if (ds_batch_get_time (batch) != 2 * DS_SECOND || *(gboolean *) is_mended)
    return g_object_ref (rdd);
  g_set_error (error, DS_ERROR, DS_ERROR_FAILED, "not just now");
  return NULL;
}

static gboolean is_mended;

static void
build_failing (DsTestProgram *program, DsStreamingContext *ssc)
{
  DsDStream *words = ds_test_source_add (ssc, 1);
  DsDStream *pairs = ds_dstream_map (words, ds_pair_with_one, NULL, NULL);

  g_object_set (ssc, "failure-policy", DS_FAILURE_POLICY_CONTINUE, NULL);
  ds_test_program_record (program,
                          ds_dstream_update_state_by_key (pairs, sum_states, NULL, NULL));
  ds_dstream_collect (ds_dstream_transform (words, fail_in_batch_2, &is_mended, NULL));
}

static void
test_a_batch_that_was_not_generated_is_not_missing (void)
{
  DsTestProgram program;

  g_test_summary ("Under the policy continue its steps have run, and later outputs were "
                  "seen with what it brought");

  for (guint i = 0; i < 2; i++)
    {
      g_auto (GStrv) lines = NULL;

      is_mended = FALSE;
      ds_test_program_set_up (&program, build_failing);
      ds_test_program_start (&program);
      ds_test_program_run_until (&program, 1);
      ds_manual_clock_advance (program.clock, DS_SECOND);
      ds_streaming_context_await_batch (program.ssc, 2 * DS_SECOND, NULL);
      ds_test_program_run_until (&program, 4);
      ds_test_program_stop (&program, DS_STOP_NOW);
      is_mended = i > 0;
      ds_test_program_start (&program);
      ds_test_program_run_until (&program, 4);
      ds_test_program_stop (&program, DS_STOP_NOW);
      lines = g_strsplit (program.log->str, "\n", -1);
      g_assert_cmpuint (g_strv_length (lines), ==, 5);
      g_assert_true (g_str_has_prefix (lines[2], "4: "));
      g_assert_cmpstr (lines[3] + strlen ("4 again"), ==, lines[2] + strlen ("4"));
      ds_test_program_tear_down (&program);
    }
}

/* DsSetupFunc */
static DsStreamingContext *
make_coalescing (gpointer user_data, GError **error)
{
  DsStreamingContext *ssc = ds_test_program_make (user_data, error);

  g_object_set (ssc, "catch-up-policy", DS_CATCH_UP_COALESCE, NULL);
  return ssc;
}

/* As that of a board without one of its own, which begins at 1970. */
static void
test_a_clock_that_was_set_far_ahead_costs_no_time (void)
{
  const DsTime times[] = { 2 * DS_SECOND, 14000 * DS_DAY, 14000 * DS_DAY };
  gint64 begin = g_get_monotonic_time ();
  DsTestProgram program;
  g_autoptr (GError) error = NULL;

  ds_test_program_set_up (&program, build_counts);
  for (guint i = 0; i < G_N_ELEMENTS (times); i++)
    {
      program.ssc =
          ds_streaming_context_get_or_create (program.directory, make_coalescing,
                                              &program, &error);
      g_assert_no_error (error);
      g_assert_true (ds_streaming_context_start (program.ssc, &error));
      ds_manual_clock_set_time (program.clock, times[i]);
      ds_streaming_context_await_batch (program.ssc, times[i], &error);
      g_assert_no_error (error);
      ds_test_program_stop (&program, DS_STOP_NOW);
      if (i == 0)
        ds_manual_clock_set_time (program.clock, times[1] - 1);
    }
  g_assert_nonnull (strstr (program.log->str, "1209600000 again: "));
  g_assert_cmpint (g_get_monotonic_time () - begin, <, 5 * DS_SECOND);
  ds_test_program_tear_down (&program);
}

/* ---- Cut off ---- */

static DsFailurePolicy cut_off_policy;
static gboolean is_cut_off;
static DsTestGate cut_off_entered;
static DsTestGate cut_off_released;

static gboolean
wait_in_third (DsRdd *rdd, DsBatch *batch, gpointer user_data, GError **error)
{
  if (ds_batch_get_time (batch) == 3 * DS_SECOND && is_cut_off)
    {
      ds_test_gate_add (&cut_off_entered, 1);
      ds_test_gate_await (&cut_off_released, 1);
    }
  return ds_rdd_count (rdd, error) >= 0;
}

static void
build_cut_off (DsTestProgram *program, DsStreamingContext *ssc)
{
  DsDStream *words = ds_test_source_add (ssc, 0);

  g_object_set (ssc, "failure-policy", cut_off_policy, NULL);
  ds_test_program_record (program, words);
  ds_dstream_foreach_rdd (words, wait_in_third, NULL, NULL);
}

static void
test_a_batch_that_a_stop_cut_off_runs_again (void)
{
  static const DsFailurePolicy policies[] = { DS_FAILURE_POLICY_STOP,
                                              DS_FAILURE_POLICY_RETRY,
                                              DS_FAILURE_POLICY_CONTINUE };

  g_test_summary ("What a stop at once cut off did not fail: under no policy is it given "
                  "up, and the next run has its outputs");

  for (guint i = 0; i < G_N_ELEMENTS (policies); i++)
    {
      DsTestProgram program;

      cut_off_policy = policies[i];
      is_cut_off = TRUE;
      cut_off_entered.value = cut_off_released.value = 0;
      ds_test_program_set_up (&program, build_cut_off);
      ds_test_program_start (&program);
      ds_test_program_run_until (&program, 2);
      ds_manual_clock_advance (program.clock, DS_SECOND);
      ds_test_gate_await (&cut_off_entered, 1);
      ds_streaming_context_ask_to_stop (program.ssc, DS_STOP_NOW);
      ds_test_gate_add (&cut_off_released, 1);
      ds_streaming_context_stop (program.ssc, DS_STOP_NOW, NULL);
      g_clear_object (&program.ssc);

      is_cut_off = FALSE;
      g_string_truncate (program.log, 0);
      ds_test_program_start (&program);
      ds_test_program_run_until (&program, 4);
      g_assert_true (g_str_has_prefix (program.log->str, "3 again: "));
      g_assert_nonnull (strstr (program.log->str, "\n4: "));
      ds_test_program_tear_down (&program);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (graphs); i++)
    {
      g_autofree char *path =
          g_strdup_printf ("/recovery/same-outputs/%s", graphs[i].name);

      g_test_add_data_func (path, GUINT_TO_POINTER (i),
                            test_outputs_are_those_of_a_run_without_stop);
    }
  g_test_add_func ("/recovery/only-the-newest-batch-runs-again",
                   test_only_the_newest_batch_runs_again);
  g_test_add_func ("/recovery/after-a-graceful-stop-nothing-runs-again",
                   test_after_a_graceful_stop_nothing_runs_again);
  g_test_add_func ("/recovery/batches-that-were-missed-follow",
                   test_batches_that_were_missed_follow);
  g_test_add_func ("/recovery/a-clock-that-was-set-back-repeats-no-batch-time",
                   test_a_clock_that_was_set_back_repeats_no_batch_time);
  g_test_add_func ("/recovery/a-batch-that-was-not-generated-is-not-missing",
                   test_a_batch_that_was_not_generated_is_not_missing);
  g_test_add_func ("/recovery/a-batch-that-a-stop-cut-off-runs-again",
                   test_a_batch_that_a_stop_cut_off_runs_again);
  g_test_add_func ("/recovery/a-clock-that-was-set-far-ahead-costs-no-time",
                   test_a_clock_that_was_set_far_ahead_costs_no_time);
  return g_test_run ();
}
