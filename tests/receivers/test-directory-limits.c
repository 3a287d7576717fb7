/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What waits for a quiet moment or for room, and what very many files cost. */

#include "tests/receivers/ds-test-scanner.h"

#include <time.h>

/* ---- Waiting ---- */

static void
test_waits_until_settled (DsTestScanner *fixture, gconstpointer user_data)
{
  g_test_summary ("A growing file is taken when it has been seen unchanged long enough");

  g_auto (DsDirectoryScan) result = { 0 };

  fixture->rules.settle_time = 3 * DS_SECOND;
  fixture->rules.remember = 5 * DS_SECOND;
  ds_test_directory_write (&fixture->files, "in/a", "1", 10 * DS_SECOND);
  ds_test_scanner_expect (fixture, 10 * DS_SECOND, "");
  ds_test_directory_write (&fixture->files, "in/a", "12", 12 * DS_SECOND);
  ds_test_scanner_expect (fixture, 12 * DS_SECOND, "");
  ds_test_scanner_expect (fixture, 14 * DS_SECOND, "");
  g_free (ds_test_scanner_scan (fixture, 15 * DS_SECOND, &result));
  g_assert_cmpuint (result.files->len, ==, 1);
  g_assert_cmpuint (result.n_bytes, ==, 2);
  ds_test_scanner_expect (fixture, 16 * DS_SECOND, "");
}

static void
test_keeps_to_limits (DsTestScanner *fixture, gconstpointer user_data)
{
  g_test_summary ("Files beyond a limit wait, oldest first, and never become too old");

  g_auto (DsDirectoryScan) result = { 0 };
  g_autofree char *names = NULL;

  fixture->rules.remember = 10 * DS_SECOND;
  fixture->rules.max_files = 2;
  ds_test_directory_write (&fixture->files, "in/e", "1", 9 * DS_SECOND);
  ds_test_directory_write (&fixture->files, "in/d", "1", 8 * DS_SECOND);
  ds_test_directory_write (&fixture->files, "in/c", "1", 7 * DS_SECOND);
  ds_test_directory_write (&fixture->files, "in/b", "1", 7 * DS_SECOND);
  ds_test_directory_write (&fixture->files, "in/a", "1", 9 * DS_SECOND);
  names = ds_test_scanner_scan (fixture, 10 * DS_SECOND, &result);
  g_assert_cmpstr (names, ==, "b c");
  g_assert_cmpuint (result.n_left, ==, 3);
  ds_test_scanner_expect (fixture, 100 * DS_SECOND, "d a");
  ds_test_scanner_expect (fixture, 200 * DS_SECOND, "e");
  ds_test_scanner_expect (fixture, 300 * DS_SECOND, "");
  g_assert_cmpuint (fixture->told->len, ==, 0);

  fixture->rules.max_files = 0;
  fixture->rules.max_bytes = 4;
  ds_test_directory_write (&fixture->files, "in/1", "12", 401 * DS_SECOND);
  ds_test_directory_write (&fixture->files, "in/2", "12", 402 * DS_SECOND);
  ds_test_directory_write (&fixture->files, "in/3", "123456",
                           403 * DS_SECOND); /* alone */
  ds_test_directory_write (&fixture->files, "in/4", "", 404 * DS_SECOND);
  ds_test_directory_write (&fixture->files, "in/5", "12345", 405 * DS_SECOND);
  ds_test_scanner_expect (fixture, 406 * DS_SECOND, "1 2");
  ds_test_scanner_expect (fixture, 407 * DS_SECOND, "3");
  ds_test_scanner_expect (fixture, 408 * DS_SECOND, "4");
  ds_test_scanner_expect (fixture, 409 * DS_SECOND, "5");
}

/* ---- Many files ---- */

static void
make_many_files (DsTestScanner *fixture, guint n_files)
{
  g_autofree char *path = ds_test_directory_get_path (&fixture->files, "in");
  int directory = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  for (guint i = 0; i < n_files; i++)
    {
      char name[32];
      int fd;

      g_snprintf (name, sizeof name, "f%07u", i);
      fd = openat (directory, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
      g_assert_cmpint (fd, >=, 0);
      close (fd);
    }
  close (directory);
}

static gint64
get_cpu_time (void)
{
  struct timespec time;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &time);
  return time.tv_sec * DS_SECOND + time.tv_nsec / 1000;
}

