/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A program of a user: built by tests/project/test-install.py against the installed
 * library, outside of the project's own build.  Counts the words of two lines. */

#include <dstream/dstream.h>

int
main (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DsContext) context = ds_context_new ("local[1]", "Consumer");
  g_autoptr (DsBlock) block = ds_block_new_strings ("to be or", "not to be", NULL);
  g_autoptr (DsRdd) lines = ds_context_parallelize (context, block, 1);
  g_autoptr (DsRdd) words = ds_rdd_flat_map (lines, ds_split_words, NULL, NULL);
  g_autoptr (DsRdd) pairs = ds_rdd_map (words, ds_pair_with_one, NULL, NULL);
  g_autoptr (DsRdd) counts = ds_rdd_reduce_by_key (pairs, ds_add, NULL, NULL);
  g_autoptr (DsBlock) result = ds_rdd_collect (counts, &error);

  if (result == NULL)
    {
      g_printerr ("%s\n", error->message);
      return 1;
    }

  g_autoptr (DsBlock) sorted = ds_block_sort (result);
  g_autofree char *text = ds_block_to_string (sorted);
  g_print ("%s", text);
  return 0;
}
