/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Each batch in another number of partitions: the repartition of its RDDs. */

#include "dstream/ds-streaming-context-private.h"

static DsRdd *
ds_repartitioned_dstream_compute (DsDStream *self, DsBatch *batch, GError **error)
{
  DsRdd *parent = ds_dstream_get_parent_rdd (self, batch, error);

  if (parent == NULL)
    return NULL;
  return ds_rdd_repartition (parent, GPOINTER_TO_UINT (
                                         ds_dstream_get_node (self)->data->user_data));
}

static const DsDStreamOps ds_repartitioned_dstream_ops = {
  .kind = "repartition",
  .compute = ds_repartitioned_dstream_compute,
};

DS_DEFINE_DSTREAM (DsRepartitionedDStream,
                   ds_repartitioned_dstream,
                   &ds_repartitioned_dstream_ops)

/**
 * ds_dstream_repartition:
 * @self: a stream
 * @n_partitions: how many partitions each batch has; at least 1
 *
 * Deals the values of each batch out to @n_partitions partitions.  A full shuffle; the
 * order of values is lost.
 *
 * Latches %DS_ERROR_INVALID_ARGUMENT for 0 partitions.
 *
 * Returns: (transfer none): the new stream, owned by the context
 */
DsDStream *
ds_dstream_repartition (DsDStream *self, guint n_partitions)
{
  DsStreamingContext *context;

  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);

  context = ds_dstream_get_node (self)->context;
  if (n_partitions == 0 && context != NULL)
    {
      ds_streaming_context_latch (
          context, DS_ERROR_INVALID_ARGUMENT,
          "repartition: 0 partitions for %s; at least 1 is needed, or "
          "ds_context_get_default_parallelism () of the engine",
          ds_dstream_describe (self));
      return ds_dstream_new_inert (context);
    }
  return ds_dstream_derive (self, ds_repartitioned_dstream_get_type (), NULL,
                            GUINT_TO_POINTER (n_partitions), NULL);
}
