/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Records of one segment, through a window that is moved over the file.  Whatever a
 * length says, no more memory is asked for than there are bytes in the file, and no more
 * than the largest record has. */

#include "base/ds-log-scan-private.h"

#include "base/ds-durable-file-private.h"
#include "base/ds-error.h"
#include "base/ds-write-ahead-log-private.h"
#include "base/ds-planted-fault-private.h"

#include <unistd.h>
#include <xxhash.h>

#define DS_LOG_WINDOW_BYTES (256 * 1024)
/* What is hashed in search of whole records, in lengths of the segment: with made-up
 * lengths every byte could be hashed as often as there are bytes. */
#define DS_LOG_MAX_SEARCH 8
/* Disks write no less. */
#define DS_LOG_SECTOR_BYTES 512

gboolean
ds_log_scan_open (DsLogScan *self,
                  DsDurableDirectory *directory,
                  const DsLogSegmentFile *file,
                  GError **error)
{
  *self = (DsLogScan){ .salt = file->head.salt };
  self->path = ds_durable_directory_get_file_path (directory, file->name);
  self->fd =
      ds_durable_directory_open_file (directory, file->name, &self->n_bytes, error);
  return self->fd >= 0;
}

void
ds_log_scan_clear (DsLogScan *self)
{
  if (self->fd >= 0)
    close (self->fd);
  self->fd = -1;
  g_clear_pointer (&self->path, g_free);
  g_clear_pointer (&self->window, g_free);
}

/* @n_bytes from @offset on, which must lie in the file; NULL with error. */
static const guint8 *
ds_log_scan_look (DsLogScan *self, guint64 offset, gsize n_bytes, GError **error)
{
  gsize n_wanted = MAX (n_bytes, DS_LOG_WINDOW_BYTES);
  gssize n_read;

  if (offset >= self->window_offset &&
      offset + n_bytes <= self->window_offset + self->n_window)
    return self->window + (offset - self->window_offset);

  n_wanted = (gsize) MIN (n_wanted, self->n_bytes - offset);
  if (n_wanted > self->n_room)
    {
      guint8 *window = g_try_realloc (self->window, n_wanted);

      if (window == NULL)
        {
          g_set_error (error, DS_ERROR, DS_ERROR_LIMIT,
                       "Reading \"%s\" needs %" G_GSIZE_FORMAT
                       " bytes of memory, which there are not; nothing was changed: give "
                       "the process more",
                       self->path, n_wanted);
          return NULL;
        }
      self->window = window;
      self->n_room = n_wanted;
    }
  self->n_window = 0;
  n_read = ds_durable_file_read_at (self->fd, self->path, self->window, n_wanted, offset,
                                    error);
  if (n_read < 0)
    return NULL;
  if ((gsize) n_read < n_bytes)
    {
      g_set_error (error, DS_ERROR, DS_ERROR_IO,
                   "\"%s\" became shorter while it was read, at byte %" G_GUINT64_FORMAT
                   "; nothing was changed: somebody else writes in that directory",
                   self->path, offset + (guint64) n_read);
      return NULL;
    }
  self->window_offset = offset;
  self->n_window = (gsize) n_read;
  return self->window;
}

DsLogScanResult
ds_log_scan_record (DsLogScan *self,
                    guint64 offset,
                    DsLogRecord *record,
                    const guint8 **payload,
                    GError **error)
{
  guint64 n_left = self->n_bytes - MIN (offset, self->n_bytes);
  const guint8 *bytes;
  guint32 n_bytes;
  gsize size;

  if (n_left == 0)
    return DS_LOG_SCAN_END;
  if (n_left < ds_log_record_size (0))
    return DS_LOG_SCAN_BAD;
  bytes = ds_log_scan_look (self, offset, DS_LOG_FRAME_BYTES, error);
  if (bytes == NULL)
    return DS_LOG_SCAN_FAILED;
  n_bytes = ds_get_u32 (bytes + 4);
  size = ds_log_record_size (n_bytes);
  if (ds_get_u32 (bytes) != (DS_LOG_RECORD_MAGIC ^ (guint32) self->salt) ||
      n_bytes > DS_LOG_MAX_RECORD_BYTES || size > n_left)
    return DS_LOG_SCAN_BAD;

  bytes = ds_log_scan_look (self, offset, size, error);
  if (bytes == NULL)
    return DS_LOG_SCAN_FAILED;
  size -= DS_LOG_HASH_BYTES;
  if (ds_get_u64 (bytes + size) != XXH3_64bits_withSeed (bytes, size, self->salt) &&
      !DS_PLANTED ("log-skips-hash"))
    return DS_LOG_SCAN_BAD;
  record->sequence = ds_get_u64 (bytes + 8);
  record->type = ds_get_u16 (bytes + 16);
  record->offset = offset + DS_LOG_FRAME_BYTES;
  record->n_bytes = n_bytes;
  self->place = ds_get_u32 (bytes + 20);
  *payload = bytes + DS_LOG_FRAME_BYTES;
  return DS_LOG_SCAN_RECORD;
}

