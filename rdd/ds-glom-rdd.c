/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* glom: one list a partition, which therefore has to fit in memory. */

#include "rdd/ds-narrow-private.h"

#include "base/ds-error.h"
#include "base/ds-value-private.h"

typedef struct
{
  DsSink sink;
  DsArena *arena;
  DsValue *items;
  gsize n_items;
  gsize n_allocated;
} DsGlomSink;

static gboolean
ds_glom_sink_push (DsSink *sink, const DsChunk *chunk)
{
  DsGlomSink *self = (DsGlomSink *) sink;

  if (chunk->n_values > G_MAXUINT32 - self->n_items)
    {
      ds_task_take_error (
          sink->task,
          g_error_new (DS_ERROR, DS_ERROR_LIMIT,
                       "a partition has more than %u values, which is as many "
                       "as a list can have; use more partitions",
                       G_MAXUINT32));
      return FALSE;
    }
  if (self->n_items + chunk->n_values > self->n_allocated)
    {
      self->n_allocated = MAX (2 * self->n_allocated, self->n_items + chunk->n_values);
      self->items = g_renew (DsValue, self->items, self->n_allocated);
    }
  for (gsize i = 0; i < chunk->n_values; i++)
    self->items[self->n_items++] = ds_value_copy (chunk->values[i], self->arena);
  return TRUE;
}

static gboolean
ds_glom_sink_finish (DsSink *sink)
{
  DsGlomSink *self = (DsGlomSink *) sink;
  DsValue list = ds_value_list (self->items, (guint32) self->n_items);
  DsChunk chunk = { .form = DS_FORM_VALUES, .n_values = 1, .values = &list };

  ds_sink_push (sink->next, &chunk);
  return sink->task->error == NULL && ds_sink_finish (sink->next);
}

static void
ds_glom_sink_free (DsSink *sink)
{
  DsGlomSink *self = (DsGlomSink *) sink;

  ds_arena_unref (self->arena);
  g_free (self->items);
  g_free (self);
}

static DsSink *
ds_glom_rdd_make_sink (DsRdd *rdd, guint partition, DsTask *task, DsSink *next)
{
  DsGlomSink *self = ds_sink_alloc (sizeof *self, task, next);

  self->sink.push = ds_glom_sink_push;
  self->sink.finish = ds_glom_sink_finish;
  self->sink.free = ds_glom_sink_free;
  self->sink.accepts = DS_ACCEPTS_VALUES;
  self->arena = ds_arena_new (ds_task_get_arena_pool (task));
  return &self->sink;
}

static const DsRddOps ds_glom_rdd_ops = { .make_sink = ds_glom_rdd_make_sink };

DS_DEFINE_NARROW_RDD (DsGlomRdd, ds_glom_rdd, &ds_glom_rdd_ops)

/**
 * ds_rdd_glom:
 * @self: an RDD
 *
 * One list for each partition, holding its values in order; an empty list for an empty
 * partition.  A partition has to fit in memory.
 *
 * Returns: (transfer full): the RDD of lists
 */
DsRdd *
ds_rdd_glom (DsRdd *self)
{
  g_return_val_if_fail (DS_IS_RDD (self), NULL);

  return ds_narrow_rdd_new (ds_glom_rdd_get_type (), self, "glom", FALSE, NULL, NULL,
                            NULL);
}
