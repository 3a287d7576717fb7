/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What values of every type share: their names, what happens when one is read as a type
 * that it is not, and deep copies. */

#include "base/ds-value.h"

#include "base/ds-error.h"
#include "base/ds-failure-private.h"
#include "base/ds-value-private.h"

#define DS_VALUE_MAX_DESCRIBED_BYTES 200

const char *
ds_value_type_get_name (DsValueType type)
{
  static const char *const names[] = { "null",   "bool",  "int",   "double",
                                       "string", "bytes", "tuple", "list" };

  return (guint) type < G_N_ELEMENTS (names) ? names[type] : "unknown";
}

/* What to do about it, as far as two types tell. */
static const char *
ds_value_get_advice (DsValueType found, DsValueType expected)
{
  if (found == DS_VALUE_TYPE_NULL)
    return "ask ds_value_is_null () first, or use the _or () form with a default";
  if (found == DS_VALUE_TYPE_STRING && expected == DS_VALUE_TYPE_INT)
    return "turn text into a number with ds_value_parse_int () first";
  if (found == DS_VALUE_TYPE_STRING && expected == DS_VALUE_TYPE_DOUBLE)
    return "turn text into a number with ds_value_parse_double () first";
  if (expected == DS_VALUE_TYPE_TUPLE)
    return "make pairs with ds_pair () or ds_task_emit_pair ()";
  if (expected == DS_VALUE_TYPE_STRING)
    return "turn any value into text with ds_value_to_string () first";
  return "look at ds_value_type_of () first where types are mixed";
}

/**
 * ds_value_wrong_type: (skip)
 * @value: a value that was read as something that it is not
 * @expected: the type that was asked for
 *
 * Reports that @value is not of type @expected.
 *
 * The running task fails with %DS_ERROR_TYPE, naming both types, the value (cut at 200
 * bytes), operator, batch time and partition.  Outside of a task it is a critical.  What
 * reads values calls this; programs that check types in their own way may, too.
 *
 * Returns: null
 */
DsValue
ds_value_wrong_type (DsValue value, DsValueType expected)
{
  DsValueType found = ds_value_type_of (value);
  g_autofree char *described = ds_value_describe (value, DS_VALUE_MAX_DESCRIBED_BYTES);

  /* A tuple is the wrong tuple only where a pair is wanted. */
  if (found == DS_VALUE_TYPE_TUPLE && expected == DS_VALUE_TYPE_TUPLE)
    ds_failure_report (g_error_new (DS_ERROR, DS_ERROR_TYPE,
                                    "Expected a pair (a tuple of 2 items), found a tuple "
                                    "of %u: %s; read its items with ds_value_get_item ()",
                                    value.size, described));
  else
    ds_failure_report (g_error_new (DS_ERROR, DS_ERROR_TYPE,
                                    "Expected a value of type %s, found %s: %s; %s",
                                    ds_value_type_get_name (expected),
                                    ds_value_type_get_name (found), described,
                                    ds_value_get_advice (found, expected)));
  return ds_value_null ();
}

/* ---- Deep copies ---- */

static gsize
ds_value_align (gsize n_bytes)
{
  return (n_bytes + 15) & ~(gsize) 15;
}

gsize
ds_value_get_copy_size (DsValue value)
{
  gsize n_bytes;

  switch (ds_value_type_of (value))
    {
    case DS_VALUE_TYPE_STRING:
    case DS_VALUE_TYPE_BYTES:
      return ds_value_align (value.size);

    case DS_VALUE_TYPE_TUPLE:
    case DS_VALUE_TYPE_LIST:
      n_bytes = value.size * sizeof (DsValue);
      for (guint32 i = 0; i < value.size; i++)
        n_bytes += ds_value_get_copy_size (value.as.items[i]);
      return n_bytes;

    case DS_VALUE_TYPE_NULL:
    case DS_VALUE_TYPE_BOOL:
    case DS_VALUE_TYPE_INT:
    case DS_VALUE_TYPE_DOUBLE:
    default:
      return 0;
    }
}

DsValue
ds_value_copy (DsValue value, DsArena *arena)
{
  DsValue copy = value;

  switch (ds_value_type_of (value))
    {
    case DS_VALUE_TYPE_STRING:
    case DS_VALUE_TYPE_BYTES:
      {
        char *bytes = ds_arena_alloc (arena, value.size);

        if (value.size > 0)
          memcpy (bytes, value.as.bytes, value.size);
        copy.as.bytes = bytes;
        break;
      }

    case DS_VALUE_TYPE_TUPLE:
    case DS_VALUE_TYPE_LIST:
      {
        DsValue *items = ds_arena_alloc (arena, value.size * sizeof *items);

        for (guint32 i = 0; i < value.size; i++)
          items[i] = ds_value_copy (value.as.items[i], arena);
        copy.as.items = items;
        break;
      }

    case DS_VALUE_TYPE_NULL:
    case DS_VALUE_TYPE_BOOL:
    case DS_VALUE_TYPE_INT:
    case DS_VALUE_TYPE_DOUBLE:
    default:
      break;
    }
  return copy;
}
