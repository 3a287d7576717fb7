/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsRecentPaths: the paths that the last batches took, which the rule of time does not
 * take again under the same name.  One thread at a time. */

#include "base/ds-time.h"
#include "base/ds-value.h"

G_BEGIN_DECLS

typedef struct _DsRecentPaths DsRecentPaths;

DsRecentPaths *ds_recent_paths_new (void);
void ds_recent_paths_free (DsRecentPaths *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsRecentPaths, ds_recent_paths_free)

/* The batch of @batch_time, none older than those before, took @path, taken over. */
void ds_recent_paths_add (DsRecentPaths *self, DsTime batch_time, char *path);
/* Those of batches before @time. */
void ds_recent_paths_forget (DsRecentPaths *self, DsTime time);
gboolean ds_recent_paths_is_empty (DsRecentPaths *self);
/* DS_TIME_NONE: none took it. */
DsTime ds_recent_paths_get_batch_time (DsRecentPaths *self, const char *path);
gsize ds_recent_paths_get_n_bytes (DsRecentPaths *self); /* of the paths */

/* For checkpoints: those of batches up to @until, as values back to back, appended. */
void ds_recent_paths_save (DsRecentPaths *self, DsTime until, GByteArray *bytes);
/* How many of @values that took; 0: they do not have the form. */
gsize ds_recent_paths_load (DsRecentPaths *self, const DsValue *values, gsize n_values);

G_END_DECLS
