/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* States of many keys: when between two checkpoints more has changed than is worth being
 * remembered, the next one holds everything, else what changed; either way a program that
 * is stopped goes on as if it had not been. */

#include "base/ds-checkpoint-file-private.h"
#include "tests/dstream/ds-test-recovery.h"

#define N_WORDS 9
#define N_KEYS_A_WORD 4000
#define N_BATCHES                                                      \
  25 /* until it is stopped: several behind the checkpoint of the 21st \
      */
#define N_BATCHES_IN_ALL 31
#define INTERVAL (7 * DS_SECOND)

typedef struct
{
  DsTestProgram program; /* first */
  gint n_keys_later;     /* of each word, from the fourth batch on */
} Counting;

/* ---- The graph ---- */

static gint
get_n_keys (const Counting *self, gint64 k)
{
  return k <= 3 ? N_KEYS_A_WORD : self->n_keys_later;
}

/* A word stands for many keys. */
static void
spread_word (DsValue word, DsTask *task, gpointer n_keys)
{
  gsize n_bytes;
  gint64 first = (ds_value_get_string (word, &n_bytes)[0] - 'a') * N_KEYS_A_WORD;

  for (gint i = 0; i < GPOINTER_TO_INT (n_keys); i++)
    ds_task_emit (task, ds_pair (task, ds_value_int (first + i), ds_value_int (1)));
}

static DsRdd *
spread (DsRdd *rdd, DsBatch *batch, gpointer user_data, GError **error)
{
  gint n_keys = get_n_keys (user_data, ds_batch_get_time (batch) / DS_SECOND);

  return ds_rdd_flat_map (rdd, spread_word, GINT_TO_POINTER (n_keys), NULL);
}

static void
count (DsValue key, DsValue value, DsState *state, DsTask *task, gpointer user_data)
{
  gint64 old = ds_value_get_int (ds_state_get_or (state, ds_value_int (0)));

  ds_state_update (state, ds_value_int (old + ds_value_get_int (value)));
}

/* So that what is counted for another key shows in the sum. */
static DsValue
weigh (DsValue pair, DsTask *task, gpointer user_data)
{
  return ds_value_int ((ds_value_get_int (ds_pair_key (pair)) + 1) *
                       ds_value_get_int (ds_pair_value (pair)));
}

static void
build (DsTestProgram *program, DsStreamingContext *ssc)
{
  DsDStream *pairs =
      ds_dstream_transform (ds_test_source_add (ssc, 1), spread, program, NULL);
  DsDStream *counts = ds_dstream_map_with_state (pairs, count, NULL, NULL);
  DsDStream *weights =
      ds_dstream_map (ds_dstream_state_snapshots (counts), weigh, NULL, NULL);

  ds_dstream_checkpoint (counts, INTERVAL);
  ds_test_program_record (program, ds_dstream_reduce (weights, ds_add, NULL, NULL));
}

/* What is written down when it is never stopped, by a plain loop. */
static char *
expect_log (const Counting *self)
{
  GString *text = g_string_new (NULL);
  g_autofree gint64 *counts = g_new0 (gint64, N_WORDS * N_KEYS_A_WORD);

  for (gint64 k = 1; k <= N_BATCHES_IN_ALL; k++)
    {
      g_autoptr (DsBlock) block = ds_test_source_make_block (1, k);
      gint64 sum = 0;
      gsize n_words;
      const DsValue *words = ds_block_get_values (block, &n_words);

      for (gsize w = 0; w < n_words; w++)
        for (gint i = 0; i < get_n_keys (self, k); i++)
          {
            gsize n_bytes;

            counts[(ds_value_get_string (words[w], &n_bytes)[0] - 'a') * N_KEYS_A_WORD +
                   i]++;
          }
      for (gint64 i = 0; i < N_WORDS * N_KEYS_A_WORD; i++)
        sum += (i + 1) * counts[i];
      g_string_append_printf (text, "%" G_GINT64_FORMAT ": %" G_GINT64_FORMAT "\n", k,
                              sum);
    }
  return g_string_free (text, FALSE);
}

/* ---- Checkpoints ---- */

/* What the newest checkpoint builds on. */
static DsTime
read_base_time (DsTestProgram *program)
{
  g_autoptr (GError) error = NULL;
  DsDurableDirectory *directory =
      ds_durable_directory_open (program->directory, DS_DURABLE_DIRECTORY_READ_ONLY,
                                 &error);
  g_autoptr (GPtrArray) names = ds_durable_directory_list (directory, "ckpt-", &error);
  DsCheckpointHead head = { .base_time = 0 };

  g_assert_no_error (error);
  ds_checkpoint_read_head (directory, names->pdata[names->len - 1], &head, &error);
  g_assert_no_error (error);
  ds_durable_directory_close (directory);
  return head.base_time;
}

/* The checkpoint of batch @k is taken when the next one begins, and written meanwhile. */
static void
await_checkpoint (DsTestProgram *program, gint64 k)
{
  g_autofree char *name = ds_checkpoint_make_name (k * DS_SECOND);
  g_autofree char *path = g_build_filename (program->directory, name, NULL);

  while (!g_file_test (path, G_FILE_TEST_EXISTS))
    g_thread_yield ();
}

static DsTime
run_and_stop (gint n_keys_later)
{
  Counting counting = { .n_keys_later = n_keys_later };
  DsTestProgram *program = &counting.program;
  g_autofree char *expected = expect_log (&counting);
  DsTime base_time;

  ds_test_program_set_up (program, build);
  ds_test_program_start (program);
  for (gint64 k = 1; k <= N_BATCHES; k++)
    {
      ds_test_program_run_until (program, k);
      if ((k - 1) % (INTERVAL / DS_SECOND) == 0 && k > 1)
        await_checkpoint (program, k - 1);
    }
  ds_test_program_stop (program, DS_STOP_GRACEFULLY);
  base_time = read_base_time (program);

  program->master = "local[3]";
  ds_test_program_start (program);
  g_assert_true (ds_streaming_context_is_recovered (program->ssc));
  ds_test_program_run_until (program, N_BATCHES_IN_ALL);
  ds_test_assert_same_log (expected, program->log->str, "states");
  ds_test_program_tear_down (program);
  return base_time;
}

static void
test_few_changes_are_saved_alone (void)
{
  g_assert_cmpint (run_and_stop (10), ==, 21 * DS_SECOND);
}

static void
test_many_changes_are_saved_with_everything (void)
{
  g_assert_cmpint (run_and_stop (N_KEYS_A_WORD), ==, DS_TIME_NONE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/dstream/recovery-states/few-changes-are-saved-alone",
                   test_few_changes_are_saved_alone);
  g_test_add_func ("/dstream/recovery-states/many-changes-are-saved-with-everything",
                   test_many_changes_are_saved_with_everything);

  return g_test_run ();
}
