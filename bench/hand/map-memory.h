/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the hand-written programs have in common. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define INLINE static inline __attribute__ ((always_inline))
#define LIKELY(condition) __builtin_expect (!!(condition), 1)

/* Zeroed, on a 2 MiB border so that the kernel can use huge pages. */
static inline void *
map_memory (size_t n_bytes)
{
  const size_t huge = (size_t) 2 << 20;
  size_t rounded = (n_bytes + huge - 1) & ~(huge - 1);
  char *memory = mmap (NULL, rounded + huge, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

  if (memory == MAP_FAILED)
    {
      perror ("mmap");
      exit (1);
    }

  char *aligned = (char *) (((uintptr_t) memory + huge - 1) & ~(uintptr_t) (huge - 1));
  madvise (aligned, rounded, MADV_HUGEPAGE);
  return aligned;
}
