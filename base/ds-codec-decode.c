/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Decoding walks bytes that a scan has found whole, and writes the columns, the items of
 * lists and tuples, and the bytes of strings each into one stretch of an arena, which the
 * scan has measured.  msgpack's unpacker would make a tree of its own objects first,
 * twice the memory and time, only to be walked the same way. */

#include "base/ds-codec-head-private.h"

typedef struct
{
  const guint8 *at;
  DsValue *items; /* where the next nested ones go */
  char *strings;  /* where the bytes of the next string go */
} DsCodecDecoder;

static DsValue ds_codec_decode_value (DsCodecDecoder *self);

/* The items of a container into places of their own. */
static const DsValue *
ds_codec_decode_items (DsCodecDecoder *self, guint32 n_items)
{
  DsValue *items = self->items;

  self->items += n_items;
  for (guint32 i = 0; i < n_items; i++)
    items[i] = ds_codec_decode_value (self);
  return items;
}

static const char *
ds_codec_decode_bytes (DsCodecDecoder *self, guint32 n_bytes)
{
  char *bytes = self->strings;

  if (n_bytes > 0)
    memcpy (bytes, self->at, n_bytes);
  self->at += n_bytes;
  self->strings += n_bytes;
  return bytes;
}

/* The head at the cursor, and how many items follow.  Checked before: cannot fail. */
static DsCodecHead
ds_codec_decode_head (DsCodecDecoder *self)
{
  DsCodecHead head;

  ds_codec_read_head (self->at, G_MAXSIZE, &head);
  self->at += head.n_head;
  if (head.is_ext)
    {
      ds_codec_read_head (self->at, G_MAXSIZE, &head);
      self->at += head.n_head;
      head.type = DS_VALUE_TYPE_TUPLE;
    }
  return head;
}

static DsValue
ds_codec_decode_value (DsCodecDecoder *self)
{
  DsCodecHead head = ds_codec_decode_head (self);

  switch (head.type)
    {
    case DS_VALUE_TYPE_BOOL:
      return ds_value_bool (head.integer != 0);
    case DS_VALUE_TYPE_INT:
      return ds_value_int (head.integer);
    case DS_VALUE_TYPE_DOUBLE:
      return ds_value_double (head.number);
    case DS_VALUE_TYPE_STRING:
      return ds_value_string_sized (ds_codec_decode_bytes (self, head.n_bytes),
                                    head.n_bytes);
    case DS_VALUE_TYPE_BYTES:
      return ds_value_bytes (ds_codec_decode_bytes (self, head.n_bytes), head.n_bytes);
    case DS_VALUE_TYPE_TUPLE:
      return ds_value_tuple (ds_codec_decode_items (self, head.n_items), head.n_items);
    case DS_VALUE_TYPE_LIST:
      return ds_value_list (ds_codec_decode_items (self, head.n_items), head.n_items);
    case DS_VALUE_TYPE_NULL:
    default:
      return ds_value_null ();
    }
}

void
ds_codec_decode_scanned (const guint8 *bytes,
                         const DsCodecScan *scan,
                         gpointer memory,
                         const DsValue **values,
                         const DsValue **pair_values)
{
  DsCodecDecoder decoder = { bytes, NULL, NULL };
  DsValue *column = memory;
  DsValue *pair_column = NULL;

  decoder.items = column + scan->n_values;
  if (scan->is_pairs)
    {
      pair_column = column + scan->n_values;
      decoder.items = pair_column + scan->n_values;
    }
  decoder.strings = (char *) (decoder.items + scan->n_nested_items);

  for (gsize i = 0; i < scan->n_values; i++)
    {
      if (scan->is_pairs)
        {
          ds_codec_decode_head (&decoder);
          column[i] = ds_codec_decode_value (&decoder);
          pair_column[i] = ds_codec_decode_value (&decoder);
        }
      else
        column[i] = ds_codec_decode_value (&decoder);
    }
  *values = column;
  *pair_values = pair_column;
}

DsBlock *
ds_codec_decode_scanned_block (const guint8 *bytes, const DsCodecScan *scan)
{
  DsArena *arena = ds_arena_new_sized (NULL, scan->n_copy_bytes);
  const DsValue *values;
  const DsValue *pair_values;

  ds_codec_decode_scanned (bytes, scan, ds_arena_alloc (arena, scan->n_copy_bytes),
                           &values, &pair_values);
  return ds_block_new_take_columns (arena, values, pair_values, scan->n_values);
}

DsBlock *
ds_codec_decode_block (const guint8 *bytes,
                       gsize n_bytes,
                       gsize max_items,
                       GError **error)
{
  DsCodecScan scan;

  if (!ds_codec_scan (bytes, n_bytes, max_items, &scan, error))
    return NULL;
  return ds_codec_decode_scanned_block (bytes, &scan);
}
