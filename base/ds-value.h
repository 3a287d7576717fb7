/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/ds-macros.h"

#include <glib-object.h>
#include <string.h>

G_BEGIN_DECLS

/**
 * DsValueType:
 * @DS_VALUE_TYPE_NULL: no value: no state yet, no partner in an outer join, remove this
 * key
 * @DS_VALUE_TYPE_BOOL: true or false
 * @DS_VALUE_TYPE_INT: a #gint64
 * @DS_VALUE_TYPE_DOUBLE: a double
 * @DS_VALUE_TYPE_STRING: bytes meant as UTF-8
 * @DS_VALUE_TYPE_BYTES: bytes
 * @DS_VALUE_TYPE_TUPLE: a fixed number of values; a pair is a tuple of two
 * @DS_VALUE_TYPE_LIST: any number of values
 *
 * What a value is.  Values of different types sort in this order.
 */
typedef enum
{
  DS_VALUE_TYPE_NULL,
  DS_VALUE_TYPE_BOOL,
  DS_VALUE_TYPE_INT,
  DS_VALUE_TYPE_DOUBLE,
  DS_VALUE_TYPE_STRING,
  DS_VALUE_TYPE_BYTES,
  DS_VALUE_TYPE_TUPLE,
  DS_VALUE_TYPE_LIST
} DsValueType;

/**
 * DsValue: (skip)
 *
 * One record: 16 bytes, passed by value, owning nothing.
 *
 * Strings, bytes, tuples and lists point into memory of a block, a task or the program;
 * whoever keeps a value keeps its block, or copies it.  Strings have no closing NUL.
 *
 * Everything about single values is hidden from bindings, which see blocks (#DsBlock),
 * and single values as #GVariant.
 */
typedef struct _DsValue DsValue;

struct _DsValue
{
  /*< private >*/
  guint32 type; /* DsValueType */
  guint32 size; /* bytes of a string, items of a tuple or list, else 0 */
  union
  {
    gint64 integer;
    double number;
    const char *bytes;
    const DsValue *items;
  } as;
};

/* Out of line: fails the running task with expected type, found value, operator, batch
 * time and partition; outside of a task it is a critical.  Returns null. */
DS_AVAILABLE_IN_ALL
DsValue ds_value_wrong_type (DsValue value, DsValueType expected) __attribute__ ((cold));

#ifndef __GI_SCANNER__ /* its parser does not know compound literals */

G_STATIC_ASSERT (sizeof (DsValue) == 16);

/* ---- Making values: no memory is needed, bytes and items are borrowed ---- */

/**
 * ds_value_null: (skip)
 *
 * Makes a null, which also says "none".
 *
 * Returns: a value that needs no memory
 */
static inline DsValue
ds_value_null (void)
{
  return (DsValue){ DS_VALUE_TYPE_NULL, 0, { 0 } };
}

/**
 * ds_value_bool: (skip)
 * @boolean: a truth value
 *
 * Makes a bool: %TRUE for anything but 0.
 *
 * Returns: a value that needs no memory
 */
static inline DsValue
ds_value_bool (gboolean boolean)
{
  return (DsValue){ DS_VALUE_TYPE_BOOL, 0, { boolean != FALSE } };
}

/**
 * ds_value_int: (skip)
 * @integer: any 64-bit integer
 *
 * Makes an int.
 *
 * Returns: a value that needs no memory
 */
static inline DsValue
ds_value_int (gint64 integer)
{
  return (DsValue){ DS_VALUE_TYPE_INT, 0, { integer } };
}

/**
 * ds_value_double: (skip)
 * @number: any double, NaN and infinities included
 *
 * Makes a double.  As keys, -0.0 equals 0.0 and NaN equals NaN.
 *
 * Returns: a value that needs no memory
 */
static inline DsValue
ds_value_double (double number)
{
  return (DsValue){ DS_VALUE_TYPE_DOUBLE, 0, { .number = number } };
}

/**
 * ds_value_string_sized: (skip)
 * @bytes: the string; need not end with a NUL, meant as UTF-8
 * @n_bytes: its length in bytes
 *
 * Makes a string over @bytes as they lie: nothing is copied, so they must outlive the
 * value.
 *
 * Returns: a value that borrows @bytes
 */
