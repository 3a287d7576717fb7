/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The naive model: what every stream gives, from lists and dictionaries, batch after
 * batch, with nothing of the library but the struct of a value.  At most 300 lines.
 *
 * What a node keeps from batch to batch is a dictionary too, here always named memory:
 * the keys that an inverse window has seen, or a key's [state, batch of last touch]. */

#include "tests/property/ds-property-private.h"

#define AT DS_PROPERTY_AT
#define KEY(pair) ((pair).as.items[0])
#define VALUE(pair) ((pair).as.items[1])

typedef DsPropertyNode Node;
typedef DsPropertyCall Call;
typedef DsPropertyDict Dict;
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Dict, ds_property_dict_free)

static DsValue
fold (Node *node, GArray *list, Call *call)
{
  DsValue value = AT (list, 0);

  for (guint i = 1; i < list->len; i++)
    value = ds_property_reduces[node->function].apply (value, AT (list, i), call);
  return value;
}

static void
run_element (Node *node, DsValue value, Call *call)
{
  gboolean of_value =
      node->kind == DS_PROPERTY_MAP_VALUES || node->kind == DS_PROPERTY_FLAT_MAP_VALUES;
  g_autoptr (GArray) several = ds_property_list_new ();
  Call inner = { NULL, call->arena, several, call->batch };

  ds_property_apply (node, of_value ? VALUE (value) : value, &inner);
  for (guint i = 0; i < several->len; i++)
    if (of_value)
      ds_property_emit_pair (call, KEY (value), AT (several, i));
    else if (node->kind == DS_PROPERTY_KEY_BY)
      ds_property_emit_pair (call, AT (several, i), value);
    else
      ds_property_emit (call, AT (several, i));
}

/* One value of all; of nothing, a count without window gives 0, and so does an inverse
 * function once there was something. */
static void
run_all (Node *node, GArray *list, Dict *memory, Call *call)
{
  gboolean counts = node->kind == DS_PROPERTY_COUNT;

  if (list->len > 0)
    ds_property_emit (call, counts ? ds_value_int (list->len) : fold (node, list, call));
  else if ((counts && node->window == 0) || (node->has_inverse && memory->keys->len > 0))
    ds_property_emit (call, ds_value_int (0));
  if (list->len > 0)
    ds_property_dict_get (memory, ds_value_null ());
}

/* One pair a key.  With an inverse function, what once was in the window stays, at 0,
 * unless the filter drops it. */
static void
run_keys (Node *node, GArray *list, Dict *memory, Call *call)
{
  gboolean is_distinct = node->kind == DS_PROPERTY_DISTINCT;
  gboolean by_key = !is_distinct && node->kind != DS_PROPERTY_COUNT_BY_VALUE;
  gboolean folds = node->kind == DS_PROPERTY_REDUCE_BY_KEY ||
                   node->kind == DS_PROPERTY_REDUCE_BY_KEY_OP;
  g_autoptr (Dict) groups = ds_property_group (list, by_key);

  for (guint i = 0; i < groups->keys->len; i++)
    {
      DsValue key = AT (groups->keys, i);
      GArray *values = ds_property_dict_get (groups, key);

      ds_property_dict_get (memory, key);
      if (is_distinct)
        ds_property_emit (call, key);
      else
        ds_property_emit_pair (call, key,
                               folds ? fold (node, values, call)
                                     : ds_property_digest (node, values, call));
    }
  for (guint i = 0; node->has_inverse && !node->has_filter && i < memory->keys->len; i++)
    if (ds_property_dict_find (groups, AT (memory->keys, i)) == NULL)
      ds_property_emit_pair (call, AT (memory->keys, i), ds_value_int (0));
}

