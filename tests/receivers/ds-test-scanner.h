/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A scanner of the directory "in", and what it tells.  Files are written at 10 s unless
 * they are given a time; rules begin at 0. */

#include "receivers/ds-directory-scanner-private.h"
#include "tests/base/ds-test-directory.h"
#include "tests/receivers/ds-test-counting-files.h"

typedef struct
{
  DsTestDirectory files;
  DsTestCountingFiles counting; /* that the scanner looks through */
  DsDirectoryScanner *scanner;
  DsScanRules rules;
  GPtrArray *told; /* "name: reason" */
} DsTestScanner;

static inline void
ds_test_scanner_watch (DsTestScanner *self, const char *pattern)
{
  g_autofree char *path = ds_test_directory_get_path (&self->files, pattern);

  g_clear_pointer (&self->scanner, ds_directory_scanner_free);
  self->scanner = ds_directory_scanner_new (&self->counting.parent, path);
}

static inline void
ds_test_scanner_set_up (DsTestScanner *self, gconstpointer user_data)
{
  ds_test_directory_set_up (&self->files);
  ds_test_counting_files_init (&self->counting);
  ds_test_directory_make (&self->files, "in");
  ds_test_scanner_watch (self, "in");
  self->rules.remember = 60 * DS_SECOND;
  self->told = g_ptr_array_new_with_free_func (g_free);
}

static inline void
ds_test_scanner_tear_down (DsTestScanner *self, gconstpointer user_data)
{
  ds_test_directory_tear_down (&self->files);
  g_clear_pointer (&self->scanner, ds_directory_scanner_free);
  g_ptr_array_unref (self->told);
}

static inline void
ds_test_scanner_note_told (const char *path, const char *reason, gpointer user_data)
{
  DsTestScanner *self = user_data;
  g_autofree char *name = g_path_get_basename (path);

  g_assert_true (g_path_is_absolute (path));
  g_ptr_array_add (self->told, g_strdup_printf ("%s: %s", name, reason));
}

/* The names that the scan takes, with spaces between.  (transfer full) */
static inline char *
ds_test_scanner_scan (DsTestScanner *self, DsTime batch_time, DsDirectoryScan *result)
{
  g_auto (DsDirectoryScan) own = { 0 };
  DsDirectoryScan *filled = result != NULL ? result : &own;
  GString *names = g_string_new (NULL);

  ds_directory_scanner_scan (self->scanner, &self->rules, batch_time, batch_time,
                             ds_test_scanner_note_told, self, filled);
  for (guint i = 0; i < filled->files->len; i++)
    {
      const DsPlannedFile *file = filled->files->pdata[i];
      g_autofree char *name = g_path_get_basename (file->path);

      g_string_append_printf (names, "%s%s", i > 0 ? " " : "", name);
    }
  return g_string_free (names, FALSE);
}

static inline void
ds_test_scanner_expect (DsTestScanner *self, DsTime batch_time, const char *expected)
{
  g_autofree char *names = ds_test_scanner_scan (self, batch_time, NULL);

  g_assert_cmpstr (names, ==, expected);
}

/* How many were told with all of @words in it, since the last call. */
static inline guint
ds_test_scanner_count_told (DsTestScanner *self, const char *words)
{
  guint n = 0;

  for (guint i = 0; i < self->told->len; i++)
    n += strstr (self->told->pdata[i], words) != NULL;
  g_ptr_array_set_size (self->told, 0);
  return n;
}

static inline gint
ds_test_scanner_compare_told (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static inline void
ds_test_scanner_sort_told (DsTestScanner *self)
{
  g_ptr_array_sort (self->told, ds_test_scanner_compare_told);
}
