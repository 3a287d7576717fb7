/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Scratch columns: the arrays of %DS_CHUNK_MAX_VALUES values that sinks put results into.
 *
 * A task builds its chain of sinks anew, and a batch of one line must not pay for fresh
 * 16 KiB arrays each time.  So every thread keeps the few columns that it used last; they
 * are warm in its cache, too. */

#include "rdd/ds-sink-private.h"

#define DS_SCRATCH_MAX_KEPT 16

typedef struct
{
  DsValue *columns[DS_SCRATCH_MAX_KEPT];
  guint n_columns;
  gboolean is_registered;
} DsScratchCache;

static void ds_scratch_cache_clear (gpointer cache);

static _Thread_local DsScratchCache ds_scratch_cache;
/* Only for its destroy function, which runs when the thread ends. */
static GPrivate ds_scratch_at_thread_end = G_PRIVATE_INIT (ds_scratch_cache_clear);

static void
ds_scratch_cache_clear (gpointer cache)
{
  DsScratchCache *self = cache;

  while (self->n_columns > 0)
    g_free (self->columns[--self->n_columns]);
  self->is_registered = FALSE;
}

DsValue *
ds_scratch_column_take (void)
{
  DsScratchCache *self = &ds_scratch_cache;

  if (G_LIKELY (self->n_columns > 0))
    return self->columns[--self->n_columns];
  return g_new (DsValue, DS_CHUNK_MAX_VALUES);
}

void
ds_scratch_column_give (DsValue *column)
{
  DsScratchCache *self = &ds_scratch_cache;

  if (column == NULL)
    return;
  if (self->n_columns == DS_SCRATCH_MAX_KEPT)
    {
      g_free (column);
      return;
    }
  if (G_UNLIKELY (!self->is_registered))
    {
      g_private_set (&ds_scratch_at_thread_end, self);
      self->is_registered = TRUE;
    }
  self->columns[self->n_columns++] = column;
}
