/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A stream is a function from batch times to RDDs, asked once for each time: the answer
 * is remembered, so that two outputs of one stream share its RDD, and forgotten when no
 * one can ask again.  "No RDD" is an answer of its own, neither an error nor an empty
 * RDD, and is not remembered.  Operators differ in their compute function only; parents,
 * names and the remembered RDDs are the same for all and live here (options:
 * ds-dstream-options.c). */

#include "dstream/ds-streaming-context-private.h"
#include "rdd/ds-narrow-private.h"

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (DsDStream, ds_dstream, G_TYPE_OBJECT)
#define DS_NODE(self) ((DsDStreamNode *) ds_dstream_get_instance_private (self))

DsDStreamNode *
ds_dstream_get_node (DsDStream *self)
{
  return DS_NODE (self);
}

static void
ds_dstream_finalize (GObject *object)
{
  DsDStreamNode *node = DS_NODE (DS_DSTREAM (object));

  ds_dstream_forget_all (DS_DSTREAM (object));
  g_free (node->name);
  g_free (node->label);
  g_free (node->parents);
  g_array_unref (node->generated);
  g_clear_pointer (&node->data, ds_shared_data_unref);
  g_clear_pointer (&node->partitioner, ds_partitioner_unref);
  g_clear_pointer (&node->hint, ds_shuffle_hint_unref);
  g_clear_object (&node->initial_state);

  G_OBJECT_CLASS (ds_dstream_parent_class)->finalize (object);
}

/* Not in init: while an instance is initialised its class is still that of the parent. */
static void
ds_dstream_constructed (GObject *object)
{
  DsDStreamNode *node = DS_NODE (DS_DSTREAM (object));

  G_OBJECT_CLASS (ds_dstream_parent_class)->constructed (object);
  node->ops = DS_DSTREAM_GET_CLASS (object)->ops;
  if (node->ops->options & DS_OPTION_N_PARTITIONS)
    node->hint = ds_shuffle_hint_new ();
}

static void
ds_dstream_class_init (DsDStreamClass *klass)
{
  G_OBJECT_CLASS (klass)->constructed = ds_dstream_constructed;
  G_OBJECT_CLASS (klass)->finalize = ds_dstream_finalize;
}

static void
ds_dstream_init (DsDStream *self)
{
  DsDStreamNode *node = DS_NODE (self);

  node->zero_time = DS_TIME_NONE;
  node->note.time = DS_TIME_NONE;
  node->newest_time = DS_TIME_NONE;
  node->making_time = DS_TIME_NONE;
  node->generated = g_array_sized_new (FALSE, FALSE, sizeof (DsGeneratedRdd), 2);
}

/* ---- Building ---- */

gboolean
ds_dstream_has_context (DsDStream *self, const char *what)
{
  if (DS_NODE (self)->context != NULL)
    return TRUE;
  g_critical (
      "%s: stream %s has no streaming context: it outlived that, or was not given "
      "to one with ds_streaming_context_input_stream () yet",
      what, ds_dstream_describe (self));
  return FALSE;
}

/* FALSE, with the mistake latched; where there is nothing to latch it in, told. */
static gboolean
ds_dstream_check_parents (DsDStream *const *parents, guint n_parents, const char *kind)
{
  DsDStreamNode *first = DS_NODE (parents[0]);

  if (!ds_dstream_has_context (parents[0], kind) ||
      !ds_streaming_context_may_build (first->context, kind))
    return FALSE;

  for (guint i = 0; i < n_parents; i++)
    {
      DsDStreamNode *node = DS_NODE (parents[i]);

      if (node->context != first->context)
        {
          ds_streaming_context_latch (
              first->context, DS_ERROR_INVALID_ARGUMENT,
              "%s: stream %u (%s) belongs to another streaming context than stream 0 "
              "(%s); all streams of an operator must come from one context",
              kind, i, ds_dstream_describe (parents[i]),
              ds_dstream_describe (parents[0]));
          return FALSE;
        }
      if (node->is_inert)
        return FALSE; /* its own mistake was the first */
      if (node->slide != first->slide)
        {
          ds_streaming_context_latch (
              first->context, DS_ERROR_INVALID_INTERVAL,
              "%s: stream %u (%s) slides by %.3f s, but stream 0 (%s) by %.3f s; all "
              "streams of an operator must slide alike",
              kind, i, ds_dstream_describe (parents[i]), (double) node->slide / DS_SECOND,
              ds_dstream_describe (parents[0]), (double) first->slide / DS_SECOND);
          return FALSE;
        }
    }
  return TRUE;
}

