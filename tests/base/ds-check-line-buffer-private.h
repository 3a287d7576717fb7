/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The line buffer against a loop over the whole text: for the tests and for the fuzzer.
 */

#include "base/ds-line-buffer-private.h"

G_BEGIN_DECLS

/* How a text goes through a line buffer. */
typedef struct
{
  gsize buffer_bytes;
  gsize max_line_bytes;
  DsLongLinePolicy policy; /* not DS_LONG_LINE_FAIL */
  gboolean strip_cr;
  gboolean deliver_rest;
  gboolean takes_when_full; /* and not after pieces with the lowest bit */
  const guint16 *pieces;    /* twice the size of each, over and over */
  gsize n_pieces;
} DsLineBufferCase;

void
ds_check_line_buffer (const DsLineBufferCase *what, const char *bytes, gsize n_bytes);

/* ---- Its parts ---- */

void ds_put_bytes (DsLineBuffer *buffer, const char *bytes, gsize n_bytes);
GPtrArray *ds_new_lines (void); /* of GBytes */
/* Appends the lines of @block (transfer full) (nullable). */
void ds_add_lines (DsBlock *block, GPtrArray *lines);
void ds_assert_lines (GPtrArray *found, GPtrArray *expected);

G_END_DECLS
