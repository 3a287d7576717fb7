/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs a graph on the library under a manual clock, some batches at a time, and keeps
 * what its outputs gave. */

#include "tests/property/ds-property-private.h"

static void
ds_property_free_strings (gpointer strings)
{
  if (strings != NULL)
    g_ptr_array_unref (strings);
}

void
ds_property_run_free (DsPropertyRun *self)
{
  g_ptr_array_unref (self->lists);
  g_clear_pointer (&self->slice, g_ptr_array_unref);
  g_free (self);
}

/* The printed elements of a batch, in the order in which they came. */
static GPtrArray *
ds_property_print_block (DsBlock *block)
{
  GPtrArray *lines = g_ptr_array_new_with_free_func (g_free);

  for (gsize i = 0; i < ds_block_get_length (block); i++)
    {
      GString *text = g_string_new (NULL);

      ds_property_print (text, ds_block_get (block, i));
      g_ptr_array_add (lines, g_string_free (text, FALSE));
    }
  return lines;
}

static GPtrArray *
ds_property_read_output (DsOutput *output, guint n_batches)
{
  GPtrArray *batches = g_ptr_array_new_with_free_func (ds_property_free_strings);

  for (guint batch = 1; batch <= n_batches; batch++)
    {
      DsBlock *block = ds_output_get_block (output, batch * DS_SECOND);

      g_ptr_array_add (batches, block != NULL ? ds_property_print_block (block) : NULL);
    }
  return batches;
}

/* A little after each batch time: ends are rounded down. */
static GPtrArray *
ds_property_read_slice (DsPropertyGraph *graph, DsDStream *stream, GError **error)
{
  g_autoptr (GPtrArray) slice = g_ptr_array_new_with_free_func (ds_property_free_strings);
  g_autoptr (GPtrArray) rdds =
      ds_dstream_slice (stream, graph->slice_from * DS_SECOND + 1,
                        graph->slice_to * DS_SECOND + DS_MILLISECOND, error);

  for (guint i = 0; rdds != NULL && i < rdds->len; i++)
    {
      g_autoptr (DsBlock) block = ds_rdd_collect (g_ptr_array_index (rdds, i), error);

      if (block == NULL)
        return NULL;
      g_ptr_array_add (slice, ds_property_print_block (block));
    }
  return rdds != NULL ? g_steal_pointer (&slice) : NULL;
}

/* How many batches the clock goes on by at once is drawn too: those that wait and those
 * that run must not matter to each other. */
static gboolean
ds_property_run_batches (DsPropertyGraph *graph,
                         DsStreamingContext *streaming,
                         DsManualClock *clock,
                         GError **error)
{
  DsPropertyRandom random = { graph->seed + 1 };
  guint batch = 0;

  while (batch < graph->n_batches)
    {
      guint n_steps = 1 + ds_property_random_below (&random, 6);

      n_steps = MIN (n_steps, graph->n_batches - batch);
      batch += n_steps;
      ds_manual_clock_advance (clock, n_steps * DS_SECOND);
      if (!ds_streaming_context_await_batch (streaming, batch * DS_SECOND, error))
        return FALSE;
    }
  return TRUE;
}

static DsStreamingContext *
ds_property_new_context (DsPropertyGraph *graph,
                         const DsPropertyEngine *engine,
                         DsManualClock *clock)
{
  DsStreamingContext *streaming =
      ds_streaming_context_new_for_context (engine->engine, DS_SECOND);

  ds_streaming_context_set_clock (streaming, DS_CLOCK (clock));
  ds_streaming_context_checkpoint (streaming, engine->directory);
  ds_streaming_context_allow_fresh_start (streaming);
  g_object_set (streaming, "stop-context", FALSE, NULL);
  if (engine->failures == DS_PROPERTY_FAILING_BATCHES)
    g_object_set (streaming, "failure-policy", DS_FAILURE_POLICY_RETRY,
                  "max-batch-retries", graph->nodes->len + 1, NULL);
  graph->failures = engine->failures;
  for (guint id = 0; id < graph->nodes->len; id++)
    memset (ds_property_graph_get (graph, id)->has_failed, 0,
            (graph->n_batches + 1) * sizeof (gint));
  return streaming;
}

DsPropertyRun *
ds_property_run (DsPropertyGraph *graph, const DsPropertyEngine *engine, char **message)
{
  g_autoptr (DsManualClock) clock = ds_manual_clock_new (0);
  g_autoptr (DsStreamingContext) streaming =
      ds_property_new_context (graph, engine, clock);
  g_autoptr (GPtrArray) streams = ds_property_build (graph, streaming);
  g_autoptr (GPtrArray) outputs = g_ptr_array_new ();
  g_autoptr (DsPropertyRun) run = g_new0 (DsPropertyRun, 1);
  g_autoptr (GError) error = NULL;

  run->lists = g_ptr_array_new_with_free_func (ds_property_free_strings);
  for (guint id = 0; id < graph->nodes->len; id++)
    g_ptr_array_add (outputs, ds_property_graph_get (graph, id)->is_output
                                  ? ds_dstream_collect (g_ptr_array_index (streams, id))
                                  : NULL);
  if (graph->has_slice)
    ds_streaming_context_remember (streaming, graph->n_batches * DS_SECOND);
  if (ds_streaming_context_start (streaming, &error) &&
      ds_property_run_batches (graph, streaming, clock, &error) && graph->has_slice)
    {
      /* Nobody tries again what a slice computes again. */
      graph->failures = DS_PROPERTY_NO_FAILURES;
      run->slice =
          ds_property_read_slice (graph, g_ptr_array_index (streams, graph->slice),
                                  &error);
    }
  if (error != NULL)
    *message = g_strdup_printf ("it fails: %s", error->message);
  for (guint id = 0; id < outputs->len; id++)
    {
      DsOutput *output = g_ptr_array_index (outputs, id);

      g_ptr_array_add (run->lists,
                       output != NULL && error == NULL
                           ? ds_property_read_output (output, graph->n_batches)
                           : NULL);
    }
  if (ds_streaming_context_get_state (streaming) == DS_STREAMING_ACTIVE)
    ds_streaming_context_stop (streaming, DS_STOP_NOW | DS_STOP_KEEP_CONTEXT, NULL);
  return error == NULL ? g_steal_pointer (&run) : NULL;
}
