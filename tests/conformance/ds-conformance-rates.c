/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cases of rate control: the control loop, the limiter, and how many partitions what a
 * receiver stored in a batch has at most. */

#include "tests/conformance/ds-conformance-private.h"

#include "dstream/ds-pid-rate-estimator-private.h"
#include "receivers/ds-rate-limiter-private.h"

#include <math.h>

#define DS_CONFORMANCE_N_STORED 50

static gboolean
ds_conformance_read_number (JsonObject *object,
                            const char *member,
                            double *value,
                            GError **error)
{
  JsonNode *node = json_object_get_member (object, member);

  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node) ||
      (json_node_get_value_type (node) != G_TYPE_INT64 &&
       json_node_get_value_type (node) != G_TYPE_DOUBLE))
    return ds_conformance_differ (error, "\"%s\" must be a number", member);
  *value = json_node_get_double (node);
  return TRUE;
}

/* Whole numbers only: times, numbers of records. */
static gboolean
ds_conformance_read_ints (JsonNode *node, gint64 *values, guint n_values)
{
  JsonArray *array = JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;

  if (array == NULL || json_array_get_length (array) != n_values)
    return FALSE;
  for (guint i = 0; i < n_values; i++)
    {
      JsonNode *element = json_array_get_element (array, i);

      if (!JSON_NODE_HOLDS_VALUE (element) ||
          json_node_get_value_type (element) != G_TYPE_INT64)
        return FALSE;
      values[i] = json_node_get_int (element);
    }
  return TRUE;
}

/* ---- The control loop ---- */

static gboolean
ds_conformance_compare_call (DsPidRateEstimator *pid,
                             guint index,
                             JsonNode *call,
                             JsonNode *expected,
                             GError **error)
{
  gint64 values[4]; /* time, records, processing and scheduling delay */
  double rate = 0;
  gboolean has_rate = FALSE;
  g_autofree char *text = ds_conformance_node_to_text (expected);

  if (!ds_conformance_read_ints (call, values, G_N_ELEMENTS (values)))
    return ds_conformance_differ (error, "Call %u is not a list of 4 whole numbers",
                                  index + 1);
  has_rate = ds_pid_rate_estimator_compute (pid, values[0] * DS_MILLISECOND, values[1],
                                            values[2] * DS_MILLISECOND,
                                            values[3] * DS_MILLISECOND, &rate);
  if (JSON_NODE_HOLDS_NULL (expected))
    return !has_rate || ds_conformance_differ (error, "Call %u: expected null, found %g",
                                               index + 1, rate);
  if (!has_rate)
    return ds_conformance_differ (error, "Call %u: expected %s, found null", index + 1,
                                  text);
  return fabs (json_node_get_double (expected) - rate) <= 1e-9 * fabs (rate) ||
         ds_conformance_differ (error, "Call %u: expected %s, found %.17g", index + 1,
                                text, rate);
}

static gboolean
ds_conformance_run_pid (DsConformanceCase *self, GError **error)
{
  DsPidSettings settings = { 0 };
  g_autoptr (DsPidRateEstimator) pid = NULL;
  g_autoptr (GError) local_error = NULL;
  JsonArray *calls = ds_conformance_read_array (self->json, "calls", error);
  JsonArray *expected =
      calls != NULL ? ds_conformance_read_array (self->json, "expected", error) : NULL;
  gint64 batch_ms = 0;
  gboolean is_equal = TRUE;

  if (expected == NULL ||
      !ds_conformance_read_int (self->op, "batch_ms", &batch_ms, error) ||
      !ds_conformance_read_number (self->op, "proportional", &settings.proportional,
                                   error) ||
      !ds_conformance_read_number (self->op, "integral", &settings.integral, error) ||
      !ds_conformance_read_number (self->op, "derivative", &settings.derivative, error) ||
      !ds_conformance_read_number (self->op, "min_rate", &settings.min_rate, error))
    return FALSE;
  if (json_array_get_length (calls) == 0 ||
      json_array_get_length (calls) != json_array_get_length (expected))
    return ds_conformance_differ (error,
                                  "\"calls\" and \"expected\" must be lists of one "
                                  "length, not empty");

  settings.batch_interval = batch_ms * DS_MILLISECOND;
  pid = ds_pid_rate_estimator_new (&settings, &local_error);
  if (pid == NULL)
    return ds_conformance_differ (error, "%s", local_error->message);
  for (guint i = 0; is_equal && i < json_array_get_length (calls); i++)
    is_equal = ds_conformance_compare_call (pid, i, json_array_get_element (calls, i),
                                            json_array_get_element (expected, i), error);
  return is_equal;
}

/* "args": batch in ms, proportional, integral, derivative, least rate. */
static gboolean
ds_conformance_run_pid_new (DsConformanceCase *self, GError **error)
{
  JsonArray *args = ds_conformance_read_array (self->op, "args", error);
  gboolean is_to_fail = ds_conformance_has (self->json, "expected_error");
  g_autoptr (DsPidRateEstimator) pid = NULL;
  g_autoptr (GError) local_error = NULL;
  DsPidSettings settings = { 0 };
  double values[5];

  if (args == NULL)
    return FALSE;
  if (json_array_get_length (args) != G_N_ELEMENTS (values))
    return ds_conformance_differ (error, "\"args\" must have 5 numbers");
  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    values[i] = json_array_get_double_element (args, i);

  settings.batch_interval = (DsDuration) (values[0] * DS_MILLISECOND);
  settings.proportional = values[1];
  settings.integral = values[2];
  settings.derivative = values[3];
  settings.min_rate = values[4];
  pid = ds_pid_rate_estimator_new (&settings, &local_error);
  if ((pid == NULL) == is_to_fail)
    return TRUE;
  return ds_conformance_differ (error, "expected %s, found %s",
                                is_to_fail ? "an illegal argument" : "no error",
                                pid != NULL ? "none" : local_error->message);
}

