/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Two checkpoints side by side: a line for what only one has (- the first, + the second)
 * and for what changed (~).  Operators are the same when they have the same name, states
 * are compared key by key, positions of inputs value by value. */

#include "tools/ds-checkpoint-private.h"

#include "base/ds-block-private.h"
#include "base/ds-codec-private.h"
#include "base/ds-time-private.h"
#include "dstream/ds-checkpoint-form-private.h"

#define CHECKPOINT_NO_ENTRY G_MAXUINT

typedef struct
{
  CheckpointPlace places[2];
  gboolean shows_keys;
  gboolean is_damaged;
  guint n_differences;
} CheckpointDiff;

static void
checkpoint_diff_note (CheckpointDiff *self,
                      const char *what,
                      const char *a,
                      const char *b)
{
  if (g_str_equal (a, b))
    return;
  self->n_differences++;
  g_print ("~ %s: %s, %s\n", what, a, b);
}

static DsRecovery *
checkpoint_diff_get (CheckpointDiff *self, guint i)
{
  return self->places[i].recovery;
}

/* ---- What a recovery checks ---- */

static char *
checkpoint_diff_print_time (DsTime time)
{
  GString *text = g_string_new (NULL);

  checkpoint_append_time (time, text);
  return g_string_free (text, FALSE);
}

static void
checkpoint_diff_settings (CheckpointDiff *self)
{
  char *shown[2][4];
  static const char *const names[] = { "batch time", "batch interval",
                                       "default parallelism", "graph" };

  for (guint i = 0; i < 2; i++)
    {
      const DsRecovery *recovery = checkpoint_diff_get (self, i);

      shown[i][0] = checkpoint_diff_print_time (recovery->meta.time);
      shown[i][1] = ds_duration_to_seconds_string (recovery->meta.interval);
      shown[i][2] = g_strdup_printf ("%u", recovery->meta.parallelism);
      shown[i][3] =
          g_strdup_printf ("%016" G_GINT64_MODIFIER "x",
                           ds_graph_signature_get_fingerprint (recovery->saved));
    }
  checkpoint_diff_note (
      self, "application",
      ds_durable_directory_get_application_name (self->places[0].directory),
      ds_durable_directory_get_application_name (self->places[1].directory));
  for (guint k = 0; k < G_N_ELEMENTS (names); k++)
    {
      checkpoint_diff_note (self, names[k], shown[0][k], shown[1][k]);
      g_free (shown[0][k]);
      g_free (shown[1][k]);
    }
}

/* ---- Operators ---- */

static const char *
checkpoint_get_role (const DsGraphEntry *entry)
{
  return entry->role == DS_ENTRY_INPUT    ? "input"
         : entry->role == DS_ENTRY_OUTPUT ? "output"
                                          : "stream";
}

/* The one of @signature that @wanted is. */
static guint
checkpoint_find_entry (const DsGraphSignature *signature, const DsGraphEntry *wanted)
{
  for (guint i = 0; i < ds_graph_signature_get_n_entries (signature); i++)
    {
      const DsGraphEntry *entry = ds_graph_signature_get_entry (signature, i);

      if ((entry->role == DS_ENTRY_OUTPUT) == (wanted->role == DS_ENTRY_OUTPUT) &&
          g_str_equal (entry->name, wanted->name))
        return i;
    }
  return CHECKPOINT_NO_ENTRY;
}

static void
checkpoint_diff_operator (CheckpointDiff *self, char mark, const DsGraphEntry *entry)
{
  self->n_differences++;
  g_print ("%c %s \"%s\": %s\n", mark, checkpoint_get_role (entry), entry->name,
           entry->form);
}

static void
checkpoint_diff_operators (CheckpointDiff *self)
{
  const DsGraphSignature *a = checkpoint_diff_get (self, 0)->saved;
  const DsGraphSignature *b = checkpoint_diff_get (self, 1)->saved;

  for (guint i = 0; i < ds_graph_signature_get_n_entries (a); i++)
    {
      const DsGraphEntry *entry = ds_graph_signature_get_entry (a, i);
      guint found = checkpoint_find_entry (b, entry);
      const DsGraphEntry *other;

      if (found == CHECKPOINT_NO_ENTRY)
        {
          checkpoint_diff_operator (self, '-', entry);
          continue;
        }
      other = ds_graph_signature_get_entry (b, found);
      if (entry->role != other->role || !g_str_equal (entry->form, other->form))
        {
          checkpoint_diff_operator (self, '~', entry);
          g_print ("  is now %s: %s\n", checkpoint_get_role (other), other->form);
        }
    }
  for (guint i = 0; i < ds_graph_signature_get_n_entries (b); i++)
    if (checkpoint_find_entry (a, ds_graph_signature_get_entry (b, i)) ==
        CHECKPOINT_NO_ENTRY)
      checkpoint_diff_operator (self, '+', ds_graph_signature_get_entry (b, i));
}

