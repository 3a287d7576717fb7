/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Between values and the bytes that a table of states keeps: msgpack, as everywhere. */

#include "base/ds-arena-private.h"
#include "base/ds-block.h"
#include "rdd/ds-state-table-private.h"

G_BEGIN_DECLS

/* Appended to @bytes.  As a key: equal keys give equal bytes, also -0.0 and 0.0. */
void ds_state_encode (DsValue value, GByteArray *bytes);
void ds_state_encode_key (DsValue value, GByteArray *bytes);
/* Encodes @value into @scratch, which is emptied first. */
DsStateKey ds_state_make_key (DsValue value, GByteArray *scratch);
/* A value that ds_state_encode () wrote.  Its strings lie in @bytes; items of tuples and
 * lists in @arena. */
DsValue ds_state_decode (const guint8 *bytes, DsArena *arena);
/* Pairs (key, state) of @rows, which lie in @bytes, into two columns. */
void ds_state_decode_rows (const GByteArray *bytes,
                           const DsStateRow *rows,
                           gsize n_rows,
                           DsArena *arena,
                           DsValue *keys,
                           DsValue *states);

G_END_DECLS
