/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cases of the queue stream: steps that put RDDs into the queue or let batches pass. */

#include "tests/conformance/ds-conformance-private.h"

static gboolean
ds_conformance_enqueue (DsConformanceCase *self,
                        DsDStream *queue,
                        JsonArray *items,
                        GError **error)
{
  g_autoptr (GPtrArray) blocks = ds_conformance_read_batches (items, error);
  gint64 n_partitions = 0;

  if (blocks == NULL ||
      !ds_conformance_read_int_or (self->json, "partitions", 0, &n_partitions, error))
    return FALSE;
  for (guint i = 0; i < blocks->len; i++)
    {
      DsBlock *block = g_ptr_array_index (blocks, i);

      if (block == NULL)
        return ds_conformance_differ (error, "null cannot be put into a queue");
      if (n_partitions > 0)
        {
          g_autoptr (DsRdd) rdd =
              ds_context_parallelize (self->engine, block, (guint) n_partitions);

          ds_dstream_push_rdd (queue, rdd);
        }
      else
        ds_dstream_push_block (queue, block);
    }
  return TRUE;
}

static gboolean
ds_conformance_run_queue_step (DsConformanceCase *self,
                               DsConformanceSession *session,
                               DsDStream *queue,
                               JsonObject *step,
                               GError **error)
{
  gint64 n_batches = 0;

  if (ds_conformance_has (step, "enqueue"))
    {
      JsonArray *items = ds_conformance_read_array (step, "enqueue", error);

      return items != NULL && ds_conformance_enqueue (self, queue, items, error);
    }
  if (!ds_conformance_has (step, "tick"))
    return ds_conformance_skip (error, "a step is neither \"enqueue\" nor \"tick\"");
  if (!ds_conformance_read_int (step, "tick", &n_batches, error))
    return FALSE;
  for (gint64 i = 0; i < n_batches; i++)
    {
      g_autoptr (GError) batch_error = NULL;

      if (!ds_conformance_session_tick (session, &batch_error))
        return ds_conformance_differ (error, "A batch failed: %s", batch_error->message);
    }
  return TRUE;
}

static gboolean
ds_conformance_set_queue_options (DsConformanceCase *self,
                                  DsDStream *queue,
                                  GError **error)
{
  ds_dstream_set_one_at_a_time (queue,
                                ds_conformance_get_boolean (self->op, "one_at_a_time",
                                                            TRUE));
  if (ds_conformance_has (self->op, "default"))
    {
      JsonArray *elements = ds_conformance_read_array (self->op, "default", error);
      g_autoptr (DsBlock) block = NULL;
      g_autoptr (DsRdd) rdd = NULL;

      if (elements == NULL)
        return FALSE;
      block = ds_conformance_read_block (elements);
      rdd = ds_context_parallelize (self->engine, block, 1);
      ds_dstream_set_default_rdd (queue, rdd);
    }
  return TRUE;
}

static gboolean
ds_conformance_compare_nonempty (DsConformanceCase *self,
                                 GPtrArray *blocks,
                                 GError **error)
{
  JsonArray *expected =
      ds_conformance_read_array (self->json, "expected_nonempty", error);

  for (guint i = blocks->len; i-- > 0;)
    if (ds_block_get_length (g_ptr_array_index (blocks, i)) == 0)
      g_ptr_array_remove_index (blocks, i);
  return expected != NULL &&
         ds_conformance_compare_blocks (expected, blocks, ds_conformance_get_order (self),
                                        error);
}

gboolean
ds_conformance_run_queue (DsConformanceCase *self, GError **error)
{
  g_autoptr (DsConformanceRecorder) recorder = ds_conformance_recorder_new ();
  g_auto (DsConformanceSession) session = { 0 };
  JsonArray *steps = ds_conformance_read_array (self->json, "steps", error);
  JsonArray *expected = NULL;
  g_autoptr (GPtrArray) blocks = NULL;
  DsDStream *queue = NULL;
  gint64 batch_ms = 0;

  if (steps == NULL ||
      !ds_conformance_read_int_or (self->json, "batch_ms", 1000, &batch_ms, error))
    return FALSE;

  ds_conformance_session_init (&session, self->engine, batch_ms, 0);
  queue = ds_streaming_context_queue_stream (session.streaming);
  if (!ds_conformance_set_queue_options (self, queue, error))
    return FALSE;
  ds_conformance_recorder_attach (recorder, queue);
  if (!ds_conformance_session_start (&session, error))
    return FALSE;
  for (guint i = 0; i < json_array_get_length (steps); i++)
    {
      JsonNode *step = json_array_get_element (steps, i);

      if (!JSON_NODE_HOLDS_OBJECT (step))
        return ds_conformance_differ (error, "Step %u is not an object", i + 1);
      if (!ds_conformance_run_queue_step (self, &session, queue,
                                          json_node_get_object (step), error))
        return FALSE;
    }

  blocks = ds_conformance_recorder_dup_blocks (recorder);
  if (ds_conformance_has (self->json, "expected_nonempty"))
    return ds_conformance_compare_nonempty (self, blocks, error);
  expected = ds_conformance_read_array (self->json, "expected", error);
  return expected != NULL &&
         ds_conformance_compare_blocks (expected, blocks, ds_conformance_get_order (self),
                                        error);
}
