/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a graph as data to streams of the library, by the public API: a builder a kind. */

#include "tests/property/ds-property-private.h"

static DsDStream *
ds_property_build_source (DsPropertyNode *node, DsStreamingContext *streaming)
{
  DsContext *engine = ds_streaming_context_get_context (streaming);
  DsDStream *stream = NULL;

  if (node->graph->build_source != NULL)
    return node->graph->build_source (node, streaming);
  stream = ds_streaming_context_queue_stream (streaming);
  for (guint batch = 0; batch < node->graph->n_batches; batch++)
    {
      GArray *list = g_ptr_array_index (node->results, batch);
      g_autoptr (DsBlock) block =
          ds_block_new (list->len > 0 ? &DS_PROPERTY_AT (list, 0) : NULL, list->len);
      guint n_partitions = 1 + (guint) (ds_property_mix (node->graph->seed + batch) % 3);
      g_autoptr (DsRdd) rdd = ds_context_parallelize (engine, block, n_partitions);

      ds_dstream_push_rdd (stream, rdd);
    }
  return stream;
}

/* ---- One element after the other ---- */

static DsDStream *
ds_property_build_map (DsPropertyNode *node, DsDStream *parent, DsDStream *other)
{
  DsMapFunc known = ds_property_maps[node->function].known;

  return ds_dstream_map (parent, DS_PROPERTY_CHOOSE (known, ds_property_call_map),
                         DS_PROPERTY_DATA (known, node), NULL);
}

static DsDStream *
ds_property_build_map_values (DsPropertyNode *node, DsDStream *parent, DsDStream *other)
{
  DsMapFunc known = ds_property_maps[node->function].known;

  return ds_dstream_map_values (parent, DS_PROPERTY_CHOOSE (known, ds_property_call_map),
                                DS_PROPERTY_DATA (known, node), NULL);
}

static DsDStream *
ds_property_build_key_by (DsPropertyNode *node, DsDStream *parent, DsDStream *other)
{
  DsMapFunc known = ds_property_maps[node->function].known;

  return ds_dstream_key_by (parent, DS_PROPERTY_CHOOSE (known, ds_property_call_map),
                            DS_PROPERTY_DATA (known, node), NULL);
}

static DsDStream *
ds_property_build_flat_map (DsPropertyNode *node, DsDStream *parent, DsDStream *other)
{
  DsFlatMapFunc known = ds_property_flat_maps[node->function].known;

  return ds_dstream_flat_map (parent,
                              DS_PROPERTY_CHOOSE (known, ds_property_call_flat_map),
                              DS_PROPERTY_DATA (known, node), NULL);
}

static DsDStream *
ds_property_build_flat_map_values (DsPropertyNode *node,
                                   DsDStream *parent,
                                   DsDStream *other)
{
  DsFlatMapFunc known = ds_property_flat_maps[node->function].known;

  return ds_dstream_flat_map_values (parent,
                                     DS_PROPERTY_CHOOSE (known,
                                                         ds_property_call_flat_map),
                                     DS_PROPERTY_DATA (known, node), NULL);
}

static DsDStream *
ds_property_build_filter (DsPropertyNode *node, DsDStream *parent, DsDStream *other)
{
  DsFilterFunc known = ds_property_filters[node->function].known;

  return ds_dstream_filter (parent, DS_PROPERTY_CHOOSE (known, ds_property_call_filter),
                            DS_PROPERTY_DATA (known, node), NULL);
}

static DsDStream *
ds_property_build_map_chunks (DsPropertyNode *node, DsDStream *parent, DsDStream *other)
{
  return ds_dstream_map_chunks (parent, ds_property_call_chunk, node, NULL);
}

static DsDStream *
ds_property_build_map_partitions (DsPropertyNode *node,
                                  DsDStream *parent,
                                  DsDStream *other)
{
  return ds_dstream_map_partitions (parent, ds_property_call_partition, node, NULL);
}

/* ---- The same elements ---- */

