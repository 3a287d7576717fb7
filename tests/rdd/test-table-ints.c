/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tables whose keys are ints, against arrays that know which key was drawn when. */

#include "rdd/ds-table-core-private.h"

#include "base/ds-block-private.h"
#include "base/ds-error.h"

enum
{
  N_DIFFERENT = 20000,
  N_DRAWN = 60000,
  N_CHUNK = 1000
};

typedef struct
{
  DsTask *task;
} Fixture;

static void
fixture_set_up (Fixture *fixture, gconstpointer unused)
{
  fixture->task = ds_task_new (NULL, 3, 0);
  ds_task_begin (fixture->task);
}

static void
fixture_tear_down (Fixture *fixture, gconstpointer unused)
{
  ds_task_end (fixture->task);
  ds_task_free (fixture->task);
}

static const DsCombine count_combine = { .kind = DS_COMBINE_COUNT,
                                         .operator_name = "count" };
static const DsCombine add_combine = { .kind = DS_COMBINE_ADD, .operator_name = "sum" };

/* ---- What is drawn ---- */

/* Sets of keys: the i-th of each, all different. */
typedef gint64 (*KeyFunc) (guint64 i);

static gint64
key_in_sequence (guint64 i)
{
  return (gint64) i;
}

static gint64
key_negative (guint64 i)
{
  return -7 - (gint64) i;
}

static gint64
key_of_a_clock (guint64 i)
{
  return G_GINT64_CONSTANT (1735689600000000) + 1000000 * (gint64) i;
}

static gint64
key_in_high_bits (guint64 i)
{
  return (gint64) (i << 48);
}

static gint64
key_at_the_ends (guint64 i)
{
  return i % 2 == 0 ? G_MININT64 + (gint64) i : G_MAXINT64 - (gint64) i;
}

static gint64
key_by_chance (guint64 i)
{
  guint64 x = (i + 1) * G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);

  x = (x ^ (x >> 30)) * G_GUINT64_CONSTANT (0xbf58476d1ce4e5b9);
  x = (x ^ (x >> 27)) * G_GUINT64_CONSTANT (0x94d049bb133111eb);
  return (gint64) (x ^ (x >> 31));
}

static const struct
{
  const char *name;
  KeyFunc func;
} key_sets[] = {
  { "in sequence", key_in_sequence },  { "negative", key_negative },
  { "of a clock", key_of_a_clock },    { "in the high bits", key_in_high_bits },
  { "at both ends", key_at_the_ends }, { "by chance", key_by_chance },
};

typedef struct
{
  guint32 drawn[N_DRAWN]; /* number of the key */
  gint64 values[N_DRAWN];
  guint32 order[N_DIFFERENT]; /* numbers in the order of first appearance */
  gsize n_keys;
  gint64 counts[N_DIFFERENT];
  gint64 sums[N_DIFFERENT];
  gint64 least[N_DIFFERENT];
  gint64 last[N_DIFFERENT];
} Draws;

static Draws *
draws_new (void)
{
  Draws *self = g_new0 (Draws, 1);

  for (gsize i = 0; i < N_DRAWN; i++)
    {
      const guint32 number = (guint32) g_test_rand_int_range (0, N_DIFFERENT);
      const gint64 value = g_test_rand_int_range (-1000000, 1000000);

      self->drawn[i] = number;
      self->values[i] = value;
      if (self->counts[number]++ == 0)
        {
          self->order[self->n_keys++] = number;
          self->least[number] = value;
        }
      self->sums[number] += value;
      self->least[number] = MIN (self->least[number], value);
      self->last[number] = value;
    }
  return self;
}

static void
draws_get_chunk (const Draws *self,
                 gsize first,
                 KeyFunc func,
                 DsValue *keys,
                 DsValue *values)
{
  for (gsize i = 0; i < N_CHUNK; i++)
    {
      keys[i] = ds_value_int (func (self->drawn[first + i]));
      values[i] = ds_value_int (self->values[first + i]);
    }
}

