/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The log as its callers see it: a queue in front of who writes, in ds-log-flusher.c. */

#include "base/ds-write-ahead-log-private.h"

#include "base/ds-error.h"
#include "base/ds-log-writer-private.h"

/* How often an append lets others go first. */
#define DS_LOG_N_YIELDS 200

/* ---- Making ---- */

static DsLogSettings
ds_log_complete_settings (const DsLogSettings *settings)
{
  DsLogSettings all = settings != NULL ? *settings : (DsLogSettings){ 0 };

  if (all.max_segment_bytes == 0)
    all.max_segment_bytes = 64 * 1024 * 1024;
  if (all.group_bytes == 0)
    all.group_bytes = 1024 * 1024;
  if (all.group_delay == 0)
    all.group_delay = 5 * 1000;
  if (all.max_waiting_bytes == 0)
    all.max_waiting_bytes = 64 * 1024 * 1024;
  if (all.retry_delay == 0)
    all.retry_delay = 100 * 1000;
  all.group_delay = MAX (all.group_delay, 0);
  all.retry_delay = MAX (all.retry_delay, 0);
  return all;
}

static void
ds_write_ahead_log_free (DsWriteAheadLog *self)
{
  ds_log_queue_clear (&self->waiting);
  for (DsLogGroup *group = self->spare, *next; group != NULL; group = next)
    {
      next = group->next;
      ds_log_group_free (group);
    }
  ds_log_segment_clear (&self->segment);
  g_clear_error (&self->failure);
  g_cond_clear (&self->changed);
  g_cond_clear (&self->wanted);
  g_mutex_clear (&self->lock);
  g_free (self);
}

/* A new thread begins where its maker is at work, and may have to wait until that sleeps:
 * some ms, which the first group would take longer. */
static void
ds_write_ahead_log_await_thread (DsWriteAheadLog *self)
{
  g_mutex_lock (&self->lock);
  while (!self->has_begun)
    g_cond_wait (&self->changed, &self->lock);
  g_mutex_unlock (&self->lock);
}

DsWriteAheadLog *
ds_write_ahead_log_new (DsDurableDirectory *directory,
                        guint64 next_segment,
                        guint64 next_sequence,
                        const DsLogSettings *settings,
                        GError **error)
{
  DsWriteAheadLog *self = g_new0 (DsWriteAheadLog, 1);

  g_assert (next_segment > 0 && next_sequence > 0);
  self->directory = directory;
  self->settings = ds_log_complete_settings (settings);
  g_mutex_init (&self->lock);
  g_cond_init (&self->wanted);
  g_cond_init (&self->changed);
  self->next_sequence = next_sequence;
  self->durable_sequence = next_sequence - 1;
  self->rotated_before = next_sequence;
  self->give_up_at = G_MAXINT64;
  ds_log_segment_init (&self->segment, directory, next_segment);

  if (ds_log_segment_begin (&self->segment, next_sequence, error))
    {
      self->segment_number = self->segment.head.number;
      self->segment_salt = self->segment.head.salt;
      self->n_planned = self->segment.n_bytes;
      self->thread = g_thread_try_new ("ds-log", ds_log_flusher_run, self, error);
    }
  if (self->thread != NULL)
    {
      ds_write_ahead_log_await_thread (self);
      return self;
    }
  ds_write_ahead_log_free (self);
  return NULL;
}

void
ds_write_ahead_log_set_durable_func (DsWriteAheadLog *self,
                                     DsLogDurableFunc func,
                                     gpointer user_data)
{
  g_mutex_lock (&self->lock);
  self->durable_func = func;
  self->durable_data = user_data;
  g_mutex_unlock (&self->lock);
}

void
ds_write_ahead_log_set_trouble_func (DsWriteAheadLog *self,
                                     DsLogTroubleFunc func,
                                     gpointer user_data)
{
  g_mutex_lock (&self->lock);
  self->trouble_func = func;
  self->trouble_data = user_data;
  g_mutex_unlock (&self->lock);
}

/* ---- Appending ---- */

static gboolean
ds_log_may_append_locked (DsWriteAheadLog *self, gsize size, GError **error)
{
  while (self->failure == NULL && !self->is_closing && self->n_unsafe_bytes > 0 &&
         self->n_unsafe_bytes + size > self->settings.max_waiting_bytes)
    g_cond_wait (&self->changed, &self->lock);

  if (self->failure != NULL)
    g_propagate_error (error, g_error_copy (self->failure));
  else if (self->is_closing)
    g_set_error (error, DS_ERROR, DS_ERROR_STOPPED,
                 "The log in \"%s\" is closed; the record was not taken",
                 ds_durable_directory_get_path (self->directory));
  return self->failure == NULL && !self->is_closing;
}

/* Where a record of @size goes: groups end with the segment that they go to, so none is
 * ever divided. */
