/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How fast is a job that a user writes against the public API?
 *
 * One program with a sub-command a job; bench/run measures it against the hand-written
 * programs.  Prints "name value" lines: what was counted, so that it can be verified, and
 * figures that only the program itself can take. */

#include <dstream/dstream.h>

#include "bench/ds-bench.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* ---- Word count of a file ---- */

/* How many results a chunk function gathers before it hands them on. */
#define N_GATHERED 1024

/* Which of the 16 bytes at @bytes end a word: one bit each, the first byte the lowest. */
static inline guint64
find_ends_16 (const char *bytes)
{
#ifdef __SSE2__
  __m128i all = _mm_loadu_si128 ((const __m128i *) (gconstpointer) bytes);
  __m128i ends =
      _mm_cmpeq_epi8 (_mm_max_epu8 (all, _mm_set1_epi8 (' ')), _mm_set1_epi8 (' '));

  return (guint32) _mm_movemask_epi8 (ends);
#else
  guint64 ends = 0;

  for (guint i = 0; i < 16; i++)
    ends |= (guint64) ((guint8) bytes[i] <= ' ') << i;
  return ends;
#endif
}

/* The same for the up to 64 bytes of @line from @offset on; none behind its end. */
static inline guint64
find_ends (const char *line, gsize n_bytes, gsize offset)
{
  gsize n_left = n_bytes - offset;
  guint64 ends = 0;
  gsize i = 0;

  for (; i < 64 && n_left - i >= 16; i += 16)
    ends |= find_ends_16 (line + offset + i) << i;
  if (i == 64 || i == n_left)
    return ends;
  if (n_bytes >= 16)
    return ends | (find_ends_16 (line + n_bytes - 16) >> (16 - (n_left - i))) << i;

  char tail[16];

  memset (tail, 'x', sizeof tail);
  memcpy (tail, line, n_bytes);
  return find_ends_16 (tail);
}

/* The user's own function a chunk: cuts lines at every byte up to the space, 64 bytes at
 * a time, as the hand-written program does. */
static void
split_chunk (const DsValue *lines, gsize n_lines, DsTask *task, gpointer user_data)
{
  DsValue words[N_GATHERED];
  gsize n_words = 0;

  for (gsize i = 0; i < n_lines; i++)
    {
      gsize n_bytes;
      const char *line = ds_value_get_string (lines[i], &n_bytes);
      gsize start = 0;

      for (gsize offset = 0; offset < n_bytes; offset += 64)
        {
          if (n_words > N_GATHERED - 65)
            {
              ds_task_emit_values (task, words, n_words);
              n_words = 0;
            }
          for (guint64 ends = find_ends (line, n_bytes, offset); ends != 0;
               ends &= ends - 1)
            {
              gsize end = offset + (gsize) __builtin_ctzll (ends);

              if (end > start)
                words[n_words++] =
                    ds_value_string_sized (line + start, (guint32) (end - start));
              start = end + 1;
            }
        }
      if (n_bytes > start)
        words[n_words++] =
            ds_value_string_sized (line + start, (guint32) (n_bytes - start));
    }
  ds_task_emit_values (task, words, n_words);
}

/* A chunk has at most 1,024 values. */
static DsValue ones[N_GATHERED];

static void
pair_chunk (const DsValue *words, gsize n_words, DsTask *task, gpointer user_data)
{
  ds_task_emit_pairs (task, words, ones, n_words);
}

static void
split_line (DsValue line, DsTask *task, gpointer user_data)
{
  ds_split_words (line, task, NULL);
}

static DsValue
pair_word (DsValue word, DsTask *task, gpointer user_data)
{
  return ds_pair (task, word, ds_value_int (1));
}

static DsValue
add_counts (DsValue a, DsValue b, DsTask *task, gpointer user_data)
{
  return ds_value_int (ds_value_get_int (a) + ds_value_get_int (b));
}

/* "library" is ds_add (), which the engine knows; "own" is a function that it has to
 * call. */
static DsReduceFunc
find_addition (const char *name)
{
  return g_str_equal (name, "own") ? add_counts : ds_add;
}

gint64
ds_bench_sum_counts (DsBlock *counts)
{
  gint64 n_words = 0;

  for (gsize i = 0; i < ds_block_get_length (counts); i++)
    {
      DsValue word;
      DsValue count;

      ds_block_get_pair (counts, i, &word, &count);
      n_words += ds_value_get_int (count);
    }
  return n_words;
}

static gboolean
print_counts (DsBlock *counts)
{
  if (counts == NULL)
    return FALSE;

  g_print ("distinct %" G_GSIZE_FORMAT "\n", ds_block_get_length (counts));
  g_print ("words %" G_GINT64_FORMAT "\n", ds_bench_sum_counts (counts));
  return TRUE;
}

static DsContext *
new_context (int n_workers)
{
  g_autofree char *master = g_strdup_printf ("local[%d]", n_workers);

  return ds_context_new (master, "ds-bench");
}

static gboolean
run_word_count_file (char **arguments, GError **error)
{
  g_autoptr (DsContext) context = new_context (atoi (arguments[1]));
  g_autoptr (DsRdd) lines = ds_context_text_file (context, arguments[0]);
  g_autoptr (DsRdd) words = ds_rdd_flat_map (lines, ds_split_words, NULL, NULL);
  g_autoptr (DsBlock) counts = ds_rdd_count_by_value (words, error);

  return print_counts (counts);
}