static void
draws_add (const Draws *self, KeyFunc func, DsTable *table)
{
  for (gsize i = 0; i < N_DRAWN; i += N_CHUNK)
    {
      DsValue keys[N_CHUNK];
      DsValue values[N_CHUNK];

      draws_get_chunk (self, i, func, keys, values);
      g_assert_true (ds_table_add_values (table, keys, values, N_CHUNK));
    }
}

static void
draws_assert (const Draws *self, KeyFunc func, const gint64 *expected, DsBlock *block)
{
  const DsValue *keys;
  const DsValue *values;
  gsize n_keys;

  ds_block_get_columns (block, &keys, &values, &n_keys);
  g_assert_cmpuint (n_keys, ==, self->n_keys);
  for (gsize i = 0; i < n_keys; i++)
    {
      const guint32 number = self->order[i];

      g_assert_true (ds_value_is (keys[i], DS_VALUE_TYPE_INT));
      g_assert_cmpint (keys[i].as.integer, ==, func (number));
      g_assert_true (ds_value_is (values[i], DS_VALUE_TYPE_INT));
      g_assert_cmpint (values[i].as.integer, ==, expected[number]);
    }
}

/* ---- Tests ---- */

static void
test_ints_count_and_add (Fixture *fixture, gconstpointer unused)
{
  g_autofree Draws *draws = draws_new ();

  g_test_summary ("Ints of every kind are counted and added up as in a plain loop");

  for (gsize i = 0; i < G_N_ELEMENTS (key_sets); i++)
    {
      g_autoptr (DsTable) counts = ds_table_new (&count_combine, fixture->task, 0);
      g_autoptr (DsTable) sums = ds_table_new (&add_combine, fixture->task, 3000);
      g_autoptr (DsBlock) count_block = NULL;
      g_autoptr (DsBlock) sum_block = NULL;

      g_test_message ("keys %s", key_sets[i].name);
      draws_add (draws, key_sets[i].func, counts);
      draws_add (draws, key_sets[i].func, sums);
      count_block = ds_table_end (counts);
      sum_block = ds_table_end (sums);
      draws_assert (draws, key_sets[i].func, draws->counts, count_block);
      draws_assert (draws, key_sets[i].func, draws->sums, sum_block);
    }
}

static void
test_ints_merge (Fixture *fixture, gconstpointer unused)
{
  g_autofree Draws *draws = draws_new ();
  g_autoptr (DsTable) counts = ds_table_new (&count_combine, fixture->task, 0);
  g_autoptr (DsTable) merged = ds_table_new (&count_combine, fixture->task, 0);
  g_autoptr (DsBlock) block = NULL;
  g_autoptr (DsBlock) merged_block = NULL;
  const DsValue *keys;
  const DsValue *values;
  gsize n_keys;

  g_test_summary ("Counts of several tables add up in another one");

  draws_add (draws, key_in_sequence, counts);
  block = ds_table_end (counts);
  ds_block_get_columns (block, &keys, &values, &n_keys);
  for (guint round = 0; round < 3; round++)
    g_assert_true (ds_table_merge (merged, keys, values, n_keys));
  g_assert_true (ds_table_is_for_ints (merged));
  merged_block = ds_table_end (merged);
  for (gsize i = 0; i < N_DIFFERENT; i++)
    draws->counts[i] *= 3;
  draws_assert (draws, key_in_sequence, draws->counts, merged_block);
}

static DsValue
add_by_hand (DsValue a, DsValue b, DsTask *task, gpointer user_data)
{
  return ds_value_int (a.as.integer + b.as.integer);
}

static void
test_ints_meet_otherwise (Fixture *fixture, gconstpointer unused)
{
  g_autofree Draws *draws = draws_new ();
  const struct
  {
    DsReduceFunc func;
    const gint64 *expected;
  } reductions[] = {
    { ds_min, draws->least },
    { ds_keep_last, draws->last },
    { add_by_hand, draws->sums },
  };

  g_test_summary ("Functions that are not sums see int keys as in a plain loop");

  for (gsize i = 0; i < G_N_ELEMENTS (reductions); i++)
    {
      const DsCombine combine = { .kind = DS_COMBINE_REDUCE,
                                  .merge_value = reductions[i].func,
                                  .merge_combiners = reductions[i].func,
                                  .operator_name = "reduce" };
      g_autoptr (DsTable) table = ds_table_new (&combine, fixture->task, 0);
      g_autoptr (DsBlock) block = NULL;

      draws_add (draws, key_by_chance, table);
      g_assert_true (ds_table_is_for_ints (table));
      block = ds_table_end (table);
      draws_assert (draws, key_by_chance, reductions[i].expected, block);
    }
}

