/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Windows of all kinds in a program that is stopped: their checkpoints hold what came
 * since the one before, in chains that begin anew when they are long enough.  Wherever in
 * a chain it is stopped, and with however many workers it goes on, it gives the same
 * bytes. */

#include "base/ds-checkpoint-file-private.h"
#include "base/ds-log-format-private.h"
#include "tests/base/ds-test-tree.h"
#include "tests/dstream/ds-test-recovery.h"

#include <glib/gstdio.h>

/* ---- The graph ---- */

static DsValue
weigh (DsValue word, DsTask *task, gpointer user_data)
{
  gsize n_bytes;

  return ds_pair (task, word,
                  ds_value_double (ds_value_get_string (word, &n_bytes)[0] / 7.0));
}

static DsValue
double_itself (DsValue word, DsTask *task, gpointer user_data)
{
  return ds_pair (task, word, word);
}

static gboolean
is_not_small (DsValue pair, DsTask *task, gpointer user_data)
{
  return ds_value_get_double (ds_pair_value (pair)) > 100;
}

static DsValue
count_words (DsValue key,
             const DsValue *values,
             gsize n_values,
             DsValue state,
             DsTask *task,
             gpointer user_data)
{
  return ds_value_int (ds_value_get_int_or (state, 0) + (gint64) n_values);
}

static void
build_windows (DsTestProgram *program, DsStreamingContext *ssc)
{
  DsDStream *words = ds_test_source_add (ssc, 1);
  DsDStream *pairs = ds_dstream_map (words, weigh, NULL, NULL);
  DsDStream *texts = ds_dstream_map (words, double_itself, NULL, NULL);
  DsDStream *counts = ds_dstream_update_state_by_key (
      ds_dstream_map (words, ds_pair_with_one, NULL, NULL), count_words, NULL, NULL);
  DsDStream *inverse =
      ds_dstream_reduce_by_key_and_window (pairs, 20 * DS_SECOND, 0, ds_test_add_doubles,
                                           NULL, NULL);
  DsDStream *filtered =
      ds_dstream_reduce_by_key_and_window (pairs, 16 * DS_SECOND, 2 * DS_SECOND,
                                           ds_test_add_doubles, NULL, NULL);
  DsDStream *hidden =
      ds_dstream_reduce_by_key_and_window (pairs, 20 * DS_SECOND, 0, ds_test_add_doubles,
                                           NULL, NULL);

  ds_dstream_checkpoint (counts, DS_SECOND);
  ds_dstream_set_inverse (inverse, ds_test_subtract_doubles, NULL, NULL);
  ds_dstream_set_inverse (filtered, ds_test_subtract_doubles, NULL, NULL);
  ds_dstream_set_window_filter (filtered, is_not_small, NULL, NULL);
  ds_dstream_set_window_filter (hidden, is_not_small, NULL, NULL);
  ds_test_program_record (program, inverse);
  ds_test_program_record (program, filtered);
  ds_test_program_record (program, hidden);
  ds_test_program_record (
      program, ds_dstream_reduce_by_key_and_window (texts, 18 * DS_SECOND, 3 * DS_SECOND,
                                                    ds_test_join_texts, NULL, NULL));
  ds_test_program_record (program,
                          ds_dstream_reduce_by_window (words, 20 * DS_SECOND, 0,
                                                       ds_test_join_texts, NULL, NULL));
  ds_test_program_record (program, ds_dstream_count_by_window (words, 20 * DS_SECOND, 0));
  ds_test_program_record (program,
                          ds_dstream_count_by_value_and_window (words, 20 * DS_SECOND,
                                                                2 * DS_SECOND));
  ds_test_program_record (program,
                          ds_dstream_window (words, 6 * DS_SECOND, 3 * DS_SECOND));
  /* Over results that were given once. */
  ds_test_program_record (program, ds_dstream_window (counts, 5 * DS_SECOND, 0));
  ds_test_program_record (program,
                          ds_dstream_window (inverse, 4 * DS_SECOND, 2 * DS_SECOND));
}

/* ---- Chains ---- */

/* Batch @k, and the checkpoint that is taken when it begins, unless the one before is
 * still being written: then the next batch takes one. */
static void
run_batch (DsTestProgram *program, gint64 k)
{
  g_autofree char *name = ds_checkpoint_make_name ((k - 1) * DS_SECOND);
  g_autofree char *path = g_build_filename (program->directory, name, NULL);
  gint64 end = g_get_monotonic_time () + 100 * G_TIME_SPAN_MILLISECOND;

  ds_test_program_run_until (program, k);
  while (!g_file_test (path, G_FILE_TEST_EXISTS) && g_get_monotonic_time () < end)
    g_thread_yield ();
}

