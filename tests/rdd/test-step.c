/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Steps: what lasts moves on once a batch, partition by partition. */

#include "rdd/ds-step-rdd-private.h"
#include "tests/rdd/ds-test-rdd.h"

#define N_PARTITIONS 4

/* A sum of all values in each partition. */
typedef struct
{
  gint64 sums[N_PARTITIONS];
  gint64 befores[N_PARTITIONS]; /* the last step */
  guint n_runs;                 /* atomic */
  guint n_commits;
  guint n_unrefs;
  guint n_failures_left; /* atomic: the last partition fails so often */
} Sums;

typedef struct
{
  DsSink sink;
  gint64 sum;
} SumSink;

static gboolean
sum_sink_push (DsSink *sink, const DsChunk *chunk)
{
  for (gsize i = 0; i < chunk->n_values; i++)
    ((SumSink *) sink)->sum += ds_value_get_int (chunk->pair_values[i]);
  return TRUE;
}

static gboolean
sum_sink_finish (DsSink *sink)
{
  return TRUE;
}

static void
sum_sink_free (DsSink *sink)
{
  g_free (sink);
}

static DsBlock *
sums_run (gpointer stepper, DsRdd *step, guint partition, DsTask *task)
{
  Sums *self = stepper;
  SumSink *sum = ds_sink_alloc (sizeof *sum, task, NULL);
  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
  gboolean ok = TRUE;
  gint64 value;

  sum->sink.push = sum_sink_push;
  sum->sink.finish = sum_sink_finish;
  sum->sink.free = sum_sink_free;
  sum->sink.accepts = DS_ACCEPTS_PAIRS;
  sum->sink.operator_name = "sums";
  for (guint i = 0; ok && i < ds_step_rdd_get_n_inputs (step); i++)
    ok = ds_step_rdd_read_input (step, i, partition, task, &sum->sink);
  value = sum->sum;
  ds_sink_free (&sum->sink);
  __atomic_add_fetch (&self->n_runs, 1, __ATOMIC_RELAXED);
  if (!ok)
    return NULL;
  if (partition == N_PARTITIONS - 1 &&
      __atomic_load_n (&self->n_failures_left, __ATOMIC_RELAXED) > 0)
    {
      __atomic_sub_fetch (&self->n_failures_left, 1, __ATOMIC_RELAXED);
      ds_task_fail (task, "out of luck");
      return NULL;
    }

  self->befores[partition] = self->sums[partition];
  self->sums[partition] += value;
  ds_block_builder_add_int (builder, self->sums[partition]);
  return ds_block_builder_end (builder);
}

static void
sums_roll_back (gpointer stepper, DsRdd *step, guint partition)
{
  Sums *self = stepper;

  self->sums[partition] = self->befores[partition];
}

static void
sums_commit (gpointer stepper, DsRdd *step)
{
  ((Sums *) stepper)->n_commits++;
}

static void
sums_unref (gpointer stepper)
{
  ((Sums *) stepper)->n_unrefs++;
}

static gint64
sums_total (const Sums *self)
{
  gint64 total = 0;

  for (guint i = 0; i < N_PARTITIONS; i++)
    total += self->sums[i];
  return total;
}

static DsRdd *
sums_step (Sums *self, DsContext *context, DsTime time, DsRdd *const *inputs, guint n)
{
  static const DsStepOps ops = { sums_run, sums_roll_back, sums_commit };
  g_autoptr (DsPartitioner) partitioner = ds_partitioner_new_hash (N_PARTITIONS);

  return ds_step_rdd_new (context, "sums", time, partitioner, inputs, n, &ops, self,
                          sums_unref);
}

static gint64
sum_of (DsRdd *rdd)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DsBlock) block = ds_rdd_collect (rdd, &error);
  gint64 sum = 0;

  g_assert_no_error (error);
  for (gsize i = 0; i < ds_block_get_length (block); i++)
    sum += ds_value_get_int (ds_block_get (block, i));
  return sum;
}

static const char *const first_lines[] = { "a 1", "b 2", "c 3", "d 4", "e 5", NULL };
static const char *const second_lines[] = { "a 10", "f 20", "g 30", NULL };

