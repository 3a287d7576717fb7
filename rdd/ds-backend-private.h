/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsBackend: everything that leaves a partition goes through here.  "local" has one place
 * and hands over references; "loopback[n]" has n places in one process between which only
 * encoded bytes cross, so that whatever a distributed backend would need to encode is
 * encoded in every test that runs on it.  Any thread. */

#include "base/ds-block-private.h"

G_BEGIN_DECLS

typedef struct _DsBackend DsBackend;

DsBackend *ds_backend_new_local (void);
DsBackend *ds_backend_new_loopback (guint n_places);
void ds_backend_free (DsBackend *self);

guint ds_backend_get_n_places (DsBackend *self);
guint ds_backend_place_of (DsBackend *self, guint partition);
#define DS_PLACE_DRIVER G_MAXUINT
/* @block as it arrives at @to: the block itself within a place, decoded bytes between
 * two.  (transfer full), NULL with error. */
DsBlock *
ds_backend_move (DsBackend *self, DsBlock *block, guint from, guint to, GError **error);
guint64 ds_backend_get_n_bytes_moved (DsBackend *self);

G_END_DECLS