/* Names of what the newest checkpoint is made of, newest first.  While the program runs,
 * what an older one was made of may go meanwhile: then it is empty. */
static GPtrArray *
list_chain (DsTestProgram *program)
{
  g_autoptr (GError) error = NULL;
  DsDurableDirectory *directory =
      ds_durable_directory_open (program->directory, DS_DURABLE_DIRECTORY_READ_ONLY,
                                 &error);
  g_autoptr (GPtrArray) names = ds_durable_directory_list (directory, "ckpt-", &error);
  GPtrArray *chain = g_ptr_array_new_with_free_func (g_free);
  DsCheckpointHead head = { .base_time = 0 };

  g_ptr_array_add (chain, g_strdup (names->pdata[names->len - 1]));
  for (;;)
    {
      if (!ds_checkpoint_read_head (directory, chain->pdata[chain->len - 1], &head,
                                    &error))
        {
          g_assert_nonnull (program->ssc);
          g_ptr_array_set_size (chain, 0);
          break;
        }
      if (head.base_time == DS_TIME_NONE)
        break;
      g_ptr_array_add (chain, ds_checkpoint_make_name (head.base_time));
    }
  ds_durable_directory_close (directory);
  return chain;
}

static gboolean
is_in_long_chain (DsTestProgram *program)
{
  g_autoptr (GPtrArray) chain = list_chain (program);

  return chain->len > 3;
}

#define N_BATCHES 60

static char *
run_without_stop (void)
{
  DsTestProgram program;
  char *log;

  ds_test_program_set_up (&program, build_windows);
  ds_test_program_start (&program);
  ds_test_program_run_until (&program, N_BATCHES);
  log = g_strdup (program.log->str);
  ds_test_program_tear_down (&program);
  return log;
}

static void
test_goes_on_from_any_place_of_a_chain (void)
{
  g_autofree char *expected = run_without_stop ();
  const char *masters[] = { "local[1]", "local[3]", "local[2]" };
  guint n_longest = 0;
  DsTestProgram program;

  g_test_summary ("Stopped in chains of 1 to more than 3, and where a new one begins");
  ds_test_program_set_up (&program, build_windows);
  ds_test_program_start (&program);
  for (gint64 k = 1; k <= N_BATCHES; k++)
    {
      g_autoptr (GPtrArray) chain = NULL;
      gboolean is_long;

      run_batch (&program, k);
      is_long = k > 24 && n_longest <= 3 && is_in_long_chain (&program);
      /* In a chain of small windows, of full ones, and behind one that was as long as it
       * may be. */
      if (k != 9 && k != 24 && !is_long && k != N_BATCHES - 1)
        continue;
      ds_test_program_stop (&program, DS_STOP_NOW);
      chain = list_chain (&program);
      g_test_message ("stopped after batch %" G_GINT64_FORMAT " in a chain of %u", k,
                      chain->len);
      n_longest = MAX (n_longest, chain->len);
      program.master = masters[k % 3];
      ds_test_program_start (&program);
      g_assert_true (ds_streaming_context_is_recovered (program.ssc));
    }
  ds_test_assert_same_log (expected, program.log->str, "windows");
  g_assert_cmpuint (n_longest, >, 3);
  ds_test_program_tear_down (&program);
}

/* ---- Damage ---- */

/* Chains are read back whole: from the link at @name on they are of no use. */
static void
damage (DsTestProgram *program, const char *name, gboolean removes)
{
  g_autofree char *path = g_build_filename (program->directory, name, NULL);
  g_autofree char *bytes = NULL;
  gsize n_bytes;

  if (removes)
    {
      g_assert_cmpint (g_unlink (path), ==, 0);
      return;
    }
  g_assert_true (g_file_get_contents (path, &bytes, &n_bytes, NULL));
  bytes[n_bytes / 2] ^= 1;
  g_assert_true (g_file_set_contents_full (path, bytes, (gssize) n_bytes,
                                           G_FILE_SET_CONTENTS_NONE, 0600, NULL));
}

/* A program that was stopped in a chain of more than 3. */
static void
set_up_chain (DsTestProgram *program)
{
  gint64 k = 22;

  ds_test_program_set_up (program, build_windows);
  ds_test_program_start (program);
  ds_test_program_run_until (program, k);
  for (;;)
    {
      g_autoptr (GPtrArray) chain = NULL;

      while (!is_in_long_chain (program))
        run_batch (program, ++k);
      g_assert_cmpint (k, <, N_BATCHES);
      ds_test_program_stop (program, DS_STOP_NOW);
      chain = list_chain (program);
      if (chain->len > 3)
        break;
      /* One that was still being written began a new one. */
      ds_test_program_start (program);
    }
}