static DsDStream *
ds_property_build_glom (DsPropertyNode *node, DsDStream *parent, DsDStream *other)
{
  return ds_dstream_flat_map (ds_dstream_glom (parent), ds_items, NULL, NULL);
}

static DsDStream *
ds_property_build_repartition (DsPropertyNode *node, DsDStream *parent, DsDStream *other)
{
  return ds_dstream_repartition (parent, node->n_partitions);
}

static DsDStream *
ds_property_build_partition_by (DsPropertyNode *node, DsDStream *parent, DsDStream *other)
{
  g_autoptr (DsPartitioner) partitioner = ds_partitioner_new_hash (node->n_partitions);

  return ds_dstream_partition_by (parent, partitioner);
}

static DsRdd *
ds_property_sort (DsRdd *rdd, DsBatch *batch, gpointer node, GError **error)
{
  DsRdd *sorted = ds_rdd_sort (rdd, DS_ASCENDING);

  ds_rdd_set_n_partitions (sorted, ((DsPropertyNode *) node)->n_partitions);
  return sorted;
}

static DsDStream *
ds_property_build_sort (DsPropertyNode *node, DsDStream *parent, DsDStream *other)
{
  return ds_dstream_transform (parent, ds_property_sort, node, NULL);
}

/* ---- Other elements, of two streams ---- */

static DsRdd *
ds_property_distinct (DsRdd *rdd, DsBatch *batch, gpointer node, GError **error)
{
  return ds_rdd_distinct (rdd);
}

static DsDStream *
ds_property_build_distinct (DsPropertyNode *node, DsDStream *parent, DsDStream *other)
{
  return ds_dstream_transform (parent, ds_property_distinct, node, NULL);
}

static DsDStream *
ds_property_build_cogroup (DsPropertyNode *node, DsDStream *parent, DsDStream *other)
{
  return ds_dstream_map_values (
      ds_property_set_n_partitions (node, ds_dstream_cogroup (parent, other)),
      ds_property_call_lists, node, NULL);
}

static DsDStream *
ds_property_build_join (DsPropertyNode *node, DsDStream *parent, DsDStream *other)
{
  DsDStream *joined = NULL;

  if (node->kind == DS_PROPERTY_JOIN)
    joined = ds_dstream_join (parent, other);
  else if (node->kind == DS_PROPERTY_LEFT_OUTER_JOIN)
    joined = ds_dstream_left_outer_join (parent, other);
  else if (node->kind == DS_PROPERTY_RIGHT_OUTER_JOIN)
    joined = ds_dstream_right_outer_join (parent, other);
  else
    joined = ds_dstream_full_outer_join (parent, other);
  return ds_dstream_map_values (ds_property_set_n_partitions (node, joined),
                                ds_property_call_sides, node, NULL);
}

static DsRdd *
ds_property_combine_rdds (DsRdd *rdd,
                          DsRdd *other,
                          DsBatch *batch,
                          gpointer node,
                          GError **error)
{
  switch ((int) ((DsPropertyNode *) node)->kind)
    {
    case DS_PROPERTY_INTERSECTION:
      return ds_rdd_intersection (rdd, other);
    case DS_PROPERTY_SUBTRACT:
      return ds_rdd_subtract (rdd, other);
    default:
      return ds_rdd_cartesian (rdd, other);
    }
}

static DsDStream *
ds_property_build_transform_with (DsPropertyNode *node,
                                  DsDStream *parent,
                                  DsDStream *other)
{
  return ds_dstream_transform_with (parent, other, ds_property_combine_rdds, node, NULL);
}

static DsDStream *
ds_property_build_union (DsPropertyNode *node, DsDStream *parent, DsDStream *other)
{
  return ds_dstream_union (parent, other);
}

static DsDStream *
ds_property_build_window (DsPropertyNode *node, DsDStream *parent, DsDStream *other)
{
  return ds_dstream_window (parent, node->window * DS_SECOND, node->slide * DS_SECOND);
}

