/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The slots of a table whose keys are all ints: 16 bytes each, half of what keys of other
 * types need, so twice as many are near.
 *
 * A slot holds the key less the seed, so that 0, which only one key in 2^64 becomes, can
 * stand for empty, and either a sum or an index into the columns.  Its home is where the
 * highest bits of the key times a secret odd number point (Knuth, The Art of Computer
 * Programming 3, 6.4).  Keys in sequence, which ids and counters are, then lie as evenly
 * as multiples of the golden ratio do, because the number is drawn until the quotients of
 * its continued fraction are small; other keys lie as if by chance.  Slots come in pairs,
 * and which one of its pair a key is in costs no branch.
 *
 * Some sets of keys would crowd under some numbers: when the way from home grows long,
 * and as soon as a key comes that is no int, the table goes over to the slots for all
 * keys (ds-table-slots.c). */

#include "rdd/ds-table-core-private.h"

/* So far from home, on average, nobody is by chance. */
#define DS_TABLE_MAX_FAR 4
#define DS_TABLE_MIN_FAR 1024
/* So many keys before it is looked at a slot is asked for. */
#define DS_TABLE_AHEAD ((gsize) 32)

/* ---- The multiplier ---- */

#define DS_TABLE_MAX_QUOTIENT 5
/* Of so many keys in sequence it says where they lie. */
#define DS_TABLE_MAX_DENOMINATOR ((guint64) 1 << 24)

/* Of @multiplier / 2^64. */
static gboolean
ds_table_quotients_are_small (guint64 multiplier)
{
  /* 2^64 = quotient * multiplier + rest; 2^64 itself does not fit. */
  guint64 quotient = G_MAXUINT64 / multiplier;
  guint64 rest = G_MAXUINT64 % multiplier + 1;
  guint64 divisor = multiplier;
  guint64 before = 0;
  guint64 denominator = 1;

  for (;;)
    {
      const guint64 next = quotient * denominator + before;

      if (quotient > DS_TABLE_MAX_QUOTIENT)
        return FALSE;
      if (next > DS_TABLE_MAX_DENOMINATOR)
        return TRUE;
      if (rest == 0)
        return FALSE;
      before = denominator;
      denominator = next;
      quotient = divisor / rest;
      multiplier = divisor % rest;
      divisor = rest;
      rest = multiplier;
    }
}

guint64
ds_table_find_multiplier (guint64 seed)
{
  /* One in 30 will do.  The steps are those of a generator of full period. */
  while (!ds_table_quotients_are_small (seed | 1))
    seed = seed * G_GUINT64_CONSTANT (6364136223846793005) +
           G_GUINT64_CONSTANT (1442695040888963407);
  return seed | 1;
}

/* ---- Slots ---- */

static inline gsize
ds_table_int_home (const DsTable *self, guint64 id)
{
  return (id * self->multiplier) >> self->shift;
}

static DsTableIntSlot *
ds_table_int_free_slot (DsTable *self, guint64 id)
{
  const gsize first = ds_table_int_home (self, id) & ~(gsize) 1;
  gsize at = first;

  while (self->int_slots[at].id != 0)
    at = (at + 1) & self->mask;
  self->n_far += ((at - first) & self->mask) / 2;
  return &self->int_slots[at];
}

static void
ds_table_allocate_int_slots (DsTable *self, gsize n_slots)
{
  const gsize n_bytes = n_slots * sizeof (DsTableIntSlot);

  self->slot_arena = ds_arena_new_sized (ds_task_get_arena_pool (self->task), n_bytes);
  self->int_slots = ds_arena_alloc (self->slot_arena, n_bytes);
  memset (self->int_slots, 0, n_bytes);
  self->mask = n_slots - 1;
  self->shift = 64 - (guint) g_bit_storage (self->mask);
  self->n_max_keys = n_slots / 2;
  self->n_seen = 0;
  self->n_keys_grown = self->n_keys;
  self->n_far = 0;
}

