/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Ready-made functions on text.  Words, fields and stripped texts are slices of what they
 * come from; only what changes bytes (case) takes memory from the task. */

#include "base/ds-error.h"
#include "base/ds-splitter-private.h"
#include "base/ds-value-private.h"
#include "rdd/ds-functions.h"
#include "rdd/ds-narrow-private.h"
#include "rdd/ds-task-private.h"

/* Length of the UTF-8 character at @bytes; 1 for a byte that begins none. */
static gsize
ds_text_character_length (const char *bytes, gsize n_bytes)
{
  if ((guint8) *bytes < 0x80)
    return 1;

  gunichar character = g_utf8_get_char_validated (bytes, (gssize) n_bytes);

  if (character == (gunichar) -1 || character == (gunichar) -2)
    return 1;
  return (gsize) g_unichar_to_utf8 (character, NULL);
}

/* Where the words or lines of a scan go: straight into the columns of the running
 * operator when it emits single values, else through a few on the stack. */
typedef gsize (*DsScanFunc) (const char *text,
                             gsize n_bytes,
                             gsize *offset,
                             DsValue *values,
                             gsize max_values);

static inline void
ds_emit_scan (DsTask *task, const char *bytes, gsize n_bytes, DsScanFunc scan)
{
  DsEmitter *emitter;
  gsize offset = 0;

  g_return_if_fail (task != NULL);

  emitter = task->emitter;
  if (G_LIKELY (emitter != NULL && emitter->key == NULL))
    {
      if (emitter->n_values == 0)
        emitter->form = DS_FORM_VALUES;
      while (G_LIKELY (emitter->form == DS_FORM_VALUES) && offset < n_bytes)
        {
          if (emitter->n_values > DS_CHUNK_MAX_VALUES - DS_SPLITTER_ROOM)
            {
              if (!ds_emitter_flush (emitter))
                return;
              emitter->form = DS_FORM_VALUES;
            }

          gsize n_found =
              scan (bytes, n_bytes, &offset, emitter->values + emitter->n_values,
                    DS_CHUNK_MAX_VALUES - emitter->n_values);

          if (n_found == 0)
            return;
          emitter->n_values += (guint) n_found;
        }
    }
  while (offset < n_bytes)
    {
      DsValue found[64];
      gsize n_found = scan (bytes, n_bytes, &offset, found, G_N_ELEMENTS (found));

      if (n_found == 0)
        return;
      ds_task_emit_values (task, found, n_found);
    }
}

/**
 * ds_split_words: (skip)
 * @text: a string
 * @task: the running task
 * @unused: nothing
 *
 * A #DsFlatMapFunc: emits the words of @text, in order.
 *
 * Words are parted by runs of ASCII white space (space, \t, \n, \v, \f, \r); there are no
 * empty ones, and all other bytes belong to words.  They are slices of @text: nothing is
 * copied.  The engine knows this function and scans whole blocks of lines at once.
 */
void
ds_split_words (DsValue text, DsTask *task, gpointer unused)
{
  gsize n_bytes;
  const char *bytes = ds_value_get_string (text, &n_bytes);

  ds_emit_scan (task, bytes, n_bytes, ds_split_words_scan);
}

static gsize
ds_split_lines_strip_cr (const char *text,
                         gsize n_bytes,
                         gsize *offset,
                         DsValue *values,
                         gsize max_values)
{
  return ds_split_lines_scan (text, n_bytes, offset, TRUE, values, max_values);
}

/**
 * ds_split_lines: (skip)
 * @text: a string
 * @task: the running task
 * @unused: nothing
 *
 * A #DsFlatMapFunc: emits the lines of @text, in order, without their ends (\n or \r\n).
 *
 * Empty lines are lines; what follows the last \n is one when it is not empty.  Lines are
 * slices of @text.
 */
void
ds_split_lines (DsValue text, DsTask *task, gpointer unused)
{
  gsize n_bytes;
  const char *bytes = ds_value_get_string (text, &n_bytes);

  ds_emit_scan (task, bytes, n_bytes, ds_split_lines_strip_cr);
}

/**
 * ds_split_fields: (skip)
 * @text: a string
 * @task: the running task
 * @separators: (nullable): a NUL-terminated string of separators, each one byte, as ","
 * or
 *   ",;"; %NULL: ","
 *
 * A #DsFlatMapFunc: emits the fields of @text, cut at each of @separators.
 *
 * There is always one field more than separators; fields may be empty.  They are slices
 * of @text.
 */
