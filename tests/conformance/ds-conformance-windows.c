/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Operators that look back over several batches.  Lengths are given in batches of the
 * case ("window_batches") or in ms ("window_ms"); in an expression there is one number,
 * which is ms when it is a whole number of batches in ms, else batches: "window(2,1)" and
 * "window(4000)" with batches of 1000 ms. */

#include "tests/conformance/ds-conformance-private.h"

typedef struct
{
  DsDuration window;
  DsDuration slide;
} DsConformanceLengths;

/* "window" or "slide"; @length stays as it is when there is none. */
static gboolean
ds_conformance_read_length (DsConformanceGraph *graph,
                            JsonObject *params,
                            const char *what,
                            DsDuration *length,
                            GError **error)
{
  g_autofree char *in_batches = g_strdup_printf ("%s_batches", what);
  g_autofree char *in_ms = g_strdup_printf ("%s_ms", what);
  DsDuration interval = graph->session->interval;
  gint64 number = 0;

  if (ds_conformance_has (params, in_ms))
    {
      if (!ds_conformance_read_int (params, in_ms, &number, error))
        return FALSE;
      *length = number * DS_MILLISECOND;
    }
  else if (ds_conformance_has (params, in_batches))
    {
      if (!ds_conformance_read_int (params, in_batches, &number, error))
        return FALSE;
      *length = number * interval;
    }
  else if (ds_conformance_has (params, what))
    {
      if (!ds_conformance_read_int (params, what, &number, error))
        return FALSE;
      *length = number * DS_MILLISECOND % interval == 0 ? number * DS_MILLISECOND
                                                        : number * interval;
    }
  return TRUE;
}

static gboolean
ds_conformance_read_lengths (DsConformanceGraph *graph,
                             JsonObject *params,
                             DsConformanceLengths *lengths,
                             GError **error)
{
  *lengths = (DsConformanceLengths){ 0, 0 };
  if (!ds_conformance_read_length (graph, params, "window", &lengths->window, error) ||
      !ds_conformance_read_length (graph, params, "slide", &lengths->slide, error))
    return FALSE;
  return lengths->window != 0 ||
         ds_conformance_differ (error, "The length of the window is missing");
}

static DsDStream *
ds_conformance_build_window (DsConformanceGraph *graph,
                             DsDStream *stream,
                             JsonObject *params,
                             GError **error)
{
  DsConformanceLengths lengths;

  if (!ds_conformance_read_lengths (graph, params, &lengths, error))
    return NULL;
  return ds_dstream_window (stream, lengths.window, lengths.slide);
}

static DsDStream *
ds_conformance_build_count_by_window (DsConformanceGraph *graph,
                                      DsDStream *stream,
                                      JsonObject *params,
                                      GError **error)
{
  DsConformanceLengths lengths;

  if (!ds_conformance_read_lengths (graph, params, &lengths, error))
    return NULL;
  return ds_dstream_count_by_window (stream, lengths.window, lengths.slide);
}

static DsDStream *
ds_conformance_build_count_by_value_and_window (DsConformanceGraph *graph,
                                                DsDStream *stream,
                                                JsonObject *params,
                                                GError **error)
{
  DsConformanceLengths lengths;
  DsDStream *counted = NULL;

  if (!ds_conformance_read_lengths (graph, params, &lengths, error))
    return NULL;
  counted = ds_dstream_count_by_value_and_window (stream, lengths.window, lengths.slide);
  return ds_conformance_set_n_partitions (counted, params, error) ? counted : NULL;
}

static DsDStream *
ds_conformance_build_group_by_key_and_window (DsConformanceGraph *graph,
                                              DsDStream *stream,
                                              JsonObject *params,
                                              GError **error)
{
  DsConformanceLengths lengths;
  DsDStream *grouped = NULL;

  if (!ds_conformance_read_lengths (graph, params, &lengths, error))
    return NULL;
  grouped = ds_dstream_group_by_key_and_window (stream, lengths.window, lengths.slide);
  return ds_conformance_set_n_partitions (grouped, params, error) ? grouped : NULL;
}

/* "inverse" is the word of the function, or true with the word under "inverse_func";
 * false and null mean that there is none.  @member: where the word is, NULL: none. */
