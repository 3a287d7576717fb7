/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Sorting over all partitions: the third kind of shuffle.
 *
 * Each map partition sorts what it has into one run.  Each reduce partition looks at
 * samples of all runs, taken at equal distances, and finds the same pivots as all others
 * do; it then cuts its range out of each run by binary search and merges the pieces.
 * Parallel sorting by regular sampling: H. Shi and J. Schaeffer, "Parallel Sorting by
 * Regular Sampling", Journal of Parallel and Distributed Computing 14 (1992), section 2;
 * here without its exchange of samples, as the runs are there to be looked at.
 *
 * The order is stable: values with equal keys stay in the order of map partitions and
 * within them, and they are never split between reduce partitions. */

#include "rdd/ds-shuffle-output-private.h"

#include "base/ds-block-private.h"
#include "rdd/ds-task-private.h"

/* Samples for each reduce partition.  A pivot is off by at most half the distance of two
 * samples a run, up or down: with 8 runs that can be a fifth of a partition's share, and
 * is about a twentieth as a rule. */
#define DS_SORT_SAMPLES 20

/* ---- The map side ---- */

typedef struct
{
  DsShuffleWriterHead head;
  DsBlockBuilder *builder;
  gboolean is_descending;
} DsSorter;

typedef struct
{
  DsValue key;
  gsize index;
} DsSortItem;

static gint
ds_sort_compare_items (gconstpointer a, gconstpointer b, gpointer unused)
{
  return ds_value_compare (((const DsSortItem *) a)->key, ((const DsSortItem *) b)->key);
}

static gint
ds_sort_compare_items_descending (gconstpointer a, gconstpointer b, gpointer unused)
{
  return ds_value_compare (((const DsSortItem *) b)->key, ((const DsSortItem *) a)->key);
}

static gboolean
ds_sorter_push (DsSink *sink, const DsChunk *chunk)
{
  ds_block_builder_add_columns (((DsSorter *) sink)->builder, chunk->values,
                                chunk->form == DS_FORM_PAIRS ? chunk->pair_values : NULL,
                                chunk->n_values);
  return TRUE;
}

/* The same values in order.  @block (transfer full) */
static DsBlock *
ds_sorter_sort (DsBlock *block, DsArenaPool *pool, gboolean is_descending)
{
  const DsValue *keys;
  const DsValue *values = NULL;
  gsize n_keys;
  DsSortItem *items;
  DsArena *arena;
  DsValue *sorted_keys;
  DsValue *sorted_values = NULL;
  DsBlock *sorted;

  if (ds_block_get_form (block) == DS_FORM_PAIRS)
    ds_block_get_columns (block, &keys, &values, &n_keys);
  else
    keys = ds_block_get_values (block, &n_keys);
  if (n_keys == 0)
    return block;

  items = g_new (DsSortItem, n_keys);
  for (gsize i = 0; i < n_keys; i++)
    items[i] = (DsSortItem){ keys[i], i };
  g_qsort_with_data (items, (gint) n_keys, sizeof *items,
                     is_descending ? ds_sort_compare_items_descending
                                   : ds_sort_compare_items,
                     NULL);

  arena = ds_arena_new_sized (pool, n_keys * sizeof (DsValue) * (values != NULL ? 2 : 1));
  sorted_keys = ds_arena_alloc (arena, n_keys * sizeof (DsValue));
  if (values != NULL)
    sorted_values = ds_arena_alloc (arena, n_keys * sizeof (DsValue));
  for (gsize i = 0; i < n_keys; i++)
    {
      sorted_keys[i] = items[i].key;
      if (sorted_values != NULL)
        sorted_values[i] = values[items[i].index];
    }
  g_free (items);
  sorted = ds_block_new_take_columns (arena, sorted_keys, sorted_values, n_keys);
  ds_block_hold (sorted, block);
  ds_block_unref (block);
  return sorted;
}

static gboolean
ds_sorter_finish (DsSink *sink)
{
  DsSorter *self = (DsSorter *) sink;
  DsArenaPool *pool = ds_task_get_arena_pool (sink->task);
  DsBlock *run;

  if (sink->task->error != NULL)
    return FALSE;
  if (ds_block_builder_get_n_values (self->builder) > G_MAXINT)
    {
      ds_task_fail (sink->task,
                    "one partition has more than %d values to sort: use more "
                    "partitions before",
                    G_MAXINT);
      return FALSE;
    }
  run = ds_sorter_sort (ds_block_builder_end (self->builder), pool, self->is_descending);
  self->head.output = ds_shuffle_output_new (1);
  self->head.output->blocks = g_new0 (DsBlock *, 1);
  self->head.output->blocks[0] = run;
  self->head.output->n_bytes = ds_block_get_n_bytes (run);
  return TRUE;
}

