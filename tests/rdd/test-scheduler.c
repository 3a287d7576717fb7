/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Jobs: stages, retries, the first error, cancelling, stopping, and what may not be done
 * inside a task. */

#include "tests/rdd/ds-test-rdd.h"

#include "rdd/ds-context-private.h"

/* ---- Retries and errors ---- */

typedef struct
{
  gint n_calls;
  gint n_failures; /* how many calls fail */
} Flaky;

static DsValue
fail_at_first (DsValue value, DsTask *task, gpointer user_data)
{
  Flaky *flaky = user_data;

  ds_task_count (task, "seen", 1);
  if (ds_value_get_int (value) == 5 &&
      g_atomic_int_add (&flaky->n_calls, 1) < flaky->n_failures)
    return ds_task_fail (task, "call %u", ds_task_get_attempt (task));
  return value;
}

static void
test_scheduler_retries_a_failed_task (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local");
  g_autoptr (DsRdd) numbers = ds_test_integers (context, 8, 2);
  Flaky flaky = { .n_failures = 2 };
  g_autoptr (DsRdd) mapped = ds_rdd_map (numbers, fail_at_first, &flaky, NULL);

  g_test_summary ("With three attempts two failures are forgiven, and count nothing");

  g_object_set (context, "max-task-failures", 3, NULL);
  ds_test_assert_collects (mapped, "0\n1\n2\n3\n4\n5\n6\n7\n");
  g_assert_cmpint (flaky.n_calls, ==, 3);
  g_assert_cmpint (ds_context_get_counter (context, "seen"), ==, 8);
  g_assert_cmpint (ds_context_get_counter (context, "unheard of"), ==, 0);
}

static void
test_scheduler_gives_up_after_the_last_attempt (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local");
  g_autoptr (DsRdd) numbers = ds_test_integers (context, 8, 2);
  Flaky flaky = { .n_failures = 100 };
  g_autoptr (DsRdd) mapped = ds_rdd_map (numbers, fail_at_first, &flaky, NULL);

  g_test_summary ("The third failure of three attempts is the job's error");

  g_object_set (context, "max-task-failures", 3, NULL);
  ds_test_assert_fails (mapped, DS_ERROR_USER_FUNCTION, "map", "partition 1", "value 5",
                        "call 2", "Failed 3 times", NULL);
  g_assert_cmpint (flaky.n_calls, ==, 3);
}

static void
test_scheduler_does_not_retry_by_default (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local");
  g_autoptr (DsRdd) numbers = ds_test_integers (context, 8, 2);
  Flaky flaky = { .n_failures = 1 };
  g_autoptr (DsRdd) mapped = ds_rdd_map (numbers, fail_at_first, &flaky, NULL);

  g_test_summary ("Unless set, the first failure of a task is the job's error");

  ds_rdd_set_name (mapped, "check the fives");
  ds_test_assert_fails (mapped, DS_ERROR_USER_FUNCTION, "check the fives, partition 1",
                        "value 5", "call 0", NULL);
  g_assert_cmpint (flaky.n_calls, ==, 1);
  ds_test_assert_collects (mapped, "0\n1\n2\n3\n4\n5\n6\n7\n");
}

static DsValue
fail_always (DsValue value, DsTask *task, gpointer user_data)
{
  g_atomic_int_inc ((gint *) user_data);
  return ds_task_fail (task, "no");
}

static void
test_scheduler_first_error_ends_the_job (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local");
  g_autoptr (DsRdd) numbers = ds_test_integers (context, 100, 100);
  gint n_calls = 0;
  g_autoptr (DsRdd) mapped = ds_rdd_map (numbers, fail_always, &n_calls, NULL);

  g_test_summary ("After the first failure no further task begins");

  ds_test_assert_fails (mapped, DS_ERROR_USER_FUNCTION, "partition 0", NULL);
  g_assert_cmpint (n_calls, ==, 1);
}

static DsValue
read_as_double (DsValue value, DsTask *task, gpointer user_data)
{
  return ds_value_double (ds_value_get_double (value));
}

