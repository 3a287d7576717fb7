/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The directory in which a context keeps what must survive: checkpoints and a log, and
 * nobody else's files (RELIABILITY 4.1, 4.7).
 *
 *     lock               held while the directory is in use; who holds it, as text
 *     app                the application's 16 random bytes; written once
 *     ckpt-<ms>          checkpoints, 20 digits
 *     wal-<number>       segments of the log, 16 digits
 *     .tmp-*             begun and not finished: removed by the next who opens it
 *     unused-*           what a recovery had to pass over, kept for people to look at
 *     discarded-<app>/   what was there before a fresh start that was asked for;
 *                        discarded-unknown of what `app` did not tell whose it was
 *
 * Files are the user's alone (0600, the directory 0700), regular, of one name, and opened
 * by name in the open directory without following links; anything else is refused.  Any
 * thread; opening and closing are of one. */

#include <glib.h>

G_BEGIN_DECLS

#define DS_APPLICATION_ID_BYTES 16

typedef enum
{
  /* Makes the directory, 0700, and those above it, when it is not there. */
  DS_DURABLE_DIRECTORY_CREATE = 1,
  /* No lock, nothing is written, what is damaged is told when it is read: for tools. */
  DS_DURABLE_DIRECTORY_READ_ONLY = 2,
  /* Takes owner and mode as they are. */
  DS_DURABLE_DIRECTORY_ALLOW_SHARED = 4,
  /* Takes file systems that cannot make names durable as they are. */
  DS_DURABLE_DIRECTORY_BEST_EFFORT = 8,
  /* Where `app` is damaged, or missing, what is there is put aside. */
  DS_DURABLE_DIRECTORY_BEGIN_ANEW = 16
} DsDurableDirectoryFlags;

typedef struct _DsDurableDirectory DsDurableDirectory;

/* Looks at the directory, takes the lock, tries whether everything that is needed works
 * (a few ms), removes .tmp-* and reads or writes `app`.
 *
 * NULL with %DS_ERROR_LOCKED naming who holds it (process, host, program, since when);
 * %DS_ERROR_BAD_FILE: a link, another owner, writable by others; %DS_ERROR_CORRUPT: `app`
 * is damaged, or is missing while there are checkpoints or a log; %DS_ERROR_VERSION;
 * %DS_ERROR_NOT_FOUND; %DS_ERROR_IO: naming what the file system cannot do. */
DsDurableDirectory *ds_durable_directory_open (const char *path,
                                               DsDurableDirectoryFlags flags,
                                               GError **error);
/* Gives the lock back, which stays as a file. */
void ds_durable_directory_close (DsDurableDirectory *self);

const char *ds_durable_directory_get_path (DsDurableDirectory *self);
int ds_durable_directory_get_fd (DsDurableDirectory *self);
/* Whether @path leads to it, however it is written. */
gboolean ds_durable_directory_is_at (DsDurableDirectory *self, const char *path);
gboolean ds_durable_directory_is_read_only (DsDurableDirectory *self);
/* %DS_APPLICATION_ID_BYTES bytes, until ds_durable_directory_discard ().  (nullable):
 * read only, and `app` is missing or damaged. */
const guint8 *ds_durable_directory_get_application_id (DsDurableDirectory *self);
/* The same as 32 hexadecimal digits; "" for none. */
const char *ds_durable_directory_get_application_name (DsDurableDirectory *self);
/* What is wrong with `app`, read only.  (nullable) */
const char *ds_durable_directory_get_damage (DsDurableDirectory *self);

/* Names that start with @prefix, in the order of their bytes.  (transfer full)
 * (element-type utf8), freed with the array; NULL with error. */
GPtrArray *
ds_durable_directory_list (DsDurableDirectory *self, const char *prefix, GError **error);
/* There was neither a checkpoint nor a segment of the log when it was opened or
 * discarded. */
gboolean ds_durable_directory_is_fresh (DsDurableDirectory *self);
/* @name is this directory's path and @name.  (transfer full) */
char *ds_durable_directory_get_file_path (DsDurableDirectory *self, const char *name);

/* A new file, 0600, to write and read; -1 with error. */
int ds_durable_directory_create_file (DsDurableDirectory *self,
                                      const char *name,
                                      GError **error);
/* To read.  Regular, of one name, the user's, writable by nobody else, else
 * %DS_ERROR_BAD_FILE.  *@n_bytes (nullable): its size.  -1 with error. */
int ds_durable_directory_open_file (DsDurableDirectory *self,
                                    const char *name,
                                    guint64 *n_bytes,
                                    GError **error);
/* Cuts @name off at @length, and syncs it. */
gboolean ds_durable_directory_cut_file (DsDurableDirectory *self,
                                        const char *name,
                                        guint64 length,
                                        GError **error);
/* @to must not exist.  Lasts only after ds_durable_directory_sync_names (). */
gboolean ds_durable_directory_rename_file (DsDurableDirectory *self,
                                           const char *from,
                                           const char *to,
                                           GError **error);
/* The same, and what @to was is gone: a reader finds the one or the other. */
gboolean ds_durable_directory_replace_file (DsDurableDirectory *self,
                                            const char *from,
                                            const char *to,
                                            GError **error);
/* @name becomes unused-@name, with a number behind it when that exists.  The names last
 * when it returns.  The new name (transfer full), NULL with error. */
char *ds_durable_directory_set_aside (DsDurableDirectory *self,
                                      const char *name,
                                      GError **error);
/* Nothing of that name is success.  Need not last. */
gboolean ds_durable_directory_remove_file (DsDurableDirectory *self,
                                           const char *name,
                                           GError **error);
gboolean ds_durable_directory_sync_names (DsDurableDirectory *self, GError **error);

/* Moves checkpoints and log into discarded-<application id>, where a tool can still read
 * them, and starts anew with another application id.  When it is interrupted, nothing
 * that is left looks like a fresh start; doing it again goes on, with a second directory
 * where the id is not known. */
gboolean ds_durable_directory_discard (DsDurableDirectory *self, GError **error);

/* What may become part of a file's name: 1 to 64 of A-Z a-z 0-9 . _ -, not starting with
 * a dot or a dash.  Else %DS_ERROR_INVALID_ARGUMENT, naming @what. */
gboolean ds_durable_name_check (const char *name, const char *what, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsDurableDirectory, ds_durable_directory_close)

G_END_DECLS
