/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The one printed form of values, for output, files, messages and pages.
 *
 * The escaped form is for terminals and pages, which a record must not be able to steer:
 * control characters (the C1 ones of UTF-8 as well) and bytes that are no UTF-8 show as
 * escapes.  Backslashes stay as they are: the form is for reading, not for parsing. */

#include "base/ds-value-number-private.h"
#include "base/ds-value-private.h"

typedef struct
{
  GString *text;
  gboolean escape;
  gsize max_bytes; /* printing may stop once the text is longer */
} DsValuePrinter;

static gboolean
ds_value_printer_is_full (const DsValuePrinter *self)
{
  return self->text->len > self->max_bytes;
}

/* At most so many more bytes of any string can show.  A character that is cut by this
 * lies wholly behind what is kept. */
static gsize
ds_value_printer_get_room (const DsValuePrinter *self)
{
  return ds_value_printer_is_full (self) ? 0 : self->max_bytes - self->text->len + 4;
}

static void
ds_value_append_control (GString *text, gunichar control)
{
  switch (control)
    {
    case '\n':
      g_string_append (text, "\\n");
      break;
    case '\r':
      g_string_append (text, "\\r");
      break;
    case '\t':
      g_string_append (text, "\\t");
      break;
    default:
      g_string_append_printf (text, control < 0x80 ? "\\x%02x" : "\\u%04x", control);
      break;
    }
}

static gboolean
ds_value_is_control (gunichar character)
{
  return character < 0x20 || (character >= 0x7f && character < 0xa0);
}

/* How many bytes from @bytes on are plain ASCII. */
static gsize
ds_value_count_plain (const char *bytes, gsize n_bytes)
{
  gsize n = 0;

  while (n < n_bytes && bytes[n] >= 0x20 && bytes[n] < 0x7f)
    n++;
  return n;
}

static void
ds_value_append_escaped (DsValuePrinter *printer, const char *bytes, gsize n_bytes)
{
  const char *end = bytes + n_bytes;

  while (bytes < end && !ds_value_printer_is_full (printer))
    {
      gsize n_plain = ds_value_count_plain (bytes, (gsize) (end - bytes));
      gunichar character;

      g_string_append_len (printer->text, bytes, (gssize) n_plain);
      bytes += n_plain;
      if (bytes == end)
        return;

      /* It takes a NUL for the end of the text. */
      character = *bytes == '\0' ? 0 : g_utf8_get_char_validated (bytes, end - bytes);
      if (character == (gunichar) -1 || character == (gunichar) -2)
        {
          g_string_append_printf (printer->text, "\\x%02x", (guint) (guchar) *bytes);
          bytes++;
          continue;
        }
      if (ds_value_is_control (character))
        ds_value_append_control (printer->text, character);
      else
        g_string_append_unichar (printer->text, character);
      bytes += character == 0 ? 1 : g_unichar_to_utf8 (character, NULL);
    }
}

static void
ds_value_append_hex (DsValuePrinter *printer, const guint8 *bytes, gsize n_bytes)
{
  static const char digits[] = "0123456789abcdef";

  g_string_append (printer->text, "0x");
  for (gsize i = 0; i < n_bytes && !ds_value_printer_is_full (printer); i++)
    {
      g_string_append_c (printer->text, digits[bytes[i] >> 4]);
      g_string_append_c (printer->text, digits[bytes[i] & 15]);
    }
}

static void
ds_value_append_string_bytes (DsValuePrinter *printer, const char *bytes, gsize n_bytes)
{
  gsize n_shown = MIN (n_bytes, ds_value_printer_get_room (printer));

  if (printer->escape)
    ds_value_append_escaped (printer, bytes, n_shown);
  else
    g_string_append_len (printer->text, bytes, (gssize) n_shown);
}

static void
ds_value_append_int (GString *text, gint64 integer)
{
  char digits[24];

  g_string_append_len (text, digits, (gssize) ds_number_print_int (integer, digits));
}

