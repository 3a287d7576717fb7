/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Taking a checkpoint in two parts.  What is small (the graph, positions of most sources)
 * is encoded at once; what streams keep, and which files are known, is captured by them
 * and written later, from the capture, as are results that windows look back at, which do
 * not change any more. */

#include "dstream/ds-checkpoint-capture-private.h"

#include "dstream/ds-checkpoint-form-private.h"
#include "dstream/ds-graph-signature-private.h"
#include "dstream/ds-input-recovery-private.h"

typedef struct
{
  DsSectionType type;
  guint32 flags;
  char *name;
  GByteArray *bytes; /* (nullable): what it holds; else one of the following */
  const DsInputRecovery *recovery;
  gpointer position;
  const DsStateKeeping *keeping;
  gpointer state;
  GArray *results; /* DsGeneratedRdd */
} DsCaptureSection;

struct _DsCheckpointCapture
{
  DsTime time;
  DsTime base_time;
  guint64 wal_sequence;
  guint64 fingerprint;
  GPtrArray *sections; /* DsCaptureSection */
};

static DsCaptureSection *
ds_checkpoint_capture_add (DsCheckpointCapture *self,
                           DsSectionType type,
                           guint32 flags,
                           const char *name)
{
  DsCaptureSection *section = g_new0 (DsCaptureSection, 1);

  section->type = type;
  section->flags = flags;
  section->name = g_strdup (name);
  g_ptr_array_add (self->sections, section);
  return section;
}

static void
ds_capture_section_free (DsCaptureSection *self, gboolean is_base)
{
  if (self->state != NULL)
    self->keeping->release (self->state, is_base);
  if (self->position != NULL)
    self->recovery->free_position (self->position);
  g_clear_pointer (&self->bytes, g_byte_array_unref);
  g_clear_pointer (&self->results, ds_kept_results_free);
  g_free (self->name);
  g_free (self);
}

void
ds_checkpoint_capture_free (DsCheckpointCapture *self, gboolean is_base)
{
  for (guint i = 0; i < self->sections->len; i++)
    ds_capture_section_free (g_ptr_array_index (self->sections, i), is_base);
  g_ptr_array_unref (self->sections);
  g_free (self);
}

DsTime
ds_checkpoint_capture_get_time (const DsCheckpointCapture *self)
{
  return self->time;
}

DsTime
ds_checkpoint_capture_get_base_time (const DsCheckpointCapture *self)
{
  return self->base_time;
}

guint64
ds_checkpoint_capture_get_wal_sequence (const DsCheckpointCapture *self)
{
  return self->wal_sequence;
}

/* ---- Taking ---- */

static void
ds_checkpoint_capture_take_head (DsCheckpointCapture *self,
                                 DsStreamingContext *context,
                                 const DsGraphSignature *signature)
{
  g_autoptr (GArray) given_up = ds_graph_list_given_up (context->graph, self->time);
  const DsCheckpointMeta meta = {
    .time = self->time,
    .zero_time = ds_driver_get_zero_time (context->driver),
    .interval = context->interval,
    .parallelism = ds_context_get_default_parallelism (context->context),
    .given_up = given_up,
  };
  DsCaptureSection *section =
      ds_checkpoint_capture_add (self, DS_SECTION_META, DS_SECTION_IS_FULL, "");

  section->bytes = g_byte_array_new ();
  ds_checkpoint_meta_encode (&meta, ds_context_get_app_name (context->context),
                             section->bytes);
  section = ds_checkpoint_capture_add (self, DS_SECTION_GRAPH, DS_SECTION_IS_FULL, "");
  section->bytes = g_byte_array_new ();
  ds_graph_signature_encode (signature, section->bytes);
}

static void
ds_checkpoint_capture_take_source (DsCheckpointCapture *self,
                                   DsDStream *stream,
                                   guint entry,
                                   const char *name)
{
  const DsInputRecovery *recovery = ds_dstream_get_node (stream)->ops->recovery;
  DsCaptureSection *section;

  if (recovery == NULL)
    return;
  section = ds_checkpoint_capture_add (self, DS_SECTION_SOURCE,
                                       DS_SECTION_FLAGS (entry, TRUE), name);
  if (recovery->capture_position != NULL)
    {
      section->recovery = recovery;
      section->position =
          recovery->capture_position (DS_INPUT_DSTREAM (stream), self->time);
      return;
    }
  section->bytes = g_byte_array_new ();
  recovery->save_position (DS_INPUT_DSTREAM (stream), self->time, section->bytes);
}

