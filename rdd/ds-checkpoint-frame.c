/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Frames: what is saved is cut into pieces that are scanned as a whole before anything in
 * them is believed, so that what follows may walk them without looking at lengths again.
 * Memory for a frame grows with the bytes that have come, never by the length that it
 * announces. */

#include "rdd/ds-checkpoint-frame-private.h"

#include "base/ds-codec-head-private.h"
#include "base/ds-error.h"

#define DS_FRAME_N_HEAD 5
#define DS_FRAME_FIRST_BYTE 0xc6
#define DS_FRAME_MAX_INT (1 + sizeof (guint64))
/* So much of a frame is read at a time. */
#define DS_FRAME_PIECE ((gsize) 1024 * 1024)

/* ---- Writing ---- */

void
ds_frame_writer_drop (DsFrameWriter *self)
{
  g_byte_array_set_size (self->bytes, DS_FRAME_N_HEAD);
  self->may_nest = FALSE;
}

/* A value that begins with @encoded was put. */
static inline void
ds_frame_writer_note (DsFrameWriter *self, const guint8 *encoded)
{
  self->may_nest |= ds_codec_may_nest (*encoded);
}

void
ds_frame_writer_init (DsFrameWriter *self, DsStateWriter *writer)
{
  self->writer = writer;
  self->bytes = g_byte_array_sized_new ((guint) DS_FRAME_PIECE);
  ds_frame_writer_drop (self);
}

void
ds_frame_writer_clear (DsFrameWriter *self)
{
  g_clear_pointer (&self->bytes, g_byte_array_unref);
}

/* The shortest form, as the codec's.  Returns what is behind it, up to
 * DS_FRAME_MAX_INT bytes further. */
static inline guint8 *
ds_frame_encode_number (guint8 *to, guint64 number)
{
  guint64 big_endian = GUINT64_TO_BE (number);
  guint n_bytes;

  if (number <= G_MAXINT8)
    {
      *to = (guint8) number;
      return to + 1;
    }
  n_bytes = number <= G_MAXUINT8    ? 1
            : number <= G_MAXUINT16 ? 2
            : number <= G_MAXUINT32 ? 4
                                    : 8;
  *to = n_bytes == 1 ? 0xcc : n_bytes == 2 ? 0xcd : n_bytes == 4 ? 0xce : 0xcf;
  memcpy (to + 1, (const guint8 *) &big_endian + sizeof big_endian - n_bytes, n_bytes);
  return to + 1 + n_bytes;
}

void
ds_frame_writer_put_int (DsFrameWriter *self, gint64 integer)
{
  guint8 encoded[DS_FRAME_MAX_INT];

  if (integer < 0)
    ds_codec_encode (ds_value_int (integer), self->bytes);
  else
    g_byte_array_append (self->bytes, encoded,
                         (guint) (ds_frame_encode_number (encoded, (guint64) integer) -
                                  encoded));
}

void
ds_frame_writer_put_null (DsFrameWriter *self)
{
  ds_frame_writer_put (self, ds_value_null ());
}

void
ds_frame_writer_put (DsFrameWriter *self, DsValue value)
{
  guint at = self->bytes->len;

  ds_state_encode (value, self->bytes);
  ds_frame_writer_note (self, self->bytes->data + at);
}

void
ds_frame_writer_put_encoded (DsFrameWriter *self, const guint8 *bytes, gsize n_bytes)
{
  g_byte_array_append (self->bytes, bytes, (guint) n_bytes);
  ds_frame_writer_note (self, bytes);
}

void
ds_frame_writer_put_row (DsFrameWriter *self,
                         const guint8 *key,
                         gsize n_key,
                         guint64 first,
                         guint64 second,
                         const guint8 *state,
                         gsize n_state)
{
  guint at = self->bytes->len;
  guint8 *to;

  g_byte_array_set_size (self->bytes,
                         at + (guint) (n_key + n_state) + 2 * DS_FRAME_MAX_INT);
  to = self->bytes->data + at;
  memcpy (to, key, n_key);
  to = ds_frame_encode_number (to + n_key, first);
  to = ds_frame_encode_number (to, second);
  memcpy (to, state, n_state);
  g_byte_array_set_size (self->bytes, (guint) (to + n_state - self->bytes->data));
  ds_frame_writer_note (self, key);
  ds_frame_writer_note (self, state);
}

