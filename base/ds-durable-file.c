/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What temp + fsync + rename + fsync (directory) is made of. */

#include "base/ds-durable-file-private.h"

#include "base/ds-error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

void
ds_set_error_from_errno (GError **error,
                         int error_number,
                         const char *what,
                         const char *path)
{
  DsError code = DS_ERROR_IO;
  const char *hint = "nothing was changed";

  if (error_number == ENOSPC || error_number == EDQUOT || error_number == EFBIG)
    {
      code = DS_ERROR_NO_SPACE;
      hint = "make room on that file system and try again";
    }
  else if (error_number == ENOENT || error_number == ENOTDIR)
    {
      code = DS_ERROR_NOT_FOUND;
      hint = "look whether the path is right";
    }
  else if (error_number == EEXIST)
    hint = "give another path, or remove what is there";
  else if (error_number == EACCES || error_number == EPERM || error_number == EROFS)
    hint = "look at owner and permissions";

  g_set_error (error, DS_ERROR, code, "%s \"%s\" failed: %s; %s", what, path,
               g_strerror (error_number), hint);
}

int
ds_durable_file_create (const char *path, GError **error)
{
  int fd;

  do
    fd = open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
  while (fd < 0 && errno == EINTR);

  if (fd < 0)
    ds_set_error_from_errno (error, errno, "Creating file", path);
  return fd;
}

static gboolean
ds_durable_fail_to_write (gsize n_bytes, const char *path, GError **error)
{
  int error_number = errno;
  g_autofree char *what =
      g_strdup_printf ("Writing %" G_GSIZE_FORMAT " bytes to", n_bytes);

  ds_set_error_from_errno (error, error_number, what, path);
  return FALSE;
}

gboolean
ds_durable_file_write (int fd,
                       const char *path,
                       gconstpointer bytes,
                       gsize n_bytes,
                       GError **error)
{
  const char *rest = bytes;

  while (n_bytes > 0)
    {
      gssize n_written = write (fd, rest, n_bytes);

      if (n_written < 0 && errno == EINTR)
        continue;
      if (n_written < 0)
        return ds_durable_fail_to_write (n_bytes, path, error);
      rest += n_written;
      n_bytes -= (gsize) n_written;
    }
  return TRUE;
}

gboolean
ds_durable_file_write_at (int fd,
                          const char *path,
                          gconstpointer bytes,
                          gsize n_bytes,
                          guint64 offset,
                          GError **error)
{
  const char *rest = bytes;

  while (n_bytes > 0)
    {
      gssize n_written = pwrite (fd, rest, n_bytes, (off_t) offset);

      if (n_written < 0 && errno == EINTR)
        continue;
      if (n_written < 0)
        return ds_durable_fail_to_write (n_bytes, path, error);
      rest += n_written;
      offset += (guint64) n_written;
      n_bytes -= (gsize) n_written;
    }
  return TRUE;
}

static gboolean
ds_durable_sync (int fd, const char *path, gboolean is_directory, GError **error)
{
  int result;

  do
    result = fsync (fd);
  while (result < 0 && errno == EINTR);

  if (result == 0 || (is_directory && errno == EINVAL))
    return TRUE;
  g_set_error (
      error, DS_ERROR, DS_ERROR_FSYNC_FAILED,
      "fsync of \"%s\" failed: %s; its content may not survive a power cut, so it "
      "is not used: look at the disk, then try again",
      path, g_strerror (errno));
  return FALSE;
}

gboolean
ds_durable_file_sync_and_close (int fd, const char *path, GError **error)
{
  gboolean is_synced = ds_durable_sync (fd, path, FALSE, error);

  /* Network file systems report here what they could not write. */
  if (close (fd) < 0 && errno != EINTR && is_synced)
    {
      ds_set_error_from_errno (error, errno, "Closing", path);
      return FALSE;
    }
  return is_synced;
}

gboolean
ds_durable_file_rename (const char *from, const char *to, GError **error)
{
  if (rename (from, to) == 0)
    return TRUE;

  int error_number = errno;
  g_autofree char *what = g_strdup_printf ("Renaming \"%s\" to", from);

  ds_set_error_from_errno (error, error_number, what, to);
  return FALSE;
}

gboolean
ds_durable_directory_sync (const char *path, GError **error)
{
  int fd;

  do
    fd = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  while (fd < 0 && errno == EINTR);

  if (fd < 0)
    {
      ds_set_error_from_errno (error, errno, "Opening directory", path);
      return FALSE;
    }

  gboolean is_synced = ds_durable_sync (fd, path, TRUE, error);

  close (fd);
  return is_synced;
}
