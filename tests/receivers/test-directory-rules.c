/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which files of a directory a scan takes, by time, name and depth. */

#include "tests/receivers/ds-test-scanner.h"

/* ---- The rule of time ---- */

static void
test_takes_in_its_batch (DsTestScanner *fixture, gconstpointer user_data)
{
  g_test_summary ("A file belongs to the first batch at or after its time, once");

  ds_test_directory_write (&fixture->files, "in/a", "1", 10 * DS_SECOND);
  ds_test_directory_write (&fixture->files, "in/b", "1", 11 * DS_SECOND);
  ds_test_directory_write (&fixture->files, "in/c", "1", 11 * DS_SECOND + 1);
  ds_test_scanner_expect (fixture, 10 * DS_SECOND, "a");
  ds_test_scanner_expect (fixture, 11 * DS_SECOND, "b");
  ds_test_scanner_expect (fixture, 12 * DS_SECOND, "c");
  ds_test_scanner_expect (fixture, 13 * DS_SECOND, "");
  g_assert_cmpuint (fixture->told->len, ==, 0);
}

static void
test_passes_over_old_files (DsTestScanner *fixture, gconstpointer user_data)
{
  g_test_summary ("What is as old as the stream or the window is told once, with why");

  fixture->rules.ignore_until = 10 * DS_SECOND;
  ds_test_directory_write (&fixture->files, "in/old", "1", 10 * DS_SECOND);
  ds_test_directory_write (&fixture->files, "in/new", "1", 10 * DS_SECOND + 1);
  ds_test_scanner_expect (fixture, 12 * DS_SECOND, "new");
  g_assert_cmpuint (fixture->told->len, ==, 1);
  g_assert_nonnull (strstr (fixture->told->pdata[0],
                            "old: it was modified at 1970-01-01 00:00:10.000000000 UTC "
                            "and only the time after the stream was made"));
  ds_test_scanner_expect (fixture, 14 * DS_SECOND, "");
  g_assert_cmpuint (fixture->told->len, ==, 1);
  g_ptr_array_set_size (fixture->told, 0);

  ds_test_directory_write (&fixture->files, "in/late", "1", 40 * DS_SECOND);
  ds_test_directory_write (&fixture->files, "in/fresh", "1", 40 * DS_SECOND + 1);
  ds_test_scanner_expect (fixture, 100 * DS_SECOND, "fresh");
  g_assert_cmpuint (ds_test_scanner_count_told (fixture, "late: it was modified at"), ==,
                    1);
}

static void
test_remembers_names (DsTestScanner *fixture, gconstpointer user_data)
{
  g_test_summary ("A file that is written anew is taken again only once it is forgotten");

  ds_test_directory_write (&fixture->files, "in/a", "1", 10 * DS_SECOND);
  ds_test_scanner_expect (fixture, 10 * DS_SECOND, "a");
  ds_test_directory_write (&fixture->files, "in/a", "2", 65 * DS_SECOND);
  ds_test_scanner_expect (fixture, 66 * DS_SECOND, "");
  g_assert_cmpuint (ds_test_scanner_count_told (
                        fixture, "a: a file of that name was read in batch 10000 "
                                 "ms"),
                    ==, 1);
  ds_test_scanner_expect (fixture, 70 * DS_SECOND, "");
  ds_test_scanner_expect (fixture, 71 * DS_SECOND, "a");
  ds_test_scanner_expect (fixture, 72 * DS_SECOND, "");
}

static void
test_far_times_do_not_overflow (DsTestScanner *fixture, gconstpointer user_data)
{
  g_test_summary ("A window and a stream of any age take what they must");

  fixture->rules.remember = G_MAXINT64;
  fixture->rules.ignore_until = 0;
  ds_test_directory_write (&fixture->files, "in/a", "1", 10 * DS_SECOND);
  ds_test_scanner_expect (fixture, 12 * DS_SECOND, "a");
  fixture->rules.ignore_until = G_MAXINT64;
  ds_test_directory_write (&fixture->files, "in/b", "1", 10 * DS_SECOND);
  ds_test_scanner_expect (fixture, 14 * DS_SECOND, "");
  g_assert_cmpint (ds_directory_scanner_count_batches (60 * DS_SECOND, 7 * DS_SECOND), ==,
                   9);
  g_assert_cmpint (ds_directory_scanner_count_batches (G_MAXINT64, 1), ==, G_MAXINT64);
}

