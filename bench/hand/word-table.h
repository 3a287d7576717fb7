/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Words and how often each was seen: an open table with linear probing.
 *
 * A word of up to 16 bytes lies in its slot, padded with zeros, and is compared as two
 * integers; a longer one lies beside the table and is compared by hash first.  Slots are
 * half a cache line, so that none crosses one. */

#include "bench/hand/map-memory.h"

enum
{
  INLINE_BYTES = 16, /* of a word */
  TEXT_PADDING = 64, /* readable bytes that every text has behind its end */
  FIRST_LOG2_SLOTS = 14
};

typedef struct
{
  uint64_t head; /* bytes 0 to 7; of a long word its hash */
  uint64_t tail; /* bytes 8 to 15; of a long word the address of its copy */
  uint64_t count;
  uint64_t n_bytes;
} WordSlot;

typedef struct
{
  WordSlot *slots;
  uint64_t mask;
  uint64_t n_words;
} WordTable;

INLINE uint64_t
load_8 (const char *bytes)
{
  uint64_t word;

  memcpy (&word, bytes, sizeof word);
  return word;
}

/* High and low half of the product folded together. */
INLINE uint64_t
multiply_fold (uint64_t a, uint64_t b)
{
  unsigned __int128 product = (unsigned __int128) a * b;

  return (uint64_t) product ^ (uint64_t) (product >> 64);
}

INLINE uint64_t
hash_short (uint64_t head, uint64_t tail)
{
  return multiply_fold (head ^ UINT64_C (0x2d358dccaa6c78a5),
                        tail ^ UINT64_C (0x8bb84b93962eacc9));
}

/* Of more than 16 bytes. */
static uint64_t
hash_long (const char *word, uint64_t n_bytes)
{
  uint64_t hash = n_bytes;

  for (uint64_t i = 0; i + 16 < n_bytes; i += 16)
    hash = hash_short (load_8 (word + i) ^ hash, load_8 (word + i + 8));
  return hash_short (load_8 (word + n_bytes - 16) ^ hash, load_8 (word + n_bytes - 8));
}

/* The first 16 bytes with zeros behind the word's end. */
INLINE void
load_short (const char *word, uint64_t n_bytes, uint64_t *head, uint64_t *tail)
{
  static const uint64_t masks[INLINE_BYTES + 1][2] = {
    { 0, 0 },
    { 0xff, 0 },
    { 0xffff, 0 },
    { 0xffffff, 0 },
    { 0xffffffff, 0 },
    { 0xffffffffff, 0 },
    { 0xffffffffffff, 0 },
    { 0xffffffffffffff, 0 },
    { UINT64_MAX, 0 },
    { UINT64_MAX, 0xff },
    { UINT64_MAX, 0xffff },
    { UINT64_MAX, 0xffffff },
    { UINT64_MAX, 0xffffffff },
    { UINT64_MAX, 0xffffffffff },
    { UINT64_MAX, 0xffffffffffff },
    { UINT64_MAX, 0xffffffffffffff },
    { UINT64_MAX, UINT64_MAX },
  };

  *head = load_8 (word) & masks[n_bytes][0];
  *tail = load_8 (word + 8) & masks[n_bytes][1];
}

static void
word_table_init (WordTable *self, unsigned log2_slots)
{
  self->slots = map_memory (sizeof (WordSlot) << log2_slots);
  self->mask = (UINT64_C (1) << log2_slots) - 1;
  self->n_words = 0;
}

static __attribute__ ((noinline)) void
word_table_grow (WordTable *self)
{
  WordSlot *old = self->slots;
  uint64_t n_old = self->mask + 1;

  self->slots = map_memory (sizeof (WordSlot) * n_old * 2);
  self->mask = n_old * 2 - 1;
  for (uint64_t i = 0; i < n_old; i++)
    {
      if (old[i].count == 0)
        continue;

      uint64_t hash = old[i].n_bytes > INLINE_BYTES
                          ? old[i].head
                          : hash_short (old[i].head, old[i].tail);
      uint64_t j = hash & self->mask;

      while (self->slots[j].count != 0)
        j = (j + 1) & self->mask;
      self->slots[j] = old[i];
    }
  munmap (old, sizeof (WordSlot) * n_old);
}

/* At most 5 of 8 slots are taken. */
INLINE void
word_table_inserted (WordTable *self)
{
  if (++self->n_words * 8 > (self->mask + 1) * 5)
    word_table_grow (self);
}

INLINE void
word_table_add_short (WordTable *self,
                      uint64_t head,
                      uint64_t tail,
                      uint64_t n_bytes,
                      uint64_t hash,
                      uint64_t count)
{
  for (uint64_t i = hash & self->mask;; i = (i + 1) & self->mask)
    {
      WordSlot *slot = &self->slots[i];

      if (LIKELY (slot->head == head && slot->tail == tail && slot->n_bytes == n_bytes))
        {
          slot->count += count;
          return;
        }
      if (slot->count == 0)
        {
          *slot = (WordSlot){ head, tail, count, n_bytes };
          word_table_inserted (self);
          return;
        }
    }
}

static __attribute__ ((noinline)) void
word_table_add_long (WordTable *self, const char *word, uint64_t n_bytes, uint64_t count)
{
  uint64_t hash = hash_long (word, n_bytes);

  for (uint64_t i = hash & self->mask;; i = (i + 1) & self->mask)
    {
      WordSlot *slot = &self->slots[i];

      if (slot->count == 0)
        {
          char *copy = malloc (n_bytes);

          if (copy == NULL)
            abort ();
          memcpy (copy, word, n_bytes);
          *slot = (WordSlot){ hash, (uint64_t) (uintptr_t) copy, count, n_bytes };
          word_table_inserted (self);
          return;
        }
      if (slot->n_bytes == n_bytes && slot->head == hash &&
          memcmp ((const char *) (uintptr_t) slot->tail, word, n_bytes) == 0)
        {
          slot->count += count;
          return;
        }
    }
}

/* Adds what @other counted. */
static __attribute__ ((unused)) void
word_table_merge (WordTable *self, const WordTable *other)
{
  for (uint64_t i = 0; i <= other->mask; i++)
    {
      const WordSlot *slot = &other->slots[i];

      if (slot->count == 0)
        continue;
      if (slot->n_bytes > INLINE_BYTES)
        word_table_add_long (self, (const char *) (uintptr_t) slot->tail, slot->n_bytes,
                             slot->count);
      else
        word_table_add_short (self, slot->head, slot->tail, slot->n_bytes,
                              hash_short (slot->head, slot->tail), slot->count);
    }
}

/* "different words" and "words in all", as every program here prints them. */
static __attribute__ ((unused)) void
word_table_print (const WordTable *self)
{
  uint64_t n_total = 0;

  for (uint64_t i = 0; i <= self->mask; i++)
    n_total += self->slots[i].count;
  printf ("%llu %llu\n", (unsigned long long) self->n_words,
          (unsigned long long) n_total);
}
