/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* System calls of durable files, each with its return value looked at: loops over short
 * writes and EINTR, and errors that name the path, what was wanted and what to do. GLib's
 * g_file_replace_contents () does not sync a new file and stdio hides short writes, so
 * neither is used for what must survive. */

#include <glib.h>

G_BEGIN_DECLS

/* A new file that must not exist, mode 0666 less the umask; -1 with error. */
int ds_durable_file_create (const char *path, GError **error);
/* All of it.  %DS_ERROR_NO_SPACE or %DS_ERROR_IO. */
gboolean ds_durable_file_write (int fd,
                                const char *path,
                                gconstpointer bytes,
                                gsize n_bytes,
                                GError **error);
/* The same at @offset, wherever the file's own position is; any thread. */
gboolean ds_durable_file_write_at (int fd,
                                   const char *path,
                                   gconstpointer bytes,
                                   gsize n_bytes,
                                   guint64 offset,
                                   GError **error);
/* fsync, then close, both checked.  After a failure the file is not to be asked again:
 * %DS_ERROR_FSYNC_FAILED.  @fd is closed in any case. */
gboolean ds_durable_file_sync_and_close (int fd, const char *path, GError **error);
/* Replaces @to.  Lasts only after ds_durable_directory_sync (). */
gboolean ds_durable_file_rename (const char *from, const char *to, GError **error);
/* The names in a directory.  File systems that cannot do that (EINVAL) are taken as they
 * are. */
gboolean ds_durable_directory_sync (const char *path, GError **error);
/* Sets a DS_ERROR of the code that fits errno: "<what> <path> failed: <reason>; <hint>".
 */
void ds_set_error_from_errno (GError **error,
                              int error_number,
                              const char *what,
                              const char *path);

G_END_DECLS
