/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsRecovery: what a checkpoint directory holds: the newest checkpoint that can be read,
 * and what the log says of the batches after it.
 *
 * A batch that was planned is generated again as it was planned.  If it is known to be
 * complete it only moves state on; the newest one and those that are not known to be
 * complete run with their outputs.  Made before start, given to the graph by start, and
 * asked by the driver for each batch until all that was planned has run again. */

#include "base/ds-checkpoint-file-private.h"
#include "base/ds-log-reader-private.h"
#include "base/ds-write-ahead-log-private.h"
#include "dstream/ds-graph-signature-private.h"

G_BEGIN_DECLS

/* How a batch ended, as the log has it. */
typedef enum
{
  DS_BATCH_COMPLETE = 0,
  DS_BATCH_OUTPUTS_FAILED = 1, /* given up; state moved on */
  DS_BATCH_GIVEN_UP = 2        /* and state did not */
} DsBatchResult;

typedef enum
{
  DS_REPLAY_NOT,     /* a new batch */
  DS_REPLAY_STATE,   /* only moves state on */
  DS_REPLAY_OUTPUTS, /* runs again */
  DS_REPLAY_GIVEN_UP /* its steps are given up once more */
} DsReplay;

/* A block in the log whose batch, if it has one, runs again or is remembered. */
typedef struct
{
  DsLogRecord record;
  GBytes *head; /* the first bytes of the payload, %DS_RECEIVED_BLOCK_MAX_HEAD at most */
} DsRecoveredBlock;

typedef struct _DsRecovery DsRecovery;

/* NULL without error: the directory is fresh. */
DsRecovery *ds_recovery_read (DsDurableDirectory *directory, GError **error);
void ds_recovery_free (DsRecovery *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsRecovery, ds_recovery_free)

DsTime ds_recovery_get_time (DsRecovery *self); /* of the checkpoint */
DsTime ds_recovery_get_zero_time (DsRecovery *self);
guint ds_recovery_get_parallelism (DsRecovery *self);
/* The newest batch that was planned, or that of the checkpoint. */
DsTime ds_recovery_get_last_time (DsRecovery *self);
/* Where the log goes on. */
guint64 ds_recovery_get_next_segment (DsRecovery *self);
guint64 ds_recovery_get_next_sequence (DsRecovery *self);
/* Of the plan of a batch that is to run again; 0: it has none. */
guint64 ds_recovery_get_plan_sequence (DsRecovery *self, DsTime time);
/* FALSE with %DS_ERROR_GRAPH_MISMATCH, or what an input that cannot be recovered says.
 * @dropped, @accepts_new: see ds_graph_signature_match (). */
gboolean ds_recovery_match (DsRecovery *self,
                            DsStreamingContext *context,
                            GPtrArray *dropped,
                            gboolean accepts_new,
                            GError **error);
/* Says which of @dropped nobody knows, for they may be slips of the pen. */
void ds_recovery_tell_needless (DsRecovery *self,
                                DsStreamingContext *context,
                                GPtrArray *dropped);
/* After ds_recovery_match () and ds_graph_freeze (): positions, plans, state, remembered
 * results.  Thread: the one that starts.  Locks: takes the graph's. */
gboolean
ds_recovery_apply (DsRecovery *self, DsStreamingContext *context, GError **error);

/* Any thread. */
DsReplay ds_recovery_get_replay (DsRecovery *self, DsTime time);
/* The first time from @time on, which is not behind the last time, at which a batch was
 * planned; those before it were given up.  Any thread. */
DsTime ds_recovery_get_next_time (DsRecovery *self, DsTime time);
/* How often the batch that was begun most often, and was not over when the process ended,
 * has been begun: that of @time (out). */
guint ds_recovery_get_max_attempts (DsRecovery *self, DsTime *time);

G_END_DECLS
