/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The control loop of back-pressure, with numbers worked out by hand. */

#include "dstream/ds-pid-rate-estimator-private.h"

#include "base/ds-error.h"

#include <math.h>
#include <string.h>

static DsPidRateEstimator *
new_estimator (DsDuration batch_interval,
               double proportional,
               double integral,
               double derivative,
               double min_rate)
{
  DsPidSettings settings = { batch_interval, proportional, integral, derivative,
                             min_rate };
  g_autoptr (GError) error = NULL;
  DsPidRateEstimator *self = ds_pid_rate_estimator_new (&settings, &error);

  g_assert_no_error (error);
  return self;
}

static void
test_the_first_batch_only_begins (void)
{
  g_autoptr (DsPidRateEstimator) pid = new_estimator (DS_SECOND, 1, 0, 0, 1);
  double rate = -1;

  g_test_summary ("Nothing follows from the first batch, a rate from the second");

  g_assert_false (ds_pid_rate_estimator_compute (pid, 0, 100, DS_SECOND, 0, &rate));
  g_assert_cmpfloat (rate, ==, -1);
  g_assert_true (ds_pid_rate_estimator_compute (pid, 1, 300, DS_SECOND, 0, &rate));
  g_assert_cmpfloat (rate, ==, 300);
}

static void
test_empty_batches_say_nothing (void)
{
  g_autoptr (DsPidRateEstimator) pid = new_estimator (DS_SECOND, 1, 0, 0, 1);
  double rate = -1;

  g_test_summary ("Neither do batches without records, without duration, or from before");

  g_assert_false (ds_pid_rate_estimator_compute (pid, 10, 0, DS_SECOND, 0, &rate));
  g_assert_false (ds_pid_rate_estimator_compute (pid, 20, 100, 0, 0, &rate));
  g_assert_false (ds_pid_rate_estimator_compute (pid, 30, 100, DS_SECOND, 0, &rate));
  g_assert_false (ds_pid_rate_estimator_compute (pid, 30, 100, DS_SECOND, 0, &rate));
  g_assert_false (ds_pid_rate_estimator_compute (pid, 29, 100, DS_SECOND, 0, &rate));
  g_assert_false (ds_pid_rate_estimator_compute (pid, 40, -5, DS_SECOND, 0, &rate));
  g_assert_cmpfloat (rate, ==, -1);
  g_assert_true (ds_pid_rate_estimator_compute (pid, 31, 200, DS_SECOND, 0, &rate));
}

static void
test_each_part_counts (void)
{
  g_autoptr (DsPidRateEstimator) pid = new_estimator (2 * DS_SECOND, 0.5, 0.1, 0.25, 1);
  double rate = 0;

  g_test_summary ("Proportional, integral and derivative part, worked out by hand");

  /* 1000/s, then 600/s: error 400, 300 wait per second of batch, trend 400 in 2 s:
   * 1000 - 200 - 0.1 * 300 - 0.25 * 200. */
  g_assert_false (
      ds_pid_rate_estimator_compute (pid, 2 * DS_SECOND, 2000, 2 * DS_SECOND, 0, &rate));
  g_assert_true (ds_pid_rate_estimator_compute (pid, 4 * DS_SECOND, 1200, 2 * DS_SECOND,
                                                DS_SECOND, &rate));
  g_assert_cmpfloat_with_epsilon (rate, 720, 1e-9);
  /* 720/s: error 0 (trend -400 in 4 s), none waits: 720 + 0.25 * 100. */
  g_assert_true (
      ds_pid_rate_estimator_compute (pid, 8 * DS_SECOND, 720, DS_SECOND, 0, &rate));
  g_assert_cmpfloat_with_epsilon (rate, 745, 1e-9);
}

static void
test_never_below_the_least_rate (void)
{
  g_autoptr (DsPidRateEstimator) pid = new_estimator (DS_SECOND, 1, 1, 0, 50);
  double rate = 0;

  g_test_summary ("However slow, and however much waits: the least rate stays");

  ds_pid_rate_estimator_compute (pid, 1, 1, DS_SECOND, 0, &rate);
  for (DsTime time = 2; time < 100; time++)
    {
      g_assert_true (
          ds_pid_rate_estimator_compute (pid, time, 1, DS_SECOND, DS_HOUR, &rate));
      g_assert_cmpfloat (rate, ==, 50);
    }
  /* And up again at once when things go well. */
  g_assert_true (ds_pid_rate_estimator_compute (pid, 100, 70, DS_SECOND, 0, &rate));
  g_assert_cmpfloat (rate, ==, 70);
}

static void
test_finds_what_can_be_taken (void)
{
  g_autoptr (DsPidRateEstimator) pid = new_estimator (DS_SECOND, 1, 0.2, 0, 100);
  double rate = 100000;
  double waiting = 0;
  DsTime now = 0;

  g_test_summary ("In a plain simulation of batches at 1 ms a record, begun at 100 times "
                  "too much, all that waited is worked off, and the rate ends at 1000/s");

  for (guint i = 1; i <= 300; i++)
    {
      double processing = rate / 1000; /* s, of a batch of 1 s */
      double delay = waiting;

      waiting = MAX (0, waiting + processing - 1);
      now = (DsTime) ((i + delay + processing) * DS_SECOND);
      ds_pid_rate_estimator_compute (pid, now, (gint64) rate,
                                     (DsDuration) (processing * DS_SECOND),
                                     (DsDuration) (delay * DS_SECOND), &rate);
      g_assert_cmpfloat (rate, >=, 100);
    }
  g_assert_cmpfloat (waiting, <, 0.1);
  g_assert_cmpfloat_with_epsilon (rate, 1000, 10);
}

static void
test_wrong_settings_are_named (void)
{
  static const struct
  {
    DsPidSettings settings;
    const char *names[3];
  } cases[] = {
    { { 0, 1, 1, 1, 1 }, { "batch interval", "0", "above 0" } },
    { { -1, 1, 1, 1, 1 }, { "batch interval", "-1", "above 0" } },
    { { 1, -0.5, 1, 1, 1 }, { "proportional", "-0.5", "at least 0" } },
    { { 1, 1, -1, 1, 1 }, { "integral", "-1", "at least 0" } },
    { { 1, 1, 1, -1, 1 }, { "derivative", "-1", "at least 0" } },
    { { 1, 1, 1, 1, 0 }, { "least rate", "0", "above 0" } },
    { { 1, 1, 1, 1, -10 }, { "least rate", "-10", "above 0" } },
    { { 1, NAN, 1, 1, 1 }, { "proportional", "nan", "at least 0" } },
    { { 1, 1, 1, 1, INFINITY }, { "least rate", "inf", "above 0" } },
  };

  g_test_summary ("What is out of range is named, with the value and the range");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (ds_pid_rate_estimator_new (&cases[i].settings, &error));
      g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT);
      for (guint j = 0; j < G_N_ELEMENTS (cases[i].names); j++)
        g_assert_nonnull (strstr (error->message, cases[i].names[j]));
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, func) g_test_add_func ("/dstream/pid-rate-estimator/" name, func)
  ADD ("the-first-batch-only-begins", test_the_first_batch_only_begins);
  ADD ("empty-batches-say-nothing", test_empty_batches_say_nothing);
  ADD ("each-part-counts", test_each_part_counts);
  ADD ("never-below-the-least-rate", test_never_below_the_least_rate);
  ADD ("finds-what-can-be-taken", test_finds_what_can_be_taken);
  ADD ("wrong-settings-are-named", test_wrong_settings_are_named);
#undef ADD

  return g_test_run ();
}
