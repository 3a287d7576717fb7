/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/ds-codec-private.h"
#include "base/ds-error.h"
#include "base/ds-value-private.h"
#include "rdd/ds-state-table-core-private.h"
#include "tests/rdd/ds-test-save.h"

#include <string.h>

#define N_PARTITIONS 3
#define TIMEOUT (5 * DS_SECOND)

/* ---- Batches ---- */

static DsStateStore *
make_store (guint n_partitions, gboolean is_timed)
{
  g_autoptr (DsPartitioner) partitioner = ds_partitioner_new_hash (n_partitions);

  return ds_state_store_new (partitioner, is_timed);
}

static DsValue
make_key (GRand *random, DsArena *arena)
{
  gint32 n = g_rand_int_range (random, 0, 60);
  DsValue items[2];

  switch (n % 4)
    {
    case 0:
      return ds_value_int (n * 1000003);
    case 1:
      return ds_value_copy (ds_value_string (n < 30 ? "k"
                                                    : "a key that is longer than most"),
                            arena);
    case 2:
      return ds_value_double (n / 3.0);
    default:
      items[0] = ds_value_int (n);
      items[1] = ds_value_string ("t");
      return ds_value_copy (ds_value_tuple (items, 2), arena);
    }
}

static DsValue
make_state (GRand *random, DsArena *arena)
{
  char text[600];
  gint32 n = g_rand_int_range (random, 0, 600);

  switch (n % 5)
    {
    case 0:
      return ds_value_null ();
    case 1:
      return ds_value_int (n * G_GINT64_CONSTANT (100000007));
    case 2:
      return ds_value_double (-1.0 / n);
    default:
      memset (text, 'x', sizeof text);
      return ds_value_copy (ds_value_string_sized (text, (guint32) n), arena);
    }
}

static void
append_key (DsStateTable *table, guint32 entry, GString *text)
{
  g_autoptr (DsArena) arena = ds_arena_new (NULL);
  DsStateKey key = ds_state_table_get_key (table, entry);

  ds_value_append_to_string (ds_state_decode (key.bytes, arena), text, TRUE);
  g_string_append_c (text, ' ');
}

/* Random changes; keys that nobody has touched for long are given and go. */
static void
run_partition (DsStateStore *store,
               guint partition,
               DsTime time,
               GRand *random,
               GString *text)
{
  g_autoptr (DsArena) arena = ds_arena_new (NULL);
  DsStateTable *table = ds_state_store_get_table (store, partition);
  gint32 n = g_rand_int_range (random, 0, 25);

  ds_state_store_begin (store, partition);
  for (gint32 i = 0; i < n; i++)
    {
      g_autoptr (GByteArray) key = g_byte_array_new ();
      g_autoptr (GByteArray) state = g_byte_array_new ();
      DsStateChange change = { .entry = DS_STATE_NO_ENTRY };
      gint32 kind = g_rand_int_range (random, 0, 10);

      change.key = ds_state_make_key (make_key (random, arena), key);
      ds_state_encode (make_state (random, arena), state);
      change.bytes = state->data;
      change.n_bytes = kind == 0   ? DS_STATE_ABSENT
                       : kind == 1 ? DS_STATE_UNCHANGED
                                   : state->len;
      ds_state_table_apply (table, time, &change, 1);
    }
  for (;;)
    {
      guint32 entry = ds_state_table_get_oldest (table);
      DsStateChange change = { .entry = entry, .n_bytes = DS_STATE_ABSENT };
      DsStatePayload payload;

      if (entry == DS_STATE_NO_ENTRY || !ds_state_table_get (table, entry, &payload) ||
          payload.updated_at >= time - TIMEOUT)
        break;
      append_key (table, entry, text);
      ds_state_table_apply (table, time, &change, 1);
    }
}

static void
run_batch (DsStateStore *store, DsTime time, guint32 seed, GString *text)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (seed + (guint32) (time / DS_SECOND));

  for (guint i = 0; i < ds_state_store_get_n_partitions (store); i++)
    run_partition (store, i, time, random, text);
  ds_state_store_commit (store, time);
}

