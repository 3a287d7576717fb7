/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any text through each form of the splitter, against a loop over its bytes.  The first
 * byte says where to begin, the second how many results are asked for at a time. */

#include "tests/base/ds-check-splitter-private.h"
#include "tests/fuzz/ds-fuzz-private.h"

int
LLVMFuzzerTestOneInput (const guint8 *bytes, gsize n_bytes)
{
  static const char *const forms[] = { "portable", "sse2", "avx2", "avx512bw" };
  const gsize n_head = 2;

  if (n_bytes < n_head)
    return 0;
  for (gsize i = 0; i < G_N_ELEMENTS (forms); i++)
    if (ds_splitter_use (forms[i]))
      {
        const char *text = (const char *) bytes + n_head;
        const gsize n_text = MIN (n_bytes - n_head, DS_CHECK_MAX_SLICES);

        ds_check_splitter (text, n_text, MIN (bytes[0], n_text), MAX (bytes[1], 1));
      }
  ds_splitter_use (NULL);
  return 0;
}
