/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Why did nothing come out?  The possible reasons are gone through from the outermost
 * (the context is not started) to the innermost (an operator let nothing through), and
 * the first that holds is told: whatever lies behind it is a consequence. */

#include "dstream/ds-explain-private.h"
#include "dstream/ds-file-input-dstream-private.h"
#include "dstream/ds-streaming-context-private.h"

const char *
ds_condition_get_nick (DsCondition condition)
{
  static const char *const nicks[] = {
    [DS_CONDITION_WRONG] = "wrong",
    [DS_CONDITION_NOT_STARTED] = "not-started",
    [DS_CONDITION_NOT_USED] = "not-used",
    [DS_CONDITION_NO_BATCH] = "no-batch",
    [DS_CONDITION_FAILED] = "failed",
    [DS_CONDITION_INSIDE_WINDOW] = "inside-window",
    [DS_CONDITION_NO_RDD] = "no-rdd",
    [DS_CONDITION_NOT_COMPUTED] = "not-computed",
    [DS_CONDITION_NOT_CONNECTED] = "not-connected",
    [DS_CONDITION_NO_DATA] = "no-data",
    [DS_CONDITION_ALL_FILTERED] = "all-filtered",
    [DS_CONDITION_GAVE] = "gave",
  };

  return nicks[condition];
}

static void G_GNUC_PRINTF (3, 4) ds_explanation_tell (DsExplanation *self,
                                                      DsCondition condition,
                                                      const char *format,
                                                      ...)
{
  va_list arguments;

  self->condition = condition;
  va_start (arguments, format);
  self->reason = g_strdup_vprintf (format, arguments);
  va_end (arguments);
}

/* ---- What the operators did ---- */

static void
ds_explain_collect_ancestors (DsDStream *stream, GHashTable *found)
{
  DsDStreamNode *node = ds_dstream_get_node (stream);

  if (!g_hash_table_add (found, stream))
    return;
  for (guint i = 0; i < node->n_parents; i++)
    ds_explain_collect_ancestors (node->parents[i], found);
}

static DsOperatorFacts *
ds_explain_find_operator (GArray *operators, DsDStream *stream)
{
  for (guint i = 0; i < operators->len; i++)
    {
      DsOperatorFacts *facts = &g_array_index (operators, DsOperatorFacts, i);

      if (facts->stream == stream)
        return facts;
    }
  g_assert_not_reached ();
}

static void
ds_operator_facts_fill (DsOperatorFacts *self,
                        const DsStreamNote *note,
                        DsTime time,
                        GArray *operators)
{
  DsDStreamNode *node = ds_dstream_get_node (self->stream);
  const DsFlow *flow = &note->flow;

  self->has_rdd = note->time == time && note->has_rdd;
  if (!self->has_rdd)
    return;

  self->knows_in = node->n_parents > 0;
  for (guint i = 0; i < node->n_parents; i++)
    {
      DsOperatorFacts *parent = ds_explain_find_operator (operators, node->parents[i]);

      self->n_in += parent->n_out;
      self->knows_in = self->knows_in && parent->knows_out;
    }

  /* An RDD without partitions needs no computing, and has no values. */
  self->knows_out =
      flow->is_prepared && (flow->n_computed > 0 || flow->n_partitions == 0);
  self->n_out = flow->n_values;
  self->n_text_bytes = flow->n_values == 0 ? flow->n_text_bytes : 0;
  self->is_part = self->knows_out && flow->n_computed < flow->n_partitions;
  /* Text goes through some operators with its lines uncounted, and what nobody computed
   * may have been counted when it was received. */
  if ((!self->knows_out || (flow->n_values == 0 && flow->n_text_bytes > 0)) &&
      note->n_received >= 0 && node->n_parents == 0)
    {
      self->knows_out = TRUE;
      self->n_out = (guint64) note->n_received;
      self->is_part = FALSE;
    }
  else if (flow->n_values == 0 && flow->n_text_bytes > 0)
    {
      self->knows_out = self->knows_in;
      self->n_out = self->n_in;
    }
}

