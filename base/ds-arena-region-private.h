/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Regions: the pieces of memory that arenas are made of, and the pool that keeps them. */

#include "base/ds-arena-private.h"

G_BEGIN_DECLS

typedef struct _DsArenaRegion DsArenaRegion;

/* The description lies apart from the memory, in memory of malloc (): leak checkers do
 * not look for pointers in mapped memory. */
struct _DsArenaRegion
{
  DsArenaRegion *next;
  char *memory;  /* 16-byte aligned; mapped from 128 KiB on, in huge pages from 2 MiB */
  gsize n_bytes; /* in all, the padding included: a size of ds_arena_class_size () */
  guint size_class;
};

#define DS_ARENA_HUGE_BYTES ((gsize) 2 * 1024 * 1024)
/* From here on the pool alone decides what is kept: malloc () would keep some more, in
 * the holes that threads leave to each other. */
#define DS_ARENA_MAPPED_BYTES ((gsize) 128 * 1024)

/* Sizes come in classes, four for each doubling, so that a region fits whoever asks for
 * about as much; from 2 MiB on they are whole huge pages. */
guint ds_arena_class_of (gsize n_bytes); /* the smallest that holds so many */
gsize ds_arena_class_size (guint size_class);
#define DS_ARENA_N_CLASSES 216 /* up to G_MAXSSIZE */

/* A region of at least @n_bytes, the padding not counted; a recycled one when the pool
 * keeps one of up to twice the size.  All its bytes are initialised. */
DsArenaRegion *ds_arena_pool_take (DsArenaPool *self, gsize n_bytes);
/* The whole list goes back. */
void ds_arena_pool_give (DsArenaPool *self, DsArenaRegion *regions);

G_END_DECLS
