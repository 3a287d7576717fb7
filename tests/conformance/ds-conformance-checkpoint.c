/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checkpoints as far as they show without a restart: how often what a stream keeps is to
 * be written, and how long it remembers because of that. */

#include "tests/conformance/ds-conformance-private.h"

#include "dstream/ds-streaming-context-private.h"

gboolean
ds_conformance_set_checkpoint (DsConformanceGraph *graph,
                               DsDStream *stream,
                               JsonObject *params,
                               GError **error)
{
  DsDuration interval = 0;
  gint64 number = 0;

  if (ds_conformance_has (params, "checkpoint_ms"))
    {
      if (!ds_conformance_read_int (params, "checkpoint_ms", &number, error))
        return FALSE;
      interval = number * DS_MILLISECOND;
    }
  else if (ds_conformance_has (params, "checkpoint_batches"))
    {
      if (!ds_conformance_read_int (params, "checkpoint_batches", &number, error))
        return FALSE;
      interval = number * graph->session->interval;
    }
  if (interval == 0)
    return TRUE;
  ds_conformance_session_allow_checkpoints (graph->session);
  ds_dstream_checkpoint (stream, interval);
  return TRUE;
}

/* A context with one stateful stream, started, so that all durations are settled. */
static DsDStream *
ds_conformance_start_stateful (DsConformanceCase *self,
                               DsConformanceSession *session,
                               DsConformanceRecorder *recorder,
                               gint64 batch_ms,
                               const char *word,
                               GError **error)
{
  g_autoptr (GPtrArray) batches = g_ptr_array_new ();
  g_autoptr (JsonObject) params = json_object_new ();
  g_auto (DsConformanceGraph) graph = { 0 };
  const DsConformanceOperator *operation = NULL;
  gint64 explicit_ms = 0;
  DsDStream *stream = NULL;

  if (!ds_conformance_read_int_or (self->op, "explicit_ms", 0, &explicit_ms, error))
    return NULL;
  if (batch_ms <= 0)
    {
      ds_conformance_differ (error, "A batch of %" G_GINT64_FORMAT " ms", batch_ms);
      return NULL;
    }
  ds_conformance_session_init (session, self->engine, batch_ms, 0);
  ds_conformance_graph_init (&graph, self, session);
  operation = ds_conformance_find_operator (word, error);
  if (operation == NULL)
    return NULL;
  json_object_set_string_member (params, "func",
                                 g_str_equal (word, "mapWithState") ? "map_silent"
                                                                    : "sum_state");
  stream =
      operation->build (&graph,
                        ds_conformance_source_new (session, self->engine, batches, 1),
                        params, error);
  if (stream == NULL)
    return NULL;
  if (explicit_ms > 0)
    ds_dstream_checkpoint (stream, explicit_ms * DS_MILLISECOND);
  ds_conformance_recorder_attach (recorder, stream);
  return ds_conformance_session_start (session, error) ? stream : NULL;
}

static gboolean
ds_conformance_compare_duration (JsonObject *expected,
                                 const char *member,
                                 DsDuration found,
                                 GError **error)
{
  gint64 expected_ms = 0;

  if (!ds_conformance_has (expected, member))
    return !json_object_has_member (expected, member) || found == 0 ||
           ds_conformance_differ (error,
                                  "%s: expected none, found %" G_GINT64_FORMAT " us",
                                  member, found);
  if (!ds_conformance_read_int (expected, member, &expected_ms, error))
    return FALSE;
  return expected_ms * DS_MILLISECOND == found ||
         ds_conformance_differ (error,
                                "%s: expected %" G_GINT64_FORMAT
                                " ms, found %" G_GINT64_FORMAT " us",
                                member, expected_ms, found);
}

gboolean
ds_conformance_run_checkpoint_interval (DsConformanceCase *self, GError **error)
{
  g_autoptr (DsConformanceRecorder) recorder = ds_conformance_recorder_new ();
  g_auto (DsConformanceSession) session = { 0 };
  DsDStream *stream = NULL;
  gint64 slide_ms = 0;

  if (!ds_conformance_has (self->json, "expected_ms") &&
      !ds_conformance_has (self->json, "expected_min_remember_ms"))
    return ds_conformance_differ (error, "The case expects nothing");
  if (!ds_conformance_read_int (self->op, "slide_ms", &slide_ms, error))
    return FALSE;
  stream = ds_conformance_start_stateful (self, &session, recorder, slide_ms,
                                          "updateStateByKey", error);
  return stream != NULL &&
         ds_conformance_compare_duration (self->json, "expected_ms",
                                          ds_dstream_get_checkpoint_interval (stream),
                                          error) &&
         ds_conformance_compare_duration (self->json, "expected_min_remember_ms",
                                          ds_dstream_get_node (stream)->remember, error);
}

/* Of mapWithState: the interval is that of the state inside, the stream has none. */
gboolean
ds_conformance_run_state_checkpoint_interval (DsConformanceCase *self, GError **error)
{
  g_autoptr (DsConformanceRecorder) recorder = ds_conformance_recorder_new ();
  g_auto (DsConformanceSession) session = { 0 };
  JsonNode *expected = json_object_get_member (self->json, "expected");
  DsDStream *stream = NULL;
  DsDuration inside = 0;
  gint64 batch_ms = 0;

  if (expected == NULL || !JSON_NODE_HOLDS_OBJECT (expected))
    return ds_conformance_differ (error, "\"expected\" is not an object");
  if (!ds_conformance_read_int (self->op, "batch_ms", &batch_ms, error))
    return FALSE;
  stream = ds_conformance_start_stateful (self, &session, recorder, batch_ms,
                                          "mapWithState", error);
  if (stream == NULL)
    return FALSE;
  inside = ds_dstream_get_checkpoint_interval (stream);
  return ds_conformance_compare_duration (json_node_get_object (expected),
                                          "internal_state_stream_interval_ms", inside,
                                          error) &&
         ds_conformance_compare_duration (
             json_node_get_object (expected), "mapped_stream_interval_ms",
             ds_dstream_get_node (stream)->checkpoints_only_inside ? 0 : inside, error);
}
