/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Scans of directories with everything in them that others may put there, and of those
 * that come and go. */

#include "base/ds-error.h"
#include "tests/receivers/ds-test-scanner.h"

/* ---- What is no file ---- */

static void
test_passes_over_what_is_no_file (DsTestScanner *fixture, gconstpointer user_data)
{
  g_test_summary (
      "C17: a FIFO, a directory and a device do not stall, and are told once");

  g_autofree char *fifo = ds_test_directory_get_path (&fixture->files, "in/fifo.txt");
  gint64 begin = g_get_monotonic_time ();
  gint64 duration;

  fixture->rules.name_pattern = "*.txt";
  g_assert_cmpint (mkfifo (fifo, 0644), ==, 0);
  ds_test_directory_make (&fixture->files, "in/directory.txt");
  ds_test_directory_write (&fixture->files, "in/file.txt", "1", 10 * DS_SECOND);
  ds_test_scanner_expect (fixture, 10 * DS_SECOND, "file.txt");
  duration = g_get_monotonic_time () - begin;
  g_assert_cmpuint (fixture->told->len, ==, 2);
  ds_test_scanner_sort_told (fixture);
  g_assert_nonnull (strstr (fixture->told->pdata[0], "directory.txt: it is a directory"));
  g_assert_nonnull (strstr (fixture->told->pdata[1], "fifo.txt: it is a FIFO"));

  ds_test_directory_write (&fixture->files, "in/directory.txt/changes-its-time", "",
                           10 * DS_SECOND);
  ds_test_scanner_expect (fixture, 11 * DS_SECOND, "");
  g_assert_cmpuint (fixture->told->len, ==, 2);

  /* A directory of devices. */
  g_ptr_array_set_size (fixture->told, 0);
  g_clear_pointer (&fixture->scanner, ds_directory_scanner_free);
  fixture->scanner = ds_directory_scanner_new (ds_file_system_get_local (), "/dev");
  fixture->rules.name_pattern = "zero";
  ds_test_scanner_expect (fixture, 10 * DS_SECOND, "");
  g_assert_cmpuint (
      ds_test_scanner_count_told (fixture, "zero: it is a FIFO, a socket or a device"),
      ==, 1);
  g_test_message ("C17: scan beside a FIFO without writer: %.3f ms",
                  (double) duration / 1000);
}

static void
test_follows_no_links (DsTestScanner *fixture, gconstpointer user_data)
{
  g_test_summary ("C18: loops, dangling links and links out of the directory are told");

  static const char *const links[][2] = {
    { "in/loop", "loop" },
    { "in/up", ".." },
    { "in/dangling", "nowhere" },
    { "in/out", "../outside" },
    { "in/below/circle", "../../in" },
  };
  guint n_told;

  fixture->rules.max_depth = 100;
  fixture->rules.takes_all = TRUE;
  ds_test_directory_write (&fixture->files, "outside", "1", 10 * DS_SECOND);
  ds_test_directory_make (&fixture->files, "in/below");
  for (gsize i = 0; i < G_N_ELEMENTS (links); i++)
    {
      g_autofree char *path = ds_test_directory_get_path (&fixture->files, links[i][0]);

      g_assert_cmpint (symlink (links[i][1], path), ==, 0);
    }
  ds_test_scanner_expect (fixture, 10 * DS_SECOND, "");
  n_told = ds_test_scanner_count_told (fixture, "symbolic link, which is not followed");
  g_assert_cmpuint (n_told, ==, 5);
  ds_test_scanner_expect (fixture, 11 * DS_SECOND, "");
  g_assert_cmpuint (fixture->told->len, ==, 0);
  g_test_message ("C18: 5 links in a tree of depth 2: %u told once, 0 followed", n_told);
}

/* ---- Names ---- */

static void
test_takes_any_name (DsTestScanner *fixture, gconstpointer user_data)
{
  g_test_summary ("C23: names with newline, invalid UTF-8 and 255 bytes are taken");

  g_autofree char *longest = g_strnfill (255, 'x');
  const char *const names[] = { "two\nlines", "bad\xff\xfe", " ", "-rf", "*", longest };
  g_auto (DsDirectoryScan) result = { 0 };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *name = g_build_filename ("in", names[i], NULL);

      ds_test_directory_write (&fixture->files, name, names[i],
                               (10 + (gint64) i) * DS_SECOND);
    }
  g_free (ds_test_scanner_scan (fixture, 20 * DS_SECOND, &result));
  g_assert_cmpuint (result.files->len, ==, G_N_ELEMENTS (names));
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *name = g_build_filename ("in", names[i], NULL);
      g_autofree char *path = ds_test_directory_get_path (&fixture->files, name);
      const DsPlannedFile *file = result.files->pdata[i];
      g_autoptr (GError) error = NULL;
      g_autoptr (DsFile) opened = ds_planned_file_open (file, &error);
      char content[256];

      g_assert_no_error (error);
      g_assert_cmpstr (file->path, ==, path);
      g_assert_cmpint (ds_file_read (opened, 0, content, sizeof content, &error), ==,
                       strlen (names[i]));
      g_assert_true (memcmp (content, names[i], strlen (names[i])) == 0);
    }
  g_test_message ("C23: %u of %u names, opened and read by them", result.files->len,
                  (guint) G_N_ELEMENTS (names));
}

