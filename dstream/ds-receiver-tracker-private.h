/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsReceiverTracker: all receivers of a context, and what they and the other input
 * streams brought: blocks by batch, numbers by batch.  Any thread; a lock of its own. */

#include "dstream/ds-dstream-private.h"
#include "dstream/ds-input-info-tracker-private.h"
#include "dstream/ds-received-block-tracker-private.h"
#include "dstream/ds-receiver-info-private.h"

G_BEGIN_DECLS

struct _DsJobSet; /* ds-job-set-private.h */

typedef struct _DsReceiverTracker DsReceiverTracker;

DsReceiverTracker *ds_receiver_tracker_new (DsStreamingContext *context);
void ds_receiver_tracker_free (DsReceiverTracker *self); /* after join */

gboolean ds_receiver_tracker_start (DsReceiverTracker *self, GError **error);
/* Asks all receivers to stop; what they stored is handed over. */
void ds_receiver_tracker_stop_async (DsReceiverTracker *self);
/* FALSE: not all had stopped at @deadline (g_get_monotonic_time ()). */
gboolean ds_receiver_tracker_join (DsReceiverTracker *self, gint64 deadline);
/* All batches are over: receivers hear of what is safe until @deadline, and of nothing
 * more. */
void ds_receiver_tracker_hush (DsReceiverTracker *self, gint64 deadline);

/* ---- A batch.  Thread: driver, the one that generates ---- */

/* What is stored so far becomes blocks, and all that has arrived by @time belongs to the
 * batch of @time; how many records that is goes into the input infos.  A second time
 * changes nothing. */
void ds_receiver_tracker_allocate (DsReceiverTracker *self, DsTime time);
/* An input stream that is no receiver took @n_records into the batch of @time. */
gboolean ds_receiver_tracker_report (DsReceiverTracker *self,
                                     DsTime time,
                                     guint stream_id,
                                     gint64 n_records,
                                     GError **error);
/* The same for files, of which only number and size are known. */
gboolean ds_receiver_tracker_report_files (DsReceiverTracker *self,
                                           DsTime time,
                                           guint stream_id,
                                           guint n_files,
                                           guint64 n_bytes,
                                           GError **error);
/* So many records were received that nobody had counted. */
void ds_receiver_tracker_count (DsReceiverTracker *self, gint64 n_records);
/* A batch was run: receivers under back-pressure hear how fast they may go on. */
void ds_receiver_tracker_complete (DsReceiverTracker *self, const struct _DsJobSet *set);
/* The batch of @time is over: receivers hear that what they stored for it is safe; or it
 * was given up, without @is_done, and they hear nothing any more. */
void ds_receiver_tracker_settle (DsReceiverTracker *self, DsTime time, gboolean is_done);
/* The batch of @time is over: what nobody remembers any longer goes. */
void ds_receiver_tracker_forget (DsReceiverTracker *self, DsTime time);

/* Of what is received and still needed. */
DsMemoryBudget *ds_receiver_tracker_get_budget (DsReceiverTracker *self);
/* How the receiver of @stream is; NULL: it has none.  (transfer full) (nullable) */
DsReceiverInfo *ds_receiver_tracker_get_info (DsReceiverTracker *self, DsDStream *stream);
/* Records a second that the receiver of @stream may bring now; 0: it has no limit, or is
 * none. */
guint64 ds_receiver_tracker_get_rate (DsReceiverTracker *self, DsDStream *stream);
DsReceivedBlockTracker *ds_receiver_tracker_get_blocks (DsReceiverTracker *self);
DsInputInfoTracker *ds_receiver_tracker_get_infos (DsReceiverTracker *self);
/* Records that receivers handed over and other input streams reported. */
gint64 ds_receiver_tracker_get_n_received (DsReceiverTracker *self);

G_END_DECLS
