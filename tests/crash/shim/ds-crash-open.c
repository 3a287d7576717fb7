/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The calls that make and give up numbers of open files. */

#undef _FORTIFY_SOURCE
#undef _FILE_OFFSET_BITS

#include "tests/crash/shim/ds-crash-shim-private.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define IS_TMPFILE(flags) (((flags) &O_TMPFILE) == O_TMPFILE)

/* What the fortified variants call. */
DS_CRASH_PUBLIC int __open_2 (const char *path, int flags);
DS_CRASH_PUBLIC int __open64_2 (const char *path, int flags);
DS_CRASH_PUBLIC int __openat_2 (int dirfd, const char *path, int flags);
DS_CRASH_PUBLIC int __openat64_2 (int dirfd, const char *path, int flags);

static int
ds_crash_open_raw (int dirfd, const char *path, int flags, mode_t mode)
{
  return (int) syscall (SYS_openat, dirfd, path, flags, mode);
}

/* Locks: held. */
static void
ds_crash_remember (int fd, int flags)
{
  char found[PATH_MAX];
  DsCrashPlace place = ds_crash_place_fd (fd, found, sizeof found);

  ds_crash_forget (fd);
  if (place == DS_CRASH_ACKS)
    ds_crash_watch_as (fd, UINT32_MAX);
  if (place != DS_CRASH_BELOW_ROOT)
    return;

  DsCrashCall call = { .type = DS_CRASH_OPEN, .path = IS_TMPFILE (flags) ? "" : found };

  call.handle = ds_crash_watch (fd, (flags & O_ACCMODE) != O_RDONLY);
  ds_crash_end (&call, false);
}

/* Opens what it makes or empties: a call that counts. */
static int
ds_crash_make (int dirfd, const char *path, int flags, mode_t mode, const char *found)
{
  struct stat status;
  bool exists = !IS_TMPFILE (flags) &&
                syscall (SYS_newfstatat, dirfd, path, &status, AT_SYMLINK_NOFOLLOW) == 0;
  DsCrashCall call = { .type = DS_CRASH_OPEN, .path = IS_TMPFILE (flags) ? "" : found };
  int fd = -1;

  if (!exists)
    call.offset = DS_CRASH_CREATED;
  else if ((flags & O_TRUNC) != 0 && (flags & O_EXCL) == 0)
    call.offset = DS_CRASH_TRUNCATED;
  call.is_counted = call.offset != 0;
  if (ds_crash_begin (&call) == DS_CRASH_GO_ON)
    fd = ds_crash_open_raw (dirfd, path, flags, mode);
  if (fd >= 0)
    {
      ds_crash_forget (fd);
      call.handle = ds_crash_watch (fd, (flags & O_ACCMODE) != O_RDONLY);
    }
  ds_crash_end (&call, fd < 0);
  return fd;
}

static int
ds_crash_open (int dirfd, const char *path, int flags, mode_t mode)
{
  bool makes = (flags & (O_CREAT | O_TRUNC)) != 0 || IS_TMPFILE (flags);
  char found[PATH_MAX];
  int fd;

  if ((flags & O_PATH) != 0)
    return ds_crash_open_raw (dirfd, path, flags, mode);
  ds_crash_lock ();
  if (makes && ds_crash_place (dirfd, path, found, sizeof found) == DS_CRASH_BELOW_ROOT)
    fd = ds_crash_make (dirfd, path, flags, mode, found);
  else
    {
      fd = ds_crash_open_raw (dirfd, path, flags, mode);
      if (fd >= 0)
        ds_crash_remember (fd, flags);
    }
  ds_crash_unlock ();
  return fd;
}

/* The mode is there only when something may be made. */
#define TAKE_MODE(flags, mode)                           \
  do                                                     \
    {                                                    \
      va_list arguments;                                 \
                                                         \
      va_start (arguments, flags);                       \
      if (((flags) &O_CREAT) != 0 || IS_TMPFILE (flags)) \
        mode = va_arg (arguments, mode_t);               \
      va_end (arguments);                                \
    }                                                    \
  while (0)

DS_CRASH_PUBLIC int
open (const char *path, int flags, ...)
{
  mode_t mode = 0;

  TAKE_MODE (flags, mode);
  return ds_crash_open (AT_FDCWD, path, flags, mode);
}

DS_CRASH_PUBLIC int
open64 (const char *path, int flags, ...)
{
  mode_t mode = 0;

  TAKE_MODE (flags, mode);
  return ds_crash_open (AT_FDCWD, path, flags, mode);
}

