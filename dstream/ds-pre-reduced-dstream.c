/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Each batch reduced by itself, in front of a window that reduces: what a window then
 * handles is one value a key and batch, and the values themselves can go.
 *
 * Several windows over one stream with the same functions, user data and partitions use
 * one pre-reduction: the streams behind the first take the RDDs of the first, which are
 * kept in memory for all. */

#include "dstream/ds-streaming-context-private.h"
#include "dstream/ds-window-private.h"

#include "rdd/ds-partitioner-private.h"

#define DS_TYPE_PRE_REDUCED_DSTREAM (ds_pre_reduced_dstream_get_type ())
G_DECLARE_FINAL_TYPE (DsPreReducedDStream,
                      ds_pre_reduced_dstream,
                      DS,
                      PRE_REDUCED_DSTREAM,
                      DsDStream)

struct _DsPreReducedDStream
{
  DsDStream parent_instance;
  DsPreReducePlan plan;
  DsDStream *owner;           /* not owned: the graph owns both */
  DsPartitioner *partitioner; /* (nullable): once asked for */
  DsShuffleHint *hint;
  gboolean has_looked; /* for a twin */
  DsDStream *twin;     /* (nullable): whose RDDs serve, too */
};

G_DEFINE_FINAL_TYPE (DsPreReducedDStream, ds_pre_reduced_dstream, DS_TYPE_DSTREAM)

DsPartitioner *
ds_pre_reduced_dstream_get_partitioner (DsDStream *dstream)
{
  DsPreReducedDStream *self = DS_PRE_REDUCED_DSTREAM (dstream);
  DsDStreamNode *owner = ds_dstream_get_node (self->owner);
  guint n_partitions = owner->n_partitions;

  if (self->partitioner != NULL)
    return self->partitioner;
  if (ds_pre_reduce_is_keyless (self->plan.kind))
    n_partitions = 1;
  else if (owner->partitioner != NULL)
    return self->partitioner = ds_partitioner_ref (owner->partitioner);
  else if (n_partitions == 0)
    n_partitions = ds_context_get_default_parallelism (owner->context->context);
  self->partitioner = ds_partitioner_new_hash (n_partitions);
  return self->partitioner;
}

/* ---- Sharing ---- */

static gboolean
ds_pre_reduced_dstream_is_like (DsPreReducedDStream *self, DsPreReducedDStream *other)
{
  DsDStream *a = DS_DSTREAM (self);
  DsDStream *b = DS_DSTREAM (other);

  return ds_dstream_get_node (a)->parents[0] == ds_dstream_get_node (b)->parents[0] &&
         ds_dstream_get_node (b)->remember > 0 && self->plan.kind == other->plan.kind &&
         self->plan.func == other->plan.func && self->plan.create == other->plan.create &&
         self->plan.merge_value == other->plan.merge_value &&
         ds_dstream_get_node (self->owner)->data->user_data ==
             ds_dstream_get_node (other->owner)->data->user_data &&
         ds_partitioner_equal (ds_pre_reduced_dstream_get_partitioner (a),
                               ds_pre_reduced_dstream_get_partitioner (b));
}

/* The first stream of the graph that does the same. */
static DsDStream *
ds_pre_reduced_dstream_find_twin (DsDStream *dstream)
{
  DsPreReducedDStream *self = DS_PRE_REDUCED_DSTREAM (dstream);
  DsGraph *graph = ds_dstream_get_node (dstream)->context->graph;

  if (self->has_looked)
    return self->twin;
  self->has_looked = TRUE;
  for (guint i = 0; i < ds_graph_get_n_streams (graph); i++)
    {
      DsDStream *other = ds_graph_get_stream (graph, i);

      if (other == dstream)
        break;
      if (DS_IS_PRE_REDUCED_DSTREAM (other) &&
          ds_pre_reduced_dstream_is_like (self, DS_PRE_REDUCED_DSTREAM (other)))
        return self->twin = other;
    }
  return NULL;
}

/* ---- Reducing ---- */

static DsValue
ds_pair_with_null (DsValue value, DsTask *task, gpointer unused)
{
  return ds_pair (task, ds_value_null (), value);
}

static gboolean
ds_is_not_zero (DsValue value, DsTask *task, gpointer unused)
{
  return ds_value_get_int (value) != 0;
}

/* Pairs of null and the one value of @reduced, if it has one. */
static DsRdd *
ds_pre_reduced_dstream_pair (DsPreReducedDStream *self, DsRdd *reduced)
{
  DsRdd *pairs = ds_rdd_map (reduced, ds_pair_with_null, NULL, NULL);

  ds_rdd_set_node_partitioner (pairs, ds_pre_reduced_dstream_get_partitioner (
                                          DS_DSTREAM (self)));
  return pairs;
}

