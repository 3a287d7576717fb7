/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Keys in fixed-size form: two words of 64 bits, type and size.
 *
 * Strings and bytes of up to 16 bytes are their own zero-extended bytes, ints, doubles
 * and bools their canonical bits, so that equality of keys is equality of words.  Of a
 * longer string, and of tuples and lists, the first word is a 64-bit hash, and equality
 * looks at the value as well.
 *
 * Loading 16 bytes where a word of five ends is what makes this quick: it may read past
 * the word, which is harmless as long as it stays inside the page that the word begins
 * in. */

#include "rdd/ds-table-core-private.h"

#include "base/ds-sanitizer-private.h"

#include <xxhash.h>

/* Reading past a key is harmless and still nothing that a sanitizer would let pass. */
#if defined(__SANITIZE_THREAD__)
#define DS_TABLE_HAS_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define DS_TABLE_HAS_TSAN 1
#endif
#endif
#if !DS_HAS_ASAN && !defined(DS_TABLE_HAS_TSAN) && G_BYTE_ORDER == G_LITTLE_ENDIAN
#define DS_TABLE_READS_PADDED 1
#else
#define DS_TABLE_READS_PADDED 0
#endif

#define DS_TABLE_PAGE 4096
#define DS_TABLE_INLINE_BYTES 16

#if DS_TABLE_READS_PADDED
/* What remains of 16 loaded bytes when only the first n belong to the key. */
static const guint64 ds_table_masks[DS_TABLE_INLINE_BYTES + 1][2] = {
  { 0, 0 },
  { 0xff, 0 },
  { 0xffff, 0 },
  { 0xffffff, 0 },
  { 0xffffffff, 0 },
  { 0xffffffffff, 0 },
  { 0xffffffffffff, 0 },
  { 0xffffffffffffff, 0 },
  { G_MAXUINT64, 0 },
  { G_MAXUINT64, 0xff },
  { G_MAXUINT64, 0xffff },
  { G_MAXUINT64, 0xffffff },
  { G_MAXUINT64, 0xffffffff },
  { G_MAXUINT64, 0xffffffffff },
  { G_MAXUINT64, 0xffffffffffff },
  { G_MAXUINT64, 0xffffffffffffff },
  { G_MAXUINT64, G_MAXUINT64 },
};
#endif

static inline guint64
ds_table_load (const char *bytes)
{
  guint64 word;

  memcpy (&word, bytes, sizeof word);
  return word;
}

static inline guint32
ds_table_meta (guint32 type, guint32 size)
{
  return (type + 1) << 8 | size;
}

static guint64
ds_table_canonical_double (double number)
{
  guint64 bits;

  if (number != number)
    return G_GUINT64_CONSTANT (0x7ff8000000000000);
  if (number == 0.0)
    return 0;
  memcpy (&bits, &number, sizeof bits);
  return bits;
}

/* Everything but a string of 1 to 16 bytes that lies well within a page. */
static __attribute__ ((noinline)) void
ds_table_prepare_key (const DsTable *self, const DsValue *key, DsTableKey *prepared)
{
  char bytes[DS_TABLE_INLINE_BYTES] = { 0 };

  prepared->k0 = 0;
  prepared->k1 = 0;
  prepared->meta = ds_table_meta (key->type, 0);
  switch ((DsValueType) key->type)
    {
    case DS_VALUE_TYPE_NULL:
      break;
    case DS_VALUE_TYPE_BOOL:
      prepared->k0 = key->as.integer != 0;
      break;
    case DS_VALUE_TYPE_INT:
      prepared->k0 = (guint64) key->as.integer;
      break;
    case DS_VALUE_TYPE_DOUBLE:
      prepared->k0 = ds_table_canonical_double (key->as.number);
      break;
    case DS_VALUE_TYPE_STRING:
    case DS_VALUE_TYPE_BYTES:
      if (key->size <= DS_TABLE_INLINE_BYTES)
        {
          if (key->size > 0)
            memcpy (bytes, key->as.bytes, key->size);
          prepared->k0 = ds_table_load (bytes);
          prepared->k1 = ds_table_load (bytes + 8);
          prepared->meta |= key->size;
          break;
        }
      prepared->k0 = XXH3_64bits_withSeed (key->as.bytes, key->size, self->seed0);
      prepared->meta |= DS_TABLE_META_LONG;
      break;
    case DS_VALUE_TYPE_TUPLE:
    case DS_VALUE_TYPE_LIST:
      prepared->k0 = ds_value_hash (*key);
      prepared->meta |= DS_TABLE_META_LONG;
      break;
    default:
      g_assert_not_reached ();
    }
  prepared->hash = ds_table_hash (self->seed0, self->seed1, prepared->k0, prepared->k1,
                                  prepared->meta);
  if (ds_table_meta_is_long (prepared->meta))
    prepared->k1 = (guint64) (guintptr) key;
}

void
ds_table_prepare_keys (const DsTable *self,
                       const DsValue *keys,
                       gsize n_keys,
                       DsTableKey *prepared)
{
#if DS_TABLE_READS_PADDED
  const guint64 seed0 = self->seed0;
  const guint64 seed1 = self->seed1;
  const DsTableSlot *slots = self->slots;
  const gsize mask = self->mask;

  for (gsize i = 0; i < n_keys; i++)
    {
      const guint32 type = keys[i].type;
      const guint32 size = keys[i].size;
      const char *bytes = keys[i].as.bytes;

      if (G_LIKELY ((type | 1) == DS_VALUE_TYPE_BYTES &&
                    size - 1 < DS_TABLE_INLINE_BYTES &&
                    ((guintptr) bytes & (DS_TABLE_PAGE - 1)) <=
                        DS_TABLE_PAGE - DS_TABLE_INLINE_BYTES))
        {
          prepared[i].k0 = ds_table_load (bytes) & ds_table_masks[size][0];
          prepared[i].k1 = ds_table_load (bytes + 8) & ds_table_masks[size][1];
          prepared[i].meta = ds_table_meta (type, size);
          prepared[i].hash = ds_table_hash (seed0, seed1, prepared[i].k0, prepared[i].k1,
                                            prepared[i].meta);
        }
      else
        {
          ds_table_prepare_key (self, &keys[i], &prepared[i]);
        }
      if (self->prefetches)
        __builtin_prefetch (&slots[prepared[i].hash & mask], 1);
    }
#else
  for (gsize i = 0; i < n_keys; i++)
    ds_table_prepare_key (self, &keys[i], &prepared[i]);
#endif
}
