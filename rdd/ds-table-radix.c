/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A table that has outgrown the caches: records are first dealt out by the highest bits
 * of their hash into radix partitions, and each partition is then aggregated by itself,
 * while its keys and its index fit near the core (Manegold, Boncz, Kersten: Optimizing
 * main-memory join on modern hardware, 2002, has the idea).
 *
 * A record is a key in fixed size and a sequence number, with the value where values
 * matter.  What a partition has aggregated is a run of entries in the order of first
 * appearance; there is no table that stays: the index over the entries is built anew in
 * one scratch area each time a partition is worked on, which is sequential and costs a
 * fraction of what the records do, because records gather until they take as much memory
 * as the entries.
 *
 * Order: the sequence number of a key is that of its first record, and in a partition
 * the numbers only rise.  So a window of numbers at a time is laid out from the next few
 * entries of each partition, in cache, and read off in order: no sorting. */

#include "rdd/ds-table-core-private.h"

#include "base/ds-block-private.h"

/* Records gather in pieces of 16 KiB. */
#define DS_RADIX_PIECE_BYTES ((gsize) 16 * 1024)
/* Entries lie in runs of this many, found through a table of runs. */
#define DS_RADIX_RUN_BITS 9
#define DS_RADIX_RUN ((gsize) 1 << DS_RADIX_RUN_BITS)
/* Sequence numbers put into order at a time; so many entries fit a cache. */
#define DS_RADIX_WINDOW ((gsize) 32 * 1024)
/* Sequence numbers are made dense again when they are this far apart. */
#define DS_RADIX_MAX_SEQUENCE ((gsize) 1 << 28)
#define DS_RADIX_SEQUENCES_PER_KEY 8

/* What gathers while values are ignored: each record adds 1. */
typedef struct
{
  guint64 k0;
  guint64 k1; /* of a long key: address of its DsValue */
  guint32 meta;
  guint32 sequence;
} DsRadixRecord;

/* A record with its value, and what is known of a key. */
typedef struct
{
  guint64 k0;
  guint64 k1;
  guint32 meta;
  guint32 sequence;
  DsValue value;
} DsRadixEntry;

G_STATIC_ASSERT (sizeof (DsRadixRecord) == 24);
G_STATIC_ASSERT (sizeof (DsRadixEntry) == 40);
G_STATIC_ASSERT (offsetof (DsRadixEntry, value) == sizeof (DsRadixRecord));

typedef struct _DsRadixPiece DsRadixPiece;

struct _DsRadixPiece
{
  DsRadixPiece *next;
  gsize unused; /* keeps what follows aligned to 16 bytes */
};

typedef struct
{
  char *cursor; /* of the last piece */
  char *limit;
  DsRadixPiece *first;
  DsRadixPiece *last;
  DsRadixEntry **runs;
  gsize n_runs;
  gsize n_entries;
  gsize n_records; /* in full pieces */
} DsRadixPartition;

/* Where in the index an entry is; @position counts from 1, 0 is empty. */
typedef struct
{
  guint32 tag;
  guint32 position;
} DsRadixSlot;

struct _DsTableRadix
{
  DsRadixPartition *partitions;
  guint n_bits;
  gsize record_bytes; /* of what gathers now */
  gboolean merging;   /* what gathers are combiners */
  gsize n_pieces;     /* in use */
  gsize n_entries;
  gsize next_sequence;
  gsize max_sequence;

  DsArena *piece_arena;
  DsRadixPiece *free_pieces;
  DsArena *record_arena; /* long keys and values of gathered records */
  DsArena *entry_arena;

  DsArena *index_arena; /* (nullable) */
  DsRadixSlot *index;
  gsize n_index_slots;
};

static inline guint
ds_radix_partition_of (const DsTableRadix *self, guint64 hash)
{
  return (guint) (hash >> (64 - self->n_bits));
}

