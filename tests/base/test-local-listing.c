/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a listing asks the system for.  The two calls that matter stand in this program in
 * place of the C library's: they count, and let things happen between them. */

#include "base/ds-error.h"
#include "base/ds-file-system-private.h"
#include "tests/base/ds-test-directory.h"

#include <dirent.h>
#include <errno.h>
#include <sys/syscall.h>

static gboolean hides_kinds;
static void (*before_status) (const char *name);
static int status_error;
static gint n_statuses; /* atomic */

ssize_t
getdents64 (int fd, void *buffer, size_t length)
{
  ssize_t n_bytes = syscall (SYS_getdents64, fd, buffer, length);

  for (ssize_t offset = 0; hides_kinds && offset < n_bytes;)
    {
      struct dirent64 *entry = (struct dirent64 *) (gpointer) ((char *) buffer + offset);

      entry->d_type = DT_UNKNOWN;
      offset += entry->d_reclen;
    }
  return n_bytes;
}

int
fstatat (int directory, const char *name, struct stat *status, int flags)
{
  int fd;
  int result;

  g_assert_cmpint (flags, ==, AT_SYMLINK_NOFOLLOW);
  g_atomic_int_inc (&n_statuses);
  if (before_status != NULL)
    before_status (name);
  if (status_error != 0)
    {
      errno = status_error;
      return -1;
    }
  fd = openat (directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0)
    return -1;
  result = fstat (fd, status);
  close (fd);
  return result;
}

static DsTestDirectory files;

typedef struct
{
  GHashTable *selected; /* name to kind */
  GHashTable *listed;   /* name to size */
  DsFileKind kind;      /* that is wanted */
  guint max_listed;     /* 0: all */
} Listing;

static gboolean
select_kind (const char *name, DsFileKind kind, gpointer user_data)
{
  Listing *self = user_data;

  g_assert_true (g_hash_table_insert (self->selected, g_strdup (name),
                                      GINT_TO_POINTER ((gint) kind)));
  return kind == self->kind;
}

static gboolean
note_entry (const char *name, const DsFileStatus *status, gpointer user_data)
{
  Listing *self = user_data;

  g_assert_true (g_hash_table_insert (self->listed, g_strdup (name),
                                      GSIZE_TO_POINTER (status->n_bytes)));
  return g_hash_table_size (self->listed) != self->max_listed;
}

static gboolean
list (Listing *self, gboolean selects, GError **error)
{
  g_atomic_int_set (&n_statuses, 0);
  self->selected = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->listed = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  return ds_file_system_list (ds_file_system_get_local (), files.root,
                              selects ? select_kind : NULL, note_entry, self, error);
}

static void
clear (Listing *self)
{
  g_clear_pointer (&self->selected, g_hash_table_unref);
  g_clear_pointer (&self->listed, g_hash_table_unref);
}

static void
set_up (void)
{
  g_autofree char *path = NULL;

  hides_kinds = FALSE;
  before_status = NULL;
  status_error = 0;
  ds_test_directory_set_up (&files);
  ds_test_directory_write (&files, "a", "1", 0);
  ds_test_directory_write (&files, "b", "22", 0);
  ds_test_directory_make (&files, "below");
  path = ds_test_directory_get_path (&files, "link");
  g_assert_cmpint (symlink ("a", path), ==, 0);
}

static void
test_asks_for_what_is_selected (void)
{
  g_test_summary ("The status of what is not selected is not asked for");

  for (guint round = 0; round < 2; round++)
    {
      Listing listing = { .kind = DS_FILE_REGULAR };
      g_autoptr (GError) error = NULL;

      set_up ();
      hides_kinds = round == 1;
      g_assert_true (list (&listing, TRUE, &error));
      g_assert_no_error (error);
      g_assert_cmpuint (g_hash_table_size (listing.selected), ==, 4);
      g_assert_cmpint (GPOINTER_TO_INT (g_hash_table_lookup (listing.selected, "below")),
                       ==, DS_FILE_DIRECTORY);
      g_assert_cmpint (GPOINTER_TO_INT (g_hash_table_lookup (listing.selected, "link")),
                       ==, DS_FILE_SYMLINK);
      g_assert_cmpuint (g_hash_table_size (listing.listed), ==, 2);
      g_assert_cmpuint (GPOINTER_TO_SIZE (g_hash_table_lookup (listing.listed, "b")), ==,
                        2);
      /* A file system that tells no kinds has to be asked for all. */
      g_assert_cmpint (g_atomic_int_get (&n_statuses), ==, round == 0 ? 2 : 4);
      clear (&listing);
      ds_test_directory_tear_down (&files);
    }
}

