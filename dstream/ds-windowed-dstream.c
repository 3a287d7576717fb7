/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The last stretch of a stream as one RDD, every slide: the union of the RDDs that the
 * parent made in (t - window, t], oldest first.  Nothing is copied.  From here on the
 * stream slides by its own slide. */

#include "base/ds-time-private.h"
#include "dstream/ds-streaming-context-private.h"
#include "dstream/ds-window-private.h"
#include "rdd/ds-step-rdd-private.h"

/* ---- What all windows share ---- */

static gboolean
ds_window_check_length (DsDStream *parent,
                        const char *kind,
                        const char *what,
                        DsDuration length)
{
  DsDStreamNode *node = ds_dstream_get_node (parent);
  g_autofree char *found = ds_duration_to_seconds_string (length);
  g_autofree char *needed = ds_duration_to_seconds_string (node->slide);
  g_autofree char *suggestion = ds_duration_suggest_unit (length);

  if (length > 0 && length % node->slide == 0)
    return TRUE;
  ds_streaming_context_latch (
      node->context, DS_ERROR_INVALID_INTERVAL,
      "%s: a %s of %s over the stream %s, which slides by %s; it must be a positive "
      "multiple of that%s",
      kind, what, found, ds_dstream_describe (parent), needed, suggestion);
  return FALSE;
}

gboolean
ds_window_check (DsDStream *parent,
                 const char *kind,
                 DsDuration window,
                 DsDuration *slide)
{
  DsDStreamNode *node = ds_dstream_get_node (parent);

  if (!ds_dstream_has_context (parent, kind) ||
      !ds_streaming_context_may_build (node->context, kind) || node->is_inert)
    return FALSE;
  if (*slide == 0)
    *slide = node->slide;
  return ds_window_check_length (parent, kind, "window", window) &&
         ds_window_check_length (parent, kind, "slide", *slide);
}

DsDStream *
ds_window_refuse (DsDStream *parent, gpointer user_data, GDestroyNotify destroy)
{
  DsStreamingContext *context = ds_dstream_get_node (parent)->context;

  if (destroy != NULL)
    destroy (user_data);
  return context != NULL ? ds_dstream_new_inert (context) : NULL;
}

GPtrArray *
ds_window_collect_rdds (DsDStream *parent, DsTime after, DsTime to, GError **error)
{
  g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (DsTime));

  return ds_window_collect_timed_rdds (parent, after, to, times, error);
}

GPtrArray *
ds_window_collect_timed_rdds (DsDStream *parent,
                              DsTime after,
                              DsTime to,
                              GArray *times,
                              GError **error)
{
  DsDStreamNode *node = ds_dstream_get_node (parent);
  g_autoptr (GPtrArray) rdds = g_ptr_array_new_with_free_func (g_object_unref);

  for (DsTime time = MAX (after, node->zero_time) + node->slide; time <= to;
       time += node->slide)
    {
      DsBatchFields fields = DS_BATCH_FIELDS_INIT (time, node->context->interval);
      g_autoptr (DsBatch) batch = ds_batch_new (&fields);
      g_autoptr (GError) local_error = NULL;
      DsRdd *rdd;

      if (ds_graph_was_given_up (node->context->graph, time))
        continue;
      rdd = ds_dstream_get_rdd (parent, batch, &local_error);

      /* A batch whose state was given up has no part in later windows. */
      if (rdd != NULL && !ds_rdd_was_given_up (rdd))
        {
          g_ptr_array_add (rdds, g_object_ref (rdd));
          g_array_append_val (times, time);
        }
      else if (local_error != NULL)
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          return NULL;
        }
    }
  return g_steal_pointer (&rdds);
}

DsDuration
ds_window_find (DsDStream *self)
{
  DsDStreamNode *node = ds_dstream_get_node (self);
  DsDuration found = 0;

  if (node->window > 0)
    return node->window;
  for (guint i = 0; i < node->n_parents && found >= 0; i++)
    {
      DsDuration window = ds_window_find (node->parents[i]);

      found = i == 0 || window == found ? window : -1;
    }
  return found;
}

/* ---- The operator ---- */