static DsRdd *
ds_pre_reduced_dstream_reduce (DsPreReducedDStream *self, DsRdd *parent)
{
  const DsPreReducePlan *plan = &self->plan;
  gpointer user_data = ds_dstream_get_node (self->owner)->data->user_data;
  g_autoptr (DsRdd) reduced = NULL;
  g_autoptr (DsRdd) counted = NULL;

  switch (plan->kind)
    {
    case DS_PRE_REDUCE_KEYS:
      return ds_rdd_reduce_by_key (parent, plan->func, user_data, NULL);

    case DS_PRE_REDUCE_COMBINE:
      return ds_rdd_combine_by_key (parent, plan->create, plan->merge_value, plan->func,
                                    user_data, NULL);

    case DS_PRE_REDUCE_VALUES:
      return ds_counted_rdd_new (parent, 0);

    case DS_PRE_REDUCE_COUNT:
      counted = ds_count_rdd_new (parent);
      reduced = ds_rdd_filter (counted, ds_is_not_zero, NULL, NULL);
      return ds_pre_reduced_dstream_pair (self, reduced);

    case DS_PRE_REDUCE_ALL:
    default:
      reduced = ds_reduced_rdd_new (parent, plan->func, user_data, NULL);
      return ds_pre_reduced_dstream_pair (self, reduced);
    }
}

static DsRdd *
ds_pre_reduced_dstream_compute (DsDStream *dstream, DsBatch *batch, GError **error)
{
  DsPreReducedDStream *self = DS_PRE_REDUCED_DSTREAM (dstream);
  DsDStream *twin = ds_pre_reduced_dstream_find_twin (dstream);
  g_autoptr (GError) local_error = NULL;
  DsRdd *rdd;

  if (twin != NULL)
    {
      rdd = ds_dstream_get_rdd (twin, batch, &local_error);
      if (local_error != NULL)
        g_propagate_error (error, g_steal_pointer (&local_error));
      if (rdd == NULL)
        return NULL;
      ds_rdd_persist (rdd, DS_STORAGE_MEMORY); /* until it goes */
      return g_object_ref (rdd);
    }

  rdd = ds_dstream_get_parent_rdd (dstream, batch, error);
  if (rdd == NULL)
    return NULL;
  rdd = ds_dstream_lend_data (self->owner, ds_pre_reduced_dstream_reduce (self, rdd));
  if (!ds_pre_reduce_is_keyless (self->plan.kind))
    {
      ds_rdd_set_partitioner (rdd, ds_pre_reduced_dstream_get_partitioner (dstream));
      ds_shuffled_rdd_set_hint (rdd, self->hint);
    }
  return rdd;
}

static const DsDStreamOps ds_pre_reduced_dstream_ops = {
  .kind = "reduce before window",
  .compute = ds_pre_reduced_dstream_compute,
  .find_twin = ds_pre_reduced_dstream_find_twin,
};

static void
ds_pre_reduced_dstream_finalize (GObject *object)
{
  DsPreReducedDStream *self = DS_PRE_REDUCED_DSTREAM (object);

  g_clear_pointer (&self->partitioner, ds_partitioner_unref);
  g_clear_pointer (&self->hint, ds_shuffle_hint_unref);

  G_OBJECT_CLASS (ds_pre_reduced_dstream_parent_class)->finalize (object);
}

static void
ds_pre_reduced_dstream_class_init (DsPreReducedDStreamClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ds_pre_reduced_dstream_finalize;
  DS_DSTREAM_CLASS (klass)->ops = &ds_pre_reduced_dstream_ops;
}

static void
ds_pre_reduced_dstream_init (DsPreReducedDStream *self)
{
  self->hint = ds_shuffle_hint_new ();
}

DsDStream *
ds_pre_reduced_dstream_new (DsDStream *parent, const DsPreReducePlan *plan)
{
  DsDStream *self =
      ds_dstream_derive (parent, DS_TYPE_PRE_REDUCED_DSTREAM, NULL, NULL, NULL);

  if (DS_IS_PRE_REDUCED_DSTREAM (self))
    DS_PRE_REDUCED_DSTREAM (self)->plan = *plan;
  return self;
}

void
ds_pre_reduced_dstream_set_owner (DsDStream *self, DsDStream *owner)
{
  DS_PRE_REDUCED_DSTREAM (self)->owner = owner;
}
