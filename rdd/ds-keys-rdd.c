/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* keys, values: one of the two columns of pairs, passed on as it lies. */

#include "rdd/ds-narrow-private.h"

static DsSink *
ds_keys_rdd_make_sink (DsRdd *rdd, guint partition, DsTask *task, DsSink *next)
{
  return ds_keys_sink_new (task, next);
}

static DsSink *
ds_values_rdd_make_sink (DsRdd *rdd, guint partition, DsTask *task, DsSink *next)
{
  return ds_values_sink_new (task, next);
}

static const DsRddOps ds_keys_rdd_ops = { .make_sink = ds_keys_rdd_make_sink };
static const DsRddOps ds_values_rdd_ops = { .make_sink = ds_values_rdd_make_sink };

DS_DEFINE_NARROW_RDD (DsKeysRdd, ds_keys_rdd, &ds_keys_rdd_ops)
DS_DEFINE_NARROW_RDD (DsValuesRdd, ds_values_rdd, &ds_values_rdd_ops)

/**
 * ds_rdd_keys:
 * @self: an RDD of pairs
 *
 * The key of each pair, in order.  Costs nothing.  A value that is no pair fails the task
 * with %DS_ERROR_TYPE.
 *
 * Returns: (transfer full): the RDD of keys
 */
DsRdd *
ds_rdd_keys (DsRdd *self)
{
  g_return_val_if_fail (DS_IS_RDD (self), NULL);

  return ds_narrow_rdd_new (ds_keys_rdd_get_type (), self, "keys", FALSE, NULL, NULL,
                            NULL);
}

/**
 * ds_rdd_values:
 * @self: an RDD of pairs
 *
 * The value of each pair, in order.  Costs nothing.  A value that is no pair fails the
 * task with %DS_ERROR_TYPE.
 *
 * Returns: (transfer full): the RDD of values
 */
DsRdd *
ds_rdd_values (DsRdd *self)
{
  g_return_val_if_fail (DS_IS_RDD (self), NULL);

  return ds_narrow_rdd_new (ds_values_rdd_get_type (), self, "values", FALSE, NULL, NULL,
                            NULL);
}
