/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Counts the words of text files, in alphabetical order: one job of the engine that the
 * batches of a stream run on, without a stream.
 *
 *   $ printf 'to be or not to be\n' >hamlet.txt
 *   $ printf 'be quick\nor be dead\n' >note.txt
 *   $ batch-word-count '*.txt'
 *   (be,4)
 *   (dead,1)
 *   (not,1)
 *   (or,2)
 *   (quick,1)
 *   (to,2)
 *
 * The argument is a file, a directory or a pattern; the engine reads them in parallel. */

#include <dstream/dstream.h>

static DsBlock *
count_words (const char *path, GError **error)
{
  g_autoptr (DsContext) context = ds_context_new ("local[*]", "BatchWordCount");

  g_autoptr (DsRdd) lines = ds_context_text_file (context, path);
  g_autoptr (DsRdd) words = ds_rdd_flat_map (lines, ds_split_words, NULL, NULL);
  g_autoptr (DsRdd) pairs = ds_rdd_map (words, ds_pair_with_one, NULL, NULL);
  g_autoptr (DsRdd) counts = ds_rdd_reduce_by_key (pairs, ds_add, NULL, NULL);
  return ds_rdd_collect (counts, error);
}

int
main (int argc, char *argv[])
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DsBlock) counts = NULL;
  g_autoptr (DsBlock) sorted = NULL;
  g_autofree char *text = NULL;

  if (argc != 2)
    {
      g_printerr ("Usage: batch-word-count FILES\n");
      return 2;
    }

  counts = count_words (argv[1], &error);
  if (counts == NULL)
    {
      g_printerr ("batch-word-count: %s\n", error->message);
      return 1;
    }

  sorted = ds_block_sort (counts);
  text = ds_block_to_string (sorted);
  g_print ("%s\n", text);
  return 0;
}
