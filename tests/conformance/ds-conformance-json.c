/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading vectors: members of objects with checked types, and lists of elements as
 * blocks.
 *
 * JSON has one kind of array where the engine has pairs (tuples of two), lists and bytes.
 * What an array is shows in the company it keeps: where every array of a source at the
 * same place (element, key, value of a pair ...) has two items, they are pairs. */

#include "tests/conformance/ds-conformance-private.h"

#include "base/ds-arena-private.h"

#include <string.h>

#define DS_CONFORMANCE_TEXT_BYTES 400

G_DEFINE_QUARK (ds - conformance - error - quark, ds_conformance_error)

gboolean
ds_conformance_skip (GError **error, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  if (error != NULL)
    *error = g_error_new_valist (DS_CONFORMANCE_ERROR, DS_CONFORMANCE_ERROR_SKIP, format,
                                 arguments);
  va_end (arguments);
  return FALSE;
}

gboolean
ds_conformance_differ (GError **error, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  if (error != NULL)
    *error = g_error_new_valist (DS_CONFORMANCE_ERROR, DS_CONFORMANCE_ERROR_DIFFERENT,
                                 format, arguments);
  va_end (arguments);
  return FALSE;
}

gboolean
ds_conformance_has (JsonObject *object, const char *member)
{
  JsonNode *node = json_object_get_member (object, member);

  return node != NULL && !JSON_NODE_HOLDS_NULL (node);
}

static gboolean
ds_conformance_is_int (JsonNode *node)
{
  return JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_INT64;
}

gboolean
ds_conformance_read_int (JsonObject *object,
                         const char *member,
                         gint64 *value,
                         GError **error)
{
  JsonNode *node = json_object_get_member (object, member);
  g_autofree char *text = NULL;

  if (node != NULL && ds_conformance_is_int (node))
    {
      *value = json_node_get_int (node);
      return TRUE;
    }
  if (node == NULL)
    return ds_conformance_differ (error, "\"%s\" is missing; it must be a whole number",
                                  member);
  text = ds_conformance_node_to_text (node);
  return ds_conformance_differ (error, "\"%s\" is %s; it must be a whole number", member,
                                text);
}

gboolean
ds_conformance_read_int_or (JsonObject *object,
                            const char *member,
                            gint64 fallback,
                            gint64 *value,
                            GError **error)
{
  if (ds_conformance_has (object, member))
    return ds_conformance_read_int (object, member, value, error);
  *value = fallback;
  return TRUE;
}

const char *
ds_conformance_read_string (JsonObject *object, const char *member, GError **error)
{
  JsonNode *node = json_object_get_member (object, member);

  if (node != NULL && JSON_NODE_HOLDS_VALUE (node) &&
      json_node_get_value_type (node) == G_TYPE_STRING)
    return json_node_get_string (node);
  ds_conformance_differ (error, "\"%s\" is missing or not a string", member);
  return NULL;
}

JsonArray *
ds_conformance_read_array (JsonObject *object, const char *member, GError **error)
{
  JsonNode *node = json_object_get_member (object, member);

  if (node != NULL && JSON_NODE_HOLDS_ARRAY (node))
    return json_node_get_array (node);
  ds_conformance_differ (error, "\"%s\" is missing or not an array", member);
  return NULL;
}

gboolean
ds_conformance_get_boolean (JsonObject *object, const char *member, gboolean fallback)
{
  JsonNode *node = json_object_get_member (object, member);

  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node) ||
      json_node_get_value_type (node) != G_TYPE_BOOLEAN)
    return fallback;
  return json_node_get_boolean (node);
}

static char *
ds_conformance_cut (char *text)
{
  if (strlen (text) > DS_CONFORMANCE_TEXT_BYTES)
    {
      char *end = g_utf8_find_prev_char (text, text + DS_CONFORMANCE_TEXT_BYTES - 3);

      strcpy (end != NULL ? end : text, "...");
    }
  return text;
}

char *
ds_conformance_node_to_text (JsonNode *node)
{
  return ds_conformance_cut (json_to_string (node, FALSE));
}

char *
ds_conformance_block_to_text (DsBlock *block)
{
  GString *text = g_string_new ("[");

  for (gsize i = 0; i < ds_block_get_length (block); i++)
    {
      g_autofree char *printed = ds_value_to_string (ds_block_get (block, i));

      g_string_append_printf (text, "%s%s", i > 0 ? ", " : "", printed);
    }
  g_string_append_c (text, ']');
  return ds_conformance_cut (g_string_free (text, FALSE));
}

/* ---- Elements ---- */

