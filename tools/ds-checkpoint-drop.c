/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Forgetting a state.  The newest checkpoint is written once more without it, and takes
 * the place of the one that was there by a rename: whoever reads finds the one or the
 * other, whole, whenever it is interrupted.  What it builds on stays as it is and may
 * have the state, so its list of operators says that it was dropped. */

#include "tools/ds-checkpoint-private.h"

#include "base/ds-error.h"
#include "dstream/ds-checkpoint-form-private.h"

#define CHECKPOINT_COPY_BYTES (256 * 1024)

typedef struct
{
  DsRecovery *recovery;
  DsCheckpointReader *reader; /* of the checkpoint */
  guint entry;
  guint64 n_dropped; /* bytes */
} CheckpointDrop;

static gboolean
checkpoint_drop_is_dropped (const CheckpointDrop *self, DsSectionType type, guint flags)
{
  return (type == DS_SECTION_STATE || type == DS_SECTION_RESULTS) &&
         DS_SECTION_ENTRY (flags) == self->entry;
}

/* How many bytes go, in this checkpoint. */
static void
checkpoint_drop_measure (CheckpointDrop *self)
{
  self->n_dropped = 0;
  for (guint i = 0; i < ds_checkpoint_reader_n_sections (self->reader); i++)
    {
      DsSectionType type;
      guint flags;
      guint64 n_bytes;

      ds_checkpoint_reader_get_section (self->reader, i, &type, NULL, &flags, &n_bytes);
      if (checkpoint_drop_is_dropped (self, type, flags))
        self->n_dropped += n_bytes;
    }
}

static gboolean
checkpoint_drop_copy_bytes (CheckpointDrop *self,
                            guint section,
                            DsCheckpointWriter *writer,
                            GError **error)
{
  g_autofree guint8 *room = g_malloc (CHECKPOINT_COPY_BYTES);
  guint64 offset = 0;

  for (;;)
    {
      gssize n_read = ds_checkpoint_reader_read (self->reader, section, offset, room,
                                                 CHECKPOINT_COPY_BYTES, error);

      if (n_read <= 0)
        return n_read == 0;
      if (!ds_checkpoint_writer_append (writer, room, (gsize) n_read, error))
        return FALSE;
      offset += (guint64) n_read;
    }
}

/* The list of operators. */
static gboolean
checkpoint_drop_write_graph (CheckpointDrop *self,
                             DsCheckpointWriter *writer,
                             GError **error)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();

  ds_graph_signature_drop (self->recovery->saved, self->entry);
  ds_graph_signature_encode (self->recovery->saved, bytes);
  return ds_checkpoint_writer_append (writer, bytes->data, bytes->len, error);
}

static gboolean
checkpoint_drop_write_section (CheckpointDrop *self,
                               guint section,
                               DsCheckpointWriter *writer,
                               GError **error)
{
  DsSectionType type;
  const char *name;
  guint flags;

  ds_checkpoint_reader_get_section (self->reader, section, &type, &name, &flags, NULL);
  if (checkpoint_drop_is_dropped (self, type, flags))
    return TRUE;
  return ds_checkpoint_writer_begin_section (writer, type, name,
                                             flags & DS_SECTION_USER_FLAGS, error) &&
         (type == DS_SECTION_GRAPH
              ? checkpoint_drop_write_graph (self, writer, error)
              : checkpoint_drop_copy_bytes (self, section, writer, error)) &&
         ds_checkpoint_writer_end_section (writer, error);
}

static gboolean
checkpoint_drop_write (CheckpointDrop *self,
                       DsDurableDirectory *directory,
                       GError **error)
{
  const DsCheckpointHead *head = ds_checkpoint_reader_get_head (self->reader);
  g_autoptr (DsCheckpointWriter) writer =
      ds_checkpoint_writer_new (directory, head->batch_time, error);

  if (writer == NULL)
    return FALSE;
  for (guint i = 0; i < ds_checkpoint_reader_n_sections (self->reader); i++)
    if (!checkpoint_drop_write_section (self, i, writer, error))
      return FALSE;
  return ds_checkpoint_writer_replace (writer, head, error);
}

/* The place again, with its lock: nothing changes any more. */
static gboolean
checkpoint_drop_lock (CheckpointPlace *place, const char *path, GError **error)
{
  checkpoint_place_clear (place);
  place->directory = ds_durable_directory_open (path, 0, error);
  if (place->directory == NULL)
    return FALSE;
  place->recovery = ds_recovery_new (place->directory);
  if (ds_recovery_read_checkpoint (place->recovery, NULL, NULL, error))
    return TRUE;
  if (error != NULL && *error == NULL)
    g_set_error (error, DS_ERROR, DS_ERROR_NOT_FOUND,
                 "the checkpoints in \"%s\" are gone", path);
  return FALSE;
}

int
checkpoint_drop (const CheckpointOptions *options, char **words, GError **error)
{
  g_auto (CheckpointPlace) place = { .name = NULL };
  CheckpointDrop drop = { .entry = 0 };
  const DsGraphEntry *entry;

  /* First a look, which changes nothing even where there are no checkpoints. */
  if (!checkpoint_place_open (&place, words[0], error))
    return CHECKPOINT_BAD;
  if (place.name != NULL)
    {
      g_set_error (error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT,
                   "drop-state wants a directory, not the checkpoint \"%s\" in it: a "
                   "recovery begins with the newest",
                   words[0]);
      return CHECKPOINT_BAD;
    }
  if (!checkpoint_place_read (&place, "", checkpoint_note, error) ||
      !checkpoint_place_find_state (&place, words[1], &drop.entry, error))
    return CHECKPOINT_BAD;
  if (!options->is_dry_run &&
      (!checkpoint_drop_lock (&place, words[0], error) ||
       !checkpoint_place_find_state (&place, words[1], &drop.entry, error)))
    return CHECKPOINT_BAD;

  drop.recovery = place.recovery;
  drop.reader = g_ptr_array_index (place.recovery->chain, place.recovery->chain->len - 1);
  entry = ds_graph_signature_get_entry (place.recovery->saved, drop.entry);
  checkpoint_drop_measure (&drop);
  if (!options->is_dry_run && !checkpoint_drop_write (&drop, place.directory, error))
    {
      g_prefix_error (error, "Nothing was dropped: ");
      return CHECKPOINT_BAD;
    }
  g_print ("%s: the state of \"%s\" (%s) %s: %" G_GUINT64_FORMAT " bytes\n",
           checkpoint_place_get_checkpoint (&place), entry->name, entry->form,
           options->is_dry_run ? "would be dropped" : "was dropped", drop.n_dropped);
  g_print (options->is_dry_run
               ? "nothing was changed\n"
               : "it begins empty at the next start; older checkpoints still have it\n");
  return place.is_damaged ? CHECKPOINT_BAD : CHECKPOINT_FINE;
}
