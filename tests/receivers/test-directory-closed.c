/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Directories that cannot be listed, for a while or ever, among others: what a scanner
 * remembers of either. */

#include "base/ds-codec-private.h"
#include "base/ds-error.h"
#include "tests/receivers/ds-test-scanner.h"

static void
close_door (DsTestScanner *fixture, char **closed, const char *name)
{
  g_free (*closed);
  *closed = name != NULL ? ds_test_directory_get_path (&fixture->files, name) : NULL;
  fixture->counting.forbidden = *closed;
}

/* As ds_test_scanner_expect (), where @closed is told of. */
static void
expect_error (DsTestScanner *fixture,
              DsTime batch_time,
              const char *expected,
              const char *closed)
{
  g_auto (DsDirectoryScan) result = { 0 };
  g_autofree char *names = ds_test_scanner_scan (fixture, batch_time, &result);

  g_assert_cmpstr (names, ==, expected);
  g_assert_error (result.error, DS_ERROR, DS_ERROR_IO);
  g_assert_nonnull (strstr (result.error->message, closed));
}

static void
test_one_that_was_never_open (DsTestScanner *fixture, gconstpointer user_data)
{
  g_test_summary ("C15: beside a directory that can never be listed files are forgotten");

  g_autofree char *closed = NULL;

  fixture->rules.takes_all = TRUE;
  fixture->rules.max_depth = 3;
  ds_test_directory_make (&fixture->files, "in/lost+found");
  ds_test_directory_make (&fixture->files, "in/sub");
  ds_test_directory_write (&fixture->files, "in/a", "1", 0);
  ds_test_directory_write (&fixture->files, "in/.hidden", "1", 0);
  ds_test_directory_write (&fixture->files, "in/sub/b", "1", 0);
  close_door (fixture, &closed, "in/lost+found");
  expect_error (fixture, DS_SECOND, "a b", closed);
  expect_error (fixture, 2 * DS_SECOND, "", closed);
  g_assert_cmpuint (ds_directory_scanner_get_n_known (fixture->scanner), ==, 3);

  ds_test_directory_remove (&fixture->files, "in/a");
  ds_test_directory_remove (&fixture->files, "in/.hidden");
  ds_test_directory_remove (&fixture->files, "in/sub/b");
  expect_error (fixture, 3 * DS_SECOND, "", closed);
  expect_error (fixture, 4 * DS_SECOND, "", closed);
  g_assert_cmpuint (ds_directory_scanner_get_n_known (fixture->scanner), ==, 0);
  g_test_message ("C15: beside a directory that is never listed: 3 entries known, 0 when "
                  "they are gone");
}

static void
test_one_that_was_open (DsTestScanner *fixture, gconstpointer user_data)
{
  g_test_summary (
      "C19: behind a door that closed nothing is forgotten, beside it all is");

  g_autofree char *closed = NULL;

  fixture->rules.takes_all = TRUE;
  fixture->rules.max_depth = 3;
  ds_test_directory_make (&fixture->files, "in/x");
  ds_test_directory_make (&fixture->files, "in/x/below");
  ds_test_directory_make (&fixture->files, "in/xy");
  ds_test_directory_write (&fixture->files, "in/x/a", "1", 1 * DS_SECOND);
  ds_test_directory_write (&fixture->files, "in/x/below/b", "1", 2 * DS_SECOND);
  ds_test_directory_write (&fixture->files, "in/xy/c", "1", 3 * DS_SECOND);
  ds_test_scanner_expect (fixture, 10 * DS_SECOND, "a b c");

  /* The door of "in/x", and of what it holds; not of "in/xy". */
  close_door (fixture, &closed, "in/x");
  ds_test_directory_remove (&fixture->files, "in/xy/c");
  for (guint i = 11; i <= 15; i++)
    {
      g_auto (DsDirectoryScan) result = { 0 };

      g_free (ds_test_scanner_scan (fixture, i * DS_SECOND, &result));
      g_assert_cmpuint (result.files->len, ==, 0);
      g_assert_error (result.error, DS_ERROR, DS_ERROR_IO);
      g_assert_cmpuint (ds_directory_scanner_get_n_known (fixture->scanner), ==,
                        i == 11 ? 3 : 2);
    }
  close_door (fixture, &closed, NULL);
  ds_test_scanner_expect (fixture, 16 * DS_SECOND, "");
  ds_test_directory_remove (&fixture->files, "in/x/a");
  ds_test_scanner_expect (fixture, 17 * DS_SECOND, "");
  ds_test_scanner_expect (fixture, 18 * DS_SECOND, "");
  g_assert_cmpuint (ds_directory_scanner_get_n_known (fixture->scanner), ==, 1);
}

