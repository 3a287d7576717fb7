/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The common half of the operators on state; see ds-state-stepper-private.h. */

#include "dstream/ds-state-stepper-private.h"

#include "base/ds-value-private.h"
#include "dstream/ds-streaming-context-private.h"
#include "rdd/ds-step-rdd-private.h"

/* Which inputs a step has, in this order. */
enum
{
  DS_STATE_INPUT_BATCH = 1 << 0,
  DS_STATE_INPUT_INITIAL = 1 << 1
};

DsStateStepper *
ds_state_stepper_ref (DsStateStepper *self)
{
  g_atomic_int_inc (&self->ref_count);
  return self;
}

void
ds_state_stepper_unref (gpointer stepper)
{
  DsStateStepper *self = stepper;

  if (!g_atomic_int_dec_and_test (&self->ref_count))
    return;
  ds_state_store_unref (self->store);
  ds_shared_data_unref (self->data);
  g_free (self->name);
  g_free (self);
}

static DsStateStepper *
ds_state_stepper_new (DsDStream *stream, const DsStateStepperOps *ops)
{
  DsDStreamNode *node = ds_dstream_get_node (stream);
  DsStateStepper *self = g_new0 (DsStateStepper, 1);
  g_autoptr (DsPartitioner) partitioner = NULL;

  if (node->partitioner != NULL)
    partitioner = ds_partitioner_ref (node->partitioner);
  else
    partitioner = ds_partitioner_new_hash (
        node->n_partitions > 0
            ? node->n_partitions
            : ds_context_get_default_parallelism (node->context->context));
  self->ref_count = 1;
  self->ops = ops;
  self->store = ds_state_store_new (partitioner, node->state_timeout > 0);
  self->name = g_strdup (ds_dstream_describe (stream));
  self->func = node->func;
  self->data = ds_shared_data_ref (node->data);
  self->timeout = node->state_timeout;
  return self;
}

DsStateStepper *
ds_state_stepper_get (DsStateStepper **stepper,
                      DsDStream *stream,
                      const DsStateStepperOps *ops)
{
  if (*stepper == NULL)
    g_atomic_pointer_set (stepper, ds_state_stepper_new (stream, ops));
  return *stepper;
}

/* ---- Initial states ---- */

typedef struct
{
  DsSink sink;
  const DsStateStep *step;
  GByteArray *key;
  GByteArray *bytes;
  DsStateChange *changes; /* [DS_CHUNK_MAX_VALUES] */
} DsInitialStateSink;

/* Into @self->bytes, where nothing lies still yet: its offset. */
static const guint8 *
ds_initial_state_sink_keep (DsInitialStateSink *self, const guint8 *bytes, guint n_bytes)
{
  gsize at = self->bytes->len;

  g_byte_array_append (self->bytes, bytes, n_bytes);
  return GSIZE_TO_POINTER (at);
}

static gsize
ds_initial_state_sink_make_changes (DsInitialStateSink *self, const DsChunk *chunk)
{
  gsize n_changes = 0;

  g_byte_array_set_size (self->bytes, 0);
  for (gsize i = 0; i < chunk->n_values; i++)
    {
      DsStateChange change = { .entry = DS_STATE_NO_ENTRY };

      if (ds_value_is_null (chunk->pair_values[i]))
        continue;
      change.only_if_absent = self->step->stepper->ops->first_initial_wins;
      change.key = ds_state_make_key (chunk->values[i], self->key);
      change.key.bytes =
          ds_initial_state_sink_keep (self, change.key.bytes, change.key.n_bytes);
      g_byte_array_set_size (self->key, 0);
      ds_state_encode (chunk->pair_values[i], self->key);
      change.n_bytes = self->key->len;
      change.bytes = ds_initial_state_sink_keep (self, self->key->data, self->key->len);
      self->changes[n_changes++] = change;
    }
  for (gsize i = 0; i < n_changes; i++)
    {
      DsStateChange *change = &self->changes[i];

      change->key.bytes = self->bytes->data + GPOINTER_TO_SIZE (change->key.bytes);
      change->bytes = self->bytes->data + GPOINTER_TO_SIZE (change->bytes);
    }
  return n_changes;
}

static gboolean
ds_initial_state_sink_push (DsSink *sink, const DsChunk *chunk)
{
  DsInitialStateSink *self = (DsInitialStateSink *) sink;

  ds_state_table_apply (self->step->table, self->step->time, self->changes,
                        ds_initial_state_sink_make_changes (self, chunk));
  return TRUE;
}

static gboolean
ds_initial_state_sink_finish (DsSink *sink)
{
  return sink->task->error == NULL;
}

