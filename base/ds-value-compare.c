/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Equality and order of keys.  Types never mix: int 1 and double 1.0 are two keys.
 * Doubles are keys, too, so unlike in arithmetic every NaN equals every NaN (and comes
 * after all numbers), and -0.0 equals 0.0. */

#include "base/ds-value.h"

#include <math.h>

static gboolean
ds_value_items_equal (DsValue a, DsValue b)
{
  if (a.size != b.size)
    return FALSE;
  if (a.as.items == b.as.items)
    return TRUE;
  for (guint32 i = 0; i < a.size; i++)
    if (!ds_value_equal (a.as.items[i], b.as.items[i]))
      return FALSE;
  return TRUE;
}

/**
 * ds_value_equal: (skip)
 * @a: any value
 * @b: any value
 *
 * Equality of keys, for every type, nested values included.
 *
 * Values of two types are never equal (int 1 and double 1.0 differ); strings are equal
 * byte by byte; -0.0 equals 0.0; NaN equals NaN.
 *
 * Returns: whether @a and @b are one key
 */
gboolean
ds_value_equal (DsValue a, DsValue b)
{
  if (a.type != b.type)
    return FALSE;

  switch (ds_value_type_of (a))
    {
    case DS_VALUE_TYPE_BOOL:
    case DS_VALUE_TYPE_INT:
      return a.as.integer == b.as.integer;

    case DS_VALUE_TYPE_DOUBLE:
      return a.as.number == b.as.number || (isnan (a.as.number) && isnan (b.as.number));

    case DS_VALUE_TYPE_STRING:
    case DS_VALUE_TYPE_BYTES:
      return a.size == b.size &&
             (a.size == 0 || memcmp (a.as.bytes, b.as.bytes, a.size) == 0);

    case DS_VALUE_TYPE_TUPLE:
    case DS_VALUE_TYPE_LIST:
      return ds_value_items_equal (a, b);

    case DS_VALUE_TYPE_NULL:
    default:
      return TRUE;
    }
}

static int
ds_value_compare_doubles (double a, double b)
{
  if (isnan (a) || isnan (b))
    return !!isnan (a) - !!isnan (b);
  return (a > b) - (a < b);
}

static int
ds_value_compare_bytes (DsValue a, DsValue b)
{
  guint32 n_common = MIN (a.size, b.size);
  int order = n_common > 0 ? memcmp (a.as.bytes, b.as.bytes, n_common) : 0;

  return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

static int
ds_value_compare_items (DsValue a, DsValue b)
{
  guint32 n_common = MIN (a.size, b.size);

  for (guint32 i = 0; i < n_common; i++)
    {
      int order = ds_value_compare (a.as.items[i], b.as.items[i]);

      if (order != 0)
        return order;
    }
  return (a.size > b.size) - (a.size < b.size);
}

/**
 * ds_value_compare: (skip)
 * @a: any value
 * @b: any value
 *
 * A total order over all values, which agrees with ds_value_equal ().
 *
 * First by type, in the order of #DsValueType; then false before true, numbers by size
 * with NaN last, strings and bytes byte by byte (for UTF-8 that is by code point), tuples
 * and lists item by item; a beginning comes before what it begins.
 *
 * Returns: less than, equal to or greater than 0 as @a comes before, is or comes after @b
 */
int
ds_value_compare (DsValue a, DsValue b)
{
  if (a.type != b.type)
    return a.type > b.type ? 1 : -1;

  switch (ds_value_type_of (a))
    {
    case DS_VALUE_TYPE_BOOL:
    case DS_VALUE_TYPE_INT:
      return (a.as.integer > b.as.integer) - (a.as.integer < b.as.integer);

    case DS_VALUE_TYPE_DOUBLE:
      return ds_value_compare_doubles (a.as.number, b.as.number);

    case DS_VALUE_TYPE_STRING:
    case DS_VALUE_TYPE_BYTES:
      return ds_value_compare_bytes (a, b);

    case DS_VALUE_TYPE_TUPLE:
    case DS_VALUE_TYPE_LIST:
      return ds_value_compare_items (a, b);

    case DS_VALUE_TYPE_NULL:
    default:
      return 0;
    }
}
