/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Builders of what makes less of a batch, or of a window of batches: counts, reductions,
 * groups. */

#include "tests/property/ds-property-private.h"

DsDStream *
ds_property_set_n_partitions (DsPropertyNode *node, DsDStream *stream)
{
  if (node->n_partitions > 0)
    ds_dstream_set_n_partitions (stream, node->n_partitions);
  return stream;
}

/* The ready-made forms for even numbers, and those of the program for odd ones. */
static DsDStream *
ds_property_set_inverse (DsPropertyNode *node, DsDStream *stream)
{
  gboolean is_known = node->number % 2 == 0;

  if (node->has_inverse)
    ds_dstream_set_inverse (stream, is_known ? ds_subtract : ds_property_call_subtract,
                            is_known ? NULL : node, NULL);
  if (node->has_filter)
    ds_dstream_set_window_filter (stream,
                                  is_known ? ds_is_nonzero_pair
                                           : ds_property_call_is_nonzero,
                                  is_known ? NULL : node, NULL);
  return stream;
}

DsDStream *
ds_property_build_count (DsPropertyNode *node, DsDStream *parent, DsDStream *other)
{
  if (node->window == 0)
    return ds_dstream_count (parent);
  return ds_dstream_count_by_window (parent, node->window * DS_SECOND,
                                     node->slide * DS_SECOND);
}

DsDStream *
ds_property_build_reduce (DsPropertyNode *node, DsDStream *parent, DsDStream *other)
{
  DsReduceFunc known = ds_property_reduces[node->function].known;
  DsReduceFunc func = DS_PROPERTY_CHOOSE (known, ds_property_call_reduce);
  gpointer data = DS_PROPERTY_DATA (known, node);

  if (node->window == 0)
    return ds_dstream_reduce (parent, func, data, NULL);
  return ds_property_set_inverse (
      node, ds_dstream_reduce_by_window (parent, node->window * DS_SECOND,
                                         node->slide * DS_SECOND, func, data, NULL));
}

DsDStream *
ds_property_build_count_by_value (DsPropertyNode *node,
                                  DsDStream *parent,
                                  DsDStream *other)
{
  if (node->window == 0)
    return ds_property_set_n_partitions (node, ds_dstream_count_by_value (parent));
  return ds_property_set_n_partitions (
      node, ds_dstream_count_by_value_and_window (parent, node->window * DS_SECOND,
                                                  node->slide * DS_SECOND));
}

DsDStream *
ds_property_build_reduce_by_key (DsPropertyNode *node,
                                 DsDStream *parent,
                                 DsDStream *other)
{
  const DsPropertyReduce *row = &ds_property_reduces[node->function];
  DsReduceFunc func = DS_PROPERTY_CHOOSE (row->known, ds_property_call_reduce);
  gpointer data = DS_PROPERTY_DATA (row->known, node);
  gboolean by_op = node->kind == DS_PROPERTY_REDUCE_BY_KEY_OP;
  DsDuration window = node->window * DS_SECOND;
  DsDuration slide = node->slide * DS_SECOND;
  DsDStream *reduced = NULL;

  if (by_op && window > 0)
    reduced = ds_dstream_reduce_by_key_and_window_op (parent, window, slide,
                                                      (DsReduction) row->reduction);
  else if (by_op)
    reduced = ds_dstream_reduce_by_key_op (parent, (DsReduction) row->reduction);
  else if (window > 0)
    reduced =
        ds_dstream_reduce_by_key_and_window (parent, window, slide, func, data, NULL);
  else
    reduced = ds_dstream_reduce_by_key (parent, func, data, NULL);
  return ds_property_set_n_partitions (node, ds_property_set_inverse (node, reduced));
}

DsDStream *
ds_property_build_combine_by_key (DsPropertyNode *node,
                                  DsDStream *parent,
                                  DsDStream *other)
{
  DsDStream *combined =
      node->window == 0
          ? ds_dstream_combine_by_key (parent, ds_property_call_create,
                                       ds_property_call_merge_value, ds_add, node, NULL)
          : ds_dstream_combine_by_key_and_window (parent, node->window * DS_SECOND,
                                                  node->slide * DS_SECOND,
                                                  ds_property_call_create,
                                                  ds_property_call_merge_value, ds_add,
                                                  node, NULL);

  return ds_dstream_map_values (ds_property_set_n_partitions (node, combined),
                                ds_property_call_mean, NULL, NULL);
}

DsDStream *
ds_property_build_group_by_key (DsPropertyNode *node, DsDStream *parent, DsDStream *other)
{
  DsDStream *grouped =
      node->window == 0
          ? ds_dstream_group_by_key (parent)
          : ds_dstream_group_by_key_and_window (parent, node->window * DS_SECOND,
                                                node->slide * DS_SECOND);

  return ds_dstream_map_values (ds_property_set_n_partitions (node, grouped),
                                ds_property_call_digest, node, NULL);
}
