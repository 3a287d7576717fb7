/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cases that describe a computation: build the graph, run the batches one at a time, and
 * compare every RDD that the last stream gave: contents, time, number of partitions, or
 * the failure that is due. */

#include "tests/conformance/ds-conformance-private.h"

#include <string.h>

/* A field that is not among these changes what the case means, so that running it without
 * would be a lie. */
static const char *const ds_conformance_dataflow_members[] = {
  "batch_ms",
  "expected",
  "expected_before_error",
  "expected_error",
  "expected_from",
  "expected_partitions",
  "expected_state_snapshots",
  "expected_times_ms",
  "functions",
  "input",
  "inputs",
  "name",
  "note",
  "num_batches",
  "op",
  "ordered",
  "partitions",
  "pipeline",
  "source",
  "unordered_inner",
  "verified",
  NULL,
};

static gboolean
ds_conformance_check_members (DsConformanceCase *self, GError **error)
{
  g_autoptr (GList) members = json_object_get_members (self->json);

  for (GList *link = members; link != NULL; link = link->next)
    if (!g_strv_contains (ds_conformance_dataflow_members, link->data))
      return ds_conformance_skip (error, "field \"%s\" is not known for a computation",
                                  (const char *) link->data);
  if (!ds_conformance_has (self->json, "expected") &&
      !ds_conformance_has (self->json, "expected_error"))
    return ds_conformance_differ (error, "The case expects nothing");
  return TRUE;
}

static gint64
ds_conformance_count_batches (DsConformanceCase *self)
{
  JsonArray *inputs = NULL;
  gint64 n_batches = 0;

  if (!ds_conformance_has (self->json, "inputs"))
    return ds_conformance_has (self->json, "input")
               ? json_array_get_length (
                     json_object_get_array_member (self->json, "input"))
               : 0;
  inputs = json_object_get_array_member (self->json, "inputs");
  for (guint i = 0; i < json_array_get_length (inputs); i++)
    n_batches =
        MAX (n_batches, json_array_get_length (json_array_get_array_element (inputs, i)));
  return n_batches;
}

/* ---- What came out ---- */

static gboolean
ds_conformance_compare_times (DsConformanceCase *self,
                              DsConformanceRecorder *recorder,
                              GError **error)
{
  guint length = ds_conformance_recorder_get_length (recorder);
  JsonArray *times = NULL;

  if (!ds_conformance_has (self->json, "expected_times_ms"))
    return TRUE;
  times = ds_conformance_read_array (self->json, "expected_times_ms", error);
  if (times == NULL)
    return FALSE;
  if (json_array_get_length (times) != length)
    return ds_conformance_differ (error, "Expected RDDs at %u times, found %u",
                                  json_array_get_length (times), length);
  for (guint i = 0; i < length; i++)
    {
      DsTime time = ds_conformance_recorder_get_time (recorder, i);

      if (json_array_get_int_element (times, i) * DS_MILLISECOND != time)
        return ds_conformance_differ (error,
                                      "RDD %u: expected at %" G_GINT64_FORMAT
                                      " ms, found at %" G_GINT64_FORMAT " us",
                                      i + 1, json_array_get_int_element (times, i), time);
    }
  return TRUE;
}

static gboolean
ds_conformance_compare_partitions (DsConformanceCase *self,
                                   DsConformanceRecorder *recorder,
                                   GError **error)
{
  gint64 n_expected = 0;

  if (!ds_conformance_has (self->json, "expected_partitions"))
    return TRUE;
  if (!ds_conformance_read_int (self->json, "expected_partitions", &n_expected, error))
    return FALSE;
  for (guint i = 0; i < ds_conformance_recorder_get_length (recorder); i++)
    if (ds_conformance_recorder_get_n_partitions (recorder, i) != n_expected)
      return ds_conformance_differ (
          error, "RDD %u: expected %" G_GINT64_FORMAT " partitions, found %u", i + 1,
          n_expected, ds_conformance_recorder_get_n_partitions (recorder, i));
  return TRUE;
}

