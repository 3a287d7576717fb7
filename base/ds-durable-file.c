/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What temp + fsync + rename + fsync (directory) is made of. */

#include "base/ds-durable-file-private.h"

#include "base/ds-error.h"
#include "base/ds-failpoint-private.h"
#include "base/ds-planted-fault-private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* Of one writev (): what POSIX promises at least is 16. */
#ifdef IOV_MAX
#define DS_DURABLE_MAX_PIECES IOV_MAX
#else
#define DS_DURABLE_MAX_PIECES 16
#endif

/* What a file system says whose server is away: a call that times out, a handle that it
 * does not know (any more), a connection that is gone. */
static gboolean
ds_durable_is_away (int error_number)
{
  static const int away[] = { ESTALE,     ETIMEDOUT,   EHOSTDOWN, EHOSTUNREACH,
                              ENETDOWN,   ENETUNREACH, ENOTCONN,  ECONNREFUSED,
                              ECONNRESET, ECONNABORTED };

  for (guint i = 0; i < G_N_ELEMENTS (away); i++)
    if (error_number == away[i])
      return TRUE;
  return FALSE;
}

gboolean
ds_durable_error_may_pass (const GError *error)
{
  return g_error_matches (error, DS_ERROR, DS_ERROR_NO_SPACE) ||
         g_error_matches (error, DS_ERROR, DS_ERROR_NETWORK);
}

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
  else if (ds_durable_is_away (error_number))
    {
      code = DS_ERROR_NETWORK;
      hint = "look whether the server of that file system and the network are up";
    }
  else if (error_number == ENOENT || error_number == ENOTDIR)
    {
      code = DS_ERROR_NOT_FOUND;
      hint = "look whether the path is right";
    }
  else if (error_number == EMFILE || error_number == ENFILE)
    {
      code = DS_ERROR_LIMIT;
      hint = "raise the limit (ulimit -n for open files) and try again";
    }
  else if (error_number == ENOMEM)
    {
      code = DS_ERROR_LIMIT;
      hint = "give the process more memory and try again";
    }
  else if (error_number == EEXIST)
    hint = "give another path, or remove what is there";
  else if (error_number == EACCES || error_number == EPERM || error_number == EROFS)
    hint = "look at owner and permissions";

  g_set_error (error, DS_ERROR, code, "%s \"%s\" failed: %s; %s", what, path,
               g_strerror (error_number), hint);
}

/* ---- What tests put in front ---- */

static DsDurableFaultFunc ds_durable_fault_func;
static gpointer ds_durable_fault_data;

void
ds_durable_file_set_fault_func (DsDurableFaultFunc func, gpointer user_data)
{
  /* Calls may be going on: one that still has the old function has its data, too. */
  if (func != NULL)
    g_atomic_pointer_set (&ds_durable_fault_data, user_data);
  g_atomic_pointer_set (&ds_durable_fault_func, func);
}

/* TRUE: the call fails, with errno set. */
static gboolean
ds_durable_file_is_faulty (const char *call, const char *path, gsize *n_bytes)
{
  DsDurableFaultFunc func = g_atomic_pointer_get (&ds_durable_fault_func);
  gsize n_ignored = 0;
  int error_number;

#ifdef DS_FAILPOINTS
  error_number = ds_failpoint_take_errno ();
  if (error_number != 0)
    {
      errno = error_number;
      return TRUE;
    }
#endif
  if (G_LIKELY (func == NULL))
    return FALSE;
  error_number = func (call, path, n_bytes != NULL ? n_bytes : &n_ignored,
                       g_atomic_pointer_get (&ds_durable_fault_data));
  if (error_number == 0)
    return FALSE;
  errno = error_number;
  return TRUE;
}

/* ---- By path, and by name in a directory ---- */

static int
ds_durable_open (int directory_fd, const char *path, int flags, mode_t mode)
{
  int fd;

  do
    fd = ds_durable_file_is_faulty ("open", path, NULL)
             ? -1
             : openat (directory_fd, path, flags | O_CLOEXEC, mode);
  while (fd < 0 && errno == EINTR);
  return fd;
}

