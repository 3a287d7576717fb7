/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The codec against msgpack's own unpacker: for the tests and for the fuzzer. */

#include "base/ds-codec-private.h"

G_BEGIN_DECLS

/* Asserts that msgpack accepts @bytes too and sees what is in @block. */
void ds_check_like_msgpack (DsBlock *block, const guint8 *bytes, gsize n_bytes);
/* Decodes bytes of any kind: asserts an error, or a block that is what the bytes say. */
void ds_check_codec (const guint8 *bytes, gsize n_bytes);

G_END_DECLS