static gboolean
run_word_count_chunks (char **arguments, GError **error)
{
  for (gsize i = 0; i < N_GATHERED; i++)
    ones[i] = ds_value_int (1);

  g_autoptr (DsContext) context = new_context (atoi (arguments[1]));
  g_autoptr (DsRdd) lines = ds_context_text_file (context, arguments[0]);
  g_autoptr (DsRdd) words = ds_rdd_map_chunks (lines, split_chunk, NULL, NULL);
  g_autoptr (DsRdd) pairs = ds_rdd_map_chunks (words, pair_chunk, NULL, NULL);
  g_autoptr (DsRdd) sums =
      ds_rdd_reduce_by_key (pairs, find_addition (arguments[2]), NULL, NULL);
  g_autoptr (DsBlock) counts = ds_rdd_collect (sums, error);

  return print_counts (counts);
}

static gboolean
run_word_count_values (char **arguments, GError **error)
{
  g_autoptr (DsContext) context = new_context (atoi (arguments[1]));
  g_autoptr (DsRdd) lines = ds_context_text_file (context, arguments[0]);
  g_autoptr (DsRdd) words = ds_rdd_flat_map (lines, split_line, NULL, NULL);
  g_autoptr (DsRdd) pairs = ds_rdd_map (words, pair_word, NULL, NULL);
  g_autoptr (DsRdd) sums =
      ds_rdd_reduce_by_key (pairs, find_addition (arguments[2]), NULL, NULL);
  g_autoptr (DsBlock) counts = ds_rdd_collect (sums, error);

  return print_counts (counts);
}

/* ---- Records of a file, added up by key ---- */

static void
read_records (const DsValue *records, gsize n_records, DsTask *task, gpointer user_data)
{
  DsValue keys[N_GATHERED];
  DsValue values[N_GATHERED];

  for (gsize i = 0; i < n_records; i++)
    {
      gsize n_bytes;
      const guint8 *bytes = ds_value_get_bytes (records[i], &n_bytes);
      gint64 numbers[2];

      if (n_bytes < sizeof numbers)
        {
          ds_task_fail (task, "a record of %" G_GSIZE_FORMAT " bytes has no two numbers",
                        n_bytes);
          return;
        }
      memcpy (numbers, bytes, sizeof numbers);
      keys[i] = ds_value_int (GINT64_FROM_LE (numbers[0]));
      values[i] = ds_value_int (GINT64_FROM_LE (numbers[1]));
    }
  ds_task_emit_pairs (task, keys, values, n_records);
}

static gboolean
run_binary_records (char **arguments, GError **error)
{
  g_autoptr (DsContext) context = new_context (atoi (arguments[1]));
  g_autoptr (DsRdd) records =
      ds_context_binary_records (context, arguments[0], (gsize) atol (arguments[2]));
  g_autoptr (DsRdd) pairs = ds_rdd_map_chunks (records, read_records, NULL, NULL);
  g_autoptr (DsRdd) sums = ds_rdd_reduce_by_key (pairs, ds_add, NULL, NULL);
  g_autoptr (DsBlock) block = ds_rdd_collect (sums, error);

  return print_counts (block);
}

/* ---- The commands ---- */

static const struct
{
  const char *name;
  int n_arguments;
  const char *arguments;
  gboolean (*run) (char **arguments, GError **error);
} commands[] = {
  { "word-count-file", 2, "FILE WORKERS", run_word_count_file },
  { "word-count-chunks", 3, "FILE WORKERS library|own", run_word_count_chunks },
  { "word-count-values", 3, "FILE WORKERS library|own", run_word_count_values },
  { "word-count-file-stream", 2, "DIRECTORY WORKERS",
    ds_bench_run_word_count_file_stream },
  { "binary-records", 3, "FILE WORKERS LENGTH", run_binary_records },
  { "word-count-socket", 5, "FILE WORKERS SEND_BYTES REPEATS WORDS",
    ds_bench_run_word_count_socket },
  { "receive", 7, "FILE stream|bare SEND_BYTES REPEATS LINES INTERVAL_MS MAX_MIB",
    ds_bench_run_receive },
  { "memory", 4, "FILE BATCHES_A_PASS PASSES KEPT_BYTES_A_BATCH", ds_bench_run_memory },
  { "empty-batch", 1, "BATCHES", ds_bench_run_empty_batch },
  { "tiny-batches", 1, "BATCHES", ds_bench_run_tiny_batches },
  { "lateness", 2, "INTERVAL_MS BATCHES", ds_bench_run_lateness },
};

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (commands); i++)
    {
      if (argc < 2 || strcmp (argv[1], commands[i].name) != 0 ||
          argc - 2 != commands[i].n_arguments)
        continue;
      if (commands[i].run (argv + 2, &error))
        return 0;
      g_printerr ("%s: %s\n", argv[1], error->message);
      return 1;
    }

  for (gsize i = 0; i < G_N_ELEMENTS (commands); i++)
    g_printerr ("usage: %s %s %s\n", argv[0], commands[i].name, commands[i].arguments);
  return 2;
}