static DsRdd *
ds_windowed_dstream_compute (DsDStream *self, DsBatch *batch, GError **error)
{
  DsDStreamNode *node = ds_dstream_get_node (self);
  DsTime time = ds_batch_get_time (batch);
  g_autoptr (GPtrArray) rdds =
      ds_window_collect_rdds (node->parents[0], time - node->window, time, error);

  if (rdds == NULL)
    return NULL;
  return ds_aligned_union_rdd_new (node->context->context, (DsRdd **) rdds->pdata,
                                   rdds->len);
}

static const DsDStreamOps ds_windowed_dstream_ops = {
  .kind = "window",
  .is_view = TRUE,
  .compute = ds_windowed_dstream_compute,
};

DS_DEFINE_DSTREAM (DsWindowedDStream, ds_windowed_dstream, &ds_windowed_dstream_ops)

static DsDStream *
ds_windowed_dstream_new (DsDStream *parent,
                         const char *kind,
                         DsDuration window,
                         DsDuration slide)
{
  DsDStream *self;
  DsDStreamNode *node;

  if (!ds_window_check (parent, kind, window, &slide))
    return ds_window_refuse (parent, NULL, NULL);
  self = ds_dstream_derive (parent, ds_windowed_dstream_get_type (), NULL, NULL, NULL);
  node = ds_dstream_get_node (self);
  if (!node->is_inert)
    {
      node->window = window;
      node->slide = slide;
      /* Each batch is looked at more than once. */
      if (slide < window &&
          ds_dstream_get_node (parent)->storage_level == DS_STORAGE_NONE)
        ds_dstream_cache (parent);
    }
  return self;
}

/**
 * ds_dstream_window:
 * @self: the stream to look back over
 * @window: how far each result looks back, in µs; a positive multiple of the slide
 *   duration of @self
 * @slide: how often a result is made, in µs; a positive multiple of the same; 0: that
 *   slide duration itself
 *
 * Collects the last @window of @self into one RDD, every @slide: what @self gave in
 * (t - @window, t], oldest first.  A result is always made, if only an empty one; the
 * first ones, with less than @window behind them, are just shorter.
 *
 * Consecutive results share values whenever @slide is shorter than @window; the RDDs of
 * @self are remembered for @window, shared, and cached (ds_dstream_persist () on @self
 * sets another level).  With @slide longer than
 * @window some batches are in no result.  What is made of the result slides by @slide.
 *
 * Latches %DS_ERROR_INVALID_INTERVAL if either length is not such a multiple.
 *
 * Returns: (transfer none): the windowed stream, owned by the context
 */
DsDStream *
ds_dstream_window (DsDStream *self, DsDuration window, DsDuration slide)
{
  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);

  return ds_windowed_dstream_new (self, "window", window, slide);
}

/**
 * ds_dstream_tumbling_window:
 * @self: a stream
 * @window: the length of each window, in µs; a positive multiple of the slide duration of
 *   @self
 *
 * Cuts the stream into windows that follow one another without overlap: ds_dstream_window
 * () with a slide as long as the window.
 *
 * Latches %DS_ERROR_INVALID_INTERVAL if @window is not such a multiple.
 *
 * Returns: (transfer none): the windowed stream, owned by the context
 */
DsDStream *
ds_dstream_tumbling_window (DsDStream *self, DsDuration window)
{
  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);

  return ds_windowed_dstream_new (self, "tumbling_window", window, window);
}

/**
 * ds_dstream_group_by_key_and_window:
 * @self: a stream of pairs
 * @window: how far each result looks back, in µs; a positive multiple of the slide
 *   duration of @self
 * @slide: how often a result is made, in µs; a positive multiple of the same; 0: that
 *   slide duration itself
 *
 * Collects the values that each key had in the last @window into a list, oldest first, as
 * pairs (key, list).  A key's list has to fit in memory; where a reduction is wanted,
 * ds_dstream_reduce_by_key_and_window () costs a fraction.  Options:
 * ds_dstream_set_n_partitions (), ds_dstream_set_partitioner ().
 *
 * Latches %DS_ERROR_INVALID_INTERVAL if either length is not such a multiple.
 *
 * Returns: (transfer none): the stream of pairs, owned by the context
 */
DsDStream *
ds_dstream_group_by_key_and_window (DsDStream *self, DsDuration window, DsDuration slide)
{
  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);

  return ds_dstream_group_by_key (
      ds_windowed_dstream_new (self, "group_by_key_and_window", window, slide));
}
