/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* update_state_by_key and its forms: in each batch every key with state or new values,
 * and the whole state as the result.  Where the result is what the tables have, its RDDs
 * read them; nothing is copied. */

#include "dstream/ds-input-recovery-private.h"
#include "dstream/ds-state-stepper-private.h"
#include "dstream/ds-streaming-context-private.h"
#include "rdd/ds-state-update-private.h"

#define DS_TYPE_STATE_UPDATED_DSTREAM (ds_state_updated_dstream_get_type ())
G_DECLARE_FINAL_TYPE (DsStateUpdatedDStream,
                      ds_state_updated_dstream,
                      DS,
                      STATE_UPDATED_DSTREAM,
                      DsDStream)

struct _DsStateUpdatedDStream
{
  DsDStream parent_instance;
  const DsStateStepperOps *form;
  DsStateStepper *stepper; /* atomic (nullable): from the first batch on */
};

G_DEFINE_FINAL_TYPE (DsStateUpdatedDStream, ds_state_updated_dstream, DS_TYPE_DSTREAM)

/* ---- The forms ---- */

static DsStateUpdateRun *
ds_state_updated_begin (const DsStateStep *step)
{
  DsStateUpdateRun *run =
      ds_state_update_run_new (step->table, step->task, step->stepper->name, step->time);

  if (!ds_state_step_read (step, ds_state_update_run_get_sink (run)))
    g_clear_pointer (&run, ds_state_update_run_free);
  return run;
}

static DsBlock *
ds_state_updated_run_by_key (const DsStateStep *step)
{
  g_autoptr (DsStateUpdateRun) run = ds_state_updated_begin (step);

  if (run == NULL ||
      !ds_state_update_run_by_key (run, (DsUpdateStateFunc) step->stepper->func,
                                   step->stepper->data->user_data))
    return NULL;
  ds_state_store_add_visited (step->stepper->store,
                              ds_state_update_run_get_n_visited (run));
  return ds_block_new (NULL, 0);
}

static DsBlock *
ds_state_updated_run_by_partition (const DsStateStep *step)
{
  g_autoptr (DsStateUpdateRun) run = ds_state_updated_begin (step);

  if (run == NULL)
    return NULL;
  return ds_state_update_run_by_partition (
      run, (DsUpdateStatePartitionFunc) step->stepper->func,
      step->stepper->data->user_data);
}

static DsBlock *
ds_state_updated_run_by_block (const DsStateStep *step)
{
  g_autoptr (DsStateUpdateRun) run = ds_state_updated_begin (step);

  if (run == NULL)
    return NULL;
  return ds_state_update_run_by_block (run, (DsBlockFunc) step->stepper->func,
                                       step->stepper->data->user_data);
}

static const DsStateStepperOps ds_state_updated_by_key = {
  .first_initial_wins = TRUE,
  .run = ds_state_updated_run_by_key,
};

static const DsStateStepperOps ds_state_updated_by_partition = {
  .first_initial_wins = TRUE,
  .run = ds_state_updated_run_by_partition,
};

static const DsStateStepperOps ds_state_updated_by_block = {
  .first_initial_wins = TRUE,
  .run = ds_state_updated_run_by_block,
};

/* ---- The stream ---- */

static DsRdd *
ds_state_updated_dstream_compute (DsDStream *dstream, DsBatch *batch, GError **error)
{
  DsStateUpdatedDStream *self = DS_STATE_UPDATED_DSTREAM (dstream);
  DsDStreamNode *node = ds_dstream_get_node (dstream);
  g_autoptr (GError) local_error = NULL;
  DsRdd *parent = ds_dstream_get_parent_rdd (dstream, batch, &local_error);
  DsStateStepper *stepper;
  DsPartitioner *partitioner;
  DsRdd *step;
  DsRdd *states;

  if (local_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return NULL;
    }
  /* Neither new values nor anything from before: there is no RDD yet. */
  if (parent == NULL && node->newest_time == DS_TIME_NONE && node->initial_state == NULL)
    return NULL;

  stepper = ds_state_stepper_get (&self->stepper, dstream, self->form);
  step = ds_state_stepper_make_step (stepper, dstream, batch, parent);
  partitioner = node->preserves_partitioning
                    ? ds_state_store_get_partitioner (stepper->store)
                    : NULL;
  if (self->form != &ds_state_updated_by_key)
    {
      ds_rdd_set_node_partitioner (step, partitioner);
      return step;
    }
  states = ds_state_rdd_new (step, node->ops->kind, stepper->store, partitioner);
  g_object_unref (step);
  return states;
}

