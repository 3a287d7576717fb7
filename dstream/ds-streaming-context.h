/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/ds-macros.h"

#include "base/ds-clock.h"
#include "dstream/ds-dstream.h"
#include "receivers/ds-receiver.h"

G_BEGIN_DECLS

/* DsStreamingContext: slices input into batches, holds the graph of streams, runs it.
 *
 * INITIALIZED -> start -> ACTIVE -> stop -> STOPPED, never back.  At most one is active
 * in a process. Lifecycle functions: any thread.  The graph: one thread, before start.
 *
 * Settings are GObject properties (g_object_set ()), to be set before start; also in the
 * [streaming] group of a key file and as environment variables DS_STREAMING_...; Spark's
 * names and defaults where it has them:
 *
 *   block-interval                 gint64   µs, 200 ms
 *   receiver-max-rate              guint    records/s a receiver, 0 = unlimited
 *   receiver-restart-delay         gint64   µs, 2 s
 *   durability                     enum     of receiver streams, DS_DURABILITY_NONE
 *   wal-rolling-interval           gint64   µs, 60 s
 *   backpressure-enabled           boolean  FALSE
 *   backpressure-initial-rate      guint    records/s, 0 = receiver-max-rate
 *   backpressure-pid-proportional, -integral, -derived, -min-rate     double   1.0, 0.2,
 * 0.0, 100 failure-policy                 enum     stop (default), retry, continue
 *   max-batch-retries              guint    for retry, 3
 *   catch-up-policy                enum     all (default), coalesce, skip-empty
 *   max-waiting-batches            guint    past it receivers are slowed, 2
 *   graceful-stop-timeout          gint64   µs, 10 x batch interval
 *   stop-context                   boolean  stop () also stops the engine, TRUE
 *   unpersist                      boolean  TRUE
 *   retained-batches               guint    for listeners and pages, 1000
 *   file-min-remember              gint64   µs, 60 s
 *   clock                          DsClock  the system's
 *   checkpoint-directory           string   as ds_streaming_context_checkpoint ()
 *   state                          enum     (read-only)
 *
 * Signals: the listener.  Emitted in the main context that was the thread default at
 * construction; when nobody iterates it, in a thread of the streaming context's own.
 * Batches do not wait for handlers.
 *
 *   streaming-started        (DsTime time)
 *   batch-submitted          (DsBatch *batch)
 *   batch-started            (DsBatch *batch)
 *   batch-completed          (DsBatch *batch)                   also when outputs failed
 *   output-started           (DsOutput *output, DsBatch *batch)
 *   output-completed         (DsOutput *output, DsBatch *batch, GError *error) (nullable)
 * error receiver-started         (DsDStream *stream, const char *location) receiver-error
 * (DsDStream *stream, GError *error) receiver-stopped         (DsDStream *stream, GError
 * *error) (nullable) error file-passed-over         (DsDStream *stream, const char *path,
 * const char *reason) job-progress             (guint64 job, guint n_done, guint n_tasks)
 */
#define DS_TYPE_STREAMING_CONTEXT (ds_streaming_context_get_type ())
DS_AVAILABLE_IN_ALL
G_DECLARE_FINAL_TYPE (DsStreamingContext,
                      ds_streaming_context,
                      DS,
                      STREAMING_CONTEXT,
                      GObject)

typedef enum
{
  DS_STREAMING_INITIALIZED,
  DS_STREAMING_ACTIVE,
  DS_STREAMING_STOPPED
} DsStreamingState;

typedef enum
{
  DS_FAILURE_POLICY_STOP,
  DS_FAILURE_POLICY_RETRY,
  DS_FAILURE_POLICY_CONTINUE
} DsFailurePolicy;

typedef enum
{
  DS_CATCH_UP_ALL,
  DS_CATCH_UP_COALESCE,
  DS_CATCH_UP_SKIP_EMPTY
} DsCatchUpPolicy;

typedef enum
{
  DS_STOP_NOW = 0,
  DS_STOP_GRACEFULLY = 1 << 0, /* first process what was received */
  DS_STOP_KEEP_CONTEXT =
      1 << 1 /* leave the engine running, whatever "stop-context" says */
} DsStopFlags;

/* ---- Making one: never NULL, mistakes are latched ---- */

/* @batch_interval: whole milliseconds, > 0. */
DS_AVAILABLE_IN_ALL
DsStreamingContext *ds_streaming_context_new (const char *master,
                                              const char *app_name,
                                              DsDuration batch_interval);
DS_AVAILABLE_IN_ALL
DsStreamingContext *ds_streaming_context_new_for_context (DsContext *context,
                                                          DsDuration batch_interval);

/* Builds and returns a context that is not started: (transfer full), NULL with @error. */
typedef DsStreamingContext *(*DsSetupFunc) (gpointer user_data, GError **error);

