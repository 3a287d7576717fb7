/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Giving a graph back what a checkpoint and the log have of it: first it must be the same
 * graph, as far as something lasts in it; then sources get their positions and the plans
 * of batches, streams what they kept, and what windows look back at is made again. */

#include "dstream/ds-recovery-core-private.h"

#include "base/ds-time-private.h"
#include "dstream/ds-checkpoint-capture-private.h"
#include "dstream/ds-input-recovery-private.h"
#include "dstream/ds-received-block-log-private.h"
#include "dstream/ds-streaming-context-private.h"
#include "rdd/ds-context-private.h"

#include <string.h>

/* ---- Matching ---- */

static gboolean
ds_recovery_check_interval (DsRecovery *self, DsStreamingContext *context, GError **error)
{
  g_autofree char *saved = ds_duration_to_seconds_string (self->meta.interval);
  g_autofree char *now = ds_duration_to_seconds_string (context->interval);

  if (self->meta.interval == context->interval)
    return TRUE;
  g_set_error (
      error, DS_ERROR, DS_ERROR_GRAPH_MISMATCH,
      "The checkpoint in \"%s\" is of batches of %s, the context has batches of "
      "%s; make the context with the same batch interval, or begin anew in another "
      "directory",
      ds_durable_directory_get_path (self->directory), saved, now);
  return FALSE;
}

/* Sources of this graph that something has to be given back to. */
static gboolean
ds_recovery_check_inputs (DsStreamingContext *context, GError **error)
{
  for (guint i = 0; i < ds_graph_get_n_inputs (context->graph); i++)
    {
      DsInputDStream *input = ds_graph_get_input (context->graph, i);
      const DsInputRecovery *recovery =
          ds_dstream_get_node (DS_DSTREAM (input))->ops->recovery;

      if (recovery != NULL && recovery->check != NULL && !recovery->check (input, error))
        return FALSE;
    }
  return TRUE;
}

gboolean
ds_recovery_match (DsRecovery *self,
                   DsStreamingContext *context,
                   GPtrArray *dropped,
                   gboolean accepts_new,
                   GError **error)
{
  g_autoptr (DsGraphSignature) current =
      ds_graph_signature_new (context->graph, context->interval);

  g_free (self->places);
  self->places = g_new0 (int, MAX (ds_graph_signature_get_n_entries (self->saved), 1));
  self->matched_fingerprint = ds_graph_signature_get_fingerprint (current);
  if (!ds_recovery_check_interval (self, context, error) ||
      !ds_recovery_check_inputs (context, error))
    return FALSE;
  if (!ds_graph_signature_match (current, self->saved, dropped, accepts_new, self->places,
                                 error))
    {
      g_prefix_error (error, "Cannot recover from \"%s\": ",
                      ds_durable_directory_get_path (self->directory));
      return FALSE;
    }
  /* From here on places are those of streams, not of entries. */
  for (guint i = 0; i < ds_graph_signature_get_n_entries (self->saved); i++)
    if (self->places[i] >= 0)
      self->places[i] =
          (int) ds_graph_signature_get_entry (current, (guint) self->places[i])->index;
  return TRUE;
}

void
ds_recovery_tell_needless (DsRecovery *self,
                           DsStreamingContext *context,
                           GPtrArray *dropped)
{
  g_autoptr (DsGraphSignature) current =
      ds_graph_signature_new (context->graph, context->interval);
  g_autofree char *names =
      ds_graph_signature_find_needless (current, self->saved, dropped);

  if (names != NULL)
    g_message ("Nothing has to be dropped of %s. If the name is right, the call of "
               "ds_streaming_context_drop_state () can go",
               names);
}

