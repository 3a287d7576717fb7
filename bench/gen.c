/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which text do the benchmarks count, and which records do they add up?
 *
 * Prints nothing but what it made: a file whose bytes are the same on every machine and
 * run.  Text:  100,000 different words of 3 to 9 letters, drawn by Zipf's law (the i-th
 * most frequent with weight i^-1.07), in lines of 40 to 80 bytes and a little more.
 *
 * Drawing follows Walker's alias method: one random number picks a column of equal
 * width and, within it, either the column's own word or its alias.
 *
 * Records are of one length: a key below 100,000 and a value, 8 bytes each and little
 * endian, then zeros.
 *
 * usage: gen text FILE MIB, gen records FILE MIB LENGTH */

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_WORDS 100000
#define N_KEYS 100000
#define ZIPF_EXPONENT (-1.07)
#define MAX_LETTERS 9
#define SEED 20240607

typedef struct
{
  uint8_t n_letters;
  char letters[MAX_LETTERS + 1];
} Word;

/* A column of the alias table: numbers below @threshold of 2^32 mean the word itself. */
typedef struct
{
  uint64_t threshold;
  uint32_t alias;
} Column;

static Word words[N_WORDS];
static Column columns[N_WORDS];

/* SplitMix64, after Steele, Lea and Flood (2014). */
static uint64_t
next_random (uint64_t *state)
{
  uint64_t z = (*state += UINT64_C (0x9e3779b97f4a7c15));

  z = (z ^ (z >> 30)) * UINT64_C (0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C (0x94d049bb133111eb);
  return z ^ (z >> 31);
}

/* TRUE when a word of these letters came before; else remembers word @index. */
static int
is_known_word (const Word *word, uint32_t index)
{
  enum
  {
    N_SLOTS = 1 << 19
  };
  static uint32_t slots[N_SLOTS]; /* index + 1 */
  uint64_t hash = word->n_letters;

  for (unsigned i = 0; i < word->n_letters; i++)
    hash = (hash ^ (uint8_t) word->letters[i]) * UINT64_C (0x100000001b3);

  for (uint64_t slot = hash % N_SLOTS;; slot = (slot + 1) % N_SLOTS)
    {
      if (slots[slot] == 0)
        {
          slots[slot] = index + 1;
          return 0;
        }

      const Word *known = &words[slots[slot] - 1];
      if (known->n_letters == word->n_letters &&
          memcmp (known->letters, word->letters, word->n_letters) == 0)
        return 1;
    }
}

static void
make_words (uint64_t *state)
{
  static const uint8_t lengths[16] = { 3, 4, 4, 5, 5, 5, 6, 6, 6, 6, 7, 7, 7, 8, 8, 9 };
  /* Roughly as often as in English. */
  static const char letters[] =
      "eeeeeeeeeeeetttttttttaaaaaaaaooooooooiiiiiiinnnnnnnsssssshhhhhhrrrrrr"
      "ddddllllcccuuummmwwffggyyppbbvkjxqz";

  for (uint32_t i = 0; i < N_WORDS; i++)
    {
      do
        {
          words[i].n_letters = lengths[next_random (state) % 16];
          for (unsigned k = 0; k < words[i].n_letters; k++)
            words[i].letters[k] = letters[next_random (state) % (sizeof letters - 1)];
        }
      while (is_known_word (&words[i], i));
    }
}

static void
make_alias_table (void)
{
  static double weights[N_WORDS]; /* scaled to a mean of 1 */
  static uint32_t below[N_WORDS];
  static uint32_t above[N_WORDS];
  uint32_t n_below = 0;
  uint32_t n_above = 0;
  double sum = 0;

  for (uint32_t i = 0; i < N_WORDS; i++)
    {
      weights[i] = pow (i + 1, ZIPF_EXPONENT);
      sum += weights[i];
    }
  for (uint32_t i = 0; i < N_WORDS; i++)
    {
      weights[i] = weights[i] / sum * N_WORDS;
      if (weights[i] < 1)
        below[n_below++] = i;
      else
        above[n_above++] = i;
    }

  /* Fill each light column up with a piece of a heavy one. */
  while (n_below > 0 && n_above > 0)
    {
      uint32_t light = below[--n_below];
      uint32_t heavy = above[n_above - 1];

      columns[light].threshold = (uint64_t) (weights[light] * 4294967296.0);
      columns[light].alias = heavy;
      weights[heavy] -= 1 - weights[light];
      if (weights[heavy] < 1)
        {
          n_above--;
          below[n_below++] = heavy;
        }
    }
  while (n_above > 0)
    columns[above[--n_above]].threshold = UINT64_C (1) << 32;
  while (n_below > 0)
    columns[below[--n_below]].threshold = UINT64_C (1) << 32;
}

static const Word *
draw_word (uint64_t *state)
{
  uint64_t random = next_random (state);
  uint32_t column = (uint32_t) (((random >> 32) * N_WORDS) >> 32);

  if ((random & UINT32_MAX) >= columns[column].threshold)
    column = columns[column].alias;
  return &words[column];
}

static void
write_text (FILE *file, uint64_t n_bytes_wanted, uint64_t *state)
{
  uint64_t n_bytes = 0;

  while (n_bytes < n_bytes_wanted)
    {
      uint32_t wanted = 40 + (uint32_t) (next_random (state) % 41);
      uint32_t length = 0;

      while (length < wanted)
        {
          const Word *word = draw_word (state);

          if (length > 0)
            {
              putc (' ', file);
              length++;
            }
          fwrite (word->letters, 1, word->n_letters, file);
          length += word->n_letters;
        }
      putc ('\n', file);
      n_bytes += length + 1;
    }
}

static void
write_little_endian (FILE *file, uint64_t number)
{
  for (int i = 0; i < 8; i++)
    putc ((int) (number >> (8 * i) & 0xff), file);
}

static void
write_records (FILE *file, uint64_t n_bytes_wanted, uint64_t length, uint64_t *state)
{
  for (uint64_t i = 0; i < n_bytes_wanted / length; i++)
    {
      write_little_endian (file, next_random (state) % N_KEYS);
      write_little_endian (file, next_random (state) >> 40);
      for (uint64_t j = 16; j < length; j++)
        putc (0, file);
    }
}

int
main (int argc, char **argv)
{
  int is_text = argc == 4 && strcmp (argv[1], "text") == 0;
  int is_records = argc == 5 && strcmp (argv[1], "records") == 0 && atol (argv[4]) >= 16;

  if ((!is_text && !is_records) || atol (argv[3]) < 1)
    {
      fprintf (stderr, "usage: %s text FILE MIB\n       %s records FILE MIB LENGTH\n",
               argv[0], argv[0]);
      return 2;
    }

  FILE *file = fopen (argv[2], "wb");
  uint64_t state = SEED;

  if (file == NULL)
    {
      perror (argv[2]);
      return 1;
    }
  setvbuf (file, NULL, _IOFBF, 1 << 20);
  if (is_records)
    write_records (file, (uint64_t) atol (argv[3]) << 20, (uint64_t) atol (argv[4]),
                   &state);
  else
    {
      make_words (&state);
      make_alias_table ();
      write_text (file, (uint64_t) atol (argv[3]) << 20, &state);
    }
  if (ferror (file) || fclose (file) != 0)
    {
      perror (argv[2]);
      return 1;
    }
  return 0;
}
