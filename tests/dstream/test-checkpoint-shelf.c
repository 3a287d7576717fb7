/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which checkpoints build on which, when one has to hold everything, and which may go. */

#include "dstream/ds-checkpoint-form-private.h"
#include "dstream/ds-checkpoint-shelf-private.h"

/* @time, @base in s; -1: everything. */
static void
add (DsCheckpointShelf *shelf,
     gint64 time,
     gint64 base,
     guint64 sequence,
     guint64 n_bytes)
{
  ds_checkpoint_shelf_add (shelf, time * DS_SECOND,
                           base < 0 ? DS_TIME_NONE : base * DS_SECOND, sequence, n_bytes);
}

/* Adds one as the shelf wants it; returns whether it holds everything. */
static gboolean
add_next (DsCheckpointShelf *shelf, gint64 time, guint64 n_full, guint64 n_change)
{
  DsTime base = ds_checkpoint_shelf_get_base_time (shelf);

  g_assert_true (base == DS_TIME_NONE || base == (time - 1) * DS_SECOND);
  ds_checkpoint_shelf_add (shelf, time * DS_SECOND, base, (guint64) time,
                           base == DS_TIME_NONE ? n_full : n_change);
  return base == DS_TIME_NONE;
}

/* What goes, as times in s. */
static char *
take_unneeded (DsCheckpointShelf *shelf, guint64 *sequence)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  GString *text = g_string_new (NULL);

  ds_checkpoint_shelf_take_unneeded (shelf, names, sequence);
  for (guint i = 0; i < names->len; i++)
    g_string_append_printf (
        text, "%s%" G_GINT64_FORMAT, i > 0 ? " " : "",
        g_ascii_strtoll ((const char *) names->pdata[i] + strlen ("ckpt-"), NULL, 10) /
            1000);
  return g_string_free (text, FALSE);
}

static void
assert_goes (DsCheckpointShelf *shelf, const char *expected, guint64 expected_sequence)
{
  guint64 sequence;
  g_autofree char *found = take_unneeded (shelf, &sequence);

  g_assert_cmpstr (found, ==, expected);
  g_assert_cmpuint (sequence, ==, expected_sequence);
}

static void
test_a_chain_grows_until_changes_are_half (void)
{
  g_autoptr (DsCheckpointShelf) shelf = ds_checkpoint_shelf_new ();

  g_assert_cmpint (ds_checkpoint_shelf_get_base_time (shelf), ==, DS_TIME_NONE);
  g_assert_true (add_next (shelf, 1, 1000, 0));
  for (gint64 k = 2; k <= 6; k++) /* 500 after the fifth: not more than half */
    g_assert_false (add_next (shelf, k, 1000, 100));
  g_assert_false (add_next (shelf, 7, 1000, 100));
  g_assert_true (add_next (shelf, 8, 1000, 100));
  g_assert_false (add_next (shelf, 9, 1000, 100));
}

static void
test_a_chain_is_never_longer_than_the_limit (void)
{
  g_autoptr (DsCheckpointShelf) shelf = ds_checkpoint_shelf_new ();
  guint n_since = 0;
  guint n_full = 0;

  for (gint64 k = 1; k <= 100; k++)
    {
      gboolean is_full = add_next (shelf, k, 1000000, 1);

      n_since = is_full ? 1 : n_since + 1;
      n_full += is_full;
      g_assert_cmpuint (n_since, <=, DS_CHECKPOINT_MAX_CHAIN);
    }
  g_assert_cmpuint (n_full, ==, 100 / DS_CHECKPOINT_MAX_CHAIN);
}

static void
test_an_empty_one_is_not_built_on_for_long (void)
{
  g_autoptr (DsCheckpointShelf) shelf = ds_checkpoint_shelf_new ();

  g_assert_true (add_next (shelf, 0, 0, 0)); /* the first of a program */
  g_assert_false (add_next (shelf, 1, 500, 500));
  g_assert_true (add_next (shelf, 2, 500, 500));
}

