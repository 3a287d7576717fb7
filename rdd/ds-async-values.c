/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The asynchronous pairs of actions that bring values to the caller. */

#include "rdd/ds-async-private.h"

/* ---- collect ---- */

static gpointer
ds_rdd_run_collect (DsRdd *rdd, const DsAsyncCall *call, GError **error)
{
  return ds_rdd_collect (rdd, error);
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
  const DsAsyncCall call = { .run = ds_rdd_run_collect,
                             .source_tag = ds_rdd_collect_async,
                             .free_result = (GDestroyNotify) ds_block_unref };

  ds_rdd_call_async (self, &call, cancellable, callback, data);
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
  return ds_rdd_call_finish (self, result, ds_rdd_collect_async, error);
}

/* ---- collect_as_map ---- */

static gpointer
ds_rdd_run_collect_as_map (DsRdd *rdd, const DsAsyncCall *call, GError **error)
{
  return ds_rdd_collect_as_map (rdd, error);
}

/**
 * ds_rdd_collect_as_map_async: (skip)
 * @self: an RDD
 * @cancellable: (nullable): ends the job
 * @callback: (nullable): called in the caller's main context
 * @data: for @callback
 *
 * Begins ds_rdd_collect_as_map () in a thread of its own.
 */
void
ds_rdd_collect_as_map_async (DsRdd *self,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer data)
{
  const DsAsyncCall call = { .run = ds_rdd_run_collect_as_map,
                             .source_tag = ds_rdd_collect_as_map_async,
                             .free_result = (GDestroyNotify) g_hash_table_unref };

  ds_rdd_call_async (self, &call, cancellable, callback, data);
}

/**
 * ds_rdd_collect_as_map_finish: (skip)
 * @self: the RDD
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends ds_rdd_collect_as_map_async ().
 *
 * Returns: (transfer full): keys and values, as ds_rdd_collect_as_map () returns them;
 *   %NULL with @error
 */
GHashTable *
ds_rdd_collect_as_map_finish (DsRdd *self, GAsyncResult *result, GError **error)
{
  return ds_rdd_call_finish (self, result, ds_rdd_collect_as_map_async, error);
}

/* ---- first ---- */

static gpointer
ds_rdd_run_first (DsRdd *rdd, const DsAsyncCall *call, GError **error)
{
  return ds_rdd_first (rdd, error);
}

/**
 * ds_rdd_first_async:
 * @self: an RDD
 * @cancellable: (nullable): ends the job
 * @callback: (nullable) (scope async) (closure data): called in the caller's main context
 * @data: for @callback
 *
 * Begins ds_rdd_first () in a thread of its own.
 */
void
ds_rdd_first_async (DsRdd *self,
                    GCancellable *cancellable,
                    GAsyncReadyCallback callback,
                    gpointer data)
{
  const DsAsyncCall call = { .run = ds_rdd_run_first,
                             .source_tag = ds_rdd_first_async,
                             .free_result = (GDestroyNotify) ds_block_unref };

  ds_rdd_call_async (self, &call, cancellable, callback, data);
}

/**
 * ds_rdd_first_finish:
 * @self: the RDD
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends ds_rdd_first_async ().
 *
 * Returns: (transfer full): a block of one value; %NULL with @error
 */
DsBlock *
ds_rdd_first_finish (DsRdd *self, GAsyncResult *result, GError **error)
{
  return ds_rdd_call_finish (self, result, ds_rdd_first_async, error);
}

/* ---- take ---- */

static gpointer
ds_rdd_run_take (DsRdd *rdd, const DsAsyncCall *call, GError **error)
{
  return ds_rdd_take (rdd, call->n, error);
}

/**
 * ds_rdd_take_async:
 * @self: an RDD
 * @n: how many values, at most
 * @cancellable: (nullable): ends the job
 * @callback: (nullable) (scope async) (closure data): called in the caller's main context
 * @data: for @callback
 *
 * Begins ds_rdd_take () in a thread of its own.
 */
void
ds_rdd_take_async (DsRdd *self,
                   gsize n,
                   GCancellable *cancellable,
                   GAsyncReadyCallback callback,
                   gpointer data)
{
  const DsAsyncCall call = { .run = ds_rdd_run_take,
                             .source_tag = ds_rdd_take_async,
                             .free_result = (GDestroyNotify) ds_block_unref,
                             .n = n };

  ds_rdd_call_async (self, &call, cancellable, callback, data);
}

/**
 * ds_rdd_take_finish:
 * @self: the RDD
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends ds_rdd_take_async ().
 *
 * Returns: (transfer full): a block of the first values; %NULL with @error
 */
DsBlock *
ds_rdd_take_finish (DsRdd *self, GAsyncResult *result, GError **error)
{
  return ds_rdd_call_finish (self, result, ds_rdd_take_async, error);
}