static DsLogGroup *
ds_log_find_group_locked (DsWriteAheadLog *self, gsize size)
{
  gboolean has_room = self->n_planned + size <= self->settings.max_segment_bytes;
  DsLogGroup *group = self->waiting.last;

  if (group != NULL && has_room &&
      group->n_bytes + size <= DS_LOG_MAX_GROUPS * self->settings.group_bytes)
    return group;
  if (group != NULL)
    self->n_expected = ds_log_group_count_memory (group);
  if (!has_room)
    self->n_planned = DS_LOG_HEAD_BYTES;
  group = self->spare;
  if (group != NULL)
    {
      self->spare = group->next;
      self->n_spare--;
    }
  else
    group = ds_log_group_new ();
  ds_log_group_begin (group, self->next_sequence, self->segment_salt, self->n_expected);
  if (self->waiting.first == NULL)
    self->waiting_since = g_get_monotonic_time ();
  ds_log_queue_push (&self->waiting, group);
  return group;
}

typedef struct
{
  DsLogRecordType type;
  const DsLogPart *parts;
  guint n_parts;
  gsize n_bytes;
  gpointer owner;
  GDestroyNotify release;
} DsLogNewRecord;

static guint64
ds_log_push_locked (DsWriteAheadLog *self, const DsLogNewRecord *record, gsize size)
{
  gsize n_waiting = self->waiting.n_bytes;
  DsLogGroup *group = ds_log_find_group_locked (self, size);

  ds_log_group_append (group, record->type, record->parts, record->n_parts,
                       record->n_bytes, record->owner, record->release);
  self->waiting.n_bytes += size;
  self->n_unsafe_bytes += size;
  self->n_planned += size;
  /* The log's own thread has to hear of it. */
  if (n_waiting < self->settings.group_bytes &&
      self->waiting.n_bytes >= self->settings.group_bytes)
    {
      /* At rest it cannot ask for the lock itself; otherwise it may just be asking. */
      if (self->is_resting && !self->is_writing)
        g_atomic_int_set (&self->is_asked_in, TRUE);
      g_cond_signal (&self->wanted);
    }
  else if (n_waiting == 0)
    g_cond_signal (&self->wanted);
  return self->next_sequence++;
}

/* For some 100 us at most: it may wait for a processor, too. */
static void
ds_log_let_in (DsWriteAheadLog *self)
{
  for (guint i = 0; i < DS_LOG_N_YIELDS && g_atomic_int_get (&self->is_asked_in); i++)
    g_thread_yield ();
}

static guint64
ds_log_append_record (DsWriteAheadLog *self, const DsLogNewRecord *record, GError **error)
{
  gsize size = ds_log_record_size (record->n_bytes);
  guint64 sequence = 0;

  if (G_UNLIKELY (g_atomic_int_get (&self->is_asked_in)))
    ds_log_let_in (self);
  g_mutex_lock (&self->lock);
  if (ds_log_may_append_locked (self, size, error))
    sequence = ds_log_push_locked (self, record, size);
  g_mutex_unlock (&self->lock);
  return sequence;
}

/* Large parts without an owner: their copy is its own. */
static void
ds_log_copy_parts (DsLogNewRecord *record, DsLogPart *copy)
{
  guint8 *end = g_malloc (record->n_bytes);

  *copy = (DsLogPart){ end, record->n_bytes };
  record->owner = end;
  record->release = g_free;
  for (guint i = 0; i < record->n_parts; i++)
    if (record->parts[i].n_bytes > 0)
      {
        memcpy (end, record->parts[i].bytes, record->parts[i].n_bytes);
        end += record->parts[i].n_bytes;
      }
  record->parts = copy;
  record->n_parts = 1;
}

guint64
ds_write_ahead_log_append (DsWriteAheadLog *self,
                           DsLogRecordType type,
                           const DsLogPart *parts,
                           guint n_parts,
                           gpointer owner,
                           GDestroyNotify release,
                           GError **error)
{
  DsLogNewRecord record = { type, parts, n_parts, 0, owner, release };
  DsLogPart copy;
  guint64 sequence = 0;

  for (guint i = 0; i < n_parts && record.n_bytes <= DS_LOG_MAX_RECORD_BYTES; i++)
    record.n_bytes += MIN (parts[i].n_bytes, (gsize) DS_LOG_MAX_RECORD_BYTES + 1);

  if (record.n_bytes > DS_LOG_MAX_RECORD_BYTES)
    g_set_error (error, DS_ERROR, DS_ERROR_LIMIT,
                 "A record for the log in \"%s\" is larger than %u bytes, the most that "
                 "one may have; it was not taken: store smaller blocks",
                 ds_durable_directory_get_path (self->directory),
                 DS_LOG_MAX_RECORD_BYTES);
  else
    {
      if (release == NULL && ds_log_record_size (record.n_bytes) > DS_LOG_SMALL_RECORD)
        ds_log_copy_parts (&record, &copy);
      sequence = ds_log_append_record (self, &record, error);
    }
  if (sequence == 0 && record.release != NULL)
    record.release (record.owner);
  return sequence;
}

