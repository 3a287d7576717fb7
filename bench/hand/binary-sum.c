/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How fast can a program add up the records of a file by key, that does nothing else?
 *
 * The partner of binary-records.  A record begins with a key and a value, 8 bytes each
 * and little endian, whatever its length; reading, finding the key and adding is one
 * loop.  A slot is a key and its sum, 16 bytes; the key that an empty slot has, 0, has
 * its sum beside the table.
 *
 * usage: binary-sum FILE RECORD_LENGTH; prints how many different keys, and the sum of
 * all values. */

#include "bench/hand/map-memory.h"

#include <fcntl.h>
#include <unistd.h>

enum
{
  BLOCK_BYTES = 256 << 10,
  FIRST_LOG2_SUMS = 14
};

typedef struct
{
  uint64_t key; /* 0: empty */
  int64_t sum;
} SumSlot;

typedef struct
{
  SumSlot *slots;
  unsigned log2_slots;
  uint64_t n_keys;
  int64_t sum_of_zero;
  int has_zero;
} SumTable;

static void
sum_table_init (SumTable *table, unsigned log2_slots)
{
  table->slots = map_memory (sizeof (SumSlot) << log2_slots);
  table->log2_slots = log2_slots;
}

INLINE SumSlot *
sum_table_find (const SumTable *table, uint64_t key)
{
  uint64_t mask = (UINT64_C (1) << table->log2_slots) - 1;
  uint64_t i = (key * UINT64_C (0x9e3779b97f4a7c15)) >> (64 - table->log2_slots);

  while (table->slots[i].key != key && table->slots[i].key != 0)
    i = (i + 1) & mask;
  return &table->slots[i];
}

static void
sum_table_grow (SumTable *table)
{
  SumTable larger = *table;

  sum_table_init (&larger, table->log2_slots + 1);
  for (uint64_t i = 0; i < UINT64_C (1) << table->log2_slots; i++)
    if (table->slots[i].key != 0)
      *sum_table_find (&larger, table->slots[i].key) = table->slots[i];
  *table = larger; /* what was mapped goes with the process */
}

static void
add_records (SumTable *table, const char *bytes, size_t n_records, size_t length)
{
  for (size_t i = 0; i < n_records; i++, bytes += length)
    {
      uint64_t key;
      int64_t value;
      SumSlot *slot;

      memcpy (&key, bytes, sizeof key);
      memcpy (&value, bytes + sizeof key, sizeof value);
      if (!LIKELY (key != 0))
        {
          table->has_zero = 1;
          table->sum_of_zero += value;
          continue;
        }
      slot = sum_table_find (table, key);
      if (!LIKELY (slot->key == key))
        {
          if (2 * ++table->n_keys > UINT64_C (1) << table->log2_slots)
            {
              sum_table_grow (table);
              slot = sum_table_find (table, key);
            }
          slot->key = key;
        }
      slot->sum += value;
    }
}

int
main (int argc, char **argv)
{
  SumTable table = { 0 };
  long length = argc == 3 ? atol (argv[2]) : 0;
  int64_t sum;
  ssize_t n_read;

  if (length < 16 || length > BLOCK_BYTES)
    {
      fprintf (stderr, "usage: %s FILE RECORD_LENGTH (16 to %d)\n", argv[0], BLOCK_BYTES);
      return 2;
    }

  int fd = open (argv[1], O_RDONLY | O_CLOEXEC);
  char *buffer = map_memory (BLOCK_BYTES);
  size_t n_wanted = (size_t) BLOCK_BYTES / (size_t) length * (size_t) length;
  off_t offset = 0;

  sum_table_init (&table, FIRST_LOG2_SUMS);
  while ((n_read = pread (fd, buffer, n_wanted, offset)) > 0)
    {
      add_records (&table, buffer, (size_t) n_read / (size_t) length, (size_t) length);
      offset += n_read;
    }
  if (fd < 0 || n_read < 0)
    {
      perror (argv[1]);
      return 1;
    }

  sum = table.sum_of_zero;
  for (uint64_t i = 0; i < UINT64_C (1) << table.log2_slots; i++)
    sum += table.slots[i].sum;
  printf ("%llu %lld\n", (unsigned long long) (table.n_keys + (uint64_t) table.has_zero),
          (long long) sum);
  return 0;
}
