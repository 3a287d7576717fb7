/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Blocks wait here, in order of arrival, until a batch takes them, and stay with that
 * batch until it is forgotten.  Batches are allocated in the order of time; asking for an
 * old one again changes nothing, so that a batch that is tried anew has the same input.
 * The bytes of a block stay taken from the memory budget as long as it is here: that is
 * what slows receivers down when batches do not keep up. */

#include "dstream/ds-received-block-tracker-private.h"

#include "dstream/ds-received-block-log-private.h"

typedef struct
{
  guint stream_id;
  DsBlock *block; /* (nullable): only in the log so far */
  gint64 n_records;
  gsize n_bytes;
  DsTime arrival_time;
  DsTime batch_time;   /* DS_TIME_NONE: none yet */
  guint64 sequence;    /* in the log; 0: not there */
  DsLogRecord *record; /* (nullable): where it is, when it was recovered from there */
} DsReceivedBlock;

/* Of a stream. */
typedef struct
{
  guint stream_id;
  guint64 end; /* of what was in batches that are forgotten */
} DsForgottenBlocks;

struct _DsReceivedBlockTracker
{
  DsMemoryBudget *budget; /* (nullable) */
  GMutex lock;            /* guards what follows */
  GArray *blocks;    /* DsReceivedBlock: allocated ones first, then in arrival order */
  guint n_allocated; /* how many of them have a batch */
  DsTime last_batch_time; /* G_MININT64: none yet */
  DsTime planned_until;   /* the same */
  GArray *forgotten;      /* DsForgottenBlocks */
};

DsReceivedBlockTracker *
ds_received_block_tracker_new (DsMemoryBudget *budget)
{
  DsReceivedBlockTracker *self = g_new0 (DsReceivedBlockTracker, 1);

  self->budget = budget != NULL ? ds_memory_budget_ref (budget) : NULL;
  g_mutex_init (&self->lock);
  self->blocks = g_array_new (FALSE, FALSE, sizeof (DsReceivedBlock));
  self->last_batch_time = G_MININT64;
  self->planned_until = G_MININT64;
  self->forgotten = g_array_new (FALSE, FALSE, sizeof (DsForgottenBlocks));
  return self;
}

/* Returns the bytes that are to be released. */
static gsize
ds_received_block_drop (DsReceivedBlock *block)
{
  g_clear_pointer (&block->block, ds_block_unref);
  g_clear_pointer (&block->record, g_free);
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
  g_array_unref (self->forgotten);
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
  ds_received_block_tracker_add_logged (self, stream_id, block, n_records, n_bytes,
                                        arrival_time, 0);
}

void
ds_received_block_tracker_add_logged (DsReceivedBlockTracker *self,
                                      guint stream_id,
                                      DsBlock *block,
                                      gint64 n_records,
                                      gsize n_bytes,
                                      DsTime arrival_time,
                                      guint64 sequence)
{
  DsReceivedBlock received = {
    .stream_id = stream_id,
    .block = block,
    .n_records = n_records,
    .n_bytes = n_bytes,
    .arrival_time = arrival_time,
    .batch_time = DS_TIME_NONE,
    .sequence = sequence,
  };

  g_mutex_lock (&self->lock);
  g_array_append_val (self->blocks, received);
  g_mutex_unlock (&self->lock);
}

