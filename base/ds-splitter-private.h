/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Finding words and line ends, 64 bytes at a time.  The scanner is chosen once, at run
 * time (portable SWAR; SSE2, AVX2, AVX-512BW on x86-64); all give the same results.  No
 * function depends on bytes past the end, though the fast forms may read up to 63 of them
 * when they lie in the same page (never under a sanitizer). */

#include "base/ds-value.h"

G_BEGIN_DECLS

/* Appends the words of @text from *@offset on to @words, at most @max_words, moves
 * *@offset behind the last one found (to @n_bytes at the end) and returns how many. White
 * space is space, \t, \n, \v, \f, \r; no empty words.  0 means: no more. */
gsize ds_split_words_scan (const char *text,
                           gsize n_bytes,
                           gsize *offset,
                           DsValue *words,
                           gsize max_words);
/* The same for lines, \n as terminator; empty lines count; with @strip_cr one \r before
 * the \n goes.  What follows the last \n is a line when it is not empty. */
gsize ds_split_lines_scan (const char *text,
                           gsize n_bytes,
                           gsize *offset,
                           gboolean strip_cr,
                           DsValue *lines,
                           gsize max_lines);
/* How many values ds_split_lines_scan () makes of @text. */
gsize ds_count_lines (const char *text, gsize n_bytes);
/* Offset behind the last \n, 0 when there is none. */
gsize ds_find_last_line_end (const char *text, gsize n_bytes);

/* For tests and benchmarks: "portable", "sse2", "avx2", "avx512bw"; FALSE when this
 * machine or build does not have it.  NULL: the best again. */
gboolean ds_splitter_use (const char *name);
const char *ds_splitter_get_name (void);

G_END_DECLS
