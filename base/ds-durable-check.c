/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is refused before anything is read or written: names that could be paths, and
 * files that somebody else can write to. */

#include "base/ds-durable-file-private.h"
#include "base/ds-durable-parts-private.h"
#include "base/ds-error.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- Names ---- */

gboolean
ds_durable_name_check (const char *name, const char *what, GError **error)
{
  gsize n = strspn (name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                          "._-");

  if (n > 0 && n <= 64 && name[n] == '\0' && name[0] != '.' && name[0] != '-')
    return TRUE;

  g_autofree char *shown = g_strescape (name, NULL);

  if (strlen (shown) > 80)
    memcpy (shown + 76, "...", 4);
  g_set_error (error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT,
               "%s \"%s\" is no name for what is kept in files: it must be 1 to 64 of "
               "A-Z a-z 0-9 . _ - and not start with a dot or a dash; give another name",
               what, shown);
  return FALSE;
}

/* ---- What is refused ---- */

gboolean
ds_durable_refuse (const char *path, const char *what, const char *hint, GError **error)
{
  g_set_error (error, DS_ERROR, DS_ERROR_BAD_FILE,
               "\"%s\" %s; checkpoints are the user's alone, nothing was changed: %s",
               path, what, hint);
  return FALSE;
}

gboolean
ds_durable_check_owner (const struct stat *info,
                        const char *path,
                        const char *if_shared,
                        GError **error)
{
  if (info->st_uid != geteuid ())
    {
      g_autofree char *what =
          g_strdup_printf ("belongs to user %u, not to the one that runs this, %u",
                           (guint) info->st_uid, (guint) geteuid ());

      return ds_durable_refuse (path, what, "run it as that user, or change the owner",
                                error);
    }
  if ((info->st_mode & (S_IWGRP | S_IWOTH)) != 0)
    {
      g_autofree char *what = g_strdup_printf ("may be written by others (mode %04o)",
                                               (guint) (info->st_mode & 07777));

      return ds_durable_refuse (path, what, if_shared, error);
    }
  return TRUE;
}

gboolean
ds_durable_check_file (int fd,
                       const char *path,
                       gboolean is_shared,
                       guint64 *n_bytes,
                       GError **error)
{
  struct stat info;

  if (!ds_durable_file_stat (fd, path, &info, error))
    return FALSE;
  if (!S_ISREG (info.st_mode))
    return ds_durable_refuse (path, "is not a regular file", "remove it", error);
  if (info.st_nlink > 1)
    return ds_durable_refuse (path, "has a second name (a hard link)",
                              "remove the other name, or put a copy in its place", error);
  if (!is_shared && !ds_durable_check_owner (&info, path, "chmod go-w", error))
    return FALSE;
  if (n_bytes != NULL)
    *n_bytes = (guint64) info.st_size;
  return TRUE;
}
