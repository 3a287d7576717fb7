/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A directory may hold far more files than a batch has room for.  So they stand in one
 * array, with their names one behind the other in another, and those beyond the limits
 * are dropped in portions: memory for twice a batch is enough, and none is allocated for
 * a file.
 *
 * Which of them have room takes no sorting: as in quicksort they are divided into older
 * and newer ones, but only the part in which the limit lies is divided further.  What is
 * left in the end is sorted. */

#include "receivers/ds-scan-candidates-private.h"

#include <string.h>

/* Candidates beyond a limit that are let come before they are dropped. */
#define DS_SCAN_TRIM_SLACK 1024

void
ds_scan_candidates_init (DsScanCandidates *self,
                         guint max_files,
                         guint64 max_bytes,
                         guint64 max_plan_bytes)
{
  *self =
      (DsScanCandidates){ .max_files = max_files,
                          .max_bytes = max_bytes,
                          .max_plan_bytes = max_plan_bytes,
                          .files = g_array_new (FALSE, FALSE, sizeof (DsScanCandidate)),
                          .texts = g_string_new (NULL),
                          .directory_offset = G_MAXSIZE };
  if (max_files > 0 || max_bytes > 0)
    self->trim_length = 2 * (gsize) max_files + DS_SCAN_TRIM_SLACK;
}

void
ds_scan_candidates_clear (DsScanCandidates *self)
{
  g_clear_pointer (&self->files, g_array_unref);
  if (self->texts != NULL)
    g_string_free (self->texts, TRUE);
  self->texts = NULL;
}

/* ---- Order ---- */

char *
ds_scan_candidates_get_path (const DsScanCandidates *self, const DsScanCandidate *file)
{
  return g_build_filename (self->texts->str + file->directory_offset,
                           self->texts->str + file->name_offset, NULL);
}

static int
ds_scan_candidates_compare_paths (const DsScanCandidates *self,
                                  const DsScanCandidate *a,
                                  const DsScanCandidate *b)
{
  g_autofree char *path_a = NULL;
  g_autofree char *path_b = NULL;

  if (a->directory_offset == b->directory_offset)
    return strcmp (self->texts->str + a->name_offset, self->texts->str + b->name_offset);
  path_a = ds_scan_candidates_get_path (self, a);
  path_b = ds_scan_candidates_get_path (self, b);
  return strcmp (path_a, path_b);
}

static gint
ds_scan_candidates_compare (gconstpointer a, gconstpointer b, gpointer user_data)
{
  const DsScanCandidate *file_a = a;
  const DsScanCandidate *file_b = b;

  if (file_a->status.modified_ns != file_b->status.modified_ns)
    return file_a->status.modified_ns < file_b->status.modified_ns ? -1 : 1;
  return ds_scan_candidates_compare_paths (user_data, file_a, file_b);
}

/* ---- Room ---- */

/* What the files up to some place take of the limits. */
typedef struct
{
  guint64 n_bytes;
  guint64 n_plan_bytes;
} DsScanRoom;

/* Sizes are whatever the file system says.  FALSE: no number is that large. */
static gboolean
ds_scan_room_add (DsScanRoom *self,
                  const DsScanCandidates *candidates,
                  const DsScanCandidate *file)
{
  const char *texts = candidates->texts->str;

  /* Reading the names is what costs. */
  if (candidates->max_plan_bytes > 0)
    self->n_plan_bytes += strlen (texts + file->directory_offset) +
                          strlen (texts + file->name_offset) + DS_SCAN_PLAN_BYTES;
  return g_uint64_checked_add (&self->n_bytes, self->n_bytes, file->status.n_bytes) ||
         candidates->max_bytes == 0;
}

/* Whether there is room for all of [begin, end), too, where @room is what those before
 * @begin take, and afterwards those before @end. */
static gboolean
ds_scan_candidates_has_room (const DsScanCandidates *self,
                             guint begin,
                             guint end,
                             DsScanRoom *room)
{
  DsScanRoom all = *room;

  if (self->max_files > 0 && end > self->max_files)
    return FALSE;
  if (self->max_bytes == 0 && self->max_plan_bytes == 0)
    return TRUE;
  for (guint i = begin; i < end; i++)
    if (!ds_scan_room_add (&all, self, ds_scan_candidates_get (self, i)))
      return FALSE;
  /* The oldest file has room whatever its size. */
  if (end > 1 && ((self->max_bytes > 0 && all.n_bytes > self->max_bytes) ||
                  (self->max_plan_bytes > 0 && all.n_plan_bytes > self->max_plan_bytes)))
    return FALSE;
  *room = all;
  return TRUE;
}

/* Moves those of [begin, end) that are not after one of them to the front: how many they
 * are, at least one and not all, unless there is only one. */
