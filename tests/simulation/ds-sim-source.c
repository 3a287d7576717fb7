/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A source that gives batch k the same records whenever it is asked: the list of its node
 * in the graph. */

#include "tests/simulation/ds-sim-private.h"

#define DS_TYPE_SIM_SOURCE (ds_sim_source_get_type ())
G_DECLARE_FINAL_TYPE (DsSimSourceStream, ds_sim_source, DS, SIM_SOURCE, DsInputDStream)

struct _DsSimSourceStream
{
  DsInputDStream parent_instance;
  DsPropertyNode *node;
};

G_DEFINE_FINAL_TYPE (DsSimSourceStream, ds_sim_source, DS_TYPE_INPUT_DSTREAM)

static DsRdd *
ds_sim_source_compute (DsInputDStream *stream, DsTime batch_time, GError **error)
{
  DsPropertyNode *node = DS_SIM_SOURCE (stream)->node;
  DsContext *engine =
      ds_streaming_context_get_context (ds_dstream_get_context (DS_DSTREAM (stream)));
  guint batch = (guint) (batch_time / DS_SECOND);
  GArray *list = batch <= node->graph->n_batches
                     ? g_ptr_array_index (node->results, batch - 1)
                     : NULL;
  g_autoptr (DsBlock) block =
      ds_block_new (list != NULL && list->len > 0 ? &DS_PROPERTY_AT (list, 0) : NULL,
                    list != NULL ? list->len : 0);

  return ds_context_parallelize (
      engine, block, 1 + (guint) (ds_property_mix (node->graph->seed + batch) % 3));
}

static void
ds_sim_source_class_init (DsSimSourceStreamClass *klass)
{
  DS_INPUT_DSTREAM_CLASS (klass)->compute = ds_sim_source_compute;
}

static void
ds_sim_source_init (DsSimSourceStream *self)
{
}

DsDStream *
ds_sim_source_add (DsPropertyNode *node, DsStreamingContext *streaming)
{
  g_autoptr (DsSimSourceStream) self = g_object_new (DS_TYPE_SIM_SOURCE, NULL);

  self->node = node;
  return ds_streaming_context_input_stream (streaming, DS_INPUT_DSTREAM (self));
}
