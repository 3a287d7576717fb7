/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What ds_assert_block () does: it compares printed forms, so that a test reads as the
 * output that it expects, and shows both lists when they differ. */

#include "base/ds-block.h"

#include <stdarg.h>
#include <stdlib.h>

static int
ds_assert_compare_strings (const void *a, const void *b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

static GPtrArray *
ds_assert_print_values (DsBlock *block)
{
  GPtrArray *printed = g_ptr_array_new_with_free_func (g_free);
  gsize n_values;
  const DsValue *values = ds_block_get_values (block, &n_values);

  for (gsize i = 0; i < n_values; i++)
    g_ptr_array_add (printed, ds_value_to_string (values[i]));
  return printed;
}

static void
ds_assert_append_string (GString *text, const char *string)
{
  g_autofree char *valid = g_utf8_make_valid (string, -1);

  if (text->len > 0)
    g_string_append (text, ", ");
  g_string_append_c (text, '"');
  for (char *c = valid; *c != '\0'; c = g_utf8_next_char (c))
    {
      gunichar character = g_utf8_get_char (c);

      if (g_unichar_iscntrl (character))
        g_string_append_printf (text, "\\x%02x", character);
      else
        g_string_append_unichar (text, character);
    }
  g_string_append_c (text, '"');
}

static char *
ds_assert_list (GPtrArray *strings)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < strings->len; i++)
    ds_assert_append_string (text, strings->pdata[i]);
  return g_string_free (text, FALSE);
}

/* What one sorted list has and the other has not, each as often as it is too many. */
static char *
ds_assert_list_difference (GPtrArray *sorted, GPtrArray *other)
{
  GString *text = g_string_new (NULL);
  guint j = 0;

  for (guint i = 0; i < sorted->len; i++)
    {
      while (j < other->len && strcmp (other->pdata[j], sorted->pdata[i]) < 0)
        j++;
      if (j < other->len && strcmp (other->pdata[j], sorted->pdata[i]) == 0)
        j++;
      else
        ds_assert_append_string (text, sorted->pdata[i]);
    }
  return g_string_free (text, FALSE);
}

static gboolean
ds_assert_lists_equal (GPtrArray *a, GPtrArray *b)
{
  if (a->len != b->len)
    return FALSE;
  for (guint i = 0; i < a->len; i++)
    if (strcmp (a->pdata[i], b->pdata[i]) != 0)
      return FALSE;
  return TRUE;
}

static void
ds_assert_sort (GPtrArray *strings)
{
  if (strings->len > 1)
    qsort (strings->pdata, strings->len, sizeof *strings->pdata,
           ds_assert_compare_strings);
}

static char *
ds_assert_explain (GPtrArray *found, GPtrArray *expected, gboolean in_order)
{
  g_autofree char *found_list = ds_assert_list (found);
  g_autofree char *expected_list = ds_assert_list (expected);
  g_autofree char *missing = NULL;
  g_autofree char *surplus = NULL;

  ds_assert_sort (found);
  ds_assert_sort (expected);
  missing = ds_assert_list_difference (expected, found);
  surplus = ds_assert_list_difference (found, expected);
  return g_strdup_printf (
      "block expected %s: %u values [%s], found: %u values [%s]; missing: [%s], too "
      "many: [%s]",
      in_order ? "in this order" : "in any order", expected->len, expected_list,
      found->len, found_list, missing, surplus);
}

/**
 * ds_assertion_block: (skip)
 * @domain: log domain
 * @file: source file of the assertion
 * @line: its line
 * @func: its function
 * @block: a block
 * @in_order: whether the order counts
 * @...: the printed forms of the expected values, then %NULL
 *
 * What the macros ds_assert_block () and ds_assert_block_in_order () call.
 *
 * Values that differ fail the running test with a message that shows both lists, what is
 * missing and what is too many.
 */
void
ds_assertion_block (const char *domain,
                    const char *file,
                    int line,
                    const char *func,
                    DsBlock *block,
                    gboolean in_order,
                    ...)
{
  g_autoptr (GPtrArray) expected = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) found = NULL;
  g_autofree char *message = NULL;
  const char *string;
  va_list strings;

  va_start (strings, in_order);
  while ((string = va_arg (strings, const char *)) != NULL)
    g_ptr_array_add (expected, g_strdup (string));
  va_end (strings);

  if (block == NULL)
    {
      g_assertion_message (domain, file, line, func, "block expected, found NULL");
      return;
    }

  found = ds_assert_print_values (block);
  if (ds_assert_lists_equal (found, expected))
    return;
  message = ds_assert_explain (found, expected, in_order);
  /* Both are sorted now. */
  if (in_order || !ds_assert_lists_equal (found, expected))
    g_assertion_message (domain, file, line, func, message);
}
