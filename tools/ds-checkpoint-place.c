/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A checkpoint with all that it builds on and the log behind it, read by what a recovery
 * reads it with, as far as it can be read. */

#include "tools/ds-checkpoint-private.h"

#include "base/ds-error.h"
#include "dstream/ds-checkpoint-form-private.h"
#include "dstream/ds-checkpoint-shelf-private.h"

GPtrArray *
checkpoint_list_names (DsDurableDirectory *directory, GError **error)
{
  GPtrArray *names = ds_durable_directory_list (directory, "ckpt-", error);
  DsTime time;

  for (guint i = names != NULL ? names->len : 0; i > 0; i--)
    if (!ds_checkpoint_parse_name (names->pdata[i - 1], &time))
      g_ptr_array_remove_index (names, i - 1);
  return names;
}

void
checkpoint_append_time (DsTime time, GString *text)
{
  g_autoptr (GDateTime) seconds = g_date_time_new_from_unix_utc (time / DS_SECOND);
  g_autofree char *shown = seconds != NULL
                               ? g_date_time_format (seconds, "%Y-%m-%dT%H:%M:%S")
                               : g_strdup ("?");

  g_string_append_printf (text, "%s.%03dZ", shown,
                          (int) (time % DS_SECOND / DS_MILLISECOND));
}

void
checkpoint_note (const char *prefix, const char *message)
{
  g_print ("%sdamaged: %s\n", prefix, message);
}

/* ---- Opening and reading ---- */

gboolean
checkpoint_place_open (CheckpointPlace *self, const char *word, GError **error)
{
  g_autofree char *path = g_strdup (word);
  g_autofree char *name = g_path_get_basename (word);
  DsTime time;

  *self = (CheckpointPlace){ .name = NULL };
  if (ds_checkpoint_parse_name (name, &time) && !g_file_test (word, G_FILE_TEST_IS_DIR))
    {
      self->name = g_steal_pointer (&name);
      g_free (path);
      path = g_path_get_dirname (word);
    }
  self->directory =
      ds_durable_directory_open (path, DS_DURABLE_DIRECTORY_READ_ONLY, error);
  return self->directory != NULL;
}

void
checkpoint_place_clear (CheckpointPlace *self)
{
  g_clear_pointer (&self->recovery, ds_recovery_free);
  g_clear_pointer (&self->directory, ds_durable_directory_close);
  g_clear_pointer (&self->name, g_free);
}

static void
checkpoint_free_message (gpointer message)
{
  g_free (message);
}

gboolean
checkpoint_place_read (CheckpointPlace *self,
                       const char *prefix,
                       CheckpointNoteFunc note,
                       GError **error)
{
  g_autoptr (GPtrArray) damaged =
      g_ptr_array_new_with_free_func (checkpoint_free_message);
  g_autoptr (DsRecovery) recovery = ds_recovery_new (self->directory);
  GError *read_error = NULL;

  if (!ds_recovery_read_checkpoint (recovery, self->name, damaged, &read_error))
    {
      if (read_error == NULL)
        g_set_error (&read_error, DS_ERROR, DS_ERROR_NOT_FOUND,
                     "there is no checkpoint, and no log, in \"%s\"",
                     ds_durable_directory_get_path (self->directory));
      g_propagate_error (error, read_error);
      return FALSE;
    }
  for (guint i = 0; i < damaged->len; i++)
    note (prefix, damaged->pdata[i]);
  if (ds_durable_directory_get_damage (self->directory) != NULL)
    note (prefix, ds_durable_directory_get_damage (self->directory));
  self->is_damaged =
      damaged->len > 0 || ds_durable_directory_get_damage (self->directory) != NULL;
  self->recovery = g_steal_pointer (&recovery);
  return TRUE;
}

const char *
checkpoint_place_get_checkpoint (const CheckpointPlace *self)
{
  GPtrArray *chain = self->recovery->chain;

  return ds_checkpoint_reader_get_name (g_ptr_array_index (chain, chain->len - 1));
}

/* The log behind those that are only built on is gone. */
static gboolean
checkpoint_place_is_kept (CheckpointPlace *self)
{
  g_autoptr (GPtrArray) names = checkpoint_list_names (self->directory, NULL);
  guint n = names != NULL ? names->len : 0;

  for (guint i = n - MIN (n, DS_CHECKPOINTS_KEPT); self->name != NULL && i < n; i++)
    if (g_str_equal (names->pdata[i], self->name))
      return TRUE;
  return self->name == NULL;
}

