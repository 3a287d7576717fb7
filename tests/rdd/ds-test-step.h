/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The least that can last from batch to batch: a sum of all values in each partition. */

#include "rdd/ds-step-rdd-private.h"

#define DS_TEST_N_SUMS 4

/* A sum of all values in each partition. */
typedef struct
{
  gint64 sums[DS_TEST_N_SUMS];
  gint64 befores[DS_TEST_N_SUMS]; /* the last step */
  guint n_runs;                   /* atomic */
  guint n_commits;
  guint n_unrefs;
  guint n_failures_left; /* atomic: the last partition fails so often */
} DsTestSums;

typedef struct
{
  DsSink sink;
  gint64 sum;
} DsTestSumSink;

static inline gboolean
ds_test_sum_sink_push (DsSink *sink, const DsChunk *chunk)
{
  for (gsize i = 0; i < chunk->n_values; i++)
    ((DsTestSumSink *) sink)->sum += ds_value_get_int (chunk->pair_values[i]);
  return TRUE;
}

static inline gboolean
ds_test_sum_sink_finish (DsSink *sink)
{
  return TRUE;
}

static inline void
ds_test_sum_sink_free (DsSink *sink)
{
  g_free (sink);
}

static inline DsBlock *
ds_test_sums_run (gpointer stepper, DsRdd *step, guint partition, DsTask *task)
{
  DsTestSums *self = stepper;
  DsTestSumSink *sum = ds_sink_alloc (sizeof *sum, task, NULL);
  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
  gboolean ok = TRUE;
  gint64 value;

  sum->sink.push = ds_test_sum_sink_push;
  sum->sink.finish = ds_test_sum_sink_finish;
  sum->sink.free = ds_test_sum_sink_free;
  sum->sink.accepts = DS_ACCEPTS_PAIRS;
  sum->sink.operator_name = "sums";
  for (guint i = 0; ok && i < ds_step_rdd_get_n_inputs (step); i++)
    ok = ds_step_rdd_read_input (step, i, partition, task, &sum->sink);
  value = sum->sum;
  ds_sink_free (&sum->sink);
  __atomic_add_fetch (&self->n_runs, 1, __ATOMIC_RELAXED);
  if (!ok)
    return NULL;
  if (partition == DS_TEST_N_SUMS - 1 &&
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

static inline void
ds_test_sums_roll_back (gpointer stepper, DsRdd *step, guint partition)
{
  DsTestSums *self = stepper;

  self->sums[partition] = self->befores[partition];
}

static inline void
ds_test_sums_commit (gpointer stepper, DsRdd *step)
{
  ((DsTestSums *) stepper)->n_commits++;
}

static inline void
ds_test_sums_unref (gpointer stepper)
{
  ((DsTestSums *) stepper)->n_unrefs++;
}

static inline gint64
ds_test_sums_total (const DsTestSums *self)
{
  gint64 total = 0;

  for (guint i = 0; i < DS_TEST_N_SUMS; i++)
    total += self->sums[i];
  return total;
}

static inline DsRdd *
ds_test_sums_step (DsTestSums *self,
                   DsContext *context,
                   DsTime time,
                   DsRdd *const *inputs,
                   guint n)
{
  static const DsStepOps ops = { ds_test_sums_run, ds_test_sums_roll_back,
                                 ds_test_sums_commit };
  g_autoptr (DsPartitioner) partitioner = ds_partitioner_new_hash (DS_TEST_N_SUMS);

  return ds_step_rdd_new (context, "sums", time, partitioner, inputs, n, &ops, self,
                          ds_test_sums_unref);
}