static inline guint64
ds_radix_hash (const DsTable *table, guint64 k0, guint64 k1, guint32 meta)
{
  return ds_table_hash (table->seed0, table->seed1, k0,
                        ds_table_meta_is_long (meta) ? 0 : k1);
}

static inline DsRadixEntry *
ds_radix_get_entry (const DsRadixPartition *partition, gsize index)
{
  return &partition->runs[index >> DS_RADIX_RUN_BITS][index & (DS_RADIX_RUN - 1)];
}

static DsRadixEntry *
ds_radix_append_entry (DsTableRadix *self, DsRadixPartition *partition)
{
  gsize index = partition->n_entries++;

  if (G_UNLIKELY ((index >> DS_RADIX_RUN_BITS) == partition->n_runs))
    {
      if ((partition->n_runs & (partition->n_runs - 1)) == 0)
        partition->runs =
            g_renew (DsRadixEntry *, partition->runs, MAX (1, 2 * partition->n_runs));
      partition->runs[partition->n_runs++] =
          ds_arena_alloc (self->entry_arena, DS_RADIX_RUN * sizeof (DsRadixEntry));
    }
  self->n_entries++;
  return ds_radix_get_entry (partition, index);
}

void
ds_table_radix_free (DsTableRadix *self)
{
  for (gsize i = 0; i < (gsize) 1 << self->n_bits; i++)
    g_free (self->partitions[i].runs);
  g_free (self->partitions);
  g_clear_pointer (&self->piece_arena, ds_arena_unref);
  g_clear_pointer (&self->record_arena, ds_arena_unref);
  g_clear_pointer (&self->entry_arena, ds_arena_unref);
  g_clear_pointer (&self->index_arena, ds_arena_unref);
  g_free (self);
}

/* The keys so far become the first entries. */
static void
ds_table_radix_take_slots (DsTable *table, DsTableRadix *self)
{
  DsTableKey prepared[DS_TABLE_RUN];

  for (gsize done = 0; done < table->n_keys; done += DS_TABLE_RUN)
    {
      const gsize n_run = MIN (table->n_keys - done, DS_TABLE_RUN);

      ds_table_prepare_keys (table, table->keys + done, n_run, prepared);
      for (gsize i = 0; i < n_run; i++)
        {
          guint p = ds_radix_partition_of (self, prepared[i].hash);
          DsRadixEntry *entry = ds_radix_append_entry (self, &self->partitions[p]);

          entry->k0 = prepared[i].k0;
          entry->k1 = prepared[i].k1;
          entry->meta = prepared[i].meta;
          entry->sequence = (guint32) self->next_sequence++;
          entry->value =
              table->values != NULL ? table->values[done + i] : ds_value_null ();
          if (ds_table_meta_is_long (entry->meta))
            {
              DsValue *key = ds_arena_alloc (table->key_arena, sizeof (DsValue));

              *key = table->keys[done + i];
              entry->k1 = (guint64) (guintptr) key;
            }
        }
    }
}

void
ds_table_start_radix (DsTable *table)
{
  DsTableRadix *self = g_new0 (DsTableRadix, 1);
  DsArenaPool *pool = ds_task_get_arena_pool (table->task);

  self->n_bits = table->n_radix_bits;
  self->partitions = g_new0 (DsRadixPartition, (gsize) 1 << self->n_bits);
  self->record_bytes = sizeof (DsRadixRecord);
  self->max_sequence = DS_RADIX_MAX_SEQUENCE;
  self->piece_arena = ds_arena_new_sized (pool, DS_RADIX_PIECE_BYTES << self->n_bits);
  self->record_arena = ds_arena_new (pool);
  self->entry_arena = ds_arena_new (pool);
  if (ds_table_has_sums (table) && table->n_keys > 0)
    ds_table_move_sums_to_column (table);
  if (table->meet == DS_MEET_SUM)
    table->meet = DS_MEET_ADD;
  table->prefetches = FALSE;
  ds_table_radix_take_slots (table, self);
  g_clear_pointer (&table->slot_arena, ds_arena_unref);
  g_clear_pointer (&table->column_arena, ds_arena_unref);
  table->slots = NULL;
  table->int_slots = NULL;
  table->keys = NULL;
  table->values = NULL;
  table->radix = self;
}