/* ---- Directories ---- */

static void
test_waits_for_directories (DsTestScanner *fixture, gconstpointer user_data)
{
  g_test_summary ("C19: a directory that is missing, vanishes and returns stops nothing");

  static const char *const patterns[] = { "in/later", "in/la*" };

  for (gsize i = 0; i < G_N_ELEMENTS (patterns); i++)
    {
      fixture->rules.takes_all = TRUE;
      ds_test_scanner_watch (fixture, patterns[i]);
      for (guint round = 0; round < 7; round++)
        {
          g_auto (DsDirectoryScan) result = { 0 };
          g_autofree char *names =
              ds_test_scanner_scan (fixture, (round + 1) * DS_SECOND, &result);

          switch (round)
            {
            case 0:
              g_assert_cmpstr (names, ==, "");
              g_assert_error (result.error, DS_ERROR, DS_ERROR_NOT_FOUND);
              ds_test_directory_make (&fixture->files, "in/later");
              ds_test_directory_write (&fixture->files, "in/later/a", "1", 0);
              break;
            case 1:
              g_assert_cmpstr (names, ==, "a");
              g_assert_no_error (result.error);
              ds_test_directory_rename (&fixture->files, "in/later", "in/.away");
              break;
            case 2:
            case 3:
            case 4:
            case 5:
              g_assert_cmpstr (names, ==, "");
              g_assert_error (result.error, DS_ERROR, DS_ERROR_NOT_FOUND);
              if (round == 5)
                ds_test_directory_rename (&fixture->files, "in/.away", "in/later");
              break;
            default:
              g_assert_cmpstr (names, ==, "");
              g_assert_no_error (result.error);
              ds_test_directory_remove (&fixture->files, "in/later/a");
              ds_test_directory_remove (&fixture->files, "in/later");
              break;
            }
        }
    }
  g_test_message (
      "C19: directory missing, there, gone for 4 batches, back: 1 file taken once, 5 "
      "errors told, 0 exits");
}

static void
test_forgets_nothing_behind_a_closed_door (DsTestScanner *fixture,
                                           gconstpointer user_data)
{
  g_test_summary ("C19: a directory that is closed for a while is told of, and what was "
                  "taken there is not taken again");

  g_autofree char *closed = ds_test_directory_get_path (&fixture->files, "in/x/data");

  fixture->rules.takes_all = TRUE;
  ds_test_directory_make (&fixture->files, "in/x");
  ds_test_directory_make (&fixture->files, "in/x/data");
  ds_test_directory_write (&fixture->files, "in/x/data/a", "1", 0);
  ds_test_scanner_watch (fixture, "in/*/data");
  ds_test_scanner_expect (fixture, DS_SECOND, "a");
  fixture->counting.forbidden = closed;
  for (guint i = 2; i <= 5; i++)
    {
      g_auto (DsDirectoryScan) result = { 0 };

      g_free (ds_test_scanner_scan (fixture, i * DS_SECOND, &result));
      g_assert_cmpuint (result.files->len, ==, 0);
      g_assert_error (result.error, DS_ERROR, DS_ERROR_IO);
      g_assert_nonnull (strstr (result.error->message, closed));
    }
  fixture->counting.forbidden = NULL;
  ds_test_scanner_expect (fixture, 6 * DS_SECOND, "");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, func)                                                  \
  g_test_add ("/receivers/directory-scanner/" name, DsTestScanner, NULL, \
              ds_test_scanner_set_up, func, ds_test_scanner_tear_down)
  ADD ("c17-passes-over-what-is-no-file", test_passes_over_what_is_no_file);
  ADD ("c18-follows-no-links", test_follows_no_links);
  ADD ("c23-takes-any-name", test_takes_any_name);
  ADD ("c19-waits-for-directories", test_waits_for_directories);
  ADD ("c19-forgets-nothing-behind-a-closed-door",
       test_forgets_nothing_behind_a_closed_door);
#undef ADD

  return g_test_run ();
}