static inline DsValue
ds_value_string_sized (const char *bytes, guint32 n_bytes)
{
  return (DsValue){ DS_VALUE_TYPE_STRING, n_bytes, { .bytes = bytes } };
}

/**
 * ds_value_string: (skip)
 * @string: (nullable): a string that ends with a NUL
 *
 * Makes a string over @string as it lies: it must outlive the value, as a literal does,
 * or memory of the task (ds_string_printf ()).  %NULL makes a null.
 *
 * Returns: a value that borrows @string
 */
static inline DsValue
ds_value_string (const char *string)
{
  return G_LIKELY (string != NULL)
             ? ds_value_string_sized (string, (guint32) strlen (string))
             : ds_value_null ();
}

/**
 * ds_value_bytes: (skip)
 * @bytes: any bytes
 * @n_bytes: how many
 *
 * Makes a bytes value over @bytes as they lie: they must outlive the value.
 *
 * Returns: a value that borrows @bytes
 */
static inline DsValue
ds_value_bytes (gconstpointer bytes, guint32 n_bytes)
{
  return (DsValue){ DS_VALUE_TYPE_BYTES, n_bytes, { .bytes = (const char *) bytes } };
}

/**
 * ds_value_tuple: (skip)
 * @items: the items
 * @n_items: how many
 *
 * Makes a tuple over @items as they lie: they must outlive the value.  ds_tuple () copies
 * them into the task instead.
 *
 * Returns: a value that borrows @items
 */
static inline DsValue
ds_value_tuple (const DsValue *items, guint32 n_items)
{
  return (DsValue){ DS_VALUE_TYPE_TUPLE, n_items, { .items = items } };
}

/**
 * ds_value_list: (skip)
 * @items: the items
 * @n_items: how many
 *
 * Makes a list over @items as they lie: they must outlive the value.  ds_list () copies
 * them into the task instead.
 *
 * Returns: a value that borrows @items
 */
static inline DsValue
ds_value_list (const DsValue *items, guint32 n_items)
{
  return (DsValue){ DS_VALUE_TYPE_LIST, n_items, { .items = items } };
}

/* ---- Reading values: a wrong type is never a crash and never unseen, see above ---- */

/**
 * ds_value_type_of: (skip)
 * @value: any value
 *
 * Gets the type of @value.
 *
 * Returns: its type
 */
static inline DsValueType
ds_value_type_of (DsValue value)
{
  return (DsValueType) value.type;
}

/**
 * ds_value_is: (skip)
 * @value: any value
 * @type: a type
 *
 * Tells whether @value has the type @type.
 *
 * Returns: %TRUE when it does
 */
static inline gboolean
ds_value_is (DsValue value, DsValueType type)
{
  return value.type == (guint32) type;
}

/**
 * ds_value_is_null: (skip)
 * @value: any value
 *
 * Tells whether @value is null.
 *
 * Returns: %TRUE when it is
 */
static inline gboolean
ds_value_is_null (DsValue value)
{
  return value.type == DS_VALUE_TYPE_NULL;
}

/**
 * ds_value_expect: (skip)
 * @value: any value
 * @type: the type that it should have
 *
 * Checks the type of @value.  Another type fails the running task with %DS_ERROR_TYPE;
 * outside of a task it is a critical.
 *
 * Returns: @value itself when it has that type, else null
 */
static inline DsValue
ds_value_expect (DsValue value, DsValueType type)
{
  return G_LIKELY (value.type == (guint32) type) ? value
                                                 : ds_value_wrong_type (value, type);
}

/**
 * ds_value_get_bool: (skip)
 * @value: a bool
 *
 * Reads a bool.  Another type fails the running task, see ds_value_expect ().
 *
 * Returns: what it says; %FALSE for another type
 */
static inline gboolean
ds_value_get_bool (DsValue value)
{
  return ds_value_expect (value, DS_VALUE_TYPE_BOOL).as.integer != 0;
}