int
ds_durable_file_create (const char *path, GError **error)
{
  int fd =
      ds_durable_open (AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0666);

  if (fd < 0)
    ds_set_error_from_errno (error, errno, "Creating file", path);
  return fd;
}

int
ds_durable_file_open_at (int directory_fd,
                         const char *directory,
                         const char *name,
                         int flags,
                         mode_t mode,
                         GError **error)
{
  int fd = ds_durable_open (directory_fd, name, flags | O_NOFOLLOW, mode);

  if (fd < 0)
    {
      int error_number = errno;
      g_autofree char *path = g_build_filename (directory, name, NULL);

      if (error_number == ELOOP)
        g_set_error (error, DS_ERROR, DS_ERROR_BAD_FILE,
                     "\"%s\" is a symbolic link, which is never followed here; put the "
                     "file itself in its place",
                     path);
      else
        ds_set_error_from_errno (error, error_number,
                                 (flags & O_CREAT) != 0 ? "Creating file"
                                                        : "Opening file",
                                 path);
    }
  return fd;
}

static gboolean
ds_durable_try_rename (int directory_fd,
                       const char *from,
                       int to_directory_fd,
                       const char *to)
{
  int result;

  do
    result = ds_durable_file_is_faulty ("rename", to, NULL)
                 ? -1
                 : renameat (directory_fd, from, to_directory_fd, to);
  while (result < 0 && errno == EINTR);
  return result == 0;
}

gboolean
ds_durable_file_rename_at (int directory_fd,
                           const char *directory,
                           const char *from,
                           int to_directory_fd,
                           const char *to,
                           GError **error)
{
  if (ds_durable_try_rename (directory_fd, from, to_directory_fd, to))
    return TRUE;

  int error_number = errno;
  g_autofree char *path = g_build_filename (directory, from, NULL);
  g_autofree char *what = g_strdup_printf ("Renaming \"%s\" to", path);

  ds_set_error_from_errno (error, error_number, what, to);
  return FALSE;
}

gboolean
ds_durable_file_rename (const char *from, const char *to, GError **error)
{
  if (ds_durable_try_rename (AT_FDCWD, from, AT_FDCWD, to))
    return TRUE;

  int error_number = errno;
  g_autofree char *what = g_strdup_printf ("Renaming \"%s\" to", from);

  ds_set_error_from_errno (error, error_number, what, to);
  return FALSE;
}

gboolean
ds_durable_file_remove_at (int directory_fd,
                           const char *directory,
                           const char *name,
                           GError **error)
{
  int result;

  do
    result = ds_durable_file_is_faulty ("unlink", name, NULL)
                 ? -1
                 : unlinkat (directory_fd, name, 0);
  while (result < 0 && errno == EINTR);
  if (result == 0 || errno == ENOENT)
    return TRUE;

  int error_number = errno;
  g_autofree char *path = g_build_filename (directory, name, NULL);

  ds_set_error_from_errno (error, error_number, "Removing", path);
  return FALSE;
}

gboolean
ds_durable_directory_sync (const char *path, GError **error)
{
  int fd = ds_durable_open (AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0);

  if (fd < 0)
    {
      ds_set_error_from_errno (error, errno, "Opening directory", path);
      return FALSE;
    }

  gboolean is_synced = ds_durable_directory_sync_fd (fd, path, TRUE, error);

  close (fd);
  return is_synced;
}

gboolean
ds_durable_file_remove (const char *path, GError **error)
{
  return ds_durable_file_remove_at (AT_FDCWD, "", path, error);
}

/* ---- Writing and reading ---- */

