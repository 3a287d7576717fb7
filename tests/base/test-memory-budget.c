/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Counting, the limit with its hysteresis, and who is told of room. */

#include "base/ds-memory-budget-private.h"

static void
test_counts_what_is_taken_and_released (void)
{
  g_test_summary ("Bytes and their peak are counted; taking never fails");

  g_autoptr (DsMemoryBudget) budget = ds_memory_budget_new (100);

  ds_memory_budget_take (budget, 60);
  ds_memory_budget_take (budget, 70);
  g_assert_cmpuint (ds_memory_budget_get_n_bytes (budget), ==, 130);
  ds_memory_budget_release (budget, 130);
  g_assert_cmpuint (ds_memory_budget_get_n_bytes (budget), ==, 0);
  g_assert_cmpuint (ds_memory_budget_get_peak_bytes (budget), ==, 130);
  g_assert_cmpuint (ds_memory_budget_get_max_bytes (budget), ==, 100);
}

static void
test_has_room_again_below_seven_eighths (void)
{
  g_test_summary ("At the limit there is no room until less than 7/8 is in use");

  g_autoptr (DsMemoryBudget) budget = ds_memory_budget_new (80);

  ds_memory_budget_take (budget, 79);
  g_assert_true (ds_memory_budget_has_room (budget));
  ds_memory_budget_take (budget, 1);
  g_assert_false (ds_memory_budget_has_room (budget));
  ds_memory_budget_release (budget, 10);
  g_assert_false (ds_memory_budget_has_room (budget));
  ds_memory_budget_release (budget, 1);
  g_assert_true (ds_memory_budget_has_room (budget));
  ds_memory_budget_release (budget, 69);
}

static void
count_call (gpointer data)
{
  ++*(guint *) data;
}

static void
test_tells_watches_once_per_recovery (void)
{
  g_test_summary ("A watch is called when use falls below 7/8, once each time");

  g_autoptr (DsMemoryBudget) budget = ds_memory_budget_new (8);
  guint n_calls = 0;
  guint n_other_calls = 0;
  guint id = ds_memory_budget_add_watch (budget, count_call, &n_calls);

  ds_memory_budget_add_watch (budget, count_call, &n_other_calls);
  for (guint round = 1; round <= 3; round++)
    {
      ds_memory_budget_take (budget, 8);
      ds_memory_budget_release (budget, 4);
      ds_memory_budget_release (budget, 4);
      g_assert_cmpuint (n_calls, ==, round);
    }
  ds_memory_budget_remove_watch (budget, id);
  ds_memory_budget_take (budget, 8);
  ds_memory_budget_release (budget, 8);
  g_assert_cmpuint (n_calls, ==, 3);
  g_assert_cmpuint (n_other_calls, ==, 4);
}

static void
test_a_larger_limit_makes_room (void)
{
  g_test_summary ("Raising the limit counts as a recovery");

  g_autoptr (DsMemoryBudget) budget = ds_memory_budget_new (8);
  guint n_calls = 0;

  ds_memory_budget_add_watch (budget, count_call, &n_calls);
  ds_memory_budget_take (budget, 8);
  ds_memory_budget_set_max_bytes (budget, 80);
  g_assert_true (ds_memory_budget_has_room (budget));
  g_assert_cmpuint (n_calls, ==, 1);
  ds_memory_budget_set_max_bytes (budget, 8);
  g_assert_false (ds_memory_budget_has_room (budget));
  ds_memory_budget_release (budget, 8);
}

typedef struct
{
  DsMemoryBudget *budget;
  gint stopping;
} Waiter;

static gpointer
wait_for_room (gpointer data)
{
  Waiter *waiter = data;

  return GINT_TO_POINTER (ds_memory_budget_wait (waiter->budget, &waiter->stopping));
}

static void
test_waiters_go_on_with_room_and_at_a_stop (void)
{
  g_test_summary (
      "A waiter returns TRUE once there is room and FALSE when it is stopped");

  g_autoptr (DsMemoryBudget) budget = ds_memory_budget_new (8);
  Waiter waiter = { budget, FALSE };

  ds_memory_budget_take (budget, 8);
  GThread *thread = g_thread_new ("waiter", wait_for_room, &waiter);
  ds_memory_budget_release (budget, 8);
  g_assert_true (GPOINTER_TO_INT (g_thread_join (thread)));

  ds_memory_budget_take (budget, 8);
  thread = g_thread_new ("waiter", wait_for_room, &waiter);
  g_atomic_int_set (&waiter.stopping, TRUE);
  ds_memory_budget_wake (budget);
  g_assert_false (GPOINTER_TO_INT (g_thread_join (thread)));
  ds_memory_budget_release (budget, 8);
}

static gpointer
take_and_release (gpointer data)
{
  for (guint i = 0; i < 20000; i++)
    {
      ds_memory_budget_take (data, 3);
      ds_memory_budget_release (data, 3);
    }
  return NULL;
}

static void
test_counts_over_many_threads (void)
{
  g_test_summary ("Four threads around the limit: nothing is left, there is room");

  g_autoptr (DsMemoryBudget) budget = ds_memory_budget_new (8);
  GThread *threads[4];
  guint n_calls = 0;

  ds_memory_budget_add_watch (budget, count_call, &n_calls);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("user", take_and_release, budget);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  g_assert_cmpuint (ds_memory_budget_get_n_bytes (budget), ==, 0);
  g_assert_cmpuint (ds_memory_budget_get_peak_bytes (budget), <=, 12);
  g_assert_true (ds_memory_budget_has_room (budget));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add_func ("/base/memory-budget/" name, func)
  ADD ("counts-what-is-taken-and-released", test_counts_what_is_taken_and_released);
  ADD ("has-room-again-below-seven-eighths", test_has_room_again_below_seven_eighths);
  ADD ("tells-watches-once-per-recovery", test_tells_watches_once_per_recovery);
  ADD ("a-larger-limit-makes-room", test_a_larger_limit_makes_room);
  ADD ("waiters-go-on-with-room-and-at-a-stop",
       test_waiters_go_on_with_room_and_at_a_stop);
  ADD ("counts-over-many-threads", test_counts_over_many_threads);
#undef ADD
  return g_test_run ();
}
