/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* States in checkpoints.  A capture is a save of the store: the states as of a batch stay
 * readable, through what later batches replaced, until the checkpoint is written; and
 * then, as long as that is worth it, until the next one is, which writes what changed
 * since. */

#include "dstream/ds-state-stepper-private.h"
#include "dstream/ds-streaming-context-private.h"
#include "rdd/ds-step-rdd-private.h"

typedef struct
{
  DsStateStepper *stepper;
  DsTime time;
  DsTime since; /* DS_TIME_NONE: everything */
} DsStateCapture;

gpointer
ds_state_stepper_capture (DsStateStepper *self,
                          DsTime time,
                          DsTime since,
                          gboolean *is_full)
{
  DsStateCapture *capture;

  *is_full = TRUE;
  if (self == NULL)
    return NULL;
  capture = g_new (DsStateCapture, 1);
  capture->stepper = ds_state_stepper_ref (self);
  capture->time = time;
  *is_full = !ds_state_store_begin_save (self->store, since, time);
  capture->since = *is_full ? DS_TIME_NONE : since;
  return capture;
}

gboolean
ds_state_capture_save (gpointer capture, DsStateWriter *writer, GError **error)
{
  DsStateCapture *self = capture;

  return ds_state_store_save (self->stepper->store, self->since, self->time, writer,
                              error);
}

void
ds_state_capture_release (gpointer capture, gboolean is_base)
{
  DsStateCapture *self = capture;

  ds_state_store_end_save (self->stepper->store, self->since, self->time, is_base);
  ds_state_stepper_unref (self->stepper);
  g_free (self);
}

guint
ds_state_stepper_count_partitions (DsStateStepper *self)
{
  return ds_partitioner_get_n_partitions (ds_state_store_get_partitioner (self->store));
}

DsRdd *
ds_state_stepper_make_result (DsStateStepper *self,
                              DsDStream *stream,
                              DsTime time,
                              DsPartitioner *partitioner,
                              DsBlock **blocks)
{
  DsDStreamNode *node = ds_dstream_get_node (stream);
  DsRdd *rdd =
      ds_step_rdd_new_restored (ds_streaming_context_get_context (node->context),
                                node->ops->kind, time,
                                ds_state_store_get_partitioner (self->store), blocks);

  ds_rdd_set_node_partitioner (rdd, partitioner);
  return rdd;
}
