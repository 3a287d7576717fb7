/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/ds-value-private.h"
#include "rdd/ds-state-codec-private.h"
#include "rdd/ds-state-table-core-private.h"

/* ---- Changes and what is read, as text ---- */

typedef struct
{
  GByteArray *bytes;
  GArray *changes; /* bytes by offset until applied */
} Changes;

static void
changes_set_up (Changes *self)
{
  self->bytes = g_byte_array_new ();
  self->changes = g_array_new (FALSE, FALSE, sizeof (DsStateChange));
}

/* @state null removes. */
static void
change (Changes *self, DsValue key, DsValue state)
{
  DsStateChange one = { .entry = DS_STATE_NO_ENTRY, .n_bytes = DS_STATE_ABSENT };

  one.key.bytes = GSIZE_TO_POINTER (self->bytes->len);
  ds_state_encode_key (key, self->bytes);
  one.key.n_bytes = self->bytes->len - (guint) GPOINTER_TO_SIZE (one.key.bytes);
  if (!ds_value_is_null (state))
    {
      one.bytes = GSIZE_TO_POINTER (self->bytes->len);
      ds_state_encode (state, self->bytes);
      one.n_bytes = self->bytes->len - (guint) GPOINTER_TO_SIZE (one.bytes);
    }
  g_array_append_val (self->changes, one);
}

/* Applies and empties. */
static void
apply (DsStateTable *table, DsTime time, Changes *self)
{
  for (guint i = 0; i < self->changes->len; i++)
    {
      DsStateChange *one = &g_array_index (self->changes, DsStateChange, i);

      one->key.bytes = self->bytes->data + GPOINTER_TO_SIZE (one->key.bytes);
      one->key.hash = ds_state_hash (one->key.bytes, one->key.n_bytes);
      one->bytes = self->bytes->data + GPOINTER_TO_SIZE (one->bytes);
    }
  ds_state_table_apply (table, time, (DsStateChange *) (gpointer) self->changes->data,
                        self->changes->len);
  g_array_set_size (self->changes, 0);
  g_byte_array_set_size (self->bytes, 0);
}

static void
changes_clear (Changes *self)
{
  g_byte_array_unref (self->bytes);
  g_array_unref (self->changes);
}

static void
append_rows (GString *text, GByteArray *bytes, const DsStateRow *rows, gsize n_rows)
{
  g_autoptr (DsArena) arena = ds_arena_new (NULL);
  g_autofree DsValue *keys = g_new (DsValue, n_rows + 1);
  g_autofree DsValue *states = g_new (DsValue, n_rows + 1);

  ds_state_decode_rows (bytes, rows, n_rows, arena, keys, states);
  for (gsize i = 0; i < n_rows; i++)
    {
      ds_value_append_to_string (keys[i], text, FALSE);
      g_string_append_c (text, '=');
      ds_value_append_to_string (states[i], text, FALSE);
      g_string_append_c (text, ' ');
    }
}

static char *
read_as_of (DsStateTable *table, DsTime time)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autofree DsStateRow *rows = g_new (DsStateRow, DS_STATE_SLICE);
  GString *text = g_string_new (NULL);
  guint64 cursor = 0;
  gsize n_rows;

  ds_state_table_hold (table);
  while ((n_rows = ds_state_table_read (table, time, &cursor, bytes, rows)) > 0)
    append_rows (text, bytes, rows, n_rows);
  ds_state_table_release (table);
  return g_string_free (text, FALSE);
}

typedef struct
{
  DsStateVisitor visitor;
  GString *text;
} Writer;

static gboolean
write_row (DsStateVisitor *visitor, const DsStateView *view)
{
  Writer *self = (Writer *) visitor;
  g_autoptr (DsArena) arena = ds_arena_new (NULL);

  ds_value_append_to_string (ds_state_decode (view->key, arena), self->text, FALSE);
  g_string_append_c (self->text, '=');
  ds_value_append_to_string (view->n_state != DS_STATE_ABSENT
                                 ? ds_state_decode (view->state, arena)
                                 : ds_value_null (),
                             self->text, FALSE);
  g_string_append_c (self->text, ' ');
  return self->text->len % 2 == 0; /* now and then it has enough */
}

static char *
read_changes (DsStateTable *table, DsTime since, DsTime time)
{
  Writer writer = { { write_row }, g_string_new (NULL) };
  guint64 cursor = 0;

  ds_state_table_hold (table);
  while (ds_state_table_visit (table, since, time, &cursor, &writer.visitor))
    continue;
  ds_state_table_release (table);
  return g_string_free (writer.text, FALSE);
}

