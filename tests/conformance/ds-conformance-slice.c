/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cases of slice: run all batches, then ask for the RDDs of an interval. */

#include "tests/conformance/ds-conformance-private.h"

/* "<name>_ms", or "<name>_batch" counted from 1. */
static gboolean
ds_conformance_read_bound (DsConformanceCase *self,
                           const char *name,
                           DsDuration interval,
                           DsTime *time,
                           GError **error)
{
  g_autofree char *in_batches = g_strdup_printf ("%s_batch", name);
  g_autofree char *in_ms = g_strdup_printf ("%s_ms", name);
  gboolean is_batch = ds_conformance_has (self->op, in_batches);
  gint64 number = 0;

  if (!ds_conformance_read_int (self->op, is_batch ? in_batches : in_ms, &number, error))
    return FALSE;
  *time = number * (is_batch ? interval : DS_MILLISECOND);
  return TRUE;
}

/* All elements of @rdds, one after the other. */
static DsBlock *
ds_conformance_collect_all (GPtrArray *rdds, GError **error)
{
  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();

  for (guint i = 0; i < rdds->len; i++)
    {
      g_autoptr (GError) local_error = NULL;
      g_autoptr (DsBlock) block =
          ds_rdd_collect (g_ptr_array_index (rdds, i), &local_error);

      if (block == NULL)
        {
          ds_conformance_differ (error, "RDD %u of the slice: %s", i + 1,
                                 local_error->message);
          return NULL;
        }
      for (gsize j = 0; j < ds_block_get_length (block); j++)
        ds_block_builder_add (builder, ds_block_get (block, j));
    }
  return ds_block_builder_end (builder);
}

gboolean
ds_conformance_run_slice (DsConformanceCase *self, GError **error)
{
  g_autoptr (DsConformanceRecorder) recorder = ds_conformance_recorder_new ();
  g_auto (DsConformanceSession) session = { 0 };
  g_auto (DsConformanceGraph) graph = { 0 };
  g_autoptr (GPtrArray) rdds = NULL;
  g_autoptr (DsBlock) found = NULL;
  g_autoptr (GError) local_error = NULL;
  JsonArray *expected = ds_conformance_read_array (self->json, "expected", error);
  DsDStream *stream = NULL;
  gint64 batch_ms = 0;
  gint64 n_batches = 0;
  DsTime from = 0;
  DsTime to = 0;

  if (expected == NULL ||
      !ds_conformance_read_int (self->json, "batch_ms", &batch_ms, error))
    return FALSE;
  ds_conformance_session_init (&session, self->engine, batch_ms, 0);
  ds_conformance_graph_init (&graph, self, &session);
  if (!ds_conformance_graph_add_sources (&graph, error) ||
      !ds_conformance_read_bound (self, "from", session.interval, &from, error) ||
      !ds_conformance_read_bound (self, "to", session.interval, &to, error) ||
      !ds_conformance_read_int_or (
          self->json, "num_batches",
          json_array_get_length (json_object_get_array_member (self->json, "input")),
          &n_batches, error))
    return FALSE;

  stream = ds_conformance_graph_build (&graph, error);
  if (stream == NULL)
    return FALSE;
  ds_conformance_recorder_attach (recorder, stream);
  ds_streaming_context_remember (session.streaming,
                                 MAX (n_batches, 1) * session.interval);
  if (!ds_conformance_session_start (&session, error))
    return FALSE;
  for (gint64 i = 0; i < n_batches; i++)
    if (!ds_conformance_session_tick (&session, &local_error))
      return ds_conformance_differ (error, "Batch %" G_GINT64_FORMAT " failed: %s", i + 1,
                                    local_error->message);

  rdds = ds_dstream_slice (stream, from, to, &local_error);
  if (rdds == NULL)
    return ds_conformance_differ (error, "No slice: %s", local_error->message);
  found = ds_conformance_collect_all (rdds, error);
  return found != NULL &&
         ds_conformance_compare_block (expected, found, ds_conformance_get_order (self),
                                       "The slice", error);
}
