/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What does it cost to count a word, when the words are found already?
 *
 * The words of a text, as slices in chunks of 1,024, go into the library's table and into
 * a slot loop written for nothing else (bench/hand), in turn, each time from nothing to
 * the finished columns.  One JSON line: nanoseconds a word, and the ratio of the two.
 *
 * usage: bench-table FILE [REPEATS] [count|sum|user] */

/* Of the slot loop only counting is needed here. */
#pragma GCC diagnostic ignored "-Wunused-function"
#include "bench/hand/word-table.h"

#include "base/ds-block-private.h"
#include "base/ds-splitter-private.h"
#include "rdd/ds-table-private.h"

#include <glib.h>
#include <time.h>

#define BENCH_MAX_REPEATS 31

typedef struct
{
  DsValue *words;
  gsize n_words;
  DsValue *ones;
} BenchWords;

static void
bench_words_load (BenchWords *self, const char *path)
{
  g_autoptr (GError) error = NULL;
  char *text = NULL;
  char *padded;
  gsize n_bytes = 0;
  gsize offset = 0;
  gsize n_found;

  if (!g_file_get_contents (path, &text, &n_bytes, &error))
    g_error ("%s", error->message);
  padded = g_malloc (n_bytes + TEXT_PADDING);
  memcpy (padded, text, n_bytes);
  memset (padded + n_bytes, ' ', TEXT_PADDING);
  g_free (text);

  self->words = g_new (DsValue, n_bytes / 2 + 1 + DS_CHUNK_MAX_VALUES);
  self->n_words = 0;
  while ((n_found =
              ds_split_words_scan (padded, n_bytes, &offset, self->words + self->n_words,
                                   DS_CHUNK_MAX_VALUES)) > 0)
    self->n_words += n_found;
  self->ones = g_new (DsValue, DS_CHUNK_MAX_VALUES);
  for (gsize i = 0; i < DS_CHUNK_MAX_VALUES; i++)
    self->ones[i] = ds_value_int (1);
}

/* Processor time: what else runs on the machine counts less. */
static gint64
bench_now (void)
{
  struct timespec now;

  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &now);
  return now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

static gint64
bench_hand (const BenchWords *words, gsize *n_keys)
{
  WordTable table;
  gint64 start = bench_now ();

  word_table_init (&table, FIRST_LOG2_SLOTS);
  for (gsize i = 0; i < words->n_words; i++)
    {
      const char *word = words->words[i].as.bytes;
      gsize length = words->words[i].size;
      guint64 head;
      guint64 tail;

      if (length > INLINE_BYTES)
        {
          word_table_add_long (&table, word, length, 1);
          continue;
        }
      load_short (word, length, &head, &tail);
      word_table_add_short (&table, head, tail, length, hash_short (head, tail), 1);
    }
  *n_keys = table.n_words;
  start = bench_now () - start;
  munmap (table.slots, sizeof (WordSlot) * (table.mask + 1));
  return start;
}

static DsValue
bench_user_add (DsValue a, DsValue b, DsTask *task, gpointer user_data)
{
  return ds_value_int (ds_value_get_int (a) + ds_value_get_int (b));
}

static gint64
bench_table (const BenchWords *words,
             const DsCombine *combine,
             DsTask *task,
             gsize *n_keys)
{
  gint64 start = bench_now ();
  g_autoptr (DsTable) table = ds_table_new (combine, task, 0);
  const DsValue *values = combine->kind == DS_COMBINE_COUNT ? NULL : words->ones;
  DsBlock *block;

  for (gsize i = 0; i < words->n_words; i += DS_CHUNK_MAX_VALUES)
    if (!ds_table_add_values (table, words->words + i, values,
                              MIN (DS_CHUNK_MAX_VALUES, words->n_words - i)))
      g_error ("%s", task->error->message);
  block = ds_table_end (table);
  *n_keys = ds_block_get_length (block);
  start = bench_now () - start;
  ds_block_unref (block);
  return start;
}

static int
bench_compare (gconstpointer a, gconstpointer b)
{
  gint64 left = *(const gint64 *) a;
  gint64 right = *(const gint64 *) b;

  return left < right ? -1 : left > right;
}

int
main (int argc, char **argv)
{
  guint n_repeats = argc > 2 ? (guint) g_ascii_strtoull (argv[2], NULL, 10) : 7;
  const char *kind = argc > 3 ? argv[3] : "count";
  DsCombine combine = { .kind = DS_COMBINE_COUNT, .operator_name = "bench" };
  gint64 hand[BENCH_MAX_REPEATS];
  gint64 table[BENCH_MAX_REPEATS];
  BenchWords words;
  gsize n_hand_keys = 0;
  gsize n_table_keys = 0;
  DsTask *task;

  if (argc < 2)
    {
      g_printerr ("usage: bench-table FILE [REPEATS] [count|sum|user]\n");
      return 2;
    }
  n_repeats = CLAMP (n_repeats, 1, BENCH_MAX_REPEATS);
  if (g_str_equal (kind, "sum"))
    {
      combine.kind = DS_COMBINE_ADD;
    }
  else if (g_str_equal (kind, "user"))
    {
      combine.kind = DS_COMBINE_REDUCE;
      combine.merge_value = combine.merge_combiners = bench_user_add;
    }

  bench_words_load (&words, argv[1]);
  task = ds_task_new (NULL, 0, 0);
  for (guint i = 0; i < n_repeats; i++)
    {
      hand[i] = bench_hand (&words, &n_hand_keys);
      table[i] = bench_table (&words, &combine, task, &n_table_keys);
      g_assert_cmpuint (n_hand_keys, ==, n_table_keys);
    }
  qsort (hand, n_repeats, sizeof *hand, bench_compare);
  qsort (table, n_repeats, sizeof *table, bench_compare);
  g_print ("{\"case\": \"table-%s\", \"records\": %" G_GSIZE_FORMAT
           ", \"keys\": %" G_GSIZE_FORMAT
           ", \"ns_per_word\": %.2f, \"hand_ns_per_word\": %.2f, \"best\": %.2f, "
           "\"hand_best\": %.2f, \"ratio\": %.3f}\n",
           kind, words.n_words, n_table_keys,
           1e3 * (double) table[n_repeats / 2] / (double) words.n_words,
           1e3 * (double) hand[n_repeats / 2] / (double) words.n_words,
           1e3 * (double) table[0] / (double) words.n_words,
           1e3 * (double) hand[0] / (double) words.n_words,
           (double) hand[n_repeats / 2] / (double) table[n_repeats / 2]);
  ds_task_free (task);
  return 0;
}
