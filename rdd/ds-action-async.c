/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Actions that return at once: the same job, in a thread of its own, with the callback in
 * the caller's main context. */

#include "rdd/ds-rdd.h"

typedef struct
{
  DsReduceFunc func;
  gpointer user_data;
  GDestroyNotify destroy;
} DsAsyncReduce;

/* Once, and before the callback, so that a caller finds its data freed. */
static void
ds_async_reduce_clear (DsAsyncReduce *self)
{
  GDestroyNotify destroy = self->destroy;

  self->destroy = NULL;
  if (destroy != NULL)
    destroy (self->user_data);
}

static void
ds_async_reduce_free (gpointer data)
{
  ds_async_reduce_clear (data);
  g_free (data);
}

/* Ends @task with what an action gave. */
static void
ds_rdd_return_block (GTask *task, DsBlock *block, GError *error)
{
  if (block != NULL)
    g_task_return_pointer (task, block, (GDestroyNotify) ds_block_unref);
  else
    g_task_return_error (task, error);
}

static void
ds_rdd_collect_thread (GTask *task,
                       gpointer rdd,
                       gpointer task_data,
                       GCancellable *cancellable)
{
  GError *error = NULL;
  DsBlock *block;

  if (cancellable != NULL)
    g_cancellable_push_current (cancellable);
  block = ds_rdd_collect (rdd, &error);
  if (cancellable != NULL)
    g_cancellable_pop_current (cancellable);
  ds_rdd_return_block (task, block, error);
}

static void
ds_rdd_count_thread (GTask *task,
                     gpointer rdd,
                     gpointer task_data,
                     GCancellable *cancellable)
{
  GError *error = NULL;
  gint64 n_values;

  if (cancellable != NULL)
    g_cancellable_push_current (cancellable);
  n_values = ds_rdd_count (rdd, &error);
  if (cancellable != NULL)
    g_cancellable_pop_current (cancellable);
  if (n_values >= 0)
    g_task_return_pointer (task, g_memdup2 (&n_values, sizeof n_values), g_free);
  else
    g_task_return_error (task, error);
}

static void
ds_rdd_reduce_thread (GTask *task,
                      gpointer rdd,
                      gpointer task_data,
                      GCancellable *cancellable)
{
  DsAsyncReduce *reduce = task_data;
  GError *error = NULL;
  DsBlock *block;

  if (cancellable != NULL)
    g_cancellable_push_current (cancellable);
  block = ds_rdd_reduce (rdd, reduce->func, reduce->user_data, &error);
  if (cancellable != NULL)
    g_cancellable_pop_current (cancellable);
  ds_async_reduce_clear (reduce);
  ds_rdd_return_block (task, block, error);
}

/* @cancellable ends the job, and the job's error is what the caller gets: no second
 * opinion from GTask. */
static GTask *
ds_rdd_new_async (DsRdd *self,
                  gpointer source_tag,
                  GCancellable *cancellable,
                  GAsyncReadyCallback callback,
                  gpointer data)
{
  GTask *task = g_task_new (self, cancellable, callback, data);

  g_task_set_source_tag (task, source_tag);
  g_task_set_check_cancellable (task, FALSE);
  return task;
}

/**
 * ds_rdd_collect_async:
 * @self: an RDD
 * @cancellable: (nullable): ends the job
 * @callback: (nullable) (scope async) (closure data): called in the caller's main context
 * @data: for @callback
 *
 * Begins ds_rdd_collect () in a thread of its own.
 */
void
ds_rdd_collect_async (DsRdd *self,
                      GCancellable *cancellable,
                      GAsyncReadyCallback callback,
                      gpointer data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (DS_IS_RDD (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = ds_rdd_new_async (self, ds_rdd_collect_async, cancellable, callback, data);
  g_task_run_in_thread (task, ds_rdd_collect_thread);
}

/**
 * ds_rdd_collect_finish:
 * @self: the RDD
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends ds_rdd_collect_async ().
 *
 * Returns: (transfer full): a block of the values; %NULL with @error
 */
DsBlock *
ds_rdd_collect_finish (DsRdd *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, ds_rdd_collect_async), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * ds_rdd_count_async:
 * @self: an RDD
 * @cancellable: (nullable): ends the job
 * @callback: (nullable) (scope async) (closure data): called in the caller's main context
 * @data: for @callback
 *
 * Begins ds_rdd_count () in a thread of its own.
 */
void
ds_rdd_count_async (DsRdd *self,
                    GCancellable *cancellable,
                    GAsyncReadyCallback callback,
                    gpointer data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (DS_IS_RDD (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = ds_rdd_new_async (self, ds_rdd_count_async, cancellable, callback, data);
  g_task_run_in_thread (task, ds_rdd_count_thread);
}

/**
 * ds_rdd_count_finish:
 * @self: the RDD
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends ds_rdd_count_async ().
 *
 * Returns: how many values there are; -1 with @error
 */
gint64
ds_rdd_count_finish (DsRdd *self, GAsyncResult *result, GError **error)
{
  g_autofree gint64 *n_values = NULL;

  g_return_val_if_fail (g_task_is_valid (result, self), -1);
  g_return_val_if_fail (g_async_result_is_tagged (result, ds_rdd_count_async), -1);

  n_values = g_task_propagate_pointer (G_TASK (result), error);
  return n_values != NULL ? *n_values : -1;
}

/**
 * ds_rdd_reduce_async: (skip)
 * @self: an RDD
 * @func: puts two values together; associative
 * @user_data: for @func
 * @destroy: (nullable): frees @user_data when the action has ended
 * @cancellable: (nullable): ends the job
 * @callback: (nullable): called in the caller's main context
 * @data: for @callback
 *
 * Begins ds_rdd_reduce () in a thread of its own.
 */
void
ds_rdd_reduce_async (DsRdd *self,
                     DsReduceFunc func,
                     gpointer user_data,
                     GDestroyNotify destroy,
                     GCancellable *cancellable,
                     GAsyncReadyCallback callback,
                     gpointer data)
{
  g_autoptr (GTask) task = NULL;
  DsAsyncReduce *reduce;

  g_return_if_fail (DS_IS_RDD (self) && func != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = ds_rdd_new_async (self, ds_rdd_reduce_async, cancellable, callback, data);
  reduce = g_new (DsAsyncReduce, 1);
  *reduce = (DsAsyncReduce){ func, user_data, destroy };
  g_task_set_task_data (task, reduce, ds_async_reduce_free);
  g_task_run_in_thread (task, ds_rdd_reduce_thread);
}

/**
 * ds_rdd_reduce_finish:
 * @self: the RDD
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends ds_rdd_reduce_async ().
 *
 * Returns: (transfer full): a block of one value; %NULL with @error
 */
DsBlock *
ds_rdd_reduce_finish (DsRdd *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, ds_rdd_reduce_async), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
