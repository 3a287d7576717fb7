/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The calls that change directories. */

#undef _FORTIFY_SOURCE
#undef _FILE_OFFSET_BITS

#include "tests/crash/shim/ds-crash-shim-private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int
ds_crash_rename (int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
  char found_from[PATH_MAX] = "", found_to[PATH_MAX] = "";
  DsCrashCall call = { .type = DS_CRASH_RENAME,
                       .is_counted = true,
                       .offset = (flags & RENAME_EXCHANGE) != 0,
                       .path = found_from,
                       .to = found_to };
  bool sees_from, sees_to;
  long result = -1;

  ds_crash_lock ();
  sees_from = ds_crash_place (from_fd, from, found_from, sizeof found_from) ==
              DS_CRASH_BELOW_ROOT;
  sees_to = ds_crash_place (to_fd, to, found_to, sizeof found_to) == DS_CRASH_BELOW_ROOT;
  if (sees_from != sees_to)
    ds_crash_refuse ("a file is moved into or out of the watched directory");
  if (!sees_from || ds_crash_begin (&call) == DS_CRASH_GO_ON)
    result = syscall (SYS_renameat2, from_fd, from, to_fd, to, flags);
  if (sees_from)
    ds_crash_end (&call, result < 0);
  ds_crash_unlock ();
  return (int) result;
}

DS_CRASH_PUBLIC int
rename (const char *from, const char *to)
{
  return ds_crash_rename (AT_FDCWD, from, AT_FDCWD, to, 0);
}

DS_CRASH_PUBLIC int
renameat (int from_fd, const char *from, int to_fd, const char *to)
{
  return ds_crash_rename (from_fd, from, to_fd, to, 0);
}

DS_CRASH_PUBLIC int
renameat2 (int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
  return ds_crash_rename (from_fd, from, to_fd, to, flags);
}

/* A call that has one name and one more argument. */
static int
ds_crash_call_name (int dirfd,
                    const char *path,
                    DsCrashType type,
                    long number,
                    unsigned argument)
{
  char found[PATH_MAX] = "";
  DsCrashCall call = { .type = type, .is_counted = true, .path = found };
  bool is_seen;
  long result = -1;

  ds_crash_lock ();
  is_seen = ds_crash_place (dirfd, path, found, sizeof found) == DS_CRASH_BELOW_ROOT;
  if (!is_seen || ds_crash_begin (&call) == DS_CRASH_GO_ON)
    result = syscall (number, dirfd, path, argument);
  if (is_seen)
    ds_crash_end (&call, result < 0);
  ds_crash_unlock ();
  return (int) result;
}

DS_CRASH_PUBLIC int
unlinkat (int dirfd, const char *path, int flags)
{
  return ds_crash_call_name (dirfd, path,
                             (flags & AT_REMOVEDIR) != 0 ? DS_CRASH_RMDIR
                                                         : DS_CRASH_UNLINK,
                             SYS_unlinkat, (unsigned) flags);
}

DS_CRASH_PUBLIC int
unlink (const char *path)
{
  return unlinkat (AT_FDCWD, path, 0);
}

DS_CRASH_PUBLIC int
rmdir (const char *path)
{
  return unlinkat (AT_FDCWD, path, AT_REMOVEDIR);
}

DS_CRASH_PUBLIC int
remove (const char *path)
{
  struct stat status;
  bool is_directory =
      syscall (SYS_newfstatat, AT_FDCWD, path, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
      S_ISDIR (status.st_mode);

  return unlinkat (AT_FDCWD, path, is_directory ? AT_REMOVEDIR : 0);
}

DS_CRASH_PUBLIC int
mkdirat (int dirfd, const char *path, mode_t mode)
{
  return ds_crash_call_name (dirfd, path, DS_CRASH_MKDIR, SYS_mkdirat, mode);
}

DS_CRASH_PUBLIC int
mkdir (const char *path, mode_t mode)
{
  return mkdirat (AT_FDCWD, path, mode);
}

/* The open file that @path stands for, when it is one: 0 else. */
static uint32_t
ds_crash_get_linked_handle (int dirfd, const char *path, int flags)
{
  int fd = -1;

  if ((flags & AT_EMPTY_PATH) != 0 && *path == '\0')
    fd = dirfd;
  else if (sscanf (path, "/proc/self/fd/%d", &fd) != 1)
    return 0;
  return ds_crash_get_handle (fd);
}

DS_CRASH_PUBLIC int
linkat (int from_fd, const char *from, int to_fd, const char *to, int flags)
{
  char found_from[PATH_MAX] = "", found_to[PATH_MAX] = "";
  DsCrashCall call = {
    .type = DS_CRASH_LINK, .is_counted = true, .path = found_from, .to = found_to
  };
  bool is_seen;
  long result = -1;

  ds_crash_lock ();
  call.handle = ds_crash_get_linked_handle (from_fd, from, flags);
  if (call.handle == 0)
    ds_crash_place (from_fd, from, found_from, sizeof found_from);
  is_seen = ds_crash_place (to_fd, to, found_to, sizeof found_to) == DS_CRASH_BELOW_ROOT;
  if (!is_seen || ds_crash_begin (&call) == DS_CRASH_GO_ON)
    result = syscall (SYS_linkat, from_fd, from, to_fd, to, flags);
  if (is_seen)
    ds_crash_end (&call, result < 0);
  ds_crash_unlock ();
  return (int) result;
}

DS_CRASH_PUBLIC int
link (const char *from, const char *to)
{
  return linkat (AT_FDCWD, from, AT_FDCWD, to, 0);
}

static int
ds_crash_truncate (const char *path, off_t size)
{
  char found[PATH_MAX];

  ds_crash_lock ();
  if (ds_crash_place (AT_FDCWD, path, found, sizeof found) == DS_CRASH_BELOW_ROOT)
    ds_crash_refuse ("a watched file is cut by name: open it and use ftruncate");
  ds_crash_unlock ();
  return (int) syscall (SYS_truncate, path, size);
}

DS_CRASH_PUBLIC int
truncate (const char *path, off_t size)
{
  return ds_crash_truncate (path, size);
}

DS_CRASH_PUBLIC int
truncate64 (const char *path, off_t size)
{
  return ds_crash_truncate (path, size);
}
