/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How soon one checkpoint may follow another. */

#include "dstream/ds-checkpoint-pace-private.h"

#define MS G_GINT64_CONSTANT (1000)

static void
test_rests_while_batches_are_behind (void)
{
  DsCheckpointPace pace = { 0 };

  g_assert_true (ds_checkpoint_pace_allows (&pace, 1, TRUE)); /* the first one */
  ds_checkpoint_pace_note (&pace, 1000 * MS, 100 * MS);
  g_assert_false (ds_checkpoint_pace_allows (&pace, 1000 * MS, TRUE));
  g_assert_false (ds_checkpoint_pace_allows (&pace, 2500 * MS - 1, TRUE));
  g_assert_true (ds_checkpoint_pace_allows (&pace, 2500 * MS, TRUE));
}

static void
test_never_rests_while_they_keep_up (void)
{
  DsCheckpointPace pace = { 0 };

  ds_checkpoint_pace_note (&pace, 1000 * MS, 100 * MS);
  g_assert_true (ds_checkpoint_pace_allows (&pace, 1000 * MS, FALSE));
}

static void
test_never_rests_after_a_cheap_one (void)
{
  DsCheckpointPace pace = { 0 };

  ds_checkpoint_pace_note (&pace, 1000 * MS, 20 * MS);
  g_assert_true (ds_checkpoint_pace_allows (&pace, 1000 * MS, TRUE));
  ds_checkpoint_pace_note (&pace, 1000 * MS, 20 * MS + 1);
  g_assert_false (ds_checkpoint_pace_allows (&pace, 1000 * MS, TRUE));
  ds_checkpoint_pace_note (&pace, 1001 * MS, 1 * MS);
  g_assert_true (ds_checkpoint_pace_allows (&pace, 1001 * MS, TRUE));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/dstream/checkpoint-pace/rests-while-batches-are-behind",
                   test_rests_while_batches_are_behind);
  g_test_add_func ("/dstream/checkpoint-pace/never-rests-while-they-keep-up",
                   test_never_rests_while_they_keep_up);
  g_test_add_func ("/dstream/checkpoint-pace/never-rests-after-a-cheap-one",
                   test_never_rests_after_a_cheap_one);

  return g_test_run ();
}
