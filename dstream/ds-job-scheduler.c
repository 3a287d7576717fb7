/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Runs one batch: first what moves its state on, then its outputs, one at a time, in the
 * order in which they were registered.  One that fails does not keep the others from
 * running; afterwards the failure policy decides whether those that failed are tried
 * again, or the batch is given up.  Listeners hear of each output. */

#include "dstream/ds-job-set-private.h"
#include "dstream/ds-streaming-context-private.h"
#include "rdd/ds-step-rdd-private.h"

#include <string.h>

/* What the outputs of a batch know of it while they run. */
typedef struct
{
  DsStreamingContext *context;
  DsJobSet *set;
  DsBatchFields fields;
  DsOutputInfo *outputs;
  DsBatch *batch;     /* as started, or started again */
  GError *step_error; /* (nullable): of the first step that failed the last time */
} DsRunningBatch;

static void
ds_running_batch_snapshot (DsRunningBatch *self)
{
  g_clear_pointer (&self->batch, ds_batch_unref);
  self->batch = ds_batch_new (&self->fields);
}

/* Those that have not run yet.  Returns how many failed: what builds on them fails, too,
 * and says why; the rest goes on. */
static guint
ds_job_scheduler_run_steps (DsRunningBatch *self)
{
  GCancellable *cancellable = ds_driver_get_cancellable (self->context->driver);
  DsJobScope scope = {
    .batch_time = self->set->time,
    .is_replay = self->fields.is_replay,
    .job_group = "state",
    .cancellable = cancellable,
  };
  guint n_failed = 0;

  g_clear_error (&self->step_error);
  g_atomic_pointer_set (&self->context->part_in_work, scope.job_group);
  ds_job_scope_push (&scope);
  for (guint i = 0; i < self->set->steps->len; i++)
    {
      g_autoptr (GError) error = NULL;

      if (ds_step_rdd_run (g_ptr_array_index (self->set->steps, i), &error))
        continue;
      n_failed++;
      if (self->step_error == NULL)
        g_propagate_prefixed_error (&self->step_error, g_steal_pointer (&error),
                                    "State of batch %" G_GINT64_FORMAT " ms: ",
                                    self->set->time / DS_MILLISECOND);
    }
  ds_job_scope_pop (&scope);
  g_atomic_pointer_set (&self->context->part_in_work, NULL);
  return n_failed;
}

/* What begins the keys of its outputs.  Names may be those of other programs, too, and
 * may change from one version of a program to the next; what a checkpoint directory says
 * does not. */
static void
ds_job_scheduler_name_application (DsStreamingContext *context, char *text, gsize n_text)
{
  const guint8 *id = ds_streaming_context_get_application_id (context);

  if (id == NULL)
    g_snprintf (text, n_text, "%s", ds_context_get_app_name (context->context));
  for (guint i = 0; id != NULL && i < DS_APPLICATION_ID_BYTES; i++)
    g_snprintf (text + 2 * i, 3, "%02x", id[i]);
}

/* The body of one output, with its jobs marked as belonging to it. */
static gboolean
ds_job_scheduler_run_body (DsRunningBatch *self, DsOutputJob *job, GError **error)
{
  DsOutput *output = job->output;
  char application[161];
  char key[256];
  DsJobScope scope = {
    .batch_time = self->set->time,
    .is_replay = self->fields.is_replay,
    .output_key_prefix = key,
    .job_group = ds_output_get_name (output),
    .cancellable = ds_driver_get_cancellable (self->context->driver),
  };
  g_autoptr (GError) local_error = NULL;
  gboolean ok;

  ds_job_scheduler_name_application (self->context, application, sizeof application);
  g_snprintf (key, sizeof key, "%s/%s/%" G_GINT64_FORMAT, application,
              ds_output_get_name (output), self->set->time / DS_MILLISECOND);
  g_atomic_pointer_set (&self->context->part_in_work, scope.job_group);
  ds_job_scope_push (&scope);
  ok = output->ops->run (output, job->rdd, self->batch, &local_error);
  ds_job_scope_pop (&scope);
  g_atomic_pointer_set (&self->context->part_in_work, NULL);

  if (ok)
    return TRUE;
  if (local_error == NULL)
    g_set_error (&local_error, DS_ERROR, DS_ERROR_USER_FUNCTION,
                 "the function said that it failed, without saying why");
  g_propagate_prefixed_error (error, g_steal_pointer (&local_error),
                              "Output %s of batch %" G_GINT64_FORMAT " ms: ",
                              ds_output_get_name (output),
                              self->set->time / DS_MILLISECOND);
  return FALSE;
}

