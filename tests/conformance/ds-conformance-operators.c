/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The operators of the vectors: one adapter each, from parameters in JSON to a call of
 * the public API. To add one: write ds_conformance_build_<name>, add a row. */

#include "tests/conformance/ds-conformance-private.h"

/* Of @params, for operators that shuffle; without it the library's default holds. */
static gboolean
ds_conformance_set_n_partitions (DsDStream *stream, JsonObject *params, GError **error)
{
  gint64 n_partitions = 0;

  if (!ds_conformance_read_int_or (params, "num_partitions", 0, &n_partitions, error))
    return FALSE;
  if (n_partitions > 0)
    ds_dstream_set_n_partitions (stream, (guint) n_partitions);
  return TRUE;
}

static DsDStream *
ds_conformance_build_map (DsConformanceGraph *graph,
                          DsDStream *stream,
                          JsonObject *params,
                          GError **error)
{
  DsConformanceFunction function;

  if (!ds_conformance_find_function (params, "func", DS_CONFORMANCE_MAP, &function,
                                     error))
    return NULL;
  return ds_dstream_map (stream, (DsMapFunc) function.func, function.user_data, NULL);
}

static DsDStream *
ds_conformance_build_flat_map (DsConformanceGraph *graph,
                               DsDStream *stream,
                               JsonObject *params,
                               GError **error)
{
  DsConformanceFunction function;

  if (!ds_conformance_find_function (params, "func", DS_CONFORMANCE_FLAT_MAP, &function,
                                     error))
    return NULL;
  return ds_dstream_flat_map (stream, (DsFlatMapFunc) function.func, function.user_data,
                              NULL);
}

static DsDStream *
ds_conformance_build_filter (DsConformanceGraph *graph,
                             DsDStream *stream,
                             JsonObject *params,
                             GError **error)
{
  DsConformanceFunction function;

  if (!ds_conformance_find_function (params, "func", DS_CONFORMANCE_FILTER, &function,
                                     error))
    return NULL;
  return ds_dstream_filter (stream, (DsFilterFunc) function.func, function.user_data,
                            NULL);
}

static DsDStream *
ds_conformance_build_map_partitions (DsConformanceGraph *graph,
                                     DsDStream *stream,
                                     JsonObject *params,
                                     GError **error)
{
  DsConformanceFunction function;

  if (!ds_conformance_find_function (params, "func", DS_CONFORMANCE_MAP_PARTITIONS,
                                     &function, error))
    return NULL;
  return ds_dstream_map_partitions (stream, (DsMapPartitionFunc) function.func,
                                    function.user_data, NULL);
}

static DsDStream *
ds_conformance_build_map_values (DsConformanceGraph *graph,
                                 DsDStream *stream,
                                 JsonObject *params,
                                 GError **error)
{
  DsConformanceFunction function;

  if (!ds_conformance_find_function (params, "func", DS_CONFORMANCE_MAP, &function,
                                     error))
    return NULL;
  return ds_dstream_map_values (stream, (DsMapFunc) function.func, function.user_data,
                                NULL);
}

static DsDStream *
ds_conformance_build_flat_map_values (DsConformanceGraph *graph,
                                      DsDStream *stream,
                                      JsonObject *params,
                                      GError **error)
{
  DsConformanceFunction function;

  if (!ds_conformance_find_function (params, "func", DS_CONFORMANCE_FLAT_MAP, &function,
                                     error))
    return NULL;
  return ds_dstream_flat_map_values (stream, (DsFlatMapFunc) function.func,
                                     function.user_data, NULL);
}

static DsDStream *
ds_conformance_build_glom (DsConformanceGraph *graph,
                           DsDStream *stream,
                           JsonObject *params,
                           GError **error)
{
  return ds_dstream_glom (stream);
}

static DsDStream *
ds_conformance_build_repartition (DsConformanceGraph *graph,
                                  DsDStream *stream,
                                  JsonObject *params,
                                  GError **error)
{
  gint64 n_partitions = 0;

  if (!ds_conformance_read_int (params, "num_partitions", &n_partitions, error))
    return NULL;
  return ds_dstream_repartition (stream, (guint) n_partitions);
}

static DsDStream *
ds_conformance_build_count (DsConformanceGraph *graph,
                            DsDStream *stream,
                            JsonObject *params,
                            GError **error)
{
  return ds_dstream_count (stream);
}

static DsDStream *
ds_conformance_build_count_by_value (DsConformanceGraph *graph,
                                     DsDStream *stream,
                                     JsonObject *params,
                                     GError **error)
{
  DsDStream *counted = ds_dstream_count_by_value (stream);

  return ds_conformance_set_n_partitions (counted, params, error) ? counted : NULL;
}

