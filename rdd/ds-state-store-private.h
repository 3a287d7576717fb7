/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsStateStore: the tables of all partitions of one stateful stream, and up to which
 * batch they can be read.  Refcounted; any thread.  Locks: the store's -> a table's. */

#include "base/ds-block.h"
#include "rdd/ds-partitioner.h"
#include "rdd/ds-rdd-private.h"
#include "rdd/ds-state-codec-private.h"

G_BEGIN_DECLS

typedef struct _DsStateStore DsStateStore;

/* @is_timed: see ds_state_table_new (). */
DsStateStore *ds_state_store_new (DsPartitioner *partitioner, gboolean is_timed);
DsStateStore *ds_state_store_ref (DsStateStore *self);
void ds_state_store_unref (DsStateStore *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsStateStore, ds_state_store_unref)

DsPartitioner *ds_state_store_get_partitioner (DsStateStore *self); /* (transfer none) */
DsStateTable *ds_state_store_get_table (DsStateStore *self, guint partition);

/* ---- Steps.  Thread: that of the partition, or the driver while no task runs. ---- */

/* What a step begins with: gives back what nobody will read again. */
void ds_state_store_begin (DsStateStore *self, guint partition);
/* Whether the initial states of @partition are in its table, by which batch. */
gboolean ds_state_store_is_loaded (DsStateStore *self, guint partition);
void ds_state_store_set_loaded (DsStateStore *self, guint partition, DsTime time);
/* A batch is given up. */
void ds_state_store_roll_back (DsStateStore *self, guint partition, DsTime time);
/* A batch is completed: from now on it is what outside readers see. */
void ds_state_store_commit (DsStateStore *self, DsTime time);
/* %DS_TIME_NONE: none yet. */
DsTime ds_state_store_get_committed (DsStateStore *self);
/* Whether a batch up to @time is completed. */
gboolean ds_state_store_has_begun (DsStateStore *self, DsTime time);
/* The tables are what they were after the batch of @time, which was completed. */
void ds_state_store_set_restored (DsStateStore *self, DsTime time);

/* ---- Readers ---- */

/* States as of @time stay readable until as many calls of unpin. */
void ds_state_store_pin (DsStateStore *self, DsTime time);
void ds_state_store_unpin (DsStateStore *self, DsTime time);
/* A save as of @time, which stays readable until ds_state_store_end_save ().  Returns
 * whether it can be of what changed since @since: when that is the time of the last save
 * that was a base, and not more than half as many changes as there are keys came after
 * it. */
gboolean ds_state_store_begin_save (DsStateStore *self, DsTime since, DsTime time);
/* @since: %DS_TIME_NONE, if begin returned FALSE.  @is_base: a later save may be asked
 * for what changed since @time. */
void
ds_state_store_end_save (DsStateStore *self, DsTime since, DsTime time, gboolean is_base);
/* The last completed batch; %DS_TIME_NONE, and nothing to unpin, when there is none. */
DsTime ds_state_store_pin_committed (DsStateStore *self);

/* Pushes all pairs (key, state) of @partition as of @time, which is pinned.  FALSE when
 * the task failed. */
gboolean ds_state_store_push (DsStateStore *self,
                              guint partition,
                              DsTime time,
                              DsTask *task,
                              DsSink *sink);

/* After loading: whether all keys are where the partitioner has them. */
gboolean ds_state_store_check_partitions (DsStateStore *self, GError **error);
/* As of the last completed batch, as blocks of pairs (key, state).  NULL with error. */
DsBlock *ds_state_store_lookup (DsStateStore *self, DsBlock *keys, GError **error);
/* Keys that are strings or bytes and begin with @prefix (nullable: all keys). */
DsBlock *ds_state_store_scan (DsStateStore *self,
                              const char *prefix,
                              gsize max_pairs,
                              GError **error);
DsBlock *ds_state_store_top (DsStateStore *self, gsize n, GError **error);

/* ---- Numbers ---- */

void ds_state_store_add_visited (DsStateStore *self, gsize n_keys);
guint64 ds_state_store_get_n_visited (DsStateStore *self);
guint64 ds_state_store_get_n_keys (DsStateStore *self); /* between batches */
guint ds_state_store_get_n_partitions (DsStateStore *self);
gsize ds_state_store_get_n_bytes (DsStateStore *self); /* deltas apart */

/* ---- RDDs ---- */

/* All pairs (key, state) as they are after @step, which is one of the store's; read when
 * asked for, never copied.  @partitioner (nullable): what may be relied on. */
DsRdd *ds_state_rdd_new (DsRdd *step,
                         const char *kind,
                         DsStateStore *store,
                         DsPartitioner *partitioner);
/* Such an RDD may still be made as long as @step lives: the states of its batch stay
 * readable.  Before the step is run. */
void ds_state_store_pin_step (DsStateStore *self, DsRdd *step);

G_END_DECLS
