/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reading the states of a stream while it runs: as of the last completed batch, through
 * the deltas of the batch in work.  Batches do not wait for it, except for a slice of a
 * table at a time. */

#include "rdd/ds-state-store-private.h"

#include "base/ds-block-private.h"
#include "base/ds-codec-head-private.h"
#include "base/ds-error.h"
#include "base/ds-value-private.h"
#include "rdd/ds-partitioner-private.h"

#include <string.h>

/* ---- A slice after the other ---- */

typedef struct
{
  DsStateTable *table;
  DsTime time;
  guint64 cursor;
  GByteArray *bytes;
  DsStateRow *rows;
  gsize n_rows;
} DsStateSlices;

static void
ds_state_slices_open (DsStateSlices *self, DsStateTable *table, DsTime time)
{
  *self = (DsStateSlices){ .table = table,
                           .time = time,
                           .bytes = g_byte_array_new (),
                           .rows = g_new (DsStateRow, DS_STATE_SLICE) };
  ds_state_table_hold (table);
}

static gboolean
ds_state_slices_next (DsStateSlices *self)
{
  g_byte_array_set_size (self->bytes, 0);
  self->n_rows = ds_state_table_read (self->table, self->time, &self->cursor, self->bytes,
                                      self->rows);
  return self->n_rows > 0;
}

static void
ds_state_slices_close (DsStateSlices *self)
{
  ds_state_table_release (self->table);
  g_byte_array_unref (self->bytes);
  g_free (self->rows);
}

G_STATIC_ASSERT (DS_STATE_SLICE <= DS_CHUNK_MAX_VALUES);

gboolean
ds_state_store_push (DsStateStore *self,
                     guint partition,
                     DsTime time,
                     DsTask *task,
                     DsSink *sink)
{
  DsArena *arena = ds_arena_new (ds_task_get_arena_pool (task));
  DsValue *keys = ds_scratch_column_take ();
  DsValue *states = ds_scratch_column_take ();
  DsStateSlices slices;
  gboolean wants_more = TRUE;

  ds_state_slices_open (&slices, ds_state_store_get_table (self, partition), time);
  while (wants_more && ds_task_may_go_on (task) && ds_state_slices_next (&slices))
    {
      ds_arena_reset (arena);
      ds_state_decode_rows (slices.bytes, slices.rows, slices.n_rows, arena, keys,
                            states);
      wants_more = ds_sink_push_columns (sink, keys, states, slices.n_rows, NULL);
    }
  ds_state_slices_close (&slices);
  ds_scratch_column_give (states);
  ds_scratch_column_give (keys);
  ds_arena_unref (arena);
  return task->error == NULL;
}

/* ---- Readers from outside ---- */

/* FALSE: there is nothing to read yet; else pinned. */
static gboolean
ds_state_store_open (DsStateStore *self, DsTime *time, GError **error)
{
  *time = ds_state_store_pin_committed (self);
  if (*time != DS_TIME_NONE)
    return TRUE;
  g_set_error (error, DS_ERROR, DS_ERROR_INVALID_STATE,
               "No batch is completed yet, so there is no state to read; wait for one "
               "with ds_streaming_context_await_batch ()");
  return FALSE;
}

/* The partition of each key: by the program's function, maybe, which wants a task. */
static gboolean
ds_state_store_find_partitions (DsStateStore *self,
                                const DsValue *keys,
                                gsize n_keys,
                                guint32 *partitions,
                                GError **error)
{
  DsTask *task = ds_task_new (NULL, 0, 0);
  DsTaskFrame frame;
  gboolean ok;

  ds_task_begin (task);
  frame = ds_task_enter (task, "lookup_state", NULL, NULL);
  ok = ds_partitioner_get_partitions (ds_state_store_get_partitioner (self), keys, n_keys,
                                      task, partitions);
  ds_task_leave (task, &frame);
  ds_task_end (task);
  if (!ok)
    ds_task_propagate_error (task, error);
  ds_task_free (task);
  return ok;
}

