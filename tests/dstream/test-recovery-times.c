/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Times of batches across restarts: what becomes of the ticks that nobody saw, by the
 * catch-up policy, and that no time comes twice or goes back, wherever the clock jumps.
 */

#include "tests/dstream/ds-test-recovery.h"

#include "base/ds-durable-file-private.h"
#include "dstream/ds-job-set-private.h"
#include "dstream/ds-streaming-context-private.h"

#include <string.h>

static DsCatchUpPolicy policy;

static void
assert_log (DsTestProgram *program, const char *expected)
{
  g_assert_cmpstr (program->log->str, ==, expected);
  g_string_truncate (program->log, 0);
}

static void
await_batch (DsTestProgram *program, gint64 batch)
{
  g_autoptr (GError) error = NULL;

  ds_streaming_context_await_batch (program->ssc, batch * DS_SECOND, &error);
  g_assert_no_error (error);
}

/* ---- What was received before the stop ---- */

#define DS_TYPE_TEST_INTAKE (ds_test_intake_get_type ())
G_DECLARE_FINAL_TYPE (DsTestIntake, ds_test_intake, DS, TEST_INTAKE, DsReceiver)

struct _DsTestIntake
{
  DsReceiver parent_instance;
  DsTestGate starts;
};

G_DEFINE_FINAL_TYPE (DsTestIntake, ds_test_intake, DS_TYPE_RECEIVER)

static gboolean
ds_test_intake_start (DsReceiver *receiver, GError **error)
{
  ds_test_gate_add (&DS_TEST_INTAKE (receiver)->starts, 1);
  return TRUE;
}

static void
ds_test_intake_class_init (DsTestIntakeClass *klass)
{
  DS_RECEIVER_CLASS (klass)->start = ds_test_intake_start;
}

static void
ds_test_intake_init (DsTestIntake *self)
{
  g_mutex_init (&self->starts.lock);
  g_cond_init (&self->starts.changed);
}

static DsTestIntake *intake; /* of the context that runs */

static void
build_received (DsTestProgram *program, DsStreamingContext *ssc)
{
  DsDStream *lines;

  g_clear_object (&intake);
  intake = g_object_new (DS_TYPE_TEST_INTAKE, NULL);
  lines = ds_streaming_context_receiver_stream (ssc, DS_RECEIVER (intake));
  ds_dstream_set_durability (lines, DS_DURABILITY_EVERY_RECORD);
  g_object_set (ssc, "catch-up-policy", policy, NULL);
  ds_test_program_record (program, lines);
}

static void
start_received (DsTestProgram *program)
{
  ds_test_program_start (program);
  ds_test_gate_await (&intake->starts, 1);
}

/* It is stored when this returns. */
static void
receive (const char *line)
{
  g_autoptr (GBytes) text = g_bytes_new (line, strlen (line));
  g_autoptr (GError) error = NULL;

  ds_receiver_store_text (DS_RECEIVER (intake), text, 0, &error);
  g_assert_no_error (error);
}

/* Stops behind batch 2, with a record that no batch has, and is away for five batches. */
static void
go_away (DsTestProgram *program, DsCatchUpPolicy the_policy)
{
  policy = the_policy;
  ds_test_program_set_up (program, build_received);
  start_received (program);
  receive ("a\n");
  ds_test_program_run_until (program, 1);
  receive ("b\n");
  ds_test_program_run_until (program, 2);
  receive ("c\n");
  ds_test_program_stop (program, DS_STOP_NOW);
  assert_log (program, "1: a\n2: b\n");
  ds_manual_clock_advance (program->clock, 5 * DS_SECOND);
  start_received (program);
  await_batch (program, 7);
}

static void
come_back (DsTestProgram *program)
{
  receive ("d\n");
  ds_test_program_run_until (program, 8);
  assert_log (program, "8: d\n");
  ds_test_program_tear_down (program);
  g_clear_object (&intake);
}

static void
test_all_makes_every_batch (void)
{
  DsTestProgram program;

  g_test_summary ("Policy all: each batch of the down time is made, in order");
  go_away (&program, DS_CATCH_UP_ALL);
  assert_log (&program, "2 again: b\n3: c\n4: \n5: \n6: \n7: \n");
  come_back (&program);
}

