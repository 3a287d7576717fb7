/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rate of a receiver across a restart.  The case wants a controller that always says
 * the same; here that is the least rate, and batches that are slower than it. */

#include "tests/conformance/ds-conformance-private.h"

#include "dstream/ds-streaming-context-private.h"

#define DS_CONFORMANCE_MAX_BATCHES 100

/* ---- A receiver that brings a record a batch interval ---- */

G_DECLARE_FINAL_TYPE (DsConformanceTrickle,
                      ds_conformance_trickle,
                      DS_CONFORMANCE,
                      TRICKLE,
                      DsReceiver)

struct _DsConformanceTrickle
{
  DsReceiver parent_instance;
};

G_DEFINE_FINAL_TYPE (DsConformanceTrickle, ds_conformance_trickle, DS_TYPE_RECEIVER)

static gboolean
ds_conformance_trickle_run (DsReceiver *receiver,
                            GCancellable *cancellable,
                            GError **error)
{
  while (ds_receiver_store_string (receiver, "record") &&
         ds_receiver_sleep (receiver, DS_SECOND))
    ;
  return TRUE;
}

static void
ds_conformance_trickle_class_init (DsConformanceTrickleClass *klass)
{
  DS_RECEIVER_CLASS (klass)->run = ds_conformance_trickle_run;
}

static void
ds_conformance_trickle_init (DsConformanceTrickle *self)
{
}

/* ---- The case ---- */

typedef struct
{
  DsConformanceSession *session;
  DsContext *engine;
  gint64 rate;
  gint64 start_ms;
  DsDStream *stream;
} DsConformanceRate;

/* The batch takes a tenth of a second by the clock of the context. */
static gboolean
ds_conformance_rate_take_time (DsRdd *rdd,
                               DsBatch *batch,
                               gpointer user_data,
                               GError **error)
{
  DsConformanceRate *self = user_data;

  ds_manual_clock_advance (self->session->clock, 100 * DS_MILLISECOND);
  return TRUE;
}

static DsStreamingContext *
ds_conformance_rate_set_up (gpointer user_data, GError **error)
{
  DsConformanceRate *self = user_data;
  g_autoptr (DsReceiver) receiver =
      g_object_new (ds_conformance_trickle_get_type (), NULL);
  char *directory = g_steal_pointer (&self->session->directory);

  ds_conformance_session_init (self->session, self->engine, 1000, self->start_ms);
  self->session->directory = directory;
  g_object_set (self->session->streaming, "backpressure-enabled", TRUE,
                "backpressure-pid-min-rate", (double) self->rate, NULL);
  self->stream =
      ds_streaming_context_receiver_stream (self->session->streaming, receiver);
  ds_dstream_foreach_rdd (self->stream, ds_conformance_rate_take_time, self, NULL);
  return g_object_ref (self->session->streaming);
}

static gboolean
ds_conformance_rate_start (DsConformanceRate *self, GError **error)
{
  g_autoptr (DsStreamingContext) made =
      ds_streaming_context_get_or_create (self->session->directory,
                                          ds_conformance_rate_set_up, self, error);

  return made != NULL && ds_conformance_session_start (self->session, error);
}

static gint64
ds_conformance_rate_get (DsConformanceRate *self)
{
  return (gint64) ds_receiver_tracker_get_rate (self->session->streaming->receivers,
                                                self->stream);
}

/* Batches with records, until the receiver has been told a rate. */
static gboolean
ds_conformance_rate_run (DsConformanceRate *self, GError **error)
{
  for (gint64 i = 1; i <= DS_CONFORMANCE_MAX_BATCHES; i++)
    {
      ds_manual_clock_set_time (self->session->clock, i * DS_SECOND);
      if (!ds_streaming_context_await_batch (self->session->streaming, i * DS_SECOND,
                                             error))
        return FALSE;
      if (ds_conformance_rate_get (self) > 0)
        return ds_streaming_context_stop (self->session->streaming,
                                          DS_STOP_GRACEFULLY | DS_STOP_KEEP_CONTEXT,
                                          error);
    }
  return ds_conformance_differ (error, "no rate was set in %d batches",
                                DS_CONFORMANCE_MAX_BATCHES);
}

gboolean
ds_conformance_run_rate_recovery (DsConformanceCase *test_case, GError **error)
{
  g_auto (DsConformanceSession) first = { 0 };
  g_auto (DsConformanceSession) second = { 0 };
  DsConformanceRate self = { .session = &first, .engine = test_case->engine };
  gint64 expected = 0;

  if (!ds_conformance_read_int (test_case->op, "constant_rate", &self.rate, error) ||
      !ds_conformance_read_int (test_case->json,
                                "expected_limit_at_receiver_after_recovery", &expected,
                                error))
    return FALSE;
  first.directory = g_dir_make_tmp ("ds-conformance-XXXXXX", error);
  if (first.directory == NULL || !ds_conformance_rate_start (&self, error) ||
      !ds_conformance_rate_run (&self, error))
    return FALSE;

  self.start_ms = ds_clock_get_time (DS_CLOCK (first.clock)) / DS_MILLISECOND;
  second.directory = g_steal_pointer (&first.directory);
  ds_conformance_session_clear (&first);
  self.session = &second;
  if (!ds_conformance_rate_start (&self, error))
    return FALSE;
  return ds_conformance_rate_get (&self) == expected ||
         ds_conformance_differ (error,
                                "limit at the receiver %" G_GINT64_FORMAT
                                ", found %" G_GINT64_FORMAT,
                                expected, ds_conformance_rate_get (&self));
}
