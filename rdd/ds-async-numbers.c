/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The asynchronous pairs of actions that come down to a few numbers. */

#include "rdd/ds-async-private.h"

/* ---- count ---- */

static gpointer
ds_rdd_run_count (DsRdd *rdd, const DsAsyncCall *call, GError **error)
{
  const gint64 n_values = ds_rdd_count (rdd, error);

  return n_values >= 0 ? g_memdup2 (&n_values, sizeof n_values) : NULL;
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
  const DsAsyncCall call = { .run = ds_rdd_run_count,
                             .source_tag = ds_rdd_count_async,
                             .free_result = g_free };

  ds_rdd_call_async (self, &call, cancellable, callback, data);
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
  g_autofree gint64 *n_values =
      ds_rdd_call_finish (self, result, ds_rdd_count_async, error);

  return n_values != NULL ? *n_values : -1;
}

/* ---- is_empty ---- */

static gpointer
ds_rdd_run_is_empty (DsRdd *rdd, const DsAsyncCall *call, GError **error)
{
  gboolean is_empty;

  return ds_rdd_is_empty (rdd, &is_empty, error) ? g_memdup2 (&is_empty, sizeof is_empty)
                                                 : NULL;
}

/**
 * ds_rdd_is_empty_async:
 * @self: an RDD
 * @cancellable: (nullable): ends the job
 * @callback: (nullable) (scope async) (closure data): called in the caller's main context
 * @data: for @callback
 *
 * Begins ds_rdd_is_empty () in a thread of its own.
 */
void
ds_rdd_is_empty_async (DsRdd *self,
                       GCancellable *cancellable,
                       GAsyncReadyCallback callback,
                       gpointer data)
{
  const DsAsyncCall call = { .run = ds_rdd_run_is_empty,
                             .source_tag = ds_rdd_is_empty_async,
                             .free_result = g_free };

  ds_rdd_call_async (self, &call, cancellable, callback, data);
}

/**
 * ds_rdd_is_empty_finish:
 * @self: the RDD
 * @result: what the callback was given
 * @is_empty: (out): whether it has no value
 * @error: return location for an error
 *
 * Ends ds_rdd_is_empty_async ().
 *
 * Returns: %FALSE with @error
 */
gboolean
ds_rdd_is_empty_finish (DsRdd *self,
                        GAsyncResult *result,
                        gboolean *is_empty,
                        GError **error)
{
  g_autofree gboolean *found = NULL;

  g_return_val_if_fail (is_empty != NULL, FALSE);

  found = ds_rdd_call_finish (self, result, ds_rdd_is_empty_async, error);
  if (found == NULL)
    return FALSE;
  *is_empty = *found;
  return TRUE;
}

/* ---- stats ---- */

static gpointer
ds_rdd_run_stats (DsRdd *rdd, const DsAsyncCall *call, GError **error)
{
  DsStats stats;

  return ds_rdd_stats (rdd, &stats, error) ? g_memdup2 (&stats, sizeof stats) : NULL;
}

/**
 * ds_rdd_stats_async:
 * @self: an RDD
 * @cancellable: (nullable): ends the job
 * @callback: (nullable) (scope async) (closure data): called in the caller's main context
 * @data: for @callback
 *
 * Begins ds_rdd_stats () in a thread of its own.
 */
void
ds_rdd_stats_async (DsRdd *self,
                    GCancellable *cancellable,
                    GAsyncReadyCallback callback,
                    gpointer data)
{
  const DsAsyncCall call = { .run = ds_rdd_run_stats,
                             .source_tag = ds_rdd_stats_async,
                             .free_result = g_free };

  ds_rdd_call_async (self, &call, cancellable, callback, data);
}

/**
 * ds_rdd_stats_finish:
 * @self: the RDD
 * @result: what the callback was given
 * @stats: (out caller-allocates): what ds_rdd_stats () says
 * @error: return location for an error
 *
 * Ends ds_rdd_stats_async ().
 *
 * Returns: %FALSE with @error
 */
gboolean
ds_rdd_stats_finish (DsRdd *self, GAsyncResult *result, DsStats *stats, GError **error)
{
  g_autofree DsStats *found = NULL;

  g_return_val_if_fail (stats != NULL, FALSE);

  found = ds_rdd_call_finish (self, result, ds_rdd_stats_async, error);
  if (found == NULL)
    return FALSE;
  *stats = *found;
  return TRUE;
}

/* ---- histogram ---- */

static gpointer
ds_rdd_run_histogram (DsRdd *rdd, const DsAsyncCall *call, GError **error)
{
  g_autofree gint64 *counts = g_new0 (gint64, MAX (call->n, 1));

  if (!ds_rdd_histogram (rdd, call->edges, call->n, counts, error))
    return NULL;
  return g_steal_pointer (&counts);
}

/**
 * ds_rdd_histogram_async:
 * @self: an RDD
 * @edges: (array length=n_edges): where ranges begin and end, each larger than the one
 *   before; copied
 * @n_edges: how many edges; 2 or more
 * @cancellable: (nullable): ends the job
 * @callback: (nullable) (scope async) (closure data): called in the caller's main context
 * @data: for @callback
 *
 * Begins ds_rdd_histogram () in a thread of its own.
 */
void
ds_rdd_histogram_async (DsRdd *self,
                        const double *edges,
                        gsize n_edges,
                        GCancellable *cancellable,
                        GAsyncReadyCallback callback,
                        gpointer data)
{
  const DsAsyncCall call = { .run = ds_rdd_run_histogram,
                             .source_tag = ds_rdd_histogram_async,
                             .free_result = g_free,
                             .edges = edges,
                             .n = n_edges };

  g_return_if_fail (edges != NULL);

  ds_rdd_call_async (self, &call, cancellable, callback, data);
}

/**
 * ds_rdd_histogram_finish:
 * @self: the RDD
 * @result: what the callback was given
 * @counts: (out caller-allocates) (array): a number for each range; one fewer than
 *   there were edges
 * @error: return location for an error
 *
 * Ends ds_rdd_histogram_async ().
 *
 * Returns: %FALSE with @error
 */
gboolean
ds_rdd_histogram_finish (DsRdd *self,
                         GAsyncResult *result,
                         gint64 *counts,
                         GError **error)
{
  g_autofree gint64 *found = NULL;

  g_return_val_if_fail (counts != NULL, FALSE);

  found = ds_rdd_call_finish (self, result, ds_rdd_histogram_async, error);
  if (found == NULL)
    return FALSE;
  memcpy (counts, found, (ds_async_result_get_n (result) - 1) * sizeof *counts);
  return TRUE;
}
