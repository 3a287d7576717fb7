/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* From segments to records.  The reader knows the number that must come next, and looks
 * from there: a segment is read up to its end or to the first thing that is no record;
 * what that means is decided by where the next segment begins. */

#include "base/ds-log-reader-private.h"

#include "base/ds-durable-file-private.h"
#include "base/ds-error.h"
#include "base/ds-failpoint-private.h"
#include "base/ds-log-scan-private.h"
#include "base/ds-write-ahead-log-private.h"

#include <unistd.h>
#include <xxhash.h>

typedef struct
{
  DsDurableDirectory *directory;
  GArray *segments; /* of DsLogSegmentFile, those that have no records left out */
  guint64 from;
  DsLogDamagePolicy policy;
  DsLogRecordFunc func;
  gpointer user_data;

  guint64 expected;     /* the number that comes next */
  gboolean is_finished; /* at a point in time */
} DsLogReading;

#define DS_LOG_WAYS_OUT                                               \
  "nothing was changed: put back a copy of the file, or begin anew: " \
  "ds_streaming_context_allow_fresh_start () puts what is there aside"

static const DsLogSegmentFile *
ds_log_reading_get (DsLogReading *self, guint i)
{
  return &g_array_index (self->segments, DsLogSegmentFile, i);
}

/* The next one whose head is whole; NULL: none. */
static const DsLogSegmentFile *
ds_log_reading_get_next (DsLogReading *self, guint i)
{
  for (i++; i < self->segments->len; i++)
    if (ds_log_reading_get (self, i)->is_whole)
      return ds_log_reading_get (self, i);
  return NULL;
}

/* ---- Damage ---- */

/* From segment @i on nothing is used; what is before @offset of it stays when @offset is
 * not 0. */
static gboolean
ds_log_reading_give_up (DsLogReading *self, guint i, guint64 offset, GError **error)
{
  self->is_finished = TRUE;
  if (ds_durable_directory_is_read_only (self->directory))
    return TRUE;
  /* From the end: what is left when this is interrupted is the same damage. */
  for (guint k = self->segments->len; k > i; k--)
    {
      const DsLogSegmentFile *file = ds_log_reading_get (self, k - 1);
      g_autofree char *aside = NULL;

      if (k - 1 == i && offset > 0)
        return ds_durable_directory_cut_file (self->directory, file->name, offset, error);
      aside = ds_durable_directory_set_aside (self->directory, file->name, error);
      if (aside == NULL)
        return FALSE;
    }
  return TRUE;
}

/* @what tells it all but the consequence.  Segment @i is the first that is not used, from
 * @offset on.  TRUE: the policy takes it. */
static gboolean
ds_log_reading_judge (DsLogReading *self,
                      guint i,
                      guint64 offset,
                      const char *what,
                      GError **error)
{
  switch (self->policy)
    {
    case DS_LOG_DAMAGE_FAIL:
      g_set_error (error, DS_ERROR, DS_ERROR_CORRUPT, "%s; " DS_LOG_WAYS_OUT, what);
      return FALSE;
    case DS_LOG_DAMAGE_POINT_IN_TIME:
      g_message ("%s; the log is used up to number %" G_GUINT64_FORMAT
                 " and what comes behind is %s, by the policy point-in-time",
                 what, self->expected - 1,
                 ds_durable_directory_is_read_only (self->directory) ? "not used"
                                                                     : "set aside");
      return ds_log_reading_give_up (self, i, offset, error);
    case DS_LOG_DAMAGE_SKIP:
      g_message ("%s; every record that is whole is used, by the policy skip", what);
      return TRUE;
    default:
      g_assert_not_reached ();
    }
}

