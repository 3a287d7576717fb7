/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Ready-made functions that only move values around. */

#include "rdd/ds-functions.h"
#include "rdd/ds-task-private.h"

/**
 * ds_items: (skip)
 * @list: a list or tuple
 * @task: the running task
 * @unused: nothing
 *
 * A #DsFlatMapFunc: emits each item, in order.
 */
void
ds_items (DsValue list, DsTask *task, gpointer unused)
{
  guint n_items = ds_value_get_n_items (list);

  if (n_items > 0)
    ds_task_emit_values (task, list.as.items, n_items);
}

/**
 * ds_identity: (skip)
 * @value: any value
 * @task: the running task
 * @unused: nothing
 *
 * A #DsMapFunc that changes nothing.
 *
 * Returns: @value
 */
DsValue
ds_identity (DsValue value, DsTask *task, gpointer unused)
{
  return value;
}

/**
 * ds_pair_with_one: (skip)
 * @value: any value
 * @task: the running task
 * @unused: nothing
 *
 * A #DsMapFunc: (@value, 1).  The engine knows it and makes no tuples.
 *
 * Returns: a pair in memory of the task
 */
DsValue
ds_pair_with_one (DsValue value, DsTask *task, gpointer unused)
{
  return ds_pair (task, value, ds_value_int (1));
}

/**
 * ds_swap: (skip)
 * @pair: a pair (a, b)
 * @task: the running task
 * @unused: nothing
 *
 * A #DsMapFunc: (b, a).
 *
 * Returns: a pair in memory of the task
 */
DsValue
ds_swap (DsValue pair, DsTask *task, gpointer unused)
{
  DsValue key = ds_pair_key (pair);

  return ds_task_has_failed (task) ? ds_value_null ()
                                   : ds_pair (task, ds_pair_value (pair), key);
}

/**
 * ds_to_key: (skip)
 * @pair: a pair
 * @task: the running task
 * @unused: nothing
 *
 * A #DsMapFunc: the key of @pair.
 *
 * Returns: the key
 */
DsValue
ds_to_key (DsValue pair, DsTask *task, gpointer unused)
{
  return ds_pair_key (pair);
}

/**
 * ds_to_value: (skip)
 * @pair: a pair
 * @task: the running task
 * @unused: nothing
 *
 * A #DsMapFunc: the value of @pair.
 *
 * Returns: the value
 */
DsValue
ds_to_value (DsValue pair, DsTask *task, gpointer unused)
{
  return ds_pair_value (pair);
}

/**
 * ds_is_not_null: (skip)
 * @value: any value
 * @task: the running task
 * @unused: nothing
 *
 * A #DsFilterFunc: keeps everything but null.
 *
 * Returns: whether @value is not null
 */
gboolean
ds_is_not_null (DsValue value, DsTask *task, gpointer unused)
{
  return !ds_value_is_null (value);
}