static void
test_takes_all_once (DsTestScanner *fixture, gconstpointer user_data)
{
  g_test_summary ("C14: whatever its time, each of 1,000 files is taken once under all");

  guint n_taken = 0;

  fixture->rules.takes_all = TRUE;
  fixture->rules.ignore_until = 1000000 * DS_SECOND;
  for (guint i = 0; i < 1000; i++)
    {
      g_autofree char *name = g_strdup_printf ("in/%03u", i);

      ds_test_directory_write (&fixture->files, name, "1",
                               i % 2 == 0 ? 0
                                          : G_GINT64_CONSTANT (4102444800) * DS_SECOND);
    }
  for (guint i = 1; i <= 4; i++)
    {
      g_auto (DsDirectoryScan) result = { 0 };

      g_free (ds_test_scanner_scan (fixture, i * DS_SECOND, &result));
      n_taken += result.files->len;
      if (i == 2) /* an old name, a new name, a new content */
        {
          ds_test_directory_rename (&fixture->files, "in/000", "in/renamed");
          ds_test_directory_write (&fixture->files, "in/001", "other", 0);
        }
    }
  g_assert_cmpuint (n_taken, ==, 1001);
  g_assert_cmpuint (fixture->told->len, ==, 0);

  /* Spark's rule tells of all of them. */
  ds_test_scanner_watch (fixture, "in");
  fixture->rules.takes_all = FALSE;
  ds_test_scanner_expect (fixture, 1000001 * DS_SECOND, "");
  g_assert_cmpuint (fixture->told->len, ==, 1000);
  g_test_message (
      "C14: 1,000 files of 1970 and 2100: taken 1,000 once each, 1 again that "
      "was written anew; by Spark's rule 0 taken, %u told",
      fixture->told->len);
}

/* ---- Names ---- */

static void
test_passes_over_unfinished_names (DsTestScanner *fixture, gconstpointer user_data)
{
  g_test_summary ("Names of unfinished files are passed over until they are renamed");

  ds_test_directory_write (&fixture->files, "in/.a", "1", 10 * DS_SECOND);
  ds_test_directory_write (&fixture->files, "in/_b", "1", 10 * DS_SECOND);
  ds_test_directory_write (&fixture->files, "in/c._COPYING_", "1", 10 * DS_SECOND);
  ds_test_directory_write (&fixture->files, "in/d_._COPYING", "1", 10 * DS_SECOND);
  ds_test_scanner_expect (fixture, 10 * DS_SECOND, "d_._COPYING");
  g_assert_cmpuint (ds_test_scanner_count_told (fixture, "not finished"), ==, 3);
  ds_test_directory_write (&fixture->files, "in/_b", "grows", 11 * DS_SECOND);
  ds_test_scanner_expect (fixture, 11 * DS_SECOND, "");
  g_assert_cmpuint (fixture->told->len, ==, 0);

  ds_test_directory_rename (&fixture->files, "in/.a", "in/a");
  ds_test_directory_rename (&fixture->files, "in/_b", "in/b");
  ds_test_directory_rename (&fixture->files, "in/c._COPYING_", "in/c");
  ds_test_scanner_expect (fixture, 12 * DS_SECOND, "a c b");
}

static gboolean
wants_even (const char *name, gpointer user_data)
{
  guint *n_calls = user_data;

  (*n_calls)++;
  return (name[0] - '0') % 2 == 0;
}

static void
test_filters_names (DsTestScanner *fixture, gconstpointer user_data)
{
  g_test_summary ("Pattern, then function decide by name; what they refuse is told");

  guint n_calls = 0;

  fixture->rules.name_pattern = "*.[lt]*";
  fixture->rules.filter = wants_even;
  fixture->rules.filter_data = &n_calls;
  ds_test_directory_write (&fixture->files, "in/1.txt", "1", 10 * DS_SECOND);
  ds_test_directory_write (&fixture->files, "in/2.txt", "1", 10 * DS_SECOND);
  ds_test_directory_write (&fixture->files, "in/4.log", "1", 10 * DS_SECOND);
  ds_test_directory_write (&fixture->files, "in/6.bin", "1", 10 * DS_SECOND);
  ds_test_scanner_expect (fixture, 10 * DS_SECOND, "2.txt 4.log");
  g_assert_cmpuint (n_calls, ==, 3);
  g_assert_cmpuint (fixture->told->len, ==, 2);
  ds_test_scanner_sort_told (fixture);
  g_assert_cmpstr (fixture->told->pdata[0], ==,
                   "1.txt: the filter function does not want it");
  g_assert_cmpstr (fixture->told->pdata[1], ==,
                   "6.bin: its name does not match the pattern \"*.[lt]*\"");
}

/* ---- Directories ---- */

