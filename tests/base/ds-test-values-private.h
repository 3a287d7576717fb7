/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Random values for the tests of base: every type, nested, from so small a choice that
 * equal ones are frequent.  Seeded by GTest (--seed). */

#include "base/ds-value-private.h"

#include <math.h>

static inline DsValue
ds_test_random_text (DsArena *arena, DsValueType type)
{
  static const char alphabet[] = { 'a', 'b', '\0', '\n', (char) 0xc3, (char) 0xff };
  guint32 n_bytes = (guint32) g_test_rand_int_range (0, 4);
  char *bytes = ds_arena_alloc (arena, n_bytes);

  for (guint32 i = 0; i < n_bytes; i++)
    bytes[i] = alphabet[g_test_rand_int_range (0, G_N_ELEMENTS (alphabet))];
  return type == DS_VALUE_TYPE_STRING ? ds_value_string_sized (bytes, n_bytes)
                                      : ds_value_bytes (bytes, n_bytes);
}

static inline double
ds_test_random_double (void)
{
  static const double numbers[] = { 0.0,     -0.0,   1.0,      -1.0,
                                    1.5e300, 5e-324, HUGE_VAL, -HUGE_VAL };
  int index = g_test_rand_int_range (0, G_N_ELEMENTS (numbers) + 2);

  if (index == G_N_ELEMENTS (numbers))
    return (double) NAN;
  if (index > (int) G_N_ELEMENTS (numbers))
    return -(double) NAN;
  return numbers[index];
}

static inline gint64
ds_test_random_int (void)
{
  static const gint64 numbers[] = { 0, 1, -1, 2, G_MAXINT64, G_MININT64 };

  return numbers[g_test_rand_int_range (0, G_N_ELEMENTS (numbers))];
}

/* A value whose bytes and items lie in @arena. */
static inline DsValue
ds_test_random_value (DsArena *arena, int max_depth)
{
  DsValueType type =
      (DsValueType) g_test_rand_int_range (0, max_depth > 0 ? DS_VALUE_TYPE_LIST + 1
                                                            : DS_VALUE_TYPE_TUPLE);
  guint32 n_items;
  DsValue *items;

  switch (type)
    {
    case DS_VALUE_TYPE_BOOL:
      return ds_value_bool (g_test_rand_int_range (0, 2));
    case DS_VALUE_TYPE_INT:
      return ds_value_int (ds_test_random_int ());
    case DS_VALUE_TYPE_DOUBLE:
      return ds_value_double (ds_test_random_double ());
    case DS_VALUE_TYPE_STRING:
    case DS_VALUE_TYPE_BYTES:
      return ds_test_random_text (arena, type);
    case DS_VALUE_TYPE_TUPLE:
    case DS_VALUE_TYPE_LIST:
      /* Now and then longer than a group of hashes. */
      n_items =
          (guint32) (g_test_rand_int_range (0, 50) == 0 ? g_test_rand_int_range (15, 40)
                                                        : g_test_rand_int_range (0, 4));
      items = ds_arena_alloc (arena, n_items * sizeof *items);
      for (guint32 i = 0; i < n_items; i++)
        items[i] = ds_test_random_value (arena, max_depth - 1);
      return type == DS_VALUE_TYPE_TUPLE ? ds_value_tuple (items, n_items)
                                         : ds_value_list (items, n_items);
    case DS_VALUE_TYPE_NULL:
    default:
      return ds_value_null ();
    }
}
