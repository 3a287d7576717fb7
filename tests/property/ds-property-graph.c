/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A graph of streams as data: made from a seed, run by the library and by the model,
 * printed when they disagree, cut down to the streams without which they would agree. */

#include "tests/property/ds-property-private.h"

static const char *const ds_property_kind_names[DS_PROPERTY_N_KINDS] = {
  [DS_PROPERTY_SOURCE] = "source",
  [DS_PROPERTY_MAP] = "map",
  [DS_PROPERTY_MAP_CHUNKS] = "map_chunks",
  [DS_PROPERTY_MAP_PARTITIONS] = "map_partitions",
  [DS_PROPERTY_FLAT_MAP] = "flat_map",
  [DS_PROPERTY_FILTER] = "filter",
  [DS_PROPERTY_GLOM] = "glom, items",
  [DS_PROPERTY_MAP_VALUES] = "map_values",
  [DS_PROPERTY_FLAT_MAP_VALUES] = "flat_map_values",
  [DS_PROPERTY_KEY_BY] = "key_by",
  [DS_PROPERTY_REPARTITION] = "repartition",
  [DS_PROPERTY_UNION] = "union",
  [DS_PROPERTY_COUNT] = "count",
  [DS_PROPERTY_COUNT_BY_VALUE] = "count_by_value",
  [DS_PROPERTY_REDUCE] = "reduce",
  [DS_PROPERTY_REDUCE_BY_KEY] = "reduce_by_key",
  [DS_PROPERTY_REDUCE_BY_KEY_OP] = "reduce_by_key_op",
  [DS_PROPERTY_COMBINE_BY_KEY] = "combine_by_key, mean",
  [DS_PROPERTY_GROUP_BY_KEY] = "group_by_key, digest",
  [DS_PROPERTY_PARTITION_BY] = "partition_by",
  [DS_PROPERTY_COGROUP] = "cogroup, text",
  [DS_PROPERTY_JOIN] = "join, text",
  [DS_PROPERTY_LEFT_OUTER_JOIN] = "left_outer_join, text",
  [DS_PROPERTY_RIGHT_OUTER_JOIN] = "right_outer_join, text",
  [DS_PROPERTY_FULL_OUTER_JOIN] = "full_outer_join, text",
  [DS_PROPERTY_DISTINCT] = "transform: distinct",
  [DS_PROPERTY_INTERSECTION] = "transform_with: intersection",
  [DS_PROPERTY_SUBTRACT] = "transform_with: subtract",
  [DS_PROPERTY_CARTESIAN] = "transform_with: cartesian",
  [DS_PROPERTY_SORT] = "transform: sort",
  [DS_PROPERTY_WINDOW] = "window",
  [DS_PROPERTY_UPDATE_STATE] = "update_state_by_key",
  [DS_PROPERTY_UPDATE_STATE_BY_PARTITION] = "update_state_by_partition",
  [DS_PROPERTY_MAP_WITH_STATE] = "map_with_state",
  [DS_PROPERTY_SNAPSHOTS] = "state_snapshots",
};

const char *
ds_property_kind_to_string (DsPropertyKind kind)
{
  return ds_property_kind_names[kind];
}

/* ---- Nodes ---- */

static void
ds_property_node_free (gpointer data)
{
  DsPropertyNode *node = data;

  g_ptr_array_unref (node->results);
  g_ptr_array_unref (node->states);
  g_clear_pointer (&node->initial, g_array_unref);
  g_free (node->has_failed);
  g_free (node);
}

DsPropertyGraph *
ds_property_graph_new (guint64 seed)
{
  DsPropertyGraph *self = g_new0 (DsPropertyGraph, 1);

  self->seed = seed;
  self->nodes = g_ptr_array_new_with_free_func (ds_property_node_free);
  self->arena = ds_arena_new (NULL);
  return self;
}

void
ds_property_graph_free (DsPropertyGraph *self)
{
  g_ptr_array_unref (self->nodes);
  ds_arena_unref (self->arena);
  g_free (self);
}

DsPropertyNode *
ds_property_graph_get (DsPropertyGraph *self, guint id)
{
  return g_ptr_array_index (self->nodes, id);
}

DsPropertyNode *
ds_property_get_parent (DsPropertyNode *self, guint index)
{
  return ds_property_graph_get (self->graph, self->parents[index]);
}

DsPropertyNode *
ds_property_graph_add (DsPropertyGraph *self, DsPropertyKind kind)
{
  DsPropertyNode *node = g_new0 (DsPropertyNode, 1);

  node->graph = self;
  node->kind = kind;
  node->id = self->nodes->len;
  node->slide = 1;
  node->results = g_ptr_array_new_with_free_func (ds_property_list_clear);
  node->states = g_ptr_array_new_with_free_func (ds_property_list_clear);
  node->has_failed = g_new0 (gint, self->n_batches + 1);
  g_ptr_array_add (self->nodes, node);
  return node;
}

void
ds_property_graph_remove_last (DsPropertyGraph *self)
{
  g_ptr_array_set_size (self->nodes, (gint) self->nodes->len - 1);
}

/* ---- Cutting down ---- */

void
ds_property_graph_keep_only (DsPropertyGraph *self, DsPropertyNode *node)
{
  g_autofree gboolean *is_needed = g_new0 (gboolean, self->nodes->len);

  is_needed[node->id] = TRUE;
  for (guint id = self->nodes->len; id-- > 0;)
    {
      DsPropertyNode *other = ds_property_graph_get (self, id);

      other->is_dropped = !is_needed[id];
      other->is_output = other == node;
      for (guint i = 0; is_needed[id] && i < other->n_parents; i++)
        is_needed[other->parents[i]] = TRUE;
    }
}

