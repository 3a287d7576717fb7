/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Values and blocks as msgpack, one to one: null nil, bool, int, double float64, string
 * str, bytes bin, list array, tuple ext type 1 holding its items as an array's encoding.
 * A block is its values back to back; a block of pairs is encoded as tuples of two.
 *
 * Decoding trusts nothing: before anything is allocated a scan checks depth, counts and
 * lengths against the bytes that are left, and the caps below. */

#include "base/ds-block-private.h"

G_BEGIN_DECLS

#define DS_CODEC_MAX_DEPTH 16

typedef struct
{
  gsize n_values;     /* at the top */
  gsize n_items;      /* in all, nested ones included */
  gsize n_copy_bytes; /* that decoding will take from an arena */
} DsCodecScan;

void ds_codec_encode (DsValue value, GByteArray *bytes);
void ds_codec_encode_block (DsBlock *block, GByteArray *bytes);
/* FALSE with %DS_ERROR_CORRUPT, %DS_ERROR_TOO_DEEP or %DS_ERROR_LIMIT, naming the offset.
 */
gboolean ds_codec_scan (const guint8 *bytes,
                        gsize n_bytes,
                        gsize max_items,
                        DsCodecScan *scan,
                        GError **error);
/* @max_items 0: no other cap than the bytes themselves.  NULL with error as above. */
DsBlock *ds_codec_decode_block (const guint8 *bytes,
                                gsize n_bytes,
                                gsize max_items,
                                GError **error);

G_END_DECLS
