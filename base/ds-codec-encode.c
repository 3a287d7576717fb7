/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Encoding measures first and writes then, by msgpack's packer into room that is known to
 * be there: the length of a tuple stands in front of its items, and the bytes need to
 * grow only once. */

#include "base/ds-codec-private.h"

#include "base/ds-splitter-private.h"

#include <msgpack.h>
#include <string.h>

/* Lines of a text block at a time. */
#define DS_CODEC_N_LINES 256

/* ---- Measuring ---- */

static gsize
ds_codec_measure_int (gint64 integer)
{
  if (integer >= 0)
    return integer <= G_MAXINT8     ? 1
           : integer <= G_MAXUINT8  ? 2
           : integer <= G_MAXUINT16 ? 3
           : integer <= G_MAXUINT32 ? 5
                                    : 9;
  return integer >= -32          ? 1
         : integer >= G_MININT8  ? 2
         : integer >= G_MININT16 ? 3
         : integer >= G_MININT32 ? 5
                                 : 9;
}

static gsize
ds_codec_measure_string_head (gsize n_bytes)
{
  return n_bytes < 32 ? 1 : n_bytes <= G_MAXUINT8 ? 2 : n_bytes <= G_MAXUINT16 ? 3 : 5;
}

static gsize
ds_codec_measure_bytes_head (gsize n_bytes)
{
  return n_bytes <= G_MAXUINT8 ? 2 : n_bytes <= G_MAXUINT16 ? 3 : 5;
}

static gsize
ds_codec_measure_array_head (gsize n_items)
{
  return n_items < 16 ? 1 : n_items <= G_MAXUINT16 ? 3 : 5;
}

static gsize
ds_codec_measure_ext_head (gsize n_bytes)
{
  if (n_bytes == 1 || n_bytes == 2 || n_bytes == 4 || n_bytes == 8 || n_bytes == 16)
    return 2;
  return n_bytes <= G_MAXUINT8 ? 3 : n_bytes <= G_MAXUINT16 ? 4 : 6;
}

static gsize ds_codec_measure (DsValue value);

static gsize
ds_codec_measure_items (DsValue container)
{
  gsize n_bytes = ds_codec_measure_array_head (container.size);

  for (guint32 i = 0; i < container.size; i++)
    n_bytes += ds_codec_measure (container.as.items[i]);
  return n_bytes;
}

static gsize
ds_codec_measure (DsValue value)
{
  gsize n_bytes;

  switch (ds_value_type_of (value))
    {
    case DS_VALUE_TYPE_INT:
      return ds_codec_measure_int (value.as.integer);
    case DS_VALUE_TYPE_DOUBLE:
      return 9;
    case DS_VALUE_TYPE_STRING:
      return ds_codec_measure_string_head (value.size) + value.size;
    case DS_VALUE_TYPE_BYTES:
      return ds_codec_measure_bytes_head (value.size) + value.size;
    case DS_VALUE_TYPE_TUPLE:
      n_bytes = ds_codec_measure_items (value);
      return ds_codec_measure_ext_head (n_bytes) + n_bytes;
    case DS_VALUE_TYPE_LIST:
      return ds_codec_measure_items (value);
    case DS_VALUE_TYPE_NULL:
    case DS_VALUE_TYPE_BOOL:
    default:
      return 1;
    }
}

/* ---- Writing ---- */

typedef struct
{
  msgpack_packer packer;
  char *to;
  const char *end;
  int result; /* of all calls: not 0 after a failure */
} DsCodecWriter;

static int
ds_codec_write (gpointer data, const char *bytes, size_t n_bytes)
{
  DsCodecWriter *self = data;

  if (n_bytes > (gsize) (self->end - self->to))
    return -1;
  if (n_bytes > 0) /* the bytes of an empty string may be nowhere */
    memcpy (self->to, bytes, n_bytes);
  self->to += n_bytes;
  return 0;
}

/* Makes room for exactly @n_bytes more. */
static void
ds_codec_writer_open (DsCodecWriter *self, GByteArray *bytes, gsize n_bytes)
{
  guint n_before = bytes->len;

  if (n_bytes > G_MAXUINT - n_before)
    g_error ("Out of memory: %" G_GSIZE_FORMAT
             " bytes of encoded values in one piece, at most 4 GiB are possible",
             n_bytes + n_before);

  g_byte_array_set_size (bytes, n_before + (guint) n_bytes);
  msgpack_packer_init (&self->packer, self, ds_codec_write);
  self->to = (char *) bytes->data + n_before;
  self->end = self->to + n_bytes;
  self->result = 0;
}

