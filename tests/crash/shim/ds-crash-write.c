/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The calls on open files: writing, syncing, cutting, reading. */

#undef _FORTIFY_SOURCE
#undef _FILE_OFFSET_BITS

#include "tests/crash/shim/ds-crash-shim-private.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

/* @offset -1: where the file's own position is. */
static ssize_t
ds_crash_write_one (int fd, uint32_t handle, const void *data, size_t n, off_t offset)
{
  bool acknowledges = ds_crash_is_acknowledgement (handle);
  DsCrashCall call = { .type = acknowledges ? DS_CRASH_ACKNOWLEDGE : DS_CRASH_WRITE,
                       .is_counted = !acknowledges,
                       .handle = handle,
                       .data = data,
                       .n_data = n };
  ssize_t n_written = -1;

  ds_crash_lock ();
  if (ds_crash_begin (&call) != DS_CRASH_FAIL)
    {
      if (offset < 0)
        n_written = syscall (SYS_write, fd, data, call.n_data);
      else
        n_written = syscall (SYS_pwrite64, fd, data, call.n_data, offset);
    }
  if (n_written >= 0)
    {
      call.n_data = (size_t) n_written;
      /* With O_APPEND, too, the position is behind what was written. */
      call.offset =
          (uint64_t) (offset >= 0 ? offset
                                  : syscall (SYS_lseek, fd, 0L, SEEK_CUR) - n_written);
    }
  ds_crash_end (&call, n_written < 0);
  ds_crash_unlock ();
  return n_written;
}

static bool
ds_crash_sees_writes (int fd, uint32_t *handle)
{
  *handle = ds_crash_get_handle (fd);
  return *handle != 0 &&
         (ds_crash_is_acknowledgement (*handle) || ds_crash_is_written (*handle));
}

DS_CRASH_PUBLIC ssize_t
write (int fd, const void *data, size_t n)
{
  uint32_t handle;

  if (!ds_crash_sees_writes (fd, &handle))
    return syscall (SYS_write, fd, data, n);
  return ds_crash_write_one (fd, handle, data, n, -1);
}

static ssize_t
ds_crash_write_at (int fd, const void *data, size_t n, off_t offset)
{
  uint32_t handle;

  if (!ds_crash_sees_writes (fd, &handle) || offset < 0)
    return syscall (SYS_pwrite64, fd, data, n, offset);
  return ds_crash_write_one (fd, handle, data, n, offset);
}

DS_CRASH_PUBLIC ssize_t
pwrite (int fd, const void *data, size_t n, off_t offset)
{
  return ds_crash_write_at (fd, data, n, offset);
}

DS_CRASH_PUBLIC ssize_t
pwrite64 (int fd, const void *data, size_t n, off_t offset)
{
  return ds_crash_write_at (fd, data, n, offset);
}

/* Parts are put together: they are one call, which may stop anywhere in them. */
static ssize_t
ds_crash_write_parts (int fd, const struct iovec *parts, int n_parts, off_t offset)
{
  size_t n = 0, at = 0;
  uint32_t handle;
  ssize_t n_written;
  char *data;

  if (!ds_crash_sees_writes (fd, &handle) || n_parts < 0 || n_parts > IOV_MAX)
    {
      if (offset < 0)
        return syscall (SYS_writev, fd, parts, n_parts);
      return syscall (SYS_pwritev, fd, parts, n_parts, offset, 0L);
    }
  for (int i = 0; i < n_parts; i++)
    n += parts[i].iov_len;
  data = ds_crash_take_memory (n + 1);
  if (data == NULL)
    ds_crash_refuse ("no memory for the parts of a write");
  for (int i = 0; i < n_parts; i++)
    {
      memcpy (data + at, parts[i].iov_base, parts[i].iov_len);
      at += parts[i].iov_len;
    }
  n_written = ds_crash_write_one (fd, handle, data, n, offset);

  int error_number = errno;

  free (data);
  errno = error_number;
  return n_written;
}

DS_CRASH_PUBLIC ssize_t
writev (int fd, const struct iovec *parts, int n_parts)
{
  return ds_crash_write_parts (fd, parts, n_parts, -1);
}

DS_CRASH_PUBLIC ssize_t
pwritev (int fd, const struct iovec *parts, int n_parts, off_t offset)
{
  return ds_crash_write_parts (fd, parts, n_parts, offset);
}