static gboolean
ds_durable_fail_to_write (int fd, gsize n_bytes, const char *path, GError **error)
{
  int error_number = errno;
  g_autofree char *what =
      g_strdup_printf ("Writing %" G_GSIZE_FORMAT " bytes to", n_bytes);
  struct statvfs room;

  if (error_number == ENOSPC && fstatvfs (fd, &room) == 0)
    g_set_error (error, DS_ERROR, DS_ERROR_NO_SPACE,
                 "%s \"%s\" failed: %s, %" G_GUINT64_FORMAT
                 " bytes are free; make room on that file system and try again",
                 what, path, g_strerror (error_number),
                 (guint64) room.f_bavail * room.f_frsize);
  else
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
      gsize n_now = n_bytes;
      gssize n_written = ds_durable_file_is_faulty ("write", path, &n_now)
                             ? -1
                             : write (fd, rest, n_now);

      if (n_written < 0 && errno == EINTR)
        continue;
      if (n_written < 0)
        return ds_durable_fail_to_write (fd, n_bytes, path, error);
      if (DS_PLANTED ("file-ignores-short-writes"))
        return TRUE;
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
      gsize n_now = n_bytes;
      gssize n_written = ds_durable_file_is_faulty ("pwrite", path, &n_now)
                             ? -1
                             : pwrite (fd, rest, n_now, (off_t) offset);

      if (n_written < 0 && errno == EINTR)
        continue;
      if (n_written < 0)
        return ds_durable_fail_to_write (fd, n_bytes, path, error);
      rest += n_written;
      offset += (guint64) n_written;
      n_bytes -= (gsize) n_written;
    }
  return TRUE;
}

static gsize
ds_durable_count_bytes (const struct iovec *pieces, gsize n_pieces)
{
  gsize n_bytes = 0;

  for (gsize i = 0; i < n_pieces; i++)
    n_bytes += pieces[i].iov_len;
  return n_bytes;
}

/* One call; the first piece alone when a test wants less than all. */
static gssize
ds_durable_write_pieces_once (int fd,
                              const char *path,
                              const struct iovec *pieces,
                              gsize n_pieces)
{
  gsize n_all = ds_durable_count_bytes (pieces, n_pieces);
  gsize n_now = n_all;

  if (ds_durable_file_is_faulty ("writev", path, &n_now))
    return -1;
  if (n_now < n_all)
    return write (fd, pieces[0].iov_base, MIN (n_now, pieces[0].iov_len));
  return writev (fd, pieces, (int) n_pieces);
}

gboolean
ds_durable_file_write_pieces (int fd,
                              const char *path,
                              struct iovec *pieces,
                              gsize n_pieces,
                              GError **error)
{
  while (n_pieces > 0)
    {
      gsize n_now = MIN (n_pieces, DS_DURABLE_MAX_PIECES);
      gssize n_written;

      if (pieces[0].iov_len == 0)
        {
          pieces++;
          n_pieces--;
          continue;
        }
      n_written = ds_durable_write_pieces_once (fd, path, pieces, n_now);
      if (n_written < 0 && errno == EINTR)
        continue;
      if (n_written < 0)
        return ds_durable_fail_to_write (fd, ds_durable_count_bytes (pieces, n_pieces),
                                         path, error);
      while (n_pieces > 0 && (gsize) n_written >= pieces[0].iov_len)
        {
          n_written -= (gssize) pieces[0].iov_len;
          pieces++;
          n_pieces--;
        }
      if (n_written > 0)
        {
          pieces[0].iov_base = (char *) pieces[0].iov_base + n_written;
          pieces[0].iov_len -= (gsize) n_written;
        }
    }
  return TRUE;
}

gssize
ds_durable_file_read_at (int fd,
                         const char *path,
                         gpointer room,
                         gsize n_bytes,
                         guint64 offset,
                         GError **error)
{
  gsize n_read = 0;

  while (n_read < n_bytes)
    {
      gsize n_now = n_bytes - n_read;
      gssize n =
          ds_durable_file_is_faulty ("pread", path, &n_now)
              ? -1
              : pread (fd, (char *) room + n_read, n_now, (off_t) (offset + n_read));

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        {
          ds_set_error_from_errno (error, errno, "Reading", path);
          return -1;
        }
      if (n == 0)
        break;
      n_read += (gsize) n;
    }
  return (gssize) n_read;
}

/* ---- What lasts ---- */

static gboolean
ds_durable_end_sync (int result, const char *path, const char *call, GError **error)
{
  DsError code = errno == ENOSPC || errno == EDQUOT ? DS_ERROR_NO_SPACE
                 : ds_durable_is_away (errno)       ? DS_ERROR_NETWORK
                                                    : DS_ERROR_FSYNC_FAILED;

  if (result == 0)
    return TRUE;
  g_set_error (error, DS_ERROR, code,
               "%s of \"%s\" failed: %s; its content may not survive a power cut, so it "
               "is not used: look at the disk, then try again",
               call, path, g_strerror (errno));
  return FALSE;
}