/* Returns whether it holds only what changed. */
static gboolean
ds_checkpoint_capture_take_state (DsCheckpointCapture *self,
                                  DsDStream *stream,
                                  guint entry,
                                  const char *name)
{
  const DsStateKeeping *keeping = ds_dstream_get_node (stream)->ops->keeping;
  gboolean has_base = self->base_time != DS_TIME_NONE;
  gboolean is_full = TRUE;
  gpointer state = keeping->capture (stream, self->time, self->base_time, &is_full);
  DsCaptureSection *section;

  if (state != NULL)
    {
      section = ds_checkpoint_capture_add (self, DS_SECTION_STATE,
                                           DS_SECTION_FLAGS (entry, is_full), name);
      section->keeping = keeping;
      section->state = state;
    }
  if (ds_kept_results_are_needed (stream))
    {
      section = ds_checkpoint_capture_add (self, DS_SECTION_RESULTS,
                                           DS_SECTION_FLAGS (entry, !has_base), name);
      section->results = ds_kept_results_collect (stream, self->time, self->base_time);
      is_full = is_full && !has_base;
    }
  return !is_full;
}

DsCheckpointCapture *
ds_checkpoint_capture_new (DsStreamingContext *context,
                           DsTime time,
                           DsTime base_time,
                           guint64 wal_sequence)
{
  DsCheckpointCapture *self = g_new0 (DsCheckpointCapture, 1);
  g_autoptr (DsGraphSignature) signature = NULL;
  gboolean needs_base = FALSE;

  self->time = time;
  self->base_time = base_time;
  self->wal_sequence = wal_sequence;
  self->sections = g_ptr_array_new ();

  ds_graph_lock (context->graph);
  signature = ds_graph_signature_new (context->graph, context->interval);
  self->fingerprint = ds_graph_signature_get_fingerprint (signature);
  ds_checkpoint_capture_take_head (self, context, signature);
  for (guint i = 0; i < ds_graph_signature_get_n_entries (signature); i++)
    {
      const DsGraphEntry *entry = ds_graph_signature_get_entry (signature, i);
      DsDStream *stream = entry->role != DS_ENTRY_OUTPUT
                              ? ds_graph_get_stream (context->graph, entry->index)
                              : NULL;

      if (entry->role == DS_ENTRY_INPUT)
        ds_checkpoint_capture_take_source (self, stream, i, entry->name);
      else if (entry->role == DS_ENTRY_KEPT &&
               ds_checkpoint_capture_take_state (self, stream, i, entry->name))
        needs_base = TRUE;
    }
  ds_graph_unlock (context->graph);
  if (!needs_base)
    self->base_time = DS_TIME_NONE;
  return self;
}

/* ---- Writing.  Any thread. ---- */

typedef struct
{
  DsStateWriter writer;
  DsCheckpointWriter *file;
  guint64 n_bytes;
} DsSectionWriter;

static gboolean
ds_section_writer_append (DsStateWriter *writer,
                          const guint8 *bytes,
                          gsize n_bytes,
                          GError **error)
{
  DsSectionWriter *self = (DsSectionWriter *) writer;

  self->n_bytes += n_bytes;
  return ds_checkpoint_writer_append (self->file, bytes, n_bytes, error);
}

static gboolean
ds_capture_section_write (DsCaptureSection *self,
                          DsCheckpointWriter *file,
                          guint64 *n_bytes,
                          GError **error)
{
  DsSectionWriter writer = { { ds_section_writer_append }, file, 0 };
  gboolean ok;

  if (!ds_checkpoint_writer_begin_section (file, self->type, self->name, self->flags,
                                           error))
    return FALSE;
  if (self->position != NULL)
    {
      self->bytes = g_byte_array_new ();
      self->recovery->encode_position (self->position, self->bytes);
    }
  if (self->bytes != NULL)
    ok = ds_checkpoint_writer_append (file, self->bytes->data, self->bytes->len, error);
  else if (self->results != NULL)
    ok = ds_kept_results_save (self->results, &writer.writer, error);
  else
    ok = self->keeping->save (self->state, &writer.writer, error);
  *n_bytes += writer.n_bytes;
  return ok && ds_checkpoint_writer_end_section (file, error);
}

DsCheckpointWriter *
ds_checkpoint_capture_write (DsCheckpointCapture *self,
                             DsDurableDirectory *directory,
                             guint64 *n_bytes,
                             GError **error)
{
  g_autoptr (DsCheckpointWriter) file =
      ds_checkpoint_writer_new (directory, self->time, error);
  gboolean ok = file != NULL;

  *n_bytes = 0;
  for (guint i = 0; ok && i < self->sections->len; i++)
    ok = ds_capture_section_write (g_ptr_array_index (self->sections, i), file, n_bytes,
                                   error);
  return ok ? g_steal_pointer (&file) : NULL;
}

gboolean
ds_checkpoint_capture_finish (DsCheckpointCapture *self,
                              DsCheckpointWriter *file,
                              GError **error)
{
  const DsCheckpointHead head = { .batch_time = self->time,
                                  .base_time = self->base_time,
                                  .wal_sequence = self->wal_sequence,
                                  .fingerprint = self->fingerprint };

  return ds_checkpoint_writer_finish (file, &head, error);
}
