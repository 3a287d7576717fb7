/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Operators on whole RDDs and on several streams: unions, transforms. */

#include "tests/conformance/ds-conformance-private.h"

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

/* The stream that a slice is taken of; the runner of slices takes it. */
static DsDStream *
ds_conformance_build_slice (DsConformanceGraph *graph,
                            DsDStream *stream,
                            JsonObject *params,
                            GError **error)
{
  return stream;
}

const DsConformanceOperator ds_conformance_transform_operators[] = {
  { "slice", { NULL }, ds_conformance_build_slice },
  { "context_transform", { "func" }, ds_conformance_build_context_transform },
  { "transform", { "func" }, ds_conformance_build_transform },
  { "transformWith", { "func" }, ds_conformance_build_transform_with },
  { "union", { NULL }, ds_conformance_build_union },
  { NULL, { NULL }, NULL },
};