void
ds_table_make_int_slots (DsTable *self, gsize n_keys)
{
  gsize n_slots = DS_TABLE_MIN_SLOTS;

  while (n_slots / 2 < n_keys)
    n_slots *= 2;
  ds_table_allocate_int_slots (self, n_slots);
  ds_table_grow_columns (self);
}

/* A stretch of slots at a time: first those that are taken are noted, without a branch,
 * since nobody foresees which they are.  Keys stay in order, so the new slots are written
 * from one end to the other as well. */
static __attribute__ ((noinline)) void
ds_table_grow_int_slots (DsTable *self)
{
  DsArena *old_arena = g_steal_pointer (&self->slot_arena);
  const DsTableIntSlot *old = self->int_slots;
  const gsize n_old = self->mask + 1;

  ds_table_allocate_int_slots (self,
                               n_old < DS_TABLE_SMALL_SLOTS ? n_old * 4 : n_old * 2);
  for (gsize start = 0; start < n_old; start += DS_TABLE_RUN)
    {
      guint8 taken[DS_TABLE_RUN];
      gsize n_taken = 0;

      for (gsize i = 0; i < DS_TABLE_RUN; i++)
        {
          taken[n_taken] = (guint8) i;
          n_taken += old[start + i].id != 0;
        }
      for (gsize i = 0; i < n_taken; i++)
        {
          const DsTableIntSlot *slot = &old[start + taken[i]];

          *ds_table_int_free_slot (self, slot->id) = *slot;
        }
    }
  ds_arena_unref (old_arena);
  ds_table_grow_columns (self);
}

static DsTableIntSlot *
ds_table_insert_int (DsTable *self, guint64 id)
{
  DsTableIntSlot *slot;

  if (G_UNLIKELY (self->n_keys == self->n_max_keys))
    ds_table_grow_int_slots (self);
  slot = ds_table_int_free_slot (self, id);
  slot->id = id;
  slot->word = ds_table_has_sums (self) ? 0 : (gint64) self->n_keys;
  self->keys[self->n_keys++] = ds_value_int ((gint64) (id + self->seed0));
  return slot;
}

/* Wherever it is. */
static __attribute__ ((noinline)) DsTableIntSlot *
ds_table_find_int (DsTable *self, guint64 id)
{
  for (gsize at = ds_table_int_home (self, id) & ~(gsize) 1;; at = (at + 1) & self->mask)
    {
      DsTableIntSlot *slot = &self->int_slots[at];

      if (slot->id == id)
        return slot;
      if (slot->id == 0)
        return ds_table_insert_int (self, id);
    }
}

/* ---- Runs ---- */

/* What probing needs, in registers. */
typedef struct
{
  DsTableIntSlot *slots;
  guint64 seed0;
  guint64 multiplier;
  guint shift;
} DsIntProbe;

static inline DsIntProbe
ds_int_probe_begin (const DsTable *self)
{
  return (DsIntProbe){ self->int_slots, self->seed0, self->multiplier, self->shift };
}

static inline gsize
ds_int_probe_home (const DsIntProbe *self, guint64 id)
{
  return (id * self->multiplier) >> self->shift;
}

static inline void
ds_int_probe_ask_for (const DsIntProbe *self, DsValue key)
{
  const guint64 id = (guint64) key.as.integer - self->seed0;

  __builtin_prefetch (&self->slots[ds_int_probe_home (self, id)], 1);
}

/* FALSE: @key is for no slot. */
static inline gboolean
ds_int_probe_takes (const DsIntProbe *self, const DsValue *key)
{
  return key->type == DS_VALUE_TYPE_INT && (guint64) key->as.integer != self->seed0;
}

