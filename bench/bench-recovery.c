/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How long does it take until the states of many keys are there again, against a plain
 * loop that decodes the same keys and states and inserts them into a table?
 *
 * usage: bench-recovery N_KEYS N_RUNS
 *
 * Keys are strings, states are ints.  The plain loop reads pairs of msgpack one after the
 * other, hashes the key, looks it up in a table that has room for all, and copies it to
 * the end of a buffer; it checks that bytes are left and nothing else.  Loading scans
 * first what it does not trust, keeps the order of keys and the time of their last
 * change, and the table that it fills goes on to change.  In turn, after one run of each
 * to warm up; both are compared with what was saved.  Prints "name value" lines. */

#include "base/ds-codec-private.h"
#include "rdd/ds-checkpoint-stream-private.h"
#include "rdd/ds-state-table-private.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define N_PARTITIONS 4

static void
fail (const char *what)
{
  g_printerr ("bench-recovery: %s\n", what);
  exit (1);
}

/* ---- Ours ---- */

typedef struct
{
  DsStateWriter writer;
  GByteArray *bytes;
} Writer;

typedef struct
{
  DsStateReader reader;
  const GByteArray *bytes;
  gsize at;
} Reader;

static gboolean
append (DsStateWriter *writer, const guint8 *bytes, gsize n_bytes, GError **error)
{
  g_byte_array_append (((Writer *) writer)->bytes, bytes, (guint) n_bytes);
  return TRUE;
}

static gssize
read_bytes (DsStateReader *reader, gpointer room, gsize n_room, GError **error)
{
  Reader *self = (Reader *) reader;
  gsize n = MIN (n_room, self->bytes->len - self->at);

  memcpy (room, self->bytes->data + self->at, n);
  self->at += n;
  return (gssize) n;
}

static DsStateStore *
make_store (void)
{
  g_autoptr (DsPartitioner) partitioner = ds_partitioner_new_hash (N_PARTITIONS);

  return ds_state_store_new (partitioner, FALSE);
}

static char *
make_key (gint64 i, char *key)
{
  g_snprintf (key, 24, "user-%08" G_GINT64_MODIFIER "u", (guint64) i * 7919 % 100000000);
  return key;
}

static DsStateStore *
make_states (gint64 n_keys, GByteArray *pairs)
{
  DsStateStore *store = make_store ();
  g_autoptr (GByteArray) scratch = g_byte_array_new ();
  g_autoptr (GByteArray) state = g_byte_array_new ();
  char key[24];

  for (gint64 i = 0; i < n_keys; i++)
    {
      DsStateChange change = { .entry = DS_STATE_NO_ENTRY };
      DsValue pair[2] = { ds_value_string (make_key (i, key)), ds_value_int (i * 3) };

      ds_codec_encode (ds_value_tuple (pair, 2), pairs);
      change.key = ds_state_make_key (pair[0], scratch);
      g_byte_array_set_size (state, 0);
      ds_state_encode (pair[1], state);
      change.bytes = state->data;
      change.n_bytes = state->len;
      ds_state_table_apply (ds_state_store_get_table (store, (guint) (i % N_PARTITIONS)),
                            DS_SECOND, &change, 1);
    }
  ds_state_store_commit (store, DS_SECOND);
  return store;
}

/* In µs. */
static gint64
load (const GByteArray *bytes, gint64 n_keys)
{
  Reader reader = { { read_bytes, bytes->len }, bytes, 0 };
  gint64 start_time = g_get_monotonic_time ();
  g_autoptr (DsStateStore) store = make_store ();
  gint64 end_time;

  if (!ds_state_store_load (store, &reader.reader, NULL))
    fail ("what was saved could not be loaded");
  end_time = g_get_monotonic_time ();
  if (ds_state_store_get_n_keys (store) != (guint64) n_keys)
    fail ("keys were lost");
  return end_time - start_time;
}

/* ---- A plain loop ---- */

typedef struct
{
  guint64 hash;
  guint32 key_at;
  guint32 n_key; /* 0: empty */
  gint64 state;
} PlainSlot;

typedef struct
{
  PlainSlot *slots;
  guint64 mask;
  char *keys;
  gsize n_key_bytes;
  gint64 n_keys;
} PlainTable;

static guint64
plain_read_big_endian (const guint8 *at, guint n_bytes)
{
  guint64 number = 0;

  for (guint i = 0; i < n_bytes; i++)
    number = number << 8 | at[i];
  return number;
}

/* An unsigned int. */
static const guint8 *
plain_read_int (const guint8 *at, gint64 *integer)
{
  guint n_bytes = 0;

  if (*at < 0x80)
    {
      *integer = *at;
      return at + 1;
    }
  if (*at < 0xcc || *at > 0xcf)
    fail ("the plain loop meets something else than an int");
  n_bytes = 1u << (*at - 0xcc);
  *integer = (gint64) plain_read_big_endian (at + 1, n_bytes);
  return at + 1 + n_bytes;
}