static gboolean
ds_conformance_find_inverse (JsonObject *params, const char **member, GError **error)
{
  JsonNode *inverse = json_object_get_member (params, "inverse");

  *member = NULL;
  if (ds_conformance_get_boolean (params, "inverse", FALSE))
    *member = "inverse_func";
  else if (inverse != NULL && JSON_NODE_HOLDS_VALUE (inverse) &&
           json_node_get_value_type (inverse) == G_TYPE_STRING)
    *member = "inverse";
  else if (inverse == NULL && ds_conformance_has (params, "inverse_func"))
    *member = "inverse_func";
  else if (inverse != NULL && !JSON_NODE_HOLDS_NULL (inverse) &&
           json_node_get_value_type (inverse) != G_TYPE_BOOLEAN)
    return ds_conformance_differ (error, "\"inverse\" is neither a word nor a truth");
  return TRUE;
}

/* What the incremental windows have beyond a function. */
static gboolean
ds_conformance_set_window_options (DsConformanceGraph *graph,
                                   DsDStream *stream,
                                   JsonObject *params,
                                   GError **error)
{
  DsConformanceFunction function;
  const char *inverse = NULL;

  if (!ds_conformance_find_inverse (params, &inverse, error) ||
      !ds_conformance_set_n_partitions (stream, params, error) ||
      !ds_conformance_set_checkpoint (graph, stream, params, error))
    return FALSE;
  if (inverse != NULL)
    {
      if (!ds_conformance_find_function (params, inverse, DS_CONFORMANCE_REDUCE,
                                         &function, error))
        return FALSE;
      ds_dstream_set_inverse (stream, (DsReduceFunc) function.func, function.user_data,
                              NULL);
      ds_conformance_session_allow_checkpoints (graph->session);
    }
  if (ds_conformance_has (params, "filter"))
    {
      if (!ds_conformance_find_function (params, "filter", DS_CONFORMANCE_FILTER,
                                         &function, error))
        return FALSE;
      ds_dstream_set_window_filter (stream, (DsFilterFunc) function.func,
                                    function.user_data, NULL);
    }
  return TRUE;
}

static DsDStream *
ds_conformance_build_reduce_by_window (DsConformanceGraph *graph,
                                       DsDStream *stream,
                                       JsonObject *params,
                                       GError **error)
{
  DsConformanceLengths lengths;
  DsConformanceFunction function;
  DsDStream *reduced = NULL;

  if (!ds_conformance_read_lengths (graph, params, &lengths, error) ||
      !ds_conformance_find_function (params, "func", DS_CONFORMANCE_REDUCE, &function,
                                     error))
    return NULL;
  reduced = ds_dstream_reduce_by_window (stream, lengths.window, lengths.slide,
                                         (DsReduceFunc) function.func, function.user_data,
                                         NULL);
  return ds_conformance_set_window_options (graph, reduced, params, error) ? reduced
                                                                           : NULL;
}

static DsDStream *
ds_conformance_build_reduce_by_key_and_window (DsConformanceGraph *graph,
                                               DsDStream *stream,
                                               JsonObject *params,
                                               GError **error)
{
  DsConformanceLengths lengths;
  DsConformanceFunction function;
  DsDStream *reduced = NULL;

  if (!ds_conformance_read_lengths (graph, params, &lengths, error) ||
      !ds_conformance_find_function (params, "func", DS_CONFORMANCE_REDUCE, &function,
                                     error))
    return NULL;
  reduced =
      ds_dstream_reduce_by_key_and_window (ds_conformance_graph_to_pairs (graph, stream),
                                           lengths.window, lengths.slide,
                                           (DsReduceFunc) function.func,
                                           function.user_data, NULL);
  return ds_conformance_set_window_options (graph, reduced, params, error) ? reduced
                                                                           : NULL;
}

const DsConformanceOperator ds_conformance_window_operators[] = {
  { "countByValueAndWindow",
    { "window", "slide", "num_partitions" },
    ds_conformance_build_count_by_value_and_window },
  { "countByWindow", { "window", "slide" }, ds_conformance_build_count_by_window },
  { "groupByKeyAndWindow",
    { "window", "slide", "num_partitions" },
    ds_conformance_build_group_by_key_and_window },
  { "reduceByKeyAndWindow",
    { "func", "window", "slide", "inverse" },
    ds_conformance_build_reduce_by_key_and_window },
  { "reduceByWindow",
    { "func", "window", "slide", "inverse" },
    ds_conformance_build_reduce_by_window },
  { "window", { "window", "slide" }, ds_conformance_build_window },
  { NULL, { NULL }, NULL },
};
