/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A batch as others see it.  The scheduler makes a new snapshot at each step (generated,
 * submitted, started, completed) instead of changing one, so a handler in another thread
 * never sees a batch move under its eyes.  A snapshot is one allocation: the two arrays
 * lie behind the struct. */

#include "dstream/ds-batch-private.h"

#include <string.h>

struct _DsBatch
{
  DsBatchFields fields;
};

G_DEFINE_BOXED_TYPE (DsBatch, ds_batch, ds_batch_ref, ds_batch_unref)

DsBatch *
ds_batch_new (const DsBatchFields *fields)
{
  gsize inputs_size = fields->n_inputs * sizeof (DsInputInfo);
  gsize outputs_size = fields->n_outputs * sizeof (DsOutputInfo);
  DsBatch *self = g_atomic_rc_box_alloc (sizeof (DsBatch) + inputs_size + outputs_size);
  DsOutputInfo *outputs = (DsOutputInfo *) (self + 1);
  DsInputInfo *inputs = (DsInputInfo *) (outputs + fields->n_outputs);

  self->fields = *fields;
  self->fields.inputs = inputs;
  self->fields.outputs = outputs;
  if (fields->n_inputs > 0)
    memcpy (inputs, fields->inputs, inputs_size);
  for (guint i = 0; i < fields->n_outputs; i++)
    {
      outputs[i] = fields->outputs[i];
      g_ref_string_acquire (outputs[i].name);
      g_ref_string_acquire (outputs[i].description);
      if (outputs[i].error != NULL)
        outputs[i].error = g_error_copy (outputs[i].error);
    }
  return self;
}

static void
ds_batch_clear (gpointer data)
{
  DsBatch *self = data;
  const DsOutputInfo *outputs = self->fields.outputs;

  for (guint i = 0; i < self->fields.n_outputs; i++)
    {
      g_ref_string_release (outputs[i].name);
      g_ref_string_release (outputs[i].description);
      if (outputs[i].error != NULL)
        g_error_free (outputs[i].error);
    }
}

/**
 * ds_batch_ref:
 * @self: a batch
 *
 * Takes a reference.  Atomic; any thread.
 *
 * Returns: (transfer full): @self
 */
DsBatch *
ds_batch_ref (DsBatch *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return g_atomic_rc_box_acquire (self);
}

/**
 * ds_batch_unref:
 * @self: (transfer full): a batch
 *
 * Gives a reference back; the last one frees the snapshot.  Atomic; any thread.
 */
void
ds_batch_unref (DsBatch *self)
{
  g_return_if_fail (self != NULL);

  g_atomic_rc_box_release_full (self, ds_batch_clear);
}

/**
 * ds_batch_get_time:
 * @self: a batch
 *
 * Its batch time: the batch holds what arrived in (time - interval, time].
 *
 * Returns: µs since 1970-01-01 00:00 UTC, whole milliseconds
 */
DsTime
ds_batch_get_time (DsBatch *self)
{
  g_return_val_if_fail (self != NULL, DS_TIME_NONE);

  return self->fields.time;
}

/**
 * ds_batch_get_interval:
 * @self: a batch
 *
 * Gets how long the batch is.
 *
 * Returns: the batch interval of its context, in µs
 */
DsDuration
ds_batch_get_interval (DsBatch *self)
{
  g_return_val_if_fail (self != NULL, DS_TIME_NONE);

  return self->fields.interval;
}

/**
 * ds_batch_is_replay:
 * @self: a batch
 *
 * Whether outputs of this batch may have run before, as when it is tried again after a
 * failure.  An output that must have its effect once looks at this, or at
 * ds_task_get_output_key ().
 *
 * Returns: %TRUE if they may have run before
 */
gboolean
ds_batch_is_replay (DsBatch *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return self->fields.is_replay;
}

/**
 * ds_batch_get_n_records:
 * @self: a batch
 *
 * How many records all input streams together brought.  An RDD pushed into a queue stream
 * counts 0, since its length is not known before it is computed.
 *
 * Returns: the sum; 0 as long as the batch is being generated
 */
gint64
ds_batch_get_n_records (DsBatch *self)
{
  gint64 n_records = 0;

  g_return_val_if_fail (self != NULL, 0);

  for (guint i = 0; i < self->fields.n_inputs; i++)
    n_records += self->fields.inputs[i].n_records;
  return n_records;
}