static void
test_goes_as_deep_as_asked (DsTestScanner *fixture, gconstpointer user_data)
{
  g_test_summary ("Directories below are looked into to the depth that is set");

  ds_test_directory_make (&fixture->files, "in/a");
  ds_test_directory_make (&fixture->files, "in/a/b");
  ds_test_directory_make (&fixture->files, "in/a/.hidden");
  ds_test_directory_write (&fixture->files, "in/0", "1", 10 * DS_SECOND);
  ds_test_directory_write (&fixture->files, "in/a/1", "1", 11 * DS_SECOND);
  ds_test_directory_write (&fixture->files, "in/a/b/2", "1", 12 * DS_SECOND);
  ds_test_directory_write (&fixture->files, "in/a/.hidden/3", "1", 12 * DS_SECOND);
  ds_test_scanner_expect (fixture, 20 * DS_SECOND, "0");
  g_assert_cmpuint (ds_test_scanner_count_told (fixture,
                                                "a: it is a directory, and those 1 deep"),
                    ==, 1);
  fixture->rules.max_depth = 1;
  ds_test_scanner_expect (fixture, 21 * DS_SECOND, "1");
  fixture->rules.max_depth = 2;
  ds_test_scanner_expect (fixture, 22 * DS_SECOND, "2");
}

static void
test_matches_directories (DsTestScanner *fixture, gconstpointer user_data)
{
  g_test_summary ("A glob names directories, also in the middle, and never files");

  g_auto (DsDirectoryScan) result = { 0 };
  g_autofree char *names = NULL;

  ds_test_directory_make (&fixture->files, "in/x1");
  ds_test_directory_make (&fixture->files, "in/x1/data");
  ds_test_directory_make (&fixture->files, "in/x2");
  ds_test_directory_make (&fixture->files, "in/x2/data");
  ds_test_directory_make (&fixture->files, "in/x3");
  ds_test_directory_make (&fixture->files, "in/.x4");
  ds_test_directory_make (&fixture->files, "in/[odd]");
  ds_test_directory_write (&fixture->files, "in/x1/no", "1", 10 * DS_SECOND);
  ds_test_directory_write (&fixture->files, "in/x1/data/a", "1", 10 * DS_SECOND);
  ds_test_directory_write (&fixture->files, "in/x2/data/b", "1", 11 * DS_SECOND);
  ds_test_directory_write (&fixture->files, "in/x3/data", "1", 10 * DS_SECOND);
  ds_test_directory_write (&fixture->files, "in/[odd]/c", "1", 10 * DS_SECOND);
  ds_test_scanner_watch (fixture, "in/*/data/");
  names = ds_test_scanner_scan (fixture, 20 * DS_SECOND, &result);
  g_assert_cmpstr (names, ==, "a b");
  g_assert_no_error (result.error);
  g_assert_cmpuint (result.n_directories, ==, 2);

  /* What is there of that very name is meant. */
  ds_test_scanner_watch (fixture, "in/[odd]");
  ds_test_scanner_expect (fixture, 20 * DS_SECOND, "c");
}

static void
test_looks_not_into_the_archive (DsTestScanner *fixture, gconstpointer user_data)
{
  g_test_summary ("The excluded directory is passed by, however it is reached");

  g_autofree char *archive = NULL;
  DsFileStatus status;

  ds_test_directory_make (&fixture->files, "in/done");
  ds_test_directory_write (&fixture->files, "in/done/a", "1", 10 * DS_SECOND);
  ds_test_directory_write (&fixture->files, "in/b", "1", 10 * DS_SECOND);
  archive = ds_test_directory_get_path (&fixture->files, "in/done");
  g_assert_true (
      ds_file_system_get_status (ds_file_system_get_local (), archive, &status, NULL));
  fixture->rules.excluded = &status;
  fixture->rules.max_depth = 3;
  ds_test_scanner_expect (fixture, 10 * DS_SECOND, "b");
  ds_test_scanner_watch (fixture, "in/d*");
  ds_test_scanner_expect (fixture, 10 * DS_SECOND, "");
  g_assert_cmpuint (fixture->told->len, ==, 0);
  fixture->rules.excluded = NULL;
  ds_test_scanner_expect (fixture, 11 * DS_SECOND, "a");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, func)                                                  \
  g_test_add ("/receivers/directory-scanner/" name, DsTestScanner, NULL, \
              ds_test_scanner_set_up, func, ds_test_scanner_tear_down)
  ADD ("takes-in-its-batch", test_takes_in_its_batch);
  ADD ("passes-over-old-files", test_passes_over_old_files);
  ADD ("remembers-names", test_remembers_names);
  ADD ("far-times-do-not-overflow", test_far_times_do_not_overflow);
  ADD ("c14-takes-all-once-whatever-their-time", test_takes_all_once);
  ADD ("passes-over-unfinished-names", test_passes_over_unfinished_names);
  ADD ("filters-names", test_filters_names);
  ADD ("goes-as-deep-as-asked", test_goes_as_deep_as_asked);
  ADD ("matches-directories", test_matches_directories);
  ADD ("looks-not-into-the-archive", test_looks_not_into_the_archive);
#undef ADD

  return g_test_run ();
}