static void
test_scheduler_error_names_the_batch (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local");
  g_autoptr (DsBlock) block = ds_block_new_strings ("1.5", "x", NULL);
  g_autoptr (DsRdd) words = ds_context_parallelize (context, block, 2);
  g_autoptr (DsRdd) kept = ds_rdd_filter (words, ds_is_not_empty, NULL, NULL);
  g_autoptr (DsRdd) mapped = ds_rdd_map (kept, read_as_double, NULL, NULL);
  g_autoptr (DsRdd) last = ds_rdd_map (mapped, ds_identity, NULL, NULL);
  DsJobScope scope = { .batch_time = 7 * DS_SECOND };

  g_test_summary (
      "Deep in a chain, the error names operator, partition, batch and value");

  ds_rdd_set_name (mapped, "as numbers");
  ds_job_scope_push (&scope);
  ds_test_assert_fails (last, DS_ERROR_TYPE,
                        "as numbers, partition 0, batch 7000 ms, value 1.5: ", "double",
                        NULL);
  ds_job_scope_pop (&scope);
  g_assert_null (ds_job_scope_get_current ());
}

/* ---- Interruptions ---- */

typedef struct
{
  DsContext *context;
  GCancellable *cancellable;
  gint n_calls;
} Interrupter;

static void
cancel_cancellable (const DsValue *values,
                    gsize n_values,
                    DsTask *task,
                    gpointer user_data)
{
  Interrupter *self = user_data;

  self->n_calls++;
  g_assert_false (ds_task_is_cancelled (task));
  g_cancellable_cancel (self->cancellable);
  g_assert_true (ds_task_is_cancelled (task));
}

static void
test_scheduler_obeys_the_cancellable (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Interrupter interrupter = { .cancellable = cancellable };
  g_autoptr (DsRdd) numbers = ds_test_integers (context, 1000000, 4);
  g_autoptr (DsRdd) mapped =
      ds_rdd_map_chunks (numbers, cancel_cancellable, &interrupter, NULL);

  g_test_summary ("A job ends at the next chunk once its cancellable is cancelled");

  g_cancellable_push_current (cancellable);
  ds_test_assert_fails (mapped, DS_ERROR_CANCELLED, "cancelled", NULL);
  g_assert_cmpint (interrupter.n_calls, ==, 1);
  ds_test_assert_fails (mapped, DS_ERROR_CANCELLED, "cancelled", NULL);
  g_cancellable_pop_current (cancellable);
  g_assert_cmpint (interrupter.n_calls, ==, 1);
  g_assert_cmpint (ds_rdd_count (numbers, NULL), ==, 1000000);
}

static void
cancel_group (const DsValue *values, gsize n_values, DsTask *task, gpointer user_data)
{
  Interrupter *self = user_data;

  self->n_calls++;
  ds_context_cancel_jobs (self->context, "others");
  g_assert_false (ds_task_is_cancelled (task));
  ds_context_cancel_jobs (self->context, "mine");
  g_assert_true (ds_task_is_cancelled (task));
}

static void
test_scheduler_cancels_a_group (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local");
  Interrupter interrupter = { .context = context };
  g_autoptr (DsRdd) numbers = ds_test_integers (context, 100000, 4);
  g_autoptr (DsRdd) mapped =
      ds_rdd_map_chunks (numbers, cancel_group, &interrupter, NULL);
  DsJobScope scope = { .batch_time = DS_TIME_NONE, .job_group = "mine" };

  g_test_summary ("Cancelling a group ends its jobs and nobody else's");

  ds_job_scope_push (&scope);
  ds_test_assert_fails (mapped, DS_ERROR_CANCELLED, NULL);
  ds_job_scope_pop (&scope);
  g_assert_cmpint (interrupter.n_calls, ==, 1);
  g_assert_cmpint (ds_rdd_count (numbers, NULL), ==, 100000);
}

static void
stop_context (const DsValue *values, gsize n_values, DsTask *task, gpointer user_data)
{
  ds_context_stop (user_data);
}