/**
 * ds_batch_get_n_records_of:
 * @self: a batch
 * @stream_id: an input stream's ds_dstream_get_id ()
 *
 * How many records one input stream brought.  Of files that is known once the batch is
 * completed: as many as were read, which is 0 when no output asked for them.
 *
 * Returns: the number; 0 for a stream that brought nothing or is not known
 */
gint64
ds_batch_get_n_records_of (DsBatch *self, guint stream_id)
{
  g_return_val_if_fail (self != NULL, 0);

  for (guint i = 0; i < self->fields.n_inputs; i++)
    if (self->fields.inputs[i].stream_id == stream_id)
      return self->fields.inputs[i].n_records;
  return 0;
}

static const DsInputInfo *
ds_batch_find_input (DsBatch *self, guint stream_id)
{
  for (guint i = 0; i < self->fields.n_inputs; i++)
    if (self->fields.inputs[i].stream_id == stream_id)
      return &self->fields.inputs[i];
  return NULL;
}

/**
 * ds_batch_get_n_files_of:
 * @self: a batch
 * @stream_id: a directory stream's ds_dstream_get_id ()
 *
 * How many files a directory stream took into the batch.
 *
 * Returns: the number; 0 for any other stream
 */
guint
ds_batch_get_n_files_of (DsBatch *self, guint stream_id)
{
  const DsInputInfo *input;

  g_return_val_if_fail (self != NULL, 0);

  input = ds_batch_find_input (self, stream_id);
  return input != NULL ? input->n_files : 0;
}

/**
 * ds_batch_get_n_bytes_of:
 * @self: a batch
 * @stream_id: a directory stream's ds_dstream_get_id ()
 *
 * How many bytes the files have that a directory stream took into the batch, as they lie
 * there: packed ones are larger when they are read.
 *
 * Returns: the number; 0 for any other stream
 */
guint64
ds_batch_get_n_bytes_of (DsBatch *self, guint stream_id)
{
  const DsInputInfo *input;

  g_return_val_if_fail (self != NULL, 0);

  input = ds_batch_find_input (self, stream_id);
  return input != NULL ? input->n_bytes : 0;
}

/**
 * ds_batch_get_n_inputs:
 * @self: a batch
 *
 * How many input streams reported for the batch, be it 0 records.
 *
 * Returns: the number; 0 as long as the batch is being generated
 */
guint
ds_batch_get_n_inputs (DsBatch *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->fields.n_inputs;
}

/**
 * ds_batch_get_input_id:
 * @self: a batch
 * @index: below ds_batch_get_n_inputs ()
 *
 * Gets which input stream reported; ds_batch_get_n_records_of () tells what.
 *
 * Returns: its ds_dstream_get_id ()
 */
guint
ds_batch_get_input_id (DsBatch *self, guint index)
{
  g_return_val_if_fail (self != NULL, 0);
  g_return_val_if_fail (index < self->fields.n_inputs, 0);

  return self->fields.inputs[index].stream_id;
}

/**
 * ds_batch_get_submission_time:
 * @self: a batch
 *
 * When it was generated and queued, on the context's clock.
 *
 * Returns: µs since 1970, or %DS_TIME_NONE
 */
DsTime
ds_batch_get_submission_time (DsBatch *self)
{
  g_return_val_if_fail (self != NULL, DS_TIME_NONE);

  return self->fields.submission_time;
}

/**
 * ds_batch_get_processing_start:
 * @self: a batch
 *
 * When its first output started, on the context's clock.
 *
 * Returns: µs since 1970, or %DS_TIME_NONE
 */
DsTime
ds_batch_get_processing_start (DsBatch *self)
{
  g_return_val_if_fail (self != NULL, DS_TIME_NONE);

  return self->fields.processing_start;
}

/**
 * ds_batch_get_processing_end:
 * @self: a batch
 *
 * When its last output ended, on the context's clock.
 *
 * Returns: µs since 1970, or %DS_TIME_NONE
 */
DsTime
ds_batch_get_processing_end (DsBatch *self)
{
  g_return_val_if_fail (self != NULL, DS_TIME_NONE);

  return self->fields.processing_end;
}

static DsDuration
ds_batch_difference (DsTime from, DsTime to)
{
  if (from == DS_TIME_NONE || to == DS_TIME_NONE)
    return DS_TIME_NONE;
  return to - from;
}

/**
 * ds_batch_get_scheduling_delay:
 * @self: a batch
 *
 * How long it waited: from submission to the start of processing.
 *
 * Returns: µs, or %DS_TIME_NONE
 */
