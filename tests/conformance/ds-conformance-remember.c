/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cases of remembering: graphs written as "NAME = EXPRESSION", after some batches the
 * remember duration of each named stream, and the times whose RDDs it still has. */

#include "tests/conformance/ds-conformance-private.h"

#include "dstream/ds-streaming-context-private.h"

/* "outer = inner.window(4000)": gives the stream its name. */
static gboolean
ds_conformance_assign (DsConformanceGraph *graph, const char *line, GError **error)
{
  g_auto (GStrv) sides = g_strsplit (line, "=", 2);
  DsDStream *stream = NULL;

  if (g_strv_length (sides) != 2)
    return ds_conformance_differ (error, "\"%s\" is not of the form NAME = EXPRESSION",
                                  line);
  stream = ds_conformance_graph_evaluate (graph, g_strstrip (sides[1]), error);
  if (stream == NULL)
    return FALSE;
  g_hash_table_insert (graph->names, g_strdup (g_strstrip (sides[0])), stream);
  return TRUE;
}

static gboolean
ds_conformance_build_lines (DsConformanceGraph *graph, GError **error)
{
  JsonArray *lines = ds_conformance_read_array (graph->test_case->op, "graph", error);

  for (guint i = 0; lines != NULL && i < json_array_get_length (lines); i++)
    {
      JsonNode *line = json_array_get_element (lines, i);

      if (!JSON_NODE_HOLDS_VALUE (line) ||
          json_node_get_value_type (line) != G_TYPE_STRING)
        return ds_conformance_differ (error, "Line %u of \"graph\" is not a string",
                                      i + 1);
      if (!ds_conformance_assign (graph, json_node_get_string (line), error))
        return FALSE;
    }
  return lines != NULL;
}

/* "input", or a name of the graph. */
static DsDStreamNode *
ds_conformance_find_node (DsConformanceGraph *graph, const char *name, GError **error)
{
  DsDStream *stream = ds_conformance_graph_evaluate (graph, name, error);

  return stream != NULL ? ds_dstream_get_node (stream) : NULL;
}

/* The object of @member, NULL where there is none. */
static JsonObject *
ds_conformance_get_object (DsConformanceCase *self, const char *member)
{
  JsonNode *node = json_object_get_member (self->json, member);

  return node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node)
                                                       : NULL;
}

static gboolean
ds_conformance_compare_remember (DsConformanceGraph *graph, GError **error)
{
  JsonObject *expected =
      ds_conformance_get_object (graph->test_case, "expected_remember_ms");
  g_autoptr (GList) names = expected != NULL ? json_object_get_members (expected) : NULL;

  for (GList *link = names; link != NULL; link = link->next)
    {
      DsDStreamNode *node = ds_conformance_find_node (graph, link->data, error);
      gint64 expected_ms = 0;

      if (node == NULL ||
          !ds_conformance_read_int (expected, link->data, &expected_ms, error))
        return FALSE;
      if (node->remember != expected_ms * DS_MILLISECOND)
        return ds_conformance_differ (error,
                                      "%s: expected to remember %" G_GINT64_FORMAT
                                      " ms, found %" G_GINT64_FORMAT " us",
                                      (const char *) link->data, expected_ms,
                                      node->remember);
    }
  return TRUE;
}

static gboolean
ds_conformance_compare_retained_times (const char *name,
                                       JsonArray *expected,
                                       GArray *generated,
                                       GError **error)
{
  g_autoptr (GString) found = g_string_new (NULL);
  gboolean is_equal = json_array_get_length (expected) == generated->len;

  for (guint i = 0; i < generated->len; i++)
    {
      DsTime time = g_array_index (generated, DsGeneratedRdd, i).time;

      is_equal =
          is_equal && json_array_get_int_element (expected, i) * DS_MILLISECOND == time;
      g_string_append_printf (found, " %" G_GINT64_FORMAT, time / DS_MILLISECOND);
    }
  return is_equal ||
         ds_conformance_differ (error, "%s: expected RDDs of %u times, found those of%s",
                                name, json_array_get_length (expected), found->str);
}

static gboolean
ds_conformance_compare_retained (DsConformanceGraph *graph, GError **error)
{
  JsonObject *expected =
      ds_conformance_get_object (graph->test_case, "expected_retained_times_ms");
  g_autoptr (GList) names = expected != NULL ? json_object_get_members (expected) : NULL;
  gboolean is_equal = TRUE;

  ds_graph_lock (graph->session->streaming->graph);
  for (GList *link = names; is_equal && link != NULL; link = link->next)
    {
      DsDStreamNode *node = ds_conformance_find_node (graph, link->data, error);
      JsonArray *times = ds_conformance_read_array (expected, link->data, error);

      is_equal = node != NULL && times != NULL &&
                 ds_conformance_compare_retained_times (link->data, times,
                                                        node->generated, error);
    }
  ds_graph_unlock (graph->session->streaming->graph);
  return is_equal;
}

gboolean
ds_conformance_run_remember (DsConformanceCase *self, GError **error)
{
  g_autoptr (DsConformanceRecorder) recorder = ds_conformance_recorder_new ();
  g_auto (DsConformanceSession) session = { 0 };
  g_auto (DsConformanceGraph) graph = { 0 };
  g_autoptr (GPtrArray) batches = g_ptr_array_new ();
  g_autoptr (GError) batch_error = NULL;
  GHashTableIter iter;
  gpointer stream = NULL;
  gint64 batch_ms = 0;
  gint64 n_batches = 0;
  gint64 remember_ms = 0;

  if (!ds_conformance_get_object (self, "expected_remember_ms") &&
      !ds_conformance_get_object (self, "expected_retained_times_ms"))
    return ds_conformance_differ (error, "The case expects nothing");
  if (!ds_conformance_read_int (self->json, "batch_ms", &batch_ms, error) ||
      !ds_conformance_read_int_or (self->json, "num_batches", 0, &n_batches, error) ||
      !ds_conformance_read_int_or (self->op, "context_remember_ms", 0, &remember_ms,
                                   error))
    return FALSE;

  ds_conformance_session_init (&session, self->engine, batch_ms, 0);
  ds_conformance_graph_init (&graph, self, &session);
  g_ptr_array_add (graph.sources,
                   ds_conformance_source_new (&session, self->engine, batches, 1));
  if (!ds_conformance_build_lines (&graph, error))
    return FALSE;
  g_hash_table_iter_init (&iter, graph.names);
  while (g_hash_table_iter_next (&iter, NULL, &stream))
    ds_conformance_recorder_attach (recorder, stream);
  if (remember_ms > 0)
    ds_streaming_context_remember (session.streaming, remember_ms * DS_MILLISECOND);

  if (!ds_conformance_session_start (&session, error))
    return FALSE;
  for (gint64 i = 0; i < n_batches; i++)
    if (!ds_conformance_session_tick (&session, &batch_error))
      return ds_conformance_differ (error, "Batch %" G_GINT64_FORMAT " failed: %s", i + 1,
                                    batch_error->message);
  return ds_conformance_compare_remember (&graph, error) &&
         ds_conformance_compare_retained (&graph, error);
}
