/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an operator of a random graph is given: parents whose types it takes, a function
 * for them, lengths and options; and what type and order its own stream has then. */

#include "tests/property/ds-property-private.h"

#define DS_PROPERTY_MAX_SLIDE 8

/* ---- Parents ---- */

/* A stream whose type is in @types, the later the likelier; NULL: there is none. */
static DsPropertyNode *
ds_property_draw_parent (DsPropertyGraph *graph,
                         DsPropertyNode *child,
                         guint types,
                         DsPropertyRandom *random)
{
  guint n_older = child->id;

  for (int tries = 0; tries < 12; tries++)
    {
      guint a = ds_property_random_below (random, n_older);
      guint b = ds_property_random_below (random, n_older);
      DsPropertyNode *node = ds_property_graph_get (graph, MAX (a, b));

      if ((types & (1u << node->type)) != 0)
        {
          child->parents[child->n_parents++] = node->id;
          return node;
        }
    }
  return NULL;
}

/* A second one that fits the first. */
static DsPropertyNode *
ds_property_draw_partner (DsPropertyGraph *graph,
                          DsPropertyNode *child,
                          guint types,
                          DsPropertyRandom *random)
{
  DsPropertyNode *first = ds_property_get_parent (child, 0);

  for (int tries = 0; tries < 8; tries++)
    {
      DsPropertyNode *node = ds_property_draw_parent (graph, child, types, random);

      if (node == NULL)
        return NULL;
      if (node->slide == first->slide)
        return node;
      child->n_parents--;
    }
  return NULL;
}

/* ---- Functions ---- */

/* Of the @n_rows that are fit, one; FALSE: none is. */
static gboolean
ds_property_draw_row (DsPropertyNode *node,
                      const gboolean *is_fit,
                      guint n_rows,
                      DsPropertyRandom *random)
{
  guint n_fit = 0;

  for (guint i = 0; i < n_rows; i++)
    n_fit += is_fit[i] ? 1 : 0;
  if (n_fit == 0)
    return FALSE;
  n_fit = ds_property_random_below (random, n_fit);
  for (node->function = 0; !is_fit[node->function] || n_fit-- > 0; node->function++)
    ;
  return TRUE;
}

#define DS_PROPERTY_MAX_ROWS 20

/* @result: what may come of it, a bit a type. */
static gboolean
ds_property_draw_map (DsPropertyNode *node,
                      DsPropertyType from,
                      guint result,
                      DsPropertyRandom *random)
{
  gboolean is_fit[DS_PROPERTY_MAX_ROWS] = { FALSE };

  for (guint i = 0; ds_property_maps[i].name != NULL; i++)
    is_fit[i] = ds_property_maps[i].to[from] >= 0 &&
                (result & (1u << ds_property_maps[i].to[from])) != 0;
  if (!ds_property_draw_row (node, is_fit, DS_PROPERTY_MAX_ROWS, random))
    return FALSE;
  node->type = (DsPropertyType) ds_property_maps[node->function].to[from];
  return TRUE;
}

static gboolean
ds_property_draw_flat_map (DsPropertyNode *node,
                           DsPropertyType from,
                           DsPropertyRandom *random)
{
  gboolean is_fit[DS_PROPERTY_MAX_ROWS] = { FALSE };

  for (guint i = 0; ds_property_flat_maps[i].name != NULL; i++)
    is_fit[i] = ds_property_flat_maps[i].to[from] >= 0;
  if (!ds_property_draw_row (node, is_fit, DS_PROPERTY_MAX_ROWS, random))
    return FALSE;
  node->type = (DsPropertyType) ds_property_flat_maps[node->function].to[from];
  return TRUE;
}

static gboolean
ds_property_draw_filter (DsPropertyNode *node, DsPropertyRandom *random)
{
  gboolean is_fit[DS_PROPERTY_MAX_ROWS] = { FALSE };

  for (guint i = 0; ds_property_filters[i].name != NULL; i++)
    is_fit[i] = (ds_property_filters[i].from & (1u << node->type)) != 0;
  return ds_property_draw_row (node, is_fit, DS_PROPERTY_MAX_ROWS, random);
}