void
ds_split_fields (DsValue text, DsTask *task, gpointer separators)
{
  const char *stops = separators != NULL ? separators : ",";
  gsize n_bytes;
  const char *bytes = ds_value_get_string (text, &n_bytes);
  gsize start = 0;

  for (gsize i = 0; i < n_bytes; i++)
    if (bytes[i] != '\0' && strchr (stops, bytes[i]) != NULL)
      {
        ds_task_emit (task, ds_value_string_sized (bytes + start, (guint32) (i - start)));
        start = i + 1;
      }
  ds_task_emit (task, ds_value_string_sized (bytes + start, (guint32) (n_bytes - start)));
}

/**
 * ds_split_chars: (skip)
 * @text: a string
 * @task: the running task
 * @unused: nothing
 *
 * A #DsFlatMapFunc: emits the UTF-8 characters of @text, each as a string.
 *
 * A byte that belongs to no valid character is emitted by itself.
 */
void
ds_split_chars (DsValue text, DsTask *task, gpointer unused)
{
  gsize n_bytes;
  const char *bytes = ds_value_get_string (text, &n_bytes);

  for (gsize i = 0; i < n_bytes;)
    {
      gsize length = ds_text_character_length (bytes + i, n_bytes - i);

      ds_task_emit (task, ds_value_string_sized (bytes + i, (guint32) length));
      i += length;
    }
}

/**
 * ds_to_length: (skip)
 * @value: a string, bytes, a tuple or a list
 * @task: the running task
 * @unused: nothing
 *
 * A #DsMapFunc: how long @value is.
 *
 * Returns: characters of a string (a byte of no valid UTF-8 character counts as one),
 *   bytes of bytes, items of a tuple or list, as an int
 */
DsValue
ds_to_length (DsValue value, DsTask *task, gpointer unused)
{
  if (ds_value_is (value, DS_VALUE_TYPE_TUPLE) || ds_value_is (value, DS_VALUE_TYPE_LIST))
    return ds_value_int (ds_value_get_n_items (value));
  if (ds_value_is (value, DS_VALUE_TYPE_BYTES))
    return ds_value_int (value.size);

  gsize n_bytes;
  const char *bytes = ds_value_get_string (value, &n_bytes);
  gint64 n_characters = 0;

  for (gsize i = 0; i < n_bytes; n_characters++)
    i += ds_text_character_length (bytes + i, n_bytes - i);
  return ds_value_int (n_characters);
}

/* Maps each character; the result may have more bytes than the text. */
static DsValue
ds_text_map_characters (DsValue text, DsTask *task, gunichar (*map) (gunichar))
{
  gsize n_bytes;
  const char *bytes = ds_value_get_string (text, &n_bytes);
  char *mapped;
  gsize n_mapped = 0;

  g_return_val_if_fail (task != NULL, ds_value_null ());

  /* No case pair has more than three times the bytes. */
  mapped = ds_task_alloc (task, 3 * n_bytes);
  for (gsize i = 0; i < n_bytes;)
    {
      gsize length = ds_text_character_length (bytes + i, n_bytes - i);

      if (length == 1 && (guint8) bytes[i] >= 0x80)
        mapped[n_mapped++] = bytes[i];
      else
        n_mapped += (gsize) g_unichar_to_utf8 (map (g_utf8_get_char (bytes + i)),
                                               mapped + n_mapped);
      i += length;
    }
  if (n_mapped > G_MAXUINT32)
    return ds_task_fail (task, "a text of %" G_GSIZE_FORMAT " bytes is too long",
                         n_mapped);
  return ds_value_string_sized (mapped, (guint32) n_mapped);
}

/**
 * ds_to_lower: (skip)
 * @text: a string
 * @task: the running task
 * @unused: nothing
 *
 * A #DsMapFunc: @text in lower case, character by character as Unicode says, whatever the
 * locale.  Bytes that are no valid UTF-8 stay.
 *
 * Returns: a string in memory of the task
 */
DsValue
ds_to_lower (DsValue text, DsTask *task, gpointer unused)
{
  return ds_text_map_characters (text, task, g_unichar_tolower);
}

/**
 * ds_to_upper: (skip)
 * @text: a string
 * @task: the running task
 * @unused: nothing
 *
 * A #DsMapFunc: @text in upper case, as ds_to_lower () does it.
 *
 * Returns: a string in memory of the task
 */
DsValue
ds_to_upper (DsValue text, DsTask *task, gpointer unused)
{
  return ds_text_map_characters (text, task, g_unichar_toupper);
}

/**
 * ds_to_stripped: (skip)
 * @text: a string
 * @task: the running task
 * @unused: nothing
 *
 * A #DsMapFunc: @text without ASCII white space at both ends.
 *
 * Returns: a slice of @text
 */
DsValue
ds_to_stripped (DsValue text, DsTask *task, gpointer unused)
{
  return ds_value_strip (text);
}

/**
 * ds_to_string: (skip)
 * @value: any value
 * @task: the running task
 * @unused: nothing
 *
 * A #DsMapFunc: the printed form of @value.
 *
 * Returns: @value itself when it is a string, else a string in memory of the task
 */
