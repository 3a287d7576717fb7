/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The node of every operator that brings values together by key, or deals them out anew.
 */

#include "rdd/ds-rdd-private.h"

G_BEGIN_DECLS

typedef struct
{
  const char *kind;         /* a literal: "reduce_by_key" */
  const DsCombine *combine; /* (nullable): values stay as they are; copied */
  DsShuffleInput input;
  DsPartitioner *partitioner; /* (nullable): the parent's when it has one, else by hash */
  guint n_partitions;         /* 0: the default parallelism; without @partitioner */
  gboolean result_is_keyed;   /* pairs, each in the partition of its key */
} DsShuffledPlan;

/* The user data of the plan's combine belongs to the node, by @destroy (nullable).
 * (transfer full) */
DsRdd *
ds_shuffled_rdd_new (DsRdd *parent, const DsShuffledPlan *plan, GDestroyNotify destroy);
/* For streams: @hint is kept from batch to batch.  Before the first use; other nodes than
 * shuffled ones take no notice. */
void ds_shuffled_rdd_set_hint (DsRdd *self, DsShuffleHint *hint);
/* FALSE: keys are where they shall be, and combined partition by partition. */
gboolean ds_shuffled_rdd_has_exchange (DsRdd *self);

/* Of reduce_by_key and reduce_by_key_op. */
DsRdd *ds_shuffled_rdd_new_reduce_by_key (DsRdd *parent,
                                          DsReduceFunc func,
                                          gpointer user_data,
                                          GDestroyNotify destroy);

/* NULL: no such reduction. */
DsReduceFunc ds_reduction_get_func (DsReduction reduction);

G_END_DECLS
