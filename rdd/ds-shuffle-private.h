/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsShuffle: what goes from the map partitions of a parent to the reduce partitions of a
 * child.  The map side writes through a sink that combines before the exchange; the
 * reduce side merges in the order of map partitions, so the result does not depend on
 * which thread was first.  Output stays until the shuffle goes (with the RDD that owns
 * it), so a second job on the same RDD finds the map stage done. */

#include "rdd/ds-sink-private.h"

G_BEGIN_DECLS

typedef struct _DsShuffle DsShuffle;

DsShuffle *ds_shuffle_ref (DsShuffle *self);
void ds_shuffle_unref (DsShuffle *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsShuffle, ds_shuffle_unref)

/* For the scheduler.  Thread: any; each map partition is written by one task at a time.
 */
void ds_shuffle_set_n_maps (DsShuffle *self, guint n_maps); /* before the first writer */
gboolean ds_shuffle_is_complete (DsShuffle *self);
gboolean ds_shuffle_has_map (DsShuffle *self, guint map_partition);
/* The terminal sink of a map task. */
DsSink *ds_shuffle_make_writer (DsShuffle *self, guint map_partition, DsTask *task);
/* After finish, in a task that succeeded: makes the writer's output that partition's; the
 * first one counts. */
void ds_shuffle_commit_writer (DsShuffle *self, DsSink *writer);

G_END_DECLS