static gboolean
ds_property_draw_reduce (DsPropertyNode *node,
                         DsPropertyType of,
                         gboolean is_ordered,
                         DsPropertyRandom *random)
{
  gboolean is_fit[DS_PROPERTY_MAX_ROWS] = { FALSE };

  for (guint i = 0; ds_property_reduces[i].name != NULL; i++)
    is_fit[i] = (ds_property_reduces[i].from & (1u << of)) != 0 &&
                (is_ordered || !ds_property_reduces[i].needs_order) &&
                (node->kind != DS_PROPERTY_REDUCE_BY_KEY_OP ||
                 ds_property_reduces[i].reduction >= 0) &&
                (!node->has_inverse || ds_property_reduces[i].known == ds_add);
  return ds_property_draw_row (node, is_fit, DS_PROPERTY_MAX_ROWS, random);
}

static gboolean
ds_property_draw_digest (DsPropertyNode *node,
                         DsPropertyType parent,
                         gboolean is_ordered,
                         DsPropertyRandom *random)
{
  gboolean is_fit[DS_PROPERTY_MAX_ROWS] = { FALSE };
  DsPropertyType of = ds_property_value_of (parent);

  for (guint i = 0; ds_property_digests[i].name != NULL; i++)
    is_fit[i] = ds_property_digests[i].to[of] >= 0 &&
                (is_ordered || !ds_property_digests[i].needs_order) &&
                (node->kind != DS_PROPERTY_COMBINE_BY_KEY ||
                 g_str_equal (ds_property_digests[i].name, "mean")) &&
                (node->kind != DS_PROPERTY_COUNT_BY_VALUE || i == 0);
  if (!ds_property_draw_row (node, is_fit, DS_PROPERTY_MAX_ROWS, random))
    return FALSE;
  node->type =
      ds_property_pair_of (ds_property_key_of (parent),
                           (DsPropertyType) ds_property_digests[node->function].to[of]);
  return TRUE;
}

/* ---- Windows ---- */

/* Both lengths are multiples of the parent's slide, gaps included. */
static void
ds_property_draw_window (DsPropertyNode *node,
                         DsPropertyNode *parent,
                         DsPropertyRandom *random)
{
  guint n_slides = 1 + ds_property_random_below (random, 4);

  node->window = parent->slide * (1 + ds_property_random_below (random, 6));
  node->slide = parent->slide;
  if (parent->slide * n_slides <= DS_PROPERTY_MAX_SLIDE &&
      ds_property_random_percent (random, 40))
    node->slide = parent->slide * n_slides;
}

/* Sums of what a key has are 0 only where it has nothing. */
static gboolean
ds_property_is_positive (DsPropertyNode *node)
{
  for (guint batch = 0; batch < node->graph->n_batches; batch++)
    {
      GArray *list = g_ptr_array_index (node->results, batch);

      for (guint i = 0; list != NULL && i < list->len; i++)
        if (DS_PROPERTY_AT (list, i).as.items[1].as.integer <= 0)
          return FALSE;
    }
  return TRUE;
}

/* ---- Operators ---- */

static gboolean
ds_property_shape_element (DsPropertyNode *node, DsPropertyRandom *random)
{
  gboolean of_value =
      node->kind == DS_PROPERTY_MAP_VALUES || node->kind == DS_PROPERTY_FLAT_MAP_VALUES;
  DsPropertyNode *parent =
      ds_property_draw_parent (node->graph, node,
                               of_value                           ? DS_PROPERTY_PAIRS
                               : node->kind == DS_PROPERTY_KEY_BY ? DS_PROPERTY_SCALARS
                                                                  : DS_PROPERTY_ANY,
                               random);
  gboolean is_flat =
      node->kind == DS_PROPERTY_FLAT_MAP || node->kind == DS_PROPERTY_FLAT_MAP_VALUES;
  DsPropertyType from = 0;

  if (parent == NULL)
    return FALSE;
  node->type = parent->type;
  node->is_ordered = parent->is_ordered;
  node->number = ds_property_random_below (random, 7);
  from = of_value ? ds_property_value_of (parent->type) : parent->type;
  if (node->kind == DS_PROPERTY_FILTER)
    return ds_property_draw_filter (node, random);
  if (is_flat ? !ds_property_draw_flat_map (node, from, random)
              : !ds_property_draw_map (node, from,
                                       of_value || node->kind == DS_PROPERTY_KEY_BY
                                           ? DS_PROPERTY_SCALARS
                                           : DS_PROPERTY_ANY,
                                       random))
    return FALSE;
  if (of_value)
    node->type = ds_property_pair_of (ds_property_key_of (parent->type), node->type);
  else if (node->kind == DS_PROPERTY_KEY_BY)
    node->type = ds_property_pair_of (node->type, parent->type);
  return TRUE;
}