/* The places ("e", "e.1" ...) at which some array does not have two items. */
static void
ds_conformance_find_lists (JsonNode *node, const char *place, GHashTable *lists)
{
  JsonArray *array = NULL;

  if (!JSON_NODE_HOLDS_ARRAY (node))
    return;
  array = json_node_get_array (node);
  if (json_array_get_length (array) != 2)
    g_hash_table_add (lists, g_strdup (place));
  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      g_autofree char *inner = g_strdup_printf ("%s.%u", place, i);

      ds_conformance_find_lists (json_array_get_element (array, i), inner, lists);
    }
}

static DsValue ds_conformance_read_value (JsonNode *node,
                                          const char *place,
                                          GHashTable *lists,
                                          DsArena *arena);

static DsValue
ds_conformance_read_items (JsonArray *array,
                           const char *place,
                           GHashTable *lists,
                           DsArena *arena)
{
  guint n_items = json_array_get_length (array);
  DsValue *items = ds_arena_alloc (arena, n_items * sizeof (DsValue));

  for (guint i = 0; i < n_items; i++)
    {
      g_autofree char *inner = g_strdup_printf ("%s.%u", place, i);

      items[i] = ds_conformance_read_value (json_array_get_element (array, i), inner,
                                            lists, arena);
    }
  return n_items == 2 && !g_hash_table_contains (lists, place)
             ? ds_value_tuple (items, n_items)
             : ds_value_list (items, n_items);
}

/* An object has no counterpart and is null, as no vector has one for an element. */
static DsValue
ds_conformance_read_value (JsonNode *node,
                           const char *place,
                           GHashTable *lists,
                           DsArena *arena)
{
  if (JSON_NODE_HOLDS_ARRAY (node))
    return ds_conformance_read_items (json_node_get_array (node), place, lists, arena);
  if (!JSON_NODE_HOLDS_VALUE (node))
    return ds_value_null ();

  switch (json_node_get_value_type (node))
    {
    case G_TYPE_INT64:
      return ds_value_int (json_node_get_int (node));
    case G_TYPE_DOUBLE:
      return ds_value_double (json_node_get_double (node));
    case G_TYPE_BOOLEAN:
      return ds_value_bool (json_node_get_boolean (node));
    case G_TYPE_STRING:
      return ds_value_string (json_node_get_string (node));
    default:
      return ds_value_null ();
    }
}

static DsBlock *
ds_conformance_read_elements (JsonArray *elements, GHashTable *lists)
{
  g_autoptr (DsArena) arena = ds_arena_new (NULL);
  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();

  for (guint i = 0; i < json_array_get_length (elements); i++)
    ds_block_builder_add (builder,
                          ds_conformance_read_value (json_array_get_element (elements, i),
                                                     "e", lists, arena));
  return ds_block_builder_end (builder);
}

static void
ds_conformance_find_lists_in_all (JsonArray *elements, GHashTable *lists)
{
  for (guint i = 0; i < json_array_get_length (elements); i++)
    ds_conformance_find_lists (json_array_get_element (elements, i), "e", lists);
}

DsBlock *
ds_conformance_read_block (JsonArray *elements)
{
  g_autoptr (GHashTable) lists =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  ds_conformance_find_lists_in_all (elements, lists);
  return ds_conformance_read_elements (elements, lists);
}

static void
ds_conformance_clear_block (gpointer block)
{
  if (block != NULL)
    ds_block_unref (block);
}

GPtrArray *
ds_conformance_read_batches (JsonArray *batches, GError **error)
{
  g_autoptr (GPtrArray) blocks =
      g_ptr_array_new_with_free_func (ds_conformance_clear_block);
  g_autoptr (GHashTable) lists =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < json_array_get_length (batches); i++)
    {
      JsonNode *batch = json_array_get_element (batches, i);

      if (JSON_NODE_HOLDS_ARRAY (batch))
        ds_conformance_find_lists_in_all (json_node_get_array (batch), lists);
      else if (!JSON_NODE_HOLDS_NULL (batch))
        {
          ds_conformance_differ (error,
                                 "Batch %u of the input is neither a list nor null",
                                 i + 1);
          return NULL;
        }
    }
  for (guint i = 0; i < json_array_get_length (batches); i++)
    {
      JsonNode *batch = json_array_get_element (batches, i);

      g_ptr_array_add (blocks,
                       JSON_NODE_HOLDS_NULL (batch)
                           ? NULL
                           : ds_conformance_read_elements (json_node_get_array (batch),
                                                           lists));
    }
  return g_steal_pointer (&blocks);
}
