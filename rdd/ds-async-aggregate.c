/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The asynchronous pairs of actions that come down to one value. */

#include "rdd/ds-async-private.h"

/* ---- reduce ---- */

static gpointer
ds_rdd_run_reduce (DsRdd *rdd, const DsAsyncCall *call, GError **error)
{
  return ds_rdd_reduce (rdd, (DsReduceFunc) call->func, call->user_data, error);
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
  const DsAsyncCall call = { .run = ds_rdd_run_reduce,
                             .source_tag = ds_rdd_reduce_async,
                             .free_result = (GDestroyNotify) ds_block_unref,
                             .func = G_CALLBACK (func),
                             .user_data = user_data,
                             .destroy = destroy };

  g_return_if_fail (func != NULL);

  ds_rdd_call_async (self, &call, cancellable, callback, data);
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
  return ds_rdd_call_finish (self, result, ds_rdd_reduce_async, error);
}

/* ---- fold ---- */

static gpointer
ds_rdd_run_fold (DsRdd *rdd, const DsAsyncCall *call, GError **error)
{
  return ds_rdd_fold (rdd, call->value, (DsReduceFunc) call->func, call->user_data,
                      error);
}

/**
 * ds_rdd_fold_async: (skip)
 * @self: an RDD
 * @zero: what each partition begins with, and their results once more; copied
 * @func: puts two values together; associative
 * @user_data: for @func
 * @destroy: (nullable): frees @user_data when the action has ended
 * @cancellable: (nullable): ends the job
 * @callback: (nullable): called in the caller's main context
 * @data: for @callback
 *
 * Begins ds_rdd_fold () in a thread of its own.
 */
void
ds_rdd_fold_async (DsRdd *self,
                   DsValue zero,
                   DsReduceFunc func,
                   gpointer user_data,
                   GDestroyNotify destroy,
                   GCancellable *cancellable,
                   GAsyncReadyCallback callback,
                   gpointer data)
{
  const DsAsyncCall call = { .run = ds_rdd_run_fold,
                             .source_tag = ds_rdd_fold_async,
                             .free_result = (GDestroyNotify) ds_block_unref,
                             .value = zero,
                             .func = G_CALLBACK (func),
                             .user_data = user_data,
                             .destroy = destroy };

  g_return_if_fail (func != NULL);

  ds_rdd_call_async (self, &call, cancellable, callback, data);
}

/**
 * ds_rdd_fold_finish:
 * @self: the RDD
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends ds_rdd_fold_async ().
 *
 * Returns: (transfer full): a block of one value; %NULL with @error
 */
DsBlock *
ds_rdd_fold_finish (DsRdd *self, GAsyncResult *result, GError **error)
{
  return ds_rdd_call_finish (self, result, ds_rdd_fold_async, error);
}

/* ---- aggregate ---- */

static gpointer
ds_rdd_run_aggregate (DsRdd *rdd, const DsAsyncCall *call, GError **error)
{
  return ds_rdd_aggregate (rdd, call->value, (DsReduceFunc) call->func,
                           (DsReduceFunc) call->merge_combiners, call->user_data, error);
}

/**
 * ds_rdd_aggregate_async: (skip)
 * @self: an RDD
 * @zero: what each partition begins with, and their results once more; copied
 * @merge_value: combiner and value become a combiner
 * @merge_combiners: combiners of two partitions become one
 * @user_data: for both
 * @destroy: (nullable): frees @user_data when the action has ended
 * @cancellable: (nullable): ends the job
 * @callback: (nullable): called in the caller's main context
 * @data: for @callback
 *
 * Begins ds_rdd_aggregate () in a thread of its own.
 */
void
ds_rdd_aggregate_async (DsRdd *self,
                        DsValue zero,
                        DsReduceFunc merge_value,
                        DsReduceFunc merge_combiners,
                        gpointer user_data,
                        GDestroyNotify destroy,
                        GCancellable *cancellable,
                        GAsyncReadyCallback callback,
                        gpointer data)
{
  const DsAsyncCall call = { .run = ds_rdd_run_aggregate,
                             .source_tag = ds_rdd_aggregate_async,
                             .free_result = (GDestroyNotify) ds_block_unref,
                             .value = zero,
                             .func = G_CALLBACK (merge_value),
                             .merge_combiners = G_CALLBACK (merge_combiners),
                             .user_data = user_data,
                             .destroy = destroy };

  g_return_if_fail (merge_value != NULL && merge_combiners != NULL);

  ds_rdd_call_async (self, &call, cancellable, callback, data);
}

/**
 * ds_rdd_aggregate_finish:
 * @self: the RDD
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends ds_rdd_aggregate_async ().
 *
 * Returns: (transfer full): a block of one value; %NULL with @error
 */
DsBlock *
ds_rdd_aggregate_finish (DsRdd *self, GAsyncResult *result, GError **error)
{
  return ds_rdd_call_finish (self, result, ds_rdd_aggregate_async, error);
}

/* ---- tree_aggregate ---- */

static gpointer
ds_rdd_run_tree_aggregate (DsRdd *rdd, const DsAsyncCall *call, GError **error)
{
  return ds_rdd_tree_aggregate (rdd, call->value, (DsReduceFunc) call->func,
                                (DsReduceFunc) call->merge_combiners, call->depth,
                                call->user_data, error);
}

