/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a wrong call returns: a stream that can be built upon, so that a program needs no
 * check after each line, and that never runs, since the mistake it stands for makes
 * start () fail (or belongs to no graph any more, after start). */

#include "dstream/ds-streaming-context-private.h"

#include <string.h>

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

/* "ds_dstream_map" is "map" to whoever writes a program. */
static const char *
ds_inert_dstream_get_kind (const char *caller)
{
  static const char *const prefixes[] = { "ds_dstream_", "ds_streaming_context_" };

  for (guint i = 0; i < G_N_ELEMENTS (prefixes); i++)
    if (g_str_has_prefix (caller, prefixes[i]))
      return caller + strlen (prefixes[i]);
  return caller;
}

DsDStream *
ds_inert_dstream_new_for_null (DsStreamingContext *context,
                               const char *caller,
                               const char *argument,
                               gpointer user_data,
                               GDestroyNotify destroy)
{
  const char *kind = ds_inert_dstream_get_kind (caller);

  if (destroy != NULL)
    destroy (user_data);
  if (ds_streaming_context_may_build (context, kind))
    ds_streaming_context_latch (context, DS_ERROR_INVALID_ARGUMENT,
                                "%s: %s is NULL, and cannot be left out", kind, argument);
  return ds_dstream_new_inert (context);
}

DsDStream *
ds_dstream_refuse_null (DsDStream *self,
                        const char *caller,
                        const char *argument,
                        gpointer user_data,
                        GDestroyNotify destroy)
{
  if (ds_dstream_has_context (self, ds_inert_dstream_get_kind (caller)))
    return ds_inert_dstream_new_for_null (ds_dstream_get_node (self)->context, caller,
                                          argument, user_data, destroy);
  if (destroy != NULL)
    destroy (user_data);
  return NULL;
}