static void
assert_as_of (DsStateTable *table, DsTime time, const char *expected)
{
  g_autofree char *text = read_as_of (table, time);

  g_assert_cmpstr (text, ==, expected);
}

static void
assert_changes (DsStateTable *table, DsTime since, DsTime time, const char *expected)
{
  g_autofree char *text = read_changes (table, since, time);

  g_assert_cmpstr (text, ==, expected);
}

static void
set (DsStateTable *table, DsTime time, const char *key, DsValue state)
{
  Changes changes;

  changes_set_up (&changes);
  change (&changes, ds_value_string (key), state);
  apply (table, time, &changes);
  changes_clear (&changes);
}

/* The keys in the order of their last change. */
static void
assert_order (DsStateTable *table, const char *expected)
{
  g_autoptr (DsArena) arena = ds_arena_new (NULL);
  GString *text = g_string_new (NULL);

  for (guint32 entry = ds_state_table_get_oldest (table); entry != DS_STATE_NO_ENTRY;
       entry = ds_state_table_get_next_oldest (table, entry))
    {
      DsStateKey key = ds_state_table_get_key (table, entry);

      ds_value_append_to_string (ds_state_decode (key.bytes, arena), text, FALSE);
    }
  g_assert_cmpstr (text->str, ==, expected);
  g_string_free (text, TRUE);
}

/* ---- What a table does ---- */

static void
test_reads_states_as_of_a_batch (void)
{
  g_autoptr (DsStateTable) table = ds_state_table_new (FALSE);

  g_test_summary ("Each batch's states can be read until they are forgotten");
  set (table, 1, "a", ds_value_int (1));
  set (table, 2, "b", ds_value_string ("a longer state than fits into the undo"));
  set (table, 3, "a", ds_value_int (1000000));
  set (table, 3, "b", ds_value_int (2));
  set (table, 4, "a", ds_value_null ());
  set (table, 6, "a", ds_value_int (7));

  assert_as_of (table, 0, "");
  assert_as_of (table, 1, "a=1 ");
  assert_as_of (table, 2, "a=1 b=a longer state than fits into the undo ");
  assert_as_of (table, 3, "a=1000000 b=2 ");
  assert_as_of (table, 5, "b=2 ");
  assert_as_of (table, 6, "b=2 a=7 ");
  g_assert_cmpuint (ds_state_table_get_n_keys (table), ==, 2);

  ds_state_table_forget (table, 3);
  g_assert_false (ds_state_table_remembers (table, 2));
  g_assert_true (ds_state_table_remembers (table, 3));
  assert_as_of (table, 3, "a=1000000 b=2 ");
  assert_as_of (table, 6, "b=2 a=7 ");
}

static void
test_looks_up_keys_as_of_a_batch (void)
{
  g_autoptr (DsStateTable) table = ds_state_table_new (FALSE);
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autoptr (GByteArray) scratch = g_byte_array_new ();
  DsStateKey key;
  DsStateRow row;

  g_test_summary ("A key is found through its removals, as of any batch");
  set (table, 1, "k", ds_value_int (1));
  set (table, 2, "k", ds_value_null ());
  set (table, 3, "k", ds_value_int (3));
  key = ds_state_make_key (ds_value_string ("k"), scratch);

  g_assert_true (ds_state_table_read_key (table, &key, 1, bytes, &row));
  g_assert_cmpint (bytes->data[row.state_at], ==, 1);
  g_assert_cmpint (row.updated_at, ==, 1);
  g_assert_false (ds_state_table_read_key (table, &key, 2, bytes, &row));
  g_assert_true (ds_state_table_read_key (table, &key, 3, bytes, &row));
  g_assert_cmpint (bytes->data[row.state_at], ==, 3);
  key = ds_state_make_key (ds_value_string ("other"), scratch);
  g_assert_false (ds_state_table_read_key (table, &key, 3, bytes, &row));
}

