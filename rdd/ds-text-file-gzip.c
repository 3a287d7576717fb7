/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A gzip file, unpacked while it is read; one partition, since its middle cannot be
 * found. A file may be several gzip members one after the other, as log writers append
 * them. */

#include "rdd/ds-text-files-private.h"

#include "base/ds-error.h"
#include "rdd/ds-task-private.h"

#include <gio/gio.h>
#include <unistd.h>

typedef struct
{
  DsTextPump pump;
  int fd;
  GConverter *unpacker;
  char *packed;
  gsize n_packed; /* bytes in @packed not unpacked yet */
  guint64 n_read;
  gboolean at_file_end;
  gboolean is_inside; /* a member that has not ended */
} DsGzipReader;

static void
ds_gzip_reader_fail (DsGzipReader *self, const char *message)
{
  ds_task_take_error (
      self->pump.task,
      g_error_new (DS_ERROR, DS_ERROR_BAD_FILE,
                   "\"%s\" is not a whole gzip file: %s (after %" G_GUINT64_FORMAT
                   " packed bytes); check it with gzip -t",
                   self->pump.file->path, message, self->n_read - self->n_packed));
}

static gboolean
ds_gzip_reader_read_packed (DsGzipReader *self)
{
  gssize n_read =
      ds_text_file_read_piece (self->pump.file, self->fd, self->packed + self->n_packed,
                               DS_CHUNK_MAX_TEXT - self->n_packed, self->pump.task);

  if (n_read < 0)
    return FALSE;
  self->at_file_end = n_read == 0;
  self->n_packed += (gsize) n_read;
  self->n_read += (guint64) n_read;
  if (self->n_read > self->pump.file->n_bytes ||
      (self->at_file_end && self->n_read < self->pump.file->n_bytes))
    {
      ds_text_file_fail_changed (self->pump.file, self->n_read, self->pump.task);
      return FALSE;
    }
  return TRUE;
}

/* Unpacks a piece behind what the pump has.  FALSE: the task failed. */
static gboolean
ds_gzip_reader_unpack (DsGzipReader *self)
{
  DsTextPump *pump = &self->pump;
  g_autoptr (GError) error = NULL;
  char *room = ds_text_pump_make_room (pump, DS_CHUNK_MAX_TEXT);
  gsize n_taken = 0;
  gsize n_made = 0;
  GConverterResult result;

  if (room == NULL)
    return FALSE;
  result = g_converter_convert (self->unpacker, self->packed, self->n_packed, room,
                                pump->n_allocated - pump->n_filled,
                                self->at_file_end ? G_CONVERTER_INPUT_AT_END
                                                  : G_CONVERTER_NO_FLAGS,
                                &n_taken, &n_made, &error);
  if (result == G_CONVERTER_ERROR &&
      g_error_matches (error, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT) &&
      !self->at_file_end && self->n_packed < DS_CHUNK_MAX_TEXT)
    return ds_gzip_reader_read_packed (self);
  if (result == G_CONVERTER_ERROR)
    {
      ds_gzip_reader_fail (self, error->message);
      return FALSE;
    }

  pump->n_filled += n_made;
  self->n_packed -= n_taken;
  memmove (self->packed, self->packed + n_taken, self->n_packed);
  self->is_inside = result != G_CONVERTER_FINISHED;
  if (result == G_CONVERTER_FINISHED)
    g_converter_reset (self->unpacker);
  return TRUE;
}

static void
ds_gzip_reader_push_lines (DsGzipReader *self)
{
  while (ds_text_pump_push_whole_lines (&self->pump))
    {
      if (self->n_packed == 0 && !self->at_file_end && !ds_gzip_reader_read_packed (self))
        return;
      /* Inside of a member the unpacker may still hold what had no room. */
      if (self->n_packed == 0 && self->at_file_end && !self->is_inside)
        {
          ds_text_pump_push (&self->pump, self->pump.n_filled);
          return;
        }
      if (!ds_gzip_reader_unpack (self))
        return;
    }
}

gboolean
ds_text_file_read_gzip (const DsTextFile *file, DsTask *task, DsSink *sink)
{
  g_autoptr (GZlibDecompressor) unpacker = NULL;
  g_autofree char *packed = NULL;
  DsGzipReader reader = { .fd = ds_text_file_open (file, task) };

  if (reader.fd < 0)
    return FALSE;

  unpacker = g_zlib_decompressor_new (G_ZLIB_COMPRESSOR_FORMAT_GZIP);
  packed = g_malloc (DS_CHUNK_MAX_TEXT);
  reader.unpacker = G_CONVERTER (unpacker);
  reader.packed = packed;
  ds_text_pump_init (&reader.pump, file, task, sink);
  ds_gzip_reader_push_lines (&reader);
  ds_text_pump_clear (&reader.pump);
  close (reader.fd);
  return task->error == NULL;
}