/* ---- top ---- */

static gpointer
ds_rdd_run_top (DsRdd *rdd, const DsAsyncCall *call, GError **error)
{
  return ds_rdd_top (rdd, call->n, (DsMapFunc) call->func, call->user_data, error);
}

/**
 * ds_rdd_top_async: (skip)
 * @self: an RDD
 * @n: how many values, at most
 * @func: (nullable): what a value is ordered by; %NULL: the value itself
 * @user_data: for @func
 * @destroy: (nullable): frees @user_data when the action has ended
 * @cancellable: (nullable): ends the job
 * @callback: (nullable): called in the caller's main context
 * @data: for @callback
 *
 * Begins ds_rdd_top () in a thread of its own.
 */
void
ds_rdd_top_async (DsRdd *self,
                  gsize n,
                  DsMapFunc func,
                  gpointer user_data,
                  GDestroyNotify destroy,
                  GCancellable *cancellable,
                  GAsyncReadyCallback callback,
                  gpointer data)
{
  const DsAsyncCall call = { .run = ds_rdd_run_top,
                             .source_tag = ds_rdd_top_async,
                             .free_result = (GDestroyNotify) ds_block_unref,
                             .n = n,
                             .func = G_CALLBACK (func),
                             .user_data = user_data,
                             .destroy = destroy };

  ds_rdd_call_async (self, &call, cancellable, callback, data);
}

/**
 * ds_rdd_top_finish:
 * @self: the RDD
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends ds_rdd_top_async ().
 *
 * Returns: (transfer full): a block of values, the largest first; %NULL with @error
 */
DsBlock *
ds_rdd_top_finish (DsRdd *self, GAsyncResult *result, GError **error)
{
  return ds_rdd_call_finish (self, result, ds_rdd_top_async, error);
}

/* ---- take_ordered ---- */

static gpointer
ds_rdd_run_take_ordered (DsRdd *rdd, const DsAsyncCall *call, GError **error)
{
  return ds_rdd_take_ordered (rdd, call->n, (DsMapFunc) call->func, call->user_data,
                              error);
}

/**
 * ds_rdd_take_ordered_async: (skip)
 * @self: an RDD
 * @n: how many values, at most
 * @func: (nullable): what a value is ordered by; %NULL: the value itself
 * @user_data: for @func
 * @destroy: (nullable): frees @user_data when the action has ended
 * @cancellable: (nullable): ends the job
 * @callback: (nullable): called in the caller's main context
 * @data: for @callback
 *
 * Begins ds_rdd_take_ordered () in a thread of its own.
 */
void
ds_rdd_take_ordered_async (DsRdd *self,
                           gsize n,
                           DsMapFunc func,
                           gpointer user_data,
                           GDestroyNotify destroy,
                           GCancellable *cancellable,
                           GAsyncReadyCallback callback,
                           gpointer data)
{
  const DsAsyncCall call = { .run = ds_rdd_run_take_ordered,
                             .source_tag = ds_rdd_take_ordered_async,
                             .free_result = (GDestroyNotify) ds_block_unref,
                             .n = n,
                             .func = G_CALLBACK (func),
                             .user_data = user_data,
                             .destroy = destroy };

  ds_rdd_call_async (self, &call, cancellable, callback, data);
}

/**
 * ds_rdd_take_ordered_finish:
 * @self: the RDD
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends ds_rdd_take_ordered_async ().
 *
 * Returns: (transfer full): a block of values, the smallest first; %NULL with @error
 */
DsBlock *
ds_rdd_take_ordered_finish (DsRdd *self, GAsyncResult *result, GError **error)
{
  return ds_rdd_call_finish (self, result, ds_rdd_take_ordered_async, error);
}

/* ---- take_sample ---- */

static gpointer
ds_rdd_run_take_sample (DsRdd *rdd, const DsAsyncCall *call, GError **error)
{
  return ds_rdd_take_sample (rdd, call->with_replacement, call->n, call->seed, error);
}

/**
 * ds_rdd_take_sample_async:
 * @self: an RDD
 * @with_replacement: whether a value may be taken several times
 * @n: how many values
 * @seed: which sample
 * @cancellable: (nullable): ends the job
 * @callback: (nullable) (scope async) (closure data): called in the caller's main context
 * @data: for @callback
 *
 * Begins ds_rdd_take_sample () in a thread of its own.
 */
void
ds_rdd_take_sample_async (DsRdd *self,
                          gboolean with_replacement,
                          gsize n,
                          guint64 seed,
                          GCancellable *cancellable,
                          GAsyncReadyCallback callback,
                          gpointer data)
{
  const DsAsyncCall call = { .run = ds_rdd_run_take_sample,
                             .source_tag = ds_rdd_take_sample_async,
                             .free_result = (GDestroyNotify) ds_block_unref,
                             .with_replacement = with_replacement,
                             .n = n,
                             .seed = seed };

  ds_rdd_call_async (self, &call, cancellable, callback, data);
}

