/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsArena: bump-allocated memory, refcounted as a whole.
 *
 * Allocating belongs to one thread at a time; references may be taken and dropped by any.
 * Every region guarantees %DS_ARENA_PADDING readable bytes past whatever was allocated.
 * Regions come from a DsArenaPool and go back to it with the last reference; the pool
 * keeps as much as the high-water mark of the last 16 batches.  Regions of 2 MiB and more
 * ask for huge pages. */

#include <glib.h>

G_BEGIN_DECLS

#define DS_ARENA_PADDING 64

typedef struct _DsArenaPool DsArenaPool;
typedef struct _DsArena DsArena;

struct _DsArena
{
  /*< private >*/
  char *cursor;                   /* 16-byte aligned between allocations */
  char *limit;                    /* the padding lies behind it */
  guintptr origin;                /* the cursor, less the bytes that callers allocated:
                                   * changes only when memory is added */
  struct _DsArenaRegion *regions; /* newest first */
  DsArenaPool *pool;
  gint ref_count;
};

/* The process-wide pool. */
DsArenaPool *ds_arena_pool_get_default (void);
DsArenaPool *ds_arena_pool_new (void);
DsArenaPool *ds_arena_pool_ref (DsArenaPool *self);
void ds_arena_pool_unref (DsArenaPool *self);
/* Closes a batch: what is kept beyond the highest use of the last 16 batches goes back to
 * the system.  Any thread. */
void ds_arena_pool_end_batch (DsArenaPool *self);
gsize ds_arena_pool_get_bytes_in_use (DsArenaPool *self);
gsize ds_arena_pool_get_bytes_kept (DsArenaPool *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsArenaPool, ds_arena_pool_unref)

DsArena *ds_arena_new (DsArenaPool *pool); /* (nullable): the process-wide one */
/* The first region holds at least @n_bytes. */
DsArena *ds_arena_new_sized (DsArenaPool *pool, gsize n_bytes);
DsArena *ds_arena_ref (DsArena *self);
void ds_arena_unref (DsArena *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsArena, ds_arena_unref)

/* Forgets what was allocated and keeps the largest region.  Only the single owner may. */
void ds_arena_reset (DsArena *self);
/* Memory of the system that the arena holds, used or not. */
gsize ds_arena_get_capacity (DsArena *self);

/* How much was allocated since the last reset, padded. */
static inline gsize
ds_arena_get_n_bytes (DsArena *self)
{
  return (guintptr) self->cursor - self->origin;
}

/* Out of line: makes room in a new region. */
gpointer ds_arena_alloc_slow (DsArena *self, gsize n_bytes);

/* 16-byte aligned, not cleared, never NULL. */
static inline gpointer
ds_arena_alloc (DsArena *self, gsize n_bytes)
{
  gsize n_padded = (n_bytes + 15) & ~(gsize) 15;

  if (G_LIKELY (n_padded >= n_bytes && n_padded <= (gsize) (self->limit - self->cursor)))
    {
      gpointer memory = self->cursor;

      self->cursor += n_padded;
      return memory;
    }
  return ds_arena_alloc_slow (self, n_bytes);
}

G_END_DECLS
