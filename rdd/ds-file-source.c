/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The bytes of a planned file, unpacked where it is packed.
 *
 * Never more is read than the file had when it was planned, and less is an error.  A
 * packed file may be several gzip members one after the other, as log writers append
 * them, and zeros behind the last one, with which tapes and blocks are filled up. */

#include "rdd/ds-file-read-private.h"

#include "base/ds-error.h"
#include "rdd/ds-task-private.h"

#include <string.h>

#define DS_FILE_PACKED_BYTES (64 * 1024)

/* ---- Bytes as they lie ---- */

gboolean
ds_file_source_open (DsFileSource *self,
                     const DsPlannedFile *planned,
                     guint64 offset,
                     gboolean unpacks,
                     DsTask *task,
                     GError **error)
{
  *self = (DsFileSource){ .planned = planned, .task = task };
  self->file = ds_planned_file_open (planned, error);
  if (self->file == NULL)
    return FALSE;
  if (unpacks && ds_file_is_gzip (planned))
    {
      self->unpacker =
          G_CONVERTER (g_zlib_decompressor_new (G_ZLIB_COMPRESSOR_FORMAT_GZIP));
      self->packed = g_malloc (DS_FILE_PACKED_BYTES);
    }
  else
    self->n_read = self->position = offset;
  return TRUE;
}

void
ds_file_source_rewind (DsFileSource *self)
{
  self->n_read = self->position = 0;
  self->n_packed = 0;
  self->is_inside = self->is_behind = FALSE;
  if (self->unpacker != NULL)
    g_converter_reset (self->unpacker);
}

/* (transfer full): what @n_bytes, as many as it has now, say about it. */
static GError *
ds_file_source_explain_change (DsFileSource *self, guint64 n_bytes)
{
  g_autofree char *name = ds_file_display_name (self->planned->path);
  g_autofree char *change =
      n_bytes != self->planned->status.n_bytes
          ? g_strdup_printf ("it had %" G_GUINT64_FORMAT
                             " bytes when it was listed, now %" G_GUINT64_FORMAT,
                             self->planned->status.n_bytes, n_bytes)
          : g_strdup ("it was written to");

  return g_error_new (DS_ERROR, DS_ERROR_BAD_FILE,
                      "\"%s\" changed while it was read: %s; write files under another "
                      "name and move them into place when they are whole",
                      name, change);
}

static void
ds_file_source_fail_changed (DsFileSource *self, guint64 n_bytes)
{
  ds_task_take_error (self->task, ds_file_source_explain_change (self, n_bytes));
}

static void
ds_file_source_clear (DsFileSource *self)
{
  g_clear_pointer (&self->file, ds_file_close);
  g_clear_object (&self->unpacker);
  g_clear_pointer (&self->packed, g_free);
  g_clear_pointer (&self->whole, g_free);
}

gboolean
ds_file_source_read_ahead (DsFileSource *self, GError **error)
{
  gsize n_bytes = (gsize) self->planned->status.n_bytes;
  DsFileStatus now = { 0 };
  gssize n_read;

  self->whole = g_malloc (MAX (n_bytes, 1));
  n_read = ds_file_read (self->file, 0, self->whole, n_bytes, error);
  if (n_read >= 0 && ds_file_get_status (self->file, &now, error))
    {
      if ((gsize) n_read == n_bytes &&
          ds_file_status_equal (&now, &self->planned->status))
        return TRUE;
      g_propagate_error (error, ds_file_source_explain_change (self, now.n_bytes));
    }
  ds_file_source_clear (self);
  return FALSE;
}

static gssize
ds_file_source_read_raw (DsFileSource *self, gpointer room, gsize n_room)
{
  gsize n_wanted = (gsize) MIN (n_room, self->planned->status.n_bytes - self->n_read);
  GError *error = NULL;
  gssize n_read;

  if (n_wanted == 0)
    return 0;
  if (self->whole != NULL)
    {
      memcpy (room, self->whole + self->n_read, n_wanted);
      self->n_read += n_wanted;
      return (gssize) n_wanted;
    }
  n_read = ds_file_read (self->file, self->n_read, room, n_wanted, &error);
  if (n_read < 0)
    {
      ds_task_take_error (self->task, error);
      return -1;
    }
  self->n_read += (guint64) n_read;
  if ((gsize) n_read < n_wanted)
    {
      ds_file_source_fail_changed (self, self->n_read);
      return -1;
    }
  return n_read;
}

void
ds_file_source_close (DsFileSource *self)
{
  GError *error = NULL;
  DsFileStatus now;

  if (self->task->error == NULL && self->whole == NULL)
    {
      if (!ds_file_get_status (self->file, &now, &error))
        ds_task_take_error (self->task, error);
      else if (!ds_file_status_equal (&now, &self->planned->status))
        ds_file_source_fail_changed (self, now.n_bytes);
    }
  ds_file_source_clear (self);
}

/* ---- Packed bytes ---- */

static void
ds_file_source_fail_packed (DsFileSource *self, const char *message)
{
  g_autofree char *name = ds_file_display_name (self->planned->path);

  ds_task_take_error (
      self->task,
      g_error_new (DS_ERROR, DS_ERROR_BAD_FILE,
                   "\"%s\" is not a whole gzip file: %s (after %" G_GUINT64_FORMAT
                   " packed bytes); check it with gzip -t",
                   name, message, self->n_read - self->n_packed));
}

