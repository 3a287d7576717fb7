/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Explanations for people: a sentence for the stream, and a line for each operator that
 * leads to it with what went in and what came out. */

#include "dstream/ds-explain-private.h"
#include "dstream/ds-streaming-context-private.h"

#include <string.h>

static void
ds_explain_append_number (GString *text,
                          const char *label,
                          gboolean knows,
                          guint64 number)
{
  g_autofree char *shown =
      knows ? g_strdup_printf ("%" G_GUINT64_FORMAT, number) : g_strdup ("-");

  g_string_append_printf (text, " %s %8s", label, shown);
}

static void
ds_explain_append_operators (GString *text, const DsExplanation *explanation)
{
  gsize width = 0;

  for (guint i = 0; i < explanation->operators->len; i++)
    {
      DsOperatorFacts *facts =
          &g_array_index (explanation->operators, DsOperatorFacts, i);

      width = MAX (width, strlen (ds_dstream_describe (facts->stream)));
    }
  for (guint i = 0; i < explanation->operators->len; i++)
    {
      DsOperatorFacts *facts =
          &g_array_index (explanation->operators, DsOperatorFacts, i);

      g_string_append_printf (text, "  %-*s", (int) width,
                              ds_dstream_describe (facts->stream));
      if (facts->has_rdd)
        {
          ds_explain_append_number (text, "in", facts->knows_in, facts->n_in);
          ds_explain_append_number (text, "out", facts->knows_out, facts->n_out);
          if (facts->is_part)
            g_string_append (text, " (as far as asked for)");
        }
      else
        g_string_append (text, " no RDD");
      g_string_append_c (text, '\n');
    }
}

static void
ds_explain_append_stream (GString *text, DsDStream *stream)
{
  g_auto (DsExplanation) explanation = { 0 };

  ds_explanation_init (&explanation, stream);
  g_string_append (text, ds_dstream_describe (stream));
  if (explanation.time != DS_TIME_NONE)
    g_string_append_printf (text, ", batch %" G_GINT64_FORMAT " ms",
                            explanation.time / DS_MILLISECOND);
  g_string_append_printf (text, ": %s\n", explanation.reason);
  if (explanation.time != DS_TIME_NONE)
    ds_explain_append_operators (text, &explanation);
}

static void
ds_explain_append_delay (GString *text, const char *label, const DsDistribution *delay)
{
  g_string_append_printf (text, "  %-16s %10.3f %10.3f %10.3f\n", label,
                          (double) delay->minimum / DS_MILLISECOND,
                          (double) delay->median / DS_MILLISECOND,
                          (double) delay->maximum / DS_MILLISECOND);
}

static void
ds_explain_append_batches (GString *text, DsStreamingContext *context)
{
  DsBatchStatistics statistics;

  ds_batch_log_get_statistics (context->log, &statistics);
  g_string_append_printf (text,
                          "batches: %" G_GINT64_FORMAT " completed, %" G_GINT64_FORMAT
                          " failed; records: %" G_GINT64_FORMAT
                          " received, %" G_GINT64_FORMAT " processed\n",
                          statistics.n_completed, statistics.n_failed,
                          ds_streaming_context_get_n_received (context),
                          ds_streaming_context_get_n_processed (context));
  if (statistics.n_delays == 0)
    return;
  g_string_append_printf (text, "  last %-11u %10s %10s %10s (ms)\n", statistics.n_delays,
                          "minimum", "median", "maximum");
  ds_explain_append_delay (text, "scheduling delay", &statistics.scheduling_delay);
  ds_explain_append_delay (text, "processing delay", &statistics.processing_delay);
  ds_explain_append_delay (text, "total delay", &statistics.total_delay);
}

/**
 * ds_dstream_explain:
 * @self: a stream
 *
 * Says why the stream gave what it gave in the last batch that is over: that the context
 * is not started, that no output reaches the stream, that no data came in or a receiver
 * is not connected, that a window is not due, that an operator filtered everything out,
 * that the batch failed and why, or how many values came out.  A line for each operator
 * that leads to the stream follows: how many values went in and came out.  "-" is a
 * number that nobody had to find out, as the values of an RDD that no job computed.
 *
 * Any thread, before, during and after the run, also in functions and handlers of the
 * stream.  The numbers are counted anyway, once a chunk.  For programs:
 * ds_dstream_explain_as_variant ().
 *
 * Returns: (transfer full): lines, the last one ended too; free them with g_free ()
 */
char *
ds_dstream_explain (DsDStream *self)
{
  GString *text;

  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);

  text = g_string_new (NULL);
  ds_explain_append_stream (text, self);
  return g_string_free (text, FALSE);
}

/**
 * ds_streaming_context_explain:
 * @self: a context
 *
 * Says how the context fares: its state, batches and records, minimum, median and maximum
 * of the delays of the last ten batches, and, for each output, what
 * ds_dstream_explain () says of its stream.
 *
 * Any thread, at any time, also in functions and handlers of the stream.
 *
 * Returns: (transfer full): lines, the last one ended too; free them with g_free ()
 */
char *
ds_streaming_context_explain (DsStreamingContext *self)
{
  static const char *const states[] = { "initialized", "active", "stopped" };
  g_autoptr (GString) text = NULL;
  const GError *build_error;

  g_return_val_if_fail (DS_IS_STREAMING_CONTEXT (self), NULL);

  text = g_string_new (ds_context_get_app_name (self->context));
  g_string_append_printf (text, ": %s, a batch every %.3f s\n",
                          states[ds_streaming_context_get_state (self)],
                          (double) self->interval / DS_SECOND);
  build_error = ds_streaming_context_get_build_error (self);
  if (build_error != NULL)
    g_string_append_printf (text, "built wrongly: %s\n", build_error->message);
  else if (ds_streaming_context_get_start_error (self) != NULL)
    g_string_append_printf (text, "the start failed: %s\n",
                            ds_streaming_context_get_start_error (self)->message);
  ds_explain_append_batches (text, self);
  for (guint i = 0; i < ds_graph_get_n_outputs (self->graph); i++)
    {
      DsOutput *output = ds_graph_get_output (self->graph, i);
      g_autofree char *description = ds_output_get_description (output);

      g_string_append_printf (text, "\n%s: %s\n", ds_output_get_name (output),
                              description);
      ds_explain_append_stream (text, output->stream);
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}