/**
 * ds_rdd_tree_aggregate_async: (skip)
 * @self: an RDD
 * @zero: what each partition begins with, and their results once more; copied
 * @merge_value: combiner and value become a combiner
 * @merge_combiners: combiners of two partitions become one
 * @depth: in how many rounds combiners meet; 0: 2
 * @user_data: for both
 * @destroy: (nullable): frees @user_data when the action has ended
 * @cancellable: (nullable): ends the job
 * @callback: (nullable): called in the caller's main context
 * @data: for @callback
 *
 * Begins ds_rdd_tree_aggregate () in a thread of its own.
 */
void
ds_rdd_tree_aggregate_async (DsRdd *self,
                             DsValue zero,
                             DsReduceFunc merge_value,
                             DsReduceFunc merge_combiners,
                             guint depth,
                             gpointer user_data,
                             GDestroyNotify destroy,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer data)
{
  const DsAsyncCall call = { .run = ds_rdd_run_tree_aggregate,
                             .source_tag = ds_rdd_tree_aggregate_async,
                             .free_result = (GDestroyNotify) ds_block_unref,
                             .value = zero,
                             .func = G_CALLBACK (merge_value),
                             .merge_combiners = G_CALLBACK (merge_combiners),
                             .depth = depth,
                             .user_data = user_data,
                             .destroy = destroy };

  g_return_if_fail (merge_value != NULL && merge_combiners != NULL);

  ds_rdd_call_async (self, &call, cancellable, callback, data);
}

/**
 * ds_rdd_tree_aggregate_finish:
 * @self: the RDD
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends ds_rdd_tree_aggregate_async ().
 *
 * Returns: (transfer full): a block of one value; %NULL with @error
 */
DsBlock *
ds_rdd_tree_aggregate_finish (DsRdd *self, GAsyncResult *result, GError **error)
{
  return ds_rdd_call_finish (self, result, ds_rdd_tree_aggregate_async, error);
}

/* ---- min ---- */

static gpointer
ds_rdd_run_min (DsRdd *rdd, const DsAsyncCall *call, GError **error)
{
  return ds_rdd_min (rdd, error);
}

/**
 * ds_rdd_min_async:
 * @self: an RDD
 * @cancellable: (nullable): ends the job
 * @callback: (nullable) (scope async) (closure data): called in the caller's main context
 * @data: for @callback
 *
 * Begins ds_rdd_min () in a thread of its own.
 */
void
ds_rdd_min_async (DsRdd *self,
                  GCancellable *cancellable,
                  GAsyncReadyCallback callback,
                  gpointer data)
{
  const DsAsyncCall call = { .run = ds_rdd_run_min,
                             .source_tag = ds_rdd_min_async,
                             .free_result = (GDestroyNotify) ds_block_unref };

  ds_rdd_call_async (self, &call, cancellable, callback, data);
}

/**
 * ds_rdd_min_finish:
 * @self: the RDD
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends ds_rdd_min_async ().
 *
 * Returns: (transfer full): a block of one value; %NULL with @error
 */
DsBlock *
ds_rdd_min_finish (DsRdd *self, GAsyncResult *result, GError **error)
{
  return ds_rdd_call_finish (self, result, ds_rdd_min_async, error);
}

/* ---- max ---- */

static gpointer
ds_rdd_run_max (DsRdd *rdd, const DsAsyncCall *call, GError **error)
{
  return ds_rdd_max (rdd, error);
}

/**
 * ds_rdd_max_async:
 * @self: an RDD
 * @cancellable: (nullable): ends the job
 * @callback: (nullable) (scope async) (closure data): called in the caller's main context
 * @data: for @callback
 *
 * Begins ds_rdd_max () in a thread of its own.
 */
void
ds_rdd_max_async (DsRdd *self,
                  GCancellable *cancellable,
                  GAsyncReadyCallback callback,
                  gpointer data)
{
  const DsAsyncCall call = { .run = ds_rdd_run_max,
                             .source_tag = ds_rdd_max_async,
                             .free_result = (GDestroyNotify) ds_block_unref };

  ds_rdd_call_async (self, &call, cancellable, callback, data);
}

/**
 * ds_rdd_max_finish:
 * @self: the RDD
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends ds_rdd_max_async ().
 *
 * Returns: (transfer full): a block of one value; %NULL with @error
 */
DsBlock *
ds_rdd_max_finish (DsRdd *self, GAsyncResult *result, GError **error)
{
  return ds_rdd_call_finish (self, result, ds_rdd_max_async, error);
}

/* ---- sum ---- */

static gpointer
ds_rdd_run_sum (DsRdd *rdd, const DsAsyncCall *call, GError **error)
{
  return ds_rdd_sum (rdd, error);
}

/**
 * ds_rdd_sum_async:
 * @self: an RDD
 * @cancellable: (nullable): ends the job
 * @callback: (nullable) (scope async) (closure data): called in the caller's main context
 * @data: for @callback
 *
 * Begins ds_rdd_sum () in a thread of its own.
 */
void
ds_rdd_sum_async (DsRdd *self,
                  GCancellable *cancellable,
                  GAsyncReadyCallback callback,
                  gpointer data)
{
  const DsAsyncCall call = { .run = ds_rdd_run_sum,
                             .source_tag = ds_rdd_sum_async,
                             .free_result = (GDestroyNotify) ds_block_unref };

  ds_rdd_call_async (self, &call, cancellable, callback, data);
}

/**
 * ds_rdd_sum_finish:
 * @self: the RDD
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends ds_rdd_sum_async ().
 *
 * Returns: (transfer full): a block of one number; %NULL with @error
 */
DsBlock *
ds_rdd_sum_finish (DsRdd *self, GAsyncResult *result, GError **error)
{
  return ds_rdd_call_finish (self, result, ds_rdd_sum_async, error);
}
