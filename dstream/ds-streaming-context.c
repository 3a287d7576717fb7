/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The streaming context as an object: what it is made of, its settings, what it says of
 * itself.  Its other sides have files of their own, named in
 * ds-streaming-context-private.h. */

#include "dstream/ds-batch-log-private.h"
#include "dstream/ds-streaming-context-private.h"

#include <unistd.h>

/* Ten of them, and a time of today, are far from the end of the numbers. */
#define DS_MAX_BATCH_INTERVAL (36500 * 24 * DS_HOUR)

G_DEFINE_FINAL_TYPE (DsStreamingContext, ds_streaming_context, G_TYPE_OBJECT)

/* clang-format off */
G_DEFINE_ENUM_TYPE (DsStreamingState, ds_streaming_state,
  G_DEFINE_ENUM_VALUE (DS_STREAMING_INITIALIZED, "initialized"),
  G_DEFINE_ENUM_VALUE (DS_STREAMING_ACTIVE, "active"),
  G_DEFINE_ENUM_VALUE (DS_STREAMING_STOPPED, "stopped"))
G_DEFINE_ENUM_TYPE (DsFailurePolicy, ds_failure_policy,
  G_DEFINE_ENUM_VALUE (DS_FAILURE_POLICY_STOP, "stop"),
  G_DEFINE_ENUM_VALUE (DS_FAILURE_POLICY_RETRY, "retry"),
  G_DEFINE_ENUM_VALUE (DS_FAILURE_POLICY_CONTINUE, "continue"))
G_DEFINE_ENUM_TYPE (DsDurability, ds_durability,
  G_DEFINE_ENUM_VALUE (DS_DURABILITY_NONE, "none"),
  G_DEFINE_ENUM_VALUE (DS_DURABILITY_GROUP, "group"),
  G_DEFINE_ENUM_VALUE (DS_DURABILITY_EVERY_RECORD, "every-record"))
G_DEFINE_ENUM_TYPE (DsCatchUpPolicy, ds_catch_up_policy,
  G_DEFINE_ENUM_VALUE (DS_CATCH_UP_ALL, "all"),
  G_DEFINE_ENUM_VALUE (DS_CATCH_UP_COALESCE, "coalesce"),
  G_DEFINE_ENUM_VALUE (DS_CATCH_UP_SKIP_EMPTY, "skip-empty"))
G_DEFINE_FLAGS_TYPE (DsStopFlags, ds_stop_flags,
  G_DEFINE_ENUM_VALUE (DS_STOP_NOW, "now"),
  G_DEFINE_ENUM_VALUE (DS_STOP_GRACEFULLY, "gracefully"),
  G_DEFINE_ENUM_VALUE (DS_STOP_KEEP_CONTEXT, "keep-context"))
/* clang-format on */

enum
{
  PROP_0,
  PROP_CONTEXT,
  PROP_BATCH_INTERVAL,
  PROP_CLOCK,
  PROP_STATE,
  PROP_N_MISSED_TICKS,
  N_PROPS,
  PROP_FIRST_SETTING = N_PROPS
};

static GParamSpec *ds_streaming_context_props[N_PROPS];

/* NULL before start, and in a child of the process. */
static DsDriver *
ds_streaming_context_get_driver (DsStreamingContext *self)
{
  DsDriver *driver;

  if (!ds_streaming_context_check_process (self, NULL))
    return NULL;
  g_mutex_lock (&self->lock);
  driver = self->receivers != NULL ? self->driver : NULL;
  g_mutex_unlock (&self->lock);
  return driver;
}

static gint64
ds_streaming_context_get_n_missed (DsStreamingContext *self)
{
  DsDriver *driver = ds_streaming_context_get_driver (self);

  return driver != NULL ? ds_driver_get_n_missed (driver) : 0;
}

/* ---- Settings ---- */