static void
test_ints_distinct (Fixture *fixture, gconstpointer unused)
{
  const DsCombine combine = { .kind = DS_COMBINE_FIRST, .operator_name = "distinct" };
  g_autofree Draws *draws = draws_new ();
  g_autoptr (DsTable) table = ds_table_new (&combine, fixture->task, 0);
  g_autoptr (DsBlock) block = NULL;

  g_test_summary ("Distinct ints come in the order of first appearance");

  for (gsize i = 0; i < N_DRAWN; i += N_CHUNK)
    {
      DsValue keys[N_CHUNK];
      DsValue values[N_CHUNK];

      draws_get_chunk (draws, i, key_of_a_clock, keys, values);
      g_assert_true (ds_table_add_values (table, keys, NULL, N_CHUNK));
    }
  block = ds_table_end (table);
  g_assert_cmpint (ds_block_get_form (block), ==, DS_FORM_VALUES);
  g_assert_cmpuint (ds_block_get_length (block), ==, draws->n_keys);
  for (gsize i = 0; i < draws->n_keys; i++)
    g_assert_cmpint (ds_block_get (block, i).as.integer, ==,
                     key_of_a_clock (draws->order[i]));
}

static void
test_ints_group (Fixture *fixture, gconstpointer unused)
{
  const DsCombine combine = { .kind = DS_COMBINE_GROUP, .operator_name = "group" };
  g_autofree Draws *draws = draws_new ();
  g_autofree guint *n_seen = g_new0 (guint, N_DIFFERENT);
  g_autofree guint *places = g_new (guint, N_DIFFERENT);
  g_autoptr (DsTable) table = ds_table_new (&combine, fixture->task, 0);
  g_autoptr (DsBlock) block = NULL;
  const DsValue *keys;
  const DsValue *lists;
  gsize n_keys;

  g_test_summary ("The values of an int key are a list in the order of arrival");

  draws_add (draws, key_negative, table);
  block = ds_table_end (table);
  ds_block_get_columns (block, &keys, &lists, &n_keys);
  g_assert_cmpuint (n_keys, ==, draws->n_keys);
  for (guint i = 0; i < n_keys; i++)
    {
      places[draws->order[i]] = i;
      g_assert_cmpint (keys[i].as.integer, ==, key_negative (draws->order[i]));
      g_assert_cmpuint (ds_value_get_n_items (lists[i]), ==,
                        (guint) draws->counts[draws->order[i]]);
    }
  for (gsize i = 0; i < N_DRAWN; i++)
    {
      const guint32 number = draws->drawn[i];
      const DsValue item = ds_value_get_item (lists[places[number]], n_seen[number]++);

      g_assert_cmpint (item.as.integer, ==, draws->values[i]);
    }
}

