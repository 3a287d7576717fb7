/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A file as one pair: its path and its content.  For formats that a program reads by
 * itself and that are not large. */

#include "rdd/ds-file-read-private.h"

#include "base/ds-error.h"
#include "rdd/ds-task-private.h"

/* FALSE: the task failed, or the file was skipped. */
static gboolean
ds_file_whole_fill (DsFileReader *self, DsFileBuffer *buffer)
{
  gsize max_bytes = ds_file_format_get_max_record_bytes (self->format);
  gsize n_wanted = (gsize) MIN (self->split->file->status.n_bytes, max_bytes);
  gboolean at_end = FALSE;

  ds_file_buffer_init (buffer, self->task, n_wanted + 1);
  while (!at_end && buffer->n_filled <= max_bytes)
    {
      /* A byte more than is there, so that the end shows. */
      gsize n_piece = buffer->n_filled <= n_wanted ? n_wanted + 1 - buffer->n_filled
                                                   : buffer->n_filled;

      if (!ds_task_may_go_on (self->task) ||
          !ds_file_buffer_fill (buffer, &self->source, n_piece, &at_end))
        return FALSE;
    }
  if (buffer->n_filled > max_bytes)
    {
      g_autofree char *name = ds_file_display_name (self->split->file->path);
      GError *reason =
          g_error_new (DS_ERROR, DS_ERROR_LIMIT,
                       "\"%s\" has more than %" G_GSIZE_FORMAT
                       " bytes, which is the limit for a value: read it as lines, "
                       "as records, or with a parse function",
                       name, max_bytes);

      if (self->format->policy == DS_FILE_ON_BAD_SKIP_FILE)
        ds_file_reader_pass_over (self, reason);
      else
        ds_file_reader_take_bad_record (self, reason);
      return FALSE;
    }
  return TRUE;
}

void
ds_file_read_whole (DsFileReader *self)
{
  const char *path = self->split->file->path;
  DsFileBuffer buffer = { 0 };

  if (ds_file_whole_fill (self, &buffer))
    {
      DsValue name = ds_value_string (path);
      DsValue content =
          self->format->kind == DS_FILE_FORMAT_WHOLE_TEXT
              ? ds_value_string_sized (buffer.bytes, (guint32) buffer.n_filled)
              : ds_value_bytes (buffer.bytes, (guint32) buffer.n_filled);
      DsChunk chunk = {
        .form = DS_FORM_PAIRS, .n_values = 1, .values = &name, .pair_values = &content
      };

      ds_file_reader_note (self, ds_sink_push (self->sink, &chunk));
    }
  ds_file_buffer_clear (&buffer);
}
