/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reading a split of a text file.
 *
 * A split owns the lines that begin in its bytes, so it starts behind the first line end
 * at or after the byte before its begin, and ends with the first line end at or after its
 * last byte.  Bytes are read in pieces into one buffer, whose whole lines are pushed as
 * text before the next piece is read: the memory of a partition is that buffer, and it
 * stays in cache.  Files are read, never mapped: one that is cut short meanwhile is an
 * error, not a signal. */

#include "rdd/ds-text-files-private.h"

#include "base/ds-error.h"
#include "base/ds-splitter-private.h"
#include "rdd/ds-task-private.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- The pump ---- */

void
ds_text_pump_init (DsTextPump *self, const DsTextFile *file, DsTask *task, DsSink *sink)
{
  *self = (DsTextPump){ .file = file, .task = task, .sink = sink };
  self->n_allocated = DS_TEXT_FILE_PIECE_BYTES + DS_CHUNK_MAX_TEXT;
  self->arena = ds_arena_new_sized (ds_task_get_arena_pool (task), self->n_allocated);
  self->buffer = ds_arena_alloc (self->arena, self->n_allocated);
}

void
ds_text_pump_clear (DsTextPump *self)
{
  g_clear_pointer (&self->arena, ds_arena_unref);
}

char *
ds_text_pump_make_room (DsTextPump *self, gsize n_room)
{
  /* All of what is there is the beginning of one line. */
  if (G_UNLIKELY (self->n_filled > DS_TEXT_FILE_MAX_LINE_BYTES))
    {
      ds_task_take_error (
          self->task,
          g_error_new (
              DS_ERROR, DS_ERROR_LIMIT,
              "\"%s\" has a line of more than %d bytes, which is the limit: is it "
              "a text file?",
              self->file->path, DS_TEXT_FILE_MAX_LINE_BYTES));
      return NULL;
    }
  if (G_UNLIKELY (self->n_filled + n_room > self->n_allocated))
    {
      gsize n_allocated = MAX (2 * self->n_allocated, self->n_filled + n_room);
      DsArena *arena =
          ds_arena_new_sized (ds_task_get_arena_pool (self->task), n_allocated);
      char *buffer = ds_arena_alloc (arena, n_allocated);

      memcpy (buffer, self->buffer, self->n_filled);
      ds_arena_unref (self->arena);
      self->arena = arena;
      self->buffer = buffer;
      self->n_allocated = n_allocated;
    }
  return self->buffer + self->n_filled;
}

gboolean
ds_text_pump_push (DsTextPump *self, gsize n_bytes)
{
  if (!ds_sink_push_text (self->sink, self->buffer, n_bytes, TRUE, NULL))
    return FALSE;
  self->n_filled -= n_bytes;
  self->n_scanned = 0;
  memmove (self->buffer, self->buffer + n_bytes, self->n_filled);
  return TRUE;
}

gboolean
ds_text_pump_push_whole_lines (DsTextPump *self)
{
  gsize n_whole = ds_find_last_line_end (self->buffer + self->n_scanned,
                                         self->n_filled - self->n_scanned);

  if (n_whole > 0 && !ds_text_pump_push (self, self->n_scanned + n_whole))
    return FALSE;
  self->n_scanned = self->n_filled;
  return TRUE;
}

/* ---- The file ---- */

void
ds_text_file_fail_changed (const DsTextFile *file, guint64 n_bytes, DsTask *task)
{
  ds_task_take_error (
      task, g_error_new (DS_ERROR, DS_ERROR_BAD_FILE,
                         "\"%s\" changed while it was in use: it had %" G_GUINT64_FORMAT
                         " bytes when it was listed, now %" G_GUINT64_FORMAT
                         "; an input file must not change, so write elsewhere and rename",
                         file->path, file->n_bytes, n_bytes));
}

