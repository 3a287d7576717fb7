/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Operators that bring the pairs of two streams together by their keys. */

#include "tests/conformance/ds-conformance-private.h"

/* The two streams that @params names, else the current one and the second source. */
static gboolean
ds_conformance_find_sides (DsConformanceGraph *graph,
                           DsDStream *stream,
                           JsonObject *params,
                           DsDStream *sides[2],
                           GError **error)
{
  g_autoptr (GPtrArray) parents =
      ds_conformance_graph_evaluate_of (graph, stream, params, error);

  if (parents == NULL)
    return FALSE;
  if (parents->len != 2)
    return ds_conformance_differ (error, "A join takes 2 streams, not %u", parents->len);
  sides[0] = g_ptr_array_index (parents, 0);
  sides[1] = g_ptr_array_index (parents, 1);
  return TRUE;
}

static DsDStream *
ds_conformance_build_with (DsConformanceGraph *graph,
                           DsDStream *stream,
                           JsonObject *params,
                           DsDStream *(*build) (DsDStream *self, DsDStream *other),
                           GError **error)
{
  DsDStream *sides[2] = { NULL };
  DsDStream *joined = NULL;

  if (!ds_conformance_find_sides (graph, stream, params, sides, error))
    return NULL;
  joined = build (sides[0], sides[1]);
  return ds_conformance_set_n_partitions (joined, params, error) ? joined : NULL;
}

static DsDStream *
ds_conformance_build_cogroup (DsConformanceGraph *graph,
                              DsDStream *stream,
                              JsonObject *params,
                              GError **error)
{
  return ds_conformance_build_with (graph, stream, params, ds_dstream_cogroup, error);
}

static DsDStream *
ds_conformance_build_full_outer_join (DsConformanceGraph *graph,
                                      DsDStream *stream,
                                      JsonObject *params,
                                      GError **error)
{
  return ds_conformance_build_with (graph, stream, params, ds_dstream_full_outer_join,
                                    error);
}

static DsDStream *
ds_conformance_build_join (DsConformanceGraph *graph,
                           DsDStream *stream,
                           JsonObject *params,
                           GError **error)
{
  return ds_conformance_build_with (graph, stream, params, ds_dstream_join, error);
}

static DsDStream *
ds_conformance_build_left_outer_join (DsConformanceGraph *graph,
                                      DsDStream *stream,
                                      JsonObject *params,
                                      GError **error)
{
  return ds_conformance_build_with (graph, stream, params, ds_dstream_left_outer_join,
                                    error);
}

static DsDStream *
ds_conformance_build_right_outer_join (DsConformanceGraph *graph,
                                       DsDStream *stream,
                                       JsonObject *params,
                                       GError **error)
{
  return ds_conformance_build_with (graph, stream, params, ds_dstream_right_outer_join,
                                    error);
}

const DsConformanceOperator ds_conformance_join_operators[] = {
  { "cogroup", { "num_partitions" }, ds_conformance_build_cogroup },
  { "fullOuterJoin", { "num_partitions" }, ds_conformance_build_full_outer_join },
  { "join", { "num_partitions" }, ds_conformance_build_join },
  { "leftOuterJoin", { "num_partitions" }, ds_conformance_build_left_outer_join },
  { "rightOuterJoin", { "num_partitions" }, ds_conformance_build_right_outer_join },
  { NULL, { NULL }, NULL },
};
