/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Windows that reduce.  Each batch is reduced by itself (ds-pre-reduced-dstream.c); every
 * slide the results of the window's batches are put together.
 *
 * Windows that overlap, and all with an inverse function, are steps: what comes and what
 * leaves is all that they look at (rdd/ds-window-stepper-private.h).  Windows that don't
 * overlap have nothing to go on from and are reduced anew. */

#include "dstream/ds-input-recovery-private.h"
#include "dstream/ds-streaming-context-private.h"
#include "dstream/ds-window-private.h"
#include "rdd/ds-step-rdd-private.h"

#include "rdd/ds-window-stepper-private.h"

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
  DsReduceFunc inverse;       /* (nullable) */
  DsSharedData *inverse_data; /* (nullable) */
  DsFilterFunc filter;        /* (nullable) */
  DsSharedData *filter_data;  /* (nullable) */
  DsWindowStepper *stepper;   /* (nullable): once asked for */
  GPtrArray *rdds;   /* DsRdd, of batches that were not committed when last seen */
  GArray *times;     /* DsTime of each */
  DsTime asked_time; /* up to here the parent was asked; DS_TIME_NONE: not yet */
};

G_DEFINE_FINAL_TYPE (DsWindowReducedDStream, ds_window_reduced_dstream, DS_TYPE_DSTREAM)

/* ---- As steps ---- */

static DsWindowStepper *
ds_window_reduced_dstream_get_stepper (DsWindowReducedDStream *self)
{
  DsDStreamNode *node = ds_dstream_get_node (DS_DSTREAM (self));
  const DsWindowPlan plan = {
    .kind = node->ops->kind,
    .window = node->window,
    .func = self->plan.func,
    .user_data = node->data->user_data,
    .inverse = self->inverse,
    .inverse_data = self->inverse_data != NULL ? self->inverse_data->user_data : NULL,
    .filter = self->filter,
    .filter_data = self->filter_data != NULL ? self->filter_data->user_data : NULL,
    .is_keyless = ds_pre_reduce_is_keyless (self->plan.kind),
    .can_be_captured = node->context->checkpointer != NULL,
  };

  if (self->stepper == NULL)
    self->stepper =
        ds_window_stepper_new (&plan,
                               ds_pre_reduced_dstream_get_partitioner (node->parents[0]));
  return self->stepper;
}

/* Lets batches go that are in, too old, or will never be read. */
static void
ds_window_reduced_dstream_drop_rdds (DsWindowReducedDStream *self, DsTime until)
{
  for (guint i = self->times->len; i > 0; i--)
    if (g_array_index (self->times, DsTime, i - 1) <= until ||
        ds_rdd_was_given_up (g_ptr_array_index (self->rdds, i - 1)))
      {
        g_array_remove_index (self->times, i - 1);
        g_ptr_array_remove_index (self->rdds, i - 1);
      }
}

/* The window needs no batch again once its step is committed, so nobody has to remember
 * batches for the length of the window. */
static DsRdd *
ds_window_reduced_dstream_make_step (DsDStream *dstream, DsBatch *batch, GError **error)
{
  DsWindowReducedDStream *self = DS_WINDOW_REDUCED_DSTREAM (dstream);
  DsDStreamNode *node = ds_dstream_get_node (dstream);
  DsWindowStepper *stepper = ds_window_reduced_dstream_get_stepper (self);
  DsTime time = ds_batch_get_time (batch);
  DsTime start = time - node->window;
  DsTime asked = self->asked_time != DS_TIME_NONE ? self->asked_time : start;
  DsTime known = ds_window_stepper_get_time (stepper);
  g_autoptr (GPtrArray) rdds =
      ds_window_collect_timed_rdds (node->parents[0], MAX (start, asked), time,
                                    self->times, error);
  DsRdd *step;

  if (rdds == NULL)
    {
      g_array_set_size (self->times, self->rdds->len);
      return NULL;
    }
  self->asked_time = time;
  g_ptr_array_extend_and_steal (self->rdds, g_steal_pointer (&rdds));
  ds_window_reduced_dstream_drop_rdds (self, known != DS_TIME_NONE ? MAX (start, known)
                                                                   : start);
  step = ds_window_stepper_make_step (stepper, node->context->context, time,
                                      (DsRdd **) self->rdds->pdata,
                                      (const DsTime *) (gconstpointer) self->times->data,
                                      self->rdds->len);
  ds_graph_add_step (node->context->graph, ds_dstream_lend_data (dstream, step));
  return step;
}

