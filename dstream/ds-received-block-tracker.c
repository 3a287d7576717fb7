/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Blocks wait here, in order of arrival, until a batch takes them, and stay with that
 * batch until it is forgotten.  Batches are allocated in the order of time; asking for an
 * old one again changes nothing, so that a batch that is tried anew has the same input.
 * The bytes of a block stay taken from the memory budget as long as it is here: that is
 * what slows receivers down when batches do not keep up. */

#include "dstream/ds-received-block-tracker-private.h"

typedef struct
{
  guint stream_id;
  DsBlock *block;
  gint64 n_records;
  gsize n_bytes;
  DsTime arrival_time;
  DsTime batch_time; /* DS_TIME_NONE: none yet */
} DsReceivedBlock;

struct _DsReceivedBlockTracker
{
  DsMemoryBudget *budget; /* (nullable) */
  GMutex lock;            /* guards what follows */
  GArray *blocks;    /* DsReceivedBlock: allocated ones first, then in arrival order */
  guint n_allocated; /* how many of them have a batch */
  DsTime last_batch_time; /* G_MININT64: none yet */
};

DsReceivedBlockTracker *
ds_received_block_tracker_new (DsMemoryBudget *budget)
{
  DsReceivedBlockTracker *self = g_new0 (DsReceivedBlockTracker, 1);

  self->budget = budget != NULL ? ds_memory_budget_ref (budget) : NULL;
  g_mutex_init (&self->lock);
  self->blocks = g_array_new (FALSE, FALSE, sizeof (DsReceivedBlock));
  self->last_batch_time = G_MININT64;
  return self;
}

/* Returns the bytes that are to be released. */
static gsize
ds_received_block_drop (DsReceivedBlock *block)
{
  ds_block_unref (block->block);
  return block->n_bytes;
}

static void
ds_received_block_tracker_release (DsReceivedBlockTracker *self, gsize n_bytes)
{
  if (self->budget != NULL && n_bytes > 0)
    ds_memory_budget_release (self->budget, n_bytes);
}

void
ds_received_block_tracker_free (DsReceivedBlockTracker *self)
{
  gsize n_bytes = 0;

  for (guint i = 0; i < self->blocks->len; i++)
    n_bytes += ds_received_block_drop (&g_array_index (self->blocks, DsReceivedBlock, i));
  ds_received_block_tracker_release (self, n_bytes);
  g_array_unref (self->blocks);
  g_clear_pointer (&self->budget, ds_memory_budget_unref);
  g_mutex_clear (&self->lock);
  g_free (self);
}

void
ds_received_block_tracker_add (DsReceivedBlockTracker *self,
                               guint stream_id,
                               DsBlock *block,
                               gint64 n_records,
                               gsize n_bytes,
                               DsTime arrival_time)
{
  DsReceivedBlock received = { stream_id, block,        n_records,
                               n_bytes,   arrival_time, DS_TIME_NONE };

  g_mutex_lock (&self->lock);
  g_array_append_val (self->blocks, received);
  g_mutex_unlock (&self->lock);
}

gboolean
ds_received_block_tracker_allocate (DsReceivedBlockTracker *self, DsTime batch_time)
{
  gboolean is_new;

  g_mutex_lock (&self->lock);
  is_new = batch_time > self->last_batch_time;
  if (is_new)
    {
      self->last_batch_time = batch_time;
      for (guint i = self->n_allocated; i < self->blocks->len; i++)
        {
          DsReceivedBlock taken = g_array_index (self->blocks, DsReceivedBlock, i);

          if (taken.arrival_time > batch_time)
            continue;
          /* Blocks of several receivers arrive nearly in order, so this moves few. */
          for (guint k = i; k > self->n_allocated; k--)
            g_array_index (self->blocks, DsReceivedBlock, k) =
                g_array_index (self->blocks, DsReceivedBlock, k - 1);
          taken.batch_time = batch_time;
          g_array_index (self->blocks, DsReceivedBlock, self->n_allocated++) = taken;
        }
    }
  g_mutex_unlock (&self->lock);
  return is_new;
}