DS_CRASH_PUBLIC int
openat (int dirfd, const char *path, int flags, ...)
{
  mode_t mode = 0;

  TAKE_MODE (flags, mode);
  return ds_crash_open (dirfd, path, flags, mode);
}

DS_CRASH_PUBLIC int
openat64 (int dirfd, const char *path, int flags, ...)
{
  mode_t mode = 0;

  TAKE_MODE (flags, mode);
  return ds_crash_open (dirfd, path, flags, mode);
}

DS_CRASH_PUBLIC int
creat (const char *path, mode_t mode)
{
  return ds_crash_open (AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

DS_CRASH_PUBLIC int
creat64 (const char *path, mode_t mode)
{
  return ds_crash_open (AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

int
__open_2 (const char *path, int flags)
{
  return ds_crash_open (AT_FDCWD, path, flags, 0);
}

int
__open64_2 (const char *path, int flags)
{
  return ds_crash_open (AT_FDCWD, path, flags, 0);
}

int
__openat_2 (int dirfd, const char *path, int flags)
{
  return ds_crash_open (dirfd, path, flags, 0);
}

int
__openat64_2 (int dirfd, const char *path, int flags)
{
  return ds_crash_open (dirfd, path, flags, 0);
}

/* ---- Other numbers for it, and the end of them ---- */

DS_CRASH_PUBLIC int
close (int fd)
{
  uint32_t handle = ds_crash_get_handle (fd);
  DsCrashCall call = { .type = DS_CRASH_CLOSE, .handle = handle };
  bool fails;
  int result;

  if (handle == 0)
    return (int) syscall (SYS_close, fd);
  ds_crash_lock ();
  ds_crash_forget (fd);
  call.is_counted = ds_crash_is_written (handle);
  fails = ds_crash_begin (&call) == DS_CRASH_FAIL;

  int error_number = errno;

  /* Closed all the same, as Linux does. */
  result = (int) syscall (SYS_close, fd);
  if (fails)
    {
      errno = error_number;
      result = -1;
    }
  if (!ds_crash_is_acknowledgement (handle))
    ds_crash_end (&call, result < 0);
  ds_crash_unlock ();
  return result;
}

static int
ds_crash_duplicate (int fd, int copy)
{
  if (copy >= 0)
    ds_crash_watch_as (copy, ds_crash_get_handle (fd));
  return copy;
}

DS_CRASH_PUBLIC int
dup (int fd)
{
  return ds_crash_duplicate (fd, (int) syscall (SYS_dup, fd));
}

DS_CRASH_PUBLIC int
dup2 (int fd, int wanted)
{
  if (fd == wanted)
    return fcntl (fd, F_GETFD) < 0 ? -1 : fd;
  return ds_crash_duplicate (fd, (int) syscall (SYS_dup3, fd, wanted, 0));
}

DS_CRASH_PUBLIC int
dup3 (int fd, int wanted, int flags)
{
  return ds_crash_duplicate (fd, (int) syscall (SYS_dup3, fd, wanted, flags));
}

static int
ds_crash_control (int fd, int command, void *argument)
{
  int result = (int) syscall (SYS_fcntl, fd, command, argument);

  if (command == F_DUPFD || command == F_DUPFD_CLOEXEC)
    return ds_crash_duplicate (fd, result);
  return result;
}

DS_CRASH_PUBLIC int
fcntl (int fd, int command, ...)
{
  va_list arguments;
  void *argument;

  va_start (arguments, command);
  argument = va_arg (arguments, void *);
  va_end (arguments);
  return ds_crash_control (fd, command, argument);
}

DS_CRASH_PUBLIC int
fcntl64 (int fd, int command, ...)
{
  va_list arguments;
  void *argument;

  va_start (arguments, command);
  argument = va_arg (arguments, void *);
  va_end (arguments);
  return ds_crash_control (fd, command, argument);
}

/* These close without calling close (). */
DS_CRASH_PUBLIC int
fclose (FILE *file)
{
  static int (*next) (FILE *);

  if (next == NULL)
    *(void **) (&next) = dlsym (RTLD_NEXT, "fclose");
  ds_crash_forget (fileno (file));
  return next (file);
}

DS_CRASH_PUBLIC int
closedir (DIR *directory)
{
  static int (*next) (DIR *);

  if (next == NULL)
    *(void **) (&next) = dlsym (RTLD_NEXT, "closedir");
  ds_crash_forget (dirfd (directory));
  return next (directory);
}
