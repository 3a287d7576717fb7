/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Random graphs, typed: an operator is drawn, then parents and a function that it can be
 * used with.  The model runs along, so that what would grow without bound, in numbers,
 * texts or elements, is taken back, and options that are only defined for some data
 * (a filter that drops what is 0, where nothing is negative) can be drawn. */

#include "tests/property/ds-property-private.h"

#define DS_PROPERTY_MAX_ELEMENTS 250
#define DS_PROPERTY_MAX_TEXT 120
#define DS_PROPERTY_MAX_NUMBER 1000000

/* ---- Sources ---- */

static DsValue
ds_property_draw_scalar (DsPropertyType type, DsPropertyRandom *random, DsArena *arena)
{
  guint length = ds_property_random_below (random, 4);
  char *bytes = NULL;

  if (type == DS_PROPERTY_INT)
    return ds_value_int ((gint64) ds_property_random_below (random, 16) - 4);
  bytes = ds_arena_alloc (arena, length + 1);
  for (guint i = 0; i < length; i++)
    bytes[i] = (char) ('a' + ds_property_random_below (random, 3));
  return ds_value_string_sized (bytes, length);
}

DsValue
ds_property_draw_value (DsPropertyType type, DsPropertyRandom *random, DsArena *arena)
{
  DsPropertyCall call = { .arena = arena };
  DsValue key = ds_value_null ();

  if (!ds_property_is_pair (type))
    return ds_property_draw_scalar (type, random, arena);
  key = ds_property_draw_scalar (ds_property_key_of (type), random, arena);
  return ds_property_pair (&call, key,
                           ds_property_draw_scalar (ds_property_value_of (type), random,
                                                    arena));
}

static void
ds_property_add_source (DsPropertyGraph *graph, DsPropertyRandom *random)
{
  DsPropertyNode *node = ds_property_graph_add (graph, DS_PROPERTY_SOURCE);
  guint percent_empty = ds_property_random_below (random, 70);
  guint max_elements = 1 + ds_property_random_below (random, 12);

  node->type = ds_property_random_below (random, DS_PROPERTY_N_TYPES);
  node->is_ordered = TRUE;
  for (guint batch = 0; batch < graph->n_batches; batch++)
    {
      GArray *list = ds_property_list_new ();
      guint n_elements = ds_property_random_percent (random, percent_empty)
                             ? 0
                             : ds_property_random_below (random, max_elements + 1);

      for (guint i = 0; i < n_elements; i++)
        {
          DsValue value = ds_property_draw_value (node->type, random, graph->arena);

          g_array_append_val (list, value);
        }
      g_ptr_array_add (node->results, list);
    }
}

/* ---- What has grown too much ---- */

static gboolean
ds_property_value_is_small (DsValue value)
{
  if (value.type == DS_VALUE_TYPE_INT)
    return ABS (value.as.integer) <= DS_PROPERTY_MAX_NUMBER;
  if (value.type == DS_VALUE_TYPE_STRING)
    return value.size <= DS_PROPERTY_MAX_TEXT;
  for (guint i = 0; value.type == DS_VALUE_TYPE_TUPLE && i < value.size; i++)
    if (!ds_property_value_is_small (value.as.items[i]))
      return FALSE;
  return TRUE;
}

static gboolean
ds_property_node_is_small (DsPropertyNode *node)
{
  for (guint batch = 0; batch < node->graph->n_batches; batch++)
    {
      GArray *list = g_ptr_array_index (node->results, batch);

      if (list != NULL && list->len > DS_PROPERTY_MAX_ELEMENTS)
        return FALSE;
      for (guint i = 0; list != NULL && i < list->len; i++)
        if (!ds_property_value_is_small (DS_PROPERTY_AT (list, i)))
          return FALSE;
    }
  return TRUE;
}

/* ---- The whole ---- */

static gboolean
ds_property_add_operator (DsPropertyGraph *graph, DsPropertyRandom *random)
{
  DsPropertyKind kind = 1 + ds_property_random_below (random, DS_PROPERTY_N_KINDS - 1);
  DsPropertyNode *node = ds_property_graph_add (graph, kind);
  gboolean is_good = ds_property_shape (node, random);

  if (is_good)
    {
      node->slide = MAX (node->slide, ds_property_get_parent (node, 0)->slide);
      ds_property_model_run (node);
      is_good = ds_property_node_is_small (node);
    }
  if (!is_good)
    ds_property_graph_remove_last (graph);
  return is_good;
}

DsPropertyGraph *
ds_property_generate (guint64 seed)
{
  const DsPropertySize size = { 20, 100, 3, 20 };

  return ds_property_generate_sized (seed, &size);
}

DsPropertyGraph *
ds_property_generate_sized (guint64 seed, const DsPropertySize *size)
{
  DsPropertyRandom random = { seed };
  DsPropertyGraph *graph = ds_property_graph_new (seed);
  guint n_sources = 0;
  guint n_operators = 0;

  graph->n_batches =
      size->min_batches +
      ds_property_random_below (&random, size->max_batches - size->min_batches + 1);
  n_sources = 1 + ds_property_random_below (&random, 3);
  n_operators =
      size->min_operators +
      ds_property_random_below (&random, size->max_operators - size->min_operators + 1);
  for (guint i = 0; i < n_sources; i++)
    ds_property_add_source (graph, &random);
  while (graph->nodes->len < n_sources + n_operators)
    ds_property_add_operator (graph, &random);

  for (guint id = 0; id < graph->nodes->len; id++)
    {
      DsPropertyNode *node = ds_property_graph_get (graph, id);

      node->is_output = TRUE;
      for (guint i = 0; i < node->n_parents; i++)
        ds_property_get_parent (node, i)->is_output = FALSE;
    }
  for (guint id = 0; id < graph->nodes->len; id++)
    {
      DsPropertyNode *node = ds_property_graph_get (graph, id);

      if (ds_property_random_percent (&random, 15))
        node->is_output = TRUE;
      if (ds_property_random_percent (&random, 10))
        node->storage = DS_STORAGE_MEMORY + ds_property_random_below (&random, 3);
    }
  graph->slice = ds_property_random_below (&random, graph->nodes->len);
  graph->slice_from = ds_property_random_below (&random, graph->n_batches);
  graph->slice_to =
      graph->slice_from +
      ds_property_random_below (&random, graph->n_batches - graph->slice_from);
  graph->has_slice = ds_property_random_percent (&random, 30);
  return graph;
}
