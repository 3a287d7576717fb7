/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* zip: two RDDs side by side.  The partition of the one is kept, that of the other pushed
 * past it. */

#include "base/ds-error.h"
#include "rdd/ds-kept-partition-private.h"

typedef DsRdd DsZippedRdd;
typedef DsRddClass DsZippedRddClass;

static GType ds_zipped_rdd_get_type (void);
G_DEFINE_FINAL_TYPE (DsZippedRdd, ds_zipped_rdd, DS_TYPE_RDD)

/* ---- The sink that the second parent is pushed into ---- */

typedef struct
{
  DsSink sink; /* without a next one: @target is finished by somebody else */
  DsSink *target;
  DsSpillReader *reader; /* of the first parent's partition */
  const DsValue *kept;   /* what of it comes next */
  gsize n_kept;
  guint64 n_pushed;
} DsZipSink;

static gboolean
ds_zip_sink_fail (DsZipSink *self, const char *which)
{
  DsTask *task = self->sink.task;
  DsTaskFrame frame = ds_task_enter (task, self->sink.operator_name, NULL, NULL);

  ds_task_take_error (
      task, g_error_new (DS_ERROR, DS_ERROR_INVALID_ARGUMENT,
                         "the %s RDD has more than %" G_GUINT64_FORMAT
                         " values in this partition, the other one has not: zip wants "
                         "equally many in each; where that is not so, give both an index "
                         "by ds_rdd_zip_with_index () and join them by it",
                         which, self->n_pushed));
  ds_task_leave (task, &frame);
  return FALSE;
}

static gboolean
ds_zip_sink_push (DsSink *sink, const DsChunk *chunk)
{
  DsZipSink *self = (DsZipSink *) sink;
  gsize done = 0;

  while (done < chunk->n_values)
    {
      DsChunk zipped = { .form = DS_FORM_PAIRS };

      if (self->n_kept == 0 &&
          !ds_kept_partition_next (self->reader, sink->task, &self->kept, &self->n_kept))
        return FALSE;
      if (self->n_kept == 0)
        return ds_zip_sink_fail (self, "second");
      zipped.n_values = MIN (self->n_kept, chunk->n_values - done);
      zipped.values = self->kept;
      zipped.pair_values = chunk->values + done;
      self->kept += zipped.n_values;
      self->n_kept -= zipped.n_values;
      self->n_pushed += zipped.n_values;
      done += zipped.n_values;
      if (!ds_sink_push (self->target, &zipped))
        {
          self->target = NULL; /* has enough: how many there are does not matter */
          return FALSE;
        }
    }
  return TRUE;
}

static gboolean
ds_zip_sink_finish (DsSink *sink)
{
  DsZipSink *self = (DsZipSink *) sink;

  if (sink->task->error != NULL)
    return FALSE;
  if (self->target == NULL)
    return TRUE;
  if (self->n_kept == 0 &&
      !ds_kept_partition_next (self->reader, sink->task, &self->kept, &self->n_kept))
    return FALSE;
  return self->n_kept == 0 || ds_zip_sink_fail (self, "first");
}

static void
ds_zip_sink_free (DsSink *sink)
{
  g_free (sink);
}

/* ---- The node ---- */

static gboolean
ds_zipped_rdd_compute (DsRdd *rdd, guint partition, DsTask *task, DsSink *sink)
{
  guint n_dependencies;
  const DsDependency *parents = ds_rdd_get_dependencies (rdd, &n_dependencies);
  const char *name = ds_rdd_get_operator_name (rdd);
  g_autoptr (DsSpillBuffer) buffer =
      ds_rdd_keep_partition (parents[0].parent, partition, task, name);
  g_autoptr (DsSpillReader) reader = NULL;
  DsZipSink *self;
  gboolean success;

  if (buffer == NULL)
    return FALSE;
  reader = ds_spill_reader_new (buffer);
  self = ds_sink_alloc (sizeof *self, task, NULL);
  self->sink.push = ds_zip_sink_push;
  self->sink.finish = ds_zip_sink_finish;
  self->sink.free = ds_zip_sink_free;
  self->sink.accepts = DS_ACCEPTS_VALUES;
  self->sink.operator_name = name;
  self->target = sink;
  self->reader = reader;
  success = ds_rdd_compute (parents[1].parent, partition, task, &self->sink) &&
            ds_sink_finish (&self->sink);
  ds_sink_free (&self->sink);
  return success;
}

static gboolean
ds_zipped_rdd_prepare (DsRdd *rdd, GError **error)
{
  guint n_dependencies;
  const DsDependency *parents = ds_rdd_get_dependencies (rdd, &n_dependencies);
  const guint n_first = ds_rdd_get_n_partitions (parents[0].parent);
  const guint n_second = ds_rdd_get_n_partitions (parents[1].parent);

  if (n_first != n_second)
    {
      g_set_error (error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT,
                   "%s: an RDD of %u partitions cannot be zipped with one of %u: make "
                   "them equal with repartition, before both were given their values",
                   ds_rdd_get_operator_name (rdd), n_first, n_second);
      return FALSE;
    }
  ds_rdd_set_node_n_partitions (rdd, n_first);
  return TRUE;
}

static const DsRddOps ds_zipped_rdd_ops = { .compute = ds_zipped_rdd_compute,
                                            .prepare = ds_zipped_rdd_prepare };

static void
ds_zipped_rdd_class_init (DsZippedRddClass *klass)
{
  klass->ops = &ds_zipped_rdd_ops;
}

static void
ds_zipped_rdd_init (DsZippedRdd *self)
{
}

/**
 * ds_rdd_zip:
 * @self: an RDD
 * @other: another one of the same context, with as many partitions, and in each as many
 *   values
 *
 * Pairs of the first value of @self and the first of @other, the second of both, and so
 * on; partitions stay as they are.
 *
 * Keeps a partition of @self while that of @other is computed, in a buffer that spills.
 * Different numbers of partitions, or of values in one of them, fail the job with
 * %DS_ERROR_INVALID_ARGUMENT.
 *
 * Returns: (transfer full): the RDD of pairs
 */
DsRdd *
ds_rdd_zip (DsRdd *self, DsRdd *other)
{
  DsRdd *rdd;

  g_return_val_if_fail (DS_IS_RDD (self) && DS_IS_RDD (other), NULL);

  rdd = g_object_new (ds_zipped_rdd_get_type (), NULL);
  ds_rdd_init_node (rdd, ds_rdd_get_context (self), "zip", 0);
  ds_rdd_add_parent (rdd, self, NULL);
  ds_rdd_add_parent (rdd, other, NULL);
  return rdd;
}