/* ---- What is there ---- */

/* Keys in their order with state and time, then in the order of time; numbers of entries
 * do not show. */
static char *
describe (DsStateStore *store, gboolean is_timed)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < ds_state_store_get_n_partitions (store); i++)
    {
      DsStateTable *table = ds_state_store_get_table (store, i);

      for (guint32 entry = 0; entry < ds_state_table_get_n_entries (table); entry++)
        {
          g_autoptr (DsArena) arena = ds_arena_new (NULL);
          DsStatePayload payload;

          if (!ds_state_table_get (table, entry, &payload))
            continue;
          append_key (table, entry, text);
          ds_value_append_to_string (ds_state_decode (payload.bytes, arena), text, TRUE);
          g_string_append_printf (text, " %" G_GINT64_FORMAT "\n", payload.updated_at);
        }
      for (guint32 entry = is_timed ? ds_state_table_get_oldest (table)
                                    : DS_STATE_NO_ENTRY;
           entry != DS_STATE_NO_ENTRY;
           entry = ds_state_table_get_next_oldest (table, entry))
        append_key (table, entry, text);
      g_string_append_printf (text, "%u keys\n", ds_state_table_get_n_keys (table));
    }
  return g_string_free (text, FALSE);
}

static GBytes *
save (DsStateStore *store, DsTime since, DsTime time)
{
  DsTestWriter writer = ds_test_writer_make ();
  g_autoptr (GError) error = NULL;

  g_assert_true (ds_state_store_save (store, since, time, &writer.writer, &error));
  g_assert_no_error (error);
  return g_byte_array_free_to_bytes (writer.bytes);
}

static gboolean
try_load (DsStateStore *store, GBytes *bytes, gsize n_piece, GError **error)
{
  gsize n_bytes;
  const guint8 *data = g_bytes_get_data (bytes, &n_bytes);
  DsTestReader reader = ds_test_reader_make (data, n_bytes);
  gboolean ok;

  reader.n_piece = n_piece;
  ok = ds_state_store_load (store, &reader.reader, error);
  g_assert_true (ok == (*error == NULL));
  if (ok)
    g_assert_cmpuint (reader.at, ==, n_bytes);
  return ok;
}

static void
load (DsStateStore *store, GBytes *bytes, gsize n_piece)
{
  g_autoptr (GError) error = NULL;

  try_load (store, bytes, n_piece, &error);
  g_assert_no_error (error);
}

/* ---- Interruptions ---- */

/* @n_saves of which the first is in full; then a fresh store goes on. */
static void
check_interruption (guint32 seed, gboolean is_timed, guint n_saves)
{
  g_autoptr (DsStateStore) whole = make_store (N_PARTITIONS, is_timed);
  g_autoptr (DsStateStore) fresh = make_store (N_PARTITIONS, is_timed);
  g_autoptr (GString) ignored = g_string_new (NULL);
  DsTime time = 0;
  DsTime since = DS_TIME_NONE;

  for (guint i = 0; i < n_saves; i++)
    {
      g_autoptr (GBytes) bytes = NULL;
      gint n_batches = g_test_rand_int_range (i == 0 ? 0 : 1, 8);

      for (gint k = 0; k < n_batches; k++)
        run_batch (whole, time += DS_SECOND, seed, ignored);
      ds_state_store_pin (whole, time);
      bytes = save (whole, since, time);
      if (since != DS_TIME_NONE)
        ds_state_store_unpin (whole, since);
      since = time;
      load (fresh, bytes, 1 + g_test_rand_int_range (0, 100));
    }
  ds_state_store_unpin (whole, since);

  for (gint k = 0; k < 12; k++)
    {
      g_autofree char *expected = describe (whole, is_timed);
      g_autofree char *found = describe (fresh, is_timed);
      g_autoptr (GString) expected_output = g_string_new (NULL);
      g_autoptr (GString) output = g_string_new (NULL);

      g_assert_cmpstr (found, ==, expected);
      time += DS_SECOND;
      run_batch (whole, time, seed, expected_output);
      run_batch (fresh, time, seed, output);
      g_assert_cmpstr (output->str, ==, expected_output->str);
    }
}