static void
ds_explanation_fill_operators (DsExplanation *self,
                               DsGraph *graph,
                               const DsStreamNote *notes)
{
  g_autoptr (GHashTable) found = g_hash_table_new (NULL, NULL);
  guint n_streams = ds_graph_get_n_streams (graph);

  ds_explain_collect_ancestors (self->stream, found);
  for (guint i = 0; i < n_streams; i++)
    {
      DsDStream *stream = ds_graph_get_stream (graph, i);
      DsOperatorFacts facts = { .stream = stream };

      if (!g_hash_table_contains (found, stream))
        continue;
      if (self->time != DS_TIME_NONE)
        ds_operator_facts_fill (&facts, &notes[i], self->time, self->operators);
      g_array_append_val (self->operators, facts);
    }
}

/* ---- The reason ---- */

/* Whether an output that failed needs the stream. */
static gboolean
ds_explain_is_hit (DsDStream *stream, DsGraph *graph, const DsLastBatch *last)
{
  if (last->error == NULL || last->failed_outputs == NULL)
    return last->error != NULL;
  for (guint i = 0; i < last->failed_outputs->len; i++)
    {
      guint id = g_array_index (last->failed_outputs, guint, i);
      g_autoptr (GHashTable) needed = g_hash_table_new (NULL, NULL);

      ds_explain_collect_ancestors (ds_graph_get_output (graph, id)->stream, needed);
      if (g_hash_table_contains (needed, stream))
        return TRUE;
    }
  /* State that failed before any output ran. */
  return last->failed_outputs->len == 0;
}

/* "no data": why, if a receiver knows. */
static void
ds_explanation_tell_no_data (DsExplanation *self, DsStreamingContext *context)
{
  g_autoptr (GString) text = g_string_new ("no data came in this batch");
  DsCondition condition = DS_CONDITION_NO_DATA;

  for (guint i = 0; i < self->operators->len; i++)
    {
      DsDStream *stream = g_array_index (self->operators, DsOperatorFacts, i).stream;
      g_autoptr (DsReceiverInfo) info =
          ds_streaming_context_get_receiver_info (context, stream);
      const GError *error = info != NULL ? ds_receiver_info_get_last_error (info) : NULL;
      g_autofree char *scan = ds_file_input_dstream_explain (stream);

      if (scan != NULL)
        g_string_append_printf (text, "; %s: %s", ds_dstream_describe (stream), scan);
      if (info == NULL)
        continue;
      if (!ds_receiver_info_is_failing (info) && ds_receiver_info_is_active (info))
        {
          g_autofree char *known = ds_socket_stream_explain (stream);

          if (known != NULL)
            g_string_append_printf (text, "; %s: %s", ds_dstream_describe (stream),
                                    known);
          continue;
        }
      condition = DS_CONDITION_NOT_CONNECTED;
      g_string_append_printf (text, "; the receiver of %s (%s) %s",
                              ds_dstream_describe (stream),
                              ds_receiver_info_get_location (info) != NULL
                                  ? ds_receiver_info_get_location (info)
                                  : "never started",
                              ds_receiver_info_is_active (info) ? "is not connected"
                                                                : "has stopped");
      if (error != NULL)
        g_string_append_printf (text, ": %s", error->message);
    }
  ds_explanation_tell (self, condition, "%s", text->str);
}

/* Nothing came out: who was the last to have something? */
static void
ds_explanation_tell_nothing (DsExplanation *self, DsStreamingContext *context)
{
  for (guint i = 0; i < self->operators->len; i++)
    {
      DsOperatorFacts *facts = &g_array_index (self->operators, DsOperatorFacts, i);

      if (facts->knows_in && facts->n_in > 0 && facts->knows_out && facts->n_out == 0)
        {
          ds_explanation_tell (self, DS_CONDITION_ALL_FILTERED,
                               "all filtered: %" G_GUINT64_FORMAT " in, 0 out at %s",
                               facts->n_in, ds_dstream_describe (facts->stream));
          return;
        }
    }
  ds_explanation_tell_no_data (self, context);
}

static void
ds_explanation_tell_values (DsExplanation *self,
                            DsStreamingContext *context,
                            const DsOperatorFacts *own)
{
  guint64 rate = ds_receiver_tracker_get_rate (context->receivers, self->stream);
  g_autofree char *limit =
      rate > 0 ? g_strdup_printf ("; its receiver is limited to %" G_GUINT64_FORMAT
                                  " records a second",
                                  rate)
               : g_strdup ("");

  ds_explanation_tell (self, DS_CONDITION_GAVE, "gave %" G_GUINT64_FORMAT " value%s%s%s",
                       own->n_out, own->n_out == 1 ? "" : "s",
                       own->is_part ? "; no more were asked for" : "", limit);
}