/* ---- Gathering records ---- */

static __attribute__ ((noinline)) void
ds_radix_add_piece (DsTableRadix *self, DsRadixPartition *partition)
{
  const gsize n_records =
      (DS_RADIX_PIECE_BYTES - sizeof (DsRadixPiece)) / self->record_bytes;
  DsRadixPiece *piece = self->free_pieces;

  if (piece != NULL)
    self->free_pieces = piece->next;
  else
    piece = ds_arena_alloc (self->piece_arena, DS_RADIX_PIECE_BYTES);
  piece->next = NULL;
  if (partition->last != NULL)
    {
      partition->last->next = piece;
      partition->n_records += n_records;
    }
  else
    {
      partition->first = piece;
    }
  partition->last = piece;
  partition->cursor = (char *) (piece + 1);
  partition->limit = partition->cursor + n_records * self->record_bytes;
  self->n_pieces++;
}

static inline DsRadixRecord *
ds_radix_next_record (DsTableRadix *self, guint64 hash, gsize record_bytes)
{
  DsRadixPartition *partition = &self->partitions[ds_radix_partition_of (self, hash)];
  DsRadixRecord *record;

  if (G_UNLIKELY (partition->cursor == partition->limit))
    ds_radix_add_piece (self, partition);
  record = (DsRadixRecord *) (gpointer) partition->cursor;
  partition->cursor += record_bytes;
  return record;
}

static void
ds_radix_gather_key (DsTableRadix *self, const DsTableKey *key, DsRadixRecord *record)
{
  record->k0 = key->k0;
  record->k1 = key->k1;
  record->meta = key->meta;
  record->sequence = (guint32) self->next_sequence++;
  if (G_UNLIKELY (ds_table_meta_is_long (key->meta)))
    {
      DsValue *copy = ds_arena_alloc (self->record_arena, sizeof (DsValue));

      *copy = ds_value_copy (*(const DsValue *) (guintptr) key->k1, self->record_arena);
      record->k1 = (guint64) (guintptr) copy;
    }
}

static void
ds_radix_gather_keys (DsTableRadix *self, const DsTableKey *prepared, gsize n_keys)
{
  for (gsize i = 0; i < n_keys; i++)
    ds_radix_gather_key (self, &prepared[i],
                         ds_radix_next_record (self, prepared[i].hash,
                                               sizeof (DsRadixRecord)));
}

static void
ds_radix_gather_entries (DsTableRadix *self,
                         const DsTableKey *prepared,
                         const DsValue *values,
                         gsize n_keys)
{
  for (gsize i = 0; i < n_keys; i++)
    {
      DsRadixRecord *record =
          ds_radix_next_record (self, prepared[i].hash, sizeof (DsRadixEntry));
      DsRadixEntry *entry = (DsRadixEntry *) (gpointer) record;

      ds_radix_gather_key (self, &prepared[i], record);
      entry->value = values[i].type >= DS_VALUE_TYPE_STRING
                         ? ds_value_copy (values[i], self->record_arena)
                         : values[i];
    }
}

/* ---- Aggregating a partition ---- */

