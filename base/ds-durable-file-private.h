/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* System calls of durable files, each with its return value looked at: loops over short
 * writes and EINTR, and errors that name the path, what was wanted and what to do. GLib's
 * g_file_replace_contents () does not sync a new file and stdio hides short writes, so
 * neither is used for what must survive.
 *
 * Nothing else touches durable files: no mmap, no io_uring, no stdio.  What stands in
 * front of the C library sees all of it. */

#include <glib.h>

#include <sys/stat.h>
#include <sys/uio.h>

G_BEGIN_DECLS

/* ---- By path ---- */

/* A new file that must not exist, mode 0666 less the umask; -1 with error. */
int ds_durable_file_create (const char *path, GError **error);
/* Replaces @to.  Lasts only after ds_durable_directory_sync (). */
gboolean ds_durable_file_rename (const char *from, const char *to, GError **error);
/* The names in a directory.  File systems that cannot do that (EINVAL) are taken as they
 * are. */
gboolean ds_durable_directory_sync (const char *path, GError **error);
/* Those that @path lies in, where we may read them: their names are not known to last
 * when the process that made them may have been killed before it could sync. */
gboolean ds_durable_directory_sync_above (const char *path, GError **error);
/* Nothing of that name is success. */
gboolean ds_durable_file_remove (const char *path, GError **error);
/* A directory and those above it, where they are not there yet; all their names are
 * durable then, except in directories that we may not read. */
gboolean ds_durable_make_directories (const char *path, GError **error);

/* ---- By name in an open directory; @directory is its path, for messages ---- */

/* O_CLOEXEC and O_NOFOLLOW are added to @flags; -1 with error. */
int ds_durable_file_open_at (int directory_fd,
                             const char *directory,
                             const char *name,
                             int flags,
                             mode_t mode,
                             GError **error);
/* Replaces @to. */
gboolean ds_durable_file_rename_at (int directory_fd,
                                    const char *directory,
                                    const char *from,
                                    int to_directory_fd,
                                    const char *to,
                                    GError **error);
/* Nothing of that name is success. */
gboolean ds_durable_file_remove_at (int directory_fd,
                                    const char *directory,
                                    const char *name,
                                    GError **error);

/* ---- By descriptor; @path is for messages ---- */

/* All of it.  %DS_ERROR_NO_SPACE, naming the bytes that are free, or %DS_ERROR_IO. */
gboolean ds_durable_file_write (int fd,
                                const char *path,
                                gconstpointer bytes,
                                gsize n_bytes,
                                GError **error);
/* The same of many pieces, any number.  @pieces are used up. */
gboolean ds_durable_file_write_pieces (int fd,
                                       const char *path,
                                       struct iovec *pieces,
                                       gsize n_pieces,
                                       GError **error);
/* The same at @offset, wherever the file's own position is; any thread. */
gboolean ds_durable_file_write_at (int fd,
                                   const char *path,
                                   gconstpointer bytes,
                                   gsize n_bytes,
                                   guint64 offset,
                                   GError **error);
/* Up to @n_bytes from @offset on; less only at the end of the file.  -1 with error. */
gssize ds_durable_file_read_at (int fd,
                                const char *path,
                                gpointer room,
                                gsize n_bytes,
                                guint64 offset,
                                GError **error);
/* fsync.  After a failure the file is not to be asked again: %DS_ERROR_FSYNC_FAILED, or
 * %DS_ERROR_NO_SPACE where room is found only now. */
gboolean ds_durable_file_sync (int fd, const char *path, GError **error);
/* fdatasync: what was written, and the length that it takes to read it. */
gboolean ds_durable_file_sync_data (int fd, const char *path, GError **error);
/* The disk begins with what was written, where the system can be told to; what follows
 * goes beside it.  Nothing is durable by that.  After a failure as after one of a sync.
 */
gboolean ds_durable_file_start_sync (int fd, const char *path, GError **error);
/* fsync, then close, both checked.  @fd is closed in any case. */
gboolean ds_durable_file_sync_and_close (int fd, const char *path, GError **error);
/* Cut off at @length, and its own position moved there. */
gboolean ds_durable_file_cut (int fd, const char *path, guint64 length, GError **error);
/* The directory's names; EINVAL is success only with @may_lack_sync. */
gboolean ds_durable_directory_sync_fd (int fd,
                                       const char *path,
                                       gboolean may_lack_sync,
                                       GError **error);
gboolean
ds_durable_file_stat (int fd, const char *path, struct stat *result, GError **error);

/* ---- Whole files that nobody can vouch for: ds-durable-file-read.c ---- */

/* All of a regular file, no symbolic link, of at most @max_bytes: %DS_ERROR_LIMIT for a
 * larger one, %DS_ERROR_BAD_FILE for what is no such file.  One byte more than @n_bytes
 * is there, a 0. */
gboolean ds_durable_file_read (const char *path,
                               gsize max_bytes,
                               guint8 **bytes,
                               gsize *n_bytes,
                               GError **error);
/* Up to @n_room bytes of its beginning, and how many it has in all. */
gboolean ds_durable_file_read_start (const char *path,
                                     guint8 *room,
                                     gsize n_room,
                                     gsize *n_read,
                                     guint64 *n_bytes,
                                     GError **error);
/* Its size and the XXH3-64 of its bytes, of any size. */
gboolean
ds_durable_file_hash (const char *path, guint64 *n_bytes, guint64 *hash, GError **error);

/* Whether who waits may find it over: a full disk, a file server that is away. */
gboolean ds_durable_error_may_pass (const GError *error);

/* Sets a DS_ERROR of the code that fits errno: "<what> <path> failed: <reason>; <hint>".
 */
void ds_set_error_from_errno (GError **error,
                              int error_number,
                              const char *what,
                              const char *path);

/* ---- For tests ---- */

/* That the call does not happen, and succeeds: for tests that are not about the disk. */
#define DS_DURABLE_PRETEND (-1)
/* Asked before each call above: 0 lets it happen, anything else is the errno with which
 * it fails without happening, or, of a sync, %DS_DURABLE_PRETEND.  @call: "open",
 * "write", "pwrite", "writev", "pread", "fsync", "fdatasync", "ftruncate", "rename",
 * "unlink".  *@n_bytes of a call that moves bytes may be made smaller, but not 0.  Any
 * thread. */
typedef int (*DsDurableFaultFunc) (const char *call,
                                   const char *path,
                                   gsize *n_bytes,
                                   gpointer user_data);
/* NULL: none, as at first.  Not while files are in use. */
void ds_durable_file_set_fault_func (DsDurableFaultFunc func, gpointer user_data);

G_END_DECLS