static void
ds_initial_state_sink_free (DsSink *sink)
{
  DsInitialStateSink *self = (DsInitialStateSink *) sink;

  g_byte_array_unref (self->key);
  g_byte_array_unref (self->bytes);
  g_free (self->changes);
  g_free (self);
}

/* The last input of the step, into the table. */
static gboolean
ds_state_step_load (const DsStateStep *step)
{
  DsInitialStateSink *self = ds_sink_alloc (sizeof *self, step->task, NULL);
  gboolean ok;

  self->sink.push = ds_initial_state_sink_push;
  self->sink.finish = ds_initial_state_sink_finish;
  self->sink.free = ds_initial_state_sink_free;
  self->sink.accepts = DS_ACCEPTS_PAIRS;
  self->sink.operator_name = "set_initial_state";
  self->step = step;
  self->key = g_byte_array_new ();
  self->bytes = g_byte_array_new ();
  self->changes = g_new (DsStateChange, DS_CHUNK_MAX_VALUES);
  ok = ds_step_rdd_read_input (step->step, ds_step_rdd_get_n_inputs (step->step) - 1,
                               step->partition, step->task, &self->sink);
  ds_sink_free (&self->sink);
  if (ok)
    ds_state_store_set_loaded (step->stepper->store, step->partition, step->time);
  return ok;
}

/* ---- A step ---- */

gboolean
ds_state_step_read (const DsStateStep *self, DsSink *sink)
{
  if (!(GPOINTER_TO_UINT (ds_step_rdd_get_data (self->step)) & DS_STATE_INPUT_BATCH))
    return TRUE;
  return ds_step_rdd_read_input (self->step, 0, self->partition, self->task, sink);
}

static DsBlock *
ds_state_stepper_run (gpointer stepper, DsRdd *rdd, guint partition, DsTask *task)
{
  DsStateStepper *self = stepper;
  DsStateStep step = { self,      rdd,
                       partition, ds_step_rdd_get_time (rdd),
                       task,      ds_state_store_get_table (self->store, partition) };
  guint inputs = GPOINTER_TO_UINT (ds_step_rdd_get_data (rdd));
  g_autoptr (DsBlock) block = NULL;

  ds_state_store_begin (self->store, partition);
  if (!(inputs & DS_STATE_INPUT_INITIAL) ||
      ds_state_store_is_loaded (self->store, partition) || ds_state_step_load (&step))
    block = self->ops->run (&step);
  if (block == NULL)
    {
      ds_state_store_roll_back (self->store, partition, step.time);
      return NULL;
    }
  return ds_block_compact (block);
}

static void
ds_state_stepper_roll_back (gpointer stepper, DsRdd *step, guint partition)
{
  ds_state_store_roll_back (((DsStateStepper *) stepper)->store, partition,
                            ds_step_rdd_get_time (step));
}

static void
ds_state_stepper_commit (gpointer stepper, DsRdd *step)
{
  ds_state_store_commit (((DsStateStepper *) stepper)->store,
                         ds_step_rdd_get_time (step));
}

static const DsStepOps ds_state_step_ops = {
  .run = ds_state_stepper_run,
  .roll_back = ds_state_stepper_roll_back,
  .commit = ds_state_stepper_commit,
};

DsRdd *
ds_state_stepper_make_step (DsStateStepper *self,
                            DsDStream *stream,
                            DsBatch *batch,
                            DsRdd *parent)
{
  DsDStreamNode *node = ds_dstream_get_node (stream);
  DsRdd *inputs[2];
  guint n_inputs = 0;
  guint which = 0;
  DsRdd *step;

  if (parent != NULL)
    {
      which |= DS_STATE_INPUT_BATCH;
      inputs[n_inputs++] = parent;
    }
  /* Until a batch is completed: the one that was to load them may be given up. */
  if (node->initial_state != NULL &&
      ds_state_store_get_committed (self->store) == DS_TIME_NONE)
    {
      which |= DS_STATE_INPUT_INITIAL;
      inputs[n_inputs++] = node->initial_state;
    }
  step =
      ds_step_rdd_new (node->context->context, node->ops->kind, ds_batch_get_time (batch),
                       ds_state_store_get_partitioner (self->store), inputs, n_inputs,
                       &ds_state_step_ops, ds_state_stepper_ref (self),
                       ds_state_stepper_unref);
  ds_step_rdd_set_data (step, GUINT_TO_POINTER (which), NULL);
  if (node->name != NULL)
    ds_rdd_set_name (step, node->name);
  ds_graph_add_step (node->context->graph, step);
  return step;
}
