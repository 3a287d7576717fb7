/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How fast can a program slide a window of word counts, that does nothing else?
 *
 * The partner of window-inverse.  Each batch is counted by itself; the window's counts
 * lie in one table, to which what the newest batch counted is added and from which what
 * the oldest one counted is taken.  A batch remembers where in that table its words are,
 * so only what comes is searched for.  Words whose count is 0 stay where they are.
 *
 * usage: window FILE BATCHES BATCH_KIB SLIDES; prints how many different words the last
 * window has and how many in all, and the seconds that a slide takes beyond the count of
 * its own batch, and that count. */

#include "bench/hand/word-count.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum
{
  LOG2_STATE_SLOTS = 19,
  N_AHEAD = 16
};

/* What a batch came to. */
typedef struct
{
  WordSlot *words;
  uint32_t *places; /* in the window's table */
  uint64_t n_words;
} Batch;

typedef struct
{
  uint64_t head;
  uint64_t tail;
  int64_t count;
  uint64_t n_bytes; /* 0: empty */
} StateSlot;

static StateSlot *state;
static const uint64_t state_mask = ((uint64_t) 1 << LOG2_STATE_SLOTS) - 1;

/* Processor time: what else runs on the machine counts less. */
static double
get_seconds (void)
{
  struct timespec now;

  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &now);
  return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

INLINE uint64_t
hash_word (const WordSlot *word)
{
  return word->n_bytes > INLINE_BYTES ? word->head : hash_short (word->head, word->tail);
}

INLINE int
is_word (const StateSlot *slot, const WordSlot *word)
{
  if (slot->head != word->head || slot->n_bytes != word->n_bytes)
    return 0;
  return slot->tail == word->tail ||
         (word->n_bytes > INLINE_BYTES &&
          memcmp ((const char *) (uintptr_t) slot->tail,
                  (const char *) (uintptr_t) word->tail, word->n_bytes) == 0);
}

static void
add_batch (Batch *batch)
{
  for (uint64_t i = 0; i < batch->n_words; i++)
    {
      const WordSlot *word = &batch->words[i];

      if (i + N_AHEAD < batch->n_words)
        __builtin_prefetch (&state[hash_word (word + N_AHEAD) & state_mask]);
      for (uint64_t k = hash_word (word) & state_mask;; k = (k + 1) & state_mask)
        {
          StateSlot *slot = &state[k];

          if (slot->n_bytes == 0)
            *slot = (StateSlot){ word->head, word->tail, 0, word->n_bytes };
          else if (!is_word (slot, word))
            continue;
          slot->count += (int64_t) word->count;
          batch->places[i] = (uint32_t) k;
          break;
        }
    }
}

static void
take_batch (const Batch *batch)
{
  for (uint64_t i = 0; i < batch->n_words; i++)
    {
      if (i + N_AHEAD < batch->n_words)
        __builtin_prefetch (&state[batch->places[i + N_AHEAD]], 1);
      state[batch->places[i]].count -= (int64_t) batch->words[i].count;
    }
}

static Batch
count_batch (const char *text, size_t n_bytes)
{
  Batch batch = { 0 };
  WordTable table;

  word_table_init (&table, FIRST_LOG2_SLOTS);
  count_text (&table, text, n_bytes);
  batch.words = malloc ((table.n_words + 1) * sizeof *batch.words);
  batch.places = malloc ((table.n_words + 1) * sizeof *batch.places);
  if (batch.words == NULL || batch.places == NULL)
    abort ();
  for (uint64_t i = 0; i <= table.mask; i++)
    if (table.slots[i].count != 0)
      batch.words[batch.n_words++] = table.slots[i];
  munmap (table.slots, sizeof (WordSlot) * (table.mask + 1));
  return batch;
}

static void
print_state (double seconds_per_slide, double seconds_per_batch)
{
  unsigned long long n_words = 0;
  unsigned long long n_total = 0;

  for (uint64_t i = 0; i <= state_mask; i++)
    if (state[i].count != 0)
      {
        n_words++;
        n_total += (unsigned long long) state[i].count;
      }
  printf ("%llu %llu %.9f %.9f\n", n_words, n_total, seconds_per_slide,
          seconds_per_batch);
}

int
main (int argc, char **argv)
{
  struct stat status;
  size_t start = 0;
  double slide_seconds = 0;
  double batch_seconds = 0;

  if (argc != 5)
    {
      fprintf (stderr, "usage: %s FILE BATCHES BATCH_KIB SLIDES\n", argv[0]);
      return 2;
    }
  size_t n_window = (size_t) atol (argv[2]);
  size_t batch_bytes = (size_t) atol (argv[3]) << 10;
  size_t n_slides = (size_t) atol (argv[4]);
  int fd = open (argv[1], O_RDONLY);
  if (fd < 0 || fstat (fd, &status) != 0)
    {
      perror (argv[1]);
      return 1;
    }
  size_t n_bytes = (size_t) status.st_size;
  char *text = map_memory (n_bytes + TEXT_PADDING);
  for (size_t n_read = 0; n_read < n_bytes;)
    {
      ssize_t n_now = read (fd, text + n_read, n_bytes - n_read);

      if (n_now <= 0)
        {
          perror (argv[1]);
          return 1;
        }
      n_read += (size_t) n_now;
    }
  close (fd);

  Batch *batches = calloc (n_window + n_slides, sizeof *batches);
  state = map_memory (sizeof (StateSlot) << LOG2_STATE_SLOTS);
  for (size_t i = 0; i < n_window + n_slides; i++)
    {
      const char *end =
          start + batch_bytes < n_bytes
              ? memchr (text + start + batch_bytes, '\n', n_bytes - start - batch_bytes)
              : NULL;
      size_t next = end != NULL ? (size_t) (end - text) + 1 : n_bytes;
      double before = get_seconds ();

      batches[i] = count_batch (text + start, next - start);
      double between = get_seconds ();
      add_batch (&batches[i]);
      if (i >= n_window)
        {
          take_batch (&batches[i - n_window]);
          slide_seconds += get_seconds () - between;
          batch_seconds += between - before;
        }
      start = next;
    }
  print_state (slide_seconds / (double) n_slides, batch_seconds / (double) n_slides);
  return 0;
}