static gboolean
ds_log_reading_judge_gap (DsLogReading *self, guint i, GError **error)
{
  const DsLogSegmentFile *file = ds_log_reading_get (self, i);
  g_autofree char *path =
      ds_durable_directory_get_file_path (self->directory, file->name);
  g_autofree char *what =
      g_strdup_printf ("The log has a gap: records %" G_GUINT64_FORMAT
                       " to %" G_GUINT64_FORMAT
                       " are missing before \"%s\", which begins with %" G_GUINT64_FORMAT,
                       self->expected, file->head.first_sequence - 1, path,
                       file->head.first_sequence);

  if (!ds_log_reading_judge (self, i, 0, what, error))
    return FALSE;
  if (!self->is_finished)
    self->expected = file->head.first_sequence;
  return TRUE;
}

/* What a power cut leaves of the last write: a beginning of it; or, as disks write in any
 * order, later parts of it with zeros before them.  There is never more than one write
 * that was not synced, so what else has whole records behind it is damage. */
static gboolean
ds_log_reading_is_torn (DsLogReading *self,
                        guint i,
                        DsLogScan *scan,
                        guint64 offset,
                        guint64 sequence,
                        const DsLogBehind *behind,
                        gboolean *is_torn,
                        GError **error)
{
  *is_torn = FALSE;
  if (i + 1 < self->segments->len || behind->is_cut_short)
    return TRUE;
  if (behind->n_records == 0)
    {
      *is_torn = TRUE;
      return TRUE;
    }
  return !behind->is_one_group || behind->group > sequence ||
         ds_log_scan_find_hole (scan, offset, behind->first_offset, is_torn, error);
}

/* The torn end of segment @i. */
static gboolean
ds_log_reading_cut (DsLogReading *self,
                    guint i,
                    DsLogScan *scan,
                    guint64 *offset,
                    GError **error)
{
  guint64 length = *offset;

  *offset = scan->n_bytes;
  DS_FP ("log.before-cut");
  return ds_durable_directory_is_read_only (self->directory) ||
         ds_durable_directory_cut_file (self->directory,
                                        ds_log_reading_get (self, i)->name, length,
                                        error);
}

static gboolean
ds_log_reading_judge_damage (DsLogReading *self,
                             guint i,
                             DsLogScan *scan,
                             guint64 offset,
                             guint64 sequence,
                             const DsLogBehind *behind,
                             GError **error)
{
  g_autofree char *what = g_strdup_printf (
      "\"%s\" is damaged at byte %" G_GUINT64_FORMAT ", where record %" G_GUINT64_FORMAT
      " should be; behind it %s%" G_GUINT64_FORMAT
      " whole records of that file%s are at risk",
      scan->path, offset, sequence, behind->is_cut_short ? "at least " : "",
      behind->n_records,
      ds_log_reading_get_next (self, i) != NULL ? " and all of the next ones" : "");

  return ds_log_reading_judge (self, i, offset, what, error);
}

/* Something else than a record at *@offset, though there should be one.  *@offset is
 * where to go on in this segment, or where it ends. */
static gboolean
ds_log_reading_judge_bad (DsLogReading *self,
                          guint i,
                          DsLogScan *scan,
                          guint64 *offset,
                          guint64 *sequence,
                          GError **error)
{
  const DsLogSegmentFile *next = ds_log_reading_get_next (self, i);
  DsLogBehind behind;
  gboolean is_torn;

  /* A group that was written once more: nothing is missing. */
  if (next != NULL && next->head.first_sequence <= self->expected)
    {
      *offset = scan->n_bytes;
      return TRUE;
    }
  if (!ds_log_scan_behind (scan, *offset + 1, *sequence, &behind, error))
    return FALSE;
  if (!ds_log_reading_is_torn (self, i, scan, *offset, *sequence, &behind, &is_torn,
                               error))
    return FALSE;
  if (is_torn)
    return ds_log_reading_cut (self, i, scan, offset, error);
  /* Unless only what nobody asked for is damaged. */
  if ((behind.n_records == 0 || behind.first_sequence > self->from) &&
      !ds_log_reading_judge_damage (self, i, scan, *offset, *sequence, &behind, error))
    return FALSE;
  *offset = scan->n_bytes;
  if (behind.n_records > 0)
    {
      *offset = behind.first_offset;
      *sequence = behind.first_sequence;
      self->expected = MAX (self->expected, *sequence);
    }
  return TRUE;
}

