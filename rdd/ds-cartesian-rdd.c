/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* cartesian: every value of one RDD with every value of another.  There is a partition
 * for each two of theirs; that of the second is kept, and read again for each value of
 * the first. */

#include "base/ds-error.h"
#include "rdd/ds-kept-partition-private.h"

typedef DsRdd DsCartesianRdd;
typedef DsRddClass DsCartesianRddClass;

static GType ds_cartesian_rdd_get_type (void);
G_DEFINE_FINAL_TYPE (DsCartesianRdd, ds_cartesian_rdd, DS_TYPE_RDD)

/* ---- The sink that the first parent is pushed into ---- */

typedef struct
{
  DsSink sink; /* without a next one: @target is finished by somebody else */
  DsSink *target;
  DsSpillBuffer *buffer; /* the second parent's partition */
  DsValue *left;         /* scratch column: one value many times */
} DsCartesianSink;

static gboolean
ds_cartesian_sink_push_value (DsCartesianSink *self, DsValue value)
{
  g_autoptr (DsSpillReader) reader = ds_spill_reader_new (self->buffer);
  DsChunk pairs = { .form = DS_FORM_PAIRS, .values = self->left };
  gsize n_filled = 0;

  for (;;)
    {
      if (!ds_kept_partition_next (reader, self->sink.task, &pairs.pair_values,
                                   &pairs.n_values))
        return FALSE;
      if (pairs.n_values == 0)
        return TRUE;
      for (; n_filled < pairs.n_values; n_filled++)
        self->left[n_filled] = value;
      if (!ds_sink_push (self->target, &pairs))
        return FALSE;
    }
}

static gboolean
ds_cartesian_sink_push (DsSink *sink, const DsChunk *chunk)
{
  for (gsize i = 0; i < chunk->n_values; i++)
    if (!ds_cartesian_sink_push_value ((DsCartesianSink *) sink, chunk->values[i]))
      return FALSE;
  return TRUE;
}

static gboolean
ds_cartesian_sink_finish (DsSink *sink)
{
  return sink->task->error == NULL;
}

static void
ds_cartesian_sink_free (DsSink *sink)
{
  ds_scratch_column_give (((DsCartesianSink *) sink)->left);
  g_free (sink);
}

/* ---- The node ---- */

static gboolean
ds_cartesian_rdd_compute (DsRdd *rdd, guint partition, DsTask *task, DsSink *sink)
{
  guint n_dependencies;
  const DsDependency *parents = ds_rdd_get_dependencies (rdd, &n_dependencies);
  const guint n_second = ds_rdd_get_n_partitions (parents[1].parent);
  const char *name = ds_rdd_get_operator_name (rdd);
  g_autoptr (DsSpillBuffer) buffer =
      ds_rdd_keep_partition (parents[1].parent, partition % n_second, task, name);
  DsCartesianSink *self;
  gboolean success;

  if (buffer == NULL)
    return FALSE;
  if (ds_spill_buffer_get_n_values (buffer) == 0)
    return TRUE;
  self = ds_sink_alloc (sizeof *self, task, NULL);
  self->sink.push = ds_cartesian_sink_push;
  self->sink.finish = ds_cartesian_sink_finish;
  self->sink.free = ds_cartesian_sink_free;
  self->sink.accepts = DS_ACCEPTS_VALUES;
  self->sink.operator_name = name;
  self->target = sink;
  self->buffer = buffer;
  self->left = ds_scratch_column_take ();
  success = ds_rdd_compute (parents[0].parent, partition / n_second, task, &self->sink) &&
            ds_sink_finish (&self->sink);
  ds_sink_free (&self->sink);
  return success;
}

static gboolean
ds_cartesian_rdd_prepare (DsRdd *rdd, GError **error)
{
  guint n_dependencies;
  const DsDependency *parents = ds_rdd_get_dependencies (rdd, &n_dependencies);
  const guint64 n_first = ds_rdd_get_n_partitions (parents[0].parent);
  const guint64 n_second = ds_rdd_get_n_partitions (parents[1].parent);

  if (n_first * n_second > G_MAXINT)
    {
      g_set_error (error, DS_ERROR, DS_ERROR_LIMIT,
                   "%s: %" G_GUINT64_FORMAT " times %" G_GUINT64_FORMAT
                   " partitions are more than %d: use fewer with coalesce",
                   ds_rdd_get_operator_name (rdd), n_first, n_second, G_MAXINT);
      return FALSE;
    }
  ds_rdd_set_node_n_partitions (rdd, (guint) (n_first * n_second));
  return TRUE;
}

/* The work is the product. */
static guint64
ds_cartesian_rdd_estimate_bytes (DsRdd *rdd)
{
  guint n_dependencies;
  const DsDependency *parents = ds_rdd_get_dependencies (rdd, &n_dependencies);
  const guint64 n_first = ds_rdd_estimate_bytes (parents[0].parent);
  const guint64 n_second = ds_rdd_estimate_bytes (parents[1].parent);
  guint64 product;

  return __builtin_mul_overflow (n_first, n_second, &product) ? G_MAXUINT64 : product;
}

static const DsRddOps ds_cartesian_rdd_ops = { .compute = ds_cartesian_rdd_compute,
                                               .prepare = ds_cartesian_rdd_prepare,
                                               .estimate_bytes =
                                                   ds_cartesian_rdd_estimate_bytes };

static void
ds_cartesian_rdd_class_init (DsCartesianRddClass *klass)
{
  klass->ops = &ds_cartesian_rdd_ops;
}

static void
ds_cartesian_rdd_init (DsCartesianRdd *self)
{
}

/**
 * ds_rdd_cartesian:
 * @self: an RDD
 * @other: another one of the same context
 *
 * A pair of each value of @self with each value of @other: the first of @self with all of
 * @other, then the second, within each of their partitions.
 *
 * There is a partition for each two of theirs.  That of @other is computed and kept once
 * for each of @self, in a buffer that spills, and read once for each value there: let
 * @other be the smaller one.
 *
 * Returns: (transfer full): the RDD of pairs
 */
DsRdd *
ds_rdd_cartesian (DsRdd *self, DsRdd *other)
{
  DsRdd *rdd;

  g_return_val_if_fail (DS_IS_RDD (self) && DS_IS_RDD (other), NULL);

  rdd = g_object_new (ds_cartesian_rdd_get_type (), NULL);
  ds_rdd_init_node (rdd, ds_rdd_get_context (self), "cartesian", 0);
  ds_rdd_add_parent (rdd, self, NULL);
  ds_rdd_add_parent (rdd, other, NULL);
  return rdd;
}