static gboolean
ds_file_source_read_packed (DsFileSource *self)
{
  gssize n_read = ds_file_source_read_raw (self, self->packed + self->n_packed,
                                           DS_FILE_PACKED_BYTES - self->n_packed);

  if (n_read < 0)
    return FALSE;
  self->n_packed += (gsize) n_read;
  return TRUE;
}

/* One call of the unpacker: how many bytes it made; -1: the task failed. */
static gssize
ds_file_source_unpack (DsFileSource *self, char *room, gsize n_room)
{
  gboolean at_file_end = self->n_read == self->planned->status.n_bytes;
  g_autoptr (GError) error = NULL;
  gsize n_taken = 0;
  gsize n_made = 0;
  GConverterResult result =
      g_converter_convert (self->unpacker, self->packed, self->n_packed, room, n_room,
                           at_file_end ? G_CONVERTER_INPUT_AT_END : G_CONVERTER_NO_FLAGS,
                           &n_taken, &n_made, &error);

  if (result == G_CONVERTER_ERROR &&
      g_error_matches (error, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT) && !at_file_end &&
      self->n_packed < DS_FILE_PACKED_BYTES)
    return ds_file_source_read_packed (self) ? 0 : -1;
  if (result == G_CONVERTER_ERROR)
    {
      ds_file_source_fail_packed (self, error->message);
      return -1;
    }

  self->n_packed -= n_taken;
  memmove (self->packed, self->packed + n_taken, self->n_packed);
  self->is_inside = result != G_CONVERTER_FINISHED;
  if (result == G_CONVERTER_FINISHED)
    {
      self->is_behind = TRUE;
      g_converter_reset (self->unpacker);
    }
  return (gssize) n_made;
}

/* To the end of the file, if there is nothing but zeros.  FALSE: the task failed. */
static gboolean
ds_file_source_skip_padding (DsFileSource *self)
{
  while (self->n_packed > 0)
    {
      for (gsize i = 0; i < self->n_packed; i++)
        if (self->packed[i] != '\0')
          {
            self->n_packed -= i;
            ds_file_source_fail_packed (self, "something follows the zeros that fill it "
                                              "up");
            return FALSE;
          }
      self->n_packed = 0;
      if (!ds_file_source_read_packed (self))
        return FALSE;
    }
  return TRUE;
}

static gssize
ds_file_source_read_unpacked (DsFileSource *self, char *room, gsize n_room)
{
  gsize n_filled = 0;

  while (n_filled < n_room)
    {
      gssize n_made;

      if (self->n_packed == 0 && !ds_file_source_read_packed (self))
        return -1;
      if (!self->is_inside && self->is_behind && self->n_packed > 0 &&
          self->packed[0] == '\0' && !ds_file_source_skip_padding (self))
        return -1;
      /* Inside of a member the unpacker may still hold what had no room. */
      if (self->n_packed == 0 && !self->is_inside)
        break;
      n_made = ds_file_source_unpack (self, room + n_filled, n_room - n_filled);
      if (n_made < 0)
        return -1;
      n_filled += (gsize) n_made;
    }
  return (gssize) n_filled;
}

gssize
ds_file_source_read (DsFileSource *self, gpointer room, gsize n_room)
{
  gssize n_read = self->unpacker != NULL
                      ? ds_file_source_read_unpacked (self, room, n_room)
                      : ds_file_source_read_raw (self, room, n_room);

  if (n_read > 0)
    self->position += (guint64) n_read;
  return n_read;
}

/* ---- The buffer ---- */

void
ds_file_buffer_init (DsFileBuffer *self, DsTask *task, gsize n_bytes)
{
  self->arena = ds_arena_new_sized (ds_task_get_arena_pool (task), n_bytes);
  self->bytes = ds_arena_alloc (self->arena, n_bytes);
  self->n_allocated = n_bytes;
  self->n_filled = 0;
}

void
ds_file_buffer_clear (DsFileBuffer *self)
{
  g_clear_pointer (&self->arena, ds_arena_unref);
}

char *
ds_file_buffer_make_room (DsFileBuffer *self, DsTask *task, gsize n_room)
{
  if (G_UNLIKELY (self->n_filled + n_room > self->n_allocated))
    {
      DsFileBuffer larger;

      ds_file_buffer_init (&larger, task,
                           MAX (2 * self->n_allocated, self->n_filled + n_room));
      memcpy (larger.bytes, self->bytes, self->n_filled);
      larger.n_filled = self->n_filled;
      ds_file_buffer_clear (self);
      *self = larger;
    }
  return self->bytes + self->n_filled;
}

void
ds_file_buffer_drop (DsFileBuffer *self, gsize n_bytes)
{
  self->n_filled -= n_bytes;
  memmove (self->bytes, self->bytes + n_bytes, self->n_filled);
}

gboolean
ds_file_buffer_fill (DsFileBuffer *self,
                     DsFileSource *source,
                     gsize n_wanted,
                     gboolean *at_end)
{
  char *room = ds_file_buffer_make_room (self, source->task, n_wanted);
  gssize n_read = ds_file_source_read (source, room, n_wanted);

  if (n_read < 0)
    return FALSE;
  self->n_filled += (gsize) n_read;
  *at_end = (gsize) n_read < n_wanted;
  return TRUE;
}