/* ---- Reading ---- */

static gboolean
ds_log_reading_deliver (DsLogReading *self,
                        const DsLogRecord *record,
                        const guint8 *payload,
                        GError **error)
{
  if (record->sequence < self->expected)
    return TRUE;
  self->expected = record->sequence + 1;
  return record->sequence < self->from ||
         self->func (record, payload, self->user_data, error);
}

static gboolean
ds_log_reading_read_segment (DsLogReading *self, guint i, DsLogScan *scan, GError **error)
{
  const DsLogSegmentFile *file = ds_log_reading_get (self, i);
  guint64 offset = DS_LOG_HEAD_BYTES;
  guint64 sequence = file->head.first_sequence;

  while (!self->is_finished)
    {
      DsLogRecord record = { .segment = file->number };
      const guint8 *payload;
      DsLogScanResult result =
          ds_log_scan_record (scan, offset, &record, &payload, error);

      if (result == DS_LOG_SCAN_FAILED)
        return FALSE;
      if (result == DS_LOG_SCAN_END)
        return TRUE;
      if (result == DS_LOG_SCAN_RECORD && record.sequence == sequence &&
          sequence <= DS_LOG_MAX_NUMBER)
        {
          if (!ds_log_reading_deliver (self, &record, payload, error))
            return FALSE;
          offset += ds_log_record_size (record.n_bytes);
          sequence++;
        }
      else if (!ds_log_reading_judge_bad (self, i, scan, &offset, &sequence, error))
        return FALSE;
    }
  return TRUE;
}

/* Nothing is known of what is in it. */
static gboolean
ds_log_reading_judge_headless (DsLogReading *self, guint i, GError **error)
{
  const DsLogSegmentFile *file = ds_log_reading_get (self, i);
  const DsLogSegmentFile *next = ds_log_reading_get_next (self, i);
  g_autofree char *path =
      ds_durable_directory_get_file_path (self->directory, file->name);
  g_autofree char *what = NULL;

  if (next != NULL && next->head.first_sequence <= self->expected)
    return TRUE;
  what = g_strdup_printf ("\"%s\" is damaged at byte 0: the head of the segment does not "
                          "have its form and checksum, so all %" G_GUINT64_FORMAT
                          " bytes of records in it are at risk",
                          path, file->n_bytes - DS_LOG_HEAD_BYTES);
  return ds_log_reading_judge (self, i, 0, what, error);
}

static gboolean
ds_log_reading_run_segment (DsLogReading *self, guint i, GError **error)
{
  const DsLogSegmentFile *file = ds_log_reading_get (self, i);
  DsLogScan scan;
  gboolean is_read;

  if (!file->is_whole)
    return ds_log_reading_judge_headless (self, i, error);
  if (file->head.first_sequence > self->expected &&
      (!ds_log_reading_judge_gap (self, i, error) || self->is_finished))
    return self->is_finished;
  is_read = ds_log_scan_open (&scan, self->directory, file, error) &&
            ds_log_reading_read_segment (self, i, &scan, error);
  ds_log_scan_clear (&scan);
  return is_read;
}

/* Where the number from which to read lies: the last segment that begins at or before it.
 * Older ones are only kept for older checkpoints, and need not be whole. */
static guint
ds_log_reading_find_start (DsLogReading *self)
{
  guint start = 0;

  for (guint i = 0; i < self->segments->len; i++)
    {
      const DsLogSegmentFile *file = ds_log_reading_get (self, i);

      if (file->is_whole && file->head.first_sequence <= self->from)
        start = i;
    }
  return start;
}