static void
test_goes_on_as_if_nothing_had_happened (void)
{
  guint32 first_seed = (guint32) g_test_rand_int ();

  g_test_summary ("Whenever a store is saved and loaded, order and times are the same");
  g_test_message ("seeds from %u", first_seed);
  for (guint32 i = 0; i < 150; i++)
    {
      g_test_message ("seed %u", first_seed + i);
      check_interruption (first_seed + i, i % 3 != 0, 1);
    }
}

static void
test_changes_follow_what_was_saved_in_full (void)
{
  guint32 first_seed = (guint32) g_test_rand_int ();

  g_test_summary (
      "What changed since then, removed keys too, loaded one after the other");
  for (guint32 i = 0; i < 100; i++)
    {
      g_test_message ("seed %u", first_seed + i);
      check_interruption (first_seed + i, i % 3 != 0, 2 + i % 5);
    }
}

static void
test_initial_states_count_as_loaded_after_a_batch_only (void)
{
  g_autoptr (DsStateStore) store = make_store (N_PARTITIONS, FALSE);
  g_autoptr (DsStateStore) before = make_store (N_PARTITIONS, FALSE);
  g_autoptr (DsStateStore) after = make_store (N_PARTITIONS, FALSE);
  g_autoptr (GBytes) bytes_before = save (store, DS_TIME_NONE, DS_SECOND);
  g_autoptr (GBytes) late = NULL;
  g_autoptr (GBytes) bytes_after = NULL;

  ds_state_store_pin (store, DS_SECOND);
  ds_state_store_commit (store, 2 * DS_SECOND);
  late = save (store, DS_TIME_NONE, DS_SECOND);
  bytes_after = save (store, DS_SECOND, 2 * DS_SECOND);
  g_assert_true (g_bytes_equal (late, bytes_before));

  load (before, bytes_before, G_MAXSIZE);
  g_assert_false (ds_state_store_is_loaded (before, 0));
  g_assert_cmpint (ds_state_store_get_committed (before), ==, DS_TIME_NONE);
  load (after, bytes_before, G_MAXSIZE);
  load (after, bytes_after, G_MAXSIZE);
  g_assert_true (ds_state_store_is_loaded (after, N_PARTITIONS - 1));
  g_assert_cmpint (ds_state_store_get_committed (after), ==, 2 * DS_SECOND);
}

/* ---- What can't be ---- */