DsValue
ds_to_string (DsValue value, DsTask *task, gpointer unused)
{
  if (ds_value_is (value, DS_VALUE_TYPE_STRING))
    return value;
  if (ds_value_is (value, DS_VALUE_TYPE_INT))
    return ds_string_printf (task, "%" G_GINT64_FORMAT, value.as.integer);

  g_autoptr (GString) text = g_string_new (NULL);
  char *copy;

  g_return_val_if_fail (task != NULL, ds_value_null ());

  /* A string inside may have NUL bytes. */
  ds_value_append_to_string (value, text, FALSE);
  if (text->len > G_MAXUINT32)
    return ds_task_fail (task, "a text of %" G_GSIZE_FORMAT " bytes is too long",
                         text->len);
  copy = ds_task_alloc (task, text->len);
  memcpy (copy, text->str, text->len);
  return ds_value_string_sized (copy, (guint32) text->len);
}

/**
 * ds_parse_int: (skip)
 * @text: a string
 * @task: the running task
 * @unused: nothing
 *
 * A #DsMapFunc: the decimal int that @text is; anything else fails the task.
 * ds_value_parse_int () gives null instead.
 *
 * Returns: an int
 */
DsValue
ds_parse_int (DsValue text, DsTask *task, gpointer unused)
{
  DsValue number = ds_value_parse_int (text);

  if (ds_value_is_null (number))
    return ds_task_fail (task, "expected a decimal number of 64 bits");
  return number;
}

/**
 * ds_parse_double: (skip)
 * @text: a string
 * @task: the running task
 * @unused: nothing
 *
 * A #DsMapFunc: the number that @text is; anything else fails the task.
 * ds_value_parse_double () gives null instead.
 *
 * Returns: a double
 */
DsValue
ds_parse_double (DsValue text, DsTask *task, gpointer unused)
{
  DsValue number = ds_value_parse_double (text);

  if (ds_value_is_null (number))
    return ds_task_fail (task, "expected a decimal number");
  return number;
}

/**
 * ds_is_not_empty: (skip)
 * @text: a string, bytes, a tuple or a list
 * @task: the running task
 * @unused: nothing
 *
 * A #DsFilterFunc: keeps what has at least one byte or item.
 *
 * Returns: whether it has
 */
gboolean
ds_is_not_empty (DsValue text, DsTask *task, gpointer unused)
{
  if (ds_value_is (text, DS_VALUE_TYPE_TUPLE) || ds_value_is (text, DS_VALUE_TYPE_LIST) ||
      ds_value_is (text, DS_VALUE_TYPE_BYTES))
    return text.size > 0;
  return ds_value_expect (text, DS_VALUE_TYPE_STRING).size > 0;
}

#define DS_WITHOUT_TEXT "has no text to look for: its user_data is NULL; pass the text"

char *
ds_function_check_user_data (GCallback func, gpointer user_data)
{
  if (user_data != NULL)
    return NULL;
  if (func == G_CALLBACK (ds_contains))
    return g_strdup ("ds_contains " DS_WITHOUT_TEXT);
  if (func == G_CALLBACK (ds_has_prefix))
    return g_strdup ("ds_has_prefix " DS_WITHOUT_TEXT);
  return NULL;
}

static void
ds_function_fail_without_text (DsTask *task, const char *name)
{
  ds_task_take_error (task, g_error_new (DS_ERROR, DS_ERROR_INVALID_ARGUMENT,
                                         "%s " DS_WITHOUT_TEXT, name));
}

/**
 * ds_contains: (skip)
 * @text: a string
 * @task: the running task
 * @part: a NUL-terminated string
 *
 * A #DsFilterFunc: keeps texts in which the bytes of @part occur.  Without a @part the
 * task fails; a stream refuses it before.
 *
 * Returns: whether they do
 */
gboolean
ds_contains (DsValue text, DsTask *task, gpointer part)
{
  if (G_UNLIKELY (part == NULL))
    {
      ds_function_fail_without_text (task, "ds_contains");
      return FALSE;
    }
  return ds_value_contains (text, part);
}

/**
 * ds_has_prefix: (skip)
 * @text: a string
 * @task: the running task
 * @prefix: a NUL-terminated string
 *
 * A #DsFilterFunc: keeps texts that begin with the bytes of @prefix.  Without a @prefix
 * the task fails; a stream refuses it before.
 *
 * Returns: whether @text does
 */
gboolean
ds_has_prefix (DsValue text, DsTask *task, gpointer prefix)
{
  if (G_UNLIKELY (prefix == NULL))
    {
      ds_function_fail_without_text (task, "ds_has_prefix");
      return FALSE;
    }
  return ds_value_has_prefix (text, prefix);
}
