/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The splitter's form for any machine: eight bytes of a 64-bit word compared at a time.
 *
 * A byte's comparison is kept in its highest bit; adding to the lower seven bits never
 * carries into the next byte, so every result is exact.  One multiplication then gathers
 * the eight bits in the top byte: bit 8i times 2^(56 - 7i) is bit 56 + i, and no two of
 * the products meet. */

#include "base/ds-splitter-form-private.h"

#include <string.h>

#define DS_EACH_BYTE(byte) (G_GUINT64_CONSTANT (0x0101010101010101) * (guint64) (byte))
#define DS_SPLITTER_INLINE static inline __attribute__ ((always_inline))
#define DS_SPLITTER_TARGET
#define DS_SPLITTER_FORM ds_splitter_form_portable
#define DS_SPLITTER_NAME "portable"

DS_SPLITTER_INLINE guint64
ds_splitter_match_8 (const char *bytes, int what)
{
  const guint64 high = DS_EACH_BYTE (0x80);
  guint64 word, low, match;

  memcpy (&word, bytes, sizeof word);
  word = GUINT64_FROM_LE (word); /* the first byte is the lowest, whatever the machine */
  low = word & ~high;

  if (what == DS_SPLITTER_WHITE)
    {
      guint64 other = low ^ DS_EACH_BYTE (' ');
      guint64 not_space = other + DS_EACH_BYTE (0x7f);
      guint64 from_tab = low + DS_EACH_BYTE (0x80 - '\t');
      guint64 past_return = low + DS_EACH_BYTE (0x80 - ('\r' + 1));

      match = (~not_space | (from_tab & ~past_return)) & ~word & high;
    }
  else
    {
      guint64 other = low ^ DS_EACH_BYTE (what);

      match = ~(other + DS_EACH_BYTE (0x7f)) & ~word & high;
    }
  return ((match >> 7) * G_GUINT64_CONSTANT (0x0102040810204080)) >> 56;
}

DS_SPLITTER_INLINE guint64
ds_splitter_match_16 (const char *bytes, int what)
{
  return ds_splitter_match_8 (bytes, what) | ds_splitter_match_8 (bytes + 8, what) << 8;
}

DS_SPLITTER_INLINE guint64
ds_splitter_match_32 (const char *bytes, int what)
{
  return ds_splitter_match_16 (bytes, what) | ds_splitter_match_16 (bytes + 16, what)
                                                  << 16;
}

DS_SPLITTER_INLINE guint64
ds_splitter_match_64 (const char *bytes, int what)
{
  return ds_splitter_match_32 (bytes, what) | ds_splitter_match_32 (bytes + 32, what)
                                                  << 32;
}

DS_SPLITTER_INLINE guint64
ds_splitter_lowest (guint64 mask)
{
  return (guint64) __builtin_ctzll (mask | G_GUINT64_CONSTANT (1) << 63);
}

DS_SPLITTER_INLINE gsize
ds_splitter_count (guint64 mask)
{
  mask -= mask >> 1 & DS_EACH_BYTE (0x55);
  mask = (mask & DS_EACH_BYTE (0x33)) + (mask >> 2 & DS_EACH_BYTE (0x33));
  mask = (mask + (mask >> 4)) & DS_EACH_BYTE (0x0f);
  return (gsize) (mask * DS_EACH_BYTE (1) >> 56);
}

static gboolean
ds_splitter_is_supported (void)
{
  return TRUE;
}

#include "base/ds-sanitizer-private.h"
#include "base/ds-splitter-scan-private.h"
