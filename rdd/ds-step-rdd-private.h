/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsStepRdd: one step of something that lasts from batch to batch, as state by key or a
 * window that slides.
 *
 * Any other RDD is a recipe that can be followed again.  A step is taken once: each of
 * its partitions reads the input, changes what lasts (the stepper's table of that
 * partition) and gives a block, which is kept for whoever reads the RDD.  So a step must
 * have been run before it is read, its inputs can go as soon as it has run, and lineage
 * ends with it: nothing behind a step is ever computed again.
 *
 * Steps of one stepper are run in the order of time, one after the other; the partitions
 * of a step side by side. */

#include "rdd/ds-partitioner.h"
#include "rdd/ds-rdd-private.h"

G_BEGIN_DECLS

typedef struct
{
  /* Thread: executor.  Reads the inputs with ds_step_rdd_read_input (), moves what lasts
   * of @partition on, and returns what the partition gives: values or pairs.  (transfer
   * full)  NULL when the task failed: what lasts is then as before the call, and the call
   * may come again. */
  DsBlock *(*run) (gpointer stepper, DsRdd *step, guint partition, DsTask *task);
  /* Thread: driver; no task runs.  The batch is given up: what lasts of @partition, which
   * has run, becomes what it was before the step. */
  void (*roll_back) (gpointer stepper, DsRdd *step, guint partition);
  /* Thread: driver; no task runs.  Every partition has run and none will be rolled back.
   * NULL: nothing to do. */
  void (*commit) (gpointer stepper, DsRdd *step);
} DsStepOps;

/* @inputs: RDDs of pairs, dealt out by @partitioner where they do not lie so already; 0
 * or more.  @stepper: taken over, given back with @unref when the step has been committed
 * or has gone.  (transfer full) */
DsRdd *ds_step_rdd_new (DsContext *context,
                        const char *kind,
                        DsTime time,
                        DsPartitioner *partitioner,
                        DsRdd *const *inputs,
                        guint n_inputs,
                        const DsStepOps *ops,
                        gpointer stepper,
                        GDestroyNotify unref);
/* A step that has run and was committed: @blocks, as many as @partitioner has partitions,
 * are what it gave.  They are referenced.  Running and settling it do nothing.  Where
 * values keep their keys' places, ds_rdd_set_node_partitioner () is the caller's.
 * (transfer full) */
DsRdd *ds_step_rdd_new_restored (DsContext *context,
                                 const char *kind,
                                 DsTime time,
                                 DsPartitioner *partitioner,
                                 DsBlock *const *blocks);
/* What a step gave, ended by NULL.  NULL: it has not run, or was given up.  Any thread.
 * (transfer full): ds_results_free () */
DsBlock **ds_step_rdd_ref_blocks (DsRdd *step);
/* Whether @rdd is a step. */
gboolean ds_rdd_is_step (DsRdd *rdd);
/* What the stepper wants to know of this one step; before it runs. */
void ds_step_rdd_set_data (DsRdd *step, gpointer data, GDestroyNotify destroy);
gpointer ds_step_rdd_get_data (DsRdd *step); /* (nullable) */
DsTime ds_step_rdd_get_time (DsRdd *step);
guint ds_step_rdd_get_n_inputs (DsRdd *step);
/* A step whose values keep their keys' places says so with ds_rdd_set_node_partitioner
 * (). */

/* Whether values of @rdd come from a step that was given up: it will never be read.  For
 * windows, which go on without such a batch.  Any thread. */
gboolean ds_rdd_was_given_up (DsRdd *rdd);

/* Only within run: pushes what input @index has for @partition into @sink, and does not
 * finish it.  FALSE when the task failed. */
gboolean ds_step_rdd_read_input (DsRdd *step,
                                 guint index,
                                 guint partition,
                                 DsTask *task,
                                 DsSink *sink);

/* For RDDs that read what the step has moved on.  FALSE, with the task failed, when
 * @partition has not run, or was taken back. */
gboolean ds_step_rdd_check (DsRdd *step, guint partition, DsTask *task);

/* ---- For the job scheduler.  Thread: driver. ---- */

/* Runs the partitions that have not run yet, and waits.  FALSE with the error of the
 * first one that failed; to be called again, or settled. */
gboolean ds_step_rdd_run (DsRdd *step, GError **error);
/* The batch is over.  A step of which all has run stays; otherwise what has run of it is
 * taken back, and it can't be read any longer. */
void ds_step_rdd_settle (DsRdd *step);

G_END_DECLS
