/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Values as GVariant and back: how languages without DsValue see a single one.  Blocks
 * have a faster road, msgpack; this one is for convenience. */

#include "base/ds-value-private.h"

/* A GVariant string is UTF-8 without NUL. */
static GVariant *
ds_value_string_to_variant (DsValue value)
{
  gsize n_bytes;
  const char *bytes = ds_value_get_string (value, &n_bytes);

  return g_variant_new_take_string (g_utf8_make_valid (bytes, (gssize) n_bytes));
}

static GVariant *
ds_value_items_to_variant (DsValue value)
{
  gboolean is_list = ds_value_is (value, DS_VALUE_TYPE_LIST);
  g_autofree GVariant **children = g_new (GVariant *, (gsize) value.size + 1);

  for (guint32 i = 0; i < value.size; i++)
    {
      GVariant *child = ds_value_to_variant (value.as.items[i]);

      children[i] = is_list ? g_variant_new_variant (child) : child;
    }
  return is_list ? g_variant_new_array (G_VARIANT_TYPE_VARIANT, children, value.size)
                 : g_variant_new_tuple (children, value.size);
}

/**
 * ds_value_to_variant: (skip)
 * @value: any value
 *
 * The value as #GVariant: null `mv` without content, bool `b`, int `x`, double `d`,
 * string `s`, bytes `ay`, tuple a tuple, list `av`.
 *
 * What is not UTF-8 in a string is replaced by U+FFFD, because a #GVariant cannot hold
 * it; msgpack keeps every byte.
 *
 * Returns: (transfer none): a floating #GVariant
 */
GVariant *
ds_value_to_variant (DsValue value)
{
  switch (ds_value_type_of (value))
    {
    case DS_VALUE_TYPE_BOOL:
      return g_variant_new_boolean (value.as.integer != 0);

    case DS_VALUE_TYPE_INT:
      return g_variant_new_int64 (value.as.integer);

    case DS_VALUE_TYPE_DOUBLE:
      return g_variant_new_double (value.as.number);

    case DS_VALUE_TYPE_STRING:
      return ds_value_string_to_variant (value);

    case DS_VALUE_TYPE_BYTES:
      return g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE,
                                        value.size > 0 ? value.as.bytes : NULL,
                                        value.size, 1);

    case DS_VALUE_TYPE_TUPLE:
    case DS_VALUE_TYPE_LIST:
      return ds_value_items_to_variant (value);

    case DS_VALUE_TYPE_NULL:
    default:
      return g_variant_new_maybe (G_VARIANT_TYPE_VARIANT, NULL);
    }
}

static DsValue
ds_value_bytes_from_variant (GVariant *variant, DsArena *arena)
{
  gsize n_bytes;
  gconstpointer bytes = g_variant_get_fixed_array (variant, &n_bytes, 1);

  return ds_value_copy (ds_value_bytes (bytes, (guint32) n_bytes), arena);
}

static DsValue
ds_value_items_from_variant (GVariant *variant, DsArena *arena)
{
  gsize n_items = g_variant_n_children (variant);
  DsValue *items = ds_arena_alloc (arena, n_items * sizeof *items);

  for (gsize i = 0; i < n_items; i++)
    {
      g_autoptr (GVariant) child = g_variant_get_child_value (variant, i);

      items[i] = ds_value_from_variant (child, arena);
    }
  return g_variant_classify (variant) == G_VARIANT_CLASS_ARRAY
             ? ds_value_list (items, (guint32) n_items)
             : ds_value_tuple (items, (guint32) n_items);
}

static DsValue
ds_value_string_from_variant (GVariant *variant, DsArena *arena)
{
  gsize n_bytes;
  const char *string = g_variant_get_string (variant, &n_bytes);

  return ds_value_copy (ds_value_string_sized (string, (guint32) n_bytes), arena);
}

static DsValue
ds_value_maybe_from_variant (GVariant *variant, DsArena *arena)
{
  g_autoptr (GVariant) content = g_variant_get_maybe (variant);

  return content != NULL ? ds_value_from_variant (content, arena) : ds_value_null ();
}

DsValue
ds_value_from_variant (GVariant *variant, DsArena *arena)
{
  g_autoptr (GVariant) inner = NULL;
  guint64 unsigned_number;

  switch (g_variant_classify (variant))
    {
    case G_VARIANT_CLASS_BOOLEAN:
      return ds_value_bool (g_variant_get_boolean (variant));
    case G_VARIANT_CLASS_BYTE:
      return ds_value_int (g_variant_get_byte (variant));
    case G_VARIANT_CLASS_INT16:
      return ds_value_int (g_variant_get_int16 (variant));
    case G_VARIANT_CLASS_UINT16:
      return ds_value_int (g_variant_get_uint16 (variant));
    case G_VARIANT_CLASS_INT32:
      return ds_value_int (g_variant_get_int32 (variant));
    case G_VARIANT_CLASS_UINT32:
      return ds_value_int (g_variant_get_uint32 (variant));
    case G_VARIANT_CLASS_INT64:
      return ds_value_int (g_variant_get_int64 (variant));
    case G_VARIANT_CLASS_HANDLE:
      return ds_value_int (g_variant_get_handle (variant));
    case G_VARIANT_CLASS_UINT64:
      unsigned_number = g_variant_get_uint64 (variant);
      return unsigned_number <= G_MAXINT64 ? ds_value_int ((gint64) unsigned_number)
                                           : ds_value_double ((double) unsigned_number);
    case G_VARIANT_CLASS_DOUBLE:
      return ds_value_double (g_variant_get_double (variant));
    case G_VARIANT_CLASS_STRING:
    case G_VARIANT_CLASS_OBJECT_PATH:
    case G_VARIANT_CLASS_SIGNATURE:
      return ds_value_string_from_variant (variant, arena);
    case G_VARIANT_CLASS_VARIANT:
      inner = g_variant_get_variant (variant);
      return ds_value_from_variant (inner, arena);
    case G_VARIANT_CLASS_MAYBE:
      return ds_value_maybe_from_variant (variant, arena);
    case G_VARIANT_CLASS_ARRAY:
      if (g_variant_is_of_type (variant, G_VARIANT_TYPE_BYTESTRING))
        return ds_value_bytes_from_variant (variant, arena);
      return ds_value_items_from_variant (variant, arena);
    case G_VARIANT_CLASS_TUPLE:
    case G_VARIANT_CLASS_DICT_ENTRY:
      return ds_value_items_from_variant (variant, arena);
    default:
      return ds_value_null ();
    }
}