static GPtrArray *
ds_received_block_tracker_list_locked (DsReceivedBlockTracker *self,
                                       guint first,
                                       guint end,
                                       DsTime batch_time,
                                       guint stream_id,
                                       gint64 *n_records)
{
  GPtrArray *blocks = g_ptr_array_new_with_free_func ((GDestroyNotify) ds_block_unref);

  for (guint i = first; i < end; i++)
    {
      DsReceivedBlock *known = &g_array_index (self->blocks, DsReceivedBlock, i);

      if (known->stream_id != stream_id || known->batch_time != batch_time)
        continue;
      g_ptr_array_add (blocks, ds_block_ref (known->block));
      *n_records += known->n_records;
    }
  return blocks;
}

GPtrArray *
ds_received_block_tracker_get_blocks (DsReceivedBlockTracker *self,
                                      DsTime batch_time,
                                      guint stream_id,
                                      gint64 *n_records)
{
  GPtrArray *blocks;

  *n_records = 0;
  g_mutex_lock (&self->lock);
  blocks = ds_received_block_tracker_list_locked (self, 0, self->n_allocated, batch_time,
                                                  stream_id, n_records);
  g_mutex_unlock (&self->lock);
  return blocks;
}

gint64
ds_received_block_tracker_get_n_records (DsReceivedBlockTracker *self,
                                         DsTime batch_time,
                                         guint stream_id)
{
  gint64 n_records = 0;

  g_mutex_lock (&self->lock);
  for (guint i = 0; i < self->n_allocated; i++)
    {
      DsReceivedBlock *known = &g_array_index (self->blocks, DsReceivedBlock, i);

      if (known->stream_id == stream_id && known->batch_time == batch_time)
        n_records += known->n_records;
    }
  g_mutex_unlock (&self->lock);
  return n_records;
}

GPtrArray *
ds_received_block_tracker_get_unallocated (DsReceivedBlockTracker *self, guint stream_id)
{
  GPtrArray *blocks;
  gint64 n_records = 0;

  g_mutex_lock (&self->lock);
  blocks =
      ds_received_block_tracker_list_locked (self, self->n_allocated, self->blocks->len,
                                             DS_TIME_NONE, stream_id, &n_records);
  g_mutex_unlock (&self->lock);
  return blocks;
}

DsTime
ds_received_block_tracker_get_first_unallocated_time (DsReceivedBlockTracker *self)
{
  DsTime time = G_MAXINT64;

  g_mutex_lock (&self->lock);
  for (guint i = self->n_allocated; i < self->blocks->len; i++)
    time = MIN (time, g_array_index (self->blocks, DsReceivedBlock, i).arrival_time);
  g_mutex_unlock (&self->lock);
  return time;
}

gint64
ds_received_block_tracker_get_n_unallocated_records (DsReceivedBlockTracker *self)
{
  gint64 n_records = 0;

  g_mutex_lock (&self->lock);
  for (guint i = self->n_allocated; i < self->blocks->len; i++)
    n_records += g_array_index (self->blocks, DsReceivedBlock, i).n_records;
  g_mutex_unlock (&self->lock);
  return n_records;
}

gint64
ds_received_block_tracker_get_n_waiting_records (DsReceivedBlockTracker *self,
                                                 guint stream_id)
{
  gint64 n_records = 0;

  g_mutex_lock (&self->lock);
  for (guint i = self->n_allocated; i < self->blocks->len; i++)
    {
      const DsReceivedBlock *known = &g_array_index (self->blocks, DsReceivedBlock, i);

      if (known->stream_id == stream_id)
        n_records += known->n_records;
    }
  g_mutex_unlock (&self->lock);
  return n_records;
}

void
ds_received_block_tracker_cleanup (DsReceivedBlockTracker *self, DsTime threshold)
{
  gsize n_bytes = 0;
  guint n_dropped = 0;

  g_mutex_lock (&self->lock);
  /* Batches are allocated in the order of time, so the oldest lie in front. */
  while (n_dropped < self->n_allocated)
    {
      DsReceivedBlock *known = &g_array_index (self->blocks, DsReceivedBlock, n_dropped);

      if (known->batch_time >= threshold)
        break;
      n_bytes += ds_received_block_drop (known);
      n_dropped++;
    }
  if (n_dropped > 0)
    g_array_remove_range (self->blocks, 0, n_dropped);
  self->n_allocated -= n_dropped;
  g_mutex_unlock (&self->lock);

  ds_received_block_tracker_release (self, n_bytes);
}
