/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Lineage: what every RDD node is made of, and what its type must provide.  Nodes are
 * immutable once first used by a job; any thread. */

#include "rdd/ds-rdd.h"
#include "rdd/ds-shuffle-private.h"
#include "rdd/ds-sink-private.h"
#include "rdd/ds-task-private.h"

G_BEGIN_DECLS

typedef struct
{
  DsRdd *parent;      /* owned by the node */
  DsShuffle *shuffle; /* (nullable): NULL is a narrow dependency */
} DsDependency;

typedef struct
{
  /* A narrow operator of one parent, partition by partition: the sink that feeds @next.
   * Exactly one of make_sink and compute is set. */
  DsSink *(*make_sink) (DsRdd *self, guint partition, DsTask *task, DsSink *next);

  /* Everything else (sources, shuffle readers, unions): pushes all chunks of @partition
   * into @sink, and does not finish it.  FALSE only when the task failed; a sink that has
   * enough is success. */
  gboolean (*compute) (DsRdd *self, guint partition, DsTask *task, DsSink *sink);

  /* Bytes of work, roughly, for deciding whether other threads are woken; G_MAXUINT64:
   * unknown, much. NULL: the sum over the parents. */
  guint64 (*estimate_bytes) (DsRdd *self);

  /* Called in the driver before a job looks at the node: sources list their files and
   * count their partitions here, once.  NULL: nothing to do. */
  gboolean (*prepare) (DsRdd *self, GError **error);

  /* What the node must know of its parents' values before its partitions can be computed:
   * called by each job that is going to, when the shuffles behind the node are complete.
   * No lock is held.  Thread: driver.  FALSE: the job is to end.  NULL: nothing. */
  gboolean (*begin_job) (DsRdd *self, DsJob *job);

  /* Whether compute pushes what lies in memory as long as the node lives: to persist that
   * would only copy it. */
  gboolean has_values;

  /* Options; FALSE: "not mine", which latches an error naming the option and the
   * operators that have it. NULL: none. */
  gboolean (*set_n_partitions) (DsRdd *self, guint n_partitions);
  gboolean (*set_partitioner) (DsRdd *self, DsPartitioner *partitioner);
  gboolean (*set_preserves_partitioning) (DsRdd *self, gboolean preserves);
} DsRddOps;

/* For the constructors of node types: fills the common part.  @kind: "map", "text_file",
 * for names and messages.  The node inherits the first parent's latched error; an RDD of
 * another context among
 * @parents latches %DS_ERROR_INVALID_ARGUMENT.  @n_partitions 0: known only after
 * prepare. */
void
ds_rdd_init_node (DsRdd *self, DsContext *context, const char *kind, guint n_partitions);
/* References @parent and @shuffle for itself; the caller keeps its own. */
void ds_rdd_add_parent (DsRdd *self, DsRdd *parent, DsShuffle *shuffle);
/* Before the first use: NULL makes the dependency on that parent a narrow one. */
void ds_rdd_set_parent_shuffle (DsRdd *self, guint index, DsShuffle *shuffle);
void ds_rdd_set_node_n_partitions (DsRdd *self, guint n_partitions);
void ds_rdd_latch_error (DsRdd *self,
                         GError *error); /* (transfer full); the first one counts */
/* Parents first.  Also copies the partition count of the parent to a node that has
 * make_sink, and tells shuffles how many maps they have. */
gboolean ds_rdd_prepare (DsRdd *self, GError **error);

const DsRddOps *ds_rdd_get_ops (DsRdd *self);
const DsDependency *ds_rdd_get_dependencies (DsRdd *self, guint *n_dependencies);
DsPartitioner *ds_rdd_get_partitioner (DsRdd *self); /* (nullable) (transfer none) */
void ds_rdd_set_node_partitioner (DsRdd *self,
                                  DsPartitioner *partitioner); /* (nullable) */
const char *ds_rdd_get_operator_name (DsRdd *self); /* the name, else the kind */
guint64 ds_rdd_estimate_bytes (DsRdd *self);

/* Pushes all of @partition into @sink, building the chain of narrow operators in front of
 * it.  Consumes nothing; does not finish @sink.  FALSE when the task failed. */
gboolean ds_rdd_compute (DsRdd *self, guint partition, DsTask *task, DsSink *sink);
/* The same with what parent number @index has for @partition of @self: through the
 * shuffle between them, or where it lies. */
gboolean ds_rdd_read_parent (DsRdd *self,
                             guint index,
                             guint partition,
                             DsTask *task,
                             DsSink *sink);
/* The same as if nothing of @self itself were kept (ds_rdd_persist ()). */
gboolean ds_rdd_compute_anew (DsRdd *self, guint partition, DsTask *task, DsSink *sink);

/* A function triple that belongs to a node. */
typedef struct
{
  gpointer user_data;
  GDestroyNotify destroy;
} DsClosureData;

/* Calls destroy, once. */
static inline void
ds_closure_data_clear (DsClosureData *self)
{
  GDestroyNotify destroy = self->destroy;

  self->destroy = NULL;
  if (destroy != NULL)
    destroy (self->user_data);
}

/* ---- Nodes that other layers make ---- */

/* One partition a block, in order; when there are more than @max_partitions (at least 1)
 * neighbours share one, so that each has about the same number of bytes.  Takes
 * references. */
DsRdd *ds_block_rdd_new (DsContext *context,
                         DsBlock **blocks,
                         guint n_blocks,
                         guint max_partitions);
/* (value, n), hash-partitioned: what count_by_value of a stream is.  @n_partitions 0: the
 * default. */
DsRdd *ds_counted_rdd_new (DsRdd *parent, guint n_partitions);
/* One value, the reduction of all; no value for an empty RDD (unlike the action). */
DsRdd *ds_reduced_rdd_new (DsRdd *parent,
                           DsReduceFunc func,
                           gpointer user_data,
                           GDestroyNotify destroy);
/* The union, partition by partition when all @rdds have the same partitioner (it has it,
 * too), else one behind the other. */
DsRdd *ds_aligned_union_rdd_new (DsContext *context, DsRdd **rdds, gsize n_rdds);
/* One value, how many there are, also 0. */
DsRdd *ds_count_rdd_new (DsRdd *parent);

G_END_DECLS
