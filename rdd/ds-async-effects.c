/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The asynchronous pairs of actions that do something outside. */

#include "rdd/ds-async-private.h"

/* ---- foreach ---- */

static gpointer
ds_rdd_run_foreach (DsRdd *rdd, const DsAsyncCall *call, GError **error)
{
  return GINT_TO_POINTER (
      ds_rdd_foreach (rdd, (DsForeachFunc) call->func, call->user_data, error));
}

/**
 * ds_rdd_foreach_async: (skip)
 * @self: an RDD
 * @func: called once a value
 * @user_data: for @func
 * @destroy: (nullable): frees @user_data when the action has ended
 * @cancellable: (nullable): ends the job
 * @callback: (nullable): called in the caller's main context
 * @data: for @callback
 *
 * Begins ds_rdd_foreach () in a thread of its own.
 */
void
ds_rdd_foreach_async (DsRdd *self,
                      DsForeachFunc func,
                      gpointer user_data,
                      GDestroyNotify destroy,
                      GCancellable *cancellable,
                      GAsyncReadyCallback callback,
                      gpointer data)
{
  const DsAsyncCall call = { .run = ds_rdd_run_foreach,
                             .source_tag = ds_rdd_foreach_async,
                             .free_result = NULL,
                             .func = G_CALLBACK (func),
                             .user_data = user_data,
                             .destroy = destroy };

  g_return_if_fail (func != NULL);

  ds_rdd_call_async (self, &call, cancellable, callback, data);
}

/**
 * ds_rdd_foreach_finish:
 * @self: the RDD
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends ds_rdd_foreach_async ().
 *
 * Returns: %FALSE with @error
 */
gboolean
ds_rdd_foreach_finish (DsRdd *self, GAsyncResult *result, GError **error)
{
  return ds_rdd_call_finish (self, result, ds_rdd_foreach_async, error) != NULL;
}

/* ---- foreach_partition ---- */

static gpointer
ds_rdd_run_foreach_partition (DsRdd *rdd, const DsAsyncCall *call, GError **error)
{
  return GINT_TO_POINTER (ds_rdd_foreach_partition (rdd,
                                                    (DsForeachPartitionFunc) call->func,
                                                    call->user_data, error));
}

/**
 * ds_rdd_foreach_partition_async: (skip)
 * @self: an RDD
 * @func: called once a partition; reads it with ds_partition_next ()
 * @user_data: for @func
 * @destroy: (nullable): frees @user_data when the action has ended
 * @cancellable: (nullable): ends the job
 * @callback: (nullable): called in the caller's main context
 * @data: for @callback
 *
 * Begins ds_rdd_foreach_partition () in a thread of its own.
 */
void
ds_rdd_foreach_partition_async (DsRdd *self,
                                DsForeachPartitionFunc func,
                                gpointer user_data,
                                GDestroyNotify destroy,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer data)
{
  const DsAsyncCall call = { .run = ds_rdd_run_foreach_partition,
                             .source_tag = ds_rdd_foreach_partition_async,
                             .free_result = NULL,
                             .func = G_CALLBACK (func),
                             .user_data = user_data,
                             .destroy = destroy };

  g_return_if_fail (func != NULL);

  ds_rdd_call_async (self, &call, cancellable, callback, data);
}

/**
 * ds_rdd_foreach_partition_finish:
 * @self: the RDD
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends ds_rdd_foreach_partition_async ().
 *
 * Returns: %FALSE with @error
 */
gboolean
ds_rdd_foreach_partition_finish (DsRdd *self, GAsyncResult *result, GError **error)
{
  return ds_rdd_call_finish (self, result, ds_rdd_foreach_partition_async, error) != NULL;
}

/* ---- foreach_partition_block ---- */

static gpointer
ds_rdd_run_foreach_partition_block (DsRdd *rdd, const DsAsyncCall *call, GError **error)
{
  return GINT_TO_POINTER (ds_rdd_foreach_partition_block (rdd,
                                                          (DsForeachBlockFunc) call->func,
                                                          call->user_data, error));
}

/**
 * ds_rdd_foreach_partition_block_async:
 * @self: an RDD
 * @func: (scope notified) (closure user_data) (destroy destroy): called once a
 *   partition, with all of it as one block
 * @user_data: for @func
 * @destroy: (nullable): frees @user_data when the action has ended
 * @cancellable: (nullable): ends the job
 * @callback: (nullable) (scope async) (closure data): called in the caller's main context
 * @data: for @callback
 *
 * Begins ds_rdd_foreach_partition_block () in a thread of its own.
 */
void
ds_rdd_foreach_partition_block_async (DsRdd *self,
                                      DsForeachBlockFunc func,
                                      gpointer user_data,
                                      GDestroyNotify destroy,
                                      GCancellable *cancellable,
                                      GAsyncReadyCallback callback,
                                      gpointer data)
{
  const DsAsyncCall call = { .run = ds_rdd_run_foreach_partition_block,
                             .source_tag = ds_rdd_foreach_partition_block_async,
                             .free_result = NULL,
                             .func = G_CALLBACK (func),
                             .user_data = user_data,
                             .destroy = destroy };

  g_return_if_fail (func != NULL);

  ds_rdd_call_async (self, &call, cancellable, callback, data);
}

