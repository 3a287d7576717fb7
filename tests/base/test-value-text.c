/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Values as text: the printed form, the escaped form, cut descriptions; looking into
 * text; numbers from text. */

#include "base/ds-error.h"
#include "base/ds-failure-private.h"
#include "base/ds-value-number-private.h"
#include "base/ds-value-private.h"

#include "tests/base/ds-test-values-private.h"

#include <float.h>

static void
assert_printed (DsValue value, const char *expected)
{
  g_autofree char *text = ds_value_to_string (value);

  g_assert_cmpstr (text, ==, expected);
}

static void
test_every_type_prints (void)
{
  g_test_summary ("The printed form of each type, and of values in values");

  const DsValue inner[] = { ds_value_int (1), ds_value_double (2.0), ds_value_null () };
  const DsValue outer[] = { ds_value_string ("a"), ds_value_list (inner, 3),
                            ds_value_tuple (inner, 2) };

  assert_printed (ds_value_null (), "null");
  assert_printed (ds_value_bool (TRUE), "true");
  assert_printed (ds_value_bool (FALSE), "false");
  assert_printed (ds_value_int (0), "0");
  assert_printed (ds_value_int (-42), "-42");
  assert_printed (ds_value_int (G_MAXINT64), "9223372036854775807");
  assert_printed (ds_value_int (G_MININT64), "-9223372036854775808");
  assert_printed (ds_value_string ("he said \"a\\b\"\n"), "he said \"a\\b\"\n");
  assert_printed (ds_value_bytes ("\xff\x00\x1a", 3), "0xff001a");
  assert_printed (ds_value_bytes (NULL, 0), "0x");
  assert_printed (ds_value_tuple (NULL, 0), "()");
  assert_printed (ds_value_list (NULL, 0), "[]");
  assert_printed (ds_value_tuple (outer, 3), "(a,[1, 2.0, null],(1,2.0))");
  assert_printed (ds_value_list (outer, 3), "[a, [1, 2.0, null], (1,2.0)]");
}

static void
test_doubles_print_shortest (void)
{
  g_test_summary ("The fewest digits that read back, always with a point or an exponent");

  static const struct
  {
    double number;
    const char *text;
  } cases[] = { { 0.0, "0.0" },
                { -0.0, "-0.0" },
                { 1.0, "1.0" },
                { -1.5, "-1.5" },
                { 0.1, "0.1" },
                { 0.30000000000000004, "0.30000000000000004" },
                { 1.5e300, "1.5e300" },
                { 1e16, "1e16" },
                { 1e15, "1000000000000000.0" },
                { 9007199254740993.0, "9007199254740992.0" },
                { 123456789012345.6, "123456789012345.6" },
                { 0.0001, "0.0001" },
                { 0.00012, "0.00012" },
                { 0.00001, "1e-5" },
                { 100.25, "100.25" },
                { 5e-324, "5e-324" },
                { 2.2250738585072014e-308, "2.2250738585072014e-308" },
                { 1.7976931348623157e308, "1.7976931348623157e308" },
                { 5.960464477539063e-08, "5.960464477539063e-8" },
                { 6.189700196426902e+26, "6.189700196426902e26" },
                { 7.120236347223045e-307, "7.120236347223045e-307" },
                { 2.0 / 3.0, "0.6666666666666666" },
                { HUGE_VAL, "inf" },
                { -HUGE_VAL, "-inf" } };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    assert_printed (ds_value_double (cases[i].number), cases[i].text);
  assert_printed (ds_value_double ((double) NAN), "nan");
  assert_printed (ds_value_double (-(double) NAN), "nan");
}

static double
random_bits_double (void)
{
  guint64 bits =
      (guint64) (guint32) g_test_rand_int () << 32 | (guint32) g_test_rand_int ();
  double number;

  memcpy (&number, &bits, sizeof number);
  return number;
}

static void
assert_double_reads_back (double number)
{
  char text[DS_NUMBER_MAX_DOUBLE];
  gsize length = ds_number_print_double (number, text);
  DsValue value;

  g_assert_cmpuint (length, ==, strlen (text));
  g_assert_cmpuint (length, <, DS_NUMBER_MAX_DOUBLE);
  value = ds_value_parse_double (ds_value_string (text));
  g_assert_true (ds_value_equal (value, ds_value_double (number)));
}