DS_CRASH_PUBLIC ssize_t
pwritev64 (int fd, const struct iovec *parts, int n_parts, off_t offset)
{
  return ds_crash_write_parts (fd, parts, n_parts, offset);
}

DS_CRASH_PUBLIC ssize_t
pwritev2 (int fd, const struct iovec *parts, int n_parts, off_t offset, int flags)
{
  return ds_crash_write_parts (fd, parts, n_parts, offset);
}

DS_CRASH_PUBLIC ssize_t
pwritev64v2 (int fd, const struct iovec *parts, int n_parts, off_t offset, int flags)
{
  return ds_crash_write_parts (fd, parts, n_parts, offset);
}

/* ---- Syncing, cutting ---- */

static int
ds_crash_call_handle (int fd, DsCrashType type, long number, off_t size)
{
  uint32_t handle = ds_crash_get_handle (fd);
  DsCrashCall call = {
    .type = type, .is_counted = true, .handle = handle, .offset = (uint64_t) size
  };
  long result = -1;

  if (handle == 0 || ds_crash_is_acknowledgement (handle))
    return (int) syscall (number, fd, size);
  ds_crash_lock ();
  if (ds_crash_begin (&call) == DS_CRASH_GO_ON)
    result = syscall (number, fd, size);
  ds_crash_end (&call, result < 0);
  ds_crash_unlock ();
  return (int) result;
}

DS_CRASH_PUBLIC int
fsync (int fd)
{
  return ds_crash_call_handle (fd, DS_CRASH_SYNC, SYS_fsync, 0);
}

DS_CRASH_PUBLIC int
fdatasync (int fd)
{
  return ds_crash_call_handle (fd, DS_CRASH_SYNC, SYS_fdatasync, 0);
}

DS_CRASH_PUBLIC int
ftruncate (int fd, off_t size)
{
  return ds_crash_call_handle (fd, DS_CRASH_TRUNCATE, SYS_ftruncate, size);
}

DS_CRASH_PUBLIC int
ftruncate64 (int fd, off_t size)
{
  return ds_crash_call_handle (fd, DS_CRASH_TRUNCATE, SYS_ftruncate, size);
}

/* ---- Reading ---- */

static ssize_t
ds_crash_read_one (int fd, void *room, size_t n, off_t offset)
{
  uint32_t handle = ds_crash_get_handle (fd);
  ssize_t n_read = -1;

  if (handle == 0 || ds_crash_is_acknowledgement (handle))
    return offset < 0 ? syscall (SYS_read, fd, room, n)
                      : syscall (SYS_pread64, fd, room, n, offset);
  ds_crash_lock ();
  if (ds_crash_begin_read (&n) == DS_CRASH_GO_ON)
    n_read = offset < 0 ? syscall (SYS_read, fd, room, n)
                        : syscall (SYS_pread64, fd, room, n, offset);
  ds_crash_unlock ();
  return n_read;
}

DS_CRASH_PUBLIC ssize_t
read (int fd, void *room, size_t n)
{
  return ds_crash_read_one (fd, room, n, -1);
}

DS_CRASH_PUBLIC ssize_t
pread (int fd, void *room, size_t n, off_t offset)
{
  return ds_crash_read_one (fd, room, n, offset);
}

DS_CRASH_PUBLIC ssize_t
pread64 (int fd, void *room, size_t n, off_t offset)
{
  return ds_crash_read_one (fd, room, n, offset);
}

/* ---- What cannot be followed ---- */

DS_CRASH_PUBLIC ssize_t
sendfile (int to, int from, off_t *offset, size_t n)
{
  if (ds_crash_is_written (ds_crash_get_handle (to)))
    ds_crash_refuse ("a watched file is written by sendfile, which is not seen here");
  return syscall (SYS_sendfile, to, from, offset, n);
}

DS_CRASH_PUBLIC ssize_t
copy_file_range (int from,
                 off64_t *at_from,
                 int to,
                 off64_t *at_to,
                 size_t n,
                 unsigned flags)
{
  if (ds_crash_is_written (ds_crash_get_handle (to)))
    {
      /* As file systems that cannot do it: the program then copies by hand. */
      errno = EXDEV;
      return -1;
    }
  return syscall (SYS_copy_file_range, from, at_from, to, at_to, n, flags);
}
