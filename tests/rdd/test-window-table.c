/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "rdd/ds-window-table-private.h"

#define N_KEYS 200

/* What the table should hold: of each key whether it is live, and its value; and the
 * order in which keys became live. */
typedef struct
{
  gint64 values[N_KEYS]; /* -1: not live */
  GArray *order;         /* guint of live keys */
} Model;

typedef struct
{
  DsTask *task;
  DsWindowTable table;
  Model model;
} Fixture;

static void
set_up (Fixture *fixture)
{
  fixture->task = ds_task_new (NULL, 0, 0);
  ds_window_table_init (&fixture->table, FALSE);
  for (guint i = 0; i < N_KEYS; i++)
    fixture->model.values[i] = -1;
  fixture->model.order = g_array_new (FALSE, FALSE, sizeof (guint));
}

static void
tear_down (Fixture *fixture)
{
  ds_window_table_clear (&fixture->table);
  ds_task_free (fixture->task);
  g_array_unref (fixture->model.order);
}

/* Keys of different types and lengths. */
static DsValue
make_key (guint key, char *text, gsize n_bytes)
{
  if (key % 3 == 0)
    return ds_value_int (key);
  g_snprintf (text, n_bytes, key % 3 == 1 ? "%u" : "a key that does not fit inline %u",
              key);
  return ds_value_string (text);
}

static guint32
find (Fixture *fixture, guint key)
{
  char text[64];
  DsValue value = make_key (key, text, sizeof text);
  guint32 index;

  ds_window_table_find (&fixture->table, &value, 1, &index);
  return index;
}

static void
change_at_random (Fixture *fixture)
{
  guint key = (guint) g_test_rand_int_range (0, N_KEYS);
  gint64 *value = &fixture->model.values[key];
  guint32 index = find (fixture, key);

  if (*value >= 0 && g_test_rand_bit ())
    {
      *value = -1;
      ds_window_table_unlink (&fixture->table, index);
      ds_window_table_remove (&fixture->table, index);
      for (guint i = 0; i < fixture->model.order->len; i++)
        if (g_array_index (fixture->model.order, guint, i) == key)
          g_array_remove_index (fixture->model.order, i--);
      return;
    }
  if (*value < 0)
    {
      ds_window_table_link (&fixture->table, index);
      g_array_append_val (fixture->model.order, key);
    }
  *value = g_test_rand_int_range (0, G_MAXINT32);
  ds_window_table_set_value (&fixture->table, index, ds_value_int (*value));
}

static void
assert_is_like_the_model (Fixture *fixture)
{
  g_autoptr (DsBlock) block =
      ds_window_table_make_block (&fixture->table, FALSE, fixture->task);

  g_assert_cmpuint (ds_block_get_length (block), ==, fixture->model.order->len);
  for (guint i = 0; i < fixture->model.order->len; i++)
    {
      guint key = g_array_index (fixture->model.order, guint, i);
      char text[64];
      DsValue pair = ds_block_get (block, i);

      g_assert_true (
          ds_value_equal (ds_pair_key (pair), make_key (key, text, sizeof text)));
      g_assert_cmpint (ds_value_get_int (ds_pair_value (pair)), ==,
                       fixture->model.values[key]);
    }
}

static void
test_changes_like_a_plain_model (void)
{
  Fixture fixture;

  g_test_summary (
      "Keys come and go in order, and steps that are taken back leave nothing");
  set_up (&fixture);
  for (guint step = 0; step < 3000; step++)
    {
      Model before = fixture.model;
      guint n_changes = (guint) g_test_rand_int_range (0, step % 100 == 0 ? 400 : 20);

      before.order = g_array_copy (fixture.model.order);
      ds_window_table_begin (&fixture.table);
      for (guint i = 0; i < n_changes; i++)
        change_at_random (&fixture);
      ds_window_table_end (&fixture.table);
      if (g_test_rand_int_range (0, 3) == 0)
        {
          ds_window_table_take_back (&fixture.table);
          g_array_unref (fixture.model.order);
          fixture.model = before;
        }
      else
        g_array_unref (before.order);
      assert_is_like_the_model (&fixture);
    }
  tear_down (&fixture);
}