static void
ds_radix_make_index (DsTable *table,
                     DsTableRadix *self,
                     DsRadixPartition *partition,
                     gsize n_records)
{
  gsize n_slots = 1024;
  gsize n_wanted = partition->n_entries + n_records;

  while (n_slots * 6 / 10 < n_wanted)
    n_slots *= 2;
  if (self->index_arena == NULL ||
      ds_arena_get_n_bytes (self->index_arena) < n_slots * sizeof (DsRadixSlot))
    {
      g_clear_pointer (&self->index_arena, ds_arena_unref);
      self->index_arena = ds_arena_new_sized (ds_task_get_arena_pool (table->task),
                                              n_slots * sizeof (DsRadixSlot));
      self->index = ds_arena_alloc (self->index_arena, n_slots * sizeof (DsRadixSlot));
    }
  self->n_index_slots = n_slots;
  memset (self->index, 0, n_slots * sizeof (DsRadixSlot));

  for (gsize i = 0; i < partition->n_entries; i++)
    {
      const DsRadixEntry *entry = ds_radix_get_entry (partition, i);
      guint64 hash = ds_radix_hash (table, entry->k0, entry->k1, entry->meta);
      gsize at = hash & (n_slots - 1);

      while (self->index[at].position != 0)
        at = (at + 1) & (n_slots - 1);
      self->index[at] = (DsRadixSlot){ (guint32) (hash >> 20), (guint32) (i + 1) };
    }
}

static inline gboolean
ds_radix_is_same_key (const DsRadixEntry *entry, const DsRadixRecord *record)
{
  if (entry->k0 != record->k0 || entry->meta != record->meta)
    return FALSE;
  if (entry->k1 == record->k1)
    return TRUE;
  return ds_table_meta_is_long (record->meta) &&
         ds_value_equal (*(const DsValue *) (guintptr) entry->k1,
                         *(const DsValue *) (guintptr) record->k1);
}

/* The entry of @record's key, NULL when it is new; then it is appended with a value that
 * is not set. */
static inline DsRadixEntry *
ds_radix_find_entry (DsTable *table,
                     DsTableRadix *self,
                     DsRadixPartition *partition,
                     const DsRadixRecord *record,
                     gboolean *is_new)
{
  const guint64 hash = ds_radix_hash (table, record->k0, record->k1, record->meta);
  const gsize mask = self->n_index_slots - 1;
  const guint32 tag = (guint32) (hash >> 20);
  gsize at = hash & mask;
  DsRadixEntry *entry;

  for (;; at = (at + 1) & mask)
    {
      const DsRadixSlot slot = self->index[at];

      if (slot.position == 0)
        break;
      if (slot.tag != tag)
        continue;
      entry = ds_radix_get_entry (partition, slot.position - 1);
      if (G_LIKELY (ds_radix_is_same_key (entry, record)))
        {
          *is_new = FALSE;
          return entry;
        }
    }
  entry = ds_radix_append_entry (self, partition);
  self->index[at] = (DsRadixSlot){ tag, (guint32) partition->n_entries };
  entry->k0 = record->k0;
  entry->k1 = record->k1;
  entry->meta = record->meta;
  entry->sequence = record->sequence;
  if (G_UNLIKELY (ds_table_meta_is_long (record->meta)))
    {
      DsValue *key = ds_arena_alloc (table->key_arena, sizeof (DsValue));

      *key = ds_value_copy (*(const DsValue *) (guintptr) record->k1, table->key_arena);
      entry->k1 = (guint64) (guintptr) key;
    }
  *is_new = TRUE;
  return entry;
}

static void
ds_radix_count_records (DsTable *table,
                        DsTableRadix *self,
                        DsRadixPartition *partition,
                        const DsRadixRecord *records,
                        gsize n_records)
{
  for (gsize i = 0; i < n_records; i++)
    {
      gboolean is_new;
      DsRadixEntry *entry =
          ds_radix_find_entry (table, self, partition, &records[i], &is_new);

      if (is_new)
        entry->value = ds_value_int (1);
      else
        entry->value.as.integer++;
    }
}

static void
ds_radix_keep_first_keys (DsTable *table,
                          DsTableRadix *self,
                          DsRadixPartition *partition,
                          const DsRadixRecord *records,
                          gsize n_records)
{
  for (gsize i = 0; i < n_records; i++)
    {
      gboolean is_new;
      DsRadixEntry *entry =
          ds_radix_find_entry (table, self, partition, &records[i], &is_new);

      if (is_new)
        entry->value = ds_value_null ();
    }
}

