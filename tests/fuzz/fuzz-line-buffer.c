/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any text in any pieces through a line buffer, against splitting it in one piece.  Eight
 * bytes at the front say how: size of the buffer, length limit, five choices in the bits
 * of one byte, five sizes of pieces. */

#include "tests/base/ds-check-line-buffer-private.h"
#include "tests/fuzz/ds-fuzz-private.h"

#define N_PIECES 5
#define N_HEAD (3 + N_PIECES)

int
LLVMFuzzerTestOneInput (const guint8 *bytes, gsize n_bytes)
{
  guint16 pieces[N_PIECES];
  DsLineBufferCase what = { .pieces = pieces, .n_pieces = N_PIECES };

  if (n_bytes < N_HEAD)
    return 0;
  what.buffer_bytes = (gsize) bytes[0] + 1;
  what.max_line_bytes = (gsize) bytes[1] + 1;
  what.policy = (bytes[2] & 1) != 0 ? DS_LONG_LINE_SPLIT : DS_LONG_LINE_SKIP;
  what.strip_cr = (bytes[2] & 2) != 0;
  what.deliver_rest = (bytes[2] & 4) != 0;
  what.takes_when_full = (bytes[2] & 8) != 0;
  for (gsize i = 0; i < N_PIECES; i++)
    pieces[i] = bytes[3 + i];
  ds_check_line_buffer (&what, (const char *) bytes + N_HEAD, n_bytes - N_HEAD);
  return 0;
}