static void
ds_job_scheduler_run_output (DsRunningBatch *self, guint index)
{
  DsOutputJob *job = &g_array_index (self->set->jobs, DsOutputJob, index);
  DsOutputInfo *info = &self->outputs[index];

  g_clear_error (&info->error);
  ds_streaming_context_post_output (self->context, DS_EVENT_OUTPUT_STARTED, job->output,
                                    self->batch, NULL);
  info->start = ds_driver_get_now (self->context->driver);
  ds_job_scheduler_run_body (self, job, &info->error);
  info->end = ds_driver_get_now (self->context->driver);
  ds_streaming_context_post_output (self->context, DS_EVENT_OUTPUT_COMPLETED, job->output,
                                    self->batch, info->error);
}

/* All outputs, or those that failed.  Returns how many failed now. */
static guint
ds_job_scheduler_run_outputs (DsRunningBatch *self, gboolean only_failed)
{
  GCancellable *cancellable = ds_driver_get_cancellable (self->context->driver);
  guint n_failed = 0;

  for (guint i = 0; i < self->set->jobs->len; i++)
    {
      if (only_failed && self->outputs[i].error == NULL)
        continue;
      if (g_cancellable_is_cancelled (cancellable))
        {
          g_clear_error (&self->outputs[i].error);
          g_set_error (&self->outputs[i].error, DS_ERROR, DS_ERROR_STOPPED,
                       "Output %s of batch %" G_GINT64_FORMAT
                       " ms did not run: the context was stopped",
                       ds_output_get_name (
                           g_array_index (self->set->jobs, DsOutputJob, i).output),
                       self->set->time / DS_MILLISECOND);
        }
      else
        ds_job_scheduler_run_output (self, i);
      n_failed += self->outputs[i].error != NULL;
    }
  return n_failed;
}

static void
ds_running_batch_clear (DsRunningBatch *self)
{
  for (guint i = 0; i < self->set->jobs->len; i++)
    g_clear_error (&self->outputs[i].error);
  g_clear_error (&self->step_error);
  ds_batch_unref (self->batch);
}

/* Nobody may see an output of a batch that would be another one after a crash.  Returns
 * how many failed, as if it were a step. */
static guint
ds_job_scheduler_await_plan (DsRunningBatch *self)
{
  g_autoptr (GError) error = NULL;

  if (self->context->checkpointer == NULL || self->set->jobs->len == 0 ||
      ds_checkpointer_await_plan (self->context->checkpointer, self->set->plan_sequence,
                                  &error))
    return 0;
  if (self->step_error == NULL)
    g_propagate_prefixed_error (&self->step_error, g_steal_pointer (&error),
                                "Plan of batch %" G_GINT64_FORMAT " ms: ",
                                self->set->time / DS_MILLISECOND);
  return 1;
}

/* State, then outputs: all, or what failed.  Returns how many failed now. */
static guint
ds_job_scheduler_run_all (DsRunningBatch *self, gboolean only_failed)
{
  guint n_failed = ds_job_scheduler_run_steps (self);

  if (ds_job_scheduler_await_plan (self) > 0)
    return n_failed + 1;
  return n_failed + ds_job_scheduler_run_outputs (self, only_failed);
}