static void
check_damage (const char *expected, guint n_from_newest, gboolean removes)
{
  g_autoptr (GPtrArray) chain = NULL;
  DsTestProgram program;

  set_up_chain (&program);
  chain = list_chain (&program);
  damage (&program, chain->pdata[n_from_newest], removes);
  /* Of each that can't be used. */
  for (guint i = 0; i <= n_from_newest - removes; i++)
    g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE, "*nothing is lost*");
  ds_test_program_start (&program);
  g_test_assert_expected_messages ();
  g_assert_true (ds_streaming_context_is_recovered (program.ssc));
  ds_test_program_run_until (&program, N_BATCHES);
  ds_test_assert_same_log (expected, program.log->str, chain->pdata[n_from_newest]);
  ds_test_program_tear_down (&program);
}

static void
test_a_damaged_link_means_the_one_before (void)
{
  g_autofree char *expected = run_without_stop ();

  g_test_summary ("The newest link, and the one before it: flipped, and gone");
  check_damage (expected, 0, FALSE);
  check_damage (expected, 1, FALSE);
  check_damage (expected, 1, TRUE);
}

static void
test_without_its_beginning_a_chain_is_an_error (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) chain = NULL;
  DsTestProgram program;

  g_test_summary (
      "When all that is kept builds on what is damaged there is no fresh start");
  set_up_chain (&program);
  chain = list_chain (&program);
  damage (&program, chain->pdata[chain->len - 1], FALSE);
  g_assert_false (ds_test_program_try_start (&program, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_CORRUPT);
  g_assert_nonnull (strstr (error->message, chain->pdata[chain->len - 1]));
  g_clear_object (&program.ssc);
  ds_test_program_tear_down (&program);
}

/* "name" of all files, a line each. */
static char *
list_files (DsTestProgram *program)
{
  g_auto (GStrv) names = ds_test_list_names (program->directory);

  return g_strjoinv ("\n", names);
}

/* Which link of @chain is the first that the log does not go back to; 0: none, when it
 * was not removed as far as it may be. */
static guint
find_without_log (DsTestProgram *program, GPtrArray *chain)
{
  g_autoptr (GError) error = NULL;
  DsDurableDirectory *directory =
      ds_durable_directory_open (program->directory, DS_DURABLE_DIRECTORY_READ_ONLY,
                                 &error);
  g_autoptr (GArray) segments = ds_log_list_segments (directory, &error);
  guint64 first = g_array_index (segments, DsLogSegmentFile, 0).head.first_sequence;
  guint found = 0;

  for (guint i = chain->len; i > 0; i--)
    {
      DsCheckpointHead head;

      g_assert_true (
          ds_checkpoint_read_head (directory, chain->pdata[i - 1], &head, &error));
      if (head.wal_sequence < first)
        found = i - 1;
    }
  ds_durable_directory_close (directory);
  return found;
}

/* The log goes back to the oldest of the three that are kept; what those build on is
 * whole, and no place to go on from. */
static void
test_what_is_only_built_on_is_not_gone_on_from (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) chain = NULL;
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;
  DsTestProgram program;
  guint without_log = 0;

  g_test_summary (
      "A damaged link that all that is kept builds on, with whole ones before "
      "it, is an error, and nothing is changed");
  for (;;)
    {
      set_up_chain (&program);
      chain = list_chain (&program);
      without_log = find_without_log (&program, chain);
      if (without_log > 0)
        break;
      g_clear_pointer (&chain, g_ptr_array_unref);
      ds_test_program_tear_down (&program);
    }
  damage (&program, chain->pdata[without_log - 1], FALSE);
  before = list_files (&program);
  g_assert_false (ds_test_program_try_start (&program, &error));
  after = list_files (&program);
  g_assert_error (error, DS_ERROR, DS_ERROR_CORRUPT);
  g_assert_nonnull (strstr (error->message, chain->pdata[without_log - 1]));
  g_assert_nonnull (strstr (error->message, "nothing was changed"));
  g_assert_cmpstr (after, ==, before);
  g_clear_object (&program.ssc);
  ds_test_program_tear_down (&program);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/recovery-windows/goes-on-from-any-place-of-a-chain",
                   test_goes_on_from_any_place_of_a_chain);
  g_test_add_func ("/recovery-windows/a-damaged-link-means-the-one-before",
                   test_a_damaged_link_means_the_one_before);
  g_test_add_func ("/recovery-windows/without-its-beginning-a-chain-is-an-error",
                   test_without_its_beginning_a_chain_is_an_error);
  g_test_add_func ("/recovery-windows/what-is-only-built-on-is-not-gone-on-from",
                   test_what_is_only_built_on_is_not_gone_on_from);

  return g_test_run ();
}