/* ---- Checkpoints of steps ---- */

static gpointer
ds_window_reduced_dstream_capture (DsDStream *dstream,
                                   DsTime time,
                                   DsTime since,
                                   gboolean *is_full)
{
  DsWindowReducedDStream *self = DS_WINDOW_REDUCED_DSTREAM (dstream);
  DsWindowSnapshot *snapshot;

  *is_full = TRUE;
  if (self->stepper == NULL)
    return NULL;
  snapshot = ds_window_stepper_capture (self->stepper, since == DS_TIME_NONE);
  *is_full = ds_window_snapshot_is_full (snapshot);
  return snapshot;
}

static gboolean
ds_window_reduced_dstream_save (gpointer capture, DsStateWriter *writer, GError **error)
{
  return ds_window_snapshot_save (capture, writer, error);
}

static void
ds_window_reduced_dstream_release (gpointer capture, gboolean is_base)
{
  ds_window_snapshot_release (capture, is_base);
}

static gboolean
ds_window_reduced_dstream_load (DsDStream *dstream,
                                DsTime time,
                                DsStateReader *reader,
                                GError **error)
{
  DsWindowReducedDStream *self = DS_WINDOW_REDUCED_DSTREAM (dstream);
  DsWindowStepper *stepper = ds_window_reduced_dstream_get_stepper (self);

  if (!ds_window_stepper_load (stepper, ds_dstream_get_node (dstream)->context->context,
                               reader, error))
    return FALSE;
  /* Batches after its last step are asked for again. */
  self->asked_time = ds_window_stepper_get_time (stepper);
  ds_dstream_get_node (dstream)->newest_time = self->asked_time;
  return TRUE;
}

static gboolean
ds_window_reduced_dstream_check_keys (DsDStream *dstream, GError **error)
{
  return ds_window_stepper_check_partitions (ds_window_reduced_dstream_get_stepper (
                                                 DS_WINDOW_REDUCED_DSTREAM (dstream)),
                                             error);
}

static guint
ds_window_reduced_dstream_count_partitions (DsDStream *dstream)
{
  return ds_partitioner_get_n_partitions (
      ds_pre_reduced_dstream_get_partitioner (ds_dstream_get_node (dstream)->parents[0]));
}

static DsRdd *
ds_window_reduced_dstream_make_result (DsDStream *dstream, DsTime time, DsBlock **blocks)
{
  DsDStreamNode *node = ds_dstream_get_node (dstream);
  DsPartitioner *partitioner = ds_pre_reduced_dstream_get_partitioner (node->parents[0]);
  gboolean is_keyless =
      ds_pre_reduce_is_keyless (DS_WINDOW_REDUCED_DSTREAM (dstream)->plan.kind);
  DsRdd *rdd = ds_step_rdd_new_restored (node->context->context, node->ops->kind, time,
                                         partitioner, blocks);

  ds_rdd_set_node_partitioner (rdd, is_keyless ? NULL : partitioner);
  return rdd;
}

static const DsStateKeeping ds_window_reduced_dstream_keeping = {
  .capture = ds_window_reduced_dstream_capture,
  .save = ds_window_reduced_dstream_save,
  .release = ds_window_reduced_dstream_release,
  .load = ds_window_reduced_dstream_load,
  .check_keys = ds_window_reduced_dstream_check_keys,
  .count_partitions = ds_window_reduced_dstream_count_partitions,
  .make_result = ds_window_reduced_dstream_make_result,
};

/* ---- Anew ---- */

