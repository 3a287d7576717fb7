/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A stream that gives the same RDD in every batch: a table to join with, or input for a
 * lesson.  How many records that is nobody knows before it is computed, so none are
 * reported. */

#include "dstream/ds-streaming-context-private.h"

#define DS_TYPE_CONSTANT_INPUT_DSTREAM (ds_constant_input_dstream_get_type ())
G_DECLARE_FINAL_TYPE (DsConstantInputDStream,
                      ds_constant_input_dstream,
                      DS,
                      CONSTANT_INPUT_DSTREAM,
                      DsInputDStream)

struct _DsConstantInputDStream
{
  DsInputDStream parent_instance;
  DsRdd *rdd;
};

G_DEFINE_FINAL_TYPE (DsConstantInputDStream,
                     ds_constant_input_dstream,
                     DS_TYPE_INPUT_DSTREAM)

static DsRdd *
ds_constant_input_dstream_compute (DsDStream *dstream, DsBatch *batch, GError **error)
{
  return g_object_ref (DS_CONSTANT_INPUT_DSTREAM (dstream)->rdd);
}

static const DsDStreamOps ds_constant_input_dstream_ops = {
  .kind = "constant stream",
  .compute = ds_constant_input_dstream_compute,
};

static void
ds_constant_input_dstream_finalize (GObject *object)
{
  g_clear_object (&DS_CONSTANT_INPUT_DSTREAM (object)->rdd);

  G_OBJECT_CLASS (ds_constant_input_dstream_parent_class)->finalize (object);
}

static void
ds_constant_input_dstream_class_init (DsConstantInputDStreamClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ds_constant_input_dstream_finalize;
  DS_DSTREAM_CLASS (klass)->ops = &ds_constant_input_dstream_ops;
}

static void
ds_constant_input_dstream_init (DsConstantInputDStream *self)
{
}

/**
 * ds_streaming_context_constant_stream:
 * @self: a context
 * @rdd: what each batch has; an RDD of the same engine, of which a reference is taken
 *
 * Adds a stream that gives the same RDD in every batch.  It is computed again for each,
 * unless it is persisted.  Its records are not counted as received.
 *
 * Latches %DS_ERROR_INVALID_ARGUMENT for an RDD of another engine.
 *
 * Returns: (transfer none): the stream, owned by the context
 */
DsDStream *
ds_streaming_context_constant_stream (DsStreamingContext *self, DsRdd *rdd)
{
  g_autoptr (DsConstantInputDStream) input = NULL;

  g_return_val_if_fail (DS_IS_STREAMING_CONTEXT (self), NULL);
  g_return_val_if_fail (DS_IS_RDD (rdd), NULL);

  if (ds_rdd_get_context (rdd) != self->context)
    {
      ds_streaming_context_latch (
          self, DS_ERROR_INVALID_ARGUMENT,
          "constant_stream: the RDD belongs to another engine "
          "(DsContext); make it with that of the streaming context, "
          "ds_streaming_context_get_context ()");
      return ds_dstream_new_inert (self);
    }
  input = g_object_new (DS_TYPE_CONSTANT_INPUT_DSTREAM, NULL);
  input->rdd = g_object_ref (rdd);
  return ds_streaming_context_input_stream (self, DS_INPUT_DSTREAM (input));
}