/* ---- Checkpoints ---- */

static gpointer
ds_state_updated_dstream_capture (DsDStream *dstream,
                                  DsTime time,
                                  DsTime since,
                                  gboolean *is_full)
{
  return ds_state_stepper_capture (DS_STATE_UPDATED_DSTREAM (dstream)->stepper, time,
                                   since, is_full);
}

static gboolean
ds_state_updated_dstream_load (DsDStream *dstream,
                               DsTime time,
                               DsStateReader *reader,
                               GError **error)
{
  DsStateUpdatedDStream *self = DS_STATE_UPDATED_DSTREAM (dstream);
  DsStateStepper *stepper = ds_state_stepper_get (&self->stepper, dstream, self->form);

  ds_dstream_get_node (dstream)->newest_time = time;
  return ds_state_store_load (stepper->store, reader, error);
}

static gboolean
ds_state_updated_dstream_check_keys (DsDStream *dstream, GError **error)
{
  DsStateStepper *stepper = DS_STATE_UPDATED_DSTREAM (dstream)->stepper;

  /* Else a function may put a state under another key than that of its values. */
  return stepper == NULL || !ds_dstream_get_node (dstream)->preserves_partitioning ||
         ds_state_store_check_partitions (stepper->store, error);
}

static guint
ds_state_updated_dstream_count_partitions (DsDStream *dstream)
{
  DsStateUpdatedDStream *self = DS_STATE_UPDATED_DSTREAM (dstream);

  return ds_state_stepper_count_partitions (
      ds_state_stepper_get (&self->stepper, dstream, self->form));
}

static DsRdd *
ds_state_updated_dstream_make_result (DsDStream *dstream, DsTime time, DsBlock **blocks)
{
  DsStateUpdatedDStream *self = DS_STATE_UPDATED_DSTREAM (dstream);
  DsStateStepper *stepper = ds_state_stepper_get (&self->stepper, dstream, self->form);

  return ds_state_stepper_make_result (
      stepper, dstream, time,
      ds_dstream_get_node (dstream)->preserves_partitioning
          ? ds_state_store_get_partitioner (stepper->store)
          : NULL,
      blocks);
}

static const DsStateKeeping ds_state_updated_dstream_keeping = {
  .capture = ds_state_updated_dstream_capture,
  .save = ds_state_capture_save,
  .release = ds_state_capture_release,
  .load = ds_state_updated_dstream_load,
  .check_keys = ds_state_updated_dstream_check_keys,
  .count_partitions = ds_state_updated_dstream_count_partitions,
  .make_result = ds_state_updated_dstream_make_result,
};

static const DsDStreamOps ds_state_updated_dstream_ops = {
  .kind = "update_state_by_key",
  .options = DS_OPTION_N_PARTITIONS | DS_OPTION_PARTITIONER |
             DS_OPTION_PRESERVES_PARTITIONING | DS_OPTION_INITIAL_STATE,
  .is_stateful = TRUE,
  .keeping = &ds_state_updated_dstream_keeping,
  .compute = ds_state_updated_dstream_compute,
};

static void
ds_state_updated_dstream_finalize (GObject *object)
{
  g_clear_pointer (&DS_STATE_UPDATED_DSTREAM (object)->stepper, ds_state_stepper_unref);

  G_OBJECT_CLASS (ds_state_updated_dstream_parent_class)->finalize (object);
}

static void
ds_state_updated_dstream_class_init (DsStateUpdatedDStreamClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ds_state_updated_dstream_finalize;
  DS_DSTREAM_CLASS (klass)->ops = &ds_state_updated_dstream_ops;
}

static void
ds_state_updated_dstream_init (DsStateUpdatedDStream *self)
{
}

gboolean
ds_dstream_is_state_updated (DsDStream *dstream)
{
  return DS_IS_STATE_UPDATED_DSTREAM (dstream);
}

DsStateStepper *
ds_state_updated_dstream_get_stepper (DsDStream *dstream)
{
  if (!DS_IS_STATE_UPDATED_DSTREAM (dstream))
    return NULL;
  return g_atomic_pointer_get (&DS_STATE_UPDATED_DSTREAM (dstream)->stepper);
}

