/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What goes into a line buffer in pieces comes out as the lines that a loop over the
 * whole finds. */

#include "tests/base/ds-check-line-buffer-private.h"

#include "base/ds-error.h"

#include <string.h>

static void
add_literals (GPtrArray *lines, const char *const *literals)
{
  for (; *literals != NULL; literals++)
    g_ptr_array_add (lines, g_bytes_new_static (*literals, strlen (*literals)));
}

/* Feeds @bytes in random pieces, taking now and then, and compares with the loop. */
static void
check_at_random (const char *bytes,
                 gsize n_bytes,
                 gsize buffer_bytes,
                 gsize max,
                 DsLongLinePolicy policy,
                 gboolean strip_cr,
                 gboolean deliver_rest)
{
  guint16 pieces[64];
  const DsLineBufferCase what = { .buffer_bytes = buffer_bytes,
                                  .max_line_bytes = max,
                                  .policy = policy,
                                  .strip_cr = strip_cr,
                                  .deliver_rest = deliver_rest,
                                  .takes_when_full = g_test_rand_bit (),
                                  .pieces = pieces,
                                  .n_pieces = G_N_ELEMENTS (pieces) };
  int max_piece = g_test_rand_int_range (1, 2 * (int) buffer_bytes + 2);

  for (gsize i = 0; i < G_N_ELEMENTS (pieces); i++)
    pieces[i] = (guint16) g_test_rand_int_range (2, 2 * max_piece + 2);
  ds_check_line_buffer (&what, bytes, n_bytes);
}

/* ---- Tests ---- */

static void
test_every_split_position (void)
{
  static const char sample[] =
      "one\r\n\r\ntwo three\r\n\n\r\r\nfour\rfive\n\xff\x80 six\r\n"
      "seven\r\n \r\neight, the rest\r";
  static const char *const stripped[] = {
    "one",   "",  "two three",         "",  "\r", "four\rfive", "\xff\x80 six",
    "seven", " ", "eight, the rest\r", NULL
  };
  static const char *const kept[] = {
    "one\r",   "\r",  "two three\r",       "",  "\r\r", "four\rfive", "\xff\x80 six\r",
    "seven\r", " \r", "eight, the rest\r", NULL
  };
  const gsize n_bytes = sizeof sample - 1;

  g_test_summary ("A \\r before the \\n goes wherever the pieces are cut (row C6)");

  for (int strip_cr = 0; strip_cr < 2; strip_cr++)
    for (gsize first = 0; first <= n_bytes; first++)
      for (gsize second = first; second <= n_bytes; second++)
        {
          g_autoptr (DsLineBuffer) buffer =
              ds_line_buffer_new (NULL, 256, 256, DS_LONG_LINE_SKIP, strip_cr);
          g_autoptr (GPtrArray) found = ds_new_lines ();
          g_autoptr (GPtrArray) expected = ds_new_lines ();

          add_literals (expected, strip_cr ? stripped : kept);
          ds_put_bytes (buffer, sample, first);
          ds_add_lines (ds_line_buffer_take (buffer), found);
          ds_put_bytes (buffer, sample + first, second - first);
          ds_add_lines (ds_line_buffer_take (buffer), found);
          ds_put_bytes (buffer, sample + second, n_bytes - second);
          ds_add_lines (ds_line_buffer_end (buffer, TRUE), found);
          ds_assert_lines (found, expected);
        }
}

static void
test_all_bytes (void)
{
  char bytes[256 * 3];
  gsize n_bytes = 0;

  g_test_summary ("All 256 bytes pass as they are, NUL and invalid UTF-8 too");

  for (int i = 0; i < 256; i++)
    {
      bytes[n_bytes++] = (char) i;
      bytes[n_bytes++] = (char) (255 - i);
      bytes[n_bytes++] = i % 3 == 0 ? '\n' : (char) i;
    }
  for (int i = 0; i < 200; i++)
    check_at_random (bytes, n_bytes, 64, 1024, DS_LONG_LINE_SKIP, i % 2, TRUE);
}

