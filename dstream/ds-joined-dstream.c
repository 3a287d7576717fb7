/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The pairs of two streams that share a key, batch by batch: the joins of their RDDs.
 * The four differ in what becomes of a pair without partner.  A stream without an RDD for
 * a batch is not one without partners, so that is an error of the batch. */

#include "dstream/ds-dstream-private.h"

static DsRdd *
ds_joined_dstream_compute (DsDStream *self,
                           DsRdd *(*join) (DsRdd *self, DsRdd *other),
                           DsBatch *batch,
                           GError **error)
{
  DsRdd *left = ds_dstream_require_parent_rdd (self, 0, batch, error);
  DsRdd *right;

  if (left == NULL)
    return NULL;
  right = ds_dstream_require_parent_rdd (self, 1, batch, error);
  return right != NULL ? join (left, right) : NULL;
}

static DsRdd *
ds_inner_joined_dstream_compute (DsDStream *self, DsBatch *batch, GError **error)
{
  return ds_joined_dstream_compute (self, ds_rdd_join, batch, error);
}

static DsRdd *
ds_left_joined_dstream_compute (DsDStream *self, DsBatch *batch, GError **error)
{
  return ds_joined_dstream_compute (self, ds_rdd_left_outer_join, batch, error);
}

static DsRdd *
ds_right_joined_dstream_compute (DsDStream *self, DsBatch *batch, GError **error)
{
  return ds_joined_dstream_compute (self, ds_rdd_right_outer_join, batch, error);
}

static DsRdd *
ds_full_joined_dstream_compute (DsDStream *self, DsBatch *batch, GError **error)
{
  return ds_joined_dstream_compute (self, ds_rdd_full_outer_join, batch, error);
}

static const DsDStreamOps ds_inner_joined_dstream_ops = {
  .kind = "join",
  .options = DS_OPTION_N_PARTITIONS | DS_OPTION_PARTITIONER,
  .compute = ds_inner_joined_dstream_compute,
};

static const DsDStreamOps ds_left_joined_dstream_ops = {
  .kind = "left_outer_join",
  .options = DS_OPTION_N_PARTITIONS | DS_OPTION_PARTITIONER,
  .compute = ds_left_joined_dstream_compute,
};

static const DsDStreamOps ds_right_joined_dstream_ops = {
  .kind = "right_outer_join",
  .options = DS_OPTION_N_PARTITIONS | DS_OPTION_PARTITIONER,
  .compute = ds_right_joined_dstream_compute,
};

static const DsDStreamOps ds_full_joined_dstream_ops = {
  .kind = "full_outer_join",
  .options = DS_OPTION_N_PARTITIONS | DS_OPTION_PARTITIONER,
  .compute = ds_full_joined_dstream_compute,
};

DS_DEFINE_DSTREAM (DsInnerJoinedDStream,
                   ds_inner_joined_dstream,
                   &ds_inner_joined_dstream_ops)
DS_DEFINE_DSTREAM (DsLeftJoinedDStream,
                   ds_left_joined_dstream,
                   &ds_left_joined_dstream_ops)
DS_DEFINE_DSTREAM (DsRightJoinedDStream,
                   ds_right_joined_dstream,
                   &ds_right_joined_dstream_ops)
DS_DEFINE_DSTREAM (DsFullJoinedDStream,
                   ds_full_joined_dstream,
                   &ds_full_joined_dstream_ops)

static DsDStream *
ds_joined_dstream_new (GType type, DsDStream *self, DsDStream *other)
{
  DsDStream *const parents[] = { self, other };

  return ds_dstream_new_child (type, parents, 2, NULL, NULL, NULL);
}

/**
 * ds_dstream_join:
 * @self: a stream of pairs
 * @other: another one, of the same context and with the same slide; may be @self
 *
 * Makes a pair (key, (a, b)) for each value a of @self and each value b of @other that
 * have the same key in the same batch: m values here and n there give m times n pairs.
 * A full shuffle of both, except of a side that is partitioned so already.  Options:
 * ds_dstream_set_n_partitions (), ds_dstream_set_partitioner ().  To join across batches,
 * join windows.
 *
 * A batch for which one of the streams has no RDD fails.
 *
 * Latches %DS_ERROR_INVALID_ARGUMENT for a stream of another context and
 * %DS_ERROR_INVALID_INTERVAL for another slide.
 *
 * Returns: (transfer none): the stream of pairs, owned by the context
 */
DsDStream *
ds_dstream_join (DsDStream *self, DsDStream *other)
{
  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);
  g_return_val_if_fail (DS_IS_DSTREAM (other), NULL);

  return ds_joined_dstream_new (ds_inner_joined_dstream_get_type (), self, other);
}

/**
 * ds_dstream_left_outer_join:
 * @self: a stream of pairs
 * @other: another one, of the same context and with the same slide; may be @self
 *
 * Makes what ds_dstream_join () makes, and (key, (a, null)) for each value of @self whose
 * key @other does not have in that batch.  Cost, options and failures are the same.
 *
 * Returns: (transfer none): the stream of pairs, owned by the context
 */
DsDStream *
ds_dstream_left_outer_join (DsDStream *self, DsDStream *other)
{
  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);
  g_return_val_if_fail (DS_IS_DSTREAM (other), NULL);

  return ds_joined_dstream_new (ds_left_joined_dstream_get_type (), self, other);
}

/**
 * ds_dstream_right_outer_join:
 * @self: a stream of pairs
 * @other: another one, of the same context and with the same slide; may be @self
 *
 * Makes what ds_dstream_join () makes, and (key, (null, b)) for each value of @other
 * whose key @self does not have in that batch.  Cost, options and failures are the same.
 *
 * Returns: (transfer none): the stream of pairs, owned by the context
 */
DsDStream *
ds_dstream_right_outer_join (DsDStream *self, DsDStream *other)
{
  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);
  g_return_val_if_fail (DS_IS_DSTREAM (other), NULL);

  return ds_joined_dstream_new (ds_right_joined_dstream_get_type (), self, other);
}

/**
 * ds_dstream_full_outer_join:
 * @self: a stream of pairs
 * @other: another one, of the same context and with the same slide; may be @self
 *
 * Makes what ds_dstream_join () makes, and what ds_dstream_left_outer_join () and
 * ds_dstream_right_outer_join () add to it.  Cost, options and failures are the same.
 *
 * Returns: (transfer none): the stream of pairs, owned by the context
 */
DsDStream *
ds_dstream_full_outer_join (DsDStream *self, DsDStream *other)
{
  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);
  g_return_val_if_fail (DS_IS_DSTREAM (other), NULL);

  return ds_joined_dstream_new (ds_full_joined_dstream_get_type (), self, other);
}
