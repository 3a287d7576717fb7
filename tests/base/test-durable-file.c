/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Durable files, and the errors of what cannot be written. */

#include "base/ds-durable-file-private.h"
#include "base/ds-error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <unistd.h>

typedef struct
{
  char *directory;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer user_data)
{
  fixture->directory = g_dir_make_tmp ("ds-durable-XXXXXX", NULL);
  g_assert_nonnull (fixture->directory);
}

static void
tear_down (Fixture *fixture, gconstpointer user_data)
{
  g_assert_cmpint (g_rmdir (fixture->directory), ==, 0);
  g_free (fixture->directory);
}

static void
test_writes_and_renames (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("What was written, synced and renamed is there, whole");

  g_autoptr (GError) error = NULL;
  g_autofree char *temporary = g_build_filename (fixture->directory, ".tmp", NULL);
  g_autofree char *final = g_build_filename (fixture->directory, "final", NULL);
  g_autofree char *content = NULL;
  int fd = ds_durable_file_create (temporary, &error);

  g_assert_no_error (error);
  g_assert_cmpint (fd, >=, 0);
  g_assert_true (ds_durable_file_write (fd, temporary, "hello ", 6, &error));
  g_assert_true (ds_durable_file_write (fd, temporary, "world", 5, &error));
  g_assert_true (ds_durable_file_write (fd, temporary, "", 0, &error));
  g_assert_true (ds_durable_file_sync_and_close (fd, temporary, &error));
  g_assert_true (ds_durable_file_rename (temporary, final, &error));
  g_assert_true (ds_durable_directory_sync (fixture->directory, &error));
  g_assert_no_error (error);

  g_assert_true (g_file_get_contents (final, &content, NULL, &error));
  g_assert_cmpstr (content, ==, "hello world");
  g_unlink (final);
}

static void
test_refuses_what_exists (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("A file that exists is never overwritten, and the error names it");

  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_build_filename (fixture->directory, "there", NULL);

  g_assert_true (g_file_set_contents (path, "x", 1, NULL));
  g_assert_cmpint (ds_durable_file_create (path, &error), ==, -1);
  g_assert_error (error, DS_ERROR, DS_ERROR_IO);
  g_assert_nonnull (strstr (error->message, path));
  g_unlink (path);
}

static void
test_names_a_full_disk (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("Writing to a full device is no-space, with bytes and path");

  g_autoptr (GError) error = NULL;
  int fd = open ("/dev/full", O_WRONLY | O_CLOEXEC);

  if (fd < 0)
    {
      g_test_skip ("/dev/full cannot be opened here");
      return;
    }
  g_assert_false (ds_durable_file_write (fd, "/dev/full", "abc", 3, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_NO_SPACE);
  g_assert_nonnull (strstr (error->message, "3 bytes"));
  g_assert_nonnull (strstr (error->message, "/dev/full"));
  close (fd);
}

static void
test_a_file_that_cannot_sync_fails (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("A pipe cannot be synced: the error says so and the end is closed");

  g_autoptr (GError) error = NULL;
  int ends[2];

  g_assert_cmpint (pipe (ends), ==, 0);
  g_assert_false (ds_durable_file_sync_and_close (ends[1], "a pipe", &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_FSYNC_FAILED);
  g_assert_cmpint (fcntl (ends[1], F_GETFD), ==, -1);
  close (ends[0]);
}

static void
test_missing_directories_are_not_found (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("Renaming and syncing what is not there is not-found");

  g_autoptr (GError) error = NULL;
  g_autofree char *missing = g_build_filename (fixture->directory, "no", "such", NULL);

  g_assert_false (ds_durable_file_rename (missing, missing, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_false (ds_durable_directory_sync (missing, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_NOT_FOUND);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) \
  g_test_add ("/base/durable-file/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("writes-and-renames", test_writes_and_renames);
  ADD ("refuses-what-exists", test_refuses_what_exists);
  ADD ("names-a-full-disk", test_names_a_full_disk);
  ADD ("a-file-that-cannot-sync-fails", test_a_file_that_cannot_sync_fails);
  ADD ("missing-directories-are-not-found", test_missing_directories_are_not_found);
#undef ADD
  return g_test_run ();
}