/* ---- What is durable ---- */

static void
ds_log_want_locked (DsWriteAheadLog *self, guint64 sequence)
{
  if (sequence <= self->wanted_sequence)
    return;
  self->wanted_sequence = sequence;
  if (sequence > self->durable_sequence)
    g_cond_signal (&self->wanted);
}

void
ds_write_ahead_log_request_sync (DsWriteAheadLog *self, guint64 sequence)
{
  g_mutex_lock (&self->lock);
  ds_log_want_locked (self, sequence);
  g_mutex_unlock (&self->lock);
}

gboolean
ds_write_ahead_log_sync (DsWriteAheadLog *self, guint64 sequence)
{
  gboolean is_durable;

  g_mutex_lock (&self->lock);
  while (self->durable_sequence < sequence && ds_log_lead_locked (self, sequence))
    ;
  is_durable = self->durable_sequence >= sequence;
  if (!is_durable)
    ds_log_want_locked (self, sequence);
  g_mutex_unlock (&self->lock);
  return is_durable;
}

gboolean
ds_write_ahead_log_await (DsWriteAheadLog *self, guint64 sequence, GError **error)
{
  gboolean is_durable;

  g_mutex_lock (&self->lock);
  g_assert (sequence < self->next_sequence);
  while (self->durable_sequence < sequence && self->failure == NULL)
    if (!ds_log_lead_locked (self, sequence))
      {
        ds_log_want_locked (self, sequence);
        g_cond_wait (&self->changed, &self->lock);
      }
  is_durable = self->durable_sequence >= sequence;
  if (!is_durable)
    g_propagate_error (error, g_error_copy (self->failure));
  g_mutex_unlock (&self->lock);
  return is_durable;
}

guint64
ds_write_ahead_log_get_durable_sequence (DsWriteAheadLog *self)
{
  guint64 sequence;

  g_mutex_lock (&self->lock);
  sequence = self->durable_sequence;
  g_mutex_unlock (&self->lock);
  return sequence;
}

guint64
ds_write_ahead_log_get_next_sequence (DsWriteAheadLog *self)
{
  guint64 sequence;

  g_mutex_lock (&self->lock);
  sequence = self->next_sequence;
  g_mutex_unlock (&self->lock);
  return sequence;
}

/* ---- Segments ---- */

guint64
ds_write_ahead_log_rotate (DsWriteAheadLog *self, GError **error)
{
  guint64 before;
  guint64 number = 0;

  g_mutex_lock (&self->lock);
  before = self->next_sequence;
  if (before > self->rotated_before)
    {
      self->rotate_before = MAX (self->rotate_before, before);
      g_cond_signal (&self->wanted);
    }
  while (self->rotated_before < before && self->failure == NULL && !self->is_closing)
    g_cond_wait (&self->changed, &self->lock);
  if (self->failure != NULL)
    g_propagate_error (error, g_error_copy (self->failure));
  else
    number = self->segment_number;
  g_mutex_unlock (&self->lock);
  return number;
}

gboolean
ds_write_ahead_log_remove_before (DsWriteAheadLog *self, guint64 sequence, GError **error)
{
  g_autoptr (GArray) segments = ds_log_list_segments (self->directory, error);
  guint n_removed = 0;

  if (segments == NULL)
    return FALSE;
  /* One that is followed by one that begins at or before @sequence is not needed.  What
   * lies between two of them is needed no more than they are. */
  for (guint i = 1; i < segments->len; i++)
    {
      const DsLogSegmentFile *file = &g_array_index (segments, DsLogSegmentFile, i);

      if (file->is_whole && file->head.first_sequence <= sequence)
        n_removed = i;
    }
  for (guint i = 0; i < n_removed; i++)
    if (!ds_durable_directory_remove_file (
            self->directory, g_array_index (segments, DsLogSegmentFile, i).name, error))
      return FALSE;
  return TRUE;
}

void
ds_write_ahead_log_give_up_at (DsWriteAheadLog *self, gint64 deadline)
{
  g_mutex_lock (&self->lock);
  self->give_up_at = MIN (self->give_up_at, deadline);
  g_cond_signal (&self->wanted);
  g_mutex_unlock (&self->lock);
}

gboolean
ds_write_ahead_log_close (DsWriteAheadLog *self, GError **error)
{
  gboolean is_well;

  g_mutex_lock (&self->lock);
  self->is_closing = TRUE;
  g_cond_broadcast (&self->wanted);
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
  g_thread_join (self->thread);
  is_well = self->failure == NULL;
  if (!is_well)
    g_propagate_error (error, g_error_copy (self->failure));
  ds_write_ahead_log_free (self);
  return is_well;
}
