/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsPersistence: what is kept of an RDD's values between jobs (ds_rdd_persist ()).
 *
 * A node gets one with its first ds_rdd_persist () and has it as long as it lives.  Each
 * partition is kept by the first task that wants it; a second one that wants it at the
 * same time waits.  Nothing is locked while user code runs or values are pushed on. */

#include "rdd/ds-job-private.h"

G_BEGIN_DECLS

typedef struct _DsPersistence DsPersistence;

DsPersistence *ds_persistence_new (void);
void ds_persistence_free (DsPersistence *self);
/* %DS_STORAGE_NONE: what is kept goes, at once or with the last job that counts on it.
 * @has_values: the RDD has its values where @level wants them; none are kept. */
void
ds_persistence_set_level (DsPersistence *self, DsStorageLevel level, gboolean has_values);
DsStorageLevel ds_persistence_get_level (DsPersistence *self);
/* Whether partitions are kept, or were and still may be read. */
gboolean ds_persistence_is_active (DsPersistence *self);
/* How much is kept; FALSE unless all partitions are. */
gboolean ds_persistence_get_n_bytes (DsPersistence *self, guint64 *n_bytes);
/* Pushes @partition of @rdd, which must be prepared, into @sink, kept before or now.
 * FALSE when the task failed. */
gboolean ds_persistence_read (DsRdd *rdd, guint partition, DsTask *task, DsSink *sink);

/* ---- For jobs.  Thread: driver. ---- */

/* What is kept stays until as many calls of unpin.  *@is_complete: whether that is every
 * partition, so that nothing behind @rdd is needed.  FALSE: nothing is to be kept. */
gboolean ds_persistence_pin (DsRdd *rdd, gboolean *is_complete);
void ds_persistence_unpin (DsRdd *rdd);
/* While no task runs: when all of @rdd is kept, its shuffles drop what nobody will read.
 */
void ds_persistence_forget_inputs (DsRdd *rdd);

/* ---- Of nodes ---- */

DsPersistence *ds_rdd_get_persistence (DsRdd *self);  /* (nullable) (transfer none) */
DsPersistence *ds_rdd_make_persistence (DsRdd *self); /* (transfer none) */

static inline gboolean
ds_rdd_is_persisted (DsRdd *self)
{
  DsPersistence *persistence = ds_rdd_get_persistence (self);

  return persistence != NULL && ds_persistence_is_active (persistence);
}

G_END_DECLS
