/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* glob () knows the file system of the machine only, so patterns are matched here: a
 * component without "*", "?" and "[" is appended to what was found so far, any other one
 * is held against a listing. */

#include "receivers/ds-directory-pattern-private.h"

#include "base/ds-error.h"

#include <fnmatch.h>
#include <string.h>

gboolean
ds_directory_pattern_is_glob (const char *pattern)
{
  return strpbrk (pattern, "*?[") != NULL;
}

typedef struct
{
  DsFileSystem *files;
  DsDirectoryPatternFailFunc fail;
  gpointer user_data;
  GError *error; /* (nullable) owned: the first one */
} DsPatternMatch;

typedef struct
{
  const char *component;
  const char *directory;
  GPtrArray *found;
} DsPatternListing;

/* Name and kind are enough: no status is wanted. */
static gboolean
ds_directory_pattern_match_entry (const char *name, DsFileKind kind, gpointer user_data)
{
  DsPatternListing *self = user_data;

  if (kind == DS_FILE_DIRECTORY && fnmatch (self->component, name, FNM_PERIOD) == 0)
    g_ptr_array_add (self->found, g_build_filename (self->directory, name, NULL));
  return FALSE;
}

static void
ds_pattern_match_take_error (DsPatternMatch *self, const char *directory, GError *error)
{
  if (self->fail != NULL)
    self->fail (directory, error, self->user_data);
  if (self->error == NULL)
    self->error = error;
  else
    g_error_free (error);
}

static void
ds_pattern_match_component (DsPatternMatch *self,
                            const char *component,
                            const char *directory,
                            GPtrArray *found)
{
  DsPatternListing listing = { component, directory, found };
  g_autoptr (GError) error = NULL;

  if (!ds_file_system_list (self->files, *directory != '\0' ? directory : ".",
                            ds_directory_pattern_match_entry, NULL, &listing, &error) &&
      !g_error_matches (error, DS_ERROR, DS_ERROR_NOT_FOUND) &&
      !g_error_matches (error, DS_ERROR, DS_ERROR_BAD_FILE))
    ds_pattern_match_take_error (self, directory, g_steal_pointer (&error));
}

/* @directories with @component behind each.  (transfer full) */
static GPtrArray *
ds_pattern_match_extend (DsPatternMatch *self,
                         GPtrArray *directories,
                         const char *component)
{
  GPtrArray *found = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < directories->len; i++)
    {
      const char *directory = directories->pdata[i];

      if (!ds_directory_pattern_is_glob (component))
        g_ptr_array_add (found, g_build_filename (directory, component, NULL));
      else
        ds_pattern_match_component (self, component, directory, found);
    }
  return found;
}

/* @if_unknown: what to answer for what cannot be looked at. */
static gboolean
ds_directory_pattern_is_there (DsFileSystem *files, const char *path, gboolean if_unknown)
{
  g_autoptr (GError) error = NULL;
  DsFileStatus status;

  if (ds_file_system_get_status (files, path, &status, &error))
    return status.kind == DS_FILE_DIRECTORY || status.kind == DS_FILE_SYMLINK;
  return if_unknown && !g_error_matches (error, DS_ERROR, DS_ERROR_NOT_FOUND) &&
         !g_error_matches (error, DS_ERROR, DS_ERROR_BAD_FILE);
}

static gint
ds_directory_pattern_compare (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* (transfer full): all that @pattern matches. */
static GPtrArray *
ds_pattern_match_run (DsPatternMatch *self, const char *pattern)
{
  g_auto (GStrv) components = g_strsplit (pattern, "/", -1);
  GPtrArray *found = g_ptr_array_new_with_free_func (g_free);

  g_ptr_array_add (found, g_strdup (pattern[0] == '/' ? "/" : ""));
  for (guint i = 0; components[i] != NULL; i++)
    if (*components[i] != '\0')
      {
        GPtrArray *extended = ds_pattern_match_extend (self, found, components[i]);

        g_ptr_array_unref (found);
        found = extended;
      }
  /* Literal components may have been appended to what has none of that name.  What
   * cannot be looked at stays: whoever lists it tells why. */
  for (guint i = found->len; i > 0; i--)
    if (!ds_directory_pattern_is_there (self->files, found->pdata[i - 1], TRUE))
      g_ptr_array_remove_index (found, i - 1);
  g_ptr_array_sort (found, ds_directory_pattern_compare);
  return found;
}

GPtrArray *
ds_directory_pattern_match (DsFileSystem *files,
                            const char *pattern,
                            DsDirectoryPatternFailFunc fail,
                            gpointer user_data,
                            GError **error)
{
  DsPatternMatch match = { files, fail, user_data, NULL };
  g_autoptr (GPtrArray) found = NULL;

  /* What is not there is told by whoever lists it. */
  if (!ds_directory_pattern_is_glob (pattern) ||
      ds_directory_pattern_is_there (files, pattern, FALSE))
    {
      found = g_ptr_array_new_with_free_func (g_free);
      g_ptr_array_add (found, g_strdup (pattern));
      return g_steal_pointer (&found);
    }

  found = ds_pattern_match_run (&match, pattern);
  if (found->len > 0)
    {
      g_clear_error (&match.error);
      return g_steal_pointer (&found);
    }
  if (match.error != NULL)
    {
      g_propagate_error (error, match.error);
      return NULL;
    }

  g_autofree char *name = ds_file_display_name (pattern);

  g_set_error (error, DS_ERROR, DS_ERROR_NOT_FOUND,
               "No directory matches \"%s\"; make one, or look whether the pattern "
               "is right",
               name);
  return NULL;
}