/* The stream that entry @entry of the checkpoint belongs to; NULL: it was dropped. */
static DsDStream *
ds_recovery_find_stream (DsRecovery *self, DsGraph *graph, guint entry, DsEntryRole role)
{
  if (entry >= ds_graph_signature_get_n_entries (self->saved) ||
      self->places[entry] < 0 ||
      ds_graph_signature_get_entry (self->saved, entry)->role != role)
    return NULL;
  return ds_graph_get_stream (graph, (guint) self->places[entry]);
}

static guint
ds_recovery_get_entry (DsCheckpointReader *reader, guint section)
{
  guint flags;

  ds_checkpoint_reader_get_section (reader, section, NULL, NULL, &flags, NULL);
  return DS_SECTION_ENTRY (flags);
}

/* The one that a section is of. */
static DsDStream *
ds_recovery_get_stream (DsRecovery *self,
                        DsGraph *graph,
                        DsCheckpointReader *reader,
                        guint section,
                        DsEntryRole role)
{
  return ds_recovery_find_stream (self, graph, ds_recovery_get_entry (reader, section),
                                  role);
}

static DsSectionType
ds_recovery_get_type (DsCheckpointReader *reader, guint section)
{
  DsSectionType type;

  ds_checkpoint_reader_get_section (reader, section, &type, NULL, NULL, NULL);
  return type;
}

/* ---- Sources ---- */

static gboolean
ds_recovery_load_position (DsRecovery *self,
                           DsGraph *graph,
                           DsCheckpointReader *reader,
                           guint index,
                           GError **error)
{
  g_autoptr (GByteArray) bytes = NULL;
  DsDStream *stream = ds_recovery_get_stream (self, graph, reader, index, DS_ENTRY_INPUT);
  const DsInputRecovery *recovery;

  recovery = stream != NULL ? ds_dstream_get_node (stream)->ops->recovery : NULL;
  if (recovery == NULL)
    return TRUE;
  bytes = ds_recovery_read_section (reader, index, error);
  if (bytes != NULL &&
      recovery->load_position (DS_INPUT_DSTREAM (stream), bytes->data, bytes->len, error))
    return TRUE;
  g_prefix_error (error, "Recovering where %s was: ", ds_dstream_describe (stream));
  return FALSE;
}

/* Who wrote something to the log: number and name ("": none) in the graph of
 * @fingerprint, which need be neither that of the checkpoint nor this one: a version of
 * the program may have been killed before its first checkpoint. */
typedef struct
{
  guint64 fingerprint;
  guint number;
  const char *name;
} DsLoggedInput;

/* By its name; else by its number, which says something in a graph of the same form. */
static DsDStream *
ds_logged_input_find (const DsLoggedInput *self, DsGraph *graph, gboolean is_same_graph)
{
  DsDStream *stream =
      *self->name != '\0' ? ds_graph_find_stream (graph, self->name) : NULL;

  if (stream != NULL)
    return DS_IS_INPUT_DSTREAM (stream) ? stream : NULL;
  if (!is_same_graph || self->number >= ds_graph_get_n_inputs (graph))
    return NULL;
  stream = DS_DSTREAM (ds_graph_get_input (graph, self->number));
  return *self->name == '\0' || ds_dstream_get_node (stream)->name == NULL ? stream
                                                                           : NULL;
}

/* Whether what the checkpoint knows says that @input was dropped, or nobody asked it:
 * else the graph would not fit.  An input without a name may have got one since. */
static gboolean
ds_recovery_is_gone (DsRecovery *self, const DsLoggedInput *input)
{
  gboolean is_told = *input->name != '\0';

  for (guint i = 0; i < ds_graph_signature_get_n_entries (self->saved); i++)
    {
      const DsGraphEntry *entry = ds_graph_signature_get_entry (self->saved, i);

      is_told = is_told || (entry->role == DS_ENTRY_INPUT && !entry->is_named);
    }
  return is_told &&
         input->fingerprint == ds_graph_signature_get_fingerprint (self->saved);
}

/* The name of @input.  One that had none when the log was written may have got one since,
 * in a graph of the same form: the checkpoint knows which. */