static gboolean
ds_conformance_compare_recorded (DsConformanceCase *self,
                                 DsConformanceRecorder *recorder,
                                 const char *member,
                                 GError **error)
{
  JsonArray *expected = ds_conformance_read_array (self->json, member, error);
  g_autoptr (GPtrArray) blocks = ds_conformance_recorder_dup_blocks (recorder);

  return expected != NULL &&
         ds_conformance_compare_blocks (expected, blocks, ds_conformance_get_order (self),
                                        error) &&
         ds_conformance_compare_times (self, recorder, error) &&
         ds_conformance_compare_partitions (self, recorder, error);
}

/* All states after each batch; their order says nothing. */
static gboolean
ds_conformance_compare_snapshots (DsConformanceCase *self,
                                  DsConformanceRecorder *snapshots,
                                  GError **error)
{
  DsConformanceOrder order = ds_conformance_get_order (self);
  g_autoptr (GPtrArray) blocks = ds_conformance_recorder_dup_blocks (snapshots);
  g_autoptr (GError) local_error = NULL;
  JsonArray *expected = NULL;

  if (!ds_conformance_has (self->json, "expected_state_snapshots"))
    return TRUE;
  expected = ds_conformance_read_array (self->json, "expected_state_snapshots", error);
  order.ordered = FALSE;
  if (expected == NULL)
    return FALSE;
  return ds_conformance_compare_blocks (expected, blocks, order, &local_error) ||
         ds_conformance_differ (error, "State snapshots: %s", local_error->message);
}

/* ---- Failures that are due ---- */

typedef enum
{
  DS_CONFORMANCE_PHASE_NONE,
  DS_CONFORMANCE_PHASE_BUILD,
  DS_CONFORMANCE_PHASE_START,
  DS_CONFORMANCE_PHASE_BATCH
} DsConformancePhase;

static gboolean
ds_conformance_read_phase (DsConformanceCase *self,
                           DsConformancePhase *phase,
                           gint64 *at_batch,
                           GError **error)
{
  JsonObject *expected = NULL;
  const char *name = NULL;

  *phase = DS_CONFORMANCE_PHASE_NONE;
  *at_batch = 0;
  if (!ds_conformance_has (self->json, "expected_error"))
    return TRUE;
  if (!JSON_NODE_HOLDS_OBJECT (json_object_get_member (self->json, "expected_error")))
    return ds_conformance_differ (error, "\"expected_error\" is not an object");
  expected = json_object_get_object_member (self->json, "expected_error");
  name = ds_conformance_read_string (expected, "phase", error);
  if (name == NULL ||
      !ds_conformance_read_int_or (expected, "at_batch", 0, at_batch, error))
    return FALSE;

  if (g_str_has_prefix (name, "building") || g_str_has_prefix (name, "construction"))
    *phase = DS_CONFORMANCE_PHASE_BUILD;
  else if (g_str_has_prefix (name, "start"))
    *phase = DS_CONFORMANCE_PHASE_START;
  else if (g_str_has_prefix (name, "job"))
    *phase = DS_CONFORMANCE_PHASE_BATCH;
  else
    return ds_conformance_skip (error, "phase \"%s\" of a failure is not known", name);
  return TRUE;
}

/* Runs until a batch fails or all are done; @n_done counts those that did not fail. */
static gboolean
ds_conformance_run_batches (DsConformanceSession *session,
                            gint64 n_batches,
                            gint64 *n_done,
                            GError **error)
{
  for (*n_done = 0; *n_done < n_batches; (*n_done)++)
    if (!ds_conformance_session_tick (session, error))
      return FALSE;
  return TRUE;
}

