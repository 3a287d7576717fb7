/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The operators that reduce over a window; what they make is in
 * ds-window-reduced-dstream.c. */

#include "dstream/ds-streaming-context-private.h"
#include "dstream/ds-window-private.h"

/**
 * ds_dstream_reduce_by_key_and_window: (skip)
 * @self: a stream of pairs
 * @window: how far each result looks back, in µs; a positive multiple of the slide
 *   duration of @self
 * @slide: how often a result is made, in µs; a positive multiple of the same; 0: that
 *   slide duration itself
 * @func: (scope notified) (closure user_data) (destroy destroy): makes one value of two;
 *   associative; runs on executor threads, several at once
 * @user_data: passed to @func
 * @destroy: (nullable): frees @user_data, once, when neither the stream nor an RDD of it
 *   needs it any longer
 *
 * Reduces the values that each key had in the last @window to one, every @slide.  Values
 * meet in the order of time, so @func need not be commutative.
 *
 * Each batch is reduced by itself first, once for all windows over @self with the same
 * @func, @user_data and partitions.  A slide then costs what the keys cost that come or
 * leave, with at most 8 calls of @func a key and batch, and a walk over the keys in the
 * window for the result; the length of the window does not matter.  A key is in the
 * result as long as it is in the window.
 *
 * Options: ds_dstream_set_n_partitions (), ds_dstream_set_partitioner (),
 * ds_dstream_set_inverse (), ds_dstream_set_window_filter ().
 *
 * Latches %DS_ERROR_INVALID_INTERVAL if either length is not such a multiple.
 *
 * Returns: (transfer none): the stream of one pair a key, owned by the context
 */
DsDStream *
ds_dstream_reduce_by_key_and_window (DsDStream *self,
                                     DsDuration window,
                                     DsDuration slide,
                                     DsReduceFunc func,
                                     gpointer user_data,
                                     GDestroyNotify destroy)
{
  const DsPreReducePlan plan = { .kind = DS_PRE_REDUCE_KEYS, .func = func };

  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);
  ds_dstream_return_if_null (self, func, user_data, destroy);

  return ds_window_reduced_dstream_new (self, &plan, window, slide, user_data, destroy);
}

/**
 * ds_dstream_reduce_by_key_and_window_op:
 * @self: a stream of pairs
 * @window: how far each result looks back, in µs; a positive multiple of the slide
 *   duration of @self
 * @slide: how often a result is made, in µs; a positive multiple of the same; 0: that
 *   slide duration itself
 * @reduction: which reduction
 *
 * As ds_dstream_reduce_by_key_and_window (), by a reduction that the engine knows.
 *
 * Latches %DS_ERROR_INVALID_INTERVAL if either length is not such a multiple, and
 * %DS_ERROR_INVALID_ARGUMENT for a number that is no #DsReduction.
 *
 * Returns: (transfer none): the stream of one pair a key, owned by the context
 */
DsDStream *
ds_dstream_reduce_by_key_and_window_op (DsDStream *self,
                                        DsDuration window,
                                        DsDuration slide,
                                        DsReduction reduction)
{
  DsPreReducePlan plan = { .kind = DS_PRE_REDUCE_KEYS,
                           .func = ds_reduction_get_func (reduction) };

  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);

  if (plan.func == NULL)
    {
      ds_streaming_context_latch (ds_dstream_get_node (self)->context,
                                  DS_ERROR_INVALID_ARGUMENT,
                                  "reduce_by_key_and_window_op: %d is no reduction; "
                                  "those are 0 (add) to %d (last)",
                                  (int) reduction, (int) DS_REDUCTION_LAST);
      return ds_window_refuse (self, NULL, NULL);
    }
  return ds_window_reduced_dstream_new (self, &plan, window, slide, NULL, NULL);
}

/**
 * ds_dstream_reduce_by_key_and_window_blocks:
 * @self: a stream of pairs
 * @window: how far each result looks back, in µs; a positive multiple of the slide
 *   duration of @self
 * @slide: how often a result is made, in µs; a positive multiple of the same; 0: that
 *   slide duration itself
 * @func: (scope notified) (closure user_data) (destroy destroy): as of
 *   ds_dstream_reduce_by_key_blocks ()
 * @user_data: passed to @func
 * @destroy: (nullable): frees @user_data, once, when neither the stream nor an RDD of it
 *   needs it any longer
 *
 * As ds_dstream_reduce_by_key_and_window (), with one call a partition: each batch is
 * reduced by itself and kept in memory, and every slide what the batches of the window
 * came to is reduced together, so that a slide costs what the keys of all of its batches
 * cost.  ds_dstream_reduce_by_key_and_window_op () does not.  Options:
 * ds_dstream_set_n_partitions (), ds_dstream_set_partitioner ().
 *
 * Latches %DS_ERROR_INVALID_INTERVAL if either length is not such a multiple.
 *
 * Returns: (transfer none): the stream of one pair a key, owned by the context
 */
DsDStream *
ds_dstream_reduce_by_key_and_window_blocks (DsDStream *self,
                                            DsDuration window,
                                            DsDuration slide,
                                            DsBlockFunc func,
                                            gpointer user_data,
                                            GDestroyNotify destroy)
{
  DsDStream *reduced;

  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);
  ds_dstream_return_if_null (self, func, user_data, destroy);

  if (!ds_window_check (self, "reduce_by_key_and_window_blocks", window, &slide))
    return ds_window_refuse (self, user_data, destroy);
  /* The data is the last stream's: what the first one makes is used by it only. */
  reduced = ds_dstream_reduce_by_key_blocks (self, func, user_data, NULL);
  return ds_dstream_reduce_by_key_blocks (ds_dstream_window (reduced, window, slide),
                                          func, user_data, destroy);
}

