/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a tick does: what has been received by now is cut into blocks and allocated to the
 * batch; then every output asks its stream for the RDD of the batch, which asks its
 * parents, up to the sources.  Nothing is computed here, except by functions of
 * transform, which run now, once a batch. */

#include "dstream/ds-job-set-private.h"
#include "dstream/ds-streaming-context-private.h"

/* One attempt.  FALSE with the error of the stream that could not make its RDD. */
static gboolean
ds_job_generator_try (DsStreamingContext *context,
                      DsJobSet *set,
                      gboolean is_replay,
                      GError **error)
{
  DsBatchFields fields = DS_BATCH_FIELDS_INIT (set->time, context->interval);
  g_autoptr (DsBatch) batch = NULL;

  fields.is_replay = is_replay;
  batch = ds_batch_new (&fields);
  if (ds_graph_generate (context->graph, batch, set->steps, set->jobs, error))
    return TRUE;

  g_array_set_size (set->jobs, 0);
  g_prefix_error (error, "Generating batch %" G_GINT64_FORMAT " ms: ",
                  set->time / DS_MILLISECOND);
  return FALSE;
}

/* The batch as it is queued. */
static DsBatch *
ds_job_generator_snapshot (DsStreamingContext *context, DsJobSet *set)
{
  DsBatchFields fields = DS_BATCH_FIELDS_INIT (set->time, context->interval);
  DsOutputInfo *outputs = g_newa (DsOutputInfo, set->jobs->len);

  for (guint i = 0; i < set->jobs->len; i++)
    outputs[i] = ds_output_get_info (g_array_index (set->jobs, DsOutputJob, i).output);
  fields.submission_time = set->submission_time;
  fields.inputs = set->inputs;
  fields.n_inputs = set->n_inputs;
  fields.outputs = outputs;
  fields.n_outputs = set->jobs->len;
  return ds_batch_new (&fields);
}

/* It is generated: its plan goes to the log, or has been there. */
static gboolean
ds_job_generator_plan (DsStreamingContext *context, DsJobSet *set, GError **error)
{
  DsReplay replay;

  if (context->checkpointer == NULL)
    return TRUE;
  replay = ds_checkpointer_get_replay (context->checkpointer, set->time);
  set->is_given_up = replay == DS_REPLAY_GIVEN_UP;
  /* Its outputs are known to be complete: only what it changed is missing. */
  if (replay == DS_REPLAY_STATE || replay == DS_REPLAY_GIVEN_UP)
    g_array_set_size (set->jobs, 0);
  if (ds_checkpointer_plan (context->checkpointer, set->time, &set->plan_sequence, error))
    return TRUE;
  g_prefix_error (error, "Batch %" G_GINT64_FORMAT " ms: ", set->time / DS_MILLISECOND);
  return FALSE;
}

/* Where the next batches are run all the same, its steps are, too: without a plan they
 * would be missing when those batches are replayed. */
static void
ds_job_generator_plan_failed (DsStreamingContext *context, DsJobSet *set)
{
  g_autoptr (GError) error = NULL;

  if (context->failure_policy == DS_FAILURE_POLICY_CONTINUE && set->steps->len > 0 &&
      !ds_job_generator_plan (context, set, &error))
    g_debug ("%s", error->message);
}

DsJobSet *
ds_job_generator_generate (DsStreamingContext *context, DsTime time)
{
  DsJobSet *set = ds_job_set_new (time);
  guint n_tries =
      context->failure_policy == DS_FAILURE_POLICY_RETRY ? context->max_batch_retries : 0;

  ds_receiver_tracker_allocate (context->receivers, time);
  set->is_replay =
      context->checkpointer != NULL &&
      ds_checkpointer_get_replay (context->checkpointer, time) != DS_REPLAY_NOT;

  for (guint i = 0;
       !ds_job_generator_try (context, set, i > 0 || set->is_replay, &set->error); i++)
    {
      if (i == n_tries || ds_streaming_context_is_cut_short (context))
        {
          ds_job_generator_plan_failed (context, set);
          return set;
        }
      g_message ("%s; trying again, %u of %u", set->error->message, i + 1, n_tries);
      g_clear_error (&set->error);
    }

  if (!ds_job_generator_plan (context, set, &set->error))
    return set;

  set->inputs =
      ds_input_info_tracker_get (ds_receiver_tracker_get_infos (context->receivers), time,
                                 &set->n_inputs);
  for (guint i = 0; i < set->n_inputs; i++)
    set->n_records += set->inputs[i].n_records;
  if (set->jobs->len == 0)
    {
      g_debug ("Batch %" G_GINT64_FORMAT " ms: no stream with an output gave an RDD",
               time / DS_MILLISECOND);
      return set;
    }

  set->submission_time = ds_driver_get_now (context->driver);
  set->batch = ds_job_generator_snapshot (context, set);
  ds_streaming_context_post_batch (context, DS_EVENT_BATCH_SUBMITTED, set->batch);
  return set;
}

DsTime
ds_job_generator_get_idle_until (DsStreamingContext *context)
{
  for (guint i = 0; i < ds_graph_get_n_inputs (context->graph); i++)
    {
      DsInputDStream *input = ds_graph_get_input (context->graph, i);
      DsReceiverSettings unused;

      /* Of a source of the program's own nothing is known before it is asked. */
      if (!ds_queue_input_dstream_is_idle (input) &&
          ds_receiver_input_dstream_prepare (input, &unused) == NULL)
        return G_MININT64;
    }
  return ds_received_block_tracker_get_first_unallocated_time (
      ds_receiver_tracker_get_blocks (context->receivers));
}
