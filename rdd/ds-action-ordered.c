/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* take_ordered, top: the first values of the order without sorting all of them.
 *
 * Each partition keeps its candidates: when twice as many as wanted have gathered they
 * are sorted and the worse half goes; from then on a value that does not beat the worst
 * of those that are left is not even copied.  The driver merges the partitions in their
 * order, so that of equal values the first ones win. */

#include "base/ds-value-private.h"
#include "rdd/ds-action-private.h"
#include "rdd/ds-job-private.h"

/* Sorting a handful again and again would cost more than it saves. */
#define DS_ORDERED_MIN_ROOM 1024

typedef struct
{
  DsValue key;
  DsValue value;
} DsCandidate;

/* The best so far, of a partition or of all. */
typedef struct
{
  gsize n_wanted;
  gboolean is_descending;
  gboolean has_keys;  /* else each value is its own key */
  GArray *candidates; /* DsCandidate */
  gboolean is_pruned; /* the first n_wanted are sorted, and worse ones are not wanted */
  DsArena *arena;     /* what candidates point to */
} DsOrdered;

static gint
ds_candidate_compare (gconstpointer a, gconstpointer b, gpointer is_descending)
{
  const gint order =
      ds_value_compare (((const DsCandidate *) a)->key, ((const DsCandidate *) b)->key);

  return GPOINTER_TO_INT (is_descending) ? -order : order;
}

static void
ds_ordered_init (DsOrdered *self,
                 gsize n_wanted,
                 gboolean is_descending,
                 gboolean has_keys)
{
  *self = (DsOrdered){ .n_wanted = n_wanted,
                       .is_descending = is_descending,
                       .has_keys = has_keys,
                       .candidates = g_array_new (FALSE, FALSE, sizeof (DsCandidate)),
                       .arena = ds_arena_new (NULL) };
}

static void
ds_ordered_clear (DsOrdered *self)
{
  g_clear_pointer (&self->candidates, g_array_unref);
  g_clear_pointer (&self->arena, ds_arena_unref);
}

static DsCandidate
ds_ordered_copy (DsOrdered *self, DsValue key, DsValue value)
{
  DsCandidate copy = { .value = ds_value_copy (value, self->arena) };

  copy.key = self->has_keys ? ds_value_copy (key, self->arena) : copy.value;
  return copy;
}

/* Leaves the best, in order, in an arena of their own. */
static void
ds_ordered_prune (DsOrdered *self)
{
  DsArena *old = self->arena;

  /* Stable: of equal ones the first that came stay. */
  g_array_sort_with_data (self->candidates, ds_candidate_compare,
                          GINT_TO_POINTER (self->is_descending));
  if (self->candidates->len <= self->n_wanted)
    return;
  g_array_set_size (self->candidates, (guint) self->n_wanted);
  self->is_pruned = TRUE;
  self->arena = ds_arena_new (NULL);
  for (guint i = 0; i < self->candidates->len; i++)
    {
      DsCandidate *candidate = &g_array_index (self->candidates, DsCandidate, i);

      *candidate = ds_ordered_copy (self, candidate->key, candidate->value);
    }
  ds_arena_unref (old);
}

static void
ds_ordered_add (DsOrdered *self, DsValue key, DsValue value)
{
  const gsize n_room =
      MAX (self->n_wanted > G_MAXUINT / 2 ? G_MAXUINT : 2 * self->n_wanted,
           DS_ORDERED_MIN_ROOM);
  const DsCandidate candidate = { key, value };

  if (self->is_pruned &&
      ds_candidate_compare (&candidate,
                            &g_array_index (self->candidates, DsCandidate,
                                            self->n_wanted - 1),
                            GINT_TO_POINTER (self->is_descending)) >= 0)
    return;

  const DsCandidate copy = ds_ordered_copy (self, key, value);

  g_array_append_val (self->candidates, copy);
  if (self->candidates->len >= n_room)
    ds_ordered_prune (self);
}

/* ---- A partition ---- */

typedef struct
{
  DsSink sink;
  DsOrdered ordered;
  DsBlock *block; /* (nullable): pairs of key and value, or values; set by finish */
} DsOrderedSink;

static gboolean
ds_ordered_sink_push (DsSink *sink, const DsChunk *chunk)
{
  DsOrdered *ordered = &((DsOrderedSink *) sink)->ordered;
  const DsValue *values = ordered->has_keys ? chunk->pair_values : chunk->values;

  if (ordered->n_wanted == 0)
    return FALSE;
  for (gsize i = 0; i < chunk->n_values; i++)
    ds_ordered_add (ordered, chunk->values[i], values[i]);
  return TRUE;
}

static DsBlock *
ds_ordered_end (DsOrdered *self, gboolean with_keys)
{
  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();

  ds_ordered_prune (self);
  for (guint i = 0; i < self->candidates->len; i++)
    {
      const DsCandidate *candidate = &g_array_index (self->candidates, DsCandidate, i);

      if (with_keys)
        ds_block_builder_add_pair (builder, candidate->key, candidate->value);
      else
        ds_block_builder_add (builder, candidate->value);
    }
  return ds_block_builder_end (builder);
}

static gboolean
ds_ordered_sink_finish (DsSink *sink)
{
  DsOrderedSink *self = (DsOrderedSink *) sink;

  if (sink->task->error != NULL)
    return FALSE;
  self->block = ds_ordered_end (&self->ordered, self->ordered.has_keys);
  return TRUE;
}

static void
ds_ordered_sink_free (DsSink *sink)
{
  DsOrderedSink *self = (DsOrderedSink *) sink;

  ds_ordered_clear (&self->ordered);
  g_clear_pointer (&self->block, ds_block_unref);
  g_free (self);
}

