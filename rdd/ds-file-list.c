/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which files a path names.
 *
 * Names that begin with "." or "_" are not data (a writer's unfinished files, _SUCCESS),
 * unless they are named outright.  Symbolic links are followed here, where somebody named
 * a path, and what they point to is planned: it is opened by its own name. */

#include "rdd/ds-file-read-private.h"

#include "base/ds-error.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>

static gboolean
ds_file_list_is_hidden (const char *path)
{
  const char *slash = strrchr (path, G_DIR_SEPARATOR);
  const char *name = slash != NULL ? slash + 1 : path;

  return name[0] == '.' || name[0] == '_';
}

/* *@path becomes that of the end of a link. */
static gboolean
ds_file_list_look (char **path, DsFileStatus *status, GError **error)
{
  DsFileSystem *file_system = ds_file_system_get_local ();
  char *target;

  if (!ds_file_system_get_status (file_system, *path, status, error))
    return FALSE;
  if (status->kind != DS_FILE_SYMLINK)
    return TRUE;

  target = realpath (*path, NULL);
  if (target == NULL)
    {
      int code = errno;
      g_autofree char *name = ds_file_display_name (*path);

      g_set_error (error, DS_ERROR, code == ENOENT ? DS_ERROR_NOT_FOUND : DS_ERROR_IO,
                   "Cannot follow the symbolic link \"%s\": %s; look where it points to",
                   name, g_strerror (code));
      return FALSE;
    }
  g_free (*path);
  *path = g_strdup (target);
  free (target);
  return ds_file_system_get_status (file_system, *path, status, error);
}

static void
ds_file_list_add (GPtrArray *files, const char *path, const DsFileStatus *status)
{
  g_ptr_array_add (files,
                   ds_planned_file_new (ds_file_system_get_local (), path, status));
}

static gint
ds_file_list_compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* The status is asked for later, in order of name. */
static gboolean
ds_file_list_add_name (const char *name, DsFileKind kind, gpointer user_data)
{
  if (!ds_file_list_is_hidden (name) &&
      (kind == DS_FILE_REGULAR || kind == DS_FILE_SYMLINK))
    g_ptr_array_add (user_data, g_strdup (name));
  return FALSE;
}

/* The regular files of a directory; neither directories below it nor anything else. */
static gboolean
ds_file_list_add_directory (GPtrArray *files, const char *path, GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);

  if (!ds_file_system_list (ds_file_system_get_local (), path, ds_file_list_add_name,
                            NULL, names, error))
    return FALSE;
  g_ptr_array_sort (names, ds_file_list_compare_names);

  for (guint i = 0; i < names->len; i++)
    {
      g_autofree char *file = g_build_filename (path, names->pdata[i], NULL);
      DsFileStatus status;

      if (!ds_file_list_look (&file, &status, error))
        return FALSE;
      if (status.kind == DS_FILE_REGULAR)
        ds_file_list_add (files, file, &status);
    }
  return TRUE;
}

/* A path that exists.  @is_named: outright, not by a glob, where what cannot be read as
 * a file is passed over. */
static gboolean
ds_file_list_add_path (GPtrArray *files,
                       const char *path,
                       const DsFileStatus *status,
                       gboolean is_named,
                       GError **error)
{
  g_autofree char *name = NULL;

  if (status->kind == DS_FILE_DIRECTORY)
    return ds_file_list_add_directory (files, path, error);
  if (status->kind == DS_FILE_REGULAR)
    {
      ds_file_list_add (files, path, status);
      return TRUE;
    }
  if (!is_named)
    return TRUE;

  name = ds_file_display_name (path);
  g_set_error (
      error, DS_ERROR, DS_ERROR_BAD_FILE,
      "\"%s\" is neither a regular file nor a directory: a pipe, socket or device "
      "has no fixed content to compute from twice; copy it to a file first",
      name);
  return FALSE;
}

static gboolean
ds_file_list_add_glob (GPtrArray *files, const char *pattern, GError **error)
{
  gboolean takes_hidden = ds_file_list_is_hidden (pattern);
  gboolean success = TRUE;
  glob_t matches = { 0 };
  int result = glob (pattern, GLOB_NOSORT, NULL, &matches);

  if (result != 0)
    {
      int code = errno;
      g_autofree char *name = ds_file_display_name (pattern);

      if (result == GLOB_NOMATCH)
        g_set_error (error, DS_ERROR, DS_ERROR_NOT_FOUND,
                     "There is no file \"%s\", and nothing that it matches as a pattern",
                     name);
      else
        g_set_error (error, DS_ERROR, DS_ERROR_IO,
                     "Cannot match \"%s\": %s; check the path and its permissions", name,
                     g_strerror (code));
      return FALSE;
    }

  qsort (matches.gl_pathv, matches.gl_pathc, sizeof *matches.gl_pathv,
         ds_file_list_compare_names);
  for (gsize i = 0; success && i < matches.gl_pathc; i++)
    {
      g_autofree char *path = g_strdup (matches.gl_pathv[i]);
      DsFileStatus status;

      if (!takes_hidden && ds_file_list_is_hidden (path))
        continue;
      success = ds_file_list_look (&path, &status, error) &&
                ds_file_list_add_path (files, path, &status, FALSE, error);
    }
  globfree (&matches);
  return success;
}

static void
ds_file_list_free_file (gpointer data)
{
  ds_planned_file_free (data);
}

GPtrArray *
ds_file_list_path (const char *path, GError **error)
{
  g_autoptr (GPtrArray) files = g_ptr_array_new_with_free_func (ds_file_list_free_file);
  g_autoptr (GError) local_error = NULL;
  g_autofree char *looked_at = NULL;
  DsFileStatus status;
  gboolean success;

  if (g_str_has_prefix (path, "file://"))
    {
      looked_at = g_filename_from_uri (path, NULL, &local_error);
      if (looked_at == NULL)
        {
          g_set_error (error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT,
                       "\"%s\" is no URI of a local file: %s", path,
                       local_error->message);
          return NULL;
        }
    }
  else
    looked_at = g_strdup (path);

  if (ds_file_list_look (&looked_at, &status, &local_error))
    success = ds_file_list_add_path (files, looked_at, &status, TRUE, error);
  else if ((g_error_matches (local_error, DS_ERROR, DS_ERROR_NOT_FOUND) ||
            g_error_matches (local_error, DS_ERROR, DS_ERROR_BAD_FILE)) &&
           strpbrk (looked_at, "*?[") != NULL)
    success = ds_file_list_add_glob (files, looked_at, error);
  else
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      success = FALSE;
    }
  return success ? g_steal_pointer (&files) : NULL;
}
