/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The inside of DsTable, shared by its files: how a key becomes a fixed-size form, and
 * the two shapes a table has (slots, radix partitions). */

#include "base/ds-value-private.h"
#include "rdd/ds-table-private.h"

G_BEGIN_DECLS

/* Keys are prepared and probed in runs of this many: their prepared forms stay in the
 * first-level cache, and the buckets are on their way when the first probe comes. */
#define DS_TABLE_RUN 128

#define DS_TABLE_MAX_KEYS ((gsize) G_MAXINT32)

/* In meta of a key that does not fit inline: then k0 is a 64-bit hash of it. */
#define DS_TABLE_META_LONG 0x80u

/* A key in fixed-size form.  Two keys without %DS_TABLE_META_LONG are equal exactly when
 * k0, k1 and meta are. */
typedef struct
{
  guint64 k0;
  guint64 k1; /* of a long key: address of its DsValue */
  guint64 hash;
  guint32 meta; /* (type + 1) << 8 | size, or | %DS_TABLE_META_LONG; never 0 */
} DsTableKey;

typedef struct
{
  guint64 k0;
  guint64 k1;    /* 0 for a long key */
  guint32 meta;  /* 0: the slot is empty */
  guint32 index; /* into the columns */
  gint64 sum;    /* while the table counts or adds ints */
} DsTableSlot;

G_STATIC_ASSERT (sizeof (DsTableSlot) == 32);

/* Of a table whose keys are all ints. */
typedef struct
{
  guint64 id;  /* key - seed0; 0: the slot is empty */
  gint64 word; /* the sum, while the table counts or adds ints; else the index */
} DsTableIntSlot;

G_STATIC_ASSERT (sizeof (DsTableIntSlot) == 16);

#define DS_TABLE_MIN_SLOTS ((gsize) 256)
/* Small tables grow fourfold: they are cheap to clear and soon fill again. */
#define DS_TABLE_SMALL_SLOTS ((gsize) 1 << 13)

/* What happens where a value meets another one. */
typedef enum
{
  DS_MEET_COUNT, /* sums in the slots, each key adds 1 */
  DS_MEET_SUM,   /* sums in the slots, values are ints */
  DS_MEET_ADD,
  DS_MEET_MIN,
  DS_MEET_MAX,
  DS_MEET_FIRST,
  DS_MEET_LAST,
  DS_MEET_USER,
  DS_MEET_GROUP
} DsMeet;

typedef struct _DsTableRadix DsTableRadix;
typedef struct _DsTableGroup DsTableGroup;

struct _DsTable
{
  /* Hot: the probe loops. */
  DsTableSlot *slots; /* (nullable) */
  gsize mask;         /* of slots, or of int_slots */
  gsize n_keys;
  gsize n_max_keys; /* the length of the columns: 0.6 of the slots, 0.5 of int_slots */
  guint64 seed0;
  guint64 seed1;
  DsValue *keys;
  DsValue
      *values; /* (nullable): while sums lie in the slots, or nothing but keys counts */
  DsTableIntSlot *int_slots; /* (nullable): instead of slots */
  guint64 multiplier;        /* of int_slots, odd */
  guint shift;
  gsize n_far;         /* pairs of int_slots that new keys went on from home */
  gboolean prefetches; /* the slots are larger than what a cache near the core holds */

  DsCombine combine;
  DsTask *task;
  DsMeet meet;
  guint n_sides; /* at least 1 */
  guint side;
  gboolean has_values; /* FALSE while first was only given keys */

  DsArena *slot_arena;
  DsArena *column_arena;
  DsArena *key_arena;   /* bytes of keys */
  DsArena *value_arena; /* (nullable): bytes of values */
  gsize n_dead_bytes;   /* in value_arena */
  DsArena *scratch;     /* (nullable): what user functions allocate */

