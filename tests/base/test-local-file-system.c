/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The file system of the machine, with everything that others may put into a directory.
 */

#include "base/ds-error.h"
#include "base/ds-file-system-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

typedef struct
{
  DsFileSystem *files;
  char *directory;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer user_data)
{
  fixture->files = ds_file_system_get_local ();
  fixture->directory = g_dir_make_tmp ("ds-local-XXXXXX", NULL);
  g_assert_nonnull (fixture->directory);
}

static void
tear_down (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (GDir) directory = g_dir_open (fixture->directory, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (directory)) != NULL)
    {
      g_autofree char *path = g_build_filename (fixture->directory, name, NULL);

      g_assert_cmpint (g_remove (path), ==, 0);
    }
  g_assert_cmpint (g_rmdir (fixture->directory), ==, 0);
  g_free (fixture->directory);
}

/* (transfer full): the path. */
static char *
make_file (Fixture *fixture, const char *name, const char *content)
{
  char *path = g_build_filename (fixture->directory, name, NULL);
  int fd = open (path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (write (fd, content, strlen (content)), ==, strlen (content));
  close (fd);
  return path;
}

static void
set_time (const char *path, gint64 seconds, long nanoseconds)
{
  struct timespec times[2] = { { seconds, nanoseconds }, { seconds, nanoseconds } };

  g_assert_cmpint (utimensat (AT_FDCWD, path, times, 0), ==, 0);
}

/* One of each kind. */
static void
make_zoo (Fixture *fixture)
{
  g_autofree char *directory = g_build_filename (fixture->directory, "directory", NULL);
  g_autofree char *link_path = g_build_filename (fixture->directory, "link", NULL);
  g_autofree char *loop = g_build_filename (fixture->directory, "loop", NULL);
  g_autofree char *fifo = g_build_filename (fixture->directory, "fifo", NULL);
  g_autofree char *socket_path = g_build_filename (fixture->directory, "socket", NULL);
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_free (make_file (fixture, "file", "12345"));
  g_assert_cmpint (g_mkdir (directory, 0755), ==, 0);
  g_assert_cmpint (symlink ("file", link_path), ==, 0);
  g_assert_cmpint (symlink ("loop", loop), ==, 0);
  g_assert_cmpint (mkfifo (fifo, 0644), ==, 0);
  g_assert_cmpint (g_strlcpy (address.sun_path, socket_path, sizeof address.sun_path), <,
                   sizeof address.sun_path);
  g_assert_cmpint (bind (fd, (struct sockaddr *) &address, sizeof address), ==, 0);
  close (fd);
}

/* ---- Listing ---- */

static gboolean
note_entry (const char *name, const DsFileStatus *status, gpointer user_data)
{
  DsFileStatus *copy = g_new (DsFileStatus, 1);

  *copy = *status;
  g_assert_true (g_hash_table_insert (user_data, g_strdup (name), copy));
  return TRUE;
}

static GHashTable *
list_entries (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  GHashTable *entries = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);

  g_assert_true (ds_file_system_list (fixture->files, fixture->directory, NULL,
                                      note_entry, entries, &error));
  g_assert_no_error (error);
  return entries;
}

static DsFileKind
get_kind (GHashTable *entries, const char *name)
{
  const DsFileStatus *status = g_hash_table_lookup (entries, name);

  g_assert_nonnull (status);
  return status->kind;
}

static void
test_lists_kinds (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("A listing tells files from directories, links, FIFOs and sockets");

  g_autoptr (GHashTable) entries = NULL;

  make_zoo (fixture);
  entries = list_entries (fixture);
  g_assert_cmpuint (g_hash_table_size (entries), ==, 6);
  g_assert_cmpint (get_kind (entries, "file"), ==, DS_FILE_REGULAR);
  g_assert_cmpint (get_kind (entries, "directory"), ==, DS_FILE_DIRECTORY);
  g_assert_cmpint (get_kind (entries, "link"), ==, DS_FILE_SYMLINK);
  g_assert_cmpint (get_kind (entries, "loop"), ==, DS_FILE_SYMLINK);
  g_assert_cmpint (get_kind (entries, "fifo"), ==, DS_FILE_SPECIAL);
  g_assert_cmpint (get_kind (entries, "socket"), ==, DS_FILE_SPECIAL);
}

static void
test_lists_status (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("A listing tells size and time to the nanosecond, also before 1970");

  g_autofree char *a = make_file (fixture, "a", "12345");
  g_autofree char *b = make_file (fixture, "b", "");
  g_autoptr (GError) error = NULL;
  g_autoptr (GHashTable) entries = NULL;
  const DsFileStatus *listed;
  DsFileStatus status;

  set_time (a, 1500000000, 123456789);
  set_time (b, -2, 999999999);
  entries = list_entries (fixture);
  listed = g_hash_table_lookup (entries, "a");
  g_assert_cmpuint (listed->n_bytes, ==, 5);
  g_assert_cmpint (listed->modified_ns, ==, G_GINT64_CONSTANT (1500000000123456789));
  g_assert_true (ds_file_system_get_status (fixture->files, a, &status, &error));
  g_assert_true (ds_file_status_equal (listed, &status));

  listed = g_hash_table_lookup (entries, "b");
  g_assert_cmpuint (listed->n_bytes, ==, 0);
  g_assert_cmpint (listed->modified_ns, ==, -1000000001);
  g_assert_false (ds_file_status_equal (listed, &status));
}