static gboolean
ds_window_reduced_dstream_keep (DsValue pair, DsTask *task, gpointer dstream)
{
  DsWindowReducedDStream *self = dstream;

  return self->filter (pair, task, self->filter_data->user_data);
}

static DsRdd *
ds_window_reduced_dstream_reduce (DsDStream *dstream, DsBatch *batch, GError **error)
{
  DsWindowReducedDStream *self = DS_WINDOW_REDUCED_DSTREAM (dstream);
  DsDStreamNode *node = ds_dstream_get_node (dstream);
  DsTime time = ds_batch_get_time (batch);
  g_autoptr (GPtrArray) rdds =
      ds_window_collect_rdds (node->parents[0], time - node->window, time, error);
  g_autoptr (DsRdd) together = NULL;
  g_autoptr (DsRdd) reduced = NULL;
  g_autoptr (DsRdd) kept = NULL;

  if (rdds == NULL)
    return NULL;
  together = ds_aligned_union_rdd_new (node->context->context, (DsRdd **) rdds->pdata,
                                       rdds->len);
  reduced =
      ds_dstream_lend_data (dstream, ds_rdd_reduce_by_key (together, self->plan.func,
                                                           node->data->user_data, NULL));
  ds_rdd_set_partitioner (reduced,
                          ds_pre_reduced_dstream_get_partitioner (node->parents[0]));
  if (node->hint != NULL)
    ds_shuffled_rdd_set_hint (reduced, node->hint);
  kept = self->filter != NULL ? ds_rdd_filter (reduced, ds_window_reduced_dstream_keep,
                                               g_object_ref (dstream), g_object_unref)
                              : g_object_ref (reduced);
  if (ds_pre_reduce_is_keyless (self->plan.kind))
    return ds_rdd_values (kept);
  return g_steal_pointer (&kept);
}

/* ---- The type ---- */

#define DS_WINDOW_REDUCED_OPS(kind_, options_)                     \
  {                                                                \
    { .kind = (kind_),                                             \
      .options = (options_),                                       \
      .places_itself = TRUE,                                       \
      .compute = ds_window_reduced_dstream_reduce },               \
    {                                                              \
      .kind = (kind_), .options = (options_), .is_stateful = TRUE, \
      .compute = ds_window_reduced_dstream_make_step,              \
      .keeping = &ds_window_reduced_dstream_keeping                \
    }                                                              \
  }

/* Anew, and as steps. */
static const DsDStreamOps ds_window_reduced_dstream_ops[][2] = {
  [DS_PRE_REDUCE_KEYS] =
      DS_WINDOW_REDUCED_OPS ("reduce_by_key_and_window",
                             DS_OPTION_N_PARTITIONS | DS_OPTION_PARTITIONER),
  [DS_PRE_REDUCE_ALL] = DS_WINDOW_REDUCED_OPS ("reduce_by_window", 0),
  [DS_PRE_REDUCE_COMBINE] =
      DS_WINDOW_REDUCED_OPS ("combine_by_key_and_window",
                             DS_OPTION_N_PARTITIONS | DS_OPTION_PARTITIONER),
  [DS_PRE_REDUCE_COUNT] = DS_WINDOW_REDUCED_OPS ("count_by_window", 0),
  [DS_PRE_REDUCE_VALUES] =
      DS_WINDOW_REDUCED_OPS ("count_by_value_and_window",
                             DS_OPTION_N_PARTITIONS | DS_OPTION_PARTITIONER),
};

static void
ds_window_reduced_dstream_finalize (GObject *object)
{
  DsWindowReducedDStream *self = DS_WINDOW_REDUCED_DSTREAM (object);

  g_clear_pointer (&self->stepper, ds_window_stepper_unref);
  g_ptr_array_unref (self->rdds);
  g_array_unref (self->times);
  g_clear_pointer (&self->inverse_data, ds_shared_data_unref);
  g_clear_pointer (&self->filter_data, ds_shared_data_unref);

  G_OBJECT_CLASS (ds_window_reduced_dstream_parent_class)->finalize (object);
}

