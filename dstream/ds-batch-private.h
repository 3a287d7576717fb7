/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How the scheduler makes the snapshots of a batch.  Immutable once made; any thread. */

#include "dstream/ds-batch.h"

G_BEGIN_DECLS

/* What one input stream brought. */
typedef struct
{
  guint stream_id;
  gint64 n_records;
  gboolean is_uncounted; /* how many records there are shows when they are read */
  guint n_files;
  guint64 n_bytes;
} DsInputInfo;

/* How one output operation went. */
typedef struct
{
  guint output_id;
  char *name;        /* GRefString */
  char *description; /* GRefString */
  DsTime start;
  DsTime end;
  GError *error; /* (nullable) */
} DsOutputInfo;

/* Everything a snapshot says; copied by ds_batch_new (). */
typedef struct
{
  DsTime time;
  DsDuration interval;
  gboolean is_replay;
  DsTime submission_time;
  DsTime processing_start;
  DsTime processing_end;
  const DsInputInfo *inputs;
  guint n_inputs;
  const DsOutputInfo *outputs;
  guint n_outputs;
} DsBatchFields;

/* A batch of which only time and interval are known. */
#define DS_BATCH_FIELDS_INIT(t, i)                                   \
  {                                                                  \
    .time = (t), .interval = (i), .submission_time = DS_TIME_NONE,   \
    .processing_start = DS_TIME_NONE, .processing_end = DS_TIME_NONE \
  }

/* Takes references to the names. */
DsBatch *ds_batch_new (const DsBatchFields *fields);

G_END_DECLS
