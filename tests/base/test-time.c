/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Rounding to grids, ranges, and times as text. */

#include "base/ds-time-private.h"

#include <math.h>

static void
test_seconds_round_to_microseconds (void)
{
  g_test_summary ("Fractions are rounded, not cut; too long is cut to the longest");

  g_assert_cmpint (ds_seconds (1), ==, 1000000);
  g_assert_cmpint (ds_seconds (0.25), ==, 250000);
  g_assert_cmpint (ds_seconds (0.0000015), ==, 2);
  g_assert_cmpint (ds_seconds (1.1), ==, 1100000);
  g_assert_cmpint (ds_seconds (-0.5), ==, -500000);
  g_assert_cmpint (ds_seconds (1e300), ==, G_MAXINT64);
  g_assert_cmpint (ds_seconds (-1e300), ==, G_MININT64);
  g_assert_cmpint (ds_seconds (HUGE_VAL), ==, G_MAXINT64);
  g_assert_cmpint (DS_SECONDS (0.25), ==, 250000);
  g_assert_cmpint (2 * DS_DAY, ==, 48 * DS_HOUR);
}

static void
test_literal_seconds_round_as_the_function (void)
{
  g_test_summary ("Of each millisecond below 10 s the macro gives 1000 us, not one less");

  static const DsDuration literals[] = { DS_SECONDS (4.1), DS_SECONDS (-2.01),
                                         DS_SECONDS (1.001), DS_SECONDS (7) };

  g_assert_cmpint (literals[0], ==, 4100000);
  g_assert_cmpint (literals[1], ==, -2010000);
  g_assert_cmpint (literals[2], ==, 1001000);
  g_assert_cmpint (literals[3], ==, 7000000);
  for (int milliseconds = -9999; milliseconds <= 9999; milliseconds++)
    {
      double seconds = milliseconds / 1000.0;

      g_assert_cmpint (DS_SECONDS (seconds), ==, milliseconds * DS_MILLISECOND);
      g_assert_cmpint (ds_seconds (seconds), ==, milliseconds * DS_MILLISECOND);
    }
  g_assert_cmpint (DS_SECONDS (0.0000014), ==, 1);
  g_assert_cmpint (DS_SECONDS (0.0000016), ==, 2);
  g_assert_cmpint (DS_SECONDS (-0.0000016), ==, -2);
}

static void
test_literal_seconds_of_whole_numbers_are_exact (void)
{
  g_test_summary ("Whole seconds stay whole numbers, also those that no double can hold");

  enum
  {
    TWO_MILLISECONDS = DS_SECONDS (2) / 1000
  };

  g_assert_cmpint (TWO_MILLISECONDS, ==, 2000);
  g_assert_cmpint (DS_SECONDS (9223372036854) + 775807, ==, G_MAXINT64);
  g_assert_cmpint (DS_SECONDS (9007199255), ==, 9007199255000000);
}

