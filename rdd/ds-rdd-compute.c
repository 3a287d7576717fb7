/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How a partition is computed: from the first node down that is not a narrow operator, or
 * whose values are kept, pushed through one sink for each that is. */

#include "rdd/ds-flow-private.h"
#include "rdd/ds-persistence-private.h"

/* The end of a chain that belongs to somebody else: hands everything on, and neither
 * finishes nor frees what lies behind it.  On the stack of ds_rdd_compute (). */
typedef struct
{
  DsSink sink;
  DsSink *target;
} DsBorderSink;

static gboolean
ds_border_sink_push (DsSink *sink, const DsChunk *chunk)
{
  DsSink *target = ((DsBorderSink *) sink)->target;

  ds_sink_count (target, chunk);
  return target->push (target, chunk);
}

static gboolean
ds_border_sink_finish (DsSink *sink)
{
  return sink->task->error == NULL;
}

static void
ds_border_sink_free (DsSink *sink)
{
}

static gboolean
ds_rdd_compute_source (DsRdd *self, guint partition, DsTask *task, DsSink *sink)
{
  DsTaskFrame frame =
      ds_task_enter (task, ds_rdd_get_operator_name (self), task->arena, NULL);
  gboolean success = ds_rdd_get_ops (self)->compute (self, partition, task, sink);

  ds_task_leave (task, &frame);
  return success && task->error == NULL;
}

gboolean
ds_rdd_compute_anew (DsRdd *self, guint partition, DsTask *task, DsSink *sink)
{
  DsBorderSink border = { .sink = { .push = ds_border_sink_push,
                                    .finish = ds_border_sink_finish,
                                    .free = ds_border_sink_free,
                                    .accepts = sink->accepts,
                                    .task = task,
                                    .operator_name = sink->operator_name },
                          .target = sink };
  DsSink *head = &border.sink;
  const DsRddOps *ops = ds_rdd_get_ops (self);
  gboolean success;

  if (ops->make_sink == NULL)
    return ds_rdd_compute_source (self, partition, task, sink);

  do
    {
      guint n_dependencies;

      head->feeder = self;
      head = ops->make_sink (self, partition, task, head);
      head->operator_name = ds_rdd_get_operator_name (self);
      self = ds_rdd_get_dependencies (self, &n_dependencies)[0].parent;
      ops = ds_rdd_get_ops (self);
    }
  while (ops->make_sink != NULL && !ds_rdd_is_persisted (self));
  success = ds_rdd_compute (self, partition, task, head) && ds_sink_finish (head) &&
            task->error == NULL;
  for (DsSink *fed = head; success && fed != NULL; fed = fed->next)
    if (fed->feeder != NULL)
      ds_flow_notes_add (ds_rdd_get_flow_notes (fed->feeder), partition, fed->n_values_in,
                         fed->n_text_bytes_in);
  ds_sink_free (head);
  return success;
}

/* What comes into @sink meanwhile is the node's; what came in before is another one's, as
 * with the parents of a union. */
static gboolean
ds_rdd_compute_and_note (
    DsRdd *self,
    guint partition,
    DsTask *task,
    DsSink *sink,
    gboolean (*compute) (DsRdd *rdd, guint partition, DsTask *task, DsSink *sink))
{
  guint64 n_values = sink->n_values_in;
  guint64 n_text_bytes = sink->n_text_bytes_in;

  if (!compute (self, partition, task, sink))
    return FALSE;
  ds_flow_notes_add (ds_rdd_get_flow_notes (self), partition,
                     sink->n_values_in - n_values, sink->n_text_bytes_in - n_text_bytes);
  return TRUE;
}

gboolean
ds_rdd_compute (DsRdd *self, guint partition, DsTask *task, DsSink *sink)
{
  return ds_rdd_compute_and_note (self, partition, task, sink,
                                  ds_rdd_is_persisted (self) ? ds_persistence_read
                                                             : ds_rdd_compute_anew);
}

gboolean
ds_rdd_read_parent (DsRdd *self, guint index, guint partition, DsTask *task, DsSink *sink)
{
  guint n_dependencies;
  const DsDependency *dependency =
      &ds_rdd_get_dependencies (self, &n_dependencies)[index];

  g_assert (index < n_dependencies);
  return dependency->shuffle != NULL
             ? ds_shuffle_read (dependency->shuffle, partition, task, sink)
             : ds_rdd_compute (dependency->parent, partition, task, sink);
}
