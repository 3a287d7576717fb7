/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which files a scan takes, on real directories with everything in them that others may
 * put there.  Times are given, nothing waits. */

#include "base/ds-error.h"
#include "receivers/ds-directory-scanner-private.h"

#include <fcntl.h>
#include <ftw.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

typedef struct
{
  char *root;
  DsDirectoryScanner *scanner;
  DsScanRules rules;
  GPtrArray *told; /* "name: reason" */
} Fixture;

static char *
path_of (Fixture *fixture, const char *name)
{
  return g_build_filename (fixture->root, name, NULL);
}

/* Files are written at 10 s unless they are given a time; rules begin at 0. */
static void
set_time (Fixture *fixture, const char *name, DsTime time)
{
  g_autofree char *path = path_of (fixture, name);
  struct timespec stamp = { time / DS_SECOND, time % DS_SECOND * 1000 };
  struct timespec times[2] = { stamp, stamp };

  g_assert_cmpint (utimensat (AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW), ==, 0);
}

static void
write_file (Fixture *fixture, const char *name, const char *content, DsTime time)
{
  g_autofree char *path = path_of (fixture, name);
  int fd = open (path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (write (fd, content, strlen (content)), ==, strlen (content));
  close (fd);
  set_time (fixture, name, time);
}

static void
make_directory (Fixture *fixture, const char *name)
{
  g_autofree char *path = path_of (fixture, name);

  g_assert_cmpint (g_mkdir (path, 0755), ==, 0);
}

static void
rename_entry (Fixture *fixture, const char *from, const char *to)
{
  g_autofree char *path_from = path_of (fixture, from);
  g_autofree char *path_to = path_of (fixture, to);

  g_assert_cmpint (g_rename (path_from, path_to), ==, 0);
}

static void
remove_file (Fixture *fixture, const char *name)
{
  g_autofree char *path = path_of (fixture, name);

  g_assert_cmpint (g_remove (path), ==, 0);
}

static void
watch (Fixture *fixture, const char *pattern)
{
  g_autofree char *path = path_of (fixture, pattern);

  g_clear_pointer (&fixture->scanner, ds_directory_scanner_free);
  fixture->scanner = ds_directory_scanner_new (ds_file_system_get_local (), path);
}

static void
set_up (Fixture *fixture, gconstpointer user_data)
{
  fixture->root = g_dir_make_tmp ("ds-scanner-XXXXXX", NULL);
  g_assert_nonnull (fixture->root);
  make_directory (fixture, "in");
  watch (fixture, "in");
  fixture->rules.remember = 60 * DS_SECOND;
  fixture->told = g_ptr_array_new_with_free_func (g_free);
}

static int
remove_entry (const char *path, const struct stat *status, int kind, struct FTW *where)
{
  return remove (path);
}

static void
tear_down (Fixture *fixture, gconstpointer user_data)
{
  g_assert_cmpint (nftw (fixture->root, remove_entry, 16, FTW_DEPTH | FTW_PHYS), ==, 0);
  g_clear_pointer (&fixture->scanner, ds_directory_scanner_free);
  g_ptr_array_unref (fixture->told);
  g_free (fixture->root);
}

static void
note_told (const char *path, const char *reason, gpointer user_data)
{
  Fixture *fixture = user_data;
  g_autofree char *name = g_path_get_basename (path);

  g_assert_true (g_path_is_absolute (path));
  g_ptr_array_add (fixture->told, g_strdup_printf ("%s: %s", name, reason));
}

/* The names that the scan takes, with spaces between.  (transfer full) */
static char *
scan (Fixture *fixture, DsTime batch_time, DsDirectoryScan *result)
{
  g_auto (DsDirectoryScan) own = { 0 };
  DsDirectoryScan *filled = result != NULL ? result : &own;
  GString *names = g_string_new (NULL);

  ds_directory_scanner_scan (fixture->scanner, &fixture->rules, batch_time, batch_time,
                             note_told, fixture, filled);
  for (guint i = 0; i < filled->files->len; i++)
    {
      const DsPlannedFile *file = filled->files->pdata[i];
      g_autofree char *name = g_path_get_basename (file->path);

      g_string_append_printf (names, "%s%s", i > 0 ? " " : "", name);
    }
  return g_string_free (names, FALSE);
}

static void
assert_scan (Fixture *fixture, DsTime batch_time, const char *expected)
{
  g_autofree char *names = scan (fixture, batch_time, NULL);

  g_assert_cmpstr (names, ==, expected);
}

/* How many were told with all of @words in it, since the last call. */
static guint
count_told (Fixture *fixture, const char *words)
{
  guint n = 0;

  for (guint i = 0; i < fixture->told->len; i++)
    n += strstr (fixture->told->pdata[i], words) != NULL;
  g_ptr_array_set_size (fixture->told, 0);
  return n;
}

static gint
compare_told (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static void
sort_told (Fixture *fixture)
{
  g_ptr_array_sort (fixture->told, compare_told);
}

/* ---- The rule of time ---- */

static void
test_takes_in_its_batch (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("A file belongs to the first batch at or after its time, once");

  write_file (fixture, "in/a", "1", 10 * DS_SECOND);
  write_file (fixture, "in/b", "1", 11 * DS_SECOND);
  write_file (fixture, "in/c", "1", 11 * DS_SECOND + 1);
  assert_scan (fixture, 10 * DS_SECOND, "a");
  assert_scan (fixture, 11 * DS_SECOND, "b");
  assert_scan (fixture, 12 * DS_SECOND, "c");
  assert_scan (fixture, 13 * DS_SECOND, "");
  g_assert_cmpuint (fixture->told->len, ==, 0);
}

static void
test_passes_over_old_files (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("What is as old as the stream or the window is told once, with why");

  fixture->rules.ignore_until = 10 * DS_SECOND;
  write_file (fixture, "in/old", "1", 10 * DS_SECOND);
  write_file (fixture, "in/new", "1", 10 * DS_SECOND + 1);
  assert_scan (fixture, 12 * DS_SECOND, "new");
  g_assert_cmpuint (fixture->told->len, ==, 1);
  g_assert_nonnull (strstr (fixture->told->pdata[0],
                            "old: it was modified at 1970-01-01 00:00:10.000000000 UTC "
                            "and only the time after the stream was made"));
  assert_scan (fixture, 14 * DS_SECOND, "");
  g_assert_cmpuint (fixture->told->len, ==, 1);
  g_ptr_array_set_size (fixture->told, 0);

  write_file (fixture, "in/late", "1", 40 * DS_SECOND);
  write_file (fixture, "in/fresh", "1", 40 * DS_SECOND + 1);
  assert_scan (fixture, 100 * DS_SECOND, "fresh");
  g_assert_cmpuint (count_told (fixture, "late: it was modified at"), ==, 1);
}

static void
test_remembers_names (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("A file that is written anew is taken again only once it is forgotten");

  write_file (fixture, "in/a", "1", 10 * DS_SECOND);
  assert_scan (fixture, 10 * DS_SECOND, "a");
  write_file (fixture, "in/a", "2", 65 * DS_SECOND);
  assert_scan (fixture, 66 * DS_SECOND, "");
  g_assert_cmpuint (count_told (fixture, "a: a file of that name was read in batch 10000 "
                                         "ms"),
                    ==, 1);
  assert_scan (fixture, 70 * DS_SECOND, "");
  assert_scan (fixture, 71 * DS_SECOND, "a");
  assert_scan (fixture, 72 * DS_SECOND, "");
}

static void
test_far_times_do_not_overflow (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("A window and a stream of any age take what they must");

  fixture->rules.remember = G_MAXINT64;
  fixture->rules.ignore_until = 0;
  write_file (fixture, "in/a", "1", 10 * DS_SECOND);
  assert_scan (fixture, 12 * DS_SECOND, "a");
  fixture->rules.ignore_until = G_MAXINT64;
  write_file (fixture, "in/b", "1", 10 * DS_SECOND);
  assert_scan (fixture, 14 * DS_SECOND, "");
  g_assert_cmpint (ds_directory_scanner_count_batches (60 * DS_SECOND, 7 * DS_SECOND), ==,
                   9);
  g_assert_cmpint (ds_directory_scanner_count_batches (G_MAXINT64, 1), ==, G_MAXINT64);
}

static void
test_takes_all_once (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("C14: whatever its time, each of 1,000 files is taken once under all");

  guint n_taken = 0;

  fixture->rules.takes_all = TRUE;
  fixture->rules.ignore_until = 1000000 * DS_SECOND;
  for (guint i = 0; i < 1000; i++)
    {
      g_autofree char *name = g_strdup_printf ("in/%03u", i);

      write_file (fixture, name, "1",
                  i % 2 == 0 ? 0 : G_GINT64_CONSTANT (4102444800) * DS_SECOND);
    }
  for (guint i = 1; i <= 4; i++)
    {
      g_auto (DsDirectoryScan) result = { 0 };

      g_free (scan (fixture, i * DS_SECOND, &result));
      n_taken += result.files->len;
      if (i == 2) /* an old name, a new name, a new content */
        {
          rename_entry (fixture, "in/000", "in/renamed");
          write_file (fixture, "in/001", "other", 0);
        }
    }
  g_assert_cmpuint (n_taken, ==, 1001);
  g_assert_cmpuint (fixture->told->len, ==, 0);

  /* Spark's rule tells of all of them. */
  watch (fixture, "in");
  fixture->rules.takes_all = FALSE;
  assert_scan (fixture, 1000001 * DS_SECOND, "");
  g_assert_cmpuint (fixture->told->len, ==, 1000);
  g_test_message (
      "C14: 1,000 files of 1970 and 2100: taken 1,000 once each, 1 again that "
      "was written anew; by Spark's rule 0 taken, %u told",
      fixture->told->len);
}

/* ---- Names and kinds ---- */

static void
test_passes_over_unfinished_names (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("Names of unfinished files are passed over until they are renamed");

  write_file (fixture, "in/.a", "1", 10 * DS_SECOND);
  write_file (fixture, "in/_b", "1", 10 * DS_SECOND);
  write_file (fixture, "in/c._COPYING_", "1", 10 * DS_SECOND);
  write_file (fixture, "in/d_._COPYING", "1", 10 * DS_SECOND);
  assert_scan (fixture, 10 * DS_SECOND, "d_._COPYING");
  g_assert_cmpuint (count_told (fixture, "not finished"), ==, 3);
  write_file (fixture, "in/_b", "grows", 11 * DS_SECOND);
  assert_scan (fixture, 11 * DS_SECOND, "");
  g_assert_cmpuint (fixture->told->len, ==, 0);

  rename_entry (fixture, "in/.a", "in/a");
  rename_entry (fixture, "in/_b", "in/b");
  rename_entry (fixture, "in/c._COPYING_", "in/c");
  assert_scan (fixture, 12 * DS_SECOND, "a c b");
}

static gboolean
wants_even (const char *name, gpointer user_data)
{
  guint *n_calls = user_data;

  (*n_calls)++;
  return (name[0] - '0') % 2 == 0;
}

static void
test_filters_names (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("Pattern, then function decide by name; what they refuse is told");

  guint n_calls = 0;

  fixture->rules.name_pattern = "*.[lt]*";
  fixture->rules.filter = wants_even;
  fixture->rules.filter_data = &n_calls;
  write_file (fixture, "in/1.txt", "1", 10 * DS_SECOND);
  write_file (fixture, "in/2.txt", "1", 10 * DS_SECOND);
  write_file (fixture, "in/4.log", "1", 10 * DS_SECOND);
  write_file (fixture, "in/6.bin", "1", 10 * DS_SECOND);
  assert_scan (fixture, 10 * DS_SECOND, "2.txt 4.log");
  g_assert_cmpuint (n_calls, ==, 3);
  g_assert_cmpuint (fixture->told->len, ==, 2);
  sort_told (fixture);
  g_assert_cmpstr (fixture->told->pdata[0], ==,
                   "1.txt: the filter function does not want it");
  g_assert_cmpstr (fixture->told->pdata[1], ==,
                   "6.bin: its name does not match the pattern \"*.[lt]*\"");
}

static void
test_passes_over_what_is_no_file (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary (
      "C17: a FIFO, a directory and a device do not stall, and are told once");

  g_autofree char *fifo = path_of (fixture, "in/fifo.txt");
  gint64 begin = g_get_monotonic_time ();
  gint64 duration;

  fixture->rules.name_pattern = "*.txt";
  g_assert_cmpint (mkfifo (fifo, 0644), ==, 0);
  make_directory (fixture, "in/directory.txt");
  write_file (fixture, "in/file.txt", "1", 10 * DS_SECOND);
  assert_scan (fixture, 10 * DS_SECOND, "file.txt");
  duration = g_get_monotonic_time () - begin;
  g_assert_cmpuint (fixture->told->len, ==, 2);
  sort_told (fixture);
  g_assert_nonnull (strstr (fixture->told->pdata[0], "directory.txt: it is a directory"));
  g_assert_nonnull (strstr (fixture->told->pdata[1], "fifo.txt: it is a FIFO"));

  write_file (fixture, "in/directory.txt/changes-its-time", "", 10 * DS_SECOND);
  assert_scan (fixture, 11 * DS_SECOND, "");
  g_assert_cmpuint (fixture->told->len, ==, 2);

  /* A directory of devices. */
  g_ptr_array_set_size (fixture->told, 0);
  g_clear_pointer (&fixture->scanner, ds_directory_scanner_free);
  fixture->scanner = ds_directory_scanner_new (ds_file_system_get_local (), "/dev");
  fixture->rules.name_pattern = "zero";
  assert_scan (fixture, 10 * DS_SECOND, "");
  g_assert_cmpuint (count_told (fixture, "zero: it is a FIFO, a socket or a device"), ==,
                    1);
  g_test_message ("C17: scan beside a FIFO without writer: %.3f ms",
                  (double) duration / 1000);
}

static void
test_follows_no_links (Fixture *fixture, gconstpointer user_data)
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
  write_file (fixture, "outside", "1", 10 * DS_SECOND);
  make_directory (fixture, "in/below");
  for (gsize i = 0; i < G_N_ELEMENTS (links); i++)
    {
      g_autofree char *path = path_of (fixture, links[i][0]);

      g_assert_cmpint (symlink (links[i][1], path), ==, 0);
    }
  assert_scan (fixture, 10 * DS_SECOND, "");
  n_told = count_told (fixture, "symbolic link, which is not followed");
  g_assert_cmpuint (n_told, ==, 5);
  assert_scan (fixture, 11 * DS_SECOND, "");
  g_assert_cmpuint (fixture->told->len, ==, 0);
  g_test_message ("C18: 5 links in a tree of depth 2: %u told once, 0 followed", n_told);
}

static void
test_takes_any_name (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("C23: names with newline, invalid UTF-8 and 255 bytes are taken");

  g_autofree char *longest = g_strnfill (255, 'x');
  const char *const names[] = { "two\nlines", "bad\xff\xfe", " ", "-rf", "*", longest };
  g_auto (DsDirectoryScan) result = { 0 };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *name = g_build_filename ("in", names[i], NULL);

      write_file (fixture, name, names[i], (10 + (gint64) i) * DS_SECOND);
    }
  g_free (scan (fixture, 20 * DS_SECOND, &result));
  g_assert_cmpuint (result.files->len, ==, G_N_ELEMENTS (names));
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *name = g_build_filename ("in", names[i], NULL);
      g_autofree char *path = path_of (fixture, name);
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
test_goes_as_deep_as_asked (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("Directories below are looked into to the depth that is set");

  make_directory (fixture, "in/a");
  make_directory (fixture, "in/a/b");
  make_directory (fixture, "in/a/.hidden");
  write_file (fixture, "in/0", "1", 10 * DS_SECOND);
  write_file (fixture, "in/a/1", "1", 11 * DS_SECOND);
  write_file (fixture, "in/a/b/2", "1", 12 * DS_SECOND);
  write_file (fixture, "in/a/.hidden/3", "1", 12 * DS_SECOND);
  assert_scan (fixture, 20 * DS_SECOND, "0");
  g_assert_cmpuint (count_told (fixture, "a: it is a directory, and those 1 deep"), ==,
                    1);
  fixture->rules.max_depth = 1;
  assert_scan (fixture, 21 * DS_SECOND, "1");
  fixture->rules.max_depth = 2;
  assert_scan (fixture, 22 * DS_SECOND, "2");
}

static void
test_matches_directories (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("A glob names directories, also in the middle, and never files");

  g_auto (DsDirectoryScan) result = { 0 };
  g_autofree char *names = NULL;

  make_directory (fixture, "in/x1");
  make_directory (fixture, "in/x1/data");
  make_directory (fixture, "in/x2");
  make_directory (fixture, "in/x2/data");
  make_directory (fixture, "in/x3");
  make_directory (fixture, "in/.x4");
  make_directory (fixture, "in/[odd]");
  write_file (fixture, "in/x1/no", "1", 10 * DS_SECOND);
  write_file (fixture, "in/x1/data/a", "1", 10 * DS_SECOND);
  write_file (fixture, "in/x2/data/b", "1", 11 * DS_SECOND);
  write_file (fixture, "in/x3/data", "1", 10 * DS_SECOND);
  write_file (fixture, "in/[odd]/c", "1", 10 * DS_SECOND);
  watch (fixture, "in/*/data/");
  names = scan (fixture, 20 * DS_SECOND, &result);
  g_assert_cmpstr (names, ==, "a b");
  g_assert_no_error (result.error);
  g_assert_cmpuint (result.n_directories, ==, 2);

  /* What is there of that very name is meant. */
  watch (fixture, "in/[odd]");
  assert_scan (fixture, 20 * DS_SECOND, "c");
}

static void
test_waits_for_directories (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("C19: a directory that is missing, vanishes and returns stops nothing");

  static const char *const patterns[] = { "in/later", "in/la*" };

  for (gsize i = 0; i < G_N_ELEMENTS (patterns); i++)
    {
      fixture->rules.takes_all = TRUE;
      watch (fixture, patterns[i]);
      for (guint round = 0; round < 4; round++)
        {
          g_auto (DsDirectoryScan) result = { 0 };
          g_autofree char *names = scan (fixture, (round + 1) * DS_SECOND, &result);

          switch (round)
            {
            case 0:
              g_assert_cmpstr (names, ==, "");
              g_assert_error (result.error, DS_ERROR, DS_ERROR_NOT_FOUND);
              make_directory (fixture, "in/later");
              write_file (fixture, "in/later/a", "1", 0);
              break;
            case 1:
              g_assert_cmpstr (names, ==, "a");
              g_assert_no_error (result.error);
              rename_entry (fixture, "in/later", "in/.away");
              break;
            case 2:
              g_assert_cmpstr (names, ==, "");
              g_assert_error (result.error, DS_ERROR, DS_ERROR_NOT_FOUND);
              rename_entry (fixture, "in/.away", "in/later");
              break;
            default:
              g_assert_cmpstr (names, ==, "");
              g_assert_no_error (result.error);
              remove_file (fixture, "in/later/a");
              remove_file (fixture, "in/later");
              break;
            }
        }
    }
  g_test_message (
      "C19: directory missing, there, gone, back: 1 file taken once, 2 errors "
      "told, 0 exits");
}

static void
test_looks_not_into_the_archive (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("The excluded directory is passed by, however it is reached");

  g_autofree char *archive = NULL;
  DsFileStatus status;

  make_directory (fixture, "in/done");
  write_file (fixture, "in/done/a", "1", 10 * DS_SECOND);
  write_file (fixture, "in/b", "1", 10 * DS_SECOND);
  archive = path_of (fixture, "in/done");
  g_assert_true (
      ds_file_system_get_status (ds_file_system_get_local (), archive, &status, NULL));
  fixture->rules.excluded = &status;
  fixture->rules.max_depth = 3;
  assert_scan (fixture, 10 * DS_SECOND, "b");
  watch (fixture, "in/d*");
  assert_scan (fixture, 10 * DS_SECOND, "");
  g_assert_cmpuint (fixture->told->len, ==, 0);
  fixture->rules.excluded = NULL;
  assert_scan (fixture, 11 * DS_SECOND, "a");
}

/* ---- Waiting ---- */

static void
test_waits_until_settled (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("A growing file is taken when it has been seen unchanged long enough");

  g_auto (DsDirectoryScan) result = { 0 };

  fixture->rules.settle_time = 3 * DS_SECOND;
  fixture->rules.remember = 5 * DS_SECOND;
  write_file (fixture, "in/a", "1", 10 * DS_SECOND);
  assert_scan (fixture, 10 * DS_SECOND, "");
  write_file (fixture, "in/a", "12", 12 * DS_SECOND);
  assert_scan (fixture, 12 * DS_SECOND, "");
  assert_scan (fixture, 14 * DS_SECOND, "");
  g_free (scan (fixture, 15 * DS_SECOND, &result));
  g_assert_cmpuint (result.files->len, ==, 1);
  g_assert_cmpuint (result.n_bytes, ==, 2);
  assert_scan (fixture, 16 * DS_SECOND, "");
}

static void
test_keeps_to_limits (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("Files beyond a limit wait, oldest first, and never become too old");

  g_auto (DsDirectoryScan) result = { 0 };
  g_autofree char *names = NULL;

  fixture->rules.remember = 10 * DS_SECOND;
  fixture->rules.max_files = 2;
  write_file (fixture, "in/e", "1", 9 * DS_SECOND);
  write_file (fixture, "in/d", "1", 8 * DS_SECOND);
  write_file (fixture, "in/c", "1", 7 * DS_SECOND);
  write_file (fixture, "in/b", "1", 7 * DS_SECOND);
  write_file (fixture, "in/a", "1", 9 * DS_SECOND);
  names = scan (fixture, 10 * DS_SECOND, &result);
  g_assert_cmpstr (names, ==, "b c");
  g_assert_cmpuint (result.n_left, ==, 3);
  assert_scan (fixture, 100 * DS_SECOND, "d a");
  assert_scan (fixture, 200 * DS_SECOND, "e");
  assert_scan (fixture, 300 * DS_SECOND, "");
  g_assert_cmpuint (fixture->told->len, ==, 0);

  fixture->rules.max_files = 0;
  fixture->rules.max_bytes = 4;
  write_file (fixture, "in/1", "12", 401 * DS_SECOND);
  write_file (fixture, "in/2", "12", 402 * DS_SECOND);
  write_file (fixture, "in/3", "123456", 403 * DS_SECOND); /* alone */
  write_file (fixture, "in/4", "", 404 * DS_SECOND);
  write_file (fixture, "in/5", "12345", 405 * DS_SECOND);
  assert_scan (fixture, 406 * DS_SECOND, "1 2");
  assert_scan (fixture, 407 * DS_SECOND, "3");
  assert_scan (fixture, 408 * DS_SECOND, "4");
  assert_scan (fixture, 409 * DS_SECOND, "5");
}

/* ---- Many files ---- */

static void
make_many_files (Fixture *fixture, guint n_files)
{
  g_autofree char *path = path_of (fixture, "in");
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
test_scans_many_files (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("C22: limits hold among very many files, and a scan of them is cheap");

  /* The row asks for 10^6, which take a minute to make: with -m slow. */
  guint n_files = g_test_slow () ? 1000000 : 50000;
  guint n_taken = 0;
  gint64 longest = 0;

  fixture->rules.takes_all = TRUE;
  fixture->rules.max_files = n_files / 5;
  make_many_files (fixture, n_files);
  for (guint i = 1; i <= 7; i++)
    {
      g_auto (DsDirectoryScan) result = { 0 };
      gint64 begin = get_cpu_time ();
      gint64 wall = g_get_monotonic_time ();

      ds_directory_scanner_scan (fixture->scanner, &fixture->rules, i * DS_SECOND,
                                 i * DS_SECOND, note_told, fixture, &result);
      begin = get_cpu_time () - begin;
      wall = g_get_monotonic_time () - wall;
      longest = MAX (longest, begin);
      n_taken += result.files->len;
      g_assert_cmpuint (result.n_listed, ==, n_files);
      g_assert_cmpuint (result.files->len, ==, i <= 5 ? n_files / 5 : 0);
      g_test_message ("C22: scan %u of %u files: %u taken, %.3f s of CPU, %.3f s", i,
                      n_files, result.files->len, (double) begin / DS_SECOND,
                      (double) wall / DS_SECOND);
    }
  g_assert_cmpuint (n_taken, ==, n_files);
  g_test_message ("C22: slowest scan, for 10^6 files: %.3f s of CPU",
                  (double) longest / n_files * 1000000 / DS_SECOND);
}

static void
test_forgets_what_is_gone (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("C15: what is no longer listed is forgotten, and its memory is back");

  guint n_files = g_test_slow () ? 1000000 : 50000;
  gsize n_bytes_before = ds_directory_scanner_get_n_bytes (fixture->scanner);
  gsize n_bytes_full;

  fixture->rules.takes_all = TRUE;
  make_many_files (fixture, n_files);
  g_free (scan (fixture, DS_SECOND, NULL));
  g_assert_cmpuint (ds_directory_scanner_get_n_known (fixture->scanner), ==, n_files);
  n_bytes_full = ds_directory_scanner_get_n_bytes (fixture->scanner);
  g_assert_cmpuint (n_bytes_full, <=, n_files * 128);

  for (guint i = 0; i < n_files; i++)
    {
      char name[32];

      g_snprintf (name, sizeof name, "in/f%07u", i);
      remove_file (fixture, name);
    }
  assert_scan (fixture, 2 * DS_SECOND, "");
  g_assert_cmpuint (ds_directory_scanner_get_n_known (fixture->scanner), ==, n_files);
  assert_scan (fixture, 3 * DS_SECOND, "");
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
test_agrees_with_a_list (Fixture *fixture, gconstpointer user_data)
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
              remove_file (fixture, path);
              is_there[name] = is_new[name] = FALSE;
              continue;
            }
          version[name] = ++n_versions;
          write_file (fixture, path, "1", n_versions * DS_SECOND);
          is_there[name] = is_new[name] = TRUE;
        }
      g_free (scan (fixture, round * DS_SECOND, &result));
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

#define ADD(name, func)                                                          \
  g_test_add ("/receivers/directory-scanner/" name, Fixture, NULL, set_up, func, \
              tear_down)
  ADD ("takes-in-its-batch", test_takes_in_its_batch);
  ADD ("passes-over-old-files", test_passes_over_old_files);
  ADD ("remembers-names", test_remembers_names);
  ADD ("far-times-do-not-overflow", test_far_times_do_not_overflow);
  ADD ("c14-takes-all-once-whatever-their-time", test_takes_all_once);
  ADD ("passes-over-unfinished-names", test_passes_over_unfinished_names);
  ADD ("filters-names", test_filters_names);
  ADD ("c17-passes-over-what-is-no-file", test_passes_over_what_is_no_file);
  ADD ("c18-follows-no-links", test_follows_no_links);
  ADD ("c23-takes-any-name", test_takes_any_name);
  ADD ("goes-as-deep-as-asked", test_goes_as_deep_as_asked);
  ADD ("matches-directories", test_matches_directories);
  ADD ("c19-waits-for-directories", test_waits_for_directories);
  ADD ("looks-not-into-the-archive", test_looks_not_into_the_archive);
  ADD ("waits-until-settled", test_waits_until_settled);
  ADD ("keeps-to-limits", test_keeps_to_limits);
  ADD ("c22-scans-many-files", test_scans_many_files);
  ADD ("c15-forgets-what-is-gone", test_forgets_what_is_gone);
  ADD ("agrees-with-a-list", test_agrees_with_a_list);
#undef ADD

  return g_test_run ();
}
