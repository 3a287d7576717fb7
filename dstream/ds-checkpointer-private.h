/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsCheckpointer: the checkpoint directory of a context: its log and its checkpoints.
 *
 * The way of a batch: it is generated, and its plan (what each source gives it) goes to
 * the log; its steps run; when the plan is durable its outputs run; its end goes to the
 * log.  Between two batches, when a checkpoint is due, what is kept is captured as of the
 * last one, and a thread of its own writes it. */

#include "base/ds-write-ahead-log-private.h"
#include "dstream/ds-recovery-private.h"

G_BEGIN_DECLS

typedef struct _DsCheckpointer DsCheckpointer;

/* Opens, or makes, @directory, and locks it; @flags: what is taken as it is there. */
DsCheckpointer *ds_checkpointer_open (const char *directory,
                                      DsDurableDirectoryFlags flags,
                                      GError **error);
void ds_checkpointer_free (DsCheckpointer *self); /* after finish */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsCheckpointer, ds_checkpointer_free)

const guint8 *ds_checkpointer_get_application_id (DsCheckpointer *self); /* 16 bytes */
DsDurableDirectory *ds_checkpointer_get_directory (DsCheckpointer *self);
/* What is to be recovered; NULL: nothing. */
DsRecovery *ds_checkpointer_get_recovery (DsCheckpointer *self);
/* Reads what is there.  @allows_fresh_start: what cannot be read is put aside. */
gboolean
ds_checkpointer_read (DsCheckpointer *self, gboolean allows_fresh_start, GError **error);
/* TRUE: there is nothing in the directory. */
gboolean ds_checkpointer_is_fresh (DsCheckpointer *self);
/* Puts aside what is there. */
gboolean ds_checkpointer_discard (DsCheckpointer *self, GError **error);

/* After ds_graph_freeze () and ds_recovery_apply ().  Thread: the one that starts. */
gboolean
ds_checkpointer_start (DsCheckpointer *self, DsStreamingContext *context, GError **error);

/* Valid from start to finish; its owner has to let go of it before that. */
DsWriteAheadLog *ds_checkpointer_get_log (DsCheckpointer *self);

/* Of the graph, from start on. */
guint64 ds_checkpointer_get_fingerprint (DsCheckpointer *self);

/* ---- A batch.  Thread: driver. ---- */

/* It was generated: *@sequence of its plan in the log, which is not durable yet. */
gboolean ds_checkpointer_plan (DsCheckpointer *self,
                               DsTime time,
                               guint64 *sequence,
                               GError **error);
/* Whether it has run before, in an earlier process. */
DsReplay ds_checkpointer_get_replay (DsCheckpointer *self, DsTime time);
/* It is about to run: takes a checkpoint of what was before if one is due.  @is_behind:
 * the next batch is due, too; then expensive checkpoints come less often. */
void ds_checkpointer_begin_batch (DsCheckpointer *self, DsTime time, gboolean is_behind);
/* Its outputs are about to run. */
gboolean
ds_checkpointer_await_plan (DsCheckpointer *self, guint64 sequence, GError **error);
void ds_checkpointer_end_batch (DsCheckpointer *self, DsTime time, DsBatchResult result);

/* Whoever waits for the disk goes on, with %DS_ERROR_STOPPED. */
void ds_checkpointer_interrupt (DsCheckpointer *self);
/* From @deadline on (g_get_monotonic_time ()) the log waits for a full disk no longer:
 * whoever waits for it, or for room in front of it, fails then.  Any thread. */
void ds_checkpointer_give_up_at (DsCheckpointer *self, gint64 deadline);

/* Nothing of a batch up to here will be asked for by a recovery, apart from what has to
 * be remembered before it.  %DS_TIME_NONE: nothing is sure yet.  Any thread. */
DsTime ds_checkpointer_get_oldest_time (DsCheckpointer *self);

/* By this process.  For benchmarks.  Any thread. */
guint ds_checkpointer_get_n_written (DsCheckpointer *self);

/* All batches are over.  @is_graceful: with a last checkpoint.  Thread: the one that
 * stops. */
gboolean
ds_checkpointer_finish (DsCheckpointer *self, gboolean is_graceful, GError **error);

G_END_DECLS
