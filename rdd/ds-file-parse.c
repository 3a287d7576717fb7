/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a function of the program makes of the bytes of a file: it is given a piece, emits
 * the values that are whole in it, and gets the rest again with the next piece behind. */

#include "rdd/ds-file-read-private.h"

#include "base/ds-error.h"
#include "rdd/ds-task-private.h"

typedef struct
{
  DsFileReader *reader;
  DsFileBuffer buffer;
  DsEmitter *emitter;
  gboolean at_end;
} DsFileParser;

static guint64
ds_file_parser_get_offset (DsFileParser *self)
{
  return self->reader->source.position - self->buffer.n_filled;
}

static void
ds_file_parser_fail_taken (DsFileParser *self, gsize n_taken)
{
  g_autofree char *name = ds_file_display_name (self->reader->split->file->path);

  ds_task_take_error (self->reader->task,
                      g_error_new (DS_ERROR, DS_ERROR_USER_FUNCTION,
                                   "The parse function says that it took %" G_GSIZE_FORMAT
                                   " bytes of \"%s\" at offset %" G_GUINT64_FORMAT
                                   ", but it was given %" G_GSIZE_FORMAT
                                   "; it must return how many of those it is done with",
                                   n_taken, name, ds_file_parser_get_offset (self),
                                   self->buffer.n_filled));
}

/* Says where the bytes of a failed call come from. */
static void
ds_file_parser_name_bytes (DsFileParser *self)
{
  g_autofree char *name = ds_file_display_name (self->reader->split->file->path);

  g_prefix_error (&self->reader->task->error,
                  "\"%s\", bytes from offset %" G_GUINT64_FORMAT " on: ", name,
                  ds_file_parser_get_offset (self));
}

/* One call.  FALSE: enough, or the task failed. */
static gboolean
ds_file_parser_call (DsFileParser *self, gsize *n_taken)
{
  const DsFileFormat *format = self->reader->format;
  DsTask *task = self->reader->task;
  DsTaskFrame frame = ds_task_enter (task, ds_rdd_get_operator_name (self->reader->rdd),
                                     self->emitter->arena, self->emitter);

  *n_taken = format->parse ((const guint8 *) self->buffer.bytes, self->buffer.n_filled,
                            self->at_end, task, format->parse_data);
  ds_task_leave (task, &frame);
  if (task->error != NULL)
    ds_file_parser_name_bytes (self);
  if (task->error == NULL && *n_taken > self->buffer.n_filled)
    ds_file_parser_fail_taken (self, *n_taken);
  /* What was emitted may point into the buffer. */
  if (task->error != NULL ||
      !ds_file_reader_note (self->reader, ds_emitter_flush_and_reset (self->emitter)))
    return FALSE;
  ds_file_buffer_drop (&self->buffer, *n_taken);
  return ds_task_may_go_on (task);
}

/* What is left is no value.  FALSE: the task failed. */
static gboolean
ds_file_parser_take_rest (DsFileParser *self, DsError code, const char *reason)
{
  g_autofree char *name = ds_file_display_name (self->reader->split->file->path);

  return ds_file_reader_take_bad_record (
      self->reader, g_error_new (DS_ERROR, code,
                                 "\"%s\" cannot be parsed from offset %" G_GUINT64_FORMAT
                                 " on: %s (%" G_GSIZE_FORMAT
                                 " bytes); check the file and the parse function",
                                 name, ds_file_parser_get_offset (self), reason,
                                 self->buffer.n_filled));
}

static void
ds_file_parser_run (DsFileParser *self)
{
  gsize max_bytes = ds_file_format_get_max_record_bytes (self->reader->format);

  while (!self->at_end)
    {
      gsize n_taken = 0;

      /* As much again as is left over, so that a large value is not looked at for each
       * piece of it. */
      if (!ds_file_buffer_fill (&self->buffer, &self->reader->source,
                                MAX (DS_FILE_PIECE_BYTES, self->buffer.n_filled),
                                &self->at_end))
        return;
      if (self->buffer.n_filled == 0)
        return;
      do
        if (!ds_file_parser_call (self, &n_taken))
          return;
      while (n_taken > 0 && self->buffer.n_filled > 0 &&
             (self->at_end || self->buffer.n_filled >= DS_FILE_PIECE_BYTES));

      if (!self->at_end && self->buffer.n_filled > max_bytes)
        {
          ds_file_parser_take_rest (self, DS_ERROR_LIMIT,
                                    "the function took nothing of more bytes than the "
                                    "limit for a record");
          return;
        }
    }
  if (self->buffer.n_filled > 0)
    ds_file_parser_take_rest (self, DS_ERROR_BAD_FILE,
                              "the function left bytes at the end of the file");
}

void
ds_file_read_parse (DsFileReader *reader)
{
  DsFileParser self = { .reader = reader };

  ds_file_buffer_init (&self.buffer, reader->task, 2 * DS_FILE_PIECE_BYTES);
  self.emitter = ds_emitter_new (ds_task_get_arena_pool (reader->task), reader->sink);
  ds_file_parser_run (&self);
  ds_emitter_free (self.emitter);
  ds_file_buffer_clear (&self.buffer);
}
