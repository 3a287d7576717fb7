/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The inside of a streaming context: what its files share.
 *
 *   ds-streaming-context.c          the object: construction, properties, getters
 *   ds-streaming-context-settings.c the table of settings, key files, environment
 *   ds-streaming-context-build.c    latched mistakes, sources, union and transform
 *   ds-streaming-context-life.c     start, waiting, the one active context
 *   ds-streaming-context-stop.c     the one ordered shutdown
 *   ds-streaming-context-events.c   signals, through the listener bus
 *   ds-streaming-context-unix.c     SIGINT and SIGTERM
 *   ds-streaming-context-recover.c  going on from a checkpoint directory
 */

#include "base/ds-clock-private.h"
#include "base/ds-error.h"
#include "base/ds-listener-bus-private.h"
#include "dstream/ds-checkpointer-private.h"
#include "dstream/ds-driver-private.h"
#include "dstream/ds-graph-private.h"
#include "dstream/ds-receiver-tracker-private.h"
#include "dstream/ds-streaming-context.h"
#include "rdd/ds-job-private.h"

#include <sys/types.h>

G_BEGIN_DECLS

typedef struct _DsSignalWatch DsSignalWatch;

struct _DsStreamingContext
{
  GObject parent_instance;

  /* Fixed at construction. */
  DsContext *context;
  DsDuration interval;
  GMainContext *main_context;
  DsGraph *graph;
  struct _DsBatchLog *log;
  pid_t pid;

  DsClock *clock; /* fixed at start */

  /* Settings, ds-streaming-context-settings.c: fixed at start. */
  DsDuration block_interval;
  DsDuration receiver_restart_delay;
  guint receiver_max_rate; /* records a second; 0: no limit */
  DsDurability durability; /* of receiver streams that do not say theirs */
  gboolean backpressure_enabled;
  guint backpressure_initial_rate; /* 0: receiver_max_rate */
  double backpressure_proportional;
  double backpressure_integral;
  double backpressure_derivative;
  double backpressure_min_rate;
  guint64 max_received_bytes; /* 0: a quarter of the engine's memory budget */
  DsDuration file_min_remember;
  DsFailurePolicy failure_policy;
  guint max_batch_retries;
  DsCatchUpPolicy catch_up_policy;
  guint max_waiting_batches;
  DsDuration graceful_stop_timeout; /* 0: ten intervals */
  gboolean stop_context;
  gboolean unpersist;
  const char *checkpoint_directory; /* (nullable) interned */
  DsDuration wal_rolling_interval;
  guint max_batch_attempts; /* 0: no limit */
  gboolean allow_shared_directory;
  gboolean best_effort_durability;

  /* Going on from a checkpoint: fixed at start. */
  DsCheckpointer *checkpointer; /* (nullable): no checkpoint directory */
  GPtrArray *dropped_states;    /* char *: names */
  gboolean accepts_new_streams;
  gboolean allows_fresh_start;

  /* Of the checkpoint directory, set while starting. */
  guint8 application_id[16];
  gboolean has_application_id;

  /* Set while starting, before any thread of ours; freed with the context. */
  DsListenerBus *bus; /* or at the end of the stop, when it has been emptied */
  DsReceiverTracker *receivers;
  DsDriver *driver;
  const char *part_in_work; /* atomic, (nullable): "state" or an output of the batch */
  gint n_held_back;         /* atomic: the log, an output: wait for room, and said so */

  GMutex lock; /* guards what follows */
  GCond changed;
  DsStreamingState state;
  gboolean is_starting;
  gboolean is_stopping;
  GThread *life_thread;      /* (nullable): the one that starts or stops it just now */
  gboolean is_asked_to_stop; /* a thread was started for it, or is owed */
  gboolean owes_stop;        /* there was no thread: whoever waits next does it */
  DsStopFlags owed_flags;
  gint stop_at_once;   /* atomic: a stop under way is to be graceful no longer */
  GError *build_error; /* never changed once set */
  GError *start_error; /* never changed once set; it is stopped then */
  GError *error;       /* the newest of a batch, an output, generation */
  GError *stop_error;
  gboolean owes_stop_error; /* nobody called the stop, so whoever waits is told */
  char *stop_report;
  DsSignalWatch *signal_watch;
  char *stop_file; /* (nullable): fixed at start */
};

/* ---- Settings: number 0, 1, 2 ... of the table ---- */

/* The defaults, and what the environment says; a mistake there is latched. */
void ds_streaming_context_init_settings (DsStreamingContext *self);
void ds_streaming_context_install_settings (GObjectClass *object_class, guint first_id);
void
ds_streaming_context_get_setting (DsStreamingContext *self, guint index, GValue *value);
void ds_streaming_context_set_setting (DsStreamingContext *self,
                                       guint index,
                                       const GValue *value);
/* All of them, as a table in Markdown. */
char *ds_streaming_context_describe_settings (void);

/* ---- Building ---- */

/* The first mistake counts.  After start also a warning. */
void ds_streaming_context_latch (DsStreamingContext *self,
                                 DsError code,
                                 const char *format,
                                 ...) G_GNUC_PRINTF (3, 4);
