/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "dstream/ds-batch-timer-private.h"

static void
test_first_tick_is_strictly_after_now (void)
{
  static const struct
  {
    DsTime now;
    DsTime first;
  } cases[] = {
    { 0, 1000 },    { 1, 1000 },          { 999, 1000 },
    { 1000, 2000 }, { 1500400, 1501000 }, { -1, 0 },
  };

  g_test_summary ("The first batch time is the smallest multiple strictly after now");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_cmpint (ds_batch_timer_start_time (cases[i].now * DS_MILLISECOND, DS_SECOND),
                     ==, cases[i].first * DS_MILLISECOND);
}

static void
test_restart_keeps_the_alignment (void)
{
  g_test_summary ("A restart is aligned to the original zero time, strictly after now");

  g_assert_cmpint (ds_batch_timer_restart_time (15 * DS_SECOND, 2 * DS_SECOND, 0), ==,
                   16 * DS_SECOND);
  g_assert_cmpint (ds_batch_timer_restart_time (15 * DS_SECOND, 2 * DS_SECOND, DS_SECOND),
                   ==, 17 * DS_SECOND);
  g_assert_cmpint (ds_batch_timer_restart_time (16 * DS_SECOND, 2 * DS_SECOND, 0), ==,
                   18 * DS_SECOND);
}

static void
test_fires_every_missed_tick (void)
{
  g_autoptr (DsManualClock) clock = ds_manual_clock_new (300 * DS_MILLISECOND);
  DsBatchTimer timer;

  g_test_summary ("A timer that is late fires each missed tick, in order, with its time");

  ds_batch_timer_init (&timer, DS_CLOCK (clock), DS_SECOND);
  g_assert_cmpint (timer.zero_time, ==, 0);
  g_assert_false (ds_batch_timer_is_due (&timer, 0));

  ds_manual_clock_set_time (clock, 3700 * DS_MILLISECOND);
  for (DsTime t = 1; t <= 3; t++)
    {
      g_assert_true (ds_batch_timer_is_due (&timer, 0));
      g_assert_cmpint (ds_batch_timer_fire (&timer), ==, t * DS_SECOND);
    }
  g_assert_false (ds_batch_timer_is_due (&timer, 0));
  g_assert_cmpint (timer.n_fired, ==, 3);
  g_assert_cmpint (timer.n_missed, ==, 2);
  g_assert_cmpint (timer.max_lateness, ==, 2700 * DS_MILLISECOND);
  ds_batch_timer_clear (&timer);
}

static void
test_clock_that_jumps_back_repeats_nothing (void)
{
  g_autoptr (DsManualClock) clock = ds_manual_clock_new (0);
  DsBatchTimer timer;

  g_test_summary ("A clock that jumps back makes ticks wait; no batch time comes twice");

  ds_batch_timer_init (&timer, DS_CLOCK (clock), DS_SECOND);
  ds_manual_clock_set_time (clock, DS_SECOND);
  g_assert_cmpint (ds_batch_timer_fire (&timer), ==, DS_SECOND);
  ds_manual_clock_set_time (clock, 0);
  g_assert_false (ds_batch_timer_is_due (&timer, 0));
  ds_manual_clock_set_time (clock, DS_SECOND);
  g_assert_false (ds_batch_timer_is_due (&timer, 0));
  ds_manual_clock_set_time (clock, 2 * DS_SECOND);
  g_assert_true (ds_batch_timer_is_due (&timer, 0));
  g_assert_cmpint (ds_batch_timer_fire (&timer), ==, 2 * DS_SECOND);
  ds_batch_timer_clear (&timer);
}

static void
test_finish_fires_the_awaited_tick_and_one_more (void)
{
  g_autoptr (DsManualClock) clock = ds_manual_clock_new (0);
  DsBatchTimer timer;

  g_test_summary ("A stop without interrupt lets the awaited tick fire and one more");

  ds_batch_timer_init (&timer, DS_CLOCK (clock), DS_SECOND);
  ds_manual_clock_set_time (clock, DS_SECOND);
  ds_batch_timer_fire (&timer);

  g_assert_cmpint (ds_batch_timer_finish (&timer), ==, 3 * DS_SECOND);
  g_assert_false (ds_batch_timer_is_due (&timer, 0));
  ds_batch_timer_hurry (&timer);
  g_assert_true (ds_batch_timer_is_due (&timer, 0));
  g_assert_cmpint (ds_batch_timer_fire (&timer), ==, 2 * DS_SECOND);
  g_assert_false (ds_batch_timer_is_over (&timer));
  g_assert_cmpint (ds_batch_timer_fire (&timer), ==, 3 * DS_SECOND);
  g_assert_true (ds_batch_timer_is_over (&timer));
  g_assert_false (ds_batch_timer_is_due (&timer, 0));
  g_assert_cmpint (ds_batch_timer_finish (&timer), ==, 3 * DS_SECOND);
  ds_batch_timer_clear (&timer);
}

