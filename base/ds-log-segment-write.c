/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The segment that is written.  A group of records goes out with one write: small ones
 * are laid one behind the other in one piece of memory, large ones are written from where
 * they are.  What fails is given up with its file, whose tail readers pass over because
 * the same numbers come again in the next one. */

#include "base/ds-durable-file-private.h"
#include "base/ds-error.h"
#include "base/ds-failpoint-private.h"
#include "base/ds-hash-state-private.h"
#include "base/ds-log-writer-private.h"
#include "base/ds-planted-fault-private.h"

#include <unistd.h>

/* Records up to here are copied, which costs less than three pieces do. */
#define DS_LOG_SMALL_RECORD 4096

void
ds_log_segment_init (DsLogSegment *self,
                     DsDurableDirectory *directory,
                     guint64 next_number)
{
  *self = (DsLogSegment){ .directory = directory, .fd = -1, .next_number = next_number };
  self->scratch = g_byte_array_new ();
  self->pieces = g_array_new (FALSE, FALSE, sizeof (struct iovec));
  self->hash = ds_hash_state_new ();
}

static void
ds_log_segment_end (DsLogSegment *self)
{
  /* Everything that counts was synced. */
  if (self->fd >= 0)
    close (self->fd);
  self->fd = -1;
  g_clear_pointer (&self->path, g_free);
}

void
ds_log_segment_clear (DsLogSegment *self)
{
  ds_log_segment_end (self);
  g_clear_pointer (&self->scratch, g_byte_array_unref);
  g_clear_pointer (&self->pieces, g_array_unref);
  XXH3_freeState (self->hash);
  self->hash = NULL;
}

gboolean
ds_log_segment_is_open (const DsLogSegment *self)
{
  return self->fd >= 0;
}

gboolean
ds_log_segment_is_empty (const DsLogSegment *self)
{
  return self->n_bytes == DS_LOG_HEAD_BYTES;
}

/* ---- Beginning ---- */

static gboolean
ds_log_segment_write_head (DsLogSegment *self, GError **error)
{
  guint8 bytes[DS_LOG_HEAD_BYTES];

  ds_log_encode_head (&self->head,
                      ds_durable_directory_get_application_id (self->directory), bytes);
  return ds_durable_file_write (self->fd, self->path, bytes, sizeof bytes, error) &&
         ds_durable_file_sync (self->fd, self->path, error) &&
         (DS_PLANTED ("log-no-directory-sync") ||
          ds_durable_directory_sync_names (self->directory, error));
}

gboolean
ds_log_segment_begin (DsLogSegment *self, guint64 first_sequence, GError **error)
{
  char name[24];

  ds_log_segment_end (self);
  self->head.number = self->next_number++;
  self->head.first_sequence = first_sequence;
  self->head.salt = (guint64) g_random_int () << 32 | g_random_int ();
  ds_log_segment_name (self->head.number, name);
  self->path = ds_durable_directory_get_file_path (self->directory, name);
  self->fd = ds_durable_directory_create_file (self->directory, name, error);
  if (self->fd < 0)
    {
      ds_log_segment_end (self);
      return FALSE;
    }
  DS_FP ("log.segment-created");
  if (!ds_log_segment_write_head (self, error))
    {
      ds_log_segment_end (self);
      ds_durable_directory_remove_file (self->directory, name, NULL);
      return FALSE;
    }
  DS_FP ("log.segment-begun");
  self->n_bytes = DS_LOG_HEAD_BYTES;
  self->started = g_get_monotonic_time ();
  return TRUE;
}

/* ---- Records as pieces ---- */

static gsize
ds_log_entry_scratch (const DsLogEntry *entry)
{
  return entry->size <= DS_LOG_SMALL_RECORD ? entry->size
                                            : DS_LOG_FRAME_BYTES + 7 + DS_LOG_HASH_BYTES;
}

static void
ds_log_segment_add_piece (DsLogSegment *self, const void *bytes, gsize n_bytes)
{
  struct iovec piece = { .iov_len = n_bytes };
  struct iovec *last = self->pieces->len > 0 ? &g_array_index (self->pieces, struct iovec,
                                                               self->pieces->len - 1)
                                             : NULL;

  if (last != NULL && (const char *) last->iov_base + last->iov_len == bytes)
    {
      last->iov_len += n_bytes;
      return;
    }
  memcpy (&piece.iov_base, &bytes, sizeof bytes); /* writev () does not write into it */
  g_array_append_val (self->pieces, piece);
}

