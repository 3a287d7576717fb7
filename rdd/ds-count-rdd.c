/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The RDD of one value that says how many there are in another: each partition is counted
 * where it is, the counts are added behind a shuffle, and where there was no partition at
 * all the sum is 0. */

#include "base/ds-splitter-private.h"
#include "rdd/ds-functions.h"
#include "rdd/ds-narrow-private.h"

typedef struct
{
  DsSink sink;
  gint64 sum;
} DsSumSink;

static gboolean
ds_sum_sink_finish (DsSink *sink)
{
  DsValue sum = ds_value_int (((DsSumSink *) sink)->sum);
  DsChunk chunk = { .form = DS_FORM_VALUES, .n_values = 1, .values = &sum };

  ds_sink_push (sink->next, &chunk);
  return sink->task->error == NULL && ds_sink_finish_next (sink);
}

static void
ds_sum_sink_free (DsSink *sink)
{
  g_free (sink);
}

static DsSink *
ds_sum_sink_new (DsTask *task,
                 DsSink *next,
                 guint accepts,
                 gboolean (*push) (DsSink *sink, const DsChunk *chunk))
{
  DsSumSink *self = ds_sink_alloc (sizeof *self, task, next);

  self->sink.push = push;
  self->sink.finish = ds_sum_sink_finish;
  self->sink.free = ds_sum_sink_free;
  self->sink.accepts = accepts;
  return &self->sink;
}

/* How many values there are in a partition. */
static gboolean
ds_count_partition_push (DsSink *sink, const DsChunk *chunk)
{
  ((DsSumSink *) sink)->sum +=
      (gint64) (chunk->form == DS_FORM_TEXT
                    ? ds_count_lines (chunk->text, chunk->n_text_bytes)
                    : chunk->n_values);
  return TRUE;
}

static DsSink *
ds_count_partition_rdd_make_sink (DsRdd *rdd, guint partition, DsTask *task, DsSink *next)
{
  return ds_sum_sink_new (task, next,
                          DS_ACCEPTS_VALUES | DS_ACCEPTS_PAIRS | DS_ACCEPTS_TEXT,
                          ds_count_partition_push);
}

/* The sum of integers, 0 of none. */
static gboolean
ds_sum_push (DsSink *sink, const DsChunk *chunk)
{
  for (gsize i = 0; i < chunk->n_values; i++)
    ((DsSumSink *) sink)->sum += ds_value_get_int (chunk->values[i]);
  return sink->task->error == NULL;
}

static DsSink *
ds_sum_rdd_make_sink (DsRdd *rdd, guint partition, DsTask *task, DsSink *next)
{
  return ds_sum_sink_new (task, next, DS_ACCEPTS_VALUES, ds_sum_push);
}

static const DsRddOps ds_count_partition_rdd_ops = {
  .make_sink = ds_count_partition_rdd_make_sink
};
static const DsRddOps ds_sum_rdd_ops = { .make_sink = ds_sum_rdd_make_sink };

DS_DEFINE_NARROW_RDD (DsCountPartitionRdd,
                      ds_count_partition_rdd,
                      &ds_count_partition_rdd_ops)
DS_DEFINE_NARROW_RDD (DsSumRdd, ds_sum_rdd, &ds_sum_rdd_ops)

DsRdd *
ds_count_rdd_new (DsRdd *parent)
{
  g_autoptr (DsRdd) counts = ds_narrow_rdd_new (ds_count_partition_rdd_get_type (),
                                                parent, "count", FALSE, NULL, NULL, NULL);
  g_autoptr (DsRdd) sum = ds_reduced_rdd_new (counts, ds_add, NULL, NULL);

  return ds_narrow_rdd_new (ds_sum_rdd_get_type (), sum, "count", FALSE, NULL, NULL,
                            NULL);
}
