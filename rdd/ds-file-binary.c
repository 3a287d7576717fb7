/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Records of a fixed length: the values are slices of the buffer that the file is read
 * into, so what a record costs here is writing down where it lies.
 *
 * Splits lie between records.  What is too much at the end of a file was found out when
 * it was planned, but for a packed file, whose length nobody knows before its end. */

#include "rdd/ds-file-read-private.h"

#include "base/ds-error.h"
#include "rdd/ds-task-private.h"

/* FALSE: enough, or the task failed. */
static gboolean
ds_file_binary_push (DsFileReader *self, const char *bytes, gsize n_records)
{
  guint32 length = (guint32) self->format->record_length;
  DsValue records[DS_CHUNK_MAX_VALUES];
  DsChunk chunk = { .form = DS_FORM_VALUES, .values = records };

  for (gsize i = 0; i < n_records; i += chunk.n_values)
    {
      chunk.n_values = MIN (n_records - i, DS_CHUNK_MAX_VALUES);
      for (gsize j = 0; j < chunk.n_values; j++, bytes += length)
        records[j] = ds_value_bytes (bytes, length);
      if (!ds_task_may_go_on (self->task) ||
          !ds_file_reader_note (self, ds_sink_push (self->sink, &chunk)))
        return FALSE;
    }
  return TRUE;
}

void
ds_file_set_remainder_error (GError **error,
                             const DsPlannedFile *file,
                             guint64 n_bytes,
                             gsize record_length)
{
  g_autofree char *name = ds_file_display_name (file->path);

  g_set_error (error, DS_ERROR, DS_ERROR_BAD_RECORD_LENGTH,
               "\"%s\" does not divide into records: it has %" G_GUINT64_FORMAT
               " bytes, which is %" G_GUINT64_FORMAT " records of %" G_GSIZE_FORMAT
               " bytes and %" G_GUINT64_FORMAT " bytes more, at offset %" G_GUINT64_FORMAT
               "; check the record length, or let the remainder or the file be skipped",
               name, n_bytes, n_bytes / record_length, record_length,
               n_bytes % record_length, n_bytes - n_bytes % record_length);
}

static void
ds_file_binary_take_remainder (DsFileReader *self, guint64 n_bytes)
{
  GError *error = NULL;

  ds_file_set_remainder_error (&error, self->split->file, n_bytes,
                               self->format->record_length);
  ds_file_reader_take_bad_record (self, error);
}

static void
ds_file_binary_push_records (DsFileReader *self, DsFileBuffer *buffer, guint64 end)
{
  gsize length = self->format->record_length;
  gsize n_piece = MAX (length, DS_FILE_PIECE_BYTES / length * length);
  gboolean at_end = FALSE;

  while (!at_end && self->source.position < end)
    {
      gsize n_wanted = (gsize) MIN (n_piece, end - self->source.position);

      if (!ds_file_buffer_fill (buffer, &self->source, n_wanted, &at_end) ||
          !ds_file_binary_push (self, buffer->bytes, buffer->n_filled / length))
        return;
      buffer->n_filled %= length; /* at the end only */
    }
  if (end == G_MAXUINT64 && buffer->n_filled > 0)
    ds_file_binary_take_remainder (self, self->source.position);
}

/* Whether a packed file divides into records: unpacks it once more, since a file that is
 * to be passed over must not have given half of its records.  FALSE: the task failed. */
static gboolean
ds_file_binary_check_packed (DsFileReader *self, DsFileBuffer *buffer, gboolean *divides)
{
  gsize length = self->format->record_length;
  gboolean at_end = FALSE;
  GError *reason = NULL;

  while (!at_end)
    {
      buffer->n_filled = 0;
      if (!ds_task_may_go_on (self->task) ||
          !ds_file_buffer_fill (buffer, &self->source, buffer->n_allocated, &at_end))
        return FALSE;
    }
  buffer->n_filled = 0;
  *divides = self->source.position % length == 0;
  if (!*divides)
    {
      ds_file_set_remainder_error (&reason, self->split->file, self->source.position,
                                   length);
      ds_file_reader_pass_over (self, reason);
    }
  ds_file_source_rewind (&self->source);
  return TRUE;
}

void
ds_file_read_binary (DsFileReader *self)
{
  const DsFileSplit *split = self->split;
  guint64 n_bytes = split->file->status.n_bytes;
  gboolean is_packed = ds_file_is_gzip (split->file);
  gsize length = self->format->record_length;
  gboolean divides = TRUE;
  DsFileBuffer buffer;

  ds_file_buffer_init (&buffer, self->task,
                       MAX (length, DS_FILE_PIECE_BYTES / length * length));
  if (!is_packed)
    ds_file_binary_push_records (self, &buffer, split->end);
  else if (self->format->policy != DS_FILE_ON_BAD_SKIP_FILE ||
           (ds_file_binary_check_packed (self, &buffer, &divides) && divides))
    ds_file_binary_push_records (self, &buffer, G_MAXUINT64);
  ds_file_buffer_clear (&buffer);

  /* The last split of the file drops what is behind it. */
  if (!is_packed && split->is_last && n_bytes % length > 0 && !self->has_enough &&
      self->task->error == NULL)
    ds_file_binary_take_remainder (self, n_bytes);
}
