/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the log is made of, for its own files: the segment that is written, and what
 * callers and writers share. */

#include "base/ds-log-group-private.h"

G_BEGIN_DECLS

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
/* Seals, writes and syncs.  FALSE with error: nothing of @group counts; @self has ended,
 * unless the disk was full and what was written could be taken back. */
gboolean ds_log_segment_write (DsLogSegment *self, DsLogGroup *group, GError **error);
gboolean ds_log_segment_is_open (const DsLogSegment *self);
gboolean ds_log_segment_is_empty (const DsLogSegment *self);

/* ---- The log ---- */

/* What one group may have, in group_bytes: fewer syncs than one for each are enough. */
#define DS_LOG_MAX_GROUPS ((guint64) 16)
/* One is filled, one is written: as many as are kept for what comes. */
#define DS_LOG_MAX_SPARE 2u

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
  gint is_asked_in;   /* atomic: appends let the log's own thread have the lock first */
  GCond wanted;       /* for the log's own thread: there is something to do */
  GCond changed;      /* for everybody else */
  DsLogQueue waiting; /* records are appended to the last one */
  guint64 n_planned;  /* bytes of the segment that it goes to, with it */
  DsLogGroup *spare;  /* empty ones */
  guint n_spare;
  gboolean is_writing; /* somebody does, and has the segment */
  DsLogGroup *handed;  /* (nullable) what could not be written; with is_writing */
  GError *handed_error;
  DsLogQueue written;   /* by leaders: durable, and not told yet */
  gsize n_expected;     /* memory that the newest whole group has or had */
  gint64 waiting_since; /* the first of them */
  gsize n_unsafe_bytes; /* waiting, or being written */
  guint64 next_sequence;
  guint64 durable_sequence;
  guint64 wanted_sequence; /* somebody wants it durable now */
  guint64 rotate_before;   /* 0: nobody wants a new segment */
  guint64 rotated_before;  /* the newest such wish that was met */
  guint64 segment_number;  /* of the one that is written */
  guint64 segment_salt;
  gboolean has_begun;  /* its thread */
  gboolean is_resting; /* its thread: until something is wanted */
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

G_END_DECLS
