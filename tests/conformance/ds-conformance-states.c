/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Operators that keep state by key from batch to batch. */

#include "tests/conformance/ds-conformance-private.h"

#include <string.h>

/* "initial": pairs. */
static gboolean
ds_conformance_set_initial (DsConformanceGraph *graph,
                            DsDStream *stream,
                            JsonObject *params,
                            GError **error)
{
  g_autoptr (DsBlock) block = NULL;
  g_autoptr (DsRdd) pairs = NULL;
  JsonArray *initial = NULL;

  if (!ds_conformance_has (params, "initial"))
    return TRUE;
  initial = ds_conformance_read_array (params, "initial", error);
  if (initial == NULL)
    return FALSE;
  block = ds_conformance_read_block (initial);
  pairs = ds_context_parallelize (graph->test_case->engine, block, 2);
  ds_dstream_set_initial_state (stream, pairs);
  return TRUE;
}

static gboolean
ds_conformance_set_state_options (DsConformanceGraph *graph,
                                  DsDStream *stream,
                                  JsonObject *params,
                                  GError **error)
{
  ds_conformance_session_allow_checkpoints (graph->session);
  return ds_conformance_set_n_partitions (stream, params, error) &&
         ds_conformance_set_initial (graph, stream, params, error) &&
         ds_conformance_set_checkpoint (graph, stream, params, error);
}

/* ---- updateStateByKey ---- */

typedef struct
{
  DsUpdateStateFunc func;
} DsConformancePartitionUpdate;

/* The form that gets a partition at a time, by the function for a key. */
static void
ds_conformance_update_partition (const DsStateUpdate *updates,
                                 gsize n_updates,
                                 DsTask *task,
                                 gpointer user_data)
{
  DsConformancePartitionUpdate *update = user_data;

  for (gsize i = 0; i < n_updates; i++)
    {
      DsValue state = update->func (updates[i].key, updates[i].values,
                                    updates[i].n_values, updates[i].state, task, NULL);

      if (!ds_value_is_null (state))
        ds_task_emit_pair (task, updates[i].key, state);
    }
}

static DsDStream *
ds_conformance_build_update_state_by_key (DsConformanceGraph *graph,
                                          DsDStream *stream,
                                          JsonObject *params,
                                          GError **error)
{
  const char *form = json_object_get_string_member_with_default (params, "form", "");
  DsConformancePartitionUpdate *update = NULL;
  DsConformanceFunction function;
  DsDStream *states = NULL;
  DsMapFunc shown = NULL;

  if (!ds_conformance_find_function (params, "func", DS_CONFORMANCE_UPDATE_STATE,
                                     &function, error))
    return NULL;
  stream = ds_conformance_graph_to_pairs (graph, stream);
  if (strstr (form, "iterator") != NULL)
    {
      update = g_new (DsConformancePartitionUpdate, 1);
      update->func = (DsUpdateStateFunc) function.func;
      states =
          ds_dstream_update_state_by_partition (stream, ds_conformance_update_partition,
                                                update, g_free);
    }
  else
    states = ds_dstream_update_state_by_key (stream, (DsUpdateStateFunc) function.func,
                                             function.user_data, NULL);
  if (!ds_conformance_set_state_options (graph, states, params, error))
    return NULL;
  shown = ds_conformance_get_shown_part (&function);
  return shown != NULL ? ds_dstream_map_values (states, shown, NULL, NULL) : states;
}

/* ---- mapWithState ---- */

static DsDStream *
ds_conformance_build_map_with_state (DsConformanceGraph *graph,
                                     DsDStream *stream,
                                     JsonObject *params,
                                     GError **error)
{
  DsConformanceFunction function;
  DsDStream *mapped = NULL;
  gint64 timeout_ms = 0;

  if (!ds_conformance_find_function (params, "func", DS_CONFORMANCE_MAP_WITH_STATE,
                                     &function, error) ||
      !ds_conformance_read_int_or (params, "timeout_ms", 0, &timeout_ms, error))
    return NULL;
  mapped = ds_dstream_map_with_state (ds_conformance_graph_to_pairs (graph, stream),
                                      (DsMapWithStateFunc) function.func,
                                      function.user_data, NULL);
  if (timeout_ms > 0)
    ds_dstream_set_state_timeout (mapped, timeout_ms * DS_MILLISECOND);
  if (!ds_conformance_set_state_options (graph, mapped, params, error))
    return NULL;
  graph->mapped = mapped;
  return mapped;
}

/* Of the stream that it is called on when that has states, else of one made now. */
static DsDStream *
ds_conformance_build_state_snapshots (DsConformanceGraph *graph,
                                      DsDStream *stream,
                                      JsonObject *params,
                                      GError **error)
{
  if (stream != graph->mapped || ds_conformance_has (params, "func"))
    stream = ds_conformance_build_map_with_state (graph, stream, params, error);
  return stream != NULL ? ds_dstream_state_snapshots (stream) : NULL;
}

/* ---- checkpoint ---- */

static DsDStream *
ds_conformance_build_checkpoint (DsConformanceGraph *graph,
                                 DsDStream *stream,
                                 JsonObject *params,
                                 GError **error)
{
  return ds_conformance_set_checkpoint (graph, stream, params, error) ? stream : NULL;
}

const DsConformanceOperator ds_conformance_state_operators[] = {
  { "checkpoint", { "checkpoint_ms" }, ds_conformance_build_checkpoint },
  { "mapWithState", { "func", "timeout_ms" }, ds_conformance_build_map_with_state },
  { "mapWithState.stateSnapshots", { "func" }, ds_conformance_build_state_snapshots },
  { "stateSnapshots", { NULL }, ds_conformance_build_state_snapshots },
  { "updateStateByKey",
    { "func", "num_partitions" },
    ds_conformance_build_update_state_by_key },
  { NULL, { NULL }, NULL },
};
