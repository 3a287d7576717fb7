/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Keys and states, in the order of the keys: of one stream at a time, written as it goes
 * along.  The same states give the same bytes, whatever chain of checkpoints they come
 * from. */

#include "tools/ds-checkpoint-private.h"

#include "base/ds-codec-private.h"
#include "base/ds-error.h"

#include <errno.h>

#define CHECKPOINT_FORMAT_NAME "ds-checkpoint"
#define CHECKPOINT_FORMAT_VERSION 1
/* Text or bytes are written when there are as many. */
#define CHECKPOINT_PIECE (64 * 1024)
/* Decoded states that are held at a time. */
#define CHECKPOINT_ARENA_BYTES (1024 * 1024)

typedef struct
{
  CheckpointPlace *place;
  gboolean is_msgpack;
  GByteArray *bytes; /* msgpack, not written yet */
  GString *text;     /* JSON, the same */
  DsArena *arena;
  gboolean has_states; /* one is written */
  int errsv;           /* of the output that did not take all; 0: none */
} CheckpointExport;

/* What has been gathered. */
static void
checkpoint_export_flush (CheckpointExport *self)
{
  gsize n = self->is_msgpack ? self->bytes->len : self->text->len;

  errno = 0;
  if (n > 0 &&
      fwrite (self->is_msgpack ? (const void *) self->bytes->data : self->text->str, 1, n,
              stdout) < n &&
      self->errsv == 0)
    self->errsv = errno != 0 ? errno : EIO;
  g_byte_array_set_size (self->bytes, 0);
  g_string_set_size (self->text, 0);
}

static void
checkpoint_export_go_on (CheckpointExport *self)
{
  if (MAX (self->bytes->len, self->text->len) >= CHECKPOINT_PIECE)
    checkpoint_export_flush (self);
  if (ds_arena_get_n_bytes (self->arena) > CHECKPOINT_ARENA_BYTES)
    ds_arena_reset (self->arena);
}

/* ---- As msgpack: objects back to back ---- */

static void
checkpoint_export_put (CheckpointExport *self, const DsValue *items, guint n_items)
{
  ds_codec_encode (ds_value_list (items, n_items), self->bytes);
}

static void
checkpoint_export_put_row (CheckpointExport *self, const DsSavedRow *row)
{
  static const guint8 three_items = 0x93;

  g_byte_array_append (self->bytes, &three_items, 1);
  g_byte_array_append (self->bytes, row->key_bytes, row->n_key_bytes);
  g_byte_array_append (self->bytes, row->bytes, row->n_bytes);
  ds_codec_encode (row->updated_at != DS_TIME_NONE ? ds_value_int (row->updated_at)
                                                   : ds_value_null (),
                   self->bytes);
}

/* ---- As JSON: a line for each key ---- */

static void
checkpoint_export_member (CheckpointExport *self, const char *name, const char *value)
{
  g_string_append_printf (self->text, "\"%s\": ", name);
  checkpoint_append_json_string (value, strlen (value), self->text);
  g_string_append (self->text, ",\n");
}

static void
checkpoint_export_write_row (CheckpointExport *self, const DsSavedRow *row)
{
  g_string_append (self->text, "    {\"key\": ");
  checkpoint_append_json (row->key, self->text);
  g_string_append (self->text, ", \"state\": ");
  checkpoint_append_json (ds_saved_row_get_value (row, self->arena), self->text);
  if (row->updated_at != DS_TIME_NONE)
    g_string_append_printf (self->text, ", \"updated_at\": %" G_GINT64_FORMAT,
                            row->updated_at);
  g_string_append_c (self->text, '}');
}

/* ---- Both ---- */

static void
checkpoint_export_begin (CheckpointExport *self)
{
  const char *application =
      ds_durable_directory_get_application_name (self->place->directory);
  const char *checkpoint = checkpoint_place_get_checkpoint (self->place);
  DsTime time = self->place->recovery->meta.time;
  const DsValue head[] = { ds_value_string (CHECKPOINT_FORMAT_NAME),
                           ds_value_int (CHECKPOINT_FORMAT_VERSION),
                           ds_value_string (application), ds_value_string (checkpoint),
                           ds_value_int (time) };

  if (self->is_msgpack)
    {
      checkpoint_export_put (self, head, G_N_ELEMENTS (head));
      return;
    }
  g_string_append (self->text, "{\n");
  g_string_append_printf (self->text, "\"version\": %d,\n", CHECKPOINT_FORMAT_VERSION);
  checkpoint_export_member (self, "application", application);
  checkpoint_export_member (self, "checkpoint", checkpoint);
  g_string_append_printf (self->text, "\"batch_time\": %" G_GINT64_FORMAT ",\n", time);
  g_string_append (self->text, "\"states\": [");
}

