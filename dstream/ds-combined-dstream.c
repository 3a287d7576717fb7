/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The values of each key of a batch, combined into something of another kind: the
 * combine_by_key of its RDDs.  One user data serves all three functions. */

#include "dstream/ds-dstream-private.h"

#define DS_TYPE_COMBINED_DSTREAM (ds_combined_dstream_get_type ())
G_DECLARE_FINAL_TYPE (DsCombinedDStream,
                      ds_combined_dstream,
                      DS,
                      COMBINED_DSTREAM,
                      DsDStream)

struct _DsCombinedDStream
{
  DsDStream parent_instance;
  DsMapFunc create;
  DsReduceFunc merge_value;
  DsReduceFunc merge_combiners;
};

G_DEFINE_FINAL_TYPE (DsCombinedDStream, ds_combined_dstream, DS_TYPE_DSTREAM)

static DsRdd *
ds_combined_dstream_compute (DsDStream *dstream, DsBatch *batch, GError **error)
{
  DsCombinedDStream *self = DS_COMBINED_DSTREAM (dstream);
  DsRdd *parent = ds_dstream_get_parent_rdd (dstream, batch, error);

  if (parent == NULL)
    return NULL;
  return ds_dstream_lend_data (
      dstream,
      ds_rdd_combine_by_key (parent, self->create, self->merge_value,
                             self->merge_combiners,
                             ds_dstream_get_node (dstream)->data->user_data, NULL));
}

static const DsDStreamOps ds_combined_dstream_ops = {
  .kind = "combine_by_key",
  .options = DS_OPTION_N_PARTITIONS | DS_OPTION_PARTITIONER,
  .compute = ds_combined_dstream_compute,
};

static void
ds_combined_dstream_class_init (DsCombinedDStreamClass *klass)
{
  DS_DSTREAM_CLASS (klass)->ops = &ds_combined_dstream_ops;
}

static void
ds_combined_dstream_init (DsCombinedDStream *self)
{
}

/**
 * ds_dstream_combine_by_key: (skip)
 * @self: a stream of pairs
 * @create: makes a combiner of the first value of a key
 * @merge_value: adds a value to a combiner
 * @merge_combiners: makes one combiner of two
 * @user_data: passed to all three
 * @destroy: (nullable): frees @user_data, once, when neither the stream nor an RDD of it
 *   needs it any longer
 *
 * Combines the values of each key of a batch.  The functions run on executor threads,
 * several at once; first within partitions, then, behind the exchange, between them.
 * Options: ds_dstream_set_n_partitions (), ds_dstream_set_partitioner ().
 *
 * Returns: (transfer none): the stream of one pair a key, owned by the context
 */
DsDStream *
ds_dstream_combine_by_key (DsDStream *self,
                           DsMapFunc create,
                           DsReduceFunc merge_value,
                           DsReduceFunc merge_combiners,
                           gpointer user_data,
                           GDestroyNotify destroy)
{
  DsDStream *combined;

  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);
  ds_dstream_return_if_null (self, create, user_data, destroy);
  ds_dstream_return_if_null (self, merge_value, user_data, destroy);
  ds_dstream_return_if_null (self, merge_combiners, user_data, destroy);

  combined = ds_dstream_derive (self, DS_TYPE_COMBINED_DSTREAM, NULL, user_data, destroy);
  if (DS_IS_COMBINED_DSTREAM (combined))
    {
      DS_COMBINED_DSTREAM (combined)->create = create;
      DS_COMBINED_DSTREAM (combined)->merge_value = merge_value;
      DS_COMBINED_DSTREAM (combined)->merge_combiners = merge_combiners;
    }
  return combined;
}
