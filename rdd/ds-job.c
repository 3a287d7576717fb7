/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A running job, as its tasks and those who interrupt it see it: one atomic state that
 * leaves RUNNING once, and the error of whoever moved it.  Tasks ask once a chunk whether
 * to go on; nobody is woken or signalled. */

#include "rdd/ds-job-private.h"

#include "base/ds-error.h"
#include "rdd/ds-context-private.h"
#include "rdd/ds-persistence-private.h"

static _Thread_local DsJobScope *ds_job_scope_current;

void
ds_job_scope_push (DsJobScope *scope)
{
  scope->previous = ds_job_scope_current;
  ds_job_scope_current = scope;
}

void
ds_job_scope_pop (DsJobScope *scope)
{
  g_assert (ds_job_scope_current == scope);
  ds_job_scope_current = scope->previous;
}

DsJobScope *
ds_job_scope_get_current (void)
{
  return ds_job_scope_current;
}

void
ds_job_interrupt (DsJob *self, DsJobState state)
{
  g_atomic_int_compare_and_exchange (&self->state, DS_JOB_RUNNING, (gint) state);
}

void
ds_job_fail (DsJob *self, GError *error)
{
  if (g_atomic_int_compare_and_exchange (&self->state, DS_JOB_RUNNING, DS_JOB_FAILED))
    self->error = error;
  else
    g_error_free (error);
}

gboolean
ds_job_may_go_on (DsJob *self)
{
  if (G_UNLIKELY (g_atomic_int_get (&self->state) != DS_JOB_RUNNING))
    return FALSE;
  if (G_UNLIKELY (
          (self->cancellable != NULL && g_cancellable_is_cancelled (self->cancellable)) ||
          (self->scope != NULL && self->scope->cancellable != NULL &&
           g_cancellable_is_cancelled (self->scope->cancellable))))
    {
      ds_job_interrupt (self, DS_JOB_CANCELLED);
      return FALSE;
    }
  return TRUE;
}

static GError *
ds_job_new_stopped_error (DsContext *context)
{
  return g_error_new (DS_ERROR, DS_ERROR_STOPPED,
                      "The context \"%s\" was stopped; a new one is needed for more work",
                      ds_context_get_app_name (context));
}

GError *
ds_job_new_interruption_error (DsJob *self)
{
  switch ((DsJobState) g_atomic_int_get (&self->state))
    {
    case DS_JOB_CANCELLED:
      return g_error_new (DS_ERROR, DS_ERROR_CANCELLED,
                          "Job %" G_GUINT64_FORMAT " of \"%s\" was cancelled", self->id,
                          ds_context_get_app_name (self->context));
    case DS_JOB_STOPPED:
      return ds_job_new_stopped_error (self->context);
    case DS_JOB_FAILED:
      return g_error_new (DS_ERROR, DS_ERROR_CANCELLED,
                          "Job %" G_GUINT64_FORMAT " was given up: another task failed",
                          self->id);
    case DS_JOB_RUNNING:
    default:
      g_assert_not_reached ();
    }
}

gboolean
ds_job_begin (DsJob *self, DsContext *context, GError **error)
{
  DsJobScope *scope = ds_job_scope_current;
  gboolean is_stopped;

  if (G_UNLIKELY (!ds_context_check_process (context, error)))
    return FALSE;
  if (ds_context_get_error (context) != NULL)
    {
      g_propagate_error (error, g_error_copy (ds_context_get_error (context)));
      return FALSE;
    }
  *self = (DsJob){ .context = context,
                   .id = __atomic_fetch_add (&context->last_job_id, 1, __ATOMIC_RELAXED),
                   .scope = scope,
                   .action = scope != NULL ? scope->n_actions++ : 0,
                   .cancellable = g_cancellable_get_current () };

  /* Under the lock, so that stop () sees this job or this job sees the stop. */
  g_mutex_lock (&context->lock);
  is_stopped = ds_context_is_stopped (context);
  if (!is_stopped)
    {
      self->next = context->jobs;
      if (self->next != NULL)
        self->next->previous = self;
      context->jobs = self;
    }
  g_mutex_unlock (&context->lock);

  if (is_stopped)
    {
      g_propagate_error (error, ds_job_new_stopped_error (context));
      return FALSE;
    }
  ds_job_may_go_on (self);
  return TRUE;
}

gboolean
ds_job_pin (DsJob *self, DsRdd *rdd)
{
  gboolean is_complete;

  if (!ds_persistence_pin (rdd, &is_complete))
    return FALSE;
  if (self->pins == NULL)
    self->pins = g_ptr_array_new ();
  g_ptr_array_add (self->pins, rdd);
  return is_complete;
}

/* Locks: needs the context's, so that no job begins meanwhile. */
static void
ds_job_forget_inputs_locked (DsJob *self)
{
  /* Others may have begun when less was kept, and count on what lies behind it. */
  if (self->pins == NULL || self->previous != NULL || self->next != NULL)
    return;
  for (guint i = 0; i < self->pins->len; i++)
    ds_persistence_forget_inputs (self->pins->pdata[i]);
}

