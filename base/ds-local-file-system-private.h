/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the parts of the local file system share. */

#include "base/ds-file-system-private.h"

#include <sys/stat.h>

G_BEGIN_DECLS

/* "Cannot <action> "<path>": <reason>; <hint>". */
void ds_local_file_system_set_error (GError **error,
                                     const char *action,
                                     const char *path,
                                     int error_number);
void ds_local_file_system_fill_status (DsFileStatus *status, const struct stat *found);

/* DsFileSystemOps.list */
gboolean ds_local_file_system_list (DsFileSystem *self,
                                    const char *path,
                                    DsFileSystemSelectFunc select,
                                    DsFileSystemListFunc func,
                                    gpointer user_data,
                                    GError **error);

/* DsFileSystemOps.clean_up and .restore */
void ds_local_file_system_clean_up (DsFileSystem *self,
                                    GPtrArray *files,
                                    const char *archive,
                                    DsFileCleanUpFailFunc fail,
                                    gpointer user_data);
guint ds_local_file_system_restore (DsFileSystem *self, const char *path, GError **error);

G_END_DECLS