static void
test_ints_and_then_others (Fixture *fixture, gconstpointer unused)
{
  g_autofree Draws *draws = draws_new ();
  g_autoptr (DsTable) table = ds_table_new (&add_combine, fixture->task, 0);
  g_autoptr (DsBlock) block = NULL;
  DsValue keys[N_CHUNK];
  DsValue values[N_CHUNK];
  const DsValue *found;
  const DsValue *sums;
  gsize n_keys;

  g_test_summary ("A key that is no int may come any time, in the middle of a chunk");

  draws_add (draws, key_in_sequence, table);
  g_assert_true (ds_table_is_for_ints (table));
  draws_get_chunk (draws, 0, key_in_sequence, keys, values);
  for (gsize i = 0; i < N_CHUNK; i++)
    draws->sums[draws->drawn[i]] += draws->values[i];
  draws->sums[draws->drawn[500]] -= draws->values[500];
  draws->sums[draws->drawn[501]] -= draws->values[501];
  keys[500] = ds_value_string ("a word");
  keys[501] = ds_value_double (3.0);
  g_assert_true (ds_table_add_values (table, keys, values, N_CHUNK));
  g_assert_false (ds_table_is_for_ints (table));

  block = ds_table_end (table);
  ds_block_get_columns (block, &found, &sums, &n_keys);
  g_assert_cmpuint (n_keys, ==, draws->n_keys + 2);
  for (gsize i = 0; i < draws->n_keys; i++)
    {
      g_assert_cmpint (found[i].as.integer, ==, draws->order[i]);
      g_assert_cmpint (sums[i].as.integer, ==, draws->sums[draws->order[i]]);
    }
  g_assert_true (ds_value_equals_string (found[n_keys - 2], "a word"));
  g_assert_cmpint (sums[n_keys - 2].as.integer, ==, draws->values[500]);
  g_assert_cmpfloat (found[n_keys - 1].as.number, ==, 3.0);
  g_assert_cmpint (sums[n_keys - 1].as.integer, ==, draws->values[501]);
}

static void
test_ints_reduce_and_then_others (Fixture *fixture, gconstpointer unused)
{
  const DsCombine combine = { .kind = DS_COMBINE_REDUCE,
                              .merge_value = add_by_hand,
                              .merge_combiners = add_by_hand,
                              .operator_name = "reduce" };
  g_autoptr (DsTable) table = ds_table_new (&combine, fixture->task, 0);
  g_autoptr (DsBlock) block = NULL;
  const DsValue keys[] = { ds_value_int (5), ds_value_int (6),      ds_value_string ("x"),
                           ds_value_int (5), ds_value_string ("x"), ds_value_null () };
  const DsValue values[] = { ds_value_int (1), ds_value_int (2),  ds_value_int (4),
                             ds_value_int (8), ds_value_int (16), ds_value_int (32) };

  g_test_summary ("The same where a function of the program adds");

  g_assert_true (ds_table_add_values (table, keys, values, G_N_ELEMENTS (keys)));
  block = ds_table_end (table);
  ds_assert_block_in_order (block, "(5,9)", "(6,2)", "(x,20)", "(null,32)", NULL);
}

static void
test_ints_and_then_doubles (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (DsTable) table = ds_table_new (&add_combine, fixture->task, 0);
  g_autoptr (DsBlock) block = NULL;
  const DsValue keys[] = { ds_value_int (5), ds_value_int (6), ds_value_int (5),
                           ds_value_int (7), ds_value_int (6) };
  const DsValue values[] = { ds_value_int (1), ds_value_int (2), ds_value_double (0.5),
                             ds_value_int (4), ds_value_int (8) };

  g_test_summary (
      "A value that is no int may come any time; the keys stay where they are");

  g_assert_true (ds_table_add_values (table, keys, values, G_N_ELEMENTS (keys)));
  g_assert_true (ds_table_is_for_ints (table));
  block = ds_table_end (table);
  ds_assert_block_in_order (block, "(5,1.5)", "(6,10)", "(7,4)", NULL);
}

static void
test_ints_the_seed_itself (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (DsTable) table = ds_table_new (&count_combine, fixture->task, 0);
  g_autoptr (DsBlock) block = NULL;
  const DsValue keys[] = { ds_value_int (41), ds_value_int (42), ds_value_int (41),
                           ds_value_int (43), ds_value_int (42) };

  g_test_summary ("The one key that int slots cannot hold is counted like others");

  ds_table_set_seeds (table, 42, 7);
  g_assert_true (ds_table_add_values (table, keys, NULL, 1));
  g_assert_true (ds_table_is_for_ints (table));
  g_assert_true (ds_table_add_values (table, keys, NULL, G_N_ELEMENTS (keys)));
  g_assert_false (ds_table_is_for_ints (table));
  block = ds_table_end (table);
  ds_assert_block_in_order (block, "(41,3)", "(42,2)", "(43,1)", NULL);
}