/**
 * ds_value_get_int: (skip)
 * @value: an int
 *
 * Reads an int.  Another type fails the running task, see ds_value_expect ().
 *
 * Returns: the integer; 0 for another type
 */
static inline gint64
ds_value_get_int (DsValue value)
{
  return ds_value_expect (value, DS_VALUE_TYPE_INT).as.integer;
}

/**
 * ds_value_get_double: (skip)
 * @value: a double or an int
 *
 * Reads a double, or an int as one.  Another type fails the running task, see
 * ds_value_expect ().
 *
 * Returns: the number; 0.0 for another type
 */
static inline double
ds_value_get_double (DsValue value)
{
  if (value.type == DS_VALUE_TYPE_INT)
    return (double) value.as.integer;

  return ds_value_expect (value, DS_VALUE_TYPE_DOUBLE).as.number;
}

/**
 * ds_value_get_int_or: (skip)
 * @value: an int or null
 * @fallback: what null stands for
 *
 * Reads an int, or @fallback where there is none.  Any type but int and null fails the
 * running task, see ds_value_expect ().
 *
 * Returns: the integer, or @fallback for null
 */
static inline gint64
ds_value_get_int_or (DsValue value, gint64 fallback)
{
  return ds_value_is_null (value) ? fallback : ds_value_get_int (value);
}

/**
 * ds_value_get_double_or: (skip)
 * @value: a double, an int or null
 * @fallback: what null stands for
 *
 * Reads a number, or @fallback where there is none.  Any other type fails the running
 * task, see ds_value_expect ().
 *
 * Returns: the number, or @fallback for null
 */
static inline double
ds_value_get_double_or (DsValue value, double fallback)
{
  return ds_value_is_null (value) ? fallback : ds_value_get_double (value);
}

/**
 * ds_value_get_string: (skip)
 * @value: a string
 * @n_bytes: (out) (optional): its length in bytes
 *
 * Reads a string where it lies.  Another type fails the running task, see
 * ds_value_expect ().
 *
 * Returns: its bytes, not ended by a NUL and never %NULL; valid as long as @value is
 */
static inline const char *
ds_value_get_string (DsValue value, gsize *n_bytes)
{
  DsValue string = ds_value_expect (value, DS_VALUE_TYPE_STRING);

  if (n_bytes != NULL)
    *n_bytes = string.size;
  return string.size > 0 ? string.as.bytes : "";
}

/**
 * ds_value_get_bytes: (skip)
 * @value: a bytes value
 * @n_bytes: (out) (optional): how many
 *
 * Reads bytes where they lie.  Another type fails the running task, see
 * ds_value_expect ().
 *
 * Returns: the bytes, never %NULL; valid as long as @value is
 */
static inline const guint8 *
ds_value_get_bytes (DsValue value, gsize *n_bytes)
{
  DsValue bytes = ds_value_expect (value, DS_VALUE_TYPE_BYTES);

  if (n_bytes != NULL)
    *n_bytes = bytes.size;
  return (const guint8 *) (bytes.size > 0 ? bytes.as.bytes : "");
}

#endif /* __GI_SCANNER__ */

/* Copies a fixed-length record of the program's own struct, whatever its alignment.  Any
 * other length than @size fails the task, zeroes @record and returns FALSE. */
DS_AVAILABLE_IN_ALL
gboolean ds_value_get_record (DsValue value, gpointer record, gsize size);

/* Numbers inside bytes, at any offset, host order apart; past the end fails the task. */
DS_AVAILABLE_IN_ALL
gint64 ds_value_get_int_at (DsValue bytes,
                            gsize offset,
                            guint size,
                            int byte_order); /* G_LITTLE_ENDIAN */
DS_AVAILABLE_IN_ALL
guint64 ds_value_get_uint_at (DsValue bytes, gsize offset, guint size, int byte_order);
DS_AVAILABLE_IN_ALL
double ds_value_get_double_at (DsValue bytes, gsize offset, guint size, int byte_order);

#ifndef __GI_SCANNER__

/**
 * ds_value_get_n_items: (skip)
 * @value: a tuple or list
 *
 * Counts the items.  Another type fails the running task, see ds_value_expect ().
 *
 * Returns: how many; 0 for another type
 */
