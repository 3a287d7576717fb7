/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The pool keeps regions between batches, because fresh memory is dear: the kernel clears
 * every page of it when it is first touched.
 *
 * How much it keeps follows from use: the highest use of each of the last 16 batches is
 * remembered, and at the end of a batch everything beyond the highest of these, the
 * regions in use included, goes back to the system.  A burst is forgotten 16 batches
 * later.
 *
 * Under AddressSanitizer the memory of a region that is not in use is poisoned, so that
 * reading a value whose block is gone is reported although the memory is still there. */

#include "base/ds-arena-region-private.h"

#include "base/ds-sanitizer-private.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define DS_ARENA_N_MARKS 16

struct _DsArenaPool
{
  gint ref_count;

  GMutex lock; /* guards all below */
  DsArenaRegion *kept[DS_ARENA_N_CLASSES];
  gsize n_bytes_kept;
  gsize n_bytes_in_use;
  gsize peak; /* of n_bytes_in_use in this batch */
  gsize marks[DS_ARENA_N_MARKS];
  guint n_batches; /* ended so far */
};

/* ---- Size classes ---- */

#define DS_ARENA_CLASS_MIN_BITS 10 /* 1 KiB */

guint
ds_arena_class_of (gsize n_bytes)
{
  guint bits;
  gsize step;
  guint quarters;

  if (n_bytes <= (gsize) 1 << DS_ARENA_CLASS_MIN_BITS)
    return 0;

  bits = (guint) g_bit_storage (n_bytes - 1) - 1; /* 2^bits < n_bytes <= 2^(bits + 1) */
  step = ((gsize) 1 << bits) / 4;
  quarters = (guint) ((n_bytes - 1 - ((gsize) 1 << bits)) / step) + 1; /* 1 to 4 */
  return (bits - DS_ARENA_CLASS_MIN_BITS) * 4 + quarters;
}

gsize
ds_arena_class_size (guint size_class)
{
  gsize base = (gsize) 1 << (DS_ARENA_CLASS_MIN_BITS + size_class / 4);
  gsize size = base + base / 4 * (size_class % 4);

  if (size < DS_ARENA_HUGE_BYTES)
    return size;
  return (size + DS_ARENA_HUGE_BYTES - 1) & ~(DS_ARENA_HUGE_BYTES - 1);
}

/* ---- Regions and the system ---- */