void
checkpoint_place_read_log (CheckpointPlace *self,
                           const char *prefix,
                           CheckpointNoteFunc note)
{
  g_autoptr (GError) error = NULL;

  if (!checkpoint_place_is_kept (self))
    return;
  self->has_log = ds_recovery_read_log (self->recovery, DS_LOG_DAMAGE_FAIL, &error);
  if (self->has_log)
    return;
  note (prefix, error->message);
  self->is_damaged = TRUE;
  self->has_log = ds_recovery_read_log (self->recovery, DS_LOG_DAMAGE_SKIP, NULL);
}

/* ---- States ---- */

/* The section of file @file of the chain that has what @entry keeps; -1: none. */
static int
checkpoint_place_find_section (CheckpointPlace *self, guint file, guint entry)
{
  DsCheckpointReader *reader = g_ptr_array_index (self->recovery->chain, file);

  for (guint i = 0; i < ds_checkpoint_reader_n_sections (reader); i++)
    {
      DsSectionType type;
      guint flags;

      ds_checkpoint_reader_get_section (reader, i, &type, NULL, &flags, NULL);
      if (type == DS_SECTION_STATE && DS_SECTION_ENTRY (flags) == entry)
        return (int) i;
    }
  return -1;
}

gboolean
checkpoint_place_has_state (CheckpointPlace *self, guint entry)
{
  const DsGraphEntry *found = ds_graph_signature_get_entry (self->recovery->saved, entry);

  for (guint i = 0; !found->is_dropped && i < self->recovery->chain->len; i++)
    if (checkpoint_place_find_section (self, i, entry) >= 0)
      return TRUE;
  return FALSE;
}

/* Section @section of file @file, onto *@state, which is made first.  *@is_steps: it is
 * not loaded. */
static gboolean
checkpoint_place_load_section (CheckpointPlace *self,
                               guint file,
                               guint section,
                               DsSavedState **state,
                               gboolean *is_steps,
                               GError **error)
{
  DsCheckpointReader *reader = g_ptr_array_index (self->recovery->chain, file);
  DsSectionReader source;

  ds_section_reader_init (&source, reader, section);
  if (!ds_saved_state_is_steps (&source.reader, is_steps, error))
    return FALSE;
  if (*is_steps)
    return TRUE;
  if (*state == NULL)
    {
      ds_section_reader_init (&source, reader, section);
      *state = ds_saved_state_new (&source.reader, error);
      if (*state == NULL)
        return FALSE;
    }
  ds_section_reader_init (&source, reader, section);
  return ds_saved_state_load (*state, &source.reader, error);
}

DsSavedState *
checkpoint_place_load_state (CheckpointPlace *self,
                             guint entry,
                             DsTime *as_of,
                             GError **error)
{
  g_autoptr (DsSavedState) state = NULL;
  gboolean is_steps = FALSE;

  if (!checkpoint_place_has_state (self, entry))
    return NULL;
  for (guint i = 0; i < self->recovery->chain->len && !is_steps; i++)
    {
      DsCheckpointReader *reader = g_ptr_array_index (self->recovery->chain, i);
      int section = checkpoint_place_find_section (self, i, entry);

      if (section < 0 || ds_recovery_is_superseded (self->recovery, i, entry))
        continue;
      if (!checkpoint_place_load_section (self, i, (guint) section, &state, &is_steps,
                                          error))
        {
          g_prefix_error (error, "%s: ", ds_checkpoint_reader_get_name (reader));
          return NULL;
        }
      if (!is_steps)
        *as_of = ds_checkpoint_reader_get_head (reader)->batch_time;
    }
  if (state == NULL)
    g_set_error (error, DS_ERROR, DS_ERROR_CORRUPT,
                 "there is only what followed, and not what it followed");
  return g_steal_pointer (&state);
}

gboolean
checkpoint_place_find_state (CheckpointPlace *self,
                             const char *name,
                             guint *entry,
                             GError **error)
{
  const DsGraphSignature *saved = self->recovery->saved;
  g_autoptr (GString) names = g_string_new (NULL);

  for (guint i = 0; i < ds_graph_signature_get_n_entries (saved); i++)
    {
      const DsGraphEntry *found = ds_graph_signature_get_entry (saved, i);

      if (found->role != DS_ENTRY_KEPT || !checkpoint_place_has_state (self, i))
        continue;
      *entry = i;
      if (g_str_equal (found->name, name))
        return TRUE;
      g_string_append_printf (names, "%s\"%s\"", names->len > 0 ? ", " : "", found->name);
    }
  g_set_error (error, DS_ERROR, DS_ERROR_NOT_FOUND,
               "%s in \"%s\" has no state of a stream \"%s\"; it has %s",
               checkpoint_place_get_checkpoint (self),
               ds_durable_directory_get_path (self->directory), name,
               names->len > 0 ? names->str : "none of any");
  return FALSE;
}
