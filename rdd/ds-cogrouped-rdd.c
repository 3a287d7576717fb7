/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* cogroup: several RDDs of pairs brought together by key.
 *
 * A parent whose keys already lie in the right partitions is read where it is, the others
 * are dealt out by a shuffle each.  One table takes in all of them, parent after parent;
 * under each key it keeps a list for each parent. */

#include "rdd/ds-cogrouped-rdd-private.h"

#include "base/ds-error.h"
#include "rdd/ds-job-private.h"
#include "rdd/ds-partitioner-private.h"

#define DS_COGROUP_MAX_PARENTS 4

typedef struct
{
  DsRdd parent_instance;
  DsPartitioner *partitioner;
  guint n_parents;
  DsShuffle *shuffles[DS_COGROUP_MAX_PARENTS]; /* also of parents that need no exchange */
} DsCogroupedRdd;

typedef struct
{
  DsRddClass parent_class;
} DsCogroupedRddClass;

static GType ds_cogrouped_rdd_get_type (void);
G_DEFINE_FINAL_TYPE (DsCogroupedRdd, ds_cogrouped_rdd, DS_TYPE_RDD)

/* ---- A sink into a table ---- */

typedef struct
{
  DsSink sink;
  DsTable *table; /* borrowed */
} DsTableSink;

static gboolean
ds_table_sink_push (DsSink *sink, const DsChunk *chunk)
{
  return ds_table_add_values (((DsTableSink *) sink)->table, chunk->values,
                              chunk->pair_values, chunk->n_values);
}

static gboolean
ds_table_sink_finish (DsSink *sink)
{
  return sink->task->error == NULL;
}

static void
ds_table_sink_free (DsSink *sink)
{
  g_free (sink);
}

static DsSink *
ds_table_sink_new (DsTask *task, DsTable *table, const char *operator_name)
{
  DsTableSink *self = ds_sink_alloc (sizeof *self, task, NULL);

  self->sink.push = ds_table_sink_push;
  self->sink.finish = ds_table_sink_finish;
  self->sink.free = ds_table_sink_free;
  self->sink.accepts = DS_ACCEPTS_PAIRS;
  self->sink.operator_name = operator_name;
  self->table = table;
  return &self->sink;
}

/* ---- Computing ---- */

static gboolean
ds_cogrouped_rdd_add_parent (DsCogroupedRdd *self,
                             guint index,
                             guint partition,
                             DsTask *task,
                             DsTable *table)
{
  DsRdd *rdd = (DsRdd *) self;
  DsSink *sink = ds_table_sink_new (task, table, ds_rdd_get_operator_name (rdd));
  gboolean success;

  ds_table_set_side (table, index);
  success =
      ds_rdd_read_parent (rdd, index, partition, task, sink) && ds_sink_finish (sink);
  ds_sink_free (sink);
  return success;
}

static gboolean
ds_cogrouped_rdd_compute (DsRdd *rdd, guint partition, DsTask *task, DsSink *sink)
{
  DsCogroupedRdd *self = (DsCogroupedRdd *) rdd;
  const DsCombine combine = { .kind = DS_COMBINE_GROUP,
                              .n_sides = self->n_parents,
                              .operator_name = ds_rdd_get_operator_name (rdd) };
  g_autoptr (DsTable) table = ds_table_new (&combine, task, 0);
  g_autoptr (DsBlock) block = NULL;

  for (guint i = 0; i < self->n_parents; i++)
    if (!ds_cogrouped_rdd_add_parent (self, i, partition, task, table))
      return FALSE;
  block = ds_table_end (table);
  if (block == NULL)
    return FALSE;
  ds_sink_push_block (sink, block);
  return task->error == NULL;
}

/* ---- Partitions ---- */

static void
ds_cogrouped_rdd_use_partitioner (DsCogroupedRdd *self, DsPartitioner *partitioner)
{
  DsRdd *rdd = (DsRdd *) self;
  DsPartitioner *old = self->partitioner;
  guint n_dependencies;
  const DsDependency *dependencies = ds_rdd_get_dependencies (rdd, &n_dependencies);

  self->partitioner = ds_partitioner_ref (partitioner);
  for (guint i = 0; i < self->n_parents; i++)
    {
      DsPartitioner *there = ds_rdd_get_partitioner (dependencies[i].parent);

      ds_shuffle_set_partitioner (self->shuffles[i], partitioner);
      ds_rdd_set_parent_shuffle (
          rdd, i, ds_partitioner_equal (partitioner, there) ? NULL : self->shuffles[i]);
    }
  ds_rdd_set_node_n_partitions (rdd, ds_partitioner_get_n_partitions (partitioner));
  ds_rdd_set_node_partitioner (rdd, partitioner);
  g_clear_pointer (&old, ds_partitioner_unref);
}

static gboolean
ds_cogrouped_rdd_set_partitioner (DsRdd *rdd, DsPartitioner *partitioner)
{
  ds_cogrouped_rdd_use_partitioner ((DsCogroupedRdd *) rdd, partitioner);
  return TRUE;
}

static gboolean
ds_cogrouped_rdd_set_n_partitions (DsRdd *rdd, guint n_partitions)
{
  g_autoptr (DsPartitioner) partitioner = NULL;

  if (n_partitions == 0)
    n_partitions = ds_context_get_default_parallelism (ds_rdd_get_context (rdd));
  partitioner = ds_partitioner_new_hash (n_partitions);
  return ds_cogrouped_rdd_set_partitioner (rdd, partitioner);
}

