/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsStateUpdateRun: a batch of one partition as keys with all their values, beside the
 * states of all keys, as update_state_by_key wants them.  One thread.  The table changes
 * in the last call only, and only where a state is another than before. */

#include "base/ds-block.h"
#include "rdd/ds-sink-private.h"
#include "rdd/ds-state-table-private.h"
#include "rdd/ds-state.h"
#include "rdd/ds-task-private.h"

G_BEGIN_DECLS

typedef struct _DsStateUpdateRun DsStateUpdateRun;

DsStateUpdateRun *ds_state_update_run_new (DsStateTable *table,
                                           DsTask *task,
                                           const char *operator_name,
                                           DsTime time);
void ds_state_update_run_free (DsStateUpdateRun *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsStateUpdateRun, ds_state_update_run_free)

/* Takes in the values of the batch; not finished by the run. */
DsSink *ds_state_update_run_get_sink (DsStateUpdateRun *self); /* (transfer none) */

/* ---- Then one of these: FALSE or NULL when the task failed ---- */

/* @func for each key with state, in the order of the table, then for each key without. */
gboolean ds_state_update_run_by_key (DsStateUpdateRun *self,
                                     DsUpdateStateFunc func,
                                     gpointer user_data);
/* @func once for all; what it emitted, which are the new states.  (transfer full) */
DsBlock *ds_state_update_run_by_partition (DsStateUpdateRun *self,
                                           DsUpdateStatePartitionFunc func,
                                           gpointer user_data);
/* The same with tuples (key, values, state or null) in, pairs out. */
DsBlock *ds_state_update_run_by_block (DsStateUpdateRun *self,
                                       DsBlockFunc func,
                                       gpointer user_data);
/* map_with_state for blocks: tuples (key, values, state or null, timing out) of the keys
 * with values and, when @is_timed, those touched last before @threshold in; tuples (key,
 * state or null, list of what is emitted) out.  What was emitted. */
DsBlock *ds_state_update_run_map_block (DsStateUpdateRun *self,
                                        gboolean is_timed,
                                        DsTime threshold,
                                        DsBlockFunc func,
                                        gpointer user_data);

/* Keys that were looked at. */
gsize ds_state_update_run_get_n_visited (DsStateUpdateRun *self);

G_END_DECLS