static void
test_doubles_read_back (void)
{
  g_test_summary ("Whatever bits: printed and parsed it is the same number, and no text "
                  "that is a digit shorter is");

  for (int exponent = -1074; exponent < 1024; exponent++)
    {
      assert_double_reads_back (ldexp (1.0, exponent));
      assert_double_reads_back (-nextafter (ldexp (1.0, exponent), HUGE_VAL));
      assert_double_reads_back (nextafter (ldexp (1.0, exponent), 0.0));
    }
  for (int round = 0; round < 20000; round++)
    assert_double_reads_back (random_bits_double ());

  for (int round = 0; round < 5000; round++)
    {
      double number = random_bits_double ();
      char text[DS_NUMBER_MAX_DOUBLE];
      char shorter[64];
      gsize n_digits = 0;

      if (!isfinite (number) || fabs (number) < DBL_MIN)
        continue;
      ds_number_print_double (number, text);
      for (const char *c = text; *c != '\0' && *c != 'e'; c++)
        n_digits += g_ascii_isdigit (*c) != 0;
      if (fabs (number) >= 1e16 || fabs (number) < 1e-4)
        {
          g_snprintf (shorter, sizeof shorter, "%.*e", (int) n_digits - 2, number);
          g_assert_true (n_digits == 1 || g_ascii_strtod (shorter, NULL) != number);
        }
    }
}

static void
assert_escaped (DsValue value, const char *expected)
{
  g_autoptr (GString) text = g_string_new ("> ");

  ds_value_append_to_string (value, text, TRUE);
  g_assert_cmpstr (text->str, ==, expected);
}

static void
test_escaped_form_controls_nothing (void)
{
  g_test_summary ("Control characters and what is not UTF-8 show as escapes");

  assert_escaped (ds_value_string ("plain \\ text"), "> plain \\ text");
  assert_escaped (ds_value_string ("a\tb\r\n"), "> a\\tb\\r\\n");
  assert_escaped (ds_value_string ("\x1b[31mred\x7f"), "> \\x1b[31mred\\x7f");
  assert_escaped (ds_value_string_sized ("a\0b", 3), "> a\\x00b");
  assert_escaped (ds_value_string ("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"),
                  "> gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80");
  assert_escaped (ds_value_string ("\xc2\x9b"
                                   "31m"),
                  "> \\u009b31m");
  assert_escaped (ds_value_string ("\x9b"
                                   "31m \xff\xc3"),
                  "> \\x9b31m \\xff\\xc3");
  assert_escaped (ds_value_string ("\xed\xa0\x80 \xc0\x80"),
                  "> \\xed\\xa0\\x80 \\xc0\\x80");
}

static void
test_escaped_form_of_any_bytes_is_printable (void)
{
  g_test_summary ("Random bytes: the escaped form is UTF-8 without control characters");

  for (int round = 0; round < 3000; round++)
    {
      g_autoptr (GString) text = g_string_new (NULL);
      char bytes[12];
      guint32 n_bytes = (guint32) g_test_rand_int_range (0, sizeof bytes + 1);

      for (guint32 i = 0; i < n_bytes; i++)
        bytes[i] = (char) g_test_rand_int_range (-128, 128);
      ds_value_append_to_string (ds_value_string_sized (bytes, n_bytes), text, TRUE);

      g_assert_true (g_utf8_validate (text->str, (gssize) text->len, NULL));
      for (char *c = text->str; *c != '\0'; c = g_utf8_next_char (c))
        g_assert_false (g_unichar_iscntrl (g_utf8_get_char (c)));
    }
}

static void
assert_described (DsValue value, gsize max_bytes, const char *expected)
{
  g_autofree char *text = ds_value_describe (value, max_bytes);

  g_assert_cmpstr (text, ==, expected);
}

