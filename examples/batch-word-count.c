/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The most frequent words of text files: one job of the engine that the batches of a
 * stream run on, without a stream.
 *
 *   $ printf 'to be or not to be\n' >hamlet.txt
 *   $ printf 'be quick\nto be dead\ncafé café\n' >note.txt
 *   $ batch-word-count '*.txt' 3
 *   (be,4)
 *   (to,3)
 *   (café,2)
 *
 * The first argument is a file, a directory or a pattern, which the engine reads in
 * parallel, the second one how many words to print [20]. */

#include <dstream/dstream.h>
#include <locale.h>

static DsBlock *
find_frequent_words (const char *path, gsize n, GError **error)
{
  g_autoptr (DsContext) context = ds_context_new ("local[*]", "BatchWordCount");

  g_autoptr (DsRdd) lines = ds_context_text_file (context, path);
  g_autoptr (DsRdd) words = ds_rdd_flat_map (lines, ds_split_words, NULL, NULL);
  g_autoptr (DsRdd) pairs = ds_rdd_map (words, ds_pair_with_one, NULL, NULL);
  g_autoptr (DsRdd) counts = ds_rdd_reduce_by_key (pairs, ds_add, NULL, NULL);
  return ds_rdd_top (counts, n, ds_to_value, NULL, error);
}

int
main (int argc, char *argv[])
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DsBlock) frequent = NULL;
  g_autofree char *text = NULL;
  guint64 n = 20;

  setlocale (LC_CTYPE, ""); /* or g_print () writes ? for letters beyond ASCII */
  if (argc < 2 || argc > 3 ||
      (argc == 3 && !g_ascii_string_to_unsigned (argv[2], 10, 1, 1000000, &n, NULL)))
    {
      g_printerr ("Usage: batch-word-count FILES [N]\n");
      return 2;
    }

  frequent = find_frequent_words (argv[1], n, &error);
  if (frequent == NULL)
    {
      g_printerr ("batch-word-count: %s\n", error->message);
      return 1;
    }

  text = ds_block_to_string (frequent);
  g_print ("%s\n", text);
  return 0;
}
