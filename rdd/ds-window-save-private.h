/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What capturing, saving and loading of windows share. */

#include "rdd/ds-checkpoint-frame-private.h"

G_BEGIN_DECLS

#define DS_WINDOW_SAVE_NAME "windows"
#define DS_WINDOW_SAVE_VERSION 1

/* A copy of the table of one partition, but for the keys, which it shares. */
typedef struct
{
  gboolean is_used;
  DsTime time; /* of the newest batch */
  guint32 n_entries;
  guint32 first_live; /* + 1 */
  guint32 n_batches;
  const DsValue *keys;
  DsValue *values;
  DsWindowEntry *entries;
  DsWindowQueue *queues; /* (nullable): cells begin with the one at front */
  DsWindowBatch *batches;
  DsArena *key_column;
  DsArena *key_arena;
  DsArena *arena; /* of all else */
} DsWindowPart;

struct _DsWindowSnapshot
{
  DsTime time;
  gboolean has_queues;
  guint n_parts;
  DsWindowPart parts[];
};

/* The same in the same memory.  Empty ones may lie where others begin. */
static inline gboolean
ds_window_cell_is_one_value (const DsWindowCell *self)
{
  return self->aggregate.as.integer == self->value.as.integer &&
         self->aggregate.type == self->value.type &&
         self->aggregate.size == self->value.size;
}

/* How the stretches of a queue lie, counted from front. */
typedef struct
{
  guint32 left;
  guint32 right;
  guint32 turn;
  guint32 back;
  guint32 n_cells;
} DsWindowStretches;

G_END_DECLS