/**
 * ds_rdd_take_sample_finish:
 * @self: the RDD
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends ds_rdd_take_sample_async ().
 *
 * Returns: (transfer full): a block of values in random order; %NULL with @error
 */
DsBlock *
ds_rdd_take_sample_finish (DsRdd *self, GAsyncResult *result, GError **error)
{
  return ds_rdd_call_finish (self, result, ds_rdd_take_sample_async, error);
}

/* ---- lookup ---- */

static gpointer
ds_rdd_run_lookup (DsRdd *rdd, const DsAsyncCall *call, GError **error)
{
  return ds_rdd_lookup (rdd, call->value, error);
}

/**
 * ds_rdd_lookup_async: (skip)
 * @self: an RDD
 * @key: the key to look for; copied
 * @cancellable: (nullable): ends the job
 * @callback: (nullable): called in the caller's main context
 * @data: for @callback
 *
 * Begins ds_rdd_lookup () in a thread of its own.
 */
void
ds_rdd_lookup_async (DsRdd *self,
                     DsValue key,
                     GCancellable *cancellable,
                     GAsyncReadyCallback callback,
                     gpointer data)
{
  const DsAsyncCall call = { .run = ds_rdd_run_lookup,
                             .source_tag = ds_rdd_lookup_async,
                             .free_result = (GDestroyNotify) ds_block_unref,
                             .value = key };

  ds_rdd_call_async (self, &call, cancellable, callback, data);
}

/**
 * ds_rdd_lookup_finish:
 * @self: the RDD
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends ds_rdd_lookup_async ().
 *
 * Returns: (transfer full): a block of the values of the key; %NULL with @error
 */
DsBlock *
ds_rdd_lookup_finish (DsRdd *self, GAsyncResult *result, GError **error)
{
  return ds_rdd_call_finish (self, result, ds_rdd_lookup_async, error);
}

/* ---- count_by_key ---- */

static gpointer
ds_rdd_run_count_by_key (DsRdd *rdd, const DsAsyncCall *call, GError **error)
{
  return ds_rdd_count_by_key (rdd, error);
}

/**
 * ds_rdd_count_by_key_async:
 * @self: an RDD
 * @cancellable: (nullable): ends the job
 * @callback: (nullable) (scope async) (closure data): called in the caller's main context
 * @data: for @callback
 *
 * Begins ds_rdd_count_by_key () in a thread of its own.
 */
void
ds_rdd_count_by_key_async (DsRdd *self,
                           GCancellable *cancellable,
                           GAsyncReadyCallback callback,
                           gpointer data)
{
  const DsAsyncCall call = { .run = ds_rdd_run_count_by_key,
                             .source_tag = ds_rdd_count_by_key_async,
                             .free_result = (GDestroyNotify) ds_block_unref };

  ds_rdd_call_async (self, &call, cancellable, callback, data);
}

/**
 * ds_rdd_count_by_key_finish:
 * @self: the RDD
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends ds_rdd_count_by_key_async ().
 *
 * Returns: (transfer full): a block of pairs (key, n); %NULL with @error
 */
DsBlock *
ds_rdd_count_by_key_finish (DsRdd *self, GAsyncResult *result, GError **error)
{
  return ds_rdd_call_finish (self, result, ds_rdd_count_by_key_async, error);
}

/* ---- count_by_value ---- */

static gpointer
ds_rdd_run_count_by_value (DsRdd *rdd, const DsAsyncCall *call, GError **error)
{
  return ds_rdd_count_by_value (rdd, error);
}

/**
 * ds_rdd_count_by_value_async:
 * @self: an RDD
 * @cancellable: (nullable): ends the job
 * @callback: (nullable) (scope async) (closure data): called in the caller's main context
 * @data: for @callback
 *
 * Begins ds_rdd_count_by_value () in a thread of its own.
 */
void
ds_rdd_count_by_value_async (DsRdd *self,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer data)
{
  const DsAsyncCall call = { .run = ds_rdd_run_count_by_value,
                             .source_tag = ds_rdd_count_by_value_async,
                             .free_result = (GDestroyNotify) ds_block_unref };

  ds_rdd_call_async (self, &call, cancellable, callback, data);
}

/**
 * ds_rdd_count_by_value_finish:
 * @self: the RDD
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends ds_rdd_count_by_value_async ().
 *
 * Returns: (transfer full): a block of pairs (value, n); %NULL with @error
 */
DsBlock *
ds_rdd_count_by_value_finish (DsRdd *self, GAsyncResult *result, GError **error)
{
  return ds_rdd_call_finish (self, result, ds_rdd_count_by_value_async, error);
}