static void
ds_window_reduced_dstream_class_init (DsWindowReducedDStreamClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ds_window_reduced_dstream_finalize;
  DS_DSTREAM_CLASS (klass)->ops = &ds_window_reduced_dstream_ops[DS_PRE_REDUCE_KEYS][0];
}

static void
ds_window_reduced_dstream_init (DsWindowReducedDStream *self)
{
  self->rdds = g_ptr_array_new_with_free_func (g_object_unref);
  self->times = g_array_new (FALSE, FALSE, sizeof (DsTime));
  self->asked_time = DS_TIME_NONE;
}

DsDStream *
ds_window_reduced_dstream_new (DsDStream *parent,
                               const DsPreReducePlan *plan,
                               DsDuration window,
                               DsDuration slide,
                               gpointer user_data,
                               GDestroyNotify destroy)
{
  const DsDStreamOps *ops = ds_window_reduced_dstream_ops[plan->kind];
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
  node->ops = &ops[slide < window];
  node->window = window;
  node->slide = slide;
  return self;
}

static gboolean
ds_window_count_is_not_zero (DsValue pair, DsTask *task, gpointer unused)
{
  return ds_value_get_int (ds_pair_value (pair)) != 0;
}

/* Counts go on from window to window where windows overlap; so do they where the 0 of an
 * empty window depends on what was before. */
DsDStream *
ds_window_reduced_dstream_new_count (DsDStream *parent,
                                     const DsPreReducePlan *plan,
                                     DsDuration window,
                                     DsDuration slide)
{
  DsDStream *self =
      ds_window_reduced_dstream_new (parent, plan, window, slide, NULL, NULL);
  DsWindowReducedDStream *counted;

  if (!DS_IS_WINDOW_REDUCED_DSTREAM (self))
    return self;
  counted = DS_WINDOW_REDUCED_DSTREAM (self);
  if (plan->kind == DS_PRE_REDUCE_COUNT)
    ds_dstream_get_node (self)->ops = &ds_window_reduced_dstream_ops[plan->kind][1];
  counted->inverse = ds_subtract;
  if (plan->kind == DS_PRE_REDUCE_VALUES)
    {
      counted->filter = ds_window_count_is_not_zero;
      counted->filter_data = ds_shared_data_new (NULL, NULL);
    }
  return self;
}

/* ---- Options ---- */

/* TRUE: set it; FALSE: @user_data has been freed. */
static gboolean
ds_window_reduced_dstream_may_set (DsDStream *self,
                                   const char *option,
                                   gboolean has_it,
                                   const char *who_has_it,
                                   gpointer user_data,
                                   GDestroyNotify destroy)
{
  if (ds_dstream_may_set (self, option))
    {
      if (has_it)
        return TRUE;
      ds_dstream_latch_lacks (self, option, who_has_it);
    }
  if (destroy != NULL)
    destroy (user_data);
  return FALSE;
}

/**
 * ds_dstream_set_inverse: (skip)
 * @self: a stream made by ds_dstream_reduce_by_window (),
 *   ds_dstream_reduce_by_key_and_window () or its `_op` form
 * @func: (scope notified) (closure user_data) (destroy destroy): takes the second value
 *   out of the first; runs on executor threads, several at once
 * @user_data: passed to @func
 * @destroy: (nullable): frees @user_data, once
 *
 * Gives the reduction an inverse: the value of each slide is that of the one before, less
 * what left the window, with what came into it, in this order:
 * `func (inverse (previous, left), came)`, where what left and what came is reduced
 * first.
 *
 * It saves memory and about half of the work of functions such as sums; no function needs
 * it for speed.  With it a key stays for ever, whatever its value, unless
 * ds_dstream_set_window_filter () drops it; and what a single wrong inverse leaves
 * behind, as rounding does, stays, too.
 *
 * What it goes on from comes from batches that nobody has any longer, so it belongs into
 * checkpoints: needs ds_streaming_context_checkpoint (), see ds_dstream_checkpoint ().
 *
 * Latches %DS_ERROR_INVALID_ARGUMENT for any other operator.
 */
