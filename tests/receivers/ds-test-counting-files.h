/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The local file system, seen through another: it counts what is asked for, and does not
 * let at a directory. */

#include "base/ds-error.h"
#include "base/ds-file-system-private.h"

#include <string.h>

typedef struct
{
  DsFileSystem parent;
  guint64 n_statuses;    /* that were asked for in listings */
  const char *forbidden; /* (nullable): a directory, and what is in it */
} DsTestCountingFiles;

typedef struct
{
  DsTestCountingFiles *files;
  DsFileSystemSelectFunc select;
  DsFileSystemListFunc func;
  gpointer user_data;
} DsTestCountingListing;

static inline gboolean
ds_test_counting_files_check (DsFileSystem *files, const char *path, GError **error)
{
  const DsTestCountingFiles *self = (const DsTestCountingFiles *) files;

  gsize n = self->forbidden != NULL ? strlen (self->forbidden) : 0;

  if (n == 0 || strncmp (path, self->forbidden, n) != 0 ||
      (path[n] != '\0' && path[n] != '/'))
    return TRUE;
  g_set_error (error, DS_ERROR, DS_ERROR_IO, "Cannot look at \"%s\": forbidden", path);
  return FALSE;
}

static inline gboolean
ds_test_counting_files_select (const char *name, DsFileKind kind, gpointer user_data)
{
  DsTestCountingListing *self = user_data;

  if (self->select != NULL && !self->select (name, kind, self->user_data))
    return FALSE;
  self->files->n_statuses++;
  return TRUE;
}

static inline gboolean
ds_test_counting_files_note (const char *name,
                             const DsFileStatus *status,
                             gpointer user_data)
{
  DsTestCountingListing *self = user_data;

  return self->func (name, status, self->user_data);
}

static inline gboolean
ds_test_counting_files_list (DsFileSystem *self,
                             const char *directory,
                             DsFileSystemSelectFunc select,
                             DsFileSystemListFunc func,
                             gpointer user_data,
                             GError **error)
{
  DsTestCountingListing listing = { (DsTestCountingFiles *) self, select, func,
                                    user_data };

  return ds_test_counting_files_check (self, directory, error) &&
         ds_file_system_list (ds_file_system_get_local (), directory,
                              ds_test_counting_files_select, ds_test_counting_files_note,
                              &listing, error);
}

static inline gboolean
ds_test_counting_files_get_status (DsFileSystem *self,
                                   const char *path,
                                   DsFileStatus *status,
                                   GError **error)
{
  return ds_test_counting_files_check (self, path, error) &&
         ds_file_system_get_status (ds_file_system_get_local (), path, status, error);
}

static inline DsFile *
ds_test_counting_files_open (DsFileSystem *self, const char *path, GError **error)
{
  return ds_file_system_open (ds_file_system_get_local (), path, error);
}

static inline DsFileSystem *
ds_test_counting_files_init (DsTestCountingFiles *self)
{
  static const DsFileSystemOps ops = {
    .list = ds_test_counting_files_list,
    .get_status = ds_test_counting_files_get_status,
    .open = ds_test_counting_files_open,
  };

  *self = (DsTestCountingFiles){ .parent.ops = &ops };
  return &self->parent;
}