static DsDStream *
ds_conformance_build_reduce (DsConformanceGraph *graph,
                             DsDStream *stream,
                             JsonObject *params,
                             GError **error)
{
  DsConformanceFunction function;

  if (!ds_conformance_find_function (params, "func", DS_CONFORMANCE_REDUCE, &function,
                                     error))
    return NULL;
  return ds_dstream_reduce (stream, (DsReduceFunc) function.func, function.user_data,
                            NULL);
}

static DsDStream *
ds_conformance_build_group_by_key (DsConformanceGraph *graph,
                                   DsDStream *stream,
                                   JsonObject *params,
                                   GError **error)
{
  DsDStream *grouped = ds_dstream_group_by_key (stream);

  return ds_conformance_set_n_partitions (grouped, params, error) ? grouped : NULL;
}

static DsDStream *
ds_conformance_build_reduce_by_key (DsConformanceGraph *graph,
                                    DsDStream *stream,
                                    JsonObject *params,
                                    GError **error)
{
  DsConformanceFunction function;
  DsDStream *reduced = NULL;

  if (!ds_conformance_find_function (params, "func", DS_CONFORMANCE_REDUCE, &function,
                                     error))
    return NULL;
  reduced = ds_dstream_reduce_by_key (stream, (DsReduceFunc) function.func,
                                      function.user_data, NULL);
  return ds_conformance_set_n_partitions (reduced, params, error) ? reduced : NULL;
}

static DsDStream *
ds_conformance_build_combine_by_key (DsConformanceGraph *graph,
                                     DsDStream *stream,
                                     JsonObject *params,
                                     GError **error)
{
  DsConformanceFunction create;
  DsConformanceFunction merge_value;
  DsConformanceFunction merge_combiners;
  DsDStream *combined = NULL;

  if (!ds_conformance_find_function (params, "create", DS_CONFORMANCE_MAP, &create,
                                     error) ||
      !ds_conformance_find_function (params, "merge_value", DS_CONFORMANCE_REDUCE,
                                     &merge_value, error) ||
      !ds_conformance_find_function (params, "merge_combiners", DS_CONFORMANCE_REDUCE,
                                     &merge_combiners, error))
    return NULL;

  /* The three share one user_data, which only the numbered words use. */
  combined = ds_dstream_combine_by_key (stream, (DsMapFunc) create.func,
                                        (DsReduceFunc) merge_value.func,
                                        (DsReduceFunc) merge_combiners.func,
                                        create.user_data, NULL);
  return ds_conformance_set_n_partitions (combined, params, error) ? combined : NULL;
}

static DsDStream *
ds_conformance_build_union (DsConformanceGraph *graph,
                            DsDStream *stream,
                            JsonObject *params,
                            GError **error)
{
  g_autoptr (GPtrArray) parents =
      ds_conformance_graph_evaluate_of (graph, stream, params, error);

  if (parents == NULL)
    return NULL;
  if (parents->len == 2)
    return ds_dstream_union (g_ptr_array_index (parents, 0),
                             g_ptr_array_index (parents, 1));
  return ds_streaming_context_union (graph->session->streaming,
                                     (DsDStream **) parents->pdata, parents->len);
}

/* "rdd_op" inside of transform: the function is for the values, not for the RDD. */
typedef DsRdd *(*DsConformanceRddOperator) (DsRdd *rdd,
                                            GCallback func,
                                            gpointer user_data);

static DsRdd *
ds_conformance_rdd_map (DsRdd *rdd, GCallback func, gpointer user_data)
{
  return ds_rdd_map (rdd, (DsMapFunc) func, user_data, NULL);
}

static DsRdd *
ds_conformance_rdd_flat_map (DsRdd *rdd, GCallback func, gpointer user_data)
{
  return ds_rdd_flat_map (rdd, (DsFlatMapFunc) func, user_data, NULL);
}

static DsRdd *
ds_conformance_rdd_filter (DsRdd *rdd, GCallback func, gpointer user_data)
{
  return ds_rdd_filter (rdd, (DsFilterFunc) func, user_data, NULL);
}

static DsRdd *
ds_conformance_rdd_map_partitions (DsRdd *rdd, GCallback func, gpointer user_data)
{
  return ds_rdd_map_partitions (rdd, (DsMapPartitionFunc) func, user_data, NULL);
}

static DsRdd *
ds_conformance_rdd_map_values (DsRdd *rdd, GCallback func, gpointer user_data)
{
  return ds_rdd_map_values (rdd, (DsMapFunc) func, user_data, NULL);
}

