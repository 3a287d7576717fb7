/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* reduce_by_key_op: reduce_by_key with a reduction that has a name, for languages whose
 * functions are too dear to be called once a value. */

#include "base/ds-error.h"
#include "rdd/ds-shuffled-rdd-private.h"

DsReduceFunc
ds_reduction_get_func (DsReduction reduction)
{
  static const DsReduceFunc funcs[] = {
    [DS_REDUCTION_ADD] = ds_add,          [DS_REDUCTION_MULTIPLY] = ds_multiply,
    [DS_REDUCTION_MIN] = ds_min,          [DS_REDUCTION_MAX] = ds_max,
    [DS_REDUCTION_FIRST] = ds_keep_first, [DS_REDUCTION_LAST] = ds_keep_last,
  };

  return (guint) reduction < G_N_ELEMENTS (funcs) ? funcs[reduction] : NULL;
}

/**
 * ds_rdd_reduce_by_key_op:
 * @self: an RDD of pairs
 * @reduction: what becomes of the values of a key
 *
 * ds_rdd_reduce_by_key () with the function that @reduction names (ds_add (), ...), at
 * full speed from every language.
 *
 * A number that is no #DsReduction latches %DS_ERROR_INVALID_ARGUMENT.
 *
 * Returns: (transfer full): the RDD of pairs
 */
DsRdd *
ds_rdd_reduce_by_key_op (DsRdd *self, DsReduction reduction)
{
  DsReduceFunc func = ds_reduction_get_func (reduction);
  DsRdd *rdd;

  g_return_val_if_fail (DS_IS_RDD (self), NULL);

  rdd =
      ds_shuffled_rdd_new_reduce_by_key (self, func != NULL ? func : ds_add, NULL, NULL);
  if (func == NULL)
    ds_rdd_latch_error (rdd, g_error_new (DS_ERROR, DS_ERROR_INVALID_ARGUMENT,
                                          "reduce_by_key_op: %d is no reduction; those "
                                          "are 0 (add) to %d (last)",
                                          (int) reduction, (int) DS_REDUCTION_LAST));
  return rdd;
}
