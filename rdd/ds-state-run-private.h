/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsStateRun: a batch of one partition meets the states of its keys, record by record, as
 * map_with_state does.  One thread.
 *
 * States that were touched are kept beside the table until the end, decoded, so that a
 * key with many records is looked up and written once; the table changes in
 * ds_state_run_apply () only, and a run that fails leaves nothing to take back. */

#include "rdd/ds-sink-private.h"
#include "rdd/ds-state-table-private.h"
#include "rdd/ds-state.h"
#include "rdd/ds-task-private.h"

G_BEGIN_DECLS

typedef struct
{
  DsMapWithStateFunc func;
  gpointer user_data;
  const char *operator_name;
  DsTime time;       /* of the batch */
  gboolean is_timed; /* any record for a key with state touches it */
} DsStateRunPlan;

typedef struct _DsStateRun DsStateRun;

/* What @plan's function emits goes to @next.  @plan and @table must live as long. */
DsStateRun *ds_state_run_new (const DsStateRunPlan *plan,
                              DsStateTable *table,
                              DsTask *task,
                              DsSink *next);
void ds_state_run_free (DsStateRun *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsStateRun, ds_state_run_free)

/* All of these: FALSE when the task failed. */
gboolean ds_state_run_push (DsStateRun *self,
                            const DsValue *keys,
                            const DsValue *values,
                            gsize n_values);
/* Calls the function once more for each key that was last touched before @threshold and
 * has got nothing in this run; then its state goes. */
gboolean ds_state_run_time_out (DsStateRun *self, DsTime threshold);
/* The last that may be called: the table becomes what the run made of it. */
void ds_state_run_apply (DsStateRun *self);
/* Keys that were looked at: a batch costs what it touches. */
gsize ds_state_run_get_n_visited (DsStateRun *self);

/* A sink that pushes into @run, and does not finish it. */
DsSink *ds_state_run_sink_new (DsStateRun *run);

G_END_DECLS