static const DsPropertyBuilder ds_property_builders[DS_PROPERTY_N_KINDS] = {
  [DS_PROPERTY_MAP] = ds_property_build_map,
  [DS_PROPERTY_MAP_CHUNKS] = ds_property_build_map_chunks,
  [DS_PROPERTY_MAP_PARTITIONS] = ds_property_build_map_partitions,
  [DS_PROPERTY_FLAT_MAP] = ds_property_build_flat_map,
  [DS_PROPERTY_FILTER] = ds_property_build_filter,
  [DS_PROPERTY_KEY_BY] = ds_property_build_key_by,
  [DS_PROPERTY_MAP_VALUES] = ds_property_build_map_values,
  [DS_PROPERTY_FLAT_MAP_VALUES] = ds_property_build_flat_map_values,
  [DS_PROPERTY_GLOM] = ds_property_build_glom,
  [DS_PROPERTY_REPARTITION] = ds_property_build_repartition,
  [DS_PROPERTY_PARTITION_BY] = ds_property_build_partition_by,
  [DS_PROPERTY_SORT] = ds_property_build_sort,
  [DS_PROPERTY_WINDOW] = ds_property_build_window,
  [DS_PROPERTY_COUNT] = ds_property_build_count,
  [DS_PROPERTY_REDUCE] = ds_property_build_reduce,
  [DS_PROPERTY_COUNT_BY_VALUE] = ds_property_build_count_by_value,
  [DS_PROPERTY_REDUCE_BY_KEY] = ds_property_build_reduce_by_key,
  [DS_PROPERTY_REDUCE_BY_KEY_OP] = ds_property_build_reduce_by_key,
  [DS_PROPERTY_COMBINE_BY_KEY] = ds_property_build_combine_by_key,
  [DS_PROPERTY_GROUP_BY_KEY] = ds_property_build_group_by_key,
  [DS_PROPERTY_DISTINCT] = ds_property_build_distinct,
  [DS_PROPERTY_COGROUP] = ds_property_build_cogroup,
  [DS_PROPERTY_JOIN] = ds_property_build_join,
  [DS_PROPERTY_LEFT_OUTER_JOIN] = ds_property_build_join,
  [DS_PROPERTY_RIGHT_OUTER_JOIN] = ds_property_build_join,
  [DS_PROPERTY_FULL_OUTER_JOIN] = ds_property_build_join,
  [DS_PROPERTY_INTERSECTION] = ds_property_build_transform_with,
  [DS_PROPERTY_SUBTRACT] = ds_property_build_transform_with,
  [DS_PROPERTY_CARTESIAN] = ds_property_build_transform_with,
  [DS_PROPERTY_UNION] = ds_property_build_union,
  [DS_PROPERTY_UPDATE_STATE] = ds_property_build_update,
  [DS_PROPERTY_UPDATE_STATE_BY_PARTITION] = ds_property_build_update,
  [DS_PROPERTY_MAP_WITH_STATE] = ds_property_build_tracker,
  [DS_PROPERTY_SNAPSHOTS] = ds_property_build_snapshots,
};

GPtrArray *
ds_property_build (DsPropertyGraph *graph, DsStreamingContext *streaming)
{
  GPtrArray *streams = g_ptr_array_new ();

  for (guint id = 0; id < graph->nodes->len; id++)
    {
      DsPropertyNode *node = ds_property_graph_get (graph, id);
      DsDStream *parents[2] = { NULL };
      DsDStream *stream = NULL;

      for (guint i = 0; i < node->n_parents; i++)
        parents[i] = g_ptr_array_index (streams, node->parents[i]);
      if (!node->is_dropped)
        stream = node->kind == DS_PROPERTY_SOURCE
                     ? ds_property_build_source (node, streaming)
                     : ds_property_builders[node->kind](node, parents[0], parents[1]);
      if (stream != NULL && node->storage != DS_STORAGE_NONE)
        ds_dstream_persist (stream, node->storage);
      g_ptr_array_add (streams, stream);
    }
  return streams;
}
