/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The functions of a program as the library calls them, and the failures that tests put
 * into them: at some record of some partition, the first time only, so that whoever tries
 * again gets through. */

#include "tests/property/ds-property-private.h"

/* Which records trip depends on what is computed, not on who computes it when. */
gboolean
ds_property_trip (DsPropertyNode *node, DsValue value, DsTask *task)
{
  guint64 place = node->graph->seed ^ node->id;
  gint64 batch = ds_task_get_batch_time (task) / DS_SECOND;

  if (node->graph->failures == DS_PROPERTY_NO_FAILURES)
    return FALSE;
  place = ds_property_mix (place * 31 + (guint64) batch);
  if (node->graph->failures == DS_PROPERTY_FAILING_TASKS)
    {
      place = ds_property_mix (place * 31 + ds_task_get_partition (task));
      if (ds_task_get_attempt (task) > 0 ||
          (place ^ ds_property_checksum (value)) % 20 != 0)
        return FALSE;
    }
  else if ((place ^ ds_property_checksum (value)) % 60 != 0 || batch < 0 ||
           batch > node->graph->n_batches ||
           !g_atomic_int_compare_and_exchange (&node->has_failed[batch], FALSE, TRUE))
    return FALSE;

  g_atomic_int_inc (&node->graph->n_failures);
  ds_task_fail (task, "s%u was to fail", node->id);
  return TRUE;
}

DsValue
ds_property_call_map (DsValue value, DsTask *task, gpointer node)
{
  DsPropertyNode *self = node;
  DsPropertyCall call = { .task = task };

  if (ds_property_trip (self, value, task))
    return ds_value_null ();
  return ds_property_maps[self->function].apply (value, self->number, &call);
}

/* Also of map_chunks and map_partitions, whose functions emit. */
void
ds_property_call_flat_map (DsValue value, DsTask *task, gpointer node)
{
  DsPropertyCall call = { .task = task };

  if (!ds_property_trip (node, value, task))
    ds_property_apply (node, value, &call);
}

gboolean
ds_property_call_filter (DsValue value, DsTask *task, gpointer node)
{
  DsPropertyNode *self = node;

  return !ds_property_trip (self, value, task) &&
         ds_property_filters[self->function].keeps (value, self->number);
}

void
ds_property_call_chunk (const DsValue *values,
                        gsize n_values,
                        DsTask *task,
                        gpointer node)
{
  for (gsize i = 0; i < n_values && !ds_task_has_failed (task); i++)
    ds_property_call_flat_map (values[i], task, node);
}

void
ds_property_call_partition (DsPartition *partition, DsTask *task, gpointer node)
{
  const DsValue *values = NULL;
  gsize n_values = 0;

  while (!ds_task_has_failed (task) &&
         (values = ds_partition_next (partition, &n_values)) != NULL)
    ds_property_call_chunk (values, n_values, task, node);
}

DsValue
ds_property_call_reduce (DsValue a, DsValue b, DsTask *task, gpointer node)
{
  DsPropertyNode *self = node;
  DsPropertyCall call = { .task = task };

  if (ds_property_trip (self, b, task))
    return ds_value_null ();
  return ds_property_reduces[self->function].apply (a, b, &call);
}

DsValue
ds_property_call_subtract (DsValue a, DsValue b, DsTask *task, gpointer node)
{
  if (ds_property_trip (node, b, task))
    return ds_value_null ();
  return ds_value_int (a.as.integer - b.as.integer);
}

gboolean
ds_property_call_is_nonzero (DsValue pair, DsTask *task, gpointer node)
{
  return !ds_property_trip (node, pair, task) && pair.as.items[1].as.integer != 0;
}

DsValue
ds_property_call_digest (DsValue list, DsTask *task, gpointer node)
{
  DsPropertyNode *self = node;
  DsPropertyCall call = { .task = task };

  if (ds_property_trip (self, list, task))
    return ds_value_null ();
  return ds_property_digests[self->function].apply (list.as.items, list.size, &call);
}

DsValue
ds_property_call_create (DsValue value, DsTask *task, gpointer node)
{
  if (ds_property_trip (node, value, task))
    return ds_value_null ();
  return ds_pair (task, value, ds_value_int (1));
}

DsValue
ds_property_call_merge_value (DsValue a, DsValue value, DsTask *task, gpointer node)
{
  if (ds_property_trip (node, value, task))
    return ds_value_null ();
  return ds_pair (task, ds_value_int (a.as.items[0].as.integer + value.as.integer),
                  ds_value_int (a.as.items[1].as.integer + 1));
}

DsValue
ds_property_call_mean (DsValue sum_and_count, DsTask *task, gpointer node)
{
  return ds_property_render_mean (sum_and_count);
}

DsValue
ds_property_call_lists (DsValue lists, DsTask *task, gpointer node)
{
  g_autoptr (GArray) left = ds_property_list_new ();
  g_autoptr (GArray) right = ds_property_list_new ();
  GArray *sides[2] = { left, right };
  DsPropertyCall call = { .task = task };

  if (ds_property_trip (node, lists, task))
    return ds_value_null ();
  for (int i = 0; i < 2; i++)
    if (lists.as.items[i].size > 0)
      g_array_append_vals (sides[i], lists.as.items[i].as.items, lists.as.items[i].size);
  return ds_property_render_lists (node, sides, &call);
}

DsValue
ds_property_call_sides (DsValue sides, DsTask *task, gpointer node)
{
  DsPropertyCall call = { .task = task };

  if (ds_property_trip (node, sides, task))
    return ds_value_null ();
  return ds_property_render_sides (sides, &call);
}
