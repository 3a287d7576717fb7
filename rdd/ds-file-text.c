/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The lines of a split of a text file.
 *
 * A split owns the lines that begin in its bytes, so it starts behind the first line end
 * at or after the byte before its begin, and ends with the first line end at or after its
 * last byte.  Bytes are read in pieces into one buffer, whose whole lines are pushed as
 * text before the next piece is read: the memory of a partition is that buffer, and it
 * stays in cache.
 *
 * Lines are cut further on, so that none is too long is seen from afar: where there is a
 * line end among the last bytes of every stretch as long as the limit. */

#include "rdd/ds-file-read-private.h"

#include "base/ds-error.h"
#include "base/ds-splitter-private.h"
#include "rdd/ds-task-private.h"

#include <string.h>

/* What is read of the next split to find the end of a line. */
#define DS_FILE_TEXT_TAIL_BYTES (16 * 1024)

typedef struct
{
  DsFileReader *reader;
  DsFileBuffer buffer;
  gsize n_scanned; /* there is no line end in these first bytes */
  gsize max_line_bytes;
  guint64 begin;
  guint64 end; /* G_MAXUINT64: that of the file */
  gboolean at_end;
  gboolean is_skipping; /* the buffer begins within a line that is dropped */
} DsFileTextReader;

/* Where in the file, or what it unpacks to, the buffer begins. */
static guint64
ds_file_text_reader_get_offset (DsFileTextReader *self)
{
  return self->reader->source.position - self->buffer.n_filled;
}

static gboolean
ds_file_text_reader_push_text (DsFileTextReader *self, gsize begin, gsize end)
{
  DsSink *sink = self->reader->sink;
  const char *text = self->buffer.bytes + begin;
  gsize n_bytes = end - begin;

  if (!ds_file_reader_note (self->reader,
                            ds_sink_push_text (sink, text, n_bytes, TRUE, NULL)))
    return FALSE;
  /* A sink that takes no text has counted them one by one. */
  if (self->reader->format->counts_lines && (sink->accepts & DS_ACCEPTS_TEXT))
    sink->n_values_in += ds_count_lines (text, n_bytes);
  return TRUE;
}

/* ---- Lines past the limit ---- */

/* TRUE: the line at @begin is to be dropped. */
static gboolean
ds_file_text_reader_skip_line (DsFileTextReader *self, gsize begin)
{
  g_autofree char *name = ds_file_display_name (self->reader->split->file->path);

  return ds_file_reader_take_bad_record (
      self->reader,
      g_error_new (
          DS_ERROR, DS_ERROR_LIMIT,
          "\"%s\" has a line of more than %" G_GSIZE_FORMAT
          " bytes, which is the limit, at offset %" G_GUINT64_FORMAT
          ": is it a text file?  Raise the limit, or let such lines be skipped or split",
          name, self->max_line_bytes, ds_file_text_reader_get_offset (self) + begin));
}

/* Pieces of [begin, end), none of which has a line end. */
static gboolean
ds_file_text_reader_push_pieces (DsFileTextReader *self, gsize begin, gsize end)
{
  while (end - begin > self->max_line_bytes)
    {
      if (!ds_file_text_reader_push_text (self, begin, begin + self->max_line_bytes))
        return FALSE;
      begin += self->max_line_bytes;
    }
  return ds_file_text_reader_push_text (self, begin, end);
}

static gboolean
ds_file_text_reader_push_long_line (DsFileTextReader *self, gsize begin, gsize end)
{
  if (self->reader->format->policy == DS_FILE_ON_BAD_SPLIT)
    return ds_file_text_reader_push_pieces (self, begin, end);
  return ds_file_text_reader_skip_line (self, begin);
}

/* The same for the line that fills the buffer and whose end has not been read.  There are
 * two bytes more than the limit, so that it is too long even if \r\n comes next. */
static gboolean
ds_file_text_reader_take_unended_line (DsFileTextReader *self)
{
  gsize n_pushed = 0;

  if (self->reader->format->policy != DS_FILE_ON_BAD_SPLIT)
    {
      if (!ds_file_text_reader_skip_line (self, 0))
        return FALSE;
      self->is_skipping = TRUE;
      n_pushed = self->buffer.n_filled;
    }
  else
    for (; self->buffer.n_filled - n_pushed >= self->max_line_bytes + 2;
         n_pushed += self->max_line_bytes)
      if (!ds_file_text_reader_push_text (self, n_pushed,
                                          n_pushed + self->max_line_bytes))
        return FALSE;
  ds_file_buffer_drop (&self->buffer, n_pushed);
  self->n_scanned = self->buffer.n_filled;
  return TRUE;
}

/* ---- Lines ---- */

/* Pushes the lines of the first @n_bytes, which end a line or the file, and keeps the
 * rest.  FALSE: enough, or the task failed. */
