/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Building: the first mistake is kept, as cairo keeps its status, and everything after it
 * goes on without effect, so that a program checks one error, at start.  A call that
 * comes after start cannot be reported there any more: it warns, and changes nothing. */

#include "dstream/ds-streaming-context-private.h"
#include "receivers/ds-socket-receiver-private.h"

#include <unistd.h>

static void
ds_streaming_context_take_build_error (DsStreamingContext *self, GError *error)
{
  gboolean is_first;
  gboolean is_late;

  g_mutex_lock (&self->lock);
  is_first = self->build_error == NULL;
  is_late = self->state != DS_STREAMING_INITIALIZED || self->is_starting;
  if (is_first)
    self->build_error = error;
  g_mutex_unlock (&self->lock);

  if (is_late)
    g_warning ("%s", error->message);
  if (!is_first)
    g_error_free (error);
}

void
ds_streaming_context_latch (DsStreamingContext *self,
                            DsError code,
                            const char *format,
                            ...)
{
  va_list arguments;

  va_start (arguments, format);
  if (self != NULL)
    ds_streaming_context_take_build_error (self, g_error_new_valist (DS_ERROR, (int) code,
                                                                     format, arguments));
  else /* of a stream that outlived its context */
    g_logv (G_LOG_DOMAIN, G_LOG_LEVEL_CRITICAL, format, arguments);
  va_end (arguments);
}

gboolean
ds_streaming_context_may_build (DsStreamingContext *self, const char *what)
{
  DsStreamingState state;
  gboolean is_starting;

  if (self->pid != getpid ())
    {
      g_warning ("%s: the streaming context belongs to the process that forked this one",
                 what);
      return FALSE;
    }

  g_mutex_lock (&self->lock);
  state = self->state;
  is_starting = self->is_starting;
  g_mutex_unlock (&self->lock);

  if (state == DS_STREAMING_STOPPED)
    ds_streaming_context_latch (
        self, DS_ERROR_INVALID_STATE,
        "%s: adding inputs, operators or outputs and changing settings after the stop of "
        "a streaming context is not supported; make a new one",
        what);
  else if (state == DS_STREAMING_ACTIVE || is_starting)
    ds_streaming_context_latch (
        self, DS_ERROR_INVALID_STATE,
        "%s: adding inputs, operators or outputs and changing settings after the start "
        "of a streaming context is not supported; do it before "
        "ds_streaming_context_start ()",
        what);
  return state == DS_STREAMING_INITIALIZED && !is_starting;
}

gboolean
ds_streaming_context_check_streams (DsStreamingContext *self,
                                    const char *what,
                                    DsDStream *const *streams,
                                    gsize n_streams)
{
  if (n_streams == 0)
    {
      ds_streaming_context_latch (self, DS_ERROR_INVALID_ARGUMENT,
                                  "%s: no stream is given; at least one is needed", what);
      return FALSE;
    }
  for (gsize i = 0; i < n_streams; i++)
    g_return_val_if_fail (DS_IS_DSTREAM (streams[i]), FALSE);
  for (gsize i = 0; i < n_streams; i++)
    if (ds_dstream_get_node (streams[i])->context != self)
      {
        ds_streaming_context_latch (self, DS_ERROR_INVALID_ARGUMENT,
                                    "%s: stream %" G_GSIZE_FORMAT
                                    " (%s) belongs to another streaming context",
                                    what, i, ds_dstream_describe (streams[i]));
        return FALSE;
      }
  return TRUE;
}

/**
 * ds_streaming_context_get_build_error:
 * @self: a context
 *
 * The first mistake that was made in building the graph: what
 * ds_streaming_context_start () will fail with, or a call that came after start.
 *
 * Returns: (transfer none) (nullable): the error, valid as long as @self; %NULL: none
 */
const GError *
ds_streaming_context_get_build_error (DsStreamingContext *self)
{
  const GError *error;

  g_return_val_if_fail (DS_IS_STREAMING_CONTEXT (self), NULL);

  if (!ds_streaming_context_check_process (self, NULL))
    return NULL;
  g_mutex_lock (&self->lock);
  error = self->build_error;
  g_mutex_unlock (&self->lock);
  return error;
}

/* ---- Sources ---- */

/**
 * ds_streaming_context_input_stream:
 * @self: a context
 * @input: a source of the program's own; a reference is taken
 *
 * Adds an input stream.
 *
 * Latches %DS_ERROR_INVALID_ARGUMENT for a source that has been added before.
 *
 * Returns: (transfer none): @input as a stream, owned by the context
 */
DsDStream *
ds_streaming_context_input_stream (DsStreamingContext *self, DsInputDStream *input)
{
  g_return_val_if_fail (DS_IS_STREAMING_CONTEXT (self), NULL);
  g_return_val_if_fail (DS_IS_INPUT_DSTREAM (input), NULL);

  if (!ds_input_dstream_attach (input, self))
    return ds_dstream_new_inert (self);
  return DS_DSTREAM (input);
}

/**
 * ds_streaming_context_queue_stream:
 * @self: a context
 *
 * Adds a stream of what ds_dstream_push_block () and ds_dstream_push_rdd () put into it:
 * one item a batch, and an empty RDD when nothing waits.
 *
 * Returns: (transfer none): the stream, owned by the context
 */
DsDStream *
ds_streaming_context_queue_stream (DsStreamingContext *self)
{
  g_autoptr (DsInputDStream) input = NULL;

  g_return_val_if_fail (DS_IS_STREAMING_CONTEXT (self), NULL);

  input = ds_queue_input_dstream_new ();
  return ds_streaming_context_input_stream (self, input);
}

/**
 * ds_streaming_context_receiver_stream:
 * @self: a context
 * @receiver: what brings the records; a reference is taken
 *
 * Adds a stream of what a receiver stores.  A batch holds what was stored before its
 * time; its RDD has a partition for each block.  The receiver runs from start to stop, on
 * a thread that is no worker of the engine.
 *
 * Returns: (transfer none): the stream, owned by the context
 */
DsDStream *
ds_streaming_context_receiver_stream (DsStreamingContext *self, DsReceiver *receiver)
{
  g_autoptr (DsInputDStream) input = NULL;

  g_return_val_if_fail (DS_IS_STREAMING_CONTEXT (self), NULL);
  g_return_val_if_fail (DS_IS_RECEIVER (receiver), NULL);

  input = ds_receiver_input_dstream_new (receiver);
  return ds_streaming_context_input_stream (self, input);
}
