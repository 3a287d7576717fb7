/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The inner loop of the hand-written word counts, for the best instruction set that the
 * processor has.  White space is space, \t, \n, \v, \f, \r, as for ds_split_words (). */

#include "bench/hand/word-table.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum
{
  N_PENDING = 256
};

typedef struct
{
  uint64_t head;
  uint64_t tail;
  uint64_t hash;
  uint64_t n_bytes;
} PendingWord;

INLINE void
count_pending (WordTable *table, const PendingWord *pending, unsigned n_pending)
{
  for (unsigned i = 0; i < n_pending; i++)
    word_table_add_short (table, pending[i].head, pending[i].tail, pending[i].n_bytes,
                          pending[i].hash, 1);
}

INLINE int
is_space (char byte)
{
  return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

#if defined(__x86_64__)

INLINE uint64_t
space_mask_sse2 (const char *bytes)
{
  uint64_t mask = 0;

  for (int i = 0; i < 4; i++)
    {
      __m128i part = _mm_loadu_si128 ((const __m128i *) (const void *) (bytes + 16 * i));
      __m128i blank = _mm_cmpeq_epi8 (part, _mm_set1_epi8 (' '));
      __m128i moved = _mm_sub_epi8 (part, _mm_set1_epi8 ('\t')); /* \t to \r: 0 to 4 */
      __m128i control = _mm_cmpeq_epi8 (_mm_min_epu8 (moved, _mm_set1_epi8 (4)), moved);

      mask |= (uint64_t) (uint32_t) _mm_movemask_epi8 (_mm_or_si128 (blank, control))
              << (16 * i);
    }
  return mask;
}

#define COUNT_TEXT count_text_sse2
#define COUNT_TARGET
#define SPACE_MASK space_mask_sse2
#include "bench/hand/count-text.h"

#define AVX2_TARGET __attribute__ ((target ("avx2,bmi")))

AVX2_TARGET INLINE uint64_t
space_mask_avx2 (const char *bytes)
{
  uint64_t mask = 0;

  for (int i = 0; i < 2; i++)
    {
      __m256i part =
          _mm256_loadu_si256 ((const __m256i *) (const void *) (bytes + 32 * i));
      __m256i blank = _mm256_cmpeq_epi8 (part, _mm256_set1_epi8 (' '));
      __m256i moved = _mm256_sub_epi8 (part, _mm256_set1_epi8 ('\t'));
      __m256i control =
          _mm256_cmpeq_epi8 (_mm256_min_epu8 (moved, _mm256_set1_epi8 (4)), moved);

      mask |=
          (uint64_t) (uint32_t) _mm256_movemask_epi8 (_mm256_or_si256 (blank, control))
          << (32 * i);
    }
  return mask;
}

#define COUNT_TEXT count_text_avx2
#define COUNT_TARGET AVX2_TARGET
#define SPACE_MASK space_mask_avx2
#include "bench/hand/count-text.h"

#else

INLINE uint64_t
space_mask_portable (const char *bytes)
{
  uint64_t mask = 0;

  for (int i = 0; i < 64; i++)
    mask |= (uint64_t) is_space (bytes[i]) << i;
  return mask;
}

#define COUNT_TEXT count_text_portable
#define COUNT_TARGET
#define SPACE_MASK space_mask_portable
#include "bench/hand/count-text.h"

#endif

/* The words of @text, which has TEXT_PADDING readable bytes behind it. */
static inline void
count_text (WordTable *table, const char *text, size_t n_bytes)
{
#if defined(__x86_64__)
  if (__builtin_cpu_supports ("avx2"))
    count_text_avx2 (table, text, n_bytes);
  else
    count_text_sse2 (table, text, n_bytes);
#else
  count_text_portable (table, text, n_bytes);
#endif
}

/* Behind the last white space of @text; 0 when there is none. */
static inline size_t
find_last_word (const char *text, size_t n_bytes)
{
  while (n_bytes > 0 && !is_space (text[n_bytes - 1]))
    n_bytes--;
  return n_bytes;
}
