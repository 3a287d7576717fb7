/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* zip_with_index and zip_with_unique_id: each value with a number of its own.
 *
 * An index needs to know how many values the partitions before have.  They are counted by
 * a stage of the first job that wants an index; a unique id needs nothing of the kind. */

#include "rdd/ds-job-private.h"
#include "rdd/ds-narrow-private.h"

typedef struct
{
  gint64 *n_before; /* atomic; (nullable): values in the partitions before each */
} DsNumbering;

typedef struct
{
  DsFunctionSink function_sink;
  gint64 next;
  gint64 step;
} DsNumberSink;

static gboolean
ds_number_sink_push (DsSink *sink, const DsChunk *chunk)
{
  DsNumberSink *self = (DsNumberSink *) sink;
  DsValue *numbers = self->function_sink.results;
  const DsChunk numbered = { .form = DS_FORM_PAIRS,
                             .n_values = chunk->n_values,
                             .values = chunk->values,
                             .pair_values = numbers };

  for (gsize i = 0; i < chunk->n_values; i++, self->next += self->step)
    numbers[i] = ds_value_int (self->next);
  return ds_sink_push (sink->next, &numbered);
}

static DsSink *
ds_number_sink_new (DsTask *task, DsSink *next, gint64 first, gint64 step)
{
  DsNumberSink *self = ds_sink_alloc (sizeof *self, task, next);
  DsSink *sink = &self->function_sink.sink;

  sink->push = ds_number_sink_push;
  sink->finish = ds_sink_finish_next;
  sink->free = ds_function_sink_free;
  sink->accepts = DS_ACCEPTS_VALUES;
  self->function_sink.results = ds_scratch_column_take ();
  self->next = first;
  self->step = step;
  return sink;
}

/* ---- By index ---- */

static DsSink *
ds_indexed_rdd_make_sink (DsRdd *rdd, guint partition, DsTask *task, DsSink *next)
{
  DsNumbering *numbering = ((DsNarrowRdd *) rdd)->closure.user_data;
  const gint64 *n_before = g_atomic_pointer_get (&numbering->n_before);

  return ds_number_sink_new (task, next, partition > 0 ? n_before[partition] : 0, 1);
}

static gboolean
ds_indexed_rdd_begin_job (DsRdd *rdd, DsJob *job)
{
  DsNumbering *numbering = ((DsNarrowRdd *) rdd)->closure.user_data;
  const guint n_partitions = ds_rdd_get_n_partitions (rdd);
  guint n_dependencies;
  DsRdd *parent = ds_rdd_get_dependencies (rdd, &n_dependencies)[0].parent;
  g_autofree gint64 *n_values = NULL;
  gint64 n_before = 0;

  if (n_partitions < 2 || g_atomic_pointer_get (&numbering->n_before) != NULL)
    return TRUE;

  n_values = g_new0 (gint64, n_partitions);
  if (!ds_job_count_partitions (job, parent, n_partitions - 1, n_values))
    return FALSE;
  for (guint i = 0; i < n_partitions; i++)
    {
      const gint64 n = n_values[i];

      n_values[i] = n_before;
      n_before += n;
    }
  /* Another job may have counted, too: it found the same. */
  if (g_atomic_pointer_compare_and_exchange (&numbering->n_before, NULL, n_values))
    n_values = NULL;
  return TRUE;
}

static void
ds_numbering_free (gpointer numbering)
{
  g_free (((DsNumbering *) numbering)->n_before);
  g_free (numbering);
}

static const DsRddOps ds_indexed_rdd_ops = { .make_sink = ds_indexed_rdd_make_sink,
                                             .begin_job = ds_indexed_rdd_begin_job };

DS_DEFINE_NARROW_RDD (DsIndexedRdd, ds_indexed_rdd, &ds_indexed_rdd_ops)

/**
 * ds_rdd_zip_with_index:
 * @self: an RDD
 *
 * (value, index) for each value: 0 for the first one of the first partition, and so on
 * over all partitions; partitions stay as they are.
 *
 * When there is more than one partition the first job counts all but the last one before,
 * so @self is computed twice unless it is persisted.
 *
 * Returns: (transfer full): the RDD of pairs
 */
DsRdd *
ds_rdd_zip_with_index (DsRdd *self)
{
  g_return_val_if_fail (DS_IS_RDD (self), NULL);

  return ds_narrow_rdd_new (ds_indexed_rdd_get_type (), self, "zip_with_index", FALSE,
                            NULL, g_new0 (DsNumbering, 1), ds_numbering_free);
}

/* ---- By id ---- */

static DsSink *
ds_identified_rdd_make_sink (DsRdd *rdd, guint partition, DsTask *task, DsSink *next)
{
  return ds_number_sink_new (task, next, partition, ds_rdd_get_n_partitions (rdd));
}

static const DsRddOps ds_identified_rdd_ops = { .make_sink =
                                                    ds_identified_rdd_make_sink };

DS_DEFINE_NARROW_RDD (DsIdentifiedRdd, ds_identified_rdd, &ds_identified_rdd_ops)

/**
 * ds_rdd_zip_with_unique_id:
 * @self: an RDD
 *
 * (value, id) for each value: with n partitions, k, n + k, 2 n + k ... for the values of
 * partition k; partitions stay as they are.  Nothing is counted before.
 *
 * Returns: (transfer full): the RDD of pairs
 */
DsRdd *
ds_rdd_zip_with_unique_id (DsRdd *self)
{
  g_return_val_if_fail (DS_IS_RDD (self), NULL);

  return ds_narrow_rdd_new (ds_identified_rdd_get_type (), self, "zip_with_unique_id",
                            FALSE, NULL, NULL, NULL);
}
