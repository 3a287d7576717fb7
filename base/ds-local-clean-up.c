/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Taking files away that have been read.
 *
 * A name may stand for another file at any moment, and no call deletes a name only if it
 * stands for a certain one.  So a file is first moved to where nobody else looks, a
 * directory of our own beside it, and looked at there: if it is the one, it is deleted,
 * or moved to the archive; if not, somebody put an unread file in its place a moment ago,
 * and that goes back.
 *
 * If the process ends in between, the file is still there, in a hidden directory with a
 * name that scanners know.  Whoever finds it puts back what is in it, unless the lock on
 * it says that its maker is alive. */

#include "base/ds-local-file-system-private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

/* So many files of one name; then something is wrong. */
#define DS_CLEAN_UP_MAX_SAME_NAMES 1000
/* Somebody may take a new directory for one that was left behind. */
#define DS_CLEAN_UP_MAX_ATTEMPTS 10

/* The directory of our own in another one. */
typedef struct
{
  char *parent; /* (nullable): none is open */
  char *path;
  int fd;
} DsAside;

/* ---- Renaming ---- */

/* As renameat (), but EEXIST when @to is there.  Nobody else must know @from. */
static int
ds_aside_rename (int from_fd, const char *from, const char *to)
{
  if (renameat2 (from_fd, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
    return 0;
  if (errno != EINVAL && errno != ENOSYS)
    return errno;

  /* A file system that cannot promise it: a second name refuses to replace too. */
  if (linkat (from_fd, from, AT_FDCWD, to, 0) != 0)
    return errno;
  return unlinkat (from_fd, from, 0) == 0 ? 0 : errno;
}

/* Under its own name, or one with a number where that is taken: behind it, or in front of
 * it if the end of the name tells what it is. */
static int
ds_aside_rename_into (const DsAside *self,
                      const char *name,
                      const char *directory,
                      gboolean keeps_end)
{
  g_autofree char *path = g_build_filename (directory, name, NULL);
  int error_number = ds_aside_rename (self->fd, name, path);

  for (guint i = 1; error_number == EEXIST && i <= DS_CLEAN_UP_MAX_SAME_NAMES; i++)
    {
      g_free (path);
      path = keeps_end ? g_strdup_printf ("%s/%u-%s", directory, i, name)
                       : g_strdup_printf ("%s/%s.%u", directory, name, i);
      error_number = ds_aside_rename (self->fd, name, path);
    }
  return error_number;
}

static gboolean
ds_aside_put_back (const DsAside *self, const char *name, GError **error)
{
  int error_number = ds_aside_rename_into (self, name, self->parent, TRUE);
  g_autofree char *path = NULL;

  if (error_number == 0)
    return TRUE;
  path = g_build_filename (self->path, name, NULL);
  ds_local_file_system_set_error (error, "put back", path, error_number);
  return FALSE;
}

/* ---- The directory of our own ---- */

static void
ds_aside_close (DsAside *self)
{
  if (self->parent == NULL)
    return;
  if (self->fd >= 0)
    {
      rmdir (self->path); /* what could not be put back stays */
      close (self->fd);
    }
  g_clear_pointer (&self->parent, g_free);
  g_clear_pointer (&self->path, g_free);
}

/* 0: it is open, and ours.  @is_new: we made it, and do with it where no locks are. */
static int
ds_aside_lock (DsAside *self, gboolean is_new)
{
  struct stat found;
  int error_number = 0;

  self->fd = open (self->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (self->fd < 0)
    return errno;
  if (flock (self->fd, LOCK_EX | LOCK_NB) != 0 && (errno == EWOULDBLOCK || !is_new))
    error_number = errno;
  else if (fstat (self->fd, &found) != 0)
    error_number = errno;
  else if (found.st_nlink == 0)
    error_number = ENOENT;
  if (error_number == 0)
    return 0;
  close (self->fd);
  self->fd = -1;
  return error_number;
}

/* 0, or what went wrong. */
static int
ds_aside_open (DsAside *self, const char *parent)
{
  int error_number = EWOULDBLOCK;

  if (g_strcmp0 (self->parent, parent) == 0)
    return 0;
  ds_aside_close (self);
  self->parent = g_strdup (parent);
  for (guint i = 0; error_number != 0 && i < DS_CLEAN_UP_MAX_ATTEMPTS; i++)
    {
      g_free (self->path);
      self->path = g_build_filename (parent, DS_FILE_ASIDE_PREFIX "XXXXXX", NULL);
      if (g_mkdtemp_full (self->path, 0700) == NULL)
        {
          error_number = errno;
          break;
        }
      error_number = ds_aside_lock (self, TRUE);
    }
  if (error_number == 0)
    return 0;
  self->fd = -1;
  ds_aside_close (self);
  return error_number;
}

/* ---- Cleaning up ---- */

/* What was moved aside. */
static gboolean
ds_aside_finish (const DsAside *self,
                 const DsPlannedFile *file,
                 const char *name,
                 const char *archive,
                 GError **error)
{
  struct stat found;
  DsFileStatus now;
  int error_number = 0;

  if (fstatat (self->fd, name, &found, AT_SYMLINK_NOFOLLOW) != 0)
    error_number = errno;
  else
    {
      ds_local_file_system_fill_status (&now, &found);
      if (!ds_file_status_equal (&now, &file->status))
        return ds_aside_put_back (self, name, error);
      if (archive != NULL)
        error_number = ds_aside_rename_into (self, name, archive, FALSE);
      else if (unlinkat (self->fd, name, 0) != 0)
        error_number = errno;
    }
  if (error_number == 0)
    return TRUE;
  ds_local_file_system_set_error (error, archive != NULL ? "archive" : "delete",
                                  file->path, error_number);
  ds_aside_put_back (self, name, NULL);
  return FALSE;
}

static gboolean
ds_aside_clean_up (DsAside *self,
                   const DsPlannedFile *file,
                   const char *archive,
                   GError **error)
{
  g_autofree char *directory = g_path_get_dirname (file->path);
  g_autofree char *name = g_path_get_basename (file->path);
  struct stat found;
  DsFileStatus now;
  int error_number;

  if (lstat (file->path, &found) != 0)
    error_number = errno;
  else
    {
      ds_local_file_system_fill_status (&now, &found);
      if (!ds_file_status_equal (&now, &file->status))
        return TRUE;
      error_number = ds_aside_open (self, directory);
      if (error_number == 0 && renameat (AT_FDCWD, file->path, self->fd, name) != 0)
        error_number = errno;
      else if (error_number == 0)
        return ds_aside_finish (self, file, name, archive, error);
    }
  /* A full disk is no reason to keep what would make room; a moment is left in which it
   * may become another file. */
  if (archive == NULL && (error_number == ENOSPC || error_number == EDQUOT) &&
      unlink (file->path) == 0)
    return TRUE;
  /* Somebody else has moved it. */
  if (error_number == ENOENT)
    return TRUE;
  ds_local_file_system_set_error (error, archive != NULL ? "archive" : "delete",
                                  file->path, error_number);
  return FALSE;
}

void
ds_local_file_system_clean_up (DsFileSystem *self,
                               GPtrArray *files,
                               const char *archive,
                               DsFileCleanUpFailFunc fail,
                               gpointer user_data)
{
  DsAside aside = { .fd = -1 };

  for (guint i = 0; i < files->len; i++)
    {
      g_autoptr (GError) error = NULL;

      if (!ds_aside_clean_up (&aside, files->pdata[i], archive, &error))
        fail (files->pdata[i], error, user_data);
    }
  ds_aside_close (&aside);
}

/* ---- After a process that ended in between ---- */

/* All names in it: reading on while they go is not defined. */
static GPtrArray *
ds_aside_list (const DsAside *self)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  DIR *directory = opendir (self->path);
  const struct dirent *entry;

  while (directory != NULL && (entry = readdir (directory)) != NULL)
    if (!g_str_equal (entry->d_name, ".") && !g_str_equal (entry->d_name, ".."))
      g_ptr_array_add (names, g_strdup (entry->d_name));
  if (directory != NULL)
    closedir (directory);
  return names;
}

guint
ds_local_file_system_restore (DsFileSystem *file_system, const char *path, GError **error)
{
  DsAside self = { .parent = g_path_get_dirname (path), .path = g_strdup (path) };
  int error_number = ds_aside_lock (&self, FALSE);
  guint n_restored = 0;

  if (error_number == 0)
    {
      g_autoptr (GPtrArray) names = ds_aside_list (&self);

      while (n_restored < names->len &&
             ds_aside_put_back (&self, names->pdata[n_restored], error))
        n_restored++;
    }
  else if (error_number != EWOULDBLOCK && error_number != ENOENT)
    ds_local_file_system_set_error (error, "look into", path, error_number);
  ds_aside_close (&self);
  return n_restored;
}
