/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any function from the RDDs of a batch to one: the program's, called once a batch when
 * the batch is generated, under the lock of the graph.  It has to return an RDD: "no RDD"
 * is not for it to decide, since what comes behind would silently not run. */

#include "dstream/ds-streaming-context-private.h"

#define DS_TYPE_TRANSFORMED_DSTREAM (ds_transformed_dstream_get_type ())
G_DECLARE_FINAL_TYPE (DsTransformedDStream,
                      ds_transformed_dstream,
                      DS,
                      TRANSFORMED_DSTREAM,
                      DsDStream)

/* How the function wants its RDDs. */
typedef enum
{
  DS_TRANSFORM_ONE,
  DS_TRANSFORM_WITH,
  DS_TRANSFORM_MANY
} DsTransformForm;

struct _DsTransformedDStream
{
  DsDStream parent_instance;
  DsTransformForm form;
};

G_DEFINE_FINAL_TYPE (DsTransformedDStream, ds_transformed_dstream, DS_TYPE_DSTREAM)

static DsRdd *
ds_transformed_dstream_call (DsTransformedDStream *self,
                             DsRdd **rdds,
                             guint n_rdds,
                             DsBatch *batch,
                             GError **error)
{
  DsDStreamNode *node = ds_dstream_get_node (DS_DSTREAM (self));
  gpointer user_data = node->data->user_data;

  switch (self->form)
    {
    case DS_TRANSFORM_ONE:
      return ((DsTransformFunc) node->func) (rdds[0], batch, user_data, error);
    case DS_TRANSFORM_WITH:
      return ((DsTransformWithFunc) node->func) (rdds[0], rdds[1], batch, user_data,
                                                 error);
    case DS_TRANSFORM_MANY:
      return ((DsTransformManyFunc) node->func) (rdds, n_rdds, batch, user_data, error);
    default:
      g_assert_not_reached ();
    }
}

/* TRUE: @rdd is one of those that the function was given, and there is no reference to it
 * but that of the stream it came from.  Where others hold it too, this cannot be seen. */
static gboolean
ds_transformed_dstream_lacks_reference (DsRdd *rdd, DsRdd **given, guint n_given)
{
  for (guint i = 0; i < n_given; i++)
    if (rdd == given[i])
      return g_atomic_int_get (&G_OBJECT (rdd)->ref_count) == 1;
  return FALSE;
}

static DsRdd *
ds_transformed_dstream_compute (DsDStream *dstream, DsBatch *batch, GError **error)
{
  DsDStreamNode *node = ds_dstream_get_node (dstream);
  DsRdd **rdds = g_newa (DsRdd *, node->n_parents);
  g_autoptr (GError) local_error = NULL;
  DsRdd *rdd;

  for (guint i = 0; i < node->n_parents; i++)
    {
      rdds[i] = ds_dstream_require_parent_rdd (dstream, i, batch, error);
      if (rdds[i] == NULL)
        return NULL;
    }
  if (!ds_dstream_may_call (dstream, ds_batch_get_time (batch), error))
    return NULL;

  rdd = ds_transformed_dstream_call (DS_TRANSFORMED_DSTREAM (dstream), rdds,
                                     node->n_parents, batch, &local_error);
  if (rdd != NULL && ds_transformed_dstream_lacks_reference (rdd, rdds, node->n_parents))
    {
      rdd = NULL; /* not ours */
      g_clear_error (&local_error);
      g_set_error (&local_error, DS_ERROR, DS_ERROR_USER_FUNCTION,
                   "the function returned an RDD that it was given, without a reference "
                   "of its own; write return g_object_ref (rdd)");
    }
  if (rdd != NULL && local_error == NULL)
    return rdd;

  g_clear_object (&rdd);
  if (local_error == NULL)
    g_set_error (&local_error, DS_ERROR, DS_ERROR_USER_FUNCTION,
                 "the function returned no RDD, without saying why; it must not return "
                 "NULL: return an empty RDD instead (ds_context_empty ())");
  g_propagate_prefixed_error (error, g_steal_pointer (&local_error),
                              "%s: ", ds_dstream_describe (dstream));
  return NULL;
}

static const DsDStreamOps ds_transformed_dstream_ops = {
  .kind = "transform",
  .compute = ds_transformed_dstream_compute,
};

static void
ds_transformed_dstream_class_init (DsTransformedDStreamClass *klass)
{
  DS_DSTREAM_CLASS (klass)->ops = &ds_transformed_dstream_ops;
}

static void
ds_transformed_dstream_init (DsTransformedDStream *self)
{
}

