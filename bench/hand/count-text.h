/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Counting the words of a text; included once for each instruction set by word-count.h,
 * which defines COUNT_TEXT, the function's name, COUNT_TARGET, its attribute, and
 * SPACE_MASK, the function that tells which of 64 bytes are white space.
 *
 * Words are taken in three steps, a few hundred at a time: find where they end (a bit
 * mask of white space), load and hash them and ask for their slots, count them.  By the
 * third step the slots have come from memory. */

COUNT_TARGET static void
COUNT_TEXT (WordTable *table, const char *text, size_t n_bytes)
{
  PendingWord pending[N_PENDING];
  unsigned n_pending = 0;
  size_t start = 0; /* of the word that is open, or behind the last white space */

  for (size_t offset = 0; offset < n_bytes; offset += 64)
    {
      uint64_t spaces = SPACE_MASK (text + offset);

      if (n_bytes - offset < 64)
        spaces = (spaces & ((UINT64_C (1) << (n_bytes - offset)) - 1)) |
                 UINT64_C (1) << (n_bytes - offset); /* the end closes a word too */

      for (; spaces != 0; spaces &= spaces - 1)
        {
          size_t end = offset + (size_t) __builtin_ctzll (spaces);
          const char *word = text + start;
          size_t length = end - start;

          start = end + 1;
          if (LIKELY (length - 1 < INLINE_BYTES))
            {
              PendingWord *next = &pending[n_pending++];

              load_short (word, length, &next->head, &next->tail);
              next->hash = hash_short (next->head, next->tail);
              next->n_bytes = length;
              __builtin_prefetch (&table->slots[next->hash & table->mask], 1);
            }
          else if (length > 0)
            word_table_add_long (table, word, length, 1);
        }

      /* A mask adds at most 32 words. */
      if (n_pending > N_PENDING - 33)
        {
          count_pending (table, pending, n_pending);
          n_pending = 0;
        }
    }

  if (start < n_bytes)
    {
      size_t length = n_bytes - start; /* n_bytes is a multiple of 64 */

      if (length > INLINE_BYTES)
        word_table_add_long (table, text + start, length, 1);
      else
        {
          PendingWord *next = &pending[n_pending++];

          load_short (text + start, length, &next->head, &next->tail);
          next->hash = hash_short (next->head, next->tail);
          next->n_bytes = length;
        }
    }
  count_pending (table, pending, n_pending);
}

#undef COUNT_TEXT
#undef COUNT_TARGET
#undef SPACE_MASK
