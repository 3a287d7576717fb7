/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A streaming context under a manual clock: one case's world, on the engine that all
 * cases share. */

#include "tests/conformance/ds-conformance-private.h"

void
ds_conformance_session_init (DsConformanceSession *self,
                             DsContext *engine,
                             gint64 batch_ms,
                             gint64 zero_ms)
{
  self->interval = batch_ms * DS_MILLISECOND;
  self->zero = zero_ms * DS_MILLISECOND;
  self->clock = ds_manual_clock_new (self->zero);
  self->streaming = ds_streaming_context_new_for_context (engine, self->interval);
  ds_streaming_context_set_clock (self->streaming, DS_CLOCK (self->clock));
  /* A batch that fails stops the context by itself; the engine is for all cases. */
  g_object_set (self->streaming, "stop-context", FALSE, NULL);
}

void
ds_conformance_session_allow_checkpoints (DsConformanceSession *self)
{
  g_autoptr (GError) error = NULL;

  if (self->directory != NULL)
    return;
  self->directory = g_dir_make_tmp ("ds-conformance-XXXXXX", &error);
  if (self->directory == NULL)
    g_error ("No room for checkpoints: %s", error->message);
  ds_streaming_context_checkpoint (self->streaming, self->directory);
}

gboolean
ds_conformance_session_start (DsConformanceSession *self, GError **error)
{
  g_autoptr (GError) local_error = NULL;

  if (ds_streaming_context_start (self->streaming, &local_error))
    return TRUE;
  return ds_conformance_differ (error, "The context did not start: %s",
                                local_error->message);
}

gboolean
ds_conformance_session_tick (DsConformanceSession *self, GError **error)
{
  DsTime batch_time = ds_clock_get_time (DS_CLOCK (self->clock)) + self->interval;

  ds_manual_clock_advance (self->clock, self->interval);
  return ds_streaming_context_await_batch (self->streaming, batch_time, error);
}

void
ds_conformance_session_clear (DsConformanceSession *self)
{
  if (self->streaming == NULL)
    return;
  if (ds_streaming_context_get_state (self->streaming) == DS_STREAMING_ACTIVE)
    ds_streaming_context_stop (self->streaming, DS_STOP_NOW | DS_STOP_KEEP_CONTEXT, NULL);
  g_clear_object (&self->streaming);
  g_clear_object (&self->clock);
  if (self->directory != NULL)
    ds_test_try_remove_tree (self->directory);
  g_clear_pointer (&self->directory, g_free);
}
