/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What shuffles ask of a partitioner. */

#include "base/ds-value.h"
#include "rdd/ds-partitioner.h"

G_BEGIN_DECLS

/* The partition of each key, to @partitions.  FALSE when the task failed: a function gave
 * a number that is none of its partitions. */
gboolean ds_partitioner_get_partitions (DsPartitioner *self,
                                        const DsValue *keys,
                                        gsize n_keys,
                                        DsTask *task,
                                        guint32 *partitions);
/* Whether both put every key into the same partition, as far as that can be known: the
 * same object, or two hash partitioners of one size.  Both nullable. */
gboolean ds_partitioner_equal (DsPartitioner *a, DsPartitioner *b);
/* Whether it goes by a function of the program, which may be another one in the next
 * run. */
gboolean ds_partitioner_has_func (DsPartitioner *self);
/* Whether it has @keys, at most %DS_CHUNK_MAX_VALUES, in @partition, where they were
 * saved; always without a function.  %DS_ERROR_GRAPH_MISMATCH names one that is not. */
gboolean ds_partitioner_check_saved (DsPartitioner *self,
                                     const DsValue *keys,
                                     gsize n_keys,
                                     guint partition,
                                     GError **error);
/* One partition, and nothing that could say otherwise. */
gboolean ds_partitioner_is_single (DsPartitioner *self);

G_END_DECLS