static void
test_blocks_outlive_keys (void)
{
  Fixture fixture;
  g_autoptr (DsBlock) block = NULL;
  g_autofree char *text = NULL;

  g_test_summary ("A result holds its keys when the table has forgotten them, and goes");
  set_up (&fixture);
  ds_window_table_begin (&fixture.table);
  ds_window_table_link (&fixture.table, find (&fixture, 2));
  ds_window_table_end (&fixture.table);
  block = ds_window_table_make_block (&fixture.table, FALSE, fixture.task);

  for (guint i = 0; i < 100; i++)
    {
      ds_window_table_begin (&fixture.table);
      for (guint key = 2; key < N_KEYS; key += 3)
        {
          guint32 index = find (&fixture, key);

          if (fixture.table.state.entries[index].is_live)
            ds_window_table_unlink (&fixture.table, index);
          ds_window_table_remove (&fixture.table, index);
        }
      ds_window_table_end (&fixture.table);
    }
  g_assert_cmpuint (ds_window_table_get_n_bytes (&fixture.table), <, 256 * 1024);
  tear_down (&fixture);
  text = ds_block_to_string (block);
  g_assert_cmpstr (text, ==, "(a key that does not fit inline 2,null)\n");
}

static void
test_blocks_outlive_all_keys (void)
{
  Fixture fixture;
  g_autoptr (DsBlock) first = NULL;
  g_autoptr (DsBlock) second = NULL;
  g_autofree char *text = NULL;

  g_test_summary ("A result keeps its keys when the table begins anew");
  set_up (&fixture);
  for (guint i = 0; i < 2; i++)
    {
      guint32 index;

      ds_window_table_begin (&fixture.table);
      index = find (&fixture, 3 + 3 * i);
      ds_window_table_set_value (&fixture.table, index, ds_value_int (i));
      ds_window_table_link (&fixture.table, index);
      ds_window_table_end (&fixture.table);
      *(i == 0 ? &first : &second) =
          ds_window_table_make_block (&fixture.table, FALSE, fixture.task);
      ds_window_table_begin (&fixture.table);
      ds_window_table_unlink (&fixture.table, index);
      ds_window_table_remove (&fixture.table, index);
      ds_window_table_end (&fixture.table);
    }
  tear_down (&fixture);
  text = ds_block_to_string (first);
  g_assert_cmpstr (text, ==, "(3,0)\n");
}

static void
test_takes_back_keys_that_moved_twice (void)
{
  Fixture fixture;
  g_autoptr (DsBlock) block = NULL;
  DsArena *arenas[16];
  guint8 *memory[G_N_ELEMENTS (arenas)];
  const gsize n_bytes = 8 * sizeof (DsValue);

  g_test_summary ("A step that replaces keys, adds more and is taken back writes nowhere "
                  "else");
  set_up (&fixture);
  ds_window_table_begin (&fixture.table);
  for (guint key = 0; key < 8; key++)
    {
      guint32 index = find (&fixture, key);

      ds_window_table_set_value (&fixture.table, index, ds_value_int (key));
      ds_window_table_link (&fixture.table, index);
      fixture.model.values[key] = key;
      g_array_append_val (fixture.model.order, key);
    }
  ds_window_table_end (&fixture.table);
  block = ds_window_table_make_block (&fixture.table, FALSE, fixture.task);

  ds_window_table_begin (&fixture.table);
  ds_window_table_unlink (&fixture.table, find (&fixture, 0));
  ds_window_table_remove (&fixture.table, find (&fixture, 0));
  for (guint key = 8; key < 12; key++)
    find (&fixture, key);
  for (guint i = 0; i < G_N_ELEMENTS (arenas); i++)
    {
      arenas[i] = ds_arena_new_sized (NULL, n_bytes);
      memory[i] = ds_arena_alloc (arenas[i], n_bytes);
      memset (memory[i], 0x5a, n_bytes);
    }
  ds_window_table_take_back (&fixture.table);
  for (guint i = 0; i < G_N_ELEMENTS (arenas); i++)
    {
      for (gsize k = 0; k < n_bytes; k++)
        g_assert_cmphex (memory[i][k], ==, 0x5a);
      ds_arena_unref (arenas[i]);
    }
  assert_is_like_the_model (&fixture);
  tear_down (&fixture);
}

static void
test_blocks_outlive_what_is_taken_back (void)
{
  Fixture fixture;
  DsBlock *blocks[3];
  g_autoptr (GString) text = g_string_new (NULL);

  g_test_summary ("A result of a step that is taken back keeps its keys");
  set_up (&fixture);
  for (guint i = 0; i < G_N_ELEMENTS (blocks); i++)
    {
      guint32 index;

      ds_window_table_begin (&fixture.table);
      index = find (&fixture, 3 * i);
      ds_window_table_set_value (&fixture.table, index, ds_value_int (i));
      ds_window_table_link (&fixture.table, index);
      blocks[i] = ds_window_table_make_block (&fixture.table, FALSE, fixture.task);
      ds_window_table_end (&fixture.table);
      if (i == 1)
        ds_window_table_take_back (&fixture.table);
    }
  tear_down (&fixture);
  for (guint i = 0; i < G_N_ELEMENTS (blocks); i++)
    {
      g_autofree char *pairs = ds_block_to_string (blocks[i]);

      g_string_append_printf (text, "%s|", pairs);
      ds_block_unref (blocks[i]);
    }
  g_assert_cmpstr (text->str, ==, "(0,0)\n|(0,0)\n(3,1)\n|(0,0)\n(6,2)\n|");
}