static void
ds_streaming_context_get_property (GObject *object,
                                   guint id,
                                   GValue *value,
                                   GParamSpec *pspec)
{
  DsStreamingContext *self = DS_STREAMING_CONTEXT (object);

  if (id >= PROP_FIRST_SETTING)
    {
      ds_streaming_context_get_setting (self, id - PROP_FIRST_SETTING, value);
      return;
    }
  switch (id)
    {
    case PROP_CONTEXT:
      g_value_set_object (value, self->context);
      break;
    case PROP_BATCH_INTERVAL:
      g_value_set_int64 (value, self->interval);
      break;
    case PROP_CLOCK:
      g_value_set_object (value, self->clock);
      break;
    case PROP_STATE:
      g_value_set_enum (value, (int) ds_streaming_context_get_state (self));
      break;
    case PROP_N_MISSED_TICKS:
      g_value_set_int64 (value, ds_streaming_context_get_n_missed (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
ds_streaming_context_set_property (GObject *object,
                                   guint id,
                                   const GValue *value,
                                   GParamSpec *pspec)
{
  DsStreamingContext *self = DS_STREAMING_CONTEXT (object);

  /* Construction sets the first two before anything else exists. */
  if (id != PROP_CONTEXT && id != PROP_BATCH_INTERVAL &&
      !ds_streaming_context_may_build (self, pspec->name))
    return;

  if (id >= PROP_FIRST_SETTING)
    {
      ds_streaming_context_set_setting (self, id - PROP_FIRST_SETTING, value);
      return;
    }
  switch (id)
    {
    case PROP_CONTEXT:
      self->context = g_value_dup_object (value);
      break;
    case PROP_BATCH_INTERVAL:
      self->interval = g_value_get_int64 (value);
      break;
    case PROP_CLOCK:
      if (g_value_get_object (value) != NULL)
        g_set_object (&self->clock, g_value_get_object (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

/* ---- The object ---- */

static void
ds_streaming_context_constructed (GObject *object)
{
  DsStreamingContext *self = DS_STREAMING_CONTEXT (object);

  G_OBJECT_CLASS (ds_streaming_context_parent_class)->constructed (object);

  if (self->context == NULL)
    self->context = ds_context_new ("local[*]", "application");
  if (self->interval <= 0 || self->interval % DS_MILLISECOND != 0 ||
      self->interval > DS_MAX_BATCH_INTERVAL)
    {
      ds_streaming_context_latch (
          self, DS_ERROR_INVALID_INTERVAL,
          "The batch interval is %" G_GINT64_FORMAT
          " us; it must be a whole number of milliseconds, at least 1 and at most 36500 "
          "days; write 1 * DS_SECOND or DS_SECONDS (0.5)",
          self->interval);
      self->interval = DS_SECOND; /* so that a wrong graph can be built on */
    }
  self->graph = ds_graph_new (self, self->interval);
  self->log = ds_batch_log_new ();
  self->dropped_states = g_ptr_array_new_with_free_func (g_free);
}

static void
ds_streaming_context_finalize (GObject *object)
{
  DsStreamingContext *self = DS_STREAMING_CONTEXT (object);

  /* In a child of the process there are no threads to end, and locks may be taken. */
  if (self->pid != getpid ())
    return;

  g_clear_pointer (&self->signal_watch, ds_signal_watch_free);
  g_clear_pointer (&self->receivers, ds_receiver_tracker_free);
  g_clear_pointer (&self->checkpointer, ds_checkpointer_free);
  g_clear_pointer (&self->dropped_states, g_ptr_array_unref);
  g_clear_pointer (&self->driver, ds_driver_free);
  g_clear_pointer (&self->bus, ds_listener_bus_free);
  g_clear_pointer (&self->graph, ds_graph_free);
  g_clear_pointer (&self->log, ds_batch_log_free);
  g_clear_object (&self->clock);
  g_clear_object (&self->context);
  g_clear_pointer (&self->main_context, g_main_context_unref);
  g_clear_error (&self->build_error);
  g_clear_error (&self->start_error);
  g_clear_error (&self->error);
  g_clear_error (&self->stop_error);
  g_free (self->stop_report);
  g_free (self->stop_file);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->changed);

  G_OBJECT_CLASS (ds_streaming_context_parent_class)->finalize (object);
}

static void
ds_streaming_context_class_init (DsStreamingContextClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags fixed =
      G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;
  const GParamFlags setting =
      G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;
  const GParamFlags reading = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  object_class->constructed = ds_streaming_context_constructed;
  object_class->finalize = ds_streaming_context_finalize;
  object_class->get_property = ds_streaming_context_get_property;
  object_class->set_property = ds_streaming_context_set_property;

  /**
   * DsStreamingContext:context:
   *
   * The engine that runs the batches.
   */
  ds_streaming_context_props[PROP_CONTEXT] =
      g_param_spec_object ("context", NULL, NULL, DS_TYPE_CONTEXT, fixed);
  /**
   * DsStreamingContext:batch-interval:
   *
   * How long a batch is, in µs: whole milliseconds, at least one, at most 36500 days.
   */
  ds_streaming_context_props[PROP_BATCH_INTERVAL] =
      g_param_spec_int64 ("batch-interval", NULL, NULL, G_MININT64, G_MAXINT64, DS_SECOND,
                          fixed);
  /**
   * DsStreamingContext:clock:
   *
   * What time is it?
   */
  ds_streaming_context_props[PROP_CLOCK] =
      g_param_spec_object ("clock", NULL, NULL, DS_TYPE_CLOCK, setting);
  /**
   * DsStreamingContext:state:
   *
   * Where the context is in its life.  Changes are notified by no signal: any thread may
   * make them.
   */
  ds_streaming_context_props[PROP_STATE] =
      g_param_spec_enum ("state", NULL, NULL, DS_TYPE_STREAMING_STATE,
                         DS_STREAMING_INITIALIZED, reading);
  /**
   * DsStreamingContext:n-missed-ticks:
   *
   * How many batches were generated when the next one was due as well, or, by the
   * catch-up policy, not at all.
   */
  ds_streaming_context_props[PROP_N_MISSED_TICKS] =
      g_param_spec_int64 ("n-missed-ticks", NULL, NULL, 0, G_MAXINT64, 0, reading);

  g_object_class_install_properties (object_class, N_PROPS, ds_streaming_context_props);
  ds_streaming_context_install_settings (object_class, PROP_FIRST_SETTING);
  ds_streaming_context_install_events (object_class);
}

static void
ds_streaming_context_init (DsStreamingContext *self)
{
  self->pid = getpid ();
  self->main_context = g_main_context_ref_thread_default ();
  self->clock = ds_clock_new_system ();
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  ds_streaming_context_init_settings (self);
}

/* ---- Public ---- */

/**
 * ds_streaming_context_new:
 * @master: "local", "local[4]", "local[*]" (one worker a processor), "loopback[2]"
 * @app_name: what the program is called
 * @batch_interval: how long a batch is, in µs: whole milliseconds, at least one; write 2
 *   * DS_SECOND
 *
 * Makes a streaming context with an engine of its own.  Receivers do not take workers:
 * "local[1]" processes what they bring.
 *
 * Never %NULL: what is wrong with the arguments is latched, and
 * ds_streaming_context_start () fails with it.
 *
 * Returns: (transfer full): the context
 */
DsStreamingContext *
ds_streaming_context_new (const char *master,
                          const char *app_name,
                          DsDuration batch_interval)
{
  g_autoptr (DsContext) context = NULL;

  g_return_val_if_fail (master != NULL, NULL);
  g_return_val_if_fail (app_name != NULL, NULL);

  context = ds_context_new (master, app_name);
  return ds_streaming_context_new_for_context (context, batch_interval);
}

/**
 * ds_streaming_context_new_for_context:
 * @context: the engine; a reference is taken
 * @batch_interval: how long a batch is, in µs: whole milliseconds, at least one
 *
 * Makes a streaming context on an engine that there is.  Stopping it stops the engine,
 * too, unless %DS_STOP_KEEP_CONTEXT or the property "stop-context" says otherwise.
 *
 * Never %NULL: what is wrong with the arguments is latched, and
 * ds_streaming_context_start () fails with it.
 *
 * Returns: (transfer full): the context
 */
DsStreamingContext *
ds_streaming_context_new_for_context (DsContext *context, DsDuration batch_interval)
{
  g_return_val_if_fail (DS_IS_CONTEXT (context), NULL);

  return g_object_new (DS_TYPE_STREAMING_CONTEXT, "context", context, "batch-interval",
                       batch_interval, NULL);
}

/**
 * ds_streaming_context_set_clock:
 * @self: a context that is not started
 * @clock: where it gets its time from; a reference is taken
 *
 * Sets the clock, as the property "clock".  With a #DsManualClock batches come when the
 * clock is moved.
 *
 * Latches %DS_ERROR_INVALID_STATE after start.
 */
void
ds_streaming_context_set_clock (DsStreamingContext *self, DsClock *clock)
{
  g_return_if_fail (DS_IS_STREAMING_CONTEXT (self));
  g_return_if_fail (DS_IS_CLOCK (clock));

  g_object_set (self, "clock", clock, NULL);
}

/**
 * ds_streaming_context_remember:
 * @self: a context that is not started
 * @duration: how long, in µs; more than 0
 *
 * Makes every stream remember its RDDs for at least @duration, for
 * ds_dstream_slice ().  Without it an RDD is forgotten when the batch after it is
 * completed.
 *
 * Latches %DS_ERROR_INVALID_ARGUMENT for a duration of 0 or less, and
 * %DS_ERROR_INVALID_STATE when it is called a second time or after start.
 */
void
ds_streaming_context_remember (DsStreamingContext *self, DsDuration duration)
{
  g_return_if_fail (DS_IS_STREAMING_CONTEXT (self));

  if (!ds_streaming_context_may_build (self, "remember"))
    return;
  if (duration <= 0)
    ds_streaming_context_latch (self, DS_ERROR_INVALID_ARGUMENT,
                                "remember: the duration is %" G_GINT64_FORMAT
                                " us; it must be more than 0",
                                duration);
  else if (ds_graph_get_remember (self->graph) != 0)
    ds_streaming_context_latch (
        self, DS_ERROR_INVALID_STATE,
        "remember: the duration is to be set to %.3f s, but is set to %.3f s already; "
        "it can be set once",
        (double) duration / DS_SECOND,
        (double) ds_graph_get_remember (self->graph) / DS_SECOND);
  else
    ds_graph_set_remember (self->graph, duration);
}

/**
 * ds_streaming_context_get_context:
 * @self: a context
 *
 * Gets the engine, for RDDs beside the streams.
 *
 * Returns: (transfer none): the engine that runs its batches
 */
DsContext *
ds_streaming_context_get_context (DsStreamingContext *self)
{
  g_return_val_if_fail (DS_IS_STREAMING_CONTEXT (self), NULL);

  return self->context;
}

/**
 * ds_streaming_context_get_batch_interval:
 * @self: a context
 *
 * Gets the batch interval.
 *
 * Returns: how long a batch is, in µs
 */
DsDuration
ds_streaming_context_get_batch_interval (DsStreamingContext *self)
{
  g_return_val_if_fail (DS_IS_STREAMING_CONTEXT (self), DS_TIME_NONE);

  return self->interval;
}

/**
 * ds_streaming_context_get_state:
 * @self: a context
 *
 * Where the context is in its life.  It stays active until a stop is over.  Any thread.
 *
 * Returns: the state
 */
DsStreamingState
ds_streaming_context_get_state (DsStreamingContext *self)
{
  DsStreamingState state;

  g_return_val_if_fail (DS_IS_STREAMING_CONTEXT (self), DS_STREAMING_STOPPED);

  if (!ds_streaming_context_check_process (self, NULL))
    return DS_STREAMING_STOPPED;
  g_mutex_lock (&self->lock);
  state = self->state;
  g_mutex_unlock (&self->lock);
  return state;
}

/**
 * ds_streaming_context_get_n_received:
 * @self: a context
 *
 * How many records receivers have handed over and other input streams have taken in.  Any
 * thread.
 *
 * Returns: the number; 0 before start
 */
gint64
ds_streaming_context_get_n_received (DsStreamingContext *self)
{
  g_return_val_if_fail (DS_IS_STREAMING_CONTEXT (self), 0);

  if (ds_streaming_context_get_driver (self) == NULL)
    return 0;
  return ds_receiver_tracker_get_n_received (self->receivers);
}

/**
 * ds_streaming_context_get_n_processed:
 * @self: a context
 *
 * How many of the records received went into a batch that completed without failure.  Any
 * thread.
 *
 * Returns: the number; 0 before start
 */
gint64
ds_streaming_context_get_n_processed (DsStreamingContext *self)
{
  DsDriver *driver;

  g_return_val_if_fail (DS_IS_STREAMING_CONTEXT (self), 0);

  driver = ds_streaming_context_get_driver (self);
  return driver != NULL ? ds_driver_get_n_processed (driver) : 0;
}

/**
 * ds_streaming_context_get_receiver_info:
 * @self: a context
 * @stream: an input stream of it
 *
 * How the receiver of a stream is just now.  Any thread, also in a handler.
 *
 * Returns: (transfer full) (nullable): a snapshot; %NULL before start and for a stream
 *   without receiver
 */
DsReceiverInfo *
ds_streaming_context_get_receiver_info (DsStreamingContext *self, DsDStream *stream)
{
  g_return_val_if_fail (DS_IS_STREAMING_CONTEXT (self), NULL);
  g_return_val_if_fail (DS_IS_DSTREAM (stream), NULL);

  if (ds_streaming_context_get_driver (self) == NULL)
    return NULL;
  return ds_receiver_tracker_get_info (self->receivers, stream);
}
