/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The fixed pool: every item once, never more at once than workers, no thread before it
 * is wanted. */

#include "rdd/ds-executor-private.h"

#define N_ITEMS 5000

typedef struct
{
  gint n_calls[N_ITEMS];
  gint n_running;
  gint n_running_most;
  GThread *other_thread; /* of any item that did not run on the calling thread */
  GThread *caller;
} Record;

static void
record_item (guint item, gpointer data)
{
  Record *record = data;
  gint n_running = g_atomic_int_add (&record->n_running, 1) + 1;
  gint most = g_atomic_int_get (&record->n_running_most);

  while (n_running > most &&
         !g_atomic_int_compare_and_exchange (&record->n_running_most, most, n_running))
    most = g_atomic_int_get (&record->n_running_most);
  if (g_thread_self () != record->caller)
    g_atomic_pointer_set (&record->other_thread, g_thread_self ());
  g_atomic_int_inc (&record->n_calls[item]);
  g_atomic_int_add (&record->n_running, -1);
}

static void
assert_each_once (Record *record, guint n_items)
{
  for (guint i = 0; i < N_ITEMS; i++)
    g_assert_cmpint (record->n_calls[i], ==, i < n_items ? 1 : 0);
}

static void
test_executor_runs_each_item_once (void)
{
  g_autoptr (DsExecutor) executor = ds_executor_new (4);

  g_test_summary ("Four workers do every item exactly once, at most four at a time");

  for (guint n_items = 1; n_items <= N_ITEMS; n_items = n_items * 3 + 1)
    {
      g_autofree Record *record = g_new0 (Record, 1);

      record->caller = g_thread_self ();
      ds_executor_run (executor, n_items, record_item, record);
      assert_each_once (record, n_items);
      g_assert_cmpint (record->n_running_most, <=, 4);
    }
  g_assert_cmpuint (ds_executor_get_n_threads (executor), ==, 3);
}

static void
test_executor_one_worker_needs_no_thread (void)
{
  g_autoptr (DsExecutor) executor = ds_executor_new (1);
  g_autofree Record *record = g_new0 (Record, 1);

  g_test_summary ("With one worker the calling thread does it all");

  record->caller = g_thread_self ();
  ds_executor_run (executor, 100, record_item, record);
  assert_each_once (record, 100);
  g_assert_null (record->other_thread);
  g_assert_cmpuint (ds_executor_get_n_threads (executor), ==, 0);
}

static void
test_executor_makes_threads_when_wanted (void)
{
  g_autoptr (DsExecutor) executor = ds_executor_new (8);
  g_autofree Record *record = g_new0 (Record, 1);

  g_test_summary ("Two items want one thread beside the caller, and no work wants none");

  record->caller = g_thread_self ();
  g_assert_cmpuint (ds_executor_get_n_threads (executor), ==, 0);
  ds_executor_run (executor, 0, record_item, record);
  g_assert_cmpuint (ds_executor_get_n_threads (executor), ==, 0);
  ds_executor_run (executor, 2, record_item, record);
  g_assert_cmpuint (ds_executor_get_n_threads (executor), ==, 1);
}

/* Each item waits until all have begun: so they run at the same time, or never end. */
typedef struct
{
  GMutex lock;
  GCond begun;
  guint n_begun;
} Meeting;

static void
meet (guint item, gpointer data)
{
  Meeting *meeting = data;

  g_mutex_lock (&meeting->lock);
  meeting->n_begun++;
  g_cond_broadcast (&meeting->begun);
  while (meeting->n_begun < 3)
    g_cond_wait (&meeting->begun, &meeting->lock);
  g_mutex_unlock (&meeting->lock);
}

static void
test_executor_runs_items_side_by_side (void)
{
  g_autoptr (DsExecutor) executor = ds_executor_new (3);

  g_test_summary ("Three workers work on three items at the same time, again and again");

  for (guint i = 0; i < 200; i++)
    {
      Meeting meeting = { .n_begun = 0 };

      g_mutex_init (&meeting.lock);
      g_cond_init (&meeting.begun);
      ds_executor_run (executor, 3, meet, &meeting);
      g_assert_cmpuint (meeting.n_begun, ==, 3);
      g_cond_clear (&meeting.begun);
      g_mutex_clear (&meeting.lock);
    }
}

static gpointer
run_many (gpointer data)
{
  for (guint i = 0; i < 50; i++)
    {
      g_autofree Record *record = g_new0 (Record, 1);

      record->caller = g_thread_self ();
      ds_executor_run (data, 20 + i, record_item, record);
      assert_each_once (record, 20 + i);
    }
  return NULL;
}

static void
test_executor_serves_several_callers (void)
{
  g_autoptr (DsExecutor) executor = ds_executor_new (3);
  GThread *threads[4];

  g_test_summary ("Four threads bring work at once and each gets all of its own done");

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("caller", run_many, executor);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
}

static void
test_executor_goes_on_alone_after_stop (void)
{
  g_autoptr (DsExecutor) executor = ds_executor_new (3);
  g_autofree Record *record = g_new0 (Record, 1);
  g_autofree Record *later = g_new0 (Record, 1);

  g_test_summary ("After stop there are no threads, and what comes runs on its caller");

  record->caller = g_thread_self ();
  ds_executor_run (executor, 100, record_item, record);
  ds_executor_stop (executor);
  ds_executor_stop (executor);
  g_assert_cmpuint (ds_executor_get_n_threads (executor), ==, 0);

  later->caller = g_thread_self ();
  ds_executor_run (executor, 100, record_item, later);
  assert_each_once (later, 100);
  g_assert_null (later->other_thread);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/rdd/executor/runs-each-item-once",
                   test_executor_runs_each_item_once);
  g_test_add_func ("/rdd/executor/one-worker-needs-no-thread",
                   test_executor_one_worker_needs_no_thread);
  g_test_add_func ("/rdd/executor/makes-threads-when-wanted",
                   test_executor_makes_threads_when_wanted);
  g_test_add_func ("/rdd/executor/runs-items-side-by-side",
                   test_executor_runs_items_side_by_side);
  g_test_add_func ("/rdd/executor/serves-several-callers",
                   test_executor_serves_several_callers);
  g_test_add_func ("/rdd/executor/goes-on-alone-after-stop",
                   test_executor_goes_on_alone_after_stop);
  return g_test_run ();
}
