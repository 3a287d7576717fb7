/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which files a path names, and how they are split among partitions.
 *
 * Names that begin with "." or "_" are not data (a writer's unfinished files, _SUCCESS),
 * unless they are named outright. */

#include "rdd/ds-text-files-private.h"

#include "base/ds-error.h"

#include <errno.h>
#include <glob.h>
#include <sys/stat.h>

static void
ds_text_file_free (gpointer data)
{
  DsTextFile *self = data;

  g_free (self->path);
  g_free (self);
}

static gboolean
ds_text_files_is_hidden (const char *path)
{
  const char *slash = strrchr (path, G_DIR_SEPARATOR);
  const char *name = slash != NULL ? slash + 1 : path;

  return name[0] == '.' || name[0] == '_';
}

static void
ds_text_files_set_io_error (GError **error,
                            const char *action,
                            const char *path,
                            int code)
{
  g_set_error (error, DS_ERROR, code == ENOENT ? DS_ERROR_NOT_FOUND : DS_ERROR_IO,
               "Cannot %s \"%s\": %s; check the path and its permissions", action, path,
               g_strerror (code));
}

static void
ds_text_files_add (GPtrArray *files, const char *path, const struct stat *status)
{
  DsTextFile *file = g_new (DsTextFile, 1);

  file->path = g_strdup (path);
  file->n_bytes = (guint64) status->st_size;
  file->is_gzip = g_str_has_suffix (path, ".gz");
  g_ptr_array_add (files, file);
}

static gint
ds_text_files_compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* The regular files of a directory; neither directories below it nor anything else. */
static gboolean
ds_text_files_add_directory (GPtrArray *files, const char *path, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GDir) directory = g_dir_open (path, 0, &local_error);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  const char *name;

  if (directory == NULL)
    {
      g_set_error (error, DS_ERROR, DS_ERROR_IO, "Cannot list \"%s\": %s", path,
                   local_error->message);
      return FALSE;
    }
  while ((name = g_dir_read_name (directory)) != NULL)
    if (!ds_text_files_is_hidden (name))
      g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, ds_text_files_compare_names);

  for (guint i = 0; i < names->len; i++)
    {
      g_autofree char *file = g_build_filename (path, names->pdata[i], NULL);
      struct stat status;

      if (stat (file, &status) != 0)
        {
          ds_text_files_set_io_error (error, "look at", file, errno);
          return FALSE;
        }
      if (S_ISREG (status.st_mode))
        ds_text_files_add (files, file, &status);
    }
  return TRUE;
}

/* A path that exists.  @is_named: outright, not by a glob, where what cannot be read as
 * text is passed over. */
static gboolean
ds_text_files_add_path (GPtrArray *files,
                        const char *path,
                        const struct stat *status,
                        gboolean is_named,
                        GError **error)
{
  if (S_ISDIR (status->st_mode))
    return ds_text_files_add_directory (files, path, error);
  if (S_ISREG (status->st_mode))
    {
      ds_text_files_add (files, path, status);
      return TRUE;
    }
  if (!is_named)
    return TRUE;
  g_set_error (
      error, DS_ERROR, DS_ERROR_BAD_FILE,
      "\"%s\" is neither a regular file nor a directory: a pipe, socket or device "
      "has no fixed content to compute from twice; copy it to a file first",
      path);
  return FALSE;
}

static gboolean
ds_text_files_add_glob (GPtrArray *files, const char *pattern, GError **error)
{
  gboolean takes_hidden = ds_text_files_is_hidden (pattern);
  gboolean success = TRUE;
  glob_t matches = { 0 };
  int result = glob (pattern, GLOB_NOSORT, NULL, &matches);

  if (result == GLOB_NOMATCH)
    {
      g_set_error (error, DS_ERROR, DS_ERROR_NOT_FOUND,
                   "There is no file \"%s\", and nothing that it matches as a pattern",
                   pattern);
      return FALSE;
    }
  if (result != 0)
    {
      ds_text_files_set_io_error (error, "match", pattern, errno);
      return FALSE;
    }

  qsort (matches.gl_pathv, matches.gl_pathc, sizeof *matches.gl_pathv,
         ds_text_files_compare_names);
  for (gsize i = 0; success && i < matches.gl_pathc; i++)
    {
      const char *path = matches.gl_pathv[i];
      struct stat status;

      if (!takes_hidden && ds_text_files_is_hidden (path))
        continue;
      success = stat (path, &status) == 0;
      if (!success)
        ds_text_files_set_io_error (error, "look at", path, errno);
      else
        success = ds_text_files_add_path (files, path, &status, FALSE, error);
    }
  globfree (&matches);
  return success;
}

GPtrArray *
ds_text_files_list (const char *path, GError **error)
{
  g_autoptr (GPtrArray) files = g_ptr_array_new_with_free_func (ds_text_file_free);
  g_autofree char *from_uri = NULL;
  struct stat status;
  gboolean success;

  if (g_str_has_prefix (path, "file://"))
    {
      g_autoptr (GError) local_error = NULL;

      from_uri = g_filename_from_uri (path, NULL, &local_error);
      if (from_uri == NULL)
        {
          g_set_error (error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT,
                       "\"%s\" is no URI of a local file: %s", path,
                       local_error->message);
          return NULL;
        }
      path = from_uri;
    }

  if (stat (path, &status) == 0)
    success = ds_text_files_add_path (files, path, &status, TRUE, error);
  else if ((errno == ENOENT || errno == ENOTDIR) && strpbrk (path, "*?[") != NULL)
    success = ds_text_files_add_glob (files, path, error);
  else
    {
      ds_text_files_set_io_error (error, "read", path, errno);
      success = FALSE;
    }
  return success ? g_steal_pointer (&files) : NULL;
}

GArray *
ds_text_files_split (GPtrArray *files, guint min_splits)
{
  GArray *splits = g_array_new (FALSE, FALSE, sizeof (DsTextFileSplit));
  unsigned __int128 n_total = 0;

  for (guint i = 0; i < files->len; i++)
    n_total += ((const DsTextFile *) files->pdata[i])->n_bytes;

  for (guint i = 0; i < files->len; i++)
    {
      const DsTextFile *file = files->pdata[i];
      unsigned __int128 n_bytes = file->n_bytes;
      /* Its share of the splits that are wanted, and no split too large. */
      guint64 share =
          n_total > 0 ? (guint64) ((n_bytes * min_splits + n_total - 1) / n_total) : 1;
      guint64 n_splits = share;

      if (file->n_bytes > share * (DS_TEXT_FILE_MAX_SPLIT_BYTES +
                                   (guint64) DS_TEXT_FILE_SPLIT_SLACK_BYTES))
        n_splits *= (file->n_bytes - 1) / (share * DS_TEXT_FILE_MAX_SPLIT_BYTES) + 1;
      if (file->is_gzip || n_splits == 0)
        n_splits = 1;
      for (guint64 j = 0; j < n_splits; j++)
        {
          DsTextFileSplit split = { .file = file,
                                    .begin = (guint64) (n_bytes * j / n_splits),
                                    .end = (guint64) (n_bytes * (j + 1) / n_splits) };

          g_array_append_val (splits, split);
        }
    }
  return splits;
}

guint64
ds_text_files_estimate_bytes (GPtrArray *files)
{
  guint64 n_bytes = 0;

  for (guint i = 0; i < files->len; i++)
    {
      const DsTextFile *file = files->pdata[i];

      n_bytes += file->is_gzip ? 4 * file->n_bytes : file->n_bytes;
    }
  return n_bytes;
}
