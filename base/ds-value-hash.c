/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The hash that decides which partition a key belongs to.  It must never change: not
 * between machines, runs or versions, because state that was written by one is read by
 * another.  So everything is fixed here: XXH3 with 64 bits, a seed for each type, numbers
 * in little-endian order, and one bit pattern for what is one key (-0.0, NaN).
 *
 * Nested values hash the hashes of their items.  Two values that are equal have the same
 * bytes here; two that differ in type alone have different seeds. */

#include "base/ds-value-private.h"

#include <math.h>

/* In this file alone, so that its short forms for short keys are inlined. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#define DS_VALUE_HASH_SEED G_GUINT64_CONSTANT (0x6473747265616d31) /* "dstream1" */
#define DS_VALUE_HASH_GROUP 16 /* items; more would only take more stack */

guint64
ds_hash_bytes (gconstpointer bytes, gsize n_bytes)
{
  return XXH3_64bits_withSeed (bytes, n_bytes, DS_VALUE_HASH_SEED);
}

/* Strings have the seed itself, so that ds_hash_bytes () is their hash. */
static guint64
ds_value_hash_seed (DsValueType type)
{
  return DS_VALUE_HASH_SEED + (guint64) type - DS_VALUE_TYPE_STRING;
}

static guint64
ds_value_hash_word (guint64 word, DsValueType type)
{
  guint64 canonical = GUINT64_TO_LE (word);

  return XXH3_64bits_withSeed (&canonical, sizeof canonical, ds_value_hash_seed (type));
}

static guint64
ds_value_hash_double (double number)
{
  guint64 bits = G_GUINT64_CONSTANT (0x7ff8000000000000); /* the NaN */

  if (number == 0.0)
    number = 0.0; /* also of -0.0 */
  if (!isnan (number))
    memcpy (&bits, &number, sizeof bits);
  return ds_value_hash_word (bits, DS_VALUE_TYPE_DOUBLE);
}

/* The hashes of the items are hashed in groups; the result of one group is the seed of
 * the next. */
static guint64
ds_value_hash_items (DsValue value)
{
  guint64 hash = ds_value_hash_seed (ds_value_type_of (value));
  guint64 group[DS_VALUE_HASH_GROUP];
  guint32 i = 0;

  do
    {
      gsize n = 0;

      while (n < DS_VALUE_HASH_GROUP && i < value.size)
        group[n++] = GUINT64_TO_LE (ds_value_hash (value.as.items[i++]));
      hash = XXH3_64bits_withSeed (group, n * sizeof *group, hash);
    }
  while (i < value.size);
  return hash;
}

/**
 * ds_value_hash: (skip)
 * @value: any value
 *
 * The hash of a key: equal values have equal hashes.
 *
 * The same on every machine, in every run and version, because it decides the partition
 * of a key.  It withstands no enemy who chooses keys; tables mix in a seed of the
 * process.
 *
 * Returns: 64 bits, all of them good
 */
guint64
ds_value_hash (DsValue value)
{
  DsValueType type = ds_value_type_of (value);

  switch (type)
    {
    case DS_VALUE_TYPE_STRING:
    case DS_VALUE_TYPE_BYTES:
      return XXH3_64bits_withSeed (value.as.bytes, value.size, ds_value_hash_seed (type));

    case DS_VALUE_TYPE_BOOL:
    case DS_VALUE_TYPE_INT:
      return ds_value_hash_word ((guint64) value.as.integer, type);

    case DS_VALUE_TYPE_DOUBLE:
      return ds_value_hash_double (value.as.number);

    case DS_VALUE_TYPE_TUPLE:
    case DS_VALUE_TYPE_LIST:
      return ds_value_hash_items (value);

    case DS_VALUE_TYPE_NULL:
    default:
      return ds_value_hash_word (0, DS_VALUE_TYPE_NULL);
    }
}