static void
test_coalesce_makes_one_batch (void)
{
  DsTestProgram program;
  gint64 n_missed;

  g_test_summary ("Policy coalesce: the down time is one batch, the newest, which takes "
                  "all that was left; times that were given up stay given up");
  go_away (&program, DS_CATCH_UP_COALESCE);
  assert_log (&program, "2 again: b\n7: c\n");
  g_object_get (program.ssc, "n-missed-ticks", &n_missed, NULL);
  g_assert_cmpint (n_missed, ==, 4);

  ds_test_program_stop (&program, DS_STOP_NOW);
  start_received (&program);
  await_batch (&program, 7);
  assert_log (&program, "7 again: c\n");
  come_back (&program);
}

static void
test_skip_empty_makes_what_has_data (void)
{
  DsTestProgram program;

  g_test_summary (
      "Policy skip-empty: of the down time there are the batch that takes what "
      "was left, and the newest");
  go_away (&program, DS_CATCH_UP_SKIP_EMPTY);
  assert_log (&program, "2 again: b\n3: c\n7: \n");

  ds_test_program_stop (&program, DS_STOP_NOW);
  start_received (&program);
  await_batch (&program, 7);
  assert_log (&program, "7 again: \n");
  come_back (&program);
}

/* ---- Jumps ---- */

#define N_JUMPS 10000
#define N_JUMPS_A_RUN 250

static void
build_jumping (DsTestProgram *program, DsStreamingContext *ssc)
{
  g_object_set (ssc, "catch-up-policy", DS_CATCH_UP_COALESCE, NULL);
  ds_test_program_record (program, ds_dstream_count (ds_test_source_add (ssc, 1)));
}

/* All lines so far: times go up, and "again" only where it repeats the last one, first in
 * a run.  Returns the last one. */
static gint64
check_times (DsTestProgram *program, gint64 last)
{
  g_auto (GStrv) lines = g_strsplit (program->log->str, "\n", -1);

  for (guint i = 0; lines[i] != NULL && *lines[i] != '\0'; i++)
    {
      gint64 time = g_ascii_strtoll (lines[i], NULL, 10);

      if (strstr (lines[i], " again: ") != NULL)
        g_assert_cmpint (time, ==, last);
      else
        g_assert_cmpint (time, >, last);
      last = time;
    }
  g_string_truncate (program->log, 0);
  return last;
}

/* Up to an hour on or back; now and then to 1970, or a little on. */
static DsTime
draw_jump (DsTime now)
{
  gint kind = g_test_rand_int_range (0, 20);

  if (kind == 0)
    return 0;
  if (kind < 8)
    return now + g_test_rand_int_range (0, 3 * DS_SECOND);
  return MAX (now + (gint64) g_test_rand_int_range (-3600, 3600) * DS_SECOND +
                  g_test_rand_int_range (0, DS_SECOND),
              0);
}

/* Starts again, with a clock that may be behind; how far batches are ahead of it.  What a
 * stop may have run before its time, two batches, is waited for. */
static DsDuration
start_behind (DsTestProgram *program, gint64 last)
{
  DsDuration behind = last * DS_SECOND - ds_clock_get_time (DS_CLOCK (program->clock));

  if (behind > 2 * DS_SECOND)
    {
      g_autofree char *text =
          g_strdup_printf ("The clock is %.3f s behind batch %" G_GINT64_FORMAT " ms*",
                           (double) behind / DS_SECOND, last * 1000);

      g_test_expect_message ("DStream", G_LOG_LEVEL_MESSAGE, text);
    }
  ds_test_program_start (program);
  g_test_assert_expected_messages ();
  return behind > 2 * DS_SECOND ? behind : 0;
}

static void
test_jumps_repeat_no_batch_time (void)
{
  DsTestProgram program;
  DsDuration ahead = 0;
  gint64 last = 0;

  g_test_summary ("Ten thousand jumps of the clock, forth and back, within runs and from "
                  "one to the next: batch times only go up");

  ds_test_program_set_up (&program, build_jumping);
  ds_test_program_start (&program);
  for (guint i = 1; i <= N_JUMPS; i++)
    {
      DsTime now = draw_jump (ds_clock_get_time (DS_CLOCK (program.clock)));

      ds_manual_clock_set_time (program.clock, now);
      if ((now + ahead) / DS_SECOND > last)
        {
          await_batch (&program, (now + ahead) / DS_SECOND);
          last = check_times (&program, last);
          g_assert_cmpint (last, ==, (now + ahead) / DS_SECOND);
        }
      if (i % N_JUMPS_A_RUN != 0)
        continue;
      ds_test_program_stop (&program, DS_STOP_NOW);
      ds_manual_clock_set_time (program.clock, draw_jump (now));
      ahead = start_behind (&program, last);
      await_batch (&program, last);
      last = check_times (&program, last);
    }
  ds_test_program_tear_down (&program);
}

