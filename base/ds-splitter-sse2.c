/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The splitter's form for every x86-64 of the last fifteen years: SSE2, and the counting
 * instruction that came with SSE4.2. */

#include "base/ds-splitter-form-private.h"

#if DS_SPLITTER_HAS_X86

#include <emmintrin.h>

#define DS_SPLITTER_TARGET __attribute__ ((target ("popcnt")))
#define DS_SPLITTER_INLINE \
  DS_SPLITTER_TARGET static inline __attribute__ ((always_inline))
#define DS_SPLITTER_FORM ds_splitter_form_sse2
#define DS_SPLITTER_NAME "sse2"

DS_SPLITTER_INLINE guint64
ds_splitter_match_16 (const char *bytes, int what)
{
  __m128i text = _mm_loadu_si128 ((const __m128i *) (gconstpointer) bytes);
  __m128i from_tab, match;

  if (what == DS_SPLITTER_WHITE)
    {
      from_tab = _mm_sub_epi8 (text, _mm_set1_epi8 ('\t'));
      match = _mm_or_si128 (_mm_cmpeq_epi8 (text, _mm_set1_epi8 (' ')),
                            _mm_cmpeq_epi8 (_mm_min_epu8 (from_tab,
                                                          _mm_set1_epi8 ('\r' - '\t')),
                                            from_tab));
    }
  else
    match = _mm_cmpeq_epi8 (text, _mm_set1_epi8 ((char) what));

  return (guint64) (guint32) _mm_movemask_epi8 (match);
}

DS_SPLITTER_INLINE guint64
ds_splitter_match_32 (const char *bytes, int what)
{
  return ds_splitter_match_16 (bytes, what) | ds_splitter_match_16 (bytes + 16, what)
                                                  << 16;
}

DS_SPLITTER_INLINE guint64
ds_splitter_match_64 (const char *bytes, int what)
{
  return ds_splitter_match_32 (bytes, what) | ds_splitter_match_32 (bytes + 32, what)
                                                  << 32;
}

DS_SPLITTER_INLINE guint64
ds_splitter_lowest (guint64 mask)
{
  return (guint64) __builtin_ctzll (mask | G_GUINT64_CONSTANT (1) << 63);
}

DS_SPLITTER_INLINE gsize
ds_splitter_count (guint64 mask)
{
  return (gsize) __builtin_popcountll (mask);
}

static gboolean
ds_splitter_is_supported (void)
{
  return __builtin_cpu_supports ("sse2") && __builtin_cpu_supports ("popcnt");
}

#include "base/ds-sanitizer-private.h"
#include "base/ds-splitter-scan-private.h"

#endif /* DS_SPLITTER_HAS_X86 */
