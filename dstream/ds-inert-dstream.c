/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a wrong call returns: a stream that can be built upon, so that a program needs no
 * check after each line, and that never runs, since the mistake it stands for makes
 * start () fail (or belongs to no graph any more, after start). */

#include "dstream/ds-streaming-context-private.h"

#define DS_TYPE_INERT_DSTREAM (ds_inert_dstream_get_type ())
G_DECLARE_FINAL_TYPE (DsInertDStream, ds_inert_dstream, DS, INERT_DSTREAM, DsDStream)

struct _DsInertDStream
{
  DsDStream parent_instance;
};

G_DEFINE_FINAL_TYPE (DsInertDStream, ds_inert_dstream, DS_TYPE_DSTREAM)

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

static void
ds_inert_dstream_class_init (DsInertDStreamClass *klass)
{
  DS_DSTREAM_CLASS (klass)->ops = &ds_inert_dstream_ops;
}

static void
ds_inert_dstream_init (DsInertDStream *self)
{
}

DsDStream *
ds_dstream_new_inert (DsStreamingContext *context)
{
  DsDStream *self = g_object_new (DS_TYPE_INERT_DSTREAM, NULL);
  DsDStreamNode *node = ds_dstream_get_node (self);

  node->context = context;
  node->is_inert = TRUE;
  node->slide = context->interval;
  node->data = ds_shared_data_new (NULL, NULL);
  ds_graph_add_inert (context->graph, G_OBJECT (self));
  return self;
}
