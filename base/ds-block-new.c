/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Blocks from what programs have at hand, and back: strings, numbers, GVariants, msgpack.
 */

#include "base/ds-block.h"

#include "base/ds-block-private.h"
#include "base/ds-codec-private.h"
#include "base/ds-value-private.h"

#include <stdarg.h>

/**
 * ds_block_new_strings: (skip)
 * @first: (nullable): a string
 * @...: more strings, then %NULL
 *
 * A block of copies of the strings.  Bindings: ds_block_new_from_strv ().
 *
 * Returns: (transfer full): the block
 */
DsBlock *
ds_block_new_strings (const char *first, ...)
{
  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
  va_list strings;

  va_start (strings, first);
  for (const char *string = first; string != NULL;
       string = va_arg (strings, const char *))
    ds_block_builder_add_string (builder, string);
  va_end (strings);
  return ds_block_builder_end (builder);
}

/**
 * ds_block_new_from_ints:
 * @integers: (array length=n_integers): numbers
 * @n_integers: how many
 *
 * A block of ints.  In C the macro ds_block_new_ints () takes them one by one.
 *
 * Returns: (transfer full): the block
 */
DsBlock *
ds_block_new_from_ints (const gint64 *integers, gsize n_integers)
{
  g_autoptr (DsBlockBuilder) builder = NULL;

  g_return_val_if_fail (integers != NULL || n_integers == 0, NULL);

  builder = ds_block_builder_new ();
  for (gsize i = 0; i < n_integers; i++)
    ds_block_builder_add_int (builder, integers[i]);
  return ds_block_builder_end (builder);
}

/**
 * ds_block_new_from_strv:
 * @strings: (array zero-terminated=1): strings
 *
 * A block of copies of the strings.
 *
 * Returns: (transfer full): the block
 */
DsBlock *
ds_block_new_from_strv (const char *const *strings)
{
  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();

  for (gsize i = 0; strings != NULL && strings[i] != NULL; i++)
    ds_block_builder_add_string (builder, strings[i]);
  return ds_block_builder_end (builder);
}

/**
 * ds_block_dup_strv:
 * @self: a block
 *
 * The values as strings: what is not a string in its printed form.
 *
 * What is not UTF-8, and NUL bytes, are replaced by U+FFFD.
 *
 * Returns: (transfer full) (array zero-terminated=1) (element-type utf8): the strings
 */
char **
ds_block_dup_strv (DsBlock *self)
{
  g_autoptr (GString) text = g_string_new (NULL);
  const DsValue *values;
  gsize n_values;
  char **strings;

  g_return_val_if_fail (self != NULL, NULL);

  values = ds_block_get_values (self, &n_values);
  strings = g_new0 (char *, n_values + 1);
  for (gsize i = 0; i < n_values; i++)
    {
      g_string_truncate (text, 0);
      ds_value_append_to_string (values[i], text, FALSE);
      strings[i] = g_utf8_make_valid (text->str, (gssize) text->len);
    }
  return strings;
}

/* ---- GVariant ---- */

/* An array is its elements, but bytes are one value. */
static gboolean
ds_block_variant_is_list (GVariant *variant)
{
  return g_variant_is_of_type (variant, G_VARIANT_TYPE_ARRAY) &&
         !g_variant_is_of_type (variant, G_VARIANT_TYPE_BYTESTRING);
}

/**
 * ds_block_new_from_variant:
 * @variant: an array of any kind, or a single value; floating ones are consumed
 *
 * A block of the elements of an array, or of the one value that @variant is.
 *
 * Integers of every width are ints (a uint64 above the largest gint64 is a double),
 * strings strings, byte arrays (`ay`) bytes, tuples and dictionary entries tuples, other
 * arrays lists; variants and maybes are opened, and nothing is null.
 *
 * Returns: (transfer full): the block
 */
DsBlock *
ds_block_new_from_variant (GVariant *variant)
{
  g_autoptr (GVariant) owned = NULL;
  DsArena *arena;
  DsValue list;

  g_return_val_if_fail (variant != NULL, ds_block_new (NULL, 0));

  owned = g_variant_ref_sink (variant);
  /* Whoever has a dynamic language may have wrapped it once more. */
  while (g_variant_is_of_type (owned, G_VARIANT_TYPE_VARIANT))
    {
      GVariant *inner = g_variant_get_variant (owned);

      g_variant_unref (owned);
      owned = inner;
    }

  arena = ds_arena_new (NULL);
  list = ds_value_from_variant (owned, arena);
  if (!ds_block_variant_is_list (owned))
    {
      DsValue *single = ds_arena_alloc (arena, sizeof *single);

      *single = list;
      return ds_block_new_take_columns (arena, single, NULL, 1);
    }
  return ds_block_new_take_columns (arena, list.as.items, NULL, list.size);
}

/**
 * ds_block_to_variant:
 * @self: a block
 *
 * The values as a #GVariant of type `av`, each in the form of ds_value_to_variant ():
 * null `mv` without content, bool `b`, int `x`, double `d`, string `s`, bytes `ay`, tuple
 * a tuple, list `av`.
 *
 * Strings are made valid UTF-8; ds_block_to_msgpack () keeps every byte and is faster.
 *
 * Returns: (transfer none): a floating #GVariant
 */
GVariant *
ds_block_to_variant (DsBlock *self)
{
  gsize n_values;
  const DsValue *values;
  g_autofree GVariant **children = NULL;

  g_return_val_if_fail (self != NULL, NULL);

  values = ds_block_get_values (self, &n_values);
  children = g_new (GVariant *, n_values + 1);
  for (gsize i = 0; i < n_values; i++)
    children[i] = g_variant_new_variant (ds_value_to_variant (values[i]));
  return g_variant_new_array (G_VARIANT_TYPE_VARIANT, children, n_values);
}

/* ---- msgpack ---- */

/**
 * ds_block_new_from_msgpack:
 * @bytes: msgpack values back to back
 * @error: return location
 *
 * Decodes values: the fast road for other languages.
 *
 * Nothing is trusted: depth, counts and lengths are checked against the bytes that are
 * there before anything is allocated.  Fails with %DS_ERROR_CORRUPT, %DS_ERROR_TOO_DEEP
 * or %DS_ERROR_LIMIT.
 *
 * Returns: (transfer full): the block, or %NULL with @error set
 */
DsBlock *
ds_block_new_from_msgpack (GBytes *bytes, GError **error)
{
  gsize n_bytes;
  const guint8 *content;

  g_return_val_if_fail (bytes != NULL, NULL);

  content = g_bytes_get_data (bytes, &n_bytes);
  return ds_codec_decode_block (content, n_bytes, 0, error);
}

/**
 * ds_block_to_msgpack:
 * @self: a block
 *
 * Encodes the values back to back: null nil, bool, int, double float64, string str, bytes
 * bin, list array, tuple an extension of type 1 that holds its items as an array.
 *
 * Returns: (transfer full): the bytes
 */
GBytes *
ds_block_to_msgpack (DsBlock *self)
{
  GByteArray *bytes;

  g_return_val_if_fail (self != NULL, NULL);

  bytes = g_byte_array_new ();
  ds_codec_encode_block (self, bytes);
  return g_byte_array_free_to_bytes (bytes);
}
