/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Finding words and line ends, 64 bytes at a time.  The scanner is chosen once, at run
 * time (portable SWAR; SSE2, AVX2, AVX-512BW on x86-64); all give the same results and
 * none reads a byte outside of the text.  Any thread.  A text has at most %G_MAXUINT32
 * bytes, so that each of its words and lines is a value. */

#include "base/ds-value.h"

G_BEGIN_DECLS

/* With less room than this for results the scans look at each byte. */
#define DS_SPLITTER_ROOM 65

/* Writes the words of @text from *@offset on to @words, at most @max_words (> 0; fewer
 * may come although there are more), moves *@offset behind the last one found (to
 * @n_bytes at the end) and returns how many.  White space is space, \t, \n, \v, \f, \r;
 * no empty words.  0 means: no more.  What lies in @words behind the ones found is
 * overwritten.  Fast from 33 @max_words on. */
gsize ds_split_words_scan (const char *text,
                           gsize n_bytes,
                           gsize *offset,
                           DsValue *words,
                           gsize max_words);
/* The same for lines, \n as terminator; empty lines count; with @strip_cr one \r before
 * the \n goes.  What follows the last \n is a line when it is not empty.  Fast from 65
 * @max_lines on. */
gsize ds_split_lines_scan (const char *text,
                           gsize n_bytes,
                           gsize *offset,
                           gboolean strip_cr,
                           DsValue *lines,
                           gsize max_lines);
/* How many values ds_split_lines_scan () makes of @text (of any length). */
gsize ds_count_lines (const char *text, gsize n_bytes);
/* Offset behind the last \n, 0 when there is none. */
gsize ds_find_last_line_end (const char *text, gsize n_bytes);

/* For tests and benchmarks: "portable", "sse2", "avx2", "avx512bw"; FALSE when this
 * machine or build does not have it.  NULL: the best again. */
gboolean ds_splitter_use (const char *name);
const char *ds_splitter_get_name (void);

G_END_DECLS