static void
test_seconds_refuse_not_a_number (void)
{
  g_test_summary ("NaN seconds are a programming error");

  if (g_test_subprocess ())
    {
      ds_seconds ((double) NAN);
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr ("*isnan*");
}

static void
test_floor_goes_down_to_the_grid (void)
{
  g_test_summary ("Floor is the last point of the grid that is not after the time");

  g_assert_cmpint (ds_time_floor (1350, 200, 0), ==, 1200);
  g_assert_cmpint (ds_time_floor (1200, 200, 0), ==, 1200);
  g_assert_cmpint (ds_time_floor (199, 200, 0), ==, 0);
  g_assert_cmpint (ds_time_floor (-1, 200, 0), ==, -200);
  g_assert_cmpint (ds_time_floor (-200, 200, 0), ==, -200);
  g_assert_cmpint (ds_time_floor (1350, 200, 100), ==, 1300);
  g_assert_cmpint (ds_time_floor (99, 200, 100), ==, -100);
  g_assert_cmpint (ds_time_floor (1350, 200, -100), ==, 1300);
  g_assert_cmpint (ds_time_floor (G_MAXINT64, 10, G_MININT64), ==, G_MAXINT64 - 5);
}

static void
test_floor_agrees_with_counting (void)
{
  g_test_summary ("For random grids floor and next are what counting along it gives");

  for (int round = 0; round < 2000; round++)
    {
      DsDuration duration = g_test_rand_int_range (1, 50);
      DsTime zero = g_test_rand_int_range (-200, 200);
      DsTime time = g_test_rand_int_range (-200, 200);
      DsTime point = zero - 1000 * duration;

      while (point + duration <= time)
        point += duration;
      g_assert_cmpint (ds_time_floor (time, duration, zero), ==, point);
      g_assert_cmpint (ds_time_next (time, duration, zero), ==, point + duration);
      g_assert_cmpint (ds_time_is_multiple_of (time, duration, zero), ==, point == time);
    }
}

static void
test_multiples_are_found (void)
{
  g_test_summary ("A window is a multiple of a slide or it is not");

  g_assert_true (ds_time_is_multiple_of (1000, 5, 0));
  g_assert_true (ds_time_is_multiple_of (1000, 1, 0));
  g_assert_true (ds_time_is_multiple_of (0, 1000, 0));
  g_assert_false (ds_time_is_multiple_of (1000, 6, 0));
  g_assert_false (ds_time_is_multiple_of (1000, 2000, 0));
  g_assert_true (ds_time_is_multiple_of (-3000, 2000, 1000));
}

static void
test_grid_of_no_length_is_refused (void)
{
  g_test_summary ("A duration of 0 is a programming error");

  if (g_test_subprocess ())
    {
      ds_time_floor (1000, 0, 0);
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr ("*duration > 0*");
}

static void
test_timer_starts_strictly_after_now (void)
{
  g_test_summary ("The first tick is the first multiple after now, never now");

  g_assert_cmpint (ds_time_next (0, 1000, 0), ==, 1000);
  g_assert_cmpint (ds_time_next (1, 1000, 0), ==, 1000);
  g_assert_cmpint (ds_time_next (999, 1000, 0), ==, 1000);
  g_assert_cmpint (ds_time_next (1000, 1000, 0), ==, 2000);
  g_assert_cmpint (ds_time_next (15000, 2000, 0), ==, 16000);
  g_assert_cmpint (ds_time_next (15000, 2000, 1000), ==, 17000);
  g_assert_cmpint (ds_time_next (16000, 2000, 0), ==, 18000);
}

static void
assert_times (GArray *times, const DsTime *expected, guint n_expected)
{
  g_assert_cmpuint (times->len, ==, n_expected);
  for (guint i = 0; i < n_expected; i++)
    g_assert_cmpint (g_array_index (times, DsTime, i), ==, expected[i]);
  g_array_unref (times);
}

static void
test_ranges_exclude_or_include_their_end (void)
{
  g_test_summary ("until leaves its end out, to takes it when a step meets it");

  const DsTime steps[] = { 1000, 1030, 1060, 1090 };
  const DsTime both[] = { 1000, 1100 };

  assert_times (ds_time_until (1000, 1100, 100), steps, 1);
  assert_times (ds_time_until (1000, 1100, 30), steps, 4);
  assert_times (ds_time_until (1000, 1000, 30), NULL, 0);
  assert_times (ds_time_until (1001, 1000, 30), NULL, 0);
  assert_times (ds_time_to (1000, 1000, 100), steps, 1);
  assert_times (ds_time_to (1000, 1100, 30), steps, 4);
  assert_times (ds_time_to (1000, 1100, 100), both, 2);
  assert_times (ds_time_to (1001, 1000, 1), NULL, 0);
}

static void
test_ranges_end_at_the_end_of_time (void)
{
  g_test_summary ("A range up to the last time there is ends there");

  const DsTime last[] = { G_MAXINT64 - 1, G_MAXINT64 };

  assert_times (ds_time_until (G_MAXINT64 - 1, G_MAXINT64, 5), last, 1);
  assert_times (ds_time_to (G_MAXINT64 - 1, G_MAXINT64, 1), last, 2);
}

static void
test_division_gives_a_real_number (void)
{
  g_test_summary ("One second is half of two");

  g_assert_cmpfloat (ds_duration_divide (1000, 5), ==, 200.0);
  g_assert_cmpfloat (ds_duration_divide (1000, 2000), ==, 0.5);
}

static void
assert_text (char *text, const char *expected)
{
  g_assert_cmpstr (text, ==, expected);
  g_free (text);
}

static void
test_prints_milliseconds (void)
{
  g_test_summary ("Both print as milliseconds, with more digits only where needed");

  assert_text (ds_time_to_string (DS_SECOND), "1000 ms");
  assert_text (ds_time_to_string (0), "0 ms");
  assert_text (ds_time_to_string (1500), "1.500 ms");
  assert_text (ds_time_to_string (-1500), "-1.500 ms");
  assert_text (ds_time_to_string (-2), "-0.002 ms");
  assert_text (ds_time_to_string (DS_TIME_NONE), "none");
  assert_text (ds_time_to_string (G_MININT64), "-9223372036854775.808 ms");
  assert_text (ds_duration_to_string (DS_MINUTE), "60000 ms");
  assert_text (ds_duration_to_string (DS_TIME_NONE), "none");
  assert_text (ds_duration_to_seconds_string (7 * DS_SECOND), "7.000 s");
  assert_text (ds_duration_to_seconds_string (1250 * DS_MILLISECOND), "1.250 s");
  assert_text (ds_duration_to_seconds_string (-DS_SECOND), "-1.000 s");
  assert_text (ds_duration_to_seconds_string (30), "30 us");
  assert_text (ds_duration_to_seconds_string (-1), "-1 us");
  assert_text (ds_duration_suggest_unit (30),
               "; times are in microseconds: write 30 * DS_SECOND for 30 s");
  assert_text (ds_duration_suggest_unit (-1), "");
  assert_text (ds_duration_suggest_unit (0), "");
  assert_text (ds_duration_suggest_unit (2 * DS_MILLISECOND), "");
  assert_text (ds_duration_suggest_unit (1500 * DS_MILLISECOND + 1), "");
}

static void
test_prints_local_date_and_time (void)
{
  g_test_summary ("The local form is ISO 8601 with milliseconds and the distance to UTC");

  g_setenv ("TZ", "<+0530>-05:30", TRUE);
  assert_text (ds_time_to_local_string (1431637480452 * DS_MILLISECOND),
               "2015-05-15T02:34:40.452+05:30");
  assert_text (ds_time_to_local_string (0), "1970-01-01T05:30:00.000+05:30");
  assert_text (ds_time_to_local_string (-1000), "1970-01-01T05:29:59.999+05:30");
  assert_text (ds_time_to_local_string (DS_TIME_NONE), "none");
  assert_text (ds_time_to_local_string (G_MAXINT64), "9223372036854775.807 ms");
}

static void
test_prints_batch_times_as_displays_do (void)
{
  g_test_summary ("Milliseconds only where batches are shorter than a second");

  g_autoptr (GTimeZone) zone = g_time_zone_new_offset (-7 * 3600);
  DsTime time = 1431637480452 * DS_MILLISECOND;

  assert_text (ds_time_format_batch (time, DS_SECOND, TRUE, zone), "2015/05/14 14:04:40");
  assert_text (ds_time_format_batch (time, DS_SECOND, FALSE, zone), "14:04:40");
  assert_text (ds_time_format_batch (time, 999 * DS_MILLISECOND, FALSE, zone),
               "14:04:40.452");
  assert_text (ds_time_format_batch (time, 999 * DS_MILLISECOND, TRUE, zone),
               "2015/05/14 14:04:40.452");
}

static void
test_durations_find_their_unit (void)
{
  g_test_summary ("The largest unit of which there is one");

  static const struct
  {
    DsDuration duration;
    double number;
    const char *unit;
  } cases[] = { { 0, 0.0, "ms" },          { 900 * DS_MILLISECOND, 900.0, "ms" },
                { DS_SECOND, 1.0, "sec" }, { 90 * DS_SECOND, 1.5, "min" },
                { DS_MINUTE, 1.0, "min" }, { DS_HOUR, 1.0, "hrs" },
                { DS_DAY, 1.0, "days" },   { 730 * DS_DAY, 730.0, "days" } };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const char *unit = NULL;

      g_assert_cmpfloat (ds_duration_normalize (cases[i].duration, &unit), ==,
                         cases[i].number);
      g_assert_cmpstr (unit, ==, cases[i].unit);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add_func ("/base/time/" name, func)
  ADD ("seconds-round-to-microseconds", test_seconds_round_to_microseconds);
  ADD ("literal-seconds-round-as-the-function",
       test_literal_seconds_round_as_the_function);
  ADD ("literal-seconds-of-whole-numbers-are-exact",
       test_literal_seconds_of_whole_numbers_are_exact);
  ADD ("seconds-refuse-not-a-number", test_seconds_refuse_not_a_number);
  ADD ("floor-goes-down-to-the-grid", test_floor_goes_down_to_the_grid);
  ADD ("floor-agrees-with-counting", test_floor_agrees_with_counting);
  ADD ("multiples-are-found", test_multiples_are_found);
  ADD ("grid-of-no-length-is-refused", test_grid_of_no_length_is_refused);
  ADD ("timer-starts-strictly-after-now", test_timer_starts_strictly_after_now);
  ADD ("ranges-exclude-or-include-their-end", test_ranges_exclude_or_include_their_end);
  ADD ("ranges-end-at-the-end-of-time", test_ranges_end_at_the_end_of_time);
  ADD ("division-gives-a-real-number", test_division_gives_a_real_number);
  ADD ("prints-milliseconds", test_prints_milliseconds);
  ADD ("prints-local-date-and-time", test_prints_local_date_and_time);
  ADD ("prints-batch-times-as-displays-do", test_prints_batch_times_as_displays_do);
  ADD ("durations-find-their-unit", test_durations_find_their_unit);
#undef ADD
  return g_test_run ();
}
