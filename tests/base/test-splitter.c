/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Every form of the splitter against a loop over bytes.  Texts are copied to memory that
 * ends where they end, so that a sanitizer sees a read outside of them. */

#include "tests/base/ds-check-splitter-private.h"

#include <string.h>

static const char *const forms[] = { "portable", "sse2", "avx2", "avx512bw" };

/* @mix: how likely white space and line ends are, in percent. */
static void
fill_at_random (char *text, gsize n_bytes, int mix)
{
  static const char white[] = " \t\n\v\f\r\n\n\r";

  for (gsize i = 0; i < n_bytes; i++)
    text[i] = g_test_rand_int_range (0, 100) < mix
                  ? white[g_test_rand_int_range (0, sizeof white - 1)]
                  : (char) g_test_rand_int_range (0, 256);
}

static void
assert_value (DsValue value, const char *expected)
{
  g_assert_cmpuint (value.size, ==, strlen (expected));
  g_assert_cmpint (memcmp (value.as.bytes, expected, value.size), ==, 0);
}

static gboolean
use_form (gconstpointer name)
{
  if (ds_splitter_use (name))
    {
      g_assert_cmpstr (ds_splitter_get_name (), ==, name);
      return TRUE;
    }
  g_test_skip ("this machine or build does not have the form");
  return FALSE;
}

static void
test_words_literally (gconstpointer form)
{
  static const char text[] = "  the\tquick\n\nbrown \v\f\r fox\xc2\xa0\x1f jumps";
  static const char *const expected[] = { "the", "quick", "brown", "fox\xc2\xa0\x1f",
                                          "jumps" };
  DsValue words[64];
  gsize offset = 0;

  g_test_summary ("Words are what lies between the six white bytes, and nothing else");
  if (!use_form (form))
    return;

  g_assert_cmpuint (ds_split_words_scan (text, sizeof text - 1, &offset, words,
                                         G_N_ELEMENTS (words)),
                    ==, G_N_ELEMENTS (expected));
  for (gsize i = 0; i < G_N_ELEMENTS (expected); i++)
    assert_value (words[i], expected[i]);
  g_assert_cmpuint (offset, ==, sizeof text - 1);
}

static void
test_lines_literally (gconstpointer form)
{
  static const char text[] = "\none\r\n\r\n two\r\r\nth\rree\n\nrest\r";
  static const char *const kept[] = { "",        "one\r", "\r",    " two\r\r",
                                      "th\rree", "",      "rest\r" };
  static const char *const stripped[] = {
    "", "one", "", " two\r", "th\rree", "", "rest\r"
  };
  DsValue lines[80];

  g_test_summary (
      "Each \\n ends a line, one \\r before it goes when asked, a rest counts");
  if (!use_form (form))
    return;

  for (int strip_cr = 0; strip_cr < 2; strip_cr++)
    {
      const char *const *expected = strip_cr ? stripped : kept;
      gsize offset = 0;

      g_assert_cmpuint (ds_split_lines_scan (text, sizeof text - 1, &offset, strip_cr,
                                             lines, G_N_ELEMENTS (lines)),
                        ==, G_N_ELEMENTS (kept));
      for (gsize i = 0; i < G_N_ELEMENTS (kept); i++)
        assert_value (lines[i], expected[i]);
    }
  g_assert_cmpuint (ds_count_lines (text, sizeof text - 1), ==, 7);
}

static void
test_every_byte (gconstpointer form)
{
  g_test_summary ("Each of the 256 bytes is white or not at each place of a block");
  if (!use_form (form))
    return;

  for (int byte = 0; byte < 256; byte++)
    for (gsize place = 0; place < 70; place++)
      {
        char text[70];

        memset (text, 'x', sizeof text);
        text[place] = (char) byte;
        ds_check_splitter (text, sizeof text, 0, 64);
      }
}

static void
test_all_lengths (gconstpointer form)
{
  g_test_summary ("Random texts of 0 to 200 bytes, from every offset");
  if (!use_form (form))
    return;

  for (gsize n_bytes = 0; n_bytes <= 200; n_bytes++)
    {
      char text[200];

      fill_at_random (text, n_bytes, g_test_rand_int_range (0, 101));
      for (gsize offset = 0; offset <= n_bytes; offset++)
        ds_check_splitter (text, n_bytes, offset, 256);
    }
}

