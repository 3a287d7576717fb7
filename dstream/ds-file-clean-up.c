/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What becomes of files that were processed, if the program asked for anything: they are
 * moved to the archive or deleted, when their batch is completed and no stream remembers
 * its RDD any more, so that windows and slices can read them until then.  Files of
 * batches that failed stay where they are.
 *
 * A file is moved under its own name, or with ".1", ".2" ... behind it: nothing in the
 * archive is ever replaced. */

#include "dstream/ds-file-input-dstream-private.h"

#include "base/ds-error.h"
#include "dstream/ds-streaming-context-private.h"

/* So many files of one name; then something is wrong. */
#define DS_ARCHIVE_MAX_SAME_NAMES 1000

static gboolean
ds_file_input_dstream_refuse_archive (DsFileInputDStream *self,
                                      const char *reason,
                                      GError **error)
{
  g_autofree char *archive = ds_file_display_name (self->archive);

  g_set_error (error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT,
               "Files cannot be archived in \"%s\": %s", archive, reason);
  return FALSE;
}

gboolean
ds_file_input_dstream_check_archive (DsFileInputDStream *self, GError **error)
{
  g_autofree char *archive = NULL;
  g_autofree char *directory = NULL;
  DsFileStatus status;

  if (self->archive == NULL)
    return TRUE;
  if (self->deletes)
    return ds_file_input_dstream_refuse_archive (
        self, "they are to be deleted, too; choose one", error);
  if (!ds_file_system_get_status (self->files, self->archive, &self->archive_status,
                                  error))
    {
      g_prefix_error (error, "Files cannot be archived: ");
      return FALSE;
    }
  if (self->archive_status.kind != DS_FILE_DIRECTORY)
    return ds_file_input_dstream_refuse_archive (self, "it is no directory; make one",
                                                 error);

  archive = g_canonicalize_filename (self->archive, NULL);
  directory = g_canonicalize_filename (self->directory, NULL);
  if (g_str_equal (archive, directory))
    return ds_file_input_dstream_refuse_archive (
        self, "they come in there; give another directory", error);
  if (ds_file_system_get_status (self->files, self->directory, &status, NULL) &&
      status.kind == DS_FILE_DIRECTORY && status.device != self->archive_status.device)
    return ds_file_input_dstream_refuse_archive (
        self,
        "it lies on another file system than the files, and moving would not be all or "
        "nothing; give a directory on theirs",
        error);
  self->rules.excluded = &self->archive_status;
  return TRUE;
}

static gboolean
ds_file_input_dstream_archive (DsFileInputDStream *self,
                               const DsPlannedFile *file,
                               GError **error)
{
  g_autofree char *name = g_path_get_basename (file->path);
  g_autofree char *path = g_build_filename (self->archive, name, NULL);

  for (guint i = 1;; i++)
    {
      g_autoptr (GError) local_error = NULL;

      if (ds_file_system_move (file->file_system, file->path, path, &local_error))
        return TRUE;
      if (!g_error_matches (local_error, DS_ERROR, DS_ERROR_BAD_FILE) ||
          i == DS_ARCHIVE_MAX_SAME_NAMES)
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          return FALSE;
        }
      g_free (path);
      path = g_strdup_printf ("%s/%s.%u", self->archive, name, i);
    }
}

/* FALSE with an error; a file that is another one by now is left alone. */
static gboolean
ds_file_input_dstream_clean_up_file (DsFileInputDStream *self,
                                     const DsPlannedFile *file,
                                     GError **error)
{
  DsFileStatus now;
  g_autoptr (GError) local_error = NULL;

  if (!ds_file_system_get_status (file->file_system, file->path, &now, &local_error))
    {
      /* Somebody else has moved it. */
      if (g_error_matches (local_error, DS_ERROR, DS_ERROR_NOT_FOUND))
        return TRUE;
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }
  if (!ds_file_status_equal (&now, &file->status))
    return TRUE;
  if (self->archive != NULL)
    return ds_file_input_dstream_archive (self, file, error);
  return ds_file_system_remove (file->file_system, file->path, error);
}

void
ds_file_input_dstream_clean_up (DsFileInputDStream *self, GPtrArray *files)
{
  if (self->archive == NULL && !self->deletes)
    return;
  for (guint i = 0; i < files->len; i++)
    {
      g_autoptr (GError) error = NULL;

      if (ds_file_input_dstream_clean_up_file (self, files->pdata[i], &error) ||
          g_atomic_int_exchange (&self->has_told_of_clean_up, TRUE))
        continue;
      g_message ("%s: a file that was processed stays: %s; this is said once",
                 ds_dstream_describe (DS_DSTREAM (self)), error->message);
    }
}
