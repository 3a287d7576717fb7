/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* An arena hands out memory by moving a cursor through its newest region; all of it is
 * given back at once.  The first region is small, so that a block of three values is no
 * burden, and each next one is twice as large up to 2 MiB, one huge page.
 *
 * Under AddressSanitizer every allocation takes the slow way: the limit that the inline
 * code sees is the cursor itself, what is not allocated yet is poisoned, and each
 * allocation uncovers its own bytes and the padding behind them. */

#include "base/ds-arena-region-private.h"

#include "base/ds-sanitizer-private.h"

#define DS_ARENA_FIRST_BYTES ((gsize) 4 * 1024)

/* Where the cursor of an arena without a region stands: even an allocation of no bytes
 * has its padding. */
static _Alignas(16) char ds_arena_nothing[DS_ARENA_PADDING];

static char *
ds_arena_region_get_limit (DsArenaRegion *region)
{
  return region->memory + region->n_bytes - DS_ARENA_PADDING;
}

/* Lets the inline code allocate from @cursor on in the newest region, when callers have
 * allocated @n_bytes. */
static void
ds_arena_open (DsArena *self, char *cursor, gsize n_bytes)
{
  self->cursor = cursor;
  self->origin = (guintptr) cursor - n_bytes;
  self->limit = DS_HAS_ASAN ? cursor : ds_arena_region_get_limit (self->regions);
}

/* All of @region is free. */
static void
ds_arena_region_clear (DsArenaRegion *region)
{
  DS_ASAN_POISON (region->memory + DS_ARENA_PADDING, region->n_bytes - DS_ARENA_PADDING);
}

DsArena *
ds_arena_new (DsArenaPool *pool)
{
  DsArena *self = g_new (DsArena, 1);

  self->cursor = ds_arena_nothing;
  self->limit = ds_arena_nothing;
  self->regions = NULL;
  self->pool = ds_arena_pool_ref (pool != NULL ? pool : ds_arena_pool_get_default ());
  self->origin = (guintptr) self->cursor;
  self->ref_count = 1;
  return self;
}

DsArena *
ds_arena_new_sized (DsArenaPool *pool, gsize n_bytes)
{
  DsArena *self = ds_arena_new (pool);

  self->regions = ds_arena_pool_take (self->pool, n_bytes);
  ds_arena_region_clear (self->regions);
  ds_arena_open (self, self->regions->memory, 0);
  return self;
}

DsArena *
ds_arena_ref (DsArena *self)
{
  g_atomic_int_inc (&self->ref_count);
  return self;
}

void
ds_arena_unref (DsArena *self)
{
  if (!g_atomic_int_dec_and_test (&self->ref_count))
    return;

  if (self->regions != NULL)
    ds_arena_pool_give (self->pool, self->regions);
  ds_arena_pool_unref (self->pool);
  g_free (self);
}

/* Moves the largest region out of the list. */
static DsArenaRegion *
ds_arena_steal_largest (DsArena *self)
{
  DsArenaRegion **largest = &self->regions;
  DsArenaRegion *region;

  for (DsArenaRegion **link = &self->regions; *link != NULL; link = &(*link)->next)
    if ((*link)->n_bytes > (*largest)->n_bytes)
      largest = link;

  region = *largest;
  if (region != NULL)
    {
      *largest = region->next;
      region->next = NULL;
    }
  return region;
}

void
ds_arena_reset (DsArena *self)
{
  DsArenaRegion *region = ds_arena_steal_largest (self);

  if (region == NULL)
    return;

  if (self->regions != NULL)
    ds_arena_pool_give (self->pool, self->regions);
  self->regions = region;
  ds_arena_region_clear (region);
  ds_arena_open (self, region->memory, 0);
}

gsize
ds_arena_get_capacity (DsArena *self)
{
  gsize n_bytes = 0;

  for (DsArenaRegion *region = self->regions; region != NULL; region = region->next)
    n_bytes += region->n_bytes;
  return n_bytes;
}

gpointer
ds_arena_alloc_slow (DsArena *self, gsize n_bytes)
{
  gsize n_padded = (n_bytes + 15) & ~(gsize) 15;
  gsize n_next = DS_ARENA_FIRST_BYTES;
  gsize n_before = ds_arena_get_n_bytes (self);
  DsArenaRegion *region = self->regions;
  char *memory;

  if (n_padded < n_bytes)
    g_error ("Out of memory: a value of %" G_GSIZE_FORMAT " bytes", n_bytes);

  if (region != NULL)
    {
      /* Under AddressSanitizer there may be room that the inline code does not see. */
      gsize n_left = (gsize) (ds_arena_region_get_limit (region) - self->cursor);

      if (n_padded <= n_left)
        {
          memory = self->cursor;
          ds_arena_open (self, memory + n_padded, n_before + n_padded);
          DS_ASAN_UNPOISON (memory, n_padded + DS_ARENA_PADDING);
          return memory;
        }
      n_next = MIN (2 * region->n_bytes, DS_ARENA_HUGE_BYTES);
    }

  /* Something large gets a region of its own, behind the newest one, so that what is left
   * of that is not lost. */
  if (region != NULL && n_padded > n_next / 2)
    {
      DsArenaRegion *large = ds_arena_pool_take (self->pool, n_padded);

      ds_arena_region_clear (large);
      large->next = region->next;
      region->next = large;
      self->origin -= n_padded;
      DS_ASAN_UNPOISON (large->memory, n_padded + DS_ARENA_PADDING);
      return large->memory;
    }

  region = ds_arena_pool_take (self->pool, MAX (n_padded, n_next - DS_ARENA_PADDING));
  ds_arena_region_clear (region);
  region->next = self->regions;
  self->regions = region;
  memory = region->memory;
  ds_arena_open (self, memory + n_padded, n_before + n_padded);
  DS_ASAN_UNPOISON (memory, n_padded + DS_ARENA_PADDING);
  return memory;
}
