/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* An input stream has no parents: it makes its RDDs itself.  It gets its id and its graph
 * when it is handed to a context, so that a program can derive the type, set its instance
 * up as it likes, and hand it over when it is ready. */

#include "dstream/ds-streaming-context-private.h"

G_DEFINE_ABSTRACT_TYPE (DsInputDStream, ds_input_dstream, DS_TYPE_DSTREAM)

static DsRdd *
ds_input_dstream_compute (DsDStream *dstream, DsBatch *batch, GError **error)
{
  DsInputDStream *self = DS_INPUT_DSTREAM (dstream);
  DsInputDStreamClass *klass = DS_INPUT_DSTREAM_GET_CLASS (self);

  if (klass->compute == NULL)
    {
      g_set_error (error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT,
                   "Input stream %u: its type %s does not override compute",
                   ds_dstream_get_id (dstream), G_OBJECT_TYPE_NAME (self));
      return NULL;
    }
  return klass->compute (self, ds_batch_get_time (batch), error);
}

static const DsDStreamOps ds_input_dstream_ops = {
  .kind = "input stream",
  .compute = ds_input_dstream_compute,
};

static void
ds_input_dstream_class_init (DsInputDStreamClass *klass)
{
  DS_DSTREAM_CLASS (klass)->ops = &ds_input_dstream_ops;
}

static void
ds_input_dstream_init (DsInputDStream *self)
{
}

gboolean
ds_input_dstream_attach (DsInputDStream *self, DsStreamingContext *context)
{
  DsDStreamNode *node = ds_dstream_get_node (DS_DSTREAM (self));

  if (!ds_streaming_context_may_build (context, "input stream"))
    return FALSE;
  if (node->context != NULL)
    {
      ds_streaming_context_latch (context, DS_ERROR_INVALID_ARGUMENT,
                                  "input_stream: input stream %u (%s) belongs to a "
                                  "streaming context already; make one for each",
                                  node->id, ds_dstream_describe (DS_DSTREAM (self)));
      return FALSE;
    }
  if (node->name != NULL && ds_graph_find_stream (context->graph, node->name) != NULL)
    {
      ds_streaming_context_latch (context, DS_ERROR_INVALID_ARGUMENT,
                                  "input_stream: two streams are to be called \"%s\"; "
                                  "names must be unique in a streaming context",
                                  node->name);
      return FALSE;
    }

  node->context = context;
  node->slide = context->interval;
  if (node->data == NULL)
    node->data = ds_shared_data_new (NULL, NULL);
  ds_graph_add_input (context->graph, g_object_ref (self));
  return TRUE;
}

gboolean
ds_input_dstream_start (DsInputDStream *self, GError **error)
{
  DsInputDStreamClass *klass = DS_INPUT_DSTREAM_GET_CLASS (self);
  g_autoptr (GError) local_error = NULL;

  if (klass->start == NULL || klass->start (self, &local_error))
    return TRUE;

  if (local_error == NULL)
    g_set_error (&local_error, DS_ERROR, DS_ERROR_FAILED,
                 "its start function said that it failed, without saying why");
  g_propagate_prefixed_error (error, g_steal_pointer (&local_error),
                              "Input stream %u (%s): ",
                              ds_dstream_get_id (DS_DSTREAM (self)),
                              ds_dstream_describe (DS_DSTREAM (self)));
  return FALSE;
}

void
ds_input_dstream_stop (DsInputDStream *self)
{
  DsInputDStreamClass *klass = DS_INPUT_DSTREAM_GET_CLASS (self);

  if (klass->stop != NULL)
    klass->stop (self);
}