static gboolean
ds_conformance_expect_failure (DsConformanceCase *self,
                               DsConformanceSession *session,
                               DsConformanceRecorder *recorder,
                               gint64 at_batch,
                               gint64 n_batches,
                               GError **error)
{
  g_autoptr (GError) batch_error = NULL;
  g_autoptr (GError) await_error = NULL;
  gint64 n_done = 0;

  if (ds_conformance_run_batches (session, n_batches, &n_done, &batch_error))
    return ds_conformance_differ (error,
                                  "Expected batch %" G_GINT64_FORMAT
                                  " to fail; none of %" G_GINT64_FORMAT " did",
                                  at_batch, n_batches);
  if (at_batch > 0 && n_done + 1 != at_batch)
    return ds_conformance_differ (error,
                                  "Expected batch %" G_GINT64_FORMAT
                                  " to fail; batch %" G_GINT64_FORMAT " did: %s",
                                  at_batch, n_done + 1, batch_error->message);
  if (ds_streaming_context_await_termination_or_timeout (session->streaming,
                                                         10 * DS_SECOND, &await_error))
    return ds_conformance_differ (
        error,
        "The failure was not handed on by await_termination, only by the batch: %s",
        batch_error->message);
  return !ds_conformance_has (self->json, "expected_before_error") ||
         ds_conformance_compare_recorded (self, recorder, "expected_before_error", error);
}

static gboolean
ds_conformance_expect_success (DsConformanceCase *self,
                               DsConformanceSession *session,
                               DsConformanceRecorder *recorder,
                               gint64 n_batches,
                               GError **error)
{
  g_autoptr (GError) batch_error = NULL;
  gint64 n_done = 0;

  if (!ds_conformance_run_batches (session, n_batches, &n_done, &batch_error))
    return ds_conformance_differ (error, "Batch %" G_GINT64_FORMAT " failed: %s",
                                  n_done + 1, batch_error->message);
  return ds_conformance_compare_recorded (self, recorder, "expected", error);
}

gboolean
ds_conformance_run_dataflow (DsConformanceCase *self, GError **error)
{
  /* Before the session: its threads write to it until the session is over. */
  g_autoptr (DsConformanceRecorder) recorder = ds_conformance_recorder_new ();
  g_autoptr (DsConformanceRecorder) snapshots = ds_conformance_recorder_new ();
  g_auto (DsConformanceSession) session = { 0 };
  g_auto (DsConformanceGraph) graph = { 0 };
  DsConformancePhase phase = DS_CONFORMANCE_PHASE_NONE;
  DsDStream *result = NULL;
  const GError *build_error = NULL;
  gint64 batch_ms = 0;
  gint64 n_batches = 0;
  gint64 at_batch = 0;

  if (!ds_conformance_check_members (self, error) ||
      !ds_conformance_read_phase (self, &phase, &at_batch, error) ||
      !ds_conformance_read_int (self->json, "batch_ms", &batch_ms, error))
    return FALSE;
  if (batch_ms <= 0)
    return ds_conformance_differ (error, "\"batch_ms\" is %" G_GINT64_FORMAT, batch_ms);

  ds_conformance_session_init (&session, self->engine, batch_ms, 0);
  ds_conformance_graph_init (&graph, self, &session);
  if (!ds_conformance_graph_add_sources (&graph, error) ||
      !ds_conformance_read_int_or (self->json, "num_batches",
                                   ds_conformance_count_batches (self), &n_batches,
                                   error))
    return FALSE;
  result = ds_conformance_graph_build (&graph, error);
  if (result == NULL)
    return FALSE;
  ds_conformance_recorder_attach (recorder, result);
  if (ds_conformance_has (self->json, "expected_state_snapshots"))
    {
      if (graph.mapped == NULL)
        return ds_conformance_differ (error, "Snapshots are expected of no mapWithState");
      ds_conformance_recorder_attach (snapshots,
                                      ds_dstream_state_snapshots (graph.mapped));
    }

  build_error = ds_streaming_context_get_build_error (session.streaming);
  if (phase == DS_CONFORMANCE_PHASE_BUILD)
    return build_error != NULL ||
           ds_conformance_differ (error, "Expected an error while building the graph");
  if (phase == DS_CONFORMANCE_PHASE_START)
    return !ds_conformance_session_start (&session, NULL) ||
           ds_conformance_differ (error, "Expected an error at start");
  if (!ds_conformance_session_start (&session, error))
    return FALSE;
  if (phase == DS_CONFORMANCE_PHASE_BATCH)
    return ds_conformance_expect_failure (self, &session, recorder, at_batch, n_batches,
                                          error);
  return ds_conformance_expect_success (self, &session, recorder, n_batches, error) &&
         ds_conformance_compare_snapshots (self, snapshots, error);
}