gsize
ds_frame_writer_put_count (DsFrameWriter *self)
{
  static const guint8 zero[5] = { 0xce };
  gsize at = self->bytes->len;

  g_byte_array_append (self->bytes, zero, sizeof zero);
  return at;
}

static void
ds_frame_set_be32 (guint8 *to, guint32 number)
{
  number = GUINT32_TO_BE (number);
  memcpy (to, &number, sizeof number);
}

void
ds_frame_writer_set_count (DsFrameWriter *self, gsize at, guint32 count)
{
  ds_frame_set_be32 (self->bytes->data + at + 1, count);
}

gboolean
ds_frame_writer_is_full (const DsFrameWriter *self)
{
  return self->bytes->len >= DS_FRAME_FULL;
}

gboolean
ds_frame_writer_end (DsFrameWriter *self, GError **error)
{
  guint n_bytes = self->bytes->len - DS_FRAME_N_HEAD;
  DsCodecScan scan;
  gboolean ok;

  /* What could not be read back is not written: lists that lie too deep.  Anything else
   * was encoded here. */
  if (self->may_nest &&
      !ds_codec_scan (self->bytes->data + DS_FRAME_N_HEAD, n_bytes, 0, &scan, error))
    {
      g_prefix_error (error, "What is to be saved could not be read back: ");
      return FALSE;
    }
  self->bytes->data[0] = DS_FRAME_FIRST_BYTE;
  ds_frame_set_be32 (self->bytes->data + 1, n_bytes);
  ok = self->writer->append (self->writer, self->bytes->data, self->bytes->len, error);
  ds_frame_writer_drop (self);
  return ok;
}

/* ---- Reading ---- */

void
ds_frame_reader_init (DsFrameReader *self, DsStateReader *reader, const char *what)
{
  *self = (DsFrameReader){ .reader = reader, .what = what, .bytes = g_byte_array_new () };
}

void
ds_frame_reader_clear (DsFrameReader *self)
{
  g_clear_pointer (&self->bytes, g_byte_array_unref);
}

gboolean
ds_frame_reader_fail (DsFrameReader *self, GError **error, const char *format, ...)
{
  g_autofree char *found = NULL;
  va_list arguments;

  va_start (arguments, format);
  found = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_set_error (error, DS_ERROR, DS_ERROR_CORRUPT,
               "The %s is damaged in frame %u, byte %" G_GSIZE_FORMAT
               ": %s. Load an older one",
               self->what, self->n_frames, self->at, found);
  return FALSE;
}

/* Exactly @n_bytes, behind what is in self->bytes. */
static gboolean
ds_frame_reader_fill (DsFrameReader *self, gsize n_bytes, GError **error)
{
  while (n_bytes > 0)
    {
      guint n_before = self->bytes->len;
      gsize n_room = MIN (n_bytes, DS_FRAME_PIECE);
      gssize n_read;

      g_byte_array_set_size (self->bytes, n_before + (guint) n_room);
      n_read =
          self->reader->read (self->reader, self->bytes->data + n_before, n_room, error);
      if (n_read < 0)
        return FALSE;
      g_byte_array_set_size (self->bytes, n_before + (guint) n_read);
      if (n_read == 0)
        return ds_frame_reader_fail (self, error,
                                     "it ends, but %" G_GSIZE_FORMAT
                                     " more bytes are expected",
                                     n_bytes);
      n_bytes -= (gsize) n_read;
    }
  return TRUE;
}

