/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any bytes as msgpack: refused, or understood as msgpack's own unpacker does
 * (RELIABILITY B12).  What was understood is encoded again: not longer, and the same. */

#include "tests/base/ds-check-codec-private.h"
#include "tests/fuzz/ds-fuzz-private.h"

int
LLVMFuzzerTestOneInput (const guint8 *bytes, gsize n_bytes)
{
  g_autoptr (DsBlock) block = ds_codec_decode_block (bytes, n_bytes, 0, NULL);
  g_autoptr (GByteArray) again = g_byte_array_new ();
  g_autoptr (DsBlock) same = NULL;

  ds_check_codec (bytes, n_bytes);
  if (block == NULL)
    return 0;

  ds_codec_encode_block (block, again);
  same = ds_codec_decode_block (again->data, again->len, 0, NULL);
  g_assert_nonnull (same);
  g_assert_cmpuint (ds_block_get_length (same), ==, ds_block_get_length (block));
  for (gsize i = 0; i < ds_block_get_length (block); i++)
    g_assert_true (ds_value_equal (ds_block_get (same, i), ds_block_get (block, i)));
  return 0;
}