void
ds_property_graph_run_model (DsPropertyGraph *self)
{
  for (guint id = 0; id < self->nodes->len; id++)
    {
      DsPropertyNode *node = ds_property_graph_get (self, id);

      if (node->kind == DS_PROPERTY_SOURCE)
        continue;
      g_ptr_array_set_size (node->results, 0);
      g_ptr_array_set_size (node->states, 0);
      ds_property_model_run (node);
    }
}

guint
ds_property_graph_count (DsPropertyGraph *self)
{
  guint n_nodes = 0;

  for (guint id = 0; id < self->nodes->len; id++)
    n_nodes += ds_property_graph_get (self, id)->is_dropped ? 0 : 1;
  return n_nodes;
}

/* ---- Printing ---- */

static const char *
ds_property_get_function_name (DsPropertyNode *node)
{
  switch ((int) node->kind)
    {
    case DS_PROPERTY_MAP:
    case DS_PROPERTY_MAP_CHUNKS:
    case DS_PROPERTY_MAP_PARTITIONS:
    case DS_PROPERTY_MAP_VALUES:
    case DS_PROPERTY_KEY_BY:
      return ds_property_maps[node->function].name;
    case DS_PROPERTY_FLAT_MAP:
    case DS_PROPERTY_FLAT_MAP_VALUES:
      return ds_property_flat_maps[node->function].name;
    case DS_PROPERTY_FILTER:
      return ds_property_filters[node->function].name;
    case DS_PROPERTY_REDUCE:
    case DS_PROPERTY_REDUCE_BY_KEY:
    case DS_PROPERTY_REDUCE_BY_KEY_OP:
      return ds_property_reduces[node->function].name;
    case DS_PROPERTY_GROUP_BY_KEY:
      return ds_property_digests[node->function].name;
    case DS_PROPERTY_UPDATE_STATE:
    case DS_PROPERTY_UPDATE_STATE_BY_PARTITION:
      return ds_property_updates[node->function].name;
    case DS_PROPERTY_MAP_WITH_STATE:
      return ds_property_trackers[node->function].name;
    default:
      return NULL;
    }
}

static void
ds_property_describe_node (DsPropertyNode *node, GString *text)
{
  const char *function = ds_property_get_function_name (node);

  g_string_append_printf (text, "  s%u = %s (", node->id,
                          ds_property_kind_to_string (node->kind));
  for (guint i = 0; i < node->n_parents; i++)
    g_string_append_printf (text, "%ss%u", i > 0 ? ", " : "", node->parents[i]);
  if (function != NULL)
    g_string_append_printf (text, ", %s %" G_GINT64_FORMAT, function, node->number);
  g_string_append_printf (text, "): %s%s", ds_property_type_to_string (node->type),
                          node->is_ordered ? ", ordered" : "");
  if (node->window > 0)
    g_string_append_printf (text, ", of the last %u batches%s%s", node->window,
                            node->has_inverse ? ", inverse" : "",
                            node->has_filter ? ", filter" : "");
  if (node->timeout > 0)
    g_string_append_printf (text, ", timeout of %u batches", node->timeout);
  for (guint i = 0; node->initial != NULL && i < node->initial->len; i++)
    {
      g_string_append (text, i == 0 ? ", at first " : " ");
      ds_property_print (text, DS_PROPERTY_AT (node->initial, i));
    }
  if (node->slide > 1)
    g_string_append_printf (text, ", every %u batches", node->slide);
  if (node->n_partitions > 0)
    g_string_append_printf (text, ", %u partitions", node->n_partitions);
  if (node->storage != DS_STORAGE_NONE)
    g_string_append_printf (text, ", persisted at level %u", node->storage);
  g_string_append (text, node->is_output ? ", output\n" : "\n");
}

static void
ds_property_describe_input (DsPropertyNode *node, GString *text)
{
  for (guint batch = 0; batch < node->graph->n_batches; batch++)
    {
      GArray *list = g_ptr_array_index (node->results, batch);

      if (list == NULL || list->len == 0)
        continue;
      g_string_append_printf (text, "    batch %u: ", batch + 1);
      for (guint i = 0; i < list->len; i++)
        {
          ds_property_print (text, DS_PROPERTY_AT (list, i));
          g_string_append_c (text, i + 1 < list->len ? ' ' : '\n');
        }
    }
}

char *
ds_property_graph_describe (DsPropertyGraph *self, gboolean with_input)
{
  GString *text = g_string_new (NULL);

  g_string_append_printf (text, "seed %" G_GUINT64_FORMAT ", %u batches, %u streams\n",
                          self->seed, self->n_batches, ds_property_graph_count (self));
  for (guint id = 0; id < self->nodes->len; id++)
    {
      DsPropertyNode *node = ds_property_graph_get (self, id);

      if (node->is_dropped)
        continue;
      ds_property_describe_node (node, text);
      if (with_input && node->kind == DS_PROPERTY_SOURCE)
        ds_property_describe_input (node, text);
    }
  if (self->has_slice)
    g_string_append_printf (text, "  slice of s%u, batches %u to %u\n", self->slice,
                            self->slice_from, self->slice_to);
  return g_string_free (text, FALSE);
}