static gboolean
ds_file_text_reader_push (DsFileTextReader *self, gsize n_bytes)
{
  const char *text = self->buffer.bytes;
  gsize max_bytes = self->max_line_bytes;
  gsize begin = 0;   /* pushed up to here */
  gsize checked = 0; /* a line begins here, and those before are fine */

  while (G_UNLIKELY (n_bytes - checked > max_bytes))
    {
      const char *line_end = memrchr (text + checked, '\n', max_bytes + 1);
      gsize end;
      gsize next;

      if (line_end != NULL)
        {
          checked = (gsize) (line_end - text) + 1;
          continue;
        }
      line_end = memchr (text + checked + max_bytes, '\n', n_bytes - checked - max_bytes);
      end = line_end != NULL ? (gsize) (line_end - text) : n_bytes;
      next = line_end != NULL ? end + 1 : end;
      if (line_end != NULL && text[end - 1] == '\r')
        end--;
      if (end - checked > max_bytes)
        {
          if (!ds_file_text_reader_push_text (self, begin, checked) ||
              !ds_file_text_reader_push_long_line (self, checked, end))
            return FALSE;
          begin = next;
        }
      checked = next;
    }
  if (!ds_file_text_reader_push_text (self, begin, n_bytes))
    return FALSE;
  ds_file_buffer_drop (&self->buffer, n_bytes);
  self->n_scanned = 0;
  return TRUE;
}

static gboolean
ds_file_text_reader_push_whole_lines (DsFileTextReader *self)
{
  gsize n_whole = ds_find_last_line_end (self->buffer.bytes + self->n_scanned,
                                         self->buffer.n_filled - self->n_scanned);

  if (n_whole > 0 && !ds_file_text_reader_push (self, self->n_scanned + n_whole))
    return FALSE;
  self->n_scanned = self->buffer.n_filled;
  return self->buffer.n_filled < self->max_line_bytes + 2 ||
         ds_file_text_reader_take_unended_line (self);
}

/* Reads one piece more.  FALSE: the task failed. */
static gboolean
ds_file_text_reader_fill (DsFileTextReader *self)
{
  DsFileSource *source = &self->reader->source;
  gsize n_wanted = DS_FILE_PIECE_BYTES;

  /* Not far into the next split: only its first line is ours. */
  if (self->end != G_MAXUINT64)
    n_wanted = source->position < self->end
                   ? (gsize) MIN (n_wanted, self->end - source->position)
                   : DS_FILE_TEXT_TAIL_BYTES;
  return ds_file_buffer_fill (&self->buffer, source, n_wanted, &self->at_end);
}

/* Drops up to the first line end.  FALSE: the task failed, or no line of this split is
 * behind it. */
static gboolean
ds_file_text_reader_skip_to_line (DsFileTextReader *self)
{
  for (;;)
    {
      const char *line_end = memchr (self->buffer.bytes, '\n', self->buffer.n_filled);

      if (line_end != NULL)
        {
          ds_file_buffer_drop (&self->buffer,
                               (gsize) (line_end - self->buffer.bytes) + 1);
          self->n_scanned = 0;
          self->is_skipping = FALSE;
          return ds_file_text_reader_get_offset (self) < self->end;
        }
      ds_file_buffer_drop (&self->buffer, self->buffer.n_filled);
      if (self->at_end || self->reader->source.position >= self->end ||
          !ds_task_may_go_on (self->reader->task) || !ds_file_text_reader_fill (self))
        return FALSE;
    }
}

/* Where in the buffer the last line of this split ends; 0: not known yet. */
static gsize
ds_file_text_reader_find_end (DsFileTextReader *self)
{
  guint64 offset = ds_file_text_reader_get_offset (self);
  const char *line_end;
  gsize n_before;

  if (self->reader->source.position < self->end)
    return 0;
  n_before = self->end - 1 > offset ? (gsize) (self->end - 1 - offset) : 0;
  line_end =
      memchr (self->buffer.bytes + n_before, '\n', self->buffer.n_filled - n_before);
  return line_end != NULL ? (gsize) (line_end - self->buffer.bytes) + 1 : 0;
}

static void
ds_file_text_reader_push_split (DsFileTextReader *self)
{
  for (;;)
    {
      gsize n_last = ds_file_text_reader_find_end (self);

      if (n_last > 0)
        {
          ds_file_text_reader_push (self, n_last);
          return;
        }
      if (!ds_file_text_reader_push_whole_lines (self))
        return;
      if (self->at_end)
        {
          ds_file_text_reader_push (self, self->buffer.n_filled);
          return;
        }
      if (!ds_file_text_reader_fill (self) ||
          (self->is_skipping && !ds_file_text_reader_skip_to_line (self)))
        return;
    }
}

void
ds_file_read_text (DsFileReader *reader)
{
  const DsFileSplit *split = reader->split;
  DsFileTextReader self = {
    .reader = reader,
    .max_line_bytes = ds_file_format_get_max_record_bytes (reader->format),
    .begin = split->begin,
    .end = split->is_only || split->end == split->file->status.n_bytes ? G_MAXUINT64
                                                                       : split->end
  };

  if (split->begin == split->end && !split->is_only)
    return;
  ds_file_buffer_init (&self.buffer, reader->task,
                       DS_FILE_PIECE_BYTES + DS_CHUNK_MAX_TEXT);
  if (split->begin == 0 ||
      (ds_file_text_reader_fill (&self) && ds_file_text_reader_skip_to_line (&self)))
    ds_file_text_reader_push_split (&self);
  ds_file_buffer_clear (&self.buffer);
}
