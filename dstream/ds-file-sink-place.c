/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The files of a batch get the names under which readers find them: parts in their order,
 * _SUCCESS last, each by rename.  What bears its name already is of an attempt that was
 * cut short after it, if it has the same bytes, and is left alone; anything else is
 * somebody else's and an error, which names both (RELIABILITY D15). */

#include "base/ds-durable-file-private.h"
#include "base/ds-error.h"
#include "base/ds-failpoint-private.h"
#include "base/ds-planted-fault-private.h"
#include "dstream/ds-file-sink-private.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DS_FILE_PLACES_SUCCESS "_SUCCESS"

static gboolean
ds_file_places_refuse (const DsFilePlaces *self,
                       const char *path,
                       const char *what,
                       GError **error)
{
  g_set_error (error, DS_ERROR, DS_ERROR_BAD_FILE,
               "\"%s\" is there already, and batch %" G_GINT64_FORMAT
               " ms, which belongs there, did not write it: %s; nothing was "
               "overwritten. Move it away, or save to a new directory",
               path, self->batch_ms, what);
  return FALSE;
}

/* TRUE: @path has what @aside has. */
static gboolean
ds_file_places_is_same (const DsFilePlaces *self,
                        const char *aside,
                        const char *path,
                        const DsSavedFile *file,
                        GError **error)
{
  g_autofree char *what = NULL;
  guint64 n_bytes;
  guint64 hash;

  if (!ds_durable_file_hash (path, &n_bytes, &hash, error))
    return FALSE;
  if (n_bytes == file->n_bytes && hash == file->hash)
    return TRUE;
  what = g_strdup_printf ("it has %" G_GUINT64_FORMAT
                          " bytes with hash %016" G_GINT64_MODIFIER
                          "x, the batch wrote %" G_GUINT64_FORMAT
                          " bytes with hash %016" G_GINT64_MODIFIER
                          "x, which are in \"%s\". If both are of this program, its "
                          "functions do not give the same results again",
                          n_bytes, hash, file->n_bytes, file->hash, aside);
  return ds_file_places_refuse (self, path, what, error);
}

static gboolean
ds_file_places_put (const DsFilePlaces *self,
                    const char *aside,
                    const char *path,
                    const DsSavedFile *file,
                    GError **error)
{
  struct stat status;

  if (lstat (path, &status) < 0)
    {
      if (errno == ENOENT)
        return ds_durable_file_rename (aside, path, error);
      ds_set_error_from_errno (error, errno, "Looking at", path);
      return FALSE;
    }
  if (!S_ISREG (status.st_mode))
    return ds_file_places_refuse (self, path, "it is no file", error);
  if (!ds_file_places_is_same (self, aside, path, file, error))
    return FALSE;
  if (self->replaces)
    return ds_durable_file_rename (aside, path, error);
  return ds_durable_file_remove (aside, error);
}

/* FALSE for a part that the batch does not have: readers would take it for one of its
 * own. */
static gboolean
ds_file_places_check_directory (const DsFilePlaces *self, GError **error)
{
  g_autoptr (GDir) names = g_dir_open (self->path, 0, NULL);
  const char *name;

  while (names != NULL && (name = g_dir_read_name (names)) != NULL)
    {
      g_autofree char *path = g_build_filename (self->path, name, NULL);
      g_autofree char *expected = NULL;
      guint64 number;

      if (!g_str_has_prefix (name, "part-"))
        continue;
      number = g_ascii_strtoull (name + strlen ("part-"), NULL, 10);
      expected = g_strdup_printf ("part-%05" G_GUINT64_FORMAT, number);
      if (number >= self->files->len || !g_str_equal (name, expected))
        {
          g_autofree char *what = g_strdup_printf ("the batch has %u parts, from "
                                                   "part-00000 on",
                                                   self->files->len);

          return ds_file_places_refuse (self, path, what, error);
        }
    }
  return TRUE;
}

/* The name is durable before anything is in it: so after a sync that failed it can still
 * be made anew, which asking the same directory again would not do. */
static gboolean
ds_file_places_make_directory (const DsFilePlaces *self,
                               const char *parent,
                               GError **error)
{
  struct stat status;
  gboolean is_new = mkdir (self->path, 0777) == 0;

  if (!is_new && errno != EEXIST)
    {
      ds_set_error_from_errno (error, errno, "Making directory", self->path);
      return FALSE;
    }
  if (!is_new && (lstat (self->path, &status) < 0 || !S_ISDIR (status.st_mode)))
    return ds_file_places_refuse (self, self->path, "it is no directory", error);
  if (!is_new && !ds_file_places_check_directory (self, error))
    return FALSE;
  if (DS_PLANTED ("output-name-not-synced") || ds_durable_directory_sync (parent, error))
    return TRUE;
  if (is_new)
    g_rmdir (self->path);
  return FALSE;
}

/* It is empty, so there is nothing in it to be synced. */
static gboolean
ds_file_places_put_success (const DsFilePlaces *self, GError **error)
{
  const DsSavedFile empty = { 0, ds_manifest_hash ((const guint8 *) "", 0) };
  g_autofree char *aside =
      g_strdup_printf ("%s/%s%s", self->aside, self->prefix, DS_FILE_PLACES_SUCCESS);
  g_autofree char *path = g_build_filename (self->path, DS_FILE_PLACES_SUCCESS, NULL);
  int fd;

  fd = ds_durable_file_create (aside, error);
  if (fd < 0)
    return FALSE;
  close (fd); /* of nothing: there is nothing that could be missed */
  return ds_file_places_put (self, aside, path, &empty, error);
}

static char *
ds_file_places_get_aside (const DsFilePlaces *self, guint i)
{
  return g_strdup_printf ("%s/%spart-%05u", self->aside, self->prefix, i);
}

static gboolean
ds_file_places_fill_directory (const DsFilePlaces *self,
                               const char *parent,
                               GError **error)
{
  if (!ds_file_places_make_directory (self, parent, error))
    return FALSE;
  for (guint i = 0; i < self->files->len; i++)
    {
      g_autofree char *aside = ds_file_places_get_aside (self, i);
      g_autofree char *path = g_strdup_printf ("%s/part-%05u", self->path, i);

      if (!ds_file_places_put (self, aside, path,
                               &g_array_index (self->files, DsSavedFile, i), error))
        return FALSE;
      DS_FP ("sink.renamed");
    }
  return ds_file_places_put_success (self, error) &&
         (DS_PLANTED ("output-no-directory-sync") ||
          ds_durable_directory_sync (self->path, error));
}

gboolean
ds_file_places_fill (const DsFilePlaces *self, GError **error)
{
  g_autofree char *parent = g_path_get_dirname (self->path);
  g_autofree char *aside = NULL;

  if (!self->single_file)
    return ds_file_places_fill_directory (self, parent, error);
  aside = ds_file_places_get_aside (self, 0);
  return ds_file_places_put (self, aside, self->path,
                             &g_array_index (self->files, DsSavedFile, 0), error) &&
         ds_durable_directory_sync (parent, error);
}
