/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "rdd/ds-kept-partition-private.h"

#include "rdd/ds-job-private.h"

DsSpillBuffer *
ds_rdd_keep_partition (DsRdd *rdd,
                       guint partition,
                       DsTask *task,
                       const char *operator_name)
{
  g_autoptr (DsSpillBuffer) buffer =
      ds_spill_buffer_new (ds_context_get_memory_budget (task->context),
                           ds_context_get_local_directory (task->context));
  DsSink *sink = ds_spill_sink_new (task, buffer);
  GError *error = NULL;
  gboolean success;

  sink->accepts = DS_ACCEPTS_VALUES;
  sink->operator_name = operator_name;
  success = ds_rdd_compute (rdd, partition, task, sink) && ds_sink_finish (sink);
  ds_sink_free (sink);
  if (!success)
    return NULL;
  if (!ds_spill_buffer_seal (buffer, &error))
    {
      ds_task_take_error (task, error);
      return NULL;
    }
  return g_steal_pointer (&buffer);
}

gboolean
ds_kept_partition_next (DsSpillReader *reader,
                        DsTask *task,
                        const DsValue **values,
                        gsize *n_values)
{
  DsChunk chunk = { 0 };
  gboolean at_end = FALSE;
  GError *error = NULL;

  *n_values = 0;
  while (*n_values == 0 && !at_end)
    {
      if (!ds_task_may_go_on (task))
        return FALSE;
      if (!ds_spill_reader_next (reader, &chunk, &at_end, &error))
        {
          ds_task_take_error (task, error);
          return FALSE;
        }
      *values = chunk.values;
      *n_values = at_end ? 0 : chunk.n_values;
    }
  return TRUE;
}
