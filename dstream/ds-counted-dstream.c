/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How many values each batch has: one value a batch, also when that is 0. */

#include "dstream/ds-dstream-private.h"

static DsRdd *
ds_counted_dstream_compute (DsDStream *self, DsBatch *batch, GError **error)
{
  DsRdd *parent = ds_dstream_get_parent_rdd (self, batch, error);

  if (parent == NULL)
    return NULL;
  return ds_count_rdd_new (parent);
}

static const DsDStreamOps ds_counted_dstream_ops = {
  .kind = "count",
  .compute = ds_counted_dstream_compute,
};

DS_DEFINE_DSTREAM (DsCountedDStream, ds_counted_dstream, &ds_counted_dstream_ops)

/**
 * ds_dstream_count:
 * @self: a stream
 *
 * Counts the values of each batch.  A batch of none gives 0, not nothing.
 *
 * Returns: (transfer none): the stream of one int a batch, owned by the context
 */
DsDStream *
ds_dstream_count (DsDStream *self)
{
  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);

  return ds_dstream_derive (self, ds_counted_dstream_get_type (), NULL, NULL, NULL);
}