gboolean
ds_received_block_tracker_allocate (DsReceivedBlockTracker *self, DsTime batch_time)
{
  guint n_logged = 0;
  gboolean is_new;

  g_mutex_lock (&self->lock);
  is_new = batch_time > self->last_batch_time;
  if (is_new)
    {
      self->last_batch_time = batch_time;
      for (guint i = self->n_allocated;
           batch_time > self->planned_until && i < self->blocks->len; i++)
        {
          DsReceivedBlock taken = g_array_index (self->blocks, DsReceivedBlock, i);

          if (taken.arrival_time > batch_time ||
              (taken.sequence > 0 && ++n_logged > DS_RECEIVED_BLOCKS_PER_BATCH))
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

      if (known->stream_id != stream_id || known->batch_time != batch_time ||
          known->block == NULL)
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

static guint64
ds_received_block_tracker_get_forgotten_locked (DsReceivedBlockTracker *self,
                                                guint stream_id)
{
  for (guint i = 0; i < self->forgotten->len; i++)
    if (g_array_index (self->forgotten, DsForgottenBlocks, i).stream_id == stream_id)
      return g_array_index (self->forgotten, DsForgottenBlocks, i).end;
  return 0;
}

static void
ds_received_block_tracker_note_forgotten_locked (DsReceivedBlockTracker *self,
                                                 guint stream_id,
                                                 guint64 end)
{
  DsForgottenBlocks forgotten = { stream_id, end };

  for (guint i = 0; i < self->forgotten->len; i++)
    {
      DsForgottenBlocks *known = &g_array_index (self->forgotten, DsForgottenBlocks, i);

      if (known->stream_id != stream_id)
        continue;
      known->end = MAX (known->end, end);
      return;
    }
  g_array_append_val (self->forgotten, forgotten);
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
      if (known->sequence > 0)
        ds_received_block_tracker_note_forgotten_locked (self, known->stream_id,
                                                         known->sequence + 1);
      n_bytes += ds_received_block_drop (known);
      n_dropped++;
    }
  if (n_dropped > 0)
    g_array_remove_range (self->blocks, 0, n_dropped);
  self->n_allocated -= n_dropped;
  g_mutex_unlock (&self->lock);

  ds_received_block_tracker_release (self, n_bytes);
}

/* ---- Of blocks that are in the log ---- */

static int
ds_received_block_compare_sequences (gconstpointer a, gconstpointer b)
{
  guint64 left = *(const guint64 *) a;
  guint64 right = *(const guint64 *) b;

  return (left > right) - (left < right);
}

void
ds_received_block_tracker_get_plan (DsReceivedBlockTracker *self,
                                    DsTime batch_time,
                                    guint stream_id,
                                    GArray *sequences)
{
  g_mutex_lock (&self->lock);
  for (guint i = 0; i < self->n_allocated; i++)
    {
      const DsReceivedBlock *known = &g_array_index (self->blocks, DsReceivedBlock, i);

      if (known->stream_id == stream_id && known->batch_time == batch_time &&
          known->sequence > 0)
        g_array_append_val (sequences, known->sequence);
    }
  g_mutex_unlock (&self->lock);
  g_array_sort (sequences, ds_received_block_compare_sequences);
}

void
ds_received_block_tracker_get_position (DsReceivedBlockTracker *self,
                                        DsTime time,
                                        guint stream_id,
                                        DsBlockPosition *position)
{
  g_mutex_lock (&self->lock);
  position->end = ds_received_block_tracker_get_forgotten_locked (self, stream_id);
  for (guint i = 0; i < self->blocks->len; i++)
    {
      const DsReceivedBlock *known = &g_array_index (self->blocks, DsReceivedBlock, i);

      if (known->stream_id != stream_id || known->sequence == 0)
        continue;
      if (i < self->n_allocated && known->batch_time <= time)
        {
          position->end = MAX (position->end, known->sequence + 1);
          g_array_append_val (
              ds_block_position_get_plan (position, known->batch_time)->sequences,
              known->sequence);
        }
      else
        g_array_append_val (position->left, known->sequence);
    }
  g_mutex_unlock (&self->lock);

  g_array_sort (position->left, ds_received_block_compare_sequences);
  /* What comes behind the end is left anyway. */
  while (position->left->len > 0 &&
         g_array_index (position->left, guint64, position->left->len - 1) >=
             position->end)
    g_array_set_size (position->left, position->left->len - 1);
  for (guint i = 0; i < position->remembered->len; i++)
    g_array_sort (g_array_index (position->remembered, DsBlockPlan, i).sequences,
                  ds_received_block_compare_sequences);
}

guint64
ds_received_block_tracker_get_oldest_sequence (DsReceivedBlockTracker *self)
{
  guint64 oldest = G_MAXUINT64;

  g_mutex_lock (&self->lock);
  for (guint i = 0; i < self->blocks->len; i++)
    {
      guint64 sequence = g_array_index (self->blocks, DsReceivedBlock, i).sequence;

      if (sequence > 0)
        oldest = MIN (oldest, sequence);
    }
  g_mutex_unlock (&self->lock);
  return oldest;
}

/* ---- Recovery ---- */

void
ds_received_block_tracker_set_forgotten (DsReceivedBlockTracker *self,
                                         guint stream_id,
                                         guint64 end)
{
  g_mutex_lock (&self->lock);
  ds_received_block_tracker_note_forgotten_locked (self, stream_id, end);
  g_mutex_unlock (&self->lock);
}

void
ds_received_block_tracker_recover (DsReceivedBlockTracker *self,
                                   guint stream_id,
                                   gint64 n_records,
                                   const DsLogRecord *record,
                                   DsTime batch_time)
{
  DsReceivedBlock received = {
    .stream_id = stream_id,
    .n_records = n_records,
    .arrival_time = G_MININT64,
    .batch_time = batch_time,
    .sequence = record->sequence,
    .record = g_memdup2 (record, sizeof *record),
  };
  guint index;

  g_mutex_lock (&self->lock);
  index = self->blocks->len;
  if (batch_time != DS_TIME_NONE)
    {
      index = self->n_allocated++;
      while (index > 0 &&
             g_array_index (self->blocks, DsReceivedBlock, index - 1).batch_time >
                 batch_time)
        index--;
    }
  g_array_insert_val (self->blocks, index, received);
  g_mutex_unlock (&self->lock);
}

void
ds_received_block_tracker_set_planned_until (DsReceivedBlockTracker *self,
                                             DsTime batch_time)
{
  g_mutex_lock (&self->lock);
  self->planned_until = MAX (self->planned_until, batch_time);
  g_mutex_unlock (&self->lock);
}

typedef struct
{
  guint index; /* nearer to the front by now, when batches were forgotten */
  DsLogRecord record;
} DsUnreadBlock;

/* Those of the batch's blocks that are only in the log: DsUnreadBlock. */
static GArray *
ds_received_block_tracker_list_unread (DsReceivedBlockTracker *self,
                                       DsTime batch_time,
                                       guint stream_id)
{
  GArray *unread = g_array_new (FALSE, FALSE, sizeof (DsUnreadBlock));

  g_mutex_lock (&self->lock);
  for (guint i = 0; i < self->n_allocated; i++)
    {
      const DsReceivedBlock *known = &g_array_index (self->blocks, DsReceivedBlock, i);
      DsUnreadBlock found = { .index = i };

      if (known->stream_id != stream_id || known->batch_time != batch_time ||
          known->block != NULL)
        continue;
      found.record = *known->record;
      g_array_append_val (unread, found);
    }
  g_mutex_unlock (&self->lock);
  return unread;
}

static void
ds_received_block_tracker_set_block (DsReceivedBlockTracker *self,
                                     const DsUnreadBlock *unread,
                                     DsBlock *block /* (transfer full) */)
{
  g_autoptr (DsBlock) owned = block;
  gsize n_bytes = ds_block_get_n_bytes (block);

  if (self->budget != NULL)
    ds_memory_budget_take (self->budget, n_bytes);
  g_mutex_lock (&self->lock);
  for (guint i = MIN (unread->index + 1, self->n_allocated); i > 0; i--)
    {
      DsReceivedBlock *known = &g_array_index (self->blocks, DsReceivedBlock, i - 1);

      if (known->sequence != unread->record.sequence)
        continue;
      known->block = g_steal_pointer (&owned);
      known->n_bytes = n_bytes;
      break;
    }
  g_mutex_unlock (&self->lock);
  if (owned != NULL)
    ds_received_block_tracker_release (self, n_bytes);
}

gboolean
ds_received_block_tracker_load (DsReceivedBlockTracker *self,
                                DsDurableDirectory *directory,
                                DsArenaPool *pool,
                                DsTime batch_time,
                                guint stream_id,
                                GError **error)
{
  g_autoptr (GArray) all =
      ds_received_block_tracker_list_unread (self, batch_time, stream_id);

  for (guint i = 0; i < all->len; i++)
    {
      const DsUnreadBlock *unread = &g_array_index (all, DsUnreadBlock, i);
      g_autoptr (GBytes) payload =
          ds_log_read_payload (directory, &unread->record, error);
      DsBlock *block =
          payload != NULL ? ds_received_block_log_read (payload, pool, error) : NULL;

      if (block == NULL)
        {
          g_prefix_error (error,
                          "Reading received block %" G_GUINT64_FORMAT
                          " back from the log: ",
                          unread->record.sequence);
          return FALSE;
        }
      ds_received_block_tracker_set_block (self, unread, block);
    }
  return TRUE;
}
