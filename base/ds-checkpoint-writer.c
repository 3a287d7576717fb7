/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Writing a checkpoint: from front to back, hashed on the way, in pieces whose head is
 * filled in while they are still in memory.  Nothing is read back, and no section has to
 * fit into memory. */

#include "base/ds-checkpoint-format-private.h"

#include "base/ds-durable-file-private.h"
#include "base/ds-error.h"
#include "base/ds-failpoint-private.h"
#include "base/ds-hash-state-private.h"
#include "base/ds-planted-fault-private.h"

#include <unistd.h>

#define DS_CHECKPOINT_BUFFER_BYTES (256 * 1024)
/* A piece is not begun with less room. */
#define DS_CHECKPOINT_MIN_ROOM (DS_PIECE_HEAD_BYTES + 2 + DS_SECTION_MAX_NAME)

struct _DsCheckpointWriter
{
  DsDurableDirectory *directory;
  DsTime batch_time;
  char *name; /* of the temporary file; NULL: it is gone */
  char *path;
  int fd;

  guint8 *buffer; /* whole pieces, and the one that is being filled */
  gsize n_buffer;
  gsize piece; /* where that one begins in the buffer */
  gboolean is_in_section;
  guint32 type;
  guint32 flags;

  guint64 n_body; /* written */
  guint32 n_pieces;
  XXH3_state_t *hash;
};

DsCheckpointWriter *
ds_checkpoint_writer_new (DsDurableDirectory *directory,
                          DsTime batch_time,
                          GError **error)
{
  static gint n_writers;
  g_autoptr (DsCheckpointWriter) self = NULL;

  if (batch_time < 0 || batch_time % DS_MILLISECOND != 0)
    {
      g_set_error (error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT,
                   "A checkpoint of batch time %" G_GINT64_FORMAT
                   " us cannot be written to \"%s\": batch times of programs with "
                   "checkpoints are whole milliseconds since 1970",
                   batch_time, ds_durable_directory_get_path (directory));
      return NULL;
    }
  self = g_new0 (DsCheckpointWriter, 1);
  self->directory = directory;
  self->batch_time = batch_time;
  self->name = g_strdup_printf (".tmp-ckpt-%020" G_GINT64_MODIFIER "d-%ld-%d",
                                batch_time / DS_MILLISECOND, (long) getpid (),
                                g_atomic_int_add (&n_writers, 1));
  self->path = ds_durable_directory_get_file_path (directory, self->name);
  self->buffer = g_malloc (DS_CHECKPOINT_BUFFER_BYTES);
  self->hash = ds_hash_state_new ();
  self->fd = ds_durable_directory_create_file (directory, self->name, error);
  if (self->fd >= 0)
    return g_steal_pointer (&self);
  g_clear_pointer (&self->name, g_free);
  return NULL;
}

void
ds_checkpoint_writer_free (DsCheckpointWriter *self)
{
  if (self->fd >= 0)
    close (self->fd);
  if (self->name != NULL)
    ds_durable_directory_remove_file (self->directory, self->name, NULL);
  XXH3_freeState (self->hash);
  g_free (self->buffer);
  g_free (self->path);
  g_free (self->name);
  g_free (self);
}

/* ---- Pieces ---- */

static void
ds_checkpoint_writer_begin_piece (DsCheckpointWriter *self)
{
  self->piece = self->n_buffer;
  self->n_buffer += DS_PIECE_HEAD_BYTES;
  self->n_pieces++;
}

static void
ds_checkpoint_writer_end_piece (DsCheckpointWriter *self, guint32 more_flags)
{
  guint8 *head = self->buffer + self->piece;
  gsize n_bytes = self->n_buffer - self->piece - DS_PIECE_HEAD_BYTES;

  ds_put_u32 (head, self->type);
  ds_put_u32 (head + 4, self->flags | more_flags);
  ds_put_u64 (head + 8, n_bytes);
  ds_put_u64 (head + 16, XXH3_64bits (head + DS_PIECE_HEAD_BYTES, n_bytes));
}

static gboolean
ds_checkpoint_writer_flush (DsCheckpointWriter *self, GError **error)
{
  DS_FP ("checkpoint.before-write");
  if (!ds_durable_file_write_at (self->fd, self->path, self->buffer, self->n_buffer,
                                 DS_CHECKPOINT_HEAD_BYTES + self->n_body, error))
    return FALSE;
  XXH3_64bits_update (self->hash, self->buffer, self->n_buffer);
  self->n_body += self->n_buffer;
  self->n_buffer = 0;
  return TRUE;
}

static gboolean
ds_checkpoint_writer_make_room (DsCheckpointWriter *self, GError **error)
{
  return self->n_buffer + DS_CHECKPOINT_MIN_ROOM <= DS_CHECKPOINT_BUFFER_BYTES ||
         ds_checkpoint_writer_flush (self, error);
}

gboolean
ds_checkpoint_writer_begin_section (DsCheckpointWriter *self,
                                    DsSectionType type,
                                    const char *name,
                                    guint flags,
                                    GError **error)
{
  gsize n_name = strlen (name);
  guint8 head[2] = { 0xd9, (guint8) n_name };

  g_assert (!self->is_in_section && type != DS_SECTION_END);
  g_assert ((flags & ~DS_SECTION_USER_FLAGS) == 0);
  if (n_name > DS_SECTION_MAX_NAME || !g_utf8_validate (name, -1, NULL))
    {
      g_set_error (
          error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT,
          "A part of the checkpoint \"%s\" cannot have a name of %" G_GSIZE_FORMAT
          " bytes that begins \"%.32s\": it must be UTF-8 of at most %d; set a "
          "shorter name for the stream",
          self->path, n_name, g_utf8_validate (name, -1, NULL) ? name : "?",
          DS_SECTION_MAX_NAME);
      return FALSE;
    }
  if (!ds_checkpoint_writer_make_room (self, error))
    return FALSE;
  self->is_in_section = TRUE;
  self->type = type;
  self->flags = flags;
  ds_checkpoint_writer_begin_piece (self);
  if (n_name <= 31)
    {
      head[1] = (guint8) (0xa0 | n_name);
      return ds_checkpoint_writer_append (self, head + 1, 1, error) &&
             ds_checkpoint_writer_append (self, (const guint8 *) name, n_name, error);
    }
  return ds_checkpoint_writer_append (self, head, 2, error) &&
         ds_checkpoint_writer_append (self, (const guint8 *) name, n_name, error);
}

