/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/ds-macros.h"

#include "rdd/ds-task.h"

G_BEGIN_DECLS

/**
 * DsState: (skip)
 *
 * The state of one key, lent to a #DsMapWithStateFunc for the call.
 */
typedef struct _DsState DsState;

DS_AVAILABLE_IN_ALL
gboolean ds_state_exists (DsState *self);
/* Fails the task when there is none; get_or () gives @fallback then. */
DS_AVAILABLE_IN_ALL
DsValue ds_state_get (DsState *self);
DS_AVAILABLE_IN_ALL
DsValue ds_state_get_or (DsState *self, DsValue fallback);
/* Copies @value; null removes.  Both fail the task on a state that was removed or is
 * timing out; removing a state that never was is allowed. */
DS_AVAILABLE_IN_ALL
void ds_state_update (DsState *self, DsValue value);
DS_AVAILABLE_IN_ALL
void ds_state_remove (DsState *self);
/* TRUE in the last call for a key, which has no new value. */
DS_AVAILABLE_IN_ALL
gboolean ds_state_is_timing_out (DsState *self);
DS_AVAILABLE_IN_ALL
DsTime ds_state_get_updated_at (DsState *self); /* batch time of the last touch */

/**
 * DsMapWithStateFunc: (skip)
 * @key: the key of the record, lent for the call
 * @value: the value of the record; null in the call for a key that times out
 * @state: the state of @key
 * @task: the running task
 * @user_data: what was given with the function
 *
 * Called once a record, in the order of the partition, and once more for a key that times
 * out.  Emits what the resulting stream shall hold, by ds_task_emit () and
 * ds_task_emit_pair (): nothing, one value, many.
 */
typedef void (*DsMapWithStateFunc) (DsValue key,
                                    DsValue value,
                                    DsState *state,
                                    DsTask *task,
                                    gpointer user_data);

/**
 * DsUpdateStateFunc: (skip)
 * @key: a key, lent for the call
 * @values: (array length=n_values): its values in this batch, in the order of partitions
 * @n_values: how many, also 0
 * @state: its state; null when there is none
 * @task: the running task
 * @user_data: what was given with the function
 *
 * Called once a batch for every key with state or new values.
 *
 * Returns: the new state; null removes the key
 */
typedef DsValue (*DsUpdateStateFunc) (DsValue key,
                                      const DsValue *values,
                                      gsize n_values,
                                      DsValue state,
                                      DsTask *task,
                                      gpointer user_data);

/**
 * DsStateUpdate: (skip)
 * @key: a key with state or new values
 * @values: (array length=n_values): its values in this batch
 * @n_values: how many, also 0
 * @state: its state; null when there is none
 *
 * What there is of a key in a batch.
 */
typedef struct _DsStateUpdate DsStateUpdate;

struct _DsStateUpdate
{
  DsValue key;
  const DsValue *values;
  gsize n_values;
  DsValue state; /* null: none */
};

/**
 * DsUpdateStatePartitionFunc: (skip)
 * @updates: (array length=n_updates): the keys of a partition, lent for the call
 * @n_updates: how many, also 0
 * @task: the running task
 * @user_data: what was given with the function
 *
 * Called once a batch and partition.  Emits the new states as pairs (key, state), also
 * with other keys than it was given; what it does not emit goes.
 */
typedef void (*DsUpdateStatePartitionFunc) (const DsStateUpdate *updates,
                                            gsize n_updates,
                                            DsTask *task,
                                            gpointer user_data);

G_END_DECLS
