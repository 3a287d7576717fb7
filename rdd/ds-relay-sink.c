/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A sink between several partitions and the one that they go into. */

#include "rdd/ds-relay-sink-private.h"

#include "rdd/ds-task-private.h"

static gboolean
ds_relay_sink_push (DsSink *sink, const DsChunk *chunk)
{
  DsRelaySink *self = (DsRelaySink *) sink;

  self->has_enough = !ds_sink_push (self->target, chunk);
  return !self->has_enough;
}

static gboolean
ds_relay_sink_finish (DsSink *sink)
{
  return sink->task->error == NULL;
}

static void
ds_relay_sink_free (DsSink *sink)
{
}

void
ds_relay_sink_init (DsRelaySink *self, DsTask *task, DsSink *target)
{
  *self = (DsRelaySink){ .sink = { .push = ds_relay_sink_push,
                                   .finish = ds_relay_sink_finish,
                                   .free = ds_relay_sink_free,
                                   .accepts = target->accepts,
                                   .task = task,
                                   .operator_name = target->operator_name },
                         .target = target };
}