static gboolean
ds_property_shape_same (DsPropertyNode *node, DsPropertyRandom *random)
{
  DsPropertyNode *parent =
      ds_property_draw_parent (node->graph, node,
                               node->kind == DS_PROPERTY_PARTITION_BY ? DS_PROPERTY_PAIRS
                                                                      : DS_PROPERTY_ANY,
                               random);

  if (parent == NULL)
    return FALSE;
  node->type = parent->type;
  node->is_ordered = node->kind == DS_PROPERTY_SORT ||
                     (parent->is_ordered && (node->kind == DS_PROPERTY_GLOM ||
                                             node->kind == DS_PROPERTY_WINDOW));
  node->n_partitions = 1 + ds_property_random_below (random, 4);
  if (node->kind == DS_PROPERTY_WINDOW)
    ds_property_draw_window (node, parent, random);
  return TRUE;
}

static gboolean
ds_property_shape_all (DsPropertyNode *node, DsPropertyRandom *random)
{
  gboolean counts = node->kind == DS_PROPERTY_COUNT;
  DsPropertyNode *parent =
      ds_property_draw_parent (node->graph, node,
                               counts ? DS_PROPERTY_ANY : DS_PROPERTY_SCALARS, random);

  if (parent == NULL)
    return FALSE;
  node->type = counts ? DS_PROPERTY_INT : parent->type;
  node->is_ordered = TRUE;
  if (ds_property_random_percent (random, 40))
    ds_property_draw_window (node, parent, random);
  node->has_inverse =
      node->window > 0 && (counts || (parent->type == DS_PROPERTY_INT &&
                                      ds_property_random_percent (random, 50)));
  return counts ||
         ds_property_draw_reduce (node, parent->type, parent->is_ordered, random);
}

static gboolean
ds_property_shape_keys (DsPropertyNode *node, DsPropertyRandom *random)
{
  gboolean is_distinct = node->kind == DS_PROPERTY_DISTINCT;
  gboolean is_count = node->kind == DS_PROPERTY_COUNT_BY_VALUE;
  DsPropertyNode *parent = ds_property_draw_parent (node->graph, node,
                                                    is_distinct ? DS_PROPERTY_ANY
                                                    : is_count  ? DS_PROPERTY_SCALARS
                                                                : DS_PROPERTY_PAIRS,
                                                    random);

  if (parent == NULL)
    return FALSE;
  node->type = parent->type;
  if (ds_property_random_percent (random, 50))
    node->n_partitions = 1 + ds_property_random_below (random, 4);
  if (is_distinct)
    return TRUE;
  if (ds_property_random_percent (random, 40))
    ds_property_draw_window (node, parent, random);
  if (node->kind == DS_PROPERTY_REDUCE_BY_KEY && node->window > 0 &&
      ds_property_value_of (parent->type) == DS_PROPERTY_INT)
    {
      node->number = ds_property_random_below (random, 2);
      node->has_inverse = ds_property_random_percent (random, 50);
      node->has_filter = node->has_inverse && ds_property_is_positive (parent) &&
                         ds_property_random_percent (random, 50);
    }
  if (node->kind == DS_PROPERTY_REDUCE_BY_KEY ||
      node->kind == DS_PROPERTY_REDUCE_BY_KEY_OP)
    return ds_property_draw_reduce (node, ds_property_value_of (parent->type),
                                    parent->is_ordered, random);
  return ds_property_draw_digest (
      node, is_count ? ds_property_pair_of (parent->type, DS_PROPERTY_INT) : parent->type,
      parent->is_ordered, random);
}

static gboolean
ds_property_shape_two (DsPropertyNode *node, DsPropertyRandom *random)
{
  gboolean by_key =
      node->kind >= DS_PROPERTY_COGROUP && node->kind <= DS_PROPERTY_FULL_OUTER_JOIN;
  DsPropertyNode *first =
      ds_property_draw_parent (node->graph, node,
                               by_key                                ? DS_PROPERTY_PAIRS
                               : node->kind == DS_PROPERTY_CARTESIAN ? DS_PROPERTY_SCALARS
                                                                     : DS_PROPERTY_ANY,
                               random);
  DsPropertyNode *second = NULL;
  guint types = 0;

  if (first == NULL)
    return FALSE;
  types = 1u << first->type;
  if (by_key)
    for (DsPropertyType value = 0; value < 2; value++)
      types |= 1u << ds_property_pair_of (ds_property_key_of (first->type), value);
  else if (node->kind == DS_PROPERTY_CARTESIAN)
    types = DS_PROPERTY_SCALARS;
  second = ds_property_draw_partner (node->graph, node, types, random);
  if (second == NULL)
    return FALSE;

  node->type = first->type;
  if (by_key)
    node->type = ds_property_pair_of (ds_property_key_of (first->type), DS_PROPERTY_TEXT);
  else if (node->kind == DS_PROPERTY_CARTESIAN)
    node->type = ds_property_pair_of (first->type, second->type);
  node->is_ordered =
      node->kind == DS_PROPERTY_UNION && first->is_ordered && second->is_ordered;
  if (ds_property_random_percent (random, 50))
    node->n_partitions = 1 + ds_property_random_below (random, 4);
  return TRUE;
}