static void
test_scheduler_stop_fails_running_and_later_jobs (gconstpointer master)
{
  g_autoptr (DsTestContext) context = ds_test_context_new (master);
  g_autoptr (DsRdd) numbers = ds_test_integers (context, 1000000, 16);
  g_autoptr (DsRdd) mapped = ds_rdd_map_chunks (numbers, stop_context, context, NULL);

  g_test_summary ("Stopping, also from inside a task, fails jobs that run and that come");

  ds_test_assert_fails (mapped, DS_ERROR_STOPPED, "\"test\" was stopped", NULL);
  ds_test_assert_fails (numbers, DS_ERROR_STOPPED, "\"test\" was stopped", NULL);
}

static DsValue
count_inside (DsValue value, DsTask *task, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (ds_rdd_count (user_data, &error), ==, -1);
  g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_STATE);
  return value;
}

static void
test_scheduler_refuses_an_action_inside_a_task (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local");
  g_autoptr (DsRdd) numbers = ds_test_integers (context, 10, 2);
  g_autoptr (DsRdd) mapped = ds_rdd_map (numbers, count_inside, numbers, NULL);

  g_test_summary ("An action inside a user function fails, and fails its task");

  ds_test_assert_fails (mapped, DS_ERROR_INVALID_STATE, "map, partition 0", "driver",
                        NULL);
}

/* ---- Threads ---- */

/* How many threads a job of @n_values in four partitions makes. */
static guint
count_threads_for (gint64 n_values)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[4]");
  g_autoptr (DsRdd) numbers = ds_test_integers (context, n_values, 4);

  g_assert_cmpint (ds_rdd_count (numbers, NULL), ==, n_values);
  return ds_executor_get_n_threads (context->executor);
}

static void
test_scheduler_wakes_nobody_for_a_tiny_job (void)
{
  guint n_tries = 0;

  g_test_summary ("100 values in four partitions are not worth a thread; 100,000 are");

  /* On a machine with much else to do a tiny job may take long, but not each time. */
  while (count_threads_for (100) > 0)
    g_assert_cmpuint (++n_tries, <, 100);
  g_assert_cmpuint (count_threads_for (100000), ==, 3);
}

static DsValue
take_long (DsValue value, DsTask *task, gpointer unused)
{
  gint64 end = g_get_monotonic_time () + 2 * DS_MILLISECOND;

  while (g_get_monotonic_time () < end)
    ;
  return value;
}

static void
test_scheduler_wakes_workers_for_few_slow_values (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[3]");
  g_autoptr (DsRdd) four = ds_test_integers (context, 4, 4);
  g_autoptr (DsRdd) slow = ds_rdd_map (four, take_long, NULL, NULL);

  g_test_summary ("Four values that take 2 ms each are worth threads, and stay in order");

  ds_test_assert_collects (slow, "0\n1\n2\n3\n");
  g_assert_cmpuint (ds_executor_get_n_threads (context->executor), ==, 2);
}

static gpointer
count_often (gpointer data)
{
  for (guint i = 0; i < 20; i++)
    g_assert_cmpint (ds_rdd_count (data, NULL), ==, 100000);
  return NULL;
}

static void
test_scheduler_runs_jobs_of_several_threads (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autoptr (DsRdd) numbers = ds_test_integers (context, 100000, 7);
  g_autoptr (DsRdd) same = ds_rdd_map (numbers, ds_identity, NULL, NULL);
  GThread *threads[3];

  g_test_summary ("Three threads run jobs on one RDD at the same time");

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("driver", count_often, same);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
}

/* ---- What a job is told and tells ---- */

static DsSink *
make_block_sink (DsTask *task, guint index, gpointer data)
{
  DsBlock **blocks = data;

  return ds_block_sink_new (task, &blocks[index]);
}

static void
commit_nothing (DsTask *task, guint index, DsSink *sink, gpointer data)
{
  g_assert_cmpuint (ds_task_get_partition (task), ==, index == 0 ? 3 : 1);
}

