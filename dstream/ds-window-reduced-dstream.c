/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Windows that reduce.  Each batch is reduced by itself (ds-pre-reduced-dstream.c); every
 * slide the results of the window's batches are put together. */

#include "dstream/ds-streaming-context-private.h"
#include "dstream/ds-window-private.h"

#define DS_TYPE_WINDOW_REDUCED_DSTREAM (ds_window_reduced_dstream_get_type ())
G_DECLARE_FINAL_TYPE (DsWindowReducedDStream,
                      ds_window_reduced_dstream,
                      DS,
                      WINDOW_REDUCED_DSTREAM,
                      DsDStream)

struct _DsWindowReducedDStream
{
  DsDStream parent_instance;
  DsPreReducePlan plan;
};

G_DEFINE_FINAL_TYPE (DsWindowReducedDStream, ds_window_reduced_dstream, DS_TYPE_DSTREAM)

/* The results of all batches of the window, reduced anew. */
static DsRdd *
ds_window_reduced_dstream_compute (DsDStream *dstream, DsBatch *batch, GError **error)
{
  DsWindowReducedDStream *self = DS_WINDOW_REDUCED_DSTREAM (dstream);
  DsDStreamNode *node = ds_dstream_get_node (dstream);
  DsTime time = ds_batch_get_time (batch);
  g_autoptr (GPtrArray) rdds =
      ds_window_collect_rdds (node->parents[0], time - node->window, time, error);
  g_autoptr (DsRdd) together = NULL;
  g_autoptr (DsRdd) reduced = NULL;

  if (rdds == NULL)
    return NULL;
  together = ds_aligned_union_rdd_new (node->context->context, (DsRdd **) rdds->pdata,
                                       rdds->len);
  reduced =
      ds_dstream_lend_data (dstream, ds_rdd_reduce_by_key (together, self->plan.func,
                                                           node->data->user_data, NULL));
  ds_rdd_set_partitioner (reduced,
                          ds_pre_reduced_dstream_get_partitioner (node->parents[0]));
  if (ds_pre_reduce_is_keyless (self->plan.kind))
    return ds_dstream_lend_data (dstream, ds_rdd_values (reduced));
  return g_steal_pointer (&reduced);
}

/* Of keys, and of single values. */
static const DsDStreamOps ds_window_reduced_dstream_ops[] = {
  [DS_PRE_REDUCE_KEYS] = { .kind = "reduce_by_key_and_window",
                           .options = DS_OPTION_N_PARTITIONS | DS_OPTION_PARTITIONER,
                           .compute = ds_window_reduced_dstream_compute },
  [DS_PRE_REDUCE_ALL] = { .kind = "reduce_by_window",
                          .compute = ds_window_reduced_dstream_compute },
  [DS_PRE_REDUCE_COMBINE] = { .kind = "combine_by_key_and_window",
                              .options = DS_OPTION_N_PARTITIONS | DS_OPTION_PARTITIONER,
                              .compute = ds_window_reduced_dstream_compute },
  [DS_PRE_REDUCE_COUNT] = { .kind = "count_by_window",
                            .compute = ds_window_reduced_dstream_compute },
  [DS_PRE_REDUCE_VALUES] = { .kind = "count_by_value_and_window",
                             .options = DS_OPTION_N_PARTITIONS | DS_OPTION_PARTITIONER,
                             .compute = ds_window_reduced_dstream_compute },
};

static void
ds_window_reduced_dstream_class_init (DsWindowReducedDStreamClass *klass)
{
  DS_DSTREAM_CLASS (klass)->ops = &ds_window_reduced_dstream_ops[DS_PRE_REDUCE_KEYS];
}

static void
ds_window_reduced_dstream_init (DsWindowReducedDStream *self)
{
}

static DsDStream *
ds_window_reduced_dstream_new (DsDStream *parent,
                               const DsPreReducePlan *plan,
                               DsDuration window,
                               DsDuration slide,
                               gpointer user_data,
                               GDestroyNotify destroy)
{
  const DsDStreamOps *ops = &ds_window_reduced_dstream_ops[plan->kind];
  DsDStream *reduced;
  DsDStream *self;
  DsDStreamNode *node;

  if (!ds_window_check (parent, ops->kind, window, &slide))
    return ds_window_refuse (parent, user_data, destroy);
  reduced = ds_pre_reduced_dstream_new (parent, plan);
  self = ds_dstream_derive (reduced, DS_TYPE_WINDOW_REDUCED_DSTREAM, NULL, user_data,
                            destroy);
  node = ds_dstream_get_node (self);
  if (node->is_inert)
    return self;
  ds_pre_reduced_dstream_set_owner (reduced, self);
  DS_WINDOW_REDUCED_DSTREAM (self)->plan = *plan;
  node->ops = ops;
  node->window = window;
  node->slide = slide;
  return self;
}

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
 * @func, @user_data and partitions.  Options: ds_dstream_set_n_partitions (),
 * ds_dstream_set_partitioner ().
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
  g_return_val_if_fail (func != NULL, NULL);

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
 * gives none.  Values meet in the order of time, so @func need not be commutative.
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
  g_return_val_if_fail (func != NULL, NULL);

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
  g_return_val_if_fail (create != NULL, NULL);
  g_return_val_if_fail (merge_value != NULL, NULL);
  g_return_val_if_fail (merge_combiners != NULL, NULL);

  return ds_window_reduced_dstream_new (self, &plan, window, slide, user_data, destroy);
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

  return ds_window_reduced_dstream_new (self, &plan, window, slide, NULL, NULL);
}
