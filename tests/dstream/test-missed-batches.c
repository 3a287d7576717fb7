/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A run that begins after a long pause says how much there is to make up for, and a stop
 * does not wait for all of that: the next run goes on with it. */

#include "tests/dstream/ds-test-recovery.h"

#include "base/ds-durable-file-private.h"

/* Of one test. */
static DsTestGate entered;
static DsTestGate released;
static GString *told; /* messages, with "|" behind each */
static DsTime gated_time;
static DsCatchUpPolicy policy;

/* Lets the batch go once the stop has said what it leaves. */
static void
note_message (const char *domain,
              GLogLevelFlags level,
              const char *message,
              gpointer user_data)
{
  g_string_append_printf (told, "%s|", message);
  if (g_str_has_prefix (message, "The stop leaves "))
    ds_test_gate_add (&released, 1);
}

static gboolean
wait_at_gate (DsRdd *rdd, DsBatch *batch, gpointer user_data, GError **error)
{
  if (ds_batch_get_time (batch) == gated_time)
    {
      ds_test_gate_add (&entered, 1);
      ds_test_gate_await (&released, 1);
    }
  return TRUE;
}

static void
build (DsTestProgram *program, DsStreamingContext *ssc)
{
  DsDStream *words = ds_test_source_add (ssc, 0);

  g_object_set (ssc, "catch-up-policy", policy, NULL);
  ds_test_program_record (program, words);
  ds_dstream_foreach_rdd (words, wait_at_gate, NULL, NULL);
}

/* A run of the batches 1 to 3; its stop has two more. */
static void
set_up (DsTestProgram *program, gconstpointer user_data)
{
  told = g_string_new (NULL);
  policy = DS_CATCH_UP_ALL;
  gated_time = DS_TIME_NONE;
  entered.value = 0;
  released.value = 0;
  ds_test_program_set_up (program, build);
  ds_test_program_start (program);
  ds_test_program_run_until (program, 3);
  ds_test_program_stop (program, DS_STOP_GRACEFULLY);
  g_log_set_handler ("DStream", G_LOG_LEVEL_MESSAGE, note_message, NULL);
}

static void
tear_down (DsTestProgram *program, gconstpointer user_data)
{
  ds_test_program_tear_down (program);
  g_log_set_handler ("DStream", G_LOG_LEVEL_MESSAGE, g_log_default_handler, NULL);
  g_string_free (told, TRUE);
}

static void
test_a_long_pause_is_told (DsTestProgram *program, gconstpointer user_data)
{
  g_test_summary ("After a long pause start says once which batches are made up for, and "
                  "which setting changes that");

  ds_manual_clock_set_time (program->clock, 105 * DS_SECOND + 1);
  ds_test_program_start (program);
  ds_test_program_run_until (program, 105);
  g_assert_true (g_str_has_prefix (told->str, "The stream was away for 100.000 s: 100 "
                                              "batches, from 6000 to 105000 ms, "));
  g_assert_nonnull (strstr (told->str, "\"catch-up-policy\" coalesce"));
  g_assert_cmpuint (strcspn (told->str, "|"), ==, told->len - 1);
}

static void
test_a_short_pause_is_not (DsTestProgram *program, gconstpointer user_data)
{
  g_test_summary ("A pause of a few batches, or one that the policy makes short, is not "
                  "told");

  ds_manual_clock_set_time (program->clock, 15 * DS_SECOND);
  ds_test_program_start (program);
  ds_test_program_run_until (program, 15);
  ds_test_program_stop (program, DS_STOP_GRACEFULLY);
  policy = DS_CATCH_UP_COALESCE;
  ds_manual_clock_set_time (program->clock, 115 * DS_SECOND);
  ds_test_program_start (program);
  ds_test_program_run_until (program, 115);
  g_assert_cmpstr (told->str, ==, "");
}

