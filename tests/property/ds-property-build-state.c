/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Builders of what keeps state by key, and the functions of the programs for them. */

#include "tests/property/ds-property-private.h"

/* ---- Functions ---- */

static DsValue
ds_property_call_update (DsValue key,
                         const DsValue *values,
                         gsize n_values,
                         DsValue state,
                         DsTask *task,
                         gpointer node)
{
  DsPropertyNode *self = node;
  DsPropertyCall call = { .task = task };

  if (ds_property_trip (self, key, task))
    return ds_value_null ();
  return ds_property_updates[self->function].apply (values, n_values, state, &call);
}

static void
ds_property_call_update_partition (const DsStateUpdate *updates,
                                   gsize n_updates,
                                   DsTask *task,
                                   gpointer node)
{
  for (gsize i = 0; i < n_updates && !ds_task_has_failed (task); i++)
    {
      DsValue state =
          ds_property_call_update (updates[i].key, updates[i].values, updates[i].n_values,
                                   updates[i].state, task, node);

      if (!ds_value_is_null (state))
        ds_task_emit_pair (task, updates[i].key, state);
    }
}

static void
ds_property_call_tracker (DsValue key,
                          DsValue value,
                          DsState *state,
                          DsTask *task,
                          gpointer node)
{
  DsPropertyNode *self = node;
  DsPropertyCall call = { .task = task };
  DsPropertyState seen = { .value = ds_state_get_or (state, ds_value_null ()),
                           .is_timing_out = ds_state_is_timing_out (state) };

  /* In the middle of what the call does. */
  ds_property_trackers[self->function].apply (key, value, &seen, &call);
  if (ds_property_trip (self, key, task))
    return;
  if (seen.is_removed)
    ds_state_remove (state);
  else if (seen.is_updated)
    ds_state_update (state, seen.value);
  ds_property_trip (self, value, task);
}

/* ---- Streams ---- */

static DsDStream *
ds_property_set_state_options (DsPropertyNode *node, DsDStream *stream)
{
  DsContext *engine = ds_streaming_context_get_context (ds_dstream_get_context (stream));
  g_autoptr (DsBlock) block = NULL;
  g_autoptr (DsRdd) initial = NULL;

  if (node->timeout > 0)
    ds_dstream_set_state_timeout (stream, node->timeout * DS_SECOND);
  if (node->initial != NULL)
    {
      block = ds_block_new (node->initial->len > 0 ? &DS_PROPERTY_AT (node->initial, 0)
                                                   : NULL,
                            node->initial->len);
      initial = ds_context_parallelize (engine, block, 2);
      ds_dstream_set_initial_state (stream, initial);
    }
  return ds_property_set_n_partitions (node, stream);
}

DsDStream *
ds_property_build_update (DsPropertyNode *node, DsDStream *parent, DsDStream *other)
{
  return ds_property_set_state_options (
      node,
      node->kind == DS_PROPERTY_UPDATE_STATE
          ? ds_dstream_update_state_by_key (parent, ds_property_call_update, node, NULL)
          : ds_dstream_update_state_by_partition (parent,
                                                  ds_property_call_update_partition, node,
                                                  NULL));
}

DsDStream *
ds_property_build_tracker (DsPropertyNode *node, DsDStream *parent, DsDStream *other)
{
  return ds_property_set_state_options (
      node, ds_dstream_map_with_state (parent, ds_property_call_tracker, node, NULL));
}

DsDStream *
ds_property_build_snapshots (DsPropertyNode *node, DsDStream *parent, DsDStream *other)
{
  return ds_dstream_state_snapshots (parent);
}