static DsDStream *
ds_state_updated_dstream_new (DsDStream *parent,
                              const DsStateStepperOps *form,
                              GCallback func,
                              gpointer user_data,
                              GDestroyNotify destroy)
{
  DsDStream *updated =
      ds_dstream_derive (parent, DS_TYPE_STATE_UPDATED_DSTREAM, func, user_data, destroy);

  if (DS_IS_STATE_UPDATED_DSTREAM (updated))
    {
      DsDStreamNode *node = ds_dstream_get_node (updated);

      DS_STATE_UPDATED_DSTREAM (updated)->form = form;
      node->preserves_partitioning = TRUE;
      ds_dstream_need_checkpoints (updated, ds_default_checkpoint_interval (node->slide));
    }
  return updated;
}

/**
 * ds_dstream_update_state_by_key: (skip)
 * @self: a stream of pairs
 * @func: called once a batch for every key with state or new values; returns the new
 *   state, null for none; runs on executor threads, several at once
 * @user_data: passed to @func
 * @destroy: (nullable): frees @user_data, once, when nothing of the stream needs it any
 *   longer
 *
 * Keeps a state for each key and gives all of them, as pairs (key, state), after each
 * batch: first the keys that have a state, in the order in which they came, then those of
 * the batch that have none.
 *
 * A batch costs a call for every key; ds_dstream_map_with_state () calls for those of the
 * batch only.  Until there is a batch with an RDD, or an initial state, there is no RDD;
 * from then on there is one for each batch.  When a task fails, or the batch is given up,
 * all states are as before it; when only outputs fail, they have moved on.
 *
 * Needs ds_streaming_context_checkpoint (); without it the context does not start.  The
 * time of the batch is ds_task_get_batch_time ().  Options:
 * ds_dstream_set_initial_state (), ds_dstream_set_n_partitions (),
 * ds_dstream_set_partitioner (), ds_dstream_set_preserves_partitioning () (%TRUE),
 * ds_dstream_checkpoint () (the smallest multiple of the slide of 10 s or more).
 *
 * Returns: (transfer none): the stream of states, owned by the context
 */
DsDStream *
ds_dstream_update_state_by_key (DsDStream *self,
                                DsUpdateStateFunc func,
                                gpointer user_data,
                                GDestroyNotify destroy)
{
  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);
  ds_dstream_return_if_null (self, func, user_data, destroy);

  return ds_state_updated_dstream_new (self, &ds_state_updated_by_key, G_CALLBACK (func),
                                       user_data, destroy);
}

/**
 * ds_dstream_update_state_by_partition: (skip)
 * @self: a stream of pairs
 * @func: called once a batch and partition with all its keys that have a state or new
 *   values; emits the new states as pairs; runs on executor threads, several at once
 * @user_data: passed to @func
 * @destroy: (nullable): frees @user_data, once, when nothing of the stream needs it any
 *   longer
 *
 * As ds_dstream_update_state_by_key (), for functions that see a whole partition: it must
 * fit in memory.  What @func emits is the result, in that order, and the state; a key
 * that it does not emit has none any longer, and of several states for one key the first
 * counts.  A key that it has not been given stays in the partition in which it was
 * emitted: new values find it there only if they belong there, too.
 *
 * Returns: (transfer none): the stream of states, owned by the context
 */
DsDStream *
ds_dstream_update_state_by_partition (DsDStream *self,
                                      DsUpdateStatePartitionFunc func,
                                      gpointer user_data,
                                      GDestroyNotify destroy)
{
  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);
  ds_dstream_return_if_null (self, func, user_data, destroy);

  return ds_state_updated_dstream_new (self, &ds_state_updated_by_partition,
                                       G_CALLBACK (func), user_data, destroy);
}

/**
 * ds_dstream_update_state_by_key_blocks:
 * @self: a stream of pairs
 * @func: (scope notified) (closure user_data) (destroy destroy): called once a batch and
 *   partition, with a block of tuples (key, list of values, state or null) of all keys
 *   that have a state or new values; returns a block of pairs (key, state or null)
 * @user_data: passed to @func
 * @destroy: (nullable): frees @user_data, once, when nothing of the stream needs it any
 *   longer
 *
 * The twin of ds_dstream_update_state_by_key () for other languages.  A key that is not
 * in the result, or with null, has no state any longer.
 *
 * Returns: (transfer none): the stream of states, owned by the context
 */
DsDStream *
ds_dstream_update_state_by_key_blocks (DsDStream *self,
                                       DsBlockFunc func,
                                       gpointer user_data,
                                       GDestroyNotify destroy)
{
  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);
  ds_dstream_return_if_null (self, func, user_data, destroy);

  return ds_state_updated_dstream_new (self, &ds_state_updated_by_block,
                                       G_CALLBACK (func), user_data, destroy);
}