void
ds_dstream_set_inverse (DsDStream *self,
                        DsReduceFunc func,
                        gpointer user_data,
                        GDestroyNotify destroy)
{
  gboolean has_it;
  DsWindowReducedDStream *window;
  DsDStreamNode *node;

  g_return_if_fail (DS_IS_DSTREAM (self));
  if (func == NULL)
    {
      ds_dstream_refuse_null (self, G_STRFUNC, "func", user_data, destroy);
      return;
    }

  has_it = DS_IS_WINDOW_REDUCED_DSTREAM (self) &&
           (DS_WINDOW_REDUCED_DSTREAM (self)->plan.kind == DS_PRE_REDUCE_KEYS ||
            DS_WINDOW_REDUCED_DSTREAM (self)->plan.kind == DS_PRE_REDUCE_ALL);
  if (!ds_window_reduced_dstream_may_set (self, "set_inverse", has_it,
                                          "reduce_by_window and "
                                          "reduce_by_key_and_window",
                                          user_data, destroy))
    return;
  window = DS_WINDOW_REDUCED_DSTREAM (self);
  g_clear_pointer (&window->inverse_data, ds_shared_data_unref);
  window->inverse = func;
  window->inverse_data = ds_shared_data_new (user_data, destroy);
  node = ds_dstream_get_node (self);
  node->ops = &ds_window_reduced_dstream_ops[window->plan.kind][1];
  ds_dstream_need_checkpoints (self, ds_default_checkpoint_interval (node->slide));
  node->checkpoints_only_inside = TRUE;
}

/**
 * ds_dstream_set_window_filter: (skip)
 * @self: a stream made by an operator that reduces over a window
 * @func: (scope notified) (closure user_data) (destroy destroy): of pairs (key, value),
 *   with key null for ds_dstream_reduce_by_window (); runs on executor threads, several
 *   at once
 * @user_data: passed to @func
 * @destroy: (nullable): frees @user_data, once
 *
 * Leaves finished pairs for which @func is %FALSE out of the result.  With an inverse
 * function such a key is forgotten: it begins anew with the next value that comes.
 * Without one it is in the result again when its value in the window is one that @func
 * takes.
 *
 * @func is asked when the value of a key may have changed; it has to say the same of the
 * same pair.
 *
 * Latches %DS_ERROR_INVALID_ARGUMENT for any other operator, and for
 * `count_by_value_and_window`, which has a filter.
 */
void
ds_dstream_set_window_filter (DsDStream *self,
                              DsFilterFunc func,
                              gpointer user_data,
                              GDestroyNotify destroy)
{
  gboolean has_it;
  DsWindowReducedDStream *window;

  g_return_if_fail (DS_IS_DSTREAM (self));
  if (func == NULL)
    {
      ds_dstream_refuse_null (self, G_STRFUNC, "func", user_data, destroy);
      return;
    }

  has_it = DS_IS_WINDOW_REDUCED_DSTREAM (self) &&
           DS_WINDOW_REDUCED_DSTREAM (self)->plan.kind != DS_PRE_REDUCE_VALUES;
  if (!ds_window_reduced_dstream_may_set (
          self, "set_window_filter", has_it,
          "reduce_by_window, reduce_by_key_and_window, combine_by_key_and_window and "
          "count_by_window",
          user_data, destroy))
    return;
  window = DS_WINDOW_REDUCED_DSTREAM (self);
  g_clear_pointer (&window->filter_data, ds_shared_data_unref);
  window->filter = func;
  window->filter_data = ds_shared_data_new (user_data, destroy);
}

gboolean
ds_window_reduced_dstream_get_counts (DsDStream *self, DsWindowCounts *counts)
{
  if (!DS_IS_WINDOW_REDUCED_DSTREAM (self) ||
      DS_WINDOW_REDUCED_DSTREAM (self)->stepper == NULL)
    return FALSE;
  ds_window_stepper_get_counts (DS_WINDOW_REDUCED_DSTREAM (self)->stepper, counts);
  return TRUE;
}
