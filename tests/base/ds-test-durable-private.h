/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A durable directory to try things in, and files of it as bytes. */

#include "base/ds-durable-directory-private.h"
#include "base/ds-error.h"
#include "tests/base/ds-test-remove.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <unistd.h>

typedef struct
{
  char *path; /* does not exist at first */
  char *above;
} DsTestDurable;

static inline void
ds_test_durable_set_up (DsTestDurable *self, gconstpointer user_data)
{
  self->above = g_dir_make_tmp ("ds-durable-XXXXXX", NULL);
  g_assert_nonnull (self->above);
  self->path = g_build_filename (self->above, "checkpoints", NULL);
}

static inline void
ds_test_durable_tear_down (DsTestDurable *self, gconstpointer user_data)
{
  ds_test_remove_tree (self->above);
  g_free (self->path);
  g_free (self->above);
}

static inline DsDurableDirectory *
ds_test_durable_open (DsTestDurable *self)
{
  g_autoptr (GError) error = NULL;
  DsDurableDirectory *directory =
      ds_durable_directory_open (self->path, DS_DURABLE_DIRECTORY_CREATE, &error);

  g_assert_no_error (error);
  g_assert_nonnull (directory);
  return directory;
}

static inline char *
ds_test_durable_read (DsTestDurable *self, const char *name, gsize *n_bytes)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_build_filename (self->path, name, NULL);
  char *bytes = NULL;

  g_file_get_contents (path, &bytes, n_bytes, &error);
  g_assert_no_error (error);
  return bytes;
}

/* In place, as damage comes; without a sync. */
static inline void
ds_test_durable_write (DsTestDurable *self,
                       const char *name,
                       gconstpointer bytes,
                       gsize n_bytes)
{
  g_autofree char *path = g_build_filename (self->path, name, NULL);
  /* Not cut to nothing first: ext4 would wait for the disk. */
  int fd = g_open (path, O_WRONLY | O_CREAT, 0600);

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (write (fd, bytes, n_bytes), ==, n_bytes);
  g_assert_cmpint (ftruncate (fd, (off_t) n_bytes), ==, 0);
  close (fd);
}

static inline gboolean
ds_test_durable_has (DsTestDurable *self, const char *name)
{
  g_autofree char *path = g_build_filename (self->path, name, NULL);

  return g_file_test (path, G_FILE_TEST_EXISTS);
}

static inline void
ds_test_drop_message (const char *domain,
                      GLogLevelFlags level,
                      const char *message,
                      gpointer user_data)
{
}

/* Thousands of damaged files are told of. */
static inline void
ds_test_hush (void)
{
  g_log_set_handler (G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE, ds_test_drop_message, NULL);
}

static inline void
ds_test_assert_bytes (gconstpointer bytes,
                      gsize n_bytes,
                      gconstpointer expected,
                      gsize n_expected)
{
  g_assert_cmpuint (n_bytes, ==, n_expected);
  g_assert_true (n_bytes == 0 || memcmp (bytes, expected, n_bytes) == 0);
}

/* An error says what, where and what to do: RELIABILITY 2. */
static inline void
ds_test_assert_told (const GError *error, int code, const char *const *words)
{
  g_assert_error (error, DS_ERROR, code);
  for (gsize i = 0; words[i] != NULL; i++)
    if (strstr (error->message, words[i]) == NULL)
      g_error ("\"%s\" is not in: %s", words[i], error->message);
  g_assert_true (strchr (error->message, ';') != NULL ||
                 strchr (error->message, ':') != NULL);
}