/* FALSE with a copy of the first error. */
static gboolean
ds_running_batch_get_result (DsRunningBatch *self, GError **error)
{
  if (self->step_error != NULL)
    {
      g_propagate_error (error, g_error_copy (self->step_error));
      return FALSE;
    }
  for (guint i = 0; i < self->set->jobs->len; i++)
    if (self->outputs[i].error != NULL)
      {
        g_propagate_error (error, g_error_copy (self->outputs[i].error));
        return FALSE;
      }
  return TRUE;
}

/* Files have been read now, so that it may be known how many records they had. */
static void
ds_job_scheduler_count_records (DsStreamingContext *context, DsJobSet *set)
{
  for (guint i = 0; i < set->n_inputs; i++)
    {
      DsInputInfo *info = &set->inputs[i];
      DsFlow flow = { 0 };
      DsRdd *rdd;

      if (!info->is_uncounted)
        continue;
      ds_graph_lock (context->graph);
      rdd = ds_dstream_find_rdd (DS_DSTREAM (ds_graph_get_input (context->graph,
                                                                 info->stream_id)),
                                 set->time);
      if (rdd != NULL)
        ds_rdd_get_flow (rdd, &flow);
      ds_graph_unlock (context->graph);
      info->n_records = (gint64) MIN (flow.n_values, (guint64) G_MAXINT64);
      set->n_records += info->n_records;
      ds_receiver_tracker_count (context->receivers, info->n_records);
    }
}

gboolean
ds_job_scheduler_run (DsStreamingContext *context, DsJobSet *set, GError **error)
{
  DsRunningBatch self = {
    .context = context,
    .set = set,
    .fields = DS_BATCH_FIELDS_INIT (set->time, context->interval),
    .outputs = g_newa0 (DsOutputInfo, set->jobs->len),
  };
  guint n_tries =
      context->failure_policy == DS_FAILURE_POLICY_RETRY ? context->max_batch_retries : 0;
  gboolean ok;

  for (guint i = 0; i < set->jobs->len; i++)
    self.outputs[i] =
        ds_output_get_info (g_array_index (set->jobs, DsOutputJob, i).output);
  self.fields.is_replay = set->is_replay;
  self.fields.submission_time = set->submission_time;
  self.fields.processing_start = ds_driver_get_now (context->driver);
  self.fields.inputs = set->inputs;
  self.fields.n_inputs = set->n_inputs;
  self.fields.outputs = self.outputs;
  self.fields.n_outputs = set->jobs->len;

  ds_running_batch_snapshot (&self);
  if (set->batch != NULL)
    ds_streaming_context_post_batch (context, DS_EVENT_BATCH_STARTED, self.batch);
  for (guint i = 0; ds_job_scheduler_run_all (&self, i > 0) > 0 && i < n_tries; i++)
    {
      g_autoptr (GError) failure = NULL;

      if (g_cancellable_is_cancelled (ds_driver_get_cancellable (context->driver)))
        break;
      ds_running_batch_get_result (&self, &failure);
      g_message ("%s; trying again, %u of %u", failure->message, i + 1, n_tries);
      self.fields.is_replay = TRUE;
      ds_running_batch_snapshot (&self);
    }
  ok = ds_running_batch_get_result (&self, error);
  for (guint i = 0; i < set->steps->len; i++)
    ds_step_rdd_settle (g_ptr_array_index (set->steps, i));

  ds_job_scheduler_count_records (context, set);
  set->processing_start = self.fields.processing_start;
  set->processing_end = ds_driver_get_now (context->driver);
  for (guint i = 0; i < set->jobs->len; i++)
    g_array_index (set->jobs, DsOutputJob, i).has_failed = self.outputs[i].error != NULL;
  ds_receiver_tracker_complete (context->receivers, set);
  if (set->batch != NULL &&
      ds_streaming_context_is_listened_to (context, DS_EVENT_BATCH_COMPLETED))
    {
      self.fields.processing_end = set->processing_end;
      ds_running_batch_snapshot (&self);
      ds_streaming_context_post_batch (context, DS_EVENT_BATCH_COMPLETED, self.batch);
    }
  ds_running_batch_clear (&self);
  return ok;
}