/* ---- Inputs: their positions as sorted values ---- */

/* Where input @entry is; NULL without error: nothing is known. */
static DsBlock *
checkpoint_diff_read_position (DsRecovery *recovery, guint entry, GError **error)
{
  DsCheckpointReader *reader =
      g_ptr_array_index (recovery->chain, recovery->chain->len - 1);

  for (guint i = 0; i < ds_checkpoint_reader_n_sections (reader); i++)
    {
      g_autoptr (GByteArray) bytes = NULL;
      g_autoptr (DsBlock) block = NULL;
      DsSectionType type;
      guint flags;

      ds_checkpoint_reader_get_section (reader, i, &type, NULL, &flags, NULL);
      if (type != DS_SECTION_SOURCE || DS_SECTION_ENTRY (flags) != entry)
        continue;
      bytes = ds_recovery_read_section (reader, i, error);
      block = bytes != NULL ? ds_codec_decode_block (bytes->data, bytes->len, 0, error)
                            : NULL;
      return block != NULL ? ds_block_sort (block) : NULL;
    }
  return NULL;
}

static void
checkpoint_diff_value (char mark, DsValue value)
{
  g_autoptr (GString) text = g_string_new (NULL);

  checkpoint_append_json (value, text);
  g_print ("  %c %s\n", mark, text->str);
}

/* What only one of two sorted blocks has; either may be NULL. */
static guint
checkpoint_diff_values (DsBlock *const *blocks, gboolean shows, guint *n_only)
{
  const DsValue *values[2] = { NULL, NULL };
  gsize n_values[2] = { 0, 0 };
  gsize at[2] = { 0, 0 };

  n_only[0] = n_only[1] = 0;
  for (guint i = 0; i < 2; i++)
    if (blocks[i] != NULL)
      values[i] = ds_block_get_values (blocks[i], &n_values[i]);
  while (at[0] < n_values[0] || at[1] < n_values[1])
    {
      int order = at[0] == n_values[0] ? 1
                  : at[1] == n_values[1]
                      ? -1
                      : ds_value_compare (values[0][at[0]], values[1][at[1]]);
      guint side = order > 0 ? 1 : 0;

      if (order == 0)
        at[1]++;
      else
        {
          n_only[side]++;
          if (shows)
            checkpoint_diff_value (side == 0 ? '-' : '+', values[side][at[side]]);
        }
      at[side]++;
    }
  return n_only[0] + n_only[1];
}

static void
checkpoint_diff_input (CheckpointDiff *self, const guint *entries, const char *name)
{
  DsBlock *blocks[2] = { NULL, NULL };
  guint n_only[2];
  gboolean ok = TRUE;

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GError) error = NULL;

      blocks[i] = checkpoint_diff_read_position (checkpoint_diff_get (self, i),
                                                 entries[i], &error);
      if (error == NULL)
        continue;
      g_print ("%s: damaged: position of input \"%s\": %s\n", i == 0 ? "A" : "B", name,
               error->message);
      self->is_damaged = TRUE;
      ok = FALSE;
    }
  if (ok && checkpoint_diff_values (blocks, FALSE, n_only) > 0)
    {
      self->n_differences++;
      g_print ("~ position of input \"%s\": %u values are gone, %u are new\n", name,
               n_only[0], n_only[1]);
      if (self->shows_keys)
        checkpoint_diff_values (blocks, TRUE, n_only);
    }
  for (guint i = 0; i < 2; i++)
    g_clear_pointer (&blocks[i], ds_block_unref);
}

/* ---- States ---- */

typedef struct
{
  gsize n_keys[2];
  gsize n_only[2];
  gsize n_changed;
} CheckpointKeys;