/* FALSE, latched: a ready-made function cannot work with that. */
static gboolean
ds_dstream_check_user_data (DsStreamingContext *context,
                            const char *kind,
                            GCallback func,
                            gpointer user_data)
{
  g_autofree char *mistake = ds_function_check_user_data (func, user_data);

  if (mistake == NULL)
    return TRUE;
  ds_streaming_context_latch (context, DS_ERROR_INVALID_ARGUMENT, "%s: %s", kind,
                              mistake);
  return FALSE;
}

DsDStream *
ds_dstream_new_child (GType type,
                      DsDStream *const *parents,
                      guint n_parents,
                      GCallback func,
                      gpointer user_data,
                      GDestroyNotify destroy)
{
  DsStreamingContext *context = DS_NODE (parents[0])->context;
  DsSharedData *data = ds_shared_data_new (user_data, destroy);
  DsDStream *self;
  DsDStreamNode *node;
  DsDStreamClass *klass = g_type_class_ref (type);
  const DsDStreamOps *ops = klass->ops;

  g_type_class_unref (klass); /* static types stay */
  if (!ds_dstream_check_parents (parents, n_parents, ops->kind) ||
      !ds_dstream_check_user_data (context, ops->kind, func, user_data))
    {
      ds_shared_data_unref (data);
      return context != NULL ? ds_dstream_new_inert (context) : NULL;
    }

  self = g_object_new (type, NULL);
  node = DS_NODE (self);
  node->context = context;
  node->slide = DS_NODE (parents[0])->slide;
  node->parents = g_memdup2 (parents, n_parents * sizeof *parents);
  node->n_parents = n_parents;
  node->func = func;
  node->data = data;
  ds_graph_add_stream (context->graph, self);
  return self;
}

DsDStream *
ds_dstream_derive (DsDStream *parent,
                   GType type,
                   GCallback func,
                   gpointer user_data,
                   GDestroyNotify destroy)
{
  return ds_dstream_new_child (type, &parent, 1, func, user_data, destroy);
}

const char *
ds_dstream_describe (DsDStream *self)
{
  DsDStreamNode *node = DS_NODE (self);

  if (node->name != NULL)
    return node->name;
  return node->label != NULL ? node->label : node->ops->kind;
}

/* ---- RDDs of a batch ---- */

gboolean
ds_dstream_is_time_valid (DsDStream *self, DsTime time)
{
  DsDStreamNode *node = DS_NODE (self);

  return node->zero_time != DS_TIME_NONE && time > node->zero_time &&
         (time - node->zero_time) % node->slide == 0;
}

gboolean
ds_dstream_may_call (DsDStream *self, DsTime time, GError **error)
{
  DsStreamingContext *context = DS_NODE (self)->context;

  if (!ds_graph_is_generating (context->graph, time) ||
      !ds_streaming_context_is_cut_short (context))
    return TRUE;
  g_set_error (error, DS_ERROR, DS_ERROR_STOPPED,
               "%s: no RDD is made for batch %" G_GINT64_FORMAT
               " ms any more: the context was stopped",
               ds_dstream_describe (self), time / DS_MILLISECOND);
  return FALSE;
}

