/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Operators that make less of a batch: counts, reductions, groups. */

#include "tests/conformance/ds-conformance-private.h"

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

const DsConformanceOperator ds_conformance_aggregate_operators[] = {
  { "combineByKey",
    { "create", "merge_value", "merge_combiners", "num_partitions" },
    ds_conformance_build_combine_by_key },
  { "count", { NULL }, ds_conformance_build_count },
  { "countByValue", { "num_partitions" }, ds_conformance_build_count_by_value },
  { "groupByKey", { "num_partitions" }, ds_conformance_build_group_by_key },
  { "reduce", { "func" }, ds_conformance_build_reduce },
  { "reduceByKey", { "func", "num_partitions" }, ds_conformance_build_reduce_by_key },
  { NULL, { NULL }, NULL },
};