static void
ds_explanation_find_reason (DsExplanation *self,
                            DsStreamingContext *context,
                            const DsLastBatch *last)
{
  DsDStreamNode *node = ds_dstream_get_node (self->stream);
  DsOperatorFacts *own =
      &g_array_index (self->operators, DsOperatorFacts, self->operators->len - 1);
  DsTime zero_time = node->zero_time;

  if (node->remember == 0)
    ds_explanation_tell (self, DS_CONDITION_NOT_USED,
                         "no output reaches this stream, so nothing ever asks it for "
                         "values");
  else if (last->time == DS_TIME_NONE)
    ds_explanation_tell (
        self, DS_CONDITION_NO_BATCH,
        "no batch is over yet; the first one that this stream has a part "
        "in is that of %" G_GINT64_FORMAT " ms",
        (zero_time + node->slide) / DS_MILLISECOND);
  else if (ds_explain_is_hit (self->stream, context->graph, last))
    ds_explanation_tell (self, DS_CONDITION_FAILED, "the batch failed: %s",
                         last->error->message);
  else if (!ds_dstream_is_time_valid (self->stream, last->time))
    ds_explanation_tell (self, DS_CONDITION_INSIDE_WINDOW,
                         "inside the window: no RDD is due until %" G_GINT64_FORMAT
                         " ms, it slides by %.3f s",
                         (zero_time +
                          ((last->time - zero_time) / node->slide + 1) * node->slide) /
                             DS_MILLISECOND,
                         (double) node->slide / DS_SECOND);
  else if (!own->has_rdd)
    ds_explanation_tell (self, DS_CONDITION_NO_RDD, "it had no RDD for this batch");
  else if (!own->knows_out && own->n_text_bytes > 0)
    ds_explanation_tell (self, DS_CONDITION_GAVE,
                         "gave %" G_GUINT64_FORMAT
                         " bytes of text, of which nobody counted the lines",
                         own->n_text_bytes);
  else if (!own->knows_out)
    ds_explanation_tell (self, DS_CONDITION_NOT_COMPUTED,
                         "nobody asked its RDD for values, or for their number");
  else if (own->n_out > 0)
    ds_explanation_tell_values (self, context, own);
  else
    ds_explanation_tell_nothing (self, context);
}

void
ds_explanation_init (DsExplanation *self, DsDStream *stream)
{
  DsDStreamNode *node = ds_dstream_get_node (stream);
  DsStreamingContext *context = node->context;
  g_autofree DsStreamNote *notes = NULL;
  g_auto (DsLastBatch) last = { .time = DS_TIME_NONE };
  const GError *build_error;

  self->stream = stream;
  self->time = DS_TIME_NONE;
  self->operators = g_array_new (FALSE, TRUE, sizeof (DsOperatorFacts));
  build_error = context != NULL ? ds_streaming_context_get_build_error (context) : NULL;

  if (context == NULL)
    ds_explanation_tell (self, DS_CONDITION_NOT_STARTED,
                         "it belongs to no streaming context, or to one that is gone");
  else if (node->is_inert)
    ds_explanation_tell (self, DS_CONDITION_WRONG, "it stands for a wrong call: %s",
                         build_error != NULL ? build_error->message : "see the warning");
  else if (ds_streaming_context_get_start_error (context) != NULL)
    ds_explanation_tell (self, DS_CONDITION_NOT_STARTED,
                         "the context could not be started: %s",
                         ds_streaming_context_get_start_error (context)->message);
  else if (__atomic_load_n (&node->zero_time, __ATOMIC_ACQUIRE) == DS_TIME_NONE)
    ds_explanation_tell (self, DS_CONDITION_NOT_STARTED,
                         build_error != NULL ? "the context cannot be started: %s"
                                             : "the context is not started%s",
                         build_error != NULL ? build_error->message : "");
  if (context == NULL || node->is_inert)
    return;

  notes = g_new0 (DsStreamNote, ds_graph_get_n_streams (context->graph));
  ds_batch_log_get_last (context->log, context->graph, &last, notes);
  self->time = last.time;
  ds_explanation_fill_operators (self, context->graph, notes);
  if (self->reason == NULL)
    ds_explanation_find_reason (self, context, &last);
}

void
ds_explanation_clear (DsExplanation *self)
{
  g_clear_pointer (&self->reason, g_free);
  g_clear_pointer (&self->operators, g_array_unref);
}
