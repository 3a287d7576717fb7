/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* map_with_state: each record of a batch meets the state of its key.  Only keys of the
 * batch, and those that time out in it, are looked at. */

#include "dstream/ds-input-recovery-private.h"
#include "dstream/ds-state-stepper-private.h"
#include "dstream/ds-streaming-context-private.h"
#include "rdd/ds-state-run-private.h"
#include "rdd/ds-state-update-private.h"

#define DS_STATE_SLIDES_PER_CHECKPOINT 10

#define DS_TYPE_STATE_MAPPED_DSTREAM (ds_state_mapped_dstream_get_type ())
G_DECLARE_FINAL_TYPE (DsStateMappedDStream,
                      ds_state_mapped_dstream,
                      DS,
                      STATE_MAPPED_DSTREAM,
                      DsDStream)

struct _DsStateMappedDStream
{
  DsDStream parent_instance;
  const DsStateStepperOps *form;
  DsStateStepper *stepper; /* atomic (nullable): from the first batch on */
  gboolean has_snapshots;
};

G_DEFINE_FINAL_TYPE (DsStateMappedDStream, ds_state_mapped_dstream, DS_TYPE_DSTREAM)

static gboolean
ds_state_mapped_run_into (const DsStateStep *step, DsSink *out)
{
  DsStateStepper *stepper = step->stepper;
  const DsStateRunPlan plan = { .func = (DsMapWithStateFunc) stepper->func,
                                .user_data = stepper->data->user_data,
                                .operator_name = stepper->name,
                                .time = step->time,
                                .is_timed = stepper->timeout > 0 };
  g_autoptr (DsStateRun) run = ds_state_run_new (&plan, step->table, step->task, out);
  DsSink *sink = ds_state_run_sink_new (run);
  gboolean ok = ds_state_step_read (step, sink);

  ds_sink_free (sink);
  if (ok && stepper->timeout > 0)
    ok = ds_state_run_time_out (run, step->time - stepper->timeout);
  if (ok)
    ds_state_run_apply (run);
  ds_state_store_add_visited (stepper->store, ds_state_run_get_n_visited (run));
  return ok;
}

static DsBlock *
ds_state_mapped_run (const DsStateStep *step)
{
  DsBlock *block = NULL;
  DsSink *out = ds_block_sink_new (step->task, &block);

  if (ds_state_mapped_run_into (step, out))
    ds_sink_finish (out);
  ds_sink_free (out);
  return block;
}

static DsBlock *
ds_state_mapped_run_block (const DsStateStep *step)
{
  DsStateStepper *stepper = step->stepper;
  g_autoptr (DsStateUpdateRun) run =
      ds_state_update_run_new (step->table, step->task, stepper->name, step->time);
  DsTime threshold = stepper->timeout > 0 ? step->time - stepper->timeout : DS_TIME_NONE;
  DsBlock *block;

  if (!ds_state_step_read (step, ds_state_update_run_get_sink (run)))
    return NULL;
  block = ds_state_update_run_map_block (run, stepper->timeout > 0, threshold,
                                         (DsBlockFunc) stepper->func,
                                         stepper->data->user_data);
  ds_state_store_add_visited (stepper->store, ds_state_update_run_get_n_visited (run));
  return block;
}

static const DsStateStepperOps ds_state_mapped_by_record = {
  .run = ds_state_mapped_run,
};

static const DsStateStepperOps ds_state_mapped_by_block = {
  .run = ds_state_mapped_run_block,
};

static DsRdd *
ds_state_mapped_dstream_compute (DsDStream *dstream, DsBatch *batch, GError **error)
{
  DsStateMappedDStream *self = DS_STATE_MAPPED_DSTREAM (dstream);
  g_autoptr (GError) local_error = NULL;
  DsRdd *parent = ds_dstream_get_parent_rdd (dstream, batch, &local_error);
  DsStateStepper *stepper;
  DsRdd *step;

  if (local_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return NULL;
    }
  stepper = ds_state_stepper_get (&self->stepper, dstream, self->form);
  step = ds_state_stepper_make_step (stepper, dstream, batch, parent);
  /* A window over the snapshots asks for them later. */
  if (self->has_snapshots && step != NULL)
    ds_state_store_pin_step (stepper->store, step);
  return step;
}

