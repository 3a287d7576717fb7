/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Removing a directory of a test with all that is in it.  Links are not followed. */

#include <ftw.h>
#include <glib.h>
#include <stdio.h>
#include <sys/stat.h>

/* What cannot be removed keeps the directories above it. */
static inline int
ds_test_remove_entry (const char *path,
                      const struct stat *status,
                      int kind,
                      struct FTW *where)
{
  (void) remove (path);
  return 0;
}

/* FALSE: something is left.  Nothing there is success. */
static inline gboolean
ds_test_try_remove_tree (const char *path)
{
  struct stat status;

  (void) nftw (path, ds_test_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
  return lstat (path, &status) != 0;
}

static inline void
ds_test_remove_tree (const char *path)
{
  if (!ds_test_try_remove_tree (path))
    g_error ("\"%s\" cannot be removed", path);
}
