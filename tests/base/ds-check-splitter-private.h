/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The splitter against a loop over bytes: for the tests and for the fuzzer. */

#include "base/ds-splitter-private.h"

G_BEGIN_DECLS

/* What the longest texts here can hold. */
#define DS_CHECK_MAX_SLICES 4096

typedef struct
{
  gsize start;
  gsize n_bytes;
} DsSlice;

gsize ds_naive_split_lines (const char *text,
                            gsize n_bytes,
                            gsize offset,
                            gboolean strip_cr,
                            DsSlice *slices);
/* Words and lines of @text from @offset on, @max at a time, by the form in use. */
void ds_check_splitter (const char *text, gsize n_bytes, gsize offset, gsize max);

G_END_DECLS
