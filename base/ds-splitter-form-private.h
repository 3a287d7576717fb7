/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The forms of the splitter: what each machine's version provides. */

#include "base/ds-splitter-private.h"

G_BEGIN_DECLS

typedef struct
{
  const char *name;
  gboolean (*is_supported) (void);
  gsize (*split_words) (const char *text,
                        gsize n_bytes,
                        gsize *offset,
                        DsValue *words,
                        gsize max_words);
  gsize (*split_lines) (const char *text,
                        gsize n_bytes,
                        gsize *offset,
                        gboolean strip_cr,
                        DsValue *lines,
                        gsize max_lines);
  gsize (*count_line_ends) (const char *text, gsize n_bytes);
} DsSplitterForm;

extern const DsSplitterForm ds_splitter_form_portable;

#if defined(__x86_64__) && defined(__GNUC__)
#define DS_SPLITTER_HAS_X86 1
extern const DsSplitterForm ds_splitter_form_sse2;
extern const DsSplitterForm ds_splitter_form_avx2;
extern const DsSplitterForm ds_splitter_form_avx512bw;
#else
#define DS_SPLITTER_HAS_X86 0
#endif

/* What a mask is made of: a byte, or this. */
#define DS_SPLITTER_WHITE (-1)

/* Space, \t, \n, \v, \f, \r. */
static inline gboolean
ds_splitter_is_white (guint8 byte)
{
  return byte == ' ' || (guint8) (byte - '\t') <= '\r' - '\t';
}

G_END_DECLS