static void
test_descriptions_are_cut_between_characters (void)
{
  g_test_summary ("Cut at a number of bytes, but never inside a character");

  DsValue euros = ds_value_string ("\xe2\x82\xac\xe2\x82\xac");
  const DsValue items[] = { ds_value_string ("abc"), ds_value_int (12345) };

  assert_described (ds_value_string ("abcdef"), 6, "abcdef");
  assert_described (ds_value_string ("abcdef"), 5, "abcde...");
  assert_described (ds_value_string ("abcdef"), 0, "...");
  assert_described (ds_value_string (""), 0, "");
  assert_described (euros, 6, "\xe2\x82\xac\xe2\x82\xac");
  assert_described (euros, 5, "\xe2\x82\xac...");
  assert_described (euros, 4, "\xe2\x82\xac...");
  assert_described (euros, 3, "\xe2\x82\xac...");
  assert_described (euros, 2, "...");
  assert_described (ds_value_tuple (items, 2), 100, "(abc,12345)");
  assert_described (ds_value_tuple (items, 2), 7, "(abc,12...");
  assert_described (ds_value_bytes ("\x01\x02\x03", 3), 6, "0x0102...");
}

static void
test_description_is_the_start_of_the_text (void)
{
  g_test_summary ("For random values the cut form is the start of the whole one");

  for (int round = 0; round < 2000; round++)
    {
      g_autoptr (DsArena) arena = ds_arena_new (NULL);
      g_autoptr (GString) whole = g_string_new (NULL);
      DsValue value = ds_test_random_value (arena, 3);
      gsize max_bytes = (gsize) g_test_rand_int_range (0, 40);
      g_autofree char *cut = ds_value_describe (value, max_bytes);

      ds_value_append_to_string (value, whole, TRUE);
      if (whole->len <= max_bytes)
        {
          g_assert_cmpstr (cut, ==, whole->str);
          continue;
        }
      g_assert_true (g_str_has_suffix (cut, "..."));
      cut[strlen (cut) - 3] = '\0';
      g_assert_cmpuint (strlen (cut), <=, max_bytes);
      g_assert_true (g_str_has_prefix (whole->str, cut));
    }
}

static void
test_dup_string_copies_bytes (void)
{
  g_test_summary ("Strings and bytes get a closing NUL");

  g_autofree char *from_string =
      ds_value_dup_string (ds_value_string_sized ("abcdef", 3));
  g_autofree char *from_bytes = ds_value_dup_string (ds_value_bytes ("xyz", 2));
  g_autofree char *empty = ds_value_dup_string (ds_value_string_sized (NULL, 0));

  g_assert_cmpstr (from_string, ==, "abc");
  g_assert_cmpstr (from_bytes, ==, "xy");
  g_assert_cmpstr (empty, ==, "");
}

/* ---- Looking into text ---- */

static void
assert_field (const char *text, guint index, const char *expected)
{
  DsValue field = ds_value_get_field (ds_value_string (text), ',', index);

  if (expected == NULL)
    g_assert_true (ds_value_is_null (field));
  else
    g_assert_true (ds_value_equals_string (field, expected));
}

static void
test_fields_are_cut_at_every_separator (void)
{
  g_test_summary ("Empty fields count; past the last there is null");

  assert_field ("a,bc,d", 0, "a");
  assert_field ("a,bc,d", 1, "bc");
  assert_field ("a,bc,d", 2, "d");
  assert_field ("a,bc,d", 3, NULL);
  assert_field ("a,,d,", 1, "");
  assert_field ("a,,d,", 3, "");
  assert_field ("a,,d,", 4, NULL);
  assert_field ("", 0, "");
  assert_field ("", 1, NULL);
  assert_field ("abc", 0, "abc");
  g_assert_true (ds_value_equals_string (
      ds_value_get_field (ds_value_string_sized (NULL, 0), ',', 0), ""));
}

static void
test_fields_are_slices (void)
{
  g_test_summary ("A field points into the text that it was cut from");

  static const char text[] = "ab,cd";

  g_assert_true (ds_value_get_field (ds_value_string (text), ',', 1).as.bytes ==
                 text + 3);
  g_assert_true (ds_value_strip (ds_value_string (text)).as.bytes == text);
}

static void
test_strip_takes_white_space_only (void)
{
  g_test_summary ("ASCII white space at both ends goes, and nothing else");

  const DsValue stripped[] = { ds_value_strip (ds_value_string (" \t\n\v\f\ra b\n ")),
                               ds_value_strip (ds_value_string ("")),
                               ds_value_strip (ds_value_string (" \n ")),
                               ds_value_strip (ds_value_string_sized ("\0 ", 2)) };

  g_assert_true (ds_value_equals_string (stripped[0], "a b"));
  g_assert_true (ds_value_equals_string (stripped[1], ""));
  g_assert_true (ds_value_equals_string (stripped[2], ""));
  g_assert_cmpuint (stripped[3].size, ==, 1);
}

