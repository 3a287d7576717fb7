/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whole partitions for functions that read them: a sink that keeps what is pushed, in a
 * buffer that spills, and at the end calls a function that reads it chunk by chunk. */

#include "rdd/ds-sink-private.h"

G_BEGIN_DECLS

/* Emissions of @func go to @next; NULL: it may not emit (foreach_partition). */
DsSink *ds_partition_sink_new (DsTask *task,
                               DsSink *next,
                               DsMapPartitionFunc func,
                               gpointer user_data);
/* The same for a function that wants all of it as one block.  Exactly one of the two
 * functions is set, @map_func for a sink with @next. */
DsSink *ds_partition_block_sink_new (DsTask *task,
                                     DsSink *next,
                                     DsBlockFunc map_func,
                                     DsForeachBlockFunc foreach_func,
                                     gpointer user_data);
/* Calls @func for @block and pushes what it returns.  FALSE: enough, or the task failed.
 */
gboolean ds_sink_push_result_of_block_func (DsSink *self,
                                            DsBlockFunc func,
                                            gpointer user_data,
                                            DsBlock *block);

G_END_DECLS