/* A side without values has one null, where the kind of join keeps the other side. */
static void
run_join (Node *node, DsValue key, GArray *left, GArray *right, Call *call)
{
  gboolean is_full = node->kind == DS_PROPERTY_FULL_OUTER_JOIN;
  gboolean keeps_left = is_full || node->kind == DS_PROPERTY_LEFT_OUTER_JOIN;
  gboolean keeps_right = is_full || node->kind == DS_PROPERTY_RIGHT_OUTER_JOIN;

  for (guint i = 0; i < MAX (left->len, keeps_right ? 1 : 0); i++)
    for (guint j = 0; j < MAX (right->len, keeps_left ? 1 : 0); j++)
      {
        DsValue both[2] = { i < left->len ? AT (left, i) : ds_value_null (),
                            j < right->len ? AT (right, j) : ds_value_null () };

        ds_property_emit_pair (call, key,
                               ds_property_render_sides (ds_value_tuple (both, 2), call));
      }
}

/* The keys of two streams. */
static void
run_two (Node *node, GArray *list, GArray *other, Call *call)
{
  gboolean by_key = node->kind != DS_PROPERTY_INTERSECTION;
  g_autoptr (Dict) left = ds_property_group (list, by_key);
  g_autoptr (Dict) right = ds_property_group (other, by_key);
  g_autoptr (Dict) keys = ds_property_group (left->keys, FALSE);

  for (guint i = 0; i < right->keys->len; i++)
    ds_property_dict_get (keys, AT (right->keys, i));
  for (guint i = 0; i < keys->keys->len; i++)
    {
      DsValue key = AT (keys->keys, i);
      GArray *sides[2] = { ds_property_dict_get (left, key),
                           ds_property_dict_get (right, key) };

      if (node->kind == DS_PROPERTY_COGROUP)
        ds_property_emit_pair (call, key, ds_property_render_lists (node, sides, call));
      else if (node->kind != DS_PROPERTY_INTERSECTION)
        run_join (node, key, sides[0], sides[1], call);
      else if (sides[0]->len > 0 && sides[1]->len > 0)
        ds_property_emit (call, key);
    }
}

/* ---- State ---- */

static void
set_state (GArray *entry, DsValue state, guint batch)
{
  g_array_set_size (entry, 0);
  if (state.type != DS_VALUE_TYPE_NULL)
    g_array_append_vals (entry, (DsValue[]){ state, ds_value_int (batch) }, 2);
}

static DsValue
get_state (GArray *entry)
{
  return entry->len > 0 ? AT (entry, 0) : ds_value_null ();
}

/* Every key with state or values, once. */
static void
run_update (Node *node, GArray *list, Dict *memory, Call *call)
{
  g_autoptr (Dict) groups = ds_property_group (list, TRUE);

  for (guint i = 0; i < groups->keys->len; i++)
    ds_property_dict_get (memory, AT (groups->keys, i));
  for (guint i = 0; i < memory->keys->len; i++)
    {
      DsValue key = AT (memory->keys, i);
      GArray *entry = ds_property_dict_get (memory, key);
      GArray *values = ds_property_dict_get (groups, key);
      DsValue state = get_state (entry);

      if (entry->len == 0 && values->len == 0)
        continue;
      state = ds_property_update (node, values, state, call);
      set_state (entry, state, 0);
      if (state.type != DS_VALUE_TYPE_NULL)
        ds_property_emit_pair (call, key, state);
    }
}

/* One call: for a record, or the last one, without a value. */
static void
track (Node *node, DsValue key, GArray *entry, DsValue value, Call *call)
{
  DsPropertyState state = { get_state (entry), value.type == DS_VALUE_TYPE_NULL, 0, 0 };

  ds_property_trackers[node->function].apply (key, value, &state, call);
  if (state.is_removed || state.is_timing_out)
    set_state (entry, ds_value_null (), 0);
  else if (state.is_updated || (node->timeout > 0 && entry->len > 0))
    set_state (entry, state.value, call->batch);
}