static void
checkpoint_export_begin_state (CheckpointExport *self,
                               const DsGraphEntry *entry,
                               DsTime as_of,
                               gsize n_rows)
{
  const DsValue head[] = { ds_value_string ("state"), ds_value_string (entry->name),
                           ds_value_string (entry->form), ds_value_int ((gint64) n_rows),
                           ds_value_int (as_of) };

  if (self->is_msgpack)
    {
      checkpoint_export_put (self, head, G_N_ELEMENTS (head));
      return;
    }
  g_string_append (self->text, self->has_states ? ",\n  {\n  " : "\n  {\n  ");
  checkpoint_export_member (self, "name", entry->name);
  g_string_append (self->text, "  ");
  checkpoint_export_member (self, "operator", entry->form);
  g_string_append_printf (self->text, "  \"as_of\": %" G_GINT64_FORMAT ",\n", as_of);
  g_string_append_printf (self->text, "  \"n_keys\": %" G_GSIZE_FORMAT ",\n", n_rows);
  g_string_append (self->text, "  \"keys\": [");
}

static void
checkpoint_export_end (CheckpointExport *self)
{
  if (!self->is_msgpack)
    g_string_append (self->text, self->has_states ? "\n]\n}\n" : "]\n}\n");
  checkpoint_export_flush (self);
  if (fflush (stdout) != 0 && self->errsv == 0)
    self->errsv = errno;
}

/* FALSE: it is damaged, and was left out. */
static gboolean
checkpoint_export_state (CheckpointExport *self, guint index)
{
  const DsGraphEntry *entry =
      ds_graph_signature_get_entry (self->place->recovery->saved, index);
  g_autoptr (GError) error = NULL;
  DsTime as_of = DS_TIME_NONE;
  g_autoptr (DsSavedState) state =
      checkpoint_place_load_state (self->place, index, &as_of, &error);
  const DsSavedRow *rows;
  gsize n_rows;

  if (state == NULL)
    {
      if (error != NULL)
        g_printerr ("ds-checkpoint: the state of \"%s\" is left out: damaged: %s\n",
                    entry->name, error->message);
      return error == NULL;
    }
  rows = ds_saved_state_get_rows (state, &n_rows);
  checkpoint_export_begin_state (self, entry, as_of, n_rows);
  for (gsize i = 0; i < n_rows && self->errsv == 0; i++)
    {
      if (self->is_msgpack)
        checkpoint_export_put_row (self, &rows[i]);
      else
        {
          g_string_append (self->text, i > 0 ? ",\n" : "\n");
          checkpoint_export_write_row (self, &rows[i]);
        }
      checkpoint_export_go_on (self);
    }
  if (!self->is_msgpack)
    g_string_append (self->text, n_rows > 0 ? "\n  ]}" : "]}");
  self->has_states = TRUE;
  return TRUE;
}

static gboolean
checkpoint_export_all (CheckpointExport *self, int only)
{
  const DsGraphSignature *saved = self->place->recovery->saved;
  gboolean is_whole = TRUE;

  checkpoint_export_begin (self);
  for (guint i = 0; i < ds_graph_signature_get_n_entries (saved); i++)
    if (ds_graph_signature_get_entry (saved, i)->role == DS_ENTRY_KEPT &&
        (only < 0 || (guint) only == i))
      is_whole = checkpoint_export_state (self, i) && is_whole;
  checkpoint_export_end (self);
  return is_whole;
}

/* Its output is not mixed with what is told. */
static void
checkpoint_note_error (const char *prefix, const char *message)
{
  g_printerr ("ds-checkpoint: %sdamaged: %s\n", prefix, message);
}

int
checkpoint_export (const CheckpointOptions *options, char **words, GError **error)
{
  g_auto (CheckpointPlace) place = { .name = NULL };
  CheckpointExport export = { .place = &place, .is_msgpack = options->is_msgpack };
  guint only = 0;
  gboolean is_whole;

  if (!checkpoint_place_open (&place, words[0], error) ||
      !checkpoint_place_read (&place, "", checkpoint_note_error, error) ||
      (words[1] != NULL && !checkpoint_place_find_state (&place, words[1], &only, error)))
    return CHECKPOINT_BAD;
  export.bytes = g_byte_array_new ();
  export.text = g_string_new (NULL);
  export.arena = ds_arena_new (NULL);
  is_whole = checkpoint_export_all (&export, words[1] != NULL ? (int) only : -1);
  g_byte_array_unref (export.bytes);
  g_string_free (export.text, TRUE);
  ds_arena_unref (export.arena);
  if (export.errsv != 0)
    {
      g_set_error (error, DS_ERROR, DS_ERROR_IO, "writing the states: %s",
                   g_strerror (export.errsv));
      return CHECKPOINT_BAD;
    }
  return is_whole && !place.is_damaged ? CHECKPOINT_FINE : CHECKPOINT_BAD;
}
