/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Signals, through the listener bus: whoever has something to tell posts it and goes on,
 * and the bus emits it, in order, where the program listens.  Nothing is posted that
 * nobody has connected to. */

#include "dstream/ds-streaming-context-private.h"

typedef struct
{
  DsStreamingContext *context; /* not owned: the bus is emptied before it goes */
  DsEventKind kind;
  DsTime time;
  DsBatch *batch;    /* (nullable) */
  DsOutput *output;  /* (nullable) not owned */
  DsDStream *stream; /* (nullable) not owned */
  char *location;    /* (nullable) also the path of a file */
  char *reason;      /* (nullable) */
  GError *error;     /* (nullable) */
} DsEvent;

/* How long one handler may keep whoever waits for the end of a stopped context, in µs. */
#define DS_LISTENER_PATIENCE (2 * DS_SECOND)

static guint ds_event_signals[DS_N_EVENTS];

void
ds_streaming_context_install_events (GObjectClass *object_class)
{
  GType type = G_TYPE_FROM_CLASS (object_class);
  const GSignalFlags flags = G_SIGNAL_RUN_LAST;

  /**
   * DsStreamingContext::streaming-started:
   * @self: the context
   * @time: when, in µs since 1970
   *
   * The sources are started; the first batch comes with the next tick.
   */
  ds_event_signals[DS_EVENT_STREAMING_STARTED] =
      g_signal_new ("streaming-started", type, flags, 0, NULL, NULL, NULL, G_TYPE_NONE, 1,
                    G_TYPE_INT64);
  /**
   * DsStreamingContext::batch-submitted:
   * @self: the context
   * @batch: the batch
   *
   * A batch was generated and waits to be run.  A batch for which no stream with an
   * output gave an RDD is not told of.
   */
  ds_event_signals[DS_EVENT_BATCH_SUBMITTED] =
      g_signal_new ("batch-submitted", type, flags, 0, NULL, NULL, NULL, G_TYPE_NONE, 1,
                    DS_TYPE_BATCH);
  /**
   * DsStreamingContext::batch-started:
   * @self: the context
   * @batch: the batch
   *
   * The first output of a batch is about to run.
   */
  ds_event_signals[DS_EVENT_BATCH_STARTED] =
      g_signal_new ("batch-started", type, flags, 0, NULL, NULL, NULL, G_TYPE_NONE, 1,
                    DS_TYPE_BATCH);
  /**
   * DsStreamingContext::batch-completed:
   * @self: the context
   * @batch: the batch
   *
   * All outputs of a batch have run; some may have failed
   * (ds_batch_get_output_error ()).
   */
  ds_event_signals[DS_EVENT_BATCH_COMPLETED] =
      g_signal_new ("batch-completed", type, flags, 0, NULL, NULL, NULL, G_TYPE_NONE, 1,
                    DS_TYPE_BATCH);
  /**
   * DsStreamingContext::output-started:
   * @self: the context
   * @output: the output
   * @batch: the batch
   *
   * An output is about to run for a batch.
   */
  ds_event_signals[DS_EVENT_OUTPUT_STARTED] =
      g_signal_new ("output-started", type, flags, 0, NULL, NULL, NULL, G_TYPE_NONE, 2,
                    DS_TYPE_OUTPUT, DS_TYPE_BATCH);
  /**
   * DsStreamingContext::output-completed:
   * @self: the context
   * @output: the output
   * @batch: the batch
   * @error: (nullable): why it failed
   *
   * An output has run for a batch.
   */
  ds_event_signals[DS_EVENT_OUTPUT_COMPLETED] =
      g_signal_new ("output-completed", type, flags, 0, NULL, NULL, NULL, G_TYPE_NONE, 3,
                    DS_TYPE_OUTPUT, DS_TYPE_BATCH, G_TYPE_ERROR);
  /**
   * DsStreamingContext::receiver-started:
   * @self: the context
   * @stream: the stream of the receiver
   * @location: where its data comes from
   *
   * A receiver was started, also again after a pause.
   */
  ds_event_signals[DS_EVENT_RECEIVER_STARTED] =
      g_signal_new ("receiver-started", type, flags, 0, NULL, NULL, NULL, G_TYPE_NONE, 2,
                    DS_TYPE_DSTREAM, G_TYPE_STRING);
  /**
   * DsStreamingContext::receiver-error:
   * @self: the context
   * @stream: the stream of the receiver
   * @error: what went wrong
   *
   * A receiver failed, and is started again after a pause, or reported an error.
   */
  ds_event_signals[DS_EVENT_RECEIVER_ERROR] =
      g_signal_new ("receiver-error", type, flags, 0, NULL, NULL, NULL, G_TYPE_NONE, 2,
                    DS_TYPE_DSTREAM, G_TYPE_ERROR);
  /**
   * DsStreamingContext::receiver-stopped:
   * @self: the context
   * @stream: the stream of the receiver
   * @error: (nullable): why, if it did not end by itself or with the context
   *
   * A receiver has stopped for good.
   */
  ds_event_signals[DS_EVENT_RECEIVER_STOPPED] =
      g_signal_new ("receiver-stopped", type, flags, 0, NULL, NULL, NULL, G_TYPE_NONE, 2,
                    DS_TYPE_DSTREAM, G_TYPE_ERROR);
  /**
   * DsStreamingContext::file-passed-over:
   * @self: the context
   * @stream: a directory stream
   * @path: the file, as it is shown: what is not UTF-8, or would not be seen, is escaped
   * @reason: why, and what to do about it
   *
   * A directory stream does not take a file, or anything else that lies there.  It is
   * told once, unless the file changes.
   */
  ds_event_signals[DS_EVENT_FILE_PASSED_OVER] =
      g_signal_new ("file-passed-over", type, flags, 0, NULL, NULL, NULL, G_TYPE_NONE, 3,
                    DS_TYPE_DSTREAM, G_TYPE_STRING, G_TYPE_STRING);
}

