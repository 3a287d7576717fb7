/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsInputInfoTracker: what each input stream brought to each batch.  Any
 * thread; a lock of its own. */

#include "dstream/ds-batch-private.h"

G_BEGIN_DECLS

typedef struct _DsInputInfoTracker DsInputInfoTracker;

DsInputInfoTracker *ds_input_info_tracker_new (void);
void ds_input_info_tracker_free (DsInputInfoTracker *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsInputInfoTracker, ds_input_info_tracker_free)

/* FALSE with %DS_ERROR_INVALID_STATE when the stream has reported for that time. */
gboolean ds_input_info_tracker_add (DsInputInfoTracker *self,
                                    DsTime batch_time,
                                    const DsInputInfo *info,
                                    GError **error);
/* The same for a source of which only the number of records is told. */
gboolean ds_input_info_tracker_report (DsInputInfoTracker *self,
                                       DsTime batch_time,
                                       guint stream_id,
                                       gint64 n_records,
                                       GError **error);
/* What was reported for a batch.  (transfer full) (nullable) */
DsInputInfo *
ds_input_info_tracker_get (DsInputInfoTracker *self, DsTime batch_time, guint *n_infos);
/* Forgets what is strictly older. */
void ds_input_info_tracker_cleanup (DsInputInfoTracker *self, DsTime threshold);

G_END_DECLS
