/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* DsShuffledRdd: one node type for all operators over a shuffle; what they do differs in
 * their plan only.
 *
 * When the parent's keys already lie in the partitions that this node wants, there is no
 * exchange: the dependency is narrow, and each partition is combined by itself. */

#include "rdd/ds-shuffled-rdd-private.h"

#include "rdd/ds-partitioner-private.h"

typedef struct
{
  DsRdd parent_instance;
  DsShuffle *shuffle; /* also when nothing is exchanged: it holds the plan */
  gboolean has_exchange;
  gboolean result_is_keyed;
  DsClosureData closure;
} DsShuffledRdd;

typedef struct
{
  DsRddClass parent_class;
} DsShuffledRddClass;

static GType ds_shuffled_rdd_get_type (void);
G_DEFINE_FINAL_TYPE (DsShuffledRdd, ds_shuffled_rdd, DS_TYPE_RDD)

static DsRdd *
ds_shuffled_rdd_get_parent (DsRdd *rdd)
{
  guint n_dependencies;

  return ds_rdd_get_dependencies (rdd, &n_dependencies)[0].parent;
}

/* ---- Computing ---- */

static gboolean
ds_shuffled_rdd_combine_partition (DsShuffledRdd *self,
                                   DsRdd *parent,
                                   guint partition,
                                   DsTask *task,
                                   DsSink *sink)
{
  DsSink *combiner = ds_shuffle_make_combiner (self->shuffle, task);
  g_autoptr (DsBlock) block = NULL;

  if (ds_rdd_compute (parent, partition, task, combiner) && ds_sink_finish (combiner))
    block = ds_shuffle_combiner_steal_block (combiner);
  ds_sink_free (combiner);
  return block != NULL && ds_shuffle_push_combined (self->shuffle, block, sink);
}

static gboolean
ds_shuffled_rdd_compute (DsRdd *rdd, guint partition, DsTask *task, DsSink *sink)
{
  DsShuffledRdd *self = (DsShuffledRdd *) rdd;
  DsRdd *parent = ds_shuffled_rdd_get_parent (rdd);

  if (self->has_exchange)
    return ds_shuffle_read (self->shuffle, partition, task, sink);
  if (ds_shuffle_combines (self->shuffle))
    return ds_shuffled_rdd_combine_partition (self, parent, partition, task, sink);
  return ds_rdd_compute (parent, partition, task, sink);
}

static guint64
ds_shuffled_rdd_estimate_bytes (DsRdd *rdd)
{
  DsShuffledRdd *self = (DsShuffledRdd *) rdd;

  if (self->has_exchange && ds_shuffle_combines (self->shuffle) &&
      ds_shuffle_is_complete (self->shuffle))
    return ds_shuffle_get_n_bytes (self->shuffle);
  return ds_rdd_estimate_bytes (ds_shuffled_rdd_get_parent (rdd));
}

/* ---- Partitions ---- */

/* What follows from the partitioner: how many partitions, and whether there is an
 * exchange. */
static void
ds_shuffled_rdd_update_partitions (DsShuffledRdd *self)
{
  DsRdd *rdd = (DsRdd *) self;
  DsPartitioner *partitioner = ds_shuffle_get_partitioner (self->shuffle);
  DsPartitioner *there = ds_rdd_get_partitioner (ds_shuffled_rdd_get_parent (rdd));

  self->has_exchange = ds_shuffle_get_input (self->shuffle) != DS_SHUFFLE_PAIRS ||
                       !ds_partitioner_equal (partitioner, there);
  ds_rdd_set_parent_shuffle (rdd, 0, self->has_exchange ? self->shuffle : NULL);
  ds_rdd_set_node_n_partitions (rdd, ds_shuffle_get_n_reduces (self->shuffle));
  ds_rdd_set_node_partitioner (rdd, self->result_is_keyed ? partitioner : NULL);
}

static gboolean
ds_shuffled_rdd_set_partitioner (DsRdd *rdd, DsPartitioner *partitioner)
{
  DsShuffledRdd *self = (DsShuffledRdd *) rdd;

  /* Without a key there is nothing to partition by. */
  if (ds_shuffle_get_partitioner (self->shuffle) == NULL)
    return FALSE;
  ds_shuffle_set_partitioner (self->shuffle, partitioner);
  ds_shuffled_rdd_update_partitions (self);
  return TRUE;
}