int
ds_text_file_open (const DsTextFile *file, DsTask *task)
{
  struct stat status;
  /* Should a pipe have come in its place, opening must not wait for a writer. */
  int fd = open (file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

  if (fd < 0 || fstat (fd, &status) != 0)
    {
      int code = errno;

      ds_task_take_error (
          task, g_error_new (DS_ERROR, code == ENOENT ? DS_ERROR_NOT_FOUND : DS_ERROR_IO,
                             "Cannot open \"%s\", which was there when it was listed: %s",
                             file->path, g_strerror (code)));
      if (fd >= 0)
        close (fd);
      return -1;
    }
  if (!S_ISREG (status.st_mode) || (guint64) status.st_size != file->n_bytes)
    {
      ds_text_file_fail_changed (file, (guint64) status.st_size, task);
      close (fd);
      return -1;
    }
  return fd;
}

gssize
ds_text_file_read_piece (const DsTextFile *file,
                         int fd,
                         char *room,
                         gsize n_room,
                         DsTask *task)
{
  gssize n_read;

  do
    n_read = read (fd, room, n_room);
  while (n_read < 0 && errno == EINTR);
  if (n_read < 0)
    ds_task_take_error (task,
                        g_error_new (DS_ERROR, DS_ERROR_IO, "Cannot read \"%s\": %s",
                                     file->path, g_strerror (errno)));
  return n_read;
}

/* ---- The split ---- */

typedef struct
{
  DsTextPump pump;
  int fd;
  guint64 offset; /* in the file, of what is read next */
  guint64 begin;
  guint64 end;
} DsTextFileReader;

/* Reads one piece more.  FALSE: the task failed.  *@at_end: there is nothing more. */
static gboolean
ds_text_file_reader_fill (DsTextFileReader *self, gboolean *at_end)
{
  const DsTextFile *file = self->pump.file;
  gsize n_wanted = DS_TEXT_FILE_PIECE_BYTES;
  char *room;
  gssize n_read;

  /* Not far into the next split: only its first line is ours. */
  if (self->end < file->n_bytes)
    n_wanted =
        self->offset < self->end ? MIN (n_wanted, self->end - self->offset) : 16 * 1024;
  room = ds_text_pump_make_room (&self->pump, n_wanted);
  if (room == NULL)
    return FALSE;
  n_read = ds_text_file_read_piece (file, self->fd, room, n_wanted, self->pump.task);
  if (n_read < 0)
    return FALSE;
  *at_end = n_read == 0;
  if (n_read == 0 && self->offset != file->n_bytes)
    {
      ds_text_file_fail_changed (file, self->offset, self->pump.task);
      return FALSE;
    }
  self->offset += (guint64) n_read;
  self->pump.n_filled += (gsize) n_read;
  if (self->offset > file->n_bytes)
    {
      ds_text_file_fail_changed (file, self->offset, self->pump.task);
      return FALSE;
    }
  return TRUE;
}

/* Drops what belongs to a line that began before this split.  FALSE: the task failed, or
 * no line begins in this split. */
static gboolean
ds_text_file_reader_skip_to_first_line (DsTextFileReader *self)
{
  DsTextPump *pump = &self->pump;
  gboolean at_end = FALSE;

  while (!at_end)
    {
      const char *line_end;

      if (!ds_text_file_reader_fill (self, &at_end))
        return FALSE;
      line_end = memchr (pump->buffer, '\n', pump->n_filled);
      if (line_end != NULL)
        {
          gsize n_skipped = (gsize) (line_end - pump->buffer) + 1;

          pump->n_filled -= n_skipped;
          memmove (pump->buffer, pump->buffer + n_skipped, pump->n_filled);
          return self->offset - pump->n_filled < self->end;
        }
      pump->n_filled = 0;
      if (self->offset >= self->end || !ds_task_may_go_on (pump->task))
        return FALSE;
    }
  return FALSE;
}

/* Where in the buffer the last line of this split ends; 0: not known yet. */
static gsize
ds_text_file_reader_find_end (DsTextFileReader *self)
{
  DsTextPump *pump = &self->pump;
  guint64 buffer_offset = self->offset - pump->n_filled;
  gsize n_before;
  const char *line_end;

  if (self->offset < self->end)
    return 0;
  n_before = self->end - 1 > buffer_offset ? (gsize) (self->end - 1 - buffer_offset) : 0;
  line_end = memchr (pump->buffer + n_before, '\n', pump->n_filled - n_before);
  return line_end != NULL ? (gsize) (line_end - pump->buffer) + 1 : 0;
}

static void
ds_text_file_reader_push_lines (DsTextFileReader *self)
{
  DsTextPump *pump = &self->pump;
  gboolean at_end = FALSE;

  for (;;)
    {
      gsize n_last;

      if (self->end < pump->file->n_bytes &&
          (n_last = ds_text_file_reader_find_end (self)) > 0)
        {
          ds_text_pump_push (pump, n_last);
          return;
        }
      if (!ds_text_pump_push_whole_lines (pump) ||
          !ds_text_file_reader_fill (self, &at_end))
        return;
      if (at_end)
        {
          ds_text_pump_push (pump, pump->n_filled);
          return;
        }
    }
}

gboolean
ds_text_file_read (const DsTextFileSplit *split, DsTask *task, DsSink *sink)
{
  DsTextFileReader reader = { .begin = split->begin, .end = split->end };

  if (split->file->is_gzip)
    return ds_text_file_read_gzip (split->file, task, sink);

  reader.fd = ds_text_file_open (split->file, task);
  if (reader.fd < 0)
    return FALSE;
  if (split->begin == split->end)
    {
      close (reader.fd);
      return TRUE;
    }

  reader.offset = split->begin > 0 ? split->begin - 1 : 0;
  ds_text_pump_init (&reader.pump, split->file, task, sink);
  if (lseek (reader.fd, (off_t) reader.offset, SEEK_SET) < 0)
    ds_task_take_error (task, g_error_new (DS_ERROR, DS_ERROR_IO,
                                           "Cannot go to byte %" G_GUINT64_FORMAT
                                           " of \"%s\": %s",
                                           reader.offset, split->file->path,
                                           g_strerror (errno)));
  else if (split->begin == 0 || ds_text_file_reader_skip_to_first_line (&reader))
    ds_text_file_reader_push_lines (&reader);
  ds_text_pump_clear (&reader.pump);
  close (reader.fd);
  return task->error == NULL;
}
