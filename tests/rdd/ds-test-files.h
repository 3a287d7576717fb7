/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the tests of files as a source share: a folder that ends with the test, and files
 * in it. */

#include "tests/base/ds-test-remove.h"
#include "tests/rdd/ds-test-rdd.h"

#include "rdd/ds-file-read-private.h"

#include <glib/gstdio.h>

typedef struct
{
  DsTestContext *context;
  char *directory;
} DsTestFiles;

static inline void
ds_test_files_set_up (DsTestFiles *self, gconstpointer user_data)
{
  self->context = ds_test_context_new ("local[2]");
  self->directory = g_dir_make_tmp ("ds-files-XXXXXX", NULL);
  g_assert_nonnull (self->directory);
}

static inline void
ds_test_files_tear_down (DsTestFiles *self, gconstpointer user_data)
{
  ds_test_context_end (self->context);
  ds_test_remove_tree (self->directory);
  g_free (self->directory);
}

/* (transfer full): the path. */
static inline char *
ds_test_files_write (DsTestFiles *self,
                     const char *name,
                     gconstpointer bytes,
                     gsize n_bytes)
{
  char *path = g_build_filename (self->directory, name, NULL);

  /* Another file each time, and without waiting for the disk. */
  g_remove (path);
  g_assert_true (g_file_set_contents_full (path, bytes, (gssize) n_bytes,
                                           G_FILE_SET_CONTENTS_NONE, 0600, NULL));
  return path;
}

/* As one gzip member. (transfer full) */
static inline char *
ds_test_files_write_packed (DsTestFiles *self,
                            const char *name,
                            gconstpointer bytes,
                            gsize n_bytes)
{
  g_autoptr (GZlibCompressor) packer =
      g_zlib_compressor_new (G_ZLIB_COMPRESSOR_FORMAT_GZIP, -1);
  gsize n_room = n_bytes + 1024;
  g_autofree char *packed = g_malloc (n_room);
  gsize n_taken;
  gsize n_made;

  g_assert_cmpint (g_converter_convert (G_CONVERTER (packer), bytes, n_bytes, packed,
                                        n_room, G_CONVERTER_INPUT_AT_END, &n_taken,
                                        &n_made, NULL),
                   ==, G_CONVERTER_FINISHED);
  return ds_test_files_write (self, name, packed, n_made);
}

/* An RDD of @paths as they are now, NULL-terminated, in @format. */
static inline DsRdd *
ds_test_files_open (DsTestFiles *self, const DsFileFormat *format, ...)
{
  g_autoptr (GPtrArray) files = g_ptr_array_new ();
  const char *path;
  va_list paths;

  va_start (paths, format);
  while ((path = va_arg (paths, const char *)) != NULL)
    {
      DsFileSystem *file_system = ds_file_system_get_local ();
      DsFileStatus status;

      g_assert_true (ds_file_system_get_status (file_system, path, &status, NULL));
      g_ptr_array_add (files, ds_planned_file_new (file_system, path, &status));
    }
  va_end (paths);
  return ds_file_rdd_new (self->context, format, (DsPlannedFile **) files->pdata,
                          files->len);
}

#define DS_TEST_ADD_FILES(path, func)                              \
  g_test_add (path, DsTestFiles, NULL, ds_test_files_set_up, func, \
              ds_test_files_tear_down)
