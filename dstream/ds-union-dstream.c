/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Several streams as one: the union of their RDDs, partitions one behind the other.  A
 * stream without an RDD for a batch would silently be missing from it, so that is an
 * error of the batch. */

#include "dstream/ds-streaming-context-private.h"

static DsRdd *
ds_union_dstream_compute (DsDStream *self, DsBatch *batch, GError **error)
{
  DsDStreamNode *node = ds_dstream_get_node (self);
  DsRdd **rdds = g_newa (DsRdd *, node->n_parents);

  for (guint i = 0; i < node->n_parents; i++)
    {
      rdds[i] = ds_dstream_require_parent_rdd (self, i, batch, error);
      if (rdds[i] == NULL)
        return NULL;
    }
  return ds_context_union (node->context->context, rdds, node->n_parents);
}

static const DsDStreamOps ds_union_dstream_ops = {
  .kind = "union",
  .compute = ds_union_dstream_compute,
};

DS_DEFINE_DSTREAM (DsUnionDStream, ds_union_dstream, &ds_union_dstream_ops)

/**
 * ds_dstream_union:
 * @self: a stream
 * @other: another one, of the same context and with the same slide
 *
 * Makes one stream of two: each batch has the values of @self, then those of @other, in
 * as many partitions as both together.  For more streams:
 * ds_streaming_context_union ().
 *
 * Latches %DS_ERROR_INVALID_ARGUMENT for a stream of another context and
 * %DS_ERROR_INVALID_INTERVAL for another slide.
 *
 * Returns: (transfer none): the union, owned by the context
 */
DsDStream *
ds_dstream_union (DsDStream *self, DsDStream *other)
{
  DsDStream *const parents[] = { self, other };

  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);
  g_return_val_if_fail (DS_IS_DSTREAM (other), NULL);

  return ds_dstream_new_child (ds_union_dstream_get_type (), parents, 2, NULL, NULL,
                               NULL);
}

/**
 * ds_streaming_context_union:
 * @self: a context
 * @streams: (array length=n_streams): streams of @self with the same slide
 * @n_streams: how many, at least 1
 *
 * Makes one stream of many: each batch has the values of all, in the order of @streams.
 *
 * Latches %DS_ERROR_INVALID_ARGUMENT for no stream or a stream of another context, and
 * %DS_ERROR_INVALID_INTERVAL for different slides.
 *
 * Returns: (transfer none): the union, owned by the context
 */
DsDStream *
ds_streaming_context_union (DsStreamingContext *self,
                            DsDStream **streams,
                            gsize n_streams)
{
  g_return_val_if_fail (DS_IS_STREAMING_CONTEXT (self), NULL);
  g_return_val_if_fail (n_streams == 0 || streams != NULL, NULL);

  if (!ds_streaming_context_check_streams (self, "union", streams, n_streams))
    return ds_dstream_new_inert (self);
  return ds_dstream_new_child (ds_union_dstream_get_type (), streams, (guint) n_streams,
                               NULL, NULL, NULL);
}