  gsize n_first_keys; /* the slots are made for, with the first value */
  gsize n_seen;       /* since the slots last grew */
  gsize n_keys_grown; /* keys when the slots last grew */
  gsize n_radix_keys; /* from here on radix partitions are considered */
  guint n_radix_bits;
  gsize n_buffer_bytes; /* of records in radix partitions before they are aggregated */

  DsTableRadix *radix; /* (nullable) */
  DsTableGroup *group; /* (nullable) */
};

/* ---- Hashing ---- */

static inline guint64
ds_table_fold (guint64 a, guint64 b)
{
  __extension__ typedef unsigned __int128 DsUint128;

  /* Said so that gcc 12 keeps the two halves in registers. */
  return a * b ^ (guint64) ((DsUint128) a * b >> 64);
}

/* @k1 is 0 for a long key.  The low bits choose the slot, the highest ones the radix
 * partition.  Type and size are left out: no more than a few dozen keys differ in nothing
 * else. */
static inline guint64
ds_table_hash (guint64 seed0, guint64 seed1, guint64 k0, guint64 k1)
{
  return ds_table_fold (k0 ^ seed0, k1 ^ seed1);
}

static inline gboolean
ds_table_meta_is_long (guint32 meta)
{
  return (meta & DS_TABLE_META_LONG) != 0;
}

static inline DsValueType
ds_table_meta_get_type (guint32 meta)
{
  return (DsValueType) ((meta >> 8) - 1);
}

/* ---- ds-table-keys.c ---- */

void ds_table_prepare_keys (const DsTable *self,
                            const DsValue *keys,
                            gsize n_keys,
                            DsTableKey *prepared);
static inline gboolean
ds_table_meta_needs_bytes (guint32 meta)
{
  guint32 type = (meta >> 8) - 1;

  return (type | 1) == DS_VALUE_TYPE_BYTES;
}

/* The value of an inline key; the bytes of a string go to @bytes (16 bytes there). */
static inline DsValue
ds_table_key_to_value (guint64 k0, guint64 k1, guint32 meta, char *bytes)
{
  DsValue value = { .type = (meta >> 8) - 1 };

  if (!ds_table_meta_needs_bytes (meta))
    {
      value.as.integer = (gint64) k0;
      return value;
    }
  memcpy (bytes, &k0, sizeof k0);
  memcpy (bytes + 8, &k1, sizeof k1);
  value.size = meta & (DS_TABLE_META_LONG - 1);
  value.as.bytes = bytes;
  return value;
}

/* ---- ds-table.c ---- */

/* Values meet in the column under the keys [@indices]; those from @n_known on are new.
 * FALSE when the task failed. */
gboolean ds_table_meet_found (DsTable *self,
                              const guint32 *indices,
                              gsize n_known,
                              const DsValue *keys,
                              const DsValue *values,
                              gsize n_values,
                              gboolean merging);
/* From sums of ints to sums of anything. */
void ds_table_stop_sums (DsTable *self);
/* @block also holds @arena (transfer full, nullable). */
void ds_table_hold_arena (DsBlock *block, DsArena *arena);

/* ---- ds-table-slots.c ---- */

void ds_table_make_slots (DsTable *self, gsize n_keys);
/* Moves the columns to where there is room for as many keys as the slots allow. */
void ds_table_grow_columns (DsTable *self);
/* A slot for @key, which is not there yet. */
DsTableSlot *ds_table_place_key (DsTable *self, const DsTableKey *key, guint32 index);
DsTableSlot *ds_table_insert_slot (DsTable *self, const DsTableKey *key);
DsTableSlot *ds_table_find_long_slot (DsTable *self, const DsTableKey *key);
/* The value column, if there is none yet. */
void ds_table_make_value_column (DsTable *self);
/* Sums leave the slots for the value column; from then on values meet there. */
void ds_table_move_sums_to_column (DsTable *self);

