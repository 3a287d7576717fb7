/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The file system of the machine.
 *
 * What lies in a directory was put there by others, so nothing in it is trusted: links
 * are not followed, a FIFO cannot hold the reader up, devices are never opened (opening
 * alone may have effects), and foreign files are read, not mapped, since one that is
 * truncated meanwhile would kill the process. */

#include "base/ds-local-file-system-private.h"

#include "base/ds-error.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

typedef struct
{
  DsFile parent;
  int fd;
  char *path;
} DsLocalFile;

void
ds_local_file_system_set_error (GError **error,
                                const char *action,
                                const char *path,
                                int error_number)
{
  g_autofree char *name = ds_file_display_name (path);
  DsError code = DS_ERROR_IO;
  const char *hint = "look at the disk, and at the network if it is a remote one";

  switch (error_number)
    {
    case ENOENT:
      code = DS_ERROR_NOT_FOUND;
      hint = "look whether the path is right, and who moved or deleted it";
      break;
    case ENOTDIR:
      code = DS_ERROR_BAD_FILE;
      hint = "a directory is expected";
      break;
    case ELOOP:
      code = DS_ERROR_BAD_FILE;
      hint = "symbolic links are not followed; name what the link points to";
      break;
    case EACCES:
    case EPERM:
    case EROFS:
      hint = "look at owner and permissions";
      break;
    case EMFILE:
    case ENFILE:
      hint = "raise the limit of open files (ulimit -n)";
      break;
    case ENAMETOOLONG:
      hint = "shorten the path";
      break;
    default:
      break;
    }
  g_set_error (error, DS_ERROR, code, "Cannot %s \"%s\": %s; %s", action, name,
               g_strerror (error_number), hint);
}

static DsFileKind
ds_local_file_system_get_kind (mode_t mode)
{
  if (S_ISREG (mode))
    return DS_FILE_REGULAR;
  if (S_ISDIR (mode))
    return DS_FILE_DIRECTORY;
  if (S_ISLNK (mode))
    return DS_FILE_SYMLINK;
  return DS_FILE_SPECIAL;
}

void
ds_local_file_system_fill_status (DsFileStatus *status, const struct stat *found)
{
  status->device = (guint64) found->st_dev;
  status->inode = (guint64) found->st_ino;
  status->n_bytes = (guint64) found->st_size;
  status->modified_ns =
      (gint64) found->st_mtim.tv_sec * 1000000000 + found->st_mtim.tv_nsec;
  status->kind = ds_local_file_system_get_kind (found->st_mode);
}

static gboolean
ds_local_file_system_get_status (DsFileSystem *self,
                                 const char *path,
                                 DsFileStatus *status,
                                 GError **error)
{
  struct stat found;

  if (lstat (path, &found) != 0)
    {
      ds_local_file_system_set_error (error, "look at", path, errno);
      return FALSE;
    }
  ds_local_file_system_fill_status (status, &found);
  return TRUE;
}

/* FALSE with an error for what is no regular file. */
static gboolean
ds_local_file_system_check_regular (const char *path,
                                    const struct stat *found,
                                    GError **error)
{
  const char *kind;

  if (S_ISREG (found->st_mode))
    return TRUE;

  g_autofree char *name = ds_file_display_name (path);

  if (S_ISDIR (found->st_mode))
    kind = "a directory";
  else if (S_ISLNK (found->st_mode))
    kind = "a symbolic link, which is not followed";
  else if (S_ISFIFO (found->st_mode))
    kind = "a FIFO";
  else if (S_ISSOCK (found->st_mode))
    kind = "a socket";
  else
    kind = "a device";
  g_set_error (error, DS_ERROR, DS_ERROR_BAD_FILE,
               "Cannot read \"%s\": it is %s, and a regular file is expected", name,
               kind);
  return FALSE;
}

static DsFile *
ds_local_file_system_open (DsFileSystem *self, const char *path, GError **error)
{
  struct stat found;
  DsLocalFile *file;
  int fd;

  /* Looked at before, as opening a device may have effects, and after, as it may be
   * another file by then. */
  if (lstat (path, &found) != 0)
    {
      ds_local_file_system_set_error (error, "read", path, errno);
      return NULL;
    }
  if (!ds_local_file_system_check_regular (path, &found, error))
    return NULL;

  do
    fd = open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  while (fd < 0 && errno == EINTR);
  if (fd < 0 || fstat (fd, &found) != 0)
    {
      ds_local_file_system_set_error (error, "read", path, errno);
      if (fd >= 0)
        close (fd);
      return NULL;
    }
  if (!ds_local_file_system_check_regular (path, &found, error))
    {
      close (fd);
      return NULL;
    }

  file = g_new (DsLocalFile, 1);
  file->parent.file_system = self;
  file->fd = fd;
  file->path = g_strdup (path);
  return &file->parent;
}

static gboolean
ds_local_file_get_status (DsFile *file, DsFileStatus *status, GError **error)
{
  const DsLocalFile *self = (const DsLocalFile *) file;
  struct stat found;

  if (fstat (self->fd, &found) != 0)
    {
      ds_local_file_system_set_error (error, "look at", self->path, errno);
      return FALSE;
    }
  ds_local_file_system_fill_status (status, &found);
  return TRUE;
}

static gssize
ds_local_file_read (DsFile *file,
                    guint64 offset,
                    gpointer room,
                    gsize n_room,
                    GError **error)
{
  const DsLocalFile *self = (const DsLocalFile *) file;
  gsize n_read = 0;

  while (n_read < n_room)
    {
      gssize n = pread (self->fd, (char *) room + n_read, n_room - n_read,
                        (off_t) (offset + n_read));

      if (n == 0)
        break;
      if (n > 0)
        n_read += (gsize) n;
      else if (errno != EINTR)
        {
          ds_local_file_system_set_error (error, "read", self->path, errno);
          return -1;
        }
    }
  return (gssize) n_read;
}

static void
ds_local_file_close (DsFile *file)
{
  DsLocalFile *self = (DsLocalFile *) file;

  close (self->fd);
  g_free (self->path);
  g_free (self);
}

DsFileSystem *
ds_file_system_get_local (void)
{
  static const DsFileSystemOps ops = {
    .list = ds_local_file_system_list,
    .get_status = ds_local_file_system_get_status,
    .open = ds_local_file_system_open,
    .get_file_status = ds_local_file_get_status,
    .read = ds_local_file_read,
    .close = ds_local_file_close,
    .clean_up = ds_local_file_system_clean_up,
    .restore = ds_local_file_system_restore,
  };
  static DsFileSystem local = { .ops = &ops };

  return &local;
}
