/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a run and the handle that it lends to functions share. */

#include "base/ds-arena-private.h"
#include "rdd/ds-state-run-private.h"

G_BEGIN_DECLS

/* The state of a key that the run has met. */
typedef struct
{
  DsStateKey key; /* in memory of the run, or of the table when entry is there */
  guint32 entry;  /* or %DS_STATE_NO_ENTRY */
  gboolean exists;
  gboolean is_touched; /* was updated or removed, or a record came while it is timed */
  gboolean is_changed; /* value differs from what the table has */
  DsValue value;
  DsTime updated_at;
} DsStateWork;

struct _DsState
{
  DsStateRun *run;
  DsStateWork *work;
  gboolean is_removed; /* in this call */
  gboolean is_timing_out;
};

struct _DsStateRun
{
  const DsStateRunPlan *plan;
  DsStateTable *table;
  DsTask *task;
  DsEmitter *emitter;

  guint32 *slots; /* index of the work, plus 1 */
  guint32 slot_mask;
  DsStateWork *works;
  guint32 n_works;
  guint32 n_max_works;
  DsArena *keys;
  DsArena *values;
  gsize n_live_bytes; /* in values when they were last compacted */
  GByteArray *scratch;
  gsize n_visited;
};

G_END_DECLS
