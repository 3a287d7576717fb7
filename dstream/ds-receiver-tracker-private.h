/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsReceiverTracker: all receivers of a context, and what they and the other input
 * streams brought: blocks by batch, numbers by batch.  Any thread; a lock of its own. */

#include "base/ds-write-ahead-log-private.h"
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

/* ---- Durable streams: ds-receiver-log.c ---- */

/* Before start, and before anything is appended: the log of the context and where it
 * lies.  Both must live until ds_receiver_tracker_hush () has returned, the directory as
 * long as batches are generated. */
void ds_receiver_tracker_set_log (DsReceiverTracker *self,
                                  DsWriteAheadLog *log,
                                  DsDurableDirectory *directory);
/* The log is durable up to @sequence; with @error it has failed, and nothing after that
 * is.  Thread: the log's. */
void ds_receiver_tracker_log_is_durable (DsReceiverTracker *self,
                                         guint64 sequence,
                                         const GError *error);
/* The log is held back, as by a full disk: receivers hear of it.  Any thread. */
void ds_receiver_tracker_note_trouble (DsReceiverTracker *self, const GError *error);
/* The log must be kept from this record on for the sake of received blocks: those without
 * batch, those whose batch is not over, and those that windows still look back at;
 * %G_MAXUINT64: for none.  As of now: what is appended later has higher numbers than all
 * that was appended before this was called.  Any thread. */
guint64 ds_receiver_tracker_get_oldest_sequence (DsReceiverTracker *self);

/* Recovery, before start: positions and plans of the streams (DsInputRecovery) first,
 * then each block of the log, with its stream, then the end: FALSE with %DS_ERROR_CORRUPT
 * when a plan names a block that was not there. */
void ds_receiver_tracker_recover_block (DsReceiverTracker *self,
                                        DsDStream *stream,
                                        const DsLogRecord *record,
                                        gint64 n_records);
gboolean ds_receiver_tracker_end_recovery (DsReceiverTracker *self, GError **error);

/* For the receiver streams.  See DsInputRecovery. */
void ds_receiver_tracker_save_plan (DsReceiverTracker *self,
                                    DsDStream *stream,
                                    DsTime time,
                                    GByteArray *bytes);
gboolean ds_receiver_tracker_load_plan (DsReceiverTracker *self,
                                        DsDStream *stream,
                                        DsTime time,
                                        const guint8 *bytes,
                                        gsize n_bytes,
                                        GError **error);
void ds_receiver_tracker_save_position (DsReceiverTracker *self,
                                        DsDStream *stream,
                                        DsTime time,
                                        GByteArray *bytes);
gboolean ds_receiver_tracker_load_position (DsReceiverTracker *self,
                                            DsDStream *stream,
                                            const guint8 *bytes,
                                            gsize n_bytes,
                                            GError **error);
/* The blocks of a batch, read from the log if need be.  (transfer full) of DsBlock; NULL
 * with error. */
GPtrArray *ds_receiver_tracker_load_blocks (DsReceiverTracker *self,
                                            DsDStream *stream,
                                            DsTime time,
                                            GError **error);

G_END_DECLS
