/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/ds-arena-private.h"
#include "rdd/ds-state-codec-private.h"
#include "rdd/ds-state-update-private.h"
#include "rdd/ds-table-private.h"

G_BEGIN_DECLS

/* The values of the batch by key, met with the table. */
struct _DsStateUpdateRun
{
  DsStateTable *table;
  DsTask *task;
  const char *operator_name;
  DsTime time;

  DsTable *groups;
  DsSink *sink;

  /* After ds_state_update_run_meet (). */
  DsBlock *block; /* (key, list) */
  const DsValue *keys;
  const DsValue *lists;
  gsize n_groups;
  guint32 *entries; /* of each group: with a state, or %DS_STATE_NO_ENTRY */

  GArray *changes; /* DsStateChange */
  DsArena *bytes;  /* of changes */
  DsArena *values; /* decoded states */
  GByteArray *scratch;
  gsize n_visited;
};

/* Ends the input.  FALSE when the task failed. */
gboolean ds_state_update_run_meet (DsStateUpdateRun *self);
/* %DS_STATE_NO_ENTRY: @key has no state, or none any longer. */
guint32 ds_state_update_run_find_entry (DsStateUpdateRun *self, DsValue key);
/* Of each entry of the table, which group it has, plus 1.  (transfer full) */
guint32 *ds_state_update_run_index_groups (DsStateUpdateRun *self);
/* @entry %DS_STATE_NO_ENTRY: not known.  Nothing, when @state is what the table has; null
 * removes. */
void ds_state_update_run_change (DsStateUpdateRun *self,
                                 guint32 entry,
                                 DsValue key,
                                 DsValue state);
void ds_state_update_run_apply (DsStateUpdateRun *self);
/* Calls @func under the name of the operator.  NULL when the task failed. */
DsBlock *ds_state_update_run_call_block_func (DsStateUpdateRun *self,
                                              DsBlockFunc func,
                                              gpointer user_data,
                                              DsBlock *block);

G_END_DECLS