static const char *
ds_recovery_find_name (DsRecovery *self, const DsLoggedInput *input)
{
  guint number = 0;

  if (*input->name != '\0' ||
      input->fingerprint != ds_graph_signature_get_fingerprint (self->saved))
    return input->name;
  for (guint i = 0; i < ds_graph_signature_get_n_entries (self->saved); i++)
    {
      const DsGraphEntry *entry = ds_graph_signature_get_entry (self->saved, i);

      if (entry->role == DS_ENTRY_INPUT && number++ == input->number)
        return entry->is_named ? entry->name : input->name;
    }
  return input->name;
}

/* *@stream: NULL: what it had is dropped.  FALSE with error: nobody said that it may be.
 */
static gboolean
ds_recovery_find_input (DsRecovery *self,
                        DsStreamingContext *context,
                        const DsLoggedInput *logged,
                        DsDStream **stream,
                        GError **error)
{
  const DsLoggedInput known = { logged->fingerprint, logged->number,
                                ds_recovery_find_name (self, logged) };
  const DsLoggedInput *input = &known;
  gboolean is_dropped = g_ptr_array_find_with_equal_func (context->dropped_states,
                                                          input->name, g_str_equal, NULL);

  *stream = NULL;
  if (!is_dropped)
    *stream = ds_logged_input_find (input, context->graph,
                                    input->fingerprint == self->matched_fingerprint);
  if (is_dropped || *stream != NULL || ds_recovery_is_gone (self, input))
    return TRUE;
  g_set_error (
      error, DS_ERROR, DS_ERROR_GRAPH_MISMATCH,
      "the log has what input %u (%s) brought to an earlier version of the program, and "
      "it cannot be told which input of this one that is.  Nothing was changed.  Ways "
      "out: start that version once more, until it has written a checkpoint, or, in the "
      "set-up function, ds_streaming_context_drop_state () for an input with a name",
      input->number, *input->name != '\0' ? input->name : "without a name");
  return FALSE;
}

/* Inputs that are not among @known had nothing in the batch of @time, and are to have
 * nothing: what they have now is of batches that come, or it would be in one whose
 * outputs may be complete. */