static void
test_step_runs_once (void)
{
  static const char *const masters[] = { "local[1]", "local[2]" };

  g_test_summary ("Two steps, of two inputs and of one, run each partition once, however "
                  "often they are read; their inputs go");

  for (gsize i = 0; i < G_N_ELEMENTS (masters); i++)
    {
      g_autoptr (DsTestContext) context = ds_test_context_new (masters[i]);
      Sums sums = { 0 };
      DsRdd *inputs[2] = { ds_test_pairs (context, first_lines, 2),
                           ds_test_pairs (context, second_lines, 3) };
      g_autoptr (DsRdd) one = sums_step (&sums, context, DS_SECOND, inputs, 2);
      g_autoptr (DsRdd) two = sums_step (&sums, context, 2 * DS_SECOND, &inputs[1], 1);
      g_autoptr (GError) error = NULL;

      g_object_unref (inputs[0]);
      g_object_add_weak_pointer (G_OBJECT (inputs[0]), (gpointer *) &inputs[0]);
      g_object_unref (inputs[1]);

      g_assert_true (ds_step_rdd_run (one, &error));
      g_assert_no_error (error);
      ds_step_rdd_settle (one);
      g_assert_null (inputs[0]);
      g_assert_cmpint (sum_of (one), ==, 75);
      g_assert_cmpint (sum_of (one), ==, 75);
      g_assert_cmpuint (sums.n_runs, ==, N_PARTITIONS);

      g_assert_true (ds_step_rdd_run (two, &error));
      g_assert_true (ds_step_rdd_run (two, &error));
      ds_step_rdd_settle (two);
      g_assert_cmpint (sum_of (two), ==, 135);
      g_assert_cmpint (sum_of (one), ==, 75);
      g_assert_cmpuint (sums.n_runs, ==, 2 * N_PARTITIONS);
      g_assert_cmpuint (sums.n_commits, ==, 2);
      g_assert_cmpuint (sums.n_unrefs, ==, 2);
    }
}

static void
test_step_tries_again (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  Sums sums = { .n_failures_left = 1 };
  DsRdd *input = ds_test_pairs (context, first_lines, 2);
  g_autoptr (DsRdd) step = sums_step (&sums, context, DS_SECOND, &input, 1);
  g_autoptr (GError) error = NULL;

  g_test_summary ("A second run runs only the partition that failed");

  g_object_unref (input);
  ds_rdd_set_name (step, "totals");
  g_assert_false (ds_step_rdd_run (step, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_USER_FUNCTION);
  g_assert_nonnull (strstr (error->message, "out of luck"));
  g_assert_nonnull (strstr (error->message, "totals"));
  g_clear_error (&error);

  g_assert_null (ds_rdd_collect (step, &error));
  g_assert_nonnull (strstr (error->message, "out of luck"));
  g_clear_error (&error);

  g_assert_true (ds_step_rdd_run (step, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (sums.n_runs, <=, N_PARTITIONS + 1);
  g_assert_cmpint (sums_total (&sums), ==, 15);
  ds_step_rdd_settle (step);
  g_assert_cmpint (sum_of (step), ==, 15);
}

static void
test_step_is_taken_back (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[1]");
  Sums sums = { .sums = { 100, 0, 0, 0 }, .n_failures_left = 1 };
  DsRdd *input = ds_test_pairs (context, first_lines, 1);
  g_autoptr (DsRdd) step = sums_step (&sums, context, DS_SECOND, &input, 1);
  g_autoptr (GError) error = NULL;

  g_test_summary ("A step that is given up leaves nothing behind");

  g_object_unref (input);
  g_assert_false (ds_step_rdd_run (step, NULL));
  g_assert_cmpuint (sums.n_runs, ==, N_PARTITIONS);
  ds_step_rdd_settle (step);
  g_assert_cmpint (sums_total (&sums), ==, 100);
  g_assert_cmpuint (sums.n_commits, ==, 0);
  g_assert_cmpuint (sums.n_unrefs, ==, 1);
  g_assert_null (ds_rdd_collect (step, &error));
  g_assert_nonnull (strstr (error->message, "out of luck"));
}

static void
test_step_is_read_too_early (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[1]");
  Sums sums = { 0 };
  g_autoptr (DsRdd) step = sums_step (&sums, context, 5 * DS_SECOND, NULL, 0);
  g_autoptr (GError) error = NULL;

  g_test_summary ("A step that has not run says so");

  g_assert_null (ds_rdd_collect (step, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_STATE);
  g_assert_nonnull (strstr (error->message, "its batch of 5000 ms has not run yet"));
  g_clear_error (&error);

  g_assert_true (ds_step_rdd_run (step, &error));
  g_assert_cmpint (sum_of (step), ==, 0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/rdd/step/runs-once", test_step_runs_once);
  g_test_add_func ("/rdd/step/tries-again", test_step_tries_again);
  g_test_add_func ("/rdd/step/is-taken-back", test_step_is_taken_back);
  g_test_add_func ("/rdd/step/is-read-too-early", test_step_is_read_too_early);
  return g_test_run ();
}
