/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One record of the log, long after the log was read: blocks that wait are left on the
 * disk until their batch comes. */

#include "base/ds-error.h"
#include "base/ds-log-scan-private.h"

#include <unistd.h>

/* Where it was when it was read. */
static GBytes *
ds_log_read_payload_there (DsDurableDirectory *directory,
                           const DsLogRecord *record,
                           GError **error)
{
  DsLogSegmentFile file = { .number = record->segment };
  DsLogRecord found = { 0 };
  DsLogScan scan = { .fd = -1 };
  DsLogScanResult result = DS_LOG_SCAN_FAILED;
  const guint8 *payload = NULL;
  GBytes *bytes = NULL;
  char name[24];
  int fd;

  ds_log_segment_name (record->segment, name);
  fd = ds_log_segment_open (directory, name, &file, error);
  if (fd < 0)
    return NULL;
  close (fd);
  if (file.is_whole && !ds_log_scan_open (&scan, directory, &file, error))
    return NULL;
  if (file.is_whole)
    result = ds_log_scan_record (&scan, record->offset - DS_LOG_FRAME_BYTES, &found,
                                 &payload, error);
  if (result == DS_LOG_SCAN_RECORD && found.sequence == record->sequence &&
      found.n_bytes == record->n_bytes)
    bytes = g_bytes_new (payload, found.n_bytes);
  else if (!file.is_whole || result != DS_LOG_SCAN_FAILED)
    g_set_error (error, DS_ERROR, DS_ERROR_CORRUPT,
                 "Record %" G_GUINT64_FORMAT " is not at byte %" G_GUINT64_FORMAT
                 " of \"%s/%s\" any more, where it was: the file was changed; put back a "
                 "copy of it",
                 record->sequence, record->offset,
                 ds_durable_directory_get_path (directory), name);
  ds_log_scan_clear (&scan);
  return bytes;
}

/* The record of number @sequence, wherever it is: what was written once more is in two
 * segments, and the first of them may have gone.  FALSE: nowhere. */
static gboolean
ds_log_find_record (DsDurableDirectory *directory, guint64 sequence, DsLogRecord *found)
{
  g_autoptr (GArray) segments = ds_log_list_segments (directory, NULL);
  gboolean is_found = FALSE;

  for (guint i = 0; segments != NULL && !is_found && i < segments->len; i++)
    {
      const DsLogSegmentFile *file = &g_array_index (segments, DsLogSegmentFile, i);
      guint64 offset = DS_LOG_HEAD_BYTES;
      const guint8 *payload;
      DsLogScan scan = { .fd = -1 };

      if (!file->is_whole || file->head.first_sequence > sequence)
        continue;
      while ((scan.fd >= 0 || ds_log_scan_open (&scan, directory, file, NULL)) &&
             !is_found &&
             ds_log_scan_record (&scan, offset, found, &payload, NULL) ==
                 DS_LOG_SCAN_RECORD)
        {
          is_found = found->sequence == sequence;
          found->segment = file->number;
          offset += ds_log_record_size (found->n_bytes);
        }
      ds_log_scan_clear (&scan);
    }
  return is_found;
}

GBytes *
ds_log_read_payload (DsDurableDirectory *directory,
                     const DsLogRecord *record,
                     GError **error)
{
  g_autoptr (GError) local_error = NULL;
  GBytes *bytes = ds_log_read_payload_there (directory, record, &local_error);
  DsLogRecord other;

  if (g_error_matches (local_error, DS_ERROR, DS_ERROR_NOT_FOUND) &&
      ds_log_find_record (directory, record->sequence, &other))
    return ds_log_read_payload_there (directory, &other, error);
  if (local_error != NULL)
    g_propagate_error (error, g_steal_pointer (&local_error));
  return bytes;
}