static gboolean
ds_recovery_load_nothing (DsGraph *graph, DsTime time, GPtrArray *known, GError **error)
{
  for (guint i = 0; i < ds_graph_get_n_inputs (graph); i++)
    {
      DsInputDStream *input = ds_graph_get_input (graph, i);
      const DsInputRecovery *recovery =
          ds_dstream_get_node (DS_DSTREAM (input))->ops->recovery;

      if (recovery != NULL && recovery->load_plan != NULL &&
          !g_ptr_array_find (known, input, NULL) &&
          !recovery->load_plan (input, time, (const guint8 *) "", 0, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
ds_recovery_load_plan (DsRecovery *self,
                       DsStreamingContext *context,
                       const DsPlannedBatch *plan,
                       GError **error)
{
  g_autoptr (GPtrArray) known = g_ptr_array_new ();

  for (guint i = 0; i < plan->inputs->len; i++)
    {
      const DsPlannedInput *input = g_ptr_array_index (plan->inputs, i);
      const DsLoggedInput logged = { plan->fingerprint, input->input, input->name };
      const DsInputRecovery *recovery;
      DsDStream *stream;
      gsize n_bytes;
      const guint8 *bytes = g_bytes_get_data (input->bytes, &n_bytes);

      if (!ds_recovery_find_input (self, context, &logged, &stream, error))
        {
          g_prefix_error (error,
                          "Batch %" G_GINT64_FORMAT " ms: ", plan->time / DS_MILLISECOND);
          return FALSE;
        }
      recovery = stream != NULL ? ds_dstream_get_node (stream)->ops->recovery : NULL;
      if (recovery == NULL)
        continue; /* dropped, or is asked again */
      g_ptr_array_add (known, stream);
      if (!recovery->load_plan (DS_INPUT_DSTREAM (stream), plan->time, bytes, n_bytes,
                                error))
        {
          g_prefix_error (error,
                          "Recovering what %s gave batch %" G_GINT64_FORMAT " ms: ",
                          ds_dstream_describe (stream), plan->time / DS_MILLISECOND);
          return FALSE;
        }
    }
  return ds_recovery_load_nothing (context->graph, plan->time, known, error);
}

static gboolean
ds_recovery_load_sources (DsRecovery *self, DsStreamingContext *context, GError **error)
{
  DsCheckpointReader *newest = g_ptr_array_index (self->chain, self->chain->len - 1);
  g_autoptr (GPtrArray) known = g_ptr_array_new ();

  for (guint i = 0; i < ds_checkpoint_reader_n_sections (newest); i++)
    {
      if (ds_recovery_get_type (newest, i) != DS_SECTION_SOURCE)
        continue;
      if (!ds_recovery_load_position (self, context->graph, newest, i, error))
        return FALSE;
      g_ptr_array_add (known, ds_recovery_get_stream (self, context->graph, newest, i,
                                                      DS_ENTRY_INPUT));
    }
  if (!ds_recovery_load_nothing (context->graph, self->meta.time, known, error))
    return FALSE;
  /* Blocks may keep the log longer than the plans of batches that the checkpoint has
   * behind it: those are part of the positions, or not needed. */
  for (guint i = 0; i < self->plans->len; i++)
    {
      const DsPlannedBatch *plan = g_ptr_array_index (self->plans, i);

      if (plan->time > self->meta.time &&
          !ds_recovery_load_plan (self, context, plan, error))
        return FALSE;
    }
  return TRUE;
}

/* The blocks that receivers had written to the log, each to the batch whose plan names
 * it. Positions and plans of the streams are known. */
static gboolean
ds_recovery_load_blocks (DsRecovery *self, DsStreamingContext *context, GError **error)
{
  for (guint i = 0; i < self->blocks->len; i++)
    {
      const DsRecoveredBlock *block = &g_array_index (self->blocks, DsRecoveredBlock, i);
      g_autofree char *name = NULL;
      DsReceivedBlockHead head;
      DsLoggedInput logged;
      DsDStream *stream;
      gsize n_bytes;
      const guint8 *bytes = g_bytes_get_data (block->head, &n_bytes);

      if (!ds_received_block_log_read_head (bytes, n_bytes, &head, &name, error))
        {
          g_prefix_error (error, "Record %" G_GUINT64_FORMAT " of the log: ",
                          block->record.sequence);
          return FALSE;
        }
      logged = (DsLoggedInput){ head.fingerprint, head.stream_id, name };
      if (!ds_recovery_find_input (self, context, &logged, &stream, error))
        return FALSE;
      if (stream != NULL && ds_receiver_input_dstream_get_receiver (stream) != NULL)
        ds_receiver_tracker_recover_block (context->receivers, stream, &block->record,
                                           head.n_records);
    }
  return ds_receiver_tracker_end_recovery (context->receivers, error);
}

/* ---- What streams keep ---- */

static gssize
ds_section_reader_read (DsStateReader *reader,
                        gpointer room,
                        gsize n_room,
                        GError **error)
{
  DsSectionReader *self = (DsSectionReader *) reader;
  gssize n_read = ds_checkpoint_reader_read (self->file, self->index, self->offset, room,
                                             n_room, error);

  if (n_read > 0)
    self->offset += (guint64) n_read;
  return n_read;
}

void
ds_section_reader_init (DsSectionReader *self, DsCheckpointReader *file, guint index)
{
  *self = (DsSectionReader){ .file = file, .index = index };
  self->reader.read = ds_section_reader_read;
  ds_checkpoint_reader_get_section (file, index, NULL, NULL, NULL, &self->reader.n_bytes);
}

gboolean
ds_recovery_is_superseded (DsRecovery *self, guint file, guint entry)
{
  for (guint i = file + 1; i < self->chain->len; i++)
    {
      DsCheckpointReader *reader = g_ptr_array_index (self->chain, i);

      for (guint k = 0; k < ds_checkpoint_reader_n_sections (reader); k++)
        {
          DsSectionType type;
          guint flags;

          ds_checkpoint_reader_get_section (reader, k, &type, NULL, &flags, NULL);
          if (type == DS_SECTION_STATE && flags == DS_SECTION_FLAGS (entry, TRUE))
            return TRUE;
        }
    }
  return FALSE;
}

static gboolean
ds_recovery_load_state (DsRecovery *self,
                        DsGraph *graph,
                        guint file,
                        guint index,
                        GError **error)
{
  DsCheckpointReader *reader = g_ptr_array_index (self->chain, file);
  DsSectionReader source;
  DsDStream *stream = ds_recovery_get_stream (self, graph, reader, index, DS_ENTRY_KEPT);
  DsTime time = ds_checkpoint_reader_get_head (reader)->batch_time;

  if (stream == NULL || ds_dstream_get_node (stream)->ops->keeping == NULL ||
      ds_recovery_is_superseded (self, file, ds_recovery_get_entry (reader, index)))
    return TRUE;
  ds_section_reader_init (&source, reader, index);
  if (ds_dstream_get_node (stream)->ops->keeping->load (stream, time, &source.reader,
                                                        error))
    return TRUE;
  g_prefix_error (error, "Recovering what %s keeps: ", ds_dstream_describe (stream));
  return FALSE;
}

/* What windows look back at, and nobody can compute again. */
static gboolean
ds_recovery_load_results (DsRecovery *self,
                          DsGraph *graph,
                          guint file,
                          guint index,
                          GError **error)
{
  DsCheckpointReader *reader = g_ptr_array_index (self->chain, file);
  DsSectionReader source = { { .read = ds_section_reader_read }, reader, index, 0 };
  DsDStream *stream = ds_recovery_get_stream (self, graph, reader, index, DS_ENTRY_KEPT);

  if (stream == NULL || ds_dstream_get_node (stream)->ops->keeping == NULL)
    return TRUE;
  ds_checkpoint_reader_get_section (reader, index, NULL, NULL, NULL,
                                    &source.reader.n_bytes);
  if (ds_kept_results_load (stream, self->meta.time - ds_dstream_get_node (stream)->asked,
                            &source.reader, error))
    return TRUE;
  g_prefix_error (error,
                  "Recovering earlier results of %s: ", ds_dstream_describe (stream));
  return FALSE;
}

typedef gboolean (*DsRecoveryLoadFunc) (DsRecovery *self,
                                        DsGraph *graph,
                                        guint file,
                                        guint index,
                                        GError **error);

/* Calls @func for each section of @type of the chain, oldest file first. */
static gboolean
ds_recovery_load_sections (DsRecovery *self,
                           DsGraph *graph,
                           DsSectionType type,
                           DsRecoveryLoadFunc func,
                           GError **error)
{
  for (guint i = 0; i < self->chain->len; i++)
    {
      DsCheckpointReader *reader = g_ptr_array_index (self->chain, i);

      for (guint k = 0; k < ds_checkpoint_reader_n_sections (reader); k++)
        if (ds_recovery_get_type (reader, k) == type && !func (self, graph, i, k, error))
          return FALSE;
    }
  return TRUE;
}

/* Once, not for each checkpoint of the chain: a function of the program is asked for all
 * keys. */
static gboolean
ds_recovery_check_keys (DsRecovery *self, DsGraph *graph, GError **error)
{
  for (guint i = 0; i < ds_graph_signature_get_n_entries (self->saved); i++)
    {
      DsDStream *stream = ds_recovery_find_stream (self, graph, i, DS_ENTRY_KEPT);
      const DsStateKeeping *keeping =
          stream != NULL ? ds_dstream_get_node (stream)->ops->keeping : NULL;

      if (keeping == NULL || keeping->check_keys == NULL ||
          keeping->check_keys (stream, error))
        continue;
      g_prefix_error (error, "Recovering what %s keeps: ", ds_dstream_describe (stream));
      return FALSE;
    }
  return TRUE;
}

/* Results are made of what is kept. */
static gboolean
ds_recovery_load_streams (DsRecovery *self, DsGraph *graph, GError **error)
{
  return ds_recovery_load_sections (self, graph, DS_SECTION_STATE, ds_recovery_load_state,
                                    error) &&
         ds_recovery_check_keys (self, graph, error) &&
         ds_recovery_load_sections (self, graph, DS_SECTION_RESULTS,
                                    ds_recovery_load_results, error);
}

/* What sources gave the batches that are looked back at: in the order of time, as sources
 * are asked. */
static gboolean
ds_recovery_ask_sources (DsRecovery *self, DsStreamingContext *context, GError **error)
{
  for (guint i = 0; i < ds_graph_get_n_inputs (context->graph); i++)
    {
      DsDStream *input = DS_DSTREAM (ds_graph_get_input (context->graph, i));
      DsDStreamNode *node = ds_dstream_get_node (input);
      DsTime after = MAX (self->meta.zero_time, self->meta.time - node->remember);

      if (node->remember <= node->slide)
        continue; /* nobody looks back */
      for (DsTime time = ds_time_floor (after, context->interval, self->meta.zero_time) +
                         context->interval;
           time <= self->meta.time; time += context->interval)
        {
          DsBatchFields fields = DS_BATCH_FIELDS_INIT (time, context->interval);
          g_autoptr (DsBatch) batch = ds_batch_new (&fields);
          g_autoptr (GError) local_error = NULL;

          if (!ds_graph_was_given_up (context->graph, time) &&
              ds_dstream_get_rdd (input, batch, &local_error) == NULL &&
              local_error != NULL)
            {
              g_propagate_prefixed_error (
                  error, g_steal_pointer (&local_error),
                  "Recovering what %s gave batch %" G_GINT64_FORMAT " ms: ",
                  ds_dstream_describe (input), time / DS_MILLISECOND);
              return FALSE;
            }
        }
    }
  return TRUE;
}

/* For who looks at what a start does: G_MESSAGES_DEBUG=DStream. */
static void
ds_recovery_tell (DsRecovery *self)
{
  guint n_plans = 0;

  for (guint i = 0; i < self->plans->len; i++)
    {
      const DsPlannedBatch *plan = g_ptr_array_index (self->plans, i);

      n_plans += plan->time > self->meta.time;
    }
  g_debug ("Going on from the checkpoint of batch %" G_GINT64_FORMAT
           " ms in \"%s\": of the batches after it the log has planned %u, which run "
           "again with the same input",
           self->meta.time / DS_MILLISECOND,
           ds_durable_directory_get_path (self->directory), n_plans);
}

gboolean
ds_recovery_apply (DsRecovery *self, DsStreamingContext *context, GError **error)
{
  gboolean ok;

  ds_graph_lock (context->graph);
  ds_graph_set_last_time (context->graph, self->meta.time);
  ds_graph_set_given_up (context->graph, self->meta.given_up);
  ok = ds_recovery_load_sources (self, context, error) &&
       ds_recovery_load_blocks (self, context, error) &&
       ds_recovery_load_streams (self, context->graph, error) &&
       ds_recovery_ask_sources (self, context, error);
  ds_graph_unlock (context->graph);
  if (ok)
    ds_recovery_tell (self);
  /* The files are not needed any longer. */
  g_ptr_array_set_size (self->chain, 0);
  g_array_set_size (self->blocks, 0);
  return ok;
}