static void
checkpoint_diff_row (char mark, const DsSavedRow *before, const DsSavedRow *after)
{
  g_autoptr (DsArena) arena = ds_arena_new (NULL);
  g_autoptr (GString) text = g_string_new (NULL);

  checkpoint_append_json (before->key, text);
  g_string_append (text, ": ");
  checkpoint_append_json (ds_saved_row_get_value (before, arena), text);
  if (after != NULL)
    {
      g_string_append (text, ", ");
      checkpoint_append_json (ds_saved_row_get_value (after, arena), text);
    }
  g_print ("  %c %s\n", mark, text->str);
}

static void
checkpoint_diff_rows (const DsSavedRow *const *rows, CheckpointKeys *keys, gboolean shows)
{
  gsize at[2] = { 0, 0 };

  keys->n_only[0] = keys->n_only[1] = keys->n_changed = 0;
  while (at[0] < keys->n_keys[0] || at[1] < keys->n_keys[1])
    {
      const DsSavedRow *a = &rows[0][at[0]];
      const DsSavedRow *b = &rows[1][at[1]];
      int order = at[0] == keys->n_keys[0]   ? 1
                  : at[1] == keys->n_keys[1] ? -1
                                             : ds_value_compare (a->key, b->key);

      at[0] += order <= 0;
      at[1] += order >= 0;
      if (order != 0)
        {
          keys->n_only[order > 0]++;
          if (shows)
            checkpoint_diff_row (order > 0 ? '+' : '-', order > 0 ? b : a, NULL);
        }
      else if (a->n_bytes != b->n_bytes || memcmp (a->bytes, b->bytes, a->n_bytes) != 0)
        {
          keys->n_changed++;
          if (shows)
            checkpoint_diff_row ('~', a, b);
        }
    }
}

static void
checkpoint_diff_state (CheckpointDiff *self, const guint *entries, const char *name)
{
  static const DsSavedRow none;
  DsSavedState *states[2] = { NULL, NULL };
  const DsSavedRow *rows[2] = { &none, &none };
  CheckpointKeys keys = { { 0, 0 }, { 0, 0 }, 0 };
  DsTime as_of[2];
  gboolean ok = TRUE;

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GError) error = NULL;

      if (entries[i] != CHECKPOINT_NO_ENTRY)
        states[i] =
            checkpoint_place_load_state (&self->places[i], entries[i], &as_of[i], &error);
      if (states[i] != NULL)
        rows[i] = ds_saved_state_get_rows (states[i], &keys.n_keys[i]);
      if (error == NULL)
        continue;
      g_print ("%s: damaged: state of \"%s\": %s\n", i == 0 ? "A" : "B", name,
               error->message);
      self->is_damaged = TRUE;
      ok = FALSE;
    }
  if (ok)
    checkpoint_diff_rows (rows, &keys, FALSE);
  if (ok && keys.n_only[0] + keys.n_only[1] + keys.n_changed > 0)
    {
      self->n_differences++;
      g_print ("~ state of \"%s\": %" G_GSIZE_FORMAT " keys, %" G_GSIZE_FORMAT
               " keys: %" G_GSIZE_FORMAT " removed, %" G_GSIZE_FORMAT
               " added, %" G_GSIZE_FORMAT " changed\n",
               name, keys.n_keys[0], keys.n_keys[1], keys.n_only[0], keys.n_only[1],
               keys.n_changed);
      if (self->shows_keys)
        checkpoint_diff_rows (rows, &keys, TRUE);
    }
  for (guint i = 0; i < 2; i++)
    g_clear_pointer (&states[i], ds_saved_state_free);
}

/* Of an operator that either has. */
static void
checkpoint_diff_contents (CheckpointDiff *self, const guint *entries)
{
  guint side = entries[0] != CHECKPOINT_NO_ENTRY ? 0 : 1;
  const DsGraphEntry *entry =
      ds_graph_signature_get_entry (checkpoint_diff_get (self, side)->saved,
                                    entries[side]);

  if (entry->role == DS_ENTRY_INPUT && entries[1 - side] != CHECKPOINT_NO_ENTRY)
    checkpoint_diff_input (self, entries, entry->name);
  else if (entry->role == DS_ENTRY_KEPT)
    checkpoint_diff_state (self, entries, entry->name);
}

