/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Keys and states as bytes.  Equality of keys is equality of their bytes, so what is
 * equal as a key but encoded differently, zeros and NaNs of doubles, is made the same
 * first.  Decoding trusts the bytes, which this file has written. */

#include "rdd/ds-state-codec-private.h"

#include "base/ds-codec-head-private.h"

#include <math.h>

/* ---- Encoding ---- */

void
ds_state_encode (DsValue value, GByteArray *bytes)
{
  guint8 head;

  /* Small ints and short strings, which most keys and states are, without the packer. */
  if (ds_value_is (value, DS_VALUE_TYPE_INT) && value.as.integer >= -32 &&
      value.as.integer <= 127)
    {
      head = (guint8) value.as.integer;
      g_byte_array_append (bytes, &head, 1);
    }
  else if (ds_value_is (value, DS_VALUE_TYPE_STRING) && value.size < 32)
    {
      head = (guint8) (0xa0 | value.size);
      g_byte_array_append (bytes, &head, 1);
      if (value.size > 0)
        g_byte_array_append (bytes, (const guint8 *) value.as.bytes, value.size);
    }
  else
    ds_codec_encode (value, bytes);
}

static gboolean
ds_state_has_items (DsValue value)
{
  return ds_value_is (value, DS_VALUE_TYPE_TUPLE) ||
         ds_value_is (value, DS_VALUE_TYPE_LIST);
}

static gboolean
ds_state_is_canonical (DsValue value)
{
  if (ds_value_is (value, DS_VALUE_TYPE_DOUBLE))
    return !isnan (value.as.number) &&
           (value.as.number != 0.0 || !signbit (value.as.number));
  if (ds_state_has_items (value))
    for (guint32 i = 0; i < value.size; i++)
      if (!ds_state_is_canonical (value.as.items[i]))
        return FALSE;
  return TRUE;
}

static DsValue
ds_state_make_canonical (DsValue value, DsArena *arena)
{
  if (ds_value_is (value, DS_VALUE_TYPE_DOUBLE) && isnan (value.as.number))
    return ds_value_double ((double) NAN);
  if (ds_value_is (value, DS_VALUE_TYPE_DOUBLE) && value.as.number == 0.0)
    return ds_value_double (0.0);
  if (ds_state_has_items (value))
    {
      DsValue *items = ds_arena_alloc (arena, value.size * sizeof *items);

      for (guint32 i = 0; i < value.size; i++)
        items[i] = ds_state_make_canonical (value.as.items[i], arena);
      value.as.items = items;
    }
  return value;
}

void
ds_state_encode_key (DsValue value, GByteArray *bytes)
{
  if (ds_state_is_canonical (value))
    ds_state_encode (value, bytes);
  else
    {
      g_autoptr (DsArena) arena = ds_arena_new (NULL);

      ds_state_encode (ds_state_make_canonical (value, arena), bytes);
    }
}

DsStateKey
ds_state_make_key (DsValue value, GByteArray *scratch)
{
  DsStateKey key;

  g_byte_array_set_size (scratch, 0);
  ds_state_encode_key (value, scratch);
  key.bytes = scratch->data;
  key.n_bytes = scratch->len;
  key.hash = ds_state_hash (key.bytes, key.n_bytes);
  return key;
}

/* ---- Decoding ---- */

static DsValue
ds_state_decode_at (const guint8 **at, DsArena *arena)
{
  DsCodecHead head;
  DsValue *items;

  ds_codec_read_head (*at, G_MAXSIZE, &head);
  *at += head.n_head;
  if (head.is_ext)
    {
      ds_codec_read_head (*at, G_MAXSIZE, &head);
      *at += head.n_head;
      head.type = DS_VALUE_TYPE_TUPLE;
    }
  *at += head.n_bytes;

  switch (head.type)
    {
    case DS_VALUE_TYPE_BOOL:
      return ds_value_bool (head.integer != 0);
    case DS_VALUE_TYPE_INT:
      return ds_value_int (head.integer);
    case DS_VALUE_TYPE_DOUBLE:
      return ds_value_double (head.number);
    case DS_VALUE_TYPE_STRING:
      return ds_value_string_sized ((const char *) *at - head.n_bytes, head.n_bytes);
    case DS_VALUE_TYPE_BYTES:
      return ds_value_bytes (*at - head.n_bytes, head.n_bytes);
    case DS_VALUE_TYPE_TUPLE:
    case DS_VALUE_TYPE_LIST:
      items = ds_arena_alloc (arena, head.n_items * sizeof *items);
      for (guint32 i = 0; i < head.n_items; i++)
        items[i] = ds_state_decode_at (at, arena);
      return head.type == DS_VALUE_TYPE_TUPLE ? ds_value_tuple (items, head.n_items)
                                              : ds_value_list (items, head.n_items);
    case DS_VALUE_TYPE_NULL:
    default:
      return ds_value_null ();
    }
}

DsValue
ds_state_decode (const guint8 *bytes, DsArena *arena)
{
  return ds_state_decode_at (&bytes, arena);
}

void
ds_state_decode_rows (const GByteArray *bytes,
                      const DsStateRow *rows,
                      gsize n_rows,
                      DsArena *arena,
                      DsValue *keys,
                      DsValue *states)
{
  for (gsize i = 0; i < n_rows; i++)
    {
      keys[i] = ds_state_decode (bytes->data + rows[i].key_at, arena);
      states[i] = rows[i].n_state != DS_STATE_ABSENT
                      ? ds_state_decode (bytes->data + rows[i].state_at, arena)
                      : ds_value_null ();
    }
}
