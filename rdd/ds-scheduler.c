/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The scheduler: a job becomes one map stage for each shuffle that is not complete yet,
 * parents first, and a result stage; a stage is one task a partition.
 *
 * A stage with little to do runs on the calling thread alone: waking a worker costs more
 * than the work.  How much there is to do is guessed from the bytes that go in; where a
 * function takes long for few of them, that shows after the first tasks, and the workers
 * help with the rest.  A failed task is tried again up to the context's
 * max-task-failures; the first that fails for good ends the job.  Two jobs that need the
 * same shuffle do its map stage once: the second waits for the first. */

#include "rdd/ds-job-private.h"

#include "base/ds-error.h"
#include "rdd/ds-context-private.h"

/* Roughly 100 µs of work. */
#define DS_SCHEDULER_TINY_BYTES (128 * 1024)
/* A stage that has taken so long on the calling thread is not tiny, whatever its bytes.
 */
#define DS_SCHEDULER_TINY_US (1 * DS_MILLISECOND)
/* How soon a job that waits for another's map stage sees that it was cancelled. */
#define DS_SCHEDULER_WAIT_US (10 * DS_MILLISECOND)

typedef struct
{
  DsJob *job;
  DsRdd *rdd;
  const guint *partitions; /* (nullable): all, in order */
  guint n_done;            /* tasks that ran before the workers came */
  const DsJobFuncs *funcs;
  gpointer data;
} DsStage;

/* ---- Tasks ---- */

/* One attempt.  FALSE: @task has its error. */
static gboolean
ds_stage_try_task (DsStage *stage, DsTask *task, guint index)
{
  DsSink *sink;
  gboolean success;

  ds_task_begin (task);
  ds_task_set_operator_name (task, ds_rdd_get_operator_name (stage->rdd));
  sink = stage->funcs->make_sink (task, index, stage->data);
  if (sink->operator_name == NULL)
    sink->operator_name = task->operator_name;
  success = ds_rdd_compute (stage->rdd, task->partition, task, sink) &&
            ds_sink_finish (sink) && task->error == NULL;
  if (success)
    {
      stage->funcs->commit (task, index, sink, stage->data);
      success = task->error == NULL;
    }
  ds_sink_free (sink);
  ds_task_end (task);

  if (!success && task->error == NULL)
    ds_task_fail_literal (task, "a sink gave up without saying why");
  return success;
}

static void
ds_stage_run_task (DsStage *stage, guint index)
{
  DsJob *job = stage->job;
  guint partition = stage->partitions != NULL ? stage->partitions[index] : index;
  guint max_attempts = job->context->max_task_failures;
  gboolean is_done = FALSE;

  for (guint attempt = 0; !is_done && ds_job_may_go_on (job); attempt++)
    {
      DsTask task;

      ds_task_init (&task, job->context, partition, attempt);
      task.job = job;
      task.job_id = job->id;
      task.cancellable = job->cancellable;
      if (job->scope != NULL)
        {
          task.batch_time = job->scope->batch_time;
          task.is_replay = job->scope->is_replay;
        }

      ds_job_add_task (job, &task);
      is_done = ds_stage_try_task (stage, &task, index);
      ds_job_remove_task (job, &task);
      if (is_done && task.counters != NULL)
        ds_context_add_counters (job->context, task.counters);
      if (!is_done && attempt + 1 >= max_attempts)
        {
          if (max_attempts > 1)
            g_prefix_error (&task.error,
                            "Failed %u times, the last time: ", max_attempts);
          ds_job_fail (job, g_steal_pointer (&task.error));
        }
      ds_task_clear (&task);
    }
}

/* Thread: executor. */
static void
ds_stage_run_remaining_task (guint index, gpointer data)
{
  DsStage *stage = data;

  ds_stage_run_task (stage, stage->n_done + index);
}

/* ---- Stages ---- */

/* On this thread, until they turn out not to be tiny. */
static void
ds_stage_run_tiny_tasks (DsStage *self, guint n_tasks)
{
  gint64 end = g_get_monotonic_time () + DS_SCHEDULER_TINY_US;

  do
    ds_stage_run_task (self, self->n_done++);
  while (self->n_done < n_tasks && g_get_monotonic_time () < end);
}

static gboolean
ds_stage_run (DsStage *self, guint n_tasks)
{
  DsJob *job = self->job;

  if (n_tasks < 2 || ds_context_get_n_workers (job->context) == 1)
    {
      while (self->n_done < n_tasks)
        ds_stage_run_task (self, self->n_done++);
    }
  else if (ds_rdd_estimate_bytes (self->rdd) < DS_SCHEDULER_TINY_BYTES)
    {
      ds_stage_run_tiny_tasks (self, n_tasks);
    }
  ds_executor_run (job->context->executor, n_tasks - self->n_done,
                   ds_stage_run_remaining_task, self);
  return ds_job_may_go_on (job);
}

gboolean
ds_job_run_stage (DsJob *self,
                  DsRdd *rdd,
                  guint n_partitions,
                  const DsJobFuncs *funcs,
                  gpointer data)
{
  DsStage stage = { .job = self, .rdd = rdd, .funcs = funcs, .data = data };

  return ds_stage_run (&stage, n_partitions);
}

static DsSink *
ds_map_stage_make_sink (DsTask *task, guint index, gpointer data)
{
  return ds_shuffle_make_writer (data, task->partition, task);
}

static void
ds_map_stage_commit (DsTask *task, guint index, DsSink *sink, gpointer data)
{
  ds_shuffle_commit_writer (data, sink);
}

