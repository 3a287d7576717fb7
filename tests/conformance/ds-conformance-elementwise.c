/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Operators on one value after the other, and on whole partitions. */

#include "tests/conformance/ds-conformance-private.h"

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

const DsConformanceOperator ds_conformance_elementwise_operators[] = {
  { "filter", { "func" }, ds_conformance_build_filter },
  { "flatMap", { "func" }, ds_conformance_build_flat_map },
  { "flatMapValues", { "func" }, ds_conformance_build_flat_map_values },
  { "glom", { NULL }, ds_conformance_build_glom },
  { "map", { "func" }, ds_conformance_build_map },
  { "mapPartitions", { "func" }, ds_conformance_build_map_partitions },
  { "mapValues", { "func" }, ds_conformance_build_map_values },
  { "repartition", { "num_partitions" }, ds_conformance_build_repartition },
  { NULL, { NULL }, NULL },
};