static void
ds_sorter_free (DsSink *sink)
{
  DsSorter *self = (DsSorter *) sink;

  g_clear_pointer (&self->head.output, ds_shuffle_output_free);
  ds_block_builder_unref (self->builder);
  g_free (self);
}

DsSink *
ds_shuffle_make_sorter (DsShuffle *self, guint map_partition, DsTask *task)
{
  DsSorter *sorter = ds_sink_alloc (sizeof *sorter, task, NULL);
  DsSink *sink = &sorter->head.sink;

  sink->push = ds_sorter_push;
  sink->finish = ds_sorter_finish;
  sink->free = ds_sorter_free;
  sink->accepts = self->input == DS_SHUFFLE_PAIRS ? DS_ACCEPTS_PAIRS : DS_ACCEPTS_VALUES;
  sink->operator_name = self->name (self->name_data);
  sorter->head.map_partition = map_partition;
  sorter->builder = ds_block_builder_new ();
  sorter->is_descending = self->is_descending;
  return sink;
}

/* ---- The reduce side ---- */

/* What one reduce partition reads of one run. */
typedef struct
{
  DsBlock *block;
  const DsValue *keys;
  const DsValue *values; /* (nullable) */
  gsize at;
  gsize end;
} DsSortRun;

typedef struct
{
  gboolean is_descending;
  guint n_runs;
  DsSortRun *runs; /* of map partitions that have values, in their order */
  gsize n_keys;    /* in all runs */
} DsSortMerge;

static gint
ds_sort_merge_compare (const DsSortMerge *self, DsValue a, DsValue b)
{
  return self->is_descending ? ds_value_compare (b, a) : ds_value_compare (a, b);
}