static void
test_a_stop_leaves_them_to_the_next_run (DsTestProgram *program, gconstpointer user_data)
{
  g_autofree char *report = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) lines = NULL;

  g_test_summary ("A graceful stop amid batches that were missed is a success, and the "
                  "next run makes the rest of them, each once");

  gated_time = 6 * DS_SECOND;
  ds_manual_clock_set_time (program->clock, 105 * DS_SECOND);
  ds_test_program_start (program);
  ds_test_gate_await (&entered, 1);
  ds_streaming_context_stop (program->ssc, DS_STOP_GRACEFULLY, &error);
  g_assert_no_error (error);
  report = ds_streaming_context_get_stop_report (program->ssc);
  g_assert_nonnull (strstr (report, "left 0"));
  g_assert_null (strstr (program->log->str, "105: "));
  g_assert_nonnull (strstr (told->str, "ms, to the next run"));
  g_clear_object (&program->ssc);

  gated_time = DS_TIME_NONE;
  ds_test_program_start (program);
  ds_test_program_run_until (program, 106);
  lines = g_strsplit (program->log->str, "\n", -1);
  g_assert_cmpuint (g_strv_length (lines), ==, 106 + 1);
  for (guint i = 0; i < 106; i++)
    {
      g_autofree char *begin = g_strdup_printf ("%u: ", i + 1);

      g_assert_true (g_str_has_prefix (lines[i], begin));
    }
}

/* Row A13: how many intervals a process is stopped for, and how soon it must be over. */
#define N_STOPPED 600
#define MOST_SECONDS 5

/* How long syncs take is not what it is about. */
static int
pretend_to_sync (const char *call, const char *path, gsize *n_bytes, gpointer unused)
{
  return g_str_has_suffix (call, "sync") ? DS_DURABLE_PRETEND : 0;
}

static void
test_a_process_that_was_stopped_catches_up (DsTestProgram *program,
                                            gconstpointer user_data)
{
  const gint64 first = 6; /* behind those of the run before */
  gint64 began;
  g_auto (GStrv) lines = NULL;

  g_test_summary ("A process that did nothing for 600 intervals, as after SIGSTOP, makes "
                  "each batch, in order and exact, within 5 s");

  ds_durable_file_set_fault_func (pretend_to_sync, NULL);
  ds_manual_clock_set_time (program->clock, (first - 1) * DS_SECOND);
  ds_test_program_start (program);
  ds_test_program_run_until (program, first);
  g_string_truncate (program->log, 0);

  began = g_get_monotonic_time ();
  ds_manual_clock_advance (program->clock, N_STOPPED * DS_SECOND);
  ds_test_program_run_until (program, first + N_STOPPED);
  g_test_message ("%d batches made up for in %.3f s", N_STOPPED,
                  (double) (g_get_monotonic_time () - began) / DS_SECOND);
  g_assert_cmpint (g_get_monotonic_time () - began, <, MOST_SECONDS * DS_SECOND);

  lines = g_strsplit (program->log->str, "\n", -1);
  g_assert_cmpuint (g_strv_length (lines), ==, N_STOPPED + 1);
  for (gint64 i = 0; i < N_STOPPED; i++)
    {
      g_autoptr (DsBlock) block = ds_test_source_make_block (0, first + 1 + i);
      g_autofree char *values = ds_block_to_string (block);
      g_autofree char *expected =
          g_strdup_printf ("%" G_GINT64_FORMAT ": %s", first + 1 + i,
                           g_strdelimit (g_strchomp (values), "\n", ' '));

      g_assert_cmpstr (lines[i], ==, expected);
    }
  ds_durable_file_set_fault_func (NULL, NULL);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/missed-batches/a-long-pause-is-told", DsTestProgram, NULL, set_up,
              test_a_long_pause_is_told, tear_down);
  g_test_add ("/missed-batches/a-short-pause-is-not", DsTestProgram, NULL, set_up,
              test_a_short_pause_is_not, tear_down);
  g_test_add ("/missed-batches/a-stop-leaves-them-to-the-next-run", DsTestProgram, NULL,
              set_up, test_a_stop_leaves_them_to_the_next_run, tear_down);
  g_test_add ("/missed-batches/a13-a-process-that-was-stopped-catches-up", DsTestProgram,
              NULL, set_up, test_a_process_that_was_stopped_catches_up, tear_down);
  return g_test_run ();
}