static char *
ds_arena_map (gsize n_bytes)
{
  char *mapped = mmap (NULL, n_bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

  if (mapped == MAP_FAILED)
    g_error ("Out of memory: %" G_GSIZE_FORMAT " bytes for values could not be mapped: "
             "%s",
             n_bytes, g_strerror (errno));
  return mapped;
}

/* Mapped memory is aligned to pages; a stretch that is one huge page longer contains an
 * aligned one, and its ends go back. */
static char *
ds_arena_map_huge (gsize n_bytes)
{
  char *mapped = ds_arena_map (n_bytes + DS_ARENA_HUGE_BYTES);
  gsize n_before =
      (DS_ARENA_HUGE_BYTES - (gsize) mapped % DS_ARENA_HUGE_BYTES) % DS_ARENA_HUGE_BYTES;

  if (n_before > 0)
    munmap (mapped, n_before);
  munmap (mapped + n_before + n_bytes, DS_ARENA_HUGE_BYTES - n_before);

  /* Advice: without huge pages the memory is as good, only slower. */
  madvise (mapped + n_before, n_bytes, MADV_HUGEPAGE);
  return mapped + n_before;
}

static DsArenaRegion *
ds_arena_region_new (guint size_class)
{
  DsArenaRegion *region = g_new0 (DsArenaRegion, 1);

  region->size_class = size_class;
  region->n_bytes = ds_arena_class_size (size_class);
  if (region->n_bytes >= DS_ARENA_HUGE_BYTES)
    region->memory = ds_arena_map_huge (region->n_bytes);
  else if (region->n_bytes >= DS_ARENA_MAPPED_BYTES)
    region->memory = ds_arena_map (region->n_bytes);
  else
    region->memory = g_malloc0 (region->n_bytes);
  return region;
}

static void
ds_arena_region_free (DsArenaRegion *self)
{
  DS_ASAN_UNPOISON (self->memory, self->n_bytes);
  if (self->n_bytes >= DS_ARENA_MAPPED_BYTES)
    munmap (self->memory, self->n_bytes);
  else
    g_free (self->memory);
  g_free (self);
}

/* ---- The pool ---- */

DsArenaPool *
ds_arena_pool_new (void)
{
  DsArenaPool *self = g_new0 (DsArenaPool, 1);

  self->ref_count = 1;
  g_mutex_init (&self->lock);
  return self;
}

DsArenaPool *
ds_arena_pool_get_default (void)
{
  static gsize default_pool;

  if (g_once_init_enter (&default_pool))
    g_once_init_leave (&default_pool, (gsize) ds_arena_pool_new ());
  return (DsArenaPool *) default_pool;
}

DsArenaPool *
ds_arena_pool_ref (DsArenaPool *self)
{
  g_atomic_int_inc (&self->ref_count);
  return self;
}

static void
ds_arena_regions_free (DsArenaRegion *regions)
{
  while (regions != NULL)
    {
      DsArenaRegion *next = regions->next;

      ds_arena_region_free (regions);
      regions = next;
    }
}

void
ds_arena_pool_unref (DsArenaPool *self)
{
  if (!g_atomic_int_dec_and_test (&self->ref_count))
    return;

  for (guint i = 0; i < DS_ARENA_N_CLASSES; i++)
    ds_arena_regions_free (self->kept[i]);
  g_mutex_clear (&self->lock);
  g_free (self);
}

/* Locks: needs self->lock. */
static DsArenaRegion *
ds_arena_pool_take_kept_locked (DsArenaPool *self, guint size_class)
{
  for (guint i = size_class; i <= size_class + 4 && i < DS_ARENA_N_CLASSES; i++)
    {
      DsArenaRegion *region = self->kept[i];

      if (region == NULL)
        continue;
      self->kept[i] = region->next;
      self->n_bytes_kept -= region->n_bytes;
      region->next = NULL;
      return region;
    }
  return NULL;
}

DsArenaRegion *
ds_arena_pool_take (DsArenaPool *self, gsize n_bytes)
{
  DsArenaRegion *region;
  guint size_class;

  if (n_bytes > G_MAXSSIZE / 2)
    g_error ("Out of memory: a value of %" G_GSIZE_FORMAT " bytes", n_bytes);
  size_class = ds_arena_class_of (n_bytes + DS_ARENA_PADDING);

  g_mutex_lock (&self->lock);
  region = ds_arena_pool_take_kept_locked (self, size_class);
  self->n_bytes_in_use +=
      region != NULL ? region->n_bytes : ds_arena_class_size (size_class);
  self->peak = MAX (self->peak, self->n_bytes_in_use);
  g_mutex_unlock (&self->lock);

  if (region == NULL)
    return ds_arena_region_new (size_class);
  DS_ASAN_UNPOISON (region->memory, region->n_bytes);
  return region;
}

void
ds_arena_pool_give (DsArenaPool *self, DsArenaRegion *regions)
{
  g_mutex_lock (&self->lock);
  while (regions != NULL)
    {
      DsArenaRegion *region = regions;

      regions = region->next;
      DS_ASAN_POISON (region->memory, region->n_bytes);
      region->next = self->kept[region->size_class];
      self->kept[region->size_class] = region;
      self->n_bytes_kept += region->n_bytes;
      self->n_bytes_in_use -= region->n_bytes;
    }
  g_mutex_unlock (&self->lock);
}

/* Takes what is beyond @target, the largest first.  A region larger than what is too much
 * stays: without it less would be left than the last batches needed.  Locks: needs
 * self->lock. */
static DsArenaRegion *
ds_arena_pool_cut_locked (DsArenaPool *self, gsize target)
{
  gsize n_bytes = self->n_bytes_kept + self->n_bytes_in_use;
  gsize excess = n_bytes > target ? n_bytes - target : 0;
  DsArenaRegion *cut = NULL;

  for (guint i = DS_ARENA_N_CLASSES; i > 0; i--)
    {
      DsArenaRegion **head = &self->kept[i - 1];

      while (*head != NULL && (*head)->n_bytes <= excess)
        {
          DsArenaRegion *region = *head;

          *head = region->next;
          self->n_bytes_kept -= region->n_bytes;
          excess -= region->n_bytes;
          region->next = cut;
          cut = region;
        }
    }
  return cut;
}

void
ds_arena_pool_end_batch (DsArenaPool *self)
{
  DsArenaRegion *cut;
  gsize target = 0;

  g_mutex_lock (&self->lock);
  self->marks[self->n_batches % DS_ARENA_N_MARKS] = self->peak;
  self->n_batches++;
  self->peak = self->n_bytes_in_use;
  for (guint i = 0; i < DS_ARENA_N_MARKS; i++)
    target = MAX (target, self->marks[i]);
  cut = ds_arena_pool_cut_locked (self, target);
  g_mutex_unlock (&self->lock);

  ds_arena_regions_free (cut);
}

gsize
ds_arena_pool_get_bytes_in_use (DsArenaPool *self)
{
  gsize n_bytes;

  g_mutex_lock (&self->lock);
  n_bytes = self->n_bytes_in_use;
  g_mutex_unlock (&self->lock);
  return n_bytes;
}

gsize
ds_arena_pool_get_bytes_kept (DsArenaPool *self)
{
  gsize n_bytes;

  g_mutex_lock (&self->lock);
  n_bytes = self->n_bytes_kept;
  g_mutex_unlock (&self->lock);
  return n_bytes;
}