static DsRdd *
ds_conformance_rdd_flat_map_values (DsRdd *rdd, GCallback func, gpointer user_data)
{
  return ds_rdd_flat_map_values (rdd, (DsFlatMapFunc) func, user_data, NULL);
}

static DsRdd *
ds_conformance_rdd_reduce_by_key (DsRdd *rdd, GCallback func, gpointer user_data)
{
  return ds_rdd_reduce_by_key (rdd, (DsReduceFunc) func, user_data, NULL);
}

static const struct
{
  const char *name;
  DsConformanceFunctionKind kind;
  DsConformanceRddOperator build;
} ds_conformance_rdd_operators[] = {
  { "map", DS_CONFORMANCE_MAP, ds_conformance_rdd_map },
  { "flatMap", DS_CONFORMANCE_FLAT_MAP, ds_conformance_rdd_flat_map },
  { "filter", DS_CONFORMANCE_FILTER, ds_conformance_rdd_filter },
  { "mapPartitions", DS_CONFORMANCE_MAP_PARTITIONS, ds_conformance_rdd_map_partitions },
  { "mapValues", DS_CONFORMANCE_MAP, ds_conformance_rdd_map_values },
  { "flatMapValues", DS_CONFORMANCE_FLAT_MAP, ds_conformance_rdd_flat_map_values },
  { "reduceByKey", DS_CONFORMANCE_REDUCE, ds_conformance_rdd_reduce_by_key },
};

typedef struct
{
  DsConformanceRddOperator build;
  DsConformanceFunction function;
} DsConformanceInnerOperator;

static DsRdd *
ds_conformance_apply_inner (DsRdd *rdd,
                            DsBatch *batch,
                            gpointer user_data,
                            GError **error)
{
  DsConformanceInnerOperator *inner = user_data;

  return inner->build (rdd, inner->function.func, inner->function.user_data);
}

static DsDStream *
ds_conformance_build_inner (DsDStream *stream,
                            const char *rdd_op,
                            JsonObject *params,
                            GError **error)
{
  for (gsize i = 0; i < G_N_ELEMENTS (ds_conformance_rdd_operators); i++)
    {
      DsConformanceInnerOperator *inner = NULL;
      DsConformanceFunction function;

      if (!g_str_equal (ds_conformance_rdd_operators[i].name, rdd_op))
        continue;
      if (!ds_conformance_find_function (params, "func",
                                         ds_conformance_rdd_operators[i].kind, &function,
                                         error))
        return NULL;
      inner = g_new (DsConformanceInnerOperator, 1);
      inner->build = ds_conformance_rdd_operators[i].build;
      inner->function = function;
      return ds_dstream_transform (stream, ds_conformance_apply_inner, inner, g_free);
    }
  ds_conformance_skip (error, "rdd_op \"%s\" inside transform is not known", rdd_op);
  return NULL;
}

static DsDStream *
ds_conformance_build_transform (DsConformanceGraph *graph,
                                DsDStream *stream,
                                JsonObject *params,
                                GError **error)
{
  DsConformanceFunction function;

  if (ds_conformance_has (params, "rdd_op"))
    {
      const char *rdd_op = ds_conformance_read_string (params, "rdd_op", error);

      return rdd_op != NULL ? ds_conformance_build_inner (stream, rdd_op, params, error)
                            : NULL;
    }
  if (!ds_conformance_find_function (params, "func", DS_CONFORMANCE_TRANSFORM, &function,
                                     error))
    return NULL;
  return ds_dstream_transform (stream, (DsTransformFunc) function.func,
                               function.user_data, NULL);
}

static DsDStream *
ds_conformance_build_transform_with (DsConformanceGraph *graph,
                                     DsDStream *stream,
                                     JsonObject *params,
                                     GError **error)
{
  g_autoptr (GPtrArray) parents = NULL;
  DsConformanceFunction function;

  if (!ds_conformance_find_function (params, "func", DS_CONFORMANCE_TRANSFORM_WITH,
                                     &function, error))
    return NULL;
  parents = ds_conformance_graph_evaluate_of (graph, stream, params, error);
  if (parents == NULL)
    return NULL;
  if (parents->len != 2)
    {
      ds_conformance_differ (error, "transformWith takes 2 streams, not %u",
                             parents->len);
      return NULL;
    }
  return ds_dstream_transform_with (g_ptr_array_index (parents, 0),
                                    g_ptr_array_index (parents, 1),
                                    (DsTransformWithFunc) function.func,
                                    function.user_data, NULL);
}