/* The slot of @key, a new one if need be. */
static inline DsTableIntSlot *
ds_int_probe_find (DsIntProbe *self, DsTable *table, const DsValue *key)
{
  const guint64 id = (guint64) key->as.integer - self->seed0;
  const gsize home = ds_int_probe_home (self, id);
  const gsize is_other = self->slots[home ^ 1].id == id;
  DsTableIntSlot *slot = &self->slots[home ^ is_other];

  if (G_LIKELY (slot->id == id))
    return slot;
  slot = ds_table_find_int (table, id);
  self->slots = table->int_slots;
  self->shift = table->shift;
  return slot;
}

/* Asks for the slots of the first keys; how many others there are, which are asked for
 * while the ones before them are looked at. */
static inline gsize
ds_int_probe_ask_ahead (const DsIntProbe *self, const DsValue *keys, gsize n_keys)
{
  const gsize n_first = MIN (n_keys, DS_TABLE_AHEAD);

  for (gsize i = 0; i < n_first; i++)
    ds_int_probe_ask_for (self, keys[i]);
  return n_keys - n_first;
}

/* The three loops: from @i to @n, where @ahead keys further on there are keys to ask for.
 * They end at a key that fits into no slot. */

static inline __attribute__ ((always_inline)) gsize
ds_int_probe_get_indices (DsIntProbe *self,
                          DsTable *table,
                          const DsValue *keys,
                          gsize i,
                          gsize n,
                          gsize ahead,
                          guint32 *indices)
{
  for (; i < n; i++)
    {
      if (ahead > 0)
        ds_int_probe_ask_for (self, keys[i + ahead]);
      if (G_UNLIKELY (!ds_int_probe_takes (self, &keys[i])))
        break;
      indices[i] = (guint32) ds_int_probe_find (self, table, &keys[i])->word;
    }
  return i;
}

static inline __attribute__ ((always_inline)) gsize
ds_int_probe_count (DsIntProbe *self,
                    DsTable *table,
                    const DsValue *keys,
                    gsize i,
                    gsize n,
                    gsize ahead)
{
  for (; i < n; i++)
    {
      if (ahead > 0)
        ds_int_probe_ask_for (self, keys[i + ahead]);
      if (G_UNLIKELY (!ds_int_probe_takes (self, &keys[i])))
        break;
      ds_int_probe_find (self, table, &keys[i])->word++;
    }
  return i;
}

/* Also at a value that is no int, and where the task fails. */
static inline __attribute__ ((always_inline)) gsize
ds_int_probe_sum (DsIntProbe *self,
                  DsTable *table,
                  const DsValue *keys,
                  const DsValue *values,
                  gsize i,
                  gsize n,
                  gsize ahead)
{
  for (; i < n; i++)
    {
      const gint64 value = values[i].as.integer;
      DsTableIntSlot *slot;

      if (ahead > 0)
        ds_int_probe_ask_for (self, keys[i + ahead]);
      if (G_UNLIKELY (!ds_int_probe_takes (self, &keys[i]) ||
                      values[i].type != DS_VALUE_TYPE_INT))
        break;
      slot = ds_int_probe_find (self, table, &keys[i]);
      if (G_UNLIKELY (__builtin_add_overflow (slot->word, value, &slot->word)))
        {
          ds_table_fail_overflow (table, keys[i],
                                  (gint64) ((guint64) slot->word - (guint64) value),
                                  value);
          break;
        }
    }
  return i;
}

/* ---- Leaving ---- */

/* Keys in the order of their insertion, since the columns are walked from one end to the
 * other then. */
void
ds_table_move_int_sums_to_column (DsTable *self)
{
  DsIntProbe probe = ds_int_probe_begin (self);

  for (gsize i = 0; i < self->n_keys; i++)
    {
      DsTableIntSlot *slot;

      if (i + DS_TABLE_AHEAD < self->n_keys)
        ds_int_probe_ask_for (&probe, self->keys[i + DS_TABLE_AHEAD]);
      slot = ds_int_probe_find (&probe, self, &self->keys[i]);
      self->values[i] = ds_value_int (slot->word);
      slot->word = (gint64) i;
    }
}