DsDuration
ds_batch_get_scheduling_delay (DsBatch *self)
{
  g_return_val_if_fail (self != NULL, DS_TIME_NONE);

  return ds_batch_difference (self->fields.submission_time,
                              self->fields.processing_start);
}

/**
 * ds_batch_get_processing_delay:
 * @self: a batch
 *
 * How long its outputs took: from the start to the end of processing.
 *
 * Returns: µs, or %DS_TIME_NONE
 */
DsDuration
ds_batch_get_processing_delay (DsBatch *self)
{
  g_return_val_if_fail (self != NULL, DS_TIME_NONE);

  return ds_batch_difference (self->fields.processing_start, self->fields.processing_end);
}

/**
 * ds_batch_get_total_delay:
 * @self: a batch
 *
 * From submission to the end of processing: the sum of the other two.
 *
 * Returns: µs, or %DS_TIME_NONE
 */
DsDuration
ds_batch_get_total_delay (DsBatch *self)
{
  g_return_val_if_fail (self != NULL, DS_TIME_NONE);

  if (self->fields.processing_start == DS_TIME_NONE)
    return DS_TIME_NONE;
  return ds_batch_difference (self->fields.submission_time, self->fields.processing_end);
}

/**
 * ds_batch_get_n_outputs:
 * @self: a batch
 *
 * How many output operations the batch has; an output whose stream gave no RDD for this
 * batch time is not among them.  Known from the submission on.
 *
 * Returns: the number
 */
guint
ds_batch_get_n_outputs (DsBatch *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->fields.n_outputs;
}

/**
 * ds_batch_get_output_id:
 * @self: a batch
 * @index: below ds_batch_get_n_outputs ()
 *
 * Gets which output the numbers at @index belong to.
 *
 * Returns: which output it is: outputs are counted 0, 1, 2 ... as they were registered
 */
guint
ds_batch_get_output_id (DsBatch *self, guint index)
{
  g_return_val_if_fail (self != NULL, 0);
  g_return_val_if_fail (index < self->fields.n_outputs, 0);

  return self->fields.outputs[index].output_id;
}

/**
 * ds_batch_get_output_name:
 * @self: a batch
 * @index: below ds_batch_get_n_outputs ()
 *
 * Gets what one of its outputs is called.
 *
 * Returns: (transfer none): its ds_output_get_name (), valid while @self is held
 */
const char *
ds_batch_get_output_name (DsBatch *self, guint index)
{
  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (index < self->fields.n_outputs, NULL);

  return self->fields.outputs[index].name;
}

/**
 * ds_batch_get_output_description:
 * @self: a batch
 * @index: below ds_batch_get_n_outputs ()
 *
 * Gets how one of its outputs came about.
 *
 * Returns: (transfer none): its ds_output_get_description (), valid while @self is held
 */
const char *
ds_batch_get_output_description (DsBatch *self, guint index)
{
  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (index < self->fields.n_outputs, NULL);

  return self->fields.outputs[index].description;
}

/**
 * ds_batch_get_output_start:
 * @self: a batch
 * @index: below ds_batch_get_n_outputs ()
 *
 * Gets when one of its outputs started.
 *
 * Returns: when the output started, µs since 1970, or %DS_TIME_NONE
 */
DsTime
ds_batch_get_output_start (DsBatch *self, guint index)
{
  g_return_val_if_fail (self != NULL, DS_TIME_NONE);
  g_return_val_if_fail (index < self->fields.n_outputs, DS_TIME_NONE);

  return self->fields.outputs[index].start;
}

/**
 * ds_batch_get_output_end:
 * @self: a batch
 * @index: below ds_batch_get_n_outputs ()
 *
 * Gets when one of its outputs ended, also when it failed.
 *
 * Returns: when the output ended, µs since 1970, or %DS_TIME_NONE
 */
DsTime
ds_batch_get_output_end (DsBatch *self, guint index)
{
  g_return_val_if_fail (self != NULL, DS_TIME_NONE);
  g_return_val_if_fail (index < self->fields.n_outputs, DS_TIME_NONE);

  return self->fields.outputs[index].end;
}

/**
 * ds_batch_get_output_error:
 * @self: a batch
 * @index: below ds_batch_get_n_outputs ()
 *
 * Why the output failed.
 *
 * Returns: (transfer none) (nullable): the error, valid while @self is held; %NULL when
 *   the output did not fail, or has not ended
 */
const GError *
ds_batch_get_output_error (DsBatch *self, guint index)
{
  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (index < self->fields.n_outputs, NULL);

  return self->fields.outputs[index].error;
}