gboolean
ds_frame_reader_next (DsFrameReader *self, GError **error)
{
  DsCodecScan scan;
  guint32 n_bytes;

  self->n_frames++;
  self->at = 0;
  g_byte_array_set_size (self->bytes, 0);
  if (!ds_frame_reader_fill (self, DS_FRAME_N_HEAD, error))
    return FALSE;
  if (self->bytes->data[0] != DS_FRAME_FIRST_BYTE)
    return ds_frame_reader_fail (self, error, "it begins with 0x%02x, expected 0x%02x",
                                 self->bytes->data[0], DS_FRAME_FIRST_BYTE);
  n_bytes = (guint32) ds_codec_read_big_endian (self->bytes->data + 1, 4);
  g_byte_array_set_size (self->bytes, 0);
  if (!ds_frame_reader_fill (self, n_bytes, error))
    return FALSE;
  if (!ds_codec_scan (self->bytes->data, n_bytes, 0, &scan, error))
    {
      g_prefix_error (error, "The %s is damaged in frame %u: ", self->what,
                      self->n_frames);
      return FALSE;
    }
  return TRUE;
}

gboolean
ds_frame_reader_is_at_end (const DsFrameReader *self)
{
  return self->at == self->bytes->len;
}

gboolean
ds_frame_reader_take_int (DsFrameReader *self,
                          const char *name,
                          gint64 min,
                          gint64 max,
                          gint64 *integer,
                          GError **error)
{
  DsCodecHead head;

  if (ds_frame_reader_is_at_end (self))
    return ds_frame_reader_fail (self, error, "%s is missing", name);
  ds_codec_read_head (self->bytes->data + self->at, self->bytes->len - self->at, &head);
  if (head.is_ext || head.type != DS_VALUE_TYPE_INT)
    return ds_frame_reader_fail (self, error, "%s is no int", name);
  if (head.integer < min || head.integer > max)
    return ds_frame_reader_fail (self, error,
                                 "%s is %" G_GINT64_FORMAT ", expected %" G_GINT64_FORMAT
                                 " to %" G_GINT64_FORMAT,
                                 name, head.integer, min, max);
  *integer = head.integer;
  self->at += head.n_head;
  return TRUE;
}

gboolean
ds_frame_reader_take_name (DsFrameReader *self,
                           const char *name,
                           int newest,
                           GError **error)
{
  gsize n_name = strlen (name); /* fewer than 32 */
  const guint8 *bytes;
  gsize n_bytes;
  gint64 version;

  if (!ds_frame_reader_take_encoded (self, &bytes, &n_bytes, error))
    return FALSE;
  if (n_bytes != n_name + 1 || bytes[0] != (0xa0 | n_name) ||
      memcmp (bytes + 1, name, n_name) != 0)
    return ds_frame_reader_fail (self, error, "it does not begin with \"%s\"", name);
  if (!ds_frame_reader_take_int (self, "its version", 1, G_MAXINT64, &version, error))
    return FALSE;
  if (version > newest)
    {
      g_set_error (error, DS_ERROR, DS_ERROR_VERSION,
                   "The %s is of version %" G_GINT64_FORMAT
                   ", but this library reads versions up to %d. Use a newer one",
                   self->what, version, newest);
      return FALSE;
    }
  return TRUE;
}

gboolean
ds_frame_reader_take_null (DsFrameReader *self)
{
  if (ds_frame_reader_is_at_end (self) || self->bytes->data[self->at] != 0xc0)
    return FALSE;
  self->at++;
  return TRUE;
}

/* Walks what the scan has found whole. */
gboolean
ds_frame_reader_take_encoded (DsFrameReader *self,
                              const guint8 **bytes,
                              gsize *n_bytes,
                              GError **error)
{
  gsize start = self->at;
  guint64 n_left = 1;

  if (ds_frame_reader_is_at_end (self))
    return ds_frame_reader_fail (self, error, "a value is missing");
  for (; n_left > 0; n_left--)
    {
      DsCodecHead head;

      ds_codec_read_head (self->bytes->data + self->at, self->bytes->len - self->at,
                          &head);
      self->at += head.n_head + head.n_bytes; /* of an ext: with all its items */
      n_left += head.n_items;
    }
  *bytes = self->bytes->data + start;
  *n_bytes = self->at - start;
  return TRUE;
}
