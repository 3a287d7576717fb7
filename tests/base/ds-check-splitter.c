/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/base/ds-check-splitter-private.h"

#include <string.h>

#define GUARD ((gint64) 0x5ca1ab1e5ca1ab1e)

static gboolean
naive_is_white (char byte)
{
  return byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0b || byte == 0x0c ||
         byte == 0x0d;
}

static gsize
naive_split_words (const char *text, gsize n_bytes, gsize offset, DsSlice *slices)
{
  gsize n_slices = 0;
  gboolean in_word = FALSE;

  for (gsize i = offset; i < n_bytes; i++)
    {
      if (naive_is_white (text[i]))
        in_word = FALSE;
      else if (in_word)
        slices[n_slices - 1].n_bytes++;
      else
        {
          slices[n_slices++] = (DsSlice){ i, 1 };
          in_word = TRUE;
        }
    }
  return n_slices;
}

gsize
ds_naive_split_lines (const char *text,
                      gsize n_bytes,
                      gsize offset,
                      gboolean strip_cr,
                      DsSlice *slices)
{
  gsize n_slices = 0;
  gsize start = offset;

  for (gsize i = offset; i < n_bytes; i++)
    {
      if (text[i] != '\n')
        continue;
      slices[n_slices] = (DsSlice){ start, i - start };
      if (strip_cr && i > start && text[i - 1] == '\r')
        slices[n_slices].n_bytes--;
      n_slices++;
      start = i + 1;
    }
  if (start < n_bytes)
    slices[n_slices++] = (DsSlice){ start, n_bytes - start };
  return n_slices;
}

/* The same from the scanners, @max at a time; checks that nothing past @max is written.
 */
static gsize
scan_all (const char *text,
          gsize n_bytes,
          gsize offset,
          gboolean lines,
          gboolean strip_cr,
          gsize max,
          DsSlice *slices)
{
  g_autofree DsValue *values = g_new (DsValue, max + 1);
  gsize n_slices = 0;

  values[max] = ds_value_int (GUARD);
  for (;;)
    {
      gsize before = offset;
      gsize n = lines
                    ? ds_split_lines_scan (text, n_bytes, &offset, strip_cr, values, max)
                    : ds_split_words_scan (text, n_bytes, &offset, values, max);

      g_assert_cmpuint (n, <=, max);
      g_assert_cmpint (values[max].as.integer, ==, GUARD);
      g_assert_cmpuint (offset, <=, n_bytes);
      g_assert_cmpuint (offset, >=, before);
      if (n == 0)
        break;

      for (gsize i = 0; i < n; i++)
        {
          g_assert_true (ds_value_is (values[i], DS_VALUE_TYPE_STRING));
          g_assert_cmpuint (n_slices, <, DS_CHECK_MAX_SLICES);
          slices[n_slices].start = (gsize) (values[i].as.bytes - text);
          slices[n_slices].n_bytes = values[i].size;
          n_slices++;
        }
      g_assert_cmpuint (slices[n_slices - 1].start + slices[n_slices - 1].n_bytes, <=,
                        offset);
    }
  g_assert_cmpuint (offset, ==, n_bytes);
  return n_slices;
}

static void
assert_slices (const DsSlice *found,
               gsize n_found,
               const DsSlice *expected,
               gsize n_expected)
{
  g_assert_cmpuint (n_found, ==, n_expected);
  for (gsize i = 0; i < n_found; i++)
    {
      g_assert_cmpuint (found[i].start, ==, expected[i].start);
      g_assert_cmpuint (found[i].n_bytes, ==, expected[i].n_bytes);
    }
}

void
ds_check_splitter (const char *text, gsize n_bytes, gsize offset, gsize max)
{
  static DsSlice found[DS_CHECK_MAX_SLICES], expected[DS_CHECK_MAX_SLICES];
  /* The last byte of the text is the last byte of its memory. */
  g_autofree char *exact = g_malloc (n_bytes > 0 ? n_bytes : 1);
  gsize n_found, n_expected;

  memcpy (exact, text, n_bytes);
  n_found = scan_all (exact, n_bytes, offset, FALSE, FALSE, max, found);
  n_expected = naive_split_words (exact, n_bytes, offset, expected);
  assert_slices (found, n_found, expected, n_expected);

  for (int strip_cr = 0; strip_cr < 2; strip_cr++)
    {
      n_found = scan_all (exact, n_bytes, offset, TRUE, strip_cr, max, found);
      n_expected = ds_naive_split_lines (exact, n_bytes, offset, strip_cr, expected);
      assert_slices (found, n_found, expected, n_expected);
    }
  n_expected =
      ds_naive_split_lines (exact + offset, n_bytes - offset, 0, FALSE, expected);
  g_assert_cmpuint (ds_count_lines (exact + offset, n_bytes - offset), ==, n_expected);
}
