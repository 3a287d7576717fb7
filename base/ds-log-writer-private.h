/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the log is made of, for its own files: records that wait, and the segment that
 * they are written to. */

#include "base/ds-log-format-private.h"
#include "base/ds-write-ahead-log-private.h"

#include <xxhash.h>

G_BEGIN_DECLS

/* ---- Records that are not durable yet ---- */

typedef struct _DsLogEntry DsLogEntry;

struct _DsLogEntry
{
  DsLogEntry *next;
  guint64 sequence;
  gsize size; /* of the record in the file */
  guint32 n_bytes;
  guint16 type;
  gpointer owner;
  GDestroyNotify release; /* (nullable) */
  guint n_parts;
  DsLogPart parts[]; /* copied bytes lie behind them */
};

typedef struct
{
  DsLogEntry *first;
  DsLogEntry *last;
  guint n_entries;
  gsize n_bytes; /* of the records */
} DsLogGroup;

/* ---- The segment that is written; whoever writes ---- */

typedef struct
{
  DsDurableDirectory *directory;
  int fd; /* -1: there is none */
  char *path;
  DsLogSegmentHead head;
  guint64 n_bytes; /* that are durable */
  gint64 started;  /* g_get_monotonic_time () */
  guint64 next_number;

  GByteArray *scratch;
  GArray *pieces; /* of struct iovec */
  XXH3_state_t *hash;
} DsLogSegment;

void ds_log_segment_init (DsLogSegment *self,
                          DsDurableDirectory *directory,
                          guint64 next_number);
void ds_log_segment_clear (DsLogSegment *self);
/* A new file under the next number: header, fsync, directory fsync; closes the one
 * before.  FALSE with error: there is none, and no file was left behind. */
gboolean
ds_log_segment_begin (DsLogSegment *self, guint64 first_sequence, GError **error);
/* Writes and syncs.  FALSE with error: nothing of @group counts; @self has ended, unless
 * the disk was full and what was written could be taken back. */
gboolean
ds_log_segment_write (DsLogSegment *self, const DsLogGroup *group, GError **error);
gboolean ds_log_segment_is_open (const DsLogSegment *self);
gboolean ds_log_segment_is_empty (const DsLogSegment *self);

/* ---- The log ---- */

struct _DsWriteAheadLog
{
  DsDurableDirectory *directory;
  DsLogSettings settings;
  DsLogDurableFunc durable_func;
  gpointer durable_data;
  DsLogTroubleFunc trouble_func;
  gpointer trouble_data;
  GThread *thread;

  GMutex lock;
  GCond wanted;  /* for the log's own thread: there is something to do */
  GCond changed; /* for everybody else */
  DsLogGroup waiting;
  gboolean is_writing; /* somebody does, and has the segment */
  DsLogGroup handed;   /* what a leader could not write; is_writing goes with it */
  GError *handed_error;
  DsLogGroup written;   /* by leaders: durable, and not told yet */
  gint64 waiting_since; /* the first of them */
  gsize n_unsafe_bytes; /* waiting, or being written */
  guint64 next_sequence;
  guint64 durable_sequence;
  guint64 wanted_sequence; /* somebody wants it durable now */
  guint64 rotate_before;   /* 0: nobody wants a new segment */
  guint64 rotated_before;  /* the newest such wish that was met */
  guint64 segment_number;  /* of the one that is written */
  gboolean is_closing;
  gint64 give_up_at; /* monotonic us: how long a full disk is waited for */
  GError *failure;   /* for good */

  DsLogSegment segment; /* who set is_writing */
};

/* The body of its thread. */
gpointer ds_log_flusher_run (gpointer log);
/* Writes what waits in the calling thread, if nobody writes and nothing else is to be
 * done first: no change of threads, and one try.  What cannot be written is handed to the
 * log's own thread.  FALSE: nothing was done.  Lock held, given back meanwhile. */
gboolean ds_log_lead_locked (DsWriteAheadLog *log, guint64 sequence);
/* Lets go of all in @group. */
void ds_log_group_clear (DsLogGroup *group);

G_END_DECLS
