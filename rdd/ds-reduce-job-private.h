/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsReduceJob: everything down to one value: each partition where it is computed, then
 * their results in the driver. */

#include "rdd/ds-job-private.h"

G_BEGIN_DECLS

typedef struct
{
  const char *name; /* of the action, for messages */
  DsReduceFunc merge_value;
  DsReduceFunc merge_combiners;
  gpointer user_data;
  const DsValue *zero; /* (nullable): what each partition, and the driver, begins with */

  DsBlock **blocks; /* of each partition: its value, or NULL where there is none */
  guint n_blocks;
} DsReduceJob;

/* Fills blocks. */
gboolean ds_reduce_job_run (DsReduceJob *self, DsRdd *rdd, GError **error);
/* A block of one value; %DS_ERROR_EMPTY without a value and without zero.  (transfer
 * full)
 */
DsBlock *ds_reduce_job_merge (DsReduceJob *self, DsContext *context, GError **error);
void ds_reduce_job_clear (DsReduceJob *self);
/* All three. */
DsBlock *ds_rdd_reduce_to_one (DsRdd *self, DsReduceJob *job, GError **error);

G_END_DECLS
