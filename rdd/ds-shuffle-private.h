/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsShuffle: what goes from the map partitions of a parent to the reduce partitions of a
 * child.  The map side writes through a sink that combines before the exchange; the
 * reduce side merges in the order of map partitions, so the result does not depend on
 * which thread was first.  Output stays until the shuffle goes (with the RDD that owns
 * it), so a second job on the same RDD finds the map stage done. */

#include "base/ds-memory-budget-private.h"
#include "rdd/ds-partitioner.h"
#include "rdd/ds-sink-private.h"
#include "rdd/ds-table-private.h"

G_BEGIN_DECLS

typedef struct _DsShuffle DsShuffle;

DsShuffle *ds_shuffle_ref (DsShuffle *self);
void ds_shuffle_unref (DsShuffle *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsShuffle, ds_shuffle_unref)

/* ---- For the scheduler ----
 * Thread: any; each map partition is written by one task at a time. */

void ds_shuffle_set_n_maps (DsShuffle *self, guint n_maps); /* before the first writer */
gboolean ds_shuffle_is_complete (DsShuffle *self);
/* While no task runs: drops what was written; the shuffle is as before its map stage. */
void ds_shuffle_forget_outputs (DsShuffle *self);
gboolean ds_shuffle_has_map (DsShuffle *self, guint map_partition);
/* The terminal sink of a map task. */
DsSink *ds_shuffle_make_writer (DsShuffle *self, guint map_partition, DsTask *task);
/* After finish, in a task that succeeded: makes the writer's output that partition's; the
 * first one counts. */
void ds_shuffle_commit_writer (DsShuffle *self, DsSink *writer);

/* ---- How many keys there were the last time ----
 * For an operator that runs again and again, as a stream's does once a batch: tables
 * start with the size, and in the shape, that the last ones ended with.  Only speed
 * depends on it.  Atomically refcounted, any thread. */

typedef struct _DsShuffleHint DsShuffleHint;

DsShuffleHint *ds_shuffle_hint_new (void);
DsShuffleHint *ds_shuffle_hint_ref (DsShuffleHint *self);
void ds_shuffle_hint_unref (DsShuffleHint *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsShuffleHint, ds_shuffle_hint_unref)

/* ---- For the nodes that own one ---- */

/* What comes in, and what of it is the key. */
typedef enum
{
  DS_SHUFFLE_PAIRS,
  DS_SHUFFLE_VALUES_AS_KEYS, /* count_by_value, distinct */
  DS_SHUFFLE_VALUES          /* no key: reduce to one value; dealing out in turn */
} DsShuffleInput;

typedef struct
{
  const DsCombine *combine; /* (nullable): values are dealt out as they are; copied */
  DsShuffleInput input;
  DsPartitioner *partitioner; /* (nullable): one partition, or in turn */
  guint n_reduces;            /* where there is no partitioner */
  gboolean sorts;             /* by key, over all partitions; neither combine nor
                                 partitioner then */
  gboolean is_descending;     /* when it sorts */
} DsShufflePlan;

/* @name: of the operator, for messages; asked in every task with @name_data, which must
 * outlive the shuffle's use. */
typedef const char *(*DsShuffleNameFunc) (gpointer name_data);
DsShuffle *
ds_shuffle_new (const DsShufflePlan *plan, DsShuffleNameFunc name, gpointer name_data);
/* Before the first writer. */
void ds_shuffle_set_partitioner (DsShuffle *self, DsPartitioner *partitioner);
/* The same for one without a partitioner. */
void ds_shuffle_set_n_reduces (DsShuffle *self, guint n_reduces);
void ds_shuffle_set_hint (DsShuffle *self, DsShuffleHint *hint);
DsPartitioner *ds_shuffle_get_partitioner (DsShuffle *self); /* (nullable) */
guint ds_shuffle_get_n_reduces (DsShuffle *self);
DsShuffleInput ds_shuffle_get_input (DsShuffle *self);
gboolean ds_shuffle_combines (DsShuffle *self);
guint64 ds_shuffle_get_n_bytes (DsShuffle *self); /* written so far */

/* Pushes a reduce partition into @sink.  FALSE when the task failed. */
gboolean
ds_shuffle_read (DsShuffle *self, guint reduce_partition, DsTask *task, DsSink *sink);

/* ---- Combining without an exchange ---- */

/* The map side's sink by itself: after finish its block may be taken once. */
DsSink *ds_shuffle_make_combiner (DsShuffle *self, DsTask *task);
DsBlock *ds_shuffle_combiner_steal_block (DsSink *combiner); /* (transfer full) */
/* Pushes what combiners made, in the form of the operator's result. */
gboolean ds_shuffle_push_combined (DsShuffle *self, DsBlock *block, DsSink *sink);

G_END_DECLS
