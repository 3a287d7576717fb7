/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The segment that is written.  A group of records goes out with one write, or with some
 * when it is large, and one sync.  What fails is given up with its file, whose tail
 * readers pass over because the same numbers come again in the next one. */

#include "base/ds-durable-file-private.h"
#include "base/ds-error.h"
#include "base/ds-failpoint-private.h"
#include "base/ds-hash-state-private.h"
#include "base/ds-log-writer-private.h"
#include "base/ds-planted-fault-private.h"

#include <unistd.h>

/* So much of a large group is written before the disk begins with it. */
#define DS_LOG_AHEAD_BYTES ((gsize) 1024 * 1024)
/* At least one of the system's, and of the disk's sectors. */
#define DS_LOG_PAGE_BYTES ((guint64) 64 * 1024)

void
ds_log_segment_init (DsLogSegment *self,
                     DsDurableDirectory *directory,
                     guint64 next_number)
{
  *self = (DsLogSegment){ .directory = directory, .fd = -1, .next_number = next_number };
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

/* ---- Writing ---- */

/* Of a large group the disk begins with the first MiB while the next one is copied.  It
 * begins with whole pages only: one that is written twice could be on the disk as it was
 * the first time, with what is behind it, which no reader takes for a torn end.  FALSE:
 * the segment has ended, unless it can be used on. */
static gboolean
ds_log_segment_write_pieces (DsLogSegment *self, guint64 n_bytes_left, GError **error)
{
  struct iovec *pieces = (struct iovec *) (gpointer) self->pieces->data;
  guint n_left = self->pieces->len;
  guint64 at = self->n_bytes;

  while (n_left > 0)
    {
      g_autoptr (GError) local_error = NULL;
      struct iovec rest = { NULL, 0 };
      gsize n_bytes = 0;
      guint n = 0;

      do
        n_bytes += pieces[n++].iov_len;
      while (n < n_left && (n_bytes < DS_LOG_AHEAD_BYTES ||
                            n_bytes_left - n_bytes < DS_LOG_AHEAD_BYTES ||
                            pieces[n - 1].iov_len <= (at + n_bytes) % DS_LOG_PAGE_BYTES));
      if (n < n_left)
        rest.iov_len = (gsize) ((at + n_bytes) % DS_LOG_PAGE_BYTES);
      pieces[n - 1].iov_len -= rest.iov_len;
      rest.iov_base = (guint8 *) pieces[n - 1].iov_base + pieces[n - 1].iov_len;
      if (!ds_durable_file_write_pieces (self->fd, self->path, pieces, n, &local_error))
        {
          /* What a full disk took can be taken back, and the file used on. */
          if (!g_error_matches (local_error, DS_ERROR, DS_ERROR_NO_SPACE) ||
              !ds_durable_file_cut (self->fd, self->path, self->n_bytes, NULL))
            ds_log_segment_end (self);
          g_propagate_error (error, g_steal_pointer (&local_error));
          return FALSE;
        }
      if (rest.iov_len > 0)
        pieces[--n] = rest;
      n_bytes -= rest.iov_len;
      pieces += n;
      n_left -= n;
      n_bytes_left -= n_bytes;
      at += n_bytes;
      if (n_left > 0 && !ds_durable_file_start_sync (self->fd, self->path, error))
        {
          ds_log_segment_end (self);
          return FALSE;
        }
    }
  return TRUE;
}

gboolean
ds_log_segment_write (DsLogSegment *self, DsLogGroup *group, GError **error)
{
  g_autoptr (GError) local_error = NULL;

  ds_log_group_seal (group, self->head.salt, self->hash);
  g_array_set_size (self->pieces, 0);
  ds_log_group_add_pieces (group, self->pieces);
  DS_FP ("log.before-write");
  if (!ds_log_segment_write_pieces (self, group->n_bytes, error))
    return FALSE;
  DS_FP ("log.written");
  if (!DS_PLANTED ("log-no-sync") &&
      !ds_durable_file_sync_data (self->fd, self->path, &local_error) &&
      !(DS_PLANTED ("log-syncs-again") &&
        ds_durable_file_sync_data (self->fd, self->path, NULL)))
    {
      ds_log_segment_end (self);
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }
  DS_FP ("log.synced");
  self->n_bytes += group->n_bytes;
  return TRUE;
}