/**
 * ds_rdd_foreach_partition_block_finish:
 * @self: the RDD
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends ds_rdd_foreach_partition_block_async ().
 *
 * Returns: %FALSE with @error
 */
gboolean
ds_rdd_foreach_partition_block_finish (DsRdd *self, GAsyncResult *result, GError **error)
{
  return ds_rdd_call_finish (self, result, ds_rdd_foreach_partition_block_async, error) !=
         NULL;
}

/* ---- save_as_text_file ---- */

static gpointer
ds_rdd_run_save_as_text_file (DsRdd *rdd, const DsAsyncCall *call, GError **error)
{
  return GINT_TO_POINTER (ds_rdd_save_as_text_file (rdd, call->path, error));
}

/**
 * ds_rdd_save_as_text_file_async:
 * @self: an RDD
 * @path: where to; copied
 * @cancellable: (nullable): ends the job
 * @callback: (nullable) (scope async) (closure data): called in the caller's main context
 * @data: for @callback
 *
 * Begins ds_rdd_save_as_text_file () in a thread of its own.
 */
void
ds_rdd_save_as_text_file_async (DsRdd *self,
                                const char *path,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer data)
{
  const DsAsyncCall call = { .run = ds_rdd_run_save_as_text_file,
                             .source_tag = ds_rdd_save_as_text_file_async,
                             .free_result = NULL,
                             .path = path };

  g_return_if_fail (path != NULL);

  ds_rdd_call_async (self, &call, cancellable, callback, data);
}

/**
 * ds_rdd_save_as_text_file_finish:
 * @self: the RDD
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends ds_rdd_save_as_text_file_async ().
 *
 * Returns: %FALSE with @error
 */
gboolean
ds_rdd_save_as_text_file_finish (DsRdd *self, GAsyncResult *result, GError **error)
{
  return ds_rdd_call_finish (self, result, ds_rdd_save_as_text_file_async, error) != NULL;
}

/* ---- save_as_binary_file ---- */

static gpointer
ds_rdd_run_save_as_binary_file (DsRdd *rdd, const DsAsyncCall *call, GError **error)
{
  return GINT_TO_POINTER (ds_rdd_save_as_binary_file (rdd, call->path, error));
}

/**
 * ds_rdd_save_as_binary_file_async:
 * @self: an RDD
 * @path: where to; copied
 * @cancellable: (nullable): ends the job
 * @callback: (nullable) (scope async) (closure data): called in the caller's main context
 * @data: for @callback
 *
 * Begins ds_rdd_save_as_binary_file () in a thread of its own.
 */
void
ds_rdd_save_as_binary_file_async (DsRdd *self,
                                  const char *path,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer data)
{
  const DsAsyncCall call = { .run = ds_rdd_run_save_as_binary_file,
                             .source_tag = ds_rdd_save_as_binary_file_async,
                             .free_result = NULL,
                             .path = path };

  g_return_if_fail (path != NULL);

  ds_rdd_call_async (self, &call, cancellable, callback, data);
}

/**
 * ds_rdd_save_as_binary_file_finish:
 * @self: the RDD
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends ds_rdd_save_as_binary_file_async ().
 *
 * Returns: %FALSE with @error
 */
gboolean
ds_rdd_save_as_binary_file_finish (DsRdd *self, GAsyncResult *result, GError **error)
{
  return ds_rdd_call_finish (self, result, ds_rdd_save_as_binary_file_async, error) !=
         NULL;
}

/* ---- save_as_msgpack_file ---- */

static gpointer
ds_rdd_run_save_as_msgpack_file (DsRdd *rdd, const DsAsyncCall *call, GError **error)
{
  return GINT_TO_POINTER (ds_rdd_save_as_msgpack_file (rdd, call->path, error));
}

/**
 * ds_rdd_save_as_msgpack_file_async:
 * @self: an RDD
 * @path: where to; copied
 * @cancellable: (nullable): ends the job
 * @callback: (nullable) (scope async) (closure data): called in the caller's main context
 * @data: for @callback
 *
 * Begins ds_rdd_save_as_msgpack_file () in a thread of its own.
 */
void
ds_rdd_save_as_msgpack_file_async (DsRdd *self,
                                   const char *path,
                                   GCancellable *cancellable,
                                   GAsyncReadyCallback callback,
                                   gpointer data)
{
  const DsAsyncCall call = { .run = ds_rdd_run_save_as_msgpack_file,
                             .source_tag = ds_rdd_save_as_msgpack_file_async,
                             .free_result = NULL,
                             .path = path };

  g_return_if_fail (path != NULL);

  ds_rdd_call_async (self, &call, cancellable, callback, data);
}

/**
 * ds_rdd_save_as_msgpack_file_finish:
 * @self: the RDD
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends ds_rdd_save_as_msgpack_file_async ().
 *
 * Returns: %FALSE with @error
 */
gboolean
ds_rdd_save_as_msgpack_file_finish (DsRdd *self, GAsyncResult *result, GError **error)
{
  return ds_rdd_call_finish (self, result, ds_rdd_save_as_msgpack_file_async, error) !=
         NULL;
}
