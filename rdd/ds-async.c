/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the asynchronous pairs of all actions share: a GTask with a copy of the call,
 * whose thread waits for the job. */

#include "rdd/ds-async-private.h"

#include "base/ds-value-private.h"

/* Once, and before the callback, so that a caller finds its data freed. */
static void
ds_async_call_end (DsAsyncCall *self)
{
  GDestroyNotify destroy = self->destroy;

  self->destroy = NULL;
  if (destroy != NULL)
    destroy (self->user_data);
}

static void
ds_async_call_free (gpointer data)
{
  DsAsyncCall *self = data;

  ds_async_call_end (self);
  ds_arena_unref (self->arena);
  g_free (self);
}

static gpointer
ds_async_call_copy_bytes (DsAsyncCall *self, gconstpointer bytes, gsize n_bytes)
{
  return bytes != NULL && n_bytes > 0
             ? memcpy (ds_arena_alloc (self->arena, n_bytes), bytes, n_bytes)
             : NULL;
}

static DsAsyncCall *
ds_async_call_copy (const DsAsyncCall *call)
{
  DsAsyncCall *self = g_memdup2 (call, sizeof *call);

  self->arena = ds_arena_new (NULL);
  self->value = ds_value_copy (call->value, self->arena);
  if (call->edges != NULL)
    self->edges =
        ds_async_call_copy_bytes (self, call->edges, call->n * sizeof *call->edges);
  if (call->path != NULL)
    self->path = ds_async_call_copy_bytes (self, call->path, strlen (call->path) + 1);
  return self;
}

static void
ds_async_call_thread (GTask *task,
                      gpointer rdd,
                      gpointer task_data,
                      GCancellable *cancellable)
{
  DsAsyncCall *self = task_data;
  GError *error = NULL;
  gpointer result;

  if (cancellable != NULL)
    g_cancellable_push_current (cancellable);
  result = self->run (rdd, self, &error);
  if (cancellable != NULL)
    g_cancellable_pop_current (cancellable);
  ds_async_call_end (self);
  if (result != NULL)
    g_task_return_pointer (task, result, self->free_result);
  else
    g_task_return_error (task, error);
}

void
ds_rdd_call_async (DsRdd *self,
                   const DsAsyncCall *call,
                   GCancellable *cancellable,
                   GAsyncReadyCallback callback,
                   gpointer data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (DS_IS_RDD (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (self, cancellable, callback, data);
  g_task_set_source_tag (task, call->source_tag);
  /* @cancellable ends the job, and the job's error is what the caller gets: no second
   * opinion from GTask. */
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, ds_async_call_copy (call), ds_async_call_free);
  g_task_run_in_thread (task, ds_async_call_thread);
}

gpointer
ds_rdd_call_finish (DsRdd *self,
                    GAsyncResult *result,
                    gpointer source_tag,
                    GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, source_tag), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

gsize
ds_async_result_get_n (GAsyncResult *result)
{
  return ((const DsAsyncCall *) g_task_get_task_data (G_TASK (result)))->n;
}
