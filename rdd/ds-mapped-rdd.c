/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* map: one result a value. */

#include "rdd/ds-narrow-private.h"

/* Results, and what the function allocates for them, are handed on while they are in the
 * first level cache: with pairs these are 64 bytes a value. */
#define DS_MAPPED_AT_ONCE 128

/* Results leave as values, or, where the next operator wants pairs, as two columns.  The
 * function has just written the items of a pair, in words; the same words are read again,
 * because a load of both words at once would wait until the stores have left the core. */
static inline void
ds_mapped_copy_item (DsValue *to, const DsValue *from)
{
  const guint64 *words = (const guint64 *) (gconstpointer) from;
  guint64 *to_words = (guint64 *) (gpointer) to;

  __atomic_store_n (&to_words[0], __atomic_load_n (&words[0], __ATOMIC_RELAXED),
                    __ATOMIC_RELAXED);
  __atomic_store_n (&to_words[1], __atomic_load_n (&words[1], __ATOMIC_RELAXED),
                    __ATOMIC_RELAXED);
}

static gboolean
ds_mapped_sink_push_results (DsFunctionSink *self, gsize n_results)
{
  DsChunk results = { .form = self->more_results != NULL ? DS_FORM_PAIRS : DS_FORM_VALUES,
                      .n_values = n_results,
                      .values = self->results,
                      .pair_values = self->more_results };
  gboolean wants_more = n_results == 0 || ds_sink_push (self->sink.next, &results);

  if (ds_arena_get_n_bytes (self->arena) > 0)
    ds_arena_reset (self->arena);
  return wants_more;
}

/* Calls the function for up to %DS_MAPPED_AT_ONCE values, fewer when the arena had to get
 * more memory: it is emptied first.  How many were done, 0 when the task failed. */
static inline gsize
ds_mapped_sink_call (DsFunctionSink *self,
                     const DsValue *values,
                     gsize n_values,
                     gboolean as_pairs)
{
  DsMapFunc func = (DsMapFunc) self->func;
  gpointer user_data = self->user_data;
  DsTask *task = self->sink.task;
  DsArena *arena = self->arena;
  const guintptr origin = arena->origin;
  DsValue *results = self->results;
  DsValue *more_results = self->more_results;
  gsize i = 0;

  while (i < n_values && G_LIKELY (arena->origin == origin))
    {
      task->current = &values[i];

      DsValue result = func (values[i], task, user_data);

      if (G_UNLIKELY (task->error != NULL))
        return 0;
      if (!as_pairs)
        {
          results[i++] = result;
          continue;
        }
      if (G_UNLIKELY (!ds_value_is_pair (result)))
        {
          ds_task_fail_no_pair (task, self->sink.next->operator_name, result);
          return 0;
        }
      ds_mapped_copy_item (&results[i], &result.as.items[0]);
      ds_mapped_copy_item (&more_results[i], &result.as.items[1]);
      i++;
    }
  return i;
}

static gboolean
ds_mapped_sink_push (DsSink *sink, const DsChunk *chunk)
{
  DsFunctionSink *self = (DsFunctionSink *) sink;
  DsTask *task = sink->task;
  DsTaskFrame frame = ds_task_enter (task, sink->operator_name, self->arena, NULL);
  gboolean wants_more = TRUE;

  for (gsize done = 0; wants_more && done < chunk->n_values;)
    {
      const DsValue *values = chunk->values + done;
      gsize n_values = MIN (chunk->n_values - done, DS_MAPPED_AT_ONCE);
      gsize n_done = self->more_results != NULL
                         ? ds_mapped_sink_call (self, values, n_values, TRUE)
                         : ds_mapped_sink_call (self, values, n_values, FALSE);

      wants_more = n_done > 0 && ds_mapped_sink_push_results (self, n_done);
      done += n_done;
    }
  ds_task_leave (task, &frame);
  return wants_more;
}

static DsSink *
ds_mapped_rdd_make_sink (DsRdd *rdd, guint partition, DsTask *task, DsSink *next)
{
  DsSink *known = ds_known_map_make_sink (((DsNarrowRdd *) rdd)->func, task, next);
  DsFunctionSink *self;

  if (known != NULL)
    return known;
  self = ds_function_sink_new (rdd, task, next, DS_ACCEPTS_VALUES, ds_mapped_sink_push);
  self->arena = ds_arena_new (ds_task_get_arena_pool (task));
  self->results = ds_scratch_column_take ();
  if (!(next->accepts & DS_ACCEPTS_VALUES))
    self->more_results = ds_scratch_column_take ();
  return &self->sink;
}

static const DsRddOps ds_mapped_rdd_ops = { .make_sink = ds_mapped_rdd_make_sink };

DS_DEFINE_NARROW_RDD (DsMappedRdd, ds_mapped_rdd, &ds_mapped_rdd_ops)

/**
 * ds_rdd_map: (skip)
 * @self: an RDD
 * @func: called once a value; returns the result
 * @user_data: for @func
 * @destroy: (nullable): frees @user_data with the RDD
 *
 * One result for each value, in order; partitions stay as they are.
 *
 * The result is not known to be partitioned by key any more: where only the values of
 * pairs change, ds_rdd_map_values () keeps that knowledge and is cheaper.
 *
 * Returns: (transfer full): the RDD of results
 */
DsRdd *
ds_rdd_map (DsRdd *self, DsMapFunc func, gpointer user_data, GDestroyNotify destroy)
{
  g_return_val_if_fail (DS_IS_RDD (self) && func != NULL, NULL);

  return ds_narrow_rdd_new (ds_mapped_rdd_get_type (), self, "map", FALSE,
                            G_CALLBACK (func), user_data, destroy);
}