/* Two entries, in two pieces: its own, and one that all batches have. */
static void
bring_batch (DsWindowTable *table, gint64 time)
{
  g_autofree char *text = g_strdup_printf ("what came at %" G_GINT64_FORMAT, time);
  const DsValue keys[] = { ds_value_int (time), ds_value_int (-7) };
  const DsValue values[] = { ds_value_int (time), ds_value_string (text) };

  ds_window_table_begin_batch (table, time);
  for (guint i = 0; i < 2; i++)
    {
      const DsValue *kept = &values[i];
      const guint32 *indices = ds_window_table_add_to_batch (table, &keys[i], &kept, 1);

      g_assert_true (ds_value_equal (table->state.keys[*indices], keys[i]));
      g_assert_true (kept != &values[i]);
      g_assert_true (ds_value_equal (*kept, values[i]));
    }
  g_assert_cmpuint (ds_window_table_end_batch (table), ==, 2);
}

static void
take_batch (DsWindowTable *table, gint64 time)
{
  g_autofree char *text = g_strdup_printf ("what came at %" G_GINT64_FORMAT, time);
  const DsWindowBatch *batch = ds_window_table_peek_batch (table);

  g_assert_cmpint (batch->time, ==, time);
  g_assert_cmpuint (batch->n_entries, ==, 2);
  g_assert_true (
      ds_value_equal (table->state.keys[batch->entries[0]], ds_value_int (time)));
  g_assert_true (
      ds_value_equal (table->state.keys[batch->entries[1]], ds_value_int (-7)));
  g_assert_cmpint (ds_value_get_int (batch->values[0]), ==, time);
  g_assert_true (ds_value_equal (batch->values[1], ds_value_string (text)));
  ds_window_table_pop_batch (table);
  ds_window_table_remove (table, batch->entries[0]);
}

static void
test_batches_are_a_queue (void)
{
  Fixture fixture;

  g_test_summary ("Batches leave in the order in which they came");
  set_up (&fixture);
  for (gint64 time = 1; time <= 500; time++)
    {
      for (guint attempt = 0; attempt <= (time % 3 == 0 ? 1 : 0); attempt++)
        {
          if (attempt > 0)
            ds_window_table_take_back (&fixture.table);
          ds_window_table_begin (&fixture.table);
          bring_batch (&fixture.table, time);
          if (time > 100)
            take_batch (&fixture.table, time - 100);
          ds_window_table_end (&fixture.table);
        }
      g_assert_cmpint (fixture.table.state.time, ==, time);
      g_assert_cmpuint (ds_window_table_count_batches (&fixture.table, time), ==,
                        MIN (time, 100));
    }
  tear_down (&fixture);
}

static void
test_batches_without_entries_are_none (void)
{
  Fixture fixture;

  g_test_summary ("A batch in which nothing came has nothing that would leave");
  set_up (&fixture);
  ds_window_table_begin (&fixture.table);
  ds_window_table_begin_batch (&fixture.table, 1);
  g_assert_cmpuint (ds_window_table_end_batch (&fixture.table), ==, 0);
  g_assert_null (ds_window_table_peek_batch (&fixture.table));
  g_assert_cmpint (fixture.table.state.time, ==, 1);
  ds_window_table_end (&fixture.table);
  tear_down (&fixture);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/rdd/window-table/changes-like-a-plain-model",
                   test_changes_like_a_plain_model);
  g_test_add_func ("/rdd/window-table/blocks-outlive-keys", test_blocks_outlive_keys);
  g_test_add_func ("/rdd/window-table/blocks-outlive-all-keys",
                   test_blocks_outlive_all_keys);
  g_test_add_func ("/rdd/window-table/takes-back-keys-that-moved-twice",
                   test_takes_back_keys_that_moved_twice);
  g_test_add_func ("/rdd/window-table/blocks-outlive-what-is-taken-back",
                   test_blocks_outlive_what_is_taken_back);
  g_test_add_func ("/rdd/window-table/batches-are-a-queue", test_batches_are_a_queue);
  g_test_add_func ("/rdd/window-table/batches-without-entries-are-none",
                   test_batches_without_entries_are_none);
  return g_test_run ();
}