#define N_SEEDS 100

/* A day back, after any number of batches, with any kind of stop. */
static void
check_a_day_back (DsTestBuildFunc build)
{
  const gint64 day = 24 * 60 * 60;
  gint64 first = 2 * day + g_test_rand_int_range (0, 100000);
  gint64 last = first + g_test_rand_int_range (1, 12);
  DsTestProgram program;
  gint64 step;

  ds_test_program_set_up (&program, build);
  ds_manual_clock_set_time (program.clock, first * DS_SECOND);
  ds_test_program_start (&program);
  ds_test_program_run_until (&program, last);
  g_assert_cmpint (check_times (&program, first), ==, last);
  ds_test_program_stop (&program, DS_STOP_NOW);

  ds_manual_clock_set_time (program.clock, (last - day) * DS_SECOND +
                                               g_test_rand_int_range (0, DS_SECOND));
  start_behind (&program, last);
  await_batch (&program, last);
  for (step = 1; step <= 3; step++)
    {
      ds_manual_clock_advance (program.clock, DS_SECOND);
      await_batch (&program, last + step);
    }
  g_assert_cmpint (check_times (&program, last), ==, last + 3);
  ds_test_program_tear_down (&program);
}

static void
test_a_day_back_goes_on_after_the_last_batch (void)
{
  g_test_summary ("A restart with the clock a day back goes on at the last batch and an "
                  "interval, a hundred times");

  for (guint i = 0; i < N_SEEDS; i++)
    check_a_day_back (build_jumping);
}

static void
test_soon_after_a_stop_batches_keep_to_the_clock (void)
{
  DsTestProgram program;

  g_test_summary (
      "A graceful stop runs two batches before their time; a start soon after "
      "it waits for the next one, so that the clock is not left behind");

  ds_test_program_set_up (&program, build_jumping);
  for (gint64 last = 0; last < 30; last += 3)
    {
      ds_test_program_start (&program);
      ds_test_program_run_until (&program, last + 1);
      ds_test_program_stop (&program, DS_STOP_GRACEFULLY);
      g_assert_cmpint (check_times (&program, last), ==, last + 3);
      ds_manual_clock_advance (program.clock, DS_SECOND); /* one more is missing */
    }
  ds_test_program_tear_down (&program);
}

/* Nothing here is about the disk. */
static int
pretend_to_sync (const char *call, const char *path, gsize *n_bytes, gpointer unused)
{
  return g_str_has_suffix (call, "sync") ? DS_DURABLE_PRETEND : 0;
}

/* ---- Batches that were given up ---- */

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

/* A source that has something for every time, and a union that needs both of each. */
static void
build_given_up (DsTestProgram *program, DsStreamingContext *ssc)
{
  DsDStream *words = ds_test_source_add (ssc, 1);
  DsDStream *pairs = ds_dstream_map (words, ds_pair_with_one, NULL, NULL);
  DsDStream *counts = ds_dstream_update_state_by_key (pairs, count_all, NULL, NULL);

  g_object_set (ssc, "catch-up-policy", DS_CATCH_UP_COALESCE, NULL);
  ds_dstream_checkpoint (counts, DS_SECOND);
  ds_test_program_record (program, ds_dstream_window (words, 6 * DS_SECOND, 0));
  ds_test_program_record (program, ds_dstream_window (ds_dstream_union (counts, pairs),
                                                      6 * DS_SECOND, 0));
  ds_test_program_record (program,
                          ds_dstream_count_by_value_and_window (words, 6 * DS_SECOND,
                                                                DS_SECOND));
}

