/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsFileSystem: where the files of sources lie, and the one door to them.
 *
 * A source lists directories, decides by what is listed, and writes down which files a
 * batch consists of: path and status of each (DsPlannedFile).  Tasks read what was
 * written down, possibly much later and in another process; a file that is not what it
 * was then is an error (ds_planned_file_open ()), never different data.
 *
 * The local file system is the only one so far.  Others (HTTP, WebHDFS, S3) fill in the
 * same functions; what they do not know (inodes) they set from what they do (ETags), so
 * that "the same file" means the same everywhere.
 *
 * Paths are bytes without NUL, as the system has them, not necessarily UTF-8;
 * ds_file_display_name () is the form for messages.  All functions block; any thread. */

#include "base/ds-time.h"

G_BEGIN_DECLS

typedef enum
{
  DS_FILE_REGULAR,
  DS_FILE_DIRECTORY,
  DS_FILE_SYMLINK, /* links are not followed */
  DS_FILE_SPECIAL  /* FIFO, socket, device */
} DsFileKind;

/* Of a status that another process has written down: the number of a device lasts until
 * it is mounted anew, and says nothing after that. */
#define DS_FILE_ANY_DEVICE (G_MAXUINT64 - 1)

typedef struct
{
  guint64 device;
  guint64 inode;
  guint64 n_bytes;
  gint64 modified_ns; /* since 1970 */
  DsFileKind kind;
} DsFileStatus;

typedef struct _DsFileSystem DsFileSystem;
typedef struct _DsFile DsFile; /* open for reading */

typedef struct
{
  DsFileSystem *file_system;
  char *path;
  DsFileStatus status; /* when it was planned */
} DsPlannedFile;

/* Directories in which clean-ups set files aside for a moment; their names are hidden. */
#define DS_FILE_ASIDE_PREFIX ".ds-clean-up-"

/* Whether the status of an entry is wanted.  @name: without directory. */
typedef gboolean (*DsFileSystemSelectFunc) (const char *name,
                                            DsFileKind kind,
                                            gpointer user_data);
/* FALSE: enough. */
typedef gboolean (*DsFileSystemListFunc) (const char *name,
                                          const DsFileStatus *status,
                                          gpointer user_data);

/* @file stays, because of @error. */
typedef void (*DsFileCleanUpFailFunc) (const DsPlannedFile *file,
                                       const GError *error,
                                       gpointer user_data);

/* Errors: %DS_ERROR_NOT_FOUND, %DS_ERROR_BAD_FILE (of another kind), %DS_ERROR_IO; they
 * name the path and the reason. */
typedef struct
{
  /* Entries of @directory in any order, without "." and "..", as they are read: a
   * directory of 10^6 entries takes no memory for them.  The status of each is what costs
   * most, so @select (nullable) is asked first, of many entries before the first of them
   * goes to @func; what it refuses is not asked for, nor told of.  Both are called by the
   * thread that lists.  An entry that vanishes meanwhile, or becomes one of another kind,
   * is left out; a directory that may be read but not searched is an error. */
  gboolean (*list) (DsFileSystem *self,
                    const char *directory,
                    DsFileSystemSelectFunc select,
                    DsFileSystemListFunc func,
                    gpointer user_data,
                    GError **error);
  gboolean (*get_status) (DsFileSystem *self,
                          const char *path,
                          DsFileStatus *status,
                          GError **error);
  /* A regular file; never waits for the other end of a FIFO. */
  DsFile *(*open) (DsFileSystem *self, const char *path, GError **error);
  gboolean (*get_file_status) (DsFile *file, DsFileStatus *status, GError **error);
  /* How many bytes; fewer than @n_room only at the end of the file; -1 with @error. */
  gssize (
      *read) (DsFile *file, guint64 offset, gpointer room, gsize n_room, GError **error);
  void (*close) (DsFile *file);
  /* Deletes @files (DsPlannedFile, of this file system), or moves them into @archive, a
   * directory of the same file system, under their names or with ".1", ".2" ... behind:
   * nothing there is replaced.  One that is gone, or another one by now, is left alone,
   * also when it is replaced meanwhile. */
  void (*clean_up) (DsFileSystem *self,
                    GPtrArray *files,
                    const char *archive, /* (nullable) */
                    DsFileCleanUpFailFunc fail,
                    gpointer user_data);
  /* @path, a directory whose name begins with DS_FILE_ASIDE_PREFIX, was met in a listing:
   * if a clean-up that was cut short left it, what is in it is put back; how many files
   * that were.  0 without error: it is in use. */
  guint (*restore) (DsFileSystem *self, const char *path, GError **error);
} DsFileSystemOps;

struct _DsFileSystem
{
  const DsFileSystemOps *ops;
};

struct _DsFile
{
  DsFileSystem *file_system;
};

/* The one of the machine; never freed. */
DsFileSystem *ds_file_system_get_local (void);

gboolean ds_file_system_list (DsFileSystem *self,
                              const char *directory,
                              DsFileSystemSelectFunc select,
                              DsFileSystemListFunc func,
                              gpointer user_data,
                              GError **error);
gboolean ds_file_system_get_status (DsFileSystem *self,
                                    const char *path,
                                    DsFileStatus *status,
                                    GError **error);
DsFile *ds_file_system_open (DsFileSystem *self, const char *path, GError **error);
void ds_file_system_clean_up (DsFileSystem *self,
                              GPtrArray *files,
                              const char *archive,
                              DsFileCleanUpFailFunc fail,
                              gpointer user_data);
guint ds_file_system_restore (DsFileSystem *self, const char *path, GError **error);

gboolean ds_file_get_status (DsFile *self, DsFileStatus *status, GError **error);
gssize
ds_file_read (DsFile *self, guint64 offset, gpointer room, gsize n_room, GError **error);
void ds_file_close (DsFile *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsFile, ds_file_close)

/* For messages: valid UTF-8 without control characters.  (transfer full) */
char *ds_file_display_name (const char *path);
/* "2017-07-14 02:40:00.000000000 UTC": for messages.  (transfer full) */
char *ds_file_time_to_string (gint64 time_ns);

/* The same file with the same content, as far as can be told without reading it. */
gboolean ds_file_status_equal (const DsFileStatus *a, const DsFileStatus *b);

/* ---- Files that a batch consists of ---- */

/* Copies @path. */
DsPlannedFile *ds_planned_file_new (DsFileSystem *file_system,
                                    const char *path,
                                    const DsFileStatus *status);
void ds_planned_file_free (DsPlannedFile *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsPlannedFile, ds_planned_file_free)

/* NULL with %DS_ERROR_NOT_FOUND when it is gone, or %DS_ERROR_BAD_FILE naming what is
 * different: another device, replaced (another inode), grown, truncated, modified. */
DsFile *ds_planned_file_open (const DsPlannedFile *self, GError **error);

G_END_DECLS