static gboolean
ds_radix_meet_entries (DsTable *table,
                       DsTableRadix *self,
                       DsRadixPartition *partition,
                       const DsRadixEntry *records,
                       gsize n_records)
{
  for (gsize i = 0; i < n_records; i++)
    {
      const DsRadixRecord *record = (const DsRadixRecord *) &records[i];
      char bytes[16];
      DsValue key;
      gboolean is_new;
      DsRadixEntry *entry = ds_radix_find_entry (table, self, partition, record, &is_new);
      gint64 sum;

      if (G_LIKELY (table->meet <= DS_MEET_ADD && !is_new &&
                    entry->value.type == DS_VALUE_TYPE_INT &&
                    records[i].value.type == DS_VALUE_TYPE_INT &&
                    !__builtin_add_overflow (entry->value.as.integer,
                                             records[i].value.as.integer, &sum)))
        {
          entry->value.as.integer = sum;
          continue;
        }
      key = ds_table_meta_is_long (record->meta)
                ? *(const DsValue *) (guintptr) record->k1
                : ds_table_key_to_value (record->k0, record->k1, record->meta, bytes);
      if (is_new)
        entry->value =
            ds_table_first_value (table, &key, &records[i].value, self->merging);
      else
        entry->value = ds_table_next_value (table, entry->value, &key, &records[i].value,
                                            self->merging);
      if (G_UNLIKELY (table->task->error != NULL))
        {
          entry->value = ds_value_null ();
          table->task->current = NULL;
          table->task->current_pair_value = NULL;
          return FALSE;
        }
    }
  table->task->current = NULL;
  table->task->current_pair_value = NULL;
  return TRUE;
}

static gboolean
ds_radix_aggregate_piece (DsTable *table,
                          DsTableRadix *self,
                          DsRadixPartition *partition,
                          gconstpointer records,
                          gsize n_records)
{
  if (self->record_bytes == sizeof (DsRadixEntry))
    return ds_radix_meet_entries (table, self, partition, records, n_records);
  if (table->meet == DS_MEET_COUNT)
    ds_radix_count_records (table, self, partition, records, n_records);
  else
    ds_radix_keep_first_keys (table, self, partition, records, n_records);
  return TRUE;
}

static gboolean
ds_radix_aggregate_partition (DsTable *table,
                              DsTableRadix *self,
                              DsRadixPartition *partition)
{
  const gsize n_per_piece =
      (DS_RADIX_PIECE_BYTES - sizeof (DsRadixPiece)) / self->record_bytes;
  gsize n_last;
  gboolean going_on = TRUE;

  if (partition->first == NULL)
    return TRUE;
  n_last =
      (gsize) (partition->cursor - (char *) (partition->last + 1)) / self->record_bytes;
  ds_radix_make_index (table, self, partition, partition->n_records + n_last);
  for (const DsRadixPiece *piece = partition->first; piece != NULL && going_on;
       piece = piece->next)
    going_on = ds_radix_aggregate_piece (table, self, partition, piece + 1,
                                         piece->next != NULL ? n_per_piece : n_last);
  partition->last->next = self->free_pieces;
  self->free_pieces = partition->first;
  partition->first = NULL;
  partition->last = NULL;
  partition->cursor = NULL;
  partition->limit = NULL;
  partition->n_records = 0;
  return going_on;
}

static void
ds_radix_compact_values (DsTable *table, DsTableRadix *self)
{
  DsArena *old = g_steal_pointer (&table->value_arena);

  for (gsize p = 0; p < (gsize) 1 << self->n_bits; p++)
    for (gsize i = 0; i < self->partitions[p].n_entries; i++)
      {
        DsRadixEntry *entry = ds_radix_get_entry (&self->partitions[p], i);

        entry->value = ds_table_own_value (table, entry->value);
      }
  ds_arena_unref (old);
  table->n_dead_bytes = 0;
}