static void
test_scans_many_files (DsTestScanner *fixture, gconstpointer user_data)
{
  g_test_summary ("C22: limits hold among very many files, and a scan of them is cheap");

  /* The row asks for 10^6, which take a minute to make: with -m slow. */
  guint n_files = g_test_slow () ? 1000000 : 50000;
  /* The row's figure; ten times as much for few files on whatever machine. */
  gint64 limit = g_test_slow () ? 2 * DS_SECOND : DS_SECOND;
  guint n_taken = 0;
  gint64 longest = 0;

  fixture->rules.takes_all = TRUE;
  fixture->rules.max_files = n_files / 5;
  make_many_files (fixture, n_files);
  for (guint i = 1; i <= 7; i++)
    {
      g_auto (DsDirectoryScan) result = { 0 };
      guint64 n_statuses = fixture->counting.n_statuses;
      gint64 own = get_cpu_time ();
      gint64 wall = g_get_monotonic_time ();

      ds_directory_scanner_scan (fixture->scanner, &fixture->rules, i * DS_SECOND,
                                 i * DS_SECOND, ds_test_scanner_note_told, fixture,
                                 &result);
      own = get_cpu_time () - own;
      wall = g_get_monotonic_time () - wall;
      /* Where other programs run, the thread's own time is what it would have taken. */
      longest = MAX (longest, MIN (own, wall));
      n_taken += result.files->len;
      g_assert_cmpuint (result.n_listed, ==, n_files);
      /* A file may have been written to, which only its status tells. */
      g_assert_cmpuint (fixture->counting.n_statuses - n_statuses, ==, n_files);
      g_assert_cmpuint (result.files->len, ==, i <= 5 ? n_files / 5 : 0);
      g_test_message ("C22: scan %u of %u files: %u taken, %.3f s, of which the "
                      "scanning thread ran %.3f s",
                      i, n_files, result.files->len, (double) wall / DS_SECOND,
                      (double) own / DS_SECOND);
    }
  g_assert_cmpuint (n_taken, ==, n_files);
  g_assert_cmpint (longest, <, limit);
  g_test_message ("C22: slowest scan of %u files: %.3f s, limit %.3f s", n_files,
                  (double) longest / DS_SECOND, (double) limit / DS_SECOND);
}

static void
test_asks_only_for_what_may_be_taken (DsTestScanner *fixture, gconstpointer user_data)
{
  g_test_summary ("C22: what name or kind keep out costs no look at it, in any scan");

  fixture->rules.name_pattern = "*.log";
  for (guint i = 0; i < 100; i++)
    {
      g_autofree char *refused = g_strdup_printf ("in/%u.txt", i);
      g_autofree char *hidden = g_strdup_printf ("in/.%u.log", i);
      g_autofree char *copied = g_strdup_printf ("in/%u.log._COPYING_", i);
      g_autofree char *below = g_strdup_printf ("in/below-%u.log", i);
      g_autofree char *name = g_strdup_printf ("in/link-%u.log", i);
      g_autofree char *link_path = ds_test_directory_get_path (&fixture->files, name);
      g_autofree char *wanted = g_strdup_printf ("in/%u.log", i);

      ds_test_directory_write (&fixture->files, refused, "1", 10 * DS_SECOND);
      ds_test_directory_write (&fixture->files, hidden, "1", 10 * DS_SECOND);
      ds_test_directory_write (&fixture->files, copied, "1", 10 * DS_SECOND);
      ds_test_directory_make (&fixture->files, below);
      g_assert_cmpint (symlink ("0.log", link_path), ==, 0);
      if (i < 7)
        ds_test_directory_write (&fixture->files, wanted, "1", 10 * DS_SECOND);
    }
  for (guint i = 1; i <= 3; i++)
    {
      g_auto (DsDirectoryScan) result = { 0 };

      g_free (ds_test_scanner_scan (fixture, (9 + i) * DS_SECOND, &result));
      g_assert_cmpuint (result.n_listed, ==, 507);
      g_assert_cmpuint (result.n_passed_over, ==, 500);
      g_assert_cmpuint (result.files->len, ==, i == 1 ? 7 : 0);
      g_assert_cmpuint (fixture->counting.n_statuses, ==, i * 7);
      g_assert_cmpuint (fixture->told->len, ==, 500);
    }
  g_test_message ("C22: 507 entries, of which 500 are kept out by name or kind: %u "
                  "looked at in each scan",
                  (guint) fixture->counting.n_statuses / 3);
}