/* As the stream's type makes it.  NULL without error: there is none. */
static DsRdd *
ds_dstream_make_rdd (DsDStream *self, DsBatch *batch, GError **error)
{
  DsDStreamNode *node = DS_NODE (self);
  DsTime time = ds_batch_get_time (batch);
  DsTime outer_time = node->making_time;
  DsRdd *rdd;

  /* A source hands its data out once, in the order of time: asked for a batch that it has
   * forgotten, it would give what belongs to a later one.  State goes forward only, with
   * the batches: who looks back, in between, finds what is remembered. */
  if ((node->n_parents == 0 || node->ops->is_stateful) &&
      node->newest_time != DS_TIME_NONE && time <= node->newest_time)
    return NULL;
  if (node->ops->is_stateful &&
      (node->remember == 0 || !ds_graph_is_generating (node->context->graph, time)))
    return NULL;
  if (node->n_parents == 0 && !ds_dstream_may_call (self, time, error))
    return NULL;
  if (time == outer_time)
    {
      g_set_error (error, DS_ERROR, DS_ERROR_INVALID_STATE,
                   "%s: making its RDD for batch %" G_GINT64_FORMAT
                   " ms takes that very RDD; look only at earlier batches",
                   ds_dstream_describe (self), time / DS_MILLISECOND);
      return NULL;
    }

  node->making_time = time;
  rdd = node->ops->compute (self, batch, error);
  node->making_time = outer_time;
  if (rdd != NULL)
    node->newest_time = MAX (node->newest_time, time);
  return rdd;
}

static void
ds_dstream_apply_options (DsDStreamNode *node, DsRdd *rdd)
{
  ds_rdd_count_flow (rdd);
  if (node->name != NULL)
    ds_rdd_set_name (rdd, node->name);
  if (node->storage_level != DS_STORAGE_NONE)
    ds_rdd_persist (rdd, node->storage_level);
  if (node->ops->is_stateful || node->ops->places_itself)
    return;
  if (node->n_partitions > 0)
    ds_rdd_set_n_partitions (rdd, node->n_partitions);
  if (node->partitioner != NULL)
    ds_rdd_set_partitioner (rdd, node->partitioner);
  if (node->preserves_partitioning)
    ds_rdd_set_preserves_partitioning (rdd, TRUE);
  if (node->hint != NULL)
    ds_shuffled_rdd_set_hint (rdd, node->hint);
}

DsRdd *
ds_dstream_find_rdd (DsDStream *self, DsTime time)
{
  GArray *generated = DS_NODE (self)->generated;

  /* From the newest: it is nearly always the one. */
  for (guint i = generated->len; i > 0; i--)
    {
      DsGeneratedRdd *known = &g_array_index (generated, DsGeneratedRdd, i - 1);

      if (known->time == time)
        return known->rdd;
    }
  return NULL;
}

DsRdd *
ds_dstream_get_rdd (DsDStream *self, DsBatch *batch, GError **error)
{
  DsDStreamNode *node = DS_NODE (self);
  DsTime time = ds_batch_get_time (batch);
  DsGeneratedRdd generated = { time, NULL };
  g_autoptr (GError) local_error = NULL;
  DsRdd *known;

  if (!ds_dstream_is_time_valid (self, time))
    return NULL;
  known = ds_dstream_find_rdd (self, time);
  if (known != NULL)
    return known;

  generated.rdd = ds_dstream_make_rdd (self, batch, &local_error);
  if (generated.rdd == NULL)
    {
      if (local_error != NULL)
        g_propagate_error (error, g_steal_pointer (&local_error));
      return NULL;
    }

  ds_dstream_apply_options (node, generated.rdd);
  g_array_append_val (node->generated, generated);
  return generated.rdd;
}

void
ds_dstream_adopt_rdd (DsDStream *self, DsTime time, DsRdd *rdd)
{
  DsDStreamNode *node = DS_NODE (self);
  DsGeneratedRdd generated = { time, g_object_ref (rdd) };

  ds_dstream_apply_options (node, rdd);
  g_array_append_val (node->generated, generated);
  node->newest_time = MAX (node->newest_time, time);
}

DsRdd *
ds_dstream_get_parent_rdd (DsDStream *self, DsBatch *batch, GError **error)
{
  return ds_dstream_get_rdd (DS_NODE (self)->parents[0], batch, error);
}

