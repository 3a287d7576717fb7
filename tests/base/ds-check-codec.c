/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/base/ds-check-codec-private.h"

#include "base/ds-error.h"

#include <msgpack.h>
#include <string.h>

static gboolean
is_like_object (DsValue value, const msgpack_object *object)
{
  msgpack_unpacked inner;
  gboolean is_like = TRUE;
  size_t offset = 0;

  switch (object->type)
    {
    case MSGPACK_OBJECT_NIL:
      return ds_value_is_null (value);
    case MSGPACK_OBJECT_BOOLEAN:
      return ds_value_is (value, DS_VALUE_TYPE_BOOL) &&
             ds_value_get_bool (value) == object->via.boolean;
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
      return ds_value_is (value, DS_VALUE_TYPE_INT) &&
             (guint64) ds_value_get_int (value) == object->via.u64;
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
      return ds_value_is (value, DS_VALUE_TYPE_INT) &&
             ds_value_get_int (value) == object->via.i64;
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
      return ds_value_equal (value, ds_value_double (object->via.f64));
    case MSGPACK_OBJECT_STR:
      return ds_value_equal (value, ds_value_string_sized (object->via.str.ptr,
                                                           object->via.str.size));
    case MSGPACK_OBJECT_BIN:
      return ds_value_equal (value,
                             ds_value_bytes (object->via.bin.ptr, object->via.bin.size));
    case MSGPACK_OBJECT_ARRAY:
      if (!ds_value_is (value, DS_VALUE_TYPE_LIST) ||
          ds_value_get_n_items (value) != object->via.array.size)
        return FALSE;
      for (guint i = 0; i < object->via.array.size; i++)
        if (!is_like_object (ds_value_get_item (value, i), object->via.array.ptr + i))
          return FALSE;
      return TRUE;
    case MSGPACK_OBJECT_EXT:
      if (object->via.ext.type != 1 || !ds_value_is (value, DS_VALUE_TYPE_TUPLE))
        return FALSE;
      msgpack_unpacked_init (&inner);
      is_like = msgpack_unpack_next (&inner, object->via.ext.ptr, object->via.ext.size,
                                     &offset) == MSGPACK_UNPACK_SUCCESS &&
                offset == object->via.ext.size &&
                is_like_object (ds_value_list (value.as.items, value.size), &inner.data);
      msgpack_unpacked_destroy (&inner);
      return is_like;
    case MSGPACK_OBJECT_MAP:
    default:
      return FALSE;
    }
}

void
ds_check_like_msgpack (DsBlock *block, const guint8 *bytes, gsize n_bytes)
{
  msgpack_unpacked unpacked;
  size_t offset = 0;

  msgpack_unpacked_init (&unpacked);
  for (gsize i = 0; i < ds_block_get_length (block); i++)
    {
      g_assert_cmpint (msgpack_unpack_next (&unpacked, (const char *) bytes, n_bytes,
                                            &offset),
                       ==, MSGPACK_UNPACK_SUCCESS);
      g_assert_true (is_like_object (ds_block_get (block, i), &unpacked.data));
    }
  g_assert_cmpuint (offset, ==, n_bytes);
  msgpack_unpacked_destroy (&unpacked);
}

void
ds_check_codec (const guint8 *bytes, gsize n_bytes)
{
  /* The last byte is the last of its memory. */
  g_autofree guint8 *exact = g_memdup2 (bytes, n_bytes);
  g_autoptr (GError) error = NULL;
  g_autoptr (DsBlock) block = ds_codec_decode_block (exact, n_bytes, 0, &error);
  DsCodecScan scan;

  g_assert_true ((block == NULL) == (error != NULL));
  if (error != NULL)
    {
      g_assert_true (error->domain == DS_ERROR);
      g_assert_true (error->code == DS_ERROR_CORRUPT ||
                     error->code == DS_ERROR_TOO_DEEP || error->code == DS_ERROR_LIMIT);
      g_assert_nonnull (strstr (error->message, "at byte "));
      return;
    }

  g_assert_true (ds_codec_scan (exact, n_bytes, 0, &scan, NULL));
  g_assert_cmpuint (scan.n_values, ==, ds_block_get_length (block));
  g_assert_cmpuint (scan.n_items, >=, scan.n_values);
  g_assert_cmpuint (scan.n_items, <=, n_bytes);
  g_assert_cmpuint (scan.n_copy_bytes, <=, 16 * n_bytes + 16);
  ds_check_like_msgpack (block, exact, n_bytes);
}