static void
ds_sort_merge_clear (DsSortMerge *self)
{
  for (guint i = 0; i < self->n_runs; i++)
    ds_block_unref (self->runs[i].block);
  g_free (self->runs);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (DsSortMerge, ds_sort_merge_clear)

/* FALSE when the task failed. */
static gboolean
ds_sort_merge_fetch (DsSortMerge *self,
                     DsShuffle *shuffle,
                     guint reduce_partition,
                     DsTask *task)
{
  self->runs = g_new0 (DsSortRun, MAX (shuffle->n_maps, 1));
  for (guint i = 0; i < shuffle->n_maps; i++)
    {
      DsBlock *written = ds_shuffle_get_output (shuffle, i)->blocks[0];
      DsSortRun *run = &self->runs[self->n_runs];

      if (ds_block_get_length (written) == 0)
        continue;
      run->block = ds_shuffle_fetch (written, i, reduce_partition, task);
      if (run->block == NULL)
        return FALSE;
      self->n_runs++;
      if (shuffle->input == DS_SHUFFLE_PAIRS)
        ds_block_get_columns (run->block, &run->keys, &run->values, &run->end);
      else
        run->keys = ds_block_get_values (run->block, &run->end);
      self->n_keys += run->end;
    }
  return TRUE;
}

/* The first place from @run->at on whose key comes after @pivot. */
static gsize
ds_sort_run_find_after (const DsSortMerge *self, const DsSortRun *run, DsValue pivot)
{
  gsize low = run->at;
  gsize high = run->end;

  while (low < high)
    {
      const gsize middle = low + (high - low) / 2;

      if (ds_sort_merge_compare (self, run->keys[middle], pivot) <= 0)
        low = middle + 1;
      else
        high = middle;
    }
  return low;
}

/* Leaves of each run what lies between this partition's two pivots, the upper one
 * included. */
static void
ds_sort_merge_cut (DsSortMerge *self, guint partition, guint n_partitions)
{
  const gsize distance = MAX (self->n_keys / ((gsize) n_partitions * DS_SORT_SAMPLES), 1);
  g_autofree DsSortItem *samples =
      g_new (DsSortItem, self->n_keys / distance + self->n_runs + 1);
  gsize n_samples = 0;
  gsize n_passed = 0;
  gsize lower;
  gsize upper;

  /* Every distance-th key of all runs laid end to end, from the middle of the first
   * stretch on: the first of each stretch would make all pivots too small. */
  for (guint i = 0; i < self->n_runs; i++)
    {
      gsize at = (distance + distance / 2 - n_passed % distance) % distance;

      for (; at < self->runs[i].end; at += distance)
        samples[n_samples++].key = self->runs[i].keys[at];
      n_passed += self->runs[i].end;
    }
  g_qsort_with_data (samples, (gint) n_samples, sizeof *samples,
                     self->is_descending ? ds_sort_compare_items_descending
                                         : ds_sort_compare_items,
                     NULL);

  lower = (gsize) ((guint64) n_samples * partition / n_partitions);
  upper = (gsize) ((guint64) n_samples * (partition + 1) / n_partitions);
  for (guint i = 0; i < self->n_runs; i++)
    {
      DsSortRun *run = &self->runs[i];

      if (partition > 0 && lower > 0)
        run->at = ds_sort_run_find_after (self, run, samples[lower - 1].key);
      if (partition + 1 == n_partitions)
        continue;
      run->end = upper > 0 ? ds_sort_run_find_after (self, run, samples[upper - 1].key)
                           : run->at;
    }
}

/* ---- Merging ---- */

/* A heap of the runs that have something left: the first key on top, of equal ones that
 * of the first run. */
static gboolean
ds_sort_merge_is_before (const DsSortMerge *self, guint a, guint b)
{
  const DsSortRun *run_a = &self->runs[a];
  const DsSortRun *run_b = &self->runs[b];
  gint order =
      ds_sort_merge_compare (self, run_a->keys[run_a->at], run_b->keys[run_b->at]);

  return order != 0 ? order < 0 : a < b;
}

static void
ds_sort_merge_sift_down (const DsSortMerge *self, guint *heap, guint n_heap, guint at)
{
  const guint moved = heap[at];

  for (guint child; (child = 2 * at + 1) < n_heap; at = child)
    {
      if (child + 1 < n_heap &&
          ds_sort_merge_is_before (self, heap[child + 1], heap[child]))
        child++;
      if (!ds_sort_merge_is_before (self, heap[child], moved))
        break;
      heap[at] = heap[child];
    }
  heap[at] = moved;
}

static gboolean
ds_sort_merge_push (DsSortMerge *self,
                    DsTask *task,
                    DsSink *sink,
                    DsValue *keys,
                    DsValue *values)
{
  g_autofree guint *heap = g_new (guint, MAX (self->n_runs, 1));
  DsChunk chunk = { .form = DS_FORM_VALUES, .values = keys };
  guint n_heap = 0;

  if (self->n_runs > 0 && self->runs[0].values != NULL)
    {
      chunk.form = DS_FORM_PAIRS;
      chunk.pair_values = values;
    }
  for (guint i = 0; i < self->n_runs; i++)
    if (self->runs[i].at < self->runs[i].end)
      heap[n_heap++] = i;
  for (guint i = n_heap / 2; i-- > 0;)
    ds_sort_merge_sift_down (self, heap, n_heap, i);

  while (n_heap > 0)
    {
      DsSortRun *run = &self->runs[heap[0]];

      keys[chunk.n_values] = run->keys[run->at];
      if (run->values != NULL)
        values[chunk.n_values] = run->values[run->at];
      chunk.n_values++;
      if (++run->at == run->end)
        heap[0] = heap[--n_heap];
      if (n_heap > 0)
        ds_sort_merge_sift_down (self, heap, n_heap, 0);
      if (chunk.n_values < DS_CHUNK_MAX_VALUES && n_heap > 0)
        continue;
      if (!ds_task_may_go_on (task))
        return FALSE;
      if (!ds_sink_push (sink, &chunk))
        return task->error == NULL;
      chunk.n_values = 0;
    }
  return TRUE;
}

gboolean
ds_shuffle_read_sorted (DsShuffle *self,
                        guint reduce_partition,
                        DsTask *task,
                        DsSink *sink)
{
  g_auto (DsSortMerge) merge = { .is_descending = self->is_descending };
  DsValue *keys;
  DsValue *values;
  gboolean success;

  if (!ds_sort_merge_fetch (&merge, self, reduce_partition, task))
    return FALSE;
  ds_sort_merge_cut (&merge, reduce_partition, self->n_reduces);
  keys = ds_scratch_column_take ();
  values = ds_scratch_column_take ();
  success = ds_sort_merge_push (&merge, task, sink, keys, values);
  ds_scratch_column_give (values);
  ds_scratch_column_give (keys);
  return success;
}
