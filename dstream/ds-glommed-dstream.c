/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Each partition of a batch becomes one list: the glom of its RDDs. */

#include "dstream/ds-dstream-private.h"

static DsRdd *
ds_glommed_dstream_compute (DsDStream *self, DsBatch *batch, GError **error)
{
  DsRdd *parent = ds_dstream_get_parent_rdd (self, batch, error);

  if (parent == NULL)
    return NULL;
  return ds_rdd_glom (parent);
}

static const DsDStreamOps ds_glommed_dstream_ops = {
  .kind = "glom",
  .compute = ds_glommed_dstream_compute,
};

DS_DEFINE_DSTREAM (DsGlommedDStream, ds_glommed_dstream, &ds_glommed_dstream_ops)

/**
 * ds_dstream_glom:
 * @self: a stream
 *
 * Makes one list of each partition, empty for an empty one.
 *
 * Returns: (transfer none): the stream of lists, owned by the context
 */
DsDStream *
ds_dstream_glom (DsDStream *self)
{
  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);

  return ds_dstream_derive (self, ds_glommed_dstream_get_type (), NULL, NULL, NULL);
}
