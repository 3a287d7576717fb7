/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Flow: how many values each partition of a node gave, for those who explain.  Sinks
 * count once a chunk (ds_sink_push ()); here lie the sums of nodes that were told to keep
 * them. */

#include "rdd/ds-rdd-private.h"

G_BEGIN_DECLS

/* So many partitions need no memory of their own. */
#define DS_FLOW_FEW 4

typedef struct
{
  guint64 *notes; /* atomic; (nullable): by partition; NULL: nobody wants to know */
  guint64 few[DS_FLOW_FEW];
  gint n_partitions_and_one; /* atomic; 0: not known yet */
} DsFlowNotes;

typedef struct
{
  gboolean is_prepared; /* no job has looked at the node before */
  guint n_partitions;
  guint n_computed;     /* of them, in whole or as far as wanted */
  guint64 n_values;     /* that they gave */
  guint64 n_text_bytes; /* that they gave as text, of which nobody counted the lines */
} DsFlow;

/* From now on @rdd keeps the numbers of each partition; of one that is computed several
 * times, the largest.  Any time; costs nothing. */
void ds_rdd_count_flow (DsRdd *rdd);
/* Any thread, also while tasks run.  All 0 for a node that was not told to count. */
void ds_rdd_get_flow (DsRdd *rdd, DsFlow *flow);

/* ---- Of nodes ---- */

DsFlowNotes *ds_rdd_get_flow_notes (DsRdd *rdd);
/* Thread: driver, before any task.  Locks: the node's is held. */
void ds_flow_notes_prepare (DsFlowNotes *self, guint n_partitions);
void ds_flow_notes_clear (DsFlowNotes *self);
/* Thread: executor.  A task has computed @partition. */
void ds_flow_notes_add (DsFlowNotes *self,
                        guint partition,
                        guint64 n_values,
                        guint64 n_text_bytes);

G_END_DECLS