/* The active one (a new reference), else as above; @directory (nullable): no recovery. */
DS_AVAILABLE_IN_ALL
DsStreamingContext *ds_streaming_context_get_active_or_create (const char *directory,
                                                               DsSetupFunc setup,
                                                               gpointer user_data,
                                                               GError **error);
DS_AVAILABLE_IN_ALL
DsStreamingContext *ds_streaming_context_get_active (void);
DS_AVAILABLE_IN_ALL
void ds_streaming_context_remember (DsStreamingContext *self, DsDuration duration);
DS_AVAILABLE_IN_ALL
void ds_streaming_context_set_clock (DsStreamingContext *self, DsClock *clock);

DS_AVAILABLE_IN_ALL
DsContext *
ds_streaming_context_get_context (DsStreamingContext *self); /* (transfer none) */
DS_AVAILABLE_IN_ALL
DsDuration ds_streaming_context_get_batch_interval (DsStreamingContext *self);
DS_AVAILABLE_IN_ALL
DsStreamingState ds_streaming_context_get_state (DsStreamingContext *self);
DS_AVAILABLE_IN_ALL
const GError *
ds_streaming_context_get_build_error (DsStreamingContext *self); /* (nullable) */

/* ---- Sources: streams of ... ---- */

/* Lines. */
DS_AVAILABLE_IN_ALL
DsDStream *ds_streaming_context_socket_text_stream (DsStreamingContext *self,
                                                    const char *host,
                                                    guint16 port);
DS_AVAILABLE_IN_ALL
DsDStream *ds_streaming_context_queue_stream (DsStreamingContext *self);
DS_AVAILABLE_IN_ALL
DsDStream *
ds_streaming_context_receiver_stream (DsStreamingContext *self,
                                      DsReceiver *receiver); /* (transfer none) */
DS_AVAILABLE_IN_ALL
DsDStream *
ds_streaming_context_input_stream (DsStreamingContext *self,
                                   DsInputDStream *input); /* (transfer none) */

DS_AVAILABLE_IN_ALL
DsDStream *ds_streaming_context_union (DsStreamingContext *self,
                                       DsDStream **streams,
                                       gsize n_streams);
DS_AVAILABLE_IN_ALL
DsDStream *ds_streaming_context_transform (DsStreamingContext *self,
                                           DsDStream **streams,
                                           gsize n_streams,
                                           DsTransformManyFunc func,
                                           gpointer user_data,
                                           GDestroyNotify destroy);

/* ---- Life ---- */

/* Fails with the latched build error, or with what can be known now; then the context is
 * STOPPED. */
DS_AVAILABLE_IN_ALL
gboolean ds_streaming_context_start (DsStreamingContext *self, GError **error);

/* Waits until stopped.  FALSE with the error of a batch, output or generation; TRUE else.
 */
DS_AVAILABLE_IN_ALL
gboolean ds_streaming_context_await_termination (DsStreamingContext *self,
                                                 GError **error);
/* Also TRUE when @timeout µs are over: ds_streaming_context_get_state () tells. */
DS_AVAILABLE_IN_ALL
gboolean ds_streaming_context_await_termination_or_timeout (DsStreamingContext *self,
                                                            DsDuration timeout,
                                                            GError **error);
/* Waits until the batch of @batch_time and all before it are completed: for manual
 * clocks. */
DS_AVAILABLE_IN_ALL
gboolean ds_streaming_context_await_batch (DsStreamingContext *self,
                                           DsTime batch_time,
                                           GError **error);

/* From inside a function or handler of the stream it only asks, and returns at once.  A
 * graceful stop past "graceful-stop-timeout" fails with %DS_ERROR_TIMEOUT; the report
 * says what is left. */
DS_AVAILABLE_IN_ALL
gboolean
ds_streaming_context_stop (DsStreamingContext *self, DsStopFlags flags, GError **error);
DS_AVAILABLE_IN_ALL
void ds_streaming_context_stop_async (DsStreamingContext *self,
                                      DsStopFlags flags,
                                      GCancellable *cancellable,
                                      GAsyncReadyCallback callback,
                                      gpointer data);
DS_AVAILABLE_IN_ALL
gboolean ds_streaming_context_stop_finish (DsStreamingContext *self,
                                           GAsyncResult *result,
                                           GError **error);
/* Opt-in: the first SIGINT or SIGTERM stops gracefully, the second at once. */
DS_AVAILABLE_IN_ALL
void ds_streaming_context_stop_on_signals (DsStreamingContext *self);

/* "received 1200, processed 1200, left 0", and where what is left lies.  (transfer full)
 */
DS_AVAILABLE_IN_ALL
char *ds_streaming_context_get_stop_report (DsStreamingContext *self);
DS_AVAILABLE_IN_ALL
gint64 ds_streaming_context_get_n_received (DsStreamingContext *self);
DS_AVAILABLE_IN_ALL
gint64 ds_streaming_context_get_n_processed (DsStreamingContext *self);

G_END_DECLS