static inline guint
ds_value_get_n_items (DsValue value)
{
  return value.type == DS_VALUE_TYPE_LIST
             ? value.size
             : ds_value_expect (value, DS_VALUE_TYPE_TUPLE).size;
}

/**
 * ds_value_get_item: (skip)
 * @value: a tuple or list
 * @index: which item, from 0
 *
 * Reads an item.  Past the last one there is null.
 *
 * Returns: the item, valid as long as @value is
 */
static inline DsValue
ds_value_get_item (DsValue value, guint index)
{
  return G_LIKELY (index < ds_value_get_n_items (value)) ? value.as.items[index]
                                                         : ds_value_null ();
}

/**
 * ds_value_is_pair: (skip)
 * @value: any value
 *
 * Tells whether @value is a tuple of two.
 *
 * Returns: %TRUE when it is
 */
static inline gboolean
ds_value_is_pair (DsValue value)
{
  return value.type == DS_VALUE_TYPE_TUPLE && value.size == 2;
}

/**
 * ds_pair_key: (skip)
 * @pair: a tuple of two
 *
 * Reads the first of two: two loads and a compare.  Anything else fails the running task,
 * see ds_value_expect ().
 *
 * Returns: the key, null for anything else
 */
static inline DsValue
ds_pair_key (DsValue pair)
{
  return G_LIKELY (ds_value_is_pair (pair))
             ? pair.as.items[0]
             : ds_value_wrong_type (pair, DS_VALUE_TYPE_TUPLE);
}

/**
 * ds_pair_value: (skip)
 * @pair: a tuple of two
 *
 * Reads the second of two: two loads and a compare.  Anything else fails the running
 * task, see ds_value_expect ().
 *
 * Returns: the value, null for anything else
 */
static inline DsValue
ds_pair_value (DsValue pair)
{
  return G_LIKELY (ds_value_is_pair (pair))
             ? pair.as.items[1]
             : ds_value_wrong_type (pair, DS_VALUE_TYPE_TUPLE);
}

#endif /* __GI_SCANNER__ */

/* ---- Text without copying: the results are slices of @text ---- */

/* Field @index (from 0) of @text cut at @separator; null when there are not so many. */
DS_AVAILABLE_IN_ALL
DsValue ds_value_get_field (DsValue text, char separator, guint index);
DS_AVAILABLE_IN_ALL
DsValue ds_value_strip (DsValue text);
DS_AVAILABLE_IN_ALL
gboolean ds_value_contains (DsValue text, const char *part);
DS_AVAILABLE_IN_ALL
gboolean ds_value_has_prefix (DsValue text, const char *prefix);
DS_AVAILABLE_IN_ALL
gboolean ds_value_equals_string (DsValue text, const char *string);

/* Null when @text is not wholly such a number; never fails the task. */
DS_AVAILABLE_IN_ALL
DsValue ds_value_parse_int (DsValue text);
DS_AVAILABLE_IN_ALL
DsValue ds_value_parse_double (DsValue text);

/* ---- Every type ---- */

/* Equality of keys: int 1 and double 1.0 differ; -0.0 equals 0.0; NaN equals NaN. */
DS_AVAILABLE_IN_ALL
gboolean ds_value_equal (DsValue a, DsValue b);
/* A total order: by type in the order of DsValueType, then by value; strings by bytes. */
DS_AVAILABLE_IN_ALL
int ds_value_compare (DsValue a, DsValue b);
/* The same on every machine and run. */
DS_AVAILABLE_IN_ALL
guint64 ds_value_hash (DsValue value);

/* (hello,2)  [1, 2]  null  1.0  0xff00: as print shows it.  (transfer full) */
DS_AVAILABLE_IN_ALL
char *ds_value_to_string (DsValue value);
/* The bytes of a string or bytes value with a closing NUL.  (transfer full) */
DS_AVAILABLE_IN_ALL
char *ds_value_dup_string (DsValue value);
/* (transfer full), floating; the bridge for bindings. */
DS_AVAILABLE_IN_ALL
GVariant *ds_value_to_variant (DsValue value);

G_END_DECLS