/* ---- The order of sequence numbers ---- */

/* Walks all entries in the order of their sequence numbers: a window of numbers at a
 * time, into which every partition puts its next few entries. */
typedef struct
{
  const DsTableRadix *radix;
  gsize *n_done; /* of each partition */
  gsize window;  /* first sequence number of it */
  DsRadixEntry *entries[DS_RADIX_WINDOW];
} DsRadixWalk;

static DsRadixWalk *
ds_radix_walk_new (const DsTableRadix *radix)
{
  DsRadixWalk *self = g_new (DsRadixWalk, 1);

  self->radix = radix;
  self->n_done = g_new0 (gsize, (gsize) 1 << radix->n_bits);
  self->window = 0;
  return self;
}

static void
ds_radix_walk_free (DsRadixWalk *self)
{
  g_free (self->n_done);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsRadixWalk, ds_radix_walk_free)

/* Fills the window; its empty places are NULL.  FALSE at the end. */
static gboolean
ds_radix_walk_next_window (DsRadixWalk *self)
{
  const gsize end = self->window + DS_RADIX_WINDOW;

  if (self->window >= self->radix->next_sequence)
    return FALSE;
  memset (self->entries, 0, sizeof self->entries);
  for (gsize p = 0; p < (gsize) 1 << self->radix->n_bits; p++)
    {
      const DsRadixPartition *partition = &self->radix->partitions[p];
      gsize i = self->n_done[p];

      for (; i < partition->n_entries; i++)
        {
          DsRadixEntry *entry = ds_radix_get_entry (partition, i);

          if (entry->sequence >= end)
            break;
          self->entries[entry->sequence - self->window] = entry;
        }
      self->n_done[p] = i;
    }
  self->window = end;
  return TRUE;
}

static void
ds_radix_make_sequences_dense (DsTableRadix *self)
{
  g_autoptr (DsRadixWalk) walk = ds_radix_walk_new (self);
  gsize n_entries = 0;

  while (ds_radix_walk_next_window (walk))
    for (gsize i = 0; i < DS_RADIX_WINDOW; i++)
      if (walk->entries[i] != NULL)
        walk->entries[i]->sequence = (guint32) n_entries++;
  self->next_sequence = n_entries;
}

/* All records that have gathered. */
static gboolean
ds_radix_aggregate (DsTable *table, DsTableRadix *self)
{
  gboolean going_on = TRUE;

  for (gsize p = 0; p < (gsize) 1 << self->n_bits && going_on; p++)
    going_on = ds_radix_aggregate_partition (table, self, &self->partitions[p]);
  if (!going_on)
    return FALSE;
  self->n_pieces = 0;
  ds_arena_reset (self->record_arena);
  if (ds_table_wants_compaction (table))
    ds_radix_compact_values (table, self);
  if (self->next_sequence > self->max_sequence &&
      self->next_sequence / DS_RADIX_SEQUENCES_PER_KEY > self->n_entries)
    ds_radix_make_sequences_dense (self);
  return TRUE;
}

/* ---- For DsTable ---- */

static gsize
ds_radix_get_buffered_bytes (const DsTableRadix *self)
{
  return self->n_pieces * DS_RADIX_PIECE_BYTES +
         ds_arena_get_n_bytes (self->record_arena);
}