gboolean
ds_streaming_context_is_listened_to (DsStreamingContext *self, DsEventKind kind)
{
  return g_signal_has_handler_pending (self, ds_event_signals[kind], 0, TRUE);
}

/* Thread: listener. */
static void
ds_event_deliver (gpointer data)
{
  DsEvent *event = data;
  guint id = ds_event_signals[event->kind];

  switch (event->kind)
    {
    case DS_EVENT_STREAMING_STARTED:
      g_signal_emit (event->context, id, 0, event->time);
      break;
    case DS_EVENT_BATCH_SUBMITTED:
    case DS_EVENT_BATCH_STARTED:
    case DS_EVENT_BATCH_COMPLETED:
      g_signal_emit (event->context, id, 0, event->batch);
      break;
    case DS_EVENT_OUTPUT_STARTED:
      g_signal_emit (event->context, id, 0, event->output, event->batch);
      break;
    case DS_EVENT_OUTPUT_COMPLETED:
      g_signal_emit (event->context, id, 0, event->output, event->batch, event->error);
      break;
    case DS_EVENT_RECEIVER_STARTED:
      g_signal_emit (event->context, id, 0, event->stream, event->location);
      break;
    case DS_EVENT_RECEIVER_ERROR:
    case DS_EVENT_RECEIVER_STOPPED:
      g_signal_emit (event->context, id, 0, event->stream, event->error);
      break;
    case DS_EVENT_FILE_PASSED_OVER:
      g_signal_emit (event->context, id, 0, event->stream, event->location,
                     event->reason);
      break;
    case DS_N_EVENTS:
    default:
      g_assert_not_reached ();
    }
}

static void
ds_event_free (gpointer data)
{
  DsEvent *event = data;

  g_clear_pointer (&event->batch, ds_batch_unref);
  g_clear_error (&event->error);
  g_free (event->location);
  g_free (event->reason);
  g_free (event);
}