/* Every record, then what times out: last touched before the timeout began. */
static void
run_tracker (Node *node, GArray *list, Dict *memory, Call *call)
{
  GArray *states = ds_property_list_new ();
  Call snapshot = { NULL, call->arena, states, call->batch };

  for (guint i = 0; i < list->len; i++)
    track (node, KEY (AT (list, i)), ds_property_dict_get (memory, KEY (AT (list, i))),
           VALUE (AT (list, i)), call);
  for (guint i = 0; i < memory->keys->len; i++)
    {
      DsValue key = AT (memory->keys, i);
      GArray *entry = ds_property_dict_get (memory, key);

      if (node->timeout > 0 && entry->len > 0 &&
          AT (entry, 1).as.integer + node->timeout < call->batch)
        track (node, key, entry, ds_value_null (), call);
      if (entry->len > 0)
        ds_property_emit_pair (&snapshot, key, AT (entry, 0));
    }
  g_ptr_array_index (node->states, call->batch - 1) = states;
}

/* ---- A batch ---- */

/* What is looked at in @batch, from 1: the results of (batch - window, batch]. */
static GArray *
gather (Node *node, guint parent, guint batch)
{
  Node *from = ds_property_get_parent (node, parent);
  GPtrArray *results = node->kind == DS_PROPERTY_SNAPSHOTS ? from->states : from->results;
  guint n_before = MAX (node->window, 1);
  GArray *all = ds_property_list_new ();

  for (guint i = batch > n_before ? batch - n_before : 0; i < batch; i++)
    {
      GArray *list = g_ptr_array_index (results, i);

      if (list != NULL && list->len > 0)
        g_array_append_vals (all, list->data, list->len);
    }
  return all;
}

static void
run_batch (Node *node, Dict *memory, Call *call)
{
  g_autoptr (GArray) list = gather (node, 0, call->batch);
  g_autoptr (GArray) other = gather (node, node->n_parents - 1, call->batch);
  g_autoptr (Dict) others = NULL;

  switch ((int) node->kind)
    {
    case DS_PROPERTY_COUNT ... DS_PROPERTY_REDUCE:
      run_all (node, list, memory, call);
      break;
    case DS_PROPERTY_COUNT_BY_VALUE ... DS_PROPERTY_DISTINCT:
      run_keys (node, list, memory, call);
      break;
    case DS_PROPERTY_COGROUP ... DS_PROPERTY_INTERSECTION:
      run_two (node, list, other, call);
      break;
    case DS_PROPERTY_SUBTRACT:
      others = ds_property_group (other, FALSE);
      for (guint i = 0; i < list->len; i++)
        if (ds_property_dict_find (others, AT (list, i)) == NULL)
          ds_property_emit (call, AT (list, i));
      break;
    case DS_PROPERTY_CARTESIAN:
      for (guint i = 0; i < list->len; i++)
        for (guint j = 0; j < other->len; j++)
          ds_property_emit_pair (call, AT (list, i), AT (other, j));
      break;
    case DS_PROPERTY_UPDATE_STATE ... DS_PROPERTY_UPDATE_STATE_BY_PARTITION:
      run_update (node, list, memory, call);
      break;
    case DS_PROPERTY_MAP_WITH_STATE:
      run_tracker (node, list, memory, call);
      break;
    default:
      for (guint i = 0; i < list->len; i++)
        run_element (node, AT (list, i), call);
      for (guint i = 0; node->kind == DS_PROPERTY_UNION && i < other->len; i++)
        ds_property_emit (call, AT (other, i));
      if (node->kind == DS_PROPERTY_SORT)
        g_array_sort (call->results, ds_property_compare_items);
    }
}

void
ds_property_model_run (Node *node)
{
  g_autoptr (Dict) memory = ds_property_dict_new ();

  for (guint i = 0; node->initial != NULL && i < node->initial->len; i++)
    set_state (ds_property_dict_get (memory, KEY (AT (node->initial, i))),
               VALUE (AT (node->initial, i)), node->slide);
  g_ptr_array_set_size (node->states, (gint) node->graph->n_batches);
  for (guint batch = 1; batch <= node->graph->n_batches; batch++)
    {
      GArray *list = batch % node->slide == 0 ? ds_property_list_new () : NULL;
      Call call = { NULL, node->graph->arena, list, batch };

      g_ptr_array_add (node->results, list);
      if (list != NULL)
        run_batch (node, memory, &call);
    }
}