static gboolean
ds_log_reading_run (DsLogReading *self, GError **error)
{
  guint start = ds_log_reading_find_start (self);

  self->expected = self->from;
  if (self->segments->len > 0 && ds_log_reading_get (self, start)->is_whole)
    self->expected =
        MIN (self->from, ds_log_reading_get (self, start)->head.first_sequence);
  for (guint i = start; i < self->segments->len && !self->is_finished; i++)
    if (!ds_log_reading_run_segment (self, i, error))
      return FALSE;

  if (self->expected >= self->from || self->is_finished)
    return TRUE;

  g_autofree char *what =
      g_strdup_printf ("The log in \"%s\" ends with record %" G_GUINT64_FORMAT
                       ", but is needed from %" G_GUINT64_FORMAT
                       " on: its last segments are missing",
                       ds_durable_directory_get_path (self->directory),
                       self->expected - 1, self->from);

  return ds_log_reading_judge (self, self->segments->len, 0, what, error);
}

/* Segments that were begun and never had a head are no part of the log; they go. */
static gboolean
ds_log_reading_list (DsLogReading *self, guint64 *next_segment, GError **error)
{
  self->segments = ds_log_list_segments (self->directory, error);
  if (self->segments == NULL)
    return FALSE;
  *next_segment = 1;
  for (guint i = self->segments->len; i > 0; i--)
    {
      const DsLogSegmentFile *file = ds_log_reading_get (self, i - 1);

      *next_segment = MAX (*next_segment, file->number + 1);
      if (!ds_log_segment_is_void (file))
        continue;
      if (!ds_durable_directory_is_read_only (self->directory) &&
          !ds_durable_directory_remove_file (self->directory, file->name, error))
        return FALSE;
      g_array_remove_index (self->segments, i - 1);
    }
  if (self->segments->len > 0 || self->from <= 1 || self->policy != DS_LOG_DAMAGE_FAIL)
    return TRUE;
  /* A checkpoint that names a record was written beside a log. */
  g_set_error (error, DS_ERROR, DS_ERROR_CORRUPT,
               "The log in \"%s\" is missing: record %" G_GUINT64_FORMAT
               " is to be read next, and there is no file wal-* at all; nothing was "
               "changed; put the files back",
               ds_durable_directory_get_path (self->directory), self->from);
  return FALSE;
}

/* A process that was killed may have written what it never synced.  That was read from
 * memory, and the next records are numbered behind it: it has to last before they do, or
 * a power cut would leave a gap.  Segments that were put aside are not listed any more.
 */
static gboolean
ds_log_reading_sync (DsLogReading *self, GError **error)
{
  g_autoptr (GArray) segments = NULL;

  if (ds_durable_directory_is_read_only (self->directory))
    return TRUE;
  segments = ds_log_list_segments (self->directory, error);
  if (segments == NULL)
    return FALSE;
  for (guint i = 0; i < segments->len; i++)
    {
      const char *name = g_array_index (segments, DsLogSegmentFile, i).name;
      g_autofree char *path = ds_durable_directory_get_file_path (self->directory, name);
      guint64 n_bytes;
      int fd = ds_durable_directory_open_file (self->directory, name, &n_bytes, error);

      if (fd < 0 || !ds_durable_file_sync_and_close (fd, path, error))
        return FALSE;
    }
  return TRUE;
}

gboolean
ds_log_read (DsDurableDirectory *directory,
             guint64 from,
             DsLogDamagePolicy policy,
             DsLogRecordFunc func,
             gpointer user_data,
             guint64 *next_segment,
             guint64 *next_sequence,
             GError **error)
{
  DsLogReading reading = { directory, NULL, MAX (from, 1), policy, func,
                           user_data, 0,    FALSE };
  guint64 segment = 1;
  gboolean is_read = ds_log_reading_list (&reading, &segment, error) &&
                     ds_log_reading_run (&reading, error) &&
                     ds_log_reading_sync (&reading, error);

  if (next_segment != NULL)
    *next_segment = segment;
  if (next_sequence != NULL)
    *next_sequence = MAX (reading.expected, reading.from);
  g_clear_pointer (&reading.segments, g_array_unref);
  return is_read;
}

GBytes *
ds_log_read_payload (DsDurableDirectory *directory,
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