static void
checkpoint_diff_all_contents (CheckpointDiff *self)
{
  for (guint side = 0; side < 2; side++)
    {
      const DsGraphSignature *own = checkpoint_diff_get (self, side)->saved;
      const DsGraphSignature *other = checkpoint_diff_get (self, 1 - side)->saved;

      for (guint i = 0; i < ds_graph_signature_get_n_entries (own); i++)
        {
          guint entries[2];

          entries[side] = i;
          entries[1 - side] =
              checkpoint_find_entry (other, ds_graph_signature_get_entry (own, i));
          if (side == 0 || entries[0] == CHECKPOINT_NO_ENTRY)
            checkpoint_diff_contents (self, entries);
        }
    }
}

/* ---- Batches behind the checkpoint ---- */

static gboolean
checkpoint_batch_is_pending (const DsRecovery *recovery, const DsPlannedBatch *batch)
{
  return batch->time > recovery->meta.time && batch->result < 0;
}

/* "3 batches planned after it, 1 of them not complete" */
static char *
checkpoint_diff_print_batches (CheckpointPlace *place)
{
  guint n_planned = 0;
  guint n_pending = 0;

  if (!place->has_log)
    return g_strdup ("their log is not there");
  for (guint i = 0; i < place->recovery->plans->len; i++)
    {
      const DsPlannedBatch *batch = g_ptr_array_index (place->recovery->plans, i);

      n_planned += batch->time > place->recovery->meta.time;
      n_pending += checkpoint_batch_is_pending (place->recovery, batch);
    }
  return g_strdup_printf ("%u planned, %u of them not complete", n_planned, n_pending);
}

static void
checkpoint_diff_show_pending (DsRecovery *own, DsRecovery *other, char mark)
{
  for (guint i = 0; i < own->plans->len; i++)
    {
      const DsPlannedBatch *batch = g_ptr_array_index (own->plans, i);
      const DsPlannedBatch *same = ds_recovery_find_plan (other, batch->time);
      g_autofree char *time = NULL;

      if (!checkpoint_batch_is_pending (own, batch) ||
          (same != NULL && checkpoint_batch_is_pending (other, same)))
        continue;
      time = checkpoint_diff_print_time (batch->time);
      g_print ("  %c not complete: %s\n", mark, time);
    }
}

static void
checkpoint_diff_batches (CheckpointDiff *self)
{
  g_autofree char *a = checkpoint_diff_print_batches (&self->places[0]);
  g_autofree char *b = checkpoint_diff_print_batches (&self->places[1]);

  checkpoint_diff_note (self, "batches behind it", a, b);
  if (!self->shows_keys)
    return;
  checkpoint_diff_show_pending (checkpoint_diff_get (self, 0),
                                checkpoint_diff_get (self, 1), '-');
  checkpoint_diff_show_pending (checkpoint_diff_get (self, 1),
                                checkpoint_diff_get (self, 0), '+');
}

/* ---- The command ---- */

/* Both are opened and told of, also when the first is of no use. */
static gboolean
checkpoint_diff_open (CheckpointDiff *self, char **words)
{
  gboolean ok = TRUE;

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GError) error = NULL;
      CheckpointPlace *place = &self->places[i];
      const char *prefix = i == 0 ? "A: " : "B: ";

      if (!checkpoint_place_open (place, words[i], &error) ||
          !checkpoint_place_read (place, prefix, checkpoint_note, &error))
        {
          g_print ("%s%s\n", prefix, error->message);
          ok = FALSE;
          continue;
        }
      checkpoint_place_read_log (place, prefix, checkpoint_note);
      g_print ("%s%s in \"%s\"\n", prefix, checkpoint_place_get_checkpoint (place),
               ds_durable_directory_get_path (place->directory));
      self->is_damaged = self->is_damaged || place->is_damaged;
    }
  return ok;
}

int
checkpoint_diff (const CheckpointOptions *options, char **words, GError **error)
{
  CheckpointDiff self = { .shows_keys = options->shows_keys };
  gboolean is_same = FALSE;

  if (checkpoint_diff_open (&self, words))
    {
      checkpoint_diff_settings (&self);
      checkpoint_diff_operators (&self);
      checkpoint_diff_all_contents (&self);
      checkpoint_diff_batches (&self);
      is_same = self.n_differences == 0 && !self.is_damaged;
      if (self.n_differences == 0)
        g_print ("no difference%s\n", self.is_damaged ? " in what can be read" : "");
    }
  for (guint i = 0; i < 2; i++)
    checkpoint_place_clear (&self.places[i]);
  return is_same ? CHECKPOINT_FINE : CHECKPOINT_BAD;
}