static guint
ds_scan_candidates_divide (DsScanCandidates *self, guint begin, guint end)
{
  DsScanCandidate *files = &g_array_index (self->files, DsScanCandidate, 0);
  /* Any of them: who writes the files does not know which. */
  guint middle = begin + g_random_int () % (end - begin);
  DsScanCandidate pivot = files[middle];
  guint first = begin;
  guint last = end - 1;

  files[middle] = files[begin];
  files[begin] = pivot;
  for (;;)
    {
      while (ds_scan_candidates_compare (&files[first], &pivot, self) < 0)
        first++;
      while (ds_scan_candidates_compare (&files[last], &pivot, self) > 0)
        last--;
      if (first >= last)
        return last + 1 - begin;

      DsScanCandidate other = files[first];

      files[first++] = files[last];
      files[last--] = other;
    }
}

/* Moves the files that have room to the front, in any order: how many they are. */
static guint
ds_scan_candidates_select (DsScanCandidates *self)
{
  DsScanRoom room = { 0 };
  guint begin = 0;
  guint end = self->files->len;

  while (begin < end)
    {
      guint n = end - begin > 1 ? ds_scan_candidates_divide (self, begin, end) : 1;

      if (ds_scan_candidates_has_room (self, begin, begin + n, &room))
        begin += n;
      else if (n > 1)
        end = begin + n;
      else
        break;
    }
  return begin;
}

/* ---- Dropping ---- */

/* Where @text now lies among the texts. */
static gsize
ds_scan_candidates_add_text (DsScanCandidates *self, const char *text)
{
  gsize offset = self->texts->len;

  g_string_append_len (self->texts, text, (gssize) strlen (text) + 1);
  return offset;
}

static gsize
ds_scan_candidates_add_directory (DsScanCandidates *self, const char *directory)
{
  if (self->directory_offset == G_MAXSIZE ||
      strcmp (self->texts->str + self->directory_offset, directory) != 0)
    self->directory_offset = ds_scan_candidates_add_text (self, directory);
  return self->directory_offset;
}

static void
ds_scan_candidates_copy_texts (DsScanCandidates *self,
                               DsScanCandidate *file,
                               const GString *old)
{
  file->directory_offset =
      ds_scan_candidates_add_directory (self, old->str + file->directory_offset);
  file->name_offset = ds_scan_candidates_add_text (self, old->str + file->name_offset);
}

/* Only the texts of what is left. */
static void
ds_scan_candidates_compact (DsScanCandidates *self)
{
  GString *old = self->texts;

  self->texts = g_string_sized_new (old->len / 2);
  self->directory_offset = G_MAXSIZE;
  for (guint i = 0; i < self->files->len; i++)
    ds_scan_candidates_copy_texts (self, &g_array_index (self->files, DsScanCandidate, i),
                                   old);
  ds_scan_candidates_copy_texts (self, &self->first_dropped, old);
  g_string_free (old, TRUE);
}

/* Keeps what has room, in any order. */
static void
ds_scan_candidates_drop (DsScanCandidates *self)
{
  guint n_kept = ds_scan_candidates_select (self);

  if (n_kept == self->files->len)
    return;
  self->has_dropped = TRUE;
  self->first_dropped = *ds_scan_candidates_get (self, n_kept);
  for (guint i = n_kept + 1; i < self->files->len; i++)
    if (ds_scan_candidates_compare (ds_scan_candidates_get (self, i),
                                    &self->first_dropped, self) < 0)
      self->first_dropped = *ds_scan_candidates_get (self, i);
  self->n_dropped += self->files->len - n_kept;
  g_array_set_size (self->files, n_kept);
  ds_scan_candidates_compact (self);
}

void
ds_scan_candidates_trim (DsScanCandidates *self)
{
  ds_scan_candidates_drop (self);
  g_array_sort_with_data (self->files, ds_scan_candidates_compare, self);
}

void
ds_scan_candidates_add (DsScanCandidates *self,
                        const char *directory,
                        const char *name,
                        const DsFileStatus *status,
                        guint index)
{
  DsScanCandidate file = { .status = *status, .index = index };

  /* What comes after one that had no room has none, either. */
  if (self->has_dropped && status->modified_ns > self->first_dropped.status.modified_ns)
    {
      self->n_dropped++;
      return;
    }
  file.directory_offset = ds_scan_candidates_add_directory (self, directory);
  file.name_offset = ds_scan_candidates_add_text (self, name);
  if (self->has_dropped &&
      ds_scan_candidates_compare (&file, &self->first_dropped, self) > 0)
    {
      g_string_truncate (self->texts, file.name_offset);
      self->n_dropped++;
      return;
    }
  g_array_append_val (self->files, file);
  if (self->trim_length > 0 && self->files->len >= self->trim_length)
    {
      ds_scan_candidates_drop (self);
      self->trim_length = 2 * (gsize) self->files->len + DS_SCAN_TRIM_SLACK;
    }
}
