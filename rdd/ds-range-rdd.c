/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* range: integers from a start in steps, made when they are asked for. */

#include "base/ds-error.h"
#include "rdd/ds-rdd-private.h"

typedef struct
{
  DsRdd parent_instance;
  gint64 start;
  gint64 step;
  guint64 n_values;
} DsRangeRdd;

typedef struct
{
  DsRddClass parent_class;
} DsRangeRddClass;

static GType ds_range_rdd_get_type (void);
G_DEFINE_FINAL_TYPE (DsRangeRdd, ds_range_rdd, DS_TYPE_RDD)

static gboolean
ds_range_rdd_compute (DsRdd *rdd, guint partition, DsTask *task, DsSink *sink)
{
  DsRangeRdd *self = (DsRangeRdd *) rdd;
  guint n_partitions = ds_rdd_get_n_partitions (rdd);
  guint64 begin =
      (guint64) ((unsigned __int128) self->n_values * partition / n_partitions);
  guint64 end =
      (guint64) ((unsigned __int128) self->n_values * (partition + 1) / n_partitions);
  DsValue *values = ds_scratch_column_take ();
  DsChunk chunk = { .form = DS_FORM_VALUES, .values = values };
  gboolean wants_more = TRUE;

  for (guint64 i = begin; wants_more && i < end; i += chunk.n_values)
    {
      chunk.n_values = (gsize) MIN (end - i, DS_CHUNK_MAX_VALUES);
      /* Unsigned, since what lies past the ends never is a value but may be computed. */
      for (gsize j = 0; j < chunk.n_values; j++)
        values[j] = ds_value_int (
            (gint64) ((guint64) self->start + (i + j) * (guint64) self->step));
      wants_more = ds_task_may_go_on (task) && ds_sink_push (sink, &chunk);
    }
  ds_scratch_column_give (values);
  return task->error == NULL;
}

static guint64
ds_range_rdd_estimate_bytes (DsRdd *rdd)
{
  guint64 n_values = ((DsRangeRdd *) rdd)->n_values;

  return n_values > G_MAXUINT64 / sizeof (DsValue) ? G_MAXUINT64
                                                   : n_values * sizeof (DsValue);
}

static gboolean
ds_range_rdd_set_n_partitions (DsRdd *rdd, guint n_partitions)
{
  ds_rdd_set_node_n_partitions (rdd, n_partitions > 0
                                         ? n_partitions
                                         : ds_context_get_default_parallelism (
                                               ds_rdd_get_context (rdd)));
  return TRUE;
}

static const DsRddOps ds_range_rdd_ops = { .compute = ds_range_rdd_compute,
                                           .estimate_bytes = ds_range_rdd_estimate_bytes,
                                           .set_n_partitions =
                                               ds_range_rdd_set_n_partitions };

static void
ds_range_rdd_class_init (DsRangeRddClass *klass)
{
  klass->parent_class.ops = &ds_range_rdd_ops;
}

static void
ds_range_rdd_init (DsRangeRdd *self)
{
}

/* How many of start, start + step, ... lie before @end. */
static guint64
ds_range_count (gint64 start, gint64 end, gint64 step)
{
  guint64 distance;
  guint64 stride;

  if (step == 0 || (step > 0 ? start >= end : start <= end))
    return 0;
  distance = step > 0 ? (guint64) end - (guint64) start : (guint64) start - (guint64) end;
  stride = step > 0 ? (guint64) step : -(guint64) step;
  return (distance - 1) / stride + 1;
}

/**
 * ds_context_range:
 * @self: the engine
 * @start: the first value
 * @end: where it ends; not a value itself
 * @step: from one value to the next; not 0, negative to count down
 *
 * The integers @start, @start + @step, ... before @end, in as many partitions as the
 * default parallelism says; they take no memory.
 *
 * A step of 0 latches %DS_ERROR_INVALID_ARGUMENT.  Option: ds_rdd_set_n_partitions ().
 *
 * Returns: (transfer full): the RDD of integers
 */
DsRdd *
ds_context_range (DsContext *self, gint64 start, gint64 end, gint64 step)
{
  DsRangeRdd *range;

  g_return_val_if_fail (DS_IS_CONTEXT (self), NULL);

  range = g_object_new (ds_range_rdd_get_type (), NULL);
  range->start = start;
  range->step = step;
  range->n_values = ds_range_count (start, end, step);
  ds_rdd_init_node (&range->parent_instance, self, "range",
                    ds_context_get_default_parallelism (self));
  if (step == 0)
    ds_rdd_latch_error (
        &range->parent_instance,
        g_error_new (DS_ERROR, DS_ERROR_INVALID_ARGUMENT,
                     "range from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT
                     ": a step of 0 never arrives; use 1 or another number",
                     start, end));
  return &range->parent_instance;
}