/**
 * ds_dstream_reduce_by_window: (skip)
 * @self: a stream
 * @window: how far each result looks back, in µs; a positive multiple of the slide
 *   duration of @self
 * @slide: how often a result is made, in µs; a positive multiple of the same; 0: that
 *   slide duration itself
 * @func: (scope notified) (closure user_data) (destroy destroy): makes one value of two;
 *   associative; runs on executor threads, several at once
 * @user_data: passed to @func
 * @destroy: (nullable): frees @user_data, once, when neither the stream nor an RDD of it
 *   needs it any longer
 *
 * Reduces all values of the last @window to one, every @slide.  A window without a value
 * gives none.  Values meet in the order of time, so @func need not be commutative.  Costs
 * and options as of ds_dstream_reduce_by_key_and_window (), but for the partitions.
 *
 * Latches %DS_ERROR_INVALID_INTERVAL if either length is not such a multiple.
 *
 * Returns: (transfer none): the stream of at most one value a window, owned by the
 *   context
 */
DsDStream *
ds_dstream_reduce_by_window (DsDStream *self,
                             DsDuration window,
                             DsDuration slide,
                             DsReduceFunc func,
                             gpointer user_data,
                             GDestroyNotify destroy)
{
  const DsPreReducePlan plan = { .kind = DS_PRE_REDUCE_ALL, .func = func };

  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);
  ds_dstream_return_if_null (self, func, user_data, destroy);

  return ds_window_reduced_dstream_new (self, &plan, window, slide, user_data, destroy);
}

/**
 * ds_dstream_combine_by_key_and_window: (skip)
 * @self: a stream of pairs
 * @window: how far each result looks back, in µs; a positive multiple of the slide
 *   duration of @self
 * @slide: how often a result is made, in µs; a positive multiple of the same; 0: that
 *   slide duration itself
 * @create: makes a combiner of the first value of a key in a batch
 * @merge_value: adds a value to a combiner
 * @merge_combiners: makes one combiner of two; associative
 * @user_data: passed to all three
 * @destroy: (nullable): frees @user_data, once, when neither the stream nor an RDD of it
 *   needs it any longer
 *
 * Combines the values that each key had in the last @window, every @slide.  The functions
 * run on executor threads, several at once; the first two within a batch, the last also
 * between batches, in the order of time.  Options: ds_dstream_set_n_partitions (),
 * ds_dstream_set_partitioner ().
 *
 * Latches %DS_ERROR_INVALID_INTERVAL if either length is not such a multiple.
 *
 * Returns: (transfer none): the stream of one pair a key, owned by the context
 */
DsDStream *
ds_dstream_combine_by_key_and_window (DsDStream *self,
                                      DsDuration window,
                                      DsDuration slide,
                                      DsMapFunc create,
                                      DsReduceFunc merge_value,
                                      DsReduceFunc merge_combiners,
                                      gpointer user_data,
                                      GDestroyNotify destroy)
{
  const DsPreReducePlan plan = { .kind = DS_PRE_REDUCE_COMBINE,
                                 .func = merge_combiners,
                                 .create = create,
                                 .merge_value = merge_value };

  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);
  ds_dstream_return_if_null (self, create, user_data, destroy);
  ds_dstream_return_if_null (self, merge_value, user_data, destroy);
  ds_dstream_return_if_null (self, merge_combiners, user_data, destroy);

  return ds_window_reduced_dstream_new (self, &plan, window, slide, user_data, destroy);
}

/**
 * ds_dstream_count_by_window:
 * @self: a stream
 * @window: how far each result looks back, in µs; a positive multiple of the slide
 *   duration of @self
 * @slide: how often a result is made, in µs; a positive multiple of the same; 0: that
 *   slide duration itself
 *
 * Counts the values of the last @window, every @slide.  As long as there was no value at
 * all there is no result; from then on a window without one gives 0.
 *
 * Latches %DS_ERROR_INVALID_INTERVAL if either length is not such a multiple.
 *
 * Returns: (transfer none): the stream of at most one int a window, owned by the context
 */
DsDStream *
ds_dstream_count_by_window (DsDStream *self, DsDuration window, DsDuration slide)
{
  const DsPreReducePlan plan = { .kind = DS_PRE_REDUCE_COUNT, .func = ds_add };

  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);

  return ds_window_reduced_dstream_new_count (self, &plan, window, slide);
}

/**
 * ds_dstream_count_by_value_and_window:
 * @self: a stream
 * @window: how far each result looks back, in µs; a positive multiple of the slide
 *   duration of @self
 * @slide: how often a result is made, in µs; a positive multiple of the same; 0: that
 *   slide duration itself
 *
 * Counts how often each value came in the last @window, as pairs (value, n), every
 * @slide. Options: ds_dstream_set_n_partitions (), ds_dstream_set_partitioner ().
 *
 * Latches %DS_ERROR_INVALID_INTERVAL if either length is not such a multiple.
 *
 * Returns: (transfer none): the stream of pairs, owned by the context
 */
DsDStream *
ds_dstream_count_by_value_and_window (DsDStream *self,
                                      DsDuration window,
                                      DsDuration slide)
{
  const DsPreReducePlan plan = { .kind = DS_PRE_REDUCE_VALUES, .func = ds_add };

  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);

  return ds_window_reduced_dstream_new_count (self, &plan, window, slide);
}
