/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The values of the property test: what types there are, where a function of the program
 * takes memory, and how values are ordered, summed up and printed, by plain recursion and
 * without the library's own functions for that. */

#include "tests/property/ds-property-private.h"

#include <string.h>

/* ---- Types ---- */

DsPropertyType
ds_property_pair_of (DsPropertyType key, DsPropertyType value)
{
  return 2 + 2 * key + value;
}

gboolean
ds_property_is_pair (DsPropertyType type)
{
  return type >= 2;
}

DsPropertyType
ds_property_key_of (DsPropertyType type)
{
  return (type - 2) / 2;
}

DsPropertyType
ds_property_value_of (DsPropertyType type)
{
  return (type - 2) % 2;
}

const char *
ds_property_type_to_string (DsPropertyType type)
{
  static const char *const names[] = {
    "int", "text", "(int,int)", "(int,text)", "(text,int)", "(text,text)",
  };

  return names[type];
}

/* ---- Memory and results ---- */

gpointer
ds_property_alloc (DsPropertyCall *call, gsize n_bytes)
{
  return call->task != NULL ? ds_task_alloc (call->task, n_bytes)
                            : ds_arena_alloc (call->arena, n_bytes);
}

void
ds_property_emit (DsPropertyCall *call, DsValue value)
{
  if (call->task == NULL)
    g_array_append_val (call->results, value);
  else if (value.type == DS_VALUE_TYPE_TUPLE && value.size == 2 &&
           ds_property_checksum (value) % 2 == 0)
    ds_task_emit_pair (call->task, value.as.items[0], value.as.items[1]);
  else
    ds_task_emit (call->task, value);
}

DsValue
ds_property_pair (DsPropertyCall *call, DsValue a, DsValue b)
{
  DsValue *items = ds_property_alloc (call, 2 * sizeof (DsValue));

  items[0] = a;
  items[1] = b;
  return ds_value_tuple (items, 2);
}

void
ds_property_emit_pair (DsPropertyCall *call, DsValue a, DsValue b)
{
  ds_property_emit (call, ds_property_pair (call, a, b));
}

DsValue
ds_property_text (DsPropertyCall *call, GString *text)
{
  char *bytes = ds_property_alloc (call, text->len + 1);

  memcpy (bytes, text->str, text->len);
  return ds_value_string_sized (bytes, (guint32) text->len);
}

/* ---- Walking over values ---- */

guint64
ds_property_checksum (DsValue value)
{
  guint64 sum = ds_property_mix (value.type + 1);

  if (value.type == DS_VALUE_TYPE_INT)
    return ds_property_mix (sum ^ (guint64) value.as.integer);
  for (guint i = 0; i < value.size; i++)
    sum = ds_property_mix (sum * 31 + (value.type == DS_VALUE_TYPE_STRING
                                           ? (guint8) value.as.bytes[i]
                                           : ds_property_checksum (value.as.items[i])));
  return sum;
}

int
ds_property_compare (DsValue a, DsValue b)
{
  int order = 0;

  if (a.type != b.type)
    return a.type < b.type ? -1 : 1;
  if (a.type == DS_VALUE_TYPE_INT)
    return a.as.integer < b.as.integer ? -1 : a.as.integer > b.as.integer;
  if (a.type == DS_VALUE_TYPE_STRING)
    order = MIN (a.size, b.size) > 0
                ? memcmp (a.as.bytes, b.as.bytes, MIN (a.size, b.size))
                : 0;
  else
    for (guint i = 0; order == 0 && i < MIN (a.size, b.size); i++)
      order = ds_property_compare (a.as.items[i], b.as.items[i]);
  return order != 0 ? order : a.size < b.size ? -1 : a.size > b.size;
}

int
ds_property_compare_items (gconstpointer a, gconstpointer b)
{
  return ds_property_compare (*(const DsValue *) a, *(const DsValue *) b);
}

void
ds_property_print (GString *text, DsValue value)
{
  gboolean is_tuple = value.type == DS_VALUE_TYPE_TUPLE;

  if (value.type == DS_VALUE_TYPE_INT)
    g_string_append_printf (text, "%" G_GINT64_FORMAT, value.as.integer);
  else if (value.type == DS_VALUE_TYPE_STRING)
    g_string_append_printf (text, "\"%.*s\"", (int) value.size, value.as.bytes);
  else if (is_tuple || value.type == DS_VALUE_TYPE_LIST)
    {
      g_string_append_c (text, is_tuple ? '(' : '[');
      for (guint i = 0; i < value.size; i++)
        {
          if (i > 0)
            g_string_append_c (text, ',');
          ds_property_print (text, value.as.items[i]);
        }
      g_string_append_c (text, is_tuple ? ')' : ']');
    }
  else
    g_string_append_printf (text, "<%u>", value.type);
}