static DsDStream *
ds_transformed_dstream_new (DsTransformForm form,
                            DsDStream *const *parents,
                            guint n_parents,
                            GCallback func,
                            gpointer user_data,
                            GDestroyNotify destroy)
{
  DsDStream *self = ds_dstream_new_child (DS_TYPE_TRANSFORMED_DSTREAM, parents, n_parents,
                                          func, user_data, destroy);

  if (DS_IS_TRANSFORMED_DSTREAM (self))
    DS_TRANSFORMED_DSTREAM (self)->form = form;
  return self;
}

/**
 * ds_dstream_transform:
 * @self: a stream
 * @func: (scope notified) (closure user_data) (destroy destroy): makes an RDD of the RDD
 *   of a batch; runs in the driver, once a batch, also for an empty one
 * @user_data: passed to @func
 * @destroy: (nullable): frees @user_data, once, when the stream goes
 *
 * Replaces the RDD of each batch by what @func returns.  A failure of @func fails the
 * generation of the batch.
 *
 * **What @func returns is a reference of its own, which the stream takes over: to give
 * the batch on as it is, write `return g_object_ref (rdd)`, never `return rdd`.** Without
 * the reference the RDD is freed while it is in use.  That is noticed, and fails the
 * batch, only where nothing else holds the RDD.
 *
 * Returns: (transfer none): the new stream, owned by the context
 */
DsDStream *
ds_dstream_transform (DsDStream *self,
                      DsTransformFunc func,
                      gpointer user_data,
                      GDestroyNotify destroy)
{
  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);
  ds_dstream_return_if_null (self, func, user_data, destroy);

  return ds_transformed_dstream_new (DS_TRANSFORM_ONE, &self, 1, G_CALLBACK (func),
                                     user_data, destroy);
}

/**
 * ds_dstream_transform_with:
 * @self: a stream
 * @other: another one, of the same context and with the same slide
 * @func: (scope notified) (closure user_data) (destroy destroy): makes an RDD of the two
 *   RDDs of a batch; runs in the driver, once a batch
 * @user_data: passed to @func
 * @destroy: (nullable): frees @user_data, once, when the stream goes
 *
 * As ds_dstream_transform (), over two streams.
 *
 * Latches %DS_ERROR_INVALID_ARGUMENT for a stream of another context and
 * %DS_ERROR_INVALID_INTERVAL for another slide.
 *
 * Returns: (transfer none): the new stream, owned by the context
 */
DsDStream *
ds_dstream_transform_with (DsDStream *self,
                           DsDStream *other,
                           DsTransformWithFunc func,
                           gpointer user_data,
                           GDestroyNotify destroy)
{
  DsDStream *const parents[] = { self, other };

  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);
  g_return_val_if_fail (DS_IS_DSTREAM (other), NULL);
  ds_dstream_return_if_null (self, func, user_data, destroy);

  return ds_transformed_dstream_new (DS_TRANSFORM_WITH, parents, 2, G_CALLBACK (func),
                                     user_data, destroy);
}

/**
 * ds_streaming_context_transform:
 * @self: a context
 * @streams: (array length=n_streams): streams of @self with the same slide
 * @n_streams: how many, at least 1
 * @func: (scope notified) (closure user_data) (destroy destroy): makes an RDD of the RDDs
 *   of a batch; runs in the driver, once a batch
 * @user_data: passed to @func
 * @destroy: (nullable): frees @user_data, once, when the stream goes
 *
 * As ds_dstream_transform (), over any number of streams.
 *
 * Latches %DS_ERROR_INVALID_ARGUMENT for no stream or a stream of another context, and
 * %DS_ERROR_INVALID_INTERVAL for different slides.
 *
 * Returns: (transfer none): the new stream, owned by the context
 */
DsDStream *
ds_streaming_context_transform (DsStreamingContext *self,
                                DsDStream **streams,
                                gsize n_streams,
                                DsTransformManyFunc func,
                                gpointer user_data,
                                GDestroyNotify destroy)
{
  g_return_val_if_fail (DS_IS_STREAMING_CONTEXT (self), NULL);
  g_return_val_if_fail (n_streams == 0 || streams != NULL, NULL);
  if (func == NULL)
    return ds_inert_dstream_new_for_null (self, G_STRFUNC, "func", user_data, destroy);

  if (!ds_streaming_context_check_streams (self, "transform", streams, n_streams))
    {
      if (destroy != NULL)
        destroy (user_data);
      return ds_dstream_new_inert (self);
    }
  return ds_transformed_dstream_new (DS_TRANSFORM_MANY, streams, (guint) n_streams,
                                     G_CALLBACK (func), user_data, destroy);
}