/* Returns where the next one begins in the scratch memory. */
static guint8 *
ds_log_segment_add_small (DsLogSegment *self,
                          const DsLogEntry *entry,
                          guint32 place,
                          guint8 *room)
{
  guint8 *end = room + DS_LOG_FRAME_BYTES;
  gsize n_hashed = entry->size - DS_LOG_HASH_BYTES;

  ds_log_encode_frame (room, self->head.salt, entry->n_bytes, entry->sequence,
                       entry->type, place);
  for (guint i = 0; i < entry->n_parts; i++)
    if (entry->parts[i].n_bytes > 0)
      {
        memcpy (end, entry->parts[i].bytes, entry->parts[i].n_bytes);
        end += entry->parts[i].n_bytes;
      }
  memset (end, 0, n_hashed - (gsize) (end - room));
  ds_put_u64 (room + n_hashed, XXH3_64bits_withSeed (room, n_hashed, self->head.salt));
  ds_log_segment_add_piece (self, room, entry->size);
  return room + entry->size;
}

static guint8 *
ds_log_segment_add_large (DsLogSegment *self,
                          const DsLogEntry *entry,
                          guint32 place,
                          guint8 *room)
{
  gsize n_padding = entry->size - DS_LOG_FRAME_BYTES - entry->n_bytes - DS_LOG_HASH_BYTES;

  ds_log_encode_frame (room, self->head.salt, entry->n_bytes, entry->sequence,
                       entry->type, place);
  ds_log_segment_add_piece (self, room, DS_LOG_FRAME_BYTES);
  XXH3_64bits_reset_withSeed (self->hash, self->head.salt);
  XXH3_64bits_update (self->hash, room, DS_LOG_FRAME_BYTES);
  for (guint i = 0; i < entry->n_parts; i++)
    {
      const DsLogPart *part = &entry->parts[i];

      if (part->n_bytes == 0)
        continue;
      XXH3_64bits_update (self->hash, part->bytes, part->n_bytes);
      ds_log_segment_add_piece (self, part->bytes, part->n_bytes);
    }
  room += DS_LOG_FRAME_BYTES;
  memset (room, 0, n_padding);
  XXH3_64bits_update (self->hash, room, n_padding);
  ds_put_u64 (room + n_padding, XXH3_64bits_digest (self->hash));
  ds_log_segment_add_piece (self, room, n_padding + DS_LOG_HASH_BYTES);
  return room + n_padding + DS_LOG_HASH_BYTES;
}

static void
ds_log_segment_lay_out (DsLogSegment *self, const DsLogGroup *group)
{
  gsize n_scratch = 0;
  guint32 place = 0;
  guint8 *room;

  for (const DsLogEntry *entry = group->first; entry != NULL; entry = entry->next)
    n_scratch += ds_log_entry_scratch (entry);
  g_byte_array_set_size (self->scratch, (guint) n_scratch);
  g_array_set_size (self->pieces, 0);
  room = self->scratch->data;
  for (const DsLogEntry *entry = group->first; entry != NULL; entry = entry->next)
    room = entry->size <= DS_LOG_SMALL_RECORD
               ? ds_log_segment_add_small (self, entry, place++, room)
               : ds_log_segment_add_large (self, entry, place++, room);
}

/* ---- Writing ---- */

gboolean
ds_log_segment_write (DsLogSegment *self, const DsLogGroup *group, GError **error)
{
  g_autoptr (GError) local_error = NULL;

  ds_log_segment_lay_out (self, group);
  DS_FP ("log.before-write");
  if (ds_durable_file_write_pieces (self->fd, self->path,
                                    (struct iovec *) (gpointer) self->pieces->data,
                                    self->pieces->len, &local_error))
    {
      DS_FP ("log.written");
      if (DS_PLANTED ("log-no-sync") ||
          ds_durable_file_sync_data (self->fd, self->path, &local_error) ||
          (DS_PLANTED ("log-syncs-again") &&
           ds_durable_file_sync_data (self->fd, self->path, NULL)))
        {
          DS_FP ("log.synced");
          self->n_bytes += group->n_bytes;
          return TRUE;
        }
      ds_log_segment_end (self);
    }
  /* What a full disk took can be taken back, and the file used on. */
  else if (!g_error_matches (local_error, DS_ERROR, DS_ERROR_NO_SPACE) ||
           !ds_durable_file_cut (self->fd, self->path, self->n_bytes, NULL))
    ds_log_segment_end (self);

  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}