/* As many as can be looked at from @offset on without reading, or with one read. */
static gsize
ds_log_scan_count_at_hand (DsLogScan *self, guint64 offset)
{
  guint64 end = self->window_offset + self->n_window;

  if (offset >= self->window_offset && offset + DS_LOG_FRAME_BYTES <= end)
    return (gsize) (end - offset);
  return (gsize) MIN (self->n_bytes - offset, DS_LOG_WINDOW_BYTES);
}

/* From @offset on, the next place where the four bytes stand with which records begin. */
static gboolean
ds_log_scan_find_magic (DsLogScan *self,
                        guint64 *offset,
                        gboolean *is_found,
                        GError **error)
{
  guint8 magic[4];

  ds_put_u32 (magic, DS_LOG_RECORD_MAGIC ^ (guint32) self->salt);
  *is_found = FALSE;
  while (*offset + ds_log_record_size (0) <= self->n_bytes)
    {
      gsize n_bytes = ds_log_scan_count_at_hand (self, *offset);
      const guint8 *bytes = ds_log_scan_look (self, *offset, n_bytes, error);
      const guint8 *found;

      if (bytes == NULL)
        return FALSE;
      found = memmem (bytes, n_bytes, magic, sizeof magic);
      if (found != NULL)
        {
          *offset += (guint64) (found - bytes);
          *is_found = TRUE;
          return TRUE;
        }
      *offset += n_bytes - (sizeof magic - 1);
    }
  return TRUE;
}

/* What a look at the record that @offset is not may have cost. */
static gsize
ds_log_scan_count_searched (DsLogScan *self, guint64 offset)
{
  const guint8 *bytes = ds_log_scan_look (self, offset, DS_LOG_FRAME_BYTES, NULL);
  gsize size = bytes != NULL ? ds_log_record_size (ds_get_u32 (bytes + 4)) : 0;

  return size <= self->n_bytes - offset ? size : 0;
}

static void
ds_log_behind_add (DsLogBehind *self, DsLogScan *scan, guint64 offset, guint64 sequence)
{
  guint64 group = sequence - MIN (scan->place, sequence - 1);

  if (self->n_records++ == 0)
    {
      self->first_sequence = sequence;
      self->first_offset = offset;
      self->group = group;
      self->is_one_group = TRUE;
    }
  self->last_sequence = sequence;
  self->is_one_group = self->is_one_group && group == self->group;
}

gboolean
ds_log_scan_behind (DsLogScan *self,
                    guint64 offset,
                    guint64 min_sequence,
                    DsLogBehind *behind,
                    GError **error)
{
  guint64 n_searched = 0;
  gboolean is_found;

  *behind = (DsLogBehind){ 0 };
  while (ds_log_scan_find_magic (self, &offset, &is_found, error))
    {
      DsLogRecord record = { 0 };
      const guint8 *payload;
      DsLogScanResult result;

      if (!is_found)
        return TRUE;
      result = ds_log_scan_record (self, offset, &record, &payload, error);
      if (result == DS_LOG_SCAN_FAILED)
        return FALSE;
      if (result == DS_LOG_SCAN_RECORD && record.sequence >= min_sequence &&
          record.sequence <= DS_LOG_MAX_NUMBER)
        {
          ds_log_behind_add (behind, self, offset, record.sequence);
          min_sequence = record.sequence + 1;
          offset += ds_log_record_size (record.n_bytes);
        }
      else
        {
          n_searched += ds_log_scan_count_searched (self, offset);
          offset++;
        }
      if (n_searched / DS_LOG_MAX_SEARCH > self->n_bytes + DS_LOG_WINDOW_BYTES)
        {
          behind->is_cut_short = TRUE;
          return TRUE;
        }
    }
  return FALSE;
}

gboolean
ds_log_scan_find_hole (DsLogScan *self,
                       guint64 from,
                       guint64 to,
                       gboolean *is_found,
                       GError **error)
{
  *is_found = FALSE;
  while (!*is_found)
    {
      guint64 end = (from / DS_LOG_SECTOR_BYTES + 1) * DS_LOG_SECTOR_BYTES;
      gsize n_bytes = (gsize) (end - from);
      const guint8 *bytes;

      if (end > to)
        return TRUE;
      bytes = ds_log_scan_look (self, from, n_bytes, error);
      if (bytes == NULL)
        return FALSE;
      /* The first one may be short; but no record begins with eight zeros. */
      *is_found = bytes[0] == 0 && memcmp (bytes, bytes + 1, n_bytes - 1) == 0;
      from = end;
    }
  return TRUE;
}
