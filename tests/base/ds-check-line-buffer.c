/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/base/ds-check-line-buffer-private.h"

#include <string.h>

/* ---- The same by a plain loop ---- */

/* Appends the lines of @bytes, each as a GBytes.  Returns how many are too long. */
static guint64
naive_lines (const char *bytes,
             gsize n_bytes,
             gsize max,
             DsLongLinePolicy policy,
             gboolean strip_cr,
             gboolean deliver_rest,
             GPtrArray *lines)
{
  guint64 n_skipped = 0;
  gsize start = 0;

  while (start < n_bytes)
    {
      gsize end = start;
      gsize next;
      gboolean is_ended, may_be_fine;

      while (end < n_bytes && bytes[end] != '\n')
        end++;
      is_ended = end < n_bytes;
      next = end + 1;
      if (is_ended && strip_cr && end > start && bytes[end - 1] == '\r')
        end--;

      /* Of a line that has not ended, a last \r may yet prove to belong to its end. */
      may_be_fine = !is_ended && !deliver_rest && strip_cr && bytes[end - 1] == '\r';
      while (policy == DS_LONG_LINE_SPLIT && end - start > max + may_be_fine)
        {
          g_ptr_array_add (lines, g_bytes_new (bytes + start, max));
          start += max;
        }
      if (end - start > max + may_be_fine)
        n_skipped++;
      else if (is_ended || deliver_rest)
        g_ptr_array_add (lines, g_bytes_new (bytes + start, end - start));
      start = next;
    }
  return n_skipped;
}

/* ---- Feeding a buffer ---- */

void
ds_put_bytes (DsLineBuffer *buffer, const char *bytes, gsize n_bytes)
{
  while (n_bytes > 0)
    {
      g_autoptr (GError) error = NULL;
      gsize n_room = 0;
      char *room = ds_line_buffer_prepare (buffer, &n_room);
      gsize n;

      g_assert_cmpuint (n_room, >, 0);
      n = MIN (n_room, n_bytes);
      memcpy (room, bytes, n);
      ds_line_buffer_commit (buffer, n, &error);
      g_assert_no_error (error);
      bytes += n;
      n_bytes -= n;
    }
}

void
ds_add_lines (DsBlock *block, GPtrArray *lines)
{
  gsize n_before = lines->len;
  gsize n_bytes = 0;
  gboolean strip_cr = FALSE;
  const char *text;

  if (block == NULL)
    return;

  g_assert_cmpint (ds_block_get_form (block), ==, DS_FORM_TEXT);
  text = ds_block_get_text (block, &n_bytes, &strip_cr);
  g_assert_cmpuint (n_bytes, >, 0);

  for (gsize start = 0; start < n_bytes;)
    {
      const char *line_end = memchr (text + start, '\n', n_bytes - start);
      gsize end = line_end != NULL ? (gsize) (line_end - text) : n_bytes;
      gsize n_stripped =
          line_end != NULL && strip_cr && end > start && text[end - 1] == '\r';

      g_ptr_array_add (lines, g_bytes_new (text + start, end - start - n_stripped));
      start = end + 1;
    }
  g_assert_cmpuint (ds_block_get_length (block), ==, lines->len - n_before);

  /* A sanitizer sees whether the padding is there. */
  for (gsize i = 0; i < DS_ARENA_PADDING; i++)
    {
      volatile char byte = text[n_bytes + i];
      (void) byte;
    }
  ds_block_unref (block);
}

void
ds_assert_lines (GPtrArray *found, GPtrArray *expected)
{
  for (guint i = 0; i < MIN (found->len, expected->len); i++)
    if (!g_bytes_equal (found->pdata[i], expected->pdata[i]))
      g_error ("line %u of %u differs: \"%.*s\" but expected \"%.*s\"", i, found->len,
               (int) g_bytes_get_size (found->pdata[i]),
               (const char *) g_bytes_get_data (found->pdata[i], NULL),
               (int) g_bytes_get_size (expected->pdata[i]),
               (const char *) g_bytes_get_data (expected->pdata[i], NULL));
  g_assert_cmpuint (found->len, ==, expected->len);
}

static void
unref_bytes (gpointer bytes)
{
  g_bytes_unref (bytes);
}

GPtrArray *
ds_new_lines (void)
{
  return g_ptr_array_new_with_free_func (unref_bytes);
}

void
ds_check_line_buffer (const DsLineBufferCase *what, const char *bytes, gsize n_bytes)
{
  g_autoptr (DsLineBuffer) buffer =
      ds_line_buffer_new (NULL, what->buffer_bytes, what->max_line_bytes, what->policy,
                          what->strip_cr);
  g_autoptr (GPtrArray) found = ds_new_lines ();
  g_autoptr (GPtrArray) expected = ds_new_lines ();
  guint64 n_skipped = naive_lines (bytes, n_bytes, what->max_line_bytes, what->policy,
                                   what->strip_cr, what->deliver_rest, expected);
  gsize at = 0;

  for (gsize i = 0; at < n_bytes; i++)
    {
      const guint piece = what->pieces[i % what->n_pieces];
      const gsize n = MIN (MAX (piece / 2, 1), n_bytes - at);

      ds_put_bytes (buffer, bytes + at, n);
      at += n;
      if (what->takes_when_full ? ds_line_buffer_is_full (buffer) : piece % 2 == 1)
        {
          gsize n_ready = ds_line_buffer_get_n_ready_bytes (buffer);
          DsBlock *block = ds_line_buffer_take (buffer);

          g_assert_true ((block != NULL) == (n_ready > 0));
          g_assert_cmpuint (ds_line_buffer_get_n_ready_bytes (buffer), ==, 0);
          ds_add_lines (block, found);
        }
    }
  ds_add_lines (ds_line_buffer_end (buffer, what->deliver_rest), found);
  ds_assert_lines (found, expected);
  g_assert_cmpuint (ds_line_buffer_get_n_skipped (buffer), ==, n_skipped);
}
