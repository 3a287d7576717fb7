/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The common part of narrow operators' nodes and sinks.  What an operator does with its
 * function stands in the operator's own file. */

#include "rdd/ds-narrow-private.h"

G_DEFINE_ABSTRACT_TYPE (DsNarrowRdd, ds_narrow_rdd, DS_TYPE_RDD)

static void
ds_narrow_rdd_finalize (GObject *object)
{
  ds_closure_data_clear (&((DsNarrowRdd *) object)->closure);

  G_OBJECT_CLASS (ds_narrow_rdd_parent_class)->finalize (object);
}

static void
ds_narrow_rdd_class_init (DsNarrowRddClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ds_narrow_rdd_finalize;
}

static void
ds_narrow_rdd_init (DsNarrowRdd *self)
{
}

DsRdd *
ds_narrow_rdd_new (GType type,
                   DsRdd *parent,
                   const char *kind,
                   gboolean keeps_keys,
                   GCallback func,
                   gpointer user_data,
                   GDestroyNotify destroy)
{
  DsNarrowRdd *self = g_object_new (type, NULL);
  DsRdd *rdd = &self->parent_instance;

  self->func = func;
  self->closure = (DsClosureData){ user_data, destroy };
  ds_rdd_init_node (rdd, ds_rdd_get_context (parent), kind, 0);
  ds_rdd_add_parent (rdd, parent, NULL);
  if (keeps_keys)
    ds_rdd_set_node_partitioner (rdd, ds_rdd_get_partitioner (parent));
  return rdd;
}

gboolean
ds_narrow_rdd_set_preserves_partitioning (DsRdd *rdd, gboolean preserves)
{
  guint n_dependencies;
  const DsDependency *dependencies = ds_rdd_get_dependencies (rdd, &n_dependencies);

  ds_rdd_set_node_partitioner (rdd, preserves
                                        ? ds_rdd_get_partitioner (dependencies[0].parent)
                                        : NULL);
  return TRUE;
}

DsSink *
ds_function_sink_new_plain (DsTask *task,
                            DsSink *next,
                            guint accepts,
                            gboolean (*push) (DsSink *sink, const DsChunk *chunk))
{
  DsSink *self = ds_sink_alloc (sizeof (DsFunctionSink), task, next);

  self->push = push;
  self->finish = ds_sink_finish_next;
  self->free = ds_function_sink_free;
  self->accepts = accepts;
  return self;
}

DsFunctionSink *
ds_function_sink_new (DsRdd *rdd,
                      DsTask *task,
                      DsSink *next,
                      guint accepts,
                      gboolean (*push) (DsSink *sink, const DsChunk *chunk))
{
  DsNarrowRdd *node = (DsNarrowRdd *) rdd;
  DsFunctionSink *self =
      (DsFunctionSink *) ds_function_sink_new_plain (task, next, accepts, push);

  self->func = node->func;
  self->user_data = node->closure.user_data;
  return self;
}

void
ds_function_sink_free (DsSink *sink)
{
  DsFunctionSink *self = (DsFunctionSink *) sink;

  g_clear_pointer (&self->arena, ds_arena_unref);
  g_clear_pointer (&self->emitter, ds_emitter_free);
  ds_scratch_column_give (self->results);
  ds_scratch_column_give (self->more_results);
  g_free (self);
}
