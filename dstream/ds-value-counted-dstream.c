/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How often each value occurs in a batch. */

#include "dstream/ds-dstream-private.h"

#define DS_TYPE_VALUE_COUNTED_DSTREAM (ds_value_counted_dstream_get_type ())
G_DECLARE_FINAL_TYPE (DsValueCountedDStream,
                      ds_value_counted_dstream,
                      DS,
                      VALUE_COUNTED_DSTREAM,
                      DsDStream)

struct _DsValueCountedDStream
{
  DsDStream parent_instance;
};

G_DEFINE_FINAL_TYPE (DsValueCountedDStream, ds_value_counted_dstream, DS_TYPE_DSTREAM)

static DsRdd *
ds_value_counted_dstream_compute (DsDStream *self, DsBatch *batch, GError **error)
{
  DsDStreamNode *node = ds_dstream_get_node (self);
  DsRdd *parent = ds_dstream_get_parent_rdd (self, batch, error);

  if (parent == NULL)
    return NULL;
  return ds_counted_rdd_new (parent, node->n_partitions);
}

static const DsDStreamOps ds_value_counted_dstream_ops = {
  .kind = "count_by_value",
  .options = DS_OPTION_N_PARTITIONS,
  .compute = ds_value_counted_dstream_compute,
};

static void
ds_value_counted_dstream_class_init (DsValueCountedDStreamClass *klass)
{
  DS_DSTREAM_CLASS (klass)->ops = &ds_value_counted_dstream_ops;
}

static void
ds_value_counted_dstream_init (DsValueCountedDStream *self)
{
}

/**
 * ds_dstream_count_by_value:
 * @self: a stream
 *
 * Counts how often each value occurs in a batch, as pairs (value, n).  A shuffle that
 * counts before the exchange.  Options: ds_dstream_set_n_partitions ().
 *
 * Returns: (transfer none): the stream of pairs, owned by the context
 */
DsDStream *
ds_dstream_count_by_value (DsDStream *self)
{
  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);

  return ds_dstream_derive (self, DS_TYPE_VALUE_COUNTED_DSTREAM, NULL, NULL, NULL);
}