/* Batches 1 to 3, 6 to 8 and so on: the others are given up. */
static char *
run_with_gaps (gint64 stop_after)
{
  static const gint64 batches[] = { 1, 2, 3, 6, 7, 8, 10, 11, 12, 13 };
  DsTestProgram program;
  char *log;

  ds_test_program_set_up (&program, build_given_up);
  ds_test_program_start (&program);
  for (guint i = 0; i < G_N_ELEMENTS (batches); i++)
    {
      g_autoptr (GError) error = NULL;

      ds_manual_clock_set_time (program.clock, batches[i] * DS_SECOND);
      ds_streaming_context_await_batch (program.ssc, batches[i] * DS_SECOND, &error);
      g_assert_no_error (error);
      if (batches[i] != stop_after)
        continue;
      ds_test_program_stop (&program, DS_STOP_NOW);
      ds_test_program_start (&program);
      ds_streaming_context_await_batch (program.ssc, batches[i] * DS_SECOND, &error);
      g_assert_no_error (error);
    }
  log = g_strdup (program.log->str);
  ds_test_program_tear_down (&program);
  return log;
}

static void
test_batches_that_were_given_up_stay_so (void)
{
  g_autofree char *expected = run_with_gaps (0);

  g_test_summary ("Windows leave out the same batches after a recovery");
  for (gint64 stop_after = 1; stop_after <= 13; stop_after++)
    {
      g_autofree char *what =
          g_strdup_printf ("stopped after %" G_GINT64_FORMAT, stop_after);
      g_autofree char *found = run_with_gaps (stop_after);

      ds_test_assert_same_log (expected, found, what);
    }
}

/* Generates the batch of @time and lets go of it. */
static void
generate (DsStreamingContext *ssc, DsTime time)
{
  ds_job_set_free (ds_job_generator_generate (ssc, time));
}

/* As a checkpoint of the batch @time would have them: "2000 5000 ". */
static void
assert_given_up (DsStreamingContext *ssc, DsTime time, const char *expected)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GArray) times = NULL;

  ds_graph_lock (ssc->graph);
  times = ds_graph_list_given_up (ssc->graph, time);
  ds_graph_unlock (ssc->graph);
  for (guint i = 0; i < times->len; i++)
    g_string_append_printf (text, "%" G_GINT64_FORMAT " ",
                            g_array_index (times, DsTime, i) / DS_MILLISECOND);
  g_assert_cmpstr (text->str, ==, expected);
}

static void
test_batches_ahead_forget_nothing (void)
{
  DsTestStream test;
  DsDStream *words;

  g_test_summary (
      "A checkpoint of a batch knows what was given up before it, however far "
      "ahead batches were generated: those run again");

  ds_test_stream_set_up (&test, "local[1]");
  words = ds_streaming_context_queue_stream (test.ssc);
  ds_dstream_foreach_rdd (ds_dstream_window (words, 3 * DS_SECOND, 0), ds_test_ignore_rdd,
                          NULL, NULL);
  ds_test_stream_start (&test);
  for (gint64 k = 1; k <= 2; k++)
    generate (test.ssc, k * DS_SECOND);
  for (gint64 k = 5; k <= 6; k++)
    generate (test.ssc, k * DS_SECOND);
  generate (test.ssc, 20 * DS_SECOND);
  ds_graph_forget (test.ssc->graph, 6 * DS_SECOND);
  assert_given_up (test.ssc, 6 * DS_SECOND, "2000 5000 ");
  ds_graph_forget (test.ssc->graph, 20 * DS_SECOND);
  assert_given_up (test.ssc, 20 * DS_SECOND, "6000 20000 ");
  ds_test_stream_tear_down (&test);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ds_durable_file_set_fault_func (pretend_to_sync, NULL);
  g_test_add_func ("/recovery-times/all-makes-every-batch", test_all_makes_every_batch);
  g_test_add_func ("/recovery-times/coalesce-makes-one-batch",
                   test_coalesce_makes_one_batch);
  g_test_add_func ("/recovery-times/skip-empty-makes-what-has-data",
                   test_skip_empty_makes_what_has_data);
  g_test_add_func ("/recovery-times/jumps-repeat-no-batch-time",
                   test_jumps_repeat_no_batch_time);
  g_test_add_func ("/recovery-times/a-day-back-goes-on-after-the-last-batch",
                   test_a_day_back_goes_on_after_the_last_batch);
  g_test_add_func ("/recovery-times/batches-that-were-given-up-stay-so",
                   test_batches_that_were_given_up_stay_so);
  g_test_add_func ("/recovery-times/batches-ahead-forget-nothing",
                   test_batches_ahead_forget_nothing);
  g_test_add_func ("/recovery-times/soon-after-a-stop-batches-keep-to-the-clock",
                   test_soon_after_a_stop_batches_keep_to_the_clock);
  return g_test_run ();
}
