/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/ds-macros.h"

#include "rdd/ds-task.h"

G_BEGIN_DECLS

/**
 * DsPartitioner:
 *
 * A rule from keys to partitions.  Boxed, atomically refcounted, any thread.  Two RDDs
 * with the same partitioner join without a shuffle.
 */
typedef struct _DsPartitioner DsPartitioner;
#define DS_TYPE_PARTITIONER (ds_partitioner_get_type ())
DS_AVAILABLE_IN_ALL
GType ds_partitioner_get_type (void);
DS_AVAILABLE_IN_ALL
DsPartitioner *ds_partitioner_new_hash (guint n_partitions);
DS_AVAILABLE_IN_ALL
DsPartitioner *ds_partitioner_new (guint n_partitions,
                                   DsPartitionFunc func,
                                   gpointer user_data,
                                   GDestroyNotify destroy); /* (skip) */
DS_AVAILABLE_IN_ALL
DsPartitioner *ds_partitioner_ref (DsPartitioner *self);
DS_AVAILABLE_IN_ALL
void ds_partitioner_unref (DsPartitioner *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsPartitioner, ds_partitioner_unref)

DS_AVAILABLE_IN_ALL
guint ds_partitioner_get_n_partitions (DsPartitioner *self);

G_END_DECLS