static void
ds_table_leave_int_slots (DsTable *self)
{
  const gboolean has_sums = ds_table_has_sums (self);
  DsTableKey prepared[DS_TABLE_RUN];

  if (has_sums)
    {
      ds_table_make_value_column (self);
      ds_table_move_int_sums_to_column (self);
    }
  g_clear_pointer (&self->slot_arena, ds_arena_unref);
  self->int_slots = NULL;
  ds_table_make_slots (self, self->n_keys);
  for (gsize done = 0; done < self->n_keys; done += DS_TABLE_RUN)
    {
      const gsize n_run = MIN (self->n_keys - done, DS_TABLE_RUN);

      ds_table_prepare_keys (self, self->keys + done, n_run, prepared);
      for (gsize i = 0; i < n_run; i++)
        ds_table_place_key (self, &prepared[i], (guint32) (done + i))->sum =
            has_sums ? self->values[done + i].as.integer : 0;
    }
}

/* ---- Adding ---- */

/* What fitted, of @n_values: how many. */
static gsize
ds_table_add_to_int_sums (DsTable *self,
                          const DsValue *keys,
                          const DsValue *values,
                          gsize n_values)
{
  DsIntProbe probe = ds_int_probe_begin (self);
  const gsize n_others = ds_int_probe_ask_ahead (&probe, keys, n_values);
  gsize n;

  if (values == NULL)
    {
      n = ds_int_probe_count (&probe, self, keys, 0, n_others, DS_TABLE_AHEAD);
      if (n == n_others)
        n = ds_int_probe_count (&probe, self, keys, n, n_values, 0);
      return n;
    }
  n = ds_int_probe_sum (&probe, self, keys, values, 0, n_others, DS_TABLE_AHEAD);
  if (n == n_others)
    n = ds_int_probe_sum (&probe, self, keys, values, n, n_values, 0);
  return n;
}

static gsize
ds_table_find_int_indices (DsTable *self,
                           const DsValue *keys,
                           gsize n_keys,
                           guint32 *indices)
{
  DsIntProbe probe = ds_int_probe_begin (self);
  const gsize n_others = ds_int_probe_ask_ahead (&probe, keys, n_keys);
  gsize n =
      ds_int_probe_get_indices (&probe, self, keys, 0, n_others, DS_TABLE_AHEAD, indices);

  if (n == n_others)
    n = ds_int_probe_get_indices (&probe, self, keys, n, n_keys, 0, indices);
  return n;
}

gboolean
ds_table_ints_add (DsTable *self,
                   const DsValue *keys,
                   const DsValue *values,
                   gsize *n_values,
                   gboolean merging)
{
  const gsize n_wanted = *n_values;
  gsize n;

  if (ds_table_has_sums (self))
    {
      const gboolean counts = self->meet == DS_MEET_COUNT && !merging;

      n = ds_table_add_to_int_sums (self, keys, counts ? NULL : values, n_wanted);
      if (G_UNLIKELY (self->task->error != NULL))
        return FALSE;
      /* What does not fit is the key or the value. */
      if (G_UNLIKELY (n < n_wanted && !counts &&
                      !ds_value_is (values[n], DS_VALUE_TYPE_INT)))
        {
          ds_table_stop_sums (self);
          *n_values = n;
          return TRUE;
        }
    }
  else
    {
      const gsize n_known = self->n_keys;
      guint32 indices[DS_TABLE_RUN];

      n = ds_table_find_int_indices (self, keys, n_wanted, indices);
      if (!ds_table_meet_found (self, indices, n_known, keys, values, n, merging))
        return FALSE;
    }
  if (G_UNLIKELY (n < n_wanted ||
                  self->n_far > DS_TABLE_MAX_FAR * self->n_keys + DS_TABLE_MIN_FAR))
    ds_table_leave_int_slots (self);
  *n_values = n;
  return TRUE;
}
