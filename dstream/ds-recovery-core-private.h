/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the two files of a recovery share: reading, and giving to the graph. */

#include "dstream/ds-checkpoint-form-private.h"
#include "dstream/ds-recovery-private.h"
#include "rdd/ds-checkpoint-stream-private.h"

G_BEGIN_DECLS

/* What an input gives a planned batch. */
typedef struct
{
  guint input;
  char *name; /* "": it had none */
  GBytes *bytes;
} DsPlannedInput;

typedef struct
{
  DsTime time;
  guint64 sequence;
  guint64 fingerprint; /* of the graph that the numbers of inputs are of */
  GPtrArray *inputs;   /* DsPlannedInput */
  guint n_attempts;
  int result; /* DsBatchResult; -1: not over */
} DsPlannedBatch;

struct _DsRecovery
{
  DsDurableDirectory *directory; /* not owned */
  GPtrArray *chain;              /* DsCheckpointReader: a full one, then changes */
  DsCheckpointMeta meta;         /* of the newest */
  DsGraphSignature *saved;
  int *places;                 /* (nullable): of the entries of @saved, once matched */
  guint64 matched_fingerprint; /* of the graph of this process, once matched */

  GPtrArray *plans;          /* DsPlannedBatch, in the order of time */
  GArray *blocks;   /* DsRecoveredBlock */
  guint64 next_segment;
  guint64 next_sequence;
  DsTime last_time;
};

/* ---- ds_recovery_read () in parts, for tools that look at what can't be recovered ----
 */

DsRecovery *ds_recovery_new (DsDurableDirectory *directory);
/* Checkpoint @name, or (NULL) the newest that can be used, with all that it builds on.
 * @damaged (nullable): messages (char *) for those that are passed over, which otherwise
 * are logged.  FALSE without error: there is none, and no log. */
gboolean ds_recovery_read_checkpoint (DsRecovery *self,
                                      const char *name,
                                      GPtrArray *damaged,
                                      GError **error);
/* What the log has since that checkpoint, in the place of what was read of it before. */
gboolean
ds_recovery_read_log (DsRecovery *self, DsLogDamagePolicy policy, GError **error);
/* DsLogRecordFunc of a DsRecovery: one record. */
gboolean ds_recovery_take_record (const DsLogRecord *record,
                                  const guint8 *payload,
                                  gpointer user_data,
                                  GError **error);

/* Whether a file of the chain after number @file has all of what @entry keeps. */
gboolean ds_recovery_is_superseded (DsRecovery *self, guint file, guint entry);

/* A section as a stream of bytes. */
typedef struct
{
  DsStateReader reader;
  DsCheckpointReader *file;
  guint index;
  guint64 offset;
} DsSectionReader;

void
ds_section_reader_init (DsSectionReader *self, DsCheckpointReader *file, guint index);

/* ---- Parts of it ---- */

DsPlannedBatch *ds_recovery_find_plan (DsRecovery *self, DsTime time);
/* The whole of a section that is small.  (transfer full) */
GByteArray *
ds_recovery_read_section (DsCheckpointReader *reader, guint index, GError **error);

G_END_DECLS