static void
test_rolls_back_the_newest_batch (void)
{
  g_autoptr (DsStateTable) table = ds_state_table_new (TRUE);
  const char *before = "a=1 b=2 c=3 ";

  g_test_summary ("Rolling back restores states, their order and that of last change");
  set (table, 1, "a", ds_value_int (1));
  set (table, 1, "b", ds_value_int (2));
  set (table, 1, "c", ds_value_int (3));
  assert_order (table, "abc");

  for (guint attempt = 0; attempt < 3; attempt++)
    {
      set (table, 2, "b", ds_value_string ("much longer than it was before this batch"));
      set (table, 2, "a", ds_value_null ());
      set (table, 2, "d", ds_value_int (4));
      set (table, 2, "a", ds_value_int (5));
      set (table, 2, "b", ds_value_null ());
      set (table, 2, "e", ds_value_int (6));
      set (table, 2, "e", ds_value_null ());
      assert_as_of (table, 2, "c=3 d=4 a=5 ");
      assert_as_of (table, 1, before);
      assert_order (table, "cda");
      if (attempt == 2)
        break;
      ds_state_table_roll_back (table, 2);
      assert_as_of (table, 2, before);
      assert_order (table, "abc");
      g_assert_cmpuint (ds_state_table_get_n_entries (table), ==, 3);
    }
  ds_state_table_roll_back (table, 7); /* applied nothing */
  assert_as_of (table, 2, "c=3 d=4 a=5 ");
}

static void
test_gives_what_changed_since (void)
{
  g_autoptr (DsStateTable) table = ds_state_table_new (FALSE);

  g_test_summary ("Changes since a batch name each key once, with its state or null");
  set (table, 1, "a", ds_value_int (1));
  set (table, 1, "b", ds_value_int (1));
  set (table, 1, "c", ds_value_int (1));
  set (table, 2, "a", ds_value_int (2));
  set (table, 3, "a", ds_value_int (3));
  set (table, 3, "b", ds_value_null ());
  set (table, 4, "d", ds_value_int (4));
  set (table, 5, "d", ds_value_null ());

  assert_changes (table, 1, 3, "a=3 b=null ");
  assert_changes (table, 1, 4, "a=3 b=null d=4 ");
  assert_changes (table, 1, 5, "a=3 b=null "); /* d came and went */
  assert_changes (table, 3, 5, "");
  assert_changes (table, 4, 5, "d=null ");
  assert_changes (table, 0, 1, "a=1 b=1 c=1 ");
}

static void
test_memory_does_not_grow_with_the_stream (void)
{
  g_autoptr (DsStateTable) table = ds_state_table_new (TRUE);
  Changes changes;
  gsize n_bytes_early = 0;

  g_test_summary ("Replaced states and removed keys leave nothing behind");
  changes_set_up (&changes);
  for (DsTime time = 1; time <= 400; time++)
    {
      g_autofree char *state = g_strnfill ((gsize) (time % 7) * 100, 'x');

      for (int i = 0; i < 1000; i++)
        change (&changes, ds_value_int (i), ds_value_string (state));
      for (int i = 0; i < 100; i++) /* keys of this batch only */
        {
          change (&changes, ds_value_int (time * 1000 + i), ds_value_int (1));
          change (&changes, ds_value_int ((time - 1) * 1000 + i), ds_value_null ());
        }
      apply (table, time, &changes);
      ds_state_table_forget (table, time - 3);
      if (time == 50)
        n_bytes_early = ds_state_table_get_n_bytes (table);
    }
  g_assert_cmpuint (ds_state_table_get_n_keys (table), ==, 1100);
  g_assert_cmpuint (ds_state_table_get_n_compactions (table), >, 0);
  g_assert_cmpuint (ds_state_table_get_n_bytes (table), <, 2 * n_bytes_early);
  g_assert_cmpuint (ds_state_table_get_n_delta_bytes (table), <, 4 * 1024 * 1024);
  changes_clear (&changes);
}

static void
test_a_reader_keeps_entries_in_place (void)
{
  g_autoptr (DsStateTable) table = ds_state_table_new (FALSE);
  Changes changes;
  guint64 n_compactions;

  g_test_summary ("Nothing is moved while somebody reads");
  changes_set_up (&changes);
  for (int i = 0; i < 3000; i++)
    change (&changes, ds_value_int (i), ds_value_int (i));
  apply (table, 1, &changes);
  for (int i = 0; i < 2900; i++)
    change (&changes, ds_value_int (i), ds_value_null ());
  apply (table, 2, &changes);

  ds_state_table_hold (table);
  n_compactions = ds_state_table_get_n_compactions (table);
  ds_state_table_forget (table, 2);
  g_assert_cmpuint (ds_state_table_get_n_compactions (table), ==, n_compactions);
  g_assert_cmpuint (ds_state_table_get_n_entries (table), ==, 3000);
  ds_state_table_release (table);
  ds_state_table_forget (table, 2);
  g_assert_cmpuint (ds_state_table_get_n_compactions (table), ==, n_compactions + 1);
  g_assert_cmpuint (ds_state_table_get_n_entries (table), ==, 100);
  changes_clear (&changes);
}

