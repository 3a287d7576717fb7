/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/ds-macros.h"

#include "base/ds-time.h"

#include <glib-object.h>

G_BEGIN_DECLS

/**
 * DsBatch:
 *
 * A batch, as far as it has come: an immutable snapshot, boxed, any thread.  What is not
 * known yet is %DS_TIME_NONE.
 */
typedef struct _DsBatch DsBatch;
#define DS_TYPE_BATCH (ds_batch_get_type ())
DS_AVAILABLE_IN_ALL
GType ds_batch_get_type (void);
DS_AVAILABLE_IN_ALL
DsBatch *ds_batch_ref (DsBatch *self);
DS_AVAILABLE_IN_ALL
void ds_batch_unref (DsBatch *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsBatch, ds_batch_unref)

DS_AVAILABLE_IN_ALL
DsTime ds_batch_get_time (DsBatch *self);
DS_AVAILABLE_IN_ALL
DsDuration ds_batch_get_interval (DsBatch *self);
DS_AVAILABLE_IN_ALL
gboolean ds_batch_is_replay (DsBatch *self);

/* ---- What came in ---- */

DS_AVAILABLE_IN_ALL
gint64 ds_batch_get_n_records (DsBatch *self);
DS_AVAILABLE_IN_ALL
gint64 ds_batch_get_n_records_of (DsBatch *self, guint stream_id);
DS_AVAILABLE_IN_ALL
guint ds_batch_get_n_files_of (DsBatch *self, guint stream_id);
DS_AVAILABLE_IN_ALL
guint64 ds_batch_get_n_bytes_of (DsBatch *self, guint stream_id);
DS_AVAILABLE_IN_ALL
guint ds_batch_get_n_inputs (DsBatch *self);
DS_AVAILABLE_IN_ALL
guint ds_batch_get_input_id (DsBatch *self, guint index);

/* ---- When ---- */

DS_AVAILABLE_IN_ALL
DsTime ds_batch_get_submission_time (DsBatch *self);
DS_AVAILABLE_IN_ALL
DsTime ds_batch_get_processing_start (DsBatch *self);
DS_AVAILABLE_IN_ALL
DsTime ds_batch_get_processing_end (DsBatch *self);
DS_AVAILABLE_IN_ALL
DsDuration ds_batch_get_scheduling_delay (DsBatch *self);
DS_AVAILABLE_IN_ALL
DsDuration ds_batch_get_processing_delay (DsBatch *self);
DS_AVAILABLE_IN_ALL
DsDuration ds_batch_get_total_delay (DsBatch *self);

/* ---- Its outputs: one operation each, in the order of registration ---- */

DS_AVAILABLE_IN_ALL
guint ds_batch_get_n_outputs (DsBatch *self);
DS_AVAILABLE_IN_ALL
guint ds_batch_get_output_id (DsBatch *self, guint index);
DS_AVAILABLE_IN_ALL
const char *ds_batch_get_output_name (DsBatch *self, guint index);
DS_AVAILABLE_IN_ALL
const char *ds_batch_get_output_description (DsBatch *self, guint index);
DS_AVAILABLE_IN_ALL
DsTime ds_batch_get_output_start (DsBatch *self, guint index);
DS_AVAILABLE_IN_ALL
DsTime ds_batch_get_output_end (DsBatch *self, guint index);
DS_AVAILABLE_IN_ALL
const GError *ds_batch_get_output_error (DsBatch *self, guint index);

G_END_DECLS
