/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/ds-macros.h"

#include "base/ds-clock.h"
#include "dstream/ds-dstream.h"
#include "dstream/ds-input-dstream.h"
#include "dstream/ds-receiver-info.h"
#include "receivers/ds-receiver.h"

G_BEGIN_DECLS

/**
 * DsStreamingContext:
 *
 * Slices input into batches, holds the graph of streams, runs it.
 *
 * It is %DS_STREAMING_INITIALIZED, after start %DS_STREAMING_ACTIVE, after stop
 * %DS_STREAMING_STOPPED, never back.  At most one is active in a process; the process
 * holds a reference to that one.  Lifecycle functions may be called from any thread; the
 * graph is built by one thread, before start.
 *
 * Settings are properties, to be set before start, also by a key file
 * (ds_streaming_context_load_settings ()) and by environment variables, whose names are
 * those of the properties: "block-interval" is `DS_STREAMING_BLOCK_INTERVAL`.
 *
 * Signals tell what happens, one at a time, in order.  They are emitted in the main
 * context that was the thread default at construction; while nobody iterates it, in a
 * thread of the context's own.  Batches do not wait for handlers.  A handler for
 * #DsStreamingContext::batch-completed is
 * `void on_completed (DsStreamingContext *ssc, DsBatch *batch, gpointer user_data)`; the
 * other arguments are with the signals, in dstream/ds-streaming-context-events.c.
 */
#define DS_TYPE_STREAMING_CONTEXT (ds_streaming_context_get_type ())
DS_AVAILABLE_IN_ALL
G_DECLARE_FINAL_TYPE (DsStreamingContext,
                      ds_streaming_context,
                      DS,
                      STREAMING_CONTEXT,
                      GObject)

/**
 * DsStreamingState:
 * @DS_STREAMING_INITIALIZED: being built
 * @DS_STREAMING_ACTIVE: started, until it is stopped
 * @DS_STREAMING_STOPPED: stopped, or failed to start; for good
 *
 * Where a streaming context is in its life.
 */
typedef enum
{
  DS_STREAMING_INITIALIZED,
  DS_STREAMING_ACTIVE,
  DS_STREAMING_STOPPED
} DsStreamingState;
#define DS_TYPE_STREAMING_STATE (ds_streaming_state_get_type ())
DS_AVAILABLE_IN_ALL
GType ds_streaming_state_get_type (void);

/**
 * DsFailurePolicy:
 * @DS_FAILURE_POLICY_STOP: the context stops; awaiting its end returns the error
 * @DS_FAILURE_POLICY_RETRY: the outputs that failed run again, up to "max-batch-retries"
 *   times; then as %DS_FAILURE_POLICY_STOP
 * @DS_FAILURE_POLICY_CONTINUE: later batches run; awaiting returns the error at once
 *
 * What happens after a batch that failed.  In any case it stays pending.
 */
typedef enum
{
  DS_FAILURE_POLICY_STOP,
  DS_FAILURE_POLICY_RETRY,
  DS_FAILURE_POLICY_CONTINUE
} DsFailurePolicy;
#define DS_TYPE_FAILURE_POLICY (ds_failure_policy_get_type ())
DS_AVAILABLE_IN_ALL
GType ds_failure_policy_get_type (void);

/**
 * DsCatchUpPolicy:
 * @DS_CATCH_UP_ALL: each missed tick makes its batch, in order
 * @DS_CATCH_UP_COALESCE: the newest tick that is due makes one batch of everything
 * @DS_CATCH_UP_SKIP_EMPTY: missed ticks for which nothing has come make no batch
 *
 * What happens when batches took so long that ticks were missed.  A batch that is not
 * made has no part in windows, either: sources are not asked for it.
 */
typedef enum
{
  DS_CATCH_UP_ALL,
  DS_CATCH_UP_COALESCE,
  DS_CATCH_UP_SKIP_EMPTY
} DsCatchUpPolicy;
#define DS_TYPE_CATCH_UP_POLICY (ds_catch_up_policy_get_type ())
DS_AVAILABLE_IN_ALL
GType ds_catch_up_policy_get_type (void);

/**
 * DsStopFlags:
 * @DS_STOP_NOW: cancel what runs, drop what waits
 * @DS_STOP_GRACEFULLY: first process what was received
 * @DS_STOP_KEEP_CONTEXT: leave the engine running, whatever "stop-context" says
 *
 * How to stop.
 */
typedef enum
{
  DS_STOP_NOW = 0,
  DS_STOP_GRACEFULLY = 1 << 0,
  DS_STOP_KEEP_CONTEXT = 1 << 1
} DsStopFlags;
#define DS_TYPE_STOP_FLAGS (ds_stop_flags_get_type ())
DS_AVAILABLE_IN_ALL
GType ds_stop_flags_get_type (void);

/* ---- Making one: never NULL, mistakes are latched ---- */

DS_AVAILABLE_IN_ALL
DsStreamingContext *ds_streaming_context_new (const char *master,
                                              const char *app_name,
                                              DsDuration batch_interval);
DS_AVAILABLE_IN_ALL
DsStreamingContext *ds_streaming_context_new_for_context (DsContext *context,
                                                          DsDuration batch_interval);

/**
 * DsSetupFunc:
 * @user_data: (closure): what was given with the function
 * @error: where to say why it failed
 *
 * Builds a context and does not start it.
 *
 * Returns: (transfer full) (nullable): the context; %NULL with @error
 */
typedef DsStreamingContext *(*DsSetupFunc) (gpointer user_data, GError **error);

DS_AVAILABLE_IN_ALL
DsStreamingContext *ds_streaming_context_get_active (void);
DS_AVAILABLE_IN_ALL
DsStreamingContext *ds_streaming_context_get_or_create (const char *directory,
                                                        DsSetupFunc setup,
                                                        gpointer user_data,
                                                        GError **error);