static void ds_value_append (DsValuePrinter *printer, DsValue value);

static void
ds_value_append_items (DsValuePrinter *printer,
                       DsValue value,
                       const char *open,
                       const char *separator,
                       const char *close)
{
  g_string_append (printer->text, open);
  for (guint32 i = 0; i < value.size && !ds_value_printer_is_full (printer); i++)
    {
      if (i > 0)
        g_string_append (printer->text, separator);
      ds_value_append (printer, value.as.items[i]);
    }
  g_string_append (printer->text, close);
}

static void
ds_value_append (DsValuePrinter *printer, DsValue value)
{
  char number[DS_NUMBER_MAX_DOUBLE];

  switch (ds_value_type_of (value))
    {
    case DS_VALUE_TYPE_BOOL:
      g_string_append (printer->text, value.as.integer != 0 ? "true" : "false");
      break;

    case DS_VALUE_TYPE_INT:
      ds_value_append_int (printer->text, value.as.integer);
      break;

    case DS_VALUE_TYPE_DOUBLE:
      ds_number_print_double (value.as.number, number);
      g_string_append (printer->text, number);
      break;

    case DS_VALUE_TYPE_STRING:
      ds_value_append_string_bytes (printer, value.as.bytes, value.size);
      break;

    case DS_VALUE_TYPE_BYTES:
      ds_value_append_hex (printer, (const guint8 *) value.as.bytes, value.size);
      break;

    case DS_VALUE_TYPE_TUPLE:
      ds_value_append_items (printer, value, "(", ",", ")");
      break;

    case DS_VALUE_TYPE_LIST:
      ds_value_append_items (printer, value, "[", ", ", "]");
      break;

    case DS_VALUE_TYPE_NULL:
    default:
      g_string_append (printer->text, "null");
      break;
    }
}

void
ds_value_append_to_string (DsValue value, GString *text, gboolean escape)
{
  DsValuePrinter printer = { text, escape, G_MAXSSIZE };

  ds_value_append (&printer, value);
}

char *
ds_value_describe (DsValue value, gsize max_bytes)
{
  GString *text = g_string_new (NULL);
  DsValuePrinter printer = { text, TRUE, max_bytes };

  ds_value_append (&printer, value);
  if (text->len > max_bytes)
    {
      gsize n_kept = max_bytes;

      /* The text is UTF-8: back to where a character starts. */
      while (n_kept > 0 && ((guchar) text->str[n_kept] & 0xc0) == 0x80)
        n_kept--;
      g_string_truncate (text, n_kept);
      g_string_append (text, "...");
    }
  return g_string_free (text, FALSE);
}

/**
 * ds_value_to_string: (skip)
 * @value: any value
 *
 * The printed form: `(hello,2)`, `[1, 2]`, `null`, `true`, `1.0`, `0xff00`; strings as
 * they are.
 *
 * Doubles have the fewest digits that read back as the same number.  A string with NUL
 * bytes reads as shorter than it is.
 *
 * Returns: (transfer full): the text
 */
char *
ds_value_to_string (DsValue value)
{
  GString *text = g_string_new (NULL);

  ds_value_append_to_string (value, text, FALSE);
  return g_string_free (text, FALSE);
}

/**
 * ds_value_dup_string: (skip)
 * @value: a string or bytes
 *
 * The bytes of a value, for functions that want a C string.
 *
 * Any other type fails the running task and gives an empty string.
 *
 * Returns: (transfer full): the bytes with a closing NUL
 */
char *
ds_value_dup_string (DsValue value)
{
  gsize n_bytes;
  const char *bytes;

  if (ds_value_is (value, DS_VALUE_TYPE_BYTES))
    bytes = (const char *) ds_value_get_bytes (value, &n_bytes);
  else
    bytes = ds_value_get_string (value, &n_bytes);
  return g_strndup (bytes, n_bytes);
}
