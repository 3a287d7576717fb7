/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsCheckpointCapture: everything that one checkpoint is to hold, taken between two
 * batches; what is large is referred to, not copied.  Written by another thread. */

#include "base/ds-checkpoint-file-private.h"
#include "dstream/ds-streaming-context-private.h"
#include "rdd/ds-checkpoint-stream-private.h"

G_BEGIN_DECLS

typedef struct _DsCheckpointCapture DsCheckpointCapture;

/* After the batch of @time.  @base_time: of the checkpoint before, if what changed since
 * then is enough; DS_TIME_NONE: everything.  @wal_sequence: from where on the log is
 * needed with it.  Thread: driver, between batches.  Locks: takes the graph's. */
DsCheckpointCapture *ds_checkpoint_capture_new (DsStreamingContext *context,
                                                DsTime time,
                                                DsTime base_time,
                                                guint64 wal_sequence);
/* @is_base: it was written, so that the next one may build on it. */
void ds_checkpoint_capture_free (DsCheckpointCapture *self, gboolean is_base);

DsTime ds_checkpoint_capture_get_time (const DsCheckpointCapture *self);
DsTime ds_checkpoint_capture_get_base_time (const DsCheckpointCapture *self);
guint64 ds_checkpoint_capture_get_wal_sequence (const DsCheckpointCapture *self);
/* All that is in it; the capture holds nothing back any longer.  *@n_bytes: of what
 * streams keep.  NULL with error; else to be finished.  (transfer full) */
DsCheckpointWriter *ds_checkpoint_capture_write (DsCheckpointCapture *self,
                                                 DsDurableDirectory *directory,
                                                 guint64 *n_bytes,
                                                 GError **error);
/* Durable, and under its name, when it returns. */
gboolean ds_checkpoint_capture_finish (DsCheckpointCapture *self,
                                       DsCheckpointWriter *file,
                                       GError **error);

/* ---- Results that are looked back at: ds-kept-results.c ---- */

/* TRUE: streams behind @stream look back at what it gave, and it cannot be computed
 * again. */
gboolean ds_kept_results_are_needed (DsDStream *stream);
/* What it gave in (@time - what is needed, @time], after @since: DsGeneratedRdd. */
GArray *ds_kept_results_collect (DsDStream *stream, DsTime time, DsTime since);
void ds_kept_results_free (GArray *results);
/* Any thread; reads the RDDs. */
gboolean ds_kept_results_save (GArray *results, DsStateWriter *writer, GError **error);
/* Those of batches after @after, which is what is still looked back at. */
gboolean ds_kept_results_load (DsDStream *stream,
                               DsTime after,
                               DsStateReader *reader,
                               GError **error);

G_END_DECLS