static void
test_text_is_searched_by_bytes (void)
{
  g_test_summary (
      "contains, has_prefix and equals_string, with empty ones and NUL bytes");

  DsValue text = ds_value_string ("an ERROR here");

  g_assert_true (ds_value_contains (text, "ERROR"));
  g_assert_false (ds_value_contains (text, "error"));
  g_assert_true (ds_value_contains (text, ""));
  g_assert_true (ds_value_contains (ds_value_string_sized (NULL, 0), ""));
  g_assert_false (ds_value_contains (ds_value_string_sized (NULL, 0), "a"));
  g_assert_false (ds_value_contains (ds_value_string_sized ("ERRORS", 4), "ERROR"));
  g_assert_true (ds_value_has_prefix (text, "an E"));
  g_assert_true (ds_value_has_prefix (text, ""));
  g_assert_false (ds_value_has_prefix (text, "an ERROR here and there"));
  g_assert_false (ds_value_has_prefix (text, "ERROR"));
  g_assert_true (ds_value_equals_string (text, "an ERROR here"));
  g_assert_false (ds_value_equals_string (text, "an ERROR"));
  g_assert_false (ds_value_equals_string (ds_value_string_sized ("a\0b", 3), "a"));
  g_assert_true (ds_value_equals_string (ds_value_string_sized (NULL, 0), ""));
  g_assert_false (ds_value_equals_string (ds_value_null (), ""));
  g_assert_false (ds_value_equals_string (ds_value_bytes ("a", 1), "a"));
}

static void
count_failure (DsFailureReceiver *receiver, GError *error)
{
  static guint n_failures;

  n_failures++;
  g_assert_error (error, DS_ERROR, DS_ERROR_TYPE);
  g_assert_true (g_str_has_prefix (error->message, "Expected a value of type string"));
  receiver->previous = GUINT_TO_POINTER (n_failures);
  g_error_free (error);
}

static void
test_text_of_another_type_fails (void)
{
  g_test_summary ("Looking for text in what is no text fails the task, also for \"\"");

  DsFailureReceiver receiver = { .report = count_failure };

  ds_failure_push (&receiver);
  g_assert_true (ds_value_is_null (ds_value_get_field (ds_value_int (1), ',', 0)));
  g_assert_cmpuint (GPOINTER_TO_UINT (receiver.previous), ==, 1);
  g_assert_true (ds_value_equals_string (ds_value_strip (ds_value_null ()), ""));
  g_assert_cmpuint (GPOINTER_TO_UINT (receiver.previous), ==, 2);
  g_assert_false (ds_value_contains (ds_value_bytes ("a", 1), ""));
  g_assert_cmpuint (GPOINTER_TO_UINT (receiver.previous), ==, 3);
  g_assert_false (ds_value_has_prefix (ds_value_bool (TRUE), ""));
  g_assert_cmpuint (GPOINTER_TO_UINT (receiver.previous), ==, 4);
  receiver.previous = NULL;
  ds_failure_pop (&receiver);
}

/* ---- Numbers from text ---- */

static void
test_ints_are_read_whole_or_not_at_all (void)
{
  g_test_summary ("What is not wholly an integer, or does not fit, is null");

  static const struct
  {
    const char *text;
    gint64 integer;
  } good[] = { { "0", 0 },
               { "-0", 0 },
               { "+7", 7 },
               { "-12", -12 },
               { "007", 7 },
               { "9223372036854775807", G_MAXINT64 },
               { "-9223372036854775808", G_MININT64 },
               { "0000000000000000000000000000001", 1 } };
  static const char *const bad[] = { "",
                                     "-",
                                     "+",
                                     " 1",
                                     "1 ",
                                     "1.0",
                                     "1e3",
                                     "0x10",
                                     "--1",
                                     "1-",
                                     "abc",
                                     "9223372036854775808",
                                     "-9223372036854775809",
                                     "99999999999999999999" };

  for (gsize i = 0; i < G_N_ELEMENTS (good); i++)
    g_assert_true (ds_value_equal (ds_value_parse_int (ds_value_string (good[i].text)),
                                   ds_value_int (good[i].integer)));
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_true (ds_value_is_null (ds_value_parse_int (ds_value_string (bad[i]))));
  g_assert_true (ds_value_is_null (ds_value_parse_int (ds_value_int (1))));
  g_assert_true (ds_value_is_null (ds_value_parse_int (ds_value_null ())));
  /* Only the bytes of the value are read, whatever lies behind them. */
  g_assert_true (ds_value_equal (ds_value_parse_int (ds_value_string_sized ("123", 2)),
                                 ds_value_int (12)));
}

