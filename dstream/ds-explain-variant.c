/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Explanations for programs, as variants: dictionaries can gain entries, every language
 * that introspection reaches can read them, and they become JSON or D-Bus messages as
 * they are. */

#include "dstream/ds-explain-private.h"
#include "dstream/ds-streaming-context-private.h"

static void
ds_explain_add_number (GVariantDict *dict,
                       const char *key,
                       gboolean knows,
                       guint64 number)
{
  if (knows)
    g_variant_dict_insert (dict, key, "t", number);
}

static GVariant *
ds_explain_make_operator (const DsOperatorFacts *facts)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  DsDStreamNode *node = ds_dstream_get_node (facts->stream);

  g_variant_dict_insert (&dict, "name", "s", ds_dstream_describe (facts->stream));
  g_variant_dict_insert (&dict, "kind", "s", node->ops->kind);
  g_variant_dict_insert (&dict, "id", "u", node->id);
  g_variant_dict_insert (&dict, "is-input", "b", DS_IS_INPUT_DSTREAM (facts->stream));
  g_variant_dict_insert (&dict, "has-rdd", "b", facts->has_rdd);
  ds_explain_add_number (&dict, "n-in", facts->knows_in, facts->n_in);
  ds_explain_add_number (&dict, "n-out", facts->knows_out, facts->n_out);
  g_variant_dict_insert (&dict, "is-part", "b", facts->is_part);
  return g_variant_dict_end (&dict);
}

static GVariant *
ds_explain_make_stream (DsDStream *stream)
{
  g_auto (DsExplanation) explanation = { 0 };
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_auto (GVariantBuilder) operators = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));

  ds_explanation_init (&explanation, stream);
  for (guint i = 0; i < explanation.operators->len; i++)
    g_variant_builder_add_value (&operators, ds_explain_make_operator (
                                                 &g_array_index (explanation.operators,
                                                                 DsOperatorFacts, i)));
  g_variant_dict_insert (&dict, "name", "s", ds_dstream_describe (stream));
  g_variant_dict_insert (&dict, "condition", "s",
                         ds_condition_get_nick (explanation.condition));
  g_variant_dict_insert (&dict, "reason", "s", explanation.reason);
  if (explanation.time != DS_TIME_NONE)
    g_variant_dict_insert (&dict, "batch-time", "x", explanation.time);
  g_variant_dict_insert_value (&dict, "operators", g_variant_builder_end (&operators));
  return g_variant_dict_end (&dict);
}

static void
ds_explain_add_delay (GVariantDict *dict, const char *key, const DsDistribution *delay)
{
  if (delay->minimum != DS_TIME_NONE)
    g_variant_dict_insert (dict, key, "(xxx)", delay->minimum, delay->median,
                           delay->maximum);
}

/**
 * ds_dstream_explain_as_variant:
 * @self: a stream
 *
 * What ds_dstream_explain () says, as a dictionary `a{sv}`:
 *
 * - `name` (s): of the stream
 * - `condition` (s): `gave`, or why nothing came out: `wrong` (the stream stands for a
 *   wrong call), `not-started`, `not-used` (no output reaches it), `no-batch` (none is
 *   over yet), `failed`, `inside-window`, `no-rdd`, `not-computed`, `not-connected`,
 *   `no-data`, `all-filtered`
 * - `reason` (s): the same as a sentence
 * - `batch-time` (x): of the last batch that is over, in µs; missing before the first
 * - `operators` (aa{sv}): all that lead to the stream, parents first, it last; each with
 *   `name` (s), `kind` (s), `id` (u), `is-input` (b), `has-rdd` (b), `n-in` and `n-out`
 *   (t; missing when not known) and `is-part` (b: no more values were asked for)
 *
 * Any thread, at any time, also in functions and handlers of the stream.
 *
 * Returns: (transfer full): the dictionary
 */
GVariant *
ds_dstream_explain_as_variant (DsDStream *self)
{
  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);

  return g_variant_ref_sink (ds_explain_make_stream (self));
}

/**
 * ds_streaming_context_explain_as_variant:
 * @self: a context
 *
 * What ds_streaming_context_explain () says, as a dictionary `a{sv}`:
 *
 * - `state` (s): `initialized`, `active` or `stopped`
 * - `n-batches-completed`, `n-batches-failed`, `n-received`, `n-processed` (x)
 * - `scheduling-delay`, `processing-delay`, `total-delay` (xxx): minimum, median and
 *   maximum of the last ten batches, in µs; missing before the first
 * - `outputs` (aa{sv}): each with `name` (s), `description` (s) and `stream` (a{sv}), the
 *   ds_dstream_explain_as_variant () of its stream
 *
 * Any thread, at any time, also in functions and handlers of the stream.
 *
 * Returns: (transfer full): the dictionary
 */
GVariant *
ds_streaming_context_explain_as_variant (DsStreamingContext *self)
{
  static const char *const states[] = { "initialized", "active", "stopped" };
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_auto (GVariantBuilder) outputs = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));
  DsBatchStatistics statistics;

  g_return_val_if_fail (DS_IS_STREAMING_CONTEXT (self), NULL);

  ds_batch_log_get_statistics (self->log, &statistics);
  g_variant_dict_insert (&dict, "state", "s",
                         states[ds_streaming_context_get_state (self)]);
  g_variant_dict_insert (&dict, "n-batches-completed", "x", statistics.n_completed);
  g_variant_dict_insert (&dict, "n-batches-failed", "x", statistics.n_failed);
  g_variant_dict_insert (&dict, "n-received", "x",
                         ds_streaming_context_get_n_received (self));
  g_variant_dict_insert (&dict, "n-processed", "x",
                         ds_streaming_context_get_n_processed (self));
  ds_explain_add_delay (&dict, "scheduling-delay", &statistics.scheduling_delay);
  ds_explain_add_delay (&dict, "processing-delay", &statistics.processing_delay);
  ds_explain_add_delay (&dict, "total-delay", &statistics.total_delay);
  for (guint i = 0; i < ds_graph_get_n_outputs (self->graph); i++)
    {
      DsOutput *output = ds_graph_get_output (self->graph, i);
      g_autofree char *description = ds_output_get_description (output);
      g_auto (GVariantDict) entry = G_VARIANT_DICT_INIT (NULL);

      g_variant_dict_insert (&entry, "name", "s", ds_output_get_name (output));
      g_variant_dict_insert (&entry, "description", "s", description);
      g_variant_dict_insert_value (&entry, "stream",
                                   ds_explain_make_stream (output->stream));
      g_variant_builder_add_value (&outputs, g_variant_dict_end (&entry));
    }
  g_variant_dict_insert_value (&dict, "outputs", g_variant_builder_end (&outputs));
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}
