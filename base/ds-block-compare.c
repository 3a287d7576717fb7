/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Blocks as a whole: sorted, compared, printed. */

#include "base/ds-block.h"

#include "base/ds-block-private.h"
#include "base/ds-value-private.h"

#include <stdlib.h>

static int
ds_block_compare_values (const void *a, const void *b)
{
  return ds_value_compare (*(const DsValue *) a, *(const DsValue *) b);
}

/**
 * ds_block_sort:
 * @self: a block
 *
 * The values of @self in the order of ds_value_compare ().
 *
 * Only the column is copied; what the values point to stays with @self, which the result
 * keeps alive.
 *
 * Returns: (transfer full): a new block
 */
DsBlock *
ds_block_sort (DsBlock *self)
{
  gsize n_values;
  const DsValue *values;
  DsArena *arena;
  DsValue *sorted;
  DsBlock *block;

  g_return_val_if_fail (self != NULL, NULL);

  values = ds_block_get_values (self, &n_values);
  if (n_values == 0)
    return ds_block_new (NULL, 0);

  arena = ds_arena_new_sized (NULL, n_values * sizeof *sorted);
  sorted = ds_arena_alloc (arena, n_values * sizeof *sorted);
  memcpy (sorted, values, n_values * sizeof *sorted);
  qsort (sorted, n_values, sizeof *sorted, ds_block_compare_values);
  block = ds_block_new_take_columns (arena, sorted, NULL, n_values);
  ds_block_hold (block, self);
  return block;
}

static gboolean
ds_columns_equal (const DsValue *a, const DsValue *b, gsize n_values)
{
  for (gsize i = 0; i < n_values; i++)
    if (!ds_value_equal (a[i], b[i]))
      return FALSE;
  return TRUE;
}

/**
 * ds_block_equal:
 * @a: a block
 * @b: a block
 *
 * Whether two blocks have equal values (see ds_value_equal ()) in the same order.
 *
 * How they lie in memory makes no difference: two columns equal the tuples that they
 * stand for.
 *
 * Returns: whether @a equals @b
 */
gboolean
ds_block_equal (DsBlock *a, DsBlock *b)
{
  const DsValue *values[2];
  const DsValue *pair_values[2];
  gsize n_values;

  g_return_val_if_fail (a != NULL && b != NULL, FALSE);

  if (a == b)
    return TRUE;
  if (ds_block_get_length (a) != ds_block_get_length (b))
    return FALSE;

  if (ds_block_get_form (a) == DS_FORM_PAIRS && ds_block_get_form (b) == DS_FORM_PAIRS)
    {
      ds_block_get_columns (a, &values[0], &pair_values[0], &n_values);
      ds_block_get_columns (b, &values[1], &pair_values[1], &n_values);
      return ds_columns_equal (values[0], values[1], n_values) &&
             ds_columns_equal (pair_values[0], pair_values[1], n_values);
    }
  values[0] = ds_block_get_values (a, &n_values);
  values[1] = ds_block_get_values (b, &n_values);
  return ds_columns_equal (values[0], values[1], n_values);
}

/**
 * ds_block_to_string:
 * @self: a block
 *
 * The printed forms of all values, each followed by a line end.
 *
 * Returns: (transfer full): the text
 */
char *
ds_block_to_string (DsBlock *self)
{
  GString *text;
  gsize n_values;
  const DsValue *values;

  g_return_val_if_fail (self != NULL, NULL);

  text = g_string_new (NULL);
  values = ds_block_get_values (self, &n_values);
  for (gsize i = 0; i < n_values; i++)
    {
      ds_value_append_to_string (values[i], text, FALSE);
      g_string_append_c (text, '\n');
    }
  return g_string_free (text, FALSE);
}