/* FALSE, latched, when the context is not to be built on any longer; @what: "input". */
gboolean ds_streaming_context_may_build (DsStreamingContext *self, const char *what);

/* FALSE, latched, for no stream or one that is not of @self. */
gboolean ds_streaming_context_check_streams (DsStreamingContext *self,
                                             const char *what,
                                             DsDStream *const *streams,
                                             gsize n_streams);

/* At start: FALSE when what streams keep cannot go into checkpoints as asked for. */
gboolean ds_streaming_context_check_checkpoints (DsStreamingContext *self,
                                                 GError **error);

/* The 16 bytes that tell this application, with its checkpoints, from all others, from
 * start on; NULL: there are no checkpoints. */
const guint8 *ds_streaming_context_get_application_id (DsStreamingContext *self);
/* While starting, before the outputs are; also for tests. */
void ds_streaming_context_set_application_id (DsStreamingContext *self,
                                              const guint8 *application_id);

/* ---- Life ---- */

/* FALSE with %DS_ERROR_INVALID_STATE in a child of the process that made the context. */
gboolean ds_streaming_context_check_process (DsStreamingContext *self, GError **error);
/* Why the start failed, when it is stopped for that.  (nullable), valid as long as @self.
 */
const GError *ds_streaming_context_get_start_error (DsStreamingContext *self);
/* TRUE where waiting for the context would be waiting for oneself: a driver thread, a
 * task of the engine, a listener, a receiver, start and stop of an input stream. */
gboolean ds_streaming_context_is_inside (DsStreamingContext *self);
/* A batch, an output or generation failed; any thread.  (transfer full) */
void ds_streaming_context_take_error (DsStreamingContext *self, GError *error);
/* Stops from another thread; returns at once. */
void ds_streaming_context_ask_to_stop (DsStreamingContext *self, DsStopFlags flags);
/* TRUE once batches that wait are to be dropped.  Thread: driver. */
gboolean ds_streaming_context_is_cut_short (DsStreamingContext *self);
/* Does the stop that was asked for when no thread could be started for it.  Thread: none
 * of the stream's own. */
void ds_streaming_context_stop_owed (DsStreamingContext *self);
/* Waits until the listeners have heard everything; nothing is posted any more. */
void ds_streaming_context_close_bus (DsStreamingContext *self);
/* For the others that wait for a stop: returns when all that is done, at @deadline, or
 * when a handler does not return.  Not inside. */
void ds_streaming_context_await_listeners (DsStreamingContext *self, gint64 deadline);
/* Takes @self out of the place of the one active context. */
void ds_streaming_context_leave_active (DsStreamingContext *self);

/* ---- Recovery: ds-streaming-context-recover.c ---- */

/* What is to be recovered; NULL: nothing. */
DsRecovery *ds_streaming_context_get_recovery (DsStreamingContext *self);
/* At start, before anything of the graph is frozen: opens the checkpoint directory, if
 * there is to be one. */
gboolean ds_streaming_context_open_checkpoints (DsStreamingContext *self, GError **error);
/* At start, when everything is frozen and nothing runs: gives the graph back what it had,
 * and begins to write. */
gboolean ds_streaming_context_start_checkpoints (DsStreamingContext *self,
                                                 GError **error);

/* ---- Events: posted only when somebody listens; any thread ---- */

typedef enum
{
  DS_EVENT_STREAMING_STARTED,
  DS_EVENT_BATCH_SUBMITTED,
  DS_EVENT_BATCH_STARTED,
  DS_EVENT_BATCH_COMPLETED,
  DS_EVENT_OUTPUT_STARTED,
  DS_EVENT_OUTPUT_COMPLETED,
  DS_EVENT_RECEIVER_STARTED,
  DS_EVENT_RECEIVER_ERROR,
  DS_EVENT_RECEIVER_STOPPED,
  DS_EVENT_FILE_PASSED_OVER,
  DS_N_EVENTS
} DsEventKind;

void ds_streaming_context_install_events (GObjectClass *object_class);
gboolean ds_streaming_context_is_listened_to (DsStreamingContext *self, DsEventKind kind);
void ds_streaming_context_post_started (DsStreamingContext *self, DsTime time);
void ds_streaming_context_post_batch (DsStreamingContext *self,
                                      DsEventKind kind,
                                      DsBatch *batch);
void ds_streaming_context_post_output (DsStreamingContext *self,
                                       DsEventKind kind,
                                       DsOutput *output,
                                       DsBatch *batch,
                                       const GError *error);
void ds_streaming_context_post_receiver (DsStreamingContext *self,
                                         DsEventKind kind,
                                         DsDStream *stream,
                                         const char *location,
                                         const GError *error);
/* @path: as it is shown */
void ds_streaming_context_post_file (DsStreamingContext *self,
                                     DsDStream *stream,
                                     const char *path,
                                     const char *reason);

/* ---- SIGINT, SIGTERM, a file ---- */

/* A batch is over: asks for the stop if the file is there.  Thread: driver. */
void ds_streaming_context_look_for_stop_file (DsStreamingContext *self);

void ds_signal_watch_free (DsSignalWatch *self);

G_END_DECLS