static void
plain_insert (PlainTable *self, const char *key, guint32 n_key, gint64 state)
{
  guint64 hash = XXH3_64bits (key, n_key);
  guint64 at = hash & self->mask;

  while (self->slots[at].n_key != 0)
    {
      if (self->slots[at].hash == hash && self->slots[at].n_key == n_key &&
          memcmp (self->keys + self->slots[at].key_at, key, n_key) == 0)
        {
          self->slots[at].state = state;
          return;
        }
      at = (at + 1) & self->mask;
    }
  memcpy (self->keys + self->n_key_bytes, key, n_key);
  self->slots[at] = (PlainSlot){ hash, (guint32) self->n_key_bytes, n_key, state };
  self->n_key_bytes += n_key;
  self->n_keys++;
}

/* An ext of a tuple: its head, an array of two, a short string, an int. */
static gint64
load_plainly (const GByteArray *pairs, gint64 n_keys)
{
  gint64 start_time = g_get_monotonic_time ();
  PlainTable table = { .mask = 1 };
  const guint8 *at = pairs->data;
  const guint8 *end = at + pairs->len;
  gint64 end_time;

  while (table.mask < (guint64) n_keys * 3 / 2)
    table.mask *= 2;
  table.slots = g_new0 (PlainSlot, table.mask);
  table.mask--;
  table.keys = g_malloc (pairs->len);
  while (at < end)
    {
      gint64 state;
      guint32 n_key;
      const char *key;

      if (end - at < 5)
        fail ("the plain loop meets the end too early");
      at += *at == 0xc7 ? 3 : 2; /* ext 8, or of a fixed length */
      if (*at++ != 0x92 || (*at & 0xe0) != 0xa0)
        fail ("the plain loop meets something else than a pair");
      n_key = *at++ & 0x1f;
      key = (const char *) at;
      at = plain_read_int (at + n_key, &state);
      plain_insert (&table, key, n_key, state);
    }
  end_time = g_get_monotonic_time ();
  if (table.n_keys != n_keys)
    fail ("the plain loop lost keys");
  g_free (table.slots);
  g_free (table.keys);
  return end_time - start_time;
}

/* ---- Both ---- */

/* What was loaded is saved as the same bytes. */
static void
check (const GByteArray *bytes)
{
  Reader reader = { { read_bytes, bytes->len }, bytes, 0 };
  Writer writer = { { append }, g_byte_array_new () };
  g_autoptr (DsStateStore) store = make_store ();

  if (!ds_state_store_load (store, &reader.reader, NULL) ||
      !ds_state_store_save (store, DS_TIME_NONE, DS_SECOND, &writer.writer, NULL))
    fail ("what was loaded could not be saved");
  if (writer.bytes->len != bytes->len ||
      memcmp (writer.bytes->data, bytes->data, bytes->len) != 0)
    fail ("what was loaded is not what was saved");
  g_byte_array_unref (writer.bytes);
}

static int
compare_times (gconstpointer a, gconstpointer b)
{
  gint64 first = *(const gint64 *) a;
  gint64 second = *(const gint64 *) b;

  return first < second ? -1 : first > second;
}

int
main (int argc, char **argv)
{
  gint64 n_keys = argc == 3 ? g_ascii_strtoll (argv[1], NULL, 10) : 0;
  guint n_runs = argc == 3 ? (guint) g_ascii_strtoull (argv[2], NULL, 10) : 0;
  g_autoptr (GByteArray) pairs = g_byte_array_new ();
  g_autofree gint64 *ours = NULL;
  g_autofree gint64 *plain = NULL;
  Writer writer = { { append }, g_byte_array_new () };
  gint64 start_time, save_time;

  if (n_keys <= 0 || n_keys > 50000000 || n_runs == 0)
    {
      g_printerr ("usage: bench-recovery N_KEYS N_RUNS\n");
      return 2;
    }
  {
    g_autoptr (DsStateStore) store = make_states (n_keys, pairs);

    start_time = g_get_monotonic_time ();
    if (!ds_state_store_save (store, DS_TIME_NONE, DS_SECOND, &writer.writer, NULL))
      fail ("the states could not be saved");
    save_time = g_get_monotonic_time () - start_time;
  }
  check (writer.bytes);

  ours = g_new (gint64, n_runs);
  plain = g_new (gint64, n_runs);
  load (writer.bytes, n_keys);
  load_plainly (pairs, n_keys);
  for (guint i = 0; i < n_runs; i++)
    {
      ours[i] = load (writer.bytes, n_keys);
      plain[i] = load_plainly (pairs, n_keys);
    }
  qsort (ours, n_runs, sizeof *ours, compare_times);
  qsort (plain, n_runs, sizeof *plain, compare_times);
  g_print ("keys %" G_GINT64_FORMAT "\n", n_keys);
  g_print ("bytes %u\n", writer.bytes->len);
  g_print ("save_us %" G_GINT64_FORMAT "\n", save_time);
  g_print ("load_us %" G_GINT64_FORMAT "\n", ours[n_runs / 2]);
  g_print ("load_us_min %" G_GINT64_FORMAT "\n", ours[0]);
  g_print ("load_us_max %" G_GINT64_FORMAT "\n", ours[n_runs - 1]);
  g_print ("plain_us %" G_GINT64_FORMAT "\n", plain[n_runs / 2]);
  g_byte_array_unref (writer.bytes);
  return 0;
}
