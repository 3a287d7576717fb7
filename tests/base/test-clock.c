/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The system's clock and the one that tests move. */

#include "base/ds-clock-private.h"

static void
test_system_clock_tells_the_time (void)
{
  g_test_summary (
      "Wall time is the system's, steady time starts with it and never falls");

  g_autoptr (DsClock) clock = ds_clock_new_system ();
  DsTime before = g_get_real_time ();
  DsTime time = ds_clock_get_time (clock);
  DsTime steady = ds_clock_get_steady_time (clock);

  g_assert_cmpint (time, >=, before);
  g_assert_cmpint (time, <=, g_get_real_time ());
  g_assert_cmpint (ABS (steady - time), <, DS_SECOND);
  for (guint i = 0; i < 1000; i++)
    {
      DsTime next = ds_clock_get_steady_time (clock);

      g_assert_cmpint (next, >=, steady);
      steady = next;
    }
}

static void
test_system_clock_waits (void)
{
  g_test_summary ("A wait of 2 ms ends no earlier; one for the past ends at once");

  g_autoptr (DsClock) clock = ds_clock_new_system ();
  const gint stopping = FALSE;
  DsTime end = ds_clock_get_steady_time (clock) + 2 * DS_MILLISECOND;

  g_assert_true (ds_clock_wait_until (clock, end, &stopping));
  g_assert_cmpint (ds_clock_get_steady_time (clock), >=, end);
  g_assert_true (ds_clock_wait_until (clock, end - DS_HOUR, &stopping));
}

static void
test_manual_clock_stands_still (void)
{
  g_test_summary ("It shows what it was set to, forwards and backwards");

  g_autoptr (DsManualClock) clock = ds_manual_clock_new (5 * DS_SECOND);

  g_assert_cmpint (ds_clock_get_time (DS_CLOCK (clock)), ==, 5 * DS_SECOND);
  ds_manual_clock_advance (clock, DS_SECOND);
  g_assert_cmpint (ds_clock_get_time (DS_CLOCK (clock)), ==, 6 * DS_SECOND);
  g_assert_cmpint (ds_clock_get_steady_time (DS_CLOCK (clock)), ==, 6 * DS_SECOND);
  ds_manual_clock_set_time (clock, DS_SECOND);
  g_assert_cmpint (ds_clock_get_time (DS_CLOCK (clock)), ==, DS_SECOND);
}

typedef struct
{
  DsClock *clock;
  DsTime time;
  gint stopping;
} Waiter;

static gpointer
wait_for_time (gpointer data)
{
  Waiter *waiter = data;

  return GINT_TO_POINTER (
      ds_clock_wait_until (waiter->clock, waiter->time, &waiter->stopping));
}

static void
test_manual_clock_wakes_waiters (void)
{
  g_test_summary (
      "A waiter goes on when the clock reaches its time, in steps or at once");

  g_autoptr (DsManualClock) clock = ds_manual_clock_new (0);
  Waiter waiter = { DS_CLOCK (clock), 3 * DS_SECOND, FALSE };
  GThread *thread = g_thread_new ("waiter", wait_for_time, &waiter);

  for (guint i = 0; i < 3; i++)
    ds_manual_clock_advance (clock, DS_SECOND);
  g_assert_true (GPOINTER_TO_INT (g_thread_join (thread)));
}

static void
test_a_waiter_can_be_stopped (void)
{
  g_test_summary ("A stopped waiter returns FALSE although its time has not come");

  g_autoptr (DsManualClock) manual_clock = ds_manual_clock_new (0);
  g_autoptr (DsClock) system_clock = ds_clock_new_system ();
  DsClock *clocks[] = { DS_CLOCK (manual_clock), system_clock };

  for (guint i = 0; i < G_N_ELEMENTS (clocks); i++)
    {
      Waiter waiter = { clocks[i], ds_clock_get_steady_time (clocks[i]) + DS_HOUR,
                        FALSE };
      GThread *thread = g_thread_new ("waiter", wait_for_time, &waiter);

      g_atomic_int_set (&waiter.stopping, TRUE);
      ds_clock_wake (clocks[i]);
      g_assert_false (GPOINTER_TO_INT (g_thread_join (thread)));
    }
}

static void
test_manual_clock_refuses_to_stand (void)
{
  g_test_summary ("A step of 0 or less is a mistake of the caller");

  if (g_test_subprocess ())
    {
      g_autoptr (DsManualClock) clock = ds_manual_clock_new (0);

      ds_manual_clock_advance (clock, 0);
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr ("*step > 0*");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add_func ("/base/clock/" name, func)
  ADD ("system-clock-tells-the-time", test_system_clock_tells_the_time);
  ADD ("system-clock-waits", test_system_clock_waits);
  ADD ("manual-clock-stands-still", test_manual_clock_stands_still);
  ADD ("manual-clock-wakes-waiters", test_manual_clock_wakes_waiters);
  ADD ("a-waiter-can-be-stopped", test_a_waiter_can_be_stopped);
  ADD ("manual-clock-refuses-to-stand", test_manual_clock_refuses_to_stand);
#undef ADD
  return g_test_run ();
}