/* ---- Checkpoints ---- */

static gpointer
ds_state_mapped_dstream_capture (DsDStream *dstream,
                                 DsTime time,
                                 DsTime since,
                                 gboolean *is_full)
{
  return ds_state_stepper_capture (DS_STATE_MAPPED_DSTREAM (dstream)->stepper, time,
                                   since, is_full);
}

static gboolean
ds_state_mapped_dstream_load (DsDStream *dstream,
                              DsTime time,
                              DsStateReader *reader,
                              GError **error)
{
  DsStateMappedDStream *self = DS_STATE_MAPPED_DSTREAM (dstream);
  DsStateStepper *stepper = ds_state_stepper_get (&self->stepper, dstream, self->form);

  ds_dstream_get_node (dstream)->newest_time = time;
  return ds_state_store_load (stepper->store, reader, error);
}

static gboolean
ds_state_mapped_dstream_check_keys (DsDStream *dstream, GError **error)
{
  DsStateStepper *stepper = DS_STATE_MAPPED_DSTREAM (dstream)->stepper;

  return stepper == NULL || ds_state_store_check_partitions (stepper->store, error);
}

static guint
ds_state_mapped_dstream_count_partitions (DsDStream *dstream)
{
  DsStateMappedDStream *self = DS_STATE_MAPPED_DSTREAM (dstream);

  return ds_state_stepper_count_partitions (
      ds_state_stepper_get (&self->stepper, dstream, self->form));
}

static DsRdd *
ds_state_mapped_dstream_make_result (DsDStream *dstream, DsTime time, DsBlock **blocks)
{
  DsStateMappedDStream *self = DS_STATE_MAPPED_DSTREAM (dstream);
  DsStateStepper *stepper = ds_state_stepper_get (&self->stepper, dstream, self->form);

  return ds_state_stepper_make_result (stepper, dstream, time, NULL, blocks);
}

static const DsStateKeeping ds_state_mapped_dstream_keeping = {
  .capture = ds_state_mapped_dstream_capture,
  .save = ds_state_capture_save,
  .release = ds_state_capture_release,
  .load = ds_state_mapped_dstream_load,
  .check_keys = ds_state_mapped_dstream_check_keys,
  .count_partitions = ds_state_mapped_dstream_count_partitions,
  .make_result = ds_state_mapped_dstream_make_result,
};

static const DsDStreamOps ds_state_mapped_dstream_ops = {
  .kind = "map_with_state",
  .options = DS_OPTION_N_PARTITIONS | DS_OPTION_PARTITIONER | DS_OPTION_INITIAL_STATE |
             DS_OPTION_STATE_TIMEOUT,
  .is_stateful = TRUE,
  .keeping = &ds_state_mapped_dstream_keeping,
  .compute = ds_state_mapped_dstream_compute,
};

static void
ds_state_mapped_dstream_finalize (GObject *object)
{
  g_clear_pointer (&DS_STATE_MAPPED_DSTREAM (object)->stepper, ds_state_stepper_unref);

  G_OBJECT_CLASS (ds_state_mapped_dstream_parent_class)->finalize (object);
}

static void
ds_state_mapped_dstream_class_init (DsStateMappedDStreamClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ds_state_mapped_dstream_finalize;
  DS_DSTREAM_CLASS (klass)->ops = &ds_state_mapped_dstream_ops;
}

static void
ds_state_mapped_dstream_init (DsStateMappedDStream *self)
{
}

void
ds_state_mapped_dstream_need_snapshots (DsDStream *dstream)
{
  DS_STATE_MAPPED_DSTREAM (dstream)->has_snapshots = TRUE;
}

