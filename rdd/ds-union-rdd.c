/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* union: the partitions of several RDDs, one after the other.  No value moves. */

#include "rdd/ds-rdd-private.h"

typedef struct
{
  DsRdd parent_instance;
  guint *first_partitions; /* of each parent; made by prepare */
} DsUnionRdd;

typedef struct
{
  DsRddClass parent_class;
} DsUnionRddClass;

static GType ds_union_rdd_get_type (void);
G_DEFINE_FINAL_TYPE (DsUnionRdd, ds_union_rdd, DS_TYPE_RDD)

static gboolean
ds_union_rdd_prepare (DsRdd *rdd, GError **error)
{
  DsUnionRdd *self = (DsUnionRdd *) rdd;
  guint n_parents;
  const DsDependency *dependencies = ds_rdd_get_dependencies (rdd, &n_parents);
  guint n_partitions = 0;

  g_free (self->first_partitions);
  self->first_partitions = g_new (guint, MAX (n_parents, 1));
  for (guint i = 0; i < n_parents; i++)
    {
      self->first_partitions[i] = n_partitions;
      n_partitions += ds_rdd_get_n_partitions (dependencies[i].parent);
    }
  ds_rdd_set_node_n_partitions (rdd, n_partitions);
  return TRUE;
}

/* The last parent whose first partition is not behind @partition: empty parents share
 * theirs with the next one. */
static guint
ds_union_rdd_find_parent (DsUnionRdd *self, guint n_parents, guint partition)
{
  guint low = 0;
  guint high = n_parents;

  while (high - low > 1)
    {
      guint middle = low + (high - low) / 2;

      if (self->first_partitions[middle] <= partition)
        low = middle;
      else
        high = middle;
    }
  return low;
}

static gboolean
ds_union_rdd_compute (DsRdd *rdd, guint partition, DsTask *task, DsSink *sink)
{
  DsUnionRdd *self = (DsUnionRdd *) rdd;
  guint n_parents;
  const DsDependency *dependencies = ds_rdd_get_dependencies (rdd, &n_parents);
  guint i = ds_union_rdd_find_parent (self, n_parents, partition);

  return ds_rdd_compute (dependencies[i].parent, partition - self->first_partitions[i],
                         task, sink);
}

static const DsRddOps ds_union_rdd_ops = { .compute = ds_union_rdd_compute,
                                           .prepare = ds_union_rdd_prepare };

static void
ds_union_rdd_finalize (GObject *object)
{
  g_free (((DsUnionRdd *) object)->first_partitions);

  G_OBJECT_CLASS (ds_union_rdd_parent_class)->finalize (object);
}

static void
ds_union_rdd_class_init (DsUnionRddClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ds_union_rdd_finalize;
  klass->parent_class.ops = &ds_union_rdd_ops;
}

static void
ds_union_rdd_init (DsUnionRdd *self)
{
}

/**
 * ds_context_union:
 * @self: the engine
 * @rdds: (array length=n_rdds): RDDs of this context
 * @n_rdds: how many; 0 gives an empty RDD
 *
 * The partitions of all @rdds, in order; duplicates stay.  Moves nothing.
 *
 * An RDD of another context latches %DS_ERROR_INVALID_ARGUMENT.
 *
 * Returns: (transfer full): the union
 */
DsRdd *
ds_context_union (DsContext *self, DsRdd **rdds, gsize n_rdds)
{
  DsRdd *rdd;

  g_return_val_if_fail (DS_IS_CONTEXT (self) && (rdds != NULL || n_rdds == 0), NULL);
  for (gsize i = 0; i < n_rdds; i++)
    g_return_val_if_fail (DS_IS_RDD (rdds[i]), NULL);

  rdd = g_object_new (ds_union_rdd_get_type (), NULL);
  ds_rdd_init_node (rdd, self, "union", 0);
  for (gsize i = 0; i < n_rdds; i++)
    ds_rdd_add_parent (rdd, rdds[i], NULL);
  return rdd;
}

/**
 * ds_rdd_union:
 * @self: an RDD
 * @other: another one of the same context
 *
 * The partitions of @self, then those of @other; duplicates stay.  Moves nothing.
 *
 * An RDD of another context latches %DS_ERROR_INVALID_ARGUMENT.
 *
 * Returns: (transfer full): the union
 */
DsRdd *
ds_rdd_union (DsRdd *self, DsRdd *other)
{
  DsRdd *rdds[] = { self, other };

  g_return_val_if_fail (DS_IS_RDD (self) && DS_IS_RDD (other), NULL);

  return ds_context_union (ds_rdd_get_context (self), rdds, G_N_ELEMENTS (rdds));
}
