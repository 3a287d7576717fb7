/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsSavedState: the keys of one stream as checkpoints have them, for whoever looks at
 * them without the program: ds-checkpoint.  It reads what ds_state_store_save () or
 * ds_window_snapshot_save () wrote, by the functions that a recovery loads it with. */

#include "rdd/ds-checkpoint-stream-private.h"

G_BEGIN_DECLS

typedef struct
{
  DsValue key;
  const guint8 *key_bytes; /* both as msgpack */
  const guint8 *bytes;     /* what belongs to it */
  guint32 n_key_bytes;
  guint32 n_bytes;
  DsTime updated_at; /* %DS_TIME_NONE: windows don't say */
} DsSavedRow;

typedef struct _DsSavedState DsSavedState;

/* Of the kind that the first bytes of @reader tell, which are to be read once more by
 * ds_saved_state_load ().  %DS_ERROR_CORRUPT.  One thread at a time. */
DsSavedState *ds_saved_state_new (DsStateReader *reader, GError **error);
void ds_saved_state_free (DsSavedState *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsSavedState, ds_saved_state_free)

/* Whether the first bytes of @reader begin steps of a window, which only the functions of
 * the program can take: not to be loaded. */
gboolean
ds_saved_state_is_steps (DsStateReader *reader, gboolean *is_steps, GError **error);
/* All of it first, then what changed, in order. */
gboolean ds_saved_state_load (DsSavedState *self, DsStateReader *reader, GError **error);
/* In the order of ds_value_compare (); of windows those keys that the result has.  Once,
 * after all loads; valid until it is freed.  It takes 56 bytes for each key, and the
 * bytes of key and state. */
const DsSavedRow *ds_saved_state_get_rows (DsSavedState *self, gsize *n_rows);
/* The state of @row, whose strings lie in it; items of lists lie in @arena. */
DsValue ds_saved_row_get_value (const DsSavedRow *row, DsArena *arena);

G_END_DECLS
