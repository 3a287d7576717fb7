/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsStateStepper: what moves the state of a stream on, a step a batch.  It holds the
 * store of states and the program's function; stream and steps refer to it.
 *
 * The operators on state differ in what they do with the input of a partition; loading
 * initial states, taking back what failed, and making the steps is the same for all. */

#include "dstream/ds-dstream-private.h"
#include "rdd/ds-checkpoint-stream-private.h"
#include "rdd/ds-state-store-private.h"
#include "rdd/ds-state.h"

G_BEGIN_DECLS

typedef struct _DsStateStepper DsStateStepper;

/* What a run may ask. */
typedef struct
{
  DsStateStepper *stepper;
  DsRdd *step;
  guint partition;
  DsTime time;
  DsTask *task;
  DsStateTable *table;
} DsStateStep;

typedef struct
{
  gboolean first_initial_wins; /* of several initial states for a key */
  /* Thread: executor.  Changes the table last; what the partition gives.  (transfer
   * full)  NULL when the task failed. */
  DsBlock *(*run) (const DsStateStep *step);
} DsStateStepperOps;

struct _DsStateStepper
{
  gint ref_count;
  const DsStateStepperOps *ops;
  DsStateStore *store;
  char *name; /* of the operator, for messages */
  GCallback func;
  DsSharedData *data;
  DsDuration timeout; /* 0: none */
};

DsStateStepper *ds_state_stepper_ref (DsStateStepper *self);
void ds_state_stepper_unref (gpointer self);

/* The stepper of @stream, made at the first batch, when options hold: *@stepper, set
 * atomically for readers. */
DsStateStepper *ds_state_stepper_get (DsStateStepper **stepper,
                                      DsDStream *stream,
                                      const DsStateStepperOps *ops);
/* A step of @batch over @parent (nullable: no RDD), added to the graph.  (transfer full)
 */
DsRdd *ds_state_stepper_make_step (DsStateStepper *self,
                                   DsDStream *stream,
                                   DsBatch *batch,
                                   DsRdd *parent);
/* Pushes the batch's input of the partition into @sink.  FALSE when the task failed. */
gboolean ds_state_step_read (const DsStateStep *self, DsSink *sink);

/* ---- Checkpoints: ds-state-keeping.c ---- */

/* @self: (nullable): no batch was made yet. */
gpointer ds_state_stepper_capture (DsStateStepper *self,
                                   DsTime time,
                                   DsTime since,
                                   gboolean *is_full);
gboolean ds_state_capture_save (gpointer capture, DsStateWriter *writer, GError **error);
void ds_state_capture_release (gpointer capture, gboolean is_base);
guint ds_state_stepper_count_partitions (DsStateStepper *self);
/* What @stream gave at @time, with @partitioner (nullable).  (transfer full) */
DsRdd *ds_state_stepper_make_result (DsStateStepper *self,
                                     DsDStream *stream,
                                     DsTime time,
                                     DsPartitioner *partitioner,
                                     DsBlock **blocks);

/* ---- The streams ---- */

/* NULL: not such a stream, or no batch was made yet.  Any thread. */
DsStateStepper *ds_state_mapped_dstream_get_stepper (DsDStream *dstream);
DsStateStepper *ds_state_updated_dstream_get_stepper (DsDStream *dstream);
/* There is a stream of its snapshots. */
void ds_state_mapped_dstream_need_snapshots (DsDStream *dstream);
gboolean ds_dstream_is_state_mapped (DsDStream *dstream);
gboolean ds_dstream_is_state_updated (DsDStream *dstream);

G_END_DECLS
