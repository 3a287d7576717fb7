/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Telling AddressSanitizer which memory is free although it is still mapped.  Nothing in
 * other builds.  And whether bytes behind a value may be read, as long as they lie in its
 * page: harmless, and still nothing that a sanitizer lets pass. */

#if defined(__SANITIZE_ADDRESS__)
#define DS_HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define DS_HAS_ASAN 1
#endif
#endif

#ifdef DS_HAS_ASAN
#include <sanitizer/asan_interface.h>
#define DS_ASAN_POISON(memory, n_bytes) __asan_poison_memory_region ((memory), (n_bytes))
#define DS_ASAN_UNPOISON(memory, n_bytes) \
  __asan_unpoison_memory_region ((memory), (n_bytes))
#else
#define DS_HAS_ASAN 0
#define DS_ASAN_POISON(memory, n_bytes) ((void) 0)
#define DS_ASAN_UNPOISON(memory, n_bytes) ((void) 0)
#endif

#if defined(__SANITIZE_THREAD__)
#define DS_HAS_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define DS_HAS_TSAN 1
#endif
#endif
#ifndef DS_HAS_TSAN
#define DS_HAS_TSAN 0
#endif

#define DS_MAY_READ_PAST_VALUES (!DS_HAS_ASAN && !DS_HAS_TSAN)