DS_AVAILABLE_IN_ALL
DsStreamingContext *ds_streaming_context_get_active_or_create (const char *directory,
                                                               DsSetupFunc setup,
                                                               gpointer user_data,
                                                               GError **error);
DS_AVAILABLE_IN_ALL
gboolean ds_streaming_context_is_recovered (DsStreamingContext *self);
DS_AVAILABLE_IN_ALL
void ds_streaming_context_drop_state (DsStreamingContext *self, const char *stream_name);
DS_AVAILABLE_IN_ALL
void ds_streaming_context_accept_new_streams (DsStreamingContext *self);
DS_AVAILABLE_IN_ALL
void ds_streaming_context_allow_fresh_start (DsStreamingContext *self);
DS_AVAILABLE_IN_ALL
void ds_streaming_context_checkpoint (DsStreamingContext *self, const char *directory);
DS_AVAILABLE_IN_ALL
void ds_streaming_context_remember (DsStreamingContext *self, DsDuration duration);
DS_AVAILABLE_IN_ALL
void ds_streaming_context_set_clock (DsStreamingContext *self, DsClock *clock);
DS_AVAILABLE_IN_ALL
gboolean ds_streaming_context_load_settings (DsStreamingContext *self,
                                             const char *path,
                                             GError **error);

DS_AVAILABLE_IN_ALL
DsContext *ds_streaming_context_get_context (DsStreamingContext *self);
DS_AVAILABLE_IN_ALL
DsDuration ds_streaming_context_get_batch_interval (DsStreamingContext *self);
DS_AVAILABLE_IN_ALL
DsStreamingState ds_streaming_context_get_state (DsStreamingContext *self);
DS_AVAILABLE_IN_ALL
const GError *ds_streaming_context_get_build_error (DsStreamingContext *self);

/* ---- Sources, and what takes any number of streams ---- */

DS_AVAILABLE_IN_ALL
DsDStream *ds_streaming_context_socket_text_stream (DsStreamingContext *self,
                                                    const char *host,
                                                    guint16 port);
DS_AVAILABLE_IN_ALL
DsDStream *ds_streaming_context_socket_stream (DsStreamingContext *self,
                                               const char *host,
                                               guint16 port,
                                               DsParseFunc parse,
                                               gpointer user_data,
                                               GDestroyNotify destroy);
/* Blocks of msgpack values, each after its length in 4 big-endian bytes. */
DS_AVAILABLE_IN_ALL
DsDStream *ds_streaming_context_raw_socket_stream (DsStreamingContext *self,
                                                   const char *host,
                                                   guint16 port);
DS_AVAILABLE_IN_ALL
DsDStream *ds_streaming_context_text_file_stream (DsStreamingContext *self,
                                                  const char *directory);
DS_AVAILABLE_IN_ALL
DsDStream *ds_streaming_context_binary_records_stream (DsStreamingContext *self,
                                                       const char *directory,
                                                       gsize record_length);
DS_AVAILABLE_IN_ALL
DsDStream *ds_streaming_context_file_stream (DsStreamingContext *self,
                                             const char *directory,
                                             DsParseFunc parse,
                                             gpointer user_data,
                                             GDestroyNotify destroy);
DS_AVAILABLE_IN_ALL
DsDStream *ds_streaming_context_queue_stream (DsStreamingContext *self);
DS_AVAILABLE_IN_ALL
DsDStream *ds_streaming_context_rate_stream (DsStreamingContext *self,
                                             guint records_per_second);
DS_AVAILABLE_IN_ALL
DsDStream *ds_streaming_context_constant_stream (DsStreamingContext *self, DsRdd *rdd);
DS_AVAILABLE_IN_ALL
DsDStream *ds_streaming_context_receiver_stream (DsStreamingContext *self,
                                                 DsReceiver *receiver);
DS_AVAILABLE_IN_ALL
DsDStream *ds_streaming_context_input_stream (DsStreamingContext *self,
                                              DsInputDStream *input);
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

DS_AVAILABLE_IN_ALL
gboolean ds_streaming_context_start (DsStreamingContext *self, GError **error);
DS_AVAILABLE_IN_ALL
gboolean ds_streaming_context_await_termination (DsStreamingContext *self,
                                                 GError **error);
DS_AVAILABLE_IN_ALL
gboolean ds_streaming_context_await_termination_or_timeout (DsStreamingContext *self,
                                                            DsDuration timeout,
                                                            GError **error);
DS_AVAILABLE_IN_ALL
gboolean ds_streaming_context_await_batch (DsStreamingContext *self,
                                           DsTime batch_time,
                                           GError **error);

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
DS_AVAILABLE_IN_ALL
void ds_streaming_context_stop_on_signals (DsStreamingContext *self);
DS_AVAILABLE_IN_ALL
void ds_streaming_context_stop_on_file (DsStreamingContext *self, const char *path);

DS_AVAILABLE_IN_ALL
char *ds_streaming_context_get_stop_report (DsStreamingContext *self);
DS_AVAILABLE_IN_ALL
gint64 ds_streaming_context_get_n_received (DsStreamingContext *self);
DS_AVAILABLE_IN_ALL
gint64 ds_streaming_context_get_n_processed (DsStreamingContext *self);
DS_AVAILABLE_IN_ALL
char *ds_streaming_context_explain (DsStreamingContext *self);
DS_AVAILABLE_IN_ALL
GVariant *ds_streaming_context_explain_as_variant (DsStreamingContext *self);
DS_AVAILABLE_IN_ALL
DsReceiverInfo *ds_streaming_context_get_receiver_info (DsStreamingContext *self,
                                                        DsDStream *stream);

G_END_DECLS
