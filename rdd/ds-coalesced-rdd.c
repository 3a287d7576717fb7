/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* coalesce: neighbouring partitions become one, read one after the other by one task.  No
 * value moves. */

#include "rdd/ds-rdd-private.h"
#include "rdd/ds-relay-sink-private.h"

typedef struct
{
  DsRdd parent_instance;
  guint n_wanted;
} DsCoalescedRdd;

typedef struct
{
  DsRddClass parent_class;
} DsCoalescedRddClass;

static GType ds_coalesced_rdd_get_type (void);
G_DEFINE_FINAL_TYPE (DsCoalescedRdd, ds_coalesced_rdd, DS_TYPE_RDD)

/* The first partition of the parent that @partition or a later one reads. */
static guint
ds_coalesced_rdd_get_begin (guint n_parent, guint n_partitions, guint partition)
{
  return (guint) ((guint64) n_parent * partition / n_partitions);
}

static gboolean
ds_coalesced_rdd_compute (DsRdd *rdd, guint partition, DsTask *task, DsSink *sink)
{
  guint n_dependencies;
  DsRdd *parent = ds_rdd_get_dependencies (rdd, &n_dependencies)[0].parent;
  const guint n_parent = ds_rdd_get_n_partitions (parent);
  const guint n_partitions = ds_rdd_get_n_partitions (rdd);
  const guint end = ds_coalesced_rdd_get_begin (n_parent, n_partitions, partition + 1);
  DsRelaySink relay;

  ds_relay_sink_init (&relay, task, sink);
  for (guint i = ds_coalesced_rdd_get_begin (n_parent, n_partitions, partition);
       i < end && !relay.has_enough; i++)
    if (!ds_rdd_compute (parent, i, task, &relay.sink))
      return FALSE;
  return TRUE;
}

static gboolean
ds_coalesced_rdd_prepare (DsRdd *rdd, GError **error)
{
  guint n_dependencies;
  DsRdd *parent = ds_rdd_get_dependencies (rdd, &n_dependencies)[0].parent;

  ds_rdd_set_node_n_partitions (rdd, MIN (((DsCoalescedRdd *) rdd)->n_wanted,
                                          ds_rdd_get_n_partitions (parent)));
  return TRUE;
}

static const DsRddOps ds_coalesced_rdd_ops = { .compute = ds_coalesced_rdd_compute,
                                               .prepare = ds_coalesced_rdd_prepare };

static void
ds_coalesced_rdd_class_init (DsCoalescedRddClass *klass)
{
  klass->parent_class.ops = &ds_coalesced_rdd_ops;
}

static void
ds_coalesced_rdd_init (DsCoalescedRdd *self)
{
}

/**
 * ds_rdd_coalesce:
 * @self: an RDD
 * @n_partitions: how many partitions there shall be at most; 0: the default parallelism
 *
 * The same values in the same order in fewer partitions: with m of them before, partition
 * i of n reads those from floor (i m / n) to floor ((i + 1) m / n) - 1.  With as few or
 * fewer before, all stays as it is.
 *
 * Nothing moves: one task computes all partitions that become one.
 * ds_rdd_repartition () makes more, and of equal size.
 *
 * Returns: (transfer full): the RDD in fewer partitions
 */
DsRdd *
ds_rdd_coalesce (DsRdd *self, guint n_partitions)
{
  DsCoalescedRdd *coalesced;
  DsRdd *rdd;

  g_return_val_if_fail (DS_IS_RDD (self), NULL);

  coalesced = g_object_new (ds_coalesced_rdd_get_type (), NULL);
  rdd = &coalesced->parent_instance;
  coalesced->n_wanted =
      n_partitions > 0 ? n_partitions
                       : ds_context_get_default_parallelism (ds_rdd_get_context (self));
  ds_rdd_init_node (rdd, ds_rdd_get_context (self), "coalesce", 0);
  ds_rdd_add_parent (rdd, self, NULL);
  return rdd;
}