static void
ds_job_unpin_all (DsJob *self)
{
  if (self->pins == NULL)
    return;
  for (guint i = 0; i < self->pins->len; i++)
    ds_persistence_unpin (self->pins->pdata[i]);
  g_clear_pointer (&self->pins, g_ptr_array_unref);
}

gboolean
ds_job_end (DsJob *self, GError **error)
{
  DsContext *context = self->context;

  g_mutex_lock (&context->lock);
  ds_job_forget_inputs_locked (self);
  if (self->previous != NULL)
    self->previous->next = self->next;
  else
    context->jobs = self->next;
  if (self->next != NULL)
    self->next->previous = self->previous;
  g_mutex_unlock (&context->lock);
  ds_job_unpin_all (self);

  if (G_LIKELY (g_atomic_int_get (&self->state) == DS_JOB_RUNNING))
    return TRUE;
  g_propagate_error (error, self->error != NULL ? g_steal_pointer (&self->error)
                                                : ds_job_new_interruption_error (self));
  return FALSE;
}

/* ---- What others see of its tasks ---- */

void
ds_job_add_task (DsJob *self, DsTask *task)
{
  g_mutex_lock (&self->context->lock);
  task->next = self->tasks;
  if (task->next != NULL)
    task->next->previous = task;
  self->tasks = task;
  g_mutex_unlock (&self->context->lock);
}

void
ds_job_remove_task (DsJob *self, DsTask *task)
{
  g_mutex_lock (&self->context->lock);
  if (task->previous != NULL)
    task->previous->next = task->next;
  else
    self->tasks = task->next;
  if (task->next != NULL)
    task->next->previous = task->previous;
  g_mutex_unlock (&self->context->lock);
}

/* Names are those of RDDs, which outlive the tasks of their jobs. */
char *
ds_context_describe_work (DsContext *self, const char *job_group)
{
  char *text = NULL;

  g_mutex_lock (&self->lock);
  for (DsJob *job = self->jobs; job != NULL && text == NULL; job = job->next)
    {
      const char *name;

      if (job->tasks == NULL || job->scope == NULL ||
          g_strcmp0 (job->scope->job_group, job_group) != 0)
        continue;
      name = __atomic_load_n (&job->tasks->operator_name, __ATOMIC_RELAXED);
      if (name != NULL)
        text = g_strdup_printf ("%s, partition %u", name, job->tasks->partition);
    }
  g_mutex_unlock (&self->lock);
  return text;
}

/* ---- What a task knows of its job ---- */

gboolean
ds_task_may_go_on (DsTask *self)
{
  if (G_UNLIKELY (self->error != NULL))
    return FALSE;
  if (G_LIKELY (self->job == NULL || ds_job_may_go_on (self->job)))
    return TRUE;
  ds_task_take_error (self, ds_job_new_interruption_error (self->job));
  return FALSE;
}

/**
 * ds_task_is_cancelled:
 * @task: the running task
 *
 * For long loops, to look now and then; what they then return does not matter.
 *
 * Returns: whether the job was cancelled, its context stopped, or another of its tasks
 *   failed
 */
gboolean
ds_task_is_cancelled (DsTask *task)
{
  g_return_val_if_fail (task != NULL, FALSE);

  return (task->job != NULL && !ds_job_may_go_on (task->job)) ||
         (task->cancellable != NULL && g_cancellable_is_cancelled (task->cancellable));
}

DsBlock *
ds_task_bring_block (DsTask *self, DsBlock *block)
{
  DsBackend *backend = ds_context_get_backend (self->context);
  GError *error = NULL;
  DsBlock *arrived =
      ds_backend_move (backend, block, ds_backend_place_of (backend, self->partition),
                       DS_PLACE_DRIVER, &error);

  if (arrived == NULL)
    ds_task_take_error (self, error);
  return arrived;
}

/**
 * ds_task_get_output_key:
 * @task: the running task
 *
 * A key under which the outside world can tell repeated output from new output: the same
 * for every attempt and replay of this output, batch, action (n-th of the output's
 * function) and partition, and for no other.  The application is the one that the
 * checkpoint directory says, 32 hexadecimal digits; without one it is the name.
 *
 * Returns: (nullable): "application/output/batch ms/action/partition", %NULL outside of
 * an output; valid during the call
 */
const char *
ds_task_get_output_key (DsTask *task)
{
  g_return_val_if_fail (task != NULL, NULL);

  if (task->output_key == NULL && task->job != NULL && task->job->scope != NULL &&
      task->job->scope->output_key_prefix != NULL)
    task->output_key = g_strdup_printf ("%s/%u/%u", task->job->scope->output_key_prefix,
                                        task->job->action, task->partition);
  return task->output_key;
}
