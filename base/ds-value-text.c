/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Looking into text without copying it: whatever these return points into the text that
 * was given. */

#include "base/ds-value.h"

#include "base/ds-value-number-private.h"

static gboolean
ds_value_is_space (char character)
{
  return character == ' ' || (character >= '\t' && character <= '\r');
}

/**
 * ds_value_get_field: (skip)
 * @text: a string
 * @separator: the byte between two fields
 * @index: which field, from 0
 *
 * One field of a line.
 *
 * Every separator counts: two in a row have an empty field between them, and an empty
 * text has one empty field.  Goes through the text from its start, so reading all fields
 * of a long line one by one is quadratic; ds_split_fields () is not.  Another type than
 * string fails the running task.
 *
 * Returns: the field as a slice of @text, null when there are not so many
 */
DsValue
ds_value_get_field (DsValue text, char separator, guint index)
{
  gsize n_bytes;
  const char *bytes = ds_value_get_string (text, &n_bytes);
  const char *end = bytes + n_bytes;
  const char *field_end;

  if (!ds_value_is (text, DS_VALUE_TYPE_STRING))
    return ds_value_null ();

  for (;;)
    {
      field_end = memchr (bytes, separator, (gsize) (end - bytes));
      if (index == 0)
        break;
      if (field_end == NULL)
        return ds_value_null ();
      bytes = field_end + 1;
      index--;
    }
  if (field_end == NULL)
    field_end = end;
  return ds_value_string_sized (bytes, (guint32) (field_end - bytes));
}

/**
 * ds_value_strip: (skip)
 * @text: a string
 *
 * Cuts off ASCII white space (space, \t, \n, \v, \f, \r) at both ends.
 *
 * Another type than string fails the running task and gives an empty string.
 *
 * Returns: a slice of @text
 */
DsValue
ds_value_strip (DsValue text)
{
  gsize n_bytes;
  const char *bytes = ds_value_get_string (text, &n_bytes);

  while (n_bytes > 0 && ds_value_is_space (bytes[0]))
    {
      bytes++;
      n_bytes--;
    }
  while (n_bytes > 0 && ds_value_is_space (bytes[n_bytes - 1]))
    n_bytes--;
  return ds_value_string_sized (bytes, (guint32) n_bytes);
}

/**
 * ds_value_contains: (skip)
 * @text: a string
 * @part: what to look for; the empty string is part of every string
 *
 * Compares bytes.  Another type than string fails the running task.
 *
 * Returns: whether @part occurs in @text
 */
gboolean
ds_value_contains (DsValue text, const char *part)
{
  gsize n_bytes;
  const char *bytes = ds_value_get_string (text, &n_bytes);

  g_return_val_if_fail (part != NULL, FALSE);

  return memmem (bytes, n_bytes, part, strlen (part)) != NULL &&
         ds_value_is (text, DS_VALUE_TYPE_STRING);
}

/**
 * ds_value_has_prefix: (skip)
 * @text: a string
 * @prefix: how it may begin
 *
 * Compares bytes.  Another type than string fails the running task.
 *
 * Returns: whether @text begins with @prefix
 */
gboolean
ds_value_has_prefix (DsValue text, const char *prefix)
{
  gsize n_bytes;
  gsize n_prefix;
  const char *bytes = ds_value_get_string (text, &n_bytes);

  g_return_val_if_fail (prefix != NULL, FALSE);

  n_prefix = strlen (prefix);
  return n_prefix <= n_bytes && memcmp (bytes, prefix, n_prefix) == 0 &&
         ds_value_is (text, DS_VALUE_TYPE_STRING);
}

/**
 * ds_value_equals_string: (skip)
 * @text: any value
 * @string: what it may be
 *
 * Never fails the task: a value of another type than string is simply not equal, as a
 * field that a line does not have.
 *
 * Returns: whether @text is the string @string
 */
gboolean
ds_value_equals_string (DsValue text, const char *string)
{
  gsize n_bytes;

  g_return_val_if_fail (string != NULL, FALSE);

  if (!ds_value_is (text, DS_VALUE_TYPE_STRING))
    return FALSE;
  n_bytes = strlen (string);
  return text.size == n_bytes &&
         (n_bytes == 0 || memcmp (text.as.bytes, string, n_bytes) == 0);
}

/**
 * ds_value_parse_int: (skip)
 * @text: any value
 *
 * Reads a string that is wholly a decimal integer: an optional sign, then digits.
 *
 * White space around it is not taken (ds_value_strip () it), nor are points, exponents
 * and prefixes.  A number outside of -9223372036854775808 to 9223372036854775807 is not
 * cut and does not wrap around: it is null, as is everything that is no such text.  Never
 * fails the task.
 *
 * Returns: an int, or null
 */
DsValue
ds_value_parse_int (DsValue text)
{
  gint64 integer;

  if (!ds_value_is (text, DS_VALUE_TYPE_STRING) ||
      !ds_number_parse_int (text.as.bytes, text.size, &integer))
    return ds_value_null ();
  return ds_value_int (integer);
}

/**
 * ds_value_parse_double: (skip)
 * @text: any value
 *
 * Reads a string that is wholly a decimal number: an optional sign, digits with at most
 * one point, an optional exponent; or `inf`, `-inf`, `nan`.  The point is a point in
 * every locale.
 *
 * The nearest double is taken.  A number too large for any double is null, one too small
 * is 0.0; everything that is no such text is null.  Never fails the task.
 *
 * Returns: a double, or null
 */
DsValue
ds_value_parse_double (DsValue text)
{
  double number;

  if (!ds_value_is (text, DS_VALUE_TYPE_STRING) ||
      !ds_number_parse_double (text.as.bytes, text.size, &number))
    return ds_value_null ();
  return ds_value_double (number);
}