gboolean
ds_table_radix_add (DsTable *table,
                    const DsTableKey *prepared,
                    const DsValue *keys,
                    const DsValue *values,
                    gsize n_values,
                    gboolean merging)
{
  DsTableRadix *self = table->radix;
  const gboolean has_values = values != NULL && (merging || table->meet != DS_MEET_COUNT);
  const gsize record_bytes = has_values ? sizeof (DsRadixEntry) : sizeof (DsRadixRecord);

  if (record_bytes != self->record_bytes || merging != self->merging)
    {
      if (!ds_radix_aggregate (table, self))
        return FALSE;
      self->record_bytes = record_bytes;
      self->merging = merging;
    }
  if (has_values)
    {
      table->has_values = TRUE;
      ds_radix_gather_entries (self, prepared, values, n_values);
    }
  else
    {
      ds_radix_gather_keys (self, prepared, n_values);
    }
  if (G_LIKELY (ds_radix_get_buffered_bytes (self) <
                MAX (table->n_buffer_bytes, ds_arena_get_n_bytes (self->entry_arena))))
    return TRUE;
  return ds_radix_aggregate (table, self);
}

gsize
ds_table_radix_get_n_keys (DsTable *table)
{
  return table->radix->n_entries;
}

gsize
ds_table_radix_get_n_bytes (DsTable *table)
{
  const DsTableRadix *self = table->radix;
  gsize n_bytes = ds_arena_get_n_bytes (self->piece_arena) +
                  ds_arena_get_n_bytes (self->record_arena) +
                  ds_arena_get_n_bytes (self->entry_arena);

  if (self->index_arena != NULL)
    n_bytes += ds_arena_get_n_bytes (self->index_arena);
  return n_bytes;
}

typedef struct
{
  DsValue *keys;
  DsValue *values; /* (nullable) */
  char *bytes;     /* of keys, 16 each */
} DsRadixColumns;

static void
ds_radix_fill_columns (const DsTableRadix *self, const DsRadixColumns *columns)
{
  g_autoptr (DsRadixWalk) walk = ds_radix_walk_new (self);
  gsize at = 0;

  while (ds_radix_walk_next_window (walk))
    for (gsize i = 0; i < DS_RADIX_WINDOW; i++)
      {
        const DsRadixEntry *entry = walk->entries[i];

        if (entry == NULL)
          continue;
        columns->keys[at] =
            ds_table_meta_is_long (entry->meta)
                ? *(const DsValue *) (guintptr) entry->k1
                : ds_table_key_to_value (entry->k0, entry->k1, entry->meta,
                                         columns->bytes + 16 * at);
        if (columns->values != NULL)
          columns->values[at] = entry->value;
        at++;
      }
}

DsBlock *
ds_table_radix_end (DsTable *table)
{
  DsTableRadix *self = table->radix;
  const gboolean has_values = table->meet != DS_MEET_FIRST || table->has_values;
  gsize n_column_bytes;
  DsTaskFrame frame =
      ds_task_enter (table->task, table->combine.operator_name, table->scratch, NULL);
  gboolean aggregated = ds_radix_aggregate (table, self);
  DsArenaPool *pool = ds_task_get_arena_pool (table->task);
  DsRadixColumns columns = { NULL, NULL, NULL };
  DsArena *arena;
  DsBlock *block;

  ds_task_leave (table->task, &frame);
  if (!aggregated)
    return NULL;
  g_clear_pointer (&self->piece_arena, ds_arena_unref);
  g_clear_pointer (&self->record_arena, ds_arena_unref);
  g_clear_pointer (&self->index_arena, ds_arena_unref);

  n_column_bytes = self->n_entries * sizeof (DsValue);
  arena = ds_arena_new_sized (pool, n_column_bytes * 3);
  columns.keys = ds_arena_alloc (arena, n_column_bytes);
  columns.bytes = ds_arena_alloc (arena, n_column_bytes);
  if (has_values)
    columns.values = ds_arena_alloc (arena, n_column_bytes);
  ds_radix_fill_columns (self, &columns);
  g_clear_pointer (&self->entry_arena, ds_arena_unref);

  block =
      ds_block_new_take_columns (arena, columns.keys, columns.values, self->n_entries);
  ds_table_hold_arena (block, g_steal_pointer (&table->key_arena));
  ds_table_hold_arena (block, g_steal_pointer (&table->value_arena));
  return block;
}
