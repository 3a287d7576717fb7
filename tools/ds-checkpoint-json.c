/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Values as JSON, one to one: what JSON has no form for becomes an object with one
 * member, whose name begins with $.  Values have no maps, so nothing else is an object.
 */

#include "tools/ds-checkpoint-private.h"

#include "base/ds-value-number-private.h"

#include <math.h>

void
checkpoint_append_json_string (const char *bytes, gsize n_bytes, GString *text)
{
  g_string_append_c (text, '"');
  for (gsize i = 0; i < n_bytes; i++)
    {
      guchar byte = (guchar) bytes[i];

      if (byte == '"' || byte == '\\')
        g_string_append_c (text, '\\');
      /* Control characters, which must not steer a terminal; of UTF-8 the C1 ones. */
      if (byte < 0x20 || byte == 0x7f)
        g_string_append_printf (text, "\\u%04x", byte);
      else if (byte == 0xc2 && i + 1 < n_bytes && (guchar) bytes[i + 1] < 0xa0)
        g_string_append_printf (text, "\\u%04x", (guchar) bytes[++i]);
      else
        g_string_append_c (text, (char) byte);
    }
  g_string_append_c (text, '"');
}

static void
checkpoint_append_base64 (const char *member, DsValue value, GString *text)
{
  g_autofree char *encoded =
      value.size > 0 ? g_base64_encode ((const guchar *) value.as.bytes, value.size)
                     : g_strdup ("");

  g_string_append_printf (text, "{\"%s\": \"%s\"}", member, encoded);
}

static void
checkpoint_append_double (double number, GString *text)
{
  char digits[DS_NUMBER_MAX_DOUBLE];

  if (isnan (number))
    g_string_append (text, "{\"$double\": \"NaN\"}");
  else if (isinf (number))
    g_string_append_printf (text, "{\"$double\": \"%sInfinity\"}", number < 0 ? "-" : "");
  else
    {
      ds_number_print_double (number, digits);
      g_string_append (text, digits);
    }
}

static void
checkpoint_append_items (DsValue value, GString *text)
{
  g_string_append_c (text, '[');
  for (guint32 i = 0; i < value.size; i++)
    {
      if (i > 0)
        g_string_append (text, ", ");
      checkpoint_append_json (value.as.items[i], text);
    }
  g_string_append_c (text, ']');
}

void
checkpoint_append_json (DsValue value, GString *text)
{
  char digits[DS_NUMBER_MAX_INT];

  switch (ds_value_type_of (value))
    {
    case DS_VALUE_TYPE_BOOL:
      g_string_append (text, value.as.integer != 0 ? "true" : "false");
      break;
    case DS_VALUE_TYPE_INT:
      ds_number_print_int (value.as.integer, digits);
      g_string_append (text, digits);
      break;
    case DS_VALUE_TYPE_DOUBLE:
      checkpoint_append_double (value.as.number, text);
      break;
    case DS_VALUE_TYPE_STRING:
      if (value.size == 0 || g_utf8_validate_len (value.as.bytes, value.size, NULL))
        checkpoint_append_json_string (value.as.bytes, value.size, text);
      else
        checkpoint_append_base64 ("$string", value, text);
      break;
    case DS_VALUE_TYPE_BYTES:
      checkpoint_append_base64 ("$bytes", value, text);
      break;
    case DS_VALUE_TYPE_LIST:
      checkpoint_append_items (value, text);
      break;
    case DS_VALUE_TYPE_TUPLE:
      g_string_append (text, "{\"$tuple\": ");
      checkpoint_append_items (value, text);
      g_string_append_c (text, '}');
      break;
    case DS_VALUE_TYPE_NULL:
    default:
      g_string_append (text, "null");
      break;
    }
}