gboolean
ds_checkpoint_writer_append (DsCheckpointWriter *self,
                             const guint8 *bytes,
                             gsize n_bytes,
                             GError **error)
{
  g_assert (self->is_in_section);
  while (n_bytes > 0)
    {
      gsize n_now = MIN (n_bytes, DS_CHECKPOINT_BUFFER_BYTES - self->n_buffer);

      memcpy (self->buffer + self->n_buffer, bytes, n_now);
      self->n_buffer += n_now;
      bytes += n_now;
      n_bytes -= n_now;
      if (n_bytes == 0)
        break;
      ds_checkpoint_writer_end_piece (self, DS_PIECE_CONTINUED);
      if (!ds_checkpoint_writer_flush (self, error))
        return FALSE;
      ds_checkpoint_writer_begin_piece (self);
    }
  return TRUE;
}

gboolean
ds_checkpoint_writer_end_section (DsCheckpointWriter *self, GError **error)
{
  g_assert (self->is_in_section);
  self->is_in_section = FALSE;
  ds_checkpoint_writer_end_piece (self, 0);
  return TRUE;
}

/* ---- The end ---- */

static gboolean
ds_checkpoint_writer_write_end (DsCheckpointWriter *self, GError **error)
{
  if (!ds_checkpoint_writer_make_room (self, error))
    return FALSE;
  self->type = DS_SECTION_END;
  self->flags = 0;
  ds_checkpoint_writer_begin_piece (self);
  ds_checkpoint_writer_end_piece (self, 0);
  return ds_checkpoint_writer_flush (self, error);
}

static gboolean
ds_checkpoint_writer_write_head (DsCheckpointWriter *self,
                                 const DsCheckpointHead *head,
                                 GError **error)
{
  guint8 bytes[DS_CHECKPOINT_HEAD_BYTES];
  DsCheckpointOutline outline = { *head, self->n_body, XXH3_64bits_digest (self->hash),
                                  self->n_pieces };

  outline.head.batch_time = self->batch_time;
  ds_checkpoint_encode_head (&outline,
                             ds_durable_directory_get_application_id (self->directory),
                             bytes);
  DS_FP ("checkpoint.before-head");
  return ds_durable_file_write_at (self->fd, self->path, bytes, sizeof bytes, 0, error);
}

static gboolean
ds_checkpoint_writer_sync (DsCheckpointWriter *self, GError **error)
{
  int fd = self->fd;

  DS_FP ("checkpoint.written");
  self->fd = -1;
  if (DS_PLANTED ("checkpoint-no-sync"))
    return close (fd) == 0;
  return ds_durable_file_sync_and_close (fd, self->path, error);
}

/* DS_PLANTED: what is to be replaced goes before there is anything to replace it. */
static void
ds_checkpoint_writer_prune_first (DsCheckpointWriter *self)
{
  g_autoptr (GPtrArray) names =
      ds_durable_directory_list (self->directory, "ckpt-", NULL);

  for (guint i = 0; names != NULL && i < names->len; i++)
    ds_durable_directory_remove_file (self->directory, names->pdata[i], NULL);
}

static gboolean
ds_checkpoint_writer_publish (DsCheckpointWriter *self, gboolean replaces, GError **error)
{
  g_autofree char *name = ds_checkpoint_make_name (self->batch_time);

  DS_FP ("checkpoint.synced");
  if (DS_PLANTED ("checkpoint-pruned-first"))
    ds_checkpoint_writer_prune_first (self);
  if (!(replaces ? ds_durable_directory_replace_file
                 : ds_durable_directory_rename_file) (self->directory, self->name, name,
                                                      error))
    return FALSE;
  g_clear_pointer (&self->name, g_free);
  DS_FP ("checkpoint.renamed");
  return DS_PLANTED ("checkpoint-no-directory-sync") ||
         ds_durable_directory_sync_names (self->directory, error);
}

static gboolean
ds_checkpoint_writer_complete (DsCheckpointWriter *self,
                               const DsCheckpointHead *head,
                               gboolean replaces,
                               GError **error)
{
  g_assert (!self->is_in_section && self->name != NULL);
  g_assert (head->base_time == DS_TIME_NONE ||
            (head->base_time < self->batch_time && head->base_time >= 0));
  return ds_checkpoint_writer_write_end (self, error) &&
         ds_checkpoint_writer_write_head (self, head, error) &&
         ds_checkpoint_writer_sync (self, error) &&
         ds_checkpoint_writer_publish (self, replaces, error);
}

gboolean
ds_checkpoint_writer_finish (DsCheckpointWriter *self,
                             const DsCheckpointHead *head,
                             GError **error)
{
  return ds_checkpoint_writer_complete (self, head, FALSE, error);
}

gboolean
ds_checkpoint_writer_replace (DsCheckpointWriter *self,
                              const DsCheckpointHead *head,
                              GError **error)
{
  return ds_checkpoint_writer_complete (self, head, TRUE, error);
}