static void
test_random_lines (void)
{
  g_test_summary ("Random lines in random pieces, for buffers and limits of any size");

  for (int i = 0; i < 6000; i++)
    {
      char bytes[600];
      gsize n_bytes = (gsize) g_test_rand_int_range (0, sizeof bytes + 1);
      int n_kinds = g_test_rand_int_range (2, 60);
      DsLongLinePolicy policy =
          g_test_rand_bit () ? DS_LONG_LINE_SKIP : DS_LONG_LINE_SPLIT;

      for (gsize j = 0; j < n_bytes; j++)
        {
          int kind = g_test_rand_int_range (0, n_kinds);

          bytes[j] = kind == 0 ? '\n' : kind == 1 ? '\r' : (char) kind;
        }
      check_at_random (bytes, n_bytes, (gsize) g_test_rand_int_range (1, 200),
                       (gsize) g_test_rand_int_range (1, 150), policy, g_test_rand_bit (),
                       g_test_rand_bit ());
    }
}

static void
test_skips_long_lines (void)
{
  static const char text[] = "12345\n123456\n1234567890\n\n12345\r\n123456\r\n1\nabcdefg";
  static const char *const literals[] = { "12345", "", "12345", "1", NULL };
  g_autoptr (DsLineBuffer) buffer =
      ds_line_buffer_new (NULL, 1024, 5, DS_LONG_LINE_SKIP, TRUE);
  g_autoptr (GPtrArray) found = ds_new_lines ();
  g_autoptr (GPtrArray) expected = ds_new_lines ();

  g_test_summary ("Lines of more than the limit are left out and counted, others stay");

  add_literals (expected, literals);
  ds_put_bytes (buffer, text, sizeof text - 1);
  ds_add_lines (ds_line_buffer_end (buffer, TRUE), found);
  ds_assert_lines (found, expected);
  g_assert_cmpuint (ds_line_buffer_get_n_skipped (buffer), ==, 4);
  g_assert_cmpuint (ds_line_buffer_get_n_dropped (buffer), ==, 0);
}

static void
test_splits_long_lines (void)
{
  static const char text[] = "12345\n123456\n1234\r67890\r\n\n12345\r\nabcdefg";
  static const char *const literals[] = { "12345", "12345", "6",     "1234\r", "67890",
                                          "",      "12345", "abcde", "fg",     NULL };
  g_autoptr (DsLineBuffer) buffer =
      ds_line_buffer_new (NULL, 1024, 5, DS_LONG_LINE_SPLIT, TRUE);
  g_autoptr (GPtrArray) found = ds_new_lines ();
  g_autoptr (GPtrArray) expected = ds_new_lines ();

  g_test_summary ("Long lines come in pieces as long as the limit; no byte is lost");

  add_literals (expected, literals);
  ds_put_bytes (buffer, text, sizeof text - 1);
  ds_add_lines (ds_line_buffer_end (buffer, TRUE), found);
  ds_assert_lines (found, expected);
  g_assert_cmpuint (ds_line_buffer_get_n_skipped (buffer), ==, 0);
}

