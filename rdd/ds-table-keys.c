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

#define DS_TABLE_READS_PADDED (DS_MAY_READ_PAST_VALUES && G_BYTE_ORDER == G_LITTLE_ENDIAN)

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
  prepared->hash = ds_table_hash (self->seed0, self->seed1, prepared->k0, prepared->k1);
  if (ds_table_meta_is_long (prepared->meta))
    prepared->k1 = (guint64) (guintptr) key;
}

#if DS_TABLE_READS_PADDED
/* Type and size of a value in one word, as they lie in memory. */
#define DS_TABLE_HEAD(type, size) ((guint64) (size) << 32 | (type))

/* A string or bytes of 1 to 16 bytes whose 16 bytes lie within a page.  BYTES follows
 * STRING, so what remains of such a head less that of the shortest string is one bit of
 * the type and four of the size. */
static inline gboolean
ds_table_may_load_padded (guint64 head, guint64 address)
{
  const guint64 rest = head - DS_TABLE_HEAD (DS_VALUE_TYPE_STRING, 1);

  return (rest & ~DS_TABLE_HEAD (1, DS_TABLE_INLINE_BYTES - 1)) == 0 &&
         (address & (DS_TABLE_PAGE - 1)) <= DS_TABLE_PAGE - DS_TABLE_INLINE_BYTES;
}

/* As many of the next keys as are short strings; how many that were.  A function by
 * itself, and without calls, so that everything stays in registers. */
static __attribute__ ((noinline)) gsize
ds_table_prepare_short_keys (const DsTable *self,
                             const DsValue *keys,
                             gsize n_keys,
                             DsTableKey *prepared)
{
  const guint64 seed0 = self->seed0;
  const guint64 seed1 = self->seed1;
  /* Asking for what is near anyway is cheaper than a branch. */
  const DsTableSlot *slots =
      self->prefetches ? self->slots : (const DsTableSlot *) (gconstpointer) self;
  const gsize mask = self->prefetches ? self->mask : 0;
  const DsValue *key;

  for (key = keys; key < keys + n_keys; key++, prepared++)
    {
      const guint64 head = ds_table_load ((const char *) key);
      const char *bytes = key->as.bytes;
      const guint32 size = (guint32) (head >> 32);
      guint64 k0;
      guint64 k1;
      guint64 hash;

      if (G_UNLIKELY (!ds_table_may_load_padded (head, (guintptr) bytes)))
        break;
      k0 = ds_table_load (bytes) & ds_table_masks[size][0];
      k1 = ds_table_load (bytes + 8) & ds_table_masks[size][1];
      hash = ds_table_hash (seed0, seed1, k0, k1);
      /* One by one: gcc would take both through a vector register and back. */
      __atomic_store_n (&prepared->k0, k0, __ATOMIC_RELAXED);
      __atomic_store_n (&prepared->k1, k1, __ATOMIC_RELAXED);
      prepared->hash = hash;
      prepared->meta = ds_table_meta ((guint32) head, size);
      __builtin_prefetch (&slots[hash & mask], 1);
    }
  return (gsize) (key - keys);
}
#endif

/* The same for ints. */
static __attribute__ ((noinline)) gsize
ds_table_prepare_int_keys (const DsTable *self,
                           const DsValue *keys,
                           gsize n_keys,
                           DsTableKey *prepared)
{
  const guint64 seed0 = self->seed0;
  const guint64 seed1 = self->seed1;
  const DsTableSlot *slots =
      self->prefetches ? self->slots : (const DsTableSlot *) (gconstpointer) self;
  const gsize mask = self->prefetches ? self->mask : 0;
  const DsValue *key;

  for (key = keys; key < keys + n_keys; key++, prepared++)
    {
      const guint64 k0 = (guint64) key->as.integer;
      guint64 hash;

      if (G_UNLIKELY (!ds_value_is (*key, DS_VALUE_TYPE_INT)))
        break;
      hash = ds_table_hash (seed0, seed1, k0, 0);
      prepared->k0 = k0;
      prepared->k1 = 0;
      prepared->hash = hash;
      prepared->meta = ds_table_meta (DS_VALUE_TYPE_INT, 0);
      __builtin_prefetch (&slots[hash & mask], 1);
    }
  return (gsize) (key - keys);
}

void
ds_table_prepare_keys (const DsTable *self,
                       const DsValue *keys,
                       gsize n_keys,
                       DsTableKey *prepared)
{
  gsize done = 0;

  while (done < n_keys)
    {
#if DS_TABLE_READS_PADDED
      done +=
          ds_table_prepare_short_keys (self, keys + done, n_keys - done, prepared + done);
      if (done == n_keys)
        break;
#endif
      if (ds_value_is (keys[done], DS_VALUE_TYPE_INT))
        {
          done += ds_table_prepare_int_keys (self, keys + done, n_keys - done,
                                             prepared + done);
          continue;
        }
      ds_table_prepare_key (self, &keys[done], &prepared[done]);
      if (self->prefetches)
        __builtin_prefetch (&self->slots[prepared[done].hash & self->mask], 1);
      done++;
    }
}