/* ---- State ---- */

/* A state each for some keys. */
static void
ds_property_draw_initial (DsPropertyNode *node, DsPropertyRandom *random)
{
  g_autoptr (DsPropertyDict) seen = ds_property_dict_new ();
  guint n_pairs = ds_property_random_below (random, 5);

  if (!ds_property_random_percent (random, 40))
    return;
  node->initial = ds_property_list_new ();
  for (guint i = 0; i < n_pairs; i++)
    {
      DsValue pair = ds_property_draw_value (node->type, random, node->graph->arena);

      if (ds_property_dict_find (seen, pair.as.items[0]) != NULL)
        continue;
      ds_property_dict_get (seen, pair.as.items[0]);
      g_array_append_val (node->initial, pair);
    }
}

static gboolean
ds_property_shape_state (DsPropertyNode *node, DsPropertyRandom *random)
{
  DsPropertyNode *parent =
      ds_property_draw_parent (node->graph, node, DS_PROPERTY_PAIRS, random);
  gboolean is_fit[DS_PROPERTY_MAX_ROWS] = { FALSE };
  gboolean tracks = node->kind == DS_PROPERTY_MAP_WITH_STATE;
  DsPropertyType of = 0;
  int to = 0;

  if (parent == NULL)
    return FALSE;
  of = ds_property_value_of (parent->type);
  for (guint i = 0; tracks && ds_property_trackers[i].name != NULL; i++)
    is_fit[i] = ds_property_trackers[i].to[of] >= 0 &&
                (parent->is_ordered || !ds_property_trackers[i].needs_order);
  for (guint i = 0; !tracks && ds_property_updates[i].name != NULL; i++)
    is_fit[i] = ds_property_updates[i].to[of] >= 0 &&
                (parent->is_ordered || !ds_property_updates[i].needs_order);
  if (!ds_property_draw_row (node, is_fit, DS_PROPERTY_MAX_ROWS, random))
    return FALSE;

  to = tracks ? ds_property_trackers[node->function].to[of]
              : ds_property_updates[node->function].to[of];
  node->type =
      ds_property_pair_of (ds_property_key_of (parent->type), (DsPropertyType) to);
  node->slide = parent->slide;
  if (tracks && ds_property_random_percent (random, 60))
    node->timeout = 1 + ds_property_random_below (random, 6);
  if (ds_property_random_percent (random, 50))
    node->n_partitions = 1 + ds_property_random_below (random, 4);
  ds_property_draw_initial (node, random);
  return TRUE;
}

static gboolean
ds_property_shape_snapshots (DsPropertyNode *node, DsPropertyRandom *random)
{
  for (int tries = 0; tries < 12; tries++)
    {
      DsPropertyNode *parent =
          ds_property_graph_get (node->graph,
                                 ds_property_random_below (random, node->id));

      if (parent->kind != DS_PROPERTY_MAP_WITH_STATE)
        continue;
      node->parents[node->n_parents++] = parent->id;
      node->type = parent->type;
      return TRUE;
    }
  return FALSE;
}

gboolean
ds_property_shape (DsPropertyNode *node, DsPropertyRandom *random)
{
  switch ((int) node->kind)
    {
    case DS_PROPERTY_MAP ... DS_PROPERTY_FLAT_MAP_VALUES:
      return ds_property_shape_element (node, random);
    case DS_PROPERTY_SNAPSHOTS:
      return ds_property_shape_snapshots (node, random);
    case DS_PROPERTY_GLOM ... DS_PROPERTY_WINDOW:
      return ds_property_shape_same (node, random);
    case DS_PROPERTY_COUNT ... DS_PROPERTY_REDUCE:
      return ds_property_shape_all (node, random);
    case DS_PROPERTY_COUNT_BY_VALUE ... DS_PROPERTY_DISTINCT:
      return ds_property_shape_keys (node, random);
    case DS_PROPERTY_COGROUP ... DS_PROPERTY_UNION:
      return ds_property_shape_two (node, random);
    default:
      return ds_property_shape_state (node, random);
    }
}
