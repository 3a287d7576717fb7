/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsCheckpointShelf: which checkpoints lie in the directory, which of them are kept, and
 * whether the next one may build on the last.  Not locked: its owner does that. */

#include "base/ds-checkpoint-file-private.h"

G_BEGIN_DECLS

/* So many of the newest are kept, with all that they build on. */
#define DS_CHECKPOINTS_KEPT 3

typedef struct _DsCheckpointShelf DsCheckpointShelf;

DsCheckpointShelf *ds_checkpoint_shelf_new (void);
void ds_checkpoint_shelf_free (DsCheckpointShelf *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsCheckpointShelf, ds_checkpoint_shelf_free)

/* What was there before: none of it is built on. */
gboolean ds_checkpoint_shelf_read (DsCheckpointShelf *self,
                                   DsDurableDirectory *directory,
                                   GError **error);
/* One was written, newer than all others.  @base_time: DS_TIME_NONE: it holds everything;
 * @n_bytes: of the states in it. */
void ds_checkpoint_shelf_add (DsCheckpointShelf *self,
                              DsTime time,
                              DsTime base_time,
                              guint64 wal_sequence,
                              guint64 n_bytes);
/* What the next one should build on; DS_TIME_NONE: it should hold everything. */
DsTime ds_checkpoint_shelf_get_base_time (DsCheckpointShelf *self);
/* The oldest that a recovery may begin with; DS_TIME_NONE: there is none. */
DsTime ds_checkpoint_shelf_get_oldest_time (DsCheckpointShelf *self);
/* Those that are neither kept nor built on are not on the shelf any longer: their names
 * go to the end of @names, in the order in which they may be removed.  *@sequence: from
 * where on the log is needed. */
void ds_checkpoint_shelf_take_unneeded (DsCheckpointShelf *self,
                                        GPtrArray *names,
                                        guint64 *sequence);

G_END_DECLS
