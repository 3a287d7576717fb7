/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsReceivedBlockTracker: which received block belongs to which batch.  A block carries
 * its arrival time, and belongs to the first batch at or after it that is allocated; one
 * that is in the log also its sequence number.  Any thread; a lock of its own. */

#include "base/ds-block-private.h"
#include "base/ds-durable-directory-private.h"
#include "base/ds-log-reader-private.h"
#include "base/ds-memory-budget-private.h"
#include "base/ds-time.h"
#include "dstream/ds-received-block-recovery-private.h"

G_BEGIN_DECLS

typedef struct _DsReceivedBlockTracker DsReceivedBlockTracker;

/* @budget (nullable): gets the bytes of blocks back when they are forgotten. */
DsReceivedBlockTracker *ds_received_block_tracker_new (DsMemoryBudget *budget);
void ds_received_block_tracker_free (DsReceivedBlockTracker *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsReceivedBlockTracker, ds_received_block_tracker_free)

/* Takes over @block. */
void ds_received_block_tracker_add (DsReceivedBlockTracker *self,
                                    guint stream_id,
                                    DsBlock *block,
                                    gint64 n_records,
                                    gsize n_bytes,
                                    DsTime arrival_time);
/* The same for a block that is in the log under @sequence. */
void ds_received_block_tracker_add_logged (DsReceivedBlockTracker *self,
                                           guint stream_id,
                                           DsBlock *block,
                                           gint64 n_records,
                                           gsize n_bytes,
                                           DsTime arrival_time,
                                           guint64 sequence);
/* How many blocks of the log a batch has at most.  Its plan names each with up to nine
 * bytes, and has room for 16 MiB of them. */
#define DS_RECEIVED_BLOCKS_PER_BATCH 1500000

/* Gives @batch_time all blocks that have arrived by then and have no batch yet; those for
 * which it has no room wait for the next.  A time that is not after the last one is
 * ignored: FALSE. */
gboolean ds_received_block_tracker_allocate (DsReceivedBlockTracker *self,
                                             DsTime batch_time);
/* The blocks of a batch, in order of arrival.  (transfer full) of DsBlock; @n_records
 * (out) */
GPtrArray *ds_received_block_tracker_get_blocks (DsReceivedBlockTracker *self,
                                                 DsTime batch_time,
                                                 guint stream_id,
                                                 gint64 *n_records);
/* The number alone. */
gint64 ds_received_block_tracker_get_n_records (DsReceivedBlockTracker *self,
                                                DsTime batch_time,
                                                guint stream_id);
/* Those without a batch yet.  (transfer full) */
GPtrArray *ds_received_block_tracker_get_unallocated (DsReceivedBlockTracker *self,
                                                      guint stream_id);
/* When the first of those that wait for a batch arrived; G_MAXINT64: none waits. */
DsTime
ds_received_block_tracker_get_first_unallocated_time (DsReceivedBlockTracker *self);
gint64 ds_received_block_tracker_get_n_unallocated_records (DsReceivedBlockTracker *self);
/* Of one stream. */
gint64 ds_received_block_tracker_get_n_waiting_records (DsReceivedBlockTracker *self,
                                                        guint stream_id);
/* Forgets the blocks of batches strictly before @threshold and releases their bytes. */
void ds_received_block_tracker_cleanup (DsReceivedBlockTracker *self, DsTime threshold);

/* ---- Of blocks that are in the log ---- */

/* The sequence numbers of a batch's blocks, to @sequences, ascending. */
void ds_received_block_tracker_get_plan (DsReceivedBlockTracker *self,
                                         DsTime batch_time,
                                         guint stream_id,
                                         GArray *sequences);
/* How far the stream was after the batch of @time, whatever was allocated since. */
void ds_received_block_tracker_get_position (DsReceivedBlockTracker *self,
                                             DsTime time,
                                             guint stream_id,
                                             DsBlockPosition *position);
/* Of all blocks that are known here; %G_MAXUINT64: of none. */
guint64 ds_received_block_tracker_get_oldest_sequence (DsReceivedBlockTracker *self);

/* ---- Recovery: before the first block is added ---- */

/* Blocks of the stream with lower numbers have been in batches, but for those that are
 * known here. */
void ds_received_block_tracker_set_forgotten (DsReceivedBlockTracker *self,
                                              guint stream_id,
                                              guint64 end);
/* A block that is only in the log: in a batch, or with %DS_TIME_NONE in none yet; then it
 * belongs to the first batch that was not planned. */
void ds_received_block_tracker_recover (DsReceivedBlockTracker *self,
                                        guint stream_id,
                                        gint64 n_records,
                                        const DsLogRecord *record,
                                        DsTime batch_time);
/* All batches up to here have got their blocks by that: allocating them gives no others.
 */
void ds_received_block_tracker_set_planned_until (DsReceivedBlockTracker *self,
                                                  DsTime batch_time);
/* Reads the blocks of a batch that are only in the log.  Thread: one at a time. */
gboolean ds_received_block_tracker_load (DsReceivedBlockTracker *self,
                                         DsDurableDirectory *directory,
                                         DsArenaPool *pool,
                                         DsTime batch_time,
                                         guint stream_id,
                                         GError **error);

G_END_DECLS
