/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What becomes of files that were processed, if the program asked for anything: they are
 * moved to the archive or deleted, when their batch is completed and no stream remembers
 * its RDD any more, so that windows and slices can read them until then.  Files of
 * batches that failed stay where they are.
 *
 * What is another file by now was not read, and is left alone. */

#include "dstream/ds-file-input-dstream-private.h"

#include "base/ds-error.h"
#include "dstream/ds-streaming-context-private.h"

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

static void
ds_file_input_dstream_fail_to_clean_up (const DsPlannedFile *file,
                                        const GError *error,
                                        gpointer user_data)
{
  DsFileInputDStream *self = user_data;

  if (!g_atomic_int_exchange (&self->has_told_of_clean_up, TRUE))
    g_message ("%s: a file that was processed stays: %s; this is said once",
               ds_dstream_describe (DS_DSTREAM (self)), error->message);
}

void
ds_file_input_dstream_clean_up (DsFileInputDStream *self, GPtrArray *files)
{
  if (self->archive != NULL || self->deletes)
    ds_file_system_clean_up (self->files, files, self->archive,
                             ds_file_input_dstream_fail_to_clean_up, self);
}

void
ds_file_input_dstream_restore (DsFileInputDStream *self, GPtrArray *asides)
{
  for (guint i = 0; i < asides->len; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *name = ds_file_display_name (asides->pdata[i]);
      guint n_files = ds_file_system_restore (self->files, asides->pdata[i], &error);

      if (n_files > 0)
        g_message ("%s: a process ended while it archived or deleted files; %u that it "
                   "had set aside in \"%s\" %s where %s before",
                   ds_dstream_describe (DS_DSTREAM (self)), n_files, name,
                   n_files == 1 ? "is again" : "are again",
                   n_files == 1 ? "it was" : "they were");
      if (error != NULL && !g_atomic_int_exchange (&self->has_told_of_clean_up, TRUE))
        g_message (
            "%s: files that were set aside by a process that ended stay hidden: %s; "
            "move them back by hand; this is said once",
            ds_dstream_describe (DS_DSTREAM (self)), error->message);
    }
}