static void
test_readers_do_not_fill_the_memory (void)
{
  g_autoptr (DsStateTable) table = ds_state_table_new (FALSE);
  Changes changes;
  gsize n_max_bytes = 0;

  g_test_summary (
      "What batches replaced goes also when there is always somebody who reads");
  changes_set_up (&changes);
  ds_state_table_hold (table);
  for (DsTime time = 1; time <= 500; time++)
    {
      for (int i = 0; i < 100; i++)
        change (&changes, ds_value_int (i), ds_value_int (time * 1000));
      apply (table, time, &changes);
      if (time <= 10)
        n_max_bytes = MAX (n_max_bytes, ds_state_table_get_n_delta_bytes (table));
      else
        g_assert_cmpuint (ds_state_table_get_n_delta_bytes (table), <=, n_max_bytes);
      ds_state_table_hold (table); /* the next one is there before this one has gone */
      ds_state_table_forget (table, time);
      ds_state_table_release (table);
    }
  ds_state_table_release (table);
  changes_clear (&changes);
}

static void
test_equal_keys_are_one (void)
{
  g_autoptr (DsStateTable) table = ds_state_table_new (FALSE);
  DsValue zeros[] = { ds_value_double (0.0), ds_value_double (-0.0) };
  Changes changes;

  g_test_summary ("Zeros and NaNs are one key each, also within tuples; 1 and 1.0 two");
  changes_set_up (&changes);
  change (&changes, zeros[0], ds_value_int (1));
  change (&changes, zeros[1], ds_value_int (2));
  change (&changes, ds_value_double (g_ascii_strtod ("nan", NULL)), ds_value_int (3));
  change (&changes, ds_value_double (-g_ascii_strtod ("nan", NULL)), ds_value_int (4));
  change (&changes, ds_value_tuple (&zeros[0], 1), ds_value_int (5));
  change (&changes, ds_value_tuple (&zeros[1], 1), ds_value_int (6));
  change (&changes, ds_value_int (1), ds_value_int (7));
  change (&changes, ds_value_double (1.0), ds_value_int (8));
  apply (table, 1, &changes);
  assert_as_of (table, 1, "0.0=2 nan=4 (0.0)=6 1=7 1.0=8 ");
  changes_clear (&changes);
}

static void
test_huge_keys_and_states (void)
{
  g_autoptr (DsStateTable) table = ds_state_table_new (FALSE);
  g_autofree char *key = g_strnfill (300 * 1000, 'k');
  g_autofree char *state = g_strnfill (3 * 1000 * 1000, 's');
  g_autofree char *expected = g_strconcat (key, "=", state, " ", NULL);

  g_test_summary ("Records may be longer than a segment of the log");
  set (table, 1, key, ds_value_string ("short"));
  set (table, 2, key, ds_value_string (state));
  set (table, 3, "after", ds_value_int (1));
  assert_as_of (table, 2, expected);
}

/* ---- Against a dictionary ---- */

#define N_MODEL_KEYS 40

typedef struct
{
  gint64 states[N_MODEL_KEYS]; /* -1: none */
  guint64 order[N_MODEL_KEYS]; /* when the key came */
} Model;

static char *
model_to_string (const Model *self)
{
  GString *text = g_string_new (NULL);
  guint64 last = 0;

  for (;;)
    {
      int next = -1;

      for (int i = 0; i < N_MODEL_KEYS; i++)
        if (self->states[i] >= 0 && self->order[i] > last &&
            (next < 0 || self->order[i] < self->order[next]))
          next = i;
      if (next < 0)
        return g_string_free (text, FALSE);
      g_string_append_printf (text, "%d=%" G_GINT64_FORMAT " ", next, self->states[next]);
      last = self->order[next];
    }
}