/* Of an inline key; FALSE for a long one, whose address no slot holds. */
static inline gboolean
ds_table_slot_matches (const DsTableSlot *slot, const DsTableKey *key)
{
  return ((slot->k0 ^ key->k0) | (slot->k1 ^ key->k1) | (slot->meta ^ key->meta)) == 0;
}

static inline DsTableSlot *
ds_table_find_slot (DsTable *self, const DsTableKey *key)
{
  gsize at = key->hash & self->mask;

  if (G_UNLIKELY (ds_table_meta_is_long (key->meta)))
    return ds_table_find_long_slot (self, key);
  for (;; at = (at + 1) & self->mask)
    {
      DsTableSlot *slot = &self->slots[at];

      if (G_LIKELY (slot->k0 == key->k0 && slot->k1 == key->k1 &&
                    slot->meta == key->meta))
        return slot;
      if (slot->meta == 0)
        return ds_table_insert_slot (self, key);
    }
}

/* ---- ds-table-ints.c ---- */

/* The first number from @seed on that spreads sequences well. */
guint64 ds_table_find_multiplier (guint64 seed);
void ds_table_make_int_slots (DsTable *self, gsize n_keys);
/* Adds values until one comes that int slots are not for; *@n_values becomes how many
 * that were, and the table goes over to what can take the next one.  FALSE when the task
 * failed. */
gboolean ds_table_ints_add (DsTable *self,
                            const DsValue *keys,
                            const DsValue *values,
                            gsize *n_values,
                            gboolean merging);
/* To the value column, which is there; words are indices from then on. */
void ds_table_move_int_sums_to_column (DsTable *self);

/* Slots hold sums. */
static inline gboolean
ds_table_has_sums (const DsTable *self)
{
  return self->meet == DS_MEET_COUNT || self->meet == DS_MEET_SUM;
}

/* ---- ds-table-values.c ---- */

/* A first value becomes a combiner that the table owns. */
DsValue ds_table_first_value (DsTable *self,
                              const DsValue *key,
                              const DsValue *value,
                              gboolean merging);
/* A further value meets the combiner that is there. */
DsValue ds_table_next_value (DsTable *self,
                             DsValue combiner,
                             const DsValue *key,
                             const DsValue *value,
                             gboolean merging);
/* The same for a run of a user's function: values [@indices] meet @values; those from
 * @n_known on are new.  FALSE when the task failed. */
gboolean ds_table_call_run (DsTable *self,
                            const guint32 *indices,
                            gsize n_known,
                            const DsValue *keys,
                            const DsValue *values,
                            gsize n_values,
                            gboolean merging);
/* Copies what the table shall own. */
DsValue ds_table_own_value (DsTable *self, DsValue value);
gboolean ds_table_wants_compaction (DsTable *self);
void ds_table_fail_overflow (DsTable *self, DsValue key, gint64 sum, gint64 value);

/* ---- ds-table-group.c ---- */

DsTableGroup *ds_table_group_new (DsArenaPool *pool);
void ds_table_group_free (DsTableGroup *self);
void ds_table_group_add (DsTableGroup *self, guint32 index, DsValue value);
gsize ds_table_group_get_n_bytes (DsTableGroup *self);
gsize ds_table_group_get_n_values (DsTableGroup *self);
/* The lists in @values; the memory that they lie in, (transfer full). */
DsArena *ds_table_group_end (DsTableGroup *self, DsValue *values, gsize n_keys);

/* ---- ds-table-radix.c ---- */

/* Goes over from slots to radix partitions. */
void ds_table_start_radix (DsTable *self);
gboolean ds_table_radix_add (DsTable *self,
                             const DsTableKey *prepared,
                             const DsValue *keys,
                             const DsValue *values,
                             gsize n_values,
                             gboolean merging);
gsize ds_table_radix_get_n_keys (DsTable *self);
gsize ds_table_radix_get_n_bytes (DsTable *self);
DsBlock *ds_table_radix_end (DsTable *self);
void ds_table_radix_free (DsTableRadix *self);

G_END_DECLS
