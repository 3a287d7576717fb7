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

  /* What was written together with the last record; end_size 0: there is none. */
  guint end_segment;
  guint64 end_first; /* number of its first record */
  guint64 end_offset;
  guint64 end_size;
} DsLogReading;

/* Of the end of the log, that are copied at a time. */
#define DS_LOG_COPY_BYTES ((gsize) 256 * 1024)

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
 * order, later parts of it with zeros before them.  There is never more than one group
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
  guint64 group_offset = offset;
  guint64 group_first = sequence;

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
          if (scan->place == 0)
            {
              group_offset = offset;
              group_first = sequence;
            }
          offset += ds_log_record_size (record.n_bytes);
          if (sequence >= self->expected)
            {
              self->end_segment = i;
              self->end_first = group_first;
              self->end_offset = group_offset;
              self->end_size = offset - group_offset;
            }
          if (!ds_log_reading_deliver (self, &record, payload, error))
            return FALSE;
          sequence++;
        }
      else if (!ds_log_reading_judge_bad (self, i, scan, &offset, &sequence, error))
        return FALSE;
      else
        {
          group_offset = offset;
          group_first = sequence;
        }
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

/* @n_bytes from @offset on of @from, behind @head. */
static gboolean
ds_log_reading_copy (int from,
                     const char *from_path,
                     guint64 offset,
                     guint64 n_bytes,
                     const guint8 *head,
                     int to,
                     const char *to_path,
                     GError **error)
{
  g_autofree guint8 *bytes = g_malloc (DS_LOG_COPY_BYTES);

  if (!ds_durable_file_write (to, to_path, head, DS_LOG_HEAD_BYTES, error))
    return FALSE;
  while (n_bytes > 0)
    {
      gssize n_read = ds_durable_file_read_at (from, from_path, bytes,
                                               (gsize) MIN (n_bytes, DS_LOG_COPY_BYTES),
                                               offset, error);

      if (n_read == 0)
        g_set_error (error, DS_ERROR, DS_ERROR_IO,
                     "\"%s\" became shorter while it was read, at byte %" G_GUINT64_FORMAT
                     "; nothing was changed: somebody else writes in that directory",
                     from_path, offset);
      if (n_read <= 0 ||
          !ds_durable_file_write (to, to_path, bytes, (gsize) n_read, error))
        return FALSE;
      offset += (guint64) n_read;
      n_bytes -= (guint64) n_read;
    }
  return TRUE;
}

/* What was written last may be in memory only, after a sync that failed: the kernel takes
 * it for written then, and another sync of that file proves nothing.  As it was read, the
 * next records are numbered behind it, and without it a power cut would leave a gap.  So
 * it is written once more, as a segment of its own, which is there whole or not at all.
 * What was written before it had been synced, or it would not have been begun. */
static gboolean
ds_log_reading_save_end (DsLogReading *self, guint64 *next_segment, GError **error)
{
  g_autofree char *aside = NULL;
  g_autofree char *from_path = NULL;
  g_autofree char *to_path = NULL;
  guint8 head[DS_LOG_HEAD_BYTES];
  const DsLogSegmentFile *file;
  DsLogSegmentHead fields;
  gboolean is_copied;
  guint64 unused;
  char name[24];
  int from, to;

  if (self->end_size == 0 || ds_durable_directory_is_read_only (self->directory))
    return TRUE;
  file = ds_log_reading_get (self, self->end_segment);
  ds_log_segment_name (*next_segment, name);
  aside = g_strconcat (".tmp-", name, NULL);
  from_path = ds_durable_directory_get_file_path (self->directory, file->name);
  to_path = ds_durable_directory_get_file_path (self->directory, aside);
  /* With the salt of the other one records are the same, byte by byte. */
  fields = (DsLogSegmentHead){ *next_segment, self->end_first, file->head.salt };
  ds_log_encode_head (&fields, ds_durable_directory_get_application_id (self->directory),
                      head);

  from = ds_durable_directory_open_file (self->directory, file->name, &unused, error);
  if (from < 0)
    return FALSE;
  to = ds_durable_directory_create_file (self->directory, aside, error);
  is_copied = to >= 0 && ds_log_reading_copy (from, from_path, self->end_offset,
                                              self->end_size, head, to, to_path, error);
  close (from);
  if (is_copied)
    is_copied = ds_durable_file_sync_and_close (to, to_path, error);
  else if (to >= 0)
    close (to);
  if (!is_copied ||
      !ds_durable_directory_rename_file (self->directory, aside, name, error) ||
      !ds_durable_directory_sync_names (self->directory, error))
    return FALSE;
  ++*next_segment;
  return TRUE;
}

/* A process that was killed may have written what it never synced, and cut what is torn.
 * Segments that were put aside are not listed any more. */
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

static gboolean
ds_log_read_all (DsDurableDirectory *directory,
                 guint64 from,
                 DsLogDamagePolicy policy,
                 DsLogRecordFunc func,
                 gpointer user_data,
                 gboolean saves_end,
                 guint64 *next_segment,
                 guint64 *next_sequence,
                 GError **error)
{
  DsLogReading reading = { .directory = directory,
                           .from = MAX (from, 1),
                           .policy = policy,
                           .func = func,
                           .user_data = user_data };
  guint64 segment = 1;
  gboolean is_read = ds_log_reading_list (&reading, &segment, error) &&
                     ds_log_reading_run (&reading, error) &&
                     ds_log_reading_sync (&reading, error) &&
                     (!saves_end || ds_log_reading_save_end (&reading, &segment, error));

  if (next_segment != NULL)
    *next_segment = segment;
  if (next_sequence != NULL)
    *next_sequence = MAX (reading.expected, reading.from);
  g_clear_pointer (&reading.segments, g_array_unref);
  return is_read;
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
  return ds_log_read_all (directory, from, policy, func, user_data, FALSE, next_segment,
                          next_sequence, error);
}

gboolean
ds_log_recover (DsDurableDirectory *directory,
                guint64 from,
                DsLogDamagePolicy policy,
                DsLogRecordFunc func,
                gpointer user_data,
                guint64 *next_segment,
                guint64 *next_sequence,
                GError **error)
{
  return ds_log_read_all (directory, from, policy, func, user_data, TRUE, next_segment,
                          next_sequence, error);
}