static void
test_any_history_reads_as_it_was (void)
{
  g_autoptr (DsStateTable) table = ds_state_table_new (TRUE);
  g_autoptr (GPtrArray) history = g_ptr_array_new_with_free_func (g_free);
  Model model;
  Changes changes;
  guint64 clock = 0;

  g_test_summary ("Random batches, some rolled back, read as a dictionary kept them");
  changes_set_up (&changes);
  for (int i = 0; i < N_MODEL_KEYS; i++)
    model.states[i] = -1;
  g_ptr_array_add (history, model_to_string (&model));

  for (DsTime time = 1; time <= 600; time++)
    {
      Model before = model;
      int n_changes = g_test_rand_int_range (0, 30);
      int n_back = g_test_rand_int_range (1, 20); /* MAX () would draw twice */
      DsTime oldest = MAX (0, time - n_back);

      for (int i = 0; i < n_changes; i++)
        {
          int key = g_test_rand_int_range (0, N_MODEL_KEYS);
          gint64 state = g_test_rand_int_range (0, 3) == 0
                             ? -1
                             : (gint64) 1 << g_test_rand_int_range (0, 60);

          change (&changes, ds_value_int (key),
                  state < 0 ? ds_value_null () : ds_value_int (state));
          if (model.states[key] < 0 && state >= 0)
            model.order[key] = ++clock;
          model.states[key] = state;
        }
      apply (table, time, &changes);
      if (g_test_rand_int_range (0, 4) == 0)
        {
          ds_state_table_roll_back (table, time);
          model = before;
        }
      g_ptr_array_add (history, model_to_string (&model));
      for (DsTime back = oldest; back <= time; back++)
        if (ds_state_table_remembers (table, back))
          assert_as_of (table, back, g_ptr_array_index (history, back));
      ds_state_table_forget (table, oldest);
      if (g_test_rand_int_range (0, 10) == 0)
        ds_state_table_compact (table);
    }
  changes_clear (&changes);
}

/* ---- Readers beside the writer ---- */

typedef struct
{
  DsStateTable *table;
  gint done; /* atomic */
} Race;

/* Whatever happens meanwhile: as of batch 1 each of the keys is 1. */
static gpointer
read_again_and_again (gpointer data)
{
  Race *race = data;

  while (g_atomic_int_get (&race->done) == 0)
    {
      g_autofree char *text = read_as_of (race->table, 1);
      const char *at = text;

      for (int i = 0; i < 2000; i++)
        {
          g_autofree char *expected = g_strdup_printf ("%d=1 ", i);

          g_assert_true (g_str_has_prefix (at, expected));
          at += strlen (expected);
        }
      g_assert_cmpint (*at, ==, '\0');
    }
  return NULL;
}

static void
test_readers_do_not_see_later_batches (void)
{
  g_autoptr (DsStateTable) table = ds_state_table_new (FALSE);
  Race race = { table, 0 };
  Changes changes;
  GThread *reader;

  g_test_summary ("A reader of an earlier batch is not disturbed by later ones");
  changes_set_up (&changes);
  for (int i = 0; i < 2000; i++)
    change (&changes, ds_value_int (i), ds_value_int (1));
  apply (table, 1, &changes);
  reader = g_thread_new ("reader", read_again_and_again, &race);
  for (DsTime time = 2; time < 60; time++)
    {
      for (int i = 0; i < 4000; i++)
        change (&changes, ds_value_int (i),
                i % 5 == time % 5 ? ds_value_null () : ds_value_int (time * 1000000));
      apply (table, time, &changes);
      if (time % 7 == 0)
        ds_state_table_roll_back (table, time);
      ds_state_table_forget (table, 1);
    }
  g_atomic_int_set (&race.done, 1);
  g_thread_join (reader);
  changes_clear (&changes);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/rdd/state-table/reads-states-as-of-a-batch",
                   test_reads_states_as_of_a_batch);
  g_test_add_func ("/rdd/state-table/looks-up-keys-as-of-a-batch",
                   test_looks_up_keys_as_of_a_batch);
  g_test_add_func ("/rdd/state-table/rolls-back-the-newest-batch",
                   test_rolls_back_the_newest_batch);
  g_test_add_func ("/rdd/state-table/gives-what-changed-since",
                   test_gives_what_changed_since);
  g_test_add_func ("/rdd/state-table/memory-does-not-grow-with-the-stream",
                   test_memory_does_not_grow_with_the_stream);
  g_test_add_func ("/rdd/state-table/a-reader-keeps-entries-in-place",
                   test_a_reader_keeps_entries_in_place);
  g_test_add_func ("/rdd/state-table/readers-do-not-fill-the-memory",
                   test_readers_do_not_fill_the_memory);
  g_test_add_func ("/rdd/state-table/equal-keys-are-one", test_equal_keys_are_one);
  g_test_add_func ("/rdd/state-table/huge-keys-and-states", test_huge_keys_and_states);
  g_test_add_func ("/rdd/state-table/any-history-reads-as-it-was",
                   test_any_history_reads_as_it_was);
  g_test_add_func ("/rdd/state-table/readers-do-not-see-later-batches",
                   test_readers_do_not_see_later_batches);

  return g_test_run ();
}