DsBlock *
ds_state_store_lookup (DsStateStore *self, DsBlock *keys, GError **error)
{
  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
  g_autoptr (GByteArray) scratch = g_byte_array_new ();
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autoptr (DsArena) arena = ds_arena_new (NULL);
  gsize n_keys;
  const DsValue *values = ds_block_get_values (keys, &n_keys);
  g_autofree guint32 *partitions = g_new (guint32, n_keys + 1);
  DsTime time;

  if (!ds_state_store_find_partitions (self, values, n_keys, partitions, error) ||
      !ds_state_store_open (self, &time, error))
    return NULL;

  for (gsize i = 0; i < n_keys; i++)
    {
      DsStateKey key = ds_state_make_key (values[i], scratch);
      DsStateRow row;

      g_byte_array_set_size (bytes, 0);
      if (ds_state_table_read_key (ds_state_store_get_table (self, partitions[i]), &key,
                                   time, bytes, &row))
        ds_block_builder_add_pair (builder, values[i],
                                   ds_state_decode (bytes->data + row.state_at, arena));
    }
  ds_state_store_unpin (self, time);
  return ds_block_builder_end (builder);
}

gboolean
ds_state_store_check_partitions (DsStateStore *self, GError **error)
{
  DsPartitioner *partitioner = ds_state_store_get_partitioner (self);
  g_autoptr (DsArena) arena = ds_arena_new (NULL);
  gboolean ok = TRUE;
  DsTime time;

  if (!ds_partitioner_has_func (partitioner))
    return TRUE;
  time = ds_state_store_pin_committed (self);
  if (time == DS_TIME_NONE)
    return TRUE;
  for (guint i = 0; ok && i < ds_state_store_get_n_partitions (self); i++)
    {
      DsValue keys[DS_STATE_SLICE];
      DsValue states[DS_STATE_SLICE];
      DsStateSlices slices;

      ds_state_slices_open (&slices, ds_state_store_get_table (self, i), time);
      while (ok && ds_state_slices_next (&slices))
        {
          ds_arena_reset (arena);
          ds_state_decode_rows (slices.bytes, slices.rows, slices.n_rows, arena, keys,
                                states);
          ok = ds_partitioner_check_saved (partitioner, keys, slices.n_rows, i, error);
        }
      ds_state_slices_close (&slices);
    }
  ds_state_store_unpin (self, time);
  return ok;
}

static gboolean
ds_state_key_has_prefix (const guint8 *key, const char *prefix, gsize n_prefix)
{
  DsCodecHead head;

  ds_codec_read_head (key, G_MAXSIZE, &head);
  return (head.type == DS_VALUE_TYPE_STRING || head.type == DS_VALUE_TYPE_BYTES) &&
         !head.is_ext && head.n_bytes >= n_prefix &&
         memcmp (key + head.n_head, prefix, n_prefix) == 0;
}

static void
ds_state_builder_add_row (DsBlockBuilder *builder,
                          const DsStateSlices *slices,
                          gsize index,
                          DsArena *arena)
{
  DsValue key;
  DsValue state;

  ds_state_decode_rows (slices->bytes, &slices->rows[index], 1, arena, &key, &state);
  ds_block_builder_add_pair (builder, key, state);
}

DsBlock *
ds_state_store_scan (DsStateStore *self,
                     const char *prefix,
                     gsize max_pairs,
                     GError **error)
{
  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
  g_autoptr (DsArena) arena = ds_arena_new (NULL);
  gsize n_prefix = prefix != NULL ? strlen (prefix) : 0;
  gsize n_left = max_pairs;
  DsTime time;

  if (!ds_state_store_open (self, &time, error))
    return NULL;
  for (guint i = 0; n_left > 0 && i < ds_state_store_get_n_partitions (self); i++)
    {
      DsStateSlices slices;

      ds_state_slices_open (&slices, ds_state_store_get_table (self, i), time);
      while (n_left > 0 && ds_state_slices_next (&slices))
        {
          ds_arena_reset (arena);
          for (gsize k = 0; n_left > 0 && k < slices.n_rows; k++)
            if (prefix == NULL ||
                ds_state_key_has_prefix (slices.bytes->data + slices.rows[k].key_at,
                                         prefix, n_prefix))
              {
                ds_state_builder_add_row (builder, &slices, k, arena);
                n_left--;
              }
        }
      ds_state_slices_close (&slices);
    }
  ds_state_store_unpin (self, time);
  return ds_block_builder_end (builder);
}

/* ---- The largest states: a heap of n, the least of them on top ---- */

typedef struct
{
  guint8 *bytes; /* key, then state */
  gsize n_key;
  DsValue state;
  guint64 order; /* of equal states the one that came first is larger */
} DsTopPair;

static gboolean
ds_top_pair_is_less (const DsTopPair *a, const DsTopPair *b)
{
  int order = ds_value_compare (a->state, b->state);

  return order != 0 ? order < 0 : a->order > b->order;
}