static void
test_ints_crowd (Fixture *fixture, gconstpointer unused)
{
  g_autofree Draws *draws = draws_new ();
  g_autoptr (DsTable) table = ds_table_new (&add_combine, fixture->task, 0);
  g_autoptr (DsBlock) block = NULL;

  g_test_summary ("Keys that crowd in one place move to slots of the other kind");

  /* With a multiplier of 1 all small ints have one home. */
  ds_table_set_seeds (table, (guint64) -1, 0);
  draws_add (draws, key_in_sequence, table);
  g_assert_false (ds_table_is_for_ints (table));
  block = ds_table_end (table);
  draws_assert (draws, key_in_sequence, draws->sums, block);
}

static void
test_ints_overflow (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (DsTable) table = ds_table_new (&add_combine, fixture->task, 0);
  const DsValue keys[] = { ds_value_int (4711), ds_value_int (4711) };
  const DsValue values[] = { ds_value_int (G_MININT64), ds_value_int (-1) };

  g_test_summary ("A sum that no longer fits fails the task and names the int key");

  g_assert_false (ds_table_add_values (table, keys, values, 2));
  g_assert_error (fixture->task->error, DS_ERROR, DS_ERROR_USER_FUNCTION);
  g_assert_nonnull (strstr (fixture->task->error->message, "4711"));
  g_assert_nonnull (strstr (fixture->task->error->message, "-9223372036854775808 + -1"));
}

static void
test_ints_sequences_spread (Fixture *fixture, gconstpointer unused)
{
  enum
  {
    N_BITS = 14,
    N_SEEDS = 300
  };
  g_autofree guint8 *n_at_home = g_malloc ((gsize) 1 << N_BITS);

  g_test_summary ("Whatever the seed, keys in sequence lie evenly: few share a home");

  for (guint64 seed = 0; seed < N_SEEDS; seed++)
    {
      const guint64 multiplier =
          ds_table_find_multiplier ((guint64) key_by_chance (seed));
      guint most = 0;

      g_assert_cmpuint (multiplier % 2, ==, 1);
      memset (n_at_home, 0, (gsize) 1 << N_BITS);
      for (guint64 key = 0; key < 1 << (N_BITS - 1); key++)
        most = MAX (most, ++n_at_home[(key * multiplier) >> (64 - N_BITS)]);
      g_assert_cmpuint (most, <=, 4);
    }
}

static void
test_ints_go_over_to_radix (Fixture *fixture, gconstpointer unused)
{
  g_autofree Draws *draws = draws_new ();
  g_autoptr (DsTable) table = ds_table_new (&add_combine, fixture->task, 0);
  g_autoptr (DsBlock) block = NULL;

  g_test_summary (
      "A table of ints that outgrows the caches is partitioned, sums and all");

  ds_table_set_radix (table, 5000, 3, 100 * 1024);
  draws_add (draws, key_by_chance, table);
  g_assert_true (ds_table_is_radix (table));
  g_assert_false (ds_table_is_for_ints (table));
  block = ds_table_end (table);
  draws_assert (draws, key_by_chance, draws->sums, block);
}

#define ADD(path, function)                                                     \
  g_test_add ("/rdd/table-ints/" path, Fixture, NULL, fixture_set_up, function, \
              fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("count-and-add", test_ints_count_and_add);
  ADD ("merge", test_ints_merge);
  ADD ("meet-otherwise", test_ints_meet_otherwise);
  ADD ("distinct", test_ints_distinct);
  ADD ("group", test_ints_group);
  ADD ("and-then-others", test_ints_and_then_others);
  ADD ("reduce-and-then-others", test_ints_reduce_and_then_others);
  ADD ("and-then-doubles", test_ints_and_then_doubles);
  ADD ("the-seed-itself", test_ints_the_seed_itself);
  ADD ("crowd", test_ints_crowd);
  ADD ("overflow", test_ints_overflow);
  ADD ("sequences-spread", test_ints_sequences_spread);
  ADD ("go-over-to-radix", test_ints_go_over_to_radix);

  return g_test_run ();
}