static void
ds_streaming_context_post (DsStreamingContext *self, const DsEvent *fields)
{
  DsEvent *event = g_memdup2 (fields, sizeof *fields);

  event->context = self;
  g_mutex_lock (&self->lock);
  if (self->bus != NULL && self->state != DS_STREAMING_STOPPED)
    ds_listener_bus_post (self->bus, ds_event_deliver, g_steal_pointer (&event),
                          ds_event_free);
  g_mutex_unlock (&self->lock);
  /* After the stop nobody is told any more. */
  g_clear_pointer (&event, ds_event_free);
}

void
ds_streaming_context_close_bus (DsStreamingContext *self)
{
  DsListenerBus *bus;

  /* It stays until the last handler has returned: it is what tells that handler that it
   * must not wait. */
  ds_listener_bus_flush (self->bus);
  bus = ds_listener_bus_ref (self->bus);
  ds_listener_bus_free (bus);
  g_mutex_lock (&self->lock);
  self->bus = NULL;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
  ds_listener_bus_unref (bus);
}

void
ds_streaming_context_await_listeners (DsStreamingContext *self, gint64 deadline)
{
  DsListenerBus *bus = NULL;
  gboolean in_time;

  g_mutex_lock (&self->lock);
  if (self->state == DS_STREAMING_STOPPED && self->bus != NULL)
    bus = ds_listener_bus_ref (self->bus);
  g_mutex_unlock (&self->lock);
  if (bus == NULL)
    return;

  /* Who waits here may be the one that would iterate the listeners' main context; then
   * they hear the rest here. */
  in_time = ds_listener_bus_flush_until (bus, deadline, DS_LISTENER_PATIENCE);
  ds_listener_bus_unref (bus);
  g_mutex_lock (&self->lock);
  while (in_time && self->bus != NULL)
    if (deadline == G_MAXINT64)
      g_cond_wait (&self->changed, &self->lock);
    else
      in_time = g_cond_wait_until (&self->changed, &self->lock, deadline);
  g_mutex_unlock (&self->lock);
}

void
ds_streaming_context_post_started (DsStreamingContext *self, DsTime time)
{
  DsEvent event = { .kind = DS_EVENT_STREAMING_STARTED, .time = time };

  if (ds_streaming_context_is_listened_to (self, event.kind))
    ds_streaming_context_post (self, &event);
}

void
ds_streaming_context_post_batch (DsStreamingContext *self,
                                 DsEventKind kind,
                                 DsBatch *batch)
{
  DsEvent event = { .kind = kind };

  if (!ds_streaming_context_is_listened_to (self, kind))
    return;
  event.batch = ds_batch_ref (batch);
  ds_streaming_context_post (self, &event);
}

void
ds_streaming_context_post_output (DsStreamingContext *self,
                                  DsEventKind kind,
                                  DsOutput *output,
                                  DsBatch *batch,
                                  const GError *error)
{
  DsEvent event = { .kind = kind, .output = output };

  if (!ds_streaming_context_is_listened_to (self, kind))
    return;
  event.batch = ds_batch_ref (batch);
  event.error = error != NULL ? g_error_copy (error) : NULL;
  ds_streaming_context_post (self, &event);
}

void
ds_streaming_context_post_receiver (DsStreamingContext *self,
                                    DsEventKind kind,
                                    DsDStream *stream,
                                    const char *location,
                                    const GError *error)
{
  DsEvent event = { .kind = kind, .stream = stream };

  if (!ds_streaming_context_is_listened_to (self, kind))
    return;
  event.location = g_strdup (location);
  event.error = error != NULL ? g_error_copy (error) : NULL;
  ds_streaming_context_post (self, &event);
}

void
ds_streaming_context_post_file (DsStreamingContext *self,
                                DsDStream *stream,
                                const char *path,
                                const char *reason)
{
  DsEvent event = { .kind = DS_EVENT_FILE_PASSED_OVER, .stream = stream };

  if (!ds_streaming_context_is_listened_to (self, event.kind))
    return;
  event.location = g_strdup (path);
  event.reason = g_strdup (reason);
  ds_streaming_context_post (self, &event);
}