static void
test_all_limits (gconstpointer form)
{
  g_test_summary ("However few values are asked for at a time, all come, in order");
  if (!use_form (form))
    return;

  for (int mix = 0; mix <= 100; mix += 5)
    {
      char text[700];

      fill_at_random (text, sizeof text, mix);
      for (gsize max = 1; max <= 140; max++)
        ds_check_splitter (text, sizeof text, 0, max);
    }
}

static void
test_long_texts (gconstpointer form)
{
  g_test_summary ("Words and lines longer than any block, and white space as long");
  if (!use_form (form))
    return;

  for (int i = 0; i < 300; i++)
    {
      char text[4000];
      gsize n_bytes = 0;

      while (n_bytes < 3000)
        {
          gsize n_same = (gsize) g_test_rand_int_range (1, 400);
          static const char kinds[] = "a \n\r\x80";

          memset (text + n_bytes, kinds[g_test_rand_int_range (0, sizeof kinds - 1)],
                  n_same);
          n_bytes += n_same;
        }
      ds_check_splitter (text, n_bytes, (gsize) g_test_rand_int_range (0, 100),
                         (gsize) g_test_rand_int_range (1, 300));
    }
}

static void
test_split_anywhere (gconstpointer form)
{
  char text[256];
  DsSlice whole[256];
  gsize n_whole;

  g_test_summary (
      "Cut behind the last line end of any beginning, the lines are the same");
  if (!use_form (form))
    return;

  fill_at_random (text, sizeof text, 30);
  n_whole = ds_naive_split_lines (text, sizeof text, 0, TRUE, whole);
  for (gsize cut = 0; cut <= sizeof text; cut++)
    {
      gsize n_first = ds_find_last_line_end (text, cut);
      gsize n = 0;
      gsize expected_end = 0;

      for (gsize i = 0; i < cut; i++)
        if (text[i] == '\n')
          expected_end = i + 1;
      g_assert_cmpuint (n_first, ==, expected_end);

      for (int part = 0; part < 2; part++)
        {
          const char *start = part == 0 ? text : text + n_first;
          gsize n_bytes = part == 0 ? n_first : sizeof text - n_first;
          DsValue lines[300];
          gsize offset = 0;
          gsize n_lines = ds_split_lines_scan (start, n_bytes, &offset, TRUE, lines,
                                               G_N_ELEMENTS (lines));

          for (gsize i = 0; i < n_lines; i++, n++)
            {
              g_assert_true (lines[i].as.bytes == text + whole[n].start);
              g_assert_cmpuint (lines[i].size, ==, whole[n].n_bytes);
            }
        }
      g_assert_cmpuint (n, ==, n_whole);
    }
}

static void
test_finds_form (void)
{
  g_test_summary ("An unknown form is refused and the one in use stays");

  g_assert_true (ds_splitter_use ("portable"));
  g_assert_false (ds_splitter_use ("abacus"));
  g_assert_cmpstr (ds_splitter_get_name (), ==, "portable");
  g_assert_true (ds_splitter_use (NULL));
}

static void
add_for_each_form (const char *sentence, GTestDataFunc func)
{
  for (gsize i = 0; i < G_N_ELEMENTS (forms); i++)
    {
      g_autofree char *path =
          g_strdup_printf ("/base/splitter/%s/%s", forms[i], sentence);

      g_test_add_data_func (path, forms[i], func);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  add_for_each_form ("cuts-words-at-white-space", test_words_literally);
  add_for_each_form ("cuts-lines-at-line-ends", test_lines_literally);
  add_for_each_form ("knows-every-byte", test_every_byte);
  add_for_each_form ("takes-any-length-and-offset", test_all_lengths);
  add_for_each_form ("keeps-to-the-limit", test_all_limits);
  add_for_each_form ("takes-long-words-and-gaps", test_long_texts);
  add_for_each_form ("finds-the-last-line-end", test_split_anywhere);
  g_test_add_func ("/base/splitter/refuses-an-unknown-form", test_finds_form);

  return g_test_run ();
}