static void
ds_top_sift_down (DsTopPair *heap, gsize n, gsize at)
{
  for (;;)
    {
      gsize least = at;
      DsTopPair swapped = heap[at];

      for (gsize child = 2 * at + 1; child <= 2 * at + 2 && child < n; child++)
        if (ds_top_pair_is_less (&heap[child], &heap[least]))
          least = child;
      if (least == at)
        return;
      heap[at] = heap[least];
      heap[least] = swapped;
      at = least;
    }
}

static void
ds_top_sift_up (DsTopPair *heap, gsize at)
{
  while (at > 0 && ds_top_pair_is_less (&heap[at], &heap[(at - 1) / 2]))
    {
      DsTopPair swapped = heap[at];

      heap[at] = heap[(at - 1) / 2];
      heap[(at - 1) / 2] = swapped;
      at = (at - 1) / 2;
    }
}

static DsTopPair
ds_top_pair_new (const DsStateSlices *slices, gsize index, DsArena *kept, guint64 order)
{
  const DsStateRow *row = &slices->rows[index];
  DsTopPair self = { .n_key = row->n_key, .order = order };

  self.bytes = g_memdup2 (slices->bytes->data + row->key_at, row->n_key + row->n_state);
  self.state = ds_state_decode (self.bytes + row->n_key, kept);
  return self;
}

static void
ds_top_offer (DsTopPair *heap,
              gsize *n_pairs,
              gsize max_pairs,
              const DsStateSlices *slices,
              gsize index,
              DsArena *arena,
              DsArena *kept,
              guint64 order)
{
  DsTopPair candidate = {
    .state = ds_state_decode (slices->bytes->data + slices->rows[index].state_at, arena),
    .order = order,
  };

  if (*n_pairs < max_pairs)
    {
      heap[*n_pairs] = ds_top_pair_new (slices, index, kept, order);
      ds_top_sift_up (heap, (*n_pairs)++);
    }
  else if (ds_top_pair_is_less (&heap[0], &candidate))
    {
      g_free (heap[0].bytes);
      heap[0] = ds_top_pair_new (slices, index, kept, order);
      ds_top_sift_down (heap, max_pairs, 0);
    }
}

/* Takes the least again and again. */
static DsBlock *
ds_top_end (DsTopPair *heap, gsize n_pairs)
{
  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
  g_autoptr (DsArena) arena = ds_arena_new (NULL);

  for (gsize n = n_pairs; n > 1; n--)
    {
      DsTopPair least = heap[0];

      heap[0] = heap[n - 1];
      heap[n - 1] = least;
      ds_top_sift_down (heap, n - 1, 0);
    }
  for (gsize i = 0; i < n_pairs; i++)
    {
      ds_block_builder_add_pair (builder, ds_state_decode (heap[i].bytes, arena),
                                 heap[i].state);
      g_free (heap[i].bytes);
    }
  return ds_block_builder_end (builder);
}

DsBlock *
ds_state_store_top (DsStateStore *self, gsize n, GError **error)
{
  g_autoptr (DsArena) arena = ds_arena_new (NULL);
  g_autoptr (DsArena) kept = ds_arena_new (NULL); /* items of states in the heap */
  guint64 n_keys = 0;
  g_autofree DsTopPair *heap = NULL;
  gsize n_pairs = 0;
  guint64 order = 0;
  DsTime time;

  if (!ds_state_store_open (self, &time, error))
    return NULL;
  for (guint i = 0; i < ds_state_store_get_n_partitions (self); i++)
    n_keys += ds_state_table_read_n_entries (ds_state_store_get_table (self, i));
  n = (gsize) MIN (n, n_keys);
  heap = g_new (DsTopPair, n + 1);

  for (guint i = 0; n > 0 && i < ds_state_store_get_n_partitions (self); i++)
    {
      DsStateSlices slices;

      ds_state_slices_open (&slices, ds_state_store_get_table (self, i), time);
      while (ds_state_slices_next (&slices))
        {
          ds_arena_reset (arena);
          for (gsize k = 0; k < slices.n_rows; k++)
            ds_top_offer (heap, &n_pairs, n, &slices, k, arena, kept, order++);
        }
      ds_state_slices_close (&slices);
    }
  ds_state_store_unpin (self, time);
  return ds_top_end (heap, n_pairs);
}