gboolean
ds_dstream_is_state_mapped (DsDStream *dstream)
{
  return DS_IS_STATE_MAPPED_DSTREAM (dstream);
}

DsStateStepper *
ds_state_mapped_dstream_get_stepper (DsDStream *dstream)
{
  if (!DS_IS_STATE_MAPPED_DSTREAM (dstream))
    return NULL;
  return g_atomic_pointer_get (&DS_STATE_MAPPED_DSTREAM (dstream)->stepper);
}

static DsDStream *
ds_state_mapped_dstream_new (DsDStream *parent,
                             const DsStateStepperOps *form,
                             GCallback func,
                             gpointer user_data,
                             GDestroyNotify destroy)
{
  DsDStream *mapped =
      ds_dstream_derive (parent, DS_TYPE_STATE_MAPPED_DSTREAM, func, user_data, destroy);

  if (DS_IS_STATE_MAPPED_DSTREAM (mapped))
    {
      DsDStreamNode *node = ds_dstream_get_node (mapped);

      DS_STATE_MAPPED_DSTREAM (mapped)->form = form;
      ds_dstream_need_checkpoints (mapped, DS_STATE_SLIDES_PER_CHECKPOINT * node->slide);
      node->checkpoints_only_inside = TRUE;
    }
  return mapped;
}

/**
 * ds_dstream_map_with_state: (skip)
 * @self: a stream of pairs
 * @func: called once a record, with the state of its key; emits what the resulting stream
 *   shall hold; runs on executor threads, several at once, one for a key at a time
 * @user_data: passed to @func
 * @destroy: (nullable): frees @user_data, once, when nothing of the stream needs it any
 *   longer
 *
 * Lets each record meet the state of its key, in the order of the partition, the records
 * of a key in one partition.
 *
 * A batch costs what it touches, however many keys there are.  All of a batch's states
 * change together: when a task fails, or the batch is given up, they are as before it;
 * when only outputs fail, they have moved on.  What @func emits is kept with the batch
 * and never computed again.
 *
 * Needs ds_streaming_context_checkpoint (); without it the context does not start.
 * Options: ds_dstream_set_initial_state (), ds_dstream_set_state_timeout (),
 * ds_dstream_set_n_partitions (), ds_dstream_set_partitioner (), ds_dstream_checkpoint ()
 * (10 slides).
 *
 * Returns: (transfer none): the stream of what @func emits, owned by the context
 */
DsDStream *
ds_dstream_map_with_state (DsDStream *self,
                           DsMapWithStateFunc func,
                           gpointer user_data,
                           GDestroyNotify destroy)
{
  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);
  ds_dstream_return_if_null (self, func, user_data, destroy);

  return ds_state_mapped_dstream_new (self, &ds_state_mapped_by_record, G_CALLBACK (func),
                                      user_data, destroy);
}

/**
 * ds_dstream_map_with_state_blocks:
 * @self: a stream of pairs
 * @func: (scope notified) (closure user_data) (destroy destroy): called once a batch and
 *   partition, with a block of tuples (key, list of values, state or null, timing out) of
 *   the keys that have values in the batch or time out; returns a block of tuples (key,
 *   state or null, list of what is emitted)
 * @user_data: passed to @func
 * @destroy: (nullable): frees @user_data, once, when nothing of the stream needs it any
 *   longer
 *
 * The twin of ds_dstream_map_with_state () for other languages.  A key that is not in the
 * result keeps its state, and emits nothing; one that times out loses it in any case.
 * Tuples of another form, and keys that were not given, fail the batch.
 *
 * Returns: (transfer none): the stream of what is emitted, owned by the context
 */
DsDStream *
ds_dstream_map_with_state_blocks (DsDStream *self,
                                  DsBlockFunc func,
                                  gpointer user_data,
                                  GDestroyNotify destroy)
{
  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);
  ds_dstream_return_if_null (self, func, user_data, destroy);

  return ds_state_mapped_dstream_new (self, &ds_state_mapped_by_block, G_CALLBACK (func),
                                      user_data, destroy);
}