static void
test_one_of_two_names (DsTestScanner *fixture, gconstpointer user_data)
{
  g_test_summary ("A file with a name on either side of a closed door stays known");

  g_autofree char *closed = NULL;
  g_autofree char *first = ds_test_directory_get_path (&fixture->files, "in/x/a");
  g_autofree char *second = ds_test_directory_get_path (&fixture->files, "in/y/a");

  fixture->rules.takes_all = TRUE;
  fixture->rules.max_depth = 1;
  ds_test_directory_make (&fixture->files, "in/x");
  ds_test_directory_make (&fixture->files, "in/y");
  ds_test_directory_write (&fixture->files, "in/x/a", "1", 0);
  g_assert_cmpint (link (first, second), ==, 0);
  ds_test_scanner_expect (fixture, DS_SECOND, "a");
  for (guint round = 0; round < 2; round++)
    {
      /* Whichever was listed last. */
      close_door (fixture, &closed, round == 0 ? "in/x" : "in/y");
      g_assert_cmpint (unlink (round == 0 ? second : first), ==, 0);
      for (guint i = 0; i < 3; i++)
        expect_error (fixture, (2 + 10 * round + i) * DS_SECOND, "", closed);
      close_door (fixture, &closed, NULL);
      ds_test_scanner_expect (fixture, (8 + 10 * round) * DS_SECOND, "");
      g_assert_cmpint (round == 0 ? link (first, second) : link (second, first), ==, 0);
      ds_test_scanner_expect (fixture, (9 + 10 * round) * DS_SECOND, "");
    }
}

/* The scanner, by way of a checkpoint. */
static void
recover (DsTestScanner *fixture)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autoptr (GPtrArray) later = g_ptr_array_new ();
  g_autoptr (DsScannerCapture) capture = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (DsBlock) block = NULL;
  const DsValue *values;
  gsize n_values;

  capture = ds_directory_scanner_capture (fixture->scanner, G_MAXINT64, later);
  ds_scanner_capture_save (capture, bytes);
  block = ds_codec_decode_block (bytes->data, bytes->len, 0, &error);
  g_assert_no_error (error);
  values = ds_block_get_values (block, &n_values);
  ds_test_scanner_watch (fixture, "in");
  g_assert_cmpuint (ds_directory_scanner_load (fixture->scanner, values, n_values), ==,
                    n_values);
}

static void
test_after_a_recovery (DsTestScanner *fixture, gconstpointer user_data)
{
  g_test_summary ("A checkpoint knows in which directory a file was");

  g_autofree char *closed = NULL;

  fixture->rules.takes_all = TRUE;
  fixture->rules.max_depth = 2;
  ds_test_directory_make (&fixture->files, "in/x");
  ds_test_directory_make (&fixture->files, "in/y");
  ds_test_directory_write (&fixture->files, "in/a", "1", 1 * DS_SECOND);
  ds_test_directory_write (&fixture->files, "in/x/b", "1", 2 * DS_SECOND);
  ds_test_directory_write (&fixture->files, "in/x/c", "1", 3 * DS_SECOND);
  ds_test_directory_write (&fixture->files, "in/y/d", "1", 4 * DS_SECOND);
  ds_test_scanner_expect (fixture, 10 * DS_SECOND, "a b c d");
  recover (fixture);
  close_door (fixture, &closed, "in/x");
  ds_test_directory_remove (&fixture->files, "in/a");
  ds_test_directory_remove (&fixture->files, "in/y/d");
  for (guint i = 11; i <= 13; i++)
    expect_error (fixture, i * DS_SECOND, "", closed);
  g_assert_cmpuint (ds_directory_scanner_get_n_known (fixture->scanner), ==, 2);
  close_door (fixture, &closed, NULL);
  ds_test_scanner_expect (fixture, 14 * DS_SECOND, "");
}

static void
test_one_that_a_pattern_meets (DsTestScanner *fixture, gconstpointer user_data)
{
  g_test_summary ("A pattern goes on beside a directory that it cannot look into");

  g_autofree char *closed = NULL;

  fixture->rules.takes_all = TRUE;
  ds_test_directory_make (&fixture->files, "in/x");
  ds_test_directory_make (&fixture->files, "in/x/data");
  ds_test_directory_make (&fixture->files, "in/y");
  ds_test_directory_make (&fixture->files, "in/y/data");
  ds_test_directory_write (&fixture->files, "in/x/data/a", "1", 0);
  ds_test_directory_write (&fixture->files, "in/y/data/b", "1", 0);
  ds_test_scanner_watch (fixture, "in/*/d*");
  ds_test_scanner_expect (fixture, DS_SECOND, "a b");
  close_door (fixture, &closed, "in/x");
  ds_test_directory_remove (&fixture->files, "in/y/data/b");
  ds_test_directory_write (&fixture->files, "in/y/data/c", "12", 0);
  expect_error (fixture, 2 * DS_SECOND, "c", closed);
  expect_error (fixture, 3 * DS_SECOND, "", closed);
  expect_error (fixture, 4 * DS_SECOND, "", closed);
  g_assert_cmpuint (ds_directory_scanner_get_n_known (fixture->scanner), ==, 2);
  close_door (fixture, &closed, NULL);
  ds_test_scanner_expect (fixture, 5 * DS_SECOND, "");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, func)                                                  \
  g_test_add ("/receivers/directory-scanner/" name, DsTestScanner, NULL, \
              ds_test_scanner_set_up, func, ds_test_scanner_tear_down)
  ADD ("c15-forgets-beside-a-door-that-never-opens", test_one_that_was_never_open);
  ADD ("c19-forgets-beside-a-closed-door-only", test_one_that_was_open);
  ADD ("c19-knows-a-file-of-two-names", test_one_of_two_names);
  ADD ("c19-knows-the-door-after-a-recovery", test_after_a_recovery);
  ADD ("c19-a-pattern-goes-on-beside-a-closed-door", test_one_that_a_pattern_meets);
#undef ADD

  return g_test_run ();
}
