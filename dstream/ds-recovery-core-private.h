/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the two files of a recovery share: reading, and giving to the graph. */

#include "dstream/ds-checkpoint-form-private.h"
#include "dstream/ds-recovery-private.h"

G_BEGIN_DECLS

/* What an input gives a planned batch. */
typedef struct
{
  guint input;
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
  GHashTable *plans_by_time; /* DsTime -> DsPlannedBatch, not owned */
  GArray *blocks;   /* DsRecoveredBlock */
  guint64 next_segment;
  guint64 next_sequence;
  DsTime last_time;
};

DsPlannedBatch *ds_recovery_find_plan (DsRecovery *self, DsTime time);
/* The whole of a section that is small.  (transfer full) */
GByteArray *
ds_recovery_read_section (DsCheckpointReader *reader, guint index, GError **error);

G_END_DECLS