/* @sync: fsync or fdatasync. */
static int
ds_durable_try_sync (int fd, const char *path, const char *call, int (*sync) (int))
{
  int result;

  do
    {
      if (!ds_durable_file_is_faulty (call, path, NULL))
        result = sync (fd);
      else
        result = errno == DS_DURABLE_PRETEND ? 0 : -1;
    }
  while (result < 0 && errno == EINTR);
  return result;
}

gboolean
ds_durable_file_sync (int fd, const char *path, GError **error)
{
  return ds_durable_end_sync (ds_durable_try_sync (fd, path, "fsync", fsync), path,
                              "fsync", error);
}

gboolean
ds_durable_file_sync_data (int fd, const char *path, GError **error)
{
  return ds_durable_end_sync (ds_durable_try_sync (fd, path, "fdatasync", fdatasync),
                              path, "fdatasync", error);
}

static int
ds_durable_call_start_sync (int fd)
{
#ifdef SYNC_FILE_RANGE_WRITE
  return sync_file_range (fd, 0, 0, SYNC_FILE_RANGE_WRITE);
#else
  return 0;
#endif
}

/* The next sync may not tell of what failed here. */
gboolean
ds_durable_file_start_sync (int fd, const char *path, GError **error)
{
  int result =
      ds_durable_try_sync (fd, path, "sync_file_range", ds_durable_call_start_sync);

  /* Not there, or not among the calls that a sandbox allows: then the sync does all of
   * it.  Writing itself never fails so. */
  if (result < 0 &&
      (errno == EINVAL || errno == ENOSYS || errno == ESPIPE || errno == EPERM))
    return TRUE;
  return ds_durable_end_sync (result, path, "sync_file_range", error);
}

gboolean
ds_durable_directory_sync_fd (int fd,
                              const char *path,
                              gboolean may_lack_sync,
                              GError **error)
{
  int result = ds_durable_try_sync (fd, path, "fsync", fsync);

  if (result < 0 && errno == EINVAL && may_lack_sync)
    return TRUE;
  return ds_durable_end_sync (result, path, "fsync", error);
}

gboolean
ds_durable_file_sync_and_close (int fd, const char *path, GError **error)
{
  gboolean is_synced = ds_durable_file_sync (fd, path, error);

  /* Network file systems report here what they could not write. */
  if (close (fd) < 0 && errno != EINTR && is_synced)
    {
      ds_set_error_from_errno (error, errno, "Closing", path);
      return FALSE;
    }
  return is_synced;
}

gboolean
ds_durable_file_cut (int fd, const char *path, guint64 length, GError **error)
{
  int result;

  do
    result = ds_durable_file_is_faulty ("ftruncate", path, NULL)
                 ? -1
                 : ftruncate (fd, (off_t) length);
  while (result < 0 && errno == EINTR);

  if (result == 0 && lseek (fd, (off_t) length, SEEK_SET) >= 0)
    return TRUE;
  ds_set_error_from_errno (error, errno, "Cutting", path);
  return FALSE;
}

gboolean
ds_durable_file_stat (int fd, const char *path, struct stat *result, GError **error)
{
  if (fstat (fd, result) == 0)
    return TRUE;
  ds_set_error_from_errno (error, errno, "Looking at", path);
  return FALSE;
}

gboolean
ds_durable_directory_sync_above (const char *path, GError **error)
{
  g_autofree char *above = g_path_get_dirname (path);

  while (access (above, R_OK) < 0 || ds_durable_directory_sync (above, error))
    {
      char *next = g_path_get_dirname (above);
      gboolean is_top = g_str_equal (next, above);

      g_free (above);
      above = next;
      if (is_top)
        return TRUE;
    }
  return FALSE;
}

gboolean
ds_durable_make_directories (const char *path, GError **error)
{
  if (g_mkdir_with_parents (path, 0777) < 0)
    {
      ds_set_error_from_errno (error, errno, "Making directory", path);
      return FALSE;
    }
  return ds_durable_directory_sync_above (path, error);
}
