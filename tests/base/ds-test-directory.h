/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A directory for a test's files, which are given their times; it goes with all that is
 * in it.  Names are relative to it. */

#include "base/ds-time.h"
#include "tests/base/ds-test-remove.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct
{
  char *root;
} DsTestDirectory;

static inline void
ds_test_directory_set_up (DsTestDirectory *self)
{
  self->root = g_dir_make_tmp ("ds-test-XXXXXX", NULL);
  g_assert_nonnull (self->root);
}

static inline void
ds_test_directory_tear_down (DsTestDirectory *self)
{
  ds_test_remove_tree (self->root);
  g_clear_pointer (&self->root, g_free);
}

/* (transfer full) */
static inline char *
ds_test_directory_get_path (DsTestDirectory *self, const char *name)
{
  return g_build_filename (self->root, name, NULL);
}

static inline void
ds_test_directory_set_time (DsTestDirectory *self, const char *name, DsTime time)
{
  g_autofree char *path = ds_test_directory_get_path (self, name);
  struct timespec stamp = { time / DS_SECOND, time % DS_SECOND * 1000 };
  struct timespec times[2] = { stamp, stamp };

  g_assert_cmpint (utimensat (AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW), ==, 0);
}

static inline void
ds_test_directory_write_bytes (DsTestDirectory *self,
                               const char *name,
                               const char *content,
                               gsize n_bytes,
                               DsTime time)
{
  g_autofree char *path = ds_test_directory_get_path (self, name);
  int fd = open (path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (write (fd, content, n_bytes), ==, n_bytes);
  close (fd);
  ds_test_directory_set_time (self, name, time);
}

static inline void
ds_test_directory_write (DsTestDirectory *self,
                         const char *name,
                         const char *content,
                         DsTime time)
{
  ds_test_directory_write_bytes (self, name, content, strlen (content), time);
}

static inline void
ds_test_directory_make (DsTestDirectory *self, const char *name)
{
  g_autofree char *path = ds_test_directory_get_path (self, name);

  g_assert_cmpint (g_mkdir (path, 0755), ==, 0);
}

static inline void
ds_test_directory_rename (DsTestDirectory *self, const char *from, const char *to)
{
  g_autofree char *path_from = ds_test_directory_get_path (self, from);
  g_autofree char *path_to = ds_test_directory_get_path (self, to);

  g_assert_cmpint (g_rename (path_from, path_to), ==, 0);
}

static inline void
ds_test_directory_remove (DsTestDirectory *self, const char *name)
{
  g_autofree char *path = ds_test_directory_get_path (self, name);

  g_assert_cmpint (g_remove (path), ==, 0);
}

static inline gboolean
ds_test_directory_has (DsTestDirectory *self, const char *name)
{
  g_autofree char *path = ds_test_directory_get_path (self, name);

  return g_file_test (path, G_FILE_TEST_EXISTS);
}
