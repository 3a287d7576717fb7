/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The calls that change directories; see ds-sim-calls.c. */

#include "tests/simulation/ds-sim-wrap-private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int
rename_file (int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
  char from_place[DS_SIM_PATH_BYTES];
  char to_place[DS_SIM_PATH_BYTES];
  int result = -1;

  if (!ds_sim_find_place (from_fd, from, from_place) ||
      !ds_sim_find_place (to_fd, to, to_place))
    return __real_renameat2 (from_fd, from, to_fd, to, flags);
  g_assert ((flags & ~(unsigned) RENAME_NOREPLACE) == 0);
  if (ds_sim_begin_call (DS_SIM_RENAME, from_place, NULL))
    result = __real_renameat2 (from_fd, from, to_fd, to, flags);
  ds_sim_end_call (DS_SIM_RENAME, result, 0, 0, from_place, to_place, NULL, 0);
  return result;
}

int
__wrap_rename (const char *from, const char *to)
{
  return rename_file (AT_FDCWD, from, AT_FDCWD, to, 0);
}

int
__wrap_renameat (int from_fd, const char *from, int to_fd, const char *to)
{
  return rename_file (from_fd, from, to_fd, to, 0);
}

int
__wrap_renameat2 (int from_fd,
                  const char *from,
                  int to_fd,
                  const char *to,
                  unsigned flags)
{
  return rename_file (from_fd, from, to_fd, to, flags);
}

int
__wrap_unlinkat (int directory_fd, const char *path, int flags)
{
  char place[DS_SIM_PATH_BYTES];
  int result = -1;

  if (!ds_sim_find_place (directory_fd, path, place))
    return __real_unlinkat (directory_fd, path, flags);
  if (ds_sim_begin_call (DS_SIM_UNLINK, place, NULL))
    result = __real_unlinkat (directory_fd, path, flags);
  ds_sim_end_call (DS_SIM_UNLINK, result, 0, 0, place, NULL, NULL, 0);
  return result;
}

int
__wrap_unlink (const char *path)
{
  return __wrap_unlinkat (AT_FDCWD, path, 0);
}

int
__wrap_g_unlink (const char *path)
{
  return __wrap_unlinkat (AT_FDCWD, path, 0);
}

int
__wrap_g_rmdir (const char *path)
{
  return __wrap_unlinkat (AT_FDCWD, path, AT_REMOVEDIR);
}

int
__wrap_mkdirat (int directory_fd, const char *path, mode_t mode)
{
  char place[DS_SIM_PATH_BYTES];
  int result = -1;

  if (!ds_sim_find_place (directory_fd, path, place))
    return __real_mkdirat (directory_fd, path, mode);
  if (faccessat (directory_fd, path, F_OK, 0) == 0)
    errno = EEXIST;
  else
    {
      if (ds_sim_begin_call (DS_SIM_MAKE_DIRECTORY, place, NULL))
        result = __real_mkdirat (directory_fd, path, mode);
      ds_sim_end_call (DS_SIM_MAKE_DIRECTORY, result, 0, 0, place, NULL, NULL, 0);
    }
  return result;
}

int
__wrap_mkdir (const char *path, mode_t mode)
{
  return __wrap_mkdirat (AT_FDCWD, path, mode);
}

int
__wrap_g_mkdir_with_parents (const char *path, int mode)
{
  g_autofree char *part = g_strdup (path);

  if (!ds_sim_is_on ())
    return __real_g_mkdir_with_parents (path, mode);
  for (char *slash = strchr (part + 1, '/'); slash != NULL;
       slash = strchr (slash + 1, '/'))
    {
      *slash = '\0';
      if (access (part, F_OK) != 0 && __wrap_mkdir (part, (mode_t) mode) != 0 &&
          errno != EEXIST)
        return -1;
      *slash = '/';
    }
  return access (part, F_OK) == 0 || __wrap_mkdir (part, (mode_t) mode) == 0 ||
                 errno == EEXIST
             ? 0
             : -1;
}

int
__wrap_link (const char *from, const char *to)
{
  char from_place[DS_SIM_PATH_BYTES];
  char to_place[DS_SIM_PATH_BYTES];
  int result = -1;

  if (!ds_sim_find_place (AT_FDCWD, from, from_place) ||
      !ds_sim_find_place (AT_FDCWD, to, to_place))
    return __real_link (from, to);
  if (ds_sim_begin_call (DS_SIM_LINK, from_place, NULL))
    result = __real_link (from, to);
  ds_sim_end_call (DS_SIM_LINK, result, 0, 0, from_place, to_place, NULL, 0);
  return result;
}