static void
test_says_what_does_not_fit (void)
{
  g_autoptr (DsStateStore) store = make_store (N_PARTITIONS, TRUE);
  g_autoptr (DsStateStore) other = make_store (N_PARTITIONS + 1, TRUE);
  g_autoptr (DsStateStore) fresh = make_store (N_PARTITIONS, TRUE);
  g_autoptr (GString) ignored = g_string_new (NULL);
  g_autoptr (GBytes) full = NULL;
  g_autoptr (GBytes) changes = NULL;
  g_autoptr (GError) error = NULL;
  DsTestWriter writer = ds_test_writer_make ();

  for (DsTime time = DS_SECOND; time <= 4 * DS_SECOND; time += DS_SECOND)
    {
      run_batch (store, time, 7, ignored);
      if (time == 2 * DS_SECOND)
        {
          ds_state_store_pin (store, time);
          full = save (store, DS_TIME_NONE, time);
        }
    }
  changes = save (store, 2 * DS_SECOND, 4 * DS_SECOND);

  g_assert_false (try_load (other, full, G_MAXSIZE, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_GRAPH_MISMATCH);
  g_assert_nonnull (strstr (error->message, "3 partitions, but the stream has 4"));
  g_clear_error (&error);
  g_assert_false (try_load (fresh, changes, G_MAXSIZE, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_CORRUPT);
  g_assert_nonnull (strstr (error->message, "changed since 2000 ms"));
  g_clear_error (&error);
  load (fresh, full, G_MAXSIZE);
  g_assert_false (try_load (fresh, full, G_MAXSIZE, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_CORRUPT);
  g_clear_error (&error);
  load (fresh, changes, G_MAXSIZE);
  g_assert_false (try_load (fresh, changes, G_MAXSIZE, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_CORRUPT);
  g_clear_error (&error);

  /* Not pinned any more. */
  ds_state_store_unpin (store, 2 * DS_SECOND);
  run_batch (store, 5 * DS_SECOND, 7, ignored);
  g_assert_false (
      ds_state_store_save (store, 2 * DS_SECOND, 5 * DS_SECOND, &writer.writer, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_STATE);
  g_clear_error (&error);
  writer.max_bytes = 300;
  g_assert_false (
      ds_state_store_save (store, DS_TIME_NONE, 5 * DS_SECOND, &writer.writer, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_NO_SPACE);
  g_byte_array_unref (writer.bytes);
}

static void
test_too_deep_states_are_refused_when_saved (void)
{
  g_autoptr (DsStateStore) store = make_store (1, FALSE);
  g_autoptr (GByteArray) key = g_byte_array_new ();
  g_autoptr (GByteArray) state = g_byte_array_new ();
  g_autoptr (GError) error = NULL;
  DsTestWriter writer = ds_test_writer_make ();
  DsStateChange change = { .entry = DS_STATE_NO_ENTRY };
  DsValue levels[DS_CODEC_MAX_DEPTH + 2];

  levels[0] = ds_value_int (1);
  for (guint i = 1; i < G_N_ELEMENTS (levels); i++)
    levels[i] = ds_value_list (&levels[i - 1], 1);
  ds_state_encode (levels[DS_CODEC_MAX_DEPTH + 1], state);
  change.key = ds_state_make_key (ds_value_int (1), key);
  change.bytes = state->data;
  change.n_bytes = state->len;
  ds_state_table_apply (ds_state_store_get_table (store, 0), DS_SECOND, &change, 1);
  g_assert_false (
      ds_state_store_save (store, DS_TIME_NONE, DS_SECOND, &writer.writer, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_TOO_DEEP);
  g_byte_array_unref (writer.bytes);
}

/* Whatever has been loaded, batches can be run and rolled back. */
static gboolean
load_damaged (GBytes *full, GBytes *changes)
{
  g_autoptr (DsStateStore) store = make_store (N_PARTITIONS, TRUE);
  g_autoptr (GString) ignored = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  gboolean ok = try_load (store, full, G_MAXSIZE, &error) &&
                (changes == NULL || try_load (store, changes, G_MAXSIZE, &error));

  if (!ok)
    {
      g_assert_true (error->domain == DS_ERROR);
      return FALSE;
    }
  run_batch (store, G_MAXINT64 / 2, 3, ignored);
  for (guint i = 0; i < N_PARTITIONS; i++)
    ds_state_store_roll_back (store, i, G_MAXINT64 / 2);
  g_free (describe (store, TRUE));
  return TRUE;
}

static guint
load_with_each_byte_damaged (GBytes *bytes, GBytes *full)
{
  gsize n_bytes;
  const guint8 *data = g_bytes_get_data (bytes, &n_bytes);
  guint n_refused = 0;

  for (gsize i = 0; i < n_bytes; i += DS_TEST_BYTE_STEP)
    {
      g_autoptr (GBytes) cut = g_bytes_new (data, i);

      g_assert_false (full == NULL ? load_damaged (cut, NULL) : load_damaged (full, cut));
      for (guint bit = 0; bit < 8; bit++)
        {
          g_autofree guint8 *copy = g_memdup2 (data, n_bytes);
          g_autoptr (GBytes) flipped = NULL;

          copy[i] ^= (guint8) (1u << bit);
          flipped = g_bytes_new_take (g_steal_pointer (&copy), n_bytes);
          n_refused += full == NULL ? !load_damaged (flipped, NULL)
                                    : !load_damaged (full, flipped);
        }
    }
  return n_refused;
}

static void
test_damage_is_an_error_and_never_a_crash (void)
{
  g_autoptr (DsStateStore) store = make_store (N_PARTITIONS, TRUE);
  g_autoptr (GString) ignored = g_string_new (NULL);
  g_autoptr (GBytes) full = NULL;
  g_autoptr (GBytes) changes = NULL;

  g_test_summary ("Each bit flipped, each length cut, of a full one and of changes");
  run_batch (store, DS_SECOND, 3, ignored);
  run_batch (store, 2 * DS_SECOND, 3, ignored);
  ds_state_store_pin (store, 2 * DS_SECOND);
  full = save (store, DS_TIME_NONE, 2 * DS_SECOND);
  run_batch (store, 3 * DS_SECOND, 3, ignored);
  changes = save (store, 2 * DS_SECOND, 3 * DS_SECOND);
  g_assert_cmpuint (load_with_each_byte_damaged (full, NULL) * DS_TEST_BYTE_STEP, >, 100);
  g_assert_cmpuint (load_with_each_byte_damaged (changes, full) * DS_TEST_BYTE_STEP, >,
                    100);
}

/* ---- Side by side ---- */

typedef struct
{
  DsStateStore *store;
  DsTime since;
  DsTime time;
  GBytes *bytes;
} Saving;

static gpointer
save_aside (gpointer data)
{
  Saving *self = data;

  self->bytes = save (self->store, self->since, self->time);
  return NULL;
}

static void
test_batches_go_on_while_it_is_saved (void)
{
  g_autoptr (DsStateStore) store = make_store (N_PARTITIONS, TRUE);
  g_autoptr (DsStateStore) fresh = make_store (N_PARTITIONS, TRUE);
  g_autoptr (GString) ignored = g_string_new (NULL);
  DsTime time = 0;
  Saving saving = { store, DS_TIME_NONE, 0, NULL };

  g_test_summary ("A thread saves while batches change the same tables");
  for (guint i = 0; i < 12; i++)
    {
      g_autofree char *expected = NULL;
      g_autofree char *found = NULL;
      GThread *thread;

      for (guint k = 0; k < 3; k++)
        run_batch (store, time += DS_SECOND, 11, ignored);
      saving.time = time;
      ds_state_store_pin (store, time);
      expected = describe (store, TRUE);
      thread = g_thread_new ("save", save_aside, &saving);
      for (guint k = 0; k < 20; k++)
        run_batch (store, time += DS_SECOND, 11, ignored);
      g_thread_join (thread);
      if (saving.since != DS_TIME_NONE)
        ds_state_store_unpin (store, saving.since);
      saving.since = saving.time;
      load (fresh, saving.bytes, G_MAXSIZE);
      g_clear_pointer (&saving.bytes, g_bytes_unref);
      found = describe (fresh, TRUE);
      g_assert_cmpstr (found, ==, expected);
    }
}

/* ---- How long what changed is remembered ---- */

/* Batch @time of one partition: the first @n_keys ints get a state. */
static void
change_ints (DsStateStore *store, gint64 n_keys, DsTime time)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();

  ds_state_store_begin (store, 0);
  for (gint64 i = 0; i < n_keys; i++)
    {
      guint8 state = (guint8) (time / DS_SECOND);
      DsStateChange change = { .entry = DS_STATE_NO_ENTRY };

      change.key = ds_state_make_key (ds_value_int (i), bytes);
      change.bytes = &state;
      change.n_bytes = 1;
      ds_state_table_apply (ds_state_store_get_table (store, 0), time, &change, 1);
    }
  ds_state_store_commit (store, time);
}

/* How many batches of @n_changes keys of @n_keys come after a save until what changed
 * since then cannot be told any more; 0: always, of 60. */
static guint
count_remembered (gint64 n_keys, gint64 n_changes)
{
  g_autoptr (DsStateStore) store = make_store (1, FALSE);
  DsStateTable *table = ds_state_store_get_table (store, 0);
  DsTime base = DS_SECOND;

  change_ints (store, n_keys, base);
  g_assert_false (ds_state_store_begin_save (store, DS_TIME_NONE, base));
  ds_state_store_end_save (store, DS_TIME_NONE, base, TRUE);
  for (guint k = 1; k <= 60; k++)
    {
      DsTime time = base + k * DS_SECOND;
      gboolean is_base;

      change_ints (store, n_changes, time);
      is_base = ds_state_store_begin_save (store, base, time);
      if (is_base)
        {
          g_autoptr (GBytes) changes = save (store, base, time);

          g_assert_cmpuint (g_bytes_get_size (changes), >, (gsize) n_changes);
        }
      ds_state_store_end_save (store, is_base ? base : DS_TIME_NONE, time, FALSE);
      if (is_base)
        continue;
      /* Those of this batch are left. */
      g_assert_cmpuint (ds_state_table_count_undos (table, G_MININT64), ==,
                        (guint64) n_changes);
      return k - 1;
    }
  return 0;
}

static void
test_changes_are_remembered_while_it_is_worth_it (void)
{
  /* More than 5,000 before the seventh. */
  g_assert_cmpuint (count_remembered (10000, 1000), ==, 6);
  g_assert_cmpuint (count_remembered (20000, 1000), ==, 11);
  /* Not more than 4,096. */
  g_assert_cmpuint (count_remembered (10, 10), ==, 0);
}

static void
test_a_save_at_work_keeps_what_it_builds_on (void)
{
  g_autoptr (DsStateStore) store = make_store (1, FALSE);
  g_autoptr (DsStateStore) fresh = make_store (1, FALSE);
  g_autoptr (GBytes) full = NULL;
  g_autoptr (GBytes) changes = NULL;
  g_autofree char *expected = NULL;
  g_autofree char *found = NULL;
  DsTime time = DS_SECOND;

  change_ints (store, 5000, time);
  g_assert_false (ds_state_store_begin_save (store, DS_TIME_NONE, time));
  full = save (store, DS_TIME_NONE, time);
  ds_state_store_end_save (store, DS_TIME_NONE, time, TRUE);
  change_ints (store, 100, time += DS_SECOND);
  expected = describe (store, FALSE);
  g_assert_true (ds_state_store_begin_save (store, DS_SECOND, time));
  for (guint k = 0; k < 5; k++)
    change_ints (store, 5000, time + (k + 1) * DS_SECOND);
  changes = save (store, DS_SECOND, time);
  ds_state_store_end_save (store, DS_SECOND, time, TRUE);
  load (fresh, full, G_MAXSIZE);
  load (fresh, changes, G_MAXSIZE);
  found = describe (fresh, FALSE);
  g_assert_cmpstr (found, ==, expected);
}

/* ---- Many keys ---- */

/* Of @n_keys, every 97th comes first, so that orders differ. */
static void
fill (DsStateStore *store, gint64 n_keys, DsTime time)
{
  guint n_partitions = ds_state_store_get_n_partitions (store);
  g_autoptr (GByteArray) bytes = g_byte_array_new ();

  for (gint64 i = 0; i < n_keys; i++)
    {
      DsStateChange change = { .entry = DS_STATE_NO_ENTRY };
      guint8 state[9] = { 0xcb, 0x40 };

      change.key = ds_state_make_key (ds_value_int (i * 97 % n_keys), bytes);
      memcpy (state + 2, &i, 4);
      change.bytes = state;
      change.n_bytes = sizeof state;
      ds_state_table_apply (ds_state_store_get_table (store, (guint) (i % n_partitions)),
                            time, &change, 1);
    }
  ds_state_store_commit (store, time);
}

static void
test_a_million_keys (void)
{
  gint64 n_keys = g_test_perf () ? 10000000 : 1000000;
  g_autoptr (DsStateStore) store = make_store (4, TRUE);
  g_autoptr (DsStateStore) fresh = make_store (4, TRUE);
  g_autoptr (GBytes) full = NULL;
  g_autoptr (GBytes) changes = NULL;
  gint64 start, saved, loaded, changed, end;

  fill (store, n_keys, DS_SECOND);
  fill (store, n_keys / 2, 2 * DS_SECOND);
  ds_state_store_pin (store, 2 * DS_SECOND);
  start = g_get_monotonic_time ();
  full = save (store, DS_TIME_NONE, 2 * DS_SECOND);
  saved = g_get_monotonic_time ();
  load (fresh, full, G_MAXSIZE);
  loaded = g_get_monotonic_time ();
  fill (store, n_keys / 100, 3 * DS_SECOND);
  changed = g_get_monotonic_time ();
  changes = save (store, 2 * DS_SECOND, 3 * DS_SECOND);
  end = g_get_monotonic_time ();
  load (fresh, changes, G_MAXSIZE);
  g_test_message ("%" G_GINT64_FORMAT " keys: saved in %" G_GINT64_FORMAT
                  " ms, %" G_GSIZE_FORMAT " bytes; loaded in %" G_GINT64_FORMAT
                  " ms; one in 100 changed: saved in %" G_GINT64_FORMAT
                  " ms, %" G_GSIZE_FORMAT " bytes",
                  n_keys, (saved - start) / 1000, g_bytes_get_size (full),
                  (loaded - saved) / 1000, (end - changed) / 1000,
                  g_bytes_get_size (changes));

  g_assert_cmpuint (ds_state_store_get_n_keys (fresh), ==, (guint64) n_keys);
  for (guint i = 0; i < 4; i++)
    {
      DsStateTable *a = ds_state_store_get_table (store, i);
      DsStateTable *b = ds_state_store_get_table (fresh, i);
      guint32 at = ds_state_table_get_oldest (b);

      for (guint32 entry = ds_state_table_get_oldest (a); entry != DS_STATE_NO_ENTRY;
           entry = ds_state_table_get_next_oldest (a, entry))
        {
          DsStatePayload x, y;

          g_assert_cmpuint (at, ==, entry);
          g_assert_true (ds_state_table_get (a, entry, &x));
          g_assert_true (ds_state_table_get (b, at, &y));
          g_assert_cmpmem (x.bytes, x.n_bytes, y.bytes, y.n_bytes);
          g_assert_cmpint (x.updated_at, ==, y.updated_at);
          at = ds_state_table_get_next_oldest (b, at);
        }
      g_assert_cmpuint (at, ==, DS_STATE_NO_ENTRY);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/rdd/state-store-save/goes-on-as-if-nothing-had-happened",
                   test_goes_on_as_if_nothing_had_happened);
  g_test_add_func ("/rdd/state-store-save/changes-follow-what-was-saved-in-full",
                   test_changes_follow_what_was_saved_in_full);
  g_test_add_func (
      "/rdd/state-store-save/initial-states-count-as-loaded-after-a-batch-only",
      test_initial_states_count_as_loaded_after_a_batch_only);
  g_test_add_func ("/rdd/state-store-save/says-what-does-not-fit",
                   test_says_what_does_not_fit);
  g_test_add_func ("/rdd/state-store-save/too-deep-states-are-refused-when-saved",
                   test_too_deep_states_are_refused_when_saved);
  g_test_add_func ("/rdd/state-store-save/damage-is-an-error-and-never-a-crash",
                   test_damage_is_an_error_and_never_a_crash);
  g_test_add_func ("/rdd/state-store-save/batches-go-on-while-it-is-saved",
                   test_batches_go_on_while_it_is_saved);
  g_test_add_func ("/rdd/state-store-save/changes-are-remembered-while-it-is-worth-it",
                   test_changes_are_remembered_while_it_is_worth_it);
  g_test_add_func ("/rdd/state-store-save/a-save-at-work-keeps-what-it-builds-on",
                   test_a_save_at_work_keeps_what_it_builds_on);
  g_test_add_func ("/rdd/state-store-save/a-million-keys", test_a_million_keys);

  return g_test_run ();
}