static gboolean
stop_at_third (const char *name, const DsFileStatus *status, gpointer user_data)
{
  guint *n = user_data;

  return ++*n < 3;
}

static void
test_stops_listing (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("A listing ends without error when the caller has enough");

  g_autoptr (GError) error = NULL;
  guint n = 0;

  for (guint i = 0; i < 10; i++)
    {
      g_autofree char *name = g_strdup_printf ("%u", i);

      g_free (make_file (fixture, name, ""));
    }
  g_assert_true (ds_file_system_list (fixture->files, fixture->directory, NULL,
                                      stop_at_third, &n, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (n, ==, 3);
}

static gboolean
fail_on_entry (const char *name, const DsFileStatus *status, gpointer user_data)
{
  g_assert_not_reached ();
}

static void
test_cannot_list (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("A missing directory and a file in its place are told apart");

  g_autofree char *missing = g_build_filename (fixture->directory, "no\nsuch", NULL);
  g_autofree char *file = make_file (fixture, "file", "");
  g_autoptr (GError) error = NULL;

  g_assert_false (
      ds_file_system_list (fixture->files, missing, NULL, fail_on_entry, NULL, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "no\\x0asuch\""));
  g_clear_error (&error);

  g_assert_false (
      ds_file_system_list (fixture->files, file, NULL, fail_on_entry, NULL, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_BAD_FILE);
  g_assert_nonnull (strstr (error->message, file));
}

/* ---- Reading ---- */

static void
test_reads_at_offsets (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("Bytes are read at any offset, fewer than asked for only at the end");

  g_autofree char *path = make_file (fixture, "file", "0123456789");
  g_autoptr (GError) error = NULL;
  g_autoptr (DsFile) file = ds_file_system_open (fixture->files, path, &error);
  char room[20];

  g_assert_no_error (error);
  g_assert_cmpint (ds_file_read (file, 3, room, 4, &error), ==, 4);
  g_assert_cmpmem (room, 4, "3456", 4);
  g_assert_cmpint (ds_file_read (file, 8, room, sizeof room, &error), ==, 2);
  g_assert_cmpmem (room, 2, "89", 2);
  g_assert_cmpint (ds_file_read (file, 10, room, sizeof room, &error), ==, 0);
  g_assert_cmpint (ds_file_read (file, 1000, room, sizeof room, &error), ==, 0);
  g_assert_cmpint (ds_file_read (file, 0, room, 0, &error), ==, 0);
  g_assert_no_error (error);
}

static void
test_opens_regular_files_only (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("FIFO, socket, device, directory and links are refused at once");

  static const char *const names[] = { "directory", "link", "loop", "fifo", "socket" };

  make_zoo (fixture);
  for (gsize i = 0; i <= G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = i < G_N_ELEMENTS (names)
                                  ? g_build_filename (fixture->directory, names[i], NULL)
                                  : g_strdup ("/dev/null");
      g_autoptr (GError) error = NULL;

      g_assert_null (ds_file_system_open (fixture->files, path, &error));
      g_assert_error (error, DS_ERROR, DS_ERROR_BAD_FILE);
      g_assert_nonnull (strstr (error->message, path));
    }
}

static void
test_cannot_open_missing (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("A file that is not there, or under a file, is not found or no file");

  g_autofree char *file = make_file (fixture, "file", "");
  g_autofree char *missing = g_build_filename (fixture->directory, "missing", NULL);
  g_autofree char *below = g_build_filename (file, "below", NULL);
  g_autoptr (GError) error = NULL;
  DsFileStatus status;

  g_assert_null (ds_file_system_open (fixture->files, missing, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_false (ds_file_system_get_status (fixture->files, missing, &status, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_null (ds_file_system_open (fixture->files, below, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_BAD_FILE);
}

/* ---- Planned files ---- */

typedef enum
{
  CHANGE_NOTHING,
  CHANGE_REPLACE,
  CHANGE_APPEND,
  CHANGE_TRUNCATE,
  CHANGE_WRITE,
  CHANGE_TOUCH,
  CHANGE_REMOVE,
  CHANGE_TO_FIFO,
  N_CHANGES
} Change;

static void
change_file (Fixture *fixture, const char *path, Change change)
{
  g_autofree char *other = NULL;

  switch (change)
    {
    case CHANGE_REPLACE:
      other = make_file (fixture, "other", "12345");
      set_time (other, 1500000000, 0);
      g_assert_cmpint (g_rename (other, path), ==, 0);
      break;
    case CHANGE_APPEND:
      g_free (make_file (fixture, "file", "123456"));
      set_time (path, 1500000000, 0);
      break;
    case CHANGE_TRUNCATE:
      g_assert_cmpint (truncate (path, 2), ==, 0);
      set_time (path, 1500000000, 0);
      break;
    case CHANGE_WRITE:
      g_free (make_file (fixture, "file", "54321"));
      break;
    case CHANGE_TOUCH:
      set_time (path, 1500000000, 1);
      break;
    case CHANGE_REMOVE:
      g_assert_cmpint (g_unlink (path), ==, 0);
      break;
    case CHANGE_TO_FIFO:
      g_assert_cmpint (g_unlink (path), ==, 0);
      g_assert_cmpint (mkfifo (path, 0644), ==, 0);
      break;
    case CHANGE_NOTHING:
    case N_CHANGES:
    default:
      break;
    }
}

static void
test_planned_file_is_the_same (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("A planned file opens only unchanged; the error says what changed");

  static const struct
  {
    int code; /* -1: it opens */
    const char *words;
  } expected[N_CHANGES] = {
    [CHANGE_NOTHING] = { -1, NULL },
    [CHANGE_REPLACE] = { DS_ERROR_BAD_FILE, "replaced by another file" },
    [CHANGE_APPEND] = { DS_ERROR_BAD_FILE, "appended to: it has 6 bytes, and had 5" },
    [CHANGE_TRUNCATE] = { DS_ERROR_BAD_FILE, "truncated: it has 2 bytes, and had 5" },
    [CHANGE_WRITE] = { DS_ERROR_BAD_FILE, "was 2017-07-14 02:40:00.000000000 UTC" },
    [CHANGE_TOUCH] = { DS_ERROR_BAD_FILE,
                       "modified at 2017-07-14 02:40:00.000000001 UTC" },
    [CHANGE_REMOVE] = { DS_ERROR_NOT_FOUND, "No such file" },
    [CHANGE_TO_FIFO] = { DS_ERROR_BAD_FILE, "a FIFO" },
  };

  for (Change change = CHANGE_NOTHING; change < N_CHANGES; change++)
    {
      g_autofree char *path = make_file (fixture, "file", "12345");
      g_autoptr (DsPlannedFile) planned = NULL;
      g_autoptr (DsFile) file = NULL;
      g_autoptr (GError) error = NULL;
      DsFileStatus status;

      set_time (path, 1500000000, 0);
      g_assert_true (ds_file_system_get_status (fixture->files, path, &status, &error));
      planned = ds_planned_file_new (fixture->files, path, &status);
      change_file (fixture, path, change);

      file = ds_planned_file_open (planned, &error);
      if (expected[change].code < 0)
        {
          g_assert_no_error (error);
          g_assert_nonnull (file);
        }
      else
        {
          g_assert_error (error, DS_ERROR, expected[change].code);
          g_assert_null (file);
          g_assert_nonnull (strstr (error->message, path));
          g_assert_nonnull (strstr (error->message, expected[change].words));
        }
      g_unlink (path);
    }
}

/* ---- Names ---- */

static void
test_shows_any_name (void)
{
  g_test_summary ("A name of any bytes is shown as UTF-8 on one line");

  static const struct
  {
    const char *name;
    const char *shown;
  } cases[] = {
    { "plain.txt", "plain.txt" },
    { "", "" },
    { "K\xc3\xa4se \xe2\x82\xac", "K\xc3\xa4se \xe2\x82\xac" },
    { "two\nlines\t\x1b[2J", "two\\x0alines\\x09\\x1b[2J" },
    { "bad\xff\xc3", "bad\\xff\\xc3" },
    { "\xe2\x80\xaetxt.exe", "\\u{202e}txt.exe" }, /* right-to-left override */
    { "a\xe2\x80\xa8z", "a\\u{2028}z" },
    { "\x7f", "\\x7f" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *shown = ds_file_display_name (cases[i].name);

      g_assert_cmpstr (shown, ==, cases[i].shown);
      g_assert_true (g_utf8_validate (shown, -1, NULL));
    }
}

static void
test_shows_times (void)
{
  g_test_summary ("A file's time is shown to the nanosecond, however far away it is");

  g_autofree char *past = ds_file_time_to_string (-1);
  g_autofree char *epoch = ds_file_time_to_string (0);
  g_autofree char *last = ds_file_time_to_string (G_MAXINT64);

  g_assert_cmpstr (past, ==, "1969-12-31 23:59:59.999999999 UTC");
  g_assert_cmpstr (epoch, ==, "1970-01-01 00:00:00.000000000 UTC");
  g_assert_cmpstr (last, ==, "2262-04-11 23:47:16.854775807 UTC");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, func) \
  g_test_add ("/base/local-file-system/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("lists-kinds", test_lists_kinds);
  ADD ("lists-status", test_lists_status);
  ADD ("stops-listing", test_stops_listing);
  ADD ("cannot-list", test_cannot_list);
  ADD ("reads-at-offsets", test_reads_at_offsets);
  ADD ("opens-regular-files-only", test_opens_regular_files_only);
  ADD ("cannot-open-missing", test_cannot_open_missing);
  ADD ("planned-file-is-the-same", test_planned_file_is_the_same);
#undef ADD
  g_test_add_func ("/base/local-file-system/shows-any-name", test_shows_any_name);
  g_test_add_func ("/base/local-file-system/shows-times", test_shows_times);

  return g_test_run ();
}