static void
test_doubles_are_read_whole_or_not_at_all (void)
{
  g_test_summary ("The nearest double; hex, blanks, half numbers and 1e999 are null");

  static const struct
  {
    const char *text;
    double number;
  } good[] = {
    { "0", 0.0 },
    { "1", 1.0 },
    { "-1.5", -1.5 },
    { "+.5", 0.5 },
    { "5.", 5.0 },
    { "1e3", 1000.0 },
    { "1E+3", 1000.0 },
    { "1.25e-2", 0.0125 },
    { "0.1", 0.1 },
    { "123456789012345678", 123456789012345678.0 },
    { "9007199254740993", 9007199254740992.0 },
    { "9007199254740993.00000000000000000000000001", 9007199254740994.0 },
    { "1.7976931348623157e308", DBL_MAX },
    { "4.9e-324", 5e-324 },
    { "1e-999", 0.0 },
    { "1e-99999999999999999999", 0.0 },
    { "0.000000000000000000000000000000000000000000000000000000000000000000001", 1e-69 },
    { "1e22", 1e22 },
    { "1e23", 1e23 },
    { "inf", HUGE_VAL },
    { "-inf", -HUGE_VAL }
  };
  static const char *const bad[] = { "",      "-",     ".",
                                     "e5",    "1e",    "1e+",
                                     " 1",    "1 ",    "1.2.3",
                                     "0x1p3", "1,5",   "infinity",
                                     "--1",   "1e999", "-1e999",
                                     "1e5x",  "abc",   "1e99999999999999999999",
                                     "1e1e1", "INF",   "1e999999999999999999999x" };

  for (gsize i = 0; i < G_N_ELEMENTS (good); i++)
    {
      DsValue value = ds_value_parse_double (ds_value_string (good[i].text));

      g_assert_true (ds_value_equal (value, ds_value_double (good[i].number)));
    }
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_true (ds_value_is_null (ds_value_parse_double (ds_value_string (bad[i]))));
  g_assert_true (isnan (ds_value_parse_double (ds_value_string ("nan")).as.number));
  g_assert_true (ds_value_is_null (ds_value_parse_double (ds_value_double (1.0))));
  g_assert_true (
      ds_value_equal (ds_value_parse_double (ds_value_string_sized ("1.25", 3)),
                      ds_value_double (1.2)));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add_func ("/base/value-text/" name, func)
  ADD ("every-type-prints", test_every_type_prints);
  ADD ("doubles-print-shortest", test_doubles_print_shortest);
  ADD ("doubles-read-back", test_doubles_read_back);
  ADD ("escaped-form-controls-nothing", test_escaped_form_controls_nothing);
  ADD ("escaped-form-of-any-bytes-is-printable",
       test_escaped_form_of_any_bytes_is_printable);
  ADD ("descriptions-are-cut-between-characters",
       test_descriptions_are_cut_between_characters);
  ADD ("description-is-the-start-of-the-text", test_description_is_the_start_of_the_text);
  ADD ("dup-string-copies-bytes", test_dup_string_copies_bytes);
  ADD ("fields-are-cut-at-every-separator", test_fields_are_cut_at_every_separator);
  ADD ("fields-are-slices", test_fields_are_slices);
  ADD ("strip-takes-white-space-only", test_strip_takes_white_space_only);
  ADD ("text-is-searched-by-bytes", test_text_is_searched_by_bytes);
  ADD ("text-of-another-type-fails", test_text_of_another_type_fails);
  ADD ("ints-are-read-whole-or-not-at-all", test_ints_are_read_whole_or_not_at_all);
  ADD ("doubles-are-read-whole-or-not-at-all", test_doubles_are_read_whole_or_not_at_all);
#undef ADD
  return g_test_run ();
}
