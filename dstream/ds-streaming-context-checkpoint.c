/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The checkpoint directory of a context, and what start demands of it. */

#include "dstream/ds-streaming-context-private.h"

#include <string.h>

gboolean
ds_streaming_context_check_checkpoints (DsStreamingContext *self, GError **error)
{
  return ds_graph_check_checkpoints (self->graph, self->checkpoint_directory, error);
}

const guint8 *
ds_streaming_context_get_application_id (DsStreamingContext *self)
{
  return self->has_application_id ? self->application_id : NULL;
}

void
ds_streaming_context_set_application_id (DsStreamingContext *self,
                                         const guint8 *application_id)
{
  memcpy (self->application_id, application_id, sizeof self->application_id);
  self->has_application_id = TRUE;
}

/**
 * ds_streaming_context_checkpoint:
 * @self: a context that is not started
 * @directory: (type filename): where checkpoints go
 *
 * Sets the checkpoint directory, as the property "checkpoint-directory".  Streams with
 * something that lasts from batch to batch, state and windows with an inverse function,
 * need one.
 *
 * Latches %DS_ERROR_INVALID_ARGUMENT for an empty name and %DS_ERROR_INVALID_STATE after
 * start.
 */
void
ds_streaming_context_checkpoint (DsStreamingContext *self, const char *directory)
{
  g_return_if_fail (DS_IS_STREAMING_CONTEXT (self));
  g_return_if_fail (directory != NULL);

  g_object_set (self, "checkpoint-directory", directory, NULL);
}