static gboolean
ds_job_run_map_stage (DsJob *self, DsRdd *parent, DsShuffle *shuffle)
{
  static const DsJobFuncs funcs = { ds_map_stage_make_sink, ds_map_stage_commit };
  guint n_maps = ds_rdd_get_n_partitions (parent);
  g_autofree guint *missing = g_new (guint, MAX (n_maps, 1));
  guint n_missing = 0;
  DsStage stage = {
    .job = self, .rdd = parent, .partitions = missing, .funcs = &funcs, .data = shuffle
  };

  for (guint i = 0; i < n_maps; i++)
    if (!ds_shuffle_has_map (shuffle, i))
      missing[n_missing++] = i;
  return ds_stage_run (&stage, n_missing);
}

/* Makes this job the one that works on @shuffle; FALSE when it is complete, or the job is
 * to end. */
static gboolean
ds_job_claim_shuffle (DsJob *self, DsShuffle *shuffle)
{
  DsContext *context = self->context;
  gboolean is_mine = FALSE;

  g_mutex_lock (&context->lock);
  while (!ds_shuffle_is_complete (shuffle) && ds_job_may_go_on (self))
    {
      if (!g_ptr_array_find (context->shuffles_in_work, shuffle, NULL))
        {
          g_ptr_array_add (context->shuffles_in_work, shuffle);
          is_mine = TRUE;
          break;
        }
      g_cond_wait_until (&context->shuffle_ended, &context->lock,
                         g_get_monotonic_time () + DS_SCHEDULER_WAIT_US);
    }
  g_mutex_unlock (&context->lock);
  return is_mine;
}

static void
ds_job_release_shuffle (DsJob *self, DsShuffle *shuffle)
{
  DsContext *context = self->context;

  g_mutex_lock (&context->lock);
  g_ptr_array_remove_fast (context->shuffles_in_work, shuffle);
  g_cond_broadcast (&context->shuffle_ended);
  g_mutex_unlock (&context->lock);
}

/* Completes every shuffle that @rdd needs, those behind others first; none is needed
 * behind what is kept. */
static gboolean
ds_job_complete_shuffles (DsJob *self, DsRdd *rdd)
{
  guint n_dependencies;
  const DsDependency *dependencies = ds_rdd_get_dependencies (rdd, &n_dependencies);

  if (ds_job_pin (self, rdd))
    return TRUE;
  for (guint i = 0; i < n_dependencies; i++)
    {
      DsShuffle *shuffle = dependencies[i].shuffle;
      DsRdd *parent = dependencies[i].parent;

      if (shuffle == NULL)
        {
          if (!ds_job_complete_shuffles (self, parent))
            return FALSE;
        }
      else if (!ds_shuffle_is_complete (shuffle))
        {
          gboolean success = ds_job_complete_shuffles (self, parent);

          if (success && ds_job_claim_shuffle (self, shuffle))
            {
              success = ds_job_run_map_stage (self, parent, shuffle);
              ds_job_release_shuffle (self, shuffle);
            }
          if (!success || !ds_job_may_go_on (self))
            return FALSE;
        }
    }
  return ds_rdd_get_ops (rdd)->begin_job == NULL ||
         ds_rdd_get_ops (rdd)->begin_job (rdd, self);
}

/* ---- Jobs ---- */

/* TRUE when this thread runs a task: what called is a user function, which may start no
 * job: with few workers it would wait for itself. */
static gboolean
ds_job_is_inside_task (DsRdd *rdd, GError **error)
{
  DsTask *task = ds_task_get_current ();
  g_autoptr (GError) refusal = NULL;

  if (task == NULL)
    return FALSE;
  refusal = g_error_new (DS_ERROR, DS_ERROR_INVALID_STATE,
                         "An action on %s[%" G_GUINT64_FORMAT
                         "] was called inside a function that runs in a "
                         "task: actions belong to the driver; run it before and hand its "
                         "result over, or join "
                         "the two RDDs",
                         ds_rdd_get_operator_name (rdd), ds_rdd_get_id (rdd));
  ds_task_take_error (task, g_error_copy (refusal));
  g_propagate_error (error, g_steal_pointer (&refusal));
  return TRUE;
}

gboolean
ds_context_run_job (DsContext *self,
                    DsRdd *rdd,
                    const guint *partitions,
                    guint n_partitions,
                    const DsJobFuncs *funcs,
                    gpointer data,
                    GError **error)
{
  DsJob job;
  DsStage stage = {
    .job = &job, .rdd = rdd, .partitions = partitions, .funcs = funcs, .data = data
  };
  g_autoptr (GError) local_error = NULL;

  if (ds_job_is_inside_task (rdd, error) || !ds_job_begin (&job, self, error))
    return FALSE;

  if (!ds_rdd_prepare (rdd, &local_error))
    {
      ds_job_fail (&job, g_steal_pointer (&local_error));
      return ds_job_end (&job, error);
    }
  if (partitions == NULL)
    n_partitions = ds_rdd_get_n_partitions (rdd);
  if (ds_job_may_go_on (&job) && ds_job_complete_shuffles (&job, rdd))
    ds_stage_run (&stage, n_partitions);
  /* Outside of a stream a job is what a batch is inside of one: the pool then gives back
   * what the last ones did not need. */
  if (job.scope == NULL)
    ds_arena_pool_end_batch (self->arena_pool);
  return ds_job_end (&job, error);
}
