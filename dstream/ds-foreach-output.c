/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A function of the program for each RDD: the output that all others could be made of. */

#include "dstream/ds-streaming-context-private.h"

typedef struct
{
  DsForeachRddFunc func;
  gpointer user_data;
  GDestroyNotify destroy;
} DsForeachOutput;

static gboolean
ds_foreach_output_run (DsOutput *self, DsRdd *rdd, DsBatch *batch, GError **error)
{
  const DsForeachOutput *body = self->state;
  g_autoptr (GError) local_error = NULL;
  gboolean ok = body->func (rdd, batch, body->user_data, &local_error);

  if (local_error == NULL)
    return ok;
  g_propagate_prefixed_error (error, g_steal_pointer (&local_error), "%s",
                              ok ? "the function returned TRUE, but set an error: " : "");
  return FALSE;
}

static void
ds_foreach_output_free (gpointer state)
{
  DsForeachOutput *body = state;

  if (body->destroy != NULL)
    body->destroy (body->user_data);
  g_free (body);
}

static const DsOutputOps ds_foreach_output_ops = {
  .kind = "foreach_rdd",
  .run = ds_foreach_output_run,
  .free_state = ds_foreach_output_free,
};

/**
 * ds_dstream_foreach_rdd:
 * @self: a stream
 * @func: (scope notified) (closure user_data) (destroy destroy): does something with the
 *   RDD of a batch; runs in the driver, once a batch, also for an empty RDD, and may run
 *   actions
 * @user_data: passed to @func
 * @destroy: (nullable): frees @user_data, once, when the context goes
 *
 * Calls @func for each batch, when its outputs run: one at a time, in the order in which
 * outputs were registered.  It is not called for a batch without RDD.  A failure of @func
 * fails the batch: that it returns %FALSE or sets an error.
 *
 * Returns: (transfer none): the output, owned by the context
 */
DsOutput *
ds_dstream_foreach_rdd (DsDStream *self,
                        DsForeachRddFunc func,
                        gpointer user_data,
                        GDestroyNotify destroy)
{
  DsForeachOutput *body;

  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);

  /* The output of a stream that stands for the wrong call. */
  if (func == NULL && ds_dstream_get_node (self)->context != NULL)
    self = ds_dstream_refuse_null (self, G_STRFUNC, "func", NULL, NULL);
  body = g_new (DsForeachOutput, 1);
  body->func = func;
  body->user_data = user_data;
  body->destroy = destroy;
  return ds_output_new (self, &ds_foreach_output_ops, body);
}
