/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The log: records that are durable before what they stand for is relied on (RELIABILITY
 * 4.4).  Writers append without waiting; a thread of its own writes what waits, up to
 * sixteen times group_bytes, with one fdatasync (group commit), and tells who waits.  Who
 * waits for a record while nobody writes does so itself.
 *
 *     appended -> waiting -> written -> synced = durable -> told, let go of
 *
 * A full disk holds back: the records wait, and are written when there is room again.
 * When a sync or a write fails otherwise, all that is not durable is written once more,
 * into a new segment: a file whose sync failed is never asked again.  When that fails too
 * the log has FAILED, for good.  What was told to be durable is there in any case. */

#include "base/ds-durable-directory-private.h"

G_BEGIN_DECLS

/* Payloads of more are refused, when writing and when reading. */
#define DS_LOG_MAX_RECORD_BYTES (64u * 1024 * 1024)

typedef enum
{
  DS_LOG_PLAN = 1,
  DS_LOG_ATTEMPT = 2,
  DS_LOG_COMMIT = 3,
  DS_LOG_BLOCK = 4,
  DS_LOG_CLEANUP = 5
} DsLogRecordType;

typedef struct
{
  const void *bytes;
  gsize n_bytes;
} DsLogPart;

/* 0 in a member: what is said here. */
typedef struct
{
  guint64 max_segment_bytes; /* a new segment begins beyond: 64 MiB */
  gsize group_bytes;         /* that many waiting are written at once: 1 MiB */
  gint64 group_delay;        /* us that a record waits for others: 5 ms; -1: none */
  gint64 rolling_interval;   /* us until a segment is old and a new one begins: never */
  gsize max_waiting_bytes;   /* append waits while more are waiting: 64 MiB */
  gint64 retry_delay;        /* us between tries while the disk is full: 100 ms, doubled
                                up to 64 times that; -1: none */
} DsLogSettings;

typedef struct _DsWriteAheadLog DsWriteAheadLog;

/* Creates segment @next_segment durably, whose first record will be @next_sequence (both
 * from ds_log_read (), 1 in a fresh directory), and starts the thread.  @directory must
 * live longer.  @settings (nullable).  NULL with error, and nothing was left behind. */
DsWriteAheadLog *ds_write_ahead_log_new (DsDurableDirectory *directory,
                                         guint64 next_segment,
                                         guint64 next_sequence,
                                         const DsLogSettings *settings,
                                         GError **error);

/* Parts are written one behind the other, later.  Those of small records are copied now,
 * those of large ones are not, if they have an owner: @release is called with @owner once
 * they are durable or the log gave them up, on any thread, in any case.  Takes about as
 * long as copying and hashing a small record does: nothing is allocated for one.
 *
 * The record's sequence number, in the order of the log; 0 with error when the log has
 * failed or is closed, or with %DS_ERROR_LIMIT for more than %DS_LOG_MAX_RECORD_BYTES.
 * Any thread; waits for the disk only while more than max_waiting_bytes are waiting, so
 * not from a durable func. */
guint64 ds_write_ahead_log_append (DsWriteAheadLog *self,
                                   DsLogRecordType type,
                                   const DsLogPart *parts,
                                   guint n_parts,
                                   gpointer owner,
                                   GDestroyNotify release,
                                   GError **error);
/* Waits until everything up to @sequence is durable, which is written now.  While the
 * disk is full it waits.  FALSE with error: it failed, and nothing is known to be durable
 * beyond ds_write_ahead_log_get_durable_sequence (). */
gboolean
ds_write_ahead_log_await (DsWriteAheadLog *self, guint64 sequence, GError **error);
/* The same with one try, in the calling thread, if nobody writes: a full disk does not
 * hold it.  FALSE: not durable, and requested as below. */
gboolean ds_write_ahead_log_sync (DsWriteAheadLog *self, guint64 sequence);
/* The same without waiting. */
void ds_write_ahead_log_request_sync (DsWriteAheadLog *self, guint64 sequence);
/* The newest that is durable: a checkpoint must not name a later one as that from which
 * to replay (plus one), so await the last append before finishing a checkpoint. */
guint64 ds_write_ahead_log_get_durable_sequence (DsWriteAheadLog *self);
/* That the next record will get. */
guint64 ds_write_ahead_log_get_next_sequence (DsWriteAheadLog *self);

/* Everything up to @sequence is durable; or, with @error, the log failed and everything
 * after @sequence is not.  On the log's own thread, ascending, once a group, before the
 * owners of that group are released. */
typedef void (*DsLogDurableFunc) (guint64 sequence,
                                  const GError *error,
                                  gpointer user_data);
/* Before the first append. */
void ds_write_ahead_log_set_durable_func (DsWriteAheadLog *self,
                                          DsLogDurableFunc func,
                                          gpointer user_data);
/* Writing is held back for @error, a full disk: path, bytes wanted and free; NULL: it
 * goes on.  On the log's own thread, when that changes. */
typedef void (*DsLogTroubleFunc) (const GError *error, gpointer user_data);
/* Before the first append. */
void ds_write_ahead_log_set_trouble_func (DsWriteAheadLog *self,
                                          DsLogTroubleFunc func,
                                          gpointer user_data);

/* What was appended before lies in older segments, what is appended after it returned in
 * the new one or later ones: its number.  0 with error. */
guint64 ds_write_ahead_log_rotate (DsWriteAheadLog *self, GError **error);
/* Removes segments all of whose records are before @sequence, the oldest first, those of
 * earlier runs too; never the one that is written. */
gboolean ds_write_ahead_log_remove_before (DsWriteAheadLog *self,
                                           guint64 sequence,
                                           GError **error);
/* From @deadline on (g_get_monotonic_time ()) a full disk is not waited for any longer:
 * what waits is tried once more, and then the log has failed for good, which ends
 * everybody's wait.  Any thread; the earliest deadline counts. */
void ds_write_ahead_log_give_up_at (DsWriteAheadLog *self, gint64 deadline);
/* Writes and syncs what waits, ends the thread, frees @self.  With a full disk it tries
 * once more and gives up.  FALSE with error: something was not durable. */
gboolean ds_write_ahead_log_close (DsWriteAheadLog *self, GError **error);

G_END_DECLS