static DsDStream *
ds_conformance_build_context_transform (DsConformanceGraph *graph,
                                        DsDStream *stream,
                                        JsonObject *params,
                                        GError **error)
{
  g_autoptr (GPtrArray) parents = NULL;
  DsConformanceFunction function;

  if (!ds_conformance_find_function (params, "func", DS_CONFORMANCE_TRANSFORM_MANY,
                                     &function, error))
    return NULL;
  parents = ds_conformance_graph_evaluate_of (graph, stream, params, error);
  if (parents == NULL)
    return NULL;
  return ds_streaming_context_transform (graph->session->streaming,
                                         (DsDStream **) parents->pdata, parents->len,
                                         (DsTransformManyFunc) function.func,
                                         function.user_data, NULL);
}

static const DsConformanceOperator ds_conformance_operators[] = {
  { "combineByKey",
    { "create", "merge_value", "merge_combiners", "num_partitions" },
    ds_conformance_build_combine_by_key },
  { "context_transform", { "func" }, ds_conformance_build_context_transform },
  { "count", { NULL }, ds_conformance_build_count },
  { "countByValue", { "num_partitions" }, ds_conformance_build_count_by_value },
  { "filter", { "func" }, ds_conformance_build_filter },
  { "flatMap", { "func" }, ds_conformance_build_flat_map },
  { "flatMapValues", { "func" }, ds_conformance_build_flat_map_values },
  { "glom", { NULL }, ds_conformance_build_glom },
  { "groupByKey", { "num_partitions" }, ds_conformance_build_group_by_key },
  { "map", { "func" }, ds_conformance_build_map },
  { "mapPartitions", { "func" }, ds_conformance_build_map_partitions },
  { "mapValues", { "func" }, ds_conformance_build_map_values },
  { "reduce", { "func" }, ds_conformance_build_reduce },
  { "reduceByKey", { "func", "num_partitions" }, ds_conformance_build_reduce_by_key },
  { "repartition", { "num_partitions" }, ds_conformance_build_repartition },
  { "transform", { "func" }, ds_conformance_build_transform },
  { "transformWith", { "func" }, ds_conformance_build_transform_with },
  { "union", { NULL }, ds_conformance_build_union },
};

/* Words of the vectors whose operators come later, and which those are. */
static const struct
{
  const char *word;
  const char *missing;
} ds_conformance_later_operators[] = {
  { "binaryRecordsStream", "binaryRecordsStream" },
  { "blocks_per_batch", "back-pressure" },
  { "checkpoint", "checkpoint" },
  { "cogroup", "cogroup" },
  { "countByValueAndWindow", "countByValueAndWindow" },
  { "countByWindow", "countByWindow" },
  { "default_checkpoint_interval", "checkpoint intervals of stateful streams" },
  { "fileStream", "fileStream" },
  { "file_batches_to_remember", "file streams" },
  { "fullOuterJoin", "fullOuterJoin" },
  { "groupByKeyAndWindow", "groupByKeyAndWindow" },
  { "join", "join" },
  { "leftOuterJoin", "leftOuterJoin" },
  { "mapWithState", "mapWithState" },
  { "mapWithState.checkpoint_interval", "mapWithState" },
  { "mapWithState.one_partition", "mapWithState" },
  { "mapWithState.sequence", "mapWithState" },
  { "mapWithState.stateSnapshots", "mapWithState" },
  { "pid", "back-pressure" },
  { "pid_new", "back-pressure" },
  { "rate_controller_recovery", "back-pressure" },
  { "rate_limiter", "back-pressure" },
  { "reduceByKeyAndWindow", "reduceByKeyAndWindow" },
  { "reduceByWindow", "reduceByWindow" },
  { "rightOuterJoin", "rightOuterJoin" },
  { "save_files", "save_files" },
  { "state_handle", "mapWithState" },
  { "textFileStream", "textFileStream" },
  { "updateStateByKey", "updateStateByKey" },
  { "window", "window" },
};

const DsConformanceOperator *
ds_conformance_find_operator (const char *name, GError **error)
{
  for (gsize i = 0; i < G_N_ELEMENTS (ds_conformance_operators); i++)
    if (g_str_equal (ds_conformance_operators[i].name, name))
      return &ds_conformance_operators[i];

  for (gsize i = 0; i < G_N_ELEMENTS (ds_conformance_later_operators); i++)
    if (g_str_equal (ds_conformance_later_operators[i].word, name))
      {
        ds_conformance_skip (error, "the library does not have %s yet",
                             ds_conformance_later_operators[i].missing);
        return NULL;
      }
  ds_conformance_skip (error, "operator \"%s\" is not known", name);
  return NULL;
}