/* ---- The job ---- */

typedef struct
{
  gsize n_wanted;
  gboolean is_descending;
  gboolean has_keys;
  DsBlock **blocks; /* one a partition */
} DsOrderedJob;

static DsSink *
ds_ordered_job_make_sink (DsTask *task, guint index, gpointer data)
{
  DsOrderedJob *self = data;
  DsOrderedSink *sink = ds_sink_alloc (sizeof *sink, task, NULL);

  sink->sink.push = ds_ordered_sink_push;
  sink->sink.finish = ds_ordered_sink_finish;
  sink->sink.free = ds_ordered_sink_free;
  sink->sink.accepts = self->has_keys ? DS_ACCEPTS_PAIRS : DS_ACCEPTS_VALUES;
  ds_ordered_init (&sink->ordered, self->n_wanted, self->is_descending, self->has_keys);
  return &sink->sink;
}

static void
ds_ordered_job_commit (DsTask *task, guint index, DsSink *sink, gpointer data)
{
  DsOrderedJob *self = data;

  self->blocks[index] = ds_task_bring_block (task, ((DsOrderedSink *) sink)->block);
}

static DsBlock *
ds_ordered_job_merge (DsOrderedJob *self, guint n_partitions)
{
  DsOrdered all;
  DsBlock *block;

  ds_ordered_init (&all, self->n_wanted, self->is_descending, self->has_keys);
  for (guint i = 0; i < n_partitions; i++)
    for (gsize j = 0; j < ds_block_get_length (self->blocks[i]); j++)
      {
        DsValue key = ds_value_null ();
        DsValue value;

        if (self->has_keys)
          ds_block_get_pair (self->blocks[i], j, &key, &value);
        else
          key = value = ds_block_get (self->blocks[i], j);
        ds_ordered_add (&all, key, value);
      }
  block = ds_ordered_end (&all, FALSE);
  ds_ordered_clear (&all);
  return block;
}

static DsBlock *
ds_rdd_run_ordered (DsRdd *source,
                    gsize n,
                    gboolean is_descending,
                    gboolean has_keys,
                    GError **error)
{
  static const DsJobFuncs funcs = { ds_ordered_job_make_sink, ds_ordered_job_commit };
  DsOrderedJob job = { .n_wanted = MIN (n, G_MAXUINT / 2),
                       .is_descending = is_descending,
                       .has_keys = has_keys };
  DsBlock *block = NULL;
  guint n_partitions;

  if (!ds_rdd_prepare (source, error))
    return NULL;
  n_partitions = ds_rdd_get_n_partitions (source);
  job.blocks = g_new0 (DsBlock *, MAX (n_partitions, 1));
  if (ds_context_run_job (ds_rdd_get_context (source), source, NULL, n_partitions, &funcs,
                          &job, error))
    block = ds_ordered_job_merge (&job, n_partitions);
  for (guint i = 0; i < n_partitions; i++)
    g_clear_pointer (&job.blocks[i], ds_block_unref);
  g_free (job.blocks);
  return block;
}

DsBlock *
ds_rdd_take_by_key (DsRdd *pairs, gsize n, gboolean is_descending, GError **error)
{
  return ds_rdd_run_ordered (pairs, n, is_descending, TRUE, error);
}

static DsBlock *
ds_rdd_take_in_order (DsRdd *self,
                      gsize n,
                      gboolean is_descending,
                      DsMapFunc func,
                      gpointer user_data,
                      GError **error)
{
  g_autoptr (DsRdd) keyed = NULL;

  if (func == NULL)
    return ds_rdd_run_ordered (self, n, is_descending, FALSE, error);
  keyed = ds_rdd_key_by (self, func, user_data, NULL);
  return ds_rdd_take_by_key (keyed, n, is_descending, error);
}

/* ---- Public ---- */

/**
 * ds_rdd_take_ordered: (skip)
 * @self: an RDD
 * @n: how many values, at most
 * @func: (nullable): called once a value; returns what the value is ordered by; %NULL:
 * the value itself
 * @user_data: for @func
 * @error: return location for an error
 *
 * Brings the @n smallest values to the caller, the smallest first; of equal ones the
 * first.  Reads everything, but keeps and moves only about @n values of each partition.
 *
 * Runs a job and waits for it; honours g_cancellable_get_current ().
 *
 * Returns: (transfer full): a block of values, fewer than @n when there are not more;
 *   %NULL with @error
 */
DsBlock *
ds_rdd_take_ordered (DsRdd *self,
                     gsize n,
                     DsMapFunc func,
                     gpointer user_data,
                     GError **error)
{
  g_return_val_if_fail (DS_IS_RDD (self), NULL);

  return ds_rdd_take_in_order (self, n, FALSE, func, user_data, error);
}

/**
 * ds_rdd_top: (skip)
 * @self: an RDD
 * @n: how many values, at most
 * @func: (nullable): called once a value; returns what the value is ordered by; %NULL:
 * the value itself
 * @user_data: for @func
 * @error: return location for an error
 *
 * Brings the @n largest values to the caller, the largest first; of equal ones the first.
 * Otherwise the same as ds_rdd_take_ordered ().
 *
 * Returns: (transfer full): a block of values, fewer than @n when there are not more;
 *   %NULL with @error
 */
DsBlock *
ds_rdd_top (DsRdd *self, gsize n, DsMapFunc func, gpointer user_data, GError **error)
{
  g_return_val_if_fail (DS_IS_RDD (self), NULL);

  return ds_rdd_take_in_order (self, n, TRUE, func, user_data, error);
}
