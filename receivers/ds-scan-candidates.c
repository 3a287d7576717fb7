/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A directory may hold far more files than a batch has room for.  So they stand in one
 * array, with their paths one behind the other in another, and those beyond the limits
 * are dropped in portions: memory for twice a batch is enough, and none is allocated for
 * a file. */

#include "receivers/ds-scan-candidates-private.h"

#include <string.h>

/* Candidates beyond a limit that are let come before they are dropped. */
#define DS_SCAN_TRIM_SLACK 1024

void
ds_scan_candidates_init (DsScanCandidates *self, guint max_files, guint64 max_bytes)
{
  *self =
      (DsScanCandidates){ .max_files = max_files,
                          .max_bytes = max_bytes,
                          .files = g_array_new (FALSE, FALSE, sizeof (DsScanCandidate)),
                          .paths = g_string_new (NULL),
                          .max_modified_ns = G_MAXINT64 };
  if (max_files > 0 || max_bytes > 0)
    self->trim_length = 2 * (gsize) max_files + DS_SCAN_TRIM_SLACK;
}

void
ds_scan_candidates_clear (DsScanCandidates *self)
{
  g_clear_pointer (&self->files, g_array_unref);
  if (self->paths != NULL)
    g_string_free (self->paths, TRUE);
  self->paths = NULL;
}

static gint
ds_scan_candidates_compare (gconstpointer a, gconstpointer b, gpointer user_data)
{
  const DsScanCandidates *self = user_data;
  const DsScanCandidate *file_a = a;
  const DsScanCandidate *file_b = b;

  if (file_a->status.modified_ns != file_b->status.modified_ns)
    return file_a->status.modified_ns < file_b->status.modified_ns ? -1 : 1;
  return strcmp (ds_scan_candidates_get_path (self, file_a),
                 ds_scan_candidates_get_path (self, file_b));
}

/* How many of the sorted files have room. */
static guint
ds_scan_candidates_count_room (const DsScanCandidates *self)
{
  guint64 n_bytes = 0;
  guint n_kept = 0;

  while (n_kept < self->files->len && (self->max_files == 0 || n_kept < self->max_files))
    {
      const DsScanCandidate *file = ds_scan_candidates_get (self, n_kept);

      if (self->max_bytes > 0 && n_kept > 0 &&
          (file->status.n_bytes > self->max_bytes ||
           n_bytes > self->max_bytes - file->status.n_bytes))
        break;
      n_bytes += file->status.n_bytes;
      n_kept++;
    }
  return n_kept;
}

/* Only the paths of what is left. */
static void
ds_scan_candidates_compact (DsScanCandidates *self)
{
  GString *paths = g_string_sized_new (self->paths->len / 2);

  for (guint i = 0; i < self->files->len; i++)
    {
      DsScanCandidate *file = &g_array_index (self->files, DsScanCandidate, i);
      const char *path = ds_scan_candidates_get_path (self, file);

      file->path_offset = paths->len;
      g_string_append_len (paths, path, (gssize) strlen (path) + 1);
    }
  g_string_free (self->paths, TRUE);
  self->paths = paths;
}

void
ds_scan_candidates_trim (DsScanCandidates *self)
{
  guint n_kept;

  g_array_sort_with_data (self->files, ds_scan_candidates_compare, self);
  n_kept = ds_scan_candidates_count_room (self);
  if (n_kept == self->files->len)
    return;
  self->max_modified_ns = ds_scan_candidates_get (self, n_kept)->status.modified_ns;
  self->n_dropped += self->files->len - n_kept;
  g_array_set_size (self->files, n_kept);
  ds_scan_candidates_compact (self);
}

void
ds_scan_candidates_add (DsScanCandidates *self,
                        const char *directory,
                        const char *name,
                        const DsFileStatus *status)
{
  DsScanCandidate file = { *status, self->paths->len };
  gsize n_directory = strlen (directory);

  if (status->modified_ns > self->max_modified_ns)
    {
      self->n_dropped++;
      return;
    }
  while (n_directory > 0 && directory[n_directory - 1] == '/')
    n_directory--;
  g_string_append_len (self->paths, directory, (gssize) n_directory);
  if (*directory != '\0')
    g_string_append_c (self->paths, '/');
  g_string_append_len (self->paths, name, (gssize) strlen (name) + 1);
  g_array_append_val (self->files, file);
  if (self->trim_length > 0 && self->files->len >= self->trim_length)
    {
      ds_scan_candidates_trim (self);
      self->trim_length = 2 * (gsize) self->files->len + DS_SCAN_TRIM_SLACK;
    }
}
