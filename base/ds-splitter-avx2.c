/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The splitter's form for AVX2.  White space is found by one table look-up: the low four
 * bits of a byte choose the only white byte that has them (a byte above 127 gets 0, which
 * it is not), and a byte that equals its choice is white. */

#include "base/ds-splitter-form-private.h"

#if DS_SPLITTER_HAS_X86

#include <immintrin.h>

#define DS_SPLITTER_TARGET __attribute__ ((target ("avx2,bmi,popcnt")))
#define DS_SPLITTER_INLINE \
  DS_SPLITTER_TARGET static inline __attribute__ ((always_inline))
#define DS_SPLITTER_FORM ds_splitter_form_avx2
#define DS_SPLITTER_NAME "avx2"

DS_SPLITTER_INLINE __m128i
ds_splitter_white_table (void)
{
  return _mm_setr_epi8 (' ', 0, 0, 0, 0, 0, 0, 0, 0, '\t', '\n', '\v', '\f', '\r', 0, 0);
}

DS_SPLITTER_INLINE guint64
ds_splitter_match_16 (const char *bytes, int what)
{
  __m128i text = _mm_loadu_si128 ((const __m128i *) (gconstpointer) bytes);
  __m128i wanted = what == DS_SPLITTER_WHITE
                       ? _mm_shuffle_epi8 (ds_splitter_white_table (), text)
                       : _mm_set1_epi8 ((char) what);

  return (guint64) (guint32) _mm_movemask_epi8 (_mm_cmpeq_epi8 (text, wanted));
}

DS_SPLITTER_INLINE guint64
ds_splitter_match_32 (const char *bytes, int what)
{
  __m256i text = _mm256_loadu_si256 ((const __m256i *) (gconstpointer) bytes);
  __m256i wanted =
      what == DS_SPLITTER_WHITE
          ? _mm256_shuffle_epi8 (_mm256_broadcastsi128_si256 (ds_splitter_white_table ()),
                                 text)
          : _mm256_set1_epi8 ((char) what);

  return (guint64) (guint32) _mm256_movemask_epi8 (_mm256_cmpeq_epi8 (text, wanted));
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
  return _tzcnt_u64 (mask);
}

DS_SPLITTER_INLINE gsize
ds_splitter_count (guint64 mask)
{
  return (gsize) __builtin_popcountll (mask);
}

static gboolean
ds_splitter_is_supported (void)
{
  return __builtin_cpu_supports ("avx2") && __builtin_cpu_supports ("bmi") &&
         __builtin_cpu_supports ("popcnt");
}

#include "base/ds-sanitizer-private.h"
#include "base/ds-splitter-scan-private.h"

#endif /* DS_SPLITTER_HAS_X86 */