static void
test_scheduler_runs_the_partitions_asked_for (void)
{
  static const DsJobFuncs funcs = { make_block_sink, commit_nothing };
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autoptr (DsRdd) numbers = ds_test_integers (context, 8, 4);
  guint partitions[] = { 3, 1 };
  DsBlock *blocks[2] = { NULL, NULL };
  g_autoptr (GError) error = NULL;

  g_test_summary ("A job on partitions 3 and 1 runs these, under their own numbers");

  g_assert_true (
      ds_context_run_job (context, numbers, partitions, 2, &funcs, blocks, &error));
  g_assert_no_error (error);
  ds_assert_block_in_order (blocks[0], "6", "7", NULL);
  ds_assert_block_in_order (blocks[1], "2", "3", NULL);
  ds_block_unref (blocks[0]);
  ds_block_unref (blocks[1]);
}

static void
emit_place (const DsValue *values, gsize n_values, DsTask *task, gpointer user_data)
{
  ds_task_emit (task, ds_string_printf (task, "%s %" G_GINT64_FORMAT " %d",
                                        ds_task_get_output_key (task),
                                        ds_task_get_batch_time (task),
                                        ds_task_is_replay (task)));
}

static void
test_scheduler_hands_the_scope_to_tasks (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local");
  g_autoptr (DsRdd) numbers = ds_test_integers (context, 2, 2);
  g_autoptr (DsRdd) mapped = ds_rdd_map_chunks (numbers, emit_place, NULL, NULL);
  DsJobScope scope = { .batch_time = 3 * DS_SECOND,
                       .is_replay = TRUE,
                       .output_key_prefix = "app/print-0/3000" };

  g_test_summary ("Output keys count the actions of an output and name the partition");

  ds_job_scope_push (&scope);
  ds_test_assert_collects (mapped, "app/print-0/3000/0/0 3000000 1\n"
                                   "app/print-0/3000/0/1 3000000 1\n");
  ds_test_assert_collects (mapped, "app/print-0/3000/1/0 3000000 1\n"
                                   "app/print-0/3000/1/1 3000000 1\n");
  ds_job_scope_pop (&scope);
  ds_test_assert_collects (mapped, "(null) -1 0\n(null) -1 0\n");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, func) g_test_add_func ("/rdd/scheduler/" path, func)
  ADD ("retries-a-failed-task", test_scheduler_retries_a_failed_task);
  ADD ("gives-up-after-the-last-attempt", test_scheduler_gives_up_after_the_last_attempt);
  ADD ("does-not-retry-by-default", test_scheduler_does_not_retry_by_default);
  ADD ("first-error-ends-the-job", test_scheduler_first_error_ends_the_job);
  ADD ("error-names-the-batch", test_scheduler_error_names_the_batch);
  ADD ("obeys-the-cancellable", test_scheduler_obeys_the_cancellable);
  ADD ("cancels-a-group", test_scheduler_cancels_a_group);
  ADD ("refuses-an-action-inside-a-task", test_scheduler_refuses_an_action_inside_a_task);
  ADD ("wakes-nobody-for-a-tiny-job", test_scheduler_wakes_nobody_for_a_tiny_job);
  ADD ("wakes-workers-for-few-slow-values",
       test_scheduler_wakes_workers_for_few_slow_values);
  ADD ("runs-jobs-of-several-threads", test_scheduler_runs_jobs_of_several_threads);
  ADD ("runs-the-partitions-asked-for", test_scheduler_runs_the_partitions_asked_for);
  ADD ("hands-the-scope-to-tasks", test_scheduler_hands_the_scope_to_tasks);
#undef ADD
  g_test_add_data_func ("/rdd/scheduler/stop-fails-jobs-on-one-worker", "local",
                        test_scheduler_stop_fails_running_and_later_jobs);
  g_test_add_data_func ("/rdd/scheduler/stop-fails-jobs-on-four-workers", "local[4]",
                        test_scheduler_stop_fails_running_and_later_jobs);
  return g_test_run ();
}