/* The measure was right, and every call of the packer succeeded. */
static void
ds_codec_writer_close (DsCodecWriter *self)
{
  g_assert (self->result == 0 && self->to == self->end);
}

static void ds_codec_put (DsCodecWriter *self, DsValue value);

static void
ds_codec_put_tuple_head (DsCodecWriter *self, gsize n_items_bytes, gsize n_items)
{
  self->result |= msgpack_pack_ext (&self->packer, n_items_bytes, DS_CODEC_EXT_TUPLE);
  self->result |= msgpack_pack_array (&self->packer, n_items);
}

static void
ds_codec_put_items (DsCodecWriter *self, DsValue container)
{
  for (guint32 i = 0; i < container.size; i++)
    ds_codec_put (self, container.as.items[i]);
}

static void
ds_codec_put (DsCodecWriter *self, DsValue value)
{
  msgpack_packer *packer = &self->packer;

  switch (ds_value_type_of (value))
    {
    case DS_VALUE_TYPE_BOOL:
      self->result |= value.as.integer != 0 ? msgpack_pack_true (packer)
                                            : msgpack_pack_false (packer);
      break;
    case DS_VALUE_TYPE_INT:
      self->result |= msgpack_pack_int64 (packer, value.as.integer);
      break;
    case DS_VALUE_TYPE_DOUBLE:
      self->result |= msgpack_pack_double (packer, value.as.number);
      break;
    case DS_VALUE_TYPE_STRING:
      self->result |= msgpack_pack_str (packer, value.size);
      self->result |= msgpack_pack_str_body (packer, value.as.bytes, value.size);
      break;
    case DS_VALUE_TYPE_BYTES:
      self->result |= msgpack_pack_bin (packer, value.size);
      self->result |= msgpack_pack_bin_body (packer, value.as.bytes, value.size);
      break;
    case DS_VALUE_TYPE_TUPLE:
      ds_codec_put_tuple_head (self, ds_codec_measure_items (value), value.size);
      ds_codec_put_items (self, value);
      break;
    case DS_VALUE_TYPE_LIST:
      self->result |= msgpack_pack_array (packer, value.size);
      ds_codec_put_items (self, value);
      break;
    case DS_VALUE_TYPE_NULL:
    default:
      self->result |= msgpack_pack_nil (packer);
      break;
    }
}

static void
ds_codec_encode_values (const DsValue *values, gsize n_values, GByteArray *bytes)
{
  DsCodecWriter writer;
  gsize n_bytes = 0;

  if (n_values == 0)
    return;

  for (gsize i = 0; i < n_values; i++)
    n_bytes += ds_codec_measure (values[i]);

  ds_codec_writer_open (&writer, bytes, n_bytes);
  for (gsize i = 0; i < n_values; i++)
    ds_codec_put (&writer, values[i]);
  ds_codec_writer_close (&writer);
}

static void
ds_codec_encode_pairs (const DsValue *keys,
                       const DsValue *values,
                       gsize n_values,
                       GByteArray *bytes)
{
  DsCodecWriter writer;
  gsize n_bytes = 0;

  if (n_values == 0)
    return;

  for (gsize i = 0; i < n_values; i++)
    {
      DsValue pair[2] = { keys[i], values[i] };

      n_bytes += ds_codec_measure (ds_value_tuple (pair, 2));
    }

  ds_codec_writer_open (&writer, bytes, n_bytes);
  for (gsize i = 0; i < n_values; i++)
    {
      DsValue pair[2] = { keys[i], values[i] };

      ds_codec_put (&writer, ds_value_tuple (pair, 2));
    }
  ds_codec_writer_close (&writer);
}

void
ds_codec_encode (DsValue value, GByteArray *bytes)
{
  ds_codec_encode_values (&value, 1, bytes);
}

void
ds_codec_encode_block (DsBlock *block, GByteArray *bytes)
{
  const DsValue *values;
  const DsValue *pair_values;
  DsValue lines[DS_CODEC_N_LINES];
  const char *text;
  gboolean strip_cr;
  gsize n_values, n_text_bytes;
  gsize offset = 0;

  if (ds_block_get_form (block) != DS_FORM_TEXT)
    {
      ds_block_get_columns (block, &values, &pair_values, &n_values);
      if (pair_values != NULL)
        ds_codec_encode_pairs (values, pair_values, n_values, bytes);
      else
        ds_codec_encode_values (values, n_values, bytes);
      return;
    }

  text = ds_block_get_text (block, &n_text_bytes, &strip_cr);
  while ((n_values = ds_split_lines_scan (text, n_text_bytes, &offset, strip_cr, lines,
                                          DS_CODEC_N_LINES)) > 0)
    ds_codec_encode_values (lines, n_values, bytes);
}