/* ---- The limiter ---- */

static gboolean
ds_conformance_run_limiter (DsConformanceCase *self, GError **error)
{
  g_autoptr (DsManualClock) clock = ds_manual_clock_new (0);
  g_autoptr (DsRateLimiter) limiter = NULL;
  JsonArray *updates = ds_conformance_read_array (self->json, "updates", error);
  gint64 max_rate = 0;
  gint64 initial_rate = 0;
  gint64 expected = 0;

  if (updates == NULL ||
      !ds_conformance_read_int_or (self->op, "max_rate", 0, &max_rate, error) ||
      !ds_conformance_read_int_or (self->op, "initial_rate", 0, &initial_rate, error) ||
      !ds_conformance_read_int (self->json, "expected_limit", &expected, error))
    return FALSE;
  if (max_rate < 0 || initial_rate < 0)
    return ds_conformance_differ (error, "rates must not be below 0");

  limiter = ds_rate_limiter_new (DS_CLOCK (clock), DS_SECOND, (guint64) max_rate,
                                 (guint64) initial_rate);
  for (guint i = 0; i < json_array_get_length (updates); i++)
    ds_rate_limiter_publish (limiter, json_array_get_double_element (updates, i));
  return ds_rate_limiter_get_rate (limiter) == (guint64) expected ||
         ds_conformance_differ (error,
                                "expected %" G_GINT64_FORMAT ", found %" G_GUINT64_FORMAT,
                                expected, ds_rate_limiter_get_rate (limiter));
}

/* ---- Partitions of what was received ---- */

G_DECLARE_FINAL_TYPE (DsConformanceReceiver,
                      ds_conformance_receiver,
                      DS_CONFORMANCE,
                      RECEIVER,
                      DsReceiver)

struct _DsConformanceReceiver
{
  DsReceiver parent_instance;
};

G_DEFINE_FINAL_TYPE (DsConformanceReceiver, ds_conformance_receiver, DS_TYPE_RECEIVER)

/* Many blocks of one record, then nothing. */
static gboolean
ds_conformance_receiver_run (DsReceiver *receiver,
                             GCancellable *cancellable,
                             GError **error)
{
  for (guint i = 0; i < DS_CONFORMANCE_N_STORED; i++)
    {
      g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
      g_autoptr (DsBlock) block = NULL;

      ds_block_builder_add (builder, ds_value_int (i));
      block = ds_block_builder_end (builder);
      if (!ds_receiver_store_block (receiver, block, 0, error))
        return FALSE;
    }
  return TRUE;
}

static void
ds_conformance_receiver_class_init (DsConformanceReceiverClass *klass)
{
  DS_RECEIVER_CLASS (klass)->run = ds_conformance_receiver_run;
}

static void
ds_conformance_receiver_init (DsConformanceReceiver *self)
{
}

static gboolean
ds_conformance_run_blocks (DsConformanceCase *self, GError **error)
{
  g_autoptr (DsConformanceRecorder) recorder = ds_conformance_recorder_new ();
  g_auto (DsConformanceSession) session = { 0 };
  g_autoptr (DsReceiver) receiver =
      g_object_new (ds_conformance_receiver_get_type (), NULL);
  g_autoptr (GError) batch_error = NULL;
  gint64 deadline = g_get_monotonic_time () + 20 * DS_SECOND;
  gint64 batch_ms = 0;
  gint64 block_ms = 0;
  gint64 at_most = 0;
  guint found = 0;

  if (!ds_conformance_read_int (self->op, "batch_ms", &batch_ms, error) ||
      !ds_conformance_read_int (self->op, "block_ms", &block_ms, error) ||
      !ds_conformance_read_int (self->json, "expected_at_most", &at_most, error))
    return FALSE;

  ds_conformance_session_init (&session, self->engine, batch_ms, 0);
  g_object_set (session.streaming, "block-interval", block_ms * DS_MILLISECOND, NULL);
  ds_conformance_recorder_attach (recorder,
                                  ds_streaming_context_receiver_stream (session.streaming,
                                                                        receiver));
  if (!ds_conformance_session_start (&session, error))
    return FALSE;
  while (ds_streaming_context_get_n_received (session.streaming) <
             DS_CONFORMANCE_N_STORED &&
         g_get_monotonic_time () < deadline)
    g_thread_yield ();
  if (!ds_conformance_session_tick (&session, &batch_error))
    return ds_conformance_differ (error, "The batch failed: %s", batch_error->message);
  if (ds_streaming_context_get_n_processed (session.streaming) != DS_CONFORMANCE_N_STORED)
    return ds_conformance_differ (error, "not all of %d blocks are in the batch",
                                  DS_CONFORMANCE_N_STORED);

  /* An engine with more workers gives each something to do. */
  found = ds_conformance_recorder_get_n_partitions (recorder, 0);
  at_most = MAX (at_most, (gint64) ds_context_get_default_parallelism (self->engine));
  return (found >= 1 && found <= at_most) ||
         ds_conformance_differ (error,
                                "expected 1 to %" G_GINT64_FORMAT " partitions, found %u",
                                at_most, found);
}

gboolean
ds_conformance_run_rates (DsConformanceCase *self, GError **error)
{
  if (g_str_equal (self->op_name, "pid"))
    return ds_conformance_run_pid (self, error);
  if (g_str_equal (self->op_name, "pid_new"))
    return ds_conformance_run_pid_new (self, error);
  if (g_str_equal (self->op_name, "rate_limiter"))
    return ds_conformance_run_limiter (self, error);
  return ds_conformance_run_blocks (self, error);
}