static void
replace_a (const char *name)
{
  g_autofree char *path = ds_test_directory_get_path (&files, name);

  if (strcmp (name, "a") != 0)
    return;
  g_assert_cmpint (unlink (path), ==, 0);
  g_assert_cmpint (symlink ("b", path), ==, 0);
}

static void
remove_b (const char *name)
{
  if (strcmp (name, "b") == 0)
    ds_test_directory_remove (&files, name);
}

static void
test_leaves_out_what_changes (void)
{
  g_test_summary ("What vanishes or becomes a link between two calls is left out");

  static void (*const changes[]) (const char *) = { replace_a, remove_b };

  for (guint round = 0; round < 2; round++)
    {
      Listing listing = { .kind = DS_FILE_REGULAR };
      g_autoptr (GError) error = NULL;

      set_up ();
      before_status = changes[round];
      g_assert_true (list (&listing, TRUE, &error));
      g_assert_no_error (error);
      g_assert_cmpuint (g_hash_table_size (listing.listed), ==, 1);
      g_assert_true (g_hash_table_contains (listing.listed, round == 0 ? "b" : "a"));
      clear (&listing);
      ds_test_directory_tear_down (&files);
    }
}

static void
test_tells_of_no_permission (void)
{
  g_test_summary ("A directory that may be read but not searched cannot be listed");

  Listing listing = { .kind = DS_FILE_REGULAR };
  g_autoptr (GError) error = NULL;

  set_up ();
  status_error = EACCES;
  g_assert_false (list (&listing, FALSE, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_IO);
  g_assert_nonnull (strstr (error->message, "Permission denied; look at owner"));
  g_assert_nonnull (strstr (error->message, files.root));
  g_assert_cmpuint (g_hash_table_size (listing.listed), ==, 0);
  clear (&listing);
  ds_test_directory_tear_down (&files);
}

static void
test_lists_many (void)
{
  g_test_summary ("A large directory, asked for by several threads, is listed once");

  enum
  {
    N_FILES = 20000 /* of 120 bytes of listing: some portions */
  };
  g_autofree char *tail = g_strnfill (90, 'x');
  g_autoptr (GError) error = NULL;
  Listing listing = { .kind = DS_FILE_REGULAR };
  GHashTableIter iter;
  gpointer name;
  gpointer size;

  set_up ();
  for (guint i = 0; i < N_FILES; i++)
    {
      char path[128];

      g_snprintf (path, sizeof path, "%u-%s", i, tail);
      ds_test_directory_write_bytes (&files, path, tail, i % 90, 0);
    }
  g_assert_true (list (&listing, FALSE, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (g_hash_table_size (listing.listed), ==, N_FILES + 4);
  g_assert_cmpint (g_atomic_int_get (&n_statuses), ==, N_FILES + 4);
  g_hash_table_iter_init (&iter, listing.listed);
  while (g_hash_table_iter_next (&iter, &name, &size))
    if (g_str_has_suffix (name, tail))
      g_assert_cmpuint (GPOINTER_TO_SIZE (size), ==,
                        g_ascii_strtoull (name, NULL, 10) % 90);
  clear (&listing);

  listing.max_listed = 12345;
  g_assert_true (list (&listing, FALSE, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (g_hash_table_size (listing.listed), ==, 12345);
  clear (&listing);
  ds_test_directory_tear_down (&files);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/base/local-listing/asks-for-what-is-selected",
                   test_asks_for_what_is_selected);
  g_test_add_func ("/base/local-listing/leaves-out-what-changes",
                   test_leaves_out_what_changes);
  g_test_add_func ("/base/local-listing/tells-of-no-permission",
                   test_tells_of_no_permission);
  g_test_add_func ("/base/local-listing/lists-many", test_lists_many);

  return g_test_run ();
}
