/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Values and blocks as msgpack, one to one: null nil, bool, int, double float64, string
 * str, bytes bin, list array, tuple ext type 1 holding its items as an array's encoding.
 * A block is its values back to back; a block of pairs is encoded as tuples of two, and
 * bytes that hold only tuples of two become a block of pairs.  Each value is encoded in
 * the shortest form, so equal bytes are equal values; every form is understood, float32
 * too.
 *
 * Decoding trusts nothing: before anything is allocated a scan checks depth, counts and
 * lengths against the bytes that are left, and the caps below.  A scan never reads a byte
 * twice, and decoding takes at most 16 bytes of memory for each of @bytes.  Any thread.
 */

#include "base/ds-block-private.h"

G_BEGIN_DECLS

/* Lists and tuples within each other.  What lies deeper is encoded, but not decoded. */
#define DS_CODEC_MAX_DEPTH 16
#define DS_CODEC_EXT_TUPLE 1

typedef struct
{
  gsize n_values;     /* at the top */
  gsize n_items;      /* in all, nested ones and those at the top included */
  gsize n_copy_bytes; /* that decoding will take from an arena */

  /*< private >*/
  gsize n_nested_items; /* that will lie in the arena on their own */
  gsize n_string_bytes;
  gboolean is_pairs; /* every value at the top is a tuple of two, and there is one */
} DsCodecScan;

/* Appended to @bytes, of which there may be 4 GiB. */
void ds_codec_encode (DsValue value, GByteArray *bytes);
void ds_codec_encode_block (DsBlock *block, GByteArray *bytes);
/* FALSE with %DS_ERROR_CORRUPT, %DS_ERROR_TOO_DEEP or %DS_ERROR_LIMIT, naming the offset.
 * @max_items 0: no other cap than the bytes themselves. */
gboolean ds_codec_scan (const guint8 *bytes,
                        gsize n_bytes,
                        gsize max_items,
                        DsCodecScan *scan,
                        GError **error);
/* The same of bytes that may end within a value: *@n_whole is where the last whole one
 * ends, and @scan is about those before.  Also set when it fails: what came before the
 * damage is whole. */
gboolean ds_codec_scan_prefix (const guint8 *bytes,
                               gsize n_bytes,
                               DsCodecScan *scan,
                               gsize *n_whole,
                               GError **error);
/* The same of bytes that were scanned before, as far as decoding takes about
 * @max_copy_bytes of memory, but at least one value; *@n_taken is where they end. */
void ds_codec_scan_piece (const guint8 *bytes,
                          gsize n_bytes,
                          gsize max_copy_bytes,
                          DsCodecScan *scan,
                          gsize *n_taken);
/* What was scanned, into n_copy_bytes of @memory; *@pair_values is NULL unless all values
 * are pairs.  Cannot fail. */
void ds_codec_decode_scanned (const guint8 *bytes,
                              const DsCodecScan *scan,
                              gpointer memory,
                              const DsValue **values,
                              const DsValue **pair_values);
/* The same into a block of its own. */
DsBlock *ds_codec_decode_scanned_block (const guint8 *bytes, const DsCodecScan *scan);
/* Nothing of the result lies in @bytes.  NULL with error as above. */
DsBlock *ds_codec_decode_block (const guint8 *bytes,
                                gsize n_bytes,
                                gsize max_items,
                                GError **error);

G_END_DECLS