/* The one with the most partitions that a parent has, so that most stays where it is. */
static DsPartitioner *
ds_cogrouped_rdd_choose_partitioner (DsRdd **parents, guint n_parents)
{
  DsPartitioner *chosen = NULL;

  for (guint i = 0; i < n_parents; i++)
    {
      DsPartitioner *there = ds_rdd_get_partitioner (parents[i]);

      if (there != NULL &&
          (chosen == NULL || ds_partitioner_get_n_partitions (there) >
                                 ds_partitioner_get_n_partitions (chosen)))
        chosen = there;
    }
  if (chosen != NULL)
    return ds_partitioner_ref (chosen);
  return ds_partitioner_new_hash (
      ds_context_get_default_parallelism (ds_rdd_get_context (parents[0])));
}

/* ---- The type ---- */

static const DsRddOps ds_cogrouped_rdd_ops = {
  .compute = ds_cogrouped_rdd_compute,
  .set_n_partitions = ds_cogrouped_rdd_set_n_partitions,
  .set_partitioner = ds_cogrouped_rdd_set_partitioner,
};

static void
ds_cogrouped_rdd_finalize (GObject *object)
{
  DsCogroupedRdd *self = (DsCogroupedRdd *) object;

  for (guint i = 0; i < self->n_parents; i++)
    g_clear_pointer (&self->shuffles[i], ds_shuffle_unref);
  g_clear_pointer (&self->partitioner, ds_partitioner_unref);

  G_OBJECT_CLASS (ds_cogrouped_rdd_parent_class)->finalize (object);
}

static void
ds_cogrouped_rdd_class_init (DsCogroupedRddClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ds_cogrouped_rdd_finalize;
  klass->parent_class.ops = &ds_cogrouped_rdd_ops;
}

static void
ds_cogrouped_rdd_init (DsCogroupedRdd *self)
{
}

static const char *
ds_cogrouped_rdd_get_name (gpointer rdd)
{
  return ds_rdd_get_operator_name (rdd);
}

DsRdd *
ds_cogrouped_rdd_new (DsRdd **parents, guint n_parents, const char *kind)
{
  g_autoptr (DsPartitioner) partitioner =
      ds_cogrouped_rdd_choose_partitioner (parents, n_parents);
  const DsShufflePlan plan = { .input = DS_SHUFFLE_PAIRS, .partitioner = partitioner };
  DsCogroupedRdd *self = g_object_new (ds_cogrouped_rdd_get_type (), NULL);
  DsRdd *rdd = (DsRdd *) self;

  g_assert (n_parents >= 1 && n_parents <= DS_COGROUP_MAX_PARENTS);

  self->n_parents = n_parents;
  ds_rdd_init_node (rdd, ds_rdd_get_context (parents[0]), kind, 0);
  for (guint i = 0; i < n_parents; i++)
    {
      self->shuffles[i] = ds_shuffle_new (&plan, ds_cogrouped_rdd_get_name, self);
      ds_rdd_add_parent (rdd, parents[i], NULL);
    }
  ds_cogrouped_rdd_use_partitioner (self, partitioner);
  return rdd;
}

/**
 * ds_rdd_cogroup_many:
 * @self: an RDD of pairs
 * @others: (array length=n_others): more of them, of the same context
 * @n_others: 1 to 3
 *
 * One pair a key that any of them has, with a tuple of one list for each of them, @self
 * first: the values that the key has there, in the order of partitions and within them;
 * an empty list where it has none.
 *
 * Every value is moved and kept; the lists of a key must fit in memory.  An RDD that is
 * already partitioned in the same way is not moved.  By hash, in as many partitions as
 * the most finely partitioned one of them has, or the default parallelism:
 * ds_rdd_set_n_partitions () and ds_rdd_set_partitioner () say otherwise.  Values that
 * are no pairs fail the job with %DS_ERROR_TYPE; another number of RDDs latches
 * %DS_ERROR_INVALID_ARGUMENT.
 *
 * Returns: (transfer full): the RDD of pairs of key and tuple of lists
 */
DsRdd *
ds_rdd_cogroup_many (DsRdd *self, DsRdd **others, gsize n_others)
{
  DsRdd *parents[DS_COGROUP_MAX_PARENTS] = { self };
  const gsize n_used = MIN (n_others, DS_COGROUP_MAX_PARENTS - 1);
  DsRdd *rdd;

  g_return_val_if_fail (DS_IS_RDD (self) && (others != NULL || n_others == 0), NULL);

  for (gsize i = 0; i < n_used; i++)
    {
      g_return_val_if_fail (DS_IS_RDD (others[i]), NULL);
      parents[1 + i] = others[i];
    }
  rdd = ds_cogrouped_rdd_new (parents, 1 + (guint) n_used, "cogroup");
  if (n_others == 0 || n_others != n_used)
    ds_rdd_latch_error (rdd, g_error_new (DS_ERROR, DS_ERROR_INVALID_ARGUMENT,
                                          "cogroup brings an RDD together with 1 to %d "
                                          "others, not with %" G_GSIZE_FORMAT
                                          ": cogroup the results again for more",
                                          DS_COGROUP_MAX_PARENTS - 1, n_others));
  return rdd;
}

/**
 * ds_rdd_cogroup:
 * @self: an RDD of pairs
 * @other: another one of the same context
 *
 * One pair a key that either has, with the tuple of two lists: its values in @self, and
 * those in @other.  What holds for ds_rdd_cogroup_many () holds here.
 *
 * Returns: (transfer full): the RDD of pairs of key and tuple of two lists
 */
DsRdd *
ds_rdd_cogroup (DsRdd *self, DsRdd *other)
{
  g_return_val_if_fail (DS_IS_RDD (self) && DS_IS_RDD (other), NULL);

  return ds_rdd_cogroup_many (self, &other, 1);
}