static gboolean
ds_shuffled_rdd_set_n_partitions (DsRdd *rdd, guint n_partitions)
{
  g_autoptr (DsPartitioner) partitioner = NULL;

  if (n_partitions == 0)
    n_partitions = ds_context_get_default_parallelism (ds_rdd_get_context (rdd));
  partitioner = ds_partitioner_new_hash (n_partitions);
  return ds_shuffled_rdd_set_partitioner (rdd, partitioner);
}

/* ---- The type ---- */

static const DsRddOps ds_shuffled_rdd_ops = {
  .compute = ds_shuffled_rdd_compute,
  .estimate_bytes = ds_shuffled_rdd_estimate_bytes,
  .set_n_partitions = ds_shuffled_rdd_set_n_partitions,
  .set_partitioner = ds_shuffled_rdd_set_partitioner,
};

static void
ds_shuffled_rdd_finalize (GObject *object)
{
  DsShuffledRdd *self = (DsShuffledRdd *) object;

  g_clear_pointer (&self->shuffle, ds_shuffle_unref);
  ds_closure_data_clear (&self->closure);

  G_OBJECT_CLASS (ds_shuffled_rdd_parent_class)->finalize (object);
}

static void
ds_shuffled_rdd_class_init (DsShuffledRddClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ds_shuffled_rdd_finalize;
  klass->parent_class.ops = &ds_shuffled_rdd_ops;
}

static void
ds_shuffled_rdd_init (DsShuffledRdd *self)
{
}

static const char *
ds_shuffled_rdd_get_name (gpointer rdd)
{
  return ds_rdd_get_operator_name (rdd);
}

static DsPartitioner *
ds_shuffled_rdd_choose_partitioner (DsRdd *parent, const DsShuffledPlan *plan)
{
  guint n_partitions = plan->n_partitions;

  if (plan->partitioner != NULL)
    return ds_partitioner_ref (plan->partitioner);
  if (plan->input == DS_SHUFFLE_VALUES)
    return NULL;
  if (n_partitions == 0 && plan->input == DS_SHUFFLE_PAIRS &&
      ds_rdd_get_partitioner (parent) != NULL)
    return ds_partitioner_ref (ds_rdd_get_partitioner (parent));
  if (n_partitions == 0)
    n_partitions = ds_context_get_default_parallelism (ds_rdd_get_context (parent));
  return ds_partitioner_new_hash (n_partitions);
}

DsRdd *
ds_shuffled_rdd_new (DsRdd *parent, const DsShuffledPlan *plan, GDestroyNotify destroy)
{
  g_autoptr (DsPartitioner) partitioner =
      ds_shuffled_rdd_choose_partitioner (parent, plan);
  const DsShufflePlan shuffle_plan = { .combine = plan->combine,
                                       .input = plan->input,
                                       .partitioner = partitioner,
                                       .n_reduces = plan->n_partitions };
  DsShuffledRdd *self = g_object_new (ds_shuffled_rdd_get_type (), NULL);
  DsRdd *rdd = (DsRdd *) self;

  self->shuffle = ds_shuffle_new (&shuffle_plan, ds_shuffled_rdd_get_name, self);
  self->result_is_keyed = plan->result_is_keyed;
  self->closure.user_data = plan->combine != NULL ? plan->combine->user_data : NULL;
  self->closure.destroy = destroy;
  ds_rdd_init_node (rdd, ds_rdd_get_context (parent), plan->kind, 0);
  ds_rdd_add_parent (rdd, parent, NULL);
  ds_shuffled_rdd_update_partitions (self);
  return rdd;
}

void
ds_shuffled_rdd_set_hint (DsRdd *rdd, DsShuffleHint *hint)
{
  if (G_OBJECT_TYPE (rdd) == ds_shuffled_rdd_get_type ())
    ds_shuffle_set_hint (((DsShuffledRdd *) rdd)->shuffle, hint);
}

gboolean
ds_shuffled_rdd_has_exchange (DsRdd *rdd)
{
  g_assert (G_OBJECT_TYPE (rdd) == ds_shuffled_rdd_get_type ());

  return ((DsShuffledRdd *) rdd)->has_exchange;
}
