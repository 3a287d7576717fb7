/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "receivers/ds-backoff-private.h"

#include "base/ds-macros.h"

static void
assert_about (DsDuration pause, DsDuration expected)
{
  g_assert_cmpint (pause, >=, expected * 8 / 10);
  g_assert_cmpint (pause, <=, expected * 12 / 10);
}

static void
test_doubles_up_to_the_limit (void)
{
  DsBackoff backoff;

  g_test_summary ("2, 4, 8, 16, 30, 30 s, each moved by at most 20 %");

  ds_backoff_init (&backoff, 2 * DS_SECOND, (guint32) g_test_rand_int ());
  assert_about (ds_backoff_next (&backoff), 2 * DS_SECOND);
  assert_about (ds_backoff_next (&backoff), 4 * DS_SECOND);
  assert_about (ds_backoff_next (&backoff), 8 * DS_SECOND);
  assert_about (ds_backoff_next (&backoff), 16 * DS_SECOND);
  for (guint i = 0; i < 100; i++)
    assert_about (ds_backoff_next (&backoff), 30 * DS_SECOND);
  ds_backoff_clear (&backoff);
}

static void
test_begins_anew_after_a_success (void)
{
  DsBackoff backoff;

  g_test_summary ("After a reset the pause is the first one again");

  ds_backoff_init (&backoff, DS_SECOND, (guint32) g_test_rand_int ());
  for (guint i = 0; i < 10; i++)
    ds_backoff_next (&backoff);
  ds_backoff_reset (&backoff);
  assert_about (ds_backoff_next (&backoff), DS_SECOND);
  assert_about (ds_backoff_next (&backoff), 2 * DS_SECOND);
  ds_backoff_clear (&backoff);
}

static void
test_has_a_seed (void)
{
  DsBackoff one;
  DsBackoff same;
  DsBackoff other;
  guint n_different = 0;

  g_test_summary ("The same seed gives the same pauses, another one others");

  ds_backoff_init (&one, DS_SECOND, 17);
  ds_backoff_init (&same, DS_SECOND, 17);
  ds_backoff_init (&other, DS_SECOND, 18);
  for (guint i = 0; i < 20; i++)
    {
      DsDuration pause = ds_backoff_next (&one);

      g_assert_cmpint (ds_backoff_next (&same), ==, pause);
      n_different += ds_backoff_next (&other) != pause;
    }
  g_assert_cmpuint (n_different, >, 15);
  ds_backoff_clear (&one);
  ds_backoff_clear (&same);
  ds_backoff_clear (&other);
}

static void
test_spreads_its_pauses (void)
{
  DsDuration least = G_MAXINT64;
  DsDuration most = 0;

  g_test_summary ("1,000 clients that start together use most of the 40 % there are");

  for (guint32 seed = 0; seed < 1000; seed++)
    {
      DsBackoff backoff;
      DsDuration pause = 0;

      ds_backoff_init (&backoff, DS_SECOND, seed);
      pause = ds_backoff_next (&backoff);
      least = MIN (least, pause);
      most = MAX (most, pause);
      ds_backoff_clear (&backoff);
    }
  g_assert_cmpint (least, <, 810 * DS_MILLISECOND);
  g_assert_cmpint (most, >, 1190 * DS_MILLISECOND);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/receivers/backoff/doubles-up-to-the-limit",
                   test_doubles_up_to_the_limit);
  g_test_add_func ("/receivers/backoff/begins-anew-after-a-success",
                   test_begins_anew_after_a_success);
  g_test_add_func ("/receivers/backoff/has-a-seed", test_has_a_seed);
  g_test_add_func ("/receivers/backoff/spreads-its-pauses", test_spreads_its_pauses);
  return g_test_run ();
}