static void
test_fails_for_long_lines (void)
{
  static const char text[] = "good\n123456789\nfine\n";
  static const char *const literals[] = { "good", "fine", "on", NULL };
  g_autoptr (DsLineBuffer) buffer =
      ds_line_buffer_new (NULL, 64, 8, DS_LONG_LINE_FAIL, FALSE);
  g_autoptr (GPtrArray) found = ds_new_lines ();
  g_autoptr (GPtrArray) expected = ds_new_lines ();
  g_autoptr (GError) error = NULL;
  gsize n_room = 0;

  g_test_summary ("The error names length and limit; the lines around it are kept");

  memcpy (ds_line_buffer_prepare (buffer, &n_room), text, sizeof text - 1);
  g_assert_false (ds_line_buffer_commit (buffer, sizeof text - 1, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_LIMIT);
  g_assert_nonnull (strstr (error->message, "9 bytes"));
  g_assert_nonnull (strstr (error->message, "at most 8"));

  ds_put_bytes (buffer, "on\n", 3);
  add_literals (expected, literals);
  ds_add_lines (ds_line_buffer_end (buffer, TRUE), found);
  ds_assert_lines (found, expected);
}

static void
test_ends (void)
{
  g_autoptr (DsLineBuffer) buffer =
      ds_line_buffer_new (NULL, 64, 8, DS_LONG_LINE_SKIP, FALSE);
  g_autoptr (GPtrArray) found = ds_new_lines ();
  g_autoptr (GPtrArray) expected = ds_new_lines ();
  static const char *const literals[] = { "a", "b", "bc", "new", NULL };

  g_test_summary (
      "A rest is a line at a clean end and dropped at a reset; then all is new");

  ds_put_bytes (buffer, "a\nb", 3);
  ds_add_lines (ds_line_buffer_end (buffer, TRUE), found);
  g_assert_cmpuint (ds_line_buffer_get_n_dropped (buffer), ==, 0);

  ds_put_bytes (buffer, "bc\nlost", 7);
  ds_add_lines (ds_line_buffer_end (buffer, FALSE), found);
  g_assert_cmpuint (ds_line_buffer_get_n_dropped (buffer), ==, 1);

  ds_put_bytes (buffer, "far too long", 12);
  g_assert_null (ds_line_buffer_end (buffer, TRUE));
  g_assert_cmpuint (ds_line_buffer_get_n_skipped (buffer), ==, 1);
  g_assert_cmpuint (ds_line_buffer_get_n_dropped (buffer), ==, 1);

  ds_put_bytes (buffer, "new\n", 4);
  ds_add_lines (ds_line_buffer_end (buffer, FALSE), found);
  g_assert_null (ds_line_buffer_end (buffer, TRUE));
  add_literals (expected, literals);
  ds_assert_lines (found, expected);
}

static void
test_endless_line (void)
{
  g_autoptr (DsArenaPool) pool = ds_arena_pool_new ();
  g_autoptr (DsLineBuffer) buffer =
      ds_line_buffer_new (pool, 64 * 1024, 1024 * 1024, DS_LONG_LINE_SKIP, FALSE);
  g_autoptr (GPtrArray) found = ds_new_lines ();
  gsize peak = 0;

  g_test_summary (
      "1 GiB without a line end takes no more memory than line and buffer (C4)");

  for (gsize n_bytes = 0; n_bytes < (gsize) 1 << 30;)
    {
      gsize n_room = 0;
      char *room = ds_line_buffer_prepare (buffer, &n_room);

      memset (room, 'x', n_room);
      g_assert_true (ds_line_buffer_commit (buffer, n_room, NULL));
      n_bytes += n_room;
      peak = MAX (peak, ds_arena_pool_get_bytes_in_use (pool));
      g_assert_null (ds_line_buffer_take (buffer));
    }
  ds_put_bytes (buffer, "\nshort\n", 7);
  ds_add_lines (ds_line_buffer_take (buffer), found);

  g_assert_cmpuint (found->len, ==, 1);
  g_assert_cmpuint (ds_line_buffer_get_n_skipped (buffer), ==, 1);
  /* Old and new memory while it grows, in the pool's sizes. */
  g_assert_cmpuint (peak, >=, 1024 * 1024);
  g_assert_cmpuint (peak, <=, 4 * 1024 * 1024);
}

static void
test_long_line_in_small_pieces (void)
{
  const gsize n_line = 4 * 1024 * 1024;
  g_autoptr (DsLineBuffer) buffer =
      ds_line_buffer_new (NULL, 4096, n_line, DS_LONG_LINE_FAIL, FALSE);
  g_autoptr (GPtrArray) found = ds_new_lines ();
  const char *memory = NULL;
  guint n_moves = 0;

  g_test_summary ("A line of 4 MiB in pieces of 64 bytes is moved once a doubling");

  ds_put_bytes (buffer, "first\n", 6);
  for (gsize n_bytes = 0; n_bytes < n_line; n_bytes += 64)
    {
      gsize n_room = 0;
      char *room;

      ds_add_lines (ds_line_buffer_take (buffer), found);
      room = ds_line_buffer_prepare (buffer, &n_room);
      n_moves += room - n_bytes != memory;
      memory = room - n_bytes;
      memset (room, 'x', MIN (n_room, 64));
      g_assert_true (ds_line_buffer_commit (buffer, 64, NULL));
    }
  g_assert_cmpuint (n_moves, <=, 12);

  ds_put_bytes (buffer, "\n", 1);
  ds_add_lines (ds_line_buffer_take (buffer), found);
  g_assert_cmpuint (found->len, ==, 2);
  g_assert_cmpuint (g_bytes_get_size (found->pdata[1]), ==, n_line);
}

static void
test_small_takes (void)
{
  g_autoptr (DsArenaPool) pool = ds_arena_pool_new ();
  g_autoptr (DsLineBuffer) buffer =
      ds_line_buffer_new (pool, 256 * 1024, 1024 * 1024, DS_LONG_LINE_SKIP, FALSE);
  g_autoptr (GPtrArray) blocks = g_ptr_array_new ();

  g_test_summary ("A hundred blocks of one line each do not hold a buffer each");

  for (int i = 0; i < 100; i++)
    {
      ds_put_bytes (buffer, "a line\nand a part of", 20);
      g_ptr_array_add (blocks, ds_line_buffer_take (buffer));
      ds_put_bytes (buffer, " the next\n", 10);
      g_ptr_array_add (blocks, ds_line_buffer_take (buffer));
    }
  g_assert_cmpuint (ds_arena_pool_get_bytes_in_use (pool), <, 1024 * 1024);

  for (guint i = 0; i < blocks->len; i++)
    {
      g_autoptr (GPtrArray) lines = ds_new_lines ();
      const char *expected = i % 2 == 0 ? "a line" : "and a part of the next";

      ds_add_lines (blocks->pdata[i], lines);
      g_assert_cmpuint (lines->len, ==, 1);
      g_assert_cmpuint (g_bytes_get_size (lines->pdata[0]), ==, strlen (expected));
      g_assert_cmpint (memcmp (g_bytes_get_data (lines->pdata[0], NULL), expected,
                               strlen (expected)),
                       ==, 0);
    }
}

static void
test_full (void)
{
  g_autoptr (DsArenaPool) pool = ds_arena_pool_new ();
  g_autoptr (DsLineBuffer) buffer =
      ds_line_buffer_new (pool, 64 * 1024, 1024 * 1024, DS_LONG_LINE_SKIP, FALSE);
  g_autoptr (DsBlock) last = NULL;
  gsize n_lines = 0;

  g_test_summary (
      "Taken whenever it is full, a stream of lines needs one buffer at a time");

  for (int i = 0; i < 100000; i++)
    {
      ds_put_bytes (buffer, "twenty bytes of text\n", 21);
      if (ds_line_buffer_is_full (buffer))
        {
          g_autoptr (DsBlock) block = ds_line_buffer_take (buffer);

          n_lines += ds_block_get_length (block);
          g_assert_false (ds_line_buffer_is_full (buffer));
        }
      g_assert_cmpuint (ds_arena_pool_get_bytes_in_use (pool), <=, 160 * 1024);
    }

  last = ds_line_buffer_end (buffer, FALSE);
  g_assert_cmpuint (n_lines + ds_block_get_length (last), ==, 100000);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/base/line-buffer/strips-cr-across-pieces",
                   test_every_split_position);
  g_test_add_func ("/base/line-buffer/passes-all-bytes", test_all_bytes);
  g_test_add_func ("/base/line-buffer/gives-what-came-in", test_random_lines);
  g_test_add_func ("/base/line-buffer/skips-long-lines", test_skips_long_lines);
  g_test_add_func ("/base/line-buffer/splits-long-lines", test_splits_long_lines);
  g_test_add_func ("/base/line-buffer/fails-for-long-lines", test_fails_for_long_lines);
  g_test_add_func ("/base/line-buffer/ends-cleanly-or-by-a-reset", test_ends);
  g_test_add_func ("/base/line-buffer/bounds-an-endless-line", test_endless_line);
  g_test_add_func ("/base/line-buffer/copies-a-long-line-a-few-times",
                   test_long_line_in_small_pieces);
  g_test_add_func ("/base/line-buffer/keeps-small-blocks-small", test_small_takes);
  g_test_add_func ("/base/line-buffer/tells-when-it-is-full", test_full);

  return g_test_run ();
}
