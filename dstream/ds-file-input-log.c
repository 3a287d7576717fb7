/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is said of scans: in a sentence, for explanations, of each; in the log of what the
 * one who runs the program should see without asking, and then once. */

#include "dstream/ds-file-input-dstream-private.h"
#include "dstream/ds-streaming-context-private.h"

char *
ds_file_input_dstream_describe_scan (DsFileInputDStream *self,
                                     const DsDirectoryScan *scan)
{
  g_autofree char *directory = ds_file_display_name (self->directory);
  GString *text = g_string_new (NULL);

  if (scan->error != NULL && scan->n_directories == 0)
    g_string_append (text, scan->error->message);
  else if (scan->n_listed == 0)
    g_string_append_printf (text, "\"%s\" is empty", directory);
  else
    g_string_append_printf (text,
                            "\"%s\" had %" G_GUINT64_FORMAT " entr%s, %u of them taken",
                            directory, scan->n_listed, scan->n_listed == 1 ? "y" : "ies",
                            scan->files->len);
  if (scan->n_taken > 0)
    g_string_append_printf (text, ", %" G_GUINT64_FORMAT " by earlier batches",
                            scan->n_taken);
  if (scan->n_settling > 0)
    g_string_append_printf (text,
                            ", %" G_GUINT64_FORMAT
                            " not yet unchanged for the settle time",
                            scan->n_settling);
  if (scan->n_left > 0)
    g_string_append_printf (text,
                            ", %" G_GUINT64_FORMAT
                            " left for later batches by the limits",
                            scan->n_left);
  if (scan->n_early > 0)
    g_string_append_printf (text, ", %" G_GUINT64_FORMAT " modified after the batch time",
                            scan->n_early);
  if (scan->n_passed_over > 0)
    g_string_append_printf (text, ", %" G_GUINT64_FORMAT " passed over",
                            scan->n_passed_over);
  if (scan->example_path != NULL)
    {
      g_autofree char *path = ds_file_display_name (scan->example_path);

      g_string_append_printf (text, "; not \"%s\": %s", path, scan->example_reason);
    }
  return g_string_free (text, FALSE);
}

/* Once: whoever appends to files does so again and again.  Where files go when they were
 * read, new ones come under their names. */
static void
ds_file_input_dstream_log_again (DsFileInputDStream *self, const char *path)
{
  g_autofree char *name = ds_file_display_name (path);

  if (self->has_told_of_again || self->archive != NULL || self->deletes)
    return;
  self->has_told_of_again = TRUE;
  g_message ("%s: \"%s\" was read by an earlier batch and has been written to since, so "
             "all of it is read again, and what was in it before counts twice; write new "
             "data to new files and move them here when they are whole, or wait for "
             "writers with set_settle_time; this is said once",
             ds_dstream_describe (DS_DSTREAM (self)), name);
}

void
ds_file_input_dstream_log_scan (DsFileInputDStream *self,
                                const DsDirectoryScan *scan,
                                DsDuration duration)
{
  DsStreamingContext *context = ds_dstream_get_node (DS_DSTREAM (self))->context;
  const char *error = scan->error != NULL ? scan->error->message : NULL;
  const char *stream = ds_dstream_describe (DS_DSTREAM (self));

  if (error != NULL && g_strcmp0 (error, self->shown_error) != 0)
    g_message ("%s: %s; it is tried again with each batch", stream, error);
  else if (error == NULL && self->shown_error != NULL)
    g_message ("%s: \"%s\" is listed again", stream, self->directory);
  g_free (self->shown_error);
  self->shown_error = g_strdup (error);

  if (scan->again_path != NULL)
    ds_file_input_dstream_log_again (self, scan->again_path);
  if (scan->n_surprises > 0)
    {
      g_autofree char *path = ds_file_display_name (scan->example_path);

      g_message ("%s: %" G_GUINT64_FORMAT " newly passed over, as \"%s\": %s", stream,
                 scan->n_surprises, path, scan->example_reason);
    }
  if (duration > context->interval && !self->is_slow)
    g_message ("%s: listing \"%s\" took %.3f s, longer than a batch of %.3f s; archive "
               "or delete old files, or make batches longer",
               stream, self->directory, (double) duration / DS_SECOND,
               (double) context->interval / DS_SECOND);
  self->is_slow = duration > context->interval;
}
