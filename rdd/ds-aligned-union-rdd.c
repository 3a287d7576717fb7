/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The union of RDDs whose keys lie alike: partition by partition, so that it lies as they
 * do and whoever reduces it by key need not exchange anything.  RDDs that lie otherwise
 * get the plain union. */

#include "rdd/ds-partitioner-private.h"
#include "rdd/ds-rdd-private.h"
#include "rdd/ds-relay-sink-private.h"

typedef struct
{
  DsRdd parent_instance;
} DsAlignedUnionRdd;

typedef struct
{
  DsRddClass parent_class;
} DsAlignedUnionRddClass;

static GType ds_aligned_union_rdd_get_type (void);
G_DEFINE_FINAL_TYPE (DsAlignedUnionRdd, ds_aligned_union_rdd, DS_TYPE_RDD)

static gboolean
ds_aligned_union_rdd_compute (DsRdd *rdd, guint partition, DsTask *task, DsSink *sink)
{
  guint n_parents;
  const DsDependency *dependencies = ds_rdd_get_dependencies (rdd, &n_parents);
  DsRelaySink relay;

  ds_relay_sink_init (&relay, task, sink);
  for (guint i = 0; i < n_parents && !relay.has_enough; i++)
    if (!ds_rdd_compute (dependencies[i].parent, partition, task, &relay.sink))
      return FALSE;
  return TRUE;
}

static const DsRddOps ds_aligned_union_rdd_ops = { .compute =
                                                       ds_aligned_union_rdd_compute };

static void
ds_aligned_union_rdd_class_init (DsAlignedUnionRddClass *klass)
{
  klass->parent_class.ops = &ds_aligned_union_rdd_ops;
}

static void
ds_aligned_union_rdd_init (DsAlignedUnionRdd *self)
{
}

DsRdd *
ds_aligned_union_rdd_new (DsContext *context, DsRdd **rdds, gsize n_rdds)
{
  DsPartitioner *partitioner = n_rdds > 0 ? ds_rdd_get_partitioner (rdds[0]) : NULL;
  DsRdd *rdd;

  for (gsize i = 1; partitioner != NULL && i < n_rdds; i++)
    if (!ds_partitioner_equal (partitioner, ds_rdd_get_partitioner (rdds[i])))
      partitioner = NULL;
  if (partitioner == NULL)
    return ds_context_union (context, rdds, n_rdds);

  rdd = g_object_new (ds_aligned_union_rdd_get_type (), NULL);
  ds_rdd_init_node (rdd, context, "union", ds_partitioner_get_n_partitions (partitioner));
  for (gsize i = 0; i < n_rdds; i++)
    ds_rdd_add_parent (rdd, rdds[i], NULL);
  ds_rdd_set_node_partitioner (rdd, partitioner);
  return rdd;
}
