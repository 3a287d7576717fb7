/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Looking back: the RDDs of a span of time, remembered ones as they are, others made
 * anew, as far as their sources still have what they need. */

#include "dstream/ds-streaming-context-private.h"

static DsTime
ds_dstream_floor (DsDStream *self, DsTime time, const char *which)
{
  DsDStreamNode *node = ds_dstream_get_node (self);
  DsTime floor = ds_time_floor (time, node->slide, node->zero_time);

  if (floor != time)
    g_message ("slice of %s: %s = %.3f ms is no multiple of its slide of %.3f ms since "
               "%.3f ms; taken as %.3f ms",
               ds_dstream_describe (self), which, (double) time / DS_MILLISECOND,
               (double) node->slide / DS_MILLISECOND,
               (double) node->zero_time / DS_MILLISECOND,
               (double) floor / DS_MILLISECOND);
  return floor;
}

/**
 * ds_dstream_slice:
 * @self: a stream of a context that was started
 * @from: the first batch time, in µs
 * @to: the last one, included
 * @error: return location for an error
 *
 * The RDDs of [@from, @to], both rounded down to the slide of the stream, oldest first.
 * Times up to the start of the stream are left out, and so are those of batches to come:
 * their data is still to be received.  RDDs that are no longer remembered
 * (ds_streaming_context_remember ()) are made anew, as far as that needs no RDD of a
 * source which that source has forgotten.  State, and windows that go on from one slide
 * to the next, move with the batches only: of them there is what is remembered, and of
 * those that no output reaches nothing.
 *
 * Any thread; waits for the batch that is being generated.  Fails with
 * %DS_ERROR_INVALID_STATE before start ("has not been initialized") and inside a function
 * with a #DsTask, and with what the making of an RDD fails with.
 *
 * Returns: (transfer full) (element-type DsRdd) (nullable): the RDDs; %NULL with @error
 */
GPtrArray *
ds_dstream_slice (DsDStream *self, DsTime from, DsTime to, GError **error)
{
  DsDStreamNode *node;
  g_autoptr (GPtrArray) rdds = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GError) local_error = NULL;
  DsTime last_time;

  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);

  node = ds_dstream_get_node (self);
  if (node->context == NULL || node->zero_time == DS_TIME_NONE)
    {
      g_set_error (
          error, DS_ERROR, DS_ERROR_INVALID_STATE,
          "slice: the stream %s has not been initialized; it has RDDs only after "
          "its context was started",
          ds_dstream_describe (self));
      return NULL;
    }
  if (!ds_streaming_context_check_process (node->context, error))
    return NULL;
  if (ds_task_get_current () != NULL)
    {
      g_set_error (error, DS_ERROR, DS_ERROR_INVALID_STATE,
                   "slice of %s: a function with a DsTask cannot look at streams: the "
                   "batch that is generated may be waiting for it; use transform",
                   ds_dstream_describe (self));
      return NULL;
    }

  ds_graph_lock (node->context->graph);
  last_time = ds_graph_get_last_time (node->context->graph);
  if (to < node->zero_time || from >= last_time + node->slide)
    from = to = node->zero_time; /* nothing of it is there */
  from = ds_dstream_floor (self, MAX (from, node->zero_time), "from");
  to = ds_dstream_floor (self, MIN (to, last_time), "to");
  for (DsTime time = MAX (from, node->zero_time + node->slide);
       time <= to && local_error == NULL; time += node->slide)
    {
      DsBatchFields fields = DS_BATCH_FIELDS_INIT (time, node->context->interval);
      g_autoptr (DsBatch) batch = ds_batch_new (&fields);
      DsRdd *rdd = ds_dstream_get_rdd (self, batch, &local_error);

      if (rdd != NULL)
        g_ptr_array_add (rdds, g_object_ref (rdd));
    }
  ds_graph_unlock (node->context->graph);

  if (local_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return NULL;
    }
  return g_steal_pointer (&rdds);
}
