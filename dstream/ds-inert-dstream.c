/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a wrong call returns: a stream that can be built upon, so that a program needs no
 * check after each line, and that never runs, since the mistake it stands for makes
 * start () fail (or belongs to no graph any more, after start). */

#include "dstream/ds-streaming-context-private.h"

static DsRdd *
ds_inert_dstream_compute (DsDStream *self, DsBatch *batch, GError **error)
{
  return NULL;
}

static const DsDStreamOps ds_inert_dstream_ops = {
  .kind = "inert stream",
  .options =
      DS_OPTION_N_PARTITIONS | DS_OPTION_PARTITIONER | DS_OPTION_PRESERVES_PARTITIONING,
  .compute = ds_inert_dstream_compute,
};

DS_DEFINE_DSTREAM (DsInertDStream, ds_inert_dstream, &ds_inert_dstream_ops)

DsDStream *
ds_dstream_new_inert (DsStreamingContext *context)
{
  DsDStream *self = g_object_new (ds_inert_dstream_get_type (), NULL);
  DsDStreamNode *node = ds_dstream_get_node (self);

  node->context = context;
  node->is_inert = TRUE;
  node->slide = context->interval;
  node->data = ds_shared_data_new (NULL, NULL);
  ds_graph_add_inert (context->graph, G_OBJECT (self));
  return self;
}
