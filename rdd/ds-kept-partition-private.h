/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsKeptPartition: a partition of one parent, kept while that of another is pushed: what
 * an operator with two parents needs that are not brought together by key (rule (b) of
 * the push model).  In a buffer that spills.  One thread. */

#include "rdd/ds-rdd-private.h"
#include "rdd/ds-spill-buffer-private.h"

G_BEGIN_DECLS

/* All of @partition of @rdd, pairs as tuples.  @operator_name: who keeps it, for
 * messages. NULL when the task failed. */
DsSpillBuffer *ds_rdd_keep_partition (DsRdd *rdd,
                                      guint partition,
                                      DsTask *task,
                                      const char *operator_name);
/* The next values, valid until the next call; *@n_values 0 at the end.  FALSE when the
 * task failed. */
gboolean ds_kept_partition_next (DsSpillReader *reader,
                                 DsTask *task,
                                 const DsValue **values,
                                 gsize *n_values);

G_END_DECLS