static void
test_three_are_kept (void)
{
  g_autoptr (DsCheckpointShelf) shelf = ds_checkpoint_shelf_new ();

  g_assert_cmpint (ds_checkpoint_shelf_get_oldest_time (shelf), ==, DS_TIME_NONE);
  assert_goes (shelf, "", G_MAXUINT64);
  add (shelf, 1, -1, 10, 1);
  assert_goes (shelf, "", 10);
  add (shelf, 2, -1, 20, 1);
  add (shelf, 3, -1, 15, 1);
  assert_goes (shelf, "", 10);
  g_assert_cmpint (ds_checkpoint_shelf_get_oldest_time (shelf), ==, DS_SECOND);
  add (shelf, 4, -1, 40, 1);
  g_assert_cmpint (ds_checkpoint_shelf_get_oldest_time (shelf), ==, 2 * DS_SECOND);
  /* The log from the least on: a later one may need more of it. */
  assert_goes (shelf, "1", 15);
  add (shelf, 5, -1, 50, 1);
  add (shelf, 6, -1, 60, 1);
  assert_goes (shelf, "3 2", 40);
  assert_goes (shelf, "", 40);
}

static void
test_what_is_built_on_stays (void)
{
  g_autoptr (DsCheckpointShelf) shelf = ds_checkpoint_shelf_new ();

  add (shelf, 1, -1, 1, 100);
  for (gint64 k = 2; k <= 8; k++)
    {
      add (shelf, k, k - 1, (guint64) k, 1);
      assert_goes (shelf, "", (guint64) MAX (1, k - 2));
    }
  /* A new chain; 7 and 8 still build on all of the old one. */
  add (shelf, 9, -1, 9, 100);
  assert_goes (shelf, "", 7);
  add (shelf, 10, 9, 10, 1);
  assert_goes (shelf, "", 8);
  /* All of it goes at once, and nothing is ever there without what it builds on. */
  add (shelf, 11, 10, 11, 1);
  assert_goes (shelf, "8 7 6 5 4 3 2 1", 9);
  add (shelf, 12, 11, 12, 1);
  assert_goes (shelf, "", 10);
  g_assert_cmpint (ds_checkpoint_shelf_get_oldest_time (shelf), ==, 10 * DS_SECOND);
}

/* Whatever is added: each that is kept has all that it builds on. */
static void
test_nothing_kept_lacks_its_base (void)
{
  g_test_summary ("10,000 checkpoints of random sizes");
  for (guint run = 0; run < 20; run++)
    {
      g_autoptr (DsCheckpointShelf) shelf = ds_checkpoint_shelf_new ();
      g_autoptr (GHashTable) there = g_hash_table_new (NULL, NULL); /* time -> base */

      for (gint64 k = 1; k <= 500; k++)
        {
          DsTime base = ds_checkpoint_shelf_get_base_time (shelf);
          gint64 base_k = base == DS_TIME_NONE ? 0 : base / DS_SECOND;
          g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
          guint64 sequence;

          add (shelf, k, base_k == 0 ? -1 : base_k, (guint64) k,
               (guint64) g_test_rand_int_range (0, base_k == 0 ? 1000 : 200));
          g_hash_table_insert (there, GINT_TO_POINTER ((gint) k),
                               GINT_TO_POINTER ((gint) base_k));
          ds_checkpoint_shelf_take_unneeded (shelf, names, &sequence);
          for (guint i = 0; i < names->len; i++)
            {
              gint64 gone =
                  g_ascii_strtoll ((const char *) names->pdata[i] + strlen ("ckpt-"),
                                   NULL, 10);

              g_assert_true (
                  g_hash_table_remove (there, GINT_TO_POINTER ((gint) (gone / 1000))));
            }
          for (gint kept = (gint) MAX (1, k - 2); kept <= k; kept++)
            for (gint at = kept; at != 0;)
              {
                gpointer found;

                g_assert_true (g_hash_table_lookup_extended (there, GINT_TO_POINTER (at),
                                                             NULL, &found));
                at = GPOINTER_TO_INT (found);
              }
          g_assert_cmpuint (g_hash_table_size (there), <=,
                            2 * DS_CHECKPOINT_MAX_CHAIN + DS_CHECKPOINTS_KEPT);
        }
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/checkpoint-shelf/a-chain-grows-until-changes-are-half",
                   test_a_chain_grows_until_changes_are_half);
  g_test_add_func ("/checkpoint-shelf/a-chain-is-never-longer-than-the-limit",
                   test_a_chain_is_never_longer_than_the_limit);
  g_test_add_func ("/checkpoint-shelf/an-empty-one-is-not-built-on-for-long",
                   test_an_empty_one_is_not_built_on_for_long);
  g_test_add_func ("/checkpoint-shelf/three-are-kept", test_three_are_kept);
  g_test_add_func ("/checkpoint-shelf/what-is-built-on-stays",
                   test_what_is_built_on_stays);
  g_test_add_func ("/checkpoint-shelf/nothing-kept-lacks-its-base",
                   test_nothing_kept_lacks_its_base);

  return g_test_run ();
}