static void
test_forgets_what_is_gone (DsTestScanner *fixture, gconstpointer user_data)
{
  g_test_summary ("C15: what is no longer listed is forgotten, and its memory is back");

  guint n_files = g_test_slow () ? 1000000 : 50000;
  gsize n_bytes_before = ds_directory_scanner_get_n_bytes (fixture->scanner);
  gsize n_bytes_full;

  fixture->rules.takes_all = TRUE;
  make_many_files (fixture, n_files);
  g_free (ds_test_scanner_scan (fixture, DS_SECOND, NULL));
  g_assert_cmpuint (ds_directory_scanner_get_n_known (fixture->scanner), ==, n_files);
  n_bytes_full = ds_directory_scanner_get_n_bytes (fixture->scanner);
  g_assert_cmpuint (n_bytes_full, <=, n_files * 128);

  for (guint i = 0; i < n_files; i++)
    {
      char name[32];

      g_snprintf (name, sizeof name, "in/f%07u", i);
      ds_test_directory_remove (&fixture->files, name);
    }
  ds_test_scanner_expect (fixture, 2 * DS_SECOND, "");
  g_assert_cmpuint (ds_directory_scanner_get_n_known (fixture->scanner), ==, n_files);
  ds_test_scanner_expect (fixture, 3 * DS_SECOND, "");
  g_assert_cmpuint (ds_directory_scanner_get_n_known (fixture->scanner), ==, 0);
  g_assert_cmpuint (ds_directory_scanner_get_n_bytes (fixture->scanner), <=,
                    n_bytes_before + 4096);
  g_test_message ("C15: %u files known: %" G_GSIZE_FORMAT " bytes, %.1f each; emptied: "
                  "%" G_GSIZE_FORMAT,
                  n_files, n_bytes_full, (double) n_bytes_full / n_files,
                  ds_directory_scanner_get_n_bytes (fixture->scanner));
}

/* Files come, stay, change and go at random; a plain list tells what must be taken. */
static void
test_agrees_with_a_list (DsTestScanner *fixture, gconstpointer user_data)
{
  g_test_summary ("Through random changes each content of each file is taken once");

  enum
  {
    N_NAMES = 40,
    N_ROUNDS = 200
  };
  guint version[N_NAMES] = { 0 };
  gboolean is_new[N_NAMES] = { FALSE };
  gboolean is_there[N_NAMES] = { FALSE };
  guint n_versions = 0;

  fixture->rules.takes_all = TRUE;
  for (guint round = 1; round <= N_ROUNDS; round++)
    {
      g_auto (DsDirectoryScan) result = { 0 };
      guint n_expected = 0;

      for (guint i = 0; i < 10; i++)
        {
          guint name = (guint) g_test_rand_int_range (0, N_NAMES);
          g_autofree char *path = g_strdup_printf ("in/%u", name);

          if (is_there[name] && g_test_rand_bit ())
            {
              ds_test_directory_remove (&fixture->files, path);
              is_there[name] = is_new[name] = FALSE;
              continue;
            }
          version[name] = ++n_versions;
          ds_test_directory_write (&fixture->files, path, "1", n_versions * DS_SECOND);
          is_there[name] = is_new[name] = TRUE;
        }
      g_free (ds_test_scanner_scan (fixture, round * DS_SECOND, &result));
      for (guint i = 0; i < N_NAMES; i++)
        n_expected += is_new[i];
      g_assert_cmpuint (result.files->len, ==, n_expected);
      for (guint i = 0; i < result.files->len; i++)
        {
          const DsPlannedFile *file = result.files->pdata[i];
          g_autofree char *name = g_path_get_basename (file->path);
          guint number = (guint) g_ascii_strtoull (name, NULL, 10);

          g_assert_true (is_new[number]);
          g_assert_cmpint (file->status.modified_ns, ==,
                           version[number] * G_GINT64_CONSTANT (1000000000));
          is_new[number] = FALSE;
        }
      g_assert_cmpuint (ds_directory_scanner_get_n_known (fixture->scanner), <=,
                        2 * N_NAMES);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, func)                                                  \
  g_test_add ("/receivers/directory-scanner/" name, DsTestScanner, NULL, \
              ds_test_scanner_set_up, func, ds_test_scanner_tear_down)
  ADD ("waits-until-settled", test_waits_until_settled);
  ADD ("keeps-to-limits", test_keeps_to_limits);
  ADD ("c22-scans-many-files", test_scans_many_files);
  ADD ("c22-asks-only-for-what-may-be-taken", test_asks_only_for_what_may_be_taken);
  ADD ("c15-forgets-what-is-gone", test_forgets_what_is_gone);
  ADD ("agrees-with-a-list", test_agrees_with_a_list);
#undef ADD

  return g_test_run ();
}
