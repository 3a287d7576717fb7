/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Deep copies into an arena of just the right size: blocks made of values that lie
 * anywhere, and the compaction of blocks that keep much more memory alive than their
 * values need.  The bytes of strings are packed one behind the other. */

#include "base/ds-block-private.h"
#include "base/ds-value-private.h"

static gboolean
ds_value_has_bytes (DsValue value)
{
  return value.type == DS_VALUE_TYPE_STRING || value.type == DS_VALUE_TYPE_BYTES;
}

/* Bytes of all strings in the column, and what its nested values take besides. */
static void
ds_column_measure (const DsValue *values,
                   gsize n_values,
                   gsize *n_packed,
                   gsize *n_nested)
{
  *n_packed = 0;
  *n_nested = 0;
  for (gsize i = 0; i < n_values; i++)
    {
      if (ds_value_has_bytes (values[i]))
        *n_packed += values[i].size;
      else
        *n_nested += ds_value_get_copy_size (values[i]);
    }
}

/* What ds_column_copy () takes from an arena. */
static gsize
ds_column_get_copy_size (const DsValue *values, gsize n_values)
{
  gsize n_packed;
  gsize n_nested;

  ds_column_measure (values, n_values, &n_packed, &n_nested);
  return n_values * sizeof *values + ((n_packed + 15) & ~(gsize) 15) + n_nested;
}

static DsValue *
ds_column_copy (const DsValue *values, gsize n_values, DsArena *arena)
{
  DsValue *copies = ds_arena_alloc (arena, n_values * sizeof *copies);
  gsize n_packed;
  gsize n_nested;
  char *cursor;

  ds_column_measure (values, n_values, &n_packed, &n_nested);
  cursor = ds_arena_alloc (arena, n_packed);
  for (gsize i = 0; i < n_values; i++)
    {
      if (!ds_value_has_bytes (values[i]))
        {
          copies[i] = ds_value_copy (values[i], arena);
          continue;
        }
      if (values[i].size > 0)
        memcpy (cursor, values[i].as.bytes, values[i].size);
      copies[i] = values[i];
      copies[i].as.bytes = cursor;
      cursor += values[i].size;
    }
  return copies;
}

/* @n_bytes: what both columns take. */
static DsBlock *
ds_block_new_copy (const DsValue *values,
                   const DsValue *pair_values,
                   gsize n_values,
                   gsize n_bytes)
{
  DsArena *arena = ds_arena_new_sized (NULL, n_bytes);
  DsValue *copies = ds_column_copy (values, n_values, arena);
  DsValue *pair_copies =
      pair_values != NULL ? ds_column_copy (pair_values, n_values, arena) : NULL;

  return ds_block_new_take_columns (arena, copies, pair_copies, n_values);
}

/**
 * ds_block_new: (skip)
 * @values: (array length=n_values): any values
 * @n_values: how many
 *
 * A block of deep copies of @values.
 *
 * Returns: (transfer full): the block
 */
DsBlock *
ds_block_new (const DsValue *values, gsize n_values)
{
  g_return_val_if_fail (values != NULL || n_values == 0,
                        ds_block_new_take_columns (NULL, NULL, NULL, 0));

  if (n_values == 0)
    return ds_block_new_take_columns (NULL, NULL, NULL, 0);
  return ds_block_new_copy (values, NULL, n_values,
                            ds_column_get_copy_size (values, n_values));
}

/* ---- Compaction ---- */

/* A copy has an arena, too, so what is small is never worth one. */
#define DS_BLOCK_COMPACT_MIN_BYTES ((gsize) 8 * 1024)

/* Whether a block whose values need @n_bytes keeps more than twice as much alive. */
static gboolean
ds_block_is_wasteful (DsBlock *self, gsize n_bytes)
{
  gsize n_kept = ds_block_get_n_bytes (self);

  return n_kept > DS_BLOCK_COMPACT_MIN_BYTES && n_kept / 2 > n_bytes;
}

static DsBlock *
ds_block_compact_text (DsBlock *self)
{
  gboolean strip_cr;
  gsize n_bytes;
  const char *text = ds_block_get_text (self, &n_bytes, &strip_cr);
  DsArena *arena;
  char *copy;

  if (!ds_block_is_wasteful (self, n_bytes))
    return ds_block_ref (self);

  arena = ds_arena_new_sized (NULL, n_bytes);
  copy = ds_arena_alloc (arena, n_bytes);
  if (n_bytes > 0)
    memcpy (copy, text, n_bytes);
  return ds_block_new_take_text (arena, copy, n_bytes, ds_block_get_length (self),
                                 strip_cr);
}

DsBlock *
ds_block_compact (DsBlock *self)
{
  const DsValue *values;
  const DsValue *pair_values;
  gsize n_values;
  gsize n_bytes;

  if (ds_block_get_form (self) == DS_FORM_TEXT)
    return ds_block_compact_text (self);

  ds_block_get_columns (self, &values, &pair_values, &n_values);
  n_bytes = ds_column_get_copy_size (values, n_values);
  if (pair_values != NULL)
    n_bytes += ds_column_get_copy_size (pair_values, n_values);
  if (!ds_block_is_wasteful (self, n_bytes))
    return ds_block_ref (self);
  return ds_block_new_copy (values, pair_values, n_values, n_bytes);
}
