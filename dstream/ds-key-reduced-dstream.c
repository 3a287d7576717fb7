/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The values of each key of a batch, reduced to one: the reduce_by_key of its RDDs. */

#include "dstream/ds-dstream-private.h"

#define DS_TYPE_KEY_REDUCED_DSTREAM (ds_key_reduced_dstream_get_type ())
G_DECLARE_FINAL_TYPE (DsKeyReducedDStream,
                      ds_key_reduced_dstream,
                      DS,
                      KEY_REDUCED_DSTREAM,
                      DsDStream)

struct _DsKeyReducedDStream
{
  DsDStream parent_instance;
};

G_DEFINE_FINAL_TYPE (DsKeyReducedDStream, ds_key_reduced_dstream, DS_TYPE_DSTREAM)

static DsRdd *
ds_key_reduced_dstream_compute (DsDStream *self, DsBatch *batch, GError **error)
{
  DsDStreamNode *node = ds_dstream_get_node (self);
  DsRdd *parent = ds_dstream_get_parent_rdd (self, batch, error);

  if (parent == NULL)
    return NULL;
  return ds_dstream_lend_data (self,
                               ds_rdd_reduce_by_key (parent, (DsReduceFunc) node->func,
                                                     node->data->user_data, NULL));
}

static const DsDStreamOps ds_key_reduced_dstream_ops = {
  .kind = "reduce_by_key",
  .options = DS_OPTION_N_PARTITIONS | DS_OPTION_PARTITIONER,
  .compute = ds_key_reduced_dstream_compute,
};

static void
ds_key_reduced_dstream_class_init (DsKeyReducedDStreamClass *klass)
{
  DS_DSTREAM_CLASS (klass)->ops = &ds_key_reduced_dstream_ops;
}

static void
ds_key_reduced_dstream_init (DsKeyReducedDStream *self)
{
}

/**
 * ds_dstream_reduce_by_key: (skip)
 * @self: a stream of pairs
 * @func: (scope notified) (closure user_data) (destroy destroy): makes one value of two;
 * associative and commutative; runs on executor threads, several at once
 * @user_data: passed to @func
 * @destroy: (nullable): frees @user_data, once, when neither the stream nor an RDD of it
 *   needs it any longer
 *
 * Reduces the values of each key of a batch to one.  A shuffle that reduces before the
 * exchange.  Options: ds_dstream_set_n_partitions (), ds_dstream_set_partitioner ().
 *
 * Returns: (transfer none): the stream of one pair a key, owned by the context
 */
DsDStream *
ds_dstream_reduce_by_key (DsDStream *self,
                          DsReduceFunc func,
                          gpointer user_data,
                          GDestroyNotify destroy)
{
  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);
  g_return_val_if_fail (func != NULL, NULL);

  return ds_dstream_derive (self, DS_TYPE_KEY_REDUCED_DSTREAM, G_CALLBACK (func),
                            user_data, destroy);
}