static void
test_finish_of_a_late_timer_reaches_now (void)
{
  g_autoptr (DsManualClock) clock = ds_manual_clock_new (0);
  DsBatchTimer timer;

  g_test_summary (
      "A stop without interrupt of a timer that is late fires every tick up to "
      "the first that is not before now");

  ds_batch_timer_init (&timer, DS_CLOCK (clock), DS_SECOND);
  ds_manual_clock_set_time (clock, 5 * DS_SECOND + 1);
  g_assert_cmpint (ds_batch_timer_finish (&timer), ==, 6 * DS_SECOND);
  ds_batch_timer_hurry (&timer);
  for (DsTime time = DS_SECOND; time <= 6 * DS_SECOND; time += DS_SECOND)
    g_assert_cmpint (ds_batch_timer_fire (&timer), ==, time);
  g_assert_true (ds_batch_timer_is_over (&timer));
  ds_batch_timer_clear (&timer);

  ds_manual_clock_set_time (clock, 0);
  ds_batch_timer_init (&timer, DS_CLOCK (clock), DS_SECOND);
  ds_manual_clock_set_time (clock, 5 * DS_SECOND);
  g_assert_cmpint (ds_batch_timer_finish (&timer), ==, 5 * DS_SECOND);
  ds_batch_timer_clear (&timer);
}

/* Batch 8 was the last that was planned, 7 the last that was done; the clock is at @now.
 */
static void
check_restored (DsTime now, DsDuration expected_set_back, DsTime due)
{
  g_autoptr (DsManualClock) clock = ds_manual_clock_new (now);
  DsDuration set_back = -1;
  DsBatchTimer timer;

  ds_batch_timer_init_restored (&timer, DS_CLOCK (clock), DS_SECOND, 0, 7 * DS_SECOND,
                                8 * DS_SECOND, &set_back);
  g_assert_cmpint (set_back, ==, expected_set_back);
  g_assert_true (ds_batch_timer_is_due (&timer, 0));
  g_assert_cmpint (ds_batch_timer_fire (&timer), ==, 8 * DS_SECOND);
  ds_manual_clock_set_time (clock, due - 1);
  g_assert_false (ds_batch_timer_is_due (&timer, 0));
  ds_manual_clock_set_time (clock, due);
  g_assert_true (ds_batch_timer_is_due (&timer, 0));
  g_assert_cmpint (ds_batch_timer_fire (&timer), ==, 9 * DS_SECOND);
  ds_batch_timer_clear (&timer);
}

static void
test_restored_waits_for_a_clock_a_little_behind (void)
{
  g_test_summary ("What was planned is due at once; the next tick waits for a clock that "
                  "is up to two intervals behind, and not for one that was set back");

  check_restored (8 * DS_SECOND, 0, 9 * DS_SECOND);
  check_restored (7500 * DS_MILLISECOND, 0, 9 * DS_SECOND);
  check_restored (6 * DS_SECOND, 0, 9 * DS_SECOND);
  check_restored (6 * DS_SECOND - 1, 2 * DS_SECOND + 1, 7 * DS_SECOND - 1);
  check_restored (0, 8 * DS_SECOND, 1 * DS_SECOND);
}

static void
test_finish_runs_what_was_planned (void)
{
  g_autoptr (DsManualClock) clock = ds_manual_clock_new (10500 * DS_MILLISECOND);
  DsDuration set_back = -1;
  DsBatchTimer timer;

  g_test_summary ("A stop while batches of another process run again, up to 12 s, which "
                  "is ahead of the clock: those run, and one for what has come since");

  ds_batch_timer_init_restored (&timer, DS_CLOCK (clock), DS_SECOND, 0, 3 * DS_SECOND,
                                12 * DS_SECOND, &set_back);
  g_assert_cmpint (ds_batch_timer_fire (&timer), ==, 4 * DS_SECOND);
  g_assert_cmpint (ds_batch_timer_finish (&timer), ==, 13 * DS_SECOND);
  ds_batch_timer_clear (&timer);

  /* When all of them have run, two more as ever. */
  ds_batch_timer_init_restored (&timer, DS_CLOCK (clock), DS_SECOND, 0, 12 * DS_SECOND,
                                12 * DS_SECOND, &set_back);
  g_assert_cmpint (ds_batch_timer_finish (&timer), ==, 14 * DS_SECOND);
  ds_batch_timer_clear (&timer);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dstream/batch-timer/first-tick-is-strictly-after-now",
                   test_first_tick_is_strictly_after_now);
  g_test_add_func ("/dstream/batch-timer/restart-keeps-the-alignment",
                   test_restart_keeps_the_alignment);
  g_test_add_func ("/dstream/batch-timer/fires-every-missed-tick",
                   test_fires_every_missed_tick);
  g_test_add_func ("/dstream/batch-timer/clock-that-jumps-back-repeats-nothing",
                   test_clock_that_jumps_back_repeats_nothing);
  g_test_add_func ("/dstream/batch-timer/finish-fires-the-awaited-tick-and-one-more",
                   test_finish_fires_the_awaited_tick_and_one_more);
  g_test_add_func ("/dstream/batch-timer/finish-of-a-late-timer-reaches-now",
                   test_finish_of_a_late_timer_reaches_now);
  g_test_add_func ("/dstream/batch-timer/restored-waits-for-a-clock-a-little-behind",
                   test_restored_waits_for_a_clock_a_little_behind);
  g_test_add_func ("/dstream/batch-timer/finish-runs-what-was-planned",
                   test_finish_runs_what_was_planned);
  return g_test_run ();
}