DsRdd *
ds_dstream_require_parent_rdd (DsDStream *self,
                               guint index,
                               DsBatch *batch,
                               GError **error)
{
  DsDStreamNode *node = DS_NODE (self);
  g_autoptr (GError) local_error = NULL;
  DsRdd *rdd = ds_dstream_get_rdd (node->parents[index], batch, &local_error);

  if (rdd == NULL && local_error != NULL)
    g_propagate_error (error, g_steal_pointer (&local_error));
  else if (rdd == NULL)
    g_set_error (error, DS_ERROR, DS_ERROR_FAILED,
                 "%s: its stream %u (%s) gave no RDD for batch %" G_GINT64_FORMAT
                 " ms; every stream of this operator must give one, if only an empty one "
                 "(ds_context_empty ())",
                 ds_dstream_describe (self), index,
                 ds_dstream_describe (node->parents[index]),
                 ds_batch_get_time (batch) / DS_MILLISECOND);
  return rdd;
}

DsRdd *
ds_dstream_lend_data (DsDStream *self, DsRdd *rdd)
{
  static gsize quark_once = 0;
  DsSharedData *data = DS_NODE (self)->data;

  if (data->destroy == NULL)
    return rdd; /* nothing that could go */

  if (g_once_init_enter (&quark_once))
    g_once_init_leave (&quark_once, g_quark_from_static_string ("ds-dstream-data"));
  g_object_set_qdata_full (G_OBJECT (rdd), (GQuark) quark_once, ds_shared_data_ref (data),
                           (GDestroyNotify) ds_shared_data_unref);
  return rdd;
}

/* The program may hold the RDD; whether it then still has what was kept of it for the
 * stream is a setting. */
static void
ds_dstream_drop_rdd (DsDStream *self, DsRdd *rdd)
{
  DsDStreamNode *node = DS_NODE (self);

  if (node->storage_level != DS_STORAGE_NONE &&
      (node->context == NULL || node->context->unpersist))
    ds_rdd_unpersist (rdd);
  g_object_unref (rdd);
}

void
ds_dstream_forget (DsDStream *self, DsTime now)
{
  DsDStreamNode *node = DS_NODE (self);
  DsTime threshold = now - node->remember;
  guint n_kept = 0;

  /* Usually in the order of time, but slice () may have asked for an old one late. */
  for (guint i = 0; i < node->generated->len; i++)
    {
      DsGeneratedRdd *known = &g_array_index (node->generated, DsGeneratedRdd, i);

      if (known->time > threshold)
        g_array_index (node->generated, DsGeneratedRdd, n_kept++) = *known;
      else
        ds_dstream_drop_rdd (self, known->rdd);
    }
  g_array_set_size (node->generated, n_kept);
}

void
ds_dstream_forget_all (DsDStream *self)
{
  GArray *generated = DS_NODE (self)->generated;

  for (guint i = 0; i < generated->len; i++)
    ds_dstream_drop_rdd (self, g_array_index (generated, DsGeneratedRdd, i).rdd);
  g_array_set_size (generated, 0);
}

guint
ds_dstream_get_n_remembered (DsDStream *self)
{
  return DS_NODE (self)->generated->len;
}

/* ---- Public ---- */

/**
 * ds_dstream_get_id:
 * @self: a stream
 *
 * Input streams are counted 0, 1, 2 ... as they are made, all other streams by
 * themselves.
 *
 * Returns: the number
 */
guint
ds_dstream_get_id (DsDStream *self)
{
  g_return_val_if_fail (DS_IS_DSTREAM (self), 0);

  return DS_NODE (self)->id;
}

/**
 * ds_dstream_get_slide_duration:
 * @self: a stream
 *
 * How far apart its RDDs are.
 *
 * Returns: µs, a multiple of the batch interval
 */
DsDuration
ds_dstream_get_slide_duration (DsDStream *self)
{
  g_return_val_if_fail (DS_IS_DSTREAM (self), DS_TIME_NONE);

  return DS_NODE (self)->slide;
}

/**
 * ds_dstream_get_context:
 * @self: a stream
 *
 * The streaming context that owns the stream.
 *
 * Returns: (transfer none) (nullable): the context; %NULL once it is gone, and for an
 *   input stream that was not handed to one yet
 */
DsStreamingContext *
ds_dstream_get_context (DsDStream *self)
{
  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);

  return DS_NODE (self)->context;
}
